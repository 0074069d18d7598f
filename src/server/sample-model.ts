import type { ServerResponse } from 'node:http';
import { isObject } from '../base/check.ts';
import { sampleCustomers } from './sample-data.ts';
import { sayJson, serveSample, type SampleRequest, type SampleService } from './sample-web.ts';

/**
 * The demo's model: answers by a script, in the shapes of OpenAI (Chat Completions, Responses, embeddings) and Anthropic
 * (Messages), streamed or not. "Who is customer 7?" is answered with that customer's data; "call NAME {…}" asks for that
 * tool with these arguments; anything else is repeated.
 */
export function serveSampleModel(port: number): Promise<SampleService> {
  const customers = sampleCustomers();
  const script = (asked: string): Said => {
    const call = /\bcall ([\w.-]+) (\{[^]*\})/.exec(asked);
    if (call !== null && isJson(call[2] ?? '')) {
      return { kind: 'call', name: call[1] ?? '', arguments: call[2] ?? '{}' };
    }
    const id = /customer (\d{1,4})/i.exec(asked)?.[1];
    const found = id === undefined ? undefined : customers[Number(id) - 1];
    if (found === undefined) return { kind: 'text', text: `You said: ${asked}` };
    const { name, email, phone, city } = found;
    return {
      kind: 'text',
      text: `Customer ${id} is ${name} of ${city}. Write to ${email} or call ${phone}.`,
    };
  };
  return serveSample(port, (request, response) => {
    if (request.path === '/v1/models') {
      return sayJson(response, {
        object: 'list',
        data: [{ id: model, object: 'model', created: 0, owned_by: 'demo' }],
      });
    }
    const shape = shapes[request.path];
    const body = read(request);
    if (shape === undefined || body === undefined)
      return sayJson(response, { error: { message: 'Not found' } }, 404);
    shape(body, script(lastText(body)), response);
  });
}

const model = 'demo-1';

type Said =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: string };

type Body = Readonly<Record<string, unknown>>;

const shapes: Readonly<Record<string, (body: Body, said: Said, response: ServerResponse) => void>> = {
  '/v1/chat/completions': chat,
  '/v1/responses': responses,
  '/v1/messages': messages,
  '/v1/embeddings': (body, _said, response) => {
    const input = Array.isArray(body['input']) ? body['input'] : [body['input']];
    const data = input.map((_, index) => ({ object: 'embedding', index, embedding: [0.1, 0.2, 0.3] }));
    sayJson(response, { object: 'list', data, model, usage: { prompt_tokens: 5, total_tokens: 5 } });
  },
};

function read({ method, body }: SampleRequest): Body | undefined {
  if (method !== 'POST' || !isJson(body)) return undefined;
  const parsed = JSON.parse(body) as unknown;
  return isObject(parsed) ? parsed : undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The text of the last message, whatever shape the request has. */
function lastText(body: Body): string {
  const list = Array.isArray(body['messages']) ? body['messages'] : body['input'];
  if (typeof list === 'string') return list;
  const last: unknown = Array.isArray(list) ? list.at(-1) : undefined;
  if (!isObject(last)) return '';
  const { content, output } = last;
  if (typeof output === 'string') return output;
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part: unknown) => (isObject(part) ? textOf(part) : '')).join('');
}

function textOf(part: Body): string {
  const { text, content } = part;
  if (typeof text === 'string') return text;
  return typeof content === 'string' ? content : JSON.stringify(content ?? '');
}

/** A few letters at a time, so that what must not be seen comes in pieces. */
function pieces(text: string): readonly string[] {
  return text.match(/[^]{1,5}/g) ?? [];
}

function stream(
  response: ServerResponse,
  events: readonly { readonly event?: string; readonly data: unknown }[],
  done?: string,
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const { event, data } of events) {
    response.write(`${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`);
  }
  response.end(done);
}

const usage = { prompt_tokens: 12, completion_tokens: 24, total_tokens: 36 };

function chat(body: Body, said: Said, response: ServerResponse): void {
  const head = { id: 'chatcmpl-demo', created: 1_700_000_000, model };
  const call =
    said.kind === 'call'
      ? { id: 'call_1', type: 'function', function: { name: said.name, arguments: said.arguments } }
      : undefined;
  const reason = call === undefined ? 'stop' : 'tool_calls';
  if (body['stream'] !== true) {
    const message = {
      role: 'assistant',
      content: said.kind === 'text' ? said.text : null,
      ...(call === undefined ? {} : { tool_calls: [call] }),
    };
    return sayJson(response, {
      ...head,
      object: 'chat.completion',
      choices: [{ index: 0, message, finish_reason: reason }],
      usage,
    });
  }
  const chunk = (delta: object, finish: string | null = null): { data: unknown } => ({
    data: { ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] },
  });
  const deltas =
    said.kind === 'text'
      ? pieces(said.text).map((content) => chunk({ content }))
      : [
          chunk({
            tool_calls: [
              { index: 0, id: 'call_1', type: 'function', function: { name: said.name, arguments: '' } },
            ],
          }),
          ...pieces(said.arguments).map((part) =>
            chunk({ tool_calls: [{ index: 0, function: { arguments: part } }] }),
          ),
        ];
  const last = isObject(body['stream_options'])
    ? [{ data: { ...head, object: 'chat.completion.chunk', choices: [], usage } }]
    : [];
  stream(
    response,
    [chunk({ role: 'assistant', content: '' }), ...deltas, chunk({}, reason), ...last],
    'data: [DONE]\n\n',
  );
}

