import type { Query } from '../../src/protocols/postgres/catalogue-rows.ts';

/** Arguments that a function of these types may take; by the type's name, `other` for what is not here. */
const values: Readonly<Record<string, readonly string[]>> = {
  oid: [`'app.logs'::pg_catalog.regclass`, '4242'],
  regclass: [`'app.logs'`, `'app.counter'`, `'app.named_index'`],
  integer: ['1', '0'],
  bigint: ['1', '0'],
  smallint: ['1'],
  boolean: ['true'],
  text: [`'x'`, `'SELECT 1'`, `'DELETE FROM app.logs'`, `'app.logs'`, `'search_path'`, `'app'`],
  name: [`'x'`, `'app'`],
  'character varying': [`'x'`],
  '"char"': [`'r'`],
  bytea: [`'x'`],
  cstring: [`'x'`],
  regprocedure: [`'app.pure(int)'`],
  regproc: [`'app.w_plain'`],
  regtype: [`'int'`],
  regnamespace: [`'app'`],
  regrole: [`'app_other'`],
  'double precision': ['0.001'],
  real: ['0.5'],
  numeric: ['1'],
  json: [`'{"a": 1}'`],
  jsonb: [`'{"a": 1}'`],
  xml: [`'<a/>'`],
  jsonpath: [`'$'`],
  tsquery: [`'a'`],
  tsvector: [`'a'`],
  pg_lsn: [`'0/0'`],
  xid: [`'3'`],
  xid8: [`'3'`],
  tid: [`'(0,1)'`],
  refcursor: [`'x'`],
  date: [`'2020-01-01'`],
  interval: [`'1 millisecond'`],
  'timestamp without time zone': ['now()::timestamp'],
  'timestamp with time zone': ['now()'],
  anyelement: ['1'],
  anycompatible: ['1'],
  anyarray: ['ARRAY[1]'],
  anycompatiblearray: ['ARRAY[1]'],
  'text[]': [`ARRAY['x']`],
  'integer[]': ['ARRAY[1]'],
  record: ['ROW(1)'],
};

// Not to be called with these values: they stop or signal this very server.
const unsafe = /^pg_(?:promote|terminate_backend|cancel_backend|sleep)/;

/** A call of each function that came with the server, with each of a few sets of arguments. */
export async function builtinCalls(query: Query): Promise<readonly string[]> {
  const rows = await query(`
    SELECT p.proname, pg_catalog.array_to_string(ARRAY(
        SELECT pg_catalog.format_type(t, NULL) FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY AS a (t, at) ORDER BY at), '|'),
      p.prokind, p.provariadic <> 0, p.proretset
    FROM pg_catalog.pg_proc p
    WHERE p.oid < 16384 AND p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND p.prokind = 'f'
      AND p.prorettype <> ALL ('{internal, trigger, event_trigger, index_am_handler, table_am_handler, language_handler}'::pg_catalog.regtype[])
      AND NOT 'internal'::pg_catalog.regtype = ANY (p.proargtypes)
    ORDER BY p.oid`);
  return rows.flatMap(([name = null, types = null, , variadic = null]) => {
    if (name === null || unsafe.test(name)) return [];
    const known =
      (types ?? '') === '' ? [] : (types ?? '').split('|').map((type) => values[type] ?? [`NULL`]);
    const many = Math.max(1, ...known.map((each) => each.length));
    return Array.from({ length: many }, (_, at) => {
      const args = known.map((each) => each[at % each.length] ?? 'NULL');
      const last = args.length - 1;
      const spread = variadic === 't' ? args.with(last, `VARIADIC ${args[last] ?? ''}`) : args;
      return `SELECT pg_catalog."${name}"(${spread.join(', ')})`;
    });
  });
}
