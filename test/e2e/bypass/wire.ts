import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IdentityName } from '../harness/gateway.ts';
import {
  cellsOf,
  cstring,
  errorOf,
  int16,
  int32,
  type Message,
  RawClient,
  say,
  startup,
  wire,
} from '../harness/raw.ts';
import type { Tap } from '../harness/tap.ts';
import { until } from '../harness/wait.ts';

/** What a wire case works with. */
export interface Stage {
  readonly tap: Tap;
  readonly port: number;
  readonly connect: (as: IdentityName, parameters?: Readonly<Record<string, string>>) => Promise<RawClient>;
  readonly token: (as: IdentityName) => string;
}

const marker = 'DELETE FROM customers /* wire */';
const deniedCode = '42501';

/** Talks that no well-behaved client has. Each proves by itself that nothing passed and that the session is well or gone. */
export const talks: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  'FunctionCall is refused, and the session goes on': async (stage) => {
    await using client = await stage.connect('dba');
    const call = wire.functionCall(1299); // now()
    const answer = await client.ask(call);
    assert.equal(codeOf(answer).length, 5);
    assert.equal(count(answer, 'Z'), 1);
    assert.ok(!stage.tap.saw(call));
    await alive(client);
  },

  'replication is refused at the start': async (stage) => {
    for (const value of ['true', 'database', 'on', '1']) {
      await assert.rejects(stage.connect('dba', { replication: value }), /Sign-in failed/);
    }
    assert.ok(!stage.tap.saw('replication'));
  },

  'startup options that change parsing are refused': async (stage) => {
    const given: readonly Readonly<Record<string, string>>[] = [
      { options: '-c standard_conforming_strings=off' },
      { options: '--standard_conforming_strings=off' },
      { standard_conforming_strings: 'off' },
      { client_encoding: 'SJIS' },
      { client_encoding: 'GBK' },
      { options: '-c role=postgres' },
      { session_replication_role: 'replica' },
      { options: '-c search_path=evil' },
    ];
    for (const parameters of given) {
      const client = await stage.connect('analyst', parameters).catch(() => undefined);
      // Either refused, or let in as if it had not been asked for.
      if (client === undefined) continue;
      const answer = await client.ask(wire.query('SHOW standard_conforming_strings'));
      assert.deepEqual(rowsOf(answer), [['on']], JSON.stringify(parameters));
      client.destroy();
    }
    assert.ok(!stage.tap.saw('standard_conforming_strings=off'));
    assert.ok(!stage.tap.saw('SJIS'));
  },

  'a token speaks for its own subject only': async (stage) => {
    const open = (user: string, password: string): Promise<RawClient> =>
      RawClient.connect({ port: stage.port, user, database: 'shop', password });
    await assert.rejects(open('dba', stage.token('analyst')), /Sign-in failed/);
    await assert.rejects(open('postgres', stage.token('dba')), /Sign-in failed/);
    await assert.rejects(open('analyst', `${stage.token('analyst')}x`), /Sign-in failed/);
    await assert.rejects(open('analyst', ''), /Sign-in failed/);
    await assert.rejects(open('Analyst', stage.token('analyst')), /Sign-in failed/);
    await assert.rejects(open('analyst user=dba', stage.token('analyst')), /Sign-in failed/);
    await assert.rejects(
      RawClient.connect({
        port: stage.port,
        user: 'analyst',
        database: 'postgres',
        password: stage.token('analyst'),
      }),
      /Sign-in failed/,
    );
  },

  'statements before sign-in are not served': async (stage) => {
    await using client = await RawClient.open(stage.port);
    client.send(startup({ user: 'dba', database: 'shop' }), wire.query(marker), wire.sync);
    const answer = await client.until('Z');
    assert.equal(count(answer, 'Z'), 0);
    assert.ok(!stage.tap.saw(marker));
  },

  'a statement that comes with NUL inside is refused': async (stage) => {
    await using client = await stage.connect('analyst');
    client.send(say('Q', Buffer.from(`SELECT 1\0; ${marker}\0`)));
    const answer = await client.until('Z');
    assert.ok(client.ended || codeOf(answer) !== '');
    assert.equal(rowsOf(answer).length, 0);
    assert.ok(!stage.tap.saw(marker));
  },

  'invalid UTF-8 is refused unread': async (stage) => {
    await using client = await stage.connect('analyst');
    const bytes = Buffer.concat([
      Buffer.from(`SELECT '`),
      Buffer.from([0xff, 0xfe]),
      Buffer.from(`'; ${marker}\0`),
    ]);
    client.send(say('Q', bytes));
    const answer = await client.until('Z');
    assert.ok(client.ended || codeOf(answer) !== '');
    assert.ok(!stage.tap.saw(marker));
  },

  'a denied Parse answers once, and Sync brings the session back': async (stage) => {
    await using client = await stage.connect('analyst');
    const answer = await client.ask(
      wire.parse('', marker),
      wire.bind('', ''),
      wire.describe('P', ''),
      wire.execute(''),
      wire.sync,
    );
    assert.equal(count(answer, 'E'), 1);
    assert.equal(count(answer, 'Z'), 1);
    assert.equal(codeOf(answer), deniedCode);
    assert.ok(!stage.tap.saw(marker));
    await alive(client);
  },

  'what EXECUTE means behind a change of names in its own text is judged as that': async (stage) => {
    await using client = await stage.connect('support'); // who may read public.orders, and nothing else
    assert.equal(codeOf(await client.ask(wire.query('PREPARE moved AS SELECT id, status FROM orders'))), '');
    assert.equal(codeOf(await client.ask(wire.query('EXECUTE moved'))), '');
    for (const text of [
      'SET search_path = evil; EXECUTE moved',
      'SET search_path = evil; EXECUTE moved; RESET search_path',
      'BEGIN; SET LOCAL search_path = evil; EXECUTE moved; COMMIT',
      'SET search_path = evil; SELECT 1; EXECUTE moved',
    ]) {
      const answer = await client.ask(wire.query(text));
      assert.equal(codeOf(answer), deniedCode, text);
      assert.equal(rowsOf(answer).filter((row) => row.length === 2).length, 0, text);
      assertClear(answer);
      await client.ask(wire.query('ROLLBACK'));
      assert.deepEqual(rowsOf(await client.ask(wire.query('SHOW search_path'))), [['"$user", public']]);
    }
    await alive(client);
  },

  'a name that is not there tells nobody of those that are': async (stage) => {
    await using client = await stage.connect('support');
    const told = async (sql: string): Promise<string> => {
      const error = (await client.ask(wire.query(sql))).find(({ type }) => type === 'E');
      return (error?.body.toString() ?? '')
        .replaceAll(/decision \S+?\0|nowhere|audit/g, '')
        .replaceAll(/HThe same[^\0]*/g, 'H');
    };
    for (const sql of [
      'SELECT * FROM %',
      'SELECT note FROM public.%',
      'EXPLAIN SELECT 1 FROM %',
      'DELETE FROM % WHERE id = 1',
      'COPY % TO STDOUT',
    ]) {
      const there = await told(sql.replace('%', 'audit'));
      assert.match(there, /C42501/, sql);
      assert.equal(await told(sql.replace('%', 'nowhere')), there, sql);
    }
    await alive(client);
  },

  'what names something that is not there is prepared at most, and never run': async (stage) => {
    await using client = await stage.connect('dba');
    for (const sql of [
      'INSERT INTO audit SELECT 1, app.leak(note) FROM nowhere',
      'WITH w AS (INSERT INTO audit (note) VALUES (1) RETURNING 1) SELECT * FROM w, nowhere',
      'SELECT app.innocent(), x FROM nowhere',
    ]) {
      stage.tap.clear();
      const answer = await client.ask(wire.query(sql));
      assert.ok(['42P01', deniedCode].includes(codeOf(answer)), `${sql}: ${codeOf(answer)}`);
      assert.ok(!stage.tap.saw(wire.query(sql)), 'its Query went to the server');
      assert.ok(!stage.tap.saw(wire.execute('')), 'something was executed');
      const parsed = await client.ask(wire.parse('p', sql), wire.bind('', 'p'), wire.execute(''), wire.sync);
      assert.notEqual(codeOf(parsed), '');
      assert.ok(!stage.tap.saw(wire.execute('')), 'something was executed');
    }
    await alive(client);
  },

  'a denied Parse cannot be bound or executed later': async (stage) => {
    await using client = await stage.connect('analyst');
    assert.equal(codeOf(await client.ask(wire.parse('s', marker), wire.sync)), deniedCode);
    assert.notEqual(codeOf(await client.ask(wire.bind('', 's'), wire.execute(''), wire.sync)), '');
    assert.notEqual(codeOf(await client.ask(wire.query('EXECUTE s'))), '');
    assert.ok(!stage.tap.saw(marker));
    await alive(client);
  },

  'SQL PREPARE and wire Bind are one name space': async (stage) => {
    await using client = await stage.connect('analyst');
    assert.equal(codeOf(await client.ask(wire.query(`PREPARE s2 AS ${marker}`))), deniedCode);
    assert.notEqual(codeOf(await client.ask(wire.bind('', 's2'), wire.execute(''), wire.sync)), '');
    assert.equal(codeOf(await client.ask(wire.query('PREPARE s3 AS SELECT ssn FROM customers'))), '');
    const bound = await client.ask(wire.bind('', 's3'), wire.execute(''), wire.sync);
    assertClear(bound);
    assert.ok(!stage.tap.saw(marker));
    assert.equal(codeOf(await client.ask(wire.query('DEALLOCATE ALL'))), '');
    assert.notEqual(codeOf(await client.ask(wire.bind('', 's3'), wire.execute(''), wire.sync)), '');
    await alive(client);
  },

  'wire Parse and SQL EXECUTE are one name space': async (stage) => {
    await using client = await stage.connect('analyst');
    assert.equal(codeOf(await client.ask(wire.parse('s4', 'SELECT ssn FROM customers'), wire.sync)), '');
    assertClear(await client.ask(wire.query('EXECUTE s4')));
    assertClear(await client.ask(wire.query('EXPLAIN ANALYZE EXECUTE s4')));
    await alive(client);
  },

  'an EXECUTE that is prepared before its statement is judged when it runs': async (stage) => {
    await using client = await stage.connect('analyst');
    await client.ask(wire.parse('late', 'EXECUTE later'), wire.sync);
    await client.ask(wire.query('PREPARE later AS SELECT ssn, email FROM customers'));
    assertClear(await client.ask(wire.bind('', 'late'), wire.execute(''), wire.sync));
    await client.ask(wire.query('DEALLOCATE later'));
    await client.ask(wire.query('PREPARE later AS SELECT id FROM customers'));
    await client.ask(wire.query('DEALLOCATE later'));
    await client.ask(wire.parse('later', 'SELECT card FROM customers'), wire.sync);
    assertClear(await client.ask(wire.bind('', 'late'), wire.describe('P', ''), wire.execute(''), wire.sync));
    await alive(client);
  },

  'a statement that is prepared anew is masked by what it is now': async (stage) => {
    await using client = await stage.connect('analyst');
    await client.ask(wire.parse('same', 'SELECT city FROM customers'), wire.sync);
    const answer = await client.ask(
      wire.bind('old', 'same'),
      wire.close('S', 'same'),
      wire.parse('same', 'SELECT ssn FROM customers'),
      wire.bind('new', 'same'),
      wire.execute('new'),
      wire.execute('old'),
      wire.sync,
    );
    assert.equal(codeOf(answer), '');
    assert.equal(rowsOf(answer).length, 10);
    assert.equal(rowsOf(answer).filter((row) => row[0] === 'Lisbon').length, 5);
    assertClear(answer);
  },

  'a failed Parse does not take the place of the statement before it': async (stage) => {
    await using client = await stage.connect('analyst');
    await client.ask(wire.parse('s', 'SELECT ssn FROM customers'), wire.sync);
    // The server keeps the first; who believes in the second would show it by the second's masks.
    await client.ask(wire.parse('s', 'SELECT city FROM customers'), wire.sync);
    assertClear(await client.ask(wire.bind('', 's'), wire.execute(''), wire.sync));
    await client.ask(wire.query('PREPARE s AS SELECT city FROM customers'));
    assertClear(await client.ask(wire.query('EXECUTE s')));
    await client.ask(wire.query('BEGIN; PREPARE t AS SELECT ssn FROM customers; SELECT 1 / 0'));
    await client.ask(wire.query('ROLLBACK'));
    await client.ask(wire.query('PREPARE t AS SELECT city FROM customers'));
    assertClear(await client.ask(wire.query('EXECUTE t')));
    await alive(client);
  },

  'what a rolled back transaction prepared and declared is known as the server knows it': async (stage) => {
    await using client = await stage.connect('analyst');
    await client.ask(wire.query('BEGIN'));
    await client.ask(wire.query('PREPARE u AS SELECT ssn FROM customers'));
    await client.ask(wire.query('DECLARE d CURSOR FOR SELECT ssn FROM customers'));
    await client.ask(wire.query('ROLLBACK'));
    // PREPARE outlives its transaction, a cursor does not.
    assertClear(await client.ask(wire.query('EXECUTE u')));
    await client.ask(wire.query('BEGIN'));
    await client.ask(wire.query('DECLARE d CURSOR FOR SELECT card FROM customers'));
    await client.ask(wire.query('SAVEPOINT one'));
    await client.ask(wire.query('CLOSE d'));
    await client.ask(wire.query('DECLARE d CURSOR FOR SELECT city FROM customers'));
    await client.ask(wire.query('ROLLBACK TO one'));
    assertClear(await client.ask(wire.query('FETCH ALL FROM d')));
    await client.ask(wire.query('ROLLBACK'));
    await alive(client);
  },

  'search_path that changes between Parse and Execute does not change what is shown': async (stage) => {
    await using client = await stage.connect('analyst');
    await client.ask(wire.parse('o', 'SELECT status FROM orders'), wire.sync);
    await client.ask(wire.query('SET search_path = evil, public'));
    assertClear(await client.ask(wire.bind('', 'o'), wire.execute(''), wire.sync));
    assertClear(await client.ask(wire.query('SELECT status FROM orders')));
    assertClear(
      await client.ask(wire.parse('', 'TABLE orders'), wire.bind('', ''), wire.execute(''), wire.sync),
    );
    await client.ask(wire.query('RESET search_path'));
    await client.ask(wire.query('BEGIN; SET LOCAL search_path = evil; COMMIT'));
    await client.ask(wire.query('BEGIN'));
    await client.ask(wire.query('SET LOCAL search_path = evil'));
    assertClear(await client.ask(wire.query('SELECT status FROM orders')));
    await client.ask(wire.query('ROLLBACK'));
    assertClear(await client.ask(wire.query('SELECT status FROM orders')));
    await alive(client);
  },

  'names that change inside one pipeline are known to the statement behind, or it is refused': async (
    stage,
  ) => {
    for (const change of [
      'SET search_path = evil, public',
      `SELECT set_config('search_path', 'evil', false)`,
    ]) {
      await using client = await stage.connect('analyst');
      const both = [change, 'SELECT status FROM orders'].flatMap((sql) => [
        wire.parse('', sql),
        wire.bind('', ''),
        wire.execute(''),
      ]);
      const answer = await client.ask(...both, wire.sync);
      assert.equal(count(answer, 'Z'), 1);
      assertClear(answer);
      await alive(client);
    }
  },

  'a cursor of SQL is masked when the wire executes it': async (stage) => {
    await using client = await stage.connect('analyst');
    await client.ask(wire.query('BEGIN'));
    await client.ask(wire.query('DECLARE c CURSOR FOR SELECT ssn, email FROM customers'));
    const answer = await client.ask(wire.execute('c', 2), wire.execute('c'), wire.sync);
    assertClear(answer);
    await client.ask(wire.query('ROLLBACK'));
    await alive(client);
  },

  'Execute without Describe is masked': async (stage) => {
    await using client = await stage.connect('analyst');
    const answer = await client.ask(
      wire.parse('', 'SELECT ssn, id FROM customers ORDER BY id'),
      wire.bind('', ''),
      wire.execute('', 2),
      wire.execute('', 1),
      wire.execute(''),
      wire.sync,
    );
    assert.equal(rowsOf(answer).length, 5);
    assertClear(answer);
  },

  'binary results are masked': async (stage) => {
    await using client = await stage.connect('analyst');
    const bind = say('B', cstring(''), cstring(''), int16(0), int16(0), int16(1), int16(1));
    const answer = await client.ask(
      wire.parse('', 'SELECT ssn, card, email, phone, notes FROM customers'),
      bind,
      wire.execute(''),
      wire.sync,
    );
    assertClear(answer);
  },

  'interleaved portals keep their own masks': async (stage) => {
    await using client = await stage.connect('analyst');
    const answer = await client.ask(
      wire.query('BEGIN'),
      wire.parse('a', 'SELECT id, city FROM customers ORDER BY id'),
      wire.parse('b', 'SELECT ssn, email FROM customers ORDER BY id'),
      wire.bind('pa', 'a'),
      wire.bind('pb', 'b'),
      ...[1, 2, 3].flatMap(() => [wire.execute('pa', 1), wire.execute('pb', 1)]),
      wire.close('S', 'a'),
      wire.parse('a', 'SELECT card FROM customers'),
      wire.bind('pc', 'a'),
      wire.execute('pc'),
      wire.execute('pa'),
      wire.sync,
    );
    const rest = await client.until('Z');
    const all = [...answer, ...rest];
    assert.equal(codeOf(all), '');
    assert.ok(rowsOf(all).some((row) => row[0] === '1' && row[1] === 'Lisbon'));
    assertClear(all);
  },

  'a denied simple query between allowed ones waits its turn': async (stage) => {
    await using client = await stage.connect('analyst');
    client.send(wire.query('SELECT 11'), wire.query(marker), wire.query('SELECT 22'));
    const answer = [...(await client.until('Z')), ...(await client.until('Z')), ...(await client.until('Z'))];
    const order = answer
      .filter((each) => 'DE'.includes(each.type))
      .map((each) => each.type)
      .join('');
    assert.equal(order, 'DED');
    assert.deepEqual(rowsOf(answer), [['11'], ['22']]);
    assert.ok(!stage.tap.saw(marker));
  },

  'a denied statement in a pipeline stops it until Sync': async (stage) => {
    await using client = await stage.connect('analyst');
    const one = (sql: string): Buffer =>
      Buffer.concat([wire.parse('', sql), wire.bind('', ''), wire.execute('')]);
    const answer = await client.ask(one('SELECT 11'), one(marker), one('SELECT 22'), wire.sync);
    assert.equal(count(answer, 'E'), 1);
    assert.deepEqual(rowsOf(answer), [['11']]);
    assert.ok(!stage.tap.saw(marker));
    await alive(client);
  },

  'a failed transaction stays failed, and a denied one is known to the client': async (stage) => {
    await using client = await stage.connect('analyst');
    await client.ask(wire.query('BEGIN'));
    const answer = await client.ask(wire.query(marker));
    const status = String.fromCharCode(answer.at(-1)?.body[0] ?? 0);
    const next = await client.ask(wire.query('SELECT 33'));
    // Either the transaction is failed on both sides, or it is alive on both.
    assert.equal(status, codeOf(next) === '' ? 'T' : 'E');
    await client.ask(wire.query('ROLLBACK'));
    await alive(client);
  },

  'one byte at a time is judged the same': async (stage) => {
    await using client = await stage.connect('analyst');
    for (const byte of wire.query(marker)) {
      client.send(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(codeOf(await client.until('Z')), deniedCode);
    assert.ok(!stage.tap.saw(marker));
    await alive(client);
  },

  'COPY data without a COPY does no harm': async (stage) => {
    await using client = await stage.connect('analyst');
    client.send(wire.copyData('1\tx\n'), wire.copyDone, wire.query('SELECT 44'));
    const answer = await client.until('Z');
    assert.ok(client.ended || count(answer, 'Z') > 0);
    assert.ok(!stage.tap.saw('1\tx\n'));
  },

  'a denied COPY FROM STDIN takes no data': async (stage) => {
    await using client = await stage.connect('analyst');
    client.send(wire.query('COPY audit (note) FROM STDIN'), wire.copyData('smuggled\n'), wire.copyDone);
    const answer = await client.until('Z');
    assert.equal(codeOf(answer), deniedCode);
    assert.equal(count(answer, 'G'), 0);
    client.send(wire.query('SELECT 44'));
    const next = await client.until('Z');
    assert.ok(client.ended || rowsOf(next).some((row) => row[0] === '44'));
    assert.ok(!stage.tap.saw('smuggled'));
  },

  'a Query inside COPY IN does not run': async (stage) => {
    await using client = await stage.connect('dba');
    client.send(wire.query('COPY audit (note) FROM STDIN'));
    const first = await client.next();
    if (first?.type !== 'G') return; // held or refused: there is no COPY to misuse
    client.send(wire.copyData('row\n'), wire.query(marker), wire.copyFail, wire.sync);
    await client.until('Z');
    assert.ok(!stage.tap.saw(marker));
  },

  'a message of an unknown type ends or is refused, never passed': async (stage) => {
    for (const type of ['y', 'Z', 'R', 'T', 'v', '\u0000', 'p']) {
      await using client = await stage.connect('analyst');
      stage.tap.clear();
      const strange = say(type, Buffer.from('strange-message'));
      client.send(strange, wire.query('SELECT 1'));
      const answer = await client.until('Z');
      assert.ok(client.ended || answer.length > 0);
      assert.ok(!stage.tap.saw('strange-message'), `type ${type}`);
    }
  },

  'lengths that lie end the session, and the gateway lives': async (stage) => {
    for (const length of [0, 1, 3, -1, 0x7fffffff, -0x80000000]) {
      await using client = await stage.connect('analyst');
      client.send(Buffer.concat([Buffer.from('Q'), int32(length), Buffer.from(`${marker}\0`)]));
      const answer = await client.until('Z');
      assert.equal(rowsOf(answer).length, 0, `length ${length}`);
      assert.ok(client.ended, `length ${length}`);
    }
    assert.ok(!stage.tap.saw(marker));
    await using other = await stage.connect('analyst');
    await alive(other);
  },

  'broken bodies are not passed on': async (stage) => {
    const bodies: readonly Buffer[] = [
      say('Q', Buffer.from(marker)), // no terminator
      say('P', Buffer.from(`s\0${marker}\0`)), // no parameter count
      say('P', cstring('s'), cstring(marker), int16(-1)),
      say('B', cstring(''), cstring(''), int16(32_767)),
      say('B', cstring(''), cstring('s'), int16(0), int16(1), int32(-2), int16(0)),
      say('D', Buffer.from('X'), cstring('')),
      say('C', Buffer.from('Q'), cstring('')),
      say('E', cstring('')),
    ];
    for (const body of bodies) {
      await using client = await stage.connect('analyst');
      client.send(body, wire.sync);
      const answer = await client.until('Z');
      assert.ok(client.ended || codeOf(answer) !== '');
    }
    assert.ok(!stage.tap.saw(marker));
  },

  'startup packets that lie are closed': async (stage) => {
    const packets: readonly Buffer[] = [
      int32(0),
      int32(3),
      Buffer.concat([int32(0x7fffffff), int32(196_608)]),
      Buffer.concat([int32(-5), int32(196_608)]),
      Buffer.concat([int32(8), int32(131_072)]), // protocol 2.0
      Buffer.concat([int32(200_000), int32(196_608), Buffer.alloc(100_000, 'a')]),
      startup({ user: 'analyst', database: 'shop' }, 0x00040000),
      Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
      Buffer.concat([int32(12), int32(196_608), Buffer.from('user')]), // cut
    ];
    for (const [at, packet] of packets.entries()) {
      await using client = await RawClient.open(stage.port);
      client.send(packet);
      if (at === packets.length - 1) client.end();
      const answer = await client.until('Z', 25_000).catch(() => []);
      assert.equal(count(answer, 'Z'), 0, `packet ${at}`);
    }
    await using other = await stage.connect('analyst');
    await alive(other);
  },

  'GSS encryption is declined, plaintext behind SSLRequest is not read': async (stage) => {
    await using gss = await RawClient.open(stage.port);
    gss.send(Buffer.concat([int32(8), int32(80_877_104)]));
    await using ssl = await RawClient.open(stage.port);
    // CVE-2021-23222: what was sent before the handshake must not count as sent inside it.
    ssl.send(Buffer.concat([int32(8), int32(80_877_103)]), startup({ user: 'analyst', database: 'shop' }));
    const answer = await ssl.until('Z', 3_000).catch(() => []);
    assert.equal(count(answer, 'Z'), 0);
  },

  'a forged cancel key cancels nothing and reaches nobody': async (stage) => {
    await using victim = await stage.connect('analyst');
    const { key } = victim;
    assert.ok(key !== undefined);
    victim.send(wire.query('SELECT count(*) FROM generate_series(1, 3000000) AS g'));
    const before = stage.tap.connections();
    for (let attempt = 0; attempt < 5; attempt++) {
      await using canceller = await RawClient.open(stage.port);
      const secret = randomBytes(key.secret.length);
      canceller.send(Buffer.concat([int32(12 + secret.length), int32(80_877_102), int32(key.pid), secret]));
      await canceller.until('Z');
    }
    const answer = await victim.until('Z');
    assert.deepEqual(rowsOf(answer), [['3000000']]);
    assert.equal(stage.tap.connections(), before);
  },

  'the real cancel key cancels its own statement': async (stage) => {
    await using victim = await stage.connect('analyst');
    const { key } = victim;
    assert.ok(key !== undefined);
    victim.send(wire.query('SELECT count(*) FROM generate_series(1, 500000000) AS g'));
    const over = { yes: false };
    const answered = victim.until('Z').finally(() => (over.yes = true));
    await until(() => stage.tap.saw('500000000'), 'the statement is not sent on');
    // A server that has not begun with a statement lets its cancellation pass: then it is asked again.
    while (!over.yes) {
      await sleep(500);
      await using canceller = await RawClient.open(stage.port);
      canceller.send(
        Buffer.concat([int32(12 + key.secret.length), int32(80_877_102), int32(key.pid), key.secret]),
      );
      await Promise.race([answered, sleep(15_000)]);
    }
    assert.equal(codeOf(await answered), '57014');
    await alive(victim);
  },

  'errors and notices give nothing away': async (stage) => {
    await using client = await stage.connect('analyst');
    for (const sql of [
      'SELECT ssn::int FROM customers',
      `SELECT (ssn || '/' || email)::date FROM customers`,
      `SELECT ('{"a": ' || ssn)::json FROM customers`,
      'SELECT card::inet FROM customers',
      `SELECT lpad('x', notes::int) FROM customers`,
    ]) {
      assertClear(await client.ask(wire.query(sql)));
      assertClear(await client.ask(wire.parse('', sql), wire.bind('', ''), wire.execute(''), wire.sync));
    }
    await alive(client);
  },
};

const clearTexts = ['421-33-9087', '4556737586899855', 'helena.quarles', '+1-202-555-0173'];

/** No canary in any message, of whatever kind, however its cells are cut. */
export function assertClear(messages: readonly Message[], about = ''): void {
  for (const { type, body } of messages) {
    for (const canary of clearTexts) {
      assert.ok(!body.includes(canary), `${about} shows a value in a message of type ${type}`);
      assert.ok(!body.includes(Buffer.from(canary).toString('hex')), `${about} shows a value in hex`);
      assert.ok(
        !body.includes(Buffer.from(canary).toString('base64').slice(0, -2)),
        `${about} shows a value in base64`,
      );
    }
  }
}

/** The SQLSTATE of the first error, or nothing. */
export function codeOf(messages: readonly Message[]): string {
  const found = messages.find((each) => each.type === 'E');
  return found === undefined ? '' : errorOf(found).code;
}

export function rowsOf(messages: readonly Message[]): readonly (readonly (string | null)[])[] {
  return messages.filter((each) => each.type === 'D').map(cellsOf);
}

function count(messages: readonly Message[], type: string): number {
  return messages.filter((each) => each.type === type).length;
}

/** The session still answers, with its own answer. */
export async function alive(client: RawClient): Promise<void> {
  const answer = await client.ask(wire.query('SELECT 4711 AS n'));
  assert.deepEqual(rowsOf(answer), [['4711']]);
}
