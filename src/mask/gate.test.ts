import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mayContain, signsOf } from './gate.ts';

const word = fc.oneof(
  fc.stringMatching(/^[A-Za-z]{0,20}$/),
  fc.constantFrom(
    'Bogotá',
    'naïve',
    'ÿ',
    '٣',
    '１２',
    '\u200b',
    'abcdefab-abcd-abcd-abcd-abcdefabcdef',
    'www.',
    '::',
    '-----',
  ),
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.stringMatching(/^[0-9.:@=/_%+-]{0,9}$/),
);
const text = fc.tuple(fc.array(word, { maxLength: 8 }), fc.constantFrom(' ', ', ', '', "'", '\n'));

test('the short way through words sees what the long way sees', () => {
  const seen = { words: 0, signs: 0 };
  fc.assert(
    fc.property(text, fc.array(fc.nat(255), { maxLength: 3 }), ([words, between], damage) => {
      const content = Buffer.concat([Buffer.from(words.join(between)), Uint8Array.from(damage)]);
      const around = Buffer.concat([Buffer.from('7@='), content, Buffer.from('=@7')]);
      const end = around.length - 3;
      const long = signsOf(around, 3, end, true) !== 0;
      assert.equal(mayContain(around, 3, end), long);
      seen[long ? 'signs' : 'words'] += 1;
    }),
    { numRuns: 10_000 },
  );
  assert.ok(seen.words > 500 && seen.signs > 500, JSON.stringify(seen));
});
