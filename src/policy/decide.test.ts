import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Decision } from '../core/decision.ts';
import { filesOf, identity, kinds, loaded, question, samplePolicy } from './fake.ts';
import { loadPolicy } from './load.ts';

const ana = identity('ana', ['analysts']);
const dan = identity('dan', ['dba']);

const readers = `
- id: read
  effect: allow
  match: { resource: { kind: postgres }, identity: { groups: [analysts] }, action: [sql.select], access: read }
`;

test('decide() allows what a rule allows and denies the rest', () => {
  const policy = loaded(filesOf(readers));
  const yes = policy.decide(question(ana));
  assert.equal(yes.kind, 'allow');
  assert.deepEqual(
    yes.because.map((rule) => rule.id),
    ['m/read'],
  );
  assert.deepEqual(yes.because[0]?.at, { file: 'modules/m.policy.yaml', line: 5, col: 5 });
  const no = policy.decide(question(ana, { verb: 'sql.update', access: 'write' }));
  assert.equal(no.code, 'NO_ALLOW_RULE');
  assert.equal(no.nearest?.rule.id, 'm/read');
  assert.equal(no.nearest?.failed, 'action: sql.select');
  assert.equal(policy.decide(question(identity('eve'))).kind, 'deny');
  assert.equal(policy.decide(question(ana, { kind: 'ssh', verb: 'ssh.exec' })).kind, 'deny');
});

test('decide() never lets pass what was not understood, whatever the rules say', () => {
  const policy = loaded(filesOf('- { id: all, effect: allow, match: {} }'));
  assert.equal(policy.decide(question(ana)).kind, 'allow');
  assert.equal(policy.decide(question(ana, { access: 'unknown' })).code, 'NOT_UNDERSTOOD');
  const inside = question(ana, { on: ['public.a'] });
  const targets = [{ kind: 'table', name: 'public.a', access: 'unknown' as const }];
  assert.equal(
    policy.decide({ ...inside, action: { ...inside.action, targets } }).code,
    'NOT_UNDERSTOOD',
    'also when only a target is unknown',
  );
  assert.equal(policy.decide(question(ana, { kind: 'redis' })).code, 'POLICY_ERROR');
});

test('decide() denies when any rule denies, and says all that do', () => {
  const policy = loaded(
    filesOf(`${readers}
- { id: z-no, effect: deny, match: { identity: { groups: [analysts] } }, why: Because z., fix: Do z. }
- { id: a-no, effect: deny, match: { action: 'sql.*', resource: { kind: postgres } }, why: Because a., fix: Do a. }
- { id: hold, effect: require, match: {}, then: { approve: { from: [dba] } } }
`),
  );
  const decision = policy.decide(question(ana));
  assert.equal(decision.code, 'RULE');
  assert.equal(decision.why, 'Because a.');
  assert.deepEqual(decision.fix, ['Do a.', 'Do z.']);
  assert.deepEqual(
    decision.because.map((rule) => rule.id),
    ['m/a-no', 'm/z-no'],
  );
});

test('decide() holds for a review when a matching rule wants an approval', () => {
  const policy = loaded(
    filesOf(`${readers}
- { id: hold, effect: require, match: {}, then: { approve: { from: [leads, dba], count: 2, ttl: 10m } }, why: Look first. }
- { id: hold-too, effect: require, match: {}, then: { approve: { from: [dba, leads], ttl: 5m } } }
`),
  );
  const decision = policy.decide(question(ana));
  assert.equal(decision.kind, 'review');
  assert.equal(decision.why, 'Look first.');
  assert.deepEqual(decision.duties.approve, [{ groups: ['dba', 'leads'], count: 2, withinMs: 300_000 }]);
  assert.equal(policy.decide(question(dan)).kind, 'deny', 'a duty never grants');
});

