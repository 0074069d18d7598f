import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Client } from 'pg';
import { catalogueVersion, catalogueWatch, readCatalogue } from '../../src/protocols/postgres/catalogue.ts';
import { catalogue, type Catalogue, type Relation } from '../../src/sql/catalogue.ts';
import { startPostgres } from './harness/postgres.ts';
import { parseOne, textQuery } from './harness/query.ts';

const schema = `
  CREATE SCHEMA app;
  CREATE EXTENSION citext SCHEMA public;
  CREATE FUNCTION app.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN COALESCE(NEW, OLD); END $$;
  CREATE FUNCTION app.visible(int) RETURNS bool LANGUAGE plpgsql VOLATILE AS $$ BEGIN RETURN true; END $$;
  CREATE FUNCTION app.fine(text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN true; END $$;
  CREATE FUNCTION app.fresh() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 1';
  CREATE FUNCTION app.when_true() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RETURN true; END $$;
  CREATE FUNCTION app.same(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1 = $2; END $$;
  CREATE OPERATOR app.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = app.same);
  CREATE DOMAIN app.word AS text CHECK (app.fine(VALUE));
  CREATE TYPE app.pair AS (a app.word, b int);
  CREATE TYPE app.mood AS ENUM ('good', 'bad');
  CREATE TYPE app.span AS RANGE (SUBTYPE = int);
  CREATE FUNCTION app.order_of(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN btint4cmp($1, $2); END $$;
  CREATE OPERATOR CLASS app.own_order FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =,
    OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 app.order_of(int, int);
  CREATE TYPE app.own_span AS RANGE (SUBTYPE = int, SUBTYPE_OPCLASS = app.own_order);
  CREATE TABLE app.spans (a app.own_span, b app.own_span_multirange);
  CREATE TABLE app.sorted (a int);
  CREATE INDEX ON app.sorted (a app.own_order);
  CREATE TABLE app.customers (
    id int PRIMARY KEY, email text NOT NULL, code text, region text, nick app.word, "odd ""name" int,
    fresh int DEFAULT app.fresh(), shout text GENERATED ALWAYS AS (upper(email)) STORED,
    CHECK (app.fine(region)), UNIQUE (region, code) INCLUDE (nick), UNIQUE (code) DEFERRABLE);
  COMMENT ON COLUMN app.customers.email IS 'pii: email';
  CREATE UNIQUE INDEX ON app.customers (email) WHERE id > 5;
  CREATE UNIQUE INDEX ON app.customers (lower(email));
  CREATE UNIQUE INDEX ON app.customers (nick COLLATE "C");
  CREATE TABLE app.orders (id serial PRIMARY KEY,
    customer int REFERENCES app.customers ON DELETE CASCADE ON UPDATE SET NULL, p app.pair);
  CREATE INDEX ON app.orders ((app.fine(id::text)));
  CREATE TRIGGER note BEFORE INSERT OR DELETE ON app.orders FOR EACH ROW EXECUTE FUNCTION app.note();
  CREATE TRIGGER off BEFORE TRUNCATE ON app.orders FOR EACH STATEMENT EXECUTE FUNCTION app.note();
  ALTER TABLE app.orders DISABLE TRIGGER off;
  CREATE TRIGGER guarded AFTER UPDATE ON app.customers FOR EACH ROW WHEN (app.when_true()) EXECUTE FUNCTION app.note();
  CREATE TABLE app.secrets (id int, v int, CHECK (id OPERATOR(app.===) v));
  ALTER TABLE app.secrets ENABLE ROW LEVEL SECURITY;
  CREATE POLICY see ON app.secrets FOR SELECT USING (app.visible(id));
  CREATE POLICY spy ON app.secrets FOR DELETE USING (query_to_xml('SELECT 1', true, true, '') IS NOT NULL);
  CREATE TABLE app.parts (id int, at date) PARTITION BY RANGE (at);
  CREATE TABLE app.parts_1 PARTITION OF app.parts FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') PARTITION BY RANGE (id);
  CREATE TABLE app.parts_1_1 PARTITION OF app.parts_1 DEFAULT;
  CREATE TRIGGER part AFTER INSERT ON app.parts FOR EACH ROW EXECUTE FUNCTION app.note();
  CREATE TABLE app.leaf_only (LIKE app.parts_1_1);
  CREATE TRIGGER leaf AFTER UPDATE ON app.parts_1_1 FOR EACH ROW EXECUTE FUNCTION app.note();
  CREATE TABLE app.mother (id int PRIMARY KEY);
  CREATE TABLE app.child (extra text) INHERITS (app.mother);
  CREATE VIEW app.v AS SELECT id AS number, email AS contact FROM app.customers;
  CREATE MATERIALIZED VIEW app.m AS SELECT count(*) AS n FROM app.v;
  CREATE RULE cut AS ON DELETE TO app.v DO INSTEAD NOTHING;
  CREATE FUNCTION app.to_int(app.mood) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE CAST (app.mood AS int) WITH FUNCTION app.to_int(app.mood);
  CREATE AGGREGATE app.total (int) (SFUNC = app.add, STYPE = int, FINALFUNC = app.last);
  CREATE FUNCTION app.many(a int, b text DEFAULT 'x', OUT c int, OUT "d e" text) RETURNS SETOF record
    LANGUAGE sql STABLE SECURITY DEFINER AS $$ SELECT 1, 'x' $$;
  CREATE PROCEDURE app.purge(VARIADIC ids int[]) LANGUAGE sql AS 'DELETE FROM app.customers';
  CREATE TEMP TABLE scratch (a int);
`.replace(
  'CREATE AGGREGATE',
  `CREATE FUNCTION app.add(int, int) RETURNS int LANGUAGE sql AS 'SELECT 1';
   CREATE FUNCTION app.last(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
   CREATE AGGREGATE`,
);

