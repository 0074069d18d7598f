import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentMask } from '../../carriers/http/masks.ts';
import { noDuties, type Permit } from '../../core/decision.ts';
import { maskKey } from '../../mask/index.ts';
import { showAnswer } from './answer.ts';
import { Placeholders } from './placeholders.ts';
import { type Body } from './body.ts';
import { mapTexts, readPrompt } from './request.ts';
import { Shown } from './shown.ts';
import { chatStream } from './chat-stream.ts';
import { messagesStream } from './messages-stream.ts';
import { responsesStream } from './responses-stream.ts';
import type { AnswerStream } from './stream.ts';
import { Thoughts } from './thoughts.ts';
import type { JudgeCall, ToolCall } from './tools.ts';

const key = maskKey(Buffer.alloc(32, 7));
const finds = [{ entity: '*', operator: { kind: 'redact' as const } }];

function parts(
  masked: boolean,
  wantsJson: boolean = false,
): {
  shown: Shown;
  judge: JudgeCall;
  thoughts: Thoughts;
  signal: AbortSignal;
  calls: ToolCall[];
} {
  const permit = {
    duties: masked ? { ...noDuties, finds } : noDuties,
    operatorOf: () => undefined,
  } as unknown as Permit; // the real gate is not needed here
  const mask = documentMask(permit, 'answer', key);
  const calls: ToolCall[] = [];
  const judge: JudgeCall = (call) => {
    calls.push(call);
    return Promise.resolve(call.name.includes('shell') ? 'Denied' : undefined);
  };
  const shown = new Shown({ permit, key, mask, placeholders: new Placeholders(), wantsJson });
  return { shown, judge, thoughts: new Thoughts(), signal: new AbortController().signal, calls };
}

async function play(stream: AnswerStream, events: readonly Body[]): Promise<string> {
  const out: Body[] = [];
  for (const event of events) out.push(...(await stream.event(event)));
  out.push(...(await stream.end('whole')));
  return JSON.stringify(out);
}

const old = { name: 'shell', arguments: '{"cmd":"id"}' };
const call = { type: 'function_call', id: 'fc_1', call_id: 'c', name: 'shell', arguments: '{"cmd":"id"}' };

for (const masked of [true, false]) {
  const how = masked ? 'masked' : 'without masks';

  test(`a call by the older function_call is judged, ${how}`, async () => {
    const one = parts(masked);
    const stream = await play(chatStream(one), [
      { id: 'c', choices: [{ index: 0, delta: { function_call: { name: 'shell', arguments: '' } } }] },
      { id: 'c', choices: [{ index: 0, delta: { function_call: { arguments: '{"cmd":"id"}' } } }] },
      { id: 'c', choices: [{ index: 0, delta: {}, finish_reason: 'function_call' }] },
    ]);
    assert.deepEqual(one.calls, [{ name: 'shell', arguments: '{"cmd":"id"}' }]);
    assert.ok(!stream.includes('cmd') && stream.includes('"finish_reason":"stop"'), stream);
    const whole = await showAnswer(
      'chat',
      {
        choices: [{ message: { content: null, function_call: { ...old } }, finish_reason: 'function_call' }],
      },
      parts(masked),
    );
    assert.ok(!JSON.stringify(whole).includes('cmd'));
  });

  test(`a call that was never announced is judged, ${how}`, async () => {
    for (const events of [
      [{ type: 'response.output_item.done', output_index: 0, item: call }],
      [{ type: 'response.completed', response: { id: 'r', output: [call] } }],
      [
        {
          type: 'response.function_call_arguments.delta',
          output_index: 0,
          item_id: 'fc_1',
          delta: '{"cmd":"id"}',
        },
      ],
      [{ type: 'response.function_call_arguments.done', output_index: 0, arguments: '{"cmd":"id"}' }],
      [
        { type: 'response.output_item.added', output_index: 0, item: { ...call, name: 'ls', arguments: '' } },
        { type: 'response.output_item.done', output_index: 0, item: { ...call, name: 'ls' } },
        { type: 'response.completed', response: { id: 'r', output: [call] } },
      ],
    ]) {
      const out = await play(responsesStream(parts(masked)), events);
      assert.ok(!out.includes('"shell"') && (events.length > 1 || !out.includes('cmd')), out);
    }
  });
}

