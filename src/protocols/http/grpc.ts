import { costs } from '../../carriers/http/costs.ts';
import type { Http2Request, Http2Response } from '../../carriers/http/client2.ts';
import type { Exchange } from '../../carriers/http/exchange.ts';
import { denialOfFull } from '../../carriers/http/full.ts';
import { statedBy } from '../../carriers/http/stated.ts';
import { Fault } from '../../base/errors.ts';
import { denial } from '../../core/denial.ts';
import { Full } from '../../core/held.ts';
import type { House } from '../../core/protocol.ts';
import {
  grpcCodec,
  type GrpcMessage,
  grpcMethod,
  grpcStatus,
  grpcTimeout,
  MessageReader,
} from '../../http/grpc.ts';
import { all, first } from '../../http/headers.ts';
import { type Bounds, type Call, type GrpcParts, notFramed, passesUnseen, within } from './grpc-call.ts';
import { judgeOf, textOf, valuesOf, waitingOf } from './grpc-judge.ts';
import { meaningOfCall } from './grpc-meaning.ts';
import { GrpcPass } from './grpc-pass.ts';
import { grpcStatusOf, sayRefusal, sayStatus } from './grpc-say.ts';
import { unreadable } from './meaning.ts';
import { json } from './pass.ts';
import { type HttpRoute, routesOf } from './settings.ts';

const ended = 'The deadline of the call has passed';

/** The services of gRPC of one resource: takes calls from signed-in clients to it. */
export function grpcService(parts: GrpcParts): (exchange: Exchange) => Promise<void> {
  const routeOf = routesOf(parts.settings.routes);
  return (exchange) => attend(parts, routeOf('POST', exchange.target.path), exchange);
}

/** One call: judged by its method, and by its message where it has one. */
async function attend(parts: GrpcParts, route: HttpRoute | undefined, exchange: Exchange): Promise<void> {
  const { reply, fields } = exchange;
  const timeouts = all(fields, 'grpc-timeout');
  const timeoutMs =
    timeouts.length === 0 ? undefined : grpcTimeout(timeouts.length === 1 ? (timeouts[0] ?? '') : '');
  if (timeouts.length > 0 && timeoutMs === undefined) return notUnderstood(exchange, 'The timeout is none');
  using bounds = boundsOf(parts.house, exchange, timeoutMs);
  try {
    await asked(parts, { exchange, route, timeoutMs, bounds });
  } catch (thrown) {
    if (!(thrown instanceof Full)) throw thrown;
    const id = await writtenDown(exchange, thrown.message);
    sayRefusal(reply, grpcStatus.resourceExhausted, denialOfFull(thrown, id));
  }
}

interface Within {
  readonly exchange: Exchange;
  readonly route: HttpRoute | undefined;
  readonly timeoutMs: number | undefined;
  readonly bounds: Bounds;
}

async function asked(parts: GrpcParts, { exchange, route, timeoutMs, bounds }: Within): Promise<void> {
  const { stay, reply, fields, host } = exchange;
  const call = await callOf(parts, { exchange, timeoutMs, bounds });
  if (call === 'late') return sayStatus(reply, grpcStatus.deadlineExceeded, ended);
  if (typeof call === 'string') return notUnderstood(exchange, call);
  using level = exchange.held.level(costs.request.each);
  const text = await textOf(parts, call, level);
  if (typeof text !== 'string') return notUnderstood(exchange, text.why);
  const judge = judgeOf(parts, { exchange, call, bounds, route });
  const seen = call.message !== undefined ? 'whole' : judge !== undefined ? 'later' : unseenBy(parts, call);
  const action = meaningOfCall({ ...call, host, route, text, seen, reads: call.shape?.reads === true });
  if (action === undefined)
    return notUnderstood(exchange, 'The message cannot be read as rules would have to');
  const { message } = call;
  const verdict = await stay.gate.ask({
    action,
    ...(message === undefined ? {} : { values: valuesOf(call, message) }),
    ...statedBy(fields),
    // What nobody can show to a reviewer cannot wait: an approval fits one message.
    ...(message === undefined ? {} : { wait: () => waitingOf(exchange, action, bounds) }),
  });
  const id = verdict.kind === 'permit' ? verdict.id : verdict.denial.decisionId;
  if (verdict.kind === 'refusal' || verdict.duties.record !== 'meta')
    void stay.recorder.frame('statement', json({ id, text: action.text }), id);
  if (verdict.kind === 'refusal') {
    void stay.recorder.frame('decision', json({ id, decision: 'deny', why: verdict.denial.why }), id);
    if (bounds.late()) return sayStatus(reply, grpcStatus.deadlineExceeded, ended);
    return sayRefusal(reply, grpcStatusOf(verdict.denial.class), verdict.denial);
  }
  if (bounds.late()) {
    stay.gate.done(verdict, { kind: 'unsent' });
    return sayStatus(reply, grpcStatus.deadlineExceeded, ended);
  }
  await new GrpcPass(parts, exchange, { call, bounds, permit: verdict, judge }).run(
    stay.gate.guardCalls((request: Http2Request): Promise<Http2Response> => parts.client.call(request)),
  );
}

