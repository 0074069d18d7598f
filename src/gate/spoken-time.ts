import { instant, timestamp } from '../base/time.ts';

/** `15 min`, `60 s`. */
export function span(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return seconds > 90 && seconds % 60 === 0
    ? `${seconds / 60} min`
    : seconds > 600
      ? `${Math.round(seconds / 60)} min`
      : `${seconds} s`;
}

/** `10:31:05 UTC`. */
export function clock(at: number): string {
  return `${timestamp(instant(at)).slice(11, 19)} UTC`;
}
