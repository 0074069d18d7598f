import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeBundle } from '../server/policy-bundle.ts';
import { readPolicyFiles } from '../server/policy-source.ts';
import { diff } from './diff.ts';
import { readPolicy } from './policy-files.ts';
import { runTrial } from '../policy/trial.ts';

const sample = join(import.meta.dirname, '..', '..', 'policy');

async function run(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await diff(args, { out: (text) => (out += text), err: (text) => (err += text) });
  return { code, out, err };
}

interface Report {
  readonly compared: number;
  readonly changed: readonly string[];
  readonly differences: readonly {
    readonly change: string;
    readonly duties: readonly string[];
    readonly witness: string;
  }[];
}

async function edited(
  file: string,
  from: string,
  to: string,
): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'sallyport-diff-'));
  await cp(sample, path, { recursive: true });
  const text = await readFile(join(path, file), 'utf8');
  assert.ok(text.includes(from), `${file} has no ${from}`);
  await writeFile(join(path, file), text.replace(from, to));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const edits: readonly (readonly [string, readonly [string, string, string], string, RegExp])[] = [
  [
    'a group more',
    ['modules/reading.policy.yaml', 'groups: [support]', 'groups: [support, sales]'],
    'newly allowed',
    /^$/,
  ],
  [
    'a deny less',
    ['modules/baseline.policy.yaml', '[sql.drop, sql.truncate]', '[sql.drop]'],
    'newly allowed',
    /^$/,
  ],
  [
    'a condition more',
    ['modules/record.policy.yaml', 'groups: [leads, dba, auditors]', 'groups: [dba, auditors]'],
    'newly denied',
    /^$/,
  ],
  ['a larger limit', ['policy.yaml', 'rows: 500', 'rows: 900'], 'duty weakened', /^rows: 500 → 900$/],
  [
    'a weaker mask',
    ['modules/baseline.policy.yaml', '{ tag: pii/ssn, with: redact }', '{ tag: pii/ssn, with: hash }'],
    'duty weakened',
    /^mask of public\.customers\.ssn: redact → hash$/,
  ],
  [
    'a tag that is gone',
    ['schema.yaml', 'public.customers.phone: pii/phone', 'public.orders.phone: pii/phone'],
    'duty weakened',
    /^mask of public\.customers\.phone: redact → none$/,
  ],
  [
    'an approval that needs fewer facts',
    ['modules/changing.policy.yaml', "when: '!action.byKey'", "when: '!action.byKey && !action.locks'"],
    'duty weakened',
    /^approve: 1 of dba, leads in 15m, 5 of a class for 30m → none$/,
  ],
  [
    'a window',
    [
      'modules/agents.policy.yaml',
      "limit: { rows: '{{params.rows}}' }",
      'limit: { rows: 500 }\n      window: { days: mon-fri, zone: UTC }',
    ],
    'newly denied',
    /^$/,
  ],
];

for (const [what, [file, from, to], change, duty] of edits) {
  test(`diff finds ${what}, with a witness that passes with the new policy and fails with the old one`, async () => {
    await using policy = await edited(file, from, to);
    const { code, out } = await run(sample, policy.path, '--json', '--requests', '8000');
    assert.equal(code, 1, out);
    const report = JSON.parse(out) as Report;
    const [first, ...others] = report.differences;
    assert.equal(first?.change, change);
    assert.match(first.duties.join('\n'), duty);
    assert.deepEqual(
      others.filter((each) => each.change !== change && each.change !== 'duty strengthened'),
      [],
    );
    const failing = async (directory: string): Promise<number> => {
      const { results, problems } = runTrial(
        await readPolicy(directory),
        new Map([['tests/witness.test.yaml', first.witness]]),
      );
      assert.deepEqual([problems, results.length], [[], 1], first.witness);
      return results.filter(({ failures }) => failures.length > 0).length;
    };
    assert.deepEqual([await failing(sample), await failing(policy.path)], [1, 0], first.witness);
  });
}

test('diff finds nothing between a policy and one that only words it otherwise, and says it searched', async () => {
  await using policy = await edited(
    'modules/reading.policy.yaml',
    'Support looks up orders',
    'Support reads orders',
  );
  const { code, out } = await run(sample, policy.path, '--requests', '3000');
  assert.deepEqual(
    [code, out],
    [0, 'No rule differs\nno difference found in 3000 requests; this is a search, not a proof\n'],
  );
});

