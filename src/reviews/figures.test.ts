import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant } from '../base/time.ts';
import type { Subject } from '../core/identity.ts';
import type { ReviewState, Vote } from '../core/review.ts';
import { figuresOf } from './figures.ts';
import type { StoredReview } from './stored.ts';

const asked = instant(1_000_000);

function review(state: ReviewState, ...votes: readonly Vote[]): StoredReview {
  return { state, askedAt: asked, votes } as unknown as StoredReview; // all that figures read
}

function vote(of: 'approve' | 'refuse', afterMs: number, more: Partial<Vote> = {}): Vote {
  return { by: 'lead' as Subject, groups: [], vote: of, at: instant(asked + afterMs), via: 'cli', ...more };
}

test('figuresOf() counts states, latency, time-outs and approvals that nobody looked at', () => {
  const found = figuresOf([
    review('done', vote('approve', 3_000, { unseen: true })),
    review('approved', vote('approve', 3_000)),
    review('done', vote('approve', 60_000, { unseen: true })),
    review('refused', vote('refuse', 1_000, { unseen: true })),
    review('expired'),
    review('waiting'),
  ]);
  assert.deepEqual([found.asked, found.approved, found.refused, found.expired], [6, 3, 1, 1]);
  assert.equal(found.rubberStamps, 1);
  assert.equal(found.expiredShare, 0.2);
  assert.deepEqual(found.latency, { p50: 3_000, p90: 60_000 });
  assert.deepEqual(found.byReviewer, [
    { subject: 'lead', approved: 3, refused: 1, rubberStamps: 1, p50: 3_000 },
  ]);
});

test('figuresOf() of nothing is all zero', () => {
  const { byReviewer, latency, ...counts } = figuresOf([]);
  assert.deepEqual([byReviewer, latency], [[], { p50: 0, p90: 0 }]);
  assert.ok(Object.values(counts).every((each) => each === 0));
});
