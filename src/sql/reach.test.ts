import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Catalogue, Routine } from './catalogue.ts';
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
    relations: data.relations.filter(
      ({ schema, name }) => (schema === 'public' || name !== 'customers') && name !== 'CUSTOMERS',
    ),
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
