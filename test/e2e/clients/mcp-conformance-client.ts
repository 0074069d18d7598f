/**
 * A client for the client scenarios of MCP's conformance suite: `THROUGH=1` stands the gateway (its door, gate and room, in this process) between it and the suite's server,
 * which then sees the gateway as its client. `mcp-conformance-client.ts URL`, as the suite calls it.
 */
import {
  Client,
  ClientCredentialsProvider,
  DpopSession,
  type OAuthClientProvider,
  PrivateKeyJwtProvider,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '../../../src/base/secret.ts';
import { openRoom } from './mcp-room.ts';

const given = process.argv.at(-1) ?? '';
const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? '';
const context = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as Readonly<
  Record<string, unknown>
>;
const modern = process.env['MCP_CONFORMANCE_PROTOCOL_VERSION'] === '2026-07-28';
const said = (key: string): string | undefined =>
  typeof context[key] === 'string' ? context[key] : undefined;

const bound = scenario.startsWith('auth/dpop');
const federated = scenario === 'auth/wif-jwt-bearer';
const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** Where documents about clients lie that the suite knows (Client ID Metadata Documents). */
const aboutUs = 'https://conformance-test.local/client-metadata.json';

/** Every client that this program is, in turn: what one is told, the next one knows. */
interface Way {
  readonly connect: (client: Client) => Promise<void>;
  /** Lets it in (again), where it has to sign in; false where that is not done here. */
  readonly signIn: () => Promise<boolean>;
  readonly close: () => Promise<void>;
}

function direct(): Way {
  const url = new URL(given);
  const oauth = scenario.startsWith('auth/') ? providerOf() : undefined;
  let transport: StreamableHTTPClientTransport | undefined;
  return {
    connect: async (client) => {
      transport = new StreamableHTTPClientTransport(
        url,
        oauth === undefined ? {} : { authProvider: oauth.provider },
      );
      await client.connect(transport);
    },
    signIn: async () => {
      const came = await oauth?.came();
      if (came === undefined) return false;
      const { code, iss } = came;
      await transport?.finishAuth(code, iss);
      return true;
    },
    close: () => Promise.resolve(),
  };
}

function providerOf(): {
  readonly provider: OAuthClientProvider;
  readonly came: () => Promise<{ code: string; iss?: string }> | undefined;
} {
  const id = said('client_id');
  const secret = said('client_secret');
  const key = said('private_key_pem');
  if (scenario === 'auth/client-credentials-basic' && id !== undefined && secret !== undefined)
    return {
      provider: new ClientCredentialsProvider({ clientId: id, clientSecret: secret }),
      came: () => undefined,
    };
  if (scenario === 'auth/client-credentials-jwt' && id !== undefined && key !== undefined)
    return {
      provider: new PrivateKeyJwtProvider({
        clientId: id,
        privateKey: key,
        algorithm: said('signing_algorithm') ?? 'ES256',
      }),
      came: () => undefined,
    };
  const workload: { tokens?: unknown } = {};
  if (federated)
    return {
      provider: {
        redirectUrl: undefined,
        clientMetadata: { client_name: 'conformance', redirect_uris: [], grant_types: [jwtBearer] },
        clientInformation: () => ({ client_id: id ?? '' }),
        tokens: () => workload.tokens,
        saveTokens: (tokens: unknown) => void (workload.tokens = tokens),
        prepareTokenRequest: () =>
          new URLSearchParams({ grant_type: jwtBearer, assertion: said('valid_jwt') ?? '' }),
      } as unknown as OAuthClientProvider,
      came: () => undefined,
    };
  const kept: Record<string, unknown> = {};
  const keep = (name: string) => (value: unknown) => void (kept[name] = value);
  let came: Promise<{ code: string; iss?: string }> | undefined;
  let proofs: Promise<DpopSession> | undefined;
  const provider = {
    redirectUrl: 'http://127.0.0.1:8765/callback',
    clientMetadata: {
      client_name: 'conformance',
      redirect_uris: ['http://127.0.0.1:8765/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
    },
    clientMetadataUrl: aboutUs,
    clientInformation: () =>
      kept['client'] ??
      (id === undefined
        ? undefined
        : { client_id: id, ...(secret === undefined ? {} : { client_secret: secret }) }),
    saveClientInformation: keep('client'),
    tokens: () => kept['tokens'],
    saveTokens: keep('tokens'),
    saveCodeVerifier: keep('verifier'),
    codeVerifier: () => String(kept['verifier']),
    ...(bound ? { dpop: () => (proofs ??= DpopSession.create()) } : {}),
    discoveryState: () => kept['state'],
    saveDiscoveryState: keep('state'),
    redirectToAuthorization: (page: URL) => {
      came = browse(page.href);
    },
  } as unknown as OAuthClientProvider;
  return { provider, came: () => came };
}

/** A person who agrees to everything. */
async function browse(page: string): Promise<{ code: string; iss?: string }> {
  const answer = await fetch(page, { redirect: 'manual' });
  const back = new URL(answer.headers.get('location') ?? '', page).searchParams;
  const iss = back.get('iss');
  return { code: back.get('code') ?? '', ...(iss === null ? {} : { iss }) };
}

async function through(): Promise<Way> {
  const issuer = await issuerOf(given);
  const oauth = issuer === undefined ? {} : { oauth: settingsOf(issuer) };
  const room = await openRoom({ url: given, allow: ['sampling', 'elicitation', 'roots'], ...oauth });
  const headers = { authorization: `Bearer ${room.token}` };
  const byCode = JSON.stringify(oauth).includes('authorization_code');
  return {
    connect: async (client) => {
      await client.connect(
        new StreamableHTTPClientTransport(new URL(room.url), { requestInit: { headers } }),
      );
    },
    signIn: async () => {
      if (!byCode) return false;
      const broker = room.broker();
      const login = { redirect: 'http://127.0.0.1:8765/callback', state: 'state' };
      const { code, iss } = await browse((await broker.begin(login)).href);
      await broker.finish(login, { code, iss });
      return true;
    },
    close: async () => {
      await room[Symbol.asyncDispose]();
    },
  };
}

function settingsOf(issuer: string): object {
  const id = said('client_id');
  const secret = said('client_secret');
  if (scenario === 'auth/client-credentials-jwt')
    return {
      issuer,
      clientId: id,
      clientKey: new Secret(said('private_key_pem') ?? ''),
      algorithm: said('signing_algorithm') ?? 'ES256',
    };
  if (scenario === 'auth/client-credentials-basic')
    return { issuer, clientId: id, clientSecret: new Secret(secret ?? '') };
  if (federated) {
    const file = join(folder, 'workload.jwt');
    writeFileSync(file, said('valid_jwt') ?? '');
    return { issuer, clientId: id, grant: 'jwt_bearer', assertionFile: file };
  }
  return {
    issuer,
    grant: 'authorization_code',
    ...(bound ? { dpop: true } : {}),
    ...(id === undefined ? { clientId: aboutUs } : { clientId: id }),
    ...(secret === undefined ? {} : { clientSecret: new Secret(secret) }),
  };
}

/** The issuer that whoever configures the gateway would have looked up. */
async function issuerOf(server: string): Promise<string | undefined> {
  if (!scenario.startsWith('auth/')) return undefined;
  const url = new URL(server);
  const asked = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'tools/list', params: {} }),
  });
  const named = /resource_metadata="([^"]+)"/.exec(asked.headers.get('www-authenticate') ?? '')?.[1];
  const places = [
    named,
    `/.well-known/oauth-protected-resource${url.pathname}`,
    '/.well-known/oauth-protected-resource',
  ];
  for (const place of places) {
    if (place === undefined) continue;
    const answer = await fetch(new URL(place, url));
    if (!answer.ok) continue;
    const { authorization_servers: all } = (await answer.json()) as {
      readonly authorization_servers?: readonly string[];
    };
    if (all?.[0] !== undefined) return all[0];
  }
  return url.origin;
}

