import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Behind,
  type Contender,
  counted,
  type Login,
  loadTables,
  startContenders,
  startServer,
} from './contenders.ts';
import { drain, signIn } from './drain.ts';
import { diskSync } from './disk.ts';
import { micro } from './micro.ts';
import { type Loaded, type Mode, pgbench } from './pgbench.ts';
import { postgresTables } from './postgres-tables.ts';
import { busyOfMachine, cpuOf, cpuOfEnded, cpuOfMainThread, cpuOfFamily, residentBytes } from './process.ts';
import { type Bench, type BenchOptions, inTurn, progress, type Report, Runs } from './report.ts';

interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  /** Before anything counts, in each mode: code is compiled while it runs, and that takes some ten thousand statements. */
  readonly warmSeconds: number;
  readonly scale: number; // of pgbench's tables: 100,000 rows each
  readonly rows: number; // of a bulk read
  readonly sessions: number; // idle ones
  readonly modes: readonly Mode[];
  /** Clients of pgbench without TLS and with it. */
  readonly clients: { readonly plain: readonly number[]; readonly tls: readonly number[] };
}

const whole: Plan = {
  rounds: 3,
  seconds: 3,
  warmSeconds: 4,
  scale: 10,
  rows: 1_000_000,
  sessions: 1_000,
  modes: ['simple', 'extended', 'prepared'],
  clients: { plain: [1, 8, 32], tls: [1, 8, 32] },
};
const quickly: Plan = {
  rounds: 2,
  warmSeconds: 2,
  seconds: 2, // signing in counts, and through a gateway on a busy machine takes many clients a while
  scale: 10,
  rows: 100_000,
  sessions: 300,
  modes: ['simple', 'prepared'],
  clients: { plain: [1, 8], tls: [] },
};

/** Everything that is compared with the direct connection, PgBouncer and a plain splice, in one interleaved run. */
export const postgres: Bench = async (options) => {
  const plan = planOf(options);
  const runs = new Runs();
  const facts: Record<string, number | string> = {};
  progress('Starting PostgreSQL 18 and loading its tables');
  await using behind = await startServer(plan.sessions * 2 + 200);
  await loadTables(behind, plan.scale, plan.rows);
  for (const tls of [false, true]) await compare({ behind, plan, options, runs, facts }, tls);
  if ('micro'.includes(options.only)) Object.assign(facts, await micro());
  const { rounds, seconds, rows } = plan;
  return {
    settings: { quick: options.quick, rounds, seconds, rows },
    runs: runs.all,
    facts,
    tables: postgresTables(runs, facts),
  } satisfies Report;
};

function planOf({ quick, rounds, seconds }: BenchOptions): Plan {
  const plan = quick ? quickly : whole;
  return { ...plan, rounds: rounds ?? plan.rounds, seconds: seconds ?? plan.seconds };
}

interface Comparison {
  readonly behind: Behind;
  readonly plan: Plan;
  readonly options: BenchOptions;
  readonly runs: Runs;
  readonly facts: Record<string, number | string>;
}

/** One thing to do with every contender, once a round. */
interface Case {
  readonly name: string;
  readonly measure: (contender: Contender, behind: Behind) => Promise<Readonly<Record<string, number>>>;
}

async function compare(comparison: Comparison, tls: boolean): Promise<void> {
  const { behind, plan, options, runs, facts } = comparison;
  const cases = casesOf(plan, tls).filter(({ name }) => name.includes(options.only));
  const sits = !tls && 'idle'.includes(options.only);
  if (cases.length === 0 && !sits) return;
  await using contenders = await startContenders(behind, {
    tls,
    ...(options.against === undefined ? {} : { against: options.against }),
  });
  for (const contender of contenders.all) await warm(contender, plan);
  for (let round = 0; round < plan.rounds; round++) {
    for (const { name, measure } of cases) {
      const told: string[] = [];
      for (const contender of inTurn(contenders.all, round)) {
        const figures = await measure(contender, behind);
        runs.add({ case: name, contender: contender.name, round, figures });
        told.push(`${contender.name} ${figures['tps']?.toFixed(0) ?? `${figures['seconds']?.toFixed(2)} s`}`);
      }
      progress(`${round + 1}/${plan.rounds} ${name}: ${told.join(', ')}`);
    }
    // Every decision waits for the disk: what the disk itself takes at this time belongs to the picture.
    runs.add({ case: `disk${tls ? ' tls' : ''}`, contender: 'direct', round, figures: diskSync() });
  }
  if (sits) await sitIdle(comparison, contenders.all);
  for (const contender of contenders.all) {
    if (contender.api === undefined) continue;
    // What shows that nothing was left off.
    for (const name of [
      'decisions_total',
      'ledger_entries_total',
      'masked_values_total',
      'parse_seconds_count',
    ])
      facts[`${contender.name}${tls ? ' tls' : ''} ${name}`] = await counted(contender, name);
  }
}

function casesOf(plan: Plan, tls: boolean): readonly Case[] {
  const suffix = tls ? ' tls' : '';
  const { seconds } = plan;
  const loads = (tls ? plan.clients.tls : plan.clients.plain).flatMap((clients) =>
    plan.modes.map((mode) => ({
      name: `${mode} ${clients}${suffix}`,
      measure: (contender: Contender, behind: Behind) =>
        transactions(contender, behind, () => pgbench(contender.login, { mode, clients, seconds })),
    })),
  );
  return loads.length === 0 ? [] : [...loads, ...bulkCases(plan.rows, suffix)];
}

