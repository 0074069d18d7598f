import { isObject } from '../base/check.ts';
import type { Secret } from '../base/secret.ts';
import { post } from './http.ts';
import { Refused, type Item, type Sink, type SinkParts } from './sink.ts';

export interface OtlpSink {
  readonly kind: 'otlp';
  readonly url: string; // http://127.0.0.1:4318/v1/logs
  readonly headers?: Readonly<Record<string, Secret>>;
}

/** OTLP 1.x over HTTP in JSON: https://opentelemetry.io/docs/specs/otlp/#otlphttp, opentelemetry/proto/logs/v1/logs.proto */
export function otlpSink({ url, headers = {} }: OtlpSink, parts: SinkParts): Sink {
  const { origin, version, world } = parts;
  return {
    send: async (batch, signal) => {
      const revealed = Object.entries(headers).map(
        ([name, value]) => [name, value.reveal('send logs')] as const,
      );
      const observed = nanos(world.now());
      const body = JSON.stringify({
        resourceLogs: [
          {
            resource: {
              attributes: attributes({
                'service.name': 'sallyport',
                'service.version': version,
                'service.instance.id': origin,
              }),
            },
            scopeLogs: [
              {
                scope: { name: 'sallyport.ledger', version },
                logRecords: batch.map((item) => recordOf(item, observed)),
              },
            ],
          },
        ],
      });
      const answer = await post(
        url,
        { headers: { ...Object.fromEntries(revealed), 'content-type': 'application/json' }, body },
        signal,
      );
      if (rejected(answer) > 0) throw new Refused('Records were rejected');
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function recordOf(item: Item, observedTimeUnixNano: string): Readonly<Record<string, unknown>> {
  return {
    timeUnixNano: nanos(item.at),
    observedTimeUnixNano,
    // SeverityNumber: INFO = 9, WARN = 13.
    severityNumber: item.refused ? 13 : 9,
    severityText: item.refused ? 'WARN' : 'INFO',
    eventName: `sallyport.${item.kind}`,
    body: { stringValue: item.json },
    attributes: [
      ...attributes({ 'log.record.uid': item.id, ...prefixed(item.facts) }),
      { key: 'sallyport.entry', value: { intValue: String(item.index) } }, // int64 is a string in JSON
    ],
  };
}

function prefixed(facts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [`sallyport.${name}`, value]));
}

function attributes(values: Readonly<Record<string, string>>): readonly Readonly<Record<string, unknown>>[] {
  return Object.entries(values).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}

function nanos(ms: number): string {
  return `${Math.trunc(ms)}000000`;
}

/** ExportLogsServiceResponse.partial_success: it must not be sent again as it is. */
function rejected(answer: string): number {
  try {
    const read: unknown = JSON.parse(answer === '' ? '{}' : answer);
    const partial = isObject(read) ? read['partialSuccess'] : undefined;
    return isObject(partial) ? Number(partial['rejectedLogRecords'] ?? 0) : 0;
  } catch {
    return 0; // taken, and answered in another encoding
  }
}
