import { isObject } from '../../base/check.ts';
import type { HttpResponse } from '../../carriers/http/client.ts';
import { costs } from '../../carriers/http/costs.ts';
import { wholeOf } from '../../carriers/http/decoded.ts';
import type { Holding } from '../../core/held.ts';
import type { Gate } from '../../core/protocol.ts';
import { EventReader } from '../../http/events.ts';
import { first } from '../../http/headers.ts';
import { askAboutChanges } from './changes.ts';
import { plain } from './checks.ts';
import { type Json, type Message, readMessage, textOf } from './message.ts';
import type { Fit } from './pins.ts';
import { requestOf } from './request.ts';
import type { Asked, ToolboxParts } from './talk.ts';

/** Why a call is not sent: its tool is not there as it is pinned, its arguments are not those of the schema, or a header lies. */
export type Unfit = Exclude<Fit, { kind: 'fits' }> | string;

const mostPages = 50;

/** A call must be one of a tool as it is pinned, with the arguments of its schema: asked of the server right before. */
export async function unfitIn(parts: ToolboxParts, asked: Asked, gate: Gate): Promise<Unfit | undefined> {
  const { message, modern, exchange } = asked;
  if (message?.kind !== 'request' || message.method !== 'tools/call') return undefined;
  const name = String(message.params['name']);
  if (await refresh(parts, asked, message)) askAboutChanges(parts, gate);
  const given = message.params['arguments'] ?? {};
  const fit = await parts.pins.fit(name, given);
  if (fit.kind !== 'fits') return fit;
  if (!modern) return undefined;
  const mirrors = parts.pins.mirrors(name);
  for (const [header, value] of exchange.fields) {
    if (!header.startsWith('mcp-param-')) continue;
    const key = mirrors.get(header);
    const own = key === undefined || !isObject(given) ? undefined : worded(given[key]);
    if (own === undefined || own !== plain(value))
      return 'Header mismatch: an Mcp-Param header is not the argument in the body';
  }
  return undefined;
}

/** Takes the definitions of the tools that the server offers now. Whether it told them. */
async function refresh(
  parts: ToolboxParts,
  asked: Asked,
  call: Extract<Message, { kind: 'request' }>,
): Promise<boolean> {
  const meta = call.params['_meta'];
  let cursor: unknown;
  for (let page = 0; page < mostPages; page++) {
    const id = `sallyport-${page}`;
    const params: Json = {
      ...(cursor === undefined ? {} : { cursor }),
      ...(asked.modern && isObject(meta) ? { _meta: withoutProgress(meta) } : {}),
    };
    const request = requestOf(asked, textOf({ kind: 'request', id, method: 'tools/list', params }));
    const fields = request.fields.filter(
      ([name]) => !/^(?:mcp-(?:method|name|param-.*)|last-event-id)$/.test(name),
    );
    if (asked.modern) fields.push(['mcp-method', 'tools/list']);
    // Nothing of the client's is in it: what the server offers now is asked by the gateway itself.
    const answer = await parts.call({ ...request, fields }, asked.exchange);
    const result = await resultOf(answer, id, {
      most: parts.house.limits.messageBytes,
      held: asked.exchange.held,
    });
    if (result === undefined) return false; // what is not listed is not known, and so not called
    const { tools } = result;
    if (Array.isArray(tools)) for (const each of tools) if (isObject(each)) parts.pins.take(each);
    cursor = result['nextCursor'];
    if (typeof cursor !== 'string') break;
  }
  return true;
}

/** The result of a request that the gateway made itself. */
async function resultOf(
  answer: HttpResponse,
  id: string,
  { most, held }: { readonly most: number; readonly held: Holding },
): Promise<Json | undefined> {
  using level = held.level(costs.parsed.each);
  const bytes = await wholeOf(answer.body, most, (piece) => level.add(piece.length));
  if (bytes === undefined || answer.status !== 200) return undefined;
  const text = Buffer.from(bytes).toString('utf8');
  const events = first(answer.fields, 'content-type')?.startsWith('text/event-stream') === true;
  const reader = new EventReader();
  const texts = events ? reader.push(text).flatMap(({ data = '' }) => (data === '' ? [] : [data])) : [text];
  for (const each of texts) {
    const read = readMessage(each);
    if (read.ok && read.value.kind === 'answer' && read.value.id === id) return read.value.result;
  }
  return undefined;
}

function withoutProgress(meta: Json): Json {
  const { progressToken: _, ...rest } = meta;
  return rest;
}

/** How a header repeats an argument (2026-07-28, Streamable HTTP): only these kinds can be repeated. */
function worded(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
