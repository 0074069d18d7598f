import { createServer as createHttp, type IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttp2, type Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import { Fault, WireError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import type { Wire } from '../../base/stream.ts';
import type { World } from '../../base/time.ts';
import type { Denial } from '../../core/decision.ts';
import { denial } from '../../core/denial.ts';
import type { House, Seat, Stay } from '../../core/protocol.ts';
import { all, cookiesOf, type Fields, first, ownCookie, refusedHeaders } from '../../http/headers.ts';
import { readTarget, type Target } from '../../http/target.ts';
import { fieldsOf } from './client.ts';
import { acceptSocket, type MessageSocket, socketProblem } from './socket.ts';
import { WireDuplex } from './wire-duplex.ts';

/** One request of a signed-in client, and the way to answer it. */
export interface Exchange {
  readonly method: string;
  /** As the client named it: Host, or :authority. */
  readonly host: string;
  /** Inside the resource: without the segment that names it. */
  readonly target: Target;
  readonly fields: Fields;
  readonly stay: Stay;
  readonly body: Body;
  readonly reply: Reply;
  /** Aborts when the client has left or its session must end. */
  readonly signal: AbortSignal;
  /** What stands before the target in the client's URL: `/web`, or nothing where a host names the resource. */
  readonly prefix: string;
  /** The token of this gateway that the client showed. SECURITY: never for an upstream. */
  readonly token: Secret;
  /** The session of the same client with another resource, in the same run or the one that is named: what is asked for there is judged there. */
  readonly join: (resource: string, kind: string, run?: string) => ReturnType<Seat['join']>;
}

/** A client that wants to go on with WebSocket (RFC 6455, 4.2). Until it is accepted it is answered like others. */
export interface SocketWish {
  /** Says 101; the connection carries nothing but messages from here on. */
  readonly accept: (protocol: string) => Promise<MessageSocket>;
  /** Aborts when the gateway wants connections to end by themselves. */
  readonly draining: AbortSignal;
}

export interface Body {
  /** As declared; undefined where it is chunked; 0 where there is none. */
  readonly length: number | undefined;
  /** All of it; undefined when it is longer than `most` bytes. Rejects with a WireError when the client broke off. */
  readonly whole: (most: number) => Promise<Uint8Array | undefined>;
  readonly stream: () => AsyncIterable<Uint8Array>;
}

export interface Reply {
  readonly started: boolean;
  readonly start: (status: number, fields: Fields) => void;
  /** Gives a promise where the client must catch up first. */
  readonly write: (bytes: Uint8Array) => Promise<void> | undefined;
  readonly end: () => void;
  /** Breaks off, so that the client sees that the answer is not whole. */
  readonly destroy: () => void;
}

export interface DoorParts {
  readonly house: House;
  readonly kind: string;
  /** The hosts that name a resource by themselves. */
  readonly hostsOf: (resource: string) => readonly string[];
  readonly serve: (exchange: Exchange) => Promise<void>;
  /** Serves a WebSocket until it is closed; absent: none is served. */
  readonly socket?: (exchange: Exchange, wish: SocketWish) => Promise<void>;
  /** Says a refusal in the words of the protocol. */
  readonly refuse: (
    reply: Reply,
    status: number,
    why: Denial,
    about: { readonly fields: Fields; readonly path: string },
  ) => void;
  /** Further parameters of the Bearer challenge (RFC 6750, 3), for this resource. */
  readonly challenge?: (resource: string, host: string, secure: boolean) => string;
  /** Answers what needs no sign-in (metadata documents); false where the path is none of these. */
  readonly open?: (
    path: string,
    about: { readonly host: string; readonly method: string; readonly secure: boolean },
    reply: Reply,
  ) => boolean;
}

const headerBytes = 65_536;
/** A connection on which no request is under way is closed after this long. */
const quietMs = 75_000;
/** Requests that one connection may have sent ahead of their answers. */
const mostWaiting = 200;
/** A body whose next bytes do not come for so long is given up. */
const stallMs = 60_000;
/** Of a body that nobody wants, so many bytes are read before the connection is closed instead. */
const mostUnread = 1_048_576;

interface Addressed {
  readonly method: string;
  readonly host: string;
  readonly secure: boolean;
}

interface Answering {
  readonly reply: Reply;
  readonly about: About;
  /** What came behind a request that wants another protocol. */
  readonly head: Uint8Array | undefined;
}

interface About {
  readonly fields: Fields;
  path: string;
}

/** Carries HTTP/1.1 and HTTP/2 clients: parses, signs in every request, finds its resource, and hands it on. */
export function httpDoor(parts: DoorParts): (seat: Seat) => Promise<void> {
  const visits = new WeakMap<object, Visit>();
  const plain = createHttp(
    {
      insecureHTTPParser: false,
      maxHeaderSize: headerBytes,
      requireHostHeader: true,
      keepAliveTimeout: 0,
    },
    (request, response) => visits.get(request.socket)?.inTurn(request, response),
  );
  listenForTroubles(plain, (stream, why) => visits.get(stream)?.broken(why));
  plain.on('upgrade', (request, tunnel, head) => visits.get(tunnel)?.upgrade(request, head));
  return async (seat) => {
    const opened = await open(parts, seat);
    if (opened === undefined) return;
    const { wire, ahead } = opened;
    const stream = new WireDuplex(wire, { ahead });
    const visit = new Visit(parts, seat, wire, stream);
    if (wire.tls?.alpn === 'h2' || startsHttp2(ahead)) serveHttp2(visit, stream);
    else {
      visits.set(stream, visit);
      plain.emit('connection', stream);
    }
    stream.on('error', () => undefined); // told by `closed`
    await visit.over();
  };
}

function listenForTroubles(
  server: ReturnType<typeof createHttp>,
  tell: (stream: object, why: WireError) => void,
): void {
  server.on('clientError', (error: NodeJS.ErrnoException, broken) => {
    const what = /^[A-Z_]{1,60}$/.exec(error.code ?? '')?.[0] ?? 'no code';
    tell(broken, new WireError('bad-message', `The request could not be read (${what})`));
    if (broken.writable) broken.end(`HTTP/1.1 400 Bad Request\r\n${closing}`, () => broken.destroy());
    else broken.destroy();
  });
  server.on('connect', (_request, tunnel) => tunnel.destroy());
}

const closing = 'Connection: close\r\nContent-Length: 0\r\n\r\n';

function serveHttp2(visit: Visit, stream: WireDuplex): void {
  const server = createHttp2(
    { settings: { maxConcurrentStreams: 100 } },
    (request, response) => void visit.attend(request, response),
  );
  server.on('sessionError', () => {
    visit.broken(new WireError('bad-message', 'The HTTP/2 connection could not be read'));
    stream.destroy();
  });
  // Tells the client to ask elsewhere; what is under way goes on (RFC 9113, 6.8).
  server.on('session', (session) => {
    visit.onDrain(() => session.close());
    visit.parsed = new Promise((resolve) => {
      session.once('close', () => resolve(visit.closedByParser()));
    });
  });
  server.emit('connection', stream);
}

function startsHttp2(ahead: Uint8Array | undefined): boolean {
  return ahead !== undefined && Buffer.from(ahead.subarray(0, 14)).toString('latin1') === 'PRI * HTTP/2.0';
}

/** The first bytes say whether it is TLS. */
async function open(
  { house }: DoorParts,
  seat: Seat,
): Promise<{ readonly wire: Wire; readonly ahead?: Uint8Array } | undefined> {
  const stop = (): void => {
    const { reason } = seat.signal as { readonly reason: unknown };
    seat.client.destroy(reason instanceof Error ? reason : undefined);
  };
  seat.signal.addEventListener('abort', stop, { once: true });
  const bytes = await seat.client.read();
  seat.signal.removeEventListener('abort', stop);
  if (bytes === undefined) return undefined;
  const ahead = bytes.slice();
  if (ahead[0] !== 0x16) return { wire: seat.client, ahead };
  if (house.tls === undefined || seat.client.secure === undefined) {
    throw new WireError('unsupported', 'TLS is not offered here');
  }
  const wire = await seat.client.secure({
    kind: 'server',
    cert: house.tls.cert,
    key: house.tls.key.reveal('TLS towards clients'),
    alpn: ['h2', 'http/1.1'],
    ahead,
  });
  return { wire };
}

type Incoming = IncomingMessage | Http2ServerRequest;
type Outgoing = ServerResponse | Http2ServerResponse;

class Visit {
  readonly #parts: DoorParts;
  readonly #seat: Seat;
  readonly #wire: Wire;
  readonly #stream: WireDuplex;
  readonly #busy: Set<Promise<void>> = new Set();
  readonly #left: AbortController = new AbortController();
  #quiet: Disposable | undefined;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #half: Incoming | undefined;
  /** Resolves when the parser has said its last word. */
  parsed: Promise<void> = Promise.resolve();
  #gone = false;
  #seen = 0;
  #error: WireError | undefined;

  constructor(parts: DoorParts, seat: Seat, wire: Wire, stream: WireDuplex) {
    this.#parts = parts;
    this.#seat = seat;
    this.#wire = wire;
    this.#stream = stream;
    this.#wait();
    const stop = (): void => {
      if (this.#busy.size === 0) stream.destroy();
    };
    seat.draining.addEventListener('abort', stop, { once: true });
    seat.signal.addEventListener('abort', () => stream.destroy(), { once: true });
    if (seat.draining.aborted) stop();
  }

  #wait(): void {
    this.#quiet?.[Symbol.dispose]();
    this.#seen = this.#stream.received;
    this.#quiet = this.#parts.house.world.after(quietMs, () => {
      this.#gone = true;
      const half = this.#stream.received > this.#seen || this.#half?.complete === false;
      if (half) this.broken(new WireError('deadline', 'Half a request'));
      this.#stream.destroy();
    });
  }

  /** Some errors of HTTP/2 end the connection without an event of their own. */
  closedByParser(): void {
    const { draining, signal } = this.#seat;
    if (
      this.#gone ||
      this.#stream.peerLeft ||
      this.#stream.readableEnded ||
      draining.aborted ||
      signal.aborted
    )
      return;
    this.broken(new WireError('bad-message', 'The HTTP/2 connection could not be read'));
  }

  /** The peer broke the rules: the first reason stays. */
  broken(why: WireError): void {
    this.#error ??= why;
  }

  onDrain(call: () => void): void {
    if (this.#seat.draining.aborted) call();
    else this.#seat.draining.addEventListener('abort', call, { once: true });
  }

  /** Requests that HTTP/1.1 sends ahead are served one after the other: a later one may build on an earlier. */
  inTurn(request: Incoming, response: Outgoing): void {
    this.#waiting++;
    if (this.#waiting > mostWaiting) {
      this.broken(
        new WireError('too-large', `More than ${mostWaiting} requests without waiting for an answer`),
      );
      this.#stream.destroy();
      return;
    }
    this.#quiet?.[Symbol.dispose]();
    this.#last = this.#last.then(async () => {
      if (!this.#left.signal.aborted) await this.attend(request, response);
      this.#waiting--;
    });
  }

  /**
   * SECURITY: what stands behind such a request is of the other protocol, never a request: whatever is answered but 101, the
   * connection ends. While other requests are under way nobody can say whose answer would come first.
   */
  upgrade(request: IncomingMessage, head: Uint8Array): void {
    this.#quiet?.[Symbol.dispose]();
    if (this.#busy.size > 0 || this.#waiting > 0) {
      this.broken(new WireError('bad-message', 'A change of the protocol among other requests'));
      this.#stream.destroy();
      return;
    }
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(this.#stream as unknown as Socket); // it has all that Node's HTTP asks of a socket
    response.once('finish', () => this.#stream.destroySoon());
    void this.attend(request, response, head);
  }

  async over(): Promise<void> {
    await this.#wire.closed;
    this.#left.abort(new WireError('closed', 'The client left'));
    this.#quiet?.[Symbol.dispose]();
    await this.parsed;
    await this.#last;
    await Promise.all(this.#busy);
    if (this.#error !== undefined) throw this.#error;
  }

  attend(request: Incoming, response: Outgoing, head?: Uint8Array): Promise<void> {
    this.#quiet?.[Symbol.dispose]();
    const one = this.#attend(request, response, head).finally(() => {
      this.#busy.delete(one);
      if (this.#busy.size > 0 || this.#waiting > 1) return;
      if (this.#seat.draining.aborted) this.#stream.end();
      else this.#wait();
    });
    this.#busy.add(one);
    return one;
  }

  async #attend(request: Incoming, response: Outgoing, head: Uint8Array | undefined): Promise<void> {
    const reply = replyOver(response);
    const about: About = { fields: fieldsOf(request.rawHeaders), path: '' };
    response.on('error', () => undefined);
    request.on('error', () => undefined);
    response.once('finish', () => this.#unread(request));
    try {
      await this.#serve(request, response, { reply, about, head });
    } catch (thrown) {
      this.#failed(reply, thrown, about);
    } finally {
      if (response.writableFinished) this.#unread(request);
    }
  }

  /** What was not read of a body must not block the next request; what may be endless ends the connection instead. */
  #unread(request: Incoming): void {
    if (request.readableEnded || request.destroyed) return;
    this.#half = request;
    let bytes = 0;
    request.on('data', (chunk: Uint8Array) => {
      bytes += chunk.length;
      if (bytes <= mostUnread) return;
      if ('stream' in request) request.stream.close(8); // CANCEL (RFC 9113, 7)
      else this.#stream.destroy();
    });
    request.resume();
  }

  /** A fault of one request ends that request; what was begun is broken off, never ended as if it were whole. */
  #failed(reply: Reply, thrown: unknown, about: About): void {
    const { house } = this.#parts;
    if (thrown instanceof WireError && thrown.code === 'closed') return reply.destroy();
    if (thrown instanceof WireError && thrown.code === 'deadline') this.broken(thrown);
    const code = thrown instanceof Fault || thrown instanceof WireError ? thrown.code : 'bug';
    house.metrics.count('faults_total', { code });
    house.log('error', 'http.fault', {
      code,
      ...(thrown instanceof Fault ? { message: thrown.message } : {}),
    });
    if (reply.started) return reply.destroy();
    const known =
      thrown instanceof Fault || thrown instanceof WireError ? thrown.message : 'The gateway failed';
    this.#parts.refuse(reply, statusOfFault[code] ?? 500, denial('UNSUPPORTED', '', known), about);
  }

  async #serve(request: Incoming, response: Outgoing, { reply, about, head }: Answering): Promise<void> {
    const { house, kind, hostsOf } = this.#parts;
    const { fields } = about;
    const method = request.method ?? '';
    const hosts = hostsNamed(request, fields);
    const host = hosts[0] ?? '';
    const refuse = (status: number, why: string, ...fix: readonly string[]): void =>
      this.#parts.refuse(reply, status, denial('UNSUPPORTED', '', why, ...fix), about);
    if (hosts.length !== 1) return refuse(400, 'Exactly one host must be named');
    if (!methods.has(method)) return refuse(405, 'This method is not served');
    const target = readTarget(request.url ?? '');
    if (!target.ok) return refuse(400, target.error);
    about.path = target.value.path;
    const secure = this.#wire.tls !== undefined;
    if (this.#parts.open?.(target.value.path, { host, method, secure }, reply) === true) return;
    const bad = refusedHeaders(fields);
    if (bad !== undefined) return refuse(400, bad);
    if (this.#wire.tls === undefined && !this.#seat.plainAllowed) {
      return refuse(403, 'A token is taken over TLS only', 'Use https://');
    }
    const wish = head === undefined ? undefined : this.#wish(request, response, head);
    if (wish !== undefined) {
      const problem =
        this.#parts.socket === undefined ? 'nothing else is served' : socketProblem(method, fields);
      if (problem !== undefined) return refuse(400, `The protocol cannot be changed: ${problem}`);
    }
    const place = placeOf(house, hostsOf, host, target.value);
    if (place === undefined) {
      const fix =
        'The first segment of the path names the resource: GET /api/v1/resources of the API lists yours';
      return this.#parts.refuse(
        reply,
        404,
        denial('SIGN_IN', '', 'No resource of this gateway has this name', fix),
        about,
      );
    }
    const token = tokenOf(fields, { method, host, secure: this.#wire.tls !== undefined });
    if (token === 'several') return refuse(400, 'Several tokens were sent: send one');
    if (token === undefined) {
      this.#challenge(reply, place.resource, host, about);
      return;
    }
    const said = runOf(fields);
    const agent = first(fields, 'user-agent');
    const join = (resource: string, of: string, run: string | undefined = said): ReturnType<Seat['join']> =>
      this.#seat.join({
        token,
        resource,
        kind: of,
        ...(run === undefined ? {} : { run }),
        ...(agent === undefined ? {} : { client: agent }),
      });
    const joined = await join(place.resource, kind);
    if (!joined.ok) {
      const status = joined.error.class === 'LIMIT' ? 429 : joined.error.class === 'SIGN_IN' ? 401 : 503;
      return this.#parts.refuse(reply, status, joined.error, about);
    }
    using stay = joined.value;
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort(new WireError('closed', 'The client left'));
    });
    const exchange: Exchange = {
      method,
      host,
      target: place.target,
      fields,
      stay,
      body: bodyOf(request, fields, house.world),
      reply,
      prefix: place.prefix,
      token,
      join,
      signal: AbortSignal.any([stay.signal, gone.signal, this.#left.signal]),
    };
    await (wish === undefined ? this.#parts.serve(exchange) : this.#parts.socket?.(exchange, wish));
  }

  #wish(request: Incoming, response: Outgoing, head: Uint8Array): SocketWish | undefined {
    // Requests of HTTP/2 never come here (RFC 9113, 8.6).
    if ('stream' in request || !(response instanceof ServerResponse)) return undefined;
    return {
      accept: (protocol) => {
        response.detachSocket(this.#stream as unknown as Socket); // see `upgrade`
        const { world, limits } = this.#parts.house;
        return acceptSocket(request, this.#stream, { head, protocol, world, maxBytes: limits.messageBytes });
      },
      draining: this.#seat.draining,
    };
  }

  #challenge(reply: Reply, resource: string, host: string, about: About): void {
    const more = this.#parts.challenge?.(resource, host, this.#wire.tls !== undefined) ?? '';
    const challenged: Reply = {
      ...reply,
      start: (status, fields) =>
        reply.start(status, [
          ...fields,
          ['www-authenticate', `Bearer realm="sallyport"${more === '' ? '' : `, ${more}`}`],
        ]),
    };
    const fix = 'Send Authorization: Bearer and a token: `sallyport token SUBJECT` makes one';
    this.#parts.refuse(
      challenged,
      401,
      denial('SIGN_IN', '', 'This needs a token of this gateway', fix),
      about,
    );
  }
}

const statusOfFault: Readonly<Record<string, number>> = {
  unreachable: 502,
  'upstream-closed': 502,
  ledger: 503,
  stopping: 503,
  deadline: 408,
};

const methods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'QUERY',
]);

