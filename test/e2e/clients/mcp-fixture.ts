/** A server with the tools, resources and prompts that the conformance suite of MCP asks for by name; both eras. */
import { createMcpHandler, fromJsonSchema, McpServer, ResourceTemplate } from '@modelcontextprotocol/server';
import { createServer } from 'node:http';
import { asking, state } from './mcp-fixture-asking.ts';

const image =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const audio = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=';
const text = (said: string): { readonly type: 'text'; readonly text: string } => ({
  type: 'text',
  text: said,
});
const picture = { type: 'image', data: image, mimeType: 'image/png' } as const;
const embedded = (uri: string, said: string): object => ({
  type: 'resource',
  resource: { uri, mimeType: 'text/plain', text: said },
});
const anything = fromJsonSchema<Record<string, never>>({ type: 'object', properties: {} });

function fixture(): McpServer {
  const server = new McpServer(
    { name: 'fixture', version: '1.0.0' },
    {
      capabilities: { tools: {}, resources: { subscribe: true }, prompts: {}, logging: {}, completions: {} },
      requestState: { verify: (text, context) => state.verify(text, context) },
    },
  );
  const plain = (name: string, content: readonly object[]): void => {
    server.registerTool(name, { description: `Answers ${name}` }, () => ({ content: [...content] }) as never);
  };
  plain('test_simple_text', [text('This is a simple text response for testing.')]);
  plain('test_image_content', [picture]);
  plain('test_audio_content', [{ type: 'audio', data: audio, mimeType: 'audio/wav' }]);
  plain('test_embedded_resource', [
    embedded('test://embedded-resource', 'This is an embedded resource content.'),
  ]);
  plain('test_multiple_content_types', [
    text('Multiple content types test:'),
    picture,
    embedded('test://mixed-content-resource', '{"test":"data","value":123}'),
  ]);
  server.registerTool(
    'test_tool_with_logging',
    { description: 'Logs', inputSchema: anything },
    async (_given, context) => {
      for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
        await context.mcpReq.notify({ method: 'notifications/message', params: { level: 'info', data } });
      }
      return { content: [text('Done')] };
    },
  );
  server.registerTool(
    'test_tool_with_progress',
    { description: 'Says how far it is', inputSchema: anything },
    async (_given, context) => {
      const progressToken = context.mcpReq._meta?.progressToken ?? 0;
      for (const progress of [0, 50, 100]) {
        await context.mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken, progress, total: 100 },
        });
      }
      return { content: [text('Done')] };
    },
  );
  server.registerTool('test_error_handling', { description: 'Fails' }, () => {
    throw new Error('This tool intentionally returns an error for testing');
  });
  const named = {
    type: 'object',
    $defs: {
      address: {
        $anchor: 'addressDef',
        type: 'object',
        properties: { street: { type: 'string' }, city: { type: 'string' } },
      },
    },
    properties: {
      name: { type: 'string' },
      address: { $ref: '#/$defs/address' },
      contactMethod: { type: 'string', enum: ['phone', 'email'] },
      phone: { type: 'string' },
      email: { type: 'string' },
    },
    allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
    if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
    // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
    then: { required: ['phone'] },
    else: { required: ['email'] },
    additionalProperties: false,
  };
  server.registerTool(
    'json_schema_2020_12_tool',
    {
      description: 'Has a schema of 2020-12',
      inputSchema: fromJsonSchema({
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        ...named,
      }),
    },
    () => ({ content: [text('Done')] }),
  );
  server.registerResource('static-text', 'test://static-text', { mimeType: 'text/plain' }, () => ({
    contents: [
      {
        uri: 'test://static-text',
        mimeType: 'text/plain',
        text: 'This is the content of the static text resource.',
      },
    ],
  }));
  server.registerResource('static-binary', 'test://static-binary', { mimeType: 'image/png' }, () => ({
    contents: [{ uri: 'test://static-binary', mimeType: 'image/png', blob: image }],
  }));
  server.registerResource(
    'template',
    new ResourceTemplate('test://template/{id}/data', { list: undefined }),
    { mimeType: 'application/json' },
    (uri, { id }) => ({
      contents: [
        {
          uri: uri.href,
          mimeType: 'application/json',
          text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }),
        },
      ],
    }),
  );
  const says = (name: string, content: object): void => {
    server.registerPrompt(
      name,
      { description: name },
      () => ({ messages: [{ role: 'user', content }] }) as never,
    );
  };
  says('test_simple_prompt', text('This is a simple prompt for testing.'));
  says('test_prompt_with_image', picture);
  const two = fromJsonSchema<{ arg1: string; arg2: string }>({
    type: 'object',
    properties: { arg1: { type: 'string' }, arg2: { type: 'string' } },
    required: ['arg1', 'arg2'],
  });
  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'Two arguments', argsSchema: two },
    ({ arg1, arg2 }) => ({
      messages: [{ role: 'user', content: text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`) }],
    }),
  );
  const uri = fromJsonSchema<{ resourceUri: string }>({
    type: 'object',
    properties: { resourceUri: { type: 'string' } },
    required: ['resourceUri'],
  });
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'A resource', argsSchema: uri },
    ({ resourceUri }) => ({
      messages: [
        { role: 'user', content: embedded(resourceUri, 'Embedded resource content for testing.') as never },
      ],
    }),
  );
  asking(server);
  return server;
}

const handler = createMcpHandler(fixture);
const server = createServer((request, response) => {
  void (async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers))
      if (typeof value === 'string') headers.set(name, value);
    const method = request.method ?? 'GET';
    const body = method === 'GET' ? {} : { body: Buffer.concat(chunks) };
    const answer = await handler.fetch(
      new Request(`http://127.0.0.1${request.url ?? '/'}`, { method, headers, ...body }),
    );
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    if (answer.body !== null) for await (const chunk of answer.body) response.write(chunk);
    response.end();
  })().catch(() => response.destroy());
});
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1');
