import type { ColumnRef } from '../core/action.ts';
import type { Relation, Routine } from './catalogue.ts';
import { tagsOfColumn } from './comments.ts';
import { doingOf, isOwn } from './functions.ts';
import { flowsIn } from './lineage-expression.ts';
import { columns, derive, type Flow } from './lineage-flow.ts';
import { handed, refOf, relationCells, relationItem } from './lineage-relation.ts';
import { namesOf, typeNamed } from './lineage-routine.ts';
import { nowhere, type Reader, type Space } from './lineage-scope.ts';
import { canonicalName, rangeVarName, relationName, resolveRelation } from './names.ts';
import { isKept, type Reach, reachOf, reachOfRoutine, reachOfRun, routinesCalled } from './reach.ts';
import { as, type Fields, list, stringOf, text } from './tree.ts';

/**
 * Statements after which a stored value can be read under another name, or that run or install code: what they move.
 * A tag is on a name: a column that is renamed, or a table that leaves its parent, takes its values where no tag is.
 */
export const changesOf: Readonly<Record<string, (reader: Reader, fields: Fields) => void>> = {
  RenameStmt: rename,
  AlterObjectSchemaStmt: (reader, fields) => {
    const schema = text(fields['newschema']) ?? '*';
    const relation = relationOf(reader, fields['relation']);
    if (relation !== undefined) called(reader, relation, canonicalName(schema, relation.name));
  },
  AlterTableStmt: alter,
  DoStmt: (reader, fields) => {
    const parts = list(fields['args']).map((each) => as(each, 'DefElem') ?? {});
    const body = parts.find((each) => each['defname'] === 'as')?.['arg'];
    const language = parts.find((each) => each['defname'] === 'language')?.['arg'];
    const source = stringOf(body);
    const plain = language === undefined || stringOf(language)?.toLowerCase() === 'plpgsql';
    const reach = source === undefined || !plain ? undefined : reachOf(reader.catalogue, source);
    if (reach?.writes !== false) reader.uses.move(reachFlow(reach), []);
  },
  ViewStmt: (reader, fields) => {
    if (fields['replace'] === true) unkept(reader, relationOf(reader, fields['view']));
  },
  CreateFunctionStmt: (reader, fields) => {
    if (fields['replace'] !== true) return;
    routineUnkept(reader, namesOf(fields['funcname']));
    retriggered(reader, fields);
  },
  DropStmt: (reader, fields) => {
    for (const each of list(fields['objects'])) {
      const names = namesOf(as(each, 'List')?.['items'] ?? as(each, 'ObjectWithArgs')?.['objname']);
      const [relname, schemaname] = names.toReversed();
      if (text(fields['removeType']) === 'OBJECT_VIEW' && relname !== undefined) {
        unkept(reader, relationOf(reader, { relname, ...(schemaname === undefined ? {} : { schemaname }) }));
      } else if (routines.has(text(fields['removeType']) ?? '')) routineUnkept(reader, names);
    }
  },
  CreateStmt: (reader, fields) => bounded(reader, fields['partbound']),
  // What stands at the other end, nothing tells: it can be this very server, or a program's output.
  CreateForeignTableStmt: (reader) => reader.uses.move(reachFlow(undefined), []),
  ImportForeignSchemaStmt: (reader) => reader.uses.move(reachFlow(undefined), []),
  AlterForeignServerStmt: (reader) => reader.uses.move(reachFlow(undefined), []),
  AlterUserMappingStmt: (reader) => reader.uses.move(reachFlow(undefined), []),
  CreateTrigStmt: trigger,
  CreateStatsStmt: (reader, fields) => {
    const over = list(fields['relations']).map((each) => relationItem(reader, as(each, 'RangeVar') ?? {}));
    const before = reader.uses.coded.length;
    const flows = flowsIn(reader, fields['exprs'], { ...nowhere, items: over });
    // ANALYZE runs them for ever after, whatever they do by then.
    if (reader.uses.coded.length > before) reader.uses.move(derive(flows), []);
  },
  ReindexStmt: (reader, fields) => tended(reader, [fields['relation']]),
  ClusterStmt: (reader, fields) => tended(reader, [fields['relation']]),
  RefreshMatViewStmt: (reader, fields) => tended(reader, [fields['relation']]),
  VacuumStmt: (reader, fields) => {
    const named = list(fields['rels']).map((each) => as(each, 'VacuumRelation')?.['relation']);
    tended(reader, named.length === 0 ? [undefined] : named);
  },
  CreateEventTrigStmt: (reader, fields) => {
    for (const each of routinesMeant(reader, fields['funcname'])) {
      const reach = reachOfRoutine(reader.catalogue, each);
      if (reach?.writes !== false) reader.uses.move(reachFlow(reach), []);
    }
  },
  CommentStmt: unlabel,
  SecLabelStmt: unlabel,
};

