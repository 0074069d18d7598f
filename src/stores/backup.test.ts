import assert from 'node:assert/strict';
import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { realWorld } from '../base/time.ts';
import { verifyLedger } from '../ledger/index.ts';
import { backup, restore } from './backup.ts';
import { headed, decided, freshFolder, open, opened, talk } from './fake.ts';
import { diskFolder } from './folder.ts';
import { openReviews } from './reviews.ts';

test('a backup taken under load verifies, and what is restored from it opens and goes on', async () => {
  using place = freshFolder();
  const home = join(place.path, 'home');
  mkdirSync(join(home, 'data', 'recordings', '2026-11-21', 's1'), { recursive: true });
  writeFileSync(join(home, 'data', 'recordings', '2026-11-21', 's1', '0.chunk'), 'sealed');
  mkdirSync(join(home, 'keys'));
  writeFileSync(join(home, 'keys', 'token.key'), 'secret');
  writeFileSync(join(home, 'lock'), '1 1\n');
  const reviews = openReviews(join(home, 'reviews'));
  const ledger = await open(join(home, 'data'));
  await talk(ledger, 's1', 600);
  await headed(ledger, join(home, 'data'));
  const done = { yes: false };
  const writing = (async () => {
    await ledger.append(opened('s2'));
    for (let at = 1; !done.yes; at++) await ledger.append(decided('s2', at, `SELECT ${at}`));
  })();
  for (let round = 0; round < 3; round++) {
    await new Promise((resolve) => setTimeout(resolve, 900));
    const to = join(place.path, `backup${round}`);
    const { size, report } = await backup(home, to, realWorld);
    assert.ok(report.verified && report.unsigned === 0 && report.unproven.length === 0);
    assert.ok(size >= 603 && !existsSync(join(to, 'lock')) && !existsSync(join(to, 'data', 'wal')));
  }
  done.yes = true;
  await writing;
  await ledger.close();
  reviews[Symbol.dispose]();
  const back = join(place.path, 'back');
  const { size } = await restore(join(place.path, 'backup2'), back);
  assert.equal(readFileSync(join(back, 'keys', 'token.key'), 'utf8'), 'secret');
  assert.equal(
    readFileSync(join(back, 'data', 'recordings', '2026-11-21', 's1', '0.chunk'), 'utf8'),
    'sealed',
  );
  const database = new DatabaseSync(join(back, 'reviews', 'reviews.db'), { readOnly: true });
  assert.equal(database.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok');
  database.close();
  const again = await open(join(back, 'data'));
  assert.equal(again.size, size);
  for await (const { seal } of again.read(0, size))
    assert.notEqual(seal, 'shut', 'every key is in the backup');
  await talk(again, 's3', 5);
  await again.close();
  const report = await verifyLedger(diskFolder(join(back, 'data', 'ledger')));
  assert.deepEqual([report.verified, report.size], [true, size + 8]);
});

test('a backup that was changed, cut or added to is not restored, and nothing appears', async () => {
  using place = freshFolder();
  const home = join(place.path, 'home');
  const ledger = await open(join(home, 'data'));
  await talk(ledger, 's1', 20);
  await ledger.close();
  const good = join(place.path, 'good');
  await backup(home, good, realWorld);
  await assert.rejects(backup(home, good, realWorld), /there already/);
  await assert.rejects(restore(good, home), /not empty/);
  const cases: readonly [string, (folder: string) => void][] = [
    ['changed', (folder) => appendFileSync(join(folder, 'data', 'keys', 'master.key'), 'x')],
    ['cut', (folder) => writeFileSync(join(folder, 'data', 'ledger', 'checkpoint'), '')],
    ['a file less', (folder) => rmSync(join(folder, 'data', 'ledger', 'key.pub'))],
    ['a file more', (folder) => writeFileSync(join(folder, 'data', 'more'), '')],
    ['no list', (folder) => rmSync(join(folder, 'backup.json'))],
    [
      'a path that leads out',
      (folder) => {
        const list = join(folder, 'backup.json');
        writeFileSync(list, readFileSync(list, 'utf8').replace('data/format.json', '../out/format.json'));
      },
    ],
  ];
  for (const [what, damage] of cases) {
    const bad = join(place.path, 'bad');
    cpSync(good, bad, { recursive: true });
    damage(bad);
    await assert.rejects(restore(bad, join(place.path, 'target')), /backup|damaged/, what);
    assert.ok(!existsSync(join(place.path, 'target')) && !existsSync(join(place.path, 'target.part')), what);
    rmSync(bad, { recursive: true });
  }
});
