import type { ColumnRef } from '../core/action.ts';
import { call, callOf, cast, isCallable, isMore } from './lineage-call.ts';
import {
  type Cell,
  clean,
  compared,
  computed,
  constant,
  derive,
  type Flow,
  keptIn,
  rowOf,
  settled,
  unknown,
  type Value,
} from './lineage-flow.ts';
import {
  arrayOf,
  codeIn,
  namesOf,
  oids,
  operatorsFor,
  shapeOf,
  typeNamed,
  whyImplicit,
  whyMixed,
  whyOpaqueOperator,
} from './lineage-routine.ts';
import {
  findColumn,
  findItem,
  holdEqual,
  itemColumn,
  itemRow,
  listed,
  openWhy,
  type Reader,
  type Space,
  starOf,
} from './lineage-scope.ts';
import { as, type Fields, isNode, list, open, stringOf, text } from './tree.ts';

type Reading = (reader: Reader, fields: Fields, space: Space) => Value;

/** The value of an expression and what flows into it. Nodes that are not in the tables below have unknown lineage. */
export function valueOf(reader: Reader, node: unknown, space: Space): Value {
  if (!isNode(node)) return constant;
  const [type, fields] = open(node);
  const reading = readings[type];
  if (reading !== undefined) return reading(reader, fields, space);
  const flows = flowsIn(reader, fields, space);
  const since = computing[type];
  if (since === undefined || since > reader.catalogue.data.serverMajor) {
    return { flow: unknown('an expression that is not understood', flows), scalar: false };
  }
  return computed(flows);
}

const readings: Readonly<Record<string, Reading>> = {
  A_Const: (_, fields) => constantOf(fields),
  String: () => constant,
  Integer: () => constant,
  Float: () => constant,
  SQLValueFunction: () => constant,
  SetToDefault: () => constant,
  CurrentOfExpr: () => constant,
  // The client's own value; its type is the client's too.
  ParamRef: () => ({ flow: clean, scalar: false }),
  ColumnRef: columnRef,
  A_Expr: operation,
  FuncCall: (reader, fields, space) => call(reader, fields, space).value,
  TypeCast: (reader, fields, space) => {
    const named = typeNamed(reader, fields['typeName'] as Fields | undefined);
    return cast(reader, reader.value(fields['arg'], space), named.type, named.why);
  },
  SubLink: subLink,
  CaseExpr: choice,
  NullTest: (reader, fields, space) => {
    const value = reader.value(fields['arg'], space);
    return isMore(value) ? computed([value.flow]) : { ...computed([]), type: oids.bool };
  },
  GroupingFunc: (reader, fields, space) => {
    flowsIn(reader, fields, space);
    return constant;
  },
  MergeSupportFunc: (reader) =>
    reader.catalogue.data.serverMajor >= 17
      ? constant
      : { flow: unknown('an expression that is not understood'), scalar: false },
  RowExpr: rowExpression,
  A_Indirection: indirection,
  A_ArrayExpr: ofSameKind,
  CoalesceExpr: ofSameKind,
  MinMaxExpr: ofSameKind,
  CollateClause: ofSameKind,
};

/** Nodes that compute a plain value from what is in them and nothing else, with the server version that reads them so. */
const computing: Readonly<Record<string, number>> = {
  BoolExpr: 0,
  BooleanTest: 0,
  A_Indices: 0,
  List: 0,
  XmlExpr: 0,
  XmlSerialize: 0,
  JsonKeyValue: 16,
  JsonValueExpr: 16,
  JsonObjectConstructor: 16,
  JsonArrayConstructor: 16,
  JsonArrayQueryConstructor: 16,
  JsonObjectAgg: 16,
  JsonArrayAgg: 16,
  JsonIsPredicate: 16,
  JsonArgument: 17,
  JsonBehavior: 17,
  JsonFuncExpr: 17,
  JsonParseExpr: 17,
  JsonScalarExpr: 17,
  JsonSerializeExpr: 17,
  ResTarget: 0,
  SortBy: 0,
};

