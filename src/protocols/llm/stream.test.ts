import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { documentMask } from '../../carriers/http/masks.ts';
import { isObject } from '../../base/check.ts';
import { noDuties, type Permit } from '../../core/decision.ts';
import { maskKey } from '../../mask/index.ts';
import { Placeholders } from './placeholders.ts';
import { type Body, textOf } from './body.ts';
import { Shown } from './shown.ts';
import { chatStream } from './chat-stream.ts';
import { messagesStream } from './messages-stream.ts';
import { responsesStream } from './responses-stream.ts';
import type { AnswerStream } from './stream.ts';
import { hiddenThought, Thoughts } from './thoughts.ts';

const key = maskKey(Buffer.alloc(32, 7));

function parts(placeholders: Placeholders = new Placeholders()): {
  shown: Shown;
  judge: () => Promise<undefined>;
  thoughts: Thoughts;
  signal: AbortSignal;
} {
  const duties = { ...noDuties, finds: [{ entity: '*', operator: { kind: 'redact' as const } }] };
  const permit = { duties, operatorOf: () => undefined } as unknown as Permit; // the real gate is not needed here
  const shown = new Shown({ permit, key, mask: documentMask(permit, 'answer', key), placeholders });
  return {
    shown,
    judge: () => Promise.resolve(undefined),
    thoughts: new Thoughts(),
    signal: new AbortController().signal,
  };
}

const words = fc.constantFrom(
  'ann.lee@example.com', 'call +1 415 555 2671', '4111 1111 1111 1111', '219-09-9999', 'order 12345', ' ', '\n', 'héllo ✓', '192.168.1.7',
  'AKIAIOSFODNN7EXAMPLE', '"quoted"', 'a\\b', '[EMAIL_ADDRESS_1]', '[', 'x@', '.', '😀',
); // prettier-ignore
const text = fc.array(words, { maxLength: 8 }).map((list) => list.join(' '));

/** The text in pieces, cut anywhere, also inside a surrogate pair. */
function cut(whole: string, places: readonly number[]): readonly string[] {
  const at = [...new Set(places.map((place) => place % (whole.length + 1)))].toSorted((a, b) => a - b);
  return [...at, whole.length].map((to, index) => whole.slice(at[index - 1] ?? 0, to));
}

async function play(stream: AnswerStream, events: readonly Body[]): Promise<readonly Body[]> {
  const out: Body[] = [];
  for (const event of events) out.push(...(await stream.event(event)));
  out.push(...(await stream.end('whole')));
  return out;
}

function inside(value: unknown, ...path: readonly (string | number)[]): unknown {
  let at = value;
  for (const step of path)
    at = isObject(at) ? at[step] : Array.isArray(at) ? (at as unknown[])[Number(step)] : undefined;
  return at;
}

const shapes: Readonly<
  Record<
    string,
    (pieces: readonly string[]) => {
      stream: AnswerStream;
      events: readonly Body[];
      read: (out: readonly Body[]) => string;
    }
  >
> = {
  chat: (pieces) => ({
    stream: chatStream(parts()),
    events: [
      ...pieces.map((content) => ({
        id: 'c',
        choices: [{ index: 0, delta: { content }, finish_reason: null }],
      })),
      { id: 'c', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
    ],
    read: (out) => out.map((event) => textOf(inside(event, 'choices', 0, 'delta', 'content'))).join(''),
  }),
  responses: (pieces) => ({
    stream: responsesStream(parts()),
    events: [
      ...pieces.map((delta) => ({
        type: 'response.output_text.delta',
        item_id: 'm',
        output_index: 0,
        content_index: 0,
        delta,
      })),
      {
        type: 'response.output_text.done',
        item_id: 'm',
        output_index: 0,
        content_index: 0,
        text: pieces.join(''),
      },
    ],
    read: (out) => out.map((event) => textOf(event['delta'])).join(''),
  }),
  messages: (pieces) => ({
    stream: messagesStream(parts()),
    events: [
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      ...pieces.map((piece) => ({
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'text_delta', text: piece },
      })),
      { type: 'content_block_stop', index: 0 },
    ],
    read: (out) => out.map((event) => textOf(inside(event, 'delta', 'text'))).join(''),
  }),
};

for (const [name, shape] of Object.entries(shapes)) {
  test(`${name}: what is streamed is what the whole would show, however it is cut`, async () => {
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(400), { maxLength: 40 }), async (whole, places) => {
        const { stream, events, read } = shape(cut(whole, places));
        assert.equal(read(await play(stream, events)), parts().shown.text(whole));
      }),
      { numRuns: 300 },
    );
  });
}

