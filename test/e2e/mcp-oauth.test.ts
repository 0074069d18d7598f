import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { calculateJwkThumbprint, decodeProtectedHeader } from 'jose';
import { Provider } from 'oidc-provider';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts, temporaryFolder } from './harness/place.ts';

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers:
  - { name: tools, role: grant, use: [{ module: tools }] }
`,
  'modules/tools.policy.yaml': `
apiVersion: sallyport/v1
module: tools
about: Who may use tools.
owner: team:platform
rules:
  - id: use
    effect: allow
    match: { resource: { kind: mcp } }
    why: Everybody may.
    fix: Ask.
`,
};

function listening(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** A real authorization server; `redirects` of the client that people sign in with. */
async function serveIssuer(
  redirect: string,
  jwk: object,
): Promise<{ issuer: string; provider: Provider; server: Server }> {
  const server = createServer();
  const port = await listening(server);
  const issuer = `http://127.0.0.1:${port}`;
  const provider = new Provider(issuer, {
    clients: [
      { client_id: 'machine', client_secret: 'machine-secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [] },
      { client_id: 'person', client_secret: 'person-secret', grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [redirect], response_types: ['code'] },
      { client_id: 'keyed', token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'ES256', jwks: { keys: [jwk] }, grant_types: ['client_credentials'], redirect_uris: [], response_types: [] },
      { client_id: 'bound', token_endpoint_auth_method: 'none', dpop_bound_access_tokens: true, grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [redirect], response_types: ['code'] },
    ], // prettier-ignore
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    pkce: { required: () => true },
    scopes: ['openid', 'offline_access', 'tools', 'write'],
    issueRefreshToken: () => Promise.resolve(true),
    ttl: {
      AccessToken: 3_600,
      ClientCredentials: 3_600,
      RefreshToken: 3_600,
      Grant: 3_600,
      Interaction: 600,
      Session: 600,
      IdToken: 3_600,
    },
    features: {
      clientCredentials: { enabled: true },
      registration: { enabled: true },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => Promise.resolve(''),
        useGrantedResource: () => Promise.resolve(true),
        getResourceServerInfo: (_ctx: unknown, resource: string) =>
          Promise.resolve({ scope: 'tools write', audience: resource, accessTokenFormat: 'opaque' as const }),
      },
    },
  });
  const handle = provider.callback();
  server.on('request', (request, response) => void handle(request, response));
  return { issuer, provider, server };
}

