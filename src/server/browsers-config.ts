import { type Check, map, object, optional, string } from '../base/check.ts';
import { err, ok } from '../base/result.ts';
import { duration } from '../base/time.ts';

/** How long a browser stays signed in. */
export interface VisitTerms {
  /** Without a request. */
  readonly idleMs: number;
  /** In all; never longer than the token. */
  readonly longestMs: number;
}

export const defaultVisitTerms: VisitTerms = { idleMs: 30 * 60_000, longestMs: 8 * 3_600_000 };

const dayMs = 86_400_000;

const time: Check<number> = map(string({ what: 'a time such as 30m', max: 20 }), (text, path) => {
  const ms = duration(text);
  return ms === undefined || ms < 1_000 || ms > dayMs
    ? err([{ path, message: 'Expected a time from 1s to 1d, such as 30m or 8h' }])
    : ok(ms);
});

/** Reads `browsers:`; what is absent keeps its default. */
export const browsersCheck: Check<VisitTerms> = map(
  object({ idle: optional(time), longest: optional(time) }),
  ({ idle = defaultVisitTerms.idleMs, longest = defaultVisitTerms.longestMs }) =>
    ok({ idleMs: idle, longestMs: longest }),
);
