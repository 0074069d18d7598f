import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { analyse } from './analyse.ts';
import type { Catalogue } from './catalogue.ts';
import { publicPath, shop } from './fake.ts';
import { load, parse } from './parse.ts';

const limits = { statementBytes: 100_000, statementDepth: 200, statementsPerQuery: 10 };
let catalogue: Catalogue;

before(async () => {
  await load();
  catalogue = await shop();
});

/** `ssn card -> name`, one for each place that something is put; `-> ?` where it is no column, `=` where it is put as it is. */
function moves(sql: string): readonly string[] {
  const parsed = parse(sql, limits);
  assert.ok(parsed.ok, sql);
  const columns = (refs: readonly { readonly column: string }[]): string =>
    refs.map(({ column }) => column).join(' ');
  return analyse(parsed.statements, catalogue, publicPath)
    .statements.flatMap((statement) => statement.moves ?? [])
    .map(
      ({ from, to, same }) =>
        `${columns(from)} ${same === true && columns(from) === columns(to) ? '=' : '->'} ${to.length === 0 ? '?' : columns(to)}`,
    );
}

const carries: readonly (readonly [string, readonly string[]])[] = [
  ['INSERT INTO customers (name) SELECT reverse(ssn) FROM customers', ['ssn -> name']],
  ['INSERT INTO customers (name) VALUES ((SELECT card FROM customers LIMIT 1))', ['card -> name']],
  ['UPDATE customers SET name = reverse(ssn) WHERE id = 1', ['ssn -> name']],
  ['UPDATE customers SET (name, city) = (ssn, card)', ['ssn -> name', 'card -> city']],
  ['UPDATE customers SET (name, city) = (SELECT ssn, card)', ['ssn card -> name', 'ssn card -> city']],
  ['UPDATE customers c SET city = x.ssn FROM customers x', ['ssn -> city']],
  ["UPDATE customers SET city = CASE WHEN ssn LIKE '7%' THEN 'a' ELSE 'b' END", ['ssn -> city']],
  [
    'INSERT INTO customers (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET city = customers.ssn',
    ['ssn -> city'],
  ],
  [
    'MERGE INTO customers c USING customers s ON c.id = s.id WHEN MATCHED THEN UPDATE SET city = s.ssn',
    ['ssn -> city'],
  ],
  [
    'MERGE INTO customers c USING customers s ON c.id = s.id WHEN NOT MATCHED THEN INSERT (city) VALUES (s.card)',
    ['card -> city'],
  ],
  ['WITH x AS (UPDATE customers SET name = ssn RETURNING card) SELECT card FROM x', ['ssn -> name']],
  ['PREPARE p AS UPDATE customers SET name = ssn', ['ssn -> name']],
  ['EXPLAIN ANALYZE UPDATE customers SET name = ssn', ['ssn -> name']],
  ["SELECT pg_notify('c', ssn) FROM customers", ['ssn -> ?']],
  ['SELECT 1 FROM customers WHERE pg_try_advisory_lock(card::bigint)', ['card -> ?']],
  ["SELECT setval('s', card::bigint) FROM customers", ['card -> ?']],
  ['SELECT lo_from_bytea(0, ssn::bytea) FROM customers', ['ssn -> ?']],
  ['SELECT setseed(ssn::float) FROM customers', ['ssn -> ?']],
  ['CREATE TABLE x AS SELECT ssn FROM customers', ['ssn -> ?']],
  ['SELECT ssn INTO x FROM customers', ['ssn -> ?']],
  ['CREATE MATERIALIZED VIEW x AS SELECT ssn FROM customers', ['ssn -> ?']],
  ["COPY (SELECT ssn FROM customers) TO '/tmp/x'", ['ssn -> ?']],
  // A tag is on a name.
  ['ALTER TABLE customers RENAME COLUMN ssn TO harmless', ['ssn -> harmless']],
  ['ALTER TABLE customers ALTER COLUMN name TYPE text USING reverse(ssn)', ['ssn -> name']],
  [
    "UPDATE customers SET ssn = reverse(ssn), card = card, city = coalesce(city, 'x')",
    ['ssn -> ssn', 'card = card', 'city = city'],
  ],
  ['ALTER TABLE orders ADD COLUMN x int GENERATED ALWAYS AS (id + 1) STORED', []],
  // Values of a materialised view outlive what told where they came from.
  ["CREATE OR REPLACE FUNCTION app.shout(text) RETURNS text LANGUAGE sql AS 'SELECT 1'", ['* -> ?']],
  ['DROP FUNCTION app.shout(text)', ['* -> ?']],
  ['CREATE OR REPLACE VIEW customer_names AS SELECT 1 AS id', []],
  // Files, programs and other servers can hold anything.
  ["COPY orders FROM PROGRAM 'cat'", ['* -> ?']],
  ["COPY orders FROM '/tmp/x'", ['* -> ?']],
  ['CREATE FOREIGN TABLE f (a text) SERVER s', ['* -> ?']],
  ["ALTER FOREIGN TABLE orders OPTIONS (SET table_name 'x')", ['* -> ?']],
  // What code names it can read, and what it reads it can store.
  ['DO $$ BEGIN UPDATE orders SET id = (SELECT max(id) FROM customers); END $$', ['* -> ?']],
  ["DO $$ BEGIN PERFORM pg_notify('c', ssn) FROM customers; END $$", ['* -> ?']],
  ["DO $$ BEGIN EXECUTE 'SELECT 1'; END $$", ['* -> ?']],
  ['DO LANGUAGE plpython3u $$ pass $$', ['* -> ?']],
  // Under another name without a word of it here.
  ["UPDATE pg_attribute SET attname = 'x'", ['* -> ?']],
  ['COPY pg_attribute FROM STDIN', ['* -> ?']],
  ['DO $$ BEGIN ALTER TABLE customers RENAME ssn TO x; END $$', ['* -> ?']],
  ["SELECT query_to_xml('SELECT 1', true, true, '')", ['* -> ?']],
];

const staysPut = [
  'SELECT ssn, reverse(card) FROM customers',
  "UPDATE customers SET name = 'x' WHERE ssn = 'y' RETURNING *",
  "INSERT INTO customers (ssn) VALUES ('x') RETURNING ssn",
  "DELETE FROM customers WHERE ssn = 'x' RETURNING *",
  'SELECT ssn FROM customers FOR UPDATE',
  'COPY (SELECT ssn FROM customers) TO STDOUT',
  'COPY customers FROM STDIN',
  'EXPLAIN SELECT ssn FROM customers',
  'DECLARE c CURSOR FOR SELECT ssn FROM customers',
  'CREATE VIEW x AS SELECT ssn FROM customers',
  "SELECT nextval('s')",
  "DO $$ BEGIN RAISE NOTICE 'x'; END $$",
  'ALTER TABLE customers ADD COLUMN more text',
];

test('analyse() tells where a statement puts stored values besides its answer', () => {
  for (const [sql, expected] of carries) assert.deepEqual(moves(sql), expected, sql);
});

test('analyse() finds no move where values only reach the answer or decide', () => {
  for (const sql of staysPut) assert.deepEqual(moves(sql), [], sql);
});
