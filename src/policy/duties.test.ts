import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { operatorForFind, operatorForTags } from '../core/duties.ts';
import type { Decision, MaskOperator } from '../core/decision.ts';
import { shown } from './expectation.ts';
import { intersection, outsideColumns } from './columns.ts';
import { filesOf, identity, loaded, question } from './fake.ts';
import { joinDuties } from './join.ts';
import { loadPolicy } from './load.ts';
import { kinds } from './fake.ts';
import type { RuleDuties } from './duties.ts';
import { weaker } from './weaker.ts';

const ana = identity('ana', ['analysts']);
const allow = '- { id: allow, effect: allow, match: { resource: { kind: postgres } } }';

function requiring(...duties: readonly string[]): string {
  const rules = duties.map(
    (then, at) =>
      `- { id: r${at}, effect: require, match: { resource: { kind: postgres } }, fix: f${at}, then: { ${then} } }`,
  );
  return [allow, ...rules].join('\n');
}

test('all duties of all rules are joined: the smallest limits, every approval, the columns that all allow', () => {
  const policy = loaded(
    filesOf(
      requiring(
        'limit: { rate: [10/1m, 100/1h], concurrency: 4, session: 8h, idle: 15m }, columns: [public.orders.*, public.customers.city], justify: true',
        'limit: { rate: 5/1m, concurrency: 2, session: 1h, idle: 30m }, columns: [public.orders.id, public.customers.*], ticket: INC-.+',
        'predicates: [{ tag: pii/*, allow: equality, otherwise: approve, probes: 20 }]',
        'predicates: [{ tag: pii/*, allow: none, probes: 30 }], readOnly: true',
        'approve: [{ from: [leads, dba], count: 2, ttl: 1h }, { from: security, reason: true, hold: 30s }]',
        'approve: { from: [dba, leads], count: 1, ttl: 15m, hold: 0s }',
      ),
    ),
  );
  const { kind, duties } = policy.decide(question(ana));
  assert.equal(kind, 'review');
  assert.deepEqual(
    { ...duties, rates: duties.rates?.map(({ of, count, perMs }) => `${of ?? ''} ${count}/${perMs}`) },
    {
      masks: [],
      finds: [],
      unknownLineage: 'withhold',
      record: 'full',
      approve: [
        { groups: ['dba', 'leads'], count: 2, withinMs: 900_000, holdMs: 0 },
        { groups: ['security'], count: 1, withinMs: 900_000, reason: true, holdMs: 30_000 },
      ],
      notify: [],
      predicates: [{ tag: 'pii/*', allow: 'none', otherwise: 'deny', probes: 20 }],
      onlyColumns: ['public.customers.city', 'public.orders.id'],
      rates: ['m/r0 10/60000', 'm/r0 100/3600000', 'm/r1 5/60000'],
      concurrency: 2,
      sessionMs: 3_600_000,
      idleMs: 900_000,
      readOnly: true,
      justify: true,
      tickets: ['INC-.+'],
    },
  );
});

const ruledOut: readonly (readonly [
  string,
  string,
  Parameters<typeof question>[1],
  Decision['kind'],
  RegExp,
])[] = [
  ['a read under readOnly', 'readOnly: true', {}, 'allow', /^/],
  [
    'a write under readOnly',
    'readOnly: true',
    { access: 'write', verb: 'sql.update' },
    'deny',
    /Only reads.*write access/,
  ],
  [
    'code under readOnly',
    'readOnly: true',
    { access: 'execute', on: ['public.f()'] },
    'deny',
    /execute access/,
  ],
  ['a column in the list', 'columns: public.orders.*', { columns: ['public.orders.id'] }, 'allow', /^/],
  ['all of a table in the list', 'columns: public.orders.*', { columns: ['public.orders.*'] }, 'allow', /^/],
  [
    'all of a table of which a column is in the list',
    'columns: public.orders.id',
    { columns: ['public.orders.*'] },
    'deny',
    /would hold public\.orders\.\*/,
  ],
  [
    'a column of another table',
    'columns: public.orders.*',
    { columns: ['public.orders2.id'] },
    'deny',
    /public\.orders2\.id/,
  ],
  ['a column of nobody knows what', 'columns: public.orders.*', { columns: ['*.*'] }, 'deny', /hold \*\.\*/],
  ['an answer of unknown origin', 'columns: public.orders.*', { opaque: true }, 'deny', /cannot be told/],
];
for (const [what, duty, asking, kind, why] of ruledOut) {
  test(`${what}: ${kind}`, () => {
    const decision = loaded(filesOf(requiring(duty))).decide(question(ana, asking));
    assert.equal(decision.kind, kind);
    assert.match(decision.why, why);
    if (kind === 'deny') assert.deepEqual([decision.because[0]?.id, decision.fix], ['m/r0', ['f0']]);
  });
}

