import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { isObject } from '../../src/base/check.ts';
import { until } from '../../src/channels/fake.ts';
import { serveSampleModel } from '../../src/server/sample-model.ts';
import { serveSampleTools } from '../../src/server/sample-tools.ts';
import { type SampleService, serveSampleWeb } from '../../src/server/sample-web.ts';
import { runProgram } from './harness/clients.ts';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts, root, temporaryFolder } from './harness/place.ts';
import { until as comes } from './harness/wait.ts';
import { type PostgresServer, startPostgres } from './harness/postgres.ts';

const rules = `
apiVersion: sallyport/v1
module: m
owner: team:data
rules:
  - id: own-record
    effect: allow
    match: { resource: { kind: sallyport }, identity: { groups: [leads] }, action: [record.list, record.read] }
  - id: look
    effect: allow
    match: { resource: { kind: postgres }, identity: { groups: [support] }, action: sql.*, access: [read, execute] }
    onRequest: { approve: { from: leads, count: COUNT }, longest: 2h }
  - id: agents
    effect: allow
    match: { resource: { kind: postgres }, identity: { kind: agent } }
  - id: services
    effect: allow
    match: { resource: { kind: [http, llm, mcp] }, identity: { groups: [support, leads] } }
  - id: frozen
    effect: deny
    enforce: soft
    breakGlass: { groups: [leads], ticket: 'INC-[0-9]+' }
    match: { resource: { kind: [http, llm, mcp] }, identity: { groups: [support, leads] }, access: [read, write, execute] }
    why: Frozen.
`;

const composition = `
apiVersion: sallyport/v1
layers:
  - { name: main, role: grant, use: [{ module: m }] }
record: meta
`;

