import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Reconciled } from '../../src/cli/audit-reconcile.ts';
import type { SessionDetail } from '../../src/server/api/records.ts';
import { freePorts, isFree } from './harness/place.ts';
import { covered } from './harness/wait.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'sallyport-demo-'));
const readyFile = join(folder, 'ready.json');
const home = join(folder, 'home');

interface Ready {
  readonly api: string;
  readonly policy: string;
  readonly data: string;
  readonly identities: Readonly<
    Record<
      string,
      { readonly token: string; readonly groups: readonly string[]; readonly actingFor?: string }
    >
  >;
  readonly resources: {
    readonly shop: Endpoint & {
      readonly kind: string;
      readonly upstream: Endpoint & { readonly user: string; readonly password: string };
    };
  };
}

interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly database: string;
}

interface Demo {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  readonly err: () => string;
}

const children: ChildProcess[] = [];
after(async () => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGTERM');
  for (const child of children) {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
});

function start(base: number, at: string = home, file: string = readyFile): Demo {
  const args = [
    join(root, 'src', 'cli', 'main.ts'),
    'demo',
    '--port-base',
    String(base),
    '--ready-file',
    file,
  ];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, SALLYPORT_HOME: at },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  children.push(child);
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
  });
  return { child, ended, err: () => text };
}

async function untilReady(demo: Demo): Promise<Ready> {
  while (!existsSync(readyFile)) {
    assert.equal(demo.child.exitCode, null, demo.err());
    await sleep(50);
  }
  return JSON.parse(readFileSync(readyFile, 'utf8')) as Ready;
}

