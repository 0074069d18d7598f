import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filesOf, identity, loaded, question } from './fake.ts';
import { mutate } from './mutants.ts';
import { runTrial } from './trial.ts';

const allow = '- { id: a, effect: allow, match: { resource: { kind: postgres } } }';

function windows(...given: readonly string[]): string {
  const rules = given.map(
    (window, at) =>
      `- { id: w${at}, effect: require, match: { resource: { kind: postgres } }, then: { window: { ${window} } }, fix: Wait }`,
  );
  return [allow, ...rules].join('\n');
}

const office = "days: mon-fri, hours: '09:00-17:00', zone: Europe/Berlin";
const night = "days: fri, hours: '22:00-06:00', zone: UTC";

// 2026-11-20 is a Friday; Berlin is UTC+1 in winter, UTC+2 in summer.
const moments: readonly (readonly [string, string, 'allow' | 'deny'])[] = [
  [office, '2026-11-20T08:00:00Z', 'allow'],
  [office, '2026-11-20T07:59:59Z', 'deny'],
  [office, '2026-11-20T15:59:59Z', 'allow'],
  [office, '2026-11-20T16:00:00Z', 'deny'],
  [office, '2026-11-21T10:00:00Z', 'deny'],
  [office, '2026-07-17T07:00:00Z', 'allow'],
  [office, '2026-07-17T15:00:00Z', 'deny'],
  [night, '2026-11-20T22:00:00Z', 'allow'],
  [night, '2026-11-21T05:59:00Z', 'allow'],
  [night, '2026-11-21T06:00:00Z', 'deny'],
  [night, '2026-11-20T05:00:00Z', 'deny'],
  ['days: [sun-mon, wed], zone: UTC', '2026-11-23T23:59:00Z', 'allow'],
  ['days: [sun-mon, wed], zone: UTC', '2026-11-24T00:00:00Z', 'deny'],
  ["hours: '00:00-24:00', zone: UTC", '2026-11-24T23:59:59Z', 'allow'],
];

for (const [window, at, expected] of moments) {
  test(`a window { ${window} } has ${expected} at ${at}`, () => {
    const policy = loaded(filesOf(windows(window)));
    const decision = policy.decide(question(identity('ana'), { at: Date.parse(at) }));
    assert.equal(decision.kind, expected);
    assert.equal(decision.cacheable, false, 'the clock decides');
  });
}

test('outside of its window a rule denies by its name, and says when to come back', () => {
  const policy = loaded(filesOf(windows(night)));
  const decision = policy.decide(question(identity('ana'), { at: Date.parse('2026-11-24T12:00:00Z') }));
  assert.deepEqual([decision.kind, decision.code], ['deny', 'RULE']);
  assert.deepEqual(
    decision.because.map(({ id }) => id),
    ['m/w0'],
  );
  assert.deepEqual(decision.fix, ['Wait', 'Do it in the window fri 22:00-06:00 UTC']);
});

test('of several windows all must be open, and a moment that is none is outside of every one', () => {
  const policy = loaded(filesOf(windows(night, "hours: '23:00-24:00', zone: UTC")));
  const at = (moment: number): string => policy.decide(question(identity('ana'), { at: moment })).kind;
  assert.equal(at(Date.parse('2026-11-20T23:30:00Z')), 'allow');
  assert.equal(at(Date.parse('2026-11-20T22:30:00Z')), 'deny');
  assert.equal(at(Number.NaN), 'deny');
});

test('a test that never asks outside of a window does not notice that it is taken away', () => {
  const head =
    'apiVersion: sallyport/v1\nfixtures: { identities: { ana: {} }, resources: { shop: { kind: postgres } } }\n';
  const inside = `  - { name: in, at: '2026-11-20T23:00:00Z', as: ana, do: { action: sql.select, on: shop }, expect: { decision: allow } }\n`;
  const outside = `  - { name: out, at: '2026-11-20T12:00:00Z', as: ana, do: { action: sql.select, on: shop }, expect: { decision: deny } }\n`;
  const survivors = (cases: string): readonly string[] => {
    const files = new Map([
      ...filesOf(windows(night)),
      ['tests/a.test.yaml', `${head}cases:\n${cases}`] as const,
    ]);
    const policy = loaded(files);
    return mutate(policy, runTrial(policy, files).cases).survivors.map(({ change }) => change);
  };
  assert.ok(survivors(inside).includes('without its window'));
  assert.equal(survivors(inside + outside).includes('without its window'), false);
});
