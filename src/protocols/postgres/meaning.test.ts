import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Action } from '../../core/action.ts';
import type { Permit } from '../../core/decision.ts';
import { catalogue } from '../../sql/catalogue.ts';
import { Flow, type Turn } from './flow.ts';
import { Meaning } from './meaning.ts';
import { Names } from './names.ts';
import { passAll, type Run } from './run.ts';
import type { Reading } from './understanding.ts';

const known = catalogue({
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

function run(verb: Action['verb'], facts: Partial<Run> = {}): Run {
  const action = { verb, access: 'read' } as unknown as Action;
  return {
    permit: { action } as unknown as Permit, // no gate is needed here
    outputs: { kind: 'none' },
    catalogue: known,
    changes: [],
    copyIn: false,
    unsettles: false,
    takesBack: false,
    defines: false,
    masker: passAll,
    rows: 0,
    bytes: 0,
    masked: 0,
    withheld: 0,
    cut: false,
    released: false,
    ...facts,
  };
}

interface Held {
  readonly meaning: Meaning;
  readonly flow: Flow;
  /** What the server was asked. */
  readonly asked: string[];
}

/** A session whose requests are answered when it waits for them. */
function session(): Held {
  const names = new Names();
  const flow = new Flow(names);
  const asked: string[] = [];
  const reading: Reading = { kind: 'understood', analysis: { statements: [] }, catalogue: known };
  const meaning = new Meaning(
    {
      understanding: { read: () => reading },
      keeper: { current: () => known, lookAgain: () => Promise.resolve(known), invalidate: () => undefined },
      flow,
      names,
      drain: () => {
        while (flow.head !== undefined) {
          if (flow.head.kind === 'execute') meaning.ended(flow.head.run);
          flow.complete();
        }
        return Promise.resolve();
      },
      own: (sql: string) => {
        asked.push(sql);
        return Promise.resolve([['["public"]']]);
      },
      parse: () => Promise.resolve(undefined),
    } as unknown as ConstructorParameters<typeof Meaning>[0],
    ['public'],
  );
  return { meaning, flow, asked };
}

const sync: Turn = { kind: 'sync' };
const moves = run('sql.set', { unsettles: true });
const set = run('sql.set');
const begin = run('sql.transaction');
const commit = run('sql.transaction', { takesBack: true });

suite('Meaning.read()', () => {
  test('asks the server again behind what may have changed the search path', async () => {
    const { meaning, flow, asked } = session();
    flow.push({ kind: 'execute', run: moves });
    flow.push(sync);
    assert.equal((await meaning.read('SELECT 1'))?.kind, 'understood');
    assert.equal(asked.length, 1);
  });

  test('gives nothing where the server cannot be asked: before a Sync a query would end the series', async () => {
    const { meaning, flow, asked } = session();
    flow.push({ kind: 'execute', run: moves });
    assert.equal(await meaning.read('SELECT 1'), undefined);
    assert.equal(flow.length, 0);
    assert.deepEqual(asked, []);
    flow.push(sync);
    assert.equal((await meaning.read('SELECT 1'))?.kind, 'understood');
  });

  test('takes a path that was set for the old one when its transaction ends, and not when one begins', () => {
    const { meaning, flow } = session();
    meaning.ended(set);
    flow.push({ kind: 'execute', run: begin });
    meaning.ended(begin);
    assert.ok(!(meaning.read('SELECT 1') instanceof Promise), 'pgjdbc sends BEGIN without a Sync');
    meaning.ended(commit);
    assert.ok(meaning.read('SELECT 1') instanceof Promise);
  });
});
