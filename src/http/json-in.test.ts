import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonIn, mayHoldJson } from './json-in.ts';

const found = (text: string): readonly string[] =>
  [...jsonIn(text)].map(({ start, end, known }) => `${known ? '' : '?'}${text.slice(start, end)}`);

for (const [text, parts] of [
  ['got {"a":1} and [ [{"b":2}]] end', ['{"a":1}', '[ [{"b":2}]]']],
  ['[INFO] {a} [1] {"a":1', []],
  [`${'['.repeat(20)}{"a":1}${']'.repeat(20)}`, [`${'['.repeat(7)}{"a":1}${']'.repeat(7)}`]],
] as const)
  test(`JSON is found in a text: ${text.slice(0, 30)}`, () => assert.deepEqual(found(text), parts));

test('time grows with the text, whatever it is made of', () => {
  for (const sign of ['[', '[ ', '{ ', '[\n']) assert.equal(mayHoldJson(`x${sign.repeat(1_000_000)}`), false); // for hours, were it with its square
  assert.match(found(`x${'{"a":'.repeat(3_000)}`).at(-1) ?? '', /^\?/);
});
