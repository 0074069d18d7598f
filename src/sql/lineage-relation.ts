import type { ColumnRef } from '../core/action.ts';
import type { Catalogue, Column, Relation } from './catalogue.ts';
import {
  alsoOf,
  type Cell,
  clean,
  columnFlow,
  columns,
  derive,
  type Flow,
  readThrough,
  temporaryWhy,
  unknown,
  type Value,
} from './lineage-flow.ts';
import { isOwnThing, isScalar, rowRelation, spillOf } from './lineage-routine.ts';
import type { Item, Reader } from './lineage-scope.ts';
import { routinesCalled, reachOfRun } from './reach.ts';
import { carriesData } from './lineage-system.ts';
import { rangeVarName, relationName, resolveRelation } from './names.ts';
import { as, type Fields, list, stringOf, text } from './tree.ts';

/** `{aliasname, colnames}` as FROM has it. */
export interface Alias {
  readonly name?: string;
  readonly columns: readonly string[];
}

export function aliasOf(value: unknown): Alias {
  if (typeof value !== 'object' || value === null) return { columns: [] };
  const fields = value as Fields;
  const name = text(fields['aliasname']);
  const names = list(fields['colnames']).flatMap((each) => stringOf(each) ?? []);
  return { ...(name === undefined ? {} : { name }), columns: names };
}

/** A relation as something to name columns of. */
export function relationItem(reader: Reader, rangeVar: Fields): Item {
  const alias = aliasOf(rangeVar['alias']);
  const found = resolveRelation(reader.catalogue, reader.scope, rangeVarName(rangeVar));
  const written = text(rangeVar['relname']) ?? '';
  const schema = found.kind === 'relation' ? found.relation.schema : text(rangeVar['schemaname']);
  const called =
    alias.name === undefined
      ? { name: written, ...(schema === undefined ? {} : { schema }) }
      : { name: alias.name };
  if (found.kind === 'missing') {
    const flow = columnFlow({ object: found.name, column: '*' });
    return {
      ...called,
      cells: [],
      open: unknown('a relation that the catalogue does not have', [flow]),
      system: true,
      bare: true,
    };
  }
  const stored = relationCells(reader, found.relation);
  if (found.relation.rowSecurity || found.relation.runs.length > 0) handed(reader, found.relation, ['read']);
  for (const { type } of found.relation.columns) spillOf(reader, type);
  const cells = stored.map((cell, at) => ({
    name: alias.columns[at] ?? cell.name,
    // Its own value at each place in FROM: what holds for one does not for another.
    value: { ...cell.value },
  }));
  const names = alias.columns.length === 0 ? {} : { storedNames: stored.map((each) => each.name) };
  const made = reader.madeViews.has(found.relation.oid) ? { made: true } : {};
  return { ...called, cells, ...names, ...made, system: found.relation.kind !== 'view', bare: true };
}

/**
 * SECURITY: policies, checks, index expressions and the like are handed rows of their table, and their functions can have
 * been given another body since. What can write can put such rows anywhere. Triggers are judged when they are made.
 */
export function handed(reader: Reader, relation: Relation, events: readonly string[]): void {
  for (const { on, routine } of relation.runs) {
    if (!events.includes(on) && (on !== 'write' || events.includes('read'))) continue;
    if (isByTrigger(reader.catalogue, routine) || reachOfRun(reader.catalogue, routine)?.writes === false)
      continue;
    reader.uses.move({ from: columns([refOf(relation, '*')]), through: columns([]) }, []);
  }
}

/** Whether all that this can mean are called by triggers alone. */
export function isByTrigger(catalogue: Catalogue, signature: string): boolean {
  const found = routinesCalled(catalogue, signature);
  return found.length > 0 && found.every((each) => each.returns === 2279);
}

export function refOf(relation: Relation, column: string): ColumnRef {
  return { object: relationName(relation), column };
}

/** The columns of a relation and what flows into them. */
export function relationCells(reader: Reader, relation: Relation): readonly Cell[] {
  const known = reader.cells.get(relation.oid);
  if (known !== undefined) return known;
  const cells = makeCells(reader, relation);
  reader.cells.set(relation.oid, cells);
  return cells;
}

