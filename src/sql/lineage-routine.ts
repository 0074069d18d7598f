import type { ColumnRef } from '../core/action.ts';
import type { Cast, Catalogue, Operator, Relation, Routine, Type } from './catalogue.ts';
import type { Reader } from './lineage-scope.ts';
import { columns, type Flow, type Value } from './lineage-flow.ts';
import { reachOfRoutine, reachOfRun } from './reach.ts';
import { doingOf, firstUserOid, isOwn } from './functions.ts';
import { tellsOfOthers } from './lineage-system.ts';
import { schemasFor } from './names.ts';
import { type Fields, list, stringOf } from './tree.ts';

export const oids = { bool: 16, int4: 23, text: 25, unknown: 705, record: 2249, jsonb: 3802 } as const;

/** What stands in these schemas and came with PostgreSQL. */
export function isOwnThing(schema: string, oid: number): boolean {
  return (schema === 'pg_catalog' || schema === 'information_schema') && oid < firstUserOid;
}

/** The strings of a dotted name. */
export function namesOf(value: unknown): readonly string[] {
  return list(value).flatMap((each) => stringOf(each) ?? []);
}

/** Where a possibly qualified name can be: the schemas, and the last name. */
function places(
  reader: Reader,
  names: readonly string[],
  kind: 'type' | 'function' | 'operator',
): readonly [readonly string[], string] {
  return [schemasFor(reader.scope, names.at(-2), kind), names.at(-1) ?? ''];
}

/** Every routine that a call with these arguments could mean, of which so many may not count (voidsIn). */
export function routinesFor(
  reader: Reader,
  names: readonly string[],
  args: readonly Value[],
  voids = 0,
): readonly Routine[] {
  const [schemas, name] = places(reader, names, 'function');
  const called = schemas.flatMap((schema) => reader.catalogue.routines(schema, name));
  const counted = called.filter((each) => takes(each, args.length));
  const fewer =
    voids === 0
      ? []
      : called.filter((each) =>
          Array.from({ length: voids }).some((_, at) => takes(each, args.length - at - 1)),
        );
  if (args.length === 0) return counted;
  // An exact match is always preferred (func_get_detail), whatever else could be coerced.
  const exact = counted.filter(
    (each) =>
      each.arguments.length === args.length && each.arguments.every((type, at) => type === args[at]?.type),
  );
  if (exact.length > 0) return exact;
  const fitting = counted.filter((each) =>
    args.every((arg, at) => each.variadic || accepts(reader, each.arguments[at], arg.type)),
  );
  const found = fitting.length > 0 ? fitting : counted;
  return fewer.length === 0 ? found : [...new Set([...found, ...fewer])];
}

function takes(routine: Routine, count: number): boolean {
  const most = routine.arguments.length;
  if (routine.variadic && count >= most - 1 - routine.defaults) return true;
  return count <= most && count >= most - routine.defaults;
}

interface Code {
  readonly flow: Flow;
  readonly why?: string;
  readonly writes: boolean;
  /** The planner may run it and put what it gives into the plan, or what it calls (inline_function in clauses.c). */
  readonly planned: boolean;
}

/** What code of somebody's own among these can read and put elsewhere; `why` where that cannot be told. */
export function codeIn(reader: Reader, routines: readonly Routine[]): Code | undefined {
  const own = routines.filter((each) => runsCode(reader.catalogue, each));
  if (own.length === 0) return undefined;
  const refs: ColumnRef[] = [];
  let writes = false;
  const planned = own.some((each) => each.volatility === 'immutable' || each.language === 'sql');
  for (const routine of own) {
    const reach = isOwn(routine) ? undefined : reachOfRoutine(reader.catalogue, routine);
    if (reach === undefined) {
      const why = `${routine.schema}.${routine.name} can give more than its arguments`;
      return {
        flow: { from: columns([{ object: '*', column: '*' }]), through: columns([]) },
        why,
        writes: true,
        planned,
      };
    }
    refs.push(...reach.reads);
    writes ||= reach.writes;
  }
  return { flow: { from: columns(refs), through: columns([]) }, writes, planned };
}

