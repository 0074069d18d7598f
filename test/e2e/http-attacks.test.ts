import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
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
  - id: all
    effect: allow
    match: { resource: { kind: http }, access: [read, write] }
    why: Everybody may.
    fix: Ask.
  - id: not-admin
    effect: deny
    match: { resource: { kind: http } }
    when: 'action.host == "admin.test" || "role" in action.fields || "drop" in action.selects'
    why: Nobody may do this.
    fix: Leave it out.
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
    then: { mask: [{ find: '*', with: redact }] }
    why: Personal data is masked.
    fix: Use ids.
`,
};

describe('attacks on a web service behind the gateway', () => {
  const seen: {
    readonly line: string;
    readonly headers: IncomingMessage['headers'];
    readonly body: string;
  }[] = [];
  let server: Server;
  let gateway: Configured;
  let port = 0;
  const tokens = { analyst: '', dba: '' };

  before(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('error', () => undefined);
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        seen.push({ line: `${request.method ?? ''} ${request.url ?? ''}`, headers: request.headers, body });
        answer(request, response);
      });
    });
    server.keepAliveTimeout = 100;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    const first = await freePorts(2);
    port = first + 1;
    const one = (name: string, hosts: string): string => `
  - name: ${name}
    kind: http
    url: http://127.0.0.1:${address.port}
    credentials: { bearer: upstream-secret }
    identityHeader: x-user
    hosts: [${hosts}]`;
    gateway = await startConfigured({
      api: first,
      policy,
      text: `
listen: { api: 127.0.0.1:${first}, http: 127.0.0.1:${port} }
policy: ./policy
identities:
  - { subject: analyst, kind: human, groups: [analysts] }
  - { subject: dba, kind: human, groups: [dba] }
