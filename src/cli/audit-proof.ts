import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  checkProof,
  consistencyProof,
  decodeBundle,
  encodeConsistency,
  encodeInclusion,
  inclusionProof,
  parseCheckpoint,
  type Proven,
  type ReadTile,
  rootAt,
  same,
  tileWidth,
} from '../ledger/index.ts';
import { diskFolder } from '../stores/folder.ts';
import { type AuditIo, keyFrom, ledgerFolder, tilesOf, witnessesFrom } from './audit-folder.ts';
import { safe } from './command.ts';

interface SignedHead {
  readonly text: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly origin: string;
}

/** `sallyport audit prove`: a file that proves something without the ledger. */
export async function prove(args: readonly string[], io: AuditIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      data: { type: 'string' },
      out: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
    },
  });
  const [entry, ...more] = positionals;
  if ((entry === undefined) === (values.from === undefined) || more.length > 0)
    throw new Error(
      'Say which entry to prove (audit prove ENTRY), or which two heads (--from OLD [--to NEW])',
    );
  const ledger = ledgerFolder(values.data);
  const read = tilesOf(diskFolder(ledger));
  const newest = headOf(readFileSync(`${ledger}/checkpoint`, 'utf8'), 'ledger/checkpoint');
  const proof =
    entry === undefined
      ? await consistency({ from: values.from ?? '', to: values.to, newest, read })
      : await inclusion(entry, newest, read);
  if (values.out === undefined) io.out(proof);
  else writeFileSync(values.out, proof);
  return 0;
}

async function inclusion(asked: string, head: SignedHead, read: ReadTile): Promise<string> {
  const index = Number(asked);
  if (!/^\d{1,15}$/.test(asked)) throw new Error('An entry is named by its number, from 0');
  if (index >= head.size)
    throw new Error(
      `The signed head covers ${head.size} entries, numbered from 0: there is no entry ${index} under it`,
    );
  const bundle = Math.floor(index / tileWidth);
  const bytes = await read({ kind: 'entries', index: bundle, width: (index % tileWidth) + 1 });
  const bytesOfEntry = bytes === undefined ? undefined : decodeBundle(bytes)?.[index % tileWidth];
  if (bytesOfEntry === undefined) throw new Error(`Entry ${index} is missing or damaged: run audit verify`);
  const hashes = await inclusionProof(index, head.size, read);
  return encodeInclusion({ index, entry: bytesOfEntry, hashes, checkpoint: head.text });
}

async function consistency(of: {
  readonly from: string;
  readonly to: string | undefined;
  readonly newest: SignedHead;
  readonly read: ReadTile;
}): Promise<string> {
  const { newest, read } = of;
  const young = of.to === undefined || of.to === String(newest.size) ? newest : headIn(of.to, '--to');
  const bySize = /^\d{1,15}$/.test(of.from) && !existsSync(of.from);
  const old = bySize
    ? { size: Number(of.from), root: undefined, text: undefined }
    : headIn(of.from, '--from');
  if (old.size > young.size)
    throw new Error(`The old head covers ${old.size} entries, the new one ${young.size}`);
  if (old.size === 0) throw new Error('Every ledger contains the empty one: there is nothing to prove');
  if (young.size > newest.size)
    throw new Error(`This ledger has ${newest.size} entries, the new head ${young.size}`);
  const [oldRoot, newRoot] = [await rootAt(old.size, read), await rootAt(young.size, read)];
  // A proof that this ledger can give but that does not hold would only mislead.
  if (!same(newRoot, young.root)) throw new Error('The new head is not of this ledger');
  if (old.root !== undefined && !same(oldRoot, old.root))
    throw new Error('The old head is not of this ledger: it was forked');
  return encodeConsistency({
    old: { size: old.size, root: oldRoot, ...(old.text === undefined ? {} : { checkpoint: old.text }) },
    hashes: await consistencyProof(old.size, young.size, read),
    checkpoint: young.text,
  });
}

function headIn(path: string, name: string): SignedHead {
  if (!existsSync(path))
    throw new Error(
      `${name}: expected a file with a signed head${/^\d+$/.test(path) && name === '--to' ? ': a size alone is signed by nobody, except the newest' : ''}`,
    );
  return headOf(readFileSync(path, 'utf8'), path);
}

function headOf(text: string, where: string): SignedHead {
  const checkpoint = parseCheckpoint(text);
  if (!checkpoint.ok) throw new Error(`${where}: ${checkpoint.error}`);
  const { origin, size, root } = checkpoint.value.head;
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error(`${where}: the size is beyond all reason`);
  return { text, size: Number(size), root, origin };
}

/** `sallyport audit check-proof`: 0 it holds, 1 it does not. */
export async function checkProofFile(args: readonly string[], io: AuditIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      key: { type: 'string' },
      witness: { type: 'string', multiple: true },
      entry: { type: 'string' },
      json: { type: 'boolean' },
    },
  });
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0)
    throw new Error('Say which proof to check: audit check-proof FILE');
  if (values.key === undefined) throw new Error('Say whose ledger it must be: --key KEY|FILE');
  const keys = {
    key: keyFrom(values.key),
    witnesses: witnessesFrom(values.witness),
    ...(values.entry === undefined ? {} : { entry: readFileSync(values.entry) }),
  };
  const proven = checkProof(readFileSync(file, 'utf8'), keys);
  if (values.json === true) {
    const answer = proven.ok ? { holds: true, ...proven.value } : { holds: false, why: proven.error };
    io.out(`${JSON.stringify(answer, undefined, 2)}\n`);
  } else io.out(safe(proven.ok ? told(proven.value) : `The proof DOES NOT HOLD: ${proven.error}\n`));
  return Promise.resolve(proven.ok ? 0 : 1);
}

function told(proven: Proven): string {
  const by = proven.cosignatures.map(
    ({ name, at }) => `cosigned   ${name} at ${new Date(at * 1_000).toISOString()}\n`,
  );
  const head = `ledger     ${proven.origin}\nhead       ${proven.size} entries, root ${proven.root}\nsigner     ${proven.signer}\n${by.join('')}`;
  if (proven.kind === 'inclusion')
    return `Entry ${proven.index} is in the ledger that this head signs.\n\n${head}entry      ${proven.entry}\n`;
  const { size, root, signed } = proven.old;
  const whose = signed
    ? 'signed with the same key'
    : 'not signed in this proof: compare it with what you hold';
  return `The ledger of ${proven.size} entries contains the older one of ${size}.\n\n${head}older      ${size} entries, root ${root}: ${whose}\n`;
}
