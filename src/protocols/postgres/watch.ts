import { Lru } from '../../base/lru.ts';
import { type ColumnVote, columnVote } from '../../mask/index.ts';
import type { Lineage, Outputs } from '../../sql/analysis.ts';
import type { ColumnPlan } from './cells.ts';

// What detectors learn of the columns of one database, over all statements and sessions: how its vote stands, and how often
// which type was found. No value is kept.

/** What is known of one column that detectors search. */
export interface Watch {
  readonly vote: ColumnVote;
  /** A value was searched and these types were found in it. */
  readonly found: (types: readonly string[]) => void;
}

const mostColumns = 8_192;

export class Watches {
  readonly #votes: Lru<string, ColumnVote> = new Lru(mostColumns);

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
    const vote = origin === undefined ? columnVote(entities) : this.#vote(origin, entities);
    return { vote, found: () => undefined };
  }

  #vote(origin: string, entities: readonly string[]): ColumnVote {
    const key = `${origin}\0${[...entities].sort().join()}`;
    const known = this.#votes.get(key);
    if (known !== undefined) return known;
    const made = columnVote(entities);
    this.#votes.set(key, made);
    return made;
  }
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
