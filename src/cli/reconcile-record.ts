import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Envelope,
  type Folder,
  type Head,
  openEnvelope,
  parseCheckpoint,
  verifyLedger,
} from '../ledger/index.ts';
import { realFiles } from '../stores/files.ts';
import { diskFolder } from '../stores/folder.ts';
import { keysOfSessions } from '../stores/keys.ts';
import { scanWal } from '../stores/wal.ts';
import { checkpointIn, ledgerFolder } from './audit-folder.ts';
import { reduced } from './reconcile-texts.ts';

/** How long before the statistics began a statement may have been written down that they count. */
const settleMs = 2_500;
/** A decision is on disk before its answer is shown, but the server may have counted the statement by then. */
const flightMs = 1_000;
const coverMs = 30_000;

/** What the gateway wrote down of a resource. */
export interface Recorded {
  readonly texts: ReadonlyMap<string, number>;
  readonly total: number;
  readonly unreadable: number;
  readonly begins: number | undefined;
  /** Entries on disk that no head covered, however long was waited. */
  readonly uncovered: number;
}

/** What the gateway let through to this resource since `from`, by reduced text. */
export async function recordedIn(data: string, resource: string, from: number): Promise<Recorded> {
  const keys = keysOfSessions(data);
  const found = new Map<string, ReturnType<typeof keys.find>>();
  const texts = new Map<string, number>();
  let [total, unreadable] = [0, 0];
  let begins: number | undefined;
  let origin = '';
  const see = (envelope: Envelope): undefined => {
    begins ??= envelope.at;
    const { kind, fields, at } = envelope;
    if (kind !== 'decision' || fields['resource'] !== resource || fields['decision'] === 'deny') return;
    if (at < from - settleMs) return;
    const { entry, seal, cut } = openEnvelope(envelope, origin, (id, owner) => {
      const name = `${id} ${owner}`;
      if (!found.has(name)) found.set(name, keys.find(id, owner));
      return found.get(name);
    });
    if (entry.kind !== 'decision') return;
    total += 1;
    if (seal !== 'opened' || cut !== undefined) unreadable += 1;
    const text = reduced(entry.sealed.text);
    texts.set(text, (texts.get(text) ?? 0) + 1);
  };
  const ledger = diskFolder(ledgerFolder(data));
  const uncovered = await toBeCovered(data, ledger);
  origin = (await headIn(ledger))?.origin ?? '';
  const report = await verifyLedger(ledger, { see });
  if (!report.verified) throw new Error('The ledger does not verify: run sallyport audit verify');
  return { texts, total, unreadable, begins, uncovered };
}

/** Waits until a head covers all that is written now, for a gateway that is busy signs late. Gives how many it never covered. */
async function toBeCovered(data: string, ledger: Folder): Promise<number> {
  await sleep(flightMs);
  const end = await writtenIn(`${data}/wal`);
  const until = Date.now() + coverMs;
  for (;;) {
    const missing = end - Number((await headIn(ledger))?.size ?? 0);
    if (missing <= 0) return 0;
    if (Date.now() > until) return missing;
    await sleep(100);
  }
}

/** How many entries there are on disk, signed or not; 0 in a copy of the ledger alone. */
async function writtenIn(folder: string): Promise<number> {
  for (let tries = 1; ; tries++) {
    try {
      const wal = scanWal(realFiles, folder);
      if (wal.kind !== 'damaged') return wal.kind === 'found' ? wal.end.next : 0;
      if (tries > 20) throw new Error(wal.what);
    } catch (thrown) {
      if (tries > 20) throw thrown;
    }
    await sleep(100); // a gateway that runs writes and removes segments while they are read
  }
}

async function headIn(ledger: Folder): Promise<Head | undefined> {
  const checkpoint = parseCheckpoint(await checkpointIn(ledger));
  return checkpoint.ok ? checkpoint.value.head : undefined;
}
