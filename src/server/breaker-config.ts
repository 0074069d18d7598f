import { type Check, map, number, object, optional, string } from '../base/check.ts';
import { err, ok } from '../base/result.ts';
import { duration } from '../base/time.ts';
import { type BreakerSettings, defaultBreaker } from '../gate/breaker.ts';

const time: Check<number> = map(string({ what: 'a time such as 10m', max: 20 }), (text, path) => {
  const ms = duration(text);
  return ms === undefined || ms < 1_000
    ? err([{ path, message: 'Expected a time from 1s on, such as 60s or 10m' }])
    : ok(ms);
});

/** Reads `breaker:`; what is absent keeps its default. */
export const breakerCheck: Check<BreakerSettings> = map(
  object({
    denials: optional(number({ min: 1, max: 10_000, integer: true })),
    within: optional(time),
    /** Lets nothing more of that run through for so long. */
    pause: optional(time),
  }),
  ({ denials = defaultBreaker.denials, within = defaultBreaker.withinMs, pause }) =>
    ok({ denials, withinMs: within, ...(pause === undefined ? {} : { pauseMs: pause }) }),
);