limits: { messageBytes: 1000000 }
resources:${one('web', 'web.test, admin.test')}${one('other', 'other.test')}
`,
    });
    tokens.analyst = await gateway.token('analyst');
    tokens.dba = await gateway.token('dba');
  });

  after(async () => {
    await gateway[Symbol.asyncDispose]();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const ask = (
    path: string,
    init: Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> } = {},
    token: string = tokens.analyst,
  ): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}/web${path}`, {
      redirect: 'manual',
      ...init,
      headers: { authorization: `Bearer ${token}`, ...init.headers },
    });
  const said = async (path: string): Promise<string> => (await ask(path)).text();
  const head = (line: string, ...fields: readonly string[]): string =>
    [`${line} HTTP/1.1`, 'Host: a', ...fields, '', ''].join('\r\n');
  const bearer = (token: string = tokens.dba): string => `Authorization: Bearer ${token}`;

  test('HTTP/2 names its host in :authority, and cannot name two', async () => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const status = (fields: Record<string, string>): Promise<number> =>
      new Promise((resolve) => {
        const stream = session.request({ ':path': '/x', authorization: `Bearer ${tokens.dba}`, ...fields });
        stream.on('error', () => resolve(0));
        stream.once('response', (headers) => resolve(Number(headers[':status'])));
        stream.resume();
      });
    assert.equal(await status({ ':authority': 'web.test' }), 200);
    assert.equal(await status({ ':authority': 'admin.test' }), 403);
    assert.equal(await status({ ':authority': 'web.test', host: 'admin.test' }), 400);
    session.close();
  });

  test('two tokens that differ are refused, wherever they stand', async () => {
    seen.length = 0;
    for (const more of [`X-Api-Key: ${tokens.analyst}`, `Authorization: Bearer ${tokens.analyst}`]) {
      assert.match(await raw(head('GET /web/x', bearer(), more)), /^HTTP\/1\.1 4/);
    }
    assert.deepEqual(seen, []);
    assert.match(await raw(head('GET /web/x', bearer(), `X-Api-Key: ${tokens.dba}`)), /^HTTP\/1\.1 200/);
  });

  test('a token is no cookie', async () => {
    seen.length = 0;
    assert.match(await raw(head('GET /web/x', `Cookie: sallyport_session=${tokens.dba}`)), /^HTTP\/1\.1 401/);
    assert.deepEqual(seen, []);
  });

  test('no spelling brings a token or a false identity to the resource', async () => {
    seen.length = 0;
    await raw(
      head(
        'GET /web/x',
        bearer(),
        `Cookie: sallyport_session =${tokens.dba}; a=1; __Host-sallyport_session=x`,
        'X_User: root',
        'X-User: root',
      ),
    );
    assert.equal(seen.length, 1);
    assert.ok(!JSON.stringify(seen).includes(tokens.dba));
    assert.equal(seen[0]?.headers.cookie, 'a=1');
    assert.equal(seen[0]?.headers['x_user'], undefined);
    assert.equal(seen[0]?.headers['x-user'], 'dba');
  });

  test('a cookie of one resource is not sent to another', async () => {
    const answered = await ask('/cookies');
    const [id = '', ...others] = answered.headers.getSetCookie();
    assert.match(id, /^id=sallyport1\.[\w-]+; Path=\/web; HttpOnly$/);
    assert.deepEqual(others, ['mail=[EMAIL_ADDRESS]; Path=/web']);
    // In whoever else's jar it lies, it is nothing.
    const [cookie = ''] = id.split(';');
    const sent = async (path: string, token: string): Promise<unknown> => {
      seen.length = 0;
      await fetch(`http://127.0.0.1:${port}${path}`, {
        headers: { authorization: `Bearer ${token}`, cookie: `a=1; ${cookie}` },
      });
      return seen[0]?.headers.cookie;
    };
    assert.equal(await sent('/web/x', tokens.analyst), 'a=1; id=1');
    assert.equal(await sent('/web/x', tokens.dba), 'a=1');
    assert.equal(await sent('/other/x', tokens.analyst), 'a=1');
  });

  test('requests that were sent ahead are served in their order', async () => {
    seen.length = 0;
    const answered = await raw(
      head('GET /web/slow', bearer()) +
        head('DELETE /web/2', bearer()) +
        head('GET /web/3', bearer(), 'Connection: close'),
      { untilClosed: true },
    );
    assert.equal(answered.match(/HTTP\/1\.1 200/g)?.length, 3);
    assert.deepEqual(seen.map(({ line }) => line), ['GET /slow', 'DELETE /2', 'GET /3']); // prettier-ignore
  });

  test('what is judged is what arrives: keys given twice, other types, coded bodies', async () => {
    seen.length = 0;
    const post = async (
      path: string,
      type: string,
      body: string,
      more: Record<string, string> = {},
    ): Promise<number> =>
      (await ask(path, { method: 'POST', body, headers: { 'content-type': type, ...more } })).status;
    const twice = '{"query":"mutation{drop}","query":"{a}"}';
    assert.equal(await post('/graphql', 'application/json', twice), 400);
    assert.equal(await post('/x', 'application/json', '{"role":1,"\\u0072ole":2}'), 400);
    assert.equal(await post('/x', 'text/plain', '{"role":1}'), 403);
    assert.equal(await post('/x', 'application/x-www-form-urlencoded', 'a=1&r%6Fle=admin'), 403);
    assert.equal(await post('/x', 'application/json', '{}', { 'content-encoding': 'gzip' }), 400);
    assert.deepEqual(seen, []);
  });

  test('a body that is too long is answered, and the next request too', async () => {
    const chunk = `${(600_000).toString(16)}\r\n${' '.repeat(600_000)}\r\n`;
    const type = 'Content-Type: application/json';
    const answered = await raw(
      head('POST /web/x', bearer(), type, 'Transfer-Encoding: chunked') + chunk + chunk,
    );
    assert.match(answered, /^HTTP\/1\.1 413/);
  });

  test('a resource that closes kept connections costs no answer', async () => {
    for (let round = 0; round < 5; round++) {
      assert.equal((await ask('/x')).status, 200);
      await sleep(95 + round * 4);
    }
  });

  test('a resource that dies, lies about its length or changes the protocol', async () => {
    assert.equal((await ask('/dies')).status, 502);
    assert.equal((await ask('/short')).status, 502);
    await assert.rejects(ask('/short', {}, tokens.dba).then((answered) => answered.text()));
    assert.equal((await ask('/upgrade')).status, 502);
    assert.equal((await ask('/x')).status, 200);
  });

  for (const [what, path, wanted] of [
    ['references in markup', '/html', '<p>[EMAIL_ADDRESS] [EMAIL_ADDRESS] [CREDIT_CARD]</p>'],
    ['percent-encoded addresses in JSON', '/percent', '{"next":"/x?mail=[EMAIL_ADDRESS]"}'],
    [
      'names and ids of events',
      '/events',
      'event: [EMAIL_ADDRESS]\nid: [EMAIL_ADDRESS]\ndata: [EMAIL_ADDRESS]\n\n',
    ],
    ['parts', '/multipart', '--b\r\n\r\n[EMAIL_ADDRESS]\r\n--b--\r\n'],
    ['a text that comes in pieces', '/text', 'write to [EMAIL_ADDRESS] today, please'],
    ['lines without an end', '/lines', '{"a":1}\n{"m":"[EMAIL_ADDRESS]"}'],
    ['a form without anything to hide, byte for byte', '/form', 'a=%41&b=+x&c'],
  ] as const) {
    test(`masked: ${what}`, async () => {
      assert.equal(await said(path), wanted);
    });
  }

  for (const path of ['/utf16', '/utf16be', '/utf7', '/twice', '/types', '/quoted', '/html-utf16']) {
    test(`withheld: ${path}`, async () => {
      const answered = await ask(path).catch(() => undefined);
      const text = await answered?.text().catch(() => '');
      assert.ok(!(text ?? '').replaceAll('\0', '').includes('@example.com'));
      assert.ok(answered === undefined || answered.status === 403, String(answered?.status));
    });
  }

  test('headers are masked, encoded or not', async () => {
    const answered = await ask('/headers');
    assert.equal(answered.headers.get('x-note'), 'from [EMAIL_ADDRESS]');
    assert.ok(!(answered.headers.get('link') ?? '').includes('example.com'));
    assert.ok(!(answered.headers.get('location') ?? '').includes('example.com'));
  });

  test('who stops reading stops the resource, and memory stays flat', async () => {
    const socket = await open(head('GET /web/endless', bearer()));
    socket.pause();
    await until(() => endless.bytes > 0, 'nothing is asked of the resource');
    const sent = await steady(() => endless.bytes);
    assert.ok(sent < 32 * 1_048_576, `${sent} bytes are held`);
    socket.destroy();
    await until(() => endless.closed, 'the connection to the resource stays');
  });

  test('a stop lets an answer end', async () => {
    const socket = await open(head('GET /web/slowly', bearer()));
    let text = '';
    socket.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await until(() => begun.slowly, 'the resource is not asked');
    const stopped = gateway.stop('SIGTERM');
    await closed;
    assert.match(text, /the end/);
    assert.equal(await stopped, 0);
  });

  function open(text: string): Promise<Socket> {
    return new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write(text);
        resolve(socket);
      });
      socket.on('error', () => undefined);
    });
  }

  async function raw(text: string, { untilClosed = false } = {}): Promise<string> {
    const socket = await open(text);
    let answered = '';
    const timer = setTimeout(() => socket.destroy(), 60_000);
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      answered += chunk;
      if (!untilClosed && answered.includes('\r\n\r\n')) socket.end();
    });
    await new Promise((resolve) => socket.once('close', resolve));
    clearTimeout(timer);
    return answered;
  }
});

