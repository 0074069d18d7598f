import { WireError } from '../../base/errors.ts';
import type { Reading } from '../../carriers/reading.ts';
import type { CopyFormat } from '../../sql/analysis.ts';
import {
  cellOf,
  isSearched,
  stars,
  voteOf,
  type Cell,
  type CellParts,
  type ColumnPlan,
  type FieldShape,
} from './cells.ts';
import { mostHeldBytes } from './voted.ts';
import { remember, type Watch } from './watch.ts';

/** Shows the rows of a COPY to the client. Rows may be cut anywhere between payloads of CopyData. */
export interface CopyMasker {
  /**
   * Takes the next payload and gives the bytes that are ready, which may be none.
   * @throws {WireError} `too-large` when a row is longer than the limit; `bad-message` when a row has not its columns.
   */
  readonly push: (payload: Uint8Array) => Uint8Array;
  /** What is left at CopyDone. @throws {WireError} `bad-message` when the binary stream stops inside a row. */
  readonly end: () => Uint8Array;
  /** Rows wait for the vote of a column. */
  readonly holds: boolean;
  /** Gives what waits, by what the votes say by now. */
  readonly release: () => Uint8Array;
  /** A model reads its rows: they wait, and are shown inside of its `read`. */
  readonly reading?: CopyReading;
  /** Bytes of rows that wait, for their rest or for votes. */
  readonly heldBytes: number;
  masked: number;
  withheld: number;
}

/** What of a COPY waits for a model, payload by payload. */
export interface CopyReading {
  readonly reading: Reading;
  /** How the first so many payloads are shown; they go on waiting. */
  readonly shown: (payloads: number) => Uint8Array;
  /** These have gone out. */
  readonly drop: (payloads: number) => void;
  /** Takes what has come of a row that has no end as a payload, and gives how many bytes it is. */
  readonly last: () => number;
  /** Remembers what was counted, and gives what counts from there again. */
  readonly mark: () => () => void;
}

export interface CopyParts extends CellParts {
  /** A row longer than this ends the session. */
  readonly rowBytes: number;
  /** The columns' names, as context for detectors. */
  readonly names?: readonly string[];
  /** What detectors know of the columns. */
  readonly watches?: readonly (Watch | undefined)[];
}

const empty = new Uint8Array(0);

/** COPY TO STDOUT, all formats (PostgreSQL docs, COPY, "File Formats"). `types`: oids of the columns, in order. */
export function copyMasker(
  format: CopyFormat,
  plans: readonly ColumnPlan[],
  types: readonly number[],
  parts: CopyParts,
): CopyMasker {
  const wire: 0 | 1 = format.format === 'binary' ? 1 : 0;
  const fields = plans.map((_, at): FieldShape => {
    const [name, watch] = [parts.names?.[at], parts.watches?.[at]];
    return {
      type: types[at] ?? 0,
      format: wire,
      ...(name === undefined ? {} : { name }),
      ...(watch === undefined ? {} : { watch }),
    };
  });
  const cells = plans.map((plan, at) => cellOf(plan, fields[at] ?? { type: 0, format: wire }, parts));
  const votes = plans.map((plan, at) => voteOf(plan, fields[at], parts));
  let held: Uint8Array = empty; // of a row whose rest has not come
  let waitingBytes = 0;
  const counts = {
    masked: 0,
    withheld: 0,
    holds: false,
    get heldBytes() {
      return held.length + waitingBytes;
    },
  };
  if (cells.every((cell) => cell === undefined)) {
    return Object.assign(counts, {
      push: (payload: Uint8Array) => payload,
      end: () => empty,
      release: () => empty,
    });
  }
  const show: Show = (at, value) => {
    const shown = cells[at]?.(value, 0, value.length);
    if (shown === undefined) return undefined;
    if (shown === 'withheld' || shown === stars) counts.withheld++;
    else counts.masked++;
    return shown === 'withheld' ? null : shown;
  };
  const reads =
    parts.reading !== undefined && plans.some((plan, at) => cells[at] !== undefined && isSearched(plan));
  const see: See = (at, value) => {
    votes[at]?.seeBytes(value, 0, value.length);
    return votes[at] !== undefined || reads;
  };
  const rows: Rows =
    format.format === 'binary'
      ? binaryRows(cells, { show, see })
      : format.format === 'csv'
        ? csvRows(format, cells, { show, see })
        : textRows(format, cells, { show, see });
  const voting = votes.some((vote) => vote !== undefined);
  let waiting: (readonly Part[])[] = []; // for a vote or a model, by payload
  const take = (payload: Uint8Array, last: boolean): Uint8Array => {
    // Copied where rows may wait: the payload's memory is the caller's.
    const bytes = held.length > 0 || voting || reads ? Buffer.concat([held, payload]) : payload;
    const { out, used } = rows(bytes, last);
    if (bytes.length - used > parts.rowBytes)
      throw new WireError('too-large', 'A row of COPY is longer than the limit');
    held = bytes.slice(used);
    const open = voting && votes.some((vote) => vote?.verdict() === 'open');
    if (!open && !reads && waiting.length === 0) return joined(out);
    waiting.push(out);
    if (reads) return empty;
    waitingBytes += used;
    counts.holds = open && waitingBytes <= mostHeldBytes;
    return counts.holds ? empty : release();
  };
  const release = (): Uint8Array => {
    for (const vote of votes) vote?.settle();
    const out = waiting;
    waiting = [];
    waitingBytes = 0;
    counts.holds = false;
    return joined(out.flat());
  };
  const end = (): Uint8Array => {
    const out = [release(), take(empty, true), release()];
    return Buffer.concat(out);
  };
  const made = { push: (payload: Uint8Array) => take(payload, false), end, release };
  if (parts.reading === undefined || !reads) return Object.assign(counts, made);
  const watched = fields.flatMap(({ watch }) => (watch === undefined ? [] : [watch]));
  const reading: CopyReading = {
    reading: parts.reading,
    shown: (payloads) => {
      for (const vote of votes) vote?.settle();
      return joined(waiting.slice(0, payloads).flat());
    },
    drop: (payloads) => void waiting.splice(0, payloads),
    last: () => {
      const bytes = held.length;
      take(empty, true);
      return bytes;
    },
    mark: () => remember(counts, watched),
  };
  return Object.assign(counts, made, { reading });
}

