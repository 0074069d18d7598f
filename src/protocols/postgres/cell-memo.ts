import type { Cell, CellShown } from './cells.ts';

// Columns repeat their values: what one was shown as answers for the next that is the same byte by byte. Kept in memory
// only, with the masker: that is with the statement's answer.

const slots = 4_096;
const longest = 64; // bytes of a value that is kept

interface Entry {
  readonly value: Uint8Array;
  readonly shown: CellShown;
  /** What was found in it. */
  readonly types: readonly string[];
}

/** How a search tells what it finds. */
export interface Told {
  /** Types that were found in the value that was searched last. */
  readonly last: () => readonly string[];
  readonly tell: (types: readonly string[]) => void;
}

/** For columns whose values come again: `search` shows the same value the same way each time. */
interface Remembering {
  /** The same as `search`. */
  readonly show: Cell;
  /** The same for a value of which it is not known whether `may` lets it pass. */
  readonly recall: Cell;
}

export function remembering(
  search: Cell,
  { last, tell }: Told,
  may: (bytes: Uint8Array, start: number, end: number) => boolean,
): Remembering {
  // Made only when the first value is shown: of most columns none ever is.
  let hashes: Int32Array | undefined;
  let entries: (Entry | undefined)[] = [];
  return {
    show: (bytes, start, end) => shown(bytes, start, end, true),
    recall: (bytes, start, end) => shown(bytes, start, end, false),
  };

  // oxlint-disable-next-line max-params
  function shown(bytes: Uint8Array, start: number, end: number, sure: boolean): CellShown {
    if (end - start > longest) return sure || may(bytes, start, end) ? search(bytes, start, end) : undefined;
    const hash = hashOf(bytes, start, end);
    let slot = hash & (slots - 1);
    // Each value has two places, side by side: the newer one of two is kept.
    if (hashes !== undefined) {
      if (hashes[slot] !== hash) slot ^= 1;
      const entry = hashes[slot] === hash ? entries[slot] : undefined;
      if (entry !== undefined && isSame(entry.value, bytes, start, end)) {
        if (entry.types.length > 0) tell(entry.types);
        return entry.shown;
      }
      if (entries[slot] !== undefined) slot ^= 1;
    }
    if (!sure && !may(bytes, start, end)) return undefined;
    const made = search(bytes, start, end);
    if (hashes === undefined) {
      hashes = new Int32Array(slots);
      entries = Array.from({ length: slots });
    }
    hashes[slot] = hash;
    entries[slot] = {
      value: Uint8Array.prototype.slice.call(bytes, start, end),
      shown: made,
      types: last(),
    };
    return made;
  }
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  return hash ^ (hash >>> 15);
}

// oxlint-disable-next-line max-params
function isSame(value: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (value.length !== end - start) return false;
  for (let at = 0; at < value.length; at++) if (value[at] !== bytes[start + at]) return false;
  return true;
}
