import { hash, type KeyObject } from 'node:crypto';
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { Fault, messageOf } from '../base/errors.ts';
import type { Instant, World } from '../base/time.ts';
import type { FrameKind, Ledger, Log, Recorder } from '../core/ports.ts';
import type { Session, SessionId } from '../core/session.ts';
import { type Archive, dayOf, manifestOf } from './archive.ts';
import {
  chunkKeyId,
  decodeFrames,
  type Frame,
  frameHeadBytes,
  maxFrameBytes,
  packChunk,
  putHead,
  type StoredKind,
  unpackChunk,
} from '../record/index.ts';

export interface RecordingParts {
  readonly directory: string; // data folder
  readonly ledger: Ledger & {
    readonly sessionKey: (session: SessionId) => { readonly keyId: string; readonly key: KeyObject };
    readonly findKey: (keyId: string, session: SessionId) => KeyObject | undefined;
  };
  readonly world: World;
  readonly log: Log;
  /** Where chunks go when they do not stay on this disk. */
  readonly archive?: Pick<Archive, 'room' | 'read' | 'remove'> | undefined;
  /** Other file operations, for tests that let the disk fail. */
  readonly store?: (path: string, bytes: Uint8Array) => Promise<void>;
}

export interface Recordings {
  readonly recorder: (session: Session) => Recorder;
  /** Removes the chunks of a session whose key was destroyed. */
  readonly remove: (session: SessionId, startedAt: Instant) => Promise<void>;
  /** The same with what comes, until the session ends; `undefined` when this process does not record it now. */
  readonly follow: (of: RecordingOf, signal: AbortSignal) => AsyncIterable<Replayed> | undefined;
  /** All frames of a session, in order. `chunks` are the digests that the ledger has of them. */
  readonly read: (of: RecordingOf) => AsyncIterable<Replayed>;
}

export interface RecordingOf {
  readonly session: SessionId;
  readonly startedAt: Instant;
  /** SHA-256 in hex, by chunk. */
  readonly chunks: readonly string[];
  /** Of the stored chunks. */
  readonly bytes: readonly number[];
}

/** A frame, or the reason why a chunk cannot be shown: a replay goes on behind it and never hides it. */
export type Replayed =
  | { readonly kind: 'frame'; readonly chunk: number; readonly frame: Frame }
  | { readonly kind: 'missing'; readonly chunk: number; readonly why: string };

/** A chunk is written when this much waits … */
const chunkBytes = 262_144;
/** … or a little later when the disk is behind: fewer and longer chunks then. */
const chunkBytesBehind = 1_048_576;
const chunkMs = 2_000;
/** The caller is asked to wait while a session has more than this in memory. */
const heldBytes = 4_194_304;
const firstBytes = 4_096;

/** The recordings of a data folder: `recordings/<yyyy-mm-dd>/<session>/<n>.chunk`. */
export function recordings(parts: RecordingParts): Recordings {
  const pool = new Pool();
  const open = new Map<SessionId, SessionRecorder>();
  return {
    recorder: (session) => {
      const recorder = new SessionRecorder(parts, pool, session, () => open.delete(session.id));
      open.set(session.id, recorder);
      return recorder;
    },
    read: (of) => replay(parts, of),
    remove: async (session, startedAt) => {
      await parts.archive?.remove(session, dayOf({ startedAt }));
      await rm(folderOf(parts.directory, session, startedAt), { recursive: true, force: true });
    },
    follow: (of, signal) => {
      const recorder = open.get(of.session);
      return recorder === undefined ? undefined : follow(parts, { of, recorder, signal });
    },
  };
}

function folderOf(directory: string, session: SessionId, startedAt: Instant): string {
  // SECURITY: the name becomes a path.
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(session))
    throw new Fault('recorder', 'The session has no name that can be a folder');
  return `${directory}/recordings/${new Date(startedAt).toISOString().slice(0, 10)}/${session}`;
}

/** Buffers that sessions fill and give back: an idle session has none. */
class Pool {
  readonly #free: Map<number, Buffer[]> = new Map();
  #held = 0;

  take(atLeast: number): Buffer {
    let size = firstBytes;
    while (size < atLeast) size *= 4;
    const buffer = this.#free.get(size)?.pop();
    if (buffer === undefined) return Buffer.allocUnsafeSlow(size);
    this.#held -= size;
    return buffer;
  }

