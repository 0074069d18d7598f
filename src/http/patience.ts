import { type Check, map, object, optional, type Problem, string } from '../base/check.ts';
import { err, ok } from '../base/result.ts';
import { duration } from '../base/time.ts';

/** How long a resource may take, in milliseconds; then the request has failed and its connection is dropped. */
export interface Patience {
  /** Until it is connected, TLS and all. */
  readonly connectMs: number;
  /** From the last byte of the request until the answer begins. */
  readonly firstByteMs: number;
  /** Between the bytes of an answer; the time that its client takes to read does not count. */
  readonly idleMs: number;
  /** The same of server-sent events, which may be quiet for long. */
  readonly streamIdleMs: number;
}

export type Wait = 'service' | 'model' | 'tools';

const minutes = 60_000;
const connectMs = 10_000;

/** What holds where the configuration does not say it. Models think, and tools build, before they say anything. */
export const usual: Readonly<Record<Wait, Patience>> = {
  service: { connectMs, firstByteMs: 2 * minutes, idleMs: 2 * minutes, streamIdleMs: 10 * minutes },
  model: { connectMs, firstByteMs: 10 * minutes, idleMs: 10 * minutes, streamIdleMs: 10 * minutes },
  tools: { connectMs, firstByteMs: 10 * minutes, idleMs: 2 * minutes, streamIdleMs: 60 * minutes },
};

const span: Check<number> = map(string({ max: 12, what: 'a duration such as 30s' }), (text, path) => {
  const ms = duration(text);
  return ms === undefined || ms < 1 || ms > longestMs
    ? err([{ path, message: 'Expected a duration such as 30s, 24h at most' }] satisfies readonly Problem[])
    : ok(ms);
});
const longestMs = 24 * 60 * minutes;

/** Reads `timeouts:` of a resource. */
export const timeouts: Check<Partial<Patience>> = map(
  object({
    connect: optional(span),
    firstByte: optional(span),
    idle: optional(span),
    streamIdle: optional(span),
  }),
  ({ connect, firstByte, idle, streamIdle }) =>
    ok({
      ...(connect === undefined ? {} : { connectMs: connect }),
      ...(firstByte === undefined ? {} : { firstByteMs: firstByte }),
      ...(idle === undefined ? {} : { idleMs: idle, streamIdleMs: idle }),
      ...(streamIdle === undefined ? {} : { streamIdleMs: streamIdle }),
    }),
);
