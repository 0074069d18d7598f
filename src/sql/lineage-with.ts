import {
  type Cell,
  constant,
  derive,
  either,
  openRows,
  renamed,
  type Rows,
  same,
  unknown,
  type Value,
} from './lineage-flow.ts';
import type { Reader, Space } from './lineage-scope.ts';
import { as, type Fields, list, stringOf, text } from './tree.ts';

// A recursive query reaches its fixed point in as many rounds as a value needs to wander through its columns.
const mostRounds = 64;

/** The space in which the queries of a WITH clause can be named. All are read, used or not: a write in one happens anyway. */
export function withClause(reader: Reader, clause: unknown, space: Space): Space {
  if (typeof clause !== 'object' || clause === null) return space;
  const fields = clause as Fields;
  const entries = list(fields['ctes']).map((each) => as(each, 'CommonTableExpr') ?? {});
  return fields['recursive'] === true ? recursive(reader, entries, space) : inTurn(reader, entries, space);
}

/** Without RECURSIVE each sees those before it, and its own name means what it meant outside. */
function inTurn(reader: Reader, entries: readonly Fields[], space: Space): Space {
  let at = space;
  for (const entry of entries) {
    const rows = named(entry, reader.rows(entry['ctequery'], at));
    at = { ...at, ctes: new Map([...at.ctes, [text(entry['ctename']) ?? '', () => rows]]) };
  }
  return at;
}

/** With RECURSIVE all see all, in any order, and themselves. */
function recursive(reader: Reader, entries: readonly Fields[], space: Space): Space {
  const ctes = new Map(space.ctes);
  const inside: Space = { ...space, ctes };
  for (const entry of entries) ctes.set(text(entry['ctename']) ?? '', oneRecursive(reader, entry, inside));
  for (const entry of entries) ctes.get(text(entry['ctename']) ?? '')?.();
  return inside;
}

function oneRecursive(reader: Reader, entry: Fields, space: Space): () => Rows {
  let done: Rows | undefined;
  let estimate: Rows | undefined;
  let running = false;
  let seen = false;
  return () => {
    if (done !== undefined) return done;
    if (running) {
      seen = true;
      return estimate ?? openRows(unknown('a query that refers to itself before its first part'));
    }
    running = true;
    estimate = startOf(reader, entry, space);
    for (let round = 0; ; round++) {
      seen = false;
      const rows = named(entry, reader.rows(entry['ctequery'], space));
      const next = seen && estimate !== undefined ? joined(estimate, rows) : rows;
      const settled = !seen || (estimate !== undefined && sameRows(estimate, next));
      estimate = next;
      if (settled || next.open !== undefined) break;
      if (round === mostRounds) estimate = openRows(unknown('too long to be followed'), next.control);
    }
    done = withSearch(entry, estimate);
    return done;
  };
}

/** The rows of the part that does not refer to the query itself. */
function startOf(reader: Reader, entry: Fields, space: Space): Rows | undefined {
  const query = as(entry['ctequery'], 'SelectStmt');
  const left = query?.['larg'];
  if (query === undefined || typeof left !== 'object' || left === null) return undefined;
  return named(entry, reader.select(left as Fields, withClause(reader, query['withClause'], space)));
}

function named(entry: Fields, rows: Rows): Rows {
  const names = list(entry['aliascolnames']).flatMap((each) => stringOf(each) ?? []);
  return { ...rows, cells: renamed(rows.cells, names) };
}

function sameRows(a: Rows, b: Rows): boolean {
  if (a.open !== undefined || b.open !== undefined) return a.open !== undefined && b.open !== undefined;
  return (
    a.cells.length === b.cells.length &&
    a.cells.every((cell, at) => sameValue(cell.value, b.cells[at]?.value ?? constant))
  );
}

function sameValue(a: Value, b: Value): boolean {
  return a.scalar === b.scalar && same(a.flow, b.flow);
}

function joined(a: Rows, b: Rows): Rows {
  const control = derive([a.control, b.control]);
  if (a.open !== undefined || b.open !== undefined || a.cells.length !== b.cells.length) {
    const flows = [a, b].flatMap((rows) => [
      ...(rows.open === undefined ? [] : [rows.open]),
      ...rows.cells.map((each) => each.value.flow),
    ]);
    return openRows(
      unknown(a.open?.why ?? b.open?.why ?? 'branches with different numbers of columns', flows),
      control,
    );
  }
  const cells = a.cells.map((cell, at): Cell => {
    const other = b.cells[at]?.value ?? constant;
    return {
      name: cell.name,
      value: { flow: either([cell.value.flow, other.flow]), scalar: cell.value.scalar && other.scalar },
    };
  });
  return { cells, control };
}

/** SEARCH adds a column, CYCLE two: transformWithClause() and analyzeCTE() in parse_cte.c. */
function withSearch(entry: Fields, rows: Rows): Rows {
  if (rows.open !== undefined) return rows;
  const search = (entry['search_clause'] ?? {}) as Fields;
  const cycle = (entry['cycle_clause'] ?? {}) as Fields;
  const holding = (names: unknown, name: unknown): Cell => {
    const of = list(names).flatMap((each) => stringOf(each) ?? []);
    const flows = rows.cells.filter((each) => of.includes(each.name)).map((each) => each.value.flow);
    return { name: text(name) ?? '', value: { flow: derive(flows), scalar: false } };
  };
  const added = [
    ...(search['search_seq_column'] === undefined
      ? []
      : [holding(search['search_col_list'], search['search_seq_column'])]),
    ...(cycle['cycle_mark_column'] === undefined
      ? []
      : [
          holding(cycle['cycle_col_list'], cycle['cycle_mark_column']),
          holding(cycle['cycle_col_list'], cycle['cycle_path_column']),
        ]),
  ];
  return { ...rows, cells: [...rows.cells, ...added] };
}
