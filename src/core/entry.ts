import type { Instant } from '../base/time.ts';
import type { Access, Attribute, ColumnUse, Target } from './action.ts';
import type { ApproveDuty, ClassTerms, DecisionId, Denial, Duties, Outcome, RuleId } from './decision.ts';
import type { Risk } from './risk.ts';
import type { SessionId } from './session.ts';

/** Who did it, as entries name them: the identity and its delegation chain. */
export interface Actor {
  readonly subject: string;
  readonly kind: 'human' | 'workload' | 'agent';
  readonly groups: readonly string[];
  readonly actingFor?: Actor;
}

/** What a legal hold keeps: sessions with all of these. */
export interface HoldScope {
  readonly session?: SessionId;
  readonly identity?: string; // a subject, or whom an agent acts for
  readonly resource?: string;
}

/**
 * One line of the ledger. Personal data and statement texts stand under `sealed`: the ledger encrypts that part with
 * the session's key and hashes the ciphertext, so that a key can be destroyed and the proofs still hold.
 */
export type Entry =
  | {
      readonly kind: 'gateway.started';
      readonly at: Instant;
      readonly version: string;
      readonly policy?: string;
      /** HMAC-SHA-256 of the configuration's text under a key of this gateway: another one shows, and tells nothing of its values. */
      readonly config?: string;
    }
  | { readonly kind: 'gateway.stopped'; readonly at: Instant; readonly why: string }
  | {
      readonly kind: 'policy.loaded';
      readonly at: Instant;
      readonly digest: string;
      readonly commit?: string;
    }
  | { readonly kind: 'policy.refused'; readonly at: Instant; readonly problems: readonly string[] }
  | {
      /** The ledger's key was changed: heads over this entry are signed with `to`. */
      readonly kind: 'key.rotated';
      readonly at: Instant;
      readonly from: string; // a verifier key: <name>+<key id>+<base64>
      readonly to: string;
      readonly signature: string; // of the old key over both, base64
      readonly proof: string; // of the new key over both, base64
      /** Who asked for it; absent when it was done to a gateway that did not run. */
      readonly by?: Actor;
    }
  | {
      readonly kind: 'sign-in.refused';
      readonly at: Instant;
      readonly resource: string;
      readonly peer: string;
      readonly why: string;
      readonly subject?: string;
    }
  | {
      /** Somebody signed in with a browser; requests of it are admitted as sessions of their own. */
      readonly kind: 'sign-in.accepted';
      readonly at: Instant;
      /** Names this sign-in until its end: no secret. */
      readonly visit: string;
      readonly identity: Actor;
      readonly way: string; // 'token'
      readonly origin: string; // that the browser sees
      readonly until: Instant;
      /** Sealed. */
      readonly peer: string;
    }
  | {
      readonly kind: 'sign-in.ended';
      readonly at: Instant;
      readonly visit: string;
      readonly identity: Actor;
      readonly why: string; // 'signed out', 'expired', 'idle', 'token revoked', 'killed by …'
    }
  | {
      readonly kind: 'session.opened';
      readonly at: Instant;
      readonly session: SessionId;
      readonly identity: Actor;
      readonly resource: { readonly name: string; readonly kind: string; readonly tags: readonly string[] };
      readonly peer: string;
      readonly run?: string;
      /** Further facts of the identities that rules may read, by subject: so that decisions can be judged again. */
      readonly facts?: Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;
      readonly client?: string; // what the client calls itself
    }
  | DecisionEntry
  | {
      /** Somebody went past `soft` rules; stands beside the decision, before anything of it has left. */
      readonly kind: 'break-glass';
      readonly at: Instant;
      readonly session: SessionId;
      readonly decision: DecisionId;
      readonly identity: Actor;
      readonly resource: string;
      readonly verb: string;
      readonly access: Access;
      readonly rules: readonly RuleId[];
      readonly policy: string;
      /** Sealed. */
      readonly stated: { readonly reason: string; readonly ticket: string };
    }
  | {
      /** Definitions of tools: first seen, changed and held, or what a person said to a change. */
      readonly kind: 'tool.pin';
      readonly at: Instant;
      readonly resource: string;
      readonly state: 'pinned' | 'changed' | 'approved' | 'refused';
      readonly tools: readonly { readonly name: string; readonly digest: string; readonly was?: string }[];
      readonly decision?: DecisionId; // that a person was asked about
    }
  | {
      /** The same request was denied again and again to one run: written once. */
      readonly kind: 'incident';
      readonly at: Instant;
      readonly session: SessionId;
      readonly identity: Actor;
      readonly resource: string;
      readonly what: 'breaker';
      readonly decision: DecisionId; // the denial that tripped it
      readonly verb: string;
      readonly targets: readonly Target[];
      readonly rule?: string;
      readonly denials: number;
      /** Sealed. */
      readonly run?: string;
    }
  | {
      /** How statements ended; several at a time, since nobody waits for it. */
      readonly kind: 'outcomes';
      readonly at: Instant;
      readonly session: SessionId;
      readonly outcomes: readonly { readonly id: DecisionId; readonly outcome: Outcome }[];
    }
  | {
      readonly kind: 'recording.chunk';
      readonly at: Instant;
      readonly session: SessionId;
      readonly chunk: number; // from 0
      readonly digest: string; // SHA-256 of the stored (sealed) chunk, hex
      readonly bytes: number; // of the stored chunk
      readonly frames: number;
    }
  | {
      /** Frames of a recording that are lost: they could not be written. The session ends with it. */
      readonly kind: 'recording.gap';
      readonly at: Instant;
      readonly session: SessionId;
      readonly chunk: number; // the first that is not there
      readonly bytes: number; // of frames
      readonly why: string; // a code
    }
  | {
      /** Records are to be kept, whatever retention and erasure say, until the hold is removed. */
      readonly kind: 'hold.added';
      readonly at: Instant;
      readonly hold: string;
      readonly by: Actor;
      readonly scope: HoldScope;
      /** Sealed. */
      readonly reason: string;
    }
  | {
      readonly kind: 'hold.removed';
      readonly at: Instant;
      readonly hold: string;
      readonly by: Actor;
      /** Sealed. */
      readonly reason: string;
    }
  | {
      /** The keys of these sessions are destroyed right behind this entry: what they sealed cannot be read again. */
      readonly kind: 'record.erased';
      readonly at: Instant;
      readonly sessions: readonly SessionId[];
      /** `retention` by rule, or `order` of a person. */
      readonly rule: string;
      readonly by: Actor;
      readonly why: string;
    }
  | {
      readonly kind: 'session.closed';
      readonly at: Instant;
      readonly session: SessionId;
      readonly why: string; // 'client left', a WireCode, a FaultCode
      readonly decisions: number;
      readonly chunks: number;
    }
  | {
      /** Somebody read the record, or asked the gateway's own API for something that rules judge. */
      readonly kind: 'record.read';
      readonly at: Instant;
      readonly identity: Actor;
      readonly verb: string;
      readonly of?: SessionId;
      readonly allowed: boolean;
      readonly rules?: readonly RuleId[];
      readonly policy?: string; // digest
      /** Read on the gateway's host with the keys of its folder: no policy was asked. */
      readonly offline?: true;
    }
  | ReviewEntry;

