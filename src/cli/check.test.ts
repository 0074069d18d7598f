import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { check } from './check.ts';

const sample = join(import.meta.dirname, '..', '..', 'policy');

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(...args: readonly string[]): Promise<Ran> {
  let out = '';
  let err = '';
  const code = await check(args, { out: (text) => (out += text), err: (text) => (err += text) });
  return { code, out, err };
}

async function copy(): Promise<AsyncDisposable & { readonly path: string; readonly edit: Edit }> {
  const path = await mkdtemp(join(tmpdir(), 'sallyport-check-'));
  await cp(sample, path, { recursive: true });
  const edit: Edit = async (file, from, to) => {
    const text = await readFile(join(path, file), 'utf8');
    assert.ok(text.includes(from), `${file} has no ${from}`);
    await writeFile(join(path, file), text.replace(from, to));
  };
  return { path, edit, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

type Edit = (file: string, from: string, to: string) => Promise<void>;

test('check finds nothing in the sample policy, and says what it looked at', async () => {
  const { code, out } = await run(sample);
  assert.equal(code, 0, out);
  assert.match(out, /^(\d+) rules {3}tests \d+ passed, 0 failed {3}rules \1\/\1 covered {3}conditions 100 %/);
});

test('check shows the line, a caret, why and how to fix it', async () => {
  await using policy = await copy();
  await policy.edit('modules/changing.policy.yaml', '!action.byKey', '!action.byKy');
  const { code, out } = await run(policy.path);
  assert.equal(code, 1);
  const lines = out.split('\n');
  assert.match(lines[0] ?? '', /changing\.policy\.yaml:\d+:13 {2}SP-T101 {2}.*did you mean `action\.byKey`/);
  assert.equal((lines[2] ?? '').indexOf('^'), (lines[1] ?? '').indexOf('action.byKy'));
  assert.match(out, /fix {4}action\.byKy → action\.byKey/);
});

const edits: readonly (readonly [string, readonly [string, string, string], RegExp])[] = [
  ['a tag that nobody masks', ['schema.yaml', 'pii/phone', 'pi/phone'], /SP-S204/],
  ['a test that fails', ['modules/agents.policy.yaml', 'then:', 'enforce: shadow\n    then:'], /SP-M120/],
  ['a rule without an owner', ['modules/agents.policy.yaml', 'owner: team:platform\n', ''], /SP-M101/],
  [
    'an allow for anybody',
    ['modules/record.policy.yaml', '      identity: { groups: [leads, dba, auditors] }\n', ''],
    /SP-S210/,
  ],
  [
    'an allow that a deny always overrides',
    ['modules/baseline.policy.yaml', 'action: [sql.drop, sql.truncate] }', 'action: sql.* }'],
    /SP-S202 .*always denies/,
  ],
  [
    'an exemption that has expired',
    ['schema.yaml', 'apiVersion: sallyport/v1\n', 'apiVersion: sallyport/v1\n'],
    /SP-E301/,
  ],
];

for (const [what, [file, from, to], expected] of edits) {
  test(`check finds ${what}`, async () => {
    await using policy = await copy();
    await policy.edit(file, from, to);
    await writeFile(
      join(policy.path, 'exemptions.yaml'),
      'apiVersion: sallyport/v1\nexemptions:\n  - { id: EX-1, rule: baseline/no-drop, scope: { identity: x }, expires: 2020-01-01, owner: a, ticket: b, reason: c }\n',
    );
    const { code, out } = await run(policy.path);
    assert.equal(code, 1);
    assert.match(out, expected);
  });
}

test('check says which rule no test reaches where policy.yaml asks for all', async () => {
  await using policy = await copy();
  await rm(join(policy.path, 'tests/record.test.yaml'));
  const { out } = await run(policy.path);
  assert.match(out, /SP-M121.*asks for 100 %/);
  assert.match(out, /SP-M110 {2}The rule record\/own-record decides in no test/);
});

test('check --format gives every finding its place in each format', async () => {
  await using policy = await copy();
  await policy.edit('schema.yaml', 'pii/phone', 'pi/phone');
  const json = JSON.parse((await run(policy.path, '--format', 'json')).out) as {
    findings: { code: string; line: number }[];
  };
  const line = json.findings.find((each) => each.code === 'SP-S204')?.line;
  assert.equal(line, 8);
  const sarif = JSON.parse((await run(policy.path, '--format', 'sarif')).out) as {
    version: string;
    runs: {
      results: { ruleId: string; locations: { physicalLocation: { region: { startLine: number } } }[] }[];
    }[];
  };
  assert.equal(sarif.version, '2.1.0');
  const result = sarif.runs[0]?.results.find((each) => each.ruleId === 'SP-S204');
  assert.equal(result?.locations[0]?.physicalLocation.region.startLine, 8);
  const junit = (await run(policy.path, '--format', 'junit')).out;
  assert.match(junit, /<testcase classname="[^"]*schema\.yaml" name="SP-S204 8:5"><failure/);
  const github = (await run(policy.path, '--format', 'github')).out;
  assert.match(github, /^::error file=[^\n]*schema\.yaml,line=8,col=5,title=SP-S204::/m);
});

test('check --lock pins the modules; a changed one is then refused', async () => {
  await using policy = await copy();
  assert.equal((await run(policy.path, '--lock')).code, 0);
  await policy.edit('modules/agents.policy.yaml', 'An agent may read', 'An agent can read');
  const { code, out } = await run(policy.path);
  assert.equal(code, 1);
  assert.match(out, /policy\.lock:\d+:3 {2}SP-L103/);
});

test('check --schema writes a schema for each kind of file, and says how an editor finds it', async () => {
  await using policy = await copy();
  const { code, out } = await run(policy.path, '--schema');
  assert.equal(code, 0);
  const settings = JSON.parse(out) as { 'yaml.schemas': Readonly<Record<string, string>> };
  const [path = ''] =
    Object.entries(settings['yaml.schemas']).find(([, files]) => files.endsWith('/modules/*.policy.yaml')) ??
    [];
  const schema = JSON.parse(await readFile(path, 'utf8')) as {
    required: readonly string[];
  };
  assert.deepEqual(schema.required, ['apiVersion', 'module', 'rules']);
  assert.equal(Object.keys(settings['yaml.schemas']).length, 7);
  assert.equal((await run(policy.path)).code, 0, 'the schemas are no part of the policy');
});

const byText = (a: string, b: string): number => (a < b ? -1 : 1);

test('check --fix writes the words that were meant, one after the other, and says which', async () => {
  await using policy = await copy();
  const changing = 'modules/changing.policy.yaml';
  await policy.edit(changing, '!action.byKey', '!action.byKy');
  await policy.edit(changing, 'effect: require', 'efect: require');
  await policy.edit(
    'modules/reading.policy.yaml',
    'o.name.startsWith("pg_catalog.")',
    'o.nam.startsWith("pg_catalog.")',
  );
  await policy.edit('modules/baseline.policy.yaml', 'sql.truncate', 'sql.truncat');
  const { code, out, err } = await run(policy.path, '--fix');
  assert.equal(code, 0, out + err);
  assert.deepEqual([...err.matchAll(/ {2}(\S+ → \S+)$/gm)].map(([, change = '']) => change).sort(byText), [
    'action.byKy → action.byKey',
    'efect → effect',
    'o.nam → o.name',
    'sql.truncat → sql.truncate',
  ]);
  const [fixed, original] = await Promise.all(
    [policy.path, sample].map((directory) => readFile(join(directory, changing), 'utf8')),
  );
  assert.equal(fixed, original);
});

test('check --fix leaves alone what is no word for a word', async () => {
  await using policy = await copy();
  await policy.edit('schema.yaml', 'pii/phone', 'pi/phone');
  const before = await readFile(join(policy.path, 'schema.yaml'), 'utf8');
  const { code, err } = await run(policy.path, '--fix');
  assert.deepEqual([code, err], [1, '']);
  assert.equal(await readFile(join(policy.path, 'schema.yaml'), 'utf8'), before);
});

test('check --watch checks again when a file has changed, and again when it is good', async () => {
  await using policy = await copy();
  const stop = new AbortController();
  const heard: string[] = [];
  const waiting: { readonly pattern: RegExp; readonly found: () => void }[] = [];
  const out = (text: string): void => {
    heard.push(text);
    for (const { pattern, found } of waiting) if (pattern.test(text)) found();
  };
  const next = (pattern: RegExp): Promise<void> =>
    new Promise((found) => {
      heard.length = 0;
      waiting.splice(0, waiting.length, { pattern, found });
    });
  const good = next(/ 0 findings/);
  const ended = check([policy.path, '--watch'], { out, err: assert.fail }, stop.signal);
  await good;
  const bad = next(/SP-T101/);
  await policy.edit('modules/changing.policy.yaml', '!action.byKey', '!action.byKy');
  await bad;
  const again = next(/ 0 findings/);
  await policy.edit('modules/changing.policy.yaml', '!action.byKy', '!action.byKey');
  await again;
  stop.abort();
  assert.equal(await ended, 0);
});

test('check exits 2 when it cannot run', async () => {
  for (const args of [['/nowhere/at/all'], ['--format', 'xml'], ['a', 'b'], ['--nope']]) {
    const { code, out, err } = await run(...args);
    assert.deepEqual([code, out], [2, '']);
    assert.notEqual(err, '');
  }
});
