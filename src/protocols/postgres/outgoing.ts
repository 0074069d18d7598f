/**
 * Bytes written one behind the other into memory that grows.
 * INVARIANT: `length` says what counts; `room` may move the bytes, with what was written behind `length` already.
 */
export class Written {
  bytes: Uint8Array = empty;
  length = 0;

  /** Makes room for so many bytes more, and gives the memory to write them into from `length` on. */
  room(more: number): Uint8Array {
    const need = this.length + more;
    if (need <= this.bytes.length) return this.bytes;
    const grown = new Uint8Array(
      Math.max(leastBytes, need, Math.min(2 * this.bytes.length, need + growthMax)),
    );
    grown.set(this.bytes);
    this.bytes = grown;
    return grown;
  }

  append(bytes: Uint8Array, from: number, to: number): void {
    const into = this.room(to - from);
    copy(bytes, from, to, into, this.length);
    this.length += to - from;
  }
}

/** Short runs are copied faster by hand than by a call that first makes a view of them. */
// oxlint-disable-next-line max-params
export function copy(from: Uint8Array, start: number, end: number, into: Uint8Array, at: number): void {
  if (end - start > byHandMax) {
    into.set(from.subarray(start, end), at);
    return;
  }
  for (let offset = 0; offset < end - start; offset++) into[at + offset] = from[start + offset] ?? 0;
}

const empty = new Uint8Array(0);
const leastBytes = 1_024;
const growthMax = 4_194_304;
const keptMax = 262_144;
const idleMax = 2_048;
const byHandMax = 96;

/**
 * What goes to the client out of one chunk of answers: spans of the chunk itself where nothing was changed, and
 * replaced messages between them. An unchanged chunk is one view of it, not a copy; else all of it is copied once.
 */
export class Outgoing {
  #chunk: Uint8Array = empty;
  #from = 0;
  #to = 0;
  /** All before the open span, once something was changed or left out. */
  #made: Written = new Written();
  /** Memory of what was taken: whoever has it is done with it when the next chunk begins. */
  #taken: Uint8Array = empty;

  /** Starts with a new chunk; everything before must have been taken, and what was taken sent. */
  begin(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#from = 0;
    this.#to = 0;
    if (this.#made.length === 0 && this.#made.bytes.length < this.#taken.length)
      this.#made.bytes = this.#taken;
    this.#taken = empty;
  }

  /** Gives memory back while nothing is under way. */
  settle(): void {
    this.#chunk = empty;
    if (this.#taken.length > idleMax) this.#taken = empty;
    if (this.#made.length === 0) this.#made.bytes = empty;
  }

  /** The chunk's bytes [start, end) go out as they are. */
  pass(start: number, end: number): void {
    if (start === this.#to && this.#to > this.#from) {
      this.#to = end;
      return;
    }
    this.#close();
    this.#from = start;
    this.#to = end;
  }

  /** These bytes go out next; they are copied. */
  put(bytes: Uint8Array): void {
    this.#close();
    this.#made.append(bytes, 0, bytes.length);
  }

  /** What is written here goes out next. */
  writer(): Written {
    this.#close();
    return this.#made;
  }

  /** All of it in order, or undefined when there is nothing. */
  take(): Uint8Array | undefined {
    const made = this.#made;
    if (made.length === 0) {
      if (this.#to === this.#from) return undefined;
      const only = this.#chunk.subarray(this.#from, this.#to);
      this.#from = 0;
      this.#to = 0;
      return only;
    }
    this.#close();
    const all = made.bytes.subarray(0, made.length);
    if (made.bytes.length <= keptMax) this.#taken = made.bytes;
    made.bytes = empty;
    made.length = 0;
    return all;
  }

  #close(): void {
    if (this.#to > this.#from) this.#made.append(this.#chunk, this.#from, this.#to);
    this.#from = 0;
    this.#to = 0;
  }
}
