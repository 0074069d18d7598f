/**
 * A chunk as it is stored: a clear head, and its frames compressed and sealed.
 *
 *   8 bytes magic, 1 byte codec (1: zstd), 1 byte length of the key id, key id, 4 bytes chunk number,
 *   4 bytes length of the frames, AES-256-GCM of the compressed frames and its tag
 *
 * The head and the session's name are bound into the seal: a chunk opens only in its own place.
 */
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { err, ok, type Result } from '../base/result.ts';
import { decodeFrames, type Frame, maxFrameBytes } from './frames.ts';

const magic = Buffer.from('SPREC001');
const zstd = 1;
const tagBytes = 16;
/** A chunk's frames are never longer: what claims more is refused before it is unpacked. */
export const maxChunkBytes: number = 4 * maxFrameBytes;

export interface ChunkAs {
  readonly session: string;
  readonly chunk: number; // from 0
  readonly keyId: string;
  readonly key: KeyObject;
}

function headOf({ keyId, chunk }: ChunkAs, length: number): Buffer {
  const head = Buffer.alloc(18 + keyId.length);
  head.set(magic, 0);
  head[8] = zstd;
  head[9] = keyId.length;
  head.write(keyId, 10, 'latin1');
  head.writeUInt32BE(chunk, 10 + keyId.length);
  head.writeUInt32BE(length, 14 + keyId.length);
  return head;
}

/** The nonce: domain 2 keeps chunks apart from entries under the same key; a session counts its chunks. */
function nonceOf(chunk: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce[0] = 2;
  nonce.writeBigUInt64BE(BigInt(chunk), 4);
  return nonce;
}

/** Packs frames; compression happens off the main thread. */
export async function packChunk(frames: Uint8Array, as: ChunkAs): Promise<Uint8Array> {
  const packed = await compress(frames);
  const head = headOf(as, frames.length);
  const cipher = createCipheriv('aes-256-gcm', as.key, nonceOf(as.chunk), { authTagLength: tagBytes });
  cipher.setAAD(Buffer.concat([head, Buffer.from(as.session)]));
  const body = cipher.update(packed);
  cipher.final();
  return Buffer.concat([head, body, cipher.getAuthTag()]);
}

/** The key id that a chunk names; `undefined` when it is no chunk. */
export function chunkKeyId(bytes: Uint8Array): string | undefined {
  const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = chunk[9] ?? 0;
  if (chunk.length < 18 + length + tagBytes || !chunk.subarray(0, 8).equals(magic)) return undefined;
  return chunk.toString('latin1', 10, 10 + length);
}

/** Opens a chunk in its place. */
export async function unpackChunk(bytes: Uint8Array, as: ChunkAs): Promise<Result<readonly Frame[], string>> {
  const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const keyId = chunkKeyId(chunk);
  if (keyId === undefined || chunk[8] !== zstd) return err('It is no chunk that this program knows');
  const length = chunk.readUInt32BE(14 + keyId.length);
  const head = headOf({ ...as, keyId }, length);
  if (!chunk.subarray(0, head.length).equals(head)) return err('It is the chunk of another place');
  if (length > maxChunkBytes) return err('It claims to be longer than any chunk');
  const cipher = createDecipheriv('aes-256-gcm', as.key, nonceOf(as.chunk), { authTagLength: tagBytes });
  cipher.setAAD(Buffer.concat([head, Buffer.from(as.session)]));
  cipher.setAuthTag(chunk.subarray(chunk.length - tagBytes));
  try {
    const packed = Buffer.concat([
      cipher.update(chunk.subarray(head.length, chunk.length - tagBytes)),
      cipher.final(),
    ]);
    const content = await decompress(packed, length);
    const frames = content.length === length ? decodeFrames(content) : undefined;
    return frames === undefined ? err('Its frames are malformed') : ok(frames);
  } catch {
    return err('It was changed, or its key is another');
  }
}

// Level 1: on rows and text twice as fast as level 3, for a tenth more bytes.
function compress(bytes: Uint8Array): Promise<Buffer> {
  const options = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
  return new Promise((resolve, reject) => {
    zstdCompress(bytes, options, (error, packed) => (error === null ? resolve(packed) : reject(error)));
  });
}

function decompress(bytes: Uint8Array, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    zstdDecompress(bytes, { maxOutputLength: Math.max(1, length) }, (error, content) =>
      error === null ? resolve(content) : reject(error),
    );
  });
}
