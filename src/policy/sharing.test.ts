import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action, Attribute } from '../core/action.ts';
import { filesOf, identity, loaded, question } from './fake.ts';

const ann = identity('ann');

function keyOf(
  when: string,
  attributes: Readonly<Record<string, Attribute>>,
  more: Partial<Action> = {},
): string | undefined {
  const policy = loaded(
    filesOf(
      `- { id: ask, effect: allow, match: { resource: { kind: llm } }, when: ${JSON.stringify(when)}, why: w, fix: f }`,
    ),
  );
  const { action } = question(ann, { kind: 'llm', verb: 'llm.complete' });
  return policy.sharing?.('llm', { ...action, attributes, ...more });
}

type Attributes = Readonly<Record<string, Attribute>>;
const differ: readonly (readonly [what: string, when: string, a: Attributes, b: Attributes])[] = [
  ['an attribute that is read', 'action.turns > 2.0', { turns: 1 }, { turns: 3 }],
  ['one that is only asked for', 'has(action.turns)', { turns: 1 }, {}],
  [
    'one of a word that is chosen',
    '(action.stream ? action : action).turns > 2.0',
    { turns: 1 },
    { turns: 3 },
  ],
  ['one in a list', '[action][0].turns > 2.0', { turns: 1 }, { turns: 3 }],
  ['one inside of a macro', 'action.found.all(each, each == action.model)', { model: 'a' }, { model: 'b' }],
  ['a text and a number', 'action.turns > 2.0', { turns: 1 }, { turns: '1' }],
  ['nothing and an empty list', 'size(action.found) > 0', {}, { found: [] }],
  ['a list and its text', 'size(action.found) > 0', { found: ['a'] }, { found: '["a"]' }],
];

for (const [what, when, a, b] of differ)
  test(`sharing() tells apart ${what}`, () => assert.notEqual(keyOf(when, a), keyOf(when, b)));

test('sharing() leaves out what no rule of the kind reads', () => {
  const key = keyOf('action.turns > 2.0', { turns: 1, promptBytes: 10 });
  assert.notEqual(key, undefined);
  assert.equal(
    key,
    keyOf('action.turns > 2.0', { turns: 1, promptBytes: 20 }, { text: 'another', notes: ['n'] }),
  );
});

test('sharing() keeps apart verb, access, objects, columns and origin, which no condition needs to name', () => {
  const others: readonly Partial<Action>[] = [
    { verb: 'llm.embed' },
    { access: 'write' },
    { targets: [{ kind: 'model', name: 'm', access: 'read' }] },
    { columns: [{ object: 'o', column: 'c', use: 'output' }] },
    { opaque: true },
  ];
  const all = [{}, ...others].map((more) => keyOf('true', {}, more));
  assert.equal(new Set(all).size, all.length);
});

test('sharing() says nothing of numbers that JSON writes alike, of values of no type, and of other kinds', () => {
  const when = 'action.turns > 2.0';
  for (const turns of [NaN, Infinity, -Infinity, -0]) assert.equal(keyOf(when, { turns }), undefined);
  assert.equal(keyOf(when, { turns: [1] as unknown as Attribute }), undefined);
  assert.equal(keyOf(when, { turns: { toJSON: () => 1 } as unknown as Attribute }), undefined);
  const { action } = question(ann);
  assert.equal(
    loaded(filesOf('- { id: a, effect: allow, match: {} }')).sharing?.('redis', action),
    undefined,
  );
});
