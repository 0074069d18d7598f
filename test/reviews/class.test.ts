import assert from 'node:assert/strict';
import { told } from '../../src/gate/telling.ts';
import { test } from 'node:test';
import { instant } from '../../src/base/time.ts';
import type { ApproveDuty, Verdict } from '../../src/core/decision.ts';
import type { Subject } from '../../src/core/identity.ts';
import type { Answer, ReviewId } from '../../src/core/review.ts';
import { heldWorld } from '../../src/server/fake.ts';
import { openReviews } from '../../src/stores/reviews.ts';
import { deletes, house, people, settle, type House } from './house.ts';

// An approval for a class: what runs by it, and all that must not.

const terms = { forMs: 1_800_000, count: 3 };
const permitting: readonly ApproveDuty[] = [
  { groups: ['dba', 'leads'], count: 1, withinMs: 900_000, class: { forMs: 1_800_000, count: 5 } },
];
const like = (id: number): string => `DELETE FROM orders WHERE status = '${id}'`;
const shape = "DELETE FROM orders WHERE status = '?'";
const alike = { shape, estimate: 10 } as const;

function permitted(h: House): void {
  h.policy = { ...h.policy, needs: permitting };
}

/** One request is approved with its class. */
async function granted(
  h: House,
  more: Partial<Answer> = {},
  first: Parameters<House['ask']>[1] = {},
): Promise<ReviewId> {
  permitted(h);
  const asking = h.ask('dba', { text: like(0), ...alike, ...first });
  await settle();
  const id = h.last();
  const counted = await h.answer('lead', 'approve', { class: terms, ...more });
  assert.equal(counted.kind, 'counted');
  assert.equal((await asking.verdict).kind, 'permit');
  return id;
}

async function passes(h: House, more: Parameters<House['ask']>[1] = {}, by = 'dba'): Promise<boolean> {
  const asking = h.ask(by, { text: like(1), ...alike, ...more });
  const verdict = await Promise.race([asking.verdict, settle().then((): undefined => undefined)]);
  if (verdict === undefined) asking.cancel();
  await asking.verdict;
  return verdict?.kind === 'permit';
}

function classOf(verdict: Verdict): string {
  return verdict.kind === 'permit' ? 'permit' : verdict.denial.class;
}

test('what is alike runs so often, with the grant in each entry, and not once more', async () => {
  using h = house();
  const id = await granted(h);
  assert.equal(await passes(h, { text: like(1) }), true);
  assert.equal(await passes(h, { text: like(2) }), true);
  assert.equal(await passes(h, { text: like(3) }), false);
  assert.deepEqual(h.sent, [like(0), like(1), like(2)]);
  const used = h.entries.filter((entry) => entry.kind === 'review.used');
  assert.deepEqual(
    used.map(({ grant, use, approvers }) => [grant, use, approvers]),
    [
      [undefined, undefined, ['lead']],
      [id, 2, ['lead']],
      [id, 3, ['lead']],
    ],
  );
  const given = h.entries.find((entry) => entry.kind === 'class.granted');
  assert.ok(given !== undefined && given.count === 3 && given.review === id);
  assert.equal(h.store.granted(id)?.used, 3);
  assert.equal(new Set(used.map(({ review }) => review)).size, 3);
});

const others: readonly (readonly [string, Parameters<House['ask']>[1] & object, by?: string])[] = [
  ['another statement', { text: 'DELETE FROM orders WHERE true', shape: 'DELETE FROM orders WHERE true' }],
  ['another search path', { settings: { search_path: 'evil' } }],
  ['another role', { settings: { search_path: 'public', role: 'postgres' } }],
  ['bound values that were not approved', { values: 'ab' }],
  ['another statement beside it', { within: `${like(1)}; DROP TABLE orders` }],
  ['another person', {}, 'dora'],
  ['an agent of another', {}, 'agent'],
  ['another effect of the same text', { action: { ...deletes, targets: [] } }],
  ['far more rows', { estimate: 100 }],
  ['rows that cannot be told', { estimate: undefined }],
  ['no constants that are known to be only compared', { shape: undefined }],
  [
    'something else by the time it would run',
    {
      again: () =>
        Promise.resolve({ action: { ...deletes, access: 'define' }, settings: { search_path: 'public' } }),
    },
  ],
  [
    'a search path that changed before it would run',
    { again: () => Promise.resolve({ action: deletes, settings: { search_path: 'evil' } }) },
  ],
];

