import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { instant } from '../../../base/time.ts';
import { openBundle, policyText } from '../bundle.ts';
import type { Evaluation } from '../engine.ts';
import { planEvaluation, type PlanWanted } from './index.ts';
import { Meter } from './meter.ts';
import { compareNumbers, nearest, numberKey, numberOf, plus, quotient, textOf, times } from './number.ts';
import { compare, fromJson, same, toJson, type Value } from './value.ts';

const at = instant(0);

function bundle(name: string): Pick<PlanWanted, 'plan' | 'data'> {
  const path = join(import.meta.dirname, '..', 'testdata', `${name}.tar.gz`);
  const opened = openBundle(policyText(`opa/${name}.tar.gz`, readFileSync(path)));
  assert.ok(opened.ok && opened.value.plan !== undefined);
  return { plan: opened.value.plan, data: opened.value.data };
}

function evaluation(wanted: Partial<PlanWanted> & Pick<PlanWanted, 'plan' | 'entrypoint'>): Evaluation {
  const made = planEvaluation({ data: {}, deadlineMs: 50, strict: false, ...wanted });
  assert.ok(made.ok, made.ok ? '' : made.error);
  return made.value;
}

const evil = bundle('evil-plan');
const input = JSON.stringify({ long: 'a'.repeat(200), zero: '0' });

test('what would take too long, or grow too large, ends without an answer, each time the same way', () => {
  for (const name of ['join', 'shared', 'many', 'wider', 'number', 'addresses', 'shift', 'spread']) {
    const { ask } = evaluation({ ...evil, entrypoint: `evil/${name}` });
    const [first, second] = [ask(input, at), ask(input, at)];
    assert.ok(first.kind === 'failed', `${name}: ${JSON.stringify(first).slice(0, 100)}`);
    assert.deepEqual(second, first);
  }
  // A pattern that takes forever elsewhere is linear here.
  assert.deepEqual(evaluation({ ...evil, entrypoint: 'evil/pattern' }).ask(input, at), {
    kind: 'said',
    json: 'false',
  });
  const { ask } = evaluation({ ...evil, entrypoint: 'evil/wide' });
  assert.deepEqual(ask(input, at), { kind: 'said', json: 'true' });
  assert.equal(evaluation({ ...evil, entrypoint: 'evil/wide', deadlineMs: 1 }).ask(input, at).kind, 'failed');
  assert.equal(evaluation({ ...evil, entrypoint: 'evil/yaml_bomb' }).ask(input, at).kind, 'failed');
});

test('a rule with two values fails; a builtin that fails is undefined as in OPA, and fails where that is wanted', () => {
  const asked = (entrypoint: string, strict: boolean): unknown =>
    evaluation({ ...evil, entrypoint, strict }).ask(input, at);
  assert.deepEqual(asked('evil/conflict', false), {
    kind: 'failed',
    why: 'A rule of the policy gives two different values',
  });
  assert.deepEqual(asked('evil/not_failing', false), { kind: 'said', json: 'true' });
  assert.deepEqual(asked('evil/not_failing', true), {
    kind: 'failed',
    why: 'The builtin div failed: divide by zero',
  });
});

test('input that is no JSON, or nested without end, fails', () => {
  const { ask } = evaluation({ ...evil, entrypoint: 'evil/pattern' });
  for (const bad of ['', '{', 'undefined', '[1,', `${'['.repeat(5_000)}${']'.repeat(5_000)}`])
    assert.equal(ask(bad, at).kind, 'failed', bad.slice(0, 10));
});

const local = (value: number): unknown => ({ type: 'local', value });
const statement = (type: string, stmt: unknown): unknown => ({ type, stmt });

/** A plan of one entrypoint `a/b` with these statements, and functions of these. */
function planOf(stmts: readonly unknown[], more: Readonly<Record<string, unknown>> = {}): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      static: { strings: [{ value: 'result' }, { value: 'x' }] },
      plans: { plans: [{ name: 'a/b', blocks: [{ stmts }] }] },
      ...more,
    }),
  );
}

const call = statement('CallStmt', { func: 'f', args: [local(0), local(1), local(1)], result: 3 });
const loop = { funcs: { funcs: [{ name: 'f', params: [0, 1, 2], return: 4, blocks: [{ stmts: [call] }] }] } };
const insert = (value: number, object: number): unknown =>
  statement('ObjectInsertStmt', { key: { type: 'string_index', value: 1 }, value: local(value), object });
const result = (value: number): readonly unknown[] => [
  statement('MakeObjectStmt', { target: 9 }),
  statement('ObjectInsertStmt', { key: { type: 'string_index', value: 0 }, value: local(value), object: 9 }),
  statement('ResultSetAddStmt', { value: 9 }),
];

test('a plan that no compiler made ends, and changes nothing that it was given', () => {
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ['calls itself', planOf([call, ...result(3)], loop)],
    ['changes the input', planOf([insert(1, 0), ...result(0)])],
    ['changes the data', planOf([insert(0, 1), ...result(1)])],
    ['holds itself', planOf([statement('MakeObjectStmt', { target: 3 }), insert(3, 3), ...result(3)])],
    [
      'appends to what it was given',
      planOf([
        statement('DotStmt', { source: local(0), key: { type: 'string_index', value: 1 }, target: 3 }),
        statement('ArrayAppendStmt', { value: local(0), array: 3 }),
        ...result(3),
      ]),
    ],
  ];
  for (const [name, plan] of cases) {
    const { ask } = evaluation({ plan, entrypoint: 'a/b', data: { x: [] } });
    assert.equal(ask('{"x":[]}', at).kind, 'failed', name);
  }
  const { ask } = evaluation({ plan: planOf(result(1)), entrypoint: 'a/b', data: { x: [] } });
  assert.deepEqual(ask('{}', at), { kind: 'said', json: '{"x":[]}' });
});

