import assert from 'node:assert/strict';
import { constants, createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { instant, realWorld, type World } from '../../base/time.ts';
import { usual } from '../../http/patience.ts';
import { dialTcp } from '../tcp.ts';
import { http2Client, type Http2Response, NoStream } from './client2.ts';

test('http2Client() gives one of its users no more than half of the streams that the resource allows', async () => {
  await using place = await open();
  const all: Promise<Http2Response>[] = [];
  for (let count = 0; count < 8; count++) all.push(place.ask('ann'));
  await Promise.all(all); // half of what one stream on each of sixteen connections makes
  const ninth = watched(place.ask('ann'));
  const other = await place.ask('bob');
  assert.equal(other.status, 200, 'another one is served');
  assert.equal(await ninth.state(), 'waits');
  place.streams[0]?.close(constants.NGHTTP2_CANCEL);
  assert.equal(await ninth.ended, 'done');
});

test('http2Client() says who has too many streams, when none gets free in time', async () => {
  await using place = await open();
  for (let count = 0; count < 8; count++) await place.ask('ann');
  const own = watched(place.ask('ann'));
  await place.pass();
  assert.equal(await own.ended, 'own');
  for (let count = 0; count < 8; count++) await place.ask('bob');
  const none = watched(place.ask('cid'));
  await place.pass();
  assert.equal(await none.ended, 'all');
});

test('http2Client() lets nobody wait whose client has left', async () => {
  await using place = await open();
  for (let count = 0; count < 8; count++) await place.ask('ann');
  const gone = new AbortController();
  const ninth = watched(place.ask('ann', gone.signal));
  gone.abort(new Error('left'));
  assert.equal(await ninth.ended, 'left');
});

interface Place extends AsyncDisposable {
  readonly ask: (whose: string, signal?: AbortSignal) => Promise<Http2Response>;
  readonly streams: readonly ServerHttp2Stream[];
  /** All that waits now has waited too long. */
  readonly pass: () => Promise<void>;
}

/** A resource with one stream on each connection, which answers and never ends by itself. */
async function open(): Promise<Place> {
  const streams: ServerHttp2Stream[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer({ settings: { maxConcurrentStreams: 1 } }).on('stream', (stream) => {
    streams.push(stream);
    stream.on('error', () => undefined).resume();
    stream.respond({ ':status': 200 });
  });
  server.on('session', (session) => void sessions.add(session));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  let passed = 0;
  let timers: { readonly call: () => void }[] = [];
  const world: World = {
    ...realWorld,
    now: () => instant(passed),
    after: (_ms, call) => {
      const timer = { call };
      timers.push(timer);
      return { [Symbol.dispose]: () => void (timers = timers.filter((each) => each !== timer)) };
    },
  };
  const client = http2Client({
    address: `127.0.0.1:${port}`,
    dial: (address, signal) => dialTcp(address, signal, 60_000),
    patience: usual.service,
    world,
  });
  const never = new AbortController();
  return {
    streams,
    ask: (whose, signal = never.signal) =>
      client.call({
        method: 'POST',
        path: '/',
        fields: [],
        body: endless(never.signal),
        signal,
        headMs: 60_000,
        whose,
      }),
    pass: async () => {
      for (let turns = 0; turns < 20 && timers.length === 0; turns++) await new Promise(setImmediate);
      passed += 1_000_000;
      for (const { call } of timers.splice(0)) call();
    },
    [Symbol.asyncDispose]: async () => {
      never.abort();
      await client[Symbol.asyncDispose]();
      for (const session of sessions) session.destroy(undefined, constants.NGHTTP2_NO_ERROR);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function* endless(signal: AbortSignal): AsyncIterable<Uint8Array> {
  yield Buffer.from('x');
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function watched(asked: Promise<unknown>): {
  readonly state: () => Promise<string>;
  readonly ended: Promise<string>;
} {
  let state = 'waits';
  const ended = asked.then(
    () => 'done',
    (thrown: unknown) =>
      thrown instanceof NoStream ? (thrown.own ? 'own' : 'all') : (thrown as Error).message,
  );
  void ended.then((now) => (state = now));
  return {
    ended,
    state: async () => {
      for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
      return state;
    },
  };
}
