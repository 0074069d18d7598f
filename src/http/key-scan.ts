import type { Credential } from './upstream.ts';

/** What is shorter stands in texts by chance. */
const shortestKey = 8;

/**
 * How a credential may stand in an answer: as it was sent, in the escapes of JSON and of addresses, and of a user's name and password in
 * Base64 the pair and the password too.
 */
export function keysOf(credential: Credential | undefined): readonly string[] {
  if (credential === undefined) return [];
  const known = made.get(credential) ?? allOf(credential);
  made.set(credential, known);
  return known;
}

const made: WeakMap<Credential, readonly string[]> = new WeakMap();

function allOf(credential: Credential): readonly string[] {
  const value = credential.value.reveal('it is looked for where it must not be');
  const key = value.replace(/^(?:Bearer|Basic) /, '');
  const pair = value.startsWith('Basic ') ? Buffer.from(key, 'base64').toString() : undefined;
  const plain = pair === undefined ? [key] : [key, pair, pair.slice(pair.indexOf(':') + 1)];
  const all = plain.flatMap((each) => [
    each,
    each.replaceAll('/', '\\/'),
    JSON.stringify(each).slice(1, -1),
    encodeURIComponent(each),
  ]);
  return [...new Set(all)]
    .filter((each) => each.length >= shortestKey)
    .toSorted((a, b) => b.length - a.length);
}

/** Finds keys in bytes that come in pieces, and puts stars of the same length in their place. */
export class KeyScan {
  readonly #keys: readonly Buffer[];
  #held: Buffer = nothing;

  constructor(keys: readonly string[]) {
    this.#keys = keys.map((key) => Buffer.from(key));
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
    for (const key of this.#keys) {
      for (let at = bytes.indexOf(key); at >= 0; at = bytes.indexOf(key, at + key.length)) {
        if (!isOwn) bytes = Buffer.from(bytes);
        isOwn = true;
        bytes.fill('*', at, at + key.length);
      }
    }
    return bytes;
  }

  /** Where the end of some bytes begins that a key may begin with. */
  #begun(bytes: Buffer): number {
    let first = bytes.length;
    for (const key of this.#keys) {
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
export function starred(bytes: Uint8Array, keys: readonly string[]): Uint8Array {
  if (keys.length === 0) return bytes;
  const scan = new KeyScan(keys);
  const shown = scan.push(bytes);
  const rest = scan.end();
  return rest.length === 0 ? shown : Buffer.concat([shown, rest]);
}

/** `text` with `***` for the credential. SECURITY: services say what they were asked with, and providers which key they did not like. */
export function withoutKey(text: string, credential: Credential | undefined): string {
  let shown = text;
  for (const key of keysOf(credential)) if (shown.includes(key)) shown = shown.replaceAll(key, '***');
  return shown;
}
