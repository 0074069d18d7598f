import { planted, schema as lineageSchema } from '../lineage/schema.ts';
import type { Secret } from './secrets.ts';

/** Names of columns with a tag for the resource `shop`, as in policy/schema.yaml. */
const tagged: ReadonlySet<string> = new Set(
  `public.people.ssn public.people.email public.people.card public.people.cards public.people.pay public.people.pin
  public.people.home public.people.doc public.people.page public.people.secret public.guess.ssn app.people.ssn
  public.mother.tale public.parts.what`.split(/\s+/),
);

interface Person {
  readonly ssn: string;
  readonly email: string;
  readonly card: string;
}

// Letters and digits that no detector knows, beside some that it does: the lineage must not lean on detectors.
const persons: readonly Person[] = [
  { ssn: '742-58-6193', email: 'wqzkfrtpgh@kept.example', card: '4539578763621486' },
  { ssn: 'gbvzxqwpklmt', email: 'nxvbtzqwrk@kept.example', card: '8273645192837465' },
  { ssn: 'rkzjqvhwtxnp', email: 'jpzvqkwhtb@kept.example', card: 'zpwqmxvkrtgh' },
];

function peopleAgain(): readonly string[] {
  return persons.flatMap(({ ssn, email, card }, at) => [
    `UPDATE people SET ssn = '${ssn}', email = '${email}', card = '${card}' WHERE id = ${at + 1}`,
    `UPDATE guess SET ssn = '${ssn}' WHERE id = ${at + 1}`,
  ]);
}

export const secrets: readonly Secret[] = [
  ...planted()
    .markers.map(({ object, column, text }) => ({ column: `${object}.${column}`, text }))
    .filter(
      ({ column }) => tagged.has(column) && !/people\.(?:ssn|email|card)$/.test(column.replace('app.', '')),
    )
    .filter(({ column }) => column !== 'public.guess.ssn'),
  ...planted()
    .markers.filter(({ object, column }) => object === 'app.people' && column === 'ssn')
    .map(({ text }) => ({ column: 'app.people.ssn', text })),
  ...persons.flatMap(({ ssn, email, card }): readonly Secret[] => [
    { column: 'public.people.ssn', text: ssn },
    { column: 'public.people.email', text: email, kept: email.slice(email.indexOf('@')) },
    { column: 'public.people.card', text: card },
  ]),
];

/** The database of test/lineage with values in people that look like what they are called, and ways out of the server. */
export const statements: readonly string[] = [
  lineageSchema,
  ...planted().statements,
  ...peopleAgain(),
  extras(),
];

function extras(): string {
  return `
  REFRESH MATERIALIZED VIEW mp;
  -- With it whatever holds an integer may run code.
  DROP CAST (int AS app.mood);
  CREATE TABLE checked (a text CHECK (length(a) < 3), n int UNIQUE, day date);
  CREATE TABLE hoard (id int PRIMARY KEY, what text UNIQUE, amount int8, kept bytea, doc jsonb, names text[]);
  INSERT INTO hoard VALUES (1, 'plain', 7, 'x', '{"a": "b"}', '{a,b}');
  CREATE TABLE papers (id int PRIMARY KEY, doc jsonb, raw json);
  INSERT INTO papers SELECT 1, '{"ssn": "gbvzxqwpklmt", "at": {"city": "Bern", "street": ["rkzjqvhwtxnp", 7]}, "free": [1, {"ssn": "no path"}]}';
  CREATE VIEW paper_view AS SELECT id, doc AS d, doc ->> 'ssn' AS s FROM papers;
  CREATE FUNCTION loudly(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'saw %', $1 USING DETAIL = $1, HINT = reverse($1); RETURN 'ok'; END $$;
  CREATE FUNCTION fails(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not %', $1 USING DETAIL = $1, ERRCODE = 'P0001', COLUMN = $1, CONSTRAINT = $1, TABLE = $1; END $$;
  CREATE FUNCTION asserts(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN ASSERT false, $1; END $$;
  CREATE FUNCTION same_sql(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
  CREATE FUNCTION same_plain(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
  CREATE FUNCTION twice(text) RETURNS text LANGUAGE sql IMMUTABLE RETURN $1 || $1;
  CREATE FUNCTION steals() RETURNS text LANGUAGE sql STABLE AS 'SELECT max(ssn) FROM people';
  -- What is declared immutable the planner runs, and DDL keeps what it gave.
  CREATE FUNCTION steals_imm() RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN (SELECT max(ssn) FROM people); END $$;
  CREATE DOMAIN lazy AS text DEFAULT steals_imm();
  CREATE FUNCTION steals_new() RETURNS text LANGUAGE sql STABLE RETURN (SELECT max(reverse(ssn)) FROM people);
  CREATE FUNCTION dynamic(text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE $1; END $$;
  CREATE PROCEDURE tells(INOUT a text) LANGUAGE plpgsql AS $$ BEGIN SELECT max(ssn) INTO a FROM people; END $$;
  CREATE FUNCTION copies() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.what := (SELECT max(ssn) FROM people); RETURN NEW; END $$;
  CREATE TABLE sprung (id int, what text);
  CREATE TRIGGER springs BEFORE INSERT ON sprung FOR EACH ROW EXECUTE FUNCTION copies();
  CREATE VIEW told AS SELECT id, reverse(ssn) AS r, encode(convert_to(ssn, 'UTF8'), 'base64') AS b, to_jsonb(p) AS j FROM people p;
  CREATE MATERIALIZED VIEW mtold AS SELECT * FROM told;
  CREATE VIEW stolen AS SELECT steals() AS a, f_ssn(1) AS b;
  ANALYZE;
  `;
}
