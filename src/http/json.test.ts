import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type Leaf, rewriteJson } from './json.ts';

function rewritten(text: string, show: (leaf: Leaf) => string | null | undefined): string {
  const made = rewriteJson(text, show);
  assert.ok(made.ok, made.ok ? '' : made.error);
  return made.value;
}

test('what is not changed stays byte for byte', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(0, 2), (text, indent) => {
      const laid = JSON.stringify(JSON.parse(text), undefined, indent);
      assert.equal(
        rewritten(laid, () => undefined),
        laid,
      );
    }),
  );
});

test('paths, keys and types of leaves', () => {
  const seen: string[] = [];
  rewritten('{"a":[{"b\\u002ec":1.50},"x",[true]],"d":null,"":"e"}', (leaf) => {
    if (leaf.kind !== 'key') seen.push(`${leaf.kind} ${leaf.path} ${leaf.key} ${leaf.value}`);
    return undefined;
  });
  assert.deepEqual(seen, [
    'number a[].b.c b.c 1.50',
    'string a[] a x',
    'boolean a[][] a true',
    'null d d null',
    'string $  e',
  ]);
});

test('strings, numbers, booleans and keys can be shown otherwise, and stay JSON', () => {
  const text = '{ "ann@x.com" : "\\u0061nn", "n": 123456789, "n": -1.5e3, "t": true, "s": "1" }';
  const shown = rewritten(text, ({ kind, value }) =>
    kind === 'key' && !value.includes('@') ? undefined : '***',
  );
  assert.equal(shown, '{ "***" : "***", "n": 100000000, "n": 10, "t": null, "s": "***" }');
  assert.ok(JSON.parse(shown));
});

for (const text of [
  '',
  '{',
  '{"a"}',
  '[1,]',
  '{"a":1,}',
  "{'a':1}",
  '"a\nb"',
  '"\\x"',
  '01',
  '1 2',
  'nul',
  '[1}',
  '{"a":1}x',
  '\ufeff{}',
]) {
  test(`not JSON: ${JSON.stringify(text)}`, () => {
    assert.equal(rewriteJson(text, () => undefined).ok, false);
  });
}

test('too deep a document is refused and not a stack overflow', () => {
  assert.equal(rewriteJson('['.repeat(100_000), () => undefined).ok, false);
});

test('a long string is read in linear time, without recursion', () => {
  const long = 'x'.repeat(20_000_000);
  assert.equal(
    rewritten(`"${long}"`, () => 'y'),
    '"y"',
  );
});

test('what is shown is written as JSON writes it, whatever stands in it', () => {
  const tricky = [
    '',
    '***',
    '"',
    '\\',
    '\n',
    '\u0000',
    '\u007f',
    'é',
    '€',
    '😀',
    '\ud800',
    'x'.repeat(64),
    'x'.repeat(65),
  ];
  for (const inner of tricky)
    for (const shown of [inner, `a${inner}`, `${inner}"b`, inner.repeat(70)]) {
      const read = rewriteJson('{"a":"1","b":["2"]}', ({ kind }) => (kind === 'key' ? undefined : shown));
      assert.deepEqual(read, {
        ok: true,
        value: `{"a":${JSON.stringify(shown)},"b":[${JSON.stringify(shown)}]}`,
      });
    }
});
