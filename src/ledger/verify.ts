/**
 * Offline verification of a ledger's directory. It needs nothing but the files and, better, a pinned key and a head that
 * was kept elsewhere. It never says just "OK": without a head from elsewhere nobody can see that the tail was cut off or
 * an old copy was put back, and the report says how far the record is anchored.
 *
 * What may lie beyond the head: a gateway that runs publishes data a cycle before it signs a head over it, and a copy
 * taken meanwhile holds that data. It is checked as far as it can be and reported as not signed.
 */
import { Continuity, type ClockReport, type Gap, type SessionsReport } from './continuity.ts';
import type { WitnessKey } from './cosign.ts';
import { decodeEnvelope, type Envelope, maxEnvelopeBytes } from './envelope.ts';
import { type AnchorReport, Kept, type KeptHead, KeyChain, readHead, type ReadHead } from './heads.ts';
import { hashBytes, leafHash, same } from './merkle.ts';
import { parseVerifierKey, type VerifierKey } from './note.ts';
import { decodeBundle, parseTilePath, tilePath, tileWidth, type TileName } from './tiles.ts';
import { Tree } from './tree.ts';

/** A directory, seen through two functions. Paths are relative, with `/`. */
export interface Folder {
  /** All plain files; `others` are links, sockets and the like. */
  readonly list: () => Promise<{ readonly files: readonly string[]; readonly others: readonly string[] }>;
  /** The file, of which no more than `most + 1` bytes need be read; `undefined` when it is not there. */
  readonly read: (path: string, most: number) => Promise<Uint8Array | undefined>;
}

export interface VerifyOptions {
  /**
   * The key the heads must be signed with, or a key that handed over to it, in one step or several. Without it, the key
   * in the directory itself is taken, and the report says so.
   */
  readonly pinned?: VerifierKey;
  /** Heads that were kept: the ledger must contain what each of them committed to. */
  readonly kept?: readonly KeptHead[];
  /** Whose cosignatures on kept heads count. */
  readonly witnesses?: readonly WitnessKey[];
  /** Is shown every entry under the head, in order; what it gives is waited for. */
  readonly see?: (entry: Envelope) => Promise<void> | undefined;
}

export interface Trouble {
  readonly what: string;
  readonly where: string; // a path, `checkpoint`, `key.rotated`, or where a head was kept
  readonly index?: number; // of the entry
}

export interface Report {
  readonly verified: boolean;
  readonly signer: {
    readonly name: string;
    readonly keyId: string;
    readonly trust: 'pinned' | 'unpinned';
  } | null;
  /** The keys of this ledger in turn, each with the smallest size of a head that it signs. */
  readonly keys: readonly { readonly name: string; readonly keyId: string; readonly from: number }[];
  readonly origin: string | null;
  readonly size: number | null; // entries under the head
  readonly root: string | null; // base64
  /** Entries that a head from elsewhere, or one with a known witness, covers; null without one. */
  readonly anchoredTo: number | null;
  readonly unanchored: number | null;
  readonly anchors: readonly AnchorReport[];
  /** Entries beyond the head: published, not yet signed. */
  readonly unsigned: number;
  /** Files beyond the head that nothing in this copy proves (a copy of a running gateway can hold some). */
  readonly unproven: readonly string[];
  readonly firstBad: number | null; // index of the first entry that does not hold
  readonly problems: readonly Trouble[]; // the first 100
  readonly problemCount: number;
  readonly gaps: readonly Gap[];
  readonly gapCount: number;
  readonly sessions: SessionsReport;
  readonly clock: ClockReport;
}

const listed = 100;
const maxHeadBytes = 65_536;
const maxBundleBytes = tileWidth * (maxEnvelopeBytes + 2);

export async function verifyLedger(folder: Folder, options: VerifyOptions = {}): Promise<Report> {
  return new Verification(folder, options).run();
}

class Verification {
  readonly #folder: Folder;
  readonly #options: VerifyOptions;
  readonly #problems: Trouble[] = [];
  readonly #continuity: Continuity = new Continuity();
  /** Widths that lie there, widest first, by `<level>/<index>` or `entries/<index>`. */
  readonly #tiles: Map<string, number[]> = new Map();
  readonly #compared: Set<string> = new Set();
  /** The first hash of each tile that is proven: no two leaves are equal, so a tile found elsewhere is a copy. */
  readonly #firsts: Set<string> = new Set();
  readonly #pending: Promise<void>[] = [];
  #problemCount = 0;
  #firstBad: number | undefined;
  readonly #chain: KeyChain;
  readonly #kept: Kept;

