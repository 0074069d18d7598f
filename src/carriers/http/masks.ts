import { isUtf8 } from 'node:buffer';
import { err, ok, type Result } from '../../base/result.ts';
import type { MaskOperator, Permit } from '../../core/decision.ts';
import { operatorForFind, stronger } from '../../core/duties.ts';
import { mayBeEncoded, undoAll, type Undone, wholeNumber } from '../../http/encoded.ts';
import { jsonBytes } from '../../http/json.ts';
import { type Place, Places } from '../../http/json-places.ts';
import { mayBeMarkup, type Stripped, withoutTags } from '../../http/markup.ts';
import { mayBePacked, packedIn } from '../../http/packed.ts';
import { JsonWalk, type Later, type Leaf, type Shown } from '../../http/json-walk.ts';
import {
  findMasker,
  type Finding,
  isContext,
  type MaskKey,
  mayContain,
  scanner,
  noisyDecimal,
  showText,
  textStream,
} from '../../mask/index.ts';
import { calledIn, withZeros } from './called.ts';
import { type Found, type Hidden, inWindows, wantsWindows, withRanges } from './ranges.ts';
import { inTurns } from './turns.ts';

/** Shows the texts of one answer as its permit demands. */
export interface DocumentMask {
  /** False where nothing is to be masked at all: then bytes may pass unread. */
  readonly needed: boolean;
  /** A JSON text; an error where it is not JSON, and so cannot be shown. `name` is what it is called, as context. */
  readonly json: (text: string, name?: string) => Result<string, string>;
  /**
   * The same for a body of any size, without keeping everybody else waiting. Gives what is to be sent, in pieces, or
   * undefined where nothing was changed; an error also where it is not UTF-8. A mark of the byte order is no part of it.
   * Rejects with the signal's reason when that aborts in between.
   */
  readonly bytes: (
    json: Uint8Array,
    signal: AbortSignal,
  ) => Promise<Result<readonly Uint8Array[] | undefined, string>>;
  /** `json`, without keeping everybody else waiting: as `bytes` does it. */
  readonly document: (text: string, signal: AbortSignal) => Promise<Result<string, string>>;
  /** Any other text; `name` is what it is called, as context. */
  readonly text: (text: string, name?: string) => string;
  /**
   * Works out long texts before they are asked for, without keeping everybody else waiting: `json` (of what `isJson` says
   * may be JSON) and `text` know them then. Rejects with the signal's reason when that aborts in between.
   */
  readonly ready: (texts: Iterable<LongText>, signal: AbortSignal) => Promise<void>;
  /** What is to be hidden in a text, and where; ranges may overlap. For those who put it back by themselves: see `withRanges`. */
  readonly hidden: (text: string, signal: AbortSignal, name?: string) => Promise<readonly Hidden[]>;
  /** Whether values under this name are looked at in another way than values under none. */
  readonly names: (name: string) => boolean;
  /** A text that comes in pieces, of any length: nothing is held but what may still become a value. */
  readonly pieces: (name?: string) => Pieces;
  readonly masked: number;
}

export interface LongText {
  readonly text: string;
  /** What it is called, as `text` is asked with it. */
  readonly name: string;
  readonly isJson: boolean;
}

export interface Pieces {
  readonly push: (piece: string) => string;
  readonly end: () => string;
}

type Find = (text: string) => Found;

/** How values of one name are looked at. */
interface Look {
  readonly find: Find;
  /** Values that show no sign are looked at too: the name is context. */
  readonly always: boolean;
}

/** What is done with the values in one place. */
interface At {
  /** Of the place and everything it lies in; of `$`, which nothing lies in, see `itself`. */
  readonly operator: MaskOperator | undefined;
  /** Of a value that stands here itself. */
  readonly itself: MaskOperator | undefined;
  readonly look: Look | undefined;
  /** What values here are called. */
  readonly name: string;
  /** Nothing is to be hidden in the key. */
  plainKey: boolean;
  /** A value that is itself a document. */
  inner: Inside | undefined;
}

/** One document, or all that stand in one place of others. */
interface Inside {
  readonly places: Places<At>;
  /** The path they stand in. */
  readonly under: string;
  /** How many documents it stands in. */
  readonly depth: number;
}

