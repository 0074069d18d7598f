import { sign, verify } from 'node:crypto';
import { err, ok, type Result } from '../base/result.ts';
import type { Entry } from '../core/entry.ts';
import { parseVerifierKey, type SignerKey, type VerifierKey } from './note.ts';

/**
 * A change of the ledger's key, as its entry says it: the old key signs that the new one follows it, and the new key
 * signs the same, so that nobody can name a key that is not theirs. Heads of at most the size that ends with this entry
 * are signed with the old key, heads of at least that size with the new one.
 */
export interface Rotation {
  readonly from: VerifierKey;
  readonly to: VerifierKey;
}

type RotationEntry = Extract<Entry, { kind: 'key.rotated' }>;

function statement(from: string, to: string): Buffer {
  return Buffer.from(`sallyport key rotation/v1\n${from}\n${to}\n`);
}

/** The fields of the entry that lets `to` follow `from`. */
export function rotationOf(from: SignerKey, to: SignerKey): Omit<RotationEntry, 'kind' | 'at' | 'by'> {
  const said = statement(from.text, to.text);
  return {
    from: from.text,
    to: to.text,
    signature: sign(null, said, from.secret).toString('base64'),
    proof: sign(null, said, to.secret).toString('base64'),
  };
}

/** A change of the key as one line, as gateways show it to their witnesses. */
export function changeLine(fields: Omit<RotationEntry, 'kind' | 'at' | 'by'>): string {
  return [fields.from, fields.to, fields.signature, fields.proof].join(' ');
}

/** Reads such a line. */
export function readChangeLine(line: string): Result<Rotation, string> {
  const [from, to, signature, proof, ...more] = line.split(' ');
  return more.length > 0
    ? err('The change of the key is malformed')
    : readRotation({ from, to, signature, proof });
}

/** Reads the fields of such an entry; both signatures must be good, and both keys be of one ledger. */
export function readRotation(fields: Readonly<Record<string, unknown>>): Result<Rotation, string> {
  const { from, to, signature, proof } = fields;
  if (typeof from !== 'string' || typeof to !== 'string') return err('The change of the key names no keys');
  const [old, young] = [parseVerifierKey(from), parseVerifierKey(to)];
  if (!old.ok || !young.ok) return err('The change of the key names something that is no key');
  if (old.value.name !== young.value.name) return err('The new key is of another ledger');
  const said = statement(from, to);
  if (!isSigned(said, signature, old.value)) return err('The old key did not sign the new one');
  if (!isSigned(said, proof, young.value)) return err('The new key did not sign that it follows the old one');
  return ok({ from: old.value, to: young.value });
}

function isSigned(said: Buffer, signature: unknown, { key }: VerifierKey): boolean {
  return typeof signature === 'string' && verify(null, said, key, Buffer.from(signature, 'base64'));
}
