import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { Fault, messageOf } from '../base/errors.ts';
import type { Entry } from '../core/entry.ts';
import type { Log } from '../core/ports.ts';
import { readyPath } from './index-database.ts';
import { rowOf, type IndexRow } from './index-rows.ts';
import type { EntryHit, EntryQuery, SessionsQuery } from './index-store.ts';
import type { IndexWorkerData } from './index-worker.ts';
import type { OpenLedger } from './ledger.ts';

export type IndexCall =
  | { readonly kind: 'next' | 'finish' | 'close' }
  | { readonly kind: 'add'; readonly rows: readonly IndexRow[]; readonly next: number }
  | { readonly kind: 'build'; readonly from: number; readonly to: number; readonly size: number }
  | { readonly kind: 'entries'; readonly query: EntryQuery }
  | { readonly kind: 'sessions'; readonly query: SessionsQuery }
  | { readonly kind: 'forget'; readonly session: string; readonly size: number };

export type IndexAnswer = { readonly value: unknown } | { readonly failed: string };

/** A hit with what the ledger has of its statement. */
export interface FoundEntry extends EntryHit {
  readonly text?: string;
}

/** The index of a ledger's entries: kept up with every append in a thread of its own, rebuilt where it is missing. */
export interface SearchIndex extends AsyncDisposable {
  /** Newest first; with the statements where `withText`. All that is on disk when it is asked is looked at. */
  readonly entries: (query: EntryQuery, withText: boolean) => Promise<readonly FoundEntry[]>;
  /** Ids of sessions with an entry that fits, newest first. */
  readonly sessions: (query: SessionsQuery) => Promise<readonly string[]>;
  /** Forgets what was personal of a session, when its key is destroyed. */
  readonly forget: (session: string) => Promise<void>;
}

/** A multiple of the entries in a file of the ledger. */
const batchEntries = 5_120;
const flushMs = 5_000;
/** How often it looks whether an index that was built beside is ready. */
const readyMs = 2_000;
/** With more than this the gateway is busy: the index waits for a quieter moment, or for a search. */
const quietRows = 2_000;
/** More than this is not kept in memory: it is read from the ledger again. */
const keptRows = 20_000;
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

export interface SearchIndexParts {
  readonly store: IndexWorkerData['store'];
  readonly folder: string; // data folder
  readonly ledger: OpenLedger;
  readonly log: Log;
}

/** Opens the index. What it lacks is read from the ledger in the background. */
export function searchIndex(parts: SearchIndexParts): SearchIndex {
  return new Index(parts);
}

class Index implements SearchIndex {
  readonly #ledger: OpenLedger;
  readonly #log: Log;
  readonly #worker: Worker;
  readonly #calls: Map<number, PromiseWithResolvers<unknown>> = new Map();
  #lastCall = 0;
  /** The newest entries, in order and without a gap; what is older is in the index or read from the ledger. */
  #rows: { readonly n: number; readonly entry: Entry }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #catching: Promise<void> = Promise.resolve();
  #looks: NodeJS.Timeout | undefined;
  #behind = false;
  #broken: string | undefined;
  #closed = false;

