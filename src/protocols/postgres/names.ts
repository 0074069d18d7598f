import type { Statement } from '../../sql/analysis.ts';
import type { Catalogue } from '../../sql/catalogue.ts';
import type { Field, Format } from './messages.ts';

/** A prepared statement, whether the wire (Parse) or SQL (PREPARE) made it: one name space (PostgreSQL 18 docs, 54.2.3). */
export interface Prepared {
  /** The text to read again when the catalogue or the search path changed, as the server would plan it again. */
  readonly text: string;
  /** The whole text the server was sent it in: what pg_prepared_statements and pg_cursors show of it. */
  readonly source: string;
  /** Made by PREPARE or DECLARE: the text holds the statement inside. */
  readonly inside: boolean;
  /** Undefined for an empty text. */
  readonly statement: Statement | undefined;
  /** What the reading was made with: another one now means that it must be read again. */
  readonly epoch: object | undefined;
  readonly catalogue: Catalogue;
  /** The columns it answers with, once a Describe has told. Mutable: learnt later, and the same for all its portals. */
  fields?: readonly Field[];
}

/** An open portal or cursor. `rows` and `bytes` count over all its fetches, so that a limit holds for the whole. */
export interface Portal {
  readonly prepared: Prepared;
  /** As Bind asked: none means all text, one stands for all columns. */
  readonly resultFormats: readonly Format[];
  /** A cursor that SQL declared: its formats are known by Describe only. */
  readonly cursor: boolean;
  /** Its columns in their real formats, once a Describe of the portal has told. */
  fields?: readonly Field[];
  readonly values?: string; // digest of bound values and formats
  /** The bound values as a person reads them, kept where a review was to be expected. */
  given?: readonly string[];
  rows: number;
  bytes: number;
}

/** What a request does to the names once it has succeeded. */
export type NameChange =
  | { readonly kind: 'statement'; readonly name: string; readonly prepared: Prepared }
  | { readonly kind: 'portal'; readonly name: string; readonly portal: Portal }
  | { readonly kind: 'close-statement'; readonly name?: string } // absent: all
  | { readonly kind: 'close-portal'; readonly name?: string }
  | { readonly kind: 'discard-all' };

/** A change that the server has not answered yet, and which series of requests it stands in. */
interface Pending {
  readonly change: NameChange;
  readonly series: number;
  settled?: PromiseWithResolvers<void>;
}

/**
 * The names of one session. Requests are pipelined: a change counts at once for the requests behind it in the same
 * series (up to a Sync or the end of a simple Query), and is kept only when the server has confirmed it. If it fails, the
 * server skips the rest of the series, so nobody has used the wrong one.
 *
 * SECURITY: a name must never mean another statement here than on the server. A Parse that fails because the name is
 * taken must leave the old meaning, and what stands behind the Sync is not skipped: there the change is in `doubt`, and
 * who needs the name waits for the server's answer. Names are compared as the server does, see `keyOf`.
 */
export class Names {
  readonly #statements: Map<string, Prepared> = new Map();
  readonly #portals: Map<string, Portal> = new Map();
  #pending: Pending[] = [];
  #series = 0;

  get size(): number {
    return this.#statements.size + this.#portals.size + this.#pending.length;
  }

  propose(change: NameChange): NameChange {
    this.#pending.push({ change, series: this.#series });
    return change;
  }

  /** What comes from here on is not skipped when something before it fails: a Sync or a simple Query was sent. */
  fence(): void {
    this.#series += 1;
  }

  /**
   * Resolves when the server has answered what may have changed this name in an earlier series; `undefined` where the
   * name is not in doubt.
   */
  doubt(of: 'statement' | 'portal', name: string): Promise<void> | undefined {
    const pending = this.#pending[this.#last(of, keyOf(name))];
    if (pending === undefined || pending.series === this.#series) return undefined;
    pending.settled ??= Promise.withResolvers();
    return pending.settled.promise;
  }

  confirm(change: NameChange): void {
    this.drop(change);
    switch (change.kind) {
      case 'statement':
        this.#statements.set(keyOf(change.name), change.prepared);
        return;
      case 'portal':
        this.#portals.set(keyOf(change.name), change.portal);
        return;
      case 'close-statement':
        remove(this.#statements, change.name);
        return;
      case 'close-portal':
        remove(this.#portals, change.name);
        return;
      case 'discard-all':
        this.#statements.clear();
        this.#portals.clear();
    }
  }

  /** The same statement, read again because what its names mean has changed. */
  renew(name: string, old: Prepared, now: Prepared): void {
    if (this.#statements.get(keyOf(name)) === old) this.#statements.set(keyOf(name), now);
  }

  /** No transaction is open any more: the server has closed the portals that Bind opened (54.2.3). */
  endTransaction(): void {
    for (const [name, portal] of this.#portals) if (!portal.cursor) this.#portals.delete(name);
  }

  drop(change: NameChange): void {
    const at = this.#pending.findIndex((each) => each.change === change);
    if (at >= 0) this.#pending.splice(at, 1)[0]?.settled?.resolve();
  }

  /**
   * Code that the server ran may have closed names and made others: keeps the confirmed ones whose text the server still
   * shows (`pg_prepared_statements`, `pg_cursors`), and forgets the rest, so that using them is refused.
   */
  keepOnly(statements: ReadonlyMap<string, string>, cursors: ReadonlyMap<string, string>): void {
    for (const [key, prepared] of this.#statements) {
      // The unnamed statement is not listed, and SQL cannot name it. A key that stands for longer names is forgotten.
      if (key !== '' && !shows(statements.get(key), prepared)) this.#statements.delete(key);
    }
    for (const [key, portal] of this.#portals) {
      if (key !== '' && !shows(cursors.get(key), portal.prepared)) this.#portals.delete(key);
    }
  }

  statement(name: string): Prepared | undefined {
    const key = keyOf(name);
    const change = this.#pending[this.#last('statement', key)]?.change;
    if (change === undefined) return this.#statements.get(key);
    return change.kind === 'statement' ? change.prepared : undefined;
  }

  portal(name: string): Portal | undefined {
    const key = keyOf(name);
    const change = this.#pending[this.#last('portal', key)]?.change;
    if (change === undefined) return this.#portals.get(key);
    return change.kind === 'portal' ? change.portal : undefined;
  }

  /** Where the last change of this name stands that the server has not answered; -1 without one. */
  #last(of: 'statement' | 'portal', key: string): number {
    return this.#pending.findLastIndex(({ change }) => {
      if (change.kind === 'discard-all') return true;
      if (change.kind !== of && change.kind !== `close-${of}`) return false;
      return change.name === undefined || keyOf(change.name) === key;
    });
  }
}

/**
 * SECURITY: two names are one to the server when their first 63 bytes are (source, NAMEDATALEN: its tables of prepared
 * statements and portals hold no more of a key).
 */
function keyOf(name: string): string {
  if (name.length <= 20) return name; // 60 bytes at most
  return Buffer.from(name).toString('latin1', 0, 63);
}

function remove(map: Map<string, unknown>, name: string | undefined): void {
  if (name === undefined) map.clear();
  else map.delete(keyOf(name));
}

function shows(listed: string | undefined, { source, text }: Prepared): boolean {
  return listed !== undefined && (listed === source || listed === text);
}