function bulkCases(rows: number, suffix: string): readonly Case[] {
  const read = (name: string, sql: string, as: (contender: Contender) => Login): Case => ({
    name: `bulk ${name}${suffix}`,
    measure: (contender, behind) => bulk(contender, behind, () => drain(as(contender), sql, rows)),
  });
  return [
    read('masked', 'SELECT * FROM people', ({ login }) => login),
    read('clean', 'SELECT * FROM orders', ({ login }) => login),
    read('clean unsearched', 'SELECT * FROM orders', ({ unmasked }) => unmasked),
    read('searched', 'SELECT * FROM things', ({ login }) => login),
    read('unsearched', 'SELECT * FROM things', ({ unmasked }) => unmasked),
    read('clear', 'SELECT * FROM people', ({ unmasked }) => unmasked),
  ];
}

/** Fills caches and lets the code be compiled, so that the first round is like the others. */
async function warm({ name, login, unmasked }: Contender, { modes, warmSeconds }: Plan): Promise<void> {
  const seconds = name === 'direct' || name === 'pgbouncer' ? 1 : warmSeconds;
  for (const mode of modes) await pgbench(login, { mode, clients: 8, seconds });
  for (const as of [login, unmasked]) await drain(as, 'SELECT * FROM people LIMIT 20000', 20_000);
}

async function transactions(
  contender: Contender,
  behind: Behind,
  load: () => Promise<Loaded>,
): Promise<Readonly<Record<string, number>>> {
  const { result, used } = await watchingCpu(contender, behind, load);
  const { tps, transactions: count, connectMs, latency } = result;
  return {
    tps,
    ...(used.middle === undefined
      ? {}
      : { cpuUs: used.middle / count, mainUs: (used.mainThread ?? 0) / count }),
    serverUs: used.server / count,
    clientUs: used.client / count,
    foreign: used.foreign,
    connectMs,
    ...latency,
  };
}

async function bulk(
  contender: Contender,
  behind: Behind,
  read: () => Promise<number>,
): Promise<Readonly<Record<string, number>>> {
  const started = performance.now();
  const { result: bytes, used } = await watchingCpu(contender, behind, read);
  const seconds = (performance.now() - started) / 1_000;
  return {
    seconds,
    megabytes: bytes / 1e6,
    ...(used.middle === undefined ? {} : { secondsPerGb: used.middle / 1e6 / (bytes / 1e9) }),
    foreign: used.foreign,
  };
}

/** Microseconds of CPU, and the share of the machine that somebody else had. */
interface Used {
  readonly middle?: number;
  readonly mainThread?: number;
  readonly server: number;
  readonly client: number;
  readonly foreign: number;
}

async function watchingCpu<T>(
  { pid }: Contender,
  { server }: Behind,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly used: Used }> {
  const now = (): Used & { readonly busy: number; readonly at: number } => ({
    ...(pid === undefined ? {} : { middle: cpuOf(pid), mainThread: cpuOfMainThread(pid) }),
    server: cpuOfFamily(server.pid),
    client: cpuOf(process.pid) + cpuOfEnded(),
    foreign: 0,
    busy: busyOfMachine(),
    at: performance.now(),
  });
  const before = now();
  const result = await work();
  const after = now();
  const server18 = after.server - before.server;
  const client = after.client - before.client;
  const middle = (after.middle ?? 0) - (before.middle ?? 0);
  const busy = after.busy - before.busy;
  const wall = (after.at - before.at) * 1_000;
  return {
    result,
    used: {
      ...(pid === undefined
        ? {}
        : { middle, mainThread: (after.mainThread ?? 0) - (before.mainThread ?? 0) }),
      server: server18,
      client,
      foreign: Math.max(0, busy - server18 - client - middle) / wall,
    },
  };
}

/** What a thousand sessions that ask nothing hold in the process in the middle. */
async function sitIdle({ plan, runs, options }: Comparison, contenders: readonly Contender[]): Promise<void> {
  const restMs = options.quick ? 1_000 : 3_000;
  for (const contender of contenders) {
    const { pid, login, name } = contender;
    if (pid === undefined) continue;
    // A first lot grows what is grown once and kept, whoever comes.
    for (const socket of await manySessions(login, plan.sessions / 5)) socket.destroy();
    await sleep(restMs);
    const before = residentBytes(pid);
    const sockets = await manySessions(login, plan.sessions);
    await sleep(restMs);
    const bytes = (residentBytes(pid) - before) / plan.sessions;
    for (const socket of sockets) socket.destroy();
    await sleep(1_000);
    runs.add({ case: 'idle', contender: name, round: 0, figures: { bytes, baseBytes: before } });
    progress(`idle: ${name} ${(bytes / 1_000).toFixed(1)} kB a session`);
  }
}

async function manySessions(login: Login, count: number): Promise<readonly Socket[]> {
  const sockets: Socket[] = [];
  for (let at = 0; at < count; at += 20)
    sockets.push(...(await Promise.all(Array.from({ length: 20 }, () => signIn(login)))));
  for (const socket of sockets) socket.removeAllListeners('close').on('error', () => {});
  return sockets;
}
