import { createMcpHandler, fromJsonSchema, McpServer } from '@modelcontextprotocol/server';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { sampleCustomers } from './sample-data.ts';
import { closed, portOf, type SampleService } from './sample-web.ts';

/** The demo's MCP server: the shop's customers as tools, a resource and a prompt. Both eras of the protocol. */
export async function serveSampleTools(port: number): Promise<SampleService> {
  const handler = createMcpHandler(shopTools);
  const server = createServer((request, response) => {
    answer(handler, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return { port: portOf(server), [Symbol.asyncDispose]: () => closed(server) };
}

function shopTools(): McpServer {
  const server = new McpServer(
    { name: 'shop', version: '1.0.0' },
    { instructions: 'The customers of a shop.' },
  );
  const customers = sampleCustomers();
  const one = fromJsonSchema<{ id: number }>({
    type: 'object',
    properties: { id: { type: 'integer', minimum: 1 } },
    required: ['id'],
  });
  const textOf = (value: unknown): { readonly type: 'text'; readonly text: string } => ({
    type: 'text',
    text: JSON.stringify(value),
  });
  server.registerTool(
    'get_customer',
    {
      description: 'One customer of the shop, by id.',
      inputSchema: one,
      annotations: { readOnlyHint: true },
    },
    ({ id }) => {
      const found = customers[id - 1];
      if (found === undefined) return { content: [textOf('There is no such customer')], isError: true };
      return { content: [textOf(found)], structuredContent: { ...found } };
    },
  );
  server.registerTool(
    'delete_customer',
    {
      description: 'Deletes a customer of the shop.',
      inputSchema: one,
      annotations: { destructiveHint: true },
    },
    ({ id }) => ({ content: [textOf({ deleted: id })] }),
  );
  server.registerResource('rules', 'shop://rules', { mimeType: 'text/plain' }, (uri) => ({
    contents: [
      { uri: uri.href, mimeType: 'text/plain', text: `Questions go to ${customers[0]?.email ?? ''}.` },
    ],
  }));
  server.registerPrompt('greet', { description: 'A greeting for a customer.' }, () => ({
    messages: [{ role: 'user', content: { type: 'text', text: 'Greet the customer.' } }],
  }));
  return server;
}

async function answer(
  handler: ReturnType<typeof createMcpHandler>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const method = request.method ?? 'GET';
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (typeof value === 'string') headers.set(name, value);
  }
  const given = await handler.fetch(
    new Request(`http://127.0.0.1${request.url ?? '/'}`, {
      method,
      headers,
      ...(method === 'GET' || method === 'HEAD' ? {} : { body: Buffer.concat(chunks) }),
    }),
  );
  response.writeHead(given.status, Object.fromEntries(given.headers));
  if (given.body !== null) for await (const chunk of given.body) response.write(chunk);
  response.end();
}
