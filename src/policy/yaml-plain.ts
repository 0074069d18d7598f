import type { Place } from '../core/decision.ts';
import type { Located, LocatedEntry, LocatedList, LocatedMap, LocatedScalar } from './yaml.ts';

/**
 * Reads the plain part of YAML that nearly all policies are written in, several times faster than a whole YAML reader:
 * block and flow mappings and lists, texts on one line, literal blocks, comments.
 *
 * SECURITY: it gives what the whole reader would, or `undefined`. Whatever is not plain (anchors, tags, tabs, escapes, folded
 * or continued texts, empty values, keys given twice, every mistake) is left to that one, and so are all messages. A test
 * holds the two against each other.
 */
export function readPlainYaml(file: string, text: string): Located | undefined {
  if (!text.endsWith('\n') || strange.test(text)) return undefined;
  try {
    return new Reader(file, text.split('\n')).document();
  } catch (thrown) {
    if (thrown === notPlain) return undefined;
    throw thrown;
  }
}

// Characters that are no plain text, and lines that begin or end a document.
// oxlint-disable-next-line no-control-regex
const strange = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]|^(?:---|\.\.\.|%)/m;
const notPlain = new Error('Not plain YAML');
const maxDepth = 24;

/** A key and its colon. Words that look like another type are left to the whole reader. */
const blockKey = /(?:([A-Za-z_][\w./*-]*)|"([^"\\]*)"|'([^']*)'):(?= |$)/y;
const otherType = /^(?:true|false|null)$/i;
const firstOfPlain = /[^\s\-?:,[\]{}#&*!|>'"%@`.]/y;
const inFlow = /[^,[\]{}]*/y;

/** Where a value ends: on this line, in this column. */
interface End {
  line: number;
  col: number;
}

class Reader {
  readonly #file: string;
  readonly #lines: readonly string[];

  constructor(file: string, lines: readonly string[]) {
    this.#file = file;
    this.#lines = lines;
  }

  document(): Located {
    const first = this.#content(0);
    const line = this.#line(first);
    if (indentOf(line) !== 0) throw notPlain;
    const end: End = { line: first, col: 0 };
    const value = this.#block(end, 0);
    if (this.#content(end.line) < this.#lines.length) throw notPlain;
    return value;
  }

  #line(at: number): string {
    const line = this.#lines[at];
    if (line === undefined) throw notPlain;
    return line;
  }

  /** The next line from `at` on with more than a comment on it; the number of lines where there is none. */
  #content(at: number): number {
    let next = at;
    for (; next < this.#lines.length; next++) {
      const line = this.#lines[next] ?? '';
      const first = line.charCodeAt(indentOf(line));
      if (!Number.isNaN(first) && first !== hash) break;
    }
    return next;
  }

  #place(line: number, col: number): Place {
    return { file: this.#file, line: line + 1, col: col + 1 };
  }

  /** A block mapping or list that begins at `end`, which is moved to the next line with content. */
  #block(end: End, depth: number): Located {
    if (depth > maxDepth) throw notPlain;
    return this.#line(end.line).startsWith('- ', end.col) ? this.#list(end, depth) : this.#map(end, depth);
  }

  #map(end: End, depth: number): LocatedMap {
    const { col } = end;
    const at = this.#place(end.line, col);
    const entries: LocatedEntry[] = [];
    const keys = new Set<string>();
    do {
      const line = this.#line(end.line);
      const key = this.#key(line, col);
      if (keys.has(key.name)) throw notPlain;
      keys.add(key.name);
      const keyAt = this.#place(end.line, col);
      end.col = key.end + indentOf(line.slice(key.end));
      entries.push({ key: key.name, keyAt, value: this.#valueOf(end, col, depth) });
    } while (this.#goesOn(end, col));
    return { kind: 'map', at, entries };
  }

  /** What stands behind a key: on its line, or below it. */
  // oxlint-disable-next-line max-params
  #valueOf(end: End, col: number, depth: number): Located {
    const line = this.#line(end.line);
    if (end.col < line.length && line.charCodeAt(end.col) !== hash) return this.#inline(end, col, depth);
    end.line = this.#content(end.line + 1);
    const below = this.#line(end.line);
    end.col = indentOf(below);
    const isList = below.startsWith('- ', end.col);
    if (end.col < col || (end.col === col && !isList)) throw notPlain;
    return isList || isKey(below, end.col) ? this.#block(end, depth + 1) : this.#inline(end, col, depth);
  }

  #list(end: End, depth: number): LocatedList {
    const { col } = end;
    const at = this.#place(end.line, col);
    const items: Located[] = [];
    do {
      const line = this.#line(end.line);
      if (!line.startsWith('- ', col)) break; // the next key of the mapping that the list stands in
      end.col = col + 1 + indentOf(line.slice(col + 1));
      if (line.startsWith('- ', end.col)) throw notPlain;
      items.push(isKey(line, end.col) ? this.#map(end, depth + 1) : this.#inline(end, col, depth));
    } while (this.#goesOn(end, col));
    return { kind: 'list', at, items };
  }

  /** Whether another entry begins in this column. What stands further in would go on with the last one. */
  #goesOn(end: End, col: number): boolean {
    if (end.line >= this.#lines.length) return false;
    end.col = indentOf(this.#line(end.line));
    if (end.col > col) throw notPlain;
    return end.col === col;
  }

  #key(line: string, col: number): { readonly name: string; readonly end: number } {
    blockKey.lastIndex = col;
    const found = blockKey.exec(line);
    const name = found?.[1] ?? found?.[2] ?? found?.[3];
    if (name === undefined || name.length > 200 || (found?.[1] !== undefined && otherType.test(name)))
      throw notPlain;
    return { name, end: blockKey.lastIndex };
  }

  /** A value that begins on this line, below a block in the column `col`; `end` is moved to the next line with content. */
  // oxlint-disable-next-line max-params
  #inline(end: End, col: number, depth: number): Located {
    const line = this.#line(end.line);
    const first = line.charAt(end.col);
    if (first === '|') return this.#literal(end, col);
    let value: Located;
    if (first === '{' || first === '[') value = this.#flow(end, col, depth + 1);
    else if (first === '"' || first === "'") value = this.#quoted(end);
    else {
      const comment = line.indexOf(' #', end.col);
      const source = (comment < 0 ? line.slice(end.col) : line.slice(end.col, comment)).trimEnd();
      if (source.includes(': ') || source.endsWith(':')) throw notPlain;
      value = this.#plain(end, source);
    }
    const after = this.#line(end.line);
    const rest = after.slice(end.col).trimStart();
    if (rest !== '' && !(rest.startsWith('#') && after.charAt(end.col) === ' ')) throw notPlain;
    end.line = this.#content(end.line + 1);
    return value;
  }

  #plain(end: End, source: string): LocatedScalar {
    const { line, col } = end;
    firstOfPlain.lastIndex = 0;
    if (!firstOfPlain.test(source)) throw notPlain;
    end.col = col + source.length;
    const at = this.#place(line, col);
    const value = valueOf(source);
    if (typeof value !== 'string') return { kind: 'scalar', at, value };
    return { kind: 'scalar', at, value, placeOf: (offset) => this.#place(line, col + offset) };
  }

  #quoted(end: End): LocatedScalar {
    const { line, col } = end;
    const text = this.#line(line);
    const quote = text.charAt(col);
    const close = text.indexOf(quote, col + 1);
    const value = text.slice(col + 1, close);
    if (close < 0 || value.includes('\\') || text.charAt(close + 1) === quote) throw notPlain;
    end.col = close + 1;
    const at = this.#place(line, col);
    return { kind: 'scalar', at, value, placeOf: (offset) => this.#place(line, col + 1 + offset) };
  }

  /** `|` or `|-`, and the lines below that stand further in than `col`. */
  #literal(end: End, col: number): LocatedScalar {
    const at = this.#place(end.line, end.col);
    const head = this.#line(end.line).slice(end.col);
    if (head !== '|' && head !== '|-') throw notPlain;
    const from = end.line + 1;
    const indent = indentOf(this.#line(from));
    if (indent <= col || this.#line(from).length === indent) throw notPlain;
    const texts: string[] = [];
    let next = from;
    for (; next < this.#lines.length; next++) {
      const line = this.#line(next);
      const own = indentOf(line);
      if (line.length === own) {
        if (own > indent) throw notPlain;
        texts.push('');
      } else if (own >= indent) texts.push(line.slice(indent));
      else if (own > col) throw notPlain;
      else break;
    }
    while (texts.at(-1) === '') texts.pop();
    end.line = this.#content(next);
    const value = texts.join('\n') + (head === '|' ? '\n' : '');
    const placeOf = (offset: number): Place => {
      const before = value.slice(0, offset).split('\n');
      const line = from + before.length - 1;
      const start = Math.min(indent, this.#lines[line]?.length ?? 0);
      return this.#place(line, start + (before.at(-1)?.length ?? 0));
    };
    return { kind: 'scalar', at, value, placeOf };
  }

  /** `{ … }` or `[ … ]`, over several lines where these stand further in than `col`; `end` is moved behind it. */
  // oxlint-disable-next-line max-params
  #flow(end: End, col: number, depth: number): Located {
    if (depth > maxDepth) throw notPlain;
    const at = this.#place(end.line, end.col);
    const isMap = this.#line(end.line).charAt(end.col) === '{';
    const close = isMap ? '}' : ']';
    const entries: LocatedEntry[] = [];
    const items: Located[] = [];
    const keys = new Set<string>();
    end.col += 1;
    for (;;) {
      this.#space(end, col);
      if (this.#line(end.line).charAt(end.col) === close) break;
      if (isMap) {
        const key = this.#key(this.#line(end.line), end.col);
        if (keys.has(key.name)) throw notPlain;
        keys.add(key.name);
        const keyAt = this.#place(end.line, end.col);
        end.col = key.end;
        this.#space(end, col);
        entries.push({ key: key.name, keyAt, value: this.#flowValue(end, col, depth) });
      } else items.push(this.#flowValue(end, col, depth));
      this.#space(end, col);
      const next = this.#line(end.line).charAt(end.col);
      if (next === close) break;
      if (next !== ',') throw notPlain;
      end.col += 1;
    }
    end.col += 1;
    return isMap ? { kind: 'map', at, entries } : { kind: 'list', at, items };
  }

  // oxlint-disable-next-line max-params
  #flowValue(end: End, col: number, depth: number): Located {
    const line = this.#line(end.line);
    const first = line.charAt(end.col);
    if (first === '{' || first === '[') return this.#flow(end, col, depth + 1);
    if (first === '"' || first === "'") return this.#quoted(end);
    inFlow.lastIndex = end.col;
    const source = (inFlow.exec(line)?.[0] ?? '').trimEnd();
    if (/:(?: |$)| #/.test(source)) throw notPlain;
    return this.#plain(end, source);
  }

  /** Moves over spaces, comments and line ends. */
  #space(end: End, col: number): void {
    for (;;) {
      const line = this.#line(end.line);
      const next = end.col + indentOf(line.slice(end.col));
      if (next < line.length) {
        if (line.charCodeAt(next) === hash) throw notPlain;
        end.col = next;
        return;
      }
      end.line = this.#content(end.line + 1);
      end.col = indentOf(this.#line(end.line));
      if (end.col <= col) throw notPlain;
    }
  }
}

const hash = 0x23;

function indentOf(line: string): number {
  let at = 0;
  while (line.charCodeAt(at) === 0x20) at += 1;
  return at;
}

function isKey(line: string, col: number): boolean {
  blockKey.lastIndex = col;
  return blockKey.test(line);
}

/** By YAML's core schema. Numbers in other forms than digits and a point are left to the whole reader. */
function valueOf(source: string): LocatedScalar['value'] {
  switch (source) {
    case 'true':
      return true;
    case 'false':
      return false;
    case 'null':
      return null;
    default:
  }
  if (/^(?:true|false|null|~)$/i.test(source)) throw notPlain;
  if (!/^[0-9+]/.test(source)) return source;
  if (/^(?:0|[1-9][0-9]{0,14})$/.test(source)) return Number(source);
  if (/^(?:0|[1-9][0-9]{0,9})\.[0-9]{1,9}$/.test(source)) return Number(source);
  // A date, a time span, an address: a text, as it has what no number has.
  if (
    /[^0-9a-fA-Fxo.eE+_-]/.test(source) ||
    /^[0-9]{4}-[0-9]{2}-[0-9]{2}$|^[0-9]+[dmhs]$|^[0-9]+(?:\.[0-9]+){2,}$/.test(source)
  )
    return source;
  throw notPlain;
}
