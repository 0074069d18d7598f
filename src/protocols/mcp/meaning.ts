import type { Access, Action } from '../../core/action.ts';
import type { AttributeType } from '../../core/protocol.ts';
import { rewriteJson } from '../../http/json.ts';
import type { Json, Message } from './message.ts';
import { programsIn } from './inner.ts';
import { isTaskWish } from './tasks.ts';
import type { McpSettings } from './settings.ts';

export const verbs: Readonly<Record<string, string>> = {
  'mcp.connect': 'Begin, keep and end a connection to MCP servers',
  'mcp.list': 'List tools, resources, templates and prompts',
  'mcp.call': 'Call a tool',
  'mcp.read': 'Read a resource, or be told of its changes',
  'mcp.prompt': 'Get a prompt',
  'mcp.complete': 'Complete an argument',
  'mcp.sample': 'A server asks for an answer of the model of the client',
  'mcp.elicit': 'A server asks the person at the client',
  'mcp.roots': 'A server asks for the folders of the client',
  'mcp.pin': 'Use tools whose definition has changed since it was pinned',
};

export const attributes: Readonly<Record<string, AttributeType>> = {
  method: 'string', // of the protocol: tools/call
  server: 'string', // where several are behind one endpoint
  tool: 'string', // its name at its server
  arguments: 'strings', // JSON paths of a tool's or prompt's arguments
  prompt: 'string',
  scheme: 'string', // of a resource's URI
  programs: 'strings', // of a tool's command line
  bytes: 'number', // of the request
};

export const nothing: Action['attributes'] = {
  method: '',
  server: '',
  tool: '',
  arguments: [],
  prompt: '',
  scheme: '',
  programs: [],
  bytes: 0,
};

/** What separates the name of a server from the name it gave: neither has it, so no two names can meet. */
const joint = '__';

/** `files__read` is `read` of `files`; where a resource is one server, its names are as it gave them. */
export function split(
  settings: McpSettings,
  name: string,
): { readonly server: string; readonly name: string } | undefined {
  if (settings.servers.has('')) return { server: '', name };
  const at = name.indexOf(joint);
  const server = name.slice(0, Math.max(at, 0));
  return settings.servers.has(server) ? { server, name: name.slice(at + joint.length) } : undefined;
}

export function joined(server: string, name: string): string {
  return server === '' ? name : `${server}${joint}${name}`;
}

/** `files+file:///notes.txt` is `file:///notes.txt` of `files`: names of servers have no `+`. */
export function splitUri(
  settings: McpSettings,
  uri: string,
): { readonly server: string; readonly uri: string } | undefined {
  if (settings.servers.has('')) return { server: '', uri };
  const at = uri.indexOf('+');
  const server = uri.slice(0, Math.max(at, 0));
  return settings.servers.has(server) ? { server, uri: uri.slice(at + 1) } : undefined;
}

export function joinedUri(server: string, uri: string): string {
  return server === '' ? uri : `${server}+${uri}`;
}

export type Meant =
  | { readonly kind: 'understood'; readonly action: Action }
  | { readonly kind: 'refused'; readonly why: string };

const methods: Readonly<Record<string, readonly [verb: string, access: Access]>> = {
  initialize: ['mcp.connect', 'read'],
  'server/discover': ['mcp.connect', 'read'],
  ping: ['mcp.connect', 'read'],
  'logging/setLevel': ['mcp.connect', 'read'],
  'notifications/initialized': ['mcp.connect', 'read'],
  'notifications/cancelled': ['mcp.connect', 'read'],
  'notifications/progress': ['mcp.connect', 'read'],
  'notifications/roots/list_changed': ['mcp.connect', 'read'],
  'subscriptions/listen': ['mcp.connect', 'read'],
  // Of a task that this session made, and judged as its call besides.
  'tasks/get': ['mcp.connect', 'read'],
  'tasks/result': ['mcp.connect', 'read'],
  'tasks/list': ['mcp.connect', 'read'],
  'tasks/cancel': ['mcp.connect', 'read'],
  'tasks/update': ['mcp.connect', 'read'],
  'tools/list': ['mcp.list', 'read'],
  'resources/list': ['mcp.list', 'read'],
  'resources/templates/list': ['mcp.list', 'read'],
  'prompts/list': ['mcp.list', 'read'],
  'tools/call': ['mcp.call', 'execute'],
  'resources/read': ['mcp.read', 'read'],
  'resources/subscribe': ['mcp.read', 'read'],
  'resources/unsubscribe': ['mcp.read', 'read'],
  'prompts/get': ['mcp.prompt', 'read'],
  'completion/complete': ['mcp.complete', 'read'],
  // What servers ask.
  'sampling/createMessage': ['mcp.sample', 'execute'],
  'elicitation/create': ['mcp.elicit', 'execute'],
  'roots/list': ['mcp.roots', 'read'],
};

