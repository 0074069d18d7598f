import { wordInNames } from '../names/index.ts';
import { hashLetter, isOpener, isHump, isKnown, type Letters } from '../tables.ts';
import type { Sieve } from './sieve.ts';

// Remarks and labels are words, and no two rows have the same ones in the same order: no shape helps there. What a word can
// lead to is known for each word alone, and a text of words that lead to nothing has nothing in it.
//
// INVARIANT: of a text of words that have a nature, at most three digits in all, apart from words, and blanks and `!,;?`
// between them, the gate says no, unless
// - a word is `named`, and there is a digit, or a word of 8 or 11 letters (`looks` in ../gate.ts), and a pattern can fit
//   (`mayFit`): only where a word or number is `open`, or
// - a word is `numbered`, and there is a digit (`mayName` in ../names/gate.ts), or
// - a word is `home`, and one with a capital comes behind it (ditto).

/** What a word is, as bits. */
const natures = { plain: 1, named: 2, numbered: 4, home: 8, open: 16 } as const;

/** INVARIANT: less than `fewLetters` of the gate. */
const longestWord = 11;
const mostWords = 16;
const longestText = 256;

/** What ends words and numbers in the sieve. */
const ends = ' !,;?';

/** What of the gate words are held against: `words` of contexts, and all patterns. */
interface Held {
  readonly words: Uint8Array;
  readonly named: Letters;
}

/** For `trustPlain`: how many digits can begin what fits a pattern. */
export function openDigits({ automaton }: Letters): number {
  return [1, 2, 3].reduce(
    (bits, count) =>
      automaton.mayGoOn(Buffer.alloc(count, '0'), 0, count, ends) ? bits | (1 << count) : bits,
    0,
  );
}

/** Teaches a sieve the words of a text `bytes[start, end)`. */
export type Teacher = (bytes: Uint8Array, start: number, end: number) => void;

/** Of a text up to what is none: words are letters of ASCII that are no part of a longer word. */
export function wordTeacher(sieve: Sieve, held: Held): Teacher {
  // What was taught not long ago. INVARIANT: fewer than the sieve has places for, so that what it forgets is taught again.
  const lately = new Int32Array(latelyMost);
  return (bytes, start, end) => {
    if (end - start > longestText) return;
    let words = 0;
    for (let at = start; at < end && words < mostWords;) {
      if (!isLetter(bytes[at])) {
        if (!isBetween(bytes[at])) return;
        at++;
        continue;
      }
      const from = at;
      let hash = 1;
      for (; at < end && isLetter(bytes[at]); at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
      words++;
      const place = (hash ^ (hash >>> 15)) & (latelyMost - 1);
      if (lately[place] === hash) continue;
      if (at - from > longestWord) return;
      const is = natureOf(bytes, held, from, at);
      if (is === 0) return;
      sieve.learnWord(bytes.subarray(from, at), is);
      lately[place] = hash;
    }
  };
}

const latelyMost = 4_096;

/** 0: what stands around it tells what it leads to. */
// oxlint-disable-next-line max-params
function natureOf(bytes: Uint8Array, { words, named }: Held, from: number, to: number): number {
  const inNames = wordInNames(bytes, from, to);
  if (inNames === 'more') return 0;
  let hash = 0;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x60 && isHump(bytes, at, from)) return 0;
    hash = hashLetter(hash, byte);
  }
  if (isOpener(hash)) return 0;
  return (
    natures.plain |
    (isKnown(words, hash) ? natures.named : 0) |
    (inNames.numbered ? natures.numbered : 0) |
    (inNames.home ? natures.home : 0) |
    (named.automaton.mayGoOn(bytes, from, to, ends) ? natures.open : 0)
  );
}

function isLetter(byte: number | undefined): boolean {
  const low = (byte ?? 0) | 0x20;
  return low >= 0x61 && low <= 0x7a;
}

/** A digit, or what ends words in the sieve, too. */
function isBetween(byte: number | undefined): boolean {
  return byte !== undefined && (between[byte] ?? 0) === 1;
}

const between = new Uint8Array(256);
for (const sign of `${ends}0123456789`) between[sign.charCodeAt(0)] = 1;
