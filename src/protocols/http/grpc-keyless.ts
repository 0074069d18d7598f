import { costs } from '../../carriers/http/costs.ts';
import type { Holding } from '../../core/held.ts';
import { base64Bytes } from '../../http/base64.ts';
import { decodeMessage, encodeMessage, framed, prefixBytes } from '../../http/grpc.ts';
import type { Fields } from '../../http/headers.ts';
import { type Key, keysOf, starred, withoutKey } from '../../http/key-scan.ts';
import type { Credential } from '../../http/upstream.ts';
import { expanded } from './grpc-mask.ts';

// SECURITY: services repeat what they were signed in to with, in messages, in what they say of errors and in metadata of bytes.

/** Metadata with stars for the credential of the gateway: texts, `grpc-message` behind its encoding, and bytes behind Base64. */
export function keylessMetadata(fields: Fields, credential: Credential | undefined): Fields {
  if (keysOf(credential).length === 0) return fields;
  return fields.map(([name, value]) => {
    if (name.endsWith('-bin')) return [name, keylessBytes(value, credential)];
    if (name !== 'grpc-message') return [name, withoutKey(value, credential)];
    const message = decodeMessage(value);
    const shown = withoutKey(message, credential);
    return [name, shown === message ? value : encodeMessage(shown)];
  });
}

function keylessBytes(value: string, credential: Credential | undefined): string {
  const keys = keysOf(credential);
  let isChanged = false;
  const all = value.split(',').map((each) => {
    const bytes = base64Bytes(each.trim());
    if (bytes === undefined) return withoutKey(each, credential);
    const shown = starred(bytes, keys);
    if (Buffer.compare(bytes, shown) === 0) return each;
    isChanged = true;
    return Buffer.from(shown).toString('base64').replace(/=+$/, '');
  });
  return isChanged ? all.join(',') : withoutKey(value, credential);
}

/** A message with its prefix, with stars for the keys: behind its compression too. Rejects with a Fault `mask` where that cannot be undone. */
export async function keylessMessage(
  message: Uint8Array,
  {
    encoding,
    keys,
    most,
    held,
  }: {
    readonly encoding: string | undefined;
    readonly keys: readonly Key[];
    readonly most: number;
    readonly held: Holding;
  },
): Promise<Uint8Array> {
  if (keys.length === 0) return message;
  if (message[0] !== 1) return starred(message, keys);
  const bytes = message.subarray(prefixBytes);
  using level = held.level(costs.answer.each);
  const plain = await expanded({ compressed: true, bytes, raw: message }, encoding, { most, level });
  const shown = starred(plain, keys);
  return Buffer.compare(plain, shown) === 0 ? message : framed(shown);
}
