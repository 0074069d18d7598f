import { isClean } from '../../carriers/http/texts.ts';
import type { FindMask } from '../../core/decision.ts';
import { undoAll, type Undone } from '../../http/encoded.ts';
import { packedIn } from '../../http/packed.ts';
import { operatorForFind, stronger } from '../../core/duties.ts';
import { type MaskKey, type More, scanner, type Scanner, showText } from '../../mask/index.ts';

const mostKept = 10_000;
const shape = /\[[A-Z][A-Z_]{1,39}_\d{1,6}\]/g;
const begun = /\[(?:[A-Z][A-Z_]{0,39}(?:\d{0,6})?)?$/;

function shifted(hidden: readonly Hidden[], by: number): readonly Hidden[] {
  return hidden.map((each) => ({ ...each, from: each.from + by, to: each.to + by }));
}

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

/** Types of what is found in letters that stand for bytes, and where these stand; nobody's type where nobody can look into them. */
export function* packedFindings(
  text: string,
  search: Scanner,
  depth: number = 0,
): Generator<{ readonly start: number; readonly end: number; readonly types: readonly string[] }> {
  for (const { start, end, text: inner } of packedIn(text)) {
    const types = new Set<string>();
    let seen = inner === undefined || depth >= mostPacked;
    for (const layer of seen || inner === undefined ? [] : layersOf(inner)) {
      if (layer === 'deeper') {
        seen = true;
        continue;
      }
      for (const { type } of search(layer.text)) types.add(type);
      for (const { types: more } of packedFindings(layer.text, search, depth + 1)) {
        seen = true;
        for (const type of more) types.add(type);
      }
    }
    if (seen || types.size > 0) yield { start, end, types: [...types] };
  }
}

/** Letters for bytes in letters for bytes …: what is deeper is hidden. */
const mostPacked = 4;

/** What overlaps goes together; what goes over from one part to the next is shown in the first. `ends`: of the parts. */
function without(text: string, hidden: readonly Hidden[], ends: readonly number[]): readonly string[] {
  const sorted = hidden.toSorted((a, b) => a.from - b.from);
  let next = 0;
  let at = 0;
  return ends.map((end) => {
    let out = '';
    for (let each = sorted[next]; each !== undefined && each.from < end; each = sorted[++next]) {
      const { from, to, shown } = each;
      if (from >= at) out += text.slice(at, from) + shown;
      at = Math.max(at, to);
    }
    if (at < end) {
      out += text.slice(at, end);
      at = end;
    }
    return out;
  });
}

/** What stands around the places where texts meet that a reader may put together. */
export function* meetings(
  texts: readonly string[],
): Generator<{ readonly text: string; readonly from: number; readonly at: number }> {
  const whole = texts.join('');
  let at = 0;
  for (const text of texts.slice(0, -1)) {
    at += text.length;
    const from = Math.max(0, at - beside);
    yield { text: whole.slice(from, at + beside), from, at };
  }
}

/** Characters on either side of such a place: more than any value but a key has. */
const beside = 4_096;

/**
 * Values that a session's prompts hide behind placeholders (`[EMAIL_ADDRESS_1]`) and its answers get back: equal values have
 * equal placeholders, so that a model can speak of them and providers can cache prompts. Of one session only: what another
 * session minted stays as it is.
 */
export class Placeholders {
  readonly #values: Map<string, string> = new Map(); // by placeholder
  readonly #known: Map<string, string> = new Map(); // by value
  readonly #counts: Map<string, number> = new Map(); // by type

  /** Shows what is found in a prompt's text, by a model (`more`) too: reversibly where the operator is `token`. */
  hide(
    text: string,
    finds: readonly FindMask[],
    key: MaskKey,
    more?: More,
  ): { readonly text: string; readonly found: readonly string[] } {
    if (more === undefined && isClean(text)) return { text, found: [] };
    const hidden = this.#hidden(text, finds, key, more);
    const [shown = ''] = without(text, hidden, [text.length]);
    return { text: shown, found: hidden.map(({ type }) => type) };
  }

  /** The same of texts that a reader may put together: what goes over from one to the next is hidden too. */
  hideAll(
    texts: readonly string[],
    finds: readonly FindMask[],
    key: MaskKey,
    more?: More,
  ): readonly string[] {
    const whole = texts.join('');
    const hidden: Hidden[] = [];
    const ends: number[] = [];
    for (const text of texts) {
      const start = ends.at(-1) ?? 0;
      if (more !== undefined || !isClean(text))
        hidden.push(...shifted(this.#hidden(text, finds, key, more), start));
      ends.push(start + text.length);
    }
    for (const { text, from, at } of meetings(texts)) {
      if (more === undefined && isClean(text)) continue;
      const found = shifted(this.#hidden(text, finds, key, more), from);
      hidden.push(...found.filter((each) => each.to > at && (each.from > from || from === 0)));
    }
    return without(whole, hidden, ends);
  }

  #hidden(text: string, finds: readonly FindMask[], key: MaskKey, more: More | undefined): readonly Hidden[] {
    const find = scanner({ entities: finds.map(({ entity }) => entity) });
    const search: Scanner = (each) => find(each, more);
    const hidden: Hidden[] = [];
    for (const layer of layersOf(text)) {
      if (layer === 'deeper') return [{ from: 0, to: text.length, type: '', shown: '***' }];
      for (const { type, start, end } of search(layer.text)) {
        const operator = operatorForFind(finds, type);
        const value = layer.text.slice(start, end);
        if (operator === undefined || this.#values.has(value)) continue;
        const [from, to] = [layer.from(start), layer.to(end - 1)];
        // Found in the text as it is.
        if (layer.text !== text && more === undefined && text.slice(from, to) === value) continue;
        const shown =
          operator.kind === 'token'
            ? this.#placeholder(type, value)
            : showText(operator, value, key, { entity: type });
        hidden.push({ from, to, type, shown });
      }
      for (const { start, end, types } of packedFindings(layer.text, search)) {
        const [from, to] = [layer.from(start), layer.to(end - 1)];
        const [type = ''] = types;
        const operator = types.map((each) => operatorForFind(finds, each)).reduce(stronger, undefined);
        const shown = operator?.kind === 'token' ? this.#placeholder(type, text.slice(from, to)) : '***';
        hidden.push({ from, to, type, shown });
      }
    }
    return hidden;
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
