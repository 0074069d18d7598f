import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Demo, startDemo } from './harness/gateway.ts';

interface Answer {
  readonly status: number;
  readonly error?: { readonly code: number; readonly message: string };
  readonly result?: { readonly isError?: boolean; readonly structuredContent?: Record<string, unknown> };
}

const awkward: readonly unknown[] = [
  '', 'a\0b', '/\ud800', '..', '/\n', '\u202e', 'x'.repeat(300_000), '__proto__', '"; DROP TABLE orders; --', -1, 1e308, null, [[[]]], ['\0'],
  { a: { b: '\0' } }, { 'x-a': '\ud800' }, { '\0': 'a' },
]; // prettier-ignore

/** What a call looks like that could be right, by the tool's own schema. */
const usual: Readonly<Record<string, unknown>> = {
  resource: 'shop',
  sql: 'SELECT 1',
  path: '/customers/7',
  model: 'demo-1',
  prompt: 'Hello',
  action: 'SELECT 1',
  review: 'rev_0000000000',
  decision: 'x.1',
  seconds: 0,
};
const kindOf: Readonly<Record<string, string>> = {
  http_request: 'web',
  ask_model: 'model',
  call_tool: 'tools',
};

describe("the gateway's own tools answer whatever they are called with", () => {
  let demo: Demo;
  before(async () => {
    demo = await startDemo();
  });
  after(() => demo[Symbol.asyncDispose]());

  const call = async (name: string, given: unknown): Promise<Answer> => {
    const { gateway } = demo.ready.resources as unknown as { readonly gateway: { readonly url: string } };
    const response = await fetch(gateway.url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${demo.ready.identities.agent.token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': name,
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: {
          name,
          arguments: given,
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        },
      }),
    });
    const text = await response.text();
    const data = text.startsWith('{') ? text : (/^data: (\{.*)$/m.exec(text)?.[1] ?? '{}');
    return { ...(JSON.parse(data) as Answer), status: response.status };
  };

  test('a text that no database can hold is refused in words', async () => {
    for (const sql of ["SELECT 'a\0b'", "SELECT '\ud800'"]) {
      const { result } = await call('query_database', { resource: 'shop', sql });
      assert.equal(result?.isError, true);
      assert.match(JSON.stringify(result), /NUL character, or half of one/);
    }
  });

  test('each of several statements has its own columns', async () => {
    const sql = 'SELECT 1 AS a, 2 AS b; SELECT 3 AS c';
    const { result } = await call('query_database', { resource: 'shop', sql });
    assert.deepEqual(result?.structuredContent?.['results'], [
      { columns: ['a', 'b'], rows: [['1', '2']], tag: 'SELECT 1' },
      { columns: ['c'], rows: [['3']], tag: 'SELECT 1' },
    ]);
  });

  test('headers of hops, hosts, parts and signing in are not an agent’s to send; ids of decisions are no paths', async () => {
    const bad =
      'Proxy-Authorization X-Forwarded-For X-Forwarded-Host X-Real-IP Forwarded Range If-Range Host Cookie Via Origin X-HTTP-Method-Override';
    for (const name of bad.split(' ')) {
      const { result } = await call('http_request', {
        resource: 'web',
        path: '/customers/7',
        headers: { [name]: 'x' },
      });
      assert.match(JSON.stringify(result), /may not be sent from here/, name);
    }
    const plain = await call('http_request', {
      resource: 'web',
      path: '/customers/7',
      headers: { 'X-Request-Id': 'a', accept: 'application/json' },
    });
    assert.match(JSON.stringify(plain.result), /"status":200/);
    for (const decision of ['.', '..', 'a/../b', 'x'])
      assert.equal((await call('explain_denial', { decision })).result?.isError, true, decision);
  });

  test('hundreds of awkward calls', async () => {
    const { ownTools } = await import('../../src/protocols/mcp/own/tools.ts');
    const bad: string[] = [];
    const jobs: [string, unknown][] = [];
    for (const { name, input, required } of ownTools) {
      const keys = Object.keys(input);
      const base = Object.fromEntries(
        required.map((key) => [key, key === 'resource' ? (kindOf[name] ?? 'shop') : usual[key]]),
      );
      const calls: unknown[] = [undefined, null, 'x', 7, [], {}, { unknown: 1 }, { ...base, unknown: 1 }];
      for (const key of keys) for (const value of awkward) calls.push({ ...base, [key]: value });
      for (const given of calls) jobs.push([name, given]);
    }
    const work = async (): Promise<void> => {
      for (let job = jobs.pop(); job !== undefined; job = jobs.pop()) {
        const [name, given] = job;
        const { error, result, status } = await call(name, given);
        const ok = result !== undefined || [-32_602, -32_600, -32_700].includes(error?.code ?? 0);
        if (!ok) bad.push(`${name} ${JSON.stringify(given)?.slice(0, 120)}: ${status} ${error?.code}`);
      }
    };
    await Promise.all(Array.from({ length: 6 }, work));
    assert.deepEqual(bad, []);
  });
});
