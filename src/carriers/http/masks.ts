import { isUtf8 } from 'node:buffer';
import { err, ok, type Result } from '../../base/result.ts';
import type { MaskOperator, Permit } from '../../core/decision.ts';
import { stronger } from '../../core/duties.ts';
import { wholeNumber } from '../../http/encoded.ts';
import { jsonBytes } from '../../http/json.ts';
import { jsonIn, mayHoldJson } from '../../http/json-in.ts';
import { type Place, Places } from '../../http/json-places.ts';
import { JsonWalk, type Later, type Leaf, type Shown } from '../../http/json-walk.ts';
import { mayBePacked } from '../../http/packed.ts';
import { type MaskKey, mayContain, noisyDecimal, showText } from '../../mask/index.ts';
import { calledIn } from './called.ts';
import { cutAt, cutEscaped, hasMark, pieceBytes } from './cuts.ts';
import { type Hidden, wantsWindows, withRanges } from './ranges.ts';
import { isClean, long, type Look, mayBeDocument, type Pieces, TextMask } from './texts.ts';
import { atOnce, inTurns } from './turns.ts';

/** Shows the texts of one answer as its permit demands. */
export interface DocumentMask {
  /** False where nothing is to be masked at all: then bytes may pass unread. */
  readonly needed: boolean;
  /**
   * A JSON text; an error where it is not JSON, and so cannot be shown. `name` is what it is called, as context; `under` the path of
   * what it stands in, which goes on in it.
   */
  readonly json: (text: string, name?: string, under?: string) => Result<string, string>;
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
   * A text with JSON somewhere in it: that by its paths, and what stands around it as text. Undefined where no value is known by its
   * path, and where no such value stands in it.
   */
  readonly mixed: (text: string, name?: string) => string | undefined;
  /**
   * Works out long texts before they are asked for, without keeping everybody else waiting: `json` (of what `isJson` says
   * may be JSON) and `text` know them then. Rejects with the signal's reason when that aborts in between.
   */
  readonly ready: (texts: Iterable<LongText>, signal: AbortSignal) => Promise<void>;
  /** Texts that a reader may put together (`textRuns`), each as it is shown then. Like `ready` with the others' time. */
  readonly joined: (texts: readonly string[], signal: AbortSignal) => Promise<readonly string[]>;
  /** What is to be hidden in a text, and where; ranges may overlap. For those who put it back by themselves: see `withRanges`. */
  readonly hidden: (text: string, signal: AbortSignal, name?: string) => Promise<readonly Hidden[]>;
  /** Whether values under this name are looked at in another way than values under none. */
  readonly names: (name: string) => boolean;
  /** A key, or another name: a model is asked about it only where it has words in it. */
  readonly key: (text: string) => string;
  /** A model is asked, so all of this is to happen inside of `read`, with what is whole. */
  readonly reads: boolean;
  /** That is going on now. */
  readonly reading: boolean;
  /**
   * Runs it, and again, until the model has read all that it looks at; at once where none is asked. It must show the same each time.
   * Rejects with the signal's reason, and with a Fault `mask` where there is no model that must be asked.
   */
  readonly read: <T>(run: () => T | Promise<T>, signal: AbortSignal) => Promise<T>;
  /** Runs it without the model: what is no body, such as a head. */
  readonly aside: <T>(run: () => T) => T;
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
  #outermost: Inside = outermost();
  readonly #texts: TextMask;
  /** Values are known by their paths. */
  readonly #tagged: boolean;
  readonly #readyJson: Map<string, Map<string, Result<string, string>>> = new Map(); // by name
  readonly #readyTexts: Map<string, Map<string, string>> = new Map(); // by name
  readonly reads: boolean;

