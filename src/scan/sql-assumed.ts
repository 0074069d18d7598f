import { nameFrom, type QualifiedName, rangeVarName, writtenName } from '../sql/names.ts';
import { as, type Fields, isNode, list, type Node, open, text } from '../sql/tree.ts';
import type { RelationKind } from '../sql/catalogue.ts';
import type { Model } from './sql-model.ts';

/**
 * Adds to the model what a statement uses and no earlier one made: it must have been there before the first migration.
 * A relation is taken for a plain table without a key, a type for an enum, a function for one that can do anything.
 * SECURITY: that is the least that can be said of a relation, so what hangs on it (triggers, cascades, views) is not
 * seen here; the gateway, which asks the server, sees it. Gives the names that were assumed.
 */
export function assume(model: Model, node: Node): readonly string[] {
  const made = madeBy(node);
  const ctes = new Set<string>();
  walk(node, (fields) => {
    const name = text(fields['ctename']);
    if (name !== undefined) ctes.add(name);
  });
  const assumed: string[] = [];
  const relation = (named: QualifiedName, kind: RelationKind = 'table'): void => {
    if (named.name === '' || same(named, made) || (named.schema === undefined && ctes.has(named.name)))
      return;
    if (named.schema === 'pg_temp' || model.relation(named) !== undefined) return;
    model.addRelation(withoutDatabase(named), kind);
    assumed.push(writtenName(named));
  };
  walk(node, (fields, type) => {
    if (typeof fields['relname'] === 'string') relation(rangeVarName(fields));
    else if (type === 'FuncCall') addFunction(model, fields, assumed);
    else if (Array.isArray(fields['names']) && 'typemod' in fields) addType(model, fields, assumed);
  });
  for (const [named, kind] of namedByLists(node)) relation(named, kind);
  return assumed;
}

function withoutDatabase({ schema, name }: QualifiedName): QualifiedName {
  return schema === undefined ? { name } : { schema, name };
}

function same(a: QualifiedName, b: QualifiedName | undefined): boolean {
  return b !== undefined && a.name === b.name && (a.schema === b.schema || a.schema === undefined);
}

const makers: Readonly<Record<string, string>> = {
  CreateStmt: 'relation',
  ViewStmt: 'view',
  CreateSeqStmt: 'sequence',
  CompositeTypeStmt: 'typevar',
};

function madeBy(node: Node): QualifiedName | undefined {
  const [type, fields] = open(node);
  const slot =
    type === 'CreateTableAsStmt'
      ? (fields['into'] as Fields | undefined)?.['rel']
      : fields[makers[type] ?? ''];
  return typeof slot === 'object' && slot !== null ? rangeVarName(slot as Fields) : undefined;
}

const listedKinds: Readonly<Record<string, RelationKind>> = {
  OBJECT_TABLE: 'table',
  OBJECT_VIEW: 'view',
  OBJECT_MATVIEW: 'materialized',
  OBJECT_SEQUENCE: 'sequence',
  OBJECT_FOREIGN_TABLE: 'foreign',
};

/** DROP and COMMENT name relations as lists of words. */
function namedByLists(node: Node): readonly (readonly [QualifiedName, RelationKind])[] {
  const [type, fields] = open(node);
  const kind = listedKinds[text(fields[type === 'DropStmt' ? 'removeType' : 'objtype']) ?? ''];
  if (kind === undefined) return [];
  const objects =
    type === 'DropStmt' ? list(fields['objects']) : type === 'CommentStmt' ? [fields['object']] : [];
  return objects.flatMap((each) => {
    const named = nameFrom(as(each, 'List')?.['items']);
    return named === undefined ? [] : [[named, kind] as const];
  });
}

function addFunction(model: Model, fields: Fields, assumed: string[]): void {
  const named = nameFrom(fields['funcname']);
  if (named === undefined || fields['funcformat'] === 'COERCE_SQL_SYNTAX' || model.hasRoutine(named)) return;
  if (list(fields['args']).length === 1 && model.hasType(named)) return; // a cast
  model.addRoutine(withoutDatabase(named), { variadic: true, arguments: [2276] }); // any
  assumed.push(`${writtenName(named)}()`);
}

const serials: ReadonlySet<string> = new Set(
  'serial serial2 serial4 serial8 smallserial bigserial'.split(' '),
);

function addType(model: Model, fields: Fields, assumed: string[]): void {
  const named = nameFrom(fields['names']);
  if (named === undefined || fields['pct_type'] === true || model.hasType(named)) return;
  if (named.schema === undefined && serials.has(named.name)) return;
  model.addType(withoutDatabase(named));
  assumed.push(writtenName(named));
}

function walk(value: unknown, see: (fields: Fields, type: string | undefined) => void, type?: string): void {
  if (Array.isArray(value)) {
    for (const each of value as readonly unknown[]) walk(each, see);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (isNode(value)) {
    const [name, fields] = open(value);
    walk(fields, see, name);
    return;
  }
  const fields = value as Fields;
  see(fields, type);
  for (const each of Object.values(fields)) walk(each, see);
}
