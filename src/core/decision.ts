import type { Brand } from '../base/brand.ts';
import type { Action, ColumnRef } from './action.ts';

/** `<module>/<rule>`. */
export type RuleId = Brand<string, 'RuleId'>;

export interface Place {
  readonly file: string; // relative to the policy's directory
  readonly line: number; // from 1
  readonly col: number; // from 1
}

export type Effect = 'allow' | 'deny' | 'require';

/** A rule as decisions, entries and denials name it. */
export interface RuleRef {
  readonly id: RuleId;
  readonly effect: Effect;
  readonly at: Place;
  readonly why?: string;
  readonly fix?: string;
  readonly owner?: string;
  /** What it demands: 'mask', 'limit', 'approve', 'lineage'; only of a require rule. */
  readonly demands?: readonly string[];
}

/** How a sensitive value is shown. All operators keep the wire type. */
export type MaskOperator =
  | { readonly kind: 'partial'; readonly keepFirst: number; readonly keepLast: number }
  /**
   * A value near it, for numbers and money by `percent`, for dates by `days`; what has neither, and every text, is redacted.
   * Over many values it averages out: whoever writes the rule has to accept that.
   */
  | { readonly kind: 'noise'; readonly percent?: number; readonly days?: number }
  | { readonly kind: 'generalise' }
  /** Can be undone with the key, and only with it. */
  | { readonly kind: 'token' }
  | { readonly kind: 'hash' }
  /** A consistent pseudonym. */
  | { readonly kind: 'fake' }
  /** `keepWidth`: a star for each character, in place of a word. */
  | { readonly kind: 'redact'; readonly keepWidth?: true }
  | { readonly kind: 'null' };

/** Columns whose tag matches (`pii/*`, `pii/email`). The most specific pattern of one group wins. */
export interface TagMask {
  readonly tag: string;
  readonly operator: MaskOperator;
}

/** Values that detectors find in columns without a tag; `entity` is a Presidio name or `*`. */
export interface FindMask {
  readonly entity: string;
  readonly operator: MaskOperator;
  /** Of `*`: what its own rule names by itself, and shows otherwise. */
  readonly except?: readonly string[];
  /** A model is asked too; `required`: what cannot be given to one is not shown. */
  readonly model?: ModelUse;
}

export type ModelUse = 'required' | 'where-possible';

/** One `approve` duty: `count` distinct humans of `group`. */
export interface ApproveDuty {
  readonly groups: readonly string[]; // any of them
  readonly count: number;
  readonly withinMs: number;
  /** An approval without a reason does not count. */
  readonly reason?: true;
  /** So long the request waits in flight at most; after that, or at once where it is 0, its client gets a ticket. */
  readonly holdMs?: number;
  /** After this time these groups can give it too. */
  readonly escalate?: { readonly afterMs: number; readonly groups: readonly string[] };
  /** An approval may be given for the whole class of the request: so long and so often at most. */
  readonly class?: ClassTerms;
}

/** How long and how often what is alike may run by one approval; the request that was approved is the first of them. */
export interface ClassTerms {
  readonly forMs: number;
  readonly count: number;
}

/** What must happen to a permitted action: the join of the duties of all rules that matched. */
export interface Duties {
  /** One group a rule; inside a group the most specific tag wins, across groups the strongest operator. */
  readonly masks: readonly (readonly TagMask[])[];
  readonly finds: readonly FindMask[];
  /** What becomes of an output whose lineage is not known while any mask applies. */
  readonly unknownLineage: 'withhold' | 'deny';
  readonly rowLimit?: number;
  readonly byteLimit?: number;
  readonly record: 'meta' | 'statements' | 'full';
  /** A session is erased so long after its end; absent: it is kept. The longest of all that its decisions demand. */
  readonly retainMs?: number;
  readonly approve: readonly ApproveDuty[];
  readonly notify: readonly string[];
  /** What conditions on tagged columns may ask; the strictest of all that fit a column counts. */
  readonly predicates?: readonly PredicateDuty[];
  /** The only columns an answer may hold (`public.customers.city`, `public.orders.*`): an intersection; empty allows none. */
  readonly onlyColumns?: readonly string[];
  /** At most `count` actions in any `perMs`, for one identity; all of them hold. */
  readonly rates?: readonly RateDuty[];
  /** Actions with this duty that one identity may have under way at once. */
  readonly concurrency?: number;
  /** A session ends when it is this old, or has asked for nothing for this long. */
  readonly sessionMs?: number;
  readonly idleMs?: number;
  /** Nothing but reads: the policy itself denies an action with any other access. */
  readonly readOnly?: true;
  /** The client must have said why, and for which ticket (a linear-time pattern that its id must match). */
  readonly justify?: true;
  readonly tickets?: readonly string[];
}

/** At most `count` actions in any `perMs`, of one identity and everyone it acts for, counted by the rule `of`. */
export interface RateDuty {
  readonly count: number;
  readonly perMs: number;
  readonly of?: string;
}

