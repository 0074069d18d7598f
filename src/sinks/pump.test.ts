import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { decision, item, partsFake, sourceFake, until } from './fake.ts';
import { startPump, type Pump } from './pump.ts';
import { Refused, type Sink } from './sink.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-pump-'));
after(() => rmSync(folder, { recursive: true }));
const limits = { timeout: 900_000 };

function sinkOf(send: Sink['send']): Sink {
  return { send, [Symbol.asyncDispose]: () => Promise.resolve() };
}

function start(
  name: string,
  send: Sink['send'],
  over: { parts?: ReturnType<typeof partsFake>; source?: ReturnType<typeof sourceFake> } = {},
): Promise<Pump> {
  const source = over.source ?? sourceFake(Array.from({ length: 20 }, (_, number) => decision(number)));
  return startPump(
    {
      name,
      source,
      sink: sinkOf(send),
      item,
      batch: { entries: 10, ms: 50 },
      spool: { entries: 15, whenFull: 'deny' },
      file: join(folder, name),
    },
    over.parts ?? partsFake(),
  );
}

test('startPump() sets one bad entry aside, says so, and goes on', limits, async () => {
  const taken: number[] = [];
  const parts = partsFake();
  const send: Sink['send'] = (batch) => {
    if (batch.some(({ index }) => index === 7)) return Promise.reject(new Refused('no'));
    taken.push(...batch.map(({ index }) => index));
    return Promise.resolve();
  };
  await using pump = await start('bad-entry', send, { parts });
  await until(() => pump.lag() === 0);
  assert.deepEqual(
    taken,
    Array.from({ length: 20 }, (_, at) => at).filter((at) => at !== 7),
  );
  assert.match(readFileSync(join(folder, 'bad-entry.refused.jsonl'), 'utf8'), /^\{"uid":"gate-1\/7".*\}\n$/);
  assert.equal(parts.measured.get('sink_refused_total bad-entry'), 1);
});

test('startPump() skips nothing for a destination that refuses everything', limits, async () => {
  const parts = partsFake();
  let isRight = false;
  await using pump = await start(
    'wrong-secret',
    () => (isRight ? Promise.resolve() : Promise.reject(new Refused('no'))),
    { parts },
  );
  await until(() => (parts.measured.get('sink_faults_total wrong-secret') ?? 0) >= 2);
  assert.equal(pump.lag(), 20);
  assert.equal(parts.measured.get('sink_refused_total wrong-secret'), undefined);
  isRight = true;
  await until(() => pump.lag() === 0);
});

test('startPump() lets nobody wait for a sink that hangs, and ends when told to', limits, async () => {
  const source = sourceFake([decision(0)]);
  const hang: Sink['send'] = (_batch, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true });
    });
  const pump = await start('hangs', hang, { source });
  for (let number = 1; number <= 16; number++) {
    source.entries.push(decision(number));
    pump.wake(number); // gives nothing to wait for
  }
  assert.equal(pump.isFull(), true);
  await pump[Symbol.asyncDispose]();
});

test('startPump() guesses nothing about a cursor that it cannot read', async () => {
  for (const [name, text] of [
    ['torn', '{"origin":"gate-1","ne'],
    ['other', '{"origin":"gate-2","next":3}'],
    ['odd', '{"origin":"gate-1","next":-1}'],
    ['ahead', '{"origin":"gate-1","next":21}'],
  ] as const) {
    writeFileSync(join(folder, `${name}.cursor`), text);
    await assert.rejects(
      start(name, () => Promise.resolve()),
      { code: 'config' },
      name,
    );
  }
});

test('startPump() finds an entry that was not on disk yet when it was told of it', limits, async () => {
  const source = sourceFake([]);
  const taken: number[] = [];
  await using pump = await start(
    'late',
    (batch) => (taken.push(...batch.map(({ index }) => index)), Promise.resolve()),
    { source },
  );
  pump.wake(0);
  await new Promise((resolve) => setTimeout(resolve, 30));
  source.entries.push(decision(0));
  await until(() => taken.length === 1);
});
