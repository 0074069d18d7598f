import { instant } from '../base/time.ts';
import type { Action } from '../core/action.ts';
import type { Decision, DecisionId } from '../core/decision.ts';
import type { Actor } from '../core/entry.ts';
import type { Waiting } from '../core/protocol.ts';
import type { Review, ReviewId } from '../core/review.ts';
import { asked, beyond, couldApprove, needsEver, type StoredReview, visible } from '../reviews/index.ts';
import { actorOf } from './actor.ts';
import { type Asking, bindingNow, classNow, type Reviewed, waitingFacts } from './asking.ts';
import type { Desk } from './desk.ts';
import { notice, reminder } from './review-notice.ts';
import { endedWith, pending, pendingDenial, ranAlready, refuse, unwritten } from './review-refusals.ts';
import { askedEntry, expiryMs, newReviewId, rowOf } from './review-row.ts';
import { clock } from './spoken-time.ts';
import { tell } from './telling.ts';
import { isApproved } from './votes.ts';

/** How long the estimate may keep the client from being told that it waits. */
const estimateMs = 1_000;

/**
 * Holds a request until people have answered. Never rejects: whatever fails on the way is a refusal, and what was
 * written down of the review says so.
 */
export async function review(asking: Asking): Promise<Reviewed> {
  const { request } = asking;
  let waiting: Waiting | undefined;
  try {
    waiting = await request.wait?.();
    if (waiting === undefined) return refuse(asking, 'REVIEW_UNAVAILABLE', 'nobody can wait for one here');
    const estimate = await soon(asking, waiting);
    return await held(asking, waiting, estimate);
  } catch {
    return refuse(asking, 'REVIEW_UNAVAILABLE', 'it could not be asked for');
  } finally {
    waiting?.[Symbol.dispose]();
  }
}

async function soon({ desk }: Asking, waiting: Waiting): Promise<Review['estimate']> {
  if (waiting.estimate === undefined) return undefined;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  using _late = desk.parts.world.after(estimateMs, () => resolve(undefined));
  return Promise.race([waiting.estimate().catch(() => undefined), promise]);
}

async function held(asking: Asking, waiting: Waiting, estimate: Review['estimate']): Promise<Reviewed> {
  const { desk, decision } = asking;
  const { store, settings, world, people } = desk.parts;
  const requester = actorOf(asking.session.identity);
  const needs = decision.duties.approve;
  const ever = needsEver(needs);
  if (needs.length === 0 || !couldApprove(people.all(), { requester, needs: ever }, people.human)) {
    return refuse(
      asking,
      'REVIEW_UNAVAILABLE',
      `nobody could give it: it takes ${asked(ever)}, none of them the one who asks`,
    );
  }
  const binding = bindingNow(asking, waiting, asking.request.action, decision);
  const ready = store.ticket(binding, 'approved');
  const { ticket } = asking.session;
  if (ticket !== undefined && ready?.id !== ticket)
    return refuse(asking, 'REVIEW_VOID', 'it is not what was approved');
  if (ready !== undefined) return useTicket(asking, waiting, ready);
  const unread = store.unread(binding);
  if (unread !== undefined) return ranAlready(asking, unread);
  const ofClass = classNow(asking, waiting, asking.request.action, decision);
  const given = ofClass === undefined ? undefined : desk.grants.covering(ofClass);
  let more: string | undefined;
  if (given !== undefined) {
    const made = rowOf(asking, waiting, {
      id: newReviewId(world.random(26)),
      decision: '' as DecisionId, // not numbered yet
      binding,
      estimate,
      ticket: false,
    });
    more = beyond(given.review, made);
    if (more === undefined) return useGrant(asking, waiting, made, given.grant.id);
  }
  const quiet = settings.quiet?.at(world.now()) === true ? settings.quiet : undefined;
  if (quiet?.do === 'refuse') {
    return refuse(asking, 'REVIEW_UNAVAILABLE', `nobody is asked in quiet hours (${quiet.source})`, true);
  }
  const forMs = quiet?.do === 'ticket' && waiting.lasting === undefined ? 0 : patience(asking, waiting);
  const waits = store.ticket(binding, 'waiting');
  // Who sends it again while its ticket waits asks nobody twice.
  if (waits !== undefined && (forMs === 0 || waiting.thenTicket === true)) return pending(asking, waits);
  if (waiting.lasting !== undefined && waits !== undefined && !desk.waitsFor(waits.id))
    return waitAgain(asking, waiting, waits);

  const full = tooMany(desk, requester);
  if (full !== undefined) return refuse(asking, 'LIMIT', full);

  // From here to the first await nothing else happens: the number, the row and the entry belong together.
  const reviewId = newReviewId(world.random(26));
  let row: StoredReview | undefined;
  const { id, written } = asking.enter((decisionId) => {
    const made = rowOf(asking, waiting, {
      id: reviewId,
      decision: decisionId,
      binding,
      estimate,
      ticket: forMs === 0 || waiting.lasting !== undefined,
      ...(more === undefined ? {} : { beyond: more }),
      ...(quiet === undefined ? {} : { quiet: true as const }),
    });
    store.add(made);
    row = made;
    return {
      review: reviewId,
      ...(forMs === 0 ? { denial: pendingDenial(decision, made) } : {}),
    };
  });
  if (row === undefined) throw new TypeError('A review was entered without a row');
  const asks = desk.write({ ...askedEntry(asking.session, row), at: world.now() });
  try {
    await Promise.all([written, asks]);
  } catch {
    await desk
      .end(reviewId, ['waiting'], 'withdrawn', 'It could not be written to the ledger')
      .catch(() => false);
    return { kind: 'refused', denial: unwritten(id), written };
  }
  tell(desk.parts, reviewId);
  if (forMs === 0) {
    desk.ticketed(row);
    return { kind: 'refused', denial: pendingDenial(decision, row), written };
  }
  return inFlight(asking, waiting, row, { id, forMs });
}

