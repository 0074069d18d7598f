import type { Node } from './tree.ts';

/**
 * What the analysis must know of a database: a snapshot, plain data. Read by the gateway's own connection
 * (protocols/postgres/catalogue.ts), never from what a client says.
 */
export interface CatalogueData {
  /** Changes whenever anything below may have changed. */
  readonly version: string;
  readonly serverMajor: number; // 13 … 18
  readonly database: string;
  readonly currentUser: string; // the role the gateway connects as
  readonly schemas: readonly string[];
  readonly relations: readonly Relation[];
  readonly functions: readonly Routine[];
  readonly operators: readonly Operator[];
  readonly casts: readonly Cast[];
  readonly types: readonly Type[];
}

export type RelationKind =
  | 'table'
  | 'partitioned'
  | 'view'
  | 'materialized'
  | 'foreign'
  | 'sequence'
  | 'index'
  | 'composite'
  | 'toast';

export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: RelationKind;
  readonly temporary: boolean;
  readonly columns: readonly Column[];
  /** Sets of column names that are a whole primary key or a valid, immediate, non-partial unique index on plain columns. */
  readonly keys: readonly (readonly string[])[];
  /** Of a view or materialised view: its query as the server prints it with an empty search_path, parsed (one SelectStmt). Absent when it could not be parsed: lineage unknown. */
  readonly definition?: Node;
  /** Foreign keys of other tables that point here and act on DELETE or UPDATE by themselves. */
  readonly cascades: readonly Cascade[];
  /** Inheritance children and partitions, all levels, as `schema.name`. */
  readonly children: readonly string[];
  /** All ancestors, as `schema.name`. */
  readonly parents: readonly string[];
  /** Functions that run by themselves: `on` says at which statement. From triggers, rules, row security, defaults, generated columns, checks, index expressions. */
  readonly runs: readonly Runs[];
  /** Rules other than a view's own SELECT rule: what happens is then not what the statement says. */
  readonly rules: readonly ('select' | 'insert' | 'update' | 'delete')[];
  readonly rowSecurity: boolean;
}

export interface Runs {
  readonly on: 'read' | 'insert' | 'update' | 'delete' | 'truncate' | 'write';
  /** `schema.name(argument types)` of a function that is not PostgreSQL's own. */
  readonly routine: string;
}

export interface Cascade {
  readonly from: string; // 'public.payments': the table that is changed
  readonly onDelete: 'none' | 'cascade' | 'set'; // 'set': SET NULL or SET DEFAULT
  readonly onUpdate: 'none' | 'cascade' | 'set';
  /** The referenced columns here. */
  readonly columns: readonly string[];
}

export interface Column {
  readonly name: string;
  readonly attnum: number;
  readonly type: number; // oid
  readonly generated: boolean;
  readonly comment?: string;
}

export interface Routine {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: 'function' | 'procedure' | 'aggregate' | 'window';
  readonly volatility: 'immutable' | 'stable' | 'volatile';
  readonly securityDefiner: boolean;
  readonly owner: string;
  readonly language: string; // 'internal', 'c', 'sql', 'plpgsql', …
  readonly arguments: readonly number[]; // type oids
  readonly defaults: number; // how many trailing arguments have a default
  readonly variadic: boolean;
  readonly returns: number; // type oid
  readonly returnsSet: boolean;
  readonly extension?: string;
  /** Names of OUT and TABLE columns, where it has any. */
  readonly columns: readonly string[];
  /** The whole definition as the server prints it, where it is SQL or PL/pgSQL and did not come with PostgreSQL. */
  readonly source?: string;
  /** Of an aggregate: oids of the functions it calls; of others none. */
  readonly calls: readonly number[];
}

export interface Operator {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly left: number; // 0: prefix
  readonly right: number;
  readonly routine: number; // oid of its function
}

export interface Cast {
  readonly source: number;
  readonly target: number;
  readonly routine: number; // 0: none (binary or by input/output functions)
  readonly how: 'function' | 'inout' | 'binary';
}

export interface Type {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: 'base' | 'composite' | 'domain' | 'enum' | 'pseudo' | 'range' | 'multirange';
  readonly element: number; // of an array: element oid, else 0
  readonly base: number; // of a domain: base oid, else 0
  readonly relation: number; // of a composite: relation oid, else 0
  /** Functions not PostgreSQL's own that converting to it can run (input/output of user types, domain checks), `schema.name`. */
  readonly runs: readonly string[];
}

/** A snapshot made searchable. Built once for each snapshot; lookups are by map. */
export interface Catalogue {
  readonly data: CatalogueData;
  /** By exact names (already folded as the server folds them). */
  readonly relation: (schema: string, name: string) => Relation | undefined;
  readonly relationByOid: (oid: number) => Relation | undefined;
  readonly routines: (schema: string, name: string) => readonly Routine[];
  readonly routineByOid: (oid: number) => Routine | undefined;
  readonly operators: (schema: string, name: string) => readonly Operator[];
  readonly type: (schema: string, name: string) => Type | undefined;
  readonly typeByOid: (oid: number) => Type | undefined;
  readonly casts: readonly Cast[];
}

export function catalogue(data: CatalogueData): Catalogue {
  const relations = new Map(data.relations.map((each) => [key(each.schema, each.name), each]));
  const relationsByOid = new Map(data.relations.map((each) => [each.oid, each]));
  const routines = group(data.functions);
  const routinesByOid = new Map(data.functions.map((each) => [each.oid, each]));
  const operators = group(data.operators);
  const types = new Map(data.types.map((each) => [key(each.schema, each.name), each]));
  const typesByOid = new Map(data.types.map((each) => [each.oid, each]));
  return {
    data,
    relation: (schema, name) => relations.get(key(schema, name)),
    relationByOid: (oid) => relationsByOid.get(oid),
    routines: (schema, name) => routines.get(key(schema, name)) ?? [],
    routineByOid: (oid) => routinesByOid.get(oid),
    operators: (schema, name) => operators.get(key(schema, name)) ?? [],
    type: (schema, name) => types.get(key(schema, name)),
    typeByOid: (oid) => typesByOid.get(oid),
    casts: data.casts,
  };
}

// NUL cannot stand in an identifier, so two names never share a key.
function key(schema: string, name: string): string {
  return `${schema}\0${name}`;
}

function group<T extends { readonly schema: string; readonly name: string }>(
  items: readonly T[],
): Map<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const at = key(item.schema, item.name);
    const found = groups.get(at);
    if (found === undefined) groups.set(at, [item]);
    else found.push(item);
  }
  return groups;
}
