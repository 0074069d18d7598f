import { isObject } from '../../base/check.ts';
import { brokenRequests, fakeClient, fakeService, keptOf, stageHost } from '../../carriers/http/fake.ts';
import type { Rehearsal, RehearsalAnswer } from '../../core/rehearsal.ts';

// An MCP server with people in it, and a client that keeps no session: for protocols/conformance.ts.

const value = '421-33-9087';
const say = (method: string, params: object): string =>
  `POST /\n\n${JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })}`;
const call = (name: string, given: object = {}): string => say('tools/call', { name, arguments: given });
const asked = (method: string, params: object = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 0, method, params });

const tools = ['look', 'people', 'note'].map((name) => ({
  name,
  inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
}));

function answer({ body }: { readonly body: string }): string {
  const { id, method, params } = JSON.parse(body) as {
    readonly id: unknown;
    readonly method: string;
    readonly params: { readonly name?: string };
  };
  const people = { people: [{ ssn: value }, { ssn: value }] };
  const result =
    method === 'tools/list'
      ? { tools }
      : params.name === 'people'
        ? { content: [], structuredContent: people }
        : { content: [{ type: 'text', text: 'done' }] };
  return JSON.stringify({ jsonrpc: '2.0', id, result });
}

/** A refusal is a result that the model reads, or an error: neither has a status of its own. */
function read(came: RehearsalAnswer): RehearsalAnswer {
  const text = Buffer.from(came.bytes).toString('utf8').slice(4);
  const body = JSON.parse(text) as unknown;
  const result = isObject(body) ? body['result'] : undefined;
  const bad =
    (isObject(body) && body['error'] !== undefined) || (isObject(result) && result['isError'] === true);
  return bad ? { ...came, ok: false, error: text } : came;
}

export const rehearsal: Rehearsal = {
  settings: {
    url: 'http://127.0.0.1:1',
    hosts: [stageHost],
    tools: { look: { access: 'read' }, people: { access: 'read' } },
  },
  resource: (wire) => void fakeService(wire, answer),
  client: (wire, as) => {
    const { ask, ...client } = fakeClient(wire, as);
    return Promise.resolve({ ...client, ask: async (text) => read(await ask(text)) });
  },
  kept: keptOf,
  column: { object: 'people', column: 'people[].ssn' },
  value,
  requests: {
    read: { text: call('look', { text: 'plain' }), mark: '"plain"' },
    sensitive: { text: call('people', { text: 'all of them' }), mark: 'all of them' },
    write: { text: call('note', { text: 'our data' }), mark: 'our data' },
    unreadable: [
      { text: 'POST /\n\n{"jsonrpc":"2.0","broken', mark: 'broken' },
      {
        text: 'POST /\n\n{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"look","name":"doubled"}}',
        mark: 'doubled',
      },
      {
        text: `POST /\n\n[${asked('tools/call', { name: 'look', arguments: { text: 'batch' } })}]`,
        mark: 'batch',
      },
      {
        text: say('tools/call', { name: 'look', task: { ttl: 1, more: 1 }, arguments: { text: 'task' } }),
        mark: '"task"',
      },
      { text: say('secret/method', { text: 'unknown' }), mark: 'unknown' },
    ],
  },
  verbs: {
    'mcp.connect': asked('ping'),
    'mcp.list': asked('tools/list'),
    'mcp.call': 'look {"text": "x"}',
    'mcp.read': asked('resources/read', { uri: 'file:///x' }),
    'mcp.prompt': asked('prompts/get', { name: 'greet' }),
    'mcp.complete': asked('completion/complete', { ref: { type: 'ref/prompt', name: 'x' } }),
    'mcp.sample': asked('sampling/createMessage'),
    'mcp.elicit': asked('elicitation/create'),
    'mcp.roots': asked('roots/list'),
    'mcp.pin': 'pin look',
  },
  broken: brokenRequests,
};
