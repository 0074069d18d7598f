import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { generateText, streamText } from 'ai';
import OpenAI from 'openai';
import { sampleCustomers } from '../../src/server/sample-data.ts';
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
about: Who may use models.
owner: team:platform
rules:
  - id: ask
    effect: allow
    match: { resource: { kind: llm } }
    why: Everybody may ask.
    fix: Ask.
  - id: no-other-model
    effect: deny
    match: { resource: { kind: llm }, action: [llm.complete, llm.embed] }
    when: 'action.model != "demo-1"'
    why: Only demo-1 is used here.
    fix: Use demo-1.
  - id: no-shell
    effect: deny
    match: { resource: { kind: llm }, action: llm.tool }
    when: 'action.tool == "shell"'
    why: Agents run no shells.
    fix: Use another tool.
`,
  'modules/masks.policy.yaml': `
apiVersion: sallyport/v1
module: masks
about: What is hidden.
owner: team:platform
rules:
  - id: masks
    effect: require
    match: { resource: { kind: llm } }
    then: { mask: [{ find: EMAIL_ADDRESS, with: token }, { find: PHONE_NUMBER, with: redact }, { find: US_SSN, with: redact }] }
    why: Personal data is masked.
    fix: Use ids.
`,
};

const seven = sampleCustomers()[6];
const question = 'Who is customer 7?';

/** A provider that says no more than it must: no reason at the end, or no end at all. */
function serveTerse(): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume();
    request.once('end', () => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const content of ['Write to ann@exam', 'ple.com or call +1 415 ', '555 2671'])
        response.write(
          `data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta: { content } }] })}\n\n`,
        );
      const how = request.url ?? '';
      if (how.startsWith('/done')) response.end('data: [DONE]\n\n');
      else if (how.startsWith('/cut')) setImmediate(() => response.destroy());
      else response.end();
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve(server);
    });
  });
}

describe('models through the gateway, with the official SDKs', () => {
  let model: SampleService;
  let terse: Server;
  let gateway: Configured;
  let url = '';
  let token = '';
  let poor = '';

  before(async () => {
    model = await serveSampleModel(0);
    terse = await serveTerse();
    const tersePort = (terse.address() as AddressInfo).port;
    const first = await freePorts(2);
    gateway = await startConfigured({
      api: first,
      policy,
      text: `
listen: { api: 127.0.0.1:${first}, llm: 127.0.0.1:${first + 1} }
policy: ./policy
identities:
  - { subject: analyst, kind: human, groups: [analysts] }
  - { subject: poor, kind: human, groups: [poor] }
resources:
  - name: model
    kind: llm
    url: http://127.0.0.1:${model.port}
    credentials: { bearer: provider-key }
    prices: { 'demo-*': { input: 1, output: 2 } }
    budgets: [{ per: { group: poor }, requests: 2, every: 1h }]
