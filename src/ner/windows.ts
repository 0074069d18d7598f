/** A word of a text: half-open range of UTF-16 units. */
export interface Piece {
  readonly start: number;
  readonly end: number;
}

/** What the model says of a word. `label`: `O`, or one of the model's names such as `B-PER`. */
export interface Judged {
  readonly label: string;
  readonly score: number;
}

export interface Found extends Piece {
  readonly type: string;
  readonly score: number;
}

/** The words of a text, and every other sign that is no blank by itself. */
export function piecesOf(text: string): readonly Piece[] {
  return Array.from(text.matchAll(/[\p{L}\p{M}\p{N}]+|[^\s\p{L}\p{M}\p{N}]/gu), (match) => ({
    start: match.index,
    end: match.index + match[0].length,
  }));
}

/** Ranges of words of at most `most` tokens, each overlapping the one before by a quarter. A word longer than that is alone. */
export function windowsOf(
  counts: readonly number[],
  most: number,
): readonly (readonly [from: number, to: number])[] {
  const windows: (readonly [number, number])[] = [];
  let from = 0;
  while (from < counts.length) {
    let to = from;
    let sum = 0;
    while (to < counts.length && (to === from || sum + (counts[to] ?? 0) <= most)) sum += counts[to++] ?? 0;
    windows.push([from, to]);
    if (to === counts.length) break;
    let back = 0;
    let next = to;
    while (next > from + 1 && back + (counts[next - 1] ?? 0) <= most / 4) back += counts[--next] ?? 0;
    from = Math.max(from + 1, next);
  }
  return windows;
}

/** A model's label without what says where in a finding its word stands. */
export function bare(label: string): string {
  return label.replace(/^[BIESLU]-/, '');
}

const insideOne = /^[ \t'’.-]{0,2}$/;
/** Between parts that the model tells apart: a street and its town, a surname and what stands behind its comma. */
const betweenParts = /^[\s,'’.-]{0,3}$/;

/**
 * Joins words of one type that stand beside each other, those too that the model has several labels for (given name and surname);
 * over a comma each part once. `labels`: the model's name without its `B-` or `I-`, and the type that it is found as; what is not there is
 * nothing. The score is that of the surest word.
 */
export function joined(
  text: string,
  pieces: readonly Piece[],
  judged: readonly Judged[],
  options: { readonly labels: ReadonlyMap<string, string>; readonly threshold: number },
): readonly Found[] {
  const found: Found[] = [];
  let parts = new Set<string>(); // labels of the last one
  let before = ''; // that of its last word
  for (const [at, { start, end }] of pieces.entries()) {
    const { label, score } = judged[at] ?? { label: 'O', score: 0 };
    const part = bare(label);
    const type = options.labels.get(part);
    if (type === undefined || score < options.threshold) continue;
    const last = found.at(-1);
    const gap = last?.type === type ? text.slice(last.end, start) : undefined;
    // `B-` begins another, but where it touches the one before it is a part of a word.
    const goesOn =
      gap !== undefined &&
      (part === before
        ? insideOne.test(gap) && (!label.startsWith('B-') || gap === '')
        : insideOne.test(gap) || (!parts.has(part) && betweenParts.test(gap)));
    if (last !== undefined && goesOn)
      found[found.length - 1] = { ...last, end, score: Math.max(last.score, score) };
    else {
      found.push({ type, start, end, score });
      parts = new Set();
    }
    parts.add(part);
    before = part;
  }
  return found;
}
