/**
 * The ledger on disk. The main thread drafts entries and puts them into a ring; one thread numbers, seals and commits
 * them to the write-ahead log; another publishes them as tiles and signed heads under `ledger/`.
 *
 *   DATA/ledger/   checkpoint, key.pub, tile/…   what `audit verify` checks, and nothing else
 *   DATA/wal/      segments of the write-ahead log, the lock
 *   DATA/keys/     ledger.key, master.key, sessions/<day>.keys
 *   DATA/tmp/      files on their way into ledger/
 */
import type { KeyObject } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { Fault, messageOf } from '../base/errors.ts';
import type { World } from '../base/time.ts';
import type { Actor, Entry } from '../core/entry.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Ledger, Log } from '../core/ports.ts';
import type { SessionId } from '../core/session.ts';
import {
  Drafter,
  type Draft,
  sealedFor,
  sealingKey,
  type Stored,
  type VerifierKey,
} from '../ledger/index.ts';
import { type CommitParts, entryHead, keyHead, tag } from './commit.ts';
import { realFiles } from './files.ts';
import { migrate } from './format.ts';
import { houseKeys, type SessionKey, SessionKeys } from './keys.ts';
import { lockFolder } from './lock.ts';
import { readEntries } from './read.ts';
import { Publishing, type PublishingParts } from './publishing.ts';
import { recover } from './recover.ts';
import { prepareKey, type Rotated, settleRotation, type Unfinished } from './rotate.ts';
import { cell, makeRing, type Ring, RingWriter } from './ring.ts';

export interface LedgerParts {
  /** The data folder; made if it is not there. One process at a time. */
  readonly directory: string;
  /** The name of a new ledger (no spaces or plus signs): `example.com/gateway-1`. One that exists keeps its own. */
  readonly origin: string;
  readonly world: World;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Called once when the ledger fails: from then on every append rejects. */
  readonly failed?: (fault: Fault) => void;
  /** Other modules for the two threads; for tests that let the disk fail. */
  readonly threads?: { readonly commit?: URL; readonly publish?: URL };
}

export interface OpenLedger extends Ledger, AsyncDisposable {
  /** Entries that would survive a power cut. */
  readonly size: number;
  /** Its public key, as in `ledger/key.pub`. */
  readonly key: VerifierKey;
  /**
   * Entries `from` to `to` (exclusive) in order, as far as they are on disk, opened where their keys still exist;
   * where `containing` is given, only those whose clear bytes contain it.
   */
  readonly read: (from: number, to: number, containing?: string) => AsyncIterable<Stored>;
  /** Puts what is on disk into its files, at least up to `end`; gives the number of entries whose files are in place. */
  readonly publish: (end: number) => Promise<number>;
  /** A session's sealing key, made on first use. It is on disk before any entry that is appended after this call. */
  readonly sessionKey: (session: SessionId) => { readonly keyId: string; readonly key: KeyObject };
  /** The key of this id, if it belongs to this session and was not destroyed. */
  readonly findKey: (keyId: string, session: SessionId) => KeyObject | undefined;
  /** Destroys a session's keys for ever; its entries and recordings stay provable and can no longer be read. */
  readonly erase: (...sessions: readonly SessionId[]) => number;
  /**
   * Lets a new key follow the ledger's while it goes on: the old key signs the new one in an entry, and heads from that
   * entry on are signed with the new one. Where it is interrupted, the next start finishes it. Rejects with a Fault `ledger`.
   */
  readonly rotate: (by?: Actor) => Promise<Rotated>;
  /** Called with every entry that is appended from now on and its index, before it is on disk. */
  readonly watch: (see: (entry: Entry, index: number) => void) => void;
  /** Commits what was appended, publishes it, and signs a head over everything. */
  readonly close: () => Promise<void>;
}

/**
 * Opens the ledger of a data folder, recovering what a crash left. Rejects with a Fault `ledger` when another process
 * has it, or when head, tree and write-ahead log do not tell one story.
 */
