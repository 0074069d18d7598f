import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { isObject } from '../base/check.ts';
import { Fault } from '../base/errors.ts';
import { err, ok, type Result } from '../base/result.ts';

// DSSE v1 (secure-systems-lab/dsse): an envelope signs the type of what is in it together with its bytes.

export interface Envelope {
  readonly payloadType: string;
  readonly payload: string; // base64
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

/** What the signature is over: PAE(type, body) = "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body. */
function preAuthentication(type: string, body: Uint8Array): Uint8Array {
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${body.length} `),
    Buffer.from(body),
  ]);
}

/** Signs with an Ed25519 key. */
export function seal(payloadType: string, body: Uint8Array, key: KeyObject): Envelope {
  const sig = sign(null, preAuthentication(payloadType, body), key).toString('base64');
  return {
    payloadType,
    payload: Buffer.from(body).toString('base64'),
    signatures: [{ keyid: keyId(createPublicKey(key)), sig }],
  };
}

/** The body, when one of the keys has signed exactly it, as exactly this type; otherwise why not. */
export function open(
  raw: unknown,
  payloadType: string,
  keys: readonly KeyObject[],
): Result<Uint8Array, string> {
  if (!isObject(raw) || !Array.isArray(raw['signatures']) || typeof raw['payload'] !== 'string') {
    return err('It is no signed envelope');
  }
  if (raw['payloadType'] !== payloadType) return err('The envelope holds something else');
  const body = strictBase64(raw['payload']);
  if (body === undefined) return err('The payload is not base64');
  const signed = preAuthentication(payloadType, body);
  for (const each of raw['signatures'] as readonly unknown[]) {
    const sig = isObject(each) && typeof each['sig'] === 'string' ? strictBase64(each['sig']) : undefined;
    if (sig === undefined) continue;
    // SECURITY: the id of a key is a hint by whoever made the envelope; every key that is trusted is tried.
    if (keys.some((key) => verify(null, signed, key, sig))) return ok(body);
  }
  return err('No key that is trusted here has signed it');
}

/** Exactly one text stands for some bytes: a changed text is a changed envelope. */
function strictBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/** SHA-256 of the public key (SPKI), hex. */
export function keyId(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

/** @throws {Fault} `config` when it is no Ed25519 key in PEM. */
export function privateKeyFrom(pem: string): KeyObject {
  return ed25519(() => createPrivateKey(pem), 'private');
}

/** Of a private key the public one. @throws {Fault} `config` when it is no Ed25519 key in PEM. */
export function publicKeyFrom(pem: string): KeyObject {
  return ed25519(() => createPublicKey(pem), 'public');
}

function ed25519(read: () => KeyObject, what: string): KeyObject {
  let key: KeyObject;
  try {
    key = read();
  } catch (cause) {
    throw new Fault('config', `Expected a ${what} key in PEM`, { cause });
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new Fault('config', `Expected an Ed25519 ${what} key`);
  return key;
}