for (const [name, more, by] of others) {
  test(`a grant lets nothing else through: ${name}`, async () => {
    using h = house();
    const id = await granted(h);
    assert.equal(await passes(h, more, by), false);
    assert.deepEqual(h.sent, [like(0)]);
    assert.equal(h.store.granted(id)?.used, 1);
  });
}

const ends: readonly (readonly [string, (h: House, id: ReviewId) => void | Promise<void>])[] = [
  ['the policy has changed', (h) => void (h.policy = { ...h.policy, digest: 'p2' })],
  [
    'the rule does not let a class be granted any more',
    (h) => void (h.policy = { ...h.policy, needs: [{ groups: ['leads'], count: 1, withinMs: 900_000 }] }),
  ],
  [
    'the requester is in another group',
    (h) =>
      void (h.records = h.records.map((each) =>
        each.subject === 'dba' ? { ...each, groups: ['leads'] } : each,
      )),
  ],
  ['the requester is gone', (h) => void (h.records = h.records.filter(({ subject }) => subject !== 'dba'))],
  [
    'who gave it may not any more',
    (h) =>
      void (h.records = h.records.map((each) => (each.subject === 'lead' ? { ...each, groups: [] } : each))),
  ],
  [
    'it was revoked',
    async (h, id) => assert.equal(await h.desk.grants.revoke(id, { by: h.identity('lead') }), 'revoked'),
  ],
  [
    'who has it gave it back',
    async (h, id) => assert.equal(await h.desk.grants.revoke(id, { by: h.identity('dba') }), 'revoked'),
  ],
];

for (const [name, end] of ends) {
  test(`a grant is over when ${name}`, async () => {
    using h = house();
    const id = await granted(h);
    const through = h.gateOf('dba');
    assert.equal(await passes(h, { through }), true);
    await end(h, id);
    assert.equal(await passes(h, { through }), false);
    assert.equal(h.sent.length, 2);
  });
}

test('a grant is over when its time is', async () => {
  const world = heldWorld();
  using h = house({ world });
  await granted(h);
  assert.equal(await passes(h), true);
  world.pass(1_800_001);
  assert.equal(await passes(h), false);
});

test('a clock that is put back does not lengthen a grant', async () => {
  const held = heldWorld();
  let back = 0;
  using h = house({ world: { ...held, now: () => instant(held.now() - back) } });
  await granted(h);
  held.pass(1_500_000);
  back = 1_500_000;
  assert.equal(await passes(h), true);
  held.pass(300_001);
  assert.equal(await passes(h), false);
});

test('a clock that is put back while the gateway stands does not lengthen a grant', async () => {
  using store = openReviews(':memory:');
  const before = heldWorld();
  using h = house({ world: before, store });
  const id = await granted(h);
  before.pass(1_795_000);
  const after = heldWorld();
  using later = house({ world: after, store });
  permitted(later);
  await later.desk.recover();
  after.pass(20_000);
  assert.match(store.granted(id)?.revoked ?? '', /Its time is over/);
  assert.equal(await passes(later), false);
});

test('an approval of high risk by a sign-in that is yet to come does not count', async () => {
  const world = heldWorld();
  using h = house({ world, settings: { signInWithinMs: 900_000 } });
  const grave = { ...deletes, verb: 'sql.drop', access: 'administer' } as const;
  const asking = h.ask('dba', { action: grave });
  await settle();
  const early = await h.answer('lead', 'approve', { signedInAt: instant(world.now() + 3_600_000) });
  assert.equal(early.kind === 'not-counted' ? early.code : 'counted', 'sign-in-again');
  asking.cancel();
  await asking.verdict;
});

