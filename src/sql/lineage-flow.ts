import type { ColumnRef } from '../core/action.ts';
import type { Lineage } from './analysis.ts';

export type Columns = ReadonlyMap<string, ColumnRef>;

/** What flows into one value. Unknown flows keep the columns that are known to be among them. */
export interface Flow {
  /** Why it cannot be told, where it cannot. */
  readonly why?: string;
  /** The value is this column's, unchanged. */
  readonly bare?: ColumnRef;
  /** The value is what stands at a path of this document: the column `profile$.address.street`. */
  readonly path?: ColumnRef;
  /** It is one document with some of its parts replaced or left out: what is left stands at the path where it stood. */
  readonly kept?: true;
  readonly from: Columns;
  /** Columns of the views it was read through, outermost first, and of the tables it also belongs to (parents). */
  readonly through: Columns;
  /** Keys of those among them whose whole value was only compared by `=`. */
  readonly equal?: ReadonlySet<string>;
}

/** A value of one expression. */
export interface Value {
  readonly flow: Flow;
  /** Its fields, where it is a row and they are known. */
  readonly fields?: readonly Cell[];
  /** Its fields as its type calls them, where that differs: `FROM t AS x (a)` renames only while x is named itself. */
  readonly stored?: readonly Cell[];
  /** It is surely no row and no array of rows: it stands in one column even in FROM. */
  readonly scalar: boolean;
  /** Its type's oid, where that is sure. */
  readonly type?: number;
  /** It is the row of an entry of FROM, or ROW(…): whether it is NULL tells nothing of its fields. */
  readonly row?: true;
}

export interface Cell {
  readonly name: string;
  readonly value: Value;
}

/** What a query gives. */
export interface Rows {
  readonly cells: readonly Cell[];
  /** The columns cannot be listed: `cells` says nothing then, and this flows into all of them. */
  readonly open?: Flow;
  /** What decides which rows there are. */
  readonly control: Flow;
  /** A list or a series is among what its rows are made of: which of them are shown can spell a value. */
  readonly made?: boolean;
}

export const temporaryWhy = 'a temporary table can hold copies';

const none: Columns = new Map();
export const clean: Flow = { from: none, through: none };
/** A value that nothing flows into: a constant, a fact of the server. */
export const constant: Value = { flow: clean, scalar: true };

/** Refs are equal when object and column are: NUL cannot stand in an identifier. */
export function keyOf(ref: ColumnRef): string {
  return `${ref.object}\0${ref.column}`;
}

export function columns(refs: readonly ColumnRef[]): Columns {
  return refs.length === 0 ? none : new Map(refs.map((each) => [keyOf(each), each]));
}

export function columnFlow(ref: ColumnRef, through: readonly ColumnRef[] = []): Flow {
  return { bare: ref, from: columns([ref]), through: columns(through) };
}

/** Nothing can be said, except that these are among what flows in. */
export function unknown(why: string, flows: readonly Flow[] = []): Flow {
  const all = derive(flows);
  return { why, from: all.from, through: all.through };
}

/** Any computation over these values: clean only if all are. */
export function derive(flows: readonly Flow[]): Flow {
  let why: string | undefined;
  let from = none;
  let through = none;
  let compared = false;
  for (const flow of flows) {
    why ??= flow.why;
    from = union(from, flow.from);
    through = union(through, flow.through);
    compared ||= flow.equal !== undefined;
  }
  const equal = compared ? { equal: equalIn(flows) } : {};
  return why === undefined ? { from, through, ...equal } : { why, from, through, ...equal };
}

/** Only compared for equality wherever it flows in from. */
function equalIn(flows: readonly Flow[]): ReadonlySet<string> {
  const equal = new Set(flows.flatMap((flow) => [...(flow.equal ?? [])]));
  for (const flow of flows) {
    for (const key of [...flow.from.keys(), ...flow.through.keys()]) {
      if (flow.equal?.has(key) !== true) equal.delete(key);
    }
  }
  return equal;
}

