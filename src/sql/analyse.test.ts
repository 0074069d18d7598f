import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { type Access, type Action, worstAccess } from '../core/action.ts';
import { analyse } from './analyse.ts';
import type { Scope, Statement } from './analysis.ts';
import { catalogue, type Catalogue } from './catalogue.ts';
import { publicPath, shop, shopData, userCast } from './fake.ts';
import { parse } from './parse.ts';
import { isNode, type Node, open } from './tree.ts';
import { attributes, verbs } from './verbs.ts';

let db: Catalogue;
before(async () => {
  db = await shop();
});

const limits = { statementBytes: 2_000_000, statementDepth: 500, statementsPerQuery: 1_000 };

function statements(text: string, at: Catalogue = db, scope: Scope = publicPath): readonly Statement[] {
  const parsed = parse(text, limits);
  assert.ok(parsed.ok, `${text}: ${parsed.ok ? '' : parsed.message}`);
  return analyse(parsed.statements, at, scope).statements;
}

function actionOf(text: string, at: Catalogue = db, scope: Scope = publicPath): Action {
  const [statement] = statements(text, at, scope);
  assert.ok(statement, text);
  return statement.action;
}

function targetsOf(action: Action): string {
  return action.targets
    .map(({ kind, name, access }) => `${kind === 'table' ? '' : `${kind} `}${name}:${access}`)
    .join(' + ');
}

/** `verb | access | targets | what else`, as testdata/access.sql has it. */
function summary({ action, effect }: Statement): string {
  const { condition, locks, temporary, copy, explain } = action.attributes;
  const more = [
    condition === 'none' ? '' : condition,
    locks === true ? 'locks' : '',
    temporary === true ? 'temporary' : '',
    copy === 'none' ? '' : `copy-${String(copy)}`,
    explain === true ? 'explain' : '',
    effect.kind === 'none' ? '' : `effect=${effect.kind}`,
  ];
  const parts = [action.verb, action.access, targetsOf(action), more.filter((each) => each !== '').join(' ')];
  return parts
    .join(' | ')
    .replace(/( \| )+$/, '')
    .trimEnd();
}

interface Case {
  readonly expected: string;
  readonly text: string;
}

function cases(file: string): readonly Case[] {
  const text = readFileSync(new URL(`testdata/${file}`, import.meta.url), 'utf8');
  return [...text.matchAll(/^-- (.*)\n(.*)$/gm)].map(([, expected = '', sql = '']) => ({
    expected,
    text: sql,
  }));
}

test('analyse() says of each statement what it does to what', () => {
  const all = cases('access.sql');
  assert.ok(all.length > 350);
  for (const { expected, text } of all) {
    const [statement] = statements(text);
    assert.ok(statement);
    assert.equal(summary(statement), expected, text);
  }
});

test('every verb and attribute it gives is declared', () => {
  for (const { text } of cases('access.sql')) {
    const action = actionOf(text);
    assert.ok(action.verb in verbs, text);
    assert.deepEqual(Object.keys(action.attributes).sort(), Object.keys(attributes).sort());
    for (const [name, value] of Object.entries(action.attributes)) {
      assert.equal(Array.isArray(value) ? 'strings' : typeof value, attributes[name], name);
    }
    assert.equal(action.access, worstAccess(action.targets.map((each) => each.access)));
    assert.equal(action.attributes['byKey'], action.attributes['condition'] === 'key');
  }
});

test('a statement that nobody may misread is not called worse than it is', () => {
  for (const { text } of cases('reads.sql')) {
    const action = actionOf(text);
    assert.equal(action.access, 'read', `${text}\n${targetsOf(action)}\n${action.notes.join('\n')}`);
  }
});

test('statements are judged one by one, in order', () => {
  const found = statements('select 1; delete from audit; commit; select 2');
  assert.deepEqual(
    found.map((each) => each.action.verb),
    ['sql.select', 'sql.delete', 'sql.transaction', 'sql.select'],
  );
  assert.equal(found[1]?.action.text, 'delete from audit');
});

const secret = 'sécret-4111111111111111';

