import {
  type Cell,
  clean,
  constant,
  derive,
  either,
  type Flow,
  isClean,
  openRows,
  type Rows,
  settled,
  unknown,
  type Value,
} from './lineage-flow.ts';
import { windowFlow } from './lineage-call.ts';
import { flowsIn, itemNamed, rowCells, stepInto } from './lineage-expression.ts';
import { countedOut, fromClause, type From } from './lineage-from.ts';
import { condition, decided, isLateral, picking, remember, windowsIn } from './lineage-held.ts';
import { outputName } from './lineage-name.ts';
import { isOwnThing, namesOf, oids, operatorsFor, whyMixed, whyOpaqueOperator } from './lineage-routine.ts';
import { holdsFreeText } from './lineage-system.ts';
import {
  below,
  equated,
  hasColumnHere,
  listed,
  openWhy,
  type Reader,
  type Space,
  starOf,
} from './lineage-scope.ts';
import type { Catalogue } from './catalogue.ts';
import { withClause } from './lineage-with.ts';
import { rangeVarName, resolveRelation } from './names.ts';
import { as, type Fields, isNode, list, stringOf, text } from './tree.ts';

/** The rows of a SelectStmt (also VALUES, TABLE and set operations), by its fields. */
export function selectRows(reader: Reader, fields: Fields, outer: Space): Rows {
  if (!reader.enter()) return openRows(unknown('too long to be followed'));
  try {
    const space = withClause(reader, fields['withClause'], below(outer));
    const rows = plainRows(reader, fields, space);
    return limited(reader, fields, space, rows);
  } finally {
    reader.leave();
  }
}

function plainRows(reader: Reader, fields: Fields, space: Space): Rows {
  const op = text(fields['op']) ?? 'SETOP_NONE';
  if (op !== 'SETOP_NONE') return sorted(reader, fields, space, setOperation(reader, fields, space));
  const values = list(fields['valuesLists']);
  if (values.length > 0) return sorted(reader, fields, space, valuesRows(reader, values, space));
  return simpleSelect(reader, fields, space);
}

function limited(reader: Reader, fields: Fields, space: Space, rows: Rows): Rows {
  const limit = derive(flowsIn(reader, [fields['limitCount'], fields['limitOffset']], space));
  reader.uses.filter(limit);
  const all = { ...rows, control: derive([rows.control, limit]) };
  if (rows.made !== true || isClean(limit)) return all;
  // The row of a list that stands at a computed place spells what the place was computed from.
  const cells = rows.cells.map(({ name, value }) => ({
    name,
    value: value.flow.bare === undefined ? { ...value, flow: derive([value.flow, limit]) } : value,
  }));
  return { ...all, cells };
}

// ---------------------------------------------------------------------------------------------- SELECT

function simpleSelect(reader: Reader, fields: Fields, outer: Space): Rows {
  const { from, before, conditions } = kept(reader, fields, outer);
  setsOf(reader, fields, before);
  picking(reader, picks(fields), before);
  const space = { ...before, items: equated(reader, from.items) };
  const targets = targetCells(reader, list(fields['targetList']), space);
  const windows = list(fields['windowClause']).map((each) =>
    windowFlow(reader, as(each, 'WindowDef') ?? {}, space),
  );
  const group = list(fields['groupClause']).flatMap((each) => groupFlows(reader, each, space, targets));
  const distinct = distinctFlows(reader, fields, space, targets);
  const order = list(fields['sortClause']).map((each) =>
    sortFlow(reader, as(each, 'SortBy')?.['node'], space, targets),
  );
  const controls = [
    ...conditions,
    ...windows,
    ...group,
    ...distinct,
    ...order,
    ...setsOf(reader, fields, space),
  ];
  for (const flow of controls) reader.uses.filter(flow);
  const made = from.items.some((each) => each.made === true) || list(fields['fromClause']).length === 0;
  return { ...targets, control: derive([from.control, ...controls]), made };
}

/** What the rows are sorted or parted by, as expressions: the name or number of an output stands for what it is. */
function picks(fields: Fields): readonly unknown[] {
  const targets = list(fields['targetList']).map((each) => as(each, 'ResTarget') ?? {});
  const sorts = list(fields['sortClause']).map((each) => as(each, 'SortBy')?.['node']);
  const distinct = list(fields['distinctClause']).filter(isNode);
  const named = [...sorts, ...distinct].map((node) => {
    const number = (as(node, 'A_Const')?.['ival'] as Fields | undefined)?.['ival'];
    const name = singleName(node);
    const output =
      typeof number === 'number'
        ? targets[number - 1]
        : targets.find((each) => name !== undefined && text(each['name']) === name);
    return output === undefined ? node : output['val'];
  });
  return [
    ...named,
    ...windowsIn(fields['targetList']),
    ...windowsIn(fields['windowClause']),
    ...windowsIn(sorts),
  ];
}