/** `object` names what the answer is of, as tags do: a route, a tool, a model. Paths in it are its columns. */
export function documentMask(permit: Permit, object: string, key: MaskKey): DocumentMask {
  return new Masks(permit, object, key);
}

class Masks implements DocumentMask {
  readonly #permit: Permit;
  readonly #object: string;
  readonly #key: MaskKey;
  readonly #outermost: Inside = { places: new Places(), under: '', depth: 0 };
  readonly #looks: Map<string, Look> = new Map();
  readonly #readyJson: Map<string, Map<string, Result<string, string>>> = new Map(); // by name
  readonly #readyTexts: Map<string, Map<string, string>> = new Map(); // by name
  #unpacking = 0;
  /** Units of long packed texts that may still be looked at; beyond, they count as findings. */
  #packedLeft = 0;
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

  json(text: string, name: string = ''): Result<string, string> {
    const known = text.length > long ? this.#readyJson.get(name)?.get(text) : undefined;
    if (known !== undefined) return known;
    const bytes = jsonBytes(text);
    if (bytes === undefined) return err('It is not JSON');
    const walk = this.#walk(bytes, this.#called(name));
    walk.step(never);
    if (walk.error !== undefined) return err(walk.error);
    const shown = walk.end();
    return ok(shown === undefined ? text : Buffer.concat(shown).toString());
  }

  async bytes(
    json: Uint8Array,
    signal: AbortSignal,
  ): Promise<Result<readonly Uint8Array[] | undefined, string>> {
    let checked = 0;
    const check = (): boolean => {
      const to = cutAt(json, checked, { end: json.length, piece: checkedAtOnce });
      if (!isUtf8(json.subarray(checked, to))) return true;
      checked = to;
      return checked === json.length;
    };
    await inTurns((due) => {
      while (!check()) if (due()) return false;
      return true;
    }, signal);
    if (checked < json.length) return err('It is not UTF-8');
    return this.#shown(json.subarray(hasMark(json) ? 3 : 0), signal, this.#outermost);
  }

