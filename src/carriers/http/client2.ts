import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { PassThrough, pipeline } from 'node:stream';
import { Fault, messageOf } from '../../base/errors.ts';
import type { Fields } from '../../http/headers.ts';
import { connectTo, fieldsOf, type HttpClientParts } from './client.ts';
import { WireDuplex } from './wire-duplex.ts';

/** One request over HTTP/2, of which both directions may flow at once. */
export interface Http2Request {
  readonly method: string;
  readonly path: string; // with the query
  readonly fields: Fields; // without pseudo-header fields
  readonly body: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
  /** How long the head of the answer may take, where the request is not what takes long. */
  readonly headMs: number;
  /** For whom: nobody gets all streams to a resource. */
  readonly whose?: string;
}

export interface Http2Response {
  readonly status: number;
  readonly fields: Fields;
  /** The head was all of it. */
  readonly ended: boolean;
  /** Read once; breaking off resets the stream. Throws a Fault `upstream-closed`. */
  readonly body: AsyncIterable<Uint8Array>;
  /** What stood behind the body, once it was read to its end. */
  readonly trailers: () => Fields;
}

/** Calls one resource over HTTP/2: with ALPN over TLS, with prior knowledge without. */
export interface Http2Client extends AsyncDisposable {
  /** Resolves with the head of the answer. Rejects with a Fault `unreachable` (`NoStream` too), `upstream-closed` or `upstream-late`. */
  readonly call: (request: Http2Request) => Promise<Http2Response>;
}

/** Streams on one connection, before another is opened; the resource may want fewer. */
const mostStreams = 100;
const mostConnections = 16;
const mostHeaderBytes = 65_536;

interface Kept {
  readonly session: ClientHttp2Session;
  streams: number;
}

interface Waiting {
  readonly whose: string | undefined;
  readonly goOn: () => void;
}

export function http2Client(parts: HttpClientParts): Http2Client {
  const streams = new Streams(parts);
  return {
    call: async (request) => {
      const one = await streams.take(request);
      return ask(parts, one, request, () => streams.left(one, request.whose));
    },
    [Symbol.asyncDispose]: () => {
      streams[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}

/**
 * The streams to one resource, over as few connections as there can be. Who finds none free waits in line.
 * SECURITY: nobody gets all of them, however long theirs last: who has half of them waits, and others go first.
 */
class Streams {
  readonly #parts: HttpClientParts;
  readonly #kept: Set<Kept> = new Set();
  readonly #waiting: Set<Waiting> = new Set();
  /** How many each of its users has. */
  readonly #held: Map<string, number> = new Map();
  #opening: Promise<Kept> | undefined;

  constructor(parts: HttpClientParts) {
    this.#parts = parts;
  }

  /** A connection with one stream of it, to be given back with `left`. Rejects as connecting does, and with `NoStream`. */
  async take({ whose, signal }: Http2Request): Promise<Kept> {
    const late = this.#parts.world.now() + this.#parts.patience.connectMs;
    for (;;) {
      if (signal.aborted) throw gaveUp(signal);
      const found = this.#mayHave(whose) ? this.#free() : undefined;
      if (found !== undefined) {
        found.streams++;
        this.#count(whose, 1);
        return found;
      }
      if (this.#mayHave(whose) && this.#kept.size < mostConnections) await this.#opened();
      else await this.#wait(whose, signal, late - this.#parts.world.now());
    }
  }

  /** One stream is over. */
  left(one: Kept, whose: string | undefined): void {
    one.streams--;
    this.#count(whose, -1);
    this.#goOn();
  }

  #free(): Kept | undefined {
    for (const one of this.#kept) {
      const { session, streams } = one;
      if (!session.closed && !session.destroyed && streams < mostOf(one)) return one;
    }
    return undefined;
  }

  /** What the resource allows on one connection, it is taken to allow on all that there may be. */
  #mayHave(whose: string | undefined): boolean {
    if (whose === undefined) return true;
    const [known] = this.#kept;
    const all = mostConnections * (known === undefined ? mostStreams : mostOf(known));
    return (this.#held.get(whose) ?? 0) < Math.ceil(all / 2);
  }

  #count(whose: string | undefined, by: 1 | -1): void {
    if (whose === undefined) return;
    const now = (this.#held.get(whose) ?? 0) + by;
    if (now > 0) this.#held.set(whose, now);
    else this.#held.delete(whose);
  }

  async #opened(): Promise<void> {
    this.#opening ??= open(this.#parts, this.#kept, () => this.#goOn()).finally(() => {
      this.#opening = undefined;
    });
    await this.#opening;
  }

  // oxlint-disable-next-line max-params
  async #wait(whose: string | undefined, signal: AbortSignal, ms: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { whose, goOn: resolve };
    const stop = (): void => reject(gaveUp(signal));
    const own = !this.#mayHave(whose);
    using _ = this.#parts.world.after(Math.max(0, ms), () => reject(new NoStream(own)));
    this.#waiting.add(waiting);
    signal.addEventListener('abort', stop, { once: true });
    try {
      await promise;
    } finally {
      this.#waiting.delete(waiting);
      signal.removeEventListener('abort', stop);
    }
  }

  /** Who waits longest of those that have not got their share looks again. */
  #goOn(): void {
    for (const waiting of this.#waiting) {
      if (!this.#mayHave(waiting.whose)) continue;
      this.#waiting.delete(waiting);
      waiting.goOn();
      return;
    }
  }

  [Symbol.dispose](): void {
    for (const { session } of this.#kept) session.destroy();
  }
}

