import assert from 'node:assert/strict';
import { told } from '../../src/gate/telling.ts';
import { test } from 'node:test';
import type { Action } from '../../src/core/action.ts';
import type { Verdict } from '../../src/core/decision.ts';
import type { Wanted } from '../../src/gate/wanted.ts';
import { type AccessHouse, accessHouse, policyOf } from './access-house.ts';
import { settle } from './house.ts';

function kindOf(verdict: Verdict): string {
  return verdict.kind === 'permit' ? 'permit' : verdict.denial.class;
}

async function may(
  h: AccessHouse,
  by = 'sue',
  more: Partial<Action> = {},
  resource = 'shop',
): Promise<boolean> {
  return (await h.read(h.open(by, resource), more)).kind === 'permit';
}

test('access is asked for, approved, used, written down, and expires; the session that used it ends', async () => {
  using h = await accessHouse();
  const session = h.open('sue');
  const before = await h.read(session);
  assert.equal(kindOf(before), 'NO_ALLOW_RULE');
  assert.match(
    before.kind === 'refusal' ? before.denial.fix.join() : '',
    /sallyport access request shop --verbs sql\.select --for 1h --reason TEXT/,
  );
  const asked = await h.ask('sue', { forMs: 60_000 });
  assert.ok(asked.kind === 'asked');
  assert.equal(kindOf(await h.read(session)), 'NO_ALLOW_RULE', 'waiting is not having');
  assert.equal((await h.answer('lead', asked.review.id)).kind, 'counted');
  assert.equal(kindOf(await h.read(session)), 'permit', 'an open session has it at once');
  h.pass(59_999);
  assert.equal(kindOf(await h.read(session)), 'permit');
  h.pass(1);
  assert.equal(h.ended.length, 1);
  assert.match(h.ended[0]?.why ?? '', /^access ended: rev_\w+ \(m\/look\) has expired$/);
  assert.equal(kindOf(await h.read(session)), 'NO_ALLOW_RULE', 'no verdict is remembered');
  await settle();
  const kinds = h.entries.map((entry) =>
    entry.kind === 'review.ended' ? `ended:${entry.state}` : entry.kind,
  );
  assert.deepEqual(
    kinds.filter((kind) => kind !== 'decision'),
    ['review.asked', 'review.answered', 'access.granted', 'ended:expired'],
  );
  const used = h.entries.filter((entry) => entry.kind === 'decision' && entry.decision === 'allow');
  assert.equal(used.length, 2);
  for (const entry of used) assert.deepEqual(entry.kind === 'decision' && entry.grants, [asked.review.id]);
});

// Whose answer does not count, and why.
const nobodies: readonly (readonly [string, string, string])[] = [
  ['the one who asks', 'sue', 'own-request'],
  ['an agent of the one who asks', 'bot', 'not-a-person'],
  ['another agent', 'agent', 'not-a-person'],
  ['a workload of the group', 'robot', 'not-a-person'],
  ['a sign-in that acts for one of the group', 'proxy', 'not-a-person'],
  ['somebody of no group that is named', 'dba', 'not-in-group'],
];
for (const [who, subject, code] of nobodies) {
  test(`access is not approved by ${who}`, async () => {
    using h = await accessHouse();
    const asked = await h.ask('sue');
    assert.ok(asked.kind === 'asked');
    const counted = await h.answer(subject, asked.review.id);
    assert.equal(counted.kind === 'not-counted' && counted.code, code);
    assert.equal(await may(h), false);
    const entry = h.entries.find((each) => each.kind === 'review.answered');
    assert.equal(entry?.kind === 'review.answered' && entry.code, code);
  });
}

test('who asks may not approve through the group, nor through another account, nor the owner of the agent that asks', async () => {
  using h = await accessHouse();
  const own = await h.ask('sam');
  assert.ok(own.kind === 'asked');
  const counted = await h.answer('sam', own.review.id);
  assert.equal(counted.kind === 'not-counted' && counted.code, 'own-request');
  h.records = h.records.map((each) => (each.subject === 'lead' ? { ...each, links: ['sue'] } : each));
  const linked = await h.ask('sue');
  assert.ok(linked.kind === 'asked');
  const other = await h.answer('lead', linked.review.id);
  assert.equal(other.kind === 'not-counted' && other.code, 'own-request');
  h.records = h.records.map((each) =>
    each.subject === 'sue' ? { ...each, groups: ['support', 'leads'] } : each,
  );
  const agents = await h.ask('bot');
  assert.ok(agents.kind === 'asked');
  const owner = await h.answer('sue', agents.review.id);
  assert.equal(owner.kind === 'not-counted' && owner.code, 'own-request');
});

