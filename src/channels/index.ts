/**
 * Channels: where reviews are told and answered. Each is one file; this is the list.
 *
 * A channel tells who clicked, on which card, about which digest; it never decides. The desk behind it judges whether
 * that person may answer, now. A channel that fails takes nothing away: other channels, the API and the command remain,
 * and a review that nobody answers ends as refused.
 */
import { Fault } from '../base/errors.ts';
import type { Channel, Review } from '../core/review.ts';
import type { ChannelParts } from './click.ts';
import { emailChannel } from './email.ts';
import type { ChannelSettings } from './settings.ts';
import { slackChannel } from './slack.ts';
import { teamsChannel } from './teams.ts';
import { webhookChannel } from './webhook.ts';

export type { ChannelParts } from './click.ts';
export { openPlaces } from './places.ts';
export { channelSettings, type ChannelSettings } from './settings.ts';

/** The channels of a configuration, open. `tell` of each counts and logs its failures before it rejects. */
export function openChannels(settings: ChannelSettings, parts: ChannelParts): readonly Channel[] {
  const { slack, teams, webhooks = [], email } = settings;
  const open = [
    ...(slack === undefined ? [] : [slackChannel(slack, parts)]),
    ...(teams === undefined ? [] : [teamsChannel(teams, parts)]),
    ...webhooks.map((webhook) => webhookChannel(webhook, parts)),
    ...(email === undefined ? [] : [emailChannel(email, parts)]),
  ];
  return open.map((channel) => counted(channel, parts));
}

const lastWordsMs = 5_000;

function counted(channel: Channel, { log, metrics, world }: ChannelParts): Channel {
  const telling = new Set<Promise<void>>();
  const tell = async (review: Review): Promise<void> => {
    try {
      await channel.tell(review);
    } catch (thrown) {
      const code = thrown instanceof Fault ? thrown.code : 'bug';
      metrics.count('channel_faults_total', { channel: channel.name });
      log('warn', 'channel.not-told', { channel: channel.name, review: review.id, code });
      throw thrown;
    }
  };
  return {
    ...channel,
    tell: (review) => {
      const told = tell(review);
      telling.add(told);
      const done = (): void => void telling.delete(told);
      told.then(done, done);
      return told;
    },
    [Symbol.asyncDispose]: async () => {
      // A stop withdraws what waits: its cards are to say so.
      const { promise: late, resolve } = Promise.withResolvers<void>();
      using _timer = world.after(lastWordsMs, resolve);
      await Promise.race([Promise.allSettled(telling), late]);
      await channel[Symbol.asyncDispose]();
    },
  };
}
