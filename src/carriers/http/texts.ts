import type { Duties, MaskOperator } from '../../core/decision.ts';
import { operatorForFind, stronger } from '../../core/duties.ts';
import { mayBeEncoded, undoAll, type Undone } from '../../http/encoded.ts';
import { mayBeMarkup, type Stripped, withoutTags } from '../../http/markup.ts';
import { mayBePacked, packedIn } from '../../http/packed.ts';
import {
  findMasker,
  type Finding,
  isContext,
  type MaskKey,
  mayContain,
  partsAt,
  scanner,
  showText,
  textStream,
} from '../../mask/index.ts';
import { withZeros } from './called.ts';
import { pieceBytes } from './cuts.ts';
import { type Found, type Hidden, inWindows, wantsWindows, withRanges } from './ranges.ts';
import { type Reading, readingOf } from '../reading.ts';
import { atOnce, byTurns, inTurns } from './turns.ts';

export interface Pieces {
  readonly push: (piece: string) => string;
  readonly end: () => string;
}

type Find = (text: string) => Found;

/** How values of one name are looked at. */
export interface Look {
  readonly find: Find;
  /** Values that show no sign are looked at too: the name is context. */
  readonly always: boolean;
}

export interface TextParts {
  readonly finds: Duties['finds'];
  readonly key: MaskKey;
  /** Whether a text is a document, by itself, and something in it is hidden. */
  readonly hidesIn: (text: string, name: string) => boolean;
}

/** Texts of one answer as its rules let them be seen. What it hides by its own methods it counts. */
export class TextMask {
  readonly #finds: Duties['finds'];
  readonly #key: MaskKey;
  readonly #hidesIn: TextParts['hidesIn'];
  /** Where a model is asked. */
  readonly reading: Reading | undefined;
  readonly #looks: Map<string, Look> = new Map();
  /** A text in which nothing is encoded: the last one that was looked at. */
  #bare = '';
  #unpacking = 0;
  /** Units of long packed texts that may still be looked at; beyond, they count as findings. */
  #packedLeft = 0;
  /** Values hidden so far. */
  masked = 0;

  constructor({ finds, key, hidesIn }: TextParts) {
    this.#finds = finds;
    this.#key = key;
    this.#hidesIn = hidesIn;
    this.reading = readingOf(finds);
  }

