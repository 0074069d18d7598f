import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CelInput, parse } from '@bufbuild/cel';
import fc from 'fast-check';
import { instant } from '../base/time.ts';
import type { Attribute } from '../core/action.ts';
import type { Subject } from '../core/identity.ts';
import type { Question } from '../core/ports.ts';
import type { ResourceName, SessionId } from '../core/session.ts';
import { evaluator } from './evaluate.ts';
import type { Kind, Kinds } from './kinds.ts';
import { quick, type QuickWords } from './quick.ts';
import { typecheck } from './typecheck.ts';
import { wordMaker, wordsFor } from './words.ts';

const kind: Kind = {
  verbs: { 'sql.select': 'reads' },
  attributes: { byKey: 'boolean', size: 'number', name: 'string', functions: 'strings' },
} as unknown as Kind;
const kinds: Kinds = new Map([['shop', kind]]);
const identity = new Map([
  ['mfa', 'boolean'],
  ['age', 'number'],
  ['team', 'string'],
  ['roles', 'strings'],
] as const);
const words = wordsFor(['shop'], kinds, identity);
const make = wordMaker({
  kinds,
  identity,
  tagsOf: (_, object, column) => (column === 'b' ? ['pii/x', object] : []),
});
const { planned } = evaluator();

function slowly(source: string): (asked: ReturnType<typeof make>) => string {
  const ask = planned(parse(source).expr);
  return (asked) => {
    try {
      const said = ask(asked as unknown as Record<string, CelInput>);
      return said === true ? 'yes' : said === false ? 'no' : 'error';
    } catch {
      return 'error';
    }
  };
}

function quickly(source: string): ((asked: ReturnType<typeof make>) => string) | undefined {
  const ask = quick(parse(source).expr, words);
  if (ask === undefined) return undefined;
  return (asked) => {
    try {
      return ask(asked as unknown as QuickWords);
    } catch {
      return 'error';
    }
  };
}

const letters = ['a', 'b', 'ab', '', 'sql.select', 'shop', 'pii/x'];
const text = fc.constantFrom(
  ...letters.map((each) => JSON.stringify(each)),
  'identity.subject',
  'identity.team',
  'action.name',
  'action.verb',
  'resource.name',
  'resource.kind',
);
const number = fc.constantFrom('action.size', 'identity.age', '1', '2', '-1', '0.5', '2.0');
const list = fc.constantFrom(
  'identity.roles',
  'identity.groups',
  'action.functions',
  'resource.tags',
  '["a", "b"]',
  '[]',
);
const compare = fc.constantFrom('==', '!=');

/** Conditions of the forms that `quick` knows, over facts that are there, absent or of a wrong type. */
const condition: fc.Arbitrary<string> = fc.letrec<{ readonly any: string; readonly leaf: string }>((tie) => {
  const row = (field: string): fc.Arbitrary<string> =>
    fc.tuple(compare, text).map(([op, other]) => `${field} ${op} ${other}`);
  return {
    leaf: fc.oneof(
      fc.constantFrom('true', 'false', 'identity.mfa', 'action.byKey', 'action.opaque'),
      fc.constantFrom(
        'has(identity.mfa)',
        'has(identity.team)',
        'has(action.size)',
        'has(identity.actingFor)',
      ),
      fc.tuple(text, compare, text).map((each) => each.join(' ')),
      fc
        .tuple(number, fc.constantFrom('<', '<=', '>', '>=', '==', '!='), number)
        .map((each) => each.join(' ')),
      fc.tuple(text, list).map((each) => each.join(' in ')),
      fc
        .tuple(text, fc.constantFrom('startsWith', 'endsWith', 'contains'), text)
        .map(([on, call, other]) => `${on}.${call}(${other})`),
    ),
    any: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      tie('leaf'),
      fc.tuple(tie('any'), tie('any')).map(([a, b]) => `(${a}) && (${b})`),
      fc.tuple(tie('any'), tie('any')).map(([a, b]) => `(${a}) || (${b})`),
      tie('any').map((each) => `!(${each})`),
      fc
        .tuple(list, fc.constantFrom('exists', 'all'), tie('leaf'), text)
        .map(([over, how, leaf, other]) => `${over}.${how}(x, x == ${other} || (${leaf}))`),
      fc
        .tuple(fc.constantFrom('exists', 'all'), row('o.name'), tie('leaf'))
        .map(
          ([how, each, leaf]) => `action.objects.${how}(o, ${each} && (${leaf}) || o.kind.startsWith("t"))`,
        ),
      fc
        .tuple(fc.constantFrom('exists', 'all'), row('c.column'), fc.constantFrom('exists', 'all'), text)
        .map(
          ([how, each, inner, other]) =>
            `action.columns.${how}(c, ${each} || c.tags.${inner}(t, t == ${other} || c.object == t))`,
        ),
    ),
  };
}).any;

