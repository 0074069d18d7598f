import { Agent, type AgentOptions, type IncomingMessage, request as nodeRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import { Fault, messageOf, WireError } from '../../base/errors.ts';
import type { SecureAs, Wire } from '../../base/stream.ts';
import type { World } from '../../base/time.ts';
import { type Fields, first } from '../../http/headers.ts';
import type { Patience } from '../../http/patience.ts';
import { type MessageSocket, openSocket, type SocketRequest } from './socket.ts';
import { arrivedOf } from './body.ts';
import { WireDuplex } from './wire-duplex.ts';

export interface HttpClientParts {
  /** `host:port`. */
  readonly address: string;
  /** What the resource is called in Host; `address` where it is not said. */
  readonly authority?: string;
  readonly tls?: Extract<SecureAs, { kind: 'client' }>;
  readonly dial: (address: string, signal: AbortSignal) => Promise<Wire>;
  readonly patience: Patience;
  readonly world: World;
  /** Connections kept at most. */
  readonly connections?: number;
}

export interface HttpRequest {
  readonly method: string;
  readonly path: string; // with the query
  readonly fields: Fields; // without host and length
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly fields: Fields;
  /** Read once; breaking off drops the connection. Throws a Fault `upstream-closed` or `upstream-late`. */
  readonly body: Arriving;
}

export interface Arriving extends AsyncIterable<Uint8Array> {
  /** All of it where it is here already, and then it has been read; undefined where it must be read as it comes. */
  readonly arrived?: () => Uint8Array | undefined;
}

/** Calls one resource over kept connections. Redirects are answers like others; nothing is tried twice. */
export interface HttpClient extends AsyncDisposable {
  /** Rejects with a Fault `unreachable`, `upstream-closed` or `upstream-late`. */
  readonly call: (request: HttpRequest) => Promise<HttpResponse>;
  /** Opens a WebSocket on a connection of its own. Rejects like `call`. */
  readonly socket: (wanted: SocketRequest) => Promise<MessageSocket>;
}

export function httpClient(parts: HttpClientParts): HttpClient {
  const agent = new WireAgent(parts, {
    keepAlive: true,
    maxSockets: parts.connections ?? 256,
    scheduling: 'lifo',
  });
  return {
    call: (request) => call(parts, agent, request),
    socket: async (wanted) => {
      const { address, authority = address, patience } = parts;
      const stream = new WireDuplex(await connectTo(parts));
      return openSocket(stream, { ...wanted, authority, withinMs: patience.firstByteMs });
    },
    [Symbol.asyncDispose]: () => {
      agent.destroy();
      return Promise.resolve();
    },
  };
}

class WireAgent extends Agent {
  readonly #parts: HttpClientParts;

  constructor(parts: HttpClientParts, options: AgentOptions) {
    super(options);
    this.#parts = parts;
  }

  override createConnection(
    _options: object,
    done?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    connectTo(this.#parts).then(
      (wire) => {
        const stream = new WireDuplex(wire, { allowHalfOpen: false, unasked: 'ends' });
        // Requests hear of errors themselves; one that is given up as its answer ends has let go of its connection already.
        stream.on('error', () => undefined);
        done?.(null, stream);
      },
      (thrown: unknown) => {
        const error = thrown instanceof Error ? thrown : new Error('Not connected');
        (done as ((error: Error) => void) | undefined)?.(error);
      },
    );
    return undefined;
  }
}

/** Connected and, where it is so configured, secured, within one deadline. */
export async function connectTo({ address, tls, dial, patience, world }: HttpClientParts): Promise<Wire> {
  const late = new AbortController();
  const over = Promise.withResolvers<never>();
  over.promise.catch(() => undefined);
  using _ = world.after(patience.connectMs, () => {
    const why = lateBy('could not be connected to', patience.connectMs);
    over.reject(why);
    late.abort(why);
  });
  const opening = dial(address, late.signal).then((wire) => {
    if (late.signal.aborted) wire.destroy();
    if (tls === undefined) return wire;
    if (wire.secure === undefined) throw new Fault('bug', 'TLS inside TLS');
    return wire.secure({ ...tls, signal: late.signal });
  });
  opening.catch(() => undefined); // where nobody waits for it any more
  return await Promise.race([opening, over.promise]);
}

function lateBy(what: string, ms: number): Fault {
  return new Fault('upstream-late', `The resource ${what} within ${ms / 1_000} s`);
}

function call(parts: HttpClientParts, agent: Agent, asked: HttpRequest): Promise<HttpResponse> {
  const { method, path, fields, body, signal } = asked;
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
  const headers: string[] = ['host', parts.authority ?? parts.address];
  for (const [name, value] of fields) headers.push(name, value);
  if (body instanceof Uint8Array) headers.push('content-length', String(body.length));
  else if (body !== undefined) headers.push('transfer-encoding', 'chunked');
  const request = nodeRequest({ agent, method, path, headers, signal, setHost: false });
  const { patience, world } = parts;
  const awaited = new Deadline(world, () => request.destroy(lateBy('did not answer', patience.firstByteMs)));
  awaited.start(patience.firstByteMs);
  let answered = false;
  request.once('close', () => awaited.stop());
  request.once('response', (response) => {
    const { statusCode = 0 } = response;
    if (statusCode < 200 || statusCode > 599) return void request.destroy(noSuchStatus());
    answered = true;
    if (mayTrail(method, response)) request.shouldKeepAlive = false;
    awaited.stop();
    resolve(answerOf(response, parts, signal));
  });
  // An upgrade nobody asked for, and a tunnel: neither is an answer that could be looked into.
  request.once('upgrade', (_response, stream) => {
    stream.destroy();
    reject(new Fault('upstream-closed', 'The resource changed the protocol unasked'));
  });
  request.on('error', () => undefined); // the first tells it
  request.once('error', (error: NodeJS.ErrnoException) => {
    if (error instanceof Fault) return reject(error);
    const ended: unknown = signal.aborted ? signal.reason : undefined;
    // Its session has ended, and the client is told why; or the client has left.
    if (ended instanceof Fault || ended instanceof WireError) return reject(ended);
    if (!answered && mayAskAgain(request, asked, error))
      return void call(parts, agent, asked).then(resolve, reject);
    const why = signal.aborted ? 'the request was given up' : (error.code ?? 'no code');
    reject(new Fault('upstream-closed', `The resource did not answer: ${why}`, { cause: error }));
  });
  if (body === undefined || body instanceof Uint8Array) request.end(body);
  else
    void send(request, body, (waiting) =>
      waiting ? awaited.stop() : !answered && awaited.start(patience.firstByteMs),
    );
  return promise;
}

function noSuchStatus(): Fault {
  return new Fault('upstream-closed', 'The resource answered with a status that there is not');
}

/**
 * Whether a body may follow where none belongs (RFC 9110, 6.4.1), as servers have it that forget what they were asked: nobody can
 * say when it is over, so nobody is answered behind it.
 */
function mayTrail(method: string, { statusCode, headers }: IncomingMessage): boolean {
  if (method === 'HEAD') return true;
  if (statusCode !== 204 && statusCode !== 304) return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/**
 * A kept connection that the resource was just closing: nothing of an answer came, and a request that only reads has no
 * second effect (RFC 9110, 9.2.2).
 */
function mayAskAgain(
  request: ReturnType<typeof nodeRequest>,
  { method, body, signal }: HttpRequest,
  { code }: NodeJS.ErrnoException,
): boolean {
  const reads = (method === 'GET' || method === 'HEAD') && body === undefined;
  return reads && request.reusedSocket && !signal.aborted && closing.has(code ?? '');
}

/** Of Node's sockets, and of a wire. */
const closing: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'closed']);

