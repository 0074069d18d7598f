import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentMask } from '../../carriers/http/masks.ts';
import { noDuties, type Permit } from '../../core/decision.ts';
import { maskKey } from '../../mask/index.ts';
import { Shower } from './shown.ts';

const duties = { ...noDuties, finds: [{ entity: '*', operator: { kind: 'redact' as const } }] };
const permit = { duties, operatorOf: () => undefined } as unknown as Permit; // the real gate is not needed here

async function shown(...texts: readonly string[]): Promise<unknown> {
  return shownBy(permit, texts);
}

async function shownBy(by: Permit, texts: readonly string[]): Promise<unknown> {
  const mask = documentMask(by, 'tool', maskKey(Buffer.alloc(32, 7)));
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

test('JSON behind something else in a text is shown by its paths, as it is by itself', async () => {
  const operator = { kind: 'redact' as const };
  const tagged = {
    duties: { ...duties, masks: [[{ tag: 'pii/*', operator }]] },
    operatorOf: ({ column }: { readonly column: string }) => (column === 'nick' ? operator : undefined),
  } as unknown as Permit; // the real gate is not needed here
  const [json, hidden] = ['{"nick":"Zoe"}', '{"nick":"***"}'];
  for (const [text, wanted] of [
    [`Found 1:\n${json}`, `Found 1:\n${hidden}`],
    [
      `\`\`\`json\n${json}\n\`\`\`\nmail ann@example.com`,
      `\`\`\`json\n${hidden}\n\`\`\`\nmail [EMAIL_ADDRESS]`,
    ],
    [`[1] ${json}`, `[1] ${hidden}`],
  ] as const) {
    assert.deepEqual(await shownBy(tagged, [text]), [wanted]);
    assert.deepEqual(await shownBy(tagged, ['first ', text]), ['first ', wanted]);
    assert.deepEqual(await shownBy(permit, [json]), [json]);
  }
  const many = JSON.stringify(await shownBy(tagged, [`a ${'{"a":'.repeat(3_000)}${json}`]));
  assert.ok(many.endsWith('***"]') && !many.includes('Zoe'));
});
