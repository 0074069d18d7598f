import type { Vote } from '../core/review.ts';
import type { StoredReview } from './stored.ts';

/** How people answer: what signals of fatigue are made of. Times in milliseconds. */
export interface Figures {
  readonly asked: number;
  readonly waiting: number;
  readonly approved: number;
  readonly refused: number;
  readonly expired: number;
  readonly withdrawn: number;
  /** Of those that were approved or refused: from the request to the answer that decided. */
  readonly latency: { readonly p50: number; readonly p90: number };
  /** Expired, of all that ended by an answer or for the lack of one. */
  readonly expiredShare: number;
  /** Approvals given within `rubberStampMs` of the request by somebody who had not been shown it. */
  readonly rubberStamps: number;
  /** Approvals given sooner after the request than its text can be read. */
  readonly quick: number;
  /** Approvals by somebody who had not been shown the request in full. */
  readonly unseen: number;
  /** Approved, of all that were approved or refused. */
  readonly approvedShare: number;
  /** Approvals that were given for a class, and what ran by them without being asked for again. */
  readonly classes: { readonly granted: number; readonly uses: number };
  /** How many were decided within so long; the last has no end. */
  readonly latencies: readonly { readonly withinMs?: number; readonly count: number }[];
  readonly byReviewer: readonly {
    readonly subject: string;
    readonly approved: number;
    readonly refused: number;
    readonly rubberStamps: number;
    readonly quick: number;
    readonly unseen: number;
    readonly approvedShare: number;
    readonly p50: number;
  }[];
}

/** An approval that is quicker than anybody reads. */
export const rubberStampMs = 10_000;

const glanceMs = 2_000;
const charMs = 40; // 250 words of six letters in a minute
const longestReadMs = 120_000;

/** How long it takes to read so much at least. */
export function readingMs({ text, values = [] }: Pick<StoredReview, 'text' | 'values'>): number {
  const chars = text.length + values.reduce((sum, value) => sum + value.length, 0);
  return Math.min(longestReadMs, glanceMs + chars * charMs);
}

const buckets: readonly number[] = [10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000];

export function figuresOf(all: readonly StoredReview[]): Figures {
  const reviews = all.filter(({ grant }) => grant === undefined);
  const votes = reviews.flatMap((review) =>
    review.votes.map((vote) => {
      const tookMs = Math.max(0, vote.at - review.askedAt);
      return { ...vote, tookMs, isQuick: vote.vote === 'approve' && tookMs < readingMs(review) };
    }),
  );
  type Given = (typeof votes)[number];
  const stamped = ({ vote, unseen, tookMs }: Given): boolean =>
    vote === 'approve' && unseen === true && tookMs < rubberStampMs;
  const approved = reviews.filter(isApproved).length;
  const decided = approved + count(reviews, 'refused');
  const lasts = reviews
    .filter((review) => isApproved(review) || review.state === 'refused')
    .flatMap(({ votes: given, askedAt }) => {
      const last = given.at(-1);
      return last === undefined ? [] : [Math.max(0, last.at - askedAt)];
    });
  const expired = count(reviews, 'expired');
  return {
    asked: reviews.length,
    waiting: count(reviews, 'waiting'),
    approved,
    refused: count(reviews, 'refused'),
    expired,
    withdrawn: count(reviews, 'withdrawn'),
    latency: { p50: quantile(lasts, 0.5), p90: quantile(lasts, 0.9) },
    expiredShare: decided + expired === 0 ? 0 : expired / (decided + expired),
    rubberStamps: votes.filter(stamped).length,
    quick: votes.filter(({ isQuick }) => isQuick).length,
    unseen: votes.filter(isUnseen).length,
    approvedShare: share(approved, decided),
    classes: {
      granted: reviews.filter(({ votes: given }) => given.some((vote) => vote.class !== undefined)).length,
      uses: all.length - reviews.length,
    },
    latencies: [...buckets, undefined].map((withinMs, at) => ({
      ...(withinMs === undefined ? {} : { withinMs }),
      count: lasts.filter((ms) => ms >= (buckets[at - 1] ?? 0) && ms < (withinMs ?? Infinity)).length,
    })),
    byReviewer: [...Map.groupBy(votes, ({ by }) => by as string)]
      .map(([subject, given]) => ({
        subject,
        approved: given.filter(({ vote }) => vote === 'approve').length,
        refused: given.filter(({ vote }) => vote === 'refuse').length,
        rubberStamps: given.filter(stamped).length,
        quick: given.filter(({ isQuick }) => isQuick).length,
        unseen: given.filter(isUnseen).length,
        approvedShare: share(given.filter(({ vote }) => vote === 'approve').length, given.length),
        p50: quantile(
          given.map(({ tookMs }) => tookMs),
          0.5,
        ),
      }))
      .sort((a, b) => (a.subject < b.subject ? -1 : 1)),
  };
}

function isUnseen({ vote, unseen }: Vote): boolean {
  return vote === 'approve' && unseen === true;
}

function share(part: number, of: number): number {
  return of === 0 ? 0 : part / of;
}

/** Approved, whatever became of it: by its answers, since an approved one can end as void or expired too. */
function isApproved({ state }: StoredReview): boolean {
  return state === 'approved' || state === 'running' || state === 'done' || state === 'unknown';
}

function count(reviews: readonly StoredReview[], state: StoredReview['state']): number {
  return reviews.filter((review) => review.state === state).length;
}

/** The nearest rank; 0 of none. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