for (const version of [15, 18] as const) {
  suite(`the catalogue of PostgreSQL ${version}`, () => {
    test('holds one of everything', async (t) => {
      await using server = await startPostgres({ version });
      const owner = await server.connect();
      await owner.query(schema);
      await owner.query('CREATE ROLE nobody_much LOGIN');
      if (version === 18) {
        await owner.query(
          `CREATE FUNCTION app.i(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
           CREATE TABLE app.virtual (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL)`,
        );
      }
      const reader = await server.connect({ user: 'nobody_much' });
      const data = await readCatalogue(textQuery(reader), parseOne);
      const known = catalogue(data);
      const relation = (name: string): Relation => found(known, 'app', name);
      const runs = (name: string): readonly string[] =>
        relation(name)
          .runs.map((each) => `${each.on} ${each.routine}`)
          .sort();

      await t.test('facts', () => {
        assert.equal(data.serverMajor, version);
        assert.equal(data.database, 'postgres');
        assert.equal(data.currentUser, 'nobody_much');
        assert.ok(data.schemas.includes('app') && data.schemas.includes('pg_catalog'));
      });
      await t.test('columns with comments, generated ones marked', () => {
        const { columns } = relation('customers');
        assert.deepEqual(
          columns.map((each) => each.name),
          ['id', 'email', 'code', 'region', 'nick', 'odd "name', 'fresh', 'shout'],
        );
        assert.equal(columns[1]?.comment, 'pii: email');
        assert.equal(columns[0]?.comment, undefined);
        assert.deepEqual(
          columns.filter((each) => each.generated).map((each) => each.name),
          ['shout'],
        );
      });
      await t.test('keys: only those for which = finds one row', () => {
        assert.deepEqual(relation('customers').keys, [['id'], ['region', 'code']]);
        assert.deepEqual(relation('mother').keys, []);
        assert.deepEqual(relation('orders').keys, [['id']]);
      });
      await t.test('cascades', () => {
        assert.deepEqual(relation('customers').cascades, [
          { from: 'app.orders', onDelete: 'cascade', onUpdate: 'set', columns: ['id'] },
        ]);
      });
      await t.test('families, all levels', () => {
        assert.deepEqual([...relation('parts').children].sort(), ['app.parts_1', 'app.parts_1_1']);
        assert.deepEqual([...relation('parts_1_1').parents].sort(), ['app.parts', 'app.parts_1']);
        assert.deepEqual(relation('mother').children, ['app.child']);
        assert.equal(relation('parts').kind, 'partitioned');
      });
      await t.test('functions that run by themselves', () => {
        assert.deepEqual(runs('customers'), [
          'insert app.fine(text)',
          'insert app.fresh()',
          'update app.fine(text)',
          'update app.fresh()',
          'update app.note()',
          'update app.when_true()',
        ]);
        assert.deepEqual(runs('orders'), [
          'delete app.note()',
          'insert app.fine(text)',
          'insert app.note()',
          'update app.fine(text)',
        ]);
        assert.deepEqual(runs('secrets'), [
          'delete pg_catalog.query_to_xml(text, boolean, boolean, text)',
          'insert app.same(integer, integer)',
          'read app.visible(integer)',
          'update app.same(integer, integer)',
        ]);
        assert.deepEqual(runs('parts'), ['insert app.note()', 'update app.note()']);
        assert.deepEqual(runs('parts_1_1'), ['insert app.note()', 'update app.note()']);
        assert.deepEqual(runs('leaf_only'), []);
        const ordered = ['insert app.order_of(integer, integer)', 'update app.order_of(integer, integer)'];
        assert.deepEqual(runs('spans'), ordered);
        assert.deepEqual(runs('sorted'), ordered);
        assert.equal(relation('secrets').rowSecurity, true);
      });
      await t.test('views, their definitions and rules', () => {
        assert.deepEqual(Object.keys(relation('v').definition ?? {}), ['SelectStmt']);
        assert.equal(relation('v').kind, 'view');
        assert.deepEqual(relation('v').rules, ['delete']);
        assert.equal(relation('m').kind, 'materialized');
        assert.deepEqual(Object.keys(relation('m').definition ?? {}), ['SelectStmt']);
        const views = data.relations.filter((each) => each.kind === 'view');
        assert.ok(views.length > 100);
        assert.deepEqual(
          views.filter((each) => each.definition === undefined).map((each) => each.name),
          [],
        );
      });
      await t.test('routines', () => {
        const many = known.routines('app', 'many')[0];
        assert.ok(many !== undefined);
        assert.equal(many.securityDefiner, true);
        assert.equal(many.volatility, 'stable');
        assert.equal(many.defaults, 1);
        assert.deepEqual(many.arguments, [23, 25]);
        assert.deepEqual(many.columns, ['c', 'd e']);
        assert.equal(many.returnsSet, true);
        assert.equal(many.owner, 'postgres');
        const purge = known.routines('app', 'purge')[0];
        assert.equal(purge?.kind, 'procedure');
        assert.equal(purge?.variadic, true);
        assert.equal(known.routines('public', 'citextin')[0]?.extension, 'citext');
        assert.equal(known.routines('pg_catalog', 'lower')[0]?.extension, undefined);
        const total = known.routines('app', 'total')[0];
        assert.equal(total?.kind, 'aggregate');
        assert.deepEqual(
          total?.calls.map((each) => known.routineByOid(each)?.name),
          ['add', 'last'],
        );
      });
      await t.test('operators, casts and types', () => {
        const operator = known.operators('app', '===')[0];
        assert.equal(known.routineByOid(operator?.routine ?? 0)?.name, 'same');
        const mood = known.type('app', 'mood');
        const cast = data.casts.find((each) => each.source === mood?.oid);
        assert.equal(known.routineByOid(cast?.routine ?? 0)?.name, 'to_int');
        // What the server makes by itself beside a range type is nobody's function.
        const span = known.type('app', 'span');
        const toMany = data.casts.filter((each) => each.source === span?.oid);
        assert.deepEqual(
          toMany.map((each) => [each.how, each.routine]),
          [['binary', 0]],
        );
        assert.deepEqual(known.type('app', 'word')?.runs, ['app.fine']);
        assert.deepEqual(known.type('app', '_word')?.runs, ['app.fine']);
        assert.deepEqual(known.type('app', 'pair')?.runs, ['app.fine']);
        assert.deepEqual(known.type('app', 'span')?.runs, []);
        assert.deepEqual(known.type('app', 'own_span')?.runs, ['app.order_of']);
        assert.deepEqual(known.type('app', 'own_span_multirange')?.runs, ['app.order_of']);
        assert.equal(known.type('app', 'word')?.base, 25);
        assert.equal(known.type('pg_catalog', '_int4')?.element, 23);
        assert.equal(known.type('pg_catalog', 'point')?.element, 0);
        assert.ok(known.type('public', 'citext')?.runs.includes('public.citextin'));
        assert.deepEqual(known.type('pg_catalog', 'text')?.runs, []);
      });
      await t.test('temporary relations of other sessions', () => {
        const scratch = data.relations.find((each) => each.name === 'scratch');
        assert.equal(scratch?.temporary, true);
        assert.match(scratch?.schema ?? '', /^pg_temp_\d+$/);
      });
    });

    test('changes its version with every kind of change, and only then', async () => {
      await using server = await startPostgres({ version });
      const owner = await server.connect();
      await owner.query(schema);
      const query = textQuery(await server.connect());
      const watch = catalogueWatch(query);
      let before = await catalogueVersion(query);
      assert.equal(await watch(), before);
      const changes = [
        'ALTER TABLE app.customers RENAME COLUMN code TO codex',
        'ALTER TABLE app.customers ALTER COLUMN codex TYPE varchar(10)',
        `COMMENT ON COLUMN app.customers.codex IS 'x'`,
        `COMMENT ON COLUMN app.customers.codex IS NULL`,
        'ALTER TABLE app.customers ALTER COLUMN codex SET DEFAULT 1',
        'ALTER TABLE app.orders ENABLE TRIGGER off',
        'ALTER TABLE app.customers ENABLE ROW LEVEL SECURITY',
        'ALTER POLICY see ON app.secrets USING (true)',
        'CREATE OR REPLACE VIEW app.v AS SELECT id AS number, region AS contact FROM app.customers',
        `CREATE OR REPLACE FUNCTION app.fresh() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 2'`,
        'ALTER FUNCTION app.fresh() SECURITY DEFINER',
        'ALTER FUNCTION app.fresh() SET SCHEMA public',
        'ALTER DOMAIN app.word DROP CONSTRAINT word_check',
        'ALTER TABLE app.parts DETACH PARTITION app.parts_1',
        'ALTER EXTENSION citext ADD FUNCTION app.same(int, int)',
        'ALTER ROLE postgres RENAME TO postgres_again',
        'ALTER ROLE postgres_again RENAME TO postgres',
        'DROP CAST (app.mood AS int)',
        'DROP RULE cut ON app.v',
        'CREATE TEMP TABLE more (a int)',
        'DROP TABLE app.orders',
        'ALTER SCHEMA app RENAME TO app2',
      ];
      // Renaming the role one is signed in as is refused: somebody else does it.
      await owner.query('CREATE ROLE other SUPERUSER LOGIN');
      const other = await server.connect({ user: 'other' });
      for (const change of changes) {
        await (change.includes('ROLE') ? other : owner).query(change);
        const after = await catalogueVersion(query);
        assert.notEqual(after, before, change);
        assert.equal(await watch(), after, change);
        before = after;
      }
      await owner.query(`INSERT INTO app2.customers (id, email) VALUES (1, 'x'); DELETE FROM app2.customers`);
      await owner.query('VACUUM ANALYZE app2.customers');
      assert.equal(await catalogueVersion(query), before);
      assert.equal(await watch(), before);
    });

    test('is read past a lock on a view, without that view', async () => {
      await using server = await startPostgres({ version });
      const owner = await server.connect();
      await owner.query(
        'CREATE TABLE t (a int); CREATE VIEW v AS SELECT 1 AS a; CREATE VIEW w AS SELECT a FROM t',
      );
      const altering = await server.connect();
      await altering.query('BEGIN; LOCK TABLE v IN ACCESS EXCLUSIVE MODE');
      const data = await readCatalogue(textQuery(owner), parseOne);
      const known = catalogue(data);
      assert.equal(found(known, 'public', 'v').definition, undefined);
      assert.notEqual(found(known, 'public', 'w').definition, undefined);
      await altering.query('ROLLBACK');
    });
  });
}

test('readCatalogue() leaves no transaction behind when it fails', async () => {
  await using server = await startPostgres({ version: 18 });
  const client = await server.connect();
  await assert.rejects(
    readCatalogue(textQuery(client), () => Promise.reject(new Error('parser gone'))),
    { name: 'Fault', code: 'catalogue' },
  );
  const { rows } = await client.query<{ now: boolean }>('SELECT now() = statement_timestamp() AS now');
  assert.equal(rows[0]?.now, true);
  assert.ok(client instanceof Client);
});

function found(known: Catalogue, schema: string, name: string): Relation {
  const relation = known.relation(schema, name);
  assert.ok(relation !== undefined, `${schema}.${name} is in the catalogue`);
  return relation;
}
