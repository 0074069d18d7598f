import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, after, test } from 'node:test';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { instant } from '../base/time.ts';
import type { RuleId } from '../core/decision.ts';
import type { DecisionEntry } from '../core/entry.ts';
import { checkProof, parseVerifierKey } from '../ledger/index.ts';
import { frameworks } from '../policy/controls.ts';
import { decided, freshFolder, open, opened, sessionId } from '../stores/fake.ts';
import type { Findings } from './report-gather.ts';
import { report } from './report.ts';

const policy = join(import.meta.dirname, '..', '..', 'policy');
const folder = freshFolder();
const day = Date.UTC(2026, 10, 10);
const at = instant(day + 3_600_000);
const rules = (...ids: readonly string[]): readonly RuleId[] => ids.map((id) => id as RuleId);

before(async () => {
  await using ledger = await open(folder.path);
  const actor = { subject: '<script>alert(1)</script>', kind: 'human', groups: [] } as const;
  const decision = (id: number, more: Partial<DecisionEntry>): DecisionEntry =>
    decided('s1', id, `SELECT 'secret word ${id}'`, { at, ...more });
  await ledger.append({ ...opened('s1'), at });
  for (let id = 1; id <= 20; id++)
    await ledger.append(decision(id, { rules: rules('reading/staff-read', 'baseline/mask-identifiers') }));
  await ledger.append(decision(21, { decision: 'deny', identity: actor }));
  await ledger.append(decision(22, { decision: 'review', access: 'define', review: 'rev_1' }));
  await ledger.append(decision(23, { at: instant(day - 1), decision: 'deny' }));
  await ledger.append(decision(24, { at: instant(day + 86_400_000), decision: 'deny' }));
  await ledger.append({
    kind: 'record.read',
    at,
    identity: actor,
    verb: 'record.read',
    of: sessionId('s1'),
    allowed: true,
  });
});
after(() => folder[Symbol.dispose]());

async function made(
  framework: string,
  format: string,
  data = folder.path,
): Promise<{ code: number; text: string }> {
  const out = join(folder.path, `${framework}.${format}`);
  const code = await report.run([
    `--framework=${framework}`,
    '--from=2026-11-10',
    '--to=2026-11-10',
    `--format=${format}`,
    `--policy=${policy}`,
    `--data=${data}`,
    '-o',
    out,
  ]);
  return { code, text: readFileSync(out, 'utf8') };
}

test('each claim has entries behind it, counted in the period only, and each named entry has a proof that holds', async () => {
  const { code, text } = await made('soc2', 'json');
  const found = JSON.parse(text) as Findings;
  assert.equal(code, 0);
  const control = (id: string): Findings['controls'][number] | undefined =>
    found.controls.find((each) => each.id === id);
  const logical = control('CC6.1');
  assert.equal(logical?.status, 'satisfied');
  assert.deepEqual(
    logical?.evidence.map(({ count }) => count),
    [20, 1, 22, 0],
  );
  assert.equal(logical.evidence[0]?.samples.length, 5);
  const duties = control('CC6.3');
  assert.equal(duties?.status, 'not-satisfied');
  assert.ok(duties?.missing.some((each) => /another person was asked/.test(each)));
  const key = parseVerifierKey(readFileSync(join(folder.path, 'ledger', 'key.pub'), 'utf8'));
  assert.ok(key.ok);
  const named = new Set(
    found.controls
      .flatMap(({ evidence }) => evidence)
      .flatMap(({ samples }) => samples.map((each) => each.entry)),
  );
  assert.deepEqual(
    Object.keys(found.proofs)
      .map(Number)
      .sort((a, b) => a - b),
    [...named].sort((a, b) => a - b),
  );
  for (const [entry, proof] of Object.entries(found.proofs)) {
    const proven = checkProof(proof, { key: key.value, witnesses: [] });
    assert.ok(proven.ok, entry);
  }
  assert.ok(!text.includes('secret word'), 'nothing that is sealed');
  const again = JSON.parse((await made('soc2', 'json')).text) as Findings;
  assert.deepEqual({ ...again, generatedAt: '' }, { ...found, generatedAt: '' });
});

test('OSCAL assessment results of every framework fit the schema of NIST, and point to nothing that is not there', async () => {
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  const schema = join(import.meta.dirname, 'testdata', 'oscal-1.2.1-assessment-results.schema.json');
  const validate = ajv.compile(JSON.parse(readFileSync(schema, 'utf8')) as object);
  for (const framework of frameworks) {
    const { text } = await made(framework, 'oscal');
    const document: unknown = JSON.parse(text);
    assert.ok(validate(document), `${framework}: ${ajv.errorsText(validate.errors)}`);
    const ids = [...text.matchAll(/"uuid": "([^"]+)"/g)].map(([, id]) => id);
    assert.equal(new Set(ids).size, ids.length, 'no identifier twice');
    for (const [, to] of text.matchAll(/"(?:href": "#|observation-uuid": ")([^"]+)"/g))
      assert.ok(ids.includes(to), to);
    const states = new Set([...text.matchAll(/"state": "([^"]+)"/g)].map(([, state]) => state));
    assert.ok(states.has('satisfied'), framework);
  }
  const broken = JSON.parse((await made('soc2', 'oscal')).text) as {
    'assessment-results': { uuid?: string };
  };
  delete broken['assessment-results'].uuid;
  assert.equal(validate(broken), false, 'the schema is read at all');
});

test('the page stands alone and shows names of clients as text', async () => {
  const { text } = await made('soc2', 'html');
  assert.ok(text.includes('&lt;script&gt;alert(1)'));
  assert.ok(!/<script|<link|<img|src=|https?:\/\//i.test(text));
  assert.ok(text.includes('What is missing'));
});

test('a ledger that was changed is said to be, loudly, and no control counts', async () => {
  using copy = freshFolder();
  cpSync(join(folder.path, 'ledger'), join(copy.path, 'ledger'), { recursive: true });
  const checkpoint = join(copy.path, 'ledger', 'checkpoint');
  writeFileSync(checkpoint, readFileSync(checkpoint, 'utf8').replace(/^\d+$/m, '3'));
  const json = await made('soc2', 'json', copy.path);
  assert.equal(json.code, 1);
  assert.equal((JSON.parse(json.text) as Findings).ledger.verified, false);
  assert.match((await made('soc2', 'html', copy.path)).text, /does not verify/);
  assert.ok(!(await made('soc2', 'oscal', copy.path)).text.includes('"state": "satisfied"'));
});

test('what cannot be made is said', async () => {
  for (const args of [
    [],
    ['--framework', 'hipaa'],
    ['--framework', 'soc2', '--from', '2026-13-40'],
    ['--framework', 'soc2', '--from', '2026-11-10', '--to', '2026-11-01'],
    ['--framework', 'soc2', '--format', 'pdf'],
    ['--framework', 'soc2', '--policy', '/nowhere'],
  ])
    await assert.rejects(report.run(args), { name: 'CouldNotRun' }, args.join(' '));
});
