import { DpopSession, generateDpopKeyPair } from '@modelcontextprotocol/client';
import { hash, type webcrypto } from 'node:crypto';
import { isObject } from '../../../base/check.ts';
import { Fault } from '../../../base/errors.ts';

const alg = 'ES256';
const curve = { name: 'ECDSA', namedCurve: 'P-256' };

/**
 * Makes proofs that whoever shows a token has its key (DPoP, RFC 9449). `key`: a private JWK that was kept; else a new one is made,
 * and given to `keep`: refresh tokens of public clients are bound to it, so that it must live as long as they do.
 */
export async function proofs(key: object | undefined, keep: (key: object) => void): Promise<DpopSession> {
  if (key === undefined) {
    const pair = await generateDpopKeyPair({ alg, extractable: true });
    keep(await crypto.subtle.exportKey('jwk', pair.privateKey));
    return DpopSession.create({ keyPair: pair });
  }
  try {
    const { crv, kty, x, y } = isObject(key) ? key : {};
    if (![crv, kty, x, y].every((each) => typeof each === 'string')) throw new TypeError('No such key');
    const publicJwk = { crv, kty, x, y } as { crv: string; kty: string; x: string; y: string }; // just checked
    const load = (jwk: webcrypto.JsonWebKey, use: 'sign' | 'verify'): Promise<webcrypto.CryptoKey> =>
      crypto.subtle.importKey('jwk', jwk, curve, true, [use]);
    const [privateKey, publicKey] = await Promise.all([load(key, 'sign'), load(publicJwk, 'verify')]);
    // RFC 7638: the members in this order.
    const thumbprint = hash('sha256', JSON.stringify(publicJwk), 'base64url');
    return DpopSession.create({ keyPair: { privateKey, publicKey, publicJwk, thumbprint, alg } });
  } catch (cause) {
    throw new Fault('config', 'The key of the tokens for an MCP server is not understood', { cause });
  }
}
