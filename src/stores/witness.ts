/**
 * C2SP tlog-witness, both sides: a gateway cosigns the heads of others whose keys it knows, and asks others for theirs.
 * What it saw last of each ledger is on disk before it signs: it never signs two stories.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, hash } from 'node:crypto';
import type { World } from '../base/time.ts';
import {
  cosign,
  cosignedAt,
  type Cosigner,
  type Checkpoint,
  type Head,
  hashesOf,
  lines,
  parseCheckpoint,
  parseNote,
  readChangeLine,
  same,
  signedBy,
  type VerifierKey,
  verifyConsistency,
  type WitnessKey,
  witnessKey,
} from '../ledger/index.ts';
import { Fault, messageOf } from '../base/errors.ts';
import type { Files } from './files.ts';

export interface WitnessAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

export interface Witness {
  readonly key: WitnessKey;
  /** Answers one `add-checkpoint`. Never waits: two requests cannot come between check and persisting. */
  readonly add: (body: string) => WitnessAnswer;
  /**
   * Answers one `add-key`, which tlog-witness does not have: a line that lets a new key follow one that is known here. From
   * then on only the new one signs heads of this ledger.
   */
  readonly follow: (body: string) => WitnessAnswer;
}

export interface WitnessParts {
  readonly files: Files;
  /** Its key and what it saw last. */
  readonly folder: string;
  readonly name: string;
  /** The ledgers that it watches; several keys of one ledger while its key changes. */
  readonly of: readonly VerifierKey[];
  readonly world: World;
}

export function openWitness(parts: WitnessParts): Witness {
  const key = cosigner(parts);
  return {
    key,
    add: (body) => {
      const answer = judge(parts, key, body);
      return typeof answer === 'string'
        ? { status: 200, type: 'text/plain; charset=utf-8', text: answer }
        : answer;
    },
    follow: (body) => follow(parts, body),
  };
}

/** The keys that sign for a ledger: those that were named, each in place of what it was let to follow. */
function keysOf({ files, folder, of }: WitnessParts, origin: string): readonly VerifierKey[] {
  const path = `${fileOf(folder, origin)}.keys`;
  let keys = of.filter(({ name }) => name === origin);
  for (const line of files.exists(path) ? files.read(path).toString().split('\n').slice(0, -1) : []) {
    const change = readChangeLine(line);
    if (!change.ok) throw new Fault('ledger', `The keys that this witness follows cannot be read: ${path}`);
    const { from, to } = change.value;
    if (keys.some(({ text }) => text === from.text))
      keys = [...keys.filter(({ text }) => text !== from.text && text !== to.text), to];
  }
  return keys;
}

function fileOf(folder: string, origin: string): string {
  return `${folder}/${hash('sha256', origin, 'hex').slice(0, 32)}`;
}

function follow(parts: WitnessParts, body: string): WitnessAnswer {
  const line = /^([^\n]{1,2000})\n$/.exec(body)?.[1] ?? '';
  const change = readChangeLine(line);
  if (!change.ok) return refusal(line === '' ? 400 : 422, change.error);
  const { from, to } = change.value;
  const keys = keysOf(parts, from.name);
  if (keys.length === 0) return refusal(404, 'This ledger is not known here');
  if (keys.some(({ text }) => text === to.text)) return refusal(200, 'It is followed');
  if (!keys.some(({ text }) => text === from.text)) return refusal(403, 'The old key is not known here');
  const path = `${fileOf(parts.folder, from.name)}.keys`;
  const kept = parts.files.exists(path) ? parts.files.read(path).toString() : '';
  replace(parts.files, path, `${kept}${line}\n`);
  return refusal(200, 'It is followed');
}

function cosigner({ files, folder, name }: WitnessParts): Cosigner {
  files.makeFolder(folder);
  const path = `${folder}/witness.key`;
  if (!files.exists(path)) {
    const made = generateKeyPairSync('ed25519')
      .privateKey.export({ format: 'pem', type: 'pkcs8' })
      .toString();
    replace(files, path, made);
  }
  const secret = createPrivateKey(files.read(path).toString());
  return { ...witnessKey(name, createPublicKey(secret)), secret };
}

/** tlog-witness, add-checkpoint: the checks in the order of the specification. */
function judge(parts: WitnessParts, key: Cosigner, body: string): string | WitnessAnswer {
  const asked = readRequest(body);
  if (asked === undefined)
    return refusal(400, 'Expected an old size, a proof, an empty line and a checkpoint');
  const { old, proof, head, note, text } = asked;
  const keys = keysOf(parts, head.origin);
  if (keys.length === 0) return refusal(404, 'This ledger is not known here');
  if (!keys.some((each) => signedBy(note, each)))
    return refusal(403, 'The checkpoint is not signed by a known key');
  if (old > head.size) return refusal(400, 'The old size is larger than the checkpoint');
  const path = `${fileOf(parts.folder, head.origin)}.note`;
  const last = lastSeen(parts.files, path);
  const conflict = { status: 409, type: 'text/x.tlog.size', text: `${last?.size ?? 0n}\n` };
  if (old !== (last?.size ?? 0n)) return conflict;
  if (last !== undefined && last.size === head.size && !same(last.root, head.root)) return conflict;
  const holds =
    last === undefined || last.size === 0n
      ? proof.length === 0
      : verifyConsistency({
          first: last.size,
          second: head.size,
          firstRoot: last.root,
          secondRoot: head.root,
          proof,
        });
  if (!holds) return refusal(422, 'The consistency proof does not hold');
  replace(parts.files, path, text);
  return cosign(note.text, key, Math.floor(parts.world.now() / 1_000));
}

