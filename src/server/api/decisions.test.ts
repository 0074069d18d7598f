import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant } from '../../base/time.ts';
import type { Entry } from '../../core/entry.ts';
import { fakePolicy, heldWorld, memoryLedger, person } from '../fake.ts';
import { decisionsRoute } from './decisions.ts';

const opened = {
  kind: 'session.opened',
  at: instant(0),
  session: 's1',
  identity: { subject: 'bob', kind: 'human', groups: [] },
  resource: { name: 'shop', kind: 'postgres', tags: [] },
  peer: '10.0.0.7',
  client: 'secret-client',
  facts: { bob: { mfa: true } },
} as unknown as Entry;
const decision = {
  kind: 'decision',
  at: instant(1),
  id: 's1.1',
  session: 's1',
  verb: 'sql.select',
  sealed: { text: 'select secret-text' },
} as unknown as Entry;
const other = { kind: 'gateway.started', at: instant(0), version: '1' } as Entry;
const entries = [other, opened, decision, other, decision];

function asking(...allowed: readonly string[]): (query: Record<string, string>) => Promise<{
  readonly body?: {
    readonly entries: readonly { readonly index: number }[];
    readonly next: number;
    readonly size: number;
  };
  readonly problem?: { readonly status: number };
}> {
  const policy = fakePolicy(
    ({ action }) => allowed.includes(action.verb) && action.attributes['own'] === false,
  );
  const route = decisionsRoute(
    { policy: () => policy, ledger: memoryLedger(), world: heldWorld() },
    {
      size: entries.length,
      read: async function* (from, to) {
        for (const [index, entry] of entries.entries())
          if (index >= from && index < to) yield { index, entry };
      },
    },
  );
  return async (query) =>
    route.run({ parameter: () => '', query, body: undefined, caller: () => person('ana') }) as never;
}

test('decisions come in their order and pages, without what is sealed', async () => {
  const ask = asking('record.list', 'record.read');
  const first = await ask({ limit: '2' });
  assert.deepEqual(
    first.body?.entries.map(({ index }) => index),
    [1, 2],
  );
  assert.deepEqual([first.body?.next, first.body?.size], [3, 5]);
  const second = await ask({ after: '3' });
  assert.deepEqual(
    second.body?.entries.map(({ index }) => index),
    [4],
  );
  assert.equal(second.body?.next, 5);
  assert.deepEqual((await ask({ after: '99' })).body?.entries, []);
  const text = JSON.stringify(first);
  assert.ok(text.includes('"mfa":true'), 'facts that rules ask for are there');
  for (const secret of ['secret', '10.0.0.7', 'sealed']) assert.ok(!text.includes(secret), secret);
});

for (const allowed of [[], ['record.list'], ['record.read']]) {
  test(`who may ${allowed.join() || 'nothing'} sees no decision`, async () => {
    assert.equal((await asking(...allowed)({})).problem?.status, 403);
  });
}

for (const query of [{ after: '-1' }, { limit: '0' }, { limit: '1001' }, { limit: 'x' }, { before: '1' }]) {
  test(`refused: ${JSON.stringify(query)}`, async () => {
    assert.equal((await asking('record.list', 'record.read')(query as never)).problem?.status, 400);
  });
}
