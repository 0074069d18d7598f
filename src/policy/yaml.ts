import type { Scalar } from 'yaml';
import type { Place } from '../core/decision.ts';
import type { Problems } from './problem.ts';
import { yamlLibrary } from './yaml-library.ts';
import { readPlainYaml } from './yaml-plain.ts';

/** A YAML value that remembers where it stands. */
export type Located = LocatedMap | LocatedList | LocatedScalar;

export interface LocatedMap {
  readonly kind: 'map';
  readonly at: Place;
  readonly entries: readonly LocatedEntry[];
}

export interface LocatedEntry {
  readonly key: string;
  readonly keyAt: Place;
  readonly value: Located;
}

export interface LocatedList {
  readonly kind: 'list';
  readonly at: Place;
  readonly items: readonly Located[];
}

export interface LocatedScalar {
  readonly kind: 'scalar';
  readonly at: Place;
  readonly value: string | number | boolean | null;
  /** Where the character at `offset` of a text stands in the file; absent where a text is folded over lines. */
  readonly placeOf?: (offset: number) => Place;
}

const maxFileChars = 1_048_576;
const maxDepth = 32;
/** SECURITY: control characters, and those that turn the direction of writing: a reviewer would read another text than we do. */
// oxlint-disable-next-line no-control-regex
const hidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

/**
 * Reads one file. Anchors, aliases, tags, merge keys and several documents are refused: what a reviewer reads on a line
 * is what the line says. `undefined` when there is any problem.
 */
export function readYaml(file: string, text: string, problems: Problems): Located | undefined {
  if (text.length > maxFileChars) {
    const top: Place = { file, line: 1, col: 1 };
    problems.add('SP-Y006', top, `The file has ${text.length} characters; ${maxFileChars} are allowed`);
    return undefined;
  }
  const unseen = hidden.exec(text);
  if (unseen !== null) {
    const before = text.slice(0, unseen.index).split('\n');
    const at: Place = { file, line: before.length, col: (before.at(-1)?.length ?? 0) + 1 };
    const code = (text.codePointAt(unseen.index) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    problems.add('SP-Y001', at, `Not valid YAML: a character that nobody sees (U+${code})`, {
      fix: 'Take it out, or write it as an escape in double quotes',
    });
    return undefined;
  }
  return readPlainYaml(file, text) ?? readAnyYaml(file, text, problems);
}

/** The same by a whole YAML reader, whatever is in the file. */
export function readAnyYaml(file: string, text: string, problems: Problems): Located | undefined {
  const top: Place = { file, line: 1, col: 1 };
  const { LineCounter, parseDocument } = yamlLibrary();
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    stringKeys: true,
  });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), col: Math.max(col, 1) };
  };
  for (const error of [...document.errors, ...document.warnings]) {
    problems.add('SP-Y001', placeAt(error.pos[0]), `Not valid YAML: ${error.message}`);
  }
  if (document.errors.length > 0 || document.warnings.length > 0) return undefined;
  if (document.contents === null) {
    problems.add('SP-Y001', top, 'The file is empty');
    return undefined;
  }
  return new Reader(file, text, placeAt, problems).read(document.contents, 0);
}

class Reader {
  readonly #file: string;
  readonly #text: string;
  readonly #placeAt: (offset: number) => Place;
  readonly #problems: Problems;

  constructor(file: string, text: string, placeAt: (offset: number) => Place, problems: Problems) {
    this.#file = file;
    this.#text = text;
    this.#placeAt = placeAt;
    this.#problems = problems;
  }

