import type { Brand } from '../base/brand.ts';
import type { Instant } from '../base/time.ts';
import type { Access, ColumnUse, Target } from './action.ts';
import type { ApproveDuty, ClassTerms, DecisionId, RuleRef } from './decision.ts';
import type { Actor } from './entry.ts';
import type { Identity, Subject } from './identity.ts';
import type { Risk } from './risk.ts';

/** `rev_` and 26 characters that nobody can guess. */
export type ReviewId = Brand<string, 'ReviewId'>;

/** SHA-256, hex, of all that an approval is bound to, and of the review itself: no other request has it. */
export type ReviewDigest = Brand<string, 'ReviewDigest'>;

/**
 * `waiting` → `approved` → `running` → `done`, or an end before that. Every step is a compare-and-swap in the store:
 * an approval is used once. `unknown`: it was running when the gateway stopped; nobody can say whether it took effect.
 */
export type ReviewState =
  | 'waiting'
  | 'approved'
  | 'running'
  | 'done'
  | 'refused'
  | 'expired'
  | 'withdrawn'
  | 'void'
  | 'unknown';

/** What a person is asked: everything a card, a console or a command shows. Texts are canonical and without invisible characters. */
export interface Review {
  readonly id: ReviewId;
  readonly digest: ReviewDigest;
  readonly state: ReviewState;
  /** `break-glass`: nobody is asked, channels only tell of it. */
  readonly kind: 'live' | 'ticket' | 'access' | 'break-glass';
  readonly decision: DecisionId;
  readonly askedAt: Instant;
  readonly expiresAt: Instant;
  readonly identity: Actor;
  readonly resource: { readonly name: string; readonly kind: string; readonly tags: readonly string[] };
  readonly verb: string;
  readonly access: Access;
  readonly targets: readonly Target[];
  readonly columns: readonly ColumnUse[];
  /** The statement as it will run, whole, control and bidi characters made visible. */
  readonly text: string;
  /** The whole text it came in, where other statements come with it. */
  readonly within?: string;
  /** Its constants, or the whole text, are not shown here: this reader, or this place, may not see what is in them. */
  readonly hidden?: 'constants' | 'text';
  /** Bound values as this reviewer may see them (`***` where not); absent where there are none. */
  readonly values?: readonly string[];
  /** Settings that change what the text means (`search_path`, `role`), by name. */
  readonly settings: Readonly<Record<string, string>>;
  /** Rows that the resource expects to touch, from a plan that was never executed. */
  readonly estimate?: { readonly rows: number; readonly about: string };
  readonly risk: Risk;
  readonly rules: readonly RuleRef[];
  readonly why: string;
  readonly needs: readonly ApproveDuty[];
  readonly votes: readonly Vote[];
  readonly policy: string; // digest, or digest@commit
  /** How often the same fingerprint was asked, approved and refused before. */
  readonly history: { readonly asked: number; readonly approved: number; readonly refused: number };
  /** What the requester said of its reasons: never trusted. */
  readonly stated?: { readonly reason?: string; readonly ticket?: string };
  /** Of a request for access: what it asks for. */
  readonly scope?: {
    readonly rule: string;
    readonly ruleDigest: string;
    readonly verbs: readonly string[];
    readonly forMs: number;
  };
  /** How many other requests wait that differ from it in nothing but who waits or which constants are compared. */
  readonly alike?: number;
  /** So much may be granted at most to the class of this request; absent where only this one may be approved. */
  readonly classTerms?: ClassTerms;
  /** It was approved with its class. */
  readonly granted?: ClassGrant;
  /** It ran by the approval of this other review, which was given for its class. */
  readonly grant?: ReviewId;
  /** Why a grant for its class does not cover it. */
  readonly beyond?: string;
  /** The groups that can answer too, since nobody of the first has for too long. */
  readonly escalated?: readonly string[];
  readonly endedAt?: Instant;
  /** Why it ended as it did. */
  readonly end?: string;
}

/** An approval for a class: alive until it is used up, its time is over, somebody revokes it, or anything it is bound to changes. */
export interface ClassGrant extends ClassTerms {
  readonly until: Instant;
  readonly used: number;
  /** When and why it was revoked. */
  readonly revokedAt?: Instant;
  readonly revoked?: string;
}

export interface Vote {
  readonly by: Subject;
  readonly groups: readonly string[]; // of the duty that it counts for, at the time of the vote
  readonly vote: 'approve' | 'refuse';
  readonly at: Instant;
  readonly reason?: string;
  readonly via: string; // 'cli', 'api', 'slack', 'teams', 'email'
  /** Given by somebody whom the gateway had not shown the request in full. */
  readonly unseen?: true;
  /** An approval of the whole class. */
  readonly class?: ClassTerms;
}

/** A person's answer. The desk judges whether it counts: a channel only says who clicked. */
export interface Answer {
  readonly review: ReviewId;
  /** What the person was shown: an answer to something else does not count. */
  readonly digest: ReviewDigest;
  readonly vote: 'approve' | 'refuse';
  readonly reason?: string;
  /** An approval of the whole class, so long and so often. */
  readonly class?: ClassTerms;
  readonly via: string;
  /** Who answered, as the directory knows them now. */
  readonly by: Identity;
  /** When this person last proved who they are; 0 where the channel cannot tell. */
  readonly signedInAt: Instant;
  /** What the channel can show for it, for the entry: account, message and time of a click, digest of what was signed. */
  readonly proof?: Readonly<Record<string, string>>;
}

export type Counted =
  | { readonly kind: 'counted'; readonly review: Review }
  | {
      readonly kind: 'not-counted';
      readonly code:
        | 'unknown-review'
        | 'ended'
        | 'other-request' // the digest is not this review's
        | 'not-a-person'
        | 'own-request' // requester, owner, chain, or the same human under another name
        | 'not-in-group'
        | 'voted-already'
        | 'reason-needed'
        | 'sign-in-again' // high risk asks for a fresh sign-in
        | 'no-class'; // the policy does not let the class be granted, or not so much of it
      readonly why: string;
    };

/** Where reviews are told and answered: one file each in channels/. Failing to tell is not a refusal: other channels remain. */
export interface Channel extends AsyncDisposable {
  readonly name: string; // 'slack', 'teams', 'webhook', 'email'
  /** Tells the reviewers, or updates what it told before; called for each change of state. Rejects with a Fault when it could not. */
  readonly tell: (review: Review) => Promise<void>;
  /** It is told of every review; others only of one among those that are alike, since people tire of cards. */
  readonly each?: true;
  /** Where its service posts clicks to: mounted under `/channels/<name>`, without a token, since the service signs. */
  readonly hook?: (request: HookRequest) => Promise<HookAnswer>;
}

/** A request as it came: a signature is over these bytes, before anything has read them. */
export interface HookRequest {
  readonly header: (name: string) => string | undefined; // the name in lower case
  readonly body: Uint8Array;
}

export interface HookAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** What a channel may use: it can bring an answer, and cannot decide. */
export interface ChannelDesk {
  readonly answer: (answer: Answer) => Promise<Counted>;
  readonly review: (id: ReviewId) => Promise<Review | undefined>;
  /** The identity that the directory links to an account of this channel (`slack`, `T012/U345`); undefined when none is. */
  readonly linked: (channel: string, account: string) => Identity | undefined;
}
