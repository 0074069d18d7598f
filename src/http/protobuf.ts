/** What a message type says of its fields, by number. */
export interface Shape {
  readonly name: string; // 'shop.v1.Order'
  readonly field: (number: number) => FieldShape | undefined;
}

export interface FieldShape {
  readonly name: string;
  readonly kind: Kind;
  readonly repeated: boolean;
  /** Of kind `message`; asked for when it is needed, since types may hold themselves. */
  readonly message?: () => Shape;
  /** The message is an entry of a map: its key is field 1, its value field 2. */
  readonly map?: true;
}

export type Kind =
  | 'string'
  | 'bytes'
  | 'message'
  | 'bool'
  | 'enum'
  | 'int' // int32, int64, uint32, uint64
  | 'sint'
  | 'fixed32'
  | 'sfixed32'
  | 'float'
  | 'fixed64'
  | 'sfixed64'
  | 'double';

/** One value of a message that is not itself a message. */
export interface ProtoLeaf {
  readonly kind: 'string' | 'bytes' | 'number' | 'boolean' | 'enum' | 'key';
  /** `customer.emails[]`, `labels.colour`: as the same message has it in JSON, by the names of its schema. */
  readonly path: string;
  /** The nearest name that says something: of what a wrapper, Value or ListValue of google.protobuf holds, the one around it. */
  readonly key: string;
  /** A number as it is written; empty of bytes. */
  readonly value: string;
  readonly bytes: Uint8Array;
}

/** A text for a string or key, null to leave the value out, undefined for the value as it is. */
export type ShownLeaf = string | null | undefined;

export interface RewriteParts {
  readonly leaf: (leaf: ProtoLeaf) => ShownLeaf;
  /** What stands in a field that the shape does not have: whether it may stay. Throws what ends it all. */
  readonly unknown: (path: string) => boolean;
  /** The type of what an Any holds. */
  readonly anyOf: (url: string) => Shape | undefined;
}

/** It is no message of this type, or one that is too deep. */
export class NotMessage extends Error {}

const deepest = 64;

// Wire types (protobuf.dev/programming-guides/encoding): tag = number << 3 | type.
const [varint, eight, delimited, startGroup, endGroup, four] = [0, 1, 2, 3, 4, 5];

const wireOf: Readonly<Record<Kind, number>> = {
  string: 2,
  bytes: 2,
  message: 2,
  bool: 0,
  enum: 0,
  int: 0,
  sint: 0,
  fixed32: 5,
  sfixed32: 5,
  float: 5,
  fixed64: 1,
  sfixed64: 1,
  double: 1,
};

interface At {
  readonly path: string;
  readonly depth: number;
  /** What the message is called. */
  readonly key: string;
}

/** Types that hold a value and say nothing of it: in JSON they are the value (ProtoJSON, well-known types). */
const holders = /^google\.protobuf\.(?:(?:Double|Float|U?Int(?:32|64)|Bool|String|Bytes|List)?Value)$/;

/**
 * The message with its values shown by `leaf`; the same bytes where none is changed. What is not changed keeps its bytes and its
 * place. @throws {NotMessage} when it is no message of this shape.
 */
export function rewriteProto(bytes: Uint8Array, shape: Shape, parts: RewriteParts): Uint8Array {
  return rewritten(bytes, shape, { parts, at: { path: '', depth: 0, key: '' } }) ?? bytes;
}

interface Way {
  readonly parts: RewriteParts;
  readonly at: At;
}

function rewritten(bytes: Uint8Array, shape: Shape, way: Way): Uint8Array | undefined {
  if (way.at.depth > deepest) throw new NotMessage('It is too deep');
  if (shape.name === anyName) return rewrittenAny(bytes, way);
  const out = new Out(bytes);
  const reader = new Reader(bytes);
  const called = holders.test(shape.name) && way.at.key !== '' ? way.at.key : undefined;
  while (!reader.done) {
    const start = reader.at;
    const { number, wire } = reader.tag();
    const field = shape.field(number);
    const value = reader.value(wire, way.at.depth);
    const shown =
      field === undefined || !fits(field, wire)
        ? way.parts.unknown(joined(way.at.path, `#${number}`))
          ? undefined
          : null
        : shownField({ field, wire, value, called: called ?? field.name }, way);
    if (shown === null) out.drop(start, reader.at);
    else if (shown !== undefined) out.put(start, reader.at, fieldBytes(number, wire, shown));
  }
  return out.end();
}

