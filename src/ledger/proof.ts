/**
 * Proofs that stand alone. That an entry is in the ledger: C2SP tlog-proof, its `extra` the entry's own bytes. That a
 * newer head contains an older one: there is no such form in C2SP, so ours:
 *
 *   sallyport consistency-proof/v1
 *   old <size> <root, base64>
 *   <hash, base64>                    as many as RFC 6962, 2.1.2 has, from the bottom up
 *                                     an empty line
 *   <the newer signed head>
 *                                     an empty line, and the older signed head, where there is one
 */
import { cosignedAt, type WitnessKey } from './cosign.ts';
import { err, ok, type Result } from '../base/result.ts';
import { decodeEnvelope } from './envelope.ts';
import {
  consistencyParts,
  fold,
  hashBytes,
  inclusionParts,
  leafHash,
  type Node,
  type ProofPart,
  rootParts,
  same,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts';
import { type Checkpoint, parseCheckpoint, signedBy, type VerifierKey } from './note.ts';
import { tilePath, tileWidth, type TileName } from './tiles.ts';
import { perfect } from './tree.ts';

/** Reads the widest file there is of a tile, of at least this width; `undefined` when there is none. */
export type ReadTile = (name: TileName) => Promise<Uint8Array | undefined>;

/** The hash of a complete subtree, from its tile. */
async function nodeOf({ level, index }: Node, read: ReadTile): Promise<Uint8Array> {
  const within = level % 8;
  const first = index * 2 ** within;
  const from = first % tileWidth;
  const width = from + 2 ** within;
  const name = {
    kind: 'hashes',
    level: Math.floor(level / 8),
    index: Math.floor(first / tileWidth),
    width,
  } as const;
  const tile = await read(name);
  if (tile === undefined || tile.length < width * hashBytes)
    throw new RangeError(`${tilePath(name)} is missing or too short: run audit verify`);
  return perfect(tile, from, 2 ** within);
}

async function hashOf(part: ProofPart, read: ReadTile): Promise<Uint8Array> {
  return fold(await Promise.all(part.map((node) => nodeOf(node, read))));
}

/** @throws {RangeError} where the tree has no such leaf, or a tile is missing */
export function inclusionProof(index: number, size: number, read: ReadTile): Promise<readonly Uint8Array[]> {
  return Promise.all(inclusionParts(index, size).map((part) => hashOf(part, read)));
}

/** @throws {RangeError} where the first tree is larger, or a tile is missing */
export function consistencyProof(
  first: number,
  second: number,
  read: ReadTile,
): Promise<readonly Uint8Array[]> {
  return Promise.all(consistencyParts(first, second).map((part) => hashOf(part, read)));
}

/** The root of the first `size` entries. */
export function rootAt(size: number, read: ReadTile): Promise<Uint8Array> {
  return hashOf(rootParts(size), read);
}

const inclusionTitle = 'c2sp.org/tlog-proof@v1';
const consistencyTitle = 'sallyport consistency-proof/v1';

export function encodeInclusion(proof: {
  readonly index: number;
  readonly entry: Uint8Array;
  readonly hashes: readonly Uint8Array[];
  readonly checkpoint: string;
}): string {
  const extra = Buffer.from(proof.entry).toString('base64');
  return `${inclusionTitle}\nextra ${extra}\nindex ${proof.index}\n${lines(proof.hashes)}\n${proof.checkpoint}`;
}

export function encodeConsistency(proof: {
  readonly old: { readonly size: number; readonly root: Uint8Array; readonly checkpoint?: string };
  readonly hashes: readonly Uint8Array[];
  readonly checkpoint: string;
}): string {
  const { size, root, checkpoint } = proof.old;
  const start = `${consistencyTitle}\nold ${size} ${Buffer.from(root).toString('base64')}\n`;
  const older = checkpoint === undefined ? '' : `\n${checkpoint}`;
  return `${start}${lines(proof.hashes)}\n${proof.checkpoint}${older}`;
}

/** Hashes as lines of base64, each with its line end. */
export function lines(hashes: readonly Uint8Array[]): string {
  return hashes.map((each) => `${Buffer.from(each).toString('base64')}\n`).join('');
}

export interface ProofKeys {
  readonly key: VerifierKey;
  readonly witnesses?: readonly WitnessKey[];
  /** The entry, for an inclusion proof without `extra`. */
  readonly entry?: Uint8Array;
}

interface ProvenHead {
  readonly origin: string;
  readonly size: string; // of the newer head
  readonly root: string; // base64
  readonly signer: string;
  readonly cosignatures: readonly { readonly name: string; readonly at: number }[]; // seconds since 1970
}

/** What a proof proves. */
export type Proven = ProvenHead &
  (
    | { readonly kind: 'inclusion'; readonly index: string; readonly leaf: string; readonly entry: string }
    | {
        readonly kind: 'consistency';
        readonly old: { readonly size: string; readonly root: string; readonly signed: boolean };
      }
  );

/** Checks a proof with nothing but a key; the reason, where it does not hold. */
export function checkProof(text: string, keys: ProofKeys): Result<Proven, string> {
  const title = text.slice(0, text.indexOf('\n'));
  if (title === inclusionTitle) return checkInclusion(text, keys);
  if (title === consistencyTitle) return checkConsistency(text, keys);
  return err(`Not a proof: expected a first line "${inclusionTitle}" or "${consistencyTitle}"`);
}

function checkInclusion(text: string, keys: ProofKeys): Result<Proven, string> {
  const at = text.indexOf('\n\n');
  if (at < 0) return err('Not a proof: it has no signed head');
  const [, ...rest] = text.slice(0, at).split('\n');
  const extra = rest[0]?.startsWith('extra ') === true ? rest.shift()?.slice(6) : undefined;
  const index = /^index (0|[1-9]\d{0,19})$/.exec(rest.shift() ?? '')?.[1];
  const proof = hashesOf(rest);
  if (index === undefined || proof === undefined) return err('Not a proof: a line of it is malformed');
  const entry = extra === undefined ? undefined : fromBase64(extra);
  if (extra !== undefined && entry === undefined) return err('Not a proof: its entry is no base64');
  if (keys.entry !== undefined && entry !== undefined && !same(keys.entry, entry))
    return err('The proof is of another entry');
  const bytes = keys.entry ?? entry;
  if (bytes === undefined) return err('The proof does not hold its entry: give it with --entry');
  const signed = signedHead(text.slice(at + 2), keys);
  if (!signed.ok) return signed;
  const { head } = signed.value;
  const leaf = leafHash(bytes);
  if (!verifyInclusion({ index: BigInt(index), size: head.size, leaf, proof, root: head.root }))
    return err(`The entry is not number ${index} of the ledger that the head signs`);
  const envelope = decodeEnvelope(bytes);
  if (envelope.ok && String(envelope.value.index) !== index)
    return err('The entry says that it has another number');
  return ok({
    kind: 'inclusion',
    index,
    leaf: base64(leaf),
    entry: Buffer.from(bytes).toString(),
    ...told(signed.value, keys),
  });
}

function checkConsistency(text: string, keys: ProofKeys): Result<Proven, string> {
  // A signed head is two paragraphs: its text, its signatures.
  const [start = '', newText, newSigned, oldText, oldSigned, ...more] = text.replace(/\n$/, '').split('\n\n');
  if (
    newText === undefined ||
    newSigned === undefined ||
    more.length > 0 ||
    (oldText === undefined) !== (oldSigned === undefined)
  )
    return err('Not a proof: it does not hold one or two signed heads');
  const [, about = '', ...rest] = start.split('\n');
  const [, size, root = ''] = /^old (0|[1-9]\d{0,19}) ([A-Za-z0-9+/]{43}=)$/.exec(about) ?? [];
  const proof = hashesOf(rest);
  const firstRoot = fromBase64(root);
  if (size === undefined || proof === undefined || firstRoot === undefined)
    return err('Not a proof: a line of it is malformed');
  const signed = signedHead(`${newText}\n\n${newSigned}\n`, keys);
  if (!signed.ok) return signed;
  if (oldText !== undefined) {
    const older = signedHead(`${oldText}\n\n${oldSigned}\n`, keys);
    if (!older.ok) return err(`The older head: ${older.error}`);
    if (older.value.head.origin !== signed.value.head.origin) return err('The two heads are of two ledgers');
    if (String(older.value.head.size) !== size || !same(older.value.head.root, firstRoot))
      return err('The older head is not the one that the proof is about');
  }
  const { head } = signed.value;
  if (!verifyConsistency({ first: BigInt(size), second: head.size, firstRoot, secondRoot: head.root, proof }))
    return err(`The ledger of ${head.size} entries does not contain the ${size} entries of the older head`);
  return ok({
    kind: 'consistency',
    old: { size, root, signed: oldText !== undefined },
    ...told(signed.value, keys),
  });
}

function signedHead(text: string, { key }: ProofKeys): Result<Checkpoint, string> {
  const checkpoint = parseCheckpoint(text);
  if (!checkpoint.ok) return checkpoint;
  const { note, head } = checkpoint.value;
  if (!signedBy(note, key)) return err(`The head is not signed by ${key.name}+${key.keyId}`);
  if (head.origin !== key.name) return err('The head is of another ledger than the key');
  return checkpoint;
}

function told({ note, head }: Checkpoint, keys: ProofKeys): ProvenHead {
  const { key, witnesses = [] } = keys;
  return {
    origin: head.origin,
    size: String(head.size),
    root: base64(head.root),
    signer: `${key.name}+${key.keyId}`,
    cosignatures: witnesses.flatMap((witness) => {
      const at = cosignedAt(note, witness);
      return at === undefined ? [] : [{ name: witness.name, at }];
    }),
  };
}

/** The hashes of these lines; `undefined` where one is none, or there are more than any proof has. */
export function hashesOf(texts: readonly string[]): readonly Uint8Array[] | undefined {
  if (texts.length > 64) return undefined;
  const hashes = texts.map(fromBase64);
  return hashes.every((each) => each?.length === hashBytes)
    ? hashes.filter((each) => each !== undefined)
    : undefined;
}

function fromBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
