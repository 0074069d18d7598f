import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Fault, WireError } from '../../base/errors.ts';
import type { Secret } from '../../base/secret.ts';
import type { Wire } from '../../base/stream.ts';
import type { Instant } from '../../base/time.ts';
import { denial } from '../../core/denial.ts';
import type { Holding } from '../../core/held.ts';
import type { Seat } from '../../core/protocol.ts';
import { type Fields, first, refusedHeaders, withoutToken } from '../../http/headers.ts';
import { readTarget } from '../../http/target.ts';
import { framingProblem, hostsNamed, methods, placeOf, runOf, tokenOf } from './asker.ts';
import { bodyOf } from './body.ts';
import { guestOf, isNavigation, isOwnPath, servePage, toSignIn } from './browser.ts';
import { fieldsOf } from './client.ts';
import type { DoorParts, Exchange, Incoming, Outgoing, Reply, SocketWish } from './exchange.ts';
import { replyOver } from './reply.ts';
import { shareOf } from '../../core/session.ts';
import { acceptSocket, socketProblem } from './socket.ts';
import type { WireDuplex } from './wire-duplex.ts';

/** A connection on which no request is under way is closed after this long. */
const quietMs = 75_000;
/** Requests that one connection may have sent ahead of their answers. */
const mostWaiting = 200;
/** Of a body that nobody wants, so many bytes are read before the connection is closed instead. */
const mostUnread = 1_048_576;

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

