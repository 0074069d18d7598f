import { Batches, type Waiting } from '../../carriers/batches.ts';
import { int32At } from './binary.ts';
import type { CopyReading } from './copy.ts';
import type { Frame } from './frames.ts';
import { Written } from './outgoing.ts';
import type { RowMasker } from './rows.ts';

/** Rows of one answer that wait until a model has read them. */
export interface UnreadRows {
  readonly batches: Batches;
  /** A column's vote is open: what comes next may decide it. */
  open: boolean;
  readonly add: (row: Frame) => void;
}

export function unreadRows(masker: RowMasker, { reading, mark }: NonNullable<RowMasker['read']>): UnreadRows {
  let rows = new Written();
  let from = 0; // what is before it has gone out
  const endOf = (start: number): number => start + 1 + int32At(rows.bytes, start + 1);
  const waiting: Waiting = {
    mark,
    shown: (count) => {
      masker.settle?.();
      const out = new Written();
      const { bytes } = rows;
      let start = from;
      for (let row = 0; row < count; row++) {
        const end = endOf(start);
        if (!masker.write({ bytes, start, end }, { writer: () => out })) out.append(bytes, start, end);
        start = end;
      }
      return out.bytes.subarray(0, out.length);
    },
    drop: (count) => {
      for (let row = 0; row < count; row++) from = endOf(from);
      if (from < rows.length) return;
      rows = new Written();
      from = 0;
    },
  };
  const batches = new Batches(reading, waiting);
  const made: UnreadRows = {
    batches,
    open: false,
    add: (row) => {
      made.open = masker.see?.(row) === true;
      rows.append(row.bytes, row.start, row.end);
      batches.add(row.end - row.start);
    },
  };
  return made;
}

/** The same for the payloads of a COPY. */
export function unreadCopy({ reading, shown, drop, mark }: CopyReading): Batches {
  return new Batches(reading, { shown, drop, mark });
}
