/**
 * The write-ahead log: segments of fixed size, filled with zeros beforehand, so that a commit changes no size and the
 * file system has nothing to journal. A segment is named by the index of its first entry.
 *
 *   segment  8 bytes magic, 8 bytes first index, 48 bytes zero, then frames
 *   frame    4 bytes length of the leaf, 4 bytes CRC-32 of all that follows, 8 bytes index, 8 bytes batch, 1 byte 0x00, leaf
 *
 * `batch` is the index of the first entry of the write that the frame came with: nothing of a batch was acknowledged
 * before all of it was on disk. The byte 0x00 is the prefix with which the leaf is hashed.
 */
import { crc32 } from 'node:zlib';
import type { Files } from './files.ts';

export const segmentBytes = 8_388_608;
export const segmentHead = 64;
export const frameHead = 25;
const magic = 'SPWAL001';
const maxLeaf = 65_535;

export function segmentName(first: number): string {
  return `${String(first).padStart(16, '0')}.wal`;
}

export function segmentFirst(name: string): number | undefined {
  const match = /^(\d{16})\.wal$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

export function segmentHeader(first: number): Buffer {
  const head = Buffer.alloc(segmentHead);
  head.write(magic, 0, 'latin1');
  head.writeBigUInt64LE(BigInt(first), 8);
  return head;
}

/** The first index in a segment's header; `undefined` when the segment was taken into use but never written. */
export function readSegmentHeader(bytes: Buffer): number | undefined {
  if (bytes.length < segmentHead || bytes.toString('latin1', 0, 8) !== magic) return undefined;
  return Number(bytes.readBigUInt64LE(8));
}

/** Completes a frame at `at`, whose leaf of `length` bytes is in place already. Gives the frame's end. */
export function sealFrame(
  buffer: Buffer,
  at: number,
  frame: { readonly index: number; readonly batch: number; readonly length: number },
): number {
  const end = at + frameHead + frame.length;
  buffer.writeUInt32LE(frame.length, at);
  writeU64(buffer, at + 8, frame.index);
  writeU64(buffer, at + 16, frame.batch);
  buffer[at + 24] = 0x00;
  buffer.writeUInt32LE(crc32(buffer.subarray(at + 8, end)), at + 4);
  return end;
}

function writeU64(buffer: Buffer, at: number, value: number): void {
  buffer.writeUInt32LE(value % 2 ** 32, at);
  buffer.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
}

function readU64(buffer: Buffer, at: number): number {
  return buffer.readUInt32LE(at) + buffer.readUInt32LE(at + 4) * 2 ** 32;
}

export interface Frame {
  readonly index: number;
  readonly batch: number;
  /** 0x00 and the leaf, as they are hashed; a view. */
  readonly input: Buffer;
  readonly end: number; // offset of the next frame
}

/** The frame at `at`, or `undefined` when no whole, undamaged frame starts there. */
export function readFrame(bytes: Buffer, at: number): Frame | undefined {
  if (at + frameHead > bytes.length) return undefined;
  const length = bytes.readUInt32LE(at);
  const end = at + frameHead + length;
  if (length === 0 || length > maxLeaf || end > bytes.length || bytes[at + 24] !== 0x00) return undefined;
  if (crc32(bytes.subarray(at + 8, end)) !== bytes.readUInt32LE(at + 4)) return undefined;
  return {
    index: readU64(bytes, at + 8),
    batch: readU64(bytes, at + 16),
    input: bytes.subarray(at + 24, end),
    end,
  };
}

/** Where the log ends, and with it where the next entry goes. */
export interface WalEnd {
  readonly segment: string;
  readonly offset: number;
  readonly next: number; // index
}

/** What a start found in `wal/`. */
export type WalState =
  | { readonly kind: 'empty' }
  | { readonly kind: 'found'; readonly first: number; readonly end: WalEnd; readonly torn: boolean }
  | { readonly kind: 'damaged'; readonly what: string };

/** Reads all segments and finds where the log ends: a torn last batch is cut off, damage before it is not. */
export function scanWal(files: Files, folder: string): WalState {
  const firsts = files
    .list(folder)
    .map(segmentFirst)
    .filter((first) => first !== undefined)
    .sort((a, b) => a - b);
  let expected: number | undefined;
  let end: WalEnd | undefined;
  let torn = false;
  for (const [at, first] of firsts.entries()) {
    const segment = segmentName(first);
    const bytes = files.read(`${folder}/${segment}`);
    const last = at === firsts.length - 1;
    if (readSegmentHeader(bytes) !== first) {
      if (last) break; // made ready for use, and never used
      return { kind: 'damaged', what: `The header of ${segment} is damaged` };
    }
    if (expected !== undefined && first !== expected)
      return { kind: 'damaged', what: `Entries ${expected} to ${first - 1} are missing before ${segment}` };
    const found = scanSegment(bytes, first);
    if (found.damaged !== undefined)
      return { kind: 'damaged', what: `Entry ${found.damaged} in ${segment} is damaged, later ones are not` };
    expected = found.next;
    end = { segment, offset: found.offset, next: found.next };
    torn = found.torn;
  }
  const [first] = firsts;
  return first === undefined || end === undefined ? { kind: 'empty' } : { kind: 'found', first, end, torn };
}

const zeros = Buffer.alloc(65_536);

/** Up to where anything but zeros stands, rounded up. */
function usedBytes(bytes: Buffer): number {
  let end = bytes.length;
  while (end > 0) {
    const from = Math.max(0, end - zeros.length);
    if (!bytes.subarray(from, end).equals(zeros.subarray(0, end - from))) break;
    end = from;
  }
  return end;
}

interface Scanned {
  readonly next: number;
  readonly offset: number;
  readonly torn: boolean;
  readonly damaged?: number;
}

function scanSegment(bytes: Buffer, first: number): Scanned {
  let [next, offset] = [first, segmentHead];
  for (;;) {
    const frame = readFrame(bytes, offset);
    if (frame?.index !== next) break;
    next += 1;
    offset = frame.end;
  }
  // Behind the end lie zeros, or what a recycled segment held before (smaller indices), or the rest of a torn batch.
  for (let at = offset, last = usedBytes(bytes); at + frameHead <= last; at++) {
    const length = bytes.readUInt32LE(at);
    if (length === 0 || length > maxLeaf) continue;
    const index = readU64(bytes, at + 8);
    const batch = readU64(bytes, at + 16);
    if (index < next || index > next + segmentBytes || batch > index) continue;
    // A batch that begins later was only written once this one was whole.
    if (batch > next && readFrame(bytes, at) !== undefined)
      return { next, offset, torn: false, damaged: next };
  }
  const torn =
    offset + frameHead <= bytes.length &&
    bytes.readUInt32LE(offset) > 0 &&
    readU64(bytes, offset + 8) >= next;
  return { next, offset, torn };
}
