import { messageOf } from '../base/errors.ts';
import { Lru } from '../base/lru.ts';
import type { Instant, World } from '../base/time.ts';
import { instant, timestamp } from '../base/time.ts';
import type { ApproveDuty, ClassTerms, Outcome } from '../core/decision.ts';
import type { Entry, ReviewEntry } from '../core/entry.ts';
import type { Identity } from '../core/identity.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Ledger, Log, Policy } from '../core/ports.ts';
import type { Answer, Channel, Counted, Review, ReviewId, ReviewState } from '../core/review.ts';
import {
  beyond,
  classTerms,
  escalatedTo,
  grantedBy,
  isEnough,
  needsEver,
  needsNow,
  type Person,
  type ReviewQuery,
  type ReviewStore,
  type StoredGrant,
  type StoredReview,
  unfit,
} from '../reviews/index.ts';
import { actorOf } from './actor.ts';
import { cardOf, forChannels } from './card.ts';

/** Everybody the gateway knows, as the directory has them now. */
export interface People {
  readonly find: (subject: string) => Omit<Identity, 'proof'> | undefined;
  readonly all: () => readonly Person[];
  /** The same text for two accounts of one human. */
  readonly human: (subject: string) => string;
}

/** `reviews:` of the configuration. */
export interface ReviewSettings {
  /** In an open transaction, whose locks others wait for. */
  readonly transactionMs: number;
  readonly remindMs: number;
  /** From high risk on, an approval counts only so long after a sign-in; absent: always. */
  readonly signInWithinMs?: number;
  /** How many requests of one person, of one agent or workload, and of all may wait at once. */
  readonly waitingPerIdentity: number;
  readonly waitingPerAgent: number;
  readonly waiting: number;
  /** How many requests one person, one agent or workload, may make in any hour; each use of a grant is none. */
  readonly perHourIdentity: number;
  readonly perHourAgent: number;
  /** When people sleep, and what becomes of what is asked for then. */
  readonly quiet?: QuietHours;
  /** An approved ticket that nobody uses ends after this. */
  readonly useWithinMs: number;
  /** So long the requester has to send an approved ticket's request again before the gateway runs it; Infinity: it waits to be asked for the result. */
  readonly runAfterMs: number;
  /** How long the gateway lets it run. */
  readonly runWithinMs: number;
  /** What it answered is kept so long, and no more of it than this. */
  readonly resultForMs: number;
  readonly resultBytes: number;
  /** Ended reviews, with their texts, are forgotten after this; the ledger keeps its entries. */
  readonly keepMs: number;
  /** Where a person opens a review in a browser, without the id. */
  readonly link?: string;
}

/** `escalate`: who a duty escalates to can answer at once; `ticket`: nobody waits in flight; `refuse`: nothing is asked. */
export interface QuietHours {
  readonly at: (now: Instant) => boolean;
  readonly source: string; // `mon, tue 20:00-07:00 Europe/Berlin`
  readonly do: 'escalate' | 'ticket' | 'refuse';
  /** Only these are told while it lasts; absent: all. */
  readonly channels?: readonly string[];
}

export const defaultReviewSettings: ReviewSettings = {
  transactionMs: 60_000,
  remindMs: 15_000,
  signInWithinMs: 15 * 60_000,
  waitingPerIdentity: 1_000,
  waitingPerAgent: 20,
  waiting: 5_000,
  perHourIdentity: 5_000,
  perHourAgent: 200,
  useWithinMs: 15 * 60_000,
  runAfterMs: 10_000,
  runWithinMs: 60_000,
  resultForMs: 24 * 3_600_000,
  resultBytes: 1_048_576,
  keepMs: 30 * 86_400_000,
};

export interface DeskParts {
  readonly store: ReviewStore;
  readonly ledger: Ledger;
  readonly world: World;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly policy: () => Policy | undefined;
  readonly people: People;
  readonly settings: ReviewSettings;
  readonly channels: () => readonly Channel[];
  /** Called when a ticket is approved, and for those that were when the gateway started. Must not throw. */
  readonly approved?: (ticket: StoredReview) => void;
  /** Called when a request for access is approved. Rejects with a Fault `ledger`. */
  readonly granted?: (request: StoredReview) => Promise<void>;
  /** Called when a request for access has ended, whoever ended it. Must not throw. */
  readonly ungranted?: (request: StoredReview) => void;
}

