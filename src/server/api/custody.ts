import { timestamp } from '../../base/time.ts';
import { boolean, type Check, object, optional, string } from '../../base/check.ts';
import { Fault } from '../../base/errors.ts';
import type { HoldScope } from '../../core/entry.ts';
import type { SessionId } from '../../core/session.ts';
import { actorOf } from '../../gate/actor.ts';
import type { Custodian } from '../custodian.ts';
import { judge, type JudgeParts } from './judge.ts';
import { json, problem, type Answer, type ApiRequest, type Route } from './route.ts';
import { list, ref } from './schemas.ts';

const errors = {
  400: 'The body is not as described',
  401: 'No token, or one that is not accepted',
  403: 'The policy denies it',
  415: 'The body is not JSON',
  503: 'No policy is in force, or the ledger cannot be read or written',
};

/** Legal holds, erasure and the key of the ledger, judged as `record.hold`, `record.erase` and `record.rotate`. */
export function custodyRoutes(parts: JudgeParts, custodian: Custodian): readonly Route[] {
  return [
    {
      method: 'get',
      path: '/api/v1/holds',
      summary: 'The legal holds in force, oldest first',
      gives: { schema: list(ref('Hold')), about: 'The holds' },
      errors: { 401: errors[401], 403: errors[403], 503: errors[503] },
      run: (request) => orUnavailable(() => holds(parts, custodian, request)),
    },
    {
      method: 'post',
      path: '/api/v1/holds',
      summary: 'Holds sessions: neither retention nor an order erases them until the hold is removed',
      body: ref('NewHold'),
      gives: { schema: ref('Hold'), about: 'The hold' },
      errors,
      run: (request) => orUnavailable(() => add(parts, custodian, request)),
    },
    {
      method: 'post',
      path: '/api/v1/holds/:id/remove',
      summary: 'Removes a hold',
      body: ref('Reason'),
      gives: { schema: ref('Removed'), about: 'It is removed' },
      errors: { ...errors, 404: 'There is no such hold' },
      run: (request) => orUnavailable(() => remove(parts, custodian, request)),
    },
    {
      method: 'post',
      path: '/api/v1/erasures',
      summary: 'Erases sessions by destroying their keys; what is held or still open stays',
      body: ref('NewErasure'),
      gives: { schema: ref('Erasure'), about: 'What was erased, and what was not' },
      errors,
      run: (request) => orUnavailable(() => erase(parts, custodian, request)),
    },
    {
      method: 'post',
      path: '/api/v1/ledger/rotate-key',
      summary: "Lets a new key follow the ledger's while it goes on; the old one signs it",
      gives: { schema: ref('KeyRotated'), about: 'Both keys, and the entry that says so' },
      errors: { 401: errors[401], 403: errors[403], 503: errors[503] },
      run: (request) => orUnavailable(() => rotate(parts, custodian, request)),
    },
  ];
}

const word = string({
  pattern: /^[^\s\p{C}]{1,128}$/u,
  what: 'a word of 1 to 128 characters without spaces',
});
const reason = string({ pattern: /^[^\p{Cc}]{1,1000}$/u, what: 'a line of 1 to 1000 characters' });
const scope = { session: optional(word), identity: optional(word), resource: optional(word) };
const newHold = object({ ...scope, reason });
const newErasure = object({
  ...scope,
  expired: optional(boolean),
  reason: optional(reason),
  dryRun: optional(boolean),
});

async function holds(parts: JudgeParts, custodian: Custodian, request: ApiRequest): Promise<Answer> {
  const refused = await judge(parts, request.caller(), { verb: 'record.hold', own: false });
  if (refused !== undefined) return refused;
  const found = await custodian.holds();
  return json(found.map(({ id, at, by, scope: of }) => ({ id, at: timestamp(at), by, ...of })));
}

async function add(parts: JudgeParts, custodian: Custodian, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const read = bodyOf(newHold, request);
  if ('problem' in read) return read;
  const of = scopeOf(read.value);
  if (of === undefined) return problem(400, 'Say what is held: session, identity or resource');
  const refused = await judge(parts, caller, { verb: 'record.hold', own: false });
  if (refused !== undefined) return refused;
  const id = await custodian.addHold(actorOf(caller), of, read.value.reason);
  return json({ id, at: timestamp(parts.world.now()), by: caller.subject, ...of });
}

async function remove(parts: JudgeParts, custodian: Custodian, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const read = bodyOf(object({ reason }), request);
  if ('problem' in read) return read;
  const refused = await judge(parts, caller, { verb: 'record.hold', own: false });
  if (refused !== undefined) return refused;
  const id = request.parameter('id').slice(0, 64);
  const gone = await custodian.removeHold(actorOf(caller), id, read.value.reason);
  return gone ? json({ id }) : problem(404, 'There is no such hold');
}

async function erase(parts: JudgeParts, custodian: Custodian, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const read = bodyOf(newErasure, request);
  if ('problem' in read) return read;
  const { expired, dryRun = false, reason: why = 'By order' } = read.value;
  const of = scopeOf(read.value);
  const what = expired === true ? 'expired' : of;
  // SECURITY: an empty scope would be everything.
  if (what === undefined || (expired === true && of !== undefined))
    return problem(400, 'Say what is erased: session, identity or resource, or expired alone');
  const refused = await judge(parts, caller, {
    verb: 'record.erase',
    own: false,
    ...(of?.session === undefined ? {} : { of: of.session }),
  });
  if (refused !== undefined) return refused;
  const done = await custodian.erase(actorOf(caller), what, { why, dryRun });
  return json({ ...done, dryRun });
}

async function rotate(parts: JudgeParts, custodian: Custodian, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const refused = await judge(parts, caller, { verb: 'record.rotate', own: false });
  return refused ?? json(await custodian.rotate(actorOf(caller)));
}

function scopeOf(given: {
  readonly session?: string;
  readonly identity?: string;
  readonly resource?: string;
}): HoldScope | undefined {
  const { session, identity, resource } = given;
  if (session === undefined && identity === undefined && resource === undefined) return undefined;
  return {
    ...(session === undefined ? {} : { session: session as SessionId }), // compared with those of the ledger
    ...(identity === undefined ? {} : { identity }),
    ...(resource === undefined ? {} : { resource }),
  };
}

function bodyOf<T>(
  check: Check<T>,
  { body }: ApiRequest,
): { readonly value: T } | ReturnType<typeof problem> {
  const read = check(body, '');
  return read.ok
    ? { value: read.value }
    : problem(400, 'The body is not as described', { problems: read.error });
}

async function orUnavailable(run: () => Promise<Answer>): Promise<Answer> {
  try {
    return await run();
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    return problem(503, 'The ledger cannot be read or written, so nothing was done');
  }
}
