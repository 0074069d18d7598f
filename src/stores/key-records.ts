/**
 * Session keys on disk: one file a day of fixed records, each key wrapped with the master key. A key's id is
 * `<day>.<slot>`, so that it is found without an index, and destroyed by overwriting its record in place.
 *
 *   record  4 bytes magic, 32 bytes SHA-256 of the owner's name, 48 bytes wrapped key and tag, zeros up to 128
 */
import { hash, type KeyObject } from 'node:crypto';
import { open, seal } from '../ledger/index.ts';

export const keyRecordBytes = 128;
const magic = Buffer.from('SPK1');
const wrappedBytes = 48;

export function sessionKeyFile(folder: string, day: string): string {
  return `${folder}/keys/sessions/${day}.keys`;
}

/** Reads `20261121.17`. */
export function parseKeyId(keyId: string): { readonly day: string; readonly slot: number } | undefined {
  const match = /^(\d{8})\.(0|[1-9]\d{0,9})$/.exec(keyId);
  return match === null ? undefined : { day: match[1] ?? '', slot: Number(match[2]) };
}

function ownerHash(owner: string): Buffer {
  return hash('sha256', owner, 'buffer');
}

/** The nonce under the master key: day and slot, which name a record once for ever. */
function wrapAs(day: string, slot: number, owner: string): Parameters<typeof seal>[2] {
  return { domain: 'key', counter: Number(day) * 2 ** 26 + slot, bound: `${day}.${slot}\n${owner}` };
}

export function keyRecord(
  master: KeyObject,
  key: Uint8Array,
  place: { readonly day: string; readonly slot: number; readonly owner: string },
): Buffer {
  const record = Buffer.alloc(keyRecordBytes);
  record.set(magic, 0);
  record.set(ownerHash(place.owner), 4);
  record.set(seal(master, key, wrapAs(place.day, place.slot, place.owner)), 36);
  return record;
}

/** The key in a record; `undefined` when it was destroyed, is another's, or is damaged. */
export function openKeyRecord(
  master: KeyObject,
  record: Buffer,
  place: { readonly day: string; readonly slot: number; readonly owner: string },
): Uint8Array | undefined {
  if (!ownedBy(record, place.owner)) return undefined;
  return open(master, record.subarray(36, 36 + wrappedBytes), wrapAs(place.day, place.slot, place.owner));
}

export function ownedBy(record: Buffer, owner: string): boolean {
  return record.subarray(0, 4).equals(magic) && record.subarray(4, 36).equals(ownerHash(owner));
}
