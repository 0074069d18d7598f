import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action, ColumnRef, ColumnUse } from '../core/action.ts';
import { type Decision, noDuties, type PredicateDuty, type RuleId, type RuleRef } from '../core/decision.ts';
import { asked, Probes } from './predicates.ts';

const tags: Readonly<Record<string, readonly string[]>> = { ssn: ['pii/ssn'], email: ['pii/email'] };
const tagsOf = ({ column }: ColumnRef): readonly string[] => tags[column] ?? [];

function using(...columns: readonly Omit<ColumnUse, 'object'>[]): Action {
  return {
    verb: 'sql.select',
    access: 'read',
    targets: [],
    columns: columns.map((each) => ({ object: 'public.people', ...each })),
    attributes: {},
    text: '',
    notes: [],
  };
}

function allowed(...predicates: readonly PredicateDuty[]): Decision {
  return {
    kind: 'allow',
    because: [],
    why: '',
    fix: [],
    duties: { ...noDuties, predicates },
    policy: { digest: '' },
    wouldBe: [],
    cacheable: true,
  };
}

const equal = { column: 'ssn', use: 'filter', how: 'equality' } as const;
const like = { column: 'ssn', use: 'filter', how: 'other' } as const;
const onlyEqual: PredicateDuty = { tag: 'pii/*', allow: 'equality', otherwise: 'deny' };
const nothing: PredicateDuty = { tag: 'pii/ssn', allow: 'none', otherwise: 'deny' };

const cases: readonly (readonly [string, Action, readonly PredicateDuty[], Decision['kind']])[] = [
  ['equality passes where it is allowed', using(equal), [onlyEqual], 'allow'],
  ['anything else does not', using(like), [onlyEqual], 'deny'],
  [
    'a use of which the kind is not told does not',
    using({ column: 'ssn', use: 'filter' }),
    [onlyEqual],
    'deny',
  ],
  ['none is none', using(equal), [nothing], 'deny'],
  ['the strictest that fits counts', using(equal), [onlyEqual, nothing], 'deny'],
  ['another tag is not meant', using({ ...equal, column: 'email' }), [nothing], 'allow'],
  ['an output is no condition', using({ column: 'ssn', use: 'output' }), [nothing], 'allow'],
  [
    'an output that decides whether it fails is one',
    using({ column: 'ssn', use: 'output', how: 'other' }),
    [onlyEqual],
    'deny',
  ],
  ['a column without a tag is free', using({ ...like, column: 'name' }), [onlyEqual], 'allow'],
  ['what could not be resolved can be any column', using({ ...like, column: '*' }), [onlyEqual], 'deny'],
  ['held without anybody to ask is denied', using(like), [{ ...onlyEqual, otherwise: 'approve' }], 'deny'],
];

for (const [name, action, predicates, kind] of cases) {
  test(`asked(): ${name}`, () => assert.equal(asked(allowed(...predicates), action, tagsOf).kind, kind));
}

test('asked() holds where somebody can approve', () => {
  const approve = [{ groups: ['dba'], count: 1, withinMs: 1 }];
  const decision = allowed({ ...onlyEqual, otherwise: 'approve' });
  const held = asked({ ...decision, duties: { ...decision.duties, approve } }, using(like), tagsOf);
  assert.equal(held.kind, 'review');
});

test('Probes refuse the question after the last one allowed, and count by tag', () => {
  const probes = new Probes();
  const decision = allowed({ ...onlyEqual, probes: 2 });
  const count = (action: Action): string => probes.count(decision, action, tagsOf)?.kind ?? 'passes';
  assert.deepEqual(
    [count(using(equal)), count(using()), count(using({ ...equal, column: 'email' }))],
    ['passes', 'passes', 'passes'],
  );
  assert.equal(count(using(equal)), 'deny');
  assert.equal(count(using({ ...equal, column: 'name' })), 'passes');
});

test('asked() names the rule that hides the column, and what it advises', () => {
  const rule = (id: string, tag: string): RuleRef => ({
    id: id as RuleId,
    effect: 'require',
    at: { file: 'a.policy.yaml', line: 1, col: 1 },
    why: '',
    fix: `as ${id} says`,
    demands: ['predicates', `predicates ${tag}`],
  });
  const decision = {
    ...allowed({ tag: 'pci/*', allow: 'none', otherwise: 'deny' }, onlyEqual),
    because: [rule('cards', 'pci/*'), rule('people', 'pii/*')],
  };
  const { because, fix } = asked(decision, using(like), tagsOf);
  assert.deepEqual(
    because.map(({ id }) => id),
    ['people', 'cards'],
  );
  assert.equal(fix.at(-1), 'as people says');
});
