import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  celList,
  type CelInput,
  celMap,
  celUint,
  isCelError,
  isCelList,
  isCelMap,
  isCelUint,
  parse,
} from '@bufbuild/cel';
import { getConformanceSuite } from '@bufbuild/cel-spec/testdata/tests.js';
import { evaluator } from './evaluate.ts';

// CEL's own conformance cases, through the evaluator that conditions are asked with.

type Suite = ReturnType<typeof getConformanceSuite>;
type Case = NonNullable<Suite['tests']>[number]['original'];
type Value = Extract<Case['resultMatcher'], { case: 'value' }>['value'];

/** Files of the suite that are about what conditions have: everything but protocol buffers and extensions. */
const core: ReadonlySet<string> = new Set(
  'basic comparisons conversions fields fp_math integer_math lists logic macros namespace parse plumbing string timestamps'.split(
    ' ',
  ),
);
/** Left out, each with its reason; nothing else is. */
const leftOut: readonly (readonly [string, RegExp])[] = [
  ['messages of protocol buffers are no part of the language', /TestAllTypes|google\.protobuf|cel\.expr\./],
  ['types as values are no part of the language', /^type\(|\btype\(/],
];
/** Cases that fail, by path: the library's differences from the specification, each looked at. */
const quoted = 'fields in backticks are not parsed: no attribute of ours needs them';
const known: Readonly<Record<string, string>> = {
  '/fields/qualified_identifier_resolution/map_value_repeat_key_heterogeneous':
    'a map with 0 and 0u as keys is accepted; conditions cannot write maps',
  '/fields/quoted_map_fields/field_access_dash': quoted,
  '/fields/quoted_map_fields/field_access_dot': quoted,
  '/fields/quoted_map_fields/field_access_slash': quoted,
  '/fields/quoted_map_fields/has_field_dash': quoted,
  '/fields/quoted_map_fields/has_field_dot': quoted,
  '/fields/quoted_map_fields/has_field_slash': quoted,
  '/timestamps/duration_converters/get_milliseconds':
    'getMilliseconds() of a duration gives its part of a second, where the case wants the whole duration',
};

function* cases(suite: Suite, path: string): Generator<readonly [string, Case]> {
  for (const each of suite.tests ?? []) yield [`${path}/${each.original.name}`, each.original];
  for (const each of suite.suites ?? []) yield* cases(each, `${path}/${each.name}`);
}

function inputOf(value: Value): CelInput {
  const { kind } = value;
  switch (kind.case) {
    case 'nullValue':
      return null;
    case 'uint64Value':
      return celUint(kind.value);
    case 'listValue':
      return celList(kind.value.values.map(inputOf));
    case 'mapValue':
      return celMap(
        new Map(
          kind.value.entries.map(({ key, value: of }) => {
            assert.ok(key !== undefined && of !== undefined);
            return [inputOf(key) as string, inputOf(of)] as const;
          }),
        ),
      );
    case 'boolValue':
    case 'int64Value':
    case 'doubleValue':
    case 'stringValue':
    case 'bytesValue':
      return kind.value;
    default:
      throw new TypeError(`No value of kind ${kind.case ?? 'none'}`);
  }
}

function same(got: unknown, wanted: Value): boolean {
  const { kind } = wanted;
  switch (kind.case) {
    case 'nullValue':
      return got === null;
    case 'uint64Value':
      return isCelUint(got) && (got as { value: bigint }).value === kind.value;
    case 'doubleValue':
      return typeof got === 'number' && (Object.is(got, kind.value) || got === kind.value);
    case 'bytesValue':
      return got instanceof Uint8Array && Buffer.from(got).equals(Buffer.from(kind.value));
    case 'listValue': {
      if (!isCelList(got)) return false;
      const items = [...(got as Iterable<unknown>)];
      return (
        items.length === kind.value.values.length &&
        kind.value.values.every((each, at) => same(items[at], each))
      );
    }
    case 'mapValue': {
      if (!isCelMap(got)) return false;
      const entries = [...(got as Iterable<readonly [unknown, unknown]>)];
      return (
        entries.length === kind.value.entries.length &&
        kind.value.entries.every(({ key, value }) =>
          entries.some(
            ([k, v]) => key !== undefined && value !== undefined && same(k, key) && same(v, value),
          ),
        )
      );
    }
    case 'boolValue':
    case 'int64Value':
    case 'stringValue':
      return got === kind.value;
    default:
      return false;
  }
}

function passes({ expr, container, bindings, resultMatcher }: Case): boolean {
  let got: unknown;
  let failed = false;
  try {
    const words: Record<string, CelInput> = {};
    for (const [name, { kind }] of Object.entries(bindings)) {
      if (kind.case === 'value') words[name] = inputOf(kind.value);
    }
    got = evaluator(container === '' ? undefined : container).planned(parse(expr).expr)(words);
    failed = isCelError(got);
  } catch {
    failed = true;
  }
  if (resultMatcher.case === 'evalError') return failed;
  if (failed) return false;
  return resultMatcher.case === 'value' ? same(got, resultMatcher.value) : got === true;
}

test('CEL: at least 99 % of the core cases of its conformance suite, and every other one is named', () => {
  const counts = { all: 0, passed: 0 };
  const failed: string[] = [];
  const skipped = new Map<string, number>();
  for (const [path, each] of cases(getConformanceSuite(), '')) {
    if (!core.has(path.split('/')[1] ?? '')) continue;
    const text = `${each.expr} ${each.container} ${JSON.stringify(each.resultMatcher, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))} ${each.typeEnv.map(({ name }) => name).join(' ')}`;
    const kind = each.resultMatcher.case === 'value' ? each.resultMatcher.value.kind.case : undefined;
    const why =
      kind === 'typeValue' || kind === 'objectValue' || kind === 'enumValue'
        ? 'its result is a type, a message or an enum'
        : each.checkOnly
          ? 'it is about the checker of CEL alone; ours has its own tests'
          : leftOut.find(([, pattern]) => pattern.test(text.replaceAll(/"\$typeName":"[^"]*"/g, '')))?.[0];
    if (why !== undefined) {
      skipped.set(why, (skipped.get(why) ?? 0) + 1);
      continue;
    }
    counts.all += 1;
    if (passes(each)) counts.passed += 1;
    else failed.push(path);
  }
  assert.deepEqual(failed.sort(), Object.keys(known).sort());
  assert.ok(counts.all >= 1_000, `only ${counts.all} cases; left out: ${JSON.stringify([...skipped])}`);
  assert.ok(counts.passed / counts.all >= 0.99, JSON.stringify(counts));
});
