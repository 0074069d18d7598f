import { type Instant, instant, type World } from '../base/time.ts';
import { chainOf, type Grant, type Requestable } from '../core/access.ts';
import type { Identity } from '../core/identity.ts';
import type { Log, Policy } from '../core/ports.ts';
import type { Resource, Session, SessionId } from '../core/session.ts';
import {
  accessBinding,
  couldApprove,
  type GrantStore,
  type Scope,
  type StoredReview,
} from '../reviews/index.ts';
import { actorOf } from './actor.ts';
import { matches } from './demands.ts';
import type { Desk } from './desk.ts';
import { tell } from './telling.ts';
import { isAsked, isOwn } from './votes.ts';
import { choose, rowOf, type Unasked, type Wanted } from './wanted.ts';

export interface AccessParts {
  readonly store: GrantStore;
  readonly desk: Desk;
  readonly world: World;
  readonly log: Log;
  readonly policy: () => Policy | undefined;
  readonly resources: readonly Resource[];
  /** Ends a session that used what has ended. */
  readonly end: (session: Session, why: `access ended: ${string}`) => void;
  /** A request has no session: its entries are sealed under a name of their own. */
  readonly newSession: () => SessionId;
}

/** What became of a request. */
export type Requested =
  | { readonly kind: 'asked'; readonly review: StoredReview }
  | ({ readonly kind: 'not' } & Unasked);

export type Revoked = 'ended' | 'not-yours' | 'over';

interface Live {
  readonly grant: Grant;
  readonly timer: Disposable;
  /** Sessions that were let pass something by it. */
  readonly sessions: Set<Session>;
}

/** How soon a changed policy, or a clock that was put forward, ends what it must. */
const lookMs = 250;
/** How often the store is told the time, so that a clock that is put back while the gateway is down gives nothing back. */
const seeMs = 10_000;
const none: readonly Grant[] = [];

/**
 * Access for a time. A request is a review like any other; approved, it is a grant until its time is over, somebody takes
 * it back, or the rule that gave it is no longer the same. Then the sessions that used it end.
 *
 * INVARIANT: what is in `#live` is all that decisions know of: taking it out there is what ends it, before anything is
 * written, told or waited for.
 */
export class Access {
  readonly #parts: AccessParts;
  readonly #live: Map<string, Live> = new Map();
  readonly #byChain: Map<string, readonly Grant[]> = new Map();
  #look: Disposable | undefined;
  #policy: Policy | undefined;
  #seenAt = 0;

  constructor(parts: AccessParts) {
    this.#parts = parts;
  }

  /** What was live when the gateway stopped and still is. To be called after the desk's, before anything is asked. */
  async recover(): Promise<void> {
    const { store, desk, world } = this.#parts;
    const now = Math.max(world.now(), store.seen());
    for (const grant of store.live()) {
      if (desk.find(grant.id)?.state !== 'approved') store.end(grant.id, world.now());
      else if (grant.until <= now) await this.#end(grant, 'expired', 'Its time is over');
      else this.#begin(grant, grant.until - now);
    }
    for (const { id, kind, state } of desk.list({ limit: 1_000_000, states: ['approved'] })) {
      if (kind !== 'access' || state !== 'approved' || store.until(id) !== undefined) continue;
      await desk.end(id, ['approved'], 'void', 'The gateway stopped before it began');
    }
    this.#check();
  }

