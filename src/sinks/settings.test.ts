import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../base/secret.ts';
import { sinkSettings } from './settings.ts';

const token = new Secret('a token');
const secret = new Secret(`whsec_${Buffer.alloc(32).toString('base64')}`);
const splunk = { name: 'siem', kind: 'splunk', url: 'https://splunk.example:8088/', token };

test('sinkSettings reads every kind, and fills in what is not said', () => {
  const read = sinkSettings(
    [
      splunk,
      { name: 'otlp', kind: 'otlp', url: 'http://127.0.0.1:4318/v1/logs', headers: { authorization: token } },
      { name: 'syslog', kind: 'syslog', host: 'logs.example', port: 6514 },
      { name: 'files', kind: 'file', folder: '/var/out' },
      {
        name: 'hook',
        kind: 'webhook',
        url: 'https://hooks.example/a',
        secret,
        format: 'entry',
        include: { personal: true, texts: 'masked' },
        batch: { entries: 10, every: '5s' },
        spool: { entries: 100, whenFull: 'deny' },
      },
    ],
    'sinks',
  );
  assert.ok(read.ok, JSON.stringify(read));
  const [first, , , files, hook] = read.value;
  assert.deepEqual(first, {
    name: 'siem',
    format: 'ocsf',
    personal: false,
    texts: 'none',
    batch: { entries: 500, ms: 1_000 },
    spool: { entries: 1_000_000, whenFull: 'continue' },
    to: { kind: 'splunk', url: 'https://splunk.example:8088', token },
  });
  assert.equal(files?.batch.ms, 60_000);
  assert.deepEqual(
    [hook?.personal, hook?.texts, hook?.batch.ms, hook?.spool.whenFull],
    [true, 'masked', 5_000, 'deny'],
  );
});

const wrong: readonly (readonly [path: string, sinks: readonly unknown[]])[] = [
  ['sinks[0].kind', [{ name: 'a', kind: 'kafka' }]],
  ['sinks[0].token', [{ ...splunk, token: 'in the file' }]],
  ['sinks[0].url', [{ ...splunk, url: 'http://splunk.example' }]],
  ['sinks[0].url', [{ ...splunk, url: 'https://u:p@splunk.example' }]],
  ['sinks[0].name', [{ ...splunk, name: '../../etc' }]],
  ['sinks[1].name', [splunk, splunk]],
  ['sinks[0].include.texts', [{ ...splunk, include: { texts: 'clear' } }]],
  ['sinks[0].folder', [{ name: 'f', kind: 'file', folder: 'relative' }]],
  ['sinks[0].ca', [{ name: 's', kind: 'syslog', host: 'h', port: 1, ca: new Secret('no pem') }]],
  ['sinks[0].spool.whenFull', [{ ...splunk, spool: { whenFull: 'drop' } }]],
  ['sinks[0].tokken', [{ ...splunk, tokken: token }]],
];

for (const [path, sinks] of wrong) {
  test(`sinkSettings finds what is wrong at ${path}`, () => {
    const read = sinkSettings(sinks, 'sinks');
    assert.deepEqual(read.ok ? [] : read.error.map((problem) => problem.path), [path]);
  });
}
