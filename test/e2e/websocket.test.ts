import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts } from './harness/place.ts';
import { steady, until } from './harness/wait.ts';

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers:
  - { name: base, role: restrict, use: [{ module: masks }] }
  - { name: web, role: grant, use: [{ module: web }] }
record: full
`,
  'modules/web.policy.yaml': `
apiVersion: sallyport/v1
module: web
about: Who may use the service.
owner: team:platform
rules:
  - id: read
    effect: allow
    match: { resource: { kind: http }, access: read }
    why: Everybody may read.
    fix: Ask.
  - id: say
    effect: allow
    match: { resource: { kind: http }, access: write }
    why: Everybody may talk.
    fix: Ask.
  - id: own
    effect: allow
    match: { resource: { kind: sallyport }, action: [record.list, session.kill] }
    why: What is theirs.
    fix: Ask.
  - id: no-drops
    effect: deny
    match: { resource: { kind: http } }
    when: 'action.from == "client" && "drop" in action.fields || "dropAll" in action.selects'
    why: Nobody drops anything here.
    fix: Leave it out.
  - id: no-secrets
    effect: deny
    match: { resource: { kind: http } }
    when: 'action.from == "resource" && "secret" in action.fields'
    why: Secrets stay inside.
    fix: Ask for something else.
  - id: nobody
    effect: deny
    match: { resource: { kind: http } }
    when: 'action.route == "/closed"'
    why: It is closed.
    fix: Use another.
`,
  'modules/masks.policy.yaml': `
