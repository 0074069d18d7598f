Statements that look like ways out and are none: nothing of them is refused or hidden.

## fine things
CREATE TABLE audit (at timestamptz DEFAULT now(), what text, old jsonb)
--
CREATE FUNCTION f7() RETURNS text LANGUAGE plpgsql AS $$ DECLARE c CURSOR FOR SELECT 'fine'; x text; BEGIN OPEN c; FETCH c INTO x; CLOSE c; RETURN x; END $$
--
SELECT f7()
--
CREATE FUNCTION f8() RETURNS text LANGUAGE plpgsql AS $$ DECLARE c CURSOR (n int) FOR SELECT name FROM orders ORDER BY id FETCH FIRST 2 ROWS ONLY; r record; BEGIN FOR r IN c(1) LOOP NULL; END LOOP; RETURN 'fine too'; END $$
--
CREATE FUNCTION f9() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  -- the cursor
  cur CURSOR FOR SELECT item FROM orders ORDER BY id;
  v text;
BEGIN
  OPEN cur;
  LOOP
    FETCH NEXT FROM cur INTO v; -- one
    EXIT WHEN NOT FOUND;
  END LOOP;
  CLOSE cur;
  RETURN 'fine as well';
END $$
--
SELECT f9()
--
CREATE DOMAIN short AS text CHECK (length(VALUE) < 50)
--
CREATE FUNCTION okay(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RETURN $1 <> ''; END $$
--
CREATE DOMAIN checked_text AS text CHECK (okay(VALUE))
--
CREATE TABLE dom (a short, b checked_text, comment text, label text)
--
INSERT INTO dom VALUES ('a', 'b', 'c', 'd') RETURNING *
--
SELECT a, b, comment, label FROM dom, people WHERE people.id = 1
--
CREATE VIEW dv AS SELECT comment, label, id FROM dom, people
--
CREATE FUNCTION com() RETURNS text LANGUAGE sql AS 'SELECT max(comment) FROM dom d JOIN orders o ON true WHERE d.label IS NOT NULL -- the comment on it'
--
SELECT com()
--
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'changed'; RETURN NEW; END $$
--
CREATE TRIGGER touches BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch()
--
CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'changed again'; RETURN NEW; END $$
--
UPDATE orders SET total = total + 1 WHERE id = 1 RETURNING note
--
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_type WHERE typname = 'state') THEN CREATE TYPE state AS ENUM ('on'); END IF; END $$
--
DO $$ BEGIN ALTER TABLE orders ADD COLUMN extra text; EXCEPTION WHEN duplicate_column THEN NULL; END $$
--
CREATE OR REPLACE FUNCTION okay(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RETURN $1 <> 'x'; END $$
--
SELECT g, p.name FROM people p, generate_series(1, 2) g WHERE p.id = 1
--
SELECT g, regexp_matches(p.name, '.') FROM people p, generate_series(1, 2) g WHERE p.id = 1
--
SELECT p.id, u FROM people p, unnest(ARRAY[1,2]) u, LATERAL (SELECT 1 LIMIT p.id) x WHERE p.id = 1
--
SELECT CASE WHEN true THEN 'a' ELSE 'b' END || 'c', COALESCE('a', 'b') || 'x', 'abc' LIKE 'a%'
