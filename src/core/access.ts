import type { Instant } from '../base/time.ts';
import type { ApproveDuty, RuleId, RuleRef } from './decision.ts';
import type { ReviewId } from './review.ts';

/** Access for a time: one rule is in force for one identity on one resource, until then. */
export interface Grant {
  /** The review that gave it. */
  readonly id: ReviewId;
  readonly rule: RuleId;
  /** The rule as it was when this was given: of a changed rule nothing is left of it. */
  readonly ruleDigest: string;
  readonly resource: string;
  /** Exactly these, no patterns. */
  readonly verbs: readonly string[];
  /** Who has it, and everyone they act for, as `chainOf` says it: it holds for no other chain. */
  readonly chain: readonly string[];
  readonly until: Instant;
}

/** What a rule that is in force only on request asks for. */
export interface RequestTerms {
  readonly approve: readonly ApproveDuty[];
  readonly longestMs: number;
  /** A linear-time pattern that the whole id of the ticket must match; absent: none is needed. */
  readonly ticket?: string;
}

/** Something an identity may ask for on a resource. */
export interface Requestable extends RequestTerms {
  readonly rule: RuleRef;
  readonly ruleDigest: string;
  readonly verbs: readonly string[];
  /** Kinds of access the rule can give; absent: any. */
  readonly access?: readonly string[];
}

/** What an identity may reach on a resource: a hint for catalogues, since conditions and objects are not looked at. */
export interface Reach {
  readonly verbs: readonly string[];
  readonly onRequest: readonly Requestable[];
}

/** An identity, or an actor of an entry, and whom it acts for. */
interface Link {
  readonly kind: string;
  readonly subject: string;
  readonly actingFor?: Link;
}

/** `['agent:bot', 'human:ana']`: an identity and everyone it acts for. */
export function chainOf(identity: Link): readonly string[] {
  const chain: string[] = [];
  for (let at: Link | undefined = identity; at !== undefined; at = at.actingFor)
    chain.push(`${at.kind}:${at.subject}`);
  return chain;
}
