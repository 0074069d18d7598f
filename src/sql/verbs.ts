import type { Attribute } from '../core/action.ts';
import type { AttributeType } from '../core/protocol.ts';

/** What a SQL statement can want, for every SQL database. */
export const verbs: Readonly<Record<string, string>> = {
  'sql.select': 'Reads: SELECT, VALUES, TABLE, FETCH, EXECUTE of something that reads',
  'sql.insert': 'Adds rows: INSERT',
  'sql.update': 'Changes rows: UPDATE',
  'sql.delete': 'Removes rows: DELETE',
  'sql.merge': 'Adds, changes or removes rows: MERGE',
  'sql.truncate': 'Empties tables: TRUNCATE',
  'sql.copy': 'Moves rows in bulk: COPY',
  'sql.create': 'Makes something: CREATE, SELECT INTO, IMPORT FOREIGN SCHEMA',
  'sql.alter': 'Changes what something is: ALTER, RENAME, REFRESH MATERIALIZED VIEW',
  'sql.drop': 'Removes something with all it holds: DROP, DROP OWNED',
  'sql.grant': 'Changes rights or owners: GRANT, REVOKE, REASSIGN OWNED, ALTER DEFAULT PRIVILEGES',
  'sql.comment': 'Describes something: COMMENT, SECURITY LABEL',
  'sql.set': 'Changes a setting of the session: SET, RESET',
  'sql.show': 'Shows a setting: SHOW',
  'sql.transaction':
    'Begins or ends a transaction: BEGIN, COMMIT, ROLLBACK, SAVEPOINT, SET TRANSACTION, SET CONSTRAINTS',
  'sql.explain': 'Shows a plan without running it: EXPLAIN',
  'sql.call': 'Runs a procedure: CALL',
  'sql.do': 'Runs a block of code: DO',
  'sql.lock': 'Locks tables: LOCK',
  'sql.listen': 'Waits for notifications: LISTEN, UNLISTEN',
  'sql.notify': 'Sends a notification: NOTIFY',
  'sql.maintain': 'Tends tables and indexes: VACUUM, ANALYZE, REINDEX, CLUSTER, CHECKPOINT',
  'sql.session': 'Tends the session: DEALLOCATE, DISCARD, CLOSE, MOVE',
  'sql.admin': 'Operates the server: roles, databases, extensions, ALTER SYSTEM, LOAD',
  'sql.unknown': 'A statement that is not understood',
};

/** The attributes of every action of a SQL statement. */
export const attributes: Readonly<Record<string, AttributeType>> = {
  /** It changes or reads at most one row: all of a key's columns are compared with constants, and nothing else is. */
  byKey: 'boolean',
  /** Of the WHERE: `none`, `key` or `other`; of several changes in one statement the widest. */
  condition: 'string',
  /** Functions that it calls by name: `pg_catalog.lower`. */
  functions: 'strings',
  /** Settings that it changes. */
  settings: 'strings',
  /** COPY: `none`, `in` or `out`. */
  copy: 'string',
  /** It is EXPLAIN, with or without ANALYZE. */
  explain: 'boolean',
  /** What it makes or changes lives only as long as the session. */
  temporary: 'boolean',
  /** It takes locks that others wait for, beyond those of its verb. */
  locks: 'boolean',
};

/** Those of a statement that does nothing of what they speak of, or of which nothing is known. */
export const plainAttributes: Readonly<Record<string, Attribute>> = {
  byKey: false,
  condition: 'none',
  functions: [],
  settings: [],
  copy: 'none',
  explain: false,
  temporary: false,
  locks: false,
};
