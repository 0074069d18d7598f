import { Fault } from '../../base/errors.ts';
import type { Scope } from '../../sql/analysis.ts';
import { type Catalogue, catalogue } from '../../sql/catalogue.ts';
import type { Node } from '../../sql/tree.ts';
import { catalogueVersion, readCatalogue } from './catalogue.ts';
import type { Flow } from './flow.ts';
import type { Keeper } from './keeper.ts';
import type { Names } from './names.ts';
import type { Run } from './run.ts';
import type { Reading, Understanding } from './understanding.ts';

export interface MeaningParts {
  readonly understanding: Understanding;
  readonly keeper: Keeper;
  readonly flow: Flow;
  readonly names: Names;
  /** Resolves once everything that was asked for is answered. */
  readonly drain: () => Promise<void>;
  /** Asks the session's own server process, while nothing else is under way. */
  readonly own: (sql: string) => Promise<readonly (readonly (string | null)[])[]>;
  readonly parse: (text: string) => Promise<Node | undefined>;
}

function isUnknown(reading: Reading): boolean {
  return (
    reading.kind === 'understood' &&
    reading.analysis.statements.some(({ action }) => action.access === 'unknown')
  );
}

function namesMissing(reading: Reading): boolean {
  return (
    reading.kind === 'understood' && reading.analysis.statements.some(({ missing }) => missing !== undefined)
  );
}

/** What names mean at one moment of a session: two readings with the same epoch were made alike. */
export interface Epoch {
  readonly catalogue: Catalogue;
  readonly scope: Scope;
}

/**
 * What statements mean in one session: its search path, its temporary and uncommitted objects, its prepared names.
 * Whatever may have changed them is noted, and before the next statement is read the server itself is asked.
 *
 * SECURITY: a statement is never read with names that may mean something else on the server. Where the server cannot
 * be asked (requests are under way without a Sync), the statement is refused.
 */
export class Meaning {
  readonly #parts: MeaningParts;
  #scope: Scope;
  #epoch: Epoch | undefined;
  /** The catalogue as this session's transaction sees it, after it changed something itself. */
  #local: Catalogue | undefined;
  #localCount = 0;
  /** The server's version of the local catalogue, where all in it is committed. */
  #localVersion: string | undefined;
  #unsettled = false;
  #defined = false;
  /** A statement of this session's own has defined something since the last look. */
  #redefined = false;
  /** Once a search path was set, the end of any transaction may take it back. */
  #pathTouched = false;

  constructor(parts: MeaningParts, searchPath: readonly string[]) {
    this.#parts = parts;
    this.#scope = { searchPath };
  }

