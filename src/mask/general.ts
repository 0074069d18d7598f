import type { Detector } from './detector.ts';

// Words that name a whole class of things: `card`, `account`. In `the tax number on my account is …`, `as printed on the
// card` and `SIM card` they say where the number is or which card, and another word says what it is.

/** A phrase of a detector's context that a text has: half-open range of characters, without fillers behind it. */
export interface Said {
  readonly detector: Detector;
  readonly start: number;
  readonly end: number;
  readonly general: boolean;
}

/** What no word of theirs says of a number beyond that it is called, paid to or looked up: they never are the other word. */
const circumstances = new Set([
  'DATE_TIME',
  'IBAN_CODE',
  'LOCATION',
  'PASSWORD',
  'PERSON',
  'PHONE_NUMBER',
  'URL',
]);

/** What another number, another clause or an `and` parts. */
const parted =
  /[\d\n,;:!?|()[\]{}"]|(?<=\p{L}{5})\.| (?:and|or|plus|und|oder|et|ou|y|e|o|och|eller|og|en|of|i|lub|и|или|та|або) /iu;

/**
 * Which detectors are named in general only, where another's own word says what it is: that one has the word in it
 * (`SIM card`), or stands before it in its clause.
 */
export function givingWay(text: string, all: readonly Said[]): ReadonlySet<Detector> {
  const giving = new Set<Detector>();
  // What is further right is nearer to the value: it has the last word.
  for (const one of all.toSorted((a, b) => a.end - b.end || b.start - a.start)) {
    if (!one.general) giving.delete(one.detector);
    else if (isSaidOtherwise(text, one, all)) giving.add(one.detector);
    else giving.delete(one.detector);
  }
  return giving;
}

function isSaidOtherwise(text: string, one: Said, all: readonly Said[]): boolean {
  return all.some((other) => {
    if (other.general || other.detector.name === one.detector.name || other.start > one.start) return false;
    if (circumstances.has(other.detector.name)) return false;
    if (other.end >= one.end) return true;
    // From its last letters on: behind a short word a full stop is that of an abbreviation.
    return other.end <= one.start && !parted.test(text.slice(Math.max(0, other.end - 5), one.start));
  });
}
