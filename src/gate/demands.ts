import { RE2JS } from 're2js';
import type { Instant, World } from '../base/time.ts';
import type { Decision, DenyCode, Duties } from '../core/decision.ts';
import type { Stated } from '../core/protocol.ts';
import type { Session } from '../core/session.ts';
import { deniedFor, fixesFor } from './refusing.ts';
import type { Usage } from './usage.ts';

/** Why a rule ends a session. */
export type SessionEnd = 'session limit' | 'idle limit';

export interface DemandParts {
  readonly world: World;
  /** What is counted over all sessions; absent: nothing can be counted here, so what must be is refused. */
  readonly usage?: Usage;
  /** Ends a session; absent: none can be ended here, so what asks for it is refused. */
  readonly end?: (session: Session, why: SessionEnd) => void;
}

/** An action that may go on, or the decision that it may not. `leave` is called when it has ended, however it ended. */
export type Entered =
  | { readonly kind: 'in'; readonly leave?: () => void }
  | { readonly kind: 'barred'; readonly decision: Decision };

/**
 * The duties that depend on more than the action: how often and how many at once, how old the session is, what the client
 * said of its reasons. SECURITY: whatever cannot be counted, ended or matched is refused.
 */
export class Demands {
  readonly #parts: DemandParts;
  readonly #session: Session;
  readonly #subjects: readonly string[];
  readonly #inside: Set<() => void> = new Set();
  #idleMs: number | undefined;
  #idleTimer: Disposable | undefined;
  #endsAt = Infinity;
  #endTimer: Disposable | undefined;
  #idleSince: Instant;

  constructor(parts: DemandParts, session: Session) {
    this.#parts = parts;
    this.#session = session;
    this.#subjects = subjectsOf(session);
    this.#idleSince = session.startedAt;
  }

  /** Judges the demands of a decision that is no deny. Counts the action where it may go on. */
  enter(decision: Decision, stated: Stated | undefined): Entered {
    const { duties } = decision;
    if (!demanding(duties)) return free;
    return this.#unstated(decision, stated) ?? this.#tooOld(decision) ?? this.#tooMany(decision) ?? free;
  }

  /** Forgets the session. Its actions are over. */
  close(): void {
    this.#endTimer?.[Symbol.dispose]();
    this.#idleTimer?.[Symbol.dispose]();
    this.#idleMs = undefined;
    for (const leave of this.#inside) leave();
  }

  #unstated(decision: Decision, stated: Stated | undefined): Entered | undefined {
    const { justify, tickets = [] } = decision.duties;
    const reason = stated?.reason?.trim() ?? '';
    if (justify === true && reason.length < shortestReason) {
      return barred(decision, 'justify', {
        code: 'UNSTATED',
        why: 'A reason must be given for this',
        fix: "Say why first: SET sallyport.reason = '…' in SQL, the header Sallyport-Reason in HTTP",
      });
    }
    const ticket = stated?.ticket?.trim() ?? '';
    if (tickets.every((pattern) => matches(pattern, ticket))) return undefined;
    return barred(decision, 'ticket', {
      code: 'UNSTATED',
      why: `A ticket must be named for this, of the form ${tickets.join(' and ')}`,
      fix: "Name it first: SET sallyport.ticket = '…' in SQL, the header Sallyport-Ticket in HTTP",
    });
  }

