import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Result } from '../../base/result.ts';
import { Secret } from '../../base/secret.ts';
import type { Identity } from '../../core/identity.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { Log } from '../../core/ports.ts';
import type { Channel } from '../../core/review.ts';
import type { TokenRefusal } from '../../identity/tokens.ts';
import type { SignInFailures } from '../live.ts';
import { placeOf } from '../listen.ts';
import { problem, type Answer, type ProblemAnswer, type Route, type StreamAnswer } from './route.ts';

export interface AppParts {
  readonly routes: readonly Route[];
  /** What services behind channels post to, by path. They sign what they send; no token is asked for. */
  readonly hooks?: Readonly<Record<string, NonNullable<Channel['hook']>>>;
  readonly identify: (token: Secret) => Promise<Result<Identity, TokenRefusal>>;
  readonly failures: SignInFailures;
  /** Writes down that a token, or the signature of a hook, was not accepted; awaited, never rejects. */
  readonly refused?: (peer: string, why: string) => Promise<void>;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly bodyBytes: number;
  /** The address of the client, for the limit on failed sign-ins. */
  readonly peer: (context: Context) => string;
  readonly secure: boolean; // whether it is served over TLS
}

/** The API as a fetch handler: no cookie, no CORS, no cache; a bearer token or nothing. */
export function app(parts: AppParts): Hono {
  const hono = new Hono({ strict: true });
  hono.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(headers)) context.header(name, value);
    if (parts.secure) context.header('strict-transport-security', 'max-age=31536000');
  });
  hono.use(
    bodyLimit({
      maxSize: parts.bodyBytes,
      onError: (context) => send(context, problem(413, `The body is larger than ${parts.bodyBytes} bytes`)),
    }),
  );
  for (const [path, hook] of Object.entries(parts.hooks ?? {})) {
    hono.post(path, (context) => receive(parts, hook, context));
  }
  for (const route of parts.routes) {
    hono.on(route.method.toUpperCase(), route.path, (context) => handle(parts, route, context));
  }
  for (const [path, routes] of Map.groupBy(parts.routes, (route) => route.path)) {
    const methods = routes.map(({ method }) => method.toUpperCase());
    hono.all(path, (context) => {
      context.header('allow', methods.join(', '));
      return send(context, problem(405, `Only ${methods.join(' and ')} is known here`));
    });
  }
  hono.notFound((context) => send(context, problem(404, 'There is nothing at this path: see /openapi.json')));
  hono.onError((thrown, context) => {
    parts.metrics.count('faults_total', { code: 'bug' });
    // SECURITY: an unknown error's message may quote what it choked on.
    parts.log('error', 'api.fault', { path: context.req.routePath, message: placeOf(thrown) });
    return send(context, problem(500, 'Something is wrong with this gateway: see its log'));
  });
  return hono;
}

const headers: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

async function handle(parts: AppParts, route: Route, context: Context): Promise<Response> {
  const identified = route.open === true ? undefined : await callerOf(parts, context);
  if (identified !== undefined && 'problem' in identified) return send(context, identified);
  const body = route.body === undefined ? undefined : await bodyOf(context);
  if (body !== undefined && 'problem' in body) return send(context, body);
  const answer = await route.run({
    parameter: (name) => context.req.param(name) ?? '',
    query: context.req.query(),
    body: body?.value,
    caller: () => {
      if (identified === undefined) throw new TypeError('An open route has no caller');
      return identified;
    },
    signal: context.req.raw.signal,
  });
  return send(context, answer);
}

async function receive(
  parts: AppParts,
  hook: NonNullable<Channel['hook']>,
  context: Context,
): Promise<Response> {
  const peer = parts.peer(context);
  if (parts.failures.tooMany(peer))
    return send(context, problem(429, 'Too many bad signatures from this address'));
  const answer = await hook({
    header: (name) => context.req.header(name),
    body: new Uint8Array(await context.req.arrayBuffer()),
  });
  if (answer.status === 401) await failed(parts, peer, 'A signature that is not accepted');
  return context.body(answer.text, answer.status as 200, { 'content-type': answer.type });
}

async function callerOf(parts: AppParts, context: Context): Promise<Identity | ProblemAnswer> {
  const peer = parts.peer(context);
  if (parts.failures.tooMany(peer)) {
    parts.metrics.count('limits_total', { limit: 'signInFailuresPerMinute' });
    return problem(429, 'Too many failed sign-ins from this address: wait a minute');
  }
  const token = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(context.req.header('authorization') ?? '')?.[1];
  if (token === undefined) {
    context.header('www-authenticate', 'Bearer');
    return problem(401, 'A token is needed: Authorization: Bearer TOKEN');
  }
  const identified = await parts.identify(new Secret(token));
  if (identified.ok) return identified.value;
  await failed(parts, peer, identified.error.why);
  parts.metrics.count('sign_ins_total', { result: identified.error.fault });
  context.header('www-authenticate', 'Bearer error="invalid_token"');
  return problem(401, identified.error.why);
}

/** At the limit the entry says so, and further ones of this address are answered before they come here. */
async function failed(parts: AppParts, peer: string, why: string): Promise<void> {
  const last = parts.failures.add(peer);
  await parts.refused?.(
    peer,
    last ? `${why}; further ones of this address are not written for a minute` : why,
  );
}

async function bodyOf(context: Context): Promise<{ readonly value: unknown } | ProblemAnswer> {
  // SECURITY: a page of another origin can post text/plain without being asked first, but not this type.
  if (!/^application\/json\s*(;|$)/i.test(context.req.header('content-type') ?? '')) {
    return problem(415, 'The body must be application/json');
  }
  try {
    return { value: await context.req.json<unknown>() };
  } catch {
    return problem(400, 'The body is not JSON');
  }
}

function send(context: Context, answer: Answer): Response {
  if ('problem' in answer) {
    return context.body(JSON.stringify(answer.problem), answer.problem.status as 400, {
      'content-type': 'application/problem+json',
    });
  }
  if ('text' in answer) return context.body(answer.text, 200, { 'content-type': answer.type });
  if ('pieces' in answer) return context.body(streamOf(answer), 200, { 'content-type': answer.type });
  return context.body(JSON.stringify(answer.body), answer.status as 200, {
    'content-type': 'application/json',
  });
}

/** No piece is made before the one before it was taken. An error on the way breaks the answer off: it never looks whole. */
function streamOf({ pieces, stop }: StreamAnswer): ReadableStream<Uint8Array> {
  const made = pieces[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const next = await made.next();
        if (next.done === true) controller.close();
        else controller.enqueue(encoder.encode(next.value));
      },
      cancel: () => {
        stop();
        void made.return?.()?.catch(() => undefined);
      },
    },
    { highWaterMark: 0 },
  );
}
