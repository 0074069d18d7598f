import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakePolicy, heldWorld, memoryLedger, person } from '../fake.ts';
import type { Route } from './route.ts';
import { searchRoute, type EntrySearch } from './search.ts';

interface Asked {
  readonly route: Route;
  readonly questions: [EntrySearch, boolean][];
  readonly run: (query: Record<string, string>) => Promise<object>;
}

/** The route for ana, where the policy allows `verb own` pairs such as `record.list own`. */
function asAna(...allowed: readonly string[]): Asked {
  const questions: [EntrySearch, boolean][] = [];
  const policy = fakePolicy(({ action }) =>
    allowed.includes(`${action.verb} ${action.attributes['own'] === true ? 'own' : 'all'}`),
  );
  const route = searchRoute(
    { policy: () => policy, ledger: memoryLedger(), world: heldWorld() },
    (query, withText) => {
      questions.push([query, withText]);
      const hit = { at: 0, kind: 'decision' };
      return Promise.resolve([
        { ...hit, entry: 2, identity: 'bob' },
        { ...hit, entry: 1, identity: 'ana' },
      ]);
    },
  );
  const run = async (query: Record<string, string>): Promise<object> =>
    route.run({ parameter: () => '', query, body: undefined, caller: () => person('ana') });
  return { route, questions, run };
}

function entriesOf(answer: object): unknown {
  if (!('body' in answer) || !Array.isArray(answer.body)) return answer;
  return answer.body.map((each: { readonly entry: number }) => each.entry);
}

test('a search shows all entries only to who may list all, and statements only to who may read them', async () => {
  const all = asAna('record.list all', 'record.read all');
  assert.deepEqual(entriesOf(await all.run({ text: 'a b', limit: '5' })), [2, 1]);
  assert.deepEqual(all.questions, [[{ limit: 5, text: 'a b' }, true]]);

  const lists = asAna('record.list all');
  assert.deepEqual(entriesOf(await lists.run({ identity: 'bob' })), [2, 1]);
  assert.deepEqual(lists.questions, [[{ limit: 100, identity: 'bob' }, false]]);
  assert.equal(
    ((await lists.run({ text: 'secret' })) as { problem?: { status: number } }).problem?.status,
    403,
  );
  assert.equal(lists.questions.length, 1, 'words of what may not be read are not even looked for');

  const own = asAna('record.list own', 'record.read own');
  assert.deepEqual(entriesOf(await own.run({ text: 'a' })), [1]);
  assert.deepEqual(own.questions, [[{ limit: 100, text: 'a', identity: 'ana' }, true]]);
  assert.deepEqual(entriesOf(await own.run({ identity: 'bob' })), []);
  assert.equal(own.questions.length, 1);
});

test('a search refuses what it does not understand', async () => {
  const { run, questions } = asAna('record.list all', 'record.read all');
  for (const query of [
    { limit: '0' },
    { limit: '1001' },
    { before: '-1' },
    { from: 'yesterday' },
    { to: '5' },
    { indentity: 'bob' },
    { withText: 'true' },
    { text: 'x'.repeat(501) },
  ]) {
    const answer = (await run(query)) as { problem?: { status: number } };
    assert.equal(answer.problem?.status, 400, JSON.stringify(query));
  }
  assert.deepEqual(questions, []);
});
