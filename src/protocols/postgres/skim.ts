import { WireError } from '../../base/errors.ts';
import { int32At } from './binary.ts';
import { textOf } from './reader.ts';
import type { Frame } from './frames.ts';
import type { Format } from './messages.ts';

// What every execution of a prepared statement sends is read here without making an object of each value. As strict as
// `decode`, which skim.test.ts shows; offsets and layouts are of PostgreSQL 18 docs, 54.7.

export interface SkimmedBind {
  readonly portal: string;
  readonly statement: string;
  readonly values: number; // how many
  readonly resultFormats: readonly Format[];
  /** Where the formats begin: what the two names say ends here. */
  readonly behindNames: number;
}

/** @throws {WireError} as decodeBind does */
export function skimBind(frame: Frame): SkimmedBind {
  const { bytes, end } = frame;
  const portalEnd = nulIn(frame, frame.start + 5);
  const portal = nameIn(bytes, frame.start + 5, portalEnd);
  const statementEnd = nulIn(frame, portalEnd + 1);
  const statement = nameIn(bytes, portalEnd + 1, statementEnd);
  const behindNames = statementEnd + 1;
  let at = behindNames;
  const codes = countIn(frame, at, 2);
  at = formatsIn(frame, at + 2, codes);
  const values = countIn(frame, at, 4);
  at += 2;
  for (let value = 0; value < values; value++) {
    if (at + 4 > end) throw malformed(frame, 'too short');
    const length = int32At(bytes, at);
    at += 4;
    if (length === -1) continue;
    if (length < 0) throw malformed(frame, 'a negative length');
    if (length > end - at) throw malformed(frame, 'too short');
    at += length;
  }
  const results = countIn(frame, at, 2);
  const resultsAt = at + 2;
  at = formatsIn(frame, resultsAt, results);
  if (at !== end) throw malformed(frame, 'bytes left over');
  if (codes > 1 && codes !== values)
    throw new WireError('bad-message', 'Bind has another number of formats than of values');
  const resultFormats = results === 0 ? allText : formatsOf(bytes, resultsAt, results);
  return { portal, statement, values, resultFormats, behindNames };
}

/** Describe and Close: what kind of thing, and its name. */
export function skimNamed(frame: Frame): { readonly of: 'statement' | 'portal'; readonly name: string } {
  const { bytes, start, end } = frame;
  if (start + 5 >= end) throw malformed(frame, 'too short');
  const what = bytes[start + 5];
  if (what !== 0x53 && what !== 0x50) throw malformed(frame, 'neither a statement nor a portal');
  const nul = nulIn(frame, start + 6);
  const name = nameIn(bytes, start + 6, nul);
  if (nul + 1 !== end) throw malformed(frame, 'bytes left over');
  return { of: what === 0x53 ? 'statement' : 'portal', name };
}

/** The portal that Execute names. */
export function skimExecute(frame: Frame): string {
  const nul = nulIn(frame, frame.start + 5);
  const portal = nameIn(frame.bytes, frame.start + 5, nul);
  if (nul + 5 > frame.end) throw malformed(frame, 'too short');
  if (nul + 5 < frame.end) throw malformed(frame, 'bytes left over');
  return portal;
}

const allText: readonly Format[] = [];
const shortName = 12;

/** Where the String that begins at `at` ends: its NUL byte, which must lie inside the message. */
function nulIn(frame: Frame, at: number): number {
  const { bytes, end } = frame;
  let nul = at;
  while (nul < end && bytes[nul] !== 0) nul += 1;
  if (nul >= end) throw malformed(frame, 'a text without end');
  return nul;
}

function nameIn(bytes: Uint8Array, from: number, to: number): string {
  if (from === to) return '';
  if (to - from > shortName) return textOf(bytes.subarray(from, to));
  let name = '';
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0;
    if (byte > 0x7f) return textOf(bytes.subarray(from, to));
    name += String.fromCharCode(byte);
  }
  return name;
}

/** The Int16 at `at`, when the message has room for so many items of at least this size. */
function countIn(frame: Frame, at: number, leastBytes: number): number {
  const { bytes, end } = frame;
  if (at + 2 > end) throw malformed(frame, 'too short');
  const count = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  if (count * leastBytes > end - at - 2) throw malformed(frame, 'fewer items than its count');
  return count;
}

/** Goes over format codes; gives where they end. */
function formatsIn(frame: Frame, from: number, count: number): number {
  const { bytes } = frame;
  const end = from + 2 * count;
  for (let at = from; at < end; at += 2) {
    if (bytes[at] !== 0 || (bytes[at + 1] ?? 2) > 1) throw malformed(frame, 'an unknown format code');
  }
  return end;
}

function formatsOf(bytes: Uint8Array, from: number, count: number): readonly Format[] {
  const formats: Format[] = [];
  for (let at = 0; at < count; at++) formats.push(bytes[from + 2 * at + 1] === 1 ? 1 : 0);
  return formats;
}

function malformed({ type }: Frame, what: string): WireError {
  return new WireError('bad-message', `Malformed message '${String.fromCharCode(type)}': ${what}`);
}
