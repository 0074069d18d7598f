/** The ways to write one command of PostgreSQL. */
export interface Form {
  readonly rules: readonly string[];
  /** How often it is drawn among all forms; 1 unless said. */
  readonly weight?: number;
  /**
   * `outside`: the server refuses it in a transaction block, or it ends one. It runs on a database that is thrown away
   * when anything changed.
   */
  readonly where?: 'outside';
  /** It always does something that no counter of the server shows (a message, a lock, a file, a process). */
  readonly effect?: true;
}
