import type { Secret } from '../base/secret.ts';
import { timestamp } from '../base/time.ts';
import { webhookHeaders } from '../base/webhook-signature.ts';
import { post } from './http.ts';
import type { Sink, SinkParts } from './sink.ts';

export interface WebhookSink {
  readonly kind: 'webhook';
  readonly url: string;
  readonly secret: Secret;
  readonly previousSecret?: Secret;
}

/** Batches as messages of Standard Webhooks; the id names ledger and numbers, so that a batch sent again is known. */
export function webhookSink(
  { url, secret, previousSecret }: WebhookSink,
  { world, origin }: SinkParts,
): Sink {
  const secrets = previousSecret === undefined ? [secret] : [secret, previousSecret];
  return {
    send: async (batch, signal) => {
      const at = world.now();
      const id = `${origin}/${batch[0]?.index ?? 0}-${batch.at(-1)?.index ?? 0}`;
      const head = JSON.stringify({ type: 'ledger.entries', timestamp: timestamp(at) }).slice(0, -1);
      const body = `${head},"data":{"ledger":${JSON.stringify(origin)},"entries":[${batch.map(({ json }) => json).join(',')}]}}`;
      const headers = {
        ...(await webhookHeaders({ id, at, body }, secrets)),
        'content-type': 'application/json',
      };
      await post(url, { headers, body }, signal);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
