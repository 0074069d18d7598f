import type { RuleRef } from '../core/decision.ts';
import type { DecisionRecord, Records } from './api/records.ts';

const policiesKept = 100;

/** Where rules stand, for the policies that were in force since the start; entries name rules by id and policy only. */
export class RulePlaces {
  readonly #places: Map<string, ReadonlyMap<string, string>> = new Map();

  add(digest: string, rules: readonly RuleRef[]): void {
    this.#places.set(digest, new Map(rules.map(({ id, at }) => [id, `${at.file}:${at.line}:${at.col}`])));
    for (const oldest of this.#places.keys()) {
      if (this.#places.size <= policiesKept) break;
      this.#places.delete(oldest);
    }
  }

  /** The same records, with the place of each rule where it is known. */
  on(records: Records): Records {
    return {
      sessions: records.sessions,
      session: async (id) => {
        const found = await records.session(id);
        return found === undefined
          ? undefined
          : { ...found, statements: found.statements.map((each) => this.#placed(each)) };
      },
      decision: async (id) => {
        const found = await records.decision(id);
        return found === undefined ? undefined : this.#placed(found);
      },
    };
  }

  #placed(decision: DecisionRecord): DecisionRecord {
    const places = this.#places.get(decision.policy);
    if (places === undefined) return decision;
    const rules = decision.rules.map((rule) => {
      const at = rule.at ?? places.get(rule.id);
      return at === undefined ? rule : { ...rule, at };
    });
    return { ...decision, rules };
  }
}
