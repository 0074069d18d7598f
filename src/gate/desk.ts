import { Lru } from '../base/lru.ts';
import { instant, type World } from '../base/time.ts';
import type { Outcome } from '../core/decision.ts';
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
  needsEver,
  type ReviewQuery,
  type ReviewStore,
  type StoredReview,
} from '../reviews/index.ts';
import { actorOf } from './actor.ts';
import { cardOf } from './card.ts';
import { ClassGrants } from './class-grants.ts';
import type { ReviewSettings } from './review-settings.ts';
import { tell } from './telling.ts';
import { isApproved, isOwn, type People, unknownReview, whyNot } from './votes.ts';

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
  readonly grants: ClassGrants;
  /** Who waits in flight, and for how much longer. */
  readonly #waiting: Map<ReviewId, { readonly end: (state: Ended) => void; readonly deadline: Disposable }> =
    new Map();
  /** Tickets that wait or may be used, until when. */
  readonly #deadlines: Map<ReviewId, Disposable> = new Map();
  /** When more people are asked. */
  readonly #escalations: Map<ReviewId, Disposable> = new Map();
  /** Who was shown which review in full, lately. */
  readonly #seen: Lru<string, true> = new Lru(10_000);
  /** Answers to one review are judged one after another. */
  readonly #turns: Map<string, Promise<unknown>> = new Map();

  /** Tickets whose approval a run of the gateway's own has used up; not those that their client sent again. */
  readonly ran: Set<ReviewId> = new Set();

  constructor(parts: DeskParts) {
    this.parts = parts;
    this.grants = new ClassGrants(parts);
  }

  /** What was in flight when the gateway stopped: its connections are gone. Tickets stay. To be called before anything is asked. */
  async recover(): Promise<void> {
    const { store, world } = this.parts;
    this.grants.recover();
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
      /** Aborts when the ticket that is waited for waits on by itself. */
      readonly left?: AbortSignal | undefined;
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
      how.left?.removeEventListener('abort', leave);
      resolve(state);
    };
    const leave = (): void => {
      end('ticketed');
      this.#expireAt(review, review.expiresAt - world.now());
    };
    const deadline = world.after(how.forMs, () => {
      if (how.thenTicket === true && this.parts.store.toTicket(review.id)) {
        end('ticketed');
        this.#expireAt(review, review.expiresAt - world.now());
        tell(this.parts, review.id);
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
    how.left?.addEventListener('abort', leave, { once: true });
    if (how.signal.aborted) withdraw();
    else if (how.left?.aborted === true) leave();
    return promise;
  }

  /** Whether somebody waits for it in this process. */
  waitsFor(id: ReviewId): boolean {
    return this.#waiting.has(id);
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
      tell(this.parts, id);
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
    tell(this.parts, id);
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
    const not = whyNot(this.parts, answer, review);
    await this.#writeAnswer(answer, review, not?.code);
    metrics.count('review_answers_total', { result: not?.code ?? answer.vote });
    if (not !== undefined || review === undefined) {
      return { kind: 'not-counted', code: not?.code ?? 'unknown-review', why: not?.why ?? unknownReview };
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
    if (review === undefined || !isApproved(this.parts, review)) return tell(this.parts, id);
    const terms = grantedBy(review);
    if (terms !== undefined) await this.grants.grant(review, terms);
    if (!store.step(id, { from: ['waiting'], to: 'approved', at: world.now() })) return;
    this.#waiting.get(id)?.end('approved');
    if (review.kind === 'ticket') this.#expireAt(review, this.parts.settings.useWithinMs);
    if (review.kind === 'access') {
      this.#deadlines.get(id)?.[Symbol.dispose]();
      this.#deadlines.delete(id);
      await this.parts.granted?.(review);
    }
    tell(this.parts, id);
    if (review.kind === 'ticket') this.parts.approved?.(review);
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
      const own = review !== undefined && isOwn(review, by);
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

/** Channels whose answers are buttons of a card that shows the request. */
const cards: ReadonlySet<string> = new Set(['slack', 'teams']);

function seenKey(id: string, subject: string): string {
  return `${id} ${subject}`;
}

function reasonOf({ reason }: AbortSignal): string {
  return reason instanceof Error ? reason.message : 'The client withdrew it';
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
