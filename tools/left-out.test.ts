import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-left-out-'));
after(() => rmSync(folder, { recursive: true }));

test('what is left out is named, however it is left out', () => {
  const file = join(folder, 'some.test.ts');
  writeFileSync(
    file,
    `import { describe, test } from 'node:test';
test('runs', () => {});
test('by option', { skip: 'no server' }, () => {});
test('inside', (t) => t.skip('no client'));
test('bare', (t) => t.skip());
test.skip('by name', () => {});
test.todo('to be written');
test('not left out', { skip: false }, () => {});
describe('a suite', { skip: 'no database' }, () => { test('in it', () => {}); });
describe('another', () => { test('deep', { skip: 'no disk' }, () => {}); });
`,
  );
  const list = join(folder, 'list');
  const { NODE_TEST_CONTEXT: _, ...env } = process.env; // else the run would report to ours
  const run = spawnSync(
    process.execPath,
    [
      '--test',
      `--test-reporter=${join(import.meta.dirname, 'left-out.ts')}`,
      `--test-reporter-destination=${list}`,
      file,
    ],
    { encoding: 'utf8', env },
  );
  assert.equal(run.status, 0, run.stderr);
  assert.deepEqual(readFileSync(list, 'utf8').trim().split('\n').toSorted(), [
    `${file}: a suite: no database`,
    `${file}: bare: no reason`,
    `${file}: by name: no reason`,
    `${file}: by option: no server`,
    `${file}: deep: no disk`,
    `${file}: inside: no client`,
    `${file}: to be written: no reason`,
  ]);
});
