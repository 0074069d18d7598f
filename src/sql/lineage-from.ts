import { call } from './lineage-call.ts';
import { flowsIn } from './lineage-expression.ts';
import {
  alsoOf,
  type Cell,
  clean,
  compared,
  computed,
  constant,
  derive,
  type Flow,
  openRows,
  renamed,
  type Rows,
  unknown,
  type Value,
} from './lineage-flow.ts';
import { condition, decided, holdMerged, placed } from './lineage-held.ts';
import { outputName } from './lineage-name.ts';
import { type Alias, aliasOf, relationItem } from './lineage-relation.ts';
import { isScalar, namesOf, typeNamed } from './lineage-routine.ts';
import {
  cellsNamed,
  findCte,
  holdEqual,
  type Item,
  itemOf,
  listed,
  openWhy,
  type Reader,
  type Space,
  withItems,
} from './lineage-scope.ts';
import { as, type Fields, isNode, list, open, stringOf, text } from './tree.ts';

/** One entry of FROM: what it is as a whole, and all that can be named because of it. */
export interface Entry {
  readonly whole: Item;
  readonly items: readonly Item[];
  /** What decides which rows it has. */
  readonly control: Flow;
}

export interface From {
  readonly items: readonly Item[];
  readonly control: Flow;
}

/** The entries of a FROM clause, left to right: each LATERAL one sees those before it. */
export function fromClause(reader: Reader, entries: readonly unknown[], space: Space): From {
  let items = space.items;
  const controls: Flow[] = [];
  for (const node of entries) {
    const entry = fromEntry(reader, node, withItems(space, items));
    items = [...items, ...entry.items];
    controls.push(entry.control);
  }
  return { items, control: derive(controls) };
}

/** `space.items`: what stands to the left; only LATERAL entries see it. */
export function fromEntry(reader: Reader, node: unknown, space: Space): Entry {
  if (!reader.enter()) return single(strange('too long to be followed'));
  try {
    const [type, fields] = isNode(node) ? open(node) : (['', {}] as const);
    const reading = readings[type];
    if (reading === undefined) return single(strange('something in FROM that is not understood'));
    const entry = reading(reader, fields, space);
    if (type !== 'JoinExpr') decided(reader, node, space, entry.control);
    if (type === 'JoinExpr' || type === 'RangeTableSample') return entry;
    return single(placed(reader, node, entry.whole), entry.control);
  } finally {
    reader.leave();
  }
}

const readings: Readonly<Record<string, (reader: Reader, fields: Fields, space: Space) => Entry>> = {
  RangeVar: (reader, fields, space) => relationOrCte(reader, fields, space),
  RangeSubselect: subselect,
  RangeFunction: functions,
  RangeTableFunc: xmlTable,
  JsonTable: jsonTable,
  RangeTableSample: (reader, fields, space) => {
    const control = derive(flowsIn(reader, [fields['args'], fields['repeatable']], space));
    reader.uses.filter(control);
    const entry = fromEntry(reader, fields['relation'], space);
    return { ...entry, control: derive([entry.control, control]) };
  },
  JoinExpr: join,
};

function single(whole: Item, control: Flow = clean): Entry {
  return { whole, items: [whole], control };
}

function strange(why: string, flows: readonly Flow[] = []): Item {
  return itemOf(openRows(unknown(why, flows)), undefined);
}

function relationOrCte(reader: Reader, fields: Fields, space: Space): Entry {
  const name = text(fields['relname']) ?? '';
  const cte = fields['schemaname'] === undefined ? findCte(space, name) : undefined;
  if (cte === undefined) return single(relationItem(reader, fields));
  const rows = cte();
  return single(aliased(rows, aliasOf(fields['alias']), name), rows.control);
}

function aliased(rows: Rows, alias: Alias, name: string | undefined): Item {
  return itemOf({ ...rows, cells: renamed(rows.cells, alias.columns) }, alias.name ?? name);
}

/** What an entry that is not LATERAL sees: the outer levels, not its neighbours. */
function alone(space: Space): Space {
  return withItems(space, []);
}

function subselect(reader: Reader, fields: Fields, space: Space): Entry {
  const rows = reader.rows(fields['subquery'], fields['lateral'] === true ? space : alone(space));
  return single(aliased(rows, aliasOf(fields['alias']), undefined), rows.control);
}

