import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { messageOf } from '../base/errors.ts';
import { attest } from './attest.ts';
import { backtest } from './backtest.ts';
import { bundle } from './bundle.ts';
import { mend } from './check-fix.ts';
import { diff } from './diff.ts';
import { scanRepository } from './scan.ts';
import { type Io, test as tests } from './test.ts';

// A policy whose rules name the entity of a detector of somebody's own, for commands that load it where no gateway runs.
const folder = mkdtempSync(join(tmpdir(), 'sallyport-own-'));
after(() => rmSync(folder, { recursive: true }));
const put = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
cpSync(join(import.meta.dirname, '..', '..', 'policy'), join(folder, 'policy'), { recursive: true });
const baseline = readFileSync(join(folder, 'policy/modules/baseline.policy.yaml'), 'utf8');
put(
  'policy/modules/baseline.policy.yaml',
  baseline.replace('{ find: US_SSN, with: redact }', '{ find: PLANT_NUMBER, with: redact }'),
);
const own = put(
  'own.yaml',
  "- name: PLANT_NUMBER\n  pattern: 'QX-[0-9]{4}'\n  examples: { yes: [QX-1234] }\n",
);
const config = put(
  'sallyport.yaml',
  "listen: {}\ndetectors:\n  - { name: PLANT_NUMBER, pattern: 'QX-[0-9]{4}', examples: { yes: [QX-1234] } }\n",
);
const wrong = put(
  'wrong.yaml',
  "- name: PLANT_NUMBER\n  pattern: 'QX-[0-9]{4}'\n  examples: { yes: [QX] }\n",
);
mkdirSync(join(folder, 'db/migration'), { recursive: true });
put('db/migration/V1__first.sql', 'CREATE TABLE t (id int);\n');
const record = put('record.jsonl', '{"kind":"nothing"}\n');

interface Said {
  readonly code: number;
  readonly said: string;
}

const spoken =
  (command: (args: readonly string[], io: Io) => Promise<number>, ...args: readonly string[]) =>
  async (detectors: readonly string[]): Promise<Said> => {
    let said = '';
    const put = (text: string): void => void (said += text);
    return { code: await command([...args, ...detectors], { out: put, err: put }), said };
  };
const thrown =
  (ask: (detectors: string | undefined) => Promise<unknown>) =>
  async ([, file]: readonly string[]): Promise<Said> => {
    try {
      return { code: 0, said: JSON.stringify(await ask(file)) };
    } catch (problem) {
      return { code: 2, said: messageOf(problem) };
    }
  };

const policy = join(folder, 'policy');
const bundleKey = join(folder, 'signs');
await bundle.run(['key', '--out', bundleKey]);
const built = join(folder, 'out.bundle');
const withFile = (file: string | undefined): readonly string[] =>
  file === undefined ? [] : ['--detectors', file];

// What each says once the policy is loaded.
const commands: readonly (readonly [
  name: string,
  ask: (detectors: readonly string[]) => Promise<Said>,
  loaded: RegExp,
])[] = [
  ['test', spoken(tests, policy, '--only', 'nothing of this name'), /No case has/],
  ['diff', spoken(diff, policy, policy, '--requests', '50'), /no difference found in 50 requests/],
  ['backtest', spoken(backtest, policy, '--from', record), /There is no decision in/],
  [
    'scan',
    thrown((detectors) => scanRepository({ policy, paths: [join(folder, 'db')], detectors })),
    /"findings":/,
  ],
  [
    'bundle build',
    thrown((file) => bundle.run(['build', policy, '--key', bundleKey, '--out', built, ...withFile(file)])),
    /^0$/,
  ],
  [
    'attest',
    // The sample's tests speak of what was taken out: that they fail is written down.
    thrown((file) =>
      attest.run([policy, '--key', bundleKey, '--out', built, '--subject', record, ...withFile(file)]),
    ),
    /^[01]$/,
  ],
];
for (const [name, ask, loaded] of commands) {
  test(`${name}: rules may name what the detectors of a file find, and nothing else`, async () => {
    const without = await ask([]);
    assert.equal(without.code, 2);
    assert.doesNotMatch(without.said, loaded);
    for (const file of [own, config]) assert.match((await ask(['--detectors', file])).said, loaded);
    const refused = await ask(['--detectors', wrong]);
    assert.equal(refused.code, 2);
    assert.match(refused.said, /wrong\.yaml:3:\d+ .*does not find this example whole/s);
  });
}

test('bundle verify: what was built with detectors loads with them only', async () => {
  await bundle.run(['build', policy, '--key', bundleKey, '--out', built, '--detectors', own]);
  assert.equal(await bundle.run(['verify', built, '--key', `${bundleKey}.pub`]), 1);
  assert.equal(await bundle.run(['verify', built, '--key', `${bundleKey}.pub`, '--detectors', own]), 0);
});

test('check --fix mends the name of what is found only where all detectors are known', () => {
  const files = new Map([['a.yaml', 'find: PLANT_NUMBR']]);
  const problem = {
    file: 'a.yaml',
    line: 1,
    col: 7,
    code: 'SP-T108',
    message: '',
    fix: 'PLANT_NUMBR → PLANT_NUMBER',
  } as const;
  assert.equal(mend(files, [problem]).fixed.length, 0);
  assert.equal(mend(files, [problem], true).files.get('a.yaml'), 'find: PLANT_NUMBER');
});
