import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts, temporaryFolder } from './harness/place.ts';
import { until } from './harness/wait.ts';

// A stream that a client comes back to (2025-11-25, Resumability), after the policy has changed.

const composition = `
apiVersion: sallyport/v1
layers:
  - { name: masks, role: restrict, use: [{ module: masks }] }
  - { name: all, role: grant, use: [{ module: all }] }
record: statements
`;
const all = `
apiVersion: sallyport/v1
module: all
about: Tools.
owner: team:platform
rules: [{ id: use, effect: allow, match: { resource: { kind: mcp } }, why: Everybody may use tools., fix: Ask. }]
`;
const head = `
apiVersion: sallyport/v1
module: masks
about: What is hidden and denied.
owner: team:platform
rules:
`;
const rule = (id: string, more: string): string =>
  `${head}  - { id: ${id}, ${more}, why: It is so since a moment., fix: Ask. }\n`;
const nothing = rule('none', 'effect: deny, match: { resource: { kind: http } }');
const masked = rule(
  'mails',
  "effect: require, match: { resource: { kind: mcp } }, then: { mask: [{ find: '*', with: redact }] }",
);
const denied = rule('calls', 'effect: deny, match: { resource: { kind: mcp }, action: mcp.call }');

const mail = 'ann.lee@example.com';

describe('an MCP stream that is resumed under another policy', () => {
  const folder = temporaryFolder('mcp-resumed');
  let server: Server;
  let gateway: Configured;
  let [mcp, token] = ['', ''];
  let asked: number | undefined;

  const put = (rules: string): void =>
    writeFileSync(join(folder.path, 'modules', 'masks.policy.yaml'), rules);
  const headers = (): Record<string, string> => ({
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2025-11-25',
    'mcp-session-id': 'one',
  });
  const post = async (body: object, session: boolean = true): Promise<string> => {
    const { 'mcp-session-id': named, ...others } = headers();
    const answer = await fetch(mcp, {
      method: 'POST',
      headers: session ? { ...others, 'mcp-session-id': named ?? '' } : others,
      body: JSON.stringify(body),
    });
    return answer.text();
  };
  const loaded = async (): Promise<number> => {
    const metrics = await (await fetch(`${gateway.api}/metrics`)).text();
    return Number(/^sallyport_policy_loads_total\{result="loaded"\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
  };
  const enforce = async (rules: string): Promise<void> => {
    const before = await loaded();
    put(rules);
    await until(async () => (await loaded()) > before, 'the policy is not loaded');
  };
  /** The answer to a call, of which the stream broke off before it came. */
  const called = async (id: number, meanwhile: () => Promise<void>): Promise<string> => {
    await post({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'read', arguments: {} } });
    assert.equal(asked, id, 'it was sent');
    await meanwhile();
    const answer = await fetch(mcp, { headers: { ...headers(), 'last-event-id': '1' } });
    return answer.text();
  };

  before(async () => {
    mkdirSync(join(folder.path, 'modules'));
    writeFileSync(join(folder.path, 'policy.yaml'), composition);
    writeFileSync(join(folder.path, 'modules', 'all.policy.yaml'), all);
    put(nothing);
    server = createServer((request, response) => {
      const events = { 'content-type': 'text/event-stream', 'mcp-session-id': 'one' };
      if (request.method === 'GET') {
        const result = { content: [{ type: 'text', text: `write to ${mail}` }] };
        response.writeHead(200, events);
        response.end(`id: 2\ndata: ${JSON.stringify({ jsonrpc: '2.0', id: asked, result })}\n\n`);
        return;
      }
      let body = '';
      request.setEncoding('utf8').on('data', (piece: string) => (body += piece));
      request.on('end', () => {
        const { id, method } = JSON.parse(body) as { readonly id?: number; readonly method: string };
        if (id === undefined) return void response.writeHead(202).end();
        if (method === 'tools/call') {
          asked = id;
          response.writeHead(200, events);
          return void response.end('id: 1\nretry: 10\ndata:\n\n'); // its answer is for whoever comes back
        }
        const result =
          method === 'tools/list'
            ? { tools: [{ name: 'read', inputSchema: { type: 'object' } }] }
            : {
                protocolVersion: '2025-11-25',
                capabilities: { tools: {} },
                serverInfo: { name: 'x', version: '1' },
              };
        response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'one' });
        response.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const first = await freePorts(2);
    gateway = await startConfigured({
      api: first,
      policy: {},
      text: `
listen: { api: 127.0.0.1:${first}, mcp: 127.0.0.1:${first + 1} }
policy: ${folder.path}
identities: [{ subject: ana, kind: human }]
resources: [{ name: tools, kind: mcp, url: 'http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp' }]
`,
    });
    mcp = `http://127.0.0.1:${first + 1}/tools`;
    token = await gateway.token('ana');
    const clientInfo = { name: 'test', version: '1' };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    await post({ jsonrpc: '2.0', id: 1, method: 'initialize', params }, false);
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
    folder[Symbol.dispose]();
  });

  test('shows an answer by the masks that hold when it comes', async () => {
    assert.match(await called(10, () => Promise.resolve()), new RegExp(mail));
    const shown = await called(11, () => enforce(masked));
    assert.match(shown, /\[EMAIL_ADDRESS\]/);
    assert.doesNotMatch(shown, new RegExp(mail));
    assert.match(
      await called(12, () => enforce(nothing)),
      new RegExp(mail),
      'what is masked no more is shown',
    );
  });

  test('says clearly that what was called is denied by now', async () => {
    const shown = await called(20, () => enforce(denied));
    assert.match(shown, /It is so since a moment/);
    assert.match(shown, /"id":20/);
    assert.doesNotMatch(shown, new RegExp(mail));
  });
});
