import { Fault, WireError } from '../../base/errors.ts';
import {
  mayContain,
  mayContainNoted,
  mostRowBytes,
  mostSiftedColumns,
  rowSieve,
  type Sieve,
  wants,
} from '../../mask/index.ts';
import type { Waiting } from '../../carriers/batches.ts';
import type { Reading } from '../../carriers/reading.ts';
import { int32At } from './binary.ts';
import {
  type CellParts,
  type ColumnPlan,
  type FieldShape,
  isSearched,
  stars,
  type Way,
  wayOf,
} from './cells.ts';
import { copy, Written } from './outgoing.ts';
import { type Ballot, ballotOf, mayVote } from './voted.ts';
import { remember } from './watch.ts';

export interface RowMasker {
  /**
   * `bytes[start, end)` is one whole DataRow: 'D', int32 length, int16 count, then int32 length and bytes for each column.
   * Gives the new message, or `undefined` when it stays as it is.
   * @throws {WireError} `bad-message` when the count or a length is wrong.
   */
  readonly row: (bytes: Uint8Array, start: number, end: number) => Uint8Array | undefined;
  /** The same, written where what goes out is gathered; false when the message stays as it is, and nothing was written. */
  readonly write: (message: Message, out: { readonly writer: () => Written }) => boolean;
  /** No column is looked at: rows need no more than framing. */
  readonly passes: boolean;
  /** Counts a row's values before it is shown; true: it must wait. Absent where no column has a vote. */
  readonly see?: (message: Message) => boolean;
  /** No more rows come for now. */
  readonly settle?: () => void;
  /**
   * Rows behind one another that stay as they are, from `start` on, with nothing of them to wait for: gives the end of the last,
   * `start` where there is none. `cleared`: how many they are. Not while rows wait.
   */
  readonly clear: (bytes: Uint8Array, start: number, end: number) => number;
  /** A model reads its rows: they wait, and are shown inside of its `read`. */
  readonly read?: { readonly reading: Reading; readonly mark: Waiting['mark'] };
  cleared: number;
  masked: number;
  withheld: number;
}

