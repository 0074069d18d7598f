import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { realWorld } from '../../src/base/time.ts';
import type { Entry } from '../../src/core/entry.ts';
import { openLedger } from '../../src/stores/ledger.ts';
import { openReviews } from '../../src/stores/reviews.ts';
import { answeredOrHeld, house, noMetrics } from './house.ts';

// kill -9 at every step between request, approval, execution and answer.

const child = join(import.meta.dirname, 'killed.ts');

function run(
  folder: string,
  step: number,
  mode: string,
): Promise<{ readonly out: string; readonly signal: string | null }> {
  return new Promise((resolve) => {
    const ran = spawn(process.execPath, [child, folder, String(step), mode], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    ran.stdout.on('data', (chunk) => (out += String(chunk)));
    ran.on('close', (_code, signal) => resolve({ out, signal }));
  });
}

function sentIn(folder: string): number {
  return existsSync(`${folder}-sent`) ? readFileSync(`${folder}-sent`, 'utf8').split('\n').length - 1 : 0;
}

async function readAll(ledger: Awaited<ReturnType<typeof openLedger>>): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const { entry } of ledger.read(0, ledger.size)) entries.push(entry);
  return entries;
}

for (const mode of ['live', 'ticket', 'run'] as const) {
  test(`${mode}: killed at every step, it never runs without an entry and never twice`, async (t) => {
    const top = mkdtempSync(join(tmpdir(), 'sallyport-kill-'));
    t.after(() => rmSync(top, { recursive: true, force: true }));
    const whole = await run(join(top, 'whole'), 0, mode);
    const steps = JSON.parse(whole.out) as readonly string[];
    assert.equal(sentIn(join(top, 'whole')), 1);
    assert.ok(steps.length > 20, 'there are too few steps for this to be the whole way');
    // Up to there, each goes the way of the one before.
    const since = Math.max(
      0,
      steps.indexOf({ live: '', ticket: 'before vote', run: 'before step approved' }[mode]),
    );
    const moments = [...steps.entries()].filter(
      // What is durable behind one step is what is durable before the next: half of the moments are all of them.
      ([index, name]) => index >= since && !(name.startsWith('after') && index + 1 < steps.length),
    );
    assert.ok(moments.length > 5, 'there are too few moments');
    // A few at a time: most of each is the start of a process.
    const next = moments.values();
    const one = async ([index, name]: readonly [number, string]): Promise<void> => {
      const folder = join(top, String(index + 1));
      const { signal } = await run(folder, index + 1, mode);
      assert.equal(signal, 'SIGKILL', name);
      await check(folder, `${mode}, killed ${name}`);
    };
    const worker = async (): Promise<void> => {
      for (const moment of next) await one(moment);
    };
    await Promise.all([worker(), worker(), worker()]);
  });
}

test('class: killed at every step, a grant is never used more often than its count, nor without an entry', async (t) => {
  const top = mkdtempSync(join(tmpdir(), 'sallyport-kill-'));
  t.after(() => rmSync(top, { recursive: true, force: true }));
  const whole = await run(join(top, 'whole'), 0, 'class');
  const steps = JSON.parse(whole.out) as readonly string[];
  assert.equal(sentIn(join(top, 'whole')), 2);
  const since = steps.indexOf('before entry class.granted');
  const until = steps.lastIndexOf('after send');
  assert.ok(since > 0 && steps.filter((name) => name === 'before take').length === 1);
  const moments = [...steps.entries()].filter(
    ([at, name]) => at >= since && at <= until && !name.startsWith('after'),
  );
  assert.ok(moments.length >= 10, 'there are too few moments');
  const next = moments.values();
  const worker = async (): Promise<void> => {
    for (const [index, name] of next) {
      const folder = join(top, String(index + 1));
      const { signal } = await run(folder, index + 1, 'class');
      assert.equal(signal, 'SIGKILL', name);
      await checkClass(folder, `killed ${name} (${index})`);
    }
  };
  await Promise.all([worker(), worker(), worker()]);
});

