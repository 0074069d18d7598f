import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { runProgram } from '../e2e/harness/clients.ts';
import { temporaryFolder } from '../e2e/harness/place.ts';
import { environment, type Login } from './contenders.ts';
import { percentile } from './report.ts';

export type Mode = 'simple' | 'extended' | 'prepared';

export interface Load {
  readonly mode: Mode;
  readonly clients: number;
  readonly seconds: number;
}

export interface Loaded {
  readonly tps: number;
  readonly transactions: number;
  /** Until all clients were signed in, in milliseconds. */
  readonly connectMs: number;
  /** Microseconds of a transaction; with one client only. */
  readonly latency?: { readonly p50: number; readonly p90: number; readonly p99: number };
}

/** pgbench's own select-only transaction. Throws when a single one failed. */
export async function pgbench(login: Login, { mode, clients, seconds }: Load): Promise<Loaded> {
  using folder = temporaryFolder('pgbench');
  const logs = clients === 1 ? ['-l', '--log-prefix', join(folder.path, 'log')] : [];
  const args = ['-n', '-S', '-T', String(seconds), '-c', String(clients), '-j', '1', '-M', mode, ...logs];
  const ran = await runProgram('pgbench', args, {
    env: environment(login),
    withinMs: seconds * 1_000 + 60_000,
  });
  const tps = /^tps = ([\d.]+)/m.exec(ran.stdout)?.[1];
  const transactions = /^number of transactions actually processed: (\d+)/m.exec(ran.stdout)?.[1];
  const connectMs = /^initial connection time = ([\d.]+)/m.exec(ran.stdout)?.[1];
  const failed = /^number of failed transactions: (\d+)/m.exec(ran.stdout)?.[1] ?? '0';
  if (
    ran.code !== 0 ||
    tps === undefined ||
    transactions === undefined ||
    transactions === '0' ||
    failed !== '0'
  ) {
    throw new Error(`pgbench failed at port ${login.port}: ${ran.stderr}${ran.stdout}`);
  }
  return {
    tps: Number(tps),
    transactions: Number(transactions),
    connectMs: Number(connectMs),
    ...(clients === 1 ? { latency: await latencyIn(folder.path) } : {}),
  };
}

async function latencyIn(folder: string): Promise<NonNullable<Loaded['latency']>> {
  const times: number[] = [];
  for (const name of readdirSync(folder)) {
    // client, transaction, time in microseconds, script, seconds, microseconds
    for await (const line of createInterface({ input: createReadStream(join(folder, name)) }))
      times.push(Number(line.split(' ', 3)[2]));
  }
  const sorted = Float64Array.from(times).sort();
  return {
    p50: percentile(sorted, 0.5),
    p90: percentile(sorted, 0.9),
    p99: percentile(sorted, 0.99),
  };
}