test('what the provider runs by itself is judged with what it is to do', async () => {
  const one = parts(false);
  const item = { type: 'local_shell_call', id: 'x', action: { command: ['rm', '-rf', '/'] } };
  await showAnswer('responses', { output: [item] }, one);
  assert.deepEqual(one.calls, [{ name: 'local_shell_call', arguments: '{"command":["rm","-rf","/"]}' }]);
});

test('what a block begins with and its first piece are one text', async () => {
  const out = await play(messagesStream(parts(true)), [
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'write to ann@exam' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'ple.com now' } },
    { type: 'content_block_stop', index: 0 },
  ]);
  assert.ok(out.includes('[EMAIL_ADDRESS]') && !out.includes('ple.com'), out);
});

test('an answer that is to be JSON stays JSON, streamed and whole', async () => {
  const text = '{"ssn":219099999,"card":4111111111111111,"mail":"a\\u0040example.com","n":1}';
  const whole = await showAnswer('chat', { choices: [{ message: { content: text } }] }, parts(true, true));
  const content =
    (whole as { choices: { message: { content: string } }[] }).choices[0]?.message.content ?? '';
  assert.equal((JSON.parse(content) as { mail: string }).mail, '[EMAIL_ADDRESS]');
  assert.ok(!content.includes('4111111111111111'));
  const stream = chatStream(parts(true, true));
  const out: Body[] = [];
  for (const piece of text)
    out.push(...(await stream.event({ id: 'c', choices: [{ index: 0, delta: { content: piece } }] })));
  out.push(...(await stream.event({ id: 'c', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })));
  const streamed = out.map(
    (event) => (event['choices'] as { delta: { content?: string } }[])[0]?.delta.content ?? '',
  );
  assert.equal(streamed.join(''), content);
});

test('a value put back into JSON cannot end its string', () => {
  const placeholders = new Placeholders();
  const hidden = placeholders.hide(
    '-----BEGIN PRIVATE KEY-----\nMIIBVgIBADANBgkqhkiG9w0BAQEFAASCAUAwggE8\n-----END PRIVATE KEY-----',
    [{ entity: '*', operator: { kind: 'token' } }],
    key,
  ).text;
  assert.match(hidden, /^\[[A-Z_]+_1\]$/);
  assert.doesNotThrow(() => JSON.parse(placeholders.restoreJson(`{"k":"${hidden}"}`)));
});

test('every place of a prompt is seen', () => {
  const mail = 'ann.lee@example.com';
  const body: Body = {
    model: 'm',
    system: [{ type: 'text', text: mail }],
    instructions: mail,
    messages: [
      { role: 'developer', content: mail, name: mail },
      {
        role: 'assistant',
        tool_calls: [
          {
            id: 'c',
            type: 'function',
            function: { name: 'f', arguments: '{"a":"ann.lee\\u0040example.com"}' },
          },
        ],
      },
      {
        role: 'assistant',
        content: [{ type: 'tool_use', id: 'x', name: 'f', input: { id: mail, status: mail, [mail]: 1 } }],
      },
      {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: 'x', content: [{ type: 'text', text: mail }] }],
      },
      {
        role: 'user',
        content: [
          { type: 'document', title: mail, source: { type: 'text', media_type: 'text/plain', data: mail } },
        ],
      },
      { role: 'user', content: [{ type: 'image_url', image_url: { url: `https://x.example/?m=${mail}` } }] },
      { role: 'user', content: [{ type: 'file', file: { filename: mail, file_data: mail } }] },
    ],
    tools: [
      {
        type: 'function',
        function: {
          name: 'f',
          description: mail,
          parameters: { properties: { a: { enum: [mail], default: mail, format: mail } } },
        },
      },
    ],
  };
  const seen = JSON.stringify(mapTexts(body, (text) => text.replaceAll(mail, '-')));
  assert.ok(!seen.includes('ann.lee'), seen);
});

