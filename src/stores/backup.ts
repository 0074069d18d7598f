/**
 * A copy of a gateway's state while it runs, and the way back. In this order, so that what refers to something is copied
 * before it: the ledger up to its newest signed head (exactly the files which that head needs), then the keys of sessions,
 * recordings and all else of the home; databases through SQLite's own backup. Entries behind the head, at most 2 seconds
 * of them, come with the next backup.
 */
import { createHash } from 'node:crypto';
import { constants, createReadStream, existsSync } from 'node:fs';
import { copyFile, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { backup as backupDatabase, DatabaseSync } from 'node:sqlite';
import { isObject } from '../base/check.ts';
import { Fault } from '../base/errors.ts';
import type { World } from '../base/time.ts';
import {
  decodeBundle,
  encodeBundle,
  hashBytes,
  type Report,
  tilePath,
  tileWidth,
  type TileName,
  verifyLedger,
} from '../ledger/index.ts';
import { anchorable } from './anchors.ts';
import { diskFolder } from './folder.ts';

export interface BackedUp {
  readonly size: number; // entries
  readonly files: number;
  readonly bytes: number;
  readonly report: Report; // of the ledger in the copy
}

export const manifestName = 'backup.json';
const manifestKind = 'sallyport backup/v1';
/** Not state: locks, what is on its way, the log in front of the ledger, and what belongs to another program. */
const left = /^(lock|data\/(ledger|wal|tmp)(\/.*)?|.*\/lock|.*-(wal|shm|journal)|.*\.new)$/;

interface FileRecord {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Copies the state in `home` to the folder `to`, which must not exist yet; it appears when it is whole. */
export async function backup(home: string, to: string, world: World): Promise<BackedUp> {
  if (existsSync(to))
    throw new Fault('config', `${to} is there already: say where a new folder is to be made`);
  if (!existsSync(`${home}/data/ledger/checkpoint`))
    throw new Fault('config', `There is no ledger in ${home}/data`);
  const beside = `${to}.part`;
  await rm(beside, { recursive: true, force: true });
  await mkdir(beside, { recursive: true, mode: 0o700 });
  try {
    const size = await copyState(home, beside);
    const files = await recordsOf(beside, '');
    const manifest = { kind: manifestKind, at: world.now(), size, files };
    await writeSynced(`${beside}/${manifestName}`, `${JSON.stringify(manifest, undefined, 1)}\n`);
    const report = await verifyLedger(diskFolder(`${beside}/data/ledger`));
    if (!report.verified)
      throw new Fault('ledger', 'The ledger in the backup does not verify: run audit verify on the original');
    await rename(beside, to);
    return { size, files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), report };
  } catch (thrown) {
    await rm(beside, { recursive: true, force: true });
    throw thrown;
  }
}

const changesWaited = 20;

/** Copies ledger and keys of one moment: where the key of the ledger changed meanwhile, all of it again. */
async function copyState(home: string, beside: string): Promise<number> {
  const key = async (): Promise<string> => {
    const isChanging = existsSync(`${home}/data/keys/ledger.key.next`);
    return isChanging ? 'changing' : readFile(`${home}/data/ledger/key.pub`, 'utf8');
  };
  for (let tries = 0; tries < changesWaited; tries++) {
    const before = await key();
    if (before !== 'changing') {
      const size = await copyLedger(`${home}/data/ledger`, `${beside}/data/ledger`);
      await copyRest(home, beside, '');
      if ((await key()) === before) return size;
      await rm(beside, { recursive: true, force: true });
      await mkdir(beside, { recursive: true, mode: 0o700 });
    }
    await sleep(250);
  }
  throw new Fault('ledger', 'The key of the ledger is being changed: start the gateway, or try again later');
}

/** Puts a backup back as the folder `home`, which must not exist yet or be empty; it appears when everything was checked. */
export async function restore(from: string, home: string): Promise<BackedUp> {
  const taken = await readdir(home).catch(() => []);
  if (taken.length > 0)
    throw new Fault('config', `${home} is not empty: a backup is restored to a new folder`);
  const files = await manifestOf(from);
  const there = new Map((await recordsOf(from, '')).map((file) => [file.path, file]));
  for (const { path, bytes, sha256 } of files) {
    const found = there.get(path);
    if (found === undefined) throw new Fault('ledger', `The backup is damaged: ${path} is missing`);
    if (found.bytes !== bytes || found.sha256 !== sha256)
      throw new Fault('ledger', `The backup is damaged: ${path} was changed`);
    there.delete(path);
  }
  for (const path of there.keys())
    if (path !== manifestName)
      throw new Fault('ledger', `The backup is damaged: ${path} does not belong to it`);
  const report = await verifyLedger(diskFolder(`${from}/data/ledger`));
  if (!report.verified)
    throw new Fault(
      'ledger',
      `The ledger in the backup does not verify: ${report.problems[0]?.what ?? 'it has gaps'}`,
    );
  const beside = `${home.replace(/\/+$/, '')}.part`;
  await rm(beside, { recursive: true, force: true });
  await mkdir(beside, { recursive: true, mode: 0o700 });
  try {
    for (const { path } of files) await copyOne(`${from}/${path}`, `${beside}/${path}`);
    const copied = await recordsOf(beside, '');
    if (copied.some((file, at) => file.sha256 !== files[at]?.sha256 || file.path !== files[at]?.path))
      throw new Fault('ledger', 'What was restored is not what the backup holds');
    await rm(home, { recursive: true, force: true });
    await rename(beside, home);
  } catch (thrown) {
    await rm(beside, { recursive: true, force: true });
    throw thrown;
  }
  return {
    size: report.size ?? 0,
    files: files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    report,
  };
}

async function manifestOf(from: string): Promise<readonly FileRecord[]> {
  let raw: unknown;
  try {
    raw = JSON.parse(await readFile(`${from}/${manifestName}`, 'utf8'));
  } catch {
    throw new Fault('config', `${from} is no backup: its ${manifestName} is missing or damaged`);
  }
  const files: unknown = isObject(raw) && raw['kind'] === manifestKind ? raw['files'] : undefined;
  if (!Array.isArray(files)) throw new Fault('config', `${from} is no backup that this program knows`);
  return files.map((file: unknown): FileRecord => {
    const { path, bytes, sha256 } = isObject(file) ? file : {};
    // SECURITY: a path of the backup becomes a path of ours.
    const isPath =
      typeof path === 'string' &&
      path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
    if (!isPath || typeof bytes !== 'number' || typeof sha256 !== 'string')
      throw new Fault('config', `${from}/${manifestName} is damaged`);
    return { path, bytes, sha256 };
  });
}

/** The ledger as its newest head describes it: each file as wide as that head needs, however much wider it is by now. */
async function copyLedger(from: string, to: string): Promise<number> {
  const checkpoint = await readFile(`${from}/checkpoint`, 'utf8');
  const size = Number(anchorable(checkpoint).size);
  for (let count = size, level = 0; count > 0; count = Math.floor(count / tileWidth), level++) {
    for (let index = 0; index * tileWidth < count; index++) {
      const width = Math.min(tileWidth, count - index * tileWidth);
      await copyTile(from, to, { kind: 'hashes', level, index, width });
      if (level === 0) await copyTile(from, to, { kind: 'entries', index, width });
    }
  }
  await writeSynced(`${to}/key.pub`, await readFile(`${from}/key.pub`));
  await writeSynced(`${to}/checkpoint`, checkpoint);
  return size;
}

async function copyTile(from: string, to: string, name: TileName): Promise<void> {
  for (let { width } = name; width <= tileWidth; width++) {
    const path = `${from}/${tilePath({ ...name, width })}`;
    if (!existsSync(path)) continue;
    const bytes = await readFile(path).catch(() => undefined);
    if (bytes === undefined) continue; // it just gave way to a wider one
    await writeSynced(`${to}/${tilePath(name)}`, cut(bytes, name));
    return;
  }
  throw new Fault('ledger', `${tilePath(name)} is missing from the ledger: run audit verify`);
}

function cut(bytes: Uint8Array, { kind, width }: TileName): Uint8Array {
  if (kind === 'hashes') return bytes.subarray(0, width * hashBytes);
  return encodeBundle((decodeBundle(bytes) ?? []).slice(0, width));
}

async function copyRest(home: string, to: string, below: string): Promise<void> {
  const entries = await readdir(join(home, below), { withFileTypes: true });
  if (entries.some(({ name }) => name === 'PG_VERSION')) return; // the demo's own database
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (left.test(path)) continue;
    if (entry.isDirectory()) await copyRest(home, to, path);
    else if (!entry.isFile()) continue;
    else if (path.endsWith('.db')) await copyDatabase(join(home, path), join(to, path));
    else await copyOne(join(home, path), join(to, path));
  }
}

async function copyDatabase(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(from, { readOnly: true });
  try {
    await backupDatabase(database, to);
  } finally {
    database.close();
  }
}

async function copyOne(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  } catch (thrown) {
    const isGone = thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
    if (!isGone || existsSync(from)) throw thrown; // retention may let a recording go meanwhile
    return;
  }
  const file = await open(to, 'r+').catch(() => open(to, 'r')); // what is read-only is synced as it is
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeSynced(path: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, bytes, { flush: true });
}

async function recordsOf(folder: string, below: string): Promise<FileRecord[]> {
  const records: FileRecord[] = [];
  const entries = await readdir(join(folder, below), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) records.push(...(await recordsOf(folder, path)));
    else records.push({ path, ...(await digestOf(join(folder, path))) });
  }
  return records;
}

async function digestOf(path: string): Promise<Omit<FileRecord, 'path'>> {
  const digest = createHash('sha256');
  let bytes = 0;
  for await (const piece of createReadStream(path)) {
    digest.update(piece as Buffer);
    bytes += (piece as Buffer).length;
  }
  return { bytes, sha256: digest.digest('hex') };
}
