import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsIn } from './memory-limits.ts';

const gib = 1_073_741_824;

test('limitsIn() goes by the memory that there is, and by what is configured', () => {
  const held = (
    given: Parameters<typeof limitsIn>[0],
    heapBytes: number,
    bytes: number,
  ): readonly number[] => {
    const { heldBytes, heldBytesPerIdentity } = limitsIn(given, { heapBytes, bytes });
    return [heldBytes / gib, heldBytesPerIdentity / gib];
  };
  assert.deepEqual(held({}, 4 * gib, 24 * gib), [2, 0.5]);
  assert.deepEqual(held({}, 64 * gib, 256 * gib), [2, 0.5]);
  assert.deepEqual(held({}, 1 * gib, 24 * gib), [0.5, 0.125]);
  assert.deepEqual(held({}, 4 * gib, 3 * gib), [1, 0.25]);
  assert.deepEqual(held({ heldBytes: 8 * gib }, gib, gib), [8, 2]);
  assert.deepEqual(held({ heldBytes: 8 * gib, heldBytesPerIdentity: gib }, gib, gib), [8, 1]);
  assert.equal(limitsIn({ connections: 7 }, { heapBytes: gib, bytes: gib }).connections, 7);
});