function placeOf(
  house: House,
  hostsOf: DoorParts['hostsOf'],
  host: string,
  target: Target,
): { readonly resource: string; readonly target: Target; readonly prefix: string } | undefined {
  const named = host.replace(/:\d+$/, '').toLowerCase();
  const byHost = house.resources.find(({ name }) => hostsOf(name).includes(named));
  if (byHost !== undefined) return { resource: byHost.name, target, prefix: '' };
  const [, segment = ''] = target.path.split('/', 2);
  if (!house.resources.some(({ name }) => name === segment)) return undefined;
  const path = target.path.slice(segment.length + 1);
  return { resource: segment, target: { ...target, path: path === '' ? '/' : path }, prefix: `/${segment}` };
}

/** All hosts that the request names, each once: HTTP/2 has `:authority` and may have Host too (RFC 9113, 8.3.1). */
function hostsNamed(request: Incoming, fields: Fields): readonly string[] {
  const named = all(fields, 'host');
  if (!('stream' in request)) return named;
  const authority = request.headers[':authority'];
  return [...new Set(authority === undefined ? named : [authority, ...named])];
}

/**
 * The gateway's token, from wherever clients of its kinds of resources put a key; `several` where two differ, since nobody can say
 * who asks. A cookie counts only where no other site can have sent it.
 */
