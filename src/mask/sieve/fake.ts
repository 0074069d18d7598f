import fc from 'fast-check';
import { detectors } from '../detectors/index.ts';

/** What detectors say they find and do not find. */
export const examples: readonly string[] = detectors.flatMap(({ examples: { yes, no, named = [] } }) => [
  ...yes,
  ...no,
  ...named,
]);

/** Texts of one to four pieces: examples, words of contexts, `words`, digits and letters, with little or nothing between them. */
export function texts(...words: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.constantFrom(...examples),
    fc.constantFrom(...detectors.flatMap(({ context }) => context)),
    fc.constantFrom(...words),
    fc.stringMatching(/^[0-9]{1,9}$/),
    fc.stringMatching(/^[A-Za-z]{1,6}$/),
  );
  return fc
    .tuple(fc.array(piece, { minLength: 1, maxLength: 4 }), fc.constantFrom('', ' ', '-'))
    .map(([pieces, between]) => pieces.join(between));
}

/** The text with other digits. */
export function otherDigits(text: string, seed: readonly number[]): string {
  let at = 0;
  return text.replaceAll(/[0-9]/g, () => String((seed[at++ % seed.length] ?? 0) % 10));
}
