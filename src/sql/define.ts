import type { Access } from '../core/action.ts';
import {
  canonicalName,
  creationSchema,
  isTemporary,
  nameFrom,
  quoted,
  rangeVarName,
  relationName,
  resolveRelation,
  schemasFor,
  writtenName,
} from './names.ts';
import { add, addUnknown, type Reading } from './reading.ts';
import { as, type Fields, isNode, list, open, stringOf, text } from './tree.ts';

/** A relation that is made. */
export function createRelation(reading: Reading, range: Fields | undefined, kind = 'table'): void {
  if (range === undefined) return addUnknown(reading, 'A relation without a name is made');
  const { schema, name } = rangeVarName(range);
  const temporary = range['relpersistence'] === 't' || (schema !== undefined && isTemporary(schema));
  if (temporary) {
    reading.found.temporary = true;
    return add(reading, kind, canonicalName('pg_temp', name), 'define');
  }
  const place = schema ?? creationSchema(reading.scope);
  add(reading, kind, place === undefined ? quoted(name) : canonicalName(place, name), 'define');
}

/** A relation whose definition is changed or dropped, with its children. One that is not known is named as it is written. */
export function alterRelation(reading: Reading, range: Fields | undefined, access: Access = 'define'): void {
  if (range === undefined) return addUnknown(reading, 'A relation without a name is changed');
  alterNamed(reading, rangeVarName(range), access);
}

/** A table that a foreign key points to: it may be the very one that is being made. */
export function referTo(reading: Reading, range: Fields): void {
  const named = rangeVarName(range);
  const resolved = resolveRelation(reading.catalogue, reading.scope, named);
  add(
    reading,
    'table',
    resolved.kind === 'missing' ? writtenName(named) : relationName(resolved.relation),
    'read',
  );
}

function alterNamed(reading: Reading, named: ReturnType<typeof rangeVarName>, access: Access): void {
  const resolved = resolveRelation(reading.catalogue, reading.scope, named);
  if (resolved.kind === 'missing') return add(reading, 'table', writtenName(named), access);
  const { relation } = resolved;
  if (relation.temporary) reading.found.temporary = true;
  const kind = relation.kind === 'sequence' ? 'sequence' : 'table';
  add(reading, kind, relationName(relation), access);
  for (const child of relation.children) {
    const known = reading.known.relation(child);
    add(reading, 'table', known === undefined ? child : relationName(known), access);
  }
}

interface ObjectKind {
  readonly kind: string;
  readonly access: Access;
  /** How its name is written: of a relation, of something on a relation (last part aside), of a thing with a schema, or one word. */
  readonly named: 'relation' | 'on-relation' | 'qualified' | 'word';
}

function rows(names: string, row: ObjectKind): readonly (readonly [string, ObjectKind])[] {
  return names.split(' ').map((name) => [`OBJECT_${name}`, row] as const);
}

/** ObjectType (nodes/parsenodes.h). What is not here is administered: nothing is lesser because nobody thought of it. */
const objects: ReadonlyMap<string, ObjectKind> = new Map([
  ...rows('TABLE VIEW MATVIEW INDEX SEQUENCE FOREIGN_TABLE', {
    kind: 'table',
    access: 'define',
    named: 'relation',
  }),
  ...rows('COLUMN TRIGGER RULE TABCONSTRAINT', { kind: 'table', access: 'define', named: 'on-relation' }),
  ...rows('POLICY', { kind: 'table', access: 'administer', named: 'on-relation' }),
  ...rows('SCHEMA', { kind: 'schema', access: 'define', named: 'word' }),
  ...rows('FUNCTION PROCEDURE ROUTINE AGGREGATE', { kind: 'function', access: 'define', named: 'qualified' }),
  ...rows('TYPE DOMAIN DOMCONSTRAINT ATTRIBUTE', { kind: 'type', access: 'define', named: 'qualified' }),
  ...rows('OPERATOR COLLATION STATISTIC_EXT TSCONFIGURATION TSDICTIONARY', {
    kind: 'object',
    access: 'define',
    named: 'qualified',
  }),
  ...rows('ROLE', { kind: 'role', access: 'administer', named: 'word' }),
  ...rows('DATABASE', { kind: 'database', access: 'administer', named: 'word' }),
  ...rows('EXTENSION', { kind: 'extension', access: 'administer', named: 'word' }),
]);

const anything: ObjectKind = { kind: 'object', access: 'administer', named: 'qualified' };

export interface ObjectOptions {
  /** At least this, whatever the kind: an owner, a right. */
  readonly least?: Access;
  /** The bare RangeVar that some statements hold beside the object's name. */
  readonly relation?: Fields | undefined;
}

/** An object of a kind, named as its statement does: DROP, COMMENT, RENAME, OWNER TO, SET SCHEMA. */
export function addObject(
  reading: Reading,
  type: unknown,
  object: unknown,
  options: ObjectOptions = {},
): void {
  const row = objects.get(text(type) ?? '') ?? anything;
  const access = options.least === 'administer' ? 'administer' : row.access;
  if (options.relation !== undefined) return alterRelation(reading, options.relation, access);
  const parts = partsOf(object);
  if (parts === undefined) return add(reading, row.kind, '*', access);
  switch (row.named) {
    case 'relation':
      return addRelationParts(reading, parts, access);
    case 'on-relation':
      return addRelationParts(reading, parts.slice(0, -1), access);
    case 'qualified':
      for (const name of placed(reading, row.kind, parts)) add(reading, row.kind, name, access);
      return;
    case 'word':
      return add(reading, row.kind, parts.map(quoted).join('.'), access);
  }
}

/** Functions and types by their full names: without a schema, wherever the path has one of that name. */
export function placed(reading: Reading, kind: string, parts: readonly string[]): readonly string[] {
  const written = parts.map(quoted).join('.');
  const [name, ...more] = parts;
  if (name === undefined || more.length > 0) return [written];
  const { catalogue, scope } = reading;
  const found = (['function', 'type'] as const).flatMap((each) => {
    if (each !== kind) return [];
    const has = each === 'function' ? catalogue.routines : catalogue.type;
    return schemasFor(scope, undefined, each).filter((schema) => isThere(has(schema, name)));
  });
  return found.length === 0 ? [written] : found.map((schema) => canonicalName(schema, name));
}

function isThere(found: unknown): boolean {
  return Array.isArray(found) ? found.length > 0 : found !== undefined;
}

function addRelationParts(reading: Reading, parts: readonly string[], access: Access): void {
  const named = nameFrom(parts.map((sval) => ({ String: { sval } })));
  if (named === undefined) return add(reading, 'table', '*', access);
  alterNamed(reading, named, access);
}

/** A name as a String, a list of them, a TypeName or an ObjectWithArgs. */
export function partsOf(object: unknown): readonly string[] | undefined {
  if (typeof object === 'string') return [object];
  const plain = stringOf(object);
  if (plain !== undefined) return [plain];
  if (Array.isArray(object)) return strings(object);
  if (!isNode(object)) return undefined;
  const [type, fields] = open(object);
  if (type === 'List') return strings(list(fields['items']));
  if (type === 'TypeName') return strings(list(fields['names']));
  return type === 'ObjectWithArgs' ? strings(list(fields['objname'])) : undefined;
}

function strings(items: readonly unknown[]): readonly string[] | undefined {
  const parts = items.map((each) => stringOf(each) ?? partsOf(as(each, 'TypeName')?.['names'])?.join('.'));
  const known = parts.flatMap((each) => each ?? []);
  return known.length === parts.length && known.length > 0 ? known : undefined;
}
