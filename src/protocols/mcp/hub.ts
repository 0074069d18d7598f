import { Client, SdkError, SdkErrorCode, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import {
  createMcpHandler,
  ProtocolError,
  Server,
  type ServerCapabilities,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { AsyncLocalStorage } from 'node:async_hooks';
import { isObject } from '../../base/check.ts';
import { Fault } from '../../base/errors.ts';
import type { HttpRequest, HttpResponse } from '../../carriers/http/client.ts';
import { costs } from '../../carriers/http/costs.ts';
import type { Exchange } from '../../carriers/http/exchange.ts';
import type { Holding } from '../../core/held.ts';
import { heard } from './heard.ts';
import { codes, type Id, type Json, readMessage } from './message.ts';
import { joined, joinedUri, split, splitUri } from './meaning.ts';
import type { McpServerSettings, McpSettings } from './settings.ts';

export interface HubParts {
  readonly settings: McpSettings;
  /** Calls a server over HTTP, with the gateway's credential. */
  readonly call: (server: string, request: HttpRequest) => Promise<HttpResponse>;
  readonly version: string;
  /** Of one message of a server, in bytes. */
  readonly most: number;
}

/**
 * Several servers, or one that is a process, as one server over streamable HTTP. It joins and parts names and knows no
 * policy: everything to and from it passes the gate like any other server's.
 */
export interface Hub extends AsyncDisposable {
  readonly call: (request: HttpRequest, exchange?: Exchange) => Promise<HttpResponse>;
}

const callMs = 3_600_000;
const capabilities: ServerCapabilities = {
  tools: {},
  resources: {},
  prompts: {},
  completions: {},
  logging: {},
};

export function hub(parts: HubParts): Hub {
  const within = new AsyncLocalStorage<Holding>();
  const links = new Map(
    [...parts.settings.servers].map(
      ([name, given]) => [name, new Link(name, given, { ...parts, within })] as const,
    ),
  );
  const late: Late = new Map();
  let calls = 0;
  const handler = createMcpHandler(() => front(parts, links, late));
  return {
    call: async ({ method, fields, body, signal }, exchange) => {
      const headers = new Headers(fields.map(([name, value]): [string, string] => [name, value]));
      const call = String(++calls);
      headers.set(callHeader, call);
      if (body !== undefined && !(body instanceof Uint8Array))
        throw new Fault('bug', 'A message is sent as a whole');
      const asked = new Request('http://127.0.0.1/', {
        method,
        headers,
        signal,
        ...(body === undefined ? {} : { body: Buffer.from(body) }),
      });
      const asking = (): Promise<Response> => handler.fetch(asked);
      const answer = await (exchange === undefined ? asking() : within.run(exchange.held, asking));
      return {
        status: answer.status,
        fields: [...answer.headers],
        body: bodyOf(answer, () => takeFrom(late, call)),
      };
    },
    [Symbol.asyncDispose]: async () => {
      await handler.close();
      await Promise.all([...links.values()].map((link) => link.close()));
    },
  };
}

/** What a server did not say in time is a fault, not an answer of it. */
async function* bodyOf(answer: Response, fault: () => Fault | undefined): AsyncIterable<Uint8Array> {
  try {
    if (answer.body === null) return;
    for await (const chunk of answer.body) {
      const late = fault();
      if (late !== undefined) throw late;
      yield chunk;
    }
  } finally {
    fault();
  }
}

const lists = {
  'tools/list': ['tools', 'name'],
  'prompts/list': ['prompts', 'name'],
  'resources/list': ['resources', 'uri'],
  'resources/templates/list': ['resourceTemplates', 'uriTemplate'],
} as const;

function front({ settings, version }: HubParts, links: ReadonlyMap<string, Link>, late: Late): Server {
  const server = new Server({ name: 'sallyport', version }, { capabilities });
  const linkOf = (name: string | undefined): Link => {
    const link = name === undefined ? undefined : links.get(name);
    if (link === undefined) throw new ProtocolError(codes.invalidParams, 'There is no such name');
    return link;
  };
  const inTime = async <T>(asking: Promise<T>, context: ServerContext): Promise<T> => {
    try {
      return await asking;
    } catch (thrown) {
      const fault = lateIn(thrown);
      const call = context.http?.req?.headers.get(callHeader);
      if (fault !== undefined && typeof call === 'string') late.set(call, fault);
      throw thrown;
    }
  };
  const byName = async (method: string, params: Json, context: ServerContext): Promise<Json> => {
    const at = split(settings, String(params['name']));
    const link = linkOf(at?.server);
    return link.outward(await inTime(link.ask(method, { ...params, name: at?.name }, context), context));
  };
  const byUri = async (method: string, params: Json, context: ServerContext): Promise<Json> => {
    const at = splitUri(settings, String(params['uri']));
    const link = linkOf(at?.server);
    return link.outward(await inTime(link.ask(method, { ...params, uri: at?.uri }, context), context));
  };
  for (const [method, [key, named]] of Object.entries(lists)) {
    server.setRequestHandler(method as keyof typeof lists, async (_request, context) => {
      const all: Json[] = [];
      for (const link of links.values())
        all.push(...(await inTime(link.list(method, { key, named, context }), context)));
      return { [key]: all } as never;
    });
  }
  server.setRequestHandler(
    'tools/call',
    async ({ params }, context) => (await byName('tools/call', params, context)) as never,
  );
  server.setRequestHandler(
    'prompts/get',
    async ({ params }, context) => (await byName('prompts/get', params, context)) as never,
  );
  server.setRequestHandler(
    'resources/read',
    async ({ params }, context) => (await byUri('resources/read', params, context)) as never,
  );
  server.setRequestHandler('completion/complete', async ({ params }, context) => {
    const { ref } = params;
    const at = ref.type === 'ref/prompt' ? split(settings, ref.name) : splitUri(settings, ref.uri);
    if (at === undefined) throw new ProtocolError(codes.invalidParams, 'There is no such name');
    const inner = 'uri' in at ? { ...ref, uri: at.uri } : { ...ref, name: at.name };
    const link = linkOf(at.server);
    return (await inTime(
      link.ask('completion/complete', { ...params, ref: inner }, context),
      context,
    )) as never;
  });
  return server;
}

/** What was not answered in time, by the number of the call in `callHeader`; the body of the answer takes it out. */
type Late = Map<string, Fault>;

function takeFrom(late: Late, call: string): Fault | undefined {
  const fault = late.get(call);
  late.delete(call);
  return fault;
}

const callHeader = 'sallyport-call';

/** That a server took too long, however the client library tells it. */
function lateIn(thrown: unknown): Fault | undefined {
  if (thrown instanceof SdkError && thrown.code === SdkErrorCode.RequestTimeout)
    return new Fault('upstream-late', 'The MCP server did not answer in time', { cause: thrown });
  if (thrown instanceof Fault && thrown.code === 'upstream-late') return thrown;
  return thrown instanceof Error && thrown.cause !== undefined ? lateIn(thrown.cause) : undefined;
}

interface LinkParts extends HubParts {
  /** What the request that is under way holds. */
  readonly within: AsyncLocalStorage<Holding>;
}

/** The connection to one server: opened when it is first needed, and again when it broke. */
class Link {
  readonly #name: string;
  readonly #given: McpServerSettings;
  readonly #parts: LinkParts;
  #client: Promise<Client> | undefined;

  constructor(name: string, given: McpServerSettings, parts: LinkParts) {
    this.#name = name;
    this.#given = given;
    this.#parts = parts;
  }

  async list(
    method: string,
    about: { readonly key: string; readonly named: string; readonly context: ServerContext },
  ): Promise<readonly Json[]> {
    const needs = method.startsWith('resources') ? 'resources' : about.key;
    const has = (await this.#connected()).getServerCapabilities() ?? {};
    if (!Object.hasOwn(has, needs)) return [];
    const all: Json[] = [];
    let cursor: unknown;
    for (let page = 0; page < 50; page++) {
      const result = await this.ask(method, cursor === undefined ? {} : { cursor }, about.context);
      const list: unknown = result[about.key];
      for (const each of Array.isArray(list) ? (list as readonly unknown[]) : []) {
        if (!isObject(each)) continue;
        const own = String(each[about.named]);
        all.push({
          ...each,
          [about.named]: about.named === 'name' ? joined(this.#name, own) : joinedUri(this.#name, own),
        });
      }
      cursor = result['nextCursor'];
      if (typeof cursor !== 'string') return all;
    }
    throw new Fault('upstream-closed', 'A list of an MCP server has no end');
  }

  async ask(method: string, params: Json, context: ServerContext): Promise<Json> {
    const client = await this.#connected();
    const { _meta, ...rest } = params;
    const token = isObject(_meta) ? _meta['progressToken'] : undefined;
    const options = {
      signal: context.mcpReq.signal,
      // Who tells of its progress is still there.
      timeout: this.#given.kind === 'stdio' ? this.#given.patience.firstByteMs : callMs,
      resetTimeoutOnProgress: true,
      maxTotalTimeout: callMs,
      ...(typeof token === 'string' || typeof token === 'number'
        ? {
            onprogress: (progress: object) => {
              context.mcpReq
                .notify({
                  method: 'notifications/progress',
                  params: { ...progress, progressToken: token },
                })
                .catch(() => undefined);
            },
          }
        : {}),
    };
    return await client.request({ method: method as 'tools/call', params: rest }, options);
  }

  /** URIs in an answer lead back to the server that gave them. */
  outward(value: Json): Json {
    if (this.#name === '') return value;
    const walk = (each: unknown): unknown => {
      if (Array.isArray(each)) return each.map(walk);
      if (!isObject(each)) return each;
      const out: Record<string, unknown> = {};
      for (const [key, inner] of Object.entries(each)) {
        if (key === 'structuredContent' || key === '_meta') out[key] = inner;
        else
          out[key] = key === 'uri' && typeof inner === 'string' ? joinedUri(this.#name, inner) : walk(inner);
      }
      return out;
    };
    return walk(value) as Json;
  }

  #connected(): Promise<Client> {
    this.#client ??= this.#connect();
    return this.#client;
  }

  async #connect(): Promise<Client> {
    const client = new Client(
      { name: 'sallyport', version: this.#parts.version },
      { capabilities: {}, versionNegotiation: { mode: 'auto' } },
    );
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the library's client is no event target
    client.onclose = () => {
      this.#client = undefined;
    };
    try {
      await client.connect(this.#transport());
      return client;
    } catch (error) {
      this.#client = undefined;
      throw new Fault('unreachable', 'An MCP server could not be reached', { cause: error });
    }
  }

  #transport(): StdioClientTransport | StreamableHTTPClientTransport {
    const given = this.#given;
    if (given.kind === 'http') {
      return new StreamableHTTPClientTransport(new URL('http://server.invalid/'), {
        fetch: (_url, init) => this.#fetch(init ?? {}),
      });
    }
    if (given.kind === 'own') throw new Fault('bug', 'The own tools are no server behind a hub');
    const [command = '', ...args] = given.command;
    const env = Object.fromEntries(
      Object.entries(given.env).map(([name, value]) => [name, value.reveal('environment of an MCP server')]),
    );
    return new StdioClientTransport({
      command,
      args,
      env: { ...getDefaultEnvironment(), ...env },
      stderr: 'ignore',
      ...(given.folder === undefined ? {} : { cwd: given.folder }),
    });
  }

  /** Over the gateway's own connections, whatever address the client library has in mind. */
  async #fetch({ method = 'GET', headers, body, signal }: RequestInit): Promise<Response> {
    const fields = [...new Headers(headers)].map(([name, value]) => [name, value] as const);
    const answer = await this.#parts.call(this.#name, {
      method,
      path: '',
      fields: fields.filter(([name]) => name !== 'authorization'),
      signal: signal ?? new AbortController().signal,
      ...(typeof body === 'string' ? { body: Buffer.from(body) } : {}),
    });
    const out = new Headers(answer.fields.map(([name, value]): [string, string] => [name, value]));
    const empty = [204, 205, 304].includes(answer.status);
    const id = idIn(body);
    // A stream that answers nothing is of nobody's request.
    const level = id === undefined ? undefined : this.#parts.within.getStore()?.level(costs.parsed.each);
    return new Response(
      empty
        ? null
        : (ReadableStream.from(heard(answer, { most: this.#parts.most, id, level })) as ReadableStream),
      {
        status: answer.status,
        headers: out,
      },
    );
  }

  async close(): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    await client?.close();
  }
}

function idIn(body: unknown): Id | undefined {
  const read = typeof body === 'string' ? readMessage(body) : undefined;
  return read?.ok === true && read.value.kind === 'request' ? read.value.id : undefined;
}
