import type { Action, ColumnRef, ColumnUse } from '../core/action.ts';
import type { Decision, PredicateDuty } from '../core/decision.ts';
import { tagMatches } from '../core/duties.ts';
import { deniedFor, fixesFor } from './refusing.ts';

type TagsOf = (column: ColumnRef) => readonly string[];

/**
 * What becomes of conditions on columns with a tag (`Duties.predicates`): who may ask whether a hidden value begins with
 * this, is less than that or comes before another reads it letter by letter. The strictest duty that fits a column counts.
 */
export function asked(decision: Decision, action: Action, tagsOf: TagsOf): Decision {
  const { predicates = [] } = decision.duties;
  if (decision.kind === 'deny' || predicates.length === 0) return decision;
  let held = false;
  for (const use of action.columns) {
    for (const duty of fitting(predicates, use, tagsOf)) {
      if (duty.allow === 'equality' && use.how === 'equality') continue;
      if (duty.otherwise === 'deny' || decision.duties.approve.length === 0) return denied(decision, duty);
      held = true;
    }
  }
  return held ? { ...decision, kind: 'review' } : decision;
}

/** Counts the questions of one session about columns with a tag; the one beyond the bound is refused. */
export class Probes {
  readonly #counts: Map<string, number> = new Map();

  /** Counts this action; gives the denial where it is one too many. */
  count(decision: Decision, action: Action, tagsOf: TagsOf): Decision | undefined {
    const bounded = (decision.duties.predicates ?? []).filter((duty) => duty.probes !== undefined);
    if (bounded.length === 0) return undefined;
    for (const duty of bounded) {
      const questions = action.columns.filter((use) => fitting([duty], use, tagsOf).length > 0).length;
      if (questions === 0) continue;
      const count = (this.#counts.get(duty.tag) ?? 0) + questions;
      if (count > (duty.probes ?? 0)) {
        return refused(
          decision,
          { code: 'LIMIT', duty },
          `This session has asked ${duty.probes} times about columns tagged ${duty.tag}, and no more is allowed`,
          'Connect again, or ask about other columns',
        );
      }
      this.#counts.set(duty.tag, count);
    }
    return undefined;
  }
}

function fitting(duties: readonly PredicateDuty[], use: ColumnUse, tagsOf: TagsOf): readonly PredicateDuty[] {
  if (use.use !== 'filter' && use.how === undefined) return [];
  // SECURITY: a condition on columns that could not be resolved may be on any.
  if (use.column === '*') return duties;
  // A question about a document can be one about any of its tagged paths.
  const inside = tagsOf({ object: use.object, column: `${use.column}$` });
  const tags = [...tagsOf(use), ...inside, ...(use.tags ?? [])];
  return tags.length === 0 ? [] : duties.filter(({ tag }) => tags.some((each) => tagMatches(tag, each)));
}

function denied(decision: Decision, duty: PredicateDuty): Decision {
  const allowed = duty.allow === 'equality' ? ': only whether a whole value equals another may be asked' : '';
  return refused(
    decision,
    { code: 'RULE', duty },
    `This asks about the values of a column tagged ${duty.tag} in a condition, an order or a group${allowed}`,
    duty.allow === 'equality'
      ? 'Compare the column as it is by = or IN, or use other columns'
      : 'Use other columns in conditions, orders and groups',
  );
}

interface Refused {
  readonly code: 'RULE' | 'LIMIT';
  readonly duty: PredicateDuty;
}

function refused(decision: Decision, { code, duty }: Refused, why: string, fix: string): Decision {
  const demand = `predicates ${duty.tag}`;
  return deniedFor(decision, demand, { code, why, fix: [fix, ...fixesFor(decision, demand)] });
}
