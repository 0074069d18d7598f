import type { FindMask } from '../../core/decision.ts';
import { operatorForFind } from '../../core/duties.ts';
import { type ColumnVote, type MaskKey, showText, verdictOn } from '../../mask/index.ts';
import { decode, encode, int32At } from './binary.ts';
import type { Cell } from './cells.ts';
import type { Frame } from './frames.ts';
import { type Outgoing, Written } from './outgoing.ts';
import type { RowMasker } from './rows.ts';
import type { Watch } from './watch.ts';

// One value of a weak check says nothing, a column of them does. Rows wait while a column's vote is open: from a value that
// passes until enough have passed, one too many has failed, so many rows have come, the answer ends, or time is up.

/** Rows, bytes and time that one answer waits at most; then what is likely by now is taken for true. */
export const mostHeld = 256;
export const mostHeldBytes = 1_048_576;
export const mostHeldMs = 100;

/** How a column's own search shows a value, and how one under another name does. */
interface Searches {
  readonly search: Cell;
  readonly under: (name: string) => Cell;
}

/** Shows a value of a column whose vote says something, by what it says. */
export function voted(
  { vote, found }: Watch,
  finds: readonly FindMask[],
  key: MaskKey,
  searches: Searches,
): Cell {
  const named = new Map<string, Cell>();
  return (bytes, start, end) => {
    if (vote.verdict() === 'open') vote.settle();
    const type = vote.verdict();
    const says = type === undefined ? 'no' : verdictOn(bytes, start, end);
    const operator = type === undefined ? undefined : operatorForFind(finds, type);
    if (type === undefined || operator === undefined || says === 'no')
      return searches.search(bytes, start, end);
    if (says === 'within') {
      const known = named.get(type) ?? searches.under(type);
      named.set(type, known);
      return known(bytes, start, end);
    }
    found([type]);
    if (operator.kind === 'null') return null;
    return encode(showText(operator, decode(bytes.subarray(start, end)), key, { entity: type }));
  };
}

/** Rows that wait for a vote, as they came. */
export class HeldRows {
  #rows: Written = new Written();
  #count = 0;

  get some(): boolean {
    return this.#count > 0;
  }

  /** Counts a row's values; true when it was kept here and must not be shown yet. Else those before it come first (`release`). */
  takes(row: Frame, masker: RowMasker): boolean {
    if (masker.see?.(row) !== true) return false;
    if (this.#count >= mostHeld || this.#rows.length + row.end - row.start > mostHeldBytes) return false;
    this.#rows.append(row.bytes, row.start, row.end);
    this.#count++;
    return true;
  }

  /** Shows them in order, by what the votes say by now. */
  release(masker: RowMasker, out: Outgoing): void {
    const { bytes, length } = this.#rows;
    this.#rows = new Written();
    this.#count = 0;
    masker.settle?.();
    for (let start = 0; start < length;) {
      const end = start + 1 + int32At(bytes, start + 1);
      if (!masker.write({ bytes, start, end }, out)) out.put(bytes.subarray(start, end));
      start = end;
    }
  }
}

const fewestDigits = 7;
const nine = 0x39;
const behindHour = 13;

/** False: no number, as most values are none: it does not begin with a digit or a blank, is too short, or is a time. */
export function mayVote(bytes: Uint8Array, start: number, end: number): boolean {
  if ((bytes[start] ?? 0) > nine || end - start < fewestDigits) return false;
  return end - start <= behindHour || (bytes[start + behindHour] ?? 0) <= nine;
}

/** The votes of one answer's columns. */
export interface Ballot {
  /** Counts the value `bytes[start, end)` of one column, where `mayVote`; true when what its vote says has changed. */
  readonly see: (column: number, bytes: Uint8Array, start: number, end: number) => boolean;
  /** Whether any vote is open. */
  readonly isOpen: () => boolean;
  readonly settle: () => void;
}

/** `undefined` where no column has a vote. */
export function ballotOf(votes: readonly (ColumnVote | undefined)[]): Ballot | undefined {
  if (votes.every((vote) => vote === undefined)) return undefined;
  const open = votes.map(() => false);
  let opens = 0;
  return {
    // oxlint-disable-next-line max-params
    see: (column, bytes, start, end) => {
      const vote = votes[column];
      if (vote === undefined) return false;
      const before = vote.verdict();
      vote.seeBytes(bytes, start, end);
      const now = vote.verdict();
      const isOpen = now === 'open';
      if (isOpen !== open[column]) opens += isOpen ? 1 : -1;
      open[column] = isOpen;
      return now !== before;
    },
    isOpen: () => opens > 0,
    settle: () => {
      for (const [column, vote] of votes.entries()) {
        vote?.settle();
        open[column] = false;
      }
      opens = 0;
    },
  };
}
