import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { Fault } from '../base/errors.ts';
import type { FindMask } from '../core/decision.ts';
import { findMasker, maskKey, type TextModel, useModel } from '../mask/index.ts';
import { Batches } from './batches.ts';
import { modelFinds, readingOf } from './reading.ts';

// Rows of one text each, and a model that knows one name and notes what it is given.

const asked: (readonly string[])[] = [];
const standIn: TextModel = {
  types: ['PERSON'],
  withinMs: 60_000,
  most: 1_000,
  find: (texts) => {
    asked.push(texts);
    return Promise.resolve(texts.map(found));
  },
};
function found(text: string): Awaited<ReturnType<TextModel['find']>>[number] {
  return Array.from(text.matchAll(/Xylo/g), ({ index }) => ({
    type: 'PERSON',
    start: index,
    end: index + 4,
    score: 0.6,
  }));
}
afterEach(() => {
  useModel(undefined);
  asked.length = 0;
});

const key = maskKey(Buffer.alloc(32));
function finds(model: 'required' | 'where-possible'): readonly FindMask[] {
  return [{ entity: '*', operator: { kind: 'redact' }, model }];
}

interface Stage {
  readonly batches: Batches;
  readonly out: string[];
  readonly counts: { masked: number };
  readonly read: () => Promise<void>;
}

function stage(model: 'required' | 'where-possible', rows: readonly string[]): Stage {
  const reading = readingOf(finds(model), 'rows');
  assert.ok(reading);
  const mask = findMasker(finds(model), { key, more: reading.more });
  const counts = { masked: 0 };
  const waiting = [...rows];
  const batches = new Batches(reading, {
    shown: (count) => {
      const shown = waiting.slice(0, count).map((row) => {
        const { text, masked } = mask(row);
        counts.masked += masked;
        return text;
      });
      return Buffer.from(`${shown.join('\n')}\n`);
    },
    drop: (count) => void waiting.splice(0, count),
    mark: () => {
      const { masked } = counts;
      return () => (counts.masked = masked);
    },
  });
  for (const row of rows) batches.add(row.length);
  const out: string[] = [];
  const read = (): Promise<void> =>
    batches.read((bytes) => {
      out.push(...Buffer.from(bytes).toString().split('\n').slice(0, -1));
      return undefined;
    });
  return { batches, out, counts, read };
}

const many = Array.from({ length: 200 }, (_, at) => (at % 2 === 0 ? `met Xylo ${at}` : `met nobody ${at}`));

test('rows come in order, each read once, and counted once', async () => {
  useModel(standIn);
  const { out, counts, read } = stage('required', many);
  await read();
  assert.deepEqual(
    out,
    many.map((row) => row.replace('Xylo', '[PERSON]')),
  );
  assert.equal(counts.masked, 100);
  assert.deepEqual(asked.flat(), many);
});

test('no batch is longer than the model takes together, but for a row that is so by itself', async () => {
  useModel({ ...standIn, most: 100 });
  const rows = [...many.slice(0, 20), `${'met a '.repeat(40)}Xylo`, 'met Xylo'];
  const { out, read } = stage('required', rows);
  await read();
  for (const batch of asked) assert.ok(batch.join('').length <= 100);
  assert.deepEqual(out.slice(-2), ['[PERSON]', 'met [PERSON]'], 'what is too long is one finding');
});

test('a short text that came before is not read again; one that nobody read is', async () => {
  useModel(standIn);
  const rows = Array.from({ length: 100 }, () => 'met Xylo');
  const { out, read } = stage('required', rows);
  await read();
  assert.deepEqual(asked, [['met Xylo']]);
  assert.ok(out.every((row) => row === 'met [PERSON]'));
});

for (const [how, find] of [
  ['says nothing', (texts) => Promise.resolve(texts.map(() => undefined))],
  ['says too little', () => Promise.resolve([])],
] as readonly (readonly [string, TextModel['find']])[]) {
  test(`of a model that ${how} no more is asked after three batches`, async () => {
    let calls = 0;
    useModel({
      ...standIn,
      find: (texts, within, signal) => {
        calls++;
        return find(texts, within, signal);
      },
    });
    const must = stage('required', many);
    await must.read();
    assert.ok(must.out.every((row) => row === '[PERSON]'));
    assert.equal(must.counts.masked, many.length);
    assert.equal(calls, 3);
    const may = stage('where-possible', [...many, 'ann@example.com met Xylo']);
    await may.read();
    assert.deepEqual(may.out, [...many, '[EMAIL_ADDRESS] met Xylo']);
  });
}

test('who stops it is given the rest unread, and the model is told', async () => {
  let told = false;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const begun = Promise.withResolvers<undefined>();
  useModel({
    ...standIn,
    find: async (texts, _within, signal) => {
      signal.addEventListener('abort', () => {
        told = true;
        resolve(undefined);
      });
      begun.resolve(undefined);
      await promise;
      return texts.map(() => undefined);
    },
  });
  const { batches, out, counts, read } = stage('required', many);
  const done = read();
  await begun.promise;
  batches.stop();
  await done;
  assert.ok(told);
  assert.ok(out.every((row) => row === '[PERSON]'));
  assert.deepEqual([out.length, counts.masked], [many.length, many.length]);
});

test('a client that does not take what was read is waited for', async () => {
  useModel(standIn);
  const { batches } = stage('required', many);
  const taken = Promise.withResolvers<undefined>();
  let given = 0;
  const done = batches.read(async () => {
    given++;
    await taken.promise;
  });
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  assert.equal(given, 1);
  taken.resolve(undefined);
  await done;
  assert.ok(given > 1);
  assert.equal(batches.some, false);
});

test('without a model nothing that must be read is shown, and a model that finds something else is none', async () => {
  const { read, out } = stage('required', many);
  await assert.rejects(read(), (thrown) => thrown instanceof Fault && thrown.code === 'mask');
  assert.deepEqual(out, []);
  assert.equal(readingOf(finds('where-possible'), 'rows'), undefined);
  useModel({ ...standIn, types: ['ORGANIZATION'] });
  const person: FindMask = { entity: 'PERSON', operator: { kind: 'redact' }, model: 'required' };
  assert.equal(modelFinds([person]), false);
  assert.equal(modelFinds(finds('required')), true);
});

test('what must be read is refused where it is searched in parts', () => {
  useModel(standIn);
  const reading = readingOf(finds('required'), 'rows');
  assert.throws(() => reading?.more('met Xylo'), /cannot be given to one as a whole/);
});
