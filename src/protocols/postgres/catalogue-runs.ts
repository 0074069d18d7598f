import type { Column, Relation, Runs, Type } from '../../sql/catalogue.ts';
import { firstUserOid } from './catalogue-queries.ts';
import { oid, type Row, text } from './catalogue-rows.ts';

/** A function as `runs` names it. */
export interface Program {
  readonly name: string; // schema.name
  readonly arguments: string; // 'integer, text'
}

export interface TypeFacts extends Omit<Type, 'runs'> {
  readonly functions: readonly number[]; // input, output, …
  readonly subtype: number; // of a range, and of a multirange its range; else 0
}

export interface RunsParts {
  readonly programs: ReadonlyMap<number, Program>;
  readonly types: readonly TypeFacts[];
  readonly columns: ReadonlyMap<number, readonly Column[]>;
  /** operator -> function */
  readonly operators: ReadonlyMap<number, number>;
  readonly sources: readonly Row[];
  readonly dependencies: readonly Row[];
  readonly ownCalls: readonly Row[];
  readonly classFunctions: readonly Row[];
}

type On = Runs['on'];
type RuleEvent = Relation['rules'][number];

/** What runs by itself: on relations by statement, and when something becomes a value of a type. */
export interface AllRuns {
  /** Of these relations together: a statement on a table is one on its children. */
  readonly ofRelation: (relations: readonly number[]) => readonly Runs[];
  readonly ofType: (type: number) => readonly string[];
  readonly rules: (relation: number) => readonly RuleEvent[];
}

export function readRuns(parts: RunsParts): AllRuns {
  const needs = whatIsNeeded(parts);
  const types = typeRuns(parts, needs);
  const runs = new Map<number, Map<string, Runs>>();
  const rules = new Map<number, Set<RuleEvent>>();
  const add = (relation: number, on: On, functions: Iterable<number>): void => {
    const own = runs.get(relation) ?? new Map<string, Runs>();
    runs.set(relation, own);
    for (const each of functions) {
      const routine = signature(parts.programs, each);
      own.set(`${on} ${routine}`, { on, routine });
    }
  };
  for (const row of parts.sources) {
    const relation = oid(row, 2);
    if (relation === 0) continue;
    const what = text(row, 4);
    const detail = text(row, 5);
    if (what === 'rule') {
      const events = rules.get(relation) ?? new Set();
      rules.set(relation, events.add(ruleEvents[detail] ?? 'select'));
    }
    const needed = needs.get(`${text(row, 0)} ${oid(row, 1)}`);
    if (needed === undefined) continue;
    const functions = new Set([
      ...needed.functions,
      ...[...needed.types].flatMap((type) => [...types.values(type)]),
    ]);
    for (const on of events(what, detail)) add(relation, on, functions);
  }
  for (const [relation, columns] of parts.columns) {
    // Assigning to a column of a domain or range runs what the type runs, wherever the value comes from.
    for (const { type } of columns) {
      const functions = types.values(type);
      if (functions.size === 0) continue;
      add(relation, 'insert', functions);
      add(relation, 'update', functions);
    }
  }
  return {
    ofRelation: (relations) => {
      const all = new Map(relations.flatMap((each) => [...(runs.get(each) ?? [])]));
      return [...all.values()];
    },
    ofType: (type) => [...new Set([...types.all(type)].map((each) => parts.programs.get(each)?.name ?? '*'))],
    rules: (relation) => [...(rules.get(relation) ?? [])],
  };
}

// pg_rewrite.ev_type: CmdType as a digit.
const ruleEvents: Readonly<Record<string, RuleEvent>> = {
  1: 'select',
  2: 'update',
  3: 'insert',
  4: 'delete',
};

const policyEvents: Readonly<Record<string, readonly On[]>> = {
  r: ['read'],
  a: ['insert'],
  w: ['update'],
  d: ['delete'],
  '*': ['read', 'write'],
};

/** At which statements a source's functions run. What is not known runs at all of them. */
function events(what: string, detail: string): readonly On[] {
  switch (what) {
    case 'trigger':
      return triggerEvents(Number(detail));
    case 'rule':
      return [readOr(ruleEvents[detail])];
    case 'policy':
      return policyEvents[detail] ?? ['read', 'write'];
    case 'default':
      // 'v': a virtual generated column is computed when it is read (18).
      return detail === 'v' ? ['read', 'insert', 'update'] : ['insert', 'update'];
    case 'constraint':
      return detail === 'f' ? ['write'] : ['insert', 'update'];
    case 'index':
      return ['insert', 'update'];
    default:
      return ['read', 'write', 'truncate'];
  }
}

