/** Searches an index of so many entries (1,000,000 when nothing is given) by what people ask for, and prints milliseconds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IndexDatabase } from '../../src/stores/index-database.ts';
import type { IndexRow } from '../../src/stores/index-rows.ts';
import type { EntryQuery } from '../../src/stores/index-store.ts';

const total = Number(process.argv[2] ?? 1_000_000);
const folder = mkdtempSync(join(tmpdir(), 'sallyport-search-'));
try {
  await using index = new IndexDatabase(join(folder, 'index.db'), 'bench', 0);
  const began = performance.now();
  for (let n = 0; n < total; n += 10_000)
    index.add(
      Array.from({ length: Math.min(10_000, total - n) }, (_, at) => row(n + at)),
      Math.min(total, n + 10_000),
    );
  const seconds = (performance.now() - began) / 1_000;
  console.log(`${total} entries indexed in ${seconds.toFixed(1)} s`);
  const queries: readonly Partial<EntryQuery>[] = [
    {},
    { identity: 'user17@example.com' },
    { resource: 'db-3', effect: 'deny' },
    { object: 'public.table_41' },
    { rule: 'main/rule-77', effect: 'allow' },
    { text: 'email rare4242' },
    { text: 'select' },
    { text: 'select email', identity: 'user3@example.com' },
    { agent: 'agent-5', verb: 'sql.delete' },
    { run: 'run-12' },
    { from: 1_000 * (total / 2), to: 1_000 * (total / 2 + 500) },
    { before: total / 2, verb: 'sql.update', resource: 'db-2' },
  ];
  const all: number[] = [];
  for (const query of queries) {
    const took = Array.from({ length: 9 }, () => {
      const start = performance.now();
      index.entries({ limit: 100, ...query });
      return performance.now() - start;
    });
    all.push(...took);
    console.log(`${median(took).toFixed(2).padStart(9)} ms  ${JSON.stringify(query)}`);
  }
  console.log(`median of all ${median(all).toFixed(2)} ms, slowest ${Math.max(...all).toFixed(1)} ms`);
} finally {
  rmSync(folder, { recursive: true });
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

function row(n: number): IndexRow {
  const who = n % 211;
  const agent = who % 5 === 0;
  const verb = ['sql.select', 'sql.select', 'sql.update', 'sql.insert', 'sql.delete'][n % 5] ?? 'sql.select';
  const table = (n * 7_919) % 400;
  return {
    n,
    at: n * 1_000,
    kind: 'decision',
    session: `s${Math.floor(n / 40)}`,
    subject: agent ? `agent-${who}` : `user${who}@example.com`,
    ...(agent ? { agent: `agent-${who}`, run: `run-${Math.floor(n / 100)}` } : {}),
    resource: `db-${n % 9}`,
    verb,
    access: verb === 'sql.select' ? 'read' : 'write',
    decision: n % 13 === 0 ? 'deny' : 'allow',
    objects: [`public.table_${table}`],
    rules: [`main/rule-${n % 120}`],
    text: `${verb.slice(4).toUpperCase()} id, email, name FROM public.table_${table} WHERE id = $1 AND token = rare${n % 50_000}`,
  };
}
