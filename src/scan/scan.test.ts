import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kindsOf } from '../policy/kinds.ts';
import { loadPolicy } from '../policy/load.ts';
import { lines, policy, scanning } from './fake.ts';
import type { ScanParts } from './scan.ts';

const cases: readonly {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly more?: Partial<ScanParts>;
  readonly found: readonly string[];
}[] = [
  {
    name: 'Flyway goes by versions, repeatable ones last, and leaves the way back out',
    files: {
      'db/V2__b.sql': 'DELETE FROM a WHERE id = 1;',
      'db/V10__c.sql': '-- why\n\n/* /* nested */ */ TRUNCATE a;',
      'db/V1__a.sql': 'CREATE TABLE a (id int PRIMARY KEY, n text);\n',
      'db/U1__a.sql': 'DROP TABLE a;',
      'db/R__z.sql': 'DELETE FROM a WHERE n = $$x$$;',
    },
    found: ['db/R__z.sql:1 held m/wide', 'db/V10__c.sql:3 refused m/no-drop'],
  },
  {
    name: 'golang-migrate judges up, and down when asked to',
    files: { '000001_a.up.sql': 'CREATE TABLE a (id int)', '000001_a.down.sql': 'DROP TABLE a' },
    more: { down: true },
    found: ['000001_a.down.sql:1 refused m/no-drop'],
  },
  {
    name: 'Prisma has a folder for each',
    files: {
      'prisma/migrations/20240102_b/migration.sql': 'DELETE FROM "User" WHERE "id" = 1;',
      'prisma/migrations/20240101_a/migration.sql':
        'CREATE TABLE "User" ("id" INT NOT NULL, PRIMARY KEY ("id"));',
    },
    found: [],
  },
  {
    name: 'Drizzle breaks statements with a comment',
    files: {
      'drizzle/0000_a.sql': 'CREATE TABLE "a" ("id" serial);\n--> statement-breakpoint\nDROP TABLE "b";',
      'drizzle/meta/_journal.json': '{"entries":[]}',
    },
    found: ['drizzle/0000_a.sql:3 refused m/no-drop'],
  },
  {
    name: 'Knex: literal raw() is read, all else is not understood',
    files: {
      '20240101000000_a.js':
        "exports.up = async (knex) => {\n  await knex.raw('CREATE TABLE a (id int primary key)');\n  await knex.schema.raw(`DELETE FROM a`);\n  // knex.raw('DROP TABLE x')\n};\nexports.down = (knex) => knex.raw('DROP TABLE a');\n",
      '20240102000000_b.ts':
        "import type { Knex } from 'knex';\nexport async function up(knex: Knex): Promise<void> {\n  await knex.schema.createTable('t', (t) => t.increments());\n  await knex.raw(`DROP TABLE ${'t'}`);\n}\n",
    },
    found: [
      '20240101000000_a.js:3 held m/wide',
      '20240102000000_b.ts:3 refused NOT_UNDERSTOOD',
      '20240102000000_b.ts:4 refused NOT_UNDERSTOOD',
    ],
  },
  {
    name: 'what hangs on a table is followed: keys, cascades, triggers, views',
    files: {
      'a.sql': [
        'CREATE TABLE c (id int PRIMARY KEY, n text);',
        'CREATE TABLE orders (id int, c int REFERENCES c ON DELETE CASCADE);',
        'DELETE FROM c WHERE id = 1;', // into orders
        'CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN END $$;',
        'CREATE TABLE t (id int PRIMARY KEY);',
        'UPDATE t SET id = 2 WHERE id = 1;',
        'CREATE TRIGGER g AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();',
        'UPDATE t SET id = 2 WHERE id = 1;', // runs f
        'CREATE VIEW v AS SELECT * FROM orders;',
        'INSERT INTO v VALUES (1, 2);', // into orders
      ].join('\n'),
    },
    found: [
      'a.sql:3 refused m/orders-stay',
      'a.sql:7 held m/code',
      'a.sql:8 held m/code',
      'a.sql:10 refused m/orders-stay',
    ],
  },
  {
    name: 'what no migration made is a plain table, an unknown function can do anything',
    files: {
      'a.sql': 'UPDATE orders SET a = 1 WHERE id = 1;\nSELECT purge(1);\nSELECT now(), lower(n) FROM x;',
    },
    found: ['a.sql:1 refused m/orders-stay', 'a.sql:2 held m/code'],
  },
  {
    name: 'a statement that cannot be read does not hide its neighbours',
    files: { 'a.sql': "CREATE TABLE a (n text DEFAULT 'x;y');\n\\connect b\n;\nDROP TABLE a;" },
    found: ['a.sql:2 refused NOT_UNDERSTOOD', 'a.sql:4 refused m/no-drop'],
  },
  {
    name: 'what is only warned of is said',
    files: { 'a.sql': "CREATE TABLE a ();\nCOMMENT ON TABLE a IS 'x';" },
    found: ['a.sql:2 warned m/soon'],
  },
  {
    name: 'manifests: every pod, several documents, templates are not understood',
    files: {
      'k/a.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: { name: b }\nspec:\n  template:\n    spec:\n      containers:\n        - { name: c, image: x, securityContext: { privileged: true } }\n',
      'k/t.yaml': 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Values.name }}\n  {{- if }}\n',
      'other.yaml': 'a: 1\n',
    },
    found: ['k/a.yaml:5 refused m/no-privileged', 'k/t.yaml:5 refused NOT_UNDERSTOOD'],
  },
  {
    name: 'a plan of Terraform',
    files: {
      'plan.json': JSON.stringify(
        {
          format_version: '1.2',
          resource_changes: [
            {
              address: 'aws_s3_bucket.a',
              type: 'aws_s3_bucket',
              change: { actions: ['create'], after: { acl: 'public-read' } },
            },
            { address: 'x.b', type: 'x', change: { actions: ['explode'], after: {} } },
          ],
        },
        undefined,
        1,
      ),
    },
    found: ['plan.json:5 refused m/no-public-bucket', 'plan.json:17 refused NOT_UNDERSTOOD'],
  },
  {
    name: 'a preview of Pulumi, with the levels of its own policies',
    files: {
      'p.json': JSON.stringify({
        steps: [
          { op: 'create', urn: 'urn:a', newState: { type: 'aws:s3:Bucket', inputs: { acl: 'public-read' } } },
        ],
        policyEvents: ['mandatory', 'advisory', 'disabled', 'remediate', 'new'].map((enforcementLevel) => ({
          resourceUrn: 'urn:a',
          message: enforcementLevel,
          policyName: enforcementLevel,
          policyPackName: 'pack',
          enforcementLevel,
        })),
      }),
    },
    found: [
      'p.json:1 refused m/no-public-bucket',
      'p.json:1 refused pulumi/pack/mandatory',
      'p.json:1 refused pulumi/pack/remediate',
      'p.json:1 refused pulumi/pack/new',
      'p.json:1 warned pulumi/pack/advisory',
    ],
  },
  {
    name: 'SARIF of others is joined',
    files: {
      'x.sarif': JSON.stringify({
        version: '2.1.0',
        runs: [
          {
            tool: { driver: { name: 'gitleaks', rules: [{ id: 'key' }] } },
            results: [
              {
                ruleId: 'key',
                level: 'error',
                message: { text: 'A key' },
                locations: [
                  {
                    physicalLocation: { artifactLocation: { uri: 'src/a%20b.ts' }, region: { startLine: 7 } },
                  },
                ],
              },
              {
                ruleIndex: 0,
                message: { text: 'old' },
                suppressions: [{ kind: 'external', status: 'accepted' }],
              },
            ],
          },
        ],
      }),
    },
    found: ['src/a b.ts:7 refused gitleaks/key'],
  },
];

