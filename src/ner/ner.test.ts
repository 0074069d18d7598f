import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Worker } from '../core/protocol.ts';
import { longestJudged, nerCheck, nerFinder } from './index.ts';
import { open, type Opened } from './model-worker.ts';
import { writeTinyModel } from './testdata/tiny-model.ts';
import { joined, piecesOf, windowsOf } from './windows.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-ner-'));
after(() => rmSync(folder, { recursive: true }));
writeTinyModel(folder);

/** A worker whose model is ready and knows these labels, and which never judges in time. */
const late: Worker = {
  call: (name) =>
    name === 'open'
      ? Promise.resolve({ kind: 'ready', labels: ['PER', 'LOC'] } satisfies Opened)
      : Promise.reject(new Error('late')),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
/** The functions of the worker's module, in this thread. */
const here: Worker = {
  ...late,
  call: async (name, argument) => (name === 'open' ? open(argument as never) : []),
};
const settings = {
  model: folder,
  packages: folder,
  labels: { PER: 'PERSON', LOC: 'LOCATION' },
  threshold: 0.5,
  withinMs: 5_000,
};

test('what the model cannot do in time, or at all, makes the whole text a finding', async () => {
  const asked: string[] = [];
  const counting: Worker = { ...late, call: (name, ...rest) => (asked.push(name), late.call(name, ...rest)) };
  const { find: ask } = await nerFinder(counting, settings);
  assert.deepEqual(await ask('met Xylo'), [{ type: 'PERSON', start: 0, end: 8, score: 1 }]);
  assert.deepEqual(asked, ['open', 'find']);
  const long = 'a'.repeat(longestJudged + 1);
  assert.deepEqual(await ask(long), [{ type: 'PERSON', start: 0, end: long.length, score: 1 }]);
  assert.deepEqual(await ask('12 + 34'), [], 'where no letter is, no name is');
  assert.deepEqual(asked, ['open', 'find'], 'the model is asked neither');
});

test('of many texts each has its answer, and what nobody answers in time has none', async () => {
  const found = [{ type: 'PERSON', start: 0, end: 3, score: 1 }];
  const says = (find: Worker['call']): Worker => ({
    ...late,
    call: (name, ...rest) => (name === 'open' ? late.call(name, ...rest) : find(name, ...rest)),
  });
  const texts = ['Ann', '12', 'Bob', 'x'.repeat(longestJudged + 1), 'Ann'];
  const some = await nerFinder(
    says(() => Promise.resolve([found, null, found])),
    settings,
  );
  assert.deepEqual(await some.findAll(texts, 1_000), [found, [], undefined, undefined, found]);
  assert.deepEqual(await some.findAll(['1', '2'], 1_000), [[], []]);
  for (const find of [() => new Promise(() => undefined), () => Promise.resolve([])]) {
    const none = await nerFinder(says(find), settings);
    assert.deepEqual(await none.findAll(['Ann', '1'], 1), [undefined, []]);
  }
});

test('labels that the model does not know are refused with those that it knows', async () => {
  await assert.rejects(
    nerFinder(late, { ...settings, labels: { HUMAN: 'PERSON' } }),
    /knows PER, LOC, and "labels" names none/,
  );
});

const problems: readonly (readonly [name: string, change: (model: string) => void, RegExp])[] = [
  ['no model', (model) => rmSync(join(model, 'model.onnx')), /No model in .* needs one of model\.onnx/],
  ['no tokenizer', (model) => rmSync(join(model, 'tokenizer.json')), /Cannot read .*tokenizer\.json/],
  [
    'a tokenizer that is none',
    (model) => writeFileSync(join(model, 'tokenizer.json'), '[]'),
    /tokenizer\.json is no JSON object/,
  ],
  [
    'a model of another kind',
    (model) => writeFileSync(join(model, 'config.json'), '{}'),
    /no id2label .* no token classification/,
  ],
  [
    'no packages in the folder that is named, whatever is above it',
    (model) => {
      const above = join(model, '../node_modules/onnxruntime-node');
      mkdirSync(above, { recursive: true });
      writeFileSync(join(above, 'index.js'), 'throw new Error("code from above")');
    },
    /Cannot load the package onnxruntime-node from .*: install it there, with npm install/,
  ],
  [
    'a package that is there and cannot be loaded, with its own reason',
    (model) => {
      const folder = join(model, 'node_modules/onnxruntime-node');
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'index.js'), 'throw new Error("made for another machine")');
    },
    /Cannot load the package onnxruntime-node from .*: made for another machine/,
  ],
];
for (const [name, change, problem] of problems) {
  test(`refused with what to do: ${name}`, async () => {
    const model = mkdtempSync(join(folder, 'wrong-'));
    writeTinyModel(model);
    change(model);
    await assert.rejects(nerFinder(here, { ...settings, model, packages: model }), problem);
  });
}

test('settings: labels are found as types that there are', () => {
  const check = nerCheck((name) => ['PERSON', 'LOCATION'].includes(name));
  const plain = check({ model: '/m' }, 'ner');
  assert.ok(plain.ok && plain.value.labels['PER'] === 'PERSON' && plain.value.threshold === 0.5);
  const wrong = check({ model: '/m', labels: { ORG: 'COMPANY' } }, 'ner');
  assert.ok(!wrong.ok && wrong.error[0]?.path === 'ner.labels.ORG');
  const named = check({ model: '/m', packages: '/p' }, 'ner');
  assert.ok(named.ok && named.value.packages === '/p');
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

const parts = new Map([
  ['GIVEN_NAME', 'PERSON'],
  ['SURNAME', 'PERSON'],
  ['STREET', 'LOCATION'],
  ['NUMBER', 'LOCATION'],
  ['CITY', 'LOCATION'],
]);
for (const [text, labels, wanted] of [
  ['Ann Lee met', ['B-GIVEN_NAME', 'B-SURNAME', 'O'], ['Ann Lee']],
  ['Lee, Ann', ['B-SURNAME', 'O', 'B-GIVEN_NAME'], ['Lee, Ann']],
  ['Ann, Bob', ['B-GIVEN_NAME', 'O', 'B-GIVEN_NAME'], ['Ann', 'Bob']],
  [
    'Ann Lee, Bob Ray',
    ['B-GIVEN_NAME', 'B-SURNAME', 'O', 'B-GIVEN_NAME', 'B-SURNAME'],
    ['Ann Lee', 'Bob Ray'],
  ],
  ['12 Elm, Ulm', ['B-NUMBER', 'B-STREET', 'O', 'B-CITY'], ['12 Elm, Ulm']],
  ['Elm 12\nUlm', ['B-STREET', 'B-NUMBER', 'B-CITY'], ['Elm 12\nUlm']],
  ['Ann Ulm', ['B-GIVEN_NAME', 'B-CITY'], ['Ann', 'Ulm']],
  ['Ann and Lee', ['B-GIVEN_NAME', 'O', 'B-SURNAME'], ['Ann', 'Lee']],
] as const) {
  test(`parts that a model has labels of their own for are one finding: ${JSON.stringify(text)}`, () => {
    const judged = labels.map((label) => ({ label, score: 0.9 }));
    const found = joined(text, piecesOf(text), judged, { labels: parts, threshold: 0.5 });
    assert.deepEqual(
      found.map(({ start, end }) => text.slice(start, end)),
      wanted,
    );
  });
}