async function checkClass(folder: string, at: string): Promise<void> {
  const ledger = await openLedger({
    directory: folder,
    origin: 'test',
    world: realWorld,
    log: () => undefined,
    metrics: noMetrics,
  });
  const store = openReviews(`${folder}-reviews`);
  try {
    const before = await readAll(ledger);
    const sent = sentIn(folder);
    const used = before.filter(({ kind }) => kind === 'review.used').length;
    assert.ok(sent <= used && used <= 2, `${at}: sent ${sent} times with ${used} entries`);
    if (sent === 2)
      assert.ok(
        before.some(({ kind }) => kind === 'class.granted'),
        at,
      );
    let again = 0;
    using h = house({ store, ledger, onSend: () => (again += 1) });
    const duty = { groups: ['leads'], count: 1, withinMs: 900_000, class: { forMs: 900_000, count: 2 } };
    h.policy = { ...h.policy, needs: [duty] };
    await h.desk.recover();
    assert.ok(store.list({ limit: 9, states: ['running', 'approved', 'waiting'] }).length === 0, at);
    for (let more = 0; more < 3; more++) {
      const asking = h.ask('dba', { shape: 'DELETE', estimate: 3, text: `DELETE ${more}` });
      await answeredOrHeld(asking);
      asking.cancel();
      await asking.verdict;
    }
    const grant = store.granted(
      store.list({ limit: 99 }).find(({ votes }) => votes.length > 0)?.id ?? ('' as never),
    );
    assert.ok(sent + again <= 2, `${at}: ran ${sent} and then ${again} times`);
    if (grant !== undefined) assert.equal(grant.used, 2, at);
    else assert.equal(again, 0, at);
  } finally {
    store[Symbol.dispose]();
    await ledger[Symbol.asyncDispose]();
  }
}

async function check(folder: string, at: string): Promise<void> {
  const ledger = await openLedger({
    directory: folder,
    origin: 'test',
    world: realWorld,
    log: () => undefined,
    metrics: noMetrics,
  });
  const store = openReviews(`${folder}-reviews`);
  try {
    const before = await readAll(ledger);
    const sent = sentIn(folder);
    assert.ok(sent <= 1, `${at}: sent ${sent} times`);
    if (sent === 1) {
      assert.ok(
        before.some(({ kind }) => kind === 'review.used'),
        `${at}: sent without the entry of its use`,
      );
      assert.ok(
        before.some((entry) => entry.kind === 'decision' && entry.review !== undefined),
        `${at}: sent without its decision`,
      );
      assert.ok(
        before.some((entry) => entry.kind === 'review.answered' && entry.counted),
        `${at}: sent without an answer`,
      );
    }
    let again = 0;
    using h = house({ store, ledger, onSend: () => (again += 1) });
    await h.desk.recover();
    const [review] = store.list({ limit: 1 });
    const state = review?.state;
    const used = state === 'done' || state === 'unknown' || state === 'void';
    assert.notEqual(state, 'running', at);
    if (sent === 1)
      assert.ok(state === 'done' || state === 'unknown', `${at}: it was sent, and is called ${state}`);
    if (review?.kind === 'live')
      assert.ok(used || state === 'withdrawn', `${at}: a live one is ${state} after the restart`);
    // Whoever asks again runs it only where an approval was given and not used up.
    await h.ask('dba', { patienceMs: 0 }).verdict;
    assert.equal(again, state === 'approved' ? 1 : 0, `${at}: asked again in state ${state}`);
    assert.ok(sent + again <= 1, `${at}: it ran twice`);
    // Another start finds nothing left to do, and what ended stays so.
    await h.desk.recover();
    if (used) assert.equal(store.find(review?.id ?? '')?.state, state, at);
    const entries = await readAll(ledger);
    if (state === 'unknown')
      assert.ok(
        entries.some((entry) => entry.kind === 'review.ended' && entry.state === 'unknown'),
        at,
      );
  } finally {
    store[Symbol.dispose]();
    await ledger[Symbol.asyncDispose]();
  }
}
