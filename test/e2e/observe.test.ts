import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { type Ran, runProgram } from './harness/clients.ts';
import { freePorts, root, temporaryFolder } from './harness/place.ts';
import { type PostgresServer, startPostgres } from './harness/postgres.ts';
import { until } from './harness/wait.ts';

const rules = `apiVersion: sallyport/v1
module: m
owner: team:data
rules:
  - id: app
    effect: allow
    match: { resource: { kind: postgres }, identity: { groups: [apps] } }
  - id: no-truncate
    effect: deny
    match: { resource: { kind: postgres }, action: sql.truncate }
    why: Nobody empties tables.
  - id: wide
    effect: require
    match: { resource: { kind: postgres }, action: sql.delete }
    when: '!action.byKey'
    then: { approve: { from: [leads] } }
  - id: hide
    effect: require
    match: { resource: { kind: postgres } }
    then: { mask: [{ tag: pii/*, with: redact }] }
`;

/** A test suite as an application has one: by node-postgres, one run a test, into two databases. */
const application = `import test from 'node:test';
import assert from 'node:assert/strict';
import pg from ${JSON.stringify(join(root, 'node_modules', 'pg', 'lib', 'index.js'))};
const open = async (url, application_name) => {
  const client = new pg.Client({ connectionString: url, application_name });
  await client.connect();
  return client;
};
test('reads', async () => {
  const client = await open(process.env.DATABASE_URL, 'reads');
  const { rows } = await client.query('SELECT email FROM people WHERE id = $1', [1]);
  assert.equal(rows[0].email, 'ann@example.com'); // nothing is masked here
  await client.end();
});
test('cleans', async () => {
  const client = await open(process.env.DATABASE_URL, 'cleans');
  if (process.env.HARSH) await client.query('TRUNCATE people');
  if (process.env.WIDE) await client.query('DELETE FROM people WHERE id > 100');
  await client.end();
});
test('the other database', async () => {
  const client = await open(process.env.DATABASE_URL_OTHER_DB, 'other');
  assert.equal((await client.query('SELECT current_database() AS name')).rows[0].name, 'other');
  await client.end();
});
`;

suite('observe, end to end', () => {
  let server: PostgresServer;
  const place = temporaryFolder('observe');
  const config = join(place.path, 'staging.yaml');

  const observe = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> =>
    runProgram(
      process.execPath,
      [join(root, 'src', 'cli', 'main.ts'), 'observe', '--config', config, ...args],
      { env },
    );
  // Node's runner does nothing inside another one.
  const tests = [
    '--',
    'env',
    '-u',
    'NODE_TEST_CONTEXT',
    process.execPath,
    '--test',
    join(place.path, 'app.test.mjs'),
  ];

  before(async () => {
    server = await startPostgres({ version: 18 });
    const admin = await server.connect();
    await admin.query(`CREATE ROLE app LOGIN PASSWORD 'behind'`);
    for (const database of ['shop', 'other']) {
      await admin.query(`CREATE DATABASE ${database}`);
      const owner = await server.connect({ database });
      await owner.query(`CREATE TABLE people (id int PRIMARY KEY, email text);
        INSERT INTO people VALUES (1, 'ann@example.com'); GRANT ALL ON people TO app`);
    }
    const first = await freePorts(2);
    const resource = (name: string, database: string): string =>
      `  - { name: ${name}, kind: postgres, address: '127.0.0.1:${server.port}', database: ${database}, credentials: { user: app, password: behind } }\n`;
    writeFileSync(
      config,
      `listen: { api: 127.0.0.1:${first}, postgres: 127.0.0.1:${first + 1} }
policy: ./policy
identities: [{ subject: app, kind: workload, groups: [apps] }]
resources:
${resource('shop', 'shop')}${resource('other-db', 'other')}`,
    );
    mkdirSync(join(place.path, 'policy', 'modules'), { recursive: true });
    const put = (file: string, text: string): void => writeFileSync(join(place.path, 'policy', file), text);
    put(
      'policy.yaml',
      'apiVersion: sallyport/v1\nlayers: [{ name: a, role: grant, use: [{ module: m }] }]\n',
    );
    put('schema.yaml', "apiVersion: sallyport/v1\ntags: { '*': { public.people.email: pii/email } }\n");
    put('modules/m.policy.yaml', rules);
    writeFileSync(join(place.path, 'app.test.mjs'), application);
  });

  after(async () => {
    await server?.[Symbol.asyncDispose]();
    place[Symbol.dispose]();
  });

  test('levels: what counts makes it fail, by rule and by run, and nothing was enforced', async () => {
    const calm = await observe(['--tls', ...tests]);
    assert.equal(calm.code, 0, calm.stdout + calm.stderr);
    assert.match(calm.stdout, /masked {2}m\/hide\n.*would mask 1 statement of the run "reads"/);
    assert.doesNotMatch(calm.stdout, /refused|held/);
    assert.doesNotMatch(calm.stdout, /ann@example/);
    assert.equal((await observe(['--fail-on', 'masked', ...tests])).code, 1);

    const wide = await observe(['--fail-on', 'held', ...tests], { WIDE: '1' });
    assert.equal(wide.code, 1, wide.stderr);
    assert.match(wide.stdout, /held {2}m\/wide\n.*of the run "cleans": sql\.delete on public\.people/);
    const harsh = await observe(['--fail-on', 'denied', ...tests], { HARSH: '1' });
    assert.equal(harsh.code, 1, harsh.stdout + harsh.stderr);
    assert.match(harsh.stdout, /refused {2}m\/no-truncate/);
    assert.match(harsh.stdout, /why +Nobody empties tables\./);
  });

  test('how the command ends is said: its own code, a signal, a program that is not there', async () => {
    const failed = await observe(['--fail-on', 'none', '--', process.execPath, '-e', 'process.exit(7)']);
    assert.deepEqual([failed.code, /ended with 7/.test(failed.stderr)], [1, true], failed.stderr);
    const killed = await observe(['--', process.execPath, '-e', 'process.kill(process.pid, "SIGKILL")']);
    assert.deepEqual([killed.code, /ended by SIGKILL/.test(killed.stderr)], [1, true], killed.stderr);
    const absent = await observe(['--', '/no/such/program']);
    assert.deepEqual([absent.code, /cannot be started/.test(absent.stderr)], [2, true], absent.stderr);
    assert.equal((await observe(['--fail-on', 'all', '--', 'true'])).code, 2);
    assert.equal((await observe(['--on', 'nowhere', '--', 'true'])).code, 2);
  });

  test('a signal reaches the command, and the report still comes', async () => {
    const child = spawn(
      process.execPath,
      [
        join(root, 'src', 'cli', 'main.ts'),
        'observe',
        '--config',
        config,
        '--',
        process.execPath,
        '-e',
        'console.log("up"); setInterval(() => {}, 1000)',
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let out = '';
    let err = '';
    child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()));
    child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString()));
    await until(
      () => err.includes('up\n'),
      () => err,
    );
    child.kill('SIGTERM');
    const code = await new Promise((resolve) => void child.once('close', resolve));
    assert.equal(code, 1, err);
    assert.match(err, /ended by SIGTERM/);
    assert.match(out, /nothing found/);
  });
});
