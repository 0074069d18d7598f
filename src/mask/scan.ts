import { Lru } from '../base/lru.ts';
import { arbitrate } from './arbitrate.ts';
import {
  aboveOf,
  isNamedBehind,
  leftOf,
  nearness,
  nobody,
  rightOf,
  withoutNames,
  wordsOf,
  type ContextFinder,
  type Naming,
  type Nearness,
} from './context.ts';
import { contextBoost, leastScore, type Detector, type Finding, type Shared, type Span } from './detector.ts';
import { namesIn } from './names/index.ts';
import { bytesOf, normalise } from './normalise.ts';
import { byDigits, type Found, type NumberSearch } from './numbers.ts';
import { detectorsInUse, onDetectors } from './registry.ts';
import { anyMarks, marksOf, signsOf } from './signs.ts';
import { isWord } from './stamps.ts';
import {
  byLength,
  mayNameIn,
  tablesOf,
  type ByLength,
  type Letters,
  type Used,
  type UsedDigits,
} from './tables.ts';

export interface ScanOptions {
  /** Presidio names; absent or with `*`: all. */
  readonly entities?: readonly string[];
  /** The column's, key's or header's name: context for every value in it. */
  readonly column?: string;
  /** Other detectors than the program's own. */
  readonly detectors?: readonly Detector[];
}

/** The most findings one text may have before it counts as one: beyond, the whole text is a finding. */
const mostFindings = 20_000;
/** Expensive confirmations (numbering plans) for each text; beyond, shape alone decides. */
const mostConfirmations = 200;
/** Windows of digit groups looked at in one text: about half a second; beyond, the whole text is a finding. */
const mostWindows = 500_000;
/** Characters of one text: about three seconds; beyond, the whole text is a finding. */
const longestText = 8_388_608;

/** A search made ready: what can be worked out from the options is. Finds as `scan` does. */
export type Scanner = (text: string, more?: More) => readonly Finding[];

/** What somebody else finds in a text, as `normalise` gives it: judged together with what detectors find. */
export type More = (normal: string) => readonly Finding[];

/**
 * Finds sensitive values: disjoint, in order. Linear in the text. Never throws: a detector that fails makes the whole
 * text a finding of its type.
 */
export function scan(text: string, options?: ScanOptions): readonly Finding[] {
  return options === undefined ? standard(text) : scanner(options)(text);
}

/**
 * A scanner for many texts of one kind, of one column. Its tables are worked out once for each column's name and kept:
 * every statement asks for those of its columns again.
 */
export function scanner(options: ScanOptions = {}): Scanner {
  if (options.detectors !== undefined) return makeScanner(options);
  const key = keyOf(options);
  const known = scanners.get(key);
  if (known !== undefined) return known;
  // Of names there is no end, of what they are context for there is: those that are context for the same are one.
  const { contexts, detectors } = tablesOf(detectorsInUse());
  const near = options.column === undefined ? nobody : contexts.find(wordsOf(options.column));
  const said = [...near].map(([each, { words }]) => `${detectors.indexOf(each)}:${words}`).sort();
  const sense = `${keyOf({ ...options, column: '' })}\0${said.join()}`;
  const made = scannersByContext.get(sense) ?? makeScanner(options);
  scannersByContext.set(sense, made);
  scanners.set(key, made);
  return made;
}

const scannersKept = 2_000;
const scanners: Lru<string, Scanner> = new Lru(scannersKept);
const scannersByContext: Lru<string, Scanner> = new Lru(scannersKept);
const contexts: Lru<string, boolean> = new Lru(scannersKept);

function keyOf({ entities, column }: ScanOptions): string {
  return `${entities === undefined ? '*' : [...entities].sort().join()}\0${column ?? ''}`;
}

function makeScanner(options: ScanOptions): Scanner {
  const { entities, column } = options;
  const wanted = entities === undefined || entities.includes('*') ? undefined : new Set(entities);
  const tables = tablesOf(options.detectors ?? detectorsInUse());
  const near = column === undefined ? undefined : tables.contexts.find(wordsOf(column));
  const used = tables.detectors.map((detector, order): Used | undefined => {
    if (wanted !== undefined && !wanted.has(detector.name)) return undefined;
    const naming = near?.get(detector);
    return { detector, order, here: naming !== undefined, words: naming?.words ?? 0 };
  });
  const asked = used.filter((each) => each !== undefined);
  const digits = asked.filter((each): each is UsedDigits => each.detector.kind === 'digits');
  const letters = (which: Letters): Ready['alone'] => ({
    ...which,
    used: which.orders.map((order) => used[order]),
  });
  const named = asked.some(({ here }) => here);
  const alone = byLength(digits, true);
  const any = byLength(digits, false);
  return scannerOf({
    plain: asked
      .filter(({ order }) => tables.plain.has(order))
      .map((each) => ({
        ...each,
        marks: each.detector.kind === 'find' ? marksOf(each.detector.marks) : anyMarks,
      })),
    digits: any,
    digitsAlone: alone,
    fewestDigits: any.findIndex((each) => each !== undefined),
    all: letters(tables.all),
    alone: letters(named ? tables.all : tables.alone),
    contexts: tables.contexts,
    words: tables.words,
    failed: asked[0]?.detector.name ?? 'UNKNOWN',
  });
}