  /** Reads a text as the server would now understand it; undefined where the server cannot be asked first. */
  read(text: string): Reading | Promise<Reading | undefined> {
    if (this.#unsettled || this.#parts.flow.some((run) => run.unsettles)) return this.#settleAndRead(text);
    const known = this.#catalogue();
    if (known instanceof Promise) return known.then((found) => this.#read(text, found));
    return this.#read(text, known);
  }

  /** The catalogue and scope that the next reading is made with, unless something changes them first. */
  epoch(): Epoch | undefined {
    const known = this.#catalogue();
    return known instanceof Promise || this.#unsettled ? undefined : this.#epochOf(known);
  }

  /** The catalogue as it is known now; undefined where this session has changed it, and the server must be asked. */
  now(): Catalogue | Promise<Catalogue> | undefined {
    const pending = this.#parts.flow.some((run) => run.defines && redefines(run));
    return this.#redefined || pending ? undefined : this.#catalogue();
  }

  /** Much may have changed since the last look: the next reading asks the server first. */
  suspect(): void {
    this.#parts.keeper.invalidate();
  }

  /** The schemas that names are looked for in. */
  get searchPath(): readonly string[] {
    return this.#scope.searchPath;
  }

  /** Whether the end of a transaction may change what names mean. */
  get pathTouched(): boolean {
    return this.#pathTouched;
  }

  /** A statement has ended: notes what it may have changed. */
  ended(run: Run): void {
    const { verb, access } = run.permit.action;
    if (run.unsettles || verb === 'sql.set' || access !== 'read') this.#pathTouched = true;
    if (run.unsettles || (this.#pathTouched && run.takesBack)) this.#unsettled = true;
    if (run.defines) this.#defined = true;
    if (run.defines && redefines(run)) this.#redefined = true;
  }

  /** A transaction has ended whose statements were told one by one. */
  endedTransaction(): void {
    if (this.#pathTouched) this.#unsettled = true;
  }

  #catalogue(): Catalogue | Promise<Catalogue> {
    return this.#local ?? this.#parts.keeper.current();
  }

  #epochOf(known: Catalogue): Epoch {
    if (this.#epoch?.catalogue !== known || this.#epoch.scope !== this.#scope) {
      this.#epoch = { catalogue: known, scope: this.#scope };
    }
    return this.#epoch;
  }

  #read(text: string, known: Catalogue): Reading | Promise<Reading> {
    const reading = this.#parts.understanding.read(text, known, this.#scope);
    if (reading instanceof Promise)
      return reading.then((made) => (isUnknown(made) ? this.#lookAgain(made, text, known) : made));
    // It was read before; what was not there then can be there now.
    return namesMissing(reading) ? this.#lookAgain(reading, text, known) : reading;
  }

  /** What is not understood may only be newer than our catalogue. */
  async #lookAgain(reading: Reading, text: string, known: Catalogue): Promise<Reading> {
    if (this.#local !== undefined) return reading;
    const now = await this.#parts.keeper.lookAgain();
    return now === known ? reading : this.#parts.understanding.read(text, now, this.#scope);
  }

  async #settleAndRead(text: string): Promise<Reading | undefined> {
    if (!(await this.#settle())) return undefined;
    return this.#read(text, await this.#catalogue());
  }

  /** Asks the server what names mean now; false where it cannot be asked. */
  async #settle(): Promise<boolean> {
    const { flow, drain } = this.#parts;
    await drain();
    if (!flow.quiet) return false;
    // In a failed transaction nothing but its end runs; names matter again after that.
    if (flow.status === 'E') return true;
    const [row] = await this.#parts.own('SELECT pg_catalog.array_to_json(pg_catalog.current_schemas(true))');
    this.#scope = { searchPath: schemasOf(row?.[0]) };
    await this.#confirmNames();
    if (this.#defined) await this.#readAgain();
    this.#unsettled = false;
    this.#redefined = false;
    return true;
  }

  /** Statements that run code of their own can prepare under a name we know: names whose text differs are forgotten. */
  async #confirmNames(): Promise<void> {
    const { names, own } = this.#parts;
    if (names.size === 0) return;
    const prepared = await own('SELECT name, statement FROM pg_catalog.pg_prepared_statements');
    const cursors = await own('SELECT name, statement FROM pg_catalog.pg_cursors');
    names.keepOnly(mapOf(prepared), mapOf(cursors));
  }

  async #versionNow(query: MeaningParts['own']): Promise<string> {
    await query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await query(`SET LOCAL search_path = ''`); // names of the client's own must not stand before the server's
    const version = await catalogueVersion(query);
    await query('COMMIT');
    return version;
  }

  /** What this session defined: seen by everybody once committed, until then by its own connection only. */
  async #readAgain(): Promise<void> {
    const { flow, keeper, own, parse } = this.#parts;
    const temporary = this.#scope.searchPath.some((schema) => schema.startsWith('pg_temp'));
    if (flow.status === 'I') {
      keeper.invalidate();
      this.#defined = false;
    }
    if (flow.status === 'I' && !temporary) {
      this.#local = undefined;
      return;
    }
    const query = inside(own, flow.status);
    const version = await this.#versionNow(query);
    // Rows that this transaction made carry its number, which no committed snapshot has: equal means nothing was changed.
    if (version === (await keeper.current()).data.version) {
      this.#local = undefined;
      return;
    }
    // SECURITY: inside a transaction two changes carry one number, so only what is committed is known by its version.
    if (flow.status === 'I' && version === this.#localVersion) return;
    this.#local = undefined;
    const data = await readCatalogue(query, parse);
    this.#localVersion = flow.status === 'I' ? data.version : undefined;
    this.#localCount += 1;
    // Its version must not be one that another session's catalogue has: readings are cached by it.
    this.#local = catalogue({
      ...data,
      version: `${data.version} ${crypto.randomUUID()} ${this.#localCount}`,
    });
  }
}

/** Code that a statement calls gives other code no new body where masks apply: it would be refused (sql/reach.ts). */
function redefines({ permit }: Run): boolean {
  return permit.action.access !== 'execute';
}

/** In a client's transaction, a snapshot is read inside a savepoint that is taken back: it leaves nothing behind. */
function inside(own: MeaningParts['own'], status: 'I' | 'T' | 'E'): MeaningParts['own'] {
  if (status === 'I') return own;
  return (sql) => {
    if (sql.startsWith('BEGIN')) return own('SAVEPOINT sallyport_reads');
    if (sql === 'COMMIT' || sql === 'ROLLBACK') {
      return own('ROLLBACK TO SAVEPOINT sallyport_reads; RELEASE SAVEPOINT sallyport_reads');
    }
    return own(sql);
  };
}

function schemasOf(json: string | null | undefined): readonly string[] {
  const raw: unknown = JSON.parse(json ?? 'null');
  if (!Array.isArray(raw)) throw new Fault('catalogue', 'The server did not say its search path');
  return (raw as readonly unknown[]).filter((each) => typeof each === 'string');
}

function mapOf(rows: readonly (readonly (string | null)[])[]): ReadonlyMap<string, string> {
  return new Map(rows.map(([name, statement]) => [name ?? '', statement ?? '']));
}
