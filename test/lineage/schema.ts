/** A database with one of everything that lineage must see through. Every text, number and date in it is a marker: it stands in one column of one table only. */
export const schema = `
  CREATE EXTENSION IF NOT EXISTS pgcrypto;
  CREATE EXTENSION IF NOT EXISTS pg_trgm;
  CREATE SCHEMA app;
  CREATE TYPE app.address AS (street text, city text);
  CREATE DOMAIN app.word AS text CHECK (length(VALUE) < 100);
  CREATE TYPE app.mood AS ENUM ('happymarker', 'sadlymarker');
  CREATE TABLE people (
    id int PRIMARY KEY, name text NOT NULL, ssn text UNIQUE, email varchar(80), card text, cards text[], born date,
    pay numeric, pin int8, home app.address, doc jsonb, page xml, nick app.word, secret bytea,
    loud text GENERATED ALWAYS AS (upper(ssn)) STORED);
  CREATE TABLE orders (id int PRIMARY KEY, person int REFERENCES people, item text, note text, total int8, mood app.mood);
  CREATE TABLE guess (ssn text, name text, id int);
  CREATE TABLE notes (id serial, body text, who people);
  CREATE TABLE mother (id int, tale text);
  CREATE TABLE daughter (own text) INHERITS (mother);
  CREATE TABLE parts (id int, what text) PARTITION BY RANGE (id);
  CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (100);
  CREATE TABLE "Odd ""T" ("Sp ace" text, "select" text);
  CREATE TABLE app.people (id int, ssn text, other text);
  CREATE VIEW vp AS SELECT id, ssn AS national_id, name FROM people;
  CREATE VIEW vv AS SELECT national_id || '-' || name AS both_of, national_id AS nid, count(*) OVER () AS n FROM vp;
  CREATE VIEW star AS SELECT p.*, o.item FROM people p LEFT JOIN orders o ON o.person = p.id;
  CREATE MATERIALIZED VIEW mp AS SELECT ssn AS m_ssn, email AS m_email, id FROM people;
  CREATE VIEW merged AS SELECT ssn, people.name, guess.name AS gname FROM people JOIN guess USING (ssn);
  CREATE VIEW united AS SELECT ssn AS u FROM people UNION ALL SELECT item FROM orders;
  CREATE VIEW deep AS WITH RECURSIVE r AS (SELECT id, ssn, 1 AS n FROM people UNION ALL SELECT id, ssn, n + 1 FROM r WHERE n < 2) SELECT * FROM r;
  CREATE FUNCTION f_ssn(int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT ssn FROM people WHERE id = $1); END $$;
  CREATE FUNCTION f_people() RETURNS SETOF people LANGUAGE sql AS 'SELECT * FROM people';
  CREATE FUNCTION f_table(int) RETURNS TABLE (a int, b text) LANGUAGE sql AS 'SELECT id, ssn FROM people WHERE id = $1';
  CREATE FUNCTION f_out(OUT x int, OUT y text) LANGUAGE sql AS $$ SELECT 1, 'y'::text $$;
  CREATE FUNCTION f_record() RETURNS SETOF record LANGUAGE sql AS 'SELECT id, ssn FROM people';
  CREATE FUNCTION app.spy(text, text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RETURN true; END $$;
  CREATE OPERATOR app.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = app.spy);
  CREATE FUNCTION app.add(text, text) RETURNS text LANGUAGE sql AS $$ SELECT coalesce($1, '') || $2 $$;
  CREATE AGGREGATE app.glue (text) (SFUNC = app.add, STYPE = text);
  CREATE AGGREGATE app.longest (text) (SFUNC = text_larger, STYPE = text);
  CREATE FUNCTION age(people) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION app.to_mood(int) RETURNS app.mood LANGUAGE plpgsql AS $$ BEGIN RETURN 'happymarker'; END $$;
  CREATE CAST (int AS app.mood) WITH FUNCTION app.to_mood(int);
  CREATE PROCEDURE p_quiet(int) LANGUAGE sql AS 'SELECT 1';
  CREATE PROCEDURE p_loud(INOUT a int) LANGUAGE sql AS 'SELECT 1';
  CREATE SEQUENCE counter;
  CREATE TABLE ruled (a text);
  CREATE RULE also AS ON INSERT TO ruled DO ALSO SELECT ssn FROM people;
  CREATE VIEW simple AS SELECT id, ssn, name FROM people;
  CREATE FOREIGN DATA WRAPPER nothing;
  CREATE SERVER far FOREIGN DATA WRAPPER nothing;
  CREATE FOREIGN TABLE far_people (id int, ssn text) SERVER far;
`;

/** Text, numbers, dates and so on that stand nowhere else: by table and column. */
export interface Marker {
  readonly object: string;
  readonly column: string;
  readonly text: string;
}

/** Statements that fill the tables, and the markers they plant. The same every time. */
export function planted(): { readonly statements: readonly string[]; readonly markers: readonly Marker[] } {
  const next = generator(20_240_611);
  const markers: Marker[] = [];
  const mark = (object: string, column: string, text: string): string => {
    markers.push({ object, column, text });
    return text;
  };
  const word = (object: string, column: string): string => {
    const letters = Array.from({ length: 12 }, () => 'bcdfghjklmnpqrstvwxz'[Math.floor(next() * 20)] ?? 'b');
    return mark(object, column, letters.join(''));
  };
  const number = (object: string, column: string): string =>
    mark(object, column, String(Math.floor(100_000_000 + next() * 899_999_999)));
  const statements: string[] = [];
  const p = 'public.people';
  for (let id = 1; id <= 3; id++) {
    const w = (column: string): string => word(p, column);
    statements.push(
      `INSERT INTO people VALUES (${id}, '${w('name')}', '${w('ssn')}', '${w('email')}', '${w('card')}',
        ARRAY['${w('cards')}', '${w('cards')}'], '19${50 + id}-06-0${id}', ${number(p, 'pay')}, ${number(p, 'pin')},
        ROW('${w('home')}', '${w('home')}'), '{"k": "${w('doc')}", "n": [1, {"in": "${w('doc')}"}]}',
        '<a b="${w('page')}">${w('page')}</a>', '${w('nick')}', '${w('secret')}')`,
      `INSERT INTO orders VALUES (${id}, ${id}, '${word('public.orders', 'item')}', '${word('public.orders', 'note')}',
        ${number('public.orders', 'total')}, 'happymarker')`,
      `INSERT INTO app.people VALUES (${id}, '${word('app.people', 'ssn')}', '${word('app.people', 'other')}')`,
      `INSERT INTO mother VALUES (${id}, '${word('public.mother', 'tale')}')`,
      `INSERT INTO daughter VALUES (${id}, '${word('public.mother', 'tale')}', '${word('public.daughter', 'own')}')`,
      `INSERT INTO parts VALUES (${id}, '${word('public.parts', 'what')}')`,
      `INSERT INTO "Odd ""T" VALUES ('${word('public."Odd ""T"', 'Sp ace')}', '${word('public."Odd ""T"', 'select')}')`,
    );
  }
  // What is guessed right is the same value: it belongs to both tables, and counts as the guess.
  statements.push(
    `INSERT INTO guess SELECT ssn, '${word('public.guess', 'name')}', id FROM people`,
    `INSERT INTO notes (body, who) SELECT '${word('public.notes', 'body')}', NULL`,
    'REFRESH MATERIALIZED VIEW mp',
    'ANALYZE',
  );
  return { statements, markers };
}

/** Numbers between 0 and 1 that are the same for the same seed (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
