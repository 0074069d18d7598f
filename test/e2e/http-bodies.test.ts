import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { startWeb, type Web } from './harness/web.ts';

// Every kind of body in every coding, and answers without one.

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
    then: { mask: [{ tag: pii/*, with: redact }, { find: '*', with: redact }] }
    why: Personal data is masked.
    fix: Use ids.
`,
  'schema.yaml': `
apiVersion: sallyport/v1
tags:
  web: { '*.nick': [pii/name] }
`,
};

const mail = 'ann.lee@example.com';
const bodies: Readonly<Record<string, readonly [type: string, body: string, wanted: string]>> = {
  json: ['application/json', `[{"nick":"Zoë","m":"${mail}"}]`, '[{"nick":"***","m":"[EMAIL_ADDRESS]"}]'],
  problem: ['application/problem+json', `{"nick":"Zoë"}`, '{"nick":"***"}'],
  lines: [
    'application/x-ndjson',
    `{"nick":"Zoë"}\n{"m":"${mail}"}\n`,
    '{"nick":"***"}\n{"m":"[EMAIL_ADDRESS]"}\n',
  ],
  form: [
    'application/x-www-form-urlencoded',
    `nick=Zoe&m=${encodeURIComponent(mail)}`,
    'nick=***&m=%5BEMAIL_ADDRESS%5D',
  ],
  csv: ['text/csv; charset=utf-8', `id,nick\n1,Zoë\n2,"${mail}, x"\n`, 'id,nick\n1,***\n2,***\n'],
  tabs: ['text/tab-separated-values', `nick\tm\nZoë\t${mail}\n`, 'nick\tm\n***\t[EMAIL_ADDRESS]\n'],
  text: ['text/plain', `write to ${mail}, please`, 'write to [EMAIL_ADDRESS], please'],
  events: [
    'text/event-stream',
    `data: {"nick":"Zoë"}\n\ndata: ${mail}\n\n`,
    'data: {"nick":"***"}\n\ndata: [EMAIL_ADDRESS]\n\n',
  ],
};
const codings = { gzip: gzipSync, br: brotliCompressSync, zstd: zstdCompressSync } as const;

describe('bodies of every kind through the gateway', () => {
  let web: Web;
  const asked: (string | undefined)[] = [];

  before(async () => {
    web = await startWeb({
      policy,
      serve: (request, response) => {
        const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x');
        asked.push(request.headers.range);
        const headers = { etag: `"${mail}"`, 'x-note': mail, 'content-digest': 'sha-256=:x:' };
        const found = bodies[pathname.slice(1)];
        if (found !== undefined) {
          const coding = searchParams.get('coding') ?? '';
          const plain = Buffer.from(found[1]);
          const bytes = Object.hasOwn(codings, coding)
            ? codings[coding as keyof typeof codings](plain)
            : plain;
          response.writeHead(200, {
            ...headers,
            'content-type': found[0],
            'content-length': bytes.length,
            'accept-ranges': 'bytes',
            ...(coding === '' ? {} : { 'content-encoding': coding }),
          });
          response.end(request.method === 'HEAD' ? undefined : bytes);
          return;
        }
        switch (pathname) {
          case '/graphql':
            response.writeHead(200, { 'content-type': 'application/json' });
            return void response.end('[{"data":{"all":[{"a":"Zoë","n":1}]}}]');
          case '/204':
          case '/304':
            response.writeHead(Number(pathname.slice(1)), headers);
            return void response.end();
          case '/trailers':
            response.writeHead(200, { 'content-type': 'text/plain', trailer: 'x-late' });
            response.write('ok');
            response.addTrailers({ 'x-late': mail });
            return void response.end();
          case '/lying':
            response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip' });
            return void response.end(mail);
          case '/twice':
            response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip, br' });
            return void response.end(brotliCompressSync(gzipSync(mail)));
          case '/table':
            response.writeHead(200, { 'content-type': 'text/csv' });
            return void response.end('id,nick\n1,a,b\n');
          default:
            response.writeHead(404).end();
        }
      },
    });
  });

  after(async () => {
    await web[Symbol.asyncDispose]();
  });

  for (const [name, [, body, wanted]] of Object.entries(bodies))
    test(`${name}, plain and coded`, async () => {
      for (const coding of ['', ...Object.keys(codings)]) {
        const query = coding === '' ? '' : `?coding=${coding}`;
        const { text, headers, status } = await web.ask(`/web/${name}${query}`, {
          headers: { range: 'bytes=0-5' },
        });
        assert.equal(text, wanted, coding);
        assert.equal(status, 200);
        for (const gone of ['etag', 'content-digest', 'content-encoding', 'accept-ranges'])
          assert.equal(headers.get(gone), null, gone);
        const length = headers.get('content-length');
        assert.ok(length === null || Number(length) === Buffer.byteLength(text));
        assert.equal(headers.get('cache-control'), 'private, no-store');
        assert.equal((await web.ask(`/web/${name}${query}`, { as: 'dba' })).text, body);
      }
      assert.ok(asked.every((range) => range === undefined));
    });

  test('answers without a body say nothing either', async () => {
    for (const path of ['/web/204', '/web/304']) {
      const { status, headers, text } = await web.ask(path);
      assert.equal(status, Number(path.slice(-3)));
      assert.equal(text, '');
      assert.equal(headers.get('etag'), null);
      assert.equal(headers.get('x-note'), '[EMAIL_ADDRESS]');
    }
    const { headers, status } = await web.ask('/web/json', { method: 'HEAD' });
    assert.equal(status, 200);
    assert.equal(headers.get('content-length'), null);
    assert.equal(headers.get('etag'), null);
  });

  test('a tag of a field of GraphQL holds under whatever name the answer has it', async () => {
    const headers = { 'content-type': 'application/json' };
    const asked_ = (query: string): Promise<string> =>
      web
        .ask('/web/graphql', { method: 'POST', headers, body: JSON.stringify([{ query }]) })
        .then(({ status, text }) => `${status} ${text}`);
    assert.equal(await asked_('{ all: people { a: nick n } }'), '200 [{"data":{"all":[{"a":"***","n":1}]}}]');
    assert.equal(await asked_('{ all: people { a: id n } }'), '200 [{"data":{"all":[{"a":"Zoë","n":1}]}}]');
    assert.match(await asked_('{ all: people { ... @defer { a: id } n } }'), /^403 .*LINEAGE/);
  });

  test('trailers do not pass', async () => {
    const trailers = await new Promise<object>((resolve, reject) => {
      const headers = { authorization: `Bearer ${web.tokens.analyst}`, te: 'trailers' };
      httpRequest({ port: web.port, path: '/web/trailers', headers }, (response) => {
        response.resume().once('end', () => resolve(response.trailers));
      })
        .once('error', reject)
        .end();
    });
    assert.deepEqual(trailers, {});
  });

  for (const path of ['/lying', '/twice', '/table'])
    test(`not shown: ${path}`, async () => {
      const answer = await web.ask(`/web${path}`).catch(() => undefined);
      assert.ok(
        answer === undefined || answer.status === 403 || answer.status === 502,
        String(answer?.status),
      );
      assert.doesNotMatch(answer?.text ?? '', /example\.com|1,a/);
    });
});
