import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isShallow } from './blame.ts';
import { lines, policy, scanning } from './fake.ts';
import { elementPlaces } from './json-place.ts';
import { placesIn } from './places.ts';
import { readPulumi } from './pulumi.ts';
import { readTerraform } from './terraform.ts';
import { readSarif } from './sarif.ts';

// What real repositories hold, file by file: layouts, encodings, and the shapes that tools write.

const plan = {
  format_version: '1.2',
  planned_values: { root_module: { resources: [{ address: 'aws_db_instance.main' }] } },
  resource_changes: [
    {
      address: 'aws_db_instance.main',
      mode: 'managed',
      type: 'aws_db_instance',
      provider_name: 'registry.terraform.io/hashicorp/aws',
      change: {
        actions: ['delete', 'create'],
        before: { engine: 'a', password: 'old' },
        after: { engine: 'b', password: 's3cret', tags: { 'a.b': 'hidden', c: 'shown' } },
        after_unknown: { arn: true, tags: {}, address: true },
        after_sensitive: { password: true, tags: { 'a.b': true } },
      },
    },
    {
      address: 'module.logs.aws_s3_bucket.this["a\\"b"]',
      module_address: 'module.logs',
      type: 'aws_s3_bucket',
      change: { actions: ['create'], before: null, after: { acl: 'public-read' }, after_sensitive: {} },
    },
    { address: 'aws_iam_role.old', type: 'aws_iam_role', change: { actions: ['delete'], after: null } },
  ],
  deferred_changes: [
    {
      reason: 'provider_config_unknown',
      resource_change: {
        address: 'aws_s3_bucket.later',
        type: 'aws_s3_bucket',
        change: { actions: ['create'], after: { acl: 'public-read' } },
      },
    },
  ],
};

const guarded = `  - id: no-replaced-database
    effect: deny
    match: { resource: { kind: terraform }, action: [terraform.replace, terraform.delete] }
    when: action.type == "aws_db_instance"
  - id: acl-known
    effect: deny
    match: { resource: { kind: [terraform, pulumi] } }
    when: action.unknown.exists(u, u == "acl")
`;

test('a plan: each change at its own line, deferred ones too, and what an errored plan leaves out', async () => {
  const text = JSON.stringify(plan, undefined, 1);
  const lineOf = (address: string): number => {
    const from = text.indexOf('"resource_changes"');
    return text.slice(0, text.indexOf(JSON.stringify(address), from)).split('\n').length;
  };
  const report = await scanning(
    { 'plan.json': text, 'errored.json': JSON.stringify({ ...plan, resource_changes: [], errored: true }) },
    { policy: policy(guarded) },
  );
  assert.deepEqual(lines(report), [
    'errored.json:1 refused NOT_UNDERSTOOD',
    'errored.json:1 refused m/no-public-bucket',
    `plan.json:${lineOf('aws_db_instance.main')} refused m/no-replaced-database`,
    `plan.json:${lineOf('module.logs.aws_s3_bucket.this["a\\"b"]')} refused m/no-public-bucket`,
    `plan.json:${lineOf('aws_s3_bucket.later')} refused m/no-public-bucket`,
  ]);
});

test('a plan: what is sensitive or not known yet stands in no value', () => {
  const source = JSON.stringify(plan);
  const { actions } = readTerraform('p', source, JSON.parse(source)) ?? { actions: [] };
  const { values, unknown, changed } = actions[0]?.action.attributes ?? {};
  assert.deepEqual(values, ['engine=b', 'tags.c=shown']);
  assert.deepEqual(unknown, ['arn', 'address']);
  assert.deepEqual(changed, ['address', 'arn', 'engine', 'password', 'tags']);
  assert.equal(JSON.stringify(actions).includes('s3cret'), false);
  const whole = JSON.stringify({
    ...plan,
    resource_changes: [
      { address: 'a', type: 't', change: { actions: ['create'], after: { a: 'x' }, after_sensitive: true } },
    ],
  });
  assert.deepEqual(readTerraform('p', whole, JSON.parse(whole))?.actions[0]?.action.attributes['values'], []);
});

