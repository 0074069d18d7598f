import assert from 'node:assert/strict';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import {
  embed,
  embedMany,
  generateText,
  jsonSchema,
  type LanguageModel,
  Output,
  stepCountIs,
  streamText,
  tool,
} from 'ai';
import OpenAI from 'openai';
import { serveSampleModel } from '../../src/server/sample-model.ts';
import type { SampleService } from '../../src/server/sample-web.ts';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts } from './harness/place.ts';

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers:
  - { name: base, role: restrict, use: [{ module: masks }] }
  - { name: models, role: grant, use: [{ module: models }] }
record: full
`,
  'modules/models.policy.yaml': `
apiVersion: sallyport/v1
module: models
owner: team:platform
rules:
  - { id: ask, effect: allow, match: { resource: { kind: llm } }, why: Everybody may ask. }
  - id: no-shell
    effect: deny
    match: { resource: { kind: llm }, action: llm.tool }
    when: 'action.tool == "shell"'
    why: Agents run no shells.
`,
  'modules/masks.policy.yaml': `
apiVersion: sallyport/v1
module: masks
owner: team:platform
rules:
  - id: masks
    effect: require
    match: { resource: { kind: llm } }
    then: { mask: [{ find: '*', with: redact }] }
`,
};

/** Numbers like a real embedding's, among them runs of digits that look like cards and telephones. */
const vector = Array.from({ length: 1_536 }, (_, at) => Math.fround(Math.sin(at * 7.13) * 0.0411111111));
const base64 = Buffer.from(new Float32Array(vector).buffer).toString('base64');

/** A server that speaks OpenAI's API as vLLM and Ollama do, with what they add, and Ollama's own. */
function serveLocal(): Promise<Server & { readonly seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    request.on('end', () => {
      seen.push(`${request.method} ${request.url}`);
      const body = text === '' ? {} : (JSON.parse(text) as Body);
      (local[request.url ?? ''] ?? missing)(body, response);
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(Object.assign(server, { seen })));
  });
}

type Body = Readonly<Record<string, unknown>>;

function sayJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function missing(_body: Body, response: ServerResponse): void {
  sayJson(response, { error: { message: 'Not found' } }, 404);
}

function events(response: ServerResponse, all: readonly unknown[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const each of all) response.write(`data: ${JSON.stringify(each)}\n\n`);
  response.end('data: [DONE]\n\n');
}

const person = '{"colour":"blue","mail":"ann@example.com","age":41}';
const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };

const local: Readonly<Record<string, (body: Body, response: ServerResponse) => void>> = {
  '/v1/chat/completions': (body, response) => {
    const content = body['response_format'] === undefined ? 'Write to ann@example.com now' : person;
    const head = { id: 'c1', object: 'chat.completion', created: 1, model: 'llama3.2:3b' };
    if (body['stream'] !== true) {
      const message = { role: 'assistant', content, reasoning_content: 'I think of ann@example.com' };
      return sayJson(response, {
        ...head,
        system_fingerprint: 'fp_ollama',
        choices: [{ index: 0, message, finish_reason: 'stop', stop_reason: null }],
        usage,
      });
    }
    const parts = content.match(/[^]{1,6}/g) ?? [];
    events(response, [
      ...parts.map((piece) => ({
        ...head,
        object: 'chat.completion.chunk',
        choices: [{ index: 0, delta: { role: 'assistant', content: piece }, finish_reason: null }],
      })),
      { ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      { ...head, object: 'chat.completion.chunk', choices: [], usage },
    ]);
  },
  '/v1/completions': (body, response) => {
    const head = { id: 'c2', object: 'text_completion', created: 1, model: 'llama3.2:3b' };
    const piece = (text: string, finish: string | null): Body => ({
      ...head,
      choices: [{ index: 0, text, logprobs: null, finish_reason: finish }],
    });
    if (body['stream'] === true)
      return events(response, [
        piece(' and write to ann@exa', null),
        piece('mple.com', null),
        piece('', 'stop'),
      ]);
    sayJson(response, { ...piece(' and write to ann@example.com', 'stop'), usage });
  },
  '/v1/embeddings': (body, response) => {
    const count = Array.isArray(body['input']) ? body['input'].length : 1;
    const data = Array.from({ length: count }, (_, index) => ({
      object: 'embedding',
      index,
      embedding: body['encoding_format'] === 'base64' ? base64 : vector,
    }));
    sayJson(response, { object: 'list', data, model: 'nomic-embed-text', usage });
  },
  '/v1/models': (_body, response) =>
    sayJson(response, {
      object: 'list',
      data: [{ id: 'llama3.2:3b', object: 'model', created: 1, owned_by: 'library' }],
    }),
  '/v1/models/llama3.2:3b': (_body, response) =>
    sayJson(response, { id: 'llama3.2:3b', object: 'model', created: 1, owned_by: 'library' }),
  '/api/chat': (_body, response) =>
    sayJson(response, { message: { role: 'assistant', content: 'ann@example.com' } }),
};

describe('clients of models, unchanged but for address and key', () => {
  let model: SampleService;
  let server: Server & { readonly seen: string[] };
  let gateway: Configured;
  let url = '';
  let token = '';

  before(async () => {
    model = await serveSampleModel(0);
    server = await serveLocal();
    const first = await freePorts(2);
    gateway = await startConfigured({
      api: first,
      policy,
      text: `