test('every single split of an address, and each character alone', async () => {
  const whole = 'Write to ann.lee@example.com or 4111 1111 1111 1111 now.';
  const every = Array.from({ length: whole.length }, (_, at) => [at]);
  for (const places of [...every, Array.from({ length: whole.length }, (_, at) => at)]) {
    for (const shape of Object.values(shapes)) {
      const { stream, events, read } = shape(cut(whole, places));
      assert.equal(read(await play(stream, events)), 'Write to [EMAIL_ADDRESS] or [CREDIT_CARD] now.');
    }
  }
});

test('texts of two choices do not mix', async () => {
  const stream = chatStream(parts());
  const piece = (index: number, content: string): Body => ({
    choices: [{ index, delta: { content }, finish_reason: null }],
  });
  const end = (index: number): Body => ({ choices: [{ index, delta: {}, finish_reason: 'stop' }] });
  const out = await play(stream, [
    piece(0, 'ann@exam'),
    piece(1, 'x@'),
    piece(0, 'ple.com'),
    piece(1, ' y'),
    end(1),
    end(0),
  ]);
  const said = (wanted: number): string =>
    out
      .filter((event) => inside(event, 'choices', 0, 'index') === wanted)
      .map((event) => textOf(inside(event, 'choices', 0, 'delta', 'content')))
      .join('');
  assert.equal(said(0), '[EMAIL_ADDRESS]');
  assert.equal(said(1), 'x@ y');
});

test('arguments of tools are masked behind their escapes, and stay JSON', async () => {
  const given = '{"to":"ann\\u0040example.com","n":219099999,"deep":["4111111111111111"]}';
  for (const places of Array.from({ length: given.length }, (_, at) => [at])) {
    const pieces = cut(given, places);
    const out = await play(messagesStream(parts()), [
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'tool_use', id: 't', name: 'mail', input: {} },
      },
      ...pieces.map((piece) => ({
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'input_json_delta', partial_json: piece },
      })),
      { type: 'content_block_stop', index: 0 },
    ]);
    const written = out.map((event) => textOf(inside(event, 'delta', 'partial_json'))).join('');
    const read = JSON.parse(written) as { to: string; deep: string[] };
    assert.equal(read.to, '[EMAIL_ADDRESS]');
    assert.deepEqual(read.deep, ['[CREDIT_CARD]']);
  }
});

test('a signed thought is never edited: it passes whole, or is hidden and comes back by its signature', async () => {
  const think = async (
    thought: string,
  ): Promise<{ readonly out: readonly Body[]; readonly thoughts: Thoughts }> => {
    const made = parts();
    const out = await play(messagesStream(made), [
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'thinking', thinking: '', signature: '' },
      },
      ...cut(thought, [3, 9]).map((piece) => ({
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'thinking_delta', thinking: piece },
      })),
      { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'sig' } },
      { type: 'content_block_stop', index: 0 },
    ]);
    return { out, thoughts: made.thoughts };
  };
  const clean = await think('Nothing to hide here');
  assert.equal(inside(clean.out[1], 'delta', 'thinking'), 'Nothing to hide here');
  const dirty = await think('It is ann.lee@example.com');
  assert.equal(inside(dirty.out[1], 'delta', 'thinking'), hiddenThought);
  assert.equal(inside(dirty.out[2], 'delta', 'signature'), 'sig');
  const again = dirty.thoughts.restore({
    messages: [{ content: [{ type: 'thinking', thinking: hiddenThought, signature: 'sig' }] }],
  });
  assert.equal(inside(again, 'messages', 0, 'content', 0, 'thinking'), 'It is ann.lee@example.com');
});

test('events and fields that nobody here knows do not pass while masks apply', async () => {
  assert.deepEqual(await play(messagesStream(parts()), [{ type: 'new_event', text: 'x' }]), []);
  assert.deepEqual(await play(responsesStream(parts()), [{ type: 'response.new.delta', delta: 'x' }]), []);
  const out = await play(chatStream(parts()), [
    { choices: [{ index: 0, delta: { audio: { transcript: 'ann@example.com' } } }] },
  ]);
  assert.ok(!JSON.stringify(out).includes('ann@'));
});

test('placeholders come back however they are cut, and only those of this session', () => {
  const placeholders = new Placeholders();
  const finds = [{ entity: '*', operator: { kind: 'token' as const } }];
  const { text: hidden } = placeholders.hide('bob@example.com and bob@example.com', finds, key);
  assert.equal(hidden, '[EMAIL_ADDRESS_1] and [EMAIL_ADDRESS_1]');
  const whole = 'To [EMAIL_ADDRESS_1], [EMAIL_ADDRESS_2] and [x';
  for (const places of Array.from({ length: whole.length }, (_, at) => [at])) {
    const restoring = placeholders.restoring();
    const said = cut(whole, places).map(restoring.push).join('') + restoring.end();
    assert.equal(said, 'To bob@example.com, [EMAIL_ADDRESS_2] and [x');
  }
});
