import { catalogueVersion } from '../../src/protocols/postgres/catalogue.ts';
import { RawClient } from '../e2e/harness/raw.ts';
import { type Measured, type Scale, say } from './measure.ts';

/**
 * A scale for what cannot be taken back by a transaction: a copy of the database, digests of all rows before and
 * after, and a new copy when they differ.
 */
export async function outsideScale(port: number, template: string, searchPath: string): Promise<Scale> {
  const admin = await RawClient.connect({ port, user: 'postgres', database: 'postgres' });
  const name = 'oracle_outside';
  let client: RawClient | undefined;
  let before: Digests | undefined;

  const renew = async (): Promise<RawClient> => {
    client?.destroy();
    await must(admin, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await must(admin, `CREATE DATABASE ${name} TEMPLATE ${template}`);
    client = await connectTo(port, name, searchPath);
    before = await digests(client);
    return client;
  };

  return {
    weigh: async (text): Promise<Measured> => {
      const current = client ?? (await renew());
      const run = await say(current, text);
      await say(current, 'ROLLBACK');
      // It would hold the database for ever.
      await say(current, `ROLLBACK PREPARED 'x'`);
      const settled = await connectTo(port, name, searchPath);
      const after = await digests(settled);
      settled.destroy();
      const was = before ?? after;
      const changed = [...after.rows].filter(([table, digest]) => was.rows.get(table) !== digest);
      const catalogue = after.catalogue !== was.catalogue;
      if (changed.length > 0 || catalogue) await renew();
      // What was committed before an error stays.
      if (run.error !== undefined && changed.length === 0 && !catalogue)
        return { kind: 'refused', code: run.error };
      return {
        kind: 'ran',
        changed: new Set(changed.map(([table]) => table)),
        catalogues: new Set(catalogue ? ['pg_catalog'] : []),
        emptied: new Set(),
        sequences: new Set(),
        settings: new Set(),
        read: new Set(),
        functions: new Set(),
      };
    },
    [Symbol.asyncDispose]: () => {
      client?.destroy();
      admin.destroy();
      return Promise.resolve();
    },
  };
}

interface Digests {
  readonly rows: ReadonlyMap<string, string>;
  readonly catalogue: string;
}

async function connectTo(port: number, database: string, searchPath: string): Promise<RawClient> {
  const client = await RawClient.connect({ port, user: 'postgres', database });
  await must(
    client,
    `SET search_path = ${searchPath}; SET client_min_messages = error; SET statement_timeout = '5s'`,
  );
  return client;
}

async function digests(client: RawClient): Promise<Digests> {
  const tables = await say(
    client,
    `SELECT c.oid::pg_catalog.regclass::text, n.nspname || '.' || c.relname
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm') AND c.relispopulated AND n.nspname NOT IN ('pg_catalog', 'information_schema')`,
  );
  const union = tables.rows.map(
    ([quoted, name]) =>
      `SELECT '${name}', pg_catalog.md5(pg_catalog.string_agg(t::text, '|' ORDER BY t::text)) FROM ONLY ${quoted} AS t`,
  );
  const { rows } = await say(client, union.join(' UNION ALL '));
  const catalogue = await catalogueVersion(async (sql) => (await say(client, sql)).rows);
  return { rows: new Map(rows.map(([name, digest]) => [name ?? '', digest ?? ''])), catalogue };
}

async function must(client: RawClient, text: string): Promise<void> {
  const { error } = await say(client, text);
  if (error !== undefined) throw new Error(`${error}: ${text}`);
}
