import type { IncomingMessage } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import { Fault } from '../../base/errors.ts';
import type { World } from '../../base/time.ts';
import { Full, type Holding, type Level } from '../../core/held.ts';
import { all, type Fields } from '../../http/headers.ts';
import { costs } from './costs.ts';
import type { WireDuplex } from './wire-duplex.ts';

/** One whole message; fragments are put together, text is checked UTF-8 (RFC 6455, 5.6 and 8.1). */
export interface SocketMessage {
  readonly bytes: Uint8Array;
  readonly binary: boolean;
}

export interface SocketClosed {
  /** As the peer said it; 1005 without a word, 1006 without a goodbye (RFC 6455, 7.4.1). */
  readonly code: number;
  readonly reason: string;
}

/** One leg of a WebSocket. Pings are answered on each leg by itself: nothing of them crosses the gateway. */
export interface MessageSocket {
  readonly protocol: string;
  /** The next message; undefined once the peer has closed and all it sent before was given. Rejects with `Full`. */
  readonly next: () => Promise<SocketMessage | undefined>;
  /** Resolves when the peer can take more. Rejects when it is gone. */
  readonly send: (message: SocketMessage) => Promise<void>;
  /** Resolves when the leg is over, for whatever reason. */
  readonly closed: Promise<SocketClosed>;
  /** Says goodbye, and leaves without an answer after a moment. Idempotent. */
  readonly close: (code: number, reason?: string) => Promise<void>;
}

export interface SocketRequest {
  readonly path: string; // with the query
  readonly fields: Fields; // without host
  readonly protocols: readonly string[];
  readonly maxBytes: number;
  readonly world: World;
  /** Of the request that opens it: messages are counted as they come. */
  readonly held: Holding;
}

/** Unread messages are kept up to here; then the peer is not read. */
const mostKept = { bytes: 1_048_576, messages: 64 };
/** Every so often a quiet peer is asked whether it is there; who has not answered by the next time is not. */
const pulseMs = 30_000;
const goodbyeMs = 500;

/** Why a request to change the protocol is not one that opens a WebSocket (RFC 6455, 4.2.1); undefined where it is. */
export function socketProblem(method: string, fields: Fields): string | undefined {
  const wanted = all(fields, 'upgrade');
  if (wanted.length !== 1 || wanted[0]?.toLowerCase() !== 'websocket') return 'only `websocket` is served';
  if (method !== 'GET') return 'a WebSocket is opened with GET';
  if (fields.some(([name]) => name === 'content-length' || name === 'transfer-encoding'))
    return 'such a request has no body';
  const keys = all(fields, 'sec-websocket-key');
  if (keys.length !== 1 || !/^[+/0-9A-Za-z]{22}==$/.test(keys[0] ?? ''))
    return 'one Sec-WebSocket-Key is needed';
  const versions = all(fields, 'sec-websocket-version');
  if (versions.length !== 1 || versions[0] !== '13') return 'Sec-WebSocket-Version 13 is served';
  return protocolsOf(fields) === undefined ? 'Sec-WebSocket-Protocol cannot be read' : undefined;
}

/** The sub-protocols that the client offers; undefined where they are no list of different tokens. */
export function protocolsOf(fields: Fields): readonly string[] | undefined {
  const given = all(fields, 'sec-websocket-protocol');
  if (given.length === 0) return [];
  const protocols = given.flatMap((value) => value.split(',')).map((each) => each.trim());
  const plain = protocols.every((each) => /^[\w!#$%&'*+.^`|~-]{1,200}$/.test(each));
  return plain && new Set(protocols).size === protocols.length ? protocols : undefined;
}

/** Takes a client's connection over. */
export function acceptSocket(
  request: IncomingMessage,
  stream: WireDuplex,
  how: {
    readonly head: Uint8Array;
    readonly protocol: string;
    readonly world: World;
    readonly maxBytes: number;
    readonly held: Holding;
  },
): Promise<MessageSocket> {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false, // one form of a message is judged and sent
    maxPayload: how.maxBytes,
    handleProtocols: () => (how.protocol === '' ? false : how.protocol),
  });
  return new Promise((resolve) => {
    server.handleUpgrade(request, stream, Buffer.from(how.head), (socket) =>
      resolve(new Leg(socket, { ...how, stream })),
    );
  });
}

