import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { instant, type World } from '../base/time.ts';
import { Full, Held, type Holding } from './held.ts';

const all = { each: 1, node: 0 };

describe('what is held', () => {
  test('is counted from a size on, with what was not counted before, and given back whole', () => {
    const { held } = house();
    const one = held.open('ann');
    const count = one.counting({ each: 3, node: 0 });
    assert.equal(count(new Uint8Array(16_000)), undefined);
    assert.equal(held.bytes, 0);
    void count(new Uint8Array(4_000));
    void count(new Uint8Array(1_000));
    assert.equal(held.bytes, 63_000);
    one[Symbol.dispose]();
    one[Symbol.dispose]();
    assert.equal(held.bytes, 0);
  });

  test('costs more where JSON is read into many objects', () => {
    const { held } = house();
    const count = held.open('ann').counting({ each: 1, node: 5 });
    void count(Buffer.from(`[${'{},'.repeat(6_000)}0]`));
    assert.equal(held.bytes, 18_003 + 5 * 12_001);
  });

  test('of what comes and goes is what is there now', () => {
    const { held } = house();
    const one = held.open('ann');
    const level = one.level(2);
    void level.set(20_000);
    assert.equal(held.bytes, 40_000);
    void level.set(100);
    assert.equal(held.bytes, 0);
    void level.add(20_000);
    void level.add(10_000);
    assert.equal(held.bytes, 2 * 30_100);
    level[Symbol.dispose]();
    assert.equal(held.bytes, 0);
  });

  test('waits for room in the share of who asks, and others go on', async () => {
    const { held } = house();
    const [first, second, other] = [held.open('ann'), held.open('ann'), held.open('bob')];
    void first.take(40_000);
    const waits = watched(second.take(20_000));
    assert.equal(other.take(20_000), undefined);
    assert.equal(await waits.state(), 'waits');
    first[Symbol.dispose]();
    assert.equal(await waits.state(), 'done');
    assert.equal(held.bytes, 40_000);
  });

  test('the first request of one goes on beyond the share, as far as there is room at all', async () => {
    const { held } = house();
    const [first, second] = [held.open('ann'), held.open('ann')];
    void first.take(30_000);
    void second.take(20_000);
    assert.equal(first.take(30_000), undefined);
    const waits = watched(second.take(1));
    first[Symbol.dispose]();
    assert.equal(await waits.state(), 'done');
    assert.equal(second.take(70_000), undefined, 'it is the first now');
    await assert.rejects(async () => second.take(20_000), full('heldBytes'));
  });

  test('two that wait for each other: the last that came is refused, and the other goes on', async () => {
    const { held, refused } = house();
    const [one, two] = [held.open('ann'), held.open('bob')];
    void one.take(50_000);
    void two.take(50_000);
    const first = watched(one.take(10_000));
    assert.equal(await first.state(), 'waits');
    const last = watched(two.take(10_000));
    assert.equal(await last.state(), 'heldBytes');
    assert.equal(await first.state(), 'waits', 'until the other gives back what it holds');
    two[Symbol.dispose]();
    assert.equal(await first.state(), 'done');
    assert.deepEqual(refused, ['heldBytes']);
  });

  test('who waits too long is refused, by the limit that it met', async () => {
    const { held, world } = house();
    const [first, second, third] = [held.open('ann'), held.open('ann'), held.open('bob')];
    void first.take(50_000);
    const own = watched(second.take(20_000));
    world.pass(10_001);
    assert.equal(await own.state(), 'heldBytesPerIdentity');
    void third.take(45_000);
    const four = watched(held.open('cid').take(20_000));
    world.pass(10_001);
    assert.equal(await four.state(), 'heldBytes');
    assert.equal(held.waiting, 0);
  });

  test('who leaves waits no longer, and what comes too late is given back', async () => {
    const { held } = house();
    const gone = new AbortController();
    const [first, second, third] = [held.open('ann'), held.open('ann', gone.signal), held.open('ann')];
    void first.take(50_000);
    const left = watched(second.take(20_000));
    const late = watched(third.take(20_000));
    gone.abort(new Error('left'));
    assert.equal(await left.state(), 'left');
    third[Symbol.dispose]();
    first[Symbol.dispose]();
    assert.equal(await late.state(), 'done');
    assert.deepEqual([held.bytes, held.waiting], [0, 0]);
    await assert.rejects(async () => third.take(1), /over/);
  });

  test('any number of requests that grow together all end', async () => {
    const { held, world } = house();
    const ends = { done: 0, refused: 0 };
    const grow = async (one: Holding): Promise<void> => {
      try {
        for (let times = 0; times < 30; times++) {
          await one.take(1_000);
          await Promise.resolve();
        }
        ends.done++;
      } catch (thrown) {
        assert.ok(thrown instanceof Full);
        ends.refused++;
      } finally {
        one[Symbol.dispose]();
      }
    };
    const growing = Array.from({ length: 300 }, (_, at) => grow(held.open(`user${at % 7}`)));
    for (let turns = 0; turns < 5_000; turns++) await Promise.resolve();
    world.pass(10_001);
    await Promise.all(growing);
    assert.ok(ends.done >= 7, `${ends.done} of 300`);
    assert.deepEqual([ends.done + ends.refused, held.bytes, held.waiting], [300, 0, 0]);
  });
});

/** 100,000 bytes for all, of which one gets 50,000. */
function house(): { held: Held; world: World & { pass: (ms: number) => void }; refused: string[] } {
  let now = 0;
  let timers: { readonly at: number; readonly call: () => void }[] = [];
  const world = {
    now: () => instant(now),
    random: (bytes: number) => new Uint8Array(bytes),
    after: (ms: number, call: () => void) => {
      const timer = { at: now + ms, call };
      timers.push(timer);
      return { [Symbol.dispose]: () => void (timers = timers.filter((each) => each !== timer)) };
    },
    pass: (ms: number): void => {
      now += ms;
      for (const timer of timers.filter(({ at }) => at <= now)) timer.call();
    },
  };
  const refused: string[] = [];
  const held = new Held({
    world,
    most: 100_000,
    mostOfOne: 50_000,
    metrics: {
      count: (_name, labels) => void refused.push(labels?.['limit'] ?? ''),
      gauge: () => undefined,
    },
  });
  assert.equal(held.open('nobody').counting(all)(new Uint8Array(10)), undefined);
  return { held, world, refused };
}

function watched(waiting: Promise<void> | undefined): { readonly state: () => Promise<string> } {
  let state = 'waits';
  assert.ok(waiting !== undefined, 'there was room');
  waiting.then(
    () => (state = 'done'),
    (thrown: unknown) => (state = thrown instanceof Full ? thrown.limit : (thrown as Error).message),
  );
  return {
    state: async () => {
      for (let turns = 0; turns < 10; turns++) await Promise.resolve();
      return state;
    },
  };
}

function full(limit: Full['limit']): (thrown: unknown) => boolean {
  return (thrown) => thrown instanceof Full && thrown.limit === limit;
}