/** What the call is, with its message where it takes one; why it is none. */
async function callOf(
  { house, settings }: GrpcParts,
  {
    exchange,
    timeoutMs,
    bounds,
  }: { readonly exchange: Exchange; readonly timeoutMs: number | undefined; readonly bounds: Bounds },
): Promise<Call | string> {
  const { method, target, fields, body, reply, held } = exchange;
  const contentType = first(fields, 'content-type') ?? '';
  const codec = grpcCodec(contentType);
  const named = grpcMethod(target.path);
  if (reply.over2 === undefined) return 'gRPC is served over HTTP/2 only';
  if (method !== 'POST') return 'A call of gRPC is a POST';
  if (codec === undefined || named === undefined || target.query !== '')
    return 'The path is not /service/method';
  if (first(fields, 'content-encoding') !== undefined) return 'A body of gRPC has no coding of its own';
  const encodings = all(fields, 'grpc-encoding');
  if (encodings.length > 1) return 'More than one encoding of messages';
  const shape = settings.protos?.method(named.service, named.rpc);
  const [encoding] = encodings;
  const call = { ...named, codec, contentType, shape, encoding, timeoutMs, message: undefined };
  if (shape === undefined || shape.clientStreams) return call;
  const reader = new MessageReader(house.limits.messageBytes);
  let message: GrpcMessage | undefined;
  const count = held.counting(costs.request);
  try {
    for await (const piece of within(body.stream(), bounds.signal)) {
      const full = count(piece);
      if (full !== undefined) await full;
      const read = reader.push(piece);
      if (!read.ok) return notFramed(read.error);
      for (const each of read.value) {
        if (message !== undefined) return 'This method takes one message';
        message = each;
      }
    }
  } catch (thrown) {
    if (bounds.late()) return 'late';
    throw thrown;
  }
  if (message === undefined || !reader.whole) return 'The message is cut off';
  return { ...call, message };
}

function unseenBy({ settings }: GrpcParts, call: Call): 'passes' | 'never' {
  return passesUnseen(settings, call) ? 'passes' : 'never';
}

function boundsOf({ world }: House, { signal }: Exchange, timeoutMs: number | undefined): Bounds {
  const late = new AbortController();
  const until = timeoutMs === undefined ? undefined : world.now() + timeoutMs;
  const timer =
    timeoutMs === undefined
      ? undefined
      : world.after(timeoutMs, () => late.abort(new Fault('upstream-late', ended)));
  return {
    signal: AbortSignal.any([signal, late.signal]),
    late: () => late.signal.aborted || (until !== undefined && world.now() >= until),
    left: () => (until === undefined ? undefined : until - world.now()),
    [Symbol.dispose]: () => timer?.[Symbol.dispose](),
  };
}

/** Written down as what it is, whatever the policy would say of it; nothing of it is sent. */
async function notUnderstood(exchange: Exchange, why: string): Promise<void> {
  const said = denial(
    'NOT_UNDERSTOOD',
    await writtenDown(exchange, why),
    why,
    'What is not understood is refused',
  );
  const status = why === notFramed('length') ? grpcStatus.resourceExhausted : grpcStatus.invalidArgument;
  sayRefusal(exchange.reply, status, said);
}

/** Gives the decision's id. */
async function writtenDown({ stay, target }: Exchange, why: string): Promise<string> {
  const action = unreadable('GRPC', target.path, why);
  const verdict = await stay.gate.ask({ action });
  if (verdict.kind === 'permit') stay.gate.done(verdict, { kind: 'unsent' });
  const id = verdict.kind === 'permit' ? verdict.id : verdict.denial.decisionId;
  void stay.recorder.frame('statement', json({ id, text: action.text }), id);
  void stay.recorder.frame('decision', json({ id, decision: 'deny', why }), id);
  return id;
}
