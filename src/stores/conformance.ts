import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IndexRow } from './index-rows.ts';
import type { EntryQuery, IndexStore } from './index-store.ts';

/** Opens the index of a ledger that has `size` entries; the same place for the same name within one test. */
export type OpenIndex = (ledger: string, size: number) => IndexStore;

/** What every index must do. `fresh` gives an empty place and how to open an index in it. */
export function indexConformance(
  name: string,
  fresh: () => Promise<{ readonly open: OpenIndex } & AsyncDisposable>,
): void {
  test(`${name}: every filter, alone and together`, async () => {
    await using place = await fresh();
    await using index = place.open('one', 10);
    assert.equal(await index.next(), 0);
    await index.add(sample.slice(0, 3), 4);
    assert.equal(await index.next(), 4);
    await index.add(sample.slice(3), 9);
    for (const [query, expected] of cases)
      assert.deepEqual(await found(index, query), expected, JSON.stringify(query));
    const [hit] = await index.entries({ limit: 1, effect: 'deny' });
    assert.deepEqual({ ...hit, gateway: undefined }, { ...deny, gateway: undefined });
  });

  test(`${name}: the same rows again change nothing`, async () => {
    await using place = await fresh();
    await using index = place.open('one', 10);
    await index.add(sample, 9);
    const before = await index.entries({ limit: 100 });
    await index.add(sample, 9);
    assert.deepEqual(await index.entries({ limit: 100 }), before);
    assert.deepEqual(await found(index, { text: 'email' }), [1]);
  });

  test(`${name}: it is there after it was closed, and begins anew where it is ahead of the ledger`, async () => {
    await using place = await fresh();
    {
      await using index = place.open('one', 10);
      await index.add(sample, 9);
    }
    {
      await using index = place.open('one', 9);
      assert.equal(await index.next(), 9);
      assert.deepEqual(await found(index, { effect: 'deny' }), [2]);
    }
    await using index = place.open('one', 8);
    assert.equal(await index.next(), 0);
    assert.deepEqual(await found(index, {}), []);
  });

  test(`${name}: pages are stable while entries are added`, async () => {
    await using place = await fresh();
    await using index = place.open('one', 1_000);
    await index.add(many(0, 50), 50);
    const seen: number[] = [];
    let next = 50;
    for (let before: number | undefined; ;) {
      const page = await index.entries({
        limit: 4,
        identity: 'ana',
        ...(before === undefined ? {} : { before }),
      });
      seen.push(...page.map(({ entry }) => entry));
      before = page.at(-1)?.entry;
      await index.add(many(next, next + 10), next + 10);
      next += 10;
      if (page.length < 4) break;
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 25 }, (_, at) => 48 - 2 * at),
    );
  });

  test(`${name}: sessions, newest first, by pages`, async () => {
    await using place = await fresh();
    await using index = place.open('one', 1_000);
    const rows = Array.from({ length: 20 }, (_, n): IndexRow => ({
      ...row(n, 'session.opened'),
      session: `s${n}`,
      run: `r${n % 2}`,
    }));
    // The oldest session is the one with the newest entry.
    rows.push({ ...row(20), session: 's0', text: 'select late' });
    for (let n = 21; n < 40; n++) rows.push({ ...row(n), session: `s${n - 20}`, text: 'select word' });
    await index.add(rows, 40);
    assert.deepEqual(await index.sessions({ limit: 3 }), ['s19', 's18', 's17']);
    assert.deepEqual(await index.sessions({ limit: 2, olderThan: 's18' }), ['s17', 's16']);
    assert.deepEqual(await index.sessions({ limit: 9, text: 'late' }), ['s0']);
    assert.deepEqual(await index.sessions({ limit: 2, text: 'word', run: 'r0' }), ['s18', 's16']);
    assert.deepEqual(await index.sessions({ limit: 2, text: 'select', olderThan: 's2' }), ['s1', 's0']);
    assert.deepEqual(await index.sessions({ limit: 2, olderThan: 'nobody' }), []);
  });

  test(`${name}: what was personal of a session is gone, the rest is found`, async () => {
    await using place = await fresh();
    await using index = place.open('one', 10);
    await index.add(sample, 9);
    const ns = await index.entriesOf('s1');
    assert.deepEqual(ns, [0, 1, 2]);
    const erased = sample.filter(({ n }) => ns.includes(n)).map(({ text: _t, run: _r, ...rest }) => rest);
    await index.replace('s1', erased);
    assert.deepEqual(await found(index, { text: 'email' }), []);
    assert.deepEqual(await found(index, { run: 'run-7' }), []);
    assert.deepEqual(await found(index, { object: 'public.people' }), [2, 1]);
    assert.deepEqual(await found(index, { session: 's1' }), [2, 1, 0]);
    await index.add([{ ...row(9), session: 's1' }], 10);
    assert.deepEqual(await found(index, { run: 'run-7' }), [], 'a later entry does not bring it back');
  });

  test(`${name}: odd texts`, async () => {
    await using place = await fresh();
    await using index = place.open('one', 10);
    const odd = ['\0', '\uD800', "'; DROP TABLE entry; --", '" OR "', '%', 'é'.repeat(400), '日本'];
    await index.add(
      odd.map((text, n) => ({ ...row(n), subject: text, objects: [text], text })),
      odd.length,
    );
    assert.equal(await index.next(), odd.length);
    assert.deepEqual(await found(index, { text: '日本' }), [6]);
    assert.deepEqual(await found(index, { text: 'e'.repeat(64) }), [5]);
    assert.deepEqual(await found(index, { text: 'drop TABLE' }), [2]);
    assert.deepEqual(await found(index, { text: '" OR "' }), [3]);
    assert.deepEqual(await found(index, { object: '%' }), [4]);
  });
}