test('Pulumi: steps, streamed events, stacks; secrets and unknowns; remedies that were applied are only noted', async () => {
  const secret = { '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270', ciphertext: 'x' };
  const inputs = {
    acl: '04da6b54-80e4-46f7-96ec-b56ff0331ba9',
    password: secret,
    deep: { list: [secret, 'plain'] },
  };
  const preview = { steps: [{ op: 'create', urn: 'urn:a', newState: { type: 't', inputs } }] };
  const source = JSON.stringify(preview);
  const action = readPulumi('p', source, JSON.parse(source))?.actions[0]?.action;
  assert.deepEqual(action?.attributes['values'], ['deep.list[1]=plain']);
  assert.deepEqual(action?.attributes['unknown'], ['acl']);
  const events = [
    { sequence: 0, preludeEvent: { config: {} } },
    {
      resourcePreEvent: {
        metadata: { op: 'delete', urn: 'urn:b', type: 't', old: { type: 't', inputs: {} } },
      },
    },
    {
      resourcePreEvent: {
        metadata: { op: 'create', urn: 'urn:c', new: { type: 't', inputs: { acl: 'public-read' } } },
      },
    },
    {
      policyEvent: {
        resourceUrn: 'urn:c',
        policyName: 'p',
        policyPackName: 'k',
        enforcementLevel: 'advisory',
      },
    },
    { policyRemediateEvent: { resourceUrn: 'urn:c', policyName: 'r', policyPackName: 'k' } },
  ];
  const report = await scanning(
    {
      'preview.json': JSON.stringify(preview, undefined, 1),
      'events.jsonl': events.map((each) => JSON.stringify(each)).join('\n'),
      'stack.json': JSON.stringify(
        {
          version: 3,
          deployment: { resources: [{ urn: 'urn:s', type: 't', inputs: { acl: 'public-read' } }] },
        },
        undefined,
        1,
      ),
    },
    { policy: policy(guarded) },
  );
  assert.deepEqual(lines(report), [
    'events.jsonl:3 refused m/no-public-bucket',
    'events.jsonl:4 warned pulumi/k/p',
    'events.jsonl:5 noted pulumi/k/r',
    'preview.json:5 refused m/acl-known',
    'stack.json:6 refused m/no-public-bucket',
  ]);
});

test('manifests: lists of any kind item by item, what only kustomize reads, templates that look like YAML', async () => {
  const pod =
    'apiVersion: v1\n  kind: Pod\n  metadata: { name: p }\n  spec: { hostNetwork: true, containers: [] }';
  const report = await scanning({
    'list.yaml': `apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  data: { alert: "{{ $labels.instance }}" }\n- ${pod}\n---\n# only a comment\n`,
    'pods.yaml':
      'apiVersion: v1\nkind: PodList\nitems:\n- metadata: { name: q }\n  spec: { hostPID: true, containers: [] }\n',
    'kustomization.yaml':
      'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [list.yaml]\n',
    'chart/templates/web.yaml':
      'apiVersion: v1\nkind: Pod\nmetadata: { name: "{{ .Release.Name }}" }\nspec: { containers: [{ image: "{{ .Values.image }}" }] }\n',
    'crlf.yaml':
      '\ufeffapiVersion: v1\r\nkind: Pod\r\nmetadata:\r\n  name: r\r\nspec:\r\n  hostIPC: true\r\n  containers: []\r\n',
  });
  assert.deepEqual(lines(report), [
    'chart/templates/web.yaml:1 refused NOT_UNDERSTOOD',
    'crlf.yaml:1 refused m/no-privileged',
    'list.yaml:7 refused m/no-privileged',
    'pods.yaml:4 refused m/no-privileged',
  ]);
});

