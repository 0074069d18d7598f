import assert from 'node:assert/strict';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { until } from './harness/wait.ts';
import { startWeb, type Web } from './harness/web.ts';

// What requests and answers that are held whole take together is bounded, and one identity has no more than its share.

const policy = {
  'modules/web.policy.yaml': `
apiVersion: sallyport/v1
module: web
about: Who may use the services.
owner: team:platform
rules: [{ id: all, effect: allow, match: { resource: { kind: [http, llm, mcp] } }, why: Everybody may., fix: Ask. }]
`,
  'modules/masks.policy.yaml': `
apiVersion: sallyport/v1
module: masks
about: What is hidden.
owner: team:platform
rules:
  - id: masks
    effect: require
    match: { resource: { kind: [http, llm, mcp] } }
    then: { mask: [{ find: '*', with: redact }] }
    why: Personal data is masked.
    fix: Use ids.
`,
  'policy.yaml': `
apiVersion: sallyport/v1
layers:
  - { name: base, role: restrict, use: [{ module: masks }] }
  - { name: web, role: grant, use: [{ module: web }] }
record: meta
`,
};

const item = '{"id":12345,"text":"some words that are said here"},';
const json = (bytes: number): string => `[${item.repeat(bytes / item.length)}0]`;
const big = json(12_000_000); // more than sockets keep
const bomb = gzipSync(json(40_000_000));
const rpc = (id: number, result: object): string => JSON.stringify({ jsonrpc: '2.0', id, result });

