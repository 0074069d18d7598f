import type { Review, ReviewId } from '../core/review.ts';
import { rankOf } from './card.ts';
import type { Places } from './places.ts';

/** A place with cards: one for each review, written once and then changed. */
export interface Board {
  /** Gives where the card stands. */
  readonly post: (review: Review) => Promise<string>;
  readonly update: (place: string, review: Review) => Promise<void>;
}

/** Tells a board about a review in order: one write at a time, never an older state over a newer one. */
export function teller(channel: string, board: Board, places: Places): (review: Review) => Promise<void> {
  const lines = new Map<ReviewId, Promise<void>>();
  const write = async (review: Review): Promise<void> => {
    const rank = newness(review);
    const known = places.find(channel, review.id);
    if (known !== undefined && known.rank >= rank) return;
    if (known === undefined) {
      // Nobody was asked here; broken glass is told although nobody is.
      if (review.state !== 'waiting' && review.kind !== 'break-glass') return;
      places.put(channel, review.id, { place: await board.post(review), rank });
      return;
    }
    await board.update(known.place, review);
    places.put(channel, review.id, { place: known.place, rank });
  };
  return (review) => {
    const before = lines.get(review.id) ?? Promise.resolve();
    const after = before.catch(() => undefined).then(() => write(review));
    lines.set(review.id, after);
    const done = (): void => {
      if (lines.get(review.id) === after) lines.delete(review.id);
    };
    after.then(done, done);
    return after;
  };
}

/** Grows with the state, and with the votes inside one state. */
function newness({ state, votes }: Review): number {
  return rankOf(state) * 1_000 + Math.min(votes.length, 999);
}
