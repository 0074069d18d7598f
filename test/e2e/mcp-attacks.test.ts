import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts } from './harness/place.ts';

// Every row is a way to call a tool that a rule denies, or to be somebody else. None of them may reach the server.

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers: [{ name: all, role: grant, use: [{ module: all }] }]
record: full
`,
  'modules/all.policy.yaml': `
apiVersion: sallyport/v1
module: all
about: Tools.
owner: team:platform
rules:
  - { id: use, effect: allow, match: { resource: { kind: mcp } }, why: Everybody may use tools., fix: Ask. }
  - id: no-wipe
    effect: deny
    match: { resource: { kind: mcp }, action: mcp.call }
    when: 'action.tool == "wipe"'
    why: Nobody wipes.
    fix: Do not.
`,
};

const modern = '2026-07-28';
const meta = {
  'io.modelcontextprotocol/protocolVersion': modern,
  'io.modelcontextprotocol/clientInfo': { name: 't', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

describe('attacks on MCP', () => {
  let server: Server;
  const calls: { readonly body: string; readonly headers: string }[] = [];
  let gateway: Configured;
  let url = '';
  let token = '';
  let other = '';

  before(async () => {
    server = createServer((request, response) => {
      if (request.method !== 'POST') return void response.writeHead(405).end();
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        const { id, method } = JSON.parse(body) as { readonly id?: number; readonly method: string };
        if (!/tools\/list|initialize/.test(method))
          calls.push({ body, headers: JSON.stringify(request.headers) });
        const named = (name: string): object => ({
          name,
          inputSchema: { type: 'object', additionalProperties: true },
        });
        const result =
          method === 'tools/list'
            ? { tools: ['get', 'wipe', 'wіpe', 'get\u200b', 'Wipe'].map(named) }
            : method === 'initialize'
              ? {
                  protocolVersion: '2025-11-25',
                  capabilities: { tools: {} },
                  serverInfo: { name: 'x', version: '1' },
                }
              : { content: [{ type: 'text', text: 'done' }] };
        const headers = {
          'content-type': 'application/json',
          ...(method === 'initialize' ? { 'mcp-session-id': 'sess-1' } : {}),
        };
        if (id === undefined) return void response.writeHead(202).end();
        response.writeHead(200, headers).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const first = await freePorts(2);
    gateway = await startConfigured({
      api: first,
      policy,
      text: `
listen: { api: 127.0.0.1:${first}, mcp: 127.0.0.1:${first + 1} }
policy: ./policy
identities:
  - { subject: analyst, kind: human, groups: [] }
  - { subject: other, kind: human, groups: [] }
resources:
  - { name: tools, kind: mcp, url: 'http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp' }
