import type { Decision, DecisionId, Denial, DenyCode } from '../core/decision.ts';
import { denial, denialOf } from '../core/denial.ts';
import { asked, type StoredReview, visible } from '../reviews/index.ts';
import type { Asking, Reviewed } from './asking.ts';
import { clock } from './spoken-time.ts';

const classes: Readonly<Record<string, DenyCode>> = {
  refused: 'REVIEW_REFUSED',
  expired: 'REVIEW_EXPIRED',
  withdrawn: 'REVIEW_WITHDRAWN',
  void: 'REVIEW_VOID',
};

const fixes: Readonly<Record<string, string>> = {
  refused: 'Talk to the person who refused it; asking again makes a new review',
  expired: 'Ask again, and tell those who can approve that you wait',
  void: 'Ask again: it is judged by what holds now',
};

/** The review is over, and it may not run. */
export function endedWith(
  { decision }: Asking,
  id: DecisionId,
  row: StoredReview,
  written: Promise<void>,
): Reviewed {
  const fix = fixes[row.state];
  const state = row.state;
  const why =
    state === 'expired'
      ? `Nobody answered the review ${row.id} in time (${asked(row.needs)})`
      : `${visible(row.end ?? 'The review is over')} (review ${row.id})`;
  return {
    kind: 'refused',
    written,
    denial: {
      ...denialOf(decision, id),
      class: classes[state] ?? 'REVIEW_VOID',
      why,
      fix: fix === undefined ? [] : [fix],
      retryable: state === 'expired' || state === 'void',
      review: row.id,
    },
  };
}

/** It waits without a connection: a ticket. */
export function pendingDenial(decision: Decision, row: StoredReview): Denial {
  return {
    ...denialOf(decision, row.decision),
    class: 'REVIEW_PENDING',
    why: `This waits for a review by ${asked(row.needs)}: ${row.id}`,
    fix: [
      `Send exactly the same again once it is approved (until ${clock(row.expiresAt)}); sallyport reviews wait ${row.id} says when`,
      ...(row.errand === undefined
        ? []
        : [`Or let the gateway run it, once: sallyport reviews result ${row.id} gives you what it answered`]),
    ],
    retryable: true,
    review: row.id,
  };
}

/** The same request waits as a ticket already. */
export function pending(asking: Asking, row: StoredReview): Reviewed {
  const { id, written } = asking.enter((decisionId) => ({
    review: row.id,
    denial: { ...pendingDenial(asking.decision, row), decisionId },
  }));
  return { kind: 'refused', denial: { ...pendingDenial(asking.decision, row), decisionId: id }, written };
}

/** The gateway has run it: whoever sends it again means the same, not a second time. */
export function ranAlready(asking: Asking, row: StoredReview): Reviewed {
  const make = (id: DecisionId): Denial => ({
    ...denialOf(asking.decision, id),
    class: 'REVIEW_PENDING',
    why: `This was approved and ran, once, as review ${row.id}; its result waits for you`,
    fix: [
      `Fetch it with sallyport reviews result ${row.id}; after that, the same statement is a new request`,
    ],
    retryable: false,
    review: row.id,
  });
  const { id, written } = asking.enter((given) => ({ review: row.id, denial: make(given) }));
  return { kind: 'refused', denial: make(id), written };
}

/** No review was asked for. */
export function refuse(
  asking: Asking,
  code: DenyCode,
  because: string,
  later: boolean = code === 'LIMIT',
): Reviewed {
  const { decision } = asking;
  const make = (id: DecisionId): Denial => ({
    ...denialOf(decision, id),
    class: code,
    why: `This needs a review, and ${because}: ${decision.why}`,
    retryable: later,
  });
  const { id, written } = asking.enter((given) => ({ denial: make(given) }));
  return { kind: 'refused', denial: make(id), written };
}

/** Nothing of the review is on disk, so nothing may go. */
export function unwritten(id: DecisionId): Denial {
  return denial(
    'NOT_WRITTEN',
    id,
    'The review could not be written to the ledger, so nothing was sent',
    'Tell the operators of this gateway: it refuses everything until its ledger can be written again',
  );
}
