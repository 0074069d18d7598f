import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import pg from 'pg';
import { runProgram } from '../e2e/harness/clients.ts';
import { type Guarded, startUp } from '../e2e/harness/gateway.ts';
import { temporaryFolder } from '../e2e/harness/place.ts';
import { type PostgresServer, startPostgres } from '../e2e/harness/postgres.ts';

const rules = `
apiVersion: sallyport/v1
module: m
owner: team:data
rules:
  - id: look
    effect: allow
    match: { resource: { kind: postgres }, identity: { groups: [analysts] } }
  - id: own
    effect: allow
    match: { resource: { kind: sallyport }, identity: { groups: [analysts] }, action: policy.read }
  - id: hide
    effect: require
    match: { resource: { kind: postgres } }
    then: { mask: [{ find: '*', with: redact }] }
`;
const composition = `
apiVersion: sallyport/v1
layers:
  - { name: main, role: grant, use: [{ module: m }] }
record: full
`;

/** Numbers of the British health service: one number in eleven is one by chance. */
function nhs(count: number, right: boolean): readonly string[] {
  const made: string[] = [];
  for (let value = 4_000_000_019; made.length < count; value += 7_919) {
    const digits = String(value);
    let sum = 0;
    for (let at = 0; at < 9; at++) sum += Number(digits[at]) * (10 - at);
    if (((11 - (sum % 11)) % 11 === Number(digits[9])) === right) made.push(digits);
  }
  return made;
}

const tables = 16;
const numbers = nhs(400, true);

