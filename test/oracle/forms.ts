import type { Rules } from './expressions.ts';
import type { Form } from './form.ts';
import { dataForms } from './forms-data.ts';
import { schemaForms } from './forms-schema.ts';
import { serverForms } from './forms-server.ts';

/** Small parts of the definitions below. */
export const parts: Rules = {
  type: [
    'int',
    'text',
    'app.mood',
    'app.checked',
    'app.deep',
    'numeric(5, 2)',
    'int[]',
    'app.pair',
    'varchar(10)',
    'app.w_range',
    'bool',
  ],
  column: [
    'a int',
    'a int, b text',
    'id serial PRIMARY KEY, a int DEFAULT 1',
    'a int CHECK (a > {cint})',
    'a int DEFAULT {cint}',
    'a int, UNIQUE (a)',
    'a app.checked',
    'a int REFERENCES app.quiet',
    'a int GENERATED ALWAYS AS IDENTITY',
    'a int, g int GENERATED ALWAYS AS (a + 1) STORED',
  ],
  base: [
    'app.logs',
    'app.quiet',
    'app.orders',
    'app.archive',
    'app.indexed',
    'app.unlogged',
    'app."Mixed Case"',
    'public.shop',
    'app.row_trigger',
    'app.parts_low',
    'app.mother',
  ],
  alter: [
    'ADD COLUMN z int',
    'ADD z int DEFAULT {cint}',
    'DROP COLUMN b',
    'ALTER COLUMN a SET DEFAULT {cint}',
    'ALTER a DROP DEFAULT',
    'ALTER a TYPE text USING (app.w_text(a::text))',
    'ALTER a TYPE bigint',
    'ALTER a SET STATISTICS 10',
    'ALTER t SET STORAGE EXTERNAL',
    'ADD CHECK (a > -100) NOT VALID',
    'ADD CONSTRAINT fresh CHECK (app.w_immbool(a))',
    'RENAME COLUMN a TO z',
    'RENAME TO fresh',
    'SET SCHEMA public',
    'OWNER TO app_other',
    'DISABLE TRIGGER ALL',
    'ENABLE ROW LEVEL SECURITY',
    'FORCE ROW LEVEL SECURITY',
    'SET (fillfactor = 50)',
    'RESET (fillfactor)',
    'SET UNLOGGED',
    'SET WITHOUT CLUSTER',
    'REPLICA IDENTITY FULL',
    'ALTER a SET NOT NULL',
    'ADD COLUMN z int GENERATED ALWAYS AS (app.w_imm(a)) STORED',
    'INHERIT app.quiet',
    'SET TABLESPACE pg_default',
    'ADD COLUMN z int DEFAULT app.w_plain()',
  ],
};

/** Every command of PostgreSQL's reference, by the name it has there. */
export const forms: Readonly<Record<string, Form>> = { ...dataForms, ...schemaForms, ...serverForms };