/** Everything that flows out of the expressions anywhere inside: fields may hold nodes, lists, or fields again. */
export function flowsIn(reader: Reader, inside: unknown, space: Space): readonly Flow[] {
  if (Array.isArray(inside)) return inside.flatMap((each) => flowsIn(reader, each, space));
  if (typeof inside !== 'object' || inside === null) return [];
  if (as(inside, 'SelectStmt') !== undefined) {
    const rows = reader.rows(inside, space);
    return [
      ...rows.cells.map((each) => each.value.flow),
      ...(rows.open === undefined ? [] : [rows.open]),
      rows.control,
    ];
  }
  if (isNode(inside)) return [reader.value(inside, space).flow];
  return Object.entries(inside).flatMap(([key, value]) => {
    if (key === 'over' || key === 'agg_filter') reader.uses.filter(derive(flowsIn(reader, value, space)));
    if (key === 'over') return [];
    if (key !== 'typeName') return flowsIn(reader, value, space);
    const why = typeNamed(reader, value as Fields).why;
    return why === undefined ? [] : [unknown(why)];
  });
}

function constantOf(fields: Fields): Value {
  if ('ival' in fields) return { ...constant, type: oids.int4 };
  if ('boolval' in fields) return { ...constant, type: oids.bool };
  return 'fval' in fields || 'bsval' in fields ? constant : { ...constant, type: oids.unknown };
}

/** `a`, `t.a`, `s.t.a`, `t`, `t.*`: transformColumnRef() in parse_expr.c. */
function columnRef(reader: Reader, fields: Fields, space: Space): Value {
  const found = columnMeant(reader, list(fields['fields']), space);
  reader.uses.touch(found.flow);
  return found;
}

function columnMeant(reader: Reader, parts: readonly unknown[], space: Space): Value {
  const star = as(parts.at(-1), 'A_Star') !== undefined;
  const names = namesOf(parts);
  const whole = star ? names : names.slice(0, -1);
  if (whole.length === 0) {
    const name = names[0];
    if (name === undefined) return rowIn(starOf(space.items));
    return findColumn(space, name) ?? wholeRow(space, [name]) ?? missing(name);
  }
  const item = itemNamed(reader, space, whole);
  if (item === undefined) return missing(whole.join('.'));
  const name = names.at(-1);
  if (star || name === undefined) return itemRow(item);
  const column = itemColumn(item, name);
  if (column !== undefined) return column;
  return callOf(reader, { names: [name], values: [itemRow(item)], beside: [], plain: true }).value;
}

/** The item that `t`, `s.t` or `database.s.t` names. */
export function itemNamed(
  reader: Reader,
  space: Space,
  names: readonly string[],
): ReturnType<typeof findItem> {
  const [name = '', schema, database] = names.toReversed();
  if (database !== undefined && database !== reader.catalogue.data.database) return undefined;
  return findItem(space, name, schema);
}

function wholeRow(space: Space, names: readonly [string]): Value | undefined {
  const item = findItem(space, names[0]);
  return item === undefined ? undefined : itemRow(item);
}

function rowIn(star: ReturnType<typeof listed>): Value {
  if (star.open !== undefined) return { flow: star.open, scalar: false };
  return rowOf(star.cells);
}

function missing(name: string): Value {
  const ref = { object: name, column: '*' };
  const from = new Map([[`${name}\0*`, ref]]);
  return {
    flow: unknown('a name that means nothing here', [{ from, through: clean.through }]),
    scalar: false,
  };
}

