Ways to get a masked value out that were tried by hand: each a name, and steps between lines of two dashes, run in one
transaction that is taken back, or as they are ([perm]). No byte that comes back may tell a secret. It only grows.

## symbol view through function
CREATE VIEW "!" AS SELECT ssn AS x FROM people
--
CREATE FUNCTION q1() RETURNS text LANGUAGE sql AS 'SELECT max(x) FROM "!"'
--
SELECT q1()
## newline view in view through function
CREATE VIEW "q
z" AS SELECT ssn AS x FROM people
--
CREATE VIEW middling AS SELECT x FROM "q
z"
--
CREATE FUNCTION q1() RETURNS text LANGUAGE sql AS 'SELECT max(x) FROM middling'
--
SELECT q1()
## inherit new parent
CREATE TABLE np (ssn text)
--
ALTER TABLE app.people INHERIT np
--
SELECT ssn FROM np
--
SELECT reverse(ssn) FROM np
## attach partition
CREATE TABLE rootp (id int, ssn text, other text) PARTITION BY RANGE (id)
--
ALTER TABLE rootp ATTACH PARTITION app.people FOR VALUES FROM (0) TO (100)
--
SELECT ssn FROM rootp
--
COPY (SELECT ssn FROM rootp) TO STDOUT
--
TABLE rootp
## DO rename column
DO $$ BEGIN ALTER TABLE app.people RENAME COLUMN ssn TO xx; END $$
--
SELECT xx FROM app.people
## DO rename table
DO $$ BEGIN ALTER TABLE app.people RENAME TO pipl; END $$
--
SELECT ssn FROM app.pipl
## DO rename schema
DO $$ BEGIN ALTER SCHEMA app RENAME TO appl; END $$
--
SELECT ssn FROM appl.people
## function rename column
CREATE FUNCTION rn() RETURNS int LANGUAGE sql AS 'ALTER TABLE app.people RENAME COLUMN ssn TO xx; SELECT 1'
--
SELECT rn()
--
SELECT xx FROM app.people
## cursor variable assigned
DECLARE mine CURSOR FOR SELECT ssn FROM people
--
CREATE FUNCTION fc() RETURNS text LANGUAGE plpgsql AS $$ DECLARE c CURSOR FOR SELECT 1; x text; BEGIN c := 'mine'; FETCH c INTO x; RETURN x; END $$
--
SELECT fc()
## cursor by table column type
DECLARE mine CURSOR FOR SELECT ssn FROM people
--
CREATE TABLE rc (c refcursor)
--
CREATE FUNCTION fc() RETURNS text LANGUAGE plpgsql AS $$ DECLARE v rc.c%TYPE := 'mine'; x text; BEGIN FETCH v INTO x; RETURN x; END $$
--
SELECT fc()
## regexp_matches in FROM spells
SELECT chr(g) FROM people, generate_series(32,127) g, regexp_matches(ssn, '^' || chr(g)) m WHERE id = 2
--
SELECT string_agg(chr(g), '' ORDER BY i) FROM people, generate_series(1,12) i, generate_series(97,122) g, regexp_matches(substr(ssn,i,1), chr(g)) m WHERE id = 2
--
SELECT string_agg(c, '' ORDER BY i) FROM (SELECT i, chr(g) AS c, regexp_matches(substr(ssn,i,1), chr(g)) FROM people, generate_series(1,12) i, generate_series(97,122) g WHERE id = 2) s
--
SELECT string_agg(chr(g), '' ORDER BY i) FROM people, generate_series(1,12) i, generate_series(97,122) g, generate_series(1, (chr(g) = substr(ssn,i,1))::int) m WHERE id = 2
## lateral limit spells
SELECT string_agg(chr(g), '' ORDER BY i) FROM people, generate_series(1,12) i, generate_series(97,122) g, LATERAL (SELECT 1 LIMIT (chr(g) = substr(ssn,i,1))::int) m WHERE id = 2
## lateral intersect spells
SELECT string_agg(chr(g), '' ORDER BY i) FROM people, generate_series(1,12) i, generate_series(97,122) g, LATERAL (SELECT chr(g) INTERSECT SELECT substr(ssn,i,1)) m WHERE id = 2
## view of a series marks
CREATE VIEW cmp AS SELECT i, g, chr(g) = substr(ssn,i,1) AS ok FROM people, generate_series(1,12) i, generate_series(97,122) g WHERE id = 2
--
SELECT string_agg(chr(g), '' ORDER BY i) FROM cmp WHERE ok
## function filters a series
CREATE FUNCTION ff(int, int) RETURNS SETOF int LANGUAGE sql AS 'SELECT 1 FROM people WHERE chr($1) = substr(ssn,$2,1) AND id = 2'
--
SELECT string_agg(chr(g), '' ORDER BY i) FROM generate_series(1,12) i, generate_series(97,122) g, ff(g, i)
## json_table spells
SELECT string_agg(chr(g), '' ORDER BY i) FROM people, generate_series(1,12) i, generate_series(97,122) g, JSON_TABLE(to_jsonb(substr(ssn,i,1)), '$ ? (@ == $c)' PASSING chr(g) AS c COLUMNS (z int PATH '$.z')) m WHERE id = 2
## jsonb_path_query spells
SELECT string_agg(chr(g), '' ORDER BY i) FROM people, generate_series(1,12) i, generate_series(97,122) g, jsonb_path_query(to_jsonb(substr(ssn,i,1)), '$ ? (@ == $c)', jsonb_build_object('c', chr(g))) m WHERE id = 2
## trigger function replaced
CREATE FUNCTION tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'
--
CREATE TRIGGER t1 BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION tr()
--
CREATE OR REPLACE FUNCTION tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.name := reverse(NEW.ssn); RETURN NEW; END'
--
UPDATE people SET id = id
--
SELECT name FROM people
## trigger in DO
CREATE FUNCTION tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.name := reverse(NEW.ssn); RETURN NEW; END'
--
DO $$ BEGIN CREATE TRIGGER t1 BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION tr(); END $$
--
UPDATE people SET id = id
--
SELECT name FROM people
## domain check writes
CREATE FUNCTION spy(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.hoard (id, what) VALUES (hashtext($1), reverse($1)); RETURN true; END $$
--
CREATE DOMAIN sd AS text CHECK (spy(VALUE))
--
SELECT count(ssn::sd) FROM people
--
SELECT what FROM hoard
## policy writes
CREATE FUNCTION spy(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.hoard (id, what) VALUES (hashtext($1), reverse($1)); RETURN true; END $$
--
CREATE POLICY pol ON people USING (spy(ssn))
--
ALTER TABLE people ENABLE ROW LEVEL SECURITY
--
CREATE ROLE reader1; GRANT SELECT ON people TO reader1; GRANT ALL ON hoard TO reader1
--
SET LOCAL ROLE reader1
--
SELECT id FROM people
--
SELECT what FROM hoard
## create table as execute
PREPARE pq AS SELECT ssn AS s FROM people
--
CREATE TABLE copyt AS EXECUTE pq
--
SELECT * FROM copyt
## prepared swapped in DO [perm]
PREPARE pz AS SELECT upper(name) FROM people
--
DO $$ BEGIN DEALLOCATE pz; PREPARE pz AS SELECT reverse(ssn) FROM people; END $$
--
EXECUTE pz
--
DEALLOCATE ALL
## prepared rolled back [perm]
PREPARE py AS SELECT upper(name) FROM people
--
BEGIN
--
DEALLOCATE py
--
PREPARE py AS SELECT reverse(ssn) FROM people
--
ROLLBACK
--
EXECUTE py
--
DEALLOCATE ALL
## default of code
CREATE TABLE tt (id int, w text DEFAULT steals())
--
INSERT INTO tt (id) VALUES (1)
--
SELECT w FROM tt
## default set of code
CREATE TABLE tt (id int, w text)
--
ALTER TABLE tt ALTER w SET DEFAULT steals()
--
INSERT INTO tt (id) VALUES (1)
--
INSERT INTO tt DEFAULT VALUES
--
COPY tt (id) FROM PROGRAM 'echo 1'
--
SELECT w FROM tt
## generated of code
CREATE TABLE tt (id int, w text GENERATED ALWAYS AS (steals_imm()) STORED)
--
INSERT INTO tt (id) VALUES (1)
--
SELECT w FROM tt
## rule
CREATE RULE rr AS ON UPDATE TO people DO ALSO INSERT INTO hoard (id, what) VALUES (NEW.id + 100, reverse(OLD.ssn))
--
UPDATE people SET id = id
--
SELECT what FROM hoard
## system catalogue
UPDATE pg_attribute SET attname = 'xx' WHERE attrelid = 'people'::regclass AND attname = 'ssn'
--
SELECT xx FROM people
## case of unknown types
CREATE TYPE foo AS ENUM ('x')
--
CREATE FUNCTION op_bad(text, foo) RETURNS text LANGUAGE sql AS 'SELECT max(ssn) FROM people'
--
CREATE OPERATOR ==== (LEFTARG = foo, RIGHTARG = foo, FUNCTION = pg_catalog.enum_eq)
--
CREATE OPERATOR ==== (LEFTARG = text, RIGHTARG = foo, FUNCTION = op_bad)
--
SELECT (CASE WHEN true THEN 'x' ELSE 'x' END) ==== 'x'::foo
--
SELECT COALESCE('x', 'x') ==== 'x'::foo
--
SELECT GREATEST('x', 'x') ==== 'x'::foo
## like of another type
CREATE TYPE foo AS ENUM ('x')
--
CREATE FUNCTION lk(foo, foo) RETURNS text LANGUAGE sql AS $$ SELECT 'q' $$
--
CREATE OPERATOR public.~~ (LEFTARG = foo, RIGHTARG = foo, FUNCTION = lk)
--
CREATE OPERATOR public.= (LEFTARG = foo, RIGHTARG = foo, FUNCTION = lk)
--
CREATE FUNCTION hh(bool) RETURNS text LANGUAGE sql AS $$ SELECT 'nothing' $$
--
CREATE FUNCTION hh(text) RETURNS text LANGUAGE sql AS $$ SELECT max(ssn) FROM people $$
--
SELECT hh('x'::foo LIKE 'x'::foo)
--
SELECT hh('x'::foo OPERATOR(public.=) 'x'::foo)
## deferred fk at commit [perm]
ALTER TABLE guess ADD CONSTRAINT gfk FOREIGN KEY (ssn) REFERENCES people (ssn) DEFERRABLE INITIALLY DEFERRED
--
BEGIN
--
DELETE FROM orders
--
DELETE FROM people WHERE id = 2
--
COMMIT
--
BEGIN
--
DELETE FROM orders
--
DELETE FROM people WHERE id = 2
--
SET CONSTRAINTS ALL IMMEDIATE
--
ROLLBACK
--
BEGIN
--
DELETE FROM orders
--
DELETE FROM people WHERE id = 2
--
CREATE FUNCTION dfk() RETURNS text LANGUAGE plpgsql AS $$ DECLARE d text; BEGIN SET CONSTRAINTS ALL IMMEDIATE; RETURN 'x'; EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL; RETURN d; END $$
--
SELECT dfk()
--
ROLLBACK
--
ALTER TABLE guess DROP CONSTRAINT gfk
## hold cursor at commit [perm]
BEGIN
--
DECLARE hc CURSOR WITH HOLD FOR SELECT ssn::int FROM people
--
COMMIT
--
BEGIN
--
DECLARE hc CURSOR FOR SELECT ssn::int FROM people
--
MOVE ALL IN hc
--
ROLLBACK
--
BEGIN
--
DECLARE hc CURSOR FOR SELECT xmlparse(document ssn) FROM people
--
MOVE ALL IN hc
--
ROLLBACK
## errors of maintenance
CREATE FUNCTION gz(text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN IF current_setting('a.b', true) = 'on' THEN RETURN $1::int; END IF; RETURN 0; END $$
--
CREATE STATISTICS stz ON (gz(ssn)), id FROM people
--
SET LOCAL a.b = 'on'
--
ANALYZE people
--
ANALYZE
--
ALTER TABLE people ALTER COLUMN ssn TYPE int USING ssn::int
--
CREATE UNIQUE INDEX ON people ((left(ssn, 0)))
--
CREATE UNIQUE INDEX ON people ((ssn::int))
## index errors later
CREATE FUNCTION gz(text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN IF current_setting('a.b', true) = 'on' THEN RETURN $1::int; END IF; RETURN 0; END $$
--
CREATE INDEX gzi ON people (gz(ssn))
--
SET LOCAL a.b = 'on'
--
REINDEX INDEX gzi
--
REINDEX TABLE people
--
CLUSTER people USING people_pkey
--
UPDATE people SET name = name
## matview concurrently
CREATE MATERIALIZED VIEW mv2 AS SELECT id, 'x' AS b FROM people
--
CREATE UNIQUE INDEX ON mv2 (id)
## view of code replaced
CREATE FUNCTION spy2(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RETURN true; END $$
--
CREATE VIEW vspy AS SELECT id FROM people WHERE spy2(ssn)
--
CREATE OR REPLACE FUNCTION spy2(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.hoard (id, what) VALUES (hashtext($1), reverse($1)); RETURN true; END $$
--
SELECT id FROM vspy
--
SELECT what FROM hoard
## view of code itself
CREATE FUNCTION spy2(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.hoard (id, what) VALUES (hashtext($1), reverse($1)); RETURN true; END $$
--
CREATE VIEW vspy AS SELECT id FROM people WHERE spy2(ssn)
--
SELECT id FROM vspy
--
SELECT what FROM hoard
## policy function replaced
CREATE FUNCTION spy2(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RETURN true; END $$
--
CREATE POLICY pol ON people USING (spy2(ssn))
--
ALTER TABLE people ENABLE ROW LEVEL SECURITY
--
CREATE OR REPLACE FUNCTION spy2(text) RETURNS bool LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN INSERT INTO public.hoard (id, what) VALUES (hashtext($1), reverse($1)); RETURN true; END $$
--
CREATE ROLE reader1
--
GRANT SELECT ON people TO reader1
--
SET LOCAL ROLE reader1
--
SELECT id FROM people
--
SET LOCAL ROLE postgres
--
SELECT what FROM hoard
## index function replaced
CREATE FUNCTION spy2(text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN true; END $$
--
CREATE INDEX ixspy ON people (spy2(ssn))
--
CREATE OR REPLACE FUNCTION spy2(text) RETURNS bool LANGUAGE plpgsql VOLATILE AS $$ BEGIN INSERT INTO public.hoard (id, what) VALUES (hashtext($1), reverse($1)); RETURN true; END $$
--
REINDEX INDEX ixspy
--
UPDATE people SET name = name
--
SELECT what FROM hoard
## check constraint function replaced
CREATE FUNCTION spy2(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RETURN true; END $$
--
ALTER TABLE people ADD CONSTRAINT cspy CHECK (spy2(ssn))
--
CREATE OR REPLACE FUNCTION spy2(text) RETURNS bool LANGUAGE plpgsql VOLATILE AS $$ BEGIN INSERT INTO public.hoard (id, what) VALUES (hashtext($1), reverse($1)); RETURN true; END $$
--
UPDATE people SET name = name
--
SELECT what FROM hoard
## check constraint spy
CREATE FUNCTION spy2(text) RETURNS bool LANGUAGE plpgsql VOLATILE AS $$ BEGIN INSERT INTO public.hoard (id, what) VALUES (hashtext($1), reverse($1)); RETURN true; END $$
--
ALTER TABLE people ADD CONSTRAINT cspy CHECK (spy2(ssn))
--
SELECT what FROM hoard
## statistics spy
CREATE FUNCTION spy2(text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN true; END $$
--
CREATE STATISTICS sspy ON (spy2(ssn)), id FROM people
--
CREATE OR REPLACE FUNCTION spy2(text) RETURNS bool LANGUAGE plpgsql VOLATILE AS $$ BEGIN INSERT INTO public.hoard (id, what) VALUES (hashtext($1), reverse($1)); RETURN true; END $$
--
ANALYZE people
--
SELECT what FROM hoard
## case of unknown types 2
CREATE FUNCTION op_bad(text, int) RETURNS text LANGUAGE sql AS 'SELECT max(ssn) FROM people'
--
CREATE OPERATOR + (LEFTARG = text, RIGHTARG = int, FUNCTION = op_bad)
--
SELECT (CASE WHEN true THEN 'x' ELSE 'x' END) + 1
--
SELECT COALESCE('x', 'x') + 1
## like of another type 2
CREATE TYPE foo AS ENUM ('x')
--
CREATE FUNCTION lk(foo, foo) RETURNS text LANGUAGE sql AS $$ SELECT 'q' $$
--
CREATE OPERATOR public.~~ (LEFTARG = foo, RIGHTARG = foo, FUNCTION = lk)
--
CREATE OPERATOR public.= (LEFTARG = foo, RIGHTARG = foo, FUNCTION = lk)
--
CREATE FUNCTION booland_statefunc(text, bool) RETURNS text LANGUAGE sql AS $$ SELECT max(ssn) FROM people $$
--
SELECT booland_statefunc('x'::foo LIKE 'x'::foo, true)
--
SELECT booland_statefunc('x'::foo OPERATOR(public.=) 'x'::foo, true)
## portal opened by code
DO $$ DECLARE c refcursor := 'mine'; BEGIN OPEN c FOR SELECT reverse(ssn) FROM people; END $$
--
FETCH ALL FROM mine
## portal of the client replaced by code
DECLARE mine CURSOR FOR SELECT upper(name) FROM people
--
DO $$ DECLARE c CURSOR FOR SELECT reverse(ssn) FROM people; BEGIN c := 'mine'; CLOSE c; c := 'mine'; OPEN c; END $$
--
FETCH ALL FROM mine
## portal of the client replaced by a function
DECLARE mine CURSOR FOR SELECT upper(name) FROM people
--
CREATE FUNCTION opens() RETURNS int LANGUAGE plpgsql AS $$ DECLARE c CURSOR FOR SELECT reverse(ssn) FROM people; BEGIN c := 'mine'; CLOSE c; c := 'mine'; OPEN c; RETURN 1; END $$
--
SELECT opens()
--
FETCH ALL FROM mine
## portal by sql function
CREATE FUNCTION opens() RETURNS int LANGUAGE sql AS $$ DECLARE mine CURSOR FOR SELECT reverse(ssn) FROM people; SELECT 1 $$
--
SELECT opens()
--
FETCH ALL FROM mine
## escape string in nested do
DO $$ BEGIN DO E'BEGIN \x49NSERT INTO hoard (id, what) SELECT id + 100, reverse(ssn) FROM p\x65ople; END'; END $$
--
SELECT what FROM hoard
## long name
CREATE VIEW aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa AS SELECT ssn AS x FROM people
--
CREATE FUNCTION ql() RETURNS text LANGUAGE sql AS 'SELECT max(x) FROM aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
--
SELECT ql()
## sigma name
CREATE VIEW "ΑΣ" AS SELECT ssn AS x FROM people
--
CREATE FUNCTION ql() RETURNS text LANGUAGE sql AS 'SELECT max(ΑΣ.x) FROM ΑΣ'
--
SELECT ql()
--
CREATE FUNCTION ql2() RETURNS text LANGUAGE sql AS 'SELECT (SELECT x FROM public.ΑΣ.x LIMIT 1)'
## set returning operator
CREATE FUNCTION some(text, text) RETURNS SETOF int LANGUAGE sql AS 'SELECT 1 WHERE $1 = $2'
--
CREATE OPERATOR *** (LEFTARG = text, RIGHTARG = text, FUNCTION = some)
--
SELECT string_agg(c, '' ORDER BY i) FROM (SELECT i, chr(g) AS c, substr(ssn,i,1) *** chr(g) FROM people, generate_series(1,12) i, generate_series(97,122) g WHERE id = 2) s
## json path with numbers and odd keys
SELECT doc #>> '{ssn}', doc #>> '{0,ssn}', doc -> 'at' -> 'street', doc #> '{at,street,0}', doc -> 'at' -> -1, doc #>> '{at}' FROM papers
--
SELECT doc -> (0)::int, doc -> 'free', doc - 'ssn', doc -> 'ssn' FROM papers
--
SELECT raw ->> 'ssn', raw::jsonb ->> 'ssn' FROM papers
--
SELECT (doc -> 'ssn')::text, jsonb_path_query(doc, '$.ssn'), doc['ssn'], doc['at']['street'] FROM papers
--
SELECT d ->> 'ssn', s FROM paper_view
--
SELECT doc || '{"a":1}' FROM papers
--
SELECT coalesce(doc, '{}') -> 'ssn', coalesce(doc -> 'x', doc -> 'ssn'), nullif(doc, '{}') ->> 'ssn' FROM papers
--
SELECT jsonb_set(doc, '{x}', '1') ->> 'ssn', (doc || '{}') -> 'at' ->> 'street' FROM papers
--
UPDATE papers SET doc = doc || '{"q": 1}' RETURNING doc ->> 'ssn', doc
--
UPDATE papers SET raw = doc
--
UPDATE papers SET doc = jsonb_build_object('free', doc -> 'ssn') RETURNING 1
--
UPDATE papers SET doc['free'] = doc['ssn']
--
UPDATE papers SET doc['free'] = doc -> 'ssn'
--
UPDATE papers SET doc = jsonb_set(doc, '{free}', doc -> 'ssn')
--
UPDATE papers SET doc = doc #- '{free}' || '{"k": 2}'
--
UPDATE papers SET doc = jsonb_set('{}', '{free}', doc)
--
UPDATE papers SET doc = '{"x": 1}' || doc
--
SELECT doc FROM papers
## search path by role
CREATE SCHEMA bob
--
CREATE VIEW bob.orders AS SELECT reverse(ssn) AS item, id FROM people
--
CREATE ROLE bob SUPERUSER
--
PREPARE so AS SELECT upper(item) FROM orders
--
EXECUTE so
--
SET LOCAL ROLE bob
--
SELECT upper(item) FROM orders
--
EXECUTE so
--
DEALLOCATE so
## search path prepared
CREATE VIEW app.orders AS SELECT reverse(ssn) AS item, id FROM people
--
PREPARE so AS SELECT upper(item) FROM orders
--
SET LOCAL search_path = app, public
--
EXECUTE so
--
SELECT upper(item) FROM orders
--
DEALLOCATE so
## temp view shadows
PREPARE so AS SELECT upper(item) FROM orders
--
CREATE TEMP VIEW orders AS SELECT reverse(ssn) AS item FROM people
--
EXECUTE so
--
SELECT upper(item) FROM orders
--
DEALLOCATE so
## view replaced and taken back
CREATE VIEW w AS SELECT reverse(ssn) AS x FROM people
--
PREPARE so AS SELECT upper(x) FROM w
--
SAVEPOINT a
--
CREATE OR REPLACE VIEW w AS SELECT name AS x FROM people
--
SELECT upper(x) FROM w
--
EXECUTE so
--
ROLLBACK TO a
--
SELECT upper(x) FROM w
--
EXECUTE so
--
DEALLOCATE so
## overloaded default
CREATE FUNCTION dd() RETURNS text LANGUAGE sql AS 'SELECT max(ssn) FROM people'
--
CREATE FUNCTION dd(int) RETURNS text LANGUAGE sql AS 'SELECT NULL::text'
--
CREATE TABLE tt (id int, w text DEFAULT dd())
--
INSERT INTO tt (id) VALUES (1)
--
SELECT w FROM tt
## dynamic default
CREATE FUNCTION dd() RETURNS text LANGUAGE plpgsql AS $$ DECLARE x text; BEGIN EXECUTE 'SELECT max(ssn) FROM peo' || 'ple' INTO x; RETURN x; END $$
--
CREATE TABLE tt (id int, w text DEFAULT dd())
--
INSERT INTO tt (id) VALUES (1)
--
SELECT w FROM tt
## dynamic generated
CREATE FUNCTION dd(int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ DECLARE x text; BEGIN EXECUTE 'SELECT max(ssn) FROM peo' || 'ple' INTO x; RETURN x; END $$
--
CREATE TABLE tt (id int, w text GENERATED ALWAYS AS (dd(id)) STORED)
--
INSERT INTO tt (id) VALUES (1)
--
SELECT w FROM tt
## type in code
CREATE FUNCTION spy(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.hoard (id, what) VALUES (hashtext($1), reverse($1)); RETURN true; END $$
--
CREATE DOMAIN sd AS text CHECK (spy(VALUE))
--
CREATE FUNCTION viad(text) RETURNS int LANGUAGE plpgsql AS $$ DECLARE x sd; BEGIN x := $1; RETURN 1; END $$
--
SELECT viad(ssn) FROM people
--
SELECT what FROM hoard
## domain by json_populate_record
CREATE FUNCTION spy(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN IF $1 IS NOT NULL THEN INSERT INTO public.hoard (id, what) VALUES (hashtext($1), reverse($1)); END IF; RETURN true; END $$
--
CREATE DOMAIN sd AS text CHECK (spy(VALUE))
--
CREATE TABLE tsd (d sd)
--
CREATE TYPE csd AS (d sd)
--
SELECT json_populate_record(NULL::csd, json_build_object('d', ssn)) FROM people
--
SELECT json_populate_record(NULL::tsd, json_build_object('d', ssn)) FROM people
--
SELECT count(json_populate_record(t, json_build_object('d', ssn))) FROM people LEFT JOIN tsd t ON true
--
SELECT * FROM people, json_to_record(json_build_object('d', ssn)) AS x(d sd)
--
SELECT count(x.d) FROM people, XMLTABLE('/' PASSING xmlelement(name a, ssn) COLUMNS d sd PATH '.') x
--
SELECT count(x.d) FROM people, JSON_TABLE(to_jsonb(ssn), '$' COLUMNS (d sd PATH '$')) x
--
SELECT count(JSON_VALUE(to_jsonb(ssn), '$' RETURNING sd)) FROM people
--
SELECT count(ARRAY[ssn]::sd[]) FROM people
--
SELECT count(CAST(ROW(ssn) AS csd)) FROM people
--
SELECT what FROM hoard
## cast function writes
CREATE TYPE mt AS (a text)
--
CREATE FUNCTION cspy(text) RETURNS mt LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.hoard (id, what) VALUES (hashtext($1), reverse($1)); RETURN ROW('x'); END $$
--
CREATE CAST (text AS mt) WITH FUNCTION cspy(text) AS IMPLICIT
--
SELECT count(ssn::mt) FROM people
--
CREATE FUNCTION takes(mt) RETURNS int LANGUAGE sql AS 'SELECT 1'
--
SELECT takes(ssn) FROM people
--
SELECT CASE WHEN true THEN ssn ELSE NULL::mt END FROM people
--
CREATE TABLE tmt (m mt)
--
CREATE FUNCTION viac(text) RETURNS int LANGUAGE plpgsql AS $$ DECLARE x tmt.m%TYPE; BEGIN x := $1; RETURN 1; END $$
--
SELECT viac(ssn) FROM people
--
SELECT what FROM hoard
## event trigger
CREATE FUNCTION et() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO hoard (id, what) SELECT id + 100, reverse(ssn) FROM people; END $$
--
CREATE EVENT TRIGGER ett ON ddl_command_end EXECUTE FUNCTION et()
--
CREATE TABLE anything (a int)
--
SELECT what FROM hoard
## event trigger replaced
CREATE FUNCTION et() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RETURN; END $$
--
CREATE EVENT TRIGGER ett ON ddl_command_end EXECUTE FUNCTION et()
--
CREATE OR REPLACE FUNCTION et() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO hoard (id, what) SELECT id + 100, reverse(ssn) FROM people; END $$
--
CREATE TABLE anything (a int)
--
SELECT what FROM hoard
## prepared of a function replaced
CREATE FUNCTION hf(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'x'; END $$
--
PREPARE ph AS SELECT hf(name) FROM people
--
CREATE OR REPLACE FUNCTION hf(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT max(ssn) FROM people); END $$
--
EXECUTE ph
--
DEALLOCATE ph
## cursor of a function replaced
CREATE FUNCTION hf(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'x'; END $$
--
DECLARE ch CURSOR FOR SELECT hf(name) FROM people
--
CREATE OR REPLACE FUNCTION hf(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT max(ssn) FROM people); END $$
--
FETCH ALL FROM ch
## cursor of a spy replaced
CREATE FUNCTION hf(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'x'; END $$
--
DECLARE ch CURSOR FOR SELECT hf(ssn) FROM people
--
CREATE OR REPLACE FUNCTION hf(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.hoard (id, what) VALUES (hashtext($1), reverse($1)); RETURN 'x'; END $$
--
FETCH ALL FROM ch
--
SELECT what FROM hoard
## prepared spy replaced
CREATE FUNCTION hf(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'x'; END $$
--
PREPARE ph AS SELECT hf(ssn) FROM people
--
CREATE OR REPLACE FUNCTION hf(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.hoard (id, what) VALUES (hashtext($1), reverse($1)); RETURN 'x'; END $$
--
EXECUTE ph
--
SELECT what FROM hoard
--
DEALLOCATE ph
## comments within DDL of code
CREATE FUNCTION tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'
--
CREATE TRIGGER t1 BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION tr()
--
DO $$ BEGIN CREATE /* a /* b */ */ OR /* */ REPLACE FUNCTION tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.name := reverse(NEW.ssn); RETURN NEW; END'; END $$
--
UPDATE people SET id = id
--
SELECT name FROM people
## debug messages
SET LOCAL client_min_messages = 'debug5'
--
SELECT steals_imm()
--
SET LOCAL debug_print_plan = on
--
SELECT steals_imm(), 'x'
--
SELECT 'a' WHERE 'x' = steals_imm()
--
SET LOCAL client_min_messages = 'log'
--
SET LOCAL log_min_duration_statement = 0
--
SET LOCAL log_min_messages = 'log'
--
SELECT same_plain(ssn) FROM people
--
SET LOCAL debug_print_plan = on
--
SELECT 1 FROM people WHERE ssn = 'x'
--
LOAD 'auto_explain'
--
SET LOCAL auto_explain.log_min_duration = 0
--
SET LOCAL auto_explain.log_nested_statements = on
--
SET LOCAL auto_explain.log_analyze = on
--
SET LOCAL auto_explain.log_verbose = on
--
SELECT steals_imm()
--
SELECT f_ssn(2)
--
SELECT max(id) FROM orders
## sql function returns cursor fetch
CREATE FUNCTION curs() RETURNS refcursor LANGUAGE plpgsql AS $$ DECLARE c refcursor := 'zz'; BEGIN OPEN c FOR SELECT reverse(ssn) FROM people; RETURN c; END $$
--
SELECT curs()
--
FETCH ALL FROM zz
--
MOVE BACKWARD ALL IN zz
--
FETCH ALL IN "zz"
## copy to catalog
COPY pg_description FROM PROGRAM 'echo'
--
INSERT INTO pg_description VALUES (1,1,1,'x')
--
DELETE FROM pg_inherits
--
DO $$ BEGIN UPDATE pg_attribute SET attname = 'xx' WHERE attrelid = 'people'::regclass AND attname = 'ssn'; END $$
--
SELECT xx FROM people
## reindex caught
CREATE FUNCTION gz(text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN IF current_setting('a.b', true) = 'on' THEN RETURN $1::int; END IF; RETURN 0; END $$
--
CREATE INDEX gzi ON people (gz(ssn))
--
SET LOCAL a.b = 'on'
--
CREATE FUNCTION caught() RETURNS text LANGUAGE plpgsql AS $$ BEGIN REINDEX INDEX gzi; RETURN 'no'; EXCEPTION WHEN OTHERS THEN RETURN SQLERRM; END $$
--
SELECT caught()
--
CREATE FUNCTION caught2() RETURNS text LANGUAGE plpgsql AS $$ BEGIN ANALYZE; RETURN 'no'; EXCEPTION WHEN OTHERS THEN RETURN SQLERRM; END $$
--
SELECT caught2()
## fetch forms
DECLARE mine CURSOR FOR SELECT ssn FROM people
--
CREATE FUNCTION f1() RETURNS text LANGUAGE plpgsql AS $$ DECLARE c CURSOR FOR SELECT 1; x text; BEGIN SELECT 'mine' INTO -- open
 c; FETCH c INTO x; RETURN x; END $$
--
SELECT f1()
--
CREATE FUNCTION f2() RETURNS text LANGUAGE plpgsql AS $$ DECLARE c CURSOR FOR SELECT 1; d ALIAS FOR c; x text; BEGIN d := 'mine'; FETCH c INTO x; RETURN x; END $$
--
SELECT f2()
--
CREATE FUNCTION f3() RETURNS text LANGUAGE plpgsql AS $$ <<l>> DECLARE c CURSOR FOR SELECT 1; x text; BEGIN l.c = 'mine'; FETCH NEXT FROM c INTO x; RETURN x; END $$
--
SELECT f3()
--
CREATE FUNCTION f4() RETURNS text LANGUAGE plpgsql AS $$ DECLARE "c" CURSOR FOR SELECT 1; x text; BEGIN C := 'mine'; FETCH c INTO x; RETURN x; END $$
--
SELECT f4()
--
CREATE FUNCTION f5() RETURNS text LANGUAGE plpgsql AS $$ DECLARE c CURSOR FOR SELECT 1; x text; BEGIN FOR c IN SELECT 'mine' LOOP FETCH c INTO x; RETURN x; END LOOP; END $$
--
SELECT f5()
--
CREATE FUNCTION f6() RETURNS text LANGUAGE plpgsql AS $$ DECLARE c CURSOR FOR SELECT 1; x text; BEGIN SELECT 1, 'mine' INTO x, c; FETCH c INTO x; RETURN x; END $$
--
SELECT f6()
--
CREATE FUNCTION f7() RETURNS text LANGUAGE plpgsql AS $$ DECLARE c CURSOR FOR SELECT 'fine'; x text; BEGIN OPEN c; FETCH c INTO x; CLOSE c; RETURN x; END $$
--
SELECT f7()
--
CREATE FUNCTION f8() RETURNS text LANGUAGE plpgsql AS $$ DECLARE c CURSOR FOR SELECT name FROM people ORDER BY id FETCH FIRST 2 ROWS ONLY; x text; BEGIN OPEN c; LOOP FETCH c INTO x; EXIT WHEN NOT FOUND; END LOOP; CLOSE c; RETURN 'fine too'; END $$
--
SELECT f8()
## statements about sets
SELECT string_agg(chr(g), '' ORDER BY i) FROM generate_series(1,12) i, generate_series(97,122) g WHERE (i, chr(g)) IN (SELECT n, substr(ssn,n,1) FROM people, generate_series(1,12) n WHERE id = 2)
--
WITH x AS MATERIALIZED (SELECT i, g, chr(g) = substr(ssn,i,1) AS ok FROM people, generate_series(1,12) i, generate_series(97,122) g WHERE id = 2) SELECT string_agg(chr(g), '' ORDER BY i) FROM x WHERE ok
--
SELECT string_agg(chr(g), '' ORDER BY i) FROM generate_series(1,12) i, generate_series(97,122) g JOIN people p ON p.id = 2 CROSS JOIN LATERAL unnest(CASE WHEN position(chr(g) in p.ssn) = i THEN ARRAY[1] END) u
--
SELECT string_agg(chr(g), '' ORDER BY i) FROM generate_series(1,12) i CROSS JOIN generate_series(97,122) g JOIN people p ON p.id = 2 LEFT JOIN LATERAL (SELECT 1 AS hit WHERE chr(g) = substr(p.ssn,i,1)) u ON true WHERE u.hit IS NOT NULL
--
SELECT string_agg(chr(g), '' ORDER BY i) FROM generate_series(1,12) i, generate_series(97,122) g, people p, LATERAL (SELECT 1 GROUP BY 1 HAVING chr(g) = substr(p.ssn,i,1)) u WHERE p.id = 2
--
SELECT string_agg(chr(g), '' ORDER BY i) FROM generate_series(1,12) i, generate_series(97,122) g, people p, LATERAL (VALUES (1) EXCEPT SELECT ascii(chr(g)) - ascii(substr(p.ssn,i,1)) + 1 WHERE false) u WHERE p.id = 2 AND chr(g) >= substr(p.ssn,i,1) AND chr(g) <= substr(p.ssn,i,1)
--
SELECT max(chr(g)) FILTER (WHERE chr(g) = substr(p.ssn,1,1)) OVER () FROM people p, generate_series(97,122) g
--
SELECT string_agg(chr(g), '' ORDER BY i) FROM people p, generate_series(1,12) i, generate_series(97,122) g, string_to_table(CASE WHEN chr(g) = substr(p.ssn,i,1) THEN 'a' END, ',') z WHERE p.id = 2
--
SELECT string_agg(c, '' ORDER BY i) FROM (SELECT i, chr(g) AS c, unnest(CASE WHEN chr(g) = substr(ssn,i,1) THEN ARRAY[1] END) FROM people, generate_series(1,12) i, generate_series(97,122) g WHERE id = 2) s
--
SELECT string_agg(c, '' ORDER BY i) FROM (SELECT i, chr(g) AS c, count(*) FROM people, generate_series(1,12) i, generate_series(97,122) g WHERE id = 2 GROUP BY i, g, ssn HAVING chr(g) = substr(ssn,i,1)) s
--
SELECT string_agg(c, '' ORDER BY i) FROM (SELECT DISTINCT ON (i) i, chr(g) AS c FROM people, generate_series(1,12) i, generate_series(97,122) g WHERE id = 2 ORDER BY i, abs(g - ascii(substr(ssn,i,1)))) s
--
SELECT string_agg(c, '' ORDER BY i) FROM (SELECT i, first_value(chr(g)) OVER (PARTITION BY i ORDER BY abs(g - ascii(substr(ssn,i,1)))) AS c, g FROM people, generate_series(1,12) i, generate_series(97,122) g WHERE id = 2) s WHERE g = 97
--
SELECT string_agg(c, '' ORDER BY i) FROM (SELECT i, (SELECT chr(g) FROM generate_series(97,122) g ORDER BY abs(g - ascii(substr(ssn,i,1))) LIMIT 1) AS c FROM people, generate_series(1,12) i WHERE id = 2) s
--
SELECT string_agg(c, '' ORDER BY i) FROM (SELECT i, (SELECT chr(g) FROM generate_series(97,122) g OFFSET ascii(substr(ssn,i,1)) - 97 LIMIT 1) AS c FROM people, generate_series(1,12) i WHERE id = 2) s
--
SELECT string_agg(c, '' ORDER BY i) FROM (SELECT i, (ARRAY(SELECT chr(g) FROM generate_series(97,122) g))[ascii(substr(ssn,i,1)) - 96] AS c FROM people, generate_series(1,12) i WHERE id = 2) s
--
MERGE INTO hoard h USING (SELECT i, g FROM people, generate_series(1,12) i, generate_series(97,122) g, regexp_matches(substr(ssn,i,1), chr(g)) m WHERE people.id = 2) s ON h.id = -1 WHEN NOT MATCHED THEN INSERT (id, what) VALUES (1000 + s.i, s.i || chr(s.g))
--
INSERT INTO hoard (id, what) SELECT 1000 + i, i || chr(g) FROM people, generate_series(1,12) i, generate_series(97,122) g, regexp_matches(substr(ssn,i,1), chr(g)) m WHERE people.id = 2
--
UPDATE orders SET note = note || chr(g) FROM people p, generate_series(97,122) g, regexp_matches(substr(ssn,1,1), chr(g)) m WHERE p.id = 2 RETURNING g
--
DELETE FROM orders USING people p, generate_series(97,122) g, regexp_matches(substr(ssn,1,1), chr(g)) m WHERE p.id = 2 RETURNING chr(g)
## a parameter that does not count
PREPARE vv (void) AS SELECT ts_rewrite($1, 'a'::tsquery, 'SELECT ''a''::tsquery, plainto_tsquery(''simple'', ssn) FROM people WHERE id = 2')
--
EXECUTE vv (NULL)
--
PREPARE vw AS SELECT void_out($1), ts_rewrite($1, 'a'::tsquery, 'SELECT ''a''::tsquery, plainto_tsquery(''simple'', ssn) FROM people WHERE id = 2')
--
EXECUTE vw (NULL)
--
PREPARE vx AS SELECT ts_rewrite($1::void, 'a'::tsquery, 'SELECT ''a''::tsquery, plainto_tsquery(''simple'', ssn) FROM people WHERE id = 2')
--
EXECUTE vx (NULL)
--
DEALLOCATE ALL
## a materialised view of a function replaced
CREATE FUNCTION spy2(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RETURN true; END $$
--
CREATE MATERIALIZED VIEW mspy AS SELECT id FROM people WHERE spy2(ssn)
--
CREATE OR REPLACE FUNCTION spy2(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.hoard (id, what) VALUES (hashtext($1), reverse($1)); RETURN true; END $$
--
REFRESH MATERIALIZED VIEW mspy
--
SELECT what FROM hoard
## a constraint that is checked later
CREATE FUNCTION spy2(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RETURN true; END $$
--
ALTER TABLE people ADD CONSTRAINT cspy CHECK (spy2(ssn)) NOT VALID
--
CREATE OR REPLACE FUNCTION spy2(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.hoard (id, what) VALUES (hashtext($1), reverse($1)); RETURN true; END $$
--
ALTER TABLE people VALIDATE CONSTRAINT cspy
--
ALTER TABLE people ALTER COLUMN name TYPE varchar(100)
--
SELECT what FROM hoard
## a table that is tended
CREATE FUNCTION spy2(text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN true; END $$
--
CREATE INDEX ixspy ON people (spy2(ssn))
--
CREATE OR REPLACE FUNCTION spy2(text) RETURNS bool LANGUAGE plpgsql VOLATILE AS $$ BEGIN INSERT INTO public.hoard (id, what) VALUES (hashtext($1), reverse($1)); RETURN true; END $$
--
CLUSTER people USING people_pkey
--
ANALYZE people
--
ANALYZE
--
REINDEX TABLE people
--
REINDEX INDEX ixspy
--
SELECT what FROM hoard
