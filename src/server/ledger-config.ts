import { resolve } from 'node:path';
import { array, either, map, number, object, optional, string, type Check } from '../base/check.ts';
import { err, ok } from '../base/result.ts';
import { duration } from '../base/time.ts';
import { parseVerifierKey, parseWitnessKey, type VerifierKey } from '../ledger/index.ts';
import type { AnchorSettings } from '../stores/anchors.ts';
import type { WitnessSettings } from '../stores/witness.ts';
import { bucketFields, httpUrl } from './config-checks.ts';

/** Where heads of the ledger are kept, who cosigns them, and whose this gateway cosigns. */
export interface LedgerSettings {
  readonly anchors: readonly AnchorSettings[];
  readonly witnesses: readonly WitnessSettings[];
  readonly everyMs: number;
  /** Ledgers of others that this gateway watches. */
  readonly cosigns: readonly VerifierKey[];
}

/** Puts secrets where `{ env: NAME }` and `{ file: PATH }` stand, before the check. */
type WithSecrets = <T>(check: Check<T>) => Check<T>;

const every: Check<number> = map(string({ max: 16, what: 'a duration such as 60s' }), (text, path) => {
  const ms = duration(text);
  return ms !== undefined && ms >= 1_000 && ms <= 86_400_000
    ? ok(ms)
    : err([{ path, message: 'Expected a duration from 1s to 24h' }]);
});

function anchorCheck(folder: string, withSecrets: WithSecrets): Check<AnchorSettings> {
  const path = string({ pattern: /^[^\s-].*$/, max: 4_096, what: 'a path' });
  const file = map(object({ file: path }), (read) =>
    ok({ kind: 'file', path: resolve(folder, read.file) } as const),
  );
  const git = map(
    object({ git: path, push: optional(string({ pattern: /^[^\s-]\S*$/, max: 2_000, what: 'a remote' })) }),
    (read) =>
      ok({
        kind: 'git',
        repository: resolve(folder, read.git),
        ...(read.push === undefined ? {} : { push: read.push }),
      } as const),
  );
  const s3 = map(
    object({
      s3: withSecrets(
        object({
          ...bucketFields,
          retainDays: optional(number({ min: 1, max: 36_500, integer: true })),
        }),
      ),
    }),
    ({ s3: { prefix = '', retainDays = 365, ...rest } }) =>
      ok({ kind: 's3', prefix, retainDays, ...rest } as const),
  );
  return either(either<AnchorSettings, AnchorSettings>(file, git), s3);
}

const witness: Check<WitnessSettings> = map(
  object({ url: httpUrl, key: string({ max: 1_000 }) }),
  (read, path) => {
    const key = parseWitnessKey(read.key);
    return key.ok
      ? ok({ url: read.url, key: key.value })
      : err([{ path: `${path}.key`, message: key.error }]);
  },
);

const ledgerKey: Check<VerifierKey> = map(
  string({ max: 1_000, what: 'a key as in ledger/key.pub' }),
  (text, path) => {
    const key = parseVerifierKey(text);
    return key.ok ? ok(key.value) : err([{ path, message: key.error }]);
  },
);

/** `ledger:` of the configuration. */
export function ledgerCheck(folder: string, withSecrets: WithSecrets): Check<LedgerSettings> {
  return map(
    object({
      anchors: optional(array(anchorCheck(folder, withSecrets), { max: 16 })),
      witnesses: optional(array(witness, { max: 32 })),
      every: optional(every),
      cosigns: optional(array(ledgerKey, { max: 1_000 })),
    }),
    ({ anchors = [], witnesses = [], every: everyMs = 60_000, cosigns = [] }) =>
      ok({ anchors, witnesses, everyMs, cosigns }),
  );
}
