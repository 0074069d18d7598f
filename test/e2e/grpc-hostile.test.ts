import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import {
  connect,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts, temporaryFolder } from './harness/place.ts';

const key = 'upstream-secret';

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers:
  - { name: base, role: restrict, use: [{ module: masks }] }
  - { name: web, role: grant, use: [{ module: web }] }
`,
  'modules/web.policy.yaml': `
apiVersion: sallyport/v1
module: web
about: Who may call what.
owner: team:platform
rules:
  - { id: all, effect: allow, match: { resource: { kind: http } }, why: Everybody may call., fix: Ask. }
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
    then: { mask: [{ tag: pii/*, with: redact }] }
    why: Personal data is masked.
    fix: Use ids.
`,
  'schema.yaml': `
apiVersion: sallyport/v1
tags:
  shop: { '/shop.v1.Notes/Get.body.nick': [pii/name], '/shop.v1.Notes/Get.raw.nick': [pii/name] }
`,
};

const proto = `
syntax = "proto3";
package shop.v1;
service Notes { rpc Get(Ask) returns (Note); }
message Ask { int64 id = 1; }
message Note { string body = 1; bytes raw = 2; bytes picture = 3; }
`;

interface Told {
  readonly head: IncomingHttpHeaders;
  readonly tail: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A field of a message that has a length. */
function field(number: number, value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
}

function framed(message: Uint8Array, flag: 0 | 1 = 0): Buffer {
  const head = Buffer.from([flag, 0, 0, 0, 0]);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

describe('a service of gRPC that says what nobody asked for', () => {
  let server: Http2Server;
  let answer: (stream: ServerHttp2Stream) => void;
  let gateway: Configured;
  let port = 0;
  const tokens = { analyst: '', dba: '' };
  const folder = temporaryFolder('notes');

  before(async () => {
    const file = join(folder.path, 'notes.proto');
    writeFileSync(file, proto);
    server = createServer();
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => undefined);
      stream.resume();
      stream.on('end', () => answer(stream));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const behind = (server.address() as AddressInfo).port;
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
  - name: shop
    kind: http
    url: http://127.0.0.1:${behind}
    hosts: [shop.test]
    credentials: { bearer: ${key} }
    protos: [{ file: ${file} }]
  - name: sworn
    kind: http
    url: http://127.0.0.1:${behind}
    hosts: [sworn.test]
    credentials: { bearer: ${key} }
    uninspected: [application/grpc]
`,
    });
    for (const who of ['analyst', 'dba'] as const) tokens[who] = await gateway.token(who);
  });

  after(async () => {
    await gateway[Symbol.asyncDispose]();
    server.close();
    folder[Symbol.dispose]();
  });

  const call = (as: 'analyst' | 'dba', host: string): Promise<Told> =>
    new Promise((resolve, reject) => {
      const session = connect(`http://127.0.0.1:${port}`);
      session.on('error', reject);
      const stream = session.request({
        ':method': 'POST',
        ':path': '/shop.v1.Notes/Get',
        ':authority': host,
        'content-type': 'application/grpc',
        te: 'trailers',
        authorization: `Bearer ${tokens[as]}`,
      });
      let [head, tail]: IncomingHttpHeaders[] = [{}, {}];
      const body: Buffer[] = [];
      stream.on('response', (given) => (head = given));
      stream.on('trailers', (given) => (tail = given));
      stream.on('data', (piece: Buffer) => body.push(piece));
      stream.on('error', () => undefined);
      stream.on('close', () => {
        session.destroy();
        resolve({ head: head ?? {}, tail: tail ?? {}, body: Buffer.concat(body) });
      });
      stream.end(framed(Buffer.from([8, 7])));
    });

  const says = (
    messages: Uint8Array,
    tail: OutgoingHttpHeaders,
    head: OutgoingHttpHeaders = {},
  ): ((stream: ServerHttp2Stream) => void) => {
    return (stream) => {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', ...head },
        { waitForTrailers: true },
      );
      stream.on('wantTrailers', () => stream.sendTrailers(tail));
      stream.end(messages);
    };
  };

  const told: OutgoingHttpHeaders = {
    'grpc-status': '16',
    'grpc-message': `Bearer ${key} is %C3%BCber`,
    'x-said': `with ${key}`,
    'x-said-bin': Buffer.from(`with ${key}`).toString('base64'),
    'grpc-status-details-bin': field(2, `with ${key}`).toString('base64'),
    'set-cookie': 'planted=1',
  };

  for (const [as, host] of [
    ['dba', 'shop.test'],
    ['analyst', 'shop.test'],
    ['dba', 'sworn.test'],
  ] as const) {
    test(`what it repeats of the credential reaches nobody: ${as} at ${host}`, async () => {
      const shows = (given: IncomingHttpHeaders): void => {
        const shown = { ...given };
        const status = shown['grpc-status-details-bin'];
        for (const name of ['x-said-bin', 'grpc-status-details-bin'])
          shown[name] = Buffer.from(String(shown[name]), 'base64').toString('latin1');
        assert.ok(!JSON.stringify(shown).includes(key), JSON.stringify(shown));
        assert.match(String(shown['grpc-message']), /^Bearer \*+ is %C3%BCber$/);
        assert.equal(shown['set-cookie'], undefined);
        // The stars have the length of what they hide: it is a message still.
        const length = field(2, `with ${key}`).length;
        if (status !== undefined) assert.equal(Buffer.from(String(status), 'base64').length, length);
      };
      answer = says(framed(field(1, `with ${key}`)), told);
      const late = await call(as, host);
      shows(late.tail);
      assert.ok(!late.body.toString('latin1').includes(key));
      answer = (stream) => {
        const { 'set-cookie': _, ...others } = told;
        stream.respond(
          { ':status': 200, 'content-type': 'application/grpc', ...others },
          { endStream: true },
        );
      };
      shows((await call(as, host)).head);
      answer = says(
        framed(gzipSync(field(1, `with ${key}`)), 1),
        { 'grpc-status': '0' },
        { 'grpc-encoding': 'gzip' },
      );
      const { body } = await call(as, host);
      const message = body[0] === 1 ? gunzipSync(body.subarray(5)) : body.subarray(5);
      assert.match(message.toString('latin1'), /with \*{15}$/);
    });
  }

  test('JSON in a field is masked by the paths of the whole message, in bytes too', async () => {
    const json = '{"nick":"Zoe","n":1}';
    answer = says(framed(Buffer.concat([field(1, json), field(2, json), field(3, Buffer.from([255, 0]))])), {
      'grpc-status': '0',
    });
    const seen = (await call('dba', 'shop.test')).body.toString('latin1');
    assert.equal(seen.match(/Zoe/g)?.length, 2);
    const { body } = await call('analyst', 'shop.test');
    assert.ok(!body.toString('latin1').includes('Zoe'), body.toString('latin1'));
    assert.deepEqual(
      body.subarray(5),
      Buffer.concat([field(1, '{"nick":"***","n":1}'), field(3, Buffer.from([255, 0]))]),
    );
  });
});
