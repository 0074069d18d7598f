import type { Action } from '../../core/action.ts';
import type { AttributeType } from '../../core/protocol.ts';
import { rewriteJson } from '../../http/json.ts';
import type { Api, Prompt } from './request.ts';
import type { ToolCall } from './tools.ts';

export const verbs: Readonly<Record<string, string>> = {
  'llm.complete': 'Ask a model to go on from a prompt',
  'llm.embed': 'Turn texts into vectors',
  'llm.models': 'List models',
  'llm.tool': 'A model asks its client to call a tool',
};

export const attributes: Readonly<Record<string, AttributeType>> = {
  api: 'string', // chat, completions, responses, messages, count, embeddings, models, stored
  model: 'string',
  stream: 'boolean',
  tools: 'strings', // offered to the model
  attachments: 'strings', // image, audio, video, file, tokens
  maxTokens: 'number', // -1 where the request does not say
  turns: 'number',
  promptBytes: 'number',
  found: 'strings', // types of values that detectors find in the prompt
  tool: 'string', // of llm.tool: its name
  arguments: 'strings', // of llm.tool: JSON paths of its arguments
};

const nothing = {
  api: '',
  model: '',
  stream: false,
  tools: [],
  attachments: [],
  maxTokens: -1,
  turns: 0,
  promptBytes: 0,
  found: [],
  tool: '',
  arguments: [],
};

/** What a request to a model is. `found` has the types of values that detectors see in its prompt. */
export function promptAction(
  api: Api,
  prompt: Prompt | undefined,
  about: { readonly found: readonly string[]; readonly bytes: number; readonly text: string },
): Action {
  const model = prompt?.model ?? '';
  return {
    verb: verbOf(api),
    access: 'read',
    targets: model === '' ? [] : [{ kind: 'model', name: model, access: 'read' }],
    columns: [],
    attributes: {
      ...nothing,
      api,
      model,
      stream: prompt?.stream ?? false,
      tools: prompt?.tools ?? [],
      attachments: prompt?.attachments ?? [],
      maxTokens: prompt?.maxTokens ?? -1,
      turns: prompt?.turns ?? 0,
      promptBytes: about.bytes,
      found: about.found,
    },
    text: about.text,
    notes: [],
  };
}

function verbOf(api: Api): string {
  if (api === 'models') return 'llm.models';
  return api === 'embeddings' ? 'llm.embed' : 'llm.complete';
}

/** What nobody could read: judged as the worst there is, and refused whatever the policy says of it. */
export function unreadable(path: string, why: string): Action {
  return {
    verb: 'llm.complete',
    access: 'unknown',
    targets: [],
    columns: [],
    attributes: nothing,
    text: path,
    notes: [why],
  };
}

export function toolAction(model: string, { name, arguments: given }: ToolCall): Action {
  const paths = pathsOf(given);
  const tool = plainName(name);
  const { arguments: _, ...others } = nothing;
  return {
    verb: 'llm.tool',
    access: 'execute',
    targets: [{ kind: 'tool', name: /^[\w.:/-]{1,200}$/.test(tool) ? tool : '*', access: 'execute' }],
    columns: [],
    // SECURITY: where nobody can say what it is called with, rules that ask for that cannot be evaluated.
    attributes: { ...others, model, tool, ...(paths === undefined ? {} : { arguments: paths }) },
    text: `${name}(${given})`,
    notes: [],
  };
}

const mostPaths = 10_000;

/** Undefined where a client that forgives more may read others: what begins as JSON and is none, or has too many. A plain text has none. */
function pathsOf(given: string): readonly string[] | undefined {
  const paths = new Set<string>();
  const read = rewriteJson(given, ({ kind, path }) => {
    if (kind !== 'key' && paths.size <= mostPaths) paths.add(/^[\w$.[\]-]{1,200}$/.test(path) ? path : '{}');
    return undefined;
  });
  if (paths.size > mostPaths || (!read.ok && /^\s*[[{]/.test(given))) return undefined;
  return [...paths];
}

/** The name as who looks for it may read it: without what nobody sees, letters that look alike in their one form. */
function plainName(name: string): string {
  return name
    .normalize('NFKC')
    .replaceAll(/[\p{Cc}\p{Cf}]/gu, '')
    .trim();
}
