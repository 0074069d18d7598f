import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant } from '../base/time.ts';
import type { Grant } from '../core/access.ts';
import { compare } from './compare.ts';
import { filesOf, identity, kinds, loaded, question, refused } from './fake.ts';
import { asGranted, reach } from './on-request.ts';
import { review } from './review.ts';

const onRequest = 'onRequest: { approve: { from: leads }, longest: 2h }';
const look = `- { id: look, effect: allow, match: { resource: { kind: postgres }, identity: { groups: [support] }, action: [sql.select, sql.explain], access: read }, ${onRequest}, why: w, fix: f, owner: o }`;
const leads =
  '- { id: leads, effect: allow, match: { resource: { kind: postgres }, identity: { groups: [leads] }, access: read }, why: w, fix: f, owner: o }';
const sue = identity('sue', ['support']);
const bot = identity('bot', [], { kind: 'agent', actingFor: sue });

function granted(over: Partial<Grant> = {}): Grant {
  const policy = loaded(filesOf(look));
  const [grant] = asGranted(question(sue, { at: 1_000 }), policy.ruling.rules).grants ?? [];
  assert.ok(grant !== undefined);
  return { ...grant, until: instant(2_000), ...over };
}

test('a rule on request allows with a grant that fits, says by which, and is never remembered', () => {
  const policy = loaded(filesOf(look));
  const asked = question(sue, { at: 1_000 });
  const without = policy.decide(asked);
  assert.deepEqual([without.kind, without.nearest?.failed, without.cacheable], ['deny', 'onRequest', false]);
  const grant = granted();
  const decision = policy.decide({ ...asked, grants: [grant] });
  assert.deepEqual([decision.kind, decision.grants, decision.cacheable], ['allow', [grant.id], false]);
  const other = policy.decide(question(identity('ana', ['analysts'])));
  assert.deepEqual(
    [other.kind, other.cacheable, other.nearest?.failed],
    ['deny', true, 'identity.groups: support'],
  );
});

// A grant that differs in anything gives nothing.
const others: readonly (readonly [string, Partial<Grant>])[] = [
  ['of another rule', { rule: 'm/other' as Grant['rule'] }],
  ['of the rule in other letters', { rule: 'M/look' as Grant['rule'] }],
  ['of the rule as it was', { ruleDigest: '0'.repeat(64) }],
  ['for another resource', { resource: 'Shop' }],
  ['for every resource', { resource: '*' }],
  ['for another verb', { verbs: ['sql.explain'] }],
  ['for a pattern of verbs', { verbs: ['sql.*', '*'] }],
  ['for nothing', { verbs: [] }],
  ['that is over', { until: instant(1_000) }],
  ['that was never live', { until: NaN as Grant['until'] }],
  ['for somebody else', { chain: ['human:sam'] }],
  ['for an agent of the same name', { chain: ['agent:sue'] }],
  ['for an agent of theirs', { chain: ['agent:bot', 'human:sue'] }],
  ['for nobody', { chain: [] }],
];
for (const [what, over] of others) {
  test(`a grant ${what} gives nothing`, () => {
    const policy = loaded(filesOf(look));
    assert.equal(policy.decide({ ...question(sue, { at: 1_000 }), grants: [granted()] }).kind, 'allow');
    assert.equal(policy.decide({ ...question(sue, { at: 1_000 }), grants: [granted(over)] }).kind, 'deny');
  });
}

test('a grant takes no deny and no duty away, and gives its holder nothing through an agent', () => {
  const deny = '- { id: no, effect: deny, match: { resource: { kind: postgres } } }';
  const approve = '- { id: wait, effect: require, match: {}, then: { approve: { from: dba } } }';
  const asked = { ...question(sue, { at: 1_000 }), grants: [granted()] };
  assert.equal(loaded(filesOf(`${look}\n${deny}`)).decide(asked).kind, 'deny');
  assert.equal(loaded(filesOf(`${look}\n${approve}`)).decide(asked).kind, 'review');
  const agents =
    '- { id: agents, effect: allow, match: { resource: { kind: postgres }, identity: { kind: agent } } }';
  const policy = loaded(filesOf(`${look}\n${agents}`));
  assert.equal(policy.decide({ ...question(bot, { at: 1_000 }), grants: [granted()] }).kind, 'deny');
  const own = asGranted(question(bot), policy.ruling.rules);
  assert.equal(policy.decide(own).kind, 'allow');
});

test('of several grants the one that lasts longest is named; where a plain rule allows, none is', () => {
  const policy = loaded(filesOf(look));
  const grants = [granted(), granted({ id: 'longer' as Grant['id'], until: instant(9_000) })];
  assert.deepEqual(policy.decide({ ...question(sue, { at: 1_000 }), grants }).grants, ['longer']);
  const both = loaded(filesOf(`${look}\n${leads}`));
  const lead = identity('sue', ['support', 'leads']);
  assert.equal(both.decide({ ...question(lead, { at: 1_000 }), grants }).grants, undefined);
});

