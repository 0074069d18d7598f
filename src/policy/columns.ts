import type { Action, ColumnRef } from '../core/action.ts';
import type { Problems } from './problem.ts';
import { texts, wrong } from './shape.ts';
import type { Located } from './yaml.ts';

// `columns:` of a rule: the only columns an answer may hold. `public.orders.id`, `public.orders.*`, `public.*`, `*`.

/** Reads the list; `*` may only stand at the end, so that of two patterns that meet one holds the other. */
export function readColumns(node: Located, problems: Problems): readonly string[] | undefined {
  const items = texts(node, 'columns', problems);
  for (const { value, ...item } of items ?? []) {
    if (/^(\*|[^\s*.]+\.\*|[^\s*.]+\.[^\s*]+(\.\*)?)$/.test(value)) continue;
    return wrong(
      { ...item, value },
      'A column is such as `public.orders.id`, `public.orders.*` or `public.*`',
      problems,
    );
  }
  return items?.map(({ value }) => value);
}

/** The columns that all of these lists allow. Commutative, associative and idempotent. */
export function intersection(lists: readonly (readonly string[])[]): readonly string[] | undefined {
  const [first, ...others] = lists;
  if (first === undefined) return undefined;
  let now = slim(first);
  for (const other of others) {
    now = slim(now.flatMap((a) => other.flatMap((b) => (holds(b, a) ? [a] : holds(a, b) ? [b] : []))));
  }
  return now;
}

/** Sorted, without those that another one holds. */
function slim(patterns: readonly string[]): readonly string[] {
  const unique = [...new Set(patterns)];
  return unique.filter((a) => !unique.some((b) => a !== b && holds(b, a))).sort();
}

function holds(outer: string, inner: string): boolean {
  if (outer === '*' || outer === inner) return true;
  return outer.endsWith('.*') && inner.startsWith(outer.slice(0, -1));
}

/** The first column of the answer that is not allowed; undefined when all are. */
export function outsideColumns({ columns }: Action, allowed: readonly string[]): ColumnRef | undefined {
  return columns.find(
    ({ use, object, column }) =>
      use === 'output' && !allowed.some((pattern) => holds(pattern, `${object}.${column}`)),
  );
}
