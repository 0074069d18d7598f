import type { Catalogue, Operator, Routine, Type } from './catalogue.ts';
import { doingOf, firstUserOid, isOwn, voidsIn } from './functions.ts';
import {
  canonicalName,
  columnRefParts,
  nameFrom,
  type QualifiedName,
  resolveRelation,
  schemasFor,
  writtenName,
} from './names.ts';
import { add, addMissing, addUnknown, type Env, type Reading } from './reading.ts';
import { isSwitch, movesNames, settingAccess } from './settings.ts';
import { as, type Fields, list, stringOf, text } from './tree.ts';

/** A function that is run, by whatever way. */
export function addRoutine(reading: Reading, routine: Routine): void {
  const { catalogue, known, found } = reading;
  const doing = doingOf(routine, catalogue);
  if (doing.access === 'read') return;
  const name = known.signature(routine);
  add(reading, 'function', name, doing.access);
  if (doing.why !== undefined) found.notes.add(`${canonicalName(routine.schema, routine.name)} ${doing.why}`);
  if (doing.on === 'lock') found.locks = true;
  if (doing.on !== undefined && doing.on !== 'sequence') add(reading, doing.on, '*', doing.access);
}

/** A function that runs by itself, as the catalogue names it. */
export function addRun(reading: Reading, signature: string, how: string): void {
  const routine = reading.known.routine(signature);
  if (routine !== undefined) {
    if (doingOf(routine, reading.catalogue).access !== 'read') {
      addRoutine(reading, routine);
      reading.found.notes.add(how);
    }
    return;
  }
  add(reading, 'function', signature, 'execute');
  reading.found.notes.add(how);
}

export function visitCall(reading: Reading, fields: Fields, env: Env): void {
  reading.children('FuncCall', fields, env, ['funcname']);
  const named = nameFrom(fields['funcname']);
  if (named === undefined) return addUnknown(reading, 'A function name of this form is not understood');
  const args = list(fields['args']);
  const count = args.length + (fields['agg_within_group'] === true ? list(fields['agg_order']).length : 0);
  const counts = Array.from({ length: voidsIn(args) + 1 }, (_, at) => count - at);
  const routines = [...new Set(counts.flatMap((each) => routinesNamed(reading, named, each)))];
  if (routines.length === 0) return notARoutine(reading, named, fields, count);
  for (const routine of routines) {
    reading.found.functions.add(canonicalName(routine.schema, routine.name));
    if (isOwn(routine) && routine.name === 'set_config') addSetConfig(reading, args, env);
    else addRoutine(reading, routine);
    addCastsFrom(reading, [routine.returns]);
    if (isOwn(routine) && (routine.name === 'nextval' || routine.name === 'setval'))
      addSequence(reading, args[0]);
  }
}

/** Every function that such a call can mean: the arguments' types are not looked at. */
export function routinesNamed(reading: Reading, named: QualifiedName, count: number): readonly Routine[] {
  const { catalogue, scope } = reading;
  if (named.catalog !== undefined && named.catalog !== catalogue.data.database) return [];
  const schemas = schemasFor(scope, named.schema, 'function');
  const first = schemas.length === 1 ? schemas[0] : undefined;
  if (first !== undefined) return catalogue.routines(first, named.name).filter((each) => takes(each, count));
  // Of two with the same arguments the server takes the one whose schema is earlier in the path.
  const seen = new Map<string, Routine>();
  for (const schema of schemas) {
    for (const routine of catalogue.routines(schema, named.name)) {
      if (!takes(routine, count)) continue;
      const key = `${routine.arguments.join(' ')} ${routine.variadic} ${routine.defaults}`;
      if (!seen.has(key)) seen.set(key, routine);
    }
  }
  return [...seen.values()];
}

function takes(routine: Routine, count: number): boolean {
  const most = routine.arguments.length;
  const least = most - routine.defaults - (routine.variadic ? 1 : 0);
  return count >= least && (routine.variadic || count <= most);
}

// The parser of PostgreSQL 18 writes EXTRACT as pg_catalog.extract; before 14 the server itself wrote date_part.
const renamed: ReadonlySet<string> = new Set(['extract']);

/** `name(x)` without a function of that name is a cast to a type, or a column of a row. */
function notARoutine(reading: Reading, named: QualifiedName, fields: Fields, count: number): void {
  if (fields['funcformat'] === 'COERCE_SQL_SYNTAX' && renamed.has(named.name)) return;
  const type = count === 1 ? typeOf(reading, named) : undefined;
  if (type !== undefined) return addType(reading, type);
  const written = writtenName(named);
  addMissing(reading, `No function ${written} with ${count} arguments is known`, 'function', { written });
}