interface Kept {
  readonly from: From;
  readonly before: Space;
  readonly conditions: readonly Flow[];
}

/** FROM, WHERE and HAVING. What a condition says of a value holds for the entries beside it that have read it, too. */
function kept(reader: Reader, fields: Fields, outer: Space, round = 0): Kept {
  const from = settingsNamed(reader, fields, fromClause(reader, list(fields['fromClause']), outer));
  const before: Space = { ...outer, items: from.items };
  const conditions = [fields['whereClause'], fields['havingClause']]
    .filter((each) => each !== undefined)
    .map((each) => condition(reader, each, before));
  const again = remember(reader, from.items) && isLateral(fields['fromClause']);
  return again && round < mostRounds ? kept(reader, fields, outer, round + 1) : { from, before, conditions };
}

// A value wanders one entry further in each.
const mostRounds = 16;

/** What decides how many rows the functions in the target list make that return sets. */
function setsOf(reader: Reader, fields: Fields, space: Space): readonly Flow[] {
  return list(fields['targetList']).flatMap((each) => {
    const value = as(each, 'ResTarget')?.['val'];
    if (!makesRows(reader.catalogue, value)) return [];
    const control = countedOut([reader.value(value, space).flow]);
    decided(reader, value, space, control);
    return [control];
  });
}

/** Whether it calls something by the name of a function that returns a set, outside of queries of its own. */
function makesRows(catalogue: Catalogue, node: unknown): boolean {
  if (Array.isArray(node)) return (node as readonly unknown[]).some((each) => makesRows(catalogue, each));
  if (typeof node !== 'object' || node === null) return false;
  return Object.entries(node as Fields).some(([type, inner]) => {
    if (type === 'SubLink' || type === 'SelectStmt') return false;
    return (
      namesCalled(type, inner as Fields).some((each) => setNames(catalogue).has(each)) ||
      makesRows(catalogue, inner)
    );
  });
}

/** What may be the name of a function or an operator: `p.f` and `(p).f` call f with the row. */
function namesCalled(type: string, fields: Fields): readonly string[] {
  if (type === 'FuncCall') return namesOf(fields['funcname']).slice(-1);
  if (type === 'A_Expr') return namesOf(fields['name']).slice(-1);
  if (type === 'ColumnRef') return namesOf(fields['fields']).slice(1).slice(-1);
  return type === 'A_Indirection' ? namesOf(fields['indirection']) : [];
}

const setsByCatalogue: WeakMap<Catalogue, ReadonlySet<string>> = new WeakMap();

function setNames(catalogue: Catalogue): ReadonlySet<string> {
  const known = setsByCatalogue.get(catalogue);
  if (known !== undefined) return known;
  const sets = catalogue.data.functions.filter((each) => each.returnsSet);
  const routines = new Set(sets.map((each) => each.oid));
  const operators = catalogue.data.operators.filter((each) => routines.has(each.routine));
  const names = new Set([...sets, ...operators].map((each) => each.name));
  setsByCatalogue.set(catalogue, names);
  return names;
}

/** `FROM pg_settings WHERE name = 'max_index_keys'`: what that row holds nobody can fill with any text. */
function settingsNamed(reader: Reader, fields: Fields, from: From): From {
  const [item, ...others] = from.items;
  if (item === undefined || others.length > 0 || list(fields['fromClause']).length !== 1) return from;
  const range = as(list(fields['fromClause'])[0], 'RangeVar');
  const found =
    range === undefined ? undefined : resolveRelation(reader.catalogue, reader.scope, rangeVarName(range));
  if (found?.kind !== 'relation' || found.relation.name !== 'pg_settings') return from;
  if (!isOwnThing(found.relation.schema, found.relation.oid)) return from;
  const conditions = conjuncts(fields['whereClause']);
  const plain = { flow: clean, scalar: true, type: oids.text };
  if (whyOpaqueOperator(reader, operatorsFor(reader, ['='], plain, plain)) !== undefined) return from;
  if (!conditions.some((each) => namesSetting(each, item.name ?? ''))) return from;
  const cells = item.cells.map((cell) => ({ name: cell.name, value: { ...cell.value, flow: clean } }));
  return { ...from, items: [{ ...item, cells }] };
}

/** A text constant, plain or cast to text. */
function constantText(node: unknown): string | undefined {
  const cast = as(node, 'TypeCast');
  const value = as(cast === undefined ? node : cast['arg'], 'A_Const')?.['sval'];
  return typeof value === 'object' && value !== null ? text((value as Fields)['sval']) : undefined;
}

