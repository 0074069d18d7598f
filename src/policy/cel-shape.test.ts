import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from '@bufbuild/cel';
import { shapeParser } from './cel-shape.ts';

const sources = [
  'action.objects.exists(o, o.name == "public.t1")',
  'action.objects.exists(o, o.name == "public.t2")',
  'action.objects.exists(o, o.name == "public.t" + "3")',
  '"a" == "b" || "c" in ["d", "e", "dd"]',
  '"x" == "y" || "z" in ["x", "xx", "x"]',
  '"xxx" == "" && has(identity.mfa) && identity.team == "xx"',
  '"a" == "a" // "b"\n',
  '"a" == "a" // "c"\n',
  String.raw`"a\"b" == "a\"c"`,
  String.raw`"a\"x" == "a\"y"`,
  '\'a\' == "b"',
  '\'a\' == "c"',
  '"""a"b""" == "c"',
  '"""a"x""" == "c"',
  'r"a" == "b"',
  'b"a" == b"b"',
  'b"c" == b"d"',
  '"ä" == "b"',
  '"ö" == "b"',
  'action.columns.map(c, c.tags).exists(t, t.exists(s, s == "pii/ssn"))',
];

test('an expression is what it is without a memory of shapes, and each is its own', () => {
  const parsedOf = shapeParser();
  for (const source of [...sources, ...sources]) {
    const { expr } = parsedOf(source);
    assert.deepEqual(expr, parse(source).expr, source);
    Object.assign(expr, { exprKind: { case: undefined } }); // whoever gets one may change it
  }
});

test('a mistake is told at its own place, whatever has the same shape', () => {
  const parsedOf = shapeParser();
  for (const source of ['"a" == ', '"b" == ', '"a', 'a."b"']) {
    const told = (by: (source: string) => unknown): string => {
      try {
        by(source);
      } catch (thrown) {
        return String(thrown);
      }
      return assert.fail(`${source} was read`);
    };
    assert.equal(told(parsedOf), told(parse));
  }
});
