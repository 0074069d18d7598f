import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakePolicy, heldWorld, memoryLedger, person } from '../fake.ts';
import type { SessionDetail } from './records.ts';
import type { Route } from './route.ts';
import { searchRoute, type EntrySearch } from './search.ts';

/** Entries that are found besides. */
let hits: readonly {
  readonly at: number;
  readonly entry: number;
  readonly kind: string;
  readonly identity: string;
  readonly session: string;
  readonly run: string;
}[] = [];

interface Asked {
  readonly route: Route;
  readonly questions: [EntrySearch, boolean][];
  readonly run: (query: Record<string, string>) => Promise<object>;
}

function sessionOf(id: string, subject: string): SessionDetail {
  return {
    id,
    identity: { subject, kind: 'human', groups: [] },
    resource: 'shop',
    kind: 'toy',
    startedAt: '2026-01-01T00:00:00Z',
    state: 'open',
    peer: '',
    decisions: 0,
    allowed: 0,
    denied: 0,
    reviewed: 0,
    statements: [],
  };
}

/** The route for ana, where the policy allows `verb own` pairs such as `record.list own`. */
function asAna(...allowed: readonly string[]): Asked {
  const questions: [EntrySearch, boolean][] = [];
  const policy = fakePolicy(({ action }) =>
    allowed.includes(`${action.verb} ${action.attributes['own'] === true ? 'own' : 'all'}`),
  );
  const route = searchRoute(
    {
      policy: () => policy,
      ledger: memoryLedger(),
      world: heldWorld(),
      records: {
        session: (id) => Promise.resolve(id === 'anas' ? sessionOf(id, 'ana') : sessionOf(id, 'bob')),
      },
    },
    (query, withText) => {
      questions.push([query, withText]);
      const hit = { at: 0, kind: 'decision' };
      return Promise.resolve([
        { ...hit, entry: 2, identity: 'bob' },
        { ...hit, entry: 1, identity: 'ana' },
        ...hits,
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

test("what somebody asked about another's session tells neither that there is one nor its run", async () => {
  const asked = { at: 0, kind: 'record.read', identity: 'ana', run: 'payroll' };
  hits = [
    { ...asked, entry: 4, session: 'bobs' },
    { ...asked, entry: 3, session: 'anas' },
  ];
  try {
    const own = asAna('record.list own', 'record.read own');
    const { body } = (await own.run({})) as { body: readonly Record<string, unknown>[] };
    const of = (entry: number): unknown => body.find((each) => each['entry'] === entry);
    const at = '1970-01-01T00:00:00.000Z';
    assert.deepEqual(of(4), { at, entry: 4, kind: 'record.read', identity: 'ana' });
    assert.deepEqual(of(3), { ...asked, at, entry: 3, session: 'anas' });
    assert.deepEqual(entriesOf(await own.run({ run: 'payroll' })), [1, 3]);
    assert.deepEqual(entriesOf(await own.run({ session: 'bobs' })), [1, 3]);
    const all = asAna('record.list all', 'record.read all');
    assert.deepEqual(entriesOf(await all.run({ run: 'payroll' })), [2, 1, 4, 3]);
  } finally {
    hits = [];
  }
});
