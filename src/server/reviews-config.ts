import { array, type Check, literal, either, map, number, object, optional, string } from '../base/check.ts';
import { err, ok } from '../base/result.ts';
import { duration } from '../base/time.ts';
import { defaultReviewSettings, type QuietHours, type ReviewSettings } from '../gate/review-settings.ts';
import { Problems } from '../policy/problem.ts';
import { readWindow } from '../policy/window.ts';
import { readYaml } from '../policy/yaml.ts';

const time: Check<number> = map(string({ what: 'a time such as 15m', max: 20 }), (text, path) => {
  const ms = duration(text);
  return ms === undefined || ms < 1_000
    ? err([{ path, message: 'Expected a time from 1s on, such as 60s, 15m or 8h' }])
    : ok(ms);
});
const after: Check<number> = map(string({ what: 'a time such as 10s, or 0s', max: 20 }), (text, path) => {
  const ms = duration(text);
  return ms === undefined ? err([{ path, message: 'Expected a time such as 10s, or 0s' }]) : ok(ms);
});
const count = number({ min: 1, max: 100_000, integer: true });
const link = string({ pattern: /^https?:\/\/\S+$/, what: 'the address of a page, to which the id is added' });

const words = string({ max: 40 });

/** `quiet: { hours: 20:00-07:00, zone: Europe/Berlin, do: escalate }`; hours and days as in a rule's `window`. */
const quiet: Check<QuietHours> = map(
  object({
    hours: optional(words),
    days: optional(either(words, array(words, { min: 1, max: 7 }))),
    zone: string({ max: 60 }),
    do: literal('escalate', 'ticket', 'refuse'),
    channels: optional(array(literal('slack', 'teams', 'webhook', 'email'), { max: 4 })),
  }),
  ({ do: does, channels, ...hours }, path) => {
    const problems = new Problems();
    const node = readYaml('', JSON.stringify(hours), problems);
    const window = node === undefined ? undefined : readWindow(node, problems);
    if (window === undefined || problems.list.length > 0)
      return err([
        { path, message: problems.list[0]?.message ?? 'Expected hours, days, or both, and a zone' },
      ]);
    return ok({
      at: window.open,
      source: window.source,
      do: does,
      ...(channels === undefined ? {} : { channels }),
    });
  },
);

/** Reads `reviews:`; what is absent keeps its default. */
export const reviewsCheck: Check<ReviewSettings> = map(
  object({
    /** In an open transaction. */
    transaction: optional(time),
    remind: optional(time),
    /** How fresh the sign-in of who approves a high risk must be; `any` where it need not be. */
    freshSignIn: optional(either(time, literal('any'))),
    waitingPerIdentity: optional(count),
    waitingPerAgent: optional(count),
    waiting: optional(count),
    /** How many one may ask for in any hour. */
    perHourIdentity: optional(count),
    perHourAgent: optional(count),
    quiet: optional(quiet),
    useWithin: optional(time),
    runAfter: optional(either(after, literal('never'))),
    runWithin: optional(time),
    resultFor: optional(time),
    keep: optional(time),
    link: optional(link),
  }),
  (read) => {
    const { signInWithinMs, ...rest } = defaultReviewSettings;
    const fresh = read.freshSignIn ?? signInWithinMs ?? 'any';
    return ok({
      ...rest,
      ...(fresh === 'any' ? {} : { signInWithinMs: fresh }),
      transactionMs: read.transaction ?? rest.transactionMs,
      remindMs: read.remind ?? rest.remindMs,
      waitingPerIdentity: read.waitingPerIdentity ?? rest.waitingPerIdentity,
      waitingPerAgent: read.waitingPerAgent ?? rest.waitingPerAgent,
      waiting: read.waiting ?? rest.waiting,
      perHourIdentity: read.perHourIdentity ?? rest.perHourIdentity,
      perHourAgent: read.perHourAgent ?? rest.perHourAgent,
      ...(read.quiet === undefined ? {} : { quiet: read.quiet }),
      useWithinMs: read.useWithin ?? rest.useWithinMs,
      runAfterMs: read.runAfter === 'never' ? Infinity : (read.runAfter ?? rest.runAfterMs),
      runWithinMs: read.runWithin ?? rest.runWithinMs,
      resultForMs: read.resultFor ?? rest.resultForMs,
      keepMs: read.keep ?? rest.keepMs,
      ...(read.link === undefined ? {} : { link: read.link }),
    });
  },
);
