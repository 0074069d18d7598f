import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, suite, test } from 'node:test';
import fc from 'fast-check';
import type { ColumnRef } from '../core/action.ts';
import type { Lineage, Outputs } from './analysis.ts';
import {
  type Catalogue,
  catalogue,
  type CatalogueData,
  type Relation,
  type Routine,
  type Type,
} from './catalogue.ts';
import { shopData } from './fake.ts';
import { columnUses, lineageOf } from './lineage.ts';
import { load, parse } from './parse.ts';
import type { Node } from './tree.ts';

// ---------------------------------------------------------------------------------------------- a database

const limits = { statementBytes: 1_000_000, statementDepth: 10_000, statementsPerQuery: 1 };

function statement(sql: string): Node {
  const parsed = parse(sql, limits);
  const node = parsed.ok ? parsed.statements[0]?.node : undefined;
  assert.ok(node, sql);
  return node;
}

const own = { address: 30_001, word: 30_002, mood: 30_003 } as const;
const typeOids: Readonly<Record<string, number>> = Object.fromEntries([
  ...Object.entries(own),
  ['int', 23],
  ['int8', 20],
  ['varchar', 1043],
  ['text[]', 1009],
  ['date', 1082],
  ['numeric', 1700],
  ['jsonb', 3802],
  ['xml', 142],
  ['people', 31_000],
  ['people[]', 32_000],
]);

let lastOid = 40_000;

function relation(
  name: string,
  columns: string,
  rest: Partial<Relation> & { readonly query?: string } = {},
): Relation {
  const dot = name.indexOf('.');
  const { query, ...given } = rest;
  return {
    oid: ++lastOid,
    schema: name.slice(0, dot),
    name: name.slice(dot + 1),
    kind: query === undefined ? 'table' : 'view',
    temporary: false,
    columns: columns.split(' ').map((each, at) => {
      const [column = '', type = 'text', generated] = each.split(':');
      return { name: column, attnum: at + 1, type: typeOids[type] ?? 25, generated: generated !== undefined };
    }),
    keys: [],
    cascades: [],
    children: [],
    parents: [],
    runs: [],
    rules: [],
    rowSecurity: false,
    ...(query === undefined ? {} : { definition: statement(query) }),
    ...given,
  };
}

function relations(): readonly Relation[] {
  return [
    relation(
      'public.people',
      'id:int name ssn email:varchar card cards:text[] born:date pay:numeric doc:jsonb page:xml home:address',
      { oid: 41_000 },
    ),
    relation('public.orders', 'id:int person:int item note total:int8 mood:mood'),
    relation('public.guess', 'ssn name id:int'),
    relation('public.notes', 'id:int body who:people all_of:people[]'),
    relation('public.mother', 'id:int tale', { children: ['public.daughter'] }),
    relation('public.daughter', 'id:int tale own', { parents: ['public.mother'] }),
    relation('public.parts', 'id:int what', { kind: 'partitioned', children: ['public.parts_1'] }),
    relation('public.parts_1', 'id:int what', { parents: ['public.parts'] }),
    relation('public.gen', 'a b loud:text:generated'),
    relation('public.Odd "T', 'Sp_ace select'),
    relation('app.people', 'id:int ssn other'),
    relation('public.far', 'id:int ssn', { kind: 'foreign' }),
    relation('public.counter', '', { kind: 'sequence', columns: [] }),
    relation('public.ruled', 'a', { rules: ['insert'] }),
    relation('pg_temp_3.leak', 'a', { temporary: true }),
    relation('public.no_query', 'a', { kind: 'view' }),
    relation('public.address_type', 'street city', { oid: 42_000, name: 'address', kind: 'composite' }),
    relation('public.vp', 'id:int national_id name', {
      query: 'SELECT people.id, people.ssn AS national_id, people.name FROM public.people',
    }),
    relation('public.vv', 'both_of nid n:int', {
      query: `SELECT ((vp.national_id || '-'::text) || vp.name) AS both_of, vp.national_id AS nid, count(*) OVER () AS n FROM public.vp`,
    }),
    relation('public.mp', 'm_ssn m_email:varchar', {
      kind: 'materialized',
      query: 'SELECT people.ssn AS m_ssn, people.email AS m_email FROM public.people',
    }),
    relation('public.united', 'u', {
      query: 'SELECT people.ssn AS u FROM public.people UNION ALL SELECT orders.item FROM public.orders',
    }),
    relation('public.opaque', 'id:int s', {
      query: 'SELECT people.id, public.f_ssn(people.id) AS s FROM public.people',
    }),
    relation('public.short', 'a b', { query: 'SELECT 1 AS a' }),
    relation('public.loop', 'a', { query: 'SELECT loop.a FROM public.loop' }),
    relation('public.triggered', 'id:int name', {
      query: 'SELECT people.id, people.name FROM public.people',
      runs: [{ on: 'insert', routine: 'public.tr()' }],
    }),
  ];
}

