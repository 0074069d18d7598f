import { protocolsOf, type SocketRequest } from '../../carriers/http/socket.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../../carriers/http/client.ts';
import { decoded, wholeOf } from '../../carriers/http/decoded.ts';
import type { Exchange, SocketWish } from '../../carriers/http/exchange.ts';
import { documentMask, type DocumentMask, utf8 } from '../../carriers/http/masks.ts';
import { sayProblem, statusOf } from '../../carriers/http/problem.ts';
import { statedBy } from '../../carriers/http/stated.ts';
import { Fault } from '../../base/errors.ts';
import type { Action } from '../../core/action.ts';
import type { Denial, Outcome, Permit } from '../../core/decision.ts';
import { denial, denialOfDemand } from '../../core/denial.ts';
import type { House, Waiting } from '../../core/protocol.ts';
import { type Content, contentOf, isMarkup, typeFits } from '../../http/content.ts';
import { EventReader, eventText, type ServerEvent } from '../../http/events.ts';
import {
  all,
  cookieBehind,
  type Fields,
  first,
  plainName,
  towardsClient,
  towardsResource,
} from '../../http/headers.ts';
import { router } from '../../http/target.ts';
import type { MaskKey } from '../../mask/index.ts';
import { meaningOf, unreadable } from './meaning.ts';
import type { HttpRoute, HttpSettings } from './settings.ts';
import { Talk } from './talk.ts';

export interface SiteParts {
  readonly house: House;
  readonly settings: HttpSettings;
  readonly client: HttpClient;
  readonly maskKey: MaskKey;
}

/** One web service: takes requests from signed-in clients to it. */
export function site(parts: SiteParts): {
  readonly serve: (exchange: Exchange) => Promise<void>;
  readonly socket: (exchange: Exchange, wish: SocketWish) => Promise<void>;
} {
  const routeOf = router(parts.settings.routes);
  const of = ({ method, target }: Exchange): HttpRoute | undefined => routeOf(method, target.path);
  return {
    serve: (exchange) => attend(parts, of(exchange), exchange),
    socket: (exchange, wish) => attendSocket(parts, of(exchange), { exchange, wish }),
  };
}

async function attend(parts: SiteParts, route: HttpRoute | undefined, exchange: Exchange): Promise<void> {
  const { stay, reply, fields } = exchange;
  const { messageBytes } = parts.house.limits;
  const readable = contentOf(first(fields, 'content-type')) !== 'opaque';
  const { body: given } = exchange;
  // What can be read is read whole, so that it is judged; the rest is sent on as it comes.
  const body = given.length === 0 ? new Uint8Array() : readable ? await given.whole(messageBytes) : undefined;
  if (readable && body === undefined) {
    parts.house.metrics.count('limits_total', { limit: 'messageBytes' });
    return sayProblem(reply, 413, denial('LIMIT', '', `The body is longer than ${messageBytes} bytes`));
  }
  const { method, target } = exchange;
  if (first(fields, 'content-encoding') !== undefined && readable && body !== undefined && body.length > 0)
    return notUnderstood(exchange, 'A coded body cannot be read');
  const { host } = exchange;
  const meant = meaningOf({ method, host, target, fields, route, body, length: given.length });
  if (meant.kind === 'refused') return notUnderstood(exchange, meant.why);
  const verdict = await stay.gate.ask({
    action: meant.action,
    ...statedBy(fields),
    // A body that is sent on as a stream cannot be shown to a reviewer: such a request cannot wait.
    ...(body === undefined ? {} : { wait: () => patient(exchange, meant.action) }),
  });
  if (verdict.kind === 'refusal') {
    const { decisionId, why } = verdict.denial;
    void stay.recorder.frame('statement', json({ id: decisionId, text: meant.action.text }), decisionId);
    void stay.recorder.frame('decision', json({ id: decisionId, decision: 'deny', why }), decisionId);
    return sayProblem(reply, statusOf(verdict.denial.class), verdict.denial);
  }
  if (verdict.duties.record !== 'meta')
    void stay.recorder.frame('statement', json({ id: verdict.id, text: meant.action.text }), verdict.id);
  const name = String(meant.action.attributes['route']);
  await new Pass(parts, exchange, verdict, name).run(body ?? given.stream());
}