test('diff reads bundles, and --fail-on says which changes count', async () => {
  await using policy = await edited('policy.yaml', 'rows: 500', 'rows: 900');
  const files = (await readPolicyFiles(policy.path)).files;
  const bundle = makeBundle(
    { version: 1, madeAt: '2026-01-01T00:00:00Z', files: Object.fromEntries(files) },
    generateKeyPairSync('ed25519').privateKey,
  );
  const file = join(policy.path, 'b.json');
  await writeFile(file, JSON.stringify(bundle));
  const codes = async (from: string, to: string): Promise<readonly number[]> => {
    const all: number[] = [];
    for (const level of ['any', 'weaker', 'none']) {
      all.push((await run(from, to, '--requests', '2000', '--fail-on', level)).code);
    }
    return all;
  };
  assert.deepEqual(await codes(sample, file), [1, 1, 0], 'weaker');
  assert.deepEqual(await codes(file, sample), [1, 0, 0], 'stricter');
  assert.deepEqual(await codes(file, policy.path), [0, 0, 0], 'the same');
  assert.equal((await run(sample, file, '--fail-on', 'x')).code, 2);
  assert.match((await run(sample, join(sample, 'policy.yaml'))).err, /policy\.yaml is no bundle/);
});

test('diff sees an exemption', async () => {
  const yaml = `apiVersion: sallyport/v1
exemptions:
  - { id: x, rule: baseline/no-drop, scope: { identity: bob, resource: shop }, expires: '2026-12-01', owner: a, ticket: T-1, reason: r }
`;
  const drops = (await readFile(join(sample, 'modules', 'baseline.policy.yaml'), 'utf8')).includes(
    'id: no-drop',
  );
  assert.ok(drops);
  await using policy = await edited('policy.yaml', 'rows: 500', 'rows: 500');
  await writeFile(join(policy.path, 'exemptions.yaml'), yaml);
  const { code, out } = await run(sample, policy.path, '--requests', '4000');
  assert.equal(code, 1, out);
  assert.match(out, /^newly allowed|^duty weakened/m);
  assert.match(out, /Rules that differ: baseline\/no-drop/);
});

test('diff reads a policy of a Git revision', async () => {
  await using policy = await edited('policy.yaml', 'rows: 500', 'rows: 900');
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', policy.path, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
      encoding: 'utf8',
    });
  git('init', '-q');
  git('add', '.');
  git('commit', '-q', '-m', 'a');
  const before = process.cwd();
  process.chdir(policy.path);
  try {
    const { code, out } = await run('HEAD:', sample, '--requests', '3000');
    assert.equal(code, 1, out);
    assert.match(out, /^duty strengthened .*\n {2}duty {3}rows: 900 → 500\n/);
    assert.match((await run('nope:', sample)).err, /Git has no nope: here/);
    assert.deepEqual(await run('HEAD', sample, '--requests', '3000'), { code, out, err: '' });
    assert.match((await run('nope', sample)).err, /Git has no nope/);
  } finally {
    process.chdir(before);
  }
});

test('diff finds policy/ in revisions that are named alone', async () => {
  const top = await mkdtemp(join(tmpdir(), 'sallyport-diff-'));
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', top, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
      encoding: 'utf8',
    });
  const before = process.cwd();
  try {
    git('init', '-q', '-b', 'main');
    await cp(sample, join(top, 'policy'), { recursive: true });
    git('add', '.');
    git('commit', '-q', '-m', 'a');
    git('checkout', '-q', '-b', 'work');
    const file = join(top, 'policy', 'policy.yaml');
    await writeFile(file, (await readFile(file, 'utf8')).replace('rows: 500', 'rows: 900'));
    git('commit', '-q', '-a', '-m', 'b');
    process.chdir(join(top, 'policy', 'modules')); // wherever in the repository
    const { code, out } = await run('main', 'HEAD', '--requests', '3000');
    assert.equal(code, 1, out);
    assert.match(out, /^duty weakened .*\n {2}duty {3}rows: 500 → 900\n/);
    assert.equal((await run('main', 'main', '--requests', '3000')).code, 0);
  } finally {
    process.chdir(before);
    await rm(top, { recursive: true, force: true });
  }
});

test('diff exits 2 when it cannot run', async () => {
  await using broken = await edited('modules/reading.policy.yaml', 'effect: allow', 'effect: alow');
  for (const args of [
    [],
    [sample],
    [sample, '/nowhere'],
    [sample, broken.path],
    [sample, sample, '--requests', '0'],
  ]) {
    const { code, out, err } = await run(...args);
    assert.deepEqual([code, out], [2, '']);
    assert.notEqual(err, '');
  }
});
