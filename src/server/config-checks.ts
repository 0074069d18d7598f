import { type Check, map, type Optional, optional, string } from '../base/check.ts';
import { err, ok } from '../base/result.ts';
import { Secret } from '../base/secret.ts';

/** A secret that is in its place already. */
export const secret: Check<Secret> = (raw, path) =>
  raw instanceof Secret ? ok(raw) : err([{ path, message: 'Expected { env: NAME } or { file: PATH }' }]);

export const httpUrl: Check<string> = map(string({ max: 2_000, what: 'a URL' }), (text, path) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === 'https:' || url?.protocol === 'http:'
    ? ok(text)
    : err([{ path, message: 'Expected a URL that begins with https:// or http://' }]);
});

/** How a bucket is reached. */
export const bucketFields: {
  readonly endpoint: Check<string>;
  readonly region: Check<string>;
  readonly bucket: Check<string>;
  readonly prefix: Optional<string>;
  readonly accessKeyId: Check<Secret>;
  readonly secretAccessKey: Check<Secret>;
} = {
  endpoint: httpUrl,
  region: string({ pattern: /^[a-z0-9-]{1,64}$/, what: 'a region' }),
  bucket: string({ pattern: /^[a-z0-9][a-z0-9.-]{1,62}$/, what: 'the name of a bucket' }),
  prefix: optional(
    string({ pattern: /^([A-Za-z0-9._-]+\/)*$/, max: 512, what: 'a prefix that ends with /' }),
  ),
  accessKeyId: secret,
  secretAccessKey: secret,
};
