import { networkOf } from './live.ts';

/** A connection that nobody has signed in on. */
export interface Unknown {
  readonly peer: string;
  /** It must go. */
  readonly leave: () => void;
}

/**
 * The connections before sign-in, of which there may be so many. SECURITY: whoever can connect can hold all of them without a word:
 * where none is left, an address that has more of them than the one that comes gives up its oldest, so that nobody is shut out by
 * another.
 */
export class BeforeSignIn {
  readonly #most: number;
  readonly #byNetwork: Map<string, Set<Unknown>> = new Map();
  #all = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Whether one more may come from there; where none is left, somebody else's oldest leaves for it. */
  makesRoomFor(peer: string): boolean {
    if (this.#all < this.#most) return true;
    let largest: ReadonlySet<Unknown> = this.#byNetwork.get(networkOf(peer)) ?? new Set();
    const own = largest;
    for (const each of this.#byNetwork.values()) if (each.size > largest.size) largest = each;
    // One that would only change places with it is no better.
    if (largest.size <= own.size + 1) return false;
    const [oldest] = largest;
    if (oldest === undefined) return false;
    this.delete(oldest);
    oldest.leave();
    return true;
  }

  add(one: Unknown): void {
    const network = networkOf(one.peer);
    const all = this.#byNetwork.get(network) ?? new Set();
    this.#byNetwork.set(network, all.add(one));
    this.#all++;
  }

  /** Signed in, or gone. Idempotent. */
  delete(one: Unknown): void {
    const network = networkOf(one.peer);
    const all = this.#byNetwork.get(network);
    if (all?.delete(one) !== true) return;
    this.#all--;
    if (all.size === 0) this.#byNetwork.delete(network);
  }
}
