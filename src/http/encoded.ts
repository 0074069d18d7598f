/** A text with its encodings undone, and the way back: unit `at` of `text` stands for the original's `[from(at), to(at))`. */
export interface Undone {
  readonly text: string;
  readonly from: (at: number) => number;
  readonly to: (at: number) => number;
}

/** Percent-encoding (RFC 3986, 2.1), character references of HTML and XML, escapes of JSON and JavaScript. */
const encoded =
  /(?:%[0-9A-Fa-f]{2})+|&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});?|\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|u\{[0-9A-Fa-f]{1,6}\})/g;
const sign = /%[0-9A-Fa-f]{2}|&[#A-Za-z]|\\[ux]/;

/** Undoes one layer of encodings that readers of web pages, addresses and scripts undo; undefined where there is none. */
export function undoEncoding(text: string): Undone | undefined {
  if (!sign.test(text)) return undefined;
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
    if (/^(?:%[0-7][0-9A-Fa-f])+$/.test(whole)) {
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
      return undefined;
    }
  }
  if (whole.startsWith('\\')) return character(Number.parseInt(whole.replace(/[^0-9A-Fa-f]/g, ''), 16));
  const name = whole.slice(1).replace(/;$/, '');
  if (!name.startsWith('#')) return names[name];
  return character(
    /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10),
  );
}

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
