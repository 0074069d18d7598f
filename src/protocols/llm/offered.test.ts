import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identity } from '../../core/identity.ts';
import { maskKey } from '../../mask/index.ts';
import { Budgets } from './budget.ts';
import { givenIds } from './offered.ts';
import { foundIn } from './found.ts';
import { Placeholders } from './placeholders.ts';
import { type Prompt, readPrompt } from './request.ts';
import type { Budget } from './settings.ts';

function prompt(body: object): Prompt {
  const read = readPrompt(JSON.stringify({ model: 'm', ...body }));
  assert.ok(read.ok, JSON.stringify(read));
  return read.value;
}

const says = (part: object): object => ({ messages: [{ role: 'user', content: [part] }] });

for (const [what, body, tools] of [
  ['a custom tool', { tools: [{ type: 'custom', custom: { name: 'shell' } }] }, ['shell']],
  ['two names', { tools: [{ type: 'function', name: 'a', function: { name: 'b' } }] }, ['a', 'b']],
  ['a tool of the provider with a name', { tools: [{ type: 'web_search', name: 'a' }] }, ['a', 'web_search']],
  ['a search without a tool', { web_search_options: {} }, ['web_search']],
  ['servers that the provider calls', { mcp_servers: [{ name: 'a', url: 'https://x' }] }, ['mcp', 'a']],
  [
    'tools of earlier turns',
    { input: [{ type: 'tool_search_output', tools: [{ type: 'function', name: 'a' }] }] },
    ['a'],
  ],
  ['one name twice', { tools: [{ type: 'function', name: 'a' }], functions: [{ name: 'a' }] }, ['a']],
] as const) {
  test(`tools by every name they have: ${what}`, () => assert.deepEqual(prompt(body).tools, tools));
}

for (const [what, body, attachments] of [
  ['beside other messages', { messages: [], input: [{ content: [{ type: 'input_image' }] }] }, ['image']],
  ['without a type', says({ image_url: 'https://x/y.png' }), ['image']],
  ['a file by its id', says({ type: 'x', file_id: 'f' }), ['file']],
  [
    'a screenshot',
    { input: [{ type: 'computer_call_output', output: { type: 'computer_screenshot' } }] },
    ['image'],
  ],
  ['sound by its address', says({ audio_url: { url: 'https://x' } }), ['audio']],
  [
    'files of a tool',
    { input: 'x', tools: [{ type: 'code_interpreter', container: { type: 'auto', file_ids: ['f'] } }] },
    ['file'],
  ],
  ['numbers of tokens', { prompt: [1, 2] }, ['tokens']],
  ['lists of numbers of tokens', { input: ['x', [1, 2]] }, ['tokens']],
  ['vectors', { prompt_embeds: 'AAAA' }, ['tokens']],
  [
    'what a tool was called with',
    says({ type: 'tool_use', name: 'a', input: { image_url: 'https://x' } }),
    [],
  ],
  [
    'a schema',
    {
      input: 'x',
      tools: [{ type: 'function', name: 'a', parameters: { properties: { image_url: { type: 'file' } } } }],
    },
    [],
  ],
] as const) {
  test(`attachments: ${what}`, () => assert.deepEqual(prompt(body).attachments, attachments));
}

test('of several bounds the largest counts, and what is no number is refused', () => {
  assert.equal(prompt({ max_tokens: 1, max_completion_tokens: 500 }).maxTokens, 500);
  assert.equal(prompt({ max_tokens: 5, max_output_tokens: -1 }).maxTokens, -1);
  assert.equal(prompt({ max_tokens: 5, n: 2, best_of: 4 }).answers, 4);
  for (const body of [
    { max_tokens: '100000' },
    { max_tokens: 1.5 },
    { n: '9' },
    { max_output_tokens: -2 },
    { best_of: [1] },
  ])
    assert.ok(!readPrompt(JSON.stringify({ model: 'm', ...body })).ok, JSON.stringify(body));
});

for (const body of [
  { api_base: 'https://x' },
  { kv_transfer_params: { remote_host: 'x' } },
  { extra_body: { google: { cached_content: 'cachedContents/1' } } },
  { extra_body: { models: ['x'] } },
  { chat_template: '{{ x }}' },
])
  test(`nothing names another place: ${JSON.stringify(body)}`, () =>
    assert.ok(!readPrompt(JSON.stringify({ model: 'm', ...body })).ok));

