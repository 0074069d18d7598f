import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startWeb, type Web, type WebAnswer } from './harness/web.ts';

// Bodies in parts, and bodies that are something else than they say: nothing of them passes unread.

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
  - id: no-roles
    effect: deny
    match: { resource: { kind: http } }
    when: 'action.fields.exists(field, field == "role" || field.endsWith(".role"))'
    why: Nobody gives roles this way.
    fix: Leave it out.
  - id: no-scripts
    effect: deny
    match: { resource: { kind: http } }
    when: '"script" in action.files || "text/html" in action.parts'
    why: No scripts.
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

const mixed = 'multipart/mixed; boundary=b0';
const part = (head: string, content: string | Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`--b0\r\n${head}\r\n\r\n`), Buffer.from(content), Buffer.from('\r\n')]);
const end = Buffer.from('--b0--\r\n');
const binary = Buffer.from([0x89, 0x50, 0, 1, 2, 3]);

const answers: Readonly<Record<string, readonly [type: string, body: Uint8Array, status?: number]>> = {
  '/form': [
    'multipart/form-data; boundary=b0',
    Buffer.concat([
      part('Content-Disposition: form-data; name="mail"', 'ann.lee@example.com'),
      part(
        'Content-Disposition: form-data; name="f"; filename="x.json"\r\nContent-Type: application/json',
        '{"n": 1.0, "mail": "bob@example.com"}',
      ),
      end,
    ]),
  ],
  '/lines': [
    mixed,
    Buffer.concat([
      part('Content-Type: application/x-ndjson', '{"mail":"a@example.com"}\n{"n":1}\n'),
      part('Content-Type: text/csv', 'id,mail\n1,b@example.com\n'),
      part('Content-Type: image/png', binary),
      end,
    ]),
  ],
  '/plain': [mixed, Buffer.concat([part('Content-Type: application/json', '{"n": 1.0}'), end])],
  '/binary': [mixed, Buffer.concat([part('Content-Type: application/pdf', '%PDF a@example.com'), end])],
  '/lax': [mixed, Buffer.from('hello a@example.com\r\n--b0\r\n\r\nx\r\n--b0--\r\n')],
  '/open': [mixed, Buffer.from('--b0\r\n\r\na@example.com\r\n')],
  '/ranges': [
    'multipart/byteranges; boundary=b0',
    Buffer.concat([
      part('Content-Type: text/plain\r\nContent-Range: bytes 0-3/20', 'a@ex'),
      part('Content-Type: text/plain\r\nContent-Range: bytes 4-12/20', 'ample.com'),
      end,
    ]),
    206,
  ],
  '/range': ['text/plain', Buffer.from('ample.com and a@ex'), 206],
};