function responses(body: Body, said: Said, response: ServerResponse): void {
  const item =
    said.kind === 'text'
      ? {
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text: said.text, annotations: [] }],
        }
      : {
          id: 'fc_1',
          type: 'function_call',
          call_id: 'call_1',
          name: said.name,
          arguments: said.arguments,
          status: 'completed',
        };
  const whole = {
    id: 'resp_demo', object: 'response', created_at: 1_700_000_000, status: 'completed', model, output: [item], parallel_tool_calls: true,
    tool_choice: 'auto', tools: [], error: null, incomplete_details: null, instructions: null, metadata: {}, temperature: 1, top_p: 1,
    usage: { input_tokens: 12, output_tokens: 24, total_tokens: 36, input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } },
  }; // prettier-ignore
  if (body['stream'] !== true) return sayJson(response, whole);
  let sequence = 0;
  const event = (type: string, more: object): { event: string; data: unknown } => ({
    event: type,
    data: { type, sequence_number: sequence++, ...more },
  });
  const at = { item_id: item.id, output_index: 0 };
  const inner =
    said.kind === 'text'
      ? [
          event('response.content_part.added', {
            ...at,
            content_index: 0,
            part: { type: 'output_text', text: '', annotations: [] },
          }),
          ...pieces(said.text).map((delta) =>
            event('response.output_text.delta', { ...at, content_index: 0, delta, logprobs: [] }),
          ),
          event('response.output_text.done', { ...at, content_index: 0, text: said.text, logprobs: [] }),
          event('response.content_part.done', {
            ...at,
            content_index: 0,
            part: { type: 'output_text', text: said.text, annotations: [] },
          }),
        ]
      : [
          ...pieces(said.arguments).map((delta) =>
            event('response.function_call_arguments.delta', { ...at, delta }),
          ),
          event('response.function_call_arguments.done', { ...at, arguments: said.arguments }),
        ];
  stream(response, [
    event('response.created', { response: { ...whole, status: 'in_progress', output: [] } }),
    event('response.output_item.added', {
      output_index: 0,
      item: {
        ...item,
        status: 'in_progress',
        ...(said.kind === 'text' ? { content: [] } : { arguments: '' }),
      },
    }),
    ...inner,
    event('response.output_item.done', { output_index: 0, item }),
    event('response.completed', { response: whole }),
  ]);
}

function messages(body: Body, said: Said, response: ServerResponse): void {
  const block =
    said.kind === 'text'
      ? { type: 'text', text: said.text }
      : { type: 'tool_use', id: 'toolu_1', name: said.name, input: JSON.parse(said.arguments) as unknown };
  const reason = said.kind === 'text' ? 'end_turn' : 'tool_use';
  const head = { id: 'msg_demo', type: 'message', role: 'assistant', model, stop_sequence: null };
  const spent = { input_tokens: 12, output_tokens: 24 };
  if (body['stream'] !== true)
    return sayJson(response, { ...head, content: [block], stop_reason: reason, usage: spent });
  const event = (type: string, more: object): { event: string; data: unknown } => ({
    event: type,
    data: { type, ...more },
  });
  const deltas =
    said.kind === 'text'
      ? pieces(said.text).map((text) => ({ type: 'text_delta', text }))
      : pieces(said.arguments).map((part) => ({ type: 'input_json_delta', partial_json: part }));
  stream(response, [
    event('message_start', {
      message: { ...head, content: [], stop_reason: null, usage: { input_tokens: 12, output_tokens: 1 } },
    }),
    event('content_block_start', {
      index: 0,
      content_block: said.kind === 'text' ? { type: 'text', text: '' } : { ...block, input: {} },
    }),
    ...deltas.map((delta) => event('content_block_delta', { index: 0, delta })),
    event('content_block_stop', { index: 0 }),
    event('message_delta', {
      delta: { stop_reason: reason, stop_sequence: null },
      usage: { output_tokens: 24 },
    }),
    event('message_stop', {}),
  ]);
}
