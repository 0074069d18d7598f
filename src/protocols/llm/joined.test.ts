import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isObject } from '../../base/check.ts';
import { documentMask } from '../../carriers/http/masks.ts';
import { noDuties, type Permit } from '../../core/decision.ts';
import { maskKey } from '../../mask/index.ts';
import { showAnswer } from './answer.ts';
import { type Body, textOf } from './body.ts';
import { messagesStream } from './messages-stream.ts';
import { Placeholders } from './placeholders.ts';
import { responsesStream } from './responses-stream.ts';
import { Shown } from './shown.ts';
import type { AnswerStream, StreamParts } from './stream.ts';
import { Thoughts } from './thoughts.ts';

const key = maskKey(Buffer.alloc(32, 7));

function parts(wantsJson: boolean = false): StreamParts {
  const duties = { ...noDuties, finds: [{ entity: '*', operator: { kind: 'redact' as const } }] };
  const permit = { duties, operatorOf: () => undefined } as unknown as Permit; // the real gate is not needed here
  const mask = documentMask(permit, 'answer', key);
  const shown = new Shown({ permit, key, mask, placeholders: new Placeholders(), wantsJson });
  const { signal } = new AbortController();
  return { shown, judge: () => Promise.resolve(undefined), thoughts: new Thoughts(), signal };
}

async function play(stream: AnswerStream, events: readonly Body[]): Promise<readonly Body[]> {
  const out: Body[] = [];
  for (const event of events) out.push(...(await stream.event(event)));
  out.push(...(await stream.end('whole')));
  return out;
}

function cut(text: string, size: number): readonly string[] {
  return Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
    text.slice(at * size, at * size + size),
  );
}

async function message(texts: readonly string[]): Promise<readonly string[]> {
  const content = texts.map((text) => ({ type: 'text', text }));
  const { content: shown } = await showAnswer('messages', { type: 'message', content }, parts());
  return (shown as Body[]).map((block) => textOf(block['text']));
}

async function streamedMessage(texts: readonly string[], size: number): Promise<readonly string[]> {
  const out = await play(messagesStream(parts()), [
    { type: 'message_start', message: { content: [] } },
    ...texts.flatMap((text, index) => [
      { type: 'content_block_start', index, content_block: { type: 'text', text: '' } },
      ...cut(text, size).map((piece) => ({
        type: 'content_block_delta',
        index,
        delta: { type: 'text_delta', text: piece },
      })),
      { type: 'content_block_stop', index },
    ]),
    { type: 'message_delta', delta: { stop_reason: 'end_turn' } },
    { type: 'message_stop' },
  ]);
  const blocks: string[] = [];
  const open: unknown[] = [];
  for (const { type, index, delta } of out) {
    if (type === 'content_block_start') open.push(index);
    if (type === 'content_block_stop') assert.equal(open.pop(), index);
    if (type !== 'content_block_delta' || !isObject(delta)) continue;
    assert.deepEqual(open, [index], 'a piece comes in the block that it belongs to');
    blocks[Number(index)] = (blocks[Number(index)] ?? '') + textOf(delta['text']);
  }
  return texts.map((_, index) => blocks[index] ?? '');
}

const item = (texts: readonly string[], id: string = 'm'): Body => ({
  type: 'message',
  id,
  content: texts.map((text) => ({ type: 'output_text', text })),
});

async function streamedResponse(
  texts: readonly string[],
  size: number,
  pieces: boolean,
): Promise<readonly Body[]> {
  const at = { item_id: 'm', output_index: 0 };
  return play(responsesStream(parts()), [
    { type: 'response.output_item.added', output_index: 0, item: item([]) },
    ...texts.flatMap((text, index) => [
      { type: 'response.content_part.added', ...at, content_index: index, part: { type: 'output_text', text: '' } },
      ...(pieces ? cut(text, size) : []).map((delta) => ({ type: 'response.output_text.delta', ...at, content_index: index, delta })),
      { type: 'response.output_text.done', ...at, content_index: index, text },
      { type: 'response.content_part.done', ...at, content_index: index, part: { type: 'output_text', text } },
    ]),
    { type: 'response.output_item.done', output_index: 0, item: item(texts) },
    { type: 'response.completed', response: { output: [item(texts)] } },
  ]); // prettier-ignore
}

const cases: readonly (readonly [texts: readonly string[], shown: readonly string[]])[] = [
  [
    ['Pay 4111 1111 ', '1111 1111 now'],
    ['Pay [CREDIT_CARD]', ' now'],
  ],
  [
    ['card 4111111111111111', 'Thanks'],
    ['card [CREDIT_CARD]', 'Thanks'],
  ],
  [
    ['mail ann', '@exam', 'ple.com'],
    ['mail [EMAIL_ADDRESS]', '', ''],
  ],
  [
    ['Hello ', 'World', ''],
    ['Hello ', 'World', ''],
  ],
];

