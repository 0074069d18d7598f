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
/** RFC 5321, 4.1.2: a local part in quotes, or what of it stands behind its last blank. `{"a":"@b.io"}` has none. */
const quoted = /(?:"|(?<=\s))[\p{L}\p{N}\p{M}._%+'&#=?^{|}~$!-]{1,64}"$/u;
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

function quotedStart(text: string, at: number): number {
  const match = quoted.exec(text.slice(Math.max(0, at - 66), at));
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
  return start;
}
