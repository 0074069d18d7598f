import { Out } from './json-out.ts';
import { type Place, type PlaceNode, Places } from './json-places.ts';

/** One value (or key) of a JSON document that is not itself an object or array. Read it before the next one comes. */
export interface Leaf<T = undefined> {
  readonly kind: 'string' | 'number' | 'boolean' | 'null' | 'key';
  /** `customers[].email`; of a key the path it leads to; `$` for a document that is one value. */
  readonly path: string;
  /** The nearest key above: context for what the value is. */
  readonly key: string;
  /** Decoded: without quotes and escapes; a number as it is written. Worked out when it is asked for. */
  readonly value: string;
  readonly place: Place<T>;
  /** Where it stands as it is written, a string without its quotes. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Whether a string has escapes in it. */
  readonly escaped: boolean;
  /** Whether a string has a `%`, `&` or `<`, as other encodings and tags begin with. */
  readonly coded: boolean;
}

/** What is shown instead: a text, `null`, or undefined for the value as it is. A number stays a number, a key a string. */
export type Shown = string | null | undefined;

/** A value that takes long to be shown; where it yields, the walk may pause. A text may be given in parts. */
export type Later = Generator<void, Shown | readonly string[], void>;

export type ShowLeaf<T> = (leaf: Leaf<T>) => Shown | Later;

/** Whether the walk should pause now. */
export type Due = () => boolean;

export interface WalkParts<T> {
  /** UTF-8, and known to be. */
  readonly bytes: Uint8Array;
  readonly show: ShowLeaf<T>;
  readonly places?: Places<T>;
  readonly uniqueKeys?: boolean;
}

const deepest = 500;
/** Bytes between two looks at whether a pause is due, where nobody looks at values. */
const often = 16_384;

class NotJson extends Error {}

// What a byte is inside of a string.
const control = 1;
const quote = 2;
const backslash = 3;
const codes = 4;
const high = 5;
const inString = new Uint8Array(256);
inString.fill(control, 0, 0x20);
inString.fill(high, 0x80);
inString[0x22] = quote;
inString[0x5c] = backslash;
inString[0x25] = codes;
inString[0x26] = codes;
inString[0x3c] = codes;

class Cursor<T> implements Leaf<T> {
  kind: Leaf['kind'] = 'null';
  place: Place<T>;
  readonly bytes: Buffer;
  start = 0;
  end = 0;
  escaped = false;
  coded = false;
  wide = false;
  /** Whether somebody has read a value since this was last set: that is what takes time. */
  looked = false;

  constructor(bytes: Buffer, place: Place<T>) {
    this.bytes = bytes;
    this.place = place;
  }

  get path(): string {
    return this.place.path === '' && this.kind !== 'key' ? '$' : this.place.path;
  }

  get key(): string {
    return this.place.key;
  }

  get value(): string {
    this.looked = true;
    if (this.kind === 'key') return this.place.key;
    return decoded(this.bytes, this);
  }
}

function decoded(
  bytes: Buffer,
  of: { readonly start: number; readonly end: number; readonly escaped: boolean; readonly wide: boolean },
): string {
  const written = bytes.toString(of.wide ? 'utf8' : 'latin1', of.start, of.end);
  return of.escaped ? (JSON.parse(`"${written}"`) as string) : written; // its escapes have been checked
}

/**
 * Rewrites the leaves of one JSON text (RFC 8259) and nothing else, in steps: layout, order, keys given twice and the
 * spelling of numbers stay byte for byte.
 */
export class JsonWalk<T> {
  readonly #bytes: Buffer;
  readonly #show: ShowLeaf<T>;
  readonly #unique: boolean;
  readonly #places: Places<T>;
  readonly #leaf: Cursor<T>;
  readonly #above: PlaceNode<T>[] = [];
  readonly #names: (Set<string> | undefined)[] = []; // undefined: an array, or nobody asks
  readonly #objects: boolean[] = [];
  #place: PlaceNode<T>;
  #expects: 'value' | 'member' | 'first' | 'behind' = 'value';
  #at = 0;
  /** How far a string has been read in the step before, or -1. */
  #readTo = -1;
  #later: Later | undefined;
  #parts: { readonly of: readonly string[]; at: number } | undefined;
  #copied = 0;
  #out: Out | undefined;
  /** Why it is not JSON. */
  error: string | undefined;