const wrong: readonly (readonly [string, string, string])[] = [
  ['no longest time', 'onRequest: { approve: { from: leads } }', 'SP-Y003'],
  ['nobody who approves', 'onRequest: { longest: 2h }', 'SP-Y003'],
  ['for ever', 'onRequest: { approve: { from: leads }, longest: 100000d }', 'SP-Y004'],
  ['a number', 'onRequest: { approve: { from: leads }, longest: 3600 }', 'SP-Y004'],
  ['no time at all', 'onRequest: { approve: { from: leads }, longest: 0s }', 'SP-Y004'],
  [
    'a ticket that is no pattern',
    "onRequest: { approve: { from: leads }, longest: 2h, ticket: '(' }",
    'SP-T103',
  ],
  [
    'an approval that waits in flight',
    'onRequest: { approve: { from: leads, hold: 5s }, longest: 2h }',
    'SP-Y004',
  ],
  [
    'the requester as approver',
    'onRequest: { approve: { from: leads, notRequester: false }, longest: 2h }',
    'SP-S220',
  ],
  [
    'a key that is not known',
    'onRequest: { approve: { from: leads }, longest: 2h, verbs: sql.* }',
    'SP-Y002',
  ],
];
for (const [what, text, code] of wrong) {
  test(`onRequest is refused: ${what}`, () => {
    assert.deepEqual(
      refused(filesOf(look.replace(onRequest, text))).map((each) => each.code),
      [code],
    );
  });
}

test('only an allow rule of a grant layer is on request', () => {
  assert.deepEqual(
    refused(filesOf(look.replace('effect: allow', 'effect: deny'))).map(({ code }) => code),
    ['SP-Y004'],
  );
  const files = new Map(filesOf(look));
  const ceiling =
    'apiVersion: sallyport/v1\nlayers:\n  - { name: top, role: ceiling, use: [{ module: m }] }\n  - { name: main, role: grant, use: [{ module: m, as: n }] }\n';
  files.set('policy.yaml', ceiling);
  assert.deepEqual(
    refused(files).map(({ code }) => code),
    ['SP-L104'],
  );
});

// What check says of it, among what it always says.
const found: readonly (readonly [string, string, readonly string[]])[] = [
  ['nothing, of a rule as it should be', `${look}\n${leads}`, []],
  [
    'nothing, of one that is for everybody who asks',
    `${look.replace('identity: { groups: [support] }, ', '').replace(', access: read', '')}\n${leads}`,
    [],
  ],
  ['a group that nothing speaks of', look, ['SP-S223']],
  ['a group that is misspelt', `${look.replace('leads', 'laeds')}\n${leads}`, ['SP-S223']],
  ['who asks also approves', `${look.replace('from: leads', 'from: support')}\n${leads}`, ['SP-S222']],
  [
    'a plain rule that allows the same already',
    `${look}\n${look.replace(`${onRequest}, `, '').replace('id: look', 'id: plain')}\n${leads}`,
    ['SP-S203'],
  ],
  [
    'a deny that always meets it',
    `${look}\n${leads}\n- { id: no, effect: deny, match: { resource: { kind: postgres }, identity: { groups: [support] } }, why: w, fix: f, owner: o }`,
    ['SP-S202'],
  ],
];
for (const [what, rules, codes] of found) {
  test(`check finds ${what}`, () => {
    // That no test asks it is another matter.
    const problems = review(filesOf(rules), kinds, instant(0)).problems.filter(
      ({ code }) => code !== 'SP-M110',
    );
    assert.deepEqual(
      problems.map(({ code }) => code),
      codes,
      problems.map(({ message }) => message).join('\n'),
    );
  });
}

test('what may now be asked for is newly allowed, and what may no longer be is newly denied', () => {
  const [without, with_] = [loaded(filesOf(leads)), loaded(filesOf(`${leads}\n${look}`))];
  assert.deepEqual(
    compare(without, with_, 2_000).differences.map(({ change }) => change),
    ['newly allowed'],
  );
  assert.deepEqual(
    compare(with_, without, 2_000).differences.map(({ change }) => change),
    ['newly denied'],
  );
});

test('reach says what may be done and asked for, for everybody of the chain', () => {
  const shop = question(sue).resource;
  const agents =
    '- { id: agents, effect: allow, match: { resource: { kind: postgres }, identity: { kind: agent }, action: sql.select } }';
  const no = '- { id: no, effect: deny, match: { resource: { kind: postgres }, action: sql.explain } }';
  const verbsOf = (rules: string, who = sue): unknown => {
    const { verbs, onRequest: offered } = reach(loaded(filesOf(rules)).ruling, who, shop);
    return [verbs.length, offered.map((each) => each.verbs)];
  };
  assert.deepEqual(verbsOf(look), [0, [['sql.select', 'sql.explain']]]);
  assert.deepEqual(verbsOf(`${look}\n${no}`), [0, [['sql.select']]]);
  assert.deepEqual(verbsOf(look, bot), [0, []]);
  assert.deepEqual(verbsOf(`${look}\n${agents}`, bot), [0, [['sql.select']]]);
  assert.deepEqual(verbsOf(look, identity('ana', ['analysts'])), [0, []]);
  assert.deepEqual(verbsOf(look.replace(onRequest, `${onRequest}, enforce: shadow`)), [0, []]);
  assert.deepEqual(verbsOf(look.replace(`${onRequest}, `, '')), [2, []]);
});

test('the digest of a rule is of what it gives, not of what it says to people', () => {
  const digest = (rules: string): string | undefined =>
    loaded(filesOf(rules)).ruling.rules[0]?.onRequest?.digest;
  assert.equal(digest(look), digest(look.replace('why: w', 'why: another')));
  for (const [a, b] of [
    ['2h', '1h'],
    ['from: leads', 'from: leads, count: 2'],
    ['sql.explain', 'sql.copy'],
    ['access: read', 'access: [read, write]'],
    ['groups: [support]', 'groups: [support, sales]'],
    ['id: look', 'id: see'],
    [', why: w', ', when: "action.byKey", why: w'],
  ] as const) {
    assert.notEqual(digest(look), digest(look.replace(a, b)), `${a} -> ${b}`);
  }
});
