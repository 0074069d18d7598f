import { literal, map, number, object, optional, type Check } from '../base/check.ts';
import { ok } from '../base/result.ts';
import type { ArchiveParts } from '../stores/archive.ts';
import type { BucketSettings } from '../stores/s3.ts';
import { bucketFields } from './config-checks.ts';

/** Where recordings are kept, when they do not stay on the gateway's disk. */
export interface RecordingsSettings {
  readonly bucket: BucketSettings;
  readonly sizes: Pick<ArchiveParts, 'segmentBytes' | 'partBytes' | 'spoolBytes'>;
}

const bytes = (min: number): Check<number> => number({ min, max: 2 ** 46, integer: true });

/** `recordings:` of the configuration, with secrets in their places. */
export const recordingsCheck: Check<RecordingsSettings> = map(
  object({
    s3: object({
      ...bucketFields,
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
