import { type Runs, shown, table } from './report.ts';

/** The tables of the postgres bench, in Markdown. */
export function postgresTables(runs: Runs, facts: Readonly<Record<string, number | string>>): string {
  const cases = [...new Set(runs.all.map((run) => run.case))];
  const loads = cases.filter((name) => /^(?:simple|extended|prepared)/.test(name));
  const bulks = cases.filter((name) => name.startsWith('bulk'));
  const parts: string[] = [];
  if (loads.length > 0) parts.push(throughput(runs, loads), cpu(runs, loads));
  const single = loads.filter((name) => / 1(?: tls)?$/.test(name));
  if (single.length > 0) parts.push(latency(runs, single));
  if (bulks.length > 0) parts.push(bulk(runs, bulks));
  parts.push(targets(runs, { cases, facts }), disk(runs));
  return parts.join('\n\n');
}

const middles = ['pgbouncer', 'splice', 'sallyport', 'other'] as const;

function present(runs: Runs): readonly string[] {
  return middles.filter((name) => runs.all.some(({ contender }) => contender === name));
}

function throughput(runs: Runs, cases: readonly string[]): string {
  const names = present(runs);
  const rows = cases.map((name) => [
    name,
    shown(runs.figure('tps', { case: name, contender: 'direct' })),
    ...names.map((contender) => shown(ratio(runs, 'tps', { case: name, contender, base: 'direct' }))),
    shown(ratio(runs, 'tps', { case: name, contender: 'sallyport', base: 'pgbouncer' })),
    shown(foreign(runs, name)),
  ]);
  const head = ['pgbench -S, clients', 'direct tps', ...names.map((name) => `${name} ÷ direct`)];
  return `Transactions a second\n\n${table([...head, 'sallyport ÷ pgbouncer', 'CPU of others'], rows)}`;
}

function cpu(runs: Runs, cases: readonly string[]): string {
  const names = present(runs);
  const rows = cases.map((name) => [
    name,
    ...names.map((contender) => shown(runs.figure('cpuUs', { case: name, contender }))),
    shown(ratio(runs, 'cpuUs', { case: name, contender: 'sallyport', base: 'splice' })),
    shown(runs.figure('mainUs', { case: name, contender: 'sallyport' })),
  ]);
  const head = ['CPU µs of a transaction', ...names, 'sallyport ÷ splice', 'of it main thread'];
  return `CPU of the process in the middle, all its threads\n\n${table(head, rows)}`;
}

function latency(runs: Runs, cases: readonly string[]): string {
  const names = present(runs);
  const rows = cases.map((name) => {
    const added = (contender: string): string =>
      (['p50', 'p90', 'p99'] as const)
        .map((share) => {
          const of = { case: name, contender, base: 'direct' };
          return `+${shown(runs.compared(share, of, (value, base) => value - base))}`;
        })
        .join(' / ');
    const own = { case: name, contender: 'direct' };
    const base = (['p50', 'p90', 'p99'] as const).map((share) => shown(runs.figure(share, own))).join(' / ');
    return [name, base, ...names.map(added)];
  });
  return `Latency with one client, µs, p50 / p90 / p99\n\n${table(['', 'direct', ...names], rows)}`;
}

function bulk(runs: Runs, cases: readonly string[]): string {
  const names = present(runs);
  const rows = cases.map((name) => [
    name,
    shown(runs.figure('seconds', { case: name, contender: 'direct' }), ' s'),
    ...names.map((contender) => shown(speed(runs, { case: name, contender, base: 'direct' }))),
    ...names.map((contender) => shown(runs.figure('secondsPerGb', { case: name, contender }))),
    shown(foreign(runs, name)),
  ]);
  const head = ['bulk read', 'direct', ...names.map((name) => `${name} ÷ direct`)];
  return `Bulk read, speed; and CPU milliseconds of a MB (seconds of a GB)\n\n${table([...head, ...names.map((name) => `${name} ms/MB`), 'CPU of others'], rows)}`;
}

