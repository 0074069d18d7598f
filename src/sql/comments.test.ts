import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tagsOfColumn } from './comments.ts';

function tags(comment?: string): readonly string[] {
  return tagsOfColumn({
    name: 'a',
    attnum: 1,
    type: 25,
    generated: false,
    ...(comment === undefined ? {} : { comment }),
  });
}

test('tagsOfColumn() reads the tags of comments and labels', () => {
  assert.deepEqual(tags('where to write. sallyport:pii/email, sallyport:gdpr'), ['gdpr', 'pii/email']);
  assert.deepEqual(tags('sallyport:pii/a/b.'), ['pii/a/b']);
  for (const other of [
    undefined,
    '',
    'pii/email',
    'mysallyport:pii/email',
    'sallyport: pii',
    'sallyport:PII',
  ]) {
    assert.deepEqual(tags(other), [], other);
  }
});
