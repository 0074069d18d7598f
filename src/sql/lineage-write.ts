import type { ColumnRef } from '../core/action.ts';
import type { Relation } from './catalogue.ts';
import { flowsIn } from './lineage-expression.ts';
import {
  type Cell,
  clean,
  derive,
  type Flow,
  isClean,
  openRows,
  type Rows,
  unknown,
  type Value,
} from './lineage-flow.ts';
import { fromClause, fromEntry } from './lineage-from.ts';
import { condition } from './lineage-held.ts';
import { targetCells } from './lineage-query.ts';
import { reachFlow } from './lineage-change.ts';
import { handed, isByTrigger, relationItem } from './lineage-relation.ts';
import { below, equated, type Item, type Reader, type Space } from './lineage-scope.ts';
import { withClause } from './lineage-with.ts';
import { rangeVarName, resolveRelation } from './names.ts';
import { isOwnTable, reachOfRun } from './reach.ts';
import { as, type Fields, list, stringOf, text } from './tree.ts';

type Event = 'insert' | 'update' | 'delete';

/** What is changed: its columns as they were, and what the statement puts into them. */
interface Changed {
  readonly item: Item;
  /** Rules of these events make something else of the statement. */
  readonly relation?: Relation;
  readonly assigned: Map<string, Flow>;
}

/** Whether such a statement gives rows of its own accord. */
export function hasReturning(fields: Fields): boolean {
  return fields['returningClause'] !== undefined || list(fields['returningList']).length > 0;
}

export const writings: Readonly<Record<string, (reader: Reader, fields: Fields, outer: Space) => Rows>> = {
  InsertStmt: insert,
  UpdateStmt: update,
  DeleteStmt: remove,
  MergeStmt: merge,
};

function insert(reader: Reader, fields: Fields, outer: Space): Rows {
  const space = withClause(reader, fields['withClause'], below(outer));
  const changed = target(reader, fields['relation'], ['insert', 'update']);
  const source = fields['selectStmt'];
  // DEFAULT VALUES has no source: every column is written all the same.
  const rows = source === undefined ? { cells: [], control: clean } : reader.rows(source, space);
  assignInOrder(reader, changed, list(fields['cols']), rows);
  const conflict = (fields['onConflictClause'] ?? {}) as Fields;
  const excluded: Item = { ...now(changed), name: 'excluded', bare: false };
  const inside = { ...space, items: [changed.item, excluded] };
  assignAll(reader, changed, list(conflict['targetList']), inside);
  const infer = (conflict['infer'] ?? {}) as Fields;
  filtered(reader, [conflict['whereClause'], infer['whereClause']], inside);
  return returning(reader, fields, { space, changed, before: [], after: [], events: ['insert', 'update'] });
}

function update(reader: Reader, fields: Fields, outer: Space): Rows {
  const space = withClause(reader, fields['withClause'], below(outer));
  const changed = target(reader, fields['relation'], ['update']);
  const from = fromClause(reader, list(fields['fromClause']), space);
  const inside = { ...space, items: [changed.item, ...from.items] };
  filtered(reader, [fields['whereClause']], inside);
  assignAll(reader, changed, list(fields['targetList']), { ...inside, items: equated(reader, inside.items) });
  return returning(reader, fields, { space, changed, before: [], after: from.items, events: ['update'] });
}

function remove(reader: Reader, fields: Fields, outer: Space): Rows {
  const space = withClause(reader, fields['withClause'], below(outer));
  const changed = target(reader, fields['relation'], ['delete']);
  const using = fromClause(reader, list(fields['usingClause']), space);
  filtered(reader, [fields['whereClause']], { ...space, items: [changed.item, ...using.items] });
  return returning(reader, fields, { space, changed, before: [], after: using.items, events: ['delete'] });
}

