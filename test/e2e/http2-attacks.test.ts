import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { connect as connectHttp2, type ClientHttp2Session, constants } from 'node:http2';
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
  - { name: web, role: grant, use: [{ module: web }] }
record: statements
`,
  'modules/web.policy.yaml': `
apiVersion: sallyport/v1
module: web
about: Who may use the service.
owner: team:platform
rules:
  - { id: use, effect: allow, match: { resource: { kind: http } }, why: Everybody may., fix: Ask. }
`,
};

// Frames by hand (RFC 9113, 4.1): 3 bytes length, 1 type, 1 flags, 4 stream.
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const [headersType, resetType, settingsType, goAwayType, continuationType] = [1, 3, 4, 7, 9];
const endStream = 1;
const endHeaders = 4;

function frame(type: number, flags: number, stream: number, body: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

/** A literal field without indexing and without Huffman (RFC 7541, 6.2.2). */
function field(name: string, value: string): Buffer {
  const text = (each: string): Buffer => {
    const bytes = Buffer.from(each, 'latin1');
    const length = bytes.length < 127 ? [bytes.length] : long(bytes.length);
    return Buffer.concat([Buffer.from(length), bytes]);
  };
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

function long(length: number): readonly number[] {
  const out = [127];
  let rest = length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) + 128);
  return [...out, rest];
}

type Pairs = readonly (readonly [string, string])[];

describe('HTTP/2 by hand', () => {
  let server: Server;
  let gateway: Configured;
  let port = 0;
  let token = '';
  const seen: string[] = [];
  const heads: string[] = [];
  const work = { slow: 0 };

  before(async () => {
    server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      heads.push(JSON.stringify(request.rawHeaders));
      request.resume();
      if (request.url === '/slow') {
        work.slow++;
        response.on('close', () => work.slow--);
        return;
      }
      if (request.url === '/endless') {
        response.setHeader('content-type', 'application/octet-stream');
        const block = Buffer.alloc(65_536);
        const go = (): void => {
          while (response.write(block)) endless += block.length;
        };
        response.on('drain', go);
        go();
        return;
      }
      response.setHeader('content-type', 'application/json');
      response.end('{}');
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
identities: [{ subject: ana, kind: human }]
resources: [{ name: web, kind: http, url: 'http://127.0.0.1:${address.port}', hosts: [web.test] }]
`,
    });
    token = await gateway.token('ana');
  });
  let endless = 0;

  after(async () => {
    await gateway[Symbol.asyncDispose]();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const plain = (path: string, more: Pairs = []): Pairs => [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'a'],
    [':path', path],
    ['authorization', `Bearer ${token}`],
    ...more,
  ];
  const block = (pairs: Pairs): Buffer => Buffer.concat(pairs.map(([name, value]) => field(name, value)));
  const open = async (): Promise<Raw> => {
    const raw = new Raw(connect(port, '127.0.0.1'));
    raw.send(preface, frame(settingsType, 0, 0));
    await raw.until((kinds) => kinds.includes(settingsType));
    return raw;
  };
  /** The gateway lives, and serves others. */
  const alive = async (): Promise<void> => {
    const answer = await fetch(`http://127.0.0.1:${port}/web/alive`, {
      headers: { authorization: `Bearer ${token}` },
    });
    assert.equal(answer.status, 200);
  };
  /** Whatever is done with the request, it is not sent on. */
  const refused = async (pairs: Pairs): Promise<void> => {
    seen.length = 0;
    const raw = await open();
    raw.send(frame(headersType, endStream | endHeaders, 1, block(pairs)));
    await raw.until((kinds) =>
      kinds.some((kind) => kind === headersType || kind === resetType || kind === goAwayType),
    );
    raw.socket.destroy();
    assert.deepEqual(seen, [], JSON.stringify(pairs.filter(([name]) => name !== 'authorization')));
  };

  test('a plain request is served: what follows would be refused for another reason otherwise', async () => {
    seen.length = 0;
    const raw = await open();
    raw.send(frame(headersType, endStream | endHeaders, 1, block(plain('/web/x'))));
    await raw.until((kinds) => kinds.includes(headersType));
    raw.socket.destroy();
    assert.deepEqual(seen, ['GET /x']);
  });

  test('pseudo-header fields that say two things, or stand where they must not', async () => {
    const without = (name: string): Pairs => plain('/web/x').filter(([each]) => each !== name);
    const cases: readonly Pairs[] = [
      [...plain('/web/x'), [':path', '/web/y']],
      [...plain('/web/x'), [':method', 'POST']],
      [...without(':path'), [':path', '/web/x']],
      without(':path'),
      without(':method'),
      without(':scheme'),
      without(':authority'),
      plain('/web/x', [[':status', '200']]),
      plain('/web/x', [[':protocol', 'websocket']]),
      [[':foo', 'x'], ...plain('/web/x')],
      plain('')
        .filter(([name]) => name !== ':path')
        .toSpliced(3, 0, [':path', '']),
      plain('*'),
      plain('web/x'),
      plain('http://web.test/x'),
      plain('/web/../x'),
      plain('/web//x'),
      plain('/web/x y'),
      plain('/web/x\r\nHost: b'),
      plain('/web/x', [['host', 'b']]),
      plain('/web/x').map(
        ([name, value]) => [name, name === ':authority' ? 'user@web.test' : value] as const,
      ),
      plain('/web/x').map(([name, value]) => [name, name === ':authority' ? 'a/web.test' : value] as const),
      plain('/web/x').map(([name, value]) => [name, name === ':authority' ? 'a, web.test' : value] as const),
      plain('/web/x').map(([name, value]) => [name, name === ':scheme' ? 'file' : value] as const),
      plain('/web/x').map(([name, value]) => [name, name === ':method' ? 'CONNECT' : value] as const),
      plain('/web/x').map(([name, value]) => [name, name === ':method' ? 'GE T' : value] as const),
      plain('/web/x').map(([name, value]) => [name, name === ':method' ? 'get' : value] as const),
    ];
    for (const pairs of cases) await refused(pairs);
    await alive();
  });

  test('fields of HTTP/1.1, names in capitals, values with line ends', async () => {
    const cases: Pairs = [
      ['connection', 'close'],
      ['transfer-encoding', 'chunked'],
      ['upgrade', 'h2c'],
      ['keep-alive', '1'],
      ['proxy-connection', 'x'],
      ['te', 'gzip'],
      ['X-Capital', '1'],
      ['content-length', '5'],
      ['x-http-method-override', 'DELETE'],
    ];
    for (const [name, value] of cases) await refused(plain('/web/x', [[name, value]]));
    // These are left out before anybody judges the request (RFC 9113, 8.2.1 lets either be done).
    const odd: Pairs = [
      ['x-a', 'canary\r\nx-c: d'],
      ['x-a', 'canary\0'],
      ['x-a', 'canary\u007f'],
      ['x canary', 'b'],
      ['x-canary:', 'b'],
      ['', 'canary'],
    ];
    heads.length = 0;
    for (const pair of odd) {
      const raw = await open();
      raw.send(frame(headersType, endStream | endHeaders, 1, block(plain('/web/x', [pair]))));
      await raw.until((kinds) => kinds.some((kind) => [headersType, resetType, goAwayType].includes(kind)));
      raw.socket.destroy();
    }
    assert.ok(!heads.some((head) => head.includes('canary')), heads.join('\n'));
    await alive();
  });

  test('header fields without end: many CONTINUATION frames, large ones, many small ones', async () => {
    seen.length = 0;
    const flood = await open();
    flood.send(frame(headersType, endStream, 1, block(plain('/web/x'))));
    for (let count = 0; count < 400 && !flood.ended; count++) {
      flood.send(frame(continuationType, 0, 1, block([['x-a', 'b'.repeat(100)]])));
      if (count % 20 === 0) await sleep(1);
    }
    await flood.closed;
    const bombs: readonly Pairs[] = [
      Array.from({ length: 12 }, (_, index) => [`x-${index}`, 'a'.repeat(8_000)] as const),
      Array.from({ length: 400 }, (_, index) => [`x-${index}`, 'a'] as const),
    ];
    for (const more of bombs) {
      const raw = await open();
      const bytes = block(plain('/web/x', more));
      const pieces = Array.from({ length: Math.ceil(bytes.length / 16_000) }, (_, index) =>
        bytes.subarray(index * 16_000, (index + 1) * 16_000),
      );
      for (const [index, piece] of pieces.entries()) {
        const last = index === pieces.length - 1 ? endHeaders : 0;
        raw.send(
          frame(index === 0 ? headersType : continuationType, (index === 0 ? endStream : 0) | last, 1, piece),
        );
      }
      await raw.until((kinds) =>
        kinds.some((kind) => kind === headersType || kind === resetType || kind === goAwayType),
      );
      raw.socket.destroy();
    }
    assert.deepEqual(seen, []);
    await alive();
  });

  test('streams that are opened and reset again and again end their connection, and leave no work behind', async () => {
    const raw = await open();
    const cancel = Buffer.from([0, 0, 0, 8]);
    let sent = 0;
    for (let stream = 1; stream < 40_000 && !raw.ended; stream += 2) {
      raw.send(
        frame(headersType, endStream | endHeaders, stream, block(plain('/web/slow'))),
        frame(resetType, 0, stream, cancel),
      );
      sent++;
      if (sent % 50 === 0) await sleep(1);
    }
    await until(() => raw.ended, `${sent} streams were opened and reset`);
    await until(() => work.slow === 0, 'what was reset goes on');
    await alive();
  });

  test('a stream that its client resets ends what was asked of the service', async () => {
    const client = connectHttp2(`http://127.0.0.1:${port}`);
    const stream = client.request({ ':path': '/web/slow', authorization: `Bearer ${token}` });
    stream.on('error', () => undefined);
    await until(() => work.slow === 1, 'the service is not asked');
    stream.close(constants.NGHTTP2_CANCEL);
    await until(() => work.slow === 0, 'what was reset goes on');
    client.destroy();
  });

  test('a client is told how many streams it may open, and held to it', async () => {
    const client = connectHttp2(`http://127.0.0.1:${port}`);
    await new Promise((resolve) => client.once('remoteSettings', resolve));
    assert.equal(client.remoteSettings.maxConcurrentStreams, 100);
    assert.ok(client.remoteSettings.enableConnectProtocol !== true);
    client.destroy();
    const raw = await open();
    for (let count = 0; count < 150; count++)
      raw.send(frame(headersType, endStream | endHeaders, 1 + count * 2, block(plain('/web/slow'))));
    await raw.until((kinds) => kinds.includes(resetType) || kinds.includes(goAwayType));
    assert.ok(work.slow <= 100, `${work.slow} under way`);
    raw.socket.destroy();
    await until(() => work.slow === 0, 'what its client left goes on');
    await alive();
  });

  test('a stream that its client does not read stops its answer, and no other stream', async () => {
    const client = connectHttp2(`http://127.0.0.1:${port}`);
    const authorization = `Bearer ${token}`;
    const stalled = client.request({ ':path': '/web/endless', authorization });
    await new Promise((resolve) => stalled.once('response', resolve));
    await steady(() => endless);
    assert.ok(endless < 64 * 1_048_576, `${endless} bytes`);
    assert.equal(await statusOf(client, '/web/other', authorization), 200);
    stalled.close(constants.NGHTTP2_CANCEL);
    client.close();
    await new Promise((resolve) => client.once('close', resolve));
  });
});

