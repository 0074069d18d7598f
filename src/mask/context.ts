import type { Detector } from './detector.ts';
import { givingWay, type Said } from './general.ts';

export const reach = 72; // characters left of a value in which its context is looked for: about five words and a separator

/** How a text names a detector. */
export interface Naming {
  /** Characters from the end of the detector's own words to the end of the text. */
  readonly distance: number;
  /** How many words name it: `uk passport` is surer than `passport`. */
  readonly words: number;
  /** It is named by a word for a whole class alone (`card`), and another's own word says what it is. */
  readonly general?: boolean;
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
  /** `account$`: nothing but signs, and words that take nothing away, stands behind it. */
  readonly last: boolean;
  /** A word for a whole class of things: see general.ts. */
  readonly general: boolean;
}

export const nobody: Nearness = new Map();
// Scripts that write words without blanks between them, or hang endings onto them.
const joined =
  /[\p{sc=Han}\p{sc=Hangul}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Arabic}\p{sc=Hebrew}]/u;
/** No text without one of these has any of `joined`. */
const mayJoin = /[\u0590-\uffff]/;
// A column that is named so says nothing about a person.
const noNames = new Set(['DATE_TIME', 'LOCATION', 'PERSON', 'URL']);

export function contextFinder(detectors: readonly Detector[]): ContextFinder {
  const byFirst = new Map<string, Phrase[]>();
  const begins = new Map<string, readonly Phrase[]>();
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
        general: detector.general?.includes(written) === true,
      };
      add(phrase);
      if (words.length > 1) add({ ...phrase, words: [words.join('')] });
    }
  }
  // The longest word of each phrase: `at svnr` would make every `at` a sign.
  const needed = [...byFirst.values()].flat().flatMap(({ words }) => {
    const longest = words.reduce((a, b) => (b.length > a.length ? b : a), '');
    return endings.map((ending) => longest + ending);
  });
  return { find, needed };

  function find(written: string, anyPlace = false): Nearness {
    const found = new Map<Detector, Naming>();
    const text = readable(written);
    const words = wordsIn(text);
    const all: Said[] = [];
    let general = false;
    for (let at = 0; at < words.length; at++) {
      for (const phrase of beginningWith(words[at]?.word ?? '')) {
        const length = phrase.words.length;
        if (phrase.first && at > 0 && !anyPlace) continue;
        if (
          length > 1 &&
          !phrase.words.every((each, offset) => offset === 0 || isForm(words[at + offset]?.word, each))
        )
          continue;
        const before = found.get(phrase.detector);
        let last = at + length - 1;
        while (fillers.has(words[last + 1]?.word ?? '')) last++;
        if (phrase.last && last + 1 < words.length && !anyPlace) continue;
        all.push(saidOf(phrase, words[at], words[at + length - 1]));
        if (phrase.general) general = true;
        found.set(phrase.detector, {
          distance: Math.min(text.length - (words[last]?.end ?? 0), before?.distance ?? Infinity),
          words: Math.max(phrase.count, before?.words ?? 0),
        });
      }
    }
    if (general && all.length > 1)
      for (const detector of givingWay(text, all)) {
        const naming = found.get(detector);
        if (naming !== undefined) found.set(detector, { ...naming, general: true });
      }
    if (mayJoin.test(text)) findJoined(text, found);
    return found.size === 0 ? nobody : found;
  }

  function findJoined(text: string, found: Map<Detector, Naming>): void {
    for (const { detector, word } of anywhere) {
      const at = text.lastIndexOf(word);
      if (at < 0) continue;
      const distance = text.length - at - word.length;
      found.set(detector, {
        distance: Math.min(distance, found.get(detector)?.distance ?? distance),
        words: 1,
      });
    }
  }

  /** The phrases that begin with this word, whatever its form. Words come again, and of most nothing begins. */
  function beginningWith(word: string): readonly Phrase[] {
    const known = begins.get(word);
    if (known !== undefined) return known;
    const made = formsOf(word).flatMap((form) => byFirst.get(form) ?? []);
    if (begins.size >= wordsKept) begins.clear();
    if (word.length <= longestKept) begins.set(word, made.length === 0 ? noPhrases : made);
    return made;
  }
}

