import { protocolsOf, type SocketRequest } from '../../carriers/http/socket.ts';
import type { Exchange, SocketWish } from '../../carriers/http/exchange.ts';
import { costs } from '../../carriers/http/costs.ts';
import { wholeOf } from '../../carriers/http/decoded.ts';
import { sayFull } from '../../carriers/http/full.ts';
import { preferred } from '../../carriers/http/prefer.ts';
import { sayProblem, statusOf } from '../../carriers/http/problem.ts';
import { statedBy } from '../../carriers/http/stated.ts';
import { Fault } from '../../base/errors.ts';
import { Full } from '../../core/held.ts';
import { Lru } from '../../base/lru.ts';
import type { Action } from '../../core/action.ts';
import type { Outcome } from '../../core/decision.ts';
import { denial } from '../../core/denial.ts';
import type { Waiting } from '../../core/protocol.ts';
import { contentOf, saysReadable, typeFits } from '../../http/content.ts';
import { first } from '../../http/headers.ts';
import { towards } from './head.ts';
import { type Asked, meaningOf, type Meant, unreadable } from './meaning.ts';
import { json, Pass, type SiteParts } from './pass.ts';
import { type HttpRoute, routesOf } from './settings.ts';
import { Talk } from './talk.ts';

/** One web service: takes requests from signed-in clients to it. */
export function site(parts: SiteParts): {
  readonly serve: (exchange: Exchange) => Promise<void>;
  readonly socket: (exchange: Exchange, wish: SocketWish) => Promise<void>;
} {
  const routeOf = routesOf(parts.settings.routes);
  const withMeant = { ...parts, meant: new Lru<string, Meant>(meantKept) };
  const of = ({ method, target }: Exchange): HttpRoute | undefined => routeOf(method, target.path);
  return {
    serve: (exchange) => attend(withMeant, of(exchange), exchange),
    socket: (exchange, wish) => attendSocket(parts, of(exchange), { exchange, wish }),
  };
}

interface Parts extends SiteParts {
  /** What was asked for before, without a body. */
  readonly meant: Lru<string, Meant>;
}

const meantKept = 2_000;

async function attend(parts: Parts, route: HttpRoute | undefined, exchange: Exchange): Promise<void> {
  const { fields, body: given } = exchange;
  const declared = first(fields, 'content-type');
  const content = contentOf(declared);
  const passes = parts.settings.uninspected.some((pattern) => typeFits(pattern, declared));
  const unread = content === 'opaque' || (content === 'multipart' && passes);
  if (!unread || given.length === 0) {
    const body =
      given.length === 0
        ? new Uint8Array()
        : await given
            .whole(parts.house.limits.messageBytes, exchange.held.counting(costs.request))
            .catch(full);
    if (body instanceof Full) return tooFull(exchange, body);
    return body === undefined ? await tooLong(parts, exchange) : judged(parts, route, { exchange, body });
  }
  if (passes) return judged(parts, route, { exchange, body: undefined });
  if (/^\s*application\/grpc-web/i.test(declared ?? ''))
    return notUnderstood(exchange, 'gRPC-Web is not understood here: calls of gRPC come over HTTP/2');
  if (saysReadable(declared))
    return notUnderstood(exchange, 'The Content-Type names a text in a way in which it cannot be read');
  if (first(fields, 'content-encoding') !== undefined)
    return notUnderstood(exchange, 'A coded body cannot be read');
  await using peeked = await peek(given.stream());
  if (!peeked.json) return await judged(parts, route, { exchange, body: undefined, stream: peeked.rest });
  const count = exchange.held.counting(costs.request);
  const body = await wholeOf(peeked.rest, parts.house.limits.messageBytes, count).catch(full);
  if (body instanceof Full) return tooFull(exchange, body);
  if (body === undefined) return tooLong(parts, exchange);
  await judged(parts, route, { exchange, body });
}

async function tooLong({ house }: SiteParts, exchange: Exchange): Promise<void> {
  const { messageBytes } = house.limits;
  house.metrics.count('limits_total', { limit: 'messageBytes' });
  const why = `The body is longer than ${messageBytes} bytes`;
  const id = await writtenDown(exchange, why);
  sayProblem(exchange.reply, 413, denial('LIMIT', id, why));
}

async function tooFull(exchange: Exchange, why: Full): Promise<void> {
  sayFull(exchange.reply, why, await writtenDown(exchange, why.message));
}

/** What nobody may hold now, as a value. */
function full(thrown: unknown): Full {
  if (thrown instanceof Full) return thrown;
  throw thrown;
}

interface Come {
  readonly exchange: Exchange;
  /** What can be read is read whole, so that it is judged; the rest is sent on as it comes. */
  readonly body: Uint8Array | undefined;
  readonly stream?: AsyncIterable<Uint8Array>;
}

async function judged(
  parts: Parts,
  route: HttpRoute | undefined,
  { exchange, body, stream }: Come,
): Promise<void> {
  const { stay, reply, fields, body: given } = exchange;
  const { method, target } = exchange;
  const operation = parts.settings.api?.operationOf(method, target.path);
  if (first(fields, 'content-encoding') !== undefined && body !== undefined && body.length > 0)
    return notUnderstood(exchange, 'A coded body cannot be read');
  const { host } = exchange;
  const asked = {
    method,
    host,
    target,
    fields,
    route,
    operation,
    body,
    length: given.length,
    uninspected: parts.settings.uninspected,
    methodFields: parts.settings.methodFields,
  };
  const meant = body?.length === 0 ? known(parts.meant, asked) : meaningOf(asked);
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
  const { aliases } = meant;
  await new Pass(parts, exchange, verdict, { name, operation, aliases }).run(
    body ?? stream ?? given.stream(),
  );
}

