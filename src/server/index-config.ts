import { join } from 'node:path';
import { map, object, optional, string, literal, type Check, type Problem } from '../base/check.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Secret } from '../base/secret.ts';
import type { IndexWorkerData } from '../stores/index-worker.ts';
import { secret } from './config-checks.ts';
import { isLoopback } from './live.ts';

/** Where the index of entries lies; absent: in a file of the data folder. */
export interface IndexSettings {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password?: Secret;
  readonly tls: { readonly ca?: string } | undefined;
  readonly schema: string;
}

const shape = object({
  kind: literal('postgres'),
  url: string({ max: 2_000, what: 'a URL such as postgres://user@host:5432/database' }),
  password: optional(secret),
  tls: optional(literal('verify-full', 'disable')),
  ca: optional(secret),
  schema: optional(string({ pattern: /^[A-Za-z_][A-Za-z0-9_]{0,62}$/, what: 'the name of a schema' })),
});

/** `index:` of the configuration, once secrets are in their places. */
export const indexCheck: Check<IndexSettings> = map(shape, (read, path) => {
  const url = URL.canParse(read.url) ? new URL(read.url) : undefined;
  const problem = (at: string, message: string): Result<IndexSettings, readonly Problem[]> =>
    err([{ path: `${path}.${at}`, message }]);
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol) || url.hostname === '')
    return problem('url', 'Expected a URL such as postgres://user@host:5432/database');
  if (url.password !== '')
    return problem(
      'url',
      'A password does not stand in the URL: say password: { env: NAME } or { file: PATH }',
    );
  if (url.search !== '' || url.hash !== '')
    return problem('url', 'A URL without parameters: tls and schema have keys of their own');
  const database = decodeURIComponent(url.pathname.slice(1));
  if (url.username === '' || database === '' || database.includes('/'))
    return problem('url', 'The URL names a user and one database: postgres://user@host:5432/database');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // SECURITY: what is searched says who did what; it crosses no network in the clear.
  if (read.tls === 'disable' && !isLoopback(url.hostname))
    return problem('tls', 'Only a database on this machine is reached without TLS');
  const ca = read.ca?.reveal('certificate authorities, which are no secret');
  return ok({
    host,
    port: url.port === '' ? 5_432 : Number(url.port),
    database,
    user: decodeURIComponent(url.username),
    ...(read.password === undefined ? {} : { password: read.password }),
    tls: read.tls === 'disable' ? undefined : ca === undefined ? {} : { ca },
    schema: read.schema ?? 'sallyport_index',
  });
});

/** What the index's thread is told. */
export function indexStoreOf(settings: IndexSettings | undefined, data: string): IndexWorkerData['store'] {
  if (settings === undefined) return { kind: 'sqlite', path: join(data, 'index.db') };
  const { password, ...rest } = settings;
  return {
    kind: 'postgres',
    ...rest,
    ...(password === undefined
      ? {}
      : { password: password.reveal('signing in to the database of the index') }),
  };
}
