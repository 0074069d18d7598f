import { createHmac } from 'node:crypto';
import { isIP } from 'node:net';
import type { FindMask, MaskOperator } from '../core/decision.ts';
import { operatorForFind } from '../core/duties.ts';
import type { Finding } from './detector.ts';
import { fakeOf } from './fake.ts';
import { mayContain } from './gate.ts';
import { lettersOf, type MaskKey } from './key.ts';
import { isContext, type More, scanner, type Scanner } from './scan.ts';
import { sealed, tokenOf } from './token.ts';

/**
 * How the operator shows a text. Showing what was shown again changes nothing, but for numbers as tokens and for
 * pseudonyms of names and numbers: those are no longer told from what they stand for. The empty text stays empty.
 * `null` is for callers that have a NULL to give; here it shows like redact.
 * `entity`: a detector found it, inside another text.
 */
export function showText(
  operator: MaskOperator,
  value: string,
  key: MaskKey,
  hint: { readonly entity?: string } = {},
): string {
  if (value === '') return '';
  switch (operator.kind) {
    case 'redact':
      if (operator.keepWidth === true) return Array.from(value, () => '*').join('');
      return redacted(hint.entity);
    case 'null':
    case 'noise': // of a text there is nothing near: numbers and moments have it by their type
      return redacted(hint.entity);
    case 'token':
      return hint.entity === undefined ? tokenOf(value, key) : sealed(value, key);
    case 'fake':
      return fakeOf(value, key, hint.entity);
    case 'partial':
      return partial(operator, value);
    case 'hash':
      return hash(value, key);
    case 'generalise':
      return generalise(value);
  }
}

function redacted(entity: string | undefined): string {
  return entity === undefined ? '***' : `[${entity}]`;
}

/** Shows the findings in a text for which `finds` has an operator. */
export function maskFindings(
  text: string,
  finds: readonly FindMask[],
  parts: { readonly key: MaskKey; readonly column?: string },
): Masked {
  return findMasker(finds, parts)(text);
}

/** What stands around a text that is a piece of a longer one: it is context, and is not shown. */
export interface Around {
  /** What stands left of it, as it was. */
  readonly original: string;
  /** The same as it was shown. */
  readonly shown: string;
  readonly right: string;
}

interface Masked {
  readonly text: string;
  readonly masked: number;
  /** The types of what was masked. */
  readonly types: readonly string[];
}

const alone: Around = { original: '', shown: '', right: '' };

/** `maskFindings` made ready for many texts of one column. `more`: what else is found in a whole text, as it came. */
export function findMasker(
  finds: readonly FindMask[],
  parts: { readonly key: MaskKey; readonly column?: string; readonly more?: More },
): (text: string, around?: Around) => Masked {
  const { key: _key, more, ...search } = parts;
  const entities = finds.map((each) => each.entity);
  const find = scanner({ entities, ...search });
  // In a column that is context for nothing the gate can say that nothing is left to find: much quicker than to look.
  const gated = parts.column === undefined || !isContext({ entities, column: parts.column });
  // A pseudonym can look like what it stands for: it is shown once, and what stands around it searched without it.
  const once = finds.some(({ operator }) => operator.kind === 'fake');
  // Columns repeat their values. What was shown is forgotten with the masker: that is with the answer.
  const known = new Map<string, Masked>();
  return (text, around) => {
    if (around !== undefined || more !== undefined || text.length > longestKept)
      return show(text, around ?? alone);
    const before = known.get(text);
    if (before !== undefined) return before;
    const made = show(text, alone);
    if (known.size >= mostKept) known.clear();
    known.set(text, made);
    return made;
  };

  function show(text: string, around: Around): Masked {
    if (once) return maskOnce(text, { find, around, more }, { finds, key: parts.key });
    let shown = text;
    let masked = 0;
    const types: string[] = [];
    // What an operator keeps can make a new finding with its surroundings: it is done when nothing is left to show.
    for (let round = 0; round < mostRounds; round++) {
      const left = round === 0 ? around.original : around.shown;
      const isQuiet = gated && (round > 0 || around !== alone) && !mayShow(left + shown + around.right);
      const also = round === 0 && around === alone ? more : undefined;
      const found = isQuiet ? [] : within(find, shown, { ...around, original: left }, also);
      const next = found.length === 0 ? undefined : showFindings(shown, found, { finds, key: parts.key });
      if (next === undefined || next.masked === 0) {
        // What was shown on the left can be other context than what stood there.
        if (round === 0 && around.original !== around.shown) continue;
        return { text: shown, masked, types };
      }
      masked += next.masked;
      types.push(...next.types);
      // A whole text that became one token has nothing left in it.
      if (found.length === 1 && tokens.test(next.text)) return { text: next.text, masked, types };
      shown = next.text;
    }
    return { text: '***', masked, types };
  }
}

