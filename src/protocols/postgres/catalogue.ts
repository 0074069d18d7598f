import { Fault } from '../../base/errors.ts';
import type {
  Cascade,
  CatalogueData,
  Column,
  Relation,
  RelationKind,
  Routine,
  Type,
} from '../../sql/catalogue.ts';
import type { Node } from '../../sql/tree.ts';
import * as queries from './catalogue-queries.ts';
import {
  flag,
  group,
  lookup,
  oid,
  oids,
  only,
  type Query,
  type Row,
  strings,
  text,
} from './catalogue-rows.ts';
import { type Program, readRuns, type TypeFacts } from './catalogue-runs.ts';

/**
 * Reads the catalogue in one snapshot, on a connection of the gateway's own that nobody else uses meanwhile.
 * `parse` gives the one SelectStmt of a view's text, or `undefined` when it cannot be read.
 * Rejects with a Fault `catalogue`; the connection is then in no transaction.
 *
 * PostgreSQL prints views by what is committed now, not by the snapshot. Such a view's relations may be newer than
 * the rest; the version belongs to the snapshot, so that the next look at it shows the difference.
 */
export async function readCatalogue(
  query: Query,
  parse: (text: string) => Promise<Node | undefined>,
): Promise<CatalogueData> {
  try {
    await query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await query(`SET LOCAL search_path = ''`);
    // Printing a view waits for whoever is altering it.
    await query(`SET LOCAL lock_timeout = '2s'`);
    const data = await read(query, parse);
    await query('COMMIT');
    return data;
  } catch (error) {
    await query('ROLLBACK').catch(() => {});
    if (error instanceof Fault) throw error;
    throw new Fault('catalogue', 'Cannot read the catalogue of the database', { cause: error });
  }
}

/** Another text whenever anything in CatalogueData may have changed: the `version` there. */
export async function catalogueVersion(query: Query): Promise<string> {
  return text(only(await query(queries.version)), 0);
}

/**
 * The same, for asking often: gives the version without looking at the catalogue as long as no transaction that wrote
 * anything has ended since.
 */
export function catalogueWatch(query: Query): () => Promise<string> {
  let seen: { readonly snapshot: string; readonly version: string } | undefined;
  return async () => {
    const snapshot = text(only(await query(queries.snapshot)), 0);
    if (seen?.snapshot === snapshot) return seen.version;
    // The snapshot is the older of the two: what ends in between shows in the next one.
    const version = await catalogueVersion(query);
    seen = { snapshot, version };
    return version;
  };
}