function saidOf({ detector, general }: Phrase, first: Word | undefined, last: Word | undefined): Said {
  return {
    detector,
    start: (first?.end ?? 0) - (first?.word.length ?? 0),
    end: last?.end ?? 0,
    general,
  };
}

const noPhrases: readonly Phrase[] = [];
const wordsKept = 8_192;
const longestKept = 40;

// Between a name and its value they take nothing away: `NHS number is 943 …`, `Steuer-ID lautet …`.
export const between: readonly string[] = (
  'number numbers no nr num nummer numero número numéro numer numeri numarası numaram numaranız číslo šifra szám номер нөмірі ' +
  'id code key value file record is was are ist lautet es est é è e är er on to je ir yra as of nº n am il the my mio meu mi mijn mój ' +
  'μου είναι мой это є е'
).split(' ');
const fillers = new Set(between);

/** What a word may end with and still be the word of a phrase: plural, another case, `…nummer`. */
const endings: readonly string[] = ['', 's', 'n', 'es', 'en', 'nummer', 'snummer', 'nr', 'number'];
const initials =
  /(?<![\p{L}\p{M}])(?:\p{L}\.){2,5}(?!\p{L}\p{L})(?:\p{L}(?![\p{L}\p{M}]))?|(?<![\p{L}\p{M}])\p{L}\.\p{L}(?![\p{L}\p{M}])/gu;
const humped = /(?<![A-Za-z])[A-Za-z]{0,40}[a-z]{2}[A-Z][A-Za-z]{0,40}/g;
const numbered =
  /(?<![\p{L}\p{M}])(\p{L}{3,40}?)(s|n|en)?(?:nummern?|numret|nummeret|nr|number|szám(?:a|om)?|numarası)(?![\p{L}\p{M}])/giu;

/**
 * The text with what its words are made of beside them: `S.I.N.` as `SIN`, `employeeSin` also as `employee Sin`,
 * `Sozialversicherungsnummer` also as `Sozialversicherung`. Its end stays the end.
 */
export function readable(text: string): string {
  let out = text;
  if (/\p{L}\.\p{L}/u.test(out)) out = out.replace(initials, (word) => word.replaceAll('.', ''));
  if (/[a-z]{2}[A-Z]/.test(out))
    out = out.replace(humped, (word) => `${word} ${word.replace(/([a-z]{2})(?=[A-Z])/g, '$1 ')}`);
  if (/n(?:um|r)|szám/i.test(out))
    out = out.replace(numbered, (word, stem: string, link: string | undefined) =>
      link === undefined ? `${word} ${stem}` : `${word} ${stem}${link} ${stem}`,
    );
  return out;
}

interface Word {
  readonly word: string;
  readonly end: number;
}

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
  const { length } = word;
  if ((length > 2 && word.endsWith('s')) || (length > 4 && word.endsWith('n'))) forms.push(word.slice(0, -1));
  if ((length > 3 && word.endsWith('es')) || (length > 5 && word.endsWith('en')))
    forms.push(word.slice(0, -2));
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
  const left = reachedOf(text, start);
  // Where words stand on the value's own line, those of the line above are about something else.
  const line = left.slice(left.lastIndexOf('\n') + 1);
  return /\p{L}/u.test(line) ? line : left;
}

function reachedOf(text: string, start: number): string {
  // A shown value's own name (`[US_SSN]`) is no word of the text.
  return withoutNames(text.slice(fromWord(text, Math.max(0, start - reach), start), start));
}

/** Where the first whole word begins that does not begin before `at`: half a word, or half of a shown value's name, is none. */
function fromWord(text: string, at: number, end: number): number {
  let from = at;
  if (from > 0 && wordSign.test(text[from - 1] ?? ''))
    while (from < end && wordSign.test(text[from] ?? '')) from++;
  if (from === 0 || !nameSign.test(text[from] ?? '')) return from;
  const open = /\[[A-Z_]{0,40}$/.exec(text.slice(Math.max(0, from - longestName), from));
  if (open === null) return from;
  const close = /^[A-Z_]{0,40}\]/.exec(text.slice(from, Math.min(end, from + longestName)));
  return close === null ? from : from + close[0].length;
}

const nameSign = /[A-Z_\]]/;
const longestName = 42; // of `withoutNames`, with its brackets

const wordSign = /[\p{L}\p{M}.\ud800-\udfff]/u;
/** How far above a value its head or the question for it may begin. INVARIANT: less than a stream keeps. */
const aboveReach = 240;