function conjuncts(where: unknown): readonly unknown[] {
  const bool = as(where, 'BoolExpr');
  return bool?.['boolop'] === 'AND_EXPR' ? list(bool['args']) : [where];
}

function namesSetting(condition: unknown, alias: string): boolean {
  const fields = as(condition, 'A_Expr');
  const kind = text(fields?.['kind']);
  if (fields === undefined || (kind !== 'AEXPR_OP' && kind !== 'AEXPR_IN')) return false;
  if (namesOf(fields['name']).join('.') !== '=') return false;
  const column = namesOf(as(fields['lexpr'], 'ColumnRef')?.['fields']);
  if (column.at(-1) !== 'name' || (column.length === 2 && column[0] !== alias) || column.length > 2)
    return false;
  const given = kind === 'AEXPR_IN' ? list(as(fields['rexpr'], 'List')?.['items']) : [fields['rexpr']];
  const settings = given.map(constantText);
  return settings.length > 0 && settings.every((each) => each !== undefined && !holdsFreeText(each));
}

interface Targets {
  readonly cells: readonly Cell[];
  readonly open?: Flow;
}

/** The outputs of a target list or RETURNING. */
export function targetCells(reader: Reader, targets: readonly unknown[], space: Space): Targets {
  const cells: Cell[] = [];
  const open: Flow[] = [];
  for (const target of targets) {
    const fields = as(target, 'ResTarget') ?? {};
    const several = expanded(reader, fields['val'], space);
    if (several === undefined) {
      const value = output(reader.value(fields['val'], space));
      cells.push({ name: text(fields['name']) ?? outputName(fields['val'], reader.firstNames), value });
    } else {
      cells.push(...several.cells);
      if (several.open !== undefined) open.push(several.open);
    }
  }
  if (open.length === 0) return { cells };
  const all = [...open, ...cells.map((each) => each.value.flow)];
  return { cells: [], open: unknown(openWhy(open[0] ?? clean), all) };
}

// A literal without a type is text once it is an output.
function output(value: Value): Value {
  return value.type === oids.unknown ? { ...value, type: oids.text } : settled(value);
}

/** `*`, `t.*`, `(row).*`; undefined: it is one output. */
function expanded(reader: Reader, node: unknown, space: Space): Targets | undefined {
  const parts = list(as(node, 'ColumnRef')?.['fields']);
  if (as(parts.at(-1), 'A_Star') !== undefined) {
    const names = namesOf(parts);
    if (names.length === 0) return starOf(space.items);
    const item = itemNamed(reader, space, names);
    return item === undefined ? { cells: [], open: reader.value(node, space).flow } : listed([item]);
  }
  const steps = list(as(node, 'A_Indirection')?.['indirection']);
  if (as(steps.at(-1), 'A_Star') === undefined) return undefined;
  let value = reader.value(as(node, 'A_Indirection')?.['arg'], space);
  for (const step of steps.slice(0, -1)) value = stepInto(reader, value, step, space);
  if (value.fields !== undefined) return { cells: value.fields };
  return { cells: [], open: unknown(value.flow.why ?? 'a row whose fields are not known', [value.flow]) };
}

/** An entry of ORDER BY or DISTINCT ON: an output's number or name before anything else (findTargetlistEntrySQL92). */
function sortFlow(reader: Reader, node: unknown, space: Space, targets: Targets): Flow {
  return ofOutput(node, targets) ?? ofOutputName(node, targets) ?? reader.value(node, space).flow;
}

function groupFlows(reader: Reader, node: unknown, space: Space, targets: Targets): readonly Flow[] {
  const set = as(node, 'GroupingSet');
  if (set !== undefined)
    return list(set['content']).flatMap((each) => groupFlows(reader, each, space, targets));
  const row = as(node, 'RowExpr');
  if (row !== undefined) return list(row['args']).flatMap((each) => groupFlows(reader, each, space, targets));
  const name = singleName(node);
  const byName = name === undefined || hasColumnHere(space, name) ? undefined : ofOutputName(node, targets);
  return [ofOutput(node, targets) ?? byName ?? reader.value(node, space).flow];
}

function distinctFlows(reader: Reader, fields: Fields, space: Space, targets: Targets): readonly Flow[] {
  const distinct = list(fields['distinctClause']);
  // DISTINCT alone is a list of one empty entry.
  const on = distinct.filter(
    (each) => typeof each === 'object' && each !== null && Object.keys(each).length > 0,
  );
  if (on.length > 0) return on.map((each) => sortFlow(reader, each, space, targets));
  return distinct.length > 0 ? targets.cells.map((each) => each.value.flow) : [];
}

