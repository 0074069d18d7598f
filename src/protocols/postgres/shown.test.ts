import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action } from '../../core/action.ts';
import { noDuties, type Permit } from '../../core/decision.ts';
import { catalogue } from '../../sql/catalogue.ts';
import type { About } from './run.ts';
import { TransactionAbout } from './shown.ts';

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

/** A statement under masks that uses a masked column, or not. */
function about(text: string, masked: boolean): About {
  const action: Action = {
    verb: 'sql.select',
    access: 'read',
    targets: [],
    columns: [{ object: 'public.people', column: masked ? 'ssn' : 'id', use: 'output' }],
    attributes: {},
    text,
    notes: [],
  };
  const permit = {
    kind: 'permit',
    id: 's.1',
    action,
    duties: {
      ...noDuties,
      masks: [[{ tag: 'pii/*', operator: { kind: 'redact' } }]],
      finds: masked ? [{ entity: 'US_SSN', operator: { kind: 'redact' } }] : [],
    },
    because: [],
    operatorOf: ({ column }: { readonly column: string }) =>
      column === 'ssn' ? { kind: 'redact' } : undefined,
  } as unknown as Permit; // the real gate is not needed here
  return { permit, outputs: { kind: 'none' }, catalogue: empty };
}

test('a COMMIT is as strict as what its transaction did: deferred constraints speak of that', () => {
  const transaction = new TransactionAbout();
  const commit = about('COMMIT', false);
  transaction.add(about('SELECT ssn', true));
  transaction.add(commit);
  assert.equal(transaction.with(commit).tagged, true);
  assert.equal(transaction.with(commit).finds.length, 1);
  transaction.clear();
  transaction.add(commit);
  assert.equal(transaction.with(commit).tagged, false);
});

test('a long transaction is remembered as strictly, in bounded space', () => {
  const transaction = new TransactionAbout();
  const other = about('SELECT id', false);
  transaction.add(about('SELECT ssn', true));
  for (let at = 0; at < 10_000; at++) transaction.add(about(`SELECT ssn, ${at}`, true));
  for (let at = 0; at < 200; at++) transaction.add(about(`SELECT id, ${at}`, false));
  const shown = transaction.with(other);
  assert.equal(shown.tagged, true);
  assert.equal(shown.finds.length, 1);
  assert.equal(shown.objects.has('nothing of the kind'), false);
});
