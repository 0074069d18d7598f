import type { DocumentMask } from '../../carriers/http/masks.ts';
import { isClean } from '../../carriers/http/texts.ts';
import type { Exchange } from '../../carriers/http/exchange.ts';
import {
  cookieBehind,
  type Fields,
  first,
  plainName,
  towardsClient,
  towardsResource,
} from '../../http/headers.ts';
import { withoutKey } from '../../http/key-scan.ts';
import type { MaskKey } from '../../mask/index.ts';
import { type Jar, jarOf } from './cookies.ts';
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
  { settings, maskKey }: { readonly settings: HttpSettings; readonly maskKey: MaskKey },
  exchange: Exchange,
  skips: (name: string) => boolean = () => false,
): { readonly path: string; readonly fields: (readonly [string, string])[] } {
  const { target, fields } = exchange;
  const own = ownFields(settings, exchange);
  const kept = towardsResource(fields).filter(([name]) => {
    const plain = plainName(name);
    return !skips(plain) && !own.some(([ours]) => ours === plain);
  });
  const sent = kept.flatMap(([name, value]): Fields => {
    if (name !== 'cookie') return [[name, value]];
    const taken = jarOf(settings.cookies, maskKey, exchange).taken(value);
    return taken === '' ? [] : [[name, taken]];
  });
  const query = target.query === '' ? '' : `?${target.query}`;
  return { path: `${settings.upstream.base}${target.path}${query}`, fields: [...sent, ...own] };
}

export interface Behind {
  readonly upstream: HttpSettings['upstream'];
  readonly prefix: string;
  readonly mask: DocumentMask;
  readonly jar: Jar;
}

/** Headers carry values too; nothing of an answer made for one identity may be kept for another. */
export function towardsAsker(
  fields: Fields,
  how: { readonly changed: boolean },
  { upstream, prefix, mask, jar }: Behind,
): Fields {
  const out: (readonly [string, string])[] = [];
  for (const [name, value] of towardsClient(fields, how)) {
    if (name === 'cache-control' || name === 'expires' || name === 'pragma') continue;
    // A name that holds a value cannot be shown otherwise.
    if (!isPlain(name) && mask.text(name) !== name) continue;
    if (name === 'set-cookie') {
      const given = cookieShown(value, mask, jar);
      if (given !== undefined) out.push([name, cookieBehind(given, prefix, upstream.base)]);
    } else if (name === 'location' || name === 'content-location') {
      out.push([name, mask.text(inside(value, upstream, prefix))]);
    } else if (name === 'content-type') {
      out.push([name, typeShown(value, mask)]);
    } else if (name === 'content-length' && /^\d+$/.test(value)) {
      out.push([name, value]);
    } else if (name === 'etag') {
      if (mask.text(value) === value) out.push([name, value]); // otherwise it would be the name of something else
    } else if (policies.has(name)) {
      out.push([name, policyShown(value, mask)]);
    } else {
      const passes = (wordy.has(name) && words.test(value)) || (dated.has(name) && date.test(value));
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
  return out.map(([name, value]) => [name, withoutKey(value, upstream.credential)]);
}

/** Whether nothing can be found in a field's name, whatever is looked for: the same names come with every answer. */
function isPlain(name: string): boolean {
  if (plain.has(name)) return true;
  if (name.length > longestPlain || !isClean(name)) return false;
  if (plain.size < mostPlain) plain.add(name);
  return true;
}

const plain: Set<string> = new Set();
const longestPlain = 60;
const mostPlain = 1_000;

/** The type and what says how to read it stay; other parameters are texts (`name="…"`). */
function typeShown(value: string, mask: DocumentMask): string {
  const [type = '', ...parameters] = value.split(';');
  const shown = parameters.map((each) => (howToRead.test(each) ? each : mask.text(each)));
  return [/^\s*[\w!#$&^.+/-]+\s*$/.test(type) ? type : mask.text(type), ...shown].join(';');
}

const howToRead = /^\s*(?:charset|boundary)\s*=\s*"?[0-9A-Za-z'()+_,./:=?-]*"?\s*$/i;

/** What is sealed says nothing to anybody; the rest is looked at, and its name: what is none cannot be shown otherwise and still be sent back. */
function cookieShown(cookie: string, mask: DocumentMask, jar: Jar): string | undefined {
  const given = jar.given(cookie);
  if (given === undefined) return undefined;
  const at = given.cookie.indexOf('=') + 1;
  const named = given.cookie.slice(0, at);
  if (!/^\s*[\w!#$%&'*+.^`|~-]+\s*=$/.test(named) || mask.text(named.slice(0, -1)) !== named.slice(0, -1))
    return undefined;
  const end = given.sealed ? given.cookie.indexOf(';') : at;
  return given.cookie.slice(0, end) + mask.text(given.cookie.slice(end));
}

/** Fields that are lists of sources and words, with values in them where a source is an address with a path. */
const policies: ReadonlySet<string> = new Set([
  'content-security-policy',
  'content-security-policy-report-only',
  'permissions-policy',
]);
/** A scheme, a host with or without one, a word, a nonce or digest: none of them somebody's. */
const source =
  /(?:(?<=^|[\s;,(])(?:[a-z][a-z0-9+.-]{0,20}:(?:\/\/)?)?(?:\*|(?:\*\.)?(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,20}|localhost)?(?::(?:\d{1,5}|\*))?\/?(?=[\s;,)]|$)|'(?:nonce|sha256|sha384|sha512)-[\w+/=-]{1,200}')/gi;

/** Masked between what is none of anybody's. */
function policyShown(value: string, mask: DocumentMask): string {
  if (mask.text(value) === value) return value;
  let out = '';
  let at = 0;
  for (const match of value.matchAll(source)) {
    if (match[0] === '') continue;
    out += mask.text(value.slice(at, match.index)) + match[0];
    at = match.index + match[0].length;
  }
  return out + mask.text(value.slice(at));
}

/** Fields whose values are the protocol's own words, where they are words; a number of seven digits and more is none. */
const wordy: ReadonlySet<string> = new Set([
  'content-encoding',
  'vary',
  'age',
  'allow',
  'accept-ranges',
  'strict-transport-security',
  'retry-after',
  'server',
]);
const words = /^(?!.*\d[\d .-]{5,}\d)[\w ,:;=*/+.()-]*$|^max-age=\d{1,9}(?:; ?[a-z]+)*$/i;
/** As all programs write it (RFC 9110, 5.6.7). */
const dated: ReadonlySet<string> = new Set(['date', 'last-modified', 'retry-after']);
const date = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

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
