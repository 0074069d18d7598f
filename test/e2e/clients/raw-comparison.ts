import { Client } from 'pg';
import { cstring, int16, int32, type Message, RawClient, say, wire } from '../harness/raw.ts';
import { same } from './node-postgres.ts';
import type { Login } from './place.ts';

/** Bytes for the server, sent in one go, and what ends its answer. */
export interface Talk {
  readonly name: string;
  readonly parts: readonly Uint8Array[];
  /** How many ReadyForQuery it brings. */
  readonly ready: number;
}

/** Signs in with node-postgres, which knows SCRAM, and takes its socket over. */
export async function rawClient(login: Login): Promise<RawClient> {
  const client = new Client({ ...login, ssl: false });
  await client.connect();
  const { stream } = (client as unknown as { readonly connection: { readonly stream: Stream } }).connection;
  for (const event of ['data', 'end', 'close', 'error', 'drain']) stream.removeAllListeners(event);
  return new RawClient(stream);
}

type Stream = ConstructorParameters<typeof RawClient>[0];

/** What a server answers to a talk, message by message. What is the server's own business is left out. */
export async function answers(client: RawClient, talk: Talk): Promise<readonly string[]> {
  client.send(...talk.parts);
  const all: Message[] = [];
  for (let left = talk.ready; left > 0; left--) {
    const messages = await client.until('Z');
    if (messages.at(-1)?.type !== 'Z') throw new Error(`${talk.name}: the connection has ended`);
    all.push(...messages);
  }
  return all
    .filter(({ type }) => type !== 'S' && type !== 'K')
    .map(({ type, body }) => type + body.toString('latin1'));
}

/** Requests in all their forms; none leaves anything behind. */
export function talks(): readonly Talk[] {
  return [...same.flatMap(asked), ...pipelines, ...copies, ...errors, ...names];
}

const { query, parse, execute, describe, close, sync, flush } = wire;

/** A Bind whose columns all come in this format (0 text, 1 binary). */
function bind(format: 0 | 1, portal = '', statement = '', values: readonly string[] = []): Buffer {
  const bound = values.flatMap((value) => [int32(Buffer.byteLength(value)), Buffer.from(value)]);
  return say(
    'B',
    cstring(portal),
    cstring(statement),
    int16(0),
    int16(values.length),
    ...bound,
    int16(1),
    int16(format),
  );
}

function one(name: string, ...parts: readonly Uint8Array[]): Talk {
  return { name, parts, ready: 1 };
}

function asked(sql: string): readonly Talk[] {
  return [
    one(`simple: ${sql}`, query(sql)),
    one(`text: ${sql}`, parse('', sql), bind(0), describe('P', ''), execute(''), sync),
    one(`binary: ${sql}`, parse('', sql), describe('S', ''), bind(1), execute(''), sync),
    one(`undescribed: ${sql}`, parse('', sql), bind(1), execute(''), sync),
    // A portal in steps, flushed between them.
    one(
      `steps: ${sql}`,
      parse('', sql),
      bind(0),
      flush,
      execute('', 2),
      flush,
      execute('', 1),
      execute(''),
      sync,
    ),
    one(
      `named: ${sql}`,
      parse('n', sql),
      bind(1, 'p', 'n'),
      describe('P', 'p'),
      execute('p'),
      close('P', 'p'),
      sync,
    ),
    one('named again', bind(0, '', 'n'), execute(''), bind(1, '', 'n'), execute('', 1), sync),
    one('closed', close('S', 'n'), sync),
  ];
}

const pipelines: readonly Talk[] = [
  {
    name: 'queries without waiting',
    parts: Array.from({ length: 40 }, (_, at) =>
      query(`SELECT id, status, total FROM orders WHERE id = ${at}`),
    ),
    ready: 40,
  },
  {
    name: 'one statement many times',
    parts: [
      parse('many', 'SELECT * FROM orders WHERE id = $1'),
      ...Array.from({ length: 100 }, (_, at) => [
        bind(at % 2 === 0 ? 0 : 1, '', 'many', [String(at)]),
        execute(''),
      ]).flat(),
      sync,
      close('S', 'many'),
      sync,
    ],
    ready: 2,
  },
  // More requests than may be under way at once (limit `pipelined`), and no Sync that would let the server answer.
  one(
    'a long series',
    parse('long', 'SELECT $1::text AS word'),
    ...Array.from({ length: 6_000 }, (_, at) => [bind(0, '', 'long', [`word ${at}`]), execute('')]).flat(),
    close('S', 'long'),
    sync,
  ),
  // As pgjdbc begins a transaction: no Sync behind BEGIN, and a parameter was set before.
  one('set', query('SET extra_float_digits = 3')),
  one(
    'begin and more',
    parse('', 'BEGIN'),
    bind(0),
    execute(''),
    parse('', 'INSERT INTO scratch (id) VALUES (1) RETURNING id'),
    bind(1),
    execute(''),
    sync,
  ),
  one('and back', query('ROLLBACK')),
  one('several in one text', query("SELECT 1; SELECT 'two' AS two; SELECT id FROM kinds ORDER BY id; ")),
  one('nothing', query('')),
  one('nothing but a comment', query(' -- nothing ')),
  one('nothing, prepared', parse('', ''), bind(0), describe('P', ''), execute(''), sync),
  one('a transaction', query('BEGIN')),
  one('inside', query("INSERT INTO scratch (id, word) VALUES (1, 'a'), (2, 'b') RETURNING *")),
  one('a cursor', query('DECLARE c SCROLL CURSOR FOR SELECT id, t, n FROM kinds ORDER BY id')),
  one('fetched', query('FETCH 2 FROM c')),
  one('fetched in binary', parse('', 'FETCH 1 FROM c'), bind(1), execute(''), sync),
  one('fetched back', query('FETCH BACKWARD ALL FROM c; MOVE 1 FROM c; CLOSE c')),
  one('taken back', query('ROLLBACK')),
  one(
    'prepared by SQL',
    query('PREPARE byname (int) AS SELECT id, status FROM orders WHERE id < $1 ORDER BY id'),
  ),
  one('executed by SQL', query('EXECUTE byname(5)')),
  one('bound to it', bind(1, '', 'byname', ['7']), execute(''), sync),
  one('deallocated', query('DEALLOCATE byname')),
  {
    name: 'series of its own, each with a Sync',
    parts: Array.from({ length: 20 }, (_, at) => [
      parse('', `SELECT ${at}, now() IS NULL`),
      bind(0),
      execute(''),
      sync,
    ]).flat(),
    ready: 20,
  },
];

