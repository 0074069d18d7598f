import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { test as command } from './test.ts';

const sample = join(import.meta.dirname, '..', '..', 'policy');

async function run(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await command(args, { out: (text) => (out += text), err: (text) => (err += text) });
  return { code, out, err };
}

async function edited(
  file: string,
  from: string,
  to: string,
): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'sallyport-test-'));
  await cp(sample, path, { recursive: true });
  const text = await readFile(join(path, file), 'utf8');
  assert.ok(text.includes(from), `${file} has no ${from}`);
  await writeFile(join(path, file), text.replace(from, to));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

test('test passes the sample policy and says what its tests reach', async () => {
  const { code, out } = await run(sample);
  assert.equal(code, 0, out);
  assert.match(
    out,
    /\n\d+ passed, 0 failed {3}rules (\d+)\/\1 \(at least 100 %\) {3}conditions 100 %.* {3}faults noticed \d+\/\d+, 9\d % \(at least 90 %\)\n$/,
  );
});

test('test says of a wrong answer what was expected, which rule came near, and where its condition stands', async () => {
  await using policy = await edited('modules/reading.policy.yaml', 'o.name == "public.orders"', 'false');
  const { code, out } = await run(policy.path);
  assert.equal(code, 1);
  assert.match(out, /FAIL {2}tests\/reading\.test\.yaml {2}\d+\/17/);
  assert.match(out, /reading\.test\.yaml:\d+:5 {2}support reads orders\n {4}support sql\.select\n/);
  assert.match(out, /decision: expected "allow", got "deny"/);
  assert.match(out, /near {5}allow reading\/support-reads-orders \([^)]*reading\.policy\.yaml:\d+:5\)/);
  assert.match(
    out,
    /`action\.objects\.all\(o, false .*` does not hold \([^)]*reading\.policy\.yaml:\d+:11\)/,
  );
  assert.match(out, /faults not tried/);
});

test('test names a deny rule that matched where the case expects an allow', async () => {
  await using policy = await edited(
    'modules/baseline.policy.yaml',
    '[sql.drop, sql.truncate]',
    '[sql.drop, sql.copy]',
  );
  const { code, out } = await run(policy.path, '--only', 'support reads orders');
  assert.equal(code, 1);
  assert.match(out, /matched {2}deny baseline\/no-drop \([^)]*baseline\.policy\.yaml:\d+:5\)/);
  assert.match(out, /\n0 passed, 1 failed\n$/);
});

test('test fails where thresholds are missed though every case passes', async () => {
  await using policy = await edited('policy.yaml', 'record: full', 'record: full');
  await rm(join(policy.path, 'tests/record.test.yaml'));
  const { code, out } = await run(policy.path);
  assert.equal(code, 1);
  assert.match(out, / 0 failed /);
  assert.match(out, /SP-M110 {2}The rule record\/own-record decides in no test/);
});

test('test --json has each wrong answer with its explanation, and the coverage', async () => {
  await using policy = await edited('modules/reading.policy.yaml', 'o.name == "public.orders"', 'false');
  const report = JSON.parse((await run(policy.path, '--json')).out) as {
    cases: { name: string; passed: boolean; questions: { decision: string; explanation: object[] }[] }[];
    coverage: { rules: { all: number } };
  };
  const failed = report.cases.find(({ name }) => name === 'support reads orders');
  assert.equal(failed?.passed, false);
  assert.equal(failed.questions[0]?.decision, 'deny');
  assert.equal(failed.questions[0].explanation.length, 1);
  assert.ok(report.coverage.rules.all >= 20);
});

test('test exits 2 when it cannot run', async () => {
  await using broken = await edited('modules/reading.policy.yaml', 'effect: allow', 'effect: alow');
  for (const args of [['/nowhere'], ['a', 'b'], ['--nope'], [sample, '--only', 'zzz'], [broken.path]]) {
    const { code, out, err } = await run(...args);
    assert.deepEqual([code, out], [2, '']);
    assert.notEqual(err, '');
  }
});
