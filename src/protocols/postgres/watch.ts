import { Lru } from '../../base/lru.ts';
import { type ColumnVote, columnVote } from '../../mask/index.ts';
import type { ColumnRef } from '../../core/action.ts';
import type { ColumnSeen } from '../../core/protocol.ts';
import type { Lineage, Outputs } from '../../sql/analysis.ts';
import type { ColumnPlan } from './cells.ts';

// What detectors learn of the columns of one database, over all statements and sessions: how its vote stands, and how often
// which type was found. No value is kept.

/** What is known of one column that detectors search. */
export interface Watch {
  readonly vote: ColumnVote;
  /** Values that were searched. */
  searched: number;
  /** These types were found in the value that was searched last. */
  readonly found: (types: readonly string[]) => void;
}

/** Remembers what an answer has counted, and gives what counts from there again: what a model reads is shown more than once. */
export function remember(
  counts: { masked: number; withheld: number },
  watches: readonly Watch[],
): () => void {
  const { masked, withheld } = counts;
  const searched = watches.map((watch) => watch.searched);
  return () => {
    counts.masked = masked;
    counts.withheld = withheld;
    for (const [at, watch] of watches.entries()) watch.searched = searched[at] ?? watch.searched;
  };
}

const mostColumns = 8_192;
const mostTypes = 64; // of one column

export class Watches {
  readonly #known: Lru<string, Known> = new Lru(mostColumns);

  /** What detectors found in columns of this database, which is the resource's. */
  seen(resource: string): readonly ColumnSeen[] {
    const columns = new Map<string, ColumnSeen & { searched: number; found: Map<string, number> }>();
    for (const { column, watch, found } of this.#known.values()) {
      if (column === undefined || found.size === 0) continue;
      const key = `${column.object}\0${column.column}`;
      const sum = columns.get(key) ?? { resource, ...column, searched: 0, found: new Map<string, number>() };
      sum.searched += watch.searched;
      for (const [type, count] of found) sum.found.set(type, (sum.found.get(type) ?? 0) + count);
      columns.set(key, sum);
    }
    return [...columns.values()];
  }

  /** For each output that detectors search; a column is the same one whatever statement reads it. */
  of(outputs: Outputs, plans: readonly ColumnPlan[]): readonly (Watch | undefined)[] {
    return plans.map((plan, at) => {
      if (plan.kind !== 'scan') return undefined;
      const lineage = outputs.kind === 'columns' ? outputs.columns[at]?.lineage : undefined;
      return this.#watch(
        lineage,
        plan.finds.map(({ entity }) => entity),
      );
    });
  }

  #watch(lineage: Lineage | undefined, entities: readonly string[]): Watch {
    const origin = lineage === undefined ? undefined : originOf(lineage);
    if (origin === undefined) return newKnown(undefined, entities).watch;
    const key = `${origin}\0${[...entities].sort().join()}`;
    const before = this.#known.get(key);
    if (before !== undefined) return before.watch;
    const made = newKnown(lineage?.kind === 'column' ? lineage.column : undefined, entities);
    this.#known.set(key, made);
    return made.watch;
  }
}

interface Known {
  /** Absent: it is made of columns, and is none itself. */
  readonly column: ColumnRef | undefined;
  readonly watch: Watch;
  readonly found: ReadonlyMap<string, number>;
}

function newKnown(column: ColumnRef | undefined, entities: readonly string[]): Known {
  const found = new Map<string, number>();
  const tell = (types: readonly string[]): void => {
    for (const type of new Set(types)) {
      const count = found.get(type);
      if (count !== undefined || found.size < mostTypes) found.set(type, (count ?? 0) + 1);
    }
  };
  return { column, found, watch: { vote: columnVote(entities), searched: 0, found: tell } };
}

/** The column that an output shows; behind `~` the columns that it is made of. */
function originOf(lineage: Lineage): string | undefined {
  if (lineage.kind === 'column') return `${lineage.column.object}\0${lineage.column.column}`;
  if (lineage.kind !== 'derived' || lineage.from.length === 0) return undefined;
  return `~${lineage.from
    .map(({ object, column }) => `${object}\0${column}`)
    .sort()
    .join('\0')}`;
}
