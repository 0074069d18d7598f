import { datetimeAt } from './stamps.ts';

// Cells of a column look alike: `ORD-20000017` and `ORD-20000018` differ in digits alone. Of a text in which nothing is
// found, whatever its digits were, the shape is kept: the text with zeros for its digits. Whatever comes in a known shape
// is passed without being looked at.
// A date or time has bounds for its digits: these are looked at, and nothing else.
// SECURITY: shapes are compared byte by byte, never by hash alone; who offers one has proved it for all digits.

/** Texts of more bytes are looked at each time. */
export const longestShape = 64;

const slotBits = 12;
const slots = 1 << slotBits;
const wordsOfShape = longestShape / 4;

/**
 * What is known of a shape: `clean` for all digits, `dated` for those that are in the bounds of a date or time, `alone` of
 * a text without digits where it is the whole value, or nothing. `holds` says no to that: others have texts around theirs.
 * A shape is proved when it comes for the second time: most texts come once.
 */
export type Proof = (typeof proofs)[keyof typeof proofs];
export const proofs = { unproved: 1, clean: 2, dated: 3, alone: 5 } as const;
const seenOnce = 4;

/**
 * Shapes of texts, at most four thousand, the newest in place of one it collides with.
 * `holds`: whether nothing is in `bytes[start, end)` by what is known of its shape.
 * `offer`: nothing is in the text that `holds` was asked about last, as far as that is known; `prove` says what is known of
 * the shape given to it.
 */
export interface Shapes {
  readonly holds: (bytes: Uint8Array, start: number, end: number) => boolean;
  readonly offer: (bytes: Uint8Array, prove: (shape: Uint8Array) => Proof) => void;
  /** What is proved of the shape of the text that was asked about last, and offered where it was not known. */
  readonly proof: () => Proof;
}

export function shapes(): Shapes {
  const hashes = new Int32Array(slots);
  const lengths = new Uint8Array(slots);
  const states = new Uint8Array(slots);
  const words = new Int32Array(slots * wordsOfShape);
  const asked = new Int32Array(wordsOfShape); // the words of the text asked about last, little-endian
  let askedHash = 0;
  let askedWords = 0;
  let askedProof: Proof = proofs.unproved;
  // A view of the bytes asked about last, and where in it they begin: most questions are about one chunk, and asking for
  // its buffer each time would cost more than all the rest.
  let viewed: Uint8Array = new Uint8Array(0);
  let view: DataView = new DataView(viewed.buffer);
  let base = 0;
  return { holds, offer, proof: () => askedProof };

  function holds(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    askedProof = proofs.unproved;
    if (length > longestShape || length <= 0) return false;
    if (viewed !== bytes) {
      viewed = bytes;
      base = bytes.byteOffset;
      if (view.buffer !== bytes.buffer) view = new DataView(bytes.buffer);
    }
    let hash = length;
    let count = 0;
    if (length < 4) {
      asked[0] = zeroed(shortWord(bytes, start, length));
      hash = mixed(hash, asked[0]);
      count = 1;
    } else {
      // The last word overlaps the one before it, so that no byte behind the text is read.
      const last = base + end - 4;
      for (let at = base + start; at < last; at += 4) {
        const word = zeroed(view.getInt32(at, true));
        asked[count++] = word;
        hash = mixed(hash, word);
      }
      const word = zeroed(view.getInt32(last, true));
      asked[count++] = word;
      hash = mixed(hash, word);
    }
    askedHash = hash;
    askedWords = count;
    const slot = slotOf(hash, length);
    const state = slot === undefined ? undefined : states[slot];
    if (slot === undefined || state === undefined) return false;
    if (state !== proofs.clean && state !== proofs.dated) return false;
    if (!isAsked(slot)) return false;
    askedProof = state;
    return state === proofs.clean || isInTime(bytes, start, end);
  }

  /** Each shape has two places, beside each other: of some hundred, many share their first. */
  function slotOf(hash: number, length: number): number | undefined {
    const first = hash >>> (32 - slotBits);
    if (hashes[first] === hash && lengths[first] === length) return first;
    const second = first ^ 1;
    return hashes[second] === hash && lengths[second] === length ? second : undefined;
  }

  /** The newest in its first place, and what was there beside it. */
  function begin(hash: number, length: number): void {
    const first = hash >>> (32 - slotBits);
    if (lengths[first] !== 0) {
      const second = first ^ 1;
      hashes[second] = hashes[first] ?? 0;
      lengths[second] = lengths[first] ?? 0;
      states[second] = states[first] ?? 0;
      words.copyWithin(second * wordsOfShape, first * wordsOfShape, (first + 1) * wordsOfShape);
    }
    hashes[first] = hash;
    lengths[first] = length;
    states[first] = seenOnce;
  }

  /** Whether the shape of the slot is that of the text asked about last. */
  function isAsked(slot: number): boolean {
    const from = slot * wordsOfShape;
    for (let index = 0; index < askedWords; index++) if (words[from + index] !== asked[index]) return false;
    return true;
  }

  function offer(bytes: Uint8Array, prove: (shape: Uint8Array) => Proof): void {
    const { length } = bytes;
    if (length > longestShape || length <= 0) return;
    const slot = slotOf(askedHash, length);
    if (slot === undefined) return begin(askedHash, length);
    if (states[slot] !== seenOnce) {
      if (states[slot] === proofs.alone && isAsked(slot)) askedProof = proofs.alone;
      return;
    }
    const shape = bytes.map((byte) => (byte >= 0x30 && byte <= 0x39 ? 0x30 : byte));
    askedProof = prove(shape);
    states[slot] = askedProof;
    words.set(asked, slot * wordsOfShape);
  }
}