function refusal(status: number, text: string): WitnessAnswer {
  return { status, type: 'text/plain; charset=utf-8', text: `${text}\n` };
}

function lastSeen(files: Files, path: string): Head | undefined {
  if (!files.exists(path)) return undefined;
  const checkpoint = parseCheckpoint(files.read(path).toString());
  if (!checkpoint.ok) throw new Fault('ledger', `What this witness saw last cannot be read: ${path}`);
  return checkpoint.value.head;
}

function replace(files: Files, path: string, text: string): void {
  files.create(`${path}.new`, Buffer.from(text), 0o600);
  files.rename(`${path}.new`, path);
  files.syncFolder(path.slice(0, path.lastIndexOf('/')));
}

interface Asked extends Checkpoint {
  readonly old: bigint;
  readonly proof: readonly Uint8Array[];
  readonly text: string;
}

function readRequest(body: string): Asked | undefined {
  const at = body.indexOf('\n\n');
  const [first = '', ...rest] = body.slice(0, Math.max(0, at)).split('\n');
  const old = /^old (0|[1-9]\d{0,18})$/.exec(first)?.[1];
  const proof = rest.length > 63 ? undefined : hashesOf(rest);
  const text = body.slice(at + 2);
  const checkpoint = parseCheckpoint(text);
  if (old === undefined || proof === undefined || !checkpoint.ok) return undefined;
  return { old: BigInt(old), proof, text, ...checkpoint.value };
}

export interface WitnessSettings {
  /** Submission prefix: `/add-checkpoint` is appended. */
  readonly url: string;
  readonly key: WitnessKey;
}

const requestMs = 15_000;

/** What an answer of tlog-witness means to who asks. */
const whys: Readonly<Record<number, string>> = {
  403: ', it does not know the key that signs this ledger (tell it the key, or put the old one back)',
  404: ', it does not know this ledger (name it in `ledger.cosigns` there)',
  422: ', what it saw of this ledger is not the beginning of what there is now: this one was forked',
};

/**
 * Asks a witness for its cosignature on a head; gives the signature line. `proveFrom` makes a consistency proof from an
 * older size; `known` is what the witness is thought to have seen last.
 */
export async function askWitness(
  { url, key }: WitnessSettings,
  head: {
    readonly note: string;
    readonly size: number;
    readonly known: number;
    /** Changes of the ledger's key, oldest first: shown to a witness that does not know the key of now. */
    readonly changes?: readonly string[];
  },
  proveFrom: (size: number) => Promise<readonly Uint8Array[]>,
): Promise<string> {
  let known = Math.min(head.known, head.size);
  for (let attempt = 0; attempt < 3; attempt++) {
    const proof = known === 0 || known === head.size ? [] : await proveFrom(known);
    const post = (what: string, body: string): Promise<Response> =>
      fetch(`${url.replace(/\/+$/, '')}/${what}`, {
        method: 'POST',
        body,
        redirect: 'error',
        signal: AbortSignal.timeout(requestMs),
      }).catch((thrown: unknown) => {
        throw new Fault('ledger', `Cannot reach the witness ${key.name}: ${causeOf(thrown)}`);
      });
    const answer = await post('add-checkpoint', `old ${known}\n${lines(proof)}\n${head.note}`);
    const text = (await answer.text()).slice(0, 65_536);
    if (answer.status === 403 && attempt === 0) {
      for (const line of head.changes ?? []) await (await post('add-key', `${line}\n`)).text();
      continue;
    }
    if (answer.ok) return lineOf(text, head.note, key);
    const size = answer.status === 409 ? /^(0|[1-9]\d{0,15})\n?$/.exec(text)?.[1] : undefined;
    if (size === undefined)
      throw new Fault(
        'ledger',
        `The witness ${key.name} refused the head: ${answer.status}${whys[answer.status] ?? ''}`,
      );
    if (Number(size) > head.size)
      throw new Fault(
        'ledger',
        `The witness ${key.name} has seen ${size} entries of this ledger, which now has ${head.size}: it was rolled back, or its tail was cut off`,
      );
    if (Number(size) === known)
      throw new Fault(
        'ledger',
        `The witness ${key.name} has seen another ledger of ${size} entries: this one was forked`,
      );
    known = Number(size);
  }
  throw new Fault(
    'ledger',
    `The witness ${key.name} does not come to rest: is another gateway on this ledger?`,
  );
}

function lineOf(text: string, note: string, key: WitnessKey): string {
  const read = parseNote(`${note}${text.endsWith('\n') ? text : `${text}\n`}`);
  const isGood = read.ok && cosignedAt(read.value, key) !== undefined;
  const line = text.split('\n').find((each) => each.startsWith(`— ${key.name} `));
  if (!isGood || line === undefined)
    throw new Fault('ledger', `The witness ${key.name} answered without a good cosignature`);
  return `${line}\n`;
}

function causeOf(thrown: unknown): string {
  const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : messageOf(cause);
}
