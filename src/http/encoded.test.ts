import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { undoEncoding } from './encoded.ts';

for (const [text, undone] of [
  ['a%40b.com', 'a@b.com'],
  ['a&#64;b.com', 'a@b.com'],
  ['a&#x40;b.com', 'a@b.com'],
  ['a&commat;b&period;com', 'a@b.com'],
  ['a&#64b.com', 'a@b.com'],
  ['a\\u0040b.com', 'a@b.com'],
  ['a\\x40b.com', 'a@b.com'],
  ['caf%C3%A9', 'café'],
  ['4111&nbsp;1111', '4111 1111'],
  ['AT&T; &unknown; 100%', undefined],
  ['plain', undefined],
  ['%FF', undefined],
] as const) {
  test(`undone: ${text}`, () => {
    assert.equal(undoEncoding(text)?.text, undone);
  });
}

test('the way back covers the original, in order and without gaps', () => {
  const piece = fc.constantFrom(
    'a',
    '%40',
    '&#64;',
    '%C3%A9',
    '\\u0041',
    '&',
    '%',
    ';',
    '&nbsp;',
    '\u{1f600}',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const text = pieces.join('');
      const undone = undoEncoding(text);
      if (undone === undefined) return;
      let end = 0;
      for (let at = 0; at < undone.text.length; at++) {
        assert.ok(undone.from(at) === end || undone.to(at) === end);
        end = undone.to(at);
      }
      assert.equal(end, text.length);
    }),
  );
});
