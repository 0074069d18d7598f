/** What every sink must do, whatever its destination. A sink's test gives a stand with a fake destination. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { decision, item, partsFake, sourceFake, until, type PartsFake, type SourceFake } from './fake.ts';
import { startPump, type Pump, type PumpTerms } from './pump.ts';
import type { Sink } from './sink.ts';

export interface Stand extends AsyncDisposable {
  /** A new sink to the same destination, as after a restart. */
  readonly open: (parts: PartsFake) => Sink;
  /** Numbers of entries as they arrived, read by a decoder of the format; throws where something cannot be read. */
  readonly received: () => readonly number[];
  /** Every byte that arrived, as text. */
  readonly raw: () => string;
  readonly down: () => void;
  readonly up: () => void;
}

const limits = { timeout: 300_000 };

export function conformance(name: string, stand: () => Promise<Stand>): void {
  async function ready(count: number): Promise<{
    readonly at: Stand;
    readonly parts: PartsFake;
    readonly source: SourceFake;
    readonly start: (sink?: Sink, spool?: PumpTerms['spool']) => Promise<Pump>;
    readonly stop: AsyncDisposable;
  }> {
    const at = await stand();
    const parts = partsFake();
    const source = sourceFake(Array.from({ length: count }, (_, number) => decision(number)));
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-sink-'));
    const start = (
      sink = at.open(parts),
      spool: PumpTerms['spool'] = { entries: 1_000_000, whenFull: 'continue' },
    ): Promise<Pump> =>
      startPump(
        { name: 's', source, sink, item, batch: { entries: 40, ms: 50 }, spool, file: join(folder, 's') },
        parts,
      );
    const stop = {
      [Symbol.asyncDispose]: async () => {
        await at[Symbol.asyncDispose]();
        rmSync(folder, { recursive: true });
      },
    };
    return { at, parts, source, start, stop };
  }
  const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, number) => number);

  test(`${name} gets every entry, in order, and those that come later`, limits, async () => {
    const { at, source, start, stop } = await ready(130);
    await using _ = stop;
    await using pump = await start();
    await until(() => pump.lag() === 0);
    assert.deepEqual(at.received(), upTo(130));
    source.entries.push(decision(130));
    pump.wake(130);
    await until(() => pump.lag() === 0);
    assert.deepEqual(at.received(), upTo(131));
  });

  test(
    `${name} gets what was sent and not confirmed again after a crash, known by its number`,
    limits,
    async () => {
      const { at, parts, start, stop } = await ready(200);
      await using _ = stop;
      const real = at.open(parts);
      let batches = 0;
      // The third batch arrives; the process dies before it knows.
      const crashing: Sink = {
        ...real,
        send: async (batch, signal) => {
          await real.send(batch, signal);
          batches += 1;
          if (batches === 3) {
            await new Promise((_resolve, reject) => {
              signal.addEventListener('abort', () => reject(new Error('killed')), { once: true });
            });
          }
        },
      };
      const first = await start(crashing);
      await until(() => batches === 3);
      await first[Symbol.asyncDispose]();
      assert.ok(first.lag() >= 120, 'what was not confirmed counts as not sent');
      await using second = await start();
      await until(() => second.lag() === 0);
      const received = at.received();
      assert.deepEqual([...new Set(received)], upTo(200));
    },
  );

  test(`${name} loses nothing while its destination is away`, limits, async () => {
    const { at, parts, start, stop } = await ready(90);
    await using _ = stop;
    at.down();
    await using pump = await start(undefined, { entries: 50, whenFull: 'deny' });
    await until(() => (parts.measured.get('sink_faults_total s') ?? 0) >= 2);
    assert.equal(pump.lag(), 90);
    assert.equal(pump.isFull(), true);
    pump.measure();
    assert.equal(parts.measured.get('sink_lag_entries s'), 90);
    assert.ok((parts.measured.get('sink_lag_seconds s') ?? 0) > 0);
    at.up();
    await until(() => pump.lag() === 0);
    assert.equal(pump.isFull(), false);
    assert.deepEqual([...new Set(at.received())], upTo(90));
    pump.measure();
    assert.equal(parts.measured.get('sink_lag_entries s'), 0);
    assert.doesNotMatch(parts.logged.join('\n'), /canary|hunter2|evil/);
  });

  test(`${name} gets nothing of what is sealed, and no text breaks out of its field`, limits, async () => {
    const { at, start, stop } = await ready(6);
    await using _ = stop;
    await using pump = await start();
    await until(() => pump.lag() === 0);
    assert.deepEqual(at.received(), upTo(6)); // six, and not one more that a text made
    const raw = at.raw();
    assert.equal(/canary|DELETE FROM/.exec(raw)?.[0], undefined);
    assert.ok(raw.includes('evil'));
    // The byte order mark of syslog and the line feed between messages are ours.
    assert.equal(/(?![\n\uFEFF])\p{C}|[\u2028\u2029]/u.exec(raw)?.index, undefined);
  });
}
