import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts } from './harness/place.ts';

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers:
  - { name: base, role: restrict, use: [{ module: masks }] }
  - { name: tools, role: grant, use: [{ module: tools }] }
`,
  'modules/tools.policy.yaml': `
apiVersion: sallyport/v1
module: tools
about: Who may use tools.
owner: team:platform
rules:
  - id: use
    effect: allow
    match: { resource: { kind: mcp } }
    why: Everybody may.
    fix: Ask.
  - id: no-drop
    effect: deny
    match: { resource: { kind: mcp }, action: mcp.call }
    when: 'action.tool == "drop"'
    why: Nobody drops.
    fix: Do not.
`,
  'modules/masks.policy.yaml': `
apiVersion: sallyport/v1
module: masks
about: What is hidden.
owner: team:platform
rules:
  - id: masks
    effect: require
    match: { resource: { kind: mcp }, action: mcp.call }
    then: { mask: [{ find: EMAIL_ADDRESS, with: redact }] }
    why: Personal data is masked.
    fix: Use ids.
`,
};

const mail = 'ann.lee@example.com';
interface Message {
  readonly id?: number;
  readonly method: string;
  readonly params?: Record<string, unknown>;
}
interface Answer {
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number };
}

/** A server of 2025-11-25 that goes on with calls by itself. It knows its tasks by number and not whose they are. */
function serveTasks(seen: Message[]): Promise<Server> {
  let count = 0;
  const of = (taskId: unknown): object => ({
    taskId, status: 'completed', statusMessage: `asked ${mail}`, createdAt: '2026-01-01T00:00:00Z', lastUpdatedAt: '2026-01-01T00:00:00Z', ttl: 1, pollInterval: 1,
  }); // prettier-ignore
  const answers: Readonly<Record<string, (params: Record<string, unknown>) => object>> = {
    initialize: () => ({
      protocolVersion: '2025-11-25',
      capabilities: { tools: {}, tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } },
      serverInfo: { name: 'slow', version: '1' },
    }),
    'tools/list': () => ({
      tools: ['slow', 'drop'].map((name) => ({
        name,
        inputSchema: { type: 'object' },
        execution: { taskSupport: 'optional' },
      })),
    }),
    'tools/call': ({ task }) => (task === undefined ? { content: [] } : { task: of(`t${++count}`) }),
    'tasks/get': ({ taskId }) => of(taskId),
    'tasks/cancel': ({ taskId }) => of(taskId),
    'tasks/list': () => ({ tasks: Array.from({ length: count }, (_, at) => of(`t${at + 1}`)) }),
    'tasks/result': () => ({ content: [{ type: 'text', text: `It is ${mail}` }] }),
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => {
      const message = JSON.parse(Buffer.concat(chunks).toString()) as Message;
      if (!/^(?:tools\/list|initialize)$/.test(message.method)) seen.push(message);
      const answer = answers[message.method];
      if (message.id === undefined || answer === undefined) return response.writeHead(202).end();
      response.writeHead(200, {
        'content-type': 'application/json',
        ...(message.method === 'initialize' ? { 'mcp-session-id': `s${Math.random()}` } : {}),
      });
      return response.end(
        JSON.stringify({ jsonrpc: '2.0', id: message.id, result: answer(message.params ?? {}) }),
      );
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

describe('tasks of MCP servers through the gateway (2025-11-25)', () => {
  const seen: Message[] = [];
  let server: Server;
  let gateway: Configured;
  let url = '';

  before(async () => {
    server = await serveTasks(seen);
    const first = await freePorts(2);
    gateway = await startConfigured({
      api: first,
      policy,
      text: `
listen: { api: 127.0.0.1:${first}, mcp: 127.0.0.1:${first + 1} }
policy: ./policy
identities:
  - { subject: ann, kind: human }
  - { subject: bob, kind: human }
resources:
  - { name: tools, kind: mcp, url: 'http://127.0.0.1:${(server.address() as AddressInfo).port}' }
`,
    });
    url = `http://127.0.0.1:${first + 1}/tools`;
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    server.close();
  });

  let id = 0;
  const begin = async (who: string): Promise<(method: string, params: object) => Promise<Answer>> => {
    const token = await gateway.token(who);
    const post = (method: string, params: object, session?: string): Promise<Response> =>
      fetch(url, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-11-25',
          ...(session === undefined ? {} : { 'mcp-session-id': session }),
        }, // prettier-ignore
        body: JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params }),
      });
    const opened = await post('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: { tasks: {} },
      clientInfo: { name: 't', version: '1' },
    });
    const { result } = (await opened.json()) as Answer;
    assert.deepEqual(((result ?? {})['capabilities'] as Record<string, unknown>)['tasks'], {
      list: {},
      cancel: {},
      requests: { tools: { call: {} } },
    });
    const session = opened.headers.get('mcp-session-id') ?? '';
    return async (method, params) => (await (await post(method, params, session)).json()) as Answer;
  };

  test('a call becomes a task; what is told of it is masked as its call, and known to its session only', async () => {
    const ann = await begin('ann');
    const again = await begin('ann');
    const bob = await begin('bob');
    const made = await ann('tools/call', { name: 'slow', arguments: {}, task: { ttl: 60_000 } });
    const { taskId } = (made.result ?? {})['task'] as { readonly taskId: string };
    const told = [made];
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
      const own = await ann(method, { taskId });
      assert.ok(own.result !== undefined, JSON.stringify(own));
      told.push(own);
      const before = seen.length;
      for (const other of [bob, again])
        for (const named of [taskId, 'none'])
          assert.equal((await other(method, { taskId: named })).error?.code, -32_602, method);
      assert.equal(seen.length, before, 'the server was asked about a task of another');
    }
    assert.ok(!JSON.stringify(told).includes(mail), JSON.stringify(told));
    assert.match(JSON.stringify(told), /It is \[EMAIL_ADDRESS\]/);
    assert.equal((((await ann('tasks/list', {})).result ?? {})['tasks'] as object[]).length, 1);
    assert.deepEqual((await bob('tasks/list', {})).result?.['tasks'], []);
  });

  test('a task does not get past what its call is denied, and cannot be had for anything else', async () => {
    const ann = await begin('ann');
    const before = seen.length;
    const denied = await ann('tools/call', { name: 'drop', arguments: {}, task: {} });
    assert.equal(denied.result?.['isError'], true, JSON.stringify(denied));
    assert.ok(denied.result?.['task'] === undefined);
    assert.ok(
      (await ann('tools/call', { name: 'slow', arguments: {}, task: { ttl: 'x' } })).result?.['isError'] ===
        true,
    );
    assert.ok((await ann('resources/read', { uri: 'a:b', task: {} })).error !== undefined);
    assert.equal((await ann('tasks/update', { taskId: 't1' })).error?.code, -32_601);
    assert.equal(seen.length, before);
  });
});