test('who is asked, and every channel, reads what is asked for', async () => {
  using h = await accessHouse();
  const asked = await h.ask('sue');
  assert.ok(asked.kind === 'asked');
  const row = h.desk.find(asked.review.id);
  assert.ok(row !== undefined);
  for (const card of [h.desk.card(row, h.identity('lead')), told(h.desk.parts, row.id)]) {
    assert.match(card?.text ?? '', /^Access to shop for 1h\nMay do: sql\.select \(read\)\nAs m\/look says/);
    assert.equal(card?.stated?.reason, 'a case');
  }
});

test('two approvers are two humans', async () => {
  using h = await accessHouse();
  const asked = await h.ask('sue', { verbs: ['sql.update'], ticket: 'OPS-7' });
  assert.ok(asked.kind === 'asked');
  const { id } = asked.review;
  const write = { verb: 'sql.update', access: 'write' } as const;
  assert.equal((await h.answer('lead', id)).kind, 'counted');
  assert.equal(await may(h, 'sue', write), false);
  assert.equal((await h.answer('lena', id)).kind, 'not-counted', 'another account of lead');
  assert.equal(await may(h, 'sue', write), false);
  assert.equal((await h.answer('dora', id)).kind, 'counted');
  assert.equal(await may(h, 'sue', write), true);
});

test('where nobody could approve, nothing is asked', async () => {
  using h = await accessHouse();
  const own = ({ subject }: { readonly subject: string }): boolean =>
    ['sam', 'dba', 'analyst'].includes(subject);
  h.records = h.records.filter(own);
  const asked = await h.ask('sam');
  assert.equal(asked.kind === 'not' && asked.code, 'nobody');
  assert.deepEqual(h.entries, []);
});

// What a grant does not give.
const elsewhere: readonly (readonly [string, Partial<Action>, string?, string?])[] = [
  ['another verb that the rule gives, which was not asked for', { verb: 'sql.explain' }],
  ['a verb in other letters', { verb: 'SQL.SELECT' }],
  ['another access', { access: 'write' }],
  [
    'what the condition of the rule leaves out',
    { targets: [{ kind: 'table', name: 'public.orders', access: 'read' }] },
  ],
  ['what is not understood', { access: 'unknown' }],
  ['a resource whose name differs in its letters', {}, 'sue', 'Shop'],
  ['a resource whose name begins alike', {}, 'sue', 'shop2'],
  ['another person of the group', {}, 'sam'],
  ['an agent of the one who has it', {}, 'bot'],
];
for (const [what, more, by = 'sue', resource = 'shop'] of elsewhere) {
  test(`a grant does not give ${what}`, async () => {
    using h = await accessHouse();
    await h.have('sue');
    assert.equal(await may(h), true);
    assert.equal(await may(h, by, more, resource), false);
  });
}

test("an agent's access is its own: its owner has none by it", async () => {
  using h = await accessHouse();
  await h.have('bot');
  assert.equal(await may(h, 'bot'), true);
  assert.equal(await may(h, 'sue'), false);
});

