import { timingSafeEqual } from 'node:crypto';
import type { World } from '../../base/time.ts';

/** What BackendKeyData told a client, and what a CancelRequest must bring back (PostgreSQL 18 docs, 54.2.8). */
export interface CancelKey {
  readonly processId: number;
  readonly secret: Uint8Array; // 4 bytes in protocol 3.0, up to 256 in 3.2
}

/**
 * Our own cancel keys, each standing for one session: the server's key never reaches a client, and a key opens nothing
 * but the session that was given it.
 */
export class Cancels {
  readonly #world: World;
  readonly #sessions: Map<number, { readonly secret: Uint8Array; readonly cancel: () => void }> = new Map();

  constructor(world: World) {
    this.#world = world;
  }

  /** Makes a key of `secretBytes` for a session; `forget` it when the session ends. */
  enrol(secretBytes: number, cancel: () => void): CancelKey & { readonly forget: () => void } {
    const secret = this.#world.random(secretBytes);
    let processId = this.#randomId();
    while (this.#sessions.has(processId)) processId = this.#randomId();
    this.#sessions.set(processId, { secret, cancel });
    return { processId, secret, forget: () => this.#sessions.delete(processId) };
  }

  /** Cancels what the key's session is doing; false for a key that nobody was given. */
  request(key: CancelKey): boolean {
    const session = this.#sessions.get(key.processId);
    if (session === undefined || session.secret.length !== key.secret.length) return false;
    if (!timingSafeEqual(session.secret, key.secret)) return false;
    session.cancel();
    return true;
  }

  #randomId(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#world.random(4);
    return ((a & 0x7f) << 24) | (b << 16) | (c << 8) | d | 1; // positive: some clients print it as a signed number
  }
}
