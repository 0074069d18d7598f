/**
 * Seals the many short texts of one session: byte for byte what `seal` gives, at a third of its cost. Making one of
 * OpenSSL's ciphers takes longer than all that it does for a hundred bytes, so the key stream of the next few boxes
 * comes from one cipher that is kept (AES of counter blocks, NIST SP 800-38D, 6.5), and the tag is computed here (GHASH,
 * 6.4, by tables of 8 bits). What opens a box is OpenSSL's AES-256-GCM alone.
 *
 * SECURITY: look-ups in a table show the processor's cache something of the key of the tag. That key forges tags and
 * opens nothing; a forged box fails at its leaf in the signed tree.
 */
import { type Cipheriv, createCipheriv, type KeyObject } from 'node:crypto';
import { nonceOf, seal, type SealAs, sealInto, tagBytes } from './seal.ts';

/** A key is prepared once its session has shown that it goes on. */
const preparedAfter = 4;
const longestShort = 1_008; // bytes: longer texts are as quick in one call
const block = 16;
/** Boxes whose key stream is made at once. */
const ahead = 8;

export class Sealer {
  readonly #key: KeyObject;
  #sealed = 0;
  #prepared: Prepared | undefined;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  /** Puts ciphertext and tag at the start of `box`, which `plain` does not overlap; gives their length. */
  sealInto(box: Uint8Array, plain: Uint8Array, as: SealAs): number {
    this.#sealed += 1;
    if (this.#sealed <= preparedAfter || plain.length > longestShort)
      return sealInto(box, this.#key, plain, as);
    if (this.#prepared !== undefined) return this.#prepared.sealInto(box, plain, as);
    this.#prepared = new Prepared(this.#key);
    const length = this.#prepared.sealInto(box, plain, as);
    // Were anything wrong with this machine or build, it shows here, before a byte was written.
    if (!seal(this.#key, plain, as).equals(box.subarray(0, length)))
      throw new Error('Two ways to seal one text disagree');
    return length;
  }
}

/** AES-256-GCM of one key, as far as it can be known beforehand. */
class Prepared {
  readonly #aes: Cipheriv;
  readonly #multiples: Int32Array;
  /** Key stream of the boxes from `#first` to `#end`: of each the mask of its tag, then what covers its text. */
  #stream: Uint8Array = new Uint8Array();
  #domain: SealAs['domain'] = 'entry';
  #first = 0;
  /** INVARIANT: no box before this one takes from the stream: none of it is used twice. */
  #next = 0;
  #end = 0;
  #blocks = 0; // of one box, its mask among them

  constructor(key: KeyObject) {
    this.#aes = createCipheriv('aes-256-ecb', key, null);
    this.#aes.setAutoPadding(false);
    this.#multiples = multiplesOf(this.#aes.update(Buffer.alloc(block)));
  }

  sealInto(box: Uint8Array, plain: Uint8Array, as: SealAs): number {
    const { length } = plain;
    const mask = this.#streamFor(as, 1 + Math.ceil(length / block));
    const stream = this.#stream;
    const cover = mask + block;
    for (let at = 0; at < length; at++) box[at] = (plain[at] ?? 0) ^ (stream[cover + at] ?? 0);
    tagInto(box, length, { bound: as.bound, multiples: this.#multiples });
    for (let at = 0; at < tagBytes; at++)
      box[length + at] = (box[length + at] ?? 0) ^ (stream[mask + at] ?? 0);
    return length + tagBytes;
  }

  /** Where the key stream of this box begins. */
  #streamFor(as: SealAs, blocks: number): number {
    const { counter, domain } = as;
    const isThere = counter >= this.#next && counter < this.#end && blocks <= this.#blocks;
    if (!isThere || domain !== this.#domain) {
      this.#blocks = Math.max(blocks, Math.min(this.#blocks, blocks * 2));
      this.#stream = this.#aes.update(counterBlocks(as, this.#blocks));
      [this.#domain, this.#first, this.#end] = [domain, counter, counter + ahead];
    }
    this.#next = counter + 1;
    return (counter - this.#first) * this.#blocks * block;
  }
}

const counters: Buffer = Buffer.alloc(ahead * (longestShort + block));

/** For each box its nonce with 1, 2, 3 … behind it (6.5, 7.1: 1 is the mask of the tag); a view until the next call. */
function counterBlocks(as: SealAs, blocks: number): Buffer {
  let at = 0;
  for (let box = 0; box < ahead; box++) {
    const nonce = nonceOf({ ...as, counter: as.counter + box });
    for (let count = 1; count <= blocks; count++, at += block) {
      counters.set(nonce, at);
      counters.writeUInt32BE(count, at + 12);
    }
  }
  return counters.subarray(0, at);
}

// A block is a polynomial over GF(2), the first bit its constant (6.3): four words, the first byte uppermost.

/** What the 16 bits that leave a block on the right come to at its left, for each 8 of them. */
const returning: Int32Array = Int32Array.from({ length: 256 }, (_, byte) => {
  let word = 0;
  for (let bit = 0; bit < 8; bit++) if ((byte >>> bit) & 1) word ^= 0xe1000000 >>> (7 - bit);
  return word;
});

/** The key of the tag times every polynomial of 8 bits. */
function multiplesOf(key: Buffer): Int32Array {
  const table = new Int32Array(256 * 4);
  const word = [0, 4, 8, 12].map((at) => key.readInt32BE(at));
  for (let byte = 0x80; byte > 0; byte >>>= 1) {
    table.set(word, byte * 4);
    const [a = 0, b = 0, c = 0, d = 0] = word;
    const carry = (d & 1) === 0 ? 0 : 0xe1000000;
    word.splice(0, 4, (a >>> 1) ^ carry, (b >>> 1) | (a << 31), (c >>> 1) | (b << 31), (d >>> 1) | (c << 31));
  }
  for (let high = 2; high < 256; high *= 2)
    for (let low = 1; low < high; low++)
      for (let at = 0; at < 4; at++)
        table[(high + low) * 4 + at] = (table[high * 4 + at] ?? 0) ^ (table[low * 4 + at] ?? 0);
  return table;
}

interface Tagged {
  readonly bound: string;
  readonly multiples: Int32Array;
}

const state: Int32Array = new Int32Array(4);
const scratch: Buffer = Buffer.alloc(1_024);

/** GHASH of what the box is bound to, of its `length` bytes and of both lengths, behind the box. */
function tagInto(box: Uint8Array, length: number, { bound, multiples }: Tagged): void {
  const fits = bound.length * 3 <= scratch.length;
  const boundBytes = fits ? scratch.subarray(0, scratch.write(bound)) : Buffer.from(bound);
  state.fill(0);
  hashInto(state, boundBytes, { length: boundBytes.length, multiples });
  hashInto(state, box, { length, multiples });
  for (let at = 0; at < tagBytes; at++) box[length + at] = 0;
  state[1] = (state[1] ?? 0) ^ (boundBytes.length * 8);
  state[3] = (state[3] ?? 0) ^ (length * 8);
  hashInto(state, nothing, { length: block, multiples });
  for (let at = 0; at < tagBytes; at++) box[length + at] = (state[at >>> 2] ?? 0) >>> (24 - 8 * (at & 3));
}

const nothing: Uint8Array = new Uint8Array(block);

/** Takes the first `length` bytes into the hash, filled up with zeros to whole blocks. */
function hashInto(
  y: Int32Array,
  bytes: Uint8Array,
  { length, multiples }: { readonly length: number; readonly multiples: Int32Array },
): void {
  for (let at = 0; at < length; at += block) {
    for (let of = 0; of < block && at + of < length; of++)
      y[of >>> 2] = (y[of >>> 2] ?? 0) ^ ((bytes[at + of] ?? 0) << (24 - 8 * (of & 3)));
    timesKey(y, multiples);
  }
}

function timesKey(y: Int32Array, multiples: Int32Array): void {
  let p = 0;
  let q = 0;
  let r = 0;
  let s = 0;
  // From the highest power down: times x^8, plus the key times these 8 bits.
  for (let of = block - 1; of >= 0; of--) {
    const row = (((y[of >>> 2] ?? 0) >>> (24 - 8 * (of & 3))) & 0xff) * 4;
    const back = returning[s & 0xff] ?? 0;
    s = ((s >>> 8) | (r << 24)) ^ (multiples[row + 3] ?? 0);
    r = ((r >>> 8) | (q << 24)) ^ (multiples[row + 2] ?? 0);
    q = ((q >>> 8) | (p << 24)) ^ (multiples[row + 1] ?? 0);
    p = (p >>> 8) ^ back ^ (multiples[row] ?? 0);
  }
  y[0] = p;
  y[1] = q;
  y[2] = r;
  y[3] = s;
}
