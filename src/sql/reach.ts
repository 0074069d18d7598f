import type { ColumnRef } from '../core/action.ts';
import type { Catalogue, Relation, Routine } from './catalogue.ts';
import { doingOf, firstUserOid, isOwn } from './functions.ts';
import { carriersNamed } from './lineage-system.ts';
import { relationName } from './names.ts';

/** What code can do; undefined: anything, because it cannot be told. */
export type Reach =
  | {
      /** What it can read: whole relations (column `*`). */
      readonly reads: readonly ColumnRef[];
      /** It can put what it reads and is given where it can be read later. */
      readonly writes: boolean;
    }
  | undefined;

/**
 * What a text of PL/pgSQL can do, told from the words in it: a relation, view or function that is not named
 * cannot be used, unless the code makes up SQL or takes a cursor's name. Too much is found, never too little.
 */
export function reachOf(catalogue: Catalogue, source: string): Reach {
  return resolved(catalogue, [`${source} plpgsql`]);
}

/** What this routine can read besides its arguments. */
export function reachOfRoutine(catalogue: Catalogue, routine: Routine): Reach {
  const known = knownOf(catalogue);
  const before = known.byRoutine.get(routine.oid);
  if (before !== undefined) return before.reach;
  const sources = sourcesOf(catalogue, routine);
  const reach = sources === undefined ? undefined : resolved(catalogue, sources);
  known.byRoutine.set(routine.oid, { reach });
  return reach;
}

/** Its text, or those of the functions that an aggregate calls. */
function sourcesOf(catalogue: Catalogue, routine: Routine): readonly string[] | undefined {
  if (routine.kind !== 'aggregate') return textOf(routine);
  const sources: string[] = [];
  for (const oid of routine.calls) {
    const part = catalogue.routineByOid(oid);
    if (part === undefined) return undefined;
    if (doingOf(part, catalogue).access === 'read') continue;
    const own = textOf(part);
    if (own === undefined) return undefined;
    sources.push(...own);
  }
  return sources;
}

// That it was once created itself says nothing of what it does.
function textOf({ source }: Routine): readonly string[] | undefined {
  return source === undefined ? undefined : [source.replace(/^\s*CREATE OR REPLACE /i, '')];
}

// EXECUTE makes SQL of any text, a refcursor reads what was opened elsewhere, U& spells names in another way.
const openEnded: readonly string[] = ['execute', 'refcursor', 'dblink', 'load', 'import', 'copy'];

function resolved(catalogue: Catalogue, sources: readonly string[]): Reach {
  const known = knownOf(catalogue);
  const found = new Map<string, ColumnRef>();
  const texts = [...sources];
  let writes = false;
  const seen = new Set<unknown>();
  for (const text of texts) {
    const lower = text.toLowerCase();
    if (lower.includes('u&')) return undefined;
    const words = wordsOf(lower);
    if (openEnded.some((word) => words.has(word))) return undefined;
    writes ||= writing.some((word) => words.has(word)) || (words.has('into') && !words.has('plpgsql'));
    if (known.symbols.some((symbol) => lower.includes(symbol))) return undefined;
    for (const word of words) {
      for (const thing of known.byFirstWord.get(word) ?? []) {
        if (seen.has(thing) || !thing.words.every((each) => words.has(each))) continue;
        seen.add(thing);
        if (thing.anything) return undefined;
        writes ||= thing.writes === true;
        if (thing.ref !== undefined) found.set(thing.ref.object, thing.ref);
        texts.push(...thing.sources());
      }
    }
  }
  return { reads: [...found.values()], writes };
}

/** Whether a materialised view may hold what something of this name gave when it was last filled, through whatever uses it. */
export function isKept(catalogue: Catalogue, name: string): boolean {
  const known = knownOf(catalogue);
  const wanted = [...wordsOf(name.toLowerCase())];
  return catalogue.data.relations.some((view) => {
    if (view.kind !== 'materialized' || view.oid < firstUserOid) return false;
    const texts = [view.definition === undefined ? 'execute' : JSON.stringify(view.definition)];
    const seen = new Set<unknown>();
    for (const text of texts) {
      const words = wordsOf(text.toLowerCase());
      if (words.has('execute') || wanted.every((each) => words.has(each))) return true;
      for (const word of words) {
        for (const thing of known.byFirstWord.get(word) ?? []) {
          if (seen.has(thing) || !thing.words.every((each) => words.has(each))) continue;
          seen.add(thing);
          texts.push(...thing.sources());
        }
      }
    }
    return false;
  });
}