// What can be asked for, and no more.
const refused: readonly (readonly [string, Partial<Wanted>, string])[] = [
  ['more than the rule gives', { verbs: ['sql.select', 'sql.delete'] }, 'verbs'],
  ['verbs of two rules at once', { verbs: ['sql.select', 'sql.update'] }, 'verbs'],
  ['a pattern that means nothing', { verbs: ['http.*'] }, 'verbs'],
  ['a pattern that several rules fit', { verbs: ['sql.*'] }, 'several'],
  ['another rule', { rule: 'm/agents' }, 'nothing'],
  ['a rule in other letters', { rule: 'M/LOOK' }, 'nothing'],
  ['longer than the rule gives', { forMs: 7_200_001 }, 'duration'],
  ['no time', { forMs: 0 }, 'duration'],
  ['time that goes back', { forMs: -3_600_000 }, 'duration'],
  ['no number', { forMs: NaN }, 'duration'],
  ['for ever', { forMs: Infinity }, 'duration'],
  ['a part of a millisecond', { forMs: 60_000.5 }, 'duration'],
  ['no reason', { reason: '\u200b \n' }, 'reason'],
  ['no ticket', { verbs: ['sql.update'] }, 'ticket'],
  ['a ticket that only begins right', { verbs: ['sql.update'], ticket: 'OPS-7 or so' }, 'ticket'],
];
for (const [what, wanted, code] of refused) {
  test(`asking is refused: ${what}`, async () => {
    using h = await accessHouse();
    const asked = await h.ask('sue', wanted);
    assert.equal(asked.kind === 'not' ? asked.code : 'asked', code);
    assert.ok(!h.entries.some(({ kind }) => kind === 'review.asked'));
  });
}

test('who the rule is not about can ask for nothing, and the same asked twice is one request', async () => {
  using h = await accessHouse();
  const stranger = await h.ask('analyst');
  assert.equal(stranger.kind === 'not' && stranger.code, 'nothing');
  const made = await Promise.all([h.ask('sue'), h.ask('sue'), h.ask('sue')]);
  const ids = made.map((asked) => (asked.kind === 'asked' ? asked.review.id : ''));
  assert.equal(new Set(ids).size, 1);
  assert.equal(h.entries.filter(({ kind }) => kind === 'review.asked').length, 1);
});

test('the holder, an approver and an administrator take it back; the session ends at once; others see nothing', async (t) => {
  for (const [by, admin, done] of [
    ['sue', false, 'ended'],
    ['lead', false, 'ended'],
    ['dora', false, 'ended'],
    ['dba', true, 'ended'],
    ['dba', false, 'not-yours'],
    ['bot', false, 'not-yours'],
    ['analyst', false, 'not-yours'],
  ] as const) {
    await t.test(`${by}${admin ? ', whom the policy lets' : ''}: ${done}`, async () => {
      using h = await accessHouse();
      const id = await h.have('sue');
      const session = h.open('sue');
      await h.read(session);
      assert.equal(await h.revoke(by, id, admin), done);
      assert.equal(h.ended.length, done === 'ended' ? 1 : 0);
      assert.equal(kindOf(await h.read(session)), done === 'ended' ? 'NO_ALLOW_RULE' : 'permit');
      assert.equal(await h.revoke('sue', id), done === 'ended' ? 'over' : 'ended');
    });
  }
});

test('taken back as a review, it ends too', async () => {
  using h = await accessHouse();
  const id = await h.have('sue');
  const session = h.open('sue');
  await h.read(session);
  assert.equal(await h.desk.withdraw(id, h.identity('sue'), 'test'), 'withdrawn');
  assert.equal(h.ended.length, 1);
  assert.equal(kindOf(await h.read(session)), 'NO_ALLOW_RULE');
});

test('the owner of an agent takes back what it has', async () => {
  using h = await accessHouse();
  const id = await h.have('bot');
  assert.equal(await h.revoke('sue', id), 'ended');
  assert.equal(await may(h, 'bot'), false);
});

test('a restart keeps what is live, and nothing that has ended', async () => {
  using h = await accessHouse();
  const [kept, gone] = [await h.have('sue'), await h.have('bot')];
  await h.revoke('sue', gone);
  const waits = await h.ask('sam');
  await h.again();
  assert.equal(await may(h, 'sue'), true);
  assert.equal(await may(h, 'bot'), false);
  assert.ok(waits.kind === 'asked');
  assert.equal((await h.answer('lead', waits.review.id)).kind, 'counted', 'what waits goes on waiting');
  assert.equal(await may(h, 'sam'), true);
  h.pass(3_600_000);
  assert.equal(await may(h, 'sue'), false);
  await settle();
  await h.again();
  assert.equal(h.desk.find(kept)?.state, 'expired');
});