apiVersion: sallyport/v1
module: masks
about: What is hidden.
owner: team:platform
rules:
  - id: masks
    effect: require
    match: { resource: { kind: http }, identity: { groups: [analysts] } }
    then: { mask: [{ tag: pii/*, with: redact }, { find: '*', with: redact }] }
    why: Personal data is masked.
    fix: Use ids.
  - id: few
    effect: require
    match: { resource: { kind: http } }
    when: 'action.from == "client" && action.route == "/limited"'
    then: { limit: { rate: 3/1h } }
    why: Few messages.
    fix: Wait.
`,
  'schema.yaml': `
apiVersion: sallyport/v1
tags:
  web: { '/talk.name': [pii/name] }
`,
};

describe('WebSocket through the gateway', { timeout: 900_000 }, () => {
  const upgrades: IncomingMessage[] = [];
  const heard: { text: string; binary: boolean }[] = [];
  const codes: number[] = [];
  let server: Server;
  let sockets: WebSocketServer;
  let gateway: Configured;
  let port = 0;
  const tokens = { analyst: '', dba: '' };

  before(async () => {
    server = createServer((_request, response) => response.end('plain'));
    sockets = new WebSocketServer({
      server,
      handleProtocols: (protocols) => (protocols.has('v2') ? 'v2' : false),
    });
    sockets.on('connection', (socket, request) => {
      upgrades.push(request);
      socket.on('error', () => undefined);
      socket.on('close', (code) => codes.push(code));
      socket.on('message', (data: Buffer, binary) => {
        const text = data.toString();
        heard.push({ text, binary });
        if (text === 'bye') socket.close(4001, 'ann.lee@example.com leaves');
        else if (text === 'flood') flood(socket);
        else if (text === 'binary') socket.send(Buffer.from([1, 2, 3]));
        else if (text === 'fragments') fragments(socket);
        else socket.send(data, { binary });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    const first = await freePorts(2);
    port = first + 1;
    gateway = await startConfigured({
      api: first,
      policy,
      text: `
listen: { api: 127.0.0.1:${first}, http: 127.0.0.1:${port} }
policy: ./policy
limits: { messageBytes: 2000000 }
identities:
  - { subject: analyst, kind: human, groups: [analysts] }
  - { subject: dba, kind: human, groups: [dba] }
resources:
  - name: web
    kind: http
    url: http://127.0.0.1:${address.port}/v2
    credentials: { bearer: upstream-secret }
    identityHeader: x-user
    routes: [/talk, { path: /raw, binary: true }, { path: /listen, access: read }]
`,
    });
    for (const who of ['analyst', 'dba'] as const) tokens[who] = await gateway.token(who);
  });

  after(async () => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
    await gateway[Symbol.asyncDispose]();
  });

  const open = (path: string, token: string = tokens.analyst, protocols: string[] = []): WebSocket =>
    new WebSocket(`ws://127.0.0.1:${port}/web${path}`, protocols, {
      headers: { authorization: `Bearer ${token}` },
    });
  const opened = async (...how: Parameters<typeof open>): Promise<WebSocket> => {
    const socket = open(...how);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return socket;
  };
  const next = (socket: WebSocket): Promise<string> =>
    new Promise((resolve, reject) => {
      socket.once('message', (data: Buffer) => resolve(data.toString()));
      socket.once('close', (code, reason) => reject(new Error(`${code} ${reason.toString()}`)));
    });
  const end = (socket: WebSocket): Promise<{ code: number; reason: string }> =>
    new Promise((resolve) => {
      socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  const refused = (socket: WebSocket): Promise<{ status: number; body: string }> =>
    new Promise((resolve) => {
      socket.once('unexpected-response', (_request, response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      });
      socket.on('error', () => undefined);
    });

  test('messages arrive as they were sent, and come back masked', async () => {
    upgrades.length = 0;
    heard.length = 0;
    const socket = await opened('/talk?room=1', tokens.analyst, ['v1', 'v2']);
    assert.equal(socket.protocol, 'v2');
    assert.equal(socket.extensions, '');
    const said = '{"name": "Ann Lee", "n": 1.0, "mail": "ann.lee@example.com"}';
    socket.send(said);
    assert.equal(await next(socket), '{"name": "***", "n": 1.0, "mail": "[EMAIL_ADDRESS]"}');
    socket.send('write to ann.lee@example.com');
    assert.equal(await next(socket), 'write to [EMAIL_ADDRESS]');
    assert.deepEqual(heard[0], { text: said, binary: false });
    const [request] = upgrades;
    assert.equal(request?.url, '/v2/talk?room=1');
    assert.equal(request?.headers.authorization, 'Bearer upstream-secret');
    assert.equal(request?.headers['x-user'], 'analyst');
    assert.equal(request?.headers['sec-websocket-extensions'], undefined);
    assert.ok(!JSON.stringify(request?.rawHeaders).includes(tokens.analyst));
    socket.close(4000);
    await end(socket);
  });

  test('an identity without masks gets the same bytes', async () => {
    const socket = await opened('/talk', tokens.dba);
    socket.send('{"name": "Ann Lee",   "n": 1.0}');
    assert.equal(await next(socket), '{"name": "Ann Lee",   "n": 1.0}');
    socket.terminate();
  });

  test('fragments are one message: a value across two of them is masked', async () => {
    const socket = await opened('/talk');
    socket.send('fragments');
    assert.equal(await next(socket), 'write to [EMAIL_ADDRESS]');
    socket.send('{"a":', { fin: false });
    socket.send('"ann.lee@example.com"}', { fin: true });
    assert.equal(await next(socket), '{"a":"[EMAIL_ADDRESS]"}');
    socket.send('{"dr', { fin: false });
    socket.send('op":1}', { fin: true });
    assert.match((await end(socket)).reason, /no-drops/);
  });

  for (const [what, said] of [
    ['by a rule', '{"drop": 1}'],
    ['by a rule, spelt otherwise', '{"\\u0064rop": 1}'],
    ['that is no JSON', '{"drop": 1,}'],
    ['that names a key twice', '{"a": 1, "a": 2}'],
  ] as const) {
    test(`a message that is refused ${what} does not arrive, and the close says why`, async () => {
      heard.length = 0;
      const socket = await opened('/talk', tokens.dba);
      const closed = end(socket);
      socket.send('first');
      assert.equal(await next(socket), 'first');
      socket.send(said);
      socket.send('after');
      const { code, reason } = await closed;
      assert.equal(code, 1008);
      assert.match(reason, /^(?:RULE web\/no-drops|NOT_UNDERSTOOD) \S+: /);
      assert.deepEqual(
        heard.map(({ text }) => text),
        ['first'],
      );
    });
  }

  test('a message of the resource is judged too', async () => {
    const socket = await opened('/talk', tokens.dba);
    const texts: string[] = [];
    socket.on('message', (data: Buffer) => texts.push(data.toString()));
    socket.send('{"secret": 1}');
    const { code, reason } = await end(socket);
    assert.equal(code, 1008);
    assert.match(reason, /no-secrets/);
    assert.deepEqual(texts, []);
  });

  test('binary messages are refused, both ways, but where the route lets them pass', async () => {
    const socket = await opened('/talk');
    socket.send(Buffer.from([1, 2]));
    assert.match((await end(socket)).reason, /^NOT_UNDERSTOOD/);
    const other = await opened('/talk');
    other.send('binary');
    assert.match((await end(other)).reason, /^NOT_UNDERSTOOD/);
    const raw = await opened('/raw');
    raw.send(Buffer.from([0, 255]));
    assert.equal(Buffer.from(await next(raw)).length > 0, true);
    raw.terminate();
  });

  test('a goodbye is passed on, its reason masked', async () => {
    const socket = await opened('/talk');
    socket.send('bye');
    assert.deepEqual(await end(socket), { code: 4001, reason: '[EMAIL_ADDRESS] leaves' });
    codes.length = 0;
    const other = await opened('/talk');
    other.close(4002, 'a secret reason');
    assert.equal((await end(other)).code, 4002);
    await until(() => codes.includes(4002), 'no code 4002');
  });

  test('pings are answered by the gateway', async () => {
    const socket = await opened('/talk');
    const pong = new Promise<string>((resolve) => socket.once('pong', (data) => resolve(data.toString())));
    socket.ping('x');
    assert.equal(await pong, 'x');
    socket.terminate();
  });

  test('limits: the size of a message, and how many', async () => {
    const socket = await opened('/talk');
    socket.send('a'.repeat(2_000_001));
    assert.equal((await end(socket)).code, 1009);
    const limited = await opened('/limited', tokens.dba);
    for (let at = 0; at < 3; at++) {
      limited.send(`${at}`);
      assert.equal(await next(limited), `${at}`);
    }
    limited.send('more');
    assert.match((await end(limited)).reason, /^LIMIT/);
  });

  test('the request that opens it is judged: no token, a wrong one, a rule, no WebSocket there', async () => {
    upgrades.length = 0;
    assert.equal((await refused(open('/talk', 'wrong'))).status, 401);
    const denied = await refused(open('/closed'));
    assert.equal(denied.status, 403);
    assert.match(denied.body, /web\/nobody/);
    assert.equal(upgrades.length, 0);
  });

  const handshake = (more: readonly string[] = [], first: string = 'GET /web/talk HTTP/1.1'): string =>
    [first, 'Host: a', `Authorization: Bearer ${tokens.dba}`, ...more, '', ''].join('\r\n');
  const websocket = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];
  for (const [what, bytes] of [
    [
      'another protocol',
      () => handshake(['Connection: Upgrade', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']),
    ],
    ['a wrong version', () => handshake(websocket.map((line) => line.replace('13', '12')))],
    ['no key', () => handshake(websocket.slice(0, 3))],
    ['a body', () => handshake([...websocket, 'Content-Length: 5']) + 'GET /'],
    ['chunks', () => handshake([...websocket, 'Transfer-Encoding: chunked']) + '0\r\n\r\n'],
    ['another method', () => handshake(websocket, 'POST /web/talk HTTP/1.1')],
    ['two protocols', () => handshake([...websocket, 'Upgrade: h2c'])],
    ['a refused target', () => handshake(websocket, 'GET /web/../talk HTTP/1.1')],
  ] as const) {
    test(`smuggling by upgrade: ${what} is refused, and what stands behind it is no request`, async () => {
      upgrades.length = 0;
      const answer = await raw(port, `${bytes()}${handshake()}`);
      assert.match(answer, /^HTTP\/1\.1 [45]\d\d /);
      assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1);
      assert.equal(upgrades.length, 0);
    });
  }

  test('a resource that does not change the protocol: what stands behind is no request', async () => {
    const listeners = server.listeners('upgrade');
    server.removeAllListeners('upgrade');
    const answer = await raw(port, handshake(websocket) + handshake());
    for (const each of listeners) server.on('upgrade', each as () => void);
    assert.match(answer, /^HTTP\/1\.1 502 /);
    assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1);
  });

  test('what is no frame, and a frame of permessage-deflate, end it', async () => {
    for (const frame of ['c1', '8f', '01']) {
      const bytes = Buffer.concat([
        Buffer.from(handshake(websocket)),
        Buffer.from(`${frame}8100000000`, 'hex'),
        Buffer.from('a'),
        Buffer.from(frame === '01' ? '818100000000' : '', 'hex'),
      ]);
      const answer = await raw(port, bytes);
      assert.match(answer, /^HTTP\/1\.1 101 /);
    }
  });

  test('a session that is ended ends its WebSocket at once', async () => {
    const socket = await opened('/talk');
    socket.send('hello');
    await next(socket);
    const api = (path: string, method: string): Promise<Response> =>
      fetch(`${gateway.api}/api/v1/sessions${path}`, {
        method,
        headers: { authorization: `Bearer ${tokens.analyst}`, 'content-type': 'application/json' },
        ...(method === 'POST' ? { body: '{}' } : {}),
      });
    const sessions = (await (await api('', 'GET')).json()) as { id: string }[];
    const closed = end(socket);
    const said: string[] = [];
    for (const { id } of sessions) said.push(await (await api(`/${id}/kill`, 'POST')).text());
    assert.ok(
      said.some((one) => one.includes('"session"')),
      said.join('\n'),
    );
    const { code } = await closed;
    assert.ok(code === 1008 || code === 1006, String(code));
  });

  test('who does not read stops the resource', async () => {
    const socket = await opened('/listen', tokens.dba);
    socket.pause();
    flooded = 0;
    socket.send('flood');
    await until(() => flooded > 0, 'nothing is sent');
    await steady(() => flooded, 2_000);
    assert.ok(flooded < 60_000_000, String(flooded));
    socket.terminate();
  });
});

let flooded = 0;

/** Sends 200 MB, as fast as the other side takes them. */
function flood(socket: WebSocket): void {
  const chunk = 'x'.repeat(100_000);
  const more = (): void => {
    if (flooded > 200_000_000 || socket.readyState !== WebSocket.OPEN) return;
    socket.send(chunk, (error) => {
      if (error instanceof Error) return;
      flooded += chunk.length;
      setImmediate(more);
    });
  };
  more();
}

function fragments(socket: WebSocket): void {
  socket.send('write to ann.l', { fin: false });
  socket.send('ee@example.com', { fin: true });
}

function raw(port: number, bytes: string | Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
    socket.write(bytes);
  });
}