async function read(
  query: Query,
  parse: (text: string) => Promise<Node | undefined>,
): Promise<CatalogueData> {
  const version = await catalogueVersion(query);
  const facts = only(await query(queries.facts));
  const relationRows = await query(queries.relations);
  const functionRows = await query(queries.functions);
  const operatorRows = await query(queries.operators);
  const names = new Map(relationRows.map((row) => [oid(row, 0), `${text(row, 1)}.${text(row, 2)}`]));
  const programs: ReadonlyMap<number, Program> = new Map(
    functionRows.map((row) => [oid(row, 0), program(row)]),
  );
  const columnRows = await query(queries.columns);
  const columns = group(columnRows, (row): Column => column(row));
  const types = (await query(queries.types)).map(typeFacts);
  const tree = family(await query(queries.inherits));
  const runs = readRuns({
    programs,
    types,
    columns,
    operators: new Map(operatorRows.map((row) => [oid(row, 0), oid(row, 5)])),
    sources: await query(queries.sources),
    dependencies: await query(queries.dependencies),
    ownCalls: await query(queries.ownCalls),
    classFunctions: await query(queries.classFunctions),
  });
  const cascades = group(await query(queries.cascades), (row): Cascade => cascade(row, names));
  const keys = await readKeys(query, columnRows);
  const definitions = await readViews(query, parse);
  const calls = new Map(
    (await query(queries.aggregates)).map((row) => [oid(row, 0), oids(row, 1).filter((each) => each !== 0)]),
  );

  return {
    version,
    serverMajor: Math.trunc(Number(text(facts, 2)) / 10_000),
    database: text(facts, 0),
    currentUser: text(facts, 1),
    schemas: (await query(queries.schemas)).map((row) => text(row, 0)),
    relations: relationRows.map((row): Relation => {
      const at = oid(row, 0);
      const kind = relationKind(text(row, 3));
      const children = tree.children(at);
      const definition = definitions.get(at);
      return {
        oid: at,
        schema: text(row, 1),
        name: text(row, 2),
        kind,
        temporary: flag(row, 4),
        columns: columns.get(at) ?? [],
        // SECURITY: an index says nothing of the rows of inheritance children, so that with them it is no key.
        keys: kind === 'table' && children.length > 0 ? [] : (keys.get(at) ?? []),
        ...(definition === undefined ? {} : { definition }),
        cascades: cascades.get(at) ?? [],
        children: children.map((child) => names.get(child) ?? '*'),
        parents: tree.parents(at).map((parent) => names.get(parent) ?? '*'),
        runs: runs.ofRelation([at, ...children]),
        rules: runs.rules(at),
        rowSecurity: flag(row, 5),
      };
    }),
    functions: functionRows.map((row) => routine(row, calls)),
    operators: operatorRows.map((row) => ({
      oid: oid(row, 0),
      schema: text(row, 1),
      name: text(row, 2),
      left: oid(row, 3),
      right: oid(row, 4),
      routine: oid(row, 5),
    })),
    casts: (await query(queries.casts)).map((row) => ({
      source: oid(row, 0),
      target: oid(row, 1),
      routine: oid(row, 2),
      how: lookup(castMethods, text(row, 3)),
    })),
    types: types.map((each): Type => {
      const { oid, schema, name, kind, element, base, relation } = each;
      return { oid, schema, name, kind, element, base, relation, runs: runs.ofType(oid) };
    }),
  };
}

const relationKinds: Readonly<Record<string, RelationKind>> = {
  r: 'table',
  p: 'partitioned',
  v: 'view',
  m: 'materialized',
  f: 'foreign',
  S: 'sequence',
  i: 'index',
  I: 'index',
  c: 'composite',
  t: 'toast',
};

function relationKind(letter: string): RelationKind {
  return lookup(relationKinds, letter);
}

const castMethods = { f: 'function', i: 'inout', b: 'binary' } as const;
const typeKinds = {
  b: 'base',
  c: 'composite',
  d: 'domain',
  e: 'enum',
  p: 'pseudo',
  r: 'range',
  m: 'multirange',
} as const;
const routineKinds = { f: 'function', p: 'procedure', a: 'aggregate', w: 'window' } as const;
const volatilities = { i: 'immutable', s: 'stable', v: 'volatile' } as const;
const actions = { a: 'none', r: 'none', c: 'cascade', n: 'set', d: 'set' } as const;

function column(row: Row): Column {
  const comment = row[6];
  return {
    name: text(row, 2),
    attnum: oid(row, 1),
    type: oid(row, 3),
    generated: text(row, 5) !== '',
    ...(comment === null || comment === undefined ? {} : { comment }),
  };
}

function cascade(row: Row, names: ReadonlyMap<number, string>): Cascade {
  return {
    from: names.get(oid(row, 1)) ?? '*',
    onDelete: lookup(actions, text(row, 2)),
    onUpdate: lookup(actions, text(row, 3)),
    columns: strings(row[4]),
  };
}

function program(row: Row): Program {
  return { name: `${text(row, 1)}.${text(row, 2)}`, arguments: text(row, 15) };
}

function typeFacts(row: Row): TypeFacts {
  return {
    oid: oid(row, 0),
    schema: text(row, 1),
    name: text(row, 2),
    kind: lookup(typeKinds, text(row, 3)),
    element: oid(row, 4),
    base: oid(row, 5),
    relation: oid(row, 6),
    functions: oids(row, 7),
    subtype: oid(row, 8),
  };
}

