import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { Brand } from '../base/brand.ts';
import type { FindMask, MaskOperator } from '../core/decision.ts';
import { operatorForFind } from '../core/duties.ts';
import type { Finding } from './detector.ts';
import { scanner } from './scan.ts';

/** The key of keyed hashes: one for each tenant, so that equal values stay equal inside it and say nothing outside. */
export type MaskKey = Brand<KeyObject, 'MaskKey'>;

/** @throws {RangeError} when there are fewer than 16 bytes. */
export function maskKey(bytes: Uint8Array): MaskKey {
  if (bytes.length < 16) throw new RangeError('A mask key needs at least 16 bytes');
  return createSecretKey(bytes) as MaskKey;
}

/**
 * How the operator shows a text. Showing what was shown again changes nothing. The empty text stays empty.
 * `null` is for callers that have a NULL to give; here it shows like redact.
 */
export function showText(
  operator: MaskOperator,
  value: string,
  key: MaskKey,
  hint: { readonly entity?: string } = {},
): string {
  if (value === '') return '';
  switch (operator.kind) {
    case 'null':
    case 'redact':
      return hint.entity === undefined ? '***' : `[${hint.entity}]`;
    case 'partial':
      return partial(operator, value);
    case 'hash':
      return hash(value, key);
    case 'generalise':
      return generalise(value);
  }
}

/** Shows the findings in a text for which `finds` has an operator. */
export function maskFindings(
  text: string,
  finds: readonly FindMask[],
  parts: { readonly key: MaskKey; readonly column?: string },
): { readonly text: string; readonly masked: number } {
  return findMasker(finds, parts)(text);
}

/** `maskFindings` made ready for many texts of one column. */
export function findMasker(
  finds: readonly FindMask[],
  parts: { readonly key: MaskKey; readonly column?: string },
): (text: string) => { readonly text: string; readonly masked: number } {
  const entities = finds.map((find) => find.entity);
  const find = scanner(parts.column === undefined ? { entities } : { entities, column: parts.column });
  return (text) => {
    let shown = text;
    let masked = 0;
    // What an operator keeps can make a new finding with its surroundings: it is done when nothing is left to show.
    for (let round = 0; round < mostRounds; round++) {
      const found = find(shown);
      const next = found.length === 0 ? undefined : showFindings(shown, found, { finds, key: parts.key });
      if (next === undefined || next.masked === 0) return { text: shown, masked };
      masked += next.masked;
      // A whole text that became one token has nothing left in it.
      if (found.length === 1 && tokens.test(next.text)) return { text: next.text, masked };
      shown = next.text;
    }
    return { text: '***', masked };
  };
}

const mostRounds = 5;
const tokens = /^(?:\[[A-Z_]{2,40}\]|h_[a-p]{40})$/;

/** Shows these findings, as `scan` gave them for this text. */
export function showFindings(
  text: string,
  found: readonly Finding[],
  parts: { readonly finds: readonly FindMask[]; readonly key: MaskKey },
): { readonly text: string; readonly masked: number } {
  let out = '';
  let from = 0;
  let masked = 0;
  for (const each of found) {
    const operator = operatorForFind(parts.finds, each.type);
    if (operator === undefined) continue;
    const value = text.slice(each.start, each.end);
    const shown = showText(operator, value, parts.key, { entity: each.type });
    if (shown === value) continue;
    out += text.slice(from, each.start) + shown;
    from = each.end;
    masked++;
  }
  return masked === 0 ? { text, masked: 0 } : { text: out + text.slice(from), masked };
}

const address = /^([^\s@]{1,320})@((?:[\p{L}\p{N}-]{1,63}\.){1,10}\p{L}[\p{L}\p{N}-]{1,62})$/u;
const numeric = /^[\p{Nd}*\s\-./()+]+$/u;

/**
 * Keeps the ends. Never more than half of the characters and never more than four; nothing of fewer than eight. Of an
 * e-mail address the first letter and the domain; of a number in groups the digits count, and its separators stay.
 */
function partial(operator: Extract<MaskOperator, { kind: 'partial' }>, value: string): string {
  const mail = address.exec(value);
  if (mail !== null) {
    const [, name = '', domain = ''] = mail;
    const first = Array.from(name)[0] ?? '';
    const tooShort =
      Array.from(name).length < 2 || first === '*' || operator.keepFirst + operator.keepLast === 0;
    return `${tooShort ? '' : first}***@${domain}`;
  }
  const chars = Array.from(value);
  const grouped = numeric.test(value);
  const shown = chars.map((char) => !grouped || /[\p{Nd}*]/u.test(char));
  const count = shown.filter(Boolean).length;
  const most = count < 8 ? 0 : Math.min(4, Math.floor(count / 2));
  const last = Math.min(wholeNumber(operator.keepLast), most);
  const first = Math.min(wholeNumber(operator.keepFirst), most - last);
  let seen = 0;
  return chars
    .map((char, at) => {
      if (shown[at] !== true) return char;
      const rank = seen++;
      return rank < first || rank >= count - last ? char : '*';
    })
    .join('');
}

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
  const hex = createHmac('sha256', key).update(text).digest('hex').slice(0, count);
  return hex.replace(/./g, (char) => String.fromCharCode(97 + Number.parseInt(char, 16)));
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

/** Dates to their year, numbers to one significant digit, addresses of machines to /24 and /48; all else is redacted. */
export function generalise(value: string): string {
  const date = /^(\d{4})-\d\d-\d\d(?:[ T][\d:.]+(?:Z|[+-]\d\d(?::?\d\d)?)?)?$/.exec(value);
  if (date !== null) return `${date[1] ?? ''}-01-01`;
  if (/^-?\d{1,15}(?:\.\d{1,15})?$/.test(value)) return generaliseNumber(value);
  const four = /^(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}(?:\/\d{1,2})?$/.exec(value);
  if (four !== null) return `${four[1] ?? ''}.0/24`;
  const mail = address.exec(value);
  if (mail !== null) return `***@${mail[2] ?? ''}`;
  return '***';
}

/** One significant digit, towards zero: `-12345.6` becomes `-10000`. */
export function generaliseNumber(value: string): string {
  const match = /^(-?)0*(\d+)?(?:\.\d*)?$/.exec(value);
  const whole = match?.[2];
  if (match === null || whole === undefined || /^0*$/.test(whole)) return '0';
  return `${match[1] ?? ''}${whole[0] ?? '0'}${'0'.repeat(whole.length - 1)}`;
}
