import assert from 'node:assert/strict';
import { test } from 'node:test';
import { protocols } from './index.ts';
import { protocolWords } from './words.ts';

test('the words of each protocol are those that it declares', () => {
  assert.deepEqual(
    protocolWords,
    protocols.map(({ name, verbs, attributes }) => ({ name, verbs, attributes })),
  );
});
