import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Fault } from '../base/errors.ts';
import {
  decodeBundle,
  decodeEnvelope,
  openEnvelope,
  type Stored,
  tilePath,
  tileWidth,
} from '../ledger/index.ts';

export interface Opener {
  readonly origin: string;
  readonly keyOf: (keyId: string, owner: string) => KeyObject | undefined;
}

export interface Range {
  readonly from: number;
  readonly to: number; // exclusive
  /** Entries whose bundles are in place. */
  readonly size: number;
  /** Only entries whose bytes contain this; the others are not even parsed. */
  readonly containing?: string;
}

/** Published entries of a data folder, in order. Rejects with a Fault `ledger` where one cannot be read. */
export async function* readEntries(folder: string, range: Range, opener: Opener): AsyncGenerator<Stored> {
  const { from, to, size, containing } = range;
  for (let bundle = Math.floor(from / tileWidth); bundle * tileWidth < to; bundle++) {
    const width = Math.min(tileWidth, size - bundle * tileWidth);
    const bytes = await readBundle(folder, bundle, width);
    if (containing !== undefined && !bytes.includes(containing)) continue;
    for (const [at, entry] of (decodeBundle(bytes) ?? []).entries()) {
      const index = bundle * tileWidth + at;
      if (index < from || index >= to) continue;
      if (
        containing !== undefined &&
        !Buffer.from(entry.buffer, entry.byteOffset, entry.length).includes(containing)
      )
        continue;
      const envelope = decodeEnvelope(entry);
      if (!envelope.ok) throw new Fault('ledger', `Entry ${index} cannot be read: ${envelope.error}`);
      yield openEnvelope(envelope.value, opener.origin, opener.keyOf);
    }
  }
}

/** A bundle of at least this many entries. A narrow file may give way to a wider one while we look. */
async function readBundle(folder: string, index: number, width: number): Promise<Buffer> {
  for (const wide of width < tileWidth ? [width, tileWidth] : [tileWidth]) {
    try {
      return await readFile(`${folder}/ledger/${tilePath({ kind: 'entries', index, width: wide })}`);
    } catch (thrown) {
      if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT')) throw thrown;
    }
  }
  throw new Fault('ledger', `Entries ${index * tileWidth} and following are missing from the ledger`);
}
