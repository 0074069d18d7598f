import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant } from '../base/time.ts';
import type { Subject } from '../core/identity.ts';
import type { ReviewState, Vote } from '../core/review.ts';
import { figuresOf } from './figures.ts';
import type { StoredReview } from './stored.ts';

const asked = instant(1_000_000);

function review(state: ReviewState, ...votes: readonly Vote[]): StoredReview {
  return { state, askedAt: asked, votes, text: 'x'.repeat(50) } as unknown as StoredReview; // all that figures read
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
    {
      subject: 'lead',
      approved: 3,
      refused: 1,
      rubberStamps: 1,
      quick: 2,
      unseen: 2,
      approvedShare: 0.75,
      p50: 3_000,
    },
  ]);
});

test('figuresOf() counts what was approved sooner than it can be read, and how long answers took', () => {
  const found = figuresOf([
    review('done', vote('approve', 3_999)),
    review('done', vote('approve', 4_000)),
    review('refused', vote('refuse', 0)),
    review('done', vote('approve', 4_000_000)),
    { ...review('done'), grant: 'rev_x' } as StoredReview,
  ]);
  assert.equal(found.quick, 1);
  assert.deepEqual([found.asked, found.approvedShare, found.classes.uses], [4, 0.75, 1]);
  assert.deepEqual(
    found.latencies.map(({ count }) => count),
    [3, 0, 0, 0, 0, 0, 1],
  );
});

test('figuresOf() of nothing is all zero', () => {
  const { byReviewer, latency, latencies, classes, ...counts } = figuresOf([]);
  assert.deepEqual([byReviewer, latency, classes], [[], { p50: 0, p90: 0 }, { granted: 0, uses: 0 }]);
  assert.ok(latencies.every(({ count }) => count === 0));
  assert.ok(Object.values(counts).every((each) => each === 0));
});
