/**
 * The publishing thread: builds the tree over what is committed and puts it into `ledger/` as files that anybody can
 * check. Reads the write-ahead log itself, so a start after a crash and an ordinary cycle are the same work.
 *
 * INVARIANT: a head is signed only over data whose files were in place one cycle before, so that a copy of the folder,
 * taken file by file in any order, does not hold a head newer than its tiles.
 * INVARIANT: files in `ledger/` are written beside it, synced, and renamed into place.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import {
  decodeBundle,
  hashBytes,
  leafHash,
  prefixedLeafHash,
  same,
  signHead,
  type SignerKey,
  tilePath,
  tileWidth,
  type TileName,
  Tree,
  verifierKey,
} from '../ledger/index.ts';
import type { Files } from './files.ts';
import { readFrame, segmentBytes, segmentFirst, segmentHead, segmentName } from './wal.ts';

export interface PublishParts {
  readonly folder: string; // data folder
  readonly origin: string;
  readonly secretKey: string; // PEM, PKCS #8
  /** Entries under the newest signed head. */
  readonly headed: number;
  readonly now: number; // ms
}

export interface Published {
  readonly published: number; // entries whose files are in place
  readonly headed: number; // entries under the newest signed head
}

const supersededForMs = 60_000;
const spares = 2;
/** The log is read in pieces of this size; a frame is at most 65,560 bytes. */
const pieceBytes = 1_048_576;

/** The right edge of a ledger on disk. Throws when a file it needs is missing or too short. */
export function loadTree(
  files: Files,
  folder: string,
  size: number,
  full?: ConstructorParameters<typeof Tree>[0],
): Tree {
  return Tree.at(size, (level, index, count) => edgeTile(files, folder, { level, index, count }), full);
}

function edgeTile(
  files: Files,
  folder: string,
  { level, index, count }: { readonly level: number; readonly index: number; readonly count: number },
): Uint8Array {
  const bytes = readWidest(files, folder, { kind: 'hashes', level, index, width: count });
  if (bytes === undefined || bytes.length < count * hashBytes)
    throw new Error(
      `ledger/${tilePath({ kind: 'hashes', level, index, width: count })} is missing or too short`,
    );
  return bytes;
}

/** A tile of at least this width. */
function readWidest(files: Files, folder: string, name: TileName): Buffer | undefined {
  for (let { width } = name; width <= tileWidth; width++) {
    const path = `${folder}/ledger/${tilePath({ ...name, width })}`;
    if (files.exists(path)) return files.read(path);
  }
  return undefined;
}

/** The bundle that is being filled, as it will stand in its file. */
class Bundle {
  #bytes: Buffer = Buffer.allocUnsafeSlow(262_144);
  #end = 0;
  count = 0;

