/** A text with its encodings undone, and the way back: unit `at` of `text` stands for the original's `[from(at), to(at))`. */
export interface Undone {
  readonly text: string;
  readonly from: (at: number) => number;
  readonly to: (at: number) => number;
}

/**
 * Percent-encoding (RFC 3986, 2.1), character references of HTML and XML, escapes of JSON, JavaScript and YAML, and whole numbers with an
 * exponent (`4.111111111111111E15`), as spreadsheets write them.
 */
const encoded =
  /(?:%[0-9A-Fa-f]{2})+|&(?:#0{0,10}\d{1,7}|#[xX]0{0,10}[0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});?|\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|u\{0{0,10}[0-9A-Fa-f]{1,6}\})|(?<![\w.])\d[.,]\d{5,20}[eE]\+?0?\d{1,2}(?![\w.])/g;
const sign = /%[0-9A-Fa-f]{2}|&[#A-Za-z]|\\[uUx]|\d[eE]\+?\d/;

/** Layers of encodings, one in the other, that are undone. */
const mostLayers = 6;

/**
 * Undoes one layer after the other, each with the way back to the text itself: gives the text as it is once each of them is undone. `deeper` is
 * said instead of the last where there are still more.
 */
export function* undoAll(text: string): Generator<Undone | 'deeper'> {
  let last: Undone = { text, from: (at) => at, to: (at) => at + 1 };
  for (let layer = 0; layer < mostLayers; layer++) {
    const next = undoEncoding(last.text);
    if (next === undefined || next.text === last.text) return;
    const before = last;
    last = {
      text: next.text,
      from: (at) => before.from(next.from(at)),
      to: (at) => before.to(Math.max(next.from(at), next.to(at) - 1)),
    };
    yield last;
  }
  if (undoEncoding(last.text) !== undefined) yield 'deeper';
}

/** Whether there may be anything to undo. */
export function mayBeEncoded(text: string): boolean {
  return sign.test(text);
}

/** Undoes one layer of encodings that readers of web pages, addresses and scripts undo; undefined where there is none. */
export function undoEncoding(text: string): Undone | undefined {
  if (!mayBeEncoded(text)) return undefined;
  let out = '';
  let copied = 0;
  const froms: number[] = [];
  const tos: number[] = [];
  const add = (shown: string, from: number, to: number): void => {
    for (let unit = 0; unit < shown.length; unit++) {
      froms.push(from);
      tos.push(to);
    }
    out += shown;
  };
  const plain = (to: number): void => {
    for (; copied < to; copied++) add(text[copied] ?? '', copied, copied + 1);
  };
  for (const match of text.matchAll(encoded)) {
    const [whole] = match;
    const decoded = decode(whole);
    if (decoded === undefined) continue;
    plain(match.index);
    if (whole.startsWith('%') && decoded.length === whole.length / 3) {
      for (let at = 0; at < whole.length; at += 3) {
        add(decoded[at / 3] ?? '', match.index + at, match.index + at + 3);
      }
    } else {
      add(decoded, match.index, match.index + whole.length);
    }
    copied = match.index + whole.length;
  }
  if (copied === 0) return undefined;
  plain(text.length);
  return { text: out, from: (at) => froms[at] ?? text.length, to: (at) => tos[at] ?? text.length };
}

function decode(whole: string): string | undefined {
  if (whole.startsWith('%')) {
    try {
      return decodeURIComponent(whole);
    } catch {
      // Not UTF-8: what is ASCII in it is read all the same.
      const bytes = Buffer.from(whole.replaceAll('%', ''), 'hex');
      return bytes.some((byte) => byte < 0x80)
        ? Array.from(bytes, (byte) => (byte < 0x80 ? String.fromCharCode(byte) : '\ufffd')).join('')
        : undefined;
    }
  }
  if (/^\d/.test(whole)) return wholeNumber(whole.replace(',', '.'));
  if (whole.startsWith('\\')) return character(Number.parseInt(whole.slice(2).replace(/[{}]/g, ''), 16));
  const name = whole.slice(1).replace(/;$/, '');
  if (!name.startsWith('#')) return names[name];
  return character(
    /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10),
  );
}

/**
 * The digits of a whole number that is written with an exponent or a point (`4.2e1`, `42.0`); undefined where it is none, or is longer
 * than anything that is looked for.
 */
export function wholeNumber(written: string): string | undefined {
  if (written.length > longestNumber) return undefined;
  const [all, whole = '', fraction = '', exponent = '0'] =
    /^[+-]?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(written) ?? [];
  const shift = Number(exponent);
  if (all === undefined || Math.abs(shift) > longestNumber) return undefined;
  const digits = (whole + fraction).padEnd(whole.length + shift, '0');
  const point = whole.length + shift;
  if (point <= 0 || /[1-9]/.test(digits.slice(point))) return undefined;
  return digits.slice(0, point).replace(/^0+(?=\d)/, '');
}

const longestNumber = 300;

function character(code: number): string | undefined {
  return Number.isNaN(code) || code > 0x10ffff ? undefined : String.fromCodePoint(code);
}

/** Named references that stand for a character which values have in them. */
const names: Readonly<Record<string, string>> = Object.assign(Object.create(null) as object, {
  nbsp: ' ',
  ensp: ' ',
  emsp: ' ',
  thinsp: ' ',
  commat: '@',
  period: '.',
  comma: ',',
  hyphen: '-',
  dash: '-',
  ndash: '-',
  mdash: '-',
  minus: '-',
  lowbar: '_',
  plus: '+',
  sol: '/',
  colon: ':',
  semi: ';',
  num: '#',
  lpar: '(',
  rpar: ')',
  lsqb: '[',
  rsqb: ']',
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  equals: '=',
  Tab: '\t',
  NewLine: '\n',
  shy: '\u00ad',
});
