import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2, type Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { Fault, WireError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import type { Wire } from '../../base/stream.ts';
import type { Denial } from '../../core/decision.ts';
import { denial } from '../../core/denial.ts';
import type { House, Seat, Stay } from '../../core/protocol.ts';
import { all, cookieOf, type Fields, first, ownCookie, refusedHeaders } from '../../http/headers.ts';
import { readTarget, type Target } from '../../http/target.ts';
import { fieldsOf } from './client.ts';
import { WireDuplex } from './wire-duplex.ts';

/** One request of a signed-in client, and the way to answer it. */
export interface Exchange {
  readonly method: string;
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
  /** Says a refusal in the words of the protocol. */
  readonly refuse: (
    reply: Reply,
    status: number,
    why: Denial,
    about: { readonly fields: Fields; readonly path: string },
  ) => void;
  /** Further parameters of the Bearer challenge (RFC 6750, 3), for this resource. */
  readonly challenge?: (resource: string, host: string) => string;
  /** Answers what needs no sign-in (metadata documents); false where the path is none of these. */
  readonly open?: (
    path: string,
    about: { readonly host: string; readonly method: string },
    reply: Reply,
  ) => boolean;
}

const headerBytes = 65_536;
/** A connection on which no request is under way is closed after this long. */
const quietMs = 75_000;

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
    (request, response) => void visits.get(request.socket)?.attend(request, response),
  );
  listenForTroubles(plain);
  return async (seat) => {
    const opened = await open(parts, seat);
    if (opened === undefined) return;
    const { wire, ahead } = opened;
    const stream = new WireDuplex(wire, ahead);
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

function listenForTroubles(server: ReturnType<typeof createHttp>): void {
  server.on('clientError', (_error, broken) => {
    if (broken.writable) broken.end(`HTTP/1.1 400 Bad Request\r\n${closing}`);
  });
  server.on('connect', (_request, tunnel) => tunnel.destroy());
  server.on('upgrade', (_request, tunnel) => tunnel.end(`HTTP/1.1 501 Not Implemented\r\n${closing}`));
}

const closing = 'Connection: close\r\nContent-Length: 0\r\n\r\n';

function serveHttp2(visit: Visit, stream: WireDuplex): void {
  const server = createHttp2(
    { settings: { maxConcurrentStreams: 100 } },
    (request, response) => void visit.attend(request, response),
  );
  server.on('sessionError', () => stream.destroy());
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
  const bytes = await seat.client.read();
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
    this.#quiet = this.#parts.house.world.after(quietMs, () => this.#stream.destroy());
  }

  async over(): Promise<void> {
    await this.#wire.closed;
    this.#left.abort(new WireError('closed', 'The client left'));
    this.#quiet?.[Symbol.dispose]();
    await Promise.all(this.#busy);
  }

  attend(request: Incoming, response: Outgoing): Promise<void> {
    this.#quiet?.[Symbol.dispose]();
    const one = this.#attend(request, response).finally(() => {
      this.#busy.delete(one);
      if (this.#busy.size > 0) return;
      if (this.#seat.draining.aborted) this.#stream.end();
      else this.#wait();
    });
    this.#busy.add(one);
    return one;
  }

  async #attend(request: Incoming, response: Outgoing): Promise<void> {
    const reply = replyOver(response);
    response.on('error', () => undefined);
    try {
      await this.#serve(request, response, reply);
    } catch (thrown) {
      this.#failed(reply, thrown);
    } finally {
      request.resume(); // what was not read of the body must not block the next request
    }
  }

  /** A fault of one request ends that request; what was begun is broken off, never ended as if it were whole. */
  #failed(reply: Reply, thrown: unknown): void {
    const { house } = this.#parts;
    if (thrown instanceof WireError && thrown.code === 'closed') return reply.destroy();
    const code = thrown instanceof Fault || thrown instanceof WireError ? thrown.code : 'bug';
    house.metrics.count('faults_total', { code });
    house.log('error', 'http.fault', {
      code,
      ...(thrown instanceof Fault ? { message: thrown.message } : {}),
    });
    if (reply.started) return reply.destroy();
    const known =
      thrown instanceof Fault || thrown instanceof WireError ? thrown.message : 'The gateway failed';
    this.#parts.refuse(
      reply,
      code === 'unreachable' || code === 'upstream-closed' ? 502 : 500,
      denial('UNSUPPORTED', '', known),
      {
        fields: [],
        path: '',
      },
    );
  }

  async #serve(request: Incoming, response: Outgoing, reply: Reply): Promise<void> {
    const { house, kind, hostsOf } = this.#parts;
    const fields = fieldsOf(request.rawHeaders);
    const method = request.method ?? '';
    const hosts = 'authority' in request ? [request.authority] : all(fields, 'host');
    const host = hosts[0] ?? '';
    const about = { fields, path: '' };
    const refuse = (status: number, why: string, ...fix: readonly string[]): void =>
      this.#parts.refuse(reply, status, denial('UNSUPPORTED', '', why, ...fix), about);
    if (hosts.length !== 1) return refuse(400, 'Exactly one host must be named');
    if (!methods.has(method)) return refuse(405, 'This method is not served');
    const target = readTarget(request.url ?? '');
    if (!target.ok) return refuse(400, target.error);
    about.path = target.value.path;
    if (this.#parts.open?.(target.value.path, { host, method }, reply) === true) return;
    const bad = refusedHeaders(fields);
    if (bad !== undefined) return refuse(400, bad);
    if (this.#wire.tls === undefined && !this.#seat.plainAllowed) {
      return refuse(403, 'A token is taken over TLS only', 'Use https://');
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
    const token = tokenOf(fields, method, host);
    if (token === undefined) {
      this.#challenge(reply, place.resource, host, about);
      return;
    }
    const run = runOf(fields);
    const agent = first(fields, 'user-agent');
    const joined = await this.#seat.join({
      token,
      resource: place.resource,
      kind,
      ...(run === undefined ? {} : { run }),
      ...(agent === undefined ? {} : { client: agent }),
    });
    if (!joined.ok) {
      const status = joined.error.class === 'LIMIT' ? 429 : joined.error.class === 'SIGN_IN' ? 401 : 503;
      return this.#parts.refuse(reply, status, joined.error, about);
    }
    using stay = joined.value;
    const gone = new AbortController();
    response.once('close', () => gone.abort(new WireError('closed', 'The client left')));
    await this.#parts.serve({
      method,
      target: place.target,
      fields,
      stay,
      body: bodyOf(request, fields),
      reply,
      prefix: place.prefix,
      signal: AbortSignal.any([stay.signal, gone.signal, this.#left.signal]),
    });
  }

  #challenge(
    reply: Reply,
    resource: string,
    host: string,
    about: { readonly fields: Fields; readonly path: string },
  ): void {
    const more = this.#parts.challenge?.(resource, host) ?? '';
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

/**
 * The gateway's token, from wherever clients of its kinds of resources put a key. A cookie counts only where no other site
 * can have sent it.
 */
function tokenOf(fields: Fields, method: string, host: string): Secret | undefined {
  const given = all(fields, 'authorization');
  if (given.length > 1) return undefined;
  const bearer = /^bearer +([\w.~+/=-]+)$/i.exec(given[0] ?? '')?.[1];
  if (bearer !== undefined) return new Secret(bearer);
  const basic = /^basic +([\w+/=]+)$/i.exec(given[0] ?? '')?.[1];
  if (basic !== undefined) {
    const pair = Buffer.from(basic, 'base64').toString('utf8');
    return pair.includes(':') ? new Secret(pair.slice(pair.indexOf(':') + 1)) : undefined;
  }
  const key = first(fields, 'x-api-key') ?? first(fields, 'api-key');
  if (key !== undefined) return new Secret(key);
  const cookie = cookieOf(fields, ownCookie);
  if (cookie === undefined || cookie === '') return undefined;
  if (method !== 'GET' && method !== 'HEAD' && !sameOrigin(first(fields, 'origin'), host)) return undefined;
  return new Secret(cookie);
}

function sameOrigin(origin: string | undefined, host: string): boolean {
  return origin === `https://${host}` || origin === `http://${host}`;
}

/** What the client says this belongs to: recorded, never trusted. */
function runOf(fields: Fields): string | undefined {
  const said = first(fields, 'sallyport-run');
  if (said !== undefined) return said;
  return /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(
    first(fields, 'traceparent') ?? '',
  )?.[1];
}

function bodyOf(request: Incoming, fields: Fields): Body {
  const declared = first(fields, 'content-length');
  const ended =
    'stream' in request ? request.stream.endAfterHeaders : first(fields, 'transfer-encoding') === undefined;
  const length = declared !== undefined ? Number(declared) : ended ? 0 : undefined;
  return {
    length,
    stream: () => request,
    whole: async (most) => {
      if (length !== undefined && length > most) return undefined;
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of request as AsyncIterable<Uint8Array>) {
        bytes += chunk.length;
        if (bytes > most) return undefined;
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    },
  };
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
        response.once('drain', resolve).once('close', resolve);
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