test('what was approved and not yet written down when the gateway was killed is void', async () => {
  using h = await accessHouse();
  const asked = await h.ask('sue');
  assert.ok(asked.kind === 'asked');
  const { store } = h.desk.parts;
  store.step(asked.review.id, { from: ['waiting'], to: 'approved', at: h.desk.parts.world.now() });
  await h.again();
  assert.equal(await may(h), false);
  assert.equal(h.desk.find(asked.review.id)?.state, 'void');
});

test('it ends while the gateway is down', async () => {
  using h = await accessHouse();
  const id = await h.have('sue');
  h.put(3_600_000);
  await h.again();
  assert.equal(await may(h), false);
  assert.equal(h.desk.find(id)?.state, 'expired');
});

test('a clock that is put back lengthens nothing, running or not; one that is put forward shortens it', async () => {
  using h = await accessHouse();
  await h.have('sue');
  h.pass(3_000_000);
  h.put(-3_000_000);
  h.pass(599_999);
  assert.equal(await may(h), true);
  h.pass(1);
  assert.equal(await may(h), false);
  await h.have('sue');
  h.pass(3_000_000);
  h.put(-86_400_000);
  await h.again();
  assert.equal(await may(h), true);
  h.pass(611_000); // it was told the time every ten seconds
  assert.equal(await may(h), false);
  h.put(86_400_000);
  await h.have('sue');
  const session = h.open('sue');
  await h.read(session);
  h.put(3_600_000);
  assert.equal(kindOf(await h.read(session)), 'NO_ALLOW_RULE');
  h.pass(1_000);
  assert.equal(
    h.ended.at(-1)?.session,
    `${h.entries.flatMap((entry) => (entry.kind === 'decision' ? [entry.session] : [])).at(-1)}`,
  );
});

// Changes of the policy, and whether what was granted before still holds.
const changes: readonly (readonly [string, (rules: string) => string, boolean])[] = [
  ['the rule is gone', (rules) => rules.replace('id: look', 'id: watch'), false],
  ['the rule gives fewer verbs', (rules) => rules.replace('[sql.select, sql.explain]', 'sql.select'), false],
  ['the rule is about another group', (rules) => rules.replace('[support]', '[helpers]'), false],
  ['the condition is another', (rules) => rules.replace('customers', 'people'), false],
  ['it may be had for less long', (rules) => rules.replace('longest: 2h', 'longest: 30m'), false],
  ['others must approve', (rules) => rules.replace('from: leads }', 'from: dba }'), false],
  ['it is only watched', (rules) => rules.replace('id: look', 'id: look\n  enforce: shadow'), false],
  [
    'a deny was added',
    (rules) =>
      `${rules}\n- { id: no, effect: deny, match: { resource: { kind: postgres }, action: sql.select } }`,
    false,
  ],
  [
    'the rule says why in other words',
    (rules) => rules.replace('id: look', 'id: look\n  why: For cases'),
    true,
  ],
  ['another rule is another', (rules) => rules.replace('longest: 8h', 'longest: 4h'), true],
];
for (const [what, edit, holds] of changes) {
  test(`${what}: a grant ${holds ? 'still holds' : 'is void, and the session that used it ends within a second'}`, async () => {
    using h = await accessHouse();
    const id = await h.have('sue');
    const session = h.open('sue');
    await h.read(session);
    h.policy = policyOf(edit);
    assert.equal(kindOf(await h.read(session)) === 'permit', holds);
    h.pass(999);
    assert.equal(h.ended.length, holds ? 0 : 1);
    await settle();
    assert.equal(h.desk.find(id)?.state, holds ? 'approved' : 'void');
    h.policy = policyOf();
    assert.equal(kindOf(await h.read(session)) === 'permit', holds, 'and it does not come back');
  });
}

