import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Secret } from '../../src/base/secret.ts';
import { openReviews } from '../../src/stores/reviews.ts';
import { heldWorld } from '../../src/server/fake.ts';
import { deletes, house, people, settle } from './house.ts';

const ticket = { patienceMs: 0, errand: deletes.text } as const;

test('an approved ticket runs by itself after a moment, once, and its requester fetches the result', async () => {
  const world = heldWorld();
  using h = house({ world });
  await h.ask('dba', ticket).verdict;
  await h.answer('lead');
  await settle();
  assert.equal(h.sent.length, 0, 'it ran before its requester had time to send it again');
  world.pass(10_000);
  await settle();
  assert.deepEqual(h.sent, [deletes.text]);
  const found = await h.tickets.fetch(h.last());
  assert.equal(found.kind === 'result' && found.result.tag, 'DELETE 3');
  await h.tickets.run(h.last());
  assert.deepEqual([h.sent.length, h.runs.count], [1, 1]);
});

test('asking for the result runs it at once; asking twice at once runs it once', async () => {
  using h = house();
  await h.ask('dba', ticket).verdict;
  assert.equal((await h.tickets.fetch(h.last())).kind, 'not-yet');
  await h.answer('lead');
  const both = await Promise.all([h.tickets.fetch(h.last()), h.tickets.fetch(h.last())]);
  assert.deepEqual(
    both.map(({ kind }) => kind),
    ['result', 'result'],
  );
  assert.equal(h.sent.length, 1);
});

test('the exact retry and the run at once: one of them has it', async () => {
  using h = house();
  await h.ask('dba', ticket).verdict;
  await h.answer('lead');
  const id = h.last();
  const [retry] = await Promise.all([h.ask('dba', ticket).verdict, h.tickets.run(id)]);
  await settle();
  assert.equal(h.sent.length, 1);
  assert.equal(h.desk.find(id)?.state, 'done');
  assert.equal(h.store.result(id) === undefined, retry.kind === 'permit');
});

test('sent again after it ran by itself: told so until the result was fetched, then another request', async () => {
  using h = house();
  await h.ask('dba', ticket).verdict;
  await h.answer('lead');
  const id = h.last();
  await h.tickets.run(id);
  const again = await h.ask('dba', ticket).verdict;
  assert.equal(again.kind === 'refusal' && again.denial.review, id);
  assert.match(again.kind === 'refusal' ? again.denial.why : '', /ran, once/);
  await h.tickets.fetch(id);
  await h.ask('dba', ticket).verdict;
  assert.notEqual(h.last(), id);
  assert.equal(h.sent.length, 1);
});

test('a ticket that needs its client is never run without it', async () => {
  using h = house();
  await h.ask('dba', { patienceMs: 0 }).verdict;
  await h.answer('lead');
  const found = await h.tickets.fetch(h.last());
  assert.equal(found.kind, 'not-yet');
  assert.equal(h.sent.length, 0);
  assert.equal((await h.ask('dba', { patienceMs: 0 }).verdict).kind, 'permit');
});

function without(gone: string): typeof people {
  return people.filter(
    ({ subject, links = [], actingFor }) =>
      subject !== gone && actingFor !== gone && !links.some((link) => link === gone),
  );
}

const changes: readonly (readonly [string, (h: ReturnType<typeof house>) => void])[] = [
  ['the policy is another', (h) => (h.policy = { ...h.policy, digest: 'p2' })],
  ['the policy allows it without a review', (h) => (h.policy = { ...h.policy, kind: 'allow' })],
  ['the policy denies it', (h) => (h.policy = { ...h.policy, kind: 'deny' })],
  ['the requester is gone', (h) => (h.records = without('dba'))],
  ['who approved is gone', (h) => (h.records = without('lead'))],
];

for (const [name, change] of changes) {
  test(`void, and nothing runs, when ${name}`, async () => {
    using h = house();
    await h.ask('dba', ticket).verdict;
    await h.answer('lead');
    const id = h.last();
    change(h);
    await h.tickets.run(id);
    await settle();
    assert.equal(h.sent.length, 0);
    assert.equal(h.desk.find(id)?.state, 'void');
    assert.equal((await h.tickets.fetch(id)).kind, 'none');
  });
}

test('a result lies sealed: another key opens nothing', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-results-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  using store = openReviews(folder, new Secret('00'.repeat(32)));
  using h = house({ store });
  await h.ask('dba', ticket).verdict;
  await h.answer('lead');
  await h.tickets.run(h.last());
  assert.match(Buffer.from(store.result(h.last()) ?? []).toString(), /DELETE 3/);
  const files = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1'));
  assert.ok(!files.some((text) => text.includes('DELETE 3')));
  using other = openReviews(folder, new Secret('11'.repeat(32)));
  assert.equal(other.result(h.last()), undefined);
});