function readOr(event: RuleEvent | undefined): On {
  return event === undefined || event === 'select' ? 'read' : event;
}

/** pg_trigger.tgtype (catalog/pg_trigger.h): 4 insert, 8 delete, 16 update, 32 truncate. */
function triggerEvents(bits: number): readonly On[] {
  const table: readonly (readonly [number, On])[] = [
    [4, 'insert'],
    [8, 'delete'],
    [16, 'update'],
    [32, 'truncate'],
  ];
  return table.flatMap(([bit, on]) => ((bits & bit) === 0 ? [] : [on]));
}

interface Needed {
  readonly functions: Set<number>;
  readonly types: Set<number>;
}

/** `pg_policy 16400` -> the functions and types it needs, operators and operator classes resolved to their functions. */
function whatIsNeeded(parts: RunsParts): ReadonlyMap<string, Needed> {
  const needs = new Map<string, Needed>();
  const at = (catalogue: string, object: number): Needed => {
    const key = `${catalogue} ${object}`;
    const found = needs.get(key) ?? { functions: new Set(), types: new Set() };
    needs.set(key, found);
    return found;
  };
  for (const row of parts.dependencies) {
    const needed = at(text(row, 0), oid(row, 1));
    const which = oid(row, 3);
    switch (text(row, 2)) {
      case 'pg_proc':
        needed.functions.add(which);
        break;
      case 'pg_operator':
        needed.functions.add(parts.operators.get(which) ?? 0);
        break;
      case 'pg_opclass':
        for (const each of parts.classFunctions) {
          if (oid(each, 0) === which && oid(each, 1) >= firstUserOid) needed.functions.add(oid(each, 1));
        }
        break;
      default:
        // A relation's columns have their types anyway; a type's own parts are followed below.
        if (text(row, 0) !== 'pg_class' && text(row, 0) !== 'pg_type') needed.types.add(which);
    }
  }
  for (const row of parts.ownCalls) at(text(row, 0), oid(row, 1)).functions.add(oid(row, 2));
  return needs;
}

/** Functions of a type and of all it is made of. `values`: what checks and defaults of domains and the order of ranges run; `all`: input and output too. */
function typeRuns(
  parts: RunsParts,
  needs: ReadonlyMap<string, Needed>,
): {
  readonly values: (type: number) => ReadonlySet<number>;
  readonly all: (type: number) => ReadonlySet<number>;
} {
  const facts = new Map(parts.types.map((each) => [each.oid, each]));
  const values = new Map<number, Set<number>>();
  for (const row of parts.sources) {
    const type = oid(row, 3);
    // A value of a range is put in order by its subtype's operator class.
    const kind = facts.get(type)?.kind;
    if (kind !== 'domain' && kind !== 'range') continue;
    const own = values.get(type) ?? new Set();
    for (const each of needs.get(`${text(row, 0)} ${oid(row, 1)}`)?.functions ?? []) own.add(each);
    values.set(type, own);
  }
  const madeOf = memo((type: number): ReadonlySet<number> => {
    const found = new Set([type]);
    for (const each of found) {
      const fact = facts.get(each);
      if (fact === undefined) continue;
      for (const part of [fact.element, fact.base, fact.subtype]) if (part !== 0) found.add(part);
      for (const column of parts.columns.get(fact.relation) ?? []) found.add(column.type);
    }
    return found;
  });
  const collect = (of: (type: number) => Iterable<number>): ((type: number) => ReadonlySet<number>) =>
    memo((type) => new Set([...madeOf(type)].flatMap((each) => [...of(each)])));
  return {
    values: collect((type) => values.get(type) ?? []),
    all: collect((type) => [
      ...(values.get(type) ?? []),
      ...(facts.get(type)?.functions ?? []).filter((each) => each >= firstUserOid),
    ]),
  };
}

function memo<T>(make: (key: number) => T): (key: number) => T {
  const known = new Map<number, T>();
  return (key) => {
    const found = known.get(key) ?? make(key);
    known.set(key, found);
    return found;
  };
}

function signature(programs: ReadonlyMap<number, Program>, which: number): string {
  const program = programs.get(which);
  return program === undefined ? '*' : `${program.name}(${program.arguments})`;
}
