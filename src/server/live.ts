import { Lru } from '../base/lru.ts';
import type { Instant, World } from '../base/time.ts';
import type { Limits } from '../core/limits.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Session, SessionId } from '../core/session.ts';

/** Why the gateway ends a session; stands in its `session.closed` entry. A person's stop names the person. */
export type Ending =
  | 'token expired'
  | 'token revoked'
  | 'session limit'
  | 'idle limit'
  | 'stopping'
  | 'signed out'
  | `access ended: ${string}`
  | `killed by ${string}`;

interface Held {
  readonly session: Session;
  readonly end: (why: Ending) => void;
}

const stoppedMs = 600_000;

/** The sessions open now, and the bounds on how many there may be. */
export class LiveSessions {
  readonly #held: Map<SessionId, Held> = new Map();
  readonly #places: Map<string, number> = new Map(); // by subject
  readonly #limits: Limits;
  readonly #metrics: Metrics;
  readonly #open: Map<string, number> = new Map(); // by resource
  readonly #stopped: Map<string, Instant> = new Map(); // runs, until when
  readonly #ended: ((session: Session, why: Ending) => void) | undefined;
  #taken = 0;

  /** `ended` is told of every session that is ended here. */
  constructor(limits: Limits, metrics: Metrics, ended?: (session: Session, why: Ending) => void) {
    this.#limits = limits;
    this.#metrics = metrics;
    this.#ended = ended;
  }

  get size(): number {
    return this.#held.size;
  }

  get all(): readonly Session[] {
    return [...this.#held.values()].map(({ session }) => session);
  }

  /** Ends all sessions of this run, or those of one subject; gives them. Nothing of theirs comes in again for a while. */
  endRun(
    run: string,
    why: Ending,
    about: { readonly of: string | undefined; readonly now: Instant },
  ): readonly Session[] {
    const held = [...this.#held.values()].filter(
      ({ session }) =>
        session.run === run && (about.of === undefined || session.identity.subject === about.of),
    );
    const subjects = new Set(held.map(({ session }) => session.identity.subject as string));
    if (about.of !== undefined) subjects.add(about.of);
    for (const subject of subjects)
      this.#stopped.set(JSON.stringify([subject, run]), (about.now + stoppedMs) as Instant);
    for (const each of held) this.#end(each, why);
    return held.map(({ session }) => session);
  }

  /** Whether this run of this subject was ended by a person a short while ago. */
  isStopped(subject: string, run: string, now: Instant): boolean {
    if (this.#stopped.size === 0) return false;
    for (const [key, until] of this.#stopped) if (until <= now) this.#stopped.delete(key);
    return this.#stopped.has(JSON.stringify([subject, run]));
  }

  /** Takes a place for this subject, to be given back by disposing it; or names the limit that is reached. */
  place(subject: string): Disposable | 'connections' | 'connectionsPerIdentity' {
    const own = this.#places.get(subject) ?? 0;
    if (this.#taken >= this.#limits.connections) return 'connections';
    if (own >= this.#limits.connectionsPerIdentity) return 'connectionsPerIdentity';
    this.#taken += 1;
    this.#places.set(subject, own + 1);
    let given = false;
    return {
      [Symbol.dispose]: () => {
        if (given) return;
        given = true;
        this.#taken -= 1;
        const left = (this.#places.get(subject) ?? 1) - 1;
        if (left === 0) this.#places.delete(subject);
        else this.#places.set(subject, left);
      },
    };
  }

  add(session: Session, end: (why: Ending) => void): void {
    this.#held.set(session.id, { session, end });
    this.#measure(session, 1);
  }

  remove(session: Session): void {
    if (this.#held.delete(session.id)) this.#measure(session, -1);
  }

  /** Ends the sessions whose token has expired or was revoked. */
  sweep(now: number, revoked: (tokenId: string) => boolean): void {
    for (const held of this.#held.values()) {
      const { tokenId, expiresAt } = held.session.identity.proof;
      if (expiresAt <= now) this.#end(held, 'token expired');
      else if (failsClosed(() => revoked(tokenId))) this.#end(held, 'token revoked');
    }
  }

  /** Ends one session; false when it is not open. */
  end({ id }: Pick<Session, 'id'>, why: Ending): boolean {
    const held = this.#held.get(id);
    if (held !== undefined) this.#end(held, why);
    return held !== undefined;
  }

  /** Ends all sessions that are so. */
  endWhere(is: (session: Session) => boolean, why: Ending): void {
    for (const held of this.#held.values()) if (is(held.session)) this.#end(held, why);
  }

  #end({ session, end }: Held, why: Ending): void {
    end(why);
    this.#ended?.(session, why);
  }

  endAll(why: Ending): void {
    for (const { end } of this.#held.values()) end(why);
  }

  #measure({ resource }: Session, by: number): void {
    const open = (this.#open.get(resource.name) ?? 0) + by;
    this.#open.set(resource.name, open);
    this.#metrics.gauge('sessions', open, { resource: resource.name });
  }
}

function failsClosed(ask: () => boolean): boolean {
  try {
    return ask();
  } catch {
    return true;
  }
}

const minuteMs = 60_000;
const addressesKept = 10_000;

/** Counts failed sign-ins by address, and says when one address has had too many. */
export class SignInFailures {
  readonly #seen: Lru<string, { readonly since: number; readonly count: number }> = new Lru(addressesKept);
  readonly #perMinute: number;
  readonly #world: World;

  constructor(perMinute: number, world: World) {
    this.#perMinute = perMinute;
    this.#world = world;
  }

  tooMany(peer: string): boolean {
    return (this.#current(peer)?.count ?? 0) >= this.#perMinute;
  }

  /** Counts one more. True when it is the one that reached the limit: from here on nothing more is written of them. */
  add(peer: string): boolean {
    const now = this.#world.now();
    const seen = this.#current(peer) ?? { since: now, count: 0 };
    const count = seen.count + 1;
    // At the limit the minute starts anew: "refused for a minute" counts from the failure that was one too many.
    this.#seen.set(networkOf(peer), { since: count === this.#perMinute ? now : seen.since, count });
    return count === this.#perMinute;
  }

  #current(peer: string): { readonly since: number; readonly count: number } | undefined {
    const seen = this.#seen.get(networkOf(peer));
    return seen === undefined || this.#world.now() - seen.since >= minuteMs ? undefined : seen;
  }
}

/** The address of a peer without its port; of IPv6 the /64, since one host has all of it. */
export function networkOf(peer: string): string {
  const host = hostOf(peer);
  if (!host.includes(':')) return host;
  const [head = '', tail] = host.split('::');
  const groups = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  return [...groups, ...Array.from({ length: Math.max(missing, 0) }, () => '0')].slice(0, 4).join(':');
}

/** `10.0.0.7` of `10.0.0.7:51234`, `::1` of `[::1]:51234`; IPv4 inside IPv6 as IPv4. */
export function hostOf(peer: string): string {
  const bracketed = /^\[([^\]]*)\]/.exec(peer)?.[1];
  const plain = bracketed ?? (peer.split(':').length > 2 ? peer : peer.replace(/:\d+$/, ''));
  return plain.replace(/^::ffff:(?=\d+\.)/i, '');
}

export function isLoopback(peer: string): boolean {
  const host = hostOf(peer);
  return host === '::1' || host === 'localhost' || /^127(\.\d{1,3}){3}$/.test(host);
}