/** Bytes, or a value that is shown when its rows go out. */
type Part = Uint8Array | (() => Uint8Array);

function joined(parts: readonly Part[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === 'function' ? part() : part)));
}

/** `undefined`: as it was; `null`: NULL. */
type Show = (column: number, value: Uint8Array) => Uint8Array | null | undefined;
/** Counts a value for its column's vote, before any row of the payload is shown; false: the column has none. */
type See = (column: number, value: Uint8Array) => boolean;
interface Ways {
  readonly show: Show;
  readonly see: See;
}
/** The whole rows in `bytes`, to be shown in order; `used`: how many bytes they are. */
type Rows = (bytes: Uint8Array, last: boolean) => { readonly out: readonly Part[]; readonly used: number };

function bad(): WireError {
  return new WireError('bad-message', 'A row of COPY does not have the columns it should');
}

// Text: fields between delimiters, rows end in \n; backslash escapes; the NULL marker stands by itself; `\.` may end it.
function textRows(format: CopyFormat, cells: readonly (Cell | undefined)[], ways: Ways): Rows {
  const delimiter = byteOf(format.delimiter);
  const marker = Buffer.from(format.null, 'utf8');
  // SECURITY: a value that looks like any other marker is written as it is, so it cannot be told from a NULL: with
  // NULL '421-33-9087' a client would see who has that number.
  const certain = format.null === '\\N';
  let headers = format.header ? 1 : 0;
  return (bytes, last) => {
    const parts: Part[] = [];
    let from = 0;
    for (;;) {
      // A newline in a value is written as \n, so a raw one always ends the row.
      let end = bytes.indexOf(0x0a, from);
      if (end < 0) {
        if (!last || from === bytes.length) break;
        end = bytes.length;
      }
      const line = bytes.subarray(from, end);
      const tail = bytes.subarray(end, Math.min(end + 1, bytes.length));
      if (headers > 0) {
        headers--;
        parts.push(line, tail);
      } else if (line.length === 2 && line[0] === 0x5c && line[1] === 0x2e) parts.push(line, tail);
      else {
        const fields = split(line, delimiter);
        if (fields.length !== cells.length && !(cells.length === 0 && line.length === 0)) throw bad();
        for (const [at, field] of fields.entries()) {
          if (at > 0) parts.push(Uint8Array.of(delimiter));
          parts.push(
            cells[at] === undefined || (certain && same(field, marker))
              ? field
              : textField(ways, at, { field, marker, delimiter }),
          );
        }
        parts.push(tail);
      }
      from = end + tail.length;
    }
    return { out: parts, used: from };
  };
}

function textField(
  { show, see }: Ways,
  at: number,
  from: { readonly field: Uint8Array; readonly marker: Uint8Array; readonly delimiter: number },
): Part {
  const value = unescaped(from.field);
  const made = (): Uint8Array => {
    const shown = show(at, value);
    if (shown === undefined) return from.field;
    return shown === null ? from.marker : escaped(shown, from.delimiter);
  };
  return see(at, value) ? made : made();
}

