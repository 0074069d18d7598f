// C2SP signed-note and tlog-checkpoint. A note is a text, an empty line, and signature lines
//   — <key name> <base64 of 4 bytes key id and the signature>
// A checkpoint's text is: origin, size in decimal, root in base64, one a line, and extension lines that we do not write.
import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import { err, ok, type Result } from '../base/result.ts';
import { hashBytes } from './merkle.ts';

/** A key that verifies heads. Written `<name>+<key id, 8 hex digits>+<base64 of 0x01 and the Ed25519 key>`. */
export interface VerifierKey {
  readonly name: string;
  readonly keyId: string;
  readonly key: KeyObject;
  readonly text: string;
}

export interface SignerKey extends VerifierKey {
  readonly secret: KeyObject;
}

export interface Head {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Uint8Array;
}

export interface Note {
  readonly text: string; // with its last newline
  readonly signatures: readonly {
    readonly name: string;
    readonly keyId: string;
    readonly signature: Uint8Array;
  }[];
}

/** What lies in `checkpoint`. */
export interface Checkpoint {
  readonly note: Note;
  readonly head: Head;
}

const ed25519 = 0x01;
const keyName = /^[^\s+\p{C}]+$/u;
/** SubjectPublicKeyInfo of an Ed25519 key up to the key itself (RFC 8410, 4). */
export const spki: Buffer = Buffer.from('302a300506032b6570032100', 'hex');

/** Names an Ed25519 public key; the name is the ledger's origin. */
export function verifierKey(name: string, key: KeyObject): VerifierKey {
  const typed = Buffer.concat([Buffer.of(ed25519), rawKey(key)]);
  const named = Buffer.concat([Buffer.from(`${checkedKeyName(name)}\n`), typed]);
  const keyId = hash('sha256', named, 'hex').slice(0, 8);
  return { name, keyId, key, text: `${name}+${keyId}+${typed.toString('base64')}` };
}

/** The 32 bytes of an Ed25519 public key. */
export function rawKey(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(spki.length);
}

export function checkedKeyName(name: string): string {
  if (!keyName.test(name))
    throw new RangeError('The name of a key must be without spaces, controls and plus signs');
  return name;
}

export function parseVerifierKey(text: string): Result<VerifierKey, string> {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/.exec(text.trim());
  if (match === null)
    return err('Not a verifier key: expected <name>+<8 hex digits>+<base64>, as in ledger/key.pub');
  const [, name = '', keyId = '', base64 = ''] = match;
  const typed = Buffer.from(base64, 'base64');
  if (typed.length !== 33 || typed[0] !== ed25519) return err('Only Ed25519 keys are known');
  try {
    const key = createPublicKey({
      key: Buffer.concat([spki, typed.subarray(1)]),
      format: 'der',
      type: 'spki',
    });
    const made = verifierKey(name, key);
    return made.keyId === keyId && made.text === text.trim()
      ? ok(made)
      : err('The key id does not fit its name and key');
  } catch {
    return err('Not a valid Ed25519 key');
  }
}

/** A signed head as it stands in `checkpoint`. */
export function signHead(head: Head, signer: SignerKey): string {
  const text = `${head.origin}\n${head.size}\n${Buffer.from(head.root).toString('base64')}\n`;
  const signature = sign(null, Buffer.from(text), signer.secret);
  const line = Buffer.concat([Buffer.from(signer.keyId, 'hex'), signature]).toString('base64');
  return `${text}\n— ${signer.name} ${line}\n`;
}

export function parseNote(note: string): Result<Note, string> {
  const at = note.lastIndexOf('\n\n');
  if (at < 0 || !note.endsWith('\n')) return err('Not a signed note');
  // eslint-disable-next-line no-control-regex -- the specification forbids controls other than the newline
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note)) return err('Not a signed note: it has control characters');
  const lines = note.slice(at + 2, -1).split('\n');
  const signatures = [];
  for (const line of lines) {
    const match = /^— (\S+) ([A-Za-z0-9+/]+={0,2})$/.exec(line);
    if (match === null) return err('Not a signed note: a signature line is malformed');
    const bytes = Buffer.from(match[2] ?? '', 'base64');
    if (bytes.length < 5 || bytes.toString('base64') !== match[2])
      return err('Not a signed note: a signature is malformed');
    signatures.push({
      name: match[1] ?? '',
      keyId: bytes.subarray(0, 4).toString('hex'),
      signature: bytes.subarray(4),
    });
  }
  return ok({ text: note.slice(0, at + 1), signatures });
}

/** Whether the note carries a good signature by this key; other keys' signatures (witnesses) do not matter. */
export function signedBy(note: Note, key: VerifierKey): boolean {
  const own = note.signatures.filter((each) => each.name === key.name && each.keyId === key.keyId);
  return own.length > 0 && own.every((each) => verify(null, Buffer.from(note.text), key.key, each.signature));
}

function parseHead(text: string): Result<Head, string> {
  const lines = text.split('\n');
  const [origin = '', size = '', root = ''] = lines;
  if (lines.length < 4 || origin === '') return err('Not a checkpoint: expected origin, size and root');
  if (!/^(0|[1-9]\d{0,19})$/.test(size)) return err('Not a checkpoint: the size is no number');
  const bytes = Buffer.from(root, 'base64');
  if (bytes.length !== hashBytes || bytes.toString('base64') !== root)
    return err('Not a checkpoint: the root is no SHA-256 hash');
  return ok({ origin, size: BigInt(size), root: bytes });
}

/** A signed head; whose signature it is is not checked. */
export function parseCheckpoint(text: string): Result<Checkpoint, string> {
  const note = parseNote(text);
  if (!note.ok) return note;
  const head = parseHead(note.value.text);
  return head.ok ? ok({ note: note.value, head: head.value }) : head;
}