test('a value in two blocks is hidden, streamed and not', async () => {
  for (const [texts, shown] of cases) {
    assert.deepEqual(await message(texts), shown);
    for (const size of [1, 3, 50]) assert.deepEqual(await streamedMessage(texts, size), shown);
    const whole = await showAnswer('responses', { output: [item(texts)] }, parts());
    assert.deepEqual(whole, { output: [item(shown)] });
    for (const size of [1, 3, 50]) {
      const out = await streamedResponse(texts, size, true);
      const said = (index: number): string =>
        out.map((event) => (event['content_index'] === index ? textOf(event['delta']) : '')).join('');
      assert.deepEqual(
        texts.map((_, index) => said(index)),
        shown,
      );
      for (const pieces of [true, false]) {
        const each = await streamedResponse(texts, size, pieces);
        const done = each.filter(({ type }) => type === 'response.output_text.done');
        assert.deepEqual(
          done.map(({ text }) => text),
          shown,
        );
        const closed = each.filter(({ type }) => type === 'response.content_part.done');
        assert.deepEqual(
          closed.map(({ part }) => (part as Body)['text']),
          shown,
        );
        assert.deepEqual(each.at(-2)?.['item'], item(shown));
        assert.deepEqual(each.at(-1)?.['response'], { output: [item(shown)] });
      }
    }
  }
});

test('so is one in two messages of one answer, and in the parts of a chat', async () => {
  const output = [item(['Pay 4111 1111 '], 'a'), item(['1111 1111 now'], 'b')];
  const shown = await showAnswer('responses', { output }, parts());
  assert.deepEqual(shown, { output: [item(['Pay [CREDIT_CARD]'], 'a'), item([' now'], 'b')] });
  const content = [
    { type: 'text', text: 'Pay 4111 1111 ' },
    { type: 'text', text: '1111 1111 now' },
  ];
  const chat = await showAnswer('chat', { choices: [{ message: { content } }] }, parts());
  assert.ok(!JSON.stringify(chat).includes('1111'), JSON.stringify(chat));
  const json = await showAnswer('chat', { choices: [{ message: { content } }] }, parts(true));
  assert.ok(!JSON.stringify(json).includes('1111'), JSON.stringify(json));
});

test('blocks that come at the same time have each their own text', async () => {
  const delta = (index: number, text: string): Body => ({
    type: 'content_block_delta',
    index,
    delta: { type: 'text_delta', text },
  });
  const start = (index: number): Body => ({
    type: 'content_block_start',
    index,
    content_block: { type: 'text', text: '' },
  });
  const out = await play(messagesStream(parts()), [
    start(0), start(1), delta(0, '4111 1111 '), delta(1, 'hello '), delta(0, '1111 1111'), delta(1, 'there'),
    { type: 'content_block_stop', index: 0 }, { type: 'content_block_stop', index: 1 }, { type: 'message_stop' },
  ]); // prettier-ignore
  assert.ok(!JSON.stringify(out).includes('1111'), JSON.stringify(out));
  assert.equal(out.filter(({ type }) => type === 'content_block_stop').length, 2);
});

test('a call comes behind all of the text before it', async () => {
  const out = await play(messagesStream(parts()), [
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'I look it up.' } },
    { type: 'content_block_stop', index: 0 },
    {
      type: 'content_block_start',
      index: 1,
      content_block: { type: 'tool_use', id: 't', name: 'ls', input: {} },
    },
    { type: 'content_block_stop', index: 1 },
    { type: 'message_delta', delta: { stop_reason: 'tool_use' } },
  ]);
  assert.deepEqual(
    out.map(({ type, index }) => [type, index]),
    [['content_block_start', 0], ['content_block_delta', 0], ['content_block_stop', 0], ['content_block_start', 1],
      ['content_block_stop', 1], ['message_delta', undefined]],
  ); // prettier-ignore
});

const words = fc.constantFrom('ann.lee@example.com', '4111 1111 1111 1111', '219-09-9999', 'order 12345', 'card number', 'héllo ✓', '"quoted".'); // prettier-ignore
const text = fc.array(words, { minLength: 1, maxLength: 5 }).map((list) => list.join(' '));

test('blocks cut anywhere: streamed as whole, and nothing is left to be found in what a reader puts together', async () => {
  await fc.assert(
    fc.asyncProperty(
      text,
      fc.array(fc.nat(100), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 9 }),
      async (whole, places, size) => {
        const at = [...new Set(places.map((place) => place % (whole.length + 1)))].toSorted((a, b) => a - b);
        const texts = [...at, whole.length].map((to, index) => whole.slice(at[index - 1] ?? 0, to));
        const shown = await message(texts);
        assert.deepEqual(await streamedMessage(texts, size), shown);
        const known = parts().shown.text(whole);
        for (const value of ['example.com', '1111 1111', '219-09'])
          assert.ok(known.includes(value) || !shown.join('').includes(value), shown.join('|'));
      },
    ),
    { numRuns: 150 },
  );
});