/** Fields between delimiters; a backslash takes the byte behind it along. */
function split(line: Uint8Array, delimiter: number): Uint8Array[] {
  const fields: Uint8Array[] = [];
  let from = 0;
  for (let at = 0; at < line.length; at++) {
    if (line[at] === 0x5c) at++;
    else if (line[at] === delimiter) {
      fields.push(line.subarray(from, at));
      from = at + 1;
    }
  }
  fields.push(line.subarray(from));
  return fields;
}

const escapes: ReadonlyMap<number, number> = new Map(
  [
    ['b', 8],
    ['t', 9],
    ['n', 10],
    ['v', 11],
    ['f', 12],
    ['r', 13],
  ].map(([char, code]) => [String(char).charCodeAt(0), Number(code)]),
);
const names: ReadonlyMap<number, number> = new Map([...escapes].map(([char, code]) => [code, char]));

function unescaped(field: Uint8Array): Uint8Array {
  if (!field.includes(0x5c)) return field;
  const out: number[] = [];
  for (let at = 0; at < field.length; at++) {
    const byte = field[at] ?? 0;
    if (byte !== 0x5c || at + 1 === field.length) {
      out.push(byte);
      continue;
    }
    const next = field[++at] ?? 0;
    const numeric = /^(?:x[0-9a-fA-F]{1,2}|[0-7]{1,3})/.exec(latin1(field.subarray(at, at + 3)))?.[0];
    if (numeric === undefined) out.push(escapes.get(next) ?? next);
    else {
      out.push(
        numeric.startsWith('x') ? Number.parseInt(numeric.slice(1), 16) : Number.parseInt(numeric, 8) & 255,
      );
      at += numeric.length - 1;
    }
  }
  return Uint8Array.from(out);
}

function escaped(value: Uint8Array, delimiter: number): Uint8Array {
  const out: number[] = [];
  for (const byte of value) {
    const name = names.get(byte);
    if (name !== undefined) out.push(0x5c, name);
    else if (byte === 0x5c || byte === delimiter) out.push(0x5c, byte);
    else out.push(byte);
  }
  return Uint8Array.from(out);
}

// CSV: RFC 4180 with the quote, escape, delimiter and NULL marker of the statement; a quoted field is never NULL.
function csvRows(format: CopyFormat, cells: readonly (Cell | undefined)[], ways: Ways): Rows {
  const signs: CsvSigns = {
    delimiter: byteOf(format.delimiter),
    quote: byteOf(format.quote),
    escape: byteOf(format.escape),
    marker: Buffer.from(format.null, 'utf8'),
  };
  let headers = format.header ? 1 : 0;
  return (bytes, last) => {
    const parts: Part[] = [];
    let from = 0;
    for (;;) {
      const row = csvRow(bytes, from, signs);
      if (row === undefined || (row.end === bytes.length && !last) || from === bytes.length) {
        if (last && from < bytes.length && row === undefined) throw bad();
        break;
      }
      const tail = bytes.subarray(row.end, Math.min(row.end + 1, bytes.length));
      if (headers > 0) {
        headers--;
        parts.push(bytes.subarray(from, row.end));
      } else {
        if (row.fields.length !== cells.length) throw bad();
        for (const [at, field] of row.fields.entries()) {
          if (at > 0) parts.push(Uint8Array.of(signs.delimiter));
          parts.push(
            csvField(field, {
              signs,
              seen: cells[at] !== undefined,
              show: (value) => ways.show(at, value),
              see: (value) => ways.see(at, value),
            }),
          );
        }
      }
      parts.push(tail);
      from = row.end + tail.length;
    }
    return { out: parts, used: from };
  };
}

interface CsvSigns {
  readonly delimiter: number;
  readonly quote: number;
  readonly escape: number;
  readonly marker: Uint8Array;
}

interface CsvField {
  readonly raw: Uint8Array;
  readonly quoted: boolean;
}

/** The row that begins at `from`, up to its newline or the end; `undefined` when it stops inside quotes. */
function csvRow(
  bytes: Uint8Array,
  from: number,
  signs: CsvSigns,
): { readonly fields: readonly CsvField[]; readonly end: number } | undefined {
  const fields: CsvField[] = [];
  let start = from;
  let quoted = false;
  let inside = false;
  let at = from;
  for (; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (inside) {
      if (byte === signs.escape && (bytes[at + 1] === signs.quote || bytes[at + 1] === signs.escape)) at++;
      // The escape may be the quote itself and its second half not here yet.
      else if (byte === signs.quote) inside = false;
    } else if (byte === signs.quote) {
      inside = true;
      quoted = true;
    } else if (byte === signs.delimiter || byte === 0x0a) {
      fields.push({ raw: bytes.subarray(start, at), quoted });
      start = at + 1;
      quoted = false;
      if (byte === 0x0a) return { fields, end: at };
    }
  }
  if (inside) return undefined;
  fields.push({ raw: bytes.subarray(start, at), quoted });
  return { fields, end: at };
}

