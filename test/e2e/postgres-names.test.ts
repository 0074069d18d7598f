import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { runProgram } from './harness/clients.ts';
import { type Guarded, type IdentityName, startUp } from './harness/gateway.ts';
import { root, temporaryFolder } from './harness/place.ts';
import { type PostgresServer, startPostgres } from './harness/postgres.ts';
import { errorOf, type Message, RawClient, wire } from './harness/raw.ts';
import { covered } from './harness/wait.ts';

// What is told of names that are not there: PostgreSQL's own words to who may know all names, and nothing to anybody else.

const policy = `apiVersion: sallyport/v1
module: all
about: Who may know names, and who may not.
owner: team:tests
rules:
  - id: everything
    effect: allow
    match: { resource: { kind: postgres }, identity: { groups: [dba] }, action: 'sql.*', access: [read, write, define, administer, execute] }
    why: The database team works here.
    fix: Ask a member of dba.
  - id: updates-wait
    effect: require
    match: { resource: { kind: postgres }, action: sql.update }
    then: { approve: { from: leads, count: 1, ttl: 15m } }
    why: Another person looks first.
    fix: Wait for the review.
  - id: analysts-read
    effect: allow
    match: { resource: { kind: postgres }, identity: { groups: [analysts] }, action: 'sql.*', access: read }
    why: Analysts read.
    fix: Write a SELECT.
  # May read every table, but what the catalogue calls them is not shown to them.
  - id: blind
    effect: allow
    match: { resource: { kind: postgres }, identity: { groups: [leads] }, action: 'sql.*', access: read }
    when: '!action.objects.exists(o, o.name.startsWith("pg_catalog."))'
    why: Leads read tables that they know.
    fix: Ask for the name.
`;

const queries = [
  'SELECT 1, * FROM nowhere',
  'SELECT * FROM base AS b JOIN "No where" AS n ON n.id = b.id',
  'SELECT * FROM other.nowhere WHERE id = 1',
  'SELECT * FROM nowhere.base',
  'SELECT wrong FROM base',
  'SELECT b.vv FROM base AS b',
  'SELECT no_such(1, $$x$$, now())',
  'SELECT lower(1, 2, 3)',
  "SELECT 'x'::no_such",
  'SELECT 1 ~@~ 2',
  "SELECT nextval('no_such')",
  'INSERT INTO nowhere VALUES (1)',
  'INSERT INTO base SELECT * FROM nowhere',
  'DELETE FROM nowhere WHERE id = 1',
  'MERGE INTO base AS b USING nowhere AS n ON n.id = b.id WHEN MATCHED THEN DELETE',
  'EXPLAIN SELECT * FROM nowhere',
  'CREATE TABLE made AS SELECT * FROM nowhere',
  'DECLARE c CURSOR FOR SELECT * FROM nowhere',
  'COPY nowhere TO STDOUT',
  'TRUNCATE nowhere',
  'DROP TABLE nowhere',
  'DROP FUNCTION nowhere(int)',
  'ALTER TABLE nowhere ADD COLUMN a int',
  'CREATE INDEX ON nowhere (id)',
  'CREATE TABLE nowhere.made (id int)',
  'COMMENT ON TABLE nowhere IS $$x$$',
  'UPDATE nowhere SET id = 1',
] as const;

