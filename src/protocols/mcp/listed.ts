import { isObject } from '../../base/check.ts';
import type { Action } from '../../core/action.ts';
import { extension } from './held/task.ts';
import type { Json } from './message.ts';
import { meaningOf } from './meaning.ts';
import { instructionsName } from './pins.ts';
import type { McpSettings } from './settings.ts';

export interface ListParts {
  readonly method: string; // of the request
  /** Whether the client speaks the revision in which tools say whether they can be tasks (2025-11-25). */
  readonly tasks: boolean;
  readonly settings: McpSettings;
  /** Whether this definition of a tool is the pinned one, or is now. */
  readonly take: (definition: Json) => boolean;
  /** Whether the client could do this at all. */
  readonly sees: (action: Action) => boolean;
}

/** A result without what this client may not use, and without what the gateway does not serve. */
export function listed(result: Json, parts: ListParts): Json {
  const own = kept(result);
  switch (parts.method) {
    case 'initialize':
    case 'server/discover':
      return withTasks(instructed(own, parts.take), parts.method === 'initialize');
    case 'tools/list': {
      const left = filtered(
        own,
        'tools',
        (each) => parts.take(each) && seen(parts, 'tools/call', { name: each['name'] }),
      );
      const { tools } = left;
      return parts.tasks && Array.isArray(tools)
        ? { ...left, tools: (tools as readonly Json[]).map(withSupport) } // `filtered` left objects only
        : left;
    }
    case 'prompts/list':
      return filtered(own, 'prompts', (each) => seen(parts, 'prompts/get', { name: each['name'] }));
    case 'resources/list':
      return filtered(own, 'resources', (each) => seen(parts, 'resources/read', { uri: each['uri'] }));
    case 'resources/templates/list':
      return filtered(own, 'resourceTemplates', (each) =>
        seen(parts, 'resources/read', { uri: each['uriTemplate'] }),
      );
    default:
      return own;
  }
}

function seen({ settings, sees }: ListParts, method: string, params: Json): boolean {
  // What is listed has no arguments yet.
  const meant = meaningOf(settings, { kind: 'request', id: 0, method, params }, 'list');
  return meant.kind === 'understood' && sees(meant.action);
}

function filtered(result: Json, key: string, keep: (each: Json) => boolean): Json {
  const list: unknown = result[key];
  if (!Array.isArray(list)) return result;
  return { ...result, [key]: list.filter((each: unknown) => isObject(each) && keep(each)) };
}

/** An answer is one identity's: nobody may keep it for another. */
function kept(result: Json): Json {
  return {
    ...result,
    ...(result['cacheScope'] === undefined ? {} : { cacheScope: 'private' }),
    ...(result['ttlMs'] === undefined ? {} : { ttlMs: 0 }),
  };
}

/**
 * The gateway goes on with calls by itself, whatever its servers can do: that is offered where tools are, to those who began
 * with the revision that has tasks, or with the one that has them as an extension.
 */
function withTasks(result: Json, begins: boolean): Json {
  const { capabilities, protocolVersion } = result;
  if (!isObject(capabilities)) return result;
  const { tasks: _, ...rest } = capabilities;
  if (!isObject(rest['tools'])) return { ...result, capabilities: rest };
  if (begins) {
    const own = protocolVersion === '2025-11-25' ? { tasks: offered } : {};
    return { ...result, capabilities: { ...rest, ...own } };
  }
  const extensions = isObject(rest['extensions']) ? rest['extensions'] : {};
  return { ...result, capabilities: { ...rest, extensions: { ...extensions, [extension]: {} } } };
}

const offered = { list: {}, cancel: {}, requests: { tools: { call: {} } } };

/**
 * Any tool may be called as a task in 2025-11-25: the gateway goes on with it, whatever its server says (`forbidden` is what
 * servers say that know nothing of tasks).
 */
function withSupport(tool: Json): Json {
  const execution = isObject(tool['execution']) ? tool['execution'] : {};
  if (execution['taskSupport'] === 'required') return tool;
  return { ...tool, execution: { ...execution, taskSupport: 'optional' } };
}

/** What a server tells the model about itself is pinned like a tool: without it where it is another than before. */
function instructed(result: Json, take: ListParts['take']): Json {
  const { instructions, ...rest } = result;
  if (instructions === undefined) return result;
  const fits = take({ name: instructionsName, description: instructions });
  return fits ? result : rest;
}
