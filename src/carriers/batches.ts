import type { Reading } from './reading.ts';

// Rows of an answer are given to a model some at a time: so many as it reads in a part of the time that it has, for what it does not
// read in time is not read at all. A model that reads nothing any more is not waited for, batch after batch, to the end of the answer.

/** Rows that wait, as a protocol keeps them. */
export interface Waiting {
  /** How the first so many are shown; they go on waiting, and may be shown again. */
  readonly shown: (rows: number) => Uint8Array;
  /** These have gone out. */
  readonly drop: (rows: number) => void;
  /** Remembers what was counted, and gives what counts from there again. */
  readonly mark: () => () => void;
}

/** Rows and bytes of one answer that wait at most. */
export const mostWaiting = 256;
export const mostWaitingBytes = 1_048_576;

const firstRows = 16;
/** The part of its time that a model is to take for one batch. */
const part = 0.25;
const mostGrowth = 4;
/** So many batches in a row of which the model read nothing, and it is not asked for the rest of the answer. */
const mostMissed = 3;

/** The rows of one answer on their way through the model. */
export class Batches {
  readonly #reading: Reading;
  readonly #waiting: Waiting;
  #sizes: number[] = [];
  #bytes = 0;
  #rows = firstRows;
  #missed = 0;
  readonly #stop: AbortController = new AbortController();

  constructor(reading: Reading, waiting: Waiting) {
    this.#reading = reading;
    this.#waiting = waiting;
  }

  /** One more row waits, of so many bytes. */
  add(bytes: number): void {
    this.#sizes.push(bytes);
    this.#bytes += bytes;
  }

  get some(): boolean {
    return this.#sizes.length > 0;
  }

  /** No other row may wait before these are read. */
  get full(): boolean {
    return this.#sizes.length >= mostWaiting || this.#bytes >= mostWaitingBytes;
  }

  /** The model is asked nothing of this answer any more: what it has not read is unread. */
  stop(): void {
    this.#stop.abort();
  }

  /** Gives all that waits in order, as it is shown, and waits until each part of it was taken. */
  async read(give: (bytes: Uint8Array) => Promise<void> | undefined): Promise<void> {
    while (this.some) {
      const rows = this.#next();
      const shown = await this.#shown(rows);
      this.#waiting.drop(rows);
      for (const size of this.#sizes.splice(0, rows)) this.#bytes -= size;
      const taken = give(shown);
      if (taken !== undefined) await taken;
    }
  }

  /** As many as are in time, and as are not too long together. */
  #next(): number {
    let rows = 0;
    let bytes = 0;
    for (const size of this.#sizes) {
      bytes += size;
      if (rows === this.#rows || (rows > 0 && bytes > this.#reading.most)) break;
      rows++;
    }
    return rows;
  }

  async #shown(rows: number): Promise<Uint8Array> {
    const { signal } = this.#stop;
    const run = (): Uint8Array => this.#waiting.shown(rows);
    if (signal.aborted || this.#missed >= mostMissed) return this.#reading.unasked(run);
    const fresh = this.#waiting.mark();
    const began = performance.now();
    try {
      const shown = await this.#reading.read(run, { fresh, signal });
      this.#took(rows, performance.now() - began);
      return shown;
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
      fresh();
      return this.#reading.unasked(run);
    }
  }

  #took(rows: number, ms: number): void {
    const { went, withinMs } = this.#reading;
    this.#missed = went.asked > 0 && went.unread === went.asked ? this.#missed + 1 : 0;
    const fits = Math.floor((rows * withinMs * part) / Math.max(1, ms));
    this.#rows = Math.max(1, Math.min(fits, mostGrowth * this.#rows, mostWaiting));
  }
}
