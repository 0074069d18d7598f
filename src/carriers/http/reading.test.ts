import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { FindMask, Permit } from '../../core/decision.ts';
import { noDuties } from '../../core/decision.ts';
import { maskKey, type TextModel, useModel } from '../../mask/index.ts';
import { documentMask } from './masks.ts';

// A model that knows two names, letter by letter, and notes what it is given.

const asked: string[] = [];
const xylo = /Xylo(?: Quend)?/g;
const standIn: TextModel = {
  types: ['PERSON', 'LOCATION'],
  withinMs: 60_000,
  most: 10_000,
  find: (texts) => {
    asked.push(...texts);
    return Promise.resolve(
      texts.map((text) =>
        Array.from(text.matchAll(xylo), ({ index, 0: name }) => ({
          type: 'PERSON',
          start: index,
          end: index + name.length,
          score: 0.6,
        })),
      ),
    );
  },
};
afterEach(() => {
  useModel(undefined);
  asked.length = 0;
});

const signal = new AbortController().signal;
const redact = { kind: 'redact' } as const;

function mask(finds: readonly FindMask[]): ReturnType<typeof documentMask> {
  const permit = { duties: { ...noDuties, finds }, operatorOf: () => undefined } as unknown as Permit; // what a mask looks at
  return documentMask(permit, 'x', maskKey(Buffer.alloc(32)));
}

const all: readonly FindMask[] = [{ entity: '*', operator: redact, model: 'required' }];
const some: readonly FindMask[] = [{ entity: '*', operator: redact, model: 'where-possible' }];

async function shown(finds: readonly FindMask[], json: string): Promise<string> {
  const texts = mask(finds);
  const result = await texts.read(() => texts.bytes(Buffer.from(json), signal), signal);
  assert.ok(result.ok);
  return result.value === undefined ? json : Buffer.concat(result.value).toString();
}

test('what the model finds is masked with what detectors find, and what both find is one finding', async () => {
  useModel(standIn);
  assert.equal(
    await shown(all, '["Xylo and ann@example.com","Xylo Quend <xylo.q@example.com>",12,null,"ok"]'),
    '["[PERSON] and [EMAIL_ADDRESS]","[PERSON] <[EMAIL_ADDRESS]>",12,null,"ok"]',
  );
  const texts = mask(all);
  await texts.read(() => texts.text('Xylo and ann@example.com, Xylo'), signal);
  assert.equal(texts.masked, 3, 'each once, however often it was looked at');
});

test('each text is given once, and none without letters; keys only where they have words', async () => {
  useModel(standIn);
  await shown(all, '{"a":"met Xylo","b":["met Xylo","1 2"],"some key":5}');
  assert.deepEqual(asked.toSorted(), ['met Xylo', 'some key']);
});

test('a rule that asks for one type from the model has no other from it', async () => {
  useModel(standIn);
  const places = [{ entity: 'LOCATION', operator: redact, model: 'required' }] as const;
  assert.equal(await shown(places, '["met Xylo"]'), '["met Xylo"]');
  const both = [...places, { entity: 'PERSON', operator: redact }] as const;
  assert.equal(await shown(both, '["met Xylo"]'), '["met Xylo"]');
});

const failing: readonly (readonly [string, TextModel['find']])[] = [
  ['says nothing of it', (texts) => Promise.resolve(texts.map(() => undefined))],
  ['says too little', () => Promise.resolve([])],
];
for (const [name, find] of failing) {
  test(`a text that the model ${name} is masked whole, and what it cannot hold is not`, async () => {
    useModel({ ...standIn, find });
    assert.equal(await shown(all, '["met in a","12",true]'), '["[PERSON]","12",true]');
    assert.equal(await shown(some, '["met in a"]'), '["[PERSON]"]');
    const partial = [
      { entity: '*', operator: { kind: 'partial', keepFirst: 0, keepLast: 2 }, model: 'required' },
    ] as const;
    assert.doesNotMatch(await shown(partial, '["met in a"]'), /met/);
  });
}

test('texts beyond what the model takes of one answer are masked whole', async () => {
  useModel({ ...standIn, most: 10 });
  assert.equal(await shown(all, '["met in a","met in b"]'), '["met in a","[PERSON]"]');
});

test('a model that never ends with what it finds in what was masked is not asked for ever', async () => {
  // Each time something else is left, in which it sees something again.
  useModel({
    ...standIn,
    find: (texts) => {
      asked.push(...texts);
      return Promise.resolve(texts.map(() => [{ type: 'PERSON', start: 0, end: 1, score: 1 }]));
    },
  });
  const texts = mask(all);
  let count = 0;
  await texts.read(() => texts.text(`met ${'ab'.repeat(++count)}`), signal);
  assert.ok(count < 10);
});

test('without a model: required is refused, where possible goes by detectors', async () => {
  await assert.rejects(shown(all, '["met Xylo"]'), { code: 'mask' });
  assert.equal(await shown(some, '["met Xylo, ann@example.com"]'), '["met Xylo, [EMAIL_ADDRESS]"]');
  useModel({ ...standIn, types: ['LOCATION'] });
  await assert.rejects(shown([{ entity: 'PERSON', operator: redact, model: 'required' }], '["met Xylo"]'), {
    code: 'mask',
  });
});

test('what is looked at outside of a reading, or in pieces, is refused where the model is required', async () => {
  useModel(standIn);
  for (const look of [
    (texts: ReturnType<typeof mask>) => texts.text('met Xylo'),
    (texts: ReturnType<typeof mask>) => texts.json('["met Xylo"]'),
    (texts: ReturnType<typeof mask>) => texts.pieces(),
  ]) {
    assert.throws(() => look(mask(all)), { code: 'mask' });
    assert.doesNotThrow(() => look(mask(some)));
  }
  assert.equal(
    mask(all).aside(() => mask(some).text('x')),
    'x',
  );
  const texts = mask(all);
  assert.equal(
    texts.aside(() => texts.text('met Xylo, ann@example.com')),
    'met Xylo, [EMAIL_ADDRESS]',
  );
});

test('a reader who leaves ends it, and one answer is not read twice at once', async () => {
  const leave = new AbortController();
  useModel({
    ...standIn,
    find: (texts) => {
      leave.abort(new Error('left'));
      return standIn.find(texts, 0, signal);
    },
  });
  const texts = mask(all);
  await assert.rejects(
    texts.read(() => texts.text('met Xylo'), leave.signal),
    /left/,
  );
  useModel(standIn);
  const other = mask(all);
  const two = [1, 2].map(() => other.read(() => other.text('met Xylo'), signal));
  const ends = await Promise.allSettled(two);
  assert.deepEqual(ends.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  assert.equal(
    await other.read(() => other.text('met Xylo'), signal),
    'met [PERSON]',
    'and it can be read again',
  );
});

test('what masks show is no name, what only looks so is', async () => {
  useModel({
    ...standIn,
    find: (texts) =>
      Promise.resolve(texts.map((text) => [{ type: 'PERSON', start: 4, end: text.length, score: 1 }])),
  });
  assert.equal(
    await shown(all, '["met [PERSON]","met [EMAIL_ADDRESS_12]","met [XYLO]"]'),
    '["met [PERSON]","met [EMAIL_ADDRESS_12]","met [PERSON]"]',
  );
});