const failing: readonly (readonly [string, string, Parameters<typeof question>[1]])[] = [
  ['an absent attribute', 'action.copy == "out"', { attributes: { copy: undefined as unknown as string } }],
  ['an attribute of another type', 'action.byKey == false', { attributes: { byKey: 'false' } }],
  ['overflow', 'size(action.columns) + 9223372036854775807 > 0', { columns: ['a.b.c'] }],
  ['division by zero', '1 / size(action.columns) > 0', {}],
  [
    'an exhausted step budget',
    'action.columns.all(a, action.columns.all(b, a.column != "x" && b.column != "x"))',
    { columns: Array.from({ length: 400 }, (_, at) => `public.t.c${at}`) },
  ],
  [
    'an exhausted step budget beside a truth',
    'action.columns.all(a, action.columns.all(b, a.column != "x")) || true',
    { columns: Array.from({ length: 400 }, (_, at) => `public.t.c${at}`) },
  ],
  ['an index out of bounds', 'action.objects[5].name == "x"', {}],
  ['a text that is no timestamp', 'timestamp(action.copy) < now', {}],
];

for (const [what, when, asking] of failing) {
  test(`decide() denies when a deny or require rule meets ${what}; an allow rule does not match`, () => {
    const quoted = JSON.stringify(when);
    for (const effect of ['deny', 'require']) {
      const then = effect === 'require' ? ', then: { record: full }' : '';
      const policy = loaded(
        filesOf(
          `${readers}\n- { id: broken, effect: ${effect}, match: { resource: { kind: postgres } }, when: ${quoted}${then} }`,
        ),
      );
      const decision = policy.decide(question(ana, asking));
      assert.equal(decision.kind, 'deny');
      assert.equal(decision.code, 'POLICY_ERROR');
      assert.equal(decision.because[0]?.id, 'm/broken');
    }
    const allow = loaded(
      filesOf(`- { id: broken, effect: allow, match: { resource: { kind: postgres } }, when: ${quoted} }`),
    );
    assert.equal(allow.decide(question(ana, asking)).code, 'NO_ALLOW_RULE');
  });
}

test('decide() judges an agent as itself and as its owner', () => {
  const rules = `
- { id: agents, effect: allow, match: { identity: { kind: agent }, action: [sql.select, sql.update], resource: { kind: postgres } } }
- { id: people, effect: allow, match: { identity: { groups: [analysts] }, action: [sql.select, sql.delete], resource: { kind: postgres } } }
- { id: few, effect: require, match: { identity: { kind: agent } }, then: { limit: { rows: 500 } } }
- { id: mask, effect: require, match: { identity: { groups: [analysts] } }, then: { mask: [{ tag: pii/*, with: redact }] } }
`;
  const policy = loaded(filesOf(rules));
  const bot = identity('bot', [], { kind: 'agent', actingFor: ana });
  const read = policy.decide(question(bot));
  assert.equal(read.kind, 'allow');
  assert.equal(read.duties.rowLimit, 500);
  assert.equal(read.duties.masks.length, 1, "the owner's duties bind its agent");
  for (const [verb, who] of [
    ['sql.update', 'ana'],
    ['sql.delete', 'bot'],
  ] as const) {
    const decision = policy.decide(question(bot, { verb }));
    assert.equal(decision.kind, 'deny');
    assert.match(decision.why, new RegExp(`allows ${who} ${verb}`));
  }
  const stranger = identity('bot', ['analysts'], { kind: 'agent', actingFor: identity('eve') });
  assert.equal(policy.decide(question(stranger)).kind, 'deny', 'an owner without a grant');
  let deep = ana;
  for (let at = 0; at < 9; at++) deep = identity(`bot${at}`, [], { kind: 'agent', actingFor: deep });
  assert.equal(policy.decide(question(deep)).code, 'POLICY_ERROR');
});

