/**
 * The committing thread: takes what is queued, numbers and seals it, writes it down in one durable write, says so, and
 * starts again. What arrives during a write goes with the next one (group commit).
 *
 * INVARIANT: an index is given once, in the order of the ring; what was said to be on disk is on disk.
 * INVARIANT: after any error nothing is written any more: a failed sync may have dropped pages that a second one would
 * report as clean.
 */
import type { KeyObject } from 'node:crypto';
import { boundTo, sealingKey, sealInto } from '../ledger/index.ts';
import type { Files } from './files.ts';
import { keyRecordBytes, sessionKeyFile } from './key-records.ts';
import { cell, type Ring, RingReader, type RingRecord } from './ring.ts';
import {
  frameHead,
  sealFrame,
  segmentBytes,
  segmentHead,
  segmentHeader,
  segmentName,
  type WalEnd,
} from './wal.ts';

/** Tags of the ring's records, with their content. */
export const tag = {
  /** 4 handle (0: nothing is sealed), 4 bytes of clear, 4 bytes of sealed, clear, sealed */
  entry: 1,
  /** 4 handle, 4 slot, 8 day, 32 key, 128 key record, 4 bytes of owner, owner */
  key: 2,
  /** 4 handle */
  forget: 3,
  stop: 4,
} as const;

export const entryHead = 12;
export const keyHead: number = 16 + 32 + keyRecordBytes + 4;

export interface CommitParts {
  readonly ring: Ring;
  readonly folder: string; // data folder
  readonly origin: string;
  /** Where the log ended at the start; absent when there is none. */
  readonly end?: WalEnd;
  readonly next: number;
}

const batchBytes = 1_048_576;
const room = 65_536 + frameHead;

interface Owner {
  readonly key: KeyObject;
  readonly keyId: string;
  readonly name: string;
  seq: number;
}

/** Runs until it is told to stop. Throws what went wrong, after marking the ring as failed. */
export function commitLoop(files: Files, parts: CommitParts): void {
  const { control } = parts.ring;
  try {
    const committer = new Committer(files, parts);
    Atomics.store(control, cell.ready, 1);
    Atomics.notify(control, cell.ready);
    committer.run();
  } catch (thrown) {
    Atomics.store(control, cell.failed, 1);
    throw thrown;
  } finally {
    Atomics.notify(control, cell.committed);
  }
}

class Committer {
  readonly #files: Files;
  readonly #parts: CommitParts;
  readonly #reader: RingReader;
  readonly #out: Buffer = Buffer.allocUnsafeSlow(batchBytes + room);
  /** Where one entry's personal part is sealed; it is smaller than the largest leaf. */
  readonly #box: Buffer = Buffer.allocUnsafeSlow(room);
  readonly #owners: Map<number, Owner> = new Map();
  #next: number;
  #segment: { fd: number; offset: number } | undefined;
  #keyFile: { day: string; fd: number } | undefined;
  #stopped = false;

  constructor(files: Files, parts: CommitParts) {
    this.#files = files;
    this.#parts = parts;
    this.#reader = new RingReader(parts.ring);
    this.#next = parts.next;
    if (parts.end !== undefined) {
      const fd = files.openDurable(`${parts.folder}/wal/${parts.end.segment}`);
      // What a torn batch left behind must not be taken for entries after a later crash.
      files.write(fd, Buffer.alloc(segmentBytes - parts.end.offset), parts.end.offset);
      this.#segment = { fd, offset: parts.end.offset };
    }
  }