function merge(reader: Reader, fields: Fields, outer: Space): Rows {
  const space = withClause(reader, fields['withClause'], below(outer));
  const changed = target(reader, fields['relation'], ['insert', 'update', 'delete']);
  const source = fromEntry(reader, fields['sourceRelation'], space);
  // The source's columns come first: transformMergeStmt() adds the target to the name space last.
  const inside = { ...space, items: [...source.items, changed.item] };
  filtered(reader, [fields['joinCondition']], inside);
  for (const node of list(fields['mergeWhenClauses'])) {
    const when = as(node, 'MergeWhenClause') ?? {};
    filtered(reader, [when['condition']], inside);
    const put = { ...inside, items: equated(reader, inside.items) };
    if (when['commandType'] === 'CMD_INSERT') {
      const values = list(when['values']).map((each) => reader.value(each, put));
      const cells = values.map((value) => ({ name: '', value }));
      assignInOrder(reader, changed, list(when['targetList']), { cells, control: clean });
    } else {
      assignAll(reader, changed, list(when['targetList']), put);
    }
  }
  const events: readonly Event[] = ['insert', 'update', 'delete'];
  return returning(reader, fields, { space, changed, before: source.items, after: [], events });
}

// ---------------------------------------------------------------------------------------------- targets

function target(reader: Reader, rangeVar: unknown, events: readonly Event[]): Changed {
  const fields = (rangeVar ?? {}) as Fields;
  const item = relationItem(reader, fields);
  const found = resolveRelation(reader.catalogue, reader.scope, rangeVarName(fields));
  const relation = found.kind === 'relation' ? { relation: found.relation } : {};
  const changed = { item, assigned: new Map<string, Flow>(), ...relation };
  if (changed.relation !== undefined) byHand(reader, changed.relation);
  for (const { on, routine } of changed.relation?.runs ?? []) {
    if (on !== 'write' && !events.some((event) => event === on)) continue;
    const reach = reachOfRun(reader.catalogue, routine);
    // What its function reads elsewhere a trigger can put into any column of the row.
    if (reach !== undefined && reach.reads.length > 0) assign(reader, changed, '*', reachFlow(reach));
    // What gives a default or a generated column its value, and cannot be told.
    else if (reach === undefined && !isByTrigger(reader.catalogue, routine))
      assign(reader, changed, '*', reachFlow(undefined));
  }
  if (changed.relation !== undefined) handed(reader, changed.relation, events);
  return changed;
}

/** SECURITY: rows of PostgreSQL's own tables say what columns are called and what views and functions are made of. */
export function byHand(reader: Reader, relation: Relation): void {
  if (isOwnTable(relation) && relation.kind === 'table') reader.uses.move(reachFlow(undefined), []);
}

/** The target's columns after the statement: as they are stored, or what was just put there. */
function now(changed: Changed): Item {
  const cells = changed.item.cells.map((cell): Cell => {
    const put = changed.assigned.get(cell.name) ?? changed.assigned.get('*') ?? clean;
    const flow = isClean(put) ? cell.value.flow : derive([cell.value.flow, put]);
    return { name: cell.name, value: after(cell.value, flow) };
  });
  return { ...changed.item, cells };
}

function after(value: Value, flow: Flow): Value {
  if (flow === value.flow) return value;
  const type = value.type === undefined ? {} : { type: value.type };
  const fields = value.fields?.map((each) => ({
    name: each.name,
    value: { ...each.value, flow: derive([each.value.flow, flow]) },
  }));
  return { flow, scalar: value.scalar, ...type, ...(fields === undefined ? {} : { fields }) };
}

function assignInOrder(reader: Reader, changed: Changed, columns: readonly unknown[], rows: Rows): void {
  const named = columns.map((each) => text(as(each, 'ResTarget')?.['name']) ?? '');
  const all = changed.item.cells.map((each) => each.name);
  const known = named.length > 0 ? named : all;
  if (rows.open !== undefined) {
    for (const name of known) assign(reader, changed, name, rows.open);
  }
  rows.cells.forEach((cell, at) => assign(reader, changed, known[at] ?? '*', cell.value.flow));
  if (rows.open === undefined && rows.cells.length === 0)
    for (const name of known) assign(reader, changed, name, clean);
}

function assignAll(reader: Reader, changed: Changed, targets: readonly unknown[], space: Space): void {
  for (const node of targets) {
    const fields = as(node, 'ResTarget') ?? {};
    const several = as(fields['val'], 'MultiAssignRef');
    const inner = flowsIn(reader, fields['indirection'], space);
    const flow =
      several === undefined ? reader.value(fields['val'], space).flow : partOf(reader, several, space);
    // `SET doc['a'] = x` changes a part.
    const whole = list(fields['indirection']).length === 0;
    assign(reader, changed, text(fields['name']) ?? '*', whole ? flow : derive([flow, ...inner]));
  }
}

