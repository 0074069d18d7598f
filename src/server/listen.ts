import { Fault, messageOf, WireError } from '../base/errors.ts';
import { err, ok } from '../base/result.ts';
import type { Wire } from '../base/stream.ts';
import type { World } from '../base/time.ts';
import { denial } from '../core/denial.ts';
import type { Identity } from '../core/identity.ts';
import type { Limits } from '../core/limits.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Ledger, Log } from '../core/ports.ts';
import type { Claim, Room, Seat } from '../core/protocol.ts';
import type { Admitted } from './admit.ts';
import { admit, type AdmitParts } from './admit.ts';
import { BeforeSignIn } from './before-sign-in.ts';
import { isLoopback, type Ending } from './live.ts';
import { SharedSessions } from './shared.ts';
import { TurnedAways } from './turned-away.ts';
import { watched, type Watched } from './watched.ts';

export interface ReceptionParts extends AdmitParts {
  readonly limits: Limits;
  readonly plainFrom: 'loopback' | 'nowhere';
}

/** Takes every client's connection from its first byte to its last, for all protocols of this gateway. */
export interface Reception {
  /** Serves one connection; resolves when it is over and written down. Never rejects. */
  readonly attend: (wire: Wire, room: Room, as?: Known) => Promise<void>;
  /** Takes no new ones, lets those that are busy finish for `drainSeconds`, then ends them. */
  readonly drain: () => Promise<void>;
}

/** Who is at the other end of a connection inside this process: a ticket's run has no token to show, a room's client has one. */
export type Known = { readonly identity: Identity; readonly ticket: string } | 'inside';

export function reception(parts: ReceptionParts): Reception {
  const draining = new AbortController();
  const stopping = new AbortController();
  const open = new Set<Promise<void>>();
  const count = { all: 0 };
  const before = new BeforeSignIn(parts.limits.connectionsBeforeSignIn);
  const shared = new SharedSessions({
    ...parts,
    close: (admitted, why) => closeSession(parts, admitted, why),
  });

  const away = new TurnedAways(parts);
  const hall: Hall = {
    parts,
    shared,
    away,
    count,
    before,
    draining: draining.signal,
    stopping: stopping.signal,
  };
  const attend = (wire: Wire, room: Room, as?: Known): Promise<void> => {
    if (draining.signal.aborted || !before.makesRoomFor(wire.peer)) {
      if (!draining.signal.aborted) parts.metrics.count('limits_total', { limit: 'connectionsBeforeSignIn' });
      wire.destroy();
      return Promise.resolve();
    }
    const visit = serve(hall, wire, room, as);
    open.add(visit);
    return visit.finally(() => open.delete(visit));
  };

  const leave = async (): Promise<void> => {
    await shared.close('stopping');
    await away.close();
  };

  const drain = async (): Promise<void> => {
    draining.abort(new Fault('stopping', 'The gateway stops'));
    const late = Promise.withResolvers<void>();
    using _drain = parts.world.after(parts.limits.drainSeconds * 1_000, late.resolve);
    const done = await Promise.race([Promise.all(open).then(() => true), late.promise.then(() => false)]);
    if (done) return leave();
    parts.log('warn', 'drain.late', { connections: open.size });
    parts.live.endAll('stopping');
    stopping.abort(new Fault('stopping', 'The gateway stops'));
    await Promise.all(open);
    await leave();
  };

  return { attend, drain };
}

interface Hall {
  readonly parts: ReceptionParts;
  readonly shared: SharedSessions;
  readonly away: TurnedAways;
  readonly count: { all: number };
  readonly before: BeforeSignIn;
  readonly draining: AbortSignal;
  readonly stopping: AbortSignal;
}

// oxlint-disable-next-line max-params
async function serve(hall: Hall, wire: Wire, room: Room, as?: Known): Promise<void> {
  const { parts, count } = hall;
  const { world, limits, metrics } = parts;
  const client = watched(wire, world, limits);
  const visit = new Visit(hall, client, wire.peer, as);
  hall.before.add(visit);
  count.all += 1;
  metrics.gauge('connections', count.all);
  let why: string;
  try {
    await room.serve(visit.seat);
    why = visit.ending ?? 'client left';
    client.finish();
  } catch (thrown) {
    why = visit.ending ?? reasonOf(thrown, parts, visit.admitted !== undefined);
    client.destroy();
  }
  count.all -= 1;
  metrics.gauge('connections', count.all);
  visit.signedInOrGone();
  await visit.close(why);
}

/** What one connection has become so far. */
class Visit {
  readonly seat: Seat;
  admitted: Admitted | undefined;
  ending: Ending | undefined;
  readonly #hall: Hall;
  readonly #client: Watched;
  readonly peer: string;
  readonly #as: Known | undefined;
  readonly #stop: AbortController = new AbortController();
  readonly #deadline: Disposable;
  #asked = false;

