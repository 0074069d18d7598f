import type { Scope } from '../sql/analysis.ts';
import { builtins } from '../sql/builtins.ts';
import {
  type Cascade,
  catalogue,
  type Catalogue,
  type CatalogueData,
  type Column,
  type Relation,
  type RelationKind,
  type Routine,
  type Type,
} from '../sql/catalogue.ts';
import { type QualifiedName, resolveRelation, schemasFor } from '../sql/names.ts';

/**
 * A database as a row of migrations makes it, without a server: PostgreSQL 18's own objects, and whatever the statements
 * so far made or are assumed to have found there.
 */
export class Model {
  readonly #relations: Map<string, Relation> = new Map();
  readonly #types: Map<string, Type> = new Map();
  #routines: Routine[] = [];
  readonly #schemas: Set<string> = new Set(['public']);
  #searchPath: readonly string[] = ['public'];
  #oid = 100_000;
  #version = 0;
  #built: Catalogue | undefined;

  catalogue(): Catalogue {
    this.#built ??= catalogue(this.#data());
    return this.#built;
  }

  scope(): Scope {
    return { searchPath: ['pg_catalog', ...this.#searchPath.filter((each) => each !== 'pg_catalog')] };
  }

  get searchPath(): readonly string[] {
    return this.#searchPath;
  }

  setSearchPath(schemas: readonly string[]): void {
    this.#searchPath = schemas.filter((each) => each !== '' && each !== '$user' && each !== '"$user"');
  }

  /** Where a name without a schema is made. */
  placeOf({ schema, name }: QualifiedName): { readonly schema: string; readonly name: string } {
    return { schema: schema ?? this.#searchPath[0] ?? 'public', name };
  }

  relation(named: QualifiedName): Relation | undefined {
    const found = resolveRelation(this.catalogue(), this.scope(), named);
    return found.kind === 'relation' ? found.relation : undefined;
  }

  hasType(named: QualifiedName): boolean {
    return schemasFor(this.scope(), named.schema, 'type').some(
      (schema) => this.catalogue().type(schema, named.name) !== undefined,
    );
  }

  hasRoutine(named: QualifiedName): boolean {
    return schemasFor(this.scope(), named.schema, 'function').some(
      (schema) => this.catalogue().routines(schema, named.name).length > 0,
    );
  }

  typeOid(named: QualifiedName): number {
    for (const schema of schemasFor(this.scope(), named.schema, 'type')) {
      const found = this.catalogue().type(schema, named.name);
      if (found !== undefined) return found.oid;
    }
    return textOid;
  }

  addSchema(name: string): void {
    this.#schemas.add(name);
    this.#changed();
  }

  addRelation(named: QualifiedName, kind: RelationKind, more: Partial<Relation> = {}): Relation {
    const { schema, name } = this.placeOf(named);
    const made: Relation = {
      oid: ++this.#oid,
      schema,
      name,
      kind,
      temporary: false,
      columns: [],
      keys: [],
      cascades: [],
      children: [],
      parents: [],
      runs: [],
      rules: [],
      rowSecurity: false,
      ...more,
    };
    this.#schemas.add(schema);
    this.#put(made);
    this.#types.set(`${schema}.${name}`, {
      ...plainType(++this.#oid, schema, name),
      kind: 'composite',
      relation: made.oid,
    });
    this.#changed();
    return made;
  }

  /** Changes a relation that is already known; others are left. */
  changeRelation(named: QualifiedName, change: (relation: Relation) => Relation): void {
    const known = this.relation(named);
    if (known === undefined || !this.#relations.has(keyOf(known))) return;
    this.#relations.delete(keyOf(known));
    this.#put(change(known));
    this.#changed();
  }

  dropRelation(named: QualifiedName): void {
    const known = this.relation(named);
    if (known === undefined) return;
    this.#relations.delete(keyOf(known));
    this.#types.delete(keyOf(known));
    const name = keyOf(known);
    for (const each of Array.from(this.#relations.values())) {
      if (each.cascades.some(({ from }) => from === name)) {
        this.#put({ ...each, cascades: each.cascades.filter(({ from }) => from !== name) });
      }
    }
    this.#changed();
  }

  addCascade(to: QualifiedName, cascade: Cascade): void {
    this.changeRelation(to, (relation) => ({ ...relation, cascades: [...relation.cascades, cascade] }));
  }

  addType(named: QualifiedName, more: Partial<Type> = {}): void {
    const { schema, name } = this.placeOf(named);
    const oid = ++this.#oid;
    this.#types.set(`${schema}.${name}`, { ...plainType(oid, schema, name), ...more });
    this.#types.set(`${schema}._${name}`, {
      ...plainType(++this.#oid, schema, `_${name}`),
      kind: 'base',
      element: oid,
    });
    this.#changed();
  }

  addRoutine(named: QualifiedName, more: Partial<Routine>): Routine {
    const { schema, name } = this.placeOf(named);
    const made: Routine = {
      oid: ++this.#oid,
      schema,
      name,
      kind: 'function',
      volatility: 'volatile',
      securityDefiner: false,
      owner: 'unknown',
      language: 'plpgsql',
      arguments: [],
      defaults: 0,
      variadic: false,
      returns: textOid,
      returnsSet: false,
      columns: [],
      calls: [],
      ...more,
    };
    this.#routines = [...this.#routines, made];
    this.#changed();
    return made;
  }

  #put(relation: Relation): void {
    this.#relations.set(keyOf(relation), relation);
  }

  #changed(): void {
    this.#built = undefined;
    this.#version += 1;
  }

  #data(): CatalogueData {
    const own = ours();
    return {
      version: `scan ${this.#version}`,
      serverMajor: 18,
      database: 'scan',
      currentUser: 'scan',
      schemas: ['pg_catalog', 'information_schema', 'pg_toast', ...this.#schemas],
      relations: [...own.relations, ...this.#relations.values()],
      functions: [...own.functions, ...this.#routines],
      operators: own.operators,
      casts: own.casts,
      types: [...own.types, ...this.#types.values()],
    };
  }
}

const textOid = 25;

let own: ReturnType<typeof builtins> | undefined;
function ours(): ReturnType<typeof builtins> {
  own ??= builtins();
  return own;
}

function keyOf({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return `${schema}.${name}`;
}

function plainType(oid: number, schema: string, name: string): Type {
  return { oid, schema, name, kind: 'enum', element: 0, base: 0, relation: 0, runs: [] };
}

export function column(name: string, type: number, at: number): Column {
  return { name, attnum: at, type, generated: false };
}
