import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { serveSampleTools } from '../../src/server/sample-tools.ts';
import { runProgram } from './harness/clients.ts';
import { startConfigured } from './harness/gateway.ts';
import { freePorts, root } from './harness/place.ts';
import { covered } from './harness/wait.ts';

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers: [{ name: tools, role: grant, use: [{ module: tools }] }]
`,
  'modules/tools.policy.yaml': `
apiVersion: sallyport/v1
module: tools
about: Who may use tools.
owner: team:platform
rules:
  - { id: use, effect: allow, match: { resource: { kind: mcp } }, why: Everybody may., fix: Ask. }
`,
};

const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'canary-7781', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};
const listing = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } });

type Sent = readonly [
  status: number,
  why: RegExp,
  headers: Readonly<Record<string, string>>,
  body: string,
  path?: string,
];

const cases: Readonly<Record<string, Sent>> = {
  'a session that is not there': [404, /Session not found/, { 'mcp-session-id': 'canary-7781' }, ping],
  'no token': [401, /needs a token/, { authorization: '' }, ping],
  'a token that is none': [401, /token/, { authorization: 'Bearer canary-7781' }, ping],
  'another type': [415, /application\/json/, { 'content-type': 'text/plain' }, ping],
  'a revision that is none': [400, /another revision/, { 'mcp-protocol-version': 'canary-7781' }, ping],
  'a page of another site': [403, /origin/, { origin: 'https://canary-7781.example' }, ping],
  'a header that says another method': [
    400,
    /not as it says/,
    { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/canary' },
    listing,
  ],
  'an answer nobody asked for': [
    400,
    /Nobody asked/,
    {},
    '{"jsonrpc":"2.0","id":7,"result":{"a":"canary-7781"}}',
  ],
  'another path': [404, /no MCP endpoint/, {}, ping, '/canary-7781'],
};

test('what is turned away before anybody can be judged leaves an entry, and many alike leave few', async () => {
  await using tools = await serveSampleTools(0);
  const first = await freePorts(2);
  const gateway = await startConfigured({
    api: first,
    policy,
    text: `
listen: { api: 127.0.0.1:${first}, mcp: 127.0.0.1:${first + 1} }
policy: ./policy
identities: [{ subject: ann, kind: human }]
resources: [{ name: tools, kind: mcp, url: 'http://127.0.0.1:${tools.port}/mcp' }]
`,
  });
  try {
    const token = await gateway.token('ann');
    const send = ([, , headers, body, path = '']: Sent): Promise<Response> =>
      fetch(`http://127.0.0.1:${first + 1}/tools${path}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...(headers['authorization'] === '' ? {} : { authorization: `Bearer ${token}` }),
          ...Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== '')),
        },
        body,
      });
    for (const [name, sent] of Object.entries(cases)) {
      const answer = await send(sent);
      assert.equal(answer.status, sent[0], name);
      if (answer.status === 401)
        assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer .*resource_metadata="http/, name);
      await answer.text();
    }
    const often = cases['a session that is not there'];
    assert.ok(often !== undefined);
    for (let times = 0; times < 50; times++) await (await send(often)).text();
    await covered(gateway);
    const args = [join(root, 'src/cli/main.ts'), 'audit', 'export', '--data', join(gateway.home, 'data')];
    const { stdout, stderr } = await runProgram(process.execPath, args);
    const entries = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { readonly entry: Readonly<Record<string, unknown>> }).entry)
      .filter(({ kind }) => kind === 'sign-in.refused');
    for (const [name, [, why]] of Object.entries(cases)) {
      const found = entries.filter((entry) => why.test(String(entry['why'])));
      assert.ok(found.length >= 1, `${name} left no entry: ${JSON.stringify(entries)}${stderr}`);
      assert.ok(found.length <= 3, `${name} left ${found.length} entries`);
      assert.ok(
        found.every(({ resource }) => resource === 'tools' || resource === ''),
        name,
      );
    }
    assert.ok(!JSON.stringify(entries).includes('canary'), 'an entry holds something of a request');
  } finally {
    await gateway[Symbol.asyncDispose]();
  }
});
