import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  consistencyParts,
  emptyRoot,
  fold,
  inclusionParts,
  leafHash,
  nodeHash,
  type ProofPart,
  same,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts';
import { perfect, Tree } from './tree.ts';

const testdata = join(import.meta.dirname, 'testdata', 'merkle');

interface InclusionCase {
  readonly leafIdx: number | string;
  readonly treeSize: number | string;
  readonly root: string;
  readonly leafHash: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}
interface ConsistencyCase {
  readonly size1: number;
  readonly size2: number;
  readonly root1: string;
  readonly root2: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

/** Sizes in the vectors exceed 2^53: they are kept as text. */
function cases<T>(folder: string): [string, T][] {
  return readdirSync(join(testdata, folder), { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => {
      const path = join(file.parentPath, file.name);
      const text = readFileSync(path, 'utf8').replaceAll(
        /"(leafIdx|treeSize|size1|size2)": (\d+)/g,
        '"$1": "$2"',
      );
      return [path, JSON.parse(text) as T];
    });
}

function bytes(base64: string | null): Uint8Array {
  return Buffer.from(base64 ?? '', 'base64');
}

test('verifyInclusion() agrees with the vectors of transparency-dev/merkle', () => {
  const all = cases<InclusionCase>('inclusion');
  assert.ok(all.length > 80 && all.some(([, each]) => !each.wantErr));
  for (const [path, each] of all) {
    const good = verifyInclusion({
      index: BigInt(each.leafIdx),
      size: BigInt(each.treeSize),
      leaf: bytes(each.leafHash),
      proof: (each.proof ?? []).map(bytes),
      root: bytes(each.root),
    });
    assert.equal(good, !each.wantErr, path);
  }
});

test('verifyConsistency() agrees with the vectors of transparency-dev/merkle', () => {
  const all = cases<ConsistencyCase>('consistency');
  assert.ok(all.length > 80 && all.some(([, each]) => !each.wantErr));
  for (const [path, each] of all) {
    const good = verifyConsistency({
      first: BigInt(each.size1),
      second: BigInt(each.size2),
      firstRoot: bytes(each.root1),
      secondRoot: bytes(each.root2),
      proof: (each.proof ?? []).map(bytes),
    });
    // Roots of an empty tree that are no hashes at all are refused here; the vectors' own reference lets them pass.
    const malformed = bytes(each.root1).length !== 32 || bytes(each.root2).length !== 32;
    assert.equal(good, !each.wantErr && !malformed, path);
  }
});

const most = 300;
const leaves = Array.from({ length: most }, (_, at) => leafHash(Buffer.from(`entry ${at}`)));

/** The definition of RFC 6962, 2.1, word by word. */
function naiveRoot(hashes: readonly Uint8Array[]): Uint8Array {
  const [only] = hashes;
  if (only === undefined) return emptyRoot;
  if (hashes.length === 1) return only;
  let k = 1;
  while (k * 2 < hashes.length) k *= 2;
  return nodeHash(naiveRoot(hashes.slice(0, k)), naiveRoot(hashes.slice(k)));
}

const whole = Buffer.concat(leaves);
const nodes = new Map<string, Uint8Array>();
function hashesOf(parts: readonly ProofPart[]): Uint8Array[] {
  return parts.map((part) =>
    fold(
      part.map(({ level, index }) => {
        const name = `${level}.${index}`;
        const known = nodes.get(name) ?? perfect(whole, index * 2 ** level, 2 ** level);
        nodes.set(name, known);
        return known;
      }),
    ),
  );
}

const roots = (() => {
  const tree = new Tree();
  const found = [tree.root()];
  for (const leaf of leaves) {
    tree.append(leaf);
    found.push(tree.root());
  }
  return found;
})();

function rootOf(size: number): Uint8Array {
  return roots[size] ?? assert.fail();
}

test('the root that a Tree keeps is the root of RFC 6962', () => {
  assert.equal(
    Buffer.from(rootOf(0)).toString('hex'),
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  );
  for (let size = 0; size <= most; size++)
    assert.ok(same(rootOf(size), naiveRoot(leaves.slice(0, size))), `${size}`);
});

test('a Tree taken up again from its right edge gives the same roots', () => {
  const tiles = new Map<string, Uint8Array>();
  const tree = new Tree((level, index, hashes) => tiles.set(`${level}/${index}`, hashes.slice()));
  for (let size = 0; size < 70_000; size++) tree.append(leaves[size % most] ?? assert.fail());
  assert.deepEqual(
    [...tiles.keys()].filter((name) => name.startsWith('1/')),
    ['1/0'],
  );
  const edges = new Map(tree.partials().map((edge) => [`${edge.level}/${edge.index}`, edge.hashes.slice()]));
  const again = Tree.at(70_000, (level, index) => edges.get(`${level}/${index}`) ?? assert.fail());
  assert.ok(same(again.root(), tree.root()));
  again.append(leafHash(Buffer.of(1)));
  tree.append(leafHash(Buffer.of(1)));
  assert.ok(same(again.root(), tree.root()));
  assert.equal(again.size, 70_001);
});

test('every inclusion proof up to 300 leaves holds, and none for another leaf', () => {
  for (let size = 1; size <= most; size++) {
    for (let index = 0; index < size; index += size > 64 ? 7 : 1) {
      const proof = hashesOf(inclusionParts(index, size));
      const leaf = leaves[index] ?? assert.fail();
      const claim = { index: BigInt(index), size: BigInt(size), leaf, proof, root: rootOf(size) };
      assert.ok(verifyInclusion(claim), `${index} in ${size}`);
      assert.ok(!verifyInclusion({ ...claim, index: claim.index ^ 1n }));
    }
  }
});

test('every consistency proof up to 300 leaves holds', () => {
  for (let second = 1; second <= most; second++) {
    for (let first = 1; first <= second; first += second > 64 ? 5 : 1) {
      const claim = {
        first: BigInt(first),
        second: BigInt(second),
        firstRoot: rootOf(first),
        secondRoot: rootOf(second),
        proof: hashesOf(consistencyParts(first, second)),
      };
      assert.ok(verifyConsistency(claim), `${first} in ${second}`);
      assert.ok(
        !verifyConsistency({ ...claim, firstRoot: rootOf(first - 1) }),
        `${first} forked in ${second}`,
      );
    }
  }
});

test('a proof with any bit changed, a part lost or one added does not hold', () => {
  const size = fc.integer({ min: 2, max: most });
  fc.assert(
    fc.property(size, fc.nat(), fc.nat(), fc.nat({ max: 255 }), (n, a, b, bit) => {
      const index = a % n;
      const proof = hashesOf(inclusionParts(index, n));
      const claim = {
        index: BigInt(index),
        size: BigInt(n),
        leaf: leaves[index] ?? assert.fail(),
        root: rootOf(n),
      };
      assert.ok(!verifyInclusion({ ...claim, proof: flipped(proof, b, bit) }));
      assert.ok(!verifyInclusion({ ...claim, proof: proof.slice(1) }));
      assert.ok(!verifyInclusion({ ...claim, proof: [...proof, claim.root] }));
      assert.ok(!verifyInclusion({ ...claim, proof: [claim.root.subarray(1), ...proof.slice(1)] }));
      const first = 1 + (a % (n - 1));
      const path = hashesOf(consistencyParts(first, n));
      const sizes = {
        first: BigInt(first),
        second: BigInt(n),
        firstRoot: rootOf(first),
        secondRoot: rootOf(n),
      };
      assert.ok(verifyConsistency({ ...sizes, proof: path }));
      assert.ok(!verifyConsistency({ ...sizes, proof: flipped(path, b, bit) }));
      assert.ok(!verifyConsistency({ ...sizes, proof: path.slice(1) }));
      assert.ok(!verifyConsistency({ ...sizes, proof: [...path, sizes.secondRoot] }));
    }),
    { numRuns: 500 },
  );
});

function flipped(proof: readonly Uint8Array[], which: number, bit: number): Uint8Array[] {
  return proof.map((hash, at) => {
    if (at !== which % proof.length) return hash;
    const copy = Uint8Array.from(hash);
    copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return copy;
  });
}
