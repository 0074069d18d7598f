import type { IndexRow } from './index-rows.ts';

/** What is looked for; every part that is there must fit. */
export interface EntryQuery {
  readonly limit: number;
  /** Only entries before this one: the last of the page before. In an index of several ledgers, with `beforeIn`. */
  readonly before?: number;
  /** The ledger that `before` is of; the own one when absent. */
  readonly beforeIn?: string;
  readonly identity?: string;
  readonly agent?: string;
  readonly run?: string;
  readonly resource?: string;
  readonly session?: string;
  readonly kind?: string;
  readonly from?: number; // ms since the epoch, inclusive
  readonly to?: number; // exclusive
  readonly verb?: string;
  readonly access?: string;
  readonly effect?: string;
  readonly object?: string;
  readonly rule?: string;
  readonly risk?: string;
  readonly review?: string;
  /** Words that all stand in the statement. */
  readonly text?: string;
}

export type SessionsQuery = EntryQuery & { readonly olderThan?: string };

/** An entry that fits. Its statement is not kept here: it is read from the ledger, under its key. */
export interface EntryHit {
  readonly entry: number;
  readonly at: number;
  readonly kind: string;
  /** Whose ledger it stands in, where the index has several. */
  readonly gateway?: string;
  readonly session?: string;
  readonly identity?: string;
  readonly resource?: string;
  readonly run?: string;
  readonly verb?: string;
  readonly access?: string;
  readonly effect?: string;
  readonly review?: string;
  readonly risk?: string;
}

type Told<T> = T | Promise<T>;

/**
 * An index of entries. It holds nothing that cannot be made again from the ledger. One that lost what it had, is of
 * another ledger or of another version begins again at 0.
 */
export interface IndexStore extends AsyncDisposable {
  /** Index of the first entry that it does not know. */
  readonly next: () => Told<number>;
  /** Takes rows in order, up to entry `next` (exclusive), whole or not at all. A row that is there is replaced. */
  readonly add: (rows: readonly IndexRow[], next: number) => Told<void>;
  /** Newest first. */
  readonly entries: (query: EntryQuery) => Told<readonly EntryHit[]>;
  /** Sessions with at least one entry that fits, newest first, as their ids. */
  readonly sessions: (query: SessionsQuery) => Told<readonly string[]>;
  /** The entries of one session of this ledger, in order. */
  readonly entriesOf: (session: string) => Told<readonly number[]>;
  /** Puts rows of which what was personal is gone in the place of those of a session; nothing of the old ones is left on disk. */
  readonly replace: (session: string, rows: readonly IndexRow[]) => Told<void>;
}