const mostKept = 4_096;
const longestKept = 128;

/** Texts up to here are asked of the gate first: of longer ones it seldom says no. */
const longestGated = 65_536;

function mayShow(text: string): boolean {
  if (text.length > longestGated) return true;
  const bytes = Buffer.from(text);
  return mayContain(bytes, 0, bytes.length);
}

/** What is found in `text` where it stands. */
function within(
  find: Scanner,
  text: string,
  { original: left, right }: Around,
  more?: More,
): readonly Finding[] {
  if (left === '' && right === '') return find(text, more);
  const found: Finding[] = [];
  for (const each of find(left + text + right)) {
    const start = Math.max(0, each.start - left.length);
    const end = Math.min(text.length, each.end - left.length);
    if (end > start) found.push({ ...each, start, end });
  }
  return found;
}

/** Every finding is shown, and then what is found across the edge of one that was is redacted with it. */
function maskOnce(
  text: string,
  {
    find,
    around,
    more,
  }: { readonly find: Scanner; readonly around: Around; readonly more: More | undefined },
  parts: { readonly finds: readonly FindMask[]; readonly key: MaskKey },
): Masked {
  const first = showRanges(text, within(find, text, around, around === alone ? more : undefined), parts);
  if (first.masked === 0) return { text, masked: 0, types: [] };
  const across = within(find, first.text, { ...around, original: around.shown }).filter(
    ({ start, end, type }) =>
      operatorForFind(parts.finds, type) !== undefined &&
      !first.ranges.some((range) => start >= range.start && end <= range.end),
  );
  if (across.length === 0) return first;
  const redact: MaskOperator = { kind: 'redact' };
  const last = showRanges(first.text, across, { finds: [{ entity: '*', operator: redact }], key: parts.key });
  return { ...last, masked: first.masked + last.masked, types: [...first.types, ...last.types] };
}

const mostRounds = 5;
const tokens = /^(?:\[[A-Z_]{2,40}\]|h_[a-p]{40}|t_[a-p]{34,})$/;

/** Shows these findings, as `scan` gave them for this text. */
export function showFindings(
  text: string,
  found: readonly Finding[],
  parts: { readonly finds: readonly FindMask[]; readonly key: MaskKey },
): Masked {
  return showRanges(text, found, parts);
}

interface Shown extends Masked {
  /** Where the shown values stand in the new text. */
  readonly ranges: readonly { readonly start: number; readonly end: number }[];
}

function showRanges(
  text: string,
  found: readonly Finding[],
  parts: { readonly finds: readonly FindMask[]; readonly key: MaskKey },
): Shown {
  let out = '';
  let from = 0;
  const types: string[] = [];
  const ranges: { start: number; end: number }[] = [];
  for (const each of found) {
    const operator = operatorForFind(parts.finds, each.type);
    if (operator === undefined) continue;
    const value = text.slice(each.start, each.end);
    const shown = showText(operator, value, parts.key, { entity: each.type });
    if (shown === value) continue;
    out += text.slice(from, each.start);
    types.push(each.type);
    ranges.push({ start: out.length, end: out.length + shown.length });
    out += shown;
    from = each.end;
  }
  if (ranges.length === 0) return { text, masked: 0, types, ranges };
  return { text: out + text.slice(from), masked: ranges.length, types, ranges };
}

