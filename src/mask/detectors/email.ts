import type { FindDetector, Span } from '../detector.ts';

const local = /[\p{L}\p{N}\p{M}._%+'&#=?^{|}~$!`-]/u;
/** The same of ASCII. */
const locals = Uint8Array.from({ length: 0x80 }, (_, code) =>
  local.test(String.fromCharCode(code)) ? 1 : 0,
);
/** Where the sign is escaped (RFC 3986, 2.1), those that would be escaped with it stand around the value. */
const escaped = locals.map((is, code) => (/[=&?#{|}`^]/.test(String.fromCharCode(code)) ? 0 : is));
const sign = /@|%40/g;
/** `ann@example.com.pdf`: what of a file's name is an address. */
const ofFile =
  /^(?:[a-z0-9-]{1,63}\.){0,8}[a-z][a-z0-9-]{2,62}\.(?:com|org|net|edu|gov|mil|info|biz)(?=\.[a-z]+$)/i;
/** RFC 5321, 4.1.3: an address of a machine. */
const literal = /\[(?:IPv6:[0-9A-Fa-f:.]{2,45}|\d{1,3}(?:\.\d{1,3}){3})\]/y;
/** RFC 5321, 4.1.2: a local part in quotes, blanks among it. `{"a":"@b.io"}` has none. INVARIANT: no longer than a stream waits. */
const quoted = /(?<![\p{L}\p{N}])"[\p{L}\p{N}](?:[^"<>\\\r\n]|\\[^<>\r\n]){0,63}?\\?"$/u;
const domain =
  /(?:[\p{L}\p{N}\p{M}-]{1,63}\.){1,10}(?:xn--[a-z0-9-]{2,59}|[\p{L}\p{M}]{2,24})(?![\p{L}\p{N}])/uy;
// `icon@2x.png` is a file.
const files = new Set(
  'png jpg jpeg gif svg webp ico css js mjs cjs ts tsx jsx json map html htm xml yaml yml md txt pdf'.split(
    ' ',
  ),
);

export const email: FindDetector = {
  kind: 'find',
  name: 'EMAIL_ADDRESS',
  gate: /@|%40/,
  marks: '@%',
  context: ['email', 'e-mail', 'mail'],
  examples: {
    yes: [
      'ann.lee@example.com',
      'user+tag@sub.example.co.uk',
      'jörg@müller.de',
      "o'neil@example.org",
      'a@b.io',
      'ann@[192.0.2.17]',
      '"ann.lee"@example.com',
      '"ann lee"@example.com',
      '"lee, ann"@example.com',
      'ann.lee%40example.com',
    ],
    no: [
      'a@b',
      '@home',
      'icon@2x.png',
      'name @ example.com',
      'j***@example.com',
      '5 @ 3.50',
      '{"a":"@b.io"}',
    ],
  },
  find: function* (text: string): Iterable<Span> {
    sign.lastIndex = 0;
    for (let match = sign.exec(text); match !== null; match = sign.exec(text)) {
      const at = match.index;
      const behind = at + match[0].length;
      const start =
        behind - at > 1
          ? localStart(text, at, escaped)
          : text[at - 1] === '"'
            ? quotedStart(text, at)
            : localStart(text, at, locals);
      if (start === at) continue;
      domain.lastIndex = behind;
      literal.lastIndex = behind;
      const host = (domain.exec(text) ?? literal.exec(text))?.[0];
      if (host === undefined) continue;
      const last = host.slice(host.lastIndexOf('.') + 1).toLowerCase();
      const isFile = files.has(last) && last !== 'md';
      const length = isFile ? (ofFile.exec(host)?.[0].length ?? 0) : host.length;
      if (length > 0) yield { start, end: behind + length, score: 0.95 };
    }
  },
};

// Not for machines: `ann [at] example [dot] com`, `ann at example dot com`. Tops of names are those that people end a spelled one with.
const at = String.raw`(?: ?[[({] ?(?:at|ät|@|arroba|chiocciola|malpa|собака) ?[\])}] ?|&#64;)`;
const dot = String.raw`(?:\.| ?[[({] ?(?:dot|punkt|punto|ponto|point|\.) ?[\])}] ?| (?:dot|punkt|punto) )`;
const said = String.raw`(?: dot | ?[[({] ?(?:dot|punkt|punto|ponto|point) ?[\])}] ?)`;
const name = String.raw`[\p{L}\p{N}](?:[\p{L}\p{N}._%+-]{0,62}[\p{L}\p{N}])?`;
const label = String.raw`[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?`;
const bracketed = new RegExp(
  `(?<![\\p{L}\\p{N}._%+-])${name}${at}${label}(?:${dot}${label}){0,4}${dot}\\p{L}{2,24}(?![\\p{L}\\p{N}])`,
  'giu',
);
/** From the word on; ASCII, as people say them. */
const spoken = new RegExp(
  `at [a-z0-9-]{1,63}(?:${said}[a-z0-9-]{1,63}){0,3}${said}(?:com|org|net|edu|gov|info|biz|dev|app|io|ai|co|uk|us|eu|de|at|ch|fr|es|it|pl|nl|be|se|no|dk|fi|cz|pt|br|mx|ar|in|jp|au|nz|ca|ru|ua|tr|gr|ie|hu|ro)(?![\\p{L}\\p{N}])`,
  'iuy',
);
const spokenHead = /at [a-z0-9-]{1,63}(?: ?[[({]? ?)(?:dot|punkt|punto|ponto|point)/i;
const before = new RegExp(`(?<![\\p{L}\\p{N}._%+-])${name} $`, 'iu');

/** With a sign or word in brackets for the sign of addresses. */
export const emailSpelled: FindDetector = {
  kind: 'find',
  name: 'EMAIL_ADDRESS',
  gate: /[[({] ?(?:at|ät|@|arroba|chiocciola|malpa|собака) ?[\])}]|&#64;/iu,
  marks: '[({&',
  context: [],
  examples: {
    yes: [
      'ann.lee [at] example [dot] com',
      'ann(at)example.com',
      'ann [AT] mail (dot) example (dot) co',
      'ann&#64;example.org',
    ],
    no: ['look (at) it', 'f(at)', 'ann [at] home', '[at] example.com'],
  },
  find: function* (text) {
    yield* spans(bracketed, text);
  },
};

/** Said: `ann at example dot com`. INVARIANT: the gate opens on `dot` and on brackets (`isOpener`, `isSpelledAt`). */
export const emailSaid: FindDetector = {
  kind: 'find',
  name: 'EMAIL_ADDRESS',
  context: [],
  examples: {
    yes: ['ann at example dot com', 'ann.lee AT mail DOT example DOT org', 'ann at example [dot] com'],
    no: ['meet at noon', 'a polka dot dress at home', 'sold at 12 dot 50'],
  },
  find: function* (text) {
    for (const { index } of text.matchAll(/(?<![A-Za-z0-9\u0080-\uffff])at /gi)) {
      const span = saidAt(text, index);
      if (span !== undefined) yield span;
    }
  },
  head: spokenHead,
  at: saidAt,
};

function saidAt(text: string, at: number): Span | undefined {
  spoken.lastIndex = at;
  const host = spoken.exec(text)?.[0];
  const local = host === undefined ? undefined : before.exec(text.slice(Math.max(0, at - 70), at))?.[0];
  return host === undefined || local === undefined
    ? undefined
    : { start: at - local.length, end: at + host.length, score: 0.9 };
}

function* spans(pattern: RegExp, text: string): Generator<Span> {
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text))
    yield { start: match.index, end: match.index + match[0].length, score: 0.9 };
}

function quotedStart(text: string, at: number): number {
  const match = quoted.exec(text.slice(Math.max(0, at - 68), at));
  return match === null ? at : at - match[0].length;
}

/** RFC 5322 allows 64 characters; a longer one is still somebody's, so the bound is only against quadratic work. */
function localStart(text: string, at: number, plain: Uint8Array): number {
  let start = at;
  while (start > 0 && at - start < 320) {
    const code = text.charCodeAt(start - 1);
    if (code < 0x80) {
      if (plain[code] !== 1) break;
      start--;
      continue;
    }
    // Both halves of a surrogate pair are letters of some script here: the property test holds no other to this.
    const unit = text[start - 1] ?? '';
    const pair = start > 1 && unit >= '\udc00' && unit <= '\udfff' ? (text[start - 2] ?? '') + unit : unit;
    if (!local.test(pair)) break;
    start -= pair.length;
  }
  while (start < at && ".'=?{|}&`#".includes(text[start] ?? '')) start++;
  // Bars part the fields of many formats; one alone may be in somebody's address.
  const last = text.lastIndexOf('|', at - 1);
  return last > start && text.lastIndexOf('|', last - 1) >= start ? Math.min(last + 1, at) : start;
}
