import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant } from '../base/time.ts';
import type { DecisionId } from '../core/decision.ts';
import type { Entry } from '../core/entry.ts';
import type { SessionId } from '../core/session.ts';
import type { Stored } from '../ledger/index.ts';
import { openRecords } from './records.ts';

const ana = { subject: 'ana', kind: 'human', groups: ['analysts'] } as const;

function opened(session: string, subject: string = 'ana'): Entry {
  return {
    kind: 'session.opened',
    at: instant(1_000),
    session: session as SessionId,
    identity: { ...ana, subject },
    resource: { name: 'shop', kind: 'postgres', tags: [] },
    peer: '127.0.0.1:5',
  };
}

function decided(session: string, sequence: number, decision: 'allow' | 'deny'): Entry {
  return {
    kind: 'decision',
    at: instant(2_000),
    id: `${session}.${sequence}` as DecisionId,
    session: session as SessionId,
    identity: ana,
    resource: 'shop',
    decision,
    verb: 'sql.select',
    access: 'read',
    targets: [],
    columns: [],
    attributes: {},
    rules: ['m/r' as never],
    wouldBe: [],
    duties: [],
    policy: 'abc',
    sealed: { text: `select ${sequence}` },
  };
}

function ended(session: string, sequence: number): Entry {
  return {
    kind: 'outcomes',
    at: instant(3_000),
    session: session as SessionId,
    outcomes: [
      {
        id: `${session}.${sequence}` as DecisionId,
        outcome: { kind: 'ok', rows: 3, bytes: 30, masked: 2, withheld: 0 },
      },
    ],
  };
}

function closed(session: string): Entry {
  return {
    kind: 'session.closed',
    at: instant(4_000),
    session: session as SessionId,
    why: 'client left',
    decisions: 1,
    chunks: 0,
  };
}

const started: Entry = { kind: 'gateway.started', at: instant(0), version: '0' };

/** A ledger that holds these entries, and takes more. */
function ledgerOf(
  entries: Entry[],
  shut: ReadonlySet<string> = new Set(),
): {
  readonly parts: Parameters<typeof openRecords>[0];
  readonly append: (entry: Entry) => void;
} {
  let see: (entry: Entry) => void = () => undefined;
  const ledger = {
    get size() {
      return entries.length;
    },
    async *read(from: number, to: number): AsyncGenerator<Stored> {
      for (const [at, entry] of entries.slice(from, to).entries()) {
        const seal = 'session' in entry && shut.has(entry.session ?? '') ? 'shut' : 'opened';
        yield await Promise.resolve({ index: from + at, entry, seal });
      }
    },
    watch: (call: (entry: Entry) => void) => {
      see = call;
    },
  };
  return {
    parts: { ledger, placeOf: (rule, digest) => (digest === 'abc' ? `${rule}.yaml:1:2` : undefined) },
    append: (entry) => {
      entries.push(entry);
      see(entry);
    },
  };
}

test('openRecords() finds what earlier runs wrote, and tells what was cut off', async () => {
  const { parts } = ledgerOf([started, opened('a1'), decided('a1', 1, 'allow'), closed('a1'), opened('a2')]);
  const records = await openRecords(parts);
  const found = await records.sessions({ limit: 10 });
  assert.deepEqual(
    found.map(({ id, state, decisions }) => [id, state, decisions]),
    [
      ['a2', 'lost', 0],
      ['a1', 'closed', 1],
    ],
  );
});

test('openRecords() follows what is written now, interleaved', async () => {
  const { parts, append } = ledgerOf([opened('a0')]);
  const records = await openRecords(parts);
  for (const entry of [
    started,
    opened('b1'),
    opened('b2', 'bob'),
    decided('b1', 1, 'allow'),
    decided('b2', 1, 'deny'),
    decided('b1', 2, 'deny'),
    ended('b1', 1),
    closed('b1'),
  ]) {
    append(entry);
  }
  const session = await records.session('b1');
  assert.deepEqual(
    session?.statements.map(({ id, text, outcome, rules }) => [id, text, outcome?.kind, rules[0]?.at]),
    [
      ['b1.1', 'select 1', 'ok', 'm/r.yaml:1:2'],
      ['b1.2', 'select 2', undefined, 'm/r.yaml:1:2'],
    ],
  );
  assert.deepEqual([session?.state, session?.decisions, session?.denied], ['closed', 2, 1]);
  assert.equal((await records.decision('b2.1'))?.decision, 'deny');
  assert.equal(await records.decision('b2.9'), undefined);
  assert.equal(await records.session('zz'), undefined);
});

test('sessions() filters by identity, resource and age', async () => {
  const { parts } = ledgerOf([opened('c1'), opened('c2', 'bob'), opened('c3')]);
  const { sessions } = await openRecords(parts);
  const ids = async (query: Partial<Parameters<typeof sessions>[0]>): Promise<readonly string[]> =>
    (await sessions({ limit: 10, ...query })).map(({ id }) => id);
  assert.deepEqual(await ids({}), ['c3', 'c2', 'c1']);
  assert.deepEqual(await ids({ limit: 1 }), ['c3']);
  assert.deepEqual(await ids({ identity: 'bob' }), ['c2']);
  assert.deepEqual(await ids({ resource: 'other' }), []);
  assert.deepEqual(await ids({ before: 'c3' }), ['c2', 'c1']);
});

test('a statement whose key was destroyed has no text', async () => {
  const { parts } = ledgerOf([opened('d1'), decided('d1', 1, 'allow')], new Set(['d1']));
  const records = await openRecords(parts);
  const record = await records.decision('d1.1');
  assert.equal(record?.id, 'd1.1');
  assert.equal('text' in record, false);
});