  add(leaf: Uint8Array): void {
    const end = this.#end + 2 + leaf.length;
    if (end > this.#bytes.length) {
      const wider = Buffer.allocUnsafeSlow(Math.max(end, this.#bytes.length * 2));
      this.#bytes.copy(wider, 0, 0, this.#end);
      this.#bytes = wider;
    }
    this.#bytes.writeUInt16BE(leaf.length, this.#end);
    this.#bytes.set(leaf, this.#end + 2);
    this.#end = end;
    this.count += 1;
  }

  /** A view, until the next `add`. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#end);
  }

  empty(): void {
    this.#end = 0;
    this.count = 0;
  }
}

/** The entries of the last bundle of a ledger of this size; fewer where it is damaged. */
export function bundleOf(files: Files, folder: string, size: number): readonly Uint8Array[] {
  const index = Math.floor((size - 1) / tileWidth);
  const width = size - index * tileWidth;
  const bytes = readWidest(files, folder, { kind: 'entries', index, width });
  return (bytes === undefined ? undefined : decodeBundle(bytes))?.slice(0, width) ?? [];
}

/** The last, partial bundle of a ledger of this size, its entries checked against their hashes. */
function loadBundle(files: Files, folder: string, size: number): Bundle {
  const bundle = new Bundle();
  const width = size % tileWidth;
  if (width === 0) return bundle;
  const index = Math.floor(size / tileWidth);
  const bytes = readWidest(files, folder, { kind: 'entries', index, width });
  const entries = bytes === undefined ? undefined : decodeBundle(bytes)?.slice(0, width);
  if (entries?.length !== width)
    throw new Error(`The last ${width} entries of the ledger are missing or damaged`);
  const hashes = edgeTile(files, folder, { level: 0, index, count: width });
  const leaves = Buffer.concat(entries.map((entry) => leafHash(entry)));
  if (!same(leaves, hashes.subarray(0, leaves.length)))
    throw new Error(`The last ${width} entries of the ledger are not those of its tree`);
  for (const entry of entries) bundle.add(entry);
  return bundle;
}

export class Publisher {
  readonly #files: Files;
  readonly #folder: string;
  readonly #ledger: string;
  readonly #signer: SignerKey;
  readonly #tree: Tree;
  readonly #bundle: Bundle;
  #headed: number;
  #root: Uint8Array; // of what is published
  #published: number;
  /** Partial files in place, and those that wider ones have replaced, with when. */
  #partials: readonly string[] = [];
  #superseded: { readonly path: string; readonly at: number }[] = [];
  readonly #folders: Set<string> = new Set();
  #segment: { first: number; fd: number; offset: number } | undefined;
  #serial = 0;

  constructor(files: Files, parts: PublishParts) {
    this.#files = files;
    this.#folder = parts.folder;
    this.#ledger = `${parts.folder}/ledger`;
    const secret = createPrivateKey(parts.secretKey);
    this.#signer = { ...verifierKey(parts.origin, createPublicKey(secret)), secret };
    this.#tree = loadTree(files, parts.folder, parts.headed, (level, index, hashes) => {
      this.#put({ kind: 'hashes', level, index, width: tileWidth }, hashes);
    });
    this.#bundle = loadBundle(files, parts.folder, parts.headed);
    this.#headed = parts.headed;
    this.#published = parts.headed;
    this.#root = this.#tree.root();
    for (const name of files.list(`${parts.folder}/tmp`)) files.remove(`${parts.folder}/tmp/${name}`);
    if (!files.exists(`${this.#ledger}/checkpoint`)) this.#sign();
    this.#findPartials(`${this.#ledger}/tile`, parts.now);
    this.#putPartials(parts.headed, parts.now);
    this.#syncFolders();
  }

  /** Partial files of an earlier run: the next cycles either write them again or let them go. */
  #findPartials(folder: string, now: number): void {
    for (const name of this.#files.list(folder)) {
      const path = `${folder}/${name}`;
      if (name.endsWith('.p')) {
        for (const width of this.#files.list(path))
          this.#superseded.push({ path: `${path}/${width}`, at: now });
      } else if (/^(\d{1,2}|entries|x\d{3})$/.test(name)) {
        this.#findPartials(path, now);
      }
    }
  }

  /** Signs over what the last cycle published, then publishes what was committed since. */
  cycle(committed: number, now: number): Published {
    if (this.#published > this.#headed) this.#sign();
    if (committed > this.#published) this.#publish(committed, now);
    this.#recycle();
    this.#forget(now - supersededForMs);
    return { published: this.#published, headed: this.#headed };
  }

  /** Publishes and signs everything, and leaves no file that the head does not need. */
  finish(committed: number, now: number): Published {
    this.cycle(committed, now);
    this.cycle(committed, now);
    this.#forget(Infinity);
    if (this.#segment !== undefined) this.#files.close(this.#segment.fd);
    return { published: this.#published, headed: this.#headed };
  }

  #sign(): void {
    const head = { origin: this.#signer.name, size: BigInt(this.#published), root: this.#root };
    this.#place(`${this.#ledger}/checkpoint`, Buffer.from(signHead(head, this.#signer)));
    this.#syncFolders();
    this.#headed = this.#published;
  }

  #publish(committed: number, now: number): void {
    for (let index = this.#published; index < committed; index++) {
      const input = this.#frame(index);
      this.#bundle.add(input.subarray(1));
      if (this.#bundle.count === tileWidth) {
        this.#put(
          { kind: 'entries', index: Math.floor(index / tileWidth), width: tileWidth },
          this.#bundle.bytes,
        );
        this.#bundle.empty();
      }
      // A full tile of hashes is put in place by this, after the entries under it.
      this.#tree.append(prefixedLeafHash(input));
    }
    this.#putPartials(committed, now);
    this.#syncFolders();
    this.#published = committed;
    this.#root = this.#tree.root();
  }

  #putPartials(size: number, now: number): void {
    const names: string[] = [];
    if (this.#bundle.count > 0) {
      const name = {
        kind: 'entries',
        index: Math.floor(size / tileWidth),
        width: this.#bundle.count,
      } as const;
      names.push(this.#put(name, this.#bundle.bytes));
    }
    for (const { level, index, hashes } of this.#tree.partials()) {
      const name = { kind: 'hashes', level, index, width: hashes.length / hashBytes } as const;
      const path = `${this.#ledger}/${tilePath(name)}`;
      // Upper levels change seldom: what lies there already is the same.
      names.push(this.#partials.includes(path) ? path : this.#put(name, hashes));
    }
    for (const path of this.#partials) if (!names.includes(path)) this.#superseded.push({ path, at: now });
    this.#superseded = this.#superseded.filter(({ path }) => !names.includes(path));
    this.#partials = names;
  }

  #put(name: TileName, bytes: Uint8Array): string {
    const path = `${this.#ledger}/${tilePath(name)}`;
    this.#files.makeFolder(parentOf(path));
    this.#place(path, bytes);
    return path;
  }

  #place(path: string, bytes: Uint8Array): void {
    this.#serial += 1;
    const beside = `${this.#folder}/tmp/${this.#serial}`;
    this.#files.create(beside, bytes, 0o644);
    this.#files.rename(beside, path);
    this.#folders.add(parentOf(path));
  }

  #syncFolders(): void {
    for (const folder of this.#folders) this.#files.syncFolder(folder);
    this.#folders.clear();
  }

  readonly #piece: Buffer = Buffer.allocUnsafeSlow(pieceBytes);
  #pieceAt = 0; // offset in the segment
  #pieceEnd = 0; // bytes of the piece that are there

  /** 0x00 and the leaf of a committed entry; a view until the next call. */
  #frame(index: number): Buffer {
    const input = this.#held(index) ?? this.#refilled(index) ?? this.#inNext(index);
    if (input === undefined)
      throw new Error(`Entry ${index} was committed and cannot be read back from the write-ahead log`);
    return input;
  }

  #held(index: number): Buffer | undefined {
    if (this.#segment === undefined) return undefined;
    const frame = readFrame(this.#piece.subarray(0, this.#pieceEnd), this.#segment.offset - this.#pieceAt);
    if (frame?.index !== index) return undefined;
    this.#segment.offset = frame.end + this.#pieceAt;
    return frame.input;
  }

  #refilled(index: number): Buffer | undefined {
    if (this.#segment === undefined) return undefined;
    this.#pieceAt = this.#segment.offset;
    this.#pieceEnd = this.#files.readAt(this.#segment.fd, this.#piece, this.#pieceAt);
    return this.#held(index);
  }

  #inNext(index: number): Buffer | undefined {
    if (this.#segment !== undefined) this.#files.close(this.#segment.fd);
    this.#segment = this.#openSegment(index);
    return this.#refilled(index);
  }

  /** The segment that holds this entry, at its frame. */
  #openSegment(index: number): { first: number; fd: number; offset: number } {
    const first = this.#segments().findLast((each) => each <= index);
    if (first === undefined) throw new Error(`No segment of the write-ahead log holds entry ${index}`);
    const fd = this.#files.open(`${this.#folder}/wal/${segmentName(first)}`);
    let offset = segmentHead;
    if (first < index) {
      const whole = Buffer.allocUnsafeSlow(segmentBytes);
      const bytes = whole.subarray(0, this.#files.readAt(fd, whole, 0));
      for (let at = first; at < index; at++) offset = readFrame(bytes, offset)?.end ?? segmentBytes;
    }
    return { first, fd, offset };
  }

  #segments(): number[] {
    const names = this.#files.list(`${this.#folder}/wal`);
    return names
      .map(segmentFirst)
      .filter((first) => first !== undefined)
      .sort((a, b) => a - b);
  }

  /** Sets aside segments of which every entry is under a signed head; keeps one spare ready. */
  #recycle(): void {
    const folder = `${this.#folder}/wal`;
    const segments = this.#segments();
    let ready = this.#files.list(folder).filter((name) => name.startsWith('spare.')).length;
    for (const [at, first] of segments.entries()) {
      const next = segments[at + 1];
      if (next === undefined || next > this.#headed || first === this.#segment?.first) break;
      const path = `${folder}/${segmentName(first)}`;
      if (ready < spares) {
        this.#files.rename(path, `${folder}/spare.${first}`);
        ready += 1;
      } else {
        this.#files.remove(path);
      }
    }
  }

  #forget(before: number): void {
    const old = this.#superseded.filter(({ at }) => at <= before);
    if (old.length === 0) return;
    this.#superseded = this.#superseded.filter(({ at }) => at > before);
    for (const { path } of old) {
      this.#files.remove(path);
      this.#files.removeEmptyFolder(parentOf(path));
    }
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
