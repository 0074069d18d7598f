import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { Fault } from '../base/errors.ts';
import { realWorld } from '../base/time.ts';
import type { SessionId } from '../core/session.ts';
import { protocols } from '../protocols/index.ts';
import type { Scene } from '../record/index.ts';
import { scenesOf } from '../server/scenes.ts';
import { openLedger } from '../stores/ledger.ts';
import { recordings } from '../stores/recordings.ts';
import { sessionRecords } from '../stores/sessions.ts';
import { CouldNotRun } from './command.ts';

/**
 * A recording of a data folder, read on the gateway's own host with the keys that lie there. No policy is asked: whoever
 * has the keys can read. It is written to the ledger all the same, before the first scene is given.
 */
export async function offlineScenes(
  data: string,
  id: string,
  verb: 'recording.read' | 'recording.export',
): Promise<AsyncIterable<Scene>> {
  if (!existsSync(`${data}/ledger/checkpoint`))
    throw new CouldNotRun(`There is no ledger in ${data}: expected a data folder with ledger/ in it`);
  if (!existsSync(`${data}/keys/master.key`))
    throw new CouldNotRun(`${data}/keys/master.key is missing: without it no recording can be read`);
  const log = (): void => undefined;
  const parts = {
    directory: data,
    origin: 'sallyport',
    world: realWorld,
    log,
    metrics: { count: log, gauge: log, observe: log },
  };
  const ledger = await openLedger(parts).catch((thrown: unknown) => {
    if (!(thrown instanceof Fault)) throw thrown;
    throw new CouldNotRun(
      `${thrown.message}. Reading a recording is written to its ledger, which cannot be done here: ` +
        'ask the gateway that has it (leave out --data), or stop it first',
    );
  });
  try {
    const records = await sessionRecords(ledger, log);
    const found = await records.session(id);
    await ledger.append({
      kind: 'record.read',
      at: realWorld.now(),
      identity: { subject: `os:${userInfo().username}`, kind: 'human', groups: [] },
      verb,
      ...(found === undefined ? {} : { of: found.id as SessionId }), // the store has it
      allowed: found !== undefined,
      offline: true,
    });
    const taped = recordings({ directory: data, ledger, world: realWorld, log });
    const scenes = await scenesOf({ records, recordings: taped, protocols }, id);
    if (scenes === undefined) throw new CouldNotRun('There is no such session in this data folder');
    return thenClose(scenes, () => ledger.close());
  } catch (thrown) {
    await ledger.close();
    throw thrown;
  }
}

async function* thenClose(scenes: AsyncIterable<Scene>, close: () => Promise<void>): AsyncGenerator<Scene> {
  try {
    yield* scenes;
  } finally {
    await close();
  }
}
