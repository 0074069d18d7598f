import { closeSync, fdatasyncSync, openSync, readdirSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { realWorld } from '../../src/base/time.ts';
import { openLedger } from '../../src/stores/ledger.ts';
import { decided, noMetrics, opened } from '../../src/stores/fake.ts';
import { temporaryFolder } from '../e2e/harness/place.ts';
import { type Bench, inTurn, percentile, progress, Runs, shown, table } from './report.ts';

const producers = [1, 8, 32, 128];

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
    const raw = { case: name, contender: 'raw' };
    return [
      name,
      shown(runs.figure('perSecond', raw)),
      shown(runs.figure('perSecond', own)),
      shown(runs.compared('perSecond', { ...own, base: 'raw' }, (value, base) => value / base)),
      `${shown(runs.figure('p50', raw))} / ${shown(runs.figure('p99', raw))}`,
      `${shown(runs.figure('p50', own))} / ${shown(runs.figure('p99', own))}`,
    ];
  });
  const head = [
    '',
    'raw a second',
    'ledger a second',
    'ledger ÷ raw',
    'raw wait µs p50 / p99',
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