function ofOutput(node: unknown, targets: Targets): Flow | undefined {
  const value = as(node, 'A_Const')?.['ival'];
  if (typeof value !== 'object' || value === null) return undefined;
  const number = (value as Fields)['ival'];
  return typeof number === 'number' ? (targets.cells[number - 1]?.value.flow ?? targets.open) : undefined;
}

function ofOutputName(node: unknown, targets: Targets): Flow | undefined {
  const name = singleName(node);
  if (name === undefined) return undefined;
  const found = targets.cells.filter((each) => each.name === name);
  return found.length === 0 ? undefined : derive(found.map((each) => each.value.flow));
}

function singleName(node: unknown): string | undefined {
  const parts = list(as(node, 'ColumnRef')?.['fields']);
  return parts.length === 1 ? stringOf(parts[0]) : undefined;
}

// ---------------------------------------------------------------------------------------------- VALUES, UNION

function valuesRows(reader: Reader, lists: readonly unknown[], space: Space): Rows {
  const rows = lists.map((each) => rowCells(reader, list(as(each, 'List')?.['items']), space));
  return merged(
    reader,
    rows.map((row) => ({ ...row, control: clean, made: true })),
    (_, at) => `column${at + 1}`,
  );
}

function setOperation(reader: Reader, fields: Fields, space: Space): Rows {
  const { arms, distinct } = armsOf(fields);
  const rows = arms.map((arm) => reader.select(arm, space));
  const all = merged(reader, rows, (cell) => cell.name);
  // INTERSECT, EXCEPT and a UNION that drops doubles compare the values: the number of rows tells of them.
  if (distinct) for (const cell of all.cells) reader.uses.filter(cell.value.flow);
  const compared = distinct ? all.cells.map((each) => each.value.flow) : [];
  return { ...all, control: derive([all.control, ...compared]) };
}

/** The arms from left to right: a long chain leans left and is unrolled, not descended. */
function armsOf(fields: Fields): { readonly arms: readonly Fields[]; readonly distinct: boolean } {
  const arms: Fields[] = [];
  let distinct = false;
  let at = fields;
  for (;;) {
    distinct ||= text(at['op']) !== 'SETOP_UNION' || at['all'] !== true;
    arms.unshift((at['rarg'] ?? {}) as Fields);
    const left = (at['larg'] ?? {}) as Fields;
    const own = ['withClause', 'sortClause', 'limitCount', 'limitOffset'].some(
      (each) => left[each] !== undefined,
    );
    if (own || text(left['op']) === 'SETOP_NONE' || left['op'] === undefined) {
      arms.unshift(left);
      return { arms, distinct };
    }
    at = left;
  }
}

/** Rows of several sources under the names of the first. */
function merged(reader: Reader, rows: readonly Rows[], name: (cell: Cell, at: number) => string): Rows {
  const control = derive(rows.map((each) => each.control));
  const open = rows.flatMap((each) => (each.open === undefined ? [] : [each.open]));
  const first = rows[0]?.cells ?? [];
  const uneven = rows.some((each) => each.cells.length !== first.length);
  if (open.length > 0 || uneven) {
    const flows = [...open, ...rows.flatMap((each) => each.cells.map((cell) => cell.value.flow))];
    const why = open.length > 0 ? openWhy(open[0] ?? clean) : 'branches with different numbers of columns';
    return openRows(unknown(why, flows), control);
  }
  const cells = first.map((cell, at) => {
    const values = rows.map((each) => each.cells[at]?.value ?? constant);
    return { name: name(cell, at), value: oneOfValues(reader, values) };
  });
  return { cells, control, made: rows.some((each) => each.made === true) };
}

function oneOfValues(reader: Reader, values: readonly Value[]): Value {
  const [first] = values;
  if (values.length === 1 && first !== undefined) return output(first);
  const flows = values.map((each) => each.flow);
  const why = whyMixed(reader, values);
  const flow = why === undefined ? either(flows) : unknown(why, flows);
  const type = values.every((each) => each.type === first?.type) ? first?.type : undefined;
  const scalar = values.every((each) => each.scalar);
  if (type === undefined) return { flow, scalar };
  return { flow, scalar, type: type === oids.unknown ? oids.text : type };
}

function sorted(reader: Reader, fields: Fields, space: Space, rows: Rows): Rows {
  const sorts = list(fields['sortClause']).map((each) =>
    sortFlow(reader, as(each, 'SortBy')?.['node'], space, rows),
  );
  for (const flow of sorts) reader.uses.filter(flow);
  return { ...rows, control: derive([rows.control, ...sorts]) };
}
