import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { Fault } from '../../base/errors.ts';
import { instant, realWorld, type World } from '../../base/time.ts';
import { heldBy } from '../../core/held.ts';
import { defaultLimits } from '../../core/limits.ts';
import type { Patience } from '../../http/patience.ts';
import { dialTcp } from '../tcp.ts';
import { httpClient, type HttpClient, type HttpClientParts } from './client.ts';

const long: Patience = { connectMs: 20_000, firstByteMs: 20_000, idleMs: 20_000, streamIdleMs: 20_000 };
const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n';
const events = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n';

interface Place extends AsyncDisposable {
  readonly client: HttpClient;
  /** The resource reads on: only then does it see the end of its connection. */
  readonly readOn: () => void;
  /** Resolves when the resource's connection is gone. */
  readonly dropped: Promise<void>;
}

/** A resource that does with a connection as it likes. */
async function place(
  patience: Partial<Patience>,
  serve: (socket: Socket) => void,
  more: Partial<HttpClientParts> = {},
): Promise<Place> {
  const gone = Promise.withResolvers<void>();
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => gone.resolve());
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = httpClient({
    address: `127.0.0.1:${port}`,
    dial: (address, signal) => dialTcp(address, signal, 20_000),
    patience: { ...long, ...patience },
    world: realWorld,
    ...more,
  });
  return {
    client,
    readOn: () => {
      for (const socket of sockets) socket.resume();
    },
    dropped: gone.promise,
    [Symbol.asyncDispose]: async () => {
      await client[Symbol.asyncDispose]();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const asked = { method: 'GET', path: '/', fields: [], signal: new AbortController().signal };

async function whole(client: HttpClient, more: object = {}): Promise<string> {
  const { body } = await client.call({ ...asked, ...more });
  let text = '';
  for await (const chunk of body) text += Buffer.from(chunk).toString();
  return text;
}

function late(error: unknown): boolean {
  return error instanceof Fault && error.code === 'upstream-late';
}

describe('httpClient() ends what takes too long', () => {
  const cases: readonly (readonly [
    what: string,
    patience: Partial<Patience>,
    serve: (socket: Socket) => void,
  ])[] = [
    ['a resource that takes the request and says nothing', { firstByteMs: 80 }, (socket) => socket.resume()],
    ['a resource that reads nothing', { firstByteMs: 80 }, (socket) => void socket.pause()],
    ['half a head', { firstByteMs: 80 }, (socket) => socket.resume().write(head.slice(0, 30))],
    ['a head and no body', { idleMs: 80 }, (socket) => socket.resume().write(head)],
    ['half a body', { idleMs: 80 }, (socket) => socket.resume().write(`${head}half`)],
    [
      'events that stop',
      { idleMs: 5, streamIdleMs: 120 },
      (socket) => socket.resume().write(`${events}data: 1\n\n`),
    ],
  ];
  for (const [what, patience, serve] of cases) {
    test(what, async () => {
      await using at = await place(patience, serve);
      await assert.rejects(whole(at.client), late);
      at.readOn();
      await at.dropped;
    });
  }

  test('a resource that does not take what is sent to it', async () => {
    await using at = await place({ firstByteMs: 150 }, (socket) => void socket.pause());
    const body = (async function* () {
      for (;;) yield new Uint8Array(1 << 20);
    })();
    await assert.rejects(whole(at.client, { method: 'POST', body }), late);
    at.readOn();
    await at.dropped;
  });

  test('a resource that says nothing to a TLS hello', async () => {
    const tls = { kind: 'client', serverName: 'x.test', verify: 'require' } as const;
    await using at = await place({ connectMs: 80 }, (socket) => socket.resume(), { tls });
    await assert.rejects(whole(at.client), late);
    await at.dropped;
  });

  test('a connection that is never made', async () => {
    const dial = (_address: string, signal: AbortSignal): Promise<never> =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Fault('stopping', 'Aborted')));
      });
    await using at = await place({ connectMs: 50 }, () => undefined, { dial });
    await assert.rejects(whole(at.client), late);
  });

  test('a WebSocket that is not opened', async () => {
    await using at = await place({ firstByteMs: 80 }, (socket) => socket.resume());
    const held = heldBy(defaultLimits, realWorld).open('test');
    const wanted = { path: '/', fields: [], protocols: [], maxBytes: 1_000, world: realWorld, held };
    await assert.rejects(at.client.socket(wanted), late);
    await at.dropped;
  });
});

/** Time that passes only as far as it is told to: what takes long elsewhere takes none of it. */
function heldTime(): World & { readonly pass: (ms: number) => void } {
  let now = 0;
  const timers = new Set<{ readonly at: number; readonly call: () => void }>();
  return {
    ...realWorld,
    now: () => instant(now),
    after: (ms, call) => {
      const timer = { at: now + ms, call };
      timers.add(timer);
      return { [Symbol.dispose]: () => void timers.delete(timer) };
    },
    pass: (ms) => {
      now += ms;
      for (const timer of timers) if (timer.at <= now && timers.delete(timer)) timer.call();
    },
  };
}

describe('httpClient() waits', () => {
  test('for a client that is slow to send', async () => {
    const world = heldTime();
    const serve = (socket: Socket): void => {
      let all = '';
      socket.on('data', (chunk) => {
        all += chunk.toString();
        if (all.endsWith('0\r\n\r\n')) socket.end(`${head.replace('100', '2')}ok`);
      });
    };
    await using at = await place({ firstByteMs: 100 }, serve, { world });
    const body = (async function* () {
      yield Buffer.from('a');
      world.pass(300);
      yield Buffer.from('b');
    })();
    assert.equal(await whole(at.client, { method: 'POST', body }), 'ok');
  });

  test('for a client that is slow to read', async () => {
    const world = heldTime();
    const goOn = Promise.withResolvers<void>();
    const serve = (socket: Socket): void => {
      socket.resume().write(`${head.replace('100', '4')}ab`);
      void goOn.promise.then(() => socket.write('cd'));
    };
    await using at = await place({ idleMs: 100 }, serve, { world });
    const { body } = await at.client.call(asked);
    let text = '';
    for await (const chunk of body) {
      text += Buffer.from(chunk).toString();
      world.pass(250);
      goOn.resolve();
    }
    assert.equal(text, 'abcd');
  });

  test('for a resource that goes on in time, and no longer', async () => {
    const world = heldTime();
    const connected = Promise.withResolvers<Socket>();
    const serve = (socket: Socket): void => {
      connected.resolve(socket);
      socket.resume().write(head);
    };
    await using at = await place({ idleMs: 400, firstByteMs: 400 }, serve, { world });
    const { body } = await at.client.call(asked);
    const socket = await connected.promise;
    const chunks = body[Symbol.asyncIterator]();
    for (const byte of ['x', 'y', 'z']) {
      const next = chunks.next();
      world.pass(399);
      socket.write(byte);
      assert.equal(Buffer.from((await next).value ?? []).toString(), byte);
    }
    const never = assert.rejects(chunks.next(), late);
    world.pass(400);
    await never;
    await at.dropped;
  });
});
