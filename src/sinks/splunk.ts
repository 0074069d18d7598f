import { randomUUID } from 'node:crypto';
import { isObject } from '../base/check.ts';
import { Fault } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { post } from './http.ts';
import type { Sink, SinkParts } from './sink.ts';

export interface SplunkSink {
  readonly kind: 'splunk';
  readonly url: string; // https://splunk.example:8088
  readonly token: Secret;
  readonly index?: string;
  readonly sourcetype?: string;
  /** Whether the token has indexer acknowledgement: then the cursor waits until the events are indexed. */
  readonly acknowledge?: boolean;
}

const askEveryMs = 1_000;
const askTimes = 50;

/** The HTTP Event Collector. A 200 alone says "received", and with acknowledgement switched on it is not believed. */
export function splunkSink(settings: SplunkSink, { world, origin }: SinkParts): Sink {
  const { url, index, sourcetype = 'sallyport', acknowledge = false } = settings;
  const channel = randomUUID();
  const headers = (): Readonly<Record<string, string>> => ({
    authorization: `Splunk ${settings.token.reveal('send to Splunk')}`,
    'content-type': 'application/json',
    ...(acknowledge ? { 'x-splunk-request-channel': channel } : {}),
  });
  const pause = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const timer = world.after(askEveryMs, resolve);
      signal.addEventListener('abort', () => (timer[Symbol.dispose](), resolve()), { once: true });
    });

  const indexed = async (ack: number, signal: AbortSignal): Promise<void> => {
    for (let time = 0; time < askTimes && !signal.aborted; time++) {
      const answer = await post(
        `${url}/services/collector/ack?channel=${channel}`,
        { headers: headers(), body: JSON.stringify({ acks: [ack] }) },
        signal,
      );
      const acks = objectOf(answer)['acks'];
      if (isObject(acks) && acks[String(ack)] === true) return;
      await pause(signal);
    }
    throw new Fault('unreachable', 'Splunk has not indexed the batch');
  };

  return {
    send: async (batch, signal) => {
      const body = batch
        .map(({ at, json, index: entry, kind, facts }) => {
          const head = JSON.stringify({
            time: (at / 1_000).toFixed(3),
            host: origin,
            source: 'sallyport',
            sourcetype,
            ...(index === undefined ? {} : { index }),
            fields: { sallyport_entry: String(entry), sallyport_kind: kind, ...facts },
          });
          return `${head.slice(0, -1)},"event":${json}}`;
        })
        .join('\n');
      const answer = objectOf(
        await post(`${url}/services/collector/event`, { headers: headers(), body }, signal),
      );
      if (answer['code'] !== 0) throw new Fault('unreachable', 'Splunk did not say that it took the batch');
      if (!acknowledge) return;
      const { ackId } = answer;
      if (typeof ackId !== 'number')
        throw new Fault('unreachable', 'The token of Splunk has no acknowledgement');
      await indexed(ackId, signal);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const read: unknown = JSON.parse(text);
    return isObject(read) ? read : {};
  } catch {
    return {};
  }
}
