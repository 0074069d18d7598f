import { array, boolean, literal, map, number, object, optional, string, type Check } from '../base/check.ts';
import { err, ok } from '../base/result.ts';
import { Secret } from '../base/secret.ts';

/** `channels:` in the configuration. */
export interface ChannelSettings {
  readonly slack?: SlackSettings;
  readonly teams?: TeamsSettings;
  readonly webhooks?: readonly WebhookSettings[];
  readonly email?: EmailSettings;
}

/** At least one of `signingSecret` (clicks come over HTTP) and `appToken` (Socket Mode: no port is open to the outside). */
export interface SlackSettings {
  readonly app: string; // A012ABC
  readonly workspaces: readonly string[]; // T012ABC: whose members may answer
  readonly channel: string; // C012ABC
  readonly botToken: Secret;
  readonly signingSecret?: Secret;
  readonly appToken?: Secret;
  readonly apiUrl?: string; // https://slack.com/api/
}

export interface TeamsSettings {
  readonly app: string; // the bot's application id
  readonly password: Secret;
  readonly tenants: readonly string[]; // whose members may answer
  readonly conversation: string; // 19:…@thread.tacv2
  readonly serviceUrl: string; // https://smba.trafficmanager.net/emea/
  readonly tokenUrl?: string;
  readonly metadataUrl?: string;
  readonly issuer?: string;
}

export interface WebhookSettings {
  readonly url: string;
  readonly secret: Secret; // whsec_…
  readonly previousSecret?: Secret; // while it is being replaced: both sign
  /** Whether the statement and its values are sent, as on a card. */
  readonly text?: boolean;
}

export interface EmailSettings {
  readonly from: string;
  readonly to: readonly string[];
  readonly host: string;
  readonly port: number;
  readonly tls: 'implicit' | 'starttls' | 'none'; // none: on this machine only
  readonly user?: string;
  readonly password?: Secret;
  readonly ca?: Secret; // PEM, where its certificate is not a public one
}

const secret: Check<Secret> = (raw, path) => {
  if (raw instanceof Secret) return ok(raw);
  return err([
    { path, message: 'Expected { env: NAME } or { file: PATH }: secrets do not stand in this file' },
  ]);
};

const id = (pattern: RegExp, what: string): Check<string> => string({ pattern, what });
const guid = id(
  /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  'an id such as 00000000-0000-0000-0000-000000000000, in lower case',
);

/** https, or http on this machine; without user, query and fragment. */
export const serviceUrl: Check<string> = map(string({ max: 2_000 }), (text, path) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const here = url !== undefined && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && here);
  return url !== undefined && secure && url.username === '' && url.password === '' && url.hash === ''
    ? ok(url.href)
    : err([{ path, message: 'Expected an https URL without user and fragment (http only on this machine)' }]);
});

const folderUrl: Check<string> = map(serviceUrl, (url) => ok(url.endsWith('/') ? url : `${url}/`));

const slack: Check<SlackSettings> = map(
  object({
    app: id(/^A[A-Z0-9]{2,20}$/, 'the id of the app: A012ABC'),
    workspaces: array(id(/^T[A-Z0-9]{2,20}$/, 'the id of a workspace: T012ABC'), { min: 1 }),
    channel: id(/^[CG][A-Z0-9]{2,20}$/, 'the id of a channel: C012ABC'),
    botToken: secret,
    signingSecret: optional(secret),
    appToken: optional(secret),
    apiUrl: optional(folderUrl),
  }),
  (read, path) =>
    read.signingSecret === undefined && read.appToken === undefined
      ? err([{ path, message: 'Needs signingSecret (clicks over HTTP) or appToken (Socket Mode), or both' }])
      : ok(read),
);

const teams: Check<TeamsSettings> = object({
  app: guid,
  password: secret,
  tenants: array(guid, { min: 1 }),
  conversation: id(/^[^\s/?#]{1,300}$/, 'the id of a conversation: 19:…@thread.tacv2'),
  serviceUrl: folderUrl,
  tokenUrl: optional(serviceUrl),
  metadataUrl: optional(serviceUrl),
  issuer: optional(string({ max: 500 })),
});

/** Standard Webhooks: `whsec_` and 24 to 64 bytes in base64. */
export const webhookSecret: Check<Secret> = map(secret, (value, path) => {
  const text = value.reveal('check the form of a signing secret');
  const bytes = /^whsec_[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text.slice(6), 'base64').length : 0;
  return bytes >= 24 && bytes <= 64
    ? ok(value)
    : err([{ path, message: 'Expected whsec_ and 24 to 64 bytes in base64' }]);
});

const webhook: Check<WebhookSettings> = object({
  url: serviceUrl,
  secret: webhookSecret,
  previousSecret: optional(webhookSecret),
  text: optional(boolean),
});

const mailbox = id(
  /^[^\s\p{C}<>,;:"()[\]\\@]{1,64}@[^\s\p{C}<>,;:"()[\]\\@]{1,255}$/u,
  'an address such as reviews@example.com',
);

const email: Check<EmailSettings> = map(
  object({
    from: mailbox,
    to: array(mailbox, { min: 1, max: 50 }),
    host: id(/^[^\s/]{1,255}$/, 'the host of a mail server'),
    port: number({ min: 1, max: 65_535, integer: true }),
    tls: literal('implicit', 'starttls', 'none'),
    user: optional(string({ max: 300 })),
    password: optional(secret),
    ca: optional(secret),
  }),
  (read, path) => {
    if ((read.user === undefined) !== (read.password === undefined))
      return err([{ path, message: 'user and password belong together' }]);
    const here = ['127.0.0.1', '::1', 'localhost'].includes(read.host);
    return read.tls === 'none' && !here
      ? err([
          {
            path: `${path}.tls`,
            message: 'Expected implicit or starttls: none is for a server on this machine',
          },
        ])
      : ok(read);
  },
);

/** Secrets have been put in before (`{ env: NAME }`, `{ file: PATH }`). */
export const channelSettings: Check<ChannelSettings> = object({
  slack: optional(slack),
  teams: optional(teams),
  webhooks: optional(array(webhook, { max: 20 })),
  email: optional(email),
});
