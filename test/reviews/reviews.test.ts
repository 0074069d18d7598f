import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApproveDuty } from '../../src/core/decision.ts';
import type { Subject } from '../../src/core/identity.ts';
import type { Verdict } from '../../src/core/decision.ts';
import { heldWorld } from '../../src/server/fake.ts';
import { deletes, house, people, settle } from './house.ts';

function refusedAs(verdict: Verdict): string {
  return verdict.kind === 'permit' ? 'permit' : verdict.denial.class;
}

test('a held request tells its client, waits, and runs once when someone else approves', async () => {
  using h = house();
  const asking = h.ask('dba');
  await settle();
  assert.equal(h.sent.length, 0);
  assert.match(asking.told[0] ?? '', /waits for a review: rev_/);
  assert.match(asking.told[0] ?? '', /1 of dba or leads/);
  assert.match(asking.told[0] ?? '', /DELETE FROM orders/);
  assert.equal((await h.answer('lead')).kind, 'counted');
  assert.equal((await asking.verdict).kind, 'permit');
  await settle();
  assert.deepEqual(h.sent, [deletes.text]);
  assert.deepEqual(
    h.kinds().filter((kind) => kind !== 'outcomes'),
    ['decision', 'review.asked', 'review.answered', 'review.used', 'ended:done'],
  );
  assert.equal(h.desk.find(h.last())?.state, 'done');
});

test('an approval is used up: the same request waits again', async () => {
  using h = house();
  const first = h.ask('dba');
  await settle();
  await h.answer('lead');
  await first.verdict;
  const second = h.ask('dba');
  await settle();
  assert.equal(h.sent.length, 1);
  await h.answer('lead', 'refuse');
  assert.equal(refusedAs(await second.verdict), 'REVIEW_REFUSED');
  assert.equal(h.sent.length, 1);
});

const cannot: readonly (readonly [string, requester: string, by: string, code: string])[] = [
  ['the requester', 'dba', 'dba', 'own-request'],
  ['another account of the requester', 'dba', 'dba2', 'own-request'],
  ['the owner of the agent that asks', 'agent', 'dora', 'own-request'],
  ['an agent', 'dba', 'agent', 'not-a-person'],
  ['a workload', 'dba', 'robot', 'not-a-person'],
  ['a token that acts for another', 'dba', 'proxy', 'not-a-person'],
  ['somebody outside the groups', 'dba', 'analyst', 'not-in-group'],
];

for (const [name, requester, by, code] of cannot) {
  test(`an answer by ${name} does not count, and is written down`, async () => {
    using h = house();
    const asking = h.ask(requester);
    await settle();
    const counted = await h.answer(by);
    assert.equal(counted.kind === 'not-counted' && counted.code, code);
    const entry = h.entries.find((each) => each.kind === 'review.answered');
    assert.equal(entry?.kind === 'review.answered' && entry.counted, false);
    await settle();
    assert.equal(h.sent.length, 0);
    asking.cancel();
    assert.equal(refusedAs(await asking.verdict), 'REVIEW_WITHDRAWN');
  });
}

test('nobody who could approve: denied at once', async () => {
  using h = house();
  h.records = people.filter(({ subject }) => ['dba', 'dba2', 'agent', 'dora'].includes(subject));
  h.policy = { ...h.policy, needs: [{ groups: ['dba'], count: 2, withinMs: 1_000 }] };
  const asking = h.ask('dba');
  const verdict = await asking.verdict;
  assert.equal(refusedAs(verdict), 'REVIEW_UNAVAILABLE');
  assert.match(verdict.kind === 'refusal' ? verdict.denial.why : '', /nobody could give it/);
  assert.deepEqual(h.kinds(), ['decision']);
});

const quorums: readonly (readonly [string, readonly ApproveDuty[], readonly string[], boolean])[] = [
  ['two of leads by one human with two accounts', [duty(['leads'], 2)], ['lead', 'lena'], false],
  ['two of leads by two humans', [duty(['leads'], 2)], ['lead', 'dora'], true],
  [
    'one of dba and one of leads by one who is in both',
    [duty(['dba'], 1), duty(['leads'], 1)],
    ['dora'],
    false,
  ],
  ['one of dba and one of leads by two', [duty(['dba'], 1), duty(['leads'], 1)], ['dora', 'lead'], true],
];

function duty(groups: readonly string[], count: number): ApproveDuty {
  return { groups, count, withinMs: 900_000 };
}

