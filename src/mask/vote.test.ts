import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stdnum } from 'stdnum';
import { detectors } from './detectors/index.ts';
import { isContext } from './scan.ts';
import { type ColumnVote, columnVote, verdictOn } from './vote.ts';

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

const isOpen = (vote: ColumnVote): boolean => vote.verdict() === 'open';

test('numbers that all pass a weak check are known after a few, and none before is shown', () => {
  for (const [length, valid, type] of [
    [10, nhs, 'UK_NHS'],
    [12, aadhaar, 'IN_AADHAAR'],
  ] as const) {
    const vote = columnVote([type]);
    let count = 0;
    for (const value of numbers(length, 12, valid)) {
      vote.see(value);
      count++;
      if (!isOpen(vote)) break;
    }
    assert.equal(vote.verdict(), type);
    assert.ok(count > 3 && count <= 8, `${type} after ${count}`);
  }
});

test('random numbers are nobody’s, soon', () => {
  let wrong = 0;
  let held = 0;
  for (let column = 0; column < 60; column++) {
    const vote = columnVote();
    for (const value of numbers(9 + (column % 4), 200, undefined, 1_000 + column * 77)) {
      vote.see(value);
      if (isOpen(vote)) held++;
      else if (vote.verdict() !== undefined) wrong++;
    }
    vote.settle();
    if (vote.verdict() !== undefined) wrong++;
  }
  assert.equal(wrong, 0);
  assert.ok(held < 60 * 20, `${held} rows were held`);
});

test('numbers that count up, by whatever step and behind whatever date, are nobody’s', () => {
  for (const head of ['', '4', '24', '240115', '850704', '20240115', '19850704']) {
    for (const step of [1, 2, 7, 10, 11, 97]) {
      const vote = columnVote();
      for (let at = 1; at <= 300; at++)
        vote.see(head + String(at * step).padStart(head === '' ? 10 : 5, '0'));
      vote.settle();
      assert.equal(vote.verdict(), undefined, `${head} by ${step}`);
    }
  }
});

test('a value that comes again is no new evidence, and does not hold what follows', () => {
  const [first = '', second = ''] = numbers(10, 2, nhs);
  const vote = columnVote(['UK_NHS']);
  for (let at = 0; at < 50; at++) vote.see(first);
  assert.ok(isOpen(vote));
  vote.settle();
  assert.equal(vote.verdict(), undefined);
  vote.see(first);
  assert.equal(vote.verdict(), undefined);
  vote.see(second);
  assert.ok(isOpen(vote));
});

test('a typo does not undo it wherever it stands; words, empty values and a wrong beginning neither', () => {
  const values = numbers(10, 14, nhs);
  const wrong = (value: string): string => `${value.slice(0, 9)}${(Number(value[9]) + 1) % 10}`;
  for (const at of [0, 1, 3, 6]) {
    const vote = columnVote(['UK_NHS']);
    for (const [index, value] of values.entries()) {
      vote.see(index === at ? wrong(value) : value);
      vote.see('');
      vote.see('not known');
    }
    assert.equal(vote.verdict(), 'UK_NHS', String(at));
  }
  const late = columnVote(['UK_NHS']);
  for (const value of numbers(10, 300, (each) => !nhs(each))) late.see(value);
  assert.equal(late.verdict(), undefined);
  for (const value of values) late.see(value);
  assert.equal(late.verdict(), 'UK_NHS');
});

test('a column that was looked at for long is looked at now and then, and known all the same', () => {
  const vote = columnVote(['UK_NHS']);
  const see = (value: string): void => {
    const bytes = Buffer.from(`x${value}`);
    vote.seeBytes(bytes, 1, bytes.length);
  };
  for (const value of numbers(10, 2_000, (each) => !nhs(each))) see(value);
  assert.equal(vote.verdict(), undefined);
  for (const value of numbers(10, 600, nhs)) see(value);
  assert.equal(vote.verdict(), 'UK_NHS');
});

test('numbers in groups count', () => {
  const vote = columnVote(['UK_NHS']);
  for (const value of numbers(10, 8, nhs)) vote.see(value.replace(/^(...)(...)/, '$1 $2-'));
  assert.equal(vote.verdict(), 'UK_NHS');
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

test('a verdict holds for numbers, wrong or right; of what else stands in the column nothing is hidden that is none', () => {
  const says = (value: string): string => verdictOn(Buffer.from(value), 0, Buffer.byteLength(value));
  for (const value of ['9434765919', '943 476 591', '943-476-591O', ' 943476', '943476_5918', '943.476,5918'])
    assert.equal(says(value), 'whole', value);
  for (const value of [
    'nhs is 943 476 5919',
    'n12',
    '+44 943 476 5919',
    '94347',
    '９４３４７６５９１９',
    '2 € 943476',
  ])
    assert.equal(says(value), 'within', value);
  for (const value of [
    '',
    'not known',
    '2026-03-05',
    '2026-03-05 10:11:12.5+00',
    '0b5a7cfe-36d1-4bd7-a4a5-22ea61b4f7e0',
  ])
    assert.equal(says(value), 'no', value);
});

test('the name of every type that is voted on is context for it', () => {
  for (const detector of detectors) {
    if (detector.kind !== 'digits' || detector.context.length === 0) continue;
    const { name } = detector;
    assert.ok(isContext({ entities: [name], column: `remark ${name}` }), name);
  }
});
