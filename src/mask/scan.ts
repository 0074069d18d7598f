import { Lru } from '../base/lru.ts';
import {
  contextFinder,
  leftOf,
  nearness,
  reach,
  withoutNames,
  wordsOf,
  type ContextFinder,
  type Naming,
  type Nearness,
} from './context.ts';
import {
  contextBoost,
  leastScore,
  type Detector,
  type DigitsDetector,
  type Finding,
  type Span,
} from './detector.ts';
import { detectors } from './detectors/index.ts';
import { bytesOf, normalise } from './normalise.ts';
import { isWord, runsOf, type Run } from './groups.ts';
import { anySign, signs as gate, signsOf } from './gate.ts';

export interface ScanOptions {
  /** Presidio names; absent or with `*`: all. */
  readonly entities?: readonly string[];
  /** The column's, key's or header's name: context for every value in it. */
  readonly column?: string;
  /**
   * Asks every detector, whatever signs the text shows: finds short values in their context too (`postcode SW1A 1AA`), and
   * what it finds at one place never hangs on another. Some ten microseconds for each text; `mayContain` says nothing of it.
   */
  readonly thorough?: boolean;
  /** Other detectors than the program's own. */
  readonly detectors?: readonly Detector[];
}

/** The most findings one text may have before it counts as one: beyond, the whole text is a finding. */
const mostFindings = 20_000;
/** Expensive confirmations (numbering plans) for each text; beyond, shape alone decides. */
const mostConfirmations = 200;
/** Windows of digit groups looked at in one text: about half a second; beyond, the whole text is a finding. */
const mostWindows = 500_000;
const mostDigits = 24;
const mostGroups = 7;

/** A search made ready: what can be worked out from the options is. Finds as `scan` does. */
export type Scanner = (text: string) => readonly Finding[];

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
  const made = makeScanner(options);
  scanners.set(key, made);
  return made;
}

const scannersKept = 2_000;
const scanners: Lru<string, Scanner> = new Lru(scannersKept);
const contexts: Lru<string, boolean> = new Lru(scannersKept);

function keyOf({ entities, column, thorough }: ScanOptions): string {
  return `${entities === undefined ? '*' : [...entities].sort().join()}\0${thorough === true ? 't' : ''}\0${column ?? ''}`;
}

function makeScanner(options: ScanOptions): Scanner {
  const { entities, column } = options;
  const wanted = entities === undefined || entities.includes('*') ? undefined : new Set(entities);
  const all = options.detectors ?? detectors;
  const finder = all === detectors ? standardContexts : contextFinder(all);
  const near = column === undefined ? undefined : finder(wordsOf(column));
  const plain: Plain[] = [];
  const digits: UsedDigits[] = [];
  for (const detector of all) {
    if (wanted !== undefined && !wanted.has(detector.name)) continue;
    const naming = near?.get(detector);
    const used = { here: naming !== undefined, words: naming?.words ?? 0 };
    if (detector.kind === 'digits') digits.push({ detector, ...used });
    else
      plain.push({
        detector,
        needsName: detector.kind === 'pattern' && detector.score < leastScore,
        ...used,
      });
  }
  const here = digits.filter((each) => each.here);
  const ready: Ready = {
    plain,
    digits: byLength(digits),
    here: here.length === 0 ? undefined : byLength(here),
    contexts: finder,
    thorough: options.thorough === true,
    named: here.length > 0 || plain.some((each) => each.here),
    failed: wanted?.values().next().value ?? digits[0]?.detector.name ?? 'UNKNOWN',
  };
  return (text) => (text === '' ? none : search(text, ready));
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
  const finder = options.detectors === undefined ? standardContexts : contextFinder(options.detectors);
  const near = finder(wordsOf(options.column));
  return [...near.keys()].some(({ name }) => wanted === undefined || wanted.includes(name));
}

/** The least score of a value in a column that names its type: with a right check, and with a wrong one. */
const namedScore = 0.85;
const namedLoosely = 0.5;

/** Of a value with a wrong check right behind its own name. */
const labelledLoosely = 0.81;

const none: readonly Finding[] = [];
const standardContexts = contextFinder(detectors);
const standard = scanner();

interface Used {
  readonly detector: Detector;
  /** The column's name is its context, by so many words. */
  readonly here: boolean;
  readonly words: number;
}

interface Plain extends Used {
  readonly detector: Exclude<Detector, DigitsDetector>;
  /** What it finds by its pattern alone is too weak to be reported. */
  readonly needsName: boolean;
}

interface UsedDigits extends Used {
  readonly detector: DigitsDetector;
}

/** Detectors of digits by how many they look for: those that take any shape, and all that take this one. */
interface Able {
  readonly any: readonly UsedDigits[];
  readonly shapes: ReadonlyMap<string, readonly UsedDigits[]>;
}

type ByLength = readonly (Able | undefined)[];

