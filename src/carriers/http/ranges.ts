import { mayBeMarkup } from '../../http/markup.ts';

// Which parts of a text are hidden, and how a long text is looked at in windows.

/** A text as it is shown. */
export interface Found {
  readonly text: string;
  readonly masked: number;
  readonly types: readonly string[];
}

/** What is shown instead of a part of a text. */
export interface Hidden {
  readonly from: number;
  readonly to: number;
  readonly type: string | undefined;
  readonly shown: string;
}

/** SECURITY: of two that overlap the later one goes with the earlier one, so that no end of it is left. */
export function withRanges(text: string, ranges: readonly Hidden[]): Found {
  let out = '';
  let copied = 0;
  const types: string[] = [];
  for (const { from, to, type, shown } of ranges.toSorted((a, b) => a.from - b.from || b.to - a.to)) {
    if (type !== undefined) types.push(type);
    if (from >= copied) out += text.slice(copied, from) + shown;
    copied = Math.max(copied, to);
  }
  return { text: out + text.slice(copied), masked: ranges.length, types };
}

/** Units of a text that are looked at in one go; of what stands before them, as context, and behind, where a value may go on. */
const windowUnits = 8_192;
const windowBefore = 512;
const windowBehind = 1_024;
/** The same where something goes on up to the end: keys and tokens are long. */
const windowFar = 24_576;
const openKey = /-----BEGIN(?![^]*-----END)/;

/** All that `find` gives for the windows of a text, each part once or more; where it yields, others may have their turn. */
export function* inWindows(
  text: string,
  find: (part: string) => readonly Hidden[],
): Generator<void, Hidden[]> {
  const ranges: Hidden[] = [];
  for (let from = 0; from < text.length; from += windowUnits) {
    const start = Math.max(0, from - windowBefore);
    const upTo = (behind: number): string => text.slice(start, from + windowUnits + behind);
    let part = upTo(windowBehind);
    let found = find(part);
    const open = start + part.length < text.length;
    if (open && (openKey.test(part) || found.some(({ to }) => to > part.length - 64))) {
      part = upTo(windowFar);
      found = find(part);
    }
    for (const each of found) {
      const moved = { ...each, from: each.from + start, to: each.to + start };
      if (moved.to > from && moved.from < from + windowUnits) ranges.push(moved);
    }
    yield;
  }
  return ranges;
}

/** A word of so many characters, or a page, is not cut where values could be. */
const longWord = 32_768;

/** Whether pieces of a text would not be what is displayed, or one of them too long to be looked at in one go. */
export function wantsWindows(text: string): boolean {
  if (mayBeMarkup(text)) return true;
  let word = 0;
  for (let at = 0; at < text.length; at++) {
    word = text.charCodeAt(at) <= 0x20 ? 0 : word + 1;
    if (word > longWord) return true;
  }
  return false;
}
