import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { runProgram } from './clients.ts';
import { type Configured, startConfigured } from './gateway.ts';
import { freePorts, root } from './place.ts';
import { covered } from './wait.ts';

/** A web service of the test's own behind a gateway of its own: the resource is called web. */
export interface Web extends AsyncDisposable {
  readonly gateway: Configured;
  readonly port: number; // of HTTP through the gateway
  readonly servicePort: number;
  readonly tokens: { readonly analyst: string; readonly dba: string };
  /** Asks as one of them. */
  readonly ask: (path: string, init?: WebInit) => Promise<WebAnswer>;
  /** All entries, once a head covers them. */
  readonly entries: () => Promise<readonly WebEntry[]>;
}

export interface WebInit {
  readonly as?: 'analyst' | 'dba';
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface WebAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly bytes: Uint8Array;
}

export interface WebEntry {
  readonly kind: string;
  readonly [field: string]: unknown;
}

export interface WebParts {
  readonly serve: (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;
  /** `files` beside `policy.yaml`, which has a grant layer of `web` and a restricting one of `masks`. */
  readonly policy: Readonly<Record<string, string>>;
  /** Further keys of the resource, two blanks more than its name. */
  readonly settings?: string;
  /** Further lines of the configuration; PORT + n stands for free ports. */
  readonly more?: (
    port: number,
    service: number,
  ) => { readonly listen?: string; readonly resources?: string; readonly top?: string };
  /** Is called before the body was read. */
  readonly early?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

export async function startWeb(parts: WebParts): Promise<Web> {
  const server = createServer((request, response) => {
    response.on('error', () => undefined);
    request.on('error', () => undefined);
    if (parts.early?.(request, response) === true) return;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => parts.serve(request, response, Buffer.concat(chunks)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const first = await freePorts(6);
  const port = first + 1;
  const more = parts.more?.(first + 2, address.port) ?? {};
  const gateway = await startConfigured({
    api: first,
    policy: {
      'policy.yaml':
        'apiVersion: sallyport/v1\nlayers:\n  - { name: base, role: restrict, use: [{ module: masks }] }\n  - { name: web, role: grant, use: [{ module: web }] }\nrecord: full\n',
      ...parts.policy,
    },
    text: `
listen: { api: 127.0.0.1:${first}, http: 127.0.0.1:${port}${more.listen ?? ''} }
policy: ./policy
${more.top ?? ''}
identities:
  - { subject: analyst, kind: human, groups: [analysts] }
  - { subject: dba, kind: human, groups: [dba] }
  - { subject: lead, kind: human, groups: [leads] }
resources:
  - name: web
    kind: http
    url: http://127.0.0.1:${address.port}
${parts.settings ?? ''}${more.resources ?? ''}
`,
  });
  const tokens = { analyst: await gateway.token('analyst'), dba: await gateway.token('dba') };
  return {
    gateway,
    port,
    servicePort: address.port,
    tokens,
    ask: async (path, { as = 'analyst', method = 'GET', headers = {}, body } = {}) => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        redirect: 'manual',
        headers: { authorization: `Bearer ${tokens[as]}`, ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : Buffer.from(body) }),
      });
      const bytes = new Uint8Array(await answer.arrayBuffer());
      return { status: answer.status, headers: answer.headers, bytes, text: Buffer.from(bytes).toString() };
    },
    entries: async () => {
      await covered(gateway);
      const main = join(root, 'src', 'cli', 'main.ts');
      const args = [main, 'audit', 'export', '--data', join(gateway.home, 'data')];
      const { stdout, stderr, code } = await runProgram(process.execPath, args);
      assert.equal(code, 0, stderr);
      return stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { readonly entry: WebEntry }).entry);
    },
    [Symbol.asyncDispose]: async () => {
      await gateway[Symbol.asyncDispose]();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