const address = /^([^\s@]{1,320})@((?:[\p{L}\p{N}-]{1,63}\.){1,10}\p{L}[\p{L}\p{N}-]{1,62})$/u;
const numeric = /^[\p{Nd}*\s\-./()+]+$/u;

/**
 * Keeps the ends. Never more than half of the characters and never more than four; nothing of fewer than eight that can be seen. Of an
 * e-mail address the first letter and the domain; of a number in groups the digits count, and its separators stay.
 */
function partial(operator: Extract<MaskOperator, { kind: 'partial' }>, value: string): string {
  const mail = address.exec(value);
  if (mail !== null) {
    const [, name = '', domain = ''] = mail;
    const [first = '', second] = characters(name.slice(0, 100));
    const tooShort =
      second === undefined ||
      first === '*' ||
      characterCount(name) < 2 ||
      operator.keepFirst + operator.keepLast === 0;
    return `${tooShort ? '' : first}***@${domain}`;
  }
  const chars = characters(value);
  const grouped = numeric.test(value);
  const shown = chars.map((char) => !grouped || /[\p{Nd}*]/u.test(char));
  const count = shown.filter(Boolean).length;
  const visible = grouped ? count : characterCount(value);
  const most = visible < 8 ? 0 : Math.min(4, Math.floor(visible / 2));
  const inPlay = chars.filter((_, at) => shown[at] === true);
  const lastWanted = Math.min(wholeNumber(operator.keepLast), most);
  const firstWanted = Math.min(wholeNumber(operator.keepFirst), most - lastWanted);
  const last = keepable(inPlay.slice(inPlay.length - lastWanted).toReversed());
  const first = keepable(inPlay.slice(0, firstWanted));
  let seen = 0;
  return chars
    .map((char, at) => {
      if (shown[at] !== true) return char;
      const rank = seen++;
      return rank < first || rank >= count - last ? char : stars(char);
    })
    .join('');
}

/** How many of these can be kept: of as many code points, since one character can be made of many, and none that stars would join. */
function keepable(chars: readonly string[]): number {
  let left = chars.length;
  let count = 0;
  for (const char of chars) {
    left -= Array.from(char).length;
    if (left < 0 || (char.length > 1 || char > '~' ? characters(`*${char}*`).length !== 3 : false)) break;
    count++;
  }
  return count;
}

/** As wide as it was: a star for each code point. */
function stars(char: string): string {
  return char.length === 1 ? '*' : '*'.repeat(Array.from(char).length);
}

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
const longestSegmented = 1_000;

/** What a person takes for characters: a letter with its marks and a family of emoji are one each (UAX 29). */
function characters(value: string): readonly string[] {
  if (single.test(value)) return value.split('');
  // Of a long text at most four are kept: where exactly they end says nothing more.
  if (value.length > longestSegmented) return Array.from(value);
  return Array.from(segmenter.segment(value), ({ segment }) => segment);
}

/** How many of them can be seen: spaces in a row count once, at the ends not at all, and what is invisible never. */
function characterCount(value: string): number {
  if (plain.test(value)) return value.trim().replaceAll(/ {2,}/g, ' ').length;
  if (single.test(value)) return value.trim().replaceAll(/\s+/g, ' ').length;
  return characters(value.replaceAll(invisible, '').trim().replaceAll(/\s+/g, ' ')).length;
}

const plain = /^[ -~]*$/;
/** Letters of most scripts, of which none joins another: to cut texts properly takes ten times as long. */
const single =
  /^[ -~\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u052f\u05d0-\u05ea\u0620-\u064a\u1e00-\u1fff\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3]*$/;
const invisible = /[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Co}\p{Cn}\u2800]/gu;

function wholeNumber(count: number): number {
  return Number.isFinite(count) ? Math.max(0, Math.floor(count)) : 0;
}

const token = /^h_([a-p]{32})([a-p]{8})$/;

