import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { instant } from '../base/time.ts';
import { kindsOf } from '../policy/kinds.ts';
import { loadPolicy } from '../policy/load.ts';
import { problemLine } from '../policy/problem.ts';
import { review } from '../policy/review.ts';
import { protocols } from '../protocols/index.ts';
import { readPolicyFiles } from './policy-files.ts';

const folder = join(import.meta.dirname, '..', '..', 'modules');

test('the shipped modules have no finding and pass their tests', async () => {
  const { files, problems } = await readPolicyFiles(folder);
  assert.deepEqual(problems, []);
  const said = review(files, kindsOf(protocols), instant(0));
  assert.deepEqual(said.problems.map(problemLine), []);
  assert.ok((said.trial?.results.length ?? 0) > 20);
});

test('a policy uses a shipped module by its name; one of its own comes first, and what allows is not shipped', async () => {
  const own = mkdtempSync(join(tmpdir(), 'sallyport-modules-'));
  try {
    const use = (module: string): void =>
      writeFileSync(
        join(own, 'policy.yaml'),
        `apiVersion: sallyport/v1\nlayers: [{ name: a, role: restrict, use: [{ module: ${module} }] }]\n`,
      );
    const rules = async (): Promise<readonly string[]> => {
      const loaded = loadPolicy((await readPolicyFiles(own)).files, kindsOf(protocols));
      return loaded.ok
        ? loaded.value.ruling.rules.map(({ ref }) => ref.id)
        : loaded.error.map(({ code }) => code);
    };
    use('quotas');
    assert.deepEqual(await rules(), ['quotas/everyone', 'quotas/agents']);
    mkdirSync(join(own, 'modules'));
    writeFileSync(
      join(own, 'modules', 'quotas.policy.yaml'),
      'apiVersion: sallyport/v1\nmodule: quotas\nrules: [{ id: mine, effect: deny, match: {} }]\n',
    );
    assert.deepEqual(await rules(), ['quotas/mine']);
    rmSync(join(own, 'modules'), { recursive: true });
    use('example');
    assert.deepEqual(await rules(), ['SP-L101']);
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
});
