import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { attest } from './attest.ts';
import { bundle } from './bundle.ts';
import { putAttested } from './testdata/attested-folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-attest-'));
const start = process.cwd();
const git = (...args: readonly string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: folder })
    .toString()
    .trim();

before(async () => {
  putAttested(folder);
  writeFileSync(join(folder, 'a.sql'), 'CREATE TABLE a ();');
  git('init', '-q');
  git('add', '.');
  git('commit', '-q', '-m', 'x');
  process.chdir(folder);
  assert.equal(await bundle.run(['key', '--out', 'k']), 0);
  assert.equal(await bundle.run(['key', '--out', 'other']), 0);
});
after(() => {
  process.chdir(start);
  rmSync(folder, { recursive: true, force: true });
});

test('attest says which policy judged which revision, and verify fails on any byte changed', async () => {
  assert.equal(
    await attest.run(['--key', 'k', '--out', 'a.json', '--subject', 'app.tgz', '--scan', 'a.sql']),
    0,
  );
  const text = readFileSync('a.json', 'utf8');
  const { payload } = JSON.parse(text) as { readonly payload: string };
  const statement = JSON.parse(Buffer.from(payload, 'base64').toString()) as Record<string, unknown>;
  assert.equal(statement['_type'], 'https://in-toto.io/Statement/v1');
  assert.deepEqual(statement['subject'], [
    {
      name: 'app.tgz',
      digest: { sha256: 'c7c5c1d70c5dec4416ab6158afd0b223ef40c29b1dc1f97ed9428b94d4cadb1c' },
    },
    { name: 'source', digest: { gitCommit: git('rev-parse', 'HEAD') } },
  ]);
  const good = [
    'verify',
    'a.json',
    '--key',
    'k.pub',
    '--subject',
    'app.tgz',
    '--source',
    'HEAD',
    '--policy',
    'policy',
    '--passed',
  ];
  assert.equal(await attest.run(good), 0);
  assert.equal(await attest.run(['verify', 'a.json', '--key', 'other.pub']), 1);
  assert.equal(await attest.run(['verify', 'a.json', '--key', 'k.pub', '--subject', 'a.sql']), 1);
  for (let at = 0; at < text.length; at++) {
    const other = text[at] === 'x' ? 'y' : 'x';
    writeFileSync('b.json', text.slice(0, at) + other + text.slice(at + 1));
    assert.equal(await attest.run(['verify', 'b.json', '--key', 'k.pub']), 1, `byte ${at}`);
  }
  for (const changed of [`${text} `, text.trimEnd(), ` ${text}`, text.replace('{', '{ ')]) {
    writeFileSync('b.json', changed);
    assert.equal(await attest.run(['verify', 'b.json', '--key', 'k.pub']), 1);
  }
  writeFileSync(
    'policy/modules/m.policy.yaml',
    `${readFileSync('policy/modules/m.policy.yaml', 'utf8')}# changed\n`,
  );
  assert.equal(await attest.run(good), 1, 'the policy is another one now');
});

test('what did not pass is written down, and said', async () => {
  writeFileSync('bad.sql', 'SELEC;');
  assert.equal(await attest.run(['--key', 'k', '--out', 'c.json', '--scan', 'bad.sql']), 1);
  assert.equal(await attest.run(['verify', 'c.json', '--key', 'k.pub']), 0);
  assert.equal(await attest.run(['verify', 'c.json', '--key', 'k.pub', '--passed']), 1);
});

test('the program itself does it', () => {
  const main = join(import.meta.dirname, 'main.ts');
  const { status, stdout } = spawnSync(
    process.execPath,
    [main, 'attest', 'verify', 'a.json', '--key', 'k.pub'],
    {
      encoding: 'utf8',
    },
  );
  assert.equal(status, 0);
  assert.match(stdout, /^Verified: policy [0-9a-f]{64}.*checks passed, tests passed, scan passed/);
});
