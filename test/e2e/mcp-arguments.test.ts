import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts, root, temporaryFolder } from './harness/place.ts';
import { type PostgresServer, startPostgres } from './harness/postgres.ts';

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers: [{ name: all, role: grant, use: [{ module: all }] }]
record: full
`,
  'schema.yaml': `
apiVersion: sallyport/v1
tags: { shop: { public.customers.email: pii/email } }
`,
  'modules/all.policy.yaml': `
apiVersion: sallyport/v1
module: all
about: What tools may reach.
owner: team:platform
rules:
  - { id: tools, effect: allow, match: { resource: { kind: mcp } }, why: Everybody may use tools., fix: Ask. }
  - id: reads
    effect: allow
    match: { resource: { kind: [postgres, http] }, access: read }
    why: Everybody may read.
    fix: Read only.
  - id: masks
    effect: require
    match: { resource: { kind: postgres } }
    then: { mask: [{ tag: pii/*, with: redact }], limit: { rows: 3 } }
    why: Personal data is masked.
    fix: Use ids.
  - id: no-deploys
    effect: deny
    match: { resource: { kind: mcp }, action: mcp.call }
    when: 'action.programs.exists(p, p == "deploy")'
    why: No tool deploys.
    fix: Ask a person.
  - id: tainted
    effect: deny
    match: { resource: { kind: mcp, name: out } }
    when: '"untrusted" in session.saw && "private" in session.saw'
    why: What has read both sends nothing out.
    fix: Begin a new run.
`,
};

interface Said {
  readonly isError?: boolean | undefined;
}

describe('what the arguments of tools mean, and what a run has seen', () => {
  const folder = temporaryFolder('mcp-arguments');
  let database: PostgresServer;
  let server: Server;
  let reached: string[] = [];
  let answer: unknown = [];
  let gateway: Configured;
  let first = 0;
  let token = '';

  before(async () => {
    database = await startPostgres({ version: 18 });
    const admin = await database.connect();
    await admin.query('CREATE TABLE customers (id int PRIMARY KEY, name text, email text)');
    const tool = (name: string): object => ({
      name,
      inputSchema: { type: 'object', additionalProperties: true },
    });
    server = createServer((request, response) => {
      if (request.method !== 'POST') return void response.writeHead(405).end();
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
          readonly id?: number;
          readonly method: string;
          readonly params: { readonly name?: string; readonly arguments?: unknown };
        };
        if (method === 'tools/call') reached.push(JSON.stringify(params.arguments));
        const results: Readonly<Record<string, object>> = {
          initialize: {
            protocolVersion: '2025-11-25',
            capabilities: { tools: {} },
            serverInfo: { name: 'x', version: '1' },
          },
          'tools/list': { tools: ['query', 'run', 'fetch', 'plain'].map(tool) },
          'tools/call': { content: [{ type: 'text', text: JSON.stringify(answer) }] },
        };
        if (id === undefined) return void response.writeHead(202).end();
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ jsonrpc: '2.0', id, result: results[method] ?? {} }));
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    first = await freePorts(4);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
    gateway = await startConfigured({
      api: first,
      policy,
      text: `
listen: { api: 127.0.0.1:${first}, mcp: 127.0.0.1:${first + 1}, postgres: 127.0.0.1:${first + 2}, http: 127.0.0.1:${first + 3} }
policy: ./policy
identities: [{ subject: analyst, kind: human, groups: [] }]
resources:
  - name: shop
    kind: postgres
    address: 127.0.0.1:${database.port}
    database: postgres
    credentials: { user: postgres, password: ${database.password} }
    tls: disable
  - { name: web, kind: http, url: 'http://127.0.0.1:9' }
  - name: tools
    kind: mcp
    url: ${url}
    tools:
      query: { sql: { path: $.sql, dialect: postgres, resource: shop } }
      run: { shell: { path: $.command } }
      fetch: { http: { path: $.url, method: $.method, hosts: { api.example: web } } }
  - { name: notes, kind: mcp, url: '${url}', tags: [untrusted] }
  - { name: files, kind: mcp, url: '${url}', tags: [private] }
  - { name: out, kind: mcp, url: '${url}' }
  - name: everything
    kind: mcp
    command: [${process.execPath}, ${root}/node_modules/@modelcontextprotocol/server-everything/dist/index.js]
`,
    });
    token = await gateway.token('analyst');
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    server.close();
    server.closeAllConnections();
    await database[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const connected = async (resource: string, capabilities: object = {}): Promise<Client> => {
    const client = new Client({ name: 'test', version: '1' }, { capabilities });
    await client.connect(
      new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${first + 1}/${resource}`), {
        requestInit: { headers: { authorization: `Bearer ${token}` } },
      }),
    );
    return client;
  };
  const call = async (resource: string, name: string, given: Record<string, unknown>): Promise<Said> => {
    const client = await connected(resource);
    try {
      return await client.callTool({ name, arguments: given });
    } finally {
      await client.close();
    }
  };
  /** Denied, and nothing of it reached the server. */
  const denied = async (name: string, given: Record<string, unknown>, why: RegExp): Promise<void> => {
    reached = [];
    const said = await call('tools', name, given);
    assert.equal(said.isError, true, JSON.stringify(said));
    assert.match(JSON.stringify(said), why);
    assert.deepEqual(reached, []);
  };

  test('SQL in an argument is judged as if it had come to the database', async () => {
    answer = [{ id: 1, name: 'Ann' }];
    const read = await call('tools', 'query', { sql: 'SELECT id, name FROM customers' });
    assert.equal(read.isError ?? false, false, JSON.stringify(read));
    await denied('query', { sql: 'DELETE FROM customers' }, /all\/reads|No rule|allow/);
    await denied('query', { sql: 'SELECT id FROM customers; DROP TABLE customers' }, /./);
    await denied('query', { sql: "SELECT pg_read_file('/etc/passwd')" }, /./);
    await denied('query', { sql: 'SELECT name, email FROM customers' }, /cannot be masked by columns/);
    await denied('query', { sql: 'SELECT * FROM customers' }, /cannot be masked by columns/);
    await denied('query', { sql: 'SELEC id' }, /./);
    await denied('query', { sql: 5 }, /no text/);
    await denied('query', { query: 'SELECT 1' }, /no text/);
    answer = [1, 2, 3, 4];
    const long = await call('tools', 'query', { sql: 'SELECT id FROM customers' });
    assert.equal(long.isError, true);
    assert.match(JSON.stringify(long), /more than the 3 rows/);
  });

  test('a command line is read, or refused', async () => {
    answer = 'ok';
    assert.equal((await call('tools', 'run', { command: 'ls -la' })).isError ?? false, false);
    await denied('run', { command: 'deploy prod' }, /No tool deploys/);
    await denied('run', { command: "'dep'loy prod" }, /No tool deploys/);
    await denied('run', { command: 'ls; deploy prod' }, /No tool deploys/);
    await denied('run', { command: '$(deploy)' }, /expansion/);
    await denied('run', { command: 'sh -c deploy' }, /runs others/);
    await denied('run', {}, /no text/);
  });

  test('a URL is judged as a request to the service behind its host', async () => {
    assert.equal(
      (await call('tools', 'fetch', { url: 'https://api.example/customers/7' })).isError ?? false,
      false,
    );
    await denied('fetch', { url: 'https://api.example/customers/7', method: 'DELETE' }, /./);
    for (const url of [
      'https://evil.example/',
      'https://api.example@evil.example/',
      'https://API.example/',
      'https://api.example:8443/',
      'http://127.0.0.1/',
      'http://2130706433/',
      'file:///etc/passwd',
      'https://api.example/a/../b',
      'https://api.example/a%2f..%2fb',
      'https://api.example\\@evil.example/',
      'https://аpi.example/',
    ])
      await denied('fetch', { url }, /./);
  });

  test('who has read what strangers wrote and what is private sends nothing out', async () => {
    assert.equal((await call('out', 'plain', {})).isError ?? false, false);
    assert.equal((await call('notes', 'plain', {})).isError ?? false, false);
    assert.equal((await call('out', 'plain', {})).isError ?? false, false, 'one of both is no reason');
    assert.equal((await call('files', 'plain', {})).isError ?? false, false);
    reached = [];
    const client = await connected('notes');
    await client.close();
    await assert.rejects(connected('out'), 'it may not even connect there any more');
    assert.deepEqual(reached, []);
  });

  test('a server asks the model or the person at the client for nothing', async () => {
    const client = await connected('everything', { sampling: {}, elicitation: { form: {} }, roots: {} });
    let asked = 0;
    client.setRequestHandler('sampling/createMessage', () => {
      asked++;
      return { role: 'assistant', content: { type: 'text', text: 'yes' }, model: 'm' } as never;
    });
    client.setRequestHandler('elicitation/create', () => {
      asked++;
      return { action: 'accept', content: {} } as never;
    });
    const { tools } = await client.listTools();
    const asking = tools.filter(({ name }) => /sampling|elicitation/.test(name)).map(({ name }) => name);
    for (const name of asking) {
      const given = name.includes('sampling') ? { prompt: 'x', maxTokens: 5 } : {};
      await client.callTool({ name, arguments: given }, { timeout: 10_000 }).catch(() => undefined);
    }
    assert.equal(asked, 0);
    const echoed = await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
    assert.match(JSON.stringify(echoed), /hello/);
    await client.close();
  });
});
