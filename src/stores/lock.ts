import { DatabaseSync } from 'node:sqlite';
import { Fault, messageOf } from '../base/errors.ts';

/**
 * Holds a data folder for this process: two gateways on one ledger would fork it. The lock is the operating system's
 * own, through SQLite, so that it is gone with the process however that ends.
 */
export function lockFolder(folder: string): Disposable {
  const database = new DatabaseSync(`${folder}/wal/lock`);
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
  } catch (thrown) {
    database.close();
    // SQLITE_BUSY; everything else is the disk's.
    const isTaken = thrown instanceof Error && 'errcode' in thrown && thrown.errcode === 5;
    if (!isTaken)
      throw new Fault('ledger', `Cannot write to the data folder ${folder}: ${messageOf(thrown)}`, {
        cause: thrown,
      });
    throw new Fault(
      'ledger',
      `Another process uses the data folder ${folder}; stop it, or choose another folder`,
      {
        cause: thrown,
      },
    );
  }
  return { [Symbol.dispose]: () => database.close() };
}
