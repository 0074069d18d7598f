import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { answer, type Driven, type Judged, program } from './clients/driver.ts';
import { nodePostgres, withClient } from './clients/node-postgres.ts';
import { environment, type Login, openPlace, type Place } from './clients/place.ts';
import { postgresJs } from './clients/postgres-js.ts';
import { answers, rawClient, talks } from './clients/raw-comparison.ts';
import { runProgram, runPsql } from './harness/clients.ts';
import { needs } from './harness/needs.ts';
import type { Major } from './harness/postgres.ts';

// Real clients, each put through the same questions directly and through the gateway: what a dba may see must be the
// same to the byte, what an analyst may not see must be in no byte, and a denial is an error like any other.

const here = join(import.meta.dirname, 'clients');
const python = (name: string): [string, string] => ['/usr/bin/python3', join(here, `${name}_client.py`)];
const jar = '/usr/share/java/postgresql.jar';
const classes = mkdtempSync(join(tmpdir(), 'sallyport-jdbc-'));
after(() => rmSync(classes, { recursive: true, force: true }));
const java = ['java', '-XX:TieredStopAtLevel=1', '-cp', `${jar}:${classes}`, 'Jdbc'] as const;

const drivers: readonly Driven[] = [
  nodePostgres,
  postgresJs,
  program('psycopg 2', python('psycopg2'), ['psycopg2']),
  program('psycopg 3', python('psycopg3'), ['psycopg']),
  program('asyncpg', python('asyncpg'), ['asyncpg']),
  program('pgjdbc', [...java, here], ['pgjdbc', 'java', 'javac']),
];

for (const version of [15, 18] as const satisfies readonly Major[]) {
  suite(`PostgreSQL ${version} through the gateway`, { timeout: 1_800_000 }, () => {
    let opened: Promise<Place> | undefined;
    const place = async (t: TestContext): Promise<Place | undefined> => {
      if (version === 15 && !needs(t, 'postgres15')) return undefined;
      if (!needs(t, 'psql')) return undefined;
      const found = await (opened ??= openPlace(version));
      found.forget();
      return found;
    };
    after(async () => (await opened)?.[Symbol.asyncDispose]());

    test('raw bytes: every answer is the direct one, message by message', async (t) => {
      const at = await place(t);
      if (at !== undefined) await sameBytes(at);
    });
    test('psql', async (t) => {
      const at = await place(t);
      if (at === undefined) return;
      await samePsql(at);
      await judgedPsql(at);
    });
    for (const driver of drivers) {
      test(driver.name, async (t) => {
        const at = await place(t);
        if (at === undefined || !needs(t, ...(driver.needs ?? []))) return;
        if (driver.name === 'pgjdbc') await compileJava();
        const direct = await driver.same(at.direct);
        assertSame(await driver.same(at.gate('dba')), direct);
        assertUnseen(at, at.canaries.dba);
        at.forget();
        const judged = await driver.judged(at.gate('analyst'));
        assertUnseen(at, at.canaries.analyst);
        await assertMasked(at, judged);
        assertEvents(judged.events);
      });
    }
    test('pgjdbc reads foreign keys', async (t) => {
      const at = await place(t);
      if (at === undefined || !needs(t, 'pgjdbc', 'java', 'javac')) return;
      await compileJava();
      const [command, ...args] = [...java, here, 'foreign'];
      const direct = await answer(command, args, at.direct);
      assert.equal(await answer(command, args, at.gate('dba')), direct);
    });
    test('a cancel stops the own statement and no other; a notification arrives', async (t) => {
      const at = await place(t);
      if (at === undefined) return;
      await cancelledPsql(at);
      if (needs(t, 'psycopg')) {
        const told = JSON.parse(await answer(...withDirect('psycopg3', at))) as unknown;
        assert.deepEqual(told, {
          own: '57014',
          while: 'waits',
          other: 'got it',
          after: ['ok 1', 'ok 2'],
          notified: [['news', 'hello']],
        });
      }
      if (needs(t, 'asyncpg')) {
        const told = JSON.parse(await answer(...withDirect('asyncpg', at))) as unknown;
        assert.deepEqual(told, { ended: 'timed out', after: 'ok 1', notified: ['news', 'hello'] });
      }
    });
    test('pgbench: simple, extended and prepared', async (t) => {
      const at = await place(t);
      if (at === undefined || !needs(t, 'pgbench')) return;
      for (const mode of ['simple', 'extended', 'prepared']) {
        await pgbench(at.gate('dba'), mode, 'pgbench-orders.sql');
        assertUnseen(at, at.canaries.dba);
        at.forget();
        await pgbench(at.gate('analyst'), mode, 'pgbench-reads.sql');
        assertUnseen(at, at.canaries.analyst);
        at.forget();
      }
    });
    if (version === 15) {
      test('pg_dump shows nothing in clear', async (t) => {
        const at = await place(t);
        if (at !== undefined && needs(t, 'pg_dump')) await dumped(at);
      });
    }
  });
}

