import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { runProgram } from './harness/clients.ts';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts, root, temporaryFolder } from './harness/place.ts';
import { missingPostgres, type PostgresServer, startPostgres } from './harness/postgres.ts';
import { until } from './harness/wait.ts';

// One gateway, one afternoon: an entry of every class, each found by asking the gateway, and the ledger verifies.

const main = join(root, 'src', 'cli', 'main.ts');

const rules = `
apiVersion: sallyport/v1
module: m
owner: team:data
rules:
  - id: record
    effect: allow
    match: { resource: { kind: sallyport }, identity: { groups: [leads] } }
  - id: reads
    effect: allow
    match: { resource: { kind: postgres }, action: sql.*, access: read }
  - id: masks
    effect: require
    match: { resource: { kind: postgres } }
    then: { mask: [{ find: '*', with: redact }] }
  - id: changes
    effect: allow
    match: { resource: { kind: postgres }, identity: { groups: [dba, leads] }, access: [write, execute] }
  - id: deletions
    effect: require
    match: { resource: { kind: postgres }, action: sql.delete }
    then: { approve: { from: leads, ttl: 10m } }
  - id: updates
    effect: require
    match: { resource: { kind: postgres }, action: sql.update }
    then: { approve: { from: leads, ttl: 1s } }
  - id: frozen
    effect: deny
    enforce: soft
    breakGlass: { groups: [leads], ticket: 'INC-[0-9]+' }
    match: { resource: { kind: postgres }, action: sql.insert }
    why: Frozen.
`;

const composition = `
apiVersion: sallyport/v1
layers:
  - { name: main, role: grant, use: [{ module: m }] }
record: full
`;

interface Found {
  readonly entry: number;
  readonly kind: string;
  readonly verb?: string;
  readonly effect?: string;
  readonly session?: string;
}

