import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault, WireError } from '../base/errors.ts';
import type { Wire } from '../base/stream.ts';
import { parseAddress } from './address.ts';
import { rawWires } from './raw-wire.ts';
import type { Carrier } from './socket-wire.ts';
import { dialTcp, listenTcp } from './tcp.ts';

const never = new AbortController().signal;

/** A listener, and both ends of one connection to it. */
async function pair(
  carrier: Carrier,
): Promise<AsyncDisposable & { readonly client: Wire; readonly server: Wire }> {
  const accepted = Promise.withResolvers<Wire>();
  const listener = await listenTcp({ host: '127.0.0.1', port: 0, onWire: accepted.resolve, carrier });
  const client = await dialTcp(`127.0.0.1:${listener.port}`, never, 60_000, carrier);
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

async function readAll(wire: Wire): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = await wire.read();
    if (chunk === undefined) return Buffer.concat(chunks);
    chunks.push(chunk.slice());
  }
}

for (const carrier of ['fast', 'streams'] as const) {
  test(`${carrier}: a wire carries bytes both ways and ends`, async () => {
    await using ends = await pair(carrier);
    await ends.client.write(Buffer.from('hello'));
    assert.equal(Buffer.from((await ends.server.read()) ?? []).toString(), 'hello');
    await ends.server.write(Buffer.from('world'));
    ends.server.end();
    assert.equal((await readAll(ends.client)).toString(), 'world');
    ends.client.end();
    assert.equal(await ends.server.read(), undefined);
    await Promise.all([ends.client.closed, ends.server.closed]);
  });

  test(`${carrier}: a wire carries much, in order, while its caller reuses the memory of each write`, async () => {
    await using ends = await pair(carrier);
    const total = 16 * 1_048_576;
    const sending = (async () => {
      const memory = Buffer.alloc(100_000);
      for (let sent = 0; sent < total; sent += memory.length) {
        for (let at = 0; at < memory.length; at += 4) memory.writeUInt32BE(sent + at, at);
        await ends.client.write(memory);
        memory.fill(0xee);
      }
      ends.client.end();
    })();
    const got = await readAll(ends.server);
    await sending;
    assert.equal(got.length, Math.ceil(total / 100_000) * 100_000);
    for (let at = 0; at < got.length; at += 4) if (got.readUInt32BE(at) !== at) assert.fail(`wrong at ${at}`);
  });

  test(`${carrier}: a reader that stops makes its writer wait`, async () => {
    await using ends = await pair(carrier);
    const chunk = Buffer.alloc(1_048_576);
    let written = 0;
    let waiting: Promise<unknown> | undefined;
    // What the system still finds room for does not wait long.
    while (waiting === undefined && written < 200) {
      const writing = ends.client.write(chunk);
      written += 1;
      if (writing === undefined) continue;
      const rested = sleep(50).then(() => 'waits');
      if ((await Promise.race([writing, rested])) === 'waits') waiting = writing;
    }
    assert.ok(waiting !== undefined, 'the writer never waited');
    let got = 0;
    while (got < written * chunk.length) got += (await ends.server.read())?.length ?? assert.fail('ended');
    await waiting;
  });

  test(`${carrier}: what was read stays as it is until the next read, whatever arrives meanwhile`, async () => {
    await using ends = await pair(carrier);
    await ends.client.write(Buffer.alloc(1_000, 'a'));
    const chunk = (await ends.server.read()) ?? assert.fail();
    for (let index = 0; index < 50; index++) {
      await ends.client.write(Buffer.alloc(20_000, 'b'));
      await new Promise(setImmediate);
    }
    assert.ok(chunk.every((byte) => byte === 0x61));
  });

  test(`${carrier}: chunks of all sizes arrive whole, however slowly they are read`, async () => {
    await using ends = await pair(carrier);
    const sizes = [
      1, 16_383, 16_384, 16_385, 131_072, 5, 400_000, 1, 1, 70_000, 262_144, 3, 16_384, 16_384, 9,
    ];
    const sent = Buffer.concat(sizes.map((size, index) => Buffer.alloc(size, `${index}-`)));
    const writing = (async () => {
      let at = 0;
      for (const [index, size] of sizes.entries()) {
        await ends.client.write(sent.subarray(at, at + size));
        at += size;
        if (index % 3 === 0) await new Promise(setImmediate);
      }
      ends.client.end();
    })();
    const got: Uint8Array[] = [];
    for (let chunk = await ends.server.read(); chunk !== undefined; chunk = await ends.server.read()) {
      for (let wait = got.length % 4; wait > 0; wait--) await new Promise(setImmediate);
      got.push(chunk.slice());
    }
    await writing;
    assert.ok(Buffer.concat(got).equals(sent));
  });

  test(`${carrier}: destroy() rejects what is pending and resolves closed; the peer reads the end`, async () => {
    await using ends = await pair(carrier);
    const reading = ends.server.read();
    ends.server.destroy();
    await assert.rejects(reading, (error) => error instanceof WireError && error.code === 'closed');
    await ends.server.closed;
    assert.equal(await ends.client.read(), undefined);
    await assert.rejects(async () => ends.server.read(), WireError);
    await assert.rejects(async () => ends.server.write(Buffer.from('x')), WireError);
  });

  test(`${carrier}: a peer that vanishes rejects the read with WireError closed`, async () => {
    const accepted = Promise.withResolvers<Wire>();
    const listener = await listenTcp({ host: '127.0.0.1', port: 0, onWire: accepted.resolve, carrier });
    const socket = connect(listener.port, '127.0.0.1');
    const wire = await accepted.promise;
    const reading = wire.read();
    socket.resetAndDestroy();
    await assert.rejects(reading, (error) => error instanceof WireError && error.code === 'closed');
    await wire.closed;
    await listener.close();
  });

  test(`${carrier}: end() lets the peer read the last word although it still sends`, async () => {
    const accepted = Promise.withResolvers<Wire>();
    const listener = await listenTcp({ host: '127.0.0.1', port: 0, onWire: accepted.resolve, carrier });
    const socket = connect({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true });
    let got = '';
    socket.on('data', (data: Buffer) => (got += data.toString()));
    socket.write(Buffer.alloc(300_000));
    const wire = await accepted.promise;
    await wire.read();
    await wire.write(Buffer.from('no'));
    wire.end();
    await once(socket, 'end');
    assert.equal(got, 'no');
    socket.end();
    await wire.closed;
    await listener.close();
  });
}

