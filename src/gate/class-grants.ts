import { instant, type World } from '../base/time.ts';
import type { ClassTerms } from '../core/decision.ts';
import type { Identity } from '../core/identity.ts';
import type { Ledger } from '../core/ports.ts';
import type { ReviewId, ReviewState } from '../core/review.ts';
import type { ReviewStore, StoredGrant, StoredReview } from '../reviews/index.ts';
import { actorOf } from './actor.ts';
import { tell, type Telling } from './telling.ts';
import { isApproved, isAsked, isOwn, type Voting } from './votes.ts';

interface GrantParts extends Telling, Voting {
  readonly store: ReviewStore;
  readonly ledger: Ledger;
  readonly world: World;
}

/** Approvals of a class: what is like an approved request may run too, for a time and a count. */
export class ClassGrants {
  readonly #parts: GrantParts;
  /** When grants for a class end, by a clock that nobody can put back. */
  readonly #ends: Map<ReviewId, Disposable> = new Map();
  #look: Disposable | undefined;
  constructor(parts: GrantParts) {
    this.#parts = parts;
  }

  /** Those of before the gateway stopped. */
  recover(): void {
    const { store, world } = this.#parts;
    for (const { id, until } of store.grants(instant(0)))
      this.#endAt(id, until - Math.max(world.now(), store.seen()));
  }

  /**
   * An approval of the class, as it is now. Its entry is on disk before it can be used. The request that was approved counts as
   * the first use, whatever becomes of it.
   */
  async grant(review: StoredReview, terms: ClassTerms): Promise<void> {
    const { store, world } = this.#parts;
    const { id, class: of, session, votes, policy } = review;
    if (of === undefined || store.granted(id) !== undefined) return;
    const at = world.now();
    const until = instant(at + Math.min(terms.forMs, longestTimerMs));
    const approvers = votes.filter(({ vote }) => vote === 'approve').map(({ by }) => by);
    const { count } = terms;
    await this.#parts.ledger.append({
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
    this.#endAt(id, until - at);
  }

  /** A grant that covers this class now: alive, and those who gave it could still give it. */
  covering(
    of: string,
    only?: ReviewId,
  ): { readonly grant: StoredGrant; readonly review: StoredReview } | undefined {
    const { store, world } = this.#parts;
    for (const grant of store.grants(world.now(), of)) {
      if (only !== undefined && grant.id !== only) continue;
      const review = store.find(grant.id);
      // What its own request turned out not to be, or was refused, it gives to no other.
      if (review !== undefined && granting.has(review.state) && isApproved(this.#parts, review))
        return { grant, review };
    }
    return undefined;
  }

  /** Ends a grant at once; written down first, so that one that cannot be written ends all the same. Rejects with a Fault `ledger`. */
  async revoke(
    id: string,
    { by, reason }: { readonly by: Identity; readonly reason?: string },
  ): Promise<'revoked' | 'not-yours' | 'over'> {
    const { store, world } = this.#parts;
    const review = store.find(id);
    const grant = review === undefined ? undefined : store.granted(review.id);
    if (review === undefined || by.kind !== 'human' || by.actingFor !== undefined) return 'not-yours';
    if (!isOwn(review, by) && !isAsked(this.#parts, review, by)) return 'not-yours';
    if (grant === undefined) return 'over';
    const why = `Revoked by ${by.subject}${reason === undefined || reason === '' ? '' : `: ${reason}`}`;
    if (!store.revoke(review.id, world.now(), why)) return 'over';
    tell(this.#parts, review.id);
    await this.#parts.ledger.append({
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

  /** SECURITY: by a timer too: by the clock alone, a grant would last longer where somebody puts it back. */
  #endAt(id: ReviewId, inMs: number): void {
    const { store, world, log } = this.#parts;
    const end = (): void => {
      this.#ends.delete(id);
      // Where the clock agrees it is over already, and this changes nothing.
      try {
        store.revoke(id, world.now(), 'Its time is over');
      } catch {
        log('warn', 'review.grant-not-ended', { review: id });
      }
    };
    this.#ends.get(id)?.[Symbol.dispose]();
    if (inMs <= 0) return end();
    this.#ends.set(id, world.after(Math.min(inMs, longestTimerMs), end));
    this.#see();
  }

  /** Keeps the time as long as there are grants, so that a clock put back while the gateway stands is noticed. */
  #see(): void {
    const { store, world, log } = this.#parts;
    this.#look?.[Symbol.dispose]();
    this.#look = undefined;
    if (this.#ends.size === 0) return;
    try {
      store.see(world.now());
    } catch {
      log('warn', 'review.clock-not-kept', {});
    }
    this.#look = world.after(seeMs, () => this.#see());
  }
}

/** How often the time is kept, and how long a timer lasts at most. */
const seeMs = 10_000;
const longestTimerMs = 24 * 86_400_000;
/** States of a review whose grant may be used: its own use does not have to be over, or well over. */
const granting: ReadonlySet<ReviewState> = new Set(['approved', 'running', 'done', 'withdrawn', 'unknown']);
