import type { Form } from './form.ts';

/** Commands about schemas, roles, the session and the server. */
export const serverForms: Readonly<Record<string, Form>> = {
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
    rules: [`BEGIN; DELETE FROM app.logs; PREPARE TRANSACTION 'x'`],
    where: 'outside',
    effect: true,
  },
  'COMMIT PREPARED': { rules: [`COMMIT PREPARED 'missing'`], where: 'outside', effect: true },
  'ROLLBACK PREPARED': { rules: [`ROLLBACK PREPARED 'missing'`], where: 'outside', effect: true },

  LISTEN: { rules: ['LISTEN channel'] },
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
      `SELECT ('/etc/hostname'::text).pg_read_file`,
      `SELECT ('/'::text).pg_ls_dir`,
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
