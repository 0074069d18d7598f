import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Guarded, startUp } from './harness/gateway.ts';
import { type PostgresServer, startPostgres } from './harness/postgres.ts';
import { RawClient, startup, wire } from './harness/raw.ts';

// What the gateway holds in memory, by the kernel's own count of its process (Linux).

const idleSessions = 1_000;
const idleBytesEach = 200_000; // a bound against leaks, not the target
const resultBytes = 5_000_000_000;
const growthBytes = 150_000_000;
const rows = 'SELECT repeat(md5(generate_series(1, 100000000)::text), 100)'; // made while it is read

suite(
  'memory',
  { timeout: 900_000, skip: process.platform === 'linux' ? false : 'memory is read from /proc' },
  () => {
    test('a thousand idle sessions', async () => {
      await using server = await startPostgres({
        version: 18,
        settings: { max_connections: String(idleSessions + 50), shared_buffers: '16MB' },
      });
      const limits = `{ connectionsPerIdentity: ${idleSessions + 10}, connectionsBeforeSignIn: ${idleSessions} }`;
      await using gateway = await started(server, `limits: ${limits}`);
      await using collector = await collectorOf(gateway);
      const open = await opener(gateway);
      const sockets: Socket[] = [];
      try {
        const more = async (count: number): Promise<void> => {
          for (let left = count; left > 0; left -= 20) {
            const some = Array.from({ length: Math.min(left, 20) }, async () => sockets.push(await open()));
            await Promise.all(some);
          }
        };
        await more(50); // what is needed once: caches, code, buffers
        const before = await collector.quiet();
        await more(idleSessions - 50);
        const after = await collector.quiet();
        const each = (after - before) / (idleSessions - 50);
        console.log(
          `${idleSessions} idle sessions: ${Math.round(each / 1_000)} kB each, ${mb(after)} in all`,
        );
        assert.ok(each < idleBytesEach, `${Math.round(each)} bytes each`);
      } finally {
        for (const socket of sockets) socket.destroy();
      }
    });

    test('a result of gigabytes streams through; a client that stops reading stops its server', async () => {
      await using server = await startPostgres({ version: 18 });
      await using gateway = await started(server, '');
      const open = await opener(gateway);
      const watcher = await server.connect();
      await discard(await open(), 50_000_000); // warm
      const before = rss(gateway.pid);

      await using flow = await flowing(open, rows);
      let most = before;
      let next = 0;
      const began = performance.now();
      await flow.until(resultBytes, (bytes) => {
        if (bytes < next) return;
        next = bytes + 20_000_000;
        most = Math.max(most, rss(gateway.pid));
      });
      const seconds = (performance.now() - began) / 1_000;
      console.log(
        `${mb(resultBytes)} in ${seconds.toFixed(1)} s, memory ${mb(before)} and at most ${mb(most)}`,
      );
      assert.ok(most - before < growthBytes, `grew by ${mb(most - before)}`);

      flow.pause();
      const stalled =
        "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'ClientWrite' AND query LIKE '%repeat(md5%'";
      for (let waited = 0; (await watcher.query(stalled)).rowCount !== 1; waited += 50) {
        assert.ok(waited < 60_000, 'the server goes on');
        await sleep(50);
      }
      const [read, held] = [flow.bytes(), rss(gateway.pid)];
      await sleep(1_500);
      assert.equal((await watcher.query(stalled)).rowCount, 1, 'the server waits for its client');
      assert.equal(flow.bytes(), read);
      assert.ok(
        rss(gateway.pid) - held < 20_000_000,
        `grew by ${mb(rss(gateway.pid) - held)} while nobody read`,
      );
      flow.resume();
      await flow.until(read + 100_000_000, () => undefined);
      assert.ok(rss(gateway.pid) - before < growthBytes);
    });
  },
);

async function started(server: PostgresServer, more: string): Promise<Guarded> {
  const { port, user, password, database } = server;
  // With an inspector the garbage can be collected when we ask; on a port of its own choice.
  return startUp(
    { port, user, password, database, more },
    { env: { NODE_OPTIONS: '--inspect=127.0.0.1:0' } },
  );
}

async function opener(gateway: Guarded): Promise<() => Promise<Socket>> {
  const password = await gateway.token('analyst');
  return async () => {
    const socket = connect({ host: '127.0.0.1', port: gateway.port });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    const client = new RawClient(socket);
    client.send(startup({ user: 'analyst', database: 'shop' }));
    const messages = await client.signIn(password);
    assert.equal(messages.at(-1)?.type, 'Z');
    return socket;
  };
}

interface Flow extends AsyncDisposable {
  readonly bytes: () => number;
  readonly pause: () => void;
  readonly resume: () => void;
  /** Reads on until so many bytes have come; throws if the connection ends before. */
  readonly until: (bytes: number, at: (bytes: number) => void) => Promise<void>;
}

/** Asks, and throws away what comes. */
async function flowing(open: () => Promise<Socket>, sql: string): Promise<Flow> {
  const socket = await open();
  socket.removeAllListeners('data');
  let bytes = 0;
  let wanted = Infinity;
  let wake = Promise.withResolvers<void>();
  let told: (bytes: number) => void = () => undefined;
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    told(bytes);
    if (bytes >= wanted) wake.resolve();
  });
  socket.on('close', () => wake.reject(new Error('The connection has ended')));
  socket.write(wire.query(sql));
  return {
    bytes: () => bytes,
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    until: async (count, at) => {
      wake = Promise.withResolvers<void>();
      wanted = count;
      told = at;
      await wake.promise;
      told = () => undefined;
    },
    [Symbol.asyncDispose]: () => {
      wake.promise.catch(() => undefined);
      socket.destroy();
      return Promise.resolve();
    },
  };
}

async function discard(socket: Socket, bytes: number): Promise<void> {
  await using flow = await flowing(() => Promise.resolve(socket), rows);
  await flow.until(bytes, () => undefined);
}

interface Collector extends AsyncDisposable {
  /** Resident bytes after the garbage was collected, once they have come to rest. */
  readonly quiet: () => Promise<number>;
}

async function collectorOf(gateway: Guarded): Promise<Collector> {
  const url = /ws:\/\/127\.0\.0\.1:\S+/.exec(gateway.log())?.[0];
  assert.ok(url !== undefined, 'the inspector has not started');
  const inspector = new WebSocket(url);
  await new Promise((resolve, reject) => {
    inspector.addEventListener('open', resolve);
    inspector.addEventListener('error', reject);
  });
  let id = 0;
  const collect = async (): Promise<void> => {
    id += 1;
    const done = new Promise((resolve) => inspector.addEventListener('message', resolve, { once: true }));
    inspector.send(JSON.stringify({ id, method: 'HeapProfiler.collectGarbage' }));
    await done;
  };
  return {
    quiet: async () => {
      let least = Infinity;
      for (let round = 0; round < 4; round++) {
        await collect();
        await sleep(400); // the allocator gives pages back on a thread of its own
        least = Math.min(least, rss(gateway.pid));
      }
      return least;
    },
    [Symbol.asyncDispose]: () => {
      inspector.close();
      return Promise.resolve();
    },
  };
}

function rss(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1_024;
}

function mb(bytes: number): string {
  return `${Math.round(bytes / 1_000_000)} MB`;
}
