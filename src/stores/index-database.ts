import { existsSync, renameSync, rmSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { Lru } from '../base/lru.ts';
import type { IndexRow } from './index-rows.ts';
import type { EntryHit, IndexStore } from './index-store.ts';
import { termsAsked, termsOf } from './index-terms.ts';

const version = 2;

// `term` has no content: it can say which entries have a term, and give no statement back. `span` bounds where the
// entries of ten minutes lie: clocks jump back, so the order of entries is not that of their times.
const schema = `
  CREATE TABLE entry (
    n INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, session TEXT, subject TEXT, agent TEXT, resource TEXT,
    run TEXT, verb TEXT, access TEXT, decision TEXT, review TEXT, risk TEXT
  ) STRICT;
  CREATE VIRTUAL TABLE term USING fts5 (terms, content='', contentless_delete=1, detail=none, tokenize='ascii');
  INSERT INTO term (term, rank) VALUES ('hashsize', 16777216);
  CREATE TABLE session (id TEXT PRIMARY KEY, n INTEGER NOT NULL, run TEXT, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX session_n ON session (n);
  CREATE TABLE span (at INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
  CREATE TABLE state (ledger TEXT NOT NULL, next INTEGER NOT NULL) STRICT;
  PRAGMA user_version = ${version};
`;

const spanMs = 600_000;
const columns = 'n, at, kind, session, subject, resource, run, verb, access, decision, review, risk';

type Row = Readonly<Record<string, unknown>>;
type Value = string | number | null;

/** Behind the path of an index: one that is being built to take its place. */
export const building = '.building';

/** Where a whole index waits that is to take the place of the one at `path`. */
export function readyPath(path: string): string {
  return `${path}.ready`;
}

/**
 * The index in a SQLite file. It can always be built again from the ledger: a file of another ledger, of another version,
 * or ahead of `size` is emptied. What a crash takes from it is read again, so no write of it waits for the disk.
 */
export class IndexDatabase implements IndexStore {
  readonly #path: string;
  readonly #ledger: string;
  readonly #runs: Lru<string, string | null> = new Lru(20_000);
  #database: DatabaseSync;
  #prepared: Map<string, StatementSync> = new Map();

  constructor(path: string, ledger: string, size: number) {
    this.#path = path;
    this.#ledger = ledger;
    takeReady(path);
    this.#database = opened(path, ledger, size);
  }

  /** Index of the first entry that it does not know. Changes to a ready index first, where one waits. */
  next(): number {
    if (this.#path !== ':memory:' && existsSync(readyPath(this.#path))) {
      this.#close();
      takeReady(this.#path);
      this.#database = opened(this.#path, this.#ledger, Number.MAX_SAFE_INTEGER);
    }
    return Number(this.#sql('SELECT next FROM state').get()?.['next']);
  }

  add(rows: readonly IndexRow[], next: number): void {
    this.#within(() => {
      const spans = new Map<number, { first: number; last: number }>();
      const lasts = new Map<string, number>();
      for (const row of rows) {
        this.#insert(row);
        if (row.session !== undefined) lasts.set(row.session, row.n);
        widen(spans, row);
      }
      for (const [at, { first, last }] of spans)
        this.#sql(
          'INSERT INTO span VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last)',
        ).run(at, first, last);
      for (const [session, last] of lasts)
        this.#sql('UPDATE session SET last = ? WHERE id = ?').run(last, session);
      this.#sql('UPDATE state SET next = ?').run(next);
    });
  }

  entries(query: Parameters<IndexStore['entries']>[0]): readonly EntryHit[] {
    const found = this.#matching(query, columns);
    return found === undefined
      ? []
      : this.#sql(`${found.sql} LIMIT ?`)
          .all(...found.values, query.limit)
          .map(hitOf);
  }

  sessions({ olderThan, ...query }: Parameters<IndexStore['sessions']>[0]): readonly string[] {
    const bound = olderThan === undefined ? Infinity : this.#began(olderThan);
    if (bound === undefined) return [];
    const before = Math.min(query.before ?? Infinity, this.#lastBefore(bound) + 1);
    const asked = before === Infinity ? query : { ...query, before };
    const found = this.#matching(asked, 'n, session');
    if (found === undefined) return [];
    const began = new Map<string, number>();
    let looked = 0;
    // Entries come newest first. What lies before a session's first entry cannot be its own: once enough sessions have
    // begun behind where we are, they are the newest.
    for (const row of this.#sql(found.sql).iterate(...found.values)) {
      const [n, session] = [Number(row['n']), row['session']];
      if (typeof session === 'string' && !began.has(session)) {
        const first = this.#began(session);
        if (first !== undefined && first < bound) began.set(session, first);
      }
      looked += 1;
      if (looked % 64 === 0 && began.size >= query.limit && behind(began, n) >= query.limit) break;
    }
    return [...began.keys()].sort((a, b) => (began.get(b) ?? 0) - (began.get(a) ?? 0)).slice(0, query.limit);
  }

  entriesOf(session: string): readonly number[] {
    const found = this.#matching({ limit: 0, session }, 'n');
    const rows = found === undefined ? [] : this.#sql(found.sql).all(...found.values);
    return rows.map((row) => Number(row['n'])).reverse();
  }

  replace(session: string, rows: readonly IndexRow[]): void {
    this.#runs.set(session, null);
    this.#within(() => {
      this.#sql('UPDATE session SET run = NULL WHERE id = ?').run(session);
      for (const row of rows) this.#insert(row);
    });
    // FTS5 only marks what is replaced until its segments are merged, and SQLite keeps free pages as they were.
    this.#database.exec("INSERT INTO term (term) VALUES ('optimize')");
    this.#prepared.clear();
    this.#database.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)');
  }

  /** Leaves one file that stands alone. */
  seal(): void {
    this.#prepared.clear();
    this.#database.exec(
      'PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL',
    );
    this.#close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    return Promise.resolve();
  }

  #close(): void {
    this.#prepared.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #sql(text: string): StatementSync {
    const known = this.#prepared.get(text) ?? this.#database.prepare(text);
    if (this.#prepared.size < 500) this.#prepared.set(text, known);
    return known;
  }

  #within(work: () => void): void {
    this.#database.exec('BEGIN');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (thrown) {
      this.#database.exec('ROLLBACK');
      throw thrown;
    }
  }

  #insert(given: IndexRow): void {
    const { n, session } = given;
    const run = given.run ?? (session === undefined ? null : this.#runOf(session));
    const row = run === null ? given : { ...given, run };
    const own = (...names: readonly (keyof IndexRow)[]): (string | null)[] =>
      names.map((name) => (typeof row[name] === 'string' ? row[name] : null));
    this.#sql('INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)').run(
      n,
      row.at,
      row.kind,
      ...own(
        'session',
        'subject',
        'agent',
        'resource',
        'run',
        'verb',
        'access',
        'decision',
        'review',
        'risk',
      ),
    );
    if (row.kind === 'session.opened' && session !== undefined) {
      this.#runs.set(session, run);
      this.#sql(
        'INSERT INTO session VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = excluded.n, run = excluded.run',
      ).run(session, n, run, n);
    }
    this.#sql('INSERT OR REPLACE INTO term (rowid, terms) VALUES (?, ?)').run(n, termsOf(row).join(' '));
  }

  #runOf(session: string): string | null {
    const known = this.#runs.get(session);
    if (known !== undefined) return known;
    const run = this.#sql('SELECT run FROM session WHERE id = ?').get(session)?.['run'];
    const told = typeof run === 'string' ? run : null;
    this.#runs.set(session, told);
    return told;
  }

  #began(session: string): number | undefined {
    const n = this.#sql('SELECT n FROM session WHERE id = ?').get(session)?.['n'];
    return typeof n === 'number' ? n : undefined;
  }

  /** The last entry of any session that began before `bound`. */
  #lastBefore(bound: number): number {
    if (bound === Infinity) return Infinity;
    return Number(this.#sql('SELECT max(last) AS n FROM session WHERE n < ?').get(bound)?.['n'] ?? -1);
  }

  /** The statement that gives what fits, newest first; `undefined` where nothing can. */
  #matching(
    query: Parameters<IndexStore['entries']>[0],
    shown: string,
  ): { readonly sql: string; readonly values: readonly Value[] } | undefined {
    const terms = termsAsked(query);
    const span = this.#spanOf(query);
    if (terms === undefined || span === undefined) return undefined;
    const n = terms.length === 0 ? 'e.n' : 'term.rowid';
    const parts = [`${n} >= ?`, `${n} < ?`];
    const values: Value[] = [span.first, Math.min(query.before ?? Infinity, span.last + 1)];
    for (const [bound, sign] of [
      [query.from, '>='],
      [query.to, '<'],
    ] as const) {
      if (bound === undefined) continue;
      parts.push(`e.at ${sign} ?`);
      values.push(bound);
    }
    const from = terms.length === 0 ? 'entry e' : 'term JOIN entry e ON e.n = term.rowid';
    if (terms.length > 0) {
      parts.push('term MATCH ?');
      values.push(terms.map((term) => `"${term}"`).join(' AND '));
    }
    return {
      sql: `SELECT ${shown
        .split(', ')
        .map((name) => `e.${name}`)
        .join(', ')} FROM ${from} WHERE ${parts.join(' AND ')} ORDER BY ${n} DESC`,
      values,
    };
  }

  #spanOf({
    from,
    to,
  }: {
    readonly from?: number;
    readonly to?: number;
  }): { first: number; last: number } | undefined {
    if (from === undefined && to === undefined) return { first: 0, last: Number.MAX_SAFE_INTEGER - 1 };
    const row = this.#sql(
      'SELECT min(first) AS first, max(last) AS last FROM span WHERE at >= ? AND at < ?',
    ).get(spanFrom(from ?? 0), to ?? Number.MAX_SAFE_INTEGER);
    return typeof row?.['first'] === 'number'
      ? { first: row['first'], last: Number(row['last']) }
      : undefined;
  }
}

