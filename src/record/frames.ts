/**
 * The recording container, one for all protocols. A recording is a sequence of chunks; a chunk's content is a sequence of
 * frames, each complete, so that any chunk can be read without the others.
 *
 *   frame  4 bytes milliseconds since the session began, 1 byte kind, 4 bytes length, bytes      (big-endian)
 *
 * The first frame of chunk 0 is the `header`: UTF-8 JSON about the session.
 */
import type { FrameKind } from '../core/ports.ts';

/** `turn`: the frames behind it are of the statement that it names, until the next one. */
export type StoredKind = FrameKind | 'header' | 'turn';

const kinds: readonly StoredKind[] = ['header', 'statement', 'decision', 'answer', 'ask', 'note', 'turn'];

export const frameHeadBytes = 9;
/** A longer frame is stored as several of the same kind. */
export const maxFrameBytes = 1_048_576;

export interface Frame {
  readonly at: number; // ms since the session began
  readonly kind: StoredKind;
  readonly bytes: Uint8Array;
}

/** Writes a frame's head at `at`. */
export function putHead(
  into: Buffer,
  at: number,
  frame: { at: number; kind: StoredKind; length: number },
): void {
  into.writeUInt32BE(Math.min(Math.max(0, frame.at), 0xffff_ffff), at);
  into[at + 4] = kinds.indexOf(frame.kind);
  into.writeUInt32BE(frame.length, at + 5);
}

/** The frames of a chunk's content, as views; `undefined` when the bytes are no whole frames. */
export function decodeFrames(content: Uint8Array): readonly Frame[] | undefined {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
  const frames: Frame[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + frameHeadBytes > bytes.length) return undefined;
    const kind = kinds[bytes[at + 4] ?? 255];
    const end = at + frameHeadBytes + bytes.readUInt32BE(at + 5);
    if (kind === undefined || end > bytes.length) return undefined;
    frames.push({ at: bytes.readUInt32BE(at), kind, bytes: bytes.subarray(at + frameHeadBytes, end) });
    at = end;
  }
  return frames;
}
