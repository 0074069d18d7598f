import {
  constants,
  createHmac,
  createPublicKey,
  type KeyObject,
  timingSafeEqual,
  verify,
  X509Certificate,
} from 'node:crypto';
import { isObject } from '../../../../base/check.ts';
import { type Builtin, type Builtins, type Context, object, text } from '../builtin.ts';
import { Halt, Wrong } from '../meter.ts';
import { compareNumbers, integer, type Num, times } from '../number.ts';
import { fromJson, isList, isNumber, RegoObject, type Value } from '../value.ts';

// JSON Web Tokens (RFC 7519) as OPA reads and verifies them.

interface Algorithm {
  readonly family: 'HS' | 'RS' | 'PS' | 'ES' | 'EdDSA';
  readonly hash: string | null;
  readonly curve?: string;
}

const algorithms: Readonly<Record<string, Algorithm>> = {
  HS256: { family: 'HS', hash: 'sha256' },
  HS384: { family: 'HS', hash: 'sha384' },
  HS512: { family: 'HS', hash: 'sha512' },
  RS256: { family: 'RS', hash: 'sha256' },
  RS384: { family: 'RS', hash: 'sha384' },
  RS512: { family: 'RS', hash: 'sha512' },
  PS256: { family: 'PS', hash: 'sha256' },
  PS384: { family: 'PS', hash: 'sha384' },
  PS512: { family: 'PS', hash: 'sha512' },
  ES256: { family: 'ES', hash: 'sha256', curve: 'prime256v1' },
  ES384: { family: 'ES', hash: 'sha384', curve: 'secp384r1' },
  ES512: { family: 'ES', hash: 'sha512', curve: 'secp521r1' },
  EdDSA: { family: 'EdDSA', hash: null },
};

interface Token {
  readonly header: RegoObject;
  readonly payload: string;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

const longestToken = 65_536;

function part(said: string): Buffer {
  if (!/^[A-Za-z0-9_-]*={0,2}$/.test(said) || said.replace(/=+$/, '').length % 4 === 1)
    throw new Wrong('it is not base64');
  return Buffer.from(said, 'base64url');
}

function jsonObject(said: string, { meter }: Context): RegoObject {
  let read: Value;
  try {
    read = fromJson(said, meter);
  } catch (thrown) {
    if (thrown instanceof Halt) throw thrown;
    throw new Wrong('the token holds no JSON');
  }
  if (!(read instanceof RegoObject)) throw new Wrong('the token holds no JSON object');
  return read;
}

function tokenOf(said: string, context: Context): Token {
  if (said.length > longestToken) throw new Wrong('the token is too long');
  context.meter.spend(100 + said.length);
  const [head = '', body = '', sign = '', more] = said.split('.');
  if (said.split('.').length !== 3 || more !== undefined) throw new Wrong('encoded JWT must have 3 sections');
  const header = jsonObject(part(head).toString(), context);
  if (header.named('enc') !== undefined) throw new Wrong('JWT is a JWE object, which is not supported');
  return {
    header,
    payload: part(body).toString(),
    signed: Buffer.from(`${head}.${body}`),
    signature: part(sign),
  };
}

function isNested({ header }: Token): boolean {
  const type = header.named('cty');
  return typeof type === 'string' && type.toUpperCase() === 'JWT';
}

const deepest = 8;

const decode: Builtin = (args, context) => {
  let said = text(args, 0);
  for (let depth = 0; depth < deepest; depth++) {
    const token = tokenOf(said, context);
    if (!isNested(token))
      return [token.header, jsonObject(token.payload, context), token.signature.toString('hex')];
    said = token.payload.replace(/^"(.*)"$/s, '$1');
  }
  throw new Wrong('tokens are nested too deep');
};

interface Key {
  readonly key: KeyObject;
  readonly kid?: string;
  readonly alg?: string;
}

/** Keys of a certificate or public key in PEM, of a JWK, or of a JWK Set. */
function keysOf(said: string, { meter, patterns }: Context): readonly Key[] {
  meter.spend(5_000 + said.length);
  const known = patterns.get(`key ${said}`);
  if (isKeys(known)) return known;
  let made: readonly Key[];
  try {
    made = said.includes('-----BEGIN') ? [{ key: pemKey(said) }] : jwks(JSON.parse(said));
  } catch {
    throw new Wrong('the key cannot be read');
  }
  patterns.set(`key ${said}`, made);
  return made;
}

function isKeys(known: unknown): known is readonly Key[] {
  return Array.isArray(known);
}

function pemKey(said: string): KeyObject {
  // SECURITY: whoever reads on would take another key than the one that is looked at first.
  if (!/^-----BEGIN [A-Z ]+-----[^-]*-----END [A-Z ]+-----$/.test(said.trim()))
    throw new Wrong('the key cannot be read');
  return said.includes('-----BEGIN CERTIFICATE')
    ? new X509Certificate(said).publicKey
    : createPublicKey(said);
}

function jwks(read: unknown): readonly Key[] {
  if (!isObject(read)) throw new Wrong('the key cannot be read');
  const { keys } = read;
  const all: readonly unknown[] = Array.isArray(keys) ? keys : [read];
  return all.map((each) => {
    if (!isObject(each)) throw new Wrong('the key cannot be read');
    const { kid, alg } = each;
    return {
      key: createPublicKey({ key: each, format: 'jwk' }),
      ...(typeof kid === 'string' ? { kid } : {}),
      ...(typeof alg === 'string' ? { alg } : {}),
    };
  });
}

function fits({ key }: Key, { family, curve }: Algorithm): boolean {
  const type = key.asymmetricKeyType;
  if (family === 'ES') return type === 'ec' && key.asymmetricKeyDetails?.namedCurve === curve;
  if (family === 'EdDSA') return type === 'ed25519';
  return type === 'rsa' || (family === 'PS' && type === 'rsa-pss');
}

function signedBy({ key }: Key, { signed, signature }: Token, { family, hash }: Algorithm): boolean {
  try {
    if (family === 'ES') return verify(hash, signed, { key, dsaEncoding: 'ieee-p1363' }, signature);
    if (family !== 'PS') return verify(hash, signed, key, signature);
    const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO };
    return verify(hash, signed, { key, ...pss }, signature);
  } catch {
    return false;
  }
}