function routine(oid: number, name: string, rest: Partial<Routine>): Routine {
  const [schema = '', bare = ''] = name.split('.');
  return {
    oid,
    schema,
    name: bare,
    kind: 'function',
    volatility: 'volatile',
    securityDefiner: false,
    owner: 'owner',
    language: 'plpgsql',
    arguments: [],
    defaults: 0,
    variadic: false,
    returns: 25,
    returnsSet: false,
    columns: [],
    calls: [],
    ...rest,
  };
}

const routines: readonly Routine[] = [
  routine(50_001, 'public.f_ssn', { arguments: [23] }),
  routine(50_016, 'public.tr', { returns: 2279 }),
  routine(50_002, 'public.f_people', { returns: 31_000, returnsSet: true }),
  routine(50_003, 'public.f_table', {
    arguments: [23],
    returns: 2249,
    returnsSet: true,
    columns: ['a', 'b'],
  }),
  routine(50_004, 'public.f_record', { returns: 2249, returnsSet: true }),
  routine(50_005, 'public.age', { arguments: [31_000], returns: 23 }),
  routine(50_006, 'app.spy', { arguments: [25, 25], returns: 16 }),
  routine(50_007, 'app.longest', { kind: 'aggregate', language: 'internal', arguments: [25], calls: [458] }),
  routine(50_008, 'app.glue', { kind: 'aggregate', language: 'internal', arguments: [25], calls: [50_006] }),
  routine(50_009, 'app.to_mood', { arguments: [23], returns: own.mood }),
  routine(50_010, 'public.upper', { arguments: [own.mood], returns: 25 }),
  routine(50_011, 'public.p_quiet', { kind: 'procedure', arguments: [23], returns: 2278 }),
  routine(50_012, 'public.p_loud', { kind: 'procedure', arguments: [23], returns: 2249, columns: ['a'] }),
  routine(50_013, 'public.digest', {
    arguments: [25, 25],
    returns: 17,
    language: 'c',
    volatility: 'immutable',
    extension: 'pgcrypto',
  }),
  routine(50_014, 'public.dblink', {
    arguments: [25],
    returns: 2249,
    language: 'c',
    extension: 'dblink',
    returnsSet: true,
  }),
  routine(50_015, 'public.f_defaults', { arguments: [23, 25], defaults: 1, returns: 25 }),
];

function type(oid: number, name: string, rest: Partial<Type>): Type {
  const [schema = '', bare = ''] = name.split('.');
  return { oid, schema, name: bare, kind: 'base', element: 0, base: 0, relation: 0, runs: [], ...rest };
}

const types: readonly Type[] = [
  type(own.address, 'public.address', { kind: 'composite', relation: 42_000 }),
  type(own.word, 'public.word', { kind: 'domain', base: 25 }),
  type(own.mood, 'public.mood', { kind: 'enum' }),
  type(31_000, 'public.people', { kind: 'composite', relation: 41_000 }),
  type(32_000, 'public._people', { element: 31_000 }),
  type(30_010, 'public.evil', { runs: ['app.spy'] }),
];

function database(change: Partial<CatalogueData> = {}): Catalogue {
  const shop = shopData();
  const isOwn = (each: { readonly oid: number }): boolean => each.oid < 16_384;
  return catalogue({
    ...shop,
    relations: [...shop.relations.filter(isOwn), ...relations()],
    functions: [...shop.functions.filter(isOwn), ...routines],
    operators: [
      ...shop.operators.filter(isOwn),
      { oid: 51_001, schema: 'app', name: '===', left: 25, right: 25, routine: 50_006 },
    ],
    casts: [...shop.casts, { source: 23, target: own.mood, routine: 50_009, how: 'function' }],
    types: [...shop.types.filter(isOwn), ...types],
    ...change,
  });
}

