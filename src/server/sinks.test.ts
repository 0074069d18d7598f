import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant } from '../base/time.ts';
import type { Entry } from '../core/entry.ts';
import { fakePolicy, heldWorld, memoryLedger } from './fake.ts';
import { guardOf } from './sinks.ts';

type Full = { full: boolean };

function pump(whenFull: 'continue' | 'wait' | 'deny', state: Full): Parameters<typeof guardOf>[0][number] {
  return { name: whenFull, whenFull, isFull: () => state.full };
}

const entry = { kind: 'decision', at: instant(0) } as Entry;
const never = new AbortController().signal;

test('guardOf() denies while a sink that asks for it is full, and never from a cache', () => {
  const state = { full: false };
  const policy = fakePolicy(() => true);
  const guard = guardOf([pump('deny', state)], heldWorld(), never);
  assert.equal(guard.policy(policy), policy);
  state.full = true;
  const denying = guard.policy(policy);
  assert.notEqual(denying, policy); // decisions are cached by the policy they are of
  const decision = denying?.decide({} as never);
  assert.deepEqual([decision?.kind, decision?.code, decision?.cacheable], ['deny', 'NOT_WRITTEN', false]);
  assert.equal(guard.policy(policy), denying);
  state.full = false;
  assert.equal(guard.policy(policy), policy);
  assert.equal(guard.policy(undefined), undefined);
});

test('guardOf() lets decisions wait while a sink that asks for it is full', async () => {
  const state = { full: true };
  const world = heldWorld();
  const ledger = memoryLedger();
  const guarded = guardOf([pump('wait', state)], world, never).ledger(ledger);
  let written = 0;
  const count = (): void => void (written += 1);
  const waiting = [guarded.append(entry).then(count), guarded.append(entry).then(count)];
  await guarded.append({ kind: 'gateway.stopped', at: instant(0), why: '' }); // only decisions wait
  assert.equal(ledger.entries.length, 3);
  for (let step = 0; step < 5; step++) {
    world.pass(100);
    await Promise.resolve();
  }
  assert.equal(written, 0);
  state.full = false;
  await new Promise((resolve) => setImmediate(resolve));
  world.pass(100);
  await Promise.all(waiting);
  assert.equal(written, 2);
});

test('guardOf() rejects who waits when the gateway stops', async () => {
  const stop = new AbortController();
  const world = heldWorld();
  const guarded = guardOf([pump('wait', { full: true })], world, stop.signal).ledger(memoryLedger());
  const waiting = guarded.append(entry);
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  world.pass(100);
  await assert.rejects(waiting, { code: 'ledger' });
});

test('guardOf() leaves all alone where nothing is asked for', () => {
  const ledger = memoryLedger();
  const guard = guardOf([pump('continue', { full: true })], heldWorld(), never);
  const policy = fakePolicy(() => true);
  assert.equal(guard.ledger(ledger), ledger);
  assert.equal(guard.policy(policy), policy);
});