const tooMuch: readonly (readonly [string, readonly ApproveDuty[], Answer['class']])[] = [
  ['longer than the rule allows', permitting, { forMs: 1_800_001, count: 2 }],
  ['more often than the rule allows', permitting, { forMs: 60_000, count: 6 }],
  ['of no time', permitting, { forMs: 0, count: 2 }],
  ['of half a use', permitting, { forMs: 60_000, count: 1 }],
  ['not a number', permitting, { forMs: Number.NaN, count: Number.NaN }],
  ['where no rule says so', [{ groups: ['leads'], count: 1, withinMs: 900_000 }], { forMs: 1_000, count: 2 }],
  [
    'where one of two duties does not say so',
    [...permitting, { groups: ['security'], count: 1, withinMs: 900_000 }],
    { forMs: 1_000, count: 2 },
  ],
];

for (const [name, needs, asked] of tooMuch) {
  test(`a class is not granted ${name}: the answer does not count`, async () => {
    using h = house();
    h.policy = { ...h.policy, needs };
    const security = { kind: 'human', groups: ['security'], attributes: {} } as const;
    h.records = [...people, { ...security, subject: 'sec' as Subject }];
    const asking = h.ask('dba', { text: like(0), ...alike });
    await settle();
    const counted = await h.answer('lead', 'approve', asked === undefined ? {} : { class: asked });
    assert.equal(counted.kind === 'not-counted' ? counted.code : 'counted', 'no-class');
    assert.equal(h.sent.length, 0);
    asking.cancel();
    assert.equal(classOf(await asking.verdict), 'REVIEW_WITHDRAWN');
  });
}

test('of two who must approve, one for this request alone: nothing else runs', async () => {
  using h = house();
  h.policy = { ...h.policy, needs: permitting.map((need) => ({ ...need, count: 2 })) };
  const asking = h.ask('dba', { text: like(0), ...alike });
  await settle();
  await h.answer('lead', 'approve', { class: terms });
  await h.answer('dora', 'approve');
  assert.equal((await asking.verdict).kind, 'permit');
  assert.equal(h.store.grants(0 as never).length, 0);
  assert.equal(await passes(h), false);
});

test('of two who approve the class, the lesser time and count hold', async () => {
  using h = house();
  h.policy = { ...h.policy, needs: permitting.map((need) => ({ ...need, count: 2 })) };
  const asking = h.ask('dba', { text: like(0), ...alike });
  await settle();
  const id = h.last();
  await h.answer('lead', 'approve', { class: { forMs: 60_000, count: 5 } });
  await h.answer('dora', 'approve', { class: { forMs: 120_000, count: 2 } });
  await asking.verdict;
  const { forMs, count } = h.store.granted(id) ?? {};
  assert.deepEqual([forMs, count], [60_000, 2]);
});

test('a hundred at once share what is left', async () => {
  using h = house();
  const id = await granted(h);
  const asked = Array.from({ length: 100 }, (_, at) => h.ask('dba', { text: like(at), ...alike }));
  await settle(400);
  assert.equal(h.sent.length, 3);
  assert.equal(h.store.granted(id)?.used, 3);
  for (const each of asked) each.cancel();
  await Promise.all(asked.map(({ verdict }) => verdict));
  assert.equal(h.sent.length, 3);
});

test('a ledger that fails lets nothing run by a grant', async () => {
  using h = house();
  await granted(h);
  h.ledger.fails = true;
  assert.equal(await passes(h), false);
  assert.equal(h.sent.length, 1);
});

test('a refusal with a class, an own approval, an agent and a revoking stranger change nothing', async () => {
  using h = house();
  permitted(h);
  const asking = h.ask('dba', { text: like(0), ...alike });
  await settle();
  const id = h.last();
  for (const by of ['dba', 'dba2', 'agent', 'robot', 'proxy', 'analyst'])
    assert.equal((await h.answer(by, 'approve', { class: terms })).kind, 'not-counted');
  assert.equal(h.store.granted(id), undefined);
  await h.answer('lead', 'approve', { class: terms });
  await asking.verdict;
  for (const by of ['analyst', 'agent', 'robot', 'proxy'])
    assert.equal(await h.desk.grants.revoke(id, { by: h.identity(by) }), 'not-yours');
  assert.equal(await passes(h), true);
});

