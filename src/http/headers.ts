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

/** What a resource could take for the word of the gateway: only the gateway says these. */
const ofGateways =
  /^(?:forwarded|via|x-forwarded(?:-.*)?|x-real-ip|x-client-ip|true-client-ip|cf-connecting-ip|x-original-(?:url|uri|host|method)|x-rewrite-url|x-sallyport-.*|sallyport-.*|x-(?:remote|auth|authenticated|gateway)-.*|remote-user)$/;

/** What makes a resource do something else than the method and path say. */
const overrides = /^x-(?:http-method(?:-override)?|method-override)$/;

export const ownCookie = 'sallyport_session';

/** Why a request's headers are refused; undefined where they are not. */
export function refusedHeaders(fields: Fields): string | undefined {
  for (const [name] of fields) {
    if (overrides.test(name.replaceAll('_', '-'))) {
      return 'A header overrides the method: send the method itself';
    }
  }
  return undefined;
}

/** The client's header fields as they may go to a resource. `_` counts as `-`: many servers take both for one name. */
export function towardsResource(fields: Fields): Fields {
  const named = nominated(fields);
  const out: (readonly [string, string])[] = [];
  for (const [name, value] of fields) {
    const plain = name.replaceAll('_', '-');
    if (named.has(name) || hopByHop.has(plain) || credentials.has(plain) || ofGateways.test(plain)) continue;
    if (dropped.has(plain)) continue;
    if (plain === 'cookie') {
      const rest = withoutOwnCookie(value);
      if (rest !== '') out.push([name, rest]);
      continue;
    }
    out.push([name, value]);
  }
  return out;
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
    if (named.has(name) || hopByHop.has(name)) return false;
    if (name === 'set-cookie') return !value.trimStart().toLowerCase().startsWith(`${ownCookie}=`);
    return !how.changed || !ofTheBody.has(name);
  });
}

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

function nominated(fields: Fields): ReadonlySet<string> {
  const named = new Set<string>();
  for (const [name, value] of fields) {
    if (name === 'connection') for (const each of value.split(',')) named.add(each.trim().toLowerCase());
  }
  return named;
}

function withoutOwnCookie(value: string): string {
  return value
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '' && !pair.startsWith(`${ownCookie}=`))
    .join('; ');
}

export function cookieOf(fields: Fields, wanted: string): string | undefined {
  for (const [name, value] of fields) {
    if (name !== 'cookie') continue;
    for (const pair of value.split(';')) {
      const at = pair.indexOf('=');
      if (at > 0 && pair.slice(0, at).trim() === wanted) return pair.slice(at + 1).trim();
    }
  }
  return undefined;
}

export function first(fields: Fields, wanted: string): string | undefined {
  return fields.find(([name]) => name === wanted)?.[1];
}

export function all(fields: Fields, wanted: string): readonly string[] {
  return fields.filter(([name]) => name === wanted).map(([, value]) => value);
}
