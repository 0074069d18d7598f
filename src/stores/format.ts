import { Fault } from '../base/errors.ts';
import { isObject } from '../base/check.ts';
import type { Files } from './files.ts';

/**
 * The version of a data folder's layout, in `format.json`. Steps lead forward only, each from one version to the next; a
 * folder of a later version is refused rather than guessed at.
 *
 *   1  version 0.1.0; has no format.json
 *   2  key records of sessions carry their own nonce (SPK2), older ones are read as they are; keys can change; anchors/
 */
const format = 2;

/** What makes a folder of the version in front into the next one. It can be cut off anywhere, and is begun again then. */
const steps: Readonly<Record<number, (files: Files, folder: string) => void>> = {
  1: (files, folder) => files.makeFolder(`${folder}/anchors`),
};

/** Brings a data folder to the layout of this program. @throws {Fault} `ledger` where it is of a later version */
export function migrate(files: Files, folder: string): { readonly from: number; readonly to: number } {
  const path = `${folder}/format.json`;
  const from = files.exists(path)
    ? readFormat(files, path)
    : files.exists(`${folder}/ledger/checkpoint`)
      ? 1
      : format;
  if (from > format)
    throw new Fault(
      'ledger',
      `The data folder ${folder} has the layout ${from}, this program knows up to ${format}: use the version that wrote it, or a later one`,
    );
  for (let version = from; version < format; version++) steps[version]?.(files, folder);
  if (from < format || !files.exists(path)) {
    files.create(`${folder}/tmp/format.json`, Buffer.from(`{"format":${format}}\n`), 0o644);
    files.rename(`${folder}/tmp/format.json`, path);
    files.syncFolder(folder);
  }
  return { from, to: format };
}

function readFormat(files: Files, path: string): number {
  let raw: unknown;
  try {
    raw = JSON.parse(files.read(path).toString());
  } catch {
    raw = undefined;
  }
  const version = isObject(raw) ? raw['format'] : undefined;
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1)
    throw new Fault('ledger', `${path} is damaged: expected {"format":${format}}`);
  return version;
}
