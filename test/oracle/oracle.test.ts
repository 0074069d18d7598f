import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPostgres } from '../e2e/harness/postgres.ts';
import { needs } from '../e2e/harness/needs.ts';
import { runPsql } from '../e2e/harness/clients.ts';
import { forms } from './forms.ts';
import { type Judge, oracle, oracleOfBuiltins, prepareServer, serverSettings, summary } from './run.ts';

const runs = [
  { version: 18, temper: 'mild', count: 10_000, seed: 18 },
  { version: 18, temper: 'wild', count: 3_000, seed: 19 },
  { version: 18, temper: 'mild', count: 2_000, seed: 20, user: 'app_user' },
  { version: 15, temper: 'mild', count: 7_000, seed: 15 },
] as const;

for (const { version, temper, ...run } of runs) {
  const as = 'user' in run ? run.user : 'its owner';
  test(`PostgreSQL ${version}, ${temper} traps, as ${as}: does nothing that the analysis did not say`, async (t) => {
    if (version === 15 && !needs(t, 'postgres15')) return;
    await using server = await startPostgres({ version, settings: serverSettings });
    await prepareServer(server, temper);
    const report = await oracle(server, { ...run, temper });
    t.diagnostic(`seed ${run.seed}: ${summary(report)}`);
    assert.deepEqual(report.under.slice(0, 20), [], 'under-reported');
    assert.equal(report.statements, run.count);
    // A comparison with what the server refuses, or with what is held back anyway, proves nothing.
    assert.ok(report.failed < report.statements / 3, 'the server takes most statements');
    assert.ok(report.equal > report.statements / (temper === 'mild' ? 5 : 100), 'many are judged in detail');
  });
}

test('the functions that came with the server do nothing that the analysis did not say', async (t) => {
  await using server = await startPostgres({ version: 18, settings: serverSettings });
  await prepareServer(server, 'mild');
  const report = await oracleOfBuiltins(server);
  t.diagnostic(summary(report));
  assert.deepEqual(report.under, []);
  assert.ok(report.forms > 1_500 && report.equal > 2_000);
});

test('the oracle notices an analysis that leaves something out', async () => {
  await using server = await startPostgres({ version: 18, settings: serverSettings });
  await prepareServer(server, 'mild');
  const nothing: Judge = () => ({ kind: 'read', statements: [] });
  const { under, forms: seen } = await oracle(server, {
    count: 600,
    seed: 3,
    temper: 'mild',
    judge: nothing,
  });
  const noticed = new Set(under.map((each) => each.form));
  assert.ok(noticed.size > seen * 0.7, `only ${noticed.size} of ${seen} forms are noticed`);
  for (const form of [
    'INSERT',
    'UPDATE',
    'DELETE',
    'MERGE',
    'TRUNCATE',
    'CREATE TABLE',
    'SET',
    'SEQUENCES',
  ]) {
    assert.ok(noticed.has(form), `${form} is noticed`);
  }
});

test('the oracle has a form for every command of PostgreSQL', async (t) => {
  if (!needs(t, 'psql')) return;
  await using server = await startPostgres({ version: 18 });
  const { stdout } = await runPsql(
    ['-h', server.host, '-p', String(server.port), '-U', server.user, '-d', server.database],
    '\\h',
  );
  const commands = [...stdout.matchAll(/(?<=^|\s{2,})[A-Z]+(?: [A-Z]+)*(?=\s{2,}|\n|$)/g)].map(
    ([name]) => name,
  );
  assert.ok(commands.length > 150);
  const known = new Set(Object.keys(forms));
  // Where a name fills its column of the list, only one space is left to the next.
  const isTwo = (text: string): boolean =>
    [...known].some((each) => text.startsWith(`${each} `) && known.has(text.slice(each.length + 1)));
  assert.deepEqual(
    commands.filter((each) => !known.has(each) && !isTwo(each)),
    [],
  );
});
