import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalogue } from '../../sql/catalogue.ts';
import { type NameChange, Names, type Portal, type Prepared } from './names.ts';

const nothing = catalogue({
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

function prepared(text: string): Prepared {
  return { text, source: text, inside: false, statement: undefined, epoch: undefined, catalogue: nothing };
}

function portal(text: string, cursor = false): Portal {
  return { prepared: prepared(text), resultFormats: [], cursor, rows: 0, bytes: 0 };
}

function statement(name: string, text: string): NameChange {
  return { kind: 'statement', name, prepared: prepared(text) };
}

test('names are one where their first 63 bytes are: the server tells no more apart', () => {
  // What a server keeps of these is the same, so closing one closes the other.
  const pairs: readonly (readonly [string, string])[] = [
    [`${'a'.repeat(63)}1`, `${'a'.repeat(63)}2`],
    ['a'.repeat(63), 'a'.repeat(64)],
    [`${'é'.repeat(31)}a1`, `${'é'.repeat(31)}a2`],
    [`${'é'.repeat(31)}€`, `${'é'.repeat(31)}â`], // cut within the last character: both begin with byte 0xE2 or 0xC3
    ['日'.repeat(21), '日'.repeat(22)],
  ];
  for (const [one, other] of pairs) {
    const same = Buffer.from(one).subarray(0, 63).equals(Buffer.from(other).subarray(0, 63));
    const names = new Names();
    names.confirm(names.propose(statement(one, 'SELECT 1')));
    assert.equal(names.statement(other)?.text, same ? 'SELECT 1' : undefined, `${one} ${other}`);
    names.confirm(names.propose({ kind: 'close-statement', name: other }));
    assert.equal(names.statement(one)?.text, same ? undefined : 'SELECT 1');
    names.confirm(names.propose({ kind: 'portal', name: one, portal: portal('SELECT 2') }));
    names.propose({ kind: 'portal', name: other, portal: portal('SELECT 3') });
    assert.equal(names.portal(one)?.prepared.text, same ? 'SELECT 3' : 'SELECT 2');
  }
});

test('short names, and long ones that differ early, stay apart', () => {
  const names = new Names();
  for (const name of ['', 'a', 'A', 'é', 'Ã©', 'a'.repeat(62), 'a'.repeat(63), 'b'.repeat(70)])
    names.confirm(names.propose(statement(name, `of ${name}`)));
  for (const name of ['', 'a', 'A', 'é', 'Ã©', 'a'.repeat(62), 'a'.repeat(63), 'b'.repeat(70)])
    assert.equal(names.statement(name)?.text, `of ${name}`);
});

test('doubt() waits for a change of an earlier series, and only for that', async () => {
  const names = new Names();
  names.confirm(names.propose(statement('a', 'old')));
  assert.equal(names.doubt('statement', 'a'), undefined);
  const again = names.propose(statement('a', 'new'));
  assert.equal(names.doubt('statement', 'a'), undefined, 'a failure skips the rest of its own series');
  assert.equal(names.statement('a')?.text, 'new');
  names.fence();
  const doubt = names.doubt('statement', 'a');
  assert.ok(doubt !== undefined);
  assert.equal(names.doubt('statement', 'b'), undefined);
  assert.equal(names.doubt('portal', 'a'), undefined);
  names.drop(again);
  await doubt;
  assert.equal(names.doubt('statement', 'a'), undefined);
  assert.equal(names.statement('a')?.text, 'old');
});

test('doubt() covers what closes many names at once', async () => {
  for (const change of [
    { kind: 'close-statement' },
    { kind: 'close-statement', name: 'a' },
    { kind: 'discard-all' },
  ] as const satisfies readonly NameChange[]) {
    const names = new Names();
    names.confirm(names.propose(statement('a', 'SELECT 1')));
    names.propose(change);
    names.fence();
    const doubt = names.doubt('statement', 'a');
    assert.ok(doubt !== undefined);
    names.confirm(change);
    await doubt;
    assert.equal(names.statement('a'), undefined);
  }
});

test('a change of the own series hides the doubt about an earlier one: it decides, or all is skipped', () => {
  const names = new Names();
  names.propose({ kind: 'close-portal', name: 'p' });
  names.fence();
  names.propose({ kind: 'portal', name: 'p', portal: portal('SELECT 1') });
  assert.equal(names.doubt('portal', 'p'), undefined);
  assert.equal(names.portal('p')?.prepared.text, 'SELECT 1');
});
