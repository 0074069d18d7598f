import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Case } from './cases.ts';
import { decider } from './decide.ts';
import { filesOf, loaded, samplePolicy } from './fake.ts';
import type { LoadedPolicy } from './load.ts';
import { mutantsOf, mutate } from './mutants.ts';
import { judgeCase, runTrial } from './trial.ts';

/** Each fault, each case, all rules: what `mutate` says without asking it all. */
function plainly({ ruling, tagsOf }: LoadedPolicy, cases: readonly Case[]): readonly string[] {
  return mutantsOf(ruling.rules)
    .filter(({ rule, to }) => {
      const rules = ruling.rules.flatMap((each) => (each !== rule ? [each] : to === undefined ? [] : [to]));
      const decide = decider({ ...ruling, rules });
      return cases.every((each) => judgeCase({ decide, tagsOf }, each).failures.length === 0);
    })
    .map(({ rule, change }) => `${rule.ref.id} ${change}`);
}

const survivorsOf = (policy: LoadedPolicy, cases: readonly Case[]): readonly string[] =>
  mutate(policy, cases).survivors.map(({ rule, change }) => `${rule.ref.id} ${change}`);

test('the faults that survive are those that survive when every case is asked of every rule', () => {
  const files = samplePolicy();
  const policy = loaded(files);
  const { cases } = runTrial(policy, files);
  const passing = cases.filter((each) => judgeCase(policy, each).failures.length === 0);
  for (const part of [0, 1, 2]) {
    const some = passing.filter((_, at) => at % 3 === part);
    const survivors = survivorsOf(policy, some);
    assert.ok(survivors.length > 10, 'everything was noticed: the comparison shows nothing');
    assert.deepEqual(survivors, plainly(policy, some));
  }
});

test('a case that names the nearest rule notices a fault in a rule that matches nothing', () => {
  const rules = `- id: reads
  effect: allow
  match: { identity: { groups: [a] }, access: read }
- id: writes
  effect: allow
  match: { identity: { groups: [b] }, access: write }
- id: no-drop
  effect: deny
  match: { action: sql.drop }`;
  const files = new Map([
    ...filesOf(rules),
    [
      'tests/a.test.yaml',
      `apiVersion: sallyport/v1
fixtures:
  identities: { b: { groups: [b] } }
  resources: { shop: { kind: postgres } }
cases:
  - { name: n, as: b, do: { action: sql.select, on: shop }, expect: { decision: deny, nearest: { rule: m/writes, failed: 'access: write' } } }
  - { name: d, as: b, do: { action: sql.drop, on: shop }, expect: { decision: deny, entry: { denial: { rule: m/no-drop } } } }
`,
    ],
  ]);
  const policy = loaded(files);
  const { cases } = runTrial(policy, files);
  assert.equal(cases.length, 2);
  const survivors = survivorsOf(policy, cases);
  assert.deepEqual(survivors, plainly(policy, cases));
  assert.ok(!survivors.includes('m/writes without the rule'), survivors.join('\n'));
});
