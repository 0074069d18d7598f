import { object, string } from '../../base/check.ts';
import { timestamp } from '../../base/time.ts';
import type { Identity } from '../../core/identity.ts';
import type { Protocol } from '../../core/protocol.ts';
import type { SessionId } from '../../core/session.ts';
import { actorOf } from '../../gate/actor.ts';
import type { Desk } from '../../gate/desk.ts';
import type { Access } from '../../gate/access.ts';
import { accessRoutes } from './access.ts';
import { explain, type ExplainParts } from './explain.ts';
import { decideOwn, judge, writeDown } from './judge.ts';
import { openapi } from './openapi.ts';
import { reachable } from './reach.ts';
import type { Reveal } from '../reveal.ts';
import type { Tickets } from '../tickets.ts';
import { decisionsRoute, type Recorded } from './decisions.ts';
import type { Records, SessionSummary } from './records.ts';
import type { Custodian } from '../custodian.ts';
import { custodyRoutes } from './custody.ts';
import { type FindSessions, sessionListRoute } from './session-list.ts';
import { recordingRoutes, type Scenes } from './recordings.ts';
import { revealRoute } from './reveal.ts';
import { reviewRoutes } from './reviews.ts';
import { json, problem, type Answer, type ApiRequest, type Route } from './route.ts';
import { searchRoute, type FindEntries } from './search.ts';
import type { PolicySource, PolicySourceStatus } from '../policy-source.ts';
import type { ProposedTag } from '../proposals.ts';
import { list, ref } from './schemas.ts';

export interface ApiParts extends ExplainParts {
  readonly desk: Desk;
  readonly access: Access;
  readonly tickets: Tickets;
  /** Ends a session that is open now; false when it is not. */
  readonly endSession: (id: string, by: string) => boolean;
  /**
   * Ends all open sessions of a run, or those of one identity, and lets nothing of it in again for a while; gives the ids of
   * those it ended.
   */
  readonly endRun: (run: string, by: string, of: string | undefined) => Promise<readonly string[]>;
  readonly version: string;
  readonly records: Records;
  /** Absent: decisions are not given in their order here. */
  readonly recorded?: Recorded | undefined;
  /** Absent: entries cannot be searched here. */
  readonly findEntries?: FindEntries | undefined;
  /** Absent: sessions are found by identity, resource and run only. */
  readonly findSessions?: FindSessions | undefined;
  /** Absent: there are no recordings to play here. */
  readonly scenes?: Scenes | undefined;
  /** Absent: nothing is held or erased here. */
  readonly custodian?: Custodian | undefined;
  /** Absent: tokens are not undone here. */
  readonly reveal?: Reveal | undefined;
  readonly protocols: readonly Protocol[];
  /** `host:port` of the listener for a kind of resource. */
  readonly listener: (kind: string) => string | undefined;
  readonly policyStatus: () => PolicyStatus;
  /** Absent: nothing is proposed here. */
  readonly proposedTags?: (() => Promise<readonly ProposedTag[]>) | undefined;
  /** Takes a signed bundle; what was wrong with it otherwise. */
  readonly pushPolicy?: PolicySource['push'] | undefined;
  /** The parts of the program and what is wrong with each; `ok` where nothing is. */
  readonly readiness: () => Readonly<Record<string, string>>;
  readonly metrics: { readonly contentType: string; readonly text: () => Promise<string> };
}

/** Of a gateway whose policy does not follow a source only the first lines. */
export type PolicyStatus = Pick<PolicySourceStatus, 'loaded' | 'problems'> & Partial<PolicySourceStatus>;

const unauthorised = { 401: 'No token, or one that is not accepted' };
const judged = {
  ...unauthorised,
  403: 'The policy denies it',
  503: 'No policy is in force, or the ledger cannot be written',
};
const notFound = { 404: 'There is none by this id, or the policy lets the caller see none of it' };