/** Rows of the same table, in the same round. */
function searched(runs: Runs, name: string, base: string): string {
  const of = (each: string): { case: string; contender: string } => ({
    case: `bulk ${each}`,
    contender: 'sallyport',
  });
  return runs.between('secondsPerGb', of(name), of(base), (value, without) => value / without).toFixed(2);
}

function disk(runs: Runs): string {
  const of = { case: 'disk', contender: 'direct' };
  const at = (name: string): string => shown(runs.figure(name, of));
  return `A small write and its fdatasync on this disk, between the rounds: p50 ${at('p50')} µs, p99 ${at('p99')} µs.`;
}

/** The numbers to reach, and what was reached. */
function targets(
  runs: Runs,
  {
    cases,
    facts,
  }: { readonly cases: readonly string[]; readonly facts: Readonly<Record<string, number | string>> },
): string {
  const least = (values: readonly number[]): string => shown(Math.min(...values));
  const most = (values: readonly number[]): string => shown(Math.max(...values));
  const loads = cases.filter((name) => /^(?:simple|extended|prepared) (?:8|32)$/.test(name));
  const singles = cases.filter((name) => /^(?:simple|extended|prepared) 1$/.test(name));
  const of = (name: string, base: string): { case: string; contender: string; base: string } => ({
    case: name,
    contender: 'sallyport',
    base,
  });
  const rows: (readonly string[])[] = [];
  if (loads.length > 0) {
    rows.push(
      [
        'tps ÷ PgBouncer, 8 and 32 clients, the lowest',
        '≥ 0.75',
        least(loads.map((name) => ratio(runs, 'tps', of(name, 'pgbouncer')))),
      ],
      [
        'CPU of a transaction ÷ splice, 8 and 32 clients, the highest',
        '≤ 1.25',
        most(loads.map((name) => ratio(runs, 'cpuUs', of(name, 'splice')))),
      ],
    );
  }
  if (singles.length > 0) {
    const added = singles.map((name) =>
      runs.compared('p50', of(name, 'direct'), (value, base) => value - base),
    );
    rows.push(['added latency p50, one client, the highest', '≤ +150 µs', `+${most(added)} µs`]);
  }
  if (cases.includes('bulk masked'))
    rows.push(['bulk read ÷ direct, masking on', '≥ 0.8', shown(speed(runs, of('bulk masked', 'direct')))]);
  if (cases.includes('bulk clean'))
    rows.push([
      'CPU of rows without a finding, searched ÷ not',
      '≤ 1.25',
      searched(runs, 'clean', 'clean unsearched'),
    ]);
  if (cases.includes('bulk searched'))
    rows.push([
      'the same, one row of a hundred with a finding',
      '',
      searched(runs, 'searched', 'unsearched'),
    ]);
  for (const [name, target] of [
    ['cached verdict us', '≤ 0.5 µs'],
    ['unseen statement p50 us', '≤ 200 µs'],
  ] as const) {
    const value = facts[name];
    if (typeof value === 'number') rows.push([name.replace(/ us$/, ''), target, shown(value, ' µs')]);
  }
  if (cases.includes('idle')) {
    for (const contender of present(runs)) {
      const bytes = runs.figure('bytes', { case: 'idle', contender });
      rows.push([
        `idle session, ${contender}`,
        contender === 'sallyport' ? '≤ 60 kB' : '',
        shown(bytes / 1e3, ' kB'),
      ]);
    }
  }
  return `Targets\n\n${table(['', 'target', 'reached'], rows)}`;
}

type Pair = { readonly case: string; readonly contender: string; readonly base: string };

function ratio(runs: Runs, name: string, of: Pair): number {
  return runs.compared(name, of, (value, base) => value / base);
}

function speed(runs: Runs, of: Pair): number {
  return runs.compared('seconds', of, (value, base) => base / value);
}

/** Cores' worth of CPU that nobody of the benchmark used: above 0.1 the case is noisy. */
function foreign(runs: Runs, name: string): number {
  return runs.figure('foreign', { case: name, contender: 'direct' });
}
