import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mayBePacked, packedIn } from './packed.ts';

const card = '4111111111111111';
const base64 = Buffer.from(card).toString('base64');
const hex = Buffer.from(card).toString('hex');
const strange = 'Zoë?>~ÿ mail ann@example.com';

for (const [text, wanted] of [
  [`it is ${base64}, really`, [card]],
  [`/files/${Buffer.from(strange).toString('base64url')}/x`, [strange]],
  [`0x${hex}`, [card]],
  [hex.toUpperCase(), [card]],
  [`data:text/plain;base64,${base64}`, [card]],
  [
    Buffer.from('x'.repeat(60) + card)
      .toString('base64')
      .replace(/.{76}/, '$&\r\n'),
    ['x'.repeat(60) + card],
  ],
  ['internationalization of everything', []],
  ['7b2a5c1e-9d1c-4b7e-8f55-000000000001', []],
  ['2026-11-21T17:04:46Z 2026-11-21T17:04:46Z', []],
  [Buffer.from(Uint8Array.from({ length: 60 }, (_, at) => (at * 37) & 0xff)).toString('base64'), []],
] as const) {
  test(`packed: ${text.slice(0, 60)}`, () => {
    assert.deepEqual(
      [...packedIn(text)].map((each) => each.text),
      wanted,
    );
    const bytes = Buffer.from(text);
    assert.equal(mayBePacked(bytes, 0, bytes.length), wanted.length > 0);
  });
}

test('whatever text of nine bytes or more is packed behind a blank is found, where it stands', () => {
  const plain = fc
    .string({ unit: 'grapheme', minLength: 9, maxLength: 60 })
    .filter((text) => !/\p{Cc}/u.test(text) && text.isWellFormed());
  const how = fc.constantFrom('base64', 'base64url', 'hex');
  fc.assert(
    fc.property(plain, how, fc.constantFrom('', 'see ', 'a/b: '), (text, coding, before) => {
      const packed = Buffer.from(text).toString(coding);
      const whole = `${before}${packed} and so on`;
      const found = [...packedIn(whole)].find((each) => each.start === before.length);
      assert.equal(found?.text, text);
      assert.equal(whole.slice(found.start, found.end), packed);
      const bytes = Buffer.from(whole);
      assert.ok(mayBePacked(bytes, 0, bytes.length));
    }),
  );
});

test('what could be read from everywhere is not looked at for ever', () => {
  const text = Buffer.from('a?'.repeat(100_000)).toString('base64').replaceAll('P', '/');
  let units = 0;
  for (const each of packedIn(text)) units += each.end - each.start;
  assert.ok(units <= 4 * text.length);
});
