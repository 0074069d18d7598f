import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts } from './harness/place.ts';
import { until } from './harness/wait.ts';

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers: [{ name: web, role: grant, use: [{ module: web }] }]
record: statements
`,
  'modules/web.policy.yaml': `
apiVersion: sallyport/v1
module: web
about: Who may use the service.
owner: team:platform
rules: [{ id: use, effect: allow, match: { resource: { kind: http } }, why: Everybody may., fix: Ask. }]
`,
};

/** So many connections to a resource one identity may have at once. */
const share = 256;

describe('clients that ask over HTTP/2 and never open a window for the answers', () => {
  let server: Server;
  let gateway: Configured;
  let port = 0;
  let endless = 0;
  const sessions: ClientHttp2Session[] = [];

  before(async () => {
    server = createServer((request, response) => {
      request.resume();
      if (request.url !== '/endless') return response.end('{}');
      endless++;
      response.on('close', () => endless--);
      response.setHeader('content-type', 'application/octet-stream');
      const block = Buffer.alloc(65_536);
      const go = (): void => {
        while (response.write(block));
      };
      response.on('drain', go);
      return go();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const first = await freePorts(2);
    port = first + 1;
    gateway = await startConfigured({
      api: first,
      policy,
      text: `
listen: { api: 127.0.0.1:${first}, http: 127.0.0.1:${port} }
policy: ./policy
limits: { connectSeconds: 100 }
identities: [{ subject: ana, kind: human }, { subject: bob, kind: human }]
resources: [{ name: web, kind: http, url: 'http://127.0.0.1:${(server.address() as AddressInfo).port}' }]
`,
    });
  });
  after(async () => {
    for (const session of sessions) session.destroy();
    await gateway[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
  });

  const ask = async (path: string, as: string, times = 1): Promise<readonly ClientHttp2Stream[]> => {
    const session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } });
    sessions.push(session);
    session.on('error', () => undefined);
    const token = await gateway.token(as);
    return Array.from({ length: times }, () => {
      const stream = session.request({ ':path': path, authorization: `Bearer ${token}` });
      return stream.on('error', () => undefined);
    });
  };

  test('one of them leaves connections to the resource for others', async () => {
    for (let at = 0; at < 3; at++) await ask('/web/endless', 'ana', 100);
    await until(
      () => endless >= share,
      () => `${endless} answers are held`,
    );
    const answer = await fetch(`http://127.0.0.1:${port}/web/`, {
      headers: { authorization: `Bearer ${await gateway.token('bob')}` },
    });
    assert.equal(answer.status, 200);
    assert.equal(endless, share);
  });
});
