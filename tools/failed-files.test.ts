import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-failed-'));
after(() => rmSync(folder, { recursive: true }));

test('each file in which something failed is named once, and no other', () => {
  const files = Object.entries({
    'passes.test.ts': `test('passes', () => {}); test('left out', { skip: true }, () => assert.fail());`,
    'fails.test.ts': `test('a', () => assert.fail()); test('b', async (t) => { await t.test('deep', () => assert.fail()); });`,
    'throws.test.ts': `throw new Error('outside of its tests');`,
    'ends.test.ts': `test('a', () => {}); setImmediate(() => process.exit(3));`,
    'hook.test.ts': `after(() => assert.fail()); test('a', () => {});`,
  }).map(([name, text]) => {
    const file = join(folder, name);
    writeFileSync(
      file,
      `import assert from 'node:assert/strict'; import { after, test } from 'node:test';\n${text}\n`,
    );
    return file;
  });
  const list = join(folder, 'list');
  const { NODE_TEST_CONTEXT: _, ...env } = process.env; // else the run would report to ours
  const reporter = join(import.meta.dirname, 'failed-files.ts');
  const run = spawnSync(
    process.execPath,
    ['--test', `--test-reporter=${reporter}`, `--test-reporter-destination=${list}`, ...files],
    { encoding: 'utf8', env },
  );
  assert.equal(run.status, 1, run.stderr);
  assert.deepEqual(
    readFileSync(list, 'utf8').trim().split('\n').toSorted(),
    ['ends', 'fails', 'hook', 'throws'].map((name) => join(folder, `${name}.test.ts`)),
  );
});
