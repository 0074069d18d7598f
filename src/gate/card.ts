import type { World } from '../base/time.ts';
import type { Identity } from '../core/identity.ts';
import type { Policy } from '../core/ports.ts';
import type { Review } from '../core/review.ts';
import type { Resource, ResourceName } from '../core/session.ts';
import { operatorForFind, operatorForTags } from '../core/duties.ts';
import { foundIn } from './veil.ts';
import { classTerms, escalatedTo, type ReviewStore, type StoredReview, visible } from '../reviews/index.ts';
import { plainAttributes } from '../sql/verbs.ts';

export interface CardParts {
  readonly store: ReviewStore;
  readonly policy: () => Policy | undefined;
  readonly world: World;
}

/** A review as this person may see it: texts made visible, constants and bound values only where the columns in it are not masked for them. */
export function cardOf(parts: CardParts, review: StoredReview, viewer: Identity): Review {
  return card(parts, review, seesValues(parts, review, viewer));
}

/** A review for a place whose readers are not known: values only where nothing in it has a tag at all, and no detector finds any. */
export function forChannels(parts: CardParts, review: StoredReview): Review {
  const policy = parts.policy();
  const clear =
    policy !== undefined &&
    review.opaque !== true &&
    (review.found ?? []).length === 0 &&
    (review.message === undefined || review.message === review.text) &&
    review.columns.every((column) => policy.tagsOf(resourceOf(review), column).length === 0);
  return card(parts, review, clear);
}

function card(parts: CardParts, review: StoredReview, sees: boolean): Review {
  // What a request for access asks for is the policy's words: no value of anybody is in it.
  const clear = sees || review.kind === 'access';
  const {
    session: _s,
    binding: _b,
    fingerprint,
    outcome: _o,
    errand: _e,
    tokenId: _t,
    class: ofClass,
    veiled: _v,
    opaque: _p,
    message: _m,
    found,
    quiet: _q,
    values,
    within,
    stated,
    ...rest
  } = review;
  const { asked, approved, refused } = parts.store.history(fingerprint);
  const terms = review.state === 'waiting' ? classTerms(review.needs) : undefined;
  const granted = grantOf(parts.store, review);
  const escalated = review.state === 'waiting' ? escalatedTo(review, parts.world.now()) : [];
  const alike = Math.max(0, parts.store.alike(fingerprint) - (review.state === 'waiting' ? 1 : 0));
  return {
    ...rest,
    ...(clear
      ? { text: visible(review.text), ...(within === undefined ? {} : { within: visible(within) }) }
      : hiddenTexts(review)),
    ...(values === undefined ? {} : { values: values.map((value) => (clear ? visible(value) : '***')) }),
    ...(stated === undefined ? {} : { stated: shownStated(stated) }),
    ...(ofClass === undefined || terms === undefined ? {} : { classTerms: terms }),
    ...(granted === undefined ? {} : { granted }),
    ...(escalated.length === 0 ? {} : { escalated }),
    votes: review.votes.map((vote) =>
      vote.reason === undefined ? vote : { ...vote, reason: visible(vote.reason) },
    ),
    ...(review.end === undefined ? {} : { end: visible(review.end) }),
    settings: Object.fromEntries(
      Object.entries(review.settings).map(([name, value]) => [
        name,
        clear || found === undefined || foundIn([value]).length === 0 ? visible(value) : '***',
      ]),
    ),
    history: { asked: Math.max(0, asked - 1), approved, refused },
    alike,
  };
}

/** SECURITY: which constant belongs to which column is not known, so all of them are hidden; and what cannot be read, whole. */
function hiddenTexts({ veiled, within, message }: StoredReview): Pick<Review, 'text' | 'within' | 'hidden'> {
  if (typeof message === 'string' && within === undefined)
    return { text: visible(message), hidden: 'constants' };
  if (veiled === undefined || (within !== undefined && veiled.within === undefined))
    return { text: '***', ...(within === undefined ? {} : { within: '***' }), hidden: 'text' };
  return {
    text: visible(veiled.text),
    ...(veiled.within === undefined ? {} : { within: visible(veiled.within) }),
    hidden: 'constants',
  };
}

function grantOf(store: ReviewStore, { id, votes }: StoredReview): Review['granted'] {
  if (!votes.some((vote) => vote.class !== undefined)) return undefined;
  const found = store.granted(id);
  if (found === undefined) return undefined;
  const { id: _i, class: _c, revoked, ...rest } = found;
  return revoked === undefined ? rest : { ...rest, revoked: visible(revoked) };
}

function shownStated(stated: NonNullable<Review['stated']>): NonNullable<Review['stated']> {
  const { reason, ticket } = stated;
  return {
    ...(reason === undefined ? {} : { reason: visible(reason) }),
    ...(ticket === undefined ? {} : { ticket: visible(ticket) }),
  };
}

/**
 * SECURITY: which bound value belongs to which column is not known, so one masked column hides all of them. What the
 * viewer could read is what the policy says to them about reading these columns.
 */
function seesValues({ policy: current, world }: CardParts, review: StoredReview, viewer: Identity): boolean {
  const policy = current();
  if (policy === undefined) return false;
  const at = world.now();
  const family = review.verb.split('.')[0] ?? '';
  try {
    const { kind, duties } = policy.decide({
      identity: viewer,
      resource: resourceOf(review),
      action: {
        verb: `${family}.select`,
        access: 'read',
        targets: review.targets.map(({ kind: of, name }) => ({ kind: of, name, access: 'read' })),
        columns: review.columns.map(({ object, column }) => ({ object, column, use: 'output' })),
        attributes: plainAttributes,
        text: '',
        notes: [],
      },
      session: { id: review.session, startedAt: at },
      at,
    });
    if (kind === 'deny') return false;
    // Of what has no columns, any mask may be one on something in it.
    if (review.opaque === true || (review.message !== undefined && review.message !== review.text))
      return duties.masks.length === 0 && duties.finds.length === 0;
    if ((review.found ?? []).some((type) => operatorForFind(duties.finds, type) !== undefined)) return false;
    return review.columns.every(
      (column) => operatorForTags(duties.masks, policy.tagsOf(resourceOf(review), column)) === undefined,
    );
  } catch {
    return false;
  }
}

function resourceOf({ resource }: StoredReview): Resource {
  return { ...resource, name: resource.name as ResourceName, settings: undefined }; // it was a resource's name when it was asked
}
