import { messageOf } from '../base/errors.ts';
import { defaultLimits } from '../core/limits.ts';
import type { Action } from '../core/action.ts';
import { analyse } from '../sql/analyse.ts';
import { load, parse } from '../sql/parse.ts';
import type { RawStatement } from '../sql/tree.ts';
import type { Piece } from './finding.ts';
import { placesIn } from './places.ts';
import { assume } from './sql-assumed.ts';
import { apply } from './sql-effects.ts';
import type { Model } from './sql-model.ts';

/** A text of SQL in a file, and where it begins there. */
export interface SqlText {
  readonly file: string;
  readonly text: string;
  readonly line: number;
  readonly col: number;
}

/** One statement, understood as far as that is possible without its server. */
export type SqlPiece =
  | {
      readonly kind: 'action';
      readonly piece: Piece;
      readonly action: Action;
      /** Names that no earlier statement made. */
      readonly assumed: readonly string[];
    }
  | { readonly kind: 'unreadable'; readonly piece: Piece; readonly why: string };

/** Loads the parser. Once, before the first readSql(). */
export const loadSql: () => Promise<void> = load;

/** A file of migrations may be longer than what a client may send at once. */
const limits = { ...defaultLimits, statementBytes: 16_777_216, statementsPerQuery: 100_000 };

/** Reads the statements of a text in order; the model is changed by each as the server would be. */
export function readSql(source: SqlText, model: Model): readonly SqlPiece[] {
  const placeAt = placer(source);
  const parsed = parse(source.text, limits);
  if (!parsed.ok) {
    // What surrounds a statement that cannot be read is still judged.
    const parts = parsed.code === 'syntax' ? split(source, placeAt) : [];
    if (parts.length > 1) return parts.flatMap((part) => readSql(part, model));
    const at = parsed.position === undefined ? leading(source.text) : offsetOf(source.text, parsed.position);
    // The parser's own words can quote the statement, which is the author's own here.
    const why = `PostgreSQL cannot read it: ${parsed.message}`;
    return [{ kind: 'unreadable', piece: placeAt(at), why }];
  }
  const found: SqlPiece[] = [];
  let from = 0;
  for (const statement of parsed.statements) {
    const start = source.text.indexOf(statement.text, from);
    from = Math.max(start, from) + statement.text.length;
    const head = Math.max(start, 0) + leading(statement.text);
    const end = placeAt(Math.max(from - 1, head)).line;
    found.push(readOne(statement, { ...placeAt(head), endLine: end }, model));
  }
  return found;
}

function readOne(statement: RawStatement, piece: Piece, model: Model): SqlPiece {
  try {
    const assumed = assume(model, statement.node);
    const [read] = analyse([statement], model.catalogue(), model.scope()).statements;
    apply(model, statement.node);
    if (read === undefined) return { kind: 'unreadable', piece, why: 'It has no meaning' };
    return { kind: 'action', piece, action: read.action, assumed };
  } catch (thrown) {
    return { kind: 'unreadable', piece, why: `It could not be analysed: ${messageOf(thrown)}` };
  }
}

/** How much of a statement's text is white space and comments before its first word. */
function leading(text: string): number {
  let at = 0;
  for (;;) {
    const rest = text.slice(at);
    const comment = /^(?:\s+|--[^\n]*(?:\n|$))/.exec(rest)?.[0] ?? blockComment(rest);
    if (comment === '') return at < text.length ? at : 0;
    at += comment.length;
  }
}

/** A block comment at the start of the text; those of SQL nest. */
function blockComment(text: string): string {
  if (!text.startsWith('/*')) return '';
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const two = text.slice(at, at + 2);
    if (two === '/*') depth += 1;
    if (two === '*/') depth -= 1;
    if (two === '/*' || two === '*/') at += 1;
    if (depth === 0) return text.slice(0, at + 1);
  }
  return text;
}

/** PostgreSQL counts characters, from 1. */
function offsetOf(text: string, position: number): number {
  let offset = 0;
  let left = position - 1;
  for (const char of text) {
    if (left-- <= 0) break;
    offset += char.length;
  }
  return offset;
}

/** Gives the place of an offset of the text in its file. */
export function placer({ file, text, line, col }: SqlText): (offset: number) => Piece {
  const placeOf = placesIn(text);
  return (offset) => {
    const here = placeOf(offset);
    return { file, line: line + here.line - 1, col: here.line === 1 ? col + here.col - 1 : here.col };
  };
}

// Quoted names and texts, dollar quotes, comments, semicolons (PostgreSQL 18 docs, 4.1).
const tokens =
  /[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)[\s\S]*?\1|--[^\n]*|\/\*[\s\S]*?\*\/|(;)/g;

/** The parts between semicolons, for a text that does not parse as a whole. */
function split(source: SqlText, placeAt: (offset: number) => Piece): readonly SqlText[] {
  const parts: SqlText[] = [];
  let from = 0;
  const cut = (to: number): void => {
    const text = source.text.slice(from, to);
    const { line, col } = placeAt(from);
    if (leading(`${text} x`) < text.length) parts.push({ file: source.file, text, line, col });
    from = to;
  };
  for (const match of source.text.matchAll(tokens)) if (match[2] === ';') cut(match.index + 1);
  cut(source.text.length);
  return parts;
}
