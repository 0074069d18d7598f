import { cellsOf, errorOf, type RawClient, wire } from '../e2e/harness/raw.ts';

/** What the server really did for one text. */
export type Measured =
  | { readonly kind: 'refused'; readonly code: string }
  | {
      readonly kind: 'ran';
      /** Relations with rows inserted, updated or deleted; catalogues of the server apart. */
      readonly changed: ReadonlySet<string>;
      readonly catalogues: ReadonlySet<string>;
      /** Those of them that got a new file: TRUNCATE, and whatever rewrites a table. */
      readonly emptied: ReadonlySet<string>;
      readonly sequences: ReadonlySet<string>;
      readonly settings: ReadonlySet<string>;
      /** Relations of users that were scanned. */
      readonly read: ReadonlySet<string>;
      /** Functions of users that ran (those inlined into a query are not counted by the server). */
      readonly functions: ReadonlySet<string>;
    };

/** Runs texts one after another and takes each one back. */
export interface Scale extends AsyncDisposable {
  readonly weigh: (text: string) => Promise<Measured>;
}

// What a session may set and a later statement depends on.
const settings = [
  'search_path', 'role', 'session_authorization', 'standard_conforming_strings', 'client_encoding', 'row_security', 'session_replication_role',
  'work_mem', 'application_name', 'statement_timeout', 'TimeZone', 'DateStyle', 'transaction_read_only', 'default_transaction_read_only', 'xmloption',
]; // prettier-ignore

const perTransaction = 200;

interface Watched {
  readonly oid: number;
  readonly name: string;
  readonly system: boolean;
}

interface Counters {
  readonly changes: readonly number[];
  readonly scans: readonly number[];
  readonly files: readonly string[];
  readonly calls: readonly number[];
  readonly sequences: readonly string[];
  readonly settings: readonly string[];
}

/** A scale on this connection, which nobody else uses and which ends with it. `searchPath` as a client of the gateway would have it. */
export async function scale(client: RawClient, searchPath: string): Promise<Scale> {
  await say(
    client,
    `SET search_path = ${searchPath}; SET client_min_messages = error; SET statement_timeout = '4s'; SET lock_timeout = '2s'`,
  );
  const relations = await watch(
    client,
    `SELECT c.oid, n.nspname || '.' || c.relname, n.nspname IN ('pg_catalog', 'information_schema')
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm') ORDER BY c.oid`,
  );
  const functions = await watch(
    client,
    `SELECT p.oid, n.nspname || '.' || p.proname, false FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid >= 16384 ORDER BY p.oid`,
  );
  const sequences = await watch(
    client,
    `SELECT c.oid, n.nspname || '.' || c.relname, false FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S' ORDER BY c.oid`,
  );
  const own = relations.filter((each) => !each.system);
  const measure = measurement({ relations, own, functions, sequences });
  let left = 0;
  let before: Counters | undefined;

  const look = async (): Promise<Counters> => counters((await say(client, measure)).rows[0] ?? []);
  const start = async (): Promise<void> => {
    await say(client, 'ROLLBACK; BEGIN; SAVEPOINT base');
    left = perTransaction;
    before = await look();
  };

  return {
    weigh: async (text) => {
      if (left-- <= 0 || before === undefined) await start();
      const was = before;
      const run = await say(client, `${text}\n;\nSET CONSTRAINTS ALL IMMEDIATE;${measure};ROLLBACK TO base`);
      if (run.error !== undefined || was === undefined) {
        await say(client, 'ROLLBACK TO base; DEALLOCATE ALL');
        // What was tried counts too, and what a failed text had ended is begun again.
        const after = await say(client, measure);
        if (after.error === undefined) before = counters(after.rows[0] ?? []);
        else await start();
        return { kind: 'refused', code: run.error ?? '' };
      }
      const now = counters(run.last);
      const moved = relations.filter((_, at) => now.changes[at] !== was.changes[at]);
      const emptied = own.filter((_, at) => now.files[at] !== was.files[at]);
      const rights = now.settings.some((each, at) => each !== was.settings[at]);
      // What the text did to settings and definitions was taken back with it; counts were not.
      const asBefore = !rights && !moved.some((each) => each.system);
      before = asBefore ? { ...now, settings: was.settings, files: was.files } : await look();
      return {
        kind: 'ran',
        changed: names([...moved, ...emptied].filter((each) => !each.system)),
        emptied: names(emptied),
        catalogues: names(moved.filter((each) => each.system)),
        sequences: names(sequences.filter((_, at) => now.sequences[at] !== was.sequences[at])),
        settings: new Set(settings.filter((_, at) => now.settings[at] !== was.settings[at])),
        read: names(own.filter((_, at) => now.scans[at] !== was.scans[at])),
        functions: names(functions.filter((_, at) => now.calls[at] !== was.calls[at])),
      };
    },
    [Symbol.asyncDispose]: () => {
      client.destroy();
      return Promise.resolve();
    },
  };
}