// ---- what is the same

function assertSame(through: unknown, direct: unknown): void {
  if (typeof through === 'string' && typeof direct === 'string') {
    const [a, b]: readonly [unknown, unknown] = [JSON.parse(through), JSON.parse(direct)];
    assert.deepEqual(a, b);
    assert.equal(through, direct);
    assert.ok(direct.length > 10_000, 'hardly anything was compared');
  } else {
    assert.deepEqual(through, direct);
    assert.ok(Array.isArray(direct) && direct.length > 20, 'hardly anything was compared');
  }
}

async function sameBytes(at: Place): Promise<void> {
  await using direct = await rawClient(at.direct);
  await using through = await rawClient(at.gate('dba'));
  const expected: (readonly string[])[] = [];
  for (const talk of talks()) expected.push(await answers(direct, talk));
  let messages = 0;
  for (const [index, talk] of talks().entries()) {
    assert.deepEqual(await answers(through, talk), expected[index], talk.name);
    messages += expected[index]?.length ?? 0;
  }
  assert.ok(messages > 50_000, `only ${messages} messages were compared`);
  assertUnseen(at, at.canaries.dba);
}

async function samePsql(at: Place): Promise<void> {
  const script = readFileSync(join(here, 'psql.sql'), 'utf8');
  const run = async (login: Login): Promise<readonly [string, string]> => {
    const { stdout, stderr } = await runProgram('psql', ['-X'], { input: script, env: environment(login) });
    return [stdout, stderr];
  };
  const [stdout, stderr] = await run(at.direct);
  assert.match(stdout, /Foreign-key constraints:/);
  assert.ok(stdout.split('\n').length > 20_000, 'psql did not get far');
  const [through, errors] = await run(at.gate('dba'));
  assert.deepEqual(errors.split('\n'), stderr.split('\n'));
  assert.deepEqual(through.split('\n'), stdout.split('\n'));
  assertUnseen(at, at.canaries.dba);
}

// ---- what is masked and denied

