import type { Denial, Outcome } from '../../core/decision.ts';

/** How a request over HTTP ended. */
export type Ending =
  | { readonly kind: 'ok' }
  | { readonly kind: 'error'; readonly code: string }
  | { readonly kind: 'cut'; readonly why: Denial['class'] };

/** The same with what was shown of its answer. */
export function outcomeOf(
  how: Ending,
  shown: { readonly bytes: number; readonly masked: number; readonly withheld: number },
): Outcome {
  return { ...how, rows: 0, bytes: shown.bytes, masked: shown.masked, withheld: shown.withheld };
}
