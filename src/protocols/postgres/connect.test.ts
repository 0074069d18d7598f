import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../base/errors.ts';
import { wirePair } from '../../base/memory-wire.ts';
import { Secret } from '../../base/secret.ts';
import type { Wire } from '../../base/stream.ts';
import { realWorld, type World } from '../../base/time.ts';
import { defaultLimits } from '../../core/limits.ts';
import { cancelUpstream, connectUpstream, type ConnectParts } from './connect.ts';
import * as encode from './encode.ts';
import { type FakeParts, fakePostgres, type Fake } from './fake.ts';
import { simpleQuery } from './query.ts';
import type { PostgresSettings } from './settings.ts';

const base: PostgresSettings = {
  address: 'db:5432',
  database: 'shop',
  user: 'gate',
  password: new Secret('pass word'),
  tls: 'disable',
  serverName: 'db',
};

interface Given {
  readonly settings?: Partial<PostgresSettings>;
  readonly tls?: Wire['tls'];
  readonly more?: Partial<ConnectParts>;
}

function connecting(server: (wire: Wire) => void, { settings, tls, more }: Given = {}): ConnectParts {
  return {
    settings: { ...base, ...settings },
    parameters: new Map(),
    dial: () => {
      const [ours, theirs] = wirePair();
      server(theirs);
      return Promise.resolve(tls === undefined ? ours : { ...ours, tls });
    },
    limits: defaultLimits,
    world: realWorld,
    signal: new AbortController().signal,
    ...more,
  };
}

function withFake(
  parts: Partial<FakeParts>,
  given?: Given,
): { readonly parts: ConnectParts; readonly fake: () => Fake } {
  let fake: Fake | undefined;
  return {
    parts: connecting(
      (wire) => (fake = fakePostgres(wire, { answer: () => [{ kind: 'empty' }], ...parts })),
      given,
    ),
    fake: () => fake ?? assert.fail('nobody connected'),
  };
}

for (const auth of [
  { kind: 'trust' },
  { kind: 'scram', password: 'pass word' },
  { kind: 'md5', password: 'pass word' },
] as const) {
  test(`connectUpstream() signs in with ${auth.kind} and gives what the server reported`, async () => {
    const { parts, fake } = withFake(
      { auth, parameters: { server_version: '17.2' } },
      {
        more: {
          database: 'other',
          parameters: new Map([
            ['application_name', 'psql'],
            ['user', 'postgres'],
          ]),
        },
      },
    );
    const link = await connectUpstream(parts);
    assert.equal(link.parameters.get('server_version'), '17.2');
    assert.equal(link.key?.process, 1_234);
    assert.deepEqual(Object.fromEntries(fake().startup), {
      application_name: 'psql',
      user: 'gate', // what a client may pass on never says who we are
      database: 'other',
      client_encoding: 'UTF8',
      standard_conforming_strings: 'on',
    });
    link.wire.destroy();
  });
}

async function faultOf(parts: ConnectParts, code: string): Promise<string> {
  let message = '';
  await assert.rejects(connectUpstream(parts), (error) => {
    assert.ok(error instanceof Fault, String(error));
    assert.equal(error.code, code);
    message = error.message;
    return true;
  });
  assert.ok(!message.includes('pass word'), message);
  return message;
}

test('connectUpstream() tells a wrong password from a server that is not there', async () => {
  for (const kind of ['scram', 'md5'] as const) {
    const { parts } = withFake({ auth: { kind, password: 'another' } });
    assert.match(await faultOf(parts, 'upstream-auth'), /does not take the sign-in of "gate": .*\(28P01\)$/);
  }
  const { password: _, ...without } = base;
  const { parts } = withFake({ auth: { kind: 'scram', password: 'x' } });
  assert.match(
    await faultOf({ ...parts, settings: without }, 'upstream-auth'),
    /credentials.password is not set/,
  );
  const full = connecting((wire) => {
    void wire.write(
      encode.errorResponse({
        severity: 'FATAL',
        sqlstate: '53300',
        message: 'too many clients',
        detail: 'pass word',
      }),
    );
  });
  assert.match(await faultOf(full, 'unreachable'), /too many clients \(53300\)$/);
});

test('connectUpstream() gives a password in clear only to a server whose certificate was checked', async () => {
  const auth = { kind: 'cleartext', password: 'pass word' } as const;
  for (const given of [{}, { settings: { tls: 'require' }, tls: { protocol: 'TLSv1.3' } }] as const) {
    const { parts, fake } = withFake({ auth }, given);
    const asked = given.tls === undefined ? parts : secured(parts);
    assert.match(await faultOf(asked, 'upstream-auth'), /in clear/);
    assert.equal(fake().bytes, 0);
  }
});

/** As if the handshake had been made: answers SSLRequest and upgrades to the same bytes. */
function secured(parts: ConnectParts): ConnectParts {
  return {
    ...parts,
    dial: async (address, signal) => {
      const inner = await parts.dial(address, signal);
      let answered = false;
      return {
        ...inner,
        tls: undefined as never,
        write: (bytes) => (answered ? inner.write(bytes) : undefined),
        read: () => {
          if (answered) return inner.read();
          answered = true;
          return Promise.resolve(Buffer.from('S'));
        },
        secure: () => Promise.resolve(inner),
      };
    },
  };
}