function tokenOf(fields: Fields, to: Addressed): Secret | 'several' | undefined {
  const given = all(fields, 'authorization');
  const found = new Set([...all(fields, 'x-api-key'), ...all(fields, 'api-key')]);
  for (const each of given) {
    const token = authorized(each);
    if (token === undefined) return undefined;
    found.add(token);
  }
  if (found.size === 0 && sameSite(fields, to)) {
    for (const cookie of cookiesOf(fields, ownCookie)) if (cookie !== '') found.add(cookie);
  }
  if (found.size > 1) return 'several';
  const [token] = found;
  return token === undefined || token === '' ? undefined : new Secret(token);
}

/** A bearer token, or the password of Basic (RFC 6750, 2.1; RFC 7617, 2). */
function authorized(value: string): string | undefined {
  const bearer = /^bearer +([\w.~+/=-]+)$/i.exec(value)?.[1];
  if (bearer !== undefined) return bearer;
  const basic = /^basic +([\w+/=-]+)$/i.exec(value)?.[1];
  if (basic === undefined) return undefined;
  const pair = Buffer.from(basic, 'base64').toString('utf8');
  return pair.includes(':') ? pair.slice(pair.indexOf(':') + 1) : undefined;
}

/**
 * SECURITY: browsers add a cookie to what any site makes them send, whatever the method (a GET can be a GraphQL mutation, or
 * open a WebSocket). They say where it came from: Origin, and Sec-Fetch-Site on everything else.
 */
