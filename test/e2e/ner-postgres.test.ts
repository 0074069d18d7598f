import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, type QueryConfig } from 'pg';
import { writeTinyModel } from '../../src/ner/testdata/tiny-model.ts';
import { runProgram } from './harness/clients.ts';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { installPackages } from './harness/packages.ts';
import { freePorts, root, temporaryFolder } from './harness/place.ts';
import { missingPostgres, type PostgresServer, startPostgres } from './harness/postgres.ts';
import { until } from './harness/wait.ts';

// Rows that a model reads: the real server, the real runtime and tokenizer, and a small model that the test can read. It knows Xylo,
// Xylo Quendberg and Zorbia, which stand on no list.

const packages = join(root, 'test/ner');
const folder = temporaryFolder('ner-postgres');
const model = join(folder.path, 'tiny');
const skip = missingPostgres(18) ?? false;

const ways = { required: 'analysts', 'where-possible': 'dba' } as const;
type As = 'analyst' | 'dba';
const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers:
  - { name: shop, role: grant, use: [{ module: shop }] }
  - { name: masks, role: restrict, use: [{ module: masks }] }
`,
  'modules/shop.policy.yaml': `
apiVersion: sallyport/v1
module: shop
about: Who may use what.
owner: team:platform
rules:
  - id: all
    effect: allow
    match: { resource: { kind: [postgres, sallyport] } }
    why: Everybody may.
    fix: Ask.
`,
  'modules/masks.policy.yaml': `
apiVersion: sallyport/v1
module: masks
about: What is hidden.
owner: team:platform
rules:
  - id: few
    effect: require
    match: { resource: { kind: postgres }, action: sql.select }
    when: action.objects.exists(o, o.name == "public.few")
    then: { limit: { rows: 3 } }
    why: Few are enough.
    fix: Ask for fewer.
${Object.entries(ways)
  .map(
    ([use, group]) => `
  - id: ${use}
    effect: require
    match: { resource: { kind: postgres }, identity: { groups: [${group}] } }
    then: { mask: [{ find: '*', with: redact, model: ${use} }, { tag: pii/*, with: redact }] }
    why: Names are masked.
    fix: Use ids.
`,
  )
  .join('')}
`,
  'schema.yaml': `
apiVersion: sallyport/v1
tags:
  shop: { 'public.people.nick': [pii/name] }
`,
};

const rows = 1_200;
const schema = `
CREATE ROLE gateway LOGIN IN ROLE pg_read_all_data, pg_write_all_data PASSWORD 'x';
CREATE TABLE people (id int PRIMARY KEY, note text, nick text, doc jsonb, tags text[], raw bytea, num text);
INSERT INTO people VALUES
  (1, 'met Xylo Quendberg, ann@example.com', 'Q', '{"xylo":"in Zorbia","Xylo met":["met Xylo",5]}', '{"met Xylo",a}', convert_to('met Xylo','UTF8'), '17'),
  (2, 'met in a', 'R', '{"a":null}', '{}', '\\xff00', NULL),
  (3, NULL, NULL, NULL, NULL, NULL, '');
CREATE TABLE big AS SELECT n AS id, CASE n % 3 WHEN 0 THEN 'met Xylo in a' WHEN 1 THEN 'in a met ' || n ELSE 'Zorbia' END AS note FROM generate_series(1, ${rows}) n;
CREATE TABLE few AS SELECT n AS id, 'met Xylo' AS note FROM generate_series(1, 5) n;
`;
const shownBig = (n: number): string =>
  n % 3 === 0 ? 'met [PERSON] in a' : n % 3 === 1 ? `in a met ${n}` : '[LOCATION]';

interface Door {
  readonly gateway: Configured;
  readonly port: number;
  readonly tokens: Readonly<Record<As, string>>;
}

async function open(server: PostgresServer, ner: string): Promise<Door> {
  const api = await freePorts(2);
  const gateway = await startConfigured({
    api,
    policy,
    text: `
