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

/**
 * The names of one session. Requests are pipelined: a change counts for the requests behind it at once, and is kept only
 * when the server has confirmed it. If it fails, the server skips what was behind it, so nobody has used the wrong one.
 *
 * SECURITY: a name must never mean another statement here than on the server: a Parse that fails because the name is
 * taken must leave the old meaning. Therefore changes wait in `#pending` and are confirmed or dropped, in order.
 */
export class Names {
  readonly #statements: Map<string, Prepared> = new Map();
  readonly #portals: Map<string, Portal> = new Map();
  #pending: NameChange[] = [];

  get size(): number {
    return this.#statements.size + this.#portals.size + this.#pending.length;
  }

  propose(change: NameChange): NameChange {
    this.#pending.push(change);
    return change;
  }

  confirm(change: NameChange): void {
    this.drop(change);
    switch (change.kind) {
      case 'statement':
        this.#statements.set(change.name, change.prepared);
        return;
      case 'portal':
        this.#portals.set(change.name, change.portal);
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
    if (this.#statements.get(name) === old) this.#statements.set(name, now);
  }

  /** No transaction is open any more: the server has closed the portals that Bind opened (54.2.3). */
  endTransaction(): void {
    for (const [name, portal] of this.#portals) if (!portal.cursor) this.#portals.delete(name);
  }

  drop(change: NameChange): void {
    const at = this.#pending.indexOf(change);
    if (at >= 0) this.#pending.splice(at, 1);
  }

  /**
   * Code that the server ran may have closed names and made others: keeps the confirmed ones whose text the server still
   * shows (`pg_prepared_statements`, `pg_cursors`), and forgets the rest, so that using them is refused.
   */
  keepOnly(statements: ReadonlyMap<string, string>, cursors: ReadonlyMap<string, string>): void {
    for (const [name, prepared] of this.#statements) {
      // The unnamed statement is not listed, and SQL cannot name it.
      if (name !== '' && !shows(statements.get(name), prepared)) this.#statements.delete(name);
    }
    for (const [name, portal] of this.#portals) {
      if (name !== '' && !shows(cursors.get(name), portal.prepared)) this.#portals.delete(name);
    }
  }

  statement(name: string): Prepared | undefined {
    for (let at = this.#pending.length - 1; at >= 0; at--) {
      const change = this.#pending[at];
      if (change?.kind === 'statement' && change.name === name) return change.prepared;
      if (change?.kind === 'discard-all') return undefined;
      if (change?.kind === 'close-statement' && (change.name ?? name) === name) return undefined;
    }
    return this.#statements.get(name);
  }

  portal(name: string): Portal | undefined {
    for (let at = this.#pending.length - 1; at >= 0; at--) {
      const change = this.#pending[at];
      if (change?.kind === 'portal' && change.name === name) return change.portal;
      if (change?.kind === 'discard-all') return undefined;
      if (change?.kind === 'close-portal' && (change.name ?? name) === name) return undefined;
    }
    return this.#portals.get(name);
  }
}

function remove(map: Map<string, unknown>, name: string | undefined): void {
  if (name === undefined) map.clear();
  else map.delete(name);
}

function shows(listed: string | undefined, { source, text }: Prepared): boolean {
  return listed !== undefined && (listed === source || listed === text);
}
