import { mkdirSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Fault } from '../base/errors.ts';
import { instant } from '../base/time.ts';
import type { Grant } from '../core/access.ts';
import type { GrantStore } from '../reviews/index.ts';

export interface OpenGrants extends GrantStore, Disposable {}

const schema = `
  CREATE TABLE IF NOT EXISTS grants (
    id TEXT PRIMARY KEY, until_at INTEGER NOT NULL, ended_at INTEGER, body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS grants_live ON grants (ended_at);
  CREATE TABLE IF NOT EXISTS clock (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL) STRICT;
  PRAGMA user_version = 1;
`;

/** Grants in a SQLite file of this folder, which its owner alone may read. `:memory:` keeps them nowhere, for tests. */
export function openGrants(folder: string): OpenGrants {
  if (folder !== ':memory:') mkdirSync(folder, { recursive: true, mode: 0o700 });
  const database = open(folder === ':memory:' ? folder : `${folder}/grants.db`);
  const add = database.prepare('INSERT INTO grants (id, until_at, body) VALUES (?, ?, ?)');
  const end = database.prepare('UPDATE grants SET ended_at = ? WHERE id = ? AND ended_at IS NULL');
  const until = database.prepare('SELECT until_at FROM grants WHERE id = ?');
  const live = database.prepare('SELECT body FROM grants WHERE ended_at IS NULL');
  const seen = database.prepare('SELECT at FROM clock');
  const see = database.prepare(
    'INSERT INTO clock (one, at) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET at = max(at, excluded.at)',
  );
  return {
    add: (grant) => void add.run(grant.id, grant.until, JSON.stringify(grant)),
    end: (id, at) => end.run(at, id).changes === 1,
    until: (id) => {
      const at = until.get(id)?.['until_at'];
      return typeof at === 'number' ? instant(at) : undefined;
    },
    live: () => live.all().map((row) => JSON.parse(String(row['body'])) as Grant), // what `add` put in
    seen: () => instant(Number(seen.get()?.['at'] ?? 0)),
    see: (at) => void see.run(at),
    [Symbol.dispose]: () => database.close(),
  };
}

function open(file: string): DatabaseSync {
  try {
    const database = new DatabaseSync(file);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000');
    database.exec(schema);
    return database;
  } catch (thrown) {
    throw new Fault('config', `The grants in ${file} cannot be opened`, { cause: thrown });
  }
}
