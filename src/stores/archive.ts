/**
 * Recordings in S3-compatible storage. A chunk is always written to the disk of the gateway first, and its entry to the
 * ledger; from there whole chunks move to the store as segments, one object each:
 *
 *   <prefix><ledger>/<yyyy-mm-dd>/<session>/<first chunk>-<last chunk>
 *
 * A segment is what a session recorded since the last one, when it has ended or has grown large. It is deleted here once the
 * store has it whole, and `archived.json` says so. Whatever is interrupted is found again at the next start: by the files
 * that still lie here, and by the uploads that the store lists.
 */
import { createHash, hash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { Fault } from '../base/errors.ts';
import type { World } from '../base/time.ts';
import type { Log } from '../core/ports.ts';
import type { SessionId } from '../core/session.ts';
import type { RecordingOf } from './recordings.ts';
import { type Bucket, type Part, StoreError } from './s3.ts';

export interface ArchiveParts {
  readonly directory: string; // data folder
  readonly name: string; // of the ledger
  readonly bucket: Bucket;
  /** What the ledger has of a session's recording, and whether it is over. */
  readonly recording: (session: string) => Promise<(RecordingOf & { readonly over: boolean }) | undefined>;
  readonly world: World;
  readonly log: Log;
  readonly segmentBytes?: number; // default 64 MiB
  readonly partBytes?: number; // at least 5 MiB where the store is S3 itself; default 8 MiB
  /** More than this is not kept here while the store cannot take it. */
  readonly spoolBytes?: number; // default 10 GiB
  readonly waitMs?: number; // default 30 s
  readonly everyMs?: number; // default 10 s
}

export interface Archive extends AsyncDisposable {
  /** Resolves when there is room for a chunk here; rejects with a Fault `recorder` when there is none for too long. */
  readonly room: (bytes: number) => Promise<void>;
  /** A chunk that lies here no more; `undefined` where the store does not have it either. Rejects with a StoreError. */
  readonly read: (of: RecordingOf, chunk: number) => Promise<Uint8Array | undefined>;
  readonly remove: (session: SessionId, day: string) => Promise<void>;
  /** Moves what can be moved now. */
  readonly pass: () => Promise<void>;
}

interface Segment {
  readonly from: number;
  readonly to: number; // inclusive
}

const manifestName = 'archived.json';

export function openArchive(parts: ArchiveParts): Archive {
  const made = new Mover(parts);
  made.begin();
  return made;
}

class Mover implements Archive {
  readonly #parts: ArchiveParts;
  readonly #root: string;
  #held = 0;
  #waiting: (() => void)[] = [];
  #turn: Promise<void> = Promise.resolve();
  #timer: Disposable | undefined;
  #closed = false;

  constructor(parts: ArchiveParts) {
    this.#parts = parts;
    this.#root = `${parts.directory}/recordings`;
  }

  begin(): void {
    const measured = this.#measure();
    this.#turn = measured.then(() => this.#tidy()).catch((thrown: unknown) => this.#failed(thrown));
    this.#soon();
  }

  readonly room = async (bytes: number): Promise<void> => {
    const { spoolBytes = 10 * 2 ** 30, waitMs = 30_000, world } = this.#parts;
    if (this.#held + bytes > spoolBytes) {
      void this.pass().catch(() => undefined);
      const until = world.now() + waitMs;
      while (this.#held + bytes > spoolBytes) {
        const left = until - world.now();
        if (left <= 0)
          throw new Fault(
            'recorder',
            'The store of recordings takes nothing, and there is no more room here',
          );
        await new Promise<void>((resolve) => {
          const timer = world.after(left, resolve);
          this.#waiting.push(() => {
            timer[Symbol.dispose]();
            resolve();
          });
        });
      }
    }
    this.#held += bytes;
  };

  readonly read = async (of: RecordingOf, chunk: number): Promise<Uint8Array | undefined> => {
    const { bytes } = of;
    const folder = `${dayOf(of)}/${of.session}`;
    const known = (await manifestOf(`${this.#root}/${folder}`)) ?? (await this.#listed(folder));
    const segment = known.find(({ from, to }) => from <= chunk && chunk <= to);
    if (segment === undefined) return undefined;
    const length = bytes[chunk];
    if (length === undefined) return undefined;
    const at = sum(bytes.slice(segment.from, chunk));
    return this.#parts.bucket.read(this.#key(folder, segment), at, length);
  };

  readonly remove = async (session: SessionId, day: string): Promise<void> => {
    const { bucket, log } = this.#parts;
    for (const name of await bucket.list(`${this.#parts.name}/${day}/${session}/`)) {
      await bucket.remove(name).catch((thrown: unknown) => {
        if (!(thrown instanceof StoreError)) throw thrown;
        // A locked object stays until its time is over; without its key nobody can read it.
        log('warn', 'archive.locked', { session, code: thrown.code });
      });
    }
  };

  readonly pass = (): Promise<void> => {
    const passed = this.#turn.catch(() => undefined).then(() => this.#all());
    this.#turn = passed;
    return passed;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#timer?.[Symbol.dispose]();
    await this.#turn.catch(() => undefined);
  }

  #soon(): void {
    if (this.#closed) return;
    this.#timer = this.#parts.world.after(this.#parts.everyMs ?? 10_000, () => {
      this.pass()
        .catch((thrown: unknown) => this.#failed(thrown))
        .finally(() => this.#soon());
    });
  }

  #failed(thrown: unknown): void {
    const code = thrown instanceof StoreError ? thrown.code : 'failed';
    this.#parts.log('error', 'archive.failed', { code, held: this.#held });
  }

  async #measure(): Promise<void> {
    for (const { path } of await this.#folders())
      for (const name of await readdir(path))
        if (name.endsWith('.chunk')) this.#held += (await stat(`${path}/${name}`)).size;
  }

  /** Uploads that nobody will finish are given up; those of segments that still lie here are gone on with. */
  async #tidy(): Promise<void> {
    const { bucket, log, name } = this.#parts;
    for (const { key, id } of await bucket.uploads(`${name}/`)) {
      const folder = key.split('/').slice(1, 3).join('/');
      const from = Number(/\/(\d+)-\d+$/.exec(key)?.[1] ?? NaN);
      const isHere = await stat(`${this.#root}/${folder}/${from}.chunk`).then(
        () => true,
        () => false,
      );
      if (isHere) continue;
      await bucket.abort(key, id);
      log('warn', 'archive.upload-given-up', { session: folder.split('/')[1] });
    }
  }

  async #folders(): Promise<readonly { readonly path: string; readonly session: string }[]> {
    const found: { path: string; session: string }[] = [];
    for (const day of await readdir(this.#root).catch(() => []))
      for (const session of await readdir(`${this.#root}/${day}`).catch(() => []))
        found.push({ path: `${this.#root}/${day}/${session}`, session });
    return found;
  }

  async #all(): Promise<void> {
    let failed: unknown;
    for (const { path, session } of await this.#folders()) {
      // One that cannot be moved must never hold up the others.
      await this.#session(path, session).catch((thrown: unknown) => {
        failed = thrown;
      });
    }
    if (failed !== undefined) throw failed;
  }

  async #session(path: string, session: string): Promise<void> {
    const names = await readdir(path).catch(() => []);
    if (!names.some((name) => name.endsWith('.chunk'))) return;
    const of = await this.#parts.recording(session);
    if (of === undefined) return;
    const done = [...((await manifestOf(path)) ?? [])];
    for (;;) {
      const from = (done.at(-1)?.to ?? -1) + 1;
      const segment = this.#next(of, from);
      if (segment === undefined) return;
      await this.#move(path, of, segment);
      done.push(segment);
      await writeManifest(path, done);
      await this.#drop(path, of, segment);
    }
  }

  /** The chunks that go together: as long as the segment is not full, and all that is left of a session that is over. */
  #next({ bytes, over }: RecordingOf & { readonly over: boolean }, from: number): Segment | undefined {
    const { segmentBytes = 2 ** 26 } = this.#parts;
    let held = 0;
    for (let to = from; to < bytes.length; to++) {
      held += bytes[to] ?? 0;
      if (held >= segmentBytes) return { from, to };
    }
    return over && held > 0 ? { from, to: bytes.length - 1 } : undefined;
  }

  async #move(path: string, of: RecordingOf, segment: Segment): Promise<void> {
    const { bucket, log } = this.#parts;
    const name = this.#key(path.slice(this.#root.length + 1), segment);
    const length = sum(of.bytes.slice(segment.from, segment.to + 1));
    if ((await bucket.size(name)) === length) return; // it got there before a crash
    const groups = this.#groups(of, segment);
    if (groups.length === 1) await bucket.put(name, await chunksOf(path, of, segment));
    else await this.#upload(name, groups, (group) => chunksOf(path, of, group));
    log('debug', 'archive.moved', {
      session: of.session,
      chunks: segment.to - segment.from + 1,
      bytes: length,
    });
  }

  async #upload(
    name: string,
    groups: readonly Segment[],
    read: (group: Segment) => Promise<Uint8Array>,
  ): Promise<void> {
    const { bucket } = this.#parts;
    const [begun] = (await bucket.uploads(name)).filter(({ key }) => key === name);
    const upload = begun?.id ?? (await bucket.begin(name));
    const there = begun === undefined ? [] : await bucket.parts(name, upload);
    const parts: Part[] = [];
    for (const [at, group] of groups.entries()) {
      const body = await read(group); // one part in memory at a time
      const known = there.find(
        ({ number, tag, bytes }) =>
          number === at + 1 && bytes === body.length && tag.replaceAll('"', '') === md5(body),
      );
      parts.push(known ?? (await bucket.part(name, { upload, number: at + 1, body })));
    }
    await bucket.complete(name, upload, parts);
  }

  #groups({ bytes }: RecordingOf, { from, to }: Segment): readonly Segment[] {
    const { partBytes = 2 ** 23 } = this.#parts;
    const groups: Segment[] = [];
    for (let at = from, begun = from, held = 0; at <= to; at++) {
      held += bytes[at] ?? 0;
      if (held < partBytes && at < to) continue;
      groups.push({ from: begun, to: at });
      begun = at + 1;
      held = 0;
    }
    return groups;
  }

  async #drop(path: string, { bytes }: RecordingOf, { from, to }: Segment): Promise<void> {
    for (let chunk = from; chunk <= to; chunk++) {
      await rm(`${path}/${chunk}.chunk`, { force: true });
      this.#held -= bytes[chunk] ?? 0;
    }
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #listed(folder: string): Promise<readonly Segment[]> {
    const names = await this.#parts.bucket.list(`${this.#parts.name}/${folder}/`);
    return names.flatMap((name) => {
      const [, from, to] = /\/(\d+)-(\d+)$/.exec(name) ?? [];
      return from === undefined ? [] : [{ from: Number(from), to: Number(to) }];
    });
  }

  #key(folder: string, { from, to }: Segment): string {
    return `${this.#parts.name}/${folder}/${from}-${to}`;
  }
}