for (const [name, needs, by, enough] of quorums) {
  test(`${name}: ${enough ? 'enough' : 'not enough'}`, async () => {
    using h = house();
    h.policy = { ...h.policy, needs };
    const asking = h.ask('dba');
    await settle();
    for (const each of by) await h.answer(each);
    await settle();
    assert.equal(h.sent.length, enough ? 1 : 0);
    asking.cancel();
    assert.equal((await asking.verdict).kind, enough ? 'permit' : 'refusal');
  });
}

test('one refusal ends it, whatever was approved before', async () => {
  using h = house();
  h.policy = { ...h.policy, needs: [duty(['leads'], 2)] };
  const asking = h.ask('dba');
  await settle();
  await h.answer('lead');
  await h.answer('dora', 'refuse', { reason: 'not\u202e today' });
  const verdict = await asking.verdict;
  assert.equal(refusedAs(verdict), 'REVIEW_REFUSED');
  assert.match(verdict.kind === 'refusal' ? verdict.denial.why : '', /Refused by dora: not\\u\{202e\} today/);
});

type Change = (h: ReturnType<typeof house>) => void;
const changes: readonly (readonly [string, Change])[] = [
  ['the policy', (h) => (h.policy = { ...h.policy, digest: 'p2' })],
  ['the policy, to a deny', (h) => (h.policy = { ...h.policy, kind: 'deny' })],
  ['the policy, to an allow', (h) => (h.policy = { ...h.policy, kind: 'allow', needs: [] })],
  [
    'the groups of the requester',
    (h) =>
      (h.records = h.records.map((each) =>
        each.subject === 'dba' ? { ...each, groups: ['dba', 'more'] } : each,
      )),
  ],
  [
    'the requester, who is gone',
    (h) => (h.records = h.records.filter(({ subject }) => subject !== 'dba' && subject !== 'dba2')),
  ],
  [
    'the approver, who is gone',
    (h) =>
      (h.records = h.records.filter(
        ({ subject }) => subject !== 'lead' && subject !== 'lena' && subject !== 'proxy',
      )),
  ],
  [
    'the groups of the approver',
    (h) => (h.records = h.records.map((each) => (each.subject === 'lead' ? { ...each, groups: [] } : each))),
  ],
];

for (const [name, change] of changes) {
  test(`void when ${name} changed between approval and use`, async () => {
    using h = house();
    const reached = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const settings = { search_path: 'public' };
    const asking = h.ask('dba', {
      again: async () => {
        reached.resolve();
        await go.promise;
        return { action: deletes, settings };
      },
    });
    await settle();
    await h.answer('lead');
    await reached.promise;
    change(h);
    go.resolve();
    assert.equal(refusedAs(await asking.verdict), 'REVIEW_VOID');
    await settle();
    assert.deepEqual(h.sent, []);
    assert.ok(h.kinds().includes('ended:void') && !h.kinds().includes('review.used'));
  });
}

const meanings: readonly (readonly [string, Parameters<ReturnType<typeof house>['ask']>[1]])[] = [
  [
    'the search path',
    { again: () => Promise.resolve({ action: deletes, settings: { search_path: 'evil' } }) },
  ],
  [
    'what the name stands for',
    {
      again: () =>
        Promise.resolve({
          action: { ...deletes, targets: [{ kind: 'table', name: 'evil.orders', access: 'write' }] },
          settings: { search_path: 'public' },
        }),
    },
  ],
  ['nothing can be told any more', { again: () => Promise.resolve(undefined) }],
  ['asking fails', { again: () => Promise.reject(new Error('gone')) }],
];

for (const [name, how] of meanings) {
  test(`void when ${name} is another at use`, async () => {
    using h = house();
    const asking = h.ask('dba', how);
    await settle();
    await h.answer('lead');
    assert.equal(refusedAs(await asking.verdict), 'REVIEW_VOID');
    assert.deepEqual(h.sent, []);
  });
}

test('two approvals at once have one effect', async () => {
  using h = house();
  const asking = h.ask('dba');
  await settle();
  const both = await Promise.all([h.answer('lead'), h.answer('dora'), h.answer('lead')]);
  assert.equal(both.filter(({ kind }) => kind === 'counted').length, 1);
  await asking.verdict;
  await settle();
  assert.equal(h.sent.length, 1);
  assert.equal(h.kinds().filter((kind) => kind === 'review.used').length, 1);
});

test('an approval and a cancel at once: it runs, or it is withdrawn, never both', async () => {
  for (const turns of [0, 1, 2, 3, 4, 5, 6, 7, 8]) {
    using h = house();
    const asking = h.ask('dba');
    await settle();
    const answered = h.answer('lead');
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    asking.cancel();
    await answered;
    const verdict = await asking.verdict;
    await settle();
    const state = h.desk.find(h.last())?.state;
    if (verdict.kind === 'permit') assert.deepEqual([h.sent.length, state], [1, 'done']);
    else assert.deepEqual([h.sent.length, state === 'withdrawn' || state === 'void'], [0, true]);
  }
});

