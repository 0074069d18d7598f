import { messageOf } from '../base/errors.ts';
import type { Log } from '../core/ports.ts';
import type { Channel, Review, ReviewId } from '../core/review.ts';
import { type CardParts, forChannels } from './card.ts';
import type { ReviewSettings } from './review-settings.ts';

export interface Telling extends CardParts {
  readonly channels: () => readonly Channel[];
  readonly log: Log;
  readonly settings: ReviewSettings;
}

/** Tells every channel. What a channel cannot tell, another may: nobody waits for it. */
export function tell(parts: Telling, id: ReviewId): void {
  if (parts.channels().length === 0) return;
  const found = parts.store.find(id);
  if (found === undefined || found.grant !== undefined) return; // what a grant lets through was told when it was given
  const { identity, fingerprint, kind, state } = found;
  const statement = kind === 'live' || kind === 'ticket';
  // Of those that are alike one has a card, which says how many there are; when it is over, the next has one.
  const [first = id] = statement ? parts.store.waitingAlike(identity.subject, fingerprint, 1) : [];
  const to = state === 'waiting' && first !== id ? 'each' : 'all';
  if (to === 'all' || parts.channels().some(({ each }) => each === true))
    alert(parts, forChannels(parts, found), to);
  const next = first === id ? undefined : parts.store.find(first);
  if (next !== undefined) alert(parts, forChannels(parts, next), 'cards');
}

/** Tells of this, as it is, over every channel. */
export function alert(
  { channels, log, settings, world }: Telling,
  review: Review,
  to: 'all' | 'each' | 'cards' = 'all',
): void {
  const quiet = settings.quiet?.at(world.now()) === true ? settings.quiet.channels : undefined;
  for (const channel of channels()) {
    if (to !== 'all' && (channel.each === true) !== (to === 'each')) continue;
    // What has a card there is still brought up to date: that wakes nobody.
    if (quiet !== undefined && review.kind !== 'break-glass' && !quiet.includes(channel.name)) {
      if (review.state === 'waiting' && review.votes.length === 0) continue;
    }
    channel.tell(review).catch((thrown: unknown) => {
      log('warn', 'review.not-told', { review: review.id, channel: channel.name, why: messageOf(thrown) });
    });
  }
}

/** A review as channels show it. */
export function told(parts: Telling, id: ReviewId): Review | undefined {
  const found = parts.store.find(id);
  return found === undefined ? undefined : forChannels(parts, found);
}
