import type { DocumentMask } from '../../carriers/http/masks.ts';
import type { Exchange } from '../../carriers/http/exchange.ts';
import {
  cookieBehind,
  type Fields,
  first,
  plainName,
  towardsClient,
  towardsResource,
} from '../../http/headers.ts';
import type { HttpSettings } from './settings.ts';

/** The credential of the gateway, and who asks: whatever a client says of these itself is left out. */
function ownFields({ upstream, identityHeader }: HttpSettings, { stay }: Exchange): Fields {
  const own: (readonly [string, string])[] = [];
  if (upstream.credential !== undefined)
    own.push([upstream.credential.header, upstream.credential.value.reveal('sign in to a resource')]);
  if (identityHeader !== undefined) own.push([identityHeader, stay.session.identity.subject]);
  return own;
}

/** The head of the request as it goes to the resource; `skips` names what is made anew there. */
export function towards(
  settings: HttpSettings,
  exchange: Exchange,
  skips: (name: string) => boolean = () => false,
): { readonly path: string; readonly fields: (readonly [string, string])[] } {
  const { target, fields } = exchange;
  const own = ownFields(settings, exchange);
  const kept = towardsResource(fields).filter(([name]) => {
    const plain = plainName(name);
    return !skips(plain) && !own.some(([ours]) => ours === plain);
  });
  const query = target.query === '' ? '' : `?${target.query}`;
  return { path: `${settings.upstream.base}${target.path}${query}`, fields: [...kept, ...own] };
}

export interface Behind {
  readonly upstream: HttpSettings['upstream'];
  readonly prefix: string;
  readonly mask: DocumentMask;
}

/** Headers carry values too; nothing of an answer made for one identity may be kept for another. */
export function towardsAsker(
  fields: Fields,
  how: { readonly changed: boolean },
  { upstream, prefix, mask }: Behind,
): Fields {
  const out: (readonly [string, string])[] = [];
  for (const [name, value] of towardsClient(fields, how)) {
    if (name === 'cache-control' || name === 'expires' || name === 'pragma') continue;
    if (name === 'set-cookie') {
      // Its name is a name: `id=`. What is none cannot be shown otherwise and still be sent back.
      const at = value.indexOf('=') + 1;
      const named = value.slice(0, at);
      if (!/^\s*[\w!#$%&'*+.^`|~-]+\s*=$/.test(named) && mask.text(named) !== named) continue;
      const shown = named + mask.text(value.slice(at));
      out.push([name, cookieBehind(shown, prefix, upstream.base)]);
    } else if (name === 'location' || name === 'content-location') {
      out.push([name, mask.text(inside(value, upstream, prefix))]);
    } else if (name === 'content-type') {
      out.push([name, typeShown(value, mask)]);
    } else {
      const passes = plain.has(name) || (wordy.has(name) && /^[\w ,:;=*/+.()-]*$/.test(value));
      out.push([name, passes ? value : mask.text(value, name)]);
    }
  }
  const asked = first(fields, 'cache-control') ?? '';
  const kept = asked
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '' && !/^(?:public|private|s-maxage.*|no-store)$/i.test(part));
  out.push([
    'cache-control',
    mask.needed || /no-store/i.test(asked) ? 'private, no-store' : ['private', ...kept].join(', '),
  ]);
  return out;
}

/** The type and what says how to read it stay; other parameters are texts (`name="…"`). */
function typeShown(value: string, mask: DocumentMask): string {
  const [type = '', ...parameters] = value.split(';');
  const shown = parameters.map((each) => (howToRead.test(each) ? each : mask.text(each)));
  return [/^\s*[\w!#$&^.+/-]+\s*$/.test(type) ? type : mask.text(type), ...shown].join(';');
}

const howToRead = /^\s*(?:charset|boundary)\s*=\s*"?[0-9A-Za-z'()+_,./:=?-]*"?\s*$/i;

/** Fields that are opaque to everybody but who made them, or no text. */
const plain: ReadonlySet<string> = new Set(['etag', 'content-security-policy']);

/** Fields whose values are the protocol's own words, where they are words. */
const wordy: ReadonlySet<string> = new Set([
  'date',
  'content-length',
  'content-encoding',
  'last-modified',
  'vary',
  'age',
  'allow',
  'accept-ranges',
  'strict-transport-security',
  'retry-after',
  'server',
]);

/** What a recording shows of the head: names only of those that are opaque. */
export function recorded(fields: Fields): string {
  return fields.map(([name, value]) => `${name}: ${name === 'set-cookie' ? '***' : value}\n`).join('');
}

/** A redirect of the resource to itself stays behind the gateway. */
function inside(
  location: string,
  { authority, base, tls }: HttpSettings['upstream'],
  prefix: string,
): string {
  const own = `${tls === undefined ? 'http' : 'https'}://${authority}`;
  const path =
    location === own ? '/' : location.startsWith(`${own}/`) ? location.slice(own.length) : location;
  if (!path.startsWith('/') || path.startsWith('//')) return location;
  const rest = base !== '' && (path === base || path.startsWith(`${base}/`)) ? path.slice(base.length) : path;
  return `${prefix}${rest === '' ? '/' : rest}`;
}
