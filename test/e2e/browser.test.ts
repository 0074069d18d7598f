import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { inBrowser, type Tab } from './harness/browser.ts';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { needs } from './harness/needs.ts';
import { freePorts } from './harness/place.ts';

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers:
  - { name: web, role: grant, use: [{ module: web }] }
record: full
`,
  'modules/web.policy.yaml': `
apiVersion: sallyport/v1
module: web
about: Who may use the service.
owner: team:platform
rules:
  - id: use
    effect: allow
    match: { resource: { kind: http } }
    why: Everybody may.
    fix: Ask.
  - id: own
    effect: allow
    match: { resource: { name: sallyport }, identity: { groups: [admins] } }
    why: Administrators see and end sessions.
    fix: Ask.
`,
};

const page = 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8';
const navigation = { accept: page, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

describe('a browser at a web service through the gateway', () => {
  const seen: { method: string; url: string; headers: IncomingMessage['headers'] }[] = [];
  let server: Server;
  let gateway: Configured;
  let port = 0;
  let tokens: Readonly<Record<'ana' | 'bob' | 'admin', string>>;

  before(async () => {
    server = createServer((request, response) => {
      seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
      request.resume();
      response.setHeader('set-cookie', [
        'own=1; Path=/; Domain=127.0.0.1',
        '__Host-sallyport_session=stolen; Path=/; Secure',
        '__HOST-Sallyport_Session=stolen; Path=/; Secure',
        'sallyport_session=stolen',
        '=__Host-sallyport_session=stolen',
      ]);
      response.setHeader('clear-site-data', '"*"');
      response.setHeader('service-worker-allowed', '/');
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.end(`<!doctype html><title>Shop</title><h1>Hello ${request.url ?? ''}</h1>`);
    });
    new WebSocketServer({ server }).on('connection', (socket) => {
      socket.on('message', (bytes) => socket.send(bytes));
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
browsers: { idle: 20m, longest: 2h }
identities:
  - { subject: ana, kind: human, groups: [analysts] }
  - { subject: bob, kind: human, groups: [analysts] }
  - { subject: admin, kind: human, groups: [admins] }
resources:
  - { name: web, kind: http, url: 'http://127.0.0.1:${address.port}', hosts: [web.test] }
`,
    });
    tokens = {
      ana: await gateway.token('ana'),
      bob: await gateway.token('bob'),
      admin: await gateway.token('admin'),
    };
  });

  after(async () => {
    await gateway[Symbol.asyncDispose]();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  interface Init {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly host?: string;
  }

  const ask = (path: string, { method = 'GET', headers = {}, body, host }: Init = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const request = httpsRequest(
        {
          host: '127.0.0.1',
          port,
          path,
          method,
          rejectUnauthorized: false,
          agent: false,
          headers: { host: host ?? `127.0.0.1:${port}`, ...headers },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
          );
        },
      );
      request.on('error', reject);
      request.end(body);
    });

  const origin = (): string => `https://127.0.0.1:${port}`;

  const send = (fields: Readonly<Record<string, string>>, headers: Init['headers'] = {}): Promise<Answer> =>
    ask('/.sallyport/sign-in', {
      method: 'POST',
      headers: {
        origin: origin(),
        'sec-fetch-site': 'same-origin',
        'content-type': 'application/x-www-form-urlencoded',
        ...headers,
      },
      body: new URLSearchParams({ way: 'token', ...fields }).toString(),
    });

  const cookieOf = ({ headers }: Answer): string => (headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '';

  const signIn = async (name: 'ana' | 'bob' | 'admin' = 'ana'): Promise<string> => {
    const answer = await send({ to: '/web/', name, token: tokens[name] });
    assert.equal(answer.status, 303);
    return cookieOf(answer);
  };

  const entries = async (kind: string): Promise<readonly Readonly<Record<string, unknown>>[]> => {
    const answer = await fetch(`${gateway.api}/api/v1/entries?kind=${kind}`, {
      headers: { authorization: `Bearer ${tokens.admin}` },
    });
    assert.equal(answer.status, 200);
    return (await answer.json()) as Readonly<Record<string, unknown>>[];
  };

  const here = { 'sec-fetch-site': 'same-origin' };

  test('a navigation without a token goes to the sign-in page; whatever else has none is told 401 with a challenge', async () => {
    const sent = await ask('/web/a?b=1&c=%20', { headers: { ...navigation, 'sec-fetch-site': 'none' } });
    assert.equal(sent.status, 303);
    assert.equal(sent.headers.location, '/.sallyport/sign-in?to=%2Fweb%2Fa%3Fb%3D1%26c%3D%2520');
    assert.match(sent.headers['cache-control'] ?? '', /no-store/);
    seen.length = 0; // the gateway has looked whether the service is there
    const others: readonly Init[] = [
      {},
      { headers: { accept: '*/*' } },
      { headers: { accept: 'application/json' } },
      { method: 'POST', headers: navigation },
      { headers: { ...navigation, 'sec-fetch-mode': 'cors' } },
      { headers: { ...navigation, 'sec-fetch-dest': 'iframe' } },
      { headers: { ...navigation, authorization: 'Digest x' } },
    ];
    for (const init of others) {
      const told = await ask('/web/a', init);
      assert.equal(told.status, 401, JSON.stringify(init));
      assert.match(told.headers['www-authenticate'] ?? '', /^Bearer /);
    }
    assert.equal(seen.length, 0);
  });

  test('the page runs nothing, is framed by nobody, kept by nobody, and shows what it is given as text', async () => {
    const evil = '/web/"><script>alert(1)</script>';
    for (const to of ['/web/x', evil, `/web/${encodeURIComponent('"><script>')}`]) {
      const { status, headers, body } = await ask(`/.sallyport/sign-in?to=${encodeURIComponent(to)}`);
      assert.equal(status, 200);
      const csp = String(headers['content-security-policy']);
      assert.match(csp, /default-src 'none'/);
      assert.match(csp, /frame-ancestors 'none'/);
      assert.match(csp, /form-action 'self'/);
      assert.match(csp, /base-uri 'none'/);
      assert.ok(!/unsafe|script-src/.test(csp));
      assert.equal(headers['x-frame-options'], 'DENY');
      assert.equal(headers['cache-control'], 'no-store');
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['cross-origin-opener-policy'], 'same-origin');
      assert.ok(!/<script/i.test(body));
    }
  });

  test('whoever signs in gets a cookie that says nothing, and is sent back', async () => {
    const answer = await send({ to: '/web/a?b=1', name: 'ana', token: tokens.ana });
    assert.equal(answer.status, 303);
    assert.equal(answer.headers.location, '/web/a?b=1');
    const [cookie = ''] = answer.headers['set-cookie'] ?? [];
    assert.match(cookie, /^__Host-sallyport_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure$/);
    assert.ok(!cookie.includes(tokens.ana.slice(0, 20)));
    seen.length = 0;
    const got = await ask('/web/a', { headers: { cookie: `a=1; ${cookieOf(answer)}; b=2`, ...here } });
    assert.equal(got.status, 200);
    assert.equal(seen.length, 1);
    assert.equal(seen[0]?.headers.cookie, 'a=1; b=2', 'the cookie of the gateway went to the service');
    assert.equal(seen[0]?.headers.authorization, undefined);
    assert.deepEqual(
      got.headers['set-cookie'],
      ['own=1; Path=/web'],
      'a service set the cookie of the gateway',
    );
    assert.equal(got.headers['clear-site-data'], undefined);
    assert.equal(got.headers['service-worker-allowed'], undefined);
  });

  test('nobody is sent to another site', async () => {
    const away = [
      'https://evil.example/',
      '//evil.example/',
      '/\\evil.example',
      '\\\\evil.example',
      '/%5cevil.example',
      '/\t/evil.example',
      '/\n/evil.example',
      'javascript:alert(1)',
      '/web/../../evil',
      '/.sallyport/sign-out',
      '/web@evil.example:x//y',
      `/${'a'.repeat(5_000)}`,
    ];
    for (const to of away) {
      const { status, headers } = await send({ to, name: 'ana', token: tokens.ana });
      assert.equal(status, 303);
      assert.equal(headers.location, '/.sallyport/sign-in', to);
    }
  });

  test('the cookie counts only where no other site can have made the request', async () => {
    const cookie = await signIn();
    seen.length = 0;
    const refused: readonly Init[] = [
      { headers: { origin: 'https://evil.example' } },
      { headers: { origin: 'null', 'sec-fetch-site': 'same-origin' } },
      { headers: { 'sec-fetch-site': 'cross-site' } },
      { headers: { 'sec-fetch-site': 'same-site' } },
      { method: 'POST' },
      { method: 'POST', headers: { 'sec-fetch-site': 'none' } },
      { method: 'POST', headers: { 'sec-fetch-site': 'cross-site', origin: origin() } },
      { method: 'POST', headers: { origin: `http://127.0.0.1:${port}` } },
      { method: 'DELETE', headers: { 'sec-fetch-site': 'same-site' } },
      { method: 'QUERY' },
    ];
    for (const init of refused) {
      const told = await ask('/web/x', { ...init, headers: { cookie, ...init.headers } });
      assert.equal(told.status, 401, JSON.stringify(init));
    }
    assert.deepEqual(seen, []);
    const taken: readonly Init[] = [
      {},
      { headers: here },
      { headers: { 'sec-fetch-site': 'none' } },
      { method: 'POST', headers: here },
      { method: 'POST', headers: { origin: origin() } },
      { method: 'DELETE', headers: { origin: origin(), ...here } },
    ];
    for (const init of taken) {
      const got = await ask('/web/x', { ...init, headers: { cookie, ...init.headers } });
      assert.equal(got.status, 200, JSON.stringify(init));
    }
    // A link on another site: the person goes on by hand, and is not asked to sign in again.
    const linked = await ask('/web/x', {
      headers: { cookie, ...navigation, 'sec-fetch-site': 'cross-site' },
    });
    assert.equal(linked.status, 303);
    const on = await ask(linked.headers.location ?? '', { headers: { cookie } });
    assert.match(on.body, /signed in as <strong>ana/);
    assert.match(on.body, /href="\/web\/x"/);
  });

  test('another site signs nobody in and nobody out', async () => {
    const cookie = await signIn();
    const cases: readonly Readonly<Record<string, string>>[] = [
      { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      { origin: 'null', 'sec-fetch-site': 'cross-site' },
      { origin: origin(), 'sec-fetch-site': 'same-site' },
    ];
    for (const headers of cases) {
      const into = await send({ name: 'bob', token: tokens.bob }, headers);
      assert.equal(into.status, 403);
      assert.equal(into.headers['set-cookie'], undefined);
      const out = await ask('/.sallyport/sign-out', {
        method: 'POST',
        headers: { cookie, 'content-type': 'application/x-www-form-urlencoded', ...headers },
      });
      assert.equal(out.status, 403);
    }
    assert.equal((await ask('/web/x', { headers: { cookie, ...here } })).status, 200);
    assert.equal(
      (await send({ name: 'bob', token: tokens.bob }, { 'content-type': 'text/plain' })).status,
      400,
    );
  });

  test('a cookie is no token, a token is no cookie, and no other spelling or place of it counts', async () => {
    const cookie = await signIn();
    const id = cookie.slice(cookie.indexOf('=') + 1);
    const spoilt = `${id.slice(0, -1)}${id.endsWith('A') ? 'B' : 'A'}`;
    const cases: readonly Readonly<Record<string, string>>[] = [
      { authorization: `Bearer ${id}` },
      { 'x-api-key': id },
      { cookie: `sallyport_session=${id}` },
      { cookie: `__Host-sallyport_session=${tokens.ana}` },
      { cookie: `__host-sallyport_session=${id}` },
      { cookie: `__Host-sallyport_session=${spoilt}` },
      { cookie: `${cookie}; __Host-sallyport_session=${'A'.repeat(43)}` },
    ];
    seen.length = 0;
    for (const headers of cases)
      assert.equal((await ask('/web/x', { headers: { ...here, ...headers } })).status, 401);
    assert.deepEqual(seen, []);
    const elsewhere = await ask('/x', { host: 'web.test', headers: { ...here, cookie } });
    assert.equal(elsewhere.status, 401, 'a cookie of one host counts at another');
  });

  test('wrong names and tokens are refused in the same words, and written down', async () => {
    const bodies = new Set<string>();
    const attempts: readonly Readonly<Record<string, string>>[] = [
      { name: 'ana', token: 'wrong' },
      { name: 'zed', token: tokens.ana },
      { name: 'bob', token: tokens.ana },
      { name: 'ana', token: '' },
    ];
    for (const attempt of attempts) {
      const { status, headers, body } = await send({ to: '/web/x', ...attempt });
      assert.equal(status, 401);
      assert.equal(headers['set-cookie'], undefined);
      assert.ok(!body.includes(tokens.ana.slice(0, 30)));
      bodies.add(body);
    }
    assert.equal(bodies.size, 1);
    assert.equal((await send({ way: 'none', name: 'ana', token: tokens.ana })).status, 401);
    const refused = await entries('sign-in.refused');
    assert.ok(refused.filter((entry) => entry['resource'] === 'web').length >= 4, JSON.stringify(refused));
  });

  test('signing out ends the cookie, what is open by it, and is written down', async () => {
    const cookie = await signIn('bob');
    const socket = new WebSocket(`wss://127.0.0.1:${port}/web/talk`, {
      headers: { cookie },
      origin: origin(),
      rejectUnauthorized: false,
    });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const out = await ask('/.sallyport/sign-out', {
      method: 'POST',
      headers: { cookie, origin: origin(), 'content-type': 'application/x-www-form-urlencoded' },
    });
    assert.equal(out.status, 303);
    assert.match(out.headers['set-cookie']?.[0] ?? '', /^__Host-sallyport_session=; .*Max-Age=0$/);
    await closed;
    assert.equal((await ask('/web/x', { headers: { cookie, ...here } })).status, 401);
    const accepted = await entries('sign-in.accepted');
    assert.ok(accepted.some((entry) => entry['identity'] === 'bob'));
    const ended = await entries('sign-in.ended');
    assert.ok(ended.some((entry) => entry['identity'] === 'bob'));
    assert.ok(!JSON.stringify([accepted, ended]).includes(cookie.slice(-43)));
  });

  test('a page of another site opens no WebSocket by the cookie', async () => {
    const cookie = await signIn();
    const open = (from?: string): Promise<number> =>
      new Promise((resolve) => {
        const socket = new WebSocket(`wss://127.0.0.1:${port}/web/talk`, {
          headers: { cookie },
          ...(from === undefined ? {} : { origin: from }),
          rejectUnauthorized: false,
        });
        socket.once('open', () => {
          socket.terminate();
          resolve(101);
        });
        socket.once('unexpected-response', (_request, response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        socket.on('error', () => undefined);
      });
    assert.equal(await open('https://evil.example'), 401);
    assert.equal(await open(), 401);
    assert.equal(await open(origin()), 101);
  });

  test('whose session a person has ended signs in again', async () => {
    const cookie = await signIn('bob');
    assert.equal((await ask('/web/x', { headers: { cookie, ...here } })).status, 200);
    const authorization = `Bearer ${tokens.admin}`;
    const list = await fetch(`${gateway.api}/api/v1/sessions?identity=bob&state=live`, {
      headers: { authorization },
    });
    const sessions = (await list.json()) as { id: string }[];
    assert.ok(sessions.length > 0);
    for (const { id } of sessions) {
      const killed = await fetch(`${gateway.api}/api/v1/sessions/${id}/kill`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: '{}',
      });
      assert.equal(killed.status, 200);
    }
    assert.equal((await ask('/web/x', { headers: { cookie, ...here } })).status, 401);
    const sent = await ask('/web/x', { headers: { cookie, ...navigation, ...here } });
    assert.equal(sent.status, 303);
  });

  test(
    'in a real browser: sent to the page, signed in, back where it wanted to go, signed out',
    {
      timeout: 400_000,
    },
    async (t) => {
      if (!needs(t, 'chromium')) return;
      await inBrowser(
        async (tab) => {
          await open(tab, `${origin()}/web/orders?day=1`);
          assert.equal(await tab.value('location.pathname'), '/.sallyport/sign-in');
          assert.equal(
            await tab.value('getComputedStyle(document.querySelector("main")).borderRadius'),
            '12px',
          );
          await shoot(tab, 'sign-in');
          await fill(tab, 'ana', 'wrong');
          assert.match(
            String(await tab.value('document.querySelector("[role=alert]").textContent')),
            /Name and token/,
          );
          await shoot(tab, 'refused');
          await fill(tab, 'ana', tokens.ana);
          assert.equal(await tab.value('location.pathname + location.search'), '/web/orders?day=1');
          assert.equal(await tab.value('document.querySelector("h1").textContent'), 'Hello /orders?day=1');
          assert.equal(await tab.value('document.cookie.includes("sallyport")'), false);
          await open(tab, `${origin()}/.sallyport/sign-in`);
          assert.equal(await tab.value('document.querySelector("strong").textContent'), 'ana');
          await shoot(tab, 'signed-in');
          await submit(tab);
          assert.equal(await tab.value('document.title.startsWith("Signed out")'), true);
          await open(tab, `${origin()}/web/orders`);
          assert.equal(await tab.value('location.pathname'), '/.sallyport/sign-in');
          assert.deepEqual(
            tab.violations.filter((text) => /Content.Security|Refused/.test(text)),
            [],
          );
        },
        ['--ignore-certificate-errors', '--window-size=900,760'],
      );
    },
  );

  test('too many failures of one name or address are not listened to', async () => {
    let status = 0;
    for (let count = 0; count < 12; count++) status = (await send({ name: 'carol', token: 'x' })).status;
    assert.equal(status, 429);
    assert.equal((await send({ name: 'ana', token: tokens.ana })).status, 303, 'another name from there is');
    // Some at once: sixty fall into one minute, however long each of them takes.
    let seen: readonly number[] = [];
    for (let round = 0; round < 60 && !seen.includes(429); round++)
      seen = await Promise.all(
        Array.from({ length: 15 }, async (_, count) => {
          const answer = await send({ name: `n${round}.${count}`, token: 'x' });
          return answer.status;
        }),
      );
    assert.ok(seen.includes(429));
    assert.equal((await send({ name: 'bob', token: tokens.bob })).status, 429);
  });
});

async function settled(tab: Tab): Promise<void> {
  await sleep(150);
  while ((await tab.value('document.readyState')) !== 'complete') await sleep(50);
}

async function open(tab: Tab, url: string): Promise<void> {
  await tab.call('Page.navigate', { url });
  await settled(tab);
}

async function submit(tab: Tab): Promise<void> {
  await tab.value('window.stale = true');
  await tab.value('document.querySelector("form button").click()');
  while ((await tab.value('window.stale === true')) === true) await sleep(50);
  await settled(tab);
}

async function fill(tab: Tab, name: string, token: string): Promise<void> {
  await tab.value(
    `document.getElementById("name").value=${JSON.stringify(name)};document.getElementById("token").value=${JSON.stringify(token)}`,
  );
  await submit(tab);
}

/** With SALLYPORT_SHOTS=FOLDER the pages can be looked at. */
async function shoot(tab: Tab, name: string): Promise<void> {
  const folder = process.env['SALLYPORT_SHOTS'];
  if (folder === undefined) return;
  const { writeFileSync } = await import('node:fs');
  const { data } = (await tab.call('Page.captureScreenshot', { format: 'png' })) as { data: string };
  writeFileSync(`${folder}/${name}.png`, Buffer.from(data, 'base64'));
}
