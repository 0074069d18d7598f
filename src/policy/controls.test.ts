import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { instant } from '../base/time.ts';
import { frameworks, readControls } from './controls.ts';
import { filesOf, kinds } from './fake.ts';
import { Problems } from './problem.ts';
import { review } from './review.ts';

const rule = (id: string, more = ''): string =>
  `- { id: ${id}, effect: allow, match: { resource: { kind: postgres }, identity: { groups: [a] }, action: sql.select }, why: w, fix: f${more} }`;

const tested = `apiVersion: sallyport/v1
fixtures:
  identities: { x: { groups: [a] } }
  resources: { db: { kind: postgres } }
cases:
  - name: reads
    as: x
    do: { action: sql.select, on: db, objects: [public.t] }
    expect: { decision: allow, by: [m/live] }
`;

function codesOf(control: string, tests: Readonly<Record<string, string>> = {}): readonly string[] {
  const files = new Map([
    ...filesOf([rule('live'), rule('quiet', ', enforce: shadow')].join('\n')),
    [
      'controls/soc2.yaml',
      `apiVersion: sallyport/v1\nframework: soc2\ntitle: t\ncontrols:\n  - ${control}\n`,
    ],
    ...Object.entries(tests),
  ]);
  const { problems } = review(files, kinds, instant(0));
  return problems.filter(({ file }) => file.startsWith('controls/')).map(({ code }) => code);
}

test('a control without a live, tested rule is a finding', () => {
  const control = (more: string): string => `{ id: X1, name: n, how: h, ${more} }`;
  for (const [more, codes] of [
    ['rules: m/live', ['SP-C402']],
    ['rules: m/quiet', ['SP-C401']],
    ['rules: m/none', ['SP-C401']],
    ['rules: []', ['SP-C401']],
    ['rules: [m/live, m/none]', ['SP-C402', 'SP-C401']],
    ['rules: m/live, tests: tests/none.test.yaml', ['SP-C402', 'SP-C403']],
    ['rule: m/live', ['SP-Y002', 'SP-Y003']],
    ['rules: m/live, evidence: [{ what: w, where: { knid: decision } }]', ['SP-Y002', 'SP-C402']],
    ['rules: m/live, evidence: [{ what: w, where: {}, expect: none }]', ['SP-Y004', 'SP-C402']],
  ] as const)
    assert.deepEqual(codesOf(control(more)), codes, more);
  const tests = { 'tests/m.test.yaml': tested };
  for (const named of ['tests/m.test.yaml', 'reads'])
    assert.deepEqual(codesOf(control(`rules: m/live, tests: ${named}`), tests), []);
  const failing = { 'tests/m.test.yaml': tested.replace('decision: allow', 'decision: deny') };
  assert.deepEqual(codesOf(control('rules: m/live, tests: reads'), failing), ['SP-C403']);
});

test('the controls that come with the sample policy can be read, and each framework has some', () => {
  const folder = join(import.meta.dirname, '..', '..', 'policy', 'controls');
  const files = new Map(
    readdirSync(folder).map((name) => [`controls/${name}`, readFileSync(join(folder, name), 'utf8')]),
  );
  const problems = new Problems();
  const sets = readControls(files, problems);
  assert.deepEqual(problems.list, []);
  assert.deepEqual(sets.map(({ framework }) => framework).sort(), [...frameworks].sort());
  for (const { controls } of sets)
    assert.ok(controls.length >= 5 && controls.every(({ rules }) => rules.length > 0));
});
