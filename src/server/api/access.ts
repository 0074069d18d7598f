import { array, object, optional, string } from '../../base/check.ts';
import { duration, instant, timestamp } from '../../base/time.ts';
import type { Requestable } from '../../core/access.ts';
import type { Identity } from '../../core/identity.ts';
import type { Resource } from '../../core/session.ts';
import type { Review, ReviewDigest, ReviewId } from '../../core/review.ts';
import type { Access } from '../../gate/access.ts';
import type { Desk } from '../../gate/desk.ts';
import { isAsked, isOwn } from '../../gate/votes.ts';
import { shortTime } from '../../policy/limits.ts';
import type { StoredReview } from '../../reviews/index.ts';
import { decideOwn, type JudgeParts, unwritten, writeDown } from './judge.ts';
import { json, problem, type Answer, type ApiRequest, type Route } from './route.ts';
import { list, ref } from './schemas.ts';

export interface AccessRouteParts extends JudgeParts {
  readonly desk: Desk;
  readonly access: Access;
  readonly resources: readonly Resource[];
  readonly listener: (kind: string) => string | undefined;
}

export type AccessState = 'waiting' | 'granted' | 'denied' | 'expired' | 'revoked' | 'withdrawn' | 'void';

export const accessStates: readonly AccessState[] = [
  'waiting',
  'granted',
  'denied',
  'expired',
  'revoked',
  'withdrawn',
  'void',
];

/** A request for access, or what became of it. */
export interface AccessShown {
  readonly id: string;
  readonly state: AccessState;
  readonly identity: string;
  readonly resource: string;
  readonly verbs: readonly string[];
  readonly rule: string;
  readonly for: string; // `1h`
  readonly until?: string;
  readonly mayAnswer: boolean;
  readonly mayRevoke: boolean;
  readonly own: boolean;
  readonly askedAt: string;
  readonly expiresAt: string;
  readonly review: Review;
}

/** One line of the catalogue: what one may do on a resource now, and what one may ask for. */
export interface CatalogueEntry {
  readonly id: string;
  readonly kind: string;
  readonly tags: readonly string[];
  readonly address?: string;
  readonly verbs: readonly string[];
  readonly onRequest: readonly {
    readonly rule: string;
    readonly at: string;
    readonly why?: string;
    readonly verbs: readonly string[];
    readonly access?: readonly string[];
    readonly approve: readonly { readonly groups: readonly string[]; readonly count: number }[];
    readonly longest: string;
    readonly ticket?: string;
  }[];
  readonly grants: readonly {
    readonly id: string;
    readonly rule: string;
    readonly verbs: readonly string[];
    readonly until: string;
  }[];
}

const errors = {
  400: 'The body or a parameter is not as described',
  401: 'No token, or one that is not accepted',
  403: 'It does not count; `code` and `detail` say why. The attempt is written down',
  404: 'There is none by this id or name, or it is not yours to see',
  409: '`code` and `detail` say why not',
  503: 'No policy is in force, or the ledger cannot be written',
};
const some = (...of: readonly (keyof typeof errors)[]): Readonly<Record<number, string>> =>
  Object.fromEntries(of.map((status) => [status, errors[status]]));
const noJson = { 415: 'The body is not JSON' };

