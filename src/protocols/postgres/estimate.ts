import { isObject } from '../../base/check.ts';
import type { Action } from '../../core/action.ts';
import type { OwnConnection } from './keeper.ts';

/** What may be asked for at once; who comes later goes without an estimate. */
const queued = 8;
const idleMs = 30_000;

export interface Estimate {
  readonly rows: number;
  readonly about: string;
}

const planned = new Set(['sql.select', 'sql.insert', 'sql.update', 'sql.delete', 'sql.merge']);

/**
 * Rows a statement would touch, by the server's own plan, asked on a connection of the gateway's.
 *
 * SECURITY: EXPLAIN without ANALYZE executes nothing, but planning evaluates immutable and stable functions: only statements
 * that call none but the server's own are planned, in a read-only transaction that is rolled back, within two seconds.
 */
export class Estimates {
  readonly #connect: () => Promise<OwnConnection>;
  readonly #after: (ms: number, call: () => void) => Disposable;
  #connection: OwnConnection | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #queue = 0;
  #idle: Disposable | undefined;
  #closed = false;

  constructor(connect: () => Promise<OwnConnection>, after: (ms: number, call: () => void) => Disposable) {
    this.#connect = connect;
    this.#after = after;
  }

  /** `undefined` where it cannot be told. Never rejects. */
  of(action: Action, text: string, searchPath: readonly string[]): Promise<Estimate | undefined> {
    const { functions } = action.attributes;
    const own = Array.isArray(functions) && functions.every((name) => String(name).startsWith('pg_catalog.'));
    const plain = (action.access === 'read' || action.access === 'write') && planned.has(action.verb);
    if (!own || !plain || this.#closed || this.#queue >= queued) return Promise.resolve(undefined);
    this.#queue += 1;
    const turn = this.#turn.then(() => this.#ask(text, searchPath));
    const done = turn.catch(() => {
      this.#drop();
      return undefined;
    });
    this.#turn = done.then(() => {
      this.#queue -= 1;
      this.#idle?.[Symbol.dispose]();
      this.#idle = this.#after(idleMs, () => this.#drop());
    });
    return done;
  }

  async #ask(text: string, searchPath: readonly string[]): Promise<Estimate | undefined> {
    this.#connection ??= await this.#connect();
    const { query } = this.#connection;
    const path = searchPath.filter((schema) => !schema.startsWith('pg_temp')).map(quoted);
    await query('BEGIN READ ONLY');
    try {
      await query("SET LOCAL statement_timeout = '2s'; SET LOCAL lock_timeout = '500ms'");
      if (path.length > 0) await query(`SET LOCAL search_path = ${path.join(', ')}`);
      const rows = await this.#plan(query, text);
      return rowsOf(rows[0]?.[0]);
    } finally {
      await query('ROLLBACK');
    }
  }

  /** Bound values are not known to the planner: their statement is planned for any values. */
  async #plan(query: OwnConnection['query'], text: string): Promise<readonly (readonly (string | null)[])[]> {
    const parameters = Math.max(0, ...[...text.matchAll(/\$(\d{1,5})/g)].map(([, number]) => Number(number)));
    if (parameters === 0) return query(`EXPLAIN (FORMAT JSON) ${text}`);
    await query("SET LOCAL plan_cache_mode = 'force_generic_plan'");
    await query(`PREPARE sallyport_estimate AS ${text}`);
    try {
      const nulls = Array.from({ length: parameters }, () => 'NULL').join(', ');
      return await query(`EXPLAIN (FORMAT JSON) EXECUTE sallyport_estimate(${nulls})`);
    } finally {
      await query('DEALLOCATE ALL').catch(() => []); // in a failed transaction it goes with the connection
    }
  }

  close(): void {
    this.#closed = true;
    this.#idle?.[Symbol.dispose]();
    this.#drop();
  }

  #drop(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A ModifyTable node says 0 rows: what it changes are the rows of the plans under it. */
function rowsOf(json: string | null | undefined): Estimate | undefined {
  const plans: unknown = JSON.parse(json ?? 'null');
  const first: unknown = Array.isArray(plans) ? plans[0] : undefined;
  const top = isObject(first) ? first['Plan'] : undefined;
  if (!isObject(top)) return undefined;
  const under: unknown = top['Plans'];
  const changes = top['Node Type'] === 'ModifyTable' && Array.isArray(under);
  const from: readonly unknown[] = changes ? under : [top];
  const rows = from.reduce<number>((sum, each) => {
    const planRows = isObject(each) ? each['Plan Rows'] : undefined;
    return sum + (typeof planRows === 'number' ? planRows : 0);
  }, 0);
  return {
    rows,
    about: changes ? 'rows that the server expects to change' : 'rows that the server expects to answer with',
  };
}
