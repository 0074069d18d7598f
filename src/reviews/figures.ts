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
  readonly byReviewer: readonly {
    readonly subject: string;
    readonly approved: number;
    readonly refused: number;
    readonly rubberStamps: number;
    readonly p50: number;
  }[];
}

/** An approval that is quicker than anybody reads. */
export const rubberStampMs = 10_000;

export function figuresOf(reviews: readonly StoredReview[]): Figures {
  const votes = reviews.flatMap((review) =>
    review.votes.map((vote) => ({ ...vote, tookMs: Math.max(0, vote.at - review.askedAt) })),
  );
  type Given = (typeof votes)[number];
  const stamped = ({ vote, unseen, tookMs }: Given): boolean =>
    vote === 'approve' && unseen === true && tookMs < rubberStampMs;
  const decided = reviews.filter(isApproved).length + count(reviews, 'refused');
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
    approved: reviews.filter(isApproved).length,
    refused: count(reviews, 'refused'),
    expired,
    withdrawn: count(reviews, 'withdrawn'),
    latency: { p50: quantile(lasts, 0.5), p90: quantile(lasts, 0.9) },
    expiredShare: decided + expired === 0 ? 0 : expired / (decided + expired),
    rubberStamps: votes.filter(stamped).length,
    byReviewer: [...Map.groupBy(votes, ({ by }) => by as string)]
      .map(([subject, given]) => ({
        subject,
        approved: given.filter(({ vote }) => vote === 'approve').length,
        refused: given.filter(({ vote }) => vote === 'refuse').length,
        rubberStamps: given.filter(stamped).length,
        p50: quantile(
          given.map(({ tookMs }) => tookMs),
          0.5,
        ),
      }))
      .sort((a, b) => (a.subject < b.subject ? -1 : 1)),
  };
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
