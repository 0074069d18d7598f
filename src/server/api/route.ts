import type { Problem } from '../../base/check.ts';
import type { Denial } from '../../core/decision.ts';
import type { Identity } from '../../core/identity.ts';

/** One path of the API: what it does and what its document says, in one place, so that neither can lack the other. */
export interface Route {
  readonly method: 'get' | 'post';
  readonly path: string; // hono's form: /api/v1/sessions/:id
  readonly summary: string;
  /** Whether it answers without a token. Then it tells nothing of a record, an identity or a rule. */
  readonly open?: true;
  readonly query?: Readonly<Record<string, Parameter>>;
  readonly body?: Schema;
  /** The answer to 200; errors are problem+json everywhere. */
  readonly gives: { readonly schema: Schema; readonly type?: string; readonly about: string };
  /** Which other answers it has, by status, and when. */
  readonly errors: Readonly<Record<number, string>>;
  readonly run: (request: ApiRequest) => Answer | Promise<Answer>;
}

export interface Parameter {
  readonly about: string;
  readonly schema: Schema;
}

/** A JSON Schema (2020-12), as OpenAPI 3.1 has it. */
export type Schema = Readonly<Record<string, unknown>>;

export interface ApiRequest {
  readonly parameter: (name: string) => string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** Who asks. Throws on a route that is open: nobody has been asked. */
  readonly caller: () => Identity;
  /** Aborts when the client has left. */
  readonly signal?: AbortSignal;
}

export type Answer =
  | { readonly status: number; readonly body: unknown }
  | { readonly status: 200; readonly text: string; readonly type: string }
  | StreamAnswer
  | ProblemAnswer;

/** An answer of any length, sent as it is made. */
export interface StreamAnswer {
  readonly status: 200;
  readonly pieces: AsyncIterable<string>;
  readonly type: string;
  /** Called when the client is gone. */
  readonly stop: () => void;
}

export interface ProblemAnswer {
  readonly problem: ProblemBody;
}

/** RFC 9457. */
export interface ProblemBody {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly denial?: Denial;
  readonly problems?: readonly Problem[];
  /** Which of several reasons it is, for programs. */
  readonly code?: string;
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

export function problem(
  status: number,
  detail: string,
  more: { readonly denial?: Denial; readonly problems?: readonly Problem[]; readonly code?: string } = {},
): ProblemAnswer {
  return { problem: { type: 'about:blank', title: titles[status] ?? 'Error', status, detail, ...more } };
}

export function json(body: unknown, status: number = 200): Answer {
  return { status, body };
}
