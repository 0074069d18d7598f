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
  /** Resolves with the head of the answer. Rejects with a Fault `unreachable`, `upstream-closed` or `upstream-late`. */
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

export function http2Client(parts: HttpClientParts): Http2Client {
  const kept = new Set<Kept>();
  const opening = new Set<Promise<Kept>>();
  const free = ({ session, streams }: Kept): boolean =>
    !session.closed &&
    !session.destroyed &&
    streams < Math.min(mostStreams, session.remoteSettings.maxConcurrentStreams ?? mostStreams);
  const take = async (): Promise<Kept> => {
    for (;;) {
      const found = [...kept].find(free);
      if (found !== undefined) return found;
      if (kept.size + opening.size >= mostConnections)
        throw new Fault('unreachable', 'Too many requests to the resource are under way');
      const [first] = opening;
      const made = first ?? open(parts, kept);
      opening.add(made);
      await made.finally(() => opening.delete(made));
    }
  };
  return {
    call: async (request) => {
      const one = await take();
      return ask(parts, one, request);
    },
    [Symbol.asyncDispose]: () => {
      for (const { session } of kept) session.destroy();
      return Promise.resolve();
    },
  };
}

async function open(parts: HttpClientParts, kept: Set<Kept>): Promise<Kept> {
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
  session.on('goaway', () => kept.delete(one));
  session.once('close', () => kept.delete(one));
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

async function ask(parts: HttpClientParts, one: Kept, request: Http2Request): Promise<Http2Response> {
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
  if (signal.aborted) throw gaveUp(signal);
  const stream = streamOf(one.session, headers);
  one.streams++;
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
    one.streams--;
    late[Symbol.dispose]();
    signal.removeEventListener('abort', stop);
    reject(signal.aborted ? gaveUp(signal) : brokenOff(stream, broken));
  });
  void send(stream, body);
  return await promise;
}

/** A connection may have gone since it was looked at. @throws {Fault} `upstream-closed` */
function streamOf(session: ClientHttp2Session, headers: OutgoingHttpHeaders): ClientHttp2Stream {
  try {
    return session.request(headers, { endStream: false });
  } catch (error) {
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
