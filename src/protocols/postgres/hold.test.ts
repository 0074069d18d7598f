import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Held, shapeOf } from './hold.ts';

function shape(text: string, verb = 'sql.delete', more: Partial<Held> = {}): string | undefined {
  const action = {
    verb,
    access: 'write',
    targets: [],
    columns: [],
    attributes: {},
    text,
    notes: [],
  } as const;
  const again: Held['again'] = () => Promise.resolve(action);
  return shapeOf({ action, text, alone: true, again, ...more }).shape;
}

test('shapeOf() is one for texts that differ in what is compared by = alone', () => {
  const one = shape("DELETE FROM t WHERE a = 'x' AND b = 1");
  assert.ok(one !== undefined);
  assert.equal(shape("DELETE FROM t WHERE a = 'y' AND b = 2"), one);
});

const apart: readonly (readonly [string, string, string])[] = [
  ['other columns', 'DELETE FROM t WHERE a = 1', 'DELETE FROM t WHERE b = 1'],
  ['no condition', 'DELETE FROM t WHERE a = 1', 'DELETE FROM t WHERE true'],
  [
    'a condition that is joined otherwise',
    'DELETE FROM t WHERE a = 1 AND b = 2',
    'DELETE FROM t WHERE a = 1 OR b = 2',
  ],
  ['lists of other lengths', 'DELETE FROM t WHERE a IN (1)', 'DELETE FROM t WHERE a IN (1, 2)'],
  ['other members of a list', 'DELETE FROM t WHERE a IN (1)', 'DELETE FROM t WHERE a IN (2)'],
  ['patterns', "DELETE FROM t WHERE a LIKE 'x'", "DELETE FROM t WHERE a LIKE '%'"],
];

for (const [what, a, b] of apart) {
  test(`shapeOf() keeps apart ${what}`, () => assert.notEqual(shape(a) ?? a, shape(b) ?? b));
}

const whole: readonly (readonly [string, string, string?, Partial<Held>?])[] = [
  ['an expression on the left', 'DELETE FROM t WHERE a * 0 = 1'],
  ['an expression on the right', 'DELETE FROM t WHERE a = 1 + a'],
  ['another constant', 'DELETE FROM t WHERE b = 2 OR 1 = 1'],
  ['a call', "DELETE FROM t WHERE length(a) = 3 AND b = 'x'"],
  ['what names no column', "DELETE FROM t WHERE current_user = 'x'"],
  ['the end of a BETWEEN', "DELETE FROM t WHERE a BETWEEN false AND b = 't'"],
  ['a condition that is turned round', "DELETE FROM t WHERE NOT (a = 'x')"],
  ['a condition that is looked at', 'DELETE FROM t WHERE (a = 1) IS NOT NULL'],
  ['a comparison by size', 'DELETE FROM t WHERE a > 1 AND b = 1'],
  ['an inequality', 'DELETE FROM t WHERE a != 1'],
  ['an operator that ends in =', 'DELETE FROM t WHERE a ~= 1'],
  ['what is assigned', "UPDATE t SET role = 'admin' WHERE a = 1", 'sql.update'],
  ['what is inserted', 'INSERT INTO t SELECT 1 WHERE a = 1', 'sql.insert'],
  ['an escape that moves where a string ends', "DELETE FROM t WHERE a = E'\\' OR b = ' AND c = 'x'"],
  ['a comment', "DELETE FROM t WHERE a = 1 -- ' OR true"],
  ['dollar quotes', 'DELETE FROM t WHERE a = $$x$$ AND b = 1'],
  ['bound values', 'DELETE FROM t WHERE a = 1', 'sql.delete', { values: ['1'] }],
  ['other statements beside it', 'DELETE FROM t WHERE a = 1', 'sql.delete', { within: 'x; y' }],
];

for (const [what, text, verb, more] of whole) {
  test(`shapeOf() leaves nothing out beside ${what}`, () => assert.equal(shape(text, verb, more), undefined));
}
