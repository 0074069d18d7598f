import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Secret } from '../../../base/secret.ts';
import { instant, realWorld } from '../../../base/time.ts';
import { heldBy } from '../../../core/held.ts';
import { defaultLimits } from '../../../core/limits.ts';
import type { House } from '../../../core/protocol.ts';
import { HeldTasks } from './store.ts';
import { type HeldTask, shownTask } from './task.ts';

const call = { kind: 'request', id: 1, method: 'tools/call', params: { name: 'get' } } as const;
const answer = (text: string, isError = false): NonNullable<HeldTask['answer']> => ({
  kind: 'answer',
  id: 1,
  result: { content: [{ type: 'text', text }], isError },
});

function house(files: Map<string, string>): House & { readonly pass: (ms: number) => void } {
  let now = 1_000_000;
  return {
    resources: [],
    world: { ...realWorld, now: () => instant(now) },
    limits: defaultLimits,
    held: heldBy(defaultLimits, realWorld),
    log: () => undefined,
    metrics: { count: () => undefined, gauge: () => undefined, observe: () => undefined },
    dial: () => Promise.reject(new Error('Nobody is reached')),
    worker: () => ({
      call: () => Promise.reject(new Error('none')),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
    maskKey: new Secret('00'.repeat(32)),
    kept: { get: (name) => files.get(name), set: (name, text) => void files.set(name, text) },
    pass: (ms) => (now += ms),
  };
}

const made = (
  whose: string,
  more: Partial<Pick<HeldTask, 'step' | 'review'>> = {},
): Parameters<HeldTasks['add']>[0] => ({
  whose,
  call,
  modern: false,
  fields: [],
  session: undefined,
  run: undefined,
  step: 'held',
  review: 'rev_1',
  said: 'It waits',
  ...more,
});

suite('tasks of the gateway', () => {
  test('are their owner’s, and known again after a restart as they were', () => {
    const files = new Map<string, string>();
    const tasks = new HeldTasks('tools', house(files));
    const one = tasks.add(made('ann'), undefined);
    const two = tasks.add(made('ann'), undefined);
    const three = tasks.add(made('ann'), undefined);
    const unasked = tasks.add(made('ann', { review: undefined, step: 'running' }), undefined);
    assert.equal(tasks.of(one.id, 'ann'), one);
    for (const id of [one.id, 'sallyport-x', { toString: () => one.id }, undefined])
      assert.equal(tasks.of(id, 'bob'), undefined);
    tasks.changed(two, { step: 'running' });
    tasks.changed(three, { step: 'running' });
    tasks.changed(three, { step: 'over', answer: answer('done') });
    const kept = [...files.values()].join('');
    assert.ok(!kept.includes('rev_1') && !kept.includes('done'), 'it is not sealed');
    const again = new HeldTasks('tools', house(files));
    assert.equal(again.of(one.id, 'ann')?.step, 'held');
    assert.equal(again.of(two.id, 'ann')?.step, 'over');
    assert.match(again.of(two.id, 'ann')?.said ?? '', /not known/);
    assert.deepEqual(again.of(three.id, 'ann')?.answer, answer('done'));
    assert.equal(again.of(unasked.id, 'ann'), undefined);
    assert.deepEqual(again.own('bob'), []);
    const other = new Map([['.tasks.other', files.get('.tasks.tools') ?? '']]);
    assert.deepEqual(new HeldTasks('other', house(other)).own('ann'), [], 'what is moved is nobody’s');
  });

  test('end once, and are gone when their time is over', () => {
    const parts = house(new Map());
    const tasks = new HeldTasks('tools', parts);
    const task = tasks.add(made('ann'), 1);
    const told: string[] = [];
    using _listener = tasks.listen(({ step }) => told.push(step));
    let cancelled = '';
    tasks.drive(task, { cancel: (why) => (cancelled = why), over: new Promise(() => undefined) });
    tasks.changed(task, { step: 'over', cancelled: true, said: 'Cancelled' });
    tasks.changed(task, { step: 'over', cancelled: false, said: 'Done', answer: answer('x') });
    assert.equal(shownTask(task, true)['status'], 'cancelled');
    assert.deepEqual(told, ['over']);
    parts.pass(3_600_000);
    assert.equal(tasks.of(task.id, 'ann'), undefined);
    assert.equal(cancelled, 'Its time is over');
  });

  test('are bounded for each identity: the oldest that is over goes first, and nobody pushes out what waits', () => {
    const tasks = new HeldTasks('tools', house(new Map()));
    const bobs = tasks.add(made('bob'), undefined);
    const open = Array.from({ length: 100 }, () => tasks.add(made('ann', { review: undefined }), undefined));
    assert.throws(() => tasks.add(made('ann'), undefined), /under way/);
    for (const task of open) tasks.changed(task, { step: 'over', answer: answer('x') });
    for (let count = 0; count < 300; count++) {
      const task = tasks.add(made('ann', { review: undefined }), undefined);
      tasks.changed(task, { step: 'over', answer: answer('y'.repeat(1_000)) });
    }
    assert.equal(tasks.own('ann').length, 200);
    assert.equal(tasks.of(open[0]?.id, 'ann'), undefined);
    assert.equal(tasks.of(bobs.id, 'bob'), bobs);
    const long = tasks.add(made('eve', { review: undefined }), undefined);
    tasks.changed(long, { step: 'over', answer: answer('z'.repeat(33_000_000)) });
    assert.equal(tasks.of(long.id, 'eve'), long);
    const longer = tasks.add(made('eve', { review: undefined }), undefined);
    tasks.changed(longer, { step: 'over', answer: answer('z'.repeat(1_000_000)) });
    assert.equal(tasks.of(long.id, 'eve'), undefined, 'answers are kept as long as there is room');
  });

  test('a disk that cannot be written: none begins, and what is over is told and said', () => {
    let full = false;
    const files = new Map<string, string>();
    const parts = house(files);
    const set = (name: string, text: string): void => {
      if (full) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
      files.set(name, text);
    };
    const tasks = new HeldTasks('tools', { ...parts, kept: { get: (name) => files.get(name), set } });
    const task = tasks.add(made('ann'), undefined);
    const told: string[] = [];
    using _listener = tasks.listen(({ step }) => told.push(step));
    full = true;
    assert.throws(() => tasks.add(made('ann'), undefined), /full/);
    assert.deepEqual(tasks.own('ann'), [task]);
    assert.throws(() => tasks.changed(task, { step: 'over', answer: answer('done') }), /full/);
    assert.deepEqual(told, ['over']);
    assert.deepEqual(tasks.of(task.id, 'ann')?.answer, answer('done'));
  });

  test('what cannot be opened is set aside before anything is kept', () => {
    const files = new Map<string, string>();
    new HeldTasks('tools', house(files)).add(made('ann'), undefined);
    const [sealed] = files.values();
    const other = { ...house(files), maskKey: new Secret('01'.repeat(32)) };
    const tasks = new HeldTasks('tools', other);
    assert.deepEqual(tasks.own('ann'), []);
    tasks.add(made('bob'), undefined);
    assert.ok(sealed !== undefined && [...files.values()].includes(sealed));
    assert.notEqual(files.get('.tasks.tools'), sealed);
  });

  test('one whose call breaks off is driven no longer, and nothing is left unhandled', async () => {
    const tasks = new HeldTasks('tools', house(new Map()));
    const task = tasks.add(made('ann'), undefined);
    const unhandled: unknown[] = [];
    const listener = (why: unknown): void => void unhandled.push(why);
    process.on('unhandledRejection', listener);
    const over = Promise.withResolvers<void>();
    tasks.drive(task, { cancel: () => undefined, over: over.promise });
    assert.ok(tasks.driven(task) !== undefined);
    over.reject(new Error('broke off'));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', listener);
    assert.equal(tasks.driven(task), undefined);
    assert.deepEqual(unhandled, []);
  });

  test('a tool’s error is a failed task in 2025-11-25, and a completed one in 2026-07-28', () => {
    const tasks = new HeldTasks('tools', house(new Map()));
    const task = tasks.add(made('ann'), undefined);
    tasks.changed(task, { step: 'over', answer: answer('no', true) });
    assert.equal(shownTask(task, false)['status'], 'failed');
    assert.equal(shownTask(task, true)['status'], 'completed');
    assert.equal(shownTask(task, false)['result'], undefined);
  });
});