  give(buffer: Buffer): void {
    if (this.#held + buffer.length > 8 * heldBytes) return;
    buffer.fill(0); // what one session saw must not wait in memory for another
    this.#held += buffer.length;
    const free = this.#free.get(buffer.length);
    if (free === undefined) this.#free.set(buffer.length, [buffer]);
    else free.push(buffer);
  }
}

class SessionRecorder implements Recorder {
  readonly #parts: RecordingParts;
  readonly #pool: Pool;
  readonly #session: Session;
  readonly #folder: string;
  #buffer: Buffer | undefined;
  #used = 0;
  #frames = 0;
  #at = 0; // of the last frame
  #chunks = 0;
  #begun = false;
  /** The first chunk that the ledger does not have. */
  #firstLost = 0;
  #gap: Promise<void> = Promise.resolve();
  /** Bytes on their way to disk. */
  #writing = 0;
  #last: Promise<void> = Promise.resolve();
  #room: PromiseWithResolvers<void> | undefined;
  #timer: Disposable | undefined;
  #fault: Fault | undefined;
  #closed: Promise<number> | undefined;
  /** The statement that the last frame of this chunk belongs to. */
  #turn = '';
  readonly #watchers: Set<Watcher> = new Set();
  readonly #ended: () => void;

  // oxlint-disable-next-line max-params
  constructor(parts: RecordingParts, pool: Pool, session: Session, ended: () => void) {
    this.#ended = ended;
    this.#parts = parts;
    this.#pool = pool;
    this.#session = session;
    this.#folder = folderOf(parts.directory, session.id, session.startedAt);
  }

