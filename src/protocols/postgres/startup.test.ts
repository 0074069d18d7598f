import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { WireError } from '../../base/errors.ts';
import { wirePair } from '../../base/memory-wire.ts';
import { Secret } from '../../base/secret.ts';
import type { SecureAs, Wire } from '../../base/stream.ts';
import { realWorld, type World } from '../../base/time.ts';
import { defaultLimits } from '../../core/limits.ts';
import { decodeBackend } from './decode.ts';
import * as encode from './encode.ts';
import { backendBounds, Frames } from './frames.ts';
import type { BackendMessage } from './messages.ts';
import { receiveStartup, type StartupOutcome, type StartupParts } from './startup.ts';

const startup = encode.startupMessage(0x3_0000, [
  ['user', 'alice'],
  ['database', 'shop'],
]);
const password = encode.passwordMessage('the-token');

function parts(more: Partial<StartupParts> = {}): StartupParts {
  return {
    plainAllowed: true,
    world: realWorld,
    limits: defaultLimits,
    signal: new AbortController().signal,
    ...more,
  };
}

/** A wire whose TLS is in name only: `secure` notes how it was asked and gives the same bytes on. */
function withTls(wire: Wire, alpn?: string): Wire & { readonly asked: SecureAs[] } {
  const asked: SecureAs[] = [];
  const secure = (as: SecureAs): Promise<Wire> => {
    asked.push(as);
    let ahead = as.kind === 'server' ? as.ahead : undefined;
    const { secure: _, ...rest } = wire;
    return Promise.resolve({
      ...rest,
      read: () => {
        const first = ahead;
        ahead = undefined;
        return first === undefined ? wire.read() : Promise.resolve(first.subarray(1));
      },
      tls: { protocol: 'TLSv1.3', ...(alpn === undefined ? {} : { alpn }) },
    });
  };
  return { ...wire, secure, asked };
}

const tls = { cert: 'c', key: new Secret('k') };

async function answers(wire: Wire): Promise<BackendMessage[]> {
  const frames = new Frames(backendBounds(65_536));
  const got: BackendMessage[] = [];
  for (let chunk = await wire.read(); chunk !== undefined; chunk = await wire.read()) {
    frames.push(chunk);
    while (frames.next()) got.push(decodeBackend(frames));
  }
  return got;
}

/** Sends pieces one after the other without waiting; gives the outcome and everything that was answered. */
async function talk(
  pieces: readonly Uint8Array[],
  given: StartupParts = parts(),
): Promise<{ readonly outcome: StartupOutcome; readonly said: BackendMessage[] }> {
  const [client, server] = wirePair();
  const outcome = receiveStartup(server, given);
  for (const piece of pieces) await client.write(piece);
  const got = await outcome;
  server.end();
  return { outcome: got, said: await answers(client) };
}

test('receiveStartup() takes user, database, settings and token', async () => {
  const packet = encode.startupMessage(0x3_0000, [
    ['user', 'alice'],
    ['database', 'shop/other'],
    ['application_name', 'psql'],
    ['client_encoding', 'UTF8'],
  ]);
  const { outcome, said } = await talk([packet, password]);
  assert.ok(outcome.kind === 'session');
  assert.equal(outcome.user, 'alice');
  assert.equal(outcome.database, 'shop/other');
  assert.equal(outcome.token.reveal('test'), 'the-token');
  assert.deepEqual([...outcome.parameters], [['application_name', 'psql']]);
  assert.deepEqual([outcome.protocol, outcome.secretBytes], ['3.0', 4]);
  assert.deepEqual(
    said.map(({ kind }) => kind),
    ['Authentication'],
  );
});

test('receiveStartup() reads the same wherever the bytes are cut', async () => {
  const whole = Buffer.concat([startup, password]);
  for (let at = 1; at < whole.length; at++) {
    const { outcome } = await talk([whole.subarray(0, at), whole.subarray(at)]);
    assert.ok(
      outcome.kind === 'session' && outcome.user === 'alice' && outcome.database === 'shop',
      String(at),
    );
  }
  const { outcome } = await talk(Array.from(whole, (_, at) => whole.subarray(at, at + 1)));
  assert.equal(outcome.kind, 'session');
});