  /** The live grants of exactly this chain. */
  of(identity: Identity): readonly Grant[] {
    if (this.#live.size === 0) return none;
    return this.#byChain.get(keyOf(chainOf(identity))) ?? none;
  }

  /** Whether all of these are live. */
  holds(ids: readonly string[]): boolean {
    return ids.every((id) => this.#live.has(id));
  }

  /** This session is let pass something by them: it ends with them. */
  used(ids: readonly string[], session: Session): void {
    for (const id of ids) this.#live.get(id)?.sessions.add(session);
  }

  left(session: Session): void {
    for (const { sessions } of this.#live.values()) sessions.delete(session);
  }

  until(id: string): Instant | undefined {
    return this.#live.get(id)?.grant.until ?? this.#parts.store.until(id);
  }

  isLive(id: string): boolean {
    return this.#live.has(id);
  }

  /** Asks for access. Rejects with a Fault `ledger` when that cannot be written down: then nothing was asked. */
  async ask(identity: Identity, resource: Resource, wanted: Wanted): Promise<Requested> {
    const { desk, world, policy: current, newSession } = this.#parts;
    const { store, people, settings } = desk.parts;
    const policy = current();
    if (policy === undefined) return not('no-policy', 'No policy is in force, so nothing can be asked for');
    const chosen = choose(policy.reach?.(identity, resource), wanted, matches);
    if (chosen.kind === 'not') return chosen;
    const { requestable, scope } = chosen;
    const requester = actorOf(identity);
    const needs = requestable.approve;
    if (!couldApprove(people.all(), { requester, needs }, people.human)) {
      return not(
        'nobody',
        'Nobody who could approve it is left: who asks, and everyone in their chain, cannot',
      );
    }
    const binding = accessBinding(identity, resource.name, scope);
    const mine = desk.list({ limit: 1_000, states: ['waiting'], subject: identity.subject });
    const same = mine.find((each) => each.kind === 'access' && each.binding === binding);
    if (same !== undefined) return { kind: 'asked', review: same };
    const most = requester.kind === 'human' ? settings.waitingPerIdentity : settings.waitingPerAgent;
    if (store.waitingOf(requester.subject) >= most) {
      return not('too-many', 'Too many of your requests wait for a review already: withdraw one');
    }
    // From here to the first await nothing else happens: of two equal requests at once, one is made.
    const row = rowOf({
      identity,
      resource,
      requestable,
      scope,
      wanted,
      binding,
      session: newSession(),
      at: world.now(),
      chance: world.random(26),
      policy: policy.id,
      history: store.history,
    });
    store.add(row);
    const { id, session, decision, digest, verb, risk, expiresAt, stated, policy: policyText } = row;
    try {
      await desk.write({
        kind: 'review.asked',
        at: row.askedAt,
        session,
        review: id,
        decision,
        digest,
        how: 'access',
        identity: requester,
        resource: resource.name,
        verb,
        risk,
        needs,
        expiresAt,
        policy: policyText,
        scope,
        ...(stated === undefined ? {} : { stated }),
      });
    } catch (thrown) {
      await desk
        .end(id, ['waiting'], 'withdrawn', 'It could not be written to the ledger')
        .catch(() => false);
      throw thrown;
    }
    desk.ticketed(row);
    tell(desk.parts, id);
    return { kind: 'asked', review: row };
  }

  /** The right people approved it. Judged once more, written down, and then in force. */
  async granted(row: StoredReview): Promise<void> {
    const { desk, world, store } = this.#parts;
    const { scope, identity } = row;
    const now = scope === undefined ? undefined : this.#given(row, scope);
    if (scope === undefined || now === undefined) {
      await desk.end(row.id, ['approved'], 'void', 'The policy, or who asked, is no longer what it was');
      return;
    }
    const at = world.now();
    const grant: Grant = {
      id: row.id,
      rule: now.rule.id,
      ruleDigest: now.ruleDigest,
      resource: row.resource.name,
      verbs: scope.verbs,
      chain: chainOf(identity),
      until: instant(at + scope.forMs),
    };
    try {
      await desk.write({
        kind: 'access.granted',
        at,
        session: row.session,
        review: row.id,
        identity,
        resource: grant.resource,
        verbs: grant.verbs,
        rule: grant.rule,
        ruleDigest: grant.ruleDigest,
        until: grant.until,
        approvers: row.votes.filter(({ vote }) => vote === 'approve').map(({ by }) => by),
        policy: this.#parts.policy()?.id.digest ?? '',
      });
      if (desk.find(row.id)?.state !== 'approved') return;
      store.add(grant);
    } catch (thrown) {
      await desk.end(row.id, ['approved'], 'void', 'It could not be written down').catch(() => false);
      throw thrown;
    }
    this.#begin(grant, scope.forMs);
  }

  /** Takes access back, or a request for it. `admin`: the policy lets this identity end what others have. */
  // oxlint-disable-next-line max-params
  revoke(
    id: string,
    by: Identity,
    said: { readonly admin: boolean; readonly via: string; readonly reason?: string },
  ): Promise<Revoked> {
    const { desk, world } = this.#parts;
    return desk.inTurn(id, async () => {
      const row = desk.find(id);
      const may = row?.kind === 'access' && (isOwn(row, by) || isAsked(desk.parts, row, by) || said.admin);
      const open = may && (row.state === 'waiting' || row.state === 'approved');
      const grant = open ? this.#live.get(id)?.grant : undefined;
      const why = `${row?.state === 'approved' ? 'Revoked' : 'Withdrawn'} by ${by.subject}${said.reason === undefined || said.reason === '' ? '' : `: ${said.reason}`}`;
      // It has ended before anything can fail: a ledger that cannot be written keeps nobody inside.
      const ended =
        grant === undefined ? undefined : this.#end(grant, 'withdrawn', why, `revoked by ${by.subject}`);
      ended?.catch(() => undefined); // awaited below
      await desk.write({
        kind: 'review.answered',
        at: world.now(),
        ...(row === undefined ? {} : { session: row.session }),
        review: id,
        digest: row?.digest ?? '',
        by: actorOf(by),
        vote: 'withdraw',
        via: said.via,
        counted: open,
        ...(open ? {} : { code: may ? 'ended' : 'not-yours' }),
        ...(said.reason === undefined ? {} : { reason: said.reason }),
      });
      if (!may) return 'not-yours';
      if (!open) return 'over';
      if (ended !== undefined) await ended;
      else if (!(await desk.end(row.id, ['waiting', 'approved'], 'withdrawn', why))) return 'over';
      return 'ended';
    });
  }

  #begin(grant: Grant, leftMs: number): void {
    const { world } = this.#parts;
    const timer = world.after(leftMs, () => this.#over(grant, 'expired', 'Its time is over'));
    this.#live.set(grant.id, { grant, timer, sessions: new Set() });
    this.#index(grant);
    this.#look ??= world.after(lookMs, () => this.#again());
    this.#measure();
  }

  #again(): void {
    this.#look = undefined;
    this.#check();
    if (this.#live.size > 0) this.#look = this.#parts.world.after(lookMs, () => this.#again());
  }

  /** Ends what a clock that was put forward, or another policy, has ended. */
  #check(): void {
    const { world, policy, store, desk, log } = this.#parts;
    const now = world.now();
    const current = policy();
    const changed = current !== undefined && current !== this.#policy;
    if (current !== undefined) this.#policy = current;
    for (const { grant } of this.#live.values()) {
      const row = changed ? desk.find(grant.id) : undefined;
      if (grant.until <= now) this.#over(grant, 'expired', 'Its time is over');
      else if (row?.scope !== undefined && this.#given(row, row.scope, current) === undefined)
        this.#over(grant, 'void', `The rule ${grant.rule} is no longer what it was, or not for them`);
    }
    if (this.#live.size === 0 || Math.abs(now - this.#seenAt) < seeMs) return;
    this.#seenAt = now;
    try {
      store.see(now);
    } catch {
      log('warn', 'access.clock-not-kept', {});
    }
  }

  /** The rule that would give it now, to who asked as the directory knows them now; undefined where none would. */
  #given(row: StoredReview, scope: Scope, policy = this.#parts.policy()): Requestable | undefined {
    const { desk, resources } = this.#parts;
    const known = desk.parts.people.find(row.identity.subject);
    const resource = resources.find(({ name }) => name === row.resource.name);
    if (known === undefined || resource === undefined || policy === undefined) return undefined;
    const identity: Identity = { ...known, proof: { kind: 'token', tokenId: '', expiresAt: instant(0) } };
    if (accessBinding(identity, resource.name, scope) !== row.binding) return undefined;
    return policy
      .reach?.(identity, resource)
      .onRequest.find(
        ({ rule, ruleDigest, verbs }) =>
          rule.id === scope.rule &&
          ruleDigest === scope.ruleDigest &&
          scope.verbs.every((verb) => verbs.includes(verb)),
      );
  }

  #over(grant: Grant, state: 'expired' | 'void', why: string): void {
    this.#end(grant, state, why).catch(() => undefined); // the ledger is gone, and with it every later ask
  }

  // oxlint-disable-next-line max-params
  async #end(
    grant: Grant,
    state: 'expired' | 'withdrawn' | 'void',
    why: string,
    brief: string = briefly(state, grant),
  ): Promise<void> {
    this.#drop(grant, brief);
    await this.#parts.desk.end(grant.id, ['approved'], state, why);
  }

  /** The desk has ended it: its request was taken back there. */
  ungranted({ id }: StoredReview): void {
    const live = this.#live.get(id);
    if (live !== undefined) this.#drop(live.grant, 'was taken back');
  }

  #drop(grant: Grant, brief: string): void {
    const { store, world, end, log } = this.#parts;
    const live = this.#live.get(grant.id);
    this.#live.delete(grant.id);
    this.#index(grant);
    live?.timer[Symbol.dispose]();
    const heir = this.#heirOf(grant);
    for (const session of live?.sessions ?? []) {
      if (heir === undefined) end(session, `access ended: ${grant.id} (${grant.rule}) ${brief}`);
      else heir.sessions.add(session);
    }
    this.#measure();
    try {
      store.end(grant.id, world.now());
    } catch {
      log('error', 'access.end-not-kept', { review: grant.id }); // the desk keeps it too
    }
  }

