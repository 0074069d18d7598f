import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain } from './explain.ts';
import { identity, loaded, question, samplePolicy } from './fake.ts';

test('explain() says what every rule near the question said, for everyone in the chain', () => {
  const policy = loaded(samplePolicy());
  const owner = identity('dan', ['dba']);
  const bot = identity('bot', [], { kind: 'agent', actingFor: owner });
  const asked = question(bot, { verb: 'sql.update', access: 'write', on: ['public.orders'] });
  const { decision, identities } = explain(policy, asked);
  assert.equal(decision.kind, 'deny');
  assert.deepEqual(
    identities.map((each) => each.subject),
    ['bot', 'dan'],
  );
  const ofBot = identities[0]?.rules.find((each) => each.rule.id === 'agents/agents-never-write');
  assert.equal(ofBot?.outcome, 'matched');
  const ofOwner = identities[1]?.rules.find((each) => each.rule.id === 'changing/wide-changes-wait');
  assert.equal(ofOwner?.outcome, 'matched');
  const near = identities[1]?.rules.find((each) => each.rule.id === 'reading/staff-read');
  assert.equal(near?.outcome, 'no-match');
  assert.deepEqual(
    near.tests.filter((each) => each.outcome === 'no').map((each) => each.source),
    ['action: sql.select, sql.copy, sql.explain', 'access: read'],
  );
  const failures = (identities[1]?.rules ?? []).map(
    (each) => each.tests.filter((one) => one.outcome !== 'yes').length,
  );
  assert.deepEqual(
    failures,
    failures.toSorted((a, b) => a - b),
    'the nearest first',
  );
});

test('explain() tells a rule that failed from one that did not match', () => {
  const policy = loaded(samplePolicy());
  const asked = question(identity('dan', ['dba']), {
    verb: 'sql.update',
    access: 'write',
    attributes: { byKey: undefined as unknown as boolean },
  });
  const { decision, identities } = explain(policy, asked);
  assert.equal(decision.code, 'POLICY_ERROR');
  const broken = identities[0]?.rules.find((each) => each.rule.id === 'changing/wide-changes-wait');
  assert.equal(broken?.outcome, 'failed');
});

test('explain() tells what each test read, for the identity that is asked', () => {
  const policy = loaded(samplePolicy());
  const asked = question(identity('dan', ['dba']), {
    verb: 'sql.update',
    access: 'write',
    on: ['public.orders'],
    attributes: { byKey: true },
  });
  const rules = explain(policy, asked).identities[0]?.rules ?? [];
  const factsOf = (id: string): readonly string[] =>
    (rules.find(({ rule }) => rule.id === id)?.tests ?? []).flatMap(({ facts }) =>
      facts.map(({ path, value }) => `${path} = ${value ?? 'absent'}`),
    );
  assert.ok(factsOf('changing/wide-changes-wait').includes('action.byKey = true'));
  assert.ok(factsOf('reading/staff-read').includes('action.verb = "sql.update"'));
  assert.deepEqual(policy.explain?.(asked), explain(policy, asked).identities);
});
