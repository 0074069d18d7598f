import { createHash } from 'node:crypto';
import { SocketModeClient } from '@slack/socket-mode';
import type { WebClientOptions } from '@slack/web-api';
import { isObject } from '../base/check.ts';
import type { Secret } from '../base/secret.ts';
import type { ChannelParts } from './click.ts';
import { pause } from './pause.ts';

/** SECURITY: Slack's clients log what they receive and send; their lines go nowhere. */
export const silent: NonNullable<WebClientOptions['logger']> = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  setLevel: () => undefined,
  getLevel: () => 'error' as ReturnType<NonNullable<WebClientOptions['logger']>['getLevel']>, // an enum has no literal of its own
  setName: () => undefined,
};

interface Listening {
  readonly appToken: Secret;
  readonly options: WebClientOptions;
  readonly parts: Pick<ChannelParts, 'log' | 'world'>;
  /** Called once for each interaction; `digest` is the SHA-256 of it as JSON. */
  readonly onPayload: (payload: unknown, digest: string) => void;
}

const longestPauseMs = 60_000;
const closingMs = 2_000;

/**
 * Keeps a socket to Slack open until it is disposed. The client's own way of connecting again is off: when Slack cannot
 * be reached it rejects a promise that nobody holds, which would end the process.
 */
export function listen({ appToken, options, parts, onPayload }: Listening): AsyncDisposable {
  const { logger: _, ...clientOptions } = { ...options, retryConfig: { retries: 2 } };
  const client = new SocketModeClient({
    appToken: appToken.reveal('open a socket to Slack'),
    autoReconnectEnabled: false,
    logger: silent,
    clientOptions,
  });
  client.on('interactive', (envelope: unknown) => {
    if (!isObject(envelope)) return;
    const { ack, body } = envelope;
    if (typeof ack === 'function') {
      const acknowledged: unknown = ack();
      if (acknowledged instanceof Promise) acknowledged.catch(() => undefined); // Slack sends it again
    }
    onPayload(body, createHash('sha256').update(JSON.stringify(body)).digest('hex'));
  });
  const stop = new AbortController();
  const running = keepOpen(client, parts, stop.signal);
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await within(client.disconnect(), closingMs);
      await within(running, closingMs);
    },
  };
}

async function keepOpen(
  client: SocketModeClient,
  { log, world }: Listening['parts'],
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const { promise: gone, resolve: end } = Promise.withResolvers<void>();
    client.once('disconnected', end); // a stop disconnects too
    try {
      await client.start();
      failures = 0;
      if (signal.aborted) {
        await within(client.disconnect(), closingMs); // it was still connecting when the stop came
        return;
      }
      log('info', 'channel.connected', { channel: 'slack' });
      await gone;
    } catch {
      failures += 1;
      log('warn', 'channel.not-connected', { channel: 'slack', failures });
    } finally {
      client.off('disconnected', end);
    }
    if (signal.aborted) return;
    const pauseMs = failures === 0 ? 100 : Math.min(longestPauseMs, 1_000 * 2 ** (failures - 1));
    await pause(pauseMs, world, signal);
  }
}

async function within(work: Promise<unknown>, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work.catch(() => undefined), promise]);
  clearTimeout(timer);
}