/** A client that is slow to send is no fault of the resource: while `slow` nothing counts against it. */
async function send(
  request: ReturnType<typeof nodeRequest>,
  body: AsyncIterable<Uint8Array>,
  slow: (waiting: boolean) => void,
): Promise<void> {
  try {
    slow(true);
    for await (const chunk of body) {
      slow(false);
      if (request.destroyed) return;
      if (!request.write(chunk)) await drained(request);
      slow(true);
    }
    slow(false);
    request.end();
  } catch (thrown) {
    request.destroy(thrown instanceof Error ? thrown : new Error(messageOf(thrown)));
  }
}

function drained(request: ReturnType<typeof nodeRequest>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      request.off('drain', done).off('close', done);
      resolve();
    };
    request.on('drain', done).on('close', done);
  });
}

function answerOf(
  response: IncomingMessage,
  { patience, world }: HttpClientParts,
  signal: AbortSignal,
): HttpResponse {
  // Whoever reads it is told; where it was read whole already nobody does, and unheard an error would end the process.
  response.on('error', () => undefined);
  const fields = fieldsOf(response.rawHeaders);
  const events = /^text\/event-stream\b/i.test(first(fields, 'content-type') ?? '');
  const idleMs = events ? patience.streamIdleMs : patience.idleMs;
  const quiet = new Deadline(world, () => response.destroy(lateBy('did not go on', idleMs)));
  const chunks = inTime(response, { quiet, idleMs, signal });
  const body: Arriving = {
    [Symbol.asyncIterator]: () => chunks[Symbol.asyncIterator](),
    arrived: () => arrivedOf(response),
  };
  return { status: response.statusCode ?? 502, fields, body };
}

interface Reading {
  readonly quiet: Deadline;
  readonly idleMs: number;
  readonly signal: AbortSignal;
}

async function* inTime(
  response: IncomingMessage,
  { quiet, idleMs, signal }: Reading,
): AsyncIterable<Uint8Array> {
  try {
    quiet.start(idleMs);
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      quiet.stop();
      yield chunk;
      quiet.start(idleMs);
    }
  } catch (error) {
    if (error instanceof Fault) throw error;
    const ended: unknown = signal.aborted ? signal.reason : undefined;
    if (ended instanceof Fault || ended instanceof WireError) throw ended;
    throw new Fault('upstream-closed', 'The answer of the resource broke off', { cause: error });
  } finally {
    quiet.stop();
  }
}

/** Calls once when nobody stopped it in time. */
class Deadline {
  readonly #world: World;
  readonly #call: () => void;
  #timer: Disposable | undefined;

  constructor(world: World, call: () => void) {
    this.#world = world;
    this.#call = call;
  }

  start(ms: number): void {
    this.stop();
    this.#timer = this.#world.after(ms, this.#call);
  }

  stop(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }
}

/** Node's flat list of names and values, as pairs with lower-case names. */
export function fieldsOf(raw: readonly string[]): Fields {
  const fields: (readonly [string, string])[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase();
    if (!name.startsWith(':')) fields.push([name, raw[at + 1] ?? '']);
  }
  return fields;
}
