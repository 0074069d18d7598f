import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { instant } from '../base/time.ts';
import type { Action, Attribute, ColumnUse } from '../core/action.ts';
import type { Identity, Subject } from '../core/identity.ts';
import type { Question } from '../core/ports.ts';
import type { ResourceName, SessionId } from '../core/session.ts';
import { type Kinds, kindsOf } from './kinds.ts';
import { isPolicyFile, type LoadedPolicy, loadPolicy } from './load.ts';
import { policyText } from './opa/bundle.ts';
import { type PolicyProblem, problemLine } from './problem.ts';

// Questions and policies for tests.

const verbs =
  'select insert update delete merge truncate copy create alter drop grant comment set show transaction explain call do lock listen notify maintain session admin unknown';

/** The kind `postgres` as its protocol declares it. */
export const kinds: Kinds = kindsOf([
  {
    name: 'postgres',
    verbs: Object.fromEntries(verbs.split(' ').map((verb) => [`sql.${verb}`, verb])),
    attributes: {
      byKey: 'boolean',
      condition: 'string',
      functions: 'strings',
      settings: 'strings',
      copy: 'string',
      explain: 'boolean',
      temporary: 'boolean',
      locks: 'boolean',
    },
  },
  {
    name: 'http',
    verbs: { 'http.request': 'A request', 'http.graphql': 'GraphQL', 'http.websocket': 'A WebSocket' },
    attributes: {
      method: 'string',
      route: 'string',
      host: 'string',
      query: 'strings',
      contentType: 'string',
      fields: 'strings',
      bytes: 'number',
      operation: 'string',
      selects: 'strings',
    },
  },
  {
    name: 'llm',
    verbs: { 'llm.complete': 'Ask', 'llm.embed': 'Embed', 'llm.models': 'List', 'llm.tool': 'Call a tool' },
    attributes: {
      api: 'string',
      model: 'string',
      stream: 'boolean',
      tools: 'strings',
      attachments: 'strings',
      maxTokens: 'number',
      turns: 'number',
      promptBytes: 'number',
      found: 'strings',
      tool: 'string',
      arguments: 'strings',
    },
  },
  {
    name: 'mcp',
    verbs: {
      'mcp.connect': 'Connect',
      'mcp.list': 'List',
      'mcp.call': 'Call a tool',
      'mcp.read': 'Read a resource',
      'mcp.prompt': 'Get a prompt',
      'mcp.complete': 'Complete',
      'mcp.pin': 'Use a changed tool',
    },
    attributes: {
      method: 'string',
      server: 'string',
      tool: 'string',
      arguments: 'strings',
      prompt: 'string',
      scheme: 'string',
      bytes: 'number',
    },
  },
  { name: 'ssh', verbs: { 'ssh.exec': 'Run a command' }, attributes: { command: 'string', byKey: 'string' } },
]);

export function identity(
  subject: string,
  groups: readonly string[] = [],
  more: Partial<Pick<Identity, 'kind' | 'actingFor' | 'attributes'>> = {},
): Identity {
  return {
    kind: 'human',
    subject: subject as Subject,
    groups,
    attributes: {},
    proof: { kind: 'token', tokenId: 'test', expiresAt: instant(0) },
    ...more,
  };
}

const plain: Readonly<Record<string, Attribute>> = {
  byKey: false,
  condition: 'none',
  functions: [],
  settings: [],
  copy: 'none',
  explain: false,
  temporary: false,
  locks: false,
};

export interface Asking extends Partial<Omit<Action, 'targets' | 'columns'>> {
  readonly on?: readonly string[];
  readonly columns?: readonly string[];
  readonly kind?: string;
  readonly resource?: string;
  readonly tags?: readonly string[];
  readonly at?: number;
}

/** A question about `shop`, of kind postgres unless it says otherwise. */
export function question(who: Identity, asking: Asking = {}): Question {
  const {
    on = [],
    columns = [],
    kind = 'postgres',
    resource = 'shop',
    tags = [],
    at = 0,
    ...action
  } = asking;
  const access = action.access ?? 'read';
  return {
    identity: who,
    resource: { name: resource as ResourceName, kind, tags, settings: undefined },
    action: {
      verb: 'sql.select',
      access,
      text: '',
      notes: [],
      ...action,
      attributes: { ...plain, ...action.attributes },
      targets: on.map((name) => ({ kind: 'table', name, access })),
      columns: columns.map(columnUse),
    },
    session: { id: 'test' as SessionId, startedAt: instant(0) },
    at: instant(at),
  };
}

function columnUse(name: string): ColumnUse {
  const dot = name.lastIndexOf('.');
  return { object: name.slice(0, dot), column: name.slice(dot + 1), use: 'output' };
}

/** A policy of one module `m` in a grant layer, from its rules as YAML flow or block text (indented by nothing). */
export function filesOf(
  rules: string,
  more: { readonly schema?: string; readonly exemptions?: string; readonly head?: string } = {},
): ReadonlyMap<string, string> {
  const indented = rules.replaceAll(/^/gm, '  ');
  return new Map([
    [
      'policy.yaml',
      'apiVersion: sallyport/v1\nlayers:\n  - { name: main, role: grant, use: [{ module: m }] }\n',
    ],
    ['modules/m.policy.yaml', `apiVersion: sallyport/v1\nmodule: m\n${more.head ?? ''}rules:\n${indented}\n`],
    ...(more.schema === undefined
      ? []
      : [['schema.yaml', `apiVersion: sallyport/v1\n${more.schema}`] as const]),
    ...(more.exemptions === undefined
      ? []
      : [['exemptions.yaml', `apiVersion: sallyport/v1\nexemptions:\n${more.exemptions}`] as const]),
  ]);
}

export function loaded(files: ReadonlyMap<string, string>): LoadedPolicy {
  const result = loadPolicy(files, kinds);
  assert.ok(result.ok, result.ok ? '' : result.error.map(problemLine).join('\n'));
  return result.value;
}

export function refused(files: ReadonlyMap<string, string>): readonly PolicyProblem[] {
  const result = loadPolicy(files, kinds);
  assert.equal(result.ok, false, 'The policy was loaded');
  return result.ok ? [] : result.error;
}

/** The policy that the demo enforces. */
export function samplePolicy(): ReadonlyMap<string, string> {
  const directory = join(import.meta.dirname, '..', '..', 'policy');
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    files
      .map((file) => [relative(directory, file), readFileSync(file)] as const)
      .filter(([path]) => isPolicyFile(path))
      .map(([path, bytes]) => [path, policyText(path, bytes)] as const),
  );
}