/** f(…), ROWS FROM (f(…), g(…)), WITH ORDINALITY. Functions see their neighbours without the word LATERAL. */
function functions(reader: Reader, fields: Fields, space: Space): Entry {
  const alias = aliasOf(fields['alias']);
  const entries = list(fields['functions']).flatMap((each) => unnested(list(as(each, 'List')?.['items'])));
  const outer = list(fields['coldeflist']);
  const parts = entries.map(([node, definitions]) =>
    oneFunction(reader, node, outer.length > 0 ? outer : definitions, space),
  );
  const only = parts.length === 1;
  const cells = parts.flatMap(({ columns, name, ownName }) => {
    if (columns.kind === 'rows') return columns.cells;
    return [{ name: ownName ?? (only ? alias.name : undefined) ?? name, value: columns.value }];
  });
  const unlisted = parts.flatMap(({ columns }) =>
    columns.kind === 'rows' && columns.open !== undefined ? [columns.open] : [],
  );
  const control = rowsBy(
    reader,
    parts.map(({ flow }) => flow),
  );
  const ordinality = fields['ordinality'] === true ? [{ name: 'ordinality', value: constant }] : [];
  const rows: Rows =
    unlisted.length > 0
      ? openRows(
          unknown(openWhy(unlisted[0] ?? clean), [...unlisted, ...cells.map((each) => each.value.flow)]),
          control,
        )
      : { cells: [...cells, ...ordinality], control };
  return single(aliased({ ...rows, made: true }, alias, parts[0]?.name), control);
}

/**
 * SECURITY: how many rows a function gives tells of its arguments: `generate_series(1, ascii(ssn))` counts out a value
 * that is masked wherever it is shown.
 */
function rowsBy(reader: Reader, flows: readonly Flow[]): Flow {
  const control = countedOut(flows);
  reader.uses.filter(control);
  return control;
}

/** The columns in these flows as what decides how many rows there are. What cannot be told of a value is no row more. */
export function countedOut(flows: readonly Flow[]): Flow {
  const { from, through } = derive(flows);
  return { from, through };
}

// unnest(a, b) in FROM stands for ROWS FROM (unnest(a), unnest(b)): transformRangeFunction().
function unnested(pair: readonly unknown[]): readonly (readonly [unknown, readonly unknown[]])[] {
  const [node, definitions] = pair;
  const defined = list(as(definitions, 'List')?.['items']);
  const fields = as(node, 'FuncCall');
  const args = list(fields?.['args']);
  const names = namesOf(fields?.['funcname']);
  if (fields === undefined || names.length !== 1 || names[0] !== 'unnest' || args.length < 2) {
    return [[node, defined]];
  }
  return args.map((arg) => [{ FuncCall: { ...fields, args: [arg] } }, []]);
}

type FunctionColumns =
  | { readonly kind: 'rows'; readonly cells: readonly Cell[]; readonly open?: Flow }
  /** One column, whose name the alias can give. */
  | { readonly kind: 'one'; readonly value: Value };

interface FunctionPart {
  readonly columns: FunctionColumns;
  readonly name: string;
  /** All that flows into it. */
  readonly flow: Flow;
  /** The name its single OUT parameter has. */
  readonly ownName?: string;
}

function oneFunction(
  reader: Reader,
  node: unknown,
  definitions: readonly unknown[],
  space: Space,
): FunctionPart {
  const name = outputName(node, reader.firstNames);
  const fields = as(node, 'FuncCall');
  const called = fields === undefined ? undefined : call(reader, fields, space);
  const value = called?.value ?? reader.value(node, space);
  if (definitions.length > 0) {
    const cells = definitions.map((each) => defined(reader, as(each, 'ColumnDef') ?? {}, [value.flow]));
    return { columns: { kind: 'rows', cells }, name, flow: value.flow };
  }
  const shape = called?.shape;
  if (shape?.kind === 'scalar') {
    const ownName = shape.name === undefined ? {} : { ownName: shape.name };
    return { columns: { kind: 'one', value }, name, flow: value.flow, ...ownName };
  }
  const { flow } = value;
  if (value.fields !== undefined) return { columns: { kind: 'rows', cells: value.fields }, name, flow };
  if (value.scalar) return { columns: { kind: 'one', value }, name, flow };
  const hidden = unknown(value.flow.why ?? 'a function whose columns cannot be listed', [value.flow]);
  return { columns: { kind: 'rows', cells: [], open: hidden }, name, flow };
}

function defined(reader: Reader, definition: Fields, flows: readonly Flow[]): Cell {
  const named = typeNamed(reader, definition['typeName'] as Fields | undefined);
  const flow = named.why === undefined ? derive(flows) : unknown(named.why, flows);
  const scalar = named.type !== undefined && isScalar(reader.catalogue, named.type.oid);
  return { name: text(definition['colname'] ?? definition['name']) ?? '', value: { flow, scalar } };
}

function xmlTable(reader: Reader, fields: Fields, space: Space): Entry {
  const common = flowsIn(reader, [fields['docexpr'], fields['rowexpr'], fields['namespaces']], space);
  const cells = list(fields['columns']).map((node) => {
    const column = as(node, 'RangeTableFuncCol') ?? {};
    const name = text(column['colname']) ?? '';
    if (column['for_ordinality'] === true) return { name, value: computed(common) };
    const own = flowsIn(reader, [column['colexpr'], column['coldefexpr']], space);
    return defined(reader, column, [...common, ...own]);
  });
  const alias = aliasOf(fields['alias']);
  const control = rowsBy(reader, common);
  return single(aliased({ cells, control, made: true }, alias, 'xmltable'), control);
}