/** Everything about access for a time. An agent may ask; only people answer. */
export function accessRoutes(parts: AccessRouteParts): readonly Route[] {
  const requests = '/api/v1/access/requests';
  return [
    {
      method: 'get',
      path: '/api/v1/access',
      summary: 'What you may reach now, what you may ask for, of whom and for how long',
      gives: {
        schema: list(ref('CatalogueEntry')),
        about: 'The resources; a hint, every request is judged on its own',
      },
      errors: some(401, 503),
      run: (request) => catalogue(parts, request.caller()),
    },
    {
      method: 'get',
      path: requests,
      summary:
        'Requests for access that are yours, that you may answer, or all where the policy lets you read the record',
      query: {
        state: { about: 'Only in this state', schema: { type: 'string', enum: accessStates } },
        limit: {
          about: 'At most so many (1 to 1000; 100 when absent)',
          schema: { type: 'integer', minimum: 1, maximum: 1_000, default: 100 },
        },
      },
      gives: { schema: list(ref('AccessRequest')), about: 'The requests, newest first' },
      errors: some(400, 401, 503),
      run: (request) => listed(parts, request),
    },
    {
      method: 'post',
      path: requests,
      summary: 'Asks for access for a time; asking for the same while it waits gives the same request',
      body: ref('AccessWanted'),
      gives: {
        schema: ref('AccessRequest'),
        about: 'The request, which waits for the people that the rule names',
      },
      errors: { ...some(400, 401, 404, 409, 503), ...noJson },
      run: (request) => ask(parts, request),
    },
    {
      method: 'get',
      path: `${requests}/:id`,
      summary: 'One request for access',
      gives: { schema: ref('AccessRequest'), about: 'The request' },
      errors: some(401, 404, 503),
      run: (request) => shown(parts, request),
    },
    ...(['approve', 'deny'] as const).map((vote): Route => ({
      method: 'post',
      path: `${requests}/:id/${vote}`,
      summary:
        vote === 'approve' ? 'Approves exactly what was asked for' : 'Refuses; one refusal ends the request',
      body: ref('AccessAnswer'),
      gives: { schema: ref('AccessRequest'), about: 'The answer counts' },
      errors: { ...some(400, 401, 403, 404, 409, 503), ...noJson },
      run: (request) => answer(parts, request, vote),
    })),
    {
      method: 'post',
      path: `${requests}/:id/revoke`,
      summary:
        'Ends access at once, with the sessions that used it: for who has it, who may approve it, and who may `access.revoke`',
      body: ref('AccessAnswer'),
      gives: { schema: ref('AccessRequest'), about: 'It has ended' },
      errors: { ...some(400, 401, 404, 409, 503), ...noJson },
      run: (request) => revoke(parts, request),
    },
  ];
}

function stateOf(parts: AccessRouteParts, { id, state }: StoredReview): AccessState {
  switch (state) {
    case 'waiting':
    case 'expired':
      return state;
    case 'refused':
      return 'denied';
    case 'withdrawn':
      return parts.access.until(id) === undefined ? 'withdrawn' : 'revoked';
    case 'approved':
      return parts.access.isLive(id) ? 'granted' : 'void';
    case 'running':
    case 'done':
    case 'unknown':
    case 'void':
    default:
      return 'void';
  }
}

function form(
  parts: AccessRouteParts,
  review: StoredReview,
  caller: Identity,
  card: Review = parts.desk.card(review, caller),
): AccessShown {
  const { desk, access } = parts;
  const state = stateOf(parts, review);
  const until = access.until(review.id);
  const own = isOwn(review, caller);
  const open = state === 'waiting' || state === 'granted';
  return {
    id: review.id,
    state,
    identity: review.identity.subject,
    resource: review.resource.name,
    verbs: review.scope?.verbs ?? [],
    rule: review.scope?.rule ?? '',
    for: shortTime(review.scope?.forMs ?? 0),
    ...(until === undefined ? {} : { until: timestamp(until) }),
    mayAnswer: state === 'waiting' && isAsked(desk.parts, review, caller),
    mayRevoke: open && (own || isAsked(desk.parts, review, caller) || isAdmin(parts, caller)),
    own,
    askedAt: timestamp(review.askedAt),
    expiresAt: timestamp(review.expiresAt),
    review: card,
  };
}

function isAdmin(parts: AccessRouteParts, caller: Identity): boolean {
  return decideOwn(parts, caller, { verb: 'access.revoke', own: false }).kind === 'allow';
}