test('decide() needs every ceiling and one grant', () => {
  const rule = (id: string, verbs: string) => `
apiVersion: sallyport/v1
module: ${id}
rules:
  - { id: allow, effect: allow, match: { resource: { kind: postgres }, action: [${verbs}] } }
`;
  const policy = loaded(
    new Map([
      [
        'policy.yaml',
        `apiVersion: sallyport/v1
layers:
  - { name: org, role: ceiling, use: [{ module: top }] }
  - { name: app, role: grant, use: [{ module: one }, { module: two }] }
`,
      ],
      ['modules/top.policy.yaml', rule('top', 'sql.select, sql.insert')],
      ['modules/one.policy.yaml', rule('one', 'sql.select')],
      ['modules/two.policy.yaml', rule('two', 'sql.update')],
    ]),
  );
  const kind = (verb: string) => policy.decide(question(ana, { verb }));
  assert.equal(kind('sql.select').kind, 'allow');
  assert.equal(kind('sql.insert').kind, 'deny', 'no grant');
  assert.equal(kind('sql.update').kind, 'deny', 'no ceiling');
  assert.match(kind('sql.update').why, /in the ceiling org/);
});

test('enforcement: shadow and warn only say what would have been, off says nothing', () => {
  const at = (enforce: string) =>
    loaded(filesOf(`${readers}\n- { id: no, effect: deny, match: {}, enforce: ${enforce} }`)).decide(
      question(ana),
    );
  for (const enforce of ['shadow', 'warn']) {
    assert.equal(at(enforce).kind, 'allow');
    assert.deepEqual(
      at(enforce).wouldBe.map((rule) => rule.id),
      ['m/no'],
    );
  }
  assert.equal(at('off').kind, 'allow');
  assert.deepEqual(at('off').wouldBe, []);
  const soft = loaded(
    filesOf(
      `${readers}\n- { id: no, effect: deny, match: {}, enforce: soft, breakGlass: { groups: [sre] } }`,
    ),
  );
  assert.equal(soft.decide(question(ana)).kind, 'deny');
  const shadowAllow = loaded(filesOf('- { id: yes, effect: allow, match: {}, enforce: shadow }'));
  assert.equal(shadowAllow.decide(question(ana)).kind, 'deny', 'a shadow allow grants nothing');
});

test('cacheable is false where a rule that matters reads the clock or the session', () => {
  const cacheable = (when: string, group = 'analysts') =>
    loaded(
      filesOf(
        `${readers}\n- { id: late, effect: deny, match: { identity: { groups: [${group}] } }, when: ${JSON.stringify(when)} }`,
      ),
    ).decide(question(ana)).cacheable;
  assert.equal(cacheable('action.verb == "sql.drop"'), true);
  assert.equal(cacheable('now.getHours() > 22'), false);
  assert.equal(cacheable('session.id == "x"'), false);
  assert.equal(cacheable('now.getHours() > 22', 'others'), true, 'a rule about others does not matter');
});

test('exemptions take one rule away, for some, for a while', () => {
  const policy = loaded(
    filesOf(`${readers}\n- { id: no, effect: deny, match: {} }`, {
      exemptions:
        '  - { id: EX-1, rule: m/no, scope: { identity: ana }, expires: 2026-12-15, owner: team:a, ticket: T-1, reason: Until it ships. }\n',
    }),
  );
  const day = Date.parse('2026-12-15T00:00:00Z');
  const before = policy.decide(question(ana, { at: day - 1 }));
  assert.equal(before.kind, 'allow');
  assert.equal(before.cacheable, false);
  assert.deepEqual(
    before.wouldBe.map((rule) => rule.id),
    ['m/no'],
  );
  assert.equal(policy.decide(question(ana, { at: day })).kind, 'deny', 'it has expired');
  assert.equal(policy.decide(question(identity('bob', ['analysts']), { at: 0 })).kind, 'deny', 'another');
  const bot = identity('bot', ['analysts'], { kind: 'agent', actingFor: ana });
  assert.equal(policy.decide(question(bot)).kind, 'deny', 'an exemption is not inherited by an agent');
});

