import {
  array,
  type Check,
  isObject,
  literal,
  map,
  object,
  optional,
  type Problem,
  record,
  string,
} from '../../base/check.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { Access } from '../../core/action.ts';
import { type Patience, timeouts, usual } from '../../http/patience.ts';
import { secret, type Upstream, upstreamAnd } from '../../http/upstream.ts';
import type { Secret } from '../../base/secret.ts';
import type { OAuthSettings } from './oauth/broker.ts';
import { ownTools } from './own/tools.ts';

/** One MCP server, or several behind one endpoint. */
export interface McpSettings {
  /** By name; the empty name where the resource is one server, whose names stay as they are. */
  readonly servers: ReadonlyMap<string, McpServerSettings>;
  /** What servers may ask of the client's side; everything else they ask is refused by the gateway. */
  readonly allow: ReadonlySet<'sampling' | 'elicitation' | 'roots'>;
  /** What tools do, by the name clients see; what is not said counts as `execute`. */
  readonly tools: ReadonlyMap<string, ToolSettings>;
  /**
   * Which definitions are used. `first`: as it was when it was first seen; a change waits for a person. `known`: besides, what
   * comes after the first list waits too. `pinned`: none but those with a digest in `tools`.
   */
  readonly pins: 'first' | 'known' | 'pinned' | 'off';
  /** Media types that reach the client although nothing can look into them while masks apply. */
  readonly uninspected: readonly string[];
  /** Web origins that may use it from a browser, besides loopback. */
  readonly origins: readonly string[];
  /** Whose tokens it takes, for clients that look for a place to sign in (RFC 9728). */
  readonly authorizationServers: readonly string[];
  /** Hosts of the gateway that name this resource by themselves. */
  readonly hosts: readonly string[];
}

export type McpServerSettings =
  | { readonly kind: 'http'; readonly upstream: Upstream; readonly oauth?: OAuthSettings }
  /** The gateway's own tools. */
  | { readonly kind: 'own' }
  | {
      readonly kind: 'stdio';
      readonly command: readonly string[];
      readonly env: Readonly<Record<string, Secret>>;
      readonly folder?: string;
      readonly patience: Patience;
    };

export interface ToolSettings {
  readonly access?: Access;
  readonly digest?: string;
  /** What its answers bring, for `session.saw`: `untrusted`. */
  readonly shows?: readonly string[];
  /** Where its arguments say something to another resource, by whose rules it is judged too. */
  readonly sql?: { readonly path: string; readonly resource: string };
  readonly http?: {
    readonly path: string;
    readonly method?: string; // its path; GET where it is absent
    readonly hosts: Readonly<Record<string, string>>; // resources, by host (and port)
  };
  /** Where they are a command line: rules read its programs (`action.programs`). */
  readonly shell?: { readonly path: string };
}

