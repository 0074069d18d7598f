import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { codeOwners } from './codeowners.ts';

const text =
  '# who\n* @acme/all\n/policy/modules/*.policy.yaml @acme/security # both\npolicy/tests/ @acme/qa\n**/secret.policy.yaml @acme/ciso\n';
const files: readonly (readonly [string, readonly string[]])[] = [
  ['policy.yaml', ['@acme/all']],
  ['modules/m.policy.yaml', ['@acme/security']],
  ['tests/m.test.yaml', ['@acme/qa']],
  ['modules/secret.policy.yaml', ['@acme/ciso']],
];

test('codeOwners() gives the owners of the last line that fits', async () => {
  const root = await mkdtemp(join(tmpdir(), 'sallyport-owners-'));
  try {
    await mkdir(join(root, '.github'));
    await mkdir(join(root, 'policy'));
    await writeFile(join(root, '.github', 'CODEOWNERS'), text);
    const ownersOf = await codeOwners(join(root, 'policy'));
    assert.ok(ownersOf);
    for (const [file, owners] of files) assert.deepEqual(ownersOf(file), owners, file);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