/**
 * HMAC-SHA-256, 128 bits of it, in letters only (digits would look like a number to detectors), with a check that only
 * the key can make: so a hash is known as one, and hashing it again gives itself.
 */
function hash(value: string, key: MaskKey): string {
  const made = token.exec(value);
  if (made !== null && made[2] === letters(key, `check\0${made[1] ?? ''}`, 8)) return value;
  const body = letters(key, `value\0${value}`, 32);
  return `h_${body}${letters(key, `check\0${body}`, 8)}`;
}

function letters(key: MaskKey, text: string, count: number): string {
  return lettersOf(
    createHmac('sha256', key)
      .update(text)
      .digest()
      .subarray(0, count / 2),
  );
}

/** The first `bytes` bytes of the keyed hash of a value, for types that are not text. */
export function hashBytes(key: MaskKey, value: Uint8Array | string, bytes: number): Uint8Array {
  return new Uint8Array(
    createHmac('sha256', key).update('bytes\0').update(value).digest().subarray(0, bytes),
  );
}

/**
 * Sixteen bytes for a value of a type that is not text: twelve of its keyed hash, as `shape` makes them, and four that only
 * the key can make of those, so that what was hashed is known and stays.
 */
export function hashSixteen(
  key: MaskKey,
  value: Uint8Array,
  shape: (body: Uint8Array) => void = () => {},
): Uint8Array {
  const sealed = (body: Uint8Array): Uint8Array =>
    createHmac('sha256', key).update('check-bytes\0').update(body).digest().subarray(0, 4);
  const out = new Uint8Array(16);
  if (value.length === 16 && Buffer.compare(sealed(value.subarray(0, 12)), value.subarray(12)) === 0) {
    out.set(value);
    return out;
  }
  const body = hashBytes(key, value, 12);
  shape(body);
  out.set(body);
  out.set(sealed(body), 12);
  return out;
}

/**
 * Dates to their year, numbers to one significant digit, addresses of machines to /24 and /48, British, Canadian and Dutch
 * postal codes to their area, mail addresses to their domain; all else is redacted.
 */
export function generalise(value: string): string {
  const date = /^(\d{4})-\d\d-\d\d(?:[ T][\d:.]+(?:Z|[+-]\d\d(?::?\d\d)?)?)?$/.exec(value);
  if (date !== null) return `${date[1] ?? ''}-01-01`;
  const written = /^\d{1,2}([./-])\d{1,2}\1(\d{4})$/.exec(value);
  if (written !== null) return `01${written[1] ?? ''}01${written[1] ?? ''}${written[2] ?? ''}`;
  if (/^-?\d{1,15}(?:\.\d{1,15})?$/.test(value)) return generaliseNumber(value);
  const four = /^(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}(?:\/\d{1,2})?$/.exec(value);
  if (four !== null) return `${four[1] ?? ''}.0/24`;
  if (isIP(value) === 6) return sixNet(value);
  const area = /^(?:([A-Z]{1,2}\d[A-Z\d]?) ?\d[A-Z]{2}|([A-Z]\d[A-Z]) ?\d[A-Z]\d|(\d{4}) ?[A-Z]{2})$/i.exec(
    value,
  );
  if (area !== null) return `${area[1] ?? area[2] ?? area[3] ?? ''} ***`;
  const mail = address.exec(value);
  if (mail !== null) return `***@${mail[2] ?? ''}`;
  return '***';
}

/** The first three groups: what a provider gives one customer. */
function sixNet(value: string): string {
  const [head = ''] = value.split('::');
  const groups = [...head.split(':').filter((group) => group !== ''), '0', '0', '0'].slice(0, 3);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/48`;
}

/** One significant digit, towards zero: `-12345.6` becomes `-10000`. */
export function generaliseNumber(value: string): string {
  const match = /^(-?)0*(\d+)?(?:\.\d*)?$/.exec(value);
  const whole = match?.[2];
  if (match === null || whole === undefined || /^0*$/.test(whole)) return '0';
  return `${match[1] ?? ''}${whole[0] ?? '0'}${'0'.repeat(whole.length - 1)}`;
}
