import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { realWorld } from '../../src/base/time.ts';
import { worker } from '../../src/carriers/worker.ts';
import type { Verdict } from '../../src/core/decision.ts';
import type { Identity, Subject } from '../../src/core/identity.ts';
import { defaultLimits } from '../../src/core/limits.ts';
import type { Resource, ResourceName, Session, SessionId } from '../../src/core/session.ts';
import { gate } from '../../src/gate/gate.ts';
import { kindsOf } from '../../src/policy/kinds.ts';
import { type LoadedPolicy, loadPolicy } from '../../src/policy/load.ts';
import { protocols } from '../../src/protocols/index.ts';
import { Understanding } from '../../src/protocols/postgres/understanding.ts';
import { metricsPage } from '../../src/server/metrics.ts';
import { publicPath, shop } from '../../src/sql/fake.ts';
import type { Parsed } from '../../src/sql/parse.ts';
import { median, percentile, progress } from './report.ts';

const rounds = 9;

/**
 * What a verdict costs inside the process, in microseconds: of a statement whose decision is known, and of a short
 * statement that was never seen, read by the parser's thread and analysed.
 */
export async function micro(): Promise<Readonly<Record<string, number>>> {
  progress('micro: verdicts inside the process');
  const metrics = metricsPage();
  const limits = defaultLimits;
  const catalogue = await shop();
  await using parser = worker(new URL('../../src/sql/parse-worker.ts', import.meta.url), { metrics });
  const understanding = new Understanding({
    parse: async (text) => (await parser.call('parse', { text, limits }, limits.parseMs)) as Parsed,
    limits,
    metrics,
    world: realWorld,
    resource: 'shop',
  });
  const read = async (text: string): Promise<void> => {
    const reading = await understanding.read(text, catalogue, publicPath);
    if (reading.kind !== 'understood') throw new Error(`Not understood: ${reading.message}`);
  };

  for (let at = 0; at < 3_000; at++) await read(statement(at));
  const unseen: number[] = [];
  for (let at = 0; at < 5_000; at++) {
    const started = performance.now();
    await read(statement(1_000_000 + at));
    unseen.push((performance.now() - started) * 1_000);
  }
  unseen.sort((a, b) => a - b);

  const known = statement(1_000_001);
  const readingUs = await each(200_000, () => {
    if (understanding.read(known, catalogue, publicPath) instanceof Promise) throw new Error('Not cached');
  });

  const reading = await understanding.read(known, catalogue, publicPath);
  const action = reading.kind === 'understood' ? reading.analysis.statements[0]?.action : undefined;
  if (action === undefined) throw new Error('The statement was not understood');
  const policy = benchPolicy();
  const kept = Promise.resolve();
  const chamber = gate(
    { policy: () => policy, ledger: { append: () => kept }, world: realWorld, metrics },
    session,
  );
  const outcome = { kind: 'ok', rows: 1, bytes: 20, masked: 0, withheld: 0 } as const;
  const permitted = (verdict: Verdict | Promise<Verdict>): Verdict & { readonly kind: 'permit' } => {
    if (verdict instanceof Promise || verdict.kind !== 'permit') throw new Error('Not permitted at once');
    return verdict;
  };
  const verdictUs = await each(50_000, () => chamber.done(permitted(chamber.ask({ action })), outcome));
  await chamber.close();
  return {
    'cached reading us': readingUs,
    'cached verdict us': verdictUs,
    'unseen statement p50 us': percentile(unseen, 0.5),
    'unseen statement p99 us': percentile(unseen, 0.99),
  };
}

/** Short, and another template each time: the name of a column is no constant. */
function statement(at: number): string {
  return `SELECT name, city AS c${at} FROM customers WHERE id = 7`;
}

/** Microseconds of one call: the median of some rounds. Whatever the calls left to do is done in between. */
async function each(calls: number, call: () => void): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    for (let at = 0; at < calls; at++) {
      call();
      if (at % 100 === 0) await Promise.resolve();
    }
    times.push(((performance.now() - started) / calls) * 1_000);
  }
  return median(times);
}

/** The policy that the gateway of this benchmark enforces. */
function benchPolicy(): LoadedPolicy {
  const folder = join(import.meta.dirname, 'policy');
  const files = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(relative(folder, path), readFileSync(path, 'utf8'));
  }
  const loaded = loadPolicy(files, kindsOf(protocols));
  if (!loaded.ok)
    throw new Error(`The policy has problems: ${loaded.error.map(({ message }) => message).join('; ')}`);
  return loaded.value;
}

const now = realWorld.now();
const identity: Identity = {
  kind: 'human',
  subject: 'analyst' as Subject,
  groups: ['analysts'],
  attributes: {},
  proof: { kind: 'token', tokenId: 'bench', expiresAt: now },
};
const resource: Resource = { name: 'shop' as ResourceName, kind: 'postgres', tags: [], settings: undefined };
const session: Session = {
  id: 'bench' as SessionId,
  identity,
  resource,
  startedAt: now,
  peer: '127.0.0.1:1',
};