test('conditions read objects, columns with tags, params and declared facts', () => {
  const policy = loaded(
    filesOf(
      `
- id: read
  effect: allow
  match: { resource: { kind: postgres } }
  when: |
    action.objects.all(o, o.name.startsWith(params.schema + ".")) &&
    !action.columns.exists(c, c.tags.exists(t, t.matches("^pii/(ssn|card)$"))) &&
    has(identity.mfa) && identity.mfa
`,
      {
        head: 'params: { schema: { type: string, default: public } }\n',
        schema: 'identity: { mfa: boolean }\ntags: { shop: { public.c.ssn: pii/ssn } }\n',
      },
    ),
  );
  const mfa = identity('m', [], { attributes: { mfa: true } });
  const kind = (asking: Parameters<typeof question>[1], who = mfa) => policy.decide(question(who, asking));
  assert.equal(kind({ on: ['public.c'], columns: ['public.c.name'] }).kind, 'allow');
  assert.equal(kind({ on: ['public.c'], columns: ['public.c.ssn'] }).kind, 'deny');
  assert.equal(kind({ on: ['public.c'], columns: ['public.c.*'] }).kind, 'deny', 'all columns have all tags');
  assert.equal(kind({ on: ['hr.c'] }).kind, 'deny');
  assert.equal(kind({}, ana).nearest?.failed, 'has(identity.mfa)');
  assert.equal(
    kind({}, identity('m', [], { attributes: { mfa: 'true' } })).kind,
    'deny',
    'a fact of another type is no fact',
  );
});

// --- properties over the sample policy and random additions ---

const subjects = [
  ana,
  dan,
  identity('sue', ['support']),
  identity('lea', ['leads']),
  identity('bot', [], { kind: 'agent', actingFor: ana }),
  identity('robo', [], { kind: 'agent', actingFor: dan }),
];
const verbs = Object.keys(kinds.get('postgres')?.verbs ?? {});

const anyQuestion = fc
  .record({
    who: fc.constantFrom(...subjects),
    verb: fc.constantFrom(...verbs),
    access: fc.constantFrom('read', 'write', 'define', 'administer', 'execute', 'unknown'),
    on: fc.subarray(['public.orders', 'public.customers', 'pg_catalog.pg_class']),
    byKey: fc.boolean(),
    copy: fc.constantFrom('none', 'in', 'out'),
    condition: fc.constantFrom('none', 'key', 'other'),
    locks: fc.boolean(),
  })
  .map(({ who, verb, access, on, ...attributes }) =>
    question(who, { verb, access: access as 'read', on, attributes }),
  );

const anyMatch = fc.constantFrom(
  '{}',
  '{ resource: { kind: postgres } }',
  '{ resource: { kind: postgres }, access: [write, read] }',
  '{ identity: { groups: [dba, analysts] } }',
  '{ resource: { kind: postgres }, action: [sql.select] }',
);
const anyWhen = fc.constantFrom(
  '"dba" in identity.groups',
  'size(action.objects) > 0',
  '1 / size(action.objects) > 0',
  'action.columns.exists(c, c.column == "x")',
  'resource.kind == "postgres"',
);
const anyRestriction = fc
  .record({
    match: anyMatch,
    when: fc.option(anyWhen),
    duty: fc.constantFrom(
      undefined,
      'approve: { from: [leads] }',
      'limit: { rows: 10 }',
      'mask: [{ tag: pii/*, with: partial, keepLast: 2 }]',
      'record: meta',
      'window: { days: mon-thu, zone: UTC }', // shut or open: day zero is a Thursday
      "window: { hours: '10:00-12:00', zone: UTC }",
    ),
  })
  .map(({ match, when, duty }) =>
    [
      `effect: ${duty === undefined ? 'deny' : 'require'}`,
      `match: ${match}`,
      ...(when === null ? [] : [`when: '${when}'`]),
      ...(duty === undefined ? [] : [`then: { ${duty} }`]),
    ].join('\n    '),
  );

const rank = { deny: 0, review: 1, allow: 2 } as const;

function withRules(restrictions: readonly string[]): ReadonlyMap<string, string> {
  const files = new Map(samplePolicy());
  if (restrictions.length === 0) return files;
  const rules = restrictions.map((rule, at) => `  - id: extra-${at}\n    ${rule}\n`).join('');
  files.set('modules/extra.policy.yaml', `apiVersion: sallyport/v1\nmodule: extra\nrules:\n${rules}`);
  const main = files.get('policy.yaml') ?? '';
  files.set(
    'policy.yaml',
    main.replace('layers:\n', 'layers:\n  - { name: extra, role: restrict, use: [{ module: extra }] }\n'),
  );
  return files;
}

