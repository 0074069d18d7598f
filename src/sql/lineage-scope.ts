import type { Catalogue } from './catalogue.ts';
import type { Scope } from './analysis.ts';
import {
  alsoOf,
  type Cell,
  clean,
  constant,
  derive,
  type Flow,
  isClean,
  renamed,
  type Rows,
  unknown,
  type Value,
} from './lineage-flow.ts';
import type { Uses } from './lineage-uses.ts';
import type { Fields } from './tree.ts';

/** What the parts of the lineage share while one statement is followed. The parts reach each other through it only. */
export interface Reader {
  readonly catalogue: Catalogue;
  readonly scope: Scope;
  readonly uses: Uses;
  /** One step of work and one level down; false when the statement is too long or too deep to be followed. */
  readonly enter: () => boolean;
  readonly leave: () => void;
  /** Values that the statement's conditions hold equal, both ways. */
  readonly equals: Map<Value, Set<Value>>;
  /** What each node of the tree came to when it was last read. */
  readonly last: Map<unknown, Value>;
  /** Where in FROM a value that is no stored column stands, and what such places were found to hold. */
  readonly origins: Map<Value, { readonly node: unknown; readonly at: number }>;
  readonly held: Map<unknown, Map<number, Flow>>;
  /** The first output's name of the sub-selects seen so far, by their fields. */
  readonly firstNames: Map<unknown, string>;
  /** Any statement that may give rows. */
  readonly rows: (node: unknown, space: Space) => Rows;
  /** A SelectStmt by its fields: the arms of a set operation are not wrapped as nodes. */
  readonly select: (fields: Fields, space: Space) => Rows;
  readonly value: (node: unknown, space: Space) => Value;
  /** For a view's own query: fully qualified, and its filters are not the statement's. */
  readonly forView: (oid: number) => Reader | undefined;
  /** The columns of relations, by oid: worked out once for a statement. */
  readonly cells: Map<number, readonly Cell[]>;
  /** Of views, those in whose rows a list or a series had a part (Rows.made). */
  readonly madeViews: Set<number>;
}

/** One thing of FROM that names can refer to. */
export interface Item {
  /** Absent: its columns can be named, itself not. */
  readonly name?: string;
  /** Of a relation without an alias. */
  readonly schema?: string;
  readonly cells: readonly Cell[];
  /** Of a relation whose columns an alias renames: what they are called in it. */
  readonly storedNames?: readonly string[];
  /** Its columns cannot be listed: any name may be one, and this flows from it. */
  readonly open?: Flow;
  /** It has ctid, tableoid and so on. */
  readonly system: boolean;
  /** Its columns can be named without it. */
  readonly bare: boolean;
  /** Rows.made */
  readonly made?: boolean;
}

/** What names mean at one level of a query. Immutable: each place has its own. */
export interface Space {
  readonly items: readonly Item[];
  readonly ctes: ReadonlyMap<string, () => Rows>;
  readonly outer?: Space;
}

export const nowhere: Space = { items: [], ctes: new Map() };

/** A level below: its own items over the outer ones. */
export function below(outer: Space, items: readonly Item[] = []): Space {
  return { items, ctes: new Map(), outer };
}

export function withItems(space: Space, items: readonly Item[]): Space {
  return { ...space, items };
}

export function findCte(space: Space, name: string): (() => Rows) | undefined {
  for (let at: Space | undefined = space; at !== undefined; at = at.outer) {
    const found = at.ctes.get(name);
    if (found !== undefined) return found;
  }
  return undefined;
}

const systemColumns: ReadonlySet<string> = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid']);

/** The item's columns of this name: one, or (an error on the server) several, or none. */
export function cellsNamed(item: Item, name: string): readonly Value[] {
  const found = item.cells.filter((each) => each.name === name).map((each) => each.value);
  return found.length === 0 && item.system && systemColumns.has(name) ? [constant] : found;
}

/** What a single name means as a column: the nearest level that has it wins. Undefined: no level has it. */
export function findColumn(space: Space, name: string): Value | undefined {
  for (let at: Space | undefined = space; at !== undefined; at = at.outer) {
    const visible = at.items.filter((each) => each.bare);
    const found = visible.flatMap((item) => cellsNamed(item, name));
    if (found.length > 0) return oneOf(found);
    const open = visible.flatMap((item) => (item.open === undefined ? [] : [item.open]));
    if (open.length > 0) {
      const further = at.outer === undefined ? undefined : findColumn(at.outer, name);
      return hidden(open, further);
    }
  }
  return undefined;
}