// With real psql, the command and the HTTP API, on a gateway that is killed and started again.
suite('access for a time and broken glass, end to end', () => {
  let server: PostgresServer;
  let services: SampleService[] = [];
  let gateway: Configured;
  let hook: Server;
  let first = 0;
  const told: string[] = [];
  const home = temporaryFolder('access');
  const policyFolder = temporaryFolder('access-policy');
  const tokens: Record<string, string> = {};

  function putPolicy(edit: (text: string) => string = (text) => text): void {
    writeFileSync(join(policyFolder.path, 'modules', 'm.policy.yaml'), edit(rules.replace('COUNT', '1')));
  }

  /** Changes the policy, and waits until the gateway goes by it. */
  async function inForce(change: () => void): Promise<void> {
    const loads = (): number => gateway.log().split('policy.loaded').length;
    const before = loads();
    change();
    await comes(() => loads() > before, 'the policy is not loaded');
  }

  async function start(): Promise<Configured> {
    const [web, model, tools] = services.map(({ port }) => port);
    const hookAddress = hook.address();
    return startConfigured({
      api: first,
      policy: {},
      options: { home: home.path },
      text: `
listen:
  { api: 127.0.0.1:${first}, postgres: 127.0.0.1:${first + 1}, http: 127.0.0.1:${first + 2}, llm: 127.0.0.1:${first + 3}, mcp: 127.0.0.1:${first + 4} }
policy: ${policyFolder.path}
reviews: { freshSignIn: any }
channels:
  webhooks:
    - { url: 'http://127.0.0.1:${typeof hookAddress === 'object' ? hookAddress?.port : 0}/', secret: { file: ${join(home.path, 'hook')} } }
identities:
  - { subject: sue, kind: human, groups: [support] }
  - { subject: lead, kind: human, groups: [leads] }
  - { subject: lena, kind: human, groups: [leads] }
  - { subject: bot, kind: agent, groups: [leads], actingFor: sue }
resources:
  - { name: shop, kind: postgres, address: '127.0.0.1:${server.port}', database: shop, credentials: { user: gateway, password: behind } }
  - { name: web, kind: http, url: 'http://127.0.0.1:${web}' }
  - { name: model, kind: llm, url: 'http://127.0.0.1:${model}' }
  - { name: tools, kind: mcp, url: 'http://127.0.0.1:${tools}/mcp' }
`,
    });
  }

  before(async () => {
    server = await startPostgres({ version: 18 });
    const admin = await server.connect();
    await admin.query(`CREATE ROLE gateway LOGIN PASSWORD 'behind'`);
    await admin.query('CREATE DATABASE shop');
    const owner = await server.connect({ database: 'shop' });
    await owner.query(`CREATE TABLE customers (id int PRIMARY KEY, name text);
      INSERT INTO customers SELECT n, 'name ' || n FROM generate_series(1, 2000) n; GRANT SELECT ON customers TO gateway`);
    services = [await serveSampleWeb(0), await serveSampleModel(0), await serveSampleTools(0)];
    hook = createServer((request, response) => {
      let body = '';
      request.on('data', (bytes: Buffer) => (body += bytes.toString()));
      request.on('end', () => {
        told.push(body);
        response.end();
      });
    });
    await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
    writeFileSync(join(home.path, 'hook'), `whsec_${Buffer.alloc(32, 7).toString('base64')}`);
    mkdirSync(join(policyFolder.path, 'modules'), { recursive: true });
    writeFileSync(join(policyFolder.path, 'policy.yaml'), composition);
    putPolicy();
    first = await freePorts(5);
    gateway = await start();
    for (const subject of ['sue', 'lead', 'lena', 'bot']) tokens[subject] = await gateway.token(subject);
  });

  after(async () => {
    await gateway?.[Symbol.asyncDispose]();
    for (const service of services) await service[Symbol.asyncDispose]();
    hook?.close();
    await server?.[Symbol.asyncDispose]();
    home[Symbol.dispose]();
    policyFolder[Symbol.dispose]();
  });

  const sallyport = (as: string, ...args: readonly string[]) =>
    runProgram(process.execPath, [join(root, 'src', 'cli', 'main.ts'), ...args], {
      env: { SALLYPORT_API: gateway.api, SALLYPORT_TOKEN: tokens[as] ?? '', SALLYPORT_HOME: home.path },
    });

  const psql = (as: string, sql: string) =>
    runProgram('psql', ['-X', '-q', '-A', '-t', '-c', sql], {
      env: {
        PGHOST: '127.0.0.1',
        PGPORT: String(first + 1),
        PGUSER: as,
        PGPASSWORD: tokens[as] ?? '',
        PGDATABASE: 'shop',
      },
    });

  async function asked(as: string, ...more: readonly string[]): Promise<string> {
    const ran = await sallyport(as, 'access', 'request', 'shop', '--reason', 'case 4711', '--json', ...more);
    assert.equal(ran.code, 0, ran.stderr);
    const made: unknown = JSON.parse(ran.stdout);
    return isObject(made) && typeof made['id'] === 'string' ? made['id'] : '';
  }

  async function had(as: string, ...more: readonly string[]): Promise<string> {
    const id = await asked(as, ...more);
    const ran = await sallyport('lead', 'access', 'approve', id, '--reason', 'go on');
    assert.equal(ran.code, 0, ran.stderr);
    return id;
  }

  const count = 'SELECT count(*) FROM customers';
  const long = 'SELECT count(*) FROM customers a, customers b, customers c, customers d';

  const underWay = async (): Promise<number> => {
    const owner = await server.connect({ database: 'shop' });
    const { rows } = await owner.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%customers d%' AND pid <> pg_backend_pid()`,
    );
    await owner.end();
    return rows[0]?.n ?? -1;
  };

  /** Until so many of the long statements run in the server. */
  const soon = async (running: number): Promise<void> => {
    await comes(async () => (await underWay()) === running, `${running} statements should run in the server`);
  };

  test(
    'asked for, refused to those who may not answer, approved, used, expired: the statement under way is ended',
    { timeout: 900_000 },
    async () => {
      const before = await psql('sue', count);
      assert.match(
        before.stderr,
        /You can ask for this: sallyport access request shop --verbs sql\.select --for 1h/,
      );
      const listed = await sallyport('sue', 'access', 'list');
      assert.match(listed.stdout, /ask for {2}.*sql\.select.*1 of leads, at most 2h/);
      const id = await asked('sue', '--for', '30s', '--verbs', 'sql.select');
      for (const who of ['sue', 'bot']) {
        const ran = await sallyport(who, 'access', 'approve', id);
        assert.equal(ran.code, 1, ran.stdout);
      }
      assert.equal((await psql('sue', count)).code, 1);
      assert.equal((await sallyport('lead', 'access', 'approve', id, '--reason', 'go on')).code, 0);
      assert.equal((await psql('sue', count)).stdout.trim(), '2000');
      assert.equal((await psql('bot', count)).code, 1, "an agent does not have its owner's");
      const cut = await psql('sue', long);
      assert.match(cut.stderr, /access ended: rev_\w+ \(m\/look\) has expired/);
      await soon(0);
      assert.equal((await psql('sue', count)).code, 1);
      assert.match((await sallyport('sue', 'access', 'show', id)).stdout, /: expired/);
      const answered = await fetch(`${gateway.api}/api/v1/access/requests/${id}/approve`, {
        method: 'POST',
        headers: { authorization: `Bearer ${tokens['lena']}`, 'content-type': 'application/json' },
        body: '{}',
      });
      assert.equal(answered.status, 409, 'an old request is not approved again');
    },
  );

  test(
    'an agent asks over the API and never answers; revoked, its session ends within a second',
    { timeout: 900_000 },
    async () => {
      const api = (as: string, path: string, body?: object) =>
        fetch(`${gateway.api}/api/v1/access${path}`, {
          headers: { authorization: `Bearer ${tokens[as]}`, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
        });
      const made = await api('bot', '/requests', { resource: 'shop', reason: 'a case', for: '1h' });
      assert.equal(made.status, 200);
      const { id } = (await made.json()) as { readonly id: string };
      const other = await asked('sue');
      assert.equal((await api('bot', `/requests/${other}/approve`, {})).status, 403);
      assert.equal((await api('sue', `/requests/${id}/approve`, {})).status, 403, "its agent's");
      assert.equal((await api('lead', `/requests/${id}/approve`, {})).status, 200);
      assert.equal((await psql('bot', count)).stdout.trim(), '2000');
      const running = psql('bot', long);
      await soon(1);
      assert.equal((await api('lena', `/requests/${id}/revoke`, { reason: 'enough' })).status, 200);
      assert.match((await running).stderr, /access ended: .* revoked by lena/);
      await soon(0);
      assert.equal((await psql('bot', count)).code, 1);
    },
  );

  test(
    'kill -9 and a restart: what is live stays, what was revoked does not come back',
    { timeout: 900_000 },
    async () => {
      const [kept, gone] = [await had('sue'), await had('bot')];
      assert.equal((await sallyport('sue', 'access', 'revoke', gone)).code, 0);
      await gateway.stop('SIGKILL');
      gateway = await start();
      assert.equal((await psql('sue', count)).stdout.trim(), '2000');
      assert.equal((await psql('bot', count)).code, 1);
      assert.equal((await sallyport('sue', 'access', 'revoke', kept)).code, 0);
      await gateway.stop('SIGKILL');
      gateway = await start();
      assert.equal((await psql('sue', count)).code, 1);
    },
  );

  test('a change of the policy that takes the rule away ends the session', { timeout: 900_000 }, async () => {
    const id = await had('sue');
    const running = psql('sue', long);
    await soon(1);
    putPolicy((text) => text.replace('longest: 2h', 'longest: 1h'));
    assert.match((await running).stderr, /access ended: .* is void/);
    assert.match((await sallyport('lead', 'access', 'show', id)).stdout, /: void/);
    await inForce(() => putPolicy());
    assert.equal((await psql('sue', count)).code, 1, 'it does not come back with the rule');
  });

  test('two approvers are two people', { timeout: 900_000 }, async () => {
    await inForce(() => putPolicy((text) => text.replace('count: 1', 'count: 2')));
    const id = await asked('sue');
    assert.match((await sallyport('lead', 'access', 'approve', id)).stdout, /it still needs 2 of leads/);
    assert.equal((await sallyport('lead', 'access', 'approve', id)).code, 1);
    assert.equal((await psql('sue', count)).code, 1);
    assert.equal((await sallyport('lena', 'access', 'approve', id)).code, 0);
    assert.equal((await psql('sue', count)).stdout.trim(), '2000');
    await inForce(() => putPolicy());
  });

  const glass = {
    'sallyport-reason': 'the shop is down',
    'sallyport-ticket': 'INC-7',
    'sallyport-break-glass': 'on',
  };
  const calls: readonly (readonly [string, number, string, object | undefined])[] = [
    ['http', 2, '/web/customers/1', undefined],
    [
      'llm',
      3,
      '/model/v1/chat/completions',
      { model: 'demo-1', messages: [{ role: 'user', content: 'Hello' }] },
    ],
    [
      'mcp',
      4,
      '/tools/mcp',
      {
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
      },
    ],
  ];
  for (const [kind, port, path, body] of calls) {
    test(
      `glass is broken over ${kind} by a header with a reason and a ticket, recorded whole and told at once`,
      { timeout: 900_000 },
      async () => {
        const call = async (as: string, headers: Readonly<Record<string, string>>): Promise<string> => {
          const answer = await fetch(`http://127.0.0.1:${first + port}${path}`, {
            headers: {
              authorization: `Bearer ${tokens[as]}`,
              accept: 'application/json, text/event-stream',
              'content-type': 'application/json',
              ...headers,
            },
            ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
          });
          return `${answer.status} ${await answer.text()}`;
        };
        const { 'sallyport-ticket': _t, ...untold } = glass;
        const { 'sallyport-reason': _r, ...unsaid } = glass;
        const { 'sallyport-break-glass': _g, ...unasked } = glass;
        for (const [as, headers] of [
          ['lead', {}],
          ['lead', untold],
          ['lead', unsaid],
          ['lead', unasked],
          ['lead', { ...glass, 'sallyport-ticket': 'JOKE-1' }],
          ['sue', glass],
          ['bot', glass],
        ] as const) {
          assert.match(
            await call(as, headers),
            /Frozen|reason must|ticket must|No rule/,
            `${as} ${JSON.stringify(headers)}`,
          );
        }
        const before = told.length;
        assert.match(await call('lead', glass), /^200 /);
        await until(() => told.slice(before).some((each) => each.includes('break-glass')));
        const sessions = await sallyport('lead', 'sessions', 'list', '--json');
        const [newest] = (
          JSON.parse(sessions.stdout) as readonly {
            readonly id: string;
            readonly kind: string;
            readonly identity: { readonly subject: string };
          }[]
        ).filter((each) => each.kind === kind && each.identity.subject === 'lead');
        const shown = await sallyport('lead', 'sessions', 'show', newest?.id ?? '', '--json');
        assert.match(shown.stdout, /"glass": \{\s+"rules": \[\s+"m\/frozen"/);
        assert.match(shown.stdout, /"record:full"/);
      },
    );
  }
});
