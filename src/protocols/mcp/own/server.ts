import { SdkError } from '@modelcontextprotocol/client';
import { createMcpHandler, ProtocolError, Server, type ServerContext } from '@modelcontextprotocol/server';
import { isObject } from '../../../base/check.ts';
import { Fault, WireError } from '../../../base/errors.ts';
import type { World } from '../../../base/time.ts';
import type { HttpRequest, HttpResponse } from '../../../carriers/http/client.ts';
import type { Exchange } from '../../../carriers/http/exchange.ts';
import type { Inside } from '../../../core/protocol.ts';
import { codes, type Json } from '../message.ts';
import { withoutNulls } from '../schema.ts';
import { type Caller, failed, type Told } from './caller.ts';
import { type OwnTool, ownTools } from './tools.ts';

export interface OwnParts {
  readonly inside: Inside;
  readonly world: World;
  readonly version: string;
}

/**
 * The gateway's own MCP server. It stands where any other server stands, behind the gate: a call of one of its tools is
 * judged, masked and written down as a call, and what the tool then asks of a resource is judged there once more.
 */
export interface OwnServer extends AsyncDisposable {
  readonly call: (request: HttpRequest, exchange: Exchange) => Promise<HttpResponse>;
}

const instructions = `Everything behind this gateway, under the rules that hold for you. Begin with list_resources. Check what you are unsure of with check_action before you try it. A denial says which rule it was and what to do instead: the same request again gets the same answer. pending_approval means that a person must agree: wait_for_review, then get_result.`;

export function ownServer(parts: OwnParts): OwnServer {
  return {
    call: async (request, exchange) => {
      // One for each request: what it serves, it serves for this caller alone.
      const handler = createMcpHandler(() => front(parts, exchange));
      const { method, fields, body, signal } = request;
      if (body !== undefined && !(body instanceof Uint8Array))
        throw new Fault('bug', 'A message is sent as a whole');
      const answer = await handler.fetch(
        new Request('http://127.0.0.1/', {
          method,
          headers: new Headers(fields.map(([name, value]): [string, string] => [name, value])),
          signal,
          ...(body === undefined ? {} : { body: Buffer.from(body) }),
        }),
      );
      return { status: answer.status, fields: [...answer.headers], body: bodyOf(answer, handler) };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function* bodyOf(
  answer: Response,
  handler: ReturnType<typeof createMcpHandler>,
): AsyncIterable<Uint8Array> {
  try {
    if (answer.body !== null) yield* answer.body;
  } finally {
    await handler.close();
  }
}

function front({ inside, world, version }: OwnParts, exchange: Exchange): Server {
  const server = new Server({ name: 'sallyport', version }, { capabilities: { tools: {} }, instructions });
  server.setRequestHandler('tools/list', () => ({ tools: definitions }) as never);
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    const tool = ownTools.find(({ name }) => name === params.name);
    if (tool === undefined) throw new ProtocolError(codes.invalidParams, 'There is no such tool');
    const { signal } = exchange;
    const caller = { inside, exchange, world, signal, tell: teller(context) };
    const given: unknown = params.arguments ?? {};
    return resultOf(
      await ran(tool, caller, withoutNulls(isObject(given) ? given : {}, schemaOf(tool))),
    ) as never;
  });
  return server;
}

/** Whatever becomes of it is said where the model reads it. */
async function ran(tool: OwnTool, caller: Caller, given: Json): Promise<Told> {
  // No database, header or path can hold these; a client that means them says them by an escape.
  if (holdsNoText(given))
    return failed('A text of the arguments holds a NUL character, or half of one: leave it out', {
      fix: ['Send plain Unicode text'],
    });
  try {
    return await tool.run(caller, given);
  } catch (thrown) {
    if (caller.signal.aborted) throw thrown;
    if (thrown instanceof Fault && thrown.code !== 'bug')
      return failed(thrown.message, { code: thrown.code });
    if (thrown instanceof WireError) return failed(thrown.message, { code: thrown.code });
    if (thrown instanceof ProtocolError || thrown instanceof SdkError)
      return failed('The other server did not answer as it should', { code: 'upstream' });
    throw thrown;
  }
}

function holdsNoText(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0') || !value.isWellFormed();
  if (Array.isArray(value)) return value.some(holdsNoText);
  return isObject(value) && Object.entries(value).some((pair) => pair.some(holdsNoText));
}

function schemaOf({ input, required }: OwnTool): Json {
  return { type: 'object', properties: input, required, additionalProperties: false };
}

const definitions: readonly Json[] = ownTools.map((tool) => ({
  name: tool.name,
  title: tool.title,
  description: tool.description,
  inputSchema: schemaOf(tool),
  annotations: {
    readOnlyHint: tool.access === 'read',
    destructiveHint: tool.access !== 'read',
    openWorldHint: tool.access !== 'read',
  },
}));

function teller(context: ServerContext): (line: string) => void {
  const { _meta: meta } = context.mcpReq;
  const token = isObject(meta) ? meta['progressToken'] : undefined;
  let told = 0;
  return (message) => {
    if (typeof token !== 'string' && typeof token !== 'number') return;
    told++;
    const params = { progressToken: token, progress: told, message };
    context.mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined);
  };
}

function resultOf({ kind, value }: Told): Json {
  // What another MCP server answered is passed on in its own form.
  if (Array.isArray(value['content'])) return value;
  return {
    content: [{ type: 'text', text: JSON.stringify(value) }],
    structuredContent: value,
    ...(kind === 'denied' || kind === 'failed' ? { isError: true } : {}),
  };
}