const routines: ReadonlySet<string> = new Set(['OBJECT_FUNCTION', 'OBJECT_ROUTINE', 'OBJECT_PROCEDURE']);

/**
 * SECURITY: where the values of a materialised view come from is told by what it is made of now. Who could put another
 * view or function in the place of one of these would leave the old values, and nothing that tells of them.
 */
function unkept(reader: Reader, view: Relation | undefined): void {
  if (view === undefined || view.kind !== 'view' || !isKept(reader.catalogue, view.name)) return;
  for (const { value } of relationCells(reader, view)) reader.uses.move(known(value.flow), []);
}

function routineUnkept(reader: Reader, names: readonly string[]): void {
  const [name = '', schema] = names.toReversed();
  const found = reader.catalogue.data.functions.filter(
    (each) => each.name === name && (schema === undefined || each.schema === schema) && !isOwn(each),
  );
  if (found.length === 0 || !isKept(reader.catalogue, name)) return;
  for (const each of found) {
    if (doingOf(each, reader.catalogue).access === 'read') continue;
    reader.uses.move(reachFlow(reachOfRoutine(reader.catalogue, each)), []);
  }
}

/** What runs the expressions of indexes, checks and views again on all rows that are there. */
function tended(reader: Reader, named: readonly unknown[]): void {
  const { relations } = reader.catalogue.data;
  for (const each of named) {
    const found = relationOf(reader, each);
    // An index does not say whose it is, and without a name all are meant.
    for (const relation of found === undefined || found.kind === 'index' ? relations : [found])
      handed(reader, relation, everyEvent);
    if (found?.kind === 'materialized') relationItem(reader, each as Fields);
  }
}

const everyEvent: readonly string[] = ['insert', 'update', 'write'];

/** Of what cannot be told, anything. */
function known(flow: Flow): Flow {
  return flow.why === undefined ? flow : derive([flow, reachFlow(undefined)]);
}

/** Another comment or label takes the tags of the old one away. */
function unlabel(reader: Reader, fields: Fields): void {
  const column = text(fields['objtype']) === 'OBJECT_COLUMN';
  const parts = namesOf(as(fields['object'], 'List')?.['items']);
  const [name, ...rest] = column ? parts.toReversed() : ['*', ...parts.toReversed()];
  const [relname, schemaname] = rest;
  if (relname === undefined) return;
  const relation = relationOf(reader, { relname, ...(schemaname === undefined ? {} : { schemaname }) });
  for (const each of relation?.columns ?? []) {
    if (relation === undefined || (column && each.name !== name) || tagsOfColumn(each).length === 0) continue;
    moved(reader, refOf(relation, each.name), []);
  }
}

/** What code can read, as a flow. */
export function reachFlow(reach: Reach): Flow {
  return { from: columns(reach?.reads ?? [{ object: '*', column: '*' }]), through: columns([]) };
}

function relationOf(reader: Reader, rangeVar: unknown): Relation | undefined {
  if (typeof rangeVar !== 'object' || rangeVar === null) return undefined;
  const found = resolveRelation(reader.catalogue, reader.scope, rangeVarName(rangeVar as Fields));
  return found.kind === 'relation' ? found.relation : undefined;
}

