import { Halt, type Meter } from './meter.ts';
import { compareNumbers, Decimal, type Num, numberKey, numberOf, textOf } from './number.ts';

// Values of Rego: those of JSON, with exact numbers, with sets, and with keys of any kind. Undefined is no value.

export type Value = null | boolean | string | Num | List | RegoObject | RegoSet;
export type List = readonly Value[];

type Key = string | number | boolean | null;

export interface Entry {
  readonly key: Value;
  value: Value;
}

/** Deeper values are refused: what walks through them would otherwise run out of stack. */
const deepest = 500;

/** A number with many digits, in steps. */
export const decimalCost = 30;

export class RegoObject {
  readonly #entries = new Map<Key, Entry>();
  #sorted: readonly Entry[] | undefined;
  #fixed = false;

  get size(): number {
    return this.#entries.size;
  }

  /** Nothing can be changed from here on: what was given to the policy stays what it is. */
  fix(): this {
    this.#fixed = true;
    return this;
  }

  get(key: Value, meter: Meter): Value | undefined {
    return this.#entries.get(keyOf(key, meter))?.value;
  }

  set(key: Value, value: Value, meter: Meter): void {
    if (this.#fixed) throw new Halt('The policy changes what it was given');
    const at = keyOf(key, meter);
    const found = this.#entries.get(at);
    if (found === undefined) {
      this.#entries.set(at, { key, value });
      this.#sorted = undefined;
    } else found.value = value;
  }

  /** A text as key, where nothing else can be one. */
  named(name: string): Value | undefined {
    return this.#entries.get(name.charCodeAt(0) === 1 ? `\u0001s${name}` : name)?.value;
  }

  /** In the order of their keys. */
  entries(meter: Meter): readonly Entry[] {
    if (this.#sorted === undefined) {
      meter.spend(this.#entries.size);
      this.#sorted = [...this.#entries.values()].sort((a, b) => compare(a.key, b.key, meter));
    }
    return this.#sorted;
  }

  unordered(): IterableIterator<Entry> {
    return this.#entries.values();
  }

  copy(): RegoObject {
    const made = new RegoObject();
    for (const [at, { key, value }] of this.#entries) made.#entries.set(at, { key, value });
    return made;
  }
}

export class RegoSet {
  readonly #items = new Map<Key, Value>();
  #sorted: List | undefined;
  #fixed = false;

  get size(): number {
    return this.#items.size;
  }

  fix(): this {
    this.#fixed = true;
    return this;
  }

  has(value: Value, meter: Meter): boolean {
    return this.#items.has(keyOf(value, meter));
  }

  add(value: Value, meter: Meter): void {
    if (this.#fixed) throw new Halt('The policy changes what it was given');
    const at = keyOf(value, meter);
    if (this.#items.has(at)) return;
    this.#items.set(at, value);
    this.#sorted = undefined;
  }

  /** In order. */
  items(meter: Meter): List {
    if (this.#sorted === undefined) {
      meter.spend(this.#items.size);
      this.#sorted = [...this.#items.values()].sort((a, b) => compare(a, b, meter));
    }
    return this.#sorted;
  }
}

export function isList(value: Value | undefined): value is List {
  return Array.isArray(value);
}

export function isNumber(value: Value | undefined): value is Num {
  return typeof value === 'number' || value instanceof Decimal;
}

/** What stands for a value in a map: equal values have equal ones. Texts and safe numbers stand for themselves. */
function keyOf(value: Value, meter: Meter): Key {
  if (typeof value === 'string') return value.charCodeAt(0) === 1 ? `\u0001s${value}` : value;
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  if (value instanceof Decimal) {
    meter.spend(decimalCost);
    const key = numberKey(value);
    return typeof key === 'number' ? key : `\u0001n${key}`;
  }
  return `\u0001c${canonical(value, meter, 0)}`;
}

function canonical(value: Value, meter: Meter, depth: number): string {
  meter.spend(1);
  if (depth > deepest) throw new Halt('A value is nested too deep');
  if (typeof value === 'string') {
    meter.spend(value.length >> 3);
    return JSON.stringify(value);
  }
  if (isNumber(value)) return String(numberKey(value));
  if (value === null || typeof value === 'boolean') return String(value);
  const inner = (each: Value): string => canonical(each, meter, depth + 1);
  if (value instanceof RegoSet) return `<${value.items(meter).map(inner).join()}>`;
  if (value instanceof RegoObject)
    return `{${value
      .entries(meter)
      .map((each) => `${inner(each.key)}:${inner(each.value)}`)
      .join()}}`;
  return `[${value.map(inner).join()}]`;
}

/** null < booleans < numbers < texts < arrays < objects < sets, as Rego orders them. */
function rank(value: Value): number {
  if (value === null) return 0;
  if (typeof value === 'boolean') return 1;
  if (isNumber(value)) return 2;
  if (typeof value === 'string') return 3;
  if (value instanceof RegoObject) return 5;
  return value instanceof RegoSet ? 6 : 4;
}

export function compare(left: Value, right: Value, meter: Meter, depth = 0): number {
  meter.spend(1);
  if (left === right) return 0;
  if (typeof left === 'string' && typeof right === 'string') return compareTexts(left, right, meter);
  if (isNumber(left) && isNumber(right)) {
    if (typeof left !== 'number' || typeof right !== 'number') meter.spend(decimalCost);
    return compareNumbers(left, right);
  }
  const [a, b] = [rank(left), rank(right)];
  if (a !== b) return a - b;
  if (depth > deepest) throw new Halt('A value is nested too deep');
  if (typeof left === 'boolean') return left ? 1 : -1;
  if (left instanceof RegoObject && right instanceof RegoObject)
    return compareObjects(left.entries(meter), right.entries(meter), meter, depth);
  return compareLists(listed(left, meter), listed(right, meter), meter, depth);
}

function listed(value: Value, meter: Meter): List {
  return value instanceof RegoSet ? value.items(meter) : isList(value) ? value : [];
}

function compareLists(left: List, right: List, meter: Meter, depth: number): number {
  for (const [at, item] of left.entries()) {
    const other = right[at];
    if (other === undefined) return 1;
    const order = compare(item, other, meter, depth + 1);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** Key by key, and the value of each before the next key. */
function compareObjects(
  left: readonly Entry[],
  right: readonly Entry[],
  meter: Meter,
  depth: number,
): number {
  for (const [at, { key, value }] of left.entries()) {
    const other = right[at];
    if (other === undefined) return 1;
    const order = compare(key, other.key, meter, depth + 1) || compare(value, other.value, meter, depth + 1);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** By their characters' code points, as UTF-8 orders bytes. */
function compareTexts(left: string, right: string, meter: Meter): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const [a, b] = [left.charCodeAt(at), right.charCodeAt(at)];
    if (a === b) continue;
    meter.spend(at >> 3);
    return codePointRank(a) - codePointRank(b);
  }
  meter.spend(length >> 3);
  return left.length - right.length;
}

/** UTF-16 puts what lies beyond U+FFFF before U+E000. */
function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

export function same(left: Value, right: Value, meter: Meter): boolean {
  if (left === right) return true;
  const simple = typeof left !== 'object' || left === null || typeof right !== 'object' || right === null;
  return simple && !(left instanceof Decimal || right instanceof Decimal)
    ? false
    : compare(left, right, meter) === 0;
}

/** `source[key]`, or undefined. */
export function dot(source: Value, key: Value, meter: Meter): Value | undefined {
  if (source instanceof RegoObject) return source.get(key, meter);
  if (source instanceof RegoSet) return source.has(key, meter) ? key : undefined;
  if (!isList(source) || !isNumber(key)) return undefined;
  const at = numberKey(key);
  return typeof at === 'number' ? source[at] : undefined;
}

/** Reads JSON; whole and decimal numbers stay exact. What it gives cannot be changed. Throws where it is no JSON. */
export function fromJson(text: string, meter: Meter): Value {
  // Only where a number may lose something is its text looked at: that is slow.
  const raw: unknown = /(?:^|[:,[])\s*(?:-0|-?\d+[.eE]|-?\d{16})/.test(text)
    ? JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }): unknown =>
        typeof value === 'number' && context?.source !== undefined ? numberOf(context.source) : value,
      )
    : JSON.parse(text);
  return fromPlain(raw, meter, 0);
}

/** A value of JSON.parse. */
export function fromPlain(raw: unknown, meter: Meter, depth = 0): Value {
  meter.spend(1);
  if (depth > deepest) throw new Halt('A value is nested too deep');
  if (typeof raw === 'string' || typeof raw === 'boolean' || raw === null) return raw;
  if (typeof raw === 'number')
    return Number.isSafeInteger(raw) && !Object.is(raw, -0) ? raw : numberOf(plainText(raw));
  if (raw instanceof Decimal) return raw;
  if (Array.isArray(raw))
    return Object.freeze((raw as readonly unknown[]).map((each) => fromPlain(each, meter, depth + 1)));
  if (typeof raw !== 'object') throw new Halt('What was given is no value of JSON');
  const made = new RegoObject();
  for (const key of Object.keys(raw))
    made.set(key, fromPlain((raw as Readonly<Record<string, unknown>>)[key], meter, depth + 1), meter);
  return made.fix();
}

function plainText(value: number): string {
  if (!Number.isFinite(value)) throw new Halt('What was given is no value of JSON');
  return Object.is(value, -0) ? '0' : String(value);
}

/** As JSON: sets are arrays in order, and keys that are no text are written as one. */
export function toJson(value: Value, meter: Meter, depth = 0): string {
  meter.spend(1);
  if (depth > deepest) throw new Halt('A value is nested too deep');
  if (typeof value === 'string') {
    meter.spend(value.length >> 3);
    return JSON.stringify(value);
  }
  if (isNumber(value)) return jsonNumber(value);
  if (value === null || typeof value === 'boolean') return String(value);
  const inner = (each: Value): string => toJson(each, meter, depth + 1);
  if (value instanceof RegoObject)
    return `{${value
      .entries(meter)
      .map(
        (each) =>
          `${typeof each.key === 'string' ? inner(each.key) : JSON.stringify(inner(each.key))}:${inner(each.value)}`,
      )
      .join()}}`;
  return `[${listed(value, meter).map(inner).join()}]`;
}

/** `to_number` leaves texts such as `+1` and `.5` as they are. */
function jsonNumber(value: Num): string {
  const text = textOf(value);
  if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) return text;
  return String(numberKey(value));
}

/** As Rego writes it: what `sprintf("%v")` shows of arrays, objects and sets. */
export function toRego(value: Value, meter: Meter, depth = 0): string {
  meter.spend(1);
  if (depth > deepest) throw new Halt('A value is nested too deep');
  if (isNumber(value)) return textOf(value);
  if (typeof value === 'string') {
    meter.spend(value.length >> 3);
    return JSON.stringify(value);
  }
  if (value === null || typeof value === 'boolean') return String(value);
  const inner = (each: Value): string => toRego(each, meter, depth + 1);
  if (value instanceof RegoSet)
    return value.size === 0 ? 'set()' : `{${value.items(meter).map(inner).join(', ')}}`;
  if (value instanceof RegoObject)
    return `{${value
      .entries(meter)
      .map((each) => `${inner(each.key)}: ${inner(each.value)}`)
      .join(', ')}}`;
  return `[${value.map(inner).join(', ')}]`;
}