type EndState = Extract<ReviewEntry, { kind: 'review.ended' }>['state'];

/** How a wait came to its end. */
export type Ended = 'approved' | 'ticketed' | EndState;

/**
 * Where requests wait for people. Knows every review, judges every answer, and wakes who waits; it lets nothing pass:
 * that is the gate's, after it has judged again.
 *
 * INVARIANT: every step of a review is a compare-and-swap in the store, so that of two things that happen at once (two
 * approvals, an approval and a cancel, an answer and the end of its time) one has an effect.
 */
export class Desk {
  readonly parts: DeskParts;
  /** Who waits in flight, and for how much longer. */
  readonly #waiting: Map<ReviewId, { readonly end: (state: Ended) => void; readonly deadline: Disposable }> =
    new Map();
  /** Tickets that wait or may be used, until when. */
  readonly #deadlines: Map<ReviewId, Disposable> = new Map();
  /** When more people are asked. */
  readonly #escalations: Map<ReviewId, Disposable> = new Map();
  /** When grants for a class end, by a clock that nobody can put back. */
  readonly #grants: Map<ReviewId, Disposable> = new Map();
  #look: Disposable | undefined;
  /** Who was shown which review in full, lately. */
  readonly #seen: Lru<string, true> = new Lru(10_000);
  /** Answers to one review are judged one after another. */
  readonly #turns: Map<string, Promise<unknown>> = new Map();

  /** Tickets whose approval a run of the gateway's own has used up; not those that their client sent again. */
  readonly ran: Set<ReviewId> = new Set();

  constructor(parts: DeskParts) {
    this.parts = parts;
  }

  /** What was in flight when the gateway stopped: its connections are gone. Tickets stay. To be called before anything is asked. */
  async recover(): Promise<void> {
    const { store, world } = this.parts;
    for (const { id, until } of store.grants(instant(0)))
      this.#endGrantAt(id, until - Math.max(world.now(), store.seen()));
    for (const review of store.list({ limit: 1_000_000, states: ['waiting', 'approved', 'running'] })) {
      if (review.state === 'running') {
        await this.end(
          review.id,
          ['running'],
          'unknown',
          'The gateway stopped while it ran: whether it took effect is not known',
        );
      } else if (review.kind === 'live') {
        await this.end(
          review.id,
          ['waiting', 'approved'],
          'withdrawn',
          'The gateway stopped, and with it the connection that waited',
        );
      } else {
        // Access that was approved lasts as long as its grant.
        if (review.kind === 'access' && review.state === 'approved') continue;
        this.#expireAt(review, Math.max(0, review.expiresAt - world.now()));
        if (review.state === 'waiting') await this.#escalated(review, escalatedTo(review, world.now()));
        this.#escalate(review);
        if (review.state === 'approved') this.parts.approved?.(review);
      }
    }
    this.#measure();
  }

