import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { Fault } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { instant, type Instant } from '../base/time.ts';
import type { Review, ReviewId, ReviewState, Vote } from '../core/review.ts';
import type { ReviewQuery, ReviewStore, Step, StoredGrant, StoredReview } from '../reviews/index.ts';

export interface OpenReviews extends ReviewStore, Disposable {
  /** Forgets what ended before `at`: its texts can be personal. Gives how many. Results older than `results` go too. */
  readonly prune: (at: Instant, results?: Instant) => number;
}

// `body` is the review as it was asked, without what changes: state, votes, estimate, end.
const schema = `
  CREATE TABLE IF NOT EXISTS reviews (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, binding TEXT NOT NULL,
    fingerprint TEXT NOT NULL, asked_at INTEGER NOT NULL, ended_at INTEGER, end TEXT, estimate TEXT, outcome TEXT, body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS reviews_state ON reviews (state, asked_at);
  CREATE INDEX IF NOT EXISTS reviews_fingerprint ON reviews (fingerprint, state);
  CREATE INDEX IF NOT EXISTS reviews_subject ON reviews (subject, state);
  CREATE INDEX IF NOT EXISTS reviews_binding ON reviews (binding, state);
  CREATE TABLE IF NOT EXISTS votes (
    review TEXT NOT NULL REFERENCES reviews (id) ON DELETE CASCADE, subject TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (review, subject)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS results (
    review TEXT PRIMARY KEY REFERENCES reviews (id) ON DELETE CASCADE, at INTEGER NOT NULL, fetched INTEGER NOT NULL, box BLOB NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS class_grants (
    review TEXT PRIMARY KEY REFERENCES reviews (id) ON DELETE CASCADE, class TEXT NOT NULL, for_ms INTEGER NOT NULL,
    until_at INTEGER NOT NULL, count INTEGER NOT NULL, used INTEGER NOT NULL, revoked_at INTEGER, why TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS class_grants_class ON class_grants (class);
  CREATE TABLE IF NOT EXISTS clock (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS counts (
    fingerprint TEXT NOT NULL, state TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (fingerprint, state)
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER IF NOT EXISTS counts_added AFTER INSERT ON reviews BEGIN
    INSERT INTO counts VALUES (NEW.fingerprint, NEW.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
  END;
  CREATE TRIGGER IF NOT EXISTS counts_stepped AFTER UPDATE OF state ON reviews WHEN OLD.state <> NEW.state BEGIN
    UPDATE counts SET n = n - 1 WHERE fingerprint = OLD.fingerprint AND state = OLD.state;
    INSERT INTO counts VALUES (NEW.fingerprint, NEW.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
  END;
  CREATE TRIGGER IF NOT EXISTS counts_removed AFTER DELETE ON reviews BEGIN
    UPDATE counts SET n = n - 1 WHERE fingerprint = OLD.fingerprint AND state = OLD.state;
    DELETE FROM counts WHERE fingerprint = OLD.fingerprint AND state = OLD.state AND n = 0;
  END;
  PRAGMA user_version = 3;
`;

const endStates: ReadonlySet<ReviewState> = new Set([
  'done',
  'refused',
  'expired',
  'withdrawn',
  'void',
  'unknown',
]);

/**
 * Reviews in a SQLite file of this folder, which its owner alone may read: the texts in it are not encrypted. `:memory:` keeps
 * them nowhere, for tests. Results of tickets are sealed with `key` (32 bytes, hex).
 */
