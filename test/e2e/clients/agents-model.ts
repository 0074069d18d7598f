import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** A model by a script, for agents: asks once for the tool whose name ends in `tool`, then repeats what it gave. */
export interface ScriptedModel extends AsyncDisposable {
  readonly port: number;
  /** All bodies it was sent. */
  readonly asked: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

export async function scriptedModel(tool: string, given: object): Promise<ScriptedModel> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      asked.push(body);
      const read = body === '' ? {} : (JSON.parse(body) as Json);
      const path = (request.url ?? '').split('?', 1)[0] ?? '';
      if (path.endsWith('/messages')) messages(response, read, tool, given);
      else if (path.endsWith('/responses')) responses(response, read, tool, given);
      else response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{"message":"no"}}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await Promise.resolve();
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function events(response: ServerResponse, list: readonly (Json & { readonly type: string })[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const each of list) response.write(`event: ${each.type}\ndata: ${JSON.stringify(each)}\n\n`);
  response.end();
}

// oxlint-disable-next-line max-params
function messages(response: ServerResponse, body: Json, tool: string, given: object): void {
  const list = (body['messages'] ?? []) as readonly { readonly content: unknown }[];
  const parts = list.flatMap(({ content }) => (Array.isArray(content) ? (content as readonly Json[]) : []));
  const result = parts.findLast(({ type }) => type === 'tool_result');
  const tools = (body['tools'] ?? []) as readonly { readonly name?: string }[];
  const name = tools.find((each) => each.name?.endsWith(tool) === true)?.name;
  const calls = result === undefined && name !== undefined;
  const block = calls ? { type: 'tool_use', id: 'toolu_1', name, input: {} } : { type: 'text', text: '' };
  const delta = calls
    ? { type: 'input_json_delta', partial_json: JSON.stringify(given) }
    : {
        type: 'text_delta',
        text: result === undefined ? 'Hello.' : `It said: ${JSON.stringify(result['content'])}`,
      };
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: body['model'],
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 10, output_tokens: 1 },
  };
  const stop = calls ? 'tool_use' : 'end_turn';
  events(response, [
    { type: 'message_start', message },
    { type: 'content_block_start', index: 0, content_block: block },
    { type: 'content_block_delta', index: 0, delta },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: 9 } },
    { type: 'message_stop' },
  ]);
}

// oxlint-disable-next-line max-params
function responses(response: ServerResponse, body: Json, tool: string, given: object): void {
  const input = (body['input'] ?? []) as readonly Json[];
  const output = Array.isArray(input)
    ? input.findLast(({ type }) => type === 'function_call_output')
    : undefined;
  const named = namedTool((body['tools'] ?? []) as readonly Json[], tool);
  const calls = output === undefined && named !== undefined;
  const item = calls
    ? { type: 'function_call', id: 'fc_1', call_id: 'call_1', arguments: JSON.stringify(given), ...named }
    : {
        type: 'message',
        id: 'msg_1',
        role: 'assistant',
        content: [
          {
            type: 'output_text',
            text: output === undefined ? 'Hello.' : `It said: ${JSON.stringify(output['output'])}`,
          },
        ],
      };
  const usage = {
    input_tokens: 10,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 9,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 19,
  };
  const about = { id: 'resp_1', object: 'response', created_at: 1_700_000_000, model: body['model'] };
  events(response, [
    { type: 'response.created', response: { ...about, status: 'in_progress', output: [] } },
    { type: 'response.output_item.added', output_index: 0, item },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response: { ...about, status: 'completed', output: [item], usage } },
  ]);
}

/** Codex keeps the tools of a server in a namespace. */
function namedTool(tools: readonly Json[], tool: string): Json | undefined {
  for (const each of tools) {
    const inner = Array.isArray(each['tools']) ? (each['tools'] as readonly Json[]) : undefined;
    const found = (inner ?? [each]).find(({ name }) => typeof name === 'string' && name.endsWith(tool));
    if (found !== undefined)
      return { name: found['name'], ...(inner === undefined ? {} : { namespace: each['name'] }) };
  }
  return undefined;
}
