import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts } from './harness/place.ts';
import { until } from './harness/wait.ts';

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers: [{ name: models, role: grant, use: [{ module: models }] }]
record: statements
`,
  'modules/models.policy.yaml': `
apiVersion: sallyport/v1
module: models
about: Who may use models.
owner: team:platform
rules: [{ id: ask, effect: allow, match: { resource: { kind: llm } }, why: Everybody may., fix: Ask. }]
`,
};

const key = 'provider-key-0123456789';

describe('streams of models that are cut short, or say too much', () => {
  let server: Server;
  let gateway: Configured;
  let url = '';
  let left = 0;

  before(async () => {
    server = createServer((request, response) => {
      request.resume();
      response.setHeader('content-type', 'text/event-stream');
      if (request.url?.endsWith('/messages') === true) {
        response.on('close', () => left++);
        const event = (body: { readonly type: string }): string =>
          `event: ${body.type}\ndata: ${JSON.stringify(body)}\n\n`;
        const usage = { input_tokens: 3, output_tokens: 1 };
        response.write(
          event({
            type: 'message_start',
            message: { id: 'm', type: 'message', role: 'assistant', model: 'm', content: [], usage },
          } as never),
        );
        return;
      }
      const piece = JSON.stringify({
        id: 'c',
        choices: [{ index: 0, delta: { content: 'Hello' }, finish_reason: null }],
      });
      response.end(`:${key}\nid: ${key}\nretry: ${key}\nevent: ${key}\ndata: ${piece}\n\ndata: [DONE]\n\n`);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const first = await freePorts(2);
    gateway = await startConfigured({
      api: first,
      policy,
      text: `
listen: { api: 127.0.0.1:${first}, llm: 127.0.0.1:${first + 1} }
policy: ./policy
identities: [{ subject: ana, kind: human }, { subject: bob, kind: human }]
resources:
  - name: model
    kind: llm
    url: http://127.0.0.1:${(server.address() as AddressInfo).port}
    credentials: { bearer: ${key} }
    budgets: [{ every: 1d, tokens: 5000 }]
`,
    });
    url = `http://127.0.0.1:${first + 1}/model/v1`;
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
  });

  const ask = async (as: string, path: string, signal?: AbortSignal): Promise<Response> =>
    fetch(`${url}/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await gateway.token(as)}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'm',
        stream: true,
        max_tokens: 4_000,
        messages: [{ role: 'user', content: 'Hello' }],
      }),
      ...(signal === undefined ? {} : { signal }),
    });

  test('who leaves after the first event pays what was reserved, whatever that event counts', async () => {
    const leaving = new AbortController();
    const answer = await ask('ana', 'messages', leaving.signal);
    assert.equal(answer.status, 200);
    const reader = answer.body?.getReader();
    assert.match(Buffer.from((await reader?.read())?.value ?? []).toString(), /message_start/);
    leaving.abort();
    await until(() => left === 1, 'The provider goes on');
    const again = await ask('ana', 'messages', AbortSignal.timeout(100_000));
    assert.equal(again.status, 429);
    await again.body?.cancel();
  });

  test('a provider that says its key in what stands around an event says it to nobody', async () => {
    const text = await (await ask('bob', 'chat/completions')).text();
    assert.match(text, /Hello/);
    assert.ok(!text.includes(key), text);
  });
});
