import type { Span } from '../detector.ts';
import { addressAt, lastAddress } from './address.ts';
import { mayName } from './gate.ts';
import { personAt } from './person.ts';
import { flagsOf, flagsOfHash, given, hashOf, mix, place } from './lexicon.ts';
import { homeAt } from './place.ts';
import { beforeName } from './streets.ts';
import { capitalsBefore, isCapital, isLetter, longestRun, wordAt, wordEnd, type Word } from './words.ts';

export interface Names {
  readonly people: readonly Span[];
  readonly places: readonly Span[];
}

const sureAddress = 0.85;
const none: Names = { people: [], places: [] };

/** The names of people, and the addresses, among the words of a text. Linear in it. */
export function namesIn(text: string): Names {
  return isQuiet(text) ? none : namesByWords(text);
}

/** The gate takes a small part of the time of the walk, and most texts do not pass it. */
function isQuiet(text: string): boolean {
  const bytes = Buffer.from(text);
  return !mayName(bytes, 0, bytes.length);
}

/** The same without the gate. */
export function namesByWords(text: string): Names {
  const people: Span[] = [];
  const places: Span[] = [];
  const last = lastAddress(text);
  let before: Word | undefined;
  let passedFrom = -1; // where the word before begins, if nothing could begin with that
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code >= 0x30 && code <= 0x39) {
      const address = addressAt(text, at);
      if (address !== undefined) {
        places.push({ ...address, score: sureAddress });
        at = address.end;
        before = undefined;
        passedFrom = -1;
      } else while (at < text.length && text.charCodeAt(at) >= 0x30 && text.charCodeAt(at) <= 0x39) at++;
      continue;
    }
    if (!isLetter(code)) {
      at++;
      continue;
    }
    const passed = idleEnd(text, at);
    if (passed > at) {
      passedFrom = at;
      at = passed;
      continue;
    }
    const word = wordAt(text, at);
    if (word === undefined) {
      at = Math.max(at + 1, wordEnd(text, at));
      before = undefined;
      passedFrom = -1;
      continue;
    }
    if (passedFrom >= 0) before = wordAt(text, passedFrom);
    passedFrom = -1;
    const address = at <= last ? addressAt(text, at, word) : undefined;
    let place = address === undefined ? homeAt(text, word, before) : { ...address, score: sureAddress };
    let person = place === undefined ? personAt(text, word, before) : undefined;
    const found = place ?? person;
    if (found !== undefined && isHeadline(text, word, found.end)) {
      place = undefined;
      person = undefined;
    }
    if (place !== undefined) places.push(place);
    if (person !== undefined) people.push(person);
    at = Math.max(word.end, place?.end ?? 0, person?.end ?? 0);
    before = at === word.end ? word : undefined;
  }
  return { people, places };
}

/**
 * The end of a word in small letters of ASCII that neither a name nor an address begins with: most words are such, and
 * nothing is made of them. `at` where it is another.
 */
function idleEnd(text: string, at: number): number {
  let end = at;
  let hash = 0;
  for (; end - at < longestIdle; end++) {
    const code = text.charCodeAt(end);
    if (code >= 0x61 && code <= 0x7a) hash = mix(hash, code);
    else if (code >= 0x80 || code === 0x27 || code === 0x2d || (code >= 0x41 && code <= 0x5a)) return at;
    else break;
  }
  if (end === at || end - at === longestIdle || openers.has(hash)) return at;
  return (flagsOfHash(hash) & given) === 0 ? end : at;
}

const longestIdle = 32;
/** INVARIANT: every word that an address can begin with though it has no capital. */
const openers: ReadonlySet<number> = new Set(
  [
    ...beforeName,
    ...'p po post postfach postbus postboks apartado caixa casella boite psc unit cmr apo fpo dpo'.split(' '),
  ].map((word) => hashOf(word)),
);

/** Words with capitals go on for so long that they tell nothing. */
function isHeadline(text: string, first: Word, end: number): boolean {
  if (!isCapital(first)) return false;
  let count = capitalsBefore(text, first.start);
  let at = first.start;
  while (count <= longestRun) {
    const word = wordAt(text, at);
    if (word === undefined || !isCapital(word)) return false;
    count++;
    at = word.end + 1;
    if (text[word.end] !== ' ' && word.end >= end) return count > longestRun;
    if (text[word.end] !== ' ') return false;
  }
  return true;
}

/** Below what is reported where nothing names it. */
const alone = 0.05;
const longestName = 80;

/** The whole text, where it is a first and a last name, a title before or an initial between them. */
export function* nameAlone(text: string): Generator<Span> {
  const start = text.length - text.trimStart().length;
  const end = text.trimEnd().length;
  if (end - start > longestName || !/^\p{L}/u.test(text.slice(start))) return;
  if ((flagsOf(text.slice(start, end).toLowerCase()) & place) !== 0) return; // San Jose
  // A sentence is made around it: then it is found as one is.
  const [found] = namesByWords(`met ${text.slice(start, end)} here`).people;
  if (found?.start === 4 && found.end === 4 + end - start && /\s/.test(text.slice(start, end)))
    yield { start, end, score: alone };
}
