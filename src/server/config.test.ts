import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { object, optional, string, unknown } from '../base/check.ts';
import { Secret } from '../base/secret.ts';
import type { Protocol } from '../core/protocol.ts';
import { addressText, parseConfig, readConfig, type Config } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-config-'));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'policy'));
writeFileSync(join(folder, 'password'), 'from a file\n');
writeFileSync(join(folder, 'cert.pem'), '-----BEGIN CERTIFICATE-----\n');
writeFileSync(join(folder, 'key.pem'), '-----BEGIN PRIVATE KEY-----\n');

const postgres: Protocol = {
  name: 'postgres',
  port: 5432,
  verbs: {},
  attributes: {},
  settings: object({ address: string(), credentials: optional(unknown) }),
  start: () => {
    throw new Error('Not in this test');
  },
};

function parse(text: string): ReturnType<typeof parseConfig> {
  const variable = (name: string): string | undefined => ({ SET: 'from the environment', EMPTY: '' })[name];
  return parseConfig(text, join(folder, 'sallyport.yaml'), { protocols: [postgres], variable });
}

const minimal = `
listen: { postgres: 0.0.0.0:5432 }
policy: ./policy
resources:
  - { name: orders, kind: postgres, address: db:5432 }
`;

function good(text: string): Config {
  const read = parse(text);
  assert.ok(read.ok, read.ok ? '' : read.error.join('\n'));
  return read.value;
}

test('parseConfig() fills in the defaults', () => {
  const config = good(minimal);
  assert.equal(addressText(config.listen.api), '127.0.0.1:8420');
  assert.equal(config.plainFrom, 'loopback');
  assert.equal(config.log.level, 'info');
  assert.equal(config.limits.connections, 5_000);
  assert.equal(config.policy, join(folder, 'policy'));
  assert.deepEqual(config.resources[0]?.settings, { address: 'db:5432' });
  assert.deepEqual(config.directory.subjects, []);
});

test('parseConfig() reads everything there is', () => {
  const config = good(`${minimal}
name: gate-1
tls: { cert: cert.pem, key: key.pem }
limits: { connections: 7 }
log: { level: debug, format: json }
plainFrom: nowhere
identities:
  - { subject: ana, kind: human, groups: [analysts], attributes: { mfa: true } }
  - { subject: bot, kind: agent, actingFor: ana }
`);
  assert.equal(config.limits.connections, 7);
  assert.equal(config.limits.idleSeconds, 86_400);
  assert.equal(config.directory.find('bot')?.actingFor?.subject, 'ana');
  assert.equal(config.directory.find('ana')?.attributes['mfa'], true);
  assert.ok(config.tls?.key instanceof Secret);
});

test('parseConfig() puts secrets where the file refers to them', () => {
  const config = good(
    minimal.replace(
      'address: db:5432',
      'address: db:5432, credentials: { password: { env: SET }, pin: { file: password } }',
    ),
  );
  const settings = config.resources[0]?.settings as
    | { readonly credentials: { readonly password: Secret; readonly pin: Secret } }
    | undefined;
  assert.equal(settings?.credentials.password.reveal('test'), 'from the environment');
  assert.equal(settings.credentials.pin.reveal('test'), 'from a file');
  assert.equal(JSON.stringify(config).includes('from'), false);
});

