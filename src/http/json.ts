import { err, ok, type Result } from '../base/result.ts';

/** One value (or key) of a JSON document that is not itself an object or array. */
export interface Leaf {
  readonly kind: 'string' | 'number' | 'boolean' | 'null' | 'key';
  /** `customers[].email`; of a key the path it leads to; `$` for a document that is one value. */
  readonly path: string;
  /** The nearest key above: context for what the value is. */
  readonly key: string;
  /** Decoded: without quotes and escapes; a number as it is written. */
  readonly value: string;
}

/** What is shown instead: a text, `null`, or undefined for the value as it is. A number stays a number, a key a string. */
export type Show = (leaf: Leaf) => string | null | undefined;

const deepest = 500;

/**
 * Rewrites the leaves of one JSON text (RFC 8259) and nothing else: layout, order, keys given twice and the spelling of
 * numbers stay byte for byte. Refuses what is not JSON, since nobody can say how its reader would take it; with `uniqueKeys`
 * also an object that names a key twice, of which readers take the first or the last.
 */
export function rewriteJson(
  text: string,
  show: Show,
  rules: { readonly uniqueKeys?: true } = {},
): Result<string, string> {
  const rewriter = new Rewriter(text, show, rules.uniqueKeys === true);
  try {
    return ok(rewriter.run());
  } catch (thrown) {
    if (thrown instanceof NotJson) return err(thrown.message);
    throw thrown;
  }
}

class NotJson extends Error {}

interface Level {
  readonly kind: 'object' | 'array';
  readonly path: string;
  readonly key: string;
  readonly names?: Set<string>;
}

// oxlint-disable-next-line no-control-regex
const special = /[\\\u0000-\u001f]/;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const space = /[ \t\n\r]*/y;

class Rewriter {
  readonly #text: string;
  readonly #show: Show;
  readonly #unique: boolean;
  readonly #stack: Level[] = [];
  #at = 0;
  #copied = 0;
  #out = '';

  constructor(text: string, show: Show, unique: boolean) {
    this.#unique = unique;
    this.#text = text;
    this.#show = show;
  }

  run(): string {
    this.#value('', '');
    while (this.#stack.length > 0) this.#next();
    this.#skip();
    if (this.#at < this.#text.length) throw new NotJson('Something stands behind the JSON document');
    return this.#copied === 0 ? this.#text : this.#out + this.#text.slice(this.#copied);
  }

  /** Goes on in the innermost object or array: behind a value that has just been read. */
  #next(): void {
    const level = this.#stack.at(-1);
    if (level === undefined) return;
    const end = level.kind === 'object' ? '}' : ']';
    const char = this.#peek();
    if (char === end) {
      this.#at++;
      this.#stack.pop();
    } else if (char === ',') {
      this.#at++;
      this.#member(level);
    } else {
      throw new NotJson('A comma or an end is missing');
    }
  }

  #member(level: Level): void {
    if (level.kind === 'array') {
      this.#value(`${level.path}[]`, level.key);
      return;
    }
    if (this.#peek() !== '"') throw new NotJson('A key is missing');
    const from = this.#at;
    const key = this.#string();
    if (level.names?.has(key) === true) throw new NotJson('A key stands twice in one object');
    level.names?.add(key);
    const path = level.path === '' ? key : `${level.path}.${key}`;
    this.#replace(from, this.#show({ kind: 'key', path, key, value: key }) ?? undefined, quoted);
    if (this.#peek() !== ':') throw new NotJson('A colon is missing');
    this.#at++;
    this.#value(path, key);
  }

  #value(path: string, key: string): void {
    const char = this.#peek();
    if (char === '{' || char === '[') {
      this.#at++;
      if (this.#stack.length >= deepest) throw new NotJson(`More than ${deepest} levels`);
      const kind = char === '{' ? 'object' : 'array';
      const level: Level =
        this.#unique && kind === 'object' ? { kind, path, key, names: new Set() } : { kind, path, key };
      this.#stack.push(level);
      if (this.#peek() === (char === '{' ? '}' : ']')) {
        this.#at++;
        this.#stack.pop();
      } else {
        this.#member(level);
      }
      return;
    }
    const from = this.#at;
    const at = path === '' ? '$' : path;
    if (char === '"') {
      const value = this.#string();
      this.#replace(from, this.#show({ kind: 'string', path: at, key, value }), quoted);
      return;
    }
    const word = words.find((each) => this.#text.startsWith(each, this.#at));
    if (word !== undefined) {
      this.#at += word.length;
      const kind = word === 'null' ? 'null' : 'boolean';
      // A boolean has no other value that says nothing: what is hidden becomes null.
      const shown = this.#show({ kind, path: at, key, value: word });
      this.#replace(from, shown === undefined ? undefined : null, quoted);
      return;
    }
    const value = this.#match(number);
    if (value === undefined || value === '') throw new NotJson('A value is missing');
    this.#replace(from, this.#show({ kind: 'number', path: at, key, value }), numeric(value));
  }

  #string(): string {
    const from = this.#at;
    let end = from;
    do {
      end = this.#text.indexOf('"', end + 1);
      if (end < 0) throw new NotJson('A string is not closed');
    } while (isEscaped(this.#text, end, from));
    this.#at = end + 1;
    const inner = this.#text.slice(from + 1, end);
    if (!special.test(inner)) return inner;
    try {
      return JSON.parse(`"${inner}"`) as string; // a string by its quotes
    } catch {
      throw new NotJson('A string has a character that must be escaped, or an escape that is none');
    }
  }

  #replace(from: number, shown: string | null | undefined, write: (shown: string) => string): void {
    if (shown === undefined) return;
    this.#out += this.#text.slice(this.#copied, from) + (shown === null ? 'null' : write(shown));
    this.#copied = this.#at;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #skip(): void {
    this.#match(space);
  }

  #peek(): string | undefined {
    this.#skip();
    return this.#text[this.#at];
  }
}

/** Whether the quote at `at` is part of the string that begins at `from`. */
function isEscaped(text: string, at: number, from: number): boolean {
  let slashes = 0;
  while (at - slashes - 1 > from && text[at - slashes - 1] === '\\') slashes++;
  return slashes % 2 === 1;
}

const words = ['true', 'false', 'null'] as const;

function quoted(shown: string): string {
  return JSON.stringify(shown);
}

/** A number of as many digits; what an operator made of it stays where it is a number. */
function numeric(value: string): (shown: string) => string {
  return (shown) => {
    if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(shown)) return shown;
    const digits = value.replace(/[eE].*$/, '').replace(/\D/g, '').length;
    return digits <= 1 ? '0' : `1${'0'.repeat(Math.min(digits, 300) - 1)}`;
  };
}
