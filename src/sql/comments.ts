import type { Column } from './catalogue.ts';

const known: WeakMap<Column, readonly string[]> = new WeakMap();
const none: readonly string[] = [];

/**
 * The tags that the database itself gives a column: words of the form `sallyport:pii/email` in its comment or its
 * table's (`COMMENT ON COLUMN people.email IS 'where to write. sallyport:pii/email'`), or a security label of the
 * provider `sallyport`.
 */
export function tagsOfColumn(column: Column): readonly string[] {
  if (column.comment === undefined) return none;
  const before = known.get(column);
  if (before !== undefined) return before;
  const found = column.comment.matchAll(/(?<![\w-])sallyport:([a-z0-9-]+(?:\/[a-z0-9-]+)*)/g);
  const tags = [...new Set([...found].flatMap(([, tag]) => tag ?? []))].sort();
  known.set(column, tags);
  return tags;
}
