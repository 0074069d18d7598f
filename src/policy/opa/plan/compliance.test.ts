import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { test } from 'node:test';
import { instant } from '../../../base/time.ts';
import { load } from './index.ts';
import { Halt, Meter } from './meter.ts';
import { numberOf } from './number.ts';
import { Unusable } from './read.ts';
import { compare, fromJson, fromPlain, RegoObject, RegoSet, toJson, type Value } from './value.ts';

// OPA's own cases of Rego v1, as plans. Every one that does not pass stands here, with the reason.

const otherwise: Readonly<Record<string, string>> = {
  'baseandvirtualdocs/base/virtual: conflicts':
    'a rule and data of one path with different values: the plan ends, where OPA lets the data win',
  'data/toplevel integer': 'data[2] is not data["2"]: only the store of OPA itself takes one for the other',
  'data/nested integer': 'as before',
};

/** Why builtins are not here. A case that calls one of them is refused when it is loaded, by its name. */
const notHere: readonly (readonly [RegExp, string])[] = [
  [/^graphql\./, 'a parser of its own, and resources of GraphQL are judged by verbs and attributes here'],
  [/^crypto\.(?:x509|parse_private_keys)/, 'certificates: the gateway checks those of its peers itself'],
  [/^io\.jwt\.encode/, 'makes tokens, with private keys and random numbers'],
  [/^providers\.aws\./, 'signs requests, with private keys'],
  [/^(?:http\.send|net\.lookup_ip_addr)$/, 'asks the network'],
  [/^(?:rand\.intn|uuid\.rfc4122)$/, 'random: another answer each time'],
  [/^(?:opa\.runtime|test\.sleep)$/, 'is about the process it runs in'],
  [/^rego\./, 'needs the compiler'],
  [/^json\.(?:match|verify)_schema$/, 'JSON Schema'],
  [/^regex\.globs_match$/, 'intersects patterns'],
  [/^strings\.render_template$/, 'templates of Go'],
];

interface Case {
  readonly note: string;
  readonly data?: unknown;
  readonly input?: unknown;
  readonly input_term?: string;
  readonly plan: unknown;
  readonly entrypoints: readonly string[];
  readonly want_plan_result?: readonly unknown[] | null;
  readonly want_error?: string;
  readonly strict_error?: boolean;
}

const now = instant(Date.UTC(2026, 0, 1)); // oxlint-disable-line no-restricted-globals
const meter = (): Meter => new Meter(50_000_000);

function cases(): readonly Case[] {
  const packed = readFileSync(join(import.meta.dirname, 'testdata', 'compliance.json.br'));
  const exact = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === 'number' && !Number.isSafeInteger(value) && context?.source !== undefined
      ? numberOf(context.source)
      : value;
  return JSON.parse(brotliDecompressSync(packed).toString(), exact) as readonly Case[];
}

/** A term of Rego without variables: JSON with sets and with keys of any kind. */
function term(text: string): Value {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[[\]{}:,]|set\(\)|[^\s[\]{}:,"]+/g) ?? [];
  let at = 0;
  const read = (): Value => {
    const token = tokens[at++] ?? '';
    if (token === 'set()') return new RegoSet();
    if (token === '[') {
      const made: Value[] = [];
      while (tokens[at] !== ']') {
        made.push(read());
        if (tokens[at] === ',') at += 1;
      }
      at += 1;
      return made;
    }
    if (token !== '{') return fromJson(token, meter());
    const [object, set] = [new RegoObject(), new RegoSet()];
    while (tokens[at] !== '}') {
      const key = read();
      if (tokens[at] === ':') {
        at += 1;
        object.set(key, read(), meter());
      } else set.add(key, meter());
      if (tokens[at] === ',') at += 1;
    }
    at += 1;
    return set.size > 0 ? set : object;
  };
  return read();
}

/** What is wrong with the answer to one case; undefined where it is right. */
function fault(each: Case): string | undefined {
  const { data, input, input_term, plan, want_plan_result: wanted, strict_error: strict } = each;
  const failing = wanted === null || wanted === undefined || each.want_error !== undefined;
  let found: readonly Value[];
  try {
    const text = JSON.stringify(plan, (_key, value: unknown) => value);
    const { plans } = load(Buffer.from(text), strict === true);
    const evaluate = plans.get(each.entrypoints[0] ?? '');
    assert.ok(evaluate);
    const given =
      input_term !== undefined
        ? term(input_term)
        : input === undefined
          ? undefined
          : fromPlain(input, meter());
    found = evaluate(given, fromPlain(data ?? {}, meter()), { meter: meter(), at: now, patterns: new Map() });
  } catch (thrown) {
    if (thrown instanceof Unusable) return thrown.message;
    if (!(thrown instanceof Halt)) return String(thrown);
    return failing ? undefined : `ended: ${thrown.message}`;
  }
  if (wanted === null || wanted === undefined)
    return `gave an answer: ${found.map((value) => toJson(value, meter())).join()}`;
  const text = `[${found.map((value) => toJson(value, meter())).join()}]`;
  // The suite writes sets as arrays, in an order of its own.
  const got = fromJson(text, meter());
  const want = fromPlain(wanted, meter());
  return compare(got, want, meter()) === 0 || compare(sorted(got), sorted(want), meter()) === 0
    ? undefined
    : `got ${text}, wanted ${toJson(want, meter())}`;
}

function sorted(value: Value): Value {
  if (value instanceof RegoObject) {
    const made = new RegoObject();
    for (const { key, value: item } of value.entries(meter())) made.set(key, sorted(item), meter());
    return made;
  }
  return Array.isArray(value) ? value.map(sorted).sort((a, b) => compare(a, b, meter())) : value;
}

test('OPA’s compliance cases', (context) => {
  const all = cases();
  const wrong: string[] = [];
  const refused = new Map<string, number>();
  const excluded = new Set<string>();
  let passed = 0;
  for (const each of all) {
    const why = fault(each);
    const missing = /not supported here: (.*)$/.exec(why ?? '')?.[1]?.split(', ');
    if (why === undefined) passed += 1;
    else if (missing !== undefined) {
      for (const name of missing)
        if (!notHere.some(([pattern]) => pattern.test(name))) wrong.push(`${each.note}: ${name} is missing`);
      const reason = notHere.find(([pattern]) => missing.some((name) => pattern.test(name)))?.[1] ?? '';
      refused.set(reason, (refused.get(reason) ?? 0) + 1);
    } else if (Object.hasOwn(otherwise, each.note)) excluded.add(each.note);
    else wrong.push(`${each.note}: ${why.slice(0, 300)}`);
  }
  const notRefused = all.length - [...refused.values()].reduce((sum, count) => sum + count, 0);
  context.diagnostic(
    `${passed} of OPA's ${all.length} cases pass: ${passed} of the ${notRefused} whose builtins are evaluated here`,
  );
  for (const [reason, count] of refused)
    context.diagnostic(`${count} are refused when they are loaded: ${reason}`);
  for (const note of excluded) context.diagnostic(`1 differs, ${note}: ${otherwise[note] ?? ''}`);
  assert.deepEqual(wrong, []);
  assert.equal(all.length, 2067);
  assert.deepEqual([...excluded].sort(), Object.keys(otherwise).sort());
  assert.ok(passed / notRefused >= 0.99);
});
