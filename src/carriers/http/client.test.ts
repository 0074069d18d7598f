import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { realWorld } from '../../base/time.ts';
import { usual } from '../../http/patience.ts';
import { dialTcp } from '../tcp.ts';
import { httpClient } from './client.ts';

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
    dial: (address, signal) => dialTcp(address, signal, 5_000),
    patience: usual.service,
    world: realWorld,
  });
  const ask = async (method: string): Promise<number> => {
    const answer = await client.call({ method, path: '/', fields: [], signal: AbortSignal.timeout(10_000) });
    for await (const _ of answer.body);
    return answer.status;
  };
  for (const method of ['GET', 'GET', 'POST', 'GET']) {
    assert.equal(await ask(method), 200);
    if (ports.length === 2) assert.equal(ports[0], ports[1], 'a connection is kept');
    if (ports.length < 2) continue;
    server.closeIdleConnections();
    await sleep(50); // until the end has come
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
      dial: (address, signal) => dialTcp(address, signal, 5_000),
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
