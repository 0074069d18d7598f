import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Fault } from '../base/errors.ts';
import { verifyLedger } from '../ledger/index.ts';
import { freshFolder, open, talk } from './fake.ts';
import { diskFolder } from './folder.ts';

// testdata/data-0.1.0.tar.gz was written by version 0.1.0: a session, an orderly stop, then two entries and kill -9.

test('a data folder of version 0.1.0 that was killed is brought forward, read in clear and continued', async () => {
  using folder = freshFolder();
  execFileSync('tar', ['xzf', join(import.meta.dirname, 'testdata', 'data-0.1.0.tar.gz'), '-C', folder.path]);
  const data = join(folder.path, 'data');
  const ledger = await open(data);
  assert.equal(ledger.size, 10);
  const seals: string[] = [];
  for await (const { entry, seal } of ledger.read(0, ledger.size)) {
    seals.push(seal);
    if (entry.kind === 'decision' && entry.session === 's2')
      assert.equal(entry.sealed.text, 'SELECT kept FROM before_the_crash');
  }
  assert.deepEqual(new Set(seals), new Set(['opened', 'none']));
  await talk(ledger, 's3', 5);
  assert.equal(ledger.erase('s1' as never), 1, 'keys of the old layout can be destroyed');
  await ledger.close();
  assert.equal(readFileSync(join(data, 'format.json'), 'utf8'), '{"format":2}\n');
  const report = await verifyLedger(diskFolder(join(data, 'ledger')));
  assert.deepEqual([report.verified, report.size], [true, 18], JSON.stringify(report.problems));
});

test('a data folder of a later version, or with a damaged format.json, is refused and left alone', async () => {
  using folder = freshFolder();
  await (await open(folder.path)).close();
  for (const text of ['{"format":3}\n', '{}', 'x']) {
    writeFileSync(join(folder.path, 'format.json'), text);
    await assert.rejects(open(folder.path), (thrown) => thrown instanceof Fault && thrown.code === 'ledger');
    assert.equal(readFileSync(join(folder.path, 'format.json'), 'utf8'), text);
  }
});