function makeCells(reader: Reader, relation: Relation): readonly Cell[] {
  if (relation.kind === 'sequence') {
    return ['last_value', 'log_cnt', 'is_called'].map((name) => ({
      name,
      value: { flow: columnFlow(refOf(relation, name)), scalar: true },
    }));
  }
  const why = whyUnknown(relation);
  if (why !== undefined) return each(reader, relation, (ref) => unknown(why, [columnFlow(ref)]));
  if (isOwnThing(relation.schema, relation.oid)) return each(reader, relation, ownFlow(relation));
  if (relation.kind === 'view' || relation.kind === 'materialized') return viewCells(reader, relation);
  return each(reader, relation, (ref, column) => {
    const own = columnFlow(ref, inParents(reader.catalogue, relation, column));
    return column.generated ? derive([own, ...besides(relation, column)]) : own;
  });
}

// SECURITY: of which columns a generated one is computed the catalogue does not say: of any of its row.
function besides(relation: Relation, generated: Column): readonly Flow[] {
  const stored = relation.columns.filter((each) => !each.generated && each.name !== generated.name);
  return stored.map((each) => columnFlow(refOf(relation, each.name)));
}

function whyUnknown(relation: Relation): string | undefined {
  if (relation.temporary || relation.schema.startsWith('pg_temp')) return temporaryWhy;
  if (relation.kind === 'toast' || relation.kind === 'index' || relation.schema === 'pg_toast') {
    return 'it holds raw values of a table';
  }
  return relation.rules.includes('select') ? 'a rule changes what is read' : undefined;
}

function ownFlow(relation: Relation): (ref: ColumnRef, column: Column) => Flow {
  return (ref, column) =>
    carriesData(relation.schema, relation.name, column.name)
      ? unknown(`${ref.object}.${ref.column} can hold values of tables or statements`, [columnFlow(ref)])
      : clean;
}

function viewCells(reader: Reader, relation: Relation): readonly Cell[] {
  const definition = as(relation.definition, 'SelectStmt');
  const inside = definition === undefined ? undefined : reader.forView(relation.oid);
  if (definition === undefined || inside === undefined) {
    return each(reader, relation, (ref) => unknown('a view whose query is not known', [columnFlow(ref)]));
  }
  const rows = inside.select(definition, { items: [], ctes: new Map() });
  if (rows.made === true) reader.madeViews.add(relation.oid);
  const open =
    rows.open ??
    unknown(
      'a view whose query gives other columns',
      rows.cells.map((cell) => cell.value.flow),
    );
  const fits = rows.open === undefined && rows.cells.length === relation.columns.length;
  return relation.columns.map((column, at) => {
    const inner = fits ? rows.cells[at]?.value : undefined;
    const flow = readThrough(inner?.flow ?? open, refOf(relation, column.name));
    return { name: column.name, value: typed(reader, flow, column) };
  });
}

function each(
  reader: Reader,
  relation: Relation,
  flow: (ref: ColumnRef, column: Column) => Flow,
): readonly Cell[] {
  return relation.columns.map((column) => ({
    name: column.name,
    value: typed(reader, flow(refOf(relation, column.name), column), column),
  }));
}

// A column whose type is a table's row holds that table's columns: their tags count too.
function typed(reader: Reader, flow: Flow, column: Column): Value {
  const { catalogue } = reader;
  const row = rowRelation(catalogue, column.type);
  if (row === undefined) return { flow, scalar: isScalar(catalogue, column.type), type: column.type };
  const also = (name: string): Flow =>
    row.relation.kind === 'composite'
      ? clean
      : { from: columns([refOf(row.relation, name)]), through: clean.through };
  const inner = row.relation.columns.map((field) => ({ name: field.name, flow: also(field.name) }));
  const whole = alsoOf(flow, derive(inner.map((field) => field.flow)));
  if (row.array) return { flow: whole, scalar: false, type: column.type };
  const fields = inner.map((field) => ({
    name: field.name,
    value: { flow: derive([flow, field.flow]), scalar: false },
  }));
  return { flow: whole, fields, scalar: false, type: column.type };
}

function inParents(catalogue: Catalogue, relation: Relation, column: Column): readonly ColumnRef[] {
  return relation.parents.flatMap((parent) => {
    const found = relationCalled(catalogue, parent);
    if (found === undefined) return [{ object: parent, column: column.name }];
    return found.columns.some((each) => each.name === column.name) ? [refOf(found, column.name)] : [];
  });
}

// `schema.name`, where either may hold dots itself.
function relationCalled(catalogue: Catalogue, object: string): Relation | undefined {
  for (let dot = object.indexOf('.'); dot >= 0; dot = object.indexOf('.', dot + 1)) {
    const found = catalogue.relation(object.slice(0, dot), object.slice(dot + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}