function addSetConfig(reading: Reading, args: readonly unknown[], env: Env): void {
  const name = constantText(args[0]) ?? (isSettingName(args[0]) ? env.setting : undefined);
  const value = constantText(args[1]);
  // asyncpg turns `jit` off and back to what it was, which it sends as a parameter.
  const switched = name !== undefined && isSwitch(name) && as(args[1], 'ParamRef') !== undefined;
  if (name === undefined || (value === undefined && !switched) || args.length !== 3) {
    return addUnknown(reading, 'set_config of a setting or to a value that is computed', 'setting');
  }
  addSetting(reading, name, value);
}

/** `name` or `pg_settings.name`. */
export function isSettingName(value: unknown): boolean {
  const column = as(value, 'ColumnRef');
  if (column === undefined) return false;
  const { parts, star } = columnRefParts(column);
  return !star && parts.at(-1) === 'name' && (parts.length === 1 || parts.join('.') === 'pg_settings.name');
}

export function addSetting(reading: Reading, name: string, value: string | undefined): void {
  const given = name.toLowerCase();
  const access = settingAccess(given, value);
  // The name can be a literal of the statement: what is not spelt like a name is not repeated.
  const setting = /^[a-z_][a-z0-9_.]{0,99}$/.test(given) ? given : '*';
  add(reading, 'setting', setting, access);
  reading.found.settings.add(setting);
  if (movesNames(setting)) reading.found.movesNames = true;
  if (access === 'unknown') reading.found.notes.add(`Setting ${setting} so changes how statements are read`);
}

function addSequence(reading: Reading, argument: unknown): void {
  const name = constantText(argument);
  const parts = name === undefined ? undefined : /^([a-z_][a-z0-9_$]*)(?:\.([a-z_][a-z0-9_$]*))?$/.exec(name);
  const [, first, second] = parts ?? [];
  if (first === undefined) return add(reading, 'sequence', '*', 'write');
  const named = second === undefined ? { name: first } : { schema: first, name: second };
  const resolved = resolveRelation(reading.catalogue, reading.scope, named);
  if (resolved.kind === 'missing') {
    const target = { kind: 'sequence', name: resolved.name, access: 'write' } as const;
    return addMissing(reading, 'A sequence that is not known', 'sequence', {
      written: resolved.name,
      target,
    });
  }
  const { relation } = resolved;
  add(reading, 'sequence', canonicalName(relation.schema, relation.name), 'write');
}

/** The text of a literal, with casts to PostgreSQL's own text types or regclass around it. */
export function constantText(value: unknown): string | undefined {
  const cast = as(value, 'TypeCast');
  if (cast !== undefined) {
    const names = list((cast['typeName'] as Fields | undefined)?.['names']).map(stringOf);
    const plain = names.length === 1 || names[0] === 'pg_catalog' ? names.at(-1) : undefined;
    return plain !== undefined && ['text', 'varchar', 'regclass'].includes(plain)
      ? constantText(cast['arg'])
      : undefined;
  }
  const constant = as(value, 'A_Const');
  if (constant === undefined) return undefined;
  const held = constant['sval'];
  if (typeof held !== 'object' || held === null) return undefined;
  return text((held as Fields)['sval']) ?? '';
}

/** An operator of this name, wherever its operands come from. */
export function addOperator(reading: Reading, names: unknown, prefix: boolean): void {
  const named = nameFrom(names);
  if (named === undefined) return addUnknown(reading, 'An operator name of this form is not understood');
  if (isPlainOperator(reading, named, prefix)) return;
  const operators = operatorsNamed(reading, named, prefix);
  if (operators.length === 0)
    return addMissing(reading, `No operator ${named.name} is known`, 'operator', { written: named.name });
  for (const operator of operators) {
    if (isOwnOperator(operator)) continue;
    const routine = reading.catalogue.routineByOid(operator.routine);
    if (routine === undefined)
      addUnknown(reading, `Operator ${named.name} has no known function`, 'operator', named.name);
    else addRoutine(reading, routine);
  }
}

/** PostgreSQL's own, and no user has one of that name: most are. */
export function isPlainOperator(reading: Reading, named: QualifiedName, prefix: boolean): boolean {
  const reachable = named.schema === undefined || named.schema === 'pg_catalog';
  return reachable && reading.known.isOwnOperator(named.name, prefix);
}

export function operatorsNamed(reading: Reading, named: QualifiedName, prefix: boolean): readonly Operator[] {
  const seen = new Map<string, Operator>();
  for (const schema of schemasFor(reading.scope, named.schema, 'operator')) {
    for (const operator of reading.catalogue.operators(schema, named.name)) {
      const key = `${operator.left} ${operator.right}`;
      if ((operator.left === 0) === prefix && !seen.has(key)) seen.set(key, operator);
    }
  }
  return [...seen.values()];
}

export function isOwnOperator(operator: Operator): boolean {
  return operator.schema === 'pg_catalog' && operator.oid < firstUserOid;
}