  async #shown(
    json: Uint8Array,
    signal: AbortSignal,
    inside: Inside,
  ): Promise<Result<readonly Uint8Array[] | undefined, string>> {
    const walk = this.#walk(json, inside);
    if (json.length <= quick) walk.step(never);
    else await inTurns((due) => walk.step(due), signal);
    return walk.error === undefined ? ok(walk.end()) : err(walk.error);
  }

  #called(name: string): Inside {
    return name === '' ? this.#outermost : { places: new Places(name), under: '', depth: 0 };
  }

  async document(text: string, signal: AbortSignal, name: string = ''): Promise<Result<string, string>> {
    if (text.length <= quick) return this.json(text, name);
    const bytes = jsonBytes(text);
    const shown =
      bytes === undefined ? err('It is not JSON') : await this.#shown(bytes, signal, this.#called(name));
    if (!shown.ok) return shown;
    return ok(shown.value === undefined ? text : Buffer.concat(shown.value).toString());
  }

  text(text: string, name: string = ''): string {
    const known = text.length > long ? this.#readyTexts.get(name)?.get(text) : undefined;
    if (known !== undefined) return known;
    const look = this.#look(name);
    if (look === undefined || (!look.always && isClean(text))) return text;
    const shown = look.find(text);
    if (shown.masked === 0) return text;
    this.masked += shown.masked;
    return shown.text;
  }

  async ready(texts: Iterable<LongText>, signal: AbortSignal): Promise<void> {
    for (const { text, name, isJson } of texts) {
      if (text.length <= long) continue;
      if (isJson) {
        const known = this.#readyJson.get(name) ?? new Map<string, Result<string, string>>();
        this.#readyJson.set(name, known);
        const shown = known.get(text) ?? (await this.document(text, signal, name));
        known.set(text, shown);
        if (shown.ok) continue;
      }
      const known = this.#readyTexts.get(name) ?? new Map<string, string>();
      this.#readyTexts.set(name, known);
      if (!known.has(text)) known.set(text, await this.#inPieces(text, name, signal));
    }
  }

  async #inPieces(text: string, name: string, signal: AbortSignal): Promise<string> {
    const look = this.#look(name);
    if (look === undefined) return text;
    if (wantsWindows(text)) {
      const ranges = await this.hidden(text, signal, name);
      this.masked += ranges.length;
      return ranges.length === 0 ? text : withRanges(text, ranges).text;
    }
    const pieces = this.#stream({ most: text.length, ...(look.always ? { column: name } : {}) });
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
    const { finds } = this.#permit.duties;
    if (finds.length === 0) return { push: (piece) => piece, end: () => '' };
    return this.#stream(name === '' ? {} : { column: name });
  }

  names(name: string): boolean {
    return name !== '' && this.#look(name)?.always === true;
  }

  async hidden(text: string, signal: AbortSignal, name: string = ''): Promise<readonly Hidden[]> {
    if (this.#look(name) === undefined) return [];
    const windows = this.#windows(text, name);
    let found: readonly Hidden[] | undefined;
    await inTurns((due) => {
      while (found === undefined) {
        const { done, value } = windows.next();
        if (done === true) found = value;
        else if (due()) return false;
      }
      return true;
    }, signal);
    return found ?? [];
  }

  /** All that is to be hidden in a long text, looked at window by window; where it yields, others may have their turn. */
  *#windows(text: string, name: string): Generator<void, readonly Hidden[]> {
    const { finds } = this.#permit.duties;
    const entities = finds.map((each) => each.entity);
    const find = scanner({ entities, column: this.#look(name)?.always === true ? name : '' });
    const whole = { from: 0, to: text.length, type: undefined, shown: '***' };
    const stripped = withoutTags(text);
    if (stripped === 'deeper') return [whole];
    yield;
    const ranges = yield* inWindows(text, (part) => [
      ...this.#seenThrough(part, name),
      ...this.#plain(find(part), part),
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
      ...this.#plain(find(part), part),
    ]);
    for (const { from, to, type, shown } of displayed) {
      for (const [index, place] of stripped.places(from, to).entries())
        ranges.push({ from: place[0], to: place[1], type, shown: index === 0 ? shown : '' }); // the tags in between stay
    }
    return ranges;
  }

  #plain(findings: readonly Finding[], text: string): Hidden[] {
    const { finds } = this.#permit.duties;
    return findings.flatMap(({ type, start, end }) => {
      const operator = operatorForFind(finds, type);
      const value = text.slice(start, end);
      const shown = operator === undefined ? value : showText(operator, value, this.#key, { entity: type });
      return shown === value ? [] : [{ from: start, to: end, type, shown }];
    });
  }

  #stream(more: { readonly column?: string; readonly most?: number }): Pieces {
    const { finds } = this.#permit.duties;
    const stream = textStream({ finds, key: this.#key, ...more });
    let counted = 0;
    const shown = (text: string): string => {
      this.masked += stream.masked - counted;
      counted = stream.masked;
      const again = this.#encoded(text, more.column ?? '');
      this.masked += again.masked;
      return again.text;
    };
    return { push: (piece) => shown(stream.push(piece)), end: () => shown(stream.end()) };
  }

  /** What is found only once tags are left out, and the encodings of addresses, pages, scripts and bytes undone, one in the other. */
  #encoded(text: string, name: string): Found {
    if (!maybePacked(text) && !mayBeEncoded(text) && !mayBeMarkup(text))
      return { text, masked: 0, types: [] };
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
    const { finds } = this.#permit.duties;
    const found: Hidden[] = [];
    if (finds.length === 0) return found;
    const entities = finds.map((each) => each.entity);
    const seen = stripped?.text ?? layer.text;
    for (const { type, start, end } of scanner({ entities, column: name })(seen)) {
      const operator = operatorForFind(finds, type);
      const value = seen.slice(start, end);
      const places = (stripped?.places(start, end) ?? [[start, end]]).map(
        ([from, to]) => [layer.from(from), layer.to(to - 1)] as const,
      );
      const [first] = places;
      if (operator === undefined || first === undefined) continue;
      if (places.length === 1 && text.slice(...first) === value && stripped === undefined) continue;
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
      const found = yield* this.#windows(text, name);
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
      const bytes = Buffer.from(text);
      return mayContain(bytes, 0, bytes.length) ? [] : undefined;
    }
    this.#unpacking++;
    const before = this.masked;
    try {
      const document = mayBeDocument(text) ? this.json(text, name) : undefined;
      if (document?.ok === true && this.masked > before) return [];
      const found = this.#look(name)?.find(text);
      return found === undefined || found.masked === 0 ? undefined : found.types;
    } finally {
      this.masked = before;
      this.#unpacking--;
    }
  }

  #coarse(types: readonly string[], packed: string): string {
    const { finds } = this.#permit.duties;
    const operator = types.map((type) => operatorForFind(finds, type)).reduce(stronger, undefined);
    const whole = operator?.kind === 'hash' || operator?.kind === 'token' ? operator : redact;
    return showText(whole, packed, this.#key, types[0] === undefined ? {} : { entity: types[0] });
  }

  #walk(bytes: Uint8Array, inside: Inside): JsonWalk<At> {
    return new JsonWalk({ bytes, show: (leaf) => this.#leaf(leaf, inside), places: inside.places });
  }

  #leaf(leaf: Leaf<At>, inside: Inside): Shown | Later {
    const { kind, start, end } = leaf;
    if (kind === 'null' || start === end) return undefined;
    const at = this.#at(leaf.place, inside.under);
    if (kind === 'key') return this.#shownKey(leaf, at);
    const operator = leaf.place.path === '' ? at.itself : at.operator;
    if (operator !== undefined) {
      this.masked++;
      if (operator.kind === 'null') return null;
      if (operator.kind === 'redact' && operator.keepWidth !== true) return '***';
      if (operator.kind === 'noise' && kind === 'number' && operator.percent !== undefined)
        return noisyDecimal(leaf.value, { key: this.#key, percent: operator.percent }) ?? '***';
      return showText(operator, leaf.value, this.#key);
    }
    if (kind === 'string' && mayBeJson(leaf)) return this.#inner(leaf, at, inside);
    if (kind === 'boolean') return undefined;
    if (at.look === undefined) return kind === 'string' ? this.#document(leaf, at) : undefined;
    if (kind === 'number') return this.#number(leaf, at.look);
    if (
      !at.look.always &&
      !leaf.escaped &&
      !leaf.coded &&
      !mayContain(leaf.bytes, start, end) &&
      !mayBePacked(leaf.bytes, start, end)
    )
      return undefined;
    if (end - start > long) return this.#long(leaf, at);
    return this.#found(at.look, leaf.value);
  }

  /** A document that is packed into a text: it can have tags where nothing is looked for. */
  #document(leaf: Leaf<At>, { name }: At): string | undefined {
    if (!mayBePacked(leaf.bytes, leaf.start, leaf.end)) return undefined;
    const shown = this.#encoded(leaf.value, name);
    if (shown.masked === 0) return undefined;
    this.masked += shown.masked;
    return shown.text;
  }

  /** As it is written, and as its digits: whoever reads `4.111e15` has `4111000000000000`. */
  #number(leaf: Leaf<At>, look: Look): string | undefined {
    const { bytes, start, end } = leaf;
    const shown = look.always || mayContain(bytes, start, end) ? this.#found(look, leaf.value) : undefined;
    if (shown !== undefined) return shown;
    const digits = wholeDigits(bytes, start, end);
    return digits === undefined || (!look.always && isClean(digits)) ? undefined : this.#found(look, digits);
  }

  #found({ find }: Look, value: string): string | undefined {
    const shown = find(value);
    if (shown.masked === 0) return undefined;
    this.masked += shown.masked;
    return shown.text;
  }

  #shownKey(leaf: Leaf<At>, at: At): string | undefined {
    if (at.plainKey) return undefined;
    const key = leaf.value;
    const shown = this.text(key);
    if (shown !== key) return shown;
    at.plainKey = true;
    return undefined;
  }

  /** A document in a document: by its own paths, which go on from where it stands. */
  *#inner(leaf: Leaf<At>, at: At, { under, depth }: Inside): Later {
    const { start, end, bytes, escaped } = leaf;
    const { path } = leaf.place;
    const value = escaped || !startsAsJson(bytes[start] ?? 0) ? leaf.value : undefined;
    if (value === undefined || mayBeDocument(value)) {
      const json = value === undefined || !escaped ? bytes.subarray(start, end) : jsonBytes(value);
      at.inner ??= {
        places: new Places(at.name),
        under: joined(under, path),
        depth: depth + 1,
      };
      const before = this.masked;
      if (depth >= deepest) {
        this.masked++;
        return '***';
      }
      if (json !== undefined) {
        const walk = this.#walk(json, at.inner);
        while (!walk.step(always)) yield;
        if (walk.error === undefined) return walk.end()?.map((part) => Buffer.from(part).toString());
      }
      this.masked = before; // it is none
    }
    if (at.look === undefined) return this.#document(leaf, at);
    if (end - start > long) return yield* this.#long(leaf, at);
    return this.#found(at.look, leaf.value);
  }

  /** A long text goes through the masks of texts that come in pieces: the same is shown, and others get their turn. */
  *#long(leaf: Leaf<At>, { look, name }: At): Later {
    const { start, end, bytes, escaped } = leaf;
    if (wantsWindows(leaf.value)) {
      const whole = leaf.value;
      const ranges = yield* this.#windows(whole, name);
      if (ranges.length === 0) return undefined;
      this.masked += ranges.length;
      return withRanges(whole, ranges).text;
    }
    const pieces = this.#stream({ most: end - start, ...(look?.always === true ? { column: name } : {}) });
    const before = this.masked;
    const out: string[] = [];
    for (let from = start; from < end;) {
      const to = escaped ? cutEscaped(bytes, from, end) : cutAt(bytes, from, { end, piece: pieceBytes });
      const piece = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString();
      out.push(pieces.push(escaped ? (JSON.parse(`"${piece}"`) as string) : piece)); // a part of a string that was read
      from = to;
      yield;
    }
    out.push(pieces.end());
    return this.masked === before ? undefined : out;
  }

  #at(place: Place<At>, under: string): At {
    if (place.own !== undefined) return place.own;
    const above = place.parent === undefined ? undefined : this.#at(place.parent, under);
    const [path, from] = [joined(under, place.path), joined(under, place.parent?.path ?? '').length];
    // A tag on an object or array is one on everything in it.
    const told = (paths: readonly string[]): MaskOperator | undefined =>
      paths
        .map((column) => this.#permit.operatorOf({ object: this.#object, column }))
        .reduce(stronger, above?.operator);
    const operator = told(above === undefined ? heads(under, 0) : place.path === '' ? [] : heads(path, from));
    const name = calledIn(place.key, above?.name);
    const made = {
      operator,
      itself: place.path === '' ? stronger(operator, told(heads(joined(under, '$'), from))) : operator,
      look: this.#look(name),
      name,
      plainKey: false,
      inner: undefined,
    };
    place.own = made;
    return made;
  }

  #look(name: string): Look | undefined {
    const { finds } = this.#permit.duties;
    if (finds.length === 0) return undefined;
    const known = this.#looks.get(name);
    if (known !== undefined) return known;
    const entities = finds.map(({ entity }) => entity);
    const always = name !== '' && isContext({ entities, column: name });
    // A name that is context for nothing is no name.
    const made = name === '' || always ? this.#searched(name, always) : this.#look('');
    if (made !== undefined && this.#looks.size < mostNames) this.#looks.set(name, made);
    return made;
  }

  #searched(name: string, always: boolean): Look {
    const { finds } = this.#permit.duties;
    const find = findMasker(finds, name === '' ? { key: this.#key } : { key: this.#key, column: name });
    return {
      always,
      find: (text) => {
        const plain = find(text);
        const lost = always && plain.masked === 0 ? withZeros(text).map((each) => find(each)) : [];
        const padded = lost.find(({ masked }) => masked > 0);
        if (padded !== undefined) return padded;
        const again = this.#encoded(plain.text, always ? name : '');
        if (again.masked === 0) return plain;
        return {
          text: again.text,
          masked: plain.masked + again.masked,
          types: [...plain.types, ...again.types],
        };
      },
    };
  }
}

