/** What a statement does to one target, from harmless to unknown. `unknown` is the worst: nothing passes because we failed to read it. */
export type Access = 'read' | 'write' | 'define' | 'administer' | 'execute' | 'unknown';

const worst: readonly Access[] = ['read', 'write', 'define', 'administer', 'execute', 'unknown'];

/** The worst of them; `read` of none. */
export function worstAccess(accesses: Iterable<Access>): Access {
  let at = 0;
  for (const access of accesses) at = Math.max(at, worst.indexOf(access));
  return worst[at] ?? 'unknown';
}

export interface Target {
  readonly kind: string; // 'table', 'function', 'schema', 'setting', 'file', 'path', 'tool', 'model'
  /** Canonical: `public.customers`, `public.purge(integer)`. `*` where it cannot be told which. */
  readonly name: string;
  readonly access: Access;
}

/** A column, JSON path or header, by the canonical name of what holds it. */
export interface ColumnRef {
  readonly object: string; // 'public.customers'
  readonly column: string; // 'email'
}

export interface ColumnUse extends ColumnRef {
  /** `output`: its value reaches the answer. `filter`: it decides what is answered. `write`: it is assigned to. */
  readonly use: 'output' | 'filter' | 'write';
  /**
   * Of a filter: `equality` where its whole value is only compared by `=`; `other`: any other question about it. Of an
   * output `other`: it also decides whether the statement fails, or an aggregate of it is given.
   */
  readonly how?: 'equality' | 'other';
  /** The tags that the resource itself gives it, besides those of schema.yaml. */
  readonly tags?: readonly string[];
}

export type Attribute = string | number | boolean | readonly string[];

/**
 * One thing a client wants done. Every protocol speaks in actions; no floor above it sees bytes.
 * Immutable, without anything of one session or one call: two equal statements may share one Action object, and the
 * gate caches decisions by that object.
 */
export interface Action {
  readonly verb: string; // '<family>.<verb>', one of Protocol.verbs
  readonly access: Access; // the worst among the targets
  readonly targets: readonly Target[];
  readonly columns: readonly ColumnUse[];
  /** As declared in Protocol.attributes. */
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** As a person would read it: the statement, the command, the request line. Can hold secrets: goes sealed into the ledger, never into logs. */
  readonly text: string;
  /** What its answer brings besides columns, by tags: `untrusted`. */
  readonly shows?: readonly string[];
  /** True where it answers with values whose origin cannot be told. */
  readonly opaque?: true;
  /** Why the access is what it is, where that needs saying; without any value of the statement. */
  readonly notes: readonly string[];
}
