import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../base/errors.ts';
import { instant, type World } from '../base/time.ts';
import type { Entry } from '../core/entry.ts';
import { TurnedAways } from './turned-away.ts';

type Refused = Extract<Entry, { readonly kind: 'sign-in.refused' }>;

function held(): { readonly world: World; readonly pass: () => void } {
  let calls: (() => void)[] = [];
  return {
    world: {
      now: () => instant(0),
      random: (bytes) => new Uint8Array(bytes),
      after: (_ms, call) => {
        calls.push(call);
        return { [Symbol.dispose]: () => (calls = calls.filter((each) => each !== call)) };
      },
    },
    pass: () => {
      const due = calls;
      calls = [];
      for (const call of due) call();
    },
  };
}

function place(fails: boolean = false): {
  readonly away: TurnedAways;
  readonly entries: Refused[];
  readonly pass: () => void;
  readonly counted: string[];
} {
  const { world, pass } = held();
  const entries: Refused[] = [];
  const counted: string[] = [];
  const away = new TurnedAways({
    world,
    metrics: {
      count: (name, labels) => void counted.push(`${name} ${Object.values(labels ?? {}).join()}`),
      gauge: () => undefined,
      observe: () => undefined,
    },
    ledger: {
      append: (entry) => {
        if (fails) return Promise.reject(new Fault('ledger', 'Full'));
        entries.push(entry as Refused);
        return Promise.resolve();
      },
    },
  });
  return { away, entries, pass, counted };
}

test('TurnedAways writes the first of a kind at once, and the others once with their number', async () => {
  const { away, entries, pass } = place();
  for (let times = 0; times < 1_000; times++)
    away.add({ resource: 'web', why: 'No token' }, `10.0.0.7:${times}`);
  assert.equal(entries.length, 1);
  away.add({ resource: 'web', why: 'No token' }, '10.0.0.8:1');
  away.add({ resource: 'web', why: 'Bad path' }, '10.0.0.7:1');
  assert.equal(entries.length, 3);
  pass();
  assert.deepEqual(
    entries.slice(3).map(({ why, peer, resource }) => [why, peer, resource]),
    [['No token (999 more within a minute)', '10.0.0.7:0', 'web']],
  );
  away.add({ resource: 'web', why: 'No token' }, '10.0.0.7:9');
  assert.equal(entries.length, 4, 'its window goes on');
  await away.close();
  assert.equal(entries.at(-1)?.why, 'No token (1 more within a minute)');
});

test('TurnedAways forgets what has become quiet', () => {
  const { away, entries, pass } = place();
  away.add({ resource: 'web', why: 'No token' }, '10.0.0.7:1');
  pass();
  away.add({ resource: 'web', why: 'No token' }, '10.0.0.7:2');
  assert.equal(entries.length, 2);
});

test('TurnedAways bounds kinds: no scanner from many addresses fills the disk, and none is lost to the count', async () => {
  const { away, entries } = place();
  for (let at = 0; at < 5_000; at++)
    away.add({ resource: '', why: 'No token' }, `10.1.${at >> 8}.${at & 255}:1`);
  await away.close();
  assert.equal(entries.length, 201);
  assert.match(entries.at(-1)?.why ?? '', /\(4800 more within a minute\)/);
});

test('TurnedAways counts an entry that could not be written as a fault', async () => {
  const { away, counted } = place(true);
  away.add({ resource: '', why: 'No token' }, '10.0.0.7:1');
  await away.close();
  assert.ok(counted.includes('faults_total ledger'));
});