function csvField(
  field: CsvField,
  how: {
    readonly signs: CsvSigns;
    readonly seen: boolean;
    readonly show: (value: Uint8Array) => ReturnType<Show>;
    readonly see: (value: Uint8Array) => boolean;
  },
): Part {
  const { signs } = how;
  if (!how.seen || (!field.quoted && same(field.raw, signs.marker))) return field.raw;
  const value = field.quoted ? unquoted(field.raw, signs) : field.raw;
  const made = (): Uint8Array => {
    const shown = how.show(value);
    if (shown === undefined) return field.raw;
    return shown === null ? signs.marker : requoted(shown, signs);
  };
  return how.see(value) ? made : made();
}

function unquoted(raw: Uint8Array, signs: CsvSigns): Uint8Array {
  const out: number[] = [];
  let inside = false;
  for (let at = 0; at < raw.length; at++) {
    const byte = raw[at] ?? 0;
    const next = raw[at + 1];
    if (inside && byte === signs.escape && (next === signs.quote || next === signs.escape)) {
      out.push(next ?? 0);
      at++;
    } else if (byte === signs.quote) inside = !inside;
    else out.push(byte);
  }
  return Uint8Array.from(out);
}

/** Quoted always: a shown value must not read as the NULL marker, nor as two fields. */
function requoted(value: Uint8Array, signs: CsvSigns): Uint8Array {
  const out: number[] = [signs.quote];
  for (const byte of value) {
    if (byte === signs.quote || byte === signs.escape) out.push(signs.escape);
    out.push(byte);
  }
  out.push(signs.quote);
  return Uint8Array.from(out);
}

const signature = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');

// Binary: signature, int32 flags, int32 extension length, extension; rows of int16 count and (int32 length, bytes)*; int16 -1.
function binaryRows(cells: readonly (Cell | undefined)[], ways: Ways): Rows {
  let state: 'head' | 'rows' | 'over' = 'head';
  return (bytes, last) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const parts: Part[] = [];
    let used = 0;
    if (state === 'head' && bytes.length >= 19) {
      const length = 19 + view.getUint32(15);
      // Bit 16: oids before the columns, as servers before 12 wrote them.
      if (!same(bytes.subarray(0, 11), signature) || view.getUint32(11) !== 0) throw bad();
      if (bytes.length >= length) {
        parts.push(bytes.subarray(0, length));
        used = length;
        state = 'rows';
      }
    }
    while (state === 'rows' && bytes.length - used >= 2) {
      const count = view.getInt16(used);
      if (count === -1) {
        parts.push(bytes.subarray(used, used + 2));
        used += 2;
        state = 'over';
        break;
      }
      if (count !== cells.length) throw bad();
      const end = binaryRowEnd(view, used + 2, count);
      if (end === undefined) break;
      parts.push(bytes.subarray(used, used + 2), ...binaryRow(bytes, used + 2, { count, ways }));
      used = end;
    }
    if (state === 'over' && used < bytes.length) throw bad();
    if (last && state !== 'over' && (used < bytes.length || state === 'head')) throw bad();
    return { out: parts, used };
  };
}

function binaryRowEnd(view: DataView, from: number, count: number): number | undefined {
  let at = from;
  for (let column = 0; column < count; column++) {
    if (at + 4 > view.byteLength) return undefined;
    const length = view.getInt32(at);
    if (length < -1) throw bad();
    at += 4 + Math.max(0, length);
  }
  return at <= view.byteLength ? at : undefined;
}

function binaryRow(
  bytes: Uint8Array,
  from: number,
  row: { readonly count: number; readonly ways: Ways },
): readonly Part[] {
  const { show, see } = row.ways;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts: Part[] = [];
  let at = from;
  for (let column = 0; column < row.count; column++) {
    const length = view.getInt32(at);
    const end = at + 4 + Math.max(0, length);
    const whole = bytes.subarray(at, end);
    const value = bytes.subarray(at + 4, end);
    at = end;
    if (length === -1) {
      parts.push(whole);
      continue;
    }
    const shown = (): Uint8Array => {
      const made = show(column, value);
      if (made === undefined) return whole;
      const head = Buffer.alloc(4);
      head.writeInt32BE(made === null ? -1 : made.length);
      return made === null ? head : Buffer.concat([head, made]);
    };
    parts.push(see(column, value) ? shown : shown());
  }
  return parts;
}

/** COPY takes only single-byte delimiters, quotes and escapes. */
function byteOf(char: string): number {
  const code = char.charCodeAt(0);
  if (char.length !== 1 || code > 0x7f)
    throw new WireError('unsupported', 'COPY with a delimiter that is not one ASCII character');
  return code;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
