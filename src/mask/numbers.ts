import { nobody, reach, type Nearness } from './context.ts';
import type { Finding, Span } from './detector.ts';
import { runsOf, type Run } from './groups.ts';
import type { Signs } from './signs.ts';
import { isWord } from './stamps.ts';
import { mostDigits, type Able, type ByLength, type Used, type UsedDigits } from './tables.ts';

// Numbers among the groups of digits that people write them in.

const mostGroups = 7;

export interface Found extends Finding {
  /** Of two that are alike the detector that stands first in the list has it. */
  readonly order: number;
}

/** What of a search windows of numbers need. */
export interface NumberSearch {
  readonly text: string;
  /** See bytesOf. */
  readonly bytes: Uint8Array;
  readonly signs: Signs;
  readonly found: readonly Found[];
  /** Expensive confirmations that are left, and windows. */
  confirmations: number;
  windows: number;
  /** Who may be named at all. */
  readonly named: Nearness;
  /** The type that is being looked for. */
  doing: string;
}

/** Who takes which numbers: where something is named, and where nothing is. */
interface Takers {
  readonly digits: ByLength;
  readonly digitsAlone: ByLength;
}

type Report = (used: Used, span: Span) => void;

/** Windows of digit groups, each asked of those who take its length and shape. */
export function byDigits(search: NumberSearch, takers: Takers, report: Report): void {
  const each = (windows: Windows): void => windowsFrom(search, windows, takers, report);
  for (const run of runsOf(search.bytes)) {
    const last = run.starts.length - 1;
    // Where no word can say otherwise the whole number comes first: as a rule nothing inside of it matters then.
    const wholeFirst = !search.signs.letters && last > 0 && last <= mostGroups;
    if (wholeFirst) each({ from: 0, first: last, last, run });
    for (let from = 0; from <= last; from++)
      each({ from, first: from, last: wholeFirst && from === 0 ? last - 1 : last, run });
  }
}

/** The windows from one group on whose last group is from `first` to `last`. */
interface Windows {
  readonly run: Run;
  readonly from: number;
  readonly first: number;
  readonly last: number;
}

// oxlint-disable-next-line max-params
function windowsFrom(
  search: NumberSearch,
  { run, from, first, last }: Windows,
  { digits, digitsAlone }: Takers,
  report: Report,
): void {
  // What a sign leads is asked of all: it is what the sign says it is.
  const lead = leadOf(search.bytes, run.starts[from] ?? 0);
  const byLength = lead > 0 || search.named !== nobody ? digits : digitsAlone;
  let count = 0;
  let shape = 0;
  for (let to = from; to <= last; to++) {
    const group = (run.ends[to] ?? 0) - (run.starts[to] ?? 0);
    count += group;
    if (count > mostDigits) break;
    shape = shape * (mostDigits + 1) + group;
    if (to < first) continue;
    // Nothing is written in more groups, except digit by digit: then it is the whole run.
    if (to - from >= mostGroups && (from > 0 || to < run.starts.length - 1)) continue;
    const able = byLength[count];
    if (able === undefined) continue;
    if (search.windows-- <= 0) throw new RangeError('Too many numbers');
    const takers = to - from >= mostGroups ? able.any : (able.shapes.get(shape) ?? able.any);
    if (takers.length > 0) judgeWindow(search, takers, { run, from, to, lead }, report);
  }
}

/**
 * Whether a finding that covers this window makes whatever the detector would say of it a part of itself (`arbitrate`).
 * Without a letter in the text nothing is named there, so that `most` is the most it can say.
 */
function isBeaten(
  search: NumberSearch,
  { detector, here, order }: UsedDigits,
  start: number,
  end: number,
): boolean {
  const best = search.found.at(-1);
  if (best === undefined || here || search.signs.letters || best.start > start || best.end < end)
    return false;
  const most = detector.most ?? 1;
  return (
    most < best.score || (most === best.score && (order > best.order || end - start < best.end - best.start))
  );
}

// oxlint-disable-next-line max-params
function judgeWindow(
  search: NumberSearch,
  takers: Able['any'],
  at: { readonly run: Run; readonly from: number; readonly to: number; readonly lead: number },
  report: Report,
): void {
  const { text, bytes } = search;
  const { run, from, to, lead } = at;
  const start = run.starts[from] ?? 0;
  const end = run.ends[to] ?? 0;
  // A letter that touches a number makes it part of a word: an order's or a part's name.
  if (isWord(bytes[start - 1]) || isWord(bytes[end])) {
    if (!/x|e/i.test(text[end] ?? '') || isWord(bytes[start - 1])) return;
  }
  let shape = '';
  let digits = '';
  const whole = from === 0 && to === run.starts.length - 1;
  const signs = numberSigns(text.slice(start - lead, start), text.slice(start, end));
  const confirm = (): boolean => search.confirmations-- > 0;
  for (const used of takers) {
    const { detector } = used;
    search.doing = detector.name;
    const first = detector.lead === true ? start - signs : start;
    let last = end;
    if (detector.trail !== undefined && end < text.length) {
      detector.trail.lastIndex = end;
      last += detector.trail.exec(text)?.[0].length ?? 0;
    }
    if (last === end && isWord(bytes[end])) continue;
    if (isBeaten(search, used, first, last)) continue;
    if (shape === '') {
      shape = shapeOf(run, from, to);
      for (let group = from; group <= to; group++) digits += text.slice(run.starts[group], run.ends[group]);
    }
    const score = detector.judge({
      digits,
      shape,
      raw: text.slice(first, end),
      whole,
      before: text.slice(Math.max(0, first - 2), first),
      after: text.slice(last, last + 10),
      left: text.slice(Math.max(0, first - reach), first),
      confirm,
      named: used.here,
    });
    if (score === 0 || (score < 0 && !used.here && search.named === nobody)) continue;
    report(used, {
      start: first,
      end: last,
      score: Math.max(0, score),
      ...(score < 0 ? { loose: true } : {}),
    });
  }
}

/** The lengths of the groups: `3-2-4`. */
function shapeOf({ starts, ends }: Run, from: number, to: number): string {
  let shape = String((ends[from] ?? 0) - (starts[from] ?? 0));
  for (let group = from + 1; group <= to; group++) shape += `-${(ends[group] ?? 0) - (starts[group] ?? 0)}`;
  return shape;
}

/** How many of the signs before a number are its own. `(415-555-0132)`: a bracket that the number does not close is the sentence's. */
function numberSigns(signs: string, number: string): number {
  const close = number.indexOf(')');
  const open = number.indexOf('(');
  if (close >= 0 && (open < 0 || close < open)) return signs === '((' ? 1 : signs.length;
  return signs.endsWith('+') ? 1 : 0;
}

/** How many of the characters before `start` lead a number: `+`, `(`, `+(`, `(+`. */
function leadOf(bytes: Uint8Array, start: number): number {
  let lead = 0;
  while (lead < 2 && (bytes[start - lead - 1] === plus || bytes[start - lead - 1] === bracket)) lead++;
  return lead;
}

const plus = 0x2b;
const bracket = 0x28;
