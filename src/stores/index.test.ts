import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DecisionEntry } from '../core/entry.ts';
import { decided, freshFolder, open, opened } from './fake.ts';
import { IndexDatabase } from './index-database.ts';
import { searchIndex } from './index-search.ts';
import type { EntryQuery } from './index-store.ts';

const log = (): void => undefined;
const rule = (name: string): DecisionEntry['rules'] => [name as DecisionEntry['rules'][number]];

test('entries are found by every part, live, after a restart and after the index was lost', async () => {
  using folder = freshFolder();
  const path = `${folder.path}/index.db`;
  let ledger = await open(folder.path);
  let index = searchIndex({ store: { kind: 'sqlite', path }, folder: folder.path, ledger, log });
  await Promise.all([
    ledger.append(opened('s1')),
    ledger.append(
      decided('s1', 1, 'SELECT email FROM customers WHERE name = \'Ng\' /* "quoted" */', {
        targets: [{ kind: 'table', name: 'public.people', access: 'read' }],
      }),
    ),
    ledger.append(
      decided('s1', 2, 'DELETE FROM orders', {
        decision: 'deny',
        verb: 'sql.delete',
        rules: rule('main/no'),
      }),
    ),
    ledger.append(opened('s2')),
    ledger.append(decided('s2', 1, 'SELECT 2', { review: 'rev_1' })),
  ]);
  const cases: readonly [Partial<EntryQuery>, readonly number[]][] = [
    [{}, [4, 3, 2, 1, 0]],
    [{ kind: 'decision' }, [4, 2, 1]],
    [{ session: 's2' }, [4, 3]],
    [{ verb: 'sql.delete' }, [2]],
    [{ effect: 'deny' }, [2]],
    [{ rule: 'main/no' }, [2]],
    [{ object: 'public.people' }, [1]],
    [{ review: 'rev_1' }, [4]],
    [{ run: 'run-7' }, [4, 3, 2, 1, 0]],
    [{ text: 'email CUSTOMERS' }, [1]],
    [{ text: 'email orders' }, []],
    [{ text: '"quoted" OR NOT' }, []],
    [{ text: '"' }, []],
    [{ text: 'select', before: 4 }, [1]],
    [{ identity: 'nobody' }, []],
    [{ from: 0, to: 1 }, []],
  ];
  const check = async (): Promise<void> => {
    for (const [query, expected] of cases) {
      const found = await index.entries({ limit: 10, ...query }, true);
      assert.deepEqual(
        found.map(({ entry }) => entry),
        expected,
        JSON.stringify(query),
      );
    }
    assert.equal((await index.entries({ limit: 1, rule: 'main/no' }, true))[0]?.text, 'DELETE FROM orders');
    assert.equal((await index.entries({ limit: 1, rule: 'main/no' }, false))[0]?.text, undefined);
    assert.deepEqual(await index.sessions({ limit: 10, text: 'select' }), ['s2', 's1']);
    assert.deepEqual(await index.sessions({ limit: 10, olderThan: 's2' }), ['s1']);
  };
  await check();
  for (const lost of [path, `${folder.path}/other.db`]) {
    await index[Symbol.asyncDispose]();
    await ledger.close();
    ledger = await open(folder.path);
    index = searchIndex({ store: { kind: 'sqlite', path: lost }, folder: folder.path, ledger, log });
    await check();
  }
  await index.forget('s1');
  assert.deepEqual(await index.sessions({ limit: 10, text: 'customers' }), []);
  assert.deepEqual(await index.sessions({ limit: 10, run: 'run-7' }), ['s2']);
  await index[Symbol.asyncDispose]();
  await ledger.close();
});

test('pages by entry number miss nothing and show nothing twice', async () => {
  await using database = new IndexDatabase(':memory:', 'x', 0);
  const rows = Array.from({ length: 25 }, (_, n) => ({
    n,
    at: 1_000 - n,
    kind: 'decision' as const,
    subject: n % 2 === 0 ? 'ana' : 'bob',
    objects: [],
    rules: [],
  }));
  database.add(rows, 25);
  const seen: number[] = [];
  let before: number | undefined;
  for (;;) {
    const page = database.entries({ limit: 4, identity: 'ana', ...(before === undefined ? {} : { before }) });
    seen.push(...page.map(({ entry }) => entry));
    before = page.at(-1)?.entry;
    if (page.length < 4) break;
  }
  assert.deepEqual(seen, [24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0]);
});

test('an index of another ledger, or one that is ahead, is built anew', async () => {
  using folder = freshFolder();
  const path = `${folder.path}/index.db`;
  {
    await using database = new IndexDatabase(path, 'x', 5);
    database.add([], 5);
  }
  for (const [ledger, size, next] of [
    ['x', 5, 5],
    ['x', 4, 0],
    ['y', 9, 0],
  ] as const) {
    await using database = new IndexDatabase(path, ledger, size);
    assert.equal(database.next(), next);
    database.add([], 5);
  }
});
