import { isObject } from '../../base/check.ts';
import type { Action } from '../../core/action.ts';
import type { Json } from './message.ts';
import { meaningOf } from './meaning.ts';
import { instructionsName } from './pins.ts';
import type { McpSettings } from './settings.ts';

export interface ListParts {
  readonly method: string; // of the request
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
    case 'tools/list':
      return filtered(
        own,
        'tools',
        (each) => parts.take(each) && seen(parts, 'tools/call', { name: each['name'] }),
      );
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

/** Of tasks what passes here: those of calls, in the era that has them in its core. */
function withTasks(result: Json, known: boolean): Json {
  const { capabilities } = result;
  if (!isObject(capabilities)) return result;
  const { tasks, ...rest } = capabilities;
  const requests = isObject(tasks) ? tasks['requests'] : undefined;
  const tools = isObject(requests) ? requests['tools'] : undefined;
  if (!known || !isObject(tasks) || !isObject(tools) || !isObject(tools['call']))
    return { ...result, capabilities: rest };
  const ways = Object.fromEntries(
    ['list', 'cancel'].flatMap((way) => (isObject(tasks[way]) ? [[way, {}]] : [])),
  );
  return { ...result, capabilities: { ...rest, tasks: { ...ways, requests: { tools: { call: {} } } } } };
}

/** What a server tells the model about itself is pinned like a tool: without it where it is another than before. */
function instructed(result: Json, take: ListParts['take']): Json {
  const { instructions, ...rest } = result;
  if (instructions === undefined) return result;
  const fits = take({ name: instructionsName, description: instructions });
  return fits ? result : rest;
}