async function drive(way: Way): Promise<void> {
  let client = await signedIn(way);
  const { tools } = await client.listTools();
  for (const { name, args } of callsOf(tools)) {
    const call = (): Promise<unknown> => client.callTool({ name, arguments: args });
    const bad = await call().then(isBad, () => true);
    // What it lacks may be a right: once more with what the server wants.
    if (bad && scenario.startsWith('auth/') && (await way.signIn().catch(() => false))) {
      await client.close().catch(() => undefined);
      client = await signedIn(way);
      await client.callTool({ name, arguments: args }).catch(() => undefined);
    }
  }
  await client.close();
}

function isBad(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'isError' in result && result.isError === true;
}

async function signedIn(way: Way): Promise<Client> {
  const make = (): Client => {
    const client = new Client(
      { name: 'conformance', version: '1' },
      {
        capabilities: { elicitation: { form: { applyDefaults: true } }, sampling: {}, roots: {} },
        versionNegotiation: { mode: modern ? 'auto' : 'legacy' },
      },
    );
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: {} }));
    return client;
  };
  for (let tries = 0; ; tries++) {
    const client = make();
    try {
      await way.connect(client);
      await client.listTools();
      return client;
    } catch (thrown) {
      if (tries >= 2 || !(await way.signIn())) throw thrown;
    }
  }
}

interface Call {
  readonly name: string;
  readonly args: Record<string, unknown>;
}

/** The calls that the suite dictates; else each tool once, with what its schema asks for. */
function callsOf(tools: Awaited<ReturnType<Client['listTools']>>['tools']): readonly Call[] {
  const { toolCalls } = context as {
    readonly toolCalls?: readonly { readonly name: string; readonly arguments: Record<string, unknown> }[];
  };
  if (toolCalls !== undefined) return toolCalls.map(({ name, arguments: args }) => ({ name, args }));
  const [first] = tools;
  return tools.map(({ name, inputSchema }) => {
    if (scenario.startsWith('json-schema') && name !== first?.name)
      return { name, args: { schema: first?.inputSchema } };
    const args = Object.fromEntries(
      Object.entries(inputSchema.properties ?? {}).map(([key, schema]) => [key, sampleOf(schema)]),
    );
    return { name, args };
  });
}

function sampleOf(schema: unknown): unknown {
  const type = typeof schema === 'object' && schema !== null && 'type' in schema ? schema.type : undefined;
  if (type === 'number' || type === 'integer') return 5;
  if (type === 'boolean') return true;
  return type === 'object' ? {} : type === 'array' ? [] : 'text';
}

const folder = mkdtempSync(join(tmpdir(), 'mcp-conformance-client-'));
process.once('exit', () => rmSync(folder, { recursive: true }));
const way = process.env['THROUGH'] === undefined ? direct() : await through();
try {
  await drive(way);
} finally {
  await way.close();
}
process.exit();
