import type { KeyObject } from 'node:crypto';
import { rowOf, type IndexRow } from './index-rows.ts';
import { keysOfSessions } from './keys.ts';
import { readEntries } from './read.ts';

/** What the index reads a ledger by: its data folder, and the name it was begun with. */
export interface IndexSource {
  readonly folder: string;
  readonly origin: string;
}

/** The rows of published entries `from` to `to` (exclusive), in order, opened with the keys that still exist. */
export async function rowsFrom(
  { folder, origin }: IndexSource,
  range: { readonly from: number; readonly to: number; readonly size: number },
): Promise<readonly IndexRow[]> {
  const keys = keysOfSessions(folder);
  // For this one call: a key that is destroyed meanwhile is not used in the next.
  const found = new Map<string, KeyObject | undefined>();
  const keyOf = (keyId: string, owner: string): KeyObject | undefined => {
    const name = `${keyId} ${owner}`;
    if (!found.has(name)) found.set(name, keys.find(keyId, owner));
    return found.get(name);
  };
  const rows: IndexRow[] = [];
  for await (const { entry, index } of readEntries(folder, range, { origin, keyOf })) {
    const row = rowOf(entry, index);
    if (row !== undefined) rows.push(row);
  }
  return rows;
}
