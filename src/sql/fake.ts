import type { Scope } from './analysis.ts';
import {
  type Cascade,
  type Cast,
  catalogue,
  type Catalogue,
  type CatalogueData,
  type Column,
  type Operator,
  type Relation,
  type RelationKind,
  type Routine,
  type Runs,
  type Type,
} from './catalogue.ts';
import { builtins } from './builtins.ts';
import { load, parse } from './parse.ts';

// A small shop for tests: PostgreSQL 18's own objects, and some tables, views and programs of a user.

export const publicPath: Scope = { searchPath: ['pg_catalog', 'public'] };

/** The shop's catalogue. `change` may alter the data before it is made searchable. */
export async function shop(
  change: (data: CatalogueData) => CatalogueData = (data) => data,
): Promise<Catalogue> {
  await load();
  return catalogue(change(shopData()));
}

/** Needs the parser: call load() before. */
export function shopData(): CatalogueData {
  const own = builtins();
  return {
    version: '1',
    serverMajor: 18,
    database: 'shop',
    currentUser: 'gateway',
    schemas: ['pg_catalog', 'information_schema', 'pg_toast', 'public', 'app', 'pg_temp_3'],
    relations: [...own.relations, ...raw.map(read)],
    functions: [...own.functions, ...functions],
    operators: [...own.operators, ...operators],
    casts: own.casts,
    types: [...own.types, ...types, ...raw.map(rowType)],
  };
}

/** A cast of a user with a function of its own: not in the shop unless a test adds it. */
export const userCast: Cast = { source: 19_001, target: 23, routine: 20_020, how: 'function' };

const int4 = 23;
const text = 25;
const numeric = 1700;
const timestamptz = 1184;
const oids = { code: 19_001, handle: 19_002, status: 19_003, money: 19_004, email: 19_005 } as const;

/** With the text of a view's query: the parser is loaded later. */
interface Raw extends Relation {
  readonly query?: string;
}

interface Rest extends Partial<Omit<Relation, 'columns' | 'name' | 'schema' | 'definition'>> {
  readonly query?: string;
}

let lastOid = 17_000;

function relation(name: string, columns: string, rest: Rest = {}): Raw {
  const [schema = '', bare = ''] = name.split('.');
  const { query, ...given } = rest;
  return {
    oid: ++lastOid,
    schema,
    name: bare,
    kind: 'table',
    temporary: false,
    columns: columns.split(' ').flatMap((each, at): readonly Column[] => {
      const [column = '', type = 'text'] = each.split(':');
      return column === ''
        ? []
        : [{ name: column, attnum: at + 1, type: typeOids[type] ?? text, generated: false }];
    }),
    keys: columns.startsWith('id:') ? [['id']] : [],
    cascades: [],
    children: [],
    parents: [],
    runs: [],
    rules: [],
    rowSecurity: false,
    ...given,
    ...(query === undefined ? {} : { query }),
  };
}

const typeOids: Readonly<Record<string, number>> = { int: int4, text, numeric, at: timestamptz, ...oids };

function cascade(
  from: string,
  onDelete: Cascade['onDelete'],
  onUpdate: Cascade['onUpdate'] = 'none',
): Cascade {
  return { from, onDelete, onUpdate, columns: ['id'] };
}

function runs(on: Runs['on'], routine: string): Runs {
  return { on, routine };
}

function kinded(kind: RelationKind): { readonly kind: RelationKind } {
  return { kind };
}