interface Ready {
  readonly plain: readonly Plain[];
  readonly digits: ByLength;
  /** Those that the column's name is context for: asked even where the text shows no sign. */
  readonly here: ByLength | undefined;
  readonly contexts: ContextFinder;
  readonly thorough: boolean;
  /** The column's name is context for some detector. */
  readonly named: boolean;
  /** What a failure among detectors of digits is reported as: a type that was asked for. */
  readonly failed: string;
}

function byLength(digits: readonly UsedDigits[]): ByLength {
  return Array.from({ length: mostDigits + 1 }, (_, length) => {
    const able = digits.filter(({ detector }) => detector.lengths.includes(length));
    if (able.length === 0) return undefined;
    const shapes = new Set(able.flatMap(({ detector }) => detector.shapes ?? []));
    const taking = (shape: string): readonly UsedDigits[] =>
      able.filter(
        ({ detector, here }) => here || detector.shapes === undefined || detector.shapes.includes(shape),
      );
    return { any: taking(''), shapes: new Map([...shapes].map((shape) => [shape, taking(shape)])) };
  });
}

/** Stands for: any of them may be named. */
const everyone: Nearness = new Map();

function search(text: string, ready: Ready): readonly Finding[] {
  const normal = normalise(text);
  const bytes = bytesOf(normal.text);
  const signs = ready.thorough ? anySign : signsOf(bytes, 0, bytes.length, false);
  if (signs === 0 && !ready.named) return none;
  const state: Search = {
    text: normal.text,
    bytes,
    found: [],
    confirmations: mostConfirmations,
    windows: mostWindows,
    contexts: ready.contexts,
    near: undefined,
    nearOf: -1,
  };
  let name = ready.failed;
  try {
    const digits = (signs & gate.digits) === 0 ? ready.here : ready.digits;
    if (digits !== undefined) byDigits(state, digits);
    // Of a short text that names none of those that need a name, which most are, they need not be asked.
    let near = normal.text.length <= reach ? undefined : everyone;
    for (const used of ready.plain) {
      const { detector, here } = used;
      name = detector.name;
      if (!here && (signs & detector.gate) === 0) continue;
      if (used.needsName && !here && near !== everyone) {
        near ??= ready.contexts(withoutNames(normal.text), true);
        if (!near.has(detector)) continue;
      }
      if (detector.kind === 'pattern') byPattern(state, detector, used);
      else for (const span of detector.find(state.text)) report(state, used, span);
    }
  } catch {
    return [{ type: name, start: 0, end: text.length, score: 1 }];
  }
  if (state.found.length === 0) return none;
  return arbitrate(state.found).map((each) => ({
    ...each,
    start: normal.from(each.start),
    end: normal.to(each.end - 1),
  }));
}

interface Search {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly found: Finding[];
  confirmations: number;
  windows: number;
  readonly contexts: ContextFinder;
  /** What the words left of `nearOf` are context for: worked out once for all detectors that ask. */
  near: Nearness | undefined;
  nearOf: number;
}

function byPattern(search: Search, detector: Extract<Detector, { kind: 'pattern' }>, used: Used): void {
  const { text } = search;
  const { here } = used;
  if (here && detector.wholeInColumn === true) {
    if (!masked.test(text))
      search.found.push({ type: detector.name, start: 0, end: text.length, score: 0.9 });
    return;
  }
  const { pattern } = detector;
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    if (match[0] === '') {
      pattern.lastIndex++;
      continue;
    }
    const span = { start: match.index, end: match.index + match[0].length, score: detector.score };
    if (detector.check === undefined || detector.check(match[0])) report(search, used, span);
    else if (detector.looseInContext === true) report(search, used, { ...span, loose: true });
  }
}

/** What an operator made of a value: nothing more to find in it. */
const masked = /^(?:\*+|\[[A-Z_]{2,40}\]|h_[a-p]{40}|t_[a-p]{34,})$/;

function report(search: Search, used: Used, span: Span): void {
  const { detector, here } = used;
  if (search.found.length >= mostFindings) throw new RangeError('Too many findings');
  if (span.score >= leastScore + contextBoost && span.loose !== true && !here) {
    search.found.push({ type: detector.name, start: span.start, end: span.end, score: span.score });
    return;
  }
  const distance = namedLeft(search, detector, span.start)?.distance;
  const loose = span.loose === true;
  let score = loose ? 0 : span.score;
  if (here || distance !== undefined) {
    // A column's name is surer than a word in a sentence: what it names is not taken for something else. Of two words
    // in a sentence the nearer one names the value.
    const close = nearness(distance ?? Infinity);
    const surer = Math.max(0, used.words - 1) / 100;
    const least = here ? (loose ? namedLoosely : namedScore) + surer : leastScore;
    // What stands right behind its own name is that, whatever else it could be: `SSN: 909-99-7209`.
    const labelled = distance === undefined || distance > 4 ? 0 : loose ? labelledLoosely : namedScore;
    const raised = loose ? leastScore + close / 10 : score + contextBoost + close / 20;
    score = Math.round(Math.max(least, labelled, Math.min(1, raised)) * 100) / 100;
  }
  if (score >= leastScore) {
    search.found.push({ type: detector.name, start: span.start, end: span.end, score });
  }
}

