import type { Detector } from './detector.ts';

export const reach = 72; // characters left of a value in which its context is looked for: about five words and a separator

/** How a text names a detector. */
export interface Naming {
  /** Characters from the end of the detector's own words to the end of the text. */
  readonly distance: number;
  /** How many words name it: `uk passport` is surer than `passport`. */
  readonly words: number;
}

export type Nearness = ReadonlyMap<Detector, Naming>;

/**
 * Finds which detectors a text is context for. Made once for a list of detectors. With `anyPlace` a phrase that must stand
 * first or last may stand anywhere: what any part of the text is context for is among it.
 */
export interface ContextFinder {
  readonly find: (words: string, anyPlace?: boolean) => Nearness;
  /** A word of each phrase, in every form: only a text with one of these can be context. */
  readonly needed: readonly string[];
}

interface Phrase {
  readonly detector: Detector;
  readonly words: readonly string[];
  /** How many words it has when they are written apart. */
  readonly count: number;
  /** `address^`: nothing stands before it. */
  readonly first: boolean;
  /** `account$`: nothing but signs stands behind it. */
  readonly last: boolean;
}

export const nobody: Nearness = new Map();
// Scripts that write words without blanks between them, or hang endings onto them.
const joined =
  /[\p{sc=Han}\p{sc=Hangul}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Arabic}\p{sc=Hebrew}]/u;
// A column that is named so says nothing about a person.
const noNames = new Set(['DATE_TIME', 'LOCATION', 'PERSON', 'URL']);

export function contextFinder(detectors: readonly Detector[]): ContextFinder {
  const byFirst = new Map<string, Phrase[]>();
  const anywhere: { readonly detector: Detector; readonly word: string }[] = [];
  const add = (phrase: Phrase): void => {
    const key = phrase.words[0] ?? '';
    const known = byFirst.get(key);
    if (known === undefined) byFirst.set(key, [phrase]);
    else known.push(phrase);
  };
  for (const detector of detectors) {
    const own = noNames.has(detector.name) ? [] : [detector.name.toLowerCase().replaceAll('_', ' ')];
    for (const written of [...detector.context, ...own]) {
      const text = written.replace(/[$^]$/, '');
      if (joined.test(text)) {
        anywhere.push({ detector, word: text });
        continue;
      }
      const words = wordsIn(text).map(({ word }) => word);
      const phrase = {
        detector,
        words,
        count: words.length,
        first: written.endsWith('^'),
        last: written.endsWith('$'),
      };
      add(phrase);
      if (words.length > 1) add({ ...phrase, words: [words.join('')] });
    }
  }
  // The longest word of each phrase: `at svnr` would make every `at` a sign.
  const needed = [...byFirst.values()].flat().flatMap(({ words }) => {
    const longest = words.reduce((a, b) => (b.length > a.length ? b : a), '');
    return ['', 's', 'n', 'es', 'en'].map((ending) => longest + ending);
  });
  return { find, needed };

  function find(text: string, anyPlace = false): Nearness {
    const found = new Map<Detector, Naming>();
    const words = wordsIn(text);
    for (const [at, { word }] of words.entries()) {
      for (const form of formsOf(word)) {
        for (const phrase of byFirst.get(form) ?? []) {
          const length = phrase.words.length;
          if (phrase.first && at > 0 && !anyPlace) continue;
          if (phrase.last && at + length < words.length && !anyPlace) continue;
          if (
            length > 1 &&
            !phrase.words.every((each, offset) => offset === 0 || isForm(words[at + offset]?.word, each))
          )
            continue;
          const before = found.get(phrase.detector);
          let last = at + length - 1;
          while (fillers.has(words[last + 1]?.word ?? '')) last++;
          found.set(phrase.detector, {
            distance: Math.min(text.length - (words[last]?.end ?? 0), before?.distance ?? Infinity),
            words: Math.max(phrase.count, before?.words ?? 0),
          });
        }
      }
    }
    for (const { detector, word } of anywhere) {
      const at = text.lastIndexOf(word);
      if (at < 0) continue;
      const distance = text.length - at - word.length;
      found.set(detector, {
        distance: Math.min(distance, found.get(detector)?.distance ?? distance),
        words: 1,
      });
    }
    return found.size === 0 ? nobody : found;
  }
}

// Between a name and its value they take nothing away: `NHS number is 943 …`.
const fillers = new Set(
  'number numbers no nr num nummer numero número numéro numer id code key value is was are ist es est é är er to as of nº n'.split(
    ' ',
  ),
);

interface Word {
  readonly word: string;
  readonly end: number;
}

const letter = /[\p{L}\p{M}\ud800-\udfff]/u;
const possessive = /^['’]s$/u;

function wordsIn(text: string): readonly Word[] {
  const words: Word[] = [];
  for (const match of text.matchAll(/['’]s(?![\p{L}\p{M}])|[\p{L}\p{M}]+/gu)) {
    // `driver's license` is the same as `driver license`.
    if (!possessive.test(match[0]))
      words.push({ word: match[0].toLowerCase(), end: match.index + match[0].length });
  }
  return words;
}

/** A word, and what it may be the plural or another case of. */
function formsOf(word: string): readonly string[] {
  const forms = [word];
  if (word.length > 2 && (word.endsWith('s') || word.endsWith('n'))) forms.push(word.slice(0, -1));
  if (word.length > 3 && (word.endsWith('es') || word.endsWith('en'))) forms.push(word.slice(0, -2));
  return forms;
}

function isForm(word: string | undefined, of: string): boolean {
  return word !== undefined && (word === of || formsOf(word).includes(of));
}

export function withoutNames(text: string): string {
  return text.includes('[') ? text.replace(/\[[A-Z_]{2,40}\]/g, ' ') : text;
}

/** The text left of `start` that can be context of what begins there. */
export function leftOf(text: string, start: number): string {
  // A shown value's own name (`[US_SSN]`) is no word of the text.
  // Half a word is no word.
  let from = Math.max(0, start - reach);
  if (from > 0 && letter.test(text[from - 1] ?? ''))
    while (from < start && letter.test(text[from] ?? '')) from++;
  const left = withoutNames(text.slice(from, start));
  // Where words stand on the value's own line, those of the line above are about something else.
  const line = left.slice(left.lastIndexOf('\n') + 1);
  return /\p{L}/u.test(line) ? line : left;
}

/** From 0, as far as context reaches, to 1, right before the value. */
export function nearness(distance: number): number {
  return Math.max(0, 1 - distance / reach);
}

/** `customerSSN`, `tax_id`, `billing.card-no` as words: `customer SSN`, `tax id`, `billing card no`. */
export function wordsOf(column: string): string {
  return column
    .slice(0, 256)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[_.\-/[\]"]+/g, ' ');
}