function routine(row: Row, calls: ReadonlyMap<number, readonly number[]>): Routine {
  const extension = row[13];
  const source = row[16];
  return {
    oid: oid(row, 0),
    schema: text(row, 1),
    name: text(row, 2),
    kind: lookup(routineKinds, text(row, 3)),
    volatility: lookup(volatilities, text(row, 4)),
    securityDefiner: flag(row, 5),
    owner: text(row, 6),
    language: text(row, 7),
    arguments: text(row, 8) === '' ? [] : oids(row, 8),
    defaults: oid(row, 9),
    variadic: flag(row, 10),
    returns: oid(row, 11),
    returnsSet: flag(row, 12),
    ...(extension === null || extension === undefined ? {} : { extension }),
    ...(source === null || source === undefined ? {} : { source }),
    columns: strings(row[14]),
    calls: calls.get(oid(row, 0)) ?? [],
  };
}

/**
 * SECURITY: "one row at most" must hold for the `=` of the column itself, so the index's collation and operator class
 * must be the column's own.
 */
async function readKeys(
  query: Query,
  columnRows: readonly Row[],
): Promise<ReadonlyMap<number, readonly (readonly string[])[]>> {
  const columns = new Map(
    columnRows.map((row) => [
      `${oid(row, 0)} ${oid(row, 1)}`,
      { name: text(row, 2), collation: oid(row, 4) },
    ]),
  );
  const defaults = new Set((await query(queries.defaultClasses)).map((row) => oid(row, 0)));
  const keys = new Map<number, (readonly string[])[]>();
  for (const row of await query(queries.keys)) {
    const relation = oid(row, 0);
    const classes = oids(row, 3);
    const collations = oids(row, 4);
    const parts = oids(row, 1).slice(0, oid(row, 2));
    const names = parts.flatMap((attnum, at) => {
      const found = columns.get(`${relation} ${attnum}`);
      const own = found?.collation === collations[at] && defaults.has(classes[at] ?? 0);
      return found !== undefined && own ? [found.name] : [];
    });
    if (names.length === 0 || names.length !== parts.length) continue;
    keys.set(relation, [...(keys.get(relation) ?? []), names]);
  }
  return keys;
}

/** Definitions of all views; where one cannot be printed (somebody holds a lock on it) it alone is left out. */
async function readViews(
  query: Query,
  parse: (text: string) => Promise<Node | undefined>,
): Promise<ReadonlyMap<number, Node>> {
  const rows = (await attempt(query, queries.views)) ?? (await oneByOne(query));
  const definitions = new Map<number, Node>();
  for (const row of rows) {
    const printed = row[1];
    const definition = printed === null || printed === undefined ? undefined : await parse(printed);
    if (definition !== undefined) definitions.set(oid(row, 0), definition);
  }
  return definitions;
}

async function oneByOne(query: Query): Promise<readonly Row[]> {
  await query(`SET LOCAL lock_timeout = '50ms'`);
  const rows: Row[] = [];
  for (const row of await query(queries.viewOids)) {
    const found = await attempt(query, queries.viewOf(oid(row, 0)));
    rows.push([row[0] ?? null, found?.[0]?.[0] ?? null]);
  }
  return rows;
}

async function attempt(query: Query, sql: string): Promise<readonly Row[] | undefined> {
  await query('SAVEPOINT view');
  try {
    const rows = await query(sql);
    await query('RELEASE view');
    return rows;
  } catch {
    await query('ROLLBACK TO view');
    return undefined;
  }
}

/** Inheritance in both directions, all levels. */
function family(rows: readonly Row[]): {
  readonly children: (of: number) => readonly number[];
  readonly parents: (of: number) => readonly number[];
} {
  const down = group(rows, (row) => oid(row, 0), 1);
  const up = group(rows, (row) => oid(row, 1), 0);
  return { children: (of) => closure(down, of), parents: (of) => closure(up, of) };
}

function closure(next: ReadonlyMap<number, readonly number[]>, from: number): readonly number[] {
  const direct = next.get(from);
  if (direct === undefined) return [];
  const found = new Set(direct);
  // A Set's iteration also visits what is added on the way.
  for (const each of found) for (const further of next.get(each) ?? []) found.add(further);
  return [...found];
}