/** Only this level, as GROUP BY looks before it takes a name for an output's. */
export function hasColumnHere(space: Space, name: string): boolean {
  return space.items.some((item) => item.bare && cellsNamed(item, name).length > 0);
}

export function findItem(space: Space, name: string, schema?: string): Item | undefined {
  for (let at: Space | undefined = space; at !== undefined; at = at.outer) {
    const found = at.items.find(
      (each) => each.name === name && (schema === undefined || each.schema === schema),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

export function itemRow(item: Item): Value {
  const flow = derive(item.cells.map((each) => each.value.flow));
  if (item.open !== undefined) return { flow: unknown(openWhy(item.open), [flow, item.open]), scalar: false };
  const whole: Value = { flow, fields: item.cells, scalar: false, row: true };
  const { storedNames } = item;
  return storedNames === undefined ? whole : { ...whole, stored: renamed(item.cells, storedNames) };
}

/** A column of an item by name; undefined: it has none of that name. */
export function itemColumn(item: Item, name: string): Value | undefined {
  const found = cellsNamed(item, name);
  if (found.length > 0) return oneOf(found);
  return item.open === undefined ? undefined : hidden([item.open], undefined);
}

/** All columns that `*` stands for, or the flow that hides them. */
export function starOf(items: readonly Item[]): { readonly cells: readonly Cell[]; readonly open?: Flow } {
  const visible = items.filter((each) => each.bare);
  return listed(visible);
}

export function listed(items: readonly Item[]): { readonly cells: readonly Cell[]; readonly open?: Flow } {
  const cells = items.flatMap((each) => each.cells);
  const open = items.flatMap((each) => (each.open === undefined ? [] : [each.open]));
  if (open.length === 0) return { cells };
  const all = [...open, ...cells.map((each) => each.value.flow)];
  return { cells: [], open: unknown(openWhy(open[0] ?? clean), all) };
}

/** Notes that rows are kept only where these are equal: each then shows what the other holds. */
export function holdEqual(reader: Reader, a: Value, b: Value): void {
  // What is not known of one side says nothing of the other: a temporary table would else withhold all it is joined to.
  if (a.flow.why !== undefined || b.flow.why !== undefined || isClean(a.flow) || isClean(b.flow)) return;
  for (const [from, to] of [[a, b] as const, [b, a] as const]) {
    const known = reader.equals.get(from);
    if (known === undefined) reader.equals.set(from, new Set([to]));
    else known.add(to);
  }
}

/** The items with what their columns are held equal to. */
export function equated(reader: Reader, items: readonly Item[]): readonly Item[] {
  if (reader.equals.size === 0) return items;
  return items.map((item) => {
    if (!item.cells.some((each) => reader.equals.has(each.value))) return item;
    return {
      ...item,
      cells: item.cells.map((cell) => ({ name: cell.name, value: withEquals(reader, cell.value) })),
    };
  });
}

function withEquals(reader: Reader, value: Value): Value {
  if (!reader.equals.has(value)) return value;
  const all = new Set([value]);
  // A set gives what is added while it is walked.
  for (const each of all) for (const other of reader.equals.get(each) ?? []) all.add(other);
  all.delete(value);
  return { ...value, flow: alsoOf(value.flow, derive([...all].map((each) => each.flow))) };
}

/** Rows as something to name columns of. */
export function itemOf(rows: Rows, name: string | undefined): Item {
  return {
    ...(name === undefined ? {} : { name }),
    cells: rows.cells,
    ...(rows.open === undefined ? {} : { open: rows.open }),
    ...(rows.made === undefined ? {} : { made: rows.made }),
    system: false,
    bare: true,
  };
}

export function openWhy(flow: Flow): string {
  return flow.why ?? 'columns that cannot be listed';
}

function oneOf(found: readonly Value[]): Value {
  const [first] = found;
  if (found.length === 1 && first !== undefined) return first;
  return {
    flow: unknown(
      'an ambiguous column',
      found.map((each) => each.flow),
    ),
    scalar: false,
  };
}

function hidden(open: readonly Flow[], further: Value | undefined): Value {
  const flows = further === undefined ? open : [...open, further.flow];
  return { flow: unknown(openWhy(open[0] ?? clean), flows), scalar: false };
}
