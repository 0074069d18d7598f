import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { filesOf, kinds, loaded, refused, samplePolicy } from './fake.ts';
import { loadPolicy, sha256 } from './load.ts';
import { problemCodes, problemLine } from './problem.ts';

const rule = '- { id: a, effect: allow, match: { resource: { kind: postgres } } }';

function requiring(duty: string): ReadonlyMap<string, string> {
  return filesOf(`- { id: a, effect: require, match: { resource: { kind: postgres } }, then: { ${duty} } }`);
}

/** What is wrong, what the first problem says: `line:col code message`. */
const bad: readonly (readonly [string, ReadonlyMap<string, string>, string | RegExp])[] = [
  [
    'an unknown key',
    filesOf('- { id: a, efect: allow, match: {} }'),
    /m\.policy\.yaml:4:14 SP-Y002 .*`efect`.*did you mean `effect`/,
  ],
  [
    'columns of a kind that does not tell them',
    filesOf('- { id: a, effect: require, match: { resource: { kind: ssh } }, then: { columns: a.b.c } }'),
    /4:\d+ SP-Y011 `columns` cannot be enforced for ssh/,
  ],
  [
    'predicates of any kind',
    filesOf('- { id: a, effect: require, match: {}, then: { predicates: [{ tag: pii/*, allow: none }] } }'),
    /SP-Y011 `predicates` cannot be enforced for sallyport/,
  ],
  ['a duty that is taken back', requiring('justify: false'), /SP-Y004 justify is true or left out/],
  [
    'approval by who asks',
    requiring('approve: { from: dba, notRequester: false }'),
    /SP-S220 Who asks can never approve/,
  ],
  ['a rate without its span', requiring('limit: { rate: 5 }'), /SP-Y004 Rate is a text/],
  ['a rate of nothing', requiring('limit: { rate: 0/1m }'), /SP-Y004 A rate is such as `100\/1m`/],
  [
    'a session of a moment',
    requiring('limit: { session: 10ms }'),
    /SP-Y004 session is a time from `1s` to `7d`/,
  ],
  ['a column with a pattern inside', requiring('columns: public.*.id'), /SP-Y004 A column is such as/],
  ['a ticket that is no pattern', requiring("ticket: '('"), /SP-T103 Not a valid RE2 pattern/],
  [
    'a predicate without a tag',
    requiring('predicates: [{ allow: none }]'),
    /SP-Y003 A predicate needs `tag`/,
  ],
  ['no approval', requiring('approve: []'), /SP-Y004 approve has at least one approval/],
  [
    'a soft rule that nobody may break',
    filesOf('- { id: a, effect: deny, match: {}, enforce: soft }'),
    /SP-Y003 A soft rule says/,
  ],
  ['a window without a zone', requiring('window: { days: mon }'), /SP-Y003 Window needs `zone`/],
  ['a window for always', requiring('window: { zone: UTC }'), /SP-Y004 A window has `days`, `hours` or both/],
  [
    'noise',
    requiring("mask: [{ tag: '*', with: noise }]"),
    /SP-Y004 `noise` is refused unless it is asked for.*averagesOut: accepted/,
  ],
  [
    'noise, asked for otherwise',
    requiring("mask: [{ tag: '*', with: noise, percent: 5, averagesOut: true }]"),
    /SP-Y004 `noise` is refused unless/,
  ],
  [
    'noise of nothing',
    requiring("mask: [{ tag: '*', with: noise, averagesOut: accepted }]"),
    /SP-Y004 `noise` has `percent`/,
  ],
  [
    'too much noise',
    requiring("mask: [{ tag: '*', with: noise, percent: 51, averagesOut: accepted }]"),
    /SP-Y004 Percent is a whole number from 1 to 50/,
  ],
  [
    'noise in a text',
    requiring('mask: [{ find: CREDIT_CARD, with: noise, percent: 5, averagesOut: accepted }]'),
    /SP-Y004 `noise` is for columns/,
  ],
  [
    'noise of another operator',
    requiring("mask: [{ tag: '*', with: hash, percent: 5 }]"),
    /SP-Y004 `percent`, `days` and `averagesOut` belong/,
  ],
  [
    'a width of a hash',
    requiring("mask: [{ tag: '*', with: hash, keepWidth: true }]"),
    /SP-Y004 `keepWidth` belongs to/,
  ],
  ['a zone that is none', requiring('window: { days: mon, zone: Mars/X }'), /SP-Y004 zone is a time zone/],
  ['a day that is none', requiring('window: { days: mon-fry, zone: UTC }'), /SP-Y004 Days are mon, tue/],
  ['an empty span', requiring("window: { hours: '09:00-09:00', zone: UTC }"), /SP-Y004 hours are a span/],
  ['an hour that is none', requiring("window: { hours: '09:00-25:00', zone: UTC }"), /SP-Y004 hours are/],
  ['a missing key', filesOf('- { id: a, effect: allow }'), /4:5 SP-Y003 A rule needs `match`/],
  [
    'an unknown effect',
    filesOf('- { id: a, effect: alow, match: {} }'),
    /4:22 SP-Y004 .*did you mean `allow`/,
  ],
  ['an id twice', filesOf(`${rule}\n${rule}`), /5:7 SP-Y008 There are two rules `m\/a`/],
  ['no rules', filesOf('[]'), /SP-Y004 Rules is|SP-Y004 .*at least one rule/],
  ['an anchor', filesOf('- &x { id: a, effect: allow, match: {} }'), /SP-Y005 Anchors/],
  ['an alias', filesOf(`${rule}\n- *x`), /SP-Y001|SP-Y005/],
  ['a tag', filesOf('- !!js/function "x"'), /SP-Y001|SP-Y005/],
  ['a tab', filesOf('-\tid: a\n\teffect: allow'), /SP-Y001/],
  ['a key twice', filesOf('- { id: a, id: b, effect: allow, match: {} }'), /4:14 SP-Y001 .*unique/],
  ['two documents', filesOf(`${rule}\n---\na: 1`), /SP-Y001/],
  ['a file of 10 MB', filesOf(`${rule} # ${'x'.repeat(10_000_000)}`), /SP-Y006/],
  ['an empty file', new Map([['policy.yaml', '']]), /policy\.yaml:1:1 SP-Y001 The file is empty/],
  ['no policy.yaml', new Map([['schema.yaml', 'apiVersion: sallyport/v1']]), /policy\.yaml:1:1 SP-Y003/],
  [
    'another version',
    new Map([
      ...filesOf(rule),
      ['policy.yaml', 'apiVersion: sallyport/v2\nlayers: [{ name: a, role: grant, use: [{ module: m }] }]'],
    ]),
    /1:13 SP-Y009/,
  ],
  [
    'a file that would not be read',
    new Map([...filesOf(rule), ['modules/x.yaml', 'rules: []']]),
    /modules\/x\.yaml:1:1 SP-Y007/,
  ],
  [
    'a module in no layer',
    new Map([
      ...filesOf(rule),
      ['modules/x.policy.yaml', `apiVersion: sallyport/v1\nmodule: x\nrules: [${rule.slice(2)}]`],
    ]),
    /modules\/x\.policy\.yaml:1:1 SP-L102/,
  ],
  [
    'a module that is not there',
    new Map([
      ['policy.yaml', 'apiVersion: sallyport/v1\nlayers: [{ name: a, role: grant, use: [{ module: m }] }]'],
    ]),
    /2:50 SP-L101/,
  ],
  [
    'an allow in a restrict layer',
    new Map([
      ...filesOf(rule),
      [
        'policy.yaml',
        'apiVersion: sallyport/v1\nlayers: [{ name: a, role: restrict, use: [{ module: m }] }]',
      ],
    ]),
    /SP-L104/,
  ],
  [
    'an unknown kind',
    filesOf('- { id: a, effect: allow, match: { resource: { kind: postgress } } }'),
    /4:56 SP-T107 .*did you mean `postgres`/,
  ],
  [
    'an unknown verb',
    filesOf('- { id: a, effect: deny, match: { resource: { kind: postgres }, action: [sql.delte] } }'),
    /SP-T107 .*did you mean `sql.delete`/,
  ],
  [
    'a verb of another kind',
    filesOf('- { id: a, effect: deny, match: { resource: { kind: postgres }, action: [ssh.exec] } }'),
    /SP-T107 No verb `ssh.exec` in postgres/,
  ],
  ['an unknown access', filesOf('- { id: a, effect: deny, match: { access: raed } }'), /SP-T107 .*`read`/],
  [
    'duties on an allow',
    filesOf('- { id: a, effect: allow, match: {}, then: { record: full } }'),
    /SP-Y004 An allow rule has no duties/,
  ],
  ['a require without duties', filesOf('- { id: a, effect: require, match: {} }'), /SP-Y003/],
  ['a require with empty duties', filesOf('- { id: a, effect: require, match: {}, then: {} }'), /SP-Y004/],
  [
    'a duty that is not known',
    filesOf('- { id: a, effect: require, match: {}, then: { maks: [] } }'),
    /SP-Y002 .*`mask`/,
  ],
  [
    'a limit of nothing',
    filesOf('- { id: a, effect: require, match: {}, then: { limit: { rows: 0 } } }'),
    /SP-Y004 Rows/,
  ],
  [
    'an approval by nobody',
    filesOf('- { id: a, effect: require, match: {}, then: { approve: { from: [] } } }'),
    /SP-Y004/,
  ],
  [
    'a partial mask that keeps nothing',
    filesOf('- { id: a, effect: require, match: {}, then: { mask: [{ tag: pii/*, with: partial }] } }'),
    /SP-Y004/,
  ],
  [
    'a soft allow',
    filesOf('- { id: a, effect: allow, match: {}, enforce: soft, breakGlass: { groups: [a] } }'),
    /SP-Y004 Only a deny/,
  ],
  [
    'a param that is not there',
    filesOf("- { id: a, effect: allow, match: { identity: { groups: ['{{params.x}}'] } } }"),
    /SP-L105/,
  ],
  [
    'a param without a value',
    filesOf(rule, { head: 'params: { x: { type: group } }\n' }),
    /policy\.yaml:3:\d+ SP-L105 .*`x`/,
  ],
  [
    'an exemption of no rule',
    filesOf(rule, {
      exemptions:
        '  - { id: E, rule: m/b, scope: { identity: a }, expires: 2026-01-01, owner: a, ticket: b, reason: c }',
    }),
    /exemptions\.yaml:3:\d+ SP-E300/,
  ],
  [
    'an exemption of an allow',
    filesOf(rule, {
      exemptions:
        '  - { id: E, rule: m/a, scope: { identity: a }, expires: 2026-01-01, owner: a, ticket: b, reason: c }',
    }),
    /SP-E300 .*allow rule/,
  ],
  [
    'an exemption for everyone',
    filesOf(rule, {
      exemptions: '  - { id: E, rule: m/a, scope: {}, expires: 2026-01-01, owner: a, ticket: b, reason: c }',
    }),
    /SP-Y004 A scope/,
  ],
  [
    'a wrong digest',
    new Map([...filesOf(rule), ['policy.lock', 'apiVersion: sallyport/v1\nmodules: { m: "sha256:00" }']]),
    /policy\.lock:2:\d+ SP-L103/,
  ],
  [
    'a module that is not locked',
    new Map([...filesOf(rule), ['policy.lock', 'apiVersion: sallyport/v1\nmodules: {}']]),
    /SP-L103/,
  ],
  [
    'a column without its table',
    filesOf(rule, { schema: 'tags: { shop: { ssn: pii/ssn } }' }),
    /schema\.yaml:2:17 SP-Y004/,
  ],
  ['a tag with capitals', filesOf(rule, { schema: 'tags: { shop: { a.b.c: PII } }' }), /SP-Y004/],
];

