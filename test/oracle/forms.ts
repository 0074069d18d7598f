import type { Rules } from './expressions.ts';

/** The ways to write one command of PostgreSQL. */
export interface Form {
  readonly rules: readonly string[];
  /** How often it is drawn among all forms; 1 unless said. */
  readonly weight?: number;
  /**
   * `outside`: the server refuses it in a transaction block, or it ends one. It runs on a database that is thrown away
   * when anything changed.
   */
  readonly where?: 'outside';
  /** It always does something that no counter of the server shows (a message, a lock, a file, a process). */
  readonly effect?: true;
}

/** Small parts of the definitions below. */
export const parts: Rules = {
  type: [
    'int',
    'text',
    'app.mood',
    'app.checked',
    'app.deep',
    'numeric(5, 2)',
    'int[]',
    'app.pair',
    'varchar(10)',
    'app.w_range',
    'bool',
  ],
  column: [
    'a int',
    'a int, b text',
    'id serial PRIMARY KEY, a int DEFAULT 1',
    'a int CHECK (a > {cint})',
    'a int DEFAULT {cint}',
    'a int, UNIQUE (a)',
    'a app.checked',
    'a int REFERENCES app.quiet',
    'a int GENERATED ALWAYS AS IDENTITY',
    'a int, g int GENERATED ALWAYS AS (a + 1) STORED',
  ],
  base: [
    'app.logs',
    'app.quiet',
    'app.orders',
    'app.archive',
    'app.indexed',
    'app.unlogged',
    'app."Mixed Case"',
    'public.shop',
    'app.row_trigger',
    'app.parts_low',
    'app.mother',
  ],
  alter: [
    'ADD COLUMN z int',
    'ADD z int DEFAULT {cint}',
    'DROP COLUMN b',
    'ALTER COLUMN a SET DEFAULT {cint}',
    'ALTER a DROP DEFAULT',
    'ALTER a TYPE text USING (app.w_text(a::text))',
    'ALTER a TYPE bigint',
    'ALTER a SET STATISTICS 10',
    'ALTER t SET STORAGE EXTERNAL',
    'ADD CHECK (a > -100) NOT VALID',
    'ADD CONSTRAINT fresh CHECK (app.w_immbool(a))',
    'RENAME COLUMN a TO z',
    'RENAME TO fresh',
    'SET SCHEMA public',
    'OWNER TO app_other',
    'DISABLE TRIGGER ALL',
    'ENABLE ROW LEVEL SECURITY',
    'FORCE ROW LEVEL SECURITY',
    'SET (fillfactor = 50)',
    'RESET (fillfactor)',
    'SET UNLOGGED',
    'SET WITHOUT CLUSTER',
    'REPLICA IDENTITY FULL',
    'ALTER a SET NOT NULL',
    'ADD COLUMN z int GENERATED ALWAYS AS (app.w_imm(a)) STORED',
    'INHERIT app.quiet',
    'SET TABLESPACE pg_default',
    'ADD COLUMN z int DEFAULT app.w_plain()',
  ],
};

