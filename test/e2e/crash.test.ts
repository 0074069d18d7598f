import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { open } from '../../src/stores/fake.ts';
import { runProgram } from './harness/clients.ts';
import { type Behind, type Guarded, startUp } from './harness/gateway.ts';
import { freePorts, root, temporaryFolder } from './harness/place.ts';
import { type PostgresServer, startPostgres } from './harness/postgres.ts';
import { cellsOf, errorOf, RawClient, type RawOptions, wire } from './harness/raw.ts';

// The gateway is killed in the middle of load and started again on the same home: whatever a client was answered, and
// whatever the server was sent to change, has its entry in the ledger, and the ledger still verifies.

const rounds = 4;
const answersBeforeKill = 400; // at least

/** What a client knows to have happened. */
interface Witness {
  /** Statements of which at least one byte of an answer came. Each has its own text. */
  readonly answered: Set<string>;
  /** Executions of one text that were answered. */
  readonly executed: Map<string, number>;
  count: number;
  writes: number;
}

suite('kill -9 in the middle of load', { timeout: 900_000 }, () => {
  test('loses no entry of anything that was answered or changed', async () => {
    await using server = await startPostgres({
      version: 18,
      initSql: 'CREATE TABLE marks (mark text, n int)',
    });
    using home = temporaryFolder('crash');
    const ports = await freePorts(2);
    const start = (): Promise<Guarded> => startUp(behind(server), { home: home.path, portBase: ports });
    const witness: Witness = { answered: new Set(), executed: new Map(), count: 0, writes: 0 };
    let tokens: readonly [analyst: string, dba: string] | undefined;

    for (let round = 0; round < rounds; round++) {
      await using gateway = await start();
      tokens ??= [await gateway.token('analyst'), await gateway.token('dba')];
      const [analyst, dba] = tokens;
      const as = (user: string, password: string): RawOptions => ({
        port: gateway.port,
        database: 'shop',
        user,
        password,
      });
      const load = [
        ...[0, 1].map((n) => reads(as('analyst', analyst), `r${round}-simple-${n}`, witness)),
        ...[0, 1].map((n) => pipelines(as('analyst', analyst), `r${round}-piped-${n}`, witness)),
        ...[0, 1].map((n) => prepared(as('analyst', analyst), `r${round}-named-${n}`, witness)),
        ...[0, 1].map((n) => writes(as('dba', dba), `r${round}-write-${n}`, witness)),
      ];
      const until = witness.count + answersBeforeKill + randomInt(200);
      while (witness.count < until || witness.writes <= (round + 1) * 10) {
        assert.equal(gateway.log().includes('"level":"error"'), false, gateway.log());
        await sleep(1);
      }
      assert.equal(await gateway.stop('SIGKILL'), 'SIGKILL');
      const ended = await Promise.allSettled(load);
      assert.ok(ended.every(({ status }) => status === 'fulfilled'));
      assert.equal(await verify(home.path), 0, 'as the kill left it');
    }

    await using last = await start();
    assert.equal(await verify(home.path), 0, 'while the next gateway runs');
    assert.equal(await last.stop(), 0);
    assert.equal(await verify(home.path), 0, 'after it has stopped');

    const written = await writtenTexts(home.path);
    const total = [...written.values()].reduce((sum, each) => sum + each, 0);
    const missing = [...witness.answered].filter((text) => !written.has(text));
    assert.deepEqual(missing, [], 'answered, and not in the ledger');
    for (const [text, executed] of witness.executed) {
      const entries = written.get(text) ?? 0;
      assert.ok(entries >= executed, `${executed} answers and ${entries} entries: ${text}`);
    }
    const client = await server.connect();
    const { rows } = await client.query<{ mark: string }>('SELECT mark FROM marks');
    assert.ok(rows.length > rounds * 10, `only ${rows.length} writes`);
    const unwritten = rows.filter(({ mark }) => !written.has(insert(mark)));
    assert.deepEqual(unwritten, [], 'changed, and not in the ledger');
    assert.ok(witness.answered.size > rounds * 100 && total >= witness.count);
    console.log(
      `${rounds} kills: ${witness.count} answers, ${rows.length} writes, ${total} decisions in the ledger`,
    );
  });
});