suite('names that are not there', { timeout: 600_000 }, () => {
  let server: PostgresServer;
  let gateway: Guarded;
  const stack = new AsyncDisposableStack();

  before(async () => {
    server = stack.use(await startPostgres({ version: 18 }));
    const owner = await server.connect();
    await owner.query(`CREATE ROLE gateway LOGIN SUPERUSER PASSWORD 'behind'`);
    await owner.query('CREATE DATABASE shop');
    const shop = await server.connect({ database: 'shop' });
    await shop.query(
      'CREATE SCHEMA other; CREATE TABLE base (id int PRIMARY KEY, v text); CREATE TABLE hidden (id int)',
    );
    const at = stack.use(temporaryFolder('policy')).path;
    mkdirSync(join(at, 'modules'));
    writeFileSync(join(at, 'modules', 'all.policy.yaml'), policy);
    writeFileSync(
      join(at, 'policy.yaml'),
      'apiVersion: sallyport/v1\nlayers:\n  - name: all\n    role: grant\n    use:\n      - module: all\n',
    );
    gateway = stack.use(
      await startUp({
        port: server.port,
        user: 'gateway',
        password: 'behind',
        database: 'shop',
        policy: at,
      }),
    );
  });
  after(() => stack.disposeAsync());

  const direct = (): Promise<RawClient> =>
    RawClient.connect({ port: server.port, user: 'gateway', database: 'shop', password: 'behind' });
  const through = async (as: IdentityName): Promise<RawClient> =>
    RawClient.connect({
      port: gateway.port,
      user: as,
      database: 'shop',
      password: await gateway.token(as),
    });
  const extended = (sql: string): readonly Buffer[] => [
    wire.parse('', sql),
    wire.bind('', ''),
    wire.describe('P', ''),
    wire.execute(''),
    wire.sync,
  ];

  /** Of statements that the server looks at only when they run, the gateway says it before. */
  const ends = (messages: readonly Message[]): readonly Message[] =>
    messages.some(({ type }) => type === 'E')
      ? messages.filter(({ type }) => !'12n'.includes(type))
      : messages;

  test('who may read the catalogue gets the error of PostgreSQL, with its place', async () => {
    await using server = await direct();
    await using dba = await through('dba');
    for (const sql of queries) {
      for (const parts of [[wire.query(sql)], extended(sql)]) {
        for (const within of ['', 'BEGIN', 'BEGIN; SAVEPOINT s']) {
          if (within !== '') for (const each of [server, dba]) await each.ask(wire.query(within));
          assert.deepEqual(
            seen(ends(await dba.ask(...parts))),
            seen(ends(await server.ask(...parts))),
            `${within} ${sql}`,
          );
          for (const each of [server, dba]) await each.ask(wire.query('ROLLBACK'));
        }
      }
    }
    // What was prepared under a name before is not touched, and nothing is left behind.
    for (const each of [server, dba]) {
      await each.ask(wire.parse('', 'SELECT 1'), wire.parse('kept', 'SELECT 2'), wire.sync);
      await each.ask(wire.parse('other', 'SELECT * FROM nowhere'), wire.sync);
    }
    for (const parts of [
      [wire.bind('', ''), wire.execute(''), wire.sync],
      [wire.bind('', 'kept'), wire.execute(''), wire.sync],
      [wire.query('SELECT name FROM pg_prepared_statements')],
    ]) {
      assert.deepEqual(seen(await dba.ask(...parts)), seen(await server.ask(...parts)));
    }
  });

  test('what is denied is denied whether it is there or not', async () => {
    await using analyst = await through('analyst');
    const told = async (client: RawClient, sql: string): Promise<readonly string[]> => {
      const said = (await client.ask(wire.query(sql))).find(({ type }) => type === 'E');
      if (said === undefined) return ['no error'];
      const { code, message, hint } = errorOf(said);
      return [code, message, hint.replace(/HThe same.*/, '')].map((each) =>
        each.replaceAll(/nowhere|hidden/g, 'TABLE'),
      );
    };
    for (const sql of ['INSERT INTO % VALUES (1)', 'DELETE FROM %', 'TRUNCATE %', 'LOCK %']) {
      const there = await told(analyst, sql.replace('%', 'hidden'));
      assert.equal(there[0], '42501', sql);
      assert.deepEqual(
        (await told(analyst, sql.replace('%', 'nowhere'))).slice(0, 2),
        there.slice(0, 2),
        sql,
      );
    }
    assert.equal((await told(analyst, 'SELECT * FROM nowhere'))[0], '42P01');
    // Who may not read the names of the catalogue is not told which of them are missing.
    await using lead = await through('lead');
    assert.equal((await told(lead, 'SELECT * FROM hidden'))[0], 'no error');
    for (const sql of [
      'SELECT * FROM nowhere',
      'SELECT no_such(1)',
      "SELECT 'x'::no_such",
      'COPY nowhere TO STDOUT',
    ]) {
      assert.equal((await told(lead, sql))[0], '42501', sql);
    }
  });

  test('a name that has come is found at once, however often it was asked for in vain', async () => {
    await using dba = await through('dba');
    const owner = await server.connect({ database: 'shop' });
    const code = async (sql: string): Promise<string | undefined> => {
      const failed = (await dba.ask(wire.query(sql))).find(({ type }) => type === 'E');
      return failed === undefined ? undefined : errorOf(failed).code;
    };
    for (let round = 0; round < 5; round++) {
      for (let time = 0; time < 3; time++) assert.equal(await code('SELECT * FROM comes'), '42P01');
      await owner.query('CREATE TABLE comes (id int)');
      assert.equal(await code('SELECT * FROM comes'), undefined);
      assert.equal(await code('INSERT INTO comes VALUES (1)'), undefined);
      const { rows } = await owner.query<{ n: number }>('SELECT count(*)::int AS n FROM comes');
      assert.equal(rows[0]?.n, 1);
      await owner.query('DROP TABLE comes');
    }
  });

  test('who approves a statement of a text sees the text', async () => {
    await using dba = await through('dba');
    await dba.ask(wire.query(`SET sallyport.wait = '0s'`));
    const text = `UPDATE base SET v = 'x'; CREATE TABLE made (id int); SELECT * FROM made`;
    const refused = (await dba.ask(wire.query(text))).find(({ type }) => type === 'E');
    assert.equal(refused === undefined ? '' : errorOf(refused).code, '42501');
    const headers = { authorization: `Bearer ${await gateway.token('lead')}` };
    const get = async (path: string): Promise<unknown> =>
      (await fetch(`${gateway.api}/api/v1/${path}`, { headers })).json();
    const [waits] = (await get('reviews')) as readonly { readonly id: string }[];
    const shown = (await get(`reviews/${waits?.id}`)) as {
      readonly review: { readonly text?: string; readonly within?: string };
    };
    assert.deepEqual([shown.review.text, shown.review.within], [`UPDATE base SET v = 'x'`, text]);
  });

  test('the record says what happened', async () => {
    await using dba = await through('dba');
    await dba.ask(wire.query('SELECT 1 AS recorded, * FROM nowhere'));
    await dba.ask(wire.query('UPDATE nowhere SET recorded = 1'));
    dba.end();
    await covered(gateway);
    const args = [
      join(root, 'src', 'cli', 'main.ts'),
      'audit',
      'export',
      '--data',
      join(gateway.home, 'data'),
    ];
    const { stdout, code, stderr } = await runProgram(process.execPath, args);
    assert.equal(code, 0, stderr);
    const entries = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { readonly entry: Readonly<Record<string, unknown>> }).entry);
    const [read, update] = entries.filter(({ kind }) => kind === 'decision').slice(-2);
    assert.deepEqual(
      [read?.['decision'], read?.['access'], read?.['targets']],
      ['allow', 'read', [{ kind: 'table', name: 'public.nowhere', access: 'read' }]],
    );
    assert.deepEqual([update?.['decision'], update?.['access']], ['deny', 'unknown']);
    const ended = entries.filter(({ kind }) => kind === 'outcomes').at(-1);
    assert.match(JSON.stringify(ended), /42P01/);
    assert.ok(JSON.stringify(ended).includes(String(read?.['id'])));
  });
});

/** All but places in the server's source. */
function seen(messages: readonly Message[]): readonly string[] {
  return messages
    .filter(({ type }) => type !== 'S')
    .map(({ type, body }) => {
      if (type !== 'E' && type !== 'N') return type + body.toString('latin1');
      const fields = body.toString().split('\0');
      return type + fields.filter((field) => !/^[FLR]/.test(field)).join('|');
    });
}
