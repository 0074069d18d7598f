import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { Problems } from './problem.ts';
import { readPlainYaml } from './yaml-plain.ts';
import { type Located, readAnyYaml } from './yaml.ts';

/** All that readers of a file can see: values, places, and places inside of texts. */
function seen(node: Located): unknown {
  const { at } = node;
  if (node.kind === 'map') {
    return { at, map: node.entries.map(({ key, keyAt, value }) => [key, keyAt, seen(value)]) };
  }
  if (node.kind === 'list') return { at, list: node.items.map(seen) };
  const { value, placeOf } = node;
  const inside = typeof value === 'string' ? value.length : -1;
  const offsets = [0, Math.floor(inside / 2), inside - 1].filter((offset) => offset >= 0);
  return { at, value, places: offsets.map((offset) => placeOf?.(offset)) };
}

/** Whether it is plain; fails where the two readers differ. */
function compared(text: string): boolean {
  const plain = readPlainYaml('a.yaml', text);
  if (plain === undefined) return false;
  const problems = new Problems();
  const whole = readAnyYaml('a.yaml', text, problems);
  assert.deepEqual(problems.list, [], text);
  assert.ok(whole !== undefined);
  assert.deepEqual(seen(plain), seen(whole), text);
  return true;
}

test('the policies of this repository are plain, and both readers see the same in them', () => {
  const top = join(import.meta.dirname, '..', '..');
  const files = ['policy', 'modules', 'test']
    .flatMap((folder) =>
      readdirSync(join(top, folder), { recursive: true, withFileTypes: true }).filter((entry) =>
        entry.isFile(),
      ),
    )
    .filter(({ name, parentPath }) => /\.ya?ml$/.test(name) && !parentPath.includes('node_modules'))
    .map(({ parentPath, name }) => join(parentPath, name));
  assert.ok(files.length > 15, 'found no files');
  const others = files.filter((file) => !compared(readFileSync(file, 'utf8')));
  assert.ok(others.length <= files.length / 10, `not plain: ${others.join(', ')}`);
});

const fragments = [
  'a: b',
  'key: 1',
  '- x',
  '- id: y',
  '  ',
  '    ',
  ' ',
  '- ',
  'k:',
  '{ a: b }',
  '[x, y]',
  '{ a: [b, c],',
  '}',
  ']',
  '|',
  '|-',
  '# c',
  ' # c',
  '"q"',
  "'q'",
  '"a\\n"',
  "'it''s'",
  'team:x',
  'a: b: c',
  '15m',
  '0x1f',
  '1.5',
  '1e3',
  '2026-01-01',
  'null',
  '~',
  'true',
  'True',
  '&a',
  '*a',
  '!t',
  '? x',
  ':',
  '-',
  '-1',
  '.5',
  ',',
  'when: |',
  'x && y # z',
  'k: "v" # c',
  'k: v#c',
  "'k': v",
  '1: x',
  'on: y',
  '<<: z',
  '{}',
  '[]',
  '{ a }',
  '[a: b]',
  '{"a":1}',
  '{ "a": 1 }',
  'é: ü',
  'k: é—x',
  '\t',
  '...',
  '---',
  '% x',
  'k: >',
  'k: @x',
  '  a: c',
  'b: c',
  'c: d',
  '+1',
  '1_000',
  '0o17',
  '017',
  '30d',
  'a: 1.2.3.4',
  'a: 10:20',
  'a: b ',
  'k: [a,',
  '  b]',
  ' - x',
  'y: z',
  '3.4.1',
  'on: [z]',
];

test('what is read as plain is read by the whole reader alike', () => {
  let plain = 0;
  const line = fc
    .tuple(
      fc.constantFrom('', '', ' ', '  ', '    ', '- ', '  - '),
      fc.array(fc.constantFrom(...fragments), { maxLength: 3 }),
      fc.constantFrom('', ' '),
    )
    .map(([indent, parts, between]) => indent + parts.join(between));
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), (lines) => {
      if (compared(`${lines.join('\n')}\n`)) plain += 1;
    }),
    { numRuns: 20_000 },
  );
  assert.ok(plain > 200, `only ${plain} documents were plain: the comparison shows nothing`);
});

for (const [text, why] of [
  ['a: &x b\n', 'an anchor'],
  ['a: *x\n', 'an alias'],
  ['a: !t b\n', 'a tag'],
  ['a: b\na: c\n', 'a key twice'],
  ['a: { b: 1, b: 2 }\n', 'a key twice in a flow'],
  ['a:\tb\n', 'a tab'],
  ['a: b\n  c\n', 'a text that goes on'],
  ['a: >\n  b\n', 'a folded text'],
  ['a: "x\\ty"\n', 'an escape'],
  ["a: 'it''s'\n", 'a quote in a text'],
  ['a:\n', 'nothing'],
  ['--- \na: b\n', 'a document mark'],
  ['<<: { a: b }\n', 'a merge'],
  ['a: b', 'no end of the last line'],
  ['a: [b\n', 'a list without an end'],
  ['a: yes: no\n', 'two colons'],
  ['a: 0x1f\n', 'a number in another form'],
  ['true: b\n', 'a key of another type'],
] as const) {
  test(`left to the whole reader: ${why}`, () => {
    assert.equal(readPlainYaml('a.yaml', text), undefined);
  });
}
