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
import type { Entry } from '../core/entry.ts';
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
import type { PublishAnswer, PublishCall } from './publish-serve.ts';
import type { PublishParts } from './publish.ts';
import { recover } from './recover.ts';
import { type Rotated, rotateWith, settleRotation } from './rotate.ts';
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
  await settleRotation(parts, openHere);
  return openHere(parts);
}

/**
 * Lets a new key follow the one of a ledger that no gateway uses: the old key signs the new one in the ledger's last
 * entry, and from there on heads are signed with the new one. Finished by the next start where it is interrupted.
 */
export function rotateKey(parts: LedgerParts): Promise<Rotated> {
  return rotateWith(parts, openHere);
}

async function openHere(parts: LedgerParts): Promise<OpenLedger> {
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
  readonly publish: Omit<PublishParts, 'headed' | 'now'>;
  readonly sessionKeys: SessionKeys;
  readonly key: VerifierKey;
  readonly headed: number;
}

/** What one turn of the event loop appended: it is committed together, so all of it waits for one promise. */
interface Batch {
  readonly written: PromiseWithResolvers<void>;
  readonly since: number;
  end: number; // index behind its last entry
}

const cycleMs = 700;
/** Publishing is tried again on new files; a disk that refuses for this many cycles stops the gateway. */
const publishFailures = 5;
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

class DiskLedger implements OpenLedger {
  readonly #parts: LedgerParts;
  readonly #inside: Inside;
  readonly #ring: RingWriter;
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #drafter: Drafter = new Drafter();
  readonly #owners: Map<string, SessionKey> = new Map();
  readonly #committer: Worker;
  #publisher: Worker | undefined;
  /** What is not known to be on disk, oldest first. */
  #waiting: Batch[] = [];
  /** The one that takes what is appended now; the last of those that wait. */
  #open: Batch | undefined;
  /** What found no room in the ring, in order. */
  #backlog: (() => boolean)[] = [];
  #committed = 0; // since the start, modulo 2^32
  #size: number;
  #published: number;
  #headed: number;
  #listening = false;
  #waking = false;
  #cycle: Disposable | undefined;
  #cycling: Promise<void> | undefined;
  #failures = 0;
  #fault: Fault | undefined;
  #closing: Promise<void> | undefined;
  #watchers: ((entry: Entry, index: number) => void)[] = [];
  #appended: number; // index of the next append
  readonly key: VerifierKey;
  readonly started: Promise<void>;

  constructor(parts: LedgerParts, inside: Inside) {
    this.#parts = parts;
    this.#inside = inside;
    this.key = inside.key;
    this.#ring = new RingWriter(inside.ring);
    this.#control = inside.ring.control;
    this.#size = inside.commit.next;
    this.#appended = inside.commit.next;
    this.#headed = inside.headed;
    this.#published = inside.headed;
    const url = parts.threads?.commit ?? new URL(`./commit-worker${extension}`, import.meta.url);
    this.#committer = new Worker(url, { workerData: inside.commit });
    this.#committer.on('error', (error) => {
      this.#fail(`Cannot write the ledger: ${codeOf(error)}`, error);
    });
    this.#committer.on('exit', () => {
      if (this.#closing === undefined) this.#fail('The thread that writes the ledger ended');
    });
    const threads = Promise.all([this.#cycleOnce('cycle'), this.#ready()]);
    this.started = threads.then(() => {
      if (this.#fault !== undefined) throw this.#fault;
      this.#plan();
    });
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
    if (end > this.#published && this.#closing === undefined) await this.#cycleOnce('cycle');
    return this.#published;
  };

  readonly read = (from: number, to: number, containing?: string): AsyncIterable<Stored> =>
    this.#read(from, to, containing);

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
      size: this.#published,
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
    this.#plan();
  }

  #drain(): void {
    if (this.#backlog.length === 0) return;
    const left = this.#backlog.findIndex((put) => !put());
    this.#backlog = left < 0 ? [] : this.#backlog.slice(left);
    this.#ring.wake();
  }

  /** A cycle is due when something is committed and not published, or published and not under a head. */
  #plan(): void {
    if (this.#cycle !== undefined || this.#closing !== undefined || this.#fault !== undefined) return;
    if (this.#headed === this.#size) return;
    this.#cycle = this.#parts.world.after(cycleMs, () => {
      this.#cycle = undefined;
      void this.#cycleOnce('cycle').then(() => this.#plan());
    });
  }

  #cycleOnce(kind: PublishCall['kind']): Promise<void> {
    const before = this.#cycling ?? Promise.resolve();
    const cycle = before.then(() => this.#call(kind));
    this.#cycling = cycle;
    return cycle;
  }

  /** Asks the publishing thread for one cycle; starts it, or starts it again after a failure. Never rejects. */
  async #call(kind: PublishCall['kind']): Promise<void> {
    const answer = await this.#ask(kind);
    if (answer.kind === 'published') {
      this.#failures = 0;
      this.#published = answer.published;
      this.#headed = answer.headed;
      this.#parts.metrics.gauge('ledger_size', this.#size);
      return;
    }
    this.#publisher = undefined;
    this.#failures += 1;
    this.#parts.log('error', 'ledger.not-published', { why: answer.why, attempt: this.#failures });
    if (this.#failures >= publishFailures || kind === 'finish')
      this.#fail(`The ledger cannot be published: ${answer.why}`);
  }

  #ask(kind: PublishCall['kind']): Promise<PublishAnswer> {
    const { promise, resolve } = Promise.withResolvers<PublishAnswer>();
    const now = this.#parts.world.now();
    let publisher = this.#publisher;
    if (publisher === undefined) {
      const url = this.#parts.threads?.publish ?? new URL(`./publish-worker${extension}`, import.meta.url);
      const workerData: PublishParts = { ...this.#inside.publish, headed: this.#headed, now };
      publisher = new Worker(url, { workerData });
      publisher.unref();
      this.#publisher = publisher;
    }
    const worker = publisher;
    const done = (answer: PublishAnswer): void => {
      worker.off('message', done);
      worker.off('error', broke);
      worker.off('exit', ended);
      resolve(answer);
    };
    const broke = (error: Error): void => done({ kind: 'failed', why: messageOf(error) });
    const ended = (): void => done({ kind: 'failed', why: 'the thread ended' });
    worker.on('message', done);
    worker.on('error', broke);
    worker.on('exit', ended);
    worker.postMessage({ kind, committed: this.#size, now } satisfies PublishCall);
    return promise;
  }

  async #close(): Promise<void> {
    this.#cycle?.[Symbol.dispose]();
    if (this.#fault === undefined) {
      await this.#settled();
      const exited = new Promise<void>((resolve) => this.#committer.once('exit', () => resolve()));
      this.#ring.put(tag.stop, 0, (_, at) => at);
      this.#ring.wake();
      await exited;
    }
    if (this.#fault === undefined) await this.#cycleOnce('finish');
    else await this.#cycling;
    await this.#publisher?.terminate();
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
    this.#cycle?.[Symbol.dispose]();
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
