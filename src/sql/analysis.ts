import type { Action, ColumnRef } from '../core/action.ts';

/** What one text of SQL means, statement by statement, in order. */
export interface Analysis {
  readonly statements: readonly Statement[];
}

/** One statement, understood. Shared between sessions: immutable, without any fact of one session. */
export interface Statement {
  readonly action: Action;
  readonly outputs: Outputs;
  readonly effect: SessionEffect;
  /** Where values of stored columns are put, besides the answer. Absent: nowhere. */
  readonly moves?: readonly Move[];
  /** It is not understood for nothing but names that are not there. */
  readonly missing?: MissingNames;
}

/** A statement that the server must refuse, since what it names is not there. */
export interface MissingNames {
  /** What it would be if all of it were there: with that, it is judged whether its client may be told so. */
  readonly action: Action;
  /** The server looks names up when it is only prepared, and says what is missing; of other statements it does so when they run. */
  readonly whenPrepared: boolean;
  /** What it would say of the first of them, where its words can be told. */
  readonly said?: { readonly sqlstate: string; readonly message: string };
}

/** Values of some columns go to another place, to be read there later. */
export interface Move {
  /** What flows into it; the column `*` of an object where it cannot be told which. */
  readonly from: readonly ColumnRef[];
  /** The columns written, with those of the views they were written through; none where it is no column (a channel, a lock, a new table). */
  readonly to: readonly ColumnRef[];
  /** The stored value as it is; of a document: all that it keeps stands where it stood. */
  readonly same?: true;
}

/** The columns a statement answers with. */
export type Outputs =
  | { readonly kind: 'none' }
  | { readonly kind: 'columns'; readonly columns: readonly OutputColumn[] }
  /** It answers with rows (or may), but which columns cannot be told: every cell has unknown lineage. */
  | { readonly kind: 'unknown'; readonly why: string };

export interface OutputColumn {
  readonly name: string;
  readonly lineage: Lineage;
}

/** Where an output's value comes from. */
export type Lineage =
  /** Nothing of any table flows into it: constants, counts, facts of the server. */
  | { readonly kind: 'clean' }
  /** It is this column's value, unchanged. `through`: the views it was read through, outermost first, by their own columns. */
  | { readonly kind: 'column'; readonly column: ColumnRef; readonly through: readonly ColumnRef[] }
  /** Computed from these (with views' columns among `through`); masked whole when any of them is masked. */
  | {
      readonly kind: 'derived';
      readonly from: readonly ColumnRef[];
      readonly through: readonly ColumnRef[];
      /** It is what stands at a path of one document, unchanged: the column `profile$.address.street`. */
      readonly path?: ColumnRef;
    }
  | { readonly kind: 'unknown'; readonly why: string };

/** What a statement does to the session's own name spaces, once it has succeeded. Prepared statements and portals are one name space across wire and SQL. */
export type SessionEffect =
  | { readonly kind: 'none' }
  | { readonly kind: 'prepare'; readonly name: string; readonly statement: Statement }
  /** Verb, targets and outputs are those of the named statement: the session looks it up. */
  | { readonly kind: 'execute'; readonly name: string; readonly into?: string }
  | { readonly kind: 'deallocate'; readonly name?: string } // absent: all
  | { readonly kind: 'declare'; readonly name: string; readonly statement: Statement }
  | { readonly kind: 'fetch'; readonly name: string; readonly move: boolean }
  | { readonly kind: 'close'; readonly name?: string } // absent: all
  | { readonly kind: 'discard'; readonly what: 'all' | 'plans' | 'sequences' | 'temp' }
  | {
      readonly kind: 'transaction';
      readonly what: 'begin' | 'commit' | 'rollback' | 'savepoint' | 'release' | 'rollback-to' | 'prepare';
      /** AND CHAIN: another one begins at once. */
      readonly chain?: true;
    }
  /** May change how names are resolved: the session asks the server for its search_path before the next analysis. */
  | { readonly kind: 'search-path' }
  /** Creates or drops something in pg_temp, or something the catalogue holds: both are re-read before the next analysis. */
  | { readonly kind: 'schema'; readonly temporary: boolean }
  | { readonly kind: 'copy-out'; readonly copy: CopyFormat }
  | { readonly kind: 'copy-in' };

export interface CopyFormat {
  readonly format: 'text' | 'csv' | 'binary';
  readonly delimiter: string;
  readonly null: string;
  readonly header: boolean;
  readonly quote: string;
  readonly escape: string;
}

/** How unqualified names are resolved for one session. */
export interface Scope {
  /** Effective schemas in order, implicit ones included (`pg_temp_3`, `pg_catalog`), as `current_schemas(true)` gives them. */
  readonly searchPath: readonly string[];
}