  run(): void {
    const { control } = this.#parts.ring;
    while (!this.#stopped) {
      this.#reader.wait();
      const first = this.#next;
      const bytes = this.#gather();
      if (this.#next === first) continue;
      this.#write(bytes, first);
      Atomics.add(control, cell.committed, this.#next - first);
      Atomics.notify(control, cell.committed);
    }
    if (this.#segment !== undefined) this.#files.close(this.#segment.fd);
    if (this.#keyFile !== undefined) this.#files.close(this.#keyFile.fd);
  }

  /** Turns what is queued into frames; gives their length. */
  #gather(): number {
    const batch = this.#next;
    let at = 0;
    while (at < batchBytes && !this.#stopped) {
      const record = this.#reader.peek();
      if (record === undefined) break;
      if (record.tag === tag.entry) at = this.#frame(record, at, batch);
      else this.#other(record);
      this.#reader.take(record);
    }
    return at;
  }

  #frame(record: RingRecord, at: number, batch: number): number {
    const { buffer } = this.#reader;
    const out = this.#out;
    const index = this.#next;
    const owner = this.#owners.get(buffer.readUInt32LE(record.at));
    const clearEnd = record.at + entryHead + buffer.readUInt32LE(record.at + 4);
    const sealedEnd = clearEnd + buffer.readUInt32LE(record.at + 8);
    const from = at + frameHead;
    let end = from + out.write(`{"v":1,"n":${index},`, from, 'latin1');
    end += buffer.copy(out, end, record.at + entryHead, clearEnd);
    if (owner !== undefined) {
      owner.seq += 1;
      const bound = boundTo(this.#parts.origin, owner.name, owner.seq);
      const as = { domain: 'entry', counter: owner.seq, bound } as const;
      const length = sealInto(this.#box, owner.key, buffer.subarray(clearEnd, sealedEnd), as);
      const box = this.#box.toString('base64', 0, length);
      end += out.write(`,"sealed":{"key":"${owner.keyId}","seq":${owner.seq},"box":"${box}"}`, end, 'latin1');
    }
    out[end] = 0x7d; // }
    this.#next += 1;
    return sealFrame(out, at, { index, batch, length: end + 1 - from });
  }

  #other({ tag: kind, at }: RingRecord): void {
    const { buffer } = this.#reader;
    if (kind === tag.key) this.#key(buffer, at);
    else if (kind === tag.forget) this.#owners.delete(buffer.readUInt32LE(at));
    else this.#stopped = true;
  }

  /** A new session key: on disk, wrapped, before any entry that needs it can be. */
  #key(buffer: Buffer, at: number): void {
    const slot = buffer.readUInt32LE(at + 4);
    const day = buffer.toString('latin1', at + 8, at + 16);
    const key = sealingKey(buffer.subarray(at + 16, at + 48));
    const record = Buffer.from(buffer.subarray(at + 48, at + 48 + keyRecordBytes));
    const ownerAt = at + keyHead;
    const name = buffer.toString('utf8', ownerAt, ownerAt + buffer.readUInt32LE(ownerAt - 4));
    buffer.fill(0, at + 16, at + 48);
    this.#files.write(this.#openKeys(day), record, slot * keyRecordBytes);
    this.#owners.set(buffer.readUInt32LE(at), { key, keyId: `${day}.${slot}`, name, seq: 0 });
  }

  #openKeys(day: string): number {
    if (this.#keyFile?.day === day) return this.#keyFile.fd;
    if (this.#keyFile !== undefined) this.#files.close(this.#keyFile.fd);
    const path = sessionKeyFile(this.#parts.folder, day);
    const known = this.#files.exists(path);
    const fd = this.#files.openDurable(path);
    if (!known) this.#files.syncFolder(`${this.#parts.folder}/keys/sessions`);
    this.#keyFile = { day, fd };
    return fd;
  }

  #write(length: number, first: number): void {
    let segment = this.#segment;
    if (segment === undefined || segment.offset + length > segmentBytes) segment = this.#roll(first);
    this.#files.write(segment.fd, this.#out.subarray(0, length), segment.offset);
    segment.offset += length;
  }

  /** Goes on in a fresh segment: one that was made or set aside before, or one made now. */
  #roll(first: number): { fd: number; offset: number } {
    const folder = `${this.#parts.folder}/wal`;
    if (this.#segment !== undefined) this.#files.close(this.#segment.fd);
    const path = `${folder}/${segmentName(first)}`;
    const spare = this.#files.list(folder).find((name) => name.startsWith('spare.'));
    if (spare === undefined) this.#files.create(path, Buffer.alloc(segmentBytes));
    else this.#files.rename(`${folder}/${spare}`, path);
    this.#files.syncFolder(folder);
    const fd = this.#files.openDurable(path);
    this.#files.write(fd, segmentHeader(first), 0);
    this.#segment = { fd, offset: segmentHead };
    return this.#segment;
  }
}