/**
 * The same request without a body means the same: one Action for all of them, so that what was decided of it holds for the next.
 * INVARIANT: all that `meaningOf` asks of such a request is in the key; routes, operations and settings are the service's.
 */
function known(meant: Lru<string, Meant>, asked: Asked): Meant {
  const { method, host, target, fields } = asked;
  const type = first(fields, 'content-type');
  const key = `${method} ${host} ${target.path}?${target.query}${type === undefined ? '' : `\n${type}`}`;
  if (key.length > longestKnown) return meaningOf(asked);
  const before = meant.get(key);
  if (before !== undefined) return before;
  const made = meaningOf(asked);
  meant.set(key, made);
  return made;
}

const longestKnown = 1_000;

/** Whether a body of another type begins as JSON does, which many services read whatever its type says. Nothing of it is lost. */
async function peek(
  body: AsyncIterable<Uint8Array>,
): Promise<{ readonly json: boolean; readonly rest: AsyncIterable<Uint8Array> } & AsyncDisposable> {
  const chunks = body[Symbol.asyncIterator]();
  const seen: Uint8Array[] = [];
  let start: number | undefined;
  while (start === undefined && seen.length < mostBlank) {
    const next = await chunks.next();
    if (next.done === true) break;
    seen.push(next.value);
    start = next.value.find((byte) => !blanks.has(byte));
  }
  const rest = async function* (): AsyncIterable<Uint8Array> {
    yield* seen;
    for (;;) {
      const next = await chunks.next();
      if (next.done === true) return;
      yield next.value;
    }
  };
  return {
    json: start === undefined ? seen.length > 0 : start === 0x7b || start === 0x5b,
    rest: rest(),
    [Symbol.asyncDispose]: async () => void (await chunks.return?.()),
  };
}

/** White space, and a byte-order mark. */
const blanks: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]);
const mostBlank = 64;

/** The request that opens a WebSocket is judged like any; then its messages are, one by one. */
async function attendSocket(
  parts: SiteParts,
  route: HttpRoute | undefined,
  { exchange, wish }: { readonly exchange: Exchange; readonly wish: SocketWish },
): Promise<void> {
  const { stay, reply, fields, method, target, host } = exchange;
  const body = new Uint8Array();
  const meant = meaningOf({
    method,
    host,
    target,
    fields,
    route,
    operation: parts.settings.api?.operationOf(method, target.path),
    body,
    length: 0,
    methodFields: parts.settings.methodFields,
    upgrade: true,
  });
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
      ...towards(parts, exchange, (name) => name.startsWith('sec-websocket-')),
      protocols: protocolsOf(fields) ?? [],
      maxBytes: parts.house.limits.messageBytes,
      world: parts.house.world,
      held: exchange.held,
    };
    const open = stay.gate.guardCalls((request: SocketRequest) => parts.client.socket(request));
    const resource = await open(verdict, wanted);
    // SECURITY: no byte of an answer before its entry is on disk.
    await verdict.written;
    exchange.signal.throwIfAborted();
    const client = await wish.accept(resource.protocol, exchange.held);
    outcome = await new Talk(
      {
        exchange,
        route,
        client,
        resource,
        maskKey: parts.maskKey,
        credential: parts.settings.upstream.credential,
        opening: verdict,
      },
      (message) => patient(exchange, message),
    ).run(wish.draining);
  } catch (thrown) {
    if (thrown instanceof Fault) outcome = failed(thrown.code);
    throw thrown;
  } finally {
    stay.gate.done(verdict, outcome);
  }
}

async function notUnderstood(exchange: Exchange, why: string): Promise<void> {
  const id = await writtenDown(exchange, why);
  const said = denial('NOT_UNDERSTOOD', id, why, 'What is not understood is refused');
  sayProblem(exchange.reply, 400, said);
}

/** Written down as what it is, whatever the policy would say of it; nothing of it is sent. Gives the decision's id. */
async function writtenDown({ stay, method, target }: Exchange, why: string): Promise<string> {
  const action = unreadable(method, target.path, why);
  const verdict = await stay.gate.ask({ action });
  if (verdict.kind === 'permit') stay.gate.done(verdict, { kind: 'unsent' });
  const id = verdict.kind === 'permit' ? verdict.id : verdict.denial.decisionId;
  void stay.recorder.frame('statement', json({ id, text: action.text }), id);
  void stay.recorder.frame('decision', json({ id, decision: 'deny', why }), id);
  return id;
}

/** Clients give up on an answer that does not begin; what is not decided by then becomes a ticket. */
const patienceMs = 25_000;

function patient({ signal, fields }: Exchange, action: Action): Waiting {
  return {
    tell: () => undefined, // HTTP has no word for it before the answer
    signal,
    settings: {},
    again: () => Promise.resolve({ action, settings: {} }), // nothing around a request changes what it means
    patienceMs: preferred(fields, patienceMs),
    thenTicket: true,
    ...statedBy(fields),
    [Symbol.dispose]: () => undefined,
  };
}