  constructor(folder: Folder, options: VerifyOptions) {
    this.#folder = folder;
    this.#options = options;
    const tell = this.#problem.bind(this);
    this.#chain = new KeyChain(tell);
    this.#kept = new Kept(options.kept ?? [], tell);
  }

  async run(): Promise<Report> {
    const { pinned, witnesses = [] } = this.#options;
    const own = await this.#ownKey();
    const read = await this.#head();
    const head = read?.head;
    await this.#list();
    if (head !== undefined) this.#require(Number(head.size));
    const { root, count } = await this.#stream(Number(head?.size ?? 0n));
    this.#chain.close(own, pinned);
    const signer = read === undefined ? undefined : this.#chain.signer(read);
    if (head !== undefined && (root === undefined || !same(root, head.root)))
      this.#problem('The entries do not give the root that the head signs', 'checkpoint');
    const anchors = this.#kept.report(this.#chain, witnesses, Number(head?.size ?? 0n));
    const sizes = anchors.flatMap(({ counts, size }) => (counts && size !== null ? [size] : []));
    const anchoredTo = sizes.length === 0 ? null : Math.max(...sizes);
    const unproven = await this.#unproven();
    const size = head === undefined ? null : Number(head.size);
    const named = signer ?? this.#chain.all.at(-1)?.key;
    return {
      verified: signer !== undefined && this.#problemCount === 0 && this.#continuity.gapCount === 0,
      signer:
        named === undefined
          ? null
          : { name: named.name, keyId: named.keyId, trust: pinned === undefined ? 'unpinned' : 'pinned' },
      keys: this.#chain.all.map(({ from, key }) => ({ name: key.name, keyId: key.keyId, from })),
      origin: head?.origin ?? null,
      size,
      root: head === undefined ? null : Buffer.from(head.root).toString('base64'),
      anchoredTo,
      unanchored: anchoredTo === null || size === null ? null : Math.max(0, size - anchoredTo),
      anchors,
      unsigned: Math.max(0, count - (size ?? 0)),
      unproven,
      firstBad: this.#firstBad ?? null,
      problems: this.#problems,
      problemCount: this.#problemCount,
      gaps: this.#continuity.gaps,
      gapCount: this.#continuity.gapCount,
      sessions: this.#continuity.sessions(),
      clock: this.#continuity.clock(),
    };
  }

