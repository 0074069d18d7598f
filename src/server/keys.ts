import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Fault } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { TokenTerms } from '../identity/tokens.ts';

export interface TokenKeys {
  readonly key: KeyObject;
  readonly publicKey: KeyObject;
}

/** What tokens of the gateway with this name say of it. */
export function tokenTerms({ name }: { readonly name: string }): TokenTerms {
  return { issuer: name, audience: name };
}

/** A key that lives as long as this process: its tokens end with it. */
export function passingKeys(): TokenKeys {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { key: privateKey, publicKey };
}

/** The key under `home` that signs this gateway's tokens; made at the first use, readable by its owner only. */
export function tokenKeys(home: string): TokenKeys {
  const file = join(home, 'keys', 'token.pem');
  const text = kept(file, () =>
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  );
  try {
    const key = createPrivateKey(text);
    if (key.asymmetricKeyType !== 'ed25519') throw new Fault('config', `${file} is not an Ed25519 key`);
    return { key, publicKey: createPublicKey(key) };
  } catch (cause) {
    throw cause instanceof Fault ? cause : new Fault('config', `Cannot read the key ${file}`, { cause });
  }
}

/** 32 bytes in hex: what hashes of masked values are keyed with, so that they join over time and cannot be guessed. */
export function maskKey(home: string): Secret {
  return maskKeys(home).current;
}

/** The first line of the file is the key in use; those below it were, the newest first, and only undo tokens any more. */
export function maskKeys(home: string): { readonly current: Secret; readonly earlier: readonly Secret[] } {
  const file = join(home, 'keys', 'mask.key');
  const lines = kept(file, () => randomBytes(32).toString('hex'))
    .trim()
    .split(/\r?\n/);
  if (!lines.every((line) => /^[0-9a-f]{64}$/.test(line)) || lines.length > mostMaskKeys)
    throw new Fault(
      'config',
      `${file} is not a key: expected 64 hex digits, and at most ${mostMaskKeys - 1} more lines of them for earlier keys`,
    );
  const [current = '', ...earlier] = lines;
  return { current: new Secret(current), earlier: earlier.map((line) => new Secret(line)) };
}

const mostMaskKeys = 10;

/** 32 bytes in hex: what results of tickets are sealed with. */
export function resultKey(home: string): Secret {
  const file = join(home, 'keys', 'results.key');
  const text = kept(file, () => randomBytes(32).toString('hex')).trim();
  if (!/^[0-9a-f]{64}$/.test(text)) throw new Fault('config', `${file} is not a key: expected 64 hex digits`);
  return new Secret(text);
}

/** What stands in a file for its owner only; made at the first use. */
function kept(file: string, make: () => string): string {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(file, make(), { flag: 'wx', mode: 0o600 });
  } catch (thrown) {
    if (!hasCode(thrown, 'EEXIST')) throw new Fault('config', `Cannot write ${file}`, { cause: thrown });
  }
  return readFileSync(file, 'utf8');
}

/** The ids of withdrawn tokens, one a line in `keys/revoked`; read again when the file has changed. */
export function revokedTokens(home: string): (tokenId: string) => boolean {
  const file = revokedFile(home);
  let seen = { mtimeMs: 0, size: 0 };
  let ids: ReadonlySet<string> = new Set();
  return (tokenId) => {
    const now = statOf(file);
    if (now.mtimeMs !== seen.mtimeMs || now.size !== seen.size) {
      ids = new Set(now.size === 0 ? [] : readFileSync(file, 'utf8').split('\n'));
      seen = now;
    }
    return ids.has(tokenId);
  };
}

/** Withdraws a token for ever, for every gateway that uses this home. */
export function revokeToken(home: string, tokenId: string): void {
  const file = revokedFile(home);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  appendFileSync(file, `${tokenId}\n`, { mode: 0o600 });
}

function revokedFile(home: string): string {
  return join(home, 'keys', 'revoked');
}

function statOf(file: string): { readonly mtimeMs: number; readonly size: number } {
  try {
    const { mtimeMs, size } = statSync(file);
    return { mtimeMs, size };
  } catch (thrown) {
    if (hasCode(thrown, 'ENOENT')) return { mtimeMs: 0, size: 0 };
    throw thrown; // SECURITY: a list that cannot be read may name this token; the caller refuses
  }
}

function hasCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code;
}