function runsCode(catalogue: Catalogue, routine: Routine): boolean {
  const { access, why } = doingOf(routine, catalogue);
  if (isOwn(routine)) return why?.startsWith('runs SQL') === true;
  return access !== 'read' && access !== 'write';
}

/** Why what these give cannot be told from their arguments; undefined if it can. */
export function whyOpaque(reader: Reader, routines: readonly Routine[]): string | undefined {
  if (routines.length === 0) return 'a function that the catalogue does not have';
  for (const routine of routines) {
    const why = opacity(reader.catalogue, routine);
    if (why !== undefined) return why;
  }
  return undefined;
}

/** The same for a call, where code of somebody's own whose reach is known counts as reading just that. */
export function whyOpaqueCall(reader: Reader, routines: readonly Routine[]): string | undefined {
  const code = codeIn(reader, routines);
  if (code?.why !== undefined) return code.why;
  const rest = routines.filter((each) => !runsCode(reader.catalogue, each));
  return code !== undefined && rest.length === 0 ? undefined : whyOpaque(reader, rest);
}

function opacity(catalogue: Catalogue, routine: Routine): string | undefined {
  // It gives back what it was given.
  if (isOwn(routine) && routine.name === 'set_config') return undefined;
  const { access } = doingOf(routine, catalogue);
  // Those that write (nextval, advisory locks) give a fact of what they did.
  const computes = access === 'read' || (access === 'write' && isOwn(routine));
  if (computes && !(isOwn(routine) && tellsOfOthers(routine.name))) return undefined;
  return `${routine.schema}.${routine.name} can give more than its arguments`;
}

export function operatorsFor(
  reader: Reader,
  names: readonly string[],
  left: Value | undefined,
  right: Value | undefined,
): readonly Operator[] {
  const [schemas, name] = places(reader, names, 'operator');
  const [a, b] = operandTypes(left?.type, right?.type);
  const fitting: Operator[] = [];
  const exact: Operator[] = [];
  for (const schema of schemas) {
    for (const each of reader.catalogue.operators(schema, name)) {
      if ((each.left === 0) !== (left === undefined)) continue;
      fitting.push(each);
      if (b !== undefined && each.right === b && (left === undefined || each.left === a)) exact.push(each);
    }
  }
  if (exact.length > 0) return exact;
  const taking = fitting.filter(
    (each) =>
      (left === undefined || accepts(reader, each.left, left.type)) &&
      accepts(reader, each.right, right?.type),
  );
  return taking.length > 0 ? taking : fitting;
}

/** A literal takes the type of the other side (binary_oper_exact). */
function operandTypes(
  left: number | undefined,
  right: number | undefined,
): readonly [number | undefined, number | undefined] {
  if (left === oids.unknown) return [right, right];
  if (right === oids.unknown) return [left, left];
  return [left, right];
}

export function whyOpaqueOperator(reader: Reader, operators: readonly Operator[]): string | undefined {
  if (operators.length === 0) return 'an operator that the catalogue does not have';
  for (const operator of operators) {
    if (isOwnThing(operator.schema, operator.oid)) continue;
    const routine = reader.catalogue.routineByOid(operator.routine);
    const why =
      routine === undefined ? 'an operator without a known function' : whyOpaqueCall(reader, [routine]);
    if (why !== undefined) return why;
  }
  return undefined;
}

export interface NamedType {
  readonly type?: Type;
  /** Why a value of it cannot be told from what was converted. */
  readonly why?: string;
}

