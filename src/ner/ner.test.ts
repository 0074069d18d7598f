import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Worker } from '../core/protocol.ts';
import { longestJudged, nerCheck, nerFinder } from './index.ts';
import { find, open } from './model-worker.ts';
import { writeTinyModel } from './testdata/tiny-model.ts';
import { joined, piecesOf, windowsOf } from './windows.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-ner-'));
after(() => rmSync(folder, { recursive: true }));
writeTinyModel(folder);

async function isInstalled(name: string): Promise<boolean> {
  return import(name).then(
    () => true,
    () => false,
  );
}
const runtime = (await isInstalled('onnxruntime-node')) && (await isInstalled('@huggingface/tokenizers'));
const skip = runtime
  ? false
  : 'npm install --no-save --ignore-scripts onnxruntime-node@1.30.0 @huggingface/tokenizers@0.2.0, and it runs';

/** The functions of the worker's module, in this thread. */
const here: Worker = {
  call: async (name, argument) =>
    name === 'open' ? open(argument as never) : name === 'find' ? find(argument as never) : undefined,
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
const settings = {
  model: folder,
  labels: { PER: 'PERSON', LOC: 'LOCATION' },
  threshold: 0.5,
  withinMs: 5_000,
};

test('a real model, run by the real runtime, finds what it was made to find', { skip }, async () => {
  const { find: ask } = await nerFinder(here, settings);
  const text = 'We met Xylo Quendberg in Zorbia.';
  assert.deepEqual(
    (await ask(text)).map(({ type, start, end }) => [type, text.slice(start, end)]),
    [
      ['PERSON', 'Xylo Quendberg'],
      ['LOCATION', 'Zorbia'],
    ],
  );
  assert.deepEqual(await ask('met in a'), []);
  assert.deepEqual(await ask('12 + 34'), []);
});

test('a text of many windows is found in as a whole, with its places', { skip }, async () => {
  const { find: ask } = await nerFinder(here, settings);
  const text = `${'met in a 𐐀 '.repeat(40)}Xylo Quend ${'in a '.repeat(50)}Zorbia`;
  assert.deepEqual(
    (await ask(text)).map(({ start, end }) => text.slice(start, end)),
    ['Xylo Quend', 'Zorbia'],
  );
});

test('a threshold that nothing reaches finds nothing', { skip }, async () => {
  const { find: ask } = await nerFinder(here, { ...settings, threshold: 1 });
  assert.deepEqual(await ask('met Xylo'), []);
});

test('what the model cannot do in time, or at all, makes the whole text a finding', { skip }, async () => {
  let calls = 0;
  const broken: Worker = {
    ...here,
    call: (name, argument) => {
      if (name === 'open') return open(argument as never);
      calls++;
      return Promise.reject(new Error('late'));
    },
  };
  const { find: ask } = await nerFinder(broken, settings);
  assert.deepEqual(await ask('met Xylo'), [{ type: 'PERSON', start: 0, end: 8, score: 1 }]);
  assert.equal(calls, 1);
  const long = 'a'.repeat(longestJudged + 1);
  assert.deepEqual(await ask(long), [{ type: 'PERSON', start: 0, end: long.length, score: 1 }]);
});

const problems: readonly (readonly [
  name: string,
  change: (model: string) => void,
  labels: Record<string, string>,
  RegExp,
])[] = [
  [
    'no model',
    (model) => rmSync(join(model, 'model.onnx')),
    { PER: 'PERSON' },
    /No model in .* needs one of model\.onnx/,
  ],
  [
    'no tokenizer',
    (model) => rmSync(join(model, 'tokenizer.json')),
    { PER: 'PERSON' },
    /Cannot read .*tokenizer\.json/,
  ],
  [
    'a model of another kind',
    (model) => writeFileSync(join(model, 'config.json'), '{}'),
    { PER: 'PERSON' },
    /no id2label .* no token classification/,
  ],
  [
    'labels that the model does not know',
    () => undefined,
    { HUMAN: 'PERSON' },
    /knows PER, LOC, and "labels" names none/,
  ],
  [
    'a file that is no model',
    (model) => writeFileSync(join(model, 'model.onnx'), 'x'),
    { PER: 'PERSON' },
    /./,
  ],
];
for (const [name, change, labels, problem] of problems) {
  test(
    `refused with what to do: ${name}`,
    { skip: name === 'no model' || name === 'a model of another kind' ? false : skip },
    async () => {
      const model = mkdtempSync(join(folder, 'wrong-'));
      writeTinyModel(model);
      change(model);
      await assert.rejects(nerFinder(here, { ...settings, model, labels }), problem);
    },
  );
}

test('settings: labels are found as types that there are', () => {
  const check = nerCheck(['PERSON', 'LOCATION']);
  const plain = check({ model: '/m' }, 'ner');
  assert.ok(plain.ok && plain.value.labels['PER'] === 'PERSON' && plain.value.threshold === 0.5);
  const wrong = check({ model: '/m', labels: { ORG: 'COMPANY' } }, 'ner');
  assert.ok(!wrong.ok && wrong.error[0]?.path === 'ner.labels.ORG');
  assert.equal(check({ model: '/m', threshold: 2 }, 'ner').ok, false);
  assert.equal(check({ modell: '/m' }, 'ner').ok, false);
});

test('windows cover every word, overlap, and none is too long', () => {
  for (const [counts, most] of [
    [[1, 1, 1, 1, 1, 1, 1, 1, 1], 4],
    [[9, 1, 1, 9, 1], 4],
    [[], 4],
    [[3, 3, 3], 3],
  ] as const) {
    const windows = windowsOf(counts, most);
    const seen = new Set(
      windows.flatMap(([from, to]) => Array.from({ length: to - from }, (_, at) => from + at)),
    );
    assert.equal(seen.size, counts.length);
    for (const [from, to] of windows)
      assert.ok(to - from === 1 || counts.slice(from, to).reduce((sum, each) => sum + each, 0) <= most);
  }
  assert.deepEqual(windowsOf([1, 1, 1, 1, 1, 1, 1], 4), [
    [0, 4],
    [3, 7],
  ]);
});

test('words of one type that stand beside each other are one finding', () => {
  const text = "Ann O'Neil, Bob";
  const pieces = piecesOf(text);
  const labels = ['B-PER', 'B-PER', 'I-PER', 'I-PER', 'O', 'B-PER'];
  assert.deepEqual(
    joined(
      text,
      pieces,
      labels.map((label) => ({ label, score: 0.9 })),
      { labels: new Map([['PER', 'PERSON']]), threshold: 0.5 },
    ).map(({ start, end }) => text.slice(start, end)),
    ['Ann', "O'Neil", 'Bob'],
  );
});