  #tooOld(decision: Decision): Entered | undefined {
    const { sessionMs, idleMs } = decision.duties;
    if (sessionMs === undefined && idleMs === undefined) return undefined;
    const { world, end } = this.#parts;
    const now = world.now();
    const demand = sessionMs === undefined ? 'idle' : 'session';
    if (end === undefined)
      return barred(decision, demand, { code: 'LIMIT', why: 'A session cannot be ended by a rule here' });
    if (sessionMs !== undefined) {
      const endsAt = this.#session.startedAt + sessionMs;
      if (now >= endsAt) {
        end(this.#session, 'session limit');
        return barred(decision, 'session', {
          code: 'LIMIT',
          why: 'The session is older than a rule allows',
          fix: 'Connect again',
        });
      }
      if (endsAt < this.#endsAt) this.#endLater(endsAt, now);
    }
    if (idleMs !== undefined) this.#endIdle(idleMs, now);
    return undefined;
  }

  #endLater(endsAt: number, now: Instant): void {
    this.#endsAt = endsAt;
    this.#endTimer?.[Symbol.dispose]();
    this.#endTimer = this.#parts.world.after(endsAt - now, () =>
      this.#parts.end?.(this.#session, 'session limit'),
    );
  }

  #endIdle(idleMs: number, now: Instant): void {
    this.#idleSince = now;
    this.#idleMs = Math.min(idleMs, this.#idleMs ?? Infinity);
    this.#idleTimer ??= this.#watch(this.#idleMs);
  }

  /** Whatever the session does keeps it awake: an action that is under way, and the moment one ended. */
  stir(): void {
    if (this.#idleMs !== undefined) this.#idleSince = this.#parts.world.now();
  }

  /** Set by the gate: whether an action is under way. */
  busy: () => boolean = () => false;

  #watch(inMs: number): Disposable {
    return this.#parts.world.after(inMs, () => {
      this.#idleTimer = undefined;
      if (this.#idleMs === undefined) return;
      if (this.busy()) this.stir();
      const left = this.#idleSince + this.#idleMs - this.#parts.world.now();
      if (left <= 0) this.#parts.end?.(this.#session, 'idle limit');
      else this.#idleTimer = this.#watch(left);
    });
  }

  #tooMany(decision: Decision): Entered | undefined {
    const { concurrency, rates = [] } = decision.duties;
    if (concurrency === undefined && rates.length === 0) return undefined;
    const { usage, world } = this.#parts;
    const demand = concurrency === undefined ? 'rate' : 'concurrency';
    if (usage === undefined)
      return barred(decision, demand, { code: 'LIMIT', why: 'What a rule limits cannot be counted here' });
    const ended = concurrency === undefined ? nothing : usage.begin(this.#subjects, concurrency);
    if (ended === undefined) {
      const why = `No more than ${concurrency ?? 0} of these may be under way at once`;
      return barred(decision, 'concurrency', { code: 'LIMIT', why, fix: 'Wait until one has ended' });
    }
    if (rates.length > 0 && !usage.take(this.#subjects, rates, world.now())) {
      ended();
      const each = rates.map(({ count, perMs }) => `${count} in ${perMs / 1_000} s`);
      const why = `No more than ${each.join(' and ')} of these are allowed`;
      return barred(decision, 'rate', { code: 'LIMIT', why, fix: 'Wait a moment' });
    }
    if (ended === nothing) return undefined;
    const leave = (): void => {
      this.#inside.delete(leave);
      ended();
    };
    this.#inside.add(leave);
    return { kind: 'in', leave };
  }
}

function nothing(): void {}

/** Without `leave`: nothing is kept for it until it ends. */
const free: Entered = { kind: 'in' };
const shortestReason = 3;

function demanding({ justify, tickets, sessionMs, idleMs, concurrency, rates }: Duties): boolean {
  return (
    justify !== undefined ||
    tickets !== undefined ||
    sessionMs !== undefined ||
    idleMs !== undefined ||
    concurrency !== undefined ||
    rates !== undefined
  );
}

/** Who asks and everyone up its chain: many agents of one person share that person's share. */
function subjectsOf({ identity }: Session): readonly string[] {
  const subjects: string[] = [];
  for (let at: Session['identity'] | undefined = identity; at !== undefined; at = at.actingFor)
    subjects.push(at.subject);
  return [...new Set(subjects)];
}

const longestTicket = 200;

/** The whole ticket must match. A pattern that is none matches nothing. */
export function matches(pattern: string, ticket: string): boolean {
  if (ticket === '' || ticket.length > longestTicket) return false;
  try {
    return RE2JS.compile(pattern).matches(ticket);
  } catch {
    return false;
  }
}

interface Why {
  readonly code: DenyCode;
  readonly why: string;
  readonly fix?: string;
}

function barred(decision: Decision, demand: string, { code, why, fix }: Why): Entered {
  const fixes = [...(fix === undefined ? [] : [fix]), ...fixesFor(decision, demand)];
  return {
    kind: 'barred',
    decision: { ...deniedFor(decision, demand, { code, why, fix: fixes }), cacheable: false },
  };
}
