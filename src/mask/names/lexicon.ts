import { brotliDecompressSync } from 'node:zlib';
import { packedLists } from './lists.ts';

// What each word of the lists is, in a table of a megabyte that is made when the first text is looked at.

export const given = 1;
export const surname = 2;
/** It is another word as well, so alone it is no name. */
export const common = 4;
export const place = 8;

/** 4 bits of flags below 28 bits of the word's hash. One word in 2,000 that is on no list is taken for one that is. */
const slots = 1 << 18;
interface Lists {
  readonly table: Int32Array;
  /** A bit for each of 2^18 values of a hash: what has none there is no given name that is nothing else. */
  readonly given: Uint8Array;
}
let lists: Lists | undefined;

/** What a word in small letters is: the flags above, 0 where it is on no list. */
export function flagsOf(word: string): number {
  return flagsOfHash(hashOf(word));
}

export function hashOf(word: string): number {
  let hash = 0;
  for (let at = 0; at < word.length; at++) hash = mix(hash, word.charCodeAt(at));
  return hash;
}

/** The hash of a word, letter by letter. Beginning: 0. */
export function mix(hash: number, code: number): number {
  return (Math.imul(hash, 0x01000193) ^ code) | 0;
}

/** The same for the word that has this hash. */
export function flagsOfHash(hash: number): number {
  const { table } = (lists ??= made());
  const tag = spread(hash) & ~15;
  for (let slot = tag >>> 14; ; slot = (slot + 1) & (slots - 1)) {
    const held = table[slot] ?? 0;
    if (held === 0) return 0;
    if ((held & ~15) === tag) return held & 15;
  }
}

/** Whether the word is a given name and nothing else; cheap where it is not. */
export function isOnlyGiven(hash: number): boolean {
  const { given: bits } = (lists ??= made());
  const bit = (hash ^ (hash >>> 14)) & 0x3ffff;
  if (((bits[bit >> 3] ?? 0) & (1 << (bit & 7))) === 0) return false;
  return (flagsOfHash(hash) & (given | common)) === given;
}

function spread(hash: number): number {
  const one = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  const two = Math.imul(one ^ (one >>> 13), 0xc2b2ae35);
  return two ^ (two >>> 16);
}

function made(): Lists {
  const table = new Int32Array(slots);
  const bits = new Uint8Array(1 << 15);
  const words = { table, given: bits };
  const text = brotliDecompressSync(Buffer.from(packedLists, 'base64')).toString();
  const hashes = new Int32Array(64); // of the first letters of the word that goes on
  for (let at = 0; at < text.length; at++) {
    const blank = text.indexOf(' ', at);
    const end = text.indexOf('\n', blank) < 0 ? text.length : text.indexOf('\n', blank);
    const flags = Number(text.slice(at, blank));
    let length = -1;
    for (at = blank + 1; at < end; at++) {
      const code = text.charCodeAt(at);
      // A capital letter says how many letters are those of the word before.
      if (code >= 0x41 && code <= 0x5a) {
        if (length >= 0) put(words, hashes[length] ?? 0, flags);
        length = code - 0x41;
      } else {
        hashes[length + 1] = mix(hashes[length] ?? 0, code);
        length++;
      }
    }
    if (length >= 0) put(words, hashes[length] ?? 0, flags);
  }
  return words;
}

function put({ table, given: bits }: Lists, hash: number, flags: number): void {
  const tag = spread(hash) & ~15;
  let slot = tag >>> 14;
  while ((table[slot] ?? 0) !== 0 && ((table[slot] ?? 0) & ~15) !== tag) slot = (slot + 1) & (slots - 1);
  table[slot] = tag | flags;
  if ((flags & (given | common)) !== given) return;
  const bit = (hash ^ (hash >>> 14)) & 0x3ffff;
  bits[bit >> 3] = (bits[bit >> 3] ?? 0) | (1 << (bit & 7));
}
