import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { startWeb, type Web, type WebEntry } from './harness/web.ts';

// What is turned away at the door, and which fields of a head go through it.

const policy = {
  'modules/web.policy.yaml': `
apiVersion: sallyport/v1
module: web
about: Who may use the service.
owner: team:platform
rules:
  - id: all
    effect: allow
    match: { resource: { kind: http } }
    why: Everybody may.
    fix: Ask.
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

describe('the door of HTTP', () => {
  let web: Web;
  const seen: IncomingHttpHeaders[] = [];

  before(async () => {
    web = await startWeb({
      policy,
      settings: '    credentials: { bearer: upstream-secret }\n',
      serve: (request, response) => {
        seen.push(request.headers);
        response.writeHead(200, {
          'content-type': 'application/json',
          'alt-svc': 'h3=":443"',
          'clear-site-data': '"*"',
          'service-worker-allowed': '/',
          'set-cookie': [
            'a=1; Domain=example.com; Path=/',
            'sallyport_session=x',
            '__Host-sallyport_session=x',
          ],
          'x-answer': 'yes',
          'keep-alive': 'timeout=5',
        });
        response.end('{}');
      },
    });
  });

  after(async () => {
    await web[Symbol.asyncDispose]();
  });

  function raw(text: string): Promise<string> {
    return new Promise((resolve) => {
      let answer = '';
      const socket = connect(web.port, '127.0.0.1', () => socket.write(text));
      const timer = setTimeout(() => socket.destroy(), 60_000);
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        answer += chunk;
        if (answer.includes('\r\n\r\n')) socket.end();
      });
      socket.on('error', () => undefined);
      socket.once('close', () => {
        clearTimeout(timer);
        resolve(answer.slice(9, 12));
      });
    });
  }

  test('each refusal before anybody is judged has an entry, and a scanner one for all of a minute', async () => {
    const secret = 'S3cr3t-of-the-client';
    const head = (line: string, more: string = ''): string => `${line} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
    assert.equal(await raw(head(`GET /nowhere-${secret}/x`)), '404');
    assert.equal(await raw(head(`GET /web/${secret}`)), '401');
    assert.equal(await raw(head(`GET /web/x`, `Authorization: Bearer ${secret}\r\n`)), '401');
    assert.equal(await raw(head(`GET /web/../${secret}`)), '400');
    assert.equal(await raw(head(`TRACE /web/${secret}`)), '405');
    assert.equal(await raw(head('GET /web/x', `Host: ${secret}\r\n`)), '400');
    assert.equal(await raw(head('GET /web/x', `Authorization: Bearer a\r\nX-Api-Key: ${secret}\r\n`)), '400');
    assert.equal(
      await raw(head('POST /web/x', `Connection: content-type\r\nContent-Type: ${secret}\r\n`)),
      '400',
    );
    assert.equal(await raw(`${secret} is no HTTP\r\n\r\n`), '400');
    assert.equal(await raw(head(`CONNECT ${secret}:80`)), '');
    assert.equal(await raw(head('GET /web/x', `Expect: ${secret}\r\n`)), '417');
    assert.equal(await raw(head('GET /web/x', 'a: \r\n'.repeat(250))), '400');
    assert.equal(await raw(`GET /web/x HTTP/2.0\r\nHost: a\r\n\r\n`), '400');
    const chunks = '\r\n3\r\nabc\r\n0\r\n\r\n';
    const old = `POST /web/x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n`;
    assert.equal(await raw(`${old}${chunks}`), '400');
    const coded = `POST /web/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n`;
    assert.equal(await raw(`${coded}${chunks}`), '400');
    const { analyst } = web.tokens;
    const bearer = `Authorization: Bearer ${analyst}\r\n`;
    assert.equal(await raw(head(`GET /web/x?key=${analyst}`, bearer)), '400');
    await Promise.all(Array.from({ length: 150 }, (_, at) => raw(head(`GET /scan-${at}/x`))));
    const refused = (await web.entries()).filter(({ kind }) => kind === 'sign-in.refused');
    const whys = refused.map(({ why }) => String(why));
    for (const wanted of [
      /No resource of this gateway/,
      /needs a token/,
      /dot segment/,
      /method is not served/,
      /one host/,
      /Several tokens/,
      /meant for the resource/,
      /could not be read \(HPE_/,
      /can be expected/,
      /header fields/,
      /version of HTTP/,
      /HTTP\/1.0 knows no/,
      /Only `chunked`/,
      /stands in the URL/,
      /token/i,
    ])
      assert.ok(
        whys.some((why) => wanted.test(why)),
        `${wanted} in ${whys.join('; ')}`,
      );
    // One, and on a slow machine a few more: of the minutes that have ended meanwhile.
    const scanned = whys.filter((why) => /No resource/.test(why)).length;
    assert.ok(scanned < 10, `${scanned} for all of the scanner`);
    assert.ok(refused.some(({ resource }: WebEntry) => resource === 'web'));
    assert.ok(!JSON.stringify(refused).includes(secret));
    assert.ok(!web.gateway.log().includes(secret));
  });

  test('what carries credentials, or the word of a gateway, stays here', async () => {
    seen.length = 0;
    await new Promise<void>((resolve, reject) => {
      const asked = httpRequest({
        port: web.port,
        path: '/web/x',
        headers: {
          authorization: `Bearer ${web.tokens.dba}`,
          cookie: `sallyport_session=${web.tokens.dba}; __Host-sallyport_session=y; own=1`,
          'proxy-authorization': 'Basic eDp5',
          'x-forwarded-for': '1.2.3.4',
          forwarded: 'for=1.2.3.4',
          'x-ssl-client-cert': 'x',
          te: 'trailers',
          connection: 'keep-alive, x-hop',
          'x-hop': '1',
          'x-kept': '1',
        },
      });
      asked.on('response', (response) => {
        const { headers } = response;
        assert.equal(headers['x-answer'], 'yes');
        for (const gone of ['alt-svc', 'clear-site-data', 'service-worker-allowed'])
          assert.equal(headers[gone], undefined, gone);
        assert.deepEqual(headers['set-cookie'], ['a=1; Path=/web']);
        response.resume().once('end', () => resolve());
      });
      asked.once('error', reject).end();
    });
    const [{ host, connection, ...sent } = {}] = seen;
    assert.equal(host, `127.0.0.1:${web.servicePort}`);
    assert.equal(connection, 'keep-alive');
    assert.deepEqual(sent, {
      cookie: 'own=1',
      'x-kept': '1',
      'accept-encoding': 'identity',
      authorization: 'Bearer upstream-secret',
    });
  });
});