test('receiveStartup() negotiates 3.2 and says what it does not know', async () => {
  for (const [version, names, protocol, negotiated] of [
    [0x3_0000, [], '3.0', undefined],
    [0x3_0001, [], '3.0', 0x3_0000],
    [0x3_0002, [], '3.2', undefined],
    [0x3_0003, [], '3.2', 0x3_0002],
    [0x3_270f, ['_pq_.test'], '3.2', 0x3_0002],
    [0x3_0000, ['_pq_.a', '_pq_.b'], '3.0', 0x3_0000],
  ] as const) {
    const packet = encode.startupMessage(version, [
      ['user', 'a'],
      ...names.map((name) => [name, 'x'] as const),
    ]);
    const { outcome, said } = await talk([packet, password]);
    assert.ok(outcome.kind === 'session');
    assert.equal(outcome.protocol, protocol);
    assert.equal(outcome.secretBytes, protocol === '3.2' ? 32 : 4);
    const [first] = said;
    if (negotiated === undefined) assert.equal(first?.kind, 'Authentication');
    else {
      assert.ok(first?.kind === 'NegotiateProtocolVersion');
      assert.deepEqual([first.version, first.unknown], [negotiated, names]);
    }
  }
});

test('receiveStartup() refuses in the client’s own protocol, before any token is asked for', async () => {
  const from = (entries: readonly (readonly [string, string])[], version = 0x3_0000): Uint8Array =>
    encode.startupMessage(version, entries);
  const who = ['user', 'a'] as const;
  for (const [packet, sqlstate, given] of [
    [from([who, ['replication', 'true']]), '42501', {}],
    [from([who, ['options', '-c role=postgres']]), '42501', {}],
    [from([who, ['client_encoding', 'SJIS']]), '22023', {}],
    [from([['database', 'x']]), '28000', {}],
    [from([who], 0x2_0000), '0A000', {}],
    [from([who], 0x4_0000), '0A000', {}],
    [from([who]), '28000', { plainAllowed: false }],
  ] as const) {
    const { outcome, said } = await talk([packet], parts(given));
    assert.deepEqual(outcome, { kind: 'refused', sqlstate });
    assert.equal(said.length, 1);
    assert.ok(said[0]?.kind === 'ErrorResponse');
    assert.equal(said[0].fields.get('S'), 'FATAL');
    assert.equal(said[0].fields.get('C'), sqlstate);
    assert.ok((said[0].fields.get('H') ?? '').length > 10);
  }
  const { outcome } = await talk([startup, encode.passwordMessage('')]);
  assert.deepEqual(outcome, { kind: 'refused', sqlstate: '28P01' });
});

test('receiveStartup() hands a cancel request out', async () => {
  for (const key of [Buffer.from('1234'), Buffer.alloc(32, 5)]) {
    const { outcome } = await talk([encode.cancelRequest(99, key)]);
    assert.ok(outcome.kind === 'cancel');
    assert.deepEqual([outcome.process, Buffer.from(outcome.key)], [99, key]);
  }
});

test('receiveStartup() answers N to encryption it does not offer, each once', async () => {
  const [client, server] = wirePair();
  const outcome = receiveStartup(server, parts());
  await client.write(encode.gssEncryptionRequest);
  assert.deepEqual(await client.read(), Uint8Array.of(0x4e));
  await client.write(encode.sslRequest);
  assert.deepEqual(await client.read(), Uint8Array.of(0x4e));
  await client.write(encode.sslRequest);
  await assert.rejects(outcome, { code: 'unexpected-message' });
});

test('receiveStartup() secures on request and then takes the token', async () => {
  const [client, server] = wirePair();
  const wire = withTls(server);
  const outcome = receiveStartup(wire, parts({ tls, plainAllowed: false }));
  await client.write(encode.sslRequest);
  assert.deepEqual(await client.read(), Uint8Array.of(0x53));
  await client.write(startup);
  await client.write(password);
  const got = await outcome;
  assert.ok(got.kind === 'session' && got.wire.tls?.protocol === 'TLSv1.3');
  assert.deepEqual(wire.asked, [{ kind: 'server', cert: 'c', key: 'k', alpn: ['postgresql'] }]);
});