  /** Another live grant of the same: who renewed in time is not thrown out. */
  #heirOf({ rule, ruleDigest, resource, verbs, chain }: Grant): Live | undefined {
    return [...this.#live.values()].find(
      ({ grant }) =>
        grant.rule === rule &&
        grant.ruleDigest === ruleDigest &&
        grant.resource === resource &&
        keyOf(grant.chain) === keyOf(chain) &&
        verbs.every((verb) => grant.verbs.includes(verb)),
    );
  }

  #index({ chain }: Grant): void {
    const key = keyOf(chain);
    const grants = [...this.#live.values()]
      .map(({ grant }) => grant)
      .filter((each) => keyOf(each.chain) === key);
    if (grants.length === 0) this.#byChain.delete(key);
    else this.#byChain.set(key, grants);
  }

  #measure(): void {
    this.#parts.desk.parts.metrics.gauge('access_grants', this.#live.size);
  }

  [Symbol.dispose](): void {
    this.#look?.[Symbol.dispose]();
    for (const { timer } of this.#live.values()) timer[Symbol.dispose]();
    this.#live.clear();
    this.#byChain.clear();
  }
}

function briefly(state: string, { rule }: Grant): string {
  return state === 'expired' ? 'has expired' : `is void: the rule ${rule} is no longer what it was`;
}

function keyOf(chain: readonly string[]): string {
  return JSON.stringify(chain);
}

function not(code: Unasked['code'], why: string): Requested {
  return { kind: 'not', code, why };
}
