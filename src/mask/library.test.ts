import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

test('sallyport/mask loads no other part of the program than base and the seams of core', () => {
  const src = join(import.meta.dirname, '..');
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const match of readFileSync(file, 'utf8').matchAll(
      /^(?:import|export)\s(?!type )[^;]*?from '(\.[^']+)'/gm,
    )) {
      visit(join(dirname(file), match[1] ?? ''));
    }
  };
  visit(join(import.meta.dirname, 'index.ts'));
  const rooms = new Set([...seen].map((file) => relative(src, file).split('/')[0]));
  assert.ok(seen.size > 20, 'found no imports: the test would pass on nothing');
  assert.deepEqual(
    [...rooms].map(String).toSorted((a, b) => a.localeCompare(b)),
    ['base', 'core', 'mask'],
  );
});
