import { Fault } from '../base/errors.ts';
import { instant, type World } from '../base/time.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Log } from '../core/ports.ts';
import type { Channel, ChannelDesk, Counted, Review, ReviewDigest, ReviewId } from '../core/review.ts';
import { cardOf, type CardTerms, type Press, type Room } from './card.ts';
import type { Places } from './places.ts';

/** What every channel gets. */
export interface ChannelParts extends CardTerms {
  readonly desk: ChannelDesk;
  readonly world: World;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly places: Places;
  /** Where a person signs in and sees all of a review; opening it changes nothing. */
  readonly link: (review: ReviewId) => string;
}

/** A button that somebody pressed, once the service's own signature has been checked. */
export interface Click {
  readonly channel: Channel['name'];
  readonly account: string; // 'T012/U345': what the directory links to an identity
  readonly place: string; // of the card that holds the button
  readonly button: string; // what we put into it: `button()`
  readonly reason?: string; // what they typed
  readonly proof: Readonly<Record<string, string>>;
}

type Result =
  | 'counted'
  | Extract<Counted, { kind: 'not-counted' }>['code']
  | 'not-a-button'
  | 'other-card'
  | 'not-linked'
  | 'not-here'
  | 'fault';

/** What became of a click. `said` is for the one who clicked and holds nothing from data. */
export interface Clicked {
  readonly result: Result;
  readonly said: string;
  /** The review as it is now, for those who may see it. */
  readonly review?: Review;
}

/** What stands in a card that asks for itself as it is now. */
export function looking({ id, digest }: Review): string {
  return `look.${id}.${digest}`;
}

export function lookedAt(text: string): ReviewId | undefined {
  return text.startsWith('look.') ? pressOf(text.replace('look', 'refuse'))?.review : undefined;
}

/** The review that a button is about, and what it does; undefined where it is no button of ours. */
export function pressOf(button: string): { readonly press: Press; readonly review: ReviewId } | undefined {
  const match = buttonForm.exec(button);
  return match === null ? undefined : { press: match[1] as Press, review: match[2] as ReviewId }; // by its form
}

/** What stands in a button: the vote, and what it is a vote on. */
export function button(review: Review, press: Press): string {
  return `${press}.${review.id}.${review.digest}`;
}

const buttonForm = /^(approve|refuse|class)\.(rev_[A-Za-z0-9]{1,64})\.([0-9a-f]{64})$/;

/**
 * SECURITY: a click counts only from the card that we wrote for this very review, by an account that the directory
 * links to an identity, on what was shown. Whether this person may approve is judged by the desk, now.
 */
export async function take(click: Click, parts: ChannelParts, room: Room): Promise<Clicked> {
  const clicked = await judged(click, parts, room);
  parts.metrics.count('channel_answers_total', { channel: click.channel, result: clicked.result });
  if (clicked.result !== 'counted') {
    const { account, place } = click;
    parts.log('warn', 'channel.click-not-counted', {
      channel: click.channel,
      account,
      place,
      why: clicked.result,
    });
  }
  return clicked;
}

async function judged(click: Click, parts: ChannelParts, room: Room): Promise<Clicked> {
  const match = buttonForm.exec(click.button);
  if (match === null) return no('not-a-button');
  const press = match[1] as Press; // one of three, by its form
  const vote = press === 'refuse' ? 'refuse' : 'approve';
  const [id, digest] = [match[2] as ReviewId, match[3] as ReviewDigest];
  if (parts.places.find(click.channel, id)?.place !== click.place) return no('other-card');
  const by = parts.desk.linked(click.channel, click.account);
  if (by === undefined) return no('not-linked');
  try {
    const review = await parts.desk.review(id);
    if (review === undefined) return no('unknown-review');
    if (review.digest !== digest) return no('other-request', review);
    if (review.state !== 'waiting') return no('ended', review);
    const card = cardOf(review, room, parts);
    if (!card.answers.includes(press)) return no('not-here', review);
    const reason = click.reason?.trim() ?? '';
    if (vote === 'approve' && card.asksReason && reason === '') return no('reason-needed', review);
    const counted = await parts.desk.answer({
      review: id,
      digest,
      vote,
      via: click.channel,
      by,
      signedInAt: instant(0), // a service's own sign-in proves nothing to us
      proof: click.proof,
      ...(reason === '' ? {} : { reason: reason.slice(0, longestReason) }),
      ...(press === 'class' && review.classTerms !== undefined ? { class: review.classTerms } : {}),
    });
    if (counted.kind === 'not-counted') return no(counted.code, review);
    return {
      result: 'counted',
      said: vote === 'approve' ? 'Your approval is counted' : 'Your refusal is counted',
      review: counted.review,
    };
  } catch (thrown) {
    parts.log('error', 'channel.fault', {
      channel: click.channel,
      code: thrown instanceof Fault ? thrown.code : 'bug',
    });
    return no('fault');
  }
}

const longestReason = 2_000;

function no(result: Exclude<Result, 'counted'>, review?: Review): Clicked {
  return { result, said: `Not counted: ${sentences[result]}`, ...(review === undefined ? {} : { review }) };
}

const sentences: Readonly<Record<Exclude<Result, 'counted'>, string>> = {
  'unknown-review': 'this review is not known',
  ended: 'this review is over',
  'other-request': 'the request is not the one that this card shows',
  'not-a-person': 'only a person can answer',
  'own-request': 'nobody answers their own request',
  'not-in-group': 'you are not in a group that can answer this',
  'voted-already': 'you have answered this before',
  'reason-needed': 'a reason is needed',
  'no-class': 'the policy does not allow so much for what is alike',
  'sign-in-again': 'a fresh sign-in is needed: answer behind the link',
  'not-a-button': 'this is not a button of this gateway',
  'other-card': 'this card is not the one that this gateway wrote: answer behind the link',
  'not-linked': 'your account is not linked to an identity: ask who keeps the configuration',
  'not-here': 'this cannot be answered on a card: answer behind the link',
  fault: 'the gateway could not take it: try again, or answer behind the link',
};
