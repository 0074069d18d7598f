import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { Brand } from '../base/brand.ts';

/** The key of everything keyed: one for each tenant, so that equal values stay equal inside it and say nothing outside. */
export type MaskKey = Brand<KeyObject, 'MaskKey'>;

/** @throws {RangeError} when there are fewer than 16 bytes. */
export function maskKey(bytes: Uint8Array): MaskKey {
  if (bytes.length < 16) throw new RangeError('A mask key needs at least 16 bytes');
  return createSecretKey(bytes) as MaskKey;
}

/** 32 bytes that only this key gives for this use of this text. `use` keeps the uses apart. */
export function keyed(key: MaskKey, use: string, text: string | Uint8Array): Buffer {
  return createHmac('sha256', key).update(`${use}\0`).update(text).digest();
}

/** Bytes as letters a to p, two for each: no digit in them, so that nothing takes them for a number. */
export function lettersOf(bytes: Uint8Array): string {
  const letters = Buffer.allocUnsafe(bytes.length * 2);
  let at = 0;
  for (const byte of bytes) {
    letters[at++] = 97 + (byte >> 4);
    letters[at++] = 97 + (byte & 15);
  }
  return letters.toString('latin1');
}

/** Undoes `lettersOf`; `undefined` for anything else. */
export function bytesOfLetters(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[a-p]*$/.test(text)) return undefined;
  return Buffer.from(
    text.replace(/./g, (char) => (char.charCodeAt(0) - 97).toString(16)),
    'hex',
  );
}