/** What a message of a client, or a request of a server, does. What is not in the table is refused. */
// oxlint-disable-next-line max-params
export function meaningOf(settings: McpSettings, message: Message, how: 'call' | 'list' = 'call'): Meant {
  if (message.kind === 'answer' || message.kind === 'error') {
    return { kind: 'refused', why: 'An answer is no request' };
  }
  const { method, params } = message;
  const known = methods[method];
  if (known === undefined || !Object.hasOwn(methods, method))
    return { kind: 'refused', why: 'This method is not understood' };
  const [verb, access] = known;
  const { task } = params;
  if (task !== undefined && (method !== 'tools/call' || !isTaskWish(task)))
    return { kind: 'refused', why: 'This is not understood of a task: a call may say `ttl`' };
  const text = `${method} ${JSON.stringify(withoutMeta(params))}`;
  const base = { verb, access, columns: [], text, notes: [] } as const;
  const about = { ...nothing, method, bytes: text.length };
  switch (verb) {
    case 'mcp.call':
      return called(settings, params, { base, about, how });
    case 'mcp.prompt': {
      const at = nameOf(settings, params['name']);
      if (at === undefined) return { kind: 'refused', why: 'Expected the name of a prompt' };
      const paths = pathsOf(params['arguments'] ?? {});
      if (paths === undefined) return tooMany;
      return understood({
        ...base,
        targets: [{ kind: 'prompt', name: String(params['name']), access }],
        attributes: { ...about, server: at.server, prompt: at.name, arguments: paths },
      });
    }
    case 'mcp.read': {
      const { uri } = params;
      const at = typeof uri === 'string' ? splitUri(settings, uri) : undefined;
      const scheme = /^([a-z][a-z0-9+.-]{0,40}):/i.exec(at?.uri ?? '')?.[1];
      if (typeof uri !== 'string' || at === undefined || scheme === undefined || uri.length > 8_000)
        return { kind: 'refused', why: 'Expected the URI of a resource' };
      return understood({
        ...base,
        targets: [{ kind: 'resource', name: `${scheme.toLowerCase()}:`, access }],
        attributes: { ...about, server: at.server, scheme: scheme.toLowerCase() },
      });
    }
    default:
      return understood({ ...base, targets: [], attributes: about });
  }
}

function called(
  settings: McpSettings,
  params: Json,
  {
    base,
    about,
    how,
  }: {
    readonly base: Omit<Action, 'targets' | 'attributes'>;
    readonly about: Action['attributes'];
    readonly how: 'call' | 'list';
  },
): Meant {
  const { name, arguments: given = {} } = params;
  const at = nameOf(settings, name);
  if (at === undefined) return { kind: 'refused', why: 'Expected the name of a tool' };
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return { kind: 'refused', why: '`arguments` is not an object' };
  const paths = pathsOf(given);
  if (paths === undefined) return tooMany;
  const tool = settings.tools.get(String(name));
  const access = tool?.access ?? 'execute';
  const programs = how === 'list' ? ({ kind: 'none' } as const) : programsIn(tool, given as Json);
  if (programs.kind === 'refused') return programs;
  return understood({
    ...base,
    access,
    targets: [{ kind: 'tool', name: String(name), access }],
    attributes: {
      ...about,
      server: at.server,
      tool: at.name,
      arguments: paths,
      programs: programs.kind === 'programs' ? programs.programs : [],
    },
    ...(tool?.shows === undefined ? {} : { shows: tool.shows }),
  });
}

function understood(action: Action): Meant {
  return { kind: 'understood', action };
}

function nameOf(settings: McpSettings, name: unknown): ReturnType<typeof split> {
  return typeof name === 'string' && isName(name) ? split(settings, name) : undefined;
}

/** Names stand unsealed in the ledger, and two that look alike must be the same. */
export function isName(name: string): boolean {
  return /^[A-Za-z0-9_][\w.:/ -]{0,127}$/.test(name);
}

function withoutMeta(params: Json): Json {
  const { _meta: _, ...rest } = params;
  return rest;
}

const mostPaths = 10_000;
const tooMany: Meant = {
  kind: 'refused',
  why: 'The arguments have more different paths than rules could see',
};

function pathsOf(given: unknown): readonly string[] | undefined {
  const paths = new Set<string>();
  rewriteJson(JSON.stringify(given), ({ kind, path }) => {
    if (kind !== 'key' && paths.size <= mostPaths) paths.add(/^[\w$.[\]-]{1,200}$/.test(path) ? path : '{}');
    return undefined;
  });
  return paths.size > mostPaths ? undefined : [...paths];
}

/** Judged as the worst there is, and refused whatever the policy says of it. */
export function unreadable(text: string, why: string): Action {
  return {
    verb: 'mcp.call',
    access: 'unknown',
    targets: [],
    columns: [],
    attributes: nothing,
    text,
    notes: [why],
  };
}
