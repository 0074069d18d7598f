import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { SignJWT } from 'jose';
import { Secret } from '../base/secret.ts';
import { instant, realWorld, type World } from '../base/time.ts';
import type { Subject } from '../core/identity.ts';
import { directory, type Directory, type DirectoryRecord } from './directory.ts';
import { issueToken, verifyToken, type TokenFault, type VerifyParts } from './tokens.ts';

const start = Date.UTC(2026, 0, 1);
const { privateKey: key, publicKey } = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');
const terms = { issuer: 'sallyport', audience: 'sallyport' };

function at(ms: number): World {
  return { ...realWorld, now: () => instant(ms) };
}

function people(
  ...records: readonly (Partial<Omit<DirectoryRecord, 'subject'>> & { readonly subject: string })[]
): Directory {
  const made = directory(
    records.map((record) => ({
      kind: 'human',
      groups: [],
      attributes: {},
      ...record,
      subject: record.subject as Subject,
    })),
  );
  assert.ok(made.ok);
  return made.value;
}

const everybody = people(
  { subject: 'ana', groups: ['analysts'] },
  { subject: 'bot', kind: 'agent', actingFor: 'ana' as Subject },
);

function parts(over: Partial<VerifyParts> = {}): VerifyParts {
  return { terms, world: at(start), publicKey, directory: everybody, revoked: () => false, ...over };
}

async function token(subject: string, ttlMs: number = 60_000): Promise<Secret> {
  return (await issueToken({ terms, world: at(start), key }, subject as Subject, ttlMs)).token;
}

test('verifyToken() gives the identity with the groups of the directory', async () => {
  const now = people({ subject: 'ana', groups: ['dba'] });
  const verified = await verifyToken(parts({ directory: now }), await token('ana'), 'ana');
  assert.ok(verified.ok);
  assert.deepEqual(verified.value.groups, ['dba']);
  assert.equal(verified.value.proof.expiresAt, start + 60_000);
});

test('verifyToken() keeps the delegation chain', async () => {
  const verified = await verifyToken(parts(), await token('bot'));
  assert.ok(verified.ok);
  assert.equal(verified.value.kind, 'agent');
  assert.deepEqual(verified.value.actingFor?.groups, ['analysts']);
});

function raw(header: object, payload: object, signature = ''): Secret {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return new Secret(`${part(header)}.${part(payload)}.${signature}`);
}

const seconds = start / 1_000;
const claims = { sub: 'ana', jti: 'a', iss: 'sallyport', aud: 'sallyport', iat: seconds, exp: seconds + 60 };

async function signed(payload: object, by = key, header = { alg: 'EdDSA', typ: 'JWT' }): Promise<Secret> {
  return new Secret(await new SignJWT({ ...payload }).setProtectedHeader(header).sign(by));
}

test('verifyToken() refuses what is not a live token of this gateway', async (t) => {
  const hmacWithPublicKey = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(
    createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })).export({
      type: 'spki',
      format: 'der',
    }),
  );
  const cases: readonly (readonly [string, TokenFault, Secret, Partial<VerifyParts>?, string?])[] = [
    ['nothing', 'malformed', new Secret('')],
    ['a password', 'malformed', new Secret('hunter2')],
    ['a megabyte', 'malformed', new Secret('a'.repeat(1_000_000))],
    ['alg none', 'foreign', raw({ alg: 'none', typ: 'JWT' }, claims)],
    ['alg HS256 keyed by the public key', 'foreign', new Secret(hmacWithPublicKey)],
    ['a foreign key', 'foreign', await signed(claims, other.privateKey)],
    ['another issuer', 'foreign', await signed({ ...claims, iss: 'elsewhere' })],
    ['another audience', 'foreign', await signed({ ...claims, aud: 'elsewhere' })],
    ['no end', 'foreign', await signed({ ...claims, exp: undefined })],
    ['no id', 'foreign', await signed({ ...claims, jti: undefined })],
    ['no subject', 'foreign', await signed({ ...claims, sub: undefined })],
    ['an id that is no text', 'malformed', await signed({ ...claims, jti: 7 })],
    ['expired by a second', 'expired', await token('ana', 60_000), { world: at(start + 61_000) }],
    ['not yet', 'foreign', await signed({ ...claims, nbf: seconds + 30 })],
    ['revoked', 'revoked', await token('ana'), { revoked: () => true }],
    [
      'a list of the revoked that cannot be read',
      'revoked',
      await token('ana'),
      {
        revoked: () => {
          throw new Error('EIO');
        },
      },
    ],
    ['another user name', 'other-user', await token('ana'), {}, 'bot'],
    ['a user name in other letters', 'other-user', await token('ana'), {}, 'ANA'],
    ['a subject who left', 'unknown-subject', await token('zed')],
    ['a name every object has', 'unknown-subject', await token('__proto__')],
  ];
  for (const [name, fault, presented, over, user] of cases) {
    await t.test(name, async () => {
      const verified = await verifyToken(parts(over), presented, user);
      assert.equal(verified.ok, false);
      assert.equal(verified.ok ? '' : verified.error.fault, fault);
    });
  }
});

test('verifyToken() refuses a token with any byte of its payload changed', async () => {
  const [header = '', payload = '', signature = ''] = (await token('ana')).reveal('test').split('.');
  const changed = Buffer.from(payload, 'base64url');
  for (const [index, byte] of changed.entries()) {
    const copy = Buffer.from(changed);
    copy[index] = byte ^ 1;
    const forged = new Secret(`${header}.${copy.toString('base64url')}.${signature}`);
    assert.equal((await verifyToken(parts(), forged)).ok, false);
  }
});

test('verifyToken() refuses a critical header it does not know', async () => {
  const header = Buffer.from(JSON.stringify({ alg: 'EdDSA', typ: 'JWT', crit: ['x'], x: 1 })).toString(
    'base64url',
  );
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
  const signature = sign(null, Buffer.from(`${header}.${payload}`), key).toString('base64url');
  assert.equal((await verifyToken(parts(), new Secret(`${header}.${payload}.${signature}`))).ok, false);
});

test('a token does not show itself', async () => {
  const issued = await issueToken({ terms, world: at(start), key }, 'ana' as Subject, 1_000);
  assert.equal(JSON.stringify(issued).includes('eyJ'), false);
});