/** The life of a review. Reasons and what channels show for a click are personal and stand sealed. */
export type ReviewEntry =
  | {
      readonly kind: 'review.asked';
      readonly at: Instant;
      readonly session: SessionId;
      readonly review: string;
      readonly decision: DecisionId;
      readonly digest: string; // what an approval is bound to
      readonly how: 'live' | 'ticket' | 'access' | 'break-glass';
      readonly identity: Actor;
      readonly resource: string;
      readonly verb: string;
      readonly risk: Risk;
      readonly needs: readonly ApproveDuty[];
      readonly expiresAt: Instant;
      readonly policy: string;
      /** Of a request for access: what it asks for. */
      readonly scope?: {
        readonly rule: string;
        readonly ruleDigest: string;
        readonly verbs: readonly string[];
        readonly forMs: number;
      };
      /** Sealed. */
      readonly stated?: { readonly reason?: string; readonly ticket?: string };
    }
  | {
      /** Somebody answered, or tried to: `counted` says which. */
      readonly kind: 'review.answered';
      readonly at: Instant;
      readonly session?: SessionId; // of the requester; absent where there is no such review
      readonly review: string;
      readonly digest: string;
      readonly by: Actor;
      readonly vote: 'approve' | 'refuse' | 'withdraw';
      readonly via: string;
      readonly counted: boolean;
      readonly code?: string; // why it does not count
      /** An approval of the whole class. */
      readonly class?: ClassTerms;
      /** Sealed. */
      readonly reason?: string;
      /** Sealed. */
      readonly proof?: Readonly<Record<string, string>>;
    }
  | {
      /** The approval is used up; nothing of the action has left before this is on disk. */
      readonly kind: 'review.used';
      readonly at: Instant;
      readonly session: SessionId;
      readonly review: string;
      readonly decision: DecisionId;
      readonly digest: string;
      readonly approvers: readonly string[];
      readonly policy: string;
      /** The review whose approval for a class it is, and the how manieth use of it. */
      readonly grant?: string;
      readonly use?: number;
    }
  | {
      /** An approval was given for a class. Nothing but the approved request itself passes by it before this is on disk. */
      readonly kind: 'class.granted';
      readonly at: Instant;
      readonly session: SessionId;
      readonly review: string;
      readonly class: string; // digest of all that stays the same
      readonly until: Instant;
      readonly count: number;
      readonly approvers: readonly string[];
      readonly policy: string;
    }
  | {
      readonly kind: 'class.revoked';
      readonly at: Instant;
      readonly session: SessionId;
      readonly review: string;
      readonly by: Actor;
      readonly used: number;
      /** Sealed. */
      readonly reason?: string;
    }
  | {
      /** Access for a time begins; it ends with `review.ended`. Nothing passes by it before this is on disk. */
      readonly kind: 'access.granted';
      readonly at: Instant;
      readonly session: SessionId;
      readonly review: string;
      readonly identity: Actor;
      readonly resource: string;
      readonly verbs: readonly string[];
      readonly rule: RuleId;
      readonly ruleDigest: string;
      readonly until: Instant;
      readonly approvers: readonly string[];
      readonly policy: string;
    }
  | {
      /** Nobody answered for too long, or these are quiet hours: these groups can answer too from now on. */
      readonly kind: 'review.escalated';
      readonly at: Instant;
      readonly session: SessionId;
      readonly review: string;
      readonly decision: DecisionId;
      readonly to: readonly string[]; // groups
    }
  | {
      readonly kind: 'review.ended';
      readonly at: Instant;
      readonly session: SessionId;
      readonly review: string;
      readonly decision: DecisionId;
      readonly state: 'done' | 'refused' | 'expired' | 'withdrawn' | 'void' | 'unknown';
      readonly why: string;
    };

