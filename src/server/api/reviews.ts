import { boolean, number, object, optional, string } from '../../base/check.ts';
import { duration, instant, timestamp } from '../../base/time.ts';
import type { ClassTerms } from '../../core/decision.ts';
import type { Identity } from '../../core/identity.ts';
import type { Review, ReviewDigest, ReviewId, ReviewState } from '../../core/review.ts';
import type { Desk } from '../../gate/desk.ts';
import { isAsked, isOwn } from '../../gate/votes.ts';
import { figuresOf, type StoredReview } from '../../reviews/index.ts';
import { decideOwn, judge, type JudgeParts, unwritten, writeDown } from './judge.ts';
import { json, problem, type Answer, type ApiRequest, type Route } from './route.ts';
import type { Tickets } from '../tickets.ts';
import { list, ref } from './schemas.ts';

export interface ReviewParts extends JudgeParts {
  readonly desk: Desk;
  readonly tickets: Tickets;
}

/** A state in one of few words, for those who list: what is used up is `used`, whether it runs, has run, or nobody knows. */
const words: Readonly<Record<ReviewState, ReviewWord>> = {
  waiting: 'waiting',
  approved: 'approved',
  running: 'used',
  done: 'used',
  unknown: 'used',
  refused: 'denied',
  expired: 'expired',
  withdrawn: 'withdrawn',
  void: 'withdrawn',
};

export type ReviewWord = 'waiting' | 'approved' | 'denied' | 'expired' | 'withdrawn' | 'used';

/** A review as the API shows it: `phase` is the exact state, `mayAnswer` whether the caller is one of those who are asked. */
export interface ReviewShown {
  readonly id: string;
  readonly state: ReviewWord;
  readonly phase: ReviewState;
  readonly identity: string;
  readonly resource: string;
  readonly statement: string;
  readonly rule: string;
  readonly mayAnswer: boolean;
  readonly own: boolean;
  readonly askedAt: string;
  readonly expiresAt: string;
  readonly review: Review;
}

const answered = {
  400: 'The body is not as described',
  401: 'No token, or one that is not accepted',
  403: 'It does not count; `code` and `detail` say why. The attempt is written down',
  404: 'There is no such review, or it is not yours to see',
  503: 'The ledger cannot be written',
};

/** Everything about reviews. */
export function reviewRoutes(parts: ReviewParts): readonly Route[] {
  return [
    {
      method: 'get',
      path: '/api/v1/reviews',
      summary:
        'Reviews that you may answer, or asked for; all where the policy lets you read the record. Newest first',
      query: {
        state: {
          about: 'Only in this state',
          schema: { type: 'string', enum: [...new Set(Object.values(words))] },
        },
        limit: {
          about: 'At most so many (1 to 1000; 100 when absent)',
          schema: { type: 'integer', minimum: 1, maximum: 1_000, default: 100 },
        },
      },
      gives: { schema: list(ref('Review')), about: 'The reviews' },
      errors: { 400: 'A parameter is not as described', 401: answered[401], 503: answered[503] },
      run: (request) => listed(parts, request),
    },
    {
      method: 'get',
      path: '/api/v1/reviews/figures',
      summary:
        'How reviews are answered: latency, refusals, time-outs, approvals nobody looked at; judged as `record.list`',
      query: {
        days: {
          about: 'Of the reviews asked for in so many days (1 to 30; 7 when absent)',
          schema: { type: 'integer', minimum: 1, maximum: 30, default: 7 },
        },
      },
      gives: { schema: ref('ReviewFigures'), about: 'The figures; times in milliseconds' },
      errors: {
        400: 'A parameter is not as described',
        401: answered[401],
        403: 'The policy denies it',
        503: answered[503],
      },
      run: (request) => figures(parts, request),
    },
    {
      method: 'get',
      path: '/api/v1/reviews/grants',
      summary:
        'Grants for a class that may still be used: those you could approve, or that hold for you; all where the policy lets you read the record',
      gives: {
        schema: list(ref('Review')),
        about: 'The reviews that gave them; `review.granted` has how much is left',
      },
      errors: { 401: answered[401], 503: answered[503] },
      run: (request) => grants(parts, request),
    },
    {
      method: 'get',
      path: '/api/v1/reviews/:id',
      summary: 'One review with everything that is known of the request',
      gives: { schema: ref('Review'), about: 'The review' },
      errors: { 401: answered[401], 404: answered[404], 503: answered[503] },
      run: (request) => shown(parts, request),
    },
    {
      method: 'get',
      path: '/api/v1/reviews/:id/result',
      summary:
        'What your approved ticket answered; runs it, once, where it has not run. For its requester only',
      gives: { schema: ref('TicketResult'), about: 'The result, after the masks' },
      errors: {
        401: answered[401],
        404: answered[404],
        409: 'There is no result, or not yet; `code` is `not-yet` or `none`',
        503: answered[503],
      },
      run: (request) => result(parts, request),
    },
    {
      method: 'post',
      path: '/api/v1/reviews/:id/revoke',
      summary:
        'Ends the grant for a class that this review gave; for those who could approve it, and who has it',
      body: ref('ReviewAnswer'),
      gives: { schema: ref('Review'), about: 'It is revoked' },
      errors: { ...answered, 409: 'There is no such grant, or it is over' },
      run: (request) => revoke(parts, request),
    },
    ...(['approve', 'refuse'] as const).map((vote): Route => ({
      method: 'post',
      path: `/api/v1/reviews/:id/${vote}`,
      summary:
        vote === 'approve'
          ? 'Approves exactly what the digest names, once'
          : 'Refuses; one refusal ends the review',
      body: ref('ReviewAnswer'),
      gives: { schema: ref('Review'), about: 'The answer counts' },
      errors: { ...answered, 409: 'The review is over, or you have answered', 415: 'The body is not JSON' },
      run: (request) => answer(parts, request, vote),
    })),
    {
      method: 'post',
      path: '/api/v1/reviews/:id/withdraw',
      summary: 'Takes your own request back',
      body: ref('ReviewAnswer'),
      gives: { schema: ref('Review'), about: 'It is withdrawn' },
      errors: { ...answered, 409: 'The review is over' },
      run: (request) => withdraw(parts, request),
    },
  ];
}

