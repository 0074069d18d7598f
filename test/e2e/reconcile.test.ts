import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Reconciled } from '../../src/cli/audit-reconcile.ts';
import { runProgram } from './harness/clients.ts';
import { type Guarded, startUp } from './harness/gateway.ts';
import { type Major, missingPostgres, type PostgresServer, startPostgres } from './harness/postgres.ts';
import { covered, until } from './harness/wait.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

for (const version of [18, 15] satisfies Major[]) {
  test(
    `calls past the gateway are found by what PostgreSQL ${version} counted and logged`,
    { skip: missingPostgres(version) ?? false },
    async () => {
      await using server = await startPostgres({
        version,
        auth: 'trust',
        initSql: 'CREATE DATABASE shop',
        settings: {
          shared_preload_libraries: 'pg_stat_statements',
          logging_collector: 'on',
          log_destination: 'stderr,csvlog,jsonlog',
          log_statement: 'all',
          log_directory: 'logs',
          log_file_mode: '0644',
          fsync: 'off',
        },
      });
      const admin = await server.connect({ database: 'shop' });
      await admin.query("CREATE ROLE gateway LOGIN IN ROLE pg_read_all_data PASSWORD 'x'");
      await admin.query(
        'CREATE EXTENSION pg_stat_statements; CREATE TABLE orders (id int PRIMARY KEY, city text)',
      );
      const other = await server.connect();
      await other.query('CREATE EXTENSION pg_stat_statements');
      await other.query('SELECT pg_stat_statements_reset()');
      const [{ directory } = { directory: '' }] = (
        await other.query<{ directory: string }>("SELECT current_setting('data_directory') AS directory")
      ).rows;
      await admin.end();
      await using gateway = await startUp({
        port: server.port,
        user: 'gateway',
        password: 'x',
        database: 'shop',
        policy: join(import.meta.dirname, '..', '..', 'policy'),
      });
      const token = await gateway.token('analyst');
      const through = async (sql: string): Promise<void> => {
        const env = { PGPASSWORD: token, PGCONNECT_TIMEOUT: '100' };
        const args = [
          '-X',
          '-h',
          '127.0.0.1',
          '-p',
          String(gateway.port),
          '-U',
          'analyst',
          '-d',
          'shop',
          '-c',
          sql,
        ];
        const { code, stderr } = await runProgram('psql', args, { env });
        assert.equal(code, 0, stderr);
      };
      for (let id = 0; id < 5; id++)
        await through(`SELECT id FROM orders WHERE id = ${id} AND city IN ('a', 'b')`);
      await through('SELECT count(*) FROM orders -- how many\n');
      const clean = await reconciled(gateway, server);
      assert.deepEqual(
        clean.report.past.map(({ role, statement }) => `${role}: ${statement}`),
        [],
      );
      assert.deepEqual(clean.report.inconclusive, []);
      assert.equal(clean.code, 0);
      assert.ok(clean.report.recorded >= 6 && clean.report.counted >= 6);

      // What follows stands in other files of the log: only together do they tell.
      const folder = join(directory, 'logs');
      const filesOf = (end: string): readonly string[] =>
        readdirSync(folder).filter((name) => name.endsWith(end));
      const before = filesOf('.csv').length;
      await other.query('SELECT pg_rotate_logfile()');
      await until(() => filesOf('.csv').length > before, 'The log is never rotated');

      const direct = await server.connect({ database: 'shop', user: 'gateway', application_name: 'stolen' });
      for (let id = 0; id < 3; id++)
        await direct.query(`SELECT id FROM orders WHERE id = ${id + 40} AND city IN ('x')`);
      const nightly = await server.connect({ database: 'shop', application_name: 'nightly' });
      await nightly.query("SELECT city FROM orders WHERE city = 'secret'");
      const found = await reconciled(gateway, server);
      assert.equal(found.code, 1);
      const by = (role: string): Reconciled['past'] => found.report.past.filter((each) => each.role === role);
      assert.deepEqual(
        by('gateway').map(({ counted, recorded, past }) => ({ counted, recorded, past })),
        [{ counted: 8, recorded: 5, past: 3 }],
      );
      assert.ok(
        by('postgres').some(
          ({ statement, applications }) =>
            /select city from orders where city=\?/.test(statement) && applications.includes('nightly'),
        ),
      );
      assert.ok(!found.text.includes('secret'));

      for (const end of ['.csv', '.json', '.log']) {
        const files = filesOf(end);
        assert.ok(files.length > 1, end);
        const { report } = await reconciled(
          gateway,
          server,
          files.flatMap((file) => ['--log', join(folder, file)]),
        );
        const logged = report.past.filter(({ source }) => source.endsWith(end));
        const three = logged.find(({ statement }) => statement.startsWith('select id from orders'));
        assert.equal(three?.past, 3, `${end}: ${JSON.stringify(logged)}`);
        assert.ok(three.first !== undefined && three.last !== undefined);
        if (end !== '.log')
          assert.ok(
            logged.some(({ role, applications }) => role === 'postgres' && applications.includes('nightly')),
            end,
          );
      }
      await Promise.all([direct.end(), nightly.end(), other.end()]);
    },
  );
}

async function reconciled(
  gateway: Guarded,
  server: PostgresServer,
  more: readonly string[] = [],
): Promise<{ readonly code: number; readonly report: Reconciled; readonly text: string }> {
  // The command waits for the gateway to sign what it has answered, but not for as long as a slow machine takes.
  await covered(gateway);
  const url = `postgres://postgres@127.0.0.1:${server.port}/shop`;
  const args = [
    main,
    'audit',
    'reconcile',
    '--resource',
    'shop',
    '--role',
    'gateway',
    '--url',
    url,
    '--json',
  ];
  const env = { SALLYPORT_HOME: gateway.home, PGPASSWORD: server.password };
  const { code, stdout, stderr } = await runProgram(process.execPath, [...args, ...more], { env });
  assert.notEqual(stdout, '', stderr);
  return { code: code ?? -1, report: JSON.parse(stdout) as Reconciled, text: stdout };
}
