import {
  detectors,
  type Detector,
  type DigitsDetector,
  type Finding,
  normalise,
  wordsOf,
} from '../../src/mask/index.ts';
import { isBelow } from '../../src/mask/arbitrate.ts';
import { namesIn } from '../../src/mask/names/index.ts';
import { bytesOf } from '../../src/mask/normalise.ts';
import { aboveOf, between, isNamedBehind, leftOf, readable, rightOf } from '../../src/mask/context.ts';
import { givingWay, type Said } from '../../src/mask/general.ts';

// The plain way to find things, which the fast engine must agree with: every pattern over the whole text, one after the
// other, no gate, no tables, no bytes. Only the detectors' own patterns, checks and words are shared, and where words are
// looked for.

const separators = '[ \\t\\r\\n./()+-]';
const dateTime =
  /(?<![\p{L}\p{N}\u0080-\uffff-])[12]\d{3}-(?:0\d|1[0-2])-(?:[0-2]\d|3[01])(?:[ T](?:[01]\d|2[0-4]):[0-5]\d(?::(?:[0-5]\d|60)(?:\.\d{1,9})?)?(?:Z|[+-](?:0\d|1[0-5]))?)?(?![\p{L}\p{N}\u0080-\uffff]|[-./][\p{L}\p{N}\u0080-\uffff])/gu;
const uuid =
  /(?<![A-Za-z0-9\u0080-\uffff-])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![A-Za-z0-9\u0080-\uffff@-])/g;
const touching = /[A-Za-z0-9\u0080-\uffff]/;

/** One pattern for each detector: what looking for all of them in a cell costs without any cleverness. */
export const plainPatterns: readonly RegExp[] = detectors.map((detector) =>
  detector.kind === 'pattern'
    ? detector.pattern
    : detector.kind === 'digits'
      ? digitsPattern(detector)
      : sketch(detector),
);

function digitsPattern({ shapes, lengths }: DigitsDetector): RegExp {
  const [least, most] = [Math.min(...lengths), Math.max(...lengths)];
  const any = `\\d(?:${separators}{0,3}\\d){${least - 1},${most - 1}}`;
  const listed = shapes?.map((shape) =>
    shape
      .split('-')
      .map((count) => `\\d{${count}}`)
      .join(`${separators}{1,3}`),
  );
  return new RegExp(
    `(?<![A-Za-z0-9])(?:${listed === undefined ? any : listed.join('|')})(?![A-Za-z0-9])`,
    'g',
  );
}

