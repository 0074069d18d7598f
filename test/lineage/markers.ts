import type { Marker } from './schema.ts';

/** Finds planted values in what a server answered: as they are, backwards, in hex or base64, or a piece of six letters. */
export interface Finder {
  /** The markers whose value, or a tell-tale part of it, stands in the cell. */
  readonly find: (cell: string) => readonly Marker[];
  /** Whether the cell is a marker's value, whole and unchanged. */
  readonly whole: (cell: string) => boolean;
}

const piece = 6;
const hexPiece = 12;
const base64Piece = 8;

export function finder(markers: readonly Marker[]): Finder {
  const texts = new Map<string, Set<Marker>>();
  const add = (part: string, marker: Marker): void => {
    const key = part.toLowerCase();
    texts.set(key, (texts.get(key) ?? new Set()).add(marker));
  };
  for (const marker of markers) {
    const { text } = marker;
    // Digits of a number turn up by chance: only all of them count.
    const isNumber = /^\d+$/.test(text);
    const length = isNumber ? text.length : piece;
    for (const form of [text, backwards(text)]) {
      for (const part of windows(form, length)) add(part, marker);
      if (isNumber) continue;
      for (const part of windows(Buffer.from(form).toString('hex'), hexPiece)) add(part, marker);
      for (const shift of ['', 'x', 'xx']) {
        const encoded = Buffer.from(shift + form).toString('base64');
        // The letters at both ends also hold bits of what stands beside.
        for (const part of windows(encoded.slice(shift === '' ? 0 : 4, -4), base64Piece)) add(part, marker);
      }
    }
  }
  const lengths = [...new Set([...texts.keys()].map((each) => each.length))];
  const values = new Set(markers.map((each) => each.text));
  return {
    find: (cell) => {
      const found = new Set<Marker>();
      const lower = cell.toLowerCase();
      for (const length of lengths) {
        for (const part of windows(lower, length)) for (const each of texts.get(part) ?? []) found.add(each);
      }
      return [...found];
    },
    whole: (cell) => values.has(cell),
  };
}

function windows(text: string, length: number): readonly string[] {
  return Array.from({ length: Math.max(0, text.length - length + 1) }, (_, at) =>
    text.slice(at, at + length),
  );
}

function backwards(text: string): string {
  return text.split('').toReversed().join('');
}
