import { Fault } from '../base/errors.ts';
import type { World } from '../base/time.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Ledger } from '../core/ports.ts';
import type { TurnedAway } from '../core/protocol.ts';
import { networkOf } from './live.ts';

export interface TurnedAwayParts {
  readonly ledger: Ledger;
  readonly world: World;
  readonly metrics: Metrics;
}

interface Kind extends TurnedAway {
  readonly peer: string;
  /** Since its last entry. */
  more: number;
}

const windowMs = 60_000;
/** Different ones at once; the rest is counted together. */
const mostKinds = 200;

/**
 * Writes down requests that were turned away before anybody was judged. The first of a kind (address, resource, reason) at once,
 * the others of the next minute as one entry with their number, so that a scanner cannot fill the disk. No request is lost to the
 * count.
 */
export class TurnedAways {
  readonly #parts: TurnedAwayParts;
  readonly #kinds: Map<string, Kind> = new Map();
  readonly #writing: Set<Promise<void>> = new Set();
  #window: Disposable | undefined;

  constructor(parts: TurnedAwayParts) {
    this.#parts = parts;
  }

  add(given: TurnedAway, peer: string): void {
    this.#parts.metrics.count('sign_ins_total', { result: 'turned-away' });
    const own = JSON.stringify([networkOf(peer), given.resource, given.why]);
    const full = this.#kinds.size >= mostKinds && !this.#kinds.has(own);
    const key = full ? rest : own;
    const kind = this.#kinds.get(key);
    if (kind !== undefined) {
      kind.more++;
      return;
    }
    const made: Kind = full
      ? { resource: '', why: 'Requests of several kinds were turned away', peer: 'several', more: 1 }
      : { ...given, peer, more: 0 };
    this.#kinds.set(key, made);
    if (!full) this.#write(made, given.why);
    this.#window ??= this.#parts.world.after(windowMs, () => this.#over());
  }

  /** Writes what is only counted yet. */
  async close(): Promise<void> {
    this.#over();
    this.#window?.[Symbol.dispose]();
    this.#window = undefined;
    await Promise.all(this.#writing);
  }

  #over(): void {
    this.#window = undefined;
    for (const [key, kind] of this.#kinds) {
      if (kind.more === 0) this.#kinds.delete(key);
      else this.#write(kind, `${kind.why} (${kind.more} more within a minute)`);
      kind.more = 0;
    }
    if (this.#kinds.size > 0) this.#window = this.#parts.world.after(windowMs, () => this.#over());
  }

  #write({ resource, peer }: Kind, why: string): void {
    const { ledger, world, metrics } = this.#parts;
    const written = ledger
      .append({ kind: 'sign-in.refused', at: world.now(), resource, peer, why })
      .catch((thrown: unknown) => {
        // It was turned away all the same; that it could not be written is a failure of its own.
        metrics.count('faults_total', { code: thrown instanceof Fault ? thrown.code : 'bug' });
      })
      .finally(() => this.#writing.delete(written));
    this.#writing.add(written);
  }
}

const rest = 'rest';
