import type { Instant } from '../base/time.ts';
import type { Action } from '../core/action.ts';
import type { Denial, DenyCode } from '../core/decision.ts';
import type { Session } from '../core/session.ts';
import { fingerprintOf } from '../reviews/index.ts';

/** `breaker:` of the configuration. */
export interface BreakerSettings {
  /** So often the same request may be denied before the breaker trips. */
  readonly denials: number;
  /** Denials that are older do not count; after this time without one it is closed again. */
  readonly withinMs: number;
  /** So long nothing more of that run is let through once it has tripped; absent: it only tells. */
  readonly pauseMs?: number;
}

export const defaultBreaker: BreakerSettings = { denials: 5, withinMs: 600_000 };

/** What a denial is worth saying of itself. */
export interface Counted {
  readonly attemptsLeft: number;
  readonly denials: number;
  /** It has just tripped: once for each request that is denied again and again. */
  readonly tripped: boolean;
}

interface Count {
  denials: number;
  last: Instant;
  tripped: boolean;
}

const mostCounts = 50_000;

/** Denials that say something of the request itself: to ask again is no way to another answer. */
const lasting: ReadonlySet<DenyCode> = new Set([
  'RULE',
  'NO_ALLOW_RULE',
  'POLICY_ERROR',
  'NOT_UNDERSTOOD',
  'LINEAGE',
  'UNSUPPORTED',
]);

/**
 * Counts how often the same request is denied to one run of one identity, over all sessions and protocols of the gateway. It
 * never turns a denial into anything else: each request is judged by the rules that hold when it comes.
 */
export class Breaker {
  readonly #settings: BreakerSettings;
  readonly #counts: Map<string, Count> = new Map();
  readonly #paused: Map<string, Instant> = new Map(); // until when

  constructor(settings: BreakerSettings = defaultBreaker) {
    this.#settings = settings;
  }

  /** Counts a denial; undefined where it is of a kind that may be over soon. */
  count(
    session: Session,
    of: { readonly action: Action; readonly text: string; readonly denial: Denial },
    now: Instant,
  ): Counted | undefined {
    if (!lasting.has(of.denial.class)) return undefined;
    if (this.#counts.size >= mostCounts) this.#sweep(now);
    const key = JSON.stringify([runOf(session), canonicalOf(session, of)]);
    const known = this.#counts.get(key);
    const count =
      known === undefined || now - known.last > this.#settings.withinMs
        ? { denials: 0, last: now, tripped: false }
        : known;
    count.denials += 1;
    count.last = now;
    const { denials } = this.#settings;
    const tripped = count.denials >= denials && !count.tripped;
    if (tripped) {
      count.tripped = true;
      this.#pause(session, now);
    }
    if (this.#counts.size < mostCounts) this.#counts.set(key, count);
    return { attemptsLeft: Math.max(0, denials - count.denials), denials: count.denials, tripped };
  }

  /** Until when nothing of this run is let through; undefined where it is. */
  pausedUntil(session: Session, now: Instant): Instant | undefined {
    if (this.#paused.size === 0) return undefined;
    const until = this.#paused.get(runOf(session));
    if (until === undefined || until > now) return until;
    this.#paused.delete(runOf(session));
    return undefined;
  }

  #pause(session: Session, now: Instant): void {
    const { pauseMs } = this.#settings;
    if (pauseMs !== undefined) this.#paused.set(runOf(session), (now + pauseMs) as Instant);
  }

  #sweep(now: Instant): void {
    for (const [key, { last }] of this.#counts)
      if (now - last > this.#settings.withinMs) this.#counts.delete(key);
  }
}

/** One loop of one identity, whatever it speaks; what declares no run is one with all else of it that declares none. */
function runOf({ identity, run }: Session): string {
  return JSON.stringify([identity.subject, run ?? null]);
}

/** What stays the same when a request is only worded differently: what it does, to what, and what denied it. */
function canonicalOf(
  { resource }: Session,
  { action, text, denial }: { readonly action: Action; readonly text: string; readonly denial: Denial },
): unknown {
  const { verb, access, targets } = action;
  const named = targets.filter(({ name }) => name !== '*').map(({ kind, name }) => `${kind} ${name}`);
  return [
    resource.name,
    verb,
    access,
    denial.rule ?? denial.class,
    named.length > 0 ? named.toSorted() : fingerprintOf({ resource, action, text: text.slice(0, 20_000) }),
  ];
}