describe('bodies in parts through the gateway', () => {
  let web: Web;
  const seen: Buffer[] = [];

  before(async () => {
    web = await startWeb({
      policy,
      settings: '    uninspected: [image/*]\n',
      serve: (request, response, body) => {
        const found = answers[new URL(request.url ?? '/', 'http://x').pathname];
        seen.push(body);
        const [type, bytes, status = 200] = found ?? ['application/json', Buffer.from('{"ok":true}')];
        response.writeHead(status, { 'content-type': type, etag: '"1"', 'content-length': bytes.length });
        response.end(bytes);
      },
    });
  });

  after(async () => {
    await web[Symbol.asyncDispose]();
  });

  async function post(
    type: string | undefined,
    body: Uint8Array | string,
    more: Readonly<Record<string, string>> = {},
  ): Promise<WebAnswer> {
    seen.length = 0;
    return web.ask('/web/upload', {
      as: 'dba',
      method: 'POST',
      body: Buffer.from(body),
      headers: { ...(type === undefined ? {} : { 'content-type': type }), ...more },
    });
  }

  test('a form of a browser passes as the same bytes', async () => {
    const form = new FormData();
    form.set('name', 'Ann "the" Lee');
    form.set('about', new Blob(['{"a": [1.0]}'], { type: 'application/json' }), 'x.json');
    form.set('photo', new Blob([binary], { type: 'image/png' }), 'grüße.png');
    const wanted = new Response(form);
    const body = Buffer.from(await wanted.arrayBuffer());
    const answer = await post(wanted.headers.get('content-type') ?? '', body);
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(seen, [body]);
  });

  const form = 'multipart/form-data; boundary=b0';
  const field = (name: string, content: string | Uint8Array, more: string = ''): Buffer =>
    part(`Content-Disposition: form-data; name="${name}"${more}`, content);
  const whole = (...parts: readonly Buffer[]): Buffer => Buffer.concat([...parts, end]);
  const json = '\r\nContent-Type: application/json';
  for (const [what, status, type, body, more] of [
    ['a field that a rule forbids', 403, form, whole(field('role', 'admin'))],
    ['one inside a part', 403, form, whole(field('user', '{"role":1}', json))],
    ['one inside a part that does not say it is JSON', 403, form, whole(field('user', ' {"role":1}'))],
    ['a file that a rule forbids', 403, form, whole(field('script', 'x', '; filename="a.sh"'))],
    ['a media type that a rule forbids', 403, form, whole(field('a', 'x', '\r\nContent-Type: text/html'))],
    [
      'a part nobody can look into',
      400,
      form,
      whole(field('f', binary, '; filename="x"\r\nContent-Type: application/pdf')),
    ],
    ['a binary part that says it is text', 400, form, whole(field('f', binary))],
    ['a part that is not the JSON it says', 400, form, whole(field('a', '{"role"', json))],
    ['a key twice in a part', 400, form, whole(field('a', '{"a":1,"a":2}', json))],
    ['two boundaries', 400, 'multipart/form-data; boundary=x; boundary=b0', whole(field('role', '1'))],
    [
      'a multipart type that only some would read',
      400,
      'multipart/form-data, boundary=b0',
      whole(field('role', '1')),
    ],
    ['a preamble', 400, form, Buffer.concat([Buffer.from('x\r\n'), whole(field('role', '1'))])],
    ['a coded form', 400, form, gzipSync(whole(field('role', '1'))), { 'content-encoding': 'gzip' }],
    ['JSON of another charset', 400, 'application/json; charset=utf-16', '{"role":1}'],
    ['a list that a rule forbids', 403, form, whole(field('role[]', 'admin'))],
    ['a form with a blank and a list', 403, 'application/x-www-form-urlencoded', 'a=1&%20role[x]=admin'],
    ['JSON that says nothing', 403, undefined, '{"role":1}'],
    ['JSON that says it is bytes', 403, 'application/octet-stream', '\ufeff\n {"role":1}'],
    ['JSON with something behind it', 400, 'text/plain', '{"role":1} x'],
    ['JSON with a key twice that says it is text', 400, 'text/plain', '{"role":1,"role":2}'],
    ['bytes, where a rule asks for fields', 403, 'application/octet-stream', binary],
    ['a document, where a rule asks for fields', 403, 'application/vnd.oasis.opendocument.text', binary],
    ['coded bytes', 400, 'application/octet-stream', gzipSync('{"role":1}'), { 'content-encoding': 'gzip' }],
  ] as const) {
    test(`refused: ${what}`, async () => {
      const answer = await post(type, body, more);
      assert.equal(answer.status, status, answer.text);
      assert.deepEqual(seen, []);
    });
  }

  for (const [what, type, body] of [
    ['bytes that are only white space', 'application/octet-stream', '  \n'],
    ['a log', 'text/plain', '[INFO] hello { "a": 1'],
    ['an image', 'image/png', '{ not JSON'],
  ] as const) {
    test(`passes: ${what}`, async () => {
      const answer = await post(type, body);
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(seen, [Buffer.from(body)]);
    });
  }

  test('answers in parts are masked, each by what it is', async () => {
    const { text, headers } = await web.ask('/web/form');
    assert.doesNotMatch(text, /example\.com/);
    assert.match(text, /\{"n": 1\.0, "mail": "\[EMAIL_ADDRESS\]"\}/);
    assert.equal(Number(headers.get('content-length')), Buffer.byteLength(text));
    assert.equal(headers.get('etag'), null);
    assert.ok(
      (
        await new Response(text, {
          headers: { 'content-type': headers.get('content-type') ?? '' },
        }).formData()
      ).has('mail'),
    );
    const lines = await web.ask('/web/lines');
    assert.equal(lines.status, 200, lines.text);
    assert.doesNotMatch(lines.text, /example\.com/);
    assert.ok(Buffer.from(lines.bytes).includes(binary));
    assert.deepEqual(Buffer.from((await web.ask('/web/plain')).bytes), answers['/plain']?.[1]);
    assert.match((await web.ask('/web/form', { as: 'dba' })).text, /ann\.lee@example\.com/);
  });

  for (const path of ['/binary', '/lax', '/open', '/ranges', '/range'])
    test(`withheld while masks apply: ${path}`, async () => {
      const { status, text } = await web.ask(`/web${path}`);
      assert.equal(status, 403, text);
      assert.match(text, /LINEAGE/);
      assert.ok((await web.ask(`/web${path}`, { as: 'dba' })).status < 300);
    });
});
