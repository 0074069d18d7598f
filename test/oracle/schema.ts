/**
 * A database full of traps. Every table has `id int, a int, t text, b bool`, so that any statement of the grammar fits
 * any of them; every hidden write goes to app.audit, each by its own way.
 */
const schema: string = `
CREATE ROLE app_user LOGIN;
CREATE ROLE app_other;
GRANT app_other TO app_user;
CREATE SCHEMA app;
CREATE SCHEMA evil;
CREATE SCHEMA empty;
CREATE SEQUENCE app.counter;
CREATE TABLE app.logs (id int, a int, t text, b bool);
CREATE TABLE app.audit (id serial PRIMARY KEY, a int, t text, b bool);

-- Functions that write, each declared another way.
CREATE FUNCTION app.w_plain() RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (t) VALUES ('p'); RETURN 1; END $$;
CREATE FUNCTION app.w_int(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (t) VALUES ('i'); RETURN $1; END $$;
CREATE FUNCTION app.w_text(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (t) VALUES ('t'); RETURN $1; END $$;
CREATE FUNCTION app.w_bool(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (t) VALUES ('b'); RETURN true; END $$;
CREATE FUNCTION app.w_stable(int) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM app.w_plain(); RETURN $1; END $$;
CREATE FUNCTION app.w_imm(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM app.w_plain(); RETURN $1; END $$;
CREATE FUNCTION app.w_immtext(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM app.w_plain(); RETURN $1; END $$;
CREATE FUNCTION app.w_immbool(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM app.w_plain(); RETURN true; END $$;
CREATE FUNCTION app.w_sql(int) RETURNS int LANGUAGE sql AS $$ INSERT INTO app.audit (t) VALUES ('s') RETURNING 1 $$;
CREATE FUNCTION app.w_atomic() RETURNS int LANGUAGE sql BEGIN ATOMIC INSERT INTO app.audit (t) VALUES ('s') RETURNING 1; END;
CREATE FUNCTION app.w_definer() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN DELETE FROM app.logs; RETURN 1; END $$;
CREATE FUNCTION app.w_rows(int) RETURNS TABLE (id int, a int, t text, b bool) LANGUAGE plpgsql AS $$
  BEGIN INSERT INTO app.audit (t) VALUES ('r'); RETURN QUERY SELECT 1, 2, 'x'::text, true; END $$;
CREATE FUNCTION app.w_out(OUT id int, OUT a int) LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (t) VALUES ('o'); id := 1; a := 2; END $$;
CREATE FUNCTION app.w_default(x int DEFAULT app.w_plain()) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT x';
CREATE FUNCTION app.w_variadic(VARIADIC int[]) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (t) VALUES ('v'); RETURN 1; END $$;
CREATE FUNCTION app.w_dynamic(text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DELETE FROM app.' || $1; RETURN 1; END $$;
CREATE FUNCTION app.pure(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
CREATE FUNCTION app.reads(int) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM app.logs';
-- The same name as a function of the server: the arguments decide which it is.
CREATE FUNCTION app.upper(int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM app.w_plain(); RETURN 'u'; END $$; -- wild
CREATE FUNCTION public.abs(text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM app.w_plain(); RETURN 1; END $$; -- wild
CREATE FUNCTION evil.lower(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM app.w_plain(); RETURN 'e'; END $$;
CREATE PROCEDURE app.p_write(int) LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (t) VALUES ('proc'); END $$;
CREATE PROCEDURE app.p_inout(INOUT x int) LANGUAGE plpgsql AS $$ BEGIN DELETE FROM app.logs; x := 1; END $$;
CREATE PROCEDURE app.p_commit() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (t) VALUES ('c'); COMMIT; DELETE FROM app.logs; END $$;
CREATE FUNCTION app.tr_audit() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN INSERT INTO app.audit (t) VALUES (TG_NAME); RETURN COALESCE(NEW, OLD); END $$;
CREATE FUNCTION app.ev_audit() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (t) VALUES ('ddl'); END $$;

-- Aggregates, operators, casts, types.
CREATE FUNCTION app.w_step(int, int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (t) VALUES ('g'); RETURN 1; END $$;
CREATE FUNCTION app.s_step(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT COALESCE($1, 0) + COALESCE($2, 0)';
CREATE AGGREGATE app.w_agg (int) (SFUNC = app.w_step, STYPE = int);
CREATE AGGREGATE app.w_final (int) (SFUNC = app.s_step, STYPE = int, FINALFUNC = app.w_int);
CREATE FUNCTION app.w_cat(text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (t) VALUES ('g'); RETURN 'x'; END $$;
CREATE AGGREGATE app.sum (text) (SFUNC = app.w_cat, STYPE = text); -- wild
CREATE TYPE app.mood AS ENUM ('good', 'bad');
CREATE TYPE app.pair AS (a int, t text);
CREATE FUNCTION app.w_op(int, int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (t) VALUES ('op'); RETURN true; END $$;
CREATE FUNCTION app.w_eq(app.mood, int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (t) VALUES ('eq'); RETURN true; END $$;
CREATE FUNCTION app.w_pre(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (t) VALUES ('pre'); RETURN 1; END $$;
CREATE FUNCTION app.w_like(app.mood, text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (t) VALUES ('like'); RETURN true; END $$;
CREATE OPERATOR app.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = app.w_op);
CREATE OPERATOR app.+ (LEFTARG = app.mood, RIGHTARG = int, FUNCTION = app.w_eq); -- wild
CREATE OPERATOR app.= (LEFTARG = app.mood, RIGHTARG = int, FUNCTION = app.w_eq); -- wild
CREATE OPERATOR app.<> (LEFTARG = app.mood, RIGHTARG = int, FUNCTION = app.w_eq); -- wild
CREATE OPERATOR app.> (LEFTARG = app.mood, RIGHTARG = int, FUNCTION = app.w_eq); -- wild
CREATE OPERATOR app.>= (LEFTARG = app.mood, RIGHTARG = int, FUNCTION = app.w_eq); -- wild
CREATE OPERATOR app.<= (LEFTARG = app.mood, RIGHTARG = int, FUNCTION = app.w_eq); -- wild
CREATE OPERATOR app.~~ (LEFTARG = app.mood, RIGHTARG = text, FUNCTION = app.w_like); -- wild
CREATE OPERATOR app.!! (RIGHTARG = int, FUNCTION = app.w_pre);
CREATE FUNCTION app.w_moodint(app.mood) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (t) VALUES ('cast'); RETURN 1; END $$;
CREATE CAST (app.mood AS int) WITH FUNCTION app.w_moodint(app.mood) AS ASSIGNMENT; -- wild
CREATE FUNCTION app.w_pairtext(app.pair) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (t) VALUES ('cast'); RETURN 'x'; END $$;
CREATE CAST (app.pair AS text) WITH FUNCTION app.w_pairtext(app.pair) AS IMPLICIT; -- wild
CREATE FUNCTION app.w_boolpair(bool) RETURNS app.pair LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (t) VALUES ('cast'); RETURN ROW(1, 'x'); END $$;
CREATE CAST (bool AS app.pair) WITH FUNCTION app.w_boolpair(bool); -- wild
CREATE FUNCTION app.w_moodjson(app.mood) RETURNS json LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (t) VALUES ('json'); RETURN '1'; END $$;
CREATE CAST (app.mood AS json) WITH FUNCTION app.w_moodjson(app.mood); -- wild
CREATE DOMAIN app.checked AS int CHECK (app.w_immbool(VALUE));
CREATE DOMAIN app.deep AS app.checked;
CREATE DOMAIN app.plain AS int CHECK (VALUE < 1000000);
CREATE DOMAIN app.words AS app.checked[];
CREATE TYPE app.holder AS (c app.checked, t text);
CREATE FUNCTION app.w_cmp(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM app.w_plain(); RETURN btint4cmp($1, $2); END $$;
CREATE OPERATOR CLASS app.w_ops FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 app.w_cmp(int, int);
CREATE TYPE app.w_range AS RANGE (SUBTYPE = int, SUBTYPE_OPCLASS = app.w_ops);
CREATE TYPE app.plain_range AS RANGE (SUBTYPE = int);
CREATE COLLATION app.nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

-- Tables, each with one trap.
CREATE TABLE app.customers (id serial PRIMARY KEY, a int, t text, b bool, ssn text, email text UNIQUE);
CREATE TABLE app.orders (id serial PRIMARY KEY, a int REFERENCES app.customers ON DELETE CASCADE ON UPDATE CASCADE, t text, b bool);
CREATE TABLE app.payments (id serial PRIMARY KEY, a int REFERENCES app.orders ON DELETE CASCADE ON UPDATE SET NULL, t text, b bool);
CREATE TABLE app.archive (id serial PRIMARY KEY, a int DEFAULT 1 REFERENCES app.customers ON DELETE SET NULL ON UPDATE CASCADE, t text, b bool);
CREATE TABLE app.quiet (id int PRIMARY KEY, a int, t text, b bool);
CREATE TABLE app.tree (id int PRIMARY KEY, a int REFERENCES app.tree ON DELETE CASCADE, t text, b bool);
CREATE TABLE app.row_trigger (id int, a int, t text, b bool);
CREATE TRIGGER row_trigger BEFORE INSERT OR UPDATE OR DELETE ON app.row_trigger FOR EACH ROW EXECUTE FUNCTION app.tr_audit();
CREATE TABLE app.statement_trigger (id int, a int, t text, b bool);
CREATE TRIGGER statement_trigger AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON app.statement_trigger FOR EACH STATEMENT EXECUTE FUNCTION app.tr_audit();
CREATE TABLE app.column_trigger (id int, a int, t text, b bool);
CREATE TRIGGER column_trigger AFTER UPDATE OF a ON app.column_trigger FOR EACH ROW WHEN (app.w_bool(1)) EXECUTE FUNCTION app.tr_audit();
CREATE TABLE app.deferred_trigger (id int, a int, t text, b bool);
CREATE CONSTRAINT TRIGGER deferred_trigger AFTER INSERT ON app.deferred_trigger DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.tr_audit();
CREATE TABLE app.cascade_trigger (id serial PRIMARY KEY, a int REFERENCES app.customers ON DELETE CASCADE, t text, b bool);
CREATE TRIGGER cascade_trigger BEFORE DELETE ON app.cascade_trigger FOR EACH ROW EXECUTE FUNCTION app.tr_audit();
CREATE TABLE app.defaulted (id int DEFAULT app.w_plain(), a int DEFAULT 5, t text, b bool);
CREATE TABLE app.generated (id int, a int, t text, b bool, g int GENERATED ALWAYS AS (app.w_imm(a)) STORED);
CREATE TABLE app.constrained (id int, a int CHECK (app.w_immbool(a)), t text, b bool);
CREATE TABLE app.domained (id int, a app.checked, t text, b bool);
CREATE TABLE app.deeply (id app.deep, a int, t text, b bool, h app.holder);
CREATE TABLE app.indexed (id int, a int, t text, b bool);
CREATE INDEX ON app.indexed (app.w_imm(a));
CREATE TABLE app.partly (id int, a int, t text, b bool);
CREATE INDEX ON app.partly (id) WHERE app.w_immbool(a);
CREATE TABLE app.classed (id int, a int, t text, b bool);
INSERT INTO app.classed SELECT g, g, 'x', true FROM generate_series(1, 20) g;
CREATE INDEX ON app.classed (a app.w_ops);
CREATE TABLE app.ruled (id int, a int, t text, b bool);
CREATE RULE also AS ON INSERT TO app.ruled DO ALSO INSERT INTO app.audit (t) VALUES ('rule');
CREATE RULE also_update AS ON UPDATE TO app.ruled DO ALSO DELETE FROM app.logs;
CREATE RULE instead_delete AS ON DELETE TO app.ruled DO INSTEAD UPDATE app.quiet SET a = 0;
CREATE TABLE app.secured (id int, a int, t text, b bool);
ALTER TABLE app.secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON app.secured USING (app.w_bool(a));
CREATE TABLE app.parts (id int, a int, t text, b bool) PARTITION BY RANGE (id);
CREATE TABLE app.parts_low PARTITION OF app.parts FOR VALUES FROM (MINVALUE) TO (5);
CREATE TABLE app.parts_high PARTITION OF app.parts FOR VALUES FROM (5) TO (MAXVALUE) PARTITION BY LIST (a);
CREATE TABLE app.parts_high_rest PARTITION OF app.parts_high DEFAULT;
CREATE TRIGGER leaf AFTER INSERT ON app.parts_high_rest FOR EACH ROW EXECUTE FUNCTION app.tr_audit();
CREATE TABLE app.parts_fn (id int, a int, t text, b bool) PARTITION BY RANGE (app.w_imm(a));
CREATE TABLE app.parts_fn_1 PARTITION OF app.parts_fn DEFAULT;
CREATE TABLE app.mother (id int, a int, t text, b bool);
CREATE TABLE app.child (extra text) INHERITS (app.mother);
CREATE TABLE app.grandchild () INHERITS (app.child);
CREATE TRIGGER grand BEFORE UPDATE ON app.grandchild FOR EACH ROW EXECUTE FUNCTION app.tr_audit();
CREATE UNLOGGED TABLE app.unlogged (id int, a int, t text, b bool);
CREATE TABLE app.identity (id int GENERATED ALWAYS AS IDENTITY, a int, t text, b bool);
CREATE TABLE app.moods (id int, a int, t text, b bool, m app.mood, p app.pair, r app.w_range);
CREATE TABLE app."Mixed Case" (id int, a int, t text, b bool);
CREATE TABLE evil.logs (id int, a int, t text, b bool);
CREATE TABLE public.shop (id int PRIMARY KEY, a int, t text, b bool);
CREATE FUNCTION app.w_row(app.customers) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (t) VALUES ('row'); RETURN 1; END $$;
CREATE FUNCTION app.w_anyrow(record) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (t) VALUES ('row'); RETURN 1; END $$;

-- Views.
CREATE VIEW app.v_simple AS SELECT id, a, t, b FROM app.customers;
CREATE VIEW app.v_nested AS SELECT id, a, t, b FROM app.v_simple WHERE id > 0 WITH CASCADED CHECK OPTION;
CREATE VIEW app.v_trigger AS SELECT id, a, t, b FROM app.row_trigger;
CREATE VIEW app.v_star AS SELECT * FROM app.parts;
CREATE VIEW app.v_join AS SELECT c.id, o.a, c.t, c.b FROM app.customers c JOIN app.orders o ON o.a = c.id;
CREATE TRIGGER v_join INSTEAD OF INSERT OR UPDATE OR DELETE ON app.v_join FOR EACH ROW EXECUTE FUNCTION app.tr_audit();
CREATE VIEW app.v_function AS SELECT id, app.w_int(a) AS a, t, b FROM app.logs;
CREATE VIEW app.v_hidden AS SELECT id, a, t, b FROM app.logs WHERE app.w_bool(id);
CREATE VIEW app.v_operator AS SELECT id, a, t, b FROM app.logs WHERE id OPERATOR(app.===) 1;
CREATE VIEW app.v_deep AS SELECT id, a, t, b FROM app.v_hidden;
CREATE VIEW app.v_definer WITH (security_barrier) AS SELECT id, a, t, b FROM app.secured;
CREATE VIEW app.v_rule AS SELECT id, a, t, b FROM app.logs;
CREATE RULE r_insert AS ON INSERT TO app.v_rule DO INSTEAD INSERT INTO app.audit (t) VALUES (NEW.t);
CREATE RULE r_delete AS ON DELETE TO app.v_rule DO INSTEAD DELETE FROM app.quiet WHERE id = OLD.id;
CREATE RULE r_update AS ON UPDATE TO app.v_rule DO INSTEAD NOTHING;
CREATE MATERIALIZED VIEW app.mv AS SELECT id, a, t, b FROM app.logs;
CREATE UNIQUE INDEX ON app.mv (id);
CREATE MATERIALIZED VIEW app.mv_function AS SELECT id, app.w_int(a) AS a, t, b FROM app.logs WITH NO DATA;
CREATE STATISTICS app.stats ON a, b FROM app.customers;
CREATE INDEX named_index ON app.logs (a);
CREATE PUBLICATION pub FOR TABLE public.shop;
CREATE FOREIGN DATA WRAPPER wrapper;
CREATE SERVER server FOREIGN DATA WRAPPER wrapper;
CREATE USER MAPPING FOR app_user SERVER server;
CREATE FOREIGN TABLE app.remote (id int, a int, t text, b bool) SERVER server;
CREATE TEXT SEARCH CONFIGURATION app.search (COPY = simple);
CREATE TEXT SEARCH DICTIONARY app.words_dict (TEMPLATE = simple);

INSERT INTO app.customers (a, t, b, ssn, email) SELECT g, 'name ' || g, g % 2 = 0, '111-22-333' || g, g || '@x' FROM generate_series(1, 9) g;
INSERT INTO app.orders (a, t, b) SELECT 1 + g % 9, 't' || g, true FROM generate_series(1, 20) g;
INSERT INTO app.payments (a, t, b) SELECT 1 + g % 20, 't', false FROM generate_series(1, 30) g;
INSERT INTO app.archive (a, t, b) SELECT g, 'old', true FROM generate_series(1, 9) g;
INSERT INTO app.cascade_trigger (a, t, b) SELECT g, 'x', true FROM generate_series(1, 9) g;
INSERT INTO app.logs SELECT g, g, 'log', true FROM generate_series(1, 9) g;
INSERT INTO evil.logs SELECT g, g, 'log', true FROM generate_series(1, 3) g;
INSERT INTO app.quiet SELECT g, g, 'q', true FROM generate_series(1, 9) g;
INSERT INTO public.shop SELECT g, g, 'q', true FROM generate_series(1, 9) g;
INSERT INTO app.tree SELECT g, NULLIF(g / 2, 0), 'q', true FROM generate_series(1, 9) g;
INSERT INTO app.parts SELECT g, g, 'q', true FROM generate_series(1, 9) g;
INSERT INTO app.mother VALUES (1, 1, 'm', true);
INSERT INTO app.child VALUES (2, 2, 'c', true, 'x');
INSERT INTO app.grandchild VALUES (3, 3, 'g', true, 'x');
INSERT INTO app.moods VALUES (1, 1, 'm', true, 'good', ROW(1, 'x'), NULL), (2, 2, 'm', true, 'bad', ROW(2, 'y'), '[1,5)');
DO $$ DECLARE n text; BEGIN
  FOREACH n IN ARRAY ARRAY['row_trigger', 'statement_trigger', 'column_trigger', 'deferred_trigger', 'defaulted', 'constrained', 'generated',
    'domained', 'deeply', 'indexed', 'partly', 'secured', 'parts_fn', 'unlogged', '"Mixed Case"'] LOOP
    EXECUTE format('INSERT INTO app.%s (id, a, t, b) SELECT g, g, ''x'', true FROM generate_series(1, 5) g', n);
  END LOOP;
  INSERT INTO app.ruled (id, a, t, b) VALUES (1, 1, 'x', true);
  PERFORM lo_from_bytea(4242, '\\x01020304');
END $$;
REFRESH MATERIALIZED VIEW app.mv;
GRANT ALL ON SCHEMA app, evil, empty, public TO app_user;
GRANT ALL ON ALL TABLES IN SCHEMA app, evil, public TO app_user;
GRANT ALL ON ALL SEQUENCES IN SCHEMA app TO app_user;
TRUNCATE app.audit RESTART IDENTITY;
INSERT INTO app.audit (a, t) SELECT g, 'seen' FROM generate_series(1, 3) g;
CREATE EVENT TRIGGER ddl ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE VIEW', 'COMMENT') EXECUTE FUNCTION app.ev_audit();
ANALYZE;
`;

/**
 * `wild`: with casts, and with operators and functions that share their names with PostgreSQL's own. Where such things
 * are, many statements of every kind could run them; without, the finer judgements are put to the test.
 */
export type Temper = 'mild' | 'wild';

export function schemaFor(version: number, temper: Temper): string {
  const own = temper === 'wild' ? schema : schema.replaceAll(/^.* -- wild$\n/gm, '');
  return version < 18
    ? own
    : `${own}
CREATE FUNCTION app.v_imm(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE TABLE app.virtual (id int, a int, t text, b bool, g int GENERATED ALWAYS AS (a + 1) VIRTUAL);
INSERT INTO app.virtual (id, a, t, b) VALUES (1, 1, 'x', true);
GRANT ALL ON app.virtual TO app_user;`;
}
