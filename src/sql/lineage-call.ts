import {
  type Cell,
  computed,
  derive,
  type Flow,
  isClean,
  keptIn,
  unknown,
  type Value,
} from './lineage-flow.ts';
import {
  namesOf,
  routinesFor,
  type Shape,
  shapeOf,
  isScalar,
  rowRelation,
  typeNamed,
  codeIn,
  whyOpaqueCall,
  whyImplicit,
  whyOpaqueCast,
} from './lineage-routine.ts';
import { isOwn, remembers, voidsIn } from './functions.ts';
import type { Reader, Space } from './lineage-scope.ts';
import { holdsFreeText } from './lineage-system.ts';
import type { Routine, Type } from './catalogue.ts';
import { as, type Fields, list, stringOf, text } from './tree.ts';

/** What a call gives, and how it stands in FROM. */
export interface Called {
  readonly value: Value;
  readonly shape: Shape;
}

/** A FuncCall by its fields. */
export function call(reader: Reader, fields: Fields, space: Space): Called {
  const args = list(fields['args']);
  const direct = args.map((each) => reader.value(as(each, 'NamedArgExpr')?.['arg'] ?? each, space));
  const order = list(fields['agg_order']).map((each) => reader.value(as(each, 'SortBy')?.['node'], space));
  // WITHIN GROUP (ORDER BY x): what is sorted stands among the parameters.
  const within = fields['agg_within_group'] === true;
  const values = within ? [...direct, ...order] : direct;
  const beside = [...(within ? [] : order.map((each) => each.flow)), ...filterOf(reader, fields, space)];
  for (const flow of [...order.map((each) => each.flow), ...beside]) reader.uses.filter(flow);
  // How many different ones there are is a question about the values.
  if (fields['agg_distinct'] === true) reader.uses.filter(derive(values.map((each) => each.flow)));
  const names = namesOf(fields['funcname']);
  const plain = beside.length === 0 && fields['over'] === undefined && fields['agg_star'] !== true;
  // Arguments by name can stand in any order: their types then say nothing of the place.
  const byName = args.some((each) => as(each, 'NamedArgExpr') !== undefined);
  return callOf(reader, {
    names,
    values,
    beside,
    plain,
    byName,
    setting: literal(args[0]),
    voids: voidsIn(args),
  });
}

export interface Call {
  readonly names: readonly string[];
  readonly values: readonly Value[];
  /** ORDER BY and FILTER of an aggregate: they decide what it gives. */
  readonly beside: readonly Flow[];
  /** Nothing but arguments: it may be a field or a cast in a call's clothes. */
  readonly plain: boolean;
  readonly byName?: boolean;
  readonly setting?: string | undefined;
  /** voidsIn() */
  readonly voids?: number;
}

export function callOf(reader: Reader, made: Call): Called {
  const { names, values, beside } = made;
  const placed = made.byName === true ? values.map(({ flow, scalar }) => ({ flow, scalar })) : values;
  const routines = routinesFor(reader, names, placed, made.voids);
  if (routines.length === 0 && made.plain && values.length === 1 && values[0] !== undefined) {
    return inDisguise(reader, names, values[0]);
  }
  const code = codeIn(reader, routines);
  if (code !== undefined)
    reader.uses.code(code.why === undefined ? code.flow : unknown(code.why, [code.flow]), code.planned);
  const all = [...values.map((each) => each.flow), ...beside, ...(code === undefined ? [] : [code.flow])];
  // What code of somebody's own reads and is given, it can put anywhere.
  if (code?.writes === true || routines.some(remembers)) reader.uses.move(derive(all), []);
  const why =
    whyOpaqueCall(reader, routines) ??
    implicitCast(reader, routines, values) ??
    setting(routines, made.setting);
  if (routines.some((each) => each.kind === 'aggregate' && !gathering.test(each.name)))
    reader.uses.question(derive(all));
  const shape = shapeOf(reader, routines, placed);
  if (why !== undefined) return { value: shaped(unknown(why, all), shape), shape };
  const flows = isCount(routines) ? [...values.filter(isMore).map((each) => each.flow), ...beside] : all;
  const [first, ...rest] = flows;
  const kept = first === undefined || !routines.every(keepsPlaces) ? undefined : keptIn(first, rest);
  return { value: shaped(kept ?? derive(flows), shape), shape };
}

/** What it leaves of its first argument, a document, stands where it stood. */
function keepsPlaces(routine: Routine): boolean {
  return isOwn(routine) && /^jsonb_(?:set|set_lax|insert|strip_nulls)$/.test(routine.name);
}

