import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DecisionEntry } from '../core/entry.ts';
import { closed, decided, ended, freshFolder, open, opened } from './fake.ts';
import { sessionRecords } from './sessions.ts';

const log = (): void => undefined;

test('sessions are listed newest first with their counts, live and after a restart', async () => {
  using folder = freshFolder();
  const denial = {
    class: 'RULE',
    rule: 'main/no-writes',
    at: 'modules/main.policy.yaml:3:5',
    why: 'No writes',
    fix: [],
    retryable: false,
    decisionId: 's1.2',
  } as const;
  let ledger = await open(folder.path);
  let records = await sessionRecords(ledger, log);
  await Promise.all([
    ledger.append(opened('s1')),
    ledger.append(decided('s1', 1, 'SELECT 1')),
    ledger.append(
      decided('s1', 2, 'DELETE', {
        decision: 'deny',
        denial,
        rules: ['main/no-writes' as DecisionEntry['rules'][number]],
      }),
    ),
    ledger.append(opened('s2')),
    ledger.append(decided('s2', 1, 'SELECT 2', { decision: 'review' })),
    ledger.append(ended('s1', 1, 1)),
    ledger.append(closed('s1', 2)),
  ]);
  const check = async (state: string): Promise<void> => {
    const [two, one, ...others] = await records.sessions({ limit: 10 });
    assert.deepEqual(others, []);
    assert.deepEqual(
      [one?.id, one?.state, one?.allowed, one?.denied, one?.decisions, one?.why],
      ['s1', 'closed', 1, 1, 2, 'client left'],
    );
    assert.deepEqual(
      [two?.id, two?.state, two?.reviewed, two?.peer, two?.client, two?.run],
      ['s2', state, 1, '192.0.2.7:5000', 'psql', 'run-7'],
    );
    const shown = await records.session('s1');
    assert.deepEqual(
      shown?.statements.map(({ id, text, outcome, rules }) => [id, text, outcome?.kind, rules]),
      [
        ['s1.1', 'SELECT 1', 'ok', [{ id: 'main/reads' }]],
        ['s1.2', 'DELETE', undefined, [{ id: 'main/no-writes', at: 'modules/main.policy.yaml:3:5' }]],
      ],
    );
    assert.equal((await records.decision('s2.1'))?.text, 'SELECT 2');
    assert.equal((await records.decision('s1.1'))?.outcome?.kind, 'ok');
    assert.equal(await records.session('s3'), undefined);
    assert.equal(await records.decision('s2.9'), undefined);
    assert.deepEqual(
      (await records.sessions({ limit: 1 })).map(({ id }) => id),
      ['s2'],
    );
    assert.deepEqual(
      (await records.sessions({ limit: 5, before: 's2' })).map(({ id }) => id),
      ['s1'],
    );
    assert.deepEqual(await records.sessions({ limit: 5, identity: 'eve' }), []);
    assert.deepEqual(await records.sessions({ limit: 5, resource: 'other' }), []);
  };
  await check('open');
  await ledger.close();
  ledger = await open(folder.path);
  records = await sessionRecords(ledger, log);
  await check('lost');
  assert.equal(ledger.erase('s1' as never), 1);
  assert.deepEqual(
    (await records.session('s1'))?.statements.map(({ text }) => text),
    [undefined, undefined],
  );
  await ledger.close();
});