test('an answer to another request does not count', async () => {
  using h = house();
  const first = h.ask('dba');
  await settle();
  const firstId = h.last();
  const second = h.ask('dba', { text: "DELETE FROM orders WHERE status = 'new'" });
  await settle();
  const digest = h.store.find(firstId)?.digest;
  assert.ok(digest);
  const counted = await h.answer('lead', 'approve', { digest });
  assert.equal(counted.kind === 'not-counted' && counted.code, 'other-request');
  first.cancel();
  second.cancel();
  await Promise.all([first.verdict, second.verdict]);
  assert.deepEqual(h.sent, []);
});

test('an ended review takes no answer', async () => {
  using h = house();
  const asking = h.ask('dba');
  await settle();
  asking.cancel();
  await asking.verdict;
  const counted = await h.answer('lead');
  assert.equal(counted.kind === 'not-counted' && counted.code, 'ended');
  await settle();
  assert.deepEqual(h.sent, []);
});

test('nobody answers: it expires by the timer, and the clock going forward ends it for answers too', async () => {
  const world = heldWorld();
  using h = house({ world, settings: { remindMs: 15_000 } });
  const asking = h.ask('dba');
  await settle();
  world.pass(30_000);
  assert.equal(asking.told.length, 3); // at once, and two reminders
  world.pass(900_000);
  assert.equal(refusedAs(await asking.verdict), 'REVIEW_EXPIRED');
  const late = await h.answer('lead');
  assert.equal(late.kind === 'not-counted' && late.code, 'ended');
});

test('a clock that jumps: no answer counts behind the end, and going back gives no more time', async () => {
  const world = heldWorld();
  let jump = 0;
  const jumping = { ...world, now: () => (world.now() + jump) as ReturnType<typeof world.now> };
  using h = house({ world: jumping });
  const asking = h.ask('dba');
  await settle();
  jump = 901_000;
  const late = await h.answer('lead');
  assert.equal(late.kind === 'not-counted' && late.code, 'ended');
  jump = -3_600_000;
  world.pass(900_000);
  assert.equal(refusedAs(await asking.verdict), 'REVIEW_EXPIRED');
});

test('in a transaction it waits no longer than the setting', async () => {
  const world = heldWorld();
  using h = house({ world });
  const asking = h.ask('dba', { limit: { why: 'a transaction is open' } });
  await settle();
  assert.match(asking.told[0] ?? '', /60 s.*\n.*a transaction is open/s);
  world.pass(60_001);
  assert.equal(refusedAs(await asking.verdict), 'REVIEW_EXPIRED');
});

test('a reason where the policy asks for one', async () => {
  using h = house();
  h.policy = { ...h.policy, needs: [{ ...duty(['leads'], 1), reason: true }] };
  const asking = h.ask('dba');
  await settle();
  const without = await h.answer('lead', 'approve', { reason: '  ' });
  assert.equal(without.kind === 'not-counted' && without.code, 'reason-needed');
  assert.equal((await h.answer('lead', 'approve', { reason: 'agreed in OPS-7' })).kind, 'counted');
  assert.equal((await asking.verdict).kind, 'permit');
});

test('high risk wants a fresh sign-in', async () => {
  using h = house({ settings: { signInWithinMs: 60_000 } });
  const asking = h.ask('dba', {});
  await settle();
  const { risk } = h.store.find(h.last()) ?? {};
  const old = await h.answer('lead', 'approve', {
    signedInAt: 0 as Parameters<typeof h.desk.answer>[0]['signedInAt'],
  });
  const risky = risk?.level === 'high' || risk?.level === 'critical';
  assert.equal(old.kind, risky ? 'not-counted' : 'counted');
  asking.cancel();
  await asking.verdict;
});

test('a ledger that fails: nothing runs', async () => {
  using h = house();
  h.ledger.fails = true;
  assert.equal(refusedAs(await h.ask('dba').verdict), 'NOT_WRITTEN');
  h.ledger.fails = false;
  const asking = h.ask('dba');
  await settle();
  h.ledger.fails = true;
  await assert.rejects(h.answer('lead'));
  await settle();
  assert.deepEqual(h.sent, []);
  asking.cancel();
  assert.equal((await asking.verdict).kind, 'refusal');
});

