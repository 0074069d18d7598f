import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isObject } from '../base/check.ts';
import { Fault } from '../base/errors.ts';

/** Where a sink stands: the number of the first entry that it does not surely have. Survives a power cut. */
export interface Cursor {
  readonly next: number;
  readonly move: (next: number) => Promise<void>;
}

/** A file of another ledger, or one that cannot be read, is a Fault: guessing would skip or repeat without anybody knowing. */
export async function openCursor(file: string, origin: string): Promise<Cursor> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  let next = await read(file, origin);
  return {
    get next() {
      return next;
    },
    move: async (to) => {
      await writeWhole(file, JSON.stringify({ origin, next: to }));
      next = to;
    },
  };
}

async function read(file: string, origin: string): Promise<number> {
  let raw: unknown;
  try {
    raw = JSON.parse(await readFile(file, 'utf8'));
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return 0;
    throw new Fault('config', `Cannot read how far a sink is: ${file}. Remove it to send everything again`);
  }
  if (!isObject(raw) || raw['origin'] !== origin) {
    throw new Fault('config', `${file} is of another ledger. Remove it to send everything of this one`);
  }
  const { next } = raw;
  if (typeof next === 'number' && Number.isSafeInteger(next) && next >= 0) return next;
  throw new Fault('config', `Cannot read how far a sink is: ${file}. Remove it to send everything again`);
}

/** Puts a file in place at once and for good: written, synced, renamed, and its folder synced. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const part = `${file}.part`;
  const handle = await open(part, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(part, file);
  const folder = await open(dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
