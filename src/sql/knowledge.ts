import type { Cast, Catalogue, Relation, Routine, Type } from './catalogue.ts';
import { firstUserOid, isHarmless } from './functions.ts';
import { canonicalName } from './names.ts';
import type { Found } from './reading.ts';

/** What is worked out of a catalogue once and used by all statements. */
export interface Knowledge {
  /** By the name `schema.name` as the catalogue writes it: unquoted. */
  readonly relation: (plain: string) => Relation | undefined;
  /** By `schema.name(argument types)` as the catalogue writes it. */
  readonly routine: (signature: string) => Routine | undefined;
  /** The canonical name with argument types: `public.purge(integer)`. */
  readonly signature: (routine: Routine) => string;
  /** Functions that do more than compute and that `row.name` can call, by their bare name. */
  readonly rowFunctions: ReadonlyMap<string, readonly Routine[]>;
  /** Whether an operator of this name and arity can only be PostgreSQL's own, in whatever schema it is looked for. */
  readonly isOwnOperator: (name: string, prefix: boolean) => boolean;
  /** Casts with functions that do more than compute: they can run without being named. */
  readonly casts: readonly (Cast & { readonly function: Routine | undefined })[];
  /** Functions that values of this type can run and that do more than compute. */
  readonly typeRuns: (type: Type) => readonly TypeRun[];
  readonly views: Map<number, Found | 'open'>;
}

export interface TypeRun {
  readonly name: string; // of a target
  readonly routine?: Routine;
}

const byCatalogue: WeakMap<Catalogue, Knowledge> = new WeakMap();

export function knowledge(catalogue: Catalogue): Knowledge {
  const found = byCatalogue.get(catalogue) ?? make(catalogue);
  byCatalogue.set(catalogue, found);
  return found;
}

function make(catalogue: Catalogue): Knowledge {
  const { data } = catalogue;
  const relations = lazily(
    () => new Map(data.relations.map((each) => [`${each.schema}.${each.name}`, each])),
  );
  const users = data.functions.filter((each) => each.oid >= firstUserOid);
  const signature = (routine: Routine): string =>
    `${canonicalName(routine.schema, routine.name)}(${argumentsOf(catalogue, routine)})`;
  const routines = lazily(
    () =>
      new Map(
        data.functions.map((each) => [`${each.schema}.${each.name}(${argumentsOf(catalogue, each)})`, each]),
      ),
  );
  const runs = new Map<number, readonly TypeRun[]>();
  const ownOperators = new Set<string>();
  for (const { name, left, oid } of data.operators)
    if (oid < firstUserOid) ownOperators.add(operatorKey(name, left === 0));
  for (const { name, left, oid } of data.operators)
    if (oid >= firstUserOid) ownOperators.delete(operatorKey(name, left === 0));
  return {
    relation: (plain) => relations().get(plain),
    routine: (text) => routines().get(text),
    signature,
    rowFunctions: rowFunctions(catalogue, users),
    isOwnOperator: (name, prefix) => ownOperators.has(operatorKey(name, prefix)),
    casts: data.casts
      .filter((each) => each.routine >= firstUserOid)
      .map((each) => ({ ...each, function: catalogue.routineByOid(each.routine) }))
      .filter((each) => each.function === undefined || !isHarmless(each.function, catalogue)),
    typeRuns: (type) => {
      const known = runs.get(type.oid) ?? runsOf(catalogue, type, signature);
      runs.set(type.oid, known);
      return known;
    },
    views: new Map(),
  };
}

function operatorKey(name: string, prefix: boolean): string {
  return prefix ? `${name} prefix` : name;
}

function lazily<T>(build: () => T): () => T {
  let built: T | undefined;
  return () => (built ??= build());
}

function rowFunctions(
  catalogue: Catalogue,
  routines: readonly Routine[],
): ReadonlyMap<string, readonly Routine[]> {
  const found = new Map<string, Routine[]>();
  for (const routine of routines) {
    const [first] = routine.arguments;
    if (first === undefined || routine.arguments.length - routine.defaults > 1) continue;
    if (!takesRows(catalogue, first) || isHarmless(routine, catalogue)) continue;
    found.set(routine.name, [...(found.get(routine.name) ?? []), routine]);
  }
  return found;
}

function takesRows(catalogue: Catalogue, oid: number): boolean {
  const type = catalogue.typeByOid(oid);
  if (type === undefined) return true;
  if (type.kind === 'domain') return takesRows(catalogue, type.base);
  return type.kind === 'composite' || type.kind === 'pseudo';
}

function runsOf(
  catalogue: Catalogue,
  type: Type,
  signature: (routine: Routine) => string,
): readonly TypeRun[] {
  return type.runs.flatMap((name): readonly TypeRun[] => {
    const bare = name.replace(/\(.*$/s, '');
    const dot = bare.indexOf('.');
    const routines = catalogue.routines(bare.slice(0, dot), bare.slice(dot + 1));
    if (routines.length === 0) return [{ name }];
    const harmful = routines.filter((each) => !isHarmless(each, catalogue));
    return harmful.map((routine) => ({ name: signature(routine), routine }));
  });
}

/** As oidvectortypes() prints them with an empty search_path. */
function argumentsOf(catalogue: Catalogue, routine: Routine): string {
  return routine.arguments.map((oid) => typeText(catalogue, oid)).join(', ');
}

// format_type() (utils/adt/format_type.c) writes these as the SQL standard does.
const standardNames: Readonly<Record<string, string>> = {
  bool: 'boolean',
  bpchar: 'character',
  char: '"char"',
  float4: 'real',
  float8: 'double precision',
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  time: 'time without time zone',
  timestamp: 'timestamp without time zone',
  timestamptz: 'timestamp with time zone',
  timetz: 'time with time zone',
  varbit: 'bit varying',
  varchar: 'character varying',
};

function typeText(catalogue: Catalogue, oid: number): string {
  const type = catalogue.typeByOid(oid);
  if (type === undefined) return '???';
  // oidvector and int2vector have elements and are no arrays.
  if (type.element !== 0 && type.name.startsWith('_')) return `${typeText(catalogue, type.element)}[]`;
  if (type.schema === 'pg_catalog') return standardNames[type.name] ?? type.name;
  return canonicalName(type.schema, type.name);
}
