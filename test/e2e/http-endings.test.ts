import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { root } from './harness/place.ts';
import { startWeb, type Web, type WebEntry } from './harness/web.ts';
import { covered, until } from './harness/wait.ts';

// How requests end that do not end well: a resource that is too slow, a client that leaves in the middle.

const policy = {
  'modules/web.policy.yaml': `
apiVersion: sallyport/v1
module: web
about: Who may use the services.
owner: team:platform
rules:
  - id: all
    effect: allow
    match: { identity: { groups: [analysts] } }
    why: Everybody may.
    fix: Ask.
  - id: held
    effect: require
    match: { resource: { kind: http } }
    when: action.route.startsWith("/held")
    then: { approve: { from: [leads], count: 1, ttl: 5m } }
    why: A person looks at it.
    fix: Wait.
`,
  'modules/masks.policy.yaml': `
apiVersion: sallyport/v1
module: masks
about: What is hidden.
owner: team:platform
rules:
  - id: masks
    effect: require
    match: { resource: { kind: http } }
    when: '!action.route.startsWith("/raw")'
    then: { mask: [{ find: '*', with: redact }] }
    why: Personal data is masked.
    fix: Use ids.
`,
};

/** Says nothing at all, to whoever connects. */
const silent: Server = createServer((socket) => void socket.on('error', () => undefined).resume());
const stuck = join(root, 'test', 'e2e', 'clients', 'silent-mcp.ts');