const value: fc.Arbitrary<Attribute | undefined> = fc.constantFrom<(Attribute | undefined)[]>(
  undefined,
  true,
  false,
  1,
  2,
  0.5,
  Number.NaN,
  'a',
  'ab',
  ['a'],
  [],
);
const name = fc.constantFrom('a', 'b', 'ab');

function present(given: Readonly<Record<string, Attribute | undefined>>): Record<string, Attribute> {
  return Object.fromEntries(Object.entries(given).filter(([, each]) => each !== undefined)) as Record<
    string,
    Attribute
  >;
}

const question: fc.Arbitrary<Question> = fc
  .record({
    facts: fc.record({ mfa: value, age: value, team: value, roles: value }),
    attributes: fc.record({ byKey: value, size: value, name: value, functions: value }),
    groups: fc.array(name, { maxLength: 3 }),
    objects: fc.array(name, { maxLength: 3 }),
    columns: fc.array(fc.tuple(name, name), { maxLength: 3 }),
    opaque: fc.boolean(),
  })
  .map(({ facts, attributes, groups, objects, columns, opaque }): Question => ({
    identity: {
      kind: 'human',
      subject: 'a' as Subject,
      groups,
      attributes: present(facts) as Question['identity']['attributes'],
      proof: { kind: 'token', tokenId: 't', expiresAt: instant(9e12) },
    },
    resource: { name: 'shop' as ResourceName, kind: 'shop', tags: ['a'], settings: undefined },
    action: {
      verb: 'sql.select',
      access: 'read',
      targets: objects.map((each) => ({ kind: 'table', name: each, access: 'read' })),
      columns: columns.map(([object, column]) => ({ object, column, use: 'output' })),
      attributes: present(attributes),
      text: '',
      notes: [],
      ...(opaque ? { opaque: true } : {}),
    },
    session: { id: 's' as SessionId, startedAt: instant(0) },
    at: instant(0),
  }));

describe('conditions without the evaluator', () => {
  it('say what it says, whatever the facts are', () => {
    let taken = 0;
    fc.assert(
      fc.property(condition, fc.array(question, { minLength: 4, maxLength: 4 }), (source, questions) => {
        fc.pre(typecheck(parse(source), words).problems.every(({ code }) => code === 'SP-T104'));
        const quickAsk = quickly(source);
        if (quickAsk === undefined) return;
        taken += 1;
        const slow = slowly(source);
        for (const each of questions) {
          assert.equal(quickAsk(make(each, each.identity)), slow(make(each, each.identity)), source);
        }
      }),
      { numRuns: 600 },
    );
    assert.ok(taken > 200, `only ${taken} conditions were taken`);
  });

  const forms: readonly (readonly [string, boolean])[] = [
    ['has(identity.mfa) && identity.mfa', true],
    ['action.objects.exists(o, o.name == "a")', true],
    ['action.columns.exists(c, "pii/x" in c.tags)', true],
    ['identity.groups.exists_one(g, g == "a")', false],
    ['identity.subject.matches("a+")', false],
    ['now > timestamp("2026-01-01T00:00:00Z")', false],
    ['identity.actingFor.subject == "a"', false],
    ['size(identity.groups) > 1', false],
    ['action.size == 9007199254740993', false],
  ];
  for (const [source, taken] of forms) {
    it(`${taken ? 'takes' : 'leaves'} ${source}`, () => {
      assert.equal(quick(parse(source).expr, words) !== undefined, taken);
    });
  }

  it('ends when its steps have run out, as the evaluator does', () => {
    const source = 'identity.groups.all(a, identity.groups.all(b, a == b || a != b))';
    const groups = Array.from({ length: 200 }, (_, at) => `g${at}`);
    const [asked] = fc.sample(question, 1);
    assert.ok(asked !== undefined);
    const own = make(asked, { ...asked.identity, groups });
    assert.equal(quickly(source)?.(own), 'error');
    assert.equal(slowly(source)(own), 'error');
  });
});