/** The request that opens a WebSocket is judged like any; then its messages are, one by one. */
async function attendSocket(
  parts: SiteParts,
  route: HttpRoute | undefined,
  { exchange, wish }: { readonly exchange: Exchange; readonly wish: SocketWish },
): Promise<void> {
  const { stay, reply, fields, method, target, host } = exchange;
  const body = new Uint8Array();
  const meant = meaningOf({ method, host, target, fields, route, body, length: 0, upgrade: true });
  if (meant.kind === 'refused') return notUnderstood(exchange, meant.why);
  const { action } = meant;
  const verdict = await stay.gate.ask({ action, ...statedBy(fields), wait: () => patient(exchange, action) });
  const id = verdict.kind === 'permit' ? verdict.id : verdict.denial.decisionId;
  void stay.recorder.frame('statement', json({ id, text: action.text }), id);
  if (verdict.kind === 'refusal') {
    void stay.recorder.frame('decision', json({ id, decision: 'deny', why: verdict.denial.why }), id);
    return sayProblem(reply, statusOf(verdict.denial.class), verdict.denial);
  }
  const failed = (code: string): Outcome => ({
    kind: 'error',
    code,
    rows: 0,
    bytes: 0,
    masked: 0,
    withheld: 0,
  });
  let outcome = failed('closed');
  try {
    const wanted = {
      ...pathAndFields(parts.settings, exchange),
      protocols: protocolsOf(fields) ?? [],
      maxBytes: parts.house.limits.messageBytes,
      world: parts.house.world,
    };
    const open = stay.gate.guardCalls((request: SocketRequest) => parts.client.socket(request));
    const resource = await open(verdict, wanted);
    // SECURITY: no byte of an answer before its entry is on disk.
    await verdict.written;
    exchange.signal.throwIfAborted();
    const client = await wish.accept(resource.protocol);
    outcome = await new Talk(
      { exchange, route, client, resource, maskKey: parts.maskKey, opening: verdict },
      (message) => patient(exchange, message),
    ).run(wish.draining);
  } catch (thrown) {
    if (thrown instanceof Fault) outcome = failed(thrown.code);
    throw thrown;
  } finally {
    stay.gate.done(verdict, outcome);
  }
}

/** What goes to the resource of a request that opens a WebSocket: its own handshake is made anew. */
function pathAndFields(
  { upstream, identityHeader }: HttpSettings,
  { target, fields, stay }: Exchange,
): { readonly path: string; readonly fields: Fields } {
  const out: (readonly [string, string])[] = towardsResource(fields).filter(([name]) => {
    const plain = plainName(name);
    return (
      !plain.startsWith('sec-websocket-') && plain !== upstream.credential?.header && plain !== identityHeader
    );
  });
  if (upstream.credential !== undefined)
    out.push([upstream.credential.header, upstream.credential.value.reveal('sign in to a resource')]);
  if (identityHeader !== undefined) out.push([identityHeader, stay.session.identity.subject]);
  return {
    path: `${upstream.base}${target.path}${target.query === '' ? '' : `?${target.query}`}`,
    fields: out,
  };
}

/** Written down as what it is, whatever the policy would say of it; nothing of it is sent. */
async function notUnderstood({ stay, reply, method, target }: Exchange, why: string): Promise<void> {
  const action = unreadable(method, target.path, why);
  const verdict = await stay.gate.ask({ action });
  if (verdict.kind === 'permit') stay.gate.done(verdict, { kind: 'unsent' });
  const id = verdict.kind === 'permit' ? verdict.id : verdict.denial.decisionId;
  void stay.recorder.frame('statement', json({ id, text: action.text }), id);
  void stay.recorder.frame('decision', json({ id, decision: 'deny', why }), id);
  sayProblem(reply, 400, denial('NOT_UNDERSTOOD', id, why, 'What is not understood is refused'));
}

/** Clients give up on an answer that does not begin; what is not decided by then becomes a ticket. */
const patienceMs = 25_000;

function patient({ signal, fields }: Exchange, action: Action): Waiting {
  return {
    tell: () => undefined, // HTTP has no word for it before the answer
    signal,
    settings: {},
    again: () => Promise.resolve({ action, settings: {} }), // nothing around a request changes what it means
    patienceMs: first(fields, 'prefer')?.includes('respond-async') === true ? 0 : patienceMs,
    ...statedBy(fields),
    [Symbol.dispose]: () => undefined,
  };
}

function json(facts: Readonly<Record<string, string>>): Uint8Array {
  return Buffer.from(JSON.stringify(facts));
}

/** One permitted request, from the resource's first byte to the client's last. */
class Pass {
  readonly #parts: SiteParts;
  readonly #exchange: Exchange;
  readonly #permit: Permit;
  readonly #mask: DocumentMask;
  #bytes = 0;
  #withheld = 0;