  constructor(permit: Permit, object: string, key: MaskKey) {
    this.#permit = permit;
    this.#object = object;
    this.#key = key;
    this.#tagged = permit.duties.masks.length > 0;
    this.#texts = new TextMask({
      finds: permit.duties.finds,
      key,
      hidesIn: (text, name) => {
        const before = this.masked;
        return mayBeDocument(text) && this.json(text, name).ok && this.masked > before;
      },
    });
    this.reads = this.#texts.reading !== undefined;
  }

  get masked(): number {
    return this.#texts.masked;
  }

  get needed(): boolean {
    const { masks, finds } = this.#permit.duties;
    return masks.length > 0 || finds.length > 0;
  }

  json(text: string, name: string = '', under: string = ''): Result<string, string> {
    const known = text.length > long && under === '' ? this.#readyJson.get(name)?.get(text) : undefined;
    if (known !== undefined) return known;
    const bytes = jsonBytes(text);
    if (bytes === undefined) return err('It is not JSON');
    const walk = this.#walk(bytes, this.#called(name, under));
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

  #called(name: string, under: string = ''): Inside {
    return name === '' && under === '' ? this.#outermost : outermost(name, under);
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
    return known ?? this.#texts.text(text, name);
  }

  mixed(text: string, name: string = ''): string | undefined {
    if (!this.#tagged || !mayHoldJson(text)) return undefined;
    return atOnce(this.#mixed(text, name, this.#called(name)));
  }

  pieces(name: string = ''): Pieces {
    return this.#texts.pieces(name);
  }

  joined(texts: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    return this.#texts.joined(texts, signal);
  }

  names(name: string): boolean {
    return this.#texts.names(name);
  }

  key(text: string): string {
    return !this.reads || /\s/.test(text) ? this.text(text) : this.aside(() => this.text(text));
  }

  get reading(): boolean {
    return this.#texts.reading?.isOn === true;
  }

  async read<T>(run: () => T | Promise<T>, signal: AbortSignal): Promise<T> {
    const { reading, masked } = this.#texts;
    const fresh = (): void => {
      this.#texts.masked = masked;
      this.#readyJson.clear();
      this.#readyTexts.clear();
      this.#outermost = outermost();
    };
    return reading === undefined ? run() : reading.read(run, { fresh, signal });
  }

  aside<T>(run: () => T): T {
    const { reading } = this.#texts;
    return reading === undefined ? run() : reading.aside(run);
  }

  async hidden(text: string, signal: AbortSignal, name: string = ''): Promise<readonly Hidden[]> {
    return this.#texts.hidden(text, signal, name);
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
      if (!known.has(text)) known.set(text, await this.#texts.inPieces(text, name, signal));
    }
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
      this.#texts.masked++;
      if (operator.kind === 'null') return null;
      if (operator.kind === 'redact' && operator.keepWidth !== true) return '***';
      if (operator.kind === 'noise' && kind === 'number' && operator.percent !== undefined)
        return noisyDecimal(leaf.value, { key: this.#key, percent: operator.percent }) ?? '***';
      return showText(operator, leaf.value, this.#key);
    }
    if (kind === 'string' && (mayBeJson(leaf) || this.#mayHold(leaf))) return this.#inner(leaf, at, inside);
    if (kind === 'boolean') return undefined;
    if (at.look === undefined) return kind === 'string' ? this.#document(leaf, at) : undefined;
    if (kind === 'number') return this.#number(leaf, at.look);
    if (
      !at.look.always &&
      !this.reads &&
      !leaf.escaped &&
      !leaf.coded &&
      !mayContain(leaf.bytes, start, end) &&
      !mayBePacked(leaf.bytes, start, end)
    )
      return undefined;
    if (end - start > long) return this.#long(leaf, at);
    return this.#texts.found(at.look, leaf.value);
  }

  /** A document that is packed into a text: it can have tags where nothing is looked for. */
  #document(leaf: Leaf<At>, { name }: At): string | undefined {
    if (!mayBePacked(leaf.bytes, leaf.start, leaf.end)) return undefined;
    const shown = this.#texts.encoded(leaf.value, name);
    if (shown.masked === 0) return undefined;
    this.#texts.masked += shown.masked;
    return shown.text;
  }

  /** As it is written, and as its digits: whoever reads `4.111e15` has `4111000000000000`. */
  #number(leaf: Leaf<At>, look: Look): string | undefined {
    const { bytes, start, end } = leaf;
    const shown =
      look.always || mayContain(bytes, start, end) ? this.#texts.found(look, leaf.value) : undefined;
    if (shown !== undefined) return shown;
    const digits = wholeDigits(bytes, start, end);
    return digits === undefined || (!look.always && isClean(digits))
      ? undefined
      : this.#texts.found(look, digits);
  }

  #shownKey(leaf: Leaf<At>, at: At): string | undefined {
    if (at.plainKey) return undefined;
    const key = leaf.value;
    const shown = this.key(key);
    if (shown !== key) return shown;
    at.plainKey = true;
    return undefined;
  }

  /** A document in a document: by its own paths, which go on from where it stands. */
  *#inner(leaf: Leaf<At>, at: At, { under, depth }: Inside): Later {
    const { start, end, bytes, escaped } = leaf;
    const { path } = leaf.place;
    at.inner ??= {
      places: new Places(at.name),
      under: joined(under, path),
      depth: depth + 1,
    };
    const value = escaped || !startsAsJson(bytes[start] ?? 0) ? leaf.value : undefined;
    if (value === undefined || mayBeDocument(value)) {
      const json = value === undefined || !escaped ? bytes.subarray(start, end) : jsonBytes(value);
      const before = this.#texts.masked;
      if (depth >= deepest) {
        this.#texts.masked++;
        return '***';
      }
      if (json !== undefined) {
        const walk = this.#walk(json, at.inner);
        while (!walk.step(always)) yield;
        if (walk.error === undefined) return walk.end()?.map((part) => Buffer.from(part).toString());
      }
      this.#texts.masked = before; // it is none
    }
    const mixed = this.#mayHold(leaf) ? yield* this.#mixed(leaf.value, at.name, at.inner) : undefined;
    if (mixed !== undefined) return mixed;
    if (at.look === undefined) return this.#document(leaf, at);
    if (end - start > long) return yield* this.#long(leaf, at);
    return this.#texts.found(at.look, leaf.value);
  }

  /** Quotes in a string have escapes. */
  #mayHold(leaf: Leaf<At>): boolean {
    return this.#tagged && leaf.escaped && mayHoldJson(leaf.value);
  }

  /** Undefined where nothing of the JSON in it is shown otherwise. */
  *#mixed(text: string, name: string, inside: Inside): Generator<void, string | undefined> {
    let out = '';
    let at = 0;
    let isChanged = false;
    for (const { start, end, known } of jsonIn(text)) {
      const json = known && inside.depth <= deepest ? jsonBytes(text.slice(start, end)) : undefined;
      // SECURITY: nobody looks into it.
      if (json === undefined) {
        this.#texts.masked++;
        return `${out}${this.text(text.slice(at, start), name)}***`;
      }
      const walk = this.#walk(json, inside);
      while (!walk.step(always)) yield;
      const shown = walk.error === undefined ? walk.end() : undefined;
      if (shown === undefined) continue;
      isChanged = true;
      out += this.text(text.slice(at, start), name) + Buffer.concat(shown).toString();
      at = end;
    }
    return isChanged ? out + this.text(text.slice(at), name) : undefined;
  }

  /** A long text goes through the masks of texts that come in pieces: the same is shown, and others get their turn. */
  *#long(leaf: Leaf<At>, { look, name }: At): Later {
    const { start, end, bytes, escaped } = leaf;
    if (this.reads || wantsWindows(leaf.value)) {
      const whole = leaf.value;
      const ranges = yield* this.#texts.windows(whole, name);
      if (ranges.length === 0) return undefined;
      this.#texts.masked += ranges.length;
      return withRanges(whole, ranges).text;
    }
    const pieces = this.#texts.stream({
      most: end - start,
      ...(look?.always === true ? { column: name } : {}),
    });
    const before = this.#texts.masked;
    const out: string[] = [];
    for (let from = start; from < end;) {
      const to = escaped ? cutEscaped(bytes, from, end) : cutAt(bytes, from, { end, piece: pieceBytes });
      const piece = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString();
      out.push(pieces.push(escaped ? (JSON.parse(`"${piece}"`) as string) : piece)); // a part of a string that was read
      from = to;
      yield;
    }
    out.push(pieces.end());
    return this.#texts.masked === before ? undefined : out;
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
      look: this.#texts.look(name),
      name,
      plainKey: false,
      inner: undefined,
    };
    place.own = made;
    return made;
  }
}

/** A document that stands in no other. */
function outermost(name: string = '', under: string = ''): Inside {
  return { places: new Places(name), under, depth: 0 };
}

/** Bytes of a document that is done in one go. */
const quick = 8_192;
/** Bytes that are checked for UTF-8 in one go. */
const checkedAtOnce = 1_048_576;
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

/** Whether `looksLikeJson` may fit: by the first byte, of which one beyond ASCII may begin a blank. */
function mayBeJson({ bytes, start }: Leaf<At>): boolean {
  const first = bytes[start] ?? 0;
  return startsAsJson(first) || first <= 0x20 || first === 0x5c || blankLeads.includes(first);
}

const blankLeads = [0xc2, 0xe1, 0xe2, 0xe3, 0xef];

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
