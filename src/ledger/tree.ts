import { fold, hashBytes, nodeHash } from './merkle.ts';
import { tileWidth } from './tiles.ts';

/** A hash tile that has just become full. */
export type TileFull = (level: number, index: number, hashes: Uint8Array) => void;

interface Edge {
  readonly hashes: Uint8Array; // room for 256
  count: number; // 0 to 255
}

/**
 * A growing tree, of which only the right edge is held: the tile of each level that is not yet full.
 * 8 KiB a level; a level for each 8 binary digits of the size.
 */
export class Tree {
  readonly #edges: Edge[] = [];
  readonly #full: TileFull;
  #size = 0;

  constructor(full: TileFull = ignore) {
    this.#full = full;
  }

  get size(): number {
    return this.#size;
  }

  /** A tree of this size, from its right edge: `edge(level, count)` gives that many hashes of the level's last, partial tile. */
  static at(
    size: number,
    edge: (level: number, index: number, count: number) => Uint8Array,
    full: TileFull = ignore,
  ): Tree {
    const tree = new Tree(full);
    tree.#size = size;
    let rest = size;
    for (let level = 0; rest > 0; level++) {
      const count = rest % tileWidth;
      const index = Math.floor(rest / tileWidth);
      const own = tree.#edge(level);
      if (count > 0) own.hashes.set(edge(level, index, count).subarray(0, count * hashBytes));
      own.count = count;
      rest = index;
    }
    return tree;
  }

  append(leaf: Uint8Array): void {
    if (this.#size >= Number.MAX_SAFE_INTEGER) throw new RangeError('The tree is full');
    let hash = leaf;
    for (let level = 0; ; level++) {
      const edge = this.#edge(level);
      edge.hashes.set(hash, edge.count * hashBytes);
      edge.count += 1;
      if (edge.count < tileWidth) break;
      this.#full(level, Math.floor(this.#size / tileWidth ** (level + 1)), edge.hashes);
      hash = perfect(edge.hashes, 0, tileWidth);
      edge.count = 0;
    }
    this.#size += 1;
  }

  /** The partial tiles as they are now: views, valid until the next append. */
  partials(): readonly { readonly level: number; readonly index: number; readonly hashes: Uint8Array }[] {
    return this.#edges.flatMap((edge, level) =>
      edge.count === 0
        ? []
        : [
            {
              level,
              index: Math.floor(this.#size / tileWidth ** (level + 1)),
              hashes: edge.hashes.subarray(0, edge.count * hashBytes),
            },
          ],
    );
  }

  root(): Uint8Array {
    const peaks: Uint8Array[] = [];
    for (const edge of this.#edges.toReversed()) {
      let at = 0;
      for (let width = tileWidth / 2; width >= 1; width /= 2) {
        if ((edge.count & width) === 0) continue;
        peaks.push(perfect(edge.hashes, at, width));
        at += width;
      }
    }
    return fold(peaks);
  }

  #edge(level: number): Edge {
    let edge = this.#edges[level];
    if (edge === undefined) {
      edge = { hashes: new Uint8Array(tileWidth * hashBytes), count: 0 };
      this.#edges[level] = edge;
    }
    return edge;
  }
}

/** The root of `width` hashes (a power of two) from place `from` of a tile. */
export function perfect(tile: Uint8Array, from: number, width: number): Uint8Array {
  if (width === 1) return Uint8Array.from(tile.subarray(from * hashBytes, (from + 1) * hashBytes));
  const half = width / 2;
  return nodeHash(perfect(tile, from, half), perfect(tile, from + half, half));
}

function ignore(): void {
  // Nobody asked for full tiles.
}
