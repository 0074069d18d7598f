import type { Cascade, Relation, Runs } from './catalogue.ts';
import { addRun, addType, addTypeRead } from './calls.ts';
import { firstUserOid } from './functions.ts';
import type { Access } from '../core/action.ts';
import {
  canonicalName,
  creationSchema,
  quoted,
  rangeVarName,
  relationName,
  resolveRelation,
  writtenName,
} from './names.ts';
import { add, addFound, addMissing, addUnknown, type Env, isCte, type Reading } from './reading.ts';
import { isSystemSchema, systemRead } from './system.ts';
import { as, type Fields, isNode, list, open } from './tree.ts';

export type Op = 'read' | 'insert' | 'update' | 'delete' | 'truncate';

export interface How {
  /** Written without ONLY: children are meant too. */
  readonly inherited: boolean;
  /** The columns an UPDATE assigns to; absent: any. */
  readonly columns?: readonly string[];
  /** TRUNCATE … CASCADE. */
  readonly cascade?: boolean;
}

/** A relation that is read where it stands, unless the name is one that WITH gave. */
export function readRangeVar(reading: Reading, fields: Fields, env: Env): void {
  const named = rangeVarName(fields);
  if (named.schema === undefined && isCte(env, named.name)) return;
  const relation = relationOf(reading, fields);
  if (relation === undefined) return;
  touch(reading, relation, 'read', { inherited: fields['inh'] === true });
  if (!env.locks) return;
  reading.found.locks = true;
  for (const locked of lockedBy(reading, relation)) add(reading, 'table', relationName(locked), 'write');
}

/** The relation that the fields of a RangeVar mean. Undefined: it is not known, and the statement is noted as unknown. */
export function relationOf(reading: Reading, fields: Fields, access: Access = 'read'): Relation | undefined {
  const named = rangeVarName(fields);
  const resolved = resolveRelation(reading.catalogue, reading.scope, named);
  if (resolved.kind === 'relation') return resolved.relation;
  const written = writtenName(named);
  const note = `No relation ${written} is known`;
  // Of another database PostgreSQL says something else.
  if (named.catalog !== undefined) addUnknown(reading, note, 'table', written);
  else {
    const { schema = creationSchema(reading.scope), name } = named;
    const target = {
      kind: 'table',
      name: schema === undefined ? quoted(name) : canonicalName(schema, name),
      access,
    };
    const relation = named.schema === undefined ? name : `${named.schema}.${name}`;
    const said = { sqlstate: '42P01', message: `relation "${relation}" does not exist` };
    addMissing(reading, note, 'table', { written, target, said });
  }
  return undefined;
}

export function touchRangeVar(reading: Reading, fields: Fields, op: Op, how: Partial<How> = {}): void {
  const relation = relationOf(reading, fields, op === 'read' ? 'read' : 'write');
  if (relation === undefined) return;
  touch(reading, relation, op, { inherited: fields['inh'] === true, ...how });
}

/** All that happens when this is done to a relation, by itself and by what hangs on it. */
export function touch(reading: Reading, relation: Relation, op: Op, how: How): void {
  spread({ reading, seen: new Set() }, relation, op, how);
}

interface Spreading {
  readonly reading: Reading;
  readonly seen: Set<string>;
}

function spread(at: Spreading, relation: Relation, op: Op, how: How): void {
  const key = `${relation.oid} ${op}`;
  if (at.seen.has(key)) return;
  at.seen.add(key);
  const { reading } = at;
  addAccess(reading, relation, op);
  if (op !== 'read' && relation.temporary) reading.found.temporary = true;
  if (relation.kind === 'foreign')
    reading.found.notes.add(`${relationName(relation)} lies on another server`);
  addOwnRuns(reading, relation, op);
  addColumnTypes(reading, relation, op);
  family(at, relation, op, how);
  if (relation.kind === 'view' && !isOwnRelation(relation)) throughView(at, relation, op);
  if (relation.kind === 'materialized' && op === 'read') fromStored(reading, relation);
  if (op !== 'read') cascades(at, relation, op, how);
}

function isOwnRelation(relation: Relation): boolean {
  return isSystemSchema(relation.schema) && relation.oid < firstUserOid;
}

function addAccess(reading: Reading, relation: Relation, op: Op): void {
  const name = relationName(relation);
  const kind = relation.kind === 'sequence' ? 'sequence' : 'table';
  if (!isSystemSchema(relation.schema)) return add(reading, kind, name, op === 'read' ? 'read' : 'write');
  const access = op === 'read' ? systemRead(relation.schema, relation.name) : 'administer';
  add(reading, kind, name, access);
  if (access === 'administer')
    reading.found.notes.add(`${name} holds more than the structure of the database`);
}

function addOwnRuns(reading: Reading, relation: Relation, op: Op): void {
  const rule = op === 'read' ? 'select' : op;
  if (relation.rules.some((each) => each === rule)) {
    addUnknown(reading, `A rule on ${relationName(relation)} puts something else in place of the statement`);
  }
  if (reading.planOnly && op !== 'read') return;
  for (const run of relation.runs) {
    if (runsAt(run.on, op, relation))
      addRun(reading, run.routine, `${relationName(relation)} runs functions by itself`);
  }
}