function statusOf(client: ClientHttp2Session, path: string, authorization: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = client.request({ ':path': path, authorization });
    stream.once('response', (headers) => resolve(Number(headers[':status'])));
    stream.on('error', reject);
    stream.resume();
  });
}

/** One connection, and the types of the frames that came over it. */
class Raw {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  ended = false;
  #held: Buffer = Buffer.alloc(0);
  #kinds: number[] = [];
  #look: (() => void) | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) =>
      socket.once('close', () => {
        this.ended = true;
        this.#look?.();
        resolve();
      }),
    );
    socket.on('data', (bytes: Buffer) => {
      this.#held = Buffer.concat([this.#held, bytes]);
      while (this.#held.length >= 9) {
        const length = this.#held.readUIntBE(0, 3);
        if (this.#held.length < 9 + length) break;
        this.#kinds.push(this.#held[3] ?? -1);
        this.#held = this.#held.subarray(9 + length);
      }
      this.#look?.();
    });
  }

  send(...frames: readonly Uint8Array[]): void {
    if (!this.ended) this.socket.write(Buffer.concat(frames));
  }

  /** Until these frames have come, or the other side has closed. */
  until(is: (kinds: readonly number[]) => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => {
        if (is(this.#kinds) || this.ended) resolve();
      };
      this.#look();
    });
  }
}
