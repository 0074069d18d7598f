import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentMask } from '../../carriers/http/masks.ts';
import { noDuties, type Permit } from '../../core/decision.ts';
import { maskKey } from '../../mask/index.ts';
import { chatStream } from './chat-stream.ts';
import { messagesStream } from './messages-stream.ts';
import { Placeholders } from './placeholders.ts';
import { type Body, textOf } from './body.ts';
import { responsesStream } from './responses-stream.ts';
import { Shown } from './shown.ts';
import type { AnswerStream, StreamParts } from './stream.ts';
import { Thoughts } from './thoughts.ts';
import type { ToolCall } from './tools.ts';

const key = maskKey(Buffer.alloc(32, 7));

function parts(masked: boolean = true): StreamParts & { readonly calls: ToolCall[] } {
  const finds = [{ entity: 'EMAIL_ADDRESS', operator: { kind: 'redact' as const } }];
  const duties = masked ? { ...noDuties, finds } : noDuties;
  const permit = { duties, operatorOf: () => undefined } as unknown as Permit; // the real gate is not needed here
  const mask = documentMask(permit, 'answer', key);
  const shown = new Shown({ permit, key, mask, placeholders: new Placeholders() });
  const calls: ToolCall[] = [];
  const judge = (call: ToolCall): Promise<string | undefined> => {
    calls.push(call);
    return Promise.resolve(call.name === 'shell' ? 'Denied' : undefined);
  };
  return { shown, judge, thoughts: new Thoughts(), signal: new AbortController().signal, calls };
}

async function play(
  stream: AnswerStream,
  events: readonly Body[],
  how: 'whole' | 'broken' = 'whole',
): Promise<readonly Body[]> {
  const out: Body[] = [];
  for (const event of events) out.push(...(await stream.event(event)));
  return [...out, ...(await stream.end(how))];
}

interface Delta {
  readonly content?: string;
  readonly reasoning?: string;
  readonly audio?: { readonly data?: string; readonly transcript?: string };
  readonly tool_calls?: readonly {
    readonly index: number;
    readonly function: { readonly arguments: string };
  }[];
}

function chunk(delta: Body, index: number = 0, more: Body = {}): Body {
  return { id: 'c', choices: [{ index, delta, finish_reason: null }], ...more };
}

function deltas(out: readonly Body[], index: number = 0): readonly Delta[] {
  return out.flatMap((event) =>
    (event['choices'] as { index: number; delta: Delta }[])
      .filter((choice) => choice.index === index)
      .map((choice) => choice.delta),
  );
}

const said = (out: readonly Body[], index: number = 0): string =>
  deltas(out, index)
    .map(({ content = '' }) => content)
    .join('');

for (const how of ['whole', 'broken'] as const) {
  test(`a chat that ends without a reason loses nothing and shows nothing, ${how}`, async () => {
    const events = [
      chunk({ content: 'Ask ann@exam' }),
      chunk({ content: 'ple.com or 42' }),
      chunk({ content: 'b@x.org' }, 1),
    ];
    const out = await play(chatStream(parts()), events, how);
    assert.equal(said(out), 'Ask [EMAIL_ADDRESS] or 42');
    assert.equal(said(out, 1), '[EMAIL_ADDRESS]');
  });

  test(`texts of Responses and Messages that were not ended, ${how}`, async () => {
    const piece = (delta: string): Body => ({
      type: 'response.output_text.delta',
      item_id: 'm',
      output_index: 0,
      content_index: 0,
      delta,
    });
    const responses = await play(responsesStream(parts()), [piece('to ann@'), piece('example.com x')], how);
    assert.equal(responses.map((event) => event['delta']).join(''), 'to [EMAIL_ADDRESS] x');
    const text = (each: string): Body => ({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'text_delta', text: each },
    });
    const messages = await play(messagesStream(parts()), [text('to ann@'), text('example.com x')], how);
    assert.equal(
      messages.map((event) => (event['delta'] as { text: string }).text).join(''),
      'to [EMAIL_ADDRESS] x',
    );
  });
}

