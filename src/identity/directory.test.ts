import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Subject } from '../core/identity.ts';
import { directory, type DirectoryRecord } from './directory.ts';

function person(subject: string, actingFor?: string): DirectoryRecord {
  return {
    subject: subject as Subject,
    kind: 'human',
    groups: [`of-${subject}`],
    attributes: {},
    ...(actingFor === undefined ? {} : { actingFor: actingFor as Subject }),
  };
}

test('directory() resolves a chain of delegation to its end', () => {
  const made = directory([person('a', 'b'), person('b', 'c'), person('c')]);
  assert.ok(made.ok);
  const found = made.value.find('a');
  assert.equal(found?.actingFor?.subject, 'b');
  assert.deepEqual(found?.actingFor?.actingFor?.groups, ['of-c']);
  assert.equal(made.value.find('d'), undefined);
});

const wrong: readonly (readonly [string, readonly DirectoryRecord[], RegExp])[] = [
  ['a circle of one', [person('a', 'a')], /circle/],
  ['a circle of three', [person('a', 'b'), person('b', 'c'), person('c', 'a')], /circle/],
  ['a circle further on', [person('a', 'b'), person('b', 'c'), person('c', 'b')], /circle/],
  ['nobody', [person('a', 'zed')], /"zed", who is not among/],
  ['the same subject twice', [person('a'), person('a')], /twice/],
];

for (const [name, records, message] of wrong) {
  test(`directory() refuses ${name}`, () => {
    const made = directory(records);
    assert.equal(made.ok, false);
    assert.match(made.ok ? '' : (made.error[0]?.message ?? ''), message);
  });
}
