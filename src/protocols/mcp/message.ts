import { isObject } from '../../base/check.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { rewriteJson, type Show } from '../../http/json.ts';

export type Json = { readonly [key: string]: unknown };

/** One JSON-RPC message (MCP 2025-11-25 and 2026-07-28, Base protocol). Batches are of neither revision. */
export type Message =
  | { readonly kind: 'request'; readonly id: Id; readonly method: string; readonly params: Json }
  | { readonly kind: 'notification'; readonly method: string; readonly params: Json }
  | { readonly kind: 'answer'; readonly id: Id; readonly result: Json }
  | { readonly kind: 'error'; readonly id: Id | null; readonly error: Json };

export type Id = string | number;

const deepest = 100;
const evil: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Reads one message. Refuses what two readers could take differently: keys given twice, evil keys, whole numbers that a
 * double cannot hold, a message that is request and answer at once.
 */
export function readMessage(text: string): Result<Message, string> {
  let why: string | undefined;
  const look: Show = ({ kind, key, value, path }) => {
    if (kind === 'key' && evil.has(key)) why = 'A key is not allowed';
    if (kind === 'number' && /^-?\d+$/.test(value) && !Number.isSafeInteger(Number(value)))
      why = 'A whole number is too large to be read by everybody alike';
    if (path.length > 4_000 || path.split(/[.[]/).length > deepest) why = 'It is nested too deeply';
    return undefined;
  };
  const read = rewriteJson(text, look, { uniqueKeys: true });
  if (!read.ok) return read;
  if (why !== undefined) return err(why);
  const raw = JSON.parse(text) as unknown; // read as JSON just now
  return messageOf(raw);
}

export function messageOf(raw: unknown): Result<Message, string> {
  if (!isObject(raw) || raw['jsonrpc'] !== '2.0') return err('It is not one JSON-RPC 2.0 message');
  const { id, method, params = {}, result, error } = raw;
  const forms = [method, result, error].filter((each) => each !== undefined).length;
  if (forms !== 1) return err('It must be a request, a notification, a result or an error');
  if (typeof method === 'string') {
    if (!isObject(params)) return err('`params` is not an object');
    if (!/^[\w$./-]{1,200}$/.test(method)) return err('`method` is not a name');
    if (!Object.hasOwn(raw, 'id')) return ok({ kind: 'notification', method, params });
    return isId(id) ? ok({ kind: 'request', id, method, params }) : err('`id` is neither text nor number');
  }
  if (isObject(result))
    return isId(id) ? ok({ kind: 'answer', id, result }) : err('`id` is neither text nor number');
  if (isObject(error)) return ok({ kind: 'error', id: isId(id) ? id : null, error });
  return err('It must be a request, a notification, a result or an error');
}

function isId(id: unknown): id is Id {
  return (typeof id === 'string' && id.length <= 500) || (typeof id === 'number' && Number.isFinite(id));
}

/** The message as it is sent: made from what was read and judged, never the bytes that came. */
export function textOf(message: Message): string {
  const { kind: _, ...rest } = message;
  return JSON.stringify({ jsonrpc: '2.0', ...rest });
}

/** JSON-RPC and MCP error codes that the gateway itself says. */
export const codes = {
  parse: -32_700,
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  invalidParams: -32_602,
  internal: -32_603,
  sessionNotFound: -32_001,
  denied: -32_003,
  headerMismatch: -32_020, // MCP 2026-07-28, Streamable HTTP
  missingCapability: -32_021, // MCP 2026-07-28
} as const;

export function errorOf(id: Id | null, code: number, message: string, data?: Json): Message {
  return { kind: 'error', id, error: { code, message, ...(data === undefined ? {} : { data }) } };
}
