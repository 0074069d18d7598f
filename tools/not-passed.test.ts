import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type NotPassed, readNotPassed } from './not-passed.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-not-passed-'));
after(() => rmSync(folder, { recursive: true }));

function run(files: Readonly<Record<string, string>>): {
  readonly status: number | null;
  readonly err: string;
  readonly told: readonly NotPassed[];
} {
  const paths = Object.entries(files).map(([name, text]) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  });
  const list = join(folder, 'list');
  const reporter = join(import.meta.dirname, 'not-passed.ts');
  const { NODE_TEST_CONTEXT: _, ...env } = process.env; // else the run would report to ours
  const args = [
    '--test',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${reporter}`,
    `--test-reporter-destination=${list}`,
    ...paths,
  ];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env });
  return { status, err: stderr, told: readNotPassed(readFileSync(list, 'utf8')) };
}

test('what is left out is named, however it is left out', () => {
  const { status, err, told } = run({
    'some.test.ts': `import { describe, test } from 'node:test';
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
  });
  assert.deepEqual([status, err], [0, '']);
  const file = join(folder, 'some.test.ts');
  assert.deepEqual(told.map((each) => (each.kind === 'left out' ? each.what : each.file)).toSorted(), [
    `${file}: a suite: no database`,
    `${file}: bare: no reason`,
    `${file}: by name: no reason`,
    `${file}: by option: no server`,
    `${file}: deep: no disk`,
    `${file}: inside: no client`,
    `${file}: to be written: no reason`,
  ]);
});

test('each file in which something failed is named once, and no other', () => {
  const head = `import assert from 'node:assert/strict'; import { after, test } from 'node:test';\n`;
  const { status, err, told } = run({
    'passes.test.ts': `${head}test('passes', () => {}); test('left out', { skip: true }, () => assert.fail());`,
    'fails.test.ts': `${head}test('a', () => assert.fail()); test('b', async (t) => { await t.test('deep', () => assert.fail()); });`,
    'throws.test.ts': `${head}throw new Error('outside of its tests');`,
    'ends.test.ts': `${head}test('a', () => {}); setImmediate(() => process.exit(3));`,
    'hook.test.ts': `${head}after(() => assert.fail()); test('a', () => {});`,
  });
  assert.equal(status, 1, err);
  assert.deepEqual(
    told.flatMap((each) => (each.kind === 'failed' ? [each.file] : [])).toSorted(),
    ['ends', 'fails', 'hook', 'throws'].map((name) => join(folder, `${name}.test.ts`)),
  );
});
