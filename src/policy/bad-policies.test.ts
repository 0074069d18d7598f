import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant } from '../base/time.ts';
import { kinds } from './fake.ts';
import type { Around } from './findings.ts';
import type { PolicyProblem } from './problem.ts';
import { review } from './review.ts';

// Small policies with one fault each, written otherwise than the pages of the findings show, and sound ones that look like them.

const main = (use = '{ module: m }', more = ''): string =>
  `apiVersion: sallyport/v1\nlayers: [{ name: a, role: grant, use: [${use}] }]\n${more}`;
const mod = (rules: string, head = 'owner: team:a\n'): string =>
  `apiVersion: sallyport/v1\nmodule: m\n${head}rules:\n${rules}`;
const W = '\n    why: w\n    fix: f\n';
const A = `  - id: a\n    effect: allow\n    match: { resource: { kind: postgres }, identity: { groups: [g] }, access: read }${W}`;
type Files = Readonly<Record<string, string>>;
const one = (rules: string, more: Files = {}, head?: string): Files => ({
  'policy.yaml': main(),
  'modules/m.policy.yaml': mod(rules, head),
  ...more,
});
const tests = (cases: string): Files => ({
  'tests/a.test.yaml': `apiVersion: sallyport/v1\nfixtures:\n  identities: { u: { groups: [g] } }\n  resources: { shop: { kind: postgres } }\ncases:\n${cases}`,
});
const bad: readonly (readonly [what: string, code: string, at: string, files: Files, around?: Around])[] = [
  [
    'unknown attribute nested in exists',
    'SP-T101',
    'o.nmae ==',
    one(
      A +
        `  - id: b\n    effect: deny\n    match: { resource: { kind: postgres } }\n    when: action.objects.exists(o, o.nmae == "x")${W}`,
    ),
  ],
  [
    'attribute of another kind',
    'SP-T101',
    'action.method',
    one(
      `  - id: b\n    effect: deny\n    match: { resource: { kind: [postgres, http] } }\n    when: action.method == "GET"${W}`,
    ),
  ],
  [
    'unguarded optional in or',
    'SP-T104',
    'identity.risk',
    one(
      `  - id: b\n    effect: deny\n    match: { resource: { kind: postgres } }\n    when: action.byKey || identity.risk > 5${W}`,
      { 'schema.yaml': 'apiVersion: sallyport/v1\nidentity: { risk: number }\n' },
    ),
  ],
  [
    'type mismatch in ternary',
    'SP-T102',
    'action.byKey ?',
    one(
      `  - id: b\n    effect: deny\n    match: { resource: { kind: postgres } }\n    when: 'action.byKey ? "x" : false'${W}`,
    ),
  ],
  [
    'condition not boolean',
    'SP-T',
    'size(',
    one(
      `  - id: b\n    effect: deny\n    match: { resource: { kind: postgres } }\n    when: size(action.objects)${W}`,
    ),
  ],
  [
    'bad regex',
    'SP-T',
    '"a(?=b)"',
    one(
      `  - id: b\n    effect: deny\n    match: { resource: { kind: http } }\n    when: action.route.matches("a(?=b)")${W}`,
    ),
  ],
  [
    'verb pattern matching nothing',
    'SP-T107',
    "'sql.*'",
    one(`  - id: b\n    effect: deny\n    match: { resource: { kind: http }, action: 'sql.*' }${W}`),
  ],
  [
    'unreachable: range',
    'SP-S201',
    'id: b',
    one(
      `  - id: b\n    effect: deny\n    match: { resource: { kind: http } }\n    when: action.bytes > 10.0 && action.bytes < 5.0${W}`,
    ),
  ],
  [
    'unreachable: in and ==',
    'SP-S201',
    'id: b',
    one(
      `  - id: b\n    effect: deny\n    match: { resource: { kind: http } }\n    when: action.method in ["GET", "HEAD"] && action.method == "POST"${W}`,
    ),
  ],
  [
    'unreachable: match vs when',
    'SP-S201',
    'id: b',
    one(
      `  - id: b\n    effect: deny\n    match: { resource: { kind: postgres }, access: write }\n    when: action.access == "read"${W}`,
    ),
  ],
  [
    'unreachable: not both',
    'SP-S201',
    'id: b',
    one(
      `  - id: b\n    effect: deny\n    match: { resource: { kind: postgres } }\n    when: action.byKey && !action.byKey${W}`,
    ),
  ],
  [
    'unreachable: groups literal both has and not',
    'SP-S201',
    'id: b',
    one(
      `  - id: b\n    effect: deny\n    match: { resource: { kind: postgres }, identity: { groups: [x] } }\n    when: '!("x" in identity.groups)'${W}`,
    ),
  ],
  [
    'overridden by pattern deny',
    'SP-S202',
    'id: a',
    one(
      A +
        `  - id: d\n    effect: deny\n    match: { resource: { kind: [postgres, http] }, action: ['sql.*', 'http.*'] }${W}`.replace(
          /action: \[.*?\] /,
          '',
        ),
    ),
  ],
  [
    'overridden by two denies together',
    'SP-S202',
    'id: a',
    one(
      `  - id: a\n    effect: allow\n    match: { resource: { kind: postgres }, identity: { groups: [g] }, action: [sql.select, sql.update] }${W}  - id: d1\n    effect: deny\n    match: { resource: { kind: postgres }, action: sql.select }${W}  - id: d2\n    effect: deny\n    match: { resource: { kind: postgres }, action: sql.update }${W}`,
    ),
  ],
  [
    'overridden: byKey and !byKey denies',
    'SP-S202',
    'id: a',
    one(
      A +
        `  - id: d1\n    effect: deny\n    match: { resource: { kind: postgres } }\n    when: action.byKey${W}  - id: d2\n    effect: deny\n    match: { resource: { kind: postgres } }\n    when: '!action.byKey'${W}`,
    ),
  ],
  [
    'redundant narrower allow',
    'SP-S203',
    'id: b',
    one(
      A +
        `  - id: b\n    effect: allow\n    match: { resource: { kind: postgres, name: shop }, identity: { groups: [g] }, access: read, action: sql.select }${W}`,
    ),
  ],
  [
    'redundant duplicate deny, other order of words',
    'SP-S203',
    'id: c',
    one(
      A +
        `  - id: b\n    effect: deny\n    match: { action: [sql.drop, sql.truncate], resource: { kind: postgres } }${W}  - id: c\n    effect: deny\n    match: { resource: { kind: postgres }, action: [sql.truncate, sql.drop] }${W}`,
    ),
  ],
  [
    'redundant limit larger',
    'SP-S203',
    'id: c',
    one(
      A +
        `  - id: b\n    effect: require\n    match: { resource: { kind: postgres } }\n    then: { limit: { rows: 10 } }${W}  - id: c\n    effect: require\n    match: { resource: { kind: postgres }, access: read }\n    then: { limit: { rows: 100 } }${W}`,
    ),
  ],
  [
    'unmasked: mask only for reads by select',
    'SP-S204',
    'id: a',
    one(
      A +
        `  - id: k\n    effect: require\n    match: { resource: { kind: postgres }, action: sql.select }\n    then: { mask: [{ tag: pii/*, with: redact }] }${W}`,
      { 'schema.yaml': "apiVersion: sallyport/v1\ntags: { '*': { public.t.e: pii/email } }\n" },
    ),
  ],
  [
    'unmasked: mask conditional',
    'SP-S204',
    'id: a',
    one(
      A +
        `  - id: k\n    effect: require\n    match: { resource: { kind: postgres } }\n    when: action.byKey\n    then: { mask: [{ tag: pii/*, with: redact }] }${W}`,
      { 'schema.yaml': "apiVersion: sallyport/v1\ntags: { '*': { public.t.e: pii/email } }\n" },
    ),
  ],
  [
    'unmasked: typo tag',
    'SP-S204',
    'public.t.e',
    one(
      A +
        `  - id: k\n    effect: require\n    match: { resource: { kind: postgres } }\n    then: { mask: [{ tag: pi/*, with: redact }] }${W}`,
      { 'schema.yaml': "apiVersion: sallyport/v1\ntags: { '*': { public.t.e: pii/email } }\n" },
    ),
  ],
  [
    'conflict windows',
    'SP-S205',
    'id: k',
    one(
      A +
        `  - id: k\n    effect: require\n    match: { resource: { kind: postgres } }\n    then: { window: { days: mon-fri, hours: '09:00-17:00', zone: Europe/Berlin } }${W}  - id: l\n    effect: require\n    match: { resource: { kind: postgres } }\n    then: { window: { days: mon-fri, hours: '18:00-20:00', zone: Europe/Berlin } }${W}`,
    ),
  ],
  [
    'conflict columns',
    'SP-S205',
    'id: k',
    one(
      A +
        `  - id: k\n    effect: require\n    match: { resource: { kind: postgres } }\n    then: { columns: [public.t.a] }${W}  - id: l\n    effect: require\n    match: { resource: { kind: postgres } }\n    then: { columns: [public.u.*] }${W}`,
    ),
  ],
  [
    'readOnly on writes',
    'SP-S205',
    'id: k',
    one(
      A +
        `  - id: k\n    effect: require\n    match: { resource: { kind: postgres }, access: [write, define] }\n    then: { readOnly: true }${W}`,
    ),
  ],
  [
    'broad allow by when always true',
    'SP-S210',
    'id: b',
    one(
      `  - id: b\n    effect: allow\n    match: { resource: { kind: postgres }, access: read }\n    when: 'true'${W}`,
    ),
  ],
  [
    'broad allow groups *',
    'SP-S210',
    'id: b',
    one(
      `  - id: b\n    effect: allow\n    match: { resource: { kind: postgres }, identity: { subject: '*' }, access: read }${W}`,
    ),
  ],
  [
    'on request self',
    'SP-S222',
    'id: b',
    one(
      `  - id: b\n    effect: allow\n    match: { resource: { kind: postgres }, identity: { groups: [g] }, access: read }\n    onRequest: { approve: { from: [g] }, longest: 1h }${W}`,
    ),
  ],
  [
    'codeowners',
    'SP-S221',
    'id: k',
    one(
      A +
        `  - id: k\n    effect: require\n    match: { resource: { kind: postgres }, access: write }\n    then: { approve: { from: [dba] } }${W}`,
    ),
    { ownersOf: () => ['@acme/DBA', '@acme/sec'] },
  ],
  [
    'missing why only',
    'SP-M101',
    'id: b',
    one(`  - id: b\n    effect: deny\n    match: { resource: { kind: postgres } }\n    fix: f\n`),
  ],
  ['no owner anywhere', 'SP-M101', 'id: a', one(A, {}, '')],
  [
    'rule without test',
    'SP-M110',
    'id: d',
    {
      ...one(
        A + `  - id: d\n    effect: deny\n    match: { resource: { kind: postgres }, action: sql.drop }${W}`,
        tests(`  - { name: n, as: u, do: { action: sql.select, on: shop }, expect: { decision: allow } }\n`),
      ),
      'policy.yaml': main(undefined, 'thresholds: { ruleCoverage: 100 }\n'),
    },
  ],
  [
    'weak test',
    'SP-M112',
    'id: a',
    {
      ...one(
        A,
        tests(`  - { name: n, as: u, do: { action: sql.select, on: shop }, expect: { decision: allow } }\n`),
      ),
      'policy.yaml': main(undefined, 'thresholds: { mutationScore: 100 }\n'),
    },
  ],
  [
    'test fails',
    'SP-M120',
    '{ name: n',
    one(
      A,
      tests(
        `  - { name: n, as: u, do: { action: sql.drop, on: shop, access: define }, expect: { decision: allow } }\n`,
      ),
    ),
  ],
  [
    'expired exemption',
    'SP-E301',
    'id: e',
    one(
      A + `  - id: d\n    effect: deny\n    match: { resource: { kind: postgres }, action: sql.drop }${W}`,
      {
        'exemptions.yaml':
          "apiVersion: sallyport/v1\nexemptions:\n  - { id: e, rule: m/d, scope: { identity: bob }, expires: '2026-11-20', owner: a, ticket: T-1, reason: r }\n",
      },
    ),
  ],
  [
    'overlong exemption',
    'SP-E302',
    'id: e',
    one(
      A + `  - id: d\n    effect: deny\n    match: { resource: { kind: postgres }, action: sql.drop }${W}`,
      {
        'exemptions.yaml':
          "apiVersion: sallyport/v1\nexemptions:\n  - { id: e, rule: m/d, scope: { identity: bob }, expires: '2027-12-20', owner: a, ticket: T-1, reason: r }\n",
      },
    ),
  ],
  [
    'orphan exemption',
    'SP-E300',
    'm/dd',
    one(A, {
      'exemptions.yaml':
        "apiVersion: sallyport/v1\nexemptions:\n  - { id: e, rule: m/dd, scope: { identity: bob }, expires: '2026-12-20', owner: a, ticket: T-1, reason: r }\n",
    }),
  ],
  [
    'no grant layer',
    'SP-S211',
    'apiVersion',
    {
      ...one(`  - id: d\n    effect: deny\n    match: { resource: { kind: postgres } }${W}`),
      'policy.yaml': main().replace('grant', 'ceiling'),
    },
  ],
  [
    'allow in restrict',
    'SP-L104',
    'id: a',
    { ...one(A), 'policy.yaml': main().replace('grant', 'restrict') },
  ],
  [
    'param given of wrong type',
    'SP-',
    'many',
    {
      ...one(A, {}, 'owner: a\nparams: { n: { type: int, default: 3 } }\n'),
      'policy.yaml': main('{ module: m, with: { n: many } }'),
    },
  ],
  [
    'unknown param',
    'SP-',
    'row: 3',
    {
      ...one(A, {}, 'owner: a\nparams: { rows: { type: int, default: 3 } }\n'),
      'policy.yaml': main('{ module: m, with: { row: 3 } }'),
    },
  ],
  ['unknown key effect', 'SP-Y002', 'efect', one(A.replace('effect:', 'efect:'))],
  [
    'costly nested exists',
    'SP-T106',
    '.exists(d',
    one(
      `  - id: b\n    effect: deny\n    match: { resource: { kind: postgres } }\n    when: action.objects.exists(a, action.objects.exists(b, action.objects.exists(c, action.objects.exists(d, d.name == a.name))))${W}`,
    ),
  ],
];
const more = (extra: string, others: Files = {}): Files => one(A + extra, others);
const good: readonly (readonly [what: string, files: Files])[] = [
  [
    'every access, said so',
    one(
      `  - id: b\n    effect: allow\n    match: { resource: { kind: postgres }, identity: { groups: [g] }, access: [read, write, define, administer, execute] }${W}`,
    ),
  ],
  [
    'all of SQL, said so',
    one(
      `  - id: b\n    effect: allow\n    match: { resource: { kind: postgres }, identity: { groups: [g] }, action: 'sql.*' }${W}`,
    ),
  ],
  ['plain', one(A)],
  [
    'deny narrower than allow',
    more(`  - id: d\n    effect: deny\n    match: { resource: { kind: postgres }, action: sql.drop }${W}`),
  ],
  [
    'deny conditional',
    more(
      `  - id: d\n    effect: deny\n    match: { resource: { kind: postgres } }\n    when: '!action.byKey'${W}`,
    ),
  ],
  [
    'soft deny whole',
    more(
      `  - id: d\n    effect: deny\n    enforce: soft\n    breakGlass: { groups: [sre], ticket: 'INC-[0-9]+' }\n    match: { resource: { kind: postgres } }${W}`,
    ),
  ],
  [
    'shadow deny whole',
    more(`  - id: d\n    effect: deny\n    enforce: shadow\n    match: { resource: { kind: postgres } }${W}`),
  ],
  [
    'two allows overlapping groups',
    more(
      `  - id: b\n    effect: allow\n    match: { resource: { kind: postgres }, identity: { groups: [g, h] }, access: read, action: sql.select }${W}`,
    ),
  ],
  [
    'mask everywhere',
    more(
      `  - id: k\n    effect: require\n    match: { resource: { kind: postgres } }\n    then: { mask: [{ tag: pii/*, with: redact }] }${W}`,
      { 'schema.yaml': "apiVersion: sallyport/v1\ntags: { '*': { public.t.e: pii/email } }\n" },
    ),
  ],
  [
    'mask for others, clear for the rest',
    {
      ...more(
        `  - id: k\n    effect: require\n    match: { resource: { kind: postgres } }\n    when: '!("g" in identity.groups)'\n    then: { mask: [{ tag: pii/*, with: redact }] }${W}`,
        { 'schema.yaml': "apiVersion: sallyport/v1\ntags: { '*': { public.t.e: pii/email } }\n" },
      ),
      'policy.yaml': main(undefined, 'clear: [{ tag: pii/*, groups: [g], why: w }]\n'),
    },
  ],
  [
    'windows overlap by a minute',
    more(
      `  - id: k\n    effect: require\n    match: { resource: { kind: postgres } }\n    then: { window: { days: mon-fri, hours: '09:00-17:00', zone: UTC } }${W}  - id: l\n    effect: require\n    match: { resource: { kind: postgres } }\n    then: { window: { days: fri-sun, hours: '16:55-20:00', zone: UTC } }${W}`,
    ),
  ],
  [
    'windows of different kinds of access',
    more(
      `  - id: k\n    effect: require\n    match: { resource: { kind: postgres }, access: read }\n    then: { window: { days: mon-fri, zone: UTC } }${W}  - id: l\n    effect: require\n    match: { resource: { kind: postgres }, access: write }\n    then: { window: { days: sat-sun, zone: UTC } }${W}`,
    ),
  ],
  [
    'approve by others',
    more(
      `  - id: k\n    effect: require\n    match: { resource: { kind: postgres }, identity: { groups: [g] }, access: write }\n    then: { approve: { from: [leads] } }${W}`,
    ),
  ],
  [
    'optional guarded',
    more(
      `  - id: b\n    effect: deny\n    match: { resource: { kind: postgres } }\n    when: has(identity.risk) && identity.risk > 5.0${W}`,
      { 'schema.yaml': 'apiVersion: sallyport/v1\nidentity: { risk: number }\n' },
    ),
  ],
  [
    'optional guarded by not has or',
    more(
      `  - id: b\n    effect: deny\n    match: { resource: { kind: postgres } }\n    when: '!has(identity.risk) || identity.risk > 5.0'${W}`,
      { 'schema.yaml': 'apiVersion: sallyport/v1\nidentity: { risk: number }\n' },
    ),
  ],
  [
    'range open',
    more(
      `  - id: b\n    effect: deny\n    match: { resource: { kind: http } }\n    when: action.bytes >= 5.0 && action.bytes <= 5.0${W}`,
    ),
  ],
  [
    'not equal twice',
    more(
      `  - id: b\n    effect: deny\n    match: { resource: { kind: http } }\n    when: action.method != "GET" && action.method != "HEAD"${W}`,
    ),
  ],
  [
    'same rule two modules layers',
    {
      'policy.yaml':
        'apiVersion: sallyport/v1\nlayers: [{ name: a, role: grant, use: [{ module: m }] }, { name: b, role: ceiling, use: [{ module: m, as: c }] }]\n',
      'modules/m.policy.yaml': mod(A),
    },
  ],
  [
    'limits: two different',
    more(
      `  - id: b\n    effect: require\n    match: { resource: { kind: postgres } }\n    then: { limit: { rows: 10 } }${W}  - id: c\n    effect: require\n    match: { resource: { kind: postgres } }\n    then: { limit: { bytes: 100 } }${W}`,
    ),
  ],
  [
    'smaller limit for agents',
    more(
      `  - id: b\n    effect: require\n    match: { resource: { kind: postgres } }\n    then: { limit: { rows: 100 } }${W}  - id: c\n    effect: require\n    match: { resource: { kind: postgres }, identity: { kind: agent } }\n    then: { limit: { rows: 10 } }${W}`,
    ),
  ],
  [
    'allow http all verbs',
    more(
      `  - id: b\n    effect: allow\n    match: { resource: { kind: http, name: web }, identity: { groups: [g] } }${W}`,
    ),
  ],
  [
    'condition on time',
    more(
      `  - id: b\n    effect: deny\n    match: { resource: { kind: postgres }, access: write }\n    when: now.getDayOfWeek("UTC") == 0${W}`,
    ),
  ],
];

function found(files: Files, around: Around = {}): readonly PolicyProblem[] {
  return review(new Map(Object.entries(files)), kinds, instant(Date.parse('2026-11-21T12:00:00Z')), around)
    .problems;
}

/** The source from where a problem stands to the end of the line. */
function textAt(files: Files, { file, line, col }: PolicyProblem): string {
  return files[file]?.split('\n')[line - 1]?.slice(col - 1) ?? '';
}

for (const [what, code, at, files, around] of bad) {
  test(`found: ${what}`, () => {
    const all = found(files, around);
    const problem = all.find((each) => each.code.startsWith(code) && textAt(files, each).startsWith(at));
    assert.ok(problem !== undefined, all.map((each) => `${each.code} ${textAt(files, each)}`).join('\n'));
  });
}

for (const [what, files] of good) {
  test(`nothing found: ${what}`, () => {
    // Only that no test was written for its rules.
    const doubts = found(files).filter((each) => each.code !== 'SP-M110');
    assert.deepEqual(
      doubts.map((each) => `${each.code} ${each.message}`),
      [],
    );
  });
}
