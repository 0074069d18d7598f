import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { base64Bytes } from './base64.ts';

test('what was encoded is read, in either alphabet, with and without padding', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const given = Buffer.from(bytes);
      const padded = given.toString('base64');
      for (const text of [padded, padded.replace(/=+$/, ''), given.toString('base64url'), `${padded}\r\n`])
        assert.deepEqual(base64Bytes(text), given);
    }),
  );
});

for (const text of [
  'YQ==,YW5u',
  'YQ==YW5u',
  'YQ==\u0000',
  'a',
  'YWE===',
  'YQ=',
  'Y Q=',
  'YW5u==',
  '+_==',
  '=',
]) {
  test(`nothing else is: ${JSON.stringify(text)}`, () => assert.equal(base64Bytes(text), undefined));
}
