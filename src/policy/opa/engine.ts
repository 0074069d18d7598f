import type { Instant } from '../../base/time.ts';
import type { Opinion } from '../../core/ports.ts';
import type { Result } from '../../base/result.ts';

/** What evaluates one entrypoint of one bundle. Total: whatever fails is an opinion that says so. */
export interface Evaluation {
  /** Waits for the answer, and blocks meanwhile: at most until the deadline. `at` is the moment of the question. */
  readonly ask: (input: string, at: Instant) => Opinion;
  /** The same without blocking; absent where `ask` never waits. */
  readonly consult?: (input: string, at: Instant) => Promise<Opinion>;
  /** The answer may be another one for the same input: it is never remembered. */
  readonly fleeting: boolean;
  /** Why it cannot be asked again about something that was recorded; absent where it can. */
  readonly notReplayable?: string;
}

export interface WasmWanted {
  readonly wasm: Uint8Array;
  readonly data: string; // JSON
  readonly digest: string; // of the bundle
  readonly entrypoint: string; // `gate/decision`
  readonly deadlineMs: number;
}

export interface ServerWanted {
  readonly url: URL; // without the path of the data API
  readonly entrypoint: string;
  readonly deadlineMs: number;
}

export interface RemoteWanted {
  readonly url: URL; // of the bundle
  readonly digest?: string; // `sha256:…`: no other bundle is taken
  readonly entrypoint: string;
  readonly deadlineMs: number;
  readonly strict: boolean;
  /** The address is asked again after this. */
  readonly pollMs: number;
  /** The last good bundle is in force this long after the address last gave or confirmed it. */
  readonly maxAgeMs: number;
}

/** How policies of OPA are evaluated that this floor cannot evaluate itself: outside of this thread, or of this machine. */
export interface OpaEngines {
  /** Loads the module; the error says why it cannot be used. */
  readonly wasm: (wanted: WasmWanted) => Result<Evaluation, string>;
  readonly server: (wanted: ServerWanted) => (input: string) => Promise<Opinion>;
  /** A bundle that is fetched; the same wish later finds the last good one again. */
  readonly remote?: (wanted: RemoteWanted) => (input: string, at: Instant) => Promise<Opinion>;
  /** The server is there to be asked about what was recorded, too. */
  readonly askingAgain?: boolean;
}