test('the fast carrier is there: without it every connection costs a third more', async () => {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const client = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [Socket];
  assert.ok(rawWires(socket) && rawWires(client));
  socket.destroy();
  client.destroy();
  server.close();
  assert.equal(rawWires(socket), false); // closed: its handle is gone
});

test('dialTcp() says what, where and why', async () => {
  // Nobody listens on port 1; one that somebody has just left may be taken again.
  await assert.rejects(dialTcp('127.0.0.1:1', never, 60_000), (error) => {
    assert.ok(error instanceof Fault && error.code === 'unreachable');
    assert.equal(error.message, 'Cannot reach 127.0.0.1:1: connection refused');
    return true;
  });
  await assert.rejects(dialTcp('nowhere', never, 60_000), /expected host:port/);
  await assert.rejects(dialTcp('127.0.0.1:1', AbortSignal.abort(), 60_000), { code: 'stopping' });
});

test('listenTcp() says when a port is in use', async () => {
  const listener = await listenTcp({ host: '127.0.0.1', port: 0, onWire: (wire) => wire.destroy() });
  await assert.rejects(
    listenTcp({ host: '127.0.0.1', port: listener.port, onWire: () => {} }),
    /the port is in use/,
  );
  await listener.close();
});

test('parseAddress() reads host:port and [v6]:port and nothing else', () => {
  assert.deepEqual(parseAddress('db.internal:5432'), { host: 'db.internal', port: 5432 });
  assert.deepEqual(parseAddress('[::1]:5432'), { host: '::1', port: 5432 });
  for (const bad of ['db', 'db:', ':5432', '::1:5432', 'db:0', 'db:65536', 'a b:1', '[::1]', 'db:5432x']) {
    assert.equal(parseAddress(bad), undefined, bad);
  }
});
