import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant } from '../base/time.ts';
import { loaded, samplePolicy } from './fake.ts';
import { findings } from './findings.ts';
import { loadPolicy } from './load.ts';
import { problemLine } from './problem.ts';
import { review } from './review.ts';
import { runTrial } from './trial.ts';

const schema = 'apiVersion: sallyport/v1\nidentity: { mfa: boolean, risk: number }\n';

function told(fixture: string, resource = '{ kind: postgres }'): readonly string[] {
  const files = new Map([
    ...[...samplePolicy()].filter(([path]) => !path.startsWith('tests/')),
    ['schema.yaml', schema],
    [
      'tests/x.test.yaml',
      `apiVersion: sallyport/v1
fixtures:
  identities: { ana: ${fixture} }
  resources: { shop: ${resource} }
cases:
  - { name: nobody, as: ana, do: { action: sql.drop, on: shop, access: define }, expect: { decision: deny } }
`,
    ],
  ]);
  return runTrial(loaded(files), files).problems.map(
    (problem) => `${problemLine(problem)}; ${problem.fix ?? ''}`,
  );
}

const fixtures: readonly (readonly [string, RegExp | undefined])[] = [
  ['{ groups: [a], mfa: true, risk: 3 }', undefined],
  [
    '{ group: [a] }',
    /3:24 SP-Y002 Unknown key `group` in an identity \(did you mean `groups`\?\); group → groups/,
  ],
  ['{ group: a }', /did you mean `groups`/],
  ['{ mfaa: true }', /did you mean `mfa`/],
  ['{ mfa: yes }', /mfa is a boolean, as schema\.yaml says/],
  ['{ risk: "3" }', /risk is a number/],
  [
    '{ department: sales }',
    /Unknown key `department`.*declared in schema\.yaml: identity: \{ department: string \}/,
  ],
];

for (const [fixture, expected] of fixtures) {
  test(`an identity of a test: ${fixture}`, () => {
    const lines = told(fixture);
    if (expected === undefined) assert.deepEqual(lines, []);
    else assert.match(lines.join('\n'), expected);
  });
}

test('what is written otherwise elsewhere is refused with how it is written here', () => {
  assert.match(told('{ groups: [a] }', '{ kind: postgres, env: prod }').join('\n'), /tags: \[env\/prod\]/);
  assert.match(told('{ groups: [a] }', '{ kind: postgres, name: x }').join('\n'), /the key above/);
});

test('`as: { from: … }` is refused, and says to write an identity of its own', () => {
  const files = new Map(samplePolicy());
  files.set(
    'tests/x.test.yaml',
    `apiVersion: sallyport/v1
fixtures: { identities: { ana: { groups: [a] } }, resources: { shop: { kind: postgres } } }
cases:
  - { name: x, as: { from: ana, groups: [] }, do: { action: sql.drop, on: shop }, expect: { decision: deny } }
`,
  );
  const [problem, ...others] = runTrial(loaded(files), files).problems;
  assert.deepEqual(others, []);
  assert.match(problem?.message ?? '', /As names identities of the fixtures/);
  assert.match(problem?.fix ?? '', /fixtures: identities:/);
});

test('thresholds that are missed say what to do', () => {
  const files = new Map(samplePolicy());
  for (const path of files.keys()) if (path.startsWith('tests/')) files.delete(path);
  const { problems } = review(files, loaded(files).ruling.kinds, instant(0));
  const missed = problems.filter(({ code }) => code === 'SP-M112' || code === 'SP-M121');
  assert.ok(missed.some(({ code }) => code === 'SP-M112') && missed.some(({ code }) => code === 'SP-M121'));
  assert.deepEqual(missed.filter(({ fix }) => fix === undefined).map(problemLine), []);
});

test('the request that shows a column without a mask is one that can read', () => {
  const wide =
    '{ id: all, effect: allow, match: { resource: { kind: postgres }, identity: { groups: [a] } }, why: w, fix: f }';
  const files = (rules: string): ReadonlyMap<string, string> =>
    new Map([
      [
        'policy.yaml',
        'apiVersion: sallyport/v1\nlayers: [{ name: main, role: grant, use: [{ module: m }] }]\n',
      ],
      ['schema.yaml', 'apiVersion: sallyport/v1\ntags: { "*": { public.t.ssn: pii/ssn } }\n'],
      ['modules/m.policy.yaml', `apiVersion: sallyport/v1\nmodule: m\nowner: o\nrules:\n${rules}`],
    ]);
  const said = (rules: string): readonly string[] =>
    findings(loaded(files(rules)), instant(0))
      .filter(({ code }) => code === 'SP-S204')
      .map(({ message }) => message);
  assert.match(said(`  - ${wide}\n`).join('\n'), /\(sql\.select\)/);
  assert.match(
    said(`  - ${wide.replace('postgres }', 'postgres }, action: [sql.drop, sql.copy]')}\n`).join(),
    /\(sql\.copy\)/,
  );
  assert.deepEqual(said(`  - ${wide.replace('postgres }', 'postgres }, action: sql.drop')}\n`), []);
});

test('a fact that is not declared says where facts are declared', () => {
  const files = new Map(samplePolicy());
  files.set('schema.yaml', 'apiVersion: sallyport/v1\n');
  files.set(
    'modules/record.policy.yaml',
    `apiVersion: sallyport/v1
module: record
owner: o
rules:
  - { id: a, effect: deny, match: { resource: { kind: postgres } }, when: '!identity.mfa', why: w, fix: f }
`,
  );
  const read = loadPolicy(files, loaded(samplePolicy()).ruling.kinds);
  const [problem] = read.ok ? [] : read.error.filter(({ code }) => code === 'SP-T101');
  assert.match(problem?.fix ?? '', /schema\.yaml: identity: \{ mfa: boolean \}/);
});
