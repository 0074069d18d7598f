import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { isObject } from '../base/check.ts';
import { tilePath, tileWidth } from '../ledger/index.ts';
import { diskFolder } from '../stores/folder.ts';
import { readEntries } from '../stores/read.ts';
import { CouldNotRun } from './command.ts';
import { readFromApi } from './records-api.ts';

/** Entries as they lie in a data folder, as `audit export` printed them, or of the gateway at a URL; `share` is how much has been read, 0 to 1. */
export async function* readRecords(
  from: string,
  share: (part: number) => void,
  keep?: string,
): AsyncGenerator<Readonly<Record<string, unknown>>> {
  if (/^https?:\/\//i.test(from)) {
    yield* readFromApi(from, share, keep);
    return;
  }
  const about = await stat(from).catch(() => undefined);
  if (about === undefined) throw new CouldNotRun(`There is no ${from}`);
  if (about.isDirectory()) yield* fromLedger(basename(from) === 'ledger' ? dirname(from) : from, share);
  else yield* fromFile(from, about.size, share);
}

async function* fromFile(
  path: string,
  size: number,
  share: (part: number) => void,
): AsyncGenerator<Readonly<Record<string, unknown>>> {
  let line = 0;
  let read = 0;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    line += 1;
    read += text.length + 1;
    if (line % 1_000 === 0) share(Math.min(1, read / size));
    if (text.trim() === '') continue;
    let raw: unknown;
    try {
      raw = JSON.parse(text);
    } catch {
      // JSON's own message quotes the line.
      throw new CouldNotRun(`${path}:${line} is not JSON: is the file whole?`);
    }
    if (line === 1 && isObject(raw) && typeof raw['from'] === 'string') continue; // kept from an API
    const entry = isObject(raw) && isObject(raw['entry']) ? raw['entry'] : raw;
    if (!isObject(entry)) throw new CouldNotRun(`${path}:${line} is no entry`);
    yield entry;
  }
}

async function* fromLedger(
  folder: string,
  share: (part: number) => void,
): AsyncGenerator<Readonly<Record<string, unknown>>> {
  const { files } = await diskFolder(`${folder}/ledger`)
    .list()
    .catch(() => ({ files: [] }));
  const size = sizeOf(new Set(files));
  if (size === 0)
    throw new CouldNotRun(`There is no ledger in ${folder}: expected a data folder with ledger/ in it`);
  // Sealed parts stay sealed: nothing in them is judged.
  const shut = { origin: '', keyOf: () => undefined };
  for await (const { index, entry, cut } of readEntries(folder, { from: 0, to: size, size }, shut)) {
    if (index % 1_000 === 0) share(index / size);
    yield cut === undefined ? { ...entry } : { ...entry, cut };
  }
}

/** How many entries have been published. */
function sizeOf(files: ReadonlySet<string>): number {
  for (let index = 0; ; index++) {
    if (files.has(tilePath({ kind: 'entries', index, width: tileWidth }))) continue;
    for (let width = tileWidth - 1; width >= 1; width--) {
      if (files.has(tilePath({ kind: 'entries', index, width }))) return index * tileWidth + width;
    }
    return index * tileWidth;
  }
}
