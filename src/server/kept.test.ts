import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Fault } from '../base/errors.ts';
import { keptIn } from './kept.ts';

function fresh(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'sallyport-kept-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

test('what is kept comes back, for nobody else to read, under a name that is no path', () => {
  using folder = fresh();
  const path = join(folder.path, 'deep', 'mcp');
  const kept = keptIn(path);
  assert.equal(kept.get('tools'), undefined);
  kept.set('tools', 'one');
  kept.set('tools', 'zwei ✓');
  kept.set('../../up', 'three');
  assert.equal(keptIn(path).get('tools'), 'zwei ✓');
  assert.equal(kept.get('../../up'), 'three');
  assert.deepEqual(readdirSync(folder.path), ['deep']);
  assert.deepEqual(readdirSync(path).toSorted(), ['.._.._up.json', 'tools.json']);
  assert.equal(statSync(join(path, 'tools.json')).mode & 0o077, 0);
});

test('a folder that cannot be written or read is a fault, and what was kept stays whole', () => {
  using folder = fresh();
  const path = join(folder.path, 'mcp');
  writeFileSync(path, 'a file where the folder should be');
  assert.throws(() => keptIn(path).set('tools', 'x'), Fault);
  assert.throws(() => keptIn(path).get('tools'), Fault);
  assert.equal(readFileSync(path, 'utf8'), 'a file where the folder should be');
});
