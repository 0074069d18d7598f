import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { MaskOperator } from '../../core/decision.ts';
import { textPaths } from './cell-paths.ts';

const redact: MaskOperator = { kind: 'redact' };
const paths: Readonly<Record<string, MaskOperator>> = {
  '.ssn': redact,
  '.at.street': redact,
  '.gone': { kind: 'null' },
};

function shown(value: string): string | undefined {
  return textPaths(
    value,
    (path) => paths[path],
    (_, text) => `<${text.length}>`,
  );
}

const cases: readonly (readonly [string, string | undefined])[] = [
  ['{"ssn": "abc", "b": 1}', '{"ssn": "<3>", "b": 1}'],
  ['{ "b" : [ 1 , 2.50e3 ] , "ssn":7}', '{ "b" : [ 1 , 2.50e3 ] , "ssn":"***"}'],
  ['{"ssn": null}', undefined],
  ['{"ssn": {"a": ["x", {"b": "}"}]}, "c": 2}', '{"ssn": "***", "c": 2}'],
  ['{"at": {"street": ["a\\"b"], "city": "c"}}', '{"at": {"street": "***", "city": "c"}}'],
  ['{"at": [{"street": "a"}, {"street": "bc"}]}', '{"at": [{"street": "<1>"}, {"street": "<2>"}]}'],
  ['{"\\u0073sn": "abc"}', '{"\\u0073sn": "<3>"}'],
  ['{"ssn": "a", "ssn": "bc"}', '{"ssn": "<1>", "ssn": "<2>"}'],
  ['[{"ssn": "abc"}, []]', '[{"ssn": "<3>"}, []]'],
  ['{"gone": "x", "at": {}}', '{"gone": null, "at": {}}'],
  ['{"b": {"ssn": "another path"}}', undefined],
  ['"ssn"', undefined],
];

test('textPaths() hides what stands at a path and leaves every other character', () => {
  for (const [value, expected] of cases) assert.equal(shown(value), expected, value);
});

test('textPaths() throws where it is not JSON, or too deep', () => {
  for (const value of ['', '{', '{"a"}', '{"a": }', '[1,]', '{} x', '{"ssn": [', '"a', '['.repeat(2_000)]) {
    assert.throws(() => shown(value), value);
  }
});

test('textPaths() gives the document without what is hidden, whatever it holds', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify({ a: value, ssn: value });
      const { a, ssn } = JSON.parse(shown(text) ?? text) as { a: unknown; ssn: unknown };
      assert.equal(JSON.stringify(a).includes('ssn') || JSON.stringify(a) === JSON.stringify(value), true);
      assert.ok(value === null ? ssn === null : typeof ssn === 'string');
    }),
  );
});