function runsAt(on: Runs['on'], op: Op, relation: Relation): boolean {
  if (on === op) return true;
  switch (on) {
    case 'read':
      // Row security of reading also holds for what UPDATE and DELETE find.
      return op === 'update' || op === 'delete';
    case 'write':
      return op !== 'read' && op !== 'truncate';
    case 'insert':
    case 'delete':
      // A row that gets another partition is deleted there and inserted here.
      return op === 'update' && (relation.kind === 'partitioned' || relation.children.length > 0);
    case 'update':
    case 'truncate':
      return false;
  }
}

function addColumnTypes(reading: Reading, relation: Relation, op: Op): void {
  const casts = reading.known.casts.length > 0;
  for (const column of relation.columns) {
    if (column.type < firstUserOid && !casts) continue;
    const type = reading.catalogue.typeByOid(column.type);
    if (type === undefined) addUnknown(reading, 'A column of a type that is not known');
    else if (op === 'insert' || op === 'update') addType(reading, type);
    else addTypeRead(reading, type);
  }
}

/** Rows of children and partitions belong to their parents too, both ways. */
function family(at: Spreading, relation: Relation, op: Op, how: How): void {
  for (const name of relation.parents) {
    const parent = at.reading.known.relation(name);
    if (parent !== undefined) addAccess(at.reading, parent, op);
    else addUnknown(at.reading, 'A parent table that is not known');
  }
  if (!how.inherited && relation.kind !== 'partitioned') return;
  for (const name of relation.children) {
    const child = at.reading.known.relation(name);
    if (child === undefined) addUnknown(at.reading, 'A child table that is not known');
    else spread(at, child, op, { ...how, inherited: false });
  }
}

function throughView(at: Spreading, view: Relation, op: Op): void {
  const { reading } = at;
  const inside = reading.insideView(view);
  if (inside === undefined) {
    return addUnknown(
      reading,
      `The query of ${relationName(view)} is not known`,
      'table',
      relationName(view),
    );
  }
  addFound(reading, inside);
  if (op === 'read') return;
  for (const base of basesOf(reading, view)) spread(at, base, op, { inherited: true });
}

/** The relations that stand right in the view's FROM: an updatable view has one (PostgreSQL 18 docs, CREATE VIEW). */
function basesOf(reading: Reading, view: Relation): readonly Relation[] {
  const select = view.definition === undefined ? undefined : as(view.definition, 'SelectStmt');
  return list(select?.['fromClause']).flatMap((each): readonly Relation[] => {
    const range = as(each, 'RangeVar');
    if (range === undefined) return [];
    const named = rangeVarName(range);
    const base = reading.catalogue.relation(named.schema ?? 'pg_catalog', named.name);
    return base === undefined ? [] : [base];
  });
}

/** A materialised view holds what its tables held: reading it is reading them, but nothing is called. */
function fromStored(reading: Reading, view: Relation): void {
  const inside = reading.insideView(view);
  if (inside !== undefined) addFound(reading, inside, (target) => target.kind === 'table');
  else addUnknown(reading, `The query of ${relationName(view)} is not known`, 'table', relationName(view));
}

/** What locking a relation locks. */
export function lockedBy(reading: Reading, relation: Relation): readonly Relation[] {
  if (relation.kind !== 'view') return [relation];
  return [relation, ...basesOf(reading, relation)];
}

/** Foreign keys that change other tables by themselves. */
function cascades(at: Spreading, relation: Relation, op: Op, how: How): void {
  if (at.reading.planOnly || op === 'insert' || op === 'read') return;
  for (const cascade of relation.cascades) {
    const then = op === 'truncate' ? truncated(how) : reaction(cascade, op, how.columns);
    if (then === undefined) continue;
    const referencing = at.reading.known.relation(cascade.from);
    if (referencing === undefined) addUnknown(at.reading, 'A foreign key of a table that is not known');
    else spread(at, referencing, then, { inherited: true, ...(op === 'truncate' ? { cascade: true } : {}) });
  }
}

function truncated(how: How): Op | undefined {
  return how.cascade === true ? 'truncate' : undefined;
}

function reaction(cascade: Cascade, op: Op, columns: readonly string[] | undefined): Op | undefined {
  if (op === 'delete') {
    if (cascade.onDelete === 'none') return undefined;
    return cascade.onDelete === 'cascade' ? 'delete' : 'update';
  }
  if (cascade.onUpdate === 'none') return undefined;
  const moved = columns === undefined || cascade.columns.some((each) => columns.includes(each));
  return moved ? 'update' : undefined;
}

/** The RangeVar fields of a wrapped or bare one. */
export function rangeVarFields(value: unknown): Fields | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  if (!isNode(value)) return value as Fields;
  const [type, fields] = open(value);
  return type === 'RangeVar' ? fields : undefined;
}