test('lists of columns that share nothing allow no column, and what shows none', () => {
  const policy = loaded(filesOf(requiring('columns: public.a.*', 'columns: public.b.*')));
  assert.equal(policy.decide(question(ana, { columns: ['public.a.x'] })).kind, 'deny');
  assert.equal(policy.decide(question(ana)).kind, 'allow');
});

const soft = `- { id: soft, effect: deny, enforce: soft, owner: team:ops, match: { resource: { kind: postgres }, action: sql.drop }, breakGlass: { groups: [sre], ticket: 'INC-[0-9]+' } }`;
const dropping = { verb: 'sql.drop', access: 'define' } as const;

test('a soft deny says what holds past it, for who may break it', () => {
  const policy = loaded(filesOf(`${allow}\n${soft}`));
  const decision = policy.decide(question(identity('sam', ['sre']), dropping));
  assert.deepEqual([decision.kind, decision.code, decision.soft], ['deny', 'RULE', true]);
  assert.equal(decision.past?.kind, 'allow');
  assert.deepEqual(
    decision.past?.because.map(({ id }) => id),
    ['m/soft', 'm/allow'],
  );
  const { justify, tickets, record, notify } = decision.past?.duties ?? {};
  assert.deepEqual([justify, tickets, record, notify], [true, ['INC-[0-9]+'], 'full', ['team:ops']]);
});

const unbroken: readonly (readonly [string, string, ReturnType<typeof identity>])[] = [
  ['for another group', `${allow}\n${soft}`, ana],
  [
    'where a hard rule denies too',
    `${allow}\n${soft}\n- { id: hard, effect: deny, match: { resource: { kind: postgres } } }`,
    identity('sam', ['sre']),
  ],
  ['where nothing allows', soft, identity('sam', ['sre'])],
  [
    'where a soft rule cannot be evaluated',
    `${allow}\n${soft.replace('effect: deny,', "effect: deny, when: '1 / size(action.objects) > 0',")}`,
    identity('sam', ['sre']),
  ],
  [
    'for an agent whose owner may',
    `${allow}\n${soft}`,
    identity('bot', [], { kind: 'agent', actingFor: identity('sam', ['sre']) }),
  ],
  [
    'for an agent that may, whose owner may not',
    `${allow}\n${soft}`,
    identity('bot', ['sre'], { kind: 'agent', actingFor: ana }),
  ],
];
for (const [what, rules, who] of unbroken) {
  test(`a soft deny holds ${what}`, () => {
    const decision = loaded(filesOf(rules)).decide(question(who, dropping));
    assert.deepEqual([decision.kind, decision.soft, decision.past], ['deny', undefined, undefined]);
  });
}

const patterns = fc.constantFrom('*', 'a.*', 'a.b.*', 'a.b.c', 'a.b.d', 'a.c.*', 'ab.c.d');
const columns = fc.constantFrom('a.b.c', 'a.b.d', 'a.c.x', 'ab.c.d', 'b.b.b', 'a.b.*');
const someDuties: fc.Arbitrary<RuleDuties> = fc
  .record(
    {
      onlyColumns: fc.array(patterns, { minLength: 1, maxLength: 3 }),
      rates: fc.array(
        fc.record({
          count: fc.integer({ min: 1, max: 3 }),
          perMs: fc.constantFrom(1_000, 60_000),
          of: fc.constantFrom('a', 'b'),
        }),
        { minLength: 1, maxLength: 2 },
      ),
      concurrency: fc.integer({ min: 1, max: 3 }),
      sessionMs: fc.integer({ min: 1, max: 3 }),
      idleMs: fc.integer({ min: 1, max: 3 }),
      readOnly: fc.constant(true as const),
      justify: fc.constant(true as const),
      tickets: fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 2 }),
      predicates: fc.array(
        fc.record({
          tag: fc.constantFrom('pii/*', 'pii/a'),
          allow: fc.constantFrom('none' as const, 'equality' as const),
          otherwise: fc.constantFrom('deny' as const, 'approve' as const),
          probes: fc.integer({ min: 1, max: 3 }),
        }),
        { minLength: 1, maxLength: 2 },
      ),
      approve: fc.array(
        fc.record({
          groups: fc.constantFrom(['a'], ['a', 'b']),
          count: fc.integer({ min: 1, max: 3 }),
          withinMs: fc.constantFrom(1_000, 60_000),
        }),
        { maxLength: 2 },
      ),
    },
    { requiredKeys: ['approve'] },
  )
  .map((duties) => ({ masks: [], finds: [], notify: [], ...duties }));

