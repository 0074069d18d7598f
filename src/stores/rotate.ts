/**
 * Changes the key of a ledger. Each step is on disk before the next, and a start that finds `keys/ledger.key.next` goes
 * on where it stopped:
 *
 *   1  keys/ledger.key.next holds the new key
 *   2  the entry `key.rotated` is the ledger's last one, under a head that the old key signs
 *   3  ledger/key.pub is the new key; a head that ends with this entry may be signed with either
 *   4  the same head is signed with the new key
 *   5  keys/ledger.key.next becomes keys/ledger.key
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { Fault } from '../base/errors.ts';
import {
  parseHead,
  parseNote,
  parseVerifierKey,
  rotationOf,
  signedBy,
  signHead,
  type SignerKey,
  type Stored,
  verifierKey,
} from '../ledger/index.ts';
import { realFiles } from './files.ts';
import type { LedgerParts, OpenLedger } from './ledger.ts';

export interface Rotated {
  readonly from: string; // a verifier key
  readonly to: string;
  readonly index: number; // of the entry that says so
}

type Open = (parts: LedgerParts) => Promise<OpenLedger>;

const files = realFiles;

export async function rotateWith(parts: LedgerParts, open: Open): Promise<Rotated> {
  const { directory: folder, world } = parts;
  await settleRotation(parts, open);
  const ledger = await open(parts);
  const old = signerIn(`${folder}/keys/ledger.key`, ledger.key.name);
  const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  files.create(nextPath(folder), Buffer.from(pem), 0o600);
  files.syncFolder(`${folder}/keys`);
  const young = signerIn(nextPath(folder), ledger.key.name);
  const index = ledger.size;
  try {
    await ledger.append({ kind: 'key.rotated', at: world.now(), ...rotationOf(old, young) });
  } finally {
    await ledger.close();
  }
  await settleRotation(parts, open);
  return { from: old.text, to: young.text, index };
}

function nextPath(folder: string): string {
  return `${folder}/keys/ledger.key.next`;
}

function signerIn(path: string, name: string): SignerKey {
  const secret = createPrivateKey(files.read(path).toString());
  return { ...verifierKey(name, createPublicKey(secret)), secret };
}

/** Finishes a change of the key that was interrupted, or takes back one that never stood in the ledger. */
export async function settleRotation(parts: LedgerParts, open: Open): Promise<void> {
  const { directory: folder, log } = parts;
  if (!files.exists(nextPath(folder))) return;
  const own = parseVerifierKey(files.read(`${folder}/ledger/key.pub`).toString());
  if (!own.ok) throw new Fault('ledger', `Cannot continue the ledger: ledger/key.pub: ${own.error}`);
  const young = nextKey(folder, own.value.name);
  if (young === undefined) return;
  if (own.value.text !== young.text && !(await stands(parts, open, young))) {
    files.remove(nextPath(folder));
    return;
  }
  place(folder, 'key.pub', `${young.text}\n`);
  const old = signerIn(`${folder}/keys/ledger.key`, young.name);
  place(folder, 'checkpoint', signedAgain(files.read(`${folder}/ledger/checkpoint`).toString(), old, young));
  files.rename(nextPath(folder), `${folder}/keys/ledger.key`);
  files.syncFolder(`${folder}/keys`);
  log('info', 'ledger.key-rotated', { keyId: young.keyId });
}

/** The key that is to follow; one that was cut off while it was written never came to stand in an entry. */
function nextKey(folder: string, name: string): SignerKey | undefined {
  try {
    return signerIn(nextPath(folder), name);
  } catch {
    files.remove(nextPath(folder));
    return undefined;
  }
}

/** Whether the ledger's last entry says that this key follows. Whatever a crash left is under a head afterwards. */
async function stands(parts: LedgerParts, open: Open, young: SignerKey): Promise<boolean> {
  const ledger = await open(parts);
  let last: Stored | undefined;
  try {
    for await (const each of ledger.read(Math.max(0, ledger.size - 1), ledger.size)) last = each;
  } finally {
    await ledger.close();
  }
  return last?.entry.kind === 'key.rotated' && last.entry.to === young.text;
}

function signedAgain(checkpoint: string, old: SignerKey, young: SignerKey): string {
  const note = parseNote(checkpoint);
  const head = note.ok ? parseHead(note.value.text) : note;
  if (!note.ok || !head.ok || !(signedBy(note.value, old) || signedBy(note.value, young)))
    throw new Fault('ledger', 'Cannot change the key: ledger/checkpoint is not signed by this ledger');
  return signHead(head.value, young);
}

function place(folder: string, name: string, text: string): void {
  const beside = `${folder}/tmp/${name}`;
  files.create(beside, Buffer.from(text), 0o644);
  files.rename(beside, `${folder}/ledger/${name}`);
  files.syncFolder(`${folder}/ledger`);
}
