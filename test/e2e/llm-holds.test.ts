import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { isObject } from '../../src/base/check.ts';
import { serveSampleModel } from '../../src/server/sample-model.ts';
import type { SampleService } from '../../src/server/sample-web.ts';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts } from './harness/place.ts';
import { until } from './harness/wait.ts';

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers:
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
    match: { resource: { kind: llm }, identity: { groups: [users] } }
    why: Everybody may ask.
  - id: look-on
    effect: allow
    match: { resource: { kind: sallyport }, identity: { groups: [leads] } }
  - id: held
    effect: require
    match: { resource: { kind: llm }, action: [llm.complete, llm.embed] }
    when: 'action.model == "held-1"'
    then: { approve: { from: leads, hold: 1s } }
    why: This model is dear.
  - id: slow
    effect: require
    match: { resource: { kind: llm }, action: llm.complete }
    when: 'action.model == "slow-1"'
    then: { approve: { from: leads, hold: SLOW } }
    why: This model is dear too.
  - id: slower
    effect: require
    match: { resource: { kind: llm }, action: llm.complete }
    when: 'action.model == "slower-1"'
    then: { approve: { from: leads, hold: 10m } }
    why: This model is dearest.
  - id: pay
    effect: require
    match: { resource: { kind: llm }, action: llm.tool }
    when: 'action.tool == "pay"'
    then: { approve: { from: leads, hold: 1s } }
    why: Money is spent by people.
`,
};

// With the official SDKs: what waits for a person is told with its ticket, and the same request goes through once when it is approved.
describe('models: requests and calls of tools that wait for a person', () => {
  let model: SampleService;
  let gateway: Configured;
  let url = '';
  let token = '';
  let lead = '';

  before(async () => {
    model = await serveSampleModel(0);
    const first = await freePorts(2);
    gateway = await startConfigured({
      api: first,
      policy: {
        ...policy,
        'modules/models.policy.yaml': policy['modules/models.policy.yaml'].replace('SLOW', '14s'),
      },
      text: `
listen: { api: 127.0.0.1:${first}, llm: 127.0.0.1:${first + 1} }
policy: ./policy
reviews: { freshSignIn: any }
identities:
  - { subject: ann, kind: human, groups: [users] }
  - { subject: lead, kind: human, groups: [leads] }
resources:
  - { name: model, kind: llm, url: 'http://127.0.0.1:${model.port}' }
