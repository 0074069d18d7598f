import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApproveDuty, Verdict } from '../../src/core/decision.ts';
import type { Channel, Review } from '../../src/core/review.ts';
import { heldWorld } from '../../src/server/fake.ts';
import { reviewsCheck } from '../../src/server/reviews-config.ts';
import { house, settle } from './house.ts';

// What keeps people from being asked too much, or from nobody being asked at all.

const minute = 60_000;
const escalating: readonly ApproveDuty[] = [
  { groups: ['dba'], count: 1, withinMs: 15 * minute, escalate: { afterMs: 5 * minute, groups: ['leads'] } },
];

function why(verdict: Verdict): string {
  return verdict.kind === 'permit' ? 'permit' : `${verdict.denial.class}: ${verdict.denial.why}`;
}

/** Remembers what it was told. */
function remembering(name: string, told: Review[], each?: true): Channel {
  return {
    name,
    tell: (review) => {
      told.push(review);
      return Promise.resolve();
    },
    ...(each === undefined ? {} : { each }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

test('after its time the next group is asked: told again, the client is told, and their answer counts', async () => {
  const world = heldWorld();
  const told: Review[] = [];
  using h = house({ world, channels: [remembering('slack', told)] });
  h.policy = { ...h.policy, needs: escalating };
  const asking = h.ask('dba');
  await settle();
  assert.match(asking.told[0] ?? '', /leads can answer too after 300 s|leads can answer too after 5 min/);
  const early = await h.answer('lead');
  assert.equal(early.kind === 'not-counted' ? early.code : 'counted', 'not-in-group');
  assert.equal(told.at(-1)?.escalated, undefined);
  world.pass(5 * minute + 1);
  await settle();
  assert.deepEqual(told.at(-1)?.escalated, ['leads']);
  const written = h.entries.filter((entry) => entry.kind === 'review.escalated');
  assert.deepEqual(
    written.map(({ review, to }) => [review, to]),
    [[h.last(), ['leads']]],
  );
  world.pass(15_001);
  assert.match(asking.told.at(-1) ?? '', /Still waiting.*leads are asked too by now/);
  assert.equal((await h.answer('lead')).kind, 'counted');
  assert.equal((await asking.verdict).kind, 'permit');
});

test('the one who asks, and those of an agent, gain nothing by an escalation', async () => {
  const world = heldWorld();
  using h = house({ world });
  const duty = { groups: ['security'], count: 1, withinMs: 15 * minute } as const;
  h.policy = { ...h.policy, needs: [{ ...duty, escalate: { afterMs: minute, groups: ['dba'] } }] };
  h.records = h.records.filter(({ subject }) => subject !== 'dora' && subject !== 'agent');
  assert.match(why(await h.ask('dba').verdict), /REVIEW_UNAVAILABLE.*nobody could give it/);
});

test('in quiet hours who it escalates to can answer at once', async () => {
  using h = house({
    settings: { quiet: { at: () => true, source: 'night', do: 'escalate' } },
  });
  h.policy = { ...h.policy, needs: escalating };
  const asking = h.ask('dba');
  await settle();
  assert.match(asking.told[0] ?? '', /at once, since these are quiet hours/);
  assert.ok(h.kinds().includes('review.escalated'));
  assert.equal((await h.answer('lead')).kind, 'counted');
  assert.equal((await asking.verdict).kind, 'permit');
});

test('in quiet hours a request becomes a ticket, or is refused and says until when', async () => {
  using h = house({ settings: { quiet: { at: () => true, source: 'night', do: 'ticket' } } });
  assert.match(why(await h.ask('dba').verdict), /^REVIEW_PENDING/);
  using other = house({
    settings: { quiet: { at: () => true, source: 'mon 20:00-07:00 UTC', do: 'refuse' } },
  });
  assert.match(
    why(await other.ask('dba').verdict),
    /^REVIEW_UNAVAILABLE.*quiet hours \(mon 20:00-07:00 UTC\)/,
  );
  assert.equal(other.store.list({ limit: 9 }).length, 0);
});

test('in quiet hours only the channels that are named are told', async () => {
  const [slack, email]: Review[][] = [[], []];
  using h = house({
    settings: { quiet: { at: () => true, source: 'night', do: 'escalate', channels: ['email'] } },
    channels: [remembering('slack', slack ?? []), remembering('email', email ?? [])],
  });
  const asking = h.ask('dba');
  await settle();
  assert.deepEqual([slack?.length, email?.length], [0, 1]);
  asking.cancel();
  await asking.verdict;
});

test('what is alike has one card with a count; the next has one when the first is over; each is its own request', async () => {
  const told: Review[] = [];
  const every: Review[] = [];
  using h = house({ channels: [remembering('slack', told), remembering('webhook', every, true)] });
  const asked = [];
  for (let at = 0; at < 5; at++) {
    asked.push(h.ask('dba', { text: `DELETE FROM orders WHERE status = '${at}'` }));
    await settle(5);
  }
  await settle();
  const ids = h.store
    .list({ limit: 9 })
    .map(({ id }) => id)
    .toReversed();
  assert.deepEqual([...new Set(told.map(({ id }) => id))], [ids[0]]);
  assert.equal(told.at(-1)?.alike, 4);
  assert.equal(new Set(every.map(({ id }) => id)).size, 5);
  await h.answer('lead', 'approve', { review: ids[0] ?? h.last() });
  await settle();
  assert.deepEqual(h.sent, ["DELETE FROM orders WHERE status = '0'"]);
  assert.ok(told.some(({ id, state }) => id === ids[1] && state === 'waiting'));
  const crossed = await h.answer('lead', 'approve', {
    review: ids[1] ?? h.last(),
    digest: h.store.find(ids[2] ?? '')?.digest ?? ('' as never),
  });
  assert.equal(crossed.kind === 'not-counted' ? crossed.code : 'counted', 'other-request');
  for (const each of asked) each.cancel();
  await Promise.all(asked.map(({ verdict }) => verdict));
  assert.equal(h.sent.length, 1);
});

test('so many may wait, and so many may be asked for in an hour; the refusal says which and until when', async () => {
  const world = heldWorld();
  using h = house({
    world,
    settings: { waitingPerIdentity: 2, perHourIdentity: 3, waitingPerAgent: 1, perHourAgent: 1 },
  });
  const first = [h.ask('dba'), h.ask('dba')];
  await settle();
  assert.match(why(await h.ask('dba').verdict), /^LIMIT: .*2 requests of dba wait already/);
  for (const each of first) each.cancel();
  await Promise.all(first.map(({ verdict }) => verdict));
  const third = h.ask('dba');
  await settle();
  third.cancel();
  await third.verdict;
  assert.match(
    why(await h.ask('dba').verdict),
    /^LIMIT: .*3 in the last hour.*next may be asked for at 01:00:00 UTC/,
  );
  const agent = h.ask('agent');
  await settle();
  agent.cancel();
  await agent.verdict;
  assert.match(why(await h.ask('agent').verdict), /^LIMIT: .*1 are allowed/);
  world.pass(60 * minute + 1);
  const again = h.ask('dba');
  await settle();
  assert.match(again.told[0] ?? '', /waits for a review/);
  again.cancel();
  await again.verdict;
});

const settings: readonly (readonly [string, unknown, RegExp | undefined])[] = [
  ['hours', { quiet: { hours: '20:00-07:00', zone: 'Europe/Berlin', do: 'ticket' } }, undefined],
  [
    'days and channels',
    { quiet: { days: ['sat', 'sun'], zone: 'UTC', do: 'refuse', channels: ['email'] } },
    undefined,
  ],
  [
    'no zone that is one',
    { quiet: { hours: '20:00-07:00', zone: 'Mars', do: 'ticket' } },
    /zone is a time zone/,
  ],
  ['no hours that are any', { quiet: { hours: '20-7', zone: 'UTC', do: 'ticket' } }, /hours are a span/],
  ['neither hours nor days', { quiet: { zone: 'UTC', do: 'ticket' } }, /`days`, `hours` or both/],
  ['another word', { quiet: { hours: '20:00-07:00', zone: 'UTC', do: 'allow' } }, /escalate/],
];

for (const [name, given, problem] of settings) {
  test(`the configuration of quiet hours: ${name}`, () => {
    const read = reviewsCheck(given, 'reviews');
    if (problem === undefined) assert.ok(read.ok && read.value.quiet !== undefined);
    else {
      assert.ok(!read.ok);
      assert.match(read.error[0]?.message ?? '', problem);
      assert.match(read.error[0]?.path ?? '', /^reviews\.?quiet/);
    }
  });
}

test('a thousand that wait at once: one card, each answered by itself, the rest still waiting', async () => {
  const told: Review[] = [];
  using h = house({ channels: [remembering('slack', told)], settings: { waitingPerIdentity: 2_000 } });
  const asked = Array.from({ length: 1_000 }, (_each, at) =>
    h.ask('dba', { text: `DELETE FROM orders WHERE status = '${at}'` }),
  );
  while (h.desk.waiting < 1_000) await settle(5);
  assert.equal(new Set(told.map(({ id }) => id)).size, 1);
  assert.equal(told.at(-1)?.alike, 999);
  assert.equal((await h.answer('lead')).kind, 'counted');
  await settle();
  assert.equal(h.sent.length, 1);
  assert.equal(h.desk.waiting, 999);
  for (const each of asked) each.cancel();
  await Promise.all(asked.map(({ verdict }) => verdict));
  assert.equal(h.sent.length, 1);
  assert.equal(h.store.list({ limit: 2_000, states: ['waiting', 'approved', 'running'] }).length, 0);
});