/** The type a TypeName means. */
export function typeNamed(reader: Reader, typeName: Fields | undefined): NamedType {
  const [schemas, name] = places(reader, namesOf(typeName?.['names']), 'type');
  if (typeName === undefined || typeName['pct_type'] === true) return { why: 'a type that is not named' };
  const isArray = list(typeName['arrayBounds']).length > 0;
  for (const schema of schemas) {
    const element = reader.catalogue.type(schema, name);
    if (element === undefined) continue;
    const type = isArray ? reader.catalogue.type(schema, arrayName(element)) : element;
    const why = whyOpaqueType(reader, element);
    spillOf(reader, element.oid);
    return { ...(type === undefined ? {} : { type }), ...(why === undefined ? {} : { why }) };
  }
  return { why: 'a type that the catalogue does not have' };
}

/**
 * SECURITY: making a value of a domain runs its checks, wherever in the statement the value comes from. Where these can
 * write, all that the statement uses can be put anywhere.
 */
export function spillOf(reader: Reader, type: number): void {
  for (const run of reader.catalogue.typeByOid(type)?.runs ?? [])
    if (reachOfRun(reader.catalogue, run)?.writes !== false) reader.uses.spill();
}

// makeArrayTypeName() puts an underscore before it and cuts at 63 bytes; a clash gives another name, then the oid stays unknown.
function arrayName(element: Type): string {
  return `_${element.name}`.slice(0, 63);
}

