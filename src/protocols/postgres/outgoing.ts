/**
 * What goes to the client out of one chunk of answers: spans of the chunk itself where nothing was changed, and
 * replaced messages between them. An unchanged chunk is one view of it, not a copy.
 */
export class Outgoing {
  #chunk: Uint8Array = empty;
  #from = 0;
  #to = 0;
  #parts: Uint8Array[] = [];

  /** Starts with a new chunk; everything before must have been taken. */
  begin(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#from = 0;
    this.#to = 0;
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

  /** These bytes go out next. */
  put(bytes: Uint8Array): void {
    this.#close();
    if (bytes.length > 0) this.#parts.push(bytes);
  }

  /** All of it in order, or undefined when there is nothing. */
  take(): Uint8Array | undefined {
    this.#close();
    const parts = this.#parts;
    if (parts.length === 0) return undefined;
    this.#parts = [];
    const [only] = parts;
    return parts.length === 1 ? only : Buffer.concat(parts);
  }

  #close(): void {
    if (this.#to > this.#from) this.#parts.push(this.#chunk.subarray(this.#from, this.#to));
    this.#from = 0;
    this.#to = 0;
  }
}

const empty = new Uint8Array(0);