async function found(index: IndexStore, query: Partial<EntryQuery>): Promise<readonly number[]> {
  return (await index.entries({ limit: 100, ...query })).map(({ entry }) => entry);
}

const start = 1_763_719_200_000;

function row(n: number, kind: IndexRow['kind'] = 'decision'): IndexRow {
  return { n, at: start + n * 60_000, kind, objects: [], rules: [] };
}

function many(from: number, to: number): readonly IndexRow[] {
  return Array.from({ length: to - from }, (_, at) => ({
    ...row(from + at),
    subject: (from + at) % 2 === 0 ? 'ana' : 'bob',
  }));
}

const sample: readonly IndexRow[] = [
  { ...row(0, 'session.opened'), session: 's1', subject: 'ana', resource: 'shop', run: 'run-7' },
  {
    ...row(1),
    session: 's1',
    subject: 'ana',
    resource: 'shop',
    verb: 'sql.select',
    access: 'read',
    decision: 'allow',
    objects: ['public.people', 'public.towns'],
    rules: ['main/reads'],
    text: 'SELECT email FROM public.people WHERE id = ?',
  },
  {
    ...row(2),
    session: 's1',
    subject: 'ana',
    resource: 'shop',
    verb: 'sql.delete',
    access: 'write',
    decision: 'deny',
    objects: ['public.people'],
    rules: ['main/no', 'main/never'],
    text: 'DELETE FROM public.people',
  },
  // 3 is an entry that no index keeps
  { ...row(4, 'session.opened'), session: 's2', subject: 'bot', agent: 'bot', resource: 'bank' },
  {
    ...row(5),
    session: 's2',
    subject: 'bot',
    agent: 'bot',
    resource: 'bank',
    verb: 'sql.select',
    access: 'read',
    decision: 'review',
    review: 'rev_1',
    rules: ['main/holds'],
    text: 'SELECT 1',
  },
  {
    ...row(6, 'review.asked'),
    session: 's2',
    subject: 'bot',
    agent: 'bot',
    resource: 'bank',
    review: 'rev_1',
    risk: 'high',
  },
  { ...row(8, 'record.read'), subject: 'ana', verb: 'record.read', decision: 'allow' },
];

const deny = {
  entry: 2,
  at: start + 120_000,
  kind: 'decision',
  session: 's1',
  identity: 'ana',
  resource: 'shop',
  run: 'run-7',
  verb: 'sql.delete',
  access: 'write',
  effect: 'deny',
};

const cases: readonly [Partial<EntryQuery>, readonly number[]][] = [
  [{}, [8, 6, 5, 4, 2, 1, 0]],
  [{ identity: 'ana' }, [8, 2, 1, 0]],
  [{ agent: 'bot' }, [6, 5, 4]],
  [{ agent: 'ana' }, []],
  [{ run: 'run-7' }, [2, 1, 0]],
  [{ resource: 'bank' }, [6, 5, 4]],
  [{ session: 's2' }, [6, 5, 4]],
  [{ kind: 'decision' }, [5, 2, 1]],
  [{ verb: 'sql.select' }, [5, 1]],
  [{ access: 'write' }, [2]],
  [{ effect: 'deny' }, [2]],
  [{ effect: 'review' }, [5]],
  [{ object: 'public.people' }, [2, 1]],
  [{ object: 'public' }, []],
  [{ rule: 'main/never' }, [2]],
  [{ risk: 'high' }, [6]],
  [{ review: 'rev_1' }, [6, 5]],
  [{ text: 'people' }, [2, 1]],
  [{ text: 'EMAIL public.people' }, [1]],
  [{ text: 'select people delete' }, []],
  [{ text: '"' }, []],
  [{ text: 'mail' }, []],
  [{ from: start + 60_000, to: start + 300_000 }, [4, 2, 1]],
  [{ from: start + 300_000 }, [8, 6, 5]],
  [{ to: start }, []],
  [{ before: 5 }, [4, 2, 1, 0]],
  [{ before: 4, identity: 'ana', text: 'people' }, [2, 1]],
  [{ before: 3, resource: 'shop' }, [2, 1, 0]],
  [{ before: 900 }, [8, 6, 5, 4, 2, 1, 0]],
  [{ before: 0 }, []],
  [{ limit: 2, resource: 'shop' }, [2, 1]],
  [
    {
      identity: 'ana',
      verb: 'sql.select',
      effect: 'allow',
      object: 'public.towns',
      rule: 'main/reads',
      text: 'email',
    },
    [1],
  ],
  [{ identity: "ana' OR 1=1" }, []],
];
