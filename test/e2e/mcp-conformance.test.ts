import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request as ask, type Server } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  assertTable,
  better,
  listed,
  passes,
  runSuite,
  said,
  type Seen,
  seenOf,
  tableOf,
} from './harness/conformance.ts';
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
      options: { withinMs: 300_000 },
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

  /** One column of the table each: scenario, and the two results. */
  const columns = new Map<string, Map<string, readonly [direct: Seen, through: Seen]>>();
  const cases = [
    { server: 'fixture', offset: 3, revision: '2025-06-18', least: 20 },
    { server: 'fixture', offset: 3, revision: '2025-11-25', least: 20 },
    { server: 'fixture', offset: 3, revision: '2026-07-28', least: 20 },
    { server: 'fixture', offset: 3, revision: 'extension', least: 0 },
    { server: 'everything', offset: 4, revision: '2025-11-25', least: 8 },
  ] as const;
  for (const { server, offset, revision, least } of cases) {
    test(`${server}, ${revision}: what passes directly passes through the gateway`, async () => {
      const wanted = [...(await listed('server'))].flatMap(([name, revisions]) =>
        revisions.includes(revision) ? [name] : [],
      );
      const both = async (): Promise<Both> => [
        await seen(`http://127.0.0.1:${first + offset}/mcp`, revision, folder.path),
        await seen(`http://127.0.0.1:${first + 2}/${server}`, revision, folder.path),
      ];
      let column = columnOf(wanted, await both());
      const [head = [], ...known] = tableOf('server scenarios');
      const place = head.indexOf(`${server}, ${revision}`);
      if (
        wanted.some((name) => cell(column.get(name)) !== known.find(([of]) => of === `\`${name}\``)?.[place])
      ) {
        const again = columnOf(wanted, await both());
        column = new Map(
          [...column].map(([name, [one, other]]) => {
            const [direct = one, through = other] = again.get(name) ?? [];
            return [name, [better(one, direct), better(other, through)]];
          }),
        );
      }
      columns.set(`${server}, ${revision}`, column);
      const all = [...column];
      const lost = all.filter(([, [one, other]]) => passes(one) && !passes(other));
      assert.deepEqual(lost, []);
      assert.deepEqual(
        all.filter(([, [one, other]]) => other.failed > one.failed),
        [],
      );
      const good = all.filter(([, [one]]) => passes(one)).length;
      assert.ok(good >= least, `only ${good} scenarios pass directly`);
      if (server === 'fixture' && revision >= '2025-11-25' && revision <= '2026-07-28') {
        const rebinding = column.get('dns-rebinding-protection')?.[1];
        assert.ok(rebinding !== undefined && passes(rebinding));
      }
    });
  }

  test('the page says what was seen, of every scenario that the suite lists', async () => {
    const rows = [...(await listed('server')).keys()].map((name) => [
      `\`${name}\``,
      ...[...columns.values()].map((column) => cell(column.get(name))),
    ]);
    for (const [name = '', ...cells] of rows)
      assert.ok(cells.some((each) => each !== ''), `${name} has not been run`); // prettier-ignore
    assertTable('server scenarios', ['scenario', ...columns.keys()], rows);
  });
});

type Both = readonly [direct: ReadonlyMap<string, Seen>, through: ReadonlyMap<string, Seen>];

function columnOf(
  wanted: readonly string[],
  [direct, through]: Both,
): Map<string, readonly [direct: Seen, through: Seen]> {
  const column = new Map<string, readonly [Seen, Seen]>();
  for (const name of wanted) {
    const [one, other] = [direct.get(name), through.get(name)];
    assert.ok(one !== undefined && other !== undefined, `${name} did not run`);
    column.set(name, [one, other]);
  }
  return column;
}

function cell(both: readonly [Seen, Seen] | undefined): string {
  if (both === undefined) return '';
  const [direct, through] = both.map(said);
  return direct === through ? String(direct) : `${direct} → ${through}`;
}

/** Extensions belong to no revision: they run where none is named. */
async function seen(url: string, revision: string, folder: string): Promise<ReadonlyMap<string, Seen>> {
  const version = revision === 'extension' ? [] : ['--spec-version', revision];
  return seenOf(await runSuite(['server', '--url', url, '--suite', 'all', '-o', folder, ...version]));
}

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
