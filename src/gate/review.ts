import { instant, type Instant } from '../base/time.ts';
import type { Action } from '../core/action.ts';
import type { Actor } from '../core/entry.ts';
import type { Decision, DecisionId, Denial, DenyCode } from '../core/decision.ts';
import { denial, denialOf } from '../core/denial.ts';
import type { Identity } from '../core/identity.ts';
import type { Ask, Waiting } from '../core/protocol.ts';
import type { Review, ReviewId } from '../core/review.ts';
import type { Session } from '../core/session.ts';
import {
  asked,
  beyond,
  bindingOf,
  classOf,
  couldApprove,
  escalatedTo,
  fingerprintOf,
  needsEver,
  needsNow,
  reviewDigest,
  riskOf,
  type StoredReview,
  visible,
} from '../reviews/index.ts';
import { actorOf } from './actor.ts';
import type { Desk } from './desk.ts';
import { clock, span } from './spoken-time.ts';
import { tell } from './telling.ts';
import { isApproved } from './votes.ts';

import { foundIn, veiledMessage } from './veil.ts';

/** A request that a rule wants a person to look at, and what the gate does for it. */
export interface Asking {
  readonly desk: Desk;
  readonly session: Session;
  readonly request: Ask;
  readonly decision: Decision;
  /** Judges anew, by the policy that is in force now. */
  readonly judge: (action: Action) => Decision | Promise<Decision>;
  /** Numbers the decision and writes it down, in one step. */
  readonly enter: (about: (id: DecisionId) => { readonly denial?: Denial; readonly review?: ReviewId }) => {
    readonly id: DecisionId;
    readonly written: Promise<void>;
  };
}

export type Reviewed =
  /** It may run now: the approval is used up, and that is on disk. */
  | { readonly kind: 'used'; readonly id: DecisionId; readonly review: ReviewId; readonly action: Action }
  | { readonly kind: 'refused'; readonly denial: Denial; readonly written: Promise<void> };

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
  const forMs = quiet?.do === 'ticket' ? 0 : patience(asking, waiting);
  const waits = store.ticket(binding, 'waiting');
  if (forMs === 0 && waits !== undefined) return pending(asking, waits);

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
      ticket: forMs === 0,
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
  waiting.tell(notice(asking, waiting, row, forMs));
  const until = world.now() + forMs;
  const held = row;
  const ended = await desk.wait(row, {
    forMs,
    // At the end of its own time nothing is left to wait on.
    thenTicket: waiting.thenTicket === true && forMs < expiryMs(decision),
    signal: waiting.signal,
    remind: () => waiting.tell(reminder(held, world.now(), until)),
  });
  if (ended === 'ticketed') return pending(asking, desk.find(reviewId) ?? row);
  if (ended !== 'approved') return endedWith(asking, id, desk.find(reviewId) ?? row, written);
  return use(asking, waiting, row, id);
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

function reminder(row: StoredReview, now: Instant, until: number): string {
  const needs = needsNow(row, now);
  const also = escalatedTo(row, now);
  const more = also.length === 0 ? '' : ` (${also.join(', ')} are asked too by now)`;
  return `Still waiting for review ${row.id}: ${asked(needs)}${more}; ${span(Math.max(0, until - now))} left`;
}

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

type Facts = Pick<Waiting, 'settings' | 'within' | 'shape'>;

function waitingFacts({ within, shape, settings }: Waiting): Facts {
  return { settings, ...(within === undefined ? {} : { within }), ...(shape === undefined ? {} : { shape }) };
}

/** What all requests of its class have in common with it at this moment. */
function classNow(asking: Asking, facts: Facts, action: Action, decision: Decision): string | undefined {
  const { request } = asking;
  const bound = boundNow(asking, facts, action, decision);
  return classOf({ ...bound, shape: facts.shape ?? request.text ?? action.text });
}

