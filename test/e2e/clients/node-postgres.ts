import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type QueryArrayConfig, type QueryArrayResult } from 'pg';
import type { Driven, Judged, Row } from './driver.ts';
import type { Login } from './place.ts';

export const same: readonly string[] = lines('queries.sql');
export const masked: readonly string[] = lines('masked.sql');

function lines(name: string): readonly string[] {
  return readFileSync(join(import.meta.dirname, name), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('--'));
}

/** node-postgres: simple queries, the extended protocol in text and binary, statements with names, portals by rows. */
export const nodePostgres: Driven = {
  name: 'node-postgres',
  same: (login) =>
    withClient(login, async (client) => {
      const results: unknown[] = [];
      for (const sql of same) {
        for (const way of ways)
          results.push(plain(await ask(client, sql, way)), plain(await ask(client, sql, way)));
      }
      await client.query('BEGIN');
      const insert = 'INSERT INTO scratch VALUES ($1, $2, $3, $4, $5, $6) RETURNING *';
      const values = [1, "it's", '12.50', new Date('2024-02-29T12:00:00Z'), ['a', 'b,c'], { a: 1 }];
      results.push(plain(await client.query({ text: insert, values, rowMode: 'array' })));
      await client.query('ROLLBACK');
      return results;
    }),
  judged: (login) =>
    withClient(login, async (client) => {
      const found: Record<string, readonly Row[]> = {};
      for (const [at, way] of ways.entries()) {
        for (const sql of masked.toReversed()) found[`way ${at}`] = texts(await ask(client, sql, way));
      }
      return { masked: found, events: await events(client) };
    }),
};

/** `queryMode` and `binary` are known to pg and not to its types. */
interface Way {
  readonly queryMode?: 'extended';
  readonly binary?: true;
  readonly name?: string;
  readonly values?: unknown[];
}

const ways: readonly Way[] = [{}, { queryMode: 'extended' }, { binary: true, values: [] }, { name: 'named' }];

function ask(client: Client, text: string, way: Way): Promise<QueryArrayResult> {
  const name = way.name === undefined ? {} : { name: `${way.name} ${text}`.slice(0, 60) };
  return client.query({
    ...way,
    ...name,
    text,
    rowMode: 'array',
    // The bytes as they came: a driver's own types would hide differences.
    types: { getTypeParser: () => (value: unknown) => value },
  } as QueryArrayConfig);
}

function plain({ rows, fields, rowCount, command }: QueryArrayResult): unknown {
  const columns = fields.map(({ name, tableID, columnID, dataTypeID, dataTypeSize, dataTypeModifier, format }) => [
    name, tableID, columnID, dataTypeID, dataTypeSize, dataTypeModifier, format,
  ]); // prettier-ignore
  return { rows, columns, rowCount, command };
}

function texts({ rows }: QueryArrayResult): readonly Row[] {
  return (rows as unknown[][]).map((row) => row.map((cell) => (cell === null ? null : textOf(cell))));
}

/** In binary an integer comes as four bytes. */
function textOf(cell: unknown): string {
  if (!Buffer.isBuffer(cell)) return String(cell);
  return cell.length === 4 && cell[0] === 0 ? String(cell.readInt32BE(0)) : cell.toString();
}

async function events(client: Client): Promise<Judged['events']> {
  const denied = 'DELETE FROM orders WHERE id = 1';
  const attempt = async (text: string, name?: string): Promise<string> => {
    try {
      const { rows, command } = await client.query<{ one: number }>({
        text,
        ...(name === undefined ? {} : { name }),
      });
      return rows[0] === undefined ? command : `ok ${rows[0].one}`;
    } catch (error) {
      return (error as { readonly code?: string }).code ?? String(error);
    }
  };
  const one = 'SELECT 1 AS one';
  const each = async (...steps: readonly string[]): Promise<string[]> => {
    const told: string[] = [];
    for (const step of steps) told.push(await attempt(step));
    return told;
  };
  return {
    alone: await each(denied, one),
    named: [
      await attempt(denied, 'd'),
      await attempt(one, 'o'),
      await attempt(denied, 'd'),
      await attempt(one, 'o'),
    ],
    transaction: await each('BEGIN', one, denied, one, 'ROLLBACK', one),
    savepoint: await each('BEGIN', 'SAVEPOINT s', denied, 'ROLLBACK TO s', one, 'COMMIT', one),
    queued: await Promise.all([attempt(one), attempt(denied), attempt(one)]),
  };
}

export async function withClient<T>(login: Login, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ ...login, ssl: false });
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
