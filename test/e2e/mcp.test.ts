import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { sampleCustomers } from '../../src/server/sample-data.ts';
import { serveSampleTools } from '../../src/server/sample-tools.ts';
import type { SampleService } from '../../src/server/sample-web.ts';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts, root, temporaryFolder } from './harness/place.ts';

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers:
  - { name: base, role: restrict, use: [{ module: masks }] }
  - { name: tools, role: grant, use: [{ module: tools }] }
record: full
`,
  'modules/tools.policy.yaml': `
apiVersion: sallyport/v1
module: tools
about: Who may use tools.
owner: team:platform
rules:
  - id: use
    effect: allow
    match: { resource: { kind: mcp } }
    why: Everybody may use tools.
    fix: Ask.
  - id: no-deletes
    effect: deny
    match: { resource: { kind: mcp }, action: mcp.call }
    when: 'action.tool == "delete_customer"'
    why: Nobody deletes customers with a tool.
    fix: Ask a person.
`,
  'modules/masks.policy.yaml': `
apiVersion: sallyport/v1
module: masks
about: What is hidden.
owner: team:platform
rules:
  - id: masks
    effect: require
    match: { resource: { kind: mcp } }
    then: { mask: [{ find: EMAIL_ADDRESS, with: redact }, { find: PHONE_NUMBER, with: redact }] }
    why: Personal data is masked.
    fix: Use ids.
`,
};

const seven = sampleCustomers()[6];
const email = seven?.email ?? '?';

describe('MCP through the gateway, with the official client', () => {
  let tools: SampleService;
  let gateway: Configured;
  let url = '';
  let token = '';
  const folder = temporaryFolder('mcp');

  before(async () => {
    tools = await serveSampleTools(0);
    writeFileSync(join(folder.path, 'note.txt'), `Ask ${email} first`);
    const first = await freePorts(2);
    gateway = await startConfigured({
      api: first,
      policy,
      text: `
listen: { api: 127.0.0.1:${first}, mcp: 127.0.0.1:${first + 1} }
policy: ./policy
identities:
  - { subject: analyst, kind: human, groups: [analysts] }
  - { subject: other, kind: human, groups: [analysts] }
resources:
  - name: tools
    kind: mcp
    url: http://127.0.0.1:${tools.port}/mcp
    credentials: { bearer: server-key }
  - name: many
    kind: mcp
    servers:
      shop: { url: 'http://127.0.0.1:${tools.port}/mcp' }
      memory: { command: [${process.execPath}, ${root}/node_modules/@modelcontextprotocol/server-memory/dist/index.js], env: { MEMORY_FILE_PATH: ${folder.path}/memory.jsonl } }
      files: { command: [${process.execPath}, ${root}/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js, ${folder.path}] }
`,
    });
    url = `http://127.0.0.1:${first + 1}/tools`;
    token = await gateway.token('analyst');
  });

  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await tools[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  for (const mode of ['legacy', 'auto'] as const) {
    const era = mode === 'legacy' ? '2025-11-25' : '2026-07-28';
    test(`${era}: lists, calls, reads; what is personal is masked, what is denied says why`, async () => {
      const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
      await client.connect(
        new StreamableHTTPClientTransport(new URL(url), {
          requestInit: { headers: { authorization: `Bearer ${token}` } },
        }),
      );
      try {
        const listed = await client.listTools();
        assert.deepEqual(
          listed.tools.map(({ name }) => name),
          ['get_customer'],
          'what is denied is not listed',
        );
        const called = await client.callTool({ name: 'get_customer', arguments: { id: 7 } });
        const said = JSON.stringify(called);
        assert.ok(said.includes(seven?.name ?? '?'));
        assert.ok(!said.includes(email), 'a value is not masked');
        assert.match(said, /\[EMAIL_ADDRESS\]/);
        const denied = await client.callTool({ name: 'delete_customer', arguments: { id: 7 } });
        assert.equal(denied.isError, true);
        assert.match(JSON.stringify(denied), /Nobody deletes customers with a tool.*tools\/no-deletes/);
        const bad = await client.callTool({ name: 'get_customer', arguments: { id: 7, all: true } });
        assert.equal(bad.isError, true);
        assert.match(JSON.stringify(bad), /schema/);
        const read = await client.readResource({ uri: 'shop://rules' });
        assert.match(JSON.stringify(read), /Questions go to \[EMAIL_ADDRESS\]/);
        assert.equal((await client.getPrompt({ name: 'greet' })).messages.length, 1);
      } finally {
        await client.close();
      }
    });
  }

  for (const mode of ['legacy', 'auto'] as const) {
    test(`several servers, two of them processes, behind one name (${mode})`, async () => {
      const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
      await client.connect(
        new StreamableHTTPClientTransport(new URL(url.replace('/tools', '/many')), {
          requestInit: { headers: { authorization: `Bearer ${token}` } },
        }),
      );
      try {
        const names = (await client.listTools()).tools.map(({ name }) => name);
        for (const name of ['shop__get_customer', 'memory__create_entities', 'files__read_text_file']) {
          assert.ok(names.includes(name), `${name} is not listed`);
        }
        assert.ok(!names.includes('shop__delete_customer'), 'what is denied is listed');
        const note = await client.callTool({
          name: 'files__read_text_file',
          arguments: { path: join(folder.path, 'note.txt') },
        });
        assert.match(JSON.stringify(note), /Ask \[EMAIL_ADDRESS\] first/);
        const entity = { name: `e-${mode}`, entityType: 'test', observations: [`Write to ${email}`] };
        await client.callTool({ name: 'memory__create_entities', arguments: { entities: [entity] } });
        const graph = JSON.stringify(await client.callTool({ name: 'memory__read_graph', arguments: {} }));
        assert.match(graph, /Write to \[EMAIL_ADDRESS\]/);
        assert.ok(!graph.includes(email));
        const read = await client.readResource({ uri: 'shop+shop://rules' });
        assert.equal(read.contents[0]?.uri, 'shop+shop://rules');
        const denied = await client.callTool({ name: 'shop__delete_customer', arguments: { id: 1 } });
        assert.equal(denied.isError, true);
        const nowhere = await client.callTool({ name: 'nowhere__get', arguments: {} });
        assert.equal(nowhere.isError, true);
      } finally {
        await client.close();
      }
    });
  }

  test('whoever has no token learns where to look; a session and a token of another kind are worth nothing', async () => {
    const say = (more: Readonly<Record<string, string>>, body: unknown): Promise<Response> =>
      fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...more,
        },
        body: JSON.stringify(body),
      });
    const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
    const challenged = await say({}, ping);
    assert.equal(challenged.status, 401);
    const at =
      /resource_metadata="([^"]+)"/.exec(challenged.headers.get('www-authenticate') ?? '')?.[1] ?? '';
    const metadata = (await (await fetch(at)).json()) as { readonly resource: string };
    assert.equal(metadata.resource, url);
    const signed = { authorization: `Bearer ${token}` };
    assert.equal((await say({ ...signed, 'mcp-session-id': 'guessed' }, ping)).status, 404);
    assert.equal((await say({ ...signed, origin: 'http://evil.example' }, ping)).status, 403);
    assert.equal((await say({ authorization: 'Bearer server-key' }, ping)).status, 401);
    assert.equal((await say(signed, [ping])).status, 400);
    const answered = await say(signed, { jsonrpc: '2.0', id: 9, result: {} });
    assert.equal(answered.status, 400, 'an answer nobody asked for is taken');
  });
});
