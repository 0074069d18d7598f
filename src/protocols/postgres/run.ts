import type { Outcome, Permit } from '../../core/decision.ts';
import type { Outputs } from '../../sql/analysis.ts';
import type { Catalogue } from '../../sql/catalogue.ts';
import type { Batches } from '../../carriers/batches.ts';
import type { RowMasker } from './rows.ts';
import type { UnreadRows } from './unread.ts';
import type { CopyMasker } from './copy.ts';
import type { NameChange, Portal } from './names.ts';

/** What a message of the server is about, for what it may show. */
export interface About {
  readonly permit: Permit;
  readonly outputs: Outputs;
  readonly catalogue: Catalogue;
}

/** One permitted statement on its way: from the moment it is sent to the end of its answer. */
export interface Run extends About {
  /** What it does to the session's names once it has succeeded. */
  readonly changes: readonly NameChange[];
  /** The portal it fetches from, whose rows count together. */
  readonly portal?: Portal;
  /** The portal that an Execute named: its description tells the columns of the rows. */
  readonly described?: Portal;
  readonly copyIn: boolean;
  /** Its COPY TO STDOUT goes through this. */
  readonly copyOut?: CopyMasker | 'pass';
  /** It may change what names mean (search_path, schema, functions that do anything): read them anew before the next analysis. */
  readonly unsettles: boolean;
  /** It ends a transaction or a part of it: a search path that was set in there may be the old one again. */
  readonly takesBack: boolean;
  /** It created or changed something the catalogue holds. */
  readonly defines: boolean;
  masker?: RowMasker;
  /** What of its answer waits for a model. */
  unread?: UnreadRows;
  unreadCopy?: Batches;
  rows: number;
  bytes: number;
  masked: number;
  withheld: number;
  /** A limit was reached: the rest of its answer goes nowhere. */
  cut: boolean;
  /** Its decision is on disk: its answer may be shown. */
  released: boolean;
}

export function counts(run: Run): { rows: number; bytes: number; masked: number; withheld: number } {
  return { rows: run.rows, bytes: run.bytes, masked: run.masked, withheld: run.withheld };
}

/** How it ended; the SQLSTATE where it failed. */
export function outcomeOf(run: Run, sqlstate?: string): Outcome {
  if (run.cut) return { kind: 'cut', why: 'LIMIT', ...counts(run) };
  return sqlstate === undefined
    ? { kind: 'ok', ...counts(run) }
    : { kind: 'error', code: sqlstate, ...counts(run) };
}

/** For an answer that no duty masks. */
export const passAll: RowMasker = {
  passes: true,
  row: () => undefined,
  write: () => false,
  clear: (_bytes, start) => start,
  cleared: 0,
  masked: 0,
  withheld: 0,
};
