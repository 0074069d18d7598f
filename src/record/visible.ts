/**
 * Text of others, safe to show: no control character acts on a terminal and none changes the direction of writing; each is
 * shown as `\u{…}`. Line ends and tabs stay.
 */
export function visible(text: string): string {
  return text.replaceAll(/[^\P{C}\n\t]/gu, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

/** The same on one line. */
export function oneLine(text: string): string {
  return visible(text).replaceAll('\n', '\u21b5').replaceAll('\t', ' ');
}

// Wide and full-width characters take two columns (Unicode, UAX #11), marks none.
const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Columns that a text takes on a terminal. */
export function widthOf(text: string): number {
  // oxlint-disable-next-line no-control-regex
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const c of text) width += /^\p{M}/u.test(c) ? 0 : wide.test(c) ? 2 : 1;
  return width;
}

/** Cut or filled to so many columns. */
export function fitted(text: string, width: number): string {
  const own = widthOf(text);
  if (own <= width) return text + ' '.repeat(width - own);
  let kept = '';
  let at = 0;
  for (const c of text) {
    const next = widthOf(c);
    if (at + next > width - 1) break;
    kept += c;
    at += next;
  }
  return `${kept}\u2026${' '.repeat(width - 1 - at)}`;
}
