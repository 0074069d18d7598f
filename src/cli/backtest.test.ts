import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { instant } from '../base/time.ts';
import type { Denial, RuleId } from '../core/decision.ts';
import type { Actor, DecisionEntry, Entry } from '../core/entry.ts';
import { plainAttributes as attributes } from '../sql/verbs.ts';
import { freshFolder, open, sessionId } from '../stores/fake.ts';
import { audit } from './audit.ts';
import { backtest } from './backtest.ts';

const sample = join(import.meta.dirname, '..', '..', 'policy');
const noRule: Denial = { class: 'NO_ALLOW_RULE', why: '', fix: [], retryable: false, decisionId: 'x' };

function decided(session: string, number: number, who: Actor, more: Partial<DecisionEntry>): DecisionEntry {
  return {
    kind: 'decision',
    at: instant(1_790_000_000_000 + number),
    id: `${session}.${number}` as DecisionEntry['id'],
    session: sessionId(session),
    identity: who,
    resource: 'shop',
    decision: 'allow',
    verb: 'sql.select',
    access: 'read',
    targets: [{ kind: 'table', name: 'public.customers', access: 'read' }],
    columns: [{ object: 'public.customers', column: 'ssn', use: 'output' }],
    attributes,
    rules: ['reading/staff-read', 'baseline/mask-personal-data', 'baseline/mask-identifiers'] as RuleId[],
    wouldBe: [],
    duties: ['mask', 'predicates', 'record:full'],
    policy: 'a'.repeat(64),
    sealed: { text: 'SELECT ssn FROM customers' },
    ...more,
  };
}

function opened(session: string, identity: Actor): Entry {
  const resource = { name: 'shop', kind: 'postgres', tags: [] };
  return {
    kind: 'session.opened',
    at: instant(1_790_000_000_000),
    session: sessionId(session),
    identity,
    resource,
    peer: 'p',
  };
}

const ana: Actor = { subject: 'ana', kind: 'human', groups: ['analysts'] };
const sue: Actor = { subject: 'sue', kind: 'human', groups: ['support'] };
const dan: Actor = { subject: 'dan', kind: 'human', groups: ['dba'] };
const bot: Actor = { subject: 'bot', kind: 'agent', groups: [], actingFor: ana };
const entries: readonly Entry[] = [
  opened('s1', ana),
  decided('s1', 1, ana, {}),
  opened('s2', sue),
  decided('s2', 1, sue, { decision: 'deny', rules: [], duties: [], denial: noRule }),
  opened('s3', dan),
  decided('s3', 1, dan, {
    decision: 'review',
    verb: 'sql.update',
    access: 'write',
    rules: ['changing/wide-changes-wait' as RuleId],
    duties: ['mask', 'approve', 'predicates', 'record:full'],
  }),
  decided('s3', 2, dan, {
    decision: 'deny',
    verb: 'sql.drop',
    access: 'define',
    rules: ['baseline/no-drop' as RuleId],
    duties: [],
    denial: { ...noRule, class: 'RULE' },
  }),
  opened('s4', bot),
  decided('s4', 1, bot, {
    rules: ['agents/agents-read', 'reading/staff-read'] as RuleId[],
    duties: ['mask', 'limit', 'predicates', 'record:full'],
  }),
];

const data = freshFolder();
after(() => data[Symbol.dispose]());
before(async () => {
  await using ledger = await open(data.path);
  await Promise.all(entries.map((entry) => ledger.append(entry)));
  await ledger.close();
});

interface Report {
  readonly decisions: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly groups: readonly {
    fate: string;
    by: string;
    identity: string;
    duties: string[];
    examples: string[];
    fails: boolean;
  }[];
}

async function run(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const code = await backtest(args, { out: (text) => (said.out += text), err: (text) => (said.err += text) });
  return { code, ...said };
}

