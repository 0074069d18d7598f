/**
 * What is kept for how long, what must be kept, and what was erased: read from the ledger and kept in a database that can
 * always be built again from it.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { type Instant, instant } from '../base/time.ts';
import type { Actor, Entry, HoldScope } from '../core/entry.ts';
import type { SessionId } from '../core/session.ts';
import type { OpenLedger } from './ledger.ts';

export interface Kept {
  readonly session: SessionId;
  readonly startedAt: Instant;
}

export interface Hold {
  readonly id: string;
  readonly at: Instant;
  readonly by: string;
  readonly scope: HoldScope;
}

export interface Erasure {
  readonly at: Instant;
  readonly by: string;
  readonly rule: string;
  readonly why: string;
}

/** Why a session cannot be erased. */
export type Bar = { readonly kind: 'held'; readonly holds: readonly string[] } | { readonly kind: 'open' };

/** All answers are as of the last entry on disk when they are asked for. Each rejects with a Fault when that cannot be read. */
export interface Custody extends Disposable {
  readonly holds: () => Promise<readonly Hold[]>;
  /** Sessions with all of these that were not erased, oldest first. */
  readonly sessions: (scope: HoldScope) => Promise<readonly Kept[]>;
  /** Sessions whose time is over, oldest first; at most `limit`. Those that are held are not among them. */
  readonly expired: (
    now: Instant,
    limit: number,
  ) => Promise<readonly (Kept & { readonly retainMs: number })[]>;
  readonly barred: (session: SessionId) => Promise<Bar | undefined>;
  readonly erased: (session: string) => Promise<Erasure | undefined>;
  /** Erasures that stand in the ledger and were not finished. */
  readonly unfinished: () => Promise<readonly Kept[]>;
  readonly finished: (sessions: readonly SessionId[]) => void;
}

const version = 1;
const schema = `
  CREATE TABLE session (
    id TEXT PRIMARY KEY, started INTEGER NOT NULL, last INTEGER NOT NULL, ended INTEGER, subject TEXT NOT NULL, owners TEXT NOT NULL,
    resource TEXT NOT NULL, retain INTEGER, kept INTEGER NOT NULL DEFAULT 0, erased INTEGER, by TEXT, rule TEXT, why TEXT, done INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX session_subject ON session (subject);
  CREATE INDEX session_due ON session (ended + retain) WHERE erased IS NULL AND kept = 0 AND retain IS NOT NULL AND ended IS NOT NULL;
  CREATE INDEX session_undone ON session (id) WHERE erased IS NOT NULL AND done = 0;
  CREATE TABLE hold (id TEXT PRIMARY KEY, at INTEGER NOT NULL, by TEXT NOT NULL, session TEXT, identity TEXT, resource TEXT) STRICT, WITHOUT ROWID;
  CREATE TABLE state (ledger TEXT NOT NULL, next INTEGER NOT NULL) STRICT;
  PRAGMA user_version = ${version};
`;
const tables = ['session', 'hold', 'state'];

type Sql = (text: string) => StatementSync;
type Row = Readonly<Record<string, unknown>>;

/** Opens the database at `path`; what it lacks is read from the ledger with the first question. */
export function openCustody(path: string, ledger: OpenLedger): Custody {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON');
  if (!fits(database, ledger)) {
    for (const name of tables) database.exec(`DROP TABLE IF EXISTS ${name}`);
    database.exec(schema);
    database.prepare('INSERT INTO state VALUES (?, 0)').run(ledger.key.name);
  }
  const prepared = new Map<string, StatementSync>();
  const sql: Sql = (text) => {
    const known = prepared.get(text) ?? database.prepare(text);
    prepared.set(text, known);
    return known;
  };
  let reading: Promise<void> = Promise.resolve();
  /** One at a time; SECURITY: no answer is given on an older state, a hold might stand in what was not read yet. */
  const current = (): Promise<void> => {
    reading = reading.catch(() => undefined).then(() => catchUp(database, sql, ledger));
    return reading;
  };
  return {
    holds: async () => {
      await current();
      return sql('SELECT * FROM hold ORDER BY at, id').all().map(holdOf);
    },
    sessions: async (scope) => {
      await current();
      const { where, values } = within(scope);
      return sql(`SELECT id, started FROM session WHERE erased IS NULL AND ${where} ORDER BY started, id`)
        .all(...values)
        .map(keptOf);
    },
    expired: async (now, limit) => {
      await current();
      return sql(
        `SELECT id, started, retain FROM session s WHERE erased IS NULL AND kept = 0 AND retain IS NOT NULL AND ended IS NOT NULL
         AND ended + retain <= ? AND NOT EXISTS (${holding}) ORDER BY ended + retain LIMIT ?`,
      )
        .all(now, limit)
        .map((row) => ({ ...keptOf(row), retainMs: Number(row['retain']) }));
    },
    barred: async (session) => {
      await current();
      const row = sql('SELECT ended FROM session WHERE id = ?').get(session);
      if (row?.['ended'] === null) return { kind: 'open' };
      const holds = sql(`SELECT h.id FROM session s, hold h WHERE s.id = ? AND ${held}`).all(session);
      return holds.length === 0
        ? undefined
        : { kind: 'held', holds: holds.map((each) => String(each['id'])) };
    },
    erased: async (session) => {
      await current();
      const row = sql('SELECT erased, by, rule, why FROM session WHERE id = ? AND erased IS NOT NULL').get(
        session,
      );
      return row === undefined
        ? undefined
        : {
            at: instant(Number(row['erased'])),
            by: String(row['by']),
            rule: String(row['rule']),
            why: String(row['why']),
          };
    },
    unfinished: async () => {
      await current();
      return sql('SELECT id, started FROM session WHERE erased IS NOT NULL AND done = 0').all().map(keptOf);
    },
    finished: (sessions) => {
      for (const session of sessions) sql('UPDATE session SET done = 1 WHERE id = ?').run(session);
    },
    [Symbol.dispose]: () => database.close(),
  };
}

