import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { freshFolder, open, talk } from '../stores/fake.ts';
import { audit } from './audit.ts';

async function run(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const code = await audit(args, { out: (text) => (said.out += text), err: (text) => (said.err += text) });
  return { code, ...said };
}

test('audit verify answers 0, 1 and 2, for a person and as JSON, on nothing but a copied ledger', async () => {
  using folder = freshFolder();
  using copy = freshFolder();
  const ledger = await open(folder.path);
  await talk(ledger, 's1', 5);
  await ledger.close();
  const early = readFileSync(`${folder.path}/ledger/checkpoint`);
  const again = await open(folder.path);
  await talk(again, 's2', 5);
  await again.close();
  cpSync(`${folder.path}/ledger`, `${copy.path}/ledger`, { recursive: true });
  writeFileSync(`${copy.path}/early`, early);
  const key = readFileSync(`${copy.path}/ledger/key.pub`, 'utf8').trim();

  const bare = await run('verify', '--data', copy.path);
  assert.equal(bare.code, 0);
  for (const part of [
    'example.com/test',
    '16 entries under the signed head',
    'anchored   nothing',
    'pin it with --key',
  ])
    assert.ok(bare.out.includes(part), part);
  const pinned = await run(
    'verify',
    '--data',
    copy.path,
    '--key',
    key,
    '--checkpoint',
    `${copy.path}/early`,
    '--json',
  );
  const report = JSON.parse(pinned.out) as Record<string, unknown>;
  assert.deepEqual(
    [pinned.code, report['verified'], report['anchoredTo'], report['unanchored']],
    [0, true, 8, 8],
  );
  assert.equal(
    (await run('verify', '--data', `${copy.path}/ledger`, '--key', `${copy.path}/ledger/key.pub`)).code,
    0,
  );

  const exported = await run('export', '--data', copy.path, '--from', '2', '--to', '4');
  const lines = exported.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { index: number; entry: { n: number } });
  assert.deepEqual(
    lines.map(({ index, entry }) => [index, entry.n]),
    [
      [2, 2],
      [3, 3],
    ],
  );

  const path = `${copy.path}/ledger/tile/entries/000.p/16`;
  const bytes = readFileSync(path);
  bytes[1_000] = (bytes[1_000] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const bad = await run('verify', '--data', copy.path);
  assert.equal(bad.code, 1);
  assert.match(bad.out, /^NOT VERIFIED[^]*first bad {2}entry \d/);

  for (const args of [
    ['verify'],
    ['verify', '--data', '/nowhere'],
    ['verify', '--data', copy.path, '--key', 'x'],
    ['verify', '--data', copy.path, '--checkpoint', '/nowhere'],
    ['verify', '--data', copy.path, '--wrong'],
    ['nothing'],
  ]) {
    const answer = await run(...args);
    assert.deepEqual([answer.code, answer.out], [2, ''], args.join(' '));
    assert.ok(answer.err.length > 0);
  }
});
