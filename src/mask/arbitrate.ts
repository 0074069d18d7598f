import type { Finding } from './detector.ts';
import type { Found } from './numbers.ts';

/**
 * Of findings that overlap the best stays: higher score, then longer, then first. It grows over what the others cover,
 * so that arbitration never uncovers a character that some detector found.
 */
export function arbitrate(found: Found[], text: string): readonly Finding[] {
  if (found.length === 1) return found;
  const ordered = found.sort((a, b) => a.start - b.start || b.end - a.end || a.order - b.order);
  const kept: Finding[] = [];
  for (const each of ordered) {
    const last = kept.at(-1);
    if (last === undefined || each.start >= last.end) {
      kept.push(each);
      continue;
    }
    const above = isBelow(each, last, text);
    if (above > 0) {
      kept[kept.length - 1] = { ...last, end: last.start + above };
      kept.push(each);
      continue;
    }
    const better =
      each.score > last.score || (each.score === last.score && each.end - each.start > last.end - last.start)
        ? each
        : last;
    kept[kept.length - 1] = { ...better, start: last.start, end: Math.max(last.end, each.end) };
  }
  return kept;
}

/**
 * How much of an address stands above a number that ends it on a line of its own: the telephone below it is none of its
 * lines. 0: it is not so.
 */
export function isBelow(each: Finding, last: Finding, text: string): number {
  if (last.type !== 'LOCATION' || each.type === last.type || each.end < last.end) return 0;
  const above = text.slice(last.start, each.start);
  return /\n[ \t]*$/.test(above) ? above.trimEnd().length : 0;
}
