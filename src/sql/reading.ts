import type { Access, Target } from '../core/action.ts';
import type { Scope } from './analysis.ts';
import type { Catalogue, Relation } from './catalogue.ts';
import type { Knowledge } from './knowledge.ts';
import type { Fields } from './tree.ts';

/** The names that WITH gives at one place of a statement, and whether rows read here are locked. */
export interface Env {
  readonly names: ReadonlySet<string>;
  readonly locks: boolean;
  /** In the target list of a query that reads one row of pg_settings: the setting that `name` is there. */
  readonly setting?: string;
  readonly outer?: Env;
}

export const noNames: Env = { names: new Set(), locks: false };

export function isCte(env: Env, name: string): boolean {
  for (let at: Env | undefined = env; at !== undefined; at = at.outer) if (at.names.has(name)) return true;
  return false;
}

/** One UPDATE or DELETE found in a statement. */
export interface Change {
  readonly condition: 'none' | 'key' | 'other';
}

/** A name that the catalogue does not have. */
export interface Missing {
  /** As the statement has it. */
  readonly written: string;
  /** What would be done to what, if it were there; absent where nothing but a call or a type is missing. */
  readonly target?: Target;
  /** What PostgreSQL says of it, where its words can be told. */
  readonly said?: Said;
}

/** An error of PostgreSQL's. */
export interface Said {
  readonly sqlstate: string;
  readonly message: string;
}

/** What has been found of a statement so far. */
export interface Found {
  /** Names that are not there, by the key of the unknown target that each of them is. */
  readonly missing: Map<string, Missing>;
  readonly targets: Map<string, Target>;
  readonly notes: Set<string>;
  readonly functions: Set<string>;
  readonly settings: Set<string>;
  readonly changes: Change[];
  /** Verbs of data-modifying parts. */
  readonly verbs: Set<string>;
  locks: boolean;
  temporary: boolean;
  movesNames: boolean;
}

/** A statement being read. The parts reach each other through it only. */
export interface Reading {
  readonly catalogue: Catalogue;
  readonly scope: Scope;
  readonly known: Knowledge;
  readonly found: Found;
  /** It is only planned (EXPLAIN): nothing is written, no trigger runs. */
  readonly planOnly: boolean;
  /** Any value of the tree: nodes, lists, plain values. */
  readonly visit: (value: unknown, env: Env) => void;
  /** The fields of a node of this type, by its own rules. */
  readonly enter: (type: string, fields: Fields, env: Env) => void;
  /** All children of a node except those in these fields. */
  readonly children: (type: string, fields: Fields, env: Env, except?: readonly string[]) => void;
  /** What reading a view reads and calls. Undefined: its query is not known. */
  readonly insideView: (view: Relation) => Found | undefined;
}

export function nothingFound(): Found {
  return {
    missing: new Map(),
    targets: new Map(),
    notes: new Set(),
    functions: new Set(),
    settings: new Set(),
    changes: [],
    verbs: new Set(),
    locks: false,
    temporary: false,
    movesNames: false,
  };
}

export function add(reading: Reading, kind: string, name: string, access: Access): void {
  const given = reading.planOnly && (access === 'write' || access === 'define') ? 'read' : access;
  reading.found.targets.set(`${kind} ${name} ${given}`, { kind, name, access: given });
}

/** The statement is not understood: the note says what of it, without any value. */
export function addUnknown(reading: Reading, note: string, kind = 'statement', name = '*'): void {
  add(reading, kind, name, 'unknown');
  reading.found.notes.add(note);
}

/** The statement is not understood because a name in it is not there. */
export function addMissing(reading: Reading, note: string, kind: string, missing: Missing): void {
  const { written } = missing;
  addUnknown(reading, note, kind, written);
  const key = `${kind} ${written} unknown`;
  const before = reading.found.missing.get(key)?.target;
  // Of two uses of one name the graver counts.
  const graver = missing.target === undefined || before?.access === 'write' ? before : missing.target;
  reading.found.missing.set(key, { ...missing, ...(graver === undefined ? {} : { target: graver }) });
}

/** Takes over what was found inside a view. */
export function addFound(
  reading: Reading,
  inside: Found,
  keep: (target: Target) => boolean = () => true,
): void {
  for (const target of inside.targets.values()) {
    if (keep(target)) add(reading, target.kind, target.name, target.access);
  }
  for (const note of inside.notes) reading.found.notes.add(note);
}
