import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readFromApi } from './records-api.ts';

const size = 5;
let asked: string[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;
const server = createServer((request, response) => {
  asked.push(`${request.url ?? ''} ${request.headers.authorization ?? ''}`);
  answer(request, response);
});
let base = '';
let folder = '';

before(async () => {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  folder = await mkdtemp(join(tmpdir(), 'sallyport-records-'));
  process.env['SALLYPORT_TOKEN'] = 't0ken';
});
after(async () => {
  server.closeAllConnections();
  server.close();
  delete process.env['SALLYPORT_TOKEN'];
  await rm(folder, { recursive: true });
});

function pages(request: IncomingMessage, response: ServerResponse): void {
  const from = Number(new URL(request.url ?? '', base).searchParams.get('after'));
  const entries = [from, from + 1]
    .filter((index) => index < size)
    .map((index) => ({ index, entry: { kind: 'decision', id: `s.${index}` } }));
  response.end(JSON.stringify({ entries, next: Math.min(size, from + 2), size }));
}

async function read(keep?: string, most: number = Infinity): Promise<readonly unknown[]> {
  asked = [];
  const found: unknown[] = [];
  for await (const each of readFromApi(base, () => undefined, keep)) {
    found.push(...each.map(({ id }) => id));
    if (found.length >= most) break;
  }
  return found;
}

const all = ['s.0', 's.1', 's.2', 's.3', 's.4'];

test('reads page after page with the token', async () => {
  answer = pages;
  assert.deepEqual(await read(), all);
  assert.deepEqual(
    asked,
    [0, 2, 4].map((from) => `/api/v1/decisions?after=${from} Bearer t0ken`),
  );
});

test('a gateway that fails for a moment is asked again', async () => {
  let failures = 2;
  answer = (request, response) => {
    if (failures-- > 0) response.writeHead(503).end('{"detail":"in a moment"}');
    else pages(request, response);
  };
  assert.deepEqual(await read(), all);
});

test('with --keep an interrupted run goes on where it ended, also after half a line', async () => {
  answer = pages;
  const keep = join(folder, 'kept.jsonl');
  assert.deepEqual(await read(keep, 3), all.slice(0, 4));
  await writeFile(keep, `${await readFile(keep, 'utf8')}{"index":4,"en`);
  assert.deepEqual(await read(keep), all);
  assert.deepEqual(
    asked.map((each) => each.split(' ')[0]),
    ['/api/v1/decisions?after=4'],
  );
  assert.deepEqual(await read(keep), all);
  assert.equal((await readFile(keep, 'utf8')).trimEnd().split('\n').length, 1 + size);
  await writeFile(keep, '{"from":"https://other"}\n');
  await assert.rejects(read(keep), /was not kept from/);
});

for (const [what, status, body, said] of [
  ['no right', 403, '{"detail":"No rule allows it"}', /403: No rule allows it.*record\.read/],
  ['another server', 200, '<html>', /does not answer as a gateway/],
  ['a page that is none', 200, '{"entries":[1],"next":1,"size":1}', /does not answer as a gateway/],
  ['a gateway that stands still', 200, '{"entries":[],"next":0,"size":9}', /does not go on/],
] as const) {
  test(`says what is wrong: ${what}`, async () => {
    answer = (_, response) => response.writeHead(status).end(body);
    await assert.rejects(read(), said);
  });
}

test('a token does not go over plain HTTP to another machine', async () => {
  const reading = readFromApi('http://gateway.example', () => undefined, undefined);
  await assert.rejects(reading.next(), /use https/);
});
