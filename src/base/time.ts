import type { Brand } from './brand.ts';

/** Milliseconds since the Unix epoch. */
export type Instant = Brand<number, 'Instant'>;

/** Time and chance, handed in so that tests can hold them still. */
export interface World {
  readonly now: () => Instant;
  readonly random: (bytes: number) => Uint8Array;
  /** Calls back once after `ms` (24 days at most); disposing the handle forgets it. The timer does not keep the process alive. */
  readonly after: (ms: number, call: () => void) => Disposable;
}

export function instant(ms: number): Instant {
  return ms as Instant;
}

// Node fires a timer that is longer than this at once.
const longestTimerMs = 2_147_483_647;

/** Real time and real chance. */
export const realWorld: World = {
  now: () => Date.now() as Instant,
  random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
  after: (ms, call) => {
    const timer = setTimeout(call, Math.min(ms, longestTimerMs));
    timer.unref();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/** `2026-11-21T10:00:00.000Z` (RFC 3339). */
export function timestamp(at: Instant): string {
  return new Date(at).toISOString();
}

/** Reads `45s`, `15m`, `8h`, `90d`, `250ms`; `undefined` when it is not one of these. Gives milliseconds. */
export function duration(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  if (match === null) return undefined;
  const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[
    match[2] as 'ms' | 's' | 'm' | 'h' | 'd'
  ];
  return Number(match[1]) * unit;
}