for (const [what, files, expected] of bad) {
  test(`loadPolicy() refuses ${what}, with its place`, () => {
    const problems = refused(files);
    assert.match(
      problems.map(problemLine).join('\n'),
      expected instanceof RegExp ? expected : new RegExp(expected),
    );
  });
}

/** condition, the column its problem is at (from the condition's first character = 1), the code and a part of the message */
const conditions: readonly (readonly [string, number, string, string])[] = [
  ['action.byKy', 1, 'SP-T101', 'did you mean `action.byKey`?'],
  ['identity.kind == "human" && acton.byKey', 29, 'SP-T101', 'did you mean `action`?'],
  ['action.byKey == "yes"', 1, 'SP-T102', 'bool and string'],
  ['action.byKey && size(action.columns)', 1, 'SP-T102', ''],
  ['size(action.columns)', 1, 'SP-T102', ''],
  ['action.access == "raed"', 18, 'SP-T107', 'did you mean "read"?'],
  ['action.verb in ["sql.selct"]', 17, 'SP-T107', 'did you mean "sql.select"?'],
  ['action.columns.exists(c, c.tgs.size() > 0)', 26, 'SP-T101', 'did you mean `c.tags`?'],
  ['action.columns.exists(action, true)', 15, 'SP-T102', 'a word already'],
  ['resource.name.startWith("a")', 1, 'SP-T105', 'did you mean `startsWith`?'],
  ['resource.name.matches("(")', 23, 'SP-T103', 'RE2'],
  ['resource.name.matches("(?=a)")', 23, 'SP-T103', 'RE2'],
  ['resource.name.matches(identity.subject)', 23, 'SP-T103', 'literal'],
  ['identity.actingFor.subject == "x"', 1, 'SP-T104', 'identity.actingFor'],
  ['identity["mfa"] == true', 1, 'SP-T102', 'by name'],
  ['"groups" in identity', 1, 'SP-T102', ''],
  ['identity == identity', 1, 'SP-T102', ''],
  ['__step()', 1, 'SP-T105', ''],
  ['action.byKey &&', 14, 'SP-T100', 'Not valid CEL'],
  ['action.byKey ? 1 : "a"', 1, 'SP-T102', ''],
  ['[1, "a"].size() == 2', 1, 'SP-T102', ''],
  ['{"a": 1}.size() == 1', 1, 'SP-T102', ''],
];

