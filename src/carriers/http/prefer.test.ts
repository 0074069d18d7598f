import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preferred } from './prefer.ts';

test('preferred() takes what RFC 7240 names, and never more than the protocol gives', () => {
  for (const [said, waits] of [
    [undefined, 25_000],
    ['', 25_000],
    ['respond-async', 0],
    ['return=minimal, Respond-Async', 0],
    ['respond-async, wait=100', 0],
    ['wait=10', 10_000],
    ['handling=lenient; wait="3"', 3_000],
    ['wait=100', 25_000],
    ['wait=0', 0],
    ['wait=-1', 25_000],
    ['await=1', 25_000],
    ['norespond-async', 25_000],
  ] as const)
    assert.equal(preferred(said === undefined ? [] : [['prefer', said]], 25_000), waits, said);
});