/** One column of `(a, b) = (…)`. */
function partOf(reader: Reader, fields: Fields, space: Space): Flow {
  const row = as(fields['source'], 'RowExpr');
  const number = fields['colno'];
  if (row !== undefined && typeof number === 'number') {
    return reader.value(list(row['args'])[number - 1], space).flow;
  }
  return reader.value(fields['source'], space).flow;
}

function assign(reader: Reader, changed: Changed, name: string, flow: Flow): void {
  const to = refsOf(changed.item, name);
  reader.uses.output(flow);
  reader.uses.write(to);
  reader.uses.move(flow, to);
  const before = changed.assigned.get(name);
  changed.assigned.set(name, before === undefined ? flow : derive([before, flow]));
}

/** The stored column, and through a view the columns behind it. */
function refsOf(item: Item, name: string): readonly ColumnRef[] {
  const cell = item.cells.find((each) => each.name === name);
  const flow = cell?.value.flow ?? item.open;
  return flow === undefined ? [] : [...flow.from.values(), ...flow.through.values()];
}

function filtered(reader: Reader, nodes: readonly unknown[], space: Space): void {
  for (const node of nodes) if (node !== undefined) reader.uses.filter(condition(reader, node, space));
}

// ---------------------------------------------------------------------------------------------- RETURNING

interface Done {
  readonly space: Space;
  readonly changed: Changed;
  readonly before: readonly Item[];
  readonly after: readonly Item[];
  readonly events: readonly Event[];
}

function returning(reader: Reader, fields: Fields, done: Done): Rows {
  const clause = (fields['returningClause'] ?? {}) as Fields;
  const targets = [...list(clause['exprs']), ...list(fields['returningList'])];
  const [item = done.changed.item] = equated(reader, [done.changed.item]);
  const current = now({ ...done.changed, item });
  // A rule can put a SELECT beside the statement or in its place: then its rows come, asked for or not.
  if (done.events.some((event) => done.changed.relation?.rules.includes(event))) {
    const flows = current.cells.map((each) => each.value.flow);
    return openRows(unknown('a rule changes what the statement does', flows));
  }
  if (targets.length === 0) return { cells: [], control: clean };
  const shown = isTriggered(done) ? opaque(current) : current;
  const items = [...equated(reader, done.before), shown, ...equated(reader, done.after)];
  const space = { ...done.space, items: [...items, ...oldAndNew(reader, clause, shown, items)] };
  return { ...targetCells(reader, targets, space), control: clean };
}

/** INSTEAD OF triggers of a view give back rows of their own making, which are stored nowhere. */
function isTriggered(done: Done): boolean {
  const { relation } = done.changed;
  if (relation?.kind !== 'view') return false;
  return relation.runs.some(({ on }) => on === 'write' || done.events.some((event) => event === on));
}

function opaque(item: Item): Item {
  const told = (value: Value): Value => ({
    flow: unknown('a trigger of a view makes up what is returned', [value.flow]),
    scalar: value.scalar,
  });
  return { ...item, cells: item.cells.map((cell) => ({ name: cell.name, value: told(cell.value) })) };
}

/** PostgreSQL 18: the row before and after, under their names or the given ones. */
function oldAndNew(reader: Reader, clause: Fields, current: Item, items: readonly Item[]): readonly Item[] {
  if (reader.catalogue.data.serverMajor < 18) return [];
  const options = list(clause['options']).map((each) => as(each, 'ReturningOption') ?? {});
  const called = (option: string, name: string): string | undefined => {
    const given = options.find((each) => each['option'] === option)?.['value'];
    if (given !== undefined) return text(given) ?? stringOf(given);
    return items.some((each) => each.name === name) ? undefined : name;
  };
  const names = [called('RETURNING_OPTION_OLD', 'old'), called('RETURNING_OPTION_NEW', 'new')];
  return names.flatMap((name) => (name === undefined ? [] : [unnamedAs(current, name)]));
}

function unnamedAs(item: Item, name: string): Item {
  const { schema: _, ...rest } = item;
  return { ...rest, name, bare: false };
}
