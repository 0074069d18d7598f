import type { HttpRequest } from '../../carriers/http/client.ts';
import { first } from '../../http/headers.ts';
import { shareOf } from '../../core/session.ts';
import type { Asked } from './talk.ts';

/** What goes to the server for what the client sent: nothing of its headers but what the protocol names. */
export function requestOf({ exchange, modern, session }: Asked, body: string | undefined): HttpRequest {
  const { fields, method, signal } = exchange;
  const out: (readonly [string, string])[] = [];
  const pass = (name: string): void => {
    const value = first(fields, name);
    if (value !== undefined) out.push([name, value]);
  };
  pass('accept');
  pass('mcp-protocol-version');
  if (session !== undefined) {
    pass('last-event-id');
    out.push(['mcp-session-id', session]);
  }
  if (body !== undefined) out.push(['content-type', 'application/json']);
  if (modern) {
    pass('mcp-method');
    pass('mcp-name');
    for (const [name, value] of fields) if (name.startsWith('mcp-param-')) out.push([name, value]);
  }
  return {
    method,
    path: '',
    fields: out,
    signal,
    whose: shareOf(exchange.stay.session),
    ...(body === undefined ? {} : { body: Buffer.from(body) }),
  };
}
