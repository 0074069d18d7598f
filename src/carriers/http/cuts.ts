import { err, ok, type Result } from '../../base/result.ts';

// Where texts in bytes may be cut, and what they must be.

/** Units of a text that is looked at in pieces. */
export const pieceBytes = 4_096;

/** Where a piece ends that begins at `from`: never inside of a character. */
export function cutAt(
  bytes: Uint8Array,
  from: number,
  { end, piece }: { readonly end: number; readonly piece: number },
): number {
  let to = Math.min(end, from + piece);
  for (let back = 0; back < 3 && to < end && isInside(bytes[to]); back++) to--;
  return to;
}

/** Whether it goes on with a character that began before. */
function isInside(byte: number | undefined): boolean {
  return ((byte ?? 0) & 0xc0) === 0x80;
}

/** The mark that some writers put before UTF-8. */
export function hasMark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

/** The same where there are escapes: never inside of one, nor between the two of one character. */
export function cutEscaped(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && at < from + pieceBytes) {
    if (bytes[at] !== 0x5c) at++;
    else if (bytes[at + 1] !== 0x75) at += 2;
    else at += isHighHalf(bytes, at + 2) && bytes[at + 6] === 0x5c && bytes[at + 7] === 0x75 ? 12 : 6;
  }
  while (at < end && isInside(bytes[at])) at++;
  return at;
}

/** `d8` to `db`. */
function isHighHalf(bytes: Uint8Array, at: number): boolean {
  return ((bytes[at] ?? 0) | 0x20) === 0x64 && /[89ab]/i.test(String.fromCharCode(bytes[at + 1] ?? 0));
}

/** Reads UTF-8 strictly: what is not, nobody can say how the client would read it. */
export function utf8(bytes: Uint8Array): Result<string, string> {
  try {
    return ok(decoder.decode(bytes));
  } catch {
    return err('It is not UTF-8');
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });
