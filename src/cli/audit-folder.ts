import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import {
  type Folder,
  type KeptHead,
  parseVerifierKey,
  parseWitnessKey,
  type ReadTile,
  tilePath,
  tileWidth,
  type VerifierKey,
  type WitnessKey,
} from '../ledger/index.ts';

/** Where a command speaks to: the answer goes to `out`, all else to `err`. */
export interface AuditIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** The ledger's own directory, of a data folder or a copy of one. */
export function ledgerFolder(data: string | undefined): string {
  if (data === undefined) throw new Error('Say which data folder: --data DIR');
  for (const folder of [`${data}/ledger`, data]) {
    const isLedger = folder !== data || existsSync(`${folder}/checkpoint`);
    if (isLedger && existsSync(folder) && statSync(folder).isDirectory()) return folder;
  }
  throw new Error(`There is no ledger in ${data}: expected a data folder with ledger/ in it`);
}

/** The newest signed head, as it lies there; empty where there is none. */
export async function checkpointIn(ledger: Folder): Promise<string> {
  return Buffer.from((await ledger.read('checkpoint', 65_536)) ?? new Uint8Array()).toString();
}

export function keyFrom(given: string): VerifierKey {
  const parsed = parseVerifierKey(textOf(given));
  if (!parsed.ok) throw new Error(`--key: ${parsed.error}`);
  return parsed.value;
}

export function witnessesFrom(given: readonly string[] = []): readonly WitnessKey[] {
  return given.map((each) => {
    const parsed = parseWitnessKey(textOf(each));
    if (!parsed.ok) throw new Error(`--witness: ${parsed.error}`);
    return parsed.value;
  });
}

function textOf(given: string): string {
  return existsSync(given) ? readFileSync(given, 'utf8') : given;
}

/** Heads in a file, or in all `*.note` files of a directory. */
export function headsIn(path: string, kept: { readonly elsewhere: boolean }): readonly KeptHead[] {
  if (!statSync(path).isDirectory()) return [{ text: readFileSync(path, 'utf8'), where: path, ...kept }];
  return readdirSync(path)
    .filter((name) => name.endsWith('.note'))
    .sort()
    .map((name) => ({ text: readFileSync(`${path}/${name}`, 'utf8'), where: `${path}/${name}`, ...kept }));
}

/** Reads tiles of a ledger's directory: the narrowest file that is wide enough. */
export function tilesOf(folder: Folder): ReadTile {
  return async (name) => {
    for (let { width } = name; width <= tileWidth; width++) {
      const bytes = await folder.read(tilePath({ ...name, width }), 2 ** 25);
      if (bytes !== undefined) return bytes;
    }
    return undefined;
  };
}
