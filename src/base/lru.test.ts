import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Lru } from './lru.ts';

test('what was used last is there, and all together never weighs more than the capacity', () => {
  const step = fc.record({ key: fc.nat(30), how: fc.constantFrom('get', 'set', 'set', 'delete') });
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 40 }), fc.array(step, { maxLength: 300 }), (capacity, steps) => {
      const weigh = (key: number): number => 1 + (key % 3);
      const cache = new Lru<number, string>(capacity, weigh);
      const used: number[] = []; // last first
      const values = new Map<number, string>();
      for (const [at, { key, how }] of steps.entries()) {
        if (how === 'set') {
          cache.set(key, `${key} ${at}`);
          values.set(key, `${key} ${at}`);
        }
        if (how === 'delete') {
          cache.delete(key);
          values.delete(key);
        }
        const found = how === 'get' ? cache.get(key) : undefined;
        if (found !== undefined) assert.equal(found, values.get(key));
        const before = used.indexOf(key);
        if (before >= 0) used.splice(before, 1);
        if (how === 'set' ? weigh(key) <= capacity : found !== undefined) used.unshift(key);
        assert.ok(cache.weight <= capacity);
        let weight = 0;
        for (const recent of used) {
          weight += weigh(recent);
          // One heavy entry can end a generation before it is full.
          if (weight > capacity / 2 - 3) break;
          assert.equal(peek(cache, recent, values), true, `${recent} is gone`);
        }
      }
      cache.clear();
      assert.equal(cache.size, 0);
      assert.equal(cache.weight, 0);
    }),
  );
});

/** Whether it is there, looked up in a way that changes nothing about the others: it is the one used last anyway. */
function peek(cache: Lru<number, string>, key: number, values: ReadonlyMap<number, string>): boolean {
  return cache.get(key) === values.get(key);
}

test('what alone is heavier than the capacity is not kept, and takes nothing else away', () => {
  const cache = new Lru<string, number>(10, (_, value) => value);
  cache.set('a', 3);
  cache.set('b', 11);
  assert.equal(cache.get('b'), undefined);
  assert.equal(cache.get('a'), 3);
});

test('an entry that is set again counts once', () => {
  const cache = new Lru<string, number>(10);
  for (let at = 0; at < 100; at++) cache.set('a', at);
  assert.equal(cache.size, 1);
  assert.equal(cache.weight, 1);
});
