import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ColumnRef } from '../../core/action.ts';
import { noDuties, type MaskOperator, type Permit } from '../../core/decision.ts';
import { catalogue } from '../../sql/catalogue.ts';
import { refusedMove } from './moves.ts';

const empty = catalogue({
  version: '1',
  serverMajor: 18,
  database: 'd',
  currentUser: 'u',
  schemas: [],
  relations: [],
  functions: [],
  operators: [],
  casts: [],
  types: [],
});

const masks: Readonly<Record<string, MaskOperator>> = {
  ssn: { kind: 'redact' },
  card: { kind: 'redact' },
  token: { kind: 'null' },
  email: { kind: 'partial', keepFirst: 1, keepLast: 4 },
  key: { kind: 'hash' },
  doc$: { kind: 'redact' },
  contact: { kind: 'partial', keepFirst: 1, keepLast: 4 },
};

function permit(masked = true): Permit {
  return {
    kind: 'permit',
    id: 's.1',
    duties: masked ? { ...noDuties, masks: [[{ tag: 'pii/*', operator: { kind: 'redact' } }]] } : noDuties,
    operatorOf: ({ column }: ColumnRef) => (masked ? masks[column] : undefined),
  } as unknown as Permit; // the real gate is not needed here
}

function refs(names: string): readonly ColumnRef[] {
  return names
    .split(' ')
    .filter((name) => name !== '')
    .map((column) => ({ object: 'public.people', column }));
}

function isRefused(from: string, to: string, masked = true, same = false): boolean {
  const move = { from: refs(from), to: refs(to), ...(same ? { same } : {}) } as const;
  return refusedMove(permit(masked), [move], empty) !== undefined;
}

test('refusedMove() keeps masked values where a mask is', () => {
  const refused = [
    ['ssn', 'name'],
    ['ssn', ''],
    ['name ssn', 'name'],
    ['token', 'ssn'], // read as a redacted value, where NULL was asked for
    ['ssn', 'ssn name'], // written through a view of another name
    ['email', 'contact'], // turned round, the other end would show
    ['ssn', 'email'],
    ['*', 'name'],
    ['*', ''],
  ] as const;
  for (const [from, to] of refused) assert.equal(isRefused(from, to), true, `${from} -> ${to}`);
});

test('refusedMove() lets pass what is masked as strongly there, or not at all', () => {
  const passed = [
    ['name', 'city'],
    ['name', ''],
    ['ssn', 'card'],
    ['ssn email', 'token'],
    ['ssn', 'ssn'],
    ['email', 'ssn'],
  ] as const;
  for (const [from, to] of passed) assert.equal(isRefused(from, to), false, `${from} -> ${to}`);
  assert.equal(isRefused('ssn', 'name', false), false, 'without a mask nothing is kept');
});

test('refusedMove() keeps a value as it is where its mask shows a part, gives it a sign, or is on a path', () => {
  const refused = ['email', 'key', 'doc'] as const;
  for (const column of refused) {
    assert.equal(isRefused(column, column, true, true), false, `${column} as it is`);
    assert.equal(isRefused(column, column), true, `${column} turned`);
  }
  assert.equal(isRefused('key', 'email', true, true), true);
});

test('refusedMove() answers with a denial that says what to do', () => {
  const why = refusedMove(
    permit(),
    [
      { from: refs('name'), to: [] },
      { from: refs('ssn'), to: refs('name') },
    ],
    empty,
  );
  assert.equal(why?.sqlstate, '42501');
  assert.equal(why?.denial?.class, 'LINEAGE');
  assert.equal(why?.denial?.fix.length, 1);
});
