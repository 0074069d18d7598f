import type { ColumnUse, Target } from '../../core/action.ts';
import type { Denial, Outcome } from '../../core/decision.ts';
import type { Actor } from '../../core/entry.ts';

/** What the API asks of the record. */
export interface Records {
  /** Newest first. */
  readonly sessions: (query: SessionQuery) => Promise<readonly SessionSummary[]>;
  readonly session: (id: string) => Promise<SessionDetail | undefined>;
  readonly decision: (id: string) => Promise<DecisionRecord | undefined>;
}

export interface SessionQuery {
  readonly limit: number;
  readonly identity?: string; // a subject
  readonly resource?: string;
  readonly before?: string; // a session's id: what is older than it
}

export interface SessionSummary {
  readonly id: string;
  readonly identity: Actor;
  readonly resource: string;
  readonly kind: string;
  readonly startedAt: string; // RFC 3339
  readonly endedAt?: string;
  readonly state: 'open' | 'closed' | 'lost'; // lost: the gateway ended without writing its end
  readonly why?: string;
  readonly peer: string;
  readonly run?: string;
  readonly client?: string;
  readonly decisions: number;
  readonly allowed: number;
  readonly denied: number;
  readonly reviewed: number;
}

export interface SessionDetail extends SessionSummary {
  readonly statements: readonly DecisionRecord[];
  /** True where there are more statements than are shown. */
  readonly more?: true;
}

export interface DecisionRecord {
  readonly id: string;
  readonly session: string;
  readonly at: string; // RFC 3339
  readonly identity: Actor;
  readonly resource: string;
  readonly decision: 'allow' | 'deny' | 'review';
  readonly verb: string;
  readonly access: string;
  readonly targets: readonly Target[];
  readonly columns: readonly ColumnUse[];
  readonly rules: readonly { readonly id: string; readonly at?: string }[];
  readonly wouldBe: readonly string[];
  readonly duties: readonly string[];
  readonly policy: string;
  readonly commit?: string;
  readonly denial?: Denial;
  /** Absent once the key of its session was destroyed. */
  readonly text?: string;
  /** Bytes of the whole text, where the entry holds only its beginning. */
  readonly cutFrom?: number;
  readonly outcome?: Outcome;
  /** The review that it waited for or was let pass by, and how that ended. */
  readonly review?: ReviewOf;
  /** It went past soft rules: these, and what was said for it, until the session's key was destroyed. */
  readonly grants?: readonly string[];
  readonly glass?: { readonly rules: readonly string[]; readonly reason?: string; readonly ticket?: string };
}

export interface ReviewOf {
  readonly id: string;
  /** `open`: it waits, or is a ticket that can still be used. */
  readonly state: 'open' | 'done' | 'refused' | 'expired' | 'withdrawn' | 'void' | 'unknown';
  readonly why?: string;
  readonly approvers?: readonly string[];
}
