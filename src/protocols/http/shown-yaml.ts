import { isAlias, isMap, isScalar, isSeq, type Node, parseAllDocuments } from 'yaml';
import { Fault } from '../../base/errors.ts';
import { type DocumentMask } from '../../carriers/http/masks.ts';
import { mayBeDocument } from '../../carriers/http/texts.ts';
import { type Hidden, withRanges } from '../../carriers/http/ranges.ts';
import type { Column } from '../../http/csv.ts';

export interface YamlParts {
  readonly mask: DocumentMask;
  readonly signal: AbortSignal;
  readonly columnOf: (name: string) => Column | undefined;
}

const longest = 500_000;
const mostNodes = 100_000;
const deepest = 200;

/**
 * YAML as its tags have it, by the paths that JSON would have; what is not hidden stays as it is written. Throws a Fault `mask` where it cannot be
 * read: readers of YAML forgive differently.
 */
export async function shownYaml(text: string, parts: YamlParts): Promise<string> {
  if (text.length > longest) throw new Fault('mask', 'The answer is too long a YAML text to be masked');
  const documents = parseAllDocuments(text, { version: '1.2', uniqueKeys: true, logLevel: 'silent' });
  const walk = new Walk(text, parts);
  for (const document of Array.isArray(documents) ? documents : []) {
    if (document.errors.length > 0 || document.warnings.length > 0)
      throw new Fault('mask', 'The answer is not the YAML that it says, so it cannot be masked');
    walk.resolve = (node) => (isAlias(node) ? node.resolve(document) : undefined);
    walk.take(document.contents, { path: '', name: '', depth: 0, hides: undefined });
  }
  const ranges = [...walk.ranges, ...(await parts.mask.hidden(text, parts.signal))];
  return ranges.length === 0 ? text : withRanges(text, ranges).text;
}

interface At {
  readonly path: string;
  readonly name: string;
  readonly depth: number;
  readonly hides: Column | undefined;
}

class Walk {
  readonly ranges: Hidden[] = [];
  readonly #text: string;
  readonly #parts: YamlParts;
  #nodes = 0;
  resolve: (node: Node) => Node | undefined = () => undefined;

  constructor(text: string, parts: YamlParts) {
    this.#text = text;
    this.#parts = parts;
  }

  take(node: unknown, at: At): void {
    if (++this.#nodes > mostNodes || at.depth > deepest)
      throw new Fault('mask', 'The answer has too much in it to be masked');
    if (isAlias(node)) {
      // Hidden here, it is shown as hidden here; what it stands for may have tags by this path.
      if (at.hides !== undefined) this.#put(node, '***');
      const target = this.resolve(node);
      if (target === undefined)
        throw new Fault('mask', 'The answer has an alias that leads nowhere, so it cannot be masked');
      if (at.hides === undefined) this.take(target, { ...at, depth: at.depth + 1 });
    } else if (isMap(node)) {
      for (const { key, value } of node.items) {
        if (!isScalar(key)) throw new Fault('mask', 'A key of the answer is no text, so it cannot be masked');
        const name = String(key.value);
        if (name === '<<') {
          this.#merged(value, at);
          continue;
        }
        const path = at.path === '' ? name : `${at.path}.${name}`;
        const shown = this.#parts.mask.text(name);
        if (shown !== name) this.#put(key, shown);
        this.take(value, { path, name, depth: at.depth + 1, hides: at.hides ?? this.#parts.columnOf(path) });
      }
    } else if (isSeq(node)) {
      const path = `${at.path}[]`;
      for (const item of node.items)
        this.take(item, { ...at, path, depth: at.depth + 1, hides: at.hides ?? this.#parts.columnOf(path) });
    } else if (isScalar(node)) this.#scalar(node, at);
  }

  /** What is merged into a mapping is a part of it. */
  #merged(value: unknown, at: At): void {
    if (isSeq(value)) for (const item of value.items) this.take(item, { ...at, depth: at.depth + 1 });
    else this.take(value, { ...at, depth: at.depth + 1 });
  }

  #scalar(node: Extract<Node, { readonly value: unknown }>, { hides, name }: At): void {
    const { value } = node;
    if (value === null || value === '' || typeof value === 'boolean') {
      if (hides !== undefined && typeof value === 'boolean') this.#put(node, '***');
      return;
    }
    const { mask } = this.#parts;
    const plain = typeof value === 'string' ? value : this.#written(node);
    if (hides !== undefined) {
      this.#put(node, hides(plain));
      return;
    }
    const document = mayBeDocument(plain) ? mask.json(plain, name) : undefined;
    const shown = document?.ok === true ? document.value : mask.text(plain, name);
    if (shown !== plain) this.#put(node, shown);
  }

  #written({ range }: Pick<Node, 'range'>): string {
    return this.#text.slice(range?.[0] ?? 0, range?.[1] ?? 0);
  }

  #put(node: Node, shown: string): void {
    const { range } = node;
    if (range === null || range === undefined)
      throw new Fault('mask', 'Nobody can say where a value of the answer stands, so it cannot be masked');
    const [from, to] = range;
    const end = /\s*$/.exec(this.#text.slice(from, to))?.[0] ?? '';
    this.ranges.push({ from, to: to - end.length, type: undefined, shown: JSON.stringify(shown) });
  }
}
