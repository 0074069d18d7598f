import type { Reply } from '../../carriers/http/exchange.ts';
import { statusOf } from '../../carriers/http/problem.ts';
import type { Denial } from '../../core/decision.ts';
import { eventText } from '../../http/events.ts';

/** A denial as one sentence, for whoever reads only that: a model, a person, a log. */
export function sentenceOf({ why, rule, at, fix, decisionId }: Denial): string {
  const place = rule === undefined ? '' : ` (rule ${rule}${at === undefined ? '' : ` at ${at}`})`;
  const todo = fix.length === 0 ? '' : ` To do: ${fix.join('; ')}.`;
  return `Denied by Sallyport: ${why}${place}.${todo}${decisionId === '' ? '' : ` Decision ${decisionId}.`}`;
}

/**
 * The denial in the shape of the provider that the path belongs to. Clients try 4xx other than 403 again, and 429 for ever,
 * unless `x-should-retry` says not to.
 */
export function refuse(
  reply: Reply,
  why: Denial,
  about: { readonly path: string; readonly status?: number; readonly retryAfterSeconds?: number },
): void {
  const status = about.status ?? statusOf(why.class);
  const message = sentenceOf(why);
  const anthropic = /\/messages(?:\/|$)/.test(about.path);
  const type = types[status] ?? 'api_error';
  const said = anthropic
    ? { type: 'error', error: { type: anthropicTypes[status] ?? 'api_error', message, gateway: why } }
    : { error: { message, type, param: null, code: why.class.toLowerCase(), gateway: why } };
  if (reply.started) {
    // It waited so long that its stream had begun: SDKs throw what such an event says.
    const data = JSON.stringify({ type: 'error', ...said });
    return reply.end(Buffer.from(eventText({ event: 'error', data, comments: [] })));
  }
  const body = Buffer.from(JSON.stringify(said));
  const fields: (readonly [string, string])[] = [
    ['content-type', 'application/json'],
    ['content-length', String(body.length)],
    ['cache-control', 'no-store'],
    ['x-should-retry', 'false'],
  ];
  if (about.retryAfterSeconds !== undefined) fields.push(['retry-after', String(about.retryAfterSeconds)]);
  reply.start(status, fields);
  reply.end(body);
}

const types: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'invalid_request_error',
  429: 'rate_limit_error',
};

const anthropicTypes: Readonly<Record<number, string>> = {
  ...types,
  413: 'request_too_large',
  503: 'overloaded_error',
  504: 'timeout_error',
};
