/**
 * A client for the client scenarios of MCP's conformance suite: `THROUGH=1` stands the gateway between it and the suite's server,
 * which then sees the gateway as its client. `mcp-conformance-client.ts URL`, as the suite calls it.
 */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { type Configured, startConfigured } from '../harness/gateway.ts';
import { freePorts } from '../harness/place.ts';

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers: [{ name: tools, role: grant, use: [{ module: tools }] }]
record: meta
`,
  'modules/tools.policy.yaml': `
apiVersion: sallyport/v1
module: tools
about: Who may use tools.
owner: team:platform
rules:
  - { id: use, effect: allow, match: { resource: { kind: mcp } }, why: Everybody may use tools., fix: Ask. }
`,
};

const given = process.argv.at(-1) ?? '';
const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? '';
const context = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as Record<string, string>;
const modern = process.env['MCP_CONFORMANCE_PROTOCOL_VERSION'] === '2026-07-28';

/** Where this client signs in and what the gateway signs in with at the server. */
async function between(): Promise<{
  readonly url: string;
  readonly token: string;
  readonly gateway: Configured;
}> {
  const first = await freePorts(2);
  const issuer = await issuerOf(given);
  const oauth =
    issuer === undefined
      ? ''
      : `, oauth: { issuer: '${issuer}', clientId: '${context['client_id'] ?? 'none'}', clientSecret: '${context['client_secret'] ?? 'none'}' }`;
  const gateway = await startConfigured({
    api: first,
    policy,
    options: { withinMs: 120_000 },
    text: `
listen: { api: 127.0.0.1:${first}, mcp: 127.0.0.1:${first + 1} }
policy: ./policy
identities: [{ subject: analyst, kind: human }]
resources:
  - { name: suite, kind: mcp, url: '${given}', allow: [sampling, elicitation, roots]${oauth} }
`,
  });
  return { url: `http://127.0.0.1:${first + 1}/suite`, token: await gateway.token('analyst'), gateway };
}

async function issuerOf(server: string): Promise<string | undefined> {
  if (!scenario.startsWith('auth/')) return undefined;
  if (context['issuer'] !== undefined) return context['issuer'];
  const url = new URL(server);
  const answer = await fetch(new URL(`/.well-known/oauth-protected-resource${url.pathname}`, url));
  const { authorization_servers: all } = (await answer.json()) as {
    readonly authorization_servers?: readonly string[];
  };
  return all?.[0];
}

async function drive(url: string, token: string | undefined): Promise<void> {
  const client = new Client(
    { name: 'conformance', version: '1' },
    {
      capabilities: { elicitation: { form: { applyDefaults: true } }, sampling: {}, roots: {} },
      versionNegotiation: { mode: modern ? 'auto' : 'legacy' },
    },
  );
  client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: {} }));
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
  const { tools } = await client.listTools();
  for (const { name, inputSchema } of tools) {
    const args = Object.fromEntries(
      Object.entries(inputSchema.properties ?? {}).map(([key, schema]) => [key, sampleOf(schema)]),
    );
    await client.callTool({ name, arguments: args }).catch(() => undefined);
  }
  await client.close();
}

function sampleOf(schema: unknown): unknown {
  const type = typeof schema === 'object' && schema !== null && 'type' in schema ? schema.type : undefined;
  if (type === 'number' || type === 'integer') return 5;
  if (type === 'boolean') return true;
  return type === 'object' ? {} : type === 'array' ? [] : 'text';
}

if (process.env['THROUGH'] === undefined) await drive(given, undefined);
else {
  const { url, token, gateway } = await between();
  try {
    await drive(url, token);
  } finally {
    if (process.env['SHOW'] !== undefined) process.stderr.write(gateway.log());
    await gateway[Symbol.asyncDispose]();
  }
}