  constructor({ store, folder, ledger, log }: SearchIndexParts) {
    this.#ledger = ledger;
    this.#log = log;
    this.#worker = new Worker(new URL(`./index-worker${extension}`, import.meta.url), {
      workerData: { store, folder, ledger: ledger.key.name, size: ledger.size } satisfies IndexWorkerData,
    });
    this.#worker.unref();
    this.#worker.on('message', (answer: { readonly id: number } & IndexAnswer) => {
      const call = this.#calls.get(answer.id);
      this.#calls.delete(answer.id);
      if ('failed' in answer) call?.reject(new Fault('ledger', `The index failed: ${answer.failed}`));
      else call?.resolve(answer.value);
    });
    this.#worker.on('error', (error) => this.#break(messageOf(error)));
    this.#worker.on('exit', () => this.#break('its thread ended'));
    ledger.watch((entry, n) => {
      if (this.#closed) return;
      this.#rows.push({ n, entry });
      if (this.#rows.length > keptRows) this.#rows = [];
      this.#timer ??= setTimeout(() => this.#flush(), flushMs).unref();
    });
    this.#catchUpSoon();
    if (store.kind === 'sqlite') {
      const look = (): void => {
        if (existsSync(readyPath(store.path))) this.#catchUpSoon();
      };
      this.#looks = setInterval(look, readyMs).unref();
    }
  }

  readonly entries = async (query: EntryQuery, withText: boolean): Promise<readonly FoundEntry[]> => {
    await this.#catchUp();
    const found = (await this.#call({ kind: 'entries', query })) as readonly EntryHit[]; // our own worker's
    if (!withText) return found;
    const told: FoundEntry[] = [];
    for (const hit of found) {
      const isOwn = hit.gateway === undefined || hit.gateway === this.#ledger.key.name;
      const text = isOwn && hit.kind === 'decision' ? await this.#text(hit.entry) : undefined;
      told.push(text === undefined ? hit : { ...hit, text });
    }
    return told;
  };

  readonly sessions = async (query: SessionsQuery): Promise<readonly string[]> => {
    await this.#catchUp();
    return (await this.#call({ kind: 'sessions', query })) as readonly string[]; // our own worker's
  };

  readonly forget = async (session: string): Promise<void> => {
    await this.#catchUp();
    await this.#call({ kind: 'forget', session, size: await this.#ledger.publish(this.#ledger.size) });
  };

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    clearInterval(this.#looks);
    await this.#catchUp().catch(() => undefined);
    this.#closed = true;
    if (this.#broken === undefined) await this.#call({ kind: 'close' }).catch(() => undefined);
    await this.#worker.terminate();
  }

  #flush(): void {
    this.#timer = undefined;
    if (this.#rows.length > quietRows) {
      this.#timer = setTimeout(() => this.#flush(), flushMs).unref();
      return;
    }
    this.#catchUpSoon();
  }

  /** What fails is tried again: here, and by the next search, which says so. */
  #catchUpSoon(): void {
    this.#catchUp().then(
      () => {
        if (this.#behind) this.#log('info', 'index.caught-up');
        this.#behind = false;
      },
      (thrown: unknown) => {
        if (this.#closed || this.#broken !== undefined) return;
        if (!this.#behind) this.#log('warn', 'index.behind', { why: messageOf(thrown) });
        this.#behind = true;
        this.#timer ??= setTimeout(() => this.#flush(), flushMs).unref();
      },
    );
  }

  /** Brings the index to what is on disk now; one at a time. */
  #catchUp(): Promise<void> {
    const caught = this.#catching.catch(() => undefined).then(() => this.#bring());
    this.#catching = caught;
    return caught;
  }

  async #bring(): Promise<void> {
    if (this.#broken !== undefined) throw new Fault('ledger', `The index cannot be used: ${this.#broken}`);
    // INVARIANT: nothing stands in the index that the ledger could still lose.
    const { size } = this.#ledger;
    let next = (await this.#call({ kind: 'next' })) as number; // our own worker's
    const first = this.#rows[0]?.n ?? size;
    if (next < Math.min(first, size)) next = await this.#fromLedger(next, Math.min(first, size));
    const ready = this.#rows.findIndex(({ n }) => n >= size);
    const batch = this.#rows.splice(0, ready < 0 ? this.#rows.length : ready).filter(({ n }) => n >= next);
    const last = batch.at(-1);
    if (last !== undefined)
      await this.#add(
        batch.map(({ entry, n }) => rowOf(entry, n)),
        last.n + 1,
      );
  }

  /** The thread reads them itself: the gateway goes on. */
  async #fromLedger(from: number, end: number): Promise<number> {
    if (end - from > batchEntries) this.#log('info', 'index.building', { from, to: end });
    let at = from;
    while (at < end) {
      const size = await this.#ledger.publish(end);
      const to = Math.min(end, size, (Math.floor(at / batchEntries) + 1) * batchEntries);
      if (to <= at) throw new Fault('ledger', 'The ledger is closed');
      await this.#call({ kind: 'build', from: at, to, size });
      at = to;
    }
    return end;
  }

  async #add(rows: readonly (IndexRow | undefined)[], next: number): Promise<void> {
    await this.#call({ kind: 'add', rows: rows.filter((row) => row !== undefined), next });
  }

  async #text(n: number): Promise<string | undefined> {
    for await (const { entry, seal } of this.#ledger.read(n, n + 1))
      if (entry.kind === 'decision' && seal === 'opened') return entry.sealed.text;
    return undefined;
  }

  #call(call: IndexCall): Promise<unknown> {
    if (this.#broken !== undefined)
      return Promise.reject(new Fault('ledger', `The index cannot be used: ${this.#broken}`));
    const answer = Promise.withResolvers<unknown>();
    this.#lastCall += 1;
    this.#calls.set(this.#lastCall, answer);
    this.#worker.postMessage({ id: this.#lastCall, call });
    return answer.promise;
  }

  #break(why: string): void {
    if (this.#closed || this.#broken !== undefined) return;
    this.#broken = why;
    this.#log('error', 'index.failed', { why });
    for (const call of this.#calls.values()) call.reject(new Fault('ledger', `The index failed: ${why}`));
    this.#calls.clear();
  }
}