/** Opens a WebSocket over a connection to a resource. */
export function openSocket(
  stream: WireDuplex,
  wanted: SocketRequest & { readonly authority: string; readonly withinMs: number },
): Promise<MessageSocket> {
  const headers: Record<string, string[]> = { host: [wanted.authority] };
  for (const [name, value] of wanted.fields) (headers[name] ??= []).push(value);
  const { promise, resolve, reject } = Promise.withResolvers<MessageSocket>();
  const socket = new WebSocket('ws://resource/', [...wanted.protocols], {
    createConnection: () => stream,
    // What was judged is what is sent: as it is, not as a URL would be written anew.
    finishRequest: (request) => {
      request.path = wanted.path;
      request.end();
    },
    headers,
    perMessageDeflate: false,
    maxPayload: wanted.maxBytes,
  });
  socket.once('open', () => resolve(new Leg(socket, { ...wanted, stream })));
  socket.once('unexpected-response', (_request, response) => {
    stream.destroy();
    reject(
      new Fault('upstream-closed', `The resource did not open a WebSocket: HTTP ${response.statusCode ?? 0}`),
    );
  });
  socket.on('error', (error) => {
    stream.destroy();
    reject(new Fault('upstream-closed', 'The resource did not open a WebSocket', { cause: error }));
  });
  const late = wanted.world.after(wanted.withinMs, () => {
    stream.destroy();
    reject(new Fault('upstream-late', 'The resource did not open a WebSocket in time'));
  });
  return promise.finally(() => late[Symbol.dispose]());
}

class Leg implements MessageSocket {
  readonly #socket: WebSocket;
  readonly #world: World;
  readonly #kept: SocketMessage[] = [];
  readonly closed: Promise<SocketClosed>;
  readonly #sending: Set<() => void> = new Set();
  readonly #level: Level;
  /** Of a message that is not whole yet, and of the one that was given last. */
  #begun = 0;
  #given = 0;
  #bytes = 0;
  #over = false;
  #full: Full | undefined;
  #wake: (() => void) | undefined;
  #heard = true;
  #pulse: Disposable | undefined;

  constructor(
    socket: WebSocket,
    { world, held, stream }: { readonly world: World; readonly held: Holding; readonly stream: WireDuplex },
  ) {
    this.#socket = socket;
    this.#world = world;
    this.#level = held.level(costs.request.each);
    stream.arriving = (bytes) => this.#count(bytes);
    socket.on('message', (data, binary) => this.#take(data as Buffer, binary)); // as Node's sockets give it
    socket.on('pong', () => {
      this.#heard = true;
    });
    socket.on('error', () => undefined); // told by `close`
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        this.#over = true;
        this.#pulse?.[Symbol.dispose]();
        this.#level[Symbol.dispose]();
        this.#wake?.();
        for (const gone of this.#sending) gone();
        resolve({ code, reason: reason.toString('utf8') });
      });
    });
    this.#beat();
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  #beat(): void {
    this.#pulse = this.#world.after(pulseMs, () => {
      if (!this.#heard && !this.#socket.isPaused) return this.#socket.terminate();
      this.#heard = false;
      if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
      this.#beat();
    });
  }

  /** Who has no room for what comes is told so, and nothing more is read for anybody. */
  #count(bytes: number): Promise<void> | undefined {
    if (this.#over || this.#full !== undefined) return undefined;
    this.#begun += bytes;
    return this.#level.set(this.#begun + this.#bytes + this.#given)?.catch((thrown: unknown) => {
      this.#full = thrown instanceof Full ? thrown : new Full('heldBytes');
      this.#wake?.();
    });
  }

  #take(bytes: Buffer, binary: boolean): void {
    this.#heard = true;
    this.#begun = 0;
    this.#kept.push({ bytes, binary });
    this.#bytes += bytes.length;
    if (this.#bytes >= mostKept.bytes || this.#kept.length >= mostKept.messages) this.#socket.pause();
    this.#wake?.();
  }

  async next(): Promise<SocketMessage | undefined> {
    this.#given = 0;
    for (;;) {
      if (this.#full !== undefined) throw this.#full;
      const message = this.#kept.shift();
      if (message !== undefined) {
        this.#bytes -= message.bytes.length;
        this.#given = message.bytes.length;
        return message;
      }
      if (this.#over) return undefined;
      void this.#level.set(this.#begun);
      if (this.#socket.isPaused) this.#socket.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  send({ bytes, binary }: SocketMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      const gone = (): void => {
        this.#sending.delete(gone);
        reject(new Fault('upstream-closed', 'The WebSocket is closed'));
      };
      if (this.#over) return gone();
      this.#sending.add(gone);
      this.#socket.send(bytes, { binary }, (error) => {
        if (error instanceof Error) return gone();
        this.#sending.delete(gone);
        resolve();
      });
    });
  }

  async close(code: number, reason: string = ''): Promise<void> {
    if (this.#over) return;
    // What is not read any more must not keep the goodbye of the peer from being seen.
    this.#socket.removeAllListeners('message');
    if (code === 1005) this.#socket.close();
    else this.#socket.close(code, shortened(reason));
    if (this.#socket.isPaused) this.#socket.resume();
    using _ = this.#world.after(goodbyeMs, () => this.#socket.terminate());
    await this.closed;
  }
}

/** A reason has 123 bytes at most (RFC 6455, 5.5). */
function shortened(reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= 123) return reason;
  return (
    bytes
      .subarray(0, 120)
      .toString('utf8')
      .replace(/\uFFFD+$/, '') + '…'
  );
}