${['done', 'cut', 'end'].map((how) => `  - { name: ${how}, kind: llm, url: 'http://127.0.0.1:${tersePort}/${how}' }`).join('\n')}
`,
    });
    url = `http://127.0.0.1:${first + 1}/model`;
    token = await gateway.token('analyst');
    poor = await gateway.token('poor');
  });

  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await model[Symbol.asyncDispose]();
    terse.close();
  });

  const openai = (key: string = token): OpenAI => new OpenAI({ baseURL: `${url}/v1`, apiKey: key });
  const anthropic = (): Anthropic => new Anthropic({ baseURL: url, apiKey: token });
  const hidden = (text: string): void => {
    assert.ok(seven !== undefined);
    assert.match(text, /^Customer 7 is /);
    assert.ok(!text.includes(seven.email) && !text.includes(seven.phone), 'a value is not masked');
    assert.match(text, /Write to t_[a-p]+ or call \[PHONE_NUMBER\]\.$/);
  };

  test('Chat Completions, whole and streamed, say the same', async () => {
    const messages = [{ role: 'user' as const, content: question }];
    const whole = await openai().chat.completions.create({ model: 'demo-1', messages });
    hidden(whole.choices[0]?.message.content ?? '');
    let streamed = '';
    const stream = await openai().chat.completions.create({ model: 'demo-1', messages, stream: true });
    for await (const chunk of stream) streamed += chunk.choices[0]?.delta.content ?? '';
    assert.equal(streamed, whole.choices[0]?.message.content);
  });

  for (const how of ['done', 'end', 'cut']) {
    test(`a stream that ends without a reason: ${how}`, async () => {
      const client = new OpenAI({
        baseURL: `${url.replace(/model$/, how)}/v1`,
        apiKey: token,
        maxRetries: 0,
      });
      const messages = [{ role: 'user' as const, content: 'x' }];
      let streamed = '';
      const read = async (): Promise<void> => {
        const stream = await client.chat.completions.create({ model: 'demo-1', messages, stream: true });
        for await (const part of stream) streamed += part.choices[0]?.delta.content ?? '';
      };
      if (how === 'cut') await assert.rejects(read());
      else await read();
      if (how === 'cut') assert.ok(!/ann|exam|415/.test(streamed), streamed);
      else assert.match(streamed, /^Write to t_[a-p]+ or call \[PHONE_NUMBER\]$/);
    });
  }

  test('Responses, whole and streamed: every repetition is masked', async () => {
    const whole = await openai().responses.create({ model: 'demo-1', input: question });
    hidden(whole.output_text);
    let streamed = '';
    const stream = await openai().responses.create({ model: 'demo-1', input: question, stream: true });
    for await (const event of stream) {
      if (event.type === 'response.output_text.delta') streamed += event.delta;
      if (event.type === 'response.output_text.done') hidden(event.text);
      if (event.type === 'response.completed') hidden(event.response.output_text ?? streamed);
      assert.ok(!JSON.stringify(event).includes(seven?.email ?? '?'));
    }
    assert.equal(streamed, whole.output_text);
  });

  test('Messages, whole and streamed', async () => {
    const ask = {
      model: 'demo-1',
      max_tokens: 100,
      messages: [{ role: 'user' as const, content: question }],
    };
    const whole = await anthropic().messages.create(ask);
    const [block] = whole.content;
    hidden(block?.type === 'text' ? block.text : '');
    const streamed = await anthropic().messages.stream(ask).finalText();
    hidden(streamed);
  });

  test('the AI SDK', async () => {
    const provider = createOpenAI({ baseURL: `${url}/v1`, apiKey: token });
    hidden((await generateText({ model: provider.chat('demo-1'), prompt: question })).text);
    hidden(await streamText({ model: provider.responses('demo-1'), prompt: question }).text);
  });

  test('what the prompt hides comes back to who said it, and the provider never sees it', async () => {
    const messages = [
      { role: 'user' as const, content: 'Write to bob@example.com and bob@example.com, SSN 219-09-9999' },
    ];
    const whole = await openai().chat.completions.create({ model: 'demo-1', messages });
    assert.equal(
      whole.choices[0]?.message.content,
      'You said: Write to bob@example.com and bob@example.com, SSN [US_SSN]',
    );
    let streamed = '';
    for await (const chunk of await openai().chat.completions.create({
      model: 'demo-1',
      messages,
      stream: true,
    })) {
      streamed += chunk.choices[0]?.delta.content ?? '';
    }
    assert.equal(streamed, whole.choices[0]?.message.content);
    const other = await new OpenAI({ baseURL: `${url}/v1`, apiKey: poor }).chat.completions.create({
      model: 'demo-1',
      messages: [{ role: 'user', content: 'Say [EMAIL_ADDRESS_1]' }],
    });
    assert.equal(other.choices[0]?.message.content, 'You said: Say [EMAIL_ADDRESS_1]');
  });

  test('calls of tools are judged, whole and streamed, in every shape', async () => {
    const call = (name: string): string => `call ${name} {"cmd":"ls","mail":"ann@example.com"}`;
    const tools = ['shell', 'lookup'].map((name) => ({
      type: 'function' as const,
      function: { name, parameters: { type: 'object' } },
    }));
    for (const stream of [false, true]) {
      const ask = async (name: string): Promise<OpenAI.ChatCompletion> => {
        const body = { model: 'demo-1', messages: [{ role: 'user' as const, content: call(name) }], tools };
        return stream
          ? openai().chat.completions.stream(body).finalChatCompletion()
          : openai().chat.completions.create(body);
      };
      const allowed = (await ask('lookup')).choices[0];
      assert.equal(allowed?.finish_reason, 'tool_calls');
      const [made] = allowed.message.tool_calls ?? [];
      assert.ok(made?.type === 'function');
      const given = JSON.parse(made.function.arguments) as { mail: string };
      assert.equal(given.mail, 'ann@example.com'); // this session's own prompt had it
      const denied = (await ask('shell')).choices[0];
      assert.equal(denied?.finish_reason, 'stop');
      assert.equal(denied.message.tool_calls?.length ?? 0, 0);
      assert.match(denied.message.content ?? '', /Denied by Sallyport: Agents run no shells/);
    }
    const message = {
      model: 'demo-1',
      max_tokens: 9,
      messages: [{ role: 'user' as const, content: call('shell') }],
    };
    for (const answer of [
      await anthropic().messages.create(message),
      await anthropic().messages.stream(message).finalMessage(),
    ]) {
      assert.equal(answer.stop_reason, 'end_turn');
      assert.deepEqual(
        answer.content.map(({ type }) => type),
        ['text'],
      );
    }
    const lookup = { ...message, messages: [{ role: 'user' as const, content: call('lookup') }] };
    for (const answer of [
      await anthropic().messages.create(lookup),
      await anthropic().messages.stream(lookup).finalMessage(),
    ]) {
      const [block] = answer.content;
      assert.ok(block?.type === 'tool_use');
      assert.deepEqual(block.input, { cmd: 'ls', mail: 'ann@example.com' });
    }
    const response = await openai().responses.create({ model: 'demo-1', input: call('shell') });
    assert.match(response.output_text, /Denied by Sallyport/);
    const events: string[] = [];
    for await (const event of await openai().responses.create({
      model: 'demo-1',
      input: call('shell'),
      stream: true,
    })) {
      events.push(event.type);
      assert.ok(event.type !== 'response.completed' || event.response.output[0]?.type === 'message');
    }
    assert.ok(!events.some((type) => type.includes('function_call')));
  });

  test('a denial has the shape of the provider, and is not tried again', async () => {
    const ask = { model: 'gpt-9', messages: [{ role: 'user' as const, content: 'x' }] };
    await assert.rejects(openai().chat.completions.create(ask), (error: unknown) => {
      assert.ok(error instanceof OpenAI.PermissionDeniedError);
      assert.match(
        error.message,
        /Only demo-1 is used here.*no-other-model at modules\/models\.policy\.yaml:\d+:\d+/,
      );
      return true;
    });
    await assert.rejects(
      anthropic().messages.create({ ...ask, max_tokens: 5 }),
      Anthropic.PermissionDeniedError,
    );
  });

  test('a budget ends with 429 and when to come back', async () => {
    const ask = (): Promise<unknown> =>
      openai(poor).chat.completions.create({ model: 'demo-1', messages: [{ role: 'user', content: 'x' }] });
    await ask().catch(() => undefined);
    await assert.rejects(ask, (error: unknown) => {
      assert.ok(error instanceof OpenAI.RateLimitError);
      assert.ok(Number(error.headers.get('retry-after')) > 0);
      return true;
    });
  });

  for (const [name, path, body] of [
    ['another path', '/v1/files', '{}'],
    ['not JSON', '/v1/chat/completions', '{'],
    ['no model', '/v1/chat/completions', '{"messages":[]}'],
    ['a model with a blank', '/v1/chat/completions', '{"model":"demo-1 ","messages":[]}'],
    ['in the background', '/v1/responses', '{"model":"demo-1","input":"x","background":true}'],
  ] as const) {
    test(`not understood: ${name}`, async () => {
      const answered = await fetch(`${url}${path}`, {
        method: 'POST',
        body,
        headers: { authorization: `Bearer ${token}` },
      });
      assert.equal(answered.status, 400);
    });
  }

  test("another's stored answer is not there", async () => {
    await openai().responses.create({ model: 'demo-1', input: 'x' });
    const stored = await fetch(`${url}/v1/responses/resp_demo`, {
      headers: { authorization: `Bearer ${poor}` },
    });
    assert.equal(stored.status, 404);
    await assert.rejects(
      openai(poor).responses.create({ model: 'demo-1', input: 'x', previous_response_id: 'resp_demo' }),
    );
  });

  test('models and embeddings', async () => {
    const models = await openai().models.list();
    assert.deepEqual(
      models.data.map(({ id }) => id),
      ['demo-1'],
    );
    const made = await openai().embeddings.create({ model: 'demo-1', input: 'x', encoding_format: 'float' });
    assert.deepEqual(made.data[0]?.embedding, [0.1, 0.2, 0.3]);
  });

  test('nothing secret stands in the log', () => {
    const log = gateway.log();
    assert.ok(!log.includes('provider-key') && !log.includes(token) && !log.includes('bob@'));
  });
});