  // oxlint-disable-next-line max-params
  constructor(hall: Hall, client: Watched, peer: string, as?: Known) {
    const { parts, draining, stopping } = hall;
    this.#hall = hall;
    this.#client = client;
    this.peer = peer;
    this.#as = as;
    this.#deadline = parts.world.after(parts.limits.signInSeconds * 1_000, () => {
      parts.metrics.count('limits_total', { limit: 'signInSeconds' });
      this.#end(new WireError('deadline', 'Sign-in took too long'));
    });
    stopping.addEventListener('abort', this.#onStop, { once: true });
    this.seat = {
      client: client.wire,
      plainAllowed: as !== undefined || (parts.plainFrom === 'loopback' && isLoopback(peer)),
      admit: (claim) => this.#admit(claim),
      join: (claim) => this.#join(claim),
      turnedAway: (what) => hall.away.add(what, peer),
      signal: this.#stop.signal,
      draining,
    };
  }

  readonly #onStop = (): void => {
    this.ending ??= 'stopping';
    this.#end(new Fault('stopping', 'The gateway stops'));
  };

  async #admit(claim: Claim): ReturnType<Seat['admit']> {
    // SECURITY: one sign-in a connection: no second try under another name, no second session on one seat.
    if (this.#asked) throw new Fault('bug', 'A seat was asked to admit twice');
    this.#asked = true;
    const { parts, draining } = this.#hall;
    if (draining.aborted) return err(denial('LIMIT', '', 'The gateway stops', 'Connect again in a moment'));
    const ticket = this.#as === 'inside' ? undefined : this.#as?.ticket;
    const admitted = await admit(asKnown(parts, this.#as), claim, this.peer, ticket);
    if (!admitted.ok) return admitted;
    this.admitted = admitted.value;
    parts.live.add(admitted.value.session, (why) => {
      this.ending ??= why;
      this.#end(new Fault('stopping', `The session was ended: ${why}`));
    });
    this.signedInOrGone();
    const { session, gate, recorder } = admitted.value;
    return ok({ session, gate, recorder });
  }

  async #join(claim: Claim): ReturnType<Seat['join']> {
    const { shared, draining } = this.#hall;
    if (draining.aborted) return err(denial('LIMIT', '', 'The gateway stops', 'Ask again in a moment'));
    const joined = await shared.join(claim, this.peer);
    if (joined.ok) this.signedInOrGone();
    return joined;
  }

  /** From here on it no longer counts as waiting for sign-in. */
  signedInOrGone(): void {
    this.#deadline[Symbol.dispose]();
    this.#hall.before.delete(this);
  }

  /** Others wait for its place. */
  leave(): void {
    this.#hall.parts.metrics.count('limits_total', { limit: 'connectionsBeforeSignIn' });
    this.#end(new WireError('deadline', 'Too many connections wait for sign-in'));
  }

  /** Tells the room; a room that does not listen loses its client a little later. */
  #end(why: Error): void {
    this.#stop.abort(why);
    const late = this.#hall.parts.world.after(1_000, () => this.#client.destroy(why));
    void this.#client.closed.then(() => late[Symbol.dispose]());
  }

  async close(why: string): Promise<void> {
    this.#hall.stopping.removeEventListener('abort', this.#onStop);
    if (this.admitted !== undefined) await closeSession(this.#hall.parts, this.admitted, why);
  }
}

function asKnown(parts: ReceptionParts, as: Known | undefined): ReceptionParts {
  if (as === undefined || as === 'inside') return parts;
  return { ...parts, identify: () => Promise.resolve(ok(as.identity)) };
}

/** Writes down how the session ended. Never rejects: what fails here is logged, and the ledger refuses from then on. */
async function closeSession(parts: ReceptionParts, admitted: Admitted, why: string): Promise<void> {
  const { session, gate, recorder, place } = admitted;
  const { live, ledger, world, log } = parts;
  let reason = why;
  const tried = async <T>(step: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await step();
    } catch (thrown) {
      reason = reasonOf(thrown, parts, true);
      return undefined;
    }
  };
  const chunks = (await tried(() => recorder.close())) ?? 0;
  await tried(() => gate.close());
  await tried(() =>
    ledger.append({
      kind: 'session.closed',
      at: world.now(),
      session: session.id,
      why: reason,
      decisions: gate.decisions,
      chunks,
    }),
  );
  live.remove(session);
  place[Symbol.dispose]();
  log('info', 'session.closed', { session: session.id, why: reason, decisions: gate.decisions });
}

/** Counts and logs what ended a connection; gives its code. Anything but the two known kinds is a bug of ours. */
function reasonOf(
  thrown: unknown,
  parts: { readonly metrics: Metrics; readonly log: Log; readonly ledger: Ledger; readonly world: World },
  signedIn: boolean,
): string {
  if (thrown instanceof WireError) {
    if (thrown.code === 'closed') return 'client left';
    parts.metrics.count('wire_errors_total', { code: thrown.code });
    parts.log(signedIn ? 'warn' : 'debug', 'connection.wire-error', {
      code: thrown.code,
      message: thrown.message,
    });
    return thrown.code;
  }
  const code = thrown instanceof Fault ? thrown.code : 'bug';
  parts.metrics.count('faults_total', { code });
  // SECURITY: the message of an unknown error may quote what it choked on; its name and place cannot.
  const message = thrown instanceof Fault ? messageOf(thrown) : placeOf(thrown);
  parts.log(code === 'stopping' ? 'info' : 'error', 'connection.fault', { code, message });
  return code;
}

/** Name and topmost frame of an error. */
export function placeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return typeof thrown;
  const frame = thrown.stack?.split('\n').find((line) => /^\s+at /.test(line)) ?? '';
  return `${thrown.name}${frame.replace(/^\s+/, ' ')}`;
}
