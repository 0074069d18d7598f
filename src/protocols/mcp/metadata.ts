import type { Reply } from '../../carriers/http/exchange.ts';
import type { McpSettings } from './settings.ts';

const wellKnown = '/.well-known/oauth-protected-resource'; // RFC 9728, 3

export interface Named {
  readonly name: string;
  readonly settings: McpSettings;
}

/** The URL of a resource, as clients use it and tokens are for. */
function urlOf({ name, settings }: Named, host: string, secure: boolean): string | undefined {
  if (!/^(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.test(host)) return undefined;
  const own = settings.hosts.includes(host.replace(/:\d+$/, '').toLowerCase());
  return `${secure ? 'https' : 'http'}://${host}${own ? '' : `/${name}`}`;
}

/** Where the metadata of a resource are (RFC 9728, 5.1), for the Bearer challenge. */
export function challengeOf(named: Named, host: string, secure: boolean): string {
  const url = urlOf(named, host, secure);
  if (url === undefined) return '';
  const { origin, pathname } = new URL(url);
  return `resource_metadata="${origin}${wellKnown}${pathname === '/' ? '' : pathname}"`;
}

/** Answers requests for metadata; false where the path asks for none. */
export function sayMetadata(
  path: string,
  about: { readonly host: string; readonly method: string; readonly secure: boolean },
  { reply, resources }: { readonly reply: Reply; readonly resources: readonly Named[] },
): boolean {
  if (path !== wellKnown && !path.startsWith(`${wellKnown}/`)) return false;
  const rest = path.slice(wellKnown.length);
  const named = resources.find(
    (each) =>
      urlOf(each, about.host, about.secure) === `${about.secure ? 'https' : 'http'}://${about.host}${rest}`,
  );
  const found = named !== undefined && (about.method === 'GET' || about.method === 'HEAD');
  const servers = named?.settings.authorizationServers ?? [];
  const body = Buffer.from(
    JSON.stringify(
      found
        ? {
            resource: urlOf(named, about.host, about.secure),
            resource_name: named.name,
            ...(servers.length === 0 ? {} : { authorization_servers: servers }),
            bearer_methods_supported: ['header'],
          }
        : { error: 'not_found' },
    ),
  );
  reply.start(found ? 200 : 404, [
    ['content-type', 'application/json'],
    ['content-length', String(body.length)],
    ['access-control-allow-origin', '*'],
    ['cache-control', 'no-store'],
  ]);
  if (about.method !== 'HEAD') void reply.write(body);
  reply.end();
  return true;
}