/** Most values stand alone or behind other numbers: without a letter on the left there is no context to look for. */
function namedLeft(search: Search, detector: Detector, start: number): Naming | undefined {
  if (search.nearOf !== start) {
    let at = start - 1;
    while (at >= 0 && start - at < 12 && !isLetter(search.bytes[at] ?? 0)) at--;
    search.near =
      at >= 0 && isLetter(search.bytes[at] ?? 0) ? search.contexts(leftOf(search.text, start)) : undefined;
    search.nearOf = start;
  }
  return search.near?.get(detector);
}

function isLetter(byte: number): boolean {
  const low = byte | 0x20;
  return byte >= 0x80 || (low >= 0x61 && low <= 0x7a);
}

function byDigits(search: Search, byLength: ByLength): void {
  for (const run of runsOf(search.bytes)) {
    for (let from = 0; from < run.starts.length; from++) {
      let count = 0;
      for (let to = from; to < run.starts.length; to++) {
        count += (run.ends[to] ?? 0) - (run.starts[to] ?? 0);
        if (count > mostDigits) break;
        // Nothing is written in more groups, except digit by digit: then it is the whole run.
        if (to - from >= mostGroups && (from > 0 || to < run.starts.length - 1)) continue;
        const able = byLength[count];
        if (able === undefined) continue;
        if (search.windows-- <= 0) throw new RangeError('Too many numbers');
        judgeWindow(search, able, { run, from, to });
      }
    }
  }
}

function judgeWindow(
  search: Search,
  table: Able,
  at: { readonly run: Run; readonly from: number; readonly to: number },
): void {
  const { text, bytes } = search;
  const { run, from, to } = at;
  const start = run.starts[from] ?? 0;
  const end = run.ends[to] ?? 0;
  // A letter that touches a number makes it part of a word: an order's or a part's name.
  if (isWord(bytes[start - 1]) || isWord(bytes[end])) {
    if (!/x|e/i.test(text[end] ?? '') || isWord(bytes[start - 1])) return;
  }
  let shape = String((run.ends[from] ?? 0) - start);
  for (let group = from + 1; group <= to; group++) {
    shape += `-${(run.ends[group] ?? 0) - (run.starts[group] ?? 0)}`;
  }
  const able = table.shapes.get(shape) ?? table.any;
  if (able.length === 0) return;
  let digits = '';
  for (let group = from; group <= to; group++) digits += text.slice(run.starts[group], run.ends[group]);
  const lead = leadOf(text, start);
  const whole = from === 0 && to === run.starts.length - 1;
  const confirm = (): boolean => search.confirmations-- > 0;
  for (const used of able) {
    const { detector } = used;
    const first = detector.lead === true ? start - lead : start;
    let last = end;
    if (detector.trail !== undefined) {
      detector.trail.lastIndex = end;
      last += detector.trail.exec(text)?.[0].length ?? 0;
    }
    if (last === end && isWord(bytes[end])) continue;
    const score = detector.judge({
      digits,
      shape,
      raw: text.slice(first, end),
      whole,
      before: text.slice(Math.max(0, first - 2), first),
      after: text.slice(last, last + 10),
      confirm,
      named: used.here,
    });
    if (score === 0) continue;
    report(search, used, {
      start: first,
      end: last,
      score: Math.max(0, score),
      ...(score < 0 ? { loose: true } : {}),
    });
  }
}

/** How many of the characters before `start` lead a number: `+`, `(`, `+(`, `(+`. */
function leadOf(text: string, start: number): number {
  let lead = 0;
  while (lead < 2 && (text[start - lead - 1] === '+' || text[start - lead - 1] === '(')) lead++;
  return lead;
}

/**
 * Of findings that overlap the best stays: higher score, then longer, then first. It grows over what the others cover,
 * so that arbitration never uncovers a character that some detector found.
 */
function arbitrate(found: readonly Finding[]): readonly Finding[] {
  const ordered = [...found].sort((a, b) => a.start - b.start || b.end - a.end);
  const kept: Finding[] = [];
  for (const each of ordered) {
    const last = kept.at(-1);
    if (last === undefined || each.start >= last.end) {
      kept.push(each);
      continue;
    }
    const better =
      each.score > last.score || (each.score === last.score && each.end - each.start > last.end - last.start)
        ? each
        : last;
    kept[kept.length - 1] = { ...better, start: last.start, end: Math.max(last.end, each.end) };
  }
  return kept;
}
