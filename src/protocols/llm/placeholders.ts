import { isClean } from '../../carriers/http/texts.ts';
import type { FindMask } from '../../core/decision.ts';
import { undoAll, type Undone } from '../../http/encoded.ts';
import { operatorForFind } from '../../core/duties.ts';
import { type MaskKey, scanner, showText } from '../../mask/index.ts';

const mostKept = 10_000;
const shape = /\[[A-Z][A-Z_]{1,39}_\d{1,6}\]/g;
const begun = /\[(?:[A-Z][A-Z_]{0,39}(?:\d{0,6})?)?$/;

interface Hidden {
  readonly from: number;
  readonly to: number;
  readonly type: string;
  readonly shown: string;
}

/** A text as it is, and once each layer of its encodings is undone; `deeper` where there are more of them than are looked into. */
export function* layersOf(text: string): Generator<Undone | 'deeper'> {
  yield { text, from: (at) => at, to: (at) => at + 1 };
  yield* undoAll(text);
}

/** What overlaps goes together. */
function without(text: string, hidden: readonly Hidden[]): string {
  let out = '';
  let at = 0;
  for (const { from, to, shown } of hidden.toSorted((a, b) => a.from - b.from)) {
    if (from >= at) out += text.slice(at, from) + shown;
    at = Math.max(at, to);
  }
  return out + text.slice(at);
}

/**
 * Values that a session's prompts hide behind placeholders (`[EMAIL_ADDRESS_1]`) and its answers get back: equal values have
 * equal placeholders, so that a model can speak of them and providers can cache prompts. Of one session only: what another
 * session minted stays as it is.
 */
export class Placeholders {
  readonly #values: Map<string, string> = new Map(); // by placeholder
  readonly #known: Map<string, string> = new Map(); // by value
  readonly #counts: Map<string, number> = new Map(); // by type

  /** Shows what is found in a prompt's text: reversibly where the operator is `token`. */
  hide(
    text: string,
    finds: readonly FindMask[],
    key: MaskKey,
  ): { readonly text: string; readonly found: readonly string[] } {
    if (isClean(text)) return { text, found: [] };
    const search = scanner({ entities: finds.map((find) => find.entity) });
    const hidden: Hidden[] = [];
    for (const layer of layersOf(text)) {
      if (layer === 'deeper') return { text: '***', found: [] };
      for (const { type, start, end } of search(layer.text)) {
        const operator = operatorForFind(finds, type);
        const value = layer.text.slice(start, end);
        if (operator === undefined || this.#values.has(value)) continue;
        const [from, to] = [layer.from(start), layer.to(end - 1)];
        // Found in the text as it is.
        if (layer.text !== text && text.slice(from, to) === value) continue;
        const shown =
          operator.kind === 'token'
            ? this.#placeholder(type, value)
            : showText(operator, value, key, { entity: type });
        hidden.push({ from, to, type, shown });
      }
    }
    return { text: without(text, hidden), found: hidden.map(({ type }) => type) };
  }

  #placeholder(type: string, value: string): string {
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    if (this.#known.size >= mostKept) return `[${type}]`; // one-way from here on
    const count = (this.#counts.get(type) ?? 0) + 1;
    this.#counts.set(type, count);
    const made = `[${type}_${count}]`;
    this.#known.set(value, made);
    this.#values.set(made, value);
    return made;
  }

  /** Puts the values back that this session hid. */
  restore(text: string): string {
    return this.#values.size === 0 ? text : text.replace(shape, (found) => this.#values.get(found) ?? found);
  }

  /** The same inside a JSON document, where a value must not end the string that it stands in. */
  restoreJson(text: string): string {
    if (this.#values.size === 0) return text;
    return text.replace(shape, (found) => JSON.stringify(this.#values.get(found) ?? found).slice(1, -1));
  }

  /** The same for a text in pieces: holds back what may become a placeholder. */
  restoring(): { readonly push: (piece: string) => string; readonly end: () => string } {
    let held = '';
    return {
      push: (piece) => {
        if (this.#values.size === 0 && held === '') return piece;
        const all = held + piece;
        const at = begun.exec(all)?.index ?? all.length;
        held = all.slice(at);
        return this.restore(all.slice(0, at));
      },
      end: () => {
        const rest = this.restore(held);
        held = '';
        return rest;
      },
    };
  }
}