for (const { name, files, more, found } of cases) {
  test(name, async () => {
    assert.deepEqual([...lines(await scanning(files, more))].sort(), [...found].sort());
  });
}

test('a kind that the policy does not speak of is refused once, and said', async () => {
  const only = policy(`  - id: accepted
    effect: allow
    match: { identity: { groups: [dba] }, resource: { kind: scanner } }
    when: action.severity < 7.0
`);
  const sarif = (severity: string): string =>
    JSON.stringify({
      version: '2.1.0',
      runs: [
        {
          tool: {
            driver: { name: 't', rules: [{ id: 'r', properties: { 'security-severity': severity } }] },
          },
          results: [{ ruleId: 'r', ruleIndex: 0, level: 'error', message: { text: 'm' } }],
        },
      ],
    });
  const judged = await scanning({ 'a.sarif': sarif('5.0'), 'b.sarif': sarif('9.8') }, { policy: only });
  assert.deepEqual(lines(judged), ['a.sarif:1 noted t/r', 'b.sarif:1 refused NO_ALLOW_RULE']);
  const bare = loadPolicy(
    new Map([
      ['policy.yaml', 'apiVersion: sallyport/v1\nlayers: [{ name: a, role: grant, use: [{ module: m }] }]\n'],
      [
        'modules/m.policy.yaml',
        'apiVersion: sallyport/v1\nmodule: m\nrules: [{ id: a, effect: allow, match: {} }]\n',
      ],
    ]),
    kindsOf([]),
  );
  assert.ok(bare.ok);
  const unjudged = await scanning({ 'a.yaml': 'apiVersion: v1\nkind: A\n' }, { policy: bare.value });
  assert.deepEqual(lines(unjudged), ['a.yaml:1 refused NO_ALLOW_RULE']);
});

test('a finding names the commit that brought its line', async () => {
  const { findings } = await scanning({ 'a.sql': 'CREATE TABLE a ();\nDROP TABLE a;' }, { git: true });
  assert.equal(findings[0]?.commit?.author, 'Ada');
  assert.equal(findings[0]?.commit?.summary, 'Bring the migrations');
});

test('what was there before is known from a schema', async () => {
  const files = { 'a.sql': 'DELETE FROM c WHERE id = 1;' };
  assert.deepEqual(lines(await scanning(files)), ['a.sql:1 held m/wide']);
  const report = await scanning(files, {
    schema:
      "SELECT pg_catalog.set_config('search_path', '', false);\nCREATE TABLE public.c (id integer NOT NULL);\nALTER TABLE ONLY public.c ADD CONSTRAINT c_pkey PRIMARY KEY (id);",
  });
  assert.deepEqual(lines(report), []);
});
