import { errors, jwtVerify, SignJWT } from 'jose';
import type { KeyObject } from 'node:crypto';
import { messageOf } from '../base/errors.ts';
import { err, ok, type Result } from '../base/result.ts';
import { Secret } from '../base/secret.ts';
import { instant, type World } from '../base/time.ts';
import type { Identity, Subject } from '../core/identity.ts';
import type { Directory } from './directory.ts';

/** What stands in every token of one gateway; a token of another is foreign. */
export interface TokenTerms {
  readonly issuer: string;
  readonly audience: string;
}

export interface TokenParts {
  readonly terms: TokenTerms;
  readonly world: World;
}

/** Why a token is not accepted. Stable: stands in metrics and entries. */
export type TokenFault =
  | 'malformed'
  | 'foreign'
  | 'expired'
  | 'revoked'
  | 'other-user'
  | 'unknown-subject'
  | 'unavailable';

export interface TokenRefusal {
  readonly fault: TokenFault;
  /** One sentence for the client: names no key and no claim's value. */
  readonly why: string;
  /** Whom the token names, once its signature was found good. */
  readonly subject?: string;
}

/** A token as it was issued, and the id by which it can be revoked. */
export interface Issued {
  readonly token: Secret;
  readonly id: string;
}

const algorithm = 'EdDSA';
const longest = 4_096; // characters; ours have about 300

/** Issues a token for `subject` that ends after `ttlMs`. What its bearer may do is not in it: the directory says so at use. */
export async function issueToken(
  parts: TokenParts & { readonly key: KeyObject },
  subject: Subject,
  ttlMs: number,
): Promise<Issued> {
  const id = Buffer.from(parts.world.random(12)).toString('base64url');
  const seconds = Math.floor(parts.world.now() / 1_000);
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
    .setSubject(subject)
    .setJti(id)
    .setIssuer(parts.terms.issuer)
    .setAudience(parts.terms.audience)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + Math.ceil(ttlMs / 1_000))
    .sign(parts.key);
  return { token: new Secret(token), id };
}

export interface VerifyParts extends TokenParts {
  readonly publicKey: KeyObject;
  readonly directory: Directory;
  /** Whether this token id was withdrawn. A throw counts as yes. */
  readonly revoked: (tokenId: string) => boolean;
}

/**
 * Says who holds this token: signature, issuer, audience and time are checked, then the directory is asked for what the
 * subject is now. `user` is the name the client gave, where its protocol has one, and must be the token's subject.
 * Never rejects: what fails on the way is a refusal.
 */
export async function verifyToken(
  parts: VerifyParts,
  token: Secret,
  user?: string,
): Promise<Result<Identity, TokenRefusal>> {
  const claims = await claimsOf(parts, token);
  if (!claims.ok) return claims;
  const { subject, id, expiresAt, issuedAt } = claims.value;
  if (isRevoked(parts, id)) return refuse('revoked', 'The token was revoked', subject);
  if (user !== undefined && user !== subject) {
    return refuse('other-user', 'The user name is not the subject of the token', subject);
  }
  const identity = parts.directory.find(subject);
  if (identity === undefined) {
    return refuse('unknown-subject', 'The directory does not know the subject of the token', subject);
  }
  return ok({
    ...identity,
    proof: { kind: 'token', tokenId: id, expiresAt: instant(expiresAt), signedInAt: instant(issuedAt) },
  });
}

interface Claims {
  readonly subject: string;
  readonly id: string;
  readonly expiresAt: number;
  readonly issuedAt: number;
}

async function claimsOf(parts: VerifyParts, token: Secret): Promise<Result<Claims, TokenRefusal>> {
  const text = token.reveal('its signature is checked');
  if (text.length > longest) return refuse('malformed', 'The token is too long');
  try {
    // SECURITY: the one algorithm is ours to choose, never the token's: no `none`, no HMAC with a public key.
    const { payload } = await jwtVerify(text, parts.publicKey, {
      algorithms: [algorithm],
      issuer: parts.terms.issuer,
      audience: parts.terms.audience,
      currentDate: new Date(parts.world.now()),
      requiredClaims: ['sub', 'jti', 'exp', 'iat'],
      typ: 'JWT',
    });
    const { sub, jti, exp, iat } = payload;
    if (
      typeof sub !== 'string' ||
      sub === '' ||
      typeof jti !== 'string' ||
      typeof exp !== 'number' ||
      typeof iat !== 'number'
    ) {
      return refuse('malformed', 'The token lacks its subject, id or end');
    }
    return ok({ subject: sub, id: jti, expiresAt: exp * 1_000, issuedAt: iat * 1_000 });
  } catch (thrown) {
    return refusalOf(thrown);
  }
}

function refusalOf(thrown: unknown): { readonly ok: false; readonly error: TokenRefusal } {
  if (thrown instanceof errors.JWTExpired) return refuse('expired', 'The token has expired: get a new one');
  if (
    thrown instanceof errors.JWSSignatureVerificationFailed ||
    thrown instanceof errors.JWTClaimValidationFailed ||
    thrown instanceof errors.JOSEAlgNotAllowed
  ) {
    return refuse('foreign', 'The token was not issued by this gateway, or not by this run of the demo');
  }
  if (thrown instanceof errors.JOSEError || thrown instanceof TypeError) {
    return refuse('malformed', 'The password is not a token: get one with `sallyport token`');
  }
  return refuse('unavailable', `The token could not be checked: ${messageOf(thrown)}`);
}

function isRevoked(parts: VerifyParts, id: string): boolean {
  try {
    return parts.revoked(id);
  } catch {
    return true; // a list that cannot be read may name this one
  }
}

function refuse(
  fault: TokenFault,
  why: string,
  subject?: string,
): { readonly ok: false; readonly error: TokenRefusal } {
  return err({ fault, why, ...(subject === undefined ? {} : { subject }) });
}