const line = (yaml: string): string => `${minimal}${yaml}\n`;
const wrong: readonly (readonly [string, string, RegExp])[] = [
  ['no YAML', 'a: [', /sallyport\.yaml:1:\d+: Not YAML/],
  ['a key twice', line('policy: ./policy'), /Not YAML: .*unique/],
  ['nothing', '', /sallyport\.yaml: The file is empty/],
  ['a key that is nearly known', line('limit: {}'), /:6:1: limit: Unknown key; did you mean "limits"\?/],
  ['a limit that is nearly known', line('limits: { conections: 1 }'), /limits\.conections: .*"connections"/],
  ['a limit of nothing', line('limits: { connections: 0 }'), /limits\.connections: Expected a number from 1/],
  [
    'a protocol that is not there',
    minimal.replace('postgres: 0', 'postgras: 0'),
    /listen\.postgras: .*"postgres"/,
  ],
  [
    'a kind that is nearly known',
    minimal.replace('kind: postgres', 'kind: postgers'),
    /:5:27: resources\[0\]\.kind: .*"postgres"/,
  ],
  [
    'a resource without a listener',
    minimal.replace('postgres: 0.0.0.0:5432', ''),
    /listen\.postgres: Missing/,
  ],
  ['a port too large', minimal.replace('0:5432 }', '0:70000 }'), /listen\.postgres: Expected an address/],
  [
    'an address without a port',
    minimal.replace('0.0.0.0:5432', 'localhost'),
    /listen\.postgres: Expected an address/,
  ],
  ['a policy that is not there', minimal.replace('./policy', './nowhere'), /policy: There is no such folder/],
  ['a policy that is a file', minimal.replace('./policy', './password'), /policy: Expected the folder/],
  [
    'what else is wrong where a secret is not there',
    minimal.replace('db:5432 }', 'db:1, credentials: { env: UNSET }, adress: x }'),
    /credentials\.env: .*not set\n.*:5:\d+: resources\[0\]\.adress: Unknown key/,
  ],
  [
    'a policy from a program',
    minimal.replace('./policy', '{ git: "ext::sh -c x", ref: main }'),
    /policy\.git: Expected the URL/,
  ],
  [
    'what the protocol does not know',
    minimal.replace('address:', 'adress:'),
    /resources\[0\]\.adress: .*"address"/,
  ],
  [
    'two of one name',
    `${minimal}  - { name: orders, kind: postgres, address: b:1 }\n`,
    /resources\[1\]\.name: Another/,
  ],
  ['the reserved name', minimal.replace('orders', 'sallyport'), /resources\[0\]\.name: Reserved/],
  ['no resources', minimal.replace(/resources:[^]*/, 'resources: []'), /resources: Expected 1 to/],
  [
    'a variable that is not set',
    minimal.replace('db:5432 }', 'db:1, credentials: { env: UNSET } }'),
    /credentials\.env: .*not set/,
  ],
  [
    'a variable that is empty',
    minimal.replace('db:5432 }', 'db:1, credentials: { env: EMPTY } }'),
    /credentials\.env: .*not set/,
  ],
  [
    'a secret file that is not there',
    minimal.replace('db:5432 }', 'db:1, credentials: { file: nowhere } }'),
    /credentials\.file: Cannot be read: ENOENT/,
  ],
  ['a certificate that is none', line('tls: { cert: password, key: key.pem }'), /tls\.cert: Expected PEM/],
  [
    'delegation to nobody',
    line('identities: [{ subject: a, kind: agent, actingFor: zed }]'),
    /identities\[0\]: Acts for "zed"/,
  ],
  [
    'delegation in a circle',
    line('identities: [{ subject: a, kind: agent, actingFor: a }]'),
    /identities\[0\]: .*circle/,
  ],
  [
    'a subject with a line end',
    line('identities: [{ subject: "a\\nb", kind: human }]'),
    /identities\[0\]\.subject: Expected a word/,
  ],
];

for (const [name, text, message] of wrong) {
  test(`parseConfig() refuses ${name}`, () => {
    const read = parse(text);
    assert.equal(read.ok, false);
    assert.match(read.ok ? '' : read.error.join('\n'), message);
  });
}

test('parseConfig() names no secret in a problem', () => {
  const read = parse(minimal.replace('db:5432 }', 'db:1, credentials: { env: SET }, extra: { env: SET } }'));
  assert.equal(read.ok, false);
  assert.equal((read.ok ? '' : read.error.join()).includes('environment'), false);
});

test('readConfig() says which file cannot be read', () => {
  const read = readConfig(join(folder, 'none.yaml'), { protocols: [postgres] });
  assert.match(read.ok ? '' : read.error.join(), /none\.yaml: There is no such file; --config FILE/);
});

test('parseConfig() reads channels, and whose accounts are whose', () => {
  const config = good(`${minimal}
channels:
  slack: { app: A012, workspaces: [T012], channel: C012, botToken: { env: SET }, signingSecret: { file: ./password } }
identities:
  - { subject: lead, kind: human, accounts: { slack: [T012/U345] } }
`);
  assert.equal(config.accounts.get('slack T012/U345'), 'lead');
  assert.equal(config.channels?.slack?.signingSecret?.reveal('test'), 'from a file');
});

test('parseConfig() refuses an account of two, a secret in the file and a channel it does not know', () => {
  const read = parse(`${minimal}
channels:
  slack: { app: A012, workspaces: [T012], channel: C012, botToken: xoxb-in-the-file, appToken: { env: SET } }
  slak: {}
identities:
  - { subject: a, kind: human, accounts: { slack: [T012/U345] } }
  - { subject: b, kind: human, accounts: { slack: [T012/U345] } }
`);
  const problems = read.ok ? '' : read.error.join('\n');
  assert.match(problems, /identities\[1\]\.accounts\.slack: This account is linked twice/);
  assert.match(problems, /channels\.slack\.botToken: Expected \{ env: NAME \}/);
  assert.match(problems, /channels\.slak: Unknown key; did you mean "slack"/);
  assert.doesNotMatch(problems, /xoxb/);
});
