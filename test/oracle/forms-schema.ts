import type { Form } from './form.ts';

/** Commands that define what a schema holds. */
export const schemaForms: Readonly<Record<string, Form>> = {
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
};
