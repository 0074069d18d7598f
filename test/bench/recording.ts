import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { realWorld } from '../../src/base/time.ts';
import type { Subject } from '../../src/core/identity.ts';
import type { ResourceName, Session } from '../../src/core/session.ts';
import { verifyLedger } from '../../src/ledger/index.ts';
import { closed, noMetrics, opened, sessionId } from '../../src/stores/fake.ts';
import { diskFolder } from '../../src/stores/folder.ts';
import { openLedger } from '../../src/stores/ledger.ts';
import { recordings } from '../../src/stores/recordings.ts';
import { sessionRecords } from '../../src/stores/sessions.ts';
import { temporaryFolder } from '../e2e/harness/place.ts';
import { type Bench, progress, shown, table } from './report.ts';

const gigabyte = 1_000_000_000;
const piece = 65_536; // an answer as a protocol gives it
const quickGigabytes = 1;
const wholeGigabytes = 10;

/** One session that is recorded whole: 10 GB of rows through the real store, read back and compared, in how much memory. */
export const recording: Bench = async (options) => {
  const bytes = (options.quick ? quickGigabytes : wholeGigabytes) * gigabyte;
  using folder = temporaryFolder('recording');
  const log = (): void => undefined;
  const ledger = await openLedger({
    directory: folder.path,
    origin: 'bench',
    world: realWorld,
    log,
    metrics: noMetrics,
  });
  const records = await sessionRecords(ledger, log);
  const store = recordings({ directory: folder.path, ledger, world: realWorld, log });
  const session = sessionOf('stream');
  await ledger.append(opened('stream'));
  const recorder = store.recorder(session);
  const memory = new Memory();
  const written = createHash('sha256');
  const began = performance.now();
  let waits = 0;
  for (let at = 0; at < bytes; at += piece) {
    const rows = rowsAt(at);
    written.update(rows);
    const wait = recorder.frame('answer', rows);
    if (wait !== undefined) {
      waits += 1;
      await wait;
    }
    memory.look(at / bytes);
  }
  const chunks = await recorder.close();
  const seconds = (performance.now() - began) / 1_000;
  progress(`${shown(bytes / gigabyte)} GB in ${shown(seconds)} s, ${chunks} chunks, ${waits} waits`);
  await ledger.append(closed('stream', 0, chunks));
  const of = await records.recording(session.id);
  if (of === undefined) throw new Error('The ledger does not know the recording');
  const read = createHash('sha256');
  let missing = 0;
  for await (const each of store.read({ ...of, session: session.id, startedAt: session.startedAt })) {
    if (each.kind === 'missing') missing += 1;
    else if (each.frame.kind === 'answer') read.update(each.frame.bytes);
  }
  let gaps = 0;
  for await (const { entry } of ledger.read(0, ledger.size)) if (entry.kind === 'recording.gap') gaps += 1;
  await ledger.close();
  const report = await verifyLedger(diskFolder(join(folder.path, 'ledger')));
  const same = written.digest('hex') === read.digest('hex');
  if (!same || missing > 0 || gaps > 0 || !report.verified)
    throw new Error(`Lost: same ${same}, missing ${missing}, gaps ${gaps}, verified ${report.verified}`);
  const onDisk = sizeUnder(join(folder.path, 'recordings'));
  const figures = { megabytesPerSecond: bytes / seconds / 1e6, peakMegabytes: memory.peak, chunks, onDisk };
  const head = ['GB', 'MB a second', 'chunks', 'on disk, GB', ...memory.names, 'highest RSS, MB', 'lost'];
  const row = [
    shown(bytes / gigabyte),
    shown(figures.megabytesPerSecond),
    String(chunks),
    shown(onDisk / gigabyte),
    ...memory.seen.map((each) => shown(each)),
    shown(memory.peak),
    'nothing',
  ];
  return {
    settings: { quick: options.quick, bytes },
    runs: [{ case: 'stream', contender: 'recording', round: 0, figures }],
    facts: { waits },
    tables: table(head, [row]),
  };
};

function sessionOf(name: string): Session {
  return {
    id: sessionId(name),
    identity: {
      kind: 'human',
      subject: 'analyst' as Subject,
      groups: ['analysts'],
      attributes: {},
      proof: { kind: 'token', tokenId: 't', expiresAt: realWorld.now() },
    },
    resource: { name: 'shop' as ResourceName, kind: 'postgres', tags: [], settings: undefined },
    startedAt: realWorld.now(),
    peer: '192.0.2.7:5000',
  };
}

/** Rows that compress as rows do, and are never twice the same. */
const template = Buffer.from(
  Array.from(
    { length: 800 },
    (_, at) => `${at * 7_919},customer ${at},${at % 97} Main Street,open,${at * 13}.50,2026-11-21 10:00:00\n`,
  ).join(''),
).subarray(0, piece);

function rowsAt(at: number): Buffer {
  for (let place = 0; place < template.length; place += 512)
    template.writeUInt32LE((at + place * 2_654_435_761) >>> 0, place);
  return template;
}

/** What the process holds, when it has begun, at the middle and at the end. */
class Memory {
  readonly names: readonly string[] = ['RSS at 10 %, MB', 'at 50 %', 'at the end'];
  readonly seen: number[] = [];
  peak = 0;
  #looks = 0;

  look(share: number): void {
    this.#looks += 1;
    if (this.#looks % 256 > 0) return;
    const now = process.memoryUsage.rss() / 1e6;
    this.peak = Math.max(this.peak, now);
    const due = [0.1, 0.5, 0.97][this.seen.length];
    if (due !== undefined && share >= due) this.seen.push(now);
  }
}

function sizeUnder(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
