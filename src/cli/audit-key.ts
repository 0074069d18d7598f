import { parseArgs } from 'node:util';
import { realWorld } from '../base/time.ts';
import { rotateKey as rotate } from '../stores/ledger.ts';
import { type AuditIo, ledgerFolder } from './audit-folder.ts';

/** `sallyport audit rotate-key`. */
export async function rotateKey(args: readonly string[], io: AuditIo): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { data: { type: 'string' }, json: { type: 'boolean' } },
  });
  const directory = values.data;
  if (directory === undefined || ledgerFolder(directory) === directory)
    throw new Error('Say which data folder: --data DIR');
  const rotated = await rotate({
    directory,
    origin: 'sallyport', // an existing ledger keeps its own name
    world: realWorld,
    log: () => undefined,
    metrics: { count: nothing, gauge: nothing, observe: nothing },
  });
  io.out(
    values.json === true
      ? `${JSON.stringify(rotated, undefined, 2)}\n`
      : `Entry ${rotated.index} lets the key\n  ${rotated.to}\nfollow\n  ${rotated.from}\nWho pinned the old key need not change anything: audit verify follows the entry. Witnesses of this ledger must be told the new key.\n`,
  );
  return 0;
}

function nothing(): void {
  // Nobody measures a command.
}
