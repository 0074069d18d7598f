import { Secret } from '../../base/secret.ts';
import type { House } from '../../core/protocol.ts';
import { all, type Fields, first } from '../../http/headers.ts';
import type { Target } from '../../http/target.ts';
import type { DoorParts, Incoming } from './exchange.ts';

// Who asks, and for which resource: all that a request says of it.

export const methods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'QUERY',
]);

export function placeOf(
  house: House,
  hostsOf: DoorParts['hostsOf'],
  host: string,
  target: Target,
): { readonly resource: string; readonly target: Target; readonly prefix: string } | undefined {
  const named = host.replace(/:\d+$/, '').toLowerCase();
  const byHost = house.resources.find(({ name }) => hostsOf(name).includes(named));
  if (byHost !== undefined) return { resource: byHost.name, target, prefix: '' };
  const [, segment = ''] = target.path.split('/', 2);
  if (!house.resources.some(({ name }) => name === segment)) return undefined;
  const path = target.path.slice(segment.length + 1);
  return { resource: segment, target: { ...target, path: path === '' ? '/' : path }, prefix: `/${segment}` };
}

/**
 * All hosts that the request names, each once: HTTP/2 has `:authority` and may have Host too (RFC 9113, 8.3.1). None where one of
 * them is no host (`user@host`), or what is asked for is of another scheme than HTTP.
 */
export function hostsNamed(request: Incoming, fields: Fields): readonly string[] {
  const named = all(fields, 'host');
  if (!named.every(isHost)) return [];
  if (!('stream' in request)) return named;
  const { ':authority': authority, ':scheme': scheme } = request.headers;
  if (scheme !== 'http' && scheme !== 'https') return [];
  if (authority === undefined) return [...new Set(named)];
  return isHost(authority) ? [...new Set([authority, ...named])] : [];
}

/** Fields of one request, in HTTP/1.1 and HTTP/2. */
export const mostFields = 200;

/**
 * Why nobody can say for all programs on the way where a request ends, or what stands in its head (RFC 9112, 6.1); undefined where
 * it is plain. HTTP/2 frames its messages itself.
 */
export function framingProblem(request: Incoming, fields: Fields): string | undefined {
  if ('stream' in request) return undefined;
  // Node gives no more than the first two thousand.
  if (fields.length > mostFields) return `More than ${mostFields} header fields`;
  const { httpVersion } = request;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'This version of HTTP is not served';
  const codings = all(fields, 'transfer-encoding');
  if (codings.length === 0) return undefined;
  if (httpVersion === '1.0') return 'HTTP/1.0 knows no Transfer-Encoding';
  return codings.length === 1 && codings[0]?.toLowerCase() === 'chunked'
    ? undefined
    : 'Only `chunked` is served as Transfer-Encoding';
}

/** A name or an address, and a port: nothing that one program could take for another host (RFC 9110, 7.2). */
function isHost(host: string): boolean {
  return /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/.test(host);
}

/**
 * The gateway's token, from wherever clients of its kinds of resources put a key; `several` where two differ, since nobody can say
 * who asks. Cookies of browsers are read elsewhere (browser.ts).
 */
export function tokenOf(fields: Fields): Secret | 'several' | undefined {
  const given = all(fields, 'authorization');
  const found = new Set([...all(fields, 'x-api-key'), ...all(fields, 'api-key')]);
  for (const each of given) {
    const token = authorized(each);
    if (token === undefined) return undefined;
    found.add(token);
  }
  if (found.size > 1) return 'several';
  const [token] = found;
  return token === undefined || token === '' ? undefined : new Secret(token);
}

/** A bearer token, or the password of Basic (RFC 6750, 2.1; RFC 7617, 2). */
function authorized(value: string): string | undefined {
  const bearer = /^bearer +([\w.~+/=-]+)$/i.exec(value)?.[1];
  if (bearer !== undefined) return bearer;
  const basic = /^basic +([\w+/=-]+)$/i.exec(value)?.[1];
  if (basic === undefined) return undefined;
  const pair = Buffer.from(basic, 'base64').toString('utf8');
  return pair.includes(':') ? pair.slice(pair.indexOf(':') + 1) : undefined;
}

/** What the client says this belongs to: recorded, never trusted. */
export function runOf(fields: Fields): string | undefined {
  const said = first(fields, 'sallyport-run') ?? first(fields, 'x-claude-code-session-id');
  if (said !== undefined) return said;
  return /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(
    first(fields, 'traceparent') ?? '',
  )?.[1];
}
