import { createHash } from 'node:crypto';
import { Fault } from '../base/errors.ts';
import { err, ok, type Result } from '../base/result.ts';
import { Secret } from '../base/secret.ts';
import { instant, type Instant, type World } from '../base/time.ts';
import type { DenyCode } from '../core/decision.ts';
import { denial } from '../core/denial.ts';
import type { Identity } from '../core/identity.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Ledger, Log } from '../core/ports.ts';
import type { Session } from '../core/session.ts';
import type { BrowserAt, SignInAttempt, Visitor, Visitors } from '../core/visitors.ts';
import { actorOf } from '../gate/actor.ts';
import type { Known } from '../identity/directory.ts';
import type { TokenRefusal } from '../identity/tokens.ts';
import type { VisitTerms } from './browsers-config.ts';
import { type Ending, hostOf, networkOf, SignInFailures } from './live.ts';

/** How somebody with a browser proves who they are. Further ways (a provider's) are further lines of a list. */
export interface Authenticator {
  readonly name: string;
  readonly prove: (
    name: string,
    secret: Secret,
  ) => Promise<Result<{ readonly identity: Identity; readonly token: Secret }, TokenRefusal>>;
}

/** The way of local identities: their name and a token of this gateway that is theirs. */
export function byToken(
  identify: (token: Secret, user: string) => Promise<Result<Identity, TokenRefusal>>,
): Authenticator {
  return {
    name: 'token',
    prove: async (name, secret) => {
      const identified = await identify(secret, name);
      return identified.ok ? ok({ identity: identified.value, token: secret }) : identified;
    },
  };
}

export interface SignedInParts {
  readonly authenticators: readonly Authenticator[];
  readonly terms: VisitTerms;
  readonly ledger: Ledger;
  readonly world: World;
  readonly metrics: Metrics;
  readonly log: Log;
  /** By address, over all doors. */
  readonly failures: SignInFailures;
  readonly revoked: (tokenId: string) => boolean;
  readonly find: (subject: string) => Known | undefined;
  /** Ends sessions that these requests have open. */
  readonly endSessions: (of: (session: Session) => boolean, why: Ending) => void;
}

interface Held {
  readonly visit: string;
  readonly visitor: Visitor;
  readonly identity: Identity;
  readonly at: BrowserAt;
  readonly until: Instant;
  usedAt: Instant;
}

/** Failures of one name in a minute, from one network: counted over all of them, anybody could lock anybody out. */
const failuresOfName = 10;
const mostVisits = 10_000;
const mostOfSubject = 20;

/** Endings of a session after which its browser must sign in again. */
const lasting = /^(?:token |killed by |session limit$|idle limit$)/;

/**
 * Browsers that have signed in. A cookie's id is chance, kept as its digest and in memory only: no restart and no other gateway
 * knows it. It stands for a token, which is looked at again at every use.
 */
export class SignedIn implements Visitors, AsyncDisposable {
  readonly #parts: SignedInParts;
  readonly #held: Map<string, Held> = new Map();
  readonly #names: SignInFailures;
  readonly #ending: Set<Promise<void>> = new Set();

  constructor(parts: SignedInParts) {
    this.#parts = parts;
    this.#names = new SignInFailures(failuresOfName, parts.world);
  }

  get ways(): readonly string[] {
    return this.#parts.authenticators.map(({ name }) => name);
  }

  async signIn(attempt: SignInAttempt, at: BrowserAt): ReturnType<Visitors['signIn']> {
    const { authenticators, failures, world, metrics } = this.#parts;
    const way = authenticators.find(({ name }) => name === attempt.way);
    const name = nameKey(attempt.name, at.peer);
    if (failures.tooMany(at.peer) || this.#names.tooMany(name)) {
      metrics.count('limits_total', { limit: 'signInFailuresPerMinute' });
      metrics.count('sign_ins_total', { result: 'limit' });
      return refusal('LIMIT', 'There were too many failed sign-ins: wait a minute');
    }
    if (way === undefined) return refusal('SIGN_IN', 'There is no such way to sign in');
    const proved = await way.prove(attempt.name, attempt.secret);
    if (!proved.ok) return this.#refuse(attempt, at, proved.error);
    const { identity, token } = proved.value;
    const now = world.now();
    const until = instant(Math.min(now + this.#parts.terms.longestMs, identity.proof.expiresAt));
    const id = Buffer.from(world.random(32)).toString('base64url');
    const visit = `vis_${Buffer.from(world.random(9)).toString('base64url')}`;
    const visitor = { subject: identity.subject, token };
    try {
      await this.#parts.ledger.append({
        kind: 'sign-in.accepted',
        at: now,
        visit,
        identity: actorOf(identity),
        way: way.name,
        origin: at.origin,
        until,
        peer: at.peer,
      });
    } catch (thrown) {
      metrics.count('faults_total', { code: thrown instanceof Fault ? thrown.code : 'bug' });
      return refusal('NOT_WRITTEN', 'The sign-in could not be written down, so it was not let in');
    }
    metrics.count('sign_ins_total', { result: 'ok' });
    this.#room(identity.subject);
    this.#held.set(digestOf(id), { visit, visitor, identity, at, until, usedAt: now });
    return ok({ id: new Secret(id), until });
  }

