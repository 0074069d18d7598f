import type { Review, ReviewId } from '../core/review.ts';
import { Lru } from '../base/lru.ts';
import { rankOf } from './card.ts';
import type { Places } from './places.ts';

/** A place with cards: one for each review, written once and then changed. */
export interface Board {
  /** Gives where the card stands. */
  readonly post: (review: Review) => Promise<string>;
  readonly update: (place: string, review: Review) => Promise<void>;
}

/** Tells a board about a review in order: one write at a time, never an older state over a newer one. */
// oxlint-disable-next-line max-lines-per-function
export function teller(channel: string, board: Board, places: Places): (review: Review) => Promise<void> {
  const lines = new Map<ReviewId, Promise<void>>();
  /** What waits for its turn: of many changes only the last is written. */
  const next = new Map<ReviewId, { review: Review; told: Promise<void> }>();
  /** What the cards show besides the state and the answers. */
  const shown = new Lru<ReviewId, string>(5_000);
  const write = async (review: Review): Promise<void> => {
    const rank = newness(review);
    const known = places.find(channel, review.id);
    const more = besides(review);
    if (known !== undefined && (known.rank > rank || (known.rank === rank && shown.get(review.id) === more)))
      return;
    if (known === undefined) {
      // Nobody was asked here; broken glass is told although nobody is.
      if (review.state !== 'waiting' && review.kind !== 'break-glass') return;
      places.put(channel, review.id, { place: await board.post(review), rank });
      shown.set(review.id, more);
      return;
    }
    await board.update(known.place, review);
    places.put(channel, review.id, { place: known.place, rank });
    shown.set(review.id, more);
  };
  return (review) => {
    const queued = next.get(review.id);
    if (queued !== undefined && newness(review) === newness(queued.review)) {
      queued.review = review;
      return queued.told;
    }
    const before = lines.get(review.id) ?? Promise.resolve();
    const mine = { review, told: before };
    const after = before
      .catch(() => undefined)
      .then(() => {
        if (next.get(review.id) === mine) next.delete(review.id);
        return write(mine.review);
      });
    mine.told = after;
    next.set(review.id, mine);
    lines.set(review.id, after);
    const done = (): void => {
      if (lines.get(review.id) === after) lines.delete(review.id);
    };
    after.then(done, done);
    return after;
  };
}

function besides({ alike, escalated, granted }: Review): string {
  return JSON.stringify([alike ?? 0, escalated ?? [], granted ?? {}]);
}

/** Grows with the state, and with the votes inside one state. */
function newness({ state, votes }: Review): number {
  return rankOf(state) * 1_000 + Math.min(votes.length, 999);
}