/**
 * What the lines above say of what begins at `start`, where the words on its own line name nothing: the head of its
 * column in a table (`id,name,ssn`), or a line without numbers that asks (`Your SSN please?`).
 */
export function aboveOf(text: string, start: number): string {
  const from = Math.max(0, start - aboveReach);
  const lines = text.slice(from, start).split('\n');
  const own = lines.pop() ?? '';
  if (lines.length === 0) return '';
  const head = headOf(lines, { own, cut: from > 0 });
  if (head !== undefined) return withoutNames(head);
  // The line right above, or the one above a blank line.
  while (lines.length > 0 && (lines.at(-1) ?? '').trim() === '') lines.pop();
  const line = lines.pop() ?? '';
  if ((lines.length === 0 && from > 0) || /\d{3}/.test(line)) return '';
  return withoutNames(line.slice(fromWord(line, Math.max(0, line.length - reach), line.length)));
}

function headOf(
  lines: readonly string[],
  { own, cut }: { readonly own: string; readonly cut: boolean },
): string | undefined {
  const sign = ['|', '\t', ';', ','].find((each) => own.includes(each));
  if (sign === undefined) return undefined;
  const place = own.split(sign).length - 1;
  let top: string | undefined;
  for (let at = lines.length - 1; at >= (cut ? 1 : 0); at--) {
    const line = lines[at] ?? '';
    if (line.split(sign).length <= place) break;
    top = line;
  }
  return top === undefined || /\d{4}/.test(top) ? undefined : top.split(sign)[place];
}

/** How far behind a value its name may end. INVARIANT: a stream waits for as much behind a number. */
export const rightReach = 48;
/** Only what has so many digits at its end, and hardly a letter behind them, is named by what stands behind it. */
export const namedDigits = 5;
/** INVARIANT: in so many characters at the end of the value, which a stream counts as well. */
export const namedReach = 40;

/** Whether words behind this value can name it. */
export function isNamedBehind(value: string): boolean {
  return /\d\D{0,6}$/.test(value) && (value.slice(-namedReach).match(/\d/g)?.length ?? 0) >= namedDigits;
}

/** A full stop behind a short word may be that of an abbreviation. */
const clause = /["<>\n\r,;:!?()[\]{}|=\d\u3001\u3002\u300c-\u300f\uff01-\uff5e]|(?<=\p{L}{5})\.(?:\s|$)/u;
const bridge =
  /^[)\]'’*_]{0,2}(?:[ ,–—-]{0,3}(?:that|which|this|it)(?:['’]?s)?(?= )|[ ]{0,2}[–—-]{1,2} |['’]s )?(?: ?(?:(?:is|was|are|would|be|being|as|for|should|isn['’]t|my|his|her|hers|their|our|your|its|the|an?|still|also|ist|war|lautet|als|für|meine?|seine?|ihre?|unsere?|deine?|die|der|das|est|était|c['’]est|bien|comme|mon|ma|son|sa|le|la|leur|votre|notre|es|era|como|mi|su|el|è|il|mio|mia|suo|sua|é|o|a|meu|minha|seu|mijn|zijn|haar|het|de|uw|to|jest|mój|moja|jego|jej|je|moje|můj|jeho|její|är|er|mitt|mit|min|hans|hennes|hendes|on|это|мой|моя|мое|моё|его|её|є|мій|моя|είναι|ο|το)(?= )|是(?:我|他|她|你|您)?们?的?|は)){1,6}/iu;
const inBrackets = /^ ?[([][ ]?([\p{L}\p{M}][\p{L}\p{M} ._#'’-]{1,30})[)\]]/u;

/** What the words behind a value say it is: `… is my social security number`, `… (mobile)`. Empty where they say nothing. */
export function rightOf(text: string, end: number): string {
  const right = text.slice(end, end + rightReach);
  const bracketed = inBrackets.exec(right)?.[1];
  if (bracketed !== undefined) return bracketed;
  const said = bridge.exec(right)?.[0];
  if (said === undefined) return '';
  const stop = right.slice(said.length).search(clause);
  if (stop >= 0) return right.slice(0, said.length + stop);
  // Half a word is no word.
  return right.length < rightReach ? right : right.replace(/[\p{L}\p{M}.]*$/u, '');
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