listen: { api: 127.0.0.1:${api}, postgres: 127.0.0.1:${api + 1} }
policy: ./policy
resources:
  - { name: shop, kind: postgres, address: '127.0.0.1:${server.port}', database: shop, tls: disable, credentials: { user: gateway, password: x } }
identities:
  - { subject: analyst, kind: human, groups: [analysts] }
  - { subject: dba, kind: human, groups: [dba] }
plainFrom: loopback
${ner}`,
  });
  const tokens = { analyst: await gateway.token('analyst'), dba: await gateway.token('dba') };
  return { gateway, port: api + 1, tokens };
}

async function connected(door: Door, as: As): Promise<Client> {
  const client = new Client({
    host: '127.0.0.1',
    port: door.port,
    user: as,
    password: door.tokens[as],
    database: 'shop',
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function asked<T>(door: Door, as: As, run: (client: Client) => Promise<T>): Promise<T> {
  const client = await connected(door, as);
  try {
    return await run(client);
  } finally {
    await client.end();
  }
}

const both: readonly As[] = ['analyst', 'dba'];

describe('rows of PostgreSQL are read by a model', { skip }, () => {
  let server: PostgresServer;
  let door: Door;

  before(async () => {
    // Without scripts: that of the runtime would fetch code for graphics cards from elsewhere.
    installPackages(packages, '--ignore-scripts');
    writeTinyModel(model);
    server = await startPostgres({
      version: 18,
      initSql: 'CREATE DATABASE shop',
      settings: { fsync: 'off' },
    });
    const admin = await server.connect({ database: 'shop' });
    await admin.query(schema);
    await admin.end();
    door = await open(server, `ner: { model: ${model}, packages: ${packages}, withinMs: 60000 }\n`);
  });
  after(async () => {
    await door?.gateway[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const first = {
    id: 1,
    note: 'met [PERSON], [EMAIL_ADDRESS]',
    nick: '***',
    doc: { xylo: 'in [LOCATION]', '[PERSON] met': ['met [PERSON]', 5] },
    tags: ['met [PERSON]', 'a'],
    raw: Buffer.from('met [PERSON]'),
    num: '17',
  };
  const last = { id: 3, note: null, nick: null, doc: null, tags: null, raw: null, num: '' };

  const questions: readonly (readonly [string, QueryConfig & { readonly binary?: boolean }])[] = [
    ['simple', { text: 'SELECT * FROM people ORDER BY id' }],
    ['extended', { text: 'SELECT * FROM people WHERE id > $1 ORDER BY id', values: [0] }],
    [
      'extended, binary',
      {
        text: 'SELECT note, doc, tags, raw FROM people WHERE id > $1 ORDER BY id',
        values: [0],
        binary: true,
      },
    ],
  ];
  for (const [how, ask] of questions) {
    test(`texts, documents, arrays and bytes are read: ${how}`, async () => {
      for (const as of both) {
        const answer = await asked(door, as, (client) => client.query<Record<string, unknown>>(ask));
        const [one, two, three] = answer.rows;
        if (how === 'extended, binary') {
          const text = (value: unknown): string =>
            Buffer.isBuffer(value) ? value.toString() : JSON.stringify(value);
          assert.equal(text(one?.['note']), JSON.stringify(first.note), as);
          assert.match(text(one?.['doc']), /in \[LOCATION\]/);
          assert.match(text(one?.['tags']), /met \[PERSON\]/);
          assert.doesNotMatch(JSON.stringify(answer.rows), /Zorbia|met Xylo/);
          continue;
        }
        assert.deepEqual(one, first, as);
        // What is no text cannot be read: where it must be, nothing of it is shown.
        const raw = as === 'analyst' ? Buffer.alloc(0) : Buffer.from([0xff, 0]);
        assert.deepEqual(two, {
          id: 2,
          note: 'met in a',
          nick: '***',
          doc: { a: null },
          tags: [],
          raw,
          num: null,
        });
        assert.deepEqual(three, last);
      }
    });
  }

  test('COPY out is read, in each of its formats', async () => {
    const wanted = {
      text: '1\tmet [PERSON], [EMAIL_ADDRESS]\n2\tmet in a\n3\t\\N\n',
      csv: '1,"met [PERSON], [EMAIL_ADDRESS]"\n2,met in a\n3,\n',
    };
    for (const as of both)
      for (const [format, text] of Object.entries(wanted)) {
        const copy = `COPY (SELECT id, note FROM people ORDER BY id) TO STDOUT (FORMAT ${format})`;
        const { stdout, stderr } = await psql(door, as, copy);
        assert.equal(stdout, text, `${as}: ${stderr}`);
      }
    const { stdout } = await psql(door, 'analyst', 'COPY people (note) TO STDOUT (FORMAT binary)');
    assert.match(stdout, /met \[PERSON\]/);
    assert.doesNotMatch(stdout, /Xylo/);
    const { stdout: big } = await psql(
      door,
      'analyst',
      'COPY (SELECT id, note FROM big ORDER BY id) TO STDOUT',
    );
    assert.deepEqual(
      big.trimEnd().split('\n'),
      Array.from({ length: rows }, (_, at) => `${at + 1}\t${shownBig(at + 1)}`),
    );
  });

  test('a big answer is read to its end, in order', async () => {
    for (const as of both) {
      const answer = await asked(door, as, (client) =>
        client.query<{ id: number; note: string }>('SELECT id, note FROM big ORDER BY id'),
      );
      assert.deepEqual(
        answer.rows.map(({ id, note }) => [id, note]),
        Array.from({ length: rows }, (_, at) => [at + 1, shownBig(at + 1)]),
      );
    }
  });

  test('what a cursor fetches is read, and two cursors beside each other', async () => {
    await asked(door, 'analyst', async (client) => {
      await client.query('BEGIN');
      await client.query('DECLARE a CURSOR FOR SELECT id, note FROM big ORDER BY id');
      await client.query('DECLARE b CURSOR FOR SELECT id, note FROM big ORDER BY id DESC');
      for (let at = 0; at < 3; at++) {
        const up = await client.query<{ id: number; note: string }>('FETCH 40 FROM a');
        const down = await client.query<{ id: number; note: string }>('FETCH 40 FROM b');
        for (const { id, note } of [...up.rows, ...down.rows]) assert.equal(note, shownBig(id));
        assert.deepEqual(
          [up.rows.length, up.rows[0]?.id, down.rows[0]?.id],
          [40, at * 40 + 1, rows - at * 40],
        );
      }
      await client.query('COMMIT');
    });
  });

  test('several statements of one query are each read, and an error behind rows comes behind them', async () => {
    const { stdout, stderr } = await psql(
      door,
      'analyst',
      "SELECT note FROM people WHERE id = 1; SELECT doc ->> 'xylo' FROM people WHERE id = 1; SELECT id / 0 FROM people",
    );
    assert.match(stdout, /met \[PERSON\], \[EMAIL_ADDRESS\]\n(?:.*\n)* in \[LOCATION\]/);
    assert.match(stderr, /division by zero|\*\*\*/);
  });

  test('a limit lets through what it lets through, read', async () => {
    await asked(door, 'analyst', async (client) => {
      await assert.rejects(client.query('SELECT note FROM few'), /longer than the 3 rows/);
    });
    const { stdout } = await psql(door, 'analyst', 'SELECT note FROM few', [
      '-A',
      '-t',
      '-v',
      'FETCH_COUNT=1',
    ]);
    assert.doesNotMatch(stdout, /Xylo/);
  });

  test('where a model must read, errors, notices and notifications say no value', async () => {
    await asked(door, 'analyst', async (client) => {
      const heard: string[] = [];
      client.on('notice', ({ message }) => heard.push(String(message)));
      client.on('notification', ({ payload }) => heard.push(String(payload)));
      await assert.rejects(client.query('SELECT note::int FROM people WHERE id = 1'), (thrown: Error) => {
        assert.doesNotMatch(JSON.stringify(thrown) + thrown.message, /Xylo/);
        return true;
      });
      await client.query('LISTEN said');
      await client.query("NOTIFY said, 'met Xylo'");
      await client.query('SELECT 1');
      assert.doesNotMatch(heard.join(), /Xylo/);
    });
  });

  test('no entry and no log holds a value, and what the model found is counted', async () => {
    const metrics = await (await fetch(`${door.gateway.api}/metrics`)).text();
    assert.match(metrics, /sallyport_model_texts_total\{result="read"\} \d+/);
    assert.doesNotMatch(door.gateway.log(), /Xylo|Zorbia/);
  });
});

describe('rows and a model that does not answer', { skip }, () => {
  let server: PostgresServer;

  before(async () => {
    server = await startPostgres({
      version: 18,
      initSql: 'CREATE DATABASE shop',
      settings: { fsync: 'off' },
    });
    const admin = await server.connect({ database: 'shop' });
    await admin.query(schema);
    await admin.end();
  });
  after(async () => {
    await server?.[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  /** Packages whose runtime behaves as this code says, once a text is read; the tokenizer is the real one. */
  function runtime(name: string, run: string): string {
    const place = join(folder.path, name);
    writePackages(place, run);
    return place;
  }

  for (const [how, run] of [
    ['hangs', 'return new Promise(() => undefined)'],
    ['turns round and round', 'for (;;);'],
    ['dies', 'process.exit(3)'],
    ['fails', "throw new Error('no')"],
  ] as const) {
    test(`what a model that ${how} did not read is masked whole where it must be read, and else goes by detectors`, async () => {
      const place = runtime(how.replaceAll(' ', '-'), run);
      const door = await open(server, `ner: { model: ${model}, packages: ${place}, withinMs: 100 }\n`);
      await using _gateway = door.gateway;
      const must = await asked(door, 'analyst', (client) =>
        client.query<{ id: number; note: string }>('SELECT id, note FROM big ORDER BY id'),
      );
      assert.deepEqual(
        must.rows.map(({ id, note }) => [id, note]),
        Array.from({ length: rows }, (_, at) => [at + 1, '[PERSON]']),
      );
      const may = await asked(door, 'dba', (client) =>
        client.query<{ note: string }>('SELECT note FROM people ORDER BY id'),
      );
      assert.deepEqual(may.rows, [
        { note: 'met Xylo Quendberg, [EMAIL_ADDRESS]' },
        { note: 'met in a' },
        { note: null },
      ]);
      const { stdout } = await psql(door, 'analyst', 'COPY (SELECT note FROM people ORDER BY id) TO STDOUT');
      assert.equal(stdout, '[PERSON]\n[PERSON]\n\\N\n');
      // The next session is served like the first.
      const again = await asked(door, 'dba', (client) => client.query<{ n: number }>('SELECT 1 AS n'));
      assert.deepEqual(again.rows, [{ n: 1 }]);
    });
  }

  test('who cancels or leaves is not waited for', async () => {
    const place = runtime('slow', 'await new Promise((done) => setTimeout(done, 50)); return model(feeds)');
    const door = await open(server, `ner: { model: ${model}, packages: ${place}, withinMs: 60000 }\n`);
    await using gateway = door.gateway;
    const client = await connected(door, 'analyst');
    const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
    const answer = client.query('SELECT id, note FROM big, pg_sleep(0.001) ORDER BY 1').then(
      () => 'whole',
      () => 'cancelled',
    );
    const metric = async (): Promise<number> => {
      const text = await (await fetch(`${gateway.api}/metrics`)).text();
      return Number(/sallyport_model_texts_total\{result="read"\} (\d+)/.exec(text)?.[1] ?? '0');
    };
    await until(async () => (await metric()) > 0, 'nothing is read');
    const cancel = new Client({ host: '127.0.0.1', port: door.port }) as unknown as {
      connection: {
        once(event: string, then: () => void): void;
        connect(port: number, host: string): void;
        cancel(pid: number, key: number): void;
      };
    };
    cancel.connection.once('connect', () => cancel.connection.cancel(processID, secretKey));
    cancel.connection.connect(door.port, '127.0.0.1');
    // Whatever the server had sent by then, the answer ends without each of its 1,200 texts being read.
    await answer;
    await client.query('SELECT 1');
    const leaver = await connected(door, 'analyst');
    const before = await metric();
    leaver.query('SELECT id, note FROM big ORDER BY id').catch(() => undefined);
    await until(async () => (await metric()) > before, 'nothing is read');
    (leaver as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    await until(async () => {
      const sessions = await (await fetch(`${gateway.api}/metrics`)).text();
      return (
        /sallyport_sessions\{[^}]*\} 1\b/.test(sessions) || !/sallyport_sessions\{[^}]*\} 2\b/.test(sessions)
      );
    }, 'the session of who left goes on');
    assert.ok((await metric()) < rows, 'not all was read');
    await client.end();
  });

  test('without a model what must be read is denied before it is sent, with what to do; explain says the same', async () => {
    const door = await open(server, '');
    await using gateway = door.gateway;
    await asked(door, 'analyst', async (client) => {
      await assert.rejects(
        client.query('SELECT note FROM people'),
        (thrown: Error & { hint?: string; code?: string }) => {
          assert.equal(thrown.code, '42501');
          assert.match(thrown.message, /A model must read this answer/);
          assert.match(thrown.hint ?? '', /`ner`/);
          return true;
        },
      );
    });
    const may = await asked(door, 'dba', (client) =>
      client.query<{ note: string }>('SELECT note FROM people WHERE id = 1'),
    );
    assert.deepEqual(may.rows, [{ note: 'met Xylo Quendberg, [EMAIL_ADDRESS]' }]);
    const { stdout, stderr, code } = await runProgram(
      process.execPath,
      [join(root, 'src/cli/main.ts'), 'explain', '--on', 'shop', 'SELECT note FROM people'],
      { env: { SALLYPORT_API: gateway.api, SALLYPORT_TOKEN: door.tokens.analyst } },
    );
    assert.equal(code, 1, stderr);
    assert.match(stdout, /DENIED/, stderr);
    assert.match(stdout, /A model must read this answer[\s\S]*`ner`/);
  });
});

function psql(
  door: Door,
  as: As,
  sql: string,
  options: readonly string[] = [],
): ReturnType<typeof runProgram> {
  const to = ['-h', '127.0.0.1', '-p', String(door.port), '-U', as, '-d', 'shop'];
  return runProgram('psql', ['-X', ...to, ...options, '-c', sql], {
    env: { PGPASSWORD: door.tokens[as], PGCONNECT_TIMEOUT: '100' },
    withinMs: 100_000,
  });
}

/** Packages of which the runtime runs this in place of the model, which it can ask itself. */
function writePackages(place: string, run: string): void {
  const runtime = join(place, 'node_modules', 'onnxruntime-node');
  mkdirSync(runtime, { recursive: true });
  symlinkSync(join(packages, 'node_modules', '@huggingface'), join(place, 'node_modules', '@huggingface'));
  writeFileSync(
    join(runtime, 'index.js'),
    `const { Tensor, InferenceSession } = require(${JSON.stringify(join(packages, 'node_modules', 'onnxruntime-node'))});
exports.Tensor = Tensor;
exports.InferenceSession = {
  create: async (...given) => {
    const session = await InferenceSession.create(...given);
    const model = (feeds) => session.run(feeds);
    const { inputNames, outputNames } = session;
    return { inputNames, outputNames, run: async (feeds) => { ${run}; } };
  },
};
`,
  );
}
