import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { maskKey } from './key.ts';
import { noisyDecimal, noisyFloat, noisyMoment } from './noise.ts';

const key = maskKey(new Uint8Array(32).fill(1));
const other = maskKey(new Uint8Array(32).fill(2));

const decimals = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.bigInt({ min: 0n, max: 10n ** 30n }),
    fc.option(fc.stringMatching(/^\d{1,12}$/), { nil: undefined }),
  )
  .map(([sign, whole, fraction]) => `${sign}${whole}${fraction === undefined ? '' : `.${fraction}`}`);

/** A decimal in its smallest units. */
function units(text: string): bigint {
  return BigInt(text.replace('.', ''));
}

test('a decimal stays near, of its sign, scale and length, is never itself, and is the same each time', () => {
  fc.assert(
    fc.property(decimals, fc.integer({ min: 1, max: 50 }), (value, percent) => {
      const shown = noisyDecimal(value, { key, percent });
      assert.ok(shown !== undefined);
      assert.equal(noisyDecimal(value, { key, percent }), shown);
      assert.equal(shown.split('.')[1]?.length, value.split('.')[1]?.length);
      const [was, is] = [units(value), units(shown)];
      const most = ((was < 0n ? -was : was) * BigInt(percent)) / 100n;
      const away = is > was ? is - was : was - is;
      assert.ok(away > 0n || was === 0n, shown);
      assert.ok(away <= (most > 1n ? most : 1n));
      assert.ok(value.startsWith('-') ? is <= 0n : is >= 0n);
      assert.ok(shown.replace('-', '').length <= value.replace('-', '').length, shown);
    }),
    { numRuns: 3_000 },
  );
});

test('how a number is written, and nothing else, leaves the noise as it is', () => {
  for (const [one, two] of [
    ['1500', '1500.00'],
    ['0012', '12'],
    ['7.5', '7.500'],
  ] as const) {
    const [a, b] = [one, two].map((value) => Number(noisyDecimal(value, { key, percent: 20 })));
    assert.ok(Math.abs((a ?? 0) - (b ?? 0)) <= 1, `${a} ${b}`);
  }
  const shown = new Set([
    noisyDecimal('1000000', { key, percent: 20 }),
    noisyDecimal('1000000', { key: other, percent: 20 }),
    noisyDecimal('1000000', { key, percent: 21 }),
    noisyDecimal('-1000000', { key, percent: 20 })?.slice(1),
  ]);
  assert.equal(shown.size, 4);
});

test('bounds of a type are kept, and what is no number has none', () => {
  for (let value = 32_000; value <= 32_767; value += 7) {
    const shown = Number(noisyDecimal(String(value), { key, percent: 50, most: 32_767n }));
    assert.ok(shown >= 0 && shown <= 32_767 && shown !== value);
  }
  for (const value of ['', 'NaN', '1e5', '1.', '.5', '+1', '0x10', '1,5', ' 1', '1'.repeat(1_001)])
    assert.equal(noisyDecimal(value, { key, percent: 10 }), undefined, value);
});

test('over many values it averages out', () => {
  let [was, is] = [0, 0];
  for (let value = 10_000; value < 20_000; value++) {
    was += value;
    is += Number(noisyDecimal(String(value), { key, percent: 10 }));
  }
  assert.ok(Math.abs(is / was - 1) < 0.005, String(is / was));
});

test('floats and moments stay near and move', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: 1e-300 }), (value) => {
      const shown = noisyFloat(value, { key, percent: 10, digits: 15 });
      assert.ok(shown !== undefined && Number.isFinite(shown) && shown !== value);
      assert.ok(Math.abs(shown / value - 1) <= 0.1001);
    }),
  );
  assert.equal(noisyFloat(Number.NaN, { key, percent: 10, digits: 15 }), undefined);
  assert.equal(noisyFloat(0, { key, percent: 10, digits: 15 }), 0);
  fc.assert(
    fc.property(fc.bigInt({ min: -1_000n, max: 1_000n }), (day) => {
      const shown = noisyMoment(day, { key, days: 30, perDay: 1n, low: -1_000n, high: 1_000n });
      assert.ok(shown >= -1_000n && shown <= 1_000n && shown !== day);
      assert.ok(shown - day <= 30n && day - shown <= 30n);
    }),
  );
});