describe('MCP servers that want OAuth', () => {
  const folder = temporaryFolder('mcp-oauth');
  const asked: IncomingMessage[] = [];
  /** Tokens that were taken, by resource: the gateway signs in on its own too, to see whether a server is there. */
  const given: { readonly resource: string; readonly token: string }[] = [];
  const revoked = new Set<string>();
  let auth: Awaited<ReturnType<typeof serveIssuer>>;
  let gateway: Configured;
  let server: Server;
  let url = '';
  let token = '';
  let stepUp = false;
  let callbackPort = 0;
  let serverPort = 0;

  /** Knows a token by asking its issuer, as what it was given for. */
  const audienceOf = async (bearer: string): Promise<unknown> => {
    const machine = await auth.provider.ClientCredentials.find(bearer);
    const person = await auth.provider.AccessToken.find(bearer);
    const found = machine ?? person;
    return found === undefined || found.isExpired ? undefined : found.aud;
  };

  /** Whether a token that is bound to a key comes with a proof of that key, and no other comes as if it were. */
  const isBound = async ({ headers }: IncomingMessage, bearer: string): Promise<boolean> => {
    const { jkt } = (await auth.provider.AccessToken.find(bearer)) ?? {};
    if (jkt === undefined) return headers.authorization === `Bearer ${bearer}`;
    const { jwk } = decodeProtectedHeader(String(headers['dpop']));
    return headers.authorization === `DPoP ${bearer}` && (await calculateJwkThumbprint(jwk ?? {})) === jkt;
  };

  const tokensOf = (resource: string): readonly string[] =>
    given.filter((each) => each.resource === resource).map((each) => each.token);
  const lastOf = (resource: string): string => tokensOf(resource).at(-1) ?? '';

  const scopeOf = async (bearer: string): Promise<string> =>
    (await auth.provider.ClientCredentials.find(bearer))?.scope ?? '';

  before(async () => {
    [callbackPort = 0] = [await freePorts(1)];
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const keyFile = join(folder.path, 'key.pem');
    writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    auth = await serveIssuer(
      `http://127.0.0.1:${callbackPort}/callback`,
      publicKey.export({ format: 'jwk' }),
    );
    server = createServer((request, response) => {
      asked.push(request);
      const say = (status: number, body: object, more: object = {}): void => {
        response.writeHead(status, { 'content-type': 'application/json', ...more });
        response.end(JSON.stringify(body));
      };
      const base = `http://127.0.0.1:${serverPort}`;
      const metadata = /^\/\.well-known\/oauth-protected-resource(\/\w+)$/.exec(request.url ?? '');
      if (metadata !== null) {
        const servers = metadata[1] === '/other' ? ['https://evil.example'] : [auth.issuer];
        return say(200, { resource: `${base}${metadata[1]}`, authorization_servers: servers });
      }
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.once('end', () => {
        const bearer = request.headers.authorization?.replace(/^(?:Bearer|DPoP) /, '') ?? '';
        void audienceOf(bearer).then(async (audience) => {
          const shown = audience === undefined || (await isBound(request, bearer));
          if (audience !== `${base}${request.url}` || revoked.has(bearer) || !shown)
            return say(401, {}, { 'www-authenticate': 'Bearer error="invalid_token"' });
          given.push({ resource: request.url?.slice(1) ?? '', token: bearer });
          const needs = stepUp && !(await scopeOf(bearer)).includes('write');
          if (needs)
            return say(
              403,
              {},
              { 'www-authenticate': 'Bearer error="insufficient_scope", scope="tools write"' },
            );
          const { id, method } = JSON.parse(Buffer.concat(chunks).toString()) as {
            id?: number;
            method: string;
          };
          const result =
            method === 'tools/list'
              ? { tools: [{ name: 'hello', inputSchema: { type: 'object' } }] }
              : method === 'initialize'
                ? {
                    protocolVersion: '2025-11-25',
                    capabilities: { tools: {} },
                    serverInfo: { name: 's', version: '1' },
                  }
                : { content: [{ type: 'text', text: 'Hello' }] };
          return say(200, { jsonrpc: '2.0', id, result });
        });
      });
      return undefined;
    });
    serverPort = await listening(server);
    const first = await freePorts(2);
    const at = (path: string): string => `http://127.0.0.1:${serverPort}/${path}`;
    const oauth = (client: string, grant: string): string =>
      `{ issuer: '${auth.issuer}', clientId: ${client}, clientSecret: ${client}-secret, scope: tools, grant: ${grant} }`;
    gateway = await startConfigured({
      api: first,
      policy,
      text: `
listen: { api: 127.0.0.1:${first}, mcp: 127.0.0.1:${first + 1} }
policy: ./policy
identities:
  - { subject: ann, kind: human }
  - { subject: bob, kind: human }
  - { subject: helper, kind: agent, actingFor: ann }
resources:
  - { name: machine, kind: mcp, url: '${at('machine')}', oauth: ${oauth('machine', 'client_credentials')} }
  - { name: person, kind: mcp, url: '${at('person')}', oauth: ${oauth('person', 'authorization_code')} }
  - { name: keyed, kind: mcp, url: '${at('keyed')}', oauth: { issuer: '${auth.issuer}', clientId: keyed, clientKey: { file: ${keyFile} }, scope: tools, stepUp: [write] } }
  - { name: each, kind: mcp, url: '${at('each')}', oauth: { issuer: '${auth.issuer}', grant: authorization_code, per: identity, scope: 'tools offline_access' } }
  - { name: bound, kind: mcp, url: '${at('bound')}', oauth: { issuer: '${auth.issuer}', grant: authorization_code, clientId: bound, scope: 'tools offline_access', dpop: true } }
  - { name: unbound, kind: mcp, url: '${at('unbound')}', oauth: { issuer: '${auth.issuer}', clientId: federated, grant: jwt_bearer, assertionFile: ${join(folder.path, 'none.jwt')} } }
  - { name: other, kind: mcp, url: '${at('other')}', oauth: ${oauth('machine', 'client_credentials')} }
`,
    });
    url = `http://127.0.0.1:${first + 1}`;
    token = await gateway.token('ann');
  });
  after(async () => {
    folder[Symbol.dispose]();
    await gateway[Symbol.asyncDispose]();
    for (const each of [server, auth.server]) {
      each.close();
      each.closeAllConnections();
    }
  });

  const call = async (
    resource: string,
    as: string = token,
  ): Promise<{ readonly status: number; readonly text: string }> => {
    const answer = await fetch(`${url}/${resource}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${as}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2025-11-25',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'hello', arguments: {} },
      }),
    });
    return { status: answer.status, text: await answer.text() };
  };

  test('by client credentials: for this server alone, one token for many, a new one where it is taken no more', async () => {
    const answers = await Promise.all([call('machine'), call('machine'), call('machine')]);
    for (const { text } of answers) assert.match(text, /Hello/);
    assert.equal(new Set(tokensOf('machine')).size, 1, 'one token is asked for');
    revoked.add(lastOf('machine'));
    assert.match((await call('machine')).text, /Hello/);
    assert.equal(new Set(tokensOf('machine')).size, 2);
    for (const { headers } of asked)
      assert.ok(!headers.authorization?.includes(token), 'a token of the client came through');
    for (const { text } of answers) for (const each of given) assert.ok(!text.includes(each.token));
  });

  test('a server that names another authorization server gets nothing', async () => {
    const { text } = await call('other');
    assert.match(text, /could not sign in/);
    const sent = asked.filter((each) => each.url === '/other').map(({ headers }) => headers.authorization);
    assert.ok(sent.every((each) => each === undefined));
  });

  test('by an authorization code: an operator lets it in, tokens are sealed and renewed', async () => {
    assert.match((await call('person')).text, /could not sign in/);
    await login();
    assert.match((await call('person')).text, /Hello/);
    const first = lastOf('person');
    assert.equal(await audienceOf(first), `http://127.0.0.1:${serverPort}/person`);
    revoked.add(first);
    assert.match((await call('person')).text, /Hello/);
    assert.notEqual(lastOf('person'), first, 'it was renewed');
    const kept = join(gateway.home, 'kept', 'mcp');
    const files = readdirSync(kept).filter((name) => name.startsWith('oauth-'));
    assert.deepEqual(files, ['oauth-person-it.json']);
    const sealed = readFileSync(join(kept, files[0] ?? ''), 'utf8');
    for (const { token: each } of given) assert.ok(!sealed.includes(each));
    assert.match(sealed, /^\{"sealed":"[A-Za-z0-9+/=]+"\}$/);
    assert.ok(
      !gateway.log().includes('-secret') && !given.some((each) => gateway.log().includes(each.token)),
    );
    // Whoever changes what is kept signs in nowhere.
    writeFileSync(join(kept, files[0] ?? ''), sealed.replace(/.{6}"\}$/, 'AAAAAA"}'));
    assert.match((await call('person')).text, /Hello/, 'what the gateway holds in memory goes on');
  });

  test('by a key of its own, and with more scopes where the server wants what it may ask for', async () => {
    assert.match((await call('keyed')).text, /Hello/);
    assert.equal(await scopeOf(lastOf('keyed')), 'tools');
    stepUp = true;
    try {
      assert.match((await call('keyed')).text, /Hello/);
      assert.match(await scopeOf(lastOf('keyed')), /write/);
      assert.match((await call('machine')).text, /could not sign in/, 'nobody said that it may ask for more');
    } finally {
      stepUp = false;
    }
  });

  test('a token for each person, of a client that registered itself; an agent has that of its owner', async () => {
    await login('each', 'ann');
    assert.match((await call('each')).text, /Hello/);
    const own = lastOf('each');
    assert.match((await call('each', await gateway.token('helper'))).text, /Hello/);
    assert.equal(lastOf('each'), own);
    const before = tokensOf('each').length;
    assert.match((await call('each', await gateway.token('bob'))).text, /could not sign in/);
    assert.equal(tokensOf('each').length, before);
    const files = readdirSync(join(gateway.home, 'kept', 'mcp')).filter((name) =>
      name.startsWith('oauth-each'),
    );
    assert.equal(files.length, 1);
    assert.match(files[0] ?? '', /^oauth-each-it-[0-9a-f]{64}\.json$/);
  });

  test('tokens bound to a key: whoever lets it in makes it, and the gateway proves and renews with it', async () => {
    await login('bound');
    assert.match((await call('bound')).text, /Hello/);
    const first = lastOf('bound');
    revoked.add(first);
    assert.match((await call('bound')).text, /Hello/);
    assert.notEqual(lastOf('bound'), first, 'it was renewed');
    const proofs = asked
      .filter(({ url: at }) => at === '/bound')
      .flatMap(({ headers }) => headers['dpop'] ?? []);
    assert.ok(proofs.length >= 4);
    assert.equal(new Set(proofs).size, proofs.length, 'none is used twice');
  });

  test('an assertion that is not there signs in nowhere', async () => {
    assert.match((await call('unbound')).text, /could not sign in/);
    assert.deepEqual(tokensOf('unbound'), []);
  });

  /** The command, and the browser of the one who runs it. */
  async function login(resource = 'person', as?: string): Promise<void> {
    const child = spawn(
      process.execPath,
      [
        join(import.meta.dirname, '../../src/cli/main.ts'),
        'mcp-login',
        resource,
        ...(as === undefined ? [] : ['--as', as]),
        '--port',
        String(callbackPort),
        '--config',
        join(gateway.home, '..', 'sallyport.yaml'),
      ],
      { env: { ...process.env, SALLYPORT_HOME: gateway.home }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let out = '';
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const page = await new Promise<string>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString();
        if (out.includes('\n')) resolve(out.trim());
      });
      child.once('exit', () => reject(new Error(`It ended: ${err}`)));
    });
    const asks = new URL(page).searchParams;
    assert.equal(asks.get('code_challenge_method'), 'S256');
    assert.equal(asks.get('resource'), `http://127.0.0.1:${serverPort}/${resource}`);
    const forged = await fetch(`http://127.0.0.1:${callbackPort}/callback?code=x&state=y`);
    assert.equal(forged.status, 404, 'what did not begin here is not taken');
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    await browse(page);
    assert.equal(await ended, 0, err);
  }

  /** Signs in and agrees, as the pages of the authorization server ask. */
  async function browse(page: string): Promise<void> {
    const jar = new Map<string, string>();
    let at = page;
    let form: URLSearchParams | undefined;
    for (let step = 0; step < 20; step++) {
      const response = await fetch(at, {
        redirect: 'manual',
        headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
        ...(form === undefined ? {} : { method: 'POST', body: form }),
      });
      form = undefined;
      for (const line of response.headers.getSetCookie()) {
        const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=');
        jar.set(name, value);
      }
      const next = response.headers.get('location');
      const text = await response.text();
      if (next !== null) {
        at = new URL(next, at).href;
        continue;
      }
      if (at.startsWith(`http://127.0.0.1:${callbackPort}/`)) return;
      const action = /<form[^>]* action="([^"]+)"/.exec(text)?.[1];
      assert.ok(action !== undefined, text);
      at = new URL(action, at).href;
      form = new URLSearchParams(
        text.includes('name="login"')
          ? { prompt: 'login', login: 'operator', password: 'x' }
          : { prompt: 'consent' },
      );
    }
    throw new Error('The pages have no end');
  }
});
