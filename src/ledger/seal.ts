// AES-256-GCM under a session's key. The same key seals entries and recording chunks: the first byte of the nonce keeps
// the two apart, a counter that never repeats under one key follows.
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';

export type SealDomain = 'entry' | 'chunk' | 'key';

const domains: Readonly<Record<SealDomain, number>> = { entry: 1, chunk: 2, key: 3 };
const tagBytes = 16;

export interface SealAs {
  readonly domain: SealDomain;
  /** INVARIANT: used once for one key and domain. */
  readonly counter: number;
  /** What the box is bound to: it opens nowhere else. */
  readonly bound: string;
}

export function sealingKey(bytes: Uint8Array): KeyObject {
  return createSecretKey(Buffer.from(bytes));
}

// 1 byte domain, 3 bytes zero, 8 bytes counter
function nonceOf({ domain, counter }: SealAs): Uint8Array {
  nonce[0] = domains[domain];
  nonce.writeUInt32BE(Math.floor(counter / 2 ** 32), 4);
  nonce.writeUInt32BE(counter % 2 ** 32, 8);
  return nonce;
}

/** Made once: a cipher copies its nonce when it is made. */
const nonce: Buffer = Buffer.alloc(12);

/** Ciphertext and tag. */
export function seal(key: KeyObject, plain: Uint8Array, as: SealAs): Buffer {
  const box = Buffer.allocUnsafe(plain.length + tagBytes);
  sealInto(box, key, plain, as);
  return box;
}

/** Puts ciphertext and tag at the start of `box`; gives their length. */
export function sealInto(box: Uint8Array, key: KeyObject, plain: Uint8Array, as: SealAs): number {
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(as)); // its tag has 16 bytes unless less is asked for
  cipher.setAAD(Buffer.from(as.bound));
  box.set(cipher.update(plain));
  cipher.final('latin1'); // empty; as a text it makes no buffer
  box.set(cipher.getAuthTag(), plain.length);
  return plain.length + tagBytes;
}

/** The plain bytes; `undefined` when the key, the place or a byte is another. */
export function open(key: KeyObject, box: Uint8Array, as: SealAs): Uint8Array | undefined {
  if (box.length < tagBytes) return undefined;
  const cipher = createDecipheriv('aes-256-gcm', key, nonceOf(as), { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(as.bound));
  cipher.setAuthTag(box.subarray(box.length - tagBytes));
  const body = cipher.update(box.subarray(0, box.length - tagBytes));
  try {
    return Buffer.concat([body, cipher.final()]);
  } catch {
    return undefined; // the tag does not fit
  }
}
