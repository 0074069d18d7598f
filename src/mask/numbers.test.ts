import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detectors } from './detectors/index.ts';
import { scanner } from './scan.ts';

// SALLYPORT_NUMBERS=1000000 for a long run, SALLYPORT_NUMBERS_SEED=2 for other numbers.
const count = Number(process.env['SALLYPORT_NUMBERS'] ?? 20_000);
const seed = Number(process.env['SALLYPORT_NUMBERS_SEED'] ?? 1);

const examples = detectors.flatMap(({ examples: { yes, no, named = [] } }) => [...yes, ...no, ...named]);
const numbers = examples.filter((text) => /\d/.test(text) && !/[^\0-\x40]/.test(text));

function generator(from: number): (below: number) => number {
  let state = from;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('what is not asked because a finding covers it would not change what is found', () => {
  const below = generator(seed);
  const pick = (list: readonly string[]): string => list[below(list.length)] ?? '';
  const digits = (length: number): string => Array.from({ length }, () => below(10)).join('');
  const group = (): string => (below(3) === 0 ? pick(numbers) : digits(1 + below(below(4) === 0 ? 16 : 5)));
  const asking = detectors.map((each) => (each.kind === 'digits' ? { ...each, most: Infinity } : each));
  const [quick, whole] = [scanner(), scanner({ detectors: asking })];
  let found = 0;
  let several = 0;
  for (let at = 0; at < count; at++) {
    let text = pick(['', '', '', '+', '(', '00', '+1 ', '#']) + group();
    const groups = below(5);
    for (let each = 0; each < groups; each++)
      text += pick([' ', '-', '.', '/', ' - ', ') ', ', ', '\n', '#', ' #']) + group();
    const [was, is] = [whole(text), quick(text)];
    assert.deepEqual(is, was, text);
    if (is.length > 0) found++;
    if (is.length > 1) several++;
  }
  assert.ok(found > count / 10 && several > 0, `${found} ${several}`);
});

test('no detector says more of a number than its most', () => {
  const below = generator(seed + 1);
  const judged = detectors.filter((each) => each.kind === 'digits');
  for (const each of judged) {
    const most = each.most ?? 1;
    for (const text of numbers) {
      const raw = text.replace(/^[^\d+(]+/, '');
      const groups = raw.match(/\d+/g) ?? [];
      const number = groups.join('');
      if (!each.lengths.includes(number.length)) continue;
      const score = each.judge({
        digits: number,
        shape: groups.map(({ length }) => length).join('-'),
        raw,
        whole: below(2) === 0,
        before: '',
        after: '',
        left: '',
        named: false,
        confirm: () => true,
      });
      assert.ok(score <= most, `${each.name} ${score}`);
    }
  }
});