test('a call without an end is judged where the provider ended the stream, and left out where it broke', async () => {
  const begin = (name: string): Body =>
    chunk({
      tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name, arguments: '{"m":"ann@' } }],
    });
  const rest = chunk({ tool_calls: [{ index: 0, function: { arguments: 'example.com"}' } }] });
  for (const masked of [true, false]) {
    const one = parts(masked);
    const out = await play(chatStream(one), [begin('mail'), rest]);
    assert.deepEqual(one.calls, [{ name: 'mail', arguments: '{"m":"ann@example.com"}' }]);
    const [call] = deltas(out).flatMap(({ tool_calls = [] }) => tool_calls);
    assert.equal(call?.function.arguments, masked ? '{"m":"[EMAIL_ADDRESS]"}' : '{"m":"ann@example.com"}');
    assert.equal(said(await play(chatStream(parts(masked)), [begin('shell'), rest])), 'Denied');
    assert.deepEqual(await play(chatStream(parts(masked)), [begin('shell'), rest], 'broken'), []);
  }
});

test('calls are told apart by index and id, however these are given', async () => {
  const call = (more: object, text: string, name?: string): object => ({
    ...more,
    function: { ...(name === undefined ? {} : { name }), arguments: text },
  });
  const cases: readonly (readonly object[][])[] = [
    [
      [call({ index: 0, id: 'a' }, '{"n":', 'f')],
      [call({ index: 7, id: 'b' }, '{"n":', 'g')],
      [call({ index: 0 }, '1}'), call({ index: 7 }, '2}')],
    ],
    [
      [call({ index: 0, id: 'a' }, '{"n":1}', 'f')],
      [call({ index: 0, id: 'b' }, '{"n":', 'g')],
      [call({ index: 0 }, '2}')],
    ],
    [[call({ id: 'a' }, '{"n":1}', 'f')], [call({ id: 'b' }, '{"n":', 'g')], [call({}, '2}')]],
    [[call({ id: 'a' }, '{"n":1}', 'f'), call({ id: 'b' }, '{"n":2}', 'g')]],
  ];
  for (const each of cases) {
    const one = parts();
    const events = each.map((tool_calls) => chunk({ tool_calls }));
    const end = { id: 'c', choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] };
    const out = await play(chatStream(one), [...events, end]);
    assert.deepEqual(one.calls, [
      { name: 'f', arguments: '{"n":1}' },
      { name: 'g', arguments: '{"n":2}' },
    ]);
    const calls = deltas(out).flatMap(({ tool_calls = [] }) => tool_calls);
    assert.deepEqual(
      calls.map(({ index }) => index),
      [0, 1],
    );
  }
});

test('sound is heard only where its words may be read', async () => {
  const data = Buffer.alloc(30, 1).toString('base64');
  for (const [words, heard] of [
    ['all is well', data],
    ['ann@example.com', ''],
  ] as const) {
    const spoken = words.split('').map((transcript) => chunk({ audio: { id: 'a', data: '', transcript } }));
    const out = await play(chatStream(parts()), [chunk({ audio: { data } }), ...spoken]);
    assert.equal(
      deltas(out)
        .map(({ audio }) => audio?.data ?? '')
        .join(''),
      heard,
    );
    assert.equal(parts().shown.document({ audio: { data, transcript: words } }).audio.data, heard);
  }
});

test('numbers and bytes of tokens do not tell what the text hides', async () => {
  const tokens = {
    token_ids: [1, 2],
    prompt_token_ids: [3],
    logprobs: { content: [{ token: 'a', bytes: [97], top_logprobs: [] }] },
  };
  const out = await play(chatStream(parts()), [
    {
      id: 'c',
      prompt_token_ids: [3],
      choices: [{ index: 0, delta: { content: 'hello there' }, ...tokens, finish_reason: 'stop' }],
    },
  ]);
  assert.ok(!/token|97/.test(JSON.stringify(out)), JSON.stringify(out));
  assert.deepEqual(parts().shown.document(tokens), { token_ids: [], prompt_token_ids: [], logprobs: null });
});

