import { createHash, type KeyObject } from 'node:crypto';
import { array, isObject, number, object, optional, record, string } from '../base/check.ts';
import { err, ok, type Result } from '../base/result.ts';
import { isPolicyFile } from '../policy/load.ts';
import { type Envelope, open, seal } from './dsse.ts';

const payloadType = 'application/vnd.sallyport.policy-bundle.v1+json';

/** A policy as one signed file: its texts, and a number that only grows. */
export interface Bundle {
  /** A later bundle has a greater one; seconds since 1970 unless its maker says otherwise. */
  readonly version: number;
  readonly madeAt: string; // RFC 3339
  readonly commit?: string;
  readonly files: Readonly<Record<string, string>>;
}

export interface OpenedBundle extends Bundle {
  readonly digest: string; // SHA-256 of the payload, hex
}

const shape = object({
  version: number({ min: 1, max: Number.MAX_SAFE_INTEGER, integer: true }),
  madeAt: string({ max: 40 }),
  commit: optional(string({ pattern: /^[0-9a-f]{40,64}$/, what: 'a commit' })),
  files: record(string({ max: 4_194_304 })),
  tests: optional(array(string())),
});

export function makeBundle(bundle: Bundle, key: KeyObject): Envelope {
  return seal(payloadType, Buffer.from(JSON.stringify(bundle)), key);
}

/**
 * Opens a bundle that one of the keys has signed. `text` is the envelope as JSON.
 * SECURITY: nothing of a bundle is looked at before its signature was checked.
 */
export function openBundle(text: string, keys: readonly KeyObject[]): Result<OpenedBundle, string> {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return err('The bundle is not JSON');
  }
  const body = open(raw, payloadType, keys);
  if (!body.ok) return body;
  const read = bundleIn(body.value);
  if (!read.ok) return read;
  const { version, madeAt, commit, files } = read.value;
  const stranger = Object.keys(files).find((path) => !isPolicyFile(path));
  if (stranger !== undefined) return err('The bundle holds a file that is no part of a policy');
  const digest = createHash('sha256').update(body.value).digest('hex');
  return ok({ version, madeAt, files, digest, ...(commit === undefined ? {} : { commit }) });
}

/** What a bundle holds, whoever signed it: to compare policies, never to enforce one. Undefined: it is no bundle. */
export function unsignedFiles(text: string): ReadonlyMap<string, string> | undefined {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(raw) || raw['payloadType'] !== payloadType || typeof raw['payload'] !== 'string')
    return undefined;
  const read = bundleIn(Buffer.from(raw['payload'], 'base64'));
  return read.ok ? new Map(Object.entries(read.value.files)) : undefined;
}

function bundleIn(body: Uint8Array): Result<Bundle, string> {
  let payload: unknown;
  try {
    payload = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return err('The bundle holds no JSON');
  }
  const read = shape(payload, '');
  if (read.ok) return read;
  return err(`The bundle has another shape: ${read.error.map(({ path }) => path).join(', ')}`);
}
