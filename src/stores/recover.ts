import { Fault, messageOf } from '../base/errors.ts';
import {
  parseCheckpoint,
  parseTilePath,
  same,
  signedBy,
  tileWidth,
  type VerifierKey,
} from '../ledger/index.ts';
import type { Files } from './files.ts';
import { loadTree } from './publish.ts';
import { scanWal, segmentFirst, type WalEnd } from './wal.ts';

export interface Recovered {
  readonly headed: number; // entries under the newest signed head
  readonly next: number; // index of the next entry
  readonly end?: WalEnd;
  readonly torn: boolean; // a last batch that was never acknowledged was cut off
}

/**
 * Finds out where a ledger stands. Refuses rather than sign a fork: the head, the tree and the write-ahead log must tell
 * one story.
 *
 * @throws {Fault} `ledger`, saying what does not fit
 */
export function recover(files: Files, folder: string, key: VerifierKey): Recovered {
  const headed = headedSize(files, folder, key);
  const wal = scanWal(files, `${folder}/wal`);
  if (wal.kind === 'damaged') throw refuse(wal.what);
  const next = wal.kind === 'found' ? Math.max(wal.end.next, headed) : headed;
  if (wal.kind === 'found' && wal.first > headed)
    throw refuse(
      `the newest head covers ${headed} entries, the write-ahead log begins at entry ${wal.first}`,
    );
  const published = publishedSize(files, folder, headed);
  if (published > next)
    throw refuse(`${published} entries are published, the write-ahead log has only ${next} of them`);
  if (wal.kind === 'found' && wal.end.next >= headed) {
    const { end } = wal;
    // A segment that was made ready and never written must not come to stand between later ones.
    removeSegments(files, folder, (name) => name > end.segment);
    return { headed, next, end, torn: wal.torn };
  }
  // The tree holds all that the log had and more: the log begins anew behind it.
  removeSegments(files, folder, () => true);
  return { headed, next, torn: false };
}

function removeSegments(files: Files, folder: string, which: (name: string) => boolean): void {
  for (const name of files.list(`${folder}/wal`))
    if (segmentFirst(name) !== undefined && which(name)) files.remove(`${folder}/wal/${name}`);
}

function refuse(what: string): Fault {
  return new Fault('ledger', `The ledger is inconsistent and will not be continued: ${what}`);
}

function headedSize(files: Files, folder: string, key: VerifierKey): number {
  const path = `${folder}/ledger/checkpoint`;
  if (!files.exists(path)) return 0;
  const checkpoint = parseCheckpoint(files.read(path).toString());
  if (!checkpoint.ok) throw refuse('ledger/checkpoint is damaged');
  const { note, head } = checkpoint.value;
  if (!signedBy(note, key) || head.origin !== key.name)
    throw refuse('ledger/checkpoint is not signed by this ledger');
  const size = Number(head.size);
  try {
    if (!same(loadTree(files, folder, size).root(), head.root))
      throw refuse('the tiles do not give the root that the newest head signs');
  } catch (thrown) {
    throw thrown instanceof Fault ? thrown : refuse(messageOf(thrown));
  }
  return size;
}

/** How many entries lie in bundles, the newest of which may not be under a head yet. */
function publishedSize(files: Files, folder: string, headed: number): number {
  let size = headed;
  const look = (below: string): void => {
    for (const name of files.list(`${folder}/ledger/${below}`)) {
      const path = `${below}/${name}`;
      const tile = parseTilePath(path);
      if (tile !== undefined) size = Math.max(size, tile.index * tileWidth + tile.width);
      else if (/^(x\d{3}|\d{3}\.p)$/.test(name)) look(path);
    }
  };
  look('tile/entries');
  return size;
}