function scannerOf(ready: Ready): Scanner {
  return (text, more) => (text === '' ? none : search(text, ready, more));
}

/** Whether the column's name is context for a detector of these entities: then a value that shows no sign can be a finding. */
export function isContext(options: ScanOptions & { readonly column: string }): boolean {
  if (options.detectors !== undefined) return namesContext(options);
  const key = keyOf(options);
  const known = contexts.get(key);
  if (known !== undefined) return known;
  const answer = namesContext(options);
  contexts.set(key, answer);
  return answer;
}

function namesContext(options: ScanOptions & { readonly column: string }): boolean {
  const wanted =
    options.entities === undefined || options.entities.includes('*') ? undefined : options.entities;
  const near = tablesOf(options.detectors ?? detectorsInUse()).contexts.find(wordsOf(options.column));
  return [...near.keys()].some(({ name }) => wanted === undefined || wanted.includes(name));
}

/** The least score of a value in a column that names its type: with a right check, and with a wrong one. */
const namedScore = 0.85;
const namedLoosely = 0.72;

/** Of a value right behind its own name, or that is said behind it to be one: with a right check, and with a wrong one. */
const labelledScore = 0.95;
const labelledLoosely = 0.81;
/** The most of what bears the name of a whole class: what bears one of its own, right or wrong, is that. */
const vaguely = 0.42;
/** Further from the name of a whole class than this stands something else. */
const vagueReach = 24;
/** The least of what is named in the text and right: surer than what no more than looks like something else. */
const namedInText = 0.78;

const none: readonly Finding[] = [];
let standard = scanner();
onDetectors(() => {
  scanners.clear();
  scannersByContext.clear();
  contexts.clear();
  standard = scanner();
});

interface Ready {
  /** Those with code of their own, and patterns that are no part of the tables of letters; `marks`: see marksOf. */
  readonly plain: readonly (Used & { readonly marks: number })[];
  /** Where the text has words that can be context, and where it has none: then few are worth being asked. */
  readonly digits: ByLength;
  readonly digitsAlone: ByLength;
  /** Of fewer digits nothing is made that is found among digits. */
  readonly fewestDigits: number;
  readonly all: Letters & { readonly used: readonly (Used | undefined)[] };
  readonly alone: Letters & { readonly used: readonly (Used | undefined)[] };
  readonly contexts: ContextFinder;
  readonly words: Uint8Array;
  /** What a failure among detectors of digits is reported as: a type that was asked for. */
  readonly failed: string;
}

/** Stands for: any of them may be named. */
const everyone: Nearness = new Map();
/** Texts up to here are asked which detectors they name, once and for all. */
const askedWhole = 1_024;

function search(text: string, ready: Ready, more: More | undefined): readonly Finding[] {
  if (text.length > longestText) return [{ type: ready.failed, start: 0, end: text.length, score: 1 }];
  const normal = normalise(text);
  const bytes = bytesOf(normal.text);
  const signs = signsOf(bytes);
  const near = nearOf(normal.text, bytes, ready);
  const state: Search = {
    text: normal.text,
    bytes,
    signs,
    found: [],
    confirmations: mostConfirmations,
    windows: mostWindows,
    contexts: ready.contexts,
    named: near,
    shared: undefined,
    near: undefined,
    nearOf: -1,
    right: nobody,
    rightOf: -1,
    doing: ready.failed,
  };
  try {
    if (signs.digits >= ready.fewestDigits) byDigits(state, ready, (used, span) => report(state, used, span));
    byLetters(state, near === nobody ? ready.alone : ready.all);
    for (const used of ready.plain) byItself(state, used, used.marks);
  } catch {
    return [{ type: state.doing, start: 0, end: text.length, score: 1 }];
  }
  if (more !== undefined)
    for (const each of more(normal.text)) state.found.push({ ...each, order: ready.all.used.length });
  if (state.found.length === 0) return none;
  return arbitrate(state.found, normal.text).map(({ type, start, end, score }) => ({
    type,
    start: normal.from(start),
    end: normal.to(end - 1),
    score,
  }));
}

