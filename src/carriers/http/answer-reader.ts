import { Fault } from '../../base/errors.ts';
import type { Fields } from '../../http/headers.ts';

/** The head of an answer, and how its body ends (RFC 9112, 6.3). */
export interface AnswerHead {
  readonly status: number;
  readonly fields: Fields;
  /** The connection may carry another request behind this answer. */
  readonly keeps: boolean;
  /** For how long it may be idle, where the resource says so. */
  readonly keepMs: number | undefined;
}

/** A piece of the body, or what is missing for the next one. */
type Piece = Uint8Array | 'more' | 'end';

const mostHeadBytes = 65_536;
const mostFields = 500;
const mostLineBytes = 4_096;
/** Answers that only say that another will follow (RFC 9110, 15.2). */
const mostInterim = 20;

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const visible = /^[\t\x20-\x7e\x80-\xff]*$/;
const statusLine = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
/** RFC 9112, 7.1. */
const chunkLine = /^([0-9A-Fa-f]{1,12})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?$/;

type Body =
  | { readonly kind: 'length'; left: number }
  | { readonly kind: 'chunked'; left: number; state: 'size' | 'data' | 'data end' | 'trailers' }
  | { readonly kind: 'to the end' }
  | { readonly kind: 'over' };

/**
 * Reads one answer of HTTP/1.1 (RFC 9112) out of whatever pieces it comes in. What two readers could take differently is refused:
 * two lengths, a length beside a coding, lines that end otherwise than with CR LF, folded lines, spaces before a colon.
 * Throws a Fault `upstream-closed`.
 */
export class AnswerReader {
  readonly #method: string;
  #held: Buffer = nothing;
  #body: Body | undefined;
  #interim = 0;
  #tailBytes = 0;
  #ended = false;

  /** `method`: of the request. */
  constructor(method: string) {
    this.#method = method;
  }

  /** Whether nothing at all has come. */
  get untouched(): boolean {
    return this.#held.length === 0 && this.#interim === 0 && this.#body === undefined;
  }

  /** Bytes behind the end of the answer: nobody has asked for them. */
  get hasMore(): boolean {
    return this.#held.length > 0;
  }

  /** Takes bytes that came; they are looked at again only until `keep` or the end. */
  push(bytes: Uint8Array): void {
    const given = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#held = this.#held.length === 0 ? given : Buffer.concat([this.#held, given]);
  }

