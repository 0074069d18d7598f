import { passwordsElsewhere } from './detectors/secrets.ts';
import { isDigit, isWord } from './stamps.ts';
import { mostDigits } from './tables.ts';

// What single characters and the few around them can be the sign of, for the gate.

/** A number without separators that could be somebody's though nothing names it. */
// oxlint-disable-next-line max-params
export function aloneAt(before: number, after: number, count: number, bare: number): boolean {
  if (before === 0x2b || before === 0x28) return count >= 7;
  if (count > mostDigits || (bare & (1 << count)) === 0) return false;
  // A letter that touches it makes it a part of a word, but what an `x` or `e` begins can be an extension.
  return !isWord(before) && (!isWord(after) || (after | 0x20) === 0x78 || (after | 0x20) === 0x65);
}

export function isGap(byte: number): boolean {
  return (
    byte === 0x20 ||
    byte === 0x28 ||
    byte === 0x29 ||
    (byte >= 0x09 && byte <= 0x0d && byte !== 0x0b && byte !== 0x0c)
  );
}

/** `password=`, `"api_key": `: the last letters before the sign are those of a word for a secret. */
export function mayAssign(bytes: Uint8Array, place: number, start: number): boolean {
  let to = place - 1;
  while (to >= start && place - to <= 8 && !isWord(bytes[to])) to--;
  if (to - 1 < start) return false;
  // `pw` is the one word of two letters.
  if (((bytes[to] ?? 0) | 0x20) === 0x77 && ((bytes[to - 1] ?? 0) | 0x20) === 0x70) return true;
  if (to - 2 < start) return false;
  return endings.has(
    (((bytes[to - 2] ?? 0) | 0x20) << 16) | (((bytes[to - 1] ?? 0) | 0x20) << 8) | ((bytes[to] ?? 0) | 0x20),
  );
}

/** INVARIANT: the last three letters of every word that `assigned` knows. */
const endings = new Set(
  [
    'ord',
    'swd',
    'pwd',
    'ass',
    'ase',
    'ode',
    'key',
    'ret',
    'ken',
    'ial',
    'als',
    'ion',
    'pin',
    ...passwordsElsewhere,
  ]
    .flatMap((word) => [word, word.toUpperCase()])
    .map((word) => Buffer.from(word).subarray(-3))
    .map(([a = 0, b = 0, c = 0]) => ((a | 0x20) << 16) | ((b | 0x20) << 8) | (c | 0x20)),
);

export function isWww(bytes: Uint8Array, place: number, start: number): boolean {
  return (
    place - 3 >= start &&
    ((bytes[place - 1] ?? 0) | 0x20) === 0x77 &&
    ((bytes[place - 2] ?? 0) | 0x20) === 0x77 &&
    ((bytes[place - 3] ?? 0) | 0x20) === 0x77
  );
}

/** `%40`: an escaped `@`; not `exact`: any two digits. */
export function isEscapedAt(bytes: Uint8Array, place: number, end: number, exact: boolean): boolean {
  if (place + 2 >= end || !isDigit(bytes[place + 1]) || !isDigit(bytes[place + 2])) return false;
  return !exact || (bytes[place + 1] === 0x34 && bytes[place + 2] === 0x30);
}

/** `-----`: the fence of a PEM block. */
export function isFence(bytes: Uint8Array, place: number, start: number): boolean {
  for (let back = 1; back < 5; back++) if (place - back < start || bytes[place - back] !== 0x2d) return false;
  return true;
}

/**
 * Whether a UTF-8 sequence begins here that reads as an ASCII digit or sign: digits of other scripts, full-width and
 * mathematical forms. Rare, and sent the slow way; scripts that share a lead byte are told apart by the second.
 */
export function exoticAt(bytes: Uint8Array, at: number, end: number): boolean {
  const lead = bytes[at] ?? 0;
  if (lead < 0xd9) return false;
  const second = at + 1 < end ? (bytes[at + 1] ?? 0) : 0;
  const third = at + 2 < end ? (bytes[at + 2] ?? 0) : 0;
  switch (lead) {
    case 0xd9:
      return second >= 0xa0 && second <= 0xa9;
    case 0xdb:
      return second >= 0xb0 && second <= 0xb9;
    case 0xdf:
      return second <= 0x89;
    case 0xe0:
      return (third >= 0xa6 && third <= 0xaf) || (second >= 0xb9 && third >= 0x90 && third <= 0xa9);
    case 0xe1:
      return second < 0xb8;
    case 0xe2:
      return second === 0x91 || second === 0x92 || second === 0x93 || second === 0x81 || second === 0x82;
    case 0xea:
      return second < 0xb0;
    case 0xef:
      return second === 0xbc || second === 0xbd || second === 0xb9;
    case 0xf0:
      return second !== 0x9f || third === 0xaf || third === 0x84 || third === 0x85;
    default:
      return lead > 0xf0;
  }
}

/** `[at]`, `(at)`, `{ at }`, `&#64;`: what stands for an `@`. Beyond ASCII: whatever stands in brackets. */
export function isSpelledAt(bytes: Uint8Array, place: number, end: number): boolean {
  const byte = bytes[place];
  if (byte === 0x26)
    return bytes[place + 1] === 0x23 && bytes[place + 2] === 0x36 && bytes[place + 3] === 0x34;
  if (byte !== 0x5b && byte !== 0x28 && byte !== 0x7b) return false;
  const first = bytes[place + 1] === 0x20 ? place + 2 : place + 1;
  if (first >= end) return false;
  const letter = (bytes[first] ?? 0) | 0x20;
  if (letter >= 0x80) return true;
  // at, arroba; chiocciola; malpa; dot; punkt, ponto
  const next = (bytes[first + 1] ?? 0) | 0x20;
  return (
    (letter === 0x61 && (next === 0x74 || next === 0x72)) ||
    (letter === 0x63 && next === 0x68) ||
    (letter === 0x6d && next === 0x61) ||
    (letter === 0x64 && next === 0x6f) ||
    (letter === 0x70 && (next === 0x75 || next === 0x6f))
  );
}