  readonly frame = (kind: FrameKind, bytes: Uint8Array, of = ''): Promise<void> | undefined => {
    if (this.#fault !== undefined) throw this.#fault;
    if (this.#closed !== undefined) throw new Fault('recorder', 'The recording is closed');
    if (!this.#begun) {
      this.#begun = true;
      this.#add('header', Buffer.from(JSON.stringify(headerOf(this.#session))));
    }
    for (let at = 0; at === 0 || at < bytes.length; at += maxFrameBytes)
      this.#addTo(of, kind, bytes.subarray(at, at + maxFrameBytes));
    if (this.#writing + this.#used <= heldBytes) return undefined;
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  };

  readonly close = (): Promise<number> => {
    this.#closed ??= this.#close();
    return this.#closed;
  };

  /** A chunk stands alone: it begins in nobody's turn. */
  #addTo(of: string, kind: FrameKind, bytes: Uint8Array): void {
    const need = this.#used + 3 * frameHeadBytes + bytes.length + of.length;
    if (this.#used > 0 && need > chunkBytesBehind + maxFrameBytes) this.#flush();
    if (of !== (this.#used === 0 ? '' : this.#turn)) {
      this.#add('turn', Buffer.from(of));
      if (this.#used === 0 && of !== '') this.#add('turn', Buffer.from(of)); // it ended its chunk
      this.#turn = of;
    } else if (this.#used === 0) this.#turn = '';
    this.#add(kind, bytes);
  }

  #add(kind: StoredKind, bytes: Uint8Array): void {
    const buffer = this.#grown(this.#used + frameHeadBytes + bytes.length);
    // A clock that is put back must not put frames in another order.
    const at = Math.max(this.#at, this.#parts.world.now() - this.#session.startedAt);
    this.#at = at;
    putHead(buffer, this.#used, { at, kind, length: bytes.length });
    buffer.set(bytes, this.#used + frameHeadBytes);
    this.#used += frameHeadBytes + bytes.length;
    this.#frames += 1;
    if (this.#watchers.size > 0) this.#show({ at: Math.max(0, at), kind, bytes: Uint8Array.from(bytes) });
    const enough = this.#writing === 0 ? chunkBytes : chunkBytesBehind;
    if (this.#used >= enough) this.#flush();
    else this.#timer ??= this.#parts.world.after(chunkMs, () => this.#flush());
  }

  #grown(need: number): Buffer {
    const buffer = this.#buffer;
    if (buffer !== undefined && need <= buffer.length) return buffer;
    const wider = this.#pool.take(need);
    if (buffer !== undefined) {
      buffer.copy(wider, 0, 0, this.#used);
      this.#pool.give(buffer);
    }
    this.#buffer = wider;
    return wider;
  }

  /** Sends what waits on its way to disk. */
  #flush(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const [buffer, used, frames, chunk] = [this.#buffer, this.#used, this.#frames, this.#chunks];
    if (buffer === undefined || used === 0 || this.#fault !== undefined) return;
    this.#buffer = undefined;
    this.#used = 0;
    this.#frames = 0;
    this.#chunks += 1;
    this.#writing += used;
    const stored = this.#store(buffer.subarray(0, used), chunk);
    stored.catch(ignore); // awaited in its turn below
    // Chunks are stored side by side; their entries stand in the ledger in order.
    this.#last = this.#last
      .then(() => stored)
      .then((bytes) => {
        if (this.#fault !== undefined) throw this.#fault; // one before it is lost, and this one counted with it
        return this.#parts.ledger.append({
          kind: 'recording.chunk',
          at: this.#parts.world.now(),
          session: this.#session.id,
          chunk,
          digest: hash('sha256', bytes, 'hex'),
          bytes: bytes.length,
          frames,
        });
      })
      .then(
        () => {
          this.#firstLost = chunk + 1;
          this.#writing -= used;
          this.#pool.give(buffer);
          this.#roomAgain();
        },
        (thrown: unknown) => this.#fail(thrown),
      );
  }

  async #store(frames: Buffer, chunk: number): Promise<Uint8Array> {
    const { keyId, key } = this.#parts.ledger.sessionKey(this.#session.id);
    const bytes = await packChunk(frames, { session: this.#session.id, chunk, keyId, key });
    await this.#parts.archive?.room(bytes.length);
    await (this.#parts.store ?? storeFile)(`${this.#folder}/${chunk}.chunk`, bytes);
    return bytes;
  }

  #roomAgain(): void {
    if (this.#room === undefined || this.#writing + this.#used > heldBytes) return;
    this.#room.resolve();
    this.#room = undefined;
  }

  #fail(thrown: unknown): void {
    if (this.#fault !== undefined) return;
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'failed';
    this.#fault = new Fault('recorder', `The recording cannot be written (${code})`, { cause: thrown });
    this.#parts.log('error', 'recorder.failed', { session: this.#session.id, code });
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#buffer = undefined;
    this.#room?.promise.catch(ignore);
    this.#room?.reject(this.#fault);
    this.#room = undefined;
    this.#leave();
    // Nothing is dropped without a line that says so, as long as there is a ledger to write it to.
    this.#gap = this.#parts.ledger
      .append({
        kind: 'recording.gap',
        at: this.#parts.world.now(),
        session: this.#session.id,
        chunk: this.#firstLost,
        bytes: this.#writing + this.#used,
        why: code,
      })
      .catch(ignore);
  }

  #leave(): void {
    for (const watcher of this.#watchers) watcher.end();
    this.#watchers.clear();
  }

  #show(frame: Frame): void {
    for (const watcher of this.#watchers) watcher.give({ kind: 'frame', chunk: this.#chunks, frame });
  }

  /** What was recorded until now, and then what comes: chunks that are written or on their way, frames that wait. */
  watch(watcher: Watcher): {
    readonly chunks: number;
    readonly stored: Promise<void>;
    readonly frames: readonly Frame[];
  } {
    const frames =
      this.#buffer === undefined
        ? []
        : (decodeFrames(Uint8Array.from(this.#buffer.subarray(0, this.#used))) ?? []);
    this.#watchers.add(watcher);
    if (this.#fault !== undefined || this.#closed !== undefined) watcher.end();
    return { chunks: this.#chunks, stored: this.#last, frames };
  }

  unwatch(watcher: Watcher): void {
    this.#watchers.delete(watcher);
  }

  async #close(): Promise<number> {
    this.#flush();
    await this.#last;
    this.#leave();
    this.#ended();
    if (this.#fault !== undefined) {
      await this.#gap;
      throw this.#fault;
    }
    return this.#chunks;
  }
}

function headerOf({ id, identity, resource, startedAt, peer, run }: Session): object {
  return {
    v: 1,
    session: id,
    identity: { subject: identity.subject, kind: identity.kind, groups: identity.groups },
    resource: resource.name,
    protocol: resource.kind,
    startedAt,
    peer,
    ...(run === undefined ? {} : { run }),
  };
}

/** A new file with its name on disk too: its entry in the ledger must never promise what a power cut can take. */
async function storeFile(path: string, bytes: Uint8Array): Promise<void> {
  const folder = path.slice(0, path.lastIndexOf('/'));
  const made = await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await syncUp(folder, made);
}

/** Syncs a folder, and the ones above it as far as they are new. */
async function syncUp(folder: string, made: string | undefined): Promise<void> {
  let at = folder;
  for (;;) {
    const directory = await open(at, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
    if (made === undefined || at.length < made.length) return;
    at = at.slice(0, at.lastIndexOf('/'));
  }
}

/** So much waits for one who watches and does not read; what comes then is left out of his view, and he is told. */
const watcherBytes = 8_388_608;

/** One who watches a session: takes its frames as they come. */
class Watcher {
  readonly #frames: (Replayed & { readonly kind: 'frame' })[] = [];
  #held = 0;
  #skipped = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  give(frame: Replayed & { readonly kind: 'frame' }): void {
    if (this.#held > watcherBytes) this.#skipped += 1;
    else {
      this.#frames.push(frame);
      this.#held += frame.frame.bytes.length + frameHeadBytes;
    }
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** What came since the last call; `undefined` at the end. */
  async next(): Promise<{ readonly frames: readonly Replayed[]; readonly skipped: number } | undefined> {
    if (this.#frames.length === 0 && !this.#ended)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    if (this.#frames.length === 0 && this.#ended) return undefined;
    const skipped = this.#skipped;
    this.#held = 0;
    this.#skipped = 0;
    return { frames: this.#frames.splice(0), skipped };
  }
}

async function* follow(
  parts: RecordingParts,
  { of, recorder, signal }: { of: RecordingOf; recorder: SessionRecorder; signal: AbortSignal },
): AsyncGenerator<Replayed> {
  const watcher = new Watcher();
  const stop = (): void => watcher.end();
  signal.addEventListener('abort', stop);
  try {
    const { chunks, stored, frames } = recorder.watch(watcher);
    await stored;
    if (signal.aborted) return;
    for (let chunk = 0; chunk < chunks; chunk++)
      yield* await storedChunk(parts, of, { chunk, digest: of.chunks[chunk] });
    for (const frame of frames) yield { kind: 'frame', chunk: chunks, frame };
    for (
      let came = await watcher.next();
      came !== undefined && !signal.aborted;
      came = await watcher.next()
    ) {
      yield* came.frames;
      if (came.skipped > 0)
        yield {
          kind: 'missing',
          chunk: chunks,
          why: `You read too slowly: ${came.skipped} frames were left out here; the recording has them`,
        };
    }
  } finally {
    signal.removeEventListener('abort', stop);
    recorder.unwatch(watcher);
  }
}

async function storedChunk(
  { directory, ledger, archive }: RecordingParts,
  of: RecordingOf,
  { chunk, digest }: { readonly chunk: number; readonly digest: string | undefined },
): Promise<readonly Replayed[]> {
  const { session, startedAt } = of;
  let bytes: Uint8Array | undefined = await readFile(
    `${folderOf(directory, session, startedAt)}/${chunk}.chunk`,
  ).catch(() => undefined);
  try {
    bytes ??= await archive?.read(of, chunk);
  } catch (thrown) {
    return [{ kind: 'missing', chunk, why: `The chunk cannot be fetched: ${messageOf(thrown)}` }];
  }
  if (bytes === undefined) {
    const moved =
      archive === undefined ? await manifestOf(folderOf(directory, session, startedAt)) : undefined;
    const isMoved = moved?.some(({ from, to }) => from <= chunk && chunk <= to) === true;
    const why = isMoved
      ? 'The chunk is in the store of recordings, which is not asked from here'
      : 'The chunk is not there';
    return [{ kind: 'missing', chunk, why }];
  }
  return replayChunk(bytes, { chunk, digest: digest ?? hash('sha256', bytes, 'hex'), session, ledger });
}

async function* replay(parts: RecordingParts, of: RecordingOf): AsyncGenerator<Replayed> {
  const folder = folderOf(parts.directory, of.session, of.startedAt);
  for (const [chunk, digest] of of.chunks.entries()) yield* await storedChunk(parts, of, { chunk, digest });
  for (const chunk of await unlisted(folder, of.chunks.length))
    yield {
      kind: 'missing',
      chunk,
      why: 'The ledger does not know this chunk: it was never finished, or added later',
    };
}

async function replayChunk(
  bytes: Uint8Array,
  of: {
    readonly chunk: number;
    readonly digest: string;
    readonly session: SessionId;
    readonly ledger: RecordingParts['ledger'];
  },
): Promise<readonly Replayed[]> {
  const { chunk, session } = of;
  const missing = (why: string): readonly Replayed[] => [{ kind: 'missing', chunk, why }];
  if (hash('sha256', bytes, 'hex') !== of.digest) return missing('The chunk is not the one the ledger knows');
  const keyId = chunkKeyId(bytes);
  const key = keyId === undefined ? undefined : of.ledger.findKey(keyId, session);
  if (keyId === undefined || key === undefined) return missing('Its key was destroyed');
  const frames = await unpackChunk(bytes, { session, chunk, keyId, key });
  if (!frames.ok) return missing(frames.error);
  return frames.value.map((frame) => ({ kind: 'frame', chunk, frame }));
}

async function unlisted(folder: string, known: number): Promise<readonly number[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .map((name) => Number(/^(\d+)\.chunk$/.exec(name)?.[1] ?? NaN))
    .filter((chunk) => chunk >= known)
    .sort((a, b) => a - b);
}

function ignore(): void {
  // Whoever needs to know awaits it elsewhere.
}
