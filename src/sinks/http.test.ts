import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { Secret } from '../base/secret.ts';
import { isObject } from '../base/check.ts';
import { conformance, type Stand } from './conformance.ts';
import { decision, httpFake, item, partsFake, type HttpFake, type PartsFake } from './fake.ts';
import { otlpSink } from './otlp.ts';
import type { Sink } from './sink.ts';
import { splunkSink } from './splunk.ts';
import { webhookSink } from './webhook.ts';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

function stand(
  answer: (path: string, body: string) => unknown,
  open: (url: string, parts: PartsFake) => Sink,
  numbers: (fake: HttpFake) => number[],
) {
  return async (): Promise<Stand> => {
    const fake = await httpFake(answer);
    return {
      open: (parts) => open(fake.url, parts),
      received: () => numbers(fake),
      raw: () => fake.requests.map(({ body }) => body).join(''),
      down: () => {
        fake.failing = 503;
      },
      up: () => {
        fake.failing = undefined;
      },
      [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
    };
  };
}

function numberOf(raw: unknown): number {
  assert.ok(isObject(raw));
  assert.equal(raw['uid'], `gate-1/${String(raw['n'])}`);
  return Number(raw['n']);
}

describe('webhook', () =>
  conformance(
    'webhook',
    stand(
      () => ({}),
      (url, parts) => webhookSink({ kind: 'webhook', url, secret: new Secret(secret) }, parts),
      ({ requests }) =>
        requests.flatMap(({ body, headers }) => {
          const read = new Webhook(secret).verify(body, headers as Record<string, string>) as {
            data: { entries: unknown[] };
          };
          const numbers = read.data.entries.map(numberOf);
          assert.equal(headers['webhook-id'], `gate-1/${numbers[0]}-${numbers.at(-1)}`);
          return numbers;
        }),
    ),
  ));

describe('otlp', () =>
  conformance(
    'otlp',
    stand(
      () => ({ partialSuccess: {} }),
      (url, parts) =>
        otlpSink(
          { kind: 'otlp', url: `${url}/v1/logs`, headers: { authorization: new Secret('hunter2') } },
          parts,
        ),
      ({ requests }) =>
        requests.flatMap(({ body, headers }) => {
          assert.equal(headers['authorization'], 'hunter2');
          const sent = JSON.parse(body) as {
            resourceLogs: {
              scopeLogs: { logRecords: { body: { stringValue: string }; timeUnixNano: string }[] }[];
            }[];
          };
          return sent.resourceLogs.flatMap(({ scopeLogs }) =>
            scopeLogs.flatMap(({ logRecords }) =>
              logRecords.map((record) => {
                assert.match(record.timeUnixNano, /^\d{19}$/);
                return numberOf(JSON.parse(record.body.stringValue));
              }),
            ),
          );
        }),
    ),
  ));

describe('splunk', () => {
  const acked = new Set<number>();
  let ack = 0;
  conformance(
    'splunk with acknowledgement',
    stand(
      (path, body) => {
        if (!path.startsWith('/services/collector/ack?channel='))
          return { text: 'Success', code: 0, ackId: ++ack };
        const { acks } = JSON.parse(body) as { acks: number[] };
        // Not yet the first time it is asked, then yes.
        return {
          acks: Object.fromEntries(acks.map((id) => [String(id), acked.size === acked.add(id).size])),
        };
      },
      (url, parts) =>
        splunkSink({ kind: 'splunk', url, token: new Secret('hunter2'), acknowledge: true }, parts),
      ({ requests }) =>
        requests
          .filter(({ path }) => path === '/services/collector/event')
          .flatMap(({ body, headers }) => {
            assert.equal(headers['authorization'], 'Splunk hunter2');
            assert.match(String(headers['x-splunk-request-channel']), /^[0-9a-f-]{36}$/);
            return body.split('\n').map((line) => {
              const read = JSON.parse(line) as { event: unknown; fields: Record<string, string> };
              assert.equal(read.fields['sallyport_entry'], String(numberOf(read.event)));
              return numberOf(read.event);
            });
          }),
    ),
  );
});

test('splunkSink() does not believe a batch that was received and never indexed', async () => {
  await using fake = await httpFake((path) =>
    path.includes('/ack') ? { acks: { 1: false } } : { code: 0, ackId: 1 },
  );
  const sink = splunkSink(
    { kind: 'splunk', url: fake.url, token: new Secret('t'), acknowledge: true },
    partsFake(),
  );
  const batch = [item({ index: 0, entry: decision(0), seal: 'opened' })];
  await assert.rejects(sink.send(batch, AbortSignal.timeout(100_000)), /not indexed/);
});

test('otlpSink() takes rejected records for what they are', async () => {
  await using fake = await httpFake(() => ({ partialSuccess: { rejectedLogRecords: '1' } }));
  const sink = otlpSink({ kind: 'otlp', url: fake.url }, partsFake());
  await assert.rejects(
    sink.send([item({ index: 0, entry: decision(0), seal: 'opened' })], AbortSignal.timeout(100_000)),
    { name: 'Refused' },
  );
});

test('sinks over HTTP follow no redirect', async () => {
  await using fake = await httpFake(() => ({}));
  fake.failing = 307;
  const sink = webhookSink({ kind: 'webhook', url: fake.url, secret: new Secret(secret) }, partsFake());
  await assert.rejects(
    sink.send([item({ index: 0, entry: decision(0), seal: 'opened' })], AbortSignal.timeout(100_000)),
    { code: 'unreachable' },
  );
  assert.equal(fake.requests.length, 0);
});