suite('an entry of every class', { skip: missingPostgres(18) ?? false }, () => {
  const home = temporaryFolder('evidence');
  const policy = temporaryFolder('evidence-policy');
  const tokens: Record<string, string> = {};
  let server: PostgresServer;
  let gateway: Configured;
  let first = 0;

  const putRules = (text: string): void => writeFileSync(join(policy.path, 'modules', 'm.policy.yaml'), text);
  const start = (more: string): Promise<Configured> =>
    startConfigured({
      api: first,
      policy: {},
      options: { home: home.path },
      text: `
listen: { api: 127.0.0.1:${first}, postgres: 127.0.0.1:${first + 1} }
policy: ${policy.path}
reviews: { freshSignIn: any }
identities:
  - { subject: ann, kind: human, groups: [analysts] }
  - { subject: dan, kind: human, groups: [dba] }
  - { subject: lena, kind: human, groups: [leads] }
resources:
  - { name: shop, kind: postgres, address: '127.0.0.1:${server.port}', database: shop, credentials: { user: gateway, password: behind } }
${more}`,
    });
  const psql = (user: string, statements: readonly string[], password: string = tokens[user] ?? '') =>
    runProgram(
      'psql',
      ['-X', '-h', '127.0.0.1', '-p', String(first + 1), '-U', user, '-d', 'shop'].concat(
        statements.flatMap((each) => ['-c', each]),
      ),
      { env: { PGPASSWORD: password, PGCONNECT_TIMEOUT: '100' }, withinMs: 180_000 },
    );
  const api = async (path: string, body?: unknown): Promise<{ status: number; value: unknown }> => {
    const answer = await fetch(`${gateway.api}/api/v1${path}`, {
      headers: { authorization: `Bearer ${tokens['lena']}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      value: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text,
    };
  };
  const cli = (...args: readonly string[]) =>
    runProgram(process.execPath, [main, ...args], {
      env: { SALLYPORT_API: gateway.api, SALLYPORT_TOKEN: tokens['lena'] ?? '' },
      withinMs: 180_000,
    });
  /** Entries of a kind, newest first, as the index finds them. */
  const found = async (query: string): Promise<readonly Found[]> => {
    const { status, value } = await api(`/entries?limit=200&${query}`);
    assert.equal(status, 200, JSON.stringify(value));
    const rows = Array.isArray(value) ? value : (value as { entries: unknown }).entries;
    assert.ok(Array.isArray(rows), JSON.stringify(value).slice(0, 300));
    return rows as readonly Found[];
  };
  const eventually = async (query: string): Promise<readonly Found[]> => {
    let rows: readonly Found[] = [];
    await until(async () => (rows = await found(query)).length > 0, `no entry: ${query}`);
    return rows;
  };

  before(async () => {
    server = await startPostgres({
      version: 18,
      initSql: 'CREATE DATABASE shop',
      settings: { fsync: 'off' },
    });
    const owner = await server.connect({ database: 'shop' });
    await owner.query(`CREATE ROLE gateway LOGIN PASSWORD 'behind';
      CREATE TABLE customers (id int PRIMARY KEY, email text); INSERT INTO customers VALUES (1, 'ann@example.com'), (2, 'bob@example.com');
      GRANT ALL ON customers TO gateway`);
    await owner.end();
    mkdirSync(join(policy.path, 'modules'));
    writeFileSync(join(policy.path, 'policy.yaml'), composition);
    putRules(rules);
    first = await freePorts(2);
    gateway = await start('');
    for (const subject of ['ann', 'dan', 'lena']) tokens[subject] = await gateway.token(subject);
  });

  after(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    home[Symbol.dispose]();
    policy[Symbol.dispose]();
  });

  test('they happen', async () => {
    assert.match((await psql('ann', ['SELECT email FROM customers'])).stdout, /EMAIL|\*|redacted/i);
    assert.notEqual((await psql('ann', ['CREATE TABLE x (y int)'])).code, 0);
    assert.notEqual((await psql('ann', ['SELECT 1'], 'wrong')).code, 0);

    const held = psql('dan', ['DELETE FROM customers WHERE id = 2']);
    const [asked] = await eventually('kind=review.asked');
    assert.ok(asked !== undefined);
    const waiting = (await api('/reviews?state=waiting')).value as readonly { id: string; digest: string }[];
    const [review] = waiting;
    assert.ok(review !== undefined, JSON.stringify(waiting));
    const approved = await api(`/reviews/${review.id}/approve`, { digest: review.digest, reason: 'agreed' });
    assert.equal(approved.status, 200, JSON.stringify(approved.value));
    assert.equal((await held).code, 0);
    const late = await psql('dan', ["UPDATE customers SET email = 'x'"]);
    assert.notEqual(late.code, 0, 'nobody answers: it expires');

    const glass = await psql('lena', [
      "SET sallyport.reason = 'outage'",
      "SET sallyport.ticket = 'INC-7'",
      'SET sallyport.break_glass = on',
      "INSERT INTO customers VALUES (3, 'c@example.com')",
    ]);
    assert.equal(glass.code, 0, glass.stderr);

    const session = (await eventually('kind=session.opened&identity=ann')).at(-1)?.session ?? '';
    for (const args of [
      ['sessions', 'play', session, '--speed', '1000'],
      ['sessions', 'export', session, '--format', 'jsonl'],
      ['audit', 'hold', 'add', '--session', session, '--reason', 'a case'],
    ]) {
      const done = await cli(...args);
      assert.equal(done.code, 0, `${args.join(' ')}: ${done.stderr}`);
    }
    const holds = (await api('/holds')).value as readonly { id: string }[];
    assert.equal((await cli('audit', 'erase', '--session', session)).code, 1, 'what is held stays');
    assert.equal((await cli('audit', 'hold', 'remove', holds[0]?.id ?? '', '--reason', 'over')).code, 0);
    const erased = await cli('audit', 'erase', '--session', session, '--reason', 'asked for');
    assert.equal(erased.code, 0, erased.stderr);
    const rotated = await cli('audit', 'rotate-key');
    assert.equal(rotated.code, 0, rotated.stderr);

    // A recording that cannot be written: the folder of recordings is none.
    const recordings = join(gateway.home, 'data', 'recordings');
    renameSync(recordings, `${recordings}.away`);
    writeFileSync(recordings, '');
    await psql('ann', ['SELECT id FROM customers', 'SELECT 2']);
    await eventually('kind=recording.gap'); // its client does not wait for that
    rmSync(recordings);
    renameSync(`${recordings}.away`, recordings);

    putRules(`${rules}\n# another policy\n`.replace('Frozen.', 'Frozen today.'));
    await eventually('kind=policy.loaded');
    putRules('apiVersion: nothing\n');
    await eventually('kind=policy.refused');
    putRules(rules);
    await gateway[Symbol.asyncDispose]();
    gateway = await start('log: { level: debug }\n');
  });

  test('each is found, and shows what it is', async () => {
    const decisions = await found('kind=decision');
    assert.deepEqual(
      new Set(decisions.map(({ effect }) => effect)),
      new Set(['allow', 'deny', 'review']),
      JSON.stringify(decisions[0]),
    );
    const missing: string[] = [];
    for (const kind of [
      'gateway.started',
      'gateway.stopped',
      'session.opened',
      'session.closed',
      'sign-in.refused',
      'review.asked',
      'review.answered',
      'review.used',
      'review.ended',
      'break-glass',
      'policy.loaded',
      'policy.refused',
      'record.read',
      'recording.gap',
      'hold.added',
      'hold.removed',
      'record.erased',
      'key.rotated',
    ])
      if ((await found(`kind=${kind}`)).length === 0) missing.push(kind);
    assert.deepEqual(missing, []);
    const searched = await cli('audit', 'search', '--kind', 'key.rotated', '--json');
    assert.equal(searched.code, 0, searched.stderr);
    assert.match(searched.stdout, /key\.rotated/);
  });

  test('as the ledger has them, with a new configuration and both ends of a review, and it verifies', async () => {
    await gateway[Symbol.asyncDispose]();
    const data = join(gateway.home, 'data');
    const exported = await runProgram(process.execPath, [main, 'audit', 'export', '--data', data, '--clear']);
    const entries = exported.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { entry: Record<string, unknown> }).entry);
    const of = (kind: string): readonly Record<string, unknown>[] =>
      entries.filter((entry) => entry['kind'] === kind);
    const configurations = of('gateway.started').map(({ config }) => config);
    assert.equal(configurations.length, 2);
    assert.ok(configurations.every((each) => typeof each === 'string'));
    assert.notEqual(configurations[0], configurations[1], 'the configuration was changed');
    const ends = new Set(of('review.ended').map(({ state }) => state));
    assert.ok(ends.has('done') && ends.has('expired'));
    const verbs = new Set(of('record.read').map(({ verb }) => verb));
    for (const verb of ['recording.read', 'recording.export', 'record.rotate', 'record.erase', 'record.hold'])
      assert.ok(verbs.has(verb), verb);
    assert.ok(of('outcomes').length > 0 && of('recording.chunk').length > 0, 'these are parts of other rows');
    assert.ok(of('decision').some(({ duties }) => Array.isArray(duties) && duties.includes('mask')));
    assert.equal((of('key.rotated')[0]?.['by'] as { subject?: string } | undefined)?.subject, 'lena');
    const verified = await runProgram(process.execPath, [main, 'audit', 'verify', '--data', data, '--json']);
    assert.equal(verified.code, 0, verified.stdout.slice(0, 2_000));
  });
});
