/** A text that stands inside of another in Base64 (RFC 4648, 4 and 5) or hexadecimal digits. */
export interface Packed {
  /** Where it stands in the other, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  readonly text: string | undefined;
}

/** Bytes of the shortest text that is looked for: nine digits, a short address. */
const fewest = 9;
const fewestCoded = 12; // of Base64, for so many bytes

const other = 0xff;
const values = new Uint8Array(256).fill(other);
const digits64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
for (const [at, code] of Buffer.from(digits64).entries()) values[code] = at;
values[0x2d] = 62;
values[0x5f] = 63;
/** Behind these another word may begin, though they are digits of Base64 too; behind `0x` hexadecimal ones. */
const joint = 1;
const hexJoint = 2;
const joints = new Uint8Array(256);
for (const code of Buffer.from('+/-_')) joints[code] = joint;
for (const code of Buffer.from('xX')) joints[code] = hexJoint;
const hex = new Uint8Array(256).fill(other);
for (const [at, code] of Buffer.from('0123456789abcdef').entries()) hex[code] = at;
for (const [at, code] of Buffer.from('ABCDEF').entries()) hex[code] = at + 10;

/** Whether `packedIn` could find anything in `bytes[start, end)`. False is certain. Nanoseconds for most texts. */
export function mayBePacked(bytes: Uint8Array, start: number, end: number): boolean {
  let place = start + fewestCoded - 1;
  while (place < end) {
    // From behind: what is too short to be one is passed over.
    let back = place;
    while (back > place - fewestCoded && values[bytes[back] ?? 0] !== other) back--;
    if (back > place - fewestCoded) {
      place = back + fewestCoded;
      continue;
    }
    let from = back + 1;
    while (from > start && values[bytes[from - 1] ?? 0] !== other) from--;
    let to = place + 1;
    while (to < end && values[bytes[to] ?? 0] !== other) to++;
    let kind = joint;
    for (let at = from; at + fewestCoded <= to; at++) {
      if (kind !== 0 && beginsAsText(bytes, at, to, kind)) return true;
      kind = joints[bytes[at] ?? 0] ?? 0;
    }
    place = to + fewestCoded;
  }
  return false;
}

// oxlint-disable-next-line max-params
function beginsAsText(bytes: Uint8Array, at: number, to: number, kind: number): boolean {
  const [first, second] = [bytes[at] ?? 0, bytes[at + 1] ?? 0];
  const byte = (((values[first] ?? 0) << 2) | ((values[second] ?? 0) >> 4)) & 0xff;
  if (kind === joint && (kinds[byte] ?? -1) >= 0 && isText64(bytes, at)) return true;
  if (((hex[first] ?? 0) & 8) !== 0 && (hex[first] ?? 0) < 12) return false; // 80 to bf begin no character
  return at + 2 * fewest <= to && isTextHex(bytes, at);
}

function isText64(bytes: Uint8Array, from: number): boolean {
  let state = 0;
  for (let at = from; at < from + fewestCoded; at += 4) {
    const word =
      ((values[bytes[at] ?? 0] ?? 0) << 18) |
      ((values[bytes[at + 1] ?? 0] ?? 0) << 12) |
      ((values[bytes[at + 2] ?? 0] ?? 0) << 6) |
      (values[bytes[at + 3] ?? 0] ?? 0);
    state = behind(state, word >> 16);
    if (state < 0) return false;
    state = behind(state, (word >> 8) & 0xff);
    if (state < 0) return false;
    state = behind(state, word & 0xff);
    if (state < 0) return false;
  }
  return true;
}

function isTextHex(bytes: Uint8Array, from: number): boolean {
  let state = 0;
  for (let at = from; at < from + 2 * fewest; at += 2) {
    const [high, low] = [hex[bytes[at] ?? 0] ?? other, hex[bytes[at + 1] ?? 0] ?? other];
    if (high === other || low === other) return false;
    state = behind(state, high * 16 + low);
    if (state < 0) return false;
  }
  return true;
}

/** How many bytes of a character are still to come behind this one; -1 where it cannot stand in a text in UTF-8, or is one of control. */
function behind(state: number, byte: number): number {
  if (state > 0) return (byte & 0xc0) === 0x80 ? state - 1 : -1;
  return kinds[byte] ?? -1;
}

const kinds = new Int8Array(256).fill(-1);
kinds.fill(0, 0x20, 0x7f);
kinds[0x09] = kinds[0x0a] = kinds[0x0d] = 0;
kinds.fill(1, 0xc2, 0xe0);
kinds.fill(2, 0xe0, 0xf0);
kinds.fill(3, 0xf0, 0xf5);

/** Ends of lines inside of Base64 are no part of it (RFC 2045, 6.8). */
const wrapped = /(?<=[A-Za-z0-9+/]{16})\r?\n(?=[A-Za-z0-9+/]{4})/g;
const runs = /[A-Za-z0-9+/_-]{12,}/g;

/**
 * What is packed into a text, in order; where it goes on as something else, as far as it is a text. The text is undefined of what nobody looked
 * at, because too much of it could be read in several ways.
 */
export function* packedIn(text: string): Generator<Packed> {
  let budget = 2 * text.length + 1_024;
  const lines = [...text.matchAll(wrapped)];
  const joined = lines.length === 0 ? text : text.replaceAll(wrapped, '');
  const origin = (at: number, isEnd: boolean): number => {
    let shift = 0;
    for (const line of lines) {
      const here = line.index - shift;
      if (isEnd ? here >= at : here > at) break;
      shift += line[0].length;
    }
    return at + shift;
  };
  for (const run of joined.matchAll(runs)) {
    const codes = Buffer.from(run[0], 'latin1');
    let last = { at: 0, end: 0 };
    for (let at = 0; at + fewestCoded <= codes.length; at++) {
      const kind = at === 0 ? joint : (joints[codes[at - 1] ?? 0] ?? 0);
      // What begins with whole bytes of the one before is the rest of that.
      if (kind === 0 || (at < last.end && (at - last.at) % 4 === 0)) continue;
      if (!beginsAsText(codes, at, codes.length, kind)) continue;
      const found = unpacked(codes, at, kind);
      if (found === undefined) continue;
      const start = run.index + at;
      let end = start + found.length;
      if (at + found.length === codes.length)
        end += /^={0,2}/.exec(joined.slice(end, end + 2))?.[0].length ?? 0;
      budget -= found.length;
      if (budget < 0)
        return yield { start: origin(start, false), end: origin(joined.length, true), text: undefined };
      yield { start: origin(start, false), end: origin(end, true), text: found.text };
      last = { at, end: at + found.length };
    }
  }
}

/** From there on, as far as it is a text. */
function unpacked(
  codes: Uint8Array,
  from: number,
  kind: number,
): { readonly text: string; readonly length: number } | undefined {
  const asHex = kind === hexJoint || !isText64(codes, from);
  const stops = asHex ? codes.findIndex((code, at) => at >= from && hex[code] === other) : -1;
  const to = stops < 0 ? codes.length : stops;
  // As much as is text and not more, however much stands behind it.
  let reach = from;
  let bytes = Buffer.alloc(0);
  let end = 0;
  for (let size = 256; reach < to && end === bytes.length; size *= 4) {
    reach = Math.min(to, from + size);
    const written = Buffer.from(codes.buffer, codes.byteOffset + from, reach - from).toString('latin1');
    bytes = Buffer.from(written, asHex ? 'hex' : 'base64');
    end = textEnd(bytes);
    if (reach < to && end + 4 > bytes.length) end = bytes.length; // a character may be cut
  }
  if (end === bytes.length) end = textEnd(bytes);
  if (end < fewest) return undefined;
  const length = end === bytes.length ? to - from : asHex ? end * 2 : Math.ceil((end * 4) / 3);
  return { text: bytes.toString('utf8', 0, end), length };
}

/** How many bytes are a text. */
function textEnd(bytes: Uint8Array): number {
  let state = 0;
  let end = 0;
  for (let at = 0; at < bytes.length; at++) {
    state = behind(state, bytes[at] ?? 0);
    if (state < 0) break;
    if (state === 0) end = at + 1;
  }
  return end;
}