const held = `(h.session IS NULL OR h.session = s.id) AND (h.resource IS NULL OR h.resource = s.resource)
  AND (h.identity IS NULL OR h.identity = s.subject OR instr(s.owners, char(10) || h.identity || char(10)) > 0)`;
const holding = `SELECT 1 FROM hold h WHERE ${held}`;

function fits(database: DatabaseSync, ledger: OpenLedger): boolean {
  if (Number(database.prepare('PRAGMA user_version').get()?.['user_version']) !== version) return false;
  const state = database.prepare('SELECT ledger, next FROM state').get();
  return state?.['ledger'] === ledger.key.name && Number(state['next']) <= ledger.size;
}

const batch = 5_000;

async function catchUp(database: DatabaseSync, sql: Sql, ledger: OpenLedger): Promise<void> {
  const { size } = ledger;
  for (let next = nextOf(sql); next < size; next = nextOf(sql)) {
    const to = Math.min(size, next + batch);
    const entries: Entry[] = [];
    for await (const { entry } of ledger.read(next, to)) entries.push(entry);
    database.exec('BEGIN');
    try {
      for (const entry of entries) take(sql, entry);
      sql('UPDATE state SET next = ?').run(next + entries.length);
      database.exec('COMMIT');
    } catch (thrown) {
      database.exec('ROLLBACK');
      throw thrown;
    }
    if (entries.length === 0) throw new Error('The ledger gave no entries where there are some');
  }
}

function nextOf(sql: Sql): number {
  return Number(sql('SELECT next FROM state').get()?.['next']);
}

function take(sql: Sql, entry: Entry): void {
  const run = (text: string, ...values: readonly (string | number | null)[]): void =>
    void sql(text).run(...values);
  switch (entry.kind) {
    case 'gateway.started': // whoever was still open was cut off with the gateway
      return run('UPDATE session SET ended = last WHERE ended IS NULL');
    case 'session.opened':
      return run(
        'INSERT OR IGNORE INTO session (id, started, last, subject, owners, resource) VALUES (?, ?, ?, ?, ?, ?)',
        entry.session,
        entry.at,
        entry.at,
        entry.identity.subject,
        ownersOf(entry.identity),
        entry.resource.name,
      );
    case 'decision': {
      const { demands } = entry;
      run('UPDATE session SET last = max(last, ?) WHERE id = ?', entry.at, entry.session);
      if (demands === undefined) return;
      // The longest counts; what no rule lets go is kept, and its session with it.
      if (demands.retainMs === undefined)
        return run('UPDATE session SET kept = 1 WHERE id = ?', entry.session);
      return run(
        'UPDATE session SET retain = max(coalesce(retain, 0), ?) WHERE id = ?',
        demands.retainMs,
        entry.session,
      );
    }
    case 'session.closed':
      return run('UPDATE session SET ended = max(last, ?) WHERE id = ?', entry.at, entry.session);
    case 'hold.added': {
      const { session = null, identity = null, resource = null } = entry.scope;
      const values = [entry.hold, entry.at, entry.by.subject, session, identity, resource];
      return run('INSERT OR REPLACE INTO hold VALUES (?, ?, ?, ?, ?, ?)', ...values);
    }
    case 'hold.removed':
      return run('DELETE FROM hold WHERE id = ?', entry.hold);
    case 'record.erased':
      for (const session of entry.sessions)
        run(
          'UPDATE session SET erased = ?, by = ?, rule = ?, why = ?, done = 0 WHERE id = ? AND erased IS NULL',
          entry.at,
          entry.by.subject,
          entry.rule,
          entry.why,
          session,
        );
      return;
    default:
      return;
  }
}

/** Everyone it acts for, each between line ends. */
function ownersOf({ actingFor }: Actor): string {
  return actingFor === undefined ? '\n' : `\n${actingFor.subject}${ownersOf(actingFor)}`;
}

function within({ session, identity, resource }: HoldScope): { where: string; values: string[] } {
  const parts: string[] = [];
  const values: string[] = [];
  if (session !== undefined) {
    parts.push('id = ?');
    values.push(session);
  }
  if (identity !== undefined) {
    parts.push('(subject = ? OR instr(owners, char(10) || ? || char(10)) > 0)');
    values.push(identity, identity);
  }
  if (resource !== undefined) {
    parts.push('resource = ?');
    values.push(resource);
  }
  return { where: parts.length === 0 ? '1' : parts.join(' AND '), values };
}

function keptOf(row: Row): Kept {
  return { session: String(row['id']) as SessionId, startedAt: instant(Number(row['started'])) }; // the ledger's
}

function holdOf(row: Row): Hold {
  const text = (name: string): string | undefined => (typeof row[name] === 'string' ? row[name] : undefined);
  const [session, identity, resource] = [text('session'), text('identity'), text('resource')];
  return {
    id: String(row['id']),
    at: instant(Number(row['at'])),
    by: String(row['by']),
    scope: {
      ...(session === undefined ? {} : { session: session as SessionId }), // the ledger's
      ...(identity === undefined ? {} : { identity }),
      ...(resource === undefined ? {} : { resource }),
    },
  };
}