suite('the column vote on rows of PostgreSQL', { timeout: 900_000 }, () => {
  let server: PostgresServer;
  let gateway: Guarded;
  let token = '';
  let next = 0;
  const policy = temporaryFolder('columns-policy');

  before(async () => {
    server = await startPostgres({ version: 18 });
    const admin = await server.connect();
    // Votes are kept for each column: every case has a table of its own.
    for (let table = 0; table < tables; table++) {
      await admin.query(`CREATE TABLE t${table} (id int PRIMARY KEY, ref text, item text, note text)`);
      await admin.query(
        `INSERT INTO t${table} SELECT at, ref, (3000000001 + at)::text, 'as agreed' FROM unnest($1::text[]) WITH ORDINALITY AS r (ref, at)`,
        [numbers],
      );
    }
    await admin.query(`CREATE TABLE "Odd" (id int, way text, remark text, known text, labelled text)`);
    await admin.query(`COMMENT ON COLUMN "Odd".labelled IS 'sallyport:pii/email'`);
    await admin.query(
      `INSERT INTO "Odd" SELECT at, m, CASE WHEN at % 10 = 0 THEN 'ask ' || m ELSE 'fine' END, m, m
       FROM (SELECT at, 'ann' || at || '@example.com' AS m FROM generate_series(1, 40) at) r`,
    );
    mkdirSync(join(policy.path, 'modules'));
    writeFileSync(join(policy.path, 'policy.yaml'), composition);
    writeFileSync(
      join(policy.path, 'schema.yaml'),
      `apiVersion: sallyport/v1\ntags:\n  shop:\n    'public."Odd".known': pii/email\n`,
    );
    writeFileSync(join(policy.path, 'modules', 'm.policy.yaml'), rules);
    gateway = await startUp({
      port: server.port,
      user: server.user,
      password: server.password,
      database: 'postgres',
      policy: policy.path,
    });
    token = await gateway.token('analyst');
  });

  after(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    policy[Symbol.dispose]();
  });

  async function connect(): Promise<pg.Client> {
    const { port } = gateway;
    const where = { host: '127.0.0.1', port, user: 'analyst', password: token, database: 'shop' };
    const client = new pg.Client(where);
    await client.connect();
    return client;
  }

  function table(): string {
    return `t${next++}`;
  }

  /** What of the numbers came through, and how many values of the clean columns did not. */
  function judged(rows: readonly Record<string, unknown>[]): {
    readonly clear: number;
    readonly wrong: number;
  } {
    let clear = 0;
    let wrong = 0;
    for (const row of rows) {
      if (row['ref'] !== '[UK_NHS]') clear++;
      if ('item' in row && !/^30000\d{5}$/.test(String(row['item']))) wrong++;
      if ('note' in row && row['note'] !== 'as agreed') wrong++;
    }
    return { clear, wrong };
  }

  test('no row of an answer shows what its column turns out to hold: simple, extended, by portal, by cursor', async () => {
    const client = await connect();
    const all = (name: string): string => `SELECT * FROM ${name} ORDER BY id`;
    const ways: Readonly<Record<string, (name: string) => Promise<readonly Record<string, unknown>[]>>> = {
      simple: async (name) => (await client.query(all(name))).rows,
      extended: async (name) => (await client.query({ text: `${all(name)} LIMIT $1`, values: [300] })).rows,
      'portal in steps of 50': async (name) =>
        (
          await client.query({
            text: `SELECT * FROM ${name} WHERE id > $1`,
            values: [0],
            rows: 50,
          } as pg.QueryConfig)
        ).rows,
      'several statements': async (name) => {
        const answers = (await client.query(
          `SELECT 1; ${all(name)}; SELECT 2`,
        )) as unknown as pg.QueryResult[];
        return answers[1]?.rows ?? [];
      },
      cursor: async (name) => {
        await client.query(`BEGIN; DECLARE c CURSOR FOR ${all(name)}`);
        const { rows } = await client.query('FETCH 40 c');
        const { rows: more } = await client.query('FETCH 40 c');
        await client.query('COMMIT');
        return [...rows, ...more];
      },
      'an expression': async (name) =>
        (await client.query(`SELECT ref || '' AS ref, item FROM ${name}`)).rows,
      'a view of it': async (name) =>
        (await client.query(`WITH v AS (SELECT ref AS x, item FROM ${name}) SELECT x AS ref, item FROM v`))
          .rows,
    };
    for (const [way, run] of Object.entries(ways)) {
      const rows = await run(table());
      assert.ok(rows.length >= 80, way);
      assert.deepEqual(judged(rows), { clear: 0, wrong: 0 }, way);
    }
    await client.end();
  });

  test('rows asked for one by one: one or two come, then the column is doubted, then known, in every session', async () => {
    const name = table();
    const client = await connect();
    const shown: boolean[] = [];
    for (let id = 1; id <= 12; id++) {
      const { rows } = await client.query(`SELECT ref, item FROM ${name} WHERE id = $1`, [id]);
      assert.equal(judged(rows).wrong, 0);
      shown.push(judged(rows).clear === 0);
    }
    await client.end();
    assert.equal(shown[0], false);
    assert.ok(shown.slice(2).every(Boolean), shown.join());
    const other = await connect();
    assert.equal(judged((await other.query(`SELECT ref FROM ${name} WHERE id = 399`)).rows).clear, 0);
    await other.end();
  });

  test('COPY in every format', async () => {
    for (const format of ['text', 'csv', 'binary']) {
      const name = table();
      const { stdout, stderr } = await runProgram(
        'psql',
        [
          '-h',
          '127.0.0.1',
          '-p',
          String(gateway.port),
          '-U',
          'analyst',
          'shop',
          '-c',
          `COPY ${name} TO STDOUT (FORMAT ${format})`,
        ],
        { env: { PGPASSWORD: token } },
      );
      assert.equal(stdout.split('[UK_NHS]').length - 1, numbers.length, `${format} ${stderr}`);
      assert.ok(stdout.includes('3000000001') || stdout.includes('3000000002'));
      for (const value of numbers) assert.ok(!stdout.includes(value), format);
    }
  });

  test('what was found in columns without a tag is proposed as one, without any value', async () => {
    const client = await connect();
    await client.query('SELECT * FROM "Odd"');
    await client.query('SELECT way AS renamed FROM "Odd" WHERE id = $1', [3]);
    await client.end();
    const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
    const env = { SALLYPORT_API: gateway.api, SALLYPORT_TOKEN: token };
    const run = (...args: readonly string[]): ReturnType<typeof runProgram> =>
      runProgram(process.execPath, [main, 'tags', 'proposed', ...args], { env });
    const { stdout, code, stderr } = await run();
    assert.equal(code, 1, stderr);
    assert.match(stdout, /^tags:\n {2}shop:\n/);
    assert.ok(stdout.includes(`'public."Odd".way': pii/email # EMAIL_ADDRESS in 41 of 41 values\n`), stdout);
    assert.ok(stdout.includes(`# 'public."Odd".remark': EMAIL_ADDRESS in 4 of 40 values`), stdout);
    assert.doesNotMatch(stdout, /known|labelled|@example/);
    const { stdout: json } = await run('--json', '--resource', 'shop');
    const way: unknown = JSON.parse(json).find(({ id }: { id: string }) => id === 'shop/public."Odd".way');
    assert.deepEqual(way, {
      id: 'shop/public."Odd".way',
      resource: 'shop',
      column: 'public."Odd".way',
      tag: 'pii/email',
      type: 'EMAIL_ADDRESS',
      found: 41,
      searched: 41,
    });
    assert.equal((await run('--resource', 'none')).code, 0);
  });

  test('an error in the middle comes behind the rows before it, and slow rows come without waiting for the rest', async () => {
    const client = await connect();
    const seen: unknown[] = [];
    const query = new pg.Query(`SELECT ref, 1 / (20 - id) AS n FROM ${table()}`);
    query.on('row', (row: { ref: unknown }) => void seen.push(row.ref));
    const failed = new Promise<Error>((resolve) => void query.on('error', resolve));
    client.query(query);
    assert.match((await failed).message, /division by zero/);
    assert.equal(seen.length, 19);
    assert.ok(seen.every((ref) => ref === '[UK_NHS]'));
    const slow = new pg.Query(
      `SELECT ref, pg_sleep(CASE WHEN id > 1 THEN 2 ELSE 0 END) FROM ${table()} WHERE id < 4`,
    );
    const order: string[] = [];
    slow.on('row', () => void order.push('row'));
    const ended = new Promise<void>((resolve, reject) => {
      slow.on('end', () => resolve());
      slow.on('error', reject);
    });
    client.query(slow);
    await ended;
    assert.deepEqual(order, ['row', 'row', 'row']);
    await client.end();
  });
});
