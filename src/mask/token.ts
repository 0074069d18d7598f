import { createCipheriv, createDecipheriv, timingSafeEqual } from 'node:crypto';
import { ff1, ff1Back, leastDigits } from './ff1.ts';
import { bytesOfLetters, keyed, lettersOf, type MaskKey } from './key.ts';

// A token stands for a value and says nothing of it without the key; with the key it can be undone. Numbers keep their
// digits' count and their separators (FF1); everything else becomes a sealed text: a synthetic initialisation vector
// (RFC 5297's construction, HMAC-SHA-256 in place of S2V) and AES-256-CTR. Nothing is kept anywhere, so no vault can be
// lost or stolen, and gateways with one key agree.

const mark = 't_';
const vector = 16;
const numeric = /^[+(]?\d[\d\s\-./()]*$/;
const mostDigits = 56;

/** A number of 6 to 56 digits as another one written alike, all else as a sealed token; a sealed token stays. */
export function tokenOf(value: string, key: MaskKey): string {
  return numberToken(value, key, ff1) ?? sealed(value, key);
}

/** A text that is always a sealed token: `t_` and letters. */
export function sealed(value: string, key: MaskKey): string {
  if (unsealed(value, key) !== undefined) return value;
  const iv = keyed(key, 'token-iv', value).subarray(0, vector);
  const cipher = createCipheriv('aes-256-ctr', keyed(key, 'token-key', ''), iv);
  return mark + lettersOf(Buffer.concat([iv, cipher.update(value, 'utf8'), cipher.final()]));
}

/**
 * What the token stands for; `undefined` when it is no token of this key. A number is undone whatever it is: that it was
 * a token must be known otherwise. Whoever calls this shows a masked value: only where a rule allowed it and it is written down.
 */
export function untoken(token: string, key: MaskKey): string | undefined {
  return unnumbered(token, key) ?? unsealed(token, key);
}

/** What a number stands for if it was a token of this key, which nothing tells; `undefined` where it can be none. */
export function unnumbered(token: string, key: MaskKey): string | undefined {
  return numberToken(token, key, ff1Back);
}

/** What a sealed token stands for; `undefined` when it is none of this key. */
export function unsealed(token: string, key: MaskKey): string | undefined {
  if (!token.startsWith(mark)) return undefined;
  const bytes = bytesOfLetters(token.slice(mark.length));
  if (bytes === undefined || bytes.length <= vector) return undefined;
  const iv = bytes.subarray(0, vector);
  const decipher = createDecipheriv('aes-256-ctr', keyed(key, 'token-key', ''), iv);
  const plain = Buffer.concat([decipher.update(bytes.subarray(vector)), decipher.final()]);
  const value = plain.toString('utf8');
  return timingSafeEqual(keyed(key, 'token-iv', value).subarray(0, vector), iv) ? value : undefined;
}

function numberToken(value: string, key: MaskKey, how: typeof ff1): string | undefined {
  if (!numeric.test(value)) return undefined;
  const digits = value.replaceAll(/\D/g, '');
  if (digits.length < leastDigits || digits.length > mostDigits) return undefined;
  const made = how(keyed(key, 'token-digits', ''), new Uint8Array(0), digits);
  let at = 0;
  return value.replaceAll(/\d/g, () => made[at++] ?? '0');
}