test('connectUpstream() refuses a server that skips its own proof or wants something else', async () => {
  const saying = (...messages: readonly Uint8Array[]): ConnectParts =>
    connecting((wire) => {
      void (async () => {
        for (const message of messages) {
          await wire.read();
          await wire.write(message);
        }
      })().catch(() => {});
    });
  for (const [parts, code, why] of [
    [
      saying(encode.authenticationSasl(['SCRAM-SHA-256']), encode.authenticationOk),
      'upstream-auth',
      /did not prove/,
    ],
    [saying(encode.authenticationSasl(['SCRAM-SHA-256-PLUS'])), 'upstream-auth', /offers no SCRAM-SHA-256/],
    [saying(encode.authenticationSasl(['OAUTHBEARER'])), 'upstream-auth', /offers no SCRAM/],
    [saying(Buffer.from('520000000800000007', 'hex')), 'upstream-auth', /unsupported kind of sign-in \(7\)/],
    [saying(encode.authenticationSaslFinal(Buffer.from('v='))), 'upstream-auth', /not begun/],
    [
      saying(
        encode.authenticationSasl(['SCRAM-SHA-256']),
        encode.authenticationSaslContinue(Buffer.from('r=x')),
      ),
      'upstream-auth',
      /malformed/,
    ],
    [saying(encode.readyForQuery('I')), 'unreachable', /ReadyForQuery/],
    [saying(encode.join([encode.authenticationOk, encode.dataRow([])])), 'unreachable', /DataRow/],
    [saying(Buffer.from('HTTP/1.1 400 Bad Request')), 'unreachable', /cannot be used/],
    [connecting((wire) => wire.end()), 'unreachable', /closed the connection/],
  ] as const) {
    assert.match(await faultOf(parts, code), why);
  }
});

test('connectUpstream() with TLS refuses a server without it, and bytes behind its answer', async () => {
  const answering = (answer: string): ConnectParts =>
    connecting((wire) => void wire.write(Buffer.from(answer)), { settings: { tls: 'verify-full' } });
  assert.match(await faultOf(answering('N'), 'unreachable'), /offers no TLS/);
  assert.match(await faultOf(answering('SE'), 'unreachable'), /more than an answer/);
});

test('connectUpstream() gives up in time, and when it is told to', async () => {
  const calls: (() => void)[] = [];
  const world: World = {
    ...realWorld,
    after: (_, call) => {
      calls.push(call);
      return { [Symbol.dispose]: () => {} };
    },
  };
  const silent = faultOf(
    connecting(() => {}, { more: { world } }),
    'unreachable',
  );
  await new Promise(setImmediate);
  for (const call of calls) call();
  assert.match(await silent, /no sign-in within 10 s/);
  const stop = new AbortController();
  const stopped = faultOf(
    connecting(() => {}, { more: { signal: stop.signal } }),
    'unreachable',
  );
  stop.abort();
  assert.match(await stopped, /given up/);
});

test('simpleQuery() gives all rows, and leaves what comes behind them to the next reader', async () => {
  const late = encode.notificationResponse(1, 'c', 'p');
  const { parts, fake } = withFake({
    answer: (text) =>
      text === 'bad'
        ? [{ kind: 'error', sqlstate: '42P01', message: 'relation "secret" does not exist' }]
        : [
            { kind: 'rows', fields: [encode.textField('a')], rows: [['1'], [null]] },
            { kind: 'rows', fields: [encode.textField('a')], rows: [['ö']] },
          ],
    aside: () => encode.join([encode.parameterStatus('TimeZone', 'UTC'), late]),
  });
  const link = await connectUpstream(parts);
  assert.deepEqual(await simpleQuery(link, 'a; b'), [['1'], [null], ['ö']]);
  assert.equal(link.parameters.get('TimeZone'), 'UTC');
  await assert.rejects(simpleQuery(link, 'bad'), (error) => {
    assert.ok(error instanceof Fault && error.code === 'catalogue');
    assert.equal(error.message, 'A query of the gateway itself failed (SQLSTATE 42P01)');
    return true;
  });
  assert.equal((await simpleQuery(link, 'again')).length, 3);
  link.unread(Buffer.from('behind'));
  assert.deepEqual(await link.wire.read(), Buffer.from('behind'));
  assert.deepEqual(fake().statements, ['a; b', 'bad', 'again']);
  link.wire.destroy();
  await assert.rejects(simpleQuery(link, 'x'), { code: 'closed' });
});

test('cancelUpstream() sends the key on a connection of its own', async () => {
  const { parts, fake } = withFake({});
  await cancelUpstream({ ...parts, key: { process: 1_234, secret: Buffer.from('fake') } });
  assert.equal(fake().cancelled, 1);
});
