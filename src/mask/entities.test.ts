import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entityNames } from './detectors/index.ts';
import { entities } from './entities.ts';

test('the names written out are those that the detectors find', () => {
  assert.deepEqual(entities, entityNames);
});