  /** Undefined where nothing is looked for at all. */
  look(name: string): Look | undefined {
    const finds = this.#finds;
    if (finds.length === 0) return undefined;
    const known = this.#looks.get(name);
    if (known !== undefined) return known;
    const entities = finds.map(({ entity }) => entity);
    const always = name !== '' && isContext({ entities, column: name });
    // A name that is context for nothing is no name.
    const made = name === '' || always ? this.#searched(name, always) : this.look('');
    if (made !== undefined && this.#looks.size < mostNames) this.#looks.set(name, made);
    return made;
  }

  #searched(name: string, always: boolean): Look {
    const finds = this.#finds;
    const parts = name === '' ? { key: this.#key } : { key: this.#key, column: name };
    const { reading } = this;
    const find = findMasker(finds, reading === undefined ? parts : { ...parts, more: reading.more });
    return {
      always,
      find: (text) => {
        const plain = find(text);
        const lost = always && plain.masked === 0 ? withZeros(text).map((each) => find(each)) : [];
        const padded = lost.find(({ masked }) => masked > 0);
        if (padded !== undefined) return padded;
        const again = this.encoded(plain.text, always ? name : '');
        if (again.masked === 0) return plain;
        return {
          text: again.text,
          masked: plain.masked + again.masked,
          types: [...plain.types, ...again.types],
        };
      },
    };
  }

  text(text: string, name: string): string {
    const look = this.look(name);
    if (look === undefined || (!look.always && this.#clean(text))) return text;
    if (this.reading !== undefined && text.length > long) return this.#inWindows(text, name);
    const shown = look.find(text);
    if (shown.masked === 0) return text;
    this.masked += shown.masked;
    return shown.text;
  }

  /** Where a model is asked, signs of a value are not all that counts. */
  #clean(text: string): boolean {
    return this.reading === undefined ? isClean(text) : !/\p{L}/u.test(text) && isClean(text);
  }

  /** A long text, in windows. */
  #inWindows(text: string, name: string): string {
    const hidden = atOnce(this.windows(text, name));
    this.masked += hidden.length;
    return hidden.length === 0 ? text : withRanges(text, hidden).text;
  }

  /** What is shown instead; undefined where nothing is hidden. */
  found({ find }: Look, value: string): string | undefined {
    const shown = find(value);
    if (shown.masked === 0) return undefined;
    this.masked += shown.masked;
    return shown.text;
  }

  /** A long text, without keeping everybody else waiting. Rejects with the signal's reason. */
  async inPieces(text: string, name: string, signal: AbortSignal): Promise<string> {
    const look = this.look(name);
    if (look === undefined) return text;
    if (this.reading !== undefined || wantsWindows(text)) {
      const ranges = await this.hidden(text, signal, name);
      this.masked += ranges.length;
      return ranges.length === 0 ? text : withRanges(text, ranges).text;
    }
    const pieces = this.stream({ most: text.length, ...(look.always ? { column: name } : {}) });
    let shown = '';
    let at = 0;
    await inTurns((due) => {
      while (at < text.length) {
        shown += pieces.push(text.slice(at, at + pieceBytes));
        at += pieceBytes;
        if (due()) return false;
      }
      return true;
    }, signal);
    return shown + pieces.end();
  }

  pieces(name: string = ''): Pieces {
    const finds = this.#finds;
    if (finds.length === 0) return { push: (piece) => piece, end: () => '' };
    return this.stream(name === '' ? {} : { column: name });
  }

  /** Texts that a reader may put together: what is a value in one of them, and what goes over from one to the next. Like `inPieces`. */
  async joined(texts: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    if (this.#finds.length === 0 || this.#clean(texts.join('')))
      return texts.map((text) => this.text(text, ''));
    if (this.reading !== undefined) return this.#joinedWhole(texts, signal);
    const stream = textStream({ finds: this.#finds, key: this.#key, most: texts.join('').length });
    let shown = '';
    let part = 0;
    let at = 0;
    await inTurns((due) => {
      while (part < texts.length) {
        const text = texts[part] ?? '';
        shown += stream.push(text.slice(at, at + pieceBytes));
        at += pieceBytes;
        if (at >= text.length) {
          part++;
          at = 0;
          if (part < texts.length) stream.mark();
        }
        if (due()) return false;
      }
      return true;
    }, signal);
    shown += stream.end();
    this.masked += stream.masked;
    const out: string[] = [];
    for (const [index, each] of partsAt(shown, stream.marks).entries()) {
      const again = each === texts[index] && each.length > long ? undefined : this.encoded(each, '');
      this.masked += again?.masked ?? 0;
      out.push(again?.text ?? (await this.inPieces(each, '', signal)));
    }
    return out;
  }

  /** The same where a model is asked: it reads all of them together, and each by itself. */
  async #joinedWhole(texts: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const across = texts.length === 1 ? [] : await this.hidden(texts.join(''), signal);
    const out: string[] = [];
    let start = 0;
    for (const text of texts) {
      const end = start + text.length;
      const here = across
        .filter(({ from, to }) => from < end && to > start)
        .map((each) => ({
          ...each,
          from: Math.max(each.from, start) - start,
          to: Math.min(each.to, end) - start,
          shown: each.from < start ? '' : each.shown,
        }));
      const own = (await this.hidden(text, signal)).filter(
        ({ from, to }) => !here.some((each) => each.from <= from && each.to >= to),
      );
      this.masked += here.length + own.length;
      out.push(withRanges(text, [...here, ...own]).text);
      start = end;
    }
    return out;
  }

  names(name: string): boolean {
    return name !== '' && this.look(name)?.always === true;
  }

  async hidden(text: string, signal: AbortSignal, name: string = ''): Promise<readonly Hidden[]> {
    if (this.look(name) === undefined) return [];
    return byTurns(this.windows(text, name), signal);
  }

  /** All that is to be hidden in a long text, looked at window by window; where it yields, others may have their turn. */
  *windows(text: string, name: string): Generator<void, readonly Hidden[]> {
    const finds = this.#finds;
    const entities = finds.map((each) => each.entity);
    const find = scanner({ entities, column: this.look(name)?.always === true ? name : '' });
    const whole = { from: 0, to: text.length, type: undefined, shown: '***' };
    const stripped = withoutTags(text);
    if (stripped === 'deeper') return [whole];
    yield;
    const more = this.reading?.more;
    const ranges = yield* inWindows(text, (part) => [
      ...this.#seenThrough(part, name),
      ...this.#plain(find(part, more), part),
    ]);
    // What is packed is cut nowhere but where it ends.
    if (maybePacked(text)) {
      if (this.#unpacking === 0) this.#packedLeft = 2 * text.length;
      for (const { start, end, text: inner } of packedIn(text)) {
        const types =
          inner === undefined || inner.length <= long
            ? this.#withinOr(inner, name)
            : yield* this.#withinLong(inner, name);
        if (types !== undefined)
          ranges.push({
            from: start,
            to: end,
            type: types[0],
            shown: this.#coarse(types, text.slice(start, end)),
          });
        yield;
      }
    }
    if (stripped === undefined) return ranges;
    const displayed = yield* inWindows(stripped.text, (part) => [
      ...this.#seenThrough(part, name),
      ...this.#plain(find(part, more), part),
    ]);
    for (const { from, to, type, shown } of displayed) {
      for (const [index, place] of stripped.places(from, to).entries())
        ranges.push({ from: place[0], to: place[1], type, shown: index === 0 ? shown : '' }); // the tags in between stay
    }
    return ranges;
  }

  #plain(findings: readonly Finding[], text: string): Hidden[] {
    const finds = this.#finds;
    return findings.flatMap(({ type, start, end }) => {
      const operator = operatorForFind(finds, type);
      const value = text.slice(start, end);
      const shown = operator === undefined ? value : showText(operator, value, this.#key, { entity: type });
      return shown === value ? [] : [{ from: start, to: end, type, shown }];
    });
  }

  /** Like `pieces`; `most`: units that may be held. */
  stream(more: { readonly column?: string; readonly most?: number }): Pieces {
    const finds = this.#finds;
    this.reading?.inParts();
    const stream = textStream({ finds, key: this.#key, ...more });
    let counted = 0;
    const shown = (text: string): string => {
      this.masked += stream.masked - counted;
      counted = stream.masked;
      const again = this.encoded(text, more.column ?? '');
      this.masked += again.masked;
      return again.text;
    };
    return { push: (piece) => shown(stream.push(piece)), end: () => shown(stream.end()) };
  }

  /** What is found only once tags are left out, and the encodings of addresses, pages, scripts and bytes undone, one in the other. */
  encoded(text: string, name: string): Found {
    // What is hidden is shown by a few words, again and again.
    if (text === this.#bare) return { text, masked: 0, types: [] };
    if (!maybePacked(text) && !mayBeEncoded(text) && !mayBeMarkup(text)) {
      this.#bare = text;
      return { text, masked: 0, types: [] };
    }
    const ranges = this.#seenThrough(text, name);
    return ranges.length === 0 ? { text, masked: 0, types: [] } : withRanges(text, ranges);
  }

  #seenThrough(text: string, name: string): readonly Hidden[] {
    const ranges: Hidden[] = [];
    let layer: Undone | 'deeper' = { text, from: (at) => at, to: (at) => at + 1 };
    for (const next of [layer, ...undoAll(text)]) {
      layer = next;
      const stripped = layer === 'deeper' ? layer : withoutTags(layer.text);
      if (layer === 'deeper' || stripped === 'deeper')
        return [{ from: 0, to: text.length, type: undefined, shown: '***' }];
      if (layer.text !== text) ranges.push(...this.#layer(layer, text, name));
      if (stripped !== undefined) ranges.push(...this.#layer(layer, text, name, stripped));
      ranges.push(...this.#packed(layer, name));
    }
    return ranges;
  }

  /** What is found in a layer, or in what is displayed of it, and not in the text itself. */
  // oxlint-disable-next-line max-params
  #layer(layer: Undone, text: string, name: string, stripped?: Stripped): Hidden[] {
    const finds = this.#finds;
    const found: Hidden[] = [];
    if (finds.length === 0) return found;
    const entities = finds.map((each) => each.entity);
    const seen = stripped?.text ?? layer.text;
    for (const { type, start, end } of scanner({ entities, column: name })(seen, this.reading?.more)) {
      const operator = operatorForFind(finds, type);
      const value = seen.slice(start, end);
      const places = (stripped?.places(start, end) ?? [[start, end]]).map(
        ([from, to]) => [layer.from(from), layer.to(to - 1)] as const,
      );
      const [first] = places;
      if (operator === undefined || first === undefined) continue;
      // Detectors have seen it in the text as it is; a model can take the same letters for a part of something else there.
      const isPlain = places.length === 1 && text.slice(...first) === value && stripped === undefined;
      if (isPlain && this.reading === undefined) continue;
      let shown = showText(operator, value, this.#key, { entity: type });
      for (const [from, to] of places) {
        found.push({ from, to, type, shown });
        shown = ''; // the tags in between stay
      }
    }
    return found;
  }

  /** What stands in there as bytes in letters: nobody can change a part of it, so it stays whole or goes whole. */
  #packed(layer: Undone, name: string): Hidden[] {
    const found: Hidden[] = [];
    if (!maybePacked(layer.text)) return found;
    for (const { start, end, text } of packedIn(layer.text)) {
      const [from, to] = [layer.from(start), layer.to(end - 1)];
      const types = this.#withinOr(text, name);
      if (types !== undefined)
        found.push({ from, to, type: types[0], shown: this.#coarse(types, layer.text.slice(start, end)) });
    }
    return found;
  }

  /** The same of a long text, window by window. */
  *#withinLong(text: string, name: string): Generator<void, readonly string[] | undefined> {
    this.#packedLeft -= text.length;
    if (this.#unpacking >= mostPacked || this.#packedLeft < 0) return [];
    this.#unpacking++;
    try {
      const found = yield* this.windows(text, name);
      return found.length === 0 ? undefined : found.flatMap(({ type }) => (type === undefined ? [] : [type]));
    } finally {
      this.#unpacking--;
    }
  }

  /** What nobody looked at counts as a finding. */
  #withinOr(text: string | undefined, name: string): readonly string[] | undefined {
    return text === undefined ? [] : this.#within(text, name);
  }

  /** The types of what would be hidden in a text; undefined where that is nothing. */
  #within(text: string, name: string): readonly string[] | undefined {
    if (this.#unpacking >= mostPacked) return [];
    if (text.length > longestPacked) {
      if (this.reading !== undefined) return [];
      const bytes = Buffer.from(text);
      return mayContain(bytes, 0, bytes.length) ? [] : undefined;
    }
    this.#unpacking++;
    const before = this.masked;
    try {
      if (this.#hidesIn(text, name)) return [];
      const found = this.look(name)?.find(text);
      return found === undefined || found.masked === 0 ? undefined : found.types;
    } finally {
      this.masked = before;
      this.#unpacking--;
    }
  }

  #coarse(types: readonly string[], packed: string): string {
    const finds = this.#finds;
    const operator = types.map((type) => operatorForFind(finds, type)).reduce(stronger, undefined);
    const whole = operator?.kind === 'hash' || operator?.kind === 'token' ? operator : redact;
    return showText(whole, packed, this.#key, types[0] === undefined ? {} : { entity: types[0] });
  }
}

const mostNames = 10_000;
/** Bytes of a text from which on it is looked at in pieces. */
export const long = 8_192;

const looksLikeJson = /^\s*["{[]/;

/** Whether a text may be JSON that holds other texts: an object, an array, or a string, whose escapes hide what it says. */
export function mayBeDocument(text: string): boolean {
  return looksLikeJson.test(text);
}

const redact: MaskOperator = { kind: 'redact' };
/** Texts in letters for bytes, in texts in letters for bytes …: what is deeper is hidden. */
const mostPacked = 4;
/** Characters of such a text: what is longer is hidden where it could have anything in it. */
const longestPacked = 262_144;

function maybePacked(text: string): boolean {
  if (text.length * 3 > scratch.length) {
    const bytes = Buffer.from(text);
    return mayBePacked(bytes, 0, bytes.length);
  }
  return mayBePacked(scratch, 0, scratch.write(text));
}

/** Whether nothing can be found in a text under no name, as a look at its bytes tells. */
export function isClean(text: string): boolean {
  if (text.length > long || otherCoding.test(text)) return false;
  const end = scratch.write(text);
  return !mayContain(scratch, 0, end) && !mayBePacked(scratch, 0, end);
}

const otherCoding = /[%&\\<]|\d[eE]\+?\d/;
const scratch = Buffer.allocUnsafe(long * 3);
