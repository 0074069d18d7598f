import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { instant } from '../base/time.ts';
import type { ReviewId } from '../core/review.ts';
import type { StoredReview } from '../reviews/index.ts';
import { openReviews } from './reviews.ts';

/** As much of a review as the store looks at. */
function row(id: string, fingerprint = 'f'): StoredReview {
  return {
    id: id as ReviewId,
    state: 'waiting',
    kind: 'live',
    identity: { subject: 'dba' },
    binding: 'b',
    fingerprint,
    askedAt: instant(1),
    votes: [],
  } as unknown as StoredReview; // the rest is kept as it is
}

test('history and what is alike follow every step, and what is forgotten', () => {
  using store = openReviews(':memory:');
  for (const id of ['rev_1', 'rev_2', 'rev_3']) store.add(row(id));
  store.add(row('rev_4', 'other'));
  assert.deepEqual(store.history('f'), { asked: 3, approved: 0, refused: 0 });
  assert.equal(store.alike('f'), 3);
  store.step('rev_1' as ReviewId, { from: ['waiting'], to: 'approved', at: instant(2) });
  store.step('rev_1' as ReviewId, { from: ['approved'], to: 'running', at: instant(2) });
  store.step('rev_2' as ReviewId, { from: ['waiting'], to: 'refused', at: instant(2) });
  assert.deepEqual(store.history('f'), { asked: 3, approved: 1, refused: 1 });
  assert.equal(store.alike('f'), 1);
  assert.equal(store.prune(instant(3)), 1);
  assert.deepEqual(store.history('f'), { asked: 2, approved: 1, refused: 0 });
  assert.deepEqual(store.history('none'), { asked: 0, approved: 0, refused: 0 });
});

test('what an older gateway kept is counted when it is opened', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-reviews-'));
  try {
    {
      using store = openReviews(folder);
      store.add(row('rev_1'));
      store.add(row('rev_2'));
    }
    const older = new DatabaseSync(join(folder, 'reviews.db'));
    older.exec(
      'DROP TRIGGER counts_added; DROP TRIGGER counts_stepped; DROP TRIGGER counts_removed; DROP TABLE counts; PRAGMA user_version = 2',
    );
    older.close();
    using store = openReviews(folder);
    assert.deepEqual(store.history('f'), { asked: 2, approved: 0, refused: 0 });
    store.step('rev_1' as ReviewId, { from: ['waiting'], to: 'refused', at: instant(2) });
    assert.deepEqual(store.history('f'), { asked: 2, approved: 0, refused: 1 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the latest time that was kept is kept', () => {
  using store = openReviews(':memory:');
  assert.equal(store.seen(), 0);
  store.see(instant(20));
  store.see(instant(10));
  assert.equal(store.seen(), 20);
});
