import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts } from './harness/place.ts';

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers:
  - { name: base, role: restrict, use: [{ module: egress }] }
  - { name: all, role: grant, use: [{ module: all }] }
`,
  'modules/all.policy.yaml': `
apiVersion: sallyport/v1
module: all
about: Who may do what.
owner: team:platform
rules:
  - { id: use, effect: allow, match: { resource: { kind: [http, llm, mcp] } }, why: Everybody may., fix: Ask. }
`,
  'modules/egress.policy.yaml': `
apiVersion: sallyport/v1
module: egress
about: What goes out.
owner: team:platform
rules:
  - id: out
    effect: require
    match: { resource: { name: [sink, model, tools] }, action: [http.request, llm.complete, mcp.call] }
    when: '"untrusted" in session.saw && "private" in session.saw && action.access != "read" || "untrusted" in session.saw && "private" in session.saw && resource.name == "model"'
    then: { approve: { from: [leads] } }
    why: A run that has read both asks a person before anything goes out.
    fix: Begin a new run, or wait for a person.
`,
};

/** A service, a model and a tool server in one. */
function serveAll(sent: string[]): Promise<Server> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => {
      const text = Buffer.concat(chunks).toString();
      const message =
        text === '' ? {} : (JSON.parse(text) as { id?: number; method?: string; params?: { name?: string } });
      if (request.method === 'POST' && message.method !== 'tools/list')
        sent.push(`${request.url} ${message.params?.name ?? ''}`);
      const tools = ['read_secret', 'send'].map((name) => ({ name, inputSchema: { type: 'object' } }));
      const result =
        message.method === 'tools/list' ? { tools } : { content: [{ type: 'text', text: 'done' }] };
      const body =
        request.url?.startsWith('/mcp') === true
          ? { jsonrpc: '2.0', id: message.id, result }
          : { choices: [{ index: 0, message: { content: 'Hi' }, finish_reason: 'stop' }] };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

const heldMs = 25_000;

describe('what a run has seen holds what it sends, over all protocols', () => {
  const sent: string[] = [];
  let upstream: Server;
  let gateway: Configured;
  let first = 0;
  let token = '';
  let other = '';

  before(async () => {
    upstream = await serveAll(sent);
    const at = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
    first = await freePorts(4);
    gateway = await startConfigured({
      api: first,
      policy,
      text: `
listen: { api: 127.0.0.1:${first}, http: 127.0.0.1:${first + 1}, llm: 127.0.0.1:${first + 2}, mcp: 127.0.0.1:${first + 3} }
policy: ./policy
identities:
  - { subject: ann, kind: human, groups: [people] }
  - { subject: lead, kind: human, groups: [leads] }
  - { subject: bot, kind: agent, actingFor: ann }
resources:
  - { name: web, kind: http, url: '${at}/web', tags: [untrusted] }
  - { name: sink, kind: http, url: '${at}/sink' }
  - { name: model, kind: llm, url: '${at}' }
  - { name: tools, kind: mcp, url: '${at}/mcp', tools: { read_secret: { access: read, shows: [private] }, send: { access: write } } }
`,
    });
    [token, other] = [await gateway.token('bot'), await gateway.token('bot')];
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    upstream.close();
    upstream.closeAllConnections();
  });

  const ask = async (port: number, path: string, body: object | undefined, as: string): Promise<string> => {
    // A model's client is not told while it waits, and has no ticket: who got no answer is held.
    const answer = await fetch(`http://127.0.0.1:${first + port}/${path}`, {
      signal: AbortSignal.timeout(heldMs),
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${as}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        prefer: 'respond-async',
        'mcp-protocol-version': '2025-11-25',
        'sallyport-run': `run-${as.slice(-6).replaceAll(/\W/g, 'x')}`,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      if (error instanceof Error && error.name === 'TimeoutError') return undefined;
      throw error;
    });
    if (answer === undefined) return 'REVIEW_PENDING: it waits';
    return `${answer.status} ${await answer.text()}`;
  };
  const tool = (name: string, as: string): Promise<string> =>
    ask(3, 'tools', { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } }, as);
  const outs: Readonly<Record<string, (as: string) => Promise<string>>> = {
    'a service': (as) => ask(1, 'sink/x', { a: 1 }, as),
    'a model': (as) => ask(2, 'model/v1/chat/completions', { model: 'm', messages: [] }, as),
    'a tool': (as) => tool('send', as),
  };

  test('one kind alone holds nothing; both hold everything that goes out, and nothing of it is sent', async () => {
    for (const [name, out] of Object.entries(outs))
      assert.doesNotMatch(await out(token), /REVIEW_PENDING/, name);
    assert.match(await ask(1, 'web/news', undefined, token), /^200/);
    for (const [name, out] of Object.entries(outs))
      assert.doesNotMatch(await out(token), /REVIEW_PENDING/, name);
    assert.match(await tool('read_secret', token), /done/);
    const before = sent.length;
    for (const [name, out] of Object.entries(outs))
      assert.match(await out(token), /REVIEW_PENDING|pending_approval/, name);
    assert.equal(sent.length, before, 'something was sent');
    assert.match(await tool('read_secret', token), /done/, 'reading goes on');
    for (const [name, out] of Object.entries(outs))
      assert.doesNotMatch(await out(other), /REVIEW_PENDING|pending_approval/, `${name}, another token`);
  });
});
