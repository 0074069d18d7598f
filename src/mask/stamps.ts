// Dates, timestamps and UUIDs that stand by themselves: full of digits, and nobody's.

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** A letter or digit, or a part of what makes words beyond ASCII: all of it in UTF-8 (see `bytesOf`). */
export function isWord(byte: number | undefined): boolean {
  return (
    byte !== undefined &&
    ((byte >= 0x80 && byte !== 0xff) || isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a))
  );
}

function twoDigits(bytes: Uint8Array, at: number, most: number): boolean {
  if (!isDigit(bytes[at]) || !isDigit(bytes[at + 1])) return false;
  return ((bytes[at] ?? 0) - 0x30) * 10 + (bytes[at + 1] ?? 0) - 0x30 <= most;
}

/**
 * Length of the ISO date or timestamp that begins here (`2024-01-31`, `2024-01-31 10:11:12.123456+00`), else 0. It is no
 * candidate for anything made of digits, so whoever looks for digits steps over it.
 */
export function datetimeAt(bytes: Uint8Array, at: number, start: number, end: number): number {
  if (at + 10 > end || bytes[at + 4] !== 0x2d || bytes[at + 7] !== 0x2d) return 0;
  if (at > start && (isWord(bytes[at - 1]) || bytes[at - 1] === 0x2d)) return 0;
  const century = bytes[at];
  if ((century !== 0x31 && century !== 0x32) || !isDigit(bytes[at + 1])) return 0;
  if (!twoDigits(bytes, at + 2, 99) || !twoDigits(bytes, at + 5, 12) || !twoDigits(bytes, at + 8, 31))
    return 0;
  let to = at + 10;
  if (to === end) return 10;
  const gap = bytes[to];
  if (
    (gap === 0x20 || gap === 0x54) &&
    to + 6 <= end &&
    bytes[to + 3] === 0x3a &&
    twoDigits(bytes, to + 1, 24)
  ) {
    if (!twoDigits(bytes, to + 4, 59)) return 0;
    to += 6;
    if (to + 3 <= end && bytes[to] === 0x3a && twoDigits(bytes, to + 1, 60)) {
      to += 3;
      if (to + 2 <= end && bytes[to] === 0x2e && isDigit(bytes[to + 1])) {
        to += 2;
        for (let count = 1; count < 9 && to < end && isDigit(bytes[to]); count++) to++;
      }
    }
    if (bytes[to] === 0x5a && to < end) to++;
    else if (to + 3 <= end && (bytes[to] === 0x2b || bytes[to] === 0x2d) && twoDigits(bytes, to + 1, 15))
      to += 3;
  }
  const next = to < end ? bytes[to] : undefined;
  // Digits that go on behind a separator could make the "date" the head of something else.
  if (isWord(next)) return 0;
  if ((next === 0x2d || next === 0x2e || next === 0x2f) && to + 1 < end && isWord(bytes[to + 1])) return 0;
  return to - at;
}

/**
 * Length of what a plan of PostgreSQL says of costs or times (`cost=0.43..8.45 rows=`, `actual time=0.363..924.500 rows=`),
 * from its first digit to its last; else 0. SECURITY: nothing but exactly this, or a value could be dressed up as one.
 */
export function planRangeAt(bytes: Uint8Array, at: number, end: number): number {
  if (!planHeads.some((head) => standsAt(bytes, at - head.length, head))) return 0;
  const first = decimalAt(bytes, at, end);
  if (first === 0 || !standsAt(bytes, at + first, '..')) return 0;
  const second = decimalAt(bytes, at + first + 2, end);
  const to = at + first + 2 + second;
  return second > 0 && standsAt(bytes, to, ' rows=') ? to - at : 0;
}

const planHeads = ['(cost=', '(actual time=', ' actual time='];

/** Length of a number with two or three decimals, as plans write costs and times. */
function decimalAt(bytes: Uint8Array, at: number, end: number): number {
  let to = at;
  while (to < end && isDigit(bytes[to])) to++;
  if (to === at || to - at > 9 || bytes[to] !== 0x2e) return 0;
  const point = to++;
  while (to < end && isDigit(bytes[to])) to++;
  const decimals = to - point - 1;
  return decimals === 2 || decimals === 3 ? to - at : 0;
}

function standsAt(bytes: Uint8Array, at: number, word: string): boolean {
  if (at < 0) return false;
  for (let place = 0; place < word.length; place++)
    if (bytes[at + place] !== word.charCodeAt(place)) return false;
  return true;
}

/** 36 when a UUID stands here by itself, else 0. */
export function uuidAt(bytes: Uint8Array, at: number, start: number, end: number): number {
  if (at + 36 > end || bytes[at + 8] !== 0x2d || bytes[at + 13] !== 0x2d) return 0;
  if (bytes[at + 18] !== 0x2d || bytes[at + 23] !== 0x2d) return 0;
  if (at > start && (isWord(bytes[at - 1]) || bytes[at - 1] === 0x2d)) return 0;
  for (let offset = 0; offset < 36; offset++) {
    if (offset === 8 || offset === 13 || offset === 18 || offset === 23) continue;
    const byte = bytes[at + offset] ?? 0;
    const low = byte | 0x20;
    if (!isDigit(byte) && (low < 0x61 || low > 0x66)) return 0;
  }
  const next = at + 36 < end ? bytes[at + 36] : undefined;
  return isWord(next) || next === 0x2d || next === 0x40 ? 0 : 36;
}

/** Whether `bytes[start, end)` is a date, a timestamp or a UUID, and nothing else. */
export function isStamp(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  return datetimeAt(bytes, start, start, end) === length || uuidAt(bytes, start, start, end) === length;
}