export function openReviews(folder: string, key?: Secret): OpenReviews {
  if (folder !== ':memory:') mkdirSync(folder, { recursive: true, mode: 0o700 });
  const database = open(folder === ':memory:' ? folder : `${folder}/reviews.db`);
  const prepared = new Map<string, StatementSync>();
  const sql = (text: string): StatementSync => {
    const known = prepared.get(text) ?? database.prepare(text);
    prepared.set(text, known);
    return known;
  };
  const read = (row: Record<string, unknown>): StoredReview => {
    const votes = sql('SELECT body FROM votes WHERE review = ? ORDER BY rowid').all(String(row['id']));
    return rowToReview(row, votes);
  };
  return {
    add: (review) => {
      const { state, votes: _, estimate, ...body } = review;
      sql(
        'INSERT INTO reviews (id, state, kind, subject, binding, fingerprint, asked_at, estimate, body, by_grant) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ).run(
        review.id,
        state,
        review.kind,
        review.identity.subject,
        review.binding,
        review.fingerprint,
        review.askedAt,
        estimate === undefined ? null : JSON.stringify(estimate),
        JSON.stringify(body),
        review.grant ?? null,
      );
    },
    find: (id) => {
      const row = sql('SELECT * FROM reviews WHERE id = ?').get(id);
      return row === undefined ? undefined : read(row);
    },
    list: (query) => listed(sql, query).map(read),
    step: (id, step) => stepped(database, sql, id, step),
    vote: (id, vote) =>
      sql(
        "INSERT OR IGNORE INTO votes (review, subject, body) SELECT id, ?, ? FROM reviews WHERE id = ? AND state = 'waiting'",
      ).run(vote.by, JSON.stringify(vote), id).changes === 1,
    estimated: (id, estimate) => {
      sql('UPDATE reviews SET estimate = ? WHERE id = ?').run(JSON.stringify(estimate), id);
    },
    history: (fingerprint) => {
      const rows = sql('SELECT state, n FROM counts WHERE fingerprint = ?').all(fingerprint);
      const of = (...states: readonly ReviewState[]): number =>
        rows
          .filter((row) => states.some((state) => state === row['state']))
          .reduce((sum, row) => sum + Number(row['n']), 0);
      return {
        asked: rows.reduce((sum, row) => sum + Number(row['n']), 0),
        approved: of('approved', 'running', 'done', 'unknown'),
        refused: of('refused'),
      };
    },
    alike: (fingerprint) =>
      Number(
        sql("SELECT n FROM counts WHERE fingerprint = ? AND state = 'waiting'").get(fingerprint)?.['n'] ?? 0,
      ),
    ticket: (binding, state) => {
      const row = sql(
        "SELECT * FROM reviews INDEXED BY reviews_binding WHERE binding = ? AND state = ? AND kind = 'ticket' ORDER BY rowid LIMIT 1",
      ).get(binding, state);
      return row === undefined ? undefined : read(row);
    },
    waitingOf: (subject) =>
      Number(
        sql(
          "SELECT count(*) AS n FROM reviews INDEXED BY reviews_subject WHERE subject = ? AND state = 'waiting'",
        ).get(subject)?.['n'] ?? 0,
      ),
    askedSince: (subject, at) => {
      const row = sql(
        'SELECT count(*) AS n, min(asked_at) AS oldest FROM reviews INDEXED BY reviews_by_asker WHERE subject = ? AND asked_at > ? AND by_grant IS NULL',
      ).get(subject, at);
      const { n, oldest } = row ?? {};
      return { count: Number(n ?? 0), ...(typeof oldest === 'number' ? { oldest: instant(oldest) } : {}) };
    },
    waitingAlike: (subject, fingerprint, limit) =>
      sql(
        "SELECT id FROM reviews INDEXED BY reviews_fingerprint WHERE fingerprint = ? AND state = 'waiting' AND subject = ? ORDER BY rowid LIMIT ?",
      )
        .all(fingerprint, subject, limit)
        .map(({ id }) => String(id) as ReviewId), // what `add` put in
    grant: ({ id, class: of, forMs, until, count, used }) =>
      void sql(
        'INSERT INTO class_grants (review, class, for_ms, until_at, count, used) VALUES (?, ?, ?, ?, ?, ?)',
      ).run(id, of, forMs, until, count, used),
    granted: (id) => {
      const row = sql('SELECT * FROM class_grants WHERE review = ?').get(id);
      return row === undefined ? undefined : rowToGrant(row);
    },
    grants: (at, ofClass) =>
      sql(
        `SELECT * FROM class_grants WHERE ${ofClass === undefined ? '' : 'class = ? AND'} used < count AND until_at > ? AND revoked_at IS NULL ORDER BY rowid DESC LIMIT 1000`,
      )
        .all(...(ofClass === undefined ? [] : [ofClass]), at)
        .map(rowToGrant),
    seen: () => instant(Number(sql('SELECT at FROM clock').get()?.['at'] ?? 0)),
    see: (at) =>
      void sql(
        'INSERT INTO clock (one, at) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET at = max(at, excluded.at)',
      ).run(at),
    take: (id, by, at) => taken(database, sql, { id, by, at }),
    revoke: (id, at, why) =>
      sql(
        'UPDATE class_grants SET revoked_at = ?, why = ? WHERE review = ? AND revoked_at IS NULL AND used < count AND until_at > ?',
      ).run(at, why, id, at).changes === 1,
    keepResult: (id, result, at) => {
      sql('INSERT OR IGNORE INTO results (review, at, fetched, box) VALUES (?, ?, 0, ?)').run(
        id,
        at,
        sealed(key, id, result),
      );
    },
    result: (id) => {
      const box = sql('SELECT box FROM results WHERE review = ?').get(id)?.['box'];
      return box instanceof Uint8Array ? unsealed(key, id, box) : undefined;
    },
    since: (at, limit) =>
      sql('SELECT * FROM reviews WHERE asked_at >= ? ORDER BY asked_at DESC, rowid DESC LIMIT ?')
        .all(at, limit)
        .map(read)
        .toReversed(),
    fetched: (id) => void sql('UPDATE results SET fetched = 1 WHERE review = ?').run(id),
    toTicket: (id) =>
      sql(
        "UPDATE reviews SET kind = 'ticket', body = json_set(body, '$.kind', 'ticket') WHERE id = ? AND kind = 'live' AND state = 'waiting'",
      ).run(id).changes === 1,
    unread: (binding) => {
      const row = sql(
        `SELECT reviews.* FROM reviews INDEXED BY reviews_binding JOIN results ON results.review = reviews.id
         WHERE binding = ? AND state = 'done' AND fetched = 0 ORDER BY reviews.rowid DESC LIMIT 1`,
      ).get(binding);
      return row === undefined ? undefined : read(row);
    },
    prune: (at, results = at) => {
      sql('DELETE FROM results WHERE at < ?').run(results);
      return Number(sql('DELETE FROM reviews WHERE ended_at < ?').run(at).changes);
    },
    [Symbol.dispose]: () => database.close(),
  };
}

