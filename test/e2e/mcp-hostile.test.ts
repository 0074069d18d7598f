import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts } from './harness/place.ts';

// Servers whose definitions, answers and silence are made to stop the gateway for everybody else.

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers: [{ name: all, role: grant, use: [{ module: all }] }]
record: statements
`,
  'modules/all.policy.yaml': `
apiVersion: sallyport/v1
module: all
about: Tools.
owner: team:platform
rules: [{ id: use, effect: allow, match: { resource: { kind: mcp } }, why: Everybody may use tools., fix: Ask. }]
`,
};

const many = Object.fromEntries(
  Array.from({ length: 1_500 }, (_, at) => [`p${at}`, { type: 'string', minLength: at, maxLength: at }]),
);
const schemas: Readonly<Record<string, object>> = {
  plain: { type: 'object', properties: { id: { type: 'integer' } } },
  pattern: { type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+$' } } },
  bomb: {
    type: 'object',
    $defs: { all: { type: 'object', properties: many } },
    properties: Object.fromEntries(
      Array.from({ length: 3_000 }, (_, at) => [`q${at}`, { $ref: '#/$defs/all' }]),
    ),
  },
};

describe('hostile MCP servers', () => {
  let server: Server;
  let gateway: Configured;
  let mcp = '';
  let token = '';
  const called: string[] = [];

  before(async () => {
    server = createServer((request, response) => {
      if (request.method !== 'POST') return void response.writeHead(405).end();
      let body = '';
      request.setEncoding('utf8').on('data', (piece: string) => (body += piece));
      request.on('end', () => {
        const { id, method, params } = JSON.parse(body) as {
          readonly id?: number;
          readonly method: string;
          readonly params?: { readonly name?: string };
        };
        if (id === undefined) return void response.writeHead(202).end();
        if (method === 'tools/call') called.push(params?.name ?? '');
        if (method === 'tools/call' && params?.name?.startsWith('flood') === true)
          return flood(response, params.name);
        const result =
          method === 'tools/list'
            ? {
                tools: [...Object.keys(schemas), 'flood-json', 'flood-line', 'flood-event'].map((name) => ({
                  name,
                  inputSchema: schemas[name] ?? { type: 'object' },
                })),
              }
            : method === 'initialize'
              ? {
                  protocolVersion: '2025-11-25',
                  capabilities: { tools: {} },
                  serverInfo: { name: 'x', version: '1' },
                }
              : { content: [{ type: 'text', text: 'done' }] };
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const first = await freePorts(2);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
    gateway = await startConfigured({
      api: first,
      policy,
      text: `
listen: { api: 127.0.0.1:${first}, mcp: 127.0.0.1:${first + 1} }
policy: ./policy
limits: { parseMs: 10000, messageBytes: 4194304 }
identities: [{ subject: ana, kind: human }]
resources:
  - { name: alone, kind: mcp, url: '${url}' }
  - { name: joint, kind: mcp, servers: { one: { url: '${url}' } } }
`,
    });
    mcp = `http://127.0.0.1:${first + 1}`;
    token = await gateway.token('ana');
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
  });

  const call = async (resource: string, name: string, given: object = {}): Promise<string> => {
    const answer = await fetch(`${mcp}/${resource}`, {
      method: 'POST',
      signal: AbortSignal.timeout(100_000),
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name, arguments: given },
      }),
    });
    return `${answer.status} ${await answer.text()}`;
  };
  const alive = async (): Promise<void> => {
    assert.equal((await fetch(`${gateway.api}/readyz`)).status, 200);
  };

  for (const [what, name, given] of [
    ['a pattern that takes for ever', 'pattern', { a: `${'a'.repeat(60)}!` }],
    ['a schema that takes for ever to read', 'bomb', {}],
  ] as const)
    test(`${what} is refused, and others are served meanwhile`, async () => {
      called.length = 0;
      const slow = call('alone', name, given);
      await alive();
      assert.match(await slow, /takes too long/);
      assert.deepEqual(called, []);
      assert.match(await call('alone', 'plain', { id: 1 }), /done/);
      assert.match(await call('alone', 'plain', { id: 'x' }), /not what the schema/);
    });

  for (const resource of ['alone', 'joint'])
    for (const name of ['flood-json', 'flood-line', 'flood-event'])
      test(`an answer without an end does not fill the memory: ${name} of ${resource}`, async () => {
        const said = await call(resource, resource === 'joint' ? `one__${name}` : name).catch(String);
        assert.ok(!said.includes('xxxx'), said.slice(0, 200));
        await alive();
        assert.match(await call('alone', 'plain'), /done/);
      });
});

/** At most 1 GB: what takes all of it has no bound. */
function flood(response: ServerResponse, name: string): void {
  const json = name === 'flood-json';
  response.writeHead(200, { 'content-type': json ? 'application/json' : 'text/event-stream' });
  response.write(json ? '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"' : 'data: ');
  const block = Buffer.from((name === 'flood-event' ? 'x\ndata: ' : 'xxxxxxxx').repeat(8_192));
  let sent = 0;
  const go = (): void => {
    while (sent < 1_000_000_000) {
      sent += block.length;
      if (!response.write(block)) return;
    }
    response.end();
  };
  response.on('error', () => undefined).on('drain', go);
  go();
}
