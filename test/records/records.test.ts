import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram, runPsql, type Ran } from '../e2e/harness/clients.ts';
import { type Configured, startConfigured } from '../e2e/harness/gateway.ts';
import { freePorts, root, temporaryFolder } from '../e2e/harness/place.ts';
import { type PostgresServer, startPostgres } from '../e2e/harness/postgres.ts';
import type { Scene } from '../../src/record/index.ts';

const people = ['analyst', 'dba', 'auditor', 'passer', 'agent'] as const;
type Who = (typeof people)[number];

const canary = 'canary-7f3a9';

const rules = `apiVersion: sallyport/v1
module: kept
owner: team:security
rules:
  - id: everyone-works
    effect: allow
    match: { resource: { name: shop }, identity: { groups: [workers] } }
    why: Everyone of the test works.
    fix: Ask.
  - id: let-go-soon
    effect: require
    match: { resource: { name: shop }, identity: { groups: [passing] } }
    then: { record: { level: full, retention: 1s } }
    why: What passers do is not kept.
    fix: None.
  - id: never-drop
    effect: deny
    match: { resource: { name: shop }, action: sql.drop }
    why: Nobody drops here.
    fix: Do not.
`;

// Real psql against a real server, through a gateway of its own, and the commands a person would use.
suite('recordings, end to end', { timeout: 900_000 }, () => {
  let server: PostgresServer;
  let gateway: Configured;
  let port: number;
  let again: () => Promise<Configured>;
  const folder = temporaryFolder('records');
  const tokens = new Map<Who, string>();

  before(async () => {
    server = await startPostgres({ version: 18 });
    const direct = {
      PGHOST: '127.0.0.1',
      PGPORT: String(server.port),
      PGUSER: server.user,
      PGPASSWORD: server.password,
      PGDATABASE: 'postgres',
    };
    const made = await runPsql(
      [],
      `CREATE TABLE notes (id int primary key, body text); INSERT INTO notes VALUES (1, '</script><script>alert(1)</script>'), (2, E'\\u202Eevil\\x1b[31m'), (3, '${canary}');`,
      direct,
    );
    assert.equal(made.code, 0, made.stderr);
    const first = await freePorts(2);
    port = first + 1;
    const policy = join(folder.path, 'policy');
    mkdirSync(join(policy, 'modules'), { recursive: true });
    writeFileSync(join(policy, 'modules', 'kept.policy.yaml'), rules);
    cpSync(
      join(root, 'policy', 'modules', 'record.policy.yaml'),
      join(policy, 'modules', 'record.policy.yaml'),
    );
    writeFileSync(
      join(policy, 'policy.yaml'),
      'apiVersion: sallyport/v1\nlayers:\n  - { name: all, role: grant, use: [{ module: kept }, { module: record }] }\n',
    );
    const text = `
listen: { api: 127.0.0.1:${first}, postgres: 127.0.0.1:${port} }
policy: ${policy}
identities:
  - { subject: analyst, kind: human, groups: [workers] }
  - { subject: dba, kind: human, groups: [workers, dba] }
  - { subject: auditor, kind: human, groups: [auditors] }
  - { subject: passer, kind: human, groups: [workers, passing] }
  - { subject: agent, kind: agent, groups: [workers], actingFor: analyst }
resources:
  - { name: shop, kind: postgres, address: 127.0.0.1:${server.port}, database: postgres, tags: [env/test], credentials: { user: ${server.user}, password: ${server.password} } }
`;
    again = () =>
      startConfigured({ api: first, policy: {}, text, options: { home: join(folder.path, 'home') } });
    gateway = await again();
    for (const who of people) tokens.set(who, await gateway.token(who));
  });

  after(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const psql = (who: Who, sql: string): Promise<Ran> =>
    runPsql([], sql, {
      PGHOST: '127.0.0.1',
      PGPORT: String(port),
      PGDATABASE: 'shop',
      PGUSER: who,
      PGPASSWORD: tokens.get(who) ?? '',
    });
  const cli = (who: Who, ...args: string[]): Promise<Ran> =>
    runProgram(process.execPath, [join(root, 'src/cli/main.ts'), ...args], {
      env: { SALLYPORT_API: gateway.api, SALLYPORT_TOKEN: tokens.get(who) ?? '' },
    });
  const api = (who: Who, path: string): Promise<Response> =>
    fetch(`${gateway.api}/api/v1/${path}`, { headers: { authorization: `Bearer ${tokens.get(who)}` } });
  const newest = async (who: Who): Promise<string> => {
    for (;;) {
      const [found] = (await (await api('auditor', `sessions?identity=${who}&limit=1`)).json()) as {
        id: string;
        state: string;
      }[];
      if (found?.state === 'closed') return found.id;
      await sleep(50);
    }
  };
  const data = (): string => join(folder.path, 'home', 'data');

  test('a session is played as it was seen, by whom the policy lets, and each look is in the ledger first', async () => {
    await psql(
      'analyst',
      'SELECT id, body FROM notes ORDER BY id;\nDROP TABLE notes;\nSELECT count(*) FROM notes;',
    );
    const id = await newest('analyst');
    for (const who of ['analyst', 'auditor'] as const) {
      const played = await cli(who, 'sessions', 'play', id);
      assert.equal(played.code, 0, played.stderr);
      assert.match(played.stdout, /ALLOWED {2}sql\.select/);
      assert.match(played.stdout, /id \| body/);
      assert.match(played.stdout, /DENIED {2}sql\.drop/);
      assert.match(played.stdout, /SELECT 1 \(1 row shown\)/);
      assert.doesNotMatch(played.stdout, /[^\P{C}\n\t]/u, 'nothing acts on the terminal');
    }
    for (const who of ['dba', 'passer', 'agent'] as const)
      for (const args of [
        ['play', id],
        ['export', id],
        ['watch', id],
      ])
        assert.equal((await cli(who, 'sessions', ...args)).code, 1, `${who} ${args.join(' ')}`);
    const looks = JSON.parse(
      (await cli('auditor', 'audit', 'search', '--session', id, '--kind', 'record.read', '--json')).stdout,
    ) as Record<string, string>[];
    const told = looks.map(({ identity, verb, effect }) => `${identity} ${verb} ${effect}`);
    for (const line of [
      'analyst recording.read allow',
      'auditor recording.read allow',
      'dba recording.read deny',
      'passer recording.watch deny',
      'agent recording.export deny',
    ])
      assert.ok(told.includes(line), line);
    assert.equal((await cli('auditor', 'sessions', 'play', 'nothing')).code, 1);
  });

  test('exports: JSON Lines, asciicast v3 and a page that stands alone', async () => {
    const id = await newest('analyst');
    const lines = (await cli('auditor', 'sessions', 'export', id, '--format', 'jsonl')).stdout
      .trim()
      .split('\n');
    const scenes = lines.map((line) => JSON.parse(line) as Scene);
    assert.deepEqual([scenes[0]?.kind, scenes.at(-1)?.kind], ['session', 'end']);
    const rows = scenes.flatMap((scene) =>
      scene.kind === 'answer' && scene.shown.kind === 'rows' ? scene.shown.rows : [],
    );
    assert.deepEqual(rows[2], ['3', canary]);
    assert.deepEqual(
      scenes.map(({ at }) => at),
      scenes.map(({ at }) => at).toSorted((a, b) => a - b),
    );

    const [head, ...events] = (await cli('auditor', 'sessions', 'export', id, '--format', 'asciicast')).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    assert.equal((head as { version: number }).version, 3);
    assert.ok((head as { term: { cols: number } }).term.cols > 0);
    for (const event of events as [number, string, string][]) {
      assert.ok(
        event.length === 3 && event[0] >= 0 && ['o', 'x'].includes(event[1]) && typeof event[2] === 'string',
      );
    }

    const file = join(folder.path, 'page.html');
    assert.equal((await cli('auditor', 'sessions', 'export', id, '--format', 'html', '-o', file)).code, 0);
    const page = readFileSync(file, 'utf8');
    assert.equal(statSync(file).mode & 0o077, 0);
    assert.match(page, /Content-Security-Policy" content="default-src 'none'/);
    assert.doesNotMatch(page, /<script>alert/);
    assert.doesNotMatch(page, /https?:\/\//);
    assert.equal(page.match(/<script/g)?.length, 2);
  });

  test('a session is watched while it goes on', async () => {
    const client = spawn('psql', ['-X', '-q', '-A', '-t'], {
      env: {
        ...process.env,
        PGHOST: '127.0.0.1',
        PGPORT: String(port),
        PGDATABASE: 'shop',
        PGUSER: 'dba',
        PGPASSWORD: tokens.get('dba') ?? '',
      },
    });
    client.stdin.write('SELECT 1;\n');
    let id = '';
    while (id === '') {
      const [found] = (await (await api('auditor', 'sessions?state=live&identity=dba')).json()) as {
        id: string;
      }[];
      id = found?.id ?? '';
    }
    const answer = await api('auditor', `sessions/${id}/watch`);
    assert.equal(answer.status, 200);
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let seen = '';
    const until = async (wanted: string): Promise<void> => {
      while (!seen.includes(wanted)) {
        const next = await reader?.read();
        assert.ok(next?.done === false, `The answer ended before ${wanted}`);
        seen += next.value;
      }
    };
    await until('SELECT 1');
    const asked = Date.now();
    client.stdin.write(`SELECT '${canary}' AS live;\n`);
    await until(`"rows":[["${canary}"]]`);
    const tookMs = Date.now() - asked; // told, not asserted: machines differ
    client.stdin.end();
    await until('"kind":"end"');
    assert.equal((await api('auditor', `sessions/${id}/watch`)).status, 409);
    process.stderr.write(`# a statement was seen by who watched after ${tookMs} ms\n`);
  });

  test('sessions are found by what was done in them, page by page', async () => {
    await psql('agent', 'SELECT body FROM notes WHERE id = 2;');
    await newest('agent');
    const ids = async (...args: string[]): Promise<string[]> => {
      const ran = await cli('auditor', 'sessions', 'list', ...args, '--json');
      assert.equal(ran.code, 0, ran.stderr);
      return (JSON.parse(ran.stdout) as { id: string; identity: { subject: string } }[]).map(
        ({ id, identity }) => `${identity.subject} ${id}`,
      );
    };
    const analyst = `analyst ${await newest('analyst')}`;
    assert.ok((await ids('--effect', 'deny')).includes(analyst));
    assert.ok(
      (await ids('--decision', 'deny', '--rule', 'kept/never-drop', '--verb', 'sql.drop')).includes(analyst),
    );
    assert.ok((await ids('--table', 'public.notes', '--text', 'count')).includes(analyst));
    assert.deepEqual(await ids('--text', 'nobodywrotethis'), []);
    assert.ok((await ids('--agent', 'agent')).every((each) => each.startsWith('agent ')));
    assert.equal((await ids('--agent', 'agent')).length, 1);
    assert.deepEqual(await ids('--live'), []);
    assert.deepEqual(await ids('--to', '2020-01-01'), []);
    const all = await ids();
    const paged: string[] = [];
    for (;;) {
      const last = paged.at(-1)?.split(' ')[1];
      const page = await ids(
        '--limit',
        '1',
        '--verb',
        'sql.select',
        ...(last === undefined ? [] : ['--after', last]),
      );
      if (page.length === 0) break;
      paged.push(...page);
    }
    assert.deepEqual(
      paged,
      all.filter((each) => paged.includes(each)),
      'newest first, none twice',
    );
    assert.ok(paged.length >= 3);
    assert.equal((await cli('auditor', 'sessions', 'list', '--nonsense', 'x')).code, 2);
    assert.equal((await api('auditor', 'sessions?nonsense=1')).status, 400);
    assert.deepEqual(
      JSON.parse((await cli('analyst', 'sessions', 'list', '--identity', 'dba', '--json')).stdout),
      [],
    );
  });

  test('a legal hold beats an order and retention; an erasure takes everything and the ledger still verifies', async () => {
    const id = await newest('analyst');
    assert.equal((await cli('dba', 'audit', 'erase', '--session', id)).code, 1);
    assert.equal((await cli('dba', 'audit', 'hold', 'add', '--session', id, '--reason', 'x')).code, 1);
    const held = await cli(
      'auditor',
      'audit',
      'hold',
      'add',
      '--identity',
      'analyst',
      '--reason',
      'Case 7',
      '--json',
    );
    assert.equal(held.code, 0, held.stderr);
    const hold = (JSON.parse(held.stdout) as { id: string }).id;
    const refused = await cli('auditor', 'audit', 'erase', '--session', id);
    assert.deepEqual([refused.code, refused.stdout.includes(hold)], [1, true]);
    const byAgent = await cli('auditor', 'audit', 'erase', '--identity', 'agent');
    assert.match(byAgent.stdout, /Held, not erased/, 'whom an agent acts for is held with it');
    assert.equal((await cli('auditor', 'sessions', 'play', id)).code, 0);
    assert.equal((await cli('auditor', 'audit', 'hold', 'remove', hold, '--reason', 'Over')).code, 0);
    assert.deepEqual(JSON.parse((await cli('auditor', 'audit', 'hold', 'list', '--json')).stdout), []);

    const dry = await cli('auditor', 'audit', 'erase', '--session', id, '--dry-run');
    assert.match(dry.stdout, /Would be erased/);
    const erased = await cli('auditor', 'audit', 'erase', '--session', id, '--reason', 'Asked by the person');
    assert.equal(erased.code, 0, erased.stdout + erased.stderr);
    const played = await cli('auditor', 'sessions', 'play', id);
    assert.match(played.stdout, /Erased at .* by auditor \(order\): Asked by the person/);
    assert.doesNotMatch(played.stdout, /notes/);
    assert.match((await cli('auditor', 'sessions', 'show', id)).stdout, /the statement was erased/);
    const found = await cli('auditor', 'sessions', 'list', '--text', 'count', '--json');
    assert.ok(!found.stdout.includes(id));
    assert.ok(
      !existsSync(join(data(), 'recordings')) ||
        !readdirSync(join(data(), 'recordings'), { recursive: true }).some((name) =>
          String(name).includes(id),
        ),
    );
    await verified(id);
  });

  test('what a rule lets go is gone after its time, and what no rule lets go is kept', async () => {
    await psql('passer', 'SELECT count(*) FROM notes;');
    const passed = await newest('passer');
    const kept = await newest('dba');
    await sleep(1_200);
    const swept = await cli('auditor', 'audit', 'erase', '--expired', '--json');
    const erased = (JSON.parse(swept.stdout) as { erased: string[] }).erased;
    const gone = (await cli('auditor', 'sessions', 'play', passed)).stdout;
    assert.ok(!erased.includes(kept));
    assert.match(gone, /Erased at .* \(retention\)/);
    assert.equal((await cli('auditor', 'sessions', 'play', kept)).code, 0);
    await verified(passed);
  });

  test('an erasure that a crash interrupts is finished by the next start', async () => {
    await psql('passer', `SELECT '${canary}-again';`);
    const id = await newest('passer');
    await gateway.stop();
    // The entry of an erasure is on disk, and nothing of what follows it has happened.
    const { openLedger } = await import('../../src/stores/ledger.ts');
    const { realWorld } = await import('../../src/base/time.ts');
    const none = (): void => undefined;
    const ledger = await openLedger({
      directory: data(),
      origin: 'sallyport',
      world: realWorld,
      log: none,
      metrics: { count: none, gauge: none, observe: none },
    });
    await ledger.append({
      kind: 'record.erased',
      at: realWorld.now(),
      sessions: [id as never],
      rule: 'order',
      by: { subject: 'auditor', kind: 'human', groups: [] },
      why: 'Cut off',
    });
    await ledger.close();
    const chunks = (): readonly string[] =>
      readdirSync(join(data(), 'recordings'), { recursive: true })
        .map(String)
        .filter((name) => name.includes(`${id}/`));
    assert.ok(chunks().length > 0);
    gateway = await again();
    const played = await cli('auditor', 'sessions', 'play', id);
    assert.match(played.stdout, /Erased at .*Cut off/);
    assert.doesNotMatch(played.stdout, new RegExp(canary));
    while (chunks().length > 0) await sleep(50);
    assert.doesNotMatch((await cli('auditor', 'sessions', 'show', id)).stdout, new RegExp(canary));
  });

  test('on the host it is read with the keys in the folder, and written to the ledger; not beside a running gateway', async () => {
    await psql('dba', `SELECT 'offline ${canary}';`);
    const id = await newest('dba');
    const busy = await cli('dba', 'sessions', 'play', id, '--data', data());
    assert.deepEqual([busy.code, /Another process uses/.test(busy.stderr), busy.stdout], [2, true, '']);
    await gateway.stop();
    const played = await cli('dba', 'sessions', 'play', id, '--data', data());
    assert.equal(played.code, 0, played.stderr);
    assert.match(played.stdout, new RegExp(`offline ${canary}`));
    const copy = join(folder.path, 'copy');
    cpSync(data(), copy, { recursive: true });
    writeFileSync(join(copy, 'keys', 'master.key'), `${'00'.repeat(32)}\n`);
    const other = await cli('dba', 'sessions', 'play', id, '--data', copy);
    assert.doesNotMatch(other.stdout, new RegExp(canary));
    assert.match(other.stdout + other.stderr, /key/, 'a wrong key is named as what is wrong');
    gateway = await again();
    const looks = JSON.parse(
      (await cli('auditor', 'audit', 'search', '--session', id, '--kind', 'record.read', '--json')).stdout,
    ) as Record<string, string>[];
    assert.ok(looks.some(({ identity, verb }) => identity?.startsWith('os:') && verb === 'recording.read'));
  });

  async function verified(id: string): Promise<void> {
    const ran = await runProgram(process.execPath, [
      join(root, 'src/cli/main.ts'),
      'audit',
      'verify',
      '--data',
      data(),
      '--json',
    ]);
    assert.equal(ran.code, 0, ran.stdout);
    const report = JSON.parse(ran.stdout) as { recordings: { erased: { session: string; by: string }[] } };
    assert.ok(
      report.recordings.erased.some(({ session }) => session === id),
      'verification says what was erased',
    );
  }
});
