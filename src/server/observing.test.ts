import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant } from '../base/time.ts';
import type { Action } from '../core/action.ts';
import type { Identity, Subject } from '../core/identity.ts';
import type { Question } from '../core/ports.ts';
import type { ResourceName, SessionId } from '../core/session.ts';
import { kindsOf } from '../policy/kinds.ts';
import { loadPolicy } from '../policy/load.ts';
import { protocols } from '../protocols/index.ts';
import { plainAttributes } from '../sql/verbs.ts';
import { observer } from './observing.ts';

const module = `apiVersion: sallyport/v1
module: m
rules:
  - { id: all, effect: allow, match: { resource: { kind: [postgres, sallyport] }, identity: { groups: [a] } } }
  - { id: no-drop, effect: deny, match: { action: sql.drop } }
  - { id: soon, effect: deny, enforce: shadow, match: { action: sql.insert } }
  - { id: own, effect: deny, match: { resource: { kind: sallyport } } }
  - id: wait
    effect: require
    match: { action: sql.delete }
    then: { approve: { from: [b], count: 1, ttl: 5m } }
  - { id: mask, effect: require, match: { resource: { kind: postgres } }, then: { mask: [{ tag: pii/*, with: redact }] } }
`;
const schema = 'apiVersion: sallyport/v1\ntags: { shop: { public.t.email: pii/email } }\n';
const main = 'apiVersion: sallyport/v1\nlayers: [{ name: a, role: grant, use: [{ module: m }] }]\n';

const ana: Identity = {
  kind: 'human',
  subject: 'ana' as Subject,
  groups: ['a'],
  attributes: {},
  proof: { kind: 'token', tokenId: 't', expiresAt: instant(0) },
};

function asked(verb: string, text: string, more: Partial<Action> = {}, kind = 'postgres'): Question {
  return {
    identity: ana,
    resource: { name: 'shop' as ResourceName, kind, tags: [], settings: undefined },
    session: { id: 's' as SessionId, startedAt: instant(0), run: 'suite' },
    at: instant(0),
    action: {
      verb,
      access: 'write',
      targets: [{ kind: 'table', name: 'public.t', access: 'write' }],
      columns: [],
      attributes: plainAttributes,
      text,
      notes: [],
      ...more,
    },
  };
}

test('an observed policy lets everything pass and notes what it would have done; the API stays judged', () => {
  const loaded = loadPolicy(
    new Map([
      ['policy.yaml', main],
      ['schema.yaml', schema],
      ['modules/m.policy.yaml', module],
    ]),
    kindsOf(protocols),
  );
  assert.ok(loaded.ok, JSON.stringify(loaded));
  const watching = observer();
  const policy = watching.watch(loaded.value);
  assert.equal(watching.watch(loaded.value), policy, 'one for each policy');
  const email = { object: 'public.t', column: 'email', use: 'output' as const };
  for (const question of [
    asked('sql.drop', 'DROP TABLE t'),
    asked('sql.drop', 'DROP TABLE t'), // parsed, then run: one statement
    asked('sql.drop', 'DROP TABLE IF EXISTS t'),
    asked('sql.insert', 'INSERT'),
    asked('sql.delete', 'DELETE'),
    asked('sql.select', 'SELECT', { access: 'read', columns: [email] }),
    asked('sql.unknown', '?', { access: 'unknown' }),
  ]) {
    const { kind, duties } = policy.decide(question);
    assert.equal(kind, 'allow');
    assert.deepEqual(duties.masks, []);
    assert.deepEqual(duties.approve, []);
  }
  assert.equal(policy.decide(asked('record.list', '', {}, 'sallyport')).kind, 'deny');
  assert.deepEqual(
    watching.seen().map(({ does, code, run, statements }) => `${does} ${code} ${run} ${statements.size}`),
    [
      'refused m/no-drop suite 2',
      'warned m/soon suite 1',
      'held m/wait suite 1',
      'masked m/mask suite 1',
      'refused NOT_UNDERSTOOD suite 1',
    ],
  );
  assert.equal(watching.asked(), 6);
});