function rename(reader: Reader, fields: Fields): void {
  const name = text(fields['newname']) ?? '*';
  const kind = text(fields['renameType']);
  if (kind === 'OBJECT_SCHEMA') {
    for (const each of reader.catalogue.data.relations) {
      if (each.schema === text(fields['subname'])) called(reader, each, canonicalName(name, each.name));
    }
    return;
  }
  const relation = relationOf(reader, fields['relation']);
  if (relation === undefined) return;
  if (kind === 'OBJECT_COLUMN' || kind === 'OBJECT_ATTRIBUTE') {
    const before = text(fields['subname']) ?? '*';
    // What inherits the column is renamed with it.
    for (const each of [relation, ...childrenOf(reader, relation)]) {
      moved(reader, refOf(each, before), [refOf(each, name)]);
    }
  } else if (renaming.has(kind ?? '')) {
    called(reader, relation, canonicalName(relation.schema, name));
  }
}

const renaming: ReadonlySet<string> = new Set([
  'OBJECT_TABLE',
  'OBJECT_VIEW',
  'OBJECT_MATVIEW',
  'OBJECT_FOREIGN_TABLE',
]);

function childrenOf(reader: Reader, relation: Relation): readonly Relation[] {
  const names = new Set(relation.children);
  if (names.size === 0) return [];
  return reader.catalogue.data.relations.filter((each) => names.has(`${each.schema}.${each.name}`));
}

/** All its columns under its new name. */
function called(reader: Reader, relation: Relation, object: string): void {
  for (const { name } of relation.columns) moved(reader, refOf(relation, name), [{ object, column: name }]);
}

function moved(reader: Reader, from: ColumnRef, to: readonly ColumnRef[]): void {
  reader.uses.move({ from: columns([from]), through: columns([]) }, to);
}

function alter(reader: Reader, fields: Fields): void {
  const rangeVar = (fields['relation'] ?? {}) as Fields;
  const relation = relationOf(reader, rangeVar);
  if (relation === undefined) return;
  handed(reader, relation, everyEvent);
  for (const node of list(fields['cmds'])) {
    const command = as(node, 'AlterTableCmd') ?? {};
    const definition = command['def'];
    const name = text(command['name']) ?? '*';
    const over = { ...nowhere, items: [relationItem(reader, rangeVar)] };
    switch (text(command['subtype'])) {
      case 'AT_AddColumn':
        added(reader, relation, as(definition, 'ColumnDef') ?? {}, over);
        break;
      case 'AT_SetExpression':
        reader.uses.move(codeOf(reader, definition, over), [refOf(relation, name)]);
        break;
      case 'AT_DropExpression': {
        // What was computed stays, and nothing tells any more of what.
        const cell = over.items[0]?.cells.find((each) => each.name === name);
        if (cell !== undefined) reader.uses.move(cell.value.flow, [refOf(relation, name)]);
        break;
      }
      case 'AT_GenericOptions':
      case 'AT_AlterColumnGenericOptions':
        reader.uses.move(reachFlow(undefined), []);
        break;
      case 'AT_AttachPartition':
        bounded(reader, as(definition, 'PartitionCmd')?.['bound']);
        break;
      case 'AT_AlterColumnType': {
        const using = as(definition, 'ColumnDef')?.['raw_default'];
        if (using === undefined) break;
        reader.uses.move(reader.value(using, over).flow, [refOf(relation, name)]);
        break;
      }
      case 'AT_DropInherit':
        alone(reader, relation, as(definition, 'RangeVar') ?? definition);
        break;
      case 'AT_DetachPartition': {
        const child = relationOf(reader, as(definition, 'PartitionCmd')?.['name']);
        if (child !== undefined) alone(reader, child, rangeVar);
        break;
      }
      default:
        break;
    }
  }
}

/** The rows that are there get the value of the default, of its type's default, or of what generates it. */
function added(reader: Reader, relation: Relation, column: Fields, over: Space): void {
  const to = [refOf(relation, text(column['colname']) ?? '*')];
  const { type } = typeNamed(reader, column['typeName'] as Fields | undefined);
  for (const run of type?.runs ?? []) {
    reader.uses.move(reachFlow(reachOfRun(reader.catalogue, run)), to);
  }
  // Of its own row a generated column is known to be made.
  reader.uses.move(codeOf(reader, column['constraints'], over), to);
}

