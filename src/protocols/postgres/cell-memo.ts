import type { Cell, CellShown } from './cells.ts';

// Columns repeat their values: what one was shown as answers for the next that is the same byte by byte. Kept in memory
// only, with the masker: that is with the statement's answer.

const slots = 1_024;
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

/** The same as `search`, which shows the same value the same way each time, for columns whose values come again. */
export function remembering(search: Cell, { last, tell }: Told): Cell {
  // Made only when the first value is shown: of most columns none ever is.
  let hashes: Int32Array | undefined;
  let entries: (Entry | undefined)[] = [];
  return (bytes, start, end) => {
    if (end - start > longest) return search(bytes, start, end);
    const hash = hashOf(bytes, start, end);
    const slot = hash & (slots - 1);
    if (hashes?.[slot] === hash) {
      const entry = entries[slot];
      if (entry !== undefined && isSame(entry.value, bytes, start, end)) {
        if (entry.types.length > 0) tell(entry.types);
        return entry.shown;
      }
    }
    const shown = search(bytes, start, end);
    if (hashes === undefined) {
      hashes = new Int32Array(slots);
      entries = Array.from({ length: slots });
    }
    hashes[slot] = hash;
    entries[slot] = { value: Uint8Array.prototype.slice.call(bytes, start, end), shown, types: last() };
    return shown;
  };
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
