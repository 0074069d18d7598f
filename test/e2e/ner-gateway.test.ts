import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { writeTinyModel } from '../../src/ner/testdata/tiny-model.ts';
import { runProgram } from './harness/clients.ts';
import { installPackages } from './harness/packages.ts';
import { root, temporaryFolder } from './harness/place.ts';
import { startWeb, type Web } from './harness/web.ts';

// A gateway that asks a model: the real runtime and tokenizer, installed apart, with a small model that the test can read.
// It knows Xylo, Xylo Quendberg and Zorbia, which stand on no list.

const packages = join(root, 'test/ner');
const folder = temporaryFolder('ner-gateway');
const model = join(folder.path, 'tiny');

const ways = { required: 'analysts', 'where-possible': 'dba' } as const;
const policy = {
  'modules/web.policy.yaml': `
apiVersion: sallyport/v1
module: web
about: Who may use what.
owner: team:platform
rules:
  - id: all
    effect: allow
    match: { resource: { kind: [http, llm, mcp] } }
    why: Everybody may.
    fix: Ask.
`,
  'modules/masks.policy.yaml': `
apiVersion: sallyport/v1
module: masks
about: What is hidden.
owner: team:platform
rules:
${Object.entries(ways)
  .map(
    ([use, group]) => `
  - id: ${use}
    effect: require
    match: { resource: { kind: [http, llm, mcp] }, identity: { groups: [${group}] } }
    then: { mask: [{ find: '*', with: redact, model: ${use} }, { tag: pii/*, with: redact }] }
    why: Names are masked.
    fix: Use ids.
`,
  )
  .join('')}
`,
  'schema.yaml': `
apiVersion: sallyport/v1
tags:
  web: { '*.nick': [pii/name] }
`,
};

const longer = `${'We met in a. '.repeat(900)}Xylo Quendberg met a. ${'We met in a. '.repeat(900)}`;
const bodies: Readonly<Record<string, readonly [type: string, body: string, wanted: string]>> = {
  json: [
    'application/json',
    '{"nick":"Z","n":1,"a":["met Xylo Quendberg, ann@example.com","in a"],"Xylo met":true,"xylo":null}',
    '{"nick":"***","n":1,"a":["met [PERSON], [EMAIL_ADDRESS]","in a"],"[PERSON] met":true,"xylo":null}',
  ],
  inner: [
    'application/json',
    JSON.stringify({ json: JSON.stringify({ to: 'Xylo in Zorbia' }), code: 'met%20Xylo' }),
    JSON.stringify({ json: JSON.stringify({ to: '[PERSON] in [LOCATION]' }), code: 'met%20[PERSON]' }),
  ],
  long: [
    'application/json',
    JSON.stringify([longer]),
    JSON.stringify([longer.replace('Xylo Quendberg', '[PERSON]')]),
  ],
  form: ['application/x-www-form-urlencoded', 'a=met+Xylo&b=1', 'a=met+%5BPERSON%5D&b=1'],
  text: [
    'text/plain',
    'We met Xylo in Zorbia, met [PERSON] too',
    'We met [PERSON] in [LOCATION], met [PERSON] too',
  ],
  longText: ['text/plain', longer, longer.replace('Xylo Quendberg', '[PERSON]')],
  page: [
    'text/html',
    '<p>met <b>Xy</b>lo <i>Quendberg</i> in a</p>',
    '<p>met <b>[PERSON]</b><i></i> in a</p>',
  ],
  table: [
    'text/csv',
    'id,nick,note\n1,Q,met Xylo\n2,R,in a\n',
    'id,nick,note\n1,***,met [PERSON]\n2,***,in a\n',
  ],
  lines: [
    'application/x-ndjson',
    '{"a":"Xylo"}\n{"a":"in Zorbia"}\n',
    '{"a":"[PERSON]"}\n{"a":"in [LOCATION]"}\n',
  ],
  events: [
    'text/event-stream',
    'data: {"a":"met Xylo"}\n\ndata: in a\n\n',
    'data: {"a":"met [PERSON]"}\n\ndata: in a\n\n',
  ],
  parts: [
    'multipart/mixed; boundary=b',
    '--b\r\ncontent-type: text/plain\r\n\r\nmet Xylo\r\n--b--\r\n',
    '--b\r\ncontent-type: text/plain\r\n\r\nmet [PERSON]\r\n--b--\r\n',
  ],
};

const said: string[] = [];

function serve(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  const name = (request.url ?? '/').slice(1).split('?')[0] ?? '';
  const found = bodies[name];
  if (found !== undefined) {
    response.writeHead(200, { 'content-type': found[0], 'x-note': 'met Xylo' });
    return void response.end(found[1]);
  }
  const json = (value: object): void => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };
  if (name === 'v1/chat/completions') {
    said.push(body.toString());
    const message = { role: 'assistant', content: 'Xylo Quendberg is in Zorbia, ann@example.com' };
    if (!/"stream":true/.test(body.toString()))
      return json({
        id: 'c',
        object: 'chat.completion',
        choices: [{ index: 0, message, finish_reason: 'stop' }],
      });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const choices = [{ index: 0, delta: message, finish_reason: 'stop' }];
    return void response.end(`data: ${JSON.stringify({ id: 'c', choices })}\n\ndata: [DONE]\n\n`);
  }
  if (request.method !== 'POST') return void response.writeHead(405).end();
  const asked = JSON.parse(body.toString()) as { readonly id?: number; readonly method: string };
  const result =
    asked.method === 'initialize'
      ? {
          protocolVersion: '2025-06-18',
          capabilities: { tools: {} },
          serverInfo: { name: 's', version: '1' },
        }
      : asked.method === 'tools/list'
        ? { tools: [{ name: 'find', inputSchema: { type: 'object' } }] }
        : { content: [{ type: 'text', text: 'met Xylo' }], structuredContent: { who: 'Xylo', n: 1 } };
  if (asked.id === undefined) return void response.writeHead(202).end();
  json({ jsonrpc: '2.0', id: asked.id, result });
}

describe('a gateway that asks a model', () => {
  let web: Web;
  let first = 0;

  before(async () => {
    // Without scripts: that of the runtime would fetch code for graphics cards from elsewhere.
    installPackages(packages, '--ignore-scripts');
    writeTinyModel(model);
    web = await startWeb({
      policy,
      serve,
      more: (port, service) => {
        first = port;
        return {
          listen: `, llm: 127.0.0.1:${port}, mcp: 127.0.0.1:${port + 1}`,
          top: `ner: { model: ${model}, packages: ${packages}, withinMs: 60000 }`,
          resources: `
  - { name: model, kind: llm, url: 'http://127.0.0.1:${service}' }
  - { name: tools, kind: mcp, url: 'http://127.0.0.1:${service}/mcp' }
`,
        };
      },
    });
  });
  after(async () => {
    await web[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  for (const [name, [, , wanted]] of Object.entries(bodies)) {
    test(`a body of an answer is read: ${name}`, async () => {
      for (const as of ['analyst', 'dba'] as const) {
        const { status, text } = await web.ask(`/web/${name}`, { as });
        assert.deepEqual([status, text], [200, wanted], as);
      }
    });
  }

  const post = (
    path: string,
    body: object,
    as: 'analyst' | 'dba' = 'analyst',
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly status: number; readonly text: string; readonly session: string }> =>
    fetch(`http://127.0.0.1:${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${web.tokens[as]}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: JSON.stringify(body),
    }).then(async (answer) => ({
      status: answer.status,
      text: await answer.text(),
      session: answer.headers.get('mcp-session-id') ?? '',
    }));
  const chat = (stream: boolean, as: 'analyst' | 'dba'): ReturnType<typeof post> =>
    post(
      `${first}/model/v1/chat/completions`,
      { model: 'm', stream, messages: [{ role: 'user', content: 'Who is Xylo Quendberg, in a?' }] },
      as,
    );

  test('prompts and whole answers of models are read', async () => {
    for (const as of ['analyst', 'dba'] as const) {
      said.length = 0;
      const { status, text } = await chat(false, as);
      assert.equal(status, 200, text);
      const answer = JSON.parse(text) as { choices: { message: { content: string } }[] };
      assert.equal(answer.choices[0]?.message.content, '[PERSON] is in [LOCATION], [EMAIL_ADDRESS]');
      assert.equal(said.length, 1);
      assert.match(said[0] ?? '', /Who is \[PERSON\], in a\?/);
    }
  });

  test('a stream of a model is refused where its answer must be read, and goes by detectors where it may', async () => {
    said.length = 0;
    const refused = await chat(true, 'analyst');
    assert.equal(refused.status, 403, refused.text);
    assert.match(refused.text, /cannot be given as a stream/);
    assert.equal(said.length, 0, 'nothing was sent');
    const { text } = await chat(true, 'dba');
    assert.match(text, /\[EMAIL_ADDRESS\]/);
    assert.match(text, /Xylo/);
    assert.match(said[0] ?? '', /Who is \[PERSON\], in a\?/, 'the prompt was whole');
  });

  test('results of MCP are read', async () => {
    const call = (id: number, method: string, params: object, headers = {}): ReturnType<typeof post> =>
      post(`${first + 1}/tools`, { jsonrpc: '2.0', id, method, params }, 'analyst', headers);
    const opened = await call(1, 'initialize', {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 't', version: '1' },
    });
    assert.equal(opened.status, 200, opened.text);
    const headers = {
      'mcp-protocol-version': '2025-06-18',
      ...(opened.session === '' ? {} : { 'mcp-session-id': opened.session }),
    };
    const { text } = await call(2, 'tools/call', { name: 'find', arguments: {} }, headers);
    const result = (text.startsWith('{') ? text : (/^data: (.*)$/m.exec(text)?.[1] ?? '')) || '{}';
    assert.deepEqual((JSON.parse(result) as { result?: unknown }).result, {
      content: [{ type: 'text', text: 'met [PERSON]' }],
      structuredContent: { who: '[PERSON]', n: 1 },
    });
  });

  test('what the model found is counted like what detectors find, and no entry holds a value', async () => {
    const { status } = await web.ask('/web/json');
    assert.equal(status, 200);
    const entries = await web.entries();
    assert.ok(
      entries.some((entry) => JSON.stringify(entry).includes('"masked":4')),
      'three findings and a tag',
    );
    assert.doesNotMatch(JSON.stringify(entries), /xylo/i);
    const metrics = await (await fetch(`${web.gateway.api}/metrics`)).text();
    assert.match(metrics, /sallyport_model_texts_total\{result="read"\} \d+/);
  });

  test('many clients at the same time are each shown their own', async () => {
    const asks = Array.from({ length: 12 }, (_, at) => Object.keys(bodies)[at % 11] ?? 'json');
    const answers = await Promise.all(asks.map((name) => web.ask(`/web/${name}`)));
    for (const [at, { text }] of answers.entries()) assert.equal(text, bodies[asks[at] ?? '']?.[2]);
  });
});

test('a gateway does not start without the model that it is told of, and says what to do', async () => {
  const { writeFileSync, mkdirSync } = await import('node:fs');
  const config = join(folder.path, 'sallyport.yaml');
  mkdirSync(join(folder.path, 'policy'), { recursive: true });
  writeFileSync(
    config,
    `listen: { api: 127.0.0.1:0, http: 127.0.0.1:0 }
policy: ./policy
resources: [{ name: web, kind: http, url: 'http://127.0.0.1:1' }]
ner: { model: ./nothing, packages: ${packages} }
`,
  );
  const env = { SALLYPORT_HOME: join(folder.path, 'home') };
  const args = [join(root, 'src/cli/main.ts'), 'up', '--config', config];
  const { code, stderr } = await runProgram(process.execPath, args, { env });
  assert.notEqual(code, 0);
  assert.match(
    stderr,
    /Cannot use the model that `ner` of the configuration names: No model in .*nothing: it needs one of model\.onnx/,
  );
});
