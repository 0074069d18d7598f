/** A text as detectors read it, with the way back: unit `at` of `text` stands for the original's `[from(at), to(at))`. */
export interface Normal {
  readonly text: string;
  readonly from: (at: number) => number;
  readonly to: (at: number) => number;
}

const plain = /^[\0-\x7f]*$/;
// Zero-width and invisible characters, soft hyphen, joiners, variation selectors, direction marks.
const invisible: readonly (readonly [number, number])[] = [
  [0xad, 0xad],
  [0x034f, 0x034f],
  [0x061c, 0x061c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180e],
  [0x200b, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x206f],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xe0000, 0xe01ef],
];
const space = /[\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
const dash = /[\u2010-\u2015\u2043\u2212\ufe58\ufe63\uff0d\u30fb\u00b7\u2022]/;
const needsFold = /[\u2070-\u209f\u2460-\u24ff\ufe50-\ufe6f\uff01-\uff5e]|\p{Nd}|\ud835[\udc00-\udfff]/u;
const number = /^\p{Nd}$/u;

/** Reads digits of other scripts, full-width forms, other spaces and dashes as ASCII, and drops what is not visible. */
export function normalise(text: string): Normal {
  if (plain.test(text)) return { text, from: (at) => at, to: (at) => at + 1 };
  let out = '';
  const froms: number[] = [];
  const tos: number[] = [];
  let at = 0;
  for (const char of text) {
    const next = at + char.length;
    const read = fold(char);
    for (let unit = 0; unit < read.length; unit++) {
      // A character that stands for itself in two units keeps them apart, so that a map never points between them.
      froms.push(at);
      tos.push(next);
    }
    out += read;
    at = next;
  }
  return { text: out, from: (unit) => froms[unit] ?? text.length, to: (unit) => tos[unit] ?? text.length };
}

function fold(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x80) return char;
  if (invisible.some(([from, to]) => code >= from && code <= to)) return '';
  if (space.test(char)) return ' ';
  if (dash.test(char)) return '-';
  if (!needsFold.test(char)) return char;
  if (number.test(char)) return String(digitValue(code));
  const folded = char.normalize('NFKC');
  return folded.length <= 4 ? folded : char;
}

/** Digits of a script stand in a row of ten: the value is the distance to the row's zero. */
function digitValue(code: number): number {
  if (code >= 0x1d7ce && code <= 0x1d7ff) return (code - 0x1d7ce) % 10;
  let value = 0;
  while (value < 9 && number.test(String.fromCodePoint(code - value - 1))) value++;
  return value;
}

/** One byte for each unit: itself below 0x80; above, 0x80 for what makes words, and `apart` for all else. What the gate reads. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    bytes[at] = code < 0x80 ? code : (classes[code] ?? 0) || classOf(code);
  }
  return bytes;
}

/** A sign, or a letter of a script that puts no blanks between words: `私の番号は123です`. No byte of UTF-8. */
export const apart = 0xff;
const classes = new Uint8Array(0x10000);
const joins =
  /^(?:(?![\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}\u30fc])[\p{L}\p{M}\p{N}])$/u;

function classOf(code: number): number {
  const made = joins.test(String.fromCharCode(code)) ? 0x80 : apart;
  classes[code] = made;
  return made;
}