  read(node: unknown, depth: number): Located | undefined {
    const { isAlias, isMap, isScalar, isSeq } = yamlLibrary();
    const at = this.#at(node);
    if (depth > maxDepth) return this.#refuse('SP-Y001', at, `Nested deeper than ${maxDepth} levels`);
    if (isAlias(node)) return this.#refuse('SP-Y005', at, 'Aliases (`*name`) are not allowed: write it out');
    if (isMap(node) || isSeq(node) || isScalar(node)) {
      if (node.anchor !== undefined)
        return this.#refuse('SP-Y005', at, 'Anchors (`&name`) are not allowed: write it out');
      if (node.tag !== undefined && !plainTags.has(node.tag))
        return this.#refuse('SP-Y005', at, 'Tags are not allowed');
    }
    if (isMap(node)) {
      const entries: LocatedEntry[] = [];
      let whole = true;
      for (const { key, value } of node.items) {
        const name = isScalar(key) && typeof key.value === 'string' ? key.value : undefined;
        if (name === undefined || name === '<<') {
          this.#refuse('SP-Y005', this.#at(key), 'Keys are plain words');
          whole = false;
          continue;
        }
        const keyAt = this.#at(key);
        const read =
          value === null ? { kind: 'scalar' as const, at: keyAt, value: null } : this.read(value, depth + 1);
        if (read === undefined) whole = false;
        else entries.push({ key: name, keyAt, value: read });
      }
      return whole ? { kind: 'map', at, entries } : undefined;
    }
    if (isSeq(node)) {
      const items = node.items.map((item) => this.read(item, depth + 1));
      const read = items.filter((item) => item !== undefined);
      return read.length === items.length ? { kind: 'list', at, items: read } : undefined;
    }
    if (isScalar(node)) return this.#scalar(node, at);
    return this.#refuse('SP-Y001', at, 'Not a value');
  }

  #scalar(node: Scalar, at: Place): LocatedScalar | undefined {
    const { value } = node;
    if (typeof value === 'string') {
      const placeOf = this.#placeOf(node, value);
      return { kind: 'scalar', at, value, ...(placeOf === undefined ? {} : { placeOf }) };
    }
    if (typeof value === 'number' || typeof value === 'boolean' || value === null) {
      return { kind: 'scalar', at, value };
    }
    return this.#refuse('SP-Y004', at, 'Expected a text, a number, true or false');
  }

  /** Quotes and block literals shift a text against the file; folded ones are not followed. */
  #placeOf(node: Scalar, value: string): ((offset: number) => Place) | undefined {
    const range = node.range;
    if (range === null || range === undefined) return undefined;
    const [start, end] = range;
    if (node.type === 'PLAIN' || node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE') {
      const quote = node.type === 'PLAIN' ? 0 : 1;
      const raw = this.#text.slice(start + quote, end - quote);
      if (raw === value) return (offset) => this.#placeAt(start + quote + offset);
      if (raw.includes('\n')) return undefined;
      const shift = escapes(raw, value);
      return (offset) => this.#placeAt(start + quote + (shift?.[offset] ?? 0));
    }
    if (node.type !== 'BLOCK_LITERAL') return undefined;
    const sourceLines = this.#text.slice(start, end).split('\n');
    const starts: number[] = []; // of each line of the value in the file
    let at = start + (sourceLines[0]?.length ?? 0) + 1;
    const indent = Math.min(
      ...sourceLines
        .slice(1)
        .map((line) => (line.trim() === '' ? Infinity : line.length - line.trimStart().length)),
    );
    for (const line of sourceLines.slice(1)) {
      starts.push(at + Math.min(indent, line.length));
      at += line.length + 1;
    }
    return (offset) => {
      const before = value.slice(0, offset).split('\n');
      return this.#placeAt((starts[before.length - 1] ?? start) + (before.at(-1)?.length ?? 0));
    };
  }

  #at(node: unknown): Place {
    const { isAlias, isMap, isScalar, isSeq } = yamlLibrary();
    const range =
      isMap(node) || isSeq(node) || isScalar(node) || isAlias(node) ? (node.range ?? undefined) : undefined;
    return range === undefined ? { file: this.#file, line: 1, col: 1 } : this.#placeAt(range[0]);
  }

  #refuse(code: 'SP-Y001' | 'SP-Y004' | 'SP-Y005', at: Place, message: string): undefined {
    this.#problems.add(code, at, message);
    return undefined;
  }
}

/** For each character of a quoted text where it begins between the quotes; undefined where escapes are longer than two characters. */
function escapes(raw: string, value: string): readonly number[] | undefined {
  const starts: number[] = [];
  for (let at = 0; at < raw.length; at++) {
    starts.push(at);
    if (raw.startsWith('\\', at) || raw.startsWith("''", at)) at += 1;
  }
  return starts.length === value.length ? starts : undefined;
}

const plainTags: ReadonlySet<string> = new Set([
  'tag:yaml.org,2002:map',
  'tag:yaml.org,2002:seq',
  'tag:yaml.org,2002:str',
  'tag:yaml.org,2002:int',
  'tag:yaml.org,2002:float',
  'tag:yaml.org,2002:bool',
  'tag:yaml.org,2002:null',
]);
