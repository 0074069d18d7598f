import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instant } from '../base/time.ts';
import type { Action } from '../core/action.ts';
import { denial } from '../core/denial.ts';
import type { Session } from '../core/session.ts';
import { Breaker } from './breaker.ts';

const action = (verb: string, tool: string): Action => ({
  verb,
  access: 'execute',
  targets: [{ kind: 'tool', name: tool, access: 'execute' }],
  columns: [],
  attributes: {},
  text: '',
  notes: [],
});
const session = (subject: string, run?: string, id = 's'): Session =>
  ({
    id,
    identity: { subject },
    resource: { name: 'tools' },
    ...(run === undefined ? {} : { run }),
  }) as Session;
const no = (code: Parameters<typeof denial>[0] = 'RULE') => denial(code, 'd', 'No');
const at = (ms: number): Instant => ms as Instant;

test('Breaker: attempts run out, and it trips once', () => {
  const breaker = new Breaker({ denials: 3, withinMs: 1_000 });
  const of = (text: string) => ({ action: action('mcp.call', 'drop'), text, denial: no() });
  // Other words, other arguments, another connection: the same is denied by the same.
  assert.deepEqual(breaker.count(session('a', 'r', 's1'), of('x'), at(0)), {
    attemptsLeft: 2,
    denials: 1,
    tripped: false,
  });
  assert.equal(breaker.count(session('a', 'r', 's2'), of('y /* */'), at(1))?.attemptsLeft, 1);
  assert.equal(breaker.count(session('a', 'r'), of('z'), at(2))?.tripped, true);
  assert.deepEqual(breaker.count(session('a', 'r'), of('z'), at(3)), {
    attemptsLeft: 0,
    denials: 4,
    tripped: false,
  });
  assert.equal(
    breaker.count(session('a', 'r'), of('z'), at(2_000))?.attemptsLeft,
    2,
    'old denials are forgotten',
  );
});

test('Breaker: another run, identity, tool or kind of denial is counted by itself', () => {
  const breaker = new Breaker({ denials: 2, withinMs: 1_000 });
  const of = { action: action('mcp.call', 'drop'), text: '', denial: no() };
  breaker.count(session('a', 'r'), of, at(0));
  for (const each of [session('a', 'q'), session('a'), session('b', 'r')])
    assert.equal(breaker.count(each, of, at(1))?.attemptsLeft, 1);
  const other = { ...of, action: action('mcp.call', 'wipe') };
  assert.equal(breaker.count(session('a', 'r'), other, at(1))?.attemptsLeft, 1);
  for (const code of ['LIMIT', 'REVIEW_PENDING', 'REVIEW_REFUSED', 'NOT_WRITTEN', 'UNSTATED'] as const)
    assert.equal(breaker.count(session('a', 'r'), { ...of, denial: no(code) }, at(1)), undefined, code);
});

test('Breaker: a pause holds for the run that tripped it, and ends', () => {
  const breaker = new Breaker({ denials: 1, withinMs: 1_000, pauseMs: 500 });
  breaker.count(session('a', 'r'), { action: action('sql.drop', 't'), text: '', denial: no() }, at(0));
  assert.equal(breaker.pausedUntil(session('a', 'r'), at(1)), at(500));
  assert.equal(breaker.pausedUntil(session('a', 'q'), at(1)), undefined);
  assert.equal(breaker.pausedUntil(session('a', 'r'), at(501)), undefined);
});