for (const [when, col, code, message] of conditions) {
  test(`loadPolicy() finds what is wrong with \`${when}\``, () => {
    const text = `-\n  id: a\n  effect: deny\n  match: { resource: { kind: postgres } }\n  when: |\n    ${when}\n`;
    const [problem] = refused(filesOf(text));
    assert.equal(problem?.code, code);
    assert.ok(problem.message.includes(message), problem.message);
    // The condition stands on line 9 of the module, after six spaces.
    assert.deepEqual(
      [problem.line, Math.min(problem.col, 6 + when.length)],
      [9, Math.min(6 + col, 6 + when.length)],
    );
  });
}

test('attributes are narrowed by resource.kind', () => {
  const on = (kind: string, when: string) =>
    filesOf(`- { id: a, effect: deny, match: { resource: { kind: ${kind} } }, when: '${when}' }`);
  loaded(on('ssh', 'action.command == "x"'));
  assert.equal(refused(on('postgres', 'action.command == "x"'))[0]?.code, 'SP-T101');
  assert.equal(refused(on('[postgres, ssh]', 'action.command == "x"'))[0]?.code, 'SP-T101');
  assert.equal(refused(on('[postgres, ssh]', 'action.byKey'))[0]?.code, 'SP-T101', 'of different types');
});

