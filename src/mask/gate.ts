// The signs that something sensitive may be in a text. One pass over bytes, no allocation: what shows no sign is clean.
export const signs = {
  at: 1, // '@'
  digits: 2, // enough digits in groups
  dots: 4, // digits with three dots between them
  colons: 8, // '::', or three colons in one word
  scheme: 16, // '://' or 'www.'
  token: 32, // a long word
  mixed: 64, // letters and digits in one word
  equals: 128, // '='
  exotic: 256, // digits or letters of other forms that are read as ASCII ones
  date: 512, // a date or a year behind words
} as const;

/** As if every sign were there. */
export const anySign = 1023;

// 0: none of these
const digit = 1;
const letter = 2;
const separator = 3;
const high = 4;
const colon = 5;
const joint = 6; // '_', '~', '=', '%', '+' …: inside a token, between groups of nothing

const classes = new Uint8Array(256);
classes.fill(high, 0x80);
classes.fill(digit, 0x30, 0x3a);
classes.fill(letter, 0x41, 0x5b);
classes.fill(letter, 0x61, 0x7b);
for (const char of ' \t\r\n-./()+') classes[char.charCodeAt(0)] = separator;
for (const char of '_~%=') classes[char.charCodeAt(0)] = joint;
classes[0x3a] = colon;

const leastDigits = 7;
const leastToken = 13; // with a digit in it
const longToken = 18; // of anything

/**
 * Whether a detector could find anything in UTF-8 `bytes[start, end)`. False is certain (the column's name aside); true
 * only means: look. Tens of nanoseconds for a usual cell.
 */
export function mayContain(bytes: Uint8Array, start: number, end: number): boolean {
  // Most texts are words: nothing but their length can be a sign, and no other state is needed to see that.
  let token = 0;
  for (let at = start; at < end; at++) {
    const kind = words[bytes[at] ?? 0];
    if (kind === wordLetter) {
      if (++token >= longToken) return signsOf(bytes, start, end, true) !== 0;
    } else if (kind === wordEnd) {
      token = 0;
    } else if (kind === 0) {
      return signsOf(bytes, start, end, true) !== 0;
    }
  }
  return false;
}

const wordLetter = 1;
const wordEnd = 2;
const wordAccent = 3;
/** What bytes are in plain words; 0: more than that. INVARIANT: `signsOf` finds nothing in words shorter than a token. */
const words = new Uint8Array(256);
words.fill(wordLetter, 0x41, 0x5b);
words.fill(wordLetter, 0x61, 0x7b);
for (const char of ' \t\r\n,;!?\'"') words[char.charCodeAt(0)] = wordEnd;
words.fill(wordAccent, 0x80, 0xd9); // below what `exoticAt` asks about