`,
    });
    url = `http://127.0.0.1:${first + 1}/tools`;
    token = await gateway.token('analyst');
    other = await gateway.token('other');
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    server.close();
    server.closeAllConnections();
  });

  const send = (body: string, more: Readonly<Record<string, string>> = {}, as = token): Promise<Response> =>
    fetch(url, {
      method: 'POST',
      signal: AbortSignal.timeout(100_000),
      headers: {
        authorization: `Bearer ${as}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...more,
      },
      body,
    });
  const call = (name: string, more: object = {}): string =>
    JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {}, ...more } });

  const bodies: readonly (readonly [what: string, body: string, headers?: Readonly<Record<string, string>>])[] = [
    ['the denied tool itself', call('wipe')],
    ['with another case, which the server may have too: judged by its own name', call('WIPE')],
    ['a look-alike letter', call('wіpe')],
    ['a zero width space', call('wipe\u200b')],
    ['a space behind', call('wipe ')],
    ['full-width letters', call('ｗｉｐｅ')],
    ['a combining mark', call('wipe\u0301')],
    ['an escape of JSON', call('wipe').replace('wipe', '\\u0077ipe')],
    ['the name twice', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get","name":"wipe","arguments":{}}}'],
    ['the name twice, once escaped', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get","n\\u0061me":"wipe","arguments":{}}}'],
    ['params twice', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get"},"params":{"name":"wipe"}}'],
    ['the method twice', '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"wipe"}}'],
    ['a batch', `[${call('get')},${call('wipe')}]`],
    ['a batch of one', `[${call('wipe')}]`],
    ['two messages', `${call('get')}${call('wipe')}`],
    ['a notification', JSON.stringify({ jsonrpc: '2.0', method: 'tools/call', params: { name: 'wipe', arguments: {} } })],
    ['a name that is a list', JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: ['wipe'] } })],
    ['a prototype', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"__proto__":{"name":"wipe"},"name":"get"}}'],
    ['a method in another case', call('wipe').replace('tools/call', 'Tools/Call')],
    ['a method with a space', call('wipe').replace('tools/call', 'tools/call ')],
    ['a request that is an answer too', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"wipe"},"result":{}}'],
    ['a task', call('wipe', { task: { ttl: 1 } })],
    ['an id that no double holds', call('get').replace('"id":1', '"id":99999999999999999999')],
    ['an id that is an object', call('get').replace('"id":1', '"id":{"a":1}')],
    ['a huge id', call('get').replace('"id":1', `"id":"${'x'.repeat(10_000)}"`)],
    ['a byte order mark', `\ufeff${call('wipe')}`],
    ['NaN', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get","arguments":{"x":NaN}}}'],
    ['too deep', `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get","arguments":${'{"a":'.repeat(500)}1${'}'.repeat(500)}}}`],
    [
      'the new era in the header and the denied tool in the body',
      call('wipe', { _meta: meta }),
      { 'mcp-protocol-version': modern, 'mcp-method': 'tools/call', 'mcp-name': 'get' },
    ],
    [
      'the new era in the body only',
      call('wipe', { _meta: meta }),
      { 'mcp-protocol-version': '2025-11-25', 'mcp-method': 'tools/call', 'mcp-name': 'wipe' },
    ],
    [
      'another method in the header',
      call('wipe', { _meta: meta }),
      { 'mcp-protocol-version': modern, 'mcp-method': 'tools/list' },
    ],
    [
      'the name in Base64 that is another',
      call('wipe', { _meta: meta }),
      { 'mcp-protocol-version': modern, 'mcp-method': 'tools/call', 'mcp-name': `=?base64?${btoa('get')}?=` },
    ],
    ['a session of nobody', call('get'), { 'mcp-session-id': 'sess-9' }],
    ['another type', call('get'), { 'content-type': 'text/plain' }],
    ['a page of another site', call('get'), { origin: 'https://evil.example' }],
    ['a token in the query', call('get'), { authorization: 'Bearer x' }],
  ]; // prettier-ignore

  for (const [what, body, headers] of bodies) {
    test(what, async () => {
      calls.length = 0;
      const answer = await send(body, headers);
      const said = await answer.text();
      assert.ok(
        answer.status >= 400 || /"isError":true|"error":/.test(said),
        `${answer.status} ${said.slice(0, 300)}`,
      );
      assert.deepEqual(calls, [], 'it reached the server');
    });
  }

  test('what is listed is what can be called: no look-alike, nothing hidden', async () => {
    const said = await (await send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }))).text();
    const names = [...said.matchAll(/"name":"([^"]*)"/g)].map(([, name]) => name);
    assert.deepEqual(names, ['get', 'Wipe']);
  });

  test('a session is worth nothing to anybody else, and the token goes nowhere', async () => {
    const begin = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
    });
    const opened = await send(begin);
    assert.equal(opened.headers.get('mcp-session-id'), 'sess-1');
    await opened.text();
    calls.length = 0;
    const stolen = await send(call('get'), { 'mcp-session-id': 'sess-1' }, other);
    assert.equal(stolen.status, 404);
    await stolen.text();
    assert.equal(calls.length, 0);
    const own = await send(call('get'), { 'mcp-session-id': 'sess-1', cookie: 'a=b', 'x-secret': 'mine' });
    assert.match(await own.text(), /done/);
    assert.equal(calls.length, 1);
    for (const { headers, body } of calls) {
      assert.ok(!headers.includes(token) && !headers.includes('authorization'), 'the token was passed on');
      assert.ok(!/cookie|x-secret/.test(headers) && !body.includes(token));
    }
  });
});