  constructor(parts: SiteParts, exchange: Exchange, permit: Permit, route: string) {
    this.#parts = parts;
    this.#exchange = exchange;
    this.#permit = permit;
    this.#mask = documentMask(permit, route, parts.maskKey);
  }

  async run(body: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    const { gate } = this.#exchange.stay;
    let outcome: Outcome = this.#outcome({ kind: 'error', code: 'closed' });
    try {
      const answer = await gate.guardCalls((request: HttpRequest) => this.#parts.client.call(request))(
        this.#permit,
        this.#request(body),
      );
      // SECURITY: no byte of an answer before its entry is on disk.
      await this.#permit.written;
      outcome = await this.#answer(answer);
    } catch (thrown) {
      if (thrown instanceof Fault && thrown.code === 'mask' && !this.#exchange.reply.started) {
        outcome = this.#withhold(thrown.message);
        return;
      }
      outcome = this.#outcome({ kind: 'error', code: thrown instanceof Fault ? thrown.code : 'closed' });
      throw thrown;
    } finally {
      gate.done(this.#permit, outcome);
    }
  }

  #outcome(
    how:
      | { readonly kind: 'ok' }
      | { readonly kind: 'error'; readonly code: string }
      | { readonly kind: 'cut'; readonly why: Denial['class'] },
  ): Outcome {
    return { ...how, rows: 0, bytes: this.#bytes, masked: this.#mask.masked, withheld: this.#withheld };
  }

  #request(body: Uint8Array | AsyncIterable<Uint8Array>): HttpRequest {
    const { method, target, fields, stay, signal } = this.#exchange;
    const { upstream, identityHeader } = this.#parts.settings;
    const out: (readonly [string, string])[] = towardsResource(fields).filter(
      ([name]) => plainName(name) !== upstream.credential?.header && plainName(name) !== identityHeader,
    );
    // Coded bytes can only be passed on where nobody has to look into them.
    const coding = this.#mask.needed ? 'identity' : (first(fields, 'accept-encoding') ?? 'identity');
    out.push(['accept-encoding', coding]);
    if (upstream.credential !== undefined) {
      out.push([upstream.credential.header, upstream.credential.value.reveal('sign in to a resource')]);
    }
    if (identityHeader !== undefined) out.push([identityHeader, stay.session.identity.subject]);
    const query = target.query === '' ? '' : `?${target.query}`;
    const empty = body instanceof Uint8Array && body.length === 0;
    const bodiless =
      empty && (method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'DELETE');
    return {
      method,
      path: `${upstream.base}${target.path}${query}`,
      fields: out,
      signal,
      ...(bodiless ? {} : { body }),
    };
  }

