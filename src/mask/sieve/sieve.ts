import type { Proof } from '../shapes.ts';
import { packedCode } from './code.ts';

// Most values of most rows have a shape in which nothing can be found, and what is left to do with them is to know that.
// Here it is done for a whole row at once, by WebAssembly (sieve.wat), sixteen bytes at a time: some nanoseconds a value.
// SECURITY: shapes are compared byte by byte; who teaches one has proved it for all its digits. Rows are copied in before
// they are looked at, so that nobody can change them on the way.

/** What is to be done with a column's values, as bits; 0: nothing. */
export const wants = {
  /** Noted where their shape is not known. */
  gate: 1,
  /** Each one is noted. */
  all: 2,
  /** Noted where they may be a number that counts for a vote (`mayBeNumber`). */
  vote: 4,
  /** Noted where they are NULL, with a length of -1. */
  nulls: 8,
} as const;

export interface Sieve {
  /** What is to be done with each column's values (`wants`): to be written before `sift`. */
  readonly columns: Uint8Array;
  /** Four numbers for each value that was noted: its column, where it begins from the row's start, its length and why (`wants`). */
  readonly notes: Int32Array;
  /**
   * Walks `bytes[start, end)`, as many values as there are columns, each behind its Int32 length. Gives how many were
   * noted; -1 where the lengths are wrong.
   */
  // oxlint-disable-next-line max-params
  readonly sift: (bytes: Uint8Array, start: number, end: number, count: number) => number;
  /**
   * Walks DataRows of so many values, one behind the other, from `start` to `end` at most (and `mostRowBytes`). Gives the end
   * of the last one before the first of which a value would be noted, or that is none, or not whole; `rows`: how many they are.
   */
  // oxlint-disable-next-line max-params
  readonly clear: (bytes: Uint8Array, start: number, end: number, count: number) => number;
  readonly rows: () => number;
  /** What is proved of a value's shape (`longestShape`): such values are not noted any more. The notes stay. */
  readonly learn: (value: Uint8Array, proof: Proof) => void;
  /**
   * From now on UUIDs are not noted, nor are texts of known words in which nothing can be found (words.ts). `open`: by bit 1 to
   * 3 whether so many digits can begin something.
   */
  readonly trustPlain: (open: number) => void;
  /** What a word is (`natures`): at most `longestWord` letters of ASCII. */
  readonly learnWord: (word: Uint8Array, is: number) => void;
}

/** Rows of more bytes or columns are none for a sieve. */
export const mostRowBytes = 65_536;
export const mostSiftedColumns = 1_536;
const noteNumbers = 4;

/** The part of it that is needed: Node has it, its types do not. */
declare const WebAssembly: {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

interface Code {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly plain: { readonly value: number };
  readonly columns: { readonly value: number };
  readonly notes: { readonly value: number };
  readonly row: { readonly value: number };
  readonly sift: (size: number, count: number) => number;
  readonly clear: (size: number, count: number) => number;
  readonly learn: (length: number, proof: number) => void;
  readonly learnWord: (length: number, is: number) => void;
}

/** `undefined` where the machine has no WebAssembly with vectors. */
export function newSieve(): Sieve | undefined {
  let code: Code;
  try {
    const made = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(packedCode, 'base64')));
    code = made.exports as Code;
  } catch {
    return undefined;
  }
  const { buffer } = code.memory;
  const at = code.row.value;
  const row = new Uint8Array(buffer, at, mostRowBytes);
  // For writing four bytes at once, in the order of the machine that WebAssembly has.
  const fours = new Int32Array(buffer, at, byHandMost / 4);
  // A view of what rows stand in: most questions are about one chunk.
  let view: DataView = new DataView(new ArrayBuffer(0));
  const { sift, clear, learn, learnWord } = code;
  const notes = new Int32Array(buffer, code.notes.value, noteNumbers * mostSiftedColumns);
  return {
    columns: new Uint8Array(buffer, code.columns.value, mostSiftedColumns),
    notes,
    learn: (value, proof) => {
      row.set(value);
      learn(value.length, proof);
    },
    trustPlain: (open) => {
      new Uint8Array(buffer)[code.plain.value] = open | 1;
    },
    learnWord: (word, is) => {
      row.set(word);
      learnWord(word.length, is);
    },
    // oxlint-disable-next-line max-params
    clear: (bytes, start, end, count) => {
      const size = Math.min(end - start, mostRowBytes);
      row.set(bytes.subarray(start, start + size));
      return start + clear(size, count);
    },
    rows: () => notes[0] ?? 0,
    // oxlint-disable-next-line max-params
    sift: (bytes, start, end, count) => {
      const size = end - start;
      if (size > byHandMost) {
        row.set(bytes.subarray(start, end));
        return sift(size, count);
      }
      if (view.buffer !== bytes.buffer) view = new DataView(bytes.buffer);
      const from = bytes.byteOffset + start;
      const whole = size & ~3;
      for (let place = 0; place < whole; place += 4) fours[place >> 2] = view.getInt32(from + place, true);
      for (let place = whole; place < size; place++) row[place] = bytes[start + place] ?? 0;
      return sift(size, count);
    },
  };
}

/** Fewer bytes are copied faster by four than by a call that first makes a view of them. */
const byHandMost = 512;