const masked = readFileSync(join(here, 'masked.sql'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('--'));

/** None of these values is in what clients were sent, as text, in hexadecimal or backwards. */
function assertUnseen(at: Place, canaries: readonly string[]): void {
  const bytes = at.received();
  assert.ok(bytes.length > 1_000, 'nothing was received');
  for (const canary of canaries) {
    const forms = [canary, Buffer.from(canary).toString('hex'), Array.from(canary).toReversed().join('')];
    for (const form of forms)
      assert.ok(!bytes.includes(form), `a value came through at ${bytes.indexOf(form)}`);
  }
}

async function assertMasked(at: Place, judged: Judged): Promise<void> {
  const sql = (masked[0] ?? '').replace('email, phone, ssn, card, ', '');
  const clear = await withClient(at.direct, async (client) => {
    const { rows } = await client.query<(string | number)[]>({ text: sql, rowMode: 'array' });
    return rows.map((row) => row.map(String));
  });
  assert.equal(clear.length, 50);
  assert.ok(Object.keys(judged.masked).length > 2);
  for (const [way, rows] of Object.entries(judged.masked)) {
    const shown = rows.map(([id, name, , , , , city]) => [id, name, city]);
    assert.deepEqual(shown, clear, way);
    for (const [, , email, phone, ssn, card] of rows) {
      assert.match(email ?? '', /^.\*\*\*@example\.(?:com|net|org)$/, way);
      assert.deepEqual([phone, ssn, card], ['***', '***', '***'], way);
    }
  }
}

/** A denial fails alone; inside a transaction it fails that; afterwards all is well. */
function assertEvents(events: Judged['events']): void {
  assert.ok(Object.keys(events).length > 2);
  for (const [name, told] of Object.entries(events)) {
    const expected = sequences[name];
    assert.ok(expected !== undefined, `an unknown sequence: ${name}`);
    assert.ok(
      expected.some((each) => each.join() === told.join()),
      `${name}: ${told.join(', ')}`,
    );
  }
}

const sequences: Readonly<Record<string, readonly (readonly string[])[]>> = {
  alone: [
    ['42501', 'ok 1'],
    ['42501', 'ok 1', '42501', 'ok 1'],
    ['42501', 'ok 1', '42501', '42501', 'ok 1'],
  ],
  several: [['42501', 'ok 1']],
  copy: [['42501', 'ok 1']],
  batch: [['42501', 'ok 1']],
  prepared: [
    ['42501', 'ok 1'],
    ['42501', 'ok 1', '42501', 'ok 1'],
  ],
  named: [['42501', 'ok 1', '42501', 'ok 1']],
  queued: [['ok 1', '42501', 'ok 1']],
  transaction: [
    ['BEGIN', 'ok 1', '42501', '25P02', 'ROLLBACK', 'ok 1'],
    ['ok 1', '42501', '25P02', 'ok 1'],
  ],
  savepoint: [
    ['BEGIN', 'SAVEPOINT', '42501', 'ROLLBACK', 'ok 1', 'COMMIT', 'ok 1'],
    ['42501', 'ok 1'],
  ],
  // psycopg: the second of three fails, the third is never run, the next series is whole. postgres.js: each has a Sync.
  pipeline: [
    ['42501', 'ok 1', 'ProgrammingError', 'ProgrammingError', 'ok 2', 'ok 1'],
    ['ok 1', '42501', 'ok 1', '42501'],
  ],
};

async function judgedPsql(at: Place): Promise<void> {
  at.forget();
  const login = at.gate('analyst');
  const script = [
    ...masked.map((sql) => `${sql};`),
    ...masked.map((sql) => `${sql} \\gx`),
    `\\copy (${masked[0]}) TO STDOUT (FORMAT csv)`,
    '\\copy customers TO STDOUT',
    '\\set FETCH_COUNT 7',
    `${masked[1]};`,
    'SELECT email AS e, ssn AS s FROM customers WHERE id = 1 \\gset',
    '\\echo :e :s',
    'SELECT name, setting FROM pg_settings;',
  ].join('\n');
  const { stderr, stdout } = await runPsql([], script, environment(login));
  assert.equal(stderr, '');
  assert.match(stdout, /^.\*\*\*@example\.\w+ \*\*\*$/m);
  assertUnseen(at, at.canaries.analyst);

  const denied = await runPsql([], 'DELETE FROM orders WHERE id = 1;\nSELECT 1;\n', environment(login));
  assert.match(denied.stderr, /^ERROR: {2}42501: No rule allows analyst/m);
  assert.match(denied.stderr, /^DETAIL: .*decision/m);
  assert.match(denied.stderr, /^HINT: /m);
  assert.equal(denied.stdout, '1\n');
  const copied = await runPsql([], "\\copy orders FROM PROGRAM 'echo 1'\nSELECT 2;\n", environment(login));
  assert.match(copied.stderr, /42501/);
  assert.equal(copied.stdout, '2\n');
}

// ---- the rest

async function cancelledPsql(at: Place): Promise<void> {
  await withClient(at.direct, async (holder) => {
    await holder.query('SELECT pg_advisory_lock(7)');
    const waiting = async (): Promise<number> => {
      const { rows } = await holder.query<{ n: number }>(
        "SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted",
      );
      return rows[0]?.n ?? 0;
    };
    const sql = at.version === 15 ? 'SELECT pg_advisory_lock(7), pg_sleep(30)' : 'SELECT pg_advisory_lock(7)';
    const psql = spawn('psql', ['-X', '-q', '-v', 'VERBOSITY=verbose', '-c', sql], {
      env: { ...process.env, ...environment(at.gate('dba')) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let told = '';
    for (const stream of [psql.stdout, psql.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (told += text));
    }
    const ended = new Promise((resolve) => psql.once('close', resolve));
    while ((await waiting()) === 0) {
      assert.equal(psql.exitCode, null, told);
      await sleep(20);
    }
    psql.kill('SIGINT');
    await ended;
    assert.match(told, /57014/);
    assert.equal(await waiting(), 0);
  });
}

function withDirect(name: string, at: Place): readonly [string, readonly string[], Login] {
  const { user, password, host, port, database } = at.direct;
  const [command, file] = python(name);
  return [
    command,
    [file, 'work', `postgresql://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`],
    at.gate('dba'),
  ];
}

async function pgbench(login: Login, mode: string, file: string): Promise<void> {
  const args = ['-n', '-c', '4', '-j', '1', '-t', '50', '-M', mode, '-f', join(here, file)];
  const { code, stdout, stderr } = await runProgram('pgbench', args, { env: environment(login) });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /number of transactions actually processed: 200\/200/);
  assert.match(stdout, /number of failed transactions: 0/);
}

/** As a dba, who may read all tables, pg_dump gets through; what is tagged must be masked in the dump. */
async function dumped(at: Place): Promise<void> {
  for (const [as, canaries] of [
    ['dba', at.canaries.dba],
    ['analyst', at.canaries.analyst],
  ] as const) {
    at.forget();
    for (const how of [[], ['--inserts', '--rows-per-insert=50'], ['-Fc']]) {
      const { code, stdout, stderr } = await runProgram('pg_dump', how, { env: environment(at.gate(as)) });
      if (as === 'dba') assert.equal(code, 0, stderr);
      if (code === 0) assert.match(stdout, how.includes('-Fc') ? /^PGDMP/ : /CREATE TABLE public\.customers/);
      else assert.match(stderr, /denied|refused|No rule allows|review|permission|gateway/i);
    }
    assertUnseen(at, canaries);
  }
}

let compiled: Promise<void> | undefined;

function compileJava(): Promise<void> {
  return (compiled ??= (async () => {
    const args = ['-cp', jar, '-d', classes, join(here, 'Jdbc.java')];
    const { code, stderr } = await runProgram('javac', args, { withinMs: 900_000 });
    assert.equal(code, 0, stderr);
  })());
}
