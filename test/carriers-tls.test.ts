import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { connect } from 'node:net';
import { test } from 'node:test';
import { Fault, WireError } from '../src/base/errors.ts';
import type { SecureAs, Wire } from '../src/base/stream.ts';
import { dialTcp, listenTcp } from '../src/carriers/tcp.ts';
import { endPointHash } from '../src/carriers/tls.ts';
import { type Certificates, makeCertificates } from './e2e/harness/certificates.ts';

const never = new AbortController().signal;
const certificates: Promise<Certificates> = makeCertificates();

interface Ends extends AsyncDisposable {
  readonly client: Wire;
  readonly server: Wire;
}

async function pair(): Promise<Ends> {
  const accepted = Promise.withResolvers<Wire>();
  const listener = await listenTcp({ host: '127.0.0.1', port: 0, onWire: accepted.resolve });
  const client = await dialTcp(`127.0.0.1:${listener.port}`, never, 60_000);
  const server = await accepted.promise;
  return {
    client,
    server,
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      server.destroy();
      await listener.close();
      await Promise.all([client.closed, server.closed]);
    },
  };
}

async function asServer(more: Partial<SecureAs & { kind: 'server' }> = {}): Promise<SecureAs> {
  return { kind: 'server', ...(await certificates).server, ...more };
}

async function asClient(more: Partial<SecureAs & { kind: 'client' }> = {}): Promise<SecureAs> {
  return {
    kind: 'client',
    serverName: 'localhost',
    verify: 'verify-full',
    ca: (await certificates).ca.cert,
    ...more,
  };
}

async function upgrade(wire: Wire, as: SecureAs): Promise<Wire> {
  assert.ok(wire.secure !== undefined);
  return wire.secure(as);
}

async function readAll(wire: Wire): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await wire.read(); chunk !== undefined; chunk = await wire.read())
    chunks.push(chunk.slice());
  return Buffer.concat(chunks);
}

test('secure() carries bytes both ways, with the ALPN protocol and the channel binding', async () => {
  await using ends = await pair();
  const [server, client] = await Promise.all([
    upgrade(ends.server, await asServer({ alpn: ['postgresql'] })),
    upgrade(ends.client, await asClient({ alpn: ['postgresql'] })),
  ]);
  assert.equal(server.tls?.alpn, 'postgresql');
  assert.equal(client.tls?.alpn, 'postgresql');
  assert.equal(client.secure, undefined);
  const { cert } = (await certificates).server;
  assert.deepEqual(client.tls?.channelBinding, endPointHash(new X509Certificate(cert)));
  assert.equal(client.tls?.channelBinding?.length, 32);
  const sent = Buffer.alloc(3_000_000, 'abcdefg');
  const sending = (async () => {
    const memory = Buffer.alloc(50_000);
    for (let at = 0; at < sent.length; at += memory.length) {
      sent.copy(memory, 0, at);
      await client.write(memory);
      memory.fill(0);
    }
    client.end();
  })();
  assert.ok((await readAll(server)).equals(sent));
  await sending;
  await server.write(Buffer.from('done'));
  server.end();
  assert.equal((await readAll(client)).toString(), 'done');
  await Promise.all([server.closed, client.closed]);
});

test('secure() as a server takes the handshake bytes that were read already', async () => {
  await using ends = await pair();
  const client = upgrade(ends.client, await asClient());
  const first = (await ends.server.read())?.slice();
  assert.equal(first?.[0], 0x16);
  const server = await upgrade(ends.server, await asServer({ ahead: first ?? Buffer.alloc(0) }));
  await (await client).write(Buffer.from('x'));
  assert.equal(Buffer.from((await server.read()) ?? []).toString(), 'x');
});

test('secure() kills a connection with plain bytes before the handshake (CVE-2021-23222)', async () => {
  await using ends = await pair();
  await ends.client.write(Buffer.from('Srequest'));
  await ends.server.read();
  await ends.client.write(Buffer.from('injected'));
  await new Promise((resolve) => setTimeout(resolve, 20));
  await assert.rejects(
    upgrade(ends.server, await asServer()),
    (error) => error instanceof WireError && error.code === 'unexpected-message',
  );
  await ends.server.closed;
});

for (const [name, more, message] of [
  ['another name', { serverName: 'elsewhere.internal' }, /certificate is for another name/],
  ['another CA', { ca: undefined }, /not from a known CA/],
] as const) {
  test(`verify-full refuses a certificate for or from ${name}`, async () => {
    await using ends = await pair();
    const server = upgrade(ends.server, await asServer()).catch(() => {});
    const as = await asClient();
    const { ca: _, ...withoutCa } = as as SecureAs & { kind: 'client' };
    const wrong = 'ca' in more ? withoutCa : { ...as, ...more };
    await assert.rejects(upgrade(ends.client, wrong), (error) => {
      assert.ok(error instanceof Fault && error.code === 'unreachable');
      assert.match(error.message, message);
      return true;
    });
    ends.client.destroy();
    await server;
  });
}

test('verify-ca leaves the name alone, require the CA too; an address is checked as an address', async () => {
  const { ca: _, ...withoutCa } = (await asClient()) as SecureAs & { kind: 'client' };
  for (const as of [
    await asClient({ verify: 'verify-ca', serverName: 'elsewhere.internal' }),
    { ...withoutCa, verify: 'require', serverName: 'elsewhere.internal' },
    await asClient({ serverName: '127.0.0.1' }),
  ] as const) {
    await using ends = await pair();
    const [server] = await Promise.all([upgrade(ends.server, await asServer()), upgrade(ends.client, as)]);
    assert.match(server.tls?.protocol ?? '', /^TLSv1\.[23]$/);
  }
});

test('a certificate that cannot be read is a Fault, and the connection is closed', async () => {
  await using ends = await pair();
  await assert.rejects(upgrade(ends.server, await asServer({ cert: 'nonsense' })), { code: 'config' });
  await ends.server.closed;
});

test('what is no handshake ends the connection with a WireError', async () => {
  const accepted = Promise.withResolvers<Wire>();
  const listener = await listenTcp({ host: '127.0.0.1', port: 0, onWire: accepted.resolve });
  const socket = connect(listener.port, '127.0.0.1');
  socket.on('error', () => {});
  const server = await accepted.promise;
  const securing = upgrade(server, await asServer());
  socket.write('GET / HTTP/1.1\r\n\r\n');
  await assert.rejects(securing, (error) => error instanceof WireError && error.code === 'closed');
  await server.closed;
  socket.destroy();
  await listener.close();
});

test('destroying the old wire during the handshake ends it', async () => {
  await using ends = await pair();
  const securing = upgrade(ends.server, await asServer());
  const rejected = assert.rejects(securing, WireError);
  ends.server.destroy();
  await rejected;
  await ends.server.closed;
});
