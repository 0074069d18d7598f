import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { messageOf } from '../../base/errors.ts';
import { err, ok, type Result } from '../../base/result.ts';

/** What `opa build` made. */
export interface OpaBundle {
  readonly digest: string; // SHA-256 of the file, hex
  readonly plan?: Uint8Array;
  readonly wasm?: Uint8Array;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Where bundles lie in a policy. */
export const bundlePath: RegExp = /^opa\/[a-z0-9][a-z0-9._-]*\.tar\.gz$/;

// SECURITY: a few bytes of gzip can be very many of what is in them.
const mostBytes = 33_554_432;
const block = 512;

/** The text that stands for a file of a policy: a bundle's is base64, and all else is UTF-8. Throws where it is not. */
export function policyText(path: string, bytes: Uint8Array): string {
  return bundlePath.test(path)
    ? Buffer.from(bytes).toString('base64')
    : new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

/** Opens a bundle. `text` is what `policyText` gave. */
export function openBundle(text: string): Result<OpaBundle, string> {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return err('It is not base64');
  const bytes = Buffer.from(text, 'base64');
  const digest = createHash('sha256').update(bytes).digest('hex');
  let tar: Uint8Array;
  try {
    tar = gunzipSync(bytes, { maxOutputLength: mostBytes });
  } catch (thrown) {
    return err(`It is not gzip, is cut short, or holds more than ${mostBytes} bytes (${messageOf(thrown)})`);
  }
  const files = untar(tar);
  if (!files.ok) return files;
  const wasm = files.value.get('policy.wasm');
  const plan = files.value.get('plan.json');
  const data = json(files.value.get('data.json') ?? Buffer.from('{}'));
  if (data === undefined || typeof data !== 'object' || data === null || Array.isArray(data))
    return err('Its data.json is no JSON object');
  // SECURITY: data elsewhere in the tree would silently be missing; `opa build` puts all of it into one file.
  const stray = [...files.value.keys()].find(
    (name) => /(?:^|\/)data\.(?:json|ya?ml)$/.test(name) && name !== 'data.json',
  );
  if (stray !== undefined) return err(`It holds ${stray}; \`opa build\` puts all data into data.json`);
  return ok({
    digest,
    data: data as Readonly<Record<string, unknown>>, // checked above
    ...(plan === undefined ? {} : { plan }),
    ...(wasm === undefined ? {} : { wasm }),
  });
}

function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** POSIX.1-1988 `ustar`: 512 bytes of header, the file, padding to 512. Other kinds of entries than files are left out. */
function untar(tar: Uint8Array): Result<ReadonlyMap<string, Uint8Array>, string> {
  const files = new Map<string, Uint8Array>();
  const text = (from: number, length: number): string =>
    Buffer.from(tar.buffer, tar.byteOffset + from, length)
      .toString('latin1')
      .replace(/\0.*$/s, '');
  for (let at = 0; at + block <= tar.length;) {
    const name = text(at, 100);
    if (name === '') return ok(files);
    const size = text(at + 124, 12).trim();
    if (!/^[0-7]{1,11}$/.test(size)) return err('Its archive is damaged');
    const length = Number.parseInt(size, 8);
    const kind = text(at + 156, 1);
    if (at + block + length > tar.length) return err('Its archive is cut short');
    const path = name.replace(/^\.?\//, '');
    if (kind === '' || kind === '0') {
      if (files.has(path)) return err('Its archive holds a file twice');
      files.set(path, tar.subarray(at + block, at + block + length));
    }
    at += block + Math.ceil(length / block) * block;
  }
  return err('Its archive is cut short');
}
