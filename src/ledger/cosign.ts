// C2SP tlog-cosignature, Ed25519 (`cosignature/v1`): a witness says that at some time the head was the newest it had
// seen of this ledger, and consistent with all before it. Signature line of a note:
//   — <name> <base64 of 4 bytes key id, 8 bytes seconds since 1970, 64 bytes signature>
import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import { err, ok, type Result } from '../base/result.ts';
import { checkedKeyName, type Note, rawKey, spki } from './note.ts';

/** A key that verifies cosignatures; as text `<name>+<key id>+<base64 of 0x04 and the Ed25519 key>`. */
export interface WitnessKey {
  readonly name: string;
  readonly keyId: string;
  readonly key: KeyObject;
  readonly text: string;
}

export interface Cosigner extends WitnessKey {
  readonly secret: KeyObject;
}

const cosignature = 0x04;
const signatureBytes = 64;

export function witnessKey(name: string, key: KeyObject): WitnessKey {
  const typed = Buffer.concat([Buffer.of(cosignature), rawKey(key)]);
  const keyId = hash('sha256', Buffer.concat([Buffer.from(`${checkedKeyName(name)}\n`), typed]), 'hex');
  return {
    name,
    keyId: keyId.slice(0, 8),
    key,
    text: `${name}+${keyId.slice(0, 8)}+${typed.toString('base64')}`,
  };
}

export function parseWitnessKey(text: string): Result<WitnessKey, string> {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/.exec(text.trim());
  if (match === null) return err('Not the key of a witness: expected <name>+<8 hex digits>+<base64>');
  const typed = Buffer.from(match[3] ?? '', 'base64');
  if (typed.length !== 33 || typed[0] !== cosignature)
    return err('Not the key of a witness: only cosignature/v1 with Ed25519 (type 0x04) is known');
  try {
    const der = Buffer.concat([spki, typed.subarray(1)]);
    const made = witnessKey(match[1] ?? '', createPublicKey({ key: der, format: 'der', type: 'spki' }));
    return made.text === text.trim() ? ok(made) : err('The key id does not fit its name and key');
  } catch {
    return err('Not a valid Ed25519 key');
  }
}

function message(text: string, seconds: bigint): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`);
}

/** The signature line over a checkpoint's text (with its last newline), with a newline at its end. */
export function cosign(text: string, cosigner: Cosigner, seconds: number): string {
  const head = Buffer.alloc(12);
  head.write(cosigner.keyId, 'hex');
  head.writeBigUInt64BE(BigInt(seconds), 4);
  const signature = sign(null, message(text, BigInt(seconds)), cosigner.secret);
  return `— ${cosigner.name} ${Buffer.concat([head, signature]).toString('base64')}\n`;
}

/** When this witness cosigned the note, in seconds since 1970; `undefined` when it did not, or any of its lines is bad. */
export function cosignedAt(note: Note, witness: WitnessKey): number | undefined {
  const own = note.signatures.filter(({ name, keyId }) => name === witness.name && keyId === witness.keyId);
  let latest: number | undefined;
  for (const { signature } of own) {
    if (signature.length !== 8 + signatureBytes) return undefined;
    const seconds = Buffer.from(signature).readBigUInt64BE();
    if (seconds > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
    if (!verify(null, message(note.text, seconds), witness.key, signature.subarray(8))) return undefined;
    latest = Math.max(latest ?? 0, Number(seconds));
  }
  return latest;
}