/** All of the API. */
export function routes(parts: ApiParts): readonly Route[] {
  const all: Route[] = [
    {
      method: 'get',
      path: '/healthz',
      open: true,
      summary: 'Whether the process runs',
      gives: { schema: ref('Health'), about: 'It runs' },
      errors: {},
      run: () => json({ ok: true }),
    },
    {
      method: 'get',
      path: '/readyz',
      open: true,
      summary: 'Whether it can serve: policy loaded, ledger writable, listeners up',
      gives: { schema: ref('Readiness'), about: 'It can' },
      errors: { 503: 'It cannot; `parts` says which part is not ready' },
      run: () => readiness(parts),
    },
    {
      method: 'get',
      path: '/metrics',
      open: true,
      summary: "Metrics in Prometheus' text format",
      gives: { schema: { type: 'string' }, type: 'text/plain', about: 'The metrics' },
      errors: {},
      run: async () => ({ status: 200, text: await parts.metrics.text(), type: parts.metrics.contentType }),
    },
    {
      method: 'get',
      path: '/openapi.json',
      open: true,
      summary: 'This document',
      gives: { schema: { type: 'object' }, about: 'An OpenAPI 3.1 document' },
      errors: {},
      run: () => json(openapi(all, parts.version)),
    },
    {
      method: 'get',
      path: '/api/v1/me',
      summary: 'Who the token says you are, and what the directory says of you now',
      gives: { schema: ref('Me'), about: 'You' },
      errors: unauthorised,
      run: (request) => json(me(request.caller())),
    },
    {
      method: 'get',
      path: '/api/v1/resources',
      summary: 'The resources that some rule lets you reach',
      gives: { schema: list(ref('Resource')), about: 'Them' },
      errors: unauthorised,
      run: (request) => json(resources(parts, request.caller())),
    },
    sessionListRoute(parts),
    {
      method: 'get',
      path: '/api/v1/sessions/:id',
      summary: 'One session with its statements; `last` names your newest',
      gives: { schema: ref('Session'), about: 'The session' },
      errors: { ...judged, ...notFound },
      run: (request) => session(parts, request),
    },
    {
      method: 'post',
      path: '/api/v1/sessions/:id/kill',
      summary: 'Ends an open session within a second, whatever it does; judged as `session.kill`',
      body: ref('Nothing'),
      gives: { schema: ref('Killed'), about: 'It is being ended' },
      errors: { ...judged, ...notFound, 409: 'It is not open', 415: 'The body is not JSON' },
      run: (request) => kill(parts, request),
    },
    {
      method: 'post',
      path: '/api/v1/runs/kill',
      summary:
        'Ends every open session of a run, over all protocols, withdraws what it asked people for, and lets it in no more for ten minutes; your own sessions alone where the policy lets you end no others',
      body: ref('RunNamed'),
      gives: { schema: ref('RunKilled'), about: 'They are being ended' },
      errors: { 400: 'The body names no run', ...judged, 415: 'The body is not JSON' },
      run: (request) => killRun(parts, request),
    },
    {
      method: 'get',
      path: '/api/v1/decisions/:id',
      summary: 'One decision: what was asked, what was decided, by which rules, and how it ended',
      gives: { schema: ref('Decision'), about: 'The decision' },
      errors: { ...judged, ...notFound },
      run: (request) => decision(parts, request),
    },
    {
      method: 'post',
      path: '/api/v1/explain',
      summary: 'What the policy in force would decide on a statement; nothing is executed',
      body: ref('Question'),
      gives: { schema: ref('Explanation'), about: 'A decision for each statement' },
      errors: {
        400: 'The body is not a question',
        ...judged,
        404: 'No such identity or resource',
        413: 'The body is too large',
        415: 'The body is not JSON',
      },
      run: (request) => explain(parts, request),
    },
    {
      method: 'get',
      path: '/api/v1/policy/status',
      summary: 'Which policy is in force, and what is wrong with a newer one',
      gives: { schema: ref('PolicyStatus'), about: 'The state of the policy' },
      errors: judged,
      run: async (request) =>
        (await judge(parts, request.caller(), { verb: 'policy.read', own: false })) ??
        json(parts.policyStatus()),
    },
    {
      method: 'get',
      path: '/api/v1/tags/proposed',
      summary:
        'Tags for columns that have none, from what detectors found since the gateway started; no value',
      gives: { schema: list(ref('ProposedTag')), about: 'One for each column' },
      errors: judged,
      run: async (request) =>
        (await judge(parts, request.caller(), { verb: 'policy.read', own: false })) ??
        json((await parts.proposedTags?.()) ?? []),
    },
    {
      method: 'post',
      path: '/api/v1/policy/bundles',
      summary: 'Brings a signed policy into force; the rules in force say who may',
      body: ref('Bundle'),
      gives: { schema: ref('PolicyStatus'), about: 'The state of the policy, with this one in force' },
      errors: {
        ...judged,
        409: 'It is not signed by a trusted key, is older, does not load, or this gateway takes none',
        413: 'The body is too large',
        415: 'The body is not JSON',
      },
      run: (request) => pushPolicy(parts, request),
    },
    ...(parts.recorded === undefined ? [] : [decisionsRoute(parts, parts.recorded)]),
    ...(parts.findEntries === undefined ? [] : [searchRoute(parts, parts.findEntries)]),
    ...recordingRoutes(parts),
    ...(parts.custodian === undefined ? [] : custodyRoutes(parts, parts.custodian)),
    ...(parts.reveal === undefined ? [] : [revealRoute(parts.reveal)]),
    ...reviewRoutes(parts),
    ...accessRoutes(parts),
  ];
  return all;
}