async function asks(ready: Ready, user: string, password: string, sql: string): Promise<readonly unknown[]> {
  const client = new Client({ ...ready.resources.shop, user, password });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** The newest session of whose token it is, once its end is written down. */
async function last({ api }: Ready, token: string): Promise<SessionDetail> {
  for (;;) {
    const answer = await fetch(`${api}/api/v1/sessions/last`, {
      headers: { authorization: `Bearer ${token}` },
    });
    assert.equal(answer.status, 200);
    const session = (await answer.json()) as SessionDetail;
    if (session.state === 'closed') return session;
    await sleep(50);
  }
}

suite('the demo', { timeout: 900_000 }, async () => {
  const base = await freePorts(80);

  test('is ready when, and only when, everything answers', async () => {
    const demo = start(base);
    const ready = await untilReady(demo);
    assert.deepEqual(Object.keys(ready), ['api', 'policy', 'data', 'identities', 'resources']);
    assert.equal(ready.api, `http://127.0.0.1:${base}`);
    assert.equal(statSync(readyFile).mode & 0o77, 0);
    assert.deepEqual(
      Object.entries(ready.identities).map(([name, { groups, actingFor }]) => [name, groups, actingFor]),
      [
        ['analyst', ['analysts'], undefined],
        ['dba', ['dba'], undefined],
        ['support', ['support'], undefined],
        ['lead', ['leads'], undefined],
        ['agent', [], 'analyst'],
      ],
    );
    const { shop } = ready.resources;
    assert.deepEqual(
      [shop.kind, shop.host, shop.port, shop.database],
      ['postgres', '127.0.0.1', base + 12, 'shop'],
    );
    assert.equal((await fetch(`${ready.api}/readyz`)).status, 200);
    assert.ok(
      existsSync(join(ready.data, 'ledger', 'checkpoint')) && existsSync(join(ready.policy, 'policy.yaml')),
    );

    const [upstream] = await new Promise<readonly unknown[]>((resolve, reject) => {
      const client = new Client(shop.upstream);
      client
        .connect()
        .then(() =>
          client.query(
            'SELECT (SELECT count(*) FROM customers) AS customers, (SELECT count(*) FROM orders) AS orders, usesuper FROM pg_user WHERE usename = current_user',
          ),
        )
        .then(({ rows }) => client.end().then(() => resolve(rows)))
        .catch(reject);
    });
    assert.deepEqual(upstream, { customers: '2000', orders: '20000', usesuper: true });
    for (const [user, { token }] of Object.entries(ready.identities)) {
      assert.deepEqual(
        await asks(ready, user, token, 'SELECT id FROM orders WHERE id = 7'),
        [{ id: 7 }],
        user,
      );
    }
    const { analyst, dba } = ready.identities;
    await assert.rejects(asks(ready, 'dba', analyst?.token ?? '', 'SELECT 1'), { code: /^28/ });
    await assert.rejects(asks(ready, 'analyst', `${dba?.token}x`, 'SELECT 1'), { code: /^28/ });

    const own = await last(ready, analyst?.token ?? '');
    assert.deepEqual(
      own.statements.map(({ text, decision, outcome }) => [
        text,
        decision,
        outcome !== undefined && 'rows' in outcome ? outcome.rows : 0,
      ]),
      [['SELECT id FROM orders WHERE id = 7', 'allow', 1]],
    );
    assert.match(own.statements[0]?.rules[0]?.at ?? '', /^modules\/.*\.policy\.yaml:\d+:\d+$/);

    // The command waits for the gateway to sign what it has answered, but not for as long as a slow machine takes.
    await covered({ api: ready.api, home: dirname(ready.data) });
    const { user, password } = shop.upstream;
    const reconciled = await new Promise<string>((resolve) => {
      const url = `postgres://${user}@127.0.0.1:${base + 13}/shop`;
      const more = ['--role', 'sallyport', '--data', ready.data, '--url', url, '--json'];
      const args = [join(root, 'src', 'cli', 'main.ts'), 'audit', 'reconcile', '--resource', 'shop', ...more];
      // Exit code 1: the test itself went past the gateway above.
      execFile(
        process.execPath,
        args,
        { env: { ...process.env, SALLYPORT_HOME: home, PGPASSWORD: password } },
        (_error, stdout) => resolve(stdout),
      );
    });
    const { past, inconclusive } = JSON.parse(reconciled) as Reconciled;
    assert.deepEqual(inconclusive, []);
    assert.deepEqual(
      past.map(({ role, past: count }) => [role, count]),
      [['upstream', 1]],
    );
    assert.match(past[0]?.statement ?? '', /count\(\*\)from customers/);

    const second = start(base + 40, home, join(folder, 'second.json'));
    assert.equal(await second.ended, 2);
    assert.match(second.err(), /Another gateway \(pid \d+\) uses/);
    const third = start(base, join(folder, 'other'), join(folder, 'third.json'));
    assert.equal(await third.ended, 2);
    assert.match(third.err(), new RegExp(`Port ${base} \\(the API\\) is in use.*--port-base`));

    demo.child.kill('SIGINT');
    demo.child.kill('SIGINT');
    assert.equal(await demo.ended, 0, demo.err());
    assert.equal(existsSync(readyFile), false);
    assert.equal(await isFree(base + 13), true);
  });

  test('takes over the data of the last start, also after it was killed, and lets no old token in', async () => {
    const demo = start(base);
    const old = await untilReady(demo);
    demo.child.kill('SIGKILL');
    await demo.ended;
    rmSync(readyFile);
    assert.equal(
      await isFree(base + 13),
      false,
      'the server did not outlive its parent: nothing is tested here',
    );
    const again = start(base);
    const ready = await untilReady(again);
    assert.match(again.err(), /stopped the PostgreSQL of an earlier run/);
    assert.match(again.err(), /with the data of the last start/);
    const { analyst } = ready.identities;
    assert.equal((await asks(ready, 'analyst', analyst?.token ?? '', 'SELECT 1 AS one')).length, 1);
    await assert.rejects(asks(ready, 'analyst', old.identities['analyst']?.token ?? '', 'SELECT 1'), {
      code: /^28/,
    });
    again.child.kill('SIGTERM');
    assert.equal(await again.ended, 0, again.err());
    assert.equal(await isFree(base + 13), true);
  });
});