test('a condition on one line keeps its place in every style of quotes', () => {
  const places = ['action.byKy', '"action.byKy"', "'action.byKy'", '"\\"a\\" == \\"b\\" && action.byKy"'].map(
    (when) => {
      const [problem] = refused(
        filesOf(`- id: a\n  effect: deny\n  match: { resource: { kind: postgres } }\n  when: ${when}`),
      );
      return problem?.col;
    },
  );
  assert.deepEqual(places, [11, 12, 12, 30]);
  const folded = filesOf('- id: a\n  effect: deny\n  match: {}\n  when: >\n    true &&\n    false\n');
  assert.equal(refused(folded)[0]?.code, 'SP-T100');
});

test('params are typed, substituted and given by the layer', () => {
  const module = `apiVersion: sallyport/v1
module: m
params:
  who: { type: groups, default: [dba] }
  rows: { type: int }
rules:
  - { id: a, effect: require, match: { identity: { groups: ['{{params.who}}', more] } }, then: { limit: { rows: '{{params.rows}}' } }, why: 'At most {{params.rows}}.' }
`;
  const main = (values: string) =>
    `apiVersion: sallyport/v1\nlayers: [{ name: a, role: restrict, use: [{ module: m, as: n, with: ${values} }] }]`;
  const files = (values: string) =>
    new Map([
      ['policy.yaml', main(values)],
      ['modules/m.policy.yaml', module],
    ]);
  const [rule] = loaded(files('{ rows: 7, who: [x, y] }')).ruling.rules;
  assert.equal(rule?.ref.id, 'n/a');
  assert.equal(rule.ref.why, 'At most 7.');
  assert.equal(rule.duties?.rowLimit, 7);
  assert.deepEqual(rule.match.items.get('identity.groups'), ['x', 'y', 'more']);
  assert.equal(refused(files('{ rows: many }'))[0]?.code, 'SP-L105');
  assert.match(refused(files('{ rows: 7, whom: [x] }'))[0]?.message ?? '', /did you mean `who`/);
});