/** From here on it waits for people. */
async function inFlight(
  asking: Asking,
  waiting: Waiting,
  row: StoredReview,
  { id, forMs }: { readonly id: DecisionId; readonly forMs: number },
): Promise<Reviewed> {
  const { desk, decision } = asking;
  const { world } = desk.parts;
  waiting.lasting?.asked(row.id);
  waiting.tell(notice(asking, waiting, row, forMs));
  const until = world.now() + forMs;
  const ended = await desk.wait(row, {
    forMs,
    // At the end of its own time nothing is left to wait on.
    thenTicket: waiting.thenTicket === true && forMs < expiryMs(decision),
    signal: waiting.signal,
    left: waiting.lasting?.left,
    remind: () => waiting.tell(reminder(row, world.now(), until)),
  });
  if (ended === 'ticketed') return pending(asking, desk.find(row.id) ?? row);
  if (ended !== 'approved') return endedWith(asking, id, desk.find(row.id) ?? row, Promise.resolve());
  return use(asking, waiting, row, id);
}

/** The same request goes on waiting for the ticket that it left. */
async function waitAgain(asking: Asking, waiting: Waiting, row: StoredReview): Promise<Reviewed> {
  const { id, written } = asking.enter(() => ({ review: row.id }));
  try {
    await written;
  } catch {
    return { kind: 'refused', denial: unwritten(id), written };
  }
  const forMs = Math.max(1, row.expiresAt - asking.desk.parts.world.now());
  return inFlight(asking, waiting, row, { id, forMs });
}

/** A request of a class that a grant covers: its own decision and row, which runs by the grant or not at all. */
async function useGrant(
  asking: Asking,
  waiting: Waiting,
  made: StoredReview,
  grant: ReviewId,
): Promise<Reviewed> {
  const { desk } = asking;
  let row: StoredReview | undefined;
  const { id, written } = asking.enter((decision) => {
    row = { ...made, decision, state: 'approved', grant };
    desk.parts.store.add(row);
    return { review: made.id };
  });
  if (row === undefined) throw new TypeError('A review was entered without a row');
  try {
    await written;
  } catch {
    await desk
      .end(made.id, ['approved'], 'withdrawn', 'It could not be written to the ledger')
      .catch(() => false);
    return { kind: 'refused', denial: unwritten(id), written };
  }
  return use(asking, waiting, row, id);
}

/** What a person, or an agent, has too many of; undefined where another may be asked. */
function tooMany({ parts: { store, settings, world }, waiting }: Desk, requester: Actor): string | undefined {
  const person = requester.kind === 'human';
  const { subject } = requester;
  if (waiting >= settings.waiting) return `${settings.waiting} requests wait here already`;
  const most = person ? settings.waitingPerIdentity : settings.waitingPerAgent;
  if (store.waitingOf(subject) >= most)
    return `${most} requests of ${visible(subject)} wait already: withdraw some, or wait until they are answered`;
  const perHour = person ? settings.perHourIdentity : settings.perHourAgent;
  const now = world.now();
  const { count, oldest } = store.askedSince(subject, instant(now - hourMs));
  if (count < perHour) return undefined;
  return `${visible(subject)} has asked for ${count} in the last hour, and ${perHour} are allowed: the next may be asked for at ${clock((oldest ?? now) + hourMs)}`;
}

const hourMs = 3_600_000;