/** Every command of PostgreSQL's reference, by the name it has there. */
export const forms: Readonly<Record<string, Form>> = {
  SELECT: { rules: ['{select}'], weight: 260 },
  INSERT: { rules: ['{insert}'], weight: 90 },
  UPDATE: { rules: ['{update}'], weight: 90 },
  DELETE: { rules: ['{delete}'], weight: 90 },
  MERGE: { rules: ['{merge}'], weight: 60 },
  VALUES: {
    rules: ['VALUES ({cint}, {ctext})', 'VALUES ({cint}), ({cint}) ORDER BY 1 LIMIT abs({cint})'],
    weight: 6,
  },
  TABLE: { rules: ['TABLE {only}{rel}', 'TABLE {rel} ORDER BY 1 LIMIT 2'], weight: 6 },
  'SELECT INTO': {
    rules: [
      'SELECT x.id INTO fresh FROM {from}{where}',
      'SELECT {int} AS n INTO TEMP fresh FROM {from}',
      'SELECT {cint} AS n INTO UNLOGGED public.fresh',
      'WITH w AS ({write_returning}) SELECT * INTO fresh FROM w',
    ],
    weight: 8,
  },
  WITH: {
    rules: [
      'WITH w AS ({write_returning}) {select}',
      'WITH w AS ({select}) {write}',
      'WITH w AS ({write_returning}), v AS ({write_returning}) SELECT 1',
      'SELECT * FROM (WITH w AS ({select}) SELECT count(*) FROM w) AS s',
    ],
    weight: 40,
  },
  SEVERAL: {
    rules: [
      '{select}; {write}',
      '{write}; {select}',
      '{select}; ; {select};',
      '{update}; {delete}; {insert}',
      'SELECT 1; {merge}',
      'SET LOCAL search_path = evil, app; DELETE FROM logs',
      'CREATE TEMP TABLE logs (id int); DELETE FROM logs',
      `SELECT set_config('search_path', 'evil', true); DELETE FROM logs`,
      'CREATE TEMP VIEW quiet AS SELECT * FROM app.customers; SELECT * FROM quiet',
    ],
    weight: 30,
  },

  COPY: {
    rules: [
      'COPY {table} TO STDOUT',
      'COPY {table} (id, a) TO STDOUT WITH (FORMAT csv, HEADER)',
      'COPY ({select}) TO STDOUT',
      'COPY ({write_returning}) TO STDOUT',
      'COPY {table} (id, a) FROM STDIN',
      'COPY {target} (id, a, t, b) FROM STDIN',
      'COPY {table} (id, a) FROM STDIN WITH (FORMAT csv)',
      'COPY {table} (id, a) FROM STDIN WHERE app.w_bool(1)',
      'COPY {table} TO STDOUT BINARY',
      `COPY {table} (id, a) FROM STDIN (DELIMITER ',')`,
      'COPY app.moods (id, r) FROM STDIN',
    ],
    weight: 40,
  },
  'COPY FILE': {
    rules: [
      `COPY {table} TO '/tmp/sallyport-oracle-copy'`,
      `COPY {table} FROM '/dev/null'`,
      `COPY {table} TO PROGRAM 'true'`,
      `COPY {table} FROM PROGRAM 'true'`,
      `COPY ({select}) TO PROGRAM 'cat > /dev/null'`,
    ],
    effect: true,
    weight: 4,
  },
  TRUNCATE: {
    rules: [
      'TRUNCATE {table}',
      'TRUNCATE TABLE {table} CASCADE',
      'TRUNCATE ONLY {table} RESTART IDENTITY CASCADE',
      'TRUNCATE app.logs, app.quiet',
      'TRUNCATE {table}, {table} CONTINUE IDENTITY CASCADE',
    ],
    weight: 20,
  },

  DO: {
    rules: [
      'DO $$ BEGIN PERFORM app.w_plain(); END $$',
      `DO $$ BEGIN EXECUTE 'DEL' || 'ETE FROM app.logs'; END $$`,
      'DO LANGUAGE plpgsql $x$ BEGIN DELETE FROM app.customers; END $x$',
      'DO $$ BEGIN NULL; END $$',
    ],
    weight: 8,
  },
  CALL: {
    rules: [
      'CALL app.p_write(1)',
      'CALL app.p_inout({number})',
      'CALL p_write(app.w_plain())',
      'CALL app.p_inout(NULL)',
      'CALL app.p_write({cint})',
    ],
    weight: 8,
  },
  'CALL COMMIT': { rules: ['CALL app.p_commit()'], where: 'outside' },
  PREPARE: {
    rules: [
      'PREPARE p1 AS {query}; DEALLOCATE p1',
      'PREPARE p1 (int) AS SELECT x.a FROM {rel} AS x WHERE x.id = $1; DEALLOCATE PREPARE p1',
    ],
    weight: 12,
  },
  EXECUTE: {
    rules: [
      'PREPARE p2 AS {query}; EXECUTE p2; DEALLOCATE p2',
      'PREPARE p2 (int) AS DELETE FROM {target} AS x WHERE x.id = $1; EXECUTE p2 (1); DEALLOCATE ALL',
      'PREPARE p2 (int) AS SELECT $1; EXECUTE p2 ({cint}); DEALLOCATE p2',
      'PREPARE p2 AS {select}; CREATE TEMP TABLE fresh AS EXECUTE p2; DEALLOCATE p2',
      'PREPARE p2 AS {query}; EXPLAIN ANALYZE EXECUTE p2; DEALLOCATE p2',
      'EXECUTE missing',
    ],
    weight: 25,
  },
  DEALLOCATE: { rules: ['DEALLOCATE ALL', 'PREPARE p3 AS SELECT 1; DEALLOCATE PREPARE p3'] },
  DECLARE: {
    rules: [
      'DECLARE c CURSOR FOR {select}',
      'DECLARE c SCROLL CURSOR FOR {select}; FETCH ALL FROM c',
      'DECLARE c NO SCROLL CURSOR WITHOUT HOLD FOR SELECT {list} FROM {from}; FETCH 2 FROM c; CLOSE c',
      'DECLARE c INSENSITIVE BINARY CURSOR FOR {select}; MOVE 1 IN c',
    ],
    weight: 16,
  },
  FETCH: {
    rules: [
      'DECLARE c SCROLL CURSOR FOR {select}; FETCH FORWARD 3 FROM c; FETCH BACKWARD 1 FROM c',
      'DECLARE c CURSOR FOR SELECT app.w_plain(); FETCH NEXT FROM c',
      'DECLARE c SCROLL CURSOR FOR {select}; FETCH ABSOLUTE 1 IN c; FETCH LAST c',
      'FETCH 1 FROM missing',
    ],
    weight: 8,
  },
  MOVE: {
    rules: [
      'DECLARE c SCROLL CURSOR FOR {select}; MOVE FORWARD ALL IN c',
      'DECLARE c CURSOR FOR SELECT app.w_plain(); MOVE 1 c',
    ],
    weight: 4,
  },
  CLOSE: { rules: ['DECLARE c CURSOR FOR SELECT 1; CLOSE c', 'CLOSE ALL'] },
  'WHERE CURRENT OF': {
    rules: [
      'DECLARE c CURSOR FOR SELECT x.id FROM app.logs AS x FOR UPDATE; FETCH 1 FROM c; DELETE FROM app.logs WHERE CURRENT OF c',
      'DECLARE c CURSOR FOR SELECT x.id FROM app.quiet AS x; FETCH 1 FROM c; UPDATE app.quiet SET a = {cint} WHERE CURRENT OF c',
    ],
    weight: 4,
  },
  EXPLAIN: {
    rules: [
      'EXPLAIN {query}',
      'EXPLAIN (COSTS off, VERBOSE) {query}',
      'EXPLAIN (ANALYZE false) {query}',
      'EXPLAIN (ANALYZE 0, FORMAT json) {query}',
      'EXPLAIN ANALYZE {query}',
      'EXPLAIN ANALYZE VERBOSE {query}',
      'EXPLAIN (ANALYZE) {query}',
      'EXPLAIN (ANALYZE true, COSTS off) {query}',
      'EXPLAIN (ANALYZE 1) {query}',
      'EXPLAIN (ANALYZE on, ANALYZE off) {query}',
      'EXPLAIN (ANALYZE off, ANALYZE) {query}',
      'EXPLAIN (COSTS off, "analyze" \'on\') {query}',
      'EXPLAIN ANALYZE CREATE TEMP TABLE fresh AS {select}',
      'EXPLAIN (ANALYZE) DECLARE c CURSOR FOR {select}',
      'EXPLAIN CREATE TABLE fresh AS {select}',
      '18:EXPLAIN (GENERIC_PLAN) SELECT $1',
      'EXPLAIN SELECT app.w_imm(5)',
      'EXPLAIN SELECT app.w_imm({number}) FROM app.logs AS x WHERE x.a = app.w_imm(1)',
      'EXPLAIN (ANALYZE TRUE, BUFFERS, WAL) {write}',
    ],
    weight: 60,
  },
  'CREATE TABLE AS': {
    rules: [
      'CREATE TABLE fresh AS {select}',
      'CREATE TEMP TABLE fresh AS SELECT {int} AS n FROM {from} WITH NO DATA',
      'CREATE TABLE IF NOT EXISTS app.logs AS {select}',
      'CREATE UNLOGGED TABLE fresh (n) AS VALUES ({cint}) WITH DATA',
      'CREATE TABLE fresh AS WITH w AS ({write_returning}) SELECT * FROM w',
      'CREATE TABLE fresh AS TABLE {rel}',
    ],
    weight: 12,
  },
  'CREATE MATERIALIZED VIEW': {
    rules: [
      'CREATE MATERIALIZED VIEW fresh AS {select}',
      'CREATE MATERIALIZED VIEW fresh AS SELECT {int} AS n FROM {from} WITH NO DATA',
    ],
    weight: 5,
  },
  'REFRESH MATERIALIZED VIEW': {
    rules: [
      'REFRESH MATERIALIZED VIEW app.mv',
      'REFRESH MATERIALIZED VIEW CONCURRENTLY app.mv',
      'REFRESH MATERIALIZED VIEW app.mv_function',
      'REFRESH MATERIALIZED VIEW app.mv WITH NO DATA',
    ],
    weight: 5,
  },
  'ALTER MATERIALIZED VIEW': {
    rules: [
      'ALTER MATERIALIZED VIEW app.mv RENAME TO fresh',
      'ALTER MATERIALIZED VIEW app.mv RENAME COLUMN a TO z',
      'ALTER MATERIALIZED VIEW app.mv SET SCHEMA public',
      'ALTER MATERIALIZED VIEW app.mv OWNER TO app_other',
    ],
  },
  'DROP MATERIALIZED VIEW': {
    rules: [
      'DROP MATERIALIZED VIEW app.mv',
      'DROP MATERIALIZED VIEW IF EXISTS app.mv, app.mv_function CASCADE',
    ],
  },

  'CREATE TABLE': {
    rules: [
      'CREATE TABLE {new} ({column})',
      'CREATE TEMP TABLE {new} ({column}) ON COMMIT DROP',
      'CREATE UNLOGGED TABLE app.{new} ({column})',
      'CREATE TABLE {new} (LIKE {base} INCLUDING ALL)',
      'CREATE TABLE {new} () INHERITS (app.mother)',
      'CREATE TABLE {new} PARTITION OF app.parts FOR VALUES FROM (100) TO (200)',
      'CREATE TABLE {new} (a int) PARTITION BY HASH (a)',
      'CREATE TABLE {new} OF app.pair',
      'CREATE TABLE IF NOT EXISTS app.logs (a int)',
      'CREATE TEMP TABLE logs (id int)',
    ],
    weight: 10,
  },
  'ALTER TABLE': {
    rules: [
      'ALTER TABLE {base} {alter}',
      'ALTER TABLE IF EXISTS ONLY {base} {alter}',
      'ALTER TABLE {base} {alter}',
      'ALTER TABLE app.parts DETACH PARTITION app.parts_low',
      'ALTER TABLE app.parts ATTACH PARTITION app.unlogged DEFAULT',
      'ALTER TABLE ALL IN TABLESPACE pg_default SET TABLESPACE pg_default',
      'ALTER TABLE app.quiet DROP CONSTRAINT quiet_pkey CASCADE',
    ],
    weight: 24,
  },
  'DROP TABLE': {
    rules: [
      'DROP TABLE {base} CASCADE',
      'DROP TABLE IF EXISTS nothing',
      'DROP TABLE IF EXISTS app.logs, app.quiet CASCADE',
      'DROP TABLE app.unlogged RESTRICT',
    ],
    weight: 5,
  },
  'CREATE VIEW': {
    rules: [
      'CREATE VIEW {new} AS SELECT {int} AS n FROM {from}',
      'CREATE OR REPLACE TEMP VIEW {new} AS SELECT x.id FROM {rel} AS x',
      'CREATE VIEW {new} (n) WITH (security_invoker) AS VALUES ({cint})',
      'CREATE RECURSIVE VIEW {new} (n) AS SELECT 1',
      'CREATE OR REPLACE VIEW app.v_simple AS SELECT id, a, t, b FROM app.customers WHERE app.w_bool(1)',
    ],
    weight: 5,
  },
  'ALTER VIEW': {
    rules: [
      'ALTER VIEW app.v_simple RENAME TO fresh',
      'ALTER VIEW app.v_simple ALTER a SET DEFAULT {cint}',
      'ALTER VIEW app.v_simple SET (check_option = local)',
      'ALTER VIEW app.v_simple OWNER TO app_other',
    ],
  },
  'DROP VIEW': { rules: ['DROP VIEW app.v_join', 'DROP VIEW IF EXISTS app.v_simple CASCADE'] },
  'CREATE INDEX': {
    rules: [
      'CREATE INDEX ON {base} (a)',
      'CREATE INDEX {new} ON {base} USING hash (t)',
      'CREATE INDEX ON {base} (app.w_imm(a))',
      'CREATE INDEX ON {base} (id) WHERE app.w_immbool(a)',
      'CREATE INDEX ON {base} (a app.w_ops)',
      'CREATE UNIQUE INDEX IF NOT EXISTS {new} ON {base} (id, a) INCLUDE (t)',
    ],
    weight: 6,
  },
  'CREATE INDEX CONCURRENTLY': {
    rules: ['CREATE INDEX CONCURRENTLY ON app.logs (a)', 'DROP INDEX CONCURRENTLY app.named_index'],
    where: 'outside',
  },
  'ALTER INDEX': {
    rules: [
      'ALTER INDEX app.named_index RENAME TO fresh',
      'ALTER INDEX app.named_index SET (fillfactor = 60)',
      'ALTER INDEX app.named_index SET TABLESPACE pg_default',
      'ALTER INDEX app.indexed_w_imm_idx ALTER COLUMN 1 SET STATISTICS 7',
    ],
  },
  'DROP INDEX': { rules: ['DROP INDEX app.named_index', 'DROP INDEX IF EXISTS app.named_index CASCADE'] },
  'CREATE SEQUENCE': {
    rules: ['CREATE SEQUENCE {new}', 'CREATE TEMP SEQUENCE {new} AS smallint START 5 OWNED BY NONE'],
  },
  'ALTER SEQUENCE': {
    rules: [
      'ALTER SEQUENCE app.counter RESTART WITH 99',
      'ALTER SEQUENCE app.counter INCREMENT 5',
      'ALTER SEQUENCE app.counter OWNED BY app.logs.id',
      'ALTER SEQUENCE app.counter RENAME TO fresh',
    ],
  },
  'DROP SEQUENCE': { rules: ['DROP SEQUENCE app.counter', 'DROP SEQUENCE app.customers_id_seq CASCADE'] },
  SEQUENCES: {
    rules: [
      `SELECT nextval('app.counter')`,
      `SELECT setval('app.counter', 5)`,
      `SELECT setval('app.counter'::regclass, {number} + 10, false)`,
      `SELECT nextval('counter'::text)`,
      `SELECT last_value FROM app.counter`,
      `SELECT currval('app.counter')`,
      `UPDATE app.quiet AS x SET a = nextval('app.counter')`,
    ],
    weight: 6,
  },

  'CREATE FUNCTION': {
    rules: [
      `CREATE FUNCTION {new}() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
      `CREATE OR REPLACE FUNCTION app.pure(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM app.logs; RETURN 1; END $$`,
      'CREATE FUNCTION {new}(a int DEFAULT {cint}) RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a; END',
      `CREATE FUNCTION {new}() RETURNS TABLE (n int) LANGUAGE sql SECURITY DEFINER STABLE SET search_path = app AS 'SELECT 1'`,
    ],
  },
  'ALTER FUNCTION': {
    rules: [
      'ALTER FUNCTION app.pure(int) RENAME TO fresh',
      'ALTER FUNCTION app.pure STABLE',
      'ALTER FUNCTION app.pure(int) SECURITY DEFINER',
      'ALTER FUNCTION app.pure(int) SET search_path = evil',
      'ALTER FUNCTION app.pure(int) OWNER TO app_other',
      'ALTER FUNCTION app.w_plain() DEPENDS ON EXTENSION plpgsql',
    ],
  },
  'DROP FUNCTION': {
    rules: ['DROP FUNCTION app.w_variadic', 'DROP FUNCTION IF EXISTS app.pure(int) CASCADE'],
  },
  'CREATE PROCEDURE': {
    rules: [
      `CREATE PROCEDURE {new}() LANGUAGE sql AS 'DELETE FROM app.logs'`,
      `CREATE OR REPLACE PROCEDURE app.p_write(int) LANGUAGE sql AS 'SELECT 1'`,
    ],
  },
  'ALTER PROCEDURE': {
    rules: [
      'ALTER PROCEDURE app.p_write(int) RENAME TO fresh',
      'ALTER PROCEDURE app.p_write SECURITY DEFINER',
    ],
  },
  'DROP PROCEDURE': {
    rules: ['DROP PROCEDURE app.p_write', 'DROP PROCEDURE IF EXISTS app.p_write(int), app.p_inout(int)'],
  },
  'ALTER ROUTINE': {
    rules: [
      'ALTER ROUTINE app.pure(int) RENAME TO fresh',
      'ALTER ROUTINE app.p_write(int) SET work_mem = 100',
    ],
  },
  'DROP ROUTINE': { rules: ['DROP ROUTINE app.p_write', 'DROP ROUTINE IF EXISTS app.w_definer()'] },
  'CREATE AGGREGATE': {
    rules: [
      'CREATE AGGREGATE {new} (int) (SFUNC = app.s_step, STYPE = int)',
      `CREATE OR REPLACE AGGREGATE app.w_final (int) (SFUNC = app.s_step, STYPE = int, INITCOND = '5')`,
    ],
  },
  'ALTER AGGREGATE': {
    rules: [
      'ALTER AGGREGATE app.w_agg (int) RENAME TO fresh',
      'ALTER AGGREGATE app.w_agg (int) OWNER TO app_other',
    ],
  },
  'DROP AGGREGATE': {
    rules: ['DROP AGGREGATE app.w_agg (int)', 'DROP AGGREGATE IF EXISTS app.w_final (int) CASCADE'],
  },
  'CREATE TRIGGER': {
    rules: [
      'CREATE TRIGGER fresh AFTER INSERT ON {base} FOR EACH ROW EXECUTE FUNCTION app.tr_audit()',
      'CREATE OR REPLACE TRIGGER row_trigger BEFORE DELETE ON app.row_trigger FOR EACH ROW EXECUTE FUNCTION app.tr_audit()',
      'CREATE CONSTRAINT TRIGGER fresh AFTER UPDATE ON app.logs INITIALLY DEFERRED FOR EACH ROW EXECUTE PROCEDURE app.tr_audit()',
    ],
  },
  'ALTER TRIGGER': { rules: ['ALTER TRIGGER row_trigger ON app.row_trigger RENAME TO fresh'] },
  'DROP TRIGGER': {
    rules: ['DROP TRIGGER row_trigger ON app.row_trigger', 'DROP TRIGGER IF EXISTS nothing ON app.logs'],
  },
  'CREATE EVENT TRIGGER': {
    rules: ['CREATE EVENT TRIGGER fresh ON ddl_command_start EXECUTE FUNCTION app.ev_audit()'],
  },
  'ALTER EVENT TRIGGER': {
    rules: ['ALTER EVENT TRIGGER ddl DISABLE', 'ALTER EVENT TRIGGER ddl RENAME TO fresh'],
  },
  'DROP EVENT TRIGGER': { rules: ['DROP EVENT TRIGGER ddl'] },
  'CREATE RULE': {
    rules: [
      'CREATE RULE fresh AS ON DELETE TO {base} DO INSTEAD NOTHING',
      `CREATE OR REPLACE RULE also AS ON INSERT TO app.ruled DO ALSO DELETE FROM app.quiet`,
    ],
  },
  'ALTER RULE': { rules: ['ALTER RULE also ON app.ruled RENAME TO fresh'] },
  'DROP RULE': { rules: ['DROP RULE also ON app.ruled'] },
  'CREATE POLICY': {
    rules: [
      'CREATE POLICY fresh ON {base} USING (app.w_bool(1))',
      'CREATE POLICY fresh ON app.secured AS RESTRICTIVE FOR SELECT TO app_user USING (true)',
    ],
  },
  'ALTER POLICY': {
    rules: [
      'ALTER POLICY see ON app.secured USING (true)',
      'ALTER POLICY see ON app.secured RENAME TO fresh',
    ],
  },
  'DROP POLICY': { rules: ['DROP POLICY see ON app.secured'] },

  'CREATE TYPE': {
    rules: [
      'CREATE TYPE {new} AS (a int)',
      `CREATE TYPE {new} AS ENUM ('x')`,
      'CREATE TYPE {new} AS RANGE (SUBTYPE = float8)',
      'CREATE TYPE {new}',
    ],
  },
  'ALTER TYPE': {
    rules: [
      `ALTER TYPE app.mood ADD VALUE 'ugly'`,
      'ALTER TYPE app.pair ADD ATTRIBUTE z int',
      `ALTER TYPE app.mood RENAME VALUE 'good' TO 'fine'`,
      'ALTER TYPE app.pair RENAME TO fresh',
      'ALTER TYPE app.mood SET SCHEMA public',
    ],
  },
  'DROP TYPE': { rules: ['DROP TYPE app.holder CASCADE', 'DROP TYPE IF EXISTS app.mood CASCADE'] },
  'CREATE DOMAIN': {
    rules: [
      'CREATE DOMAIN {new} AS int CHECK (app.w_immbool(VALUE))',
      `CREATE DOMAIN {new} text DEFAULT 'x' NOT NULL`,
    ],
  },
  'ALTER DOMAIN': {
    rules: [
      'ALTER DOMAIN app.checked DROP CONSTRAINT checked_check',
      'ALTER DOMAIN app.plain ADD CHECK (app.w_immbool(VALUE))',
      'ALTER DOMAIN app.plain SET DEFAULT {cint}',
      'ALTER DOMAIN app.checked VALIDATE CONSTRAINT checked_check',
    ],
  },
  'DROP DOMAIN': { rules: ['DROP DOMAIN app.plain', 'DROP DOMAIN app.checked CASCADE'] },
  'CREATE CAST': {
    rules: [
      'CREATE CAST (int AS app.mood) WITH INOUT AS IMPLICIT',
      'CREATE CAST (app.pair AS int) WITHOUT FUNCTION',
    ],
  },
  'DROP CAST': { rules: ['DROP CAST (app.mood AS int)', 'DROP CAST IF EXISTS (app.pair AS text)'] },
  'CREATE OPERATOR': {
    rules: ['CREATE OPERATOR app.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)'],
  },
  'ALTER OPERATOR': {
    rules: [
      'ALTER OPERATOR app.=== (int, int) SET (RESTRICT = eqsel)',
      'ALTER OPERATOR app.=== (int, int) OWNER TO app_other',
    ],
  },
  'DROP OPERATOR': {
    rules: ['DROP OPERATOR app.!! (NONE, int)', 'DROP OPERATOR IF EXISTS app.=== (int, int) CASCADE'],
  },
  'CREATE OPERATOR CLASS': {
    rules: ['CREATE OPERATOR CLASS app.fresh FOR TYPE int USING hash AS OPERATOR 1 ='],
  },
  'ALTER OPERATOR CLASS': { rules: ['ALTER OPERATOR CLASS app.w_ops USING btree RENAME TO fresh'] },
  'DROP OPERATOR CLASS': { rules: ['DROP OPERATOR CLASS app.w_ops USING btree CASCADE'] },
  'CREATE OPERATOR FAMILY': { rules: ['CREATE OPERATOR FAMILY app.fresh USING btree'] },
  'ALTER OPERATOR FAMILY': {
    rules: [
      'ALTER OPERATOR FAMILY app.w_ops USING btree ADD OPERATOR 1 < (int, bigint)',
      'ALTER OPERATOR FAMILY app.w_ops USING btree RENAME TO fresh',
    ],
  },
  'DROP OPERATOR FAMILY': { rules: ['DROP OPERATOR FAMILY app.w_ops USING btree CASCADE'] },
  'CREATE COLLATION': { rules: [`CREATE COLLATION fresh (locale = 'C')`, 'CREATE COLLATION fresh FROM "C"'] },
  'ALTER COLLATION': {
    rules: ['ALTER COLLATION app.nocase RENAME TO fresh', 'ALTER COLLATION app.nocase REFRESH VERSION'],
    effect: true,
  },
  'DROP COLLATION': { rules: ['DROP COLLATION app.nocase'] },
  'CREATE CONVERSION': { rules: [`CREATE CONVERSION fresh FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1`] },
  'ALTER CONVERSION': { rules: ['ALTER CONVERSION pg_catalog.utf8_to_iso_8859_1 RENAME TO fresh'] },
  'DROP CONVERSION': {
    rules: ['DROP CONVERSION IF EXISTS nothing', 'DROP CONVERSION pg_catalog.utf8_to_iso_8859_1'],
    effect: true,
  },
  'CREATE TRANSFORM': {
    rules: ['CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal))'],
  },
  'DROP TRANSFORM': { rules: ['DROP TRANSFORM IF EXISTS FOR int LANGUAGE sql'], effect: true },
  'CREATE LANGUAGE': { rules: ['CREATE OR REPLACE LANGUAGE plpgsql'], effect: true },
  'ALTER LANGUAGE': {
    rules: ['ALTER LANGUAGE plpgsql RENAME TO fresh', 'ALTER LANGUAGE plpgsql OWNER TO app_user'],
  },
  'DROP LANGUAGE': {
    rules: ['DROP LANGUAGE IF EXISTS nothing', 'DROP LANGUAGE plpgsql CASCADE'],
    effect: true,
  },
  'CREATE EXTENSION': {
    rules: [
      'CREATE EXTENSION IF NOT EXISTS plpgsql',
      'CREATE EXTENSION citext SCHEMA app',
      'CREATE EXTENSION pgcrypto CASCADE',
    ],
    effect: true,
  },
  'ALTER EXTENSION': {
    rules: ['ALTER EXTENSION plpgsql UPDATE', 'ALTER EXTENSION plpgsql ADD FUNCTION app.pure(int)'],
    effect: true,
  },
  'DROP EXTENSION': {
    rules: ['DROP EXTENSION plpgsql CASCADE', 'DROP EXTENSION IF EXISTS nothing'],
    effect: true,
  },
  'CREATE ACCESS METHOD': { rules: ['CREATE ACCESS METHOD fresh TYPE INDEX HANDLER bthandler'] },
  'DROP ACCESS METHOD': { rules: ['DROP ACCESS METHOD IF EXISTS nothing'], effect: true },
  'CREATE STATISTICS': {
    rules: [
      'CREATE STATISTICS fresh ON a, id FROM app.logs',
      'CREATE STATISTICS ON (app.w_imm(a)), t FROM app.logs',
    ],
  },
  'ALTER STATISTICS': {
    rules: ['ALTER STATISTICS app.stats RENAME TO fresh', 'ALTER STATISTICS app.stats SET STATISTICS 5'],
  },
  'DROP STATISTICS': { rules: ['DROP STATISTICS app.stats'] },

  'CREATE SCHEMA': {
    rules: [
      'CREATE SCHEMA {new}',
      'CREATE SCHEMA fresh CREATE TABLE t (a int) CREATE VIEW v AS SELECT app.w_plain() AS n',
      'CREATE SCHEMA AUTHORIZATION app_other',
      'CREATE SCHEMA IF NOT EXISTS app',
    ],
    effect: true,
  },
  'ALTER SCHEMA': { rules: ['ALTER SCHEMA empty RENAME TO fresh', 'ALTER SCHEMA app OWNER TO app_other'] },
  'DROP SCHEMA': {
    rules: ['DROP SCHEMA empty', 'DROP SCHEMA app CASCADE', 'DROP SCHEMA IF EXISTS nothing'],
    effect: true,
  },
  'CREATE ROLE': {
    rules: ['CREATE ROLE fresh', `CREATE ROLE fresh LOGIN SUPERUSER PASSWORD 'x' IN ROLE app_other`],
  },
  'CREATE USER': { rules: ['CREATE USER fresh', `CREATE USER fresh PASSWORD 'x' VALID UNTIL 'infinity'`] },
  'CREATE GROUP': { rules: ['CREATE GROUP fresh'] },
  'ALTER ROLE': {
    rules: [
      'ALTER ROLE app_other SUPERUSER',
      `ALTER ROLE app_other SET search_path = evil`,
      'ALTER ROLE ALL SET work_mem = 100',
      'ALTER ROLE app_other RENAME TO fresh',
      'ALTER ROLE app_user IN DATABASE postgres RESET ALL',
    ],
    effect: true,
  },
  'ALTER USER': { rules: [`ALTER USER app_user PASSWORD 'y'`, 'ALTER USER app_user NOLOGIN'] },
  'ALTER GROUP': {
    rules: ['ALTER GROUP app_other DROP USER app_user', 'ALTER GROUP app_other RENAME TO fresh'],
  },
  'DROP ROLE': { rules: ['DROP ROLE IF EXISTS nothing', 'DROP ROLE app_other'], effect: true },
  'DROP USER': { rules: ['DROP USER IF EXISTS nothing'], effect: true },
  'DROP GROUP': { rules: ['DROP GROUP IF EXISTS nothing'], effect: true },
  'DROP OWNED': { rules: ['DROP OWNED BY app_user', 'DROP OWNED BY app_other CASCADE'], effect: true },
  'REASSIGN OWNED': { rules: ['REASSIGN OWNED BY app_other TO app_user'], effect: true },
  GRANT: {
    rules: [
      'GRANT SELECT ON {base} TO app_other',
      'GRANT ALL ON ALL TABLES IN SCHEMA app TO PUBLIC',
      'GRANT app_other TO app_user WITH ADMIN OPTION',
      'GRANT pg_read_server_files TO app_user',
      'GRANT EXECUTE ON FUNCTION app.w_plain() TO app_other WITH GRANT OPTION',
      'GRANT USAGE ON SCHEMA app TO app_other',
      'GRANT UPDATE (a) ON app.logs TO app_other',
      'GRANT ALL ON LARGE OBJECT 4242 TO app_other',
      'GRANT CREATE ON DATABASE postgres TO app_other',
      '18:GRANT SET ON PARAMETER work_mem TO app_other',
    ],
    weight: 6,
    effect: true,
  },
  REVOKE: {
    rules: [
      'REVOKE ALL ON {base} FROM app_user',
      'REVOKE app_other FROM app_user',
      'REVOKE GRANT OPTION FOR SELECT ON app.logs FROM app_user CASCADE',
      'REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC',
    ],
    weight: 3,
    effect: true,
  },
  'ALTER DEFAULT PRIVILEGES': {
    rules: [
      'ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO PUBLIC',
      'ALTER DEFAULT PRIVILEGES FOR ROLE app_user REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC',
    ],
    effect: true,
  },
  COMMENT: {
    rules: [
      `COMMENT ON TABLE {base} IS 'x'`,
      `COMMENT ON COLUMN app.customers.ssn IS NULL`,
      `COMMENT ON COLUMN app.customers.ssn IS 'not secret'`,
      `COMMENT ON FUNCTION app.pure(int) IS 'x'`,
      `COMMENT ON DATABASE postgres IS 'x'`,
      `COMMENT ON LARGE OBJECT 4242 IS 'x'`,
    ],
    weight: 4,
    effect: true,
  },
  'SECURITY LABEL': { rules: [`SECURITY LABEL ON TABLE app.logs IS 'x'`], effect: true },
  'CREATE PUBLICATION': {
    rules: [
      'CREATE PUBLICATION fresh FOR ALL TABLES',
      'CREATE PUBLICATION fresh FOR TABLE app.quiet WHERE (id > 1)',
    ],
  },
  'ALTER PUBLICATION': {
    rules: ['ALTER PUBLICATION pub ADD TABLE app.quiet', "ALTER PUBLICATION pub SET (publish = 'insert')"],
  },
  'DROP PUBLICATION': { rules: ['DROP PUBLICATION pub'] },
  'CREATE SUBSCRIPTION': {
    rules: [
      `CREATE SUBSCRIPTION fresh CONNECTION 'host=nowhere.invalid' PUBLICATION pub WITH (connect = false)`,
    ],
    effect: true,
  },
  'ALTER SUBSCRIPTION': { rules: ['ALTER SUBSCRIPTION nothing DISABLE'], effect: true },
  'DROP SUBSCRIPTION': { rules: ['DROP SUBSCRIPTION IF EXISTS nothing'], effect: true, where: 'outside' },
  'CREATE FOREIGN DATA WRAPPER': { rules: ['CREATE FOREIGN DATA WRAPPER fresh'] },
  'ALTER FOREIGN DATA WRAPPER': { rules: ['ALTER FOREIGN DATA WRAPPER wrapper RENAME TO fresh'] },
  'DROP FOREIGN DATA WRAPPER': { rules: ['DROP FOREIGN DATA WRAPPER wrapper CASCADE'] },
  'CREATE SERVER': { rules: ['CREATE SERVER fresh FOREIGN DATA WRAPPER wrapper'] },
  'ALTER SERVER': { rules: [`ALTER SERVER server VERSION 'x'`] },
  'DROP SERVER': { rules: ['DROP SERVER server CASCADE'] },
  'CREATE USER MAPPING': {
    rules: [
      'CREATE USER MAPPING FOR PUBLIC SERVER server',
      'CREATE USER MAPPING FOR CURRENT_USER SERVER server',
    ],
  },
  'ALTER USER MAPPING': {
    rules: [`ALTER USER MAPPING FOR app_user SERVER server OPTIONS (x 'y')`],
    effect: true,
  },
  'DROP USER MAPPING': { rules: ['DROP USER MAPPING IF EXISTS FOR app_user SERVER server'], effect: true },
  'CREATE FOREIGN TABLE': { rules: ['CREATE FOREIGN TABLE fresh (a int) SERVER server'] },
  'ALTER FOREIGN TABLE': {
    rules: [
      'ALTER FOREIGN TABLE app.remote ADD COLUMN z int',
      'ALTER FOREIGN TABLE app.remote RENAME TO fresh',
    ],
  },
  'DROP FOREIGN TABLE': { rules: ['DROP FOREIGN TABLE app.remote'] },
  'IMPORT FOREIGN SCHEMA': { rules: ['IMPORT FOREIGN SCHEMA x FROM SERVER server INTO app'], effect: true },
  'CREATE TEXT SEARCH CONFIGURATION': { rules: ['CREATE TEXT SEARCH CONFIGURATION fresh (COPY = simple)'] },
  'ALTER TEXT SEARCH CONFIGURATION': {
    rules: [
      'ALTER TEXT SEARCH CONFIGURATION app.search RENAME TO fresh',
      'ALTER TEXT SEARCH CONFIGURATION app.search DROP MAPPING FOR word',
    ],
  },
  'DROP TEXT SEARCH CONFIGURATION': { rules: ['DROP TEXT SEARCH CONFIGURATION app.search'] },
  'CREATE TEXT SEARCH DICTIONARY': { rules: ['CREATE TEXT SEARCH DICTIONARY fresh (TEMPLATE = simple)'] },
  'ALTER TEXT SEARCH DICTIONARY': { rules: ['ALTER TEXT SEARCH DICTIONARY app.words_dict (accept = false)'] },
  'DROP TEXT SEARCH DICTIONARY': { rules: ['DROP TEXT SEARCH DICTIONARY app.words_dict'] },
  'CREATE TEXT SEARCH PARSER': {
    rules: [
      'CREATE TEXT SEARCH PARSER fresh (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype)',
    ],
  },
  'ALTER TEXT SEARCH PARSER': { rules: ['ALTER TEXT SEARCH PARSER pg_catalog.default RENAME TO fresh'] },
  'DROP TEXT SEARCH PARSER': { rules: ['DROP TEXT SEARCH PARSER IF EXISTS nothing'], effect: true },
  'CREATE TEXT SEARCH TEMPLATE': { rules: ['CREATE TEXT SEARCH TEMPLATE fresh (LEXIZE = dsimple_lexize)'] },
  'ALTER TEXT SEARCH TEMPLATE': { rules: ['ALTER TEXT SEARCH TEMPLATE pg_catalog.simple RENAME TO fresh'] },
  'DROP TEXT SEARCH TEMPLATE': { rules: ['DROP TEXT SEARCH TEMPLATE IF EXISTS nothing'], effect: true },

  'ALTER LARGE OBJECT': { rules: ['ALTER LARGE OBJECT 4242 OWNER TO app_other'] },
  'LARGE OBJECTS': {
    rules: [
      'SELECT lo_unlink(4242)',
      `SELECT lo_from_bytea(0, 'x')`,
      'SELECT lo_creat(-1)',
      `SELECT lo_put(4242, 0, 'x')`,
      `SELECT lowrite(lo_open(4242, 131072), 'x')`,
      'SELECT lo_truncate(lo_open(4242, 131072), 0)',
      'SELECT lo_get(4242)',
      `SELECT lo_import('/etc/hostname')`,
      'SELECT loread(lo_open(4242, 262144), 3)',
    ],
    weight: 6,
  },
  'LO EXPORT': { rules: [`SELECT lo_export(4242, '/tmp/sallyport-oracle-lo')`], effect: true },

  SET: {
    rules: [
      'SET work_mem = 1234',
      'SET LOCAL search_path = evil',
      'SET search_path TO evil, app',
      `SET TIME ZONE 'Asia/Tokyo'`,
      `SET application_name = 'x'`,
      'SET standard_conforming_strings = off',
      'SET row_security = off',
      `SET SESSION statement_timeout = '5s'`,
      `SET LOCAL "app.custom" = 'x'`,
      'SET session_replication_role = replica',
      `SET datestyle TO 'SQL, DMY'`,
      "SET SCHEMA 'evil'",
      `SET NAMES 'LATIN1'`,
      'SET SEED TO 0.5',
      'SET XML OPTION DOCUMENT',
    ],
    weight: 8,
  },
  RESET: { rules: ['SET LOCAL work_mem = 555; RESET work_mem', 'RESET ALL', 'RESET search_path'], weight: 3 },
  SHOW: {
    rules: [
      'SHOW ALL',
      'SHOW search_path',
      'SHOW TIME ZONE',
      'SHOW TRANSACTION ISOLATION LEVEL',
      'SHOW server_version',
    ],
    weight: 3,
  },
  'SET ROLE': {
    rules: ['SET ROLE app_other', 'SET LOCAL ROLE app_user', 'RESET ROLE', 'SET ROLE NONE'],
    effect: true,
  },
  'SET SESSION AUTHORIZATION': {
    rules: [
      'SET SESSION AUTHORIZATION app_user',
      'SET LOCAL SESSION AUTHORIZATION app_user',
      'RESET SESSION AUTHORIZATION',
    ],
    effect: true,
  },
  'SET TRANSACTION': {
    rules: ['SET TRANSACTION READ ONLY', 'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY'],
  },
  'SET CONSTRAINTS': {
    rules: [
      'SET CONSTRAINTS ALL DEFERRED',
      'INSERT INTO app.deferred_trigger (id) VALUES (1); SET CONSTRAINTS ALL IMMEDIATE',
    ],
  },
  'set_config()': {
    rules: [
      `SELECT set_config('work_mem', '1MB', false)`,
      `SELECT set_config('search_path', 'evil', true)`,
      `SELECT set_config('standard_conforming_' || 'strings', 'off', false)`,
      `UPDATE pg_settings SET setting = '2MB' WHERE name = 'work_mem'`,
      `SELECT set_config('role', 'app_user', true)`,
    ],
    weight: 4,
  },
  'ALTER SYSTEM': {
    rules: [`ALTER SYSTEM SET log_statement = 'none'`, 'ALTER SYSTEM RESET ALL'],
    where: 'outside',
    effect: true,
  },
  'ALTER DATABASE': {
    rules: [
      'ALTER DATABASE postgres SET search_path = evil',
      'ALTER DATABASE postgres OWNER TO app_other',
      'ALTER DATABASE postgres CONNECTION LIMIT 50',
    ],
    effect: true,
  },
  'CREATE DATABASE': { rules: ['CREATE DATABASE fresh'], where: 'outside', effect: true },
  'DROP DATABASE': { rules: ['DROP DATABASE IF EXISTS nothing'], where: 'outside', effect: true },
  'CREATE TABLESPACE': {
    rules: [`CREATE TABLESPACE fresh LOCATION '/nonexistent'`],
    where: 'outside',
    effect: true,
  },
  'ALTER TABLESPACE': {
    rules: [
      'ALTER TABLESPACE pg_default SET (random_page_cost = 2)',
      'ALTER TABLESPACE pg_default RESET (random_page_cost)',
    ],
    effect: true,
  },
  'DROP TABLESPACE': { rules: ['DROP TABLESPACE IF EXISTS nothing'], where: 'outside', effect: true },

  BEGIN: { rules: ['BEGIN', 'BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY'], where: 'outside' },
  'START TRANSACTION': { rules: ['START TRANSACTION READ WRITE', 'START TRANSACTION'], where: 'outside' },
  COMMIT: {
    rules: [
      'COMMIT',
      'BEGIN; DELETE FROM app.logs AS x{where}; COMMIT',
      'DELETE FROM app.logs; COMMIT; SELECT 1 / 0',
      'BEGIN; {write}; COMMIT AND CHAIN; ROLLBACK',
    ],
    where: 'outside',
    weight: 2,
  },
  END: { rules: ['END', 'BEGIN; {write}; END'], where: 'outside' },
  ROLLBACK: {
    rules: [
      'ROLLBACK',
      'BEGIN; {write}; ROLLBACK',
      'BEGIN; DELETE FROM app.logs; ROLLBACK; DELETE FROM app.quiet',
    ],
    where: 'outside',
  },
  ABORT: { rules: ['ABORT', 'BEGIN; {write}; ABORT'], where: 'outside' },
  SAVEPOINT: { rules: ['SAVEPOINT s', 'SAVEPOINT s; {write}; ROLLBACK TO s'] },
  'RELEASE SAVEPOINT': { rules: ['SAVEPOINT s; {write}; RELEASE SAVEPOINT s'], weight: 2 },
  'ROLLBACK TO SAVEPOINT': { rules: ['SAVEPOINT s; {select}; ROLLBACK TO SAVEPOINT s'] },
  'PREPARE TRANSACTION': {
    rules: [`BEGIN; DELETE FROM app.logs; PREPARE TRANSACTION 'x'; COMMIT PREPARED 'x'`],
    where: 'outside',
    effect: true,
  },
  'COMMIT PREPARED': { rules: [`COMMIT PREPARED 'missing'`], where: 'outside', effect: true },
  'ROLLBACK PREPARED': { rules: [`ROLLBACK PREPARED 'missing'`], where: 'outside', effect: true },

  LISTEN: { rules: ['LISTEN channel'], effect: true },
  UNLISTEN: { rules: ['UNLISTEN channel', 'UNLISTEN *'] },
  NOTIFY: {
    rules: [
      'NOTIFY channel',
      `NOTIFY channel, 'payload'`,
      `SELECT pg_notify('channel', (SELECT min(x.ssn) FROM app.customers AS x))`,
    ],
    effect: true,
    weight: 2,
  },
  LOCK: {
    rules: [
      'LOCK {base}',
      'LOCK TABLE app.logs IN ACCESS EXCLUSIVE MODE NOWAIT',
      'LOCK app.v_simple IN SHARE MODE',
    ],
    effect: true,
    weight: 2,
  },
  LOAD: { rules: [`LOAD 'plpgsql'`], effect: true },
  CHECKPOINT: { rules: ['CHECKPOINT'], effect: true },
  DISCARD: { rules: ['DISCARD PLANS', 'DISCARD SEQUENCES', 'DISCARD TEMP'] },
  'DISCARD ALL': { rules: ['DISCARD ALL'], where: 'outside' },
  ANALYZE: {
    rules: [
      'ANALYZE {base}',
      'ANALYZE app.indexed',
      'ANALYZE (VERBOSE) app.customers (a, t)',
      'ANALYZE app.generated',
    ],
    effect: true,
    weight: 2,
  },
  VACUUM: {
    rules: ['VACUUM app.logs', 'VACUUM (FULL, ANALYZE) app.quiet', 'VACUUM ANALYZE app.indexed'],
    where: 'outside',
    effect: true,
  },
  CLUSTER: {
    rules: ['CLUSTER app.quiet USING quiet_pkey', 'CLUSTER app.indexed USING indexed_w_imm_idx'],
    effect: true,
  },
  REINDEX: {
    rules: [
      'REINDEX TABLE app.indexed',
      'REINDEX INDEX app.named_index',
      'REINDEX (VERBOSE) TABLE app.partly',
    ],
    effect: true,
  },
  'REINDEX DATABASE': {
    rules: ['REINDEX SCHEMA app', 'REINDEX TABLE CONCURRENTLY app.logs'],
    where: 'outside',
    effect: true,
  },
  'SERVER FUNCTIONS': {
    rules: [
      `SELECT pg_read_file('/etc/hostname')`,
      "SELECT pg_ls_dir('/')",
      'SELECT pg_reload_conf()',
      'SELECT pg_switch_wal()',
      'SELECT pg_stat_reset()',
      'SELECT pg_advisory_lock(1), pg_advisory_unlock(1)',
      'SELECT pg_terminate_backend(0)',
      `SELECT * FROM pg_stat_file('/etc')`,
      `SELECT pg_logical_emit_message(true, 'a', 'b')`,
      `SELECT pg_create_restore_point('x')`,
      'SELECT pg_log_backend_memory_contexts(pg_backend_pid())',
      `SELECT pg_import_system_collations('app')`,
      `SELECT query_to_xml('SELECT 1', true, true, '')`,
      `SELECT ts_stat('SELECT to_tsvector(''x'')')`,
      `SELECT pg_rotate_logfile()`,
      'SELECT pg_cancel_backend(0)',
    ],
    effect: true,
    weight: 6,
  },
  'CATALOGUE WRITES': {
    rules: [
      `UPDATE pg_catalog.pg_class SET relname = relname WHERE relname = 'logs'`,
      `DELETE FROM pg_description`,
      `INSERT INTO pg_catalog.pg_description VALUES (1, 1, 0, 'x')`,
    ],
    weight: 2,
  },
};