/** One connection of a client, with all its requests. */
export class Visit {
  readonly #parts: DoorParts;
  readonly #seat: Seat;
  readonly #wire: Wire;
  readonly #stream: WireDuplex;
  readonly #busy: Set<Promise<void>> = new Set();
  /** The requests under way, which end when the client leaves. */
  readonly #open: Set<AbortController> = new Set();
  /** What is held of answers that were said and not taken yet. */
  readonly #untaken: Set<Holding> = new Set();
  #left: WireError | undefined;
  readonly #leave: () => void;
  #quiet: Disposable | undefined;
  /** Since when no request is under way. */
  #quietSince: Instant | undefined;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #half: Incoming | undefined;
  /** Resolves when the parser has said its last word. */
  parsed: Promise<void> = Promise.resolve();
  #gone = false;
  #seen = 0;
  #error: WireError | undefined;
  /** The token that was shown last: most connections show one. */
  #token: Secret | undefined;

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
    this.#leave = () => seat.draining.removeEventListener('abort', stop);
    seat.signal.addEventListener('abort', () => stream.destroy(), { once: true });
    if (seat.draining.aborted) stop();
  }

  /** One timer looks, however many requests come and go meanwhile. */
  #wait(): void {
    this.#seen = this.#stream.received;
    this.#quietSince = this.#parts.house.world.now();
    this.#quiet ??= this.#look(quietMs);
  }

  #look(afterMs: number): Disposable {
    const { world } = this.#parts.house;
    return world.after(afterMs, () => {
      this.#quiet = undefined;
      if (this.#quietSince === undefined) return;
      const leftMs = this.#quietSince + quietMs - world.now();
      if (leftMs > 0) {
        this.#quiet = this.#look(Math.min(leftMs, quietMs));
        return;
      }
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
    if (this.#error === undefined) this.#seat.turnedAway?.({ resource: '', why: why.message });
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
    this.#quietSince = undefined;
    this.#last = this.#last.then(async () => {
      if (this.#left === undefined) await this.attend(request, response);
      this.#waiting--;
    });
  }

  /**
   * SECURITY: what stands behind such a request is of the other protocol, never a request: whatever is answered but 101, the
   * connection ends. While other requests are under way nobody can say whose answer would come first.
   */
  upgrade(request: IncomingMessage, head: Uint8Array): void {
    this.#quietSince = undefined;
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
    this.#left = new WireError('closed', 'The client left');
    for (const each of this.#open) each.abort(this.#left);
    this.#leave();
    this.#quiet?.[Symbol.dispose]();
    await this.parsed;
    await this.#last;
    await Promise.all(this.#busy);
    for (const held of this.#untaken) held[Symbol.dispose]();
    if (this.#error !== undefined) throw this.#error;
  }

  attend(request: Incoming, response: Outgoing, head?: Uint8Array): Promise<void> {
    this.#quietSince = undefined;
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
    const { world, limits } = this.#parts.house;
    const reply = replyOver(response, { world, ms: limits.stallSeconds * 1_000 });
    const about: About = { fields: fieldsOf(request.rawHeaders), path: '' };
    response.on('error', ignore);
    request.on('error', ignore);
    response.once('finish', () => this.#unread(request));
    try {
      await this.#serve(request, response, { reply, about, head });
    } catch (thrown) {
      this.#failing(reply, thrown, about);
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

  /** Nobody waits for a request but its connection: that a fault cannot be told is no further fault. */
  #failing(reply: Reply, thrown: unknown, about: About): void {
    try {
      this.#failed(reply, thrown, about);
    } catch {
      this.#parts.house.metrics.count('faults_total', { code: 'bug' });
      reply.destroy();
    }
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
    const refuse = (status: number, why: string, ...fix: readonly string[]): void => {
      this.#seat.turnedAway?.({ resource: '', why });
      this.#parts.refuse(reply, status, denial('UNSUPPORTED', '', why, ...fix), about);
    };
    const framing = framingProblem(request, fields);
    if (framing !== undefined) {
      if (response instanceof ServerResponse) response.shouldKeepAlive = false;
      return refuse(400, framing);
    }
    const expected = first(fields, 'expect');
    if (expected !== undefined && expected.toLowerCase() !== '100-continue')
      return refuse(417, 'Nothing but `100-continue` can be expected here');
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
    const { visitors } = this.#parts;
    const browser = { method, host, secure, fields, peer: this.#wire.peer, upgrade: wish !== undefined };
    if (visitors !== undefined && isOwnPath(target.value.path)) {
      await servePage(visitors, browser, {
        ...target.value,
        reply,
        body: bodyOf(request, fields, house.world),
        resourceOf: (path) => {
          const read = readTarget(path);
          return read.ok ? placeOf(house, hostsOf, host, read.value)?.resource : undefined;
        },
      });
      return;
    }
    const place = placeOf(house, hostsOf, host, target.value);
    if (place === undefined) {
      const fix =
        'The first segment of the path names the resource: GET /api/v1/resources of the API lists yours';
      this.#seat.turnedAway?.({ resource: '', why: noResource });
      return this.#parts.refuse(reply, 404, denial('SIGN_IN', '', noResource, fix), about);
    }
    const given = tokenOf(fields);
    if (given === 'several') return refuse(400, 'Several tokens were sent: send one');
    const secret = given?.reveal('it is looked for where it must not go');
    const shown = given === undefined ? undefined : this.#same(given, secret);
    if (secret !== undefined && target.value.query.includes(secret))
      return refuse(400, 'The token stands in the URL', 'Send it in Authorization, and nowhere else');
    const guest = shown === undefined && visitors !== undefined ? guestOf(visitors, browser) : undefined;
    const signInFirst = visitors !== undefined && isNavigation(browser);
    const token = shown ?? guest?.visitor.token;
    if (token === undefined) {
      if (signInFirst) toSignIn(reply, target.value.path, target.value.query);
      else this.#challenge(reply, place.resource, host, about);
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
      if (guest !== undefined && joined.error.class === 'SIGN_IN') {
        await guest.dismiss();
        if (signInFirst) return toSignIn(reply, target.value.path, target.value.query);
      }
      const status = joined.error.class === 'LIMIT' ? 429 : joined.error.class === 'SIGN_IN' ? 401 : 503;
      // RFC 6750, 3: who shows a token that is not taken is told where to get one, like who shows none.
      const answered = status === 401 ? this.#challenging(reply, place.resource, host, shownOne) : reply;
      return this.#parts.refuse(answered, status, joined.error, about);
    }
    using stay = joined.value;
    using ending = this.#until(stay.signal);
    const { gone } = ending;
    // A client that takes its answer slowly keeps it here after all of it was said.
    const held = house.held.open(shareOf(stay.session), gone.signal);
    response.once('close', () => {
      if (this.#untaken.delete(held)) held[Symbol.dispose]();
      // A stream of HTTP/2 that its client has reset counts as finished, though nobody has ended it.
      if (!response.writableFinished || !response.writableEnded)
        gone.abort(new WireError('closed', 'The client left'));
    });
    const exchange: Exchange = {
      method,
      host,
      target: place.target,
      fields: secret === undefined ? fields : withoutToken(fields, secret),
      stay,
      body: bodyOf(request, fields, house.world),
      reply,
      held,
      prefix: place.prefix,
      token,
      join,
      turnedAway: (why) => this.#seat.turnedAway?.({ resource: place.resource, why }),
      signal: gone.signal,
    };
    try {
      await (wish === undefined ? this.#parts.serve(exchange) : this.#parts.socket?.(exchange, wish));
    } finally {
      if (held.bytes > 0 && wish === undefined && !isSaid(response)) this.#untaken.add(held);
      else held[Symbol.dispose]();
    }
  }

  /** The object that was made for the same token before, so that what is worked out of it is worked out once. */
  #same(given: Secret, secret: string | undefined): Secret {
    if (this.#token?.reveal('to see whether it is the same') !== secret) this.#token = given;
    return this.#token ?? given;
  }

  /** Ends with its session and with its client. By hand: AbortSignal.any() with one listener costs more than all else here. */
  #until(session: AbortSignal): Disposable & { readonly gone: AbortController } {
    const gone = new AbortController();
    const during = requestsOf(session);
    during.add(gone);
    this.#open.add(gone);
    if (session.aborted) gone.abort(session.reason);
    if (this.#left !== undefined) gone.abort(this.#left);
    return {
      gone,
      [Symbol.dispose]: () => {
        during.delete(gone);
        this.#open.delete(gone);
      },
    };
  }

  #wish(request: Incoming, response: Outgoing, head: Uint8Array): SocketWish | undefined {
    // Requests of HTTP/2 never come here (RFC 9113, 8.6).
    if ('stream' in request || !(response instanceof ServerResponse)) return undefined;
    return {
      accept: (protocol, held) => {
        response.detachSocket(this.#stream as unknown as Socket); // see `upgrade`
        const { world, limits } = this.#parts.house;
        const maxBytes = limits.messageBytes;
        return acceptSocket(request, this.#stream, { head, protocol, world, maxBytes, held });
      },
      draining: this.#seat.draining,
    };
  }

  #challenge(reply: Reply, resource: string, host: string, about: About): void {
    const fix = 'Send Authorization: Bearer and a token: `sallyport token SUBJECT` makes one';
    this.#seat.turnedAway?.({ resource, why: noToken });
    const challenged = this.#challenging(reply, resource, host);
    this.#parts.refuse(challenged, 401, denial('SIGN_IN', '', noToken, fix), about);
  }

  /** The answer with the challenge in its head. */
  // oxlint-disable-next-line max-params
  #challenging(reply: Reply, resource: string, host: string, error?: string): Reply {
    const more = this.#parts.challenge?.(resource, host, this.#wire.tls !== undefined) ?? '';
    const words = [
      'realm="sallyport"',
      ...(error === undefined ? [] : [error]),
      ...(more === '' ? [] : [more]),
    ];
    return {
      ...reply,
      start: (status, fields) =>
        reply.start(status, [...fields, ['www-authenticate', `Bearer ${words.join(', ')}`]]),
    };
  }
}

/** The requests under way in a session. One listener of its signal for all: who adds one to many looks through all of them. */
function requestsOf(session: AbortSignal): Set<AbortController> {
  const known = requests.get(session);
  if (known !== undefined) return known;
  const made = new Set<AbortController>();
  requests.set(session, made);
  session.addEventListener('abort', () => made.forEach((each) => each.abort(session.reason)), { once: true });
  return made;
}

const requests: WeakMap<AbortSignal, Set<AbortController>> = new WeakMap();

/** Nothing of the answer waits for the client any more. */
function isSaid(response: Outgoing): boolean {
  return response.writableFinished || ('stream' in response ? response.stream.destroyed : response.destroyed);
}

function ignore(): void {
  // Told elsewhere.
}

const noResource = 'No resource of this gateway has this name';
const shownOne = 'error="invalid_token"';
const noToken = 'This needs a token of this gateway';

const statusOfFault: Readonly<Record<string, number>> = {
  unreachable: 502,
  'upstream-closed': 502,
  'upstream-late': 504,
  ledger: 503,
  stopping: 503,
  full: 503,
  deadline: 408,
};
