import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { sampleCustomers } from './sample-data.ts';

/** A service that the demo runs on loopback; `close` ends it with all its connections. */
export interface SampleService extends AsyncDisposable {
  readonly port: number;
}

/** Serves `answer` on this port of 127.0.0.1. Rejects when the port is taken. */
export async function serveSample(
  port: number,
  answer: (request: SampleRequest, response: ServerResponse) => void,
): Promise<SampleService> {
  const server = createServer((request, response) => {
    void readBody(request).then(
      (body) => {
        const url = new URL(request.url ?? '/', 'http://127.0.0.1');
        answer(
          { method: request.method ?? 'GET', path: url.pathname, query: url.searchParams, body },
          response,
        );
      },
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return { port: portOf(server), [Symbol.asyncDispose]: () => closed(server) };
}

export interface SampleRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

const longestBody = 10_000_000;

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > longestBody) throw new RangeError('The body is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function portOf(server: Server): number {
  const address = server.address();
  return address !== null && typeof address === 'object' ? address.port : 0;
}

export function closed(server: Server): Promise<void> {
  const done = Promise.withResolvers<void>();
  server.close(() => done.resolve());
  server.closeAllConnections();
  return done.promise;
}

export function sayJson(response: ServerResponse, body: unknown, status: number = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** The demo's web service: the shop's customers as JSON. */
export function serveSampleWeb(port: number): Promise<SampleService> {
  const customers = sampleCustomers();
  return serveSample(port, ({ method, path, query, body }, response) => {
    const [, resource = '', id = '', more = ''] = path.split('/');
    if (path === '/')
      return sayJson(response, {
        service: 'shop',
        routes: ['/customers', '/customers/{id}', '/customers/{id}/notes'],
      });
    if (resource !== 'customers') return sayJson(response, { error: 'There is nothing here' }, 404);
    if (id === '') {
      const limit = Math.min(Math.max(Number(query.get('limit') ?? '20') || 20, 1), 1_000);
      return sayJson(response, { customers: customers.slice(0, limit), total: customers.length });
    }
    const found = customers[Number(id) - 1];
    if (found === undefined) return sayJson(response, { error: 'There is no such customer' }, 404);
    if (method === 'GET' && more === '') return sayJson(response, found);
    if (method === 'POST' && more === 'notes')
      return sayJson(response, { id: found.id, bytes: body.length }, 201);
    if (method === 'DELETE' && more === '') return sayJson(response, { deleted: found.id });
    return sayJson(response, { error: 'Not allowed' }, 405);
  });
}
