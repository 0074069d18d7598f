/** The main thread's side of publishing: when a cycle is due, one at a time, the thread that does it, and with which key. */
import { Worker } from 'node:worker_threads';
import { messageOf } from '../base/errors.ts';
import type { World } from '../base/time.ts';
import type { Log } from '../core/ports.ts';
import { replaceKey, type Unfinished } from './rotate.ts';
import type { PublishAnswer, PublishCall } from './publish-serve.ts';
import type { PublishParts } from './publish.ts';

export interface PublishingParts {
  readonly publish: Omit<PublishParts, 'headed' | 'now'>;
  readonly headed: number;
  /** A change of the key that was interrupted: nothing behind its entry is published before it is finished. */
  readonly unfinished?: Unfinished | undefined;
  readonly module: URL;
  readonly world: World;
  readonly log: Log;
  /** Entries on disk. */
  readonly size: () => number;
  /** Told once, when publishing failed too often: the ledger ends. */
  readonly gaveUp: (why: string) => void;
}

const cycleMs = 700;
/** Publishing is tried again on new files; a disk that refuses for this many cycles stops the gateway. */
const publishFailures = 5;

export class Publishing {
  readonly #parts: PublishingParts;
  #publish: PublishingParts['publish'];
  #published: number;
  #headed: number;
  /** INVARIANT: while the key changes, nothing behind its entry is published: the old key never signs a later head. */
  #limit: number;
  #worker: Worker | undefined;
  #timer: Disposable | undefined;
  #cycling: Promise<void> = Promise.resolve();
  #failures = 0;
  #stopped = false;

  constructor(parts: PublishingParts) {
    this.#parts = parts;
    this.#publish = parts.publish;
    this.#headed = parts.headed;
    this.#published = parts.headed;
    this.#limit = parts.unfinished === undefined ? Infinity : parts.unfinished.index + 1;
  }

  /** Entries whose files are in place. */
  get published(): number {
    return this.#published;
  }

  /** A cycle is due when something is committed and not published, or published and not under a head. */
  plan(): void {
    if (this.#timer !== undefined || this.#stopped || this.#headed === this.#end()) return;
    this.#timer = this.#parts.world.after(cycleMs, () => {
      this.#timer = undefined;
      void this.cycle('cycle').then(() => this.plan());
    });
  }

  /** One cycle, after those that are under way. Never rejects. */
  cycle(kind: PublishCall['kind']): Promise<void> {
    this.#cycling = this.#cycling.then(() => this.#call(kind));
    return this.#cycling;
  }

  /** Nothing behind `end` is published from now on, until `follow` lets a new key sign it. */
  limit(end: number): void {
    this.#limit = end;
  }

  /** Signs a head up to the limit with the old key, and lets the new one follow. Rejects where a file cannot be written. */
  async follow({ young, index }: Unfinished): Promise<void> {
    while (this.#headed <= index) {
      if (this.#stopped) throw new Error('The ledger failed while its key was changed');
      await this.cycle('cycle');
    }
    const replaced = this.#cycling.then(async () => {
      await this.#worker?.terminate();
      this.#worker = undefined;
      replaceKey(this.#publish.folder, young);
      const secretKey = young.secret.export({ format: 'pem', type: 'pkcs8' }).toString();
      this.#publish = { ...this.#publish, secretKey };
      this.#limit = Infinity;
    });
    this.#cycling = replaced.catch(() => undefined);
    await replaced;
    this.#parts.log('info', 'ledger.key-rotated', { keyId: young.keyId, entry: index });
    this.plan();
  }

  /** No cycle begins by itself any more. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.[Symbol.dispose]();
  }

  /** Waits for what is under way, and ends the thread. */
  async end(): Promise<void> {
    await this.#cycling;
    await this.#worker?.terminate();
  }

  #end(): number {
    return Math.min(this.#parts.size(), this.#limit);
  }

  /** Asks the publishing thread for one cycle; starts it, or starts it again after a failure. Never rejects. */
  async #call(kind: PublishCall['kind']): Promise<void> {
    const answer = await this.#ask(kind);
    if (answer.kind === 'published') {
      this.#failures = 0;
      this.#published = answer.published;
      this.#headed = answer.headed;
      return;
    }
    this.#worker = undefined;
    this.#failures += 1;
    this.#parts.log('error', 'ledger.not-published', { why: answer.why, attempt: this.#failures });
    if (this.#failures >= publishFailures || kind === 'finish') this.#parts.gaveUp(answer.why);
  }

  #ask(kind: PublishCall['kind']): Promise<PublishAnswer> {
    const { promise, resolve } = Promise.withResolvers<PublishAnswer>();
    const now = this.#parts.world.now();
    let worker = this.#worker;
    if (worker === undefined) {
      const workerData: PublishParts = { ...this.#publish, headed: this.#headed, now };
      worker = new Worker(this.#parts.module, { workerData });
      worker.unref();
      this.#worker = worker;
    }
    const asked = worker;
    const done = (answer: PublishAnswer): void => {
      asked.off('message', done);
      asked.off('error', broke);
      asked.off('exit', ended);
      resolve(answer);
    };
    const broke = (error: Error): void => done({ kind: 'failed', why: messageOf(error) });
    const ended = (): void => done({ kind: 'failed', why: 'the thread ended' });
    asked.on('message', done);
    asked.on('error', broke);
    asked.on('exit', ended);
    asked.postMessage({ kind, committed: this.#end(), now } satisfies PublishCall);
    return promise;
  }
}