test('SIGTERM lets what is under way end, and lets nobody new in', { timeout: 900_000 }, async () => {
  await using server = await startPostgres({ version: 18, initSql: 'CREATE TABLE marks (mark text, n int)' });
  using home = temporaryFolder('drain');
  await using gateway = await startUp(behind(server), { home: home.path });
  const holder = await server.connect();
  await holder.query('BEGIN; LOCK TABLE marks');
  const password = await gateway.token('dba');
  const options = { port: gateway.port, database: 'shop', user: 'dba', password };
  await using busy = await RawClient.connect(options);
  await using idle = await RawClient.connect(options);
  busy.send(wire.query(insert('drained')));
  const waiting =
    "SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted AND relation = 'marks'::regclass";
  const waits = async (): Promise<boolean> => (await holder.query<{ n: number }>(waiting)).rows[0]?.n === 1;
  while (!(await waits())) await sleep(20);

  const stopped = gateway.stop('SIGTERM');
  const goodbye = await idle.until('Z');
  const [said] = goodbye.filter(({ type }) => type === 'E');
  assert.ok(said !== undefined && errorOf(said).code === '57P01', 'an idle session is told');
  await assert.rejects(RawClient.connect(options));
  await holder.query('COMMIT');
  const answered = await busy.until('Z');
  assert.deepEqual(
    answered.filter(({ type }) => 'CZ'.includes(type)).map(({ type }) => type),
    ['C', 'Z'],
  );
  assert.equal(await stopped, 0, gateway.log());
  assert.equal((await holder.query('SELECT FROM marks')).rowCount, 1);
  assert.equal(await verify(home.path), 0);
  assert.equal((await writtenTexts(home.path)).get(insert('drained')), 1);
});

function behind(server: PostgresServer): Behind {
  const { port, user, password, database } = server;
  return { port, user, password, database };
}

function insert(mark: string): string {
  return `INSERT INTO marks VALUES ('${mark}', 1)`;
}

// ---- the load; each goes on until the connection breaks

async function reads(options: RawOptions, name: string, witness: Witness): Promise<void> {
  await using client = await RawClient.connect(options);
  for (let n = 0; ; n++) {
    const text = `SELECT '${name}-${n}' AS mark, count(*) FROM marks`;
    client.send(wire.query(text));
    if (!(await rowsSeen(client, () => witness.answered.add(text), witness))) return;
  }
}

/** Ten series at once, without waiting for the answers. */
async function pipelines(options: RawOptions, name: string, witness: Witness): Promise<void> {
  await using client = await RawClient.connect(options);
  for (let n = 0; ; n++) {
    const texts = Array.from({ length: 10 }, (_, at) => `SELECT '${name}-${n}-${at}' AS mark`);
    client.send(
      ...texts.flatMap((text) => [wire.parse('', text), wire.bind('', ''), wire.execute(''), wire.sync]),
    );
    for (const text of texts) {
      if (!(await rowsSeen(client, () => witness.answered.add(text), witness))) return;
    }
  }
}

async function prepared(options: RawOptions, name: string, witness: Witness): Promise<void> {
  await using client = await RawClient.connect(options);
  const text = `SELECT '${name}' AS mark, $1::text AS word`;
  await client.ask(wire.parse('p', text), wire.describe('S', 'p'), wire.sync);
  for (let n = 0; ; n++) {
    client.send(wire.bind('', 'p', [`word ${n}`]), wire.execute(''), wire.sync);
    const seen = (): unknown => witness.executed.set(text, (witness.executed.get(text) ?? 0) + 1);
    if (!(await rowsSeen(client, seen, witness))) return;
  }
}

async function writes(options: RawOptions, name: string, witness: Witness): Promise<void> {
  await using client = await RawClient.connect(options);
  for (let n = 0; ; n++) {
    const text = insert(`${name}-${n}`);
    client.send(wire.query(text));
    const seen = (): void => {
      witness.answered.add(text);
      witness.writes += 1;
    };
    if (!(await rowsSeen(client, seen, witness))) return;
  }
}

/** Reads one answer; `seen` is called at its first byte that tells of a success. False once the connection is gone. */
async function rowsSeen(client: RawClient, seen: () => unknown, witness: Witness): Promise<boolean> {
  let first = true;
  for (;;) {
    const message = await client.next().catch(() => undefined);
    if (message === undefined) return false;
    assert.ok(message.type !== 'E' || errorOf(message).code.startsWith('57'), errorOf(message).message);
    if (first && 'TDC'.includes(message.type)) {
      if (message.type === 'D') assert.ok(cellsOf(message).length > 0);
      first = false;
      witness.count += 1;
      seen();
    }
    if (message.type === 'Z') return true;
  }
}

// ---- the ledger

async function verify(home: string): Promise<number> {
  const args = [join(root, 'src', 'cli', 'main.ts'), 'audit', 'verify', '--data', join(home, 'data')];
  const { code, stdout, stderr } = await runProgram(process.execPath, args);
  if (code !== 0) console.error(stdout, stderr);
  return code;
}

/** Texts of allowed statements in the ledger of a gateway that is not running, and how often each stands there. */
async function writtenTexts(home: string): Promise<ReadonlyMap<string, number>> {
  const ledger = await open(join(home, 'data'), { origin: 'sallyport' });
  const texts = new Map<string, number>();
  for await (const { entry, seal } of ledger.read(0, ledger.size)) {
    if (entry.kind !== 'decision' || entry.decision !== 'allow') continue;
    assert.equal(seal, 'opened');
    texts.set(entry.sealed.text, (texts.get(entry.sealed.text) ?? 0) + 1);
  }
  await ledger.close();
  return texts;
}
