import type { Place, RuleRef } from './decision.ts';

/** What every rule that may concern a question said for one identity of the delegation chain. */
export interface IdentityExplanation {
  readonly subject: string;
  readonly kind: 'human' | 'workload' | 'agent';
  /** Those that matched first, then those that came near (at most three tests failed), nearest first. */
  readonly rules: readonly RuleExplanation[];
}

export interface RuleExplanation {
  readonly rule: RuleRef;
  readonly layer: string;
  readonly enforce: 'enforce' | 'soft' | 'warn' | 'shadow' | 'off';
  /** `failed`: its condition could not be evaluated. `exempt`: it would match, and an exemption takes it away. */
  readonly outcome: 'matched' | 'failed' | 'no-match' | 'exempt';
  readonly exemption?: string;
  /** Each test of its match and each part of its condition. */
  readonly tests: readonly TestExplanation[];
}

export interface TestExplanation {
  readonly source: string; // as its author wrote it
  readonly at: Place;
  readonly outcome: 'yes' | 'no' | 'error';
  /** What it read and what that was; never a value of a row, a header or a literal. */
  readonly facts: readonly FactExplanation[];
}

export interface FactExplanation {
  readonly path: string; // `identity.mfa`
  /** As CEL writes it, cut after 160 characters; absent: the fact is absent. */
  readonly value?: string;
}