async function judged(
  directory: string,
  ...args: readonly string[]
): Promise<{ code: number; report: Report }> {
  const { code, out, err } = await run(directory, '--from', data.path, '--json', ...args);
  assert.equal(err, '');
  return { code, report: JSON.parse(out) as Report };
}

async function edited(
  edits: readonly (readonly [string, string, string])[],
): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'sallyport-backtest-'));
  await cp(sample, path, { recursive: true });
  for (const [file, from, to] of edits) {
    const text = await readFile(join(path, file), 'utf8');
    assert.ok(text.includes(from), `${file} has no ${from}`);
    await writeFile(join(path, file), text.replace(from, to));
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

test('backtest says that the policy which decided decides the same, from a ledger and from its export', async () => {
  const { code, report } = await judged(sample);
  assert.deepEqual([code, report.decisions, report.counts['same']], [0, 5, 5], JSON.stringify(report.groups));
  let lines = '';
  await audit(['export', '--data', data.path], { out: (text) => (lines += text), err: assert.fail });
  const file = join(data.path, 'export.jsonl');
  await writeFile(file, lines);
  const exported = await run(sample, '--from', file);
  assert.equal(exported.code, 0, exported.err);
  assert.match(exported.out, /^5 decisions\n +5 {2}same\n[^]*nothing is loosened/);
});

const reading = 'modules/reading.policy.yaml';
const baseline = 'modules/baseline.policy.yaml';
const changes: readonly (readonly [string, readonly [string, string, string], object, number])[] = [
  [
    'an allow that is new',
    [reading, '|| o.name.startsWith("pg_catalog.")', '|| o.name.startsWith("p")'],
    { fate: 'deny→ALLOW', by: 'reading/support-reads-orders', identity: 'sue' },
    1,
  ],
  ['a deny that is gone', [baseline, '[sql.drop, sql.truncate]', '[sql.truncate]'], { fate: 'same' }, 0],
  [
    'an approval that is gone',
    ['modules/changing.policy.yaml', "when: '!action.byKey'", "when: '!action.byKey && action.locks'"],
    { fate: 'duty lost', by: 'changing/wide-changes-wait', identity: 'dan', duties: ['approve'] },
    1,
  ],
  [
    'an approval that is new',
    [
      'modules/agents.policy.yaml',
      'then:\n      limit:',
      'then:\n      approve: { from: dba }\n      limit:',
    ],
    { fate: 'duty gained', by: 'agents/agents-read-little', identity: 'bot', duties: ['approve'] },
    0,
  ],
  [
    'an allow that is gone',
    [reading, 'groups: [analysts, leads, dba]', 'groups: [leads, dba]'],
    { fate: 'allow→deny', by: 'NO_ALLOW_RULE', identity: 'ana' },
    0,
  ],
  [
    'a fact that no entry holds',
    [reading, 'why: Analysts', 'when: has(identity.mfa) && identity.mfa\n    why: Analysts'],
    {
      fate: 'not replayable',
      by: 'reading/staff-read reads identity.mfa, which the record does not hold',
      identity: 'ana',
    },
    0,
  ],
];

for (const [what, edit, expected, code] of changes) {
  test(`backtest tells ${what}`, async () => {
    await using policy = await edited([
      edit,
      ['schema.yaml', '\ntags:', '\nidentity: { mfa: boolean }\ntags:'],
    ]);
    const said = await judged(policy.path);
    const [first] = said.report.groups;
    assert.equal(said.code, code, JSON.stringify(said.report.groups));
    if (first === undefined) assert.deepEqual(expected, { fate: 'same' });
    else assert.partialDeepStrictEqual(first, expected);
  });
}

test('backtest passes what is acknowledged by its rule, and nothing else', async () => {
  await using policy = await edited([
    [reading, '|| o.name.startsWith("pg_catalog.")', '|| o.name.startsWith("p")'],
  ]);
  assert.equal((await judged(policy.path, '--ack', 'reading/support-reads-orders')).code, 0);
  assert.equal((await judged(policy.path, '--ack', 'reading/staff-read')).code, 1);
  const { out } = await run(policy.path, '--from', data.path);
  assert.match(
    out,
    /^deny→ALLOW {2}1 × sue {2}reading\/support-reads-orders\n {2}s2\.1 {2}sql\.select \(read\) on shop: public\.customers\n/,
  );
  assert.match(out, /loosened: say --ack reading\/support-reads-orders if that is meant\n$/);
});

test('backtest guesses nothing: a cut entry, a lost beginning and a deny that no policy made are not replayable', async () => {
  const file = join(data.path, 'odd.jsonl');
  const odd = [
    decided('s9', 1, ana, {}),
    opened('s1', ana),
    { ...decided('s1', 1, ana, {}), cut: { bytes: 1, digest: '' } },
    decided('s1', 2, ana, {
      decision: 'deny',
      rules: [],
      duties: [],
      denial: { ...noRule, class: 'NO_POLICY' },
    }),
    { ...decided('s1', 3, ana, {}), targets: 'x' },
    decided('s1', 4, ana, {
      attributes: { ...attributes, byKey: undefined as unknown as boolean },
      verb: 'sql.update',
    }),
  ];
  await writeFile(file, odd.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  const { out } = await run(sample, '--from', file, '--json');
  const report = JSON.parse(out) as Report;
  assert.equal(report.counts['not replayable'], 5, out);
});

test('backtest exits 2 when it cannot run, without a word of the record', async () => {
  const file = join(data.path, 'broken.jsonl');
  await writeFile(file, '{"kind":"decision","canary\n');
  const empty = join(data.path, 'empty.jsonl');
  await writeFile(empty, '');
  for (const args of [
    [sample],
    [sample, '--from', '/nowhere'],
    [sample, '--from', file],
    [sample, '--from', empty],
    [sample, '--from', sample],
    ['/nowhere', '--from', file],
  ]) {
    const { code, out, err } = await run(...args);
    assert.deepEqual([code, out, err.includes('canary')], [2, '', false]);
    assert.notEqual(err, '');
  }
});

const masked = {
  masks: [[{ tag: 'pii/*', operator: { kind: 'redact' } }]],
  finds: [],
  unknownLineage: 'deny',
  record: 'full',
  approve: [],
  notify: [],
};
const recorded: readonly (readonly [string, readonly [string, string, string], object, object, string])[] = [
  [
    'a mask that is weaker than the one that was recorded in full',
    [baseline, 'tag: pii/ssn, with: redact', 'tag: pii/ssn, with: hash'],
    {},
    { demands: masked },
    'duty lost',
  ],
  [
    'a fact that the session holds',
    [reading, 'id: staff-read', 'id: staff-read\n    when: has(identity.mfa) && identity.mfa'],
    { facts: { ana: { mfa: false } } },
    {},
    'allow→deny',
  ],
  [
    'a fact that no session held',
    [reading, 'id: staff-read', 'id: staff-read\n    when: has(identity.mfa) && identity.mfa'],
    {},
    {},
    'not replayable',
  ],
  [
    'an origin that was known',
    [baseline, 'unknownLineage: withhold', 'unknownLineage: deny'],
    {},
    { opaque: false },
    'same',
  ],
  [
    'an origin that was not known',
    [baseline, 'unknownLineage: withhold', 'unknownLineage: deny'],
    {},
    { opaque: true },
    'allow→deny',
  ],
  [
    'an origin that nobody wrote down',
    [baseline, 'unknownLineage: withhold', 'unknownLineage: deny'],
    {},
    {},
    'not replayable',
  ],
];

for (const [what, edit, session, entry, fate] of recorded) {
  test(`backtest: ${what} is ${fate}`, async () => {
    await using policy = await edited([
      edit,
      ...(what.includes('fact')
        ? ([['schema.yaml', 'tags:', 'identity: { mfa: boolean }\ntags:']] as const)
        : []),
      ...(what.includes('weaker')
        ? ([[baseline, 'tag: pii/*, with: redact', 'tag: pii/*, with: hash']] as const)
        : []),
    ]);
    const file = join(policy.path, 'records.jsonl');
    const lines = [
      { ...opened('s1', ana), ...session },
      { ...decided('s1', 1, ana, {}), ...entry },
    ];
    await writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const { out, err } = await run(policy.path, '--from', file, '--json');
    assert.equal(err, '');
    const { counts, groups } = JSON.parse(out) as Report;
    assert.equal(counts[fate], 1, JSON.stringify(groups));
  });
}

/** A question about a hidden column, as the policy before had let it pass. */
const filtered = (how?: 'equality' | 'other'): object => ({
  columns: [
    { object: 'public.customers', column: 'email', use: 'filter', ...(how === undefined ? {} : { how }) },
  ],
});
const conditions: readonly (readonly [string, readonly object[], Readonly<Record<string, number>>])[] = [
  ['asks whether it equals', [filtered('equality')], { same: 1 }],
  ['asks anything else', [filtered('other')], { 'allow→deny': 1 }],
  ['was written down by an older version', [filtered()], { 'not replayable': 1 }],
  [
    'asks more often than a session may',
    Array<object>(3).fill(filtered('equality')),
    { same: 2, 'allow→deny': 1 },
  ],
];

for (const [what, asked, counts] of conditions) {
  test(`backtest: a condition on a hidden column that ${what}`, async () => {
    await using policy = await edited([[baseline, 'probes: 200', 'probes: 2']]);
    const file = join(policy.path, 'records.jsonl');
    const lines = [
      opened('s1', ana),
      ...asked.map((each, at) => ({ ...decided('s1', at + 1, ana, {}), ...each })),
    ];
    await writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const { out, err } = await run(policy.path, '--from', file, '--json');
    assert.equal(err, '');
    assert.partialDeepStrictEqual((JSON.parse(out) as Report).counts, counts);
  });
}

test('backtest: what an OPA server judges is not replayable, but with --opa-url', async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      asked.push(
        `${request.url} ${(JSON.parse(body) as { input: { identity: { subject: string } } }).input.identity.subject}`,
      );
      response.end(JSON.stringify({ result: { deny: asked.length === 1 ? [] : ['no more'] } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  await using policy = await edited([
    [
      'policy.yaml',
      'layers:\n',
      'layers:\n  - { name: rego, role: restrict, opa: { server: "https://opa.test", entrypoint: gate/decision } }\n',
    ],
  ]);
  const file = join(policy.path, 'records.jsonl');
  const lines = [
    { ...opened('s1', ana), facts: {} },
    { ...decided('s1', 1, ana, {}), opaque: false },
    { ...decided('s1', 2, ana, {}), opaque: false },
  ];
  await writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const offline = JSON.parse((await run(policy.path, '--from', file, '--json')).out) as Report;
  assert.equal(offline.counts['not replayable'], 2);
  assert.match(offline.groups[0]?.by ?? '', /the layer rego is judged by an OPA server/);
  const url = `http://127.0.0.1:${port}`;
  const live = JSON.parse((await run(policy.path, '--from', file, '--json', '--opa-url', url)).out) as Report;
  assert.deepEqual([live.counts['allow→deny'], live.counts['not replayable']], [1, 0]);
  assert.deepEqual(asked, ['/v1/data/gate/decision ana', '/v1/data/gate/decision ana']);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const down = await run(policy.path, '--from', file, '--opa-url', url);
  assert.match(down.err, /--opa-url: The OPA server cannot be reached/);
  assert.equal(down.code, 2);
  for (const bad of ['http://opa.test', 'opa', 'https://a:b@opa.test'])
    assert.equal((await run(policy.path, '--from', file, '--opa-url', bad)).code, 2, bad);
});