`,
    });
    url = `http://127.0.0.1:${first + 1}/model`;
    token = await gateway.token('ann');
    lead = await gateway.token('lead');
  });

  after(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await model?.[Symbol.asyncDispose]();
  });

  const openai = (): OpenAI => new OpenAI({ baseURL: `${url}/v1`, apiKey: token });
  const anthropic = (): Anthropic => new Anthropic({ baseURL: url, apiKey: token });

  async function api(path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(`${gateway.api}${path}`, {
      headers: { authorization: `Bearer ${lead}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    assert.ok(answer.ok, `${path}: ${answer.status}`);
    return answer.json();
  }

  const waitingNow = async (): Promise<readonly string[]> => {
    const all = await api('/api/v1/reviews?state=waiting');
    assert.ok(Array.isArray(all));
    return all.flatMap((each: unknown) => (isObject(each) ? [String(each['id'])] : []));
  };
  const approve = (id: string): Promise<unknown> => api(`/api/v1/reviews/${id}/approve`, {});

  /** The denial object of what an SDK threw. */
  function ticketOf(error: unknown): string {
    assert.ok(error instanceof OpenAI.APIError || error instanceof Anthropic.APIError, String(error));
    const said: unknown = error.error;
    assert.ok(isObject(said));
    const inner = isObject(said['error']) ? said['error'] : said;
    const denial = inner['gateway'];
    assert.ok(isObject(denial), JSON.stringify(said));
    assert.equal(denial['class'], 'REVIEW_PENDING');
    assert.match(error.message, /rev_[a-z0-9]{26}/);
    return String(denial['review']);
  }

  const question = (content: string) => [{ role: 'user' as const, content }];
  const streamed = async (
    client: OpenAI,
    messages: ReturnType<typeof question>,
    name = 'held-1',
  ): Promise<string> => {
    let text = '';
    for await (const part of await client.chat.completions.create({ model: name, messages, stream: true }))
      text += part.choices[0]?.delta.content ?? '';
    return text;
  };

  const ways: readonly (readonly [name: string, ask: (text: string) => Promise<string>])[] = [
    [
      'openai chat',
      async (text) =>
        (await openai().chat.completions.create({ model: 'held-1', messages: question(text) })).choices[0]
          ?.message.content ?? '',
    ],
    ['openai chat, streamed', (text) => streamed(openai(), question(text))],
    [
      'openai responses',
      async (text) => (await openai().responses.create({ model: 'held-1', input: text })).output_text,
    ],
    [
      'openai responses, streamed',
      async (text) => {
        let out = '';
        for await (const event of await openai().responses.create({
          model: 'held-1',
          input: text,
          stream: true,
        }))
          if (event.type === 'response.output_text.delta') out += event.delta;
        return out;
      },
    ],
    [
      'anthropic messages',
      async (text) => {
        const made = await anthropic().messages.create({
          model: 'held-1',
          max_tokens: 50,
          messages: question(text),
        });
        return made.content[0]?.type === 'text' ? made.content[0].text : '';
      },
    ],
    [
      'anthropic messages, streamed',
      (text) =>
        anthropic()
          .messages.stream({ model: 'held-1', max_tokens: 50, messages: question(text) })
          .finalText(),
    ],
  ];

  for (const [name, ask] of ways) {
    test(`${name}: a ticket, and the same request goes through once`, async () => {
      const text = `from ${name}`;
      const ticket = await ask(text).then(
        () => assert.fail('It was not held'),
        (error: unknown) => {
          assert.ok(
            error instanceof OpenAI.PermissionDeniedError || error instanceof Anthropic.PermissionDeniedError,
          );
          return ticketOf(error);
        },
      );
      // Asked again while it waits, it asks nobody a second time.
      const again = await ask(text).then(() => '', ticketOf);
      assert.equal(again, ticket);
      assert.deepEqual(await waitingNow(), [ticket]);
      await approve(ticket);
      const both = await Promise.allSettled([ask(text), ask(text)]);
      const done = both.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      assert.deepEqual(done, [`You said: ${text}`]);
      for (const id of await waitingNow()) await api(`/api/v1/reviews/${id}/refuse`, { reason: 'over' });
    });
  }

  test('a stream that waits is kept alive by comments, and goes on when it is approved', async () => {
    const answer = fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'slower-1', messages: question('alive'), stream: true }),
    });
    const viaSdk = streamed(openai(), question('alive in the SDK'), 'slower-1');
    const response = await answer; // its head comes with the first comment
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
    await until(async () => (await waitingNow()).length === 2, 'nobody is asked');
    for (const id of await waitingNow()) await approve(id);
    const text = await response.text();
    assert.match(text, /^: This waits for a review/);
    assert.match(text, /data: \[DONE\]/);
    assert.equal(await viaSdk, 'You said: alive in the SDK');
  });

  test('a stream that has begun by a comment tells the ticket as an error of the provider', async () => {
    const messages = question('too late');
    const asks = [
      streamed(openai(), messages, 'slow-1'),
      anthropic().messages.stream({ model: 'slow-1', max_tokens: 5, messages }).finalText(),
      (async () => {
        for await (const _ of await openai().responses.create({
          model: 'slow-1',
          input: 'too late',
          stream: true,
        }))
          continue;
        return '';
      })(),
    ];
    const tickets = await Promise.all(asks.map((each) => each.then(() => '', ticketOf)));
    assert.equal(new Set(tickets).size, 3);
    for (const ticket of tickets) await approve(ticket);
    assert.equal(await streamed(openai(), messages, 'slow-1'), 'You said: too late');
  });

  test('a call of a tool: the answer tells the ticket, and the same call comes once it is approved', async () => {
    const ask = { model: 'demo-1', messages: question('call pay {"amount":5}') };
    const first = await openai().chat.completions.create(ask);
    const said = first.choices[0]?.message.content ?? '';
    const ticket = /rev_[a-z0-9]{26}/.exec(said)?.[0] ?? '';
    assert.match(said, /Denied by Sallyport: This waits for a review/);
    assert.deepEqual(await waitingNow(), [ticket]);
    await approve(ticket);
    // Streamed or not, by whichever API: the call is what was approved.
    const tools = await anthropic()
      .messages.stream({ ...ask, max_tokens: 9 })
      .finalMessage();
    assert.deepEqual(
      tools.content.map((block) => (block.type === 'tool_use' ? block.input : block.type)),
      [{ amount: 5 }],
    );
    const third = await openai().chat.completions.create(ask);
    assert.match(third.choices[0]?.message.content ?? '', /This waits for a review/);
    for (const id of await waitingNow()) await api(`/api/v1/reviews/${id}/refuse`, { reason: 'over' });
  });

  test('who does not want to wait has a ticket at once; who leaves takes back what it asked', async () => {
    const post = (text: string, prefer: string, signal?: AbortSignal): Promise<Response> =>
      fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', prefer },
        body: JSON.stringify({ model: 'slower-1', messages: question(text) }),
        ...(signal === undefined ? {} : { signal }),
      });
    const answer = await post('now', 'respond-async');
    assert.equal(answer.status, 403);
    assert.equal(answer.headers.get('x-should-retry'), 'false');
    const told = JSON.stringify(await answer.json());
    const [ticket = ''] = await waitingNow();
    assert.ok(told.includes(ticket) && told.includes('REVIEW_PENDING'));
    await api(`/api/v1/reviews/${ticket}/refuse`, { reason: 'over' });
    const stop = new AbortController();
    const left = post('leaving', '', stop.signal).catch(() => undefined);
    await until(async () => (await waitingNow()).length === 1, 'nobody is asked');
    stop.abort();
    await left;
    await until(async () => (await waitingNow()).length === 0, 'it still waits');
  });
});