test('notes, targets and attributes hold no literal of the statement', () => {
  const texts = [
    `select query_to_xml('${secret}', true, true, '')`,
    `select set_config('${secret}', '${secret}', false)`,
    `select set_config('role', '${secret}', false)`,
    `select nextval('${secret}')`,
    `copy customers to '/tmp/${secret}'`,
    `copy customers to program '${secret}'`,
    `notify c, '${secret}'`,
    `do '${secret}'`,
    `set application_name = '${secret}'`,
    `set standard_conforming_strings = '${secret}'`,
    `delete from audit where note = '${secret}'`,
    `comment on table audit is '${secret}'`,
    `create role r password '${secret}'`,
    `load '${secret}'`,
    `create subscription s connection '${secret}' publication p`,
    `prepare transaction '${secret}'`,
    `select nosuch('${secret}')`,
    `select pg_notify('${secret}', '${secret}')`,
  ];
  for (const text of texts) {
    const { targets, attributes: given, notes, columns } = actionOf(text);
    assert.ok(!JSON.stringify({ targets, given, notes, columns }).includes(secret), text);
  }
});

// In every slot of the grammar where an expression stands, a call is seen; whatever else stands there is unknown.
const evil: Node = {
  FuncCall: {
    funcname: [{ String: { sval: 'app' } }, { String: { sval: 'innocent' } }],
    funcformat: 'COERCE_EXPLICIT_CALL',
  },
};
const strange: Node = { StrangeExpr: {} };

