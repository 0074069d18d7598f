import type { Detector } from './detector.ts';

const reach = 72; // characters left of a value in which its context is looked for: about five words and a separator

const patterns = new WeakMap<Detector, RegExp>();

/** Whether words of the detector's context stand in `words` (a column's name, or the text left of a value). */
export function named(detector: Detector, words: string): boolean {
  if (detector.context.length === 0) return false;
  let pattern = patterns.get(detector);
  if (pattern === undefined) {
    const alternatives = detector.context.map((word) =>
      word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/[ -]/g, '[ _-]?'),
    );
    pattern = new RegExp(`(?<![\\p{L}])(?:${alternatives.join('|')})(?:s|es|n)?(?![\\p{L}])`, 'iu');
    patterns.set(detector, pattern);
  }
  return pattern.test(words);
}

/** The text left of `start` that can be context of what begins there. */
export function leftOf(text: string, start: number): string {
  // A shown value's own name (`[US_SSN]`) is no word of the text.
  const left = text.slice(Math.max(0, start - reach), start).replace(/\[[A-Z_]{2,40}\]/g, ' ');
  // Where words stand on the value's own line, those of the line above are about something else.
  const line = left.slice(left.lastIndexOf('\n') + 1);
  return /\p{L}/u.test(line) ? line : left;
}

/** `customerSSN`, `tax_id`, `billing.card-no` as words: `customer SSN`, `tax id`, `billing card no`. */
export function wordsOf(column: string): string {
  return column
    .slice(0, 256)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[_.\-/[\]"]+/g, ' ');
}
