import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { Secret } from '../base/secret.ts';
import { conformance, type Stand } from './conformance.ts';
import { httpFake, partsFake, waiting, type HttpFake } from './fake.ts';
import type { WebhookSettings } from './settings.ts';
import { webhookChannel } from './webhook.ts';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const previous = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;

async function stand(over: Partial<WebhookSettings> = {}): Promise<Stand & { readonly fake: HttpFake }> {
  const taken: string[] = [];
  const fake = await httpFake(({ body }) => {
    taken.push(body);
    return { status: 204 };
  });
  const parts = partsFake();
  const channel = webhookChannel({ url: `${fake.url}/hook`, secret: new Secret(secret), ...over }, parts);
  return {
    channel,
    parts,
    fake,
    shown: () => taken,
    fail: (how) => {
      if (how === 'busy') fake.next.push({ status: 429, headers: { 'retry-after': '0' } }, 'drop');
      else fake.next.push({ status: 400 });
    },
    heal: () => fake.next.splice(0),
    [Symbol.asyncDispose]: async () => {
      await channel[Symbol.asyncDispose]();
      await fake[Symbol.asyncDispose]();
    },
  };
}

describe('webhook', () => conformance('webhook', 'sends', () => stand()));

test('webhookChannel() signs so that the verifier of others agrees, with both secrets while one is replaced', async () => {
  await using here = await stand({ previousSecret: new Secret(previous) });
  await here.channel.tell(waiting());
  const [request] = here.fake.requests;
  assert.ok(request !== undefined);
  const headers = request.headers as Record<string, string>;
  for (const key of [secret, previous]) assert.ok(new Webhook(key).verify(request.body, headers));
  assert.throws(() => new Webhook(secret).verify(request.body.replace('waiting', 'approved'), headers));
});

test('webhookChannel() sends a statement only where that was asked for', async () => {
  await using without = await stand();
  await without.channel.tell(waiting({ values: ['canary'] }));
  assert.doesNotMatch(without.shown()[0] ?? '', /cancelled|canary/);
  await using with_ = await stand({ text: true });
  await with_.channel.tell(waiting());
  assert.match(with_.shown()[0] ?? '', /cancelled/);
});

test('webhookChannel() gives the same change the same id, and follows no redirect', async () => {
  await using here = await stand();
  const review = waiting();
  await here.channel.tell(review);
  await here.channel.tell(review);
  const ids = here.fake.requests.map(({ headers }) => headers['webhook-id']);
  assert.equal(ids[0], ids[1]);
  here.fake.next.push({ status: 307, headers: { location: `${here.fake.url}/elsewhere` } });
  await assert.rejects(here.channel.tell(review));
  assert.ok(here.fake.requests.every(({ path }) => path === '/hook'));
});
