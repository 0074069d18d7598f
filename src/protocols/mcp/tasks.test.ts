import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Permit } from '../../core/decision.ts';
import { noInner } from './inner.ts';
import { taskIn, Tasks } from './tasks.ts';

const task = {
  permit: {} as unknown as Permit, // nothing of it is looked at here
  inner: noInner,
  request: { kind: 'request' as const, id: 1, method: 'tools/call', params: { name: 'slow', task: {} } },
};

test('a task is known to the session that made it, and to no other', () => {
  const tasks = new Tasks();
  tasks.made('t1', 'ann', task);
  assert.equal(tasks.of('t1', 'ann')?.request, task.request);
  assert.equal(tasks.of('t1', 'bob'), undefined);
  assert.equal(tasks.of('t2', 'ann'), undefined);
  assert.equal(tasks.of({ toString: () => 't1' }, 'ann'), undefined);
  assert.throws(() => tasks.made('t1', 'bob', task), /another session/);
  // The same answer may come again, another call's must not be shown by the rules of the first.
  tasks.made('t1', 'ann', { ...task });
  assert.throws(
    () => tasks.made('t1', 'ann', { ...task, permit: {} as unknown as Permit }),
    /the task of another call/,
  );
  const listed = tasks.own({ tasks: [{ taskId: 't1' }, { taskId: 't2' }, 't1', null] }, 'ann');
  assert.deepEqual(listed, { tasks: [{ taskId: 't1' }] });
  assert.deepEqual(tasks.own({ tasks: [{ taskId: 't1' }] }, 'bob'), { tasks: [] });
});

test('an answer is a task only where one was asked for, and its id is one', () => {
  const { request } = task;
  assert.equal(taskIn({ task: { taskId: 't1' } }, request), 't1');
  assert.equal(taskIn({ content: [] }, request), undefined);
  assert.equal(taskIn({ task: { taskId: 't1' } }, { ...request, params: { name: 'slow' } }), undefined);
  for (const taskId of ['', 'a b', 'x'.repeat(501), 7, undefined])
    assert.throws(() => taskIn({ task: { taskId } }, request), /named its task wrongly/);
});