/** The cells of a list of expressions in which `t.*` stands for all its columns: ROW(…), VALUES (…). */
export function rowCells(
  reader: Reader,
  nodes: readonly unknown[],
  space: Space,
): { readonly cells: readonly Cell[]; readonly open?: Flow } {
  const values: Value[] = [];
  let hidden: Flow | undefined;
  for (const node of nodes) {
    const value = reader.value(node, space);
    const star = as(list(as(node, 'ColumnRef')?.['fields']).at(-1), 'A_Star') !== undefined;
    if (!star) values.push(settled(value));
    else if (value.fields === undefined) hidden = value.flow;
    else values.push(...value.fields.map((each) => each.value));
  }
  const cells = values.map((value, at) => ({ name: `f${at + 1}`, value }));
  if (hidden === undefined) return { cells };
  return { cells: [], open: unknown(openWhy(hidden), [hidden, ...values.map((each) => each.flow)]) };
}

function rowExpression(reader: Reader, fields: Fields, space: Space): Value {
  const { cells, open: hidden } = rowCells(reader, list(fields['args']), space);
  return hidden === undefined ? rowOf(cells) : { flow: hidden, scalar: false };
}

// The operators that stand behind a keyword, which the tree does not name.
const behind: Readonly<Record<string, readonly string[]>> = {
  AEXPR_DISTINCT: ['='],
  AEXPR_NOT_DISTINCT: ['='],
  AEXPR_NULLIF: ['='],
  AEXPR_BETWEEN: ['<=', '>='],
  AEXPR_NOT_BETWEEN: ['<', '>'],
  AEXPR_BETWEEN_SYM: ['<=', '>='],
  AEXPR_NOT_BETWEEN_SYM: ['<', '>'],
};

function operation(reader: Reader, fields: Fields, space: Space): Value {
  const left = fields['lexpr'] === undefined ? undefined : reader.value(fields['lexpr'], space);
  const right = reader.value(fields['rexpr'], space);
  const kind = text(fields['kind']) ?? '';
  if (left !== undefined && isEquality(kind, fields)) {
    const others = list(as(fields['rexpr'], 'List')?.['items']);
    if (others.length === 0) holdEqual(reader, left, right);
    for (const each of others) holdEqual(reader, left, reader.value(each, space));
  }
  const names = behind[kind]?.map((each) => [each]) ?? [namesOf(fields['name'])];
  const found = names.map((each) => operatorsFor(reader, each, left, right));
  const whys = found.map((each) => whyOpaqueOperator(reader, each));
  const operands = left === undefined ? [right] : [left, right];
  const types = (): readonly number[] => found.flat().flatMap((each) => [each.left, each.right]);
  const code = codeIn(
    reader,
    found.flat().flatMap((each) => reader.catalogue.routineByOid(each.routine) ?? []),
  );
  if (code !== undefined)
    reader.uses.code(code.why === undefined ? code.flow : unknown(code.why, [code.flow]), code.planned);
  const why = code?.why ?? whys.find((each) => each !== undefined) ?? whyImplicit(reader, operands, types);
  const flows = [...operands.map((each) => each.flow), ...(code === undefined ? [] : [code.flow])];
  if (code?.writes === true) reader.uses.move(derive(flows), []);
  const scalar = right.scalar && (left?.scalar ?? true);
  if (names.some((each) => failing.has(each.at(-1) ?? ''))) reader.uses.question(derive(flows));
  if (why !== undefined) return { flow: unknown(why, flows), scalar: false };
  if (kind === 'AEXPR_NULLIF') return { flow: derive(flows), scalar: left?.scalar ?? true };
  const routines = found.flat().flatMap((each) => reader.catalogue.routineByOid(each.routine) ?? []);
  // LIKE is whatever operator is called so, which somebody's own can make of any type.
  const bool = routines.every((each) => each.returns === oids.bool) ? { type: oids.bool } : {};
  if (isEquality(kind, fields))
    return { flow: code === undefined ? compared(flows) : derive(flows), scalar: true, ...bool };
  if (kind !== 'AEXPR_OP') return { flow: derive(flows), scalar: true, ...bool };
  const shape = shapeOf(reader, routines, operands);
  const type = shape.kind === 'scalar' && shape.type !== undefined ? { type: shape.type } : {};
  const path = left === undefined ? undefined : pathInto(left.flow, names[0]?.at(-1), fields['rexpr']);
  const kept =
    left?.type === oids.jsonb && ['||', '-', '#-'].includes(names[0]?.at(-1) ?? '')
      ? keptIn(left.flow, flows.slice(1))
      : undefined;
  return {
    flow: path === undefined ? (kept ?? derive(flows)) : { ...derive(flows), path },
    scalar: scalar || shape.kind === 'scalar',
    ...type,
  };
}

