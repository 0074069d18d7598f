/** Webhooks: one signed message for each change of a review (Standard Webhooks). They tell; nothing is answered by them. */
import { Fault } from '../base/errors.ts';
import { timestamp } from '../base/time.ts';
import { webhookHeaders } from '../base/webhook-signature.ts';
import type { Channel, Review } from '../core/review.ts';
import type { ChannelParts } from './click.ts';
import { pause } from './pause.ts';
import type { WebhookSettings } from './settings.ts';

const attempts = 4;
const timeoutMs = 10_000;
const longestPauseMs = 30_000;

export function webhookChannel(settings: WebhookSettings, parts: ChannelParts): Channel {
  const { url, secret, previousSecret } = settings;
  const secrets = previousSecret === undefined ? [secret] : [secret, previousSecret];
  const stop = new AbortController();
  return {
    name: 'webhook',
    each: true,
    tell: async (review) => {
      const at = parts.world.now();
      // The same change has the same id however often it is sent.
      const { escalated = [], granted } = review;
      const more = `${escalated.length === 0 ? '' : '.escalated'}${granted?.revokedAt === undefined ? '' : '.revoked'}`;
      const id = `${review.id}.${review.state}.${review.votes.length}${more}`;
      const body = JSON.stringify({
        type: 'review.changed',
        timestamp: timestamp(at),
        data: dataOf(review, settings, parts.link(review.id)),
      });
      const headers = {
        ...(await webhookHeaders({ id, at, body }, secrets)),
        'content-type': 'application/json',
      };
      await deliver({ url, headers, body }, parts, stop.signal);
    },
    [Symbol.asyncDispose]: () => {
      stop.abort();
      return Promise.resolve();
    },
  };
}

/** What is sent of every review; its text, with what stands in it, only where that is wanted. */
const sent = [
  'id',
  'digest',
  'state',
  'kind',
  'identity',
  'resource',
  'verb',
  'access',
  'targets',
  'columns',
  'risk',
  'rules',
  'why',
  'needs',
  'votes',
  'policy',
] as const satisfies readonly (keyof Review)[];

function dataOf(review: Review, { text }: WebhookSettings, link: string): Readonly<Record<string, unknown>> {
  const { end } = review;
  return {
    ...Object.fromEntries(sent.map((name) => [name, review[name]])),
    link,
    askedAt: timestamp(review.askedAt),
    expiresAt: timestamp(review.expiresAt),
    ...(end === undefined ? {} : { end }),
    ...(text === true ? { text: review.text, values: review.values ?? [], settings: review.settings } : {}),
  };
}

interface Message {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** SECURITY: a redirect is a failure: what is sent goes where the configuration says, or nowhere. */
async function deliver(message: Message, { world }: ChannelParts, signal: AbortSignal): Promise<void> {
  let last = 'no answer';
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (signal.aborted) break;
    let pauseMs = 500 * 4 ** attempt;
    try {
      const answer = await fetch(message.url, {
        method: 'POST',
        headers: message.headers,
        body: message.body,
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      await answer.body?.cancel();
      if (answer.ok) return;
      last = `status ${answer.status}`;
      if (answer.status !== 408 && answer.status !== 429 && answer.status < 500) break; // it will not change its mind
      const after = Number(answer.headers.get('retry-after') ?? Number.NaN);
      if (after >= 0) pauseMs = Math.min(after * 1_000, longestPauseMs);
    } catch {
      last = 'no answer';
    }
    if (attempt + 1 < attempts) await pause(pauseMs, world, signal);
  }
  throw new Fault('unreachable', `The webhook does not take the message: ${last}`);
}
