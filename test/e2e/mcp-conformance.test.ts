import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request as ask, type Server } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts, root, temporaryFolder } from './harness/place.ts';

// Everything is allowed and nothing masked: what the protocol loses on its way is the gateway's fault.
const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers: [{ name: tools, role: grant, use: [{ module: tools }] }]
record: meta
`,
  'modules/tools.policy.yaml': `
apiVersion: sallyport/v1
module: tools
about: Who may use tools.
owner: team:platform
rules:
  - { id: use, effect: allow, match: { resource: { kind: mcp } }, why: Everybody may use tools., fix: Ask. }
`,
};

const suite = join(root, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
const everything = join(root, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');
const fixture = join(root, 'test/e2e/clients/mcp-fixture.ts');

describe('the conformance suite of MCP, directly and through the gateway', () => {
  const folder = temporaryFolder('mcp-conformance');
  const servers: ChildProcess[] = [];
  let gateway: Configured;
  let shim: Server;
  let first = 0;

  before(async () => {
    first = await freePorts(5);
    servers.push(
      spawn(process.execPath, [fixture, String(first + 3)], { stdio: 'ignore' }),
      spawn(process.execPath, [everything, 'streamableHttp'], {
        stdio: 'ignore',
        env: { ...process.env, PORT: String(first + 4) },
      }),
    );
    gateway = await startConfigured({
      api: first,
      policy,
      options: { withinMs: 120_000 },
      text: `
listen: { api: 127.0.0.1:${first}, mcp: 127.0.0.1:${first + 1} }
policy: ./policy
identities: [{ subject: analyst, kind: human, groups: [analysts] }]
resources:
  - { name: fixture, kind: mcp, url: 'http://127.0.0.1:${first + 3}/mcp', allow: [sampling, elicitation, roots] }
  - { name: everything, kind: mcp, url: 'http://127.0.0.1:${first + 4}/mcp', allow: [sampling, elicitation, roots] }
`,
    });
    const token = await gateway.token('analyst');
    shim = signingIn(first + 1, token).listen(first + 2, '127.0.0.1');
    await once(shim, 'listening');
    for (const port of [first + 3, first + 4]) await answers(port);
  });

  after(async () => {
    shim.close();
    shim.closeAllConnections();
    for (const server of servers) server.kill();
    await gateway[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const cases = [
    { server: 'fixture', offset: 3, revision: '2025-11-25', least: 20 },
    { server: 'fixture', offset: 3, revision: '2026-07-28', least: 20 },
    { server: 'everything', offset: 4, revision: '2025-11-25', least: 8 },
  ] as const;
  for (const { server, offset, revision, least } of cases) {
    test(`${server}, ${revision}: what passes directly passes through the gateway`, async () => {
      const direct = await passed(`http://127.0.0.1:${first + offset}/mcp`, revision, folder.path);
      const through = await passed(`http://127.0.0.1:${first + 2}/${server}`, revision, folder.path);
      const lost = [...direct].filter((name) => !through.has(name));
      assert.ok(direct.size >= least, `only ${direct.size} scenarios pass directly`);
      assert.deepEqual(lost, []);
      if (revision === '2025-11-25') assert.ok(through.has('dns-rebinding-protection'));
    });
  }
});

/** The suite cannot sign in: this adds the token and changes nothing else. */
function signingIn(port: number, token: string): Server {
  return createServer((request, response) => {
    const raw = [...request.rawHeaders, 'authorization', `Bearer ${token}`];
    const onward = ask({
      port,
      host: '127.0.0.1',
      method: request.method,
      path: request.url,
      headers: raw,
      setHost: false,
    });
    onward.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      response.flushHeaders();
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
}

async function answers(port: number): Promise<void> {
  for (let tries = 0; tries < 1_200; tries++) {
    const there = await fetch(`http://127.0.0.1:${port}/mcp`, { method: 'DELETE' }).then(
      () => true,
      () => false,
    );
    if (there) return;
    await sleep(100);
  }
  throw new Error(`Nothing answers on port ${port}`);
}

/** The scenarios without a failed check. */
async function passed(url: string, revision: string, folder: string): Promise<ReadonlySet<string>> {
  const run = spawn(
    process.execPath,
    [suite, 'server', '--url', url, '--suite', 'all', '--spec-version', revision, '-o', folder],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  let text = '';
  for await (const chunk of run.stdout) text += String(chunk);
  if (process.env['MCP_SHOW'] !== undefined) process.stderr.write(text);
  return new Set(
    [...text.matchAll(/^✓ ([\w-]+): [1-9]\d* passed, 0 failed$/gm)].map(([, name = '']) => name),
  );
}
