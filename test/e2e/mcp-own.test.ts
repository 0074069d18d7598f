import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import pg from 'pg';
import { type Demo, type IdentityName, type Shop, startDemo } from './harness/gateway.ts';
import { until } from './harness/wait.ts';

interface Told {
  readonly isError?: boolean | undefined;
  readonly structuredContent?: Record<string, unknown> | undefined;
}

describe("the gateway's own tools: an agent with nothing but MCP", () => {
  let demo: Demo;
  const clients: Client[] = [];

  before(async () => {
    demo = await startDemo();
  });
  after(async () => {
    for (const client of clients) await client.close();
    await demo[Symbol.asyncDispose]();
  });

  const connected = async (
    as: IdentityName,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Client> => {
    const { gateway } = demo.ready.resources as unknown as { readonly gateway: { readonly url: string } };
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(
      new StreamableHTTPClientTransport(new URL(gateway.url), {
        requestInit: { headers: { authorization: `Bearer ${demo.ready.identities[as].token}`, ...more } },
      }),
    );
    clients.push(client);
    return client;
  };
  const use = async (client: Client, name: string, given: Record<string, unknown> = {}): Promise<Told> =>
    (await client.callTool({ name, arguments: given })) as Told;

  test('there are at most 14, and none approves or administers', async () => {
    const { tools } = await (await connected('agent')).listTools();
    assert.ok(tools.length <= 14 && tools.length > 10, String(tools.length));
    for (const { name } of tools) assert.doesNotMatch(name, /approve|refuse|policy|kill|token|admin/);
  });

  test('it reads a database, masked, as itself, and is told why it may not write', async () => {
    const agent = await connected('agent', { 'sallyport-run': 'turn-7' });
    const listed = await use(agent, 'list_resources');
    assert.match(JSON.stringify(listed), /"shop".*"query_database"/);
    const read = await use(agent, 'query_database', {
      resource: 'shop',
      sql: 'SELECT id, name, email, ssn FROM customers WHERE id = $1',
      params: [7],
    });
    assert.equal(read.isError, undefined, JSON.stringify(read));
    const [row] = (read.structuredContent?.['rows'] ?? []) as string[][];
    assert.equal(row?.[0], '7');
    assert.doesNotMatch(JSON.stringify(read), /\d{3}-\d{2}-\d{4}/);
    assert.match(JSON.stringify(read), /REDACTED|\*|\[/);
    const denied = await use(agent, 'query_database', { resource: 'shop', sql: 'DELETE FROM orders' });
    assert.equal(denied.isError, true);
    const { denial } = denied.structuredContent as { readonly denial: Record<string, string> };
    assert.equal(denial['rule'], 'agents/agents-never-write');
    const explained = await use(agent, 'explain_denial', { decision: denial['decisionId'] });
    assert.match(JSON.stringify(explained), /DELETE FROM orders.*agents\/agents-never-write/);
    const limited = await use(agent, 'query_database', { resource: 'shop', sql: 'SELECT * FROM orders' });
    assert.equal(limited.isError, true, 'the limit of rows holds');
    // The record says the same as of a native client: a session of its own, with the run.
    const sessions = (await (
      await fetch(`${demo.ready.api}/api/v1/sessions?limit=10`, {
        headers: { authorization: `Bearer ${demo.ready.identities.agent.token}` },
      })
    ).json()) as readonly { readonly kind: string; readonly run?: string }[];
    assert.ok(
      sessions.some(({ kind, run }) => kind === 'postgres' && run === 'turn-7'),
      JSON.stringify(sessions),
    );
  });

  test('it describes tables, checks before it tries, calls a service, a model and another server', async () => {
    const agent = await connected('agent');
    const tables = await use(agent, 'describe_database', { resource: 'shop' });
    assert.match(JSON.stringify(tables), /customers/);
    const columns = await use(agent, 'describe_database', { resource: 'shop', table: 'public.customers' });
    assert.match(JSON.stringify(columns), /"column":"ssn"[^}]*"masked":"redact"/);
    const checked = await use(agent, 'check_action', { resource: 'shop', action: 'DROP TABLE orders' });
    assert.match(JSON.stringify(checked), /"decision":"deny".*baseline\/no-drop/);
    const service = await use(agent, 'http_request', { resource: 'web', path: '/customers/7' });
    assert.match(JSON.stringify(service), /"status":200/);
    assert.doesNotMatch(JSON.stringify(service), /@example/);
    const change = await use(agent, 'http_request', {
      resource: 'web',
      method: 'DELETE',
      path: '/customers/7',
    });
    assert.equal(change.isError, true);
    assert.match(JSON.stringify(change), /"status":"denied"/);
    const stolen = await use(agent, 'http_request', {
      resource: 'web',
      path: '/customers/7',
      headers: { Authorization: 'Bearer other' },
    });
    assert.equal(stolen.isError, true, 'nobody names credentials here');
    const model = await use(agent, 'ask_model', { resource: 'model', model: 'demo-1', prompt: 'Hello' });
    assert.equal(model.isError, undefined, JSON.stringify(model));
    const tool = await use(agent, 'call_tool', {
      resource: 'tools',
      tool: 'get_customer',
      arguments: { id: 7 },
    });
    assert.match(JSON.stringify(tool), /EMAIL_ADDRESS/);
    const loop = await use(agent, 'call_tool', { resource: 'gateway', tool: 'whoami' });
    assert.equal(loop.isError, true);
  });

  test('what a person must approve becomes a ticket, which others cannot see; its result comes once it is approved', async () => {
    const dba = await connected('dba');
    const held = await use(dba, 'query_database', {
      resource: 'shop',
      sql: "DELETE FROM orders WHERE status = 'cancelled'",
      reason: 'cleaning up',
    });
    assert.equal(held.structuredContent?.['status'], 'pending_approval', JSON.stringify(held));
    const review = String(held.structuredContent?.['review']);
    const agent = await connected('agent');
    for (const tool of ['wait_for_review', 'get_result', 'withdraw_review']) {
      const stolen = await use(agent, tool, { review });
      assert.equal(stolen.isError, true, tool);
      assert.match(JSON.stringify(stolen), /There is no such review/);
    }
    const early = await use(dba, 'get_result', { review });
    assert.equal(early.structuredContent?.['status'], 'pending_approval');
    const waiting = use(dba, 'wait_for_review', { review, seconds: 45 });
    const approved = await fetch(`${demo.ready.api}/api/v1/reviews/${review}/approve`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${demo.ready.identities.lead.token}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ reason: 'yes' }),
    });
    assert.equal(approved.status, 200, await approved.text());
    assert.match(JSON.stringify(await waiting), /"phase":"(?:approved|running|done)"/);
    const result = await use(dba, 'get_result', { review });
    assert.match(JSON.stringify(result), /DELETE \d+/);
  });

  const api = async (as: IdentityName, path: string, body?: unknown): Promise<unknown> => {
    const answer = await fetch(`${demo.ready.api}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${demo.ready.identities[as].token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    assert.equal(answer.status, 200, await answer.clone().text());
    return answer.json();
  };

  test('it asks for a right, a person gives it, and it is used', async () => {
    const support = await connected('support');
    const sql = 'SELECT id, city FROM customers WHERE id = 7';
    assert.equal((await use(support, 'query_database', { resource: 'shop', sql })).isError, true);
    const offered = await use(support, 'request_access', { resource: 'shop' });
    assert.match(JSON.stringify(offered), /may_ask_for.*sql\.select/);
    const wanted = await use(support, 'request_access', {
      resource: 'shop',
      verbs: ['sql.select'],
      minutes: 10,
      reason: 'a customer asks where we send to',
    });
    assert.equal(wanted.structuredContent?.['status'], 'pending_approval', JSON.stringify(wanted));
    const review = String(wanted.structuredContent?.['review']);
    const waiting = use(support, 'wait_for_review', { review, seconds: 45 });
    await api('lead', `/api/v1/access/requests/${review}/approve`, { reason: 'yes' });
    assert.match(JSON.stringify(await waiting), /"phase":"approved"/);
    const read = await use(support, 'query_database', { resource: 'shop', sql });
    assert.equal(read.isError, undefined, JSON.stringify(read));
  });

  test('the same denied call runs out of attempts and makes one incident; its run can be ended as one', async () => {
    const { tools } = demo.ready.resources as unknown as { readonly tools: { readonly url: string } };
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    const headers = {
      authorization: `Bearer ${demo.ready.identities.agent.token}`,
      'sallyport-run': 'loop-9',
    };
    await client.connect(new StreamableHTTPClientTransport(new URL(tools.url), { requestInit: { headers } }));
    const left: unknown[] = [];
    for (let id = 1; id <= 7; id++) {
      const denied = (await client.callTool({ name: 'delete_customer', arguments: { id } })) as Told;
      assert.equal(denied.isError, true);
      left.push(denied.structuredContent?.['attemptsLeft']);
    }
    assert.deepEqual(left, [4, 3, 2, 1, 0, 0, 0]);
    const incidents = async (): Promise<number> =>
      ((await api('lead', '/api/v1/entries?kind=incident&identity=agent')) as readonly unknown[]).length;
    await until(async () => (await incidents()) > 0, 'there is no incident');
    assert.equal(await incidents(), 1);
    const killed = (await api('lead', '/api/v1/runs/kill', { run: 'loop-9' })) as {
      readonly sessions: readonly string[];
    };
    assert.equal(killed.sessions.length, 1);
    await assert.rejects(client.callTool({ name: 'get_customer', arguments: { id: 7 } }), 'the run goes on');
    const other = await connected('agent', { 'sallyport-run': 'loop-10' });
    assert.equal((await use(other, 'whoami')).isError, undefined, 'another run is another run');
    await client.close();
  });

  test('one run over every protocol: header, _meta, metadata of a prompt, first packet', async () => {
    const run = 'loop-over-all';
    const soon = (): AbortSignal => AbortSignal.timeout(100_000);
    const { resources } = demo.ready as unknown as {
      readonly resources: Record<'web' | 'model' | 'tools', { readonly url: string }> & {
        readonly shop: Shop;
      };
    };
    const bearer = { authorization: `Bearer ${demo.ready.identities.agent.token}` };
    await fetch(`${resources.web.url}/customers/7`, {
      headers: { ...bearer, 'sallyport-run': run },
      signal: soon(),
    });
    await fetch(`${resources.model.url}/v1/chat/completions`, {
      method: 'POST',
      signal: soon(),
      headers: { ...bearer, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'demo-1',
        messages: [{ role: 'user', content: 'Hi' }],
        metadata: { run },
      }),
    });
    await fetch(resources.tools.url, {
      method: 'POST',
      signal: soon(),
      headers: {
        ...bearer,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'get_customer', arguments: { id: 7 }, _meta: { 'dev.sallyport/run': run } },
      }),
    });
    const { host, port, database } = resources.shop;
    const client = new pg.Client({
      host,
      port,
      database,
      user: 'agent',
      password: demo.ready.identities.agent.token,
      options: `-c sallyport.run=${run}`,
    });
    await client.connect();
    await client.query('SELECT id FROM orders WHERE id = 1');
    const listed = (await api('lead', `/api/v1/sessions?run=${run}`)) as readonly {
      readonly kind: string;
      readonly decisions: number;
    }[];
    assert.deepEqual(listed.map(({ kind }) => kind).sort(), ['http', 'llm', 'mcp', 'postgres']);
    for (const { kind, decisions } of listed) assert.ok(decisions > 0, kind);
    const gone = new Promise((resolve) => client.on('error', resolve));
    const killed = (await api('lead', '/api/v1/runs/kill', { run })) as {
      readonly sessions: readonly string[];
    };
    assert.equal(killed.sessions.length, 4);
    await gone;
    const again = await fetch(`${resources.web.url}/customers/7`, {
      headers: { ...bearer, 'sallyport-run': run },
      signal: soon(),
    });
    assert.equal(again.status, 429);
  });
});
