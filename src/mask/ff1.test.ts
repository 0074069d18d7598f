import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ff1, ff1Back } from './ff1.ts';

const keys = {
  128: Buffer.from('2B7E151628AED2A6ABF7158809CF4F3C', 'hex'),
  192: Buffer.from('2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F', 'hex'),
  256: Buffer.from('2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94', 'hex'),
};
const none = Buffer.alloc(0);
const tweak = Buffer.from('39383736353433323130', 'hex');

// NIST, "FF1samples": samples 1, 2, 4, 5, 7 and 8 (those of radix 10).
const samples = [
  [keys[128], none, '2433477484'],
  [keys[128], tweak, '6124200773'],
  [keys[192], none, '2830668132'],
  [keys[192], tweak, '2496655549'],
  [keys[256], none, '6657667009'],
  [keys[256], tweak, '1001623463'],
] as const;

test('ff1() gives what NIST says, and back', () => {
  for (const [key, with_, expected] of samples) {
    assert.equal(ff1(key, with_, '0123456789'), expected);
    assert.equal(ff1Back(key, with_, expected), '0123456789');
  }
});

test('ff1() keeps the count of digits and can be undone', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^\d{6,30}$/), fc.uint8Array({ maxLength: 20 }), (digits, by) => {
      const made = ff1(keys[256], by, digits);
      assert.equal(made.length, digits.length);
      assert.equal(ff1Back(keys[256], by, made), digits);
    }),
    { numRuns: 100 },
  );
  for (const wrong of ['12345', '', '12345a', '1'.repeat(57)])
    assert.throws(() => ff1(keys[128], none, wrong));
});
