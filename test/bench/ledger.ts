import { closeSync, fdatasync, fdatasyncSync, openSync, readdirSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { realWorld } from '../../src/base/time.ts';
import { openLedger } from '../../src/stores/ledger.ts';
import { decided, noMetrics, opened } from '../../src/stores/fake.ts';
import { temporaryFolder } from '../e2e/harness/place.ts';
import { type Bench, inTurn, percentile, progress, Runs, shown, table } from './report.ts';

const producers = [1, 16, 128];

interface Turnover {
  readonly waits: Float64Array;
  readonly seconds: number;
}

/** Appends that wait for the disk, from so many sessions at a time, against raw grouped writes of the same bytes. */
export const ledger: Bench = async (options) => {
  const rounds = options.rounds ?? (options.quick ? 2 : 6);
  const seconds = options.seconds ?? (options.quick ? 1 : 3);
  const runs = new Runs();
  const bytes = await entryBytes();
  const contenders = [
    { name: 'raw', turn: (count: number) => Promise.resolve(rawWrites({ count, bytes, seconds })) },
    { name: 'jsonl', turn: (count: number) => grouped({ count, bytes, seconds }, jsonl) },
    { name: 'sqlite', turn: (count: number) => grouped({ count, bytes, seconds }, sqlite) },
    { name: 'ledger', turn: (count: number) => appends(count, seconds) },
  ];
  for (let round = 0; round < rounds; round++) {
    for (const count of producers) {
      const name = `${count} producers`;
      if (!name.includes(options.only)) continue;
      for (const { name: contender, turn } of inTurn(contenders, round)) {
        const { waits, seconds: took } = await turn(count);
        waits.sort();
        const figures = {
          perSecond: waits.length / took,
          p50: percentile(waits, 0.5) * 1_000,
          p99: percentile(waits, 0.99) * 1_000,
        };
        runs.add({ case: name, contender, round, figures });
        progress(`${round + 1}/${rounds} ${name}: ${contender} ${figures.perSecond.toFixed(0)}/s`);
      }
    }
  }
  const rows = [...new Set(runs.all.map((run) => run.case))].map((name) => {
    const own = { case: name, contender: 'ledger' };
    const of = (contender: string): string => shown(runs.figure('perSecond', { case: name, contender }));
    const waits = (contender: string): string =>
      `${shown(runs.figure('p50', { case: name, contender }))} / ${shown(runs.figure('p99', { case: name, contender }))}`;
    const share = (base: string): string =>
      shown(runs.compared('perSecond', { ...own, base }, (value, other) => value / other));
    return [
      name,
      ...['raw', 'jsonl', 'sqlite', 'ledger'].map(of),
      share('jsonl'),
      share('sqlite'),
      ...['jsonl', 'sqlite', 'ledger'].map(waits),
    ];
  });
  const head = [
    '',
    'raw writes a second',
    'JSONL a second',
    'SQLite FULL a second',
    'ledger a second',
    'ledger ÷ JSONL',
    'ledger ÷ SQLite',
    'JSONL wait µs p50 / p99',
    'SQLite wait µs p50 / p99',
    'ledger wait µs p50 / p99',
  ];
  return {
    settings: { quick: options.quick, rounds, seconds, entryBytes: bytes },
    runs: runs.all,
    facts: { entryBytes: bytes },
    tables: table(head, rows),
  };
};

/** Bytes that one decision takes in the write-ahead log. */
async function entryBytes(): Promise<number> {
  using folder = temporaryFolder('ledger');
  const entries = 1_000;
  const open = await opening(folder.path);
  for (let at = 1; at <= entries; at++) await open.append(entryOf('one', at));
  const sizes: number[] = [];
  for await (const { entry } of open.read(0, open.size)) sizes.push(JSON.stringify(entry).length);
  await open.close();
  // Tiles hold the leaves as they are, each with a length of two bytes; a frame of the log has 25 in front of it.
  const leaves = filesUnder(join(folder.path, 'ledger', 'tile', 'entries')).reduce(
    (sum, path) => sum + statSync(path).size,
    0,
  );
  return Math.round(leaves / sizes.length) - 2 + 25;
}

function filesUnder(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

async function appends(count: number, seconds: number): Promise<Turnover> {
  using folder = temporaryFolder('ledger');
  const open = await opening(folder.path);
  const waits: number[] = [];
  for (let at = 0; at < count; at++) await open.append(opened(`session${at}`));
  const started = performance.now();
  const until = started + seconds * 1_000;
  await Promise.all(
    Array.from({ length: count }, async (_, producer) => {
      for (let at = 1; performance.now() < until; at++) {
        const asked = performance.now();
        await open.append(entryOf(`session${producer}`, at));
        waits.push(performance.now() - asked);
      }
    }),
  );
  const took = (performance.now() - started) / 1_000;
  await open.close();
  return { waits: Float64Array.from(waits), seconds: took };
}

function opening(directory: string): ReturnType<typeof openLedger> {
  return openLedger({
    directory,
    origin: 'bench',
    world: realWorld,
    log: () => undefined,
    metrics: noMetrics,
  });
}

// The parts that the gate shares between the decisions of one statement are shared here too.
const shared = decided('any', 0, '');

function entryOf(session: string, sequence: number): ReturnType<typeof decided> {
  return {
    ...shared,
    at: realWorld.now(),
    id: `${session}.${sequence}` as typeof shared.id,
    session: session as typeof shared.session,
    sealed: { text: `SELECT abalance FROM pgbench_accounts WHERE aid = ${sequence}` },
  };
}

interface Plain extends Disposable {
  /** On disk on return. */
  readonly write: (lines: readonly string[]) => Promise<void> | void;
}

/** A file of lines, appended to and synced: nothing is sealed, hashed or signed. */
function jsonl(folder: string): Plain {
  const fd = openSync(join(folder, 'entries.jsonl'), 'a');
  const synced = promisify(fdatasync);
  return {
    write: (some) => {
      writeSync(fd, some.join(''));
      return synced(fd);
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}

function sqlite(folder: string): Plain {
  const database = new DatabaseSync(join(folder, 'entries.db'));
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE entries (n INTEGER PRIMARY KEY, entry TEXT NOT NULL) STRICT',
  );
  const insert = database.prepare('INSERT INTO entries (entry) VALUES (?)');
  return {
    write: (some) => {
      database.exec('BEGIN');
      for (const line of some) insert.run(line);
      database.exec('COMMIT');
    },
    [Symbol.dispose]: () => database.close(),
  };
}

/** Producers that wait, all that came meanwhile in one group: what the ledger does, without what makes it a ledger. */
async function grouped(
  of: { readonly count: number; readonly bytes: number; readonly seconds: number },
  make: (folder: string) => Plain,
): Promise<Turnover> {
  using folder = temporaryFolder('ledger');
  using plain = make(folder.path);
  let queue: string[] = [];
  let next = Promise.withResolvers<void>();
  let busy = false;
  const drain = async (): Promise<void> => {
    busy = true;
    while (queue.length > 0) {
      const [some, told] = [queue, next];
      queue = [];
      next = Promise.withResolvers();
      await plain.write(some);
      told.resolve();
      await new Promise(setImmediate);
    }
    busy = false;
  };
  const append = (line: string): Promise<void> => {
    queue.push(line);
    const told = next.promise;
    if (!busy) void drain();
    return told;
  };
  const entry = { ...shared, pad: '' };
  entry.pad = 'x'.repeat(Math.max(0, of.bytes - JSON.stringify(entry).length));
  const waits: number[] = [];
  const started = performance.now();
  const until = started + of.seconds * 1_000;
  await Promise.all(
    Array.from({ length: of.count }, async (_, producer) => {
      for (let at = 1; performance.now() < until; at++) {
        const asked = performance.now();
        await append(`${JSON.stringify({ ...entry, id: `session${producer}.${at}` })}\n`);
        waits.push(performance.now() - asked);
      }
    }),
  );
  return { waits: Float64Array.from(waits), seconds: (performance.now() - started) / 1_000 };
}

/** What the disk gives: all producers' entries in one write, one sync, and again; nobody thinks in between. */
function rawWrites(of: {
  readonly count: number;
  readonly bytes: number;
  readonly seconds: number;
}): Turnover {
  using folder = temporaryFolder('ledger');
  const fd = openSync(join(folder.path, 'raw'), 'w');
  const size = 8_388_608;
  writeSync(fd, Buffer.alloc(size), 0, size, 0); // as the write-ahead log: no commit changes the file's size
  fdatasyncSync(fd);
  const batch = Buffer.alloc(of.count * of.bytes, 1);
  const waits: number[] = [];
  const started = performance.now();
  const until = started + of.seconds * 1_000;
  for (let offset = 0; performance.now() < until; offset = (offset + batch.length) % (size - batch.length)) {
    const asked = performance.now();
    writeSync(fd, batch, 0, batch.length, offset);
    fdatasyncSync(fd);
    const took = performance.now() - asked;
    for (let at = 0; at < of.count; at++) waits.push(took);
  }
  const took = (performance.now() - started) / 1_000;
  closeSync(fd);
  return { waits: Float64Array.from(waits), seconds: took };
}