interface Given {
  readonly field: FieldShape;
  readonly wire: number;
  readonly value: Uint8Array; // of a delimited one without its length
  /** The name that says what it is. */
  readonly called: string;
}

/** The bytes of the value as they are to be written, null to leave it out, undefined for no change. */
function shownField({ field, wire, value, called }: Given, way: Way): Uint8Array | null | undefined {
  const { parts, at } = way;
  const path = joined(at.path, field.name) + (field.repeated && field.map === undefined ? '[]' : '');
  if (field.kind === 'message') {
    const shape = field.message?.();
    if (shape === undefined) return parts.unknown(path) ? undefined : null;
    const inside = { parts, at: { path, depth: at.depth + 1, key: called } };
    return field.map === undefined ? rewritten(value, shape, inside) : rewrittenEntry(value, shape, inside);
  }
  if (field.kind === 'string' || field.kind === 'bytes') {
    const text = field.kind === 'string' ? textOf(value) : '';
    const shown = parts.leaf({ kind: field.kind, path, key: called, value: text, bytes: value });
    return shown === undefined || shown === null ? shown : Buffer.from(shown, 'utf8');
  }
  const packed = wire === delimited;
  const values = packed ? unpacked(field.kind, value) : [value];
  const kind = field.kind === 'bool' ? 'boolean' : field.kind === 'enum' ? 'enum' : 'number';
  let changed = false;
  const shown = values.map((each) => {
    const leaf = { kind, path, key: called, value: numberText(field.kind, each), bytes: each } as const;
    if (parts.leaf(leaf) === undefined) return each;
    changed = true;
    return new Uint8Array(wireOf[field.kind] === varint ? 1 : each.length);
  });
  if (!changed) return undefined;
  return packed ? Buffer.concat(shown) : null;
}

/** The key of an entry names its value, as in JSON. */
function rewrittenEntry(bytes: Uint8Array, shape: Shape, way: Way): Uint8Array | undefined {
  const { parts, at } = way;
  const keyShape = shape.field(1);
  let name = '';
  for (const reader = new Reader(bytes); !reader.done;) {
    const { number, wire } = reader.tag();
    const value = reader.value(wire, at.depth);
    if (number === 1 && keyShape !== undefined && fits(keyShape, wire))
      name = keyShape.kind === 'string' ? textOf(value) : numberText(keyShape.kind, value);
  }
  const path = joined(at.path, name);
  const out = new Out(bytes);
  for (const reader = new Reader(bytes); !reader.done;) {
    const start = reader.at;
    const { number, wire } = reader.tag();
    const value = reader.value(wire, at.depth);
    const field = number <= 2 ? shape.field(number) : undefined;
    let shown: Uint8Array | null | undefined;
    if (field === undefined || !fits(field, wire)) {
      if (!parts.unknown(joined(path, `#${number}`))) shown = null;
    } else if (number === 2) {
      shown = shownField({ field: { ...field, name, repeated: false }, wire, value, called: name }, way);
    } else if (field.kind === 'string') {
      const key = parts.leaf({ kind: 'key', path, key: name, value: name, bytes: value });
      shown = key === undefined || key === null ? key : Buffer.from(key, 'utf8');
    }
    if (shown === null) out.drop(start, reader.at);
    else if (shown !== undefined) out.put(start, reader.at, fieldBytes(number, wire, shown));
  }
  return out.end();
}

const anyName = 'google.protobuf.Any';

