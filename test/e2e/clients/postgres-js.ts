import { createHash } from 'node:crypto';
import postgres from 'postgres';
import type { Driven, Judged, Row } from './driver.ts';
import { masked, same } from './node-postgres.ts';
import type { Login } from './place.ts';

type Sql = postgres.Sql;

/** postgres.js: prepared by default, many queries on the way at once, arrays, JSON, cursors, COPY as streams. */
export const postgresJs: Driven = {
  name: 'postgres.js',
  same: (login) =>
    withSql(login, async (sql) => {
      const results: unknown[] = [];
      for (const text of same) {
        for (const how of [{ prepare: true }, { prepare: true }, { prepare: false }]) {
          results.push(plain(await sql.unsafe(text, [], how).raw()));
        }
        results.push(plain(await sql.unsafe(text).simple().raw()));
      }
      results.push(
        await Promise.all([1, 2, 3, 4, 5].map((id) => sql`SELECT * FROM orders WHERE id = ${id}`)),
      );
      const cursor = createHash('sha256');
      let count = 0;
      for await (const rows of sql`SELECT * FROM orders ORDER BY id`.cursor(700)) {
        count += rows.length;
        cursor.update(JSON.stringify(rows));
      }
      results.push([count, cursor.digest('hex')]);
      const undone = sql.begin(async (inside) => {
        const row = {
          id: 1,
          word: "it's",
          tags: ['a', 'b,c'],
          doc: inside.json({ a: [1, null] }),
          at: new Date(0),
        };
        results.push(await inside`INSERT INTO scratch ${inside(row)} RETURNING *`);
        const many = Array.from({ length: 50 }, (_, at) => ({ id: at + 10, word: `word ${at}` }));
        results.push((await inside`INSERT INTO scratch ${inside(many)}`).count);
        const into = await inside`COPY scratch (id, word) FROM STDIN`.writable();
        await new Promise<void>((resolve, reject) => {
          into.on('finish', resolve).on('error', reject);
          into.end(Array.from({ length: 50 }, (_, at) => `${at + 100}\tcopied ${at}\n`).join(''));
        });
        const out = await inside`COPY (SELECT id, word FROM scratch ORDER BY id) TO STDOUT`.readable();
        const parts: Buffer[] = [];
        for await (const part of out) parts.push(part as Buffer);
        results.push(Buffer.concat(parts).toString());
        throw new Error('undo');
      });
      await undone.catch((error: Error) => results.push(error.message));
      return results;
    }),
  judged: (login) =>
    withSql(login, async (sql) => {
      const found: Record<string, readonly Row[]> = {};
      for (const [at, way] of [{ prepare: true }, { prepare: true }, { prepare: false }].entries()) {
        for (const text of masked.toReversed())
          found[`way ${at}`] = rows(await sql.unsafe(text, [], way).values());
      }
      for (const text of masked.toReversed())
        found['simple'] = rows(await sql.unsafe(text).simple().values());
      const inParts: Row[] = [];
      for await (const part of sql.unsafe(masked[0] ?? '').cursor(7)) {
        inParts.push(...rows(part.map((row) => Object.values(row) as unknown[])));
      }
      found['cursor'] = inParts;
      found['at once'] =
        (await Promise.all(masked.map((text) => sql.unsafe(text).values()))).map(rows)[0] ?? [];
      return { masked: found, events: await events(sql) };
    }),
};

async function events(sql: Sql): Promise<Judged['events']> {
  const attempt = async (on: Sql, text: string): Promise<string> => {
    try {
      const result = await on.unsafe<{ one: number }[]>(text, [], { prepare: true });
      return result[0] === undefined ? result.command : `ok ${result[0].one}`;
    } catch (error) {
      return (error as { readonly code?: string }).code ?? String(error);
    }
  };
  const denied = 'DELETE FROM orders WHERE id = 1';
  const one = 'SELECT 1 AS one';
  const inside: string[] = [];
  await sql
    .begin(async (within) => {
      for (const step of [one, denied, one]) inside.push(await attempt(within as unknown as Sql, step));
      throw new Error('undo');
    })
    .catch(() => inside.push(''));
  return {
    alone: [
      await attempt(sql, denied),
      await attempt(sql, one),
      await attempt(sql, denied),
      await attempt(sql, one),
    ],
    pipeline: await Promise.all([
      attempt(sql, one),
      attempt(sql, denied),
      attempt(sql, one),
      attempt(sql, denied),
    ]),
    transaction: [...inside.slice(0, 3), await attempt(sql, one)],
  };
}

function plain(result: postgres.RowList<(Buffer | null)[][]> | Buffer[][]): unknown {
  return (result as readonly (readonly (Buffer | null)[])[]).map((row) =>
    row.map((cell) => cell?.toString('hex') ?? null),
  );
}

function rows(found: Iterable<Iterable<unknown>>): readonly Row[] {
  return Array.from(found, (row) => Array.from(row, textOf));
}

async function withSql<T>(login: Login, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = postgres({
    host: login.host,
    port: login.port,
    user: login.user,
    pass: login.password,
    database: login.database,
    max: 1,
    ssl: false,
    onnotice: () => {},
  });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

function textOf(cell: unknown): string | null {
  if (cell === null) return null;
  return typeof cell === 'string' ? cell : JSON.stringify(cell);
}
