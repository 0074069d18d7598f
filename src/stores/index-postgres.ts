import { Client, type QueryResult } from 'pg';
import { Fault, messageOf } from '../base/errors.ts';
import { hitOf } from './index-database.ts';
import type { IndexRow } from './index-rows.ts';
import type { EntryHit, EntryQuery, IndexStore, SessionsQuery } from './index-store.ts';
import { termsAsked, termsOf } from './index-terms.ts';

/** A database that the indexes of several gateways share. */
export interface PostgresIndexSettings {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password?: string;
  /** Of this PEM's authorities, or those that Node knows; `undefined`: no TLS. */
  readonly tls: { readonly ca?: string } | undefined;
  readonly schema: string;
}

const version = 1;
const connectMs = 5_000;
const queryMs = 60_000;

// `live` is false while an index is being built beside the one that is searched.
const tables = (schema: string): string => `
  CREATE TABLE ${schema}.ledger (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, live boolean NOT NULL, next bigint NOT NULL,
    UNIQUE (name, live)
  );
  CREATE TABLE ${schema}.entry (
    ledger integer NOT NULL REFERENCES ${schema}.ledger ON DELETE CASCADE, n bigint NOT NULL, at bigint NOT NULL, kind text NOT NULL,
    session text, subject text, agent text, resource text, run text, verb text, access text, decision text, review text, risk text,
    terms text[] NOT NULL, PRIMARY KEY (ledger, n)
  );
  CREATE INDEX entry_order ON ${schema}.entry (at, ledger, n);
  CREATE INDEX entry_session ON ${schema}.entry (ledger, session, n);
  CREATE INDEX entry_terms ON ${schema}.entry USING gin (terms);
  CREATE TABLE ${schema}.session (
    ledger integer NOT NULL REFERENCES ${schema}.ledger ON DELETE CASCADE, id text NOT NULL, n bigint NOT NULL, run text,
    PRIMARY KEY (ledger, id)
  );
  CREATE INDEX session_n ON ${schema}.session (ledger, n);
  CREATE TABLE ${schema}.version (number integer NOT NULL);
  INSERT INTO ${schema}.version VALUES (${version});
`;

const columns =
  'n, at, kind, session, subject, agent, resource, run, verb, access, decision, review, risk, terms';
const types =
  'n bigint, at bigint, kind text, session text, subject text, agent text, resource text, run text, verb text, access text, decision text, review text, risk text, terms text[]';

/** The index of ledger `name` in a PostgreSQL database; connects when it is first asked, and again after a failure. */
export class IndexPostgres implements IndexStore {
  readonly #settings: PostgresIndexSettings;
  readonly #name: string;
  readonly #size: number;
  readonly #live: boolean;
  readonly #schema: string;
  #client: Client | undefined;
  #ledger = 0; // our row

  constructor(
    settings: PostgresIndexSettings,
    of: { readonly ledger: string; readonly size: number; readonly beside?: boolean },
  ) {
    this.#settings = settings;
    this.#name = of.ledger;
    this.#size = of.size;
    this.#live = of.beside !== true;
    this.#schema = `"${settings.schema.replaceAll('"', '""')}"`;
  }

  async next(): Promise<number> {
    const { rows } = await this.#query('SELECT next FROM @ledger WHERE id = $1', [await this.#own()]);
    const [row] = rows;
    if (row !== undefined) return Number(row['next']);
    this.#ledger = 0; // another program built it anew
    return this.next();
  }