/** Which detectors any part of the text may name. INVARIANT: `nobody` only where no part of it names any. */
function nearOf(text: string, bytes: Uint8Array, { contexts, words }: Ready): Nearness {
  if (!mayNameIn(bytes, words)) return nobody;
  if (text.length > askedWhole) return everyone;
  // Digits are in no word: texts that differ in them alone name the same.
  const said = text.replaceAll(/\d+/g, '0');
  let near = nears.get(contexts)?.get(said);
  if (near === undefined) {
    near = contexts.find(text, true);
    // A shown value's name between two words parts them, and does not where it is left out: both are asked. It can be read
    // as a word in brackets, too (`rightOf`). And a value can begin right behind a letter of another script.
    const without = withoutNames(text);
    const apart = without.replaceAll(glued, '$& ');
    if (without !== text) near = either(near, contexts.find(without, true));
    if (apart !== without) near = either(near, contexts.find(apart, true));
    const kept = nears.get(contexts) ?? new Lru(nearsKept);
    nears.set(contexts, kept);
    kept.set(said, near);
  }
  return near;
}

const glued = /[^\0-\x7f](?=[a-z])/gi;

function either(one: Nearness, other: Nearness): Nearness {
  if (one.size === 0) return other;
  return other.size === 0 ? one : new Map([...one, ...other]);
}

const nearsKept = 500;
const nears: WeakMap<ContextFinder, Lru<string, Nearness>> = new WeakMap();

interface Search extends NumberSearch {
  readonly found: Found[];
  readonly contexts: ContextFinder;
  shared: Shared | undefined;
  /** What the words left of `nearOf` are context for: worked out once for all detectors that ask. */
  near: Nearness | undefined;
  nearOf: number;
  /** The same for the words right of `rightOf`. */
  right: Nearness;
  rightOf: number;
}

function isNamed(search: Search, detector: Detector): boolean {
  return search.named === everyone || search.named.has(detector);
}

/** Patterns that begin with a word, all in one walk from each word. */
function byLetters(search: Search, letters: Ready['all']): void {
  const { bytes } = search;
  // Made only where something is a candidate: most texts have none.
  let tried: Int32Array | undefined;
  let ends: Int32Array | undefined;
  let at = 0;
  for (; at < bytes.length; at++) {
    const before = bytes[at - 1] ?? 0;
    if (at === 0 || before >= 0x80 || !isWord(before)) letters.automaton.walk(bytes, at, bytes.length, take);
  }

  function take(index: number): boolean {
    const used = letters.used[index];
    if (used === undefined || !isAsked(search, used)) return false;
    tried ??= new Int32Array(letters.used.length).fill(-1);
    ends ??= new Int32Array(letters.used.length);
    if (tried[index] === at || at < (ends[index] ?? 0)) return false;
    tried[index] = at;
    const { detector } = used;
    search.doing = detector.name;
    if (detector.kind === 'find') {
      const span = detector.at?.(search.text, at);
      if (span !== undefined) report(search, used, span);
    } else if (detector.kind === 'pattern') {
      const pattern = letters.sticky[index];
      if (pattern === undefined) return false;
      pattern.lastIndex = at;
      const value = pattern.exec(search.text)?.[0];
      if (value === undefined || value === '') return false;
      ends[index] = at + value.length;
      fits(search, used, { at, value });
    }
    return false;
  }
}

/** Whether what fits a pattern of letters can be a finding here. */
function isAsked(search: Search, { detector, here }: Used): boolean {
  if (detector.kind !== 'pattern') return true;
  if (here) return detector.wholeInColumn !== true;
  return detector.score >= leastScore || isNamed(search, detector);
}

function fits(
  search: Search,
  used: Used,
  { at, value }: { readonly at: number; readonly value: string },
): void {
  const { detector } = used;
  if (detector.kind !== 'pattern') return;
  const span = { start: at, end: at + value.length, score: detector.score };
  if (detector.check === undefined || detector.check(value)) report(search, used, span);
  else if (detector.looseInContext === true) report(search, used, { ...span, loose: true });
}

function byItself(search: Search, used: Used, marks: number): void {
  const { detector, here, order } = used;
  const { text } = search;
  search.doing = detector.name;
  if (detector.kind !== 'digits' && here && detector.wholeInColumn === true) {
    if (!masked.test(text))
      search.found.push({ type: detector.name, start: 0, end: text.length, score: 0.9, order });
  } else if (detector.kind === 'find') {
    if (detector.onlyInColumn === true && !here) return;
    if (detector.head !== undefined || (marks !== anyMarks && (marks & search.signs.marks) === 0)) return;
    if (detector.gate !== undefined && !detector.gate.test(text)) return;
    for (const span of detector.find(text, (search.shared ??= sharedOf(search)))) report(search, used, span);
  } else if (detector.kind === 'pattern') {
    if (search.signs.digits < (detector.leastDigits ?? 0)) return;
    if (detector.score < leastScore && !here && !isNamed(search, detector)) return;
    const { pattern } = detector;
    pattern.lastIndex = 0;
    for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
      if (match[0] === '') pattern.lastIndex++;
      else fits(search, used, { at: match.index, value: match[0] });
    }
  }
}

