import { openChannels, openPlaces } from '../channels/index.ts';
import { instant, type World } from '../base/time.ts';
import type { Identity } from '../core/identity.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Log } from '../core/ports.ts';
import type { Channel, ChannelDesk, ReviewId } from '../core/review.ts';
import { addressText, type Config } from './config.ts';
import { isLoopback } from './live.ts';

/** How long a click stands for the one who made it: as long as it takes to judge it. */
const clickMs = 60_000;

/** The channels of the configuration, open. `file` keeps where their cards are. */
export function channelsOf(
  config: Config,
  parts: {
    readonly desk: Pick<ChannelDesk, 'answer' | 'review'>;
    readonly file: string;
    readonly world: World;
    readonly log: Log;
    readonly metrics: Metrics;
  },
): { readonly channels: readonly Channel[] } & AsyncDisposable {
  const { world } = parts;
  const open = new AsyncDisposableStack();
  const linked = (channel: string, account: string): Identity | undefined => {
    const subject = config.accounts.get(`${channel} ${account}`);
    const known = subject === undefined ? undefined : config.directory.find(subject);
    // An account is one person's own: an identity that acts for another has none.
    if (known === undefined || known.actingFor !== undefined) return undefined;
    const { actingFor: _, ...facts } = known;
    const proof = { kind: 'token', tokenId: '', expiresAt: instant(world.now() + clickMs) } as const;
    return { ...facts, proof };
  };
  const link = (review: ReviewId): string => `${config.reviews.link ?? apiOf(config)}${review}`;
  const places = open.use(openPlaces(parts.file, world));
  const channels = openChannels(config.channels ?? {}, {
    ...parts,
    freshSignIn: config.reviews.signInWithinMs !== undefined,
    link,
    places,
    desk: { ...parts.desk, linked },
  });
  for (const channel of channels) open.use(channel);
  return { channels, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

/** Without a page of its own a review is looked at through the API, which asks for a token. */
function apiOf({ listen: { api } }: Config): string {
  return `${isLoopback(addressText(api)) ? 'http' : 'https'}://${addressText(api)}/api/v1/reviews/`;
}