/** SECURITY: who is not asked, did not ask, and may neither read the record nor revoke sees nothing of it. */
function sees(parts: AccessRouteParts, review: StoredReview, caller: Identity): boolean {
  const { desk } = parts;
  if (isOwn(review, caller) || isAsked(desk.parts, review, caller) || isAdmin(parts, caller)) return true;
  return decideOwn(parts, caller, { verb: 'record.read', own: false, of: review.session }).kind === 'allow';
}

function find(parts: AccessRouteParts, id: string): StoredReview | undefined {
  const found = parts.desk.find(id.slice(0, 64));
  return found?.kind === 'access' ? found : undefined;
}

async function catalogue(parts: AccessRouteParts, caller: Identity): Promise<Answer> {
  const policy = parts.policy();
  if (policy === undefined) return problem(503, 'No policy is in force, so everything is denied');
  const refused = await writeDown(parts, caller, { verb: 'access.list' }, true);
  if (refused !== undefined) return refused;
  const grants = parts.access.of(caller);
  return json(
    parts.resources.flatMap((resource): readonly CatalogueEntry[] => {
      const { name, kind, tags } = resource;
      const reach = policy.reach?.(caller, resource);
      if (reach === undefined || reach.verbs.length + reach.onRequest.length === 0) return [];
      const address = parts.listener(kind);
      return [
        {
          id: name,
          kind,
          tags,
          ...(address === undefined ? {} : { address }),
          verbs: reach.verbs,
          onRequest: reach.onRequest.map(offer),
          grants: grants
            .filter((grant) => grant.resource === name)
            .map(({ id, rule, verbs, until }) => ({ id, rule, verbs, until: timestamp(until) })),
        },
      ];
    }),
  );
}

function offer({
  rule,
  verbs,
  access,
  approve,
  longestMs,
  ticket,
}: Requestable): CatalogueEntry['onRequest'][number] {
  return {
    rule: rule.id,
    at: `${rule.at.file}:${rule.at.line}:${rule.at.col}`,
    ...(rule.why === undefined ? {} : { why: rule.why }),
    verbs,
    ...(access === undefined ? {} : { access }),
    approve: approve.map(({ groups, count }) => ({ groups, count })),
    longest: shortTime(longestMs),
    ...(ticket === undefined ? {} : { ticket }),
  };
}

async function listed(parts: AccessRouteParts, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const { limit = '100', state } = request.query;
  if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > 1_000) {
    return problem(400, 'limit: Expected a whole number from 1 to 1000');
  }
  if (state !== undefined && !accessStates.some((each) => each === state)) {
    return problem(400, `state: Expected ${accessStates.join(', ')}`);
  }
  const refused = await writeDown(parts, caller, { verb: 'access.list' }, true);
  if (refused !== undefined) return refused;
  const { desk } = parts;
  const seesAll =
    isAdmin(parts, caller) || decideOwn(parts, caller, { verb: 'record.list', own: false }).kind === 'allow';
  const found = desk
    .list({ limit: 5_000 })
    .filter((review) => review.kind === 'access')
    .filter((review) => seesAll || isOwn(review, caller) || isAsked(desk.parts, review, caller))
    .filter((review) => state === undefined || stateOf(parts, review) === state)
    .slice(0, Number(limit));
  const cards = desk.cards(found, caller);
  return json(found.map((review, at) => form(parts, review, caller, cards[at])));
}

const wantedBody = object({
  resource: string({ max: 256 }),
  verbs: optional(array(string({ max: 128 }), { min: 1, max: 100 })),
  rule: optional(string({ max: 256 })),
  for: optional(string({ pattern: /^\d{1,9}(s|m|h|d)$/, what: 'a time such as 1h' })),
  reason: string({ max: 2_000 }),
  ticket: optional(string({ max: 200 })),
});

