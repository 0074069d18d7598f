import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { costs } from '../../carriers/http/costs.ts';
import type { Exchange } from '../../carriers/http/exchange.ts';
import { statedBy } from '../../carriers/http/stated.ts';
import { Fault } from '../../base/errors.ts';
import type { Action } from '../../core/action.ts';
import type { Denial, Permit } from '../../core/decision.ts';
import { Full, type Level } from '../../core/held.ts';
import type { Waiting } from '../../core/protocol.ts';
import type { GrpcMessage } from '../../http/grpc.ts';
import { NotMessage, plainProto } from '../../http/protobuf.ts';
import { type Bounds, type Call, type GrpcParts, passesUnseen } from './grpc-call.ts';
import { expanded } from './grpc-mask.ts';
import { meaningOfCall } from './grpc-meaning.ts';
import { json } from './pass.ts';
import type { HttpRoute } from './settings.ts';

/** What became of one message of a client's stream. */
export type Judged =
  | { readonly kind: 'permit'; readonly permit: Permit }
  | { readonly kind: 'refusal'; readonly denial: Denial }
  | { readonly kind: 'broken'; readonly why: string };

/** Judges the messages of a client's stream, one by one. */
export type Judge = (message: GrpcMessage) => Promise<Judged>;

/** Undefined where nobody can read the messages: then the call is judged by its method alone. */
export function judgeOf(
  parts: GrpcParts,
  {
    exchange,
    call,
    bounds,
    route,
  }: {
    readonly exchange: Exchange;
    readonly call: Call;
    readonly bounds: Bounds;
    readonly route: HttpRoute | undefined;
  },
): Judge | undefined {
  const readable = call.codec === 'json' || (call.codec === 'proto' && call.shape !== undefined);
  if (call.message !== undefined || !readable || passesUnseen(parts.settings, call)) return undefined;
  const { stay, host, fields } = exchange;
  return async (message) => {
    using level = exchange.held.level(costs.request.each);
    const text = await textOf(parts, { ...call, message }, level);
    if (typeof text !== 'string') return { kind: 'broken', why: text.why };
    const reads = call.shape?.reads === true;
    const action = meaningOfCall({
      ...call,
      message,
      host,
      route,
      text,
      reads,
      seen: 'whole',
      from: 'client',
    });
    if (action === undefined)
      return { kind: 'broken', why: 'A message cannot be read as rules would have to' };
    const verdict = await stay.gate.ask({
      action,
      values: valuesOf(call, message),
      ...statedBy(fields),
      wait: () => waitingOf(exchange, action, bounds),
    });
    const id = verdict.kind === 'permit' ? verdict.id : verdict.denial.decisionId;
    if (verdict.kind === 'refusal' || verdict.duties.record !== 'meta') {
      const frame = stay.recorder.frame('statement', json({ id, text: action.text }), id);
      if (frame !== undefined) await frame;
    }
    if (verdict.kind === 'permit') return { kind: 'permit', permit: verdict };
    void stay.recorder.frame('decision', json({ id, decision: 'deny', why: verdict.denial.why }), id);
    return { kind: 'refusal', denial: verdict.denial };
  };
}

/** What an approval is for: these very bytes. */
export function valuesOf({ encoding }: Call, { raw }: GrpcMessage): string {
  return createHash('sha256').update(`${encoding} `).update(raw).digest('hex');
}

/** The message as people and rules read it: JSON; empty where there is none, or nobody knows its type. */
export async function textOf(
  { house }: GrpcParts,
  { message, shape, codec, encoding }: Call,
  level: Level,
): Promise<string | { readonly why: string }> {
  if (message === undefined || codec === 'other') return '';
  try {
    const plain = await expanded(message, encoding, { most: house.limits.messageBytes, level });
    if (codec === 'json')
      return isUtf8(plain) ? Buffer.from(plain).toString('utf8') : { why: 'The message is not UTF-8' };
    return shape === undefined ? '' : JSON.stringify(plainProto(plain, shape.request));
  } catch (thrown) {
    if (thrown instanceof NotMessage) return { why: 'The message is not of the type that the schema says' };
    if (thrown instanceof Full) throw thrown;
    if (thrown instanceof Fault) return { why: 'The message could not be decompressed' };
    throw thrown;
  }
}

/** A client of gRPC waits as long as it said, or for ever: its deadline ends the review. */
export function waitingOf({ fields }: Exchange, action: Action, { signal }: Bounds): Waiting {
  return {
    tell: () => undefined, // there is no word for it before the answer
    signal,
    settings: {},
    again: () => Promise.resolve({ action, settings: {} }), // nothing around a call changes what it means
    ...statedBy(fields),
    [Symbol.dispose]: () => undefined,
  };
}