const mostNames = 10_000;
/** Bytes of a document that is done in one go. */
const quick = 8_192;
/** Bytes of a text from which on it is looked at in pieces. */
const long = 8_192;
const pieceBytes = 4_096;
/** Bytes that are checked for UTF-8 in one go. */
const checkedAtOnce = 1_048_576;
const looksLikeJson = /^\s*["{[]/;

/** Whether a text may be JSON that holds other texts: an object, an array, or a string, whose escapes hide what it says. */
export function mayBeDocument(text: string): boolean {
  return looksLikeJson.test(text);
}

/** Documents in documents that are looked into: each is written with twice the backslashes of the one around it. */
const deepest = 8;
const never = (): boolean => false;
const always = (): boolean => true;

function startsAsJson(byte: number): boolean {
  return byte === 0x7b || byte === 0x5b;
}

/** The digits of a whole number that is written with an exponent or a point; undefined where it is none, or is written plainly. */
function wholeDigits(bytes: Uint8Array, start: number, end: number): string | undefined {
  let pointed = false;
  let raised = false;
  for (let at = start; at < end; at++) {
    if (bytes[at] === 0x2e) pointed = true;
    else if (((bytes[at] ?? 0) | 0x20) === 0x65) raised = true;
  }
  // Most numbers are plain, or prices and places: a fraction that ends otherwise than in 0 is one.
  if (!raised && (!pointed || bytes[end - 1] !== 0x30)) return undefined;
  if (end - start > longestNumber) return undefined;
  return wholeNumber(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1'));
}

const longestNumber = 300;

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

/** Whether `looksLikeJson` may fit: by the first byte, of which one beyond ASCII may begin a blank. */
function mayBeJson({ bytes, start }: Leaf<At>): boolean {
  const first = bytes[start] ?? 0;
  return startsAsJson(first) || first <= 0x20 || first === 0x5c || blankLeads.includes(first);
}

const blankLeads = [0xc2, 0xe1, 0xe2, 0xe3, 0xef];

/** Whether nothing can be found in a text under no name, as a look at its bytes tells. */
export function isClean(text: string): boolean {
  if (text.length > long || otherCoding.test(text)) return false;
  const end = scratch.write(text);
  return !mayContain(scratch, 0, end) && !mayBePacked(scratch, 0, end);
}

const otherCoding = /[%&\\<]|\d[eE]\+?\d/;
const scratch = Buffer.allocUnsafe(long * 3);

/** Where a piece ends that begins at `from`: never inside of a character. */
function cutAt(
  bytes: Uint8Array,
  from: number,
  { end, piece }: { readonly end: number; readonly piece: number },
): number {
  let to = Math.min(end, from + piece);
  for (let back = 0; back < 3 && to < end && isInside(bytes[to]); back++) to--;
  return to;
}

/** Whether it goes on with a character that began before. */
function isInside(byte: number | undefined): boolean {
  return ((byte ?? 0) & 0xc0) === 0x80;
}

/** The mark that some writers put before UTF-8. */
function hasMark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

/** The same where there are escapes: never inside of one, nor between the two of one character. */
function cutEscaped(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && at < from + pieceBytes) {
    if (bytes[at] !== 0x5c) at++;
    else if (bytes[at + 1] !== 0x75) at += 2;
    else at += isHighHalf(bytes, at + 2) && bytes[at + 6] === 0x5c && bytes[at + 7] === 0x75 ? 12 : 6;
  }
  while (at < end && isInside(bytes[at])) at++;
  return at;
}

/** `d8` to `db`. */
function isHighHalf(bytes: Uint8Array, at: number): boolean {
  return ((bytes[at] ?? 0) | 0x20) === 0x64 && /[89ab]/i.test(String.fromCharCode(bytes[at + 1] ?? 0));
}

function joined(under: string, path: string): string {
  return under === '' || path === '' || path.startsWith('[]') ? under + path : `${under}.${path}`;
}

/** `a`, `a.b`, `a.b[]`, `a.b[].c` of the last: those that are longer than `from`. */
export function heads(path: string, from: number): readonly string[] {
  if (path === '') return [];
  const found: string[] = [];
  for (const match of path.slice(from).matchAll(/\.|\[\]/g)) {
    const to = from + match.index;
    if (to > from) found.push(path.slice(0, to));
  }
  found.push(path);
  return found;
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