/** SECURITY: only what the ledger knows goes to the store; a chunk that was changed here stays, for people to look at. */
async function chunksOf(path: string, of: RecordingOf, { from, to }: Segment): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  for (let chunk = from; chunk <= to; chunk++) {
    const bytes = await readFile(`${path}/${chunk}.chunk`);
    if (hash('sha256', bytes, 'hex') !== of.chunks[chunk])
      throw new StoreError(
        `chunk ${chunk} of ${of.session} is not the one the ledger knows`,
        'was given nothing',
      );
    pieces.push(bytes);
  }
  return Buffer.concat(pieces);
}

/** Which chunks of a session are in the store; `undefined` where nothing says. */
export async function manifestOf(path: string): Promise<readonly Segment[] | undefined> {
  const text = await readFile(`${path}/${manifestName}`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const read = JSON.parse(text) as { readonly segments?: readonly Segment[] };
    return Array.isArray(read.segments) &&
      read.segments.every((each) => Number.isSafeInteger(each.from) && Number.isSafeInteger(each.to))
      ? read.segments
      : undefined;
  } catch {
    return undefined;
  }
}

async function writeManifest(path: string, segments: readonly Segment[]): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const file = await open(`${path}/${manifestName}.new`, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify({ v: 1, segments }));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}/${manifestName}.new`, `${path}/${manifestName}`);
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export function dayOf({ startedAt }: Pick<RecordingOf, 'startedAt'>): string {
  return new Date(startedAt).toISOString().slice(0, 10);
}

function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
