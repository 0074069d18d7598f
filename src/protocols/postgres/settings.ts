import { type Check, literal, map, object, optional, type Problem, string } from '../../base/check.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { Secret } from '../../base/secret.ts';

/** How the connection to the server is protected, by libpq's names; there is no mode that falls back to plain by itself. */
export type TlsMode = 'disable' | 'require' | 'verify-ca' | 'verify-full';

/** A PostgreSQL server and how the gateway signs in to it. */
export interface PostgresSettings {
  readonly address: string; // host:port or [v6]:port
  readonly database: string;
  readonly user: string;
  readonly password?: Secret;
  readonly tls: TlsMode;
  /** The name its certificate must be for: the host of the address unless given. */
  readonly serverName: string;
  readonly ca?: string; // PEM; the system's store when absent
  readonly cert?: string; // PEM, the gateway's own certificate
  readonly key?: Secret; // PEM
}

const name = string({ pattern: /^[^\0]{1,63}$/u, what: 'a name of 1 to 63 characters' });

/** A secret that the configuration has put in already (`{ env: NAME }`, `{ file: PATH }`), or a plain text. */
const secret: Check<Secret> = (raw, path) => {
  if (raw instanceof Secret) return ok(raw);
  const text = string({ pattern: /^[^\0]+$/, what: 'a text, { env: NAME } or { file: PATH }' })(raw, path);
  return text.ok ? ok(new Secret(text.value)) : text;
};

const pem: Check<Secret> = map(secret, (value, path) =>
  value.reveal('check the form of a PEM text').includes('-----BEGIN ')
    ? ok(value)
    : err([{ path, message: 'Expected PEM: { file: PATH }, or the text itself' }]),
);

const address = string({
  pattern: /^(?:\[[0-9a-fA-F:.]+\]|[^:[\]\s/@]+)(?::\d{1,5})?$/,
  what: 'host, host:port or [v6]:port',
});

const entry = object({
  address,
  database: optional(name),
  credentials: object({
    user: name,
    password: optional(secret),
    cert: optional(pem),
    key: optional(pem),
  }),
  tls: optional(literal('disable', 'require', 'verify-ca', 'verify-full')),
  serverName: optional(string({ pattern: /^[^\s:/]{1,253}$/, what: 'a host name' })),
  ca: optional(pem),
});

type Entry = typeof entry extends Check<infer T> ? T : never;

/** Reads a resource's entry of the configuration, without name, kind and tags. */
export const settings: Check<PostgresSettings> = map(entry, toSettings);

function toSettings(given: Entry, path: string): Result<PostgresSettings, readonly Problem[]> {
  const at = (key: string): string => (path === '' ? key : `${path}.${key}`);
  const { user, password, cert, key } = given.credentials;
  const host = hostOf(given.address);
  const tls = given.tls ?? (isLoopback(host) ? 'disable' : 'verify-full');
  const problems: Problem[] = [];
  if ((cert === undefined) !== (key === undefined)) {
    problems.push({
      path: at('credentials'),
      message: 'A certificate needs its key, and a key its certificate',
    });
  }
  if (tls === 'disable' && (cert !== undefined || given.ca !== undefined)) {
    problems.push({ path: at('tls'), message: 'Certificates are of no use with tls: disable' });
  }
  if (problems.length > 0) return err(problems);
  return ok({
    address: /:\d+$/.test(given.address.replace(/^\[.*\]/, '')) ? given.address : `${given.address}:5432`,
    database: given.database ?? user,
    user,
    ...(password === undefined ? {} : { password }),
    tls,
    serverName: given.serverName ?? host,
    ...(given.ca === undefined ? {} : { ca: given.ca.reveal('CA certificate') }),
    ...(cert === undefined ? {} : { cert: cert.reveal('client certificate') }),
    ...(key === undefined ? {} : { key }),
  });
}

function hostOf(given: string): string {
  return given
    .replace(/:\d+$/, (port, at: number) => (given.startsWith('[') && given[at - 1] !== ']' ? port : ''))
    .replace(/^\[(.*)\]$/, '$1');
}

/** Bytes to these never leave the machine. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