const raw: readonly Raw[] = [
  relation('public.customers', 'id:int name email phone ssn card notes city created_at:at', {
    cascades: [cascade('public.orders', 'none'), cascade('public.profiles', 'set', 'cascade')],
  }),
  relation('public.orders', 'id:int customer_id:int status:status total:numeric created_at:at', {
    cascades: [cascade('public.payments', 'cascade')],
  }),
  relation('public.payments', 'id:int order_id:int amount:numeric card', {
    runs: [runs('delete', 'app.log_payment()')],
    cascades: [cascade('public.receipts', 'cascade')],
  }),
  relation('public.receipts', 'id:int payment_id:int body'),
  relation('public.profiles', 'id:int customer_id:int handle:handle', {
    runs: [runs('insert', 'app.check_handle(text)'), runs('update', 'app.check_handle(text)')],
  }),
  relation('public.audit', 'id:int note'),
  relation('public.CUSTOMERS', 'id:int name'),
  relation('public.events', 'id:int at:at body', {
    ...kinded('partitioned'),
    children: ['public.events_2024', 'public.events_2025'],
    keys: [],
  }),
  relation('public.events_2024', 'id:int at:at body', { parents: ['public.events'] }),
  relation('public.events_2025', 'id:int at:at body', { parents: ['public.events'] }),
  relation('public.people', 'id:int name', { children: ['public.staff'], keys: [] }),
  relation('public.staff', 'id:int name salary:numeric', { parents: ['public.people'] }),
  relation('public.triggered', 'id:int note', {
    runs: [
      runs('insert', 'app.innocent()'),
      runs('update', 'app.innocent()'),
      runs('delete', 'app.innocent()'),
    ],
  }),
  relation('public.ruled', 'id:int note', { rules: ['update'] }),
  relation('public.coded', 'id:int code:code'),
  relation('public.remote', 'id:int body', kinded('foreign')),
  relation('public.pairs', 'a:int b:int note', { keys: [['a', 'b']] }),
  relation('app.secrets', 'id:int body', { rowSecurity: true, runs: [runs('read', 'app.allowed(text)')] }),
  relation('public.orders_id_seq', 'last_value:int', { ...kinded('sequence'), keys: [] }),
  relation('public.customer_names', 'id:int name', {
    ...kinded('view'),
    keys: [],
    query: 'SELECT customers.id, customers.name FROM public.customers',
  }),
  relation('public.customer_first', 'id:int name', {
    ...kinded('view'),
    keys: [],
    query:
      'SELECT customer_names.id, customer_names.name FROM public.customer_names WHERE (customer_names.id < 10)',
  }),
  relation('public.loud', 'name', {
    ...kinded('view'),
    query: 'SELECT app.shout(customers.name) AS name FROM public.customers',
  }),
  relation('public.unread', 'name', kinded('view')),
  relation('public.city_counts', 'city n:int', {
    ...kinded('materialized'),
    query: 'SELECT customers.city, count(*) AS n FROM public.customers GROUP BY customers.city',
  }),
  relation('public.loud_copy', 'name', {
    ...kinded('materialized'),
    query: 'SELECT app.shout(customers.name) AS name FROM public.customers',
  }),
  relation('pg_temp_3.customers', 'id:int name', { temporary: true }),
  relation('pg_temp_3.scratch', 'id:int name', { temporary: true }),
  relation('pg_toast.pg_toast_17001', 'chunk_id:int chunk_seq:int chunk_data', kinded('toast')),
];

function read({ query, ...each }: Raw): Relation {
  if (query === undefined) return each;
  const parsed = parse(query, { statementBytes: 10_000, statementDepth: 100, statementsPerQuery: 1 });
  const definition = parsed.ok ? parsed.statements[0]?.node : undefined;
  if (definition === undefined) throw new Error(`The query of ${each.name} is wrong`);
  return { ...each, definition };
}

function routine(oid: number, signature: string, rest: Partial<Routine> = {}): Routine {
  const [, schema = '', name = '', given = ''] = /^(\w+)\.(\w+)\((.*)\)$/.exec(signature) ?? [];
  return {
    oid,
    schema,
    name,
    kind: 'function',
    volatility: 'volatile',
    securityDefiner: false,
    owner: 'owner',
    language: 'plpgsql',
    arguments: given === '' ? [] : given.split(',').map((each) => typeOids[each] ?? Number(each)),
    defaults: 0,
    variadic: false,
    returns: text,
    returnsSet: false,
    columns: [],
    calls: [],
    ...rest,
  };
}

function rowTypeOid(name: string): number {
  return (raw.find((each) => `${each.schema}.${each.name}` === name)?.oid ?? 0) + 1_000;
}

