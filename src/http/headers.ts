/** Header fields in the order they came: names in lower case, values as the parser gave them. */
export type Fields = readonly (readonly [name: string, value: string])[];

/** RFC 9110, 7.6.1, and what old programs still treat alike. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** What carries the client's own credentials towards the gateway: never sent on. */
const credentials: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
]);

/** What a resource could take for the word of a gateway about who asks and how: only the gateway says these. */
const ofGateways: RegExp = new RegExp(
  `^(?:${[
    'forwarded|via|max-forwards|x-forwarded(?:-.*)?|x-original-.*|x-rewrite-url|x-envoy-.*',
    'x-real-ip|x-client-ip|true-client-ip|x-cluster-client-ip|fastly-client-ip|cf-connecting-.*',
    'sallyport-.*|x-sallyport-.*|x-(?:remote|auth|authenticated|gateway)-.*',
    'x-ssl-.*|ssl-.*|x-client-(?:cert|verify|dn|subject|tls).*|client-cert(?:-.*)?|x-amzn-(?:oidc|mtls)-.*',
    'x-goog-(?:iap|authenticated)-.*|x-ms-client-principal.*|x-ms-token-.*|cf-access-.*|(?:x-)?tailscale-.*',
    'x-azure-(?:client|socket)ip|x-appengine-.*|x-endpoint-api-userinfo|x-apigateway-api-userinfo|x-middleware-subrequest',
    'client-ip|x-source-ip|x-originating-ip|x-proxyuser-ip|x-host|x-http-host-override|proxy|x-sendfile-type|x-accel-.*',
    'remote-(?:user|groups|name|email|addr)|x-webauth-.*|x-authentik-.*|x-pomerium-.*|x-vouch-.*|x-userinfo|x-id-token',
    'x-consumer-.*|x-credential-.*|x-anonymous-consumer|x-jwt-assertion|teleport-jwt-assertion|oidc-.*|mellon-.*|shib-.*',
    'iv-(?:user|groups|creds)|sm-(?:user|.*dn)|impersonate-.*',
  ].join('|')})$`,
);

/** What is meant for the resource: a client that has it dropped on the way is judged by what does not arrive (RFC 9110, 7.6.1). */
const forTheResource = /^(?:content-.*|host|transfer-encoding|cookie|authorization|expect|sallyport-.*)$/;

/** Whether a program may name this field of a request by itself: the others are the gateway's or the connection's. */
export function mayBeNamed(name: string): boolean {
  const plain = plainName(name);
  const own = hopByHop.has(plain) || credentials.has(plain) || dropped.has(plain) || plain === 'cookie';
  return !own && !ofGateways.test(plain) && !overrides.test(plain);
}

/** What makes a resource do something else than the method and path say. */
const overrides = /^x-(?:http-method(?:-override)?|method-override)$/;

const ownCookie = 'sallyport_session';

/** The cookie by which a browser is known. Over TLS no other host and no script of a path can plant one (RFC 6265bis, 4.1.3.2). */
export function cookieName(secure: boolean): string {
  return secure ? `__Host-${ownCookie}` : ownCookie;
}

function isOwnCookie(name: string): boolean {
  return name.toLowerCase().replace(/^__(?:host|secure|http|host-http)-/, '') === ownCookie;
}

/** Names that servers would read as one: many take `_` for `-`, some any other sign (CGI and what came of it: RFC 3875, 4.1.18). */
export function plainName(name: string): string {
  return plainly.test(name) ? name : name.replaceAll(/[^a-z0-9]/g, '-');
}

const plainly = /^[a-z0-9-]*$/;

/** What a name of a request's field means to who passes it on. */
interface Word {
  readonly plain: string;
  /** Its like may stand there once. */
  readonly once: boolean;
  readonly overrides: boolean;
  readonly forTheResource: boolean;
  /** It is the connection's, the gateway's or a credential: not passed on. */
  readonly stays: boolean;
}

/** The same names come with every request. */
const words: Map<string, Word> = new Map();
const mostWords = 1_000;
const longestWord = 100;

function wordOf(name: string): Word {
  const known = words.get(name);
  if (known !== undefined) return known;
  const plain = plainName(name);
  const made: Word = {
    plain,
    once: plain === 'content-type' || plain === 'content-encoding' || plain === 'content-length',
    overrides: overrides.test(plain),
    forTheResource: forTheResource.test(plain),
    stays: hopByHop.has(plain) || credentials.has(plain) || ofGateways.test(plain) || dropped.has(plain),
  };
  if (words.size < mostWords && name.length <= longestWord) words.set(name, made);
  return made;
}

/** Why a request's headers are refused; undefined where they are not. */
export function refusedHeaders(fields: Fields): string | undefined {
  const seen: string[] = [];
  for (const [name] of fields) {
    const word = wordOf(name);
    if (word.overrides) return 'A header overrides the method: send the method itself';
    if (!word.once) continue;
    if (seen.includes(word.plain)) return `More than one ${word.plain}`;
    seen.push(word.plain);
  }
  for (const name of nominated(fields)) {
    if (wordOf(name).forTheResource) return 'Connection names a field that is meant for the resource';
  }
  return undefined;
}