function open(file: string): DatabaseSync {
  try {
    const database = new DatabaseSync(file, { enableForeignKeyConstraints: true });
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 2000');
    const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
    database.exec(schema);
    // What an older gateway made has no column for it.
    if (Number(version) < 3)
      database.exec(
        'INSERT OR REPLACE INTO counts SELECT fingerprint, state, count(*) FROM reviews GROUP BY fingerprint, state',
      );
    const columns = database.prepare('PRAGMA table_info(reviews)').all();
    if (!columns.some(({ name }) => name === 'by_grant'))
      database.exec('ALTER TABLE reviews ADD COLUMN by_grant TEXT');
    database.exec('CREATE INDEX IF NOT EXISTS reviews_by_asker ON reviews (subject, asked_at, by_grant)');
    return database;
  } catch (thrown) {
    throw new Fault('config', `The reviews in ${file} cannot be opened`, { cause: thrown });
  }
}

/** 12 bytes nonce, ciphertext, 16 bytes tag (AES-256-GCM), bound to the review. */
function sealed(key: Secret | undefined, id: string, plain: Uint8Array): Uint8Array {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', keyBytes(key), nonce);
  cipher.setAAD(Buffer.from(id));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function unsealed(key: Secret | undefined, id: string, box: Uint8Array): Uint8Array | undefined {
  if (box.length < 28) return undefined;
  const cipher = createDecipheriv('aes-256-gcm', keyBytes(key), box.subarray(0, 12), { authTagLength: 16 });
  cipher.setAAD(Buffer.from(id));
  cipher.setAuthTag(box.subarray(box.length - 16));
  try {
    return Buffer.concat([cipher.update(box.subarray(12, box.length - 16)), cipher.final()]);
  } catch {
    return undefined; // another key, or a byte was changed
  }
}

function keyBytes(key: Secret | undefined): Uint8Array {
  if (key === undefined)
    throw new Fault('config', 'Results of tickets cannot be kept: there is no key to seal them with');
  return Buffer.from(key.reveal('results of tickets'), 'hex');
}

type Sql = (text: string) => StatementSync;

function listed(sql: Sql, { limit, states, subject }: ReviewQuery): Record<string, unknown>[] {
  const where = [
    ...(states === undefined ? [] : [`state IN (${states.map(() => '?').join(', ')})`]),
    ...(subject === undefined ? [] : ['subject = ?']),
  ];
  const given = [...(states ?? []), ...(subject === undefined ? [] : [subject])];
  return sql(
    `SELECT * FROM reviews ${where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`} ORDER BY asked_at DESC, rowid DESC LIMIT ?`,
  ).all(...given, limit);
}

function stepped(database: DatabaseSync, sql: Sql, id: ReviewId, step: Step): boolean {
  const { from, to, at, end, outcome } = step;
  // What starts to run must be known after a power cut too, or it could run again; all else is decided again then.
  const durable = to === 'running';
  if (durable) database.exec('PRAGMA synchronous = FULL');
  try {
    const { changes } = sql(
      `UPDATE reviews SET state = ?, ended_at = ?, end = coalesce(?, end), outcome = coalesce(?, outcome) WHERE id = ? AND state IN (${from.map(() => '?').join(', ')})`,
    ).run(
      to,
      endStates.has(to) ? at : null,
      end ?? null,
      outcome === undefined ? null : JSON.stringify(outcome),
      id,
      ...from,
    );
    return changes === 1;
  } finally {
    if (durable) database.exec('PRAGMA synchronous = NORMAL');
  }
}

/** SECURITY: one transaction, so that no use is counted that did not begin, and none begins that is not counted. */
function taken(
  database: DatabaseSync,
  sql: Sql,
  { id, by, at }: { readonly id: ReviewId; readonly by: ReviewId; readonly at: Instant },
): number | undefined {
  database.exec('PRAGMA synchronous = FULL');
  database.exec('BEGIN IMMEDIATE');
  let use: number | undefined;
  try {
    const counted = sql(
      'UPDATE class_grants SET used = used + 1 WHERE review = ? AND used < count AND until_at > ? AND revoked_at IS NULL RETURNING used',
    ).get(id, at)?.['used'];
    const began =
      counted === undefined
        ? 0
        : sql(
            "UPDATE reviews SET state = 'running' WHERE id = ? AND state = 'approved' AND by_grant = ?",
          ).run(by, id).changes;
    if (typeof counted === 'number' && began === 1) use = counted;
    database.exec(use === undefined ? 'ROLLBACK' : 'COMMIT');
    return use;
  } catch (thrown) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw thrown;
  } finally {
    database.exec('PRAGMA synchronous = NORMAL');
  }
}

function rowToGrant(row: Record<string, unknown>): StoredGrant {
  const { revoked_at: revokedAt, why } = row;
  return {
    id: String(row['review']) as ReviewId, // what `grant` put in
    class: String(row['class']),
    forMs: Number(row['for_ms']),
    until: instant(Number(row['until_at'])),
    count: Number(row['count']),
    used: Number(row['used']),
    ...(typeof revokedAt === 'number' ? { revokedAt: instant(revokedAt) } : {}),
    ...(typeof why === 'string' ? { revoked: why } : {}),
  };
}

/** What `add` put in, with what has changed since. The file is ours alone, so its form is trusted. */
function rowToReview(row: Record<string, unknown>, votes: readonly Record<string, unknown>[]): StoredReview {
  const body = JSON.parse(String(row['body'])) as Omit<StoredReview, 'state' | 'votes' | 'estimate'>;
  const { ended_at: endedAt, end, estimate, outcome } = row;
  return {
    ...body,
    state: row['state'] as ReviewState,
    votes: votes.map((each) => JSON.parse(String(each['body'])) as Vote),
    ...(typeof endedAt === 'number' ? { endedAt: endedAt as Instant } : {}),
    ...(typeof end === 'string' ? { end } : {}),
    ...(typeof estimate === 'string'
      ? { estimate: JSON.parse(estimate) as NonNullable<Review['estimate']> }
      : {}),
    ...(typeof outcome === 'string'
      ? { outcome: JSON.parse(outcome) as NonNullable<StoredReview['outcome']> }
      : {}),
  };
}
