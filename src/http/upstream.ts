import {
  array,
  type Check,
  isObject,
  literal,
  map,
  object,
  optional,
  type Problem,
  string,
} from '../base/check.ts';
import { err, ok, type Result } from '../base/result.ts';
import { Secret } from '../base/secret.ts';
import { type Patience, timeouts, usual, type Wait } from './patience.ts';

/** A service that is reached over HTTP, and what the gateway says to be let in there. */
export interface Upstream {
  readonly address: string; // host:port or [v6]:port
  readonly authority: string; // for Host
  /** Stands before every path: `/v2`; empty where there is nothing. Never ends with `/`. */
  readonly base: string;
  readonly tls?: {
    readonly serverName: string;
    readonly verify: 'verify-full' | 'verify-ca' | 'require';
    readonly ca?: string;
  };
  readonly credential?: Credential;
  /** Hosts of the gateway that name this resource by themselves, in lower case. */
  readonly hosts: readonly string[];
  readonly patience: Patience;
}

/** One header field that the gateway adds to each request. */
export interface Credential {
  readonly header: string; // lower case
  readonly value: Secret;
}

/** A secret that the configuration has put in already (`{ env: NAME }`, `{ file: PATH }`), or a plain text. */
export const secret: Check<Secret> = (raw, path) => {
  if (raw instanceof Secret) return ok(raw);
  const text = string({ pattern: /^[\x20-\x7e]+$/, what: 'a text, { env: NAME } or { file: PATH }' })(
    raw,
    path,
  );
  return text.ok ? ok(new Secret(text.value)) : text;
};

const entry = object({
  url: string({ max: 2_000, what: 'an address such as https://api.internal/v2' }),
  verify: optional(literal('verify-full', 'verify-ca', 'require')),
  ca: optional(secret),
  serverName: optional(string({ pattern: /^[^\s:/]{1,253}$/, what: 'a host name' })),
  hosts: optional(array(string({ pattern: /^[a-z0-9.-]{1,253}$/, what: 'a host name in lower case' }))),
  credentials: optional(
    object({
      bearer: optional(secret),
      basic: optional(
        object({ user: string({ pattern: /^[^\0:]{1,200}$/, what: 'a user name' }), password: secret }),
      ),
      header: optional(string({ pattern: /^[A-Za-z0-9-]{1,100}$/, what: 'the name of a header' })),
      value: optional(secret),
    }),
  ),
  timeouts: optional(timeouts),
});
const keys: readonly string[] = ['url', 'verify', 'ca', 'serverName', 'hosts', 'credentials', 'timeouts'];

type Entry = typeof entry extends Check<infer T> ? T : never;

/** Reads the keys that every service over HTTP has, and leaves the others to `own`. */
export function upstreamAnd<T extends object>(
  own: Check<T>,
  wait: Wait,
): Check<T & { readonly upstream: Upstream }> {
  const common = map(entry, (given, path) => toUpstream(given, path, usual[wait]));
  return (raw, path) => {
    if (!isObject(raw)) return err([{ path, message: 'Expected a mapping' }]);
    const pick = (ours: boolean): object =>
      Object.fromEntries(Object.entries(raw).filter(([key]) => keys.includes(key) === ours));
    const upstream = common(pick(true), path);
    const rest = own(pick(false), path);
    if (!upstream.ok) return rest.ok ? upstream : err([...upstream.error, ...rest.error]);
    return rest.ok ? ok({ ...rest.value, upstream: upstream.value }) : rest;
  };
}

function toUpstream(given: Entry, path: string, patience: Patience): Result<Upstream, readonly Problem[]> {
  const at = (key: string): string => (path === '' ? key : `${path}.${key}`);
  const url = URL.canParse(given.url) ? new URL(given.url) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return err([{ path: at('url'), message: 'Expected a URL such as https://api.internal/v2' }]);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    return err([
      {
        path: at('url'),
        message: 'Credentials, query and fragment do not belong into the URL: use `credentials`',
      },
    ]);
  }
  const secure = url.protocol === 'https:';
  const problems: Problem[] = [];
  const credential = credentialOf(given.credentials, at('credentials'), problems);
  if (!secure && (given.ca !== undefined || given.verify !== undefined)) {
    problems.push({ path: at('url'), message: 'A CA and `verify` are of use with https only' });
  }
  if (problems.length > 0) return err(problems);
  const port = url.port === '' ? (secure ? '443' : '80') : url.port;
  const host = url.hostname; // with brackets where it is IPv6
  return ok({
    address: `${host}:${port}`,
    authority: url.host,
    base: url.pathname.replace(/\/+$/, ''),
    ...(secure
      ? {
          tls: {
            serverName: given.serverName ?? host.replace(/^\[|\]$/g, ''),
            verify: given.verify ?? 'verify-full',
            ...(given.ca === undefined ? {} : { ca: given.ca.reveal('CA certificate') }),
          },
        }
      : {}),
    ...(credential === undefined ? {} : { credential }),
    hosts: given.hosts ?? [],
    patience: { ...patience, ...given.timeouts },
  });
}

function credentialOf(
  given: Entry['credentials'],
  path: string,
  problems: Problem[],
): Credential | undefined {
  if (given === undefined) return undefined;
  const { bearer, basic, header, value } = given;
  const ways = [bearer, basic, header].filter((way) => way !== undefined).length;
  if (ways !== 1 || (header === undefined) !== (value === undefined)) {
    problems.push({
      path,
      message: 'Expected one of: bearer; basic with user and password; header with value',
    });
    return undefined;
  }
  if (bearer !== undefined) {
    return {
      header: 'authorization',
      value: new Secret(`Bearer ${bearer.reveal('credential of a resource')}`),
    };
  }
  if (basic !== undefined) {
    const pair = `${basic.user}:${basic.password.reveal('credential of a resource')}`;
    return { header: 'authorization', value: new Secret(`Basic ${Buffer.from(pair).toString('base64')}`) };
  }
  return header === undefined || value === undefined ? undefined : { header: header.toLowerCase(), value };
}