/** What the request is at this moment, with the identity as the directory knows it now. */
function bindingNow(asking: Asking, facts: Facts, action: Action, decision: Decision): string {
  return bindingOf(boundNow(asking, facts, action, decision));
}

// oxlint-disable-next-line max-params
function boundNow(
  { desk, session, request }: Asking,
  facts: Facts,
  action: Action,
  decision: Decision,
): Parameters<typeof bindingOf>[0] {
  const known = desk.parts.people.find(session.identity.subject);
  const gone: Identity = { ...session.identity, groups: ['(gone)'] };
  return {
    identity: known === undefined ? gone : { ...known, proof: session.identity.proof },
    resource: session.resource,
    action,
    text: request.text ?? action.text,
    ...(facts.within === undefined ? {} : { within: facts.within }),
    ...(request.values === undefined ? {} : { values: request.values }),
    settings: facts.settings,
    duties: decision.duties,
    policy: decision.policy.digest,
  };
}

function rowOf(
  asking: Asking,
  waiting: Waiting,
  made: {
    readonly id: ReviewId;
    readonly decision: DecisionId;
    readonly binding: string;
    readonly estimate: Review['estimate'];
    readonly ticket: boolean;
    readonly beyond?: string;
    readonly quiet?: true;
  },
): StoredReview {
  const { desk, session, request, decision } = asking;
  const { world, store, policy } = desk.parts;
  const { action } = request;
  const { resource } = session;
  const text = request.text ?? action.text;
  const at = world.now();
  const fingerprint = fingerprintOf({ resource, action, text });
  const identity = actorOf(session.identity);
  const tags = action.columns.flatMap((column) => policy()?.tagsOf(resource, column) ?? []);
  const { reason, ticket } = waiting.stated ?? {};
  const ofClass = classNow(asking, waiting, action, decision);
  return {
    id: made.id,
    digest: reviewDigest(made.id, made.binding),
    binding: made.binding,
    fingerprint,
    state: 'waiting',
    kind: made.ticket ? 'ticket' : 'live',
    decision: made.decision,
    session: session.id,
    askedAt: at,
    expiresAt: instant(at + expiryMs(decision)),
    identity,
    resource: { name: resource.name, kind: resource.kind, tags: resource.tags },
    verb: action.verb,
    access: action.access,
    targets: action.targets,
    columns: action.columns,
    text,
    ...(waiting.errand === undefined || request.stated?.breakGlass === true
      ? {}
      : { errand: waiting.errand }),
    tokenId: session.identity.proof.tokenId,
    ...(waiting.within === undefined ? {} : { within: waiting.within }),
    ...(waiting.values === undefined ? {} : { values: waiting.values }),
    settings: waiting.settings,
    ...(waiting.veiled === undefined ? {} : { veiled: waiting.veiled }),
    ...(ofClass === undefined ? {} : { class: ofClass }),
    ...hidesOf(asking, waiting, text),
    ...(action.opaque === true ? { opaque: true as const } : {}),
    ...(made.beyond === undefined ? {} : { beyond: made.beyond }),
    ...(made.quiet === undefined ? {} : { quiet: made.quiet }),
    ...(made.estimate === undefined ? {} : { estimate: made.estimate }),
    risk: riskOf({
      action,
      identity,
      resourceTags: resource.tags,
      dataTags: tags,
      ...(made.estimate === undefined ? {} : { estimatedRows: made.estimate.rows }),
      history: store.history(fingerprint),
      at,
    }),
    rules: decision.because.filter(({ demands }) => demands?.includes('approve') === true),
    why: decision.why,
    needs: decision.duties.approve,
    votes: [],
    policy: policyText(decision),
    ...(reason === undefined && ticket === undefined
      ? {}
      : {
          stated: {
            ...(reason === undefined ? {} : { reason }),
            ...(ticket === undefined ? {} : { ticket }),
          },
        }),
  };
}