function behind(began: ReadonlyMap<string, number>, n: number): number {
  let count = 0;
  for (const first of began.values()) if (first >= n) count += 1;
  return count;
}

function spanFrom(at: number): number {
  return Math.floor(at / spanMs) * spanMs;
}

function widen(spans: Map<number, { first: number; last: number }>, { at, n }: IndexRow): void {
  const key = spanFrom(at);
  const span = spans.get(key);
  if (span === undefined) spans.set(key, { first: n, last: n });
  else span.last = Math.max(span.last, n);
}

function opened(path: string, ledger: string, size: number): DatabaseSync {
  let database = new DatabaseSync(path);
  if (!fits(database, ledger, size)) {
    database.close();
    if (path !== ':memory:') removeDatabase(path);
    database = new DatabaseSync(path);
    database.exec(schema);
    database.prepare('INSERT INTO state VALUES (?, 0)').run(ledger);
  }
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536; PRAGMA mmap_size = 1073741824; PRAGMA wal_autocheckpoint = 10000',
  );
  return database;
}

/** One that cannot even be read is none: it is only an index. */
function fits(database: DatabaseSync, ledger: string, size: number): boolean {
  try {
    if (Number(database.prepare('PRAGMA user_version').get()?.['user_version']) !== version) return false;
    const state = database.prepare('SELECT ledger, next FROM state').get();
    return state?.['ledger'] === ledger && Number(state['next']) <= size;
  } catch {
    return false;
  }
}

export function removeDatabase(path: string): void {
  for (const end of ['-wal', '-shm', '-journal', '']) rmSync(`${path}${end}`, { force: true });
}

/** A crash on the way leaves the ready one where it is. */
function takeReady(path: string): void {
  if (path === ':memory:' || !existsSync(readyPath(path))) return;
  removeDatabase(path);
  renameSync(readyPath(path), path);
}

const shown = [
  ['session', 'session'],
  ['subject', 'identity'],
  ['resource', 'resource'],
  ['run', 'run'],
  ['verb', 'verb'],
  ['access', 'access'],
  ['decision', 'effect'],
  ['review', 'review'],
  ['risk', 'risk'],
] as const;

/** A hit from the columns of either store. */
export function hitOf(row: Row): EntryHit {
  const optional = Object.fromEntries(
    shown.flatMap(([column, name]) => (typeof row[column] === 'string' ? [[name, row[column]]] : [])),
  );
  return { entry: Number(row['n']), at: Number(row['at']), kind: String(row['kind']), ...optional };
}
