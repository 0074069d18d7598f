import { literal, map, number, object, optional, string, type Check } from '../base/check.ts';
import { err, ok } from '../base/result.ts';
import { Secret } from '../base/secret.ts';
import type { ArchiveParts } from '../stores/archive.ts';
import type { BucketSettings } from '../stores/s3.ts';

/** Where recordings are kept, when they do not stay on the gateway's disk. */
export interface RecordingsSettings {
  readonly bucket: BucketSettings;
  readonly sizes: Pick<ArchiveParts, 'segmentBytes' | 'partBytes' | 'spoolBytes'>;
}

const secret: Check<Secret> = (raw, path) =>
  raw instanceof Secret ? ok(raw) : err([{ path, message: 'Expected { env: NAME } or { file: PATH }' }]);

const endpoint: Check<string> = map(string({ max: 2_000, what: 'a URL' }), (text, path) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === 'https:' || url?.protocol === 'http:'
    ? ok(text)
    : err([{ path, message: 'Expected a URL that begins with https:// or http://' }]);
});

const bytes = (min: number): Check<number> => number({ min, max: 2 ** 46, integer: true });

/** `recordings:` of the configuration, with secrets in their places. */
export const recordingsCheck: Check<RecordingsSettings> = map(
  object({
    s3: object({
      endpoint,
      region: string({ pattern: /^[a-z0-9-]{1,64}$/, what: 'a region' }),
      bucket: string({ pattern: /^[a-z0-9][a-z0-9.-]{1,62}$/, what: 'the name of a bucket' }),
      prefix: optional(
        string({ pattern: /^([A-Za-z0-9._-]+\/)*$/, max: 512, what: 'a prefix that ends with /' }),
      ),
      accessKeyId: secret,
      secretAccessKey: secret,
      lock: optional(
        object({
          mode: optional(literal('COMPLIANCE', 'GOVERNANCE')),
          days: number({ min: 1, max: 36_500, integer: true }),
        }),
      ),
    }),
    segmentBytes: optional(bytes(1)),
    // S3 takes no smaller part but the last, and 10,000 of them.
    partBytes: optional(bytes(5_242_880)),
    spoolBytes: optional(bytes(1_048_576)),
  }),
  ({ s3: { prefix = '', lock, ...rest }, ...sizes }) =>
    ok({
      bucket: {
        prefix,
        ...rest,
        ...(lock === undefined ? {} : { lock: { mode: lock.mode ?? 'COMPLIANCE', days: lock.days } }),
      },
      sizes,
    }),
);
