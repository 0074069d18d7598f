import { hash } from 'node:crypto';
import { Fault } from '../base/errors.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Secret } from '../base/secret.ts';
import type { Denial } from '../core/decision.ts';
import { denial } from '../core/denial.ts';
import type { Claim, Stay } from '../core/protocol.ts';
import { admit, type Admitted, type AdmitParts } from './admit.ts';
import { hostOf } from './live.ts';

export interface SharedParts extends AdmitParts {
  /** Writes down how a session ended. Never rejects. */
  readonly close: (admitted: Admitted, why: string) => Promise<void>;
}

/** How long a session without a request under way stays open for the next one. */
const lingerMs = 60_000;

interface Shared {
  readonly admitted: Admitted;
  readonly stop: AbortController;
  readonly key: string;
  users: number;
  linger: Disposable | undefined;
  over: Promise<void> | undefined;
}

/**
 * Sessions of protocols in which every request says who asks: requests of one token, resource, run and host belong to
 * one session, over whichever connections they come.
 */
export class SharedSessions {
  readonly #parts: SharedParts;
  readonly #open: Map<string, Promise<Result<Shared, Denial>>> = new Map();
  readonly #idle: Set<Shared> = new Set();
  readonly #closing: Set<Promise<void>> = new Set();

  constructor(parts: SharedParts) {
    this.#parts = parts;
  }

  async join(claim: Claim, peer: string): Promise<Result<Stay, Denial>> {
    const key = keyOf(claim, peer);
    const waiting = this.#open.get(key);
    const found = await waiting;
    if (found?.ok === false) return found;
    if (found !== undefined && this.#usable(found.value)) return ok(this.#enter(found.value));
    // Nothing is waited for between this look and the entry: requests that come at once open one session together.
    const current = this.#open.get(key);
    const opening = current === undefined || current === waiting ? this.#begin(key, claim, peer) : current;
    const opened = await opening;
    if (!opened.ok) return opened;
    if (this.#usable(opened.value)) return ok(this.#enter(opened.value));
    return err(denial('SIGN_IN', '', 'The session has just ended', 'Ask again'));
  }

  #begin(key: string, claim: Claim, peer: string): Promise<Result<Shared, Denial>> {
    const opening = this.#admit(key, claim, peer);
    this.#open.set(key, opening);
    void opening.then((found) => {
      if (!found.ok && this.#open.get(key) === opening) this.#open.delete(key);
    });
    return opening;
  }

  async #admit(key: string, claim: Claim, peer: string): Promise<Result<Shared, Denial>> {
    let admitted = await admit(this.#parts, claim, peer);
    const full = !admitted.ok && admitted.error.class === 'LIMIT' && admitted.error.retryable;
    if (full && this.#endIdlest()) {
      admitted = await admit(this.#parts, claim, peer);
    }
    if (!admitted.ok) return admitted;
    const shared: Shared = {
      admitted: admitted.value,
      stop: new AbortController(),
      key,
      users: 0,
      linger: undefined,
      over: undefined,
    };
    this.#parts.live.add(admitted.value.session, (why) => this.#end(shared, why));
    return ok(shared);
  }

  #usable({ admitted, over }: Shared): boolean {
    return over === undefined && admitted.session.identity.proof.expiresAt > this.#parts.world.now();
  }

  #enter(shared: Shared): Stay {
    shared.users += 1;
    shared.linger?.[Symbol.dispose]();
    this.#idle.delete(shared);
    let left = false;
    const { session, gate, recorder } = shared.admitted;
    return {
      session,
      gate,
      recorder,
      signal: shared.stop.signal,
      [Symbol.dispose]: () => {
        if (left) return;
        left = true;
        shared.users -= 1;
        if (shared.users > 0 || shared.over !== undefined) return;
        this.#idle.add(shared);
        shared.linger = this.#parts.world.after(lingerMs, () => this.#end(shared, 'client left'));
      },
    };
  }

  /** Makes room: the session that has been idle longest. */
  #endIdlest(): boolean {
    const [idlest] = this.#idle;
    if (idlest === undefined) return false;
    this.#end(idlest, 'client left');
    return true;
  }

  #end(shared: Shared, why: string): void {
    if (shared.over !== undefined) return;
    this.#idle.delete(shared);
    this.#open.delete(shared.key);
    shared.linger?.[Symbol.dispose]();
    shared.stop.abort(new Fault('stopping', `The session was ended: ${why}`));
    shared.admitted.place[Symbol.dispose]();
    const over = this.#parts.close(shared.admitted, why);
    shared.over = over;
    this.#closing.add(over);
    void over.finally(() => this.#closing.delete(over));
  }

  /** Ends all of them and waits until that is written down. */
  async close(why: string): Promise<void> {
    const open = await Promise.all(this.#open.values());
    for (const found of open) if (found.ok) this.#end(found.value, why);
    await Promise.all(this.#closing);
  }
}

/** SECURITY: by the token's digest: who does not have the token does not find its session. */
function keyOf({ user, token, resource, kind, run }: Claim, peer: string): string {
  let known = digests.get(token);
  if (known === undefined) {
    known = hash('sha256', token.reveal('key of a shared session'), 'hex');
    digests.set(token, known);
  }
  return JSON.stringify([known, user ?? null, kind, resource, run ?? null, hostOf(peer)]);
}

/** A connection shows the same token with every request. */
const digests: WeakMap<Secret, string> = new WeakMap();