const scope = { searchPath: ['pg_catalog', 'public'] };
let known: Catalogue;

before(async () => {
  await load();
  known = database();
});

// ---------------------------------------------------------------------------------------------- printing

function shown(refs: readonly ColumnRef[]): string {
  const objects = [...new Set(refs.map((each) => each.object))];
  return objects
    .flatMap((object) => {
      const names = refs.filter((each) => each.object === object).map((each) => each.column);
      const [schema = '', name = ''] = object.split('.');
      const all = known.relation(schema, name)?.columns.length;
      const short = object.replace(/^public\./, '');
      return names.length > 3 && names.length === all
        ? [`${short}.*`]
        : names.map((each) => `${short}.${each}`);
    })
    .join(' ');
}

function told(lineage: Lineage): string {
  const via = 'through' in lineage && lineage.through.length > 0 ? ` via ${shown(lineage.through)}` : '';
  switch (lineage.kind) {
    case 'clean':
      return 'clean';
    case 'column':
      return shown([lineage.column]) + via;
    case 'derived':
      return `(${shown(lineage.from)})${via}`;
    case 'unknown':
      return 'unknown';
  }
}

function answer(outputs: Outputs): string {
  if (outputs.kind !== 'columns') return outputs.kind;
  return outputs.columns.map((each) => `${each.name} = ${told(each.lineage)}`).join(' | ');
}

function uses(sql: string, at: Catalogue = known): string {
  const found = columnUses(statement(sql), at, scope);
  return (['output', 'filter', 'write'] as const)
    .flatMap((use) => {
      const refs = found.filter((each) => each.use === use);
      return refs.length === 0 ? [] : [`${use}: ${shown(refs)}`];
    })
    .join('; ');
}

function lineage(sql: string, at: Catalogue = known): Outputs {
  return lineageOf(statement(sql), at, scope);
}

// ---------------------------------------------------------------------------------------------- tests

/** Blocks of a statement, `-> outputs` and perhaps `uses …`; a line that starts with `#` is a heading. */
function cases(): readonly { readonly sql: string; readonly outputs: string; readonly uses?: string }[] {
  const file = readFileSync(new URL('testdata/lineage.txt', import.meta.url), 'utf8');
  return file
    .split(/\n\n+/)
    .map((block) => block.split('\n').filter((line) => !line.startsWith('#') && line.trim() !== ''))
    .filter((lines) => lines.length > 0)
    .map((lines) => {
      const sql = lines.filter((line) => !/^(->|uses)/.test(line)).join('\n');
      const outputs =
        lines
          .find((line) => line.startsWith('->'))
          ?.slice(2)
          .trim() ?? '';
      const used = lines
        .find((line) => line.startsWith('uses'))
        ?.slice(4)
        .trim();
      return { sql, outputs, ...(used === undefined ? {} : { uses: used }) };
    });
}

test('lineageOf() and columnUses() tell what testdata/lineage.txt says', () => {
  const all = cases();
  assert.ok(all.length >= 200, `only ${all.length} cases`);
  const wrong = all.flatMap((each) => {
    const outputs = answer(lineage(each.sql));
    const used = each.uses === undefined ? undefined : uses(each.sql);
    if (outputs === each.outputs && used === each.uses) return [];
    return [`${each.sql}\n-> ${outputs}${used === undefined ? '' : `\nuses ${used}`}`];
  });
  assert.deepEqual(wrong, []);
});

// ---------------------------------------------------------------------------------------------- properties

const kinds = [
  'id',
  'name',
  'ssn',
  'email',
  'card',
  'cards',
  'doc',
  'home',
  'p',
  "'k'",
  '(SELECT max(note) FROM orders)',
];

