/**
 * Entries on their way from the main thread to the thread that commits them: one writer, one reader, shared memory.
 * A message port would cost the main thread several times what the rest of an append costs.
 *
 *   record  4 bytes length of the whole record (a multiple of 4), 4 bytes tag, then its content
 *
 * A record never wraps: a length of 0 means "go on at the start".
 */
export const ringBytes = 4_194_304;

/** Cells of the control array. */
export const cell = {
  /** Bytes written so far, modulo 2^32. */
  tail: 0,
  /** Bytes read so far, modulo 2^32. */
  head: 1,
  /** Entries on disk since the start, modulo 2^32. */
  committed: 2,
  /** 1 while the reader sleeps. */
  sleeping: 3,
  /** 1 once the committing thread gave up. */
  failed: 4,
  /** 1 once the committing thread has its files open. */
  ready: 5,
  cells: 6,
} as const;

export interface Ring {
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly bytes: SharedArrayBuffer;
}

export function makeRing(): Ring {
  return {
    control: new Int32Array(new SharedArrayBuffer(cell.cells * 4)),
    bytes: new SharedArrayBuffer(ringBytes),
  };
}

export class RingWriter {
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #buffer: Buffer;
  #tail = 0;

  constructor(ring: Ring) {
    this.#control = ring.control;
    this.#buffer = Buffer.from(ring.bytes);
  }

  /**
   * Adds a record: `fill` writes its content at an offset and gives the end. `most` bounds the content's bytes.
   * False when there is no room yet; nothing was written then.
   */
  put(tag: number, most: number, fill: (buffer: Buffer, at: number) => number): boolean {
    const need = (8 + most + 3) & ~3;
    const head = Atomics.load(this.#control, cell.head) >>> 0;
    let at = this.#tail % ringBytes;
    const free = ringBytes - ((this.#tail - head) >>> 0);
    const skip = at + need > ringBytes ? ringBytes - at : 0;
    if (need + skip >= free) return false;
    if (skip > 0) {
      this.#buffer.writeUInt32LE(0, at);
      this.#tail = (this.#tail + skip) >>> 0;
      at = 0;
    }
    const length = (fill(this.#buffer, at + 8) - at + 3) & ~3;
    this.#buffer.writeUInt32LE(length, at);
    this.#buffer.writeUInt32LE(tag, at + 4);
    this.#tail = (this.#tail + length) >>> 0;
    Atomics.store(this.#control, cell.tail, this.#tail | 0);
    return true;
  }

  /** Lets the reader see what was put. */
  wake(): void {
    if (Atomics.load(this.#control, cell.sleeping) === 1) Atomics.notify(this.#control, cell.tail);
  }
}

export interface RingRecord {
  readonly tag: number;
  readonly at: number; // of the content
  readonly end: number;
}

export class RingReader {
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly buffer: Buffer;
  #head = 0;

  constructor(ring: Ring) {
    this.#control = ring.control;
    this.buffer = Buffer.from(ring.bytes);
  }

  /** Sleeps until there is a record. */
  wait(): void {
    for (;;) {
      const tail = Atomics.load(this.#control, cell.tail);
      if (tail >>> 0 !== this.#head) return;
      Atomics.store(this.#control, cell.sleeping, 1);
      Atomics.wait(this.#control, cell.tail, tail);
      Atomics.store(this.#control, cell.sleeping, 0);
    }
  }

  /** The next record without taking it; `undefined` when there is none. */
  peek(): RingRecord | undefined {
    for (;;) {
      if (Atomics.load(this.#control, cell.tail) >>> 0 === this.#head) return undefined;
      const at = this.#head % ringBytes;
      const length = this.buffer.readUInt32LE(at);
      if (length > 0) return { tag: this.buffer.readUInt32LE(at + 4), at: at + 8, end: at + length };
      this.#head = (this.#head + ringBytes - at) >>> 0;
    }
  }

  /** Takes the record that `peek` gave: its bytes may be overwritten from now on. */
  take(record: RingRecord): void {
    this.#head = (this.#head + record.end - record.at + 8) >>> 0;
    Atomics.store(this.#control, cell.head, this.#head | 0);
  }
}
