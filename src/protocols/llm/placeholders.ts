import { isClean } from '../../carriers/http/masks.ts';
import type { FindMask } from '../../core/decision.ts';
import { operatorForFind } from '../../core/duties.ts';
import { type MaskKey, scanner, showText } from '../../mask/index.ts';

const mostKept = 10_000;
const shape = /\[[A-Z][A-Z_]{1,39}_\d{1,6}\]/g;
const begun = /\[(?:[A-Z][A-Z_]{0,39}(?:\d{0,6})?)?$/;

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
    const entities = finds.map((find) => find.entity);
    let out = '';
    let from = 0;
    const found: string[] = [];
    for (const { type, start, end } of scanner({ entities })(text)) {
      const operator = operatorForFind(finds, type);
      if (operator === undefined) continue;
      const value = text.slice(start, end);
      if (this.#values.has(value)) continue;
      found.push(type);
      const shown =
        operator.kind === 'token'
          ? this.#placeholder(type, value)
          : showText(operator, value, key, { entity: type });
      out += text.slice(from, start) + shown;
      from = end;
    }
    return { text: from === 0 ? text : out + text.slice(from), found };
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