describe('what is held whole over HTTP', () => {
  let web: Web;
  let [mcp, llm] = [0, 0];
  const half: ClientRequest[] = [];

  before(async () => {
    web = await startWeb({
      policy,

      more: (port, service) => {
        [mcp, llm] = [port, port + 1];
        return {
          listen: `, mcp: 127.0.0.1:${port}, llm: 127.0.0.1:${port + 1}`,
          resources: `
  - { name: tools, kind: mcp, url: 'http://127.0.0.1:${service}/mcp' }
  - { name: model, kind: llm, url: 'http://127.0.0.1:${service}' }
`,
          top: 'limits: { heldBytes: 100000000, heldBytesPerIdentity: 25000000, parseMs: 60000, connectSeconds: 100 }',
        };
      },
      serve: (asked, response, body) => {
        const type = { 'content-type': 'application/json' };
        if (asked.url === '/small') return void response.writeHead(200, type).end('{"ok":true}');
        if (asked.url === '/big') return void response.writeHead(200, type).end(big);
        if (asked.url === '/bomb')
          return void response.writeHead(200, { ...type, 'content-encoding': 'gzip' }).end(bomb);
        if (asked.url === '/mcp') {
          const { id, method } = JSON.parse(body.toString()) as { id: number; method: string };
          const said =
            method === 'tools/list'
              ? rpc(id, {
                  tools: [
                    { name: 'read', inputSchema: { type: 'object', properties: { a: { type: 'string' } } } },
                  ],
                })
              : rpc(id, { content: [{ type: 'text', text: 'x'.repeat(20_000_000) }] });
          return void response.writeHead(200, type).end(said);
        }
        if (asked.url === '/v1/chat/completions') {
          const message = { role: 'assistant', content: 'x'.repeat(20_000_000) };
          return void response.writeHead(200, type).end(JSON.stringify({ choices: [{ index: 0, message }] }));
        }
        response.writeHead(200, type).end('{}');
      },
    });
  });
  after(async () => {
    for (const each of half) each.destroy();
    await web[Symbol.asyncDispose]();
  });

  const held = async (): Promise<number> => {
    const metrics = await (await fetch(`${web.gateway.api}/metrics`)).text();
    return Number(/^sallyport_held_bytes (\S+)$/m.exec(metrics)?.[1] ?? 0);
  };
  const post = (port: number, path: string, body: unknown): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${web.tokens.analyst}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify(body),
    });
  /** Asks, and takes nothing of the answer. */
  const stuck = (path: string): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${web.tokens.analyst}` };
      const asked = request({ host: '127.0.0.1', port: web.port, path, headers, agent: false });
      half.push(asked);
      asked.on('response', (answer) => resolve(answer.pause())).on('error', reject);
      asked.end();
    });
  const limited = async (answer: Response, status: number, limit: string): Promise<void> => {
    const text = await answer.text();
    assert.equal(answer.status, status, text.slice(0, 300));
    assert.equal(answer.headers.get('retry-after'), '10');
    assert.match(text, new RegExp(`limit .{1,2}${limit}`));
  };

  test('an answer that alone is more than there is room for is refused, and nothing stays held', async () => {
    const answer = await web.ask('/web/bomb');
    assert.equal(answer.status, 503, answer.text.slice(0, 300));
    assert.match(answer.text, /limit `heldBytes`/);
    assert.equal(answer.headers.get('retry-after'), '10');
    await until(async () => (await held()) === 0, 'something is held still');
    assert.match(JSON.stringify(await web.entries()), /"kind":"cut","why":"LIMIT"/);
  });

  test('who takes no answer waits for room of its own, and others are served', async () => {
    const one = await stuck('/web/big');
    assert.equal(one.statusCode, 200);
    const second = web.ask('/web/big');
    assert.equal((await web.ask('/web/small')).status, 200, 'what is small needs no room');
    const other = await web.ask('/web/big', { as: 'dba' });
    assert.deepEqual([other.status, other.bytes.length], [200, big.length]);
    const refused = await second;
    assert.equal(refused.status, 429, refused.text.slice(0, 300));
    assert.match(refused.text, /limit `heldBytesPerIdentity`/);
    one.destroy();
    await until(async () => (await held()) === 0, 'what its client has left is held still');
    assert.equal((await web.ask('/web/big')).status, 200);
  });

  test('uploads that never end take one share, and are written down when they are refused', async () => {
    const answers: Promise<number>[] = [];
    const headers = { authorization: `Bearer ${web.tokens.analyst}`, 'content-type': 'application/json' };
    for (let count = 0; count < 6; count++) {
      const asked = request({
        host: '127.0.0.1',
        port: web.port,
        method: 'POST',
        path: '/web/up',
        headers,
        agent: false,
      });
      half.push(asked);
      answers.push(
        new Promise((resolve) => {
          asked.on('response', (answer) => resolve(answer.resume().statusCode ?? 0));
          asked.on('error', () => resolve(0));
        }),
      );
      asked.write(`[${item.repeat(2_000_000 / item.length)}`);
    }
    const first = await Promise.race(answers);
    assert.equal(first, 429);
    assert.ok((await held()) <= 25_000_000);
    const up = await web.ask('/web/up', {
      as: 'dba',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: json(2_000_000),
    });
    assert.equal(up.status, 200);
    for (const each of half.splice(0)) each.destroy();
    await until(async () => (await held()) === 0, 'what its clients have left is held still');
    assert.match(JSON.stringify(await web.entries()), /limit `heldBytesPerIdentity`/);
  });

  test('models and tools say it in their own words', async () => {
    const prompt = { model: 'm', messages: [{ role: 'user', content: 'x'.repeat(14_000_000) }] };
    await limited(await post(llm, '/model/v1/chat/completions', prompt), 503, 'heldBytes');
    const short = { model: 'm', messages: [{ role: 'user', content: 'x' }] };
    await limited(await post(llm, '/model/v1/chat/completions', short), 503, 'heldBytes');
    const call = (given: string): object => ({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'read', arguments: { a: given } },
    });
    await limited(await post(mcp, '/tools', call('x'.repeat(14_000_000))), 503, 'heldBytes');
    await limited(await post(mcp, '/tools', call('x')), 503, 'heldBytes');
    await until(async () => (await held()) === 0, 'something is held still');
  });
});