function form(
  parts: ReviewParts,
  review: StoredReview,
  caller: Identity,
  card: Review = parts.desk.card(review, caller),
): ReviewShown {
  const { desk } = parts;
  return {
    id: card.id,
    state: words[card.state],
    phase: card.state,
    identity: card.identity.subject,
    resource: card.resource.name,
    statement: card.text,
    rule: card.rules[0]?.id ?? '',
    mayAnswer: card.state === 'waiting' && isAsked(desk.parts, review, caller),
    own: isOwn(review, caller),
    askedAt: timestamp(card.askedAt),
    expiresAt: timestamp(card.expiresAt),
    review: card,
  };
}

/** SECURITY: who is not asked, did not ask, and may not read the record sees nothing of it, not even that it is there. */
function sees(parts: ReviewParts, review: StoredReview, caller: Identity): boolean {
  const { desk } = parts;
  if (isOwn(review, caller) || isAsked(desk.parts, review, caller)) return true;
  return decideOwn(parts, caller, { verb: 'record.read', own: false, of: review.session }).kind === 'allow';
}

async function listed(parts: ReviewParts, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const { limit = '100', state } = request.query;
  if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > 1_000) {
    return problem(400, 'limit: Expected a whole number from 1 to 1000');
  }
  const states = (Object.keys(words) as ReviewState[]).filter((each) => words[each] === state); // its own keys
  if (state !== undefined && states.length === 0) {
    return problem(400, `state: Expected ${[...new Set(Object.values(words))].join(', ')}`);
  }
  const refused = await writeDown(parts, caller, { verb: 'review.list' }, true);
  if (refused !== undefined) return refused;
  const { desk } = parts;
  const seesAll = decideOwn(parts, caller, { verb: 'record.list', own: false }).kind === 'allow';
  const found = desk
    .list({ limit: seesAll ? Number(limit) : 5_000, ...(state === undefined ? {} : { states }) })
    .filter((review) => seesAll || isOwn(review, caller) || isAsked(desk.parts, review, caller))
    .slice(0, Number(limit));
  const cards = desk.cards(found, caller);
  return json(found.map((review, at) => form(parts, review, caller, cards[at])));
}

const figuresOver = 10_000;

async function figures(parts: ReviewParts, request: ApiRequest): Promise<Answer> {
  const { days = '7' } = request.query;
  if (!/^\d{1,2}$/.test(days) || Number(days) < 1 || Number(days) > 30) {
    return problem(400, 'days: Expected a whole number from 1 to 30');
  }
  const refused = await judge(parts, request.caller(), { verb: 'record.list', own: false });
  if (refused !== undefined) return refused;
  const since = instant(parts.world.now() - Number(days) * 86_400_000);
  return json({ days: Number(days), ...figuresOf(parts.desk.parts.store.since(since, figuresOver)) });
}

async function shown(parts: ReviewParts, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const review = parts.desk.find(request.parameter('id'));
  const allowed = review !== undefined && sees(parts, review, caller);
  const refused = await writeDown(
    parts,
    caller,
    { verb: 'review.read', ...(review === undefined ? {} : { of: review.session }) },
    allowed,
  );
  if (refused !== undefined) return refused;
  if (!allowed) return missing;
  parts.desk.seen(review.id, caller);
  return json(form(parts, review, caller));
}

const missing = problem(404, 'There is no such review, or it is not yours to see');