test('policy.lock pins the modules', () => {
  const files = new Map(filesOf(rule));
  const digest = sha256(files.get('modules/m.policy.yaml') ?? '');
  files.set('policy.lock', `apiVersion: sallyport/v1\nmodules: { m: "sha256:${digest}" }`);
  loaded(files);
  files.set('modules/m.policy.yaml', `${files.get('modules/m.policy.yaml') ?? ''}# changed\n`);
  assert.equal(refused(files)[0]?.code, 'SP-L103');
});

test('tagsOf() joins the tags of all lines that fit; an unknown column has the tags of all', () => {
  const policy = loaded(
    filesOf(rule, {
      schema:
        'tags:\n  shop: { public.c.ssn: pii/ssn, public.*.email: [pii/email, contact] }\n  "*": { "*.ssn": secret/x, hr.*: pii/hr }\n',
    }),
  );
  const tags = (object: string, column: string, name = 'shop') =>
    policy.tagsOf(
      { name: name as never, kind: 'postgres', tags: [], settings: undefined },
      { object, column },
    );
  assert.deepEqual(tags('public.c', 'ssn'), ['pii/ssn', 'secret/x']);
  assert.deepEqual(tags('public.c', 'ssn', 'other'), ['secret/x']);
  assert.deepEqual(tags('public.c', 'email'), ['contact', 'pii/email']);
  assert.deepEqual(tags('public.c', 'name'), []);
  assert.deepEqual(tags('public.c', '*'), ['contact', 'pii/email', 'pii/ssn', 'secret/x']);
  assert.deepEqual(tags('hr.people', '*'), ['pii/hr', 'secret/x']);
  assert.deepEqual(tags('*', '*'), ['contact', 'pii/email', 'pii/hr', 'pii/ssn', 'secret/x']);
});

test('nothing loads partially, and every problem is told at once', () => {
  const problems = refused(
    filesOf(
      '- { id: a, effect: allow, match: {}, when: nope }\n- { id: B, effect: deny, match: { access: x } }',
      {
        schema: 'tgs: {}',
      },
    ),
  );
  assert.deepEqual(
    problems.map((each) => `${each.file} ${each.code}`),
    ['schema.yaml SP-Y002'],
    'rules are not judged without the schema they are typed by',
  );
  const both = refused(
    filesOf(
      '- { id: a, effect: allow, match: {}, when: nope }\n- { id: B, effect: deny, match: { access: x } }',
    ),
  );
  assert.deepEqual(both.map((each) => each.code).sort(), ['SP-T101', 'SP-T107', 'SP-Y004']);
});

test('the sample policy loads', () => {
  const result = loadPolicy(samplePolicy(), kinds);
  assert.ok(result.ok, result.ok ? '' : result.error.map(problemLine).join('\n'));
  for (const { ref } of result.value.ruling.rules) {
    assert.ok(ref.why !== undefined && ref.fix !== undefined && ref.owner !== undefined, ref.id);
  }
});

test('docs/policy.md has every code with its meaning', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'policy.md'), 'utf8');
  const missing = Object.entries(problemCodes).filter(
    ([code, text]) => !page.includes(`| \`${code}\` | ${text} |`),
  );
  assert.deepEqual(missing, []);
});
