/** Milliseconds that mean the same in every thread of this process. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
