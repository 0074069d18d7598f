import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcp, type Server } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { realWorld } from '../../base/time.ts';
import { usual } from '../../http/patience.ts';
import { dialTcp } from '../tcp.ts';
import { type HttpClient, httpClient } from './client.ts';

test('httpClient() leaves a kept connection that its server has given up, also after a POST', async () => {
  const ports: (number | undefined)[] = [];
  const server = createServer((request, response) => {
    ports.push(request.socket.remotePort);
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await using client = httpClient({
    address: `127.0.0.1:${port}`,
    dial: (address, signal) => dialTcp(address, signal, 60_000),
    patience: usual.service,
    world: realWorld,
  });
  const ask = async (method: string): Promise<number> => {
    const answer = await client.call({ method, path: '/', fields: [], signal: AbortSignal.timeout(100_000) });
    for await (const _ of answer.body);
    return answer.status;
  };
  for (const method of ['GET', 'GET', 'POST', 'GET']) {
    assert.equal(await ask(method), 200);
    if (ports.length === 2) assert.equal(ports[0], ports[1], 'a connection is kept');
    if (ports.length < 2) continue;
    server.closeIdleConnections();
    await sleep(50);
    await new Promise(setImmediate); // until the end has come: after a pause timers run before what has come is read
  }
  assert.equal(new Set(ports).size, 3);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('httpClient() survives a request that is given up when its answer is here already', async () => {
  const server = createServer((_request, response) => response.end('{}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const unheard: unknown[] = [];
  const hear = (thrown: unknown): void => void unheard.push(thrown);
  process.on('uncaughtException', hear);
  try {
    await using client = httpClient({
      address: `127.0.0.1:${port}`,
      dial: (address, signal) => dialTcp(address, signal, 60_000),
      patience: usual.service,
      world: realWorld,
    });
    for (let times = 0; times < 20; times++) {
      const given = new AbortController();
      const { body } = await client.call({ method: 'GET', path: '/', fields: [], signal: given.signal });
      if (times % 2 === 0) await sleep(5); // all of it is here
      if (times % 4 === 0) (body as { readonly arrived?: () => unknown }).arrived?.();
      given.abort();
    }
    await sleep(50);
    assert.deepEqual(unheard, []);
  } finally {
    process.off('uncaughtException', hear);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

describe('httpClient() and a server that says more than its answer', () => {
  const short = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
  const stray = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nSTRAY';
  const answers: Readonly<Record<string, string>> = {
    '/answer': short,
    '/head': 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n',
    '/none': 'HTTP/1.1 204 No Content\r\nContent-Length: 50\r\n\r\n',
    '/chunks': 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n',
    '/099': 'HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nhi',
    '/101': 'HTTP/1.1 101 Odd\r\n\r\n',
    '/999': 'HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nhi',
  };
  let server: Server;
  let client: HttpClient;
  const asked: { path: string; port: number | undefined }[] = [];
  let gone: Promise<void> = Promise.resolve(); // the connection that was made last

  before(async () => {
    server = createTcp((socket) => {
      socket.setNoDelay(true);
      gone = new Promise((resolve) => socket.on('error', () => undefined).on('close', () => resolve()));
      socket.on('data', (bytes) => {
        const path = bytes.toString().split(' ')[1] ?? '';
        asked.push({ path, port: socket.remotePort });
        socket.write(answers[path] ?? short);
        if (path !== '/next') void sleep(path === '/answer' ? 1 : 5).then(() => socket.write(stray));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    client = httpClient({
      address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      dial: (address, signal) => dialTcp(address, signal, 60_000),
      patience: usual.service,
      world: realWorld,
    });
  });
  after(async () => {
    await client[Symbol.asyncDispose]();
    await new Promise((resolve) => server.close(resolve));
  });

  const ask = async (path: string, method: string = 'GET', readAfterMs: number = 0): Promise<string> => {
    const { body } = await client.call({ method, path, fields: [], signal: AbortSignal.timeout(100_000) });
    await sleep(readAfterMs);
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };

  for (const [what, path, method, waits, readAfterMs] of [
    ['behind an answer, while the connection is kept', '/answer', 'GET', true, 0],
    ['behind an answer, before that was read', '/answer', 'GET', true, 30],
    ['a body for HEAD', '/head', 'HEAD', false, 0],
    ['a body where none may be', '/none', 'GET', false, 0],
    ['chunks where none may be', '/chunks', 'GET', false, 0],
  ] as const) {
    test(`${what}: nobody is answered with it`, async () => {
      await ask(path, method, readAfterMs);
      // Nobody can know what was not sent yet: it is seen while the connection rests.
      if (waits) await gone;
      assert.equal(await ask('/next'), 'hi');
      const [first, second] = asked.slice(-2);
      assert.notEqual(first?.port, second?.port, 'its connection is given up');
    });
  }

  for (const path of ['/099', '/101', '/999']) {
    test(`a status that there is not is no answer: ${path}`, () =>
      assert.rejects(ask(path), { code: 'upstream-closed' }));
  }
});
