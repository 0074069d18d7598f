import type { Around, findMasker } from './operators.ts';

/** A piece of a text with marks in it, between what stands around it, and as it is shown whole. */
export interface Marked {
  readonly text: string;
  readonly around: Around;
  readonly shown: string;
  /** Places in `text`, in their order; those behind its end are not looked at. */
  readonly marks: readonly number[];
  readonly since: Since;
}

/** How much of what stands to the left of a piece stands behind the last mark. */
export interface Since {
  readonly original: number;
  readonly shown: number;
}

type Masker = ReturnType<typeof findMasker>;

/**
 * What is shown between marks: what is a value in the whole is hidden, and what is one in a part read by itself too. A value
 * that goes over a mark is shown before it. `marks` of the answer are places in its `shown`.
 */
export function parted(
  mask: Masker,
  marked: Marked,
): { readonly shown: string; readonly marks: readonly number[]; readonly since: Since } {
  const { text, around, shown, since } = marked;
  const marks = marked.marks.filter((at) => at <= text.length);
  if (marks.length === 0) {
    const next = { original: since.original + text.length, shown: since.shown + shown.length };
    return { shown, marks: [], since: next };
  }
  const quick = shown === text || marks.length > mostExact ? linear(mask, marked, marks) : undefined;
  if (quick !== undefined) return quick;
  let out = '';
  const places: number[] = [];
  let [from, shownFrom] = [0, 0];
  for (const to of [...marks, text.length]) {
    const isLast = places.length === marks.length;
    const shownTo = isLast ? shown.length : Math.max(shownFrom, placeOf(mask, marked, to));
    const own = from === 0 && places.length === 0 ? leftOf(around, since) : { original: '', shown: '' };
    const left = {
      original: around.original + text.slice(0, from),
      shown: around.shown + shown.slice(0, shownFrom),
    };
    const right = text.slice(to) + around.right;
    const raw = text.slice(from, to);
    const alone = { ...own, right: isLast ? around.right : '' };
    const piece = shown.slice(shownFrom, shownTo);
    const more = raw !== '' && mask(raw, alone).text !== mask(raw, { ...left, right }).text;
    out += more ? mask(piece, alone).text : piece;
    [from, shownFrom] = [to, shownTo];
    if (!isLast) places.push(out.length);
  }
  const last = marks.at(-1) ?? 0;
  return {
    shown: out,
    marks: places,
    since: { original: text.length - last, shown: out.length - (places.at(-1) ?? 0) },
  };
}

/** From so many marks in one piece on the parts are masked by themselves, or hidden together: time grows with the text. */
const mostExact = 8;

/** Undefined where nothing is found in the whole, and something in a part. */
function linear(
  mask: Masker,
  { text, around, shown, since }: Marked,
  marks: readonly number[],
): ReturnType<typeof parted> | undefined {
  let parts = [0, ...marks].map((from, index) => {
    const own = index === 0 ? leftOf(around, since) : { original: '', shown: '' };
    const right = index === marks.length ? around.right : '';
    return mask(text.slice(from, marks[index]), { ...own, right }).text;
  });
  const joined = parts.join('');
  if (marks.length <= mostExact && joined !== text) return undefined;
  // SECURITY: what is a value in the whole only is in none of the parts: nobody can say quickly where it stands.
  const isSafe = shown === text || mask(joined, { ...around, original: around.shown }).text === joined;
  if (!isSafe) parts = parts.map((_, index) => (index === 0 ? '***' : ''));
  const places: number[] = [];
  let at = 0;
  for (const part of parts.slice(0, -1)) places.push((at += part.length));
  const last = parts.at(-1) ?? '';
  const next = { original: text.length - (marks.at(-1) ?? 0), shown: last.length };
  return { shown: parts.join(''), marks: places, since: next };
}

/** Where a mark of the text stands in what is shown of it: behind a value that goes over it. */
function placeOf(mask: Masker, { text, around, shown }: Marked, at: number): number {
  const before = mask(text.slice(0, at), { ...around, right: text.slice(at) + around.right }).text;
  const behind = mask(text.slice(at), {
    original: around.original + text.slice(0, at),
    shown: around.shown + before,
    right: around.right,
  }).text;
  return Math.max(alike(shown, before, 'begin'), shown.length - alike(shown, behind, 'end'));
}

/** How many characters two texts have in common, where they begin or where they end. */
function alike(a: string, b: string, where: 'begin' | 'end'): number {
  const most = Math.min(a.length, b.length);
  for (let count = 0; count < most; count++) {
    const same = where === 'begin' ? a[count] === b[count] : a.at(-1 - count) === b.at(-1 - count);
    if (!same) return count;
  }
  return most;
}

function leftOf(
  { original, shown }: Around,
  since: Since,
): { readonly original: string; readonly shown: string } {
  return {
    original: original.slice(Math.max(0, original.length - since.original)),
    shown: shown.slice(Math.max(0, shown.length - since.shown)),
  };
}

/** A text in the parts that its marks make of it. */
export function partsAt(text: string, marks: readonly number[]): readonly string[] {
  return [0, ...marks].map((from, index) => text.slice(from, marks[index]));
}
