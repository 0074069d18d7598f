import { flagsOf, place } from './lexicon.ts';
import { particles } from './phrases.ts';
import {
  addressCue,
  alsoEnglish,
  beforeName,
  behindName,
  betweenNameAndNumber,
  endings,
  states,
  units,
} from './streets.ts';
import { isBlank, isCapital, isPlace, wordAt, type Word } from './words.ts';

// A street and its number, a box, a town with its postal code: what follows belongs to it as long as it reads like an address.

/** An address goes on over no more than this. */
export const longestAddress = 200;
const mostNameWords = 6;
const cueReach = 40;

export interface Place {
  readonly start: number;
  readonly end: number;
}

const houseNumber =
  /\d{1,5}(?: ?[A-Za-z](?![\p{L}\p{N}]))?(?:[-/]\d{1,4}[A-Za-z]?)?(?![\p{L}\p{N}_@%:]|[.,/-]\d)/uy;
const ordinal = /\d{1,3}(?:st|nd|rd|th)(?![\p{L}\p{N}])/uy;
const numberSign = /(?:n[º°o]\.? ?|№ ?|# ?)?/uy;
const partGap = /[ \t]{0,3},?[ \t]{0,3}(?:\r?\n[ \t]{0,4}){0,2},?[ \t]{0,2}/y;
const postalCode =
  /(?:[A-Z]{1,2}-)?\d{4,6}(?:-\d{3,4})?(?: [A-Z]{2})?(?![\p{L}\p{N}@-]|\.\d)|\d{3} \d{2}(?![\p{L}\p{N}])|\d{2}-\d{3}(?![\p{L}\p{N}])|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}(?![\p{L}\p{N}])|[A-Z]\d[A-Z] ?\d[A-Z]\d(?![\p{L}\p{N}])/uy;
const unitName = /#? ?[A-Za-z]?\d{0,5}[A-Za-z]?(?:[-/]\d{1,4})?(?![\p{L}\p{N}])/uy;
const zip = /\d{5}(?:-\d{4})?(?![\p{L}\p{N}@-])/uy;
const boxHead =
  /(?:p\.? ?o\.? ?box|post office box|postfach|postbus|postboks|apartado(?: de correos| postal)?|caixa postal|casella postale|bo[iî]te postale|(?:psc|unit|cmr) \d{1,5},? box) ?#?\d[\d ]{0,8}(?<=\d)(?![\p{L}\p{N}])/iuy;