/** The approval is there. Everything is judged once more, as it is now; then the approval is used up, and only then it may go. */
async function use(asking: Asking, waiting: Waiting, row: StoredReview, id: DecisionId): Promise<Reviewed> {
  const { desk, session } = asking;
  const { world } = desk.parts;
  const voided = async (why: string): Promise<Reviewed> => {
    await desk.end(row.id, ['approved', 'running'], 'void', why).catch(() => false);
    return endedWith(asking, id, desk.find(row.id) ?? row, Promise.resolve());
  };
  const now = await waiting.again().catch(() => undefined);
  if (now === undefined) return voided('It cannot be told any more what the request means');
  const decision = await asking.judge(now.action);
  if (decision.kind !== 'review') return voided('The policy says something else now');
  if (
    bindingNow(asking, { ...waitingFacts(waiting), settings: now.settings }, now.action, decision) !==
    row.binding
  ) {
    return voided('The policy, the identity, or what the request means has changed since it was approved');
  }
  const given = row.grant === undefined ? undefined : grantNow(asking, waiting, row, { ...now, decision });
  const current = row.grant === undefined ? desk.find(row.id) : given;
  if (current === undefined || !isApproved(desk.parts, current)) {
    return voided(
      row.grant === undefined
        ? 'Who approved it may not do so any more'
        : 'The grant for its class is over, or is for something else',
    );
  }
  if (waiting.signal.aborted) return voided('The client withdrew it');
  const taken = take(desk, row);
  if (taken === undefined && row.grant !== undefined)
    return voided('The grant for its class was used up, revoked or over');
  if (taken === undefined) {
    return endedWith(asking, id, desk.find(row.id) ?? row, Promise.resolve());
  }
  if (session.ticket !== undefined) desk.ran.add(row.id);
  try {
    await desk.write({
      kind: 'review.used',
      at: world.now(),
      session: session.id,
      review: row.id,
      decision: id,
      digest: row.digest,
      approvers: current.votes.filter(({ vote }) => vote === 'approve').map(({ by }) => by),
      policy: decision.policy.digest,
      ...(row.grant === undefined ? {} : { grant: row.grant, use: taken }),
    });
  } catch {
    await desk
      .end(row.id, ['running'], 'void', 'Its use could not be written to the ledger')
      .catch(() => false);
    return { kind: 'refused', denial: unwritten(id), written: Promise.resolve() };
  }
  if (waiting.signal.aborted) return voided('The client withdrew it before it was sent');
  const granted = row.grant === undefined ? undefined : desk.parts.store.granted(row.grant);
  if (granted !== undefined) {
    waiting.tell(
      `Runs by review ${granted.id}, approved for its class: use ${taken} of ${granted.count}, until ${clock(granted.until)}`,
    );
  }
  return { kind: 'used', id, review: row.id, action: now.action };
}

/** Uses the approval up: from here on this row runs, or nothing does. Gives which use it is. */
function take({ parts: { store, world } }: Desk, row: StoredReview): number | undefined {
  if (row.grant !== undefined) return store.take(row.grant, row.id, world.now());
  return store.step(row.id, { from: ['approved'], to: 'running', at: world.now() }) ? 1 : undefined;
}

/** The review whose grant still covers what this request means now; undefined where none does. */
function grantNow(
  asking: Asking,
  waiting: Waiting,
  row: StoredReview,
  now: { readonly action: Action; readonly settings: Waiting['settings']; readonly decision: Decision },
): StoredReview | undefined {
  const { action, settings, decision } = now;
  const ofClass = classNow(asking, { ...waitingFacts(waiting), settings }, action, decision);
  const given = ofClass === undefined ? undefined : asking.desk.grants.covering(ofClass, row.grant);
  return given !== undefined && beyond(given.review, row) === undefined ? given.review : undefined;
}

async function useTicket(asking: Asking, waiting: Waiting, row: StoredReview): Promise<Reviewed> {
  const { id, written } = asking.enter(() => ({ review: row.id }));
  try {
    await written;
  } catch {
    return { kind: 'refused', denial: unwritten(id), written };
  }
  return use(asking, waiting, row, id);
}

/** How long it waits in flight; 0 where its client wants, or the policy gives, a ticket. */
function patience({ decision, desk }: Asking, { limit, lasting, patienceMs = Infinity }: Waiting): number {
  if (lasting !== undefined) return expiryMs(decision);
  const byPolicy = decision.duties.approve.map(({ holdMs = Infinity }) => holdMs);
  const inTransaction = limit === undefined ? Infinity : desk.parts.settings.transactionMs;
  return Math.max(0, Math.min(expiryMs(decision), patienceMs, inTransaction, ...byPolicy));
}
