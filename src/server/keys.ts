import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../base/errors.ts';

export interface TokenKeys {
  readonly key: KeyObject;
  readonly publicKey: KeyObject;
}

/** A key that lives as long as this process: its tokens end with it. */
export function passingKeys(): TokenKeys {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { key: privateKey, publicKey };
}

/** The key under `home` that signs this gateway's tokens; made at the first use, readable by its owner only. */
export function tokenKeys(home: string): TokenKeys {
  const folder = join(home, 'keys');
  const file = join(folder, 'token.pem');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    const { privateKey } = generateKeyPairSync('ed25519');
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { flag: 'wx', mode: 0o600 });
  } catch (thrown) {
    if (!hasCode(thrown, 'EEXIST')) throw new Fault('config', `Cannot write ${file}`, { cause: thrown });
  }
  try {
    const key = createPrivateKey(readFileSync(file));
    if (key.asymmetricKeyType !== 'ed25519') throw new Fault('config', `${file} is not an Ed25519 key`);
    return { key, publicKey: createPublicKey(key) };
  } catch (cause) {
    throw cause instanceof Fault ? cause : new Fault('config', `Cannot read the key ${file}`, { cause });
  }
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

export function revokedFile(home: string): string {
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
