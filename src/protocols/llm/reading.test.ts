import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isUnchanged, parsedOf } from './reading.ts';

const texts: readonly (readonly [text: string, unchanged: boolean])[] = [
  ['{"a":1,"b":[{"c":"d"}]}', true],
  ['{ "a": 1.0, "b": "\\u0041" }', true],
  ['{"a":1,"a":1}', false],
  ['{"a":1,"\\u0061":1}', false],
  ['{"a":{"b":1,"b":2}}', false],
  ['{"__proto__":1,"__proto__":2}', false],
];

for (const [text, unchanged] of texts)
  test(`isUnchanged() is ${unchanged} of ${text}`, () =>
    assert.equal(isUnchanged(text, JSON.stringify(parsedOf(text))), unchanged));

test('No text with a key twice is what is written of it', () => {
  const value = fc.jsonValue().map((each) => JSON.stringify(each));
  fc.assert(
    fc.property(fc.string(), value, value, (key, one, other) => {
      const name = JSON.stringify(key);
      const text = `{"before":[{${name}:${one},${name}:${other}}]}`;
      assert.equal(isUnchanged(text, JSON.stringify(JSON.parse(text))), false);
    }),
  );
});
