import type { Instant } from '../base/time.ts';
import type { Outcome } from '../core/decision.ts';
import type { ClassGrant, Review, ReviewId, ReviewState, Vote } from '../core/review.ts';
import type { SessionId } from '../core/session.ts';

/** A review as it is kept. Texts are as they came, not yet made visible; values are not yet masked. */
export interface StoredReview extends Omit<
  Review,
  'history' | 'alike' | 'hidden' | 'classTerms' | 'granted' | 'escalated'
> {
  readonly session: SessionId;
  /** What the request is: equal requests have equal ones. */
  readonly binding: string;
  readonly fingerprint: string;
  readonly outcome?: Outcome;
  /** What the gateway needs to run a ticket by itself; absent where only its client can. */
  readonly errand?: string;
  /** The token it was asked with: withdrawn tokens run nothing. */
  readonly tokenId?: string;
  /** Of all that requests of its class have in common; absent where it has no class. */
  readonly class?: string;
  /** The texts without constants. */
  readonly veiled?: { readonly text: string; readonly within?: string };
  /** The text of a message without columns, where what may be hidden of it can be told apart; null where not. */
  readonly message?: string | null;
  /** Types of what detectors find in it: values in columns that have no tag. */
  readonly found?: readonly string[];
  /** It cannot be told which columns its answer comes from. */
  readonly opaque?: true;
  /** Asked for in quiet hours. */
  readonly quiet?: true;
}

/** A grant for a class, named by the review that gave it. */
export interface StoredGrant extends ClassGrant {
  readonly id: ReviewId;
  readonly class: string;
}

export interface History {
  readonly asked: number;
  readonly approved: number;
  readonly refused: number;
}

/** What a step changes besides the state. */
export interface Step {
  readonly from: readonly ReviewState[];
  readonly to: ReviewState;
  readonly at: Instant;
  readonly end?: string;
  readonly outcome?: Outcome;
}

/**
 * Keeps reviews. Every call is done when it returns, and survives the end of the process; a step to `running` survives a
 * power cut. Throws when it cannot be written: then nothing has happened.
 */
export interface ReviewStore {
  /** Takes a new review, in state `waiting`. */
  readonly add: (review: StoredReview) => void;
  readonly find: (id: string) => StoredReview | undefined;
  /** Newest first. */
  readonly list: (query: ReviewQuery) => readonly StoredReview[];
  /** Compare and swap: false, and nothing changed, when the review is in none of the states it may come from. */
  readonly step: (id: ReviewId, step: Step) => boolean;
  /** Adds a vote while the review is waiting; false when it is not, or when this subject has voted. */
  readonly vote: (id: ReviewId, vote: Vote) => boolean;
  readonly estimated: (id: ReviewId, estimate: NonNullable<Review['estimate']>) => void;
  readonly history: (fingerprint: string) => History;
  /** The latest moment it was told of: a clock that has been put back is behind it. */
  readonly seen: () => Instant;
  readonly see: (at: Instant) => void;
  /** How many wait with this fingerprint. */
  readonly alike: (fingerprint: string) => number;
  /** The oldest ticket in this state for such a request. */
  readonly ticket: (binding: string, state: 'waiting' | 'approved') => StoredReview | undefined;
  /** Keeps what a ticket answered, sealed, for its requester. */
  readonly keepResult: (id: ReviewId, result: Uint8Array, at: Instant) => void;
  /** What it answered; undefined when it has none, or no longer. */
  readonly result: (id: ReviewId) => Uint8Array | undefined;
  /** Notes that its requester has it. */
  readonly fetched: (id: ReviewId) => void;
  /** A ticket for such a request that has run by itself, and whose requester has not fetched the result. */
  readonly unread: (binding: string) => StoredReview | undefined;
  /** Its client waits no longer, and the request waits on: false where it was not waiting in flight. */
  readonly toTicket: (id: ReviewId) => boolean;
  /** Those that were asked since then, oldest first. */
  readonly since: (at: Instant, limit: number) => readonly StoredReview[];
  /** How many of this requester's wait. */
  readonly waitingOf: (subject: string) => number;
  /** How many this requester has asked for since then, without those that ran by a grant; and when the oldest of them was. */
  readonly askedSince: (
    subject: string,
    at: Instant,
  ) => { readonly count: number; readonly oldest?: Instant };
  /** Those that wait and are alike: the same requester and fingerprint. Oldest first. */
  readonly waitingAlike: (subject: string, fingerprint: string, limit: number) => readonly ReviewId[];
  /** Keeps a grant; one for each review. */
  readonly grant: (grant: StoredGrant) => void;
  readonly granted: (id: ReviewId) => StoredGrant | undefined;
  /** Those that may still be used, for this class or for all, newest first. */
  readonly grants: (at: Instant, ofClass?: string) => readonly StoredGrant[];
  /**
   * Counts one use of a grant and makes the review that uses it `running`, both or neither; survives a power cut. Gives
   * which use it is; undefined, and nothing changed, when the grant has no use left, is over or revoked.
   */
  readonly take: (id: ReviewId, by: ReviewId, at: Instant) => number | undefined;
  /** False when it was over already. */
  readonly revoke: (id: ReviewId, at: Instant, why: string) => boolean;
}

export interface ReviewQuery {
  readonly limit: number;
  readonly states?: readonly ReviewState[];
  /** Of this requester only. */
  readonly subject?: string;
}