/** Queries with one or two outputs that are called a and b, of any depth. */
const query: fc.Arbitrary<string> = fc.letrec<{ readonly query: string; readonly value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(...kinds),
    tie('value').map((value) => `(${value})::text`),
    tie('value').map((value) => `row_to_json(ROW(${value}))`),
    tie('value').map((value) => `count(${value}) OVER ()`),
    fc.tuple(tie('value'), tie('value')).map(([a, b]) => `CASE WHEN (${a}) IS NULL THEN ${b} END`),
    fc.tuple(tie('value'), tie('value')).map(([a, b]) => `concat(${a}, ${b})`),
    tie('value').map((value) => `f_ssn(length((${value})::text))`),
  ),
  query: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.tuple(tie('value'), tie('value')).map(([a, b]) => `SELECT ${a} AS a, ${b} AS b FROM people p`),
    fc.constant('SELECT national_id AS a, name AS b FROM vp'),
    fc.tuple(tie('query'), tie('query')).map(([a, b]) => `(${a}) UNION ALL (${b})`),
    tie('query').map((inner) => `WITH w AS (${inner}) SELECT b AS a, a AS b FROM w`),
    tie('query').map(
      (inner) => `SELECT x.a, o.note AS b FROM orders o LEFT JOIN LATERAL (${inner}) x ON true`,
    ),
    tie('query').map((inner) => `SELECT x AS a, (x).b FROM (${inner}) x`),
  ),
})).query;

function columnsOf(outputs: Outputs): readonly Lineage[] {
  assert.equal(outputs.kind, 'columns');
  return outputs.kind === 'columns' ? outputs.columns.map((each) => each.lineage) : [];
}

function sources(of: Lineage): ReadonlySet<string> {
  const refs =
    of.kind === 'column'
      ? [of.column, ...of.through]
      : of.kind === 'derived'
        ? [...of.from, ...of.through]
        : [];
  return new Set(refs.map((each) => `${each.object} ${each.column}`));
}

function isWithin(small: ReadonlySet<string>, large: ReadonlySet<string>): boolean {
  return [...small].every((each) => large.has(each));
}

suite('lineage, whatever the query', () => {
  test('a query in FROM, or in WITH, keeps kinds and sources', () => {
    fc.assert(
      fc.property(query, (inner) => {
        const plain = columnsOf(lineage(inner));
        assert.deepEqual(columnsOf(lineage(`SELECT * FROM (${inner}) x`)), plain);
        assert.deepEqual(columnsOf(lineage(`SELECT x.a, x.b FROM (${inner}) x`)), plain);
        assert.deepEqual(columnsOf(lineage(`WITH x AS (${inner}) TABLE x`)), plain);
        assert.deepEqual(columnsOf(lineage(`DECLARE c CURSOR FOR ${inner}`)), plain);
      }),
    );
  });

  test('another name changes nothing', () => {
    fc.assert(
      fc.property(query, (inner) => {
        const plain = columnsOf(lineage(inner));
        assert.deepEqual(columnsOf(lineage(`SELECT y AS q, z AS r FROM (${inner}) x (y, z)`)), plain);
      }),
    );
  });

  test('a function around it never loses a source', () => {
    fc.assert(
      fc.property(
        query,
        fc.constantFrom('md5(a::text)', 'coalesce(b, a)', 'array_agg(a) OVER ()', 'x::text'),
        (inner, around) => {
          const [a, b] = columnsOf(lineage(inner));
          const [after] = columnsOf(lineage(`SELECT ${around} FROM (${inner}) x`));
          assert.ok(a !== undefined && b !== undefined && after !== undefined);
          const within = around === 'coalesce(b, a)' || around === 'x::text' ? [a, b] : [a];
          if (within.some((each) => each.kind === 'unknown')) assert.equal(after.kind, 'unknown');
          else for (const each of within) assert.ok(isWithin(sources(each), sources(after)));
          assert.notEqual(after.kind, 'column');
        },
      ),
    );
  });

  test('every source of an output is a use as output, also of what is written instead of answered', () => {
    fc.assert(
      fc.property(query, (inner) => {
        const all = new Set(columnsOf(lineage(inner)).flatMap((each) => [...sources(each)]));
        for (const sql of [inner, `CREATE TABLE t AS ${inner}`, `INSERT INTO notes (body, who) ${inner}`]) {
          const used = columnUses(statement(sql), known, scope).filter((each) => each.use === 'output');
          assert.ok(isWithin(all, new Set(used.map((each) => `${each.object} ${each.column}`))));
        }
      }),
    );
  });
});

