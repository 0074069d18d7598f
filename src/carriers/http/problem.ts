import type { Denial, DenyCode } from '../../core/decision.ts';
import type { Reply } from './exchange.ts';

/** The status by which HTTP says why something was refused. */
export function statusOf(code: DenyCode): number {
  return statuses[code] ?? 403;
}

const statuses: Partial<Record<DenyCode, number>> = {
  SIGN_IN: 401,
  LIMIT: 429,
  NOT_WRITTEN: 503,
  NO_POLICY: 503,
  UNSUPPORTED: 400,
};

/** The denial object as problem+json (RFC 9457). */
export function sayProblem(
  reply: Reply,
  status: number,
  why: Denial,
  ...more: readonly (readonly [string, string])[]
): void {
  const body = Buffer.from(
    JSON.stringify({
      type: 'about:blank',
      title: titles[status] ?? 'Error',
      status,
      detail: why.why,
      denial: why,
    }),
  );
  reply.start(status, [
    ['content-type', 'application/problem+json'],
    ['content-length', String(body.length)],
    ['cache-control', 'no-store'],
    ['x-content-type-options', 'nosniff'],
    ...more,
  ]);
  reply.end(body);
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};