listen: { api: 127.0.0.1:${first}, llm: 127.0.0.1:${first + 1} }
policy: ./policy
identities: [{ subject: ann, kind: human, groups: [] }]
resources:
  - { name: model, kind: llm, url: 'http://127.0.0.1:${model.port}' }
  - { name: local, kind: llm, url: 'http://127.0.0.1:${(server.address() as AddressInfo).port}' }
`,
    });
    url = `http://127.0.0.1:${first + 1}`;
    token = await gateway.token('ann');
  });

  after(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await model?.[Symbol.asyncDispose]();
    server?.close();
  });

  const providers = (): Readonly<Record<string, LanguageModel>> => {
    const openai = createOpenAI({ baseURL: `${url}/model/v1`, apiKey: token });
    const anthropic = createAnthropic({ baseURL: `${url}/model/v1`, apiKey: token });
    const compatible = createOpenAICompatible({ name: 'local', baseURL: `${url}/model/v1`, apiKey: token });
    return {
      'openai chat': openai.chat('demo-1'),
      'openai responses': openai.responses('demo-1'),
      'anthropic messages': anthropic('demo-1'),
      'openai-compatible': compatible('demo-1'),
    };
  };

  const schema = jsonSchema<{ id: number }>({
    type: 'object',
    properties: { id: { type: 'number' } },
    required: ['id'],
    additionalProperties: false,
  });

  for (const name of ['openai chat', 'openai responses', 'anthropic messages', 'openai-compatible']) {
    const of = (): LanguageModel => {
      const found = providers()[name];
      assert.ok(found !== undefined);
      return found;
    };

    test(`the AI SDK over ${name}: a loop with a tool, whole and streamed`, async () => {
      for (const streams of [false, true]) {
        const called: number[] = [];
        const tools = {
          lookup: tool({
            description: 'Looks a customer up',
            inputSchema: schema,
            execute: ({ id }) => {
              called.push(id);
              return `found ${id}, ann@example.com`;
            },
          }),
        };
        const asked = {
          model: of(),
          tools,
          stopWhen: stepCountIs(3),
          maxOutputTokens: 500,
          prompt: 'call lookup {"id":7}',
        };
        const made = streams ? streamText(asked) : await generateText(asked);
        const [text, steps] = [await made.text, await made.steps];
        assert.deepEqual(called, [7], `${streams}`);
        assert.equal(steps.length, 2);
        assert.match(text, /found 7/);
        assert.doesNotMatch(text, /ann@example/);
      }
    });

    test(`the AI SDK over ${name}: a call that is denied is said, and no tool runs`, async () => {
      for (const streams of [false, true]) {
        let ran = false;
        const tools = {
          shell: tool({
            description: 'Runs a command',
            inputSchema: schema,
            execute: () => {
              ran = true;
              return 'ran';
            },
          }),
        };
        const asked = {
          model: of(),
          tools,
          stopWhen: stepCountIs(3),
          maxOutputTokens: 500,
          prompt: 'call shell {"id":1}',
        };
        const made = streams ? streamText(asked) : await generateText(asked);
        assert.match(await made.text, /Denied by Sallyport: Agents run no shells/);
        assert.ok(!ran);
      }
    });
  }

  const compatible = () =>
    createOpenAICompatible({
      name: 'local',
      baseURL: `${url}/local/v1`,
      apiKey: token,
      supportsStructuredOutputs: true,
    });
  const personSchema = jsonSchema<{ colour: string; mail: string; age: number }>({
    type: 'object',
    properties: { colour: { type: 'string' }, mail: { type: 'string' }, age: { type: 'number' } },
    required: ['colour', 'mail', 'age'],
    additionalProperties: false,
  });

  test('objects, whole and streamed: what is masked stays JSON of the schema', async () => {
    for (const of of [
      compatible()('llama3.2:3b'),
      createOpenAI({ baseURL: `${url}/local/v1`, apiKey: token }).chat('llama3.2:3b'),
    ]) {
      const asked = { model: of, output: Output.object({ schema: personSchema }), prompt: 'Who is it?' };
      const whole = await generateText(asked);
      assert.deepEqual(whole.output, { colour: 'blue', mail: '[EMAIL_ADDRESS]', age: 41 });
      const stream = streamText(asked);
      for await (const part of stream.partialOutputStream) assert.ok(!JSON.stringify(part).includes('ann@'));
      assert.deepEqual(await stream.output, whole.output);
    }
  });

  test('a local server behind it: texts, thoughts, the older completions, models', async () => {
    const client = new OpenAI({ baseURL: `${url}/local/v1`, apiKey: token });
    const { text, reasoningText } = await generateText({ model: compatible()('llama3.2:3b'), prompt: 'x' });
    assert.deepEqual([text, reasoningText], ['Write to [EMAIL_ADDRESS] now', 'I think of [EMAIL_ADDRESS]']);
    assert.equal(await streamText({ model: compatible()('llama3.2:3b'), prompt: 'x' }).text, text);
    const asked = { model: 'llama3.2:3b', prompt: 'Go on' };
    const whole = await client.completions.create(asked);
    assert.equal(whole.choices[0]?.text, ' and write to [EMAIL_ADDRESS]');
    let streamed = '';
    for await (const part of await client.completions.create({ ...asked, stream: true }))
      streamed += part.choices[0]?.text ?? '';
    assert.equal(streamed, whole.choices[0]?.text);
    const { text: older } = await generateText({
      model: compatible().completionModel('llama3.2:3b'),
      prompt: 'x',
    });
    assert.equal(older, ' and write to [EMAIL_ADDRESS]');
    assert.equal((await client.models.list()).data[0]?.id, 'llama3.2:3b');
    assert.equal((await client.models.retrieve('llama3.2:3b')).id, 'llama3.2:3b');
  });

  test('embeddings come back as they are, as numbers and as Base64, although everything else is masked', async () => {
    const client = new OpenAI({ baseURL: `${url}/local/v1`, apiKey: token });
    const made = await client.embeddings.create({ model: 'nomic-embed-text', input: 'x' }); // asks for Base64
    assert.deepEqual(made.data[0]?.embedding, vector);
    const plain = await client.embeddings.create({
      model: 'nomic-embed-text',
      input: ['x', 'y'],
      encoding_format: 'float',
    });
    assert.deepEqual(
      plain.data.map(({ embedding }) => embedding),
      [vector, vector],
    );
    const embedder = compatible().embeddingModel('nomic-embed-text');
    assert.deepEqual((await embed({ model: embedder, value: 'x' })).embedding, vector);
    assert.equal((await embedMany({ model: embedder, values: ['x', 'y', 'z'] })).embeddings.length, 3);
  });

  for (const [what, path] of [
    ["Ollama's own chat", '/api/chat'],
    ["Ollama's own generate", '/api/generate'],
    ["Ollama's own list", '/api/tags'],
    ["vLLM's own", '/tokenize'],
    ["vLLM's scores", '/v1/score'],
    ['audio', '/v1/audio/transcriptions'],
  ] as const) {
    test(`another protocol is refused by name, and reaches nobody: ${what}`, async () => {
      const before = server.seen.length;
      const gets = path === '/api/tags';
      const answer = await fetch(`${url}/local${path}`, {
        method: gets ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(gets ? {} : { body: '{"model":"llama3.2:3b","messages":[]}' }),
      });
      const { error } = (await answer.json()) as { readonly error: { readonly message: string } };
      assert.equal(answer.status, 400);
      assert.ok(error.message.includes(path), error.message);
      if (path.startsWith('/api/')) assert.match(error.message, /Ollama.*\/v1/);
      assert.equal(server.seen.length, before);
    });
  }
});
