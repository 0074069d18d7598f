import type { Form } from './form.ts';

/** Commands that read and write rows. */
export const dataForms: Readonly<Record<string, Form>> = {
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
      'DECLARE c CURSOR WITH HOLD FOR {select}',
      'DECLARE c CURSOR FOR {select}; EXPLAIN ANALYZE {query}',
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
};
