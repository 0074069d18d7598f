import type { World } from '../base/time.ts';
import type { ApproveDuty } from '../core/decision.ts';
import type { Identity } from '../core/identity.ts';
import type { Answer, Counted } from '../core/review.ts';
import { classTerms, isEnough, needsNow, type Person, type StoredReview, unfit } from '../reviews/index.ts';
import type { ReviewSettings } from './review-settings.ts';
import { span } from './spoken-time.ts';

/** Everybody the gateway knows, as the directory has them now. */
export interface People {
  readonly find: (subject: string) => Omit<Identity, 'proof'> | undefined;
  readonly all: () => readonly Person[];
  /** The same text for two accounts of one human. */
  readonly human: (subject: string) => string;
}

/** What an answer is judged by. */
export interface Voting {
  readonly people: People;
  readonly world: World;
  readonly settings: ReviewSettings;
}

/** An answer that does not count, and why. */
export type Not = Omit<Extract<Counted, { kind: 'not-counted' }>, 'kind'>;

export const unknownReview = 'There is no such review, or it is not yours to see';
const nothingAsked: { readonly requester: StoredReview['identity']; readonly needs: readonly ApproveDuty[] } =
  {
    requester: { subject: '', kind: 'human', groups: [] },
    needs: [],
  };

/** Clocks of those who sign people in may be ahead by so much. */
const skewMs = 60_000;

/** Why an answer does not count; nothing where it does. */
export function whyNot(
  { world, settings, people }: Voting,
  answer: Answer,
  review: StoredReview | undefined,
): Not | undefined {
  const { by } = answer;
  // SECURITY: who cannot answer at all learns nothing about which reviews there are.
  if (by.kind !== 'human' || by.actingFor !== undefined) return unfit(by, nothingAsked, people.human);
  if (review === undefined) return { code: 'unknown-review', why: unknownReview };
  const needs = needsNow(review, world.now());
  const not = unfit(by, { requester: review.identity, needs }, people.human);
  if (not !== undefined) return not;
  if (review.digest !== answer.digest) {
    return {
      code: 'other-request',
      why: 'The answer names another request than this review is about: look at it again',
    };
  }
  if (review.votes.some((vote) => people.human(vote.by) === people.human(by.subject))) {
    return { code: 'voted-already', why: 'You have answered this review' };
  }
  if (review.state !== 'waiting')
    return { code: 'ended', why: `The review is over: ${review.end ?? review.state}` };
  if (world.now() > review.expiresAt) return { code: 'ended', why: 'The time to answer is over' };
  if (needsReason(review.needs, answer)) {
    return { code: 'reason-needed', why: 'The policy asks for a reason: say why' };
  }
  const noClass = classRefused(answer, review);
  if (noClass !== undefined) return noClass;
  const risky = review.risk.level === 'high' || review.risk.level === 'critical';
  const { signInWithinMs } = settings;
  if (
    risky &&
    answer.vote === 'approve' &&
    signInWithinMs !== undefined &&
    // One that is yet to come was by a clock that has been put back since: how old it is cannot be told.
    !isWithin(world.now() - answer.signedInAt, signInWithinMs)
  ) {
    return { code: 'sign-in-again', why: `The risk is ${review.risk.level}: sign in again, then approve` };
  }
  return undefined;
}

/** Whether the votes are enough, counting only those of people who could give them now. */
export function isApproved({ people, world }: Voting, review: StoredReview): boolean {
  const { votes, identity: requester } = review;
  const needs = needsNow(review, world.now());
  if (votes.some(({ vote }) => vote === 'refuse')) return false;
  const now = votes.map(({ by }) => people.find(by)).filter((person) => person !== undefined);
  const fit = now.filter((person) => unfit(person, { requester, needs }, people.human) === undefined);
  return isEnough(needs, fit, people.human);
}

/** Whether it is this identity's request, or one made on its behalf. */
export function isOwn(review: StoredReview, { subject }: Identity): boolean {
  for (let at: StoredReview['identity'] | undefined = review.identity; at !== undefined; at = at.actingFor) {
    if (at.subject === subject) return true;
  }
  return false;
}

/** Whether this identity is one of those who are asked. */
export function isAsked({ people, world }: Voting, review: StoredReview, by: Identity): boolean {
  const needs = needsNow(review, world.now());
  return unfit(by, { requester: review.identity, needs }, people.human) === undefined;
}

function needsReason(needs: readonly ApproveDuty[], { vote, reason }: Answer): boolean {
  return vote === 'approve' && needs.some((need) => need.reason === true) && (reason ?? '').trim() === '';
}

function classRefused({ class: terms, vote }: Answer, review: StoredReview): Not | undefined {
  if (terms === undefined) return undefined;
  const most = review.class === undefined ? undefined : classTerms(review.needs);
  if (vote !== 'approve' || most === undefined)
    return { code: 'no-class', why: 'Only this one request can be approved, not what is like it' };
  if (terms.forMs >= 1_000 && terms.forMs <= most.forMs && terms.count >= 2 && terms.count <= most.count)
    return undefined;
  return {
    code: 'no-class',
    why: `The policy allows from 2 to ${most.count} uses, and ${span(most.forMs)} at most`,
  };
}

function isWithin(ageMs: number, mostMs: number): boolean {
  return ageMs >= -skewMs && ageMs <= mostMs;
}
