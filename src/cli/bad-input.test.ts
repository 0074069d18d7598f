import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { check } from './check.ts';

// What users get wrong: each is told with its place and what to do, and nothing of such a policy is loaded.

const api = 'apiVersion: sallyport/v1\n';
const policy = `${api}layers:\n  - { name: main, role: grant, use: [{ module: m }] }\n`;
const head = `${api}module: m\nowner: team:x\nrules:\n`;
const rule = `  - id: a
    effect: allow
    match: { resource: { kind: postgres }, identity: { groups: [x] }, action: [sql.select] }
    why: w
    fix: f
`;
const m = 'modules/m.policy.yaml';
const zeros = '0'.repeat(64);
type Files = Readonly<Record<string, string | Uint8Array | undefined>>;

/** What is wrong, the files that make it so, and the beginning of what is said. */
const cases: readonly (readonly [string, Files, string])[] = [
  [
    'an unknown key',
    { [m]: `${head}${rule}    wen: true\n` },
    `${m}:10:5  SP-Y002  Unknown key \`wen\` in a rule (did you mean \`when\`?)`,
  ],
  [
    'an id twice',
    { [m]: head + rule + rule },
    `${m}:10:5  SP-Y008  There are two rules \`m/a\`: the other is at ${m}:5:5`,
  ],
  [
    'no rules',
    { [m]: `${api}module: m\nrules: []\n` },
    `${m}:3:8  SP-Y004  rules is a list of at least one rule`,
  ],
  [
    'rules left empty',
    { [m]: `${api}module: m\nrules:\n` },
    `${m}:3:7  SP-Y004  rules is a list of at least one rule`,
  ],
  ['an anchor', { [m]: head + rule.replace('a\n', '&x a\n') }, `${m}:5:12  SP-Y005  Anchors`],
  ['an alias', { [m]: `${head}${rule}  - *x\n` }, `${m}:10:5  SP-Y005  Aliases`],
  ['a merge key', { [m]: `${head}${rule}    <<: { a: b }\n` }, `${m}:10:5  SP-Y005  Keys are plain words`],
  ['a tag', { [m]: head + rule.replace('why: w', 'why: !!binary w') }, `${m}:8:`],
  [
    'tabs',
    { [m]: head + rule.replace('    why', '\twhy') },
    `${m}:8:1  SP-Y001  Not valid YAML: Tabs are not allowed as indentation`,
  ],
  [
    'a file of ten megabytes',
    { [m]: `${head}${rule}#${'x'.repeat(10_000_000)}\n` },
    `${m}:1:1  SP-Y006  The file is larger than 4194304 bytes`,
  ],
  [
    'a file of two megabytes',
    { [m]: `${head}${rule}#${'x'.repeat(2_000_000)}\n` },
    `${m}:1:1  SP-Y006  The file has`,
  ],
  [
    'modules that use each other',
    { [m]: `${api}module: m\nuse: [{ module: n }]\nrules:\n${rule}` },
    `${m}:3:1  SP-Y002  Unknown key \`use\` in a module`,
  ],
  [
    'a module that is used twice under one name',
    { 'policy.yaml': policy.replace('{ module: m }', '{ module: m }, { module: m }') },
    `${m}:5:5  SP-Y008`,
  ],
  [
    'a wrong digest in policy.lock',
    { 'policy.lock': `${api}modules:\n  m: sha256:${zeros}\n` },
    'policy.lock:3:3  SP-L103  The module `m` is sha256:',
  ],
  [
    'a wrong digest in policy.yaml',
    { 'policy.yaml': policy.replace('module: m', `module: m, digest: "sha256:${zeros}"`) },
    'policy.yaml:3:59  SP-L103',
  ],
  [
    'a lock without the module',
    { 'policy.lock': `${api}modules:\n  n: sha256:${zeros}\n` },
    'policy.yaml:3:48  SP-L103  policy.lock does not name',
  ],
  [
    'bytes that are not UTF-8',
    { [m]: Buffer.concat([Buffer.from(`${head}${rule}# ö`), Buffer.from([0xff])]) },
    `${m}:10:5  SP-Y010  The file is not UTF-8 from here on`,
  ],
  [
    'UTF-16',
    { [m]: Buffer.from(`\ufeff${head}${rule}`, 'utf16le') },
    `${m}:1:1  SP-Y010  The file is UTF-16, not UTF-8`,
  ],
  [
    'a NUL',
    { [m]: head + rule.replace('why: w\n', 'why: "w\0"\n') },
    `${m}:8:12  SP-Y001  Not valid YAML: a character that nobody sees (U+0000)`,
  ],
  [
    'text that turns its direction',
    { [m]: head + rule.replace('why: w\n', 'why: w\u202e\n') },
    `${m}:8:11  SP-Y001  Not valid YAML: a character that nobody sees (U+202E)`,
  ],
  ['an empty file', { [m]: '' }, `${m}:1:1  SP-Y001  The file is empty`],
  ['no policy.yaml', { 'policy.yaml': undefined }, 'policy.yaml:1:1  SP-Y003  There is no policy.yaml here'],
  ['two documents', { [m]: `${head}${rule}---\n${head}${rule}` }, `${m}:10:1  SP-Y001`],
  ['another version', { [m]: (head + rule).replace('v1', 'v2') }, `${m}:1:13  SP-Y009`],
  ['no version', { [m]: (head + rule).replace(api, '') }, `${m}:1:1  SP-Y003  A module needs \`apiVersion\``],
  [
    'another effect',
    { [m]: head + rule.replace('allow', 'alow') },
    `${m}:6:13  SP-Y004  Effect is allow, deny, require (did you mean \`allow\`?)`,
  ],
  ['another kind', { [m]: head + rule.replace('postgres', 'postgress') }, `${m}:7:32  SP-T107`],
  ['another verb', { [m]: head + rule.replace('sql.select', 'sql.selct') }, `${m}:7:80  SP-T107`],
  ['another layer role', { 'policy.yaml': policy.replace('grant', 'grants') }, 'policy.yaml:3:25  SP-Y004'],
  [
    'a condition that is cut off',
    { [m]: `${head}${rule}    when: identity.groups ==\n` },
    `${m}:10:27  SP-T100`,
  ],
  [
    'a condition that is a number',
    { [m]: `${head}${rule}    when: 5\n` },
    `${m}:10:11  SP-Y004  When is a text`,
  ],
  ['a folded condition', { [m]: `${head}${rule}    when: >\n      true\n` }, `${m}:10:11  SP-T100`],
  [
    'a pattern that is none',
    { [m]: `${head}${rule}    when: identity.subject.matches("(")\n` },
    `${m}:10:36  SP-T103`,
  ],
  [
    'two hundred brackets',
    { [m]: `${head}${rule}    when: "${'('.repeat(200)}true${')'.repeat(200)}"\n` },
    `${m}:10:12  SP-T106`,
  ],
  [
    'sixty lists in one another',
    { [m]: `${head}${rule}    x: ${'['.repeat(60)}${']'.repeat(60)}\n` },
    `${m}:10:`,
  ],
  ['a list for a module', { [m]: '- a\n' }, `${m}:1:1  SP-Y004  A module is a mapping`],
  ['JSON that is cut off', { [m]: '{"apiVersion": "sallyport/v1"' }, `${m}:1:30  SP-Y001`],
  [
    'a key twice',
    { [m]: head + rule.replace('why: w', 'why: w\n    why: v') },
    `${m}:9:5  SP-Y001  Not valid YAML: Map keys must be unique`,
  ],
  [
    'a file of another name',
    { 'modules/n.policy.yml': head + rule },
    'modules/n.policy.yml:1:1  SP-Y007  This file is not read',
  ],
  [
    'a module in no layer',
    { 'modules/n.policy.yaml': head.replace('m\n', 'n\n') + rule },
    'modules/n.policy.yaml:1:1  SP-L102',
  ],
  [
    'a layer without its module',
    { [m]: undefined },
    'policy.yaml:3:48  SP-L101  There is no modules/m.policy.yaml',
  ],
  [
    'a tag that is none',
    { 'schema.yaml': `${api}tags:\n  shop:\n    email: PII Email\n` },
    'schema.yaml:4:5  SP-Y004',
  ],
  [
    'a threshold over 100',
    { 'policy.yaml': `${policy}thresholds: { ruleCoverage: 200 }\n` },
    'policy.yaml:4:29  SP-Y004',
  ],
  [
    'an exemption of another rule',
    {
      'exemptions.yaml': `${api}exemptions:\n  - { id: E, rule: m/z, scope: { identity: x }, expires: 2026-12-01, owner: o, ticket: t, reason: r }\n`,
    },
    'exemptions.yaml:3:',
  ],
];

