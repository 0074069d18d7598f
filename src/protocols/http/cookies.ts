import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import type { Exchange } from '../../carriers/http/exchange.ts';
import type { Session } from '../../core/session.ts';
import type { MaskKey } from '../../mask/index.ts';

/** What becomes of a service's cookies: sealed for whom they were set, sent on as they are, or left out both ways. */
export type CookieRule = 'sealed' | 'pass' | 'none';

/** The cookies that a service sets for one identity. */
export interface Jar {
  /** A Set-Cookie as it goes to the client; undefined where it does not. */
  readonly given: (cookie: string) => { readonly cookie: string; readonly sealed: boolean } | undefined;
  /** A Cookie field as it goes to the service; empty where nothing is left of it. */
  readonly taken: (field: string) => string;
}

const mark = 'sallyport1.';
/** Bytes: browsers keep no longer ones (RFC 6265, 6.1). */
const longest = 4_000;
const ivBytes = 12;
const tagBytes = 16;

/**
 * SECURITY: a cookie that no script may read (`HttpOnly`) is most often the key to somebody's session with the service. It goes to the client sealed
 * (AES-256-GCM) for this identity and resource: in the hands of another it is nothing, and nothing of it can be read.
 */
export function jarOf(rule: CookieRule, key: MaskKey, { stay }: Pick<Exchange, 'stay'>): Jar {
  let made: Uint8Array | undefined;
  const own = (): Uint8Array => (made ??= keyOf(key, stay.session));
  return {
    given: (cookie) => {
      if (rule === 'none') return undefined;
      const [pair = '', ...attributes] = cookie.split(';');
      const at = pair.indexOf('=');
      const [name, value] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
      const hidden = attributes.some((each) => each.trim().toLowerCase() === 'httponly');
      if (rule === 'pass' || !hidden || value === '') return { cookie, sealed: false };
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv('aes-256-gcm', own(), iv).setAAD(Buffer.from(name));
      const bytes = Buffer.concat([iv, cipher.update(value, 'latin1'), cipher.final(), cipher.getAuthTag()]);
      const sealed = mark + bytes.toString('base64url');
      if (name.length + sealed.length > longest) return undefined;
      return { cookie: [`${name}=${sealed}`, ...attributes].join(';'), sealed: true };
    },
    taken: (field) => {
      if (rule === 'none') return '';
      return field
        .split(';')
        .flatMap((each) => {
          const pair = each.trim();
          const at = pair.indexOf('=');
          const value = pair.slice(at + 1).replace(/^"(.*)"$/, '$1');
          if (at < 0 || !value.startsWith(mark)) return pair === '' ? [] : [pair];
          const plain = opened(own(), pair.slice(0, at).trim(), value.slice(mark.length));
          return plain === undefined ? [] : [`${pair.slice(0, at)}=${plain}`];
        })
        .join('; ');
    },
  };
}

function keyOf(key: MaskKey, { identity, resource }: Session): Uint8Array {
  const whose = JSON.stringify([resource.name, identity.subject]);
  return createHmac('sha256', key).update('cookies\0').update(whose).digest();
}

/** Undefined where it was sealed for somebody else, for another name, or never. */
function opened(key: Uint8Array, name: string, sealed: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < ivBytes + tagBytes) return undefined;
  const cipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes))
    .setAAD(Buffer.from(name))
    .setAuthTag(bytes.subarray(-tagBytes));
  try {
    return cipher.update(bytes.subarray(ivBytes, -tagBytes)).toString('latin1') + cipher.final('latin1');
  } catch {
    return undefined;
  }
}