test('one approval for all that is alike and waits: each by its own digest, no more than the rule allows', async () => {
  using h = house();
  permitted(h);
  const asked = [];
  for (let at = 0; at < 8; at++) {
    asked.push(h.ask('dba', { text: like(at), ...alike, estimate: at === 1 ? 10_000 : 10 }));
    await settle(5);
  }
  await settle();
  const first = h.store.list({ limit: 99 }).at(-1);
  assert.ok(first !== undefined);
  await h.answer('lead', 'approve', { review: first.id });
  const by = h.identity('lead');
  assert.equal(await h.desk.answerAlike(first, { by, via: 'test' }), 4);
  await settle();
  assert.deepEqual(h.sent.toSorted(), [0, 2, 3, 4, 5].map(like));
  assert.equal(
    new Set(h.entries.flatMap((entry) => (entry.kind === 'review.used' ? [entry.digest] : []))).size,
    5,
  );
  h.policy = { ...h.policy, needs: [{ groups: ['leads'], count: 1, withinMs: 900_000 }] };
  const more = [h.ask('dba', { text: like(20), ...alike }), h.ask('dba', { text: like(21), ...alike })];
  await settle();
  const [last] = h.store.list({ limit: 1 });
  assert.ok(last !== undefined);
  assert.equal(await h.desk.answerAlike(last, { by, via: 'test' }), 0);
  for (const each of [...asked, ...more]) each.cancel();
  await Promise.all([...asked, ...more].map(({ verdict }) => verdict));
});

const hides: readonly (readonly [string, string, Parameters<House['ask']>[1] & object, RegExp])[] = [
  ['no constant of a column without a tag', 'status', {}, /'cancelled'/],
  [
    'the constants beside a masked column',
    'ssn',
    { veiled: 'DELETE FROM orders WHERE ssn = ?' },
    /^DELETE FROM orders WHERE ssn = \?$/,
  ],
  ['a text whose constants are not known', 'ssn', {}, /^\*\*\*$/],
];

const card = "DELETE FROM orders WHERE status = '4111111111111111'";

test('a card number in a column without a tag is hidden where readers are not known', async () => {
  using h = house();
  const columns = [{ object: 'public.orders', column: 'status', use: 'filter' as const }];
  const veiled = 'DELETE FROM orders WHERE status = ?';
  const settings = { 'app.card': '4111 1111 1111 1111', search_path: 'public' };
  const asking = h.ask('dba', { text: card, veiled, settings, action: { ...deletes, columns, text: card } });
  await settle();
  const shown = told(h.desk.parts, h.last());
  assert.equal(shown?.text, veiled);
  assert.equal(shown?.hidden, 'constants');
  assert.deepEqual(shown?.settings, { 'app.card': '***', search_path: 'public' });
  const stored = h.desk.find(h.last());
  assert.ok(stored !== undefined);
  assert.equal(h.desk.card(stored, h.identity('lead')).text, card); // nothing is masked for them here
  asking.cancel();
  await asking.verdict;
});

test('of a message without columns what has a tag or is found is hidden, and the rest shown', async () => {
  using h = house();
  const text = 'POST /people\n\n{"ssn":"x","note":"kim@example.com","city":"Bern"}';
  const action = { ...deletes, verb: 'http.request', columns: [], attributes: { route: 'people' }, text };
  const asking = h.ask('dba', { text, action });
  await settle();
  const shown = told(h.desk.parts, h.last());
  assert.equal(shown?.text, 'POST /people\n\n{"ssn":"***","note":"***","city":"Bern"}');
  assert.equal(shown?.hidden, 'constants');
  asking.cancel();
  await asking.verdict;
});

for (const [what, column, more, shown] of hides) {
  test(`a place whose readers are not known hides ${what}`, async () => {
    using h = house();
    const columns = [{ object: 'public.orders', column, use: 'filter' as const }];
    const asking = h.ask('dba', { ...more, action: { ...deletes, columns } });
    await settle();
    const card = told(h.desk.parts, h.last());
    assert.match(card?.text ?? '', shown);
    assert.equal(card?.hidden === undefined, column === 'status');
    asking.cancel();
    await asking.verdict;
  });
}
