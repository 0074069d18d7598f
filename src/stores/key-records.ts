/**
 * Session keys on disk: one file a day of fixed records, each key wrapped with the master key. A key's id is
 * `<day>.<slot>`, so that it is found without an index, and destroyed by overwriting its record in place.
 *
 *   record  4 bytes magic, 32 bytes SHA-256 of the owner's name, 48 bytes wrapped key and tag, 8 bytes counter of the
 *           nonce (SPK2: by chance; SPK1 has none, day and slot stand for it), zeros up to 128
 */
import { hash, type KeyObject, randomBytes } from 'node:crypto';
import { open, seal } from '../ledger/index.ts';

export const keyRecordBytes = 128;
const magic = Buffer.from('SPK2');
const oldMagic = Buffer.from('SPK1');
const counterAt = 36 + 48;
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

interface Place {
  readonly day: string;
  readonly slot: number;
  readonly owner: string;
}

function wrapAs({ day, slot, owner }: Place, counter: number): Parameters<typeof seal>[2] {
  return { domain: 'key', counter, bound: `${day}.${slot}\n${owner}` };
}

/**
 * SECURITY: day and slot name a record once in one folder, but a folder and its restored backup both go on with the same
 * slots under the same master key: only chance keeps their nonces apart.
 */
function freshCounter(): number {
  const bytes = randomBytes(8);
  return (bytes.readUInt32LE(0) & 0x1f_ffff) * 2 ** 32 + bytes.readUInt32LE(4);
}

export function keyRecord(master: KeyObject, key: Uint8Array, place: Place): Buffer {
  const record = Buffer.alloc(keyRecordBytes);
  const counter = freshCounter();
  record.set(magic, 0);
  record.set(ownerHash(place.owner), 4);
  record.set(seal(master, key, wrapAs(place, counter)), 36);
  record.writeBigUInt64LE(BigInt(counter), counterAt);
  return record;
}

/** The key in a record; `undefined` when it was destroyed, is another's, or is damaged. */
export function openKeyRecord(master: KeyObject, record: Buffer, place: Place): Uint8Array | undefined {
  if (!ownedBy(record, place.owner)) return undefined;
  const isOld = record.subarray(0, 4).equals(oldMagic);
  const counter = isOld
    ? Number(place.day) * 2 ** 26 + place.slot
    : Number(record.readBigUInt64LE(counterAt));
  return open(master, record.subarray(36, 36 + wrappedBytes), wrapAs(place, counter));
}

function ownedBy(record: Buffer, owner: string): boolean {
  return ownerOf(record) === ownerHex(owner);
}

/** Whose key it is, as `ownerHex` names it; `undefined` when it was destroyed or is none. */
export function ownerOf(record: Buffer): string | undefined {
  const kind = record.subarray(0, 4);
  return kind.equals(magic) || kind.equals(oldMagic) ? record.toString('hex', 4, 36) : undefined;
}

export function ownerHex(owner: string): string {
  return ownerHash(owner).toString('hex');
}
