import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { array, type Check, map, object, optional, string } from '../base/check.ts';
import { err, ok } from '../base/result.ts';
import type { OpaOrigin } from '../opa/reach.ts';
import { secret } from './config-checks.ts';

const loopback = ['localhost', '127.0.0.1', '[::1]'];

/** Exactly an origin, as it stands in an address: no path, nothing else. */
const origin: Check<string> = map(string({ max: 300 }), (given, path) => {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback.includes(url.hostname));
  return url !== undefined && safe && [url.origin, `${url.origin}/`].includes(given)
    ? ok(url.origin)
    : err([{ path, message: 'Expected an https:// origin without a path (http:// only on this machine)' }]);
});

/** `opa:` of the configuration: whom to show which token, and whose certificates to believe. Secrets are in their places. */
export function opaCheck(folder: string): Check<readonly OpaOrigin[]> {
  const ca: Check<string> = map(string(), (given, path) => {
    const file = resolve(folder, given);
    const pem = existsSync(file) ? readFileSync(file, 'utf8') : '';
    return pem.includes('-----BEGIN CERTIFICATE-----')
      ? ok(pem)
      : err([{ path, message: 'Expected a file of certificates in PEM' }]);
  });
  const each = object({ origin, token: optional(secret), ca: optional(ca) });
  return map(array(each, { max: 64 }), (all, path) => {
    const twice = all.find((one, at) =>
      all.some((other, before) => before < at && other.origin === one.origin),
    );
    return twice === undefined ? ok(all) : err([{ path, message: `${twice.origin} stands there twice` }]);
  });
}