/** What of it those may not see who may not see everything. */
function hidesOf(
  { desk, session, request: { action } }: Asking,
  { veiled, within, values = [], settings }: Waiting,
  text: string,
): Pick<StoredReview, 'message' | 'found'> {
  const found = foundIn([
    text,
    ...(within === undefined ? [] : [within]),
    ...values,
    ...Object.values(settings),
  ]);
  // Only a statement has columns; of all else the paths of its body do.
  const isMessage = veiled === undefined && action.columns.length === 0;
  const policy = desk.parts.policy();
  const { route, tool } = action.attributes;
  const names = [...new Set([route, tool, ...action.targets.map(({ name }) => name), 'answer'])].filter(
    (name) => typeof name === 'string',
  );
  const tagged = (column: string): boolean =>
    policy === undefined ||
    names.some((object) => policy.tagsOf(session.resource, { object, column }).length > 0);
  return {
    ...(found.length === 0 ? {} : { found }),
    ...(isMessage ? { message: veiledMessage(text, tagged) ?? null } : {}),
  };
}

function askedEntry({ id: session, identity }: Session, row: StoredReview): Parameters<Desk['write']>[0] {
  const { id, decision, digest, kind, resource, verb, risk, needs, expiresAt, policy, askedAt, stated } = row;
  return {
    kind: 'review.asked',
    at: askedAt,
    session,
    review: id,
    decision,
    digest,
    how: kind,
    identity: actorOf(identity),
    resource: resource.name,
    verb,
    risk,
    needs,
    expiresAt,
    policy,
    ...(stated === undefined ? {} : { stated }),
  };
}

function expiryMs({ duties }: Decision): number {
  return Math.min(...duties.approve.map(({ withinMs }) => withinMs));
}

/** How long it waits in flight; 0 where its client wants, or the policy gives, a ticket. */
function patience({ decision, desk }: Asking, { limit, patienceMs = Infinity }: Waiting): number {
  const byPolicy = decision.duties.approve.map(({ holdMs = Infinity }) => holdMs);
  const inTransaction = limit === undefined ? Infinity : desk.parts.settings.transactionMs;
  return Math.max(0, Math.min(expiryMs(decision), patienceMs, inTransaction, ...byPolicy));
}

const shownChars = 2_000;

/** What the waiting client reads: a first line, and what belongs to it. */
function notice({ desk, decision }: Asking, { limit }: Waiting, row: StoredReview, forMs: number): string {
  const { id, text, needs } = row;
  const { link } = desk.parts.settings;
  const shown = visible(text);
  return [
    `This waits for a review: ${id}`,
    `Who can approve: ${asked(needs)}; never the one who asks`,
    `Why: ${decision.why}`,
    `Runs once, exactly so: ${shown.slice(0, shownChars)}${shown.length > shownChars ? ` … (${shown.length - shownChars} more characters; the review shows all of it)` : ''}`,
    ...(link === undefined ? [] : [`Link: ${link}${id}`]),
    `To answer: sallyport reviews approve ${id} (or refuse, or show)`,
    `It waits ${span(forMs)}, until ${clock(desk.parts.world.now() + forMs)}; cancel it (Ctrl-C) to withdraw the request`,
    ...(row.beyond === undefined ? [] : [`A grant for what is like it does not cover it: ${row.beyond}`]),
    ...escalations(row),
    ...(limit === undefined ? [] : [`No longer than that, because ${limit.why}`]),
  ].join('\n');
}

function escalations({ needs, quiet }: StoredReview): readonly string[] {
  return needs.flatMap(({ escalate }) =>
    escalate === undefined
      ? []
      : [
          `${escalate.groups.join(' or ')} can answer too${quiet === true ? ', at once, since these are quiet hours' : ` after ${span(escalate.afterMs)}`}`,
        ],
  );
}

