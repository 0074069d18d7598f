import { WireError } from '../../base/errors.ts';
import type { Frame } from './frames.ts';
import type { Format } from './messages.ts';

// The values that messages are made of (PostgreSQL 18 docs, 54.6). Views live as long as the frame's bytes.

/** Reads the values of one message in turn; a WireError where it has them not. */
export class Reader {
  readonly #bytes: Buffer;
  readonly #end: number;
  readonly #type: number;
  #at: number;

  constructor({ type, bytes, start, end }: Frame) {
    this.#bytes = asBuffer(bytes);
    this.#type = type;
    this.#at = start + 5;
    this.#end = end;
    if (this.#at > end) throw this.bad('no length');
  }

  uint8(): number {
    return this.#bytes[this.#step(1)] ?? 0;
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#step(2));
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#step(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#step(4));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#step(4));
  }

  format(): Format {
    const code = this.uint16();
    if (code > 1) throw this.bad('an unknown format');
    return code === 0 ? 0 : 1;
  }

  formats(): readonly Format[] {
    return this.list(this.uint16(), 2, () => this.format());
  }

  /** A count, then for each a length (-1: NULL) and that many bytes. */
  values(): readonly (Uint8Array | null)[] {
    return this.list(this.uint16(), 4, () => {
      const length = this.int32();
      return length === -1 ? null : this.take(length);
    });
  }

  /** SECURITY: a count the message has no room for is refused before anything is made for it. */
  list<T>(count: number, leastBytes: number, read: () => T): readonly T[] {
    if (count * leastBytes > this.#end - this.#at) throw this.bad('fewer items than its count');
    const items: T[] = [];
    for (let index = 0; index < count; index++) items.push(read());
    return items;
  }

  take(length: number): Uint8Array {
    if (length < 0) throw this.bad('a negative length');
    const at = this.#step(length);
    return plain(this.#bytes.subarray(at, at + length));
  }

  remaining(): Uint8Array {
    return this.take(this.#end - this.#at);
  }

  /** A String: up to its NUL byte, which must lie inside the message. */
  text(): string {
    return textOf(this.#untilNul());
  }

  lossyText(): string {
    return this.#untilNul().toString('utf8');
  }

  #untilNul(): Buffer {
    const nul = this.#bytes.indexOf(0, this.#at);
    if (nul < 0 || nul >= this.#end) throw this.bad('a text without end');
    const text = this.#bytes.subarray(this.#at, nul);
    this.#at = nul + 1;
    return text;
  }

  /** The last byte of the message must have been read. */
  done(): void {
    if (this.#at !== this.#end) throw this.bad('bytes left over');
  }

  bad(what: string): WireError {
    const type = this.#type === 0 ? 'startup' : String.fromCharCode(this.#type);
    return new WireError('bad-message', `Malformed message '${type}': ${what}`);
  }

  #step(bytes: number): number {
    const at = this.#at;
    if (bytes > this.#end - at) throw this.bad('too short');
    this.#at = at + bytes;
    return at;
  }
}

/** A view of the whole message. */
export function rawOf(frame: Frame): Uint8Array {
  return plain(frame.bytes.subarray(frame.start, frame.end));
}

/** A view of the message without type and length. */
export function bodyOf(frame: Frame): Uint8Array {
  return plain(frame.bytes.subarray(frame.start + 5, frame.end));
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Valid UTF-8 as text, every byte of it (a byte order mark too). */
export function textOf(bytes: Uint8Array): string {
  const text = asBuffer(bytes).toString('utf8');
  // Only invalid bytes and a true U+FFFD decode to U+FFFD, so the slower strict decoder sees hardly any text.
  if (!text.includes('\uFFFD')) return text;
  try {
    return strict.decode(bytes);
  } catch {
    throw new WireError('bad-encoding', 'A text is not valid UTF-8');
  }
}

/** Without Buffer's slice(), which would share the memory where a copy is meant. */
function plain(view: Uint8Array): Uint8Array {
  return view instanceof Buffer ? new Uint8Array(view.buffer, view.byteOffset, view.length) : view;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
