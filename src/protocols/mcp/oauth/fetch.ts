import { Fault } from '../../../base/errors.ts';
import { httpClient } from '../../../carriers/http/client.ts';
import { decoded, wholeOf } from '../../../carriers/http/decoded.ts';
import type { House } from '../../../core/protocol.ts';
import { usual } from '../../../http/patience.ts';
import type { Upstream } from '../../../http/upstream.ts';
import { resourceUrl } from './broker.ts';

const mostBytes = 1_048_576;
const withinMs = 30_000;

/**
 * Fetches what signing in needs, over the gateway's own connections. SECURITY: from the issuer and the server, and from where the
 * issuer's metadata sends it to, over TLS (or on loopback); redirects are not followed; what a server says sends it nowhere else.
 */
export function oauthFetch(
  house: Pick<House, 'dial' | 'world'>,
  upstream: Upstream,
  issuer: string,
): (url: string | URL, init?: RequestInit) => Promise<Response> {
  const known = new Set([new URL(issuer).origin, new URL(resourceUrl(upstream)).origin]);
  return async (given, init = {}) => {
    const url = new URL(given);
    const method = init.method ?? 'GET';
    const local = /^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(url.hostname);
    const secure = url.protocol === 'https:' || (url.protocol === 'http:' && local);
    // Its metadata, and itself, without a token: to be told what it wants.
    const ofServer =
      url.origin === new URL(resourceUrl(upstream)).origin &&
      (method === 'GET' || url.href === new URL(resourceUrl(upstream)).href);
    if ((!secure && !ofServer) || (method === 'GET' && !known.has(url.origin)))
      throw new Fault('upstream-auth', 'Signing in to an MCP server leads to an address that is not trusted');
    const own = url.origin === new URL(resourceUrl(upstream)).origin ? upstream.tls : undefined;
    const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
    await using client = httpClient({
      address: `${url.hostname}:${port}`,
      authority: url.host,
      dial: house.dial,
      world: house.world,
      patience: { ...usual.service, firstByteMs: withinMs, idleMs: withinMs },
      ...(url.protocol === 'https:'
        ? {
            tls:
              own === undefined
                ? { kind: 'client', serverName: url.hostname.replace(/^\[|\]$/g, ''), verify: 'verify-full' }
                : { kind: 'client', ...own },
          }
        : {}),
    });
    const { body } = init;
    const text =
      typeof body === 'string' ? body : body instanceof URLSearchParams ? body.toString() : undefined;
    if (body !== undefined && body !== null && text === undefined)
      throw new Fault('bug', 'Signing in sends forms only');
    const headers = new Headers(init.headers);
    headers.set('accept-encoding', 'identity');
    if (body instanceof URLSearchParams && !headers.has('content-type'))
      headers.set('content-type', 'application/x-www-form-urlencoded');
    const answer = await client.call({
      method,
      path: `${url.pathname}${url.search}`,
      fields: [...headers],
      signal: AbortSignal.timeout(withinMs),
      ...(text === undefined ? {} : { body: Buffer.from(text) }),
    });
    const stream = decoded(answer);
    const bytes = stream === undefined ? undefined : await wholeOf(stream, mostBytes);
    if (bytes === undefined) throw new Fault('upstream-auth', 'An authorization server answered too much');
    const out = new Headers(answer.fields.map(([name, value]): [string, string] => [name, value]));
    const empty = [204, 205, 304].includes(answer.status);
    return new Response(empty ? null : Buffer.from(bytes), { status: answer.status, headers: out });
  };
}
