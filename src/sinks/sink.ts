import type { World } from '../base/time.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Log } from '../core/ports.ts';

/** One entry on its way out. */
export interface Item {
  /** Its number in the ledger: with the ledger's name it tells duplicates. */
  readonly index: number;
  readonly at: number; // milliseconds since the epoch
  readonly kind: string;
  /** `<ledger>/<number>`. */
  readonly id: string;
  /** What goes out, in the format that the configuration asks for. */
  readonly event: Readonly<Record<string, unknown>>;
  /** The same as JSON, on one line, in which no character moves a cursor or turns the direction of writing. */
  readonly json: string;
  /** Short texts for formats that have fields of their own. */
  readonly facts: Readonly<Record<string, string>>;
  readonly refused: boolean; // a denial, a refused sign-in, an answer that did not count
}

/**
 * Where entries are also sent. INVARIANT: `send` resolves only when the destination has said that it has all of the
 * batch, as far as its protocol can say so; then, and only then, does the cursor move.
 */
export interface Sink extends AsyncDisposable {
  /** Rejects with `Refused` when sending this batch again would be answered in the same way; with a Fault otherwise. */
  readonly send: (batch: readonly Item[], signal: AbortSignal) => Promise<void>;
  /** For protocols without acknowledgement: how many entries are sent again after a failure or a start. */
  readonly overlap?: number;
}

/** The destination will never take this: it is cut into halves until the entry is found. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

export interface SinkParts {
  readonly world: World;
  readonly log: Log;
  readonly metrics: Metrics;
  /** The name of the ledger that entries come from. */
  readonly origin: string;
  readonly version: string;
}
