import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../base/secret.ts';
import type { World } from '../base/time.ts';
import type { HookRequest } from '../core/review.ts';
import type { Seen } from './replay.ts';

/** How far the clock of a request may be from ours, both ways; Slack's own advice. */
export const slackToleranceMs = 300_000;

export type Signed =
  | { readonly kind: 'good'; readonly digest: string }
  | { readonly kind: 'bad'; readonly status: number; readonly why: string };

/**
 * Whether Slack signed these very bytes, lately, and whether they come for the first time
 * (https://docs.slack.dev/authentication/verifying-requests-from-slack).
 */
export function slackSigned(
  request: HookRequest,
  secret: Secret,
  { seen, world }: { readonly seen: Seen; readonly world: World },
): Signed {
  const stamp = request.header('x-slack-request-timestamp') ?? '';
  const given = Buffer.from(request.header('x-slack-signature') ?? '');
  if (!/^\d{1,12}$/.test(stamp)) return { kind: 'bad', status: 401, why: 'no timestamp' };
  const expected = Buffer.from(
    `v0=${createHmac('sha256', secret.reveal('check a signature of Slack')).update(`v0:${stamp}:`).update(request.body).digest('hex')}`,
  );
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    return { kind: 'bad', status: 401, why: 'bad signature' };
  if (Math.abs(world.now() - Number(stamp) * 1_000) > slackToleranceMs)
    return { kind: 'bad', status: 401, why: 'stale' };
  switch (seen.add(expected.toString())) {
    case 'again':
      return { kind: 'bad', status: 409, why: 'replayed' };
    case 'full':
      return { kind: 'bad', status: 503, why: 'too many requests' };
    case 'new':
      return { kind: 'good', digest: createHash('sha256').update(request.body).digest('hex') };
  }
}