test('bytes of pictures stay as they are', () => {
  const bytes = Buffer.alloc(300, '4111111111111111').toString('base64');
  const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${bytes}` } };
  const source = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: bytes } };
  const body = { messages: [{ role: 'user', content: [image, source] }] };
  assert.deepEqual(
    mapTexts(body, () => '***'),
    { messages: [{ role: 'user', content: [image, source] }] },
  );
  const made = { type: 'image_generation_call', id: 'i', result: bytes };
  assert.deepEqual(parts(true).shown.document(made), made);
});

for (const [what, more] of [
  ['other models', { models: ['gpt-x'] }],
  ['fallbacks', { fallbacks: ['gpt-x'] }],
  ['a stored prompt', { prompt: { id: 'pmpt_1' } }],
  ['an answer in the background', { background: true }],
] as const) {
  test(`refused: ${what}`, () => {
    assert.ok(!readPrompt(JSON.stringify({ model: 'm', input: 'x', ...more })).ok);
  });
}

test('items that a provider has stored are named as what must be owned', () => {
  const read = readPrompt(
    JSON.stringify({
      model: 'm',
      previous_response_id: 'resp_1',
      input: [{ type: 'item_reference', id: 'msg_1' }, { id: 'rs_2' }],
    }),
  );
  assert.deepEqual(read.ok && read.value.stored, ['resp_1', 'msg_1', 'rs_2']);
});

for (const masked of [true, false]) {
  const how = masked ? 'masked' : 'without masks';

  test(`a message that does not begin empty asks for nothing, ${how}`, async () => {
    const content = [{ type: 'tool_use', id: 'c', name: 'shell', input: {} }];
    const out = await play(messagesStream(parts(masked)), [
      { type: 'message_start', message: { id: 'm', role: 'assistant', content } },
      { type: 'message_stop' },
    ]);
    assert.ok(!out.includes('shell'), out);
  });

  test(`a whole answer in another shape than was asked for is judged, ${how}`, async () => {
    for (const [api, answer] of [
      ['chat', { content: [{ type: 'tool_use', id: 'c', name: 'shell', input: {} }] }],
      ['chat', { output: [call] }],
      ['chat', { choices: [{ index: 0, delta: { tool_calls: [{ function: old }] } }] }],
      ['messages', { choices: [{ index: 0, message: { tool_calls: [{ id: 'c', function: old }] } }] }],
      ['responses', { choices: [{ index: 0, message: { function_call: old } }] }],
      ['completions', { content: [{ type: 'tool_use', id: 'c', name: 'shell', input: {} }] }],
    ] as const) {
      const shown = JSON.stringify(await showAnswer(api, structuredClone(answer), parts(masked)));
      assert.ok(!shown.includes('shell'), shown);
    }
  });
}

test('numbers are no words of the protocol, nor is what a file is said to be', () => {
  const number = '078-05-1120';
  const answer = {
    id: number,
    role: number,
    finish_reason: number,
    tool_calls: [{ id: number, type: 'function', function: { name: number, arguments: '{}' } }],
    results: [{ attributes: { id: number, status: 'ann.lee@example.com', card: 4111111111111111 } }],
  };
  const shown = JSON.stringify(parts(true).shown.document(answer));
  assert.ok(!/078|ann|4111/.test(shown), shown);
  const kept = { id: 'chatcmpl-0780511201', role: 'assistant', type: 'web_search_20250305', status: '' };
  assert.deepEqual(parts(true).shown.document(kept), kept);
});
