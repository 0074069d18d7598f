import { leftOf, named, wordsOf } from './context.ts';
import { contextBoost, leastScore, type Detector, type DigitsDetector, type Finding, type Span } from './detector.ts';
import { detectors } from './detectors/index.ts';
import { bytesOf, normalise } from './normalise.ts';
import { isWord, runsOf, type Run } from './groups.ts';
import { signsOf } from './gate.ts';

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
const mostDigits = 20;

/**
 * Finds sensitive values: disjoint, in order. Linear in the text. Never throws: a detector that fails makes the whole
 * text a finding of its type.
 */
export function scan(text: string, options: ScanOptions = {}): readonly Finding[] {
  if (text === '') return [];
  const used = options.detectors ?? detectors;
  const wanted = options.entities === undefined || options.entities.includes('*') ? undefined : options.entities;
  const normal = normalise(text);
  const bytes = bytesOf(normal.text);
  const column = options.column === undefined ? undefined : wordsOf(options.column);
  const signs = signsOf(bytes, { start: 0, end: bytes.length, first: false });
  const search: Search = { text: normal.text, bytes, column, found: [], confirmations: mostConfirmations };
  const digits: DigitsDetector[] = [];
  for (const detector of used) {
    if (wanted !== undefined && !wanted.includes(detector.name)) continue;
    const here = column !== undefined && named(detector, column);
    if (detector.kind === 'digits') {
      if (here || (signs & 2) !== 0) digits.push(detector);
      continue;
    }
    if (!here && (signs & detector.gate) === 0) continue;
    try {
      if (detector.kind === 'pattern') byPattern(search, detector, here);
      else for (const span of detector.find(search.text)) report(search, detector, span);
    } catch {
      return [{ type: detector.name, start: 0, end: text.length, score: 1 }];
    }
    if (search.found.length > mostFindings) return [{ type: detector.name, start: 0, end: text.length, score: 1 }];
  }
  if (digits.length > 0) {
    try {
      byDigits(search, digits);
    } catch {
      return [{ type: digits[0]?.name ?? 'UNKNOWN', start: 0, end: text.length, score: 1 }];
    }
  }
  if (search.found.length === 0) return [];
  return arbitrate(search.found).map((each) => ({
    ...each,
    start: normal.from(each.start),
    end: each.end === 0 ? 0 : normal.to(each.end - 1),
  }));
}

interface Search {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly column: string | undefined;
  readonly found: Finding[];
  confirmations: number;
}

function byPattern(search: Search, detector: Extract<Detector, { kind: 'pattern' }>, here: boolean): void {
  const { text } = search;
  if (here && detector.wholeInColumn === true) {
    if (!masked.test(text)) search.found.push({ type: detector.name, start: 0, end: text.length, score: 0.9 });
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
    if (detector.check === undefined || detector.check(match[0])) report(search, detector, span);
    else if (detector.looseInContext === true) report(search, detector, { ...span, loose: true });
  }
}

/** What an operator made of a value: nothing more to find in it. */
const masked = /^(?:\*+|\[[A-Z_]{2,40}\]|h_[a-p]{40})$/;

function report(search: Search, detector: Detector, span: Span): void {
  if (span.score >= leastScore + contextBoost && span.loose !== true) {
    search.found.push({ type: detector.name, start: span.start, end: span.end, score: span.score });
    return;
  }
  const inContext =
    (search.column !== undefined && named(detector, search.column)) ||
    named(detector, leftOf(search.text, span.start));
  let score = span.loose === true ? (inContext ? leastScore : 0) : span.score;
  if (inContext && span.loose !== true) score = Math.max(leastScore, Math.min(1, score + contextBoost));
  if (score >= leastScore) {
    search.found.push({ type: detector.name, start: span.start, end: span.end, score });
  }
}

function byDigits(search: Search, digits: readonly DigitsDetector[]): void {
  const byLength: DigitsDetector[][] = Array.from({ length: mostDigits + 1 }, () => []);
  for (const detector of digits) for (const length of detector.lengths) byLength[length]?.push(detector);
  for (const run of runsOf(search.bytes)) {
    for (let from = 0; from < run.starts.length; from++) {
      let count = 0;
      for (let to = from; to < run.starts.length; to++) {
        count += (run.ends[to] ?? 0) - (run.starts[to] ?? 0);
        if (count > mostDigits) break;
        const able = byLength[count];
        if (able === undefined || able.length === 0) continue;
        judgeWindow(search, able, { run, from, to });
        if (search.found.length > mostFindings) throw new RangeError('Too many findings');
      }
    }
  }
}

function judgeWindow(
  search: Search,
  able: readonly DigitsDetector[],
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
  let digits = '';
  let shape = '';
  for (let group = from; group <= to; group++) {
    const part = text.slice(run.starts[group], run.ends[group]);
    digits += part;
    shape += group === from ? part.length : `-${part.length}`;
  }
  const lead = leadOf(text, start);
  const whole = from === 0 && to === run.starts.length - 1;
  const confirm = (): boolean => search.confirmations-- > 0;
  for (const detector of able) {
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
      after: text.slice(last, last + 2),
      confirm,
    });
    if (score === 0) continue;
    report(search, detector, { start: first, end: last, score: Math.max(0, score), ...(score < 0 ? { loose: true } : {}) });
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
