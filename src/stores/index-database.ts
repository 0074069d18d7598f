import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { IndexRow } from './index-rows.ts';

/** What is looked for; every part that is there must fit. */
export interface EntryQuery {
  readonly limit: number;
  /** Only entries before this one: the last of the page before. */
  readonly before?: number;
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

/** An entry that fits. Its statement is not kept here: it is read from the ledger, under its key. */
export interface EntryHit {
  readonly entry: number;
  readonly at: number;
  readonly kind: string;
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

export interface IndexDatabase extends Disposable {
  /** Index of the first entry that it does not know. */
  readonly next: () => number;
  /** Takes rows in order, up to entry `next` (exclusive), in one transaction. */
  readonly add: (rows: readonly IndexRow[], next: number) => void;
  /** Newest first. */
  readonly entries: (query: EntryQuery) => readonly EntryHit[];
  /** Sessions with at least one entry that fits, newest first, as their ids. */
  readonly sessions: (query: EntryQuery & { readonly olderThan?: string }) => readonly string[];
  /** Forgets the words of a session's statements and what its client said. */
  readonly forget: (session: string) => void;
}

const version = 1;

// `words` has no content: it can say which entries have a word, and give no statement back.
const schema = `
  CREATE TABLE entry (
    n INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, session TEXT, subject TEXT, agent TEXT, resource TEXT,
    run TEXT, verb TEXT, access TEXT, decision TEXT, review TEXT, risk TEXT
  ) STRICT;
  CREATE INDEX entry_at ON entry (at);
  CREATE INDEX entry_kind ON entry (kind, n);
  CREATE INDEX entry_session ON entry (session, n);
  CREATE INDEX entry_subject ON entry (subject, n);
  CREATE INDEX entry_agent ON entry (agent, n) WHERE agent IS NOT NULL;
  CREATE INDEX entry_resource ON entry (resource, n);
  CREATE INDEX entry_run ON entry (run, n) WHERE run IS NOT NULL;
  CREATE INDEX entry_verb ON entry (verb, n);
  CREATE INDEX entry_decision ON entry (decision, n);
  CREATE INDEX entry_review ON entry (review, n) WHERE review IS NOT NULL;
  CREATE INDEX entry_risk ON entry (risk, n) WHERE risk IS NOT NULL;
  CREATE TABLE object (name TEXT, n INTEGER, PRIMARY KEY (name, n)) STRICT, WITHOUT ROWID;
  CREATE TABLE rule (name TEXT, n INTEGER, PRIMARY KEY (name, n)) STRICT, WITHOUT ROWID;
  CREATE VIRTUAL TABLE words USING fts5 (text, content='', contentless_delete=1, detail=full);
  CREATE TABLE session (id TEXT PRIMARY KEY, n INTEGER NOT NULL, run TEXT) STRICT, WITHOUT ROWID;
  CREATE INDEX session_n ON session (n);
  CREATE TABLE state (ledger TEXT NOT NULL, next INTEGER NOT NULL) STRICT;
  PRAGMA user_version = ${version};
`;

/**
 * The index in a SQLite file. It can always be built again from the ledger: a file of another ledger, of another version,
 * or ahead of `size` is emptied. What a crash takes from it is read again, so it never waits for the disk.
 */
export function indexDatabase(path: string, ledger: string, size: number): IndexDatabase {
  const database = new DatabaseSync(path);
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA secure_delete = ON; PRAGMA cache_size = -65536; PRAGMA mmap_size = 1073741824',
  );
  if (!fits(database, ledger, size)) {
    empty(database);
    database.exec(schema);
    database.prepare('INSERT INTO state VALUES (?, 0)').run(ledger);
  }
  const prepared = new Map<string, StatementSync>();
  const sql = (text: string): StatementSync => {
    const known = prepared.get(text) ?? database.prepare(text);
    if (prepared.size < 500) prepared.set(text, known);
    return known;
  };
  return {
    next: () => Number(sql('SELECT next FROM state').get()?.['next']),
    add: (rows, next) => {
      database.exec('BEGIN');
      try {
        for (const row of rows) insert(sql, row);
        sql('UPDATE state SET next = ?').run(next);
        database.exec('COMMIT');
      } catch (thrown) {
        database.exec('ROLLBACK');
        throw thrown;
      }
    },
    entries: (query) => {
      const { where, values } = conditions(query);
      const found = sql(
        `SELECT n, at, kind, session, subject, resource, run, verb, access, decision, review, risk FROM entry e
         ${where} ORDER BY n DESC LIMIT ?`,
      ).all(...values, query.limit);
      return found.map(hitOf);
    },
    sessions: ({ olderThan, ...query }) => {
      const { where, values } = conditions(query);
      const before = olderThan === undefined ? '' : 'AND s.n < (SELECT n FROM session WHERE id = ?)';
      const found = sql(
        `SELECT id FROM session s WHERE s.id IN (SELECT session FROM entry e ${where}) ${before} ORDER BY s.n DESC LIMIT ?`,
      ).all(...values, ...(olderThan === undefined ? [] : [olderThan]), query.limit);
      return found.map((row) => String(row['id']));
    },
    forget: (session) => {
      sql('DELETE FROM words WHERE rowid IN (SELECT n FROM entry WHERE session = ?)').run(session);
      sql('UPDATE entry SET run = NULL WHERE session = ?').run(session);
      sql('UPDATE session SET run = NULL WHERE id = ?').run(session);
      // FTS5 only marks what is deleted until its segments are merged.
      database.exec("INSERT INTO words (words) VALUES ('optimize'); PRAGMA wal_checkpoint(TRUNCATE)");
    },
    [Symbol.dispose]: () => database.close(),
  };
}

function fits(database: DatabaseSync, ledger: string, size: number): boolean {
  if (Number(database.prepare('PRAGMA user_version').get()?.['user_version']) !== version) return false;
  const state = database.prepare('SELECT ledger, next FROM state').get();
  return state?.['ledger'] === ledger && Number(state['next']) <= size;
}

function empty(database: DatabaseSync): void {
  for (const name of ['entry', 'object', 'rule', 'words', 'session', 'state'])
    database.exec(`DROP TABLE IF EXISTS ${name}`);
}

function insert(sql: (text: string) => StatementSync, row: IndexRow): void {
  const { n, session } = row;
  const run = row.run ?? (session === undefined ? null : runOf(sql, session));
  const values = [row.subject, row.agent, row.resource].map((each) => each ?? null);
  const more = [row.verb, row.access, row.decision, row.review, row.risk].map((each) => each ?? null);
  sql('INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)').run(
    n,
    row.at,
    row.kind,
    session ?? null,
    ...values,
    run,
    ...more,
  );
  if (row.kind === 'session.opened' && session !== undefined)
    sql('INSERT OR REPLACE INTO session VALUES (?, ?, ?)').run(session, n, run);
  for (const name of row.objects) sql('INSERT OR IGNORE INTO object VALUES (?, ?)').run(name, n);
  for (const name of row.rules) sql('INSERT OR IGNORE INTO rule VALUES (?, ?)').run(name, n);
  if (row.text !== undefined)
    sql('INSERT OR REPLACE INTO words (rowid, text) VALUES (?, ?)').run(n, row.text);
}

function runOf(sql: (text: string) => StatementSync, session: string): string | null {
  const run = sql('SELECT run FROM session WHERE id = ?').get(session)?.['run'];
  return typeof run === 'string' ? run : null;
}

const columns = {
  identity: 'subject',
  agent: 'agent',
  run: 'run',
  resource: 'resource',
  session: 'session',
  kind: 'kind',
  verb: 'verb',
  access: 'access',
  effect: 'decision',
  review: 'review',
  risk: 'risk',
} as const;

function conditions(query: EntryQuery): { readonly where: string; readonly values: (string | number)[] } {
  const parts: string[] = [];
  const values: (string | number)[] = [];
  const also = (part: string, value: string | number | undefined): void => {
    if (value === undefined) return;
    parts.push(part);
    values.push(value);
  };
  for (const [name, column] of Object.entries(columns))
    also(`e.${column} = ?`, query[name as keyof typeof columns]);
  also('e.at >= ?', query.from);
  also('e.at < ?', query.to);
  also('e.n < ?', query.before);
  also('e.n IN (SELECT n FROM object WHERE name = ?)', query.object);
  also('e.n IN (SELECT n FROM rule WHERE name = ?)', query.rule);
  if (query.text !== undefined)
    also('e.n IN (SELECT rowid FROM words WHERE words MATCH ?)', words(query.text));
  return { where: parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, values };
}

/** SECURITY: what is asked is words, never the query language of the index. */
function words(text: string): string {
  return text
    .split(/\s+/u)
    .filter((word) => word !== '')
    .map((word) => `"${word.replaceAll('"', '""')}"`)
    .join(' ');
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

function hitOf(row: Record<string, unknown>): EntryHit {
  const optional = Object.fromEntries(
    shown.flatMap(([column, name]) => (typeof row[column] === 'string' ? [[name, row[column]]] : [])),
  );
  return { entry: Number(row['n']), at: Number(row['at']), kind: String(row['kind']), ...optional };
}