/** Every tree that is this one with one node replaced. Names and constants of the grammar are no slots for expressions. */
function* replaced(value: unknown, by: Node): Generator {
  if (Array.isArray(value)) {
    for (const [at, each] of value.entries()) {
      for (const other of replaced(each, by)) yield value.with(at, other);
    }
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (isNode(value) && !names.has(open(value)[0])) yield by;
  for (const [key, each] of Object.entries(value)) {
    for (const other of replaced(each, by)) yield { ...value, [key]: other };
  }
}

const names: ReadonlySet<string> = new Set([
  'String',
  'Integer',
  'Float',
  'Boolean',
  'A_Star',
  'List',
  'DefElem',
  'RoleSpec',
]);

/** Kept for later, or read as names: what stands in them is not run by this statement. */
const kept: ReadonlySet<string> = new Set(
  `CreateFunctionStmt AlterFunctionStmt RuleStmt DefineStmt CreateRangeStmt AlterTypeStmt AlterOperatorStmt
  CreateCastStmt CreateTransformStmt CreateConversionStmt CreateOpClassStmt CreateOpFamilyStmt AlterOpFamilyStmt
  CreateAmStmt CreatePLangStmt GrantStmt GrantRoleStmt AlterDefaultPrivilegesStmt DropOwnedStmt ReassignOwnedStmt
  AlterRoleStmt AlterRoleSetStmt DropRoleStmt AlterDatabaseSetStmt AlterExtensionContentsStmt CreateFdwStmt AlterFdwStmt
  CreateEventTrigStmt AlterEventTrigStmt CreatePublicationStmt AlterPublicationStmt CreateSubscriptionStmt
  AlterSubscriptionStmt DropSubscriptionStmt AlterSystemStmt AlterTSDictionaryStmt AlterTSConfigurationStmt
  ImportForeignSchemaStmt DropStmt CommentStmt SecLabelStmt RenameStmt AlterObjectSchemaStmt
  AlterObjectDependsStmt AlterOwnerStmt AlterSeqStmt CreateSeqStmt VariableSetStmt TransactionStmt ConstraintsSetStmt
  LockStmt TruncateStmt VacuumStmt ClusterStmt ReindexStmt DoStmt CreateForeignTableStmt CreateSchemaStmt`.split(
    /\s+/,
  ),
);

test('analyse() sees every node of a statement that runs it: a call makes it execute, a strange node unknown', () => {
  let slots = 0;
  for (const { text } of cases('access.sql')) {
    const parsed = parse(text, limits);
    assert.ok(parsed.ok);
    const [statement] = parsed.statements;
    assert.ok(statement);
    if (kept.has(open(statement.node)[0])) continue;
    for (const [by, least] of [
      [evil, 'execute'],
      [strange, 'unknown'],
    ] as const) {
      for (const tree of replaced(statement.node, by) as Iterable<unknown>) {
        if (!isNode(tree) || tree === by) continue;
        const action: Action | undefined = analyse([{ node: tree, text }], db, publicPath).statements[0]
          ?.action;
        const access: Access = action?.access ?? 'read';
        assert.equal(worstAccess([access, least]), access, `${text}\n${JSON.stringify(tree)}`);
        slots++;
      }
    }
  }
  assert.ok(slots > 2_000);
});

test('a field that the grammar does not know makes the statement unknown', () => {
  const node: Node = { SelectStmt: { targetList: [], newClause: { DeleteStmt: {} } } };
  assert.equal(analyse([{ node, text: '' }], db, publicPath).statements[0]?.action.access, 'unknown');
  const bare: Node = { SelectStmt: { fromClause: [{ relname: 'customers' }] } };
  assert.equal(analyse([{ node: bare, text: '' }], db, publicPath).statements[0]?.action.access, 'unknown');
  assert.equal(
    analyse([{ node: strange, text: '' }], db, publicPath).statements[0]?.action.verb,
    'sql.unknown',
  );
});

const scopes: readonly (readonly [string, readonly string[], string])[] = [
  // A temporary table takes the place of the real one; a real one takes the place of a temporary one when it is named.
  ['delete from customers', ['pg_temp_3', 'pg_catalog', 'public'], 'pg_temp_3.customers:write'],
  ['select * from public.scratch', ['pg_temp_3', 'pg_catalog', 'public'], 'public.scratch:unknown'],
  [
    'insert into pg_temp.scratch values (1)',
    ['pg_temp_3', 'pg_catalog', 'public'],
    'pg_temp_3.scratch:write',
  ],
  [
    'select * from secrets',
    ['pg_catalog', 'app', 'public'],
    'app.secrets:read + function app.allowed(text):execute',
  ],
  ['select * from secrets', ['pg_catalog', 'public'], 'secrets:unknown'],
  // The path decides whose function and whose operator it is.
  ["select length('x')", ['pg_catalog', 'public'], ''],
  ["select length('x')", ['public', 'pg_catalog'], 'function public.length(text):execute'],
  ["select length('x')", ['public'], ''],
  ['select 1 = 2', ['pg_catalog', 'app'], ''],
  ['select 1 = 2', ['app', 'pg_catalog'], 'function app.eq(integer, integer):execute'],
  ['select 1 where 1 in (2)', ['app', 'pg_catalog'], 'function app.eq(integer, integer):execute'],
  ['select case 1 when 2 then 3 end', ['app', 'pg_catalog'], 'function app.eq(integer, integer):execute'],
  ['select nullif(1, 2)', ['app', 'pg_catalog'], 'function app.eq(integer, integer):execute'],
  ['select 1 where 1 in (select 2)', ['app', 'pg_catalog'], 'function app.eq(integer, integer):execute'],
  ['select 1 === 2', ['app', 'pg_catalog'], 'function app.eq(integer, integer):execute'],
  ['select innocent()', ['app', 'pg_catalog'], 'function app.innocent():execute'],
  ['select innocent()', ['pg_temp_3', 'pg_catalog', 'public'], 'function innocent:unknown'],
  // A view's own names do not depend on the path.
  [
    'select * from customer_names',
    ['pg_temp_3', 'app', 'pg_catalog', 'public'],
    'public.customer_names:read + public.customers:read',
  ],
  ['create table t (a int)', ['pg_temp_3', 'pg_catalog', 'app', 'public'], 'app.t:define'],
];

test('names are resolved as the search path says', () => {
  for (const [text, searchPath, expected] of scopes) {
    assert.equal(
      targetsOf(actionOf(text, db, { searchPath })),
      expected,
      `${text} (${searchPath.join(', ')})`,
    );
  }
  assert.equal(actionOf('delete from pg_temp_3.scratch').attributes['temporary'], true);
});

test("a key counts only with an equality that is the type's own", () => {
  const path = { searchPath: ['app', 'pg_catalog', 'public'] };
  assert.equal(actionOf('delete from audit where id = 1').attributes['condition'], 'key');
  assert.equal(actionOf('delete from audit where id = 1', db, path).attributes['condition'], 'other');
  // An operator of a user for a type of a user says nothing of a number.
  const data = shopData();
  const other = { oid: 21_099, schema: 'public', name: '=', left: 19_001, right: 19_001, routine: 20_007 };
  const withOther = catalogue({ ...data, operators: [...data.operators, other] });
  assert.equal(actionOf('delete from audit where id = 1', withOther).attributes['condition'], 'key');
  assert.equal(actionOf('delete from audit where id = 1.5::float8').attributes['condition'], 'other');
});

test('casts of users count where their types are, named or not', () => {
  const data = shopData();
  const with_ = catalogue({ ...data, casts: [...data.casts, userCast] });
  const run = 'function app.code_int(app.code):execute';
  assert.ok(targetsOf(actionOf('select * from coded', with_)).includes(run));
  assert.ok(targetsOf(actionOf("select 'x'::app.code", with_)).includes(run));
  assert.ok(targetsOf(actionOf('select $1::int', with_)).includes(run));
  assert.equal(
    targetsOf(actionOf('select name from customers where id = 1', with_)),
    'public.customers:read',
  );
});

test('words that are syntax now were functions of users on older servers', () => {
  const old = catalogue({ ...shopData(), serverMajor: 15 });
  assert.equal(actionOf("select json_value('{}', '$.a')").access, 'read');
  assert.equal(actionOf("select json_value('{}', '$.a')", old).access, 'execute');
});

test('what prepares or declares carries the statement inside', () => {
  const [prepared] = statements('prepare p as delete from audit where id = $1');
  assert.ok(prepared?.effect.kind === 'prepare');
  assert.equal(prepared.effect.name, 'p');
  assert.equal(prepared.effect.statement.action.verb, 'sql.delete');
  assert.equal(prepared.effect.statement.action.access, 'write');
  const [declared] = statements('declare c cursor for select ssn from customers');
  assert.ok(declared?.effect.kind === 'declare');
  assert.equal(declared.effect.statement.outputs.kind, 'columns');
  const [executed] = statements('create table x as execute p(1)');
  assert.deepEqual(executed?.effect, { kind: 'execute', name: 'p', into: 'x' });
});

test('the format of COPY TO STDOUT is known', () => {
  const formats: readonly (readonly [string, object])[] = [
    ['', { format: 'text', delimiter: '\t', null: '\\N', header: false, quote: '"', escape: '"' }],
    ['with csv header', { format: 'csv', delimiter: ',', null: '', header: true, quote: '"', escape: '"' }],
    [
      `(format csv, delimiter ';', null 'x', quote '''', escape '\\', header false)`,
      { format: 'csv', delimiter: ';', null: 'x', header: false, quote: "'", escape: '\\' },
    ],
    [
      `with delimiter '|' null ''`,
      { format: 'text', delimiter: '|', null: '', header: false, quote: '"', escape: '"' },
    ],
    ['binary', { format: 'binary', delimiter: '\t', null: '\\N', header: false, quote: '"', escape: '"' }],
  ];
  for (const [options, copy] of formats) {
    const text =
      options === 'binary'
        ? 'copy customers to stdout (format binary)'
        : `copy customers to stdout ${options}`;
    assert.deepEqual(statements(text)[0]?.effect, { kind: 'copy-out', copy }, text);
  }
});

test('analyse() takes wide and deep statements', () => {
  const rows = Array.from({ length: 10_000 }, (_, at) => `(${at}, '${'x'.repeat(60)}')`).join(', ');
  assert.equal(actionOf(`insert into audit (id, note) values ${rows}`).access, 'write');
  const deep = `select ${'1 + '.repeat(450)}1`;
  assert.equal(actionOf(deep).access, 'read');
  const ctes = Array.from(
    { length: 300 },
    (_, at) => `c${at} as (select * from ${at === 0 ? 'customers' : `c${at - 1}`})`,
  );
  assert.equal(targetsOf(actionOf(`with ${ctes.join(', ')} select * from c299`)), 'public.customers:read');
});