/** Aggregates that keep every value, so that their masked answer tells nothing; count() says how many. */
const gathering = /^(?:count|array_agg|string_agg|xmlagg|jsonb?_(?:object_)?agg(?:_\w+)?)$/;

/** `name(t)` is `t.name`, and `jsonb(x)` a cast, where no function is called so. */
function inDisguise(reader: Reader, names: readonly string[], value: Value): Called {
  const name = names.length === 1 ? names[0] : undefined;
  const field = value.fields?.find((each) => each.name === name)?.value;
  if (field !== undefined) return { value: field, shape: { kind: 'open' } };
  const target = typeNamed(reader, { names: names.map((sval) => ({ String: { sval } })) });
  if (target.type === undefined) {
    return {
      value: { flow: unknown('a function that the catalogue does not have', [value.flow]), scalar: false },
      shape: { kind: 'open' },
    };
  }
  return { value: cast(reader, value, target.type, target.why), shape: { kind: 'open' } };
}

/** Whether `(x).name` can be a call or a cast. */
export function isCallable(reader: Reader, name: string, value: Value): boolean {
  if (routinesFor(reader, [name], [value]).length > 0) return true;
  return typeNamed(reader, { names: [{ String: { sval: name } }] }).type !== undefined;
}

/** A value converted to a type (undefined: one that is not in the catalogue). */
export function cast(
  reader: Reader,
  value: Value,
  type: Type | undefined,
  opaque: string | undefined,
): Value {
  const why =
    opaque ??
    (type === undefined ? 'a type that the catalogue does not have' : whyOpaqueCast(reader, value, type));
  const flow = why === undefined ? derive([value.flow]) : unknown(why, [value.flow]);
  if (type === undefined) return { flow, scalar: false };
  // Whether a value can be read as a number, a date and so on tells of it; as text all can.
  if (type.oid !== value.type && !textual.has(type.name)) reader.uses.question(flow);
  const row = rowRelation(reader.catalogue, type.oid);
  const known = { flow, scalar: isScalar(reader.catalogue, type.oid), type: type.oid };
  if (row === undefined || row.array) return known;
  const fields = row.relation.columns.map((each) => ({ name: each.name, value: { flow, scalar: false } }));
  return { ...known, fields };
}

const textual: ReadonlySet<string> = new Set(['text', 'varchar', 'name', 'citext', 'json', 'jsonb', 'bytea']);

function shaped(flow: Flow, shape: Shape): Value {
  if (shape.kind === 'scalar')
    return { flow, scalar: true, ...(shape.type === undefined ? {} : { type: shape.type }) };
  if (shape.kind !== 'row') return { flow, scalar: false };
  const fields: readonly Cell[] = shape.names.map((name) => ({ name, value: { flow, scalar: false } }));
  return { flow, fields, scalar: false };
}

function filterOf(reader: Reader, fields: Fields, space: Space): readonly Flow[] {
  const over = fields['over'];
  if (typeof over === 'object' && over !== null)
    reader.uses.filter(windowFlow(reader, over as Fields, space));
  return fields['agg_filter'] === undefined ? [] : [reader.value(fields['agg_filter'], space).flow];
}

/** What orders and parts a window. */
export function windowFlow(reader: Reader, window: Fields, space: Space): Flow {
  const parts = [
    ...list(window['partitionClause']),
    ...list(window['orderClause']).map((each) => as(each, 'SortBy')?.['node']),
    window['startOffset'],
    window['endOffset'],
  ];
  return computed(parts.filter((each) => each !== undefined).map((each) => reader.value(each, space).flow))
    .flow;
}

function implicitCast(
  reader: Reader,
  routines: readonly Routine[],
  values: readonly Value[],
): string | undefined {
  return whyImplicit(reader, values, () => routines.flatMap((each) => each.arguments));
}

// count(column) says how many, not what; count(CASE …) is a question about the values.
function isCount(routines: readonly Routine[]): boolean {
  return routines.every((each) => each.name === 'count' && isOwn(each));
}

/** More than a stored value, present or not: something computed, whose being NULL tells of what it was computed from. */
export function isMore(value: Value): boolean {
  return value.flow.bare === undefined && value.row !== true && !isClean(value.flow);
}

function setting(routines: readonly Routine[], name: string | undefined): string | undefined {
  if (!routines.some((each) => each.name === 'current_setting')) return undefined;
  return name === undefined || holdsFreeText(name)
    ? 'a setting can have been filled with any text'
    : undefined;
}

function literal(node: unknown): string | undefined {
  const value = as(node, 'A_Const')?.['sval'];
  return typeof value === 'object' && value !== null ? text((value as Fields)['sval']) : stringOf(node);
}