/** `profile -> 'a' ->> 'b'`: the column `profile$.a.b`; steps into a list are not told apart. */
function pathInto(flow: Flow, operator: string | undefined, right: unknown): ColumnRef | undefined {
  const base =
    flow.path ?? (flow.bare === undefined ? undefined : { ...flow.bare, column: `${flow.bare.column}$` });
  const constant = as(right, 'A_Const');
  if (base === undefined || constant === undefined) return undefined;
  const value = (constant['sval'] as Fields | undefined)?.['sval'];
  if (operator === '->' || operator === '->>') {
    if ('ival' in constant) return base;
    return typeof value === 'string' ? { ...base, column: `${base.column}.${value}` } : undefined;
  }
  if (operator !== '#>' && operator !== '#>>') return undefined;
  // Only what needs no quotes in an array's text.
  const steps =
    typeof value === 'string' ? /^\{([\w$-]+(?:,[\w$-]+)*)\}$/.exec(value)?.[1]?.split(',') : undefined;
  if (steps === undefined) return undefined;
  return { ...base, column: [base.column, ...steps.filter((each) => !/^-?\d+$/.test(each))].join('.') };
}

/** Operators that fail for some values: whether `1 / (ascii(ssn) - 50)` fails tells of the value. */
const failing: ReadonlySet<string> = new Set(['/', '%', '^', '|/', '<<', '>>']);

const equalities: ReadonlySet<string> = new Set(['AEXPR_OP', 'AEXPR_OP_ANY', 'AEXPR_IN']);

function isEquality(kind: string, fields: Fields): boolean {
  if (kind === 'AEXPR_NOT_DISTINCT') return true;
  return equalities.has(kind) && namesOf(fields['name']).at(-1) === '=';
}

function subLink(reader: Reader, fields: Fields, space: Space): Value {
  const rows = reader.rows(fields['subselect'], space);
  const select = as(fields['subselect'], 'SelectStmt');
  const first = rows.cells[0];
  if (select !== undefined && first !== undefined) reader.firstNames.set(select, first.name);
  const kind = text(fields['subLinkType']);
  // SECURITY: whether a row is there tells as much as what it holds, so its conditions count as sources.
  if (kind === 'EXISTS_SUBLINK') return { ...computed([rows.control]), type: oids.bool };
  const cells = rows.cells.map((each) => each.value);
  const flows = [...cells.map((each) => each.flow), rows.control];
  if (rows.open !== undefined)
    return { flow: unknown(openWhy(rows.open), [rows.open, ...flows]), scalar: false };
  if (kind === 'EXPR_SUBLINK' || kind === 'ARRAY_SUBLINK') {
    const only = cells.length === 1 ? cells[0] : undefined;
    return { flow: derive(flows), scalar: only?.scalar ?? false };
  }
  const test = reader.value(fields['testexpr'], space);
  const names = list(fields['operName']).length === 0 ? ['='] : namesOf(fields['operName']);
  const why = whyOpaqueOperator(reader, operatorsFor(reader, names, test, cells[0] ?? constant));
  if (kind !== 'ANY_SUBLINK' && kind !== 'ALL_SUBLINK') {
    return { flow: unknown('a sub-select that is not understood', [test.flow, ...flows]), scalar: false };
  }
  const control = kind === 'ANY_SUBLINK' && names.at(-1) === '=' && cells.length === 1;
  const asked = control
    ? derive([compared([test.flow, ...cells.map((each) => each.flow)]), rows.control])
    : derive([test.flow, ...flows]);
  reader.uses.filter(asked);
  const row = test.fields?.map((each) => each.value) ?? [test];
  for (const [at, each] of row.entries())
    if (kind === 'ANY_SUBLINK') holdEqual(reader, each, cells[at] ?? constant);
  if (why !== undefined) return { flow: unknown(why, [test.flow, ...flows]), scalar: true };
  return { ...computed([asked]), type: oids.bool };
}