function sameSite(fields: Fields, { method, host, secure }: Addressed): boolean {
  const origin = first(fields, 'origin');
  const site = first(fields, 'sec-fetch-site');
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  if (origin === undefined) return site !== undefined || method === 'GET' || method === 'HEAD';
  return origin === `https://${host}` || (!secure && origin === `http://${host}`);
}

/** What the client says this belongs to: recorded, never trusted. */
function runOf(fields: Fields): string | undefined {
  const said = first(fields, 'sallyport-run') ?? first(fields, 'x-claude-code-session-id');
  if (said !== undefined) return said;
  return /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(
    first(fields, 'traceparent') ?? '',
  )?.[1];
}

function bodyOf(request: Incoming, fields: Fields, world: World): Body {
  const declared = first(fields, 'content-length');
  const ended =
    'stream' in request ? request.stream.endAfterHeaders : first(fields, 'transfer-encoding') === undefined;
  const length = declared !== undefined ? Number(declared) : ended ? 0 : undefined;
  return {
    length,
    stream: () => inTime(request, world),
    whole: async (most) => {
      if (length !== undefined && length > most) return undefined;
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of inTime(request, world)) {
        bytes += chunk.length;
        if (bytes > most) return undefined;
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    },
  };
}

/**
 * The chunks of a body whose sender may not stall for ever. Breaking off leaves the request open, so that it can still be
 * answered.
 */