/** The client's header fields as they may go to a resource. `_` counts as `-`: many servers take both for one name. */
export function towardsResource(fields: Fields): Fields {
  const named = nominated(fields);
  const out: (readonly [string, string])[] = [];
  const cookies: string[] = [];
  for (const field of fields) {
    const [name, value] = field;
    const word = wordOf(name);
    if (word.stays || named.has(name)) continue;
    if (word.plain === 'cookie') {
      const rest = withoutOwnCookie(value);
      if (rest !== '') cookies.push(rest);
      continue;
    }
    out.push(field);
  }
  // HTTP/2 sends them one by one, HTTP/1.1 knows one field only (RFC 9113, 8.2.3).
  if (cookies.length > 0) out.push(['cookie', cookies.join('; ')]);
  return out;
}

/**
 * SECURITY: clients send their key under names of their own too, beside the one under which it is taken: it is the gateway's,
 * and no resource may have it. Fields that never go on may keep it.
 */
export function withoutToken(fields: Fields, token: string): Fields {
  if (!fields.some(([name, value]) => value.includes(token) && !credentials.has(name))) return fields;
  const kept = fields.map(
    ([name, value]) => [name, name === 'cookie' ? without(value, token) : value] as const,
  );
  return kept.filter(([, value]) => !value.includes(token));
}

function without(cookies: string, token: string): string {
  return cookies
    .split(';')
    .filter((pair) => !pair.includes(token))
    .join(';');
}

/** Made anew for the other side: length and host by who sends, encoding by who must read the answer. */
const dropped: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'accept-encoding',
  'expect',
  'range',
  'if-range',
]);

/** A resource's header fields as they may go to the client. */
export function towardsClient(fields: Fields, how: { readonly changed: boolean }): Fields {
  const named = nominated(fields);
  return fields.filter(([name, value]) => {
    if (named.has(name) || hopByHop.has(name) || overTheHost.has(name)) return false;
    if (name === 'set-cookie') return mayBeSet(value);
    return !how.changed || !ofTheBody.has(name);
  });
}

/**
 * SECURITY: what one resource says of the whole host, which is the gateway's. It would end its cookie and those of others, let a
 * script answer its own pages, lead clients past it, or have somebody else told of all that fails.
 */
const overTheHost: ReadonlySet<string> = new Set([
  'alt-svc',
  'alt-used',
  'clear-site-data',
  'expect-ct',
  'nel',
  'proxy-authentication-info',
  'public-key-pins',
  'public-key-pins-report-only',
  'report-to',
  'reporting-endpoints',
  'service-worker-allowed',
]);

/** What no longer holds of a body that was decoded or masked. */
const ofTheBody: ReadonlySet<string> = new Set([
  'content-length',
  'content-encoding',
  'content-md5',
  'content-digest',
  'repr-digest',
  'digest',
  'etag',
  'last-modified',
  'accept-ranges',
]);

/** SECURITY: a cookie without a name is sent back as whatever its value says, so it could pose as the gateway's. */
function mayBeSet(cookie: string): boolean {
  const pair = cookie.split(';', 1)[0] ?? '';
  const at = pair.indexOf('=');
  const name = at < 0 ? '' : pair.slice(0, at).trim();
  return name !== '' && !isOwnCookie(name);
}

/** A cookie of a resource that stands behind a path is that path's: other resources of the host do not get it. */
export function cookieBehind(cookie: string, prefix: string, base: string): string {
  const [pair = '', ...attributes] = cookie.split(';').map((part) => part.trim());
  let path = '/';
  const kept: string[] = [];
  for (const attribute of attributes) {
    const [name = '', value = ''] = attribute.split(/=(.*)/s, 2).map((part) => part.trim());
    if (/^path$/i.test(name)) path = value.startsWith('/') ? value : '/';
    else if (!/^domain$/i.test(name) && attribute !== '') kept.push(attribute);
  }
  const own = base !== '' && (path === base || path.startsWith(`${base}/`)) ? path.slice(base.length) : path;
  const whole = `${prefix}${own === '/' && prefix !== '' ? '' : own}`;
  return [pair, `Path=${whole === '' ? '/' : whole}`, ...kept].join('; ');
}

function nominated(fields: Fields): ReadonlySet<string> {
  let named: Set<string> | undefined;
  for (const [name, value] of fields) {
    if (name !== 'connection' || value === 'keep-alive') continue;
    named ??= new Set();
    for (const each of value.split(',')) named.add(each.trim().toLowerCase());
  }
  return named ?? none;
}

const none: ReadonlySet<string> = new Set();

function withoutOwnCookie(value: string): string {
  return value
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '' && !isOwnCookie(nameOf(pair)))
    .join('; ');
}

function nameOf(pair: string): string {
  const at = pair.indexOf('=');
  return (at < 0 ? pair : pair.slice(0, at)).trim();
}

/** The values of all cookies of this name: two are what somebody planted beside the true one. */
export function cookiesOf(fields: Fields, wanted: string): readonly string[] {
  return all(fields, 'cookie')
    .flatMap((value) => value.split(';'))
    .filter((pair) => pair.includes('=') && nameOf(pair) === wanted)
    .map((pair) => pair.slice(pair.indexOf('=') + 1).trim());
}

export function first(fields: Fields, wanted: string): string | undefined {
  for (const field of fields) if (field[0] === wanted) return field[1];
  return undefined;
}

export function all(fields: Fields, wanted: string): readonly string[] {
  let found: string[] | undefined;
  for (const field of fields) if (field[0] === wanted) (found ??= []).push(field[1]);
  return found ?? nothing;
}

const nothing: readonly string[] = [];