/** What a detector with code of its own begins with. */
function sketch({ name }: Detector): RegExp {
  switch (name) {
    case 'EMAIL_ADDRESS':
      return /[\p{L}\p{N}._%+'&=-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,10}\p{L}{2,24}/gu;
    case 'IP_ADDRESS':
      return /(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|(?<![\w:.])[0-9a-fA-F:]{2,39}(?![\w:])/g;
    case 'IBAN_CODE':
      return /(?<![A-Za-z0-9])[A-Z]{2}[ -]?\d[ -]?\d(?:[ -]?[A-Z0-9]){11,30}(?![A-Za-z0-9])/g;
    case 'PASSWORD':
      return /(?:password|passwd|pwd|secret|api_?key|token)["']?\s{0,4}[:=]\s{0,4}["']?[^\s;&"']{3,512}/gi;
    case 'URL':
      return /(?:https?|ftps?|wss?):\/\/[^\s"'<>]{1,2048}|www\.[^\s"'<>]{4,2048}/g;
    default:
      return /-----BEGIN[ A-Z0-9_-]{0,64}PRIVATE KEY(?: BLOCK)?-----/g;
  }
}

interface Group {
  readonly start: number;
  readonly end: number;
}

/** What is in the text, found the plain way. */
export function reference(text: string, column?: string): readonly Finding[] {
  if (text === '') return [];
  const normal = normalise(text);
  const near = column === undefined ? undefined : namedBy(wordsOf(column));
  const found: Finding[] = [];
  for (const detector of detectors) {
    const here = near?.has(detector) === true;
    const add = (span: { start: number; end: number; score: number; loose?: boolean }): void => {
      const score = scored(detector, span, {
        text: normal.text,
        here,
        words: near?.get(detector)?.words ?? 0,
      });
      if (score >= 0.4) found.push({ type: detector.name, start: span.start, end: span.end, score });
    };
    if (detector.kind !== 'digits' && here && detector.wholeInColumn === true) {
      if (!/^(?:\*+|\[[A-Z_]{2,40}\]|[ht]_[a-p]{34,})$/.test(normal.text))
        found.push({ type: detector.name, start: 0, end: normal.text.length, score: 0.9 });
    } else if (detector.kind === 'find')
      for (const span of detector.find(normal.text, { names: () => namesIn(normal.text) })) add(span);
    else if (detector.kind === 'digits') windows(normal.text, detector, here).forEach(add);
    else {
      for (const match of normal.text.matchAll(detector.pattern)) {
        const span = { start: match.index, end: match.index + match[0].length, score: detector.score };
        if (detector.check === undefined || detector.check(match[0])) add(span);
        else if (detector.looseInContext === true) add({ ...span, loose: true });
      }
    }
  }
  return best(found, normal.text).map((each) => ({
    ...each,
    start: normal.from(each.start),
    end: normal.to(each.end - 1),
  }));
}

/** With a sign in place of each character that no word is made of. */
function parted(text: string): string {
  const bytes = bytesOf(text);
  return text.replace(/[^\0-\x7f]/g, (char, at: number) => (bytes[at] === 0x80 ? char : '\u0001'));
}

/** Groups of digits with one to three separators between them, dates and UUIDs cut out. */
function runs(text: string): readonly (readonly Group[])[] {
  if (lastRuns.text !== text) lastRuns = { text, runs: runsAnew(text) };
  return lastRuns.runs;
}

let lastRuns: { readonly text: string; readonly runs: readonly (readonly Group[])[] } = {
  text: '',
  runs: [],
};

function runsAnew(written: string): readonly (readonly Group[])[] {
  const text = parted(written);
  const barriers = [...text.matchAll(uuid)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
  }));
  const all: Group[][] = [];
  let run: Group[] = [];
  let at = 0;
  const close = (): void => {
    if (run.length > 0) all.push(run);
    run = [];
  };
  while (at < text.length) {
    const barrier = barriers.find(({ start }) => start === at);
    if (barrier !== undefined) {
      close();
      at = barrier.end;
      continue;
    }
    if (!/\d/.test(text[at] ?? '')) {
      at++;
      continue;
    }
    const last = run.at(-1);
    const gap = last === undefined ? '' : text.slice(last.end, at);
    if (last !== undefined && (!new RegExp(`^${separators}{1,3}$`).test(gap) || gap.endsWith('+'))) close();
    const date = run.length === 0 ? stickyDate(text, at) : 0;
    if (date > 0) {
      at += date;
      continue;
    }
    let end = at + 1;
    while (/\d/.test(text[end] ?? '')) end++;
    run.push({ start: at, end });
    at = end;
  }
  close();
  return all;
}

function stickyDate(text: string, at: number): number {
  for (const match of text.slice(Math.max(0, at - 1)).matchAll(dateTime)) {
    const start = Math.max(0, at - 1) + match.index;
    if (start === at) return match[0].length;
    if (start > at) return 0;
  }
  return 0;
}

function windows(
  text: string,
  detector: DigitsDetector,
  here: boolean,
): readonly { start: number; end: number; score: number; loose?: boolean }[] {
  const spans: { start: number; end: number; score: number; loose?: boolean }[] = [];
  const around = parted(text);
  for (const run of runs(text)) {
    for (let from = 0; from < run.length; from++) {
      for (let to = from; to < run.length; to++) {
        if (to - from >= 7 && (from > 0 || to < run.length - 1)) continue;
        const groups = run.slice(from, to + 1);
        const digits = groups.map(({ start, end }) => text.slice(start, end)).join('');
        if (digits.length > 24) break;
        const shape = groups.map(({ start, end }) => end - start).join('-');
        if (!detector.lengths.includes(digits.length)) continue;
        if (!here && detector.shapes !== undefined && !detector.shapes.includes(shape)) continue;
        const [start, end] = [groups[0]?.start ?? 0, groups.at(-1)?.end ?? 0];
        const [left, right] = [touching.test(around[start - 1] ?? ''), touching.test(around[end] ?? '')];
        if (left || (right && !/[xe]/i.test(text[end] ?? ''))) continue;
        const signs =
          detector.lead === true
            ? (/[+(]{1,2}$/.exec(text.slice(Math.max(0, start - 2), start))?.[0] ?? '')
            : '';
        const number = text.slice(start, end);
        const [open, close] = [number.indexOf('('), number.indexOf(')')];
        const closed = close >= 0 && (open < 0 || close < open);
        const lead = closed ? (signs === '((' ? 1 : signs.length) : signs.endsWith('+') ? 1 : 0;
        let last = end;
        if (detector.trail !== undefined) {
          detector.trail.lastIndex = end;
          last += detector.trail.exec(text)?.[0].length ?? 0;
        }
        if (last === end && right) continue;
        const first = start - lead;
        const score = detector.judge({
          digits,
          shape,
          raw: text.slice(first, end),
          whole: groups.length === run.length,
          before: text.slice(Math.max(0, first - 2), first),
          after: text.slice(last, last + 10),
          left: text.slice(Math.max(0, first - 72), first),
          named: here,
          confirm: () => true,
        });
        if (score !== 0)
          spans.push({
            start: first,
            end: last,
            score: Math.max(0, score),
            ...(score < 0 ? { loose: true } : {}),
          });
      }
    }
  }
  return spans;
}

interface Naming {
  readonly distance: number;
  readonly words: number;
  readonly general?: boolean;
}

// One pattern for each phrase, over the whole of the words.
const phrases = detectors.flatMap((detector) => {
  const own = ['DATE_TIME', 'LOCATION', 'PERSON', 'URL'].includes(detector.name)
    ? []
    : [detector.name.toLowerCase().replaceAll('_', ' ')];
  return [...detector.context, ...own].map((written) => phrase(detector, written));
});

interface Phrase {
  readonly detector: Detector;
  readonly pattern: RegExp;
  /** What the words must hold for the pattern to fit. */
  readonly stem: string;
  readonly words: number;
  readonly general: boolean;
  /** In scripts without blanks. */
  readonly joined: boolean;
}

function phrase(detector: Detector, written: string): Phrase {
  const text = written.replace(/[$^]$/, '');
  const words = text.match(/[\p{L}\p{M}]+/gu) ?? [];
  if (
    /[\p{sc=Han}\p{sc=Hangul}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Arabic}\p{sc=Hebrew}]/u.test(text)
  ) {
    return {
      detector,
      pattern: new RegExp(text, 'gu'),
      stem: text.toLowerCase(),
      words: 1,
      general: false,
      joined: true,
    };
  }
  const apart = words.map((word) => `${word}${ending(word)}(?:['’]s)?`).join('(?:[^\\p{L}\\p{M}])+');
  const either =
    words.length > 1 ? `(?:${apart}|${words.join('')}${ending(words.join(''))}(?:['’]s)?)` : apart;
  const tail = `(?:[^\\p{L}\\p{M}]+(?:${between.join('|')})(?![\\p{L}\\p{M}]))*`;
  const first = written.endsWith('^') ? '(?<=^[^\\p{L}\\p{M}]*)' : '(?<![\\p{L}\\p{M}])';
  const last = written.endsWith('$') ? `(?=${tail}[^\\p{L}\\p{M}]*$)` : '';
  return {
    detector,
    pattern: new RegExp(`${first}${either}(?![\\p{L}\\p{M}])${last}(${tail})`, 'giu'),
    stem: (words[0] ?? '').toLowerCase(),
    words: words.length,
    general: detector.general?.includes(written) === true,
    joined: false,
  };
}

/** Plural, or another case. */
function ending({ length }: string): string {
  return length < 2 ? '' : length < 4 ? '(?:es|s)?' : '(?:es|en|s|n)?';
}

const namings = new Map<string, ReadonlyMap<Detector, Naming>>();

function namedBy(written: string): ReadonlyMap<Detector, Naming> {
  const words = readable(written);
  const known = namings.get(words);
  if (known !== undefined) return known;
  if (namings.size > 50_000) namings.clear();
  const found = new Map<Detector, Naming>();
  const lower = words.toLowerCase();
  const all: Said[] = [];
  for (const { detector, pattern, stem, words: count, general, joined } of phrases) {
    if (!lower.includes(stem)) continue;
    for (const match of words.matchAll(pattern)) {
      const before = found.get(detector);
      const distance = words.length - match.index - match[0].length;
      found.set(detector, {
        distance: Math.min(distance, before?.distance ?? distance),
        words: Math.max(count, before?.words ?? 0),
      });
      const end = match.index + match[0].length - (match[1]?.length ?? 0);
      if (!joined) all.push({ detector, start: match.index, end, general });
    }
  }
  for (const detector of givingWay(words, all)) {
    const naming = found.get(detector);
    if (naming !== undefined) found.set(detector, { ...naming, general: true });
  }
  namings.set(words, found);
  return found;
}

/** How far its name is from a value: left of it, behind it, or above. */
function placed(
  detector: Detector,
  { start, end }: { readonly start: number; readonly end: number },
  text: string,
): Naming | undefined {
  const beside = /[A-Za-z\u0080-\uffff]/.test(text.slice(Math.max(0, start - 12), start));
  const left = beside ? namedBy(leftOf(text, start)) : new Map<Detector, Naming>();
  const above = left.size === 0 ? namedBy(aboveOf(text, start)).get(detector) : undefined;
  const near = above === undefined ? left.get(detector) : { ...above, distance: 24 };
  if (near !== undefined && near.distance <= 4) return near;
  const behind = isNamedBehind(text.slice(start, end))
    ? namedBy(rightOf(text, end)).get(detector)
    : undefined;
  return behind === undefined ? near : { ...behind, distance: 0 };
}

function scored(
  detector: Detector,
  span: { readonly start: number; readonly end: number; readonly score: number; readonly loose?: boolean },
  { text, here, words }: { readonly text: string; readonly here: boolean; readonly words: number },
): number {
  const loose = span.loose === true;
  if (!loose && !here && span.score >= 0.75) return span.score;
  const naming = placed(detector, span, text);
  if (detector.vague === true && !here && (naming?.distance ?? Infinity) > 24) return 0;
  if (!here && naming === undefined) return loose ? 0 : span.score;
  const close = naming === undefined ? 0 : Math.max(0, 1 - naming.distance / 72);
  const surer = Math.min(3, Math.max(words, naming?.words ?? 0, 1) - 1) / 100;
  const least = here ? (loose ? 0.72 : 0.85) : loose ? 0.4 : 0.78;
  const label = naming !== undefined && naming.distance <= 4 ? (loose ? 0.81 : 0.95) + surer : 0;
  const raised = loose ? 0.4 + close / 10 : span.score + 0.35 + close / 20;
  const sure = Math.max(least + surer, label, Math.min(1, raised));
  const most = !here && naming?.general === true ? 0.4 : detector.vague === true ? 0.42 : 1;
  return Math.round(Math.min(sure, most) * 100) / 100;
}

/** The best of what overlaps, grown over all of it. */
function best(found: readonly Finding[], text: string): readonly Finding[] {
  const kept: Finding[] = [];
  for (const each of found.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const last = kept.at(-1);
    if (last === undefined || each.start >= last.end) {
      kept.push(each);
      continue;
    }
    const above = isBelow(each, last, text);
    if (above > 0) {
      kept[kept.length - 1] = { ...last, end: last.start + above };
      kept.push(each);
      continue;
    }
    const wider = each.end - each.start > last.end - last.start;
    const winner = each.score > last.score || (each.score === last.score && wider) ? each : last;
    kept[kept.length - 1] = { ...winner, start: last.start, end: Math.max(last.end, each.end) };
  }
  return kept;
}
