import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Metrics } from '../core/metrics.ts';
import { worker, type WorkerOptions } from './worker.ts';

/** A deadline that none of these calls misses, however slow the machine. */
const patientMs = 100_000;

const module = new URL('./testdata/work.ts', import.meta.url);

function counted(): { readonly metrics: Metrics; readonly restarts: () => number } {
  let restarts = 0;
  return {
    metrics: {
      count: (name) => (restarts += name === 'parser_restarts_total' ? 1 : 0),
      gauge: () => {},
      observe: () => {},
    },
    restarts: () => restarts,
  };
}

function start(options: Partial<WorkerOptions> = {}): ReturnType<typeof worker> {
  return worker(module, { metrics: counted().metrics, ...options });
}

test('a worker calls the exported functions of its module, in order', async () => {
  await using work = start();
  const answers = await Promise.all([1, 2, 3, 4].map((value) => work.call('double', value, patientMs)));
  assert.deepEqual(answers, [2, 4, 6, 8]);
});

test('a worker does not see the environment', async () => {
  process.env['WORKER_TEST_SECRET'] = 'hidden';
  await using work = start();
  assert.deepEqual(await work.call('whoAmI', undefined, patientMs), { pid: process.pid, secret: undefined });
});

test('a call that misses its deadline ends its thread, and what waits goes on', async () => {
  const { metrics, restarts } = counted();
  await using work = start({ metrics });
  await work.call('double', 0, patientMs);
  const missed = assert.rejects(work.call('spin', undefined, 100), {
    code: 'parser',
    message: /within 100 ms/,
  });
  const after = work.call('double', 21, patientMs);
  await missed;
  assert.equal(await after, 42);
  assert.equal(restarts(), 1);
});

test('an answer that came in time counts, however late its caller looks', async (t) => {
  const { metrics, restarts } = counted();
  await using work = start({ metrics });
  await work.call('double', 0, patientMs);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const cell = new Int32Array(new SharedArrayBuffer(8));
  const answer = work.call('tell', cell, 200);
  const next = work.call('double', 4, 200);
  Atomics.wait(cell, 0, 0); // it answers now
  Atomics.wait(cell, 1, 0, 1_000); // and this thread has no time for it until the deadlines are over
  t.mock.timers.tick(200);
  assert.equal(await answer, 'told');
  assert.equal(await next, 8);
  assert.equal(restarts(), 0);
});

test('with two threads one that hangs does not hold up the other', async () => {
  await using work = start({ threads: 2 });
  let over = false;
  const stopped = assert
    .rejects(work.call('spin', undefined, patientMs), { code: 'stopping' })
    .then(() => (over = true));
  assert.equal(await work.call('double', 4, patientMs), 8);
  assert.equal(over, false);
  await work[Symbol.asyncDispose]();
  await stopped;
});

for (const how of ['exit', 'hog']) {
  test(`a crash (${how}) rejects the call and the next gets a new thread`, { timeout: 900_000 }, async () => {
    const { metrics, restarts } = counted();
    await using work = start({ metrics, heapMegabytes: 64 });
    await assert.rejects(work.call(how, undefined, 50_000), { code: 'parser' });
    assert.equal(await work.call('double', 3, patientMs), 6);
    assert.equal(restarts(), 1);
  });
}

test('what a function throws is a Fault that does not quote its argument', async () => {
  await using work = start();
  await assert.rejects(work.call('fail', 'hunter2', patientMs), (error) => {
    assert.ok(error instanceof Error);
    assert.equal(error.message, '"fail" failed in its worker');
    assert.equal(error.cause, 'RangeError');
    return true;
  });
  await assert.rejects(work.call('absent', 1, patientMs), { code: 'parser' });
  await assert.rejects(
    work.call('double', () => {}, patientMs),
    { code: 'parser' },
  );
  assert.equal(await work.call('double', 1, patientMs), 2);
});

test('a module that cannot be loaded rejects who waits instead of starting for ever', async () => {
  const { metrics, restarts } = counted();
  await using work = worker(new URL('./testdata/absent.ts', import.meta.url), { metrics });
  await assert.rejects(work.call('double', 1, patientMs), { code: 'parser' });
  assert.equal(restarts(), 1);
});

test('too many waiting calls are rejected at once, and a call waits no longer than it may run', async () => {
  await using work = start({ waiting: 1 });
  await work.call('double', 1, patientMs);
  const missed = assert.rejects(work.call('spin', undefined, 600), { code: 'parser' });
  const impatient = assert.rejects(work.call('double', 1, 50), /was busy for 50 ms/);
  await assert.rejects(work.call('double', 1, patientMs), /More than 1 calls wait/);
  await impatient;
  await missed;
});

test('stopping rejects what is under way and what comes after', async () => {
  const work = start();
  const running = assert.rejects(work.call('spin', undefined, 60_000), { code: 'stopping' });
  const queued = assert.rejects(work.call('double', 1, 60_000), { code: 'stopping' });
  await work[Symbol.asyncDispose]();
  await running;
  await queued;
  await assert.rejects(work.call('double', 1, patientMs), { code: 'stopping' });
});