async function ask(parts: AccessRouteParts, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const body = wantedBody(request.body, '');
  if (!body.ok) return problem(400, 'The body is not as described', { problems: body.error });
  const { resource: name, for: span, verbs, rule, reason, ticket } = body.value;
  const resource = parts.resources.find((each) => each.name === name);
  try {
    const asked =
      resource === undefined
        ? ({ kind: 'not', code: 'nothing', why: '' } as const)
        : await parts.access.ask(caller, resource, {
            reason,
            ...(verbs === undefined ? {} : { verbs }),
            ...(rule === undefined ? {} : { rule }),
            ...(span === undefined ? {} : { forMs: duration(span) ?? NaN }),
            ...(ticket === undefined ? {} : { ticket }),
          });
    if (asked.kind === 'asked') return json(form(parts, asked.review, caller));
    const refused = await writeDown(parts, caller, { verb: 'access.request' }, false);
    if (refused !== undefined) return refused;
    // SECURITY: a resource that one may ask nothing of looks like one that is not there.
    if (asked.code === 'nothing') {
      return problem(404, 'There is no such resource, or nothing of it that you may ask for', {
        code: 'nothing',
      });
    }
    return problem(asked.code === 'no-policy' ? 503 : 409, asked.why, { code: asked.code });
  } catch (thrown) {
    return unwritten(thrown);
  }
}

async function shown(parts: AccessRouteParts, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const review = find(parts, request.parameter('id'));
  const allowed = review !== undefined && sees(parts, review, caller);
  const refused = await writeDown(parts, caller, { verb: 'access.read' }, allowed);
  if (refused !== undefined) return refused;
  if (!allowed) return missing;
  parts.desk.seen(review.id, caller);
  return json(form(parts, review, caller));
}

const missing = problem(404, 'There is no such request, or it is not yours to see');

const answerBody = object({
  digest: optional(string({ pattern: /^[0-9a-f]{64}$/, what: "a request's digest" })),
  reason: optional(string({ max: 2_000 })),
  via: optional(string({ pattern: /^(cli|console|api)$/, what: 'cli, console or api' })),
});

async function answer(
  parts: AccessRouteParts,
  request: ApiRequest,
  vote: 'approve' | 'deny',
): Promise<Answer> {
  const caller = request.caller();
  const body = answerBody(request.body, '');
  if (!body.ok) return problem(400, 'The body is not as described', { problems: body.error });
  const { digest, reason, via = 'api' } = body.value;
  const id = request.parameter('id').slice(0, 64);
  const review = find(parts, id);
  try {
    const counted = await parts.desk.answer({
      review: (review?.id ?? 'none') as ReviewId, // one that is no request for access is not found
      digest: (digest ?? review?.digest ?? '') as ReviewDigest,
      vote: vote === 'approve' ? 'approve' : 'refuse',
      via,
      by: caller,
      signedInAt: caller.proof.signedInAt ?? instant(0),
      ...(reason === undefined ? {} : { reason }),
    });
    const now = find(parts, id);
    if (counted.kind === 'counted') return now === undefined ? missing : json(form(parts, now, caller));
    const { code, why } = counted;
    if (code === 'unknown-review') return missing;
    return problem(code === 'ended' || code === 'voted-already' ? 409 : 403, why, { code: code });
  } catch (thrown) {
    return unwritten(thrown);
  }
}

async function revoke(parts: AccessRouteParts, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const body = answerBody(request.body, '');
  if (!body.ok) return problem(400, 'The body is not as described', { problems: body.error });
  const { reason, via = 'api' } = body.value;
  const id = request.parameter('id').slice(0, 64);
  try {
    const admin = isAdmin(parts, caller);
    const done = await parts.access.revoke(id, caller, {
      admin,
      via,
      ...(reason === undefined ? {} : { reason }),
    });
    const review = find(parts, id);
    if (done === 'not-yours' || review === undefined) return missing;
    if (done === 'over') return problem(409, `It is over: ${review.end ?? review.state}`, { code: 'ended' });
    return json(form(parts, review, caller));
  } catch (thrown) {
    return unwritten(thrown);
  }
}