  find(id: Secret, at: BrowserAt): Visitor | undefined {
    const key = digestOf(id.reveal('it is looked up by its digest'));
    const held = this.#held.get(key);
    // SECURITY: a cookie that was given to one origin says nothing at another.
    if (held === undefined || held.at.origin !== at.origin) return undefined;
    const now = this.#parts.world.now();
    const why = this.#over(held, now);
    if (why !== undefined) {
      void this.#end(key, held, why);
      return undefined;
    }
    held.usedAt = now;
    return held.visitor;
  }

  async signOut(id: Secret, why: 'signed out' | 'token refused'): Promise<void> {
    const key = digestOf(id.reveal('it is looked up by its digest'));
    const held = this.#held.get(key);
    if (held !== undefined) await this.#end(key, held, why, true);
  }

  /** A session was ended before its client left: whoever's token it had signs in again. */
  sessionEnded({ identity }: Session, why: Ending): void {
    if (!lasting.test(why)) return;
    for (const [key, held] of this.#held)
      if (held.identity.proof.tokenId === identity.proof.tokenId) void this.#end(key, held, why);
  }

  /** Ends what is over, though nobody asks for it. */
  sweep(): void {
    const now = this.#parts.world.now();
    for (const [key, held] of this.#held) {
      const why = this.#over(held, now);
      if (why !== undefined) void this.#end(key, held, why);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [key, held] of this.#held) void this.#end(key, held, 'stopping');
    await Promise.all(this.#ending);
  }

  #over(held: Held, now: Instant): string | undefined {
    const { terms, revoked, find } = this.#parts;
    if (held.until <= now) return 'expired';
    if (held.usedAt + terms.idleMs <= now) return 'idle';
    if (failsClosed(() => revoked(held.identity.proof.tokenId))) return 'token revoked';
    return find(held.identity.subject) === undefined ? 'unknown subject' : undefined;
  }

  /** It is no more from here on; what it has open ends with it. Rejects only where `told` is wanted. */
  // oxlint-disable-next-line max-params
  async #end(key: string, held: Held, why: string, told: boolean = false): Promise<void> {
    if (!this.#held.delete(key)) return;
    const { ledger, world, metrics, endSessions } = this.#parts;
    const { tokenId } = held.identity.proof;
    const host = hostOf(held.at.peer);
    // Another browser there with the same token goes on, unless the token itself is at fault.
    const others = [...this.#held.values()].some(
      ({ identity, at }) => identity.proof.tokenId === tokenId && hostOf(at.peer) === host,
    );
    if (why !== 'stopping' && !others)
      endSessions(
        (session) =>
          session.resource.kind === 'http' &&
          session.identity.proof.tokenId === tokenId &&
          hostOf(session.peer) === host,
        'signed out',
      );
    const written = ledger
      .append({
        kind: 'sign-in.ended',
        at: world.now(),
        visit: held.visit,
        identity: actorOf(held.identity),
        why,
      })
      .catch((thrown: unknown) => {
        metrics.count('faults_total', { code: thrown instanceof Fault ? thrown.code : 'bug' });
        if (told) throw thrown;
      });
    const ending = written.catch(() => undefined);
    this.#ending.add(ending);
    void ending.finally(() => this.#ending.delete(ending));
    await written;
  }

  async #refuse(
    { name, resource }: SignInAttempt,
    { peer }: BrowserAt,
    { fault, why, subject }: TokenRefusal,
  ): ReturnType<Visitors['signIn']> {
    const { ledger, world, metrics, log, failures } = this.#parts;
    const last = failures.add(peer);
    const lastOfName = this.#names.add(nameKey(name, peer));
    metrics.count('sign_ins_total', { result: fault });
    log('warn', 'sign-in.refused', {
      result: fault,
      peer,
      ...(last || lastOfName ? { silenced: true } : {}),
    });
    await ledger
      .append({
        kind: 'sign-in.refused',
        at: world.now(),
        resource: resource ?? 'browser',
        peer,
        why: last ? `${why}; further ones of this address are not written for a minute` : why,
        ...(subject === undefined ? {} : { subject }),
      })
      .catch((thrown: unknown) => {
        metrics.count('faults_total', { code: thrown instanceof Fault ? thrown.code : 'bug' });
      });
    // SECURITY: which of the two was wrong, and whether there is such a name, is not for who guesses.
    return refusal('SIGN_IN', 'Name and token do not belong together, or the token is no longer good');
  }

  /** Makes room for one more: the one unused longest goes. */
  #room(subject: string): void {
    const own = [...this.#held].filter(([, { visitor }]) => visitor.subject === subject);
    const full = own.length >= mostOfSubject ? own : this.#held.size >= mostVisits ? [...this.#held] : [];
    const [oldest] = full.toSorted(([, a], [, b]) => a.usedAt - b.usedAt);
    if (oldest !== undefined) void this.#end(oldest[0], oldest[1], 'too many');
  }
}

function refusal(
  code: DenyCode,
  why: string,
): { readonly ok: false; readonly error: ReturnType<typeof denial> } {
  return err(denial(code, '', why));
}

function digestOf(id: string): string {
  return createHash('sha256').update(id).digest('hex');
}

/** Whoever counts by name reads it as an address otherwise. */
function nameKey(name: string, peer: string): string {
  return `n${createHash('sha256')
    .update(JSON.stringify([networkOf(peer), name]))
    .digest('hex')}`;
}

function failsClosed(ask: () => boolean): boolean {
  try {
    return ask();
  } catch {
    return true;
  }
}
