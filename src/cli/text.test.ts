import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonLines } from '../server/api/recordings.ts';
import type { DecisionRecord, SessionDetail } from '../server/api/records.ts';
import { safe, table, visible } from './command.ts';
import { explanationText } from './explain.ts';
import { statusText } from './policy.ts';
import { listText, sessionText } from './sessions.ts';

const denied: DecisionRecord = {
  id: 's1.2',
  session: 's1',
  at: '2026-01-01T10:00:01.500Z',
  identity: {
    subject: 'bot',
    kind: 'agent',
    groups: [],
    actingFor: { subject: 'ana', kind: 'human', groups: [] },
  },
  resource: 'shop',
  decision: 'deny',
  verb: 'sql.delete',
  access: 'write',
  targets: [],
  columns: [],
  rules: [{ id: 'agents/no-writes' }],
  wouldBe: [],
  duties: [],
  policy: 'abc',
  denial: {
    class: 'RULE',
    rule: 'agents/no-writes',
    at: 'modules/agents.policy.yaml:9:5',
    why: 'Agents do not write',
    fix: ['Ask a person'],
    retryable: false,
    decisionId: 's1.2',
  },
  text: 'delete from orders\n  where \u001b[31mid = 1',
};

const session: SessionDetail = {
  id: 's1',
  identity: denied.identity,
  resource: 'shop',
  kind: 'postgres',
  startedAt: '2026-01-01T10:00:00.000Z',
  endedAt: '2026-01-01T10:00:02.000Z',
  state: 'closed',
  why: 'client left',
  peer: '127.0.0.1:5',
  run: 'turn-7',
  decisions: 2,
  allowed: 1,
  denied: 1,
  reviewed: 0,
  statements: [
    {
      ...denied,
      id: 's1.1',
      decision: 'allow',
      verb: 'sql.select',
      access: 'read',
      rules: [{ id: 'reading/staff-read', at: 'modules/reading.policy.yaml:7:5' }],
      text: 'select 1',
      outcome: { kind: 'ok', rows: 5, bytes: 100, masked: 20, withheld: 1 },
    },
    denied,
  ],
};
const { denial: _denial, ...allowed } = session.statements[0] ?? denied;

test('sessionText() shows each statement with verdict, rule and place, and how it ended', () => {
  const text = sessionText({ ...session, statements: [allowed, denied] });
  assert.equal(
    text,
    `session s1
  bot for ana -> shop (postgres)
  2026-01-01 10:00:00 UTC, closed 2026-01-01 10:00:02 UTC (client left), from 127.0.0.1:5, run turn-7

10:00:01.500  ALLOWED  sql.select (read)  s1.1
  | select 1
  rule   reading/staff-read (modules/reading.policy.yaml:7:5)
  ended  5 rows, 20 values masked, 1 withheld

10:00:01.500  DENIED   sql.delete (write)  s1.2
  | delete from orders
  |   where \\u{1b}[31mid = 1
  why    Agents do not write
  rule   agents/no-writes (modules/agents.policy.yaml:9:5)
  fix    Ask a person
`,
  );
});

test('sessionText() says when the statement was erased, and when there were none', () => {
  const { text: _text, ...erased } = denied;
  assert.match(sessionText({ ...session, statements: [erased] }), /\(the statement was erased\)/);
  assert.match(sessionText({ ...session, statements: [] }), /No statements/);
});

test('listText() is a table with one line a session', () => {
  const { statements: _statements, ...summary } = session;
  const lines = listText([summary]).trimEnd().split('\n');
  assert.equal(lines.length, 2);
  assert.match(lines[1] ?? '', /^s1 +2026-01-01 10:00:00 UTC +closed +bot for ana +shop +2 +1$/);
  assert.equal(listText([]), 'No sessions\n');
});

test('explanationText() says why, by which rule, where, and what would be masked', () => {
  const rule = { id: 'm/r' as never, effect: 'allow' as const, at: 'm.policy.yaml:1:2' };
  const text = explanationText({
    identity: 'ana',
    resource: 'shop',
    policy: 'a'.repeat(64),
    statements: [
      {
        verb: 'sql.select',
        access: 'read',
        targets: [{ kind: 'table', name: 'public.customers', access: 'read' }],
        columns: [],
        notes: [],
        decision: 'deny',
        class: 'NO_ALLOW_RULE',
        why: 'No rule allows it',
        fix: ['Ask'],
        rules: [],
        wouldBe: [],
        nearest: { rule, failed: 'action.own' },
        masks: [{ object: 'public.customers', column: 'email', operator: 'redact' }],
        rowLimit: 500,
        record: 'full',
        approve: [],
        identities: [
          {
            subject: 'ana',
            kind: 'human',
            rules: [
              {
                rule,
                layer: 'team',
                enforce: 'enforce',
                outcome: 'no-match',
                tests: [
                  {
                    source: 'action.own',
                    at: 'm.policy.yaml:3:4',
                    outcome: 'no',
                    facts: [{ path: 'action.own', value: 'false' }, { path: 'identity.mfa' }],
                  },
                ],
              },
            ],
          },
        ],
      },
    ],
  });
  for (const part of [
    'asked for ana: 0 matched',
    'no-match allow m/r (m.policy.yaml:1:2), layer team',
    'no    action.own (m.policy.yaml:3:4): action.own = false, identity.mfa is absent',
    'DENIED  sql.select',
    'm/r (m.policy.yaml:1:2) fails: action.own',
    'fix    Ask',
    'customers.email: redact',
    '500 rows',
  ]) {
    assert.ok(text.includes(part), part);
  }
});

test('statusText() says what is in force, and what was refused', () => {
  assert.match(statusText({ loaded: false, problems: [] }), /everything is denied/);
  const text = statusText({ loaded: true, digest: 'abc', commit: 'def', problems: ['m.yaml:1:1 wrong'] });
  assert.match(text, /In force: abc at def\nA newer one was refused:\n {2}m\.yaml:1:1 wrong/);
});

test('safe() leaves a terminal nothing to obey', () => {
  assert.equal(safe('a\u001b]0;x\u0007\r\u202eb\n\tc'), 'a\\u{1b}]0;x\\u{7}\\u{d}\\u{202e}b\n\tc');
  assert.equal(
    table([
      ['a', 'b'],
      ['ccc', 'd'],
    ]),
    'a    b\nccc  d\n',
  );
});

test('JSON on a terminal is the same JSON, without controls of terminals and of directions', async () => {
  const text = 'a\u001b]52;c;aGk=\u0007\u009b31m\u009d0;t\u009c\u007f\u202egnp\u2066\u200f é 😀';
  const scene = { at: 1, kind: 'gap' as const, why: text };
  async function* scenes(): AsyncGenerator<typeof scene> {
    yield await Promise.resolve(scene);
  }
  let line = '';
  for await (const piece of jsonLines(scenes())) line += piece;
  for (const shown of [visible(JSON.stringify(scene)), line]) {
    assert.doesNotMatch(shown.trimEnd(), /\p{C}/u);
    assert.match(shown, /é 😀/);
    assert.deepEqual(JSON.parse(shown), scene);
  }
});
