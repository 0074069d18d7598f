import { Fault } from '../../base/errors.ts';

/** Rows of a simple query's one result, as text. Rejects with the server's error. */
export type Query = (sql: string) => Promise<readonly Row[]>;
export type Row = readonly (string | null)[];

export function group<T>(
  rows: readonly Row[],
  make: (row: Row) => T,
  by = 0,
): ReadonlyMap<number, readonly T[]> {
  const groups = new Map<number, T[]>();
  for (const row of rows) {
    const key = oid(row, by);
    const found = groups.get(key);
    if (found === undefined) groups.set(key, [make(row)]);
    else found.push(make(row));
  }
  return groups;
}

export function only(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined || rows.length !== 1)
    throw new Fault('catalogue', 'Expected one row from the catalogue');
  return row;
}

/** The cell's text. A NULL where none can be is a Fault: nothing is guessed about a database. */
export function text(row: Row, at: number): string {
  const cell = row[at];
  if (cell === null || cell === undefined) throw new Fault('catalogue', 'A fact of the catalogue is missing');
  return cell;
}

export function oid(row: Row, at: number): number {
  const value = Number(text(row, at));
  if (!Number.isSafeInteger(value)) throw new Fault('catalogue', 'A fact of the catalogue is not a number');
  return value;
}

export function oids(row: Row, at: number): readonly number[] {
  return text(row, at).split(' ').map(Number);
}

export function flag(row: Row, at: number): boolean {
  return text(row, at) === 't';
}

/** A JSON list of names; NULL is an empty one. */
export function strings(cell: string | null | undefined): readonly string[] {
  if (cell === null || cell === undefined) return [];
  const value: unknown = JSON.parse(cell);
  if (!Array.isArray(value)) throw new Fault('catalogue', 'A fact of the catalogue is not a list');
  return (value as readonly unknown[]).map((each) => (typeof each === 'string' ? each : ''));
}

/** SECURITY: a letter that a newer server added has a meaning we do not know; nothing is read wrongly instead. */
export function lookup<T>(table: Readonly<Record<string, T>>, letter: string): T {
  const found = table[letter];
  if (found === undefined)
    throw new Fault('catalogue', 'The catalogue holds a kind of object that is not known');
  return found;
}
