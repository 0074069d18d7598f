import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts } from './harness/place.ts';

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers:
  - { name: base, role: restrict, use: [{ module: masks }] }
  - { name: models, role: grant, use: [{ module: models }] }
record: full
`,
  'modules/models.policy.yaml': `
apiVersion: sallyport/v1
module: models
about: Who may use models.
owner: team:platform
rules: [{ id: ask, effect: allow, match: { resource: { kind: llm } }, why: Everybody may., fix: Ask. }]
`,
  'modules/masks.policy.yaml': `
apiVersion: sallyport/v1
module: masks
about: What is hidden.
owner: team:platform
rules:
  - id: masks
    effect: require
    match: { resource: { kind: llm }, identity: { groups: [analysts] } }
    then: { mask: [{ find: EMAIL_ADDRESS, with: token }] }
    why: Personal data is masked.
    fix: Use ids.
`,
};

const key = 'provider-key-0123456789';

describe('attacks on a model behind the gateway', () => {
  const seen: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];
  let server: Server;
  let gateway: Configured;
  let url = '';
  let tokens: Readonly<Record<'ana' | 'bob', string>>;

  before(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (piece: string) => (body += piece));
      request.on('end', () => {
        seen.push({ headers: request.headers, body });
        const message = `${request.headers.authorization ?? ''} is not liked`;
        if (body.includes('go on')) {
          response.setHeader('content-type', 'text/event-stream');
          const piece = (content: string): string =>
            `data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta: { content } }] })}\n\n`;
          return response.end(`${piece('Write to ann@exam')}data: [DONE]\n\n${piece('ple.com now')}`);
        }
        if (body.includes('"stream":true')) {
          response.setHeader('content-type', 'text/event-stream');
          return response.end(`data: ${JSON.stringify({ error: { message } })}\n\n`);
        }
        response.setHeader('content-type', 'application/json');
        const container = { id: `box-of-${request.headers['idempotency-key'] === undefined ? 'ana' : 'x'}` };
        return response.end(JSON.stringify({ error: { message }, container }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const first = await freePorts(2);
    gateway = await startConfigured({
      api: first,
      policy,
      text: `
listen: { api: 127.0.0.1:${first}, llm: 127.0.0.1:${first + 1} }
policy: ./policy
identities:
  - { subject: ana, kind: human, groups: [analysts] }
  - { subject: bob, kind: human, groups: [ops] }
resources:
  - name: model
    kind: llm
    url: http://127.0.0.1:${(server.address() as AddressInfo).port}
    credentials: { bearer: ${key} }
`,
    });
    url = `http://127.0.0.1:${first + 1}/model/v1`;
    tokens = { ana: await gateway.token('ana'), bob: await gateway.token('bob') };
  });

  after(async () => {
    await gateway[Symbol.asyncDispose]();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const ask = async (
    as: 'ana' | 'bob',
    path: string,
    body: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly status: number; readonly text: string }> => {
    const answer = await fetch(`${url}/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens[as]}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model: 'm', ...body }),
    });
    return { status: answer.status, text: await answer.text() };
  };
  const hello = { messages: [{ role: 'user', content: 'Hello' }] };

  for (const as of ['ana', 'bob'] as const)
    for (const stream of [false, true])
      test(`a provider that says its key says it to nobody: ${as}${stream ? ', streamed' : ''}`, async () => {
        const { text } = await ask(as, 'chat/completions', { ...hello, ...(stream ? { stream } : {}) });
        assert.match(text, /\*\*\* is not liked/);
        assert.ok(!text.includes(key));
      });

  test('one key of idempotency is another one for everybody, and what is sent is what was read', async () => {
    seen.length = 0;
    for (const as of ['ana', 'bob', 'ana'] as const)
      await ask(as, 'chat/completions', hello, {
        'idempotency-key': 'once',
        'content-type': 'application/json; charset=utf-7',
      });
    const keys = seen.map(({ headers }) => headers['idempotency-key']);
    assert.equal(keys[0], keys[2]);
    assert.notEqual(keys[0], keys[1]);
    assert.ok(!keys.includes('once') && !keys.includes(undefined));
    assert.ok(seen.every(({ headers }) => headers['content-type'] === 'application/json'));
  });

  test('what nobody can look into is no prompt where masks apply', async () => {
    seen.length = 0;
    for (const [path, body] of [
      ['completions', { prompt: [1, 2, 3] }],
      ['embeddings', { input: [[1, 2, 3]] }],
    ] as const) {
      assert.equal((await ask('ana', path, body)).status, 403);
      assert.equal((await ask('bob', path, body)).status, 200);
    }
    assert.equal(seen.length, 2);
  });

  test('nothing is shown behind the end of a stream', async () => {
    for (const as of ['ana', 'bob'] as const) {
      const { text } = await ask(as, 'chat/completions', {
        stream: true,
        messages: [{ role: 'user', content: 'Please go on' }],
      });
      assert.match(text, /ann@exam.*\[DONE\]\s*$/s);
    }
  });

  test('a value behind an encoding does not reach the provider', async () => {
    seen.length = 0;
    await ask('ana', 'chat/completions', {
      messages: [{ role: 'user', content: 'https://x/?m=ann%40example.com' }],
    });
    assert.ok(!/ann/.test(seen[0]?.body ?? 'ann'), seen[0]?.body);
  });

  test("a room in which somebody's code was run is theirs", async () => {
    const within = { ...hello, max_tokens: 5, container: 'box-of-ana' };
    assert.equal((await ask('bob', 'messages', within)).status, 404);
    await ask('ana', 'messages', { ...hello, max_tokens: 5 });
    assert.equal((await ask('ana', 'messages', within)).status, 200);
    assert.equal((await ask('bob', 'messages', within)).status, 404);
  });
});
