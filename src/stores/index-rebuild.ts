import { existsSync, readFileSync, renameSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Fault, messageOf } from '../base/errors.ts';
import { parseCheckpoint, parseVerifierKey, signedBy, tileWidth } from '../ledger/index.ts';
import { building, IndexDatabase, readyPath } from './index-database.ts';
import { type IndexSource, rowsFrom } from './index-read.ts';
import type { IndexRow } from './index-rows.ts';
import type { IndexAnswer, IndexCall } from './index-search.ts';
import type { IndexWorkerData } from './index-worker.ts';
import { lockFolder } from './lock.ts';

export interface RebuildParts {
  readonly folder: string; // data folder
  readonly store: IndexWorkerData['store'];
  /** Called at the start and after each step. */
  readonly progress: (done: number, total: number) => void;
  /** Stops after a step; what is built so far is gone on with the next time. */
  readonly signal?: AbortSignal;
  /** How long it waits for a running gateway to take the new index; ms. */
  readonly waitMs?: number;
}

export interface Rebuilt {
  readonly entries: number;
  /** Of these, how many an earlier run had done. */
  readonly resumed: number;
  /** `used`: it has taken the old one's place. `waiting`: a gateway that runs takes it as soon as it looks. */
  readonly state: 'used' | 'waiting';
}

const stepEntries = 5_120;
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/**
 * Builds the index anew from the ledger's files, beside the one in use, which is searched until the new one takes its
 * place at once. The gateway may run.
 * Rejects with a Fault `ledger` where the ledger or its keys cannot be read, or somebody erased a session meanwhile.
 */
export async function rebuildIndex(parts: RebuildParts): Promise<Rebuilt> {
  const { folder, progress, signal } = parts;
  const { name, size } = headOf(folder);
  const end = size - (size % tileWidth);
  const beside = besideOf(parts.store);
  const worker = new Worker(new URL(`./index-worker${extension}`, import.meta.url), {
    workerData: { store: beside, folder, ledger: name, size } satisfies IndexWorkerData,
  });
  let built = false;
  try {
    const call = caller(worker);
    const resumed = (await call({ kind: 'next' })) as number; // our own worker's
    progress(resumed, end);
    let adding: Promise<unknown> = Promise.resolve();
    for (let from = resumed; from < end;) {
      if (signal?.aborted === true) break;
      const to = Math.min(end, from + stepEntries);
      // One step is read while the one before is put in.
      const rows: readonly IndexRow[] = await rowsFrom({ folder, origin: name }, { from, to, size: end });
      await adding;
      adding = call({ kind: 'add', rows, next: to });
      adding.catch(() => undefined); // told by the next step
      progress(from, end);
      from = to;
    }
    await adding;
    if (signal?.aborted === true)
      throw new Fault('stopping', 'Stopped; the next run goes on where this one ended');
    const all = await lastOnes({ folder, origin: name }, end, call);
    progress(all, all);
    await call({ kind: 'finish' });
    if (parts.store.kind === 'sqlite')
      renameSync(`${parts.store.path}${building}`, readyPath(parts.store.path));
    built = true;
    const state = parts.store.kind === 'sqlite' ? await handOver(parts.store.path, parts) : 'used';
    return { entries: all, resumed, state };
  } catch (thrown) {
    // SQLite only says that it cannot write any more.
    if (!built && parts.store.kind === 'sqlite' && !existsSync(`${parts.store.path}${building}`))
      throw erasedMeanwhile();
    throw thrown;
  } finally {
    await worker.terminate();
  }
}

/** What came since, and the last, partial file: where that gave way to a wider one meanwhile, the gateway adds it. */
async function lastOnes(source: IndexSource, from: number, call: Call): Promise<number> {
  const { size } = headOf(source.folder);
  try {
    const rows = await rowsFrom(source, { from, to: size, size });
    await call({ kind: 'add', rows, next: size });
    return size;
  } catch {
    return from;
  }
}

function erasedMeanwhile(): Fault {
  return new Fault('ledger', 'A session was erased while the index was built: build it again');
}

function besideOf(store: IndexWorkerData['store']): IndexWorkerData['store'] {
  return store.kind === 'sqlite'
    ? { ...store, path: `${store.path}${building}` }
    : { ...store, beside: true };
}

/** The name of the ledger in this folder, and the entries under its newest head. */
function headOf(folder: string): { readonly name: string; readonly size: number } {
  const read = (name: string): string => {
    try {
      return readFileSync(`${folder}/ledger/${name}`, 'utf8');
    } catch (thrown) {
      throw new Fault('ledger', `There is no ledger in ${folder}: ledger/${name} cannot be read`, {
        cause: thrown,
      });
    }
  };
  const key = parseVerifierKey(read('key.pub'));
  const checkpoint = parseCheckpoint(read('checkpoint'));
  if (!key.ok || !checkpoint.ok || !signedBy(checkpoint.value.note, key.value))
    throw new Fault(
      'ledger',
      'ledger/checkpoint is not signed by ledger/key.pub: run sallyport audit verify',
    );
  return { name: key.value.name, size: Number(checkpoint.value.head.size) };
}

async function handOver(path: string, { folder, waitMs = 10_000 }: RebuildParts): Promise<Rebuilt['state']> {
  for (let waited = 0; ; waited += 200) {
    if (!existsSync(readyPath(path))) return 'used';
    const lock = lockIfFree(folder);
    if (lock !== undefined) {
      using _held = lock;
      await using _index = new IndexDatabase(path, headOf(folder).name, Number.MAX_SAFE_INTEGER);
      return 'used';
    }
    if (waited >= waitMs) return 'waiting';
    await sleep(200);
  }
}

/** `undefined` while a gateway runs. */
function lockIfFree(folder: string): Disposable | undefined {
  try {
    return lockFolder(folder);
  } catch {
    return undefined;
  }
}

type Call = (call: IndexCall) => Promise<unknown>;

function caller(worker: Worker): Call {
  const calls = new Map<number, PromiseWithResolvers<unknown>>();
  let last = 0;
  let broken: Fault | undefined;
  const fail = (why: string): void => {
    broken ??= new Fault('ledger', `The index cannot be built: ${why}`);
    for (const { reject } of calls.values()) reject(broken);
  };
  worker.on('message', (answer: { readonly id: number } & IndexAnswer) => {
    const waiting = calls.get(answer.id);
    calls.delete(answer.id);
    if ('failed' in answer)
      waiting?.reject(new Fault('ledger', `The index cannot be built: ${answer.failed}`));
    else waiting?.resolve(answer.value);
  });
  worker.on('error', (error) => fail(messageOf(error)));
  worker.on('exit', () => fail('its thread ended'));
  return (call) => {
    if (broken !== undefined) return Promise.reject(broken);
    const answer = Promise.withResolvers<unknown>();
    last += 1;
    calls.set(last, answer);
    worker.postMessage({ id: last, call });
    return answer.promise;
  };
}