function jsonTable(reader: Reader, fields: Fields, space: Space): Entry {
  const alias = aliasOf(fields['alias']);
  if (reader.catalogue.data.serverMajor < 17) return single(strange('JSON_TABLE before PostgreSQL 17'));
  const common = flowsIn(
    reader,
    [fields['context_item'], fields['pathspec'], fields['passing'], fields['on_error']],
    space,
  );
  const cells = jsonColumns(reader, list(fields['columns']), common, space);
  const control = rowsBy(reader, common);
  return single(aliased({ cells, control, made: true }, alias, 'json_table'), control);
}

// The columns of NESTED come after those of the level around it: transformJsonTableColumns() in parse_jsontable.c.
function jsonColumns(
  reader: Reader,
  nodes: readonly unknown[],
  common: readonly Flow[],
  space: Space,
): readonly Cell[] {
  const columns = nodes.map((each) => as(each, 'JsonTableColumn') ?? {});
  const here = columns.filter((each) => each['coltype'] !== 'JTC_NESTED');
  const nested = columns.filter((each) => each['coltype'] === 'JTC_NESTED');
  const own = here.map((column) => {
    const name = text(column['name']) ?? '';
    if (column['coltype'] === 'JTC_FOR_ORDINALITY') return { name, value: computed(common) };
    const flows = flowsIn(reader, [column['pathspec'], column['on_empty'], column['on_error']], space);
    return defined(reader, { ...column, colname: name }, [...common, ...flows]);
  });
  return [...own, ...nested.flatMap((each) => jsonColumns(reader, list(each['columns']), common, space))];
}

function join(reader: Reader, fields: Fields, space: Space): Entry {
  const left = fromEntry(reader, fields['larg'], space);
  const right = fromEntry(reader, fields['rarg'], withItems(space, [...space.items, ...left.items]));
  const merged = mergedNames(fields, left.whole, right.whole);
  const usingCells = merged.names.map((name) => mergedCell(reader, name, [left.whole, right.whole], fields));
  const rest = [left.whole, right.whole].flatMap((item) =>
    item.cells.filter((each) => !merged.names.includes(each.name)),
  );
  const { open: hidden } = listed([left.whole, right.whole]);
  // Which columns NATURAL merges cannot be told where one side's are not known.
  const cells = fields['isNatural'] === true && hidden !== undefined ? [] : [...usingCells, ...rest];
  const arms = [...left.items, ...right.items];
  const on =
    fields['quals'] === undefined ? clean : condition(reader, fields['quals'], withItems(space, arms));
  const control = derive([on, ...usingCells.map((each) => compared([each.value.flow]))]);
  reader.uses.filter(control);
  const all = derive([left.control, right.control, control]);
  const alias = aliasOf(fields['alias']);
  const whole: Item = {
    ...(alias.name === undefined ? {} : { name: alias.name }),
    cells: renamed(cells, alias.columns),
    ...(hidden === undefined ? {} : { open: hidden }),
    system: false,
    bare: true,
    made: left.whole.made === true || right.whole.made === true,
  };
  if (alias.name !== undefined) return { whole, items: [whole], control: all };
  const named = [...arms.map((each) => ({ ...each, bare: false })), whole];
  const usingAlias = aliasOf(fields['join_using_alias']).name;
  const extra =
    usingAlias === undefined ? [] : [{ name: usingAlias, cells: usingCells, system: false, bare: false }];
  return { whole, items: [...named, ...extra], control: all };
}

function mergedNames(fields: Fields, left: Item, right: Item): { readonly names: readonly string[] } {
  const using = list(fields['usingClause']).flatMap((each) => stringOf(each) ?? []);
  if (fields['isNatural'] !== true) return { names: using };
  const names = left.cells
    .map((each) => each.name)
    .filter((name) => right.cells.some((each) => each.name === name));
  return { names: [...new Set(names)] };
}

// Both sides are equal where they are merged: the one shown holds the other's value too.
function mergedCell(reader: Reader, name: string, sides: readonly [Item, Item], fields: Fields): Cell {
  const [left, right] = sides.map((side) => {
    const found = cellsNamed(side, name);
    if (found.length === 1 && found[0] !== undefined) return found[0];
    return {
      flow: unknown('a column that is not there', side.open === undefined ? [] : [side.open]),
      scalar: false,
    };
  });
  const type = text(fields['jointype']) ?? 'JOIN_INNER';
  const [shown, other] = type === 'JOIN_RIGHT' ? [right, left] : [left, right];
  if (shown === undefined || other === undefined) return { name, value: constant };
  reader.uses.filter(compared([other.flow]));
  holdEqual(reader, shown, other);
  holdMerged(reader, shown, other);
  // The server shows one side as it is only where both have one type; FULL shows whichever is there.
  const asIs = type !== 'JOIN_FULL' && shown.type !== undefined && shown.type === other.type;
  const flow = asIs ? alsoOf(shown.flow, other.flow) : derive([shown.flow, other.flow]);
  return {
    name,
    value: { flow, scalar: shown.scalar, ...(asIs && shown.type !== undefined ? { type: shown.type } : {}) },
  };
}