/** What code of somebody's own in these expressions reads. */
function codeOf(reader: Reader, inside: unknown, space: Space): Flow {
  const before = reader.uses.coded.length;
  flowsIn(reader, inside, space);
  return derive(reader.uses.coded.slice(before).map(({ flow }) => flow));
}

/** Where a partition begins and ends is computed once, and anybody can look it up. */
function bounded(reader: Reader, bound: unknown): void {
  if (bound !== undefined) reader.uses.move(derive(flowsIn(reader, bound, nowhere)), []);
}

/** A child whose columns have their parent's tags no longer. */
function alone(reader: Reader, child: Relation, parent: unknown): void {
  const found = relationOf(reader, parent);
  for (const each of [child, ...childrenOf(reader, child)]) {
    for (const { name } of found?.columns ?? []) {
      if (found !== undefined) moved(reader, refOf(found, name), [refOf(each, name)]);
    }
  }
}

/**
 * SECURITY: a trigger was judged by what its function did when it was made. Another body in its place is judged as if
 * every trigger that calls it were made now.
 */
function retriggered(reader: Reader, fields: Fields): void {
  const { catalogue } = reader;
  const [name = '', schema] = namesOf(fields['funcname']).toReversed();
  const before = catalogue.data.functions.filter(
    (each) =>
      each.name === name && (schema === undefined || each.schema === schema) && isTriggered(each.returns),
  );
  if (before.length === 0) return;
  const options = list(fields['options']).map((each) => as(each, 'DefElem') ?? {});
  const given = (option: string): unknown => options.find((each) => each['defname'] === option)?.['arg'];
  const source = list(as(given('as'), 'List')?.['items'])
    .map((each) => stringOf(each) ?? '')
    .join('\n');
  const plain = stringOf(given('language'))?.toLowerCase() === 'plpgsql';
  const reach = plain ? reachOf(catalogue, source) : undefined;
  const tables = catalogue.data.relations.filter((each) =>
    each.runs.some(({ routine }) => before.some((of) => routinesCalled(catalogue, routine).includes(of))),
  );
  const rows = tables.flatMap((each) => rowsIn(source, each));
  const events = before.some((each) => each.returns === eventTrigger);
  if (tables.length === 0 && !events) return;
  reader.uses.move(derive([reachFlow(reach), { from: columns(rows), through: columns([]) }]), []);
}

const eventTrigger = 3838;

/** Whether what returns this type is called by triggers alone. */
export function isTriggered(returns: number): boolean {
  return returns === 2279 || returns === eventTrigger;
}

/** A trigger's function has every row of its table in hand. */
function trigger(reader: Reader, fields: Fields): void {
  const relation = relationOf(reader, fields['relation']);
  const found = routinesMeant(reader, fields['funcname']);
  const reach =
    found.length === 1 && found[0] !== undefined ? reachOfRoutine(reader.catalogue, found[0]) : undefined;
  const rows = relation === undefined ? [] : rowsIn(found[0]?.source ?? '', relation);
  reader.uses.move(derive([reachFlow(reach), { from: columns(rows), through: columns([]) }]), []);
}

function routinesMeant(reader: Reader, funcname: unknown): readonly Routine[] {
  const [name = '', schema] = namesOf(funcname).toReversed();
  return reader.catalogue.data.functions.filter(
    (each) => each.name === name && (schema === undefined || each.schema === schema),
  );
}

/** The columns that a trigger's function takes of OLD and NEW; all of them where it takes the row whole. */
function rowsIn(source: string, relation: Relation): readonly ColumnRef[] {
  const lower = source.toLowerCase().replace(/return\s+(?:new|old)\s*;/g, '');
  const whole = /\b(?:new|old)\b(?!\s*\.\s*[a-z_"])/.test(lower);
  const used = relation.columns.filter(({ name }) => whole || lower.includes(name.toLowerCase()));
  return used.map(({ name }) => ({ object: relationName(relation), column: name }));
}