// The statements that store what they compute; all others take constants only where no SQL is made up.
const writing: readonly string[] = ['insert', 'update', 'merge', 'create'];

interface Thing {
  readonly words: readonly string[];
  /** Whoever names it can read anything. */
  readonly anything: boolean;
  readonly writes?: true;
  readonly ref?: ColumnRef;
  /** What it reads itself. */
  readonly sources: () => readonly string[];
}

interface Known {
  readonly byFirstWord: ReadonlyMap<string, readonly Thing[]>;
  /** Operators whose functions are somebody's own. */
  readonly symbols: readonly string[];
  readonly byRoutine: Map<number, { readonly reach: Reach }>;
}

const byCatalogue: WeakMap<Catalogue, Known> = new WeakMap();

function knownOf(catalogue: Catalogue): Known {
  const before = byCatalogue.get(catalogue);
  if (before !== undefined) return before;
  const things = [
    ...catalogue.data.relations.flatMap((each) => relationThing(catalogue, each)),
    ...catalogue.data.functions.flatMap((each) => routineThing(catalogue, each)),
    ...carriersNamed().map((name): Thing => ({ words: [name], anything: true, sources: () => [] })),
  ];
  const byFirstWord = new Map<string, Thing[]>();
  for (const thing of things) {
    const [first = ''] = thing.words;
    byFirstWord.set(first, [...(byFirstWord.get(first) ?? []), thing]);
  }
  const symbols = catalogue.data.operators.flatMap((each) => {
    const routine = catalogue.routineByOid(each.routine);
    const plain = routine !== undefined && doingOf(routine, catalogue).access === 'read';
    return each.oid < firstUserOid || plain ? [] : [each.name];
  });
  const made: Known = { byFirstWord, symbols: [...new Set(symbols)], byRoutine: new Map() };
  byCatalogue.set(catalogue, made);
  return made;
}

function relationThing(catalogue: Catalogue, relation: Relation): readonly Thing[] {
  if (relation.oid < firstUserOid || relation.kind === 'index') return [];
  const runs = (): readonly string[] =>
    relation.runs.flatMap(({ routine }) => {
      const own = routineNamed(catalogue, routine);
      return (own === undefined ? undefined : sourcesOf(catalogue, own)) ?? ['execute'];
    });
  return [
    {
      words: [...wordsOf(relation.name.toLowerCase())],
      anything: relation.temporary || relation.kind === 'toast' || relation.rules.length > 0,
      ref: { object: relationName(relation), column: '*' },
      sources: () => [
        ...(relation.definition === undefined ? [] : [JSON.stringify(relation.definition)]),
        ...(relation.kind === 'view' && relation.definition === undefined ? ['execute'] : []),
        ...runs(),
      ],
    },
  ];
}

/** `schema.name(argument types)`, as `Relation.runs` has it: any of that name. */
export function routineNamed(catalogue: Catalogue, signature: string): Routine | undefined {
  const bare = signature.replace(/\(.*$/s, '');
  const dot = bare.indexOf('.');
  const found = catalogue.routines(bare.slice(0, dot), bare.slice(dot + 1));
  return found.length === 1 ? found[0] : undefined;
}

function routineThing(catalogue: Catalogue, routine: Routine): readonly Thing[] {
  const { access, why } = doingOf(routine, catalogue);
  if (access === 'read') return [];
  const words = [...wordsOf(routine.name.toLowerCase())];
  if (access === 'write') return [{ words, anything: false, writes: true, sources: () => [] }];
  if (isOwn(routine)) {
    const harmless = why?.startsWith('keeps a connection busy') === true;
    return harmless ? [] : [{ words, anything: true, sources: () => [] }];
  }
  const sources = sourcesOf(catalogue, routine);
  if (sources === undefined) return [{ words, anything: true, sources: () => [] }];
  return [{ words, anything: false, sources: () => sources }];
}

function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.match(/[\p{L}\p{N}_]+/gu) ?? ['']);
}
