import {
  addCastsFrom,
  addOperator,
  addRowFunction,
  addWord,
  routinesNamed,
  addRoutine,
  visitCall,
  visitType,
} from './calls.ts';
import { conditionOf } from './condition.ts';
import { createRelation, referTo } from './define.ts';
import { addFieldFunction } from './fields.ts';
import { isOwn } from './functions.ts';
import { columnRefParts, nameFrom } from './names.ts';
import { addUnknown, type Env, type Reading } from './reading.ts';
import { settingOfRow } from './setting-row.ts';
import { rangeVarFields, readRangeVar, touchRangeVar } from './touch.ts';
import { as, type Fields, list, stringOf, text } from './tree.ts';

/** What a node means beyond its children. */
export type Handler = (reading: Reading, fields: Fields, env: Env) => void;

/** Queries, changes of rows, and the expressions that call something. */
export const handlers: Readonly<Record<string, Handler>> = {
  SelectStmt: visitSelect,
  InsertStmt: visitInsert,
  UpdateStmt: visitUpdate,
  DeleteStmt: visitDelete,
  MergeStmt: visitMerge,
  RangeVar: readRangeVar,
  RangeFunction: (reading, fields, env) => {
    reading.children('RangeFunction', { ...fields, functions: unnested(fields['functions']) }, env);
  },
  FuncCall: visitCall,
  TypeName: visitType,
  A_Expr: visitOperator,
  SubLink: (reading, fields, env) => {
    if (list(fields['operName']).length > 0) addOperator(reading, fields['operName'], false);
    else if (fields['testexpr'] !== undefined) addOperator(reading, equal, false);
    reading.children('SubLink', fields, env, ['operName']);
  },
  CaseExpr: (reading, fields, env) => {
    if (fields['arg'] !== undefined) addOperator(reading, equal, false);
    reading.children('CaseExpr', fields, env);
  },
  JoinExpr: (reading, fields, env) => {
    if (fields['isNatural'] === true || list(fields['usingClause']).length > 0)
      addOperator(reading, equal, false);
    reading.children('JoinExpr', fields, env);
  },
  SortBy: (reading, fields, env) => {
    if (list(fields['useOp']).length > 0) addOperator(reading, fields['useOp'], false);
    reading.children('SortBy', fields, env, ['useOp']);
  },
  ColumnRef: (reading, fields) => {
    const { parts, star } = columnRefParts(fields);
    const last = parts.at(-1);
    if (parts.length > 1 && !star && last !== undefined) addRowFunction(reading, last);
  },
  A_Indirection: (reading, fields, env) => {
    for (const each of list(fields['indirection'])) {
      const name = stringOf(each);
      if (name !== undefined) addFieldFunction(reading, name);
    }
    reading.children('A_Indirection', fields, env);
  },
  RangeTableSample: (reading, fields, env) => {
    reading.children('RangeTableSample', fields, env, ['method']);
    addSamplingMethod(reading, fields['method']);
  },
  ParamRef: (reading) => addCastsFrom(reading, 'any'),
  A_Const: (reading, fields) => addCastsFrom(reading, constantTypes(fields)),
  JsonFuncExpr: (reading, fields, env) => {
    addWord(reading, ['json_exists', 'json_query', 'json_value'], 17);
    reading.children('JsonFuncExpr', fields, env);
  },
  JsonTable: word('JsonTable', ['json_table'], 17),
  JsonParseExpr: word('JsonParseExpr', ['json'], 17),
  JsonScalarExpr: word('JsonScalarExpr', ['json_scalar'], 17),
  JsonSerializeExpr: word('JsonSerializeExpr', ['json_serialize'], 17),
  JsonObjectConstructor: word('JsonObjectConstructor', ['json_object'], 16),
  JsonArrayConstructor: word('JsonArrayConstructor', ['json_array'], 16),
  JsonArrayQueryConstructor: word('JsonArrayQueryConstructor', ['json_array'], 16),
  JsonObjectAgg: word('JsonObjectAgg', ['json_objectagg'], 16),
  JsonArrayAgg: word('JsonArrayAgg', ['json_arrayagg'], 16),
  MergeSupportFunc: word('MergeSupportFunc', ['merge_action'], 17),
  Constraint: (reading, fields, env) => {
    const table = rangeVarFields(fields['pktable']);
    if (table !== undefined) referTo(reading, table);
    reading.children('Constraint', fields, env, ['pktable', 'exclusions']);
    for (const each of list(fields['exclusions'])) {
      const [element, operator] = list(as(each, 'List')?.['items']);
      reading.visit(element, env);
      const names = list(as(operator, 'List')?.['items']);
      if (names.length > 0) addOperator(reading, names, false);
      else addUnknown(reading, 'An exclusion of this form is not understood');
    }
  },
  // Definitions that name functions to be called later, seen only inside statements that define.
  CommonTableExpr: (reading) => addUnknown(reading, 'WITH at a place that is not known'),
};

