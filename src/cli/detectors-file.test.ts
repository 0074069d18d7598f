import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { check } from './check.ts';
import { readDetectorsFile } from './detectors-file.ts';
import { test as testPolicy } from './test.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-own-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'own.yaml');
const sample = join(import.meta.dirname, '..', '..', 'policy');

const right = `
- name: PLANT_NUMBER
  pattern: '\\bQX-[0-9]{4}\\b'
  gate: QX-
  examples: { yes: [QX-1234], no: [QX-12] }
`;

const cases: readonly (readonly [what: string, from: string, to: string, said: RegExp])[] = [
  ['an example that is not found', 'QX-1234', 'QX-123', /^5:21 SP-Y004 0\.examples\.yes\.0: .*not find/],
  [
    'one that should not be',
    'no: [QX-12]',
    'no: [QX-1299]',
    /^5:36 SP-Y004 0\.examples\.no\.0: .*finds something/,
  ],
  ['a look-ahead', '[0-9]{4}', '(?=x)', /^3:12 SP-T103 0\.pattern: Not a pattern of RE2/],
  ['a back reference', '[0-9]{4}', '([0-9])\\1', /^3:12 SP-T103 /],
  ['a gate that values lack', 'gate: QX-', 'gate: QY-', /^4:9 SP-Y004 0\.gate: /],
  ['the name of another', 'PLANT_NUMBER', 'EMAIL_ADDRESS', /^2:9 SP-Y008 /],
  ['a small name', 'PLANT_NUMBER', 'plant', /^2:9 SP-Y004 /],
  ['an unknown key', 'gate:', 'gait:', /^4:9 SP-Y002 /],
  ['no examples', 'examples:', '# ', /^2:3 SP-Y003 0\.examples: Missing/],
  ['no YAML', '- name', '- [name', /SP-Y001 /],
];

test('what is wrong with a detector is told with its place', () => {
  writeFileSync(file, right);
  assert.deepEqual(readDetectorsFile(file).problems, []);
  for (const [what, from, to, said] of cases) {
    assert.ok(right.includes(from), what);
    writeFileSync(file, right.replace(from, to));
    const [problem] = readDetectorsFile(file).problems;
    const { line, col, code, message } = problem ?? { line: 0, col: 0, code: '', message: '' };
    assert.match(`${line}:${col} ${code} ${message}`, said, what);
  }
});

test('a configuration with detectors will do, and what has none is empty or refused', () => {
  writeFileSync(file, `listen: { api: 127.0.0.1:1 }\ndetectors:${right}`);
  assert.deepEqual(
    readDetectorsFile(file).detectors.map(({ name }) => name),
    ['PLANT_NUMBER'],
  );
  writeFileSync(file, 'listen: {}\n');
  assert.equal(readDetectorsFile(file).problems.length, 1);
  assert.throws(() => readDetectorsFile(join(folder, 'none.yaml')), /Cannot be read/);
});

async function run(command: typeof check, args: readonly string[]): Promise<{ code: number; said: string }> {
  let said = '';
  const take = (text: string): void => void (said += text);
  const code = await command(args, { out: take, err: take });
  return { code, said };
}

test('check and test know detectors of somebody’s own, and say which one was meant', async () => {
  const policy = join(folder, 'policy');
  await cp(sample, policy, { recursive: true });
  const module = join(policy, 'modules', 'baseline.policy.yaml');
  const text = await readFile(module, 'utf8');
  await writeFile(module, text.replace('find: US_SSN', 'find: PLANT_NUMBR'));
  await writeFile(file, right);
  const without = await run(check, [policy]);
  assert.match(without.said, /SP-T108 {2}No detector finds `PLANT_NUMBR`/);
  assert.doesNotMatch(without.said, /did you mean/);
  const near = await run(check, [policy, '--detectors', file]);
  assert.equal(near.code, 1);
  assert.match(near.said, /did you mean `PLANT_NUMBER`/);
  await writeFile(module, text.replace('find: US_SSN', 'find: PLANT_NUMBER'));
  const known = await run(check, [policy, '--detectors', file]);
  assert.doesNotMatch(known.said, /SP-T108/);
  assert.notEqual((await run(testPolicy, [policy, '--detectors', file])).code, 2);
  assert.equal((await run(testPolicy, [policy])).code, 2);
  await writeFile(file, right.replace('QX-1234', 'QX-123'));
  const broken = await run(check, [policy, '--detectors', file]);
  assert.equal(broken.code, 1);
  assert.ok(broken.said.startsWith(`${file}:5:21  SP-Y004`), broken.said);
  assert.match(broken.said, / 5 \| {3}examples:/);
  assert.equal((await run(check, [policy, '--detectors', join(folder, 'none')])).code, 2);
});
