import type { RuleRef } from '../core/decision.ts';

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

  readonly placeOf = (rule: string, digest: string): string | undefined =>
    this.#places.get(digest)?.get(rule);
}