/** All signs of `bytes[start, end)`, or with `first` the first one met. Bytes above 0x7f are part of whatever surrounds them. */
export function signsOf(bytes: Uint8Array, start: number, end: number, first: boolean): number {
  let found = 0;
  let run = 0; // digits in this run of groups
  let parts = 0; // separators inside the run
  let gap = 0; // separators since the last digit
  let context = false; // a letter was seen: words can be context
  let word = 0; // letters and digits without a break
  let wordDigits = 0;
  let wordLetters = 0;
  let token = 0; // characters without a space
  let tokenDigits = 0;
  let dots = 0;
  let colons = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    const kind = classes[byte];
    if (kind === digit) {
      if (word === 0 && run === 0) {
        const skip = datetimeAt(bytes, at, end);
        if (context && (skip > 0 || isYear(bytes, at, end))) found |= signs.date;
        if (skip > 0) {
          if (first && found !== 0) return found;
          at += skip - 1;
          token = 0;
          tokenDigits = 0;
          continue;
        }
      }
      if (word === 0) {
        const skip = uuidAt(bytes, at, start, end);
        if (skip > 0) {
          at += skip - 1;
          run = 0;
          token = 0;
          tokenDigits = 0;
          continue;
        }
      }
      run++;
      if (gap > 0) parts++;
      gap = 0;
      word++;
      wordDigits++;
      token++;
      tokenDigits++;
      if (
        (run >= leastDigits && (parts > 0 || context || run >= 11)) ||
        (run === leastDigits && bytes[at - leastDigits] === 0x2b) ||
        (run >= 6 && parts > 1)
      ) {
        found |= signs.digits;
      }
      if (wordLetters > 0 && wordDigits >= 4 && word >= 8) found |= signs.mixed;
    } else if (kind === letter) {
      if (run >= leastDigits) found |= signs.digits;
      if (word === 0) {
        const skip = uuidAt(bytes, at, start, end);
        if (skip > 0) {
          at += skip - 1;
          run = 0;
          gap = 0;
          token = 0;
          tokenDigits = 0;
          context = true;
          continue;
        }
      }
      run = 0;
      parts = 0;
      gap = 0;
      word++;
      wordLetters++;
      token++;
      context = true;
      if (wordDigits >= 4 && word >= 8) found |= signs.mixed;
    } else if (kind === separator) {
      if (run > 0) {
        gap++;
        if (gap > 3) {
          run = 0;
          parts = 0;
          gap = 0;
        }
      }
      if (byte === 0x2e) {
        const before = bytes[at - 1] ?? 0;
        if (at > start && (classes[before] === digit || before >= 0x80) && ++dots >= 3) found |= signs.dots;
        if (token >= 3 && isWww(bytes, at)) found |= signs.scheme;
      }
      if (byte !== 0x2d && byte !== 0x2e && byte !== 0x2f && byte !== 0x2b) {
        token = 0;
        tokenDigits = 0;
        colons = 0;
        dots = 0;
      } else if (byte === 0x2f) {
        token++;
        if (at - 2 >= start && bytes[at - 1] === 0x2f && bytes[at - 2] === 0x3a) found |= signs.scheme;
      } else {
        token++;
        if (byte === 0x2d && isFence(bytes, at, start)) found |= signs.token;
      }
      word = 0;
      wordDigits = 0;
      wordLetters = 0;
    } else if (kind === high) {
      // Transparent: an accent inside a word, a no-break space or zero-width character between digits.
      context = true;
      if (run > 0 && byte >= 0xc2) parts++;
      if (byte >= 0xc2 && exoticAt(bytes, at, end)) return anySign;
    } else {
      run = 0;
      parts = 0;
      gap = 0;
      word = 0;
      wordDigits = 0;
      wordLetters = 0;
      if (kind === colon) {
        token++;
        if (++colons >= 3 || (at > start && bytes[at - 1] === 0x3a)) found |= signs.colons;
      } else if (kind === joint) {
        token++;
        if (byte === 0x3d) found |= signs.equals;
      } else {
        token = 0;
        tokenDigits = 0;
        colons = 0;
        dots = 0;
        if (byte === 0x40) found |= signs.at;
      }
    }
    if (token >= leastToken && (tokenDigits > 0 || token >= longToken)) found |= signs.token;
    if (first && found !== 0) return found;
  }
  return found;
}

/** `19xx` or `20xx`, and no more digits. */
function isYear(bytes: Uint8Array, at: number, end: number): boolean {
  const century = bytes[at];
  if (at + 4 > end || (century !== 0x31 && century !== 0x32)) return false;
  if (bytes[at + 1] !== (century === 0x31 ? 0x39 : 0x30) || !twoDigits(bytes, at + 2, 99)) return false;
  return at + 4 === end || !isDigit(bytes[at + 4]);
}

function isWww(bytes: Uint8Array, at: number): boolean {
  return (
    ((bytes[at - 1] ?? 0) | 0x20) === 0x77 &&
    ((bytes[at - 2] ?? 0) | 0x20) === 0x77 &&
    ((bytes[at - 3] ?? 0) | 0x20) === 0x77
  );
}

/** `-----`: the fence of a PEM block. */
function isFence(bytes: Uint8Array, at: number, start: number): boolean {
  return (
    at - 4 >= start &&
    bytes[at - 1] === 0x2d &&
    bytes[at - 2] === 0x2d &&
    bytes[at - 3] === 0x2d &&
    bytes[at - 4] === 0x2d
  );
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function isWord(byte: number | undefined): boolean {
  return byte !== undefined && (byte >= 0x80 || classes[byte] === digit || classes[byte] === letter);
}

function twoDigits(bytes: Uint8Array, at: number, most: number): boolean {
  if (!isDigit(bytes[at]) || !isDigit(bytes[at + 1])) return false;
  return ((bytes[at] ?? 0) - 0x30) * 10 + (bytes[at + 1] ?? 0) - 0x30 <= most;
}

/**
 * Length of the ISO date or timestamp that begins here (`2024-01-31`, `2024-01-31 10:11:12.123456+00`), else 0. It is no
 * candidate for anything made of digits, so both the gate and the scan of digits step over it.
 */
export function datetimeAt(bytes: Uint8Array, at: number, end: number): number {
  if (at + 10 > end || bytes[at + 4] !== 0x2d || bytes[at + 7] !== 0x2d) return 0;
  if (at > 0 && (isWord(bytes[at - 1]) || bytes[at - 1] === 0x2d)) return 0;
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

/**
 * Whether a UTF-8 sequence begins here that reads as an ASCII digit or sign: digits of other scripts, full-width and
 * mathematical forms. Rare, and sent the slow way; scripts that share a lead byte are told apart by the second.
 */
function exoticAt(bytes: Uint8Array, at: number, end: number): boolean {
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
