import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { analyse } from './analyse.ts';
import { publicPath, shop } from './fake.ts';
import { load, parse } from './parse.ts';
import { templateOf } from './template.ts';

const limits = { statementBytes: 100_000, statementDepth: 200, statementsPerQuery: 10 };

test('templateOf() gives one template to texts that differ in compared constants', () => {
  const same = [
    ['SELECT a FROM t WHERE id = 1', 'SELECT a FROM t WHERE id = 234'],
    ["UPDATE t SET a = 'x' WHERE b >= 'y'", "UPDATE t SET a = 'zz' WHERE b >= 'a longer one'"],
    ['SELECT a FROM t WHERE id = 1;', 'SELECT a FROM t WHERE id = 2;\n'],
    ['DELETE FROM t WHERE id=1 AND x<5', 'DELETE FROM t WHERE id=9 AND x<6'],
  ] as const;
  for (const [one, other] of same) {
    assert.notEqual(templateOf(one), undefined, one);
    assert.equal(templateOf(one), templateOf(other));
  }
});

test('templateOf() leaves strings that stand elsewhere as they are', () => {
  const text = "SELECT ' = 1' FROM t WHERE b = 2";
  assert.equal(templateOf(text), "SELECT ' = 1' FROM t WHERE b = \u0001n");
});

test('templateOf() gives none where a constant can be something else than it seems', () => {
  const doubtful = [
    'SELECT 1',
    'SELECT a FROM t ORDER BY 1',
    "SELECT nextval('a')",
    "SELECT a FROM t WHERE b = 'x' -- ' = 1",
    "SELECT a FROM t WHERE b = 'x' /* = 1 */",
    "SELECT a FROM t WHERE b = E'x'",
    "SELECT a FROM t WHERE b = U&'x'",
    'SELECT a FROM t WHERE b = $$x$$',
    "SELECT a FROM t WHERE b = 'x'\n'y'",
    "SELECT a FROM t WHERE b = 'it''s'",
    "SELECT a FROM t WHERE b = 'x'::regclass",
    'SELECT a FROM t WHERE "b = 1" = 2',
    'SELECT a FROM t WHERE b = 1; DELETE FROM t',
    "SELECT a FROM t WHERE b = 'x\\'",
    'SELECT a FROM t WHERE b = 1e5',
    'SELECT a FROM t WHERE b = 12345678901',
    'SET x = 1',
    "SELECT set_config(setting_name => 'a', new_value => 'b', is_local => false)",
    "SELECT set_config(setting_name := 'a', new_value := 'b', is_local := false)",
    "SELECT set_config(setting_name = > 'a')",
    'SELECT a FROM t WHERE b = 1\u00a0',
    "SELECT doc -> 'a' FROM t",
    "SELECT doc ->> 'a', doc->0 FROM t",
    "SELECT doc #>> '{a,b}' FROM t",
    "SELECT a FROM t WHERE doc @> '{}'",
    "SELECT a FROM t WHERE b @= 'x'",
    "SELECT setting FROM pg_settings WHERE name = 'application_name'",
    "SELECT set_config(name, 'off', false) FROM PG_SETTINGS WHERE name = 'a'",
  ];
  for (const text of doubtful) {
    const template = templateOf(text);
    assert.ok(template === undefined || !template.includes('\u0001'), text);
  }
});

const column = fc.constantFrom('id', 'email', 'ssn', 'name');
const comparator = fc.constantFrom(
  '=',
  '<',
  '>',
  '<=',
  '>=',
  '<>',
  '!=',
  '= ',
  ' =\n',
  '->',
  '->>',
  ' #>> ',
  '@>',
);
const value = fc.oneof(
  fc.nat().map(String),
  fc.string({ maxLength: 6 }).map((text) => `'${text}'`),
  fc.constantFrom("'a''b'", "E'a'", '$1', '1.5', '-3', "'x'::text", "'a' 'b'", '(SELECT 1)'),
);
const compared = fc.tuple(column, comparator);
const shape = fc.constantFrom(
  (where: string) => `SELECT name, ssn FROM customers WHERE ${where}`,
  (where: string) => `UPDATE customers SET name = 'z' WHERE ${where}`,
  (where: string) => `DELETE FROM orders WHERE ${where} AND total > 3`,
  (where: string) => `SELECT upper(email) FROM customers WHERE ${where} ORDER BY 1 LIMIT 5`,
);

test('texts with one template mean the same', async () => {
  await load();
  const catalogue = await shop();
  const meaning = (text: string): unknown => {
    const parsed = parse(text, limits);
    if (!parsed.ok) return parsed.code;
    return analyse(parsed.statements, catalogue, publicPath).statements.map(
      ({ action, outputs, effect }) => ({ action: { ...action, text: '' }, outputs, effect }),
    );
  };
  let pairs = 0;
  fc.assert(
    fc.property(shape, compared, value, value, (make, before, one, other) => {
      const [a, b] = [make(before.join('') + one), make(before.join('') + other)];
      const template = templateOf(a);
      if (template === undefined || template !== templateOf(b)) return;
      pairs += 1;
      assert.deepEqual(meaning(a), meaning(b));
    }),
    { numRuns: 8_000, seed: 7 },
  );
  assert.ok(pairs > 500, `only ${pairs} pairs had one template`);
});