/** An Any names the type of what it holds (field 1) and holds it as bytes (field 2). */
function rewrittenAny(bytes: Uint8Array, { parts, at }: Way): Uint8Array | undefined {
  let url = '';
  for (const reader = new Reader(bytes); !reader.done;) {
    const { number, wire } = reader.tag();
    const value = reader.value(wire, at.depth);
    if (number === 1 && wire === delimited) url = textOf(value);
  }
  const shape = parts.anyOf(url);
  const out = new Out(bytes);
  for (const reader = new Reader(bytes); !reader.done;) {
    const start = reader.at;
    const { number, wire } = reader.tag();
    const value = reader.value(wire, at.depth);
    if (number === 1 && wire === delimited) continue;
    if (number !== 2 || wire !== delimited || shape === undefined) {
      if (!parts.unknown(joined(at.path, number === 2 ? 'value' : `#${number}`))) out.drop(start, reader.at);
      continue;
    }
    const shown = rewritten(value, shape, { parts, at: { ...at, depth: at.depth + 1 } });
    if (shown !== undefined) out.put(start, reader.at, fieldBytes(number, wire, shown));
  }
  return out.end();
}

/** A copy of a message, made only where something changes. */
class Out {
  readonly #bytes: Uint8Array;
  readonly #pieces: Uint8Array[] = [];
  #copied = 0;
  #changed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  drop(from: number, to: number): void {
    this.#pieces.push(this.#bytes.subarray(this.#copied, from));
    this.#copied = to;
    this.#changed = true;
  }

  put(from: number, to: number, bytes: Uint8Array): void {
    this.drop(from, to);
    this.#pieces.push(bytes);
  }

  end(): Uint8Array | undefined {
    return this.#changed ? Buffer.concat([...this.#pieces, this.#bytes.subarray(this.#copied)]) : undefined;
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.at >= this.#bytes.length;
  }

  tag(): { readonly number: number; readonly wire: number } {
    const tag = this.#varint();
    const number = Number(tag >> 3n);
    if (number < 1 || number > 536_870_911) throw new NotMessage('No such field');
    return { number, wire: Number(tag & 7n) };
  }

  /** The bytes of a value; of a delimited one without its length. */
  value(wire: number, depth: number): Uint8Array {
    const start = this.at;
    if (wire === varint) this.#varint();
    else if (wire === eight) this.#skip(8);
    else if (wire === four) this.#skip(4);
    else if (wire === delimited) {
      const length = this.#varint();
      if (length > 0x7fff_ffffn) throw new NotMessage('Too long');
      const from = this.at;
      this.#skip(Number(length));
      return this.#bytes.subarray(from, this.at);
    } else if (wire === startGroup) this.#group(depth + 1);
    else throw new NotMessage('No such wire type');
    return this.#bytes.subarray(start, this.at);
  }

  /** Groups are of old: they are only walked over. */
  #group(depth: number): void {
    if (depth > deepest) throw new NotMessage('It is too deep');
    for (;;) {
      if (this.done) throw new NotMessage('It is cut off');
      const { wire } = this.tag();
      if (wire === endGroup) return;
      this.value(wire, depth);
    }
  }

  #skip(count: number): void {
    if (this.at + count > this.#bytes.length) throw new NotMessage('It is cut off');
    this.at += count;
  }

  #varint(): bigint {
    const { value, next } = varintAt(this.#bytes, this.at);
    this.at = next;
    return value;
  }
}

function varintAt(bytes: Uint8Array, from: number): { readonly value: bigint; readonly next: number } {
  let value = 0n;
  for (let at = from, shift = 0n; at < from + 10; at++, shift += 7n) {
    const byte = bytes[at];
    if (byte === undefined) throw new NotMessage('It is cut off');
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), next: at + 1 };
  }
  throw new NotMessage('A number is too long');
}

/** The text of a string field, which is UTF-8 or no string. */
function textOf(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    throw new NotMessage('A text is not UTF-8');
  }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function fits({ kind, repeated, map }: FieldShape, wire: number): boolean {
  return (
    wire === wireOf[kind] ||
    (repeated && map === undefined && wire === delimited && wireOf[kind] !== delimited)
  );
}

