import { appendFile } from 'node:fs/promises';
import { Fault } from '../base/errors.ts';
import type { Stored } from '../ledger/index.ts';
import { openCursor } from './cursor.ts';
import { Refused, type Item, type Sink, type SinkParts } from './sink.ts';

/** Entries that are on disk. The ledger is the spool: nothing is copied, and a sink can start again anywhere in it. */
export interface Source {
  readonly size: number;
  readonly read: (from: number, to: number) => AsyncIterable<Stored>;
}

export interface PumpTerms {
  readonly name: string;
  readonly source: Source;
  readonly sink: Sink;
  readonly item: (stored: Stored) => Item;
  /** A batch is sent when it has so many entries, or when the first of them has waited so long. */
  readonly batch: { readonly entries: number; readonly ms: number };
  /** How many entries may wait for this sink, and what becomes of the gateway's work beyond that. */
  readonly spool: { readonly entries: number; readonly whenFull: 'continue' | 'wait' | 'deny' };
  /** `<file>.cursor` and `<file>.refused.jsonl`. */
  readonly file: string;
}

/** Sends entries to one sink, in order, at least once. */
export interface Pump extends AsyncDisposable {
  readonly name: string;
  readonly whenFull: PumpTerms['spool']['whenFull'];
  /** Entries that are on disk and that the sink does not surely have. */
  readonly lag: () => number;
  readonly isFull: () => boolean;
  /** Says that the entry of this number was appended. Cheap; never waits. */
  readonly wake: (index: number) => void;
  /** Measures the lag into the metrics. */
  readonly measure: () => void;
}

const leastPauseMs = 500;
const longestPauseMs = 60_000;
const sendMs = 60_000;

/** Opens the cursor and starts. Rejects with a Fault `config` when the cursor cannot be read. */
export async function startPump(terms: PumpTerms, parts: SinkParts): Promise<Pump> {
  const { name, source, sink, spool } = terms;
  const { world, metrics } = parts;
  const cursor = await openCursor(`${terms.file}.cursor`, parts.origin);
  if (cursor.next > source.size) {
    throw new Fault(
      'config',
      `The sink ${name} is further than the ledger: the ledger was put back. See docs/sinks.md`,
    );
  }
  const stop = new AbortController();
  const sleeper = sleep(parts, stop.signal);
  let from = Math.max(0, cursor.next - (sink.overlap ?? 0));
  let oldestAt: number | undefined;
  let expected = source.size; // entries that were appended, on disk or on their way

  const lag = (): number => source.size - cursor.next;
  const run = async (): Promise<void> => {
    let failures = 0;
    while (!stop.signal.aborted) {
      try {
        const batch = await collect(from, terms, (at) => (oldestAt = at));
        if (batch.length === 0) {
          oldestAt = undefined;
          // Nothing is left on disk: until something is appended, and has had its time to get there and to find company.
          if (source.size >= expected) await sleeper.woken();
          await sleeper.pause(terms.batch.ms);
          continue;
        }
        if (stop.signal.aborted) return;
        await deliver(batch, terms, parts, stop.signal);
        from = (batch.at(-1)?.index ?? from) + 1;
        if (from > cursor.next) await cursor.move(from);
        metrics.count('sink_entries_total', { sink: name }, batch.length);
        failures = 0;
      } catch (thrown) {
        if (stop.signal.aborted) return;
        failures += 1;
        metrics.count('sink_faults_total', { sink: name });
        // SECURITY: what a destination answers can quote what it was sent: only our own words are logged.
        const why = thrown instanceof Fault ? thrown.message : 'a bug';
        parts.log('warn', 'sink.not-taken', { sink: name, from, failures, why });
        from = Math.max(0, cursor.next - (sink.overlap ?? 0));
        await sleeper.pause(Math.min(longestPauseMs, leastPauseMs * 2 ** Math.min(failures - 1, 10)));
      }
    }
  };
  const running = run();

  return {
    name,
    whenFull: spool.whenFull,
    lag,
    isFull: () => lag() > spool.entries,
    wake: (index) => {
      expected = Math.max(expected, index + 1);
      sleeper.wake();
    },
    measure: () => {
      metrics.gauge('sink_lag_entries', lag(), { sink: name });
      const seconds =
        lag() === 0 || oldestAt === undefined ? 0 : Math.max(0, (world.now() - oldestAt) / 1_000);
      metrics.gauge('sink_lag_seconds', seconds, { sink: name });
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
      await sink[Symbol.asyncDispose]();
    },
  };
}

