/** One round of anchoring: the newest head to the witnesses, and with their cosignatures to every place that keeps heads. */
import { readdir, readFile } from 'node:fs/promises';
import { messageOf } from '../base/errors.ts';
import type { World } from '../base/time.ts';
import { consistencyProof, type ReadTile, tilePath, tileWidth } from '../ledger/index.ts';
import { anchorable, type AnchorSettings, anchorTo } from './anchors.ts';
import { realFiles } from './files.ts';
import { keyChanges } from './rotate.ts';
import { askWitness, type WitnessSettings } from './witness.ts';

export interface AnchorRound {
  readonly size: number;
  /** Where the head is kept beside the ledger, with its cosignatures. */
  readonly receipt: string | null;
  readonly places: readonly { readonly where: string; readonly ok: boolean; readonly why?: string }[];
  readonly cosigned: readonly string[]; // names of witnesses
}

/** Receipts that are kept beside the ledger. */
const receipts = 1_000;

/**
 * Nothing is done where the head has the size `unless`. Never rejects for a place that fails: its outcome says so.
 * Rejects where the ledger itself cannot be read.
 */
export async function anchorRound(
  folder: string,
  settings: { readonly anchors: readonly AnchorSettings[]; readonly witnesses: readonly WitnessSettings[] },
  world: World,
  unless: number = -1,
): Promise<AnchorRound> {
  const bare = await readFile(`${folder}/ledger/checkpoint`, 'utf8');
  const size = Number(anchorable(bare).size);
  if (size === unless) return { size, receipt: null, places: [], cosigned: [] };
  const read = tiles(folder);
  const places: { where: string; ok: boolean; why?: string }[] = [];
  const cosigned: string[] = [];
  let note = bare;
  const known = await newestReceipt(folder);
  for (const witness of settings.witnesses) {
    try {
      note += await askWitness(witness, { note: bare, size, known, changes: keyChanges(folder) }, (from) =>
        consistencyProof(from, size, read),
      );
      cosigned.push(witness.key.name);
      places.push({ where: witness.key.name, ok: true });
    } catch (thrown) {
      places.push({ where: witness.key.name, ok: false, why: messageOf(thrown) });
    }
  }
  let receipt: string | null = null;
  if (cosigned.length > 0) {
    receipt = `${folder}/anchors/${String(size).padStart(16, '0')}.note`;
    realFiles.makeFolder(`${folder}/anchors`);
    realFiles.create(`${receipt}.new`, Buffer.from(note), 0o644);
    realFiles.rename(`${receipt}.new`, receipt);
    await prune(`${folder}/anchors`);
  }
  for (const place of settings.anchors) {
    try {
      places.push({ where: await anchorTo(place, anchorable(note), world), ok: true });
    } catch (thrown) {
      places.push({ where: place.kind, ok: false, why: messageOf(thrown) });
    }
  }
  return { size, receipt, places, cosigned };
}

async function names(folder: string): Promise<string[]> {
  const all = await readdir(folder).catch(() => []);
  return all.filter((name) => /^\d{16}\.note$/.test(name)).sort();
}

async function newestReceipt(folder: string): Promise<number> {
  return Number((await names(`${folder}/anchors`)).at(-1)?.slice(0, 16) ?? 0);
}

async function prune(folder: string): Promise<void> {
  for (const name of (await names(folder)).slice(0, -receipts)) realFiles.remove(`${folder}/${name}`);
}

function tiles(folder: string): ReadTile {
  return async (name) => {
    for (let { width } = name; width <= tileWidth; width++) {
      const bytes = await readFile(`${folder}/ledger/${tilePath({ ...name, width })}`).catch(() => undefined);
      if (bytes !== undefined) return bytes;
    }
    return undefined;
  };
}