  /** The key in the directory. It must be there and be right even where another key is pinned. */
  async #ownKey(): Promise<VerifierKey | undefined> {
    const bytes = await this.#folder.read('key.pub', maxHeadBytes);
    if (bytes === undefined) {
      this.#problem('The file is missing', 'key.pub');
      return undefined;
    }
    const text = Buffer.from(bytes).toString();
    const own = parseVerifierKey(text);
    if (!own.ok) {
      this.#problem(own.error, 'key.pub');
      return undefined;
    }
    if (text !== `${own.value.text}\n`) this.#problem('The file holds more than a key', 'key.pub');
    return own.value;
  }

  async #head(): Promise<ReadHead | undefined> {
    const bytes = await this.#folder.read('checkpoint', maxHeadBytes);
    if (bytes === undefined) {
      this.#problem('The signed head is missing', 'checkpoint');
      return undefined;
    }
    const read = readHead(Buffer.from(bytes).toString(), 'checkpoint', this.#problem.bind(this));
    // A line that no key of ours covers could be changed unseen.
    if (read !== undefined && read.note.signatures.length > 1)
      this.#problem('The head carries more than its signature', 'checkpoint');
    return read;
  }

  async #list(): Promise<void> {
    const { files, others } = await this.#folder.list();
    for (const path of others) this.#problem('It is no plain file', path);
    for (const path of files) {
      if (path === 'checkpoint' || path === 'key.pub') continue;
      const name = parseTilePath(path);
      if (name === undefined) {
        this.#problem('The file is no part of a ledger', path);
        continue;
      }
      const place = placeOf(name);
      const widths = this.#tiles.get(place) ?? [];
      widths.push(name.width);
      this.#tiles.set(
        place,
        widths.sort((a, b) => b - a),
      );
    }
  }

  /** Everything a head of this size needs must lie there, at least as wide. */
  #require(size: number): void {
    let count = size;
    for (let level = 0; count > 0; level++) {
      const tiles = Math.ceil(count / tileWidth);
      for (let index = 0; index < tiles; index++) {
        const width = Math.min(tileWidth, count - index * tileWidth);
        this.#requireTile({ kind: 'hashes', level, index, width });
        if (level === 0) this.#requireTile({ kind: 'entries', index, width });
        if (this.#problemCount > listed) return; // the rest would say the same
      }
      count = Math.floor(count / tileWidth);
    }
  }

  #requireTile(name: TileName): void {
    const widest = this.#tiles.get(placeOf(name))?.[0] ?? 0;
    if (widest >= name.width) return;
    this.#problem(
      'The file is missing',
      tilePath(name),
      name.kind === 'entries' ? name.index * tileWidth + widest : undefined,
    );
  }

  /** Reads all entries in order, compares every tile with them, and gives the root under the head. */
  async #stream(size: number): Promise<{ root: Uint8Array | undefined; count: number }> {
    const tree = new Tree((level, index, hashes) => this.#full(level, index, hashes));
    let root = size === 0 ? tree.root() : undefined;
    this.#kept.at(0, () => tree.root());
    for (let index = 0; ; index++) {
      const leaves = await this.#leaves(index, size);
      if (leaves === undefined) break;
      for (const leaf of leaves) {
        tree.append(leaf);
        if (tree.size === size) root = tree.root();
        this.#kept.at(tree.size, () => tree.root());
      }
      await Promise.all(this.#pending.splice(0));
      if (leaves.length < tileWidth) break;
    }
    for (const { level, index, hashes } of tree.partials())
      if (level > 0) await this.#compare(level, index, hashes);
    return { root, count: tree.size };
  }

  #full(level: number, index: number, hashes: Uint8Array): void {
    if (level > 0) this.#pending.push(this.#compare(level, index, hashes.slice()));
  }

  /** The leaf hashes under one bundle: from its entries, or from its hash tile where the bundle is gone. */
  async #leaves(index: number, size: number): Promise<readonly Uint8Array[] | undefined> {
    const entries = await this.#bundle(index);
    const from = index * tileWidth;
    if (entries === undefined) return from < size ? this.#leavesOfTile(index) : undefined;
    const leaves = entries.map((entry) => leafHash(entry));
    await this.#compare(0, index, Buffer.concat(leaves));
    for (const [place, entry] of entries.entries()) this.#entry(from + place, entry, size);
    return leaves;
  }

  async #leavesOfTile(index: number): Promise<readonly Uint8Array[] | undefined> {
    const width = this.#tiles.get(`0/${index}`)?.[0];
    if (width === undefined) return undefined;
    const tile = await this.#tile({ kind: 'hashes', level: 0, index, width });
    if (tile === undefined) return undefined;
    this.#compared.add(`0/${index}`);
    return Array.from({ length: width }, (_, at) => tile.slice(at * hashBytes, (at + 1) * hashBytes));
  }

  /** The entries of the widest bundle; narrower ones that are still there must be its beginning. */
  async #bundle(index: number): Promise<readonly Uint8Array[] | undefined> {
    const place = `entries/${index}`;
    let widest: { readonly bytes: Uint8Array; readonly entries: readonly Uint8Array[] } | undefined;
    this.#compared.add(place);
    for (const width of this.#tiles.get(place) ?? []) {
      const path = tilePath({ kind: 'entries', index, width });
      const bytes = await this.#folder.read(path, maxBundleBytes);
      const entries = bytes === undefined || bytes.length > maxBundleBytes ? undefined : decodeBundle(bytes);
      if (bytes === undefined || entries?.length !== width) {
        this.#problem(`It does not hold ${width} entries`, path, index * tileWidth);
      } else if (widest === undefined) {
        widest = { bytes, entries };
      } else if (!same(widest.bytes.subarray(0, bytes.length), bytes)) {
        this.#problem('It differs from the wider file of the same entries', path, index * tileWidth);
      }
    }
    return widest?.entries;
  }

  #entry(index: number, bytes: Uint8Array, size: number): void {
    const envelope = decodeEnvelope(bytes);
    const where = tilePath({ kind: 'entries', index: Math.floor(index / tileWidth), width: tileWidth });
    if (!envelope.ok) this.#problem(envelope.error, where, index);
    else if (envelope.value.index !== index)
      this.#problem(`The entry says it is number ${envelope.value.index}`, where, index);
    else if (index < size) this.#under(envelope.value);
  }

  #under(entry: Envelope): void {
    this.#continuity.note(entry);
    if (entry.kind === 'key.rotated') this.#chain.rotated(entry.index, entry.fields);
    const seen = this.#options.see?.(entry);
    if (seen !== undefined) this.#pending.push(seen);
  }

  /** Compares every file of a hash tile with what the entries give, as far as both go. */
  async #compare(level: number, index: number, hashes: Uint8Array): Promise<void> {
    const place = `${level}/${index}`;
    this.#compared.add(place);
    this.#firsts.add(firstOf(hashes));
    for (const width of this.#tiles.get(place) ?? []) {
      const name: TileName = { kind: 'hashes', level, index, width };
      const tile = await this.#tile(name);
      const at = tile === undefined ? -1 : firstDifference(tile, hashes);
      if (at < 0) continue;
      const bad = level === 0 ? index * tileWidth + at : undefined;
      this.#problem('Its hashes are not those of the entries', tilePath(name), bad);
    }
  }

  async #tile(name: TileName): Promise<Uint8Array | undefined> {
    const bytes = await this.#folder.read(tilePath(name), tileWidth * hashBytes);
    if (bytes?.length === name.width * hashBytes) return bytes;
    this.#problem(`It does not hold ${name.width} hashes`, tilePath(name));
    return undefined;
  }

  /** Tiles beyond everything the entries reach: not provable here, but they must not be copies of other tiles. */
  async #unproven(): Promise<readonly string[]> {
    const names: string[] = [];
    for (const [place, widths] of this.#tiles) {
      if (this.#compared.has(place)) continue;
      const [level = '', number = ''] = place.split('/');
      const index = Number(number);
      for (const width of widths) {
        const name: TileName =
          level === 'entries'
            ? { kind: 'entries', index, width }
            : { kind: 'hashes', level: Number(level), index, width };
        await this.#unprovenTile(name);
        if (names.length < listed) names.push(tilePath(name));
      }
    }
    return names;
  }

  async #unprovenTile(name: TileName): Promise<void> {
    const path = tilePath(name);
    const before = this.#tiles.get(placeOf({ ...name, index: name.index - 1 }))?.[0];
    // Files of one directory are listed together, and a tile is only made once the one before it is full.
    if (name.index % 1_000 > 0 && before !== tileWidth) this.#problem('The file before it is missing', path);
    if (name.kind === 'entries') {
      const bytes = await this.#folder.read(path, maxBundleBytes);
      const entries = bytes === undefined ? undefined : decodeBundle(bytes);
      if (entries?.length !== name.width) this.#problem(`It does not hold ${name.width} entries`, path);
      for (const [at, entry] of (entries ?? []).entries()) this.#entry(name.index * tileWidth + at, entry, 0);
      return;
    }
    const tile = await this.#tile(name);
    if (tile !== undefined && this.#firsts.has(firstOf(tile)))
      this.#problem('It is a copy of another tile', path);
  }

  #problem(what: string, where: string, index?: number): void {
    this.#problemCount += 1;
    if (this.#problems.length < listed)
      this.#problems.push({ what, where, ...(index === undefined ? {} : { index }) });
    if (index !== undefined) this.#firstBad = Math.min(this.#firstBad ?? Infinity, index);
  }
}

function placeOf(name: TileName): string {
  return name.kind === 'entries' ? `entries/${name.index}` : `${name.level}/${name.index}`;
}

function firstOf(hashes: Uint8Array): string {
  return Buffer.from(hashes.subarray(0, hashBytes)).toString('base64');
}

/** The place of the first hash in which the two differ as far as both go; -1 when they agree. */
function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const common = Math.min(a.length, b.length);
  if (same(a.subarray(0, common), b.subarray(0, common))) return -1;
  let at = 0;
  while (a[at] === b[at]) at += 1;
  return Math.floor(at / hashBytes);
}