test('receiveStartup() takes TLS at once only with ALPN postgresql', async () => {
  const hello = Buffer.concat([Buffer.from([0x16]), startup]); // the fake TLS gives on what follows the first byte
  const [client, server] = wirePair();
  const wire = withTls(server, 'postgresql');
  const outcome = receiveStartup(wire, parts({ tls }));
  await client.write(hello);
  await client.write(password);
  assert.equal((await outcome).kind, 'session');
  assert.ok(wire.asked[0]?.kind === 'server' && wire.asked[0].ahead?.length === hello.length);

  for (const alpn of [undefined, 'http/1.1']) {
    const [other, side] = wirePair();
    const refused = receiveStartup(withTls(side, alpn), parts({ tls }));
    await other.write(hello);
    await assert.rejects(refused, { code: 'unsupported' });
  }
  const [other, side] = wirePair();
  const without = receiveStartup(withTls(side, 'postgresql'), parts());
  await other.write(hello);
  await assert.rejects(without, { code: 'unsupported' });
});

test('receiveStartup() kills a client whose bytes came before the handshake (CVE-2021-23222)', async () => {
  const [client, server] = wirePair();
  const wire = withTls(server);
  const outcome = receiveStartup(wire, parts({ tls }));
  await client.write(Buffer.concat([encode.sslRequest, startup]));
  await assert.rejects(outcome, { code: 'unexpected-message' });
  assert.equal(wire.asked.length, 0);
});

test('receiveStartup() ends with a WireError at what no client sends', async () => {
  for (const [bytes, code] of [
    [Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'bad-length'],
    [Buffer.from([0, 0, 0, 7, 0, 0, 0, 0]), 'bad-length'],
    [Buffer.from([0, 0, 0x27, 0x11, 0, 3, 0, 0]), 'bad-length'],
    [Buffer.from([0xff, 0xff, 0xff, 0xff]), 'bad-length'],
    [Buffer.concat([startup, encode.query('SELECT 1')]), 'unexpected-message'],
    [Buffer.concat([startup, password, encode.query('SELECT 1')]), 'unexpected-message'],
    [Buffer.concat([startup, Buffer.from([0x70, 0x7f, 0xff, 0xff, 0xff])]), 'bad-length'],
  ] as const) {
    await assert.rejects(talk([bytes]), (error) => error instanceof WireError && error.code === code);
  }
  const [client, server] = wirePair();
  const outcome = receiveStartup(server, parts());
  await client.write(startup);
  client.end();
  await assert.rejects(outcome, { code: 'closed' });
});

test('receiveStartup() gives up after signInSeconds, and when it is told to stop', async () => {
  const calls: (() => void)[] = [];
  const world: World = {
    ...realWorld,
    after: (ms, call) => {
      assert.equal(ms, defaultLimits.signInSeconds * 1_000);
      calls.push(call);
      return { [Symbol.dispose]: () => {} };
    },
  };
  const [client, server] = wirePair();
  const outcome = receiveStartup(server, parts({ world }));
  await client.write(startup);
  for (const call of calls) call();
  await assert.rejects(outcome, { code: 'deadline' });

  const stop = new AbortController();
  const [, side] = wirePair();
  const stopped = receiveStartup(side, parts({ signal: stop.signal }));
  stop.abort();
  await assert.rejects(stopped, { code: 'closed' });
});

test('random damage to a startup ends in an outcome or a WireError', async () => {
  const whole = Buffer.concat([startup, password]);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.nat(whole.length),
      async (changes, cut) => {
        const damaged = Buffer.from(whole);
        for (const [at, byte] of changes) damaged[at] = byte;
        const [client, server] = wirePair();
        const outcome = receiveStartup(server, parts());
        const sending = (async () => {
          await client.write(damaged.subarray(0, cut));
          await client.write(damaged.subarray(cut));
          client.end();
        })();
        try {
          await outcome;
        } catch (error) {
          assert.ok(error instanceof WireError, String(error));
        }
        server.destroy();
        await sending.catch(() => {});
      },
    ),
    { numRuns: 1_000 },
  );
});