/** `unnest(a, b)` in FROM stands for ROWS FROM (unnest(a), unnest(b)), with PostgreSQL's own: transformRangeFunction(). */
function unnested(functions: unknown): unknown {
  return list(functions).flatMap((entry) => {
    const [call] = list(as(entry, 'List')?.['items']);
    const fields = as(call, 'FuncCall');
    const [name, ...more] = list(fields?.['funcname']);
    const args = list(fields?.['args']);
    if (fields === undefined || stringOf(name) !== 'unnest' || more.length > 0 || args.length < 2)
      return [entry];
    if (
      ['over', 'agg_filter', 'agg_order', 'agg_star', 'agg_distinct', 'func_variadic'].some(
        (each) => each in fields,
      )
    )
      return [entry];
    const funcname = [{ String: { sval: 'pg_catalog' } }, name];
    return args.map((arg) => ({ List: { items: [{ FuncCall: { ...fields, funcname, args: [arg] } }] } }));
  });
}

const equal: unknown = [{ String: { sval: '=' } }];

function word(type: string, names: readonly string[], since: number): Handler {
  return (reading, fields, env) => {
    addWord(reading, names, since);
    reading.children(type, fields, env);
  };
}

// int4, int8, numeric; boolean; unknown, text; bit, varbit: what the parser may make of a literal.
function constantTypes(fields: Fields): readonly number[] {
  if (fields['ival'] !== undefined) return [23];
  if (fields['fval'] !== undefined) return [20, 1700];
  if (fields['boolval'] !== undefined) return [16];
  return fields['bsval'] === undefined ? [25, 705] : [1560, 1562];
}

// kind -> the operators it stands for; the rest name theirs (parse_expr.c).
const between: readonly string[] = ['>=', '<=', '<', '>'];

function visitOperator(reading: Reading, fields: Fields, env: Env): void {
  reading.children('A_Expr', fields, env, ['name']);
  const kind = text(fields['kind']) ?? '';
  if (kind.includes('BETWEEN')) {
    for (const name of between) addOperator(reading, [{ String: { sval: name } }], false);
    return;
  }
  addOperator(reading, fields['name'], fields['lexpr'] === undefined);
  // IN, ANY and ALL over rows and over lists end in the same operator.
}

function addSamplingMethod(reading: Reading, method: unknown): void {
  const named = nameFrom(method);
  const routines = named === undefined ? [] : routinesNamed(reading, named, 1);
  if (routines.length === 0) addUnknown(reading, 'A TABLESAMPLE method that is not known');
  for (const each of routines) if (!isOwn(each)) addRoutine(reading, each);
}

/** The names that WITH gives, each seen by those after it; RECURSIVE ones by all (PostgreSQL 18 docs, SELECT, WITH Clause). */
export function withNames(reading: Reading, clause: unknown, env: Env): Env {
  const fields = clause as Fields | undefined;
  if (fields === undefined) return env;
  const tables = list(fields['ctes']).flatMap((each): readonly Fields[] => {
    const table = as(each, 'CommonTableExpr');
    return table === undefined ? [] : [table];
  });
  if (tables.length !== list(fields['ctes']).length)
    addUnknown(reading, 'A WITH of this form is not understood');
  const recursive = fields['recursive'] === true;
  const names = new Set(recursive ? tables.map(cteName) : []);
  const inner: Env = { names, locks: false, outer: env };
  for (const table of tables) {
    // The set is copied where it still grows: what was read under it keeps its own view of the names.
    reading.children('CommonTableExpr', table, { ...inner, names: new Set(names) });
    names.add(cteName(table));
  }
  return inner;
}

function cteName(table: Fields): string {
  return text(table['ctename']) ?? '';
}