async function pushPolicy(parts: ApiParts, request: ApiRequest): Promise<Answer> {
  const refused = await judge(parts, request.caller(), { verb: 'policy.push', own: false });
  if (refused !== undefined) return refused;
  const pushed = await parts.pushPolicy?.(JSON.stringify(request.body));
  if (pushed?.ok === true) return json(parts.policyStatus());
  const problems = pushed?.error ?? ['This gateway takes no bundles'];
  return problem(409, problems[0] ?? 'It was refused', {
    problems: problems.map((message) => ({ path: 'bundle', message })),
  });
}

function readiness(parts: ApiParts): Answer {
  const states = parts.readiness();
  const ready = Object.values(states).every((state) => state === 'ok');
  return json({ ready, parts: states }, ready ? 200 : 503);
}

function me(caller: Identity): object {
  return { ...actorOf(caller), tokenExpiresAt: timestamp(caller.proof.expiresAt) };
}

function resources(parts: ApiParts, caller: Identity): readonly object[] {
  return parts.resources
    .filter((resource) => {
      const protocol = parts.protocols.find(({ name }) => name === resource.kind);
      return protocol !== undefined && reachable(parts, { caller, resource, protocol });
    })
    .map(({ name, kind, tags }) => {
      const address = parts.listener(kind);
      return { id: name, name, kind, tags, ...(address === undefined ? {} : { address }) };
    });
}

async function session(parts: ApiParts, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const given = request.parameter('id');
  const id = given === 'last' ? await lastOf(parts, caller) : given;
  const found = id === undefined ? undefined : await parts.records.session(id);
  return show(parts, caller, found);
}

/** The caller's newest session. Only its id is taken here: reading it is judged like any other. */
async function lastOf(parts: ApiParts, caller: Identity): Promise<string | undefined> {
  const [newest] = await parts.records.sessions({ limit: 1, identity: caller.subject });
  return newest?.id;
}

/** Who may not end others' sessions learns nothing from a wrong id either. */
async function kill(parts: ApiParts, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const id = request.parameter('id').slice(0, 64);
  const found = await parts.records.session(id);
  const own = found !== undefined && isOwn(found, caller);
  const of = found?.id as SessionId | undefined; // the store has it
  const refused = await judge(parts, caller, {
    verb: 'session.kill',
    own,
    ...(of === undefined ? {} : { of }),
  });
  if (refused !== undefined) return refused;
  if (found === undefined) return problem(404, 'There is no such session');
  if (!parts.endSession(id, caller.subject)) return problem(409, 'The session is not open');
  return json({ session: id, by: caller.subject });
}

const runNamed = object({ run: string({ max: 256 }) });

async function killRun(parts: ApiParts, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const read = runNamed(request.body, '');
  if (!read.ok || read.value.run === '') return problem(400, 'The body names no run');
  const { run } = read.value;
  const all = decideOwn(parts, caller, { verb: 'session.kill', own: false }).kind === 'allow';
  const refused = await judge(parts, caller, { verb: 'session.kill', own: !all });
  if (refused !== undefined) return refused;
  const sessions = await parts.endRun(run, caller.subject, all ? undefined : caller.subject);
  return json({ run, by: caller.subject, sessions });
}

async function decision(parts: ApiParts, request: ApiRequest): Promise<Answer> {
  const found = await parts.records.decision(request.parameter('id'));
  return show(parts, request.caller(), found);
}

/** Judges and writes down the reading of one record. Who may not read others' learns nothing from a wrong id either. */
async function show(
  parts: ApiParts,
  caller: Identity,
  found: { readonly id: string; readonly identity: { readonly subject: string } } | undefined,
): Promise<Answer> {
  const missing = problem(404, 'There is no such record, or it is not yours to see');
  if (found === undefined) {
    const asked = { verb: 'record.read', own: false } as const;
    return (await writeDown(parts, caller, asked, false)) ?? missing;
  }
  const of = found.id.split('.')[0] as SessionId; // the store made it from a session's id
  const own = isOwn(found, caller);
  const refused = await judge(parts, caller, { verb: 'record.read', own, of });
  if (refused === undefined) return json(found);
  return own || refused.problem.status !== 403 ? refused : missing;
}

function isOwn(
  found: { readonly identity: { readonly subject: string } } | SessionSummary,
  caller: Identity,
): boolean {
  return found.identity.subject === caller.subject;
}
