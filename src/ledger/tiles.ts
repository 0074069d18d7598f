// C2SP tlog-tiles: the tree as static files. A hash tile holds up to 256 hashes of one level (level L counts in steps
// of 8 tree levels), an entry bundle the up to 256 entries under one tile of level 0.

export const tileWidth = 256;
/** An entry's length stands in 2 bytes. */
export const maxEntryBytes = 65_535;

export type TileName =
  | { readonly kind: 'hashes'; readonly level: number; readonly index: number; readonly width: number }
  | { readonly kind: 'entries'; readonly index: number; readonly width: number };

/** `000`, `999`, `x001/234`, `x001/x234/067`. */
function indexPath(index: number): string {
  const groups: string[] = [];
  let rest = index;
  do {
    groups.unshift(String(rest % 1_000).padStart(3, '0'));
    rest = Math.floor(rest / 1_000);
  } while (rest > 0);
  return groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
}

/** Where a tile lies, below the ledger's directory. A width of 256 is a full tile. */
export function tilePath(name: TileName): string {
  const folder = name.kind === 'hashes' ? String(name.level) : 'entries';
  const partial = name.width < tileWidth ? `.p/${name.width}` : '';
  return `tile/${folder}/${indexPath(name.index)}${partial}`;
}

const pattern = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d{1,3}))?$/;

/** Reads a tile's path; `undefined` for anything that `tilePath` would not write. */
export function parseTilePath(path: string): TileName | undefined {
  const match = pattern.exec(path);
  if (match === null) return undefined;
  const [, folder = '', groups = '', partial] = match;
  const index = Number(groups.replaceAll(/[x/]/g, ''));
  const width = partial === undefined ? tileWidth : Number(partial);
  if (!Number.isSafeInteger(index) || width < 1 || width > tileWidth) return undefined;
  const name: TileName =
    folder === 'entries'
      ? { kind: 'entries', index, width }
      : { kind: 'hashes', level: Number(folder), index, width };
  return tilePath(name) === path ? name : undefined;
}

/** Length (2 bytes, big-endian) and bytes of each entry. */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(entries.reduce((sum, entry) => sum + 2 + entry.length, 0));
  let at = 0;
  for (const entry of entries) {
    if (entry.length > maxEntryBytes) throw new RangeError('An entry is longer than 65,535 bytes');
    bytes.writeUInt16BE(entry.length, at);
    bytes.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bytes;
}

/** The entries of a bundle, as views; `undefined` when the bytes do not end with an entry's end. */
export function decodeBundle(bytes: Uint8Array): readonly Uint8Array[] | undefined {
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    const [high, low] = [bytes[at], bytes[at + 1]];
    if (high === undefined || low === undefined) return undefined;
    const end = at + 2 + high * 256 + low;
    if (end > bytes.length) return undefined;
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return entries;
}
