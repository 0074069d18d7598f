import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { realWorld } from '../base/time.ts';
import { openLedger } from '../stores/ledger.ts';
import type { Rotated } from '../stores/rotate.ts';
import { ask } from './api.ts';
import { type AuditIo, ledgerFolder } from './audit-folder.ts';
import { CouldNotRun, safe } from './command.ts';

/** `sallyport audit rotate-key`: asks the gateway that runs; with `--data`, changes the key of one that does not. */
export async function rotateKey(args: readonly string[], io: AuditIo): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { data: { type: 'string' }, json: { type: 'boolean' } },
  });
  let rotated: Rotated;
  if (values.data === undefined) {
    const asked = await ask('/api/v1/ledger/rotate-key', {});
    if (!asked.ok) {
      io.err(`${asked.refusal}\n`);
      return 1;
    }
    rotated = asked.answer as Rotated; // the API's own schema
  } else {
    rotated = await ofStopped(values.data);
  }
  io.out(
    values.json === true
      ? `${JSON.stringify(rotated, undefined, 2)}\n`
      : `Entry ${rotated.index} lets the key\n  ${safe(rotated.to)}\nfollow\n  ${safe(rotated.from)}\nWho pinned the old key need not change anything: audit verify follows the entry, and so do witnesses that are gateways. Other witnesses must be told the new key.\n`,
  );
  return 0;
}

async function ofStopped(directory: string): Promise<Rotated> {
  if (!existsSync(directory) || ledgerFolder(directory) === directory)
    throw new CouldNotRun('Say which data folder: --data DIR. Without it, the gateway that runs is asked');
  const ledger = await openLedger({
    directory,
    origin: 'sallyport', // an existing ledger keeps its own name
    world: realWorld,
    log: () => undefined,
    metrics: { count: nothing, gauge: nothing, observe: nothing },
  }).catch((thrown: unknown) => {
    const isTaken = thrown instanceof Error && thrown.message.startsWith('Another process uses');
    throw isTaken
      ? new CouldNotRun(
          'A gateway runs on this data folder: leave out --data, and it changes its key while it goes on',
        )
      : thrown;
  });
  try {
    return await ledger.rotate();
  } finally {
    await ledger.close();
  }
}

function nothing(): void {
  // Nobody measures a command.
}
