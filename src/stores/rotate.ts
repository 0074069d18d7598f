/**
 * Changes the key of a ledger while it goes on. Each step is on disk before the next, and a start that finds
 * `keys/ledger.key.next` goes on where it stopped, or takes back a key that never came to stand in the ledger:
 *
 *   1  keys/ledger.key.next holds the new key
 *   2  the entry `key.rotated` is in the write-ahead log; others may follow it at once
 *   3  a head that ends with this entry is signed with the old key, and no later one ever is
 *   4  ledger/key.pub is the new key; a head that ends with this entry may be signed with either
 *   5  the same head is signed with the new key
 *   6  keys/ledger.key.next becomes keys/ledger.key; heads over what follows are signed with it
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { Fault } from '../base/errors.ts';
import {
  decodeEnvelope,
  type Head,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
  changeLine,
  rotationOf,
  signedBy,
  signHead,
  type SignerKey,
  verifierKey,
} from '../ledger/index.ts';
import type { Entry } from '../core/entry.ts';
import { realFiles } from './files.ts';
import { bundleOf } from './publish.ts';
import { readFrame, segmentFirst, segmentHead } from './wal.ts';

export interface Rotated {
  readonly from: string; // a verifier key
  readonly to: string;
  readonly index: number; // of the entry that says so
}

/** A change of the key that stands in the ledger and is not finished. */
export interface Unfinished {
  readonly young: SignerKey;
  readonly index: number; // of its entry
}

const files = realFiles;

/** Step 1, and what the entry of step 2 says. */
export function prepareKey(
  folder: string,
  name: string,
): {
  readonly young: SignerKey;
  readonly said: Omit<Extract<Entry, { kind: 'key.rotated' }>, 'at'>;
} {
  const old = signerIn(`${folder}/keys/ledger.key`, name);
  const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  files.create(nextPath(folder), Buffer.from(pem), 0o600);
  files.syncFolder(`${folder}/keys`);
  const young = signerIn(nextPath(folder), name);
  return { young, said: { kind: 'key.rotated', ...rotationOf(old, young) } };
}

/** Steps 4 to 6, when the newest head ends with the entry. */
export function replaceKey(folder: string, young: SignerKey): void {
  place(folder, 'key.pub', `${young.text}\n`);
  const old = signerIn(`${folder}/keys/ledger.key`, young.name);
  keepChange(folder, changeLine(rotationOf(old, young)));
  place(folder, 'checkpoint', signedAgain(files.read(`${folder}/ledger/checkpoint`).toString(), old, young));
  files.rename(nextPath(folder), `${folder}/keys/ledger.key`);
  files.syncFolder(`${folder}/keys`);
}

/**
 * What a start finds of a change that was interrupted. One in its last steps is finished here, one that is not in the
 * ledger is taken back; for one that is, the caller does what is left once the ledger is open. The caller holds the folder.
 */
export function settleRotation(folder: string): Unfinished | undefined {
  if (!files.exists(nextPath(folder))) return undefined;
  const own = parseVerifierKey(files.read(`${folder}/ledger/key.pub`).toString());
  if (!own.ok) throw new Fault('ledger', `Cannot continue the ledger: ledger/key.pub: ${own.error}`);
  const young = nextKey(folder, own.value.name);
  if (young !== undefined && own.value.text === young.text) {
    replaceKey(folder, young);
    return undefined;
  }
  const index = young === undefined ? undefined : entryOf(folder, young);
  if (young !== undefined && index !== undefined) return { young, index };
  files.remove(nextPath(folder));
  return undefined;
}

/** All changes of a ledger's key, oldest first, one a line: what its witnesses are shown. Signatures of Ed25519 are the same each time. */
export function keyChanges(folder: string): readonly string[] {
  const path = `${folder}/keys/changes`;
  return files.exists(path) ? files.read(path).toString().split('\n').slice(0, -1) : [];
}

function keepChange(folder: string, line: string): void {
  const kept = keyChanges(folder);
  if (kept.at(-1) === line) return;
  files.create(`${folder}/keys/changes.new`, Buffer.from([...kept, line, ''].join('\n')), 0o600);
  files.rename(`${folder}/keys/changes.new`, `${folder}/keys/changes`);
}

function nextPath(folder: string): string {
  return `${folder}/keys/ledger.key.next`;
}

function signerIn(path: string, name: string): SignerKey {
  const secret = createPrivateKey(files.read(path).toString());
  return { ...verifierKey(name, createPublicKey(secret)), secret };
}

/** The key that is to follow; one that was cut off while it was written never came to stand in an entry. */
function nextKey(folder: string, name: string): SignerKey | undefined {
  try {
    return signerIn(nextPath(folder), name);
  } catch {
    return undefined;
  }
}

/** Where the ledger says that this key follows: as the last entry under the newest head, or behind it. */
function entryOf(folder: string, young: SignerKey): number | undefined {
  const path = `${folder}/ledger/checkpoint`;
  const headed = files.exists(path) ? Number(headIn(files.read(path).toString()).size) : 0;
  const last = headed === 0 ? undefined : bundleOf(files, folder, headed).at(-1);
  if (last !== undefined && lets(last, young)) return headed - 1;
  for (const name of files.list(`${folder}/wal`)) {
    if (segmentFirst(name) === undefined) continue;
    const bytes = files.read(`${folder}/wal/${name}`);
    for (let frame = readFrame(bytes, segmentHead); frame !== undefined; frame = readFrame(bytes, frame.end))
      if (frame.index >= headed && lets(frame.input.subarray(1), young)) return frame.index;
  }
  return undefined;
}

function lets(leaf: Uint8Array, young: SignerKey): boolean {
  if (!Buffer.from(leaf.buffer, leaf.byteOffset, leaf.length).includes('"key.rotated"')) return false;
  const entry = decodeEnvelope(leaf);
  return entry.ok && entry.value.kind === 'key.rotated' && entry.value.fields['to'] === young.text;
}

function headIn(text: string): Head {
  const checkpoint = parseCheckpoint(text);
  if (!checkpoint.ok) throw new Fault('ledger', 'Cannot continue the ledger: ledger/checkpoint is damaged');
  return checkpoint.value.head;
}

function signedAgain(checkpoint: string, old: SignerKey, young: SignerKey): string {
  const note = parseNote(checkpoint);
  if (!note.ok || !(signedBy(note.value, old) || signedBy(note.value, young)))
    throw new Fault('ledger', 'Cannot change the key: ledger/checkpoint is not signed by this ledger');
  return signHead(headIn(checkpoint), young);
}

function place(folder: string, name: string, text: string): void {
  const beside = `${folder}/tmp/${name}`;
  files.create(beside, Buffer.from(text), 0o644);
  files.rename(beside, `${folder}/ledger/${name}`);
  files.syncFolder(`${folder}/ledger`);
}
