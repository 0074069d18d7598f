import { isObject } from '../../../base/check.ts';
import type { Json } from '../message.ts';
import { asked, type Caller, failed, ok, type Told } from './caller.ts';

// Tools about the caller, the rules and their reviews: all of them ask the API as the caller.

export async function whoAmI(caller: Caller): Promise<Told> {
  const me = await asked(caller, 'GET', '/api/v1/me');
  const { run } = caller.exchange.stay.session;
  return me.kind === 'answer' ? ok({ ...objectOf(me.body), ...(run === undefined ? {} : { run }) }) : me;
}

const toolsOf: Readonly<Record<string, readonly string[]>> = {
  postgres: ['describe_database', 'query_database'],
  http: ['http_request'],
  llm: ['ask_model'],
  mcp: ['call_tool'],
};

export async function listResources(caller: Caller): Promise<Told> {
  const listed = await asked(caller, 'GET', '/api/v1/resources');
  if (listed.kind !== 'answer') return listed;
  const own = caller.exchange.stay.session.resource.name;
  const resources = listOf(listed.body)
    .filter(({ name }) => name !== own)
    .map(({ name, kind, tags }) => ({ name, kind, tags, use: toolsOf[String(kind)] ?? [] }));
  return ok({ resources });
}

export async function listReviews(caller: Caller, { state }: Json): Promise<Told> {
  const query = typeof state === 'string' ? `?limit=1000&state=${state}` : '?limit=1000';
  const listed = await asked(caller, 'GET', `/api/v1/reviews${query}`);
  if (listed.kind !== 'answer') return listed;
  return ok({
    reviews: listOf(listed.body)
      .filter(({ own }) => own === true)
      .slice(0, 50)
      .map(shortReview),
  });
}

const lookMs = 1_500;

export async function waitForReview(caller: Caller, { review, seconds }: Json): Promise<Told> {
  const until = caller.world.now() + (typeof seconds === 'number' ? seconds : 45) * 1_000;
  for (;;) {
    const shown = await ownReview(caller, String(review));
    if (shown.kind !== 'answer') return shown;
    const short = shortReview(shown.body);
    if (short['phase'] !== 'waiting') return ok({ ...short, ...nextOf(short, String(review)) });
    const left = until - caller.world.now();
    if (left <= 0 || caller.signal.aborted) {
      return {
        kind: 'pending',
        value: { status: 'pending_approval', ...short, next: 'Call wait_for_review again' },
      };
    }
    caller.tell(`Still waiting for review ${String(review)}`);
    await pause(caller, Math.min(left, lookMs));
  }
}

function pause({ world, signal }: Caller, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = world.after(ms, resolve);
  signal.addEventListener('abort', () => resolve(), { once: true });
  return promise.finally(() => timer[Symbol.dispose]());
}

function nextOf({ phase, kind }: Json, review: string): Json {
  if (kind === 'access') return phase === 'approved' ? { next: 'Do what it was asked for' } : {};
  if (phase === 'approved')
    return { next: `get_result {"review": "${review}"}, or send exactly the same again` };
  if (phase === 'done')
    return { next: `get_result {"review": "${review}"}, where it was run by the gateway` };
  return {};
}

/** A review of the caller's own; in the same words whether there is none or it is another's. */
async function ownReview(
  caller: Caller,
  id: string,
): Promise<{ readonly kind: 'answer'; readonly body: Json } | Told> {
  const shown = await asked(caller, 'GET', `/api/v1/reviews/${encodeURIComponent(id)}`);
  if (shown.kind !== 'answer') return shown;
  const body = objectOf(shown.body);
  return body['own'] === true
    ? { kind: 'answer', body }
    : failed('There is no such review, or it is not yours');
}

export async function getResult(caller: Caller, { review }: Json): Promise<Told> {
  const own = await ownReview(caller, String(review));
  if (own.kind !== 'answer') return own;
  const found = await asked(caller, 'GET', `/api/v1/reviews/${encodeURIComponent(String(review))}/result`);
  if (found.kind === 'answer') {
    const { error, ...result } = objectOf(found.body);
    return error === undefined || error === null
      ? ok(result)
      : { kind: 'denied', value: { status: 'failed', ...result, error } };
  }
  const { code } = found.value;
  return code === 'not-yet'
    ? { kind: 'pending', value: { ...found.value, status: 'pending_approval' } }
    : found;
}

export async function withdrawReview(caller: Caller, { review }: Json): Promise<Told> {
  const own = await ownReview(caller, String(review));
  if (own.kind !== 'answer') return own;
  const done = await asked(
    caller,
    'POST',
    `/api/v1/reviews/${encodeURIComponent(String(review))}/withdraw`,
    {},
  );
  return done.kind === 'answer' ? ok(shortReview(objectOf(done.body))) : done;
}

export async function explainDenial(caller: Caller, { decision }: Json): Promise<Told> {
  const found = await asked(caller, 'GET', `/api/v1/decisions/${encodeURIComponent(String(decision))}`);
  if (found.kind !== 'answer') return found;
  const {
    id,
    at,
    resource,
    decision: decided,
    verb,
    access,
    targets,
    text,
    rules,
    denial,
    review,
  } = objectOf(found.body);
  return ok({ id, at, resource, decision: decided, verb, access, targets, text, rules, denial, review });
}

/** Without a verb: what the caller may do on a resource and what there is to ask for. */
export async function requestAccess(caller: Caller, given: Json): Promise<Told> {
  const { resource, verbs, minutes = 60, reason, ticket } = given;
  if (!Array.isArray(verbs)) {
    const listed = await asked(caller, 'GET', '/api/v1/access');
    if (listed.kind !== 'answer') return listed;
    const found = listOf(listed.body).find(({ id }) => id === resource);
    if (found === undefined) return failed('There is no such resource, or nothing of it can be asked for');
    const { verbs: now, onRequest, grants } = found;
    return ok({ resource, may_now: now, may_ask_for: onRequest, granted: grants });
  }
  const wanted = await asked(caller, 'POST', '/api/v1/access/requests', {
    resource,
    verbs,
    for: `${String(minutes)}m`,
    reason,
    ...(ticket === undefined ? {} : { ticket }),
  });
  if (wanted.kind !== 'answer') return wanted;
  const { id, state, rule, expiresAt, for: time } = objectOf(wanted.body);
  return {
    kind: state === 'waiting' ? 'pending' : 'ok',
    value: {
      status: state === 'waiting' ? 'pending_approval' : state,
      review: id,
      resource,
      verbs,
      rule,
      for: time,
      expiresAt,
      next: 'wait_for_review; once it is granted, do what it is for',
    },
  };
}

function shortReview(body: Json): Json {
  const { id, state, phase, resource, statement, rule, askedAt, expiresAt, review } = body;
  const { why, end, needs, kind } = objectOf(review);
  return {
    review: id,
    kind,
    state,
    phase,
    resource,
    statement,
    rule,
    why,
    askedAt,
    expiresAt,
    needs: listOf(needs).map(({ groups, count }) => ({ groups, count })),
    ...(end === undefined ? {} : { end }),
  };
}

function objectOf(value: unknown): Json {
  return isObject(value) ? value : {};
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.map(objectOf) : [];
}
