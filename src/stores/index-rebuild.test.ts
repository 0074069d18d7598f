import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { headed, decided, freshFolder, open, opened, sessionId } from './fake.ts';
import { building, IndexDatabase } from './index-database.ts';
import { rebuildIndex } from './index-rebuild.ts';
import { type SearchIndex, searchIndex } from './index-search.ts';
import type { OpenLedger } from './ledger.ts';

const log = (): void => undefined;
const ignore = (): void => undefined;

async function filled(ledger: OpenLedger, sessions: number): Promise<void> {
  const waits: Promise<void>[] = [];
  for (let s = 0; s < sessions; s++) {
    waits.push(ledger.append(opened(`s${s}`)));
    for (let at = 1; at <= 20; at++)
      waits.push(ledger.append(decided(`s${s}`, at, `SELECT w${s} FROM t${at}`)));
  }
  await Promise.all(waits);
}

async function counted(index: SearchIndex, text: string): Promise<number> {
  return (await index.entries({ limit: 1_000, text }, false)).length;
}

test('an index is built anew while the gateway runs, and takes the place of the old one at once', async () => {
  using folder = freshFolder();
  await using ledger = await open(folder.path);
  const store = { kind: 'sqlite', path: `${folder.path}/index.db` } as const;
  await filled(ledger, 50);
  await ledger.publish(ledger.size);
  await using index = searchIndex({ store, folder: folder.path, ledger, log });
  assert.equal(await counted(index, 'w3'), 20);
  await headed(ledger, folder.path);
  const steps: number[] = [];
  const progress = (done: number, total: number): void => void steps.push(done / total);
  const rebuilt = await rebuildIndex({ folder: folder.path, store, progress });
  assert.equal(rebuilt.state, 'used');
  assert.equal(rebuilt.entries, 1_050);
  assert.equal(steps.at(-1), 1);
  await filled(ledger, 51);
  assert.equal(await counted(index, 'w3'), 40);
  assert.equal(await counted(index, 'w50'), 20);
  assert.deepEqual(
    [existsSync(`${store.path}.ready`), existsSync(`${store.path}${building}`)],
    [false, false],
  );
});

test('what was interrupted goes on where it stopped; a lost index needs no gateway', async () => {
  using folder = freshFolder();
  const store = { kind: 'sqlite', path: `${folder.path}/index.db` } as const;
  {
    await using ledger = await open(folder.path);
    await filled(ledger, 300);
  }
  const stop = new AbortController();
  const parts = { folder: folder.path, store, signal: stop.signal };
  await assert.rejects(rebuildIndex({ ...parts, progress: () => stop.abort() }), /goes on/);
  {
    await using part = new IndexDatabase(`${store.path}${building}`, 'example.com/test', 6_300);
    part.add([], 5_120);
  }
  rmSync(store.path, { force: true });
  const rebuilt = await rebuildIndex({ folder: folder.path, store, progress: ignore });
  assert.deepEqual(rebuilt, { entries: 6_300, resumed: 5_120, state: 'used' });
  await using index = new IndexDatabase(store.path, 'example.com/test', 6_300);
  assert.equal(index.next(), 6_300);
  assert.equal(index.entries({ limit: 1, text: 'w280' }).length, 1);
});

test('what was erased while an index was built does not come back with it', async () => {
  using folder = freshFolder();
  await using ledger = await open(folder.path);
  const store = { kind: 'sqlite', path: `${folder.path}/index.db` } as const;
  await filled(ledger, 300);
  await using index = searchIndex({ store, folder: folder.path, ledger, log });
  assert.equal(await counted(index, 'w3'), 20);
  await headed(ledger, folder.path);
  let erased: Promise<void> | undefined;
  await assert.rejects(
    rebuildIndex({
      folder: folder.path,
      store,
      progress: (done, total) => {
        if (done < total || erased !== undefined) return;
        ledger.erase(sessionId('s3'));
        erased = index.forget('s3');
      },
    }).then(async (rebuilt) => {
      // Where it was quicker than the erasure, that has found it in its place.
      await erased;
      assert.equal(await counted(index, 'w3'), 0);
      return Promise.reject(new Error(`erased ${rebuilt.state}`));
    }),
    /erased/,
  );
  await erased;
  assert.equal(await counted(index, 'w3'), 0);
  assert.equal((await index.entries({ limit: 1_000, session: 's3' }, false)).length, 21);
  assert.equal((await rebuildIndex({ folder: folder.path, store, progress: ignore })).state, 'used');
  assert.equal(await counted(index, 'w3'), 0);
});

test('a folder without a ledger, and a head of somebody else, are refused', async () => {
  using folder = freshFolder();
  const store = { kind: 'sqlite', path: `${folder.path}/index.db` } as const;
  await assert.rejects(rebuildIndex({ folder: folder.path, store, progress: ignore }), /no ledger/);
});