const answerBody = object({
  /** What was shown: an answer to something else does not count. Absent: what the review is about now, which cannot change. */
  digest: optional(string({ pattern: /^[0-9a-f]{64}$/, what: "a review's digest" })),
  reason: optional(string({ max: 2_000 })),
  via: optional(string({ pattern: /^(cli|console|api)$/, what: 'cli, console or api' })),
  /** An approval of the class of the request. */
  class: optional(
    object({
      for: string({ max: 20, what: 'a time such as 30m' }),
      count: number({ min: 2, max: 1_000, integer: true }),
    }),
  ),
  /** Each request of its class that waits too; what is far more than this one is left out. */
  alike: optional(boolean),
});

/** `undefined` where `for` is no time. */
function termsOf(asked: { readonly for: string; readonly count: number }): ClassTerms | undefined {
  const forMs = duration(asked.for);
  return forMs === undefined ? undefined : { forMs, count: asked.count };
}

async function answer(parts: ReviewParts, request: ApiRequest, vote: 'approve' | 'refuse'): Promise<Answer> {
  const caller = request.caller();
  const body = answerBody(request.body, '');
  if (!body.ok) return problem(400, 'The body is not as described', { problems: body.error });
  const { digest, reason, via = 'api', class: asked, alike } = body.value;
  const terms = asked === undefined ? undefined : termsOf(asked);
  if (asked !== undefined && terms === undefined)
    return problem(400, 'class.for: Expected a time such as 30m or 2h');
  const id = request.parameter('id');
  const review = parts.desk.find(id);
  try {
    const counted = await parts.desk.answer({
      review: id.slice(0, 64) as ReviewId, // what is not one is not found
      digest: (digest ?? review?.digest ?? '') as ReviewDigest,
      vote,
      via,
      by: caller,
      signedInAt: caller.proof.signedInAt ?? instant(0),
      ...(reason === undefined ? {} : { reason }),
      ...(terms === undefined ? {} : { class: terms }),
    });
    if (counted.kind === 'counted') {
      if (alike === true && vote === 'approve' && review !== undefined) {
        await parts.desk.answerAlike(review, {
          by: caller,
          via,
          ...(reason === undefined ? {} : { reason }),
        });
      }
      const now = parts.desk.find(id);
      return now === undefined ? missing : json(form(parts, now, caller));
    }
    const { code, why } = counted;
    if (code === 'unknown-review') return missing;
    const status = code === 'ended' || code === 'voted-already' ? 409 : 403;
    return problem(status, why, { code: code });
  } catch (thrown) {
    return unwritten(thrown);
  }
}

/** SECURITY: for who asked and nobody else, whatever else they may read: it is what that one's rights showed. */
async function result(parts: ReviewParts, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const id = request.parameter('id').slice(0, 64);
  const review = parts.desk.find(id);
  const allowed = review?.identity.subject === caller.subject;
  const refused = await writeDown(
    parts,
    caller,
    { verb: 'review.result', ...(review === undefined ? {} : { of: review.session }) },
    allowed,
  );
  if (refused !== undefined) return refused;
  if (!allowed) return missing;
  const found = await parts.tickets.fetch(id);
  if (found.kind !== 'result') return problem(409, found.why, { code: found.kind });
  return json({ review: id, state: found.review.state, ...found.result });
}

async function grants(parts: ReviewParts, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const refused = await writeDown(parts, caller, { verb: 'review.list' }, true);
  if (refused !== undefined) return refused;
  const { store, world } = parts.desk.parts;
  const found = store.grants(world.now()).flatMap(({ id }) => parts.desk.find(id) ?? []);
  return json(
    found.filter((review) => sees(parts, review, caller)).map((review) => form(parts, review, caller)),
  );
}

async function revoke(parts: ReviewParts, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const body = answerBody(request.body, '');
  if (!body.ok) return problem(400, 'The body is not as described', { problems: body.error });
  const { reason } = body.value;
  const id = request.parameter('id').slice(0, 64);
  try {
    const done = await parts.desk.grants.revoke(id, {
      by: caller,
      ...(reason === undefined ? {} : { reason }),
    });
    const review = parts.desk.find(id);
    if (done === 'not-yours' || review === undefined) return missing;
    if (done === 'over') return problem(409, 'There is no grant that could be revoked', { code: 'ended' });
    return json(form(parts, review, caller));
  } catch (thrown) {
    return unwritten(thrown);
  }
}

async function withdraw(parts: ReviewParts, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const id = request.parameter('id');
  try {
    const done = await parts.desk.withdraw(id.slice(0, 64), caller, 'api');
    const review = parts.desk.find(id);
    if (done === 'not-yours' || review === undefined) return missing;
    if (done === 'ended')
      return problem(409, `The review is over: ${review.end ?? review.state}`, { code: 'ended' });
    return json(form(parts, review, caller));
  } catch (thrown) {
    return unwritten(thrown);
  }
}