export async function openLedger(parts: LedgerParts): Promise<OpenLedger> {
  const { directory: folder, world, log } = parts;
  try {
    for (const name of ['', '/ledger', '/wal', '/tmp', '/keys', '/keys/sessions'])
      realFiles.makeFolder(folder + name);
  } catch (thrown) {
    throw new Fault('ledger', `Cannot use the data folder ${folder}: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
  const lock = lockFolder(folder);
  try {
    const { from, to } = migrate(realFiles, folder);
    if (from !== to) log('info', 'ledger.migrated', { from, to });
    const unfinished = settleRotation(folder);
    const keys = houseKeys({ files: realFiles, folder, origin: parts.origin, random: world.random });
    const found = recover(realFiles, folder, keys.signer);
    if (keys.signer.name !== parts.origin)
      log('warn', 'ledger.keeps-name', { ledger: keys.signer.name, configured: parts.origin });
    log('info', 'ledger.opened', { entries: found.next, underHead: found.headed, torn: found.torn });
    const ring = makeRing();
    const origin = keys.signer.name;
    const commit: CommitParts = {
      ring,
      folder,
      origin,
      next: found.next,
      ...(found.end === undefined ? {} : { end: found.end }),
    };
    const publish = { folder, origin, secretKey: keys.secretKey };
    const sessionKeys = new SessionKeys(realFiles, folder, keys.master);
    const open = new DiskLedger(parts, {
      lock,
      ring,
      commit,
      publish,
      sessionKeys,
      key: keys.signer,
      headed: found.headed,
      unfinished,
    });
    await open.started;
    return open;
  } catch (thrown) {
    lock[Symbol.dispose]();
    throw thrown instanceof Fault
      ? thrown
      : new Fault('ledger', `Cannot open the ledger: ${messageOf(thrown)}`, { cause: thrown });
  }
}

interface Inside {
  readonly lock: Disposable;
  readonly ring: Ring;
  readonly commit: CommitParts;
  readonly publish: PublishingParts['publish'];
  readonly sessionKeys: SessionKeys;
  readonly key: VerifierKey;
  readonly headed: number;
  readonly unfinished: Unfinished | undefined;
}

/** What one turn of the event loop appended: it is committed together, so all of it waits for one promise. */
interface Batch {
  readonly written: PromiseWithResolvers<void>;
  readonly since: number;
  end: number; // index behind its last entry
}

const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

class DiskLedger implements OpenLedger {
  readonly #parts: LedgerParts;
  readonly #inside: Inside;
  readonly #ring: RingWriter;
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #drafter: Drafter = new Drafter();
  readonly #owners: Map<string, SessionKey> = new Map();
  readonly #committer: Worker;
  readonly #publishing: Publishing;
  /** What is not known to be on disk, oldest first. */
  #waiting: Batch[] = [];
  /** The one that takes what is appended now; the last of those that wait. */
  #open: Batch | undefined;
  /** What found no room in the ring, in order. */
  #backlog: (() => boolean)[] = [];
  #committed = 0; // since the start, modulo 2^32
  #size: number;
  #listening = false;
  #waking = false;
  #rotating: Promise<Rotated> | undefined;
  #key: VerifierKey;
  #fault: Fault | undefined;
  #closing: Promise<void> | undefined;
  #watchers: ((entry: Entry, index: number) => void)[] = [];
  #appended: number; // index of the next append
  readonly started: Promise<void>;

  constructor(parts: LedgerParts, inside: Inside) {
    this.#parts = parts;
    this.#inside = inside;
    this.#key = inside.key;
    this.#ring = new RingWriter(inside.ring);
    this.#control = inside.ring.control;
    this.#size = inside.commit.next;
    this.#appended = inside.commit.next;
    const { publish, headed, unfinished } = inside;
    this.#publishing = new Publishing({
      publish,
      headed,
      unfinished,
      module: parts.threads?.publish ?? new URL(`./publish-worker${extension}`, import.meta.url),
      world: parts.world,
      log: parts.log,
      size: () => this.#size,
      gaveUp: (why) => this.#fail(`The ledger cannot be published: ${why}`),
    });
    const url = parts.threads?.commit ?? new URL(`./commit-worker${extension}`, import.meta.url);
    this.#committer = new Worker(url, { workerData: inside.commit });
    this.#committer.on('error', (error) => {
      this.#fail(`Cannot write the ledger: ${codeOf(error)}`, error);
    });
    this.#committer.on('exit', () => {
      if (this.#closing === undefined) this.#fail('The thread that writes the ledger ended');
    });
    const threads = Promise.all([this.#publishing.cycle('cycle'), this.#ready()]);
    this.started = threads.then(async () => {
      if (this.#fault === undefined && unfinished !== undefined) await this.#follow(unfinished);
      if (this.#fault !== undefined) throw this.#fault;
      this.#publishing.plan();
    });
  }

  get key(): VerifierKey {
    return this.#key;
  }

  get size(): number {
    return this.#size;
  }

  readonly append = (entry: Entry): Promise<void> => {
    if (this.#fault !== undefined) return Promise.reject(this.#fault);
    if (this.#closing !== undefined) return Promise.reject(new Fault('ledger', 'The ledger is closed'));
    try {
      this.#enqueue(entry);
    } catch (thrown) {
      this.#fail('An entry could not be encoded', thrown);
      return Promise.reject(this.#fault ?? thrown);
    }
    for (const see of this.#watchers) see(entry, this.#appended);
    this.#appended += 1;
    const batch = this.#open ?? this.#begin();
    batch.end = this.#appended;
    return batch.written.promise;
  };

  readonly watch = (see: (entry: Entry, index: number) => void): void => {
    this.#watchers = [...this.#watchers, see];
  };

  readonly sessionKey = (session: SessionId): { keyId: string; key: KeyObject } => {
    const { keyId, bytes } = this.#keyFor(session, this.#parts.world.now());
    return { keyId, key: sealingKey(bytes) };
  };

  readonly findKey = (keyId: string, session: SessionId): KeyObject | undefined => {
    const open = this.#owners.get(session);
    return open?.keyId === keyId ? sealingKey(open.bytes) : this.#inside.sessionKeys.find(keyId, session);
  };

  readonly erase = (...sessions: readonly SessionId[]): number => {
    for (const session of sessions) this.#owners.delete(session);
    return this.#inside.sessionKeys.destroy(sessions);
  };

  readonly publish = async (end: number): Promise<number> => {
    // What is committed and not yet published is published first: entries are read from one place only.
    if (end > this.#publishing.published && this.#closing === undefined)
      await this.#publishing.cycle('cycle');
    return this.#publishing.published;
  };

  readonly read = (from: number, to: number, containing?: string): AsyncIterable<Stored> =>
    this.#read(from, to, containing);

  readonly rotate = (by?: Actor): Promise<Rotated> => {
    // Two who ask at once mean one change.
    this.#rotating ??= this.#rotate(by).finally(() => {
      this.#rotating = undefined;
    });
    return this.#rotating;
  };

  readonly close = (): Promise<void> => {
    this.#closing ??= this.#close();
    return this.#closing;
  };

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async *#read(from: number, to: number, containing: string | undefined): AsyncGenerator<Stored> {
    const last = Math.min(to, await this.publish(Math.min(to, this.#size)));
    const range = {
      from,
      to: last,
      size: this.#publishing.published,
      ...(containing === undefined ? {} : { containing }),
    };
    const keyOf = (keyId: string, owner: string): KeyObject | undefined =>
      this.findKey(keyId, owner as SessionId);
    yield* readEntries(this.#parts.directory, range, { origin: this.key.name, keyOf });
  }

  #enqueue(entry: Entry): void {
    const draft = this.#drafter.draft(entry);
    const owner = draft.sealed === undefined ? undefined : this.#keyFor(sealedFor(entry), entry.at);
    const put = (): boolean => this.#putEntry(draft, owner?.handle ?? 0);
    if (this.#backlog.length > 0 || !put()) this.#backlog.push(put);
    if (entry.kind === 'session.closed') this.#forget(entry.session);
  }

  #putEntry({ clear, sealed = '' }: Draft, handle: number): boolean {
    return this.#ring.put(tag.entry, entryHead + (clear.length + sealed.length) * 3, (buffer, at) => {
      const clearBytes = buffer.write(clear, at + entryHead);
      const sealedBytes = sealed === '' ? 0 : buffer.write(sealed, at + entryHead + clearBytes);
      buffer.writeUInt32LE(handle, at);
      buffer.writeUInt32LE(clearBytes, at + 4);
      buffer.writeUInt32LE(sealedBytes, at + 8);
      return at + entryHead + clearBytes + sealedBytes;
    });
  }

  #keyFor(owner: string, now: number): SessionKey {
    const known = this.#owners.get(owner);
    if (known !== undefined) return known;
    const key = this.#inside.sessionKeys.make(owner, now, this.#parts.world.random);
    this.#owners.set(owner, key);
    const put = (): boolean =>
      this.#ring.put(tag.key, keyHead + owner.length * 3, (buffer, at) => {
        buffer.writeUInt32LE(key.handle, at);
        buffer.writeUInt32LE(key.slot, at + 4);
        buffer.write(key.day, at + 8, 'latin1');
        buffer.set(key.bytes, at + 16);
        buffer.set(key.record, at + 48);
        const length = buffer.write(owner, at + keyHead);
        buffer.writeUInt32LE(length, at + keyHead - 4);
        return at + keyHead + length;
      });
    if (this.#backlog.length > 0 || !put()) this.#backlog.push(put);
    return key;
  }

  #forget(owner: string): void {
    const key = this.#owners.get(owner);
    if (key === undefined) return;
    this.#owners.delete(owner);
    const put = (): boolean =>
      this.#ring.put(tag.forget, 4, (buffer, at) => buffer.writeUInt32LE(key.handle, at));
    if (this.#backlog.length > 0 || !put()) this.#backlog.push(put);
  }

  /** Begins a batch, and wakes the committing thread once for all that this turn of the event loop appends. */
  #begin(): Batch {
    const batch: Batch = { written: Promise.withResolvers(), since: performance.now(), end: this.#appended };
    batch.written.promise.catch(ignore); // who appends without waiting learns of it at the next append
    this.#waiting.push(batch);
    this.#open = batch;
    if (!this.#listening) void this.#listen();
    if (!this.#waking) {
      this.#waking = true;
      setImmediate(this.#wake);
    }
    return batch;
  }

  readonly #wake = (): void => {
    this.#waking = false;
    this.#open = undefined;
    this.#ring.wake();
  };

  /** Resolves when the committing thread can write, or cannot: without this a start on a read-only disk would seem to work. */
  async #ready(): Promise<void> {
    while (this.#fault === undefined && Atomics.load(this.#control, cell.ready) === 0) {
      const change = Atomics.waitAsync(this.#control, cell.ready, 0);
      if (change.async) await change.value;
    }
  }

  /** Resolves appends as the committing thread reports them, while any waits. */
  async #listen(): Promise<void> {
    this.#listening = true;
    while (this.#waiting.length > 0 && this.#fault === undefined) {
      const now = Atomics.load(this.#control, cell.committed);
      if (now === this.#committed) {
        if (Atomics.load(this.#control, cell.failed) === 1) break; // its error event brings the reason
        const change = Atomics.waitAsync(this.#control, cell.committed, now);
        if (change.async) await change.value;
        continue;
      }
      const count = (now - this.#committed) >>> 0;
      this.#committed = now;
      this.#settle(count);
      this.#drain();
    }
    this.#listening = false;
  }

  #settle(count: number): void {
    const { metrics } = this.#parts;
    this.#size += count;
    const left = this.#waiting.findIndex(({ end }) => end > this.#size);
    const written = this.#waiting.splice(0, left < 0 ? this.#waiting.length : left);
    // What is appended from here on is not on disk, in whatever turn.
    if (this.#waiting.length === 0) this.#open = undefined;
    const [oldest] = written;
    if (oldest !== undefined)
      metrics.observe('ledger_wait_seconds', (performance.now() - oldest.since) / 1_000);
    for (const batch of written) batch.written.resolve();
    metrics.count('ledger_entries_total', {}, count);
    metrics.gauge('ledger_size', this.#size);
    this.#publishing.plan();
  }

  #drain(): void {
    if (this.#backlog.length === 0) return;
    const left = this.#backlog.findIndex((put) => !put());
    this.#backlog = left < 0 ? [] : this.#backlog.slice(left);
    this.#ring.wake();
  }

  async #rotate(by: Actor | undefined): Promise<Rotated> {
    if (this.#fault !== undefined) throw this.#fault;
    if (this.#closing !== undefined) throw new Fault('ledger', 'The ledger is closed');
    const from = this.#key.text;
    const { young, said } = prepareKey(this.#parts.directory, this.#key.name);
    const index = this.#appended;
    // Before the entry is there, so that no cycle goes past it.
    this.#publishing.limit(index + 1);
    await this.append({ ...said, at: this.#parts.world.now(), ...(by === undefined ? {} : { by }) });
    await this.#follow({ young, index });
    return { from, to: young.text, index };
  }

  async #follow(unfinished: Unfinished): Promise<void> {
    try {
      await this.#publishing.follow(unfinished);
      const { secret: _, ...key } = unfinished.young;
      this.#key = key;
    } catch (thrown) {
      // Which of the two keys is in force, the files say: only a start may go on from here.
      this.#fail(`The key of the ledger cannot be changed: ${codeOf(thrown)}`, thrown);
      throw this.#fault ?? thrown;
    }
  }

  async #close(): Promise<void> {
    await this.#rotating?.catch(ignore);
    this.#publishing.stop();
    if (this.#fault === undefined) {
      await this.#settled();
      const exited = new Promise<void>((resolve) => this.#committer.once('exit', () => resolve()));
      this.#ring.put(tag.stop, 0, (_, at) => at);
      this.#ring.wake();
      await exited;
    }
    if (this.#fault === undefined) await this.#publishing.cycle('finish');
    await this.#publishing.end();
    await this.#committer.terminate();
    this.#inside.lock[Symbol.dispose]();
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** Resolves when nothing waits any more, be it written or rejected. */
  async #settled(): Promise<void> {
    await this.#waiting.at(-1)?.written.promise.catch(ignore);
  }

  #fail(message: string, cause?: unknown): void {
    if (this.#fault !== undefined) return;
    this.#fault = new Fault('ledger', message, { cause });
    this.#parts.log('error', 'ledger.failed', { why: message });
    this.#parts.metrics.count('faults_total', { code: 'ledger' });
    this.#publishing.stop();
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#open = undefined;
    this.#backlog = [];
    for (const { written } of waiting) written.reject(this.#fault);
    this.#parts.failed?.(this.#fault);
    // Wakes the listeners and stops the thread, whichever is still there.
    Atomics.notify(this.#control, cell.committed);
    Atomics.notify(this.#control, cell.ready);
    void this.#committer.terminate();
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : messageOf(error);
}

function ignore(): void {
  // Whoever needs to know waits for the promise elsewhere.
}
