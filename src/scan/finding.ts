import type { Place } from '../core/decision.ts';

/** What would become of a thing at run time. Ordered: the first is the gravest. */
export const verdicts = ['refused', 'held', 'warned', 'masked', 'noted'] as const;
export type Verdict = (typeof verdicts)[number];

/** One thing found in a repository: where, what the gateway would do with it, by which rule, and what to do. */
export interface Finding {
  readonly file: string; // as it was given, with `/`
  readonly line: number; // from 1
  readonly col: number; // from 1
  readonly endLine?: number;
  /** The rule's id, a class of denial where no rule decides (`NO_ALLOW_RULE`), or `<tool>/<rule>` of another scanner. */
  readonly rule: string;
  /** Where the rule stands, relative to the policy. */
  readonly at?: Place;
  readonly verdict: Verdict;
  /** One line: `The gateway would refuse this at run time: sql.drop on public.customers`. */
  readonly message: string;
  readonly why: string;
  readonly fix?: string;
  readonly owner?: string;
  readonly tool: string; // `sallyport`, or the other scanner's name
  /** The commit that brought the line; absent where Git does not know it or it is not committed. */
  readonly commit?: Blame;
}

export interface Blame {
  readonly id: string;
  readonly author: string;
  readonly summary: string;
}

/** Something in a repository that rules can judge. */
export interface Piece {
  readonly file: string;
  readonly line: number;
  readonly col: number;
  readonly endLine?: number;
}

/** Whether a finding counts at this level: `held` counts what is refused too. */
export function reaches(verdict: Verdict, level: Verdict): boolean {
  return verdicts.indexOf(verdict) <= verdicts.indexOf(level);
}
