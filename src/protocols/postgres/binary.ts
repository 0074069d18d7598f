// Walks the binary formats that hold other values (array_send, record_send, hstore_send) and rebuilds them around
// values that were shown otherwise. A value that breaks its format throws Malformed: the caller withholds it whole.

/** `undefined`: as it was; `null`: NULL. */
export type Shown<T> = T | null | undefined;

/** A value that is not what its type says. Never leaves the masker. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}

const nothing = -1;

/** array_send: int32 ndim, int32 hasnull, int32 element oid, ndim times (int32 size, int32 lower bound), elements (int32 length, bytes). */
export function binaryArray(
  value: Uint8Array,
  show: (element: number, value: Uint8Array) => Shown<Uint8Array>,
): Shown<Uint8Array> {
  const reader = new Reader(value);
  const dimensions = reader.int32();
  reader.int32();
  const element = reader.int32() >>> 0;
  if (dimensions < 0 || dimensions > 6) throw new Malformed('Array dimensions');
  let count = dimensions === 0 ? 0 : 1;
  for (let at = 0; at < dimensions; at++) {
    const size = reader.int32();
    reader.int32();
    if (size < 0 || size > value.length) throw new Malformed('Array size');
    count *= size;
    if (count > value.length) throw new Malformed('Array size');
  }
  const head = reader.at;
  const body = fieldsOf(reader, count, (each) => show(element, each));
  if (body === undefined) return undefined;
  const out = Buffer.concat([value.subarray(0, head), ...body.parts]);
  if (body.nulls) out.writeInt32BE(1, 4);
  return out;
}

/** record_send: int32 count, then for each field uint32 oid, int32 length, bytes. */
export function binaryRecord(
  value: Uint8Array,
  show: (type: number, value: Uint8Array) => Shown<Uint8Array>,
): Shown<Uint8Array> {
  const reader = new Reader(value);
  const count = reader.int32();
  if (count < 0 || count > 1664) throw new Malformed('Record fields');
  const parts: Uint8Array[] = [value.subarray(0, 4)];
  let changed = false;
  for (let at = 0; at < count; at++) {
    const type = reader.int32() >>> 0;
    parts.push(int32(type | 0));
    const body = fieldsOf(reader, 1, (each) => show(type, each), false);
    if (body === undefined) throw new Malformed('Record field');
    changed ||= body.changed;
    parts.push(...body.parts);
  }
  reader.done();
  return changed ? Buffer.concat(parts) : undefined;
}

/** hstore_send: int32 count, then for each pair int32 length, key, int32 length or -1, value. */
export function binaryHstore(
  value: Uint8Array,
  show: (text: string, key: string | undefined) => Shown<string>,
): Shown<Uint8Array> {
  const reader = new Reader(value);
  const count = reader.int32();
  if (count < 0 || count > value.length) throw new Malformed('Pairs');
  const parts: Uint8Array[] = [value.subarray(0, 4)];
  let changed = false;
  for (let at = 0; at < count; at++) {
    const key = decode(reader.field() ?? fail());
    const shownKey = show(key, undefined);
    parts.push(...field(encode(shownKey ?? key)));
    changed ||= typeof shownKey === 'string';
    const raw = reader.field();
    const shown = raw === undefined ? undefined : show(decode(raw), key);
    changed ||= shown !== undefined;
    parts.push(...field(shown === null ? undefined : shown === undefined ? raw : encode(shown)));
  }
  reader.done();
  return changed ? Buffer.concat(parts) : undefined;
}

function fail(): never {
  throw new Malformed('NULL where none may be');
}

interface Body {
  readonly parts: readonly Uint8Array[];
  readonly nulls: boolean;
  readonly changed: boolean;
}

/** Reads `count` fields to the end (or, with `last` false, leaves the rest); `undefined` when all stay as they were. */
function fieldsOf(
  reader: Reader,
  count: number,
  show: (value: Uint8Array) => Shown<Uint8Array>,
  last: boolean = true,
): Body | undefined {
  const parts: Uint8Array[] = [];
  let changed = false;
  let nulls = false;
  for (let at = 0; at < count; at++) {
    const value = reader.field();
    const shown = value === undefined ? undefined : show(value);
    changed ||= shown !== undefined;
    const next = shown === undefined ? value : (shown ?? undefined);
    nulls ||= next === undefined;
    parts.push(...field(next));
  }
  if (last) reader.done();
  return changed || !last ? { parts, nulls, changed } : undefined;
}

function field(value: Uint8Array | undefined): readonly Uint8Array[] {
  return value === undefined ? [int32(nothing)] : [int32(value.length), value];
}

function int32(value: number): Uint8Array {
  return Uint8Array.from([value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]);
}

/** Big-endian, as everything on the wire; whoever asks has seen that four bytes are there. */
export function int32At(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)
  );
}

export function decode(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString('utf8');
}

export function encode(value: string): Uint8Array {
  return Buffer.from(value, 'utf8');
}

class Reader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  int32(): number {
    const { at } = this;
    if (at + 4 > this.#bytes.length) throw new Malformed('Cut off');
    this.at += 4;
    return int32At(this.#bytes, at);
  }

  /** `undefined`: NULL. */
  field(): Uint8Array | undefined {
    const length = this.int32();
    if (length === nothing) return undefined;
    if (length < 0 || this.at + length > this.#bytes.length) throw new Malformed('Length');
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  done(): void {
    if (this.at !== this.#bytes.length) throw new Malformed('Trailing bytes');
  }
}
