import type { Credential } from './upstream.ts';

/** What is shorter stands in texts by chance: it is one only where it stands by itself. */
const shortestKey = 8;

/** What is looked for; of it the stars leave `before` and `behind` characters standing. */
export interface Key {
  readonly text: string;
  readonly before: number;
  readonly behind: number;
}

/**
 * How a credential may stand in an answer: as it was sent, in the escapes of JSON, addresses and pages, and of a user's name and
 * password in Base64 the pair and the password too. Of a short one, where it is a whole string, or stands behind its scheme or field.
 */
export function keysOf(credential: Credential | undefined): readonly Key[] {
  if (credential === undefined) return [];
  const known = made.get(credential) ?? allOf(credential);
  made.set(credential, known);
  return known;
}

const made: WeakMap<Credential, readonly Key[]> = new WeakMap();

function allOf({ header, value: secret }: Credential): readonly Key[] {
  const value = secret.reveal('it is looked for where it must not be');
  const [, scheme = '', key = value] = /^(Bearer|Basic) (.*)$/s.exec(value) ?? [];
  const pair = scheme === 'Basic' ? Buffer.from(key, 'base64').toString() : undefined;
  const plain = pair === undefined ? [key] : [key, pair, pair.slice(pair.indexOf(':') + 1)];
  const found = new Map<string, Key>();
  for (const each of plain)
    for (const escape of escapes) {
      const text = escape(each);
      if (text.length >= shortestKey) found.set(text, { text, before: 0, behind: 0 });
      else if (text !== '')
        for (const key of alone(text, scheme === '' ? header : scheme)) found.set(key.text, key);
    }
  return [...found.values()].toSorted((a, b) => b.text.length - a.text.length);
}

/** Where a short one stands by itself. */
function alone(text: string, called: string): readonly Key[] {
  const capital = called.replaceAll(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase());
  const names = [...new Set([called, called.toLowerCase(), called.toUpperCase(), capital])];
  const places: readonly (readonly [before: string, behind: string])[] = [
    ...['"', "'", '\\"', '&quot;', '&#34;', '&#39;'].map((quote) => [quote, quote] as const),
    ['>', '<'],
    ...names.flatMap((name) => [' ', ': ', ':', '='].map((sign) => [name + sign, ''] as const)),
  ];
  return places.map(([before, behind]) => ({
    text: before + text + behind,
    before: before.length,
    behind: behind.length,
  }));
}

/** Each writes some characters otherwise, as programs do that put texts into JSON (.NET, Gson, Go, PHP), addresses and pages. */
const escapes: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => text.replaceAll('/', '\\/'),
  (text) => JSON.stringify(text).slice(1, -1),
  ...[/[+<>&'"`]/g, /[<>&='"]/g, /[<>&]/g, /[^\w.~-]/g].flatMap((set) => [
    (text: string) => text.replaceAll(set, (char) => `\\u${hex(char).padStart(4, '0')}`),
    (text: string) => text.replaceAll(set, (char) => `\\u${hex(char).toUpperCase().padStart(4, '0')}`),
  ]),
  encodeURIComponent,
  ...[/[^\w.~-]/g, /[^\w.~/-]/g, /[^\w.~/=-]/g, /\+/g, /=/g, /[^\w.~!'()*-]/g].flatMap((set) => [
    (text: string) => text.replaceAll(set, percent),
    (text: string) => text.replaceAll(set, (char) => percent(char).toUpperCase()),
  ]),
  ...[/[<>&'"]/g, /[<>&'"/]/g, /[<>&'"/`=]/g, /[<>&'"`=]/g, /[<>&'"+]/g].flatMap((set) => [
    (text: string) => text.replaceAll(set, (char) => names[char] ?? `&#x${hex(char).toUpperCase()};`),
    (text: string) => text.replaceAll(set, (char) => names[char] ?? `&#x${hex(char)};`),
    (text: string) => text.replaceAll(set, (char) => names[char] ?? `&#${char.charCodeAt(0)};`),
  ]),
];

const names: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' };

function hex(char: string): string {
  return char.charCodeAt(0).toString(16);
}

function percent(char: string): string {
  return Array.from(Buffer.from(char), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}

/** Finds keys in bytes that come in pieces, and puts stars of the same length in their place. */
export class KeyScan {
  readonly #keys: readonly { readonly bytes: Buffer; readonly from: number; readonly to: number }[];
  #held: Buffer = nothing;

  constructor(keys: readonly Key[]) {
    this.#keys = keys.map(({ text, before, behind }) => {
      const bytes = Buffer.from(text);
      return { bytes, from: before, to: bytes.length - behind };
    });
  }

  /** What may not become a key any more. The bytes that were given stay as they are. */
  push(piece: Uint8Array): Uint8Array {
    const shown = this.#starred(this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]));
    const to = this.#begun(shown);
    // Copied: what a piece stands in may be used again before the next one comes.
    this.#held = to === shown.length ? nothing : Buffer.from(shown.subarray(to));
    return to === shown.length ? shown : shown.subarray(0, to);
  }

  end(): Uint8Array {
    const rest = this.#held;
    this.#held = nothing;
    return rest;
  }

  #starred(given: Uint8Array): Buffer {
    let bytes = Buffer.from(given.buffer, given.byteOffset, given.length);
    let isOwn = false;
    for (const { bytes: key, from, to } of this.#keys) {
      for (let at = bytes.indexOf(key); at >= 0; at = bytes.indexOf(key, at + to)) {
        if (!isOwn) bytes = Buffer.from(bytes);
        isOwn = true;
        bytes.fill('*', at + from, at + to);
      }
    }
    return bytes;
  }

  /** Where the end of some bytes begins that a key may begin with. */
  #begun(bytes: Buffer): number {
    let first = bytes.length;
    for (const { bytes: key } of this.#keys) {
      const lead = key[0] ?? 0;
      for (
        let at = bytes.indexOf(lead, Math.max(0, bytes.length - key.length + 1));
        at >= 0 && at < first;
        at = bytes.indexOf(lead, at + 1)
      )
        if (key.compare(bytes, at, bytes.length, 0, bytes.length - at) === 0) first = at;
    }
    return first;
  }
}

const nothing = Buffer.alloc(0);

/** The same of bytes that are whole. */
export function starred(bytes: Uint8Array, keys: readonly Key[]): Uint8Array {
  if (keys.length === 0) return bytes;
  const scan = new KeyScan(keys);
  const shown = scan.push(bytes);
  const rest = scan.end();
  return rest.length === 0 ? shown : Buffer.concat([shown, rest]);
}

/** `text` with `***` for the credential. SECURITY: services say what they were asked with, and providers which key they did not like. */
export function withoutKey(text: string, credential: Credential | undefined): string {
  let shown = text;
  for (const { text: key, before, behind } of keysOf(credential)) {
    if (shown.includes(key))
      shown = shown.replaceAll(key, () => `${key.slice(0, before)}***${key.slice(key.length - behind)}`); // a name may hold `$&`
    // A field may hold nothing else than a short one.
    else if (before > 0 && shown === key.slice(before, key.length - behind)) return '***';
  }
  return shown;
}