function mostOf({ session }: Kept): number {
  return Math.min(mostStreams, session.remoteSettings.maxConcurrentStreams ?? mostStreams);
}

/** Whoever asked has all the streams that one may have (`own`), or nobody gets any more. */
export class NoStream extends Fault {
  readonly own: boolean;

  constructor(own: boolean) {
    super(
      'unreachable',
      own
        ? 'Too many requests of one identity to the resource are under way'
        : 'Too many requests to the resource are under way',
    );
    this.own = own;
  }
}

async function open(parts: HttpClientParts, kept: Set<Kept>, gone: () => void): Promise<Kept> {
  const secure = parts.tls === undefined ? {} : { tls: { ...parts.tls, alpn: ['h2'] } };
  const wire = await connectTo({ ...parts, ...secure });
  if (parts.tls !== undefined && wire.tls?.alpn !== 'h2') {
    wire.destroy();
    throw new Fault('unreachable', 'The resource does not speak HTTP/2');
  }
  const scheme = parts.tls === undefined ? 'http' : 'https';
  const session = connect(`${scheme}://${parts.authority ?? parts.address}`, {
    createConnection: () => new WireDuplex(wire),
    settings: { enablePush: false, maxHeaderListSize: mostHeaderBytes },
    maxHeaderListPairs: 200,
  });
  const one: Kept = { session, streams: 0 };
  kept.add(one);
  session.on('error', () => undefined); // each stream tells it
  const leave = (): void => {
    if (kept.delete(one)) gone();
  };
  session.on('goaway', leave);
  session.once('close', leave);
  // What it allows must be known before many streams are opened.
  const { promise, resolve, reject } = Promise.withResolvers<Kept>();
  session.once('remoteSettings', () => resolve(one));
  session.once('close', () => reject(new Fault('unreachable', 'The resource does not speak HTTP/2')));
  using _ = parts.world.after(parts.patience.connectMs, () => {
    reject(new Fault('upstream-late', 'The resource did not begin to speak HTTP/2 in time'));
    session.destroy();
  });
  return await promise;
}

/** Fields that HTTP/2 forbids, or makes by itself (RFC 9113, 8.2.2). */
const notHere: ReadonlySet<string> = new Set(['connection', 'host', 'transfer-encoding', 'content-length']);

