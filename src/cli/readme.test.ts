import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');

test('README names the rules of the sample policy, and says where they stand', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const places = [
    ...readme.matchAll(/\w[\w-]*\/([\w-]+) (?:at |\()(modules\/[\w-]+\.policy\.yaml):(\d+):(\d+)/g),
  ];
  assert.ok(places.length >= 4, 'it shows what a decision says of its rules');
  for (const [all, rule = '', file = '', line, column] of places) {
    const text = readFileSync(join(root, 'policy', file), 'utf8').split('\n')[Number(line) - 1] ?? '';
    assert.equal(text.slice(Number(column) - 1), `id: ${rule}`, all);
  }
});