  /** SECURITY: by a timer too: by the clock alone, a grant would last longer where somebody puts it back. */
  #endGrantAt(id: ReviewId, inMs: number): void {
    const { store, world, log } = this.parts;
    const end = (): void => {
      this.#grants.delete(id);
      // Where the clock agrees it is over already, and this changes nothing.
      try {
        store.revoke(id, world.now(), 'Its time is over');
      } catch {
        log('warn', 'review.grant-not-ended', { review: id });
      }
    };
    this.#grants.get(id)?.[Symbol.dispose]();
    if (inMs <= 0) return end();
    this.#grants.set(id, world.after(Math.min(inMs, longestTimerMs), end));
    this.#see();
  }

  /** Keeps the time as long as there are grants, so that a clock put back while the gateway stands is noticed. */
  #see(): void {
    const { store, world, log } = this.parts;
    this.#look?.[Symbol.dispose]();
    this.#look = undefined;
    if (this.#grants.size === 0) return;
    try {
      store.see(world.now());
    } catch {
      log('warn', 'review.clock-not-kept', {});
    }
    this.#look = world.after(seeMs, () => this.#see());
  }

  /** Writes down who can answer from now on. */
  async #escalated({ id, session, decision }: StoredReview, to: readonly string[]): Promise<void> {
    if (to.length === 0) return;
    const at = this.parts.world.now();
    await this.write({ kind: 'review.escalated', at, session, review: id, decision, to });
  }

  /** Takes a request that waits in flight. Resolves when it has ended or is approved; never rejects. */
  wait(
    review: StoredReview,
    how: {
      readonly forMs: number;
      readonly thenTicket?: boolean;
      readonly signal: AbortSignal;
      readonly remind: () => void;
    },
  ): Promise<Ended> {
    const { world, settings } = this.parts;
    const { promise, resolve } = Promise.withResolvers<Ended>();
    let reminder: Disposable | undefined;
    const later = (): void => {
      reminder = world.after(settings.remindMs, () => {
        how.remind();
        later();
      });
    };
    later();
    const withdraw = (): void => {
      void this.end(review.id, ['waiting', 'approved'], 'withdrawn', reasonOf(how.signal)).catch(() =>
        end('withdrawn'),
      );
    };
    const end = (state: Ended): void => {
      if (!this.#waiting.delete(review.id)) return;
      deadline[Symbol.dispose]();
      reminder?.[Symbol.dispose]();
      how.signal.removeEventListener('abort', withdraw);
      resolve(state);
    };
    const deadline = world.after(how.forMs, () => {
      if (how.thenTicket === true && this.parts.store.toTicket(review.id)) {
        end('ticketed');
        this.#expireAt(review, review.expiresAt - world.now());
        this.tell(review.id);
        this.#measure();
        return;
      }
      void this.end(review.id, ['waiting'], 'expired', 'Nobody answered in time').catch(() => end('expired'));
    });
    this.#waiting.set(review.id, { end, deadline });
    if (review.quiet === true) void this.#escalated(review, escalatedTo(review, world.now())).catch(ignore);
    this.#escalate(review);
    this.#measure();
    how.signal.addEventListener('abort', withdraw, { once: true });
    if (how.signal.aborted) withdraw();
    return promise;
  }

  /** A ticket was given: it waits without a connection. */
  ticketed(review: StoredReview): void {
    if (review.quiet === true)
      void this.#escalated(review, escalatedTo(review, this.parts.world.now())).catch(ignore);
    this.#expireAt(review, review.expiresAt - this.parts.world.now());
    this.#escalate(review);
  }

  /** Tells again when more people can answer. That they can is decided at each answer, by the clock. */
  #escalate({ id, needs, askedAt }: StoredReview): void {
    const { world } = this.parts;
    const times = needs.flatMap(({ escalate }) =>
      escalate === undefined ? [] : [askedAt + escalate.afterMs],
    );
    const next = Math.min(...times.filter((at) => at > world.now()));
    this.#escalations.get(id)?.[Symbol.dispose]();
    this.#escalations.delete(id);
    if (!Number.isFinite(next)) return;
    const timer = world.after(next - world.now(), () => {
      const now = this.parts.store.find(id);
      if (now?.state !== 'waiting') return;
      const to = escalatedTo(now, world.now());
      this.parts.log('info', 'review.escalated', { review: id, to: to.join(',') });
      void this.#escalated(now, to).catch(ignore);
      this.tell(id);
      this.#escalate(now);
    });
    this.#escalations.set(id, timer);
  }

  #expireAt({ id }: StoredReview, inMs: number): void {
    this.#deadlines.get(id)?.[Symbol.dispose]();
    this.#deadlines.set(
      id,
      this.parts.world.after(inMs, () => {
        this.end(id, ['waiting', 'approved'], 'expired', 'Its time is over').catch(ignore);
      }),
    );
  }

  /** Tells every channel. What a channel cannot tell, another may: nobody waits for it. */
  tell(id: ReviewId): void {
    if (this.parts.channels().length === 0) return;
    const found = this.parts.store.find(id);
    if (found === undefined || found.grant !== undefined) return; // what a grant lets through was told when it was given
    const { identity, fingerprint, kind, state } = found;
    const statement = kind === 'live' || kind === 'ticket';
    // Of those that are alike one has a card, which says how many there are; when it is over, the next has one.
    const [first = id] = statement ? this.parts.store.waitingAlike(identity.subject, fingerprint, 1) : [];
    const to = state === 'waiting' && first !== id ? 'each' : 'all';
    if (to === 'all' || this.parts.channels().some(({ each }) => each === true))
      this.alert(forChannels(this.parts, found), to);
    const next = first === id ? undefined : this.parts.store.find(first);
    if (next !== undefined) this.alert(forChannels(this.parts, next), 'cards');
  }

  /** Tells of this, as it is, over every channel. */
  alert(review: Review, to: 'all' | 'each' | 'cards' = 'all'): void {
    const { channels, log, settings, world } = this.parts;
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
  told(id: ReviewId): Review | undefined {
    const found = this.parts.store.find(id);
    return found === undefined ? undefined : forChannels(this.parts, found);
  }

  /** Ends a review that is in one of `from`, writes it down and wakes who waits; false when it was in none of them. */
  // oxlint-disable-next-line max-params
  async end(
    id: ReviewId,
    from: readonly ReviewState[],
    to: EndState,
    why: string,
    outcome?: Outcome,
  ): Promise<boolean> {
    const { store, world, ledger, metrics } = this.parts;
    const at = world.now();
    const stepped = store.step(id, { from, to, at, end: why, ...(outcome === undefined ? {} : { outcome }) });
    const review = store.find(id);
    if (!stepped || review === undefined) return false;
    this.#deadlines.get(id)?.[Symbol.dispose]();
    this.#deadlines.delete(id);
    this.#escalations.get(id)?.[Symbol.dispose]();
    this.#escalations.delete(id);
    this.#waiting.get(id)?.end(to);
    if (review.kind === 'access') this.parts.ungranted?.(review);
    this.#measure();
    metrics.count('reviews_total', { resource: review.resource.name, state: to });
    metrics.observe('review_seconds', (at - review.askedAt) / 1_000, { state: to });
    this.tell(id);
    const { session, decision } = review;
    await ledger.append({
      kind: 'review.ended',
      at: world.now(),
      session,
      review: id,
      decision,
      state: to,
      why,
    });
    return true;
  }

  /** Judges an answer, writes it down whether it counts or not, and does what follows from it. Rejects with a Fault `ledger`. */
  answer(answer: Answer): Promise<Counted> {
    return this.#inTurn(answer.review, () => this.#answer(answer));
  }

  /**
   * The same approval for each other request of this one's class that waits: each by its own digest, judged by itself. Nothing
   * where the rule lets no class be approved, and no more than it allows.
   */
  async answerAlike(
    { id, class: of, needs, identity, fingerprint, text, risk, estimate }: StoredReview,
    answer: Pick<Answer, 'by' | 'via' | 'reason'>,
  ): Promise<number> {
    const most = of === undefined ? undefined : classTerms(needs);
    if (most === undefined) return 0;
    const { store } = this.parts;
    const first = { text, risk, ...(estimate === undefined ? {} : { estimate }) };
    let given = 0;
    for (const other of store.waitingAlike(identity.subject, fingerprint, 1_000)) {
      const found = other === id ? undefined : store.find(other);
      if (given + 1 >= most.count) break;
      if (found?.class !== of || found === undefined || beyond(first, found) !== undefined) continue;
      const signedInAt = answer.by.proof.signedInAt ?? instant(0);
      const counted = await this.answer({
        ...answer,
        review: found.id,
        digest: found.digest,
        vote: 'approve',
        signedInAt,
      });
      if (counted.kind === 'counted') given += 1;
    }
    return given;
  }

  async #answer(answer: Answer): Promise<Counted> {
    const { store, metrics } = this.parts;
    const review = store.find(answer.review);
    const not = this.#whyNot(answer, review);
    await this.#writeAnswer(answer, review, not?.code);
    metrics.count('review_answers_total', { result: not?.code ?? answer.vote });
    if (not !== undefined || review === undefined) {
      return { kind: 'not-counted', code: not?.code ?? 'unknown-review', why: not?.why ?? unknown };
    }
    const { vote, by, reason, via, class: terms } = answer;
    const counted = store.vote(review.id, {
      by: by.subject,
      groups: by.groups.filter((group) =>
        needsEver(review.needs).some(({ groups }) => groups.includes(group)),
      ),
      vote,
      at: this.parts.world.now(),
      ...(reason === undefined ? {} : { reason }),
      via,
      ...(this.#seen.get(seenKey(review.id, by.subject)) === true || cards.has(via)
        ? {}
        : { unseen: true as const }),
      ...(terms === undefined ? {} : { class: terms }),
    });
    if (!counted) {
      // It ended while the answer was being written.
      await this.#writeAnswer(answer, review, 'ended');
      return { kind: 'not-counted', code: 'ended', why: 'The review ended before this answer was counted' };
    }
    await this.#follow(review.id, answer);
    const now = store.find(review.id) ?? review;
    return { kind: 'counted', review: cardOf(this.parts, now, by) };
  }

  async #follow(id: ReviewId, { vote, by, reason }: Answer): Promise<void> {
    const { store, world } = this.parts;
    if (vote === 'refuse') {
      const why = `Refused by ${by.subject}${reason === undefined || reason === '' ? '' : `: ${reason}`}`;
      await this.end(id, ['waiting'], 'refused', why);
      return;
    }
    const review = store.find(id);
    if (review === undefined || !this.isApproved(review)) return this.tell(id);
    const terms = grantedBy(review);
    if (terms !== undefined) await this.#grant(review, terms);
    if (!store.step(id, { from: ['waiting'], to: 'approved', at: world.now() })) return;
    this.#waiting.get(id)?.end('approved');
    if (review.kind === 'ticket') this.#expireAt(review, this.parts.settings.useWithinMs);
    if (review.kind === 'access') {
      this.#deadlines.get(id)?.[Symbol.dispose]();
      this.#deadlines.delete(id);
      await this.parts.granted?.(review);
    }
    this.tell(id);
    if (review.kind === 'ticket') this.parts.approved?.(review);
  }

  /**
   * An approval of the class, as it is now. Its entry is on disk before it can be used. The request that was approved counts as
   * the first use, whatever becomes of it.
   */
  async #grant(review: StoredReview, terms: ClassTerms): Promise<void> {
    const { store, world } = this.parts;
    const { id, class: of, session, votes, policy } = review;
    if (of === undefined || store.granted(id) !== undefined) return;
    const at = world.now();
    const until = instant(at + Math.min(terms.forMs, longestTimerMs));
    const approvers = votes.filter(({ vote }) => vote === 'approve').map(({ by }) => by);
    const { count } = terms;
    await this.write({
      kind: 'class.granted',
      at,
      session,
      review: id,
      class: of,
      until,
      count,
      approvers,
      policy,
    });
    // It may have ended while that was written.
    if (store.find(id)?.state !== 'waiting') return;
    store.grant({ id, class: of, ...terms, until, used: 1 });
    this.#endGrantAt(id, until - at);
  }

  /** A grant that covers this class now: alive, and those who gave it could still give it. */
  grantFor(
    of: string,
    only?: ReviewId,
  ): { readonly grant: StoredGrant; readonly review: StoredReview } | undefined {
    const { store, world } = this.parts;
    for (const grant of store.grants(world.now(), of)) {
      if (only !== undefined && grant.id !== only) continue;
      const review = store.find(grant.id);
      // What its own request turned out not to be, or was refused, it gives to no other.
      if (review !== undefined && granting.has(review.state) && this.isApproved(review))
        return { grant, review };
    }
    return undefined;
  }

  /** Ends a grant at once; written down first, so that one that cannot be written ends all the same. Rejects with a Fault `ledger`. */
  async revoke(
    id: string,
    { by, reason }: { readonly by: Identity; readonly reason?: string },
  ): Promise<'revoked' | 'not-yours' | 'over'> {
    const { store, world } = this.parts;
    const review = store.find(id);
    const grant = review === undefined ? undefined : store.granted(review.id);
    if (review === undefined || by.kind !== 'human' || by.actingFor !== undefined) return 'not-yours';
    if (!this.isOwn(review, by) && !this.isAsked(review, by)) return 'not-yours';
    if (grant === undefined) return 'over';
    const why = `Revoked by ${by.subject}${reason === undefined || reason === '' ? '' : `: ${reason}`}`;
    if (!store.revoke(review.id, world.now(), why)) return 'over';
    this.tell(review.id);
    await this.write({
      kind: 'class.revoked',
      at: world.now(),
      session: review.session,
      review: review.id,
      by: actorOf(by),
      used: grant.used,
      ...(reason === undefined ? {} : { reason }),
    });
    return 'revoked';
  }

  /** Whether the votes are enough, counting only those of people who could give them now. */
  isApproved(review: StoredReview): boolean {
    const { votes, identity: requester } = review;
    const { people, world } = this.parts;
    const needs = needsNow(review, world.now());
    if (votes.some(({ vote }) => vote === 'refuse')) return false;
    const now = votes.map(({ by }) => people.find(by)).filter((person) => person !== undefined);
    const fit = now.filter((person) => unfit(person, { requester, needs }, people.human) === undefined);
    return isEnough(needs, fit, people.human);
  }

  #whyNot(answer: Answer, review: StoredReview | undefined): Not | undefined {
    const { world, settings, people } = this.parts;
    const { by } = answer;
    // SECURITY: who cannot answer at all learns nothing about which reviews there are.
    if (by.kind !== 'human' || by.actingFor !== undefined) return unfit(by, nothingAsked, people.human);
    if (review === undefined) return { code: 'unknown-review', why: unknown };
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

  async #writeAnswer(
    answer: Answer,
    review: StoredReview | undefined,
    code: string | undefined,
  ): Promise<void> {
    const { review: id, digest, by, vote, via, reason, proof, class: terms } = answer;
    await this.write({
      kind: 'review.answered',
      at: this.parts.world.now(),
      ...(review === undefined ? {} : { session: review.session }),
      review: id,
      digest,
      by: actorOf(by),
      vote,
      via,
      counted: code === undefined,
      ...(code === undefined ? {} : { code }),
      ...(terms === undefined ? {} : { class: terms }),
      ...(reason === undefined ? {} : { reason }),
      ...(proof === undefined ? {} : { proof }),
    });
  }

  /** The requester takes it back. */
  withdraw(id: string, by: Identity, via: string): Promise<'withdrawn' | 'not-yours' | 'ended'> {
    return this.#inTurn(id, async () => {
      const review = this.parts.store.find(id);
      const own = review !== undefined && this.isOwn(review, by);
      const open = own && (review.state === 'waiting' || review.state === 'approved');
      await this.write({
        kind: 'review.answered',
        at: this.parts.world.now(),
        ...(review === undefined ? {} : { session: review.session }),
        review: id,
        digest: review?.digest ?? '',
        by: actorOf(by),
        vote: 'withdraw',
        via,
        counted: open,
        ...(open ? {} : { code: own ? 'ended' : 'not-yours' }),
      });
      if (!own) return 'not-yours';
      const ended = await this.end(
        review.id,
        ['waiting', 'approved'],
        'withdrawn',
        `Withdrawn by ${by.subject}`,
      );
      return ended ? 'withdrawn' : 'ended';
    });
  }

  /** Whether it is this identity's request, or one made on its behalf. */
  isOwn(review: StoredReview, { subject }: Identity): boolean {
    for (
      let at: StoredReview['identity'] | undefined = review.identity;
      at !== undefined;
      at = at.actingFor
    ) {
      if (at.subject === subject) return true;
    }
    return false;
  }

  /** Whether this identity is one of those who are asked. */
  isAsked(review: StoredReview, by: Identity): boolean {
    const { people, world } = this.parts;
    const needs = needsNow(review, world.now());
    return unfit(by, { requester: review.identity, needs }, people.human) === undefined;
  }

  find(id: string): StoredReview | undefined {
    return this.parts.store.find(id);
  }

  list(query: ReviewQuery): readonly StoredReview[] {
    return this.parts.store.list(query);
  }

  /** Many of them, as this person may see them: what is the same for several is looked up once. */
  cards(reviews: readonly StoredReview[], viewer: Identity): readonly Review[] {
    const { store } = this.parts;
    const remembered = { ...store, history: once(store.history), alike: once(store.alike) };
    return reviews.map((review) => cardOf({ ...this.parts, store: remembered }, review, viewer));
  }

  /** This person was shown all of it. */
  seen(id: ReviewId, by: Identity): void {
    this.#seen.set(seenKey(id, by.subject), true);
  }

  /** As this person may see it. */
  card(review: StoredReview, viewer: Identity): Review {
    return cardOf(this.parts, review, viewer);
  }

  write(entry: Entry): Promise<void> {
    return this.parts.ledger.append(entry);
  }

  #measure(): void {
    this.parts.metrics.gauge('reviews_waiting', this.#waiting.size);
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** After every answer to this review that has been begun, and before any later one. */
  inTurn<T>(id: string, act: () => Promise<T>): Promise<T> {
    return this.#inTurn(id, act);
  }

  #inTurn<T>(id: string, act: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(id) ?? Promise.resolve();
    const turn = before.then(act, act);
    this.#turns.set(id, turn);
    const forget = (): void => {
      if (this.#turns.get(id) === turn) this.#turns.delete(id);
    };
    turn.then(forget, forget);
    return turn;
  }
}

