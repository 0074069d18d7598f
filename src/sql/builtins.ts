import data from './builtins-18.json' with { type: 'json' };
import type { CatalogueData, Cast, RelationKind, Routine, Type } from './catalogue.ts';

/** PostgreSQL 18's own objects: of the schemas `pg_catalog` and `information_schema`. */
type Builtins = Pick<CatalogueData, 'relations' | 'functions' | 'operators' | 'casts' | 'types'>;

/** Rows of builtins-18.json, in its order of fields. */
interface Rows {
  readonly relations: readonly (readonly [
    number,
    number,
    string,
    RelationKind,
    [string, number, number][],
  ])[];
  readonly functions: readonly (readonly [
    ...[number, number, string, Routine['kind'], Routine['volatility'], string, number[], number],
    ...[number, number, number, string[], number[]],
  ])[];
  readonly operators: readonly (readonly [number, string, number, number, number])[];
  readonly casts: readonly (readonly [number, number, number, Cast['how']])[];
  readonly types: readonly (readonly [number, number, string, Type['kind'], number, number, number])[];
}

/** What every server of this version has before anybody made anything. */
export function builtins(): Builtins {
  const rows = data as unknown as Rows; // our own file, made by readCatalogue()
  const schemas = ['pg_catalog', 'information_schema'];
  const schema = (at: number): string => schemas[at] ?? '';
  return {
    relations: rows.relations.map(([oid, at, name, kind, columns]) => ({
      oid,
      schema: schema(at),
      name,
      kind,
      temporary: false,
      keys: [],
      cascades: [],
      children: [],
      parents: [],
      runs: [],
      rules: [],
      rowSecurity: false,
      columns: columns.map(([column, attnum, typeOid]) => ({
        name: column,
        attnum,
        type: typeOid,
        generated: false,
      })),
    })),
    functions: rows.functions.map((row) => {
      const [oid, at, name, kind, volatility, language, given, defaults, ...rest] = row;
      const [variadic, returns, returnsSet, columns, calls] = rest;
      return {
        oid,
        schema: schema(at),
        name,
        kind,
        volatility,
        securityDefiner: false,
        owner: 'postgres',
        language,
        arguments: given,
        defaults,
        variadic: variadic === 1,
        returns,
        returnsSet: returnsSet === 1,
        columns,
        calls,
      };
    }),
    operators: rows.operators.map(([oid, name, left, right, of]) => ({
      oid,
      schema: 'pg_catalog',
      name,
      left,
      right,
      routine: of,
    })),
    casts: rows.casts.map(([source, target, of, how]) => ({ source, target, routine: of, how })),
    types: rows.types.map(([oid, at, name, kind, element, base, of]) => ({
      oid,
      schema: schema(at),
      name,
      kind,
      element,
      base,
      relation: of,
      runs: [],
    })),
  };
}