export interface DecisionEntry {
  readonly kind: 'decision';
  readonly at: Instant;
  readonly id: DecisionId;
  readonly session: SessionId;
  readonly identity: Actor;
  readonly resource: string;
  readonly decision: 'allow' | 'deny' | 'review';
  readonly verb: string;
  readonly access: Access;
  readonly targets: readonly Target[];
  readonly columns: readonly ColumnUse[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly rules: readonly RuleId[];
  readonly wouldBe: readonly RuleId[];
  readonly duties: readonly string[]; // 'mask', 'limit', 'record:full', …
  /** In full, where no earlier entry of the session has the same rules under the same policy. */
  readonly demands?: Duties;
  /** Whether it answers with values whose origin cannot be told; absent in entries of older versions. */
  readonly opaque?: boolean;
  /** What its client had seen before, where that was anything. */
  readonly saw?: readonly string[];
  readonly policy: string; // digest
  readonly commit?: string;
  readonly denial?: Denial;
  /** The review that it waits for, or that let it pass. */
  readonly review?: string;
  /** The access requests by whose grants it is allowed: each is a review's id. */
  readonly grants?: readonly string[];
  /** Encrypted with the session's key before it is hashed. `values` is a digest of bound values and formats. */
  readonly sealed: { readonly text: string; readonly values?: string };
}
