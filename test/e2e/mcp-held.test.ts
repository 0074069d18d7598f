import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { sampleCustomers } from '../../src/server/sample-data.ts';
import { serveSampleTools } from '../../src/server/sample-tools.ts';
import type { SampleService } from '../../src/server/sample-web.ts';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts, root, temporaryFolder } from './harness/place.ts';
import { until } from './harness/wait.ts';

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
  - id: operate
    effect: allow
    match: { identity: { groups: [leads] }, resource: { kind: sallyport }, action: session.kill }
    why: Leads end sessions.
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
about: What is hidden, and what waits.
owner: team:platform
rules:
  - id: masks
    effect: require
    match: { resource: { kind: mcp } }
    then: { mask: [{ find: EMAIL_ADDRESS, with: redact }, { find: PHONE_NUMBER, with: redact }] }
    why: Personal data is masked.
    fix: Use ids.
  - id: ask
    effect: require
    match: { resource: { kind: mcp }, action: mcp.call }
    when: 'action.tool in ["get_customer", "write_file", "whoami"] && identity.subject != "free"'
    then: { approve: { from: leads, ttl: 10m } }
    why: A lead looks at it first.
    fix: Wait for a lead.
`,
};

const seven = sampleCustomers()[6];
const email = seven?.email ?? '?';

type Said = Readonly<Record<string, unknown>>;

describe('calls that wait for a person, as tasks of the gateway', () => {
  let tools: SampleService;
  let gateway: Configured;
  const earlier: Configured[] = [];
  let first = 0;
  let text = '';
  const folder = temporaryFolder('mcp-held');

  before(async () => {
    tools = await serveSampleTools(0);
    writeFileSync(join(folder.path, 'note.txt'), `Ask ${email} first`);
    first = await freePorts(2);
    text = `
listen: { api: 127.0.0.1:${first}, mcp: 127.0.0.1:${first + 1} }
policy: ./policy
identities:
  - { subject: ann, kind: human }
  - { subject: bob, kind: human }
  - { subject: free, kind: human }
  - { subject: lead, kind: human, groups: [leads] }
resources:
  - { name: tools, kind: mcp, url: 'http://127.0.0.1:${tools.port}/mcp', credentials: { bearer: server-key } }
  - { name: gateway, kind: mcp, builtin: true }
  - name: many
    kind: mcp
    servers:
      shop: { url: 'http://127.0.0.1:${tools.port}/mcp', credentials: { bearer: server-key } }
      files: { command: [${process.execPath}, ${root}/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js, ${folder.path}] }
