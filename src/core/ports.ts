import type { Instant } from '../base/time.ts';
import type { Grant, Reach } from './access.ts';
import type { Action, ColumnRef } from './action.ts';
import type { Decision, PolicyId } from './decision.ts';
import type { IdentityExplanation } from './explanation.ts';
import type { Entry } from './entry.ts';
import type { Identity } from './identity.ts';
import type { Resource, SessionId } from './session.ts';

/** Rules that have been read and checked. Pure and total: a rule that fails counts as a deny, never as a throw. */
export interface Policy {
  readonly id: PolicyId;
  readonly decide: (question: Question) => Decision;
  /**
   * What a `cacheable` decision that allows depends on of its action, besides the kind of the resource: actions with the same text
   * are decided alike for one identity and one resource. Undefined where nobody can say. Absent: nothing is shared.
   */
  readonly sharing?: (kind: string, action: Action) => string | undefined;
  /**
   * Asks what lies outside before `decide`, so that nothing waits there; undefined where nothing is to be asked of this
   * question. Never rejects: what cannot be had is an opinion that failed. Present only where a layer needs it.
   */
  readonly consult?: (question: Question) => Promise<Opinions> | undefined;
  /** What every rule said for everyone of the delegation chain, for people who ask why. */
  readonly explain?: (question: Question) => readonly IdentityExplanation[];
  /** The tags that schema.yaml gives this column of this resource. */
  readonly tagsOf: (resource: Resource, column: ColumnRef) => readonly string[];
  /** What this identity may do on this resource, and what it may ask for. */
  readonly reach?: (identity: Identity, resource: Resource) => Reach;
}

/** What an outside policy said of a question: its result document as JSON text, or why there is none. */
export type Opinion =
  | { readonly kind: 'said'; readonly json: string }
  | { readonly kind: 'failed'; readonly why: string };

/** Layer -> what its policy says for the identity and everyone it acts for, in order. */
export type Opinions = ReadonlyMap<string, readonly Opinion[]>;

export interface Question {
  readonly identity: Identity;
  readonly resource: Resource;
  readonly action: Action;
  readonly session: {
    readonly id: SessionId;
    readonly startedAt: Instant;
    readonly run?: string;
    /** What this client has seen before: tags of data shown in clear, and of resources. */
    readonly saw?: readonly string[];
  };
  readonly at: Instant;
  /** Live grants: rules on request are in force by these alone. */
  readonly grants?: readonly Grant[];
  /** What `Policy.consult` gave for this very question; an empty map where nobody was asked and nothing may wait. */
  readonly opinions?: Opinions;
}

/** The append-only log of all entries. */
export interface Ledger {
  /**
   * Takes the entry; entries are ordered by call. Resolves once the entry would survive a power cut.
   * Rejects with a Fault `ledger`; after the first rejection every later append rejects too.
   */
  readonly append: (entry: Entry) => Promise<void>;
}

/** Writes down what passed, as the client saw it: after the masks. One for each session. */
export interface Recorder {
  /**
   * Adds a frame; the bytes are copied. `of` says which statement it belongs to, where several are under way at once.
   * Gives a promise when the recorder wants the caller to wait (back-pressure).
   * Throws a Fault `recorder` when it cannot record: the session must end.
   */
  readonly frame: (kind: FrameKind, bytes: Uint8Array, of?: string) => Promise<void> | undefined;
  /** Writes what is left and gives the number of chunks. */
  readonly close: () => Promise<number>;
}

/**
 * `statement`: UTF-8 JSON {id, text, values?}; `answer`: bytes of the protocol towards the client; `ask`: bytes from
 * the client that are content (COPY data); `decision`: UTF-8 JSON {id, decision, rules, why}; `note`: UTF-8 text.
 */
export type FrameKind = 'statement' | 'decision' | 'answer' | 'ask' | 'note';

/** Structured log line: an event and facts; never a value of a row, a header or a literal. */
export type Log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  event: string,
  facts?: Readonly<Record<string, string | number | boolean | undefined>>,
) => void;
