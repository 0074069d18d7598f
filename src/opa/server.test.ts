import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { realWorld } from '../base/time.ts';
import type { Opinion } from '../core/ports.ts';
import { serverEngine } from './server.ts';

type Answer = (response: ServerResponse, body: string, request: IncomingMessage) => void;

async function served(answer: Answer): Promise<AsyncDisposable & { readonly url: URL }> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => answer(response, body, request));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: new URL(`http://127.0.0.1:${port}/`),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function asked(url: URL, deadlineMs = 60_000): Promise<Opinion> {
  return serverEngine(realWorld)({ url, entrypoint: 'gate/decision', deadlineMs })('{"a":1}');
}

test('a server is asked by its data API', async () => {
  const seen: string[] = [];
  await using opa = await served((response, body, { method, url }) => {
    seen.push(`${method} ${url} ${body}`);
    response.end('{"result":{"allow":true},"decision_id":"x"}');
  });
  assert.deepEqual(await asked(opa.url), { kind: 'said', json: '{"allow":true}' });
  assert.deepEqual(await asked(new URL('behind/', opa.url)), { kind: 'said', json: '{"allow":true}' });
  assert.deepEqual(seen, [
    'POST /v1/data/gate/decision {"input":{"a":1}}',
    'POST /behind/v1/data/gate/decision {"input":{"a":1}}',
  ]);
});

const failures: readonly (readonly [string, RegExp, Answer])[] = [
  ['an error', /status 500/, (response) => void response.writeHead(500).end('{"result":true}')],
  ['a refusal', /status 401/, (response) => void response.writeHead(401).end('{"result":true}')],
  [
    'a redirect',
    /status 307/,
    (response) => void response.writeHead(307, { location: '/v1/data/gate/decision?again' }).end(),
  ],
  ['garbage', /no JSON/, (response) => void response.end('{"result":tru')],
  [
    'what is not UTF-8',
    /no JSON/,
    (response) => void response.end(Buffer.from('{"result":"\xff"}', 'latin1')),
  ],
  ['an undefined result', /no result/, (response) => void response.end('{}')],
  ['a list', /no result/, (response) => void response.end('[true]')],
  ['a huge answer', /more than/, (response) => void response.end(`{"result":"${'x'.repeat(2_000_000)}"}`)],
  [
    'an answer that breaks off',
    /cannot be reached/,
    (response) => void response.write('{"res', () => response.destroy()),
  ],
];
for (const [name, why, answer] of failures) {
  test(`${name} is a failure`, async () => {
    await using opa = await served(answer);
    const opinion = await asked(opa.url);
    assert.ok(opinion.kind === 'failed', JSON.stringify(opinion));
    assert.match(opinion.why, why);
  });
}

test('a server that is silent, or slow to the end, is not waited for', async () => {
  for (const answer of [() => undefined, (response: ServerResponse) => void response.write('{"result":')]) {
    await using opa = await served(answer);
    const opinion = await asked(opa.url, 40);
    assert.ok(opinion.kind === 'failed' && opinion.why.includes('40 ms'), JSON.stringify(opinion));
  }
});

test('a server that is down is a failure', async () => {
  const opinion = await asked(new URL('http://127.0.0.1:2/')); // one that somebody has just left may be taken again
  assert.ok(opinion.kind === 'failed' && opinion.why.includes('cannot be reached'), JSON.stringify(opinion));
});
