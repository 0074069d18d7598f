import {
  array,
  boolean,
  literal,
  map,
  number,
  object,
  optional,
  record,
  string,
  isObject,
  type Check,
} from '../base/check.ts';
import { err, ok } from '../base/result.ts';
import { Secret } from '../base/secret.ts';
import { duration } from '../base/time.ts';
import type { FileSink } from './file.ts';
import type { OtlpSink } from './otlp.ts';
import type { SplunkSink } from './splunk.ts';
import type { SyslogSink } from './syslog.ts';
import type { WebhookSink } from './webhook.ts';

/** One of `sinks:` in the configuration. */
export interface SinkSettings {
  readonly name: string;
  readonly format: 'ocsf' | 'entry';
  readonly personal: boolean;
  readonly texts: 'none' | 'masked';
  readonly batch: { readonly entries: number; readonly ms: number };
  readonly spool: { readonly entries: number; readonly whenFull: 'continue' | 'wait' | 'deny' };
  readonly to: FileSink | OtlpSink | SplunkSink | SyslogSink | WebhookSink;
}

const secret: Check<Secret> = (raw, path) =>
  raw instanceof Secret
    ? ok(raw)
    : err([{ path, message: 'Expected { env: NAME } or { file: PATH }: secrets do not stand in this file' }]);

const pem: Check<Secret> = map(secret, (value, path) =>
  value.reveal('check the form of a PEM text').includes('-----BEGIN ')
    ? ok(value)
    : err([{ path, message: 'Expected PEM' }]),
);

const url: Check<string> = map(string({ max: 2_000 }), (text, path) => {
  const read = URL.canParse(text) ? new URL(text) : undefined;
  const here = read !== undefined && ['127.0.0.1', '[::1]', 'localhost'].includes(read.hostname);
  const secure = read?.protocol === 'https:' || (read?.protocol === 'http:' && here);
  return read !== undefined && secure && read.username === '' && read.password === '' && read.hash === ''
    ? ok(read.href)
    : err([{ path, message: 'Expected an https URL without user and fragment (http only on this machine)' }]);
});

const webhookSecret: Check<Secret> = map(secret, (value, path) => {
  const text = value.reveal('check the form of a signing secret');
  const bytes = /^whsec_[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text.slice(6), 'base64').length : 0;
  return bytes >= 24 && bytes <= 64
    ? ok(value)
    : err([{ path, message: 'Expected whsec_ and 24 to 64 bytes in base64' }]);
});

const milliseconds: Check<number> = map(string({ max: 20 }), (text, path) => {
  const ms = duration(text);
  return ms !== undefined && ms >= 50 && ms <= 3_600_000
    ? ok(ms)
    : err([{ path, message: 'Expected a time from 50ms to 60m' }]);
});

const common = {
  name: string({
    pattern: /^[a-z0-9][a-z0-9-]{0,40}$/,
    what: 'a name of lower case letters, digits and dashes',
  }),
  format: optional(literal('ocsf', 'entry')),
  include: optional(object({ personal: optional(boolean), texts: optional(literal('none', 'masked')) })),
  batch: optional(
    object({
      entries: optional(number({ min: 1, max: 10_000, integer: true })),
      every: optional(milliseconds),
    }),
  ),
  spool: optional(
    object({
      entries: optional(number({ min: 1, max: 1_000_000_000, integer: true })),
      whenFull: optional(literal('continue', 'wait', 'deny')),
    }),
  ),
};

const token = string({ pattern: /^[!-~]{1,200}$/, what: 'a word' });

const kinds = {
  file: object({
    ...common,
    kind: literal('file'),
    folder: string({ pattern: /^\/[^\0]*$/, what: 'a folder, from the root: /var/…' }),
  }),
  otlp: object({ ...common, kind: literal('otlp'), url, headers: optional(record(secret)) }),
  splunk: object({
    ...common,
    kind: literal('splunk'),
    url: map(url, (text) => ok(text.replace(/\/+$/, ''))),
    token: secret,
    index: optional(token),
    sourcetype: optional(token),
    acknowledge: optional(boolean),
  }),
  syslog: object({
    ...common,
    kind: literal('syslog'),
    host: string({ pattern: /^[^\s/]{1,255}$/, what: 'a host' }),
    port: number({ min: 1, max: 65_535, integer: true }),
    ca: optional(pem),
    cert: optional(pem),
    key: optional(pem),
    facility: optional(number({ min: 0, max: 23, integer: true })),
  }),
  webhook: object({
    ...common,
    kind: literal('webhook'),
    url,
    secret: webhookSecret,
    previousSecret: optional(webhookSecret),
  }),
} as const;

const one: Check<SinkSettings> = (raw, path) => {
  const kind = literal(
    'file',
    'otlp',
    'splunk',
    'syslog',
    'webhook',
  )(isObject(raw) ? raw['kind'] : undefined, `${path}.kind`);
  if (!kind.ok) return kind;
  const check: Check<Read> = kinds[kind.value];
  const read = check(raw, path);
  if (!read.ok) return read;
  const { name, format = 'ocsf', include = {}, batch = {}, spool = {}, ...to } = read.value;
  return ok({
    name,
    format,
    personal: include.personal ?? false,
    texts: include.texts ?? 'none',
    batch: { entries: batch.entries ?? 500, ms: batch.every ?? (to.kind === 'file' ? 60_000 : 1_000) },
    spool: { entries: spool.entries ?? 1_000_000, whenFull: spool.whenFull ?? 'continue' },
    to,
  });
};

type Known = { [K in keyof typeof kinds]: (typeof kinds)[K] extends Check<infer T> ? T : never };
type Read = Known[keyof Known];

/** Secrets have been put in before (`{ env: NAME }`, `{ file: PATH }`). */
export const sinkSettings: Check<readonly SinkSettings[]> = map(array(one, { max: 20 }), (sinks, path) => {
  const twice = sinks.findIndex(({ name }, index) => sinks.findIndex((other) => other.name === name) < index);
  return twice < 0
    ? ok(sinks)
    : err([{ path: `${path}[${twice}].name`, message: 'Another sink has this name' }]);
});