test('adding a deny or require rule never allows more and never weakens a duty', () => {
  const before = loaded(samplePolicy());
  fc.assert(
    fc.property(
      fc.array(anyRestriction, { minLength: 1, maxLength: 4 }),
      fc.array(anyQuestion, { minLength: 20, maxLength: 20 }),
      (added, questions) => {
        const after = loaded(withRules(added));
        for (const each of questions) {
          const [was, is] = [before.decide(each), after.decide(each)];
          assert.ok(rank[is.kind] <= rank[was.kind]);
          if (is.kind === 'deny') continue;
          assert.ok((is.duties.rowLimit ?? Infinity) <= (was.duties.rowLimit ?? Infinity));
          assert.ok(is.duties.masks.length >= was.duties.masks.length);
          assert.ok(is.duties.approve.length >= was.duties.approve.length);
          assert.equal(is.duties.record, 'full');
        }
      },
    ),
    { numRuns: 10 },
  );
});

/** A decision without what moving a line changes. */
function meaning(decision: Decision): unknown {
  const { policy: _, fix: __, ...rest } = decision;
  return JSON.parse(JSON.stringify(rest, (key, value: unknown) => (key === 'at' ? undefined : value)));
}

test('the order of rules, files and layers never changes a decision', () => {
  const files = withRules([
    'effect: deny\n    match: {}\n    when: "size(action.objects) > 2"',
    'effect: require\n    match: {}\n    then: { approve: { from: [leads] } }\n    when: action.access == "write"',
  ]);
  const before = loaded(files);
  fc.assert(
    fc.property(fc.integer(), fc.array(anyQuestion, { minLength: 20, maxLength: 20 }), (seed, questions) => {
      const after = loaded(shuffled(files, seed));
      for (const each of questions) {
        assert.deepEqual(meaning(after.decide(each)), meaning(before.decide(each)));
      }
    }),
    { numRuns: 10 },
  );
});

function shuffled(files: ReadonlyMap<string, string>, seed: number): ReadonlyMap<string, string> {
  let state = seed | 1;
  const mix = <T>(items: readonly T[]): readonly T[] =>
    items
      .map((item) => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
        return [state, item] as const;
      })
      .sort(([a], [b]) => a - b)
      .map(([, item]) => item);
  const blocks = (text: string, head: string, start: RegExp): string => {
    const at = text.indexOf(head) + head.length;
    const end = text.indexOf('\n\n#', at) < 0 ? text.length : text.indexOf('\n\n#', at);
    const parts = text.slice(at, end).split(start);
    return (
      text.slice(0, at) +
      mix(parts.map((part) => (part.endsWith('\n') ? part : `${part}\n`))).join('') +
      text.slice(end)
    );
  };
  return new Map(
    mix([...files]).map(([path, text]) => {
      if (path === 'policy.yaml') return [path, blocks(text, 'layers:\n', /(?=^ {2}- )/m)];
      if (path.startsWith('modules/')) return [path, blocks(text, 'rules:\n', /(?=^ {2}- id: )/m)];
      return [path, text];
    }),
  );
}

test('loading again gives the same digest; a changed byte another', () => {
  const files = samplePolicy();
  const first = loaded(files).id.digest;
  assert.equal(loaded(new Map([...files].reverse())).id.digest, first);
  const changed = new Map(files).set('schema.yaml', `${files.get('schema.yaml') ?? ''}# a\n`);
  assert.notEqual(loaded(changed).id.digest, first);
  const tests = new Map(files).set('tests/x.test.yaml', 'cases: []');
  assert.equal(loaded(tests).id.digest, first, 'tests decide nothing');
  const result = loadPolicy(files, kinds, { commit: 'abc' });
  assert.equal(result.ok && result.value.id.commit, 'abc');
});