const ship = /US(?:NS|S|CGC|NV) \p{Lu}[\p{L}\p{M}'-]{1,24}\n/uy;
const military = /(?:APO|FPO|DPO),? A[AEP] \d{5}(?!\d)/iuy;

function ends(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  const match = pattern.exec(text);
  return match === null ? -1 : at + match[0].length;
}

/**
 * The last place at which an address can begin with a word: a number stands in each of them behind that, but in those of ships of
 * the United States. -1: nowhere.
 */
export function lastAddress(text: string): number {
  let at = -1;
  if (/\d/.test(text)) for (at = text.length - 1; !isDigit(text, at);) at--;
  return /US/.test(text) ? Math.max(at, text.lastIndexOf('US')) : at;
}

/** The address that begins at `at`, with this word or with a number. */
export function addressAt(text: string, at: number, word?: Word): Place | undefined {
  if (/[\p{L}\p{M}\p{N}_/@#.-]/u.test(text[at - 1] ?? '')) return undefined;
  const street = word === undefined ? byNumber(text, at) : byWord(text, word);
  if (street === undefined) return undefined;
  return { start: street.start, end: withTail(text, street.end) };
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}

/** `12 Main Street`, `12, rue de la Paix`, `31 Vesturgata 66`. */
function byNumber(text: string, start: number): Place | undefined {
  const number = ends(houseNumber, text, start);
  if (number < 0) return undefined;
  let at = text[number] === ',' ? number + 1 : number;
  if (!isBlank(text.charCodeAt(at))) return undefined;
  at++;
  const second = isDigit(text, at) && ends(ordinal, text, at) < 0 ? ends(houseNumber, text, at) : -1;
  if (second > 0 && text[second] === ' ') at = second + 1;
  const first = wordAt(text, at);
  const box = first === undefined ? -1 : boxEnd(text, at);
  if (box > 0) return { start, end: box };
  const name = nameFrom(text, at);
  const end = name.street;
  if (end > 0) return { start, end: name.prefixed || name.compound ? withNumber(text, end) : end };
  if (name.end > at && isCued(text, start)) return { start, end: withNumber(text, name.end) };
  return undefined;
}

interface Name {
  /** Where the words of the street that make it one end; 0: nothing does. */
  readonly street: number;
  readonly end: number;
  readonly prefixed: boolean;
  readonly compound: boolean;
}

/** The words with capitals from `from` on, particles and ordinal numbers between them, as far as they may be the name of a street. */
function nameFrom(text: string, from: number): Name {
  let at = from;
  let end = from;
  let street = 0;
  let prefixed = false;
  let compound = false;
  let capitals = 0;
  for (let count = 0; count < mostNameWords; count++) {
    const nth = ends(ordinal, text, at);
    const word = nth > 0 ? undefined : wordAt(text, at);
    if (nth > 0) end = nth;
    else if (word === undefined) break;
    else if (count === 0 && beforeName.has(word.lower)) {
      prefixed = true;
      end = word.end;
    } else if (isCapital(word) || (word.form === 'plain' && count < 3)) {
      capitals++;
      end = word.end;
      if (prefixed) street = end;
      if (count > 0 && behindName.has(word.lower)) street = end;
      if (isCompound(word)) {
        street = end;
        compound = true;
      }
    } else if ((prefixed || capitals > 0) && (particles.has(word.lower) || word.lower.length <= 3)) {
      if (behindName.has(word.lower)) {
        street = word.end;
        end = word.end;
      }
    } else if (capitals > 0 && behindName.has(word.lower)) {
      street = word.end;
      end = word.end;
    } else break;
    at = word?.end ?? nth;
    if (text[at] === '.' && word !== undefined && word.end - word.start <= 5) at++;
    if (text[at] !== ' ') break;
    if (street > 0 && !prefixed && !/\p{Lu}/u.test(text[at + 1] ?? '')) break;
    at++;
  }
  return { street, end, prefixed, compound };
}

/** `Berliner Ring 12`, `Kongens gate 5`; not `Please ring 206`, `We gate 5 features`. */
function isBetween(word: Word, before: Word): boolean {
  if (!betweenNameAndNumber.has(word.lower)) return false;
  if (isCapital(word) || !alsoEnglish.has(word.lower)) return true;
  return word.lower === 'gate' && before.lower.endsWith('s');
}

function isCompound({ lower }: Word): boolean {
  if (lower.length < 6) return false;
  const alike = endingsByLast.get(lower.charCodeAt(lower.length - 1));
  return alike?.some((ending) => lower.length >= ending.length + 3 && lower.endsWith(ending)) === true;
}

/** By their last letter: most words end in none of these. */
const endingsByLast: ReadonlyMap<number, readonly string[]> = Map.groupBy(endings, (ending) =>
  ending.charCodeAt(ending.length - 1),
);

/** The number behind a street, if one is there. */
function withNumber(text: string, end: number): number {
  const found = numberBehind(text, end);
  return found > 0 ? found : end;
}

function numberBehind(text: string, end: number): number {
  let at = end;
  if (text[at] === '.' || text[at] === ',') at++;
  if (text[at] === ',') at++;
  if (!isBlank(text.charCodeAt(at))) return -1;
  at = ends(numberSign, text, at + 1);
  return ends(houseNumber, text, at);
}

/** `Hauptstraße 12`, `Berliner Straße 12`, `Via Roma, 5`, a box, `Springfield, IL 62704`. */
function byWord(text: string, first: Word): Place | undefined {
  const { start } = first;
  const box = boxEnd(text, start);
  if (box > 0) return { start, end: box };
  if (beforeName.has(first.lower)) {
    const dotted = text[first.end] === '.' ? first.end + 1 : first.end;
    if (text[dotted] !== ' ') return undefined;
    const name = nameFrom(text, start);
    const number = name.street > 0 ? numberBehind(text, name.street) : -1;
    return number > 0 ? { start, end: number } : undefined;
  }
  if (!isCapital(first)) return undefined;
  let end = first.end;
  let word: Word | undefined = first;
  let before: Word | undefined;
  for (let count = 0; count < mostNameWords && word !== undefined; count++) {
    end = text[word.end] === '.' ? word.end + 1 : word.end;
    if (isCompound(word) || (before !== undefined && isBetween(word, before))) {
      const number = numberBehind(text, word.end);
      if (number > 0) return { start, end: number };
    }
    if (text[end] !== ' ') break;
    const next = wordAt(text, end + 1);
    if (next === undefined || (!isCapital(next) && !particles.has(next.lower) && !isBetween(next, word)))
      break;
    before = word;
    word = next;
  }
  return townAndState(text, first) ?? cuedName(text, first);
}

/** `address: `, `lives at `: the last letter of such a cue, and then it. */
function isCued(text: string, start: number): boolean {
  let at = start - 1;
  while (at >= 0 && start - at < 6 && /[\s:]/.test(text[at] ?? '')) at--;
  if (at === start - 1 || !/[adehnorstwièé]/.test(text[at] ?? '')) return false;
  return addressCue.test(text.slice(Math.max(0, start - cueReach), start));
}

/** `address: Västra Husby 26`. */
function cuedName(text: string, first: Word): Place | undefined {
  if (!isCued(text, first.start)) return undefined;
  const { end } = nameFrom(text, first.start);
  const number = end > first.start ? numberBehind(text, end) : -1;
  return number > 0 ? { start: first.start, end: number } : undefined;
}

function townAndState(text: string, first: Word): Place | undefined {
  let end = first.end;
  let word: Word | undefined = first;
  for (let count = 0; count < 3 && word !== undefined && isCapital(word); count++) {
    end = word.end;
    const at = text[end] === ',' ? end + 1 : end;
    const state = text[at] === ' ' ? wordAt(text, at + 1) : undefined;
    if (state !== undefined && states.has(text.slice(state.start, state.end))) {
      const comma = text[state.end] === ',' ? state.end + 1 : state.end;
      const code = text[comma] === ' ' ? ends(zip, text, comma + 1) : -1;
      if (code > 0) return { start: first.start, end: code };
    }
    if (text[end] !== ' ') break;
    word = wordAt(text, end + 1);
  }
  return undefined;
}

function boxEnd(text: string, at: number): number {
  const code = text.charCodeAt(at) | 0x20;
  if (code === 0x61 || code === 0x66 || code === 0x64) {
    const end = ends(military, text, at);
    if (end > 0) return end;
  }
  if (code === 0x75) {
    const end = ends(ship, text, at);
    if (end > 0) return end - 1;
  }
  // p, u, a, c, b: the first letters of what a box is called.
  return 'puacb'.includes(String.fromCharCode(code)) ? ends(boxHead, text, at) : -1;
}

/** Unit, town, state, postal code, country behind a street. What may be a town counts where something behind it shows that it is one. */
function withTail(text: string, from: number): number {
  let end = from;
  let at = from;
  let guessed = 0;
  let coded = false; // behind a postal code stands its town
  for (let part = 0; part < 10 && at - from < longestAddress; part++) {
    const dotted =
      text[at] === '.' && /^\.(?:,|\n| (?:Suite|Apt))/.test(text.slice(at, at + 7)) ? at + 1 : at;
    const start = ends(partGap, text, dotted);
    if (start <= dotted) break;
    const gap = text.slice(dotted, start);
    const unit = unitEnd(text, start);
    if (unit > 0) {
      end = at = unit;
      continue;
    }
    const armed = ends(military, text, start);
    const code = armed > 0 ? armed : ends(postalCode, text, start);
    if (code > 0) {
      end = at = code;
      coded = true;
      continue;
    }
    const word = wordAt(text, start);
    if (word === undefined || !(isCapital(word) || word.form === 'plain')) break;
    if (states.has(text.slice(word.start, word.end)) && !/\n\n/.test(gap)) {
      end = at = word.end;
      continue;
    }
    const town = townFrom(text, word);
    at = town.end;
    if (town.known || (coded && !/\n/.test(gap))) {
      end = at;
      guessed = 0;
      coded = false;
    } else if (guessed === 0 && gap.trimEnd() === ',' && !gap.includes('\n')) {
      // `Main Street 5, Halmstad`: behind a comma it is the town.
      end = at;
      guessed = 2;
    } else if (++guessed > 2) break;
  }
  return end;
}

function unitEnd(text: string, start: number): number {
  if (text[start] === '#') return ends(unitName, text, start);
  const word = wordAt(text, start);
  if (word === undefined || !units.has(word.lower)) return -1;
  const dotted = text[word.end] === '.' ? word.end + 1 : word.end;
  if (text[dotted] !== ' ') return -1;
  const end = ends(unitName, text, dotted + 1);
  return end > dotted + 1 ? end : -1;
}

function townFrom(text: string, first: Word): { readonly end: number; readonly known: boolean } {
  let end = first.end;
  let known = isPlace(first) ? first.end : 0;
  let lower = first.lower;
  for (let more = 0; more < 3; more++) {
    if (text[end] !== ' ') break;
    let next = wordAt(text, end + 1);
    let between = '';
    while (next !== undefined && next.form === 'small' && particles.has(next.lower) && between.length < 12) {
      between += ` ${next.lower}`;
      next = text[next.end] === ' ' ? wordAt(text, next.end + 1) : undefined;
    }
    // `London SW1A 2AA`: the letters of a postal code.
    if (next === undefined || !isCapital(next) || isDigit(text, next.end)) break;
    lower += `${between} ${next.lower}`;
    end = next.end;
    if ((flagsOf(lower) & place) !== 0 || isPlace(next)) known = end;
  }
  return { end, known: known === end };
}