function unpacked(kind: Kind, bytes: Uint8Array): readonly Uint8Array[] {
  const out: Uint8Array[] = [];
  const size = wireOf[kind] === eight ? 8 : 4;
  for (let at = 0; at < bytes.length;) {
    const next = wireOf[kind] === varint ? varintAt(bytes, at).next : at + size;
    if (next > bytes.length) throw new NotMessage('It is cut off');
    out.push(bytes.subarray(at, next));
    at = next;
  }
  return out;
}

function numberText(kind: Kind, bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (kind) {
    case 'fixed32':
      return String(view.getUint32(0, true));
    case 'sfixed32':
      return String(view.getInt32(0, true));
    case 'float':
      return String(view.getFloat32(0, true));
    case 'fixed64':
      return String(view.getBigUint64(0, true));
    case 'sfixed64':
      return String(view.getBigInt64(0, true));
    case 'double':
      return String(view.getFloat64(0, true));
    case 'sint': {
      const { value } = varintAt(bytes, 0);
      return String(value & 1n ? -(value >> 1n) - 1n : value >> 1n);
    }
    case 'string':
    case 'bytes':
    case 'message':
      return '';
    default:
      // A number below zero is written as if it had 64 bits, whatever its type.
      return String(BigInt.asIntN(64, varintAt(bytes, 0).value));
  }
}

function fieldBytes(number: number, wire: number, value: Uint8Array): Uint8Array {
  const tag = varintBytes(number * 8 + wire);
  return wire === delimited
    ? Buffer.concat([tag, varintBytes(value.length), value])
    : Buffer.concat([tag, value]);
}

function varintBytes(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) + 128);
  return Uint8Array.from([...out, rest]);
}

function joined(path: string, name: string): string {
  return path === '' ? name : name === '' ? path : `${path}.${name}`;
}

/** The message as JSON would have it, for people who read it; bytes by their length. @throws {NotMessage} */
export function plainProto(bytes: Uint8Array, shape: Shape, depth: number = 0): Record<string, unknown> {
  if (depth > deepest) throw new NotMessage('It is too deep');
  const out: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const reader = new Reader(bytes); !reader.done;) {
    const { number, wire } = reader.tag();
    const value = reader.value(wire, depth);
    const field = shape.field(number);
    if (field === undefined || !fits(field, wire)) {
      out[`#${number}`] = `(${value.length} bytes)`;
    } else if (field.map === true) {
      const entry = plainProto(value, field.message?.() ?? shape, depth + 1);
      const held = (out[field.name] ??= Object.create(null)) as Record<string, unknown>;
      const key = entry['key'];
      held[
        typeof key === 'object' || key === undefined ? '' : (key as string | number | boolean).toString()
      ] = entry['value'];
    } else if (field.repeated) {
      const held = (out[field.name] ??= []) as unknown[];
      const numeric = wireOf[field.kind] !== delimited;
      for (const each of numeric && wire === delimited ? unpacked(field.kind, value) : [value])
        held.push(plainValue(field, each, depth));
    } else {
      // Readers merge the two, or take the last.
      if (field.name in out) throw new NotMessage('A field stands twice');
      out[field.name] = plainValue(field, value, depth);
    }
  }
  return out;
}

function plainValue(field: FieldShape, value: Uint8Array, depth: number): unknown {
  const { kind, message } = field;
  if (kind === 'message') {
    const shape = message?.();
    return shape === undefined ? `(${value.length} bytes)` : plainProto(value, shape, depth + 1);
  }
  if (kind === 'string') return textOf(value);
  if (kind === 'bytes') return `(${value.length} bytes)`;
  const text = numberText(kind, value);
  if (kind === 'bool') return text !== '0';
  return Number.isSafeInteger(Number(text)) || kind === 'float' || kind === 'double' ? Number(text) : text;
}
