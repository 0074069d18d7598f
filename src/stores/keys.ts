import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Fault } from '../base/errors.ts';
import { parseVerifierKey, sealingKey, verifierKey, type VerifierKey } from '../ledger/index.ts';
import { type Files, realFiles } from './files.ts';
import {
  keyRecord,
  keyRecordBytes,
  openKeyRecord,
  ownerHex,
  ownerOf,
  parseKeyId,
  sessionKeyFile,
} from './key-records.ts';

/** The keys of one data folder: what signs heads, and what wraps the keys of sessions. */
export interface HouseKeys {
  readonly signer: VerifierKey;
  readonly secretKey: string; // PEM, PKCS #8
  readonly master: KeyObject;
}

interface Place {
  readonly files: Files;
  readonly folder: string; // data folder
  readonly origin: string;
  readonly random: (bytes: number) => Uint8Array;
}

/** Reads the keys, or makes them for a ledger that has not begun. @throws {Fault} `ledger` where a key is missing or foreign. */
export function houseKeys(place: Place): HouseKeys {
  return { ...signingKey(place), master: masterKey(place) };
}

function signingKey({ files, folder, origin }: Place): { signer: VerifierKey; secretKey: string } {
  const [secretPath, publicPath] = [`${folder}/keys/ledger.key`, `${folder}/ledger/key.pub`];
  const begun = files.exists(`${folder}/ledger/checkpoint`);
  const [hasSecret, hasPublic] = [files.exists(secretPath), files.exists(publicPath)];
  if (begun && !(hasSecret && hasPublic)) {
    throw new Fault(
      'ledger',
      `Cannot continue the ledger: ${hasSecret ? 'ledger/key.pub' : 'keys/ledger.key'} is missing; put it back, or begin a new data folder`,
    );
  }
  const secretKey = hasSecret ? files.read(secretPath).toString() : newSigningKey();
  if (!hasSecret) files.create(secretPath, Buffer.from(secretKey), 0o600);
  const key = createPublicKey(createPrivateKey(secretKey));
  if (!hasPublic || !begun) {
    const signer = verifierKey(origin, key);
    files.create(publicPath, Buffer.from(`${signer.text}\n`), 0o644);
    return { signer, secretKey };
  }
  const signer = parseVerifierKey(files.read(publicPath).toString());
  if (!signer.ok) throw new Fault('ledger', `Cannot continue the ledger: ledger/key.pub: ${signer.error}`);
  // The ledger keeps the name it was begun with, whatever the gateway is called now.
  if (verifierKey(signer.value.name, key).text !== signer.value.text)
    throw new Fault('ledger', 'Cannot continue the ledger: keys/ledger.key is not the key of ledger/key.pub');
  return { signer: signer.value, secretKey };
}

function newSigningKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}

function readMaster(files: Files, path: string): KeyObject {
  const text = files.read(path).toString().trim();
  if (!/^[0-9a-f]{64}$/.test(text))
    throw new Fault('ledger', 'keys/master.key is not a key: expected 64 hex digits');
  return sealingKey(Buffer.from(text, 'hex'));
}

function masterKey({ files, folder, random }: Place): KeyObject {
  const path = `${folder}/keys/master.key`;
  if (files.exists(path)) return readMaster(files, path);
  if (files.list(`${folder}/keys/sessions`).length > 0)
    throw new Fault('ledger', 'keys/master.key is missing; without it no session of this folder can be read');
  const key = random(32);
  files.create(path, Buffer.from(`${Buffer.from(key).toString('hex')}\n`), 0o600);
  return sealingKey(key);
}

/** The session keys of a data folder, to read with. @throws {Fault} `ledger` where the key that wraps them is missing */
export function keysOfSessions(folder: string): Pick<SessionKeys, 'find'> {
  const path = `${folder}/keys/master.key`;
  if (!realFiles.exists(path)) throw new Fault('ledger', 'keys/master.key is missing');
  return new SessionKeys(realFiles, folder, readMaster(realFiles, path));
}

/** A session's key, on its way to disk. */
export interface SessionKey {
  readonly handle: number; // names it between the threads
  readonly keyId: string;
  readonly day: string;
  readonly slot: number;
  readonly bytes: Uint8Array;
  readonly record: Buffer;
}

/** Makes, finds and destroys the keys of sessions. It never writes a new one itself: the committing thread does, in order. */
export class SessionKeys {
  readonly #files: Files;
  readonly #folder: string;
  readonly #master: KeyObject;
  #handles = 0;
  /** By day: a clock may go back over midnight while keys are on their way to disk. */
  readonly #slots: Map<string, number> = new Map();

  constructor(files: Files, folder: string, master: KeyObject) {
    this.#files = files;
    this.#folder = folder;
    this.#master = master;
  }

  make(owner: string, now: number, random: (bytes: number) => Uint8Array): SessionKey {
    const day = new Date(now).toISOString().slice(0, 10).replaceAll('-', '');
    const slot = this.#slots.get(day) ?? this.#onDisk(day);
    this.#slots.set(day, slot + 1);
    this.#handles += 1;
    const bytes = random(32);
    const record = keyRecord(this.#master, bytes, { day, slot, owner });
    return { handle: this.#handles, keyId: `${day}.${slot}`, day, slot, bytes, record };
  }

  /** The key of this id, if it is this owner's and was not destroyed. */
  find(keyId: string, owner: string): KeyObject | undefined {
    const place = parseKeyId(keyId);
    if (place === undefined) return undefined;
    const record = this.#record(place.day, place.slot);
    const bytes = record === undefined ? undefined : openKeyRecord(this.#master, record, { ...place, owner });
    return bytes === undefined ? undefined : sealingKey(bytes);
  }

  /** Destroys every key of these owners: what they sealed can never be read again, and the ledger still verifies. Gives their number. */
  destroy(owners: readonly string[]): number {
    const wanted = new Set(owners.map(ownerHex));
    const folder = `${this.#folder}/keys/sessions`;
    let destroyed = 0;
    for (const name of this.#files.list(folder)) {
      const bytes = this.#files.read(`${folder}/${name}`);
      for (let at = 0; at + keyRecordBytes <= bytes.length; at += keyRecordBytes) {
        if (!wanted.has(ownerOf(bytes.subarray(at, at + keyRecordBytes)) ?? '')) continue;
        const fd = this.#files.openDurable(`${folder}/${name}`);
        this.#files.write(fd, Buffer.alloc(keyRecordBytes), at);
        this.#files.close(fd);
        destroyed += 1;
      }
    }
    return destroyed;
  }

  #onDisk(day: string): number {
    const path = sessionKeyFile(this.#folder, day);
    return this.#files.exists(path) ? Math.ceil(this.#files.read(path).length / keyRecordBytes) : 0;
  }

  #record(day: string, slot: number): Buffer | undefined {
    const path = sessionKeyFile(this.#folder, day);
    if (!this.#files.exists(path)) return undefined;
    const fd = this.#files.open(path);
    try {
      const record = Buffer.alloc(keyRecordBytes);
      return this.#files.readAt(fd, record, slot * keyRecordBytes) === keyRecordBytes ? record : undefined;
    } finally {
      this.#files.close(fd);
    }
  }
}
