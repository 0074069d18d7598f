import type { Client } from 'pg';

/** What no client may ever see in clear, in no part of an answer. */
export const canaries: readonly string[] = [
  '421-33-9087',
  '4556737586899855',
  'helena.quarles',
  '+1-202-555-0173',
];

/** A shop with every way to do more than a statement says. The gateway's role may do all of it: only the policy stands between. */
export const shop: string = `
CREATE TABLE customers (id serial PRIMARY KEY, name text, email text UNIQUE, phone text, ssn text, card text, notes text, city text, created_at timestamptz DEFAULT now());
CREATE TABLE orders (id serial PRIMARY KEY, customer_id int REFERENCES customers ON DELETE CASCADE, status text, total numeric, created_at timestamptz DEFAULT now());
CREATE TABLE payments (id serial PRIMARY KEY, order_id int REFERENCES orders ON DELETE CASCADE, amount numeric, method text);
CREATE TABLE audit (id serial PRIMARY KEY, note text);
INSERT INTO customers (name, email, phone, ssn, card, notes, city)
  SELECT 'Helena Quarles', 'helena.quarles' || g || '@corp.example', '+1-202-555-0173', '421-33-9087', '4556737586899855',
    'called about 421-33-9087', 'Lisbon' FROM generate_series(1, 5) AS g;
INSERT INTO orders (customer_id, status, total) SELECT 1 + g % 5, 'paid', g FROM generate_series(1, 10) AS g;
INSERT INTO payments (order_id, amount, method) SELECT 1 + g % 10, g, 'card' FROM generate_series(1, 10) AS g;
CREATE SCHEMA app;
CREATE SCHEMA evil;
CREATE TABLE evil.orders AS SELECT id, ssn AS status FROM customers;
CREATE FUNCTION app.innocent() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.payments; RETURN 1; END $$;
CREATE FUNCTION app.fixed(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM app.innocent(); RETURN 1; END $$;
CREATE FUNCTION app.leak(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', (SELECT ssn FROM public.customers LIMIT 1); RETURN $1; END $$;
CREATE FUNCTION app.compare(int, int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.payments; RETURN true; END $$;
CREATE OPERATOR app.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = app.compare);
CREATE PROCEDURE app.purge() LANGUAGE sql AS 'DELETE FROM public.customers';
CREATE DOMAIN app.checked AS int CHECK (app.fixed(VALUE) = 1);
CREATE VIEW app.renamed AS SELECT id, ssn AS code, email AS contact FROM customers;
CREATE VIEW app.busy AS SELECT id, app.innocent() AS n FROM orders;
CREATE TABLE app.triggered (id int);
CREATE FUNCTION app.on_insert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.payments; RETURN NEW; END $$;
CREATE TRIGGER t AFTER INSERT ON app.triggered FOR EACH ROW EXECUTE FUNCTION app.on_insert();
CREATE TABLE "CUSTOMERS" (id int);
CREATE FUNCTION evil.lower(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM app.innocent(); RETURN 'x'; END $$;
GRANT ALL ON SCHEMA public, app, evil TO gateway;
GRANT ALL ON ALL TABLES IN SCHEMA public, app, evil TO gateway;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO gateway;
GRANT CREATE, TEMP ON DATABASE shop TO gateway;
ANALYZE;
`;

export interface Digest {
  readonly rows: string;
  readonly objects: string;
}

/** Of all rows and all definitions: equal before and after what was refused. */
export async function digest(client: Client): Promise<Digest> {
  const { rows } = await client.query<Digest>(`
    SELECT (SELECT md5(concat((SELECT string_agg(c::text, '|' ORDER BY id) FROM customers c), (SELECT string_agg(o::text, '|' ORDER BY id) FROM orders o),
        (SELECT string_agg(p::text, '|' ORDER BY id) FROM payments p), (SELECT count(*) FROM audit), (SELECT count(*) FROM app.triggered)))) AS rows,
      (SELECT md5(string_agg(concat(oid, relname, relkind, relowner, relacl), '|' ORDER BY oid)) FROM pg_class WHERE relpersistence <> 't' AND relnamespace <> 'pg_toast'::regnamespace) AS objects`);
  const [found] = rows;
  if (found === undefined) throw new Error('No digest');
  return found;
}