async function said(
  files: Files,
  link?: string,
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-bad-'));
  try {
    for (const [path, content] of Object.entries({ 'policy.yaml': policy, [m]: head + rule, ...files })) {
      if (content === undefined) continue;
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    if (link !== undefined) await symlink('/nowhere/at/all', join(folder, link));
    const heard = { out: '', err: '' };
    const code = await check([folder], {
      out: (text) => (heard.out += text),
      err: (text) => (heard.err += text),
    });
    return { code, out: heard.out.replaceAll(`${folder}/`, ''), err: heard.err };
  } finally {
    await rm(folder, { recursive: true });
  }
}

for (const [what, files, line] of cases) {
  test(`bad input: ${what}`, async () => {
    const { code, out, err } = await said(files);
    assert.deepEqual([code, err], [1, '']);
    assert.ok(out.includes(line), `expected ${line}\n${out}`);
    assert.match(out, /problems?: the policy does not load\n$/);
  });
}

test('bad input: a link to nothing is told, not left out', async () => {
  const { code, out } = await said({}, 'schema.yaml');
  assert.equal(code, 1);
  assert.ok(out.includes('schema.yaml:1:1  SP-Y003  The file is a link to nothing'), out);
});

test('a layer that is wrong is told before what hangs on it', async () => {
  const { out } = await said({ 'policy.yaml': policy.replace('grant', 'grants') });
  assert.ok(!out.includes('SP-L102'), out);
});

test('lines that end as on Windows are shown as they are', async () => {
  const { out } = await said({ [m]: `${head}${rule}    wen: true\n`.replaceAll('\n', '\r\n') });
  assert.ok(out.includes(`${m}:10:5  SP-Y002`) && !out.includes('\\u{d}'), out);
});

test('a directory that is not there is told in words', async () => {
  const heard = { err: '' };
  const code = await check(['/nowhere/at/all'], { out: assert.fail, err: (text) => (heard.err += text) });
  assert.deepEqual([code, heard.err], [2, 'There is no directory /nowhere/at/all to read a policy from\n']);
});
