import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runProgram } from './harness/clients.ts';
import { startUp } from './harness/gateway.ts';
import { root, temporaryFolder } from './harness/place.ts';
import { missingPostgres, startPostgres } from './harness/postgres.ts';
import { covered, until } from './harness/wait.ts';

const main = join(root, 'src', 'cli', 'main.ts');

interface Line {
  readonly entry: { readonly kind: string; readonly [field: string]: unknown };
}

test('every class of event leaves its entry', { skip: missingPostgres(18) ?? false }, async () => {
  await using server = await startPostgres({
    version: 18,
    initSql: 'CREATE DATABASE shop',
    settings: { fsync: 'off' },
  });
  const admin = await server.connect({ database: 'shop' });
  await admin.query(
    "CREATE ROLE gateway LOGIN IN ROLE pg_read_all_data, pg_write_all_data PASSWORD 'x'; CREATE TABLE customers (id int PRIMARY KEY, email text); CREATE TABLE orders (id int PRIMARY KEY, status text); INSERT INTO customers VALUES (1, 'ann@example.com')",
  );
  await admin.end();
  using folder = temporaryFolder('policy');
  const policy = join(folder.path, 'policy');
  cpSync(join(root, 'policy'), policy, { recursive: true });
  const gateway = await startUp({
    port: server.port,
    user: 'gateway',
    password: 'x',
    database: 'shop',
    policy,
    more: 'limits: { signInFailuresPerMinute: 20 }\n',
  });
  let lines: readonly Line[] = [];
  const exported = async (): Promise<readonly Line[]> => {
    await covered(gateway);
    const args = [main, 'audit', 'export', '--data', join(gateway.home, 'data')];
    const { stdout, stderr, code } = await runProgram(process.execPath, args);
    assert.equal(code, 0, stderr);
    lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    return lines;
  };
  try {
    const tokens = {
      analyst: await gateway.token('analyst'),
      dba: await gateway.token('dba'),
      lead: await gateway.token('lead'),
    };
    const login = (user: keyof typeof tokens, sql: string): readonly string[] => {
      const to = ['-h', '127.0.0.1', '-p', String(gateway.port), '-U', user, '-d', 'shop'];
      return ['-X', ...to, '-c', sql];
    };
    const ask = (user: keyof typeof tokens, sql: string, password: string = tokens[user]) =>
      runProgram('psql', login(user, sql), {
        env: { PGPASSWORD: password, PGCONNECT_TIMEOUT: '100' },
        withinMs: 100_000,
      });
    const api = (path: string, token: string): Promise<Response> =>
      fetch(`${gateway.api}/api/v1/${path}`, { headers: { authorization: `Bearer ${token}` } });
    assert.match((await ask('analyst', 'SELECT email FROM customers')).stdout, /\*/);
    assert.notEqual((await ask('analyst', 'DELETE FROM orders')).code, 0);
    assert.notEqual((await ask('analyst', 'SELECT 1', 'wrong')).code, 0);
    const held = spawn('psql', login('dba', "UPDATE orders SET status = 'x'"), {
      env: { ...process.env, PGPASSWORD: tokens.dba },
      stdio: 'ignore',
    });
    const ended = once(held, 'exit');
    const asked = async (): Promise<boolean> =>
      ((await (await api('reviews?state=waiting', tokens.lead)).json()) as readonly unknown[]).length > 0;
    await until(asked, 'it does not wait for a person');
    held.kill('SIGKILL'); // its client gives up
    await ended;
    await until(async () => !(await asked()), 'what nobody wants any more is still asked');
    assert.equal((await api('entries?effect=deny', tokens.lead)).status, 200);
    for (let times = 0; times < 40; times++) await api('entries?effect=deny', 'not.a.token');
    const told = (event: string): number => gateway.log().split(event).length - 1;
    const loads = told('policy.loaded');
    appendFileSync(join(policy, 'modules', 'record.policy.yaml'), '\n# changed\n');
    await until(() => told('policy.loaded') > loads, 'the policy is not loaded');
    writeFileSync(join(policy, 'policy.yaml'), 'apiVersion: nothing\n');
    await until(() => told('policy.refused') > 0, 'the policy is not refused');
    await exported();
  } finally {
    await gateway[Symbol.asyncDispose]();
  }
  const of = (kind: string): readonly Line['entry'][] =>
    lines.map(({ entry }) => entry).filter((entry) => entry.kind === kind);
  const decisions = of('decision');
  assert.deepEqual(new Set(decisions.map(({ decision }) => decision)), new Set(['allow', 'deny', 'review']));
  assert.ok(decisions.some(({ duties }) => Array.isArray(duties) && duties.includes('mask')));
  for (const kind of [
    'gateway.started',
    'session.opened',
    'session.closed',
    'outcomes',
    'recording.chunk',
    'review.asked',
    'review.ended',
    'record.read',
    'policy.refused',
  ])
    assert.ok(of(kind).length > 0, kind);
  assert.ok(of('policy.loaded').length >= 2, 'a change of the policy');
  const refused = of('sign-in.refused');
  assert.ok(refused.some(({ resource }) => resource === 'shop'));
  const atApi = refused.filter(({ resource }) => resource === 'sallyport');
  assert.ok(atApi.length > 0 && atApi.length < 40, `${atApi.length}: bounded by the limit of an address`);
  assert.match(String(atApi.at(-1)?.['why']), /not written for a minute/);
  assert.ok(!JSON.stringify(lines).includes('not.a.token'));
});