// What CREATE TABLE understands as a type without there being one (parse_utilcmd.c).
const serials: ReadonlySet<string> = new Set([
  'serial',
  'serial2',
  'serial4',
  'serial8',
  'smallserial',
  'bigserial',
]);

/** A type that is written out. */
export function visitType(reading: Reading, fields: Fields, env: Env): void {
  reading.children('TypeName', fields, env, ['names']);
  const named = nameFrom(fields['names']);
  if (named === undefined) return addUnknown(reading, 'A type name of this form is not understood');
  if (fields['pct_type'] === true || (named.schema === undefined && serials.has(named.name))) return;
  const type = typeOf(reading, named);
  if (type === undefined) {
    const written = writtenName(named);
    const message = `type "${named.schema === undefined ? '' : `${named.schema}.`}${named.name}" does not exist`;
    const said = { sqlstate: '42704', message };
    return addMissing(reading, `No type ${written} is known`, 'type', { written, said });
  }
  addType(reading, type);
}

export function typeOf(reading: Reading, named: QualifiedName): Type | undefined {
  for (const schema of schemasFor(reading.scope, named.schema, 'type')) {
    const type = reading.catalogue.type(schema, named.name);
    if (type !== undefined) return type;
  }
  return undefined;
}

/** What showing stored values of a type runs: output functions, no checks of domains. */
export function addTypeRead(reading: Reading, type: Type): void {
  const inner = type.kind === 'domain' ? type.base : type.element;
  const next = inner === 0 || inner === type.oid ? undefined : reading.catalogue.typeByOid(inner);
  if (next !== undefined) return addTypeRead(reading, next);
  if (type.kind !== 'composite') addTypeRuns(reading, type);
  addCasts(reading, type, false);
}

/** What making or showing values of a type runs. */
export function addType(reading: Reading, type: Type): void {
  addTypeRuns(reading, type);
  addCasts(reading, type, true);
}

function addTypeRuns(reading: Reading, type: Type): void {
  for (const run of reading.known.typeRuns(type)) {
    if (run.routine === undefined) add(reading, 'function', run.name, 'execute');
    else addRoutine(reading, run.routine);
    reading.found.notes.add(`Values of ${canonicalName(type.schema, type.name)} run functions`);
  }
}

/**
 * User casts run without being named wherever a value of their source stands. A source of PostgreSQL's own can be the
 * result of anything: there a value that is made of the target counts.
 */
function addCasts(reading: Reading, type: Type, made: boolean): void {
  for (const cast of reading.known.casts) {
    const to = made && cast.source < firstUserOid && concerns(reading.catalogue, type, cast.target);
    if (to || concerns(reading.catalogue, type, cast.source)) addCast(reading, cast.function);
  }
}

function addCast(reading: Reading, routine: Routine | undefined): void {
  if (routine === undefined) addUnknown(reading, 'A cast without a known function');
  else addRoutine(reading, routine);
}

function concerns(catalogue: Catalogue, type: Type, oid: number, depth = 0): boolean {
  if (type.oid === oid || depth > 32) return true;
  const columns = type.kind === 'composite' ? catalogue.relationByOid(type.relation)?.columns : undefined;
  const inner = columns?.map((each) => each.type) ?? [type.element === 0 ? type.base : type.element];
  return inner.some((each) => {
    const next = each === 0 || each === type.oid ? undefined : catalogue.typeByOid(each);
    return next !== undefined && concerns(catalogue, next, oid, depth + 1);
  });
}

/** Values whose type is not written: constants, parameters, results. */
export function addCastsFrom(reading: Reading, oids: readonly number[] | 'any'): void {
  for (const cast of reading.known.casts) {
    if (oids === 'any' || oids.includes(cast.source)) addCast(reading, cast.function);
  }
}

/** `row.name`: the call of a function with the row, unless the row has such a column. */
export function addRowFunction(reading: Reading, name: string): void {
  for (const routine of reading.known.rowFunctions.get(name) ?? []) {
    if (!schemasFor(reading.scope, undefined, 'function').includes(routine.schema)) continue;
    const row = reading.catalogue.typeByOid(routine.arguments[0] ?? 0);
    const relation = row === undefined ? undefined : reading.catalogue.relationByOid(row.relation);
    if (relation?.columns.some((each) => each.name === name) === true) continue;
    addRoutine(reading, routine);
  }
}

/** Words that are syntax since a version and were ordinary function names before it. */
export function addWord(reading: Reading, names: readonly string[], since: number): void {
  if (reading.catalogue.data.serverMajor >= since) return;
  for (const name of names) {
    for (const schema of schemasFor(reading.scope, undefined, 'function')) {
      for (const routine of reading.catalogue.routines(schema, name)) addRoutine(reading, routine);
    }
  }
}