test('a ledger that fails between approval and use: nothing runs', async () => {
  using h = house();
  const asking = h.ask('dba', {
    again: () => {
      h.ledger.fails = true;
      return Promise.resolve({ action: deletes, settings: { search_path: 'public' } });
    },
  });
  await settle();
  await h.answer('lead');
  assert.equal(refusedAs(await asking.verdict), 'NOT_WRITTEN');
  assert.deepEqual(h.sent, []);
  assert.equal(h.desk.find(h.last())?.state, 'void');
});

test('a ticket: a structured refusal, and the exact retry by the same identity uses the approval up', async () => {
  using h = house();
  const ticket = await h.ask('dba', { patienceMs: 0 }).verdict;
  assert.equal(refusedAs(ticket), 'REVIEW_PENDING');
  const denial = ticket.kind === 'refusal' ? ticket.denial : undefined;
  assert.equal(denial?.retryable, true);
  assert.equal(denial?.review, h.last());
  // The same again is the same ticket.
  const again = await h.ask('dba', { patienceMs: 0 }).verdict;
  assert.equal(again.kind === 'refusal' && again.denial.review, denial?.review);
  assert.equal(h.store.list({ limit: 10 }).length, 1);
  await h.answer('lead');
  // Others do not consume it: another text, other values, other settings, another identity.
  for (const other of [
    { text: `${deletes.text} ` },
    { values: 'ff' },
    { settings: { search_path: 'evil' } },
  ]) {
    assert.equal(refusedAs(await h.ask('dba', { ...other, patienceMs: 0 }).verdict), 'REVIEW_PENDING');
  }
  assert.equal(refusedAs(await h.ask('dora', { patienceMs: 0 }).verdict), 'REVIEW_PENDING');
  assert.deepEqual(h.sent, []);
  const [one, two] = await Promise.all([
    h.ask('dba', { patienceMs: 0 }).verdict,
    h.ask('dba', { patienceMs: 0 }).verdict,
  ]);
  assert.deepEqual([one.kind, two.kind].sort(), ['permit', 'refusal']);
  assert.equal(h.sent.length, 1);
  assert.equal(refusedAs(await h.ask('dba', { patienceMs: 0 }).verdict), 'REVIEW_PENDING');
});

test('an approved ticket ends by itself, and is void under another policy', async () => {
  const world = heldWorld();
  using h = house({ world });
  await h.ask('dba', { patienceMs: 0 }).verdict;
  const id = h.last();
  await h.answer('lead');
  h.policy = { ...h.policy, digest: 'p2' };
  assert.equal(refusedAs(await h.ask('dba', { patienceMs: 0 }).verdict), 'REVIEW_PENDING');
  assert.notEqual(h.last(), id);
  world.pass(900_001);
  await settle();
  assert.equal(h.desk.find(id)?.state, 'expired');
});

test('the requester withdraws, others cannot', async () => {
  using h = house();
  const asking = h.ask('agent');
  await settle();
  const id = h.last();
  assert.equal(await h.desk.withdraw(id, h.identity('lead'), 'test'), 'not-yours');
  assert.equal(await h.desk.withdraw(id, h.identity('dora'), 'test'), 'withdrawn');
  assert.equal(refusedAs(await asking.verdict), 'REVIEW_WITHDRAWN');
});

test('a start withdraws what was in flight, keeps tickets, and says of what ran that it is unknown', async () => {
  using h = house();
  const asking = h.ask('dba');
  await settle();
  const live = h.last();
  await h.ask('dba', { patienceMs: 0, text: 'DELETE 2' }).verdict;
  const ticket = h.last();
  await h.ask('dba', { patienceMs: 0, text: 'DELETE 3' }).verdict;
  const running = h.last();
  await h.answer('lead');
  h.store.step(running, {
    from: ['approved'],
    to: 'running',
    at: h.store.find(running)?.askedAt ?? (0 as never),
  });
  await h.desk.recover();
  assert.deepEqual(
    [live, ticket, running].map((id) => h.desk.find(id)?.state),
    ['withdrawn', 'waiting', 'unknown'],
  );
  assert.equal(refusedAs(await asking.verdict), 'REVIEW_WITHDRAWN');
  assert.deepEqual(h.sent, []);
});

test('so many requests of one agent may wait, and no more', async () => {
  using h = house({ settings: { waitingPerAgent: 2 } });
  h.records = [...h.records, { subject: 'eve' as Subject, kind: 'human', groups: ['leads'], attributes: {} }];
  const asking = [h.ask('agent'), h.ask('agent')];
  await settle();
  assert.equal(refusedAs(await h.ask('agent').verdict), 'LIMIT');
  for (const each of asking) each.cancel();
  await Promise.all(asking.map(({ verdict }) => verdict));
});