function sharedOf({ text, signs }: Search): Shared {
  let found: ReturnType<Shared['names']> | undefined;
  // Names and addresses have letters.
  return { names: () => (found ??= signs.letters ? namesIn(text) : { people: [], places: [] }) };
}

/** What an operator made of a value: nothing more to find in it. */
const masked = /^(?:\*+|\[[A-Z_]{2,40}\]|h_[a-p]{40}|t_[a-p]{34,})$/;

function report(search: Search, used: Used, span: Span): void {
  const { detector, here } = used;
  if (search.found.length >= mostFindings) throw new RangeError('Too many findings');
  const { order } = used;
  if (span.score >= leastScore + contextBoost && span.loose !== true && !here) {
    search.found.push({ type: detector.name, start: span.start, end: span.end, score: span.score, order });
    return;
  }
  const naming = isNamed(search, detector) ? namingOf(search, detector, span) : undefined;
  if (detector.vague === true && !here && (naming?.distance ?? Infinity) > vagueReach) return;
  const loose = span.loose === true;
  let score = loose ? 0 : span.score;
  if (here || naming !== undefined) {
    // A column's name is surer than a word in a sentence: what it names is not taken for something else. Of two words
    // in a sentence the nearer one names the value, and of two names the one of more words.
    const close = nearness(naming?.distance ?? Infinity);
    const surer = Math.min(3, Math.max(used.words, naming?.words ?? 0, 1) - 1) / 100;
    const least = here ? (loose ? namedLoosely : namedScore) : loose ? leastScore : namedInText;
    // What stands right behind its own name is that, whatever else it could be: `SSN: 909-99-7209`.
    const isLabelled = naming !== undefined && naming.distance <= besides;
    const labelled = isLabelled ? (loose ? labelledLoosely : labelledScore) : 0;
    const raised = loose ? leastScore + close / 10 : score + contextBoost + close / 20;
    const sure = Math.max(least + surer, isLabelled ? labelled + surer : 0, Math.min(1, raised));
    const most = !here && naming?.general === true ? leastScore : detector.vague === true ? vaguely : 1;
    score = Math.round(Math.min(sure, most) * 100) / 100;
  }
  if (score >= leastScore) {
    search.found.push({ type: detector.name, start: span.start, end: span.end, score, order });
  }
}

/** How its name stands to a value, on either side of it or above. */
function namingOf(search: Search, detector: Detector, { start, end }: Span): Naming | undefined {
  const left = namedLeft(search, detector, start);
  if (left !== undefined && left.distance <= besides) return left;
  if (search.rightOf !== end) {
    const said = isNamedBehind(search.text.slice(start, end)) ? rightOf(search.text, end) : '';
    search.right = said === '' ? nobody : search.contexts.find(said);
    search.rightOf = end;
  }
  const right = search.right.get(detector);
  return right === undefined ? left : { ...right, distance: 0 };
}

/** So near to its name nothing behind the value says otherwise. */
const besides = 4;

function namedLeft(search: Search, detector: Detector, start: number): Naming | undefined {
  if (search.nearOf !== start) {
    search.near = nearLeft(search, start);
    search.nearOf = start;
  }
  return search.near?.get(detector);
}

/** Most values stand alone or behind other numbers: without a letter on the left there is no context to look for. */
function nearLeft({ text, bytes, contexts }: Search, start: number): Nearness {
  let at = start - 1;
  while (at >= 0 && start - at < 12 && !isLetter(bytes[at] ?? 0)) at--;
  const beside = at >= 0 && isLetter(bytes[at] ?? 0);
  const near = beside ? contexts.find(leftOf(text, start)) : nobody;
  if (near.size > 0) return near;
  const above = aboveOf(text, start);
  if (above === '') return nobody;
  return new Map(
    [...contexts.find(above)].map(([each, naming]) => [each, { ...naming, distance: aboveDistance }]),
  );
}

/** What a line above names is as far away as this, wherever in that line its name stands. */
const aboveDistance = 24;

function isLetter(byte: number): boolean {
  const low = byte | 0x20;
  return byte >= 0x80 || (low >= 0x61 && low <= 0x7a);
}
