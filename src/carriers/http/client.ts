import { Agent, type AgentOptions, type IncomingMessage, request as nodeRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import { Fault, messageOf } from '../../base/errors.ts';
import type { SecureAs, Wire } from '../../base/stream.ts';
import type { Fields } from '../../http/headers.ts';
import { type MessageSocket, openSocket, type SocketRequest } from './socket.ts';
import { WireDuplex } from './wire-duplex.ts';

export interface HttpClientParts {
  /** `host:port`. */
  readonly address: string;
  /** What the resource is called in Host; `address` where it is not said. */
  readonly authority?: string;
  readonly tls?: Extract<SecureAs, { kind: 'client' }>;
  readonly dial: (address: string, signal: AbortSignal) => Promise<Wire>;
  readonly connectMs: number;
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
  /** Read once; breaking off drops the connection. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Calls one resource over kept connections. Redirects are answers like others; nothing is tried twice. */
export interface HttpClient extends AsyncDisposable {
  /** Rejects with a Fault `unreachable` or `upstream-closed`. */
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
      const { address, authority = address, connectMs } = parts;
      const stream = new WireDuplex(await connectTo(parts));
      return openSocket(stream, { ...wanted, authority, withinMs: connectMs });
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
      (wire) => done?.(null, new WireDuplex(wire, { allowHalfOpen: false })),
      (thrown: unknown) => {
        const error = thrown instanceof Error ? thrown : new Error('Not connected');
        (done as ((error: Error) => void) | undefined)?.(error);
      },
    );
    return undefined;
  }
}

async function connectTo({ address, tls, dial, connectMs }: HttpClientParts): Promise<Wire> {
  const wire = await dial(address, AbortSignal.timeout(connectMs));
  if (tls === undefined) return wire;
  if (wire.secure === undefined) throw new Fault('bug', 'TLS inside TLS');
  return wire.secure(tls);
}

function call(parts: HttpClientParts, agent: Agent, asked: HttpRequest): Promise<HttpResponse> {
  const { method, path, fields, body, signal } = asked;
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
  const headers: string[] = ['host', parts.authority ?? parts.address];
  for (const [name, value] of fields) headers.push(name, value);
  if (body instanceof Uint8Array) headers.push('content-length', String(body.length));
  else if (body !== undefined) headers.push('transfer-encoding', 'chunked');
  const request = nodeRequest({ agent, method, path, headers, signal, setHost: false });
  let answered = false;
  request.once('response', (response) => {
    answered = true;
    resolve(answerOf(response));
  });
  // An upgrade nobody asked for, and a tunnel: neither is an answer that could be looked into.
  request.once('upgrade', (_response, stream) => {
    stream.destroy();
    reject(new Fault('upstream-closed', 'The resource changed the protocol unasked'));
  });
  request.once('error', (error: NodeJS.ErrnoException) => {
    if (error instanceof Fault) return reject(error);
    const ended: unknown = signal.aborted ? signal.reason : undefined;
    if (ended instanceof Fault) return reject(ended); // its session has ended: the client is told why
    if (!answered && mayAskAgain(request, asked, error))
      return void call(parts, agent, asked).then(resolve, reject);
    const why = signal.aborted ? 'the request was given up' : (error.code ?? 'no code');
    reject(new Fault('upstream-closed', `The resource did not answer: ${why}`, { cause: error }));
  });
  if (body === undefined || body instanceof Uint8Array) request.end(body);
  else void send(request, body);
  return promise;
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

async function send(request: ReturnType<typeof nodeRequest>, body: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const chunk of body) {
      if (request.destroyed) return;
      if (!request.write(chunk)) await drained(request);
    }
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

function answerOf(response: IncomingMessage): HttpResponse {
  return {
    status: response.statusCode ?? 502,
    fields: fieldsOf(response.rawHeaders),
    body: faulty(response),
  };
}

async function* faulty(response: IncomingMessage): AsyncIterable<Uint8Array> {
  try {
    yield* response as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new Fault('upstream-closed', 'The answer of the resource broke off', { cause: error });
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