  async #answer(answer: HttpResponse): Promise<Outcome> {
    const { status, fields } = answer;
    const declared = first(fields, 'content-type');
    const bodiless = this.#exchange.method === 'HEAD' || status === 204 || status === 304;
    const passes = this.#parts.settings.uninspected.some((pattern) => typeFits(pattern, declared));
    if (bodiless || !this.#mask.needed || passes) {
      return this.#stream(
        answer.body,
        status,
        this.#fields(fields, { changed: bodiless && this.#mask.needed }),
      );
    }
    // Of two types nobody can say which the client believes.
    const content = all(fields, 'content-type').length > 1 ? 'opaque' : contentOf(declared);
    const body = content === 'opaque' ? undefined : decoded(answer);
    if (body !== undefined && content !== 'opaque') return this.#inspected(body, content, answer);
    if (await isEmpty(answer.body))
      return this.#stream(nothing(), status, this.#fields(fields, { changed: true }));
    return this.#withhold('The answer cannot be looked into, so it cannot be masked');
  }

  async #inspected(
    body: AsyncIterable<Uint8Array>,
    content: Exclude<Content, 'opaque'>,
    answer: HttpResponse,
  ): Promise<Outcome> {
    const fields = this.#fields(answer.fields, { changed: true });
    if (content === 'events') {
      // Whoever waits for events must see at once that they will come.
      if (this.#permit.duties.byteLimit === undefined) this.#exchange.reply.start(answer.status, fields);
      return this.#stream(this.#events(body), answer.status, fields);
    }
    if (content === 'lines') return this.#stream(this.#lines(body), answer.status, fields);
    // Markup can spell one value in many ways and places: it is looked at whole.
    if (content === 'text' && !isMarkup(first(answer.fields, 'content-type')))
      return this.#stream(this.#text(body), answer.status, fields);
    const most = this.#parts.house.limits.messageBytes;
    const bytes = await wholeOf(body, most);
    if (bytes === undefined)
      return this.#withhold(`The answer is longer than ${most} bytes, so it cannot be masked`);
    const shown = this.#document(bytes, content);
    if (shown === undefined)
      return this.#withhold('The answer is not what its Content-Type says, so it cannot be masked');
    return this.#stream(one(shown), answer.status, [...fields, ['content-length', String(shown.length)]]);
  }

  #document(bytes: Uint8Array, content: 'json' | 'form' | 'text'): Uint8Array | undefined {
    const text = utf8(bytes);
    // As UTF-16 without a mark it would be another text.
    if (!text.ok || text.value.includes('\0')) return undefined;
    if (bytes.length === 0) return bytes;
    if (content === 'json') {
      const shown = this.#mask.json(text.value);
      return shown.ok ? sameOr(bytes, text.value, shown.value) : undefined;
    }
    if (content === 'text') return sameOr(bytes, text.value, this.#mask.text(text.value));
    const shown = new URLSearchParams();
    const before = this.#mask.masked;
    for (const [name, value] of new URLSearchParams(text.value)) {
      shown.append(this.#mask.text(name), this.#mask.text(value, name));
    }
    return this.#mask.masked === before ? bytes : Buffer.from(shown.toString());
  }

  async *#text(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    const mask = this.#mask.pieces();
    for await (const text of texts(body)) {
      if (text.includes('\0'))
        throw new Fault('mask', 'The answer is not the text that it says, so it cannot be masked');
      const shown = mask.push(text);
      if (shown !== '') yield Buffer.from(shown);
    }
    const rest = mask.end();
    if (rest !== '') yield Buffer.from(rest);
  }

  async *#lines(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    let rest = '';
    for await (const text of texts(body)) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      this.#bounded(rest.length);
      if (lines.length > 0) yield Buffer.from(lines.map((line) => `${this.#line(line)}\n`).join(''));
    }
    if (rest !== '') yield Buffer.from(this.#line(rest));
  }

  #line(line: string): string {
    if (line.trim() === '') return line;
    const mark = line.startsWith('\u001e') ? '\u001e' : ''; // RFC 7464
    const shown = this.#mask.json(line.slice(mark.length));
    if (!shown.ok) throw new Fault('mask', 'A line of the answer is not JSON, so it cannot be masked');
    return mark + shown.value;
  }

  async *#events(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    const reader = new EventReader();
    for await (const text of texts(body)) {
      const events = reader.push(text);
      this.#bounded(reader.held);
      if (events.length > 0) yield Buffer.from(events.map((event) => eventText(this.#event(event))).join(''));
    }
    const last = reader.end();
    if (last !== undefined) yield Buffer.from(eventText(this.#event(last)));
  }

  #event(event: ServerEvent): ServerEvent {
    const { event: name, id, retry, data } = event;
    return {
      ...(name === undefined ? {} : { event: this.#mask.text(name) }),
      ...(id === undefined ? {} : { id: this.#mask.text(id) }),
      ...(retry === undefined || !/^\d+$/.test(retry) ? {} : { retry }),
      ...(data === undefined ? {} : { data: this.#data(data) }),
      comments: event.comments.map((comment) => this.#mask.text(comment)),
    };
  }

  #data(data: string): string {
    const shown = this.#mask.json(data);
    return shown.ok ? shown.value : this.#mask.text(data);
  }

  #bounded(held: number): void {
    if (held > this.#parts.house.limits.messageBytes)
      throw new Fault('mask', 'A part of the answer is too long to be masked');
  }

  async #stream(body: AsyncIterable<Uint8Array>, status: number, fields: Fields): Promise<Outcome> {
    const { reply, stay } = this.#exchange;
    const { byteLimit } = this.#permit.duties;
    const { id } = this.#permit;
    const whole = this.#permit.duties.record === 'full';
    if (whole) void stay.recorder.frame('answer', Buffer.from(`${status}\n${recorded(fields)}\n`), id);
    for await (const chunk of body) {
      if (byteLimit !== undefined && this.#bytes + chunk.length > byteLimit) return this.#cut(byteLimit);
      if (!reply.started) reply.start(status, fields);
      this.#bytes += chunk.length;
      const full = whole ? stay.recorder.frame('answer', chunk, id) : undefined;
      if (full !== undefined) await full;
      const waiting = reply.write(chunk);
      if (waiting !== undefined) await waiting;
      if (this.#exchange.signal.aborted) throw this.#exchange.signal.reason;
    }
    if (!reply.started) reply.start(status, fields);
    reply.end();
    return this.#outcome({ kind: 'ok' });
  }

  #cut(byteLimit: number): Outcome {
    const { reply } = this.#exchange;
    const why = denialOfDemand(
      this.#permit,
      'LIMIT',
      'limit',
      `The answer is longer than ${byteLimit} bytes`,
    );
    if (reply.started) reply.destroy();
    else sayProblem(reply, 403, why);
    return this.#outcome({ kind: 'cut', why: 'LIMIT' });
  }

  #withhold(why: string): Outcome {
    this.#withheld++;
    const said = denialOfDemand(this.#permit, 'LINEAGE', 'mask', why);
    const { id } = this.#permit;
    void this.#exchange.stay.recorder.frame('decision', json({ id, decision: 'deny', why }), id);
    sayProblem(this.#exchange.reply, 403, said);
    return this.#outcome({ kind: 'cut', why: 'LINEAGE' });
  }

  /** Its name is a name: `id=`. */
  #cookie(cookie: string): string {
    const at = cookie.indexOf('=') + 1;
    return cookie.slice(0, at) + this.#mask.text(cookie.slice(at));
  }

  /** Headers carry values too; nothing of an answer made for one identity may be kept for another. */
  #fields(fields: Fields, how: { readonly changed: boolean }): Fields {
    const { upstream } = this.#parts.settings;
    const out: (readonly [string, string])[] = [];
    for (const [name, value] of towardsClient(fields, how)) {
      if (name === 'cache-control' || name === 'expires' || name === 'pragma' || name === 'alt-svc') continue;
      if (name === 'set-cookie') {
        out.push([name, cookieBehind(this.#cookie(value), this.#exchange.prefix, upstream.base)]);
      } else if (name === 'location' || name === 'content-location') {
        out.push([name, this.#mask.text(inside(value, upstream, this.#exchange.prefix))]);
      } else {
        out.push([name, plain.has(name) ? value : this.#mask.text(value, name)]);
      }
    }
    const asked = first(fields, 'cache-control') ?? '';
    const kept = asked
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '' && !/^(?:public|private|s-maxage.*|no-store)$/i.test(part));
    out.push([
      'cache-control',
      this.#mask.needed || /no-store/i.test(asked) ? 'private, no-store' : ['private', ...kept].join(', '),
    ]);
    return out;
  }
}

/** Fields whose values are the protocol's own words, or opaque to everybody but who made them. */
const plain: ReadonlySet<string> = new Set([
  'date',
  'content-type',
  'content-length',
  'content-encoding',
  'etag',
  'last-modified',
  'vary',
  'age',
  'allow',
  'accept-ranges',
  'strict-transport-security',
  'content-security-policy',
  'retry-after',
  'server',
]);

/** What a recording shows of the head: names only of those that are opaque. */
function recorded(fields: Fields): string {
  return fields.map(([name, value]) => `${name}: ${name === 'set-cookie' ? '***' : value}\n`).join('');
}

/** A redirect of the resource to itself stays behind the gateway. */
function inside(
  location: string,
  { authority, base, tls }: HttpSettings['upstream'],
  prefix: string,
): string {
  const own = `${tls === undefined ? 'http' : 'https'}://${authority}`;
  const path =
    location === own ? '/' : location.startsWith(`${own}/`) ? location.slice(own.length) : location;
  if (!path.startsWith('/') || path.startsWith('//')) return location;
  const rest = base !== '' && (path === base || path.startsWith(`${base}/`)) ? path.slice(base.length) : path;
  return `${prefix}${rest === '' ? '/' : rest}`;
}

async function* texts(body: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const read = (bytes?: Uint8Array): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch {
      throw new Fault('mask', 'The answer is not UTF-8, so it cannot be masked');
    }
  };
  for await (const bytes of body) yield read(bytes);
  const rest = read();
  if (rest !== '') yield rest;
}

async function isEmpty(body: AsyncIterable<Uint8Array>): Promise<boolean> {
  for await (const _ of body) return false;
  return true;
}

async function* nothing(): AsyncIterable<Uint8Array> {
  // An answer without a body.
}

async function* one(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

function sameOr(bytes: Uint8Array, before: string, after: string): Uint8Array {
  return before === after ? bytes : Buffer.from(after);
}
