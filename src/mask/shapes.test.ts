import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { otherDigits, texts } from './sieve/fake.ts';
import { mayContain } from './gate.ts';
import { scan } from './scan.ts';
import { longestShape, proofs, shapes } from './shapes.ts';

const text = texts(
  'ORD-',
  'SKU-',
  '2026-01-31',
  ' 10:11:12.123456+00',
  'Z',
  '24:59:60',
  '-',
  '.',
  ' ',
  '/',
  'v',
  'é',
  '９',
);

function may(text: string): boolean {
  const bytes = Buffer.from(`#${text}#`);
  return mayContain(bytes, 1, bytes.length - 1);
}

suite('shapes', () => {
  test('what passes by its shape holds nothing, whatever its digits are', () => {
    const seen = { passed: 0, found: 0 };
    fc.assert(
      fc.property(text, fc.array(fc.nat(9), { minLength: 1, maxLength: 24 }), (written, seed) => {
        may(written);
        may(written);
        const other = otherDigits(written, seed);
        const passed = !may(other);
        const found = scan(other);
        if (passed) assert.deepEqual(found, [], JSON.stringify([written, other]));
        if (passed) seen.passed++;
        if (found.length > 0) seen.found++;
      }),
      { numRuns: 20_000 },
    );
    assert.ok(seen.passed > 1_000 && seen.found > 1_000, JSON.stringify(seen));
  });

  test('a shape is proved once, when it comes for the second time, and then holds for other digits', () => {
    const known = shapes();
    let proved = 0;
    const holds = (text: string): boolean => {
      const bytes = Buffer.from(`ab${text}cd`);
      if (known.holds(bytes, 2, bytes.length - 2)) return true;
      known.offer(bytes.subarray(2, -2), (shape) => {
        proved++;
        assert.equal(Buffer.from(shape).toString(), text.replaceAll(/[0-9]/g, '0'));
        return proofs.clean;
      });
      return false;
    };
    for (const shape of [
      '7',
      'a',
      'ab',
      'ab1',
      'ORD1',
      'ORD-12345678',
      'Zürich 1:2;3',
      '-'.repeat(longestShape),
    ]) {
      proved = 0;
      assert.deepEqual(
        [holds(shape), holds(shape), holds(shape.replaceAll(/[0-9]/g, '9'))],
        [false, false, true],
        shape,
      );
      assert.equal(proved, 1);
      for (const other of [
        `${shape}x`,
        `x${shape}`,
        shape.replace(/.$/s, '#'),
        shape.replace(/^./s, '/'),
        shape.replace(/.$/s, ':'),
      ])
        if (other !== shape) assert.equal(holds(other), false, other);
    }
    assert.equal(holds('-'.repeat(longestShape + 1)) || holds('-'.repeat(longestShape + 1)), false);
    assert.equal(holds('') || holds(''), false);
  });

  test('a date of a known shape passes only within the bounds of a date', () => {
    const known = shapes();
    const bytes = (text: string): Uint8Array => Buffer.from(text);
    const cases: readonly (readonly [
      shape: string,
      inside: readonly string[],
      outside: readonly string[],
    ])[] = [
      ['2026-01-31', ['1999-12-00'], ['0999-12-01', '3026-01-01', '2026-13-01', '2026-01-32']],
      [
        '2026-01-31 10:11:12.123456+00',
        ['2026-01-31 24:59:60.999999+15'],
        [
          '2026-01-31 25:00:00.000000+00',
          '2026-01-31 10:60:00.000000+00',
          '2026-01-31 10:11:61.000000+00',
          '2026-01-31 10:11:12.123456+16',
        ],
      ],
    ];
    for (const [shape, inside, outside] of cases) {
      for (let time = 0; time < 2; time++)
        if (!known.holds(bytes(shape), 0, shape.length)) known.offer(bytes(shape), () => proofs.dated);
      for (const each of inside) assert.equal(known.holds(bytes(each), 0, each.length), true, each);
      for (const each of outside) assert.equal(known.holds(bytes(each), 0, each.length), false, each);
    }
  });
});
