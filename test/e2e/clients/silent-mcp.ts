// An MCP server over stdio with one tool that never answers.
process.stdin.setEncoding('utf8');
let rest = '';
process.stdin.on('data', (text: string) => {
  const lines = (rest + text).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) {
    const { id, method } = JSON.parse(line) as { readonly id?: unknown; readonly method?: string };
    const say = (result: object): void =>
      void process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);
    if (method === 'initialize')
      say({
        protocolVersion: '2025-06-18',
        capabilities: { tools: {} },
        serverInfo: { name: 'silent', version: '1' },
      });
    else if (method === 'tools/list') say({ tools: [{ name: 'wait', inputSchema: { type: 'object' } }] });
    else if (method === 'ping') say({});
    else if (method !== undefined && method !== 'tools/call' && id !== undefined)
      process.stdout.write(
        `${JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32_601, message: 'No such method' } })}\n`,
      );
  }
});
