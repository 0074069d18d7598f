import { err, ok, type Result } from '../../base/result.ts';
import type { MaskOperator, Permit } from '../../core/decision.ts';
import { operatorForFind, stronger } from '../../core/duties.ts';
import { undoEncoding } from '../../http/encoded.ts';
import { rewriteJson, type Leaf } from '../../http/json.ts';
import { findMasker, type MaskKey, type Scanner, scanner, showText, textStream } from '../../mask/index.ts';

/** Shows the texts of one answer as its permit demands. */
export interface DocumentMask {
  /** False where nothing is to be masked at all: then bytes may pass unread. */
  readonly needed: boolean;
  /** A JSON text; an error where it is not JSON, and so cannot be shown. */
  readonly json: (text: string) => Result<string, string>;
  /** Any other text; `name` is what it is called, as context. */
  readonly text: (text: string, name?: string) => string;
  /** A text that comes in pieces, of any length: nothing is held but what may still become a value. */
  readonly pieces: () => { readonly push: (piece: string) => string; readonly end: () => string };
  readonly masked: number;
}

type Find = (text: string) => { readonly text: string; readonly masked: number };

interface At {
  readonly operator: MaskOperator | undefined;
  readonly find: Find | undefined;
}

/** `object` names what the answer is of, as tags do: a route, a tool, a model. Paths in it are its columns. */
export function documentMask(permit: Permit, object: string, key: MaskKey): DocumentMask {
  return new Masks(permit, object, key);
}

class Masks implements DocumentMask {
  readonly #permit: Permit;
  readonly #object: string;
  readonly #key: MaskKey;
  readonly #paths: Map<string, At> = new Map();
  readonly #names: Map<string, Find> = new Map();
  /** Keys in which nothing is to be hidden: documents repeat a few of them thousands of times. */
  readonly #plainKeys: Set<string> = new Set();
  #scan: Scanner | undefined;
  masked = 0;

  constructor(permit: Permit, object: string, key: MaskKey) {
    this.#permit = permit;
    this.#object = object;
    this.#key = key;
  }

  get needed(): boolean {
    const { masks, finds } = this.#permit.duties;
    return masks.length > 0 || finds.length > 0;
  }

  json(text: string): Result<string, string> {
    return this.#document(text, '', true);
  }

  text(text: string, name: string = ''): string {
    const shown = this.#finder(name)?.(text);
    if (shown === undefined || shown.masked === 0) return text;
    this.masked += shown.masked;
    return shown.text;
  }

  pieces(): ReturnType<DocumentMask['pieces']> {
    const { finds } = this.#permit.duties;
    if (finds.length === 0) return { push: (piece) => piece, end: () => '' };
    const stream = textStream({ finds, key: this.#key });
    let counted = 0;
    const shown = (text: string): string => {
      this.masked += stream.masked - counted;
      counted = stream.masked;
      const again = this.#encoded(text);
      this.masked += again.masked;
      return again.text;
    };
    return { push: (piece) => shown(stream.push(piece)), end: () => shown(stream.end()) };
  }

  /** What is found only once the encodings of addresses, pages and scripts are undone. */
  #encoded(text: string): { readonly text: string; readonly masked: number } {
    const undone = undoEncoding(text);
    if (undone === undefined) return { text, masked: 0 };
    const { finds } = this.#permit.duties;
    this.#scan ??= scanner({ entities: finds.map((each) => each.entity) });
    let out = '';
    let copied = 0;
    let masked = 0;
    for (const { type, start, end } of this.#scan(undone.text)) {
      const operator = operatorForFind(finds, type);
      const [from, to] = [undone.from(start), undone.to(end - 1)];
      const value = undone.text.slice(start, end);
      if (operator === undefined || from < copied || text.slice(from, to) === value) continue;
      out += text.slice(copied, from) + showText(operator, value, this.#key, { entity: type });
      copied = to;
      masked++;
    }
    return masked === 0 ? { text, masked: 0 } : { text: out + text.slice(copied), masked };
  }

  #document(text: string, under: string, outermost: boolean): Result<string, string> {
    return rewriteJson(text, (leaf) => this.#leaf(leaf, under, outermost));
  }

  #leaf(leaf: Leaf, under: string, outermost: boolean): string | null | undefined {
    const { kind, key, value } = leaf;
    if (kind === 'null' || value === '') return undefined;
    if (kind === 'key') return this.#shownKey(value);
    const at = this.#at(under === '' ? leaf.path : `${under}.${leaf.path}`, key);
    if (at.operator !== undefined) {
      this.masked++;
      return at.operator.kind === 'null' ? null : showText(at.operator, value, this.#key);
    }
    if (kind === 'boolean' || at.find === undefined) return undefined;
    if (kind === 'string' && outermost && looksLikeJson.test(value)) {
      const inner = this.#document(value, leaf.path, false);
      if (inner.ok) return changed(value, inner.value);
    }
    const shown = at.find(value);
    if (shown.masked === 0) return undefined;
    this.masked += shown.masked;
    return shown.text;
  }

  #shownKey(key: string): string | undefined {
    if (this.#plainKeys.has(key)) return undefined;
    const shown = changed(key, this.text(key));
    if (shown === undefined && this.#plainKeys.size < mostPaths) this.#plainKeys.add(key);
    return shown;
  }

  #at(path: string, key: string): At {
    const known = this.#paths.get(path);
    if (known !== undefined) return known;
    // A tag on an object or array is one on everything in it.
    let operator: MaskOperator | undefined;
    for (const column of heads(path)) {
      operator = stronger(operator, this.#permit.operatorOf({ object: this.#object, column }));
    }
    const made = { operator, find: this.#finder(key) };
    if (this.#paths.size < mostPaths) this.#paths.set(path, made);
    return made;
  }

  #finder(name: string): Find | undefined {
    const { finds } = this.#permit.duties;
    if (finds.length === 0) return undefined;
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const find = findMasker(finds, name === '' ? { key: this.#key } : { key: this.#key, column: name });
    const made: Find = (text) => {
      const plain = find(text);
      const again = this.#encoded(plain.text);
      return again.masked === 0 ? plain : { text: again.text, masked: plain.masked + again.masked };
    };
    if (this.#names.size < mostPaths) this.#names.set(name, made);
    return made;
  }
}

const mostPaths = 10_000;
const looksLikeJson = /^\s*[{[]/;

function changed(before: string, after: string): string | undefined {
  return before === after ? undefined : after;
}

/** `a`, `a.b`, `a.b[]`, `a.b[].c` of the last. */
function heads(path: string): readonly string[] {
  const found: string[] = [];
  for (const match of path.matchAll(/\.|\[\]/g)) {
    if (match.index > 0) found.push(path.slice(0, match.index));
  }
  return [...new Set([...found, path])];
}

/** Reads UTF-8 strictly: what is not, nobody can say how the client would read it. */
export function utf8(bytes: Uint8Array): Result<string, string> {
  try {
    return ok(decoder.decode(bytes));
  } catch {
    return err('It is not UTF-8');
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });
