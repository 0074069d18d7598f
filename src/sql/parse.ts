import { loadModule, parseSync, SqlError } from 'libpg-query';
import { Fault } from '../base/errors.ts';
import { list, type Node, type RawStatement, isNode, text as textOf } from './tree.ts';

export interface ParseLimits {
  readonly statementBytes: number; // of the whole text, UTF-8
  readonly statementDepth: number; // nodes within nodes
  readonly statementsPerQuery: number;
}

export type Parsed =
  | { readonly ok: true; readonly statements: readonly RawStatement[] }
  | {
      readonly ok: false;
      readonly code: 'syntax' | 'nul' | 'too-large' | 'too-deep' | 'too-many' | 'bad-encoding';
      /** For `syntax` PostgreSQL's own words, which may quote the statement: for the client, not for logs. */
      readonly message: string;
      /** Where, in characters (code points) from 1, as PostgreSQL reports it. */
      readonly position?: number;
    };

let loaded = false;
/** The parser ran out of its thread's stack: what it left behind in its memory is not to be trusted. */
let broken = false;

/** Loads PostgreSQL's parser (WebAssembly). Once, before the first parse(). */
export async function load(): Promise<void> {
  await loadModule();
  loaded = true;
}

/** Whether this thread's parser must be thrown away with its thread. */
export function isBroken(): boolean {
  return broken;
}

/**
 * Reads a text as PostgreSQL 18 does. Every text has an answer.
 *
 * @throws {Fault} `parser` when the parser is not loaded, was broken by an earlier text, or fails by itself.
 */
export function parse(text: string, limits: ParseLimits): Parsed {
  if (!loaded || broken) throw new Fault('parser', 'The SQL parser is not usable in this thread');
  const refused = refusedUnread(text, limits);
  if (refused !== undefined) return refused;
  if (text === '') return { ok: true, statements: [] };
  const tree = treeOf(text);
  if (!tree.ok) return tree;
  const { stmts } = tree;
  if (stmts.length > limits.statementsPerQuery) {
    return no('too-many', `More than ${limits.statementsPerQuery} statements in one query`);
  }
  const cut = cutter(text);
  const statements: RawStatement[] = [];
  for (const raw of stmts) {
    const { stmt, stmt_location: from = 0, stmt_len: length = 0 } = raw;
    if (!isNode(stmt)) throw new Fault('parser', 'The SQL parser gave something else than statements');
    if (isDeeper(stmt, limits.statementDepth)) return tooDeep(limits);
    statements.push({ node: stmt, text: cut(from, length) });
  }
  return { ok: true, statements };
}

type Refusal = Extract<Parsed, { ok: false }>;

function no(code: Refusal['code'], message: string, position?: number): Refusal {
  return { ok: false, code, message, ...(position === undefined ? {} : { position }) };
}

function tooDeep(limits: ParseLimits): Refusal {
  return no('too-deep', `Statement is nested more than ${limits.statementDepth} levels deep`);
}

function refusedUnread(text: string, limits: ParseLimits): Refusal | undefined {
  // SECURITY: the parser stops at a NUL and a server need not; and it reads lone surrogates as U+FFFD.
  const nul = text.indexOf('\0');
  if (nul >= 0) return no('nul', 'A statement cannot hold a NUL character');
  if (!text.isWellFormed()) return no('bad-encoding', 'Statement is not valid Unicode');
  if (text.length > limits.statementBytes || Buffer.byteLength(text) > limits.statementBytes) {
    return no('too-large', `Statement is longer than ${limits.statementBytes} bytes`);
  }
  return undefined;
}

interface Tree {
  readonly ok: true;
  readonly stmts: readonly RawTree[];
}

interface RawTree {
  readonly stmt?: unknown;
  // Bytes of UTF-8; a length of 0 is "to the end" (nodes/parsenodes.h, RawStmt).
  readonly stmt_location?: number;
  readonly stmt_len?: number;
}

function treeOf(text: string): Tree | Refusal {
  try {
    const { stmts } = parseSync(text);
    return { ok: true, stmts: list(stmts) as readonly RawTree[] };
  } catch (error) {
    if (error instanceof SqlError && error.sqlDetails !== undefined) return syntaxError(error, text);
    // RuntimeError is WebAssembly's. The stack of the thread or the memory of the parser ended in the middle of its work.
    broken = true;
    if (error instanceof RangeError || (error instanceof Error && error.name === 'RuntimeError')) {
      return no('too-deep', 'Statement is nested too deeply');
    }
    throw new Fault('parser', 'The SQL parser failed', { cause: error });
  }
}

function syntaxError(error: SqlError, text: string): Refusal {
  const message = textOf(error.sqlDetails?.message) ?? 'syntax error';
  // Bison's own bound (10,000 levels of brackets).
  if (message.startsWith('memory exhausted')) return no('too-deep', 'Statement is nested too deeply');
  const at = error.sqlDetails?.cursorPosition ?? 0;
  // Counted from 0, and 0 as well where no place is known: an error at the very first character is the same to a reader.
  return no('syntax', message, Math.min(at, text.length) + 1);
}

/** Without recursion: what is too deep to be followed must be found without following it. */
function isDeeper(root: Node, limit: number): boolean {
  let level: object[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true;
    const next: object[] = [];
    for (const each of level) collect(each, next);
    level = next;
  }
  return false;
}

/** The nodes right below; a list and the wrapping with a type's name are no level of their own. */
function collect(value: object, into: object[]): void {
  for (const child of Object.values(value)) {
    if (typeof child !== 'object' || child === null) continue;
    if (Array.isArray(child)) collect(child, into);
    else into.push(...unwrapped(child));
  }
}

function unwrapped(child: object): readonly object[] {
  if (!isNode(child)) return [child];
  return Object.values(child).filter((each) => typeof each === 'object');
}

/** Cuts statements out of a text by byte offsets. */
function cutter(text: string): (from: number, length: number) => string {
  if (Buffer.byteLength(text) === text.length) {
    return (from, length) => trimmed(text.slice(from, length === 0 ? undefined : from + length));
  }
  const bytes = Buffer.from(text);
  return (from, length) => trimmed(bytes.toString('utf8', from, length === 0 ? bytes.length : from + length));
}

// What PostgreSQL takes for white space; JavaScript's trim() would also take letters of identifiers (U+00A0).
const around = ' \t\n\r\f\v;';

function trimmed(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && around.includes(text.charAt(from))) from++;
  while (to > from && around.includes(text.charAt(to - 1))) to--;
  return text.slice(from, to);
}