const copies: readonly Talk[] = [
  ...['', '(FORMAT csv, HEADER)', '(FORMAT binary)'].flatMap((how) => [
    one(`copy out ${how}`, query(`COPY (SELECT * FROM kinds ORDER BY id) TO STDOUT ${how}`)),
    one(`copy out, extended ${how}`, parse('', `COPY orders TO STDOUT ${how}`), bind(0), execute(''), sync),
  ]),
  one('begin', query('BEGIN')),
  one(
    'copy in',
    query('COPY scratch (id, word) FROM STDIN'),
    wire.copyData('1\tone\n2\t'),
    wire.copyData('two\n'),
    wire.copyDone,
  ),
  one('copied', query('SELECT * FROM scratch ORDER BY id')),
  one('copy fails', query('COPY scratch (id) FROM STDIN'), wire.copyData('x\n'), wire.copyDone),
  one('rollback', query('ROLLBACK')),
  one('copy is given up', query('COPY scratch (id) FROM STDIN'), wire.copyData('1\n'), wire.copyFail),
  one(
    'copy in, extended',
    parse('', 'COPY scratch (id) FROM STDIN'),
    bind(0),
    execute(''),
    wire.copyData('x\n'),
    wire.copyDone,
    sync,
  ),
];

// Errors whose text names nothing but what the statement itself wrote. A prepared name that was never made is not among
// them: the gateway itself says so, since it knows no statement that it could let pass.
const errors: readonly Talk[] = [
  one('no such column', query('SELECT nothing FROM orders')),
  one('no such table', query('SELECT 1, * FROM nowhere')),
  one(
    'no such table, prepared',
    parse('', 'SELECT 1 FROM nowhere WHERE id = $1'),
    bind(0),
    execute(''),
    sync,
  ),
  one('no such table, by name', parse('nw', 'SELECT 1 FROM nowhere'), describe('S', 'nw'), sync),
  one('no such schema', query('SELECT 1 FROM nowhere.orders')),
  one('no such function', query('SELECT no_such(id, status) FROM orders')),
  one('no such type', query("SELECT 'x'::no_such")),
  one('no such operator', query('SELECT id ~@~@~ 1 FROM orders')),
  one('nothing there, between', query('SELECT 1 AS one; SELECT 2 FROM nowhere; SELECT 3')),
  one('divided', query('SELECT 1 / (id - id) FROM orders')),
  one(
    'a series with an error',
    parse('', 'SELECT 1/0'),
    bind(0),
    execute(''),
    parse('', 'SELECT 2'),
    bind(0),
    execute(''),
    sync,
  ),
  one('after it', query('SELECT 3')),
  one('begin', query('BEGIN')),
  one('error inside', query('SELECT 1/0')),
  one('and then', query('SELECT 1')),
  one('and then, extended', parse('', 'SELECT 1'), bind(0), execute(''), sync),
  one('commit', query('COMMIT')),
  one('a duplicate', parse('d', 'SELECT 1'), parse('d', 'SELECT 2'), sync),
  one('the first is still meant', bind(0, '', 'd'), execute(''), sync),
  one('closed', close('S', 'd'), close('S', 'never there'), sync),
  one('no transaction', query('ROLLBACK')), // a warning
];

const names: readonly Talk[] = [
  one('listens', query('LISTEN raw_news')),
  one('is told nothing', query('SELECT 1')),
  one('no longer', query('UNLISTEN *')),
  one('shows', query('SHOW search_path')),
  one('sets', query("SET application_name = 'raw'; SET extra_float_digits = 1; RESET extra_float_digits")),
  one('explains', query('EXPLAIN (COSTS OFF) SELECT * FROM kinds WHERE id = 1')),
  one('discards', query('DISCARD ALL')),
];