test('what was asked for under another policy, or by somebody who has changed, is void when it is approved', async () => {
  using h = await accessHouse();
  const asked = await h.ask('sue');
  assert.ok(asked.kind === 'asked');
  h.policy = policyOf((rules) => rules.replace('customers', 'people'));
  await h.answer('lead', asked.review.id);
  assert.equal(h.desk.find(asked.review.id)?.state, 'void');
  h.policy = policyOf();
  const second = await h.ask('sue');
  assert.ok(second.kind === 'asked');
  h.records = h.records.map((each) =>
    each.subject === 'sue' ? { ...each, groups: ['support', 'admins'] } : each,
  );
  await h.answer('lead', second.review.id);
  assert.equal(h.desk.find(second.review.id)?.state, 'void');
  assert.equal(await may(h), false);
});

test('approve and revoke at once: whatever comes first, nothing is left', async () => {
  for (const first of ['approve', 'revoke'] as const) {
    using h = await accessHouse();
    const asked = await h.ask('sue');
    assert.ok(asked.kind === 'asked');
    const { id } = asked.review;
    const acts = { approve: () => h.answer('lead', id), revoke: () => h.revoke('sue', id) };
    const second = first === 'approve' ? 'revoke' : 'approve';
    await Promise.all([acts[first](), acts[second]()]);
    assert.equal(await may(h), false, first);
    assert.equal(h.desk.find(id)?.state, 'withdrawn');
    await h.again();
    assert.equal(await may(h), false, `${first}, after a restart`);
  }
});

test('an old approval cannot be used again', async () => {
  using h = await accessHouse();
  const id = await h.have('sue', { forMs: 60_000 });
  h.pass(60_000);
  await settle();
  assert.equal((await h.answer('dora', id)).kind, 'not-counted');
  const row = h.desk.find(id);
  assert.ok(row !== undefined);
  await h.access.granted(row);
  assert.equal(await may(h), false);
});

test('who renewed in time is not thrown out', async () => {
  using h = await accessHouse();
  await h.have('sue', { forMs: 60_000 });
  const session = h.open('sue');
  await h.read(session);
  h.pass(30_000);
  await h.have('sue', { forMs: 120_000 });
  h.pass(30_000);
  assert.deepEqual(h.ended, []);
  assert.equal(kindOf(await h.read(session)), 'permit');
  h.pass(90_000);
  assert.equal(h.ended.length, 1);
});

test('a write that is written down while its access ends is not sent', async () => {
  using h = await accessHouse();
  const asked = await h.ask('sue', { verbs: ['sql.update'], ticket: 'OPS-1' });
  assert.ok(asked.kind === 'asked');
  await h.answer('lead', asked.review.id);
  await h.answer('dora', asked.review.id);
  const session = h.open('sue');
  const { promise, resolve } = Promise.withResolvers<void>();
  h.ledger.until = promise;
  const write = h.read(session, { verb: 'sql.update', access: 'write' });
  const revoked = h.revoke('lead', asked.review.id);
  await settle(2);
  resolve();
  const verdict = await write;
  await revoked;
  assert.equal(kindOf(verdict), 'NO_ALLOW_RULE');
  await session.close();
  const outcomes = h.entries.flatMap((entry) => (entry.kind === 'outcomes' ? entry.outcomes : []));
  assert.deepEqual(
    outcomes.map(({ outcome }) => outcome.kind),
    ['unsent'],
  );
});

test('with a ledger that fails nothing is asked and nothing granted, and what is revoked has ended', async () => {
  using h = await accessHouse();
  const asked = await h.ask('sue');
  assert.ok(asked.kind === 'asked');
  const live = await h.have('bot');
  h.ledger.fails = true;
  await assert.rejects(h.ask('sam'));
  await assert.rejects(h.answer('lead', asked.review.id));
  await assert.rejects(h.revoke('sue', live));
  h.ledger.fails = false;
  assert.equal(await may(h, 'sue'), false);
  assert.equal(await may(h, 'bot'), false);
  await h.again();
  assert.equal(await may(h, 'bot'), false);
});

test('without a policy nothing is allowed and nothing can be asked for, and what was granted is there when it comes back', async () => {
  using h = await accessHouse();
  await h.have('sue');
  const { policy } = h;
  h.policy = undefined;
  h.pass(2_000);
  assert.equal(await may(h), false);
  const asked = await h.ask('sam');
  assert.equal(asked.kind === 'not' && asked.code, 'no-policy');
  h.policy = policy;
  assert.equal(await may(h), true);
});
