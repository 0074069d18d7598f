import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { isObject } from '../base/check.ts';
import { readControls } from './controls.ts';
import { filesOf, kinds, loaded, samplePolicy } from './fake.ts';
import { glob } from './glob.ts';
import { type JsonSchema, jsonSchemas, schemaFiles } from './json-schema.ts';
import { loadPolicy } from './load.ts';
import { Problems } from './problem.ts';
import { runTrial } from './trial.ts';

const schemas = jsonSchemas(kinds, new Map([['mfa', 'boolean']]));

/** What of the keywords of JSON Schema these schemas use; throws at any other, so that none is passed over. */
function fits(schema: JsonSchema, value: unknown): boolean {
  return Object.entries(schema).every(([keyword, said]) => {
    const check = keywords[keyword];
    assert.ok(check, `unknown keyword ${keyword}`);
    return check(said, value, schema);
  });
}

const typesOf = (value: unknown): readonly string[] => {
  if (value === null) return ['null'];
  if (Array.isArray(value)) return ['array'];
  return Number.isInteger(value) ? ['integer', 'number'] : [typeof value];
};

const keywords: Readonly<Record<string, (said: unknown, value: unknown, schema: JsonSchema) => boolean>> = {
  $schema: () => true,
  title: () => true,
  description: () => true,
  type: (said, value) => [said].flat().some((type) => typesOf(value).includes(String(type))),
  enum: (said, value) => Array.isArray(said) && said.includes(value),
  const: (said, value) => said === value,
  pattern: (said, value) => typeof value !== 'string' || new RegExp(String(said), 'u').test(value),
  minLength: (said, value) => typeof value !== 'string' || value.length >= Number(said),
  minItems: (said, value) => !Array.isArray(value) || value.length >= Number(said),
  minimum: (said, value) => typeof value !== 'number' || value >= Number(said),
  maximum: (said, value) => typeof value !== 'number' || value <= Number(said),
  anyOf: (said, value) => (said as JsonSchema[]).some((each) => fits(each, value)),
  items: (said, value) => !Array.isArray(value) || value.every((each) => fits(said as JsonSchema, each)),
  required: (said, value) => !isObject(value) || (said as string[]).every((key) => Object.hasOwn(value, key)),
  properties: (said, value) =>
    !isObject(value) ||
    Object.entries(said as Record<string, JsonSchema>).every(
      ([key, each]) => !Object.hasOwn(value, key) || fits(each, value[key]),
    ),
  additionalProperties: (said, value, { properties = {} }) =>
    !isObject(value) ||
    Object.entries(value).every(
      ([key, each]) =>
        Object.hasOwn(properties as object, key) || (said !== false && fits(said as JsonSchema, each)),
    ),
};

function fileFits(path: string, source: string): boolean {
  const pattern = Object.keys(schemaFiles).find((each) => glob(each)(path));
  const schema = schemas[schemaFiles[pattern ?? ''] ?? ''];
  assert.ok(schema, `no schema for ${path}`);
  return fits(schema, parse(source, { version: '1.2', schema: 'core' }));
}

test('every file of the sample policy fits its schema', () => {
  const files = samplePolicy();
  assert.ok(files.size > 8, 'found no files');
  for (const [path, source] of files) assert.ok(fileFits(path, source), path);
});

const whole = `- id: a
  effect: require
  match: { resource: { kind: postgres, name: '*', tags: [a], env: prod }, identity: { kind: human, groups: '{{params.who}}', subject: x, actingFor: y }, action: [sql.select, sql.*, '*'], access: [read] }
  when: action.byKey
  then:
    mask: [{ tag: pii/*, with: partial, keepFirst: 1 }, { find: '*', with: null }]
    unknownLineage: deny
    limit: { rows: '{{params.rows}}', bytes: 5, rate: [100/1m, 1000/1h], concurrency: 4, session: 8h, idle: 15m }
    approve: [{ from: dba, count: 2, ttl: 5m, reason: true, hold: 0s }, { from: [leads], notRequester: true }]
    predicates: [{ tag: pii/*, allow: equality, otherwise: approve, probes: 20 }]
    columns: [public.orders.*, public.customers.city]
    readOnly: true
    justify: true
    ticket: INC-[0-9]+
    record: { level: full, retention: 90d }
    notify: [a]
    window: { days: [mon-fri], hours: '09:00-17:00', zone: UTC }
  why: w
  fix: f
  owner: o
  enforce: warn
  exemptible: true
- { id: b, effect: deny, match: { action: sql.drop }, enforce: soft, breakGlass: { groups: [a], ticket: t } }`;
const head =
  'owner: o\nabout: x\nparams:\n  who: { type: groups, default: [a] }\n  rows: { type: int, default: 5 }\n';