const serverName = /^[a-z][a-z0-9-]{0,30}$/;
const stdio = object({
  command: array(string({ max: 4_000 }), { min: 1 }),
  env: optional(record(secret)),
  folder: optional(string({ max: 4_000 })),
  timeouts: optional(timeouts),
});
const oauth = object({
  issuer: string({
    pattern:
      /^(?:https:\/\/[^\s"?#]{1,500}|http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?(?:\/[^\s"?#]{0,500})?)$/,
    what: 'an issuer such as https://login.example',
  }),
  clientId: optional(string({ pattern: /^[\x21-\x7e]{1,500}$/, what: 'the id of a client' })),
  clientSecret: optional(secret),
  clientKey: optional(secret),
  algorithm: optional(literal('ES256', 'ES384', 'RS256', 'PS256', 'EdDSA')),
  stepUp: optional(array(string({ pattern: /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/, what: 'a scope' }))),
  per: optional(literal('identity')),
  scope: optional(
    string({ pattern: /^[\x21\x23-\x5b\x5d-\x7e ]{1,1000}$/, what: 'scopes with blanks between' }),
  ),
  grant: optional(literal('client_credentials', 'authorization_code', 'jwt_bearer')),
  assertionFile: optional(string({ pattern: /^\/[^\0]{1,1000}$/, what: 'the whole path of a file' })),
  dpop: optional(literal(true)),
});
const remote = upstreamAnd(object({ oauth: optional(oauth) }), 'tools');
const serverKeys: readonly string[] = [
  'url',
  'verify',
  'ca',
  'serverName',
  'hosts',
  'credentials',
  'oauth',
  'timeouts',
  'command',
  'env',
  'folder',
  'builtin',
];

const server: Check<McpServerSettings> = (raw, path) => {
  if (isObject(raw) && raw['builtin'] !== undefined) {
    return map(object({ builtin: literal(true) }), () => ok<McpServerSettings>({ kind: 'own' }))(raw, path);
  }
  if (isObject(raw) && raw['command'] !== undefined) {
    return map(stdio, ({ command, env = {}, folder, timeouts: given }) =>
      ok<McpServerSettings>({
        kind: 'stdio',
        command,
        env,
        patience: { ...usual.tools, ...given },
        ...(folder === undefined ? {} : { folder }),
      }),
    )(raw, path);
  }
  return map(remote, ({ upstream, oauth: given }, at): Result<McpServerSettings, readonly Problem[]> => {
    if (given === undefined) return ok({ kind: 'http', upstream });
    const { grant = 'client_credentials' } = given;
    const problem = (message: string): Result<never, readonly Problem[]> =>
      err([{ path: `${at}.oauth`, message }]);
    if (upstream.credential !== undefined) return problem('Expected `credentials` or `oauth`, not both');
    const proves = given.clientSecret !== undefined || given.clientKey !== undefined;
    if (given.clientSecret !== undefined && given.clientKey !== undefined)
      return problem('Expected `clientSecret` or `clientKey`, not both');
    if (proves && given.clientId === undefined) return problem('`clientId` says whose secret or key it is');
    if (grant === 'client_credentials' && !proves)
      return problem('`client_credentials` needs `clientId` and `clientSecret`, or `clientKey`');
    if ((grant === 'jwt_bearer') !== (given.assertionFile !== undefined))
      return problem('`assertionFile` is what `grant: jwt_bearer` needs, and nothing else does');
    if (grant === 'jwt_bearer' && given.clientId === undefined)
      return problem('`jwt_bearer` needs a `clientId`: nobody is there to register the gateway');
    if (grant !== 'authorization_code' && given.per !== undefined)
      return problem('`per: identity` needs `grant: authorization_code`: each person lets the gateway in');
    if (grant === 'authorization_code' && given.stepUp !== undefined)
      return problem('`stepUp` is where nobody agrees: else the person who lets the gateway in agrees');
    if (given.algorithm !== undefined && given.clientKey === undefined)
      return problem('`algorithm` is that of a `clientKey`');
    const { hostname } = new URL(`http://${upstream.authority}`);
    if (upstream.tls === undefined && !/^(?:127\.0\.0\.1|localhost|\[::1\])$/.test(hostname))
      return problem('Tokens are sent over https only (or on loopback)');
    return ok({ kind: 'http', upstream, oauth: { ...given, grant } });
  })(raw, path);
};

const argument = string({
  pattern: /^\$(?:\.[A-Za-z_][\w-]{0,60}){1,10}$/,
  what: 'the path of an argument such as $.sql',
});
const resourceName = string({ max: 63 });

const common = object({
  allow: optional(array(literal('sampling', 'elicitation', 'roots'))),
  tools: optional(
    record(
      object({
        access: optional(literal('read', 'write', 'define', 'administer', 'execute')),
        digest: optional(string({ pattern: /^[0-9a-f]{64}$/, what: 'a SHA-256 digest in hex' })),
        shows: optional(array(string({ max: 100 }))),
        sql: optional(
          object({ path: argument, dialect: optional(literal('postgres')), resource: resourceName }),
        ),
        http: optional(object({ path: argument, method: optional(argument), hosts: record(resourceName) })),
        shell: optional(object({ path: argument })),
      }),
    ),
  ),
  pins: optional(literal('first', 'known', 'pinned', 'off')),
  uninspected: optional(
    array(string({ pattern: /^[a-z0-9.+-]+\/(?:\*|[a-z0-9.+-]+)$/, what: 'a media type such as image/*' })),
  ),
  authorizationServers: optional(
    array(string({ pattern: /^https:\/\/[^\s"]{1,500}$/, what: 'an issuer such as https://login.example' })),
  ),
  origins: optional(
    array(string({ pattern: /^https?:\/\/[a-z0-9.:-]+$/, what: 'an origin such as https://tools.example' })),
  ),
});

export const settings: Check<McpSettings> = (raw, path): Result<McpSettings, readonly Problem[]> => {
  if (!isObject(raw)) return err([{ path, message: 'Expected a mapping' }]);
  const pick = (wanted: (key: string) => boolean): object =>
    Object.fromEntries(Object.entries(raw).filter(([key]) => wanted(key)));
  const { servers: several } = raw;
  const rest = common(
    pick((key) => key !== 'servers' && !serverKeys.includes(key)),
    path,
  );
  if (!rest.ok) return rest;
  const found = several === undefined ? undefined : record(server)(several, `${path}.servers`);
  const own = pick((key) => serverKeys.includes(key));
  const single = several === undefined ? server(own, path) : undefined;
  if (found?.ok === false) return found;
  if (single?.ok === false) return single;
  if (several !== undefined && Object.keys(own).length > 0)
    return err([{ path, message: 'Expected `url`, `command` or `servers`, and only one of them' }]);
  const named = Object.entries(found?.value ?? {});
  if (several !== undefined && named.length === 0)
    return err([{ path: `${path}.servers`, message: 'At least one server is needed' }]);
  const bad = named.find(([name]) => !serverName.test(name) || name.includes('__'));
  if (bad !== undefined)
    return err([
      { path: `${path}.servers`, message: 'A name of a server is lower-case letters, digits and dashes' },
    ]);
  if (named.some(([, each]) => each.kind === 'own'))
    return err([
      {
        path: `${path}.servers`,
        message: 'The tools of the gateway are a resource by themselves: `builtin: true`',
      },
    ]);
  if (named.some(([, each]) => each.kind === 'http' && each.oauth?.per !== undefined))
    return err([
      {
        path: `${path}.servers`,
        message:
          'A token for each person (`per: identity`) needs a resource with one server: several share one connection',
      },
    ]);
  const servers = new Map(named);
  if (single !== undefined) servers.set('', single.value);
  const {
    allow = [],
    tools = {},
    pins = 'first',
    uninspected = [],
    origins = [],
    authorizationServers = [],
  } = rest.value;
  const only = single?.value;
  const ownAccess =
    only?.kind === 'own' ? ownTools.map(({ name, access }) => [name, { access }] as const) : [];
  return ok({
    servers,
    allow: new Set(allow),
    tools: new Map<string, ToolSettings>([...ownAccess, ...Object.entries(tools)]),
    pins,
    uninspected,
    origins,
    authorizationServers,
    hosts: only?.kind === 'http' ? only.upstream.hosts : [],
  });
};