`;
    gateway = await startConfigured({ api: first, policy, text });
  });
  after(async () => {
    for (const each of earlier) await each[Symbol.asyncDispose]();
    await gateway[Symbol.asyncDispose]();
    await tools[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const tokens = new Map<string, Promise<string>>();
  const tokenOf = (who: string): Promise<string> => {
    const token = tokens.get(who) ?? gateway.token(who);
    tokens.set(who, token);
    return token;
  };
  const connect = async (who: string, resource = 'tools', run?: string): Promise<Client> => {
    const client = new Client({ name: 'test', version: '1' }, { capabilities: { tasks: {} } });
    const headers = {
      authorization: `Bearer ${await tokenOf(who)}`,
      ...(run === undefined ? {} : { 'sallyport-run': run }),
    };
    const url = new URL(`http://127.0.0.1:${first + 1}/${resource}`);
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
    return client;
  };
  const api = async (who: string, method: string, path: string, body?: object): Promise<Said> => {
    const answer = await fetch(`${gateway.api}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${await tokenOf(who)}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: await answer.json() };
  };
  const waiting = async (of: string): Promise<string> => {
    let one: Said | undefined;
    await until(async () => {
      const found = (await api('lead', 'GET', '/reviews?state=waiting'))['body'] as readonly Said[];
      one = found.find(({ identity }) => identity === of);
      return one !== undefined;
    }, `Nothing of ${of} waits`);
    return String(one?.['id']);
  };
  const answer = async (id: string, vote: string): Promise<void> => {
    const { status } = await api('lead', 'POST', `/reviews/${id}/${vote}`, { reason: 'looked at' });
    assert.equal(status, 200);
  };
  /** Calls it as a task; gives the messages of the SDK's stream as they come. */
  const begin = async (
    client: Client,
    name: string,
    args: Record<string, unknown>,
  ): Promise<{ readonly id: string; readonly rest: () => Promise<readonly Said[]> }> => {
    const stream = client.experimental.tasks.callToolStream({ name, arguments: args }, undefined, {
      task: { ttl: 600_000 },
    });
    const made = (await stream.next()).value as unknown as Said;
    assert.equal(made['type'], 'taskCreated', JSON.stringify(made));
    const { taskId } = made['task'] as { readonly taskId: string };
    return {
      id: taskId,
      rest: async () => {
        const all: Said[] = [];
        for await (const each of stream) all.push(each as unknown as Said);
        return all;
      },
    };
  };

  const cases = [
    ['tools', 'get_customer', { id: 7 }, /\[EMAIL_ADDRESS\]/],
    ['many', 'shop__get_customer', { id: 7 }, /\[EMAIL_ADDRESS\]/],
    [
      'many',
      'files__write_file',
      { path: join(folder.path, 'out.txt'), content: 'hello' },
      /Successfully wrote/,
    ],
    ['gateway', 'whoami', {}, /ann/],
  ] as const;
  for (const [resource, name, args, expected] of cases) {
    test(`${resource}: ${name} becomes a task at once, and runs when it is approved`, async () => {
      const client = await connect('ann', resource);
      const listed = await client.listTools();
      assert.equal(listed.tools.find((tool) => tool.name === name)?.execution?.taskSupport, 'optional');
      const { id, rest } = await begin(client, name, args);
      assert.match(id, /^sallyport-/);
      const now = await client.experimental.tasks.getTask(id);
      assert.equal(now.status, 'working');
      assert.match(now.statusMessage ?? '', /rev_/);
      const ids = (await client.experimental.tasks.listTasks()).tasks.map(({ taskId }) => taskId);
      assert.ok(ids.includes(id));
      const other = await connect('bob', resource);
      await assert.rejects(other.experimental.tasks.getTask(id), /-32602/);
      await assert.rejects(other.experimental.tasks.cancelTask(id), /-32602/);
      await assert.rejects(other.experimental.tasks.getTaskResult(id, CallToolResultSchema), /-32602/);
      assert.deepEqual((await other.experimental.tasks.listTasks()).tasks, []);
      await answer(await waiting('ann'), 'approve');
      const said = JSON.stringify(await rest());
      assert.match(said, expected);
      assert.match(said, /"status":"completed"/);
      assert.ok(!said.includes(email));
      const again = await client.experimental.tasks.getTaskResult(id, CallToolResultSchema);
      assert.deepEqual(again._meta?.['io.modelcontextprotocol/related-task'], { taskId: id });
      await client.close();
      await other.close();
    });
  }

  test('refused: the task has failed, and its result is the denial', async () => {
    const client = await connect('ann');
    const { id } = await begin(client, 'get_customer', { id: 8 });
    await answer(await waiting('ann'), 'refuse');
    const result = await client.experimental.tasks.getTaskResult(id, CallToolResultSchema);
    assert.equal(result['isError'], true);
    const why = result._meta?.['dev.sallyport/denial'] as Said;
    assert.equal(why['class'], 'REVIEW_REFUSED');
    assert.match(String(why['review']), /^rev_/);
    const task = await client.experimental.tasks.getTask(id);
    assert.equal(task.status, 'failed');
    assert.match(task.statusMessage ?? '', /Refused by lead/);
    await assert.rejects(client.experimental.tasks.cancelTask(id), /already/);
    await client.close();
  });

  test('cancelled: nobody is asked any more, and nothing runs', async () => {
    const client = await connect('ann');
    const { id } = await begin(client, 'get_customer', { id: 9 });
    const review = await waiting('ann');
    const cancelled = await client.experimental.tasks.cancelTask(id);
    assert.equal(cancelled.status, 'cancelled');
    const shown = (await api('lead', 'GET', `/reviews/${review}`))['body'] as Said;
    assert.equal(shown['state'], 'withdrawn');
    const result = await client.experimental.tasks.getTaskResult(id, CallToolResultSchema);
    const why = result._meta?.['dev.sallyport/denial'] as Said;
    assert.equal(why['class'], 'REVIEW_WITHDRAWN');
    await client.close();
  });

  test('what waits for nobody is a task all the same, where one is asked for; what is denied is none', async () => {
    const client = await connect('free');
    const { id, rest } = await begin(client, 'get_customer', { id: 7 });
    assert.match(id, /^sallyport-/);
    assert.match(JSON.stringify(await rest()), /\[EMAIL_ADDRESS\]/);
    const plain = await client.callTool({ name: 'get_customer', arguments: { id: 7 } });
    assert.match(JSON.stringify(plain), /\[EMAIL_ADDRESS\]/);
    await client.close();
  });

  test('the end of its run takes it along', async () => {
    const client = await connect('ann', 'tools', 'loop-1');
    const { id } = await begin(client, 'get_customer', { id: 10 });
    const review = await waiting('ann');
    const killed = await api('lead', 'POST', '/runs/kill', { run: 'loop-1' });
    const watcher = await connect('ann');
    if (killed['status'] !== 200) assert.fail(JSON.stringify(killed));
    const statusNow = async (): Promise<string> => (await watcher.experimental.tasks.getTask(id)).status;
    await until(async () => (await statusNow()) === 'cancelled', 'the task goes on');
    const shown = (await api('lead', 'GET', `/reviews/${review}`))['body'] as Said;
    assert.equal(shown['state'], 'withdrawn');
    await watcher.close();
  });

  test('2026-07-28: a client that takes tasks gets one; one that does not never does', async () => {
    // oxlint-disable-next-line max-params
    const ask = async (
      method: string,
      params: Said,
      tasks: boolean,
      more: Record<string, string>,
      who = 'ann',
    ): Promise<Response> =>
      fetch(`http://127.0.0.1:${first + 1}/tools`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${await tokenOf(who)}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': method,
          ...(typeof params['name'] === 'string' ? { 'mcp-name': params['name'] } : {}),
          ...(typeof params['taskId'] === 'string' ? { 'mcp-name': params['taskId'] } : {}),
          ...more,
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method,
          params: {
            ...params,
            _meta: {
              'io.modelcontextprotocol/protocolVersion': '2026-07-28',
              'io.modelcontextprotocol/clientInfo': { name: 't', version: '1' },
              'io.modelcontextprotocol/clientCapabilities': tasks
                ? { extensions: { 'io.modelcontextprotocol/tasks': {} } }
                : {},
            },
          },
        }),
      });
    // oxlint-disable-next-line max-params
    const post = async (
      method: string,
      params: Said,
      tasks: boolean,
      more: Record<string, string> = {},
    ): Promise<Said> => {
      const text = await (await ask(method, params, tasks, more)).text();
      const data = text.startsWith('{')
        ? text
        : (text.split('\n').findLast((line) => line.startsWith('data: {')) ?? '').slice(6);
      return JSON.parse(data) as Said;
    };
    const discovered = (await post('server/discover', {}, true))['result'] as Said;
    assert.deepEqual((discovered['capabilities'] as Said)['extensions'], {
      'io.modelcontextprotocol/tasks': {},
    });
    const made = (await post('tools/call', { name: 'get_customer', arguments: { id: 11 } }, true))[
      'result'
    ] as Said;
    assert.equal(made['resultType'], 'task');
    assert.equal(made['status'], 'working');
    const { taskId } = made as { readonly taskId: string };
    const lacking = (await post('tasks/get', { taskId }, false))['error'] as Said;
    assert.equal(lacking['code'], -32_021);
    const mismatched = (await post('tasks/get', { taskId }, true, { 'mcp-name': 'other' }))['error'] as Said;
    assert.equal(mismatched['code'], -32_020);
    for (const gone of ['tasks/result', 'tasks/list'])
      assert.equal(((await post(gone, { taskId }, true))['error'] as Said)['code'], -32_601);
    const mine = ask(
      'subscriptions/listen',
      { notifications: { taskIds: [taskId, 'sallyport-other'] } },
      true,
      {},
    );
    const foreign = ask('subscriptions/listen', { notifications: { taskIds: [taskId] } }, true, {}, 'bob');
    assert.match(
      await (await foreign).text(),
      /"notifications":\{\}/,
      'of a task of another nothing is told',
    );
    await answer(await waiting('ann'), 'approve');
    let told = '';
    for await (const chunk of (await mine).body ?? []) {
      told += Buffer.from(chunk).toString();
      if (told.includes('"status":"completed"')) break;
    }
    assert.match(told, new RegExp(`acknowledged.*"taskIds":\\["${taskId}"\\]`));
    assert.match(told, /"method":"notifications\/tasks".*"status":"working"/);
    assert.match(
      told,
      /"status":"completed".*\[EMAIL_ADDRESS\].*"io.modelcontextprotocol\/subscriptionId":1/,
    );
    assert.ok(!told.includes(email));
    let task: Said = {};
    await until(async () => {
      task = (await post('tasks/get', { taskId }, true))['result'] as Said;
      return task['status'] === 'completed';
    }, 'the task is not completed');
    assert.equal(task['resultType'], 'complete');
    assert.match(JSON.stringify(task['result']), /\[EMAIL_ADDRESS\]/);
    const plain = await post('tools/call', { name: 'get_customer', arguments: { id: 12 } }, false, {
      prefer: 'respond-async',
    });
    assert.match(JSON.stringify(plain), /pending_approval/);
    const second = (await post('tools/call', { name: 'get_customer', arguments: { id: 13 } }, true))[
      'result'
    ] as Said;
    const ended = await post('tasks/cancel', { taskId: second['taskId'] }, true);
    assert.deepEqual(ended['result'], { resultType: 'complete' });
    const over = (await post('tasks/get', { taskId: second['taskId'] }, true))['result'] as Said;
    assert.equal(over['status'], 'cancelled');
  });

  test('a task outlives the gateway: it goes on when its owner asks, and what ended meanwhile says so', async () => {
    const client = await connect('bob');
    const one = await begin(client, 'get_customer', { id: 7 });
    const review = await waiting('bob');
    const home = gateway.home;
    assert.equal(await gateway.stop('SIGKILL'), 'SIGKILL');
    earlier.push(gateway);
    gateway = await startConfigured({ api: first, policy, text, options: { home } });
    const again = await connect('bob');
    const task = await again.experimental.tasks.getTask(one.id);
    assert.equal(task.status, 'working');
    await answer(review, 'approve');
    const result = await again.experimental.tasks.getTaskResult(one.id, CallToolResultSchema);
    assert.match(JSON.stringify(result), /\[EMAIL_ADDRESS\]/);
    const two = await begin(again, 'get_customer', { id: 8 });
    const other = await waiting('bob');
    await gateway.stop('SIGTERM');
    earlier.push(gateway);
    gateway = await startConfigured({ api: first, policy, text, options: { home } });
    await answer(other, 'refuse');
    const last = await connect('bob');
    assert.equal((await last.experimental.tasks.getTask(two.id)).status, 'failed');
    const kept = await last.experimental.tasks.getTaskResult(one.id, CallToolResultSchema);
    assert.match(JSON.stringify(kept), /\[EMAIL_ADDRESS\]/);
  });
});