test('whatever a provider keeps must be owned by who names it', () => {
  for (const [body, stored] of [
    [{ previous_response_id: 'r', conversation: { id: 'c' } }, ['r', 'c']],
    [{ input: [{ type: 'image_generation_call', id: 'ig' }] }, ['ig']],
    [{ input: [{ type: 'reasoning', id: 'rs' }] }, ['rs']],
    [{ input: [{ type: 'reasoning', id: 'rs', summary: [], encrypted_content: 'x' }] }, []],
    [{ container: 'box' }, ['box']],
    [{ container: { id: 'box', skills: [] } }, ['box']],
    [{ container: { skills: [] } }, []],
    [
      {
        tools: [
          { type: 'code_interpreter', container: 'box' },
          { type: 'code_interpreter', container: { type: 'auto' } },
        ],
      },
      ['box'],
    ],
    [{ tools: [{ type: 'file_search', vector_store_ids: ['vs', 7] }] }, ['vs', '7']],
    [{ tools: [{ type: 'code_interpreter', container: { type: 'auto', file_ids: ['f'] } }] }, ['f']],
    [{ input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'f' }] }] }, ['f']],
    [{ messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'f' } }] }] }, ['f']],
    [{ messages: [{ content: [{ type: 'document', source: { type: 'file', file_id: 'f' } }] }] }, ['f']],
    [{ messages: [{ content: [{ type: 'tool_use', name: 't', input: { file_id: 'own' } }] }] }, []],
    [{ tools: [{ name: 't', input_schema: { properties: { file_id: { type: 'string' } } } }] }, []],
    [
      {
        input: [
          { role: 'assistant', content: [{ type: 'output_text', annotations: [{ file_id: 'told' }] }] },
        ],
      },
      [],
    ],
  ] as const)
    assert.deepEqual(prompt(body).stored, stored, JSON.stringify(body));
  const item = { type: 'code_interpreter_call', id: 'ci', container_id: 'box' };
  assert.deepEqual(givenIds({ id: 'r', output: [item] }), ['r', 'ci', 'box']);
  assert.deepEqual(givenIds({ type: 'response.output_item.done', item }), ['ci', 'box']);
  assert.deepEqual(givenIds({ type: 'message_delta', delta: { container: { id: 'box' } } }), ['box']);
  const annotations = [
    { type: 'container_file_citation', file_id: 'cf' },
    { type: 'file_citation', file_id: 'f' },
  ];
  assert.deepEqual(givenIds({ output: [{ content: [{ type: 'output_text', annotations }] }] }), ['cf']);
  // What a client wrote and the answer repeats is not given.
  assert.deepEqual(
    givenIds({ metadata: { type: 'container_file_citation', file_id: 'f' }, tools: [{ file_ids: ['f'] }] }),
    [],
  );
  assert.deepEqual(
    givenIds({ content: [{ type: 'tool_use', input: { type: 'code_execution_output', file_id: 'f' } }] }),
    [],
  );
});

for (const text of [
  'ann%40example.com',
  'ann&#64;example.com',
  '{"a":"ann\\u0040example.com"}',
  'ann%2540example.com',
  Buffer.from('ann@example.com').toString('base64'),
  Buffer.from(Buffer.from('mail to ann@example.com').toString('base64')).toString('base64'),
])
  test(`a prompt hides what stands behind an encoding, and gives it back: ${text}`, () => {
    const placeholders = new Placeholders();
    const finds = [{ entity: 'EMAIL_ADDRESS', operator: { kind: 'token' } }] as const;
    const hidden = placeholders.hide(`See ${text} again`, finds, maskKey(Buffer.alloc(32)));
    assert.ok(!hidden.text.includes(text) && !/ann|example/.test(hidden.text), hidden.text);
    const restored = placeholders.restore(hidden.text);
    // What is coded twice can come back coded once: that is an address too.
    const back = ['ann@example.com', 'ann%40example.com', text];
    assert.ok(
      back.some((each) => restored.includes(each)),
      restored,
    );
    assert.deepEqual(foundIn({ prompt: `See ${text} again` }).types, ['EMAIL_ADDRESS']);
  });

test('answers without a bound do not all pass at once, and who breaks off pays what was reserved', () => {
  const budget: Budget = { per: 'all', everyMs: 1_000, tokens: 10_000 };
  const budgets = new Budgets({ prices: [], budgets: [budget] } as never, { now: () => 0 } as never);
  const payer = { identity: { subject: 'ana', groups: [] } as unknown as Identity };
  const asked = Array.from({ length: 50 }, () =>
    budgets.reserve(payer, 'm', { input: 10, output: undefined }),
  );
  assert.equal(asked.filter((each) => 'settle' in each).length, 3);
  for (const each of asked) if ('settle' in each) each.settle({ input: 10, output: 90 });
  const broken = budgets.reserve(payer, 'm', { input: 10, output: 5_000 });
  assert.ok('settle' in broken);
  broken.settle({ input: 10, output: 0, atLeastReserved: true });
  assert.ok('why' in budgets.reserve(payer, 'm', { input: 10, output: 4_900 }));
  assert.ok('settle' in budgets.reserve(payer, 'm', { input: 10, output: 4_600 }));
});

test('a value that goes over from one part of a prompt to the next is found, hidden in the first, and given back', () => {
  const placeholders = new Placeholders();
  const finds = [{ entity: '*', operator: { kind: 'token' } }] as const;
  const hide = (...texts: readonly string[]): readonly string[] =>
    placeholders.hideAll(texts, finds, maskKey(Buffer.alloc(32)));
  assert.deepEqual(hide('Pay 4111 1111 ', '1111 1111 now'), ['Pay [CREDIT_CARD_1]', ' now']);
  assert.deepEqual(hide('mail ann', '@exam', 'ple.com'), ['mail [EMAIL_ADDRESS_1]', '', '']);
  assert.deepEqual(hide('Hello you ', 'Thanks', ''), ['Hello you ', 'Thanks', '']);
  assert.deepEqual(hide('a@b.example', ' some words'.repeat(900), ' c@d.example'), [
    '[EMAIL_ADDRESS_2]',
    ' some words'.repeat(900),
    ' [EMAIL_ADDRESS_3]',
  ]);
  assert.equal(placeholders.restore('[CREDIT_CARD_1]'), '4111 1111 1111 1111');
  const content = ['Pay 4111 1111 ', '1111 1111 now'].map((text) => ({ type: 'text', text }));
  assert.deepEqual(foundIn({ messages: [{ role: 'user', content }] }).types, ['CREDIT_CARD']);
  assert.deepEqual(foundIn({ system: content }).types, ['CREDIT_CARD']);
});