function visitSelect(reading: Reading, fields: Fields, env: Env): void {
  const inner = withNames(reading, fields['withClause'], insideOf(env));
  const locks = env.locks || list(fields['lockingClause']).length > 0;
  if (locks) reading.found.locks = true;
  const into = fields['intoClause'] as Fields | undefined;
  if (into !== undefined) {
    createRelation(reading, rangeVarFields(into['rel']));
    reading.children('IntoClause', into, inner, ['rel']);
  }
  reading.visit(fields['fromClause'], locks ? { ...inner, locks } : inner);
  // The relations of FOR UPDATE OF are names of this query, not tables.
  for (const each of list(fields['lockingClause'])) {
    const clause = as(each, 'LockingClause');
    const odd =
      clause === undefined
        ? [each]
        : list(clause['lockedRels']).filter((name) => as(name, 'RangeVar') === undefined);
    reading.visit(odd, inner);
  }
  const setting = settingOfRow(reading, fields, inner);
  reading.visit(fields['targetList'], setting === undefined ? inner : { ...inner, setting });
  reading.children('SelectStmt', fields, inner, besideTargets);
}

const besideTargets = ['withClause', 'intoClause', 'fromClause', 'lockingClause', 'targetList'];

/** What holds inside a query of its own: the names around it, but neither their locks nor their row of pg_settings. */
function insideOf(env: Env): Env {
  if (!env.locks && env.setting === undefined) return env;
  const { setting: _outer, ...rest } = env;
  return { ...rest, locks: false };
}

function visitInsert(reading: Reading, fields: Fields, env: Env): void {
  const inner = withNames(reading, fields['withClause'], env);
  const relation = rangeVarFields(fields['relation']) ?? {};
  reading.found.verbs.add('sql.insert');
  touchRangeVar(reading, relation, 'insert', { inherited: false });
  const conflict = fields['onConflictClause'] as Fields | undefined;
  if (conflict !== undefined) {
    touchRangeVar(reading, relation, 'read', { inherited: false });
    if (conflict['action'] !== 'ONCONFLICT_NOTHING') {
      touchRangeVar(reading, relation, 'update', {
        inherited: false,
        columns: assigned(conflict['targetList']),
      });
    }
  }
  returning(reading, fields, relation);
  reading.children('InsertStmt', fields, inner, ['withClause', 'relation']);
}

function visitUpdate(reading: Reading, fields: Fields, env: Env): void {
  const inner = withNames(reading, fields['withClause'], env);
  const relation = rangeVarFields(fields['relation']) ?? {};
  reading.found.verbs.add('sql.update');
  touchRangeVar(reading, relation, 'update', { columns: assigned(fields['targetList']) });
  addChange(reading, fields, relation, 'fromClause');
  returning(reading, fields, relation);
  reading.children('UpdateStmt', fields, inner, ['withClause', 'relation']);
}

function visitDelete(reading: Reading, fields: Fields, env: Env): void {
  const inner = withNames(reading, fields['withClause'], env);
  const relation = rangeVarFields(fields['relation']) ?? {};
  reading.found.verbs.add('sql.delete');
  touchRangeVar(reading, relation, 'delete');
  addChange(reading, fields, relation, 'usingClause');
  returning(reading, fields, relation);
  reading.children('DeleteStmt', fields, inner, ['withClause', 'relation']);
}

function addChange(reading: Reading, fields: Fields, relation: Fields, others: string): void {
  const alone = list(fields[others]).length === 0;
  reading.found.changes.push({ condition: conditionOf(reading, relation, fields['whereClause'], alone) });
}

/** What is given back of changed rows is read. */
function returning(reading: Reading, fields: Fields, relation: Fields): void {
  if (fields['returningClause'] === undefined) return;
  touchRangeVar(reading, relation, 'read', { inherited: false });
}

function visitMerge(reading: Reading, fields: Fields, env: Env): void {
  const inner = withNames(reading, fields['withClause'], env);
  const relation = rangeVarFields(fields['relation']) ?? {};
  reading.found.verbs.add('sql.merge');
  reading.found.changes.push({ condition: 'other' });
  touchRangeVar(reading, relation, 'read');
  for (const each of list(fields['mergeWhenClauses'])) {
    const clause = as(each, 'MergeWhenClause');
    const command = text(clause?.['commandType']);
    const op = command === undefined ? undefined : mergeOps[command];
    if (op === undefined || clause === undefined)
      addUnknown(reading, 'A MERGE action that is not understood');
    else if (op !== 'nothing')
      touchRangeVar(reading, relation, op, { columns: assigned(clause['targetList']) });
  }
  reading.children('MergeStmt', fields, inner, ['withClause', 'relation']);
}

const mergeOps: Readonly<Record<string, 'insert' | 'update' | 'delete' | 'nothing'>> = {
  CMD_INSERT: 'insert',
  CMD_UPDATE: 'update',
  CMD_DELETE: 'delete',
  CMD_NOTHING: 'nothing',
};

function assigned(targets: unknown): readonly string[] {
  return list(targets).flatMap((each) => text(as(each, 'ResTarget')?.['name']) ?? []);
}