type Not = Omit<Extract<Counted, { kind: 'not-counted' }>, 'kind'>;

/** How often the time is kept, and how long a timer lasts at most. */
const seeMs = 10_000;
const longestTimerMs = 24 * 86_400_000;
/** Clocks of those who sign people in may be ahead by so much. */
const skewMs = 60_000;

const unknown = 'There is no such review, or it is not yours to see';
const nothingAsked: { readonly requester: StoredReview['identity']; readonly needs: readonly ApproveDuty[] } =
  {
    requester: { subject: '', kind: 'human', groups: [] },
    needs: [],
  };

/** Channels whose answers are buttons of a card that shows the request. */
const cards: ReadonlySet<string> = new Set(['slack', 'teams']);

function seenKey(id: string, subject: string): string {
  return `${id} ${subject}`;
}

function needsReason(needs: readonly ApproveDuty[], { vote, reason }: Answer): boolean {
  return vote === 'approve' && needs.some((need) => need.reason === true) && (reason ?? '').trim() === '';
}

/** States of a review whose grant may be used: its own use does not have to be over, or well over. */
const granting: ReadonlySet<ReviewState> = new Set(['approved', 'running', 'done', 'withdrawn', 'unknown']);

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

function reasonOf({ reason }: AbortSignal): string {
  return reason instanceof Error ? reason.message : 'The client withdrew it';
}

/** `15 min`, `60 s`. */
export function span(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return seconds > 90 && seconds % 60 === 0
    ? `${seconds / 60} min`
    : seconds > 600
      ? `${Math.round(seconds / 60)} min`
      : `${seconds} s`;
}

/** `10:31:05 UTC`. */
export function clock(at: number): string {
  return `${timestamp(instant(at)).slice(11, 19)} UTC`;
}

function once<T>(ask: (fingerprint: string) => T): (fingerprint: string) => T {
  const known = new Map<string, { readonly said: T }>();
  return (fingerprint) => {
    const found = known.get(fingerprint) ?? { said: ask(fingerprint) };
    known.set(fingerprint, found);
    return found.said;
  };
}

function ignore(): void {
  // The ledger is gone, and with it every later ask; who waits was woken.
}