const endless = { bytes: 0, closed: false };
const begun = { slowly: false };

function answer(request: IncomingMessage, response: ServerResponse): void {
  const say = (type: string, bytes: string | Buffer): void => {
    response.setHeader('content-type', type);
    response.end(bytes);
  };
  switch ((request.url ?? '').split('?')[0]) {
    case '/cookies':
      response.setHeader('set-cookie', [
        'id=1; Path=/; Domain=internal.test; HttpOnly',
        '=sallyport_session=x',
        'sallyport_session =x',
        'mail=a%40example.com',
      ]);
      return say('application/json', '{}');
    case '/slow':
      return void setTimeout(() => say('application/json', '{}'), 100);
    case '/dies':
      request.socket.destroy();
      return;
    case '/short':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"a":1');
      return void setTimeout(() => request.socket.destroy(), 20);
    case '/upgrade':
      request.socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
      return;
    case '/html':
      return say(
        'text/html; charset=utf-8',
        '<p>a@example.com b&#64;example.com 4111&nbsp;1111&nbsp;1111&nbsp;1111</p>',
      );
    case '/percent':
      return say('application/json', '{"next":"/x?mail=a%40example.com"}');
    case '/events':
      return say(
        'text/event-stream',
        'event: a@example.com\nid: b@example.com\nretry: c@example.com\ndata: d@example.com\n\n',
      );
    case '/text':
      response.setHeader('content-type', 'text/plain');
      response.write('write to a@exam');
      return void setTimeout(() => response.end('ple.com today, please'), 30);
    case '/lines':
      return say('application/x-ndjson', '{"a":1}\n{"m":"a@example.com"}');
    case '/form':
      return say('application/x-www-form-urlencoded', 'a=%41&b=+x&c');
    case '/utf16':
      return say('text/plain', Buffer.from('\ufeffa@example.com', 'utf16le'));
    case '/utf16be':
      return say('text/plain', Buffer.from('a@example.com', 'utf16le').swap16());
    case '/html-utf16':
      return say('text/html', Buffer.from('a@example.com', 'utf16le'));
    case '/utf7':
      return say('text/plain; charset=utf-7', 'a+AEA-example.com a@example.com');
    case '/quoted':
      return say('text/plain; charset = "utf-16"', 'a@example.com');
    case '/twice':
      response.setHeader('content-encoding', 'gzip, br');
      return say('application/json', '{}');
    case '/types':
      response.setHeader('content-type', ['application/json', 'text/plain']);
      response.end('{"a":"x"}');
      return;
    case '/multipart':
      return say('multipart/mixed; boundary=b', '--b\r\n\r\na@example.com\r\n--b--');
    case '/headers':
      response.setHeader('x-note', 'from a@example.com');
      response.setHeader('link', '</x?m=a%40example.com>; rel=next');
      response.setHeader('location', '/x?m=a%40example.com');
      return say('application/json', '{}');
    case '/slowly':
      response.setHeader('content-type', 'application/octet-stream');
      response.write('begin ');
      begun.slowly = true;
      return void setTimeout(() => response.end('the end'), 600);
    case '/endless': {
      response.setHeader('content-type', 'application/octet-stream');
      response.on('close', () => (endless.closed = true));
      const piece = Buffer.alloc(65_536);
      const go = (): void => {
        while (!response.destroyed) {
          endless.bytes += piece.length;
          if (!response.write(piece)) return void response.once('drain', go);
        }
      };
      return go();
    }
    default:
      return say('application/json', JSON.stringify({ ok: true }));
  }
}