test('joining duties does not depend on order or repetition, and never asks for less', () => {
  fc.assert(
    fc.property(fc.array(someDuties, { minLength: 1, maxLength: 4 }), fc.nat(3), (all, turn) => {
      const joined = joinDuties(all, 'meta');
      const turned = [...all.slice(turn % all.length), ...all.slice(0, turn % all.length)];
      assert.deepEqual(joinDuties(turned.toReversed(), 'meta'), joined);
      assert.deepEqual(joinDuties([...all, ...all], 'meta'), joined);
      for (const each of all) {
        const before = { duties: joinDuties([each], 'meta'), tagsOf: () => [] };
        assert.deepEqual(weaker(before, { duties: joined, tagsOf: () => [] }, []), []);
      }
    }),
  );
});

test('a column is in an intersection exactly when each list allows it', () => {
  const lists = fc.array(fc.array(patterns, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(lists, columns, (all, name) => {
      const dot = name.lastIndexOf('.');
      const action = {
        ...question(ana).action,
        columns: [{ object: name.slice(0, dot), column: name.slice(dot + 1), use: 'output' as const }],
      };
      const each = all.every((list) => outsideColumns(action, list) === undefined);
      assert.equal(outsideColumns(action, intersection(all) ?? []) === undefined, each);
    }),
  );
});

test('a policy with every duty loads', () => {
  assert.ok(loadPolicy(filesOf(requiring('readOnly: true, justify: true, ticket: A-1')), kinds).ok);
});

test('inside one rule an entity that is named goes before `*`; across rules the strongest counts', () => {
  const masksOf = (...finds: readonly string[]): string => `- id: r${finds.length}
  effect: require
  match: { resource: { kind: postgres } }
  then: { mask: [${finds.join(', ')}] }`;
  const readRules = (...rules: readonly string[]) => {
    const { ruling } = loaded(filesOf(rules.join('\n')));
    return joinDuties(
      ruling.rules.map(({ duties }) => duties).filter((each) => each !== undefined),
      'meta',
    ).finds;
  };
  const all = '{ find: "*", with: redact }';
  const some = '{ find: EMAIL_ADDRESS, with: partial, keepLast: 4 }';
  const partial = { kind: 'partial', keepFirst: 0, keepLast: 4 } as const;
  for (const one of [readRules(masksOf(all, some)), readRules(masksOf(some, all))]) {
    assert.deepEqual(operatorForFind(one, 'EMAIL_ADDRESS'), partial);
    assert.deepEqual(operatorForFind(one, 'US_SSN'), { kind: 'redact' });
  }
  const two = readRules(masksOf(all), masksOf(some, '{ find: US_SSN, with: hash }'));
  assert.deepEqual(operatorForFind(two, 'EMAIL_ADDRESS'), { kind: 'redact' });
});

test('noise: what is asked for, the strongest of several, and how it is said', () => {
  const noise = (more: string): string =>
    `mask: [{ tag: pii/pay, with: noise, ${more}, averagesOut: accepted }]`;
  const shownBy = (...rules: readonly string[]): MaskOperator | undefined => {
    const { duties } = loaded(filesOf(requiring(...rules))).decide(question(ana));
    return operatorForTags(duties.masks, ['pii/pay']);
  };
  assert.deepEqual(shownBy(noise('percent: 10, days: 30')), { kind: 'noise', percent: 10, days: 30 });
  for (const [one, two, both] of [
    ['percent: 10', 'percent: 20', { kind: 'noise', percent: 20 }],
    // Where one of them hides numbers, they are hidden.
    ['percent: 10, days: 3', 'days: 30', { kind: 'noise', days: 30 }],
    ['percent: 10', 'days: 30', { kind: 'noise' }],
  ] as const) {
    assert.deepEqual(shownBy(noise(one), noise(two)), both);
    assert.deepEqual(shownBy(noise(two), noise(one)), both);
  }
  assert.equal(shownBy(noise('percent: 10'), 'mask: [{ tag: pii/*, with: generalise }]')?.kind, 'generalise');
  assert.equal(shown({ kind: 'noise', percent: 10, days: 30 }), 'noise 10% 30d');
  assert.equal(shown({ kind: 'noise' }), 'noise');
});
