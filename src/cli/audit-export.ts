import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  decodeBundle,
  decodeEnvelope,
  leafHash,
  openEnvelope,
  parseVerifierKey,
  tilePath,
  tileWidth,
} from '../ledger/index.ts';
import { diskFolder } from '../stores/folder.ts';
import { keysOfSessions } from '../stores/keys.ts';
import { type AuditIo, ledgerFolder } from './audit-folder.ts';

/** `sallyport audit export`: entries as JSON Lines. */
export async function exportEntries(args: readonly string[], io: AuditIo): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      clear: { type: 'boolean' },
      json: { type: 'boolean' },
    },
  });
  const path = ledgerFolder(values.data);
  const folder = diskFolder(path);
  const [from, to] = [whole(values.from, 0, '--from'), whole(values.to, Number.MAX_SAFE_INTEGER, '--to')];
  const told = values.clear === true ? await opening(path, values.data ?? '') : sealed;
  const { files } = await folder.list();
  const present = new Set(files);
  for (let bundle = Math.floor(from / tileWidth); bundle * tileWidth < to; bundle++) {
    const tile = widest(present, bundle);
    if (tile === undefined) break;
    const entries = decodeBundle((await folder.read(tile, 2 ** 25)) ?? new Uint8Array());
    if (entries === undefined) throw new Error(`${tile} is damaged: run audit verify`);
    for (const [at, entry] of entries.entries()) {
      const index = bundle * tileWidth + at;
      if (index < from || index >= to) continue;
      const leaf = Buffer.from(leafHash(entry)).toString('base64');
      io.out(`{"index":${index},"leaf":"${leaf}",${told(entry, index)}}\n`);
    }
  }
  return 0;
}

function sealed(entry: Uint8Array): string {
  return `"entry":${Buffer.from(entry).toString()}`;
}

/** Opens personal parts with the keys in `keys/`; `seal` says of each entry whether there was one and could be opened. */
async function opening(ledger: string, data: string): Promise<(entry: Uint8Array, index: number) => string> {
  if (!existsSync(`${data}/keys/master.key`))
    throw new Error(
      `--clear: ${data}/keys/master.key is not there: who has no keys cannot read what is sealed`,
    );
  const text = await diskFolder(ledger).read('key.pub', 65_536);
  const key = parseVerifierKey(Buffer.from(text ?? new Uint8Array()).toString());
  if (!key.ok) throw new Error(`ledger/key.pub: ${key.error}`);
  const keys = keysOfSessions(data);
  return (bytes, index) => {
    const envelope = decodeEnvelope(bytes);
    if (!envelope.ok) throw new Error(`Entry ${index} cannot be read: ${envelope.error}; run audit verify`);
    const { entry, seal, cut } = openEnvelope(envelope.value, key.value.name, (id, owner) =>
      keys.find(id, owner),
    );
    const more = cut === undefined ? '' : `,"cut":${JSON.stringify(cut)}`;
    return `"seal":"${seal}","entry":${JSON.stringify(entry)}${more}`;
  };
}

function widest(present: ReadonlySet<string>, index: number): string | undefined {
  for (let width = tileWidth; width >= 1; width--) {
    const path = tilePath({ kind: 'entries', index, width });
    if (present.has(path)) return path;
  }
  return undefined;
}

function whole(text: string | undefined, otherwise: number, name: string): number {
  if (text === undefined) return otherwise;
  if (!/^\d{1,15}$/.test(text)) throw new Error(`${name}: expected a whole number`);
  return Number(text);
}
