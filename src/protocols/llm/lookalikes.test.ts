import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentMask } from '../../carriers/http/masks.ts';
import { noDuties, type Permit } from '../../core/decision.ts';
import { maskKey } from '../../mask/index.ts';
import { showAnswer } from './answer.ts';
import { foundIn } from './found.ts';
import { toolAction } from './meaning.ts';
import { Placeholders } from './placeholders.ts';
import { mapTexts, readPrompt } from './request.ts';
import { Shown } from './shown.ts';
import { Thoughts } from './thoughts.ts';
import type { ToolCall } from './tools.ts';

for (const body of [
  { model: 'cheap', Model: 'dear' },
  { model: 'cheap', meſſages: [] },
  { model: 'cheap', TOOLS: [] },
  { model: 'cheap', Max_Tokens: 9 },
  { model: 'cheap', Stream: true },
  { model: 'cheap', Fallbacks: ['dear'] },
  { model: 'cheap', tools: [{ Type: 'function', Function: { Name: 'shell' } }] },
  { model: 'cheap', messages: [{ role: 'user', content: [{ type: 'x', Image_URL: 'https://x/y.png' }] }] },
  { model: 'cheap', messages: [{ role: 'assistant', toolKalls: [], tool_Kalls: [] }, { Content: 'x' }] },
])
  test(`a key that is another only for who knows case is refused: ${JSON.stringify(body)}`, () => {
    const read = readPrompt(JSON.stringify(body));
    assert.equal(read.ok, false);
  });

test("what somebody names as they like is nobody's key", () => {
  const parameters = { type: 'object', properties: { Name: { type: 'string' }, Model: { type: 'string' } } };
  const read = readPrompt(
    JSON.stringify({
      model: 'm',
      metadata: { Model: 'x' },
      tools: [{ type: 'function', function: { name: 'a', parameters } }],
      messages: [{ role: 'assistant', content: [{ type: 'tool_use', name: 'a', input: { Name: 'b' } }] }],
      safePrompt: true,
    }),
  );
  assert.ok(read.ok, JSON.stringify(read));
});

for (const [body, answers] of [
  [{ prompt: ['a', 'b', 'c'], n: 2 }, 6],
  [{ prompt: [[1, 2], [3]], best_of: 4 }, 8],
  [{ prompt: [1, 2, 3] }, 1],
  [{ prompt: 'a' }, 1],
  [{ prompt: [] }, 1],
] as const)
  test(`each prompt of a list has answers of its own: ${JSON.stringify(body)}`, () => {
    const read = readPrompt(JSON.stringify({ model: 'm', ...body }));
    assert.ok(read.ok);
    assert.equal(read.value.answers, answers);
  });

test('rules see what a call is called with, however much that is, or cannot be evaluated', () => {
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`a${at}`, at]));
  const seen = (given: string): unknown =>
    toolAction('m', { name: 'a', arguments: given }).attributes['arguments'];
  assert.ok((seen(JSON.stringify({ ...many, force: true })) as string[]).includes('force'));
  assert.deepEqual(seen('{"a b":1}'), ['{}']);
  for (const broken of [
    '{"force":true',
    "{'force':true}",
    '{force:true}',
    '[1,',
    JSON.stringify(Array.from({ length: 10_002 }, (_, at) => ({ [`k${at}`]: 1 }))),
  ])
    assert.equal(seen(broken), undefined, broken.slice(0, 20));
  assert.deepEqual(seen('*** Begin Patch'), []);
});

for (const name of ['shell', ' shell\n', 'sh\u200bell', '\uff53hell', 'shell\u0000'])
  test(`a tool is known by the name that its client reads: ${JSON.stringify(name)}`, () => {
    const { attributes, targets } = toolAction('m', { name, arguments: '{}' });
    assert.equal(attributes['tool'], 'shell');
    assert.deepEqual(
      targets.map(({ name: target }) => target),
      ['shell'],
    );
  });

test('keys of a prompt are looked at like its texts', () => {
  const body = { tools: [{ parameters: { properties: { 'ann@example.com': {}, a_b1: {} } } }] };
  assert.deepEqual(foundIn(body).types, ['EMAIL_ADDRESS']);
  const hidden = mapTexts(body, (text) => text.replace('ann@example.com', '[E]'));
  assert.equal(JSON.stringify(hidden), '{"tools":[{"parameters":{"properties":{"[E]":{},"a_b1":{}}}}]}');
});

const shell = { name: 'shell', arguments: '{}' };
const use = { type: 'tool_use', id: 't', name: 'shell', input: {} };
for (const [api, answer] of [
  ['chat', { choices: [{ message: { content: [use] } }] }],
  ['chat', { choices: [{ message: { content: use } }] }],
  ['chat', { choices: [{ message: { tool_calls: { 0: { function: shell } } } }] }],
  ['chat', { choices: { 0: { message: { tool_calls: [{ function: shell }] } } } }],
  ['responses', { output: { 0: { type: 'function_call', ...shell } } }],
  ['messages', { content: use }],
] as const)
  test(`a denied call reaches nobody, in whatever shape: ${JSON.stringify(answer)}`, async () => {
    const permit = { duties: noDuties, operatorOf: () => undefined } as unknown as Permit; // the real gate is not needed here
    const mask = documentMask(permit, 'answer', maskKey(Buffer.alloc(32, 7)));
    const shown = new Shown({
      permit,
      key: maskKey(Buffer.alloc(32, 7)),
      mask,
      placeholders: new Placeholders(),
    });
    const judge = ({ name }: ToolCall): Promise<string | undefined> =>
      Promise.resolve(name === 'shell' ? 'Denied' : undefined);
    const parts = { shown, judge, thoughts: new Thoughts(), signal: new AbortController().signal };
    const out = await showAnswer(api, structuredClone(answer), parts);
    assert.ok(!JSON.stringify(out).includes('shell'), JSON.stringify(out));
  });