function verified(token: Token, name: string, secretOrKeys: string, context: Context): boolean {
  const algorithm = algorithms[name];
  if (algorithm === undefined) return false;
  const { family, hash } = algorithm;
  if (family === 'HS') {
    context.meter.spend(200);
    const made = createHmac(hash ?? '', secretOrKeys)
      .update(token.signed)
      .digest();
    return made.length === token.signature.length && timingSafeEqual(made, token.signature);
  }
  const kid = token.header.named('kid');
  const all = keysOf(secretOrKeys, context);
  const named = typeof kid === 'string' ? all.filter((each) => each.kid === kid) : [];
  const tried = named.length > 0 ? named : all;
  context.meter.spend(tried.length * 4_000);
  return tried.some((each) => fits(each, algorithm) && signedBy(each, token, algorithm));
}

function verifies(name: string): Builtin {
  return (args, context) => verified(tokenOf(text(args, 0), context), name, text(args, 1), context);
}

const options = ['cert', 'secret', 'alg', 'iss', 'aud', 'time'];

function optional(given: RegoObject, name: string): string | undefined {
  const found = given.named(name);
  return found === undefined ? undefined : text([found], 0);
}

/** RFC 7519 section 4.1, as far as it is asked for. */
function claimsHold(claims: RegoObject, given: RegoObject, { at }: Context): boolean {
  const iss = optional(given, 'iss');
  if (iss !== undefined && claims.named('iss') !== iss) return false;
  const [aud, wanted] = [claims.named('aud'), optional(given, 'aud')];
  const audiences = isList(aud) ? aud : aud === undefined ? [] : [aud];
  if (wanted === undefined ? aud !== undefined : !audiences.includes(wanted)) return false;
  const said = given.named('time');
  if (said !== undefined && !isNumber(said)) throw new Wrong('time must be a number');
  const now = said ?? integer(BigInt(Math.floor(at)) * 1_000_000n);
  const when = (name: string): Num | undefined => {
    const found = claims.named(name);
    if (found === undefined) return undefined;
    if (!isNumber(found)) throw new Wrong(`${name} must be a number`);
    return times(found, 1_000_000_000);
  };
  const [exp, nbf] = [when('exp'), when('nbf')];
  return (
    !(exp !== undefined && compareNumbers(now, exp) >= 0) &&
    !(nbf !== undefined && compareNumbers(now, nbf) < 0)
  );
}

const decodeVerify: Builtin = (args, context) => {
  const given = object(args, 1);
  const unknown = given
    .entries(context.meter)
    .some(({ key }) => typeof key !== 'string' || !options.includes(key));
  if (unknown) throw new Wrong('unknown key validation constraint');
  const [cert, secret, wanted] = ['cert', 'secret', 'alg'].map((name) => optional(given, name));
  if ((cert === undefined) === (secret === undefined))
    throw new Wrong('exactly one of cert and secret is needed');
  const no = (): Value => [false, new RegoObject(), new RegoObject()];
  let said = text(args, 0);
  for (let depth = 0; depth < deepest; depth++) {
    const token = tokenOf(said, context);
    const alg = token.header.named('alg');
    if (typeof alg !== 'string' || token.header.named('crit') !== undefined) return no();
    const family = Object.hasOwn(algorithms, alg) ? algorithms[alg]?.family : undefined;
    // SECURITY: a public key is never taken for the secret of a signature, and a secret never for a key.
    if (family === undefined || (family === 'HS') !== (secret !== undefined)) return no();
    if (wanted !== undefined && wanted !== alg) return no();
    if (!verified(token, alg, secret ?? cert ?? '', context)) return no();
    if (isNested(token)) {
      said = token.payload.replace(/^"(.*)"$/s, '$1');
      continue;
    }
    const claims = jsonObject(token.payload, context);
    return claimsHold(claims, given, context) ? [true, token.header, claims] : no();
  }
  throw new Wrong('tokens are nested too deep');
};

/** Tokens: read and verified, never made. */
export const tokens: Builtins = {
  'io.jwt.decode': decode,
  'io.jwt.decode_verify': decodeVerify,
  ...Object.fromEntries(
    Object.keys(algorithms).map((name) => [`io.jwt.verify_${name.toLowerCase()}`, verifies(name)]),
  ),
};