function choice(reader: Reader, fields: Fields, space: Space): Value {
  const subject = fields['arg'] === undefined ? undefined : reader.value(fields['arg'], space);
  const whens = list(fields['args']).map((each) => as(each, 'CaseWhen') ?? {});
  const conditions = whens.map((each) => reader.value(each['expr'], space));
  const results = [...whens.map((each) => each['result']), fields['defresult']];
  const values = results.filter((each) => each !== undefined).map((each) => reader.value(each, space));
  const control = subject === undefined ? conditions : [subject, ...conditions];
  for (const each of control) reader.uses.filter(each.flow);
  const whys =
    subject === undefined
      ? []
      : conditions.map((each) => whyOpaqueOperator(reader, operatorsFor(reader, ['='], subject, each)));
  const why = whys.find((each) => each !== undefined);
  const flows = [...control, ...values].map((each) => each.flow);
  const scalar = values.every((each) => each.scalar);
  const mixed = why ?? whyMixed(reader, values);
  return { flow: mixed === undefined ? derive(flows) : unknown(mixed, flows), scalar, ...commonType(values) };
}

/** Literals without a type are text once they are brought to one type (select_common_type). */
function commonType(values: readonly Value[]): { readonly type?: number } {
  const type = values[0]?.type;
  if (type === undefined || !values.every((each) => each.type === type)) return {};
  return { type: type === oids.unknown ? oids.text : type };
}

/** One of several values of one type, or an array of them. */
function ofSameKind(reader: Reader, fields: Fields, space: Space): Value {
  const parts = [...list(fields['elements']), ...list(fields['args']), fields['arg']];
  const values = parts.filter((each) => each !== undefined).map((each) => reader.value(each, space));
  const flows = values.map((each) => each.flow);
  const scalar = values.every((each) => each.scalar);
  const why = whyMixed(reader, values);
  if (why !== undefined) return { flow: unknown(why, flows), scalar: false };
  const { type } = commonType(values);
  if (fields['elements'] === undefined) {
    const [first, ...rest] = flows;
    // COALESCE(x, 'none'): x as it is, or what the client said.
    const kept = first === undefined ? undefined : keptIn(first, rest);
    return { flow: kept ?? derive(flows), scalar, ...(type === undefined ? {} : { type }) };
  }
  const array = type === undefined ? undefined : arrayOf(reader.catalogue, type);
  return { ...computed(flows, scalar), ...(array === undefined ? {} : { type: array }) };
}

function indirection(reader: Reader, fields: Fields, space: Space): Value {
  let value = reader.value(fields['arg'], space);
  for (const step of list(fields['indirection'])) value = stepInto(reader, value, step, space);
  return value;
}

/** `(x).name`, `x[1]`; `(x).*` stays the row. */
export function stepInto(reader: Reader, value: Value, step: unknown, space: Space): Value {
  if (as(step, 'A_Star') !== undefined) return value;
  const name = stringOf(step);
  if (name === undefined) return computed([value.flow, ...flowsIn(reader, step, space)], value.scalar);
  const field = value.fields?.find((each) => each.name === name);
  if (field !== undefined) return field.value;
  // A row whose fields are not known can have one of that name: what flows into the row flows into the field.
  if (value.fields === undefined && !isCallable(reader, name, value))
    return { flow: derive([value.flow]), scalar: false };
  return callOf(reader, { names: [name], values: [value], beside: [], plain: true }).value;
}
