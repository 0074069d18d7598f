import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stdnum } from 'stdnum';
import { columnVote } from './vote.ts';

function numbers(
  length: number,
  count: number,
  valid?: (value: string) => boolean,
  seed = 7,
): readonly string[] {
  let state = seed;
  const made: string[] = [];
  while (made.length < count) {
    let value = '';
    while (value.length < length) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      value += String(Math.floor((state / 2 ** 32) * 10));
    }
    if (valid === undefined || valid(value)) made.push(value);
  }
  return made;
}

const nhs = (value: string): boolean => {
  let sum = 0;
  for (let at = 0; at < 9; at++) sum += Number(value[at]) * (10 - at);
  return (11 - (sum % 11)) % 11 === Number(value[9]);
};
const aadhaar = (value: string): boolean => stdnum['IN']?.['aadhaar']?.validate(value).isValid === true;

test('numbers that all pass a weak check are known after a few, and none before is shown', () => {
  for (const [length, valid, type] of [
    [10, nhs, 'UK_NHS'],
    [12, aadhaar, 'IN_AADHAAR'],
  ] as const) {
    const vote = columnVote([type]);
    let count = 0;
    for (const value of numbers(length, 12, valid)) {
      if (vote.verdict() !== 'open') break;
      vote.see(value);
      count++;
    }
    assert.equal(vote.verdict(), type);
    assert.ok(count <= 8, `${type} after ${count}`);
  }
});

test('random numbers are nobody’s, soon', () => {
  let wrong = 0;
  let rows = 0;
  for (let column = 0; column < 60; column++) {
    const vote = columnVote();
    for (const value of numbers(9 + (column % 4), 200, undefined, 1_000 + column * 77)) {
      if (vote.verdict() !== 'open') break;
      vote.see(value);
      rows++;
    }
    if (vote.verdict() !== undefined) wrong++;
  }
  assert.equal(wrong, 0);
  assert.ok(rows < 60 * 20, `${rows} rows were held`);
});

test('a typo does not undo it, and words decide at once', () => {
  const vote = columnVote(['UK_NHS']);
  const values = numbers(10, 12, nhs);
  for (const [at, value] of values.entries())
    vote.see(at === 3 ? `${value.slice(0, 9)}${(Number(value[9]) + 1) % 10}` : value);
  assert.equal(vote.verdict(), 'UK_NHS');
  const words = columnVote();
  words.see('shipped');
  assert.equal(words.verdict(), undefined);
});

test('when no more come, what is likely counts; one value alone never is', () => {
  const [first = '', second = '', third = ''] = numbers(10, 3, nhs);
  const one = columnVote(['UK_NHS']);
  one.see(first);
  one.settle();
  assert.equal(one.verdict(), undefined);
  const three = columnVote(['UK_NHS']);
  for (const value of [first, second, third]) three.see(value);
  three.settle();
  assert.equal(three.verdict(), 'UK_NHS');
});