const inC = { language: 'c', volatility: 'immutable' } as const;

const functions: readonly Routine[] = [
  routine(20_001, 'app.purge()', { kind: 'procedure', returns: 2278 }),
  routine(20_002, 'app.innocent()'),
  routine(20_003, 'app.shout(text)', { language: 'sql', volatility: 'stable' }),
  routine(20_004, 'app.log_payment()', { returns: 2279, securityDefiner: true }),
  routine(20_005, 'app.check_handle(text)', { returns: 16 }),
  routine(20_006, 'app.allowed(text)', { returns: 16, volatility: 'stable' }),
  routine(20_007, 'app.eq(int,int)', { returns: 16 }),
  routine(20_008, 'public.similarity(text,text)', { ...inC, extension: 'pg_trgm', returns: 700 }),
  routine(20_009, 'public.dblink(text,text)', {
    language: 'c',
    extension: 'dblink',
    returnsSet: true,
    returns: 2249,
  }),
  routine(20_010, 'public.crosstab(text)', {
    ...inC,
    volatility: 'stable',
    extension: 'tablefunc',
    returnsSet: true,
  }),
  routine(20_011, `public.full_name(${rowTypeOid('public.customers')})`, { volatility: 'stable' }),
  routine(20_012, `public.name(${rowTypeOid('public.customers')})`, { volatility: 'stable' }),
  routine(20_013, 'public.sum_evil(int)', { kind: 'aggregate', language: 'internal', calls: [20_007] }),
  routine(20_014, 'public.sum_good(int)', { kind: 'aggregate', language: 'internal', calls: [768] }),
  routine(20_015, 'public.length(text)', { returns: int4 }),
  routine(20_016, 'public.lower(int)'),
  routine(20_017, 'public.optional(int,text)', { defaults: 1 }),
  routine(20_018, 'public.many(text)', { variadic: true }),
  routine(20_019, 'public.trigram_eq(text,text)', { ...inC, extension: 'pg_trgm', returns: 16 }),
  routine(20_020, 'app.code_int(code)', { returns: int4 }),
  routine(20_021, 'public.purge(int)'),
  routine(20_022, 'public.crypt(text,text)', { ...inC, extension: 'pgcrypto' }),
  routine(20_023, 'public.gen_salt(text)', { ...inC, volatility: 'volatile', extension: 'pgcrypto' }),
  routine(20_024, 'public.immutable_evil(text)', { volatility: 'immutable' }),
  routine(20_025, 'public.json_value(text)'),
  routine(20_026, 'app.sample(int)', { returns: 3310 }),
  routine(20_027, 'app.at_event()', { returns: 3838 }),
];

const operators: readonly Operator[] = [
  { oid: 21_001, schema: 'app', name: '===', left: int4, right: int4, routine: 20_007 },
  { oid: 21_002, schema: 'public', name: '%', left: text, right: text, routine: 20_019 },
  { oid: 21_003, schema: 'app', name: '=', left: int4, right: int4, routine: 20_007 },
  { oid: 21_004, schema: 'public', name: '@@@', left: text, right: text, routine: 20_024 },
  { oid: 21_005, schema: 'public', name: '!!!', left: 0, right: int4, routine: 20_007 },
];

function type(oid: number, name: string, rest: Partial<Type>): Type {
  const [schema = '', bare = ''] = name.split('.');
  return { oid, schema, name: bare, kind: 'base', element: 0, base: 0, relation: 0, runs: [], ...rest };
}

const types: readonly Type[] = [
  type(oids.code, 'app.code', {}),
  type(oids.handle, 'app.handle', { kind: 'domain', base: text, runs: ['app.check_handle'] }),
  type(oids.status, 'public.status', { kind: 'enum' }),
  type(oids.email, 'public.email', { kind: 'domain', base: text }),
];

function rowType(each: Relation): Type {
  return type(each.oid + 1_000, `${each.schema}.${each.name}`, { kind: 'composite', relation: each.oid });
}