// oxlint-disable-next-line max-params
async function ask(
  parts: HttpClientParts,
  one: Kept,
  request: Http2Request,
  over: () => void,
): Promise<Http2Response> {
  const { method, path, fields, body, signal, headMs } = request;
  const headers: Record<string, string | string[]> = {
    ':method': method,
    ':path': path,
    ':scheme': parts.tls === undefined ? 'http' : 'https',
    ':authority': parts.authority ?? parts.address,
  };
  for (const [name, value] of fields) {
    if (notHere.has(name) || name.startsWith(':')) continue;
    const before = headers[name];
    headers[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  const { promise, resolve, reject } = Promise.withResolvers<Http2Response>();
  const stream = streamOf(one.session, headers, over);
  const stop = (): void => stream.close(constants.NGHTTP2_CANCEL);
  signal.addEventListener('abort', stop, { once: true });
  const late = parts.world.after(headMs, () => {
    reject(new Fault('upstream-late', `The resource did not answer within ${headMs / 1_000} s`));
    stop();
  });
  let trailers: Fields = [];
  stream.once('response', (head, flags, raw) => {
    late[Symbol.dispose]();
    resolve({
      status: head[':status'] ?? 502,
      fields: fieldsOf(raw),
      ended: (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0,
      body: held(stream, signal),
      trailers: () => trailers,
    });
  });
  stream.on('trailers', (_tail, _flags, raw?: readonly string[]) => {
    trailers = fieldsOf(raw ?? []);
  });
  let broken: unknown;
  stream.on('error', (error) => (broken = error));
  stream.once('close', () => {
    over();
    late[Symbol.dispose]();
    signal.removeEventListener('abort', stop);
    reject(signal.aborted ? gaveUp(signal) : brokenOff(stream, broken));
  });
  void send(stream, body);
  return await promise;
}

/** A connection may have gone since it was looked at. @throws {Fault} `upstream-closed` */
function streamOf(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  over: () => void,
): ClientHttp2Stream {
  try {
    return session.request(headers, { endStream: false });
  } catch (error) {
    over();
    throw new Fault('upstream-closed', 'The connection to the resource has just ended', { cause: error });
  }
}

async function send(stream: ClientHttp2Stream, body: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const piece of body) {
      if (stream.destroyed || stream.closed) return;
      if (!stream.write(piece)) await drained(stream);
    }
    stream.end();
  } catch {
    stream.close(constants.NGHTTP2_CANCEL); // a client that broke off is not one that has said all
  }
}

function drained(stream: ClientHttp2Stream): Promise<void> {
  if (stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}

/**
 * What comes over the stream, to be read later: whoever waits before reading would find nothing, since Node lets go what nobody
 * has asked for when a stream closes.
 */
function held(stream: ClientHttp2Stream, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const through = new PassThrough();
  through.on('error', () => undefined); // told where it is read
  pipeline(stream, through, () => undefined);
  return pieces(stream, through, signal);
}

async function* pieces(
  stream: ClientHttp2Stream,
  through: PassThrough,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  try {
    yield* through as AsyncIterable<Uint8Array>;
    if (stream.rstCode !== undefined && stream.rstCode !== constants.NGHTTP2_NO_ERROR)
      throw brokenOff(stream, undefined);
  } catch (thrown) {
    throw signal.aborted ? gaveUp(signal) : brokenOff(stream, thrown);
  } finally {
    if (!stream.destroyed && !through.readableEnded) stream.close(constants.NGHTTP2_CANCEL);
  }
}

/** How a stream ended that did not end by itself, with its code (RFC 9113, 7). */
export class StreamReset extends Fault {
  readonly reset: number;

  constructor(reset: number, cause: unknown) {
    super('upstream-closed', `The resource broke the stream off (code ${reset})`, { cause });
    this.reset = reset;
  }
}

function brokenOff(stream: ClientHttp2Stream, cause: unknown): Fault {
  if (cause instanceof Fault) return cause;
  return new StreamReset(stream.rstCode ?? constants.NGHTTP2_INTERNAL_ERROR, cause);
}

function gaveUp({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new Fault('upstream-closed', messageOf(reason));
}