/** What a comparison by PostgreSQL's own `=` asks of these: no more than whether a stored value, as a whole, is that. */
export function compared(flows: readonly Flow[]): Flow {
  return derive(
    flows.map((flow) =>
      flow.bare === undefined && flow.path === undefined
        ? flow
        : {
            from: flow.from,
            through: flow.through,
            equal: new Set([...flow.from.keys(), ...flow.through.keys()]),
          },
    ),
  );
}

/** A document with parts of it replaced by what no column flows into, or left out. */
export function keptIn(document: Flow, others: readonly Flow[]): Flow | undefined {
  if (document.why !== undefined || (document.bare === undefined && document.kept !== true)) return undefined;
  if (!others.every(isClean)) return undefined;
  return { from: document.from, through: document.through, kept: true };
}

/** One of these values, unchanged: a column only if all are the same column's. */
export function either(flows: readonly Flow[]): Flow {
  const [first, ...rest] = flows;
  if (first === undefined) return clean;
  return rest.every((each) => same(each, first)) ? first : derive(flows);
}

export function same(a: Flow, b: Flow): boolean {
  if (a === b) return true;
  return (
    a.why === b.why &&
    (a.bare === undefined ? undefined : keyOf(a.bare)) ===
      (b.bare === undefined ? undefined : keyOf(b.bare)) &&
    (a.path === undefined ? undefined : keyOf(a.path)) ===
      (b.path === undefined ? undefined : keyOf(b.path)) &&
    a.kept === b.kept &&
    sameColumns(a.from, b.from) &&
    sameColumns(a.through, b.through)
  );
}

/** The same value, read through this column of a view. */
export function readThrough(flow: Flow, ref: ColumnRef): Flow {
  const through = new Map([[keyOf(ref), ref], ...flow.through]);
  return { ...flow, through };
}

/** The same value, and these columns hold it too. */
export function alsoOf(flow: Flow, also: Flow): Flow {
  const through = new Map(flow.through);
  for (const [key, ref] of [...also.from, ...also.through]) if (!flow.from.has(key)) through.set(key, ref);
  const why = flow.why ?? also.why;
  return why === undefined ? { ...flow, through } : { why, from: flow.from, through };
}

export function isClean(flow: Flow): boolean {
  return flow.why === undefined && flow.from.size === 0 && flow.through.size === 0;
}

export function lineageFrom(flow: Flow): Lineage {
  if (flow.why !== undefined) return { kind: 'unknown', why: flow.why };
  const through = [...flow.through.values()];
  if (flow.bare !== undefined) return { kind: 'column', column: flow.bare, through };
  if (isClean(flow)) return { kind: 'clean' };
  const path = flow.path === undefined ? {} : { path: flow.path };
  return { kind: 'derived', from: [...flow.from.values()], through, ...path };
}

export function computed(flows: readonly Flow[], scalar = true): Value {
  return { flow: derive(flows), scalar };
}

/** What a value is once it is an output or part of a row: away from where its entry of FROM is named. */
export function settled(value: Value): Value {
  const { stored, ...rest } = value;
  return stored === undefined ? value : { ...rest, fields: stored };
}

/** A whole row of these cells. */
export function rowOf(cells: readonly Cell[]): Value {
  return { flow: derive(cells.map((each) => each.value.flow)), fields: cells, scalar: false, row: true };
}

export function openRows(flow: Flow, control: Flow = clean): Rows {
  return { cells: [], open: flow, control };
}

/** New names for the first columns, as `AS t(a, b)` gives them. */
export function renamed(cells: readonly Cell[], names: readonly string[]): readonly Cell[] {
  if (names.length === 0) return cells;
  return cells.map((cell, at) => ({ name: names[at] ?? cell.name, value: cell.value }));
}

function union(a: Columns, b: Columns): Columns {
  if (b.size === 0 || a === b) return a;
  if (a.size === 0) return b;
  const [large, small] = a.size >= b.size ? [a, b] : [b, a];
  let all: Map<string, ColumnRef> | undefined;
  for (const [key, ref] of small) {
    if (large.has(key)) continue;
    all ??= new Map(large);
    all.set(key, ref);
  }
  return all ?? large;
}

function sameColumns(a: Columns, b: Columns): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const key of a.keys()) if (!b.has(key)) return false;
  return true;
}
