/** The bytes of a document that is written anew, in chunks: nothing of it is ever moved to make room. */
export class Out {
  readonly #chunks: Uint8Array[] = [];
  #now: Buffer;
  #at = 0;

  /** `about`: how many bytes it may come to. */
  constructor(about: number) {
    this.#now = Buffer.allocUnsafe(Math.min(largest, Math.max(smallest, about)));
  }

  /** Bytes as they are; a long run of them is not copied. */
  bytes(from: Uint8Array, start: number, end: number): void {
    const count = end - start;
    if (count <= 0) return;
    if (count > copied) {
      this.#close(smallest);
      this.#chunks.push(from.subarray(start, end));
      return;
    }
    const to = this.#room(count);
    // A call costs more than a few bytes.
    if (count < 48) for (let at = 0; at < count; at++) to[this.#at + at] = from[start + at] ?? 0;
    else to.set(from.subarray(start, end), this.#at);
    this.#at += count;
  }

  text(text: string): void {
    for (let from = 0; from < text.length;) {
      let end = Math.min(text.length, from + piece);
      // Both halves of a character go together.
      if (end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end--;
      const part = from === 0 && end === text.length ? text : text.slice(from, end);
      const to = this.#room(part.length * 3); // first: it may begin anew at 0
      this.#at += to.write(part, this.#at);
      from = end;
    }
  }

  /** A JSON string. What an operator shows is most often a short word of plain letters: those are written one by one. */
  string(text: string): void {
    if (text.length > short) return this.text(JSON.stringify(text));
    const to = this.#room(text.length + 2);
    let at = this.#at;
    to[at++] = 0x22;
    for (let from = 0; from < text.length; from++) {
      const code = text.charCodeAt(from);
      if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c)
        return this.text(JSON.stringify(text));
      to[at++] = code;
    }
    to[at++] = 0x22;
    this.#at = at;
  }

  /** Nothing may be written any more. */
  end(): readonly Uint8Array[] {
    this.#close(0);
    return this.#chunks;
  }

  #room(count: number): Buffer {
    if (this.#now.length - this.#at < count) this.#close(Math.max(count, largest));
    return this.#now;
  }

  #close(next: number): void {
    if (this.#at > 0) this.#chunks.push(this.#now.subarray(0, this.#at));
    this.#now =
      this.#at > 0 && this.#now.length - this.#at >= next
        ? this.#now.subarray(this.#at)
        : Buffer.allocUnsafe(next);
    this.#at = 0;
  }
}

const smallest = 1_024;
const largest = 65_536;
const copied = 16_384;
const piece = 8_192;
/** Characters: of longer texts the system's own way is quicker. */
const short = 64;