test('counts stand once, with the last event of a chunk', async () => {
  const usage = { prompt_tokens: 1, completion_tokens: 2 };
  const stream = chatStream(parts());
  const out = await play(stream, [
    { id: 'c', choices: [{ index: 0, delta: { content: 'Hello you' }, finish_reason: 'stop' }], usage },
    { id: 'c', choices: [], usage },
  ]);
  assert.equal(out.filter((event) => event['usage'] !== undefined).length, 2);
  assert.equal(out.length, 4);
});

test('what is noted in a text does not end it', async () => {
  const at = { item_id: 'm', output_index: 0, content_index: 0 };
  const out = await play(responsesStream(parts()), [
    { type: 'response.output_text.delta', ...at, delta: 'to ann@exam' },
    { type: 'response.output_text.annotation.added', ...at, annotation: { title: 'x' } },
    { type: 'response.output_text.delta', ...at, content_index: 1, delta: 'other' },
    { type: 'response.output_text.done', ...at, content_index: 1, text: 'other' },
    { type: 'response.content_part.done', ...at, part: { type: 'output_text', text: 'to ann@example.com' } },
    { type: 'response.output_text.delta', ...at, delta: 'ple.com' },
    { type: 'response.completed', response: { id: 'r', output: [] } },
  ]);
  const text = out
    .filter((event) => event['content_index'] === 0)
    .map((event) => textOf(event['delta']))
    .join('');
  assert.equal(text, 'to [EMAIL_ADDRESS]');
});

test('a text that is said to go on is not shown half', async () => {
  const at = { item_id: 'm', output_index: 0, content_index: 0 };
  const out = await play(responsesStream(parts()), [
    { type: 'response.output_text.delta', ...at, delta: 'ann@example.co' },
    { type: 'response.output_text.done', ...at, text: 'ann@example.company.org' },
    { type: 'response.output_text.delta', ...at, delta: 'mpany.org' },
  ]);
  assert.ok(!JSON.stringify(out).includes('ann@'), JSON.stringify(out));
});

test('a call that was begun and not closed is judged with the answer that repeats it', async () => {
  const call = (name: string): Body => ({
    type: 'function_call',
    id: 'fc',
    call_id: 'c',
    name,
    arguments: '{"a":1}',
  });
  for (const name of ['ls', 'shell']) {
    const one = parts(false);
    const out = await play(responsesStream(one), [
      { type: 'response.output_item.added', output_index: 0, item: { ...call(name), arguments: '' } },
      { type: 'response.function_call_arguments.delta', output_index: 0, item_id: 'fc', delta: '{"a":' },
      { type: 'response.completed', response: { id: 'r', output: [call(name)] } },
    ]);
    assert.deepEqual(one.calls, [{ name, arguments: '{"a":1}' }]);
    assert.equal(
      out.some((event) => event['type'] === 'response.completed'),
      true,
    );
    assert.equal(JSON.stringify(out).includes('{\\"a\\":1}'), name === 'ls');
  }
});

test('blocks of Messages that were not stopped are judged, and errors end them', async () => {
  const start = (name: string): Body => ({
    type: 'content_block_start',
    index: 0,
    content_block: { type: 'tool_use', id: 't', name, input: {} },
  });
  const piece = {
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'input_json_delta', partial_json: '{"a":1}' },
  };
  const one = parts(false);
  const out = await play(messagesStream(one), [
    start('ls'),
    piece,
    start('shell'),
    piece,
    { type: 'message_stop' },
  ]);
  assert.deepEqual(one.calls, [
    { name: 'ls', arguments: '{"a":1}' },
    { name: 'shell', arguments: '{"a":1}' },
  ]);
  assert.equal(out.at(-1)?.['type'], 'message_stop');
  assert.equal(out.filter(({ type }) => type === 'content_block_stop').length, 2);
  const cut = await play(messagesStream(parts(false)), [
    start('ls'),
    piece,
    { type: 'error', error: { type: 'overloaded_error', message: 'x' } },
  ]);
  assert.deepEqual(
    cut.map(({ type }) => type),
    ['error'],
  );
  // Arguments of a call that was never begun.
  assert.deepEqual(await play(messagesStream(parts(false)), [piece]), []);
});
