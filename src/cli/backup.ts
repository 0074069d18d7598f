import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { realWorld } from '../base/time.ts';
import { environment } from '../server/environment.ts';
import { backup as backUp, type BackedUp, restore as putBack } from '../stores/backup.ts';
import { type Command, CouldNotRun, print } from './command.ts';

export const backup: Command = {
  help: `Usage: sallyport backup --to DIR [--home DIR] [--json]

Copies the state of a gateway to a new folder while it runs: ledger, recordings, keys, reviews, indexes. The home is
SALLYPORT_HOME unless --home names another. The copy holds the keys: keep it as you keep the original. It is verified
before it appears.
`,
  run: async (args) => {
    const { values } = parseArgs({
      args: [...args],
      options: { to: { type: 'string' }, home: { type: 'string' }, json: { type: 'boolean' } },
    });
    if (values.to === undefined) throw new CouldNotRun('Say where to: --to DIR');
    const home = values.home === undefined ? environment().home : resolve(values.home);
    tell(
      await backUp(home, resolve(values.to), realWorld),
      values.json === true,
      `Backed up to ${values.to}`,
    );
    return 0;
  },
};

export const restore: Command = {
  help: `Usage: sallyport restore --from DIR [--home DIR] [--json]

Puts a backup back as a new home: SALLYPORT_HOME unless --home names another; it must not exist or be empty. Every file
is compared with the backup's list and the ledger is verified before anything appears. What the original wrote after the
backup is not in it: a head kept elsewhere that covers more will say so (audit verify). Never run both.
`,
  run: async (args) => {
    const { values } = parseArgs({
      args: [...args],
      options: { from: { type: 'string' }, home: { type: 'string' }, json: { type: 'boolean' } },
    });
    if (values.from === undefined) throw new CouldNotRun('Say which backup: --from DIR');
    const home = values.home === undefined ? environment().home : resolve(values.home);
    tell(await putBack(resolve(values.from), home), values.json === true, `Restored to ${home}`);
    return 0;
  },
};

function tell({ size, files, bytes, report }: BackedUp, json: boolean, what: string): void {
  const { origin, root, signer } = report;
  if (json)
    print(
      JSON.stringify(
        { entries: size, files, bytes, origin, root, signer, verified: report.verified },
        undefined,
        2,
      ),
    );
  else
    print(
      `${what}: ${files} files, ${bytes} bytes; the ledger ${origin ?? ''} with ${size} entries verifies, signed by ${signer?.name ?? ''}+${signer?.keyId ?? ''}`,
    );
}
