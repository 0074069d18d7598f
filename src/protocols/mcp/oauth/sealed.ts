import { createCipheriv, createDecipheriv, hash, hkdfSync } from 'node:crypto';
import { isObject } from '../../../base/check.ts';
import { Fault } from '../../../base/errors.ts';
import type { Secret } from '../../../base/secret.ts';
import type { House } from '../../../core/protocol.ts';

/** What the gateway has been given to sign in with, for one server: a JSON text, sealed where it lies on disk. */
export interface Vault {
  readonly get: () => string | undefined;
  readonly set: (text: string) => void;
}

const ivBytes = 12;
const tagBytes = 16;

/**
 * AES-256-GCM under a key of the gateway's own secret, bound to the name it is kept under: what is moved to another name opens no
 * more. Both throw a Fault `config` where it cannot be opened or kept.
 */
export function vault(
  kept: NonNullable<House['kept']>,
  secret: Secret,
  world: House['world'],
  name: string,
): Vault {
  const key = Buffer.from(
    hkdfSync('sha256', secret.reveal('seal of tokens'), '', 'sallyport mcp oauth 1', 32),
  );
  const about = Buffer.from(name);
  return {
    get: () => {
      const text = kept.get(name);
      if (text === undefined) return undefined;
      try {
        const read = JSON.parse(text) as unknown;
        const bytes = Buffer.from(isObject(read) ? String(read['sealed']) : '', 'base64');
        const open = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes));
        open.setAAD(about);
        open.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
        return Buffer.concat([open.update(bytes.subarray(ivBytes + tagBytes)), open.final()]).toString(
          'utf8',
        );
      } catch (cause) {
        throw new Fault('config', `The tokens kept as ${name} cannot be opened`, { cause });
      }
    },
    set: (text) => {
      const iv = Buffer.from(world.random(ivBytes));
      const seal = createCipheriv('aes-256-gcm', key, iv);
      seal.setAAD(about);
      const data = Buffer.concat([seal.update(text, 'utf8'), seal.final()]);
      kept.set(
        name,
        JSON.stringify({ sealed: Buffer.concat([iv, seal.getAuthTag(), data]).toString('base64') }),
      );
    },
  };
}

/** The name under which the tokens for a server are kept; names of people are not for file systems. */
export function vaultName(resource: string, server: string, person?: string): string {
  const whose = person === undefined ? '' : `-${hash('sha256', person, 'hex')}`;
  return `oauth-${resource}-${server === '' ? 'it' : server}${whose}`;
}
