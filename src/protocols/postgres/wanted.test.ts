import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action } from '../../core/action.ts';
import type { SessionEffect, Statement } from '../../sql/analysis.ts';
import { catalogue } from '../../sql/catalogue.ts';
import { Names, type Prepared } from './names.ts';
import { fetchedOf, type Wanted, wantedOf } from './wanted.ts';

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

function statement(text: string, effect: SessionEffect = { kind: 'none' }): Statement {
  const action: Action = {
    verb: 'sql.select',
    access: 'read',
    targets: [],
    columns: [],
    attributes: {},
    text,
    notes: [],
  };
  return { action, outputs: { kind: 'none' }, effect };
}

/** Read as another text with the same template was: its action has that text. */
function prepared(text: string, read: Statement): Prepared {
  return { text, source: text, inside: false, statement: read, epoch: undefined, catalogue: empty };
}

function wanted(
  names: Names,
  given: Statement,
  text: string = given.action.text,
): ReturnType<typeof wantedOf> {
  return wantedOf(given, { source: text, text }, { names, catalogue: empty, epoch: undefined });
}

function understood(given: ReturnType<typeof wantedOf>): Wanted {
  assert.ok(!('sqlstate' in given));
  return given;
}

const first = statement('SELECT 1 WHERE id = 1');
const sent = 'SELECT 1 WHERE id = 11';

test('what is written down is the text that is run, not the one it was read as', () => {
  const names = new Names();
  assert.equal(understood(wanted(names, first, sent)).text, sent);
  names.confirm(names.propose({ kind: 'statement', name: 'a', prepared: prepared(sent, first) }));
  const execute = statement('EXECUTE a', { kind: 'execute', name: 'a' });
  assert.equal(understood(wanted(names, execute)).text, `EXECUTE a -- ${sent}`);
  const portal = { prepared: prepared(sent, first), resultFormats: [], cursor: true, rows: 0, bytes: 0 };
  names.confirm(names.propose({ kind: 'portal', name: 'p', portal }));
  const fetch = statement('FETCH p', { kind: 'fetch', name: 'p', move: false });
  assert.equal(understood(wanted(names, fetch)).text, `FETCH p -- ${sent}`);
  assert.equal(fetchedOf(first, portal, empty).text, sent);
});

test('what FETCH brings of a bound portal is asked with the values it was bound to', () => {
  const names = new Names();
  const portal = {
    prepared: prepared(sent, first),
    resultFormats: [],
    cursor: false,
    values: 'digest',
    rows: 0,
    bytes: 0,
  };
  names.confirm(names.propose({ kind: 'portal', name: 'p', portal }));
  const fetch = statement('FETCH p', { kind: 'fetch', name: 'p', move: false });
  assert.equal(understood(wanted(names, fetch)).values, 'digest');
});

test('EXECUTE and FETCH of anything but a plain statement are refused: its effect would go unseen', () => {
  const effects: readonly SessionEffect[] = [
    { kind: 'execute', name: 'b' },
    { kind: 'prepare', name: 'b', statement: first },
    { kind: 'deallocate' },
    { kind: 'declare', name: 'b', statement: first },
    { kind: 'fetch', name: 'b', move: false },
    { kind: 'close' },
    { kind: 'discard', what: 'all' },
    { kind: 'transaction', what: 'rollback' },
    { kind: 'search-path' },
    { kind: 'schema', temporary: true },
    { kind: 'copy-in' },
  ];
  for (const effect of effects) {
    const names = new Names();
    const inner = prepared('x', statement('x', effect));
    names.confirm(names.propose({ kind: 'statement', name: 'a', prepared: inner }));
    const portal = { prepared: inner, resultFormats: [], cursor: false, rows: 0, bytes: 0 };
    names.confirm(names.propose({ kind: 'portal', name: 'a', portal }));
    for (const outer of [
      statement('EXECUTE a', { kind: 'execute', name: 'a' }),
      statement('FETCH a', { kind: 'fetch', name: 'a', move: false }),
      statement('MOVE a', { kind: 'fetch', name: 'a', move: true }),
    ]) {
      const given = wanted(names, outer);
      assert.ok('sqlstate' in given, `${outer.action.text} of ${effect.kind}`);
      assert.equal(given.sqlstate, '0A000');
    }
  }
});
