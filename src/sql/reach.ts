import type { ColumnRef } from '../core/action.ts';
import type { Cast, Catalogue, Relation, Routine, Type } from './catalogue.ts';
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

// What fails for a stored value whose table is not named, and what catches the sentence with that value in it.
const failing: readonly string[] = ['constraints', 'reindex', 'analyze', 'analyse', 'vacuum', 'cluster'];
const catching: readonly string[] = ['sqlerrm', 'diagnostics'];

function resolved(catalogue: Catalogue, sources: readonly string[]): Reach {
  const known = knownOf(catalogue);
  const found = new Map<string, ColumnRef>();
  const texts = [...sources, ...known.casts];
  let writes = false;
  let fails = false;
  let catches = false;
  const seen = new Set<unknown>();
  for (const text of texts) {
    const lower = text.toLowerCase();
    if (lower.includes('u&')) return undefined;
    const words = wordsOf(text);
    if (openEnded.some((word) => words.has(word))) return undefined;
    const code = withoutComments(lower);
    if (isHiding(code, words) || takesCursors(code, words, catalogue.data.serverMajor)) return undefined;
    fails ||= failing.some((word) => words.has(word));
    catches ||= catching.some((word) => words.has(word));
    if (fails && catches) return undefined;
    if (changing.some((word) => words.has(word)) && known.ownTables.some((name) => words.has(name)))
      return undefined;
    writes ||= writing.some((word) => words.has(word)) || unlabels(code, words);
    writes ||= words.has('into') && !words.has('plpgsql');
    if (known.symbols.some((symbol) => lower.includes(symbol))) return undefined;
    const bare = lower.replaceAll('"', '');
    const unspelt = known.wordless.filter((thing) => bare.includes(thing.bare));
    for (const word of ['', ...words]) {
      for (const thing of word === '' ? unspelt : (known.byFirstWord.get(word) ?? [])) {
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
  const wanted = [...wordsOf(name)];
  return catalogue.data.relations.some((view) => {
    if (view.kind !== 'materialized' || view.oid < firstUserOid) return false;
    const texts = [view.definition === undefined ? 'execute' : stringsIn(view.definition)];
    const seen = new Set<unknown>();
    for (const text of texts) {
      const words = wordsOf(text);
      if (words.has('execute') || wanted.every((each) => words.has(each))) return true;
      const bare = text.toLowerCase().replaceAll('"', '');
      const unspelt = known.wordless.filter((thing) => bare.includes(thing.bare));
      for (const word of ['', ...words]) {
        for (const thing of word === '' ? unspelt : (known.byFirstWord.get(word) ?? [])) {
          if (seen.has(thing) || !thing.words.every((each) => words.has(each))) continue;
          seen.add(thing);
          texts.push(...thing.sources());
        }
      }
    }
    return false;
  });
}

// The statements that store what they compute, or give what is stored another name, other tags or other code. All
// others take constants only where no SQL is made up.
const writing: readonly string[] = ['insert', 'update', 'merge', 'create', 'alter', 'drop'];

// Rows of PostgreSQL's own tables, changed by hand, give a stored value any name.
const changing: readonly string[] = ['insert', 'update', 'merge', 'delete'];

/** Without comments that have no quote in them: where one stands in a string, no code goes with it either. */
function withoutComments(lower: string): string {
  return lower.replaceAll(/--[^'"$*\n]*(?=\n|$)/g, '').replaceAll(/\/\*[^'"$*/\n]*\*\//g, ' ');
}

/** Statements whose objects or code do not stand in the text as they are called. */
function isHiding(lower: string, words: ReadonlySet<string>): boolean {
  // `ALTER SCHEMA … RENAME` names none of the tables that it moves.
  if (words.has('alter') && words.has('schema')) return true;
  // The text of `DO E'…'` can be spelt in escapes.
  if (words.has('do') && /\be'[^']*\\/.test(lower)) return true;
  // Another body for a function that triggers, policies and defaults already call.
  if (!words.has('create') || !words.has('replace')) return false;
  return /\bor\s+replace\b/.test(lower) || lower.includes('/*') || lower.includes('--');
}

/** COMMENT and SECURITY LABEL take tags away. Columns are called so too, so the words alone prove nothing. */
function unlabels(lower: string, words: ReadonlySet<string>): boolean {
  if (/\bcomment\s+on\s+(?:column|table|view|materialized|foreign)\b|\bsecurity\s+label\b/.test(lower))
    return true;
  const spread = lower.includes('/*') || lower.includes('--');
  if (!spread || !words.has('on') || !words.has('is')) return false;
  const of = ['column', 'table', 'view'].some((each) => words.has(each));
  return of && (words.has('comment') || words.has('label'));
}

/**
 * SECURITY: FETCH reads whatever cursor has the name that its variable holds, and a client can open one of that name.
 * So it counts as reading anything, unless each takes a cursor that is declared with its query, and nothing is ever put
 * into such a variable. Before 16 one that was not opened had its own name.
 */
function takesCursors(lower: string, words: ReadonlySet<string>, major: number): boolean {
  if (!words.has('fetch')) return false;
  const declared = [...lower.matchAll(/\b([a-z_]\w*)\s+(?:no\s+)?(?:scroll\s+)?cursor\b/g)].flatMap(
    (each) => each[1] ?? [],
  );
  const names = new Set(declared);
  const fetches = [...lower.matchAll(/\bfetch\b/g)].map(({ index }) => lower.slice(index + 'fetch'.length));
  const taking = fetches.filter((each) => !rowsOfQuery.test(each));
  if (taking.length === 0) return false;
  if (major < 16 || lower.match(/\bcursor\b/g)?.length !== declared.length) return true;
  if (!taking.every((each) => names.has(fetched.exec(each)?.[1] ?? ''))) return true;
  return [...names].some((name) =>
    [...lower.matchAll(new RegExp(String.raw`\b${name}\b`, 'g'))].some(
      ({ index }) => !isOnlyUsed(lower.slice(0, index), lower.slice(index + name.length)),
    ),
  );
}

/** `FETCH FIRST 5 ROWS ONLY` of a query. */
const rowsOfQuery = /^\s+(?:first|next)(?:\s+(?:\d+|\([^()]*\)|\w+))?\s+rows?\s+(?:only|with)\b/;
/** The cursor of FETCH. */
const fetched = /^\s+(?:[\w\s+-]*?\b(?:from|in)\s+)?([a-z_]\w*)\s+into\b/;

/** A cursor's variable where it is declared, opened, fetched from or closed: no place where something is put into it. */
function isOnlyUsed(before: string, after: string): boolean {
  if (/^\s*(?::|=)/.test(after)) return false;
  if (/^\s+(?:no\s+)?(?:scroll\s+)?cursor\b/.test(after)) return true;
  const line = before.slice(before.trimEnd().lastIndexOf('\n') + 1);
  if (line.includes('--')) return false;
  return /\b(?:open|fetch|close|move|from|in|of|next|prior|first|last|all|forward|backward)\s+$/.test(before);
}

interface Thing {
  readonly name: string;
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
  /** Whose names have no letter and no digit in them, with the name as it is but for its quotes. */
  readonly wordless: readonly (Thing & { readonly bare: string })[];
  /** What casts of somebody's own run, which no text has to name. */
  readonly casts: readonly string[];
  /** PostgreSQL's own tables. */
  readonly ownTables: readonly string[];
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
    ...catalogue.data.types.flatMap((each) => typeThing(catalogue, each)),
    ...carriersNamed().map((name): Thing => ({ name, words: [name], anything: true, sources: () => [] })),
  ];
  const byFirstWord = new Map<string, Thing[]>();
  for (const thing of things) {
    const [first] = thing.words;
    if (first === undefined) continue;
    byFirstWord.set(first, [...(byFirstWord.get(first) ?? []), thing]);
  }
  const symbols = catalogue.data.operators.flatMap((each) => {
    const routine = catalogue.routineByOid(each.routine);
    const plain = routine !== undefined && doingOf(routine, catalogue).access === 'read';
    return each.oid < firstUserOid || plain ? [] : [each.name];
  });
  const made: Known = {
    byFirstWord,
    wordless: things
      .filter(({ words }) => words.length === 0)
      .map((each) => ({ ...each, bare: each.name.toLowerCase().replaceAll('"', '') })),
    casts: catalogue.data.casts.flatMap((each) => castSources(catalogue, each)),
    ownTables: catalogue.data.relations.flatMap((each) =>
      each.kind === 'table' && isOwnTable(each) ? [each.name] : [],
    ),
    symbols: [...new Set(symbols)],
    byRoutine: new Map(),
  };
  byCatalogue.set(catalogue, made);
  return made;
}

function relationThing(catalogue: Catalogue, relation: Relation): readonly Thing[] {
  if (relation.oid < firstUserOid || relation.kind === 'index') return [];
  const runs = (): readonly string[] =>
    relation.runs.flatMap(({ routine }) => textsOfRun(catalogue, routine));
  return [
    {
      name: relation.name,
      words: [...wordsOf(relation.name)],
      anything: relation.temporary || relation.kind === 'toast' || relation.rules.length > 0,
      ref: { object: relationName(relation), column: '*' },
      sources: () => [
        ...(relation.definition === undefined ? [] : [stringsIn(relation.definition)]),
        ...(relation.kind === 'view' && relation.definition === undefined ? ['execute'] : []),
        ...runs(),
      ],
    },
  ];
}

/** `schema.name(argument types)`, as `Relation.runs` has it, or `schema.name`, as `Type.runs` does: all of that name. */
export function routinesCalled(catalogue: Catalogue, signature: string): readonly Routine[] {
  const bare = signature.replace(/\([^()]*\)$/s, '');
  const dots = [...bare.matchAll(/\./g)];
  // Either name can hold dots of its own.
  return dots.flatMap(({ index }) => catalogue.routines(bare.slice(0, index), bare.slice(index + 1)));
}

/** What any of these can do that runs by itself. Who could write C could do anything without it. */
export function reachOfRun(catalogue: Catalogue, signature: string): Reach {
  const called = routinesCalled(catalogue, signature);
  if (called.length === 0) return undefined;
  const all = called
    .filter((each) => each.language !== 'c' && doingOf(each, catalogue).access !== 'read')
    .map((each) => reachOfRoutine(catalogue, each));
  const known = all.flatMap((each) => each ?? []);
  if (known.length < all.length) return undefined;
  return { reads: known.flatMap((each) => each.reads), writes: known.some((each) => each.writes) };
}

function textsOfRun(catalogue: Catalogue, signature: string): readonly string[] {
  const found = routinesCalled(catalogue, signature);
  if (found.length === 0) return ['execute'];
  return found
    .filter((each) => each.language !== 'c' && doingOf(each, catalogue).access !== 'read')
    .flatMap((each) => sourcesOf(catalogue, each) ?? ['execute']);
}

/** Making a value of it runs the checks of domains. */
function typeThing(catalogue: Catalogue, { name, runs }: Type): readonly Thing[] {
  if (runs.length === 0) return [];
  const sources = (): readonly string[] => runs.flatMap((each) => textsOfRun(catalogue, each));
  return [{ name, words: [...wordsOf(name)], anything: false, sources }];
}

function castSources(catalogue: Catalogue, { routine }: Cast): readonly string[] {
  const found = routine < firstUserOid ? undefined : catalogue.routineByOid(routine);
  if (found === undefined || doingOf(found, catalogue).access === 'read') return [];
  return sourcesOf(catalogue, found) ?? ['execute'];
}

/** One of PostgreSQL's own, which says what others are called and made of. */
export function isOwnTable({ schema, oid }: Relation): boolean {
  return (schema === 'pg_catalog' || schema === 'information_schema') && oid < firstUserOid;
}

function routineThing(catalogue: Catalogue, routine: Routine): readonly Thing[] {
  const { access, why } = doingOf(routine, catalogue);
  if (access === 'read') return [];
  const { name } = routine;
  const words = [...wordsOf(name)];
  if (access === 'write') return [{ name, words, anything: false, writes: true, sources: () => [] }];
  if (isOwn(routine)) {
    const harmless = why?.startsWith('keeps a connection busy') === true;
    return harmless ? [] : [{ name, words, anything: true, sources: () => [] }];
  }
  const sources = sourcesOf(catalogue, routine);
  if (sources === undefined) return [{ name, words, anything: true, sources: () => [] }];
  return [{ name, words, anything: false, sources: () => sources }];
}

/** The words of a text, and what a name of more than 63 bytes in it is cut to by the server. */
function wordsOf(text: string): ReadonlySet<string> {
  const words = new Set(spelled(text));
  // One cut name can have several words.
  for (const [run] of text.matchAll(/[\w$\u0080-\u{10ffff}]{16,}/gu)) {
    for (const word of spelled(cut(run))) words.add(word);
  }
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) {
    const cuttings = cut(text.slice(at + 1, at + 130).replaceAll('""', '"'));
    for (const word of spelled(cuttings)) words.add(word);
  }
  return words;
}

/** Each by itself in small letters: what stands beside one can change them (a final sigma). */
function spelled(text: string): readonly string[] {
  return (text.match(/[\p{L}\p{N}_]+/gu) ?? []).map((each) => each.toLowerCase());
}

/** NAMEDATALEN (pg_config_manual.h): whole characters of at most 63 bytes (pg_mbcliplen). */
function cut(name: string): string {
  let bytes = 0;
  let cuttings = '';
  for (const letter of name) {
    bytes += Buffer.byteLength(letter);
    if (bytes > 63) break;
    cuttings += letter;
  }
  return cuttings;
}

/** All texts anywhere in a tree. */
function stringsIn(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return '';
  return Object.values(value).map(stringsIn).filter(Boolean).join(' ; ');
}
