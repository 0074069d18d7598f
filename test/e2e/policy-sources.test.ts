import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import pg from 'pg';
import { isObject } from '../../src/base/check.ts';
import { type Ran, runProgram } from './harness/clients.ts';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts, root, temporaryFolder } from './harness/place.ts';
import { until } from './harness/wait.ts';
import { type PostgresServer, startPostgres } from './harness/postgres.ts';

/** A policy under which `ana` may read, or may not; `ci` may push in any case. */
function rules(effect: string): Readonly<Record<string, string>> {
  return {
    'policy.yaml':
      'apiVersion: sallyport/v1\nlayers: [{ name: main, role: grant, use: [{ module: m, with: { readers: [nobody] } }] }]\nrecord: meta\n',
    'modules/m.policy.yaml': `apiVersion: sallyport/v1
module: m
owner: team:data
params: { readers: { type: groups } }
rules:
  - id: read
    effect: ${effect}
    match: { resource: { kind: postgres }, identity: { groups: '{{params.readers}}' } }
    why: As it was agreed.
  - id: run
    effect: allow
    match: { resource: { kind: sallyport }, identity: { groups: [ci] }, action: [policy.push, policy.read] }
`,
  };
}

const main = join(root, 'src', 'cli', 'main.ts');

suite('where a policy comes from, end to end', () => {
  let server: PostgresServer;
  const place = temporaryFolder('policy-sources');
  const open: AsyncDisposable[] = [];

  async function start(
    policy: string,
    options: { readonly home?: string; readonly withinMs?: number } = {},
  ): Promise<Configured & { readonly port: number }> {
    const first = await freePorts(2);
    const gateway = await startConfigured({
      api: first,
      policy: {},
      options,
      text: `
listen: { api: 127.0.0.1:${first}, postgres: 127.0.0.1:${first + 1} }
policy: ${policy}
identities:
  - { subject: ana, kind: human, groups: [analysts] }
  - { subject: ci, kind: human, groups: [ci] }
resources:
  - { name: shop, kind: postgres, address: '127.0.0.1:${server.port}', database: shop, credentials: { user: gateway, password: behind } }
`,
    });
    open.push(gateway);
    return { ...gateway, port: first + 1 };
  }

  /** A session that lives on: gives what a read is answered with. */
  async function session(gateway: Configured & { readonly port: number }): Promise<() => Promise<string>> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: gateway.port,
      database: 'shop',
      user: 'ana',
      password: await tokenOf(gateway, 'ana'),
    });
    client.on('error', () => undefined);
    await client.connect();
    open.push({ [Symbol.asyncDispose]: () => client.end() });
    return async () => {
      try {
        const { rows } = await client.query<{ n: number }>('SELECT count(*)::int AS n FROM t');
        return `rows ${rows[0]?.n}`;
      } catch (thrown) {
        return String((thrown as { readonly code?: unknown }).code);
      }
    };
  }

  const tokens = new Map<string, Promise<string>>();
  const tokenOf = (gateway: Configured, subject: string): Promise<string> => {
    const key = `${gateway.api} ${subject}`;
    const known = tokens.get(key) ?? gateway.token(subject);
    tokens.set(key, known);
    return known;
  };

  const cli = async (gateway: Configured, ...args: readonly string[]): Promise<Ran> =>
    runProgram(process.execPath, [main, ...args], {
      env: { SALLYPORT_API: gateway.api, SALLYPORT_TOKEN: await tokenOf(gateway, 'ci') },
    });

  interface Status {
    readonly digest?: string;
    readonly commit?: string;
    readonly problems: readonly string[];
    readonly drift?: { readonly drifting: boolean; readonly ageSeconds: number; readonly holds?: object };
  }

  const statusOf = async (gateway: Configured): Promise<Status> => {
    const answer = await fetch(`${gateway.api}/api/v1/policy/status`, {
      headers: { authorization: `Bearer ${await tokenOf(gateway, 'ci')}` },
    });
    const status: unknown = await answer.json();
    assert.ok(isObject(status));
    return status as unknown as Status; // the API's own schema
  };

  const came = (what: () => Promise<boolean>): Promise<void> => until(what, 'it did not come to that');

  function put(folder: string, files: Readonly<Record<string, string>>): void {
    mkdirSync(join(folder, 'modules'), { recursive: true });
    for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  }

  before(async () => {
    server = await startPostgres({ version: 18 });
    const admin = await server.connect();
    await admin.query(`CREATE ROLE gateway LOGIN PASSWORD 'behind'`);
    await admin.query('CREATE DATABASE shop');
    const owner = await server.connect({ database: 'shop' });
    await owner.query('CREATE TABLE t (id int); INSERT INTO t VALUES (1), (2); GRANT SELECT ON t TO gateway');
  });

  after(async () => {
    for (const each of open.toReversed()) {
      try {
        await each[Symbol.asyncDispose]();
      } catch {
        // it has ended already
      }
    }
    await server?.[Symbol.asyncDispose]();
    place[Symbol.dispose]();
  });

  test('git push, the hook and the clock bring a policy into live sessions; what does not load is drift', async () => {
    const bare = join(place.path, 'rules.git');
    const work = join(place.path, 'work');
    const git = (...args: readonly string[]): string =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', '-C', work, ...args], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
        .toString()
        .trim();
    execFileSync('git', ['init', '-q', '--bare', '-b', 'main', bare]);
    execFileSync('git', ['init', '-q', '-b', 'main', work]);
    git('remote', 'add', 'origin', bare);
    const push = (effect: string): string => {
      put(join(work, 'policy'), rules(effect));
      git('add', '.');
      git('commit', '-q', '--allow-empty', '-m', effect);
      git('push', '-q', 'origin', 'HEAD:main');
      return git('rev-parse', 'HEAD');
    };
    const first = push('allow');
    const source = (every: string, readers: string): string =>
      `{ git: '${bare}', ref: main, path: policy, every: ${every}, webhook: { env: HOOK }, params: { m: { readers: [${readers}] } } }`;
    process.env['HOOK'] = 'hook secret'; // of the command that makes tokens too
    const hooked = await start(source('24h', 'analysts')); // looks only when it is told to
    const polling = await start(source('1s', 'others'));
    const ana = await session(hooked);
    assert.equal(await ana(), 'rows 2');

    const begun = await statusOf(hooked);
    assert.equal(begun.commit, first);
    assert.equal(begun.drift?.drifting, false);
    assert.equal((await cli(hooked, 'policy', 'status')).code, 0);
    const other = await statusOf(polling);
    assert.equal(other.digest, begun.digest, 'the same digest, whatever its params are');
    assert.equal(await (await session(polling))(), '42501', 'its params name other readers');

    const post = async (secret: string): Promise<number> => {
      const body = '{"ref":"refs/heads/main"}';
      const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
      const headers = { 'x-hub-signature-256': signature, 'content-type': 'application/json' };
      return (await fetch(`${hooked.api}/hooks/policy`, { method: 'POST', body, headers })).status;
    };
    const second = push('deny');
    assert.equal(await post('not it'), 401);
    assert.equal(await ana(), 'rows 2');
    assert.equal(await post('hook secret'), 202);
    await came(async () => (await ana()) === '42501');
    assert.equal((await statusOf(hooked)).commit, second);
    await came(async () => (await statusOf(polling)).commit === second);

    const broken = push('alow');
    assert.equal(await post('hook secret'), 202);
    await came(async () => (await statusOf(hooked)).problems.length > 0);
    const drifting = await statusOf(hooked);
    assert.equal(drifting.commit, second);
    assert.deepEqual(drifting.drift?.holds, { commit: broken });
    assert.match(drifting.problems.join('\n'), /modules\/m\.policy\.yaml:7:13 SP-Y004/);
    const told = await cli(hooked, 'policy', 'status');
    assert.equal(told.code, 1);
    assert.match(
      told.stdout,
      new RegExp(`Drift: {4}the source has held ${broken} for \\d+ s, and it is not enforced`),
    );
    assert.equal(await ana(), '42501', 'the last good one serves');

    push('allow');
    assert.equal(await post('hook secret'), 202);
    await came(async () => (await ana()) === 'rows 2');
    assert.equal((await statusOf(hooked)).drift?.drifting, false);

    renameSync(bare, `${bare}.away`);
    await came(async () =>
      (await statusOf(polling)).problems.some((each) => each.includes('Git cannot fetch')),
    );
    renameSync(`${bare}.away`, bare);
    await came(async () => (await statusOf(polling)).problems.length === 0);
  });

  test('a push from CI: signed, newer and whole, or nothing changes; too old is denied', async () => {
    const at = (name: string): string => join(place.path, name);
    const bundle = async (...args: readonly string[]): Promise<Ran> =>
      runProgram(process.execPath, [main, 'bundle', ...args]);
    for (const name of ['ci.key', 'other.key'])
      assert.equal((await bundle('key', '--out', at(name))).code, 0);
    const build = async (effect: string, version: number, key = 'ci.key'): Promise<string> => {
      put(at(`p-${effect}`), rules(effect));
      const out = at(`${effect}-${version}-${key}.json`);
      const built = await bundle(
        'build',
        at(`p-${effect}`),
        '--key',
        at(key),
        '--out',
        out,
        '--version',
        String(version),
      );
      assert.equal(built.code, 0, built.stderr);
      return out;
    };
    const initial = await build('allow', 10);
    const home = at('home');
    const source = `{ push: true, initial: '${initial}', keys: ['${at('ci.key.pub')}'], maxAge: 1h, params: { m: { readers: [analysts] } } }`;
    const gateway = await start(source, { home });
    const ana = await session(gateway);
    assert.equal(await ana(), 'rows 2');
    const push = async (file: string): Promise<string> => {
      const { code, stderr, stdout } = await cli(gateway, 'bundle', 'push', file);
      return `${code} ${stderr}${stdout}`;
    };

    assert.match(await push(await build('deny', 11, 'other.key')), /^1 .*(?:key|signed)/is);
    assert.match(await push(await build('deny', 9)), /^1 .*version 9.*version 10/s);
    assert.match(await push(await build('deny', 10)), /^1 .*version 10/s, 'the same version, other bytes');
    const signed = readFileSync(await build('deny', 12), 'utf8');
    const envelope = JSON.parse(signed) as { payload: string; signatures: unknown };
    writeFileSync(
      at('changed.json'),
      JSON.stringify({ ...envelope, payload: `${envelope.payload.slice(0, -8)}AAAAAAAA` }),
    );
    assert.match(await push(at('changed.json')), /^1 /);
    writeFileSync(at('unsigned.json'), JSON.stringify({ ...envelope, signatures: [] }));
    assert.match(await push(at('unsigned.json')), /^1 /);
    assert.equal(await ana(), 'rows 2', 'none of them changed anything');
    const unasked = await fetch(`${gateway.api}/api/v1/policy/bundles`, {
      method: 'POST',
      body: signed,
      headers: {
        authorization: `Bearer ${await tokenOf(gateway, 'ana')}`,
        'content-type': 'application/json',
      },
    });
    assert.equal(unasked.status, 403, 'the rules say who may push');

    const deny = at('deny-12-ci.key.json');
    assert.match(await push(deny), /^0 In force: [0-9a-f]+, version 12/);
    assert.equal(await ana(), '42501', 'in the session that was open before');
    assert.match(await push(deny), /^0 /, 'the same bytes again');
    assert.match(await push(initial), /^1 .*version 10.*version 12/s, 'no way back');
    assert.equal(await ana(), '42501');

    assert.equal(await gateway.stop(), 0);
    const again = await start(source, { home });
    const later = await session(again);
    assert.equal(await later(), '42501', 'what was pushed outlives a restart');
    assert.equal(await again.stop(), 0);

    // A state that was pushed long ago: nobody has said since that it still holds.
    const pushed = join(home, 'policy', 'pushed.bundle.json');
    const long = new Date(Date.now() - 2 * 3_600_000);
    utimesSync(pushed, long, long);
    await assert.rejects(start(source, { home, withinMs: 40_000 }), (thrown: Error) => {
      assert.match(thrown.message, /is not ready[^]*gateway\.started/);
      return true;
    });
  });
});
