import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { isObject } from '../base/check.ts';
import { tilePath, tileWidth } from '../ledger/index.ts';
import { diskFolder } from '../stores/folder.ts';
import { readEntries } from '../stores/read.ts';
import { CouldNotRun } from './command.ts';
import { readFromApi } from './records-api.ts';

type Raw = Readonly<Record<string, unknown>>;

/**
 * Entries as they lie in a data folder, as `audit export` printed them, or of the gateway at a URL: many at a time, since
 * waiting for each by itself takes longer than judging it. `share` is how much has been read, 0 to 1.
 */
export async function* readRecords(
  from: string,
  share: (part: number) => void,
  keep?: string,
): AsyncGenerator<readonly Raw[]> {
  if (/^https?:\/\//i.test(from)) {
    yield* readFromApi(from, share, keep);
    return;
  }
  if (keep !== undefined) throw new CouldNotRun('--keep is for a gateway: --from https://…');
  const about = await stat(from).catch(() => undefined);
  if (about === undefined) throw new CouldNotRun(`There is no ${from}`);
  if (about.isDirectory()) yield* fromLedger(basename(from) === 'ledger' ? dirname(from) : from, share);
  else yield* fromFile(from, about.size, share);
}

async function* fromFile(
  path: string,
  size: number,
  share: (part: number) => void,
): AsyncGenerator<readonly Raw[]> {
  let line = 0;
  let read = 0;
  let open = '';
  const bytes = createReadStream(path, { highWaterMark: 1_048_576 });
  for await (const chunk of bytes.setEncoding('utf8') as AsyncIterable<string>) {
    read += chunk.length;
    share(Math.min(1, read / size));
    const texts = (open + chunk).split('\n');
    open = texts.pop() ?? '';
    yield texts.map((text) => rawOf(text, `${path}:${++line}`, line)).filter((raw) => raw !== undefined);
  }
  const last = rawOf(open, `${path}:${line + 1}`, line + 1);
  if (last !== undefined) yield [last];
}

function rawOf(text: string, place: string, line: number): Raw | undefined {
  if (text.trim() === '') return undefined;
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    // JSON's own message quotes the line.
    throw new CouldNotRun(`${place} is not JSON: is the file whole?`);
  }
  if (line === 1 && isObject(raw) && typeof raw['from'] === 'string') return undefined; // kept from an API
  const entry = isObject(raw) && isObject(raw['entry']) ? raw['entry'] : raw;
  if (!isObject(entry)) throw new CouldNotRun(`${place} is no entry`);
  return entry;
}

async function* fromLedger(folder: string, share: (part: number) => void): AsyncGenerator<readonly Raw[]> {
  const { files } = await diskFolder(`${folder}/ledger`)
    .list()
    .catch(() => ({ files: [] }));
  const size = sizeOf(new Set(files));
  if (size === 0)
    throw new CouldNotRun(`There is no ledger in ${folder}: expected a data folder with ledger/ in it`);
  // Sealed parts stay sealed: nothing in them is judged.
  const shut = { origin: '', keyOf: () => undefined };
  let batch: Raw[] = [];
  for await (const { index, entry, cut } of readEntries(folder, { from: 0, to: size, size }, shut)) {
    batch.push(cut === undefined ? { ...entry } : { ...entry, cut });
    if (batch.length < 1_000) continue;
    share(index / size);
    yield batch;
    batch = [];
  }
  yield batch;
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