function whyOpaqueType(reader: Reader, type: Type): string | undefined {
  for (const name of type.runs) {
    const dot = name.indexOf('.');
    const bare = name.replace(/\(.*$/, '');
    const why = whyOpaque(reader, reader.catalogue.routines(bare.slice(0, dot), bare.slice(dot + 1)));
    if (why !== undefined) return why;
  }
  return undefined;
}

/** Whether a value of this type can stand for a parameter of that one: false only where the server surely refuses it (can_coerce_type). */
function accepts(reader: Reader, parameter: number | undefined, given: number | undefined): boolean {
  if (parameter === undefined || given === undefined || given === oids.unknown || given === parameter)
    return true;
  const { catalogue } = reader;
  const [wanted, type] = [unwrapped(catalogue, parameter), unwrapped(catalogue, given)];
  if (wanted === undefined || type === undefined || wanted.oid === type.oid) return true;
  if (wanted.kind === 'pseudo') return acceptsAny(wanted.name, type);
  if (type.kind === 'pseudo' || (type.kind === 'composite' && wanted.kind === 'composite')) return true;
  const { targets } = castsOf(catalogue);
  if (targets.get(type.oid)?.has(wanted.oid) === true || targets.get(given)?.has(parameter) === true)
    return true;
  return type.element !== 0 && wanted.element !== 0 && accepts(reader, wanted.element, type.element);
}

function acceptsAny(pseudo: string, type: Type): boolean {
  if (pseudo.endsWith('array')) return pseudo.endsWith('nonarray') ? type.element === 0 : type.element !== 0;
  if (pseudo.endsWith('multirange')) return type.kind === 'multirange';
  if (pseudo.endsWith('range')) return type.kind === 'range';
  if (pseudo === 'anyenum') return type.kind === 'enum';
  if (pseudo === 'record') return type.kind === 'composite';
  return true;
}

interface Casts {
  /** By functions that did not come with PostgreSQL. */
  readonly own: readonly Cast[];
  /** To which types there is a cast from each. */
  readonly targets: ReadonlyMap<number, ReadonlySet<number>>;
}

const byCatalogue: WeakMap<Catalogue, Casts> = new WeakMap();

/** Worked out once for each catalogue. */
function castsOf(catalogue: Catalogue): Casts {
  const known = byCatalogue.get(catalogue);
  if (known !== undefined) return known;
  const targets = new Map<number, Set<number>>();
  for (const { source, target } of catalogue.casts) {
    targets.set(source, (targets.get(source) ?? new Set()).add(target));
  }
  const casts = { own: catalogue.casts.filter((each) => each.routine >= firstUserOid), targets };
  byCatalogue.set(catalogue, casts);
  return casts;
}

/** Why converting a value to a type can give something else than what is converted. */
export function whyOpaqueCast(reader: Reader, source: Value, target: Type): string | undefined {
  for (const cast of castsOf(reader.catalogue).own) {
    if (source.type !== undefined && source.type !== cast.source) continue;
    if (!isOrHolds(reader.catalogue, target, cast.target)) continue;
    const routine = reader.catalogue.routineByOid(cast.routine);
    const why =
      routine === undefined ? 'a cast without a known function' : opacity(reader.catalogue, routine);
    if (routine !== undefined && codeIn(reader, [routine])?.writes === true) reader.uses.spill();
    if (why !== undefined) return why;
  }
  return undefined;
}

/** The same for values that the server converts on its own: `targets` are the types it may convert them to. */
export function whyImplicit(
  reader: Reader,
  values: readonly Value[],
  targets: () => readonly number[],
): string | undefined {
  if (castsOf(reader.catalogue).own.length === 0) return undefined;
  for (const oid of new Set(targets())) {
    const target = reader.catalogue.typeByOid(oid);
    if (target === undefined) continue;
    for (const value of values) {
      const why = value.type === oid ? undefined : whyOpaqueCast(reader, value, target);
      if (why !== undefined) return why;
    }
  }
  return undefined;
}

/** Why values that are brought to one type (CASE, UNION, ARRAY) can change on the way. */
export function whyMixed(reader: Reader, values: readonly Value[]): string | undefined {
  return whyImplicit(reader, values, () => values.flatMap((each) => each.type ?? []));
}

function isOrHolds(catalogue: Catalogue, type: Type, oid: number): boolean {
  if (type.oid === oid) return true;
  const inner = type.element === 0 ? type.base : type.element;
  const next = inner === 0 ? undefined : catalogue.typeByOid(inner);
  return next !== undefined && next.oid !== type.oid && isOrHolds(catalogue, next, oid);
}

/** How a call's result stands in FROM. */
export type Shape =
  | { readonly kind: 'scalar'; readonly type?: number; readonly name?: string }
  | { readonly kind: 'row'; readonly names: readonly string[] }
  /** `record`: the statement must list its columns. */
  | { readonly kind: 'record' }
  | { readonly kind: 'open' };

export function shapeOf(reader: Reader, routines: readonly Routine[], args: readonly Value[]): Shape {
  let all: Shape | undefined;
  const plain = new Set<number>();
  for (const routine of routines) {
    // `=` alone is sixty functions that give one type.
    if (routine.columns.length === 0 && plain.has(routine.returns)) continue;
    const shape = shapeOfOne(reader.catalogue, routine, args);
    if (shape.kind === 'scalar' && shape.type === routine.returns) plain.add(routine.returns);
    all = all === undefined ? shape : common(all, shape);
  }
  return all ?? { kind: 'open' };
}

function common(a: Shape, b: Shape): Shape {
  if (a.kind === 'scalar' && b.kind === 'scalar' && a.name === b.name) {
    const named = a.name === undefined ? {} : { name: a.name };
    return a.type === b.type ? a : { kind: 'scalar', ...named };
  }
  if (a.kind === 'row' && b.kind === 'row' && a.names.join('\0') === b.names.join('\0')) return a;
  return a.kind === 'record' && b.kind === 'record' ? a : { kind: 'open' };
}

function shapeOfOne(catalogue: Catalogue, routine: Routine, args: readonly Value[]): Shape {
  if (routine.columns.length > 1) {
    // build_function_result_tupdesc_d() names the nameless.
    return {
      kind: 'row',
      names: routine.columns.map((name, at) => (name === '' ? `column${at + 1}` : name)),
    };
  }
  const declared = unwrapped(catalogue, routine.returns);
  if (declared === undefined) return { kind: 'open' };
  const [only = ''] = routine.columns;
  const name = only === '' ? {} : { name: only };
  if (!isPolymorphic(declared)) return shapeOfType(catalogue, declared, name);
  const actual = polymorphic(catalogue, routine, args);
  const type = actual === undefined ? undefined : unwrapped(catalogue, actual);
  if (type !== undefined) return shapeOfType(catalogue, type, name);
  return args.length > 0 && args.every((each) => each.scalar)
    ? { kind: 'scalar', ...name }
    : { kind: 'open' };
}

function shapeOfType(catalogue: Catalogue, type: Type, name: { readonly name?: string }): Shape {
  if (type.oid === oids.record) return { kind: 'record' };
  if (type.kind === 'composite') {
    const relation = catalogue.relationByOid(type.relation);
    return relation === undefined
      ? { kind: 'open' }
      : { kind: 'row', names: relation.columns.map((each) => each.name) };
  }
  // An array of rows is one column too; what it is made of is looked up by its type where it is taken apart.
  const plain = isScalar(catalogue, type.oid) || type.element !== 0;
  return plain ? { kind: 'scalar', type: type.oid, ...name } : { kind: 'open' };
}

// anyarray and so on: the declared result by the type of an argument that decides it (enforce_generic_type_consistency).
function polymorphic(catalogue: Catalogue, routine: Routine, args: readonly Value[]): number | undefined {
  const result = catalogue.typeByOid(routine.returns)?.name ?? '';
  if (!/^any(element|array|nonarray|enum)$/.test(result)) return undefined;
  for (const [at, parameter] of routine.arguments.entries()) {
    const name = catalogue.typeByOid(parameter)?.name ?? '';
    const given = args[at]?.type;
    if (given === undefined || given === oids.unknown || !/^any(element|array|nonarray|enum)$/.test(name))
      continue;
    const [isArray, wantsArray] = [name === 'anyarray', result === 'anyarray'];
    if (isArray === wantsArray) return given;
    return wantsArray ? arrayOf(catalogue, given) : elementOf(catalogue, given);
  }
  return undefined;
}

/** The array type over a type; undefined where it is not called after it. */
export function arrayOf(catalogue: Catalogue, oid: number): number | undefined {
  const element = catalogue.typeByOid(oid === oids.unknown ? oids.text : oid);
  const array = element === undefined ? undefined : catalogue.type(element.schema, arrayName(element));
  return array?.element === element?.oid ? array?.oid : undefined;
}

function elementOf(catalogue: Catalogue, oid: number): number | undefined {
  const element = unwrapped(catalogue, oid)?.element ?? 0;
  return element === 0 ? undefined : element;
}

function isPolymorphic(type: Type): boolean {
  return type.kind === 'pseudo' && type.name.startsWith('any');
}

function unwrapped(catalogue: Catalogue, oid: number): Type | undefined {
  let type = catalogue.typeByOid(oid);
  for (let depth = 0; type?.kind === 'domain' && depth < 32; depth++) type = catalogue.typeByOid(type.base);
  return type;
}

/** Whether values of this type are surely no rows and no arrays of rows. */
export function isScalar(catalogue: Catalogue, oid: number): boolean {
  const type = unwrapped(catalogue, oid);
  if (type === undefined || type.kind === 'composite' || type.kind === 'domain') return false;
  if (type.kind === 'pseudo') return !type.name.includes('record') && !isPolymorphic(type);
  return type.element === 0 || type.element === oid || isScalar(catalogue, type.element);
}

/** The relation whose rows values of this type are, or are arrays of. */
export function rowRelation(
  catalogue: Catalogue,
  oid: number,
): { readonly relation: Relation; readonly array: boolean } | undefined {
  const type = unwrapped(catalogue, oid);
  if (type === undefined) return undefined;
  if (type.kind === 'composite') {
    const relation = catalogue.relationByOid(type.relation);
    return relation === undefined ? undefined : { relation, array: false };
  }
  if (type.element === 0 || type.element === oid) return undefined;
  const inner = rowRelation(catalogue, type.element);
  return inner === undefined ? undefined : { relation: inner.relation, array: true };
}