test('SARIF: paths as the scan sees them, results that passed, messages of rules, rules of extensions', () => {
  const here = process.cwd();
  const at = (artifactLocation: object): object => ({
    locations: [{ physicalLocation: { artifactLocation, region: { startLine: 3, startColumn: 2 } } }],
  });
  const sarif = {
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'T',
            rules: [{ id: 'r', messageStrings: { default: { text: 'Found {0} in {1}' } } }],
          },
          extensions: [{ name: 'more', rules: [{ id: 'x', defaultConfiguration: { level: 'error' } }] }],
        },
        originalUriBaseIds: { SRC: { uri: 'file:///elsewhere/checkout/' }, SUB: { uri: 'packages/a/' } },
        artifacts: [{ location: { uri: 'listed.ts' } }],
        results: [
          {
            ruleId: 'r/case',
            message: { id: 'default', arguments: ['a key', 'b'] },
            ...at({ uri: './src/a.ts' }),
          },
          { ruleId: 'r', message: { text: 'm' }, ...at({ uri: 'b.ts', uriBaseId: 'SRC' }) },
          { ruleId: 'r', message: { text: 'm' }, ...at({ uri: 'c.ts', uriBaseId: 'SUB' }) },
          { ruleId: 'r', message: { text: 'm' }, ...at({ uri: `file://${here}/src/d%20e.ts` }) },
          { ruleId: 'r', message: { text: 'm' }, ...at({ index: 0 }) },
          { rule: { id: 'x', index: 0, toolComponent: { index: 0 } }, message: { text: 'm' } },
          { ruleId: 'r', kind: 'pass', level: 'none', message: { text: 'passed' } },
          { ruleId: 'r', baselineState: 'absent', message: { text: 'gone' } },
          { ruleId: 'r', message: { text: 'm' }, suppressions: [{ kind: 'inSource', status: 'rejected' }] },
          { ruleId: 'r', message: { text: 'm' }, suppressions: [{ kind: 'inSource' }] },
        ],
      },
    ],
  };
  const own = readSarif('t.sarif', sarif)?.actions.map((each) => each.own);
  assert.deepEqual(
    own?.map((each) => `${each?.file}:${each?.line} ${each?.rule} ${each?.verdict} ${each?.message}`),
    [
      'src/a.ts:3 T/r/case warned Found a key in b',
      'b.ts:3 T/r warned m',
      'packages/a/c.ts:3 T/r warned m',
      'src/d e.ts:3 T/r warned m',
      'listed.ts:3 T/r warned m',
      't.sarif:1 T/x refused m',
      't.sarif:1 T/r warned m',
    ],
  );
});

const code: readonly { readonly name: string; readonly source: string; readonly found: readonly string[] }[] =
  [
    {
      name: 'a quote in a pattern opens no text',
      source: `exports.up = async (knex) => {\n  const a = /'/; await knex.raw("DROP TABLE x"); const b = /[/']/;\n};`,
      found: ['2 refused m/no-drop'],
    },
    {
      name: 'where a slash could be either, nothing is relied on',
      source: `exports.up = (knex) => { if (x) /'/.test(y); knex.raw("DROP TABLE x"); /'/.test(y) };`,
      found: ['1 refused NOT_UNDERSTOOD'],
    },
    {
      name: 'what a file brings in can do anything; its types cannot',
      source: `import type { Knex } from 'knex';\nimport { db } from '\u002e./db';\nconst { seed } = require('\u002e./seed');\nexport async function up(knex: Knex) {\n  await knex.raw('SELECT 1');\n  await db.raw('DROP TABLE x');\n  await seed({ db: 1 });\n}`,
      found: ['6 refused NOT_UNDERSTOOD', '7 refused NOT_UNDERSTOOD'],
    },
    {
      name: 'nor is the parameter reached by another way',
      source: `exports.up = function (knex) {\n  return arguments[0].raw('DROP TABLE x');\n};`,
      found: ['2 refused NOT_UNDERSTOOD'],
    },
    {
      name: 'a division is a division',
      source: `exports.up = (knex) => {\n  const n = a / 2; const m = '/';\n  return knex.raw('DROP TABLE x');\n};`,
      found: ['3 refused m/no-drop'],
    },
  ];

for (const { name, source, found } of code) {
  test(`Knex: ${name}`, async () => {
    const report = await scanning({ 'migrations/001_a.ts': source });
    assert.deepEqual(
      lines(report).map((line) => line.replace('migrations/001_a.ts:', '')),
      found,
    );
  });
}

