// What stands behind the HTTP and LLM benches, or, with a port, a proxy that does nothing but pass on: node http-behind.ts
// [TO-PORT]. Prints the port it listens on.
import { Agent, createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';

const [to] = process.argv.slice(2);
const people = Array.from({ length: 8_000 }, (_, id) => ({
  id,
  name: `Person ${id}`,
  email: `person.${id}@example.com`,
  city: 'Springfield',
  notes: 'Called twice about the order, wants it by Friday',
}));
const small = Buffer.from(JSON.stringify(people[7]));
const large = Buffer.from(JSON.stringify(people));
const words = 'Customer 7 is Ann Lee of Springfield. Write to ann.lee@example.com soon.'.split(/(?<= )/);
const chunk = (delta: object, finish_reason: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 0, model: 'demo-1', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
const stream = words.map((content) => chunk({ content })).join('');
const whole = Buffer.from(
  JSON.stringify({
    id: 'c',
    object: 'chat.completion',
    created: 0,
    model: 'demo-1',
    choices: [{ index: 0, message: { role: 'assistant', content: words.join('') }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 5, completion_tokens: 15, total_tokens: 20 },
  }),
);

const agent = new Agent({ keepAlive: true, maxSockets: 256 });
const server = createServer(to === undefined ? serve : pass);
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') process.stdout.write(`${address.port}\n`);
});

function serve(request: IncomingMessage, response: ServerResponse): void {
  let body = '';
  request.on('data', (part: Buffer) => (body += part.toString()));
  request.on('end', () => {
    if (request.method === 'GET') return json(response, request.url === '/large' ? large : small);
    if (!body.includes('"stream":true')) return json(response, whole);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`${chunk({ role: 'assistant' })}${stream}${chunk({}, 'stop')}data: [DONE]\n\n`);
  });
}

function json(response: ServerResponse, bytes: Buffer): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length });
  response.end(bytes);
}

function pass(request: IncomingMessage, response: ServerResponse): void {
  const { method, url: path, headers } = request;
  const onward = ask({ host: '127.0.0.1', port: Number(to), agent, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  request.pipe(onward);
}