test('what is no plan, or a plan with something that is not known, is refused when it is loaded', () => {
  let deep: unknown = { stmts: [] };
  for (let depth = 0; depth < 400; depth++) deep = { stmts: [statement('BlockStmt', { blocks: [deep] })] };
  const cases: readonly (readonly [RegExp, Uint8Array])[] = [
    [/no JSON/, Buffer.from('{')],
    [/no JSON/, Buffer.of(0x22, 0xff, 0x22)],
    [/no object/, Buffer.from('[]')],
    [/no entrypoint a\/b/, Buffer.from('{}')],
    [/not known here: SleepStmt/, planOf([statement('SleepStmt', {})])],
    [/not known here: constructor/, planOf([statement('constructor', {})])],
    [/calls g, which it does not hold/, planOf([statement('CallStmt', { func: 'g', args: [], result: 1 })])],
    [/other arguments/, planOf([statement('CallStmt', { func: 'f', args: [], result: 1 })], loop)],
    [/target is no number/, planOf([statement('MakeNullStmt', { target: -1 })])],
    [/target is no number/, planOf([statement('MakeNullStmt', { target: 1e9 })])],
    [/A string is no number/, planOf([statement('MakeNumberRefStmt', { Index: 7, target: 3 })])],
    [/index is no number/, planOf([statement('BreakStmt', { index: 5 })])],
    [/nested too deep/, planOf([statement('BlockStmt', { blocks: [deep] })])],
    [
      /not supported here: http\.send, nothing\.at\.all/,
      planOf([], { static: { builtin_funcs: [{ name: 'nothing.at.all' }, { name: 'http.send' }] } }),
    ],
    [/not supported here: toString/, planOf([], { static: { builtin_funcs: [{ name: 'toString' }] } })],
  ];
  for (const [why, plan] of cases) {
    const made = planEvaluation({ plan, entrypoint: 'a/b', data: {}, deadlineMs: 50, strict: false });
    assert.match(made.ok ? 'it was taken' : made.error, why);
  }
});

test('reckoning is as exact as OPA’s: 64 bits of mantissa, the shortest decimal', () => {
  const cases: readonly (readonly [string, string])[] = [
    [textOf(plus(numberOf('0.1'), numberOf('0.2'))), '0.3'],
    [textOf(quotient(1, 3)), '0.33333333333333333334'],
    [textOf(quotient(2, 3)), '0.6666666666666666667'],
    [textOf(times(numberOf('1e20'), numberOf('3'))), '300000000000000000000'],
    [textOf(plus(9_007_199_254_740_991, 1)), '9007199254740992'],
    [textOf(plus(numberOf('18446744073709551615'), 1)), '18446744073709551616'],
    [textOf(times(numberOf('1.5'), -2)), '-3'],
    [textOf(quotient(1, 1_000_000)), '1e-06'],
    [textOf(nearest(numberOf('-2.5'))), '-3'],
    [textOf(nearest(numberOf('2.4999999999999999999'))), '2'],
  ];
  for (const [got, wanted] of cases) assert.equal(got, wanted);
  assert.equal(compareNumbers(numberOf('28857836529306024611913'), numberOf('28857836529306024611912')), 1);
  assert.equal(compareNumbers(numberOf('1.0'), 1), 0);
  assert.equal(numberKey(numberOf('100e-2')), 1);
});

test('numbers keep their order and their digits', () => {
  const number = fc.oneof(
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 }),
  );
  fc.assert(
    fc.property(number, number, (a, b) => {
      const [x, y] = [numberOf(String(a)), numberOf(String(b))];
      assert.equal(
        compareNumbers(x, y),
        Math.sign(a - b) === 0 ? (a === b ? 0 : Number(a > b) * 2 - 1) : Math.sign(a - b),
      );
      assert.equal(Number(textOf(plus(x, 0))), a + 0);
      const sum = Number(textOf(plus(x, y)));
      assert.ok(
        Math.abs(sum - (a + b)) <= Math.max(Math.abs(a), Math.abs(b)) * 1e-15 + Number.MIN_VALUE * 4,
        `${a} + ${b}`,
      );
      const product = a * b;
      if (Number.isFinite(product) && Math.min(Math.abs(a), Math.abs(b), Math.abs(product)) > 1e-290)
        assert.ok(Math.abs(Number(textOf(times(x, y))) / product - 1) < 1e-15, `${a} * ${b}`);
    }),
  );
});

test('values have one order, and what is equal is one member of a set', () => {
  const meter = (): Meter => new Meter(1e9);
  const value = fc.jsonValue({ maxDepth: 3 }).map((each): Value => fromJson(JSON.stringify(each), meter()));
  fc.assert(
    fc.property(value, value, value, (a, b, c) => {
      const order = compare(a, b, meter());
      assert.equal(Math.sign(compare(b, a, meter())), -Math.sign(order) + 0);
      if (order <= 0 && compare(b, c, meter()) <= 0) assert.ok(compare(a, c, meter()) <= 0);
      assert.equal(same(a, b, meter()), order === 0);
      assert.ok(same(fromJson(toJson(a, meter()), meter()), a, meter()));
    }),
  );
});
