import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { environment } from '../server/environment.ts';
import { CouldNotRun } from './command.ts';

/** The data folder that is meant: the one given, else that of the gateway whose state is here, else of the demo. */
export function dataFolder(given: string | undefined): string {
  const { home } = environment();
  const folders = given === undefined ? [join(home, 'data'), join(home, 'demo', 'data')] : [given];
  const found = folders.find((folder) => existsSync(join(folder, 'ledger')));
  if (found === undefined)
    throw new CouldNotRun(
      `There is no ledger in ${folders.join(' or ')}: say which data folder, with --data DIR`,
    );
  return found;
}