const exemptions =
  '  - { id: E, rule: m/b, scope: { identity: x, resource: [y] }, expires: 2027-01-01, owner: o, ticket: t, reason: r }\n';
const tests = `apiVersion: sallyport/v1
fixtures: { identities: { ana: { groups: [], mfa: true }, bot: { kind: agent, actingFor: ana } }, resources: { shop: { kind: postgres, tags: [a] } } }
cases:
  - name: n
    at: 2026-01-01T00:00:00Z
    as: [ana, bot]
    do: { action: sql.select, on: shop, access: read, objects: [a.b, { name: c, kind: table, access: read }], columns: [a.b.c, { name: a.b.d, use: filter }], attributes: { byKey: true }, opaque: true }
    expect: { decision: deny, code: NO_ALLOW_RULE, by: [], wouldBe: [], why: x, nearest: { rule: a, failed: b }, mask: { a.b.c: none }, find: { X: null }, rows: none, bytes: 5, record: full, unknownLineage: deny, approve: [], notify: [], columns: [], rate: 5/1m, concurrency: none, session: 1h, idle: none, retention: 90d, readOnly: false, justify: true, ticket: x, predicates: [], soft: false, entry: { decision: deny, denial: { class: RULE } } }
`;

test('every key that the engine knows, the schemas know', () => {
  const schema = 'identity: { mfa: boolean }\ntags: { shop: { a.b.c: [pii/x] } }\n';
  const files = new Map([
    ...filesOf(whole, { head, exemptions, schema }),
    ['tests/a.test.yaml', tests] as const,
  ]);
  assert.deepEqual(runTrial(loaded(files), files).problems, []);
  for (const [path, source] of files) assert.ok(fileFits(path, source), path);
});

const wrong: readonly (readonly [string, string, string])[] = [
  ['an unknown key', 'effect: require', 'efect: require'],
  ['an unknown effect', 'effect: require', 'effect: requires'],
  ['an unknown verb', 'sql.select', 'sql.selct'],
  ['an unknown kind', 'kind: postgres', 'kind: postgre'],
  ['an unknown access', 'access: [read]', 'access: [reads]'],
  ['an unknown duty', 'unknownLineage: deny', 'lineage: deny'],
  ['a duty that is taken back', 'readOnly: true', 'readOnly: false'],
  ['an unknown operator', 'with: partial', 'with: partly'],
  ['a limit that is no number', 'bytes: 5', 'bytes: much'],
  ['an id that is none', 'id: b,', 'id: B B,'],
  ['a window without a zone', ', zone: UTC', ''],
];

for (const [what, from, to] of wrong) {
  test(`engine and schema both refuse ${what}`, () => {
    assert.ok(whole.includes(from));
    const files = filesOf(whole.replace(from, to), { head });
    assert.equal(loadPolicy(files, kinds).ok, false);
    assert.equal(fileFits('modules/m.policy.yaml', files.get('modules/m.policy.yaml') ?? ''), false);
  });
}

const controls = `apiVersion: sallyport/v1
framework: soc2
title: t
controls:
  - id: A
    name: n
    how: h
    rules: [m/a]
    tests: []
    evidence: [{ what: w, where: { kind: decision, access: [read] }, expect: any }]
`;

const wrongControls: readonly (readonly [string, string, string])[] = [
  ['a framework that is none', 'framework: soc2', 'framework: soc3'],
  ['an unknown key of a control', 'how: h', 'who: h'],
  ['a control without rules', '    rules: [m/a]\n', ''],
  ['an unknown part of a query', 'where: { kind:', 'where: { kinds:'],
  ['an expectation that is none', 'expect: any', 'expect: all'],
];

test('a file of controls fits its schema', () => {
  const problems = new Problems();
  assert.equal(readControls(new Map([['controls/a.yaml', controls]]), problems).length, 1);
  assert.deepEqual(problems.list, []);
  assert.ok(fileFits('controls/a.yaml', controls));
});

for (const [what, from, to] of wrongControls) {
  test(`engine and schema both refuse ${what}`, () => {
    const changed = controls.replace(from, to);
    assert.notEqual(changed, controls);
    const problems = new Problems();
    readControls(new Map([['controls/a.yaml', changed]]), problems);
    assert.notEqual(problems.list.length, 0);
    assert.equal(fileFits('controls/a.yaml', changed), false);
  });
}
