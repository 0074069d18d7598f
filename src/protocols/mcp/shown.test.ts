import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentMask } from '../../carriers/http/masks.ts';
import { noDuties, type Permit } from '../../core/decision.ts';
import { maskKey } from '../../mask/index.ts';
import { Shower } from './shown.ts';

const duties = { ...noDuties, finds: [{ entity: '*', operator: { kind: 'redact' as const } }] };
const permit = { duties, operatorOf: () => undefined } as unknown as Permit; // the real gate is not needed here

async function shown(...texts: readonly string[]): Promise<unknown> {
  const mask = documentMask(permit, 'tool', maskKey(Buffer.alloc(32, 7)));
  const shower = new Shower({ mask, uninspected: [] });
  const result = { content: texts.map((text) => ({ type: 'text', text })) };
  const message = await shower.show({ kind: 'answer', id: 1, result } as never, new AbortController().signal);
  const { content } = (message as unknown as { result: typeof result }).result;
  return content.map(({ text }) => text);
}

test('a value that goes over from one text of a result to the next is hidden in the first', async () => {
  assert.deepEqual(await shown('Pay 4111 1111 ', '1111 1111 now'), ['Pay [CREDIT_CARD]', ' now']);
  assert.deepEqual(await shown('{"a":1}', 'mail ann', '@example.com', '{"b":"ann@example.com"}'), [
    '{"a":1}',
    'mail [EMAIL_ADDRESS]',
    '',
    '{"b":"[EMAIL_ADDRESS]"}',
  ]);
  assert.deepEqual(await shown('Hello ', 'World'), ['Hello ', 'World']);
});