function names(watched: readonly Watched[]): ReadonlySet<string> {
  return new Set(watched.map((each) => each.name));
}

async function watch(client: RawClient, sql: string): Promise<readonly Watched[]> {
  const { rows } = await say(client, sql);
  return rows.map((row) => ({ oid: Number(row[0]), name: row[1] ?? '', system: row[2] === 't' }));
}

// One row of lists. Everything by oid and with its schema: the text before may have dropped or shadowed anything.
function measurement(all: {
  readonly relations: readonly Watched[];
  readonly own: readonly Watched[];
  readonly functions: readonly Watched[];
  readonly sequences: readonly Watched[];
}): string {
  const { relations, own, functions, sequences } = all;
  const over = (of: readonly Watched[], expression: string): string =>
    `pg_catalog.array_to_string(ARRAY(SELECT ${expression} FROM pg_catalog.unnest('{${of.map((each) => each.oid).join(',')}}'::pg_catalog.oid[]) WITH ORDINALITY AS l (o, at) ORDER BY at), ',', '-')`;
  const setting = settings.map((each) => `pg_catalog.current_setting('${each}', true)`).join(', ');
  return `SELECT ${over(
    relations,
    'pg_catalog.pg_stat_get_xact_tuples_inserted(o) + pg_catalog.pg_stat_get_xact_tuples_updated(o) + pg_catalog.pg_stat_get_xact_tuples_deleted(o)',
  )}, ${over(own, 'pg_catalog.pg_stat_get_xact_numscans(o)')}, ${over(functions, 'COALESCE(pg_catalog.pg_stat_get_xact_function_calls(o), 0)')},
    ${over(sequences, '(SELECT pg_catalog.pg_sequence_last_value(c.oid) FROM pg_catalog.pg_class c WHERE c.oid = o)')},
    pg_catalog.concat_ws('|', ${setting}),
    ${over(own, '(SELECT c.relfilenode FROM pg_catalog.pg_class c WHERE c.oid = o)')}`;
}

function counters(row: Row): Counters {
  const split = (at: number): readonly string[] => (row[at] ?? '').split(',');
  return {
    changes: split(0).map(Number),
    scans: split(1).map(Number),
    calls: split(2).map(Number),
    sequences: split(3),
    settings: (row[4] ?? '').split('|'),
    files: split(5),
  };
}

type Row = readonly (string | null)[];

export interface Said {
  readonly rows: readonly Row[];
  readonly last: Row;
  /** SQLSTATE of the error that ended it. */
  readonly error?: string;
}

// What COPY FROM STDIN is given, whichever columns it asks for.
const copied = wire.copyData('501\t1\n');

/** One Query message and all it brings, with data for COPY. Errors are values here: most texts are tried, not trusted. */
export async function say(client: RawClient, text: string): Promise<Said> {
  let rows: Row[] = [];
  let error: string | undefined;
  client.send(wire.query(text));
  for (;;) {
    const message = await client.next();
    switch (message?.type) {
      case 'T':
        rows = [];
        break;
      case 'D':
        rows.push(cellsOf(message));
        break;
      case 'G':
        client.send(copied, wire.copyDone);
        break;
      case 'E':
        error = errorOf(message).code;
        break;
      case 'Z':
        return { rows, last: rows.at(-1) ?? [], ...(error === undefined ? {} : { error }) };
      case undefined:
        throw new Error(`The server closed the connection after: ${text.slice(0, 200)}`);
    }
  }
}