  constructor({ bytes, show, places = new Places<T>(), uniqueKeys = false }: WalkParts<T>) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#show = show;
    this.#places = places;
    this.#unique = uniqueKeys;
    this.#place = places.root;
    this.#leaf = new Cursor(this.#bytes, places.root);
  }

  /** Goes on until it is done, with or without an `error`, or until a pause is due: then false. */
  step(due: Due): boolean {
    try {
      return this.#run(due);
    } catch (thrown) {
      if (!(thrown instanceof NotJson)) throw thrown;
      this.error = thrown.message;
      return true;
    }
  }

  /** The document as it is to be shown, once it is done; undefined where nothing was changed. */
  end(): readonly Uint8Array[] | undefined {
    if (this.#out === undefined) return undefined;
    this.#out.bytes(this.#bytes, this.#copied, this.#bytes.length);
    return this.#out.end();
  }

  #run(due: Due): boolean {
    const bytes = this.#bytes;
    const { length } = bytes;
    const leaf = this.#leaf;
    let check = this.#at + often;
    for (;;) {
      if (this.#later !== undefined && !this.#goOn(this.#later, due)) return false;
      if (leaf.looked || this.#at >= check) {
        leaf.looked = false;
        check = this.#at + often;
        if (due()) return false;
      }
      let at = this.#at;
      let byte = 0;
      for (; at < length; at++) {
        byte = bytes[at] ?? 0;
        if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
      }
      this.#at = at;
      if (at >= length) {
        if (this.#expects === 'behind' && this.#above.length === 0) return true;
        throw new NotJson('The document is not whole');
      }
      switch (this.#expects) {
        case 'behind':
          this.#behind(byte);
          break;
        case 'first':
          if (byte === (this.#objects.at(-1) === true ? 0x7d : 0x5d)) {
            this.#at++;
            this.#leave();
          } else this.#member(byte);
          break;
        case 'member':
          this.#member(byte);
          break;
        case 'value':
          if (!this.#value(byte, due)) return false;
      }
    }
  }

  /** Behind a value: a comma or the end of what it stands in. */
  #behind(byte: number): void {
    if (this.#above.length === 0) throw new NotJson('Something stands behind the JSON document');
    this.#at++;
    if (byte === 0x2c) this.#expects = 'member';
    else if (byte === (this.#objects.at(-1) === true ? 0x7d : 0x5d)) this.#leave();
    else throw new NotJson('A comma or an end is missing');
  }

  #enter(isObject: boolean): void {
    if (this.#above.length >= deepest) throw new NotJson(`More than ${deepest} levels`);
    this.#above.push(this.#place);
    this.#objects.push(isObject);
    this.#names.push(isObject && this.#unique ? new Set() : undefined);
    this.#expects = 'first';
    this.#at++;
  }

  #leave(): void {
    this.#above.pop();
    this.#objects.pop();
    this.#names.pop();
    this.#expects = 'behind';
  }

  #member(byte: number): void {
    const above = this.#above.at(-1) ?? this.#places.root;
    this.#expects = 'value';
    if (this.#objects.at(-1) !== true) {
      this.#place = this.#places.elementOf(above) ?? tooLong();
      return;
    }
    if (byte !== 0x22) throw new NotJson('A key is missing');
    const from = this.#at + 1;
    const place = this.#expected(above, from) ?? this.#named(above, from);
    const to = this.#at;
    const names = this.#names.at(-1);
    if (names?.has(place.key) === true) throw new NotJson('A key stands twice in one object');
    names?.add(place.key);
    const leaf = this.#leaf;
    leaf.kind = 'key';
    leaf.place = place;
    leaf.start = from;
    leaf.end = to - 1;
    const shown = this.#show(leaf);
    if (typeof shown === 'string') this.#upTo(from - 1, to).string(shown);
    this.#place = place;
    this.#colon();
  }

  #colon(): void {
    const bytes = this.#bytes;
    let at = this.#at;
    while (at < bytes.length && isBlank(bytes[at] ?? 0)) at++;
    if (bytes[at] !== 0x3a) throw new NotJson('A colon is missing');
    this.#at = at + 1;
  }

  /** The member that stood behind the last one in the object before, if it is this one. */
  #expected(above: PlaceNode<T>, from: number): PlaceNode<T> | undefined {
    const { expected } = above;
    if (expected === undefined) return undefined;
    const { spelled } = expected;
    const bytes = this.#bytes;
    const to = from + spelled.length;
    if (to >= bytes.length || bytes[to] !== 0x22) return undefined;
    for (let at = 0; at < spelled.length; at++) if (bytes[from + at] !== spelled[at]) return undefined;
    above.expected = expected.next ?? above.first;
    this.#at = to + 1;
    return expected;
  }

  #named(above: PlaceNode<T>, from: number): PlaceNode<T> {
    this.#close(from, () => false);
    const end = this.#at - 1;
    const { escaped, wide } = this.#leaf;
    this.#leaf.looked = true; // a new place may take long too
    const key = decoded(this.#bytes, { start: from, end, escaped, wide });
    return this.#places.memberOf(above, key, this.#bytes.subarray(from, end)) ?? tooLong();
  }

  /** False where a pause came in the middle of a long string. */
  #value(byte: number, due: Due): boolean {
    const from = this.#at;
    const leaf = this.#leaf;
    if (byte === 0x7b || byte === 0x5b) {
      this.#enter(byte === 0x7b);
      return true;
    }
    leaf.place = this.#place;
    if (byte === 0x22) {
      if (!this.#close(from + 1, due)) return false;
      leaf.kind = 'string';
      leaf.start = from + 1;
      leaf.end = this.#at - 1;
    } else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
      leaf.kind = 'number';
      leaf.start = from;
      leaf.end = this.#at = this.#number(from);
    } else {
      const word = words.find((each) => each[0] === byte);
      if (word === undefined || !word.every((each, at) => this.#bytes[from + at] === each))
        throw new NotJson('A value is missing');
      leaf.kind = byte === 0x6e ? 'null' : 'boolean';
      leaf.start = from;
      leaf.end = this.#at = from + word.length;
    }
    if (leaf.kind !== 'string') leaf.escaped = leaf.coded = leaf.wide = false;
    const shown = this.#show(leaf);
    this.#expects = 'behind';
    if (shown === undefined) return true;
    if (shown === null || typeof shown === 'string') this.#put(shown);
    else this.#later = shown;
    return true;
  }

  /** Shows the leaf that was read last so. */
  #put(shown: string | null): void {
    const { kind, start, end } = this.#leaf;
    if (kind === 'string' && shown !== null) this.#upTo(start - 1, end + 1).string(shown);
    else if (kind === 'string') this.#replace(start - 1, end + 1, 'null');
    else if (kind === 'number')
      this.#replace(start, end, shown === null ? 'null' : numeric(this.#leaf.value, shown));
    // A boolean has no other value that says nothing: what is hidden becomes null.
    else this.#replace(start, end, 'null');
  }

  #replace(start: number, end: number, shown: string): void {
    this.#upTo(start, end).text(shown);
  }

  /** Where what stands in the place of these bytes is to be written now. */
  #upTo(start: number, end: number): Out {
    this.#out ??= new Out(this.#bytes.length + 64);
    this.#out.bytes(this.#bytes, this.#copied, start);
    this.#copied = end;
    return this.#out;
  }

  /** Goes on with what takes long; false where a pause is due. */
  #goOn(later: Later, due: Due): boolean {
    while (this.#parts === undefined) {
      const { done, value } = later.next();
      if (done === true) {
        if (value === null || typeof value === 'string') this.#put(value);
        if (value === undefined || value === null || typeof value === 'string') {
          this.#later = undefined;
          return true;
        }
        this.#replace(this.#leaf.start - 1, this.#leaf.end + 1, '"');
        this.#parts = { of: value, at: 0 };
      }
      if (due()) return false;
    }
    const { of } = this.#parts;
    while (this.#parts.at < of.length) {
      this.#out?.text(JSON.stringify(of[this.#parts.at++]).slice(1, -1));
      if (due()) return false;
    }
    this.#out?.text('"');
    this.#parts = undefined;
    this.#later = undefined;
    return true;
  }

  /** Reads from behind a quote to behind the one that closes the string; false where a pause is due before that. */
  #close(from: number, due: Due): boolean {
    const bytes = this.#bytes;
    const leaf = this.#leaf;
    let at = from;
    if (this.#readTo >= 0) {
      at = this.#readTo;
      this.#readTo = -1;
    } else leaf.escaped = leaf.coded = leaf.wide = false;
    for (;;) {
      const to = Math.min(bytes.length, at + longRead);
      for (; at < to; at++) {
        const kind = inString[bytes[at] ?? 0];
        if (kind === 0) continue;
        if (kind === quote) {
          this.#at = at + 1;
          return true;
        }
        if (kind === backslash) {
          leaf.escaped = true;
          at += this.#escape(at + 1);
        } else if (kind === codes) leaf.coded = true;
        else if (kind === high) leaf.wide = true;
        else throw new NotJson('A string has a character that must be escaped, or an escape that is none');
      }
      if (at >= bytes.length) throw new NotJson('A string is not closed');
      if (due()) {
        this.#readTo = at;
        return false;
      }
    }
  }

  /** How many bytes behind the backslash belong to the escape at `at`. */
  #escape(at: number): number {
    const byte = this.#bytes[at] ?? 0;
    if (byte !== 0x75) {
      if (escapes.includes(byte)) return 1;
      throw new NotJson('A string has a character that must be escaped, or an escape that is none');
    }
    for (let digit = at + 1; digit < at + 5; digit++) {
      if (!isHex(this.#bytes[digit] ?? 0))
        throw new NotJson('A string has a character that must be escaped, or an escape that is none');
    }
    return 5;
  }

  /** Where the number ends that begins here (RFC 8259, 6). */
  #number(from: number): number {
    const bytes = this.#bytes;
    let at = bytes[from] === 0x2d ? from + 1 : from;
    const whole = digits(bytes, at);
    if (whole === at) throw new NotJson('A value is missing');
    at = bytes[at] === 0x30 ? at + 1 : whole;
    if (bytes[at] === 0x2e) {
      const to = digits(bytes, at + 1);
      if (to === at + 1) throw new NotJson('A number is not whole');
      at = to;
    }
    if (bytes[at] === 0x65 || bytes[at] === 0x45) {
      const sign = bytes[at + 1] === 0x2b || bytes[at + 1] === 0x2d ? 1 : 0;
      const to = digits(bytes, at + 1 + sign);
      if (to === at + 1 + sign) throw new NotJson('A number is not whole');
      at = to;
    }
    return at;
  }
}

/** Bytes of one string that are read without a look at whether a pause is due. */
const longRead = 262_144;
const escapes = Buffer.from('"\\/bfnrt');
const words = ['true', 'false', 'null'].map((word) => Buffer.from(word));

function digits(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && (bytes[at] ?? 0) >= 0x30 && (bytes[at] ?? 0) <= 0x39) at++;
  return at;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isHex(byte: number): boolean {
  const low = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (low >= 0x61 && low <= 0x66);
}

function tooLong(): never {
  throw new NotJson('The path of a value is too long');
}

/** A number of as many digits; what an operator made of it stays where it is a number. */
function numeric(value: string, shown: string): string {
  if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(shown)) return shown;
  const count = value.replace(/[eE].*$/, '').replace(/\D/g, '').length;
  return count <= 1 ? '0' : `1${'0'.repeat(Math.min(count, 300) - 1)}`;
}
