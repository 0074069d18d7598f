import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts } from './harness/place.ts';

const customer = {
  id: 1,
  name: 'Ann Lee',
  email: 'ann.lee@example.com',
  ssn: 219_099_999,
  address: { street: '1 Main St', zip: 94_110 },
  notes: 'call +1 415 555 2671 or pay 4111 1111 1111 1111',
  inner: JSON.stringify({ email: 'x@example.org' }),
};

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
  - id: write
    effect: allow
    match: { resource: { kind: http }, identity: { groups: [dba] }, access: write }
    why: The database team may write.
    fix: Ask one of them.
  - id: no-roles
    effect: deny
    match: { resource: { kind: http } }
    when: 'action.inspected && "role" in action.fields || "dropAll" in action.selects'
    why: Nobody gives roles this way.
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
    then: { mask: [{ tag: pii/*, with: redact }, { find: '*', with: redact }] }
    why: Personal data is masked.
    fix: Use ids.
`,
  'schema.yaml': `
apiVersion: sallyport/v1
tags:
  web: { '/customers/{id}.name': [pii/name], '*.address': [pii/address] }
`,
};

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

describe('a web service through the gateway', () => {
  const seen: Seen[] = [];
  let server: Server;
  let gateway: Configured;
  let port = 0;
  const tokens = { analyst: '', dba: '' };

  before(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
        answer(new URL(request.url ?? '/', 'http://x'), body, response);
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
identities:
  - { subject: analyst, kind: human, groups: [analysts] }
  - { subject: dba, kind: human, groups: [dba] }
resources:
  - name: web
    kind: http
    url: http://127.0.0.1:${address.port}/v2
    credentials: { bearer: upstream-secret }
    identityHeader: x-user
    routes: ['/customers/{id}']
    hosts: [web.test]
    uninspected: [image/*]
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

  interface Init {
    readonly method?: string;
    readonly body?: string | Uint8Array<ArrayBuffer>;
    readonly headers?: Readonly<Record<string, string>>;
  }

  const ask = (path: string, init: Init = {}, token: string = tokens.analyst): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}/web${path}`, {
      redirect: 'manual',
      ...init,
      headers: { authorization: `Bearer ${token}`, ...init.headers },
    });

  for (const coding of ['', 'gzip', 'br', 'zstd']) {
    test(`JSON is masked by path and by what is found ${coding}`, async () => {
      const answered = await ask(`/customers/1?coding=${coding}`);
      assert.equal(answered.status, 200);
      assert.equal(answered.headers.get('etag'), null);
      assert.match(answered.headers.get('cache-control') ?? '', /no-store/);
      assert.deepEqual(await answered.json(), {
        id: 1,
        name: '***',
        email: '[EMAIL_ADDRESS]',
        ssn: 100_000_000,
        address: { street: '***', zip: 10_000 },
        notes: 'call [PHONE_NUMBER] or pay [CREDIT_CARD]',
        inner: '{"email":"[EMAIL_ADDRESS]"}',
      });
    });
  }

  test('what is not masked is the same bytes', async () => {
    const answered = await ask('/customers/1', {}, tokens.dba);
    assert.equal(await answered.text(), JSON.stringify(customer));
    assert.equal(answered.headers.get('etag'), '"1"');
    assert.match(answered.headers.get('cache-control') ?? '', /^private/);
  });

  test("the resource gets its own credential and never the client's", async () => {
    seen.length = 0;
    await ask('/customers/1', {
      headers: { 'x-user': 'root', 'x-forwarded-for': '1.2.3.4', cookie: 'a=1; sallyport_session=x' },
    });
    const [request] = seen;
    assert.equal(request?.url, '/v2/customers/1');
    assert.equal(request?.headers.authorization, 'Bearer upstream-secret');
    assert.equal(request?.headers['x-user'], 'analyst');
    assert.equal(request?.headers['x-forwarded-for'], undefined);
    assert.equal(request?.headers.cookie, 'a=1');
    assert.ok(!JSON.stringify(seen).includes(tokens.analyst));
  });

  test('a body that repeats the credential of the gateway has stars for it', async () => {
    for (const [name, token] of Object.entries(tokens))
      for (const coding of ['', 'gzip', 'br', 'zstd']) {
        const answered = await ask(`/whoami?coding=${coding}`, {}, token);
        assert.equal(
          await answered.text(),
          'you said Bearer ***************, thank you',
          `${name} ${coding}`,
        );
        assert.equal(answered.headers.get('content-encoding'), null);
      }
  });

  test('a refusal is a problem with the denial, and nothing of it arrives', async () => {
    seen.length = 0;
    const answered = await ask('/customers', {
      method: 'POST',
      body: '{"a":1}',
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(answered.status, 403);
    assert.equal(answered.headers.get('content-type'), 'application/problem+json');
    const { denial } = (await answered.json()) as { denial: { class: string; at: string; fix: string[] } };
    assert.equal(denial.class, 'NO_ALLOW_RULE');
    assert.match(denial.at, /^modules\/web\.policy\.yaml:\d+:\d+$/);
    assert.equal(seen.length, 0);
  });

  test('rules see the paths of a JSON body', async () => {
    const post = (body: object): Promise<Response> =>
      ask(
        '/users',
        { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
        tokens.dba,
      );
    assert.equal((await post({ name: 'x' })).status, 200);
    assert.equal((await post({ name: 'x', role: 'admin' })).status, 403);
    assert.equal((await post({ name: 'x', ['\u0072ole']: 'admin' })).status, 403);
  });

  test('a GraphQL mutation is a write, by whatever method and name it comes', async () => {
    const query = (text: string, token: string): Promise<Response> =>
      ask(
        '/graphql',
        {
          method: 'POST',
          body: JSON.stringify({ query: text }),
          headers: { 'content-type': 'application/json' },
        },
        token,
      );
    assert.equal((await query('{ customers { id } }', tokens.analyst)).status, 200);
    assert.equal((await query('mutation { rename(id: 1) { id } }', tokens.analyst)).status, 403);
    assert.equal((await query('mutation { x: dropAll }', tokens.dba)).status, 403);
    assert.equal((await query('mutation { ...f } fragment f on M { dropAll }', tokens.dba)).status, 403);
    assert.equal((await ask('/graphql?query=mutation%7Brename%7D')).status, 403);
    assert.equal(
      (
        await ask('/graphql', {
          method: 'POST',
          body: '{"id":"stored"}',
          headers: { 'content-type': 'application/json' },
        })
      ).status,
      400,
    );
  });

  test('server-sent events are masked one by one, as they come', async () => {
    const answered = await ask('/events');
    const text = await answered.text();
    assert.equal(
      text,
      'data: {"n":0,"mail":"[EMAIL_ADDRESS]"}\n\ndata: {"n":1,"mail":"[EMAIL_ADDRESS]"}\n\ndata: [DONE]\n\n',
    );
  });

  test('lines of JSON are masked one by one', async () => {
    assert.equal(await (await ask('/lines')).text(), '{"mail":"[EMAIL_ADDRESS]"}\n{"n":2}\n');
  });

  test('what cannot be looked into is withheld, unless the configuration lets it pass', async () => {
    assert.equal((await ask('/binary')).status, 403);
    assert.equal((await ask('/latin1')).status, 403);
    assert.equal((await ask('/notjson')).status, 403);
    assert.equal((await ask('/image')).status, 200);
    assert.equal((await ask('/binary', {}, tokens.dba)).status, 200);
  });

  test('redirects of the service to itself stay behind the gateway', async () => {
    const answered = await ask('/redirect');
    assert.equal(answered.status, 302);
    assert.equal(answered.headers.get('location'), '/web/customers/1');
  });

  test('a large body streams through, and HEAD has none', async () => {
    const big = Buffer.alloc(20_000_000, 0x61);
    const answered = await ask(
      '/echo',
      { method: 'POST', body: big, headers: { 'content-type': 'application/octet-stream' } },
      tokens.dba,
    );
    assert.equal((await answered.arrayBuffer()).byteLength, big.length);
    const head = await ask('/customers/1', { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(await head.text(), '');
  });

  test('without a token, with a wrong one, for no resource', async () => {
    const plain = await fetch(`http://127.0.0.1:${port}/web/customers/1`);
    assert.equal(plain.status, 401);
    assert.match(plain.headers.get('www-authenticate') ?? '', /^Bearer /);
    assert.equal((await ask('/customers/1', {}, 'wrong')).status, 401);
    const other = await fetch(`http://127.0.0.1:${port}/none`, {
      headers: { authorization: `Bearer ${tokens.dba}` },
    });
    assert.equal(other.status, 404);
  });

  test('a host can name the resource', async () => {
    const answer = await raw(
      `GET /customers/1 HTTP/1.1\r\nHost: web.test\r\nAuthorization: Bearer ${tokens.dba}\r\nConnection: close\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 200 /);
  });

  // Smuggling and paths that two programs read differently: nothing of it may arrive.
  for (const [name, head] of [
    [
      'length and chunks',
      'POST /web/x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['two lengths', 'POST /web/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['a signed length', 'POST /web/x HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na'],
    ['another coding', 'POST /web/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
    [
      'chunked not last',
      'POST /web/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
    ],
    ['space before a colon', 'GET /web/x HTTP/1.1\r\nHost: a\r\nX-A : b\r\n\r\n'],
    ['a folded line', 'GET /web/x HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n'],
    ['a bare line feed', 'GET /web/x HTTP/1.1\nHost: a\n\n'],
    ['two hosts', 'GET /web/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
    ['no host', 'GET /web/x HTTP/1.1\r\n\r\n'],
    ['dot segments', 'GET /web/../other HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['encoded slash', 'GET /web/a%2fb HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['absolute form', 'GET http://other/web/x HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['TRACE', 'TRACE /web/x HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['CONNECT', 'CONNECT other:80 HTTP/1.1\r\nHost: other:80\r\n\r\n'],
    ['an upgrade', 'GET /web/x HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n'],
    ['a method override', 'GET /web/x HTTP/1.1\r\nHost: a\r\nX-HTTP-Method-Override: DELETE\r\n\r\n'],
  ] as const) {
    test(`refused: ${name}`, async () => {
      seen.length = 0;
      const answer = await raw(
        head.replace('\r\nHost: a', `\r\nAuthorization: Bearer ${tokens.dba}\r\nHost: a`),
      );
      assert.ok(answer === '' || /^HTTP\/1\.1 [45]\d\d /.test(answer), answer.slice(0, 80));
      assert.deepEqual(seen, []);
    });
  }

  test('HTTP/2 without TLS', async () => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const stream = session.request({
      ':path': '/web/customers/1',
      authorization: `Bearer ${tokens.analyst}`,
    });
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    await new Promise((resolve, reject) => stream.once('end', resolve).once('error', reject));
    session.close();
    assert.equal((JSON.parse(text) as { name: string }).name, '***');
  });

  test('the record has what was asked and decided, and no secret', async () => {
    const log = gateway.log();
    assert.ok(!log.includes(tokens.analyst) && !log.includes('upstream-secret') && !log.includes('ann.lee@'));
    const answered = await fetch(`${gateway.api}/api/v1/sessions/last`, {
      headers: { authorization: `Bearer ${tokens.dba}` },
    });
    assert.ok(answered.status === 200 || answered.status === 403);
  });

  function raw(text: string): Promise<string> {
    return new Promise((resolve) => {
      let answer = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(text));
      const timer = setTimeout(() => socket.destroy(), 60_000);
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        answer += chunk;
        if (answer.includes('\r\n\r\n')) socket.end();
      });
      socket.on('error', () => undefined);
      socket.once('close', () => {
        clearTimeout(timer);
        resolve(answer);
      });
    });
  }
});

function answer(url: URL, body: string, response: import('node:http').ServerResponse): void {
  const path = url.pathname.replace(/^\/v2/, '');
  const say = (type: string, bytes: string | Uint8Array): void => {
    response.setHeader('content-type', type);
    response.end(bytes);
  };
  switch (path) {
    case '/customers/1': {
      const text = JSON.stringify(customer);
      response.setHeader('etag', '"1"');
      const coding = url.searchParams.get('coding') ?? '';
      const coded = { gzip: gzipSync, br: brotliCompressSync, zstd: zstdCompressSync }[coding];
      if (coded !== undefined) response.setHeader('content-encoding', coding);
      return say('application/json', coded === undefined ? text : coded(text));
    }
    case '/events':
      response.setHeader('content-type', 'text/event-stream');
      response.write('data: {"n":0,"mail":"a@exam');
      return void setTimeout(
        () => response.end('ple.com"}\r\n\r\ndata: {"n":1,"mail":"b@example.com"}\n\ndata: [DONE]\n\n'),
        20,
      );
    case '/lines':
      return say('application/x-ndjson', '{"mail":"a@example.com"}\n{"n":2}\n');
    case '/binary':
      return say('application/octet-stream', Buffer.from([1, 2, 3]));
    case '/latin1':
      return say('text/plain; charset=iso-8859-1', 'a@example.com');
    case '/notjson':
      return say('application/json', '{"a": a@example.com}');
    case '/image':
      return say('image/png', Buffer.from([1, 2, 3]));
    case '/redirect':
      response.writeHead(302, { location: `http://${response.req.headers.host ?? ''}/v2/customers/1` });
      response.end();
      return;
    case '/whoami': {
      const text = `you said ${response.req.headers.authorization ?? ''}, thank you`;
      const coding = url.searchParams.get('coding') ?? '';
      const coded = { gzip: gzipSync, br: brotliCompressSync, zstd: zstdCompressSync }[coding];
      if (coded !== undefined) response.setHeader('content-encoding', coding);
      return say('text/plain', coded === undefined ? text : coded(text));
    }
    case '/echo':
      return say('application/octet-stream', body);
    default:
      return say('application/json', JSON.stringify({ ok: true }));
  }
}