async function* inTime(request: Incoming, world: World): AsyncIterable<Uint8Array> {
  const chunks = request.iterator({ destroyOnReturn: false });
  try {
    for (;;) {
      const late = Promise.withResolvers<never>();
      late.promise.catch(() => undefined);
      using _ = world.after(stallMs, () => late.reject(new WireError('deadline', 'The body does not go on')));
      const next = (await Promise.race([chunks.next(), late.promise])) as IteratorResult<
        Uint8Array,
        undefined
      >;
      if (next.done === true) return;
      yield next.value;
    }
  } catch (thrown) {
    if (thrown instanceof WireError) throw thrown;
    throw new WireError('closed', 'The client broke off');
  } finally {
    void chunks.return?.();
  }
}

/** Node's HTTP/2 answers have the methods of its HTTP/1 answers, under another type. */
function replyOver(answer: Outgoing): Reply {
  const response = answer as ServerResponse;
  return {
    get started() {
      return response.headersSent;
    },
    start: (status, fields) => {
      // A name can stand more than once (Set-Cookie): Node takes each once.
      const grouped = new Map<string, string[]>();
      for (const [name, value] of fields) grouped.set(name, [...(grouped.get(name) ?? []), value]);
      for (const [name, values] of grouped)
        response.setHeader(name, values.length === 1 ? values.join('') : values);
      response.writeHead(status);
    },
    write: (bytes) => {
      if (bytes.length === 0) return undefined;
      if (response.destroyed) throw new WireError('closed', 'The client left');
      if (response.write(bytes)) return undefined;
      return new Promise((resolve) => {
        const done = (): void => {
          response.off('drain', done).off('close', done);
          resolve();
        };
        response.on('drain', done).on('close', done);
      });
    },
    end: () => {
      response.end();
    },
    destroy: () => {
      if (answer instanceof Http2ServerResponse) answer.stream.close(2); // INTERNAL_ERROR (RFC 9113, 7)
      else response.destroy();
    },
  };
}
