import type { Scope } from './analysis.ts';
import type { Catalogue, Relation } from './catalogue.ts';
import { as, type Fields, list, stringOf, text } from './tree.ts';

/** A possibly qualified name, as the statement wrote it (already folded by the parser). */
export interface QualifiedName {
  readonly catalog?: string;
  readonly schema?: string;
  readonly name: string;
}

export type Resolved =
  | { readonly kind: 'relation'; readonly relation: Relation }
  /** No such relation, as far as the catalogue knows. `name` is canonical where a schema was given, else the bare name. */
  | { readonly kind: 'missing'; readonly name: string };

/** What a relation's name means in this session: the first schema of the effective path that has it. */
export function resolveRelation(catalogue: Catalogue, scope: Scope, named: QualifiedName): Resolved {
  const missing: Resolved = { kind: 'missing', name: writtenName(named) };
  // Another database cannot be reached by name; the server refuses such a statement.
  if (named.catalog !== undefined && named.catalog !== catalogue.data.database) return missing;
  for (const schema of schemasFor(scope, named.schema, 'relation')) {
    const relation = catalogue.relation(schema, named.name);
    if (relation !== undefined) return { kind: 'relation', relation };
  }
  return missing;
}

/**
 * The schemas a name is looked for in, in order. Unqualified functions and operators are never taken from the
 * temporary schema (PostgreSQL 18 docs, 19.11.1, search_path); relations and types are.
 */
export function schemasFor(
  scope: Scope,
  schema: string | undefined,
  kind: 'relation' | 'type' | 'function' | 'operator',
): readonly string[] {
  if (schema === 'pg_temp') return scope.searchPath.filter(isTemporary);
  if (schema !== undefined) return [schema];
  const path = scope.searchPath.includes('pg_catalog')
    ? scope.searchPath
    : ['pg_catalog', ...scope.searchPath];
  return kind === 'relation' || kind === 'type' ? path : path.filter((each) => !isTemporary(each));
}

/** Where `CREATE` puts an unqualified thing: the first schema of the path that is not implicit. Undefined: the server refuses. */
export function creationSchema(scope: Scope): string | undefined {
  // With an explicit pg_catalog first (needs rights nobody should have) this names the next one: a wrong name, never a lesser access.
  return scope.searchPath.find((each) => each !== 'pg_catalog' && !isTemporary(each));
}

export function isTemporary(schema: string): boolean {
  return /^pg_temp_\d+$/.test(schema) || schema === 'pg_temp';
}

/** `schema.name`, each part quoted only where it needs it: the one spelling that policies, tags and entries use. */
export function canonicalName(schema: string, name: string): string {
  return `${quoted(schema)}.${quoted(name)}`;
}

export function relationName(relation: Relation): string {
  return canonicalName(relation.schema, relation.name);
}

/** The name as written, for what cannot be resolved. */
export function writtenName(named: QualifiedName): string {
  const parts = [named.catalog, named.schema, named.name].flatMap((each) =>
    each === undefined ? [] : [each],
  );
  return parts.map(quoted).join('.');
}

/** A word is printed bare if it needs no quotes to keep its letters; keywords stay bare: `public.user`. */
export function quoted(identifier: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(identifier) ? identifier : `"${identifier.replaceAll('"', '""')}"`;
}

/** The name in a RangeVar's fields. */
export function rangeVarName(fields: Fields): QualifiedName {
  const catalog = text(fields['catalogname']);
  const schema = text(fields['schemaname']);
  return {
    ...(catalog === undefined ? {} : { catalog }),
    ...(schema === undefined ? {} : { schema }),
    name: text(fields['relname']) ?? '',
  };
}

/** A name given as a list of String nodes (`DROP TABLE a.b`, function names, type names). Undefined: not such a list. */
export function nameFrom(value: unknown): QualifiedName | undefined {
  const parts = list(value).map(stringOf);
  const name = parts.at(-1);
  if (name === undefined || parts.length > 3 || parts.includes(undefined)) return undefined;
  const schema = parts.at(-2);
  const catalog = parts.at(-3);
  return {
    ...(catalog === undefined ? {} : { catalog }),
    ...(schema === undefined ? {} : { schema }),
    name,
  };
}

export interface ColumnRefParts {
  /** `["a"]`, `["t", "a"]`, `["s", "t", "a"]`, `["db", "s", "t", "a"]`; of `t.*` without the star. */
  readonly parts: readonly string[];
  readonly star: boolean;
}

/** The parts of a ColumnRef's fields. */
export function columnRefParts(fields: Fields): ColumnRefParts {
  const all = list(fields['fields']);
  return {
    parts: all.flatMap((each) => stringOf(each) ?? []),
    star: all.some((each) => as(each, 'A_Star') !== undefined),
  };
}
