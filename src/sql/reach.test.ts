import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Catalogue, Relation, Routine } from './catalogue.ts';
import { shop } from './fake.ts';
import { load } from './parse.ts';
import { reachOf, reachOfRoutine } from './reach.ts';

const oid = 30_000;

function routine(name: string, source: string, rest: Partial<Routine> = {}): Routine {
  return {
    oid: oid + name.length,
    schema: 'public',
    name,
    kind: 'function',
    volatility: 'volatile',
    securityDefiner: false,
    owner: 'postgres',
    language: 'plpgsql',
    arguments: [],
    defaults: 0,
    variadic: false,
    returns: 25,
    returnsSet: false,
    source: `CREATE OR REPLACE FUNCTION public.${name}() RETURNS text LANGUAGE plpgsql AS $function$${source}$function$`,
    columns: [],
    calls: [],
    ...rest,
  };
}

function relation(at: number, name: string): Relation {
  return {
    oid: at,
    schema: 'public',
    name,
    kind: 'table',
    temporary: false,
    columns: [],
    keys: [],
    cascades: [],
    children: [],
    parents: [],
    runs: [],
    rules: [],
    rowSecurity: false,
  };
}

const reader = routine('reads_them', 'BEGIN RETURN (SELECT max(ssn) FROM customers); END');
const caller = routine('calls_the_reader', 'BEGIN RETURN reads_them(); END');
const foreign = routine('in_another_tongue', '', { language: 'c' });

let catalogue: Catalogue;

before(async () => {
  await load();
  const { source: _, ...opaque } = foreign;
  catalogue = await shop((data) => ({
    ...data,
    // A temporary table of the name would be anything's copy.
    relations: [
      ...data.relations.filter(
        ({ schema, name }) => (schema === 'public' || name !== 'customers') && name !== 'CUSTOMERS',
      ),
      ...['!', 'a'.repeat(63), `${'ä'.repeat(31)}b`, 'ΑΣ'].map((name, at) => relation(40_000 + at, name)),
    ],
    functions: [...data.functions, reader, caller, opaque],
  }));
});

function shown(source: string): string {
  const reach = reachOf(catalogue, source);
  if (reach === undefined) return 'anything';
  const names = reach.reads.map(({ object }) => object).sort();
  return [...names, ...(reach.writes ? ['writes'] : [])].join(' ');
}

const cases: readonly (readonly [string, string])[] = [
  ['BEGIN RETURN 1; END', ''],
  ['SELECT * FROM customers', 'public.customers'],
  ['SELECT * FROM "customers"', 'public.customers'],
  ['SELECT * FROM public . CUSTOMERS', 'public.customers'],
  ['SELECT 1 FROM customers$$', 'public.customers'],
  ['SELECT reads_them()', 'public.customers'],
  ['SELECT calls_the_reader()', 'public.customers'],
  ['INSERT INTO orders SELECT 1', 'public.orders writes'],
  ["PERFORM set_config('a.b', x, false)", 'anything'],
  ["PERFORM pg_notify('a', x)", 'writes'],
  ["EXECUTE 'SEL' || 'ECT 1'", 'anything'],
  ['SELECT * FROM U&"c\\0075stomers"', 'anything'],
  ['FETCH c INTO x; -- c refcursor', 'anything'],
  ['SELECT in_another_tongue()', 'anything'],
  ["SELECT query_to_xml(x, true, true, '')", 'anything'],
  ['SELECT most_common_vals FROM pg_stats', 'anything'],
  // What is called or tagged otherwise, or is another's code from now on.
  ['ALTER TABLE customers RENAME COLUMN ssn TO x', 'public.customers writes'],
  ['ALTER SCHEMA app RENAME TO x', 'anything'],
  ['DROP FUNCTION reads_them()', 'public.customers writes'],
  ['COMMENT ON COLUMN customers.ssn IS NULL', 'public.customers writes'],
  ["COMMENT /* x'y */ ON COLUMN customers.ssn IS NULL", 'public.customers writes'],
  [
    'SELECT comment FROM customers c JOIN orders o ON true WHERE label IS NULL',
    'public.customers public.orders',
  ],
  ["CREATE OR REPLACE FUNCTION x() RETURNS int LANGUAGE sql AS 'SELECT 1'", 'anything'],
  ["UPDATE pg_attribute SET attname = 'x'", 'anything'],
  ["DO E'BEGIN PERFORM \\x31; END'", 'anything'],
  // Names that have no word in them, or are longer than a name can be.
  ['SELECT * FROM "!"', 'public."!"'],
  [`SELECT * FROM ${'a'.repeat(70)}`, `public.${'a'.repeat(63)}`],
  [`SELECT * FROM "${'ä'.repeat(31)}b and more"`, `public."${'ä'.repeat(31)}b"`],
  ['SELECT ΑΣ.x FROM ΑΣ', 'public."ΑΣ"'],
  // A cursor of the client's own.
  ["DECLARE c CURSOR FOR SELECT 1; BEGIN c := 'mine'; FETCH c INTO x;", 'anything'],
  ["DECLARE c CURSOR FOR SELECT 1; BEGIN SELECT 'mine' INTO c; FETCH c INTO x;", 'anything'],
  ["DECLARE c CURSOR FOR SELECT 1; BEGIN SELECT 'mine' INTO -- 'open\nc; FETCH c INTO x;", 'anything'],
  ['DECLARE c orders.note%TYPE; BEGIN FETCH c INTO x;', 'anything'],
  [
    'DECLARE c CURSOR FOR SELECT id FROM orders; -- a cursor\nBEGIN OPEN c; FETCH NEXT FROM c INTO x; CLOSE c;',
    'public.orders',
  ],
  ['SELECT id FROM orders FETCH FIRST 5 ROWS ONLY', 'public.orders'],
  // What failed is said in words that can be caught.
  ['BEGIN REINDEX INDEX i; EXCEPTION WHEN OTHERS THEN RETURN sqlerrm;', 'anything'],
  ['BEGIN ANALYZE; END', ''],
];

test('reachOf() finds every relation that the words of a text can mean', () => {
  for (const [source, expected] of cases) assert.equal(shown(source), expected, source);
});

test('reachOfRoutine() reads what its text names, and nothing of it where there is none', () => {
  assert.deepEqual(reachOfRoutine(catalogue, caller), {
    reads: [{ object: 'public.customers', column: '*' }],
    writes: false,
  });
  const { source: _, ...opaque } = foreign;
  assert.equal(reachOfRoutine(catalogue, opaque), undefined);
});
