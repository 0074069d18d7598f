import { common, flagsOf, flagsOfHash, given, mix, place, surname } from './lexicon.ts';

/** A word where it stands, with what the lists say of it. */
export interface Word {
  readonly start: number;
  readonly end: number;
  /** In small letters. */
  readonly lower: string;
  /** `plain`: of a script that knows no capitals. */
  readonly form: 'capital' | 'capitals' | 'small' | 'plain';
  readonly flags: number;
}

const letters = /[\p{L}\p{M}]/u;
const upper = /\p{Lu}/u;
const small = /\p{Ll}/u;
const longest = 40;

export function isLetter(code: number): boolean {
  if (code < 0x80) return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a);
  return letters.test(String.fromCharCode(code));
}

/** `-` and `'` between letters belong to a word: `Smith-Jones`, `O'Neil`. */
function isJoint(code: number): boolean {
  return code === 0x2d || code === 0x27 || code === 0x2019;
}

/** The end of the word that goes on at `at`. */
export function wordEnd(text: string, at: number, most: number = text.length): number {
  let end = at;
  while (end < most && end < text.length) {
    const code = text.charCodeAt(end);
    if (isLetter(code)) end++;
    else if (isJoint(code) && end > at && isLetter(text.charCodeAt(end + 1))) {
      // `Ann's`: what belongs to her is no part of her name.
      if (code !== 0x2d && isPossessive(text, end)) break;
      end += 2;
    } else break;
  }
  return end;
}

function isPossessive(text: string, at: number): boolean {
  return (text.charCodeAt(at + 1) | 0x20) === 0x73 && !isLetter(text.charCodeAt(at + 2));
}

/** The word that begins at `start`; `undefined` where none does, or one that is too long for a name. */
export function wordAt(text: string, start: number): Word | undefined {
  let end = start;
  let hash = 0;
  let capitals = 0;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code >= 0x80 || isJoint(code) || end - start > longest) return longWord(text, start);
    if (!isLetter(code)) break;
    if (code < 0x61) capitals++;
    hash = mix(hash, code | 0x20);
  }
  if (end === start || end - start > longest) return undefined;
  const written = text.slice(start, end);
  if (capitals === 0) return { start, end, lower: written, form: 'small', flags: flagsOfHash(hash) };
  const first = text.charCodeAt(start) < 0x61;
  const form = !first ? 'small' : capitals > 1 && capitals === end - start ? 'capitals' : 'capital';
  return { start, end, lower: written.toLowerCase(), form, flags: flagsOfHash(hash) };
}

/** What may go on with other letters than those of ASCII, hyphens or apostrophes. */
function longWord(text: string, start: number): Word | undefined {
  const end = wordEnd(text, start, start + longest + 2);
  return end === start || end - start > longest ? undefined : otherWord(text, start, end);
}

/** With other letters than those of ASCII, hyphens or apostrophes. */
function otherWord(text: string, start: number, end: number): Word {
  const written = text.slice(start, end);
  const lower = written.normalize('NFC').replaceAll('’', "'").toLowerCase();
  const first = written[0] ?? '';
  const form = upper.test(first)
    ? written.length > 1 && !small.test(written)
      ? 'capitals'
      : 'capital'
    : small.test(first)
      ? 'small'
      : 'plain';
  return { start, end, lower, form, flags: flagsOfParts(lower) };
}

/** `Meyer-Schmidt` is what its parts are, `O'Neil` a surname. */
function flagsOfParts(lower: string): number {
  const whole = flagsOf(lower);
  if (whole !== 0 || !/['-]/.test(lower)) return whole;
  if (/^(?:o|d|mc|l|n)'\p{L}{3}/u.test(lower)) return surname;
  const parts = lower.split(/['-]/);
  const flags = parts.map((part) => flagsOf(part));
  if (!flags.every((each) => (each & (given | surname)) !== 0)) return 0;
  return flags.every((each) => (each & given) !== 0) ? given | surname : surname;
}

/** The word that ends at `end`. */
export function wordBefore(text: string, end: number): Word | undefined {
  let start = end;
  while (start > 0 && end - start <= longest) {
    const code = text.charCodeAt(start - 1);
    if (isLetter(code) || (isJoint(code) && start < end && isLetter(text.charCodeAt(start - 2)))) start--;
    else break;
  }
  const word = start < end ? wordAt(text, start) : undefined;
  return word !== undefined && word.end === end ? word : undefined;
}

export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Whether it may begin a part of a name. */
export function isCapital({ form }: Word): boolean {
  return form === 'capital' || form === 'capitals';
}

export function isGiven({ flags }: Word): boolean {
  return (flags & given) !== 0;
}

export function isSurname({ flags }: Word): boolean {
  return (flags & surname) !== 0;
}

export function isCommon({ flags }: Word): boolean {
  return (flags & common) !== 0;
}

export function isPlace({ flags }: Word): boolean {
  return (flags & place) !== 0;
}

/** More words with capitals in a row are a headline, in which nobody is looked for. */
export const longestRun = 8;

/** How many words with capitals stand in a row before `start`, at most one more than make a headline. */
export function capitalsBefore(text: string, start: number, reach = 400): number {
  let count = 0;
  let at = start;
  while (count <= longestRun && text[at - 1] === ' ') {
    const word = wordBefore(text, at - 1);
    if (word === undefined || !isCapital(word) || start - word.start > reach) break;
    count++;
    at = word.start;
  }
  return count;
}
