import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findMasker, maskKey, scan } from './index.ts';

const mask = findMasker([{ entity: '*', operator: { kind: 'redact' } }], {
  key: maskKey(new Uint8Array(32).fill(5)),
});

test('broken text is searched like any other', () => {
  const broken = ['\0', '\ud800', '\udfff\ud800', '\ufffd', '\u0007', '\x1b[31m'];
  for (const sign of broken) {
    const { text } = mask(`${sign} ann@example.com ${sign} 4111 1111 1111 1111 ${sign}`);
    assert.equal(text, `${sign} [EMAIL_ADDRESS] ${sign} [CREDIT_CARD] ${sign}`, JSON.stringify(sign));
  }
});

test('a value at either end of a text of megabytes is found', () => {
  const filler = 'lorem ipsum dolor sit amet '.repeat(80_000);
  const found = scan(`ann@example.com ${filler} 4111 1111 1111 1111`);
  assert.deepEqual(
    found.map(({ type }) => type),
    ['EMAIL_ADDRESS', 'CREDIT_CARD'],
  );
});

test('more numbers than a text may have make all of it a finding', () => {
  const text = '4111 1111 1111 1111, '.repeat(25_000);
  assert.doesNotMatch(mask(text).text, /4111/);
});

test('a text that is longer than can be searched in time is a finding as a whole', () => {
  const text = 'a 1 '.repeat(25_000_000);
  const found = scan(text);
  assert.equal(found.length, 1);
  assert.deepEqual([found[0]?.start, found[0]?.end], [0, text.length]);
});
