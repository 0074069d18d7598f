import { parse } from 'libpg-query';
import type { Client } from 'pg';
import type { Query } from '../../../src/protocols/postgres/catalogue-rows.ts';
import { isNode, type Node } from '../../../src/sql/tree.ts';

/** The connection as the catalogue reads it: rows of text. */
export function textQuery(client: Client): Query {
  return async (sql) => {
    const result = await client.query<(string | null)[]>({
      text: sql,
      rowMode: 'array',
      types: { getTypeParser: () => (value: string) => value },
    });
    return result.rows;
  };
}

/** The one statement of a text, by PostgreSQL's own parser. */
export async function parseOne(text: string): Promise<Node | undefined> {
  const tree: unknown = await parse(text).catch(() => undefined);
  const statements = (tree as { readonly stmts?: readonly { readonly stmt?: unknown }[] } | undefined)?.stmts;
  const statement = statements?.length === 1 ? statements[0]?.stmt : undefined;
  return isNode(statement) ? statement : undefined;
}
