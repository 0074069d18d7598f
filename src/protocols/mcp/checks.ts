import { all, type Fields, first } from '../../http/headers.ts';
import type { Message } from './message.ts';
import type { McpSettings } from './settings.ts';

/**
 * Whether the page that sends this may: only browsers send Origin, and a page of another site can make the name of its host
 * lead here (MCP, Streamable HTTP, Security Warning).
 */
export function originAllowed(fields: Fields, settings: McpSettings): boolean {
  const origins = all(fields, 'origin');
  if (origins.length === 0) return true;
  const [origin = ''] = origins;
  if (origins.length > 1 || !URL.canParse(origin)) return false;
  if (settings.origins.includes(origin)) return true;
  const { hostname } = new URL(origin);
  return loopback.has(hostname) || settings.hosts.includes(hostname);
}

const loopback: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Why the headers that repeat the message do not (2026-07-28, Streamable HTTP); undefined where they do. */
export function mirrored(message: Message, fields: Fields): string | undefined {
  if (message.kind !== 'request' && message.kind !== 'notification') return undefined;
  if (all(fields, 'mcp-method').length > 1 || all(fields, 'mcp-name').length > 1)
    return 'A header stands twice';
  const method = first(fields, 'mcp-method');
  if (method !== undefined && method !== message.method)
    return 'Header mismatch: Mcp-Method is not the method of the body';
  const name = first(fields, 'mcp-name');
  const { name: named, uri, taskId } = message.params;
  const ofTask = message.method.startsWith('tasks/');
  // Those that are no more are not found, whether they come with a name or without.
  const needed = /^tasks\/(?:get|update|cancel)$/.test(message.method);
  const own = message.method === 'resources/read' ? uri : ofTask ? taskId : named;
  if (name === undefined && needed) return 'Header mismatch: Mcp-Name is missing';
  if (name !== undefined && plain(name) !== own)
    return 'Header mismatch: Mcp-Name is not the name in the body';
  return undefined;
}

/** A value that no header can hold comes in Base64: `=?base64?…?=`. */
export function plain(value: string): string {
  const coded = /^=\?base64\?([\w+/]*={0,2})\?=$/.exec(value)?.[1];
  return coded === undefined ? value : Buffer.from(coded, 'base64').toString('utf8');
}