suite('lineage of what is too much', () => {
  const deep = 2_000;

  test('too deep a nesting is unknown, not clean', () => {
    for (const sql of [
      `SELECT ${'upper('.repeat(deep)}ssn${')'.repeat(deep)} FROM people`,
      `SELECT ${Array.from({ length: deep }, () => 'ssn').join(' || ')} FROM people`,
    ]) {
      const outputs = lineage(sql);
      const [only] = outputs.kind === 'columns' ? outputs.columns : [];
      assert.ok(outputs.kind === 'unknown' || only?.lineage.kind === 'unknown', sql.slice(0, 60));
    }
  });

  test('many levels are followed', () => {
    const sql = `SELECT ssn FROM ${'(SELECT ssn FROM '.repeat(100)}people${') x'.repeat(100)}`;
    assert.equal(answer(lineage(sql)), 'ssn = people.ssn');
  });

  test('a long chain of UNION is followed to its end', () => {
    const sql = `${Array.from({ length: deep }, () => 'SELECT note FROM orders').join(' UNION ALL ')} UNION ALL SELECT ssn FROM people`;
    assert.equal(answer(lineage(sql)), 'note = (orders.note people.ssn)');
  });

  test('views on views are worked out once each', () => {
    const layers = Array.from({ length: 40 }, (_, at) => {
      const below = at === 0 ? 'people' : `layer_${at - 1}`;
      const query = `SELECT x.ssn FROM public.${below} x CROSS JOIN public.${below} y`;
      return relation(`public.layer_${at}`, 'ssn', { query });
    });
    const at = database({ relations: [...known.data.relations, ...layers] });
    assert.equal(
      answer(lineage('SELECT ssn FROM layer_3', at)).startsWith('ssn = people.ssn via layer_3.ssn'),
      true,
    );
    assert.match(
      answer(lineage('SELECT ssn FROM layer_39', at)),
      /^ssn = (unknown|people\.ssn via layer_39\.ssn)/,
    );
  });

  test('a tree of any shape gives an answer', () => {
    const strange: readonly unknown[] = [
      {},
      { SelectStmt: { targetList: [{ ResTarget: { val: 7 } }] } },
      { SelectStmt: { op: 'SETOP_UNION' } },
      { InsertStmt: {} },
      { MergeStmt: {} },
      { CopyStmt: {} },
      { ViewStmt: {} },
      { ExplainStmt: {} },
      { Nothing: {} },
      {
        SelectStmt: {
          fromClause: [{ JoinExpr: {} }],
          withClause: { recursive: true, ctes: [{ CommonTableExpr: {} }] },
        },
      },
    ];
    for (const node of strange) {
      const outputs = lineageOf(node as Node, known, scope);
      assert.ok(['none', 'columns', 'unknown'].includes(outputs.kind));
      columnUses(node as Node, known, scope);
    }
    assert.equal(lineageOf({ Nothing: {} }, known, scope).kind, 'unknown');
  });
});

suite('lineage by the session and the server', () => {
  test('the search path decides which table a name means, a temporary one first', () => {
    const node = statement('SELECT ssn FROM people');
    const through = (searchPath: readonly string[]): string => answer(lineageOf(node, known, { searchPath }));
    assert.equal(through(['pg_catalog', 'app', 'public']), 'ssn = app.people.ssn');
    assert.equal(through(['pg_catalog']), 'ssn = unknown');
    const leak = statement('SELECT a FROM leak');
    assert.equal(answer(lineageOf(leak, known, { searchPath: ['pg_temp_3', 'pg_catalog'] })), 'a = unknown');
  });

  test('words that are functions of a user on an older server are not read as syntax', () => {
    const old = database({ serverMajor: 15 });
    assert.equal(answer(lineage(`SELECT json_value(doc, '$.k') FROM people`, old)), 'json_value = unknown');
    assert.equal(answer(lineage(`SELECT * FROM JSON_TABLE('{}', '$' COLUMNS (a int))`, old)), 'unknown');
    assert.equal(answer(lineage('UPDATE orders SET note = 1 RETURNING old.note', old)), 'note = unknown');
  });

  test('an equal spelling in another schema makes a call unknown only where it can be meant', () => {
    const path = { searchPath: ['pg_catalog', 'public', 'app'] };
    const at = database({
      functions: [...known.data.functions, routine(60_001, 'app.reverse', { arguments: [25] })],
    });
    const shadowed = statement('SELECT reverse(ssn), pg_catalog.reverse(ssn) FROM people');
    assert.equal(answer(lineageOf(shadowed, at, path)), 'reverse = unknown | reverse = (people.ssn)');
    assert.equal(answer(lineageOf(shadowed, at, scope)), 'reverse = (people.ssn) | reverse = (people.ssn)');
  });
});
