import { datetimeAt, isDigit, isWord, planRangeAt, uuidAt } from './stamps.ts';

/** Digit groups with at most three separators between neighbours: what numbers people write down are made of. */
export interface Run {
  /** Start of each group, and its end. */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

const separators = new Set(Array.from(' \t\r\n-./()+', (char) => char.charCodeAt(0)));

/** All runs of `bytes` (see bytesOf), left to right. Dates, timestamps and UUIDs that stand by themselves are stepped over. */
export function* runsOf(bytes: Uint8Array): Generator<Run> {
  let starts: number[] = [];
  let ends: number[] = [];
  let at = 0;
  const end = bytes.length;
  while (at < end) {
    const byte = bytes[at] ?? 0;
    if (!isDigit(byte)) {
      const skip = isWord(byte) && !isWord(bytes[at - 1]) ? uuidAt(bytes, at, 0, end) : 0;
      const breaks = skip > 0 || !separators.has(byte) || at - (ends.at(-1) ?? at) >= 3;
      if (breaks && starts.length > 0) {
        yield { starts, ends };
        starts = [];
        ends = [];
      }
      at += Math.max(1, skip);
      continue;
    }
    const alone = !isWord(bytes[at - 1]);
    const skip = alone
      ? (starts.length === 0 ? datetimeAt(bytes, at, 0, end) : 0) ||
        (bytes[at - 1] === 0x3d ? planRangeAt(bytes, at, end) : 0) ||
        uuidAt(bytes, at, 0, end)
      : 0;
    if (skip > 0) {
      if (starts.length > 0) yield { starts, ends };
      starts = [];
      ends = [];
      at += skip;
      continue;
    }
    let to = at + 1;
    while (to < end && isDigit(bytes[to])) to++;
    // A plus begins a number, and so ends the one before.
    if (starts.length > 0 && bytes[at - 1] === 0x2b) {
      yield { starts, ends };
      starts = [];
      ends = [];
    }
    starts.push(at);
    ends.push(to);
    at = to;
  }
  if (starts.length > 0) yield { starts, ends };
}