/** A value that is hidden in the answer can be guessed by asking about it: what may be asked. */
export interface PredicateDuty {
  readonly tag: string; // `pii/*`, `pii/email`
  /** `equality`: `=`, IN and joins by `=` with whole values; `none`: no condition, order or grouping at all. */
  readonly allow: 'equality' | 'none';
  /** What becomes of the rest. */
  readonly otherwise: 'deny' | 'approve';
  /** How many conditions on such columns one session may ask. */
  readonly probes?: number;
}

export const noDuties: Duties = {
  masks: [],
  finds: [],
  unknownLineage: 'withhold',
  record: 'full',
  approve: [],
  notify: [],
};

export type DenyCode =
  | 'RULE' // a deny rule matched
  | 'NO_ALLOW_RULE'
  | 'POLICY_ERROR' // a deny or require rule could not be evaluated
  | 'NO_POLICY' // none loaded, or too old
  | 'NOT_UNDERSTOOD' // the protocol could not read the request
  | 'REVIEW_UNAVAILABLE'
  | 'REVIEW_REFUSED'
  | 'REVIEW_EXPIRED' // nobody answered in time
  | 'REVIEW_WITHDRAWN' // its client took it back, or left
  | 'REVIEW_VOID' // approved, but no longer the same request under the same policy
  | 'REVIEW_PENDING' // a ticket: ask again when it is approved
  | 'LIMIT'
  | 'UNSTATED' // a rule wants a reason or a ticket, and the client said none that fits
  | 'LINEAGE' // an output's lineage is unknown and the duty says deny
  | 'SIGN_IN'
  | 'UNSUPPORTED'
  | 'NOT_WRITTEN'; // the ledger could not take the entry

/** Names the policy that decided; stands on every entry. */
export interface PolicyId {
  readonly digest: string; // SHA-256 of the sources, hex
  readonly commit?: string;
}

/** What the policy says. Plain data: the same question always gets the same decision. */
export interface Decision {
  readonly kind: 'allow' | 'deny' | 'review';
  readonly code?: DenyCode; // present on deny
  /** All rules that made it; the headline first. */
  readonly because: readonly RuleRef[];
  readonly why: string;
  readonly fix: readonly string[];
  readonly duties: Duties;
  readonly policy: PolicyId;
  /** What would have been enough, for a deny without a matching rule: the failed condition's source. */
  readonly nearest?: { readonly rule: RuleRef; readonly failed: string };
  /** What shadow and warn rules would have done. */
  readonly wouldBe: readonly RuleRef[];
  /** Denied by `soft` rules alone, each of which this identity may break: then `past` says what holds for who does. */
  readonly soft?: true;
  /** What is decided without them. Its duties ask for a reason and a ticket, record everything and notify. */
  readonly past?: Decision;
  /** The grants without which it would be a deny. */
  readonly grants?: readonly string[];
  /** False where a rule that matters read the clock, a rate or a value of this one request. */
  readonly cacheable: boolean;
}

/** The denial object, the same in every protocol, the API and the ledger (DESIGN, 9). Holds no value of a row, header or literal. */
export interface Denial {
  readonly class: DenyCode;
  readonly rule?: string;
  readonly at?: string; // file:line:col
  readonly policy?: string; // digest, or digest@commit
  readonly why: string;
  readonly fix: readonly string[];
  readonly retryable: boolean;
  readonly review?: string;
  readonly decisionId: string;
  /** How often the same may still be denied to this run before an incident is made of it. */
  readonly attemptsLeft?: number;
}

export type DecisionId = Brand<string, 'DecisionId'>; // '<session>.<sequence>'

/** What the gate answers, once any review is over and the answer is written down as its rule demands. */
export type Verdict = Permit | Refusal;

export interface Refusal {
  readonly kind: 'refusal';
  readonly denial: Denial;
}

declare const permitBrand: unique symbol;

/** Proof that the gate let an action pass. Only gate/ makes one, and an upstream takes no bytes without it. */
export interface Permit {
  readonly [permitBrand]: true;
  readonly kind: 'permit';
  readonly id: DecisionId;
  readonly action: Action;
  readonly duties: Duties;
  /** All rules that made it. */
  readonly because: readonly RuleRef[];
  /**
   * Resolves when the entry is on disk; absent when it is there already. Only reads are permitted before that.
   * SECURITY: no byte of the answer may reach the client before it has resolved; a rejection ends the session.
   */
  readonly written?: Promise<void>;
  /** How this column's value must be shown; `undefined`: as it is. */
  readonly operatorOf: (column: ColumnRef) => MaskOperator | undefined;
}

/** How a permitted action ended. */
export type Outcome =
  | {
      readonly kind: 'ok';
      readonly rows: number;
      readonly bytes: number;
      readonly masked: number;
      readonly withheld: number;
    }
  | {
      readonly kind: 'error';
      readonly code: string;
      readonly rows: number;
      readonly bytes: number;
      readonly masked: number;
      readonly withheld: number;
    }
  | {
      readonly kind: 'cut';
      readonly why: DenyCode;
      readonly rows: number;
      readonly bytes: number;
      readonly masked: number;
      readonly withheld: number;
    }
  /** It never reached the resource (another statement of its batch was refused, an earlier one failed). */
  | { readonly kind: 'unsent' };