  /** To be called before the memory that `push` was given is used again. */
  keep(): void {
    if (this.#held.length > 0) this.#held = Buffer.from(this.#held);
  }

  /** Nothing more will come. */
  close(): void {
    this.#ended = true;
  }

  /** Undefined until it is here. */
  head(): AnswerHead | undefined {
    for (;;) {
      const end = this.#held.indexOf('\r\n\r\n');
      if ((end < 0 ? this.#held.length : end) > mostHeadBytes) throw broken('its head is too long');
      if (end < 0) {
        // Who speaks otherwise is not waited for: lines that end in LF alone never end a head.
        if (!mayBegin(this.#held)) throw broken('it does not begin like one');
        if (this.#ended) throw broken('it ended');
        return undefined;
      }
      const head = this.#held.toString('latin1', 0, end);
      this.#held = this.#held.subarray(end + 4);
      const read = this.#readHead(head);
      if (read !== undefined) return read;
    }
  }

  #readHead(head: string): AnswerHead | undefined {
    const lines = head.split('\r\n');
    const [, minor, digits] = statusLine.exec(lines[0] ?? '') ?? [];
    if (digits === undefined) throw broken('it does not begin like one');
    if (lines.length > mostFields) throw broken('it has too many fields');
    const fields: (readonly [string, string])[] = [];
    for (let at = 1; at < lines.length; at++) fields.push(fieldOf(lines[at] ?? ''));
    const status = Number(digits);
    if (status === 101) throw new Fault('upstream-closed', 'The resource changed the protocol unasked');
    if (status < 200) {
      if (++this.#interim > mostInterim) throw broken('it never comes');
      return undefined;
    }
    const body = bodyOf(this.#method, status, fields, minor === '1');
    this.#body = body;
    const words = valuesOf(fields, 'connection').join(',').toLowerCase();
    const mayCarry = minor === '1' && body.kind !== 'to the end' && !mayTrail(this.#method, status, fields);
    const keeps = mayCarry && !/(?:^|,)[\t ]*close[\t ]*(?:,|$)/.test(words);
    return { status, fields, keeps, keepMs: keeps ? keepMs(fields) : undefined };
  }

  /** What is here of the body. The bytes are the caller's own. */
  piece(): Piece {
    const body = this.#body;
    switch (body?.kind) {
      case 'over':
        return 'end';
      case 'length':
        return this.#ofLength(body);
      case 'to the end':
        if (this.#held.length > 0) return this.#take(this.#held.length);
        return this.#ended ? this.#over() : 'more';
      case 'chunked':
        return this.#chunked(body);
      default:
        throw new Fault('bug', 'A body was read before its head');
    }
  }

  #ofLength(body: { left: number }): Piece {
    if (body.left === 0) return this.#over();
    if (this.#held.length === 0) return this.#more();
    const taken = this.#take(Math.min(body.left, this.#held.length));
    body.left -= taken.length;
    return taken;
  }

  #chunked(body: Extract<Body, { kind: 'chunked' }>): Piece {
    for (;;) {
      switch (body.state) {
        case 'size': {
          const line = this.#line(mostLineBytes);
          if (line === undefined) return this.#more();
          const size = chunkLine.exec(line)?.[1];
          if (size === undefined) throw broken('a length in it is none');
          body.left = Number.parseInt(size, 16);
          body.state = body.left === 0 ? 'trailers' : 'data';
          break;
        }
        case 'data': {
          if (this.#held.length === 0) return this.#more();
          const taken = this.#take(Math.min(body.left, this.#held.length));
          body.left -= taken.length;
          if (body.left === 0) body.state = 'data end';
          return taken;
        }
        case 'data end':
          if (this.#held.length < 2) return this.#more();
          if (this.#line(2) !== '') throw broken('a part of it is longer than it says');
          body.state = 'size';
          break;
        case 'trailers': {
          const line = this.#line(mostHeadBytes);
          if (line === undefined) return this.#more();
          if (line === '') return this.#over();
          fieldOf(line);
          this.#tailBytes += line.length + 2;
          if (this.#tailBytes > mostHeadBytes) throw broken('its end is too long');
          break;
        }
      }
    }
  }

  #line(most: number): string | undefined {
    const end = this.#held.indexOf('\r\n');
    if ((end < 0 ? this.#held.length : end) > most) throw broken('a line in it is too long');
    if (end < 0) return undefined;
    const line = this.#held.toString('latin1', 0, end);
    this.#held = this.#held.subarray(end + 2);
    return line;
  }

  #take(length: number): Uint8Array {
    const taken = Buffer.from(this.#held.subarray(0, length));
    this.#held = this.#held.subarray(length);
    return taken;
  }

  #more(): 'more' {
    if (this.#ended) throw new Fault('upstream-closed', 'The answer of the resource broke off');
    return 'more';
  }

  #over(): 'end' {
    this.#body = { kind: 'over' };
    return 'end';
  }
}

const nothing = Buffer.alloc(0);

const begins = Buffer.from('HTTP/1.');

/** Whether what has come may be the beginning of a head: of its lines those that are here. */
function mayBegin(held: Buffer): boolean {
  const same = Math.min(held.length, begins.length);
  if (held.compare(begins, 0, same, 0, same) !== 0) return false;
  for (let end = held.indexOf(0x0a); end >= 0; end = held.indexOf(0x0a, end + 1))
    if (held[end - 1] !== 0x0d) return false;
  return true;
}

function broken(why: string): Fault {
  return new Fault('upstream-closed', `The answer of the resource cannot be read: ${why}`);
}

/** A name in lower case and a value (RFC 9112, 5). */
function fieldOf(line: string): readonly [string, string] {
  const at = line.indexOf(':');
  const name = line.slice(0, Math.max(at, 0));
  if (!token.test(name) || !visible.test(line)) throw broken('a field of its head is none');
  let from = at + 1;
  let to = line.length;
  while (from < to && isBlank(line.charCodeAt(from))) from++;
  while (to > from && isBlank(line.charCodeAt(to - 1))) to--;
  return [name.toLowerCase(), line.slice(from, to)];
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function valuesOf(fields: Fields, wanted: string): readonly string[] {
  const values: string[] = [];
  for (const [name, value] of fields) if (name === wanted) values.push(value);
  return values;
}

function bodyOf(method: string, status: number, fields: Fields, isNew: boolean): Body {
  const lengths = valuesOf(fields, 'content-length');
  const codings = valuesOf(fields, 'transfer-encoding');
  const [length] = lengths;
  if (lengths.length > 1 || (length !== undefined && !/^\d{1,15}$/.test(length)))
    throw broken('it does not say how long it is');
  if (codings.length > 0) {
    // SECURITY: where the two differ, one reader's body is another's next answer (RFC 9112, 6.1).
    if (length !== undefined || !isNew || codings.length > 1 || !/^chunked$/i.test(codings[0] ?? ''))
      throw broken('it does not say clearly how long it is');
  }
  if (method === 'HEAD' || status === 204 || status === 304) return { kind: 'over' };
  if (codings.length > 0) return { kind: 'chunked', left: 0, state: 'size' };
  return length === undefined ? { kind: 'to the end' } : { kind: 'length', left: Number(length) };
}

/**
 * Whether a body may follow where none belongs (RFC 9110, 6.4.1), as servers have it that forget what they were asked: nobody can
 * say when it is over, so nobody is answered behind it.
 */
function mayTrail(method: string, status: number, fields: Fields): boolean {
  if (method === 'HEAD') return true;
  if (status !== 204 && status !== 304) return false;
  return (
    valuesOf(fields, 'transfer-encoding').length > 0 || Number(valuesOf(fields, 'content-length')[0] ?? 0) > 0
  );
}

/** What servers say of kept connections: `timeout=5, max=100`. */
function keepMs(fields: Fields): number | undefined {
  const [said] = valuesOf(fields, 'keep-alive');
  const seconds = said === undefined ? undefined : /(?:^|[,\s])timeout=(\d{1,6})(?:$|[,\s])/i.exec(said)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}