test('files that cannot be read are found, and others beside them are not', async () => {
  const report = await scanning(
    {
      'plan.json': '{"format_version":"1.2","resource_changes":[\n{"address":',
      'x.sarif': '{',
      'tsconfig.json': '{ // a comment\n}',
      'package.json': '{"name":"a"}',
      'V2__b.java': 'class B {}',
      'V1__a.sql': '\ufeffCREATE TABLE a (id int);\r\n\r\nDROP TABLE a;\r\n',
    },
    { git: true },
  );
  assert.deepEqual(lines(report), [
    'V1__a.sql:3 refused m/no-drop',
    'V2__b.java:1 refused NOT_UNDERSTOOD',
    'plan.json:2 refused NOT_UNDERSTOOD',
    'x.sarif:1 refused NOT_UNDERSTOOD',
  ]);
});

test('a line that a file does not have takes the commit from no other', async () => {
  const result = (startLine: number): object => ({
    ruleId: 'r',
    message: { text: 'm' },
    locations: [{ physicalLocation: { artifactLocation: { uri: 'a.txt' }, region: { startLine } } }],
  });
  const sarif = {
    version: '2.1.0',
    runs: [{ tool: { driver: { name: 't' } }, results: [1, 99].map(result) }],
  };
  const { findings } = await scanning({ 'a.txt': 'x\n', 's.sarif': JSON.stringify(sarif) }, { git: true });
  assert.deepEqual(
    findings.map(({ line, commit }) => [line, commit?.author]),
    [
      [1, 'Ada'],
      [99, undefined],
    ],
  );
});

test('the end of a shallow clone is nobody’s commit; a renamed file keeps its own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-shallow-'));
  const before = process.cwd();
  const git = (cwd: string, ...args: readonly string[]): void => {
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=a@b', ...args], { cwd, stdio: 'ignore' });
  };
  try {
    const whole = join(folder, 'whole');
    git(folder, 'init', '-q', whole);
    writeFileSync(join(whole, 'a.sql'), 'DROP TABLE a;\n');
    git(whole, 'add', '.');
    git(whole, 'commit', '-q', '-m', 'One');
    git(whole, 'mv', 'a.sql', 'b.sql');
    git(whole, 'commit', '-q', '-m', 'Two');
    writeFileSync(join(whole, 'b.sql'), 'DROP TABLE a;\nDROP TABLE b;\n');
    git(whole, 'commit', '-q', '-a', '-m', 'Three');
    git(folder, 'clone', '-q', '--depth', '1', `file://${whole}`, 'end');
    git(folder, 'clone', '-q', '--depth', '2', `file://${whole}`, 'some');
    const commits = async (clone: string): Promise<readonly unknown[]> => {
      const { findings, notes } = await scanning({}, { paths: [join(folder, clone, 'b.sql')] });
      assert.deepEqual(notes, []); // the folder of the scan is no shallow clone
      process.chdir(join(folder, clone));
      const shallow = await isShallow();
      process.chdir(before);
      return [shallow, ...findings.map(({ commit }) => commit?.summary)];
    };
    assert.deepEqual(await commits('whole'), [false, 'One', 'Three']);
    assert.deepEqual((await commits('end'))[0], true);
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  }
});

test('placesIn() and elementPlaces() say where things stand', () => {
  const place = placesIn('a\n\nbc\n');
  assert.deepEqual(
    [0, 1, 2, 3, 4, 99].map((at) => Object.values(place(at)).join(':')),
    ['1:1', '1:2', '2:1', '3:1', '3:2', '4:94'],
  );
  const text = '{"x":[{"k":1}],\n"y":{"x":[null, {"a":{"k":0}},\n {"z":"]","k":"\\"x\\":"}, 7]}}';
  const of = elementPlaces(text, ['y', 'x']);
  assert.deepEqual(
    [0, 1, 2, 3].map((at) => Object.values(of(at, 'k')).join(':')),
    ['2:11', '2:23', '3:11', '3:26'],
  );
});
