import { queries } from '../lineage/grammar.ts';
import { generator } from '../lineage/schema.ts';
import { aggregates, columns, failing, others, plain, texts } from './expressions.ts';
import { spelled } from './spelled.ts';
import { asked, bind, type Case, type Step, wire } from './talk.ts';

/** Cases of many shapes over the database of database.ts; the same for the same seed. Each leaves nothing behind. */
export function cases(seed: number, major: number): () => Case {
  const next = generator(seed);
  const below = (limit: number): number => Math.floor(next() * limit);
  const chance = (of: number): boolean => next() < of;
  const pick = <T>(items: readonly T[]): T => {
    const item = items[below(items.length)];
    if (item === undefined) throw new RangeError('Nothing to pick from');
    return item;
  };
  const grammar = queries(seed, major);
  const filled = (template: string, value: string): string => template.replaceAll('@', () => value);

  // ------------------------------------------------------------------------------------------ queries

  function text(depth = below(3)): string {
    return depth === 0 ? pick(columns) : filled(pick(texts), text(depth - 1));
  }

  function value(): string {
    const maker = pick(['text', 'text', 'text', 'plain', 'plain', 'other']);
    if (maker === 'text') return text();
    return maker === 'plain' ? pick(plain) : filled(pick(others), text(below(2)));
  }

  const people = (): string =>
    pick([
      'people p',
      'people p',
      'people AS p',
      'ONLY people p',
      'public.people p',
      '(SELECT * FROM people) p',
      '(TABLE people) p',
      '(SELECT * FROM people OFFSET 0) p',
      '(SELECT * FROM people UNION ALL SELECT * FROM people WHERE false) p',
      'people p JOIN guess g ON g.ssn = p.ssn',
      'people p LEFT JOIN orders o ON o.person = p.id',
      'orders o JOIN LATERAL (SELECT * FROM people WHERE id = o.person) p ON true',
      'f_people() p',
      'people p TABLESAMPLE SYSTEM (100)',
      'generate_series(1, 1) s, people p',
    ]);

  function mine(): string {
    const from = people();
    const where = chance(0.3)
      ? pick([
          ' WHERE p.id = 1',
          ' WHERE p.id IN (1, 2)',
          " WHERE p.ssn LIKE '%'",
          ' WHERE p.ssn = (SELECT max(ssn) FROM people)',
          ' ORDER BY p.ssn',
          ' ORDER BY 1',
          ' ORDER BY p.id LIMIT 2',
        ])
      : '';
    if (chance(0.15)) {
      const group = chance(0.3) ? ' GROUP BY p.id' : '';
      return `SELECT ${filled(pick(aggregates), text(below(2)))} AS a, count(*) FROM ${from}${group}`;
    }
    const list = Array.from({ length: 1 + below(3) }, value);
    if (chance(0.3)) list.push('p.id', 'p.name');
    if (chance(0.1)) return `SELECT DISTINCT ${text()} AS a FROM ${from}`;
    const body = `SELECT ${list.join(', ')} FROM ${from}${where}`;
    switch (below(9)) {
      case 0:
        return `SELECT * FROM (${body}) q`;
      case 1:
        return `WITH w AS ${pick(['', 'MATERIALIZED ', 'NOT MATERIALIZED '])}(${body}) SELECT w.*, w FROM w`;
      case 2:
        return `SELECT ${text()} AS a FROM ${from} UNION ${pick(['', 'ALL '])}SELECT name FROM people ORDER BY 1`;
      case 3:
        return `SELECT row_to_json(q) FROM (${body}) q`;
      case 4:
        return `WITH RECURSIVE r(n, t) AS (SELECT 1, ''::text UNION ALL SELECT n + 1, (t || (SELECT ${text(1)} FROM people p WHERE p.id = n))::text FROM r WHERE n < 3) SELECT * FROM r`;
      default:
        return body;
    }
  }

  const known: readonly string[] = [
    'SELECT * FROM told',
    'SELECT r, b FROM mtold',
    'SELECT j ->> $$ssn$$ FROM mtold',
    'SELECT * FROM stolen',
    'SELECT * FROM vp',
    'SELECT both_of, reverse(nid) FROM vv',
    'SELECT * FROM star',
    'SELECT reverse(m_ssn), m_email FROM mp',
    'SELECT * FROM united',
    'SELECT * FROM merged',
    'SELECT upper(ssn) FROM deep',
    'SELECT other, reverse(ssn) FROM app.people',
    'SELECT * FROM daughter',
    'SELECT tale || own FROM daughter',
    'SELECT * FROM parts_low',
    'SELECT reverse(what) FROM parts',
    'SELECT f_ssn(1), f_people(), (f_people()).*',
    'SELECT * FROM f_table(1)',
    'SELECT * FROM f_record() AS (a int, b text)',
    'SELECT steals(), steals_new()',
    "SELECT * FROM dynamic('SELECT ssn FROM people')",
    "SELECT query_to_xml('SELECT ssn FROM people', true, true, '')",
    "SELECT table_to_xml('people', true, true, '')",
    "SELECT schema_to_xml('public', true, true, '')",
    "SELECT * FROM ts_stat('SELECT to_tsvector(ssn) FROM people')",
    'SELECT * FROM pg_stats',
    "SELECT most_common_vals, histogram_bounds FROM pg_stats WHERE tablename = 'people'",
    "SELECT array_to_string(histogram_bounds, ',') FROM pg_stats",
    'SELECT s FROM pg_stats s',
    'SELECT row_to_json(s) FROM pg_stats s',
    'SELECT stavalues1::text FROM pg_statistic',
    'SELECT query FROM pg_stat_activity',
    'SELECT * FROM pg_prepared_statements',
    'SELECT * FROM pg_settings',
    'SELECT relname, reltuples FROM pg_class',
    'SELECT * FROM information_schema.columns',
    'SELECT count(*), now() IS NULL, current_user FROM people',
    'SELECT 1, NULL, 1.5, $$x$$, true',
    'SELECT id, name, nick FROM people ORDER BY id',
    'SELECT * FROM orders ORDER BY id',
    'TABLE hoard',
    'SELECT o.item, count(*) FROM orders o JOIN people p ON p.id = o.person GROUP BY 1 ORDER BY 1',
    'VALUES (1, $$a$$), (2, $$b$$)',
    'SELECT ctid, tableoid::regclass, p.name FROM people p',
    'SELECT * FROM papers',
    "SELECT doc ->> 'ssn', doc -> 'at', doc #>> '{at,street,0}', doc #>> '{at,city}', doc -> 'at' ->> 'city' FROM papers",
    // Texts that differ in a path only: what was read of one must not stand for another.
    "SELECT doc ->> 'none' FROM papers",
    "SELECT doc ->> 'ssn' FROM papers",
    "SELECT doc #>> '{no,path}' FROM papers",
    "SELECT doc #>> '{at,street}' FROM papers",
    "SELECT doc -> 'none' FROM papers",
    "SELECT doc -> 'at' FROM papers",
    'SELECT * FROM paper_view',
    'SELECT p FROM papers p',
    'SELECT to_jsonb(p), row_to_json(p) FROM papers p',
    "SELECT doc || '{}', doc::json, doc::text, jsonb_pretty(doc), doc['ssn'], doc['at']['street'] FROM papers",
    "SELECT jsonb_path_query(doc, '$.at.street[*]'), doc -> 'free' FROM papers",
    'SELECT e.* FROM papers, jsonb_each_text(doc) e',
    'SELECT x.* FROM papers, jsonb_to_record(doc) AS x(ssn text, at jsonb)',
    "SELECT d ->> 'ssn', d -> 'at' -> 'street' ->> 0 FROM paper_view",
    'UPDATE papers SET raw = doc::json RETURNING raw',
    'UPDATE papers SET doc = doc RETURNING doc',
    'SHOW search_path',
    'SHOW application_name',
  ];

  function query(): string {
    const from = pick(['grammar', 'grammar', 'mine', 'mine', 'mine', 'known']);
    if (from === 'grammar') return grammar();
    return from === 'mine' ? mine() : pick(known);
  }

  /** Only what begins a query expression can stand in FROM, in COPY, in a cursor. */
  function selecting(): string {
    for (;;) {
      const sql = query();
      if (/^(?:SELECT|WITH|VALUES|TABLE)/.test(sql) && !/\b(?:INSERT|UPDATE|DELETE|MERGE) /.test(sql))
        return sql;
    }
  }

  // ------------------------------------------------------------------------------------------ ways

  function told(way: string, sql: readonly string[], steps?: readonly Step[]): Case {
    return {
      way,
      sql,
      steps: steps ?? sql.map(asked),
      ...(sql.some((each) => varying.test(each)) ? { varies: true } : {}),
    };
  }

  function one(...parts: readonly Uint8Array[]): Step {
    return { parts, ready: 1 };
  }

  const ways: readonly (readonly [number, () => Case])[] = [
    [12, () => told('simple', [query()])],
    [3, () => told('simple, several', [`SELECT 1; ${query()}; SELECT 2`])],
    [8, () => prepared('text', 0)],
    [12, () => prepared('binary', 1)],
    [3, () => undescribed()],
    [4, () => stepwise()],
    [4, () => named()],
    [5, () => cursor()],
    [4, () => sqlPrepared()],
    [12, () => copied()],
    [4, () => told('spelled by a condition', spelled(text, pick))],
    [2, () => kept()],
    [3, () => stored()],
    [8, () => explained()],
    [16, () => failed()],
    [8, () => channel()],
    [5, () => violated()],
    [1, () => defined()],
    [2, () => block()],
  ];
  const total = ways.reduce((sum, [weight]) => sum + weight, 0);

  function prepared(way: string, format: 0 | 1): Case {
    const sql = query();
    return told(
      way,
      [sql],
      [one(wire.parse('', sql), bind(format), wire.describe('P', ''), wire.execute(''), wire.sync)],
    );
  }

  function undescribed(): Case {
    const sql = query();
    return told(
      'undescribed',
      [sql],
      [one(wire.parse('', sql), bind(below(2) === 0 ? 0 : 1), wire.execute(''), wire.sync)],
    );
  }

  function stepwise(): Case {
    const sql = query();
    const { parse, execute, flush, sync } = wire;
    return told(
      'portal in steps',
      [sql],
      [one(parse('', sql), bind(1), execute('', 1), flush, execute('', 1), flush, execute(''), sync)],
    );
  }

  function named(): Case {
    const sql = query();
    const { parse, describe, execute, close, sync } = wire;
    const again = [bind(0, '', 'n'), execute('')];
    return told(
      'named, again and again',
      [sql],
      [
        one(parse('n', sql), describe('S', 'n'), bind(1, 'p', 'n'), execute('p'), sync),
        one(...again, ...again, sync),
        one(close('S', 'n'), sync),
      ],
    );
  }

  function cursor(): Case {
    const sql = selecting();
    const kind = pick(['', 'SCROLL ', 'BINARY ', 'NO SCROLL ']);
    return told('cursor', [
      `DECLARE c ${kind}CURSOR ${chance(0.2) ? 'WITH HOLD ' : ''}FOR ${sql}`,
      'FETCH 1 FROM c',
      'FETCH ALL FROM c',
      'MOVE BACKWARD ALL FROM c; FETCH FORWARD 2 FROM c',
      'CLOSE c',
    ]);
  }

  function sqlPrepared(): Case {
    const sql = query();
    return told(
      'PREPARE and EXECUTE',
      [
        `PREPARE s AS ${sql}`,
        'EXECUTE s',
        'SELECT name, statement FROM pg_prepared_statements',
        'DEALLOCATE s',
      ],
      [
        asked(`PREPARE s AS ${sql}`),
        asked('EXECUTE s'),
        one(bind(1, '', 's'), wire.execute(''), wire.sync),
        asked('SELECT name, statement FROM pg_prepared_statements'),
        asked('DEALLOCATE s'),
      ],
    );
  }

  function copied(): Case {
    const how = pick([
      '',
      ' (FORMAT csv, HEADER)',
      ' (FORMAT binary)',
      " (DELIMITER '|', NULL 'x')",
      ' (FORMAT csv, FORCE_QUOTE *)',
    ]);
    const what = chance(0.3)
      ? pick([
          'people',
          'people (ssn, id)',
          'people (pin, pay, cards, home, doc)',
          'guess',
          'mother',
          'daughter',
          'parts_low',
          'app.people',
          'hoard',
        ])
      : `(${selecting()})`;
    const sql = `COPY ${what} TO STDOUT${how}`;
    return told(
      'COPY',
      [sql],
      [chance(0.7) ? asked(sql) : one(wire.parse('', sql), bind(0), wire.execute(''), wire.sync)],
    );
  }

  /** Rows that are put into a new table and read there. */
  function kept(): Case {
    const sql = selecting();
    const make = pick([
      `CREATE TEMP TABLE kept AS ${sql}`,
      `CREATE TABLE kept AS ${sql}`,
      `CREATE TABLE kept AS TABLE people`,
      `SELECT ${text()} AS a, p.id INTO TEMP kept FROM people p`,
      `SELECT * INTO kept FROM people`,
      `CREATE VIEW kept AS ${sql}`,
      `CREATE TEMP VIEW kept AS ${sql}`,
      `CREATE MATERIALIZED VIEW kept AS ${sql}`,
      `CREATE TABLE kept (LIKE people); INSERT INTO kept SELECT * FROM people`,
      `CREATE UNLOGGED TABLE kept AS SELECT ${text()} AS a FROM people p`,
    ]);
    return told('kept in a new relation', [
      ...make.split('; '),
      'SELECT * FROM kept',
      'SELECT k::text FROM kept k',
      'COPY (SELECT * FROM kept) TO STDOUT',
    ]);
  }

  /** Values put into another column, and read there. */
  function stored(): Case {
    const what = text();
    const make = pick([
      `INSERT INTO hoard (id, what) SELECT p.id + 10, ${what} FROM people p`,
      `INSERT INTO hoard (id, kept) SELECT p.id + 10, convert_to(${what}, 'UTF8') FROM people p`,
      `INSERT INTO hoard (id, doc) SELECT p.id + 10, to_jsonb(p) FROM people p`,
      `INSERT INTO hoard (id, names) SELECT p.id + 10, ARRAY[${what}] FROM people p`,
      `INSERT INTO hoard (id, amount) SELECT p.id + 10, p.pin FROM people p RETURNING *`,
      `UPDATE hoard SET what = (SELECT max(${what}) FROM people p)`,
      `UPDATE hoard SET (what, amount) = (SELECT ${what}, p.pin FROM people p LIMIT 1) RETURNING what`,
      `UPDATE hoard h SET what = ${what} FROM people p WHERE p.id = h.id RETURNING *`,
      `UPDATE people p SET name = ${what}`,
      `UPDATE people p SET nick = left(${what}, 50) RETURNING name, nick`,
      `UPDATE orders SET note = ${what} FROM people p WHERE p.id = orders.person`,
      `WITH i AS (INSERT INTO hoard (id, what) SELECT p.id + 10, ${what} FROM people p RETURNING *) SELECT * FROM i`,
      `INSERT INTO hoard (id, what) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET what = (SELECT max(${what}) FROM people p) RETURNING what`,
      major >= 15
        ? `MERGE INTO hoard h USING people p ON p.id = h.id WHEN MATCHED THEN UPDATE SET what = ${what} WHEN NOT MATCHED THEN INSERT (id, what) VALUES (p.id, ${what})`
        : 'SELECT 1',
      `UPDATE people SET email = ${pick(['reverse(email)', 'substr(email, 2)', 'email', 'translate(email, $$@$$, $$$$)'])} RETURNING email`,
      `UPDATE people SET card = right(ssn, 4) || card, ssn = left(ssn, 1)`,
      `UPDATE papers SET doc = ${pick(["jsonb_build_object('x', doc -> 'ssn')", "jsonb_set(doc, '{free}', doc -> 'ssn')", "doc || jsonb_build_object('y', doc #>> '{at,street,0}')", 'doc || \'{"z": 1}\'', "jsonb_set(doc, '{at,city}', doc['ssn'])", '(SELECT jsonb_object_agg(reverse(key), value) FROM jsonb_each(doc))'])} RETURNING doc`,
      `UPDATE papers SET doc['x'] = doc['ssn']`,
      `INSERT INTO papers SELECT 2, jsonb_build_object('y', doc -> 'at') FROM papers`,
      `ALTER TABLE orders ADD COLUMN extra ${pick(['text DEFAULT steals_imm()', 'text DEFAULT reverse(f_ssn(1))', 'lazy', 'text GENERATED ALWAYS AS (steals_imm()) STORED', "text DEFAULT 'x'"])}`,
      `ALTER TABLE people ADD COLUMN extra text GENERATED ALWAYS AS (reverse(ssn)) STORED; ALTER TABLE people ALTER extra DROP EXPRESSION`,
      `CREATE TABLE bounded (a text) PARTITION BY LIST (a); CREATE TABLE bounded_one PARTITION OF bounded FOR VALUES IN (steals_imm())`,
      `PREPARE put(text) AS INSERT INTO hoard (id, what) VALUES (91, $1) RETURNING what; EXECUTE put(${pick(['f_ssn(1)', 'reverse(steals())', 'steals_imm()'])})`,
      `PREPARE got(text) AS SELECT $1 AS a, reverse($1); EXECUTE got(${pick(['f_ssn(1)', 'steals()', "'x'"])})`,
      `PREPARE all_of AS SELECT ${what} AS a FROM people p; CREATE TABLE kept AS EXECUTE all_of; SELECT * FROM kept`,
      `CREATE VIEW seen AS SELECT id, 'x'::text AS a FROM people; CREATE MATERIALIZED VIEW old AS SELECT a FROM seen; CREATE OR REPLACE VIEW seen AS SELECT id, ${what} AS a FROM people p; REFRESH MATERIALIZED VIEW old; CREATE OR REPLACE VIEW seen AS SELECT id, 'x'::text AS a FROM people; SELECT * FROM old`,
      `CREATE FUNCTION seen() RETURNS text LANGUAGE sql AS 'SELECT 1::text'; CREATE MATERIALIZED VIEW old AS SELECT seen() AS a; CREATE OR REPLACE FUNCTION seen() RETURNS text LANGUAGE sql AS 'SELECT max(ssn) FROM public.people'; REFRESH MATERIALIZED VIEW old; CREATE OR REPLACE FUNCTION seen() RETURNS text LANGUAGE sql AS 'SELECT 1::text'; SELECT * FROM old`,
      `CREATE OR REPLACE VIEW told AS SELECT id, 'x'::text AS r, 'y'::text AS b, '{}'::jsonb AS j FROM people; SELECT * FROM mtold`,
      `INSERT INTO notes (who) SELECT p FROM people p`,
      `INSERT INTO sprung (id) VALUES (1) RETURNING *`,
      `ALTER TABLE people ALTER COLUMN name TYPE text USING ${pick(['ssn', 'reverse(ssn)', 'email'])}`,
      `ALTER TABLE people ADD COLUMN extra text GENERATED ALWAYS AS (reverse(ssn)) STORED`,
      `ALTER TABLE people RENAME COLUMN ssn TO harmless`,
      `ALTER TABLE people RENAME TO persons`,
      `ALTER TABLE people SET SCHEMA app`,
      `ALTER SCHEMA app RENAME TO other`,
      `CREATE TABLE child () INHERITS (people)`,
      `ALTER TABLE people DROP COLUMN name; ALTER TABLE people RENAME COLUMN ssn TO name`,
      `CREATE RULE r AS ON SELECT TO checked DO INSTEAD SELECT ssn AS a, 1 AS n, born AS day FROM people`,
      `CREATE TYPE borrowed AS (a text)`,
    ]);
    return told('stored elsewhere', [
      ...make.split('; '),
      'SELECT * FROM hoard',
      'SELECT h::text FROM hoard h',
      'SELECT name, nick FROM people',
      'SELECT * FROM people',
      'SELECT harmless FROM people',
      'SELECT * FROM persons',
      'SELECT * FROM app.people',
      'SELECT extra FROM people',
      'SELECT extra FROM orders',
      'SELECT email, card, ssn FROM people',
      'SELECT doc FROM papers',
      `SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'bounded_one'`,
      'SELECT note FROM orders',
      'SELECT * FROM notes',
      'SELECT what FROM sprung',
    ]);
  }

  function explained(): Case {
    const options = pick([
      '(COSTS off)',
      '(VERBOSE, COSTS off)',
      '(ANALYZE, VERBOSE, COSTS off, TIMING off, SUMMARY off, BUFFERS off)',
      '(FORMAT json, COSTS off)',
      '(FORMAT yaml, VERBOSE, COSTS off)',
      '(FORMAT xml, COSTS off)',
      '(ANALYZE, FORMAT json)',
      'ANALYZE VERBOSE',
      '',
    ]);
    const sql = chance(0.5)
      ? pick([
          `SELECT name FROM people WHERE ssn = (SELECT max(ssn) FROM people)`,
          `SELECT name FROM people WHERE ssn > same_plain((SELECT min(ssn) FROM people))`,
          `SELECT same_sql(ssn) FROM people WHERE ssn = f_ssn(1)`,
          `SELECT * FROM orders WHERE note = steals()`,
          `SELECT * FROM people WHERE ssn = ANY (ARRAY(SELECT ssn FROM people))`,
          `SELECT * FROM f_table(1)`,
          `SELECT * FROM orders WHERE note = steals_imm()`,
          `SELECT reverse(steals_imm())`,
          `SELECT * FROM orders o JOIN people p ON o.note = same_sql(steals_imm())`,
        ])
      : selecting();
    return told('EXPLAIN', [`EXPLAIN ${options} ${sql}`]);
  }

  /** Errors that quote what they fail at. */
  function failed(): Case {
    const bad = filled(pick(failing), text(below(2)));
    const where = pick([
      `SELECT ${bad} FROM people p`,
      `SELECT ${bad} FROM people p`,
      `SELECT name FROM people p WHERE (${bad}) IS NOT NULL`,
      `SELECT name FROM people p ORDER BY (${bad})::text`,
      `WITH w AS MATERIALIZED (SELECT ${bad} AS a FROM people p) SELECT count(*) FROM w`,
      `SELECT CASE WHEN p.id > 0 THEN (${bad})::text END FROM people p`,
      `SELECT max((${bad})::text) FROM people p`,
      `COPY (SELECT ${bad} FROM people p) TO STDOUT`,
      `UPDATE orders SET note = 'x' FROM people p WHERE (${bad}) IS NULL`,
      `EXPLAIN ANALYZE SELECT ${bad} FROM people p`,
      `SELECT (SELECT ${bad} FROM people p LIMIT 1)`,
    ]);
    if (chance(0.7)) return told('error', [where]);
    return told(
      'error, extended',
      [where],
      [one(wire.parse('', where), bind(1), wire.execute(''), wire.sync)],
    );
  }

  /** What can be read later and is no column. */
  function channel(): Case {
    const what = text(below(2));
    const max = `(SELECT max(${what}) FROM people p)`;
    return told(
      'another way out',
      pick<readonly string[]>([
        [
          'LISTEN news',
          `SELECT pg_notify('news', ${what}) FROM people p`,
          'COMMIT',
          'SELECT 1',
          'BEGIN',
          'UNLISTEN *',
        ],
        [
          'LISTEN news',
          `DO $$ BEGIN PERFORM pg_notify('news', (SELECT max(ssn) FROM people)); END $$`,
          'COMMIT',
          'SELECT 1',
          'BEGIN',
          'UNLISTEN *',
        ],
        [
          'LISTEN news',
          `DO $$ BEGIN EXECUTE 'NOTIFY news, ' || quote_literal((SELECT max(ssn) FROM people)); END $$`,
          'COMMIT',
          'SELECT 1',
          'BEGIN',
          'UNLISTEN *',
        ],
        [
          `SELECT set_config('app.kept', ${max}, false)`,
          'SHOW app.kept',
          `SELECT current_setting('app.kept')`,
          'SHOW ALL',
        ],
        [
          `SELECT set_config('application_name', ${max}, false)`,
          'SHOW application_name',
          'SELECT application_name FROM pg_stat_activity',
        ],
        [`SELECT set_config('TimeZone', ${max}, false)`],
        [
          `SELECT set_config('app.kept', ssn, false) FROM people`,
          `SELECT * FROM pg_settings WHERE name = 'app.kept'`,
          `SELECT setting FROM pg_settings`,
        ],
        [
          `DO $$ BEGIN PERFORM set_config('application_name', (SELECT max(ssn) FROM people), false); END $$`,
          'SHOW application_name',
        ],
        [
          'SELECT pg_advisory_xact_lock(pin) FROM people',
          'SELECT * FROM pg_locks',
          'SELECT classid, objid FROM pg_locks',
        ],
        [
          `SELECT setval('counter', (SELECT max(pin) FROM people))`,
          'SELECT last_value FROM counter',
          `SELECT currval('counter'), lastval()`,
          `SELECT nextval('counter')`,
          `SELECT pg_sequence_last_value('counter')`,
          'SELECT last_value FROM pg_sequences',
        ],
        [
          `SELECT lo_from_bytea(0, convert_to(ssn, 'UTF8')) FROM people`,
          'SELECT lo_get(oid) FROM pg_largeobject_metadata',
          'SELECT data FROM pg_largeobject',
          `SELECT encode(data, 'escape') FROM pg_largeobject`,
        ],
        [
          `DO $$ BEGIN PERFORM lo_from_bytea(4711, (SELECT max(ssn) FROM people)::bytea); END $$`,
          'SELECT lo_get(4711)',
          'SELECT data FROM pg_largeobject',
        ],
        [
          `DO $$ BEGIN EXECUTE format('COMMENT ON TABLE orders IS %L', (SELECT max(ssn) FROM people)); END $$`,
          `SELECT obj_description('orders'::regclass)`,
          'SELECT description FROM pg_description',
        ],
        [
          `DO $$ BEGIN EXECUTE format('CREATE TABLE %I ()', (SELECT max(ssn) FROM people)); END $$`,
          `SELECT relname FROM pg_class WHERE oid > 16384`,
          `SELECT c.oid::regclass FROM pg_class c`,
        ],
        [
          `DO $$ BEGIN EXECUTE format('PREPARE kept AS SELECT %L', (SELECT max(ssn) FROM people)); END $$`,
          'EXECUTE kept',
          'SELECT statement FROM pg_prepared_statements',
          'DEALLOCATE ALL',
        ],
        [
          `DO $$ BEGIN EXECUTE format('CREATE TEMP TABLE kept AS SELECT ssn AS a FROM people'); END $$`,
          'SELECT * FROM kept',
        ],
        [
          `DO $$ BEGIN EXECUTE format('ALTER TABLE hoard ALTER what SET DEFAULT %L', (SELECT max(ssn) FROM people)); END $$`,
          'INSERT INTO hoard (id) VALUES (99) RETURNING *',
          'SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef',
          'SELECT column_default FROM information_schema.columns',
        ],
        [
          `DO $$ BEGIN UPDATE hoard SET what = (SELECT max(ssn) FROM people); END $$`,
          'SELECT what FROM hoard',
        ],
        [
          `DO $$ BEGIN EXECUTE format('DECLARE kept CURSOR FOR SELECT %L', (SELECT max(ssn) FROM people)); END $$`,
          'FETCH kept',
          'SELECT * FROM pg_cursors',
        ],
        [
          `COPY (SELECT ssn FROM people) TO '/tmp/leaks-suite-out'`,
          `COPY hoard (what) FROM '/tmp/leaks-suite-out'`,
          `SELECT pg_read_file('/tmp/leaks-suite-out')`,
        ],
        [`COPY (SELECT ssn FROM people) TO PROGRAM 'cat > /dev/null'`],
        [`CALL tells('x')`],
        [`SELECT loudly(${what}) FROM people p`],
        [`SELECT pg_sleep(0), ${what} FROM people p`],
        [`COMMENT ON COLUMN people.ssn IS 'x'`, `SELECT col_description('people'::regclass, 3)`],
        ['ANALYZE people', 'SELECT histogram_bounds::text FROM pg_stats', 'SELECT * FROM pg_stats'],
        [
          'CREATE STATISTICS st ON ssn, email FROM people',
          'ANALYZE people',
          'SELECT * FROM pg_stats_ext',
          'SELECT stxdmcv::text FROM pg_statistic_ext_data',
        ],
        [`SELECT ${what} FROM people p`, 'SELECT query FROM pg_stat_activity', 'SELECT current_query()'],
        [`SAVEPOINT a`, `SELECT (${what})::int FROM people p`, 'ROLLBACK TO a', 'SELECT 1'],
        [`ALTER TABLE people ADD CONSTRAINT short CHECK (length(ssn) < 3)`],
        [
          `ALTER TABLE people ADD CONSTRAINT u EXCLUDE (name WITH =)`,
          `CREATE UNIQUE INDEX ON people ((left(ssn, 0)))`,
        ],
        [`CREATE INDEX ON people ((ssn::int))`, `CREATE INDEX ON people (fails(ssn))`],
        [`ALTER TABLE people ALTER ssn TYPE int USING ssn::int`],
        [`ALTER TABLE people ALTER email TYPE varchar(3)`],
        ['VACUUM VERBOSE people', 'REINDEX TABLE people', 'CLUSTER VERBOSE people USING people_pkey'],
        ['LOCK TABLE people', 'SELECT 1'],
        [`GRANT SELECT (ssn) ON people TO public`, `REFRESH MATERIALIZED VIEW mtold`],
        [`SELECT * FROM pg_logical_slot_peek_changes('x', NULL, NULL)`],
        [
          `CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE sql AS 'SELECT max(ssn) FROM people'`,
          'SELECT pg_temp.f()',
        ],
        [`SET app.x = 'y'`, 'SHOW app.x', `RESET app.x`],
      ]),
    );
  }

  /** Constraints name the row they refuse. */
  function violated(): Case {
    return told(
      'violation',
      pick<readonly string[]>([
        [`INSERT INTO people SELECT * FROM people`],
        [`INSERT INTO people (id, name, ssn) SELECT id + 10, 'n', ssn FROM people`],
        [`INSERT INTO people (id, name) SELECT id, name FROM people`],
        [`UPDATE people SET ssn = (SELECT max(ssn) FROM people)`],
        [`UPDATE people SET id = 1`],
        [`UPDATE people SET name = NULL`],
        [`UPDATE people SET name = NULL WHERE id = 2 RETURNING *`],
        [`INSERT INTO checked (a) SELECT ${text(1)} FROM people p`],
        [`INSERT INTO checked (n) SELECT p.pin FROM people p`],
        [`INSERT INTO checked (day) SELECT (${text(1)})::date FROM people p`],
        [`INSERT INTO parts SELECT p.id + 1000, p.ssn FROM people p`],
        [`UPDATE parts SET id = id + 1000`],
        [`INSERT INTO hoard (id, what) SELECT 50, p.ssn FROM people p`],
        [`UPDATE people SET email = repeat(ssn, 40)`],
        [`UPDATE people SET nick = repeat(ssn, 40)`],
        [`DELETE FROM people`],
        [`UPDATE orders SET person = (SELECT max(pin) FROM people)::numeric::int8::int`],
        [`UPDATE people SET pin = pin * 100000000000`],
        [`INSERT INTO orders (id, person) SELECT id + 100, id + 100 FROM people`],
        [`ALTER TABLE people ALTER name SET NOT NULL, ADD UNIQUE (name), ADD CHECK (ssn = 'x')`],
      ]),
    );
  }

  /** New code, and what it says when it runs. */
  function defined(): Case {
    const what = text(1);
    return told(
      'code of its own',
      pick<readonly string[]>([
        [
          `CREATE FUNCTION mine() RETURNS SETOF text LANGUAGE sql AS $f$ SELECT ${what} FROM people p $f$`,
          'SELECT mine()',
          'SELECT * FROM mine()',
        ],
        [
          `CREATE FUNCTION mine(people) RETURNS text LANGUAGE sql IMMUTABLE RETURN $1.ssn`,
          'SELECT p.mine FROM people p',
          'SELECT mine(p) FROM people p',
        ],
        [
          `CREATE FUNCTION mine(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT reverse($1)'`,
          'SELECT mine(ssn) FROM people',
          `SELECT mine('abc')`,
        ],
        [
          `CREATE FUNCTION mine() RETURNS text LANGUAGE plpgsql AS $f$ BEGIN RAISE EXCEPTION '%', (SELECT max(ssn) FROM people); END $f$`,
          'SELECT mine()',
        ],
        [
          `CREATE FUNCTION length(people) RETURNS text LANGUAGE sql AS 'SELECT $1.ssn'`,
          'SELECT length(p) FROM people p',
        ],
        [
          `CREATE FUNCTION pg_temp.upper(int) RETURNS text LANGUAGE sql AS 'SELECT max(ssn) FROM people'`,
          'SELECT pg_temp.upper(1)',
        ],
        [`CREATE OPERATOR ### (RIGHTARG = text, FUNCTION = same_plain)`, 'SELECT ### ssn FROM people'],
        [`CREATE AGGREGATE mine(text) (SFUNC = textcat, STYPE = text)`, 'SELECT mine(ssn) FROM people'],
        [
          `CREATE VIEW mine AS SELECT ${what} AS a FROM people p`,
          'SELECT * FROM mine',
          'SELECT reverse(a::text) FROM mine',
          'DROP VIEW mine',
        ],
        [
          `CREATE VIEW mine AS SELECT 1 AS a`,
          `CREATE OR REPLACE VIEW mine AS SELECT 1 AS a, ssn AS b FROM people`,
          'SELECT * FROM mine',
        ],
        [`CREATE DOMAIN tiny AS text CHECK (length(VALUE) < 2)`, 'SELECT ssn::tiny FROM people'],
        [`CREATE CAST (app.address AS text) WITH INOUT AS ASSIGNMENT`, 'SELECT home::text FROM people'],
        [
          `CREATE TABLE gen (a text, b text GENERATED ALWAYS AS (reverse(a)) STORED)`,
          `INSERT INTO gen SELECT ssn FROM people`,
          'SELECT b FROM gen',
        ],
        [
          `CREATE TRIGGER t BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION copies()`,
          `UPDATE people SET nick = 'x' RETURNING nick`,
        ],
      ]),
    );
  }

  function block(): Case {
    const what = text(1);
    return told(
      'DO',
      pick<readonly string[]>([
        [`DO $$ BEGIN RAISE NOTICE '%', (SELECT max(${what}) FROM people p); END $$`],
        [
          `DO $$ BEGIN RAISE INFO 'x' USING HINT = (SELECT max(ssn) FROM people), DETAIL = (SELECT max(email) FROM people); END $$`,
        ],
        [
          `DO $$ BEGIN RAISE EXCEPTION USING MESSAGE = (SELECT max(${what}) FROM people p), ERRCODE = '22012'; END $$`,
        ],
        [`DO $$ DECLARE x int; BEGIN x := (SELECT max(${what}) FROM people p); END $$`],
        [`DO $$ BEGIN EXECUTE (SELECT max(ssn) FROM people); END $$`],
        [
          `DO $$ BEGIN PERFORM 1 / 0 FROM people WHERE ssn > ''; EXCEPTION WHEN others THEN RAISE WARNING '% %', SQLERRM, (SELECT max(ssn) FROM people); END $$`,
        ],
      ]),
    );
  }

  return () => {
    let at = next() * total;
    for (const [weight, make] of ways) {
      at -= weight;
      if (at < 0) return make();
    }
    return told('simple', [query()]);
  };
}

const varying =
  /now\(\)|clock|random|pg_stat|pg_backend|EXPLAIN|gen_random|pg_locks|oid|pg_class|xmin|ctid|pg_prepared|pg_cursors|crypt|pg_settings|SHOW ALL|VACUUM|CLUSTER|lo_|pg_largeobject|pg_read|TABLESAMPLE|pg_sequence/i;