/** The next entries, as items. Waits for more where there are few and the first is young. */
async function collect(
  from: number,
  { source, batch, item }: PumpTerms,
  oldest: (at: number) => void,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let bytes = 0;
  for await (const stored of source.read(from, Math.min(source.size, from + batch.entries))) {
    const made = item(stored);
    if (stored.index !== from + items.length)
      throw new Fault('ledger', 'Entries are missing from the ledger');
    items.push(made);
    bytes += made.json.length;
    if (bytes > batchBytes) break;
  }
  const [first] = items;
  if (first !== undefined) oldest(first.at);
  return items;
}

const batchBytes = 1_000_000;

/**
 * Sends a batch. One that is refused is cut into halves until the entry is found that the destination will not take; it
 * is set aside only when the destination took another of the same batch: one that refuses everything is set up wrongly,
 * and nothing is skipped for that.
 */
async function deliver(
  batch: readonly Item[],
  terms: PumpTerms,
  parts: SinkParts,
  signal: AbortSignal,
): Promise<void> {
  const found: { taken: number; readonly refused: Item[] } = { taken: 0, refused: [] };
  await halves(batch, found, (each) =>
    terms.sink.send(each, AbortSignal.any([signal, AbortSignal.timeout(sendMs)])),
  );
  if (found.taken === 0) throw allRefused();
  for (const item of found.refused) await setAside(item, terms, parts);
}

async function halves(
  batch: readonly Item[],
  found: { taken: number; readonly refused: Item[] },
  send: (batch: readonly Item[]) => Promise<void>,
): Promise<void> {
  try {
    await send(batch);
    found.taken += batch.length;
  } catch (thrown) {
    if (!(thrown instanceof Refused)) throw thrown;
    if (batch.length === 1) {
      found.refused.push(...batch);
      if (found.taken === 0 && found.refused.length >= refusedInARow) throw allRefused();
      return;
    }
    const half = Math.ceil(batch.length / 2);
    await halves(batch.slice(0, half), found, send);
    await halves(batch.slice(half), found, send);
  }
}

const refusedInARow = 8;

function allRefused(): Fault {
  return new Fault('unreachable', 'The destination refuses every entry of the batch');
}

/** Keeps what the destination refuses for good, and says so loudly: one bad entry must not stop all that follow. */
async function setAside(item: Item, { name, file }: PumpTerms, { log, metrics }: SinkParts): Promise<void> {
  await appendFile(`${file}.refused.jsonl`, `${item.json}\n`, { mode: 0o600, flush: true });
  metrics.count('sink_refused_total', { sink: name });
  log('error', 'sink.refused', { sink: name, entry: item.index });
}

interface Sleeper {
  readonly wake: () => void;
  readonly woken: () => Promise<void>;
  readonly pause: (ms: number) => Promise<void>;
}

/** For one loop, which waits for one thing at a time. */
function sleep({ world }: SinkParts, signal: AbortSignal): Sleeper {
  let isAwake = true; // what came before the first look counts
  let wake: (() => void) | undefined;
  let resume: (() => void) | undefined;
  signal.addEventListener('abort', () => resume?.(), { once: true });
  return {
    wake: () => {
      isAwake = true;
      wake?.();
    },
    woken: async () => {
      if (!isAwake && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          resume = resolve;
        });
        wake = undefined;
      }
      isAwake = false;
    },
    pause: async (ms) => {
      if (signal.aborted || ms === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      resume = resolve;
      using _timer = world.after(ms, resolve);
      await promise;
    },
  };
}