describe('requests that do not end well', () => {
  let web: Web;
  const sockets = new WebSocketServer({ noServer: true });

  before(async () => {
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const mute = address !== null && typeof address === 'object' ? address.port : 0;
    web = await startWeb({
      policy,
      settings: '    timeouts: { firstByte: 5s, idle: 500ms, streamIdle: 900ms }\n',
      more: (port) => ({
        listen: `, llm: 127.0.0.1:${port}, mcp: 127.0.0.1:${port + 1}`,
        resources: `  - { name: model, kind: llm, url: "http://127.0.0.1:${mute}", timeouts: { firstByte: 500ms } }
  - { name: mute, kind: http, url: "https://127.0.0.1:${mute}", timeouts: { connect: 400ms } }
  - { name: tools, kind: mcp, url: "http://127.0.0.1:${mute}", timeouts: { firstByte: 500ms } }
  - { name: local, kind: mcp, command: ['${process.execPath}', ${stuck}], pins: off, timeouts: { firstByte: 8s } }
`,
      }),
      early: (request, response) => {
        const { url = '' } = request;
        if (url.includes('/silent')) return true;
        if (url.includes('/upload')) {
          request.resume().on('end', () => response.end('taken'));
          return true;
        }
        return false;
      },
      serve: (request, response) => {
        const { url = '' } = request;
        if (url.includes('/half')) {
          response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '100' });
          response.write('half of it ');
        } else if (url.includes('/events')) {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.write('data: 1\n\n');
        } else if (url.includes('/large')) {
          response.writeHead(200, { 'content-type': 'text/plain' });
          const piece = 'a line of no interest at all\n'.repeat(2_000);
          const more = (): void => {
            while (!response.destroyed && response.write(piece)) continue;
            if (!response.destroyed) response.once('drain', more);
          };
          more();
        } else response.setHeader('content-type', 'text/plain').end('fine');
      },
    });
  });

  after(async () => {
    await web[Symbol.asyncDispose]();
    silent.close();
    sockets.close();
  });

  const json = (text: string): { readonly status?: number; readonly denial?: { readonly why: string } } =>
    JSON.parse(text) as object;
  const elsewhere = async (
    offset: number,
    path: string,
    body: object,
  ): Promise<readonly [number, string]> => {
    const answer = await fetch(`http://127.0.0.1:${web.port + 1 + offset}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${web.tokens.analyst}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify(body),
    });
    return [answer.status, await answer.text()];
  };

  test('a service that does not answer: 504', async () => {
    const { status, headers, text } = await web.ask('/web/silent');
    assert.equal(status, 504, text);
    assert.equal(headers.get('content-type'), 'application/problem+json');
    assert.equal(json(text).status, 504);
    assert.match(json(text).denial?.why ?? '', /within 5 s/);
  });

  test('a service that is connected to and says nothing to TLS: 504', async () => {
    assert.equal((await web.ask('/mute/x')).status, 504);
  });

  test('a service that stops in the middle: the client sees that it is not whole', async () => {
    await assert.rejects(web.ask('/web/raw/half'));
    await assert.rejects(web.ask('/web/raw/events'));
    assert.equal((await web.ask('/web/half')).status, 504, 'nothing was sent of what is not masked yet');
  });

  test('a model that does not answer: 504 in the words of its provider', async () => {
    const messages = { model: 'm', max_tokens: 5, messages: [{ role: 'user', content: 'hello' }] };
    const [status, text] = await elsewhere(0, '/model/v1/messages', messages);
    assert.equal(status, 504, text);
    assert.equal((JSON.parse(text) as { error: { type: string } }).error.type, 'timeout_error');
    assert.equal((await elsewhere(0, '/model/v1/chat/completions', messages))[0], 504);
  });

  test('an MCP server that does not answer: 504 as JSON-RPC', async () => {
    const begin = {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } },
    };
    const [status, text] = await elsewhere(1, '/tools', begin);
    assert.equal(status, 504, text);
    assert.match((JSON.parse(text) as { error: { message: string } }).error.message, /in time/);
  });

  test('a tool of a process that does not answer', async () => {
    const call = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'wait', arguments: {} } };
    const [status, text] = await elsewhere(1, '/local', call);
    assert.match(text, /in time/, `${status} ${text}`);
  });

  test('who leaves in the middle makes no fault of the gateway', async () => {
    const { port, tokens } = web;
    const head = (line: string, more: string): string =>
      `${line} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${tokens.analyst}\r\n${more}\r\n`;
    const leaves = async (text: string, afterMs: number, how: (socket: Socket) => void): Promise<void> => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(text);
      socket.once('data', () => socket.pause());
      await sleep(afterMs);
      how(socket);
      socket.destroy();
    };
    const reset = (socket: Socket): void => void socket.resetAndDestroy();
    const close = (socket: Socket): void => void socket.destroy();
    const half = (socket: Socket): void => void socket.end();
    const waits: Promise<void>[] = [];
    for (const afterMs of [0, 2, 10, 40, 150, 400, 800]) {
      for (const how of [reset, close, half]) {
        waits.push(
          leaves(head('POST /web/upload', 'Content-Length: 1000000\r\n') + 'x'.repeat(500), afterMs, how),
          leaves(
            head('POST /web/x', 'Content-Type: application/json\r\nContent-Length: 90\r\n') + '{"a":',
            afterMs,
            how,
          ),
          leaves(head('POST /web/upload', 'Transfer-Encoding: chunked\r\n') + '5\r\nab', afterMs, how),
          leaves(head('GET /web/large', ''), afterMs, how),
          leaves(head('GET /web/raw/large', ''), afterMs, how),
          leaves(head('GET /web/silent', ''), afterMs, how),
          leaves(head('GET /web/raw/half', ''), afterMs, how),
          leaves(head('GET /web/events', ''), afterMs, how),
          leaves(head('GET /web/held', ''), afterMs, how),
          leaves(
            head('POST /web/held', 'Content-Length: 3\r\nContent-Type: text/plain\r\n') + 'abc',
            afterMs,
            how,
          ),
          leaves(head('GET /web/x', '').repeat(20), afterMs, how),
          leaves(head('GET /nowhere/x', ''), afterMs, how),
        );
      }
    }
    for (const afterMs of [0, 5, 30, 200, 750]) {
      const session = connectHttp2(`http://127.0.0.1:${port}`);
      session.on('error', () => undefined);
      for (const path of ['/web/large', '/web/silent', '/web/held', '/web/upload', '/web/half']) {
        const stream = session.request(
          {
            ':path': path,
            ':method': path === '/web/upload' ? 'POST' : 'GET',
            authorization: `Bearer ${tokens.analyst}`,
          },
          { endStream: path !== '/web/upload' },
        );
        stream.on('error', () => undefined).once('data', () => stream.pause());
        if (afterMs % 2 === 0) setTimeout(() => stream.close(8), afterMs);
      }
      waits.push(sleep(afterMs).then(() => session.destroy()));
    }
    for (const afterMs of [0, 20, 200]) {
      const asked = httpRequest({
        port,
        path: '/web/upload',
        method: 'PUT',
        headers: { authorization: `Bearer ${tokens.analyst}`, expect: '100-continue' },
      });
      asked.on('error', () => undefined).flushHeaders();
      waits.push(sleep(afterMs).then(() => void asked.destroy()));
      const socket = new WebSocket(`ws://127.0.0.1:${port}/web/held`, {
        headers: { authorization: `Bearer ${tokens.analyst}` },
      });
      socket.on('error', () => undefined);
      waits.push(sleep(afterMs).then(() => socket.terminate()));
    }
    await Promise.all(waits);
    await covered(web.gateway);
    const log = web.gateway.log();
    const told = log.split('\n').filter((line) => /process\.(?:unhandled|uncaught)/.test(line));
    assert.deepEqual(told, []);
    await until(async () => (await web.ask('/web/x')).text === 'fine', 'the gateway serves nobody');
  });

  test('who waits for a person as long as it wants to gets a ticket, and the same one when it asks again', async () => {
    const ask = async (prefer: string): Promise<string> => {
      const answer = await fetch(`http://127.0.0.1:${web.port}/web/held/ticket`, {
        headers: { authorization: `Bearer ${web.tokens.analyst}`, prefer },
      });
      const { denial } = (await answer.json()) as { readonly denial: { class: string; review?: string } };
      assert.deepEqual([answer.status, denial.class], [403, 'REVIEW_PENDING']);
      return denial.review ?? '';
    };
    const first = await ask('wait=1');
    assert.match(first, /^rev_/);
    assert.equal(await ask('wait=20'), first);
    assert.equal(await ask('respond-async'), first);
  });

  test('each has an entry, and the failed ones say so', async () => {
    const entries = await web.entries();
    const outcomes = new Map<string, { readonly kind: string; readonly code?: string }>();
    for (const { kind, outcomes: ended } of entries)
      if (kind === 'outcomes')
        for (const { id, outcome } of ended as readonly { id: string; outcome: { kind: string } }[])
          outcomes.set(id, outcome);
    const endOf = (wanted: (entry: WebEntry) => boolean): readonly string[] =>
      [
        ...new Set(
          entries
            .filter((entry) => entry.kind === 'decision' && entry['decision'] === 'allow' && wanted(entry))
            .map(({ id }) => outcomes.get(String(id)))
            .map((outcome) => (outcome === undefined ? 'none' : (outcome.code ?? outcome.kind))),
        ),
      ].toSorted();
    const of = (resource: string) => (entry: WebEntry) => entry['resource'] === resource;
    const route = (name: string) => (entry: WebEntry) =>
      (entry['attributes'] as { route?: string }).route === name;
    assert.deepEqual(endOf(of('model')), ['upstream-late']);
    assert.deepEqual(endOf(of('mute')), ['upstream-late']);
    assert.deepEqual(endOf(of('tools')), ['upstream-late']);
    assert.deepEqual(endOf(of('local')), ['upstream-late']);
    assert.ok(endOf(route('/silent')).includes('upstream-late'));
    assert.ok(endOf(route('/raw/half')).includes('upstream-late'));
    assert.ok(!endOf(() => true).includes('none'), 'each permit has ended');
  });
});
