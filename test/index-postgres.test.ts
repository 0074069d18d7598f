import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { indexConformance } from '../src/stores/conformance.ts';
import { IndexPostgres, type PostgresIndexSettings } from '../src/stores/index-postgres.ts';
import { headed, decided, freshFolder, open, opened, sessionId } from '../src/stores/fake.ts';
import { rebuildIndex } from '../src/stores/index-rebuild.ts';
import { searchIndex } from '../src/stores/index-search.ts';
import type { Major, PostgresServer } from './e2e/harness/postgres.ts';
import { missingPostgres, startPostgres } from './e2e/harness/postgres.ts';

for (const version of [15, 18] satisfies Major[]) suite(version);

function suite(version: Major): void {
  const name = `PostgreSQL ${version}`;
  const skip = missingPostgres(version);
  if (skip !== undefined && process.env['CI'] !== 'true') {
    test(name, { skip });
    return;
  }
  let server: PostgresServer;
  let places = 0;
  before(async () => {
    server = await startPostgres({ version, tls: true, auth: 'scram-sha-256', settings: { fsync: 'off' } });
  });
  after(() => server[Symbol.asyncDispose]());

  const settings = (schema: string): PostgresIndexSettings => ({
    host: '127.0.0.1',
    port: server.port,
    database: server.database,
    user: server.user,
    password: server.password,
    tls: { ca: server.tls?.ca.cert ?? '' },
    schema,
  });

  indexConformance(name, () => {
    places += 1;
    const schema = `place ${places}`;
    return Promise.resolve({
      open: (ledger, size) => new IndexPostgres(settings(schema), { ledger, size }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  });

  const row = (n: number, at: number) =>
    ({ n, at, kind: 'decision', subject: 'ana', objects: [], rules: [] }) as const;

  test(`${name}: the entries of several gateways stand in one order, each page behind the last`, async () => {
    await using one = new IndexPostgres(settings('both'), { ledger: 'one', size: 100 });
    await using two = new IndexPostgres(settings('both'), { ledger: 'two', size: 100 });
    await Promise.all([
      one.add(
        Array.from({ length: 10 }, (_, n) => row(n, 1_000 + n * 2)),
        10,
      ),
      two.add(
        Array.from({ length: 10 }, (_, n) => row(n, 1_001 + n * 2)),
        10,
      ),
    ]);
    const seen: string[] = [];
    for (let last: { entry: number; gateway?: string } | undefined; ;) {
      const page = await one.entries({
        limit: 3,
        ...(last === undefined ? {} : { before: last.entry, beforeIn: last.gateway ?? '' }),
      });
      seen.push(...page.map(({ entry, gateway }) => `${gateway}${entry}`));
      last = page.at(-1);
      if (page.length < 3) break;
    }
    assert.deepEqual(seen, Array.from({ length: 10 }, (_, at) => [`two${9 - at}`, `one${9 - at}`]).flat());
    assert.deepEqual(await two.entries({ limit: 5, session: 'x' }), []);
  });

  test(`${name}: an index that was built beside takes the place of the other at once`, async () => {
    await using live = new IndexPostgres(settings('swap'), { ledger: 'one', size: 100 });
    await live.add([row(0, 5)], 1);
    await using beside = new IndexPostgres(settings('swap'), { ledger: 'one', size: 100, beside: true });
    await beside.add([row(0, 5), row(1, 6)], 2);
    assert.equal((await live.entries({ limit: 9 })).length, 1);
    await beside.takeOver();
    assert.equal((await live.entries({ limit: 9 })).length, 2);
    assert.equal(await live.next(), 2, 'the one that was open goes on with it');
  });

  test(`${name}: a lost connection fails one call, the next one connects again`, async () => {
    await using index = new IndexPostgres(settings('lost'), { ledger: 'one', size: 100 });
    await index.add([row(0, 5)], 1);
    const admin = await server.connect({ ssl: false });
    await admin.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sallyport index'",
    );
    await admin.end();
    await Promise.resolve(index.entries({ limit: 9 })).catch(() => undefined); // may be the one that finds out
    assert.equal((await index.entries({ limit: 9 })).length, 1);
  });

  test(`${name}: while the database is away entries are written and a search says so; then it catches up`, async () => {
    using folder = freshFolder();
    await using ledger = await open(folder.path);
    const told: string[] = [];
    const store = { kind: 'postgres', ...settings('late'), database: 'later' } as const;
    await using index = searchIndex({
      store,
      folder: folder.path,
      ledger,
      log: (_, event) => void told.push(event),
    });
    await ledger.append(opened('s1'));
    await ledger.append(decided('s1', 1, 'SELECT email FROM customers'));
    await assert.rejects(index.entries({ limit: 9 }, true), /database of the index cannot be reached: 3D000/);
    assert.ok(told.includes('index.behind'));
    const admin = await server.connect({ ssl: false });
    await admin.query('CREATE DATABASE later');
    await admin.end();
    const [found] = await index.entries({ limit: 9, text: 'email' }, true);
    assert.deepEqual([found?.entry, found?.text], [1, 'SELECT email FROM customers']);
    ledger.erase(sessionId('s1'));
    await index.forget('s1');
    assert.deepEqual(await index.entries({ limit: 9, text: 'email' }, true), []);
    assert.equal((await index.entries({ limit: 9, session: 's1' }, true)).length, 2);
    await headed(ledger, folder.path);
    const rebuilt = await rebuildIndex({ folder: folder.path, store, progress: () => undefined });
    assert.deepEqual(rebuilt, { entries: 2, resumed: 0, state: 'used' });
    assert.equal((await index.entries({ limit: 9, session: 's1' }, true)).length, 2);
  });

  test(`${name}: a certificate of somebody else is not accepted`, async () => {
    await using index = new IndexPostgres({ ...settings('tls'), tls: {} }, { ledger: 'one', size: 0 });
    await assert.rejects(async () => index.next(), /cannot be reached/);
  });
}
