/** Chance that can be had again: the same seed gives the same numbers on every machine. */
export interface Chance {
  /** A whole number from 0 up to and without `below`. */
  readonly below: (below: number) => number;
  readonly one: <T>(of: readonly [T, ...T[]]) => T;
  /** True once in `times`. */
  readonly once: (times: number) => boolean;
}

/** Each iteration has its own, so that one can be repeated without those before it. */
export function chance(seed: number, iteration: number): Chance {
  let state = (Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) ^ Math.imul(iteration + 1, 0xc2b2_ae35)) >>> 0;
  // mulberry32: 32 bits of state are plenty for one conversation.
  const next = (): number => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (bound: number): number => next() % Math.max(1, bound);
  return {
    below,
    one: (of) => of[below(of.length)] ?? of[0],
    once: (times) => below(times) === 0,
  };
}