/** One whole message: `bytes[start, end)`. */
interface Message {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/**
 * Each row is gone through once: its lengths are checked, its values counted by the votes of their columns, and those in
 * which the gate sees a sign are noted. Of most rows none is, and the row passes as it is.
 *
 * @throws {Fault} `bug` when plans and fields differ in number.
 */
export function rowMasker(
  plans: readonly ColumnPlan[],
  fields: readonly FieldShape[],
  parts: CellParts,
): RowMasker {
  if (plans.length !== fields.length) throw new Fault('bug', 'Column plans and fields differ in number');
  const ways = plans.map((plan, at) => wayOf(plan, fields[at] ?? { type: 0, format: 1 }, parts));
  const ballot = ballotOf(ways.map((way) => way?.vote));
  // Values to be shown: column, start and length of each.
  const noted = new Int32Array(3 * ways.length);
  let notes = 0;
  // Columns of which two values near each other were looked at: of so many more the memory is asked before the gate, for they may
  // be remembered. Where few are, the gate says no to the others quicker than the memory.
  const hot = new Uint8Array(ways.length);
  // The row in which each was looked at last.
  const looked = new Int32Array(ways.length).fill(-nearRows);
  let rows = 0;
  // What is to be done with the values of each column, but for what its vote says.
  const todos = Uint8Array.from(ways, (way) => todoOf(way, false));
  const watches = ways.flatMap((way) => (way?.watch === undefined ? [] : [way.watch]));
  const voted = ways.flatMap((way, column) => (way?.vote === undefined ? [] : [{ column, vote: way.vote }]));
  // The row that they are of.
  let notedOf: Uint8Array | undefined;
  let notedAt = 0;
  // So many bytes are looked at ahead.
  let ahead = leastAhead;
  const masker = {
    row,
    write,
    passes: ways.every((way) => way === undefined),
    ...(ballot === undefined
      ? {}
      : { see: (message: Message) => see(ballot, message), settle: () => settle(ballot) }),
    // Of columns that nobody searches there is nothing to read.
    ...(parts.reading === undefined || !ways.some((way, at) => way !== undefined && isSearched(plans[at]))
      ? {}
      : { read: { reading: parts.reading, mark: () => remember(masker, watches) } }),
    clear,
    cleared: 0,
    masked: 0,
    withheld: 0,
  };
  return masker;

  function row(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
    const written = new Written();
    const changed = write({ bytes, start, end }, { writer: () => written });
    return changed ? written.bytes.slice(0, written.length) : undefined;
  }

  function see(votes: Ballot, message: Message): boolean {
    // Two columns can have one vote: what it says now holds for the value before it, too.
    if (note(message, votes, true)) note(message, undefined, false);
    const isOpen = votes.isOpen();
    notedOf = isOpen ? undefined : message.bytes;
    notedAt = message.start;
    return isOpen;
  }

  function settle(votes: Ballot): void {
    votes.settle();
    notedOf = undefined;
  }

  /** Gives whether what a vote says has changed. */
  function note({ bytes, start, end }: Message, votes: Ballot | undefined, counts: boolean): boolean {
    if (end - start < 7 || end > bytes.length || bytes[start] !== 0x44) throw bad();
    if (int32At(bytes, start + 1) !== end - start - 1) throw bad();
    if ((((bytes[start + 5] ?? 0) << 8) | (bytes[start + 6] ?? 0)) !== ways.length) throw bad();
    notes = 0;
    const sieve = rowSieve();
    return sieve === undefined || end - start > mostRowBytes || ways.length > mostSiftedColumns
      ? noteEach({ bytes, start, end }, votes, counts)
      : noteSifted({ bytes, start, end }, sieve, votes, counts);
  }

  /** As `noteEach` does, but only values of which not even the shape is known are looked at one by one. */
  function noteSifted(
    { bytes, start, end }: Message,
    sieve: Sieve,
    votes: Ballot | undefined,
    counts: boolean,
  ): boolean {
    if (counts) for (const watch of watches) watch.searched++;
    want(sieve, ~((votes === undefined ? wants.vote : 0) | (counts ? 0 : wants.nulls)));
    const row = start + 7;
    const found = sieve.sift(bytes, row, end, ways.length);
    if (found < 0) throw bad();
    let changed = false;
    for (let index = 0; index < found; index++) {
      const column = sieve.notes[4 * index] ?? 0;
      const at = sieve.notes[4 * index + 1] ?? 0;
      const length = sieve.notes[4 * index + 2] ?? 0;
      const why = sieve.notes[4 * index + 3] ?? 0;
      const way = ways[column];
      if (way === undefined) continue;
      if (why === wants.nulls) {
        if (way.watch !== undefined) way.watch.searched--;
        continue;
      }
      const from = row + at;
      if ((why & wants.vote) !== 0 && votes?.see(column, bytes, from, from + length) === true) changed = true;
      // What stands behind a value that changed a vote is looked at once more.
      if (
        (why & wants.all) !== 0 ||
        ((why & wants.gate) !== 0 && mayContainNoted(bytes, from, from + length))
      )
        take(column, from, length);
    }
    return changed;
  }

  /** Says what is to be done with each column's values, as far as `kept` has it. */
  function want({ columns }: Sieve, kept: number): void {
    for (let column = 0; column < todos.length; column++) columns[column] = (todos[column] ?? 0) & kept;
    for (const { column, vote } of voted)
      if (vote.verdict() !== undefined) columns[column] = (columns[column] ?? 0) | wants.all;
  }

  function clear(bytes: Uint8Array, start: number, end: number): number {
    masker.cleared = 0;
    const sieve = rowSieve();
    // One row is no run of them, and an open vote waits for every row.
    if (sieve === undefined || end - start < 7 || ways.length > mostSiftedColumns) return start;
    if (ballot?.isOpen() === true) return start;
    for (const todo of todos) if ((todo & wants.all) !== 0) return start; // each of its values is looked at
    want(sieve, ~0);
    const to = sieve.clear(bytes, start, Math.min(end, start + ahead), ways.length);
    masker.cleared = sieve.rows();
    rows = (rows + masker.cleared) | 0;
    for (const watch of watches) watch.searched += masker.cleared;
    // What is copied in vain is small: twice what passed, and little where a row stands that does not.
    ahead = Math.min(mostRowBytes, Math.max(leastAhead, 2 * (to - start)));
    return to;
  }

  /** The same for rows that are too large for a sieve. */
  function noteEach({ bytes, start, end }: Message, votes: Ballot | undefined, counts: boolean): boolean {
    let changed = false;
    let at = start + 7;
    for (let column = 0; column < ways.length; column++) {
      if (at + 4 > end) throw bad();
      const length = int32At(bytes, at);
      at += 4;
      if (length === -1) continue;
      if (length < 0 || length > end - at) throw bad();
      const way = ways[column];
      if (way !== undefined) {
        if (counts && way.watch !== undefined) way.watch.searched++;
        if (
          votes !== undefined &&
          mayVote(bytes, at, at + length) &&
          votes.see(column, bytes, at, at + length)
        )
          changed = true;
        if (!isGated(way, column) || mayContain(bytes, at, at + length)) take(column, at, length);
      }
      at += length;
    }
    if (at !== end) throw bad();
    return changed;
  }

  /** Values in which the gate sees no sign pass: by now, of this column. */
  function isGated(way: Way, column: number): boolean {
    return way.gated && (hot[column] ?? 0) === 0 && way.vote?.verdict() === undefined;
  }

  function take(column: number, at: number, length: number): void {
    noted[notes] = column;
    noted[notes + 1] = at;
    noted[notes + 2] = length;
    notes += 3;
  }

  function write(message: Message, out: { readonly writer: () => Written }): boolean {
    const { bytes, start, end } = message;
    rows = (rows + 1) | 0;
    // Rows that waited for a vote were counted when they came.
    if (notedOf !== bytes || notedAt !== start) note(message, undefined, ballot === undefined);
    notedOf = undefined;
    let written: Written | undefined;
    let from = start; // what stands before it is written
    let to = 0; // where to write on
    for (let index = 0; index < notes; index += 3) {
      const at = noted[index + 1] ?? 0;
      const length = noted[index + 2] ?? 0;
      const column = noted[index] ?? 0;
      const way = ways[column];
      if (way === undefined) continue;
      // A vote that says something has its own way of showing, which is in `show`.
      const heat = way.vote?.verdict() === undefined ? (hot[column] ?? 0) : 0;
      const cell = heat > 0 ? (way.recall ?? way.show) : way.show;
      const shown = cell(bytes, at, at + length);
      if (way.gated && way.recall !== undefined) {
        const heats = shown !== undefined || (heat === 0 && hasDigit(bytes, at, at + length));
        const left = heats && rows - (looked[column] ?? 0) < nearRows ? hottest : Math.max(0, heat - 1);
        if (heats) looked[column] = rows;
        hot[column] = left;
        todos[column] = todoOf(way, left > 0);
      }
      if (shown === undefined) continue;
      if (shown === 'withheld' || shown === stars) masker.withheld++;
      else masker.masked++;
      if (written === undefined) {
        written = out.writer();
        to = written.length;
      }
      const value = shown === 'withheld' ? null : shown;
      const size = value?.length ?? 0;
      // Room for all that can still come unchanged, too: then the rest of the row needs no other.
      const into = written.room(to - written.length + (end - from) + size + 4);
      copy(bytes, from, at - 4, into, to);
      to += at - 4 - from;
      putInt32(into, to, value === null ? -1 : size);
      if (value !== null) copy(value, 0, size, into, to + 4);
      to += 4 + size;
      from = at + length;
    }
    if (written === undefined) return false;
    copy(bytes, from, end, written.bytes, to);
    to += end - from;
    putInt32(written.bytes, written.length + 1, to - written.length - 1);
    written.length = to;
    return true;
  }
}

const hottest = 8;
const nearRows = 4;
const leastAhead = 1_024;

/** A text without digits in which nothing was found is known to the sieve when it comes again, and needs no memory. */
function hasDigit(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x30 && byte <= nine) return true;
  }
  return false;
}

const nine = 0x39;

function todoOf(way: Way | undefined, isHot: boolean): number {
  if (way === undefined) return 0;
  const looked = way.gated && !isHot ? wants.gate : wants.all;
  return looked | (way.vote === undefined ? 0 : wants.vote) | (way.watch === undefined ? 0 : wants.nulls);
}

function bad(): WireError {
  return new WireError('bad-message', 'DataRow does not have the columns or lengths it says');
}

function putInt32(into: Uint8Array, at: number, value: number): void {
  into[at] = value >>> 24;
  into[at + 1] = value >>> 16;
  into[at + 2] = value >>> 8;
  into[at + 3] = value;
}