const classes: Readonly<Record<string, DenyCode>> = {
  refused: 'REVIEW_REFUSED',
  expired: 'REVIEW_EXPIRED',
  withdrawn: 'REVIEW_WITHDRAWN',
  void: 'REVIEW_VOID',
};

const fixes: Readonly<Record<string, string>> = {
  refused: 'Talk to the person who refused it; asking again makes a new review',
  expired: 'Ask again, and tell those who can approve that you wait',
  void: 'Ask again: it is judged by what holds now',
};

function endedWith(
  { decision }: Asking,
  id: DecisionId,
  row: StoredReview,
  written: Promise<void>,
): Reviewed {
  const fix = fixes[row.state];
  const state = row.state;
  const why =
    state === 'expired'
      ? `Nobody answered the review ${row.id} in time (${asked(row.needs)})`
      : `${visible(row.end ?? 'The review is over')} (review ${row.id})`;
  return {
    kind: 'refused',
    written,
    denial: {
      ...denialOf(decision, id),
      class: classes[state] ?? 'REVIEW_VOID',
      why,
      fix: fix === undefined ? [] : [fix],
      retryable: state === 'expired' || state === 'void',
      review: row.id,
    },
  };
}

function pendingDenial(decision: Decision, row: StoredReview): Denial {
  return {
    ...denialOf(decision, row.decision),
    class: 'REVIEW_PENDING',
    why: `This waits for a review by ${asked(row.needs)}: ${row.id}`,
    fix: [
      `Send exactly the same again once it is approved (until ${clock(row.expiresAt)}); sallyport reviews wait ${row.id} says when`,
      ...(row.errand === undefined
        ? []
        : [`Or let the gateway run it, once: sallyport reviews result ${row.id} gives you what it answered`]),
    ],
    retryable: true,
    review: row.id,
  };
}

/** The same request waits as a ticket already. */
function pending(asking: Asking, row: StoredReview): Reviewed {
  const { id, written } = asking.enter((decisionId) => ({
    review: row.id,
    denial: { ...pendingDenial(asking.decision, row), decisionId },
  }));
  return { kind: 'refused', denial: { ...pendingDenial(asking.decision, row), decisionId: id }, written };
}

/** The gateway has run it: whoever sends it again means the same, not a second time. */
function ranAlready(asking: Asking, row: StoredReview): Reviewed {
  const make = (id: DecisionId): Denial => ({
    ...denialOf(asking.decision, id),
    class: 'REVIEW_PENDING',
    why: `This was approved and ran, once, as review ${row.id}; its result waits for you`,
    fix: [
      `Fetch it with sallyport reviews result ${row.id}; after that, the same statement is a new request`,
    ],
    retryable: false,
    review: row.id,
  });
  const { id, written } = asking.enter((given) => ({ review: row.id, denial: make(given) }));
  return { kind: 'refused', denial: make(id), written };
}

/** No review was asked for. */
function refuse(asking: Asking, code: DenyCode, because: string, later = code === 'LIMIT'): Reviewed {
  const { decision } = asking;
  const make = (id: DecisionId): Denial => ({
    ...denialOf(decision, id),
    class: code,
    why: `This needs a review, and ${because}: ${decision.why}`,
    retryable: later,
  });
  const { id, written } = asking.enter((given) => ({ denial: make(given) }));
  return { kind: 'refused', denial: make(id), written };
}

function unwritten(id: DecisionId): Denial {
  return denial(
    'NOT_WRITTEN',
    id,
    'The review could not be written to the ledger, so nothing was sent',
    'Tell the operators of this gateway: it refuses everything until its ledger can be written again',
  );
}

function policyText({ policy }: Decision): string {
  return policy.commit === undefined ? policy.digest : `${policy.digest}@${policy.commit}`;
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

export function newReviewId(chance: Uint8Array): ReviewId {
  return `rev_${[...chance].map((byte) => alphabet[byte % 32] ?? '0').join('')}` as ReviewId; // the one place where it is made
}