/** Whether texts of this shape are a date or a time and nothing else (`datetimeAt`), as far as their digits are in bounds. */
export function isDateShape(shape: Uint8Array): boolean {
  const example = Uint8Array.from(shape);
  example[0] = 0x31;
  return shape[0] === 0x30 && datetimeAt(example, 0, 0, example.length) === example.length;
}

/** `2026-01-31 23:59:59.123456+02`, or what of it the shape has: the bounds of `datetimeAt`. */
function isInTime(bytes: Uint8Array, start: number, end: number): boolean {
  if (bytes[start] !== 0x31 && bytes[start] !== 0x32) return false;
  if (two(bytes, start + 5) > 12 || two(bytes, start + 8) > 31) return false;
  const length = end - start;
  if (length <= 10) return true;
  if (two(bytes, start + 11) > 24 || two(bytes, start + 14) > 59) return false;
  if (length <= 16) return true;
  if (bytes[start + 16] === 0x3a && two(bytes, start + 17) > 60) return false;
  return (bytes[end - 3] !== 0x2b && bytes[end - 3] !== 0x2d) || two(bytes, end - 2) <= 15;
}

function two(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) * 10 + (bytes[at + 1] ?? 0) - 0x30 * 11;
}

/** Four bytes with `0` in place of every digit. */
function zeroed(word: number): number {
  const value = word ^ 0x30303030; // 0 to 9 where a digit is
  // The highest bit of each byte that is ten or more: the sum cannot carry into the next byte.
  const others = (((value & 0x7f7f7f7f) + 0x76767676) | value) & 0x80808080;
  const digits = ((others ^ 0x80808080) >>> 7) * 0xff; // 0xff in the place of each digit
  return (word & ~digits) | (0x30303030 & digits);
}

function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e3779b1);
  return product ^ (product >>> 15);
}

function shortWord(bytes: Uint8Array, start: number, length: number): number {
  let word = 0;
  for (let at = length - 1; at >= 0; at--) word = (word << 8) | (bytes[start + at] ?? 0);
  return word;
}