  async add(rows: readonly IndexRow[], next: number): Promise<void> {
    const ledger = await this.#own();
    await this.#within(async () => {
      const runs = await this.#runsOf(ledger, rows);
      await this.#put(ledger, rows, runs);
      const { rowCount } = await this.#query('UPDATE @ledger SET next = $2 WHERE id = $1', [ledger, next]);
      if (rowCount !== 1) throw new Error('the index was built anew meanwhile');
    });
  }

  async entries(query: EntryQuery): Promise<readonly EntryHit[]> {
    const found = await this.#conditions(query);
    if (found === undefined) return [];
    const { rows } = await this.#query(
      `SELECT e.n, e.at, e.kind, e.session, e.subject, e.resource, e.run, e.verb, e.access, e.decision, e.review, e.risk, l.name
       FROM @entry e JOIN @ledger l ON l.id = e.ledger WHERE ${found.where}
       ORDER BY e.at DESC, e.ledger DESC, e.n DESC LIMIT ${Math.floor(query.limit)}`,
      found.values,
    );
    return rows.map((row) => ({ ...hitOf(row), gateway: String(row['name']) }));
  }

  /** Of this ledger only: what a session holds can only be shown by its own gateway. */
  async sessions({ olderThan, ...query }: SessionsQuery): Promise<readonly string[]> {
    const found = await this.#conditions(query, await this.#own());
    if (found === undefined) return [];
    const { values } = found;
    values.push(await this.#own());
    const own = `$${values.length}`;
    let older = '';
    if (olderThan !== undefined) {
      values.push(olderThan);
      older = `AND s.n < (SELECT n FROM @session WHERE ledger = ${own} AND id = $${values.length})`;
    }
    const { rows } = await this.#query(
      `SELECT s.id FROM @session s WHERE s.ledger = ${own} ${older} AND EXISTS (
         SELECT FROM @entry e JOIN @ledger l ON l.id = e.ledger WHERE e.session = s.id AND ${found.where})
       ORDER BY s.n DESC LIMIT ${Math.floor(query.limit)}`,
      values,
    );
    return rows.map((row) => String(row['id']));
  }

  async entriesOf(session: string): Promise<readonly number[]> {
    const { rows } = await this.#query('SELECT n FROM @entry WHERE ledger = $1 AND session = $2 ORDER BY n', [
      await this.#own(),
      session,
    ]);
    return rows.map((row) => Number(row['n']));
  }

  async replace(session: string, rows: readonly IndexRow[]): Promise<void> {
    const ledger = await this.#own();
    await this.#within(async () => {
      await this.#query('UPDATE @session SET run = NULL WHERE ledger = $1 AND id = $2', [ledger, session]);
      await this.#put(ledger, rows, new Map());
    });
    // What was replaced lies on in dead rows and in the pending list until it is cleaned.
    await this.#query('VACUUM @entry', []);
    await this.#query('VACUUM @session', []);
  }

  /** Takes the place of the index that is searched, at once for everybody. */
  async takeOver(): Promise<void> {
    const ledger = await this.#own();
    await this.#within(async () => {
      await this.#query('DELETE FROM @ledger WHERE name = $1 AND live', [this.#name]);
      const { rowCount } = await this.#query('UPDATE @ledger SET live = true WHERE id = $1', [ledger]);
      if (rowCount !== 1) throw new Error('the index that was built is gone');
    });
  }

  /** Forgets what was built beside: it may hold what was erased since. */
  async dropBeside(): Promise<void> {
    await this.#query('DELETE FROM @ledger WHERE name = $1 AND NOT live', [this.#name]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }

  async #put(
    ledger: number,
    rows: readonly IndexRow[],
    runs: ReadonlyMap<string, string | null>,
  ): Promise<void> {
    const told = rows.map((row) => {
      const run = row.run ?? (row.session === undefined ? undefined : runs.get(row.session)) ?? undefined;
      const whole = run === undefined ? row : { ...row, run };
      const { text: _text, objects: _objects, rules: _rules, ...fields } = whole;
      return { ...fields, terms: termsOf(whole) };
    });
    const json = JSON.stringify(told, (_, value: unknown) =>
      typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '\uFFFD') : value,
    );
    await this.#query(
      `INSERT INTO @entry (ledger, ${columns}) SELECT $1, ${columns} FROM jsonb_to_recordset($2) AS r (${types})
       ON CONFLICT (ledger, n) DO UPDATE SET run = excluded.run, terms = excluded.terms`,
      [ledger, json],
    );
    await this.#query(
      `INSERT INTO @session (ledger, id, n, run) SELECT $1, session, n, run FROM jsonb_to_recordset($2) AS r (${types})
       WHERE kind = 'session.opened' ON CONFLICT (ledger, id) DO UPDATE SET n = excluded.n, run = excluded.run`,
      [ledger, json],
    );
  }

  async #runsOf(ledger: number, rows: readonly IndexRow[]): Promise<ReadonlyMap<string, string | null>> {
    const runs = new Map<string, string | null>();
    const asked = [...new Set(rows.flatMap(({ session }) => session ?? []))];
    const known = await this.#query('SELECT id, run FROM @session WHERE ledger = $1 AND id = ANY ($2)', [
      ledger,
      asked,
    ]);
    for (const row of known.rows)
      runs.set(String(row['id']), typeof row['run'] === 'string' ? row['run'] : null);
    for (const { kind, session, run } of rows)
      if (kind === 'session.opened' && session !== undefined) runs.set(session, run ?? null);
    return runs;
  }

  async #conditions(
    query: EntryQuery,
    only?: number,
  ): Promise<{ readonly where: string; readonly values: unknown[] } | undefined> {
    const terms = termsAsked(query);
    if (terms === undefined) return undefined;
    const values: unknown[] = [];
    const parts: string[] = [this.#live ? 'l.live' : 'NOT l.live'];
    const also = (part: (value: string) => string, value: unknown): void => {
      values.push(value);
      parts.push(part(`$${values.length}`));
    };
    if (only !== undefined) also((value) => `e.ledger = ${value}`, only);
    if (terms.length > 0) also((value) => `e.terms @> ${value}::text[]`, terms);
    if (query.from !== undefined) also((value) => `e.at >= ${value}`, query.from);
    if (query.to !== undefined) also((value) => `e.at < ${value}`, query.to);
    if (query.before !== undefined) {
      const last = await this.#query(
        `SELECT e.at, e.ledger FROM @entry e JOIN @ledger l ON l.id = e.ledger
         WHERE l.live = $1 AND l.name = $2 AND e.n >= $3 ORDER BY e.n LIMIT 1`,
        [this.#live, query.beforeIn ?? this.#name, query.before],
      );
      const [row] = last.rows;
      if (row !== undefined) {
        values.push(row['at'], row['ledger'], query.before);
        const [at, ledger, n] = [values.length - 2, values.length - 1, values.length];
        parts.push(`(e.at, e.ledger, e.n) < ($${at}::bigint, $${ledger}::integer, $${n}::bigint)`);
      }
    }
    return { where: parts.join(' AND '), values };
  }

  /** The row of our ledger, made where there is none; what is ahead of the ledger is not of this ledger. */
  async #own(): Promise<number> {
    if (this.#ledger !== 0) return this.#ledger;
    await this.#within(() => this.#prepare());
    await this.#query('DELETE FROM @ledger WHERE name = $1 AND live = $2 AND next > $3', [
      this.#name,
      this.#live,
      this.#size,
    ]);
    await this.#query('INSERT INTO @ledger (name, live, next) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING', [
      this.#name,
      this.#live,
    ]);
    const { rows } = await this.#query('SELECT id FROM @ledger WHERE name = $1 AND live = $2', [
      this.#name,
      this.#live,
    ]);
    this.#ledger = Number(rows[0]?.['id'] ?? 0);
    return this.#ledger;
  }

  async #prepare(): Promise<void> {
    // Gateways start at the same time.
    await this.#query("SELECT pg_advisory_xact_lock(hashtext('sallyport index'))", []);
    const exists = await this.#query('SELECT to_regclass($1) IS NOT NULL AS there', [
      `${this.#schema}.version`,
    ]);
    if (exists.rows[0]?.['there'] === true) {
      const { rows } = await this.#query('SELECT number FROM @version', []);
      const number = Number(rows[0]?.['number']);
      if (number === version) return;
      if (number > version) throw new Error('a gateway of a later version uses it');
      await this.#query('DROP TABLE @entry, @session, @ledger, @version', []);
    } else {
      await this.#query(`CREATE SCHEMA IF NOT EXISTS ${this.#schema}`, []);
    }
    await this.#query(tables(this.#schema), []);
  }

  async #within(work: () => Promise<void>): Promise<void> {
    await this.#query('BEGIN', []);
    try {
      await work();
      await this.#query('COMMIT', []);
    } catch (thrown) {
      await this.#query('ROLLBACK', []).catch(() => undefined);
      throw thrown;
    }
  }

  async #query(text: string, values: readonly unknown[]): Promise<QueryResult<Record<string, unknown>>> {
    const client = this.#client ?? (await this.#connect());
    try {
      const sql = text.replaceAll(/@(entry|ledger|session|version)\b/g, `${this.#schema}.$1`);
      return values.length === 0
        ? await client.query<Record<string, unknown>>(sql)
        : await client.query<Record<string, unknown>>(sql, [...values]);
    } catch (thrown) {
      throw new Fault('unreachable', `The database of the index failed: ${reason(thrown)}`, {
        cause: thrown,
      });
    }
  }

  async #connect(): Promise<Client> {
    const { host, port, database, user, password, tls } = this.#settings;
    const client = new Client({
      host,
      port,
      database,
      user,
      ...(password === undefined ? {} : { password }),
      ssl:
        tls === undefined
          ? false
          : { rejectUnauthorized: true, ...(tls.ca === undefined ? {} : { ca: tls.ca }) },
      application_name: 'sallyport index',
      connectionTimeoutMillis: connectMs,
      query_timeout: queryMs,
      keepAlive: true,
    });
    const lost = (): void => {
      if (this.#client === client) this.#client = undefined;
    };
    client.on('error', lost);
    client.on('end', lost);
    try {
      await client.connect();
    } catch (thrown) {
      throw new Fault('unreachable', `The database of the index cannot be reached: ${reason(thrown)}`, {
        cause: thrown,
      });
    }
    this.#client = client;
    return client;
  }
}

/** A code, or the words of the driver: messages of a server may quote values. */
function reason(thrown: unknown): string {
  const code: unknown = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  return typeof code === 'string' ? code : messageOf(thrown);
}
