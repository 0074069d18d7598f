import { Fault } from '../base/errors.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Secret } from '../base/secret.ts';
import type { World } from '../base/time.ts';
import type { Denial, DenyCode } from '../core/decision.ts';
import { denial } from '../core/denial.ts';
import type { Identity } from '../core/identity.ts';
import { limits as limitTable } from '../core/limits.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Ledger, Log, Recorder } from '../core/ports.ts';
import type { Admission, Claim } from '../core/protocol.ts';
import type { Resource, Session, SessionId } from '../core/session.ts';
import { actorOf } from '../gate/actor.ts';
import type { SessionGate } from '../gate/gate.ts';
import type { TokenRefusal } from '../identity/tokens.ts';
import { newSessionId } from './ids.ts';
import type { LiveSessions, SignInFailures } from './live.ts';

export interface AdmitParts {
  readonly identify: (token: Secret, user?: string) => Promise<Result<Identity, TokenRefusal>>;
  readonly resources: readonly Resource[];
  readonly live: LiveSessions;
  readonly failures: SignInFailures;
  readonly ledger: Ledger;
  readonly world: World;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly gate: (session: Session) => SessionGate;
  readonly recorder: (session: Session) => Recorder | Promise<Recorder>;
}

/** A session that was opened and written down, with what must be given back at its end. */
export interface Admitted extends Admission {
  readonly gate: SessionGate;
  readonly place: Disposable;
}

/**
 * Who is it, what do they want, may there be one more, and is it written down: in this order, and only then a session.
 * Every refusal is written down too, until an address has had so many that it is no longer listened to.
 */
// oxlint-disable-next-line max-params
export async function admit(
  parts: AdmitParts,
  claim: Claim,
  peer: string,
  ticket?: string,
): Promise<Result<Admitted, Denial>> {
  const { failures, world, live, resources } = parts;
  const at: Attempt = {
    parts,
    claim,
    peer,
    id: newSessionId(world),
    ...(ticket === undefined ? {} : { ticket }),
  };
  if (failures.tooMany(peer)) return refuse(at, tooManyFailures);

  const identified = await parts.identify(claim.token, claim.user);
  if (!identified.ok) {
    const { fault, why, subject } = identified.error;
    return refuse(at, { result: fault, class: 'SIGN_IN', why, fix: tokenFix, subject });
  }
  const identity = identified.value;
  const resource = resources.find(({ name, kind }) => name === claim.resource && kind === claim.kind);
  if (resource === undefined) {
    const why = `There is no resource of kind ${claim.kind} by that name`;
    return refuse(at, {
      result: 'no-resource',
      class: 'SIGN_IN',
      why,
      fix: resourceFix,
      subject: identity.subject,
    });
  }
  if (claim.run !== undefined && live.isStopped(identity.subject, cut(claim.run), world.now())) {
    return refuse(at, { ...runStopped, subject: identity.subject });
  }
  const place = live.place(identity.subject);
  if (typeof place === 'string') {
    parts.metrics.count('limits_total', { limit: place });
    const why = `Too many connections ${place === 'connections' ? 'to this gateway' : 'of this identity'} (limit \`${place}\`)`;
    return refuse(at, { result: 'limit', class: 'LIMIT', why, fix: placeFix, subject: identity.subject });
  }
  try {
    return ok(await open(at, { identity, resource, place }));
  } catch (thrown) {
    place[Symbol.dispose]();
    const code = thrown instanceof Fault ? thrown.code : 'bug';
    parts.metrics.count('faults_total', { code });
    parts.metrics.count('sign_ins_total', { result: 'fault' });
    parts.log('error', 'session.not-opened', { code, peer });
    const why = 'The session could not be written to the ledger, so it was not opened';
    return err(denial('NOT_WRITTEN', decisionOf(at.id), why, 'Tell the operators of this gateway'));
  }
}

interface Attempt {
  readonly parts: AdmitParts;
  readonly claim: Claim;
  readonly peer: string;
  readonly id: SessionId;
  readonly ticket?: string;
}

async function open(
  { parts, claim, peer, id, ticket }: Attempt,
  found: { readonly identity: Identity; readonly resource: Resource; readonly place: Disposable },
): Promise<Admitted> {
  const { identity, resource, place } = found;
  const { run, client } = claim;
  const startedAt = parts.world.now();
  const session: Session = {
    id,
    identity,
    resource,
    startedAt,
    peer,
    ...(run === undefined ? {} : { run: cut(run) }),
    ...(ticket === undefined ? {} : { ticket }),
  };
  await parts.ledger.append({
    kind: 'session.opened',
    at: startedAt,
    session: id,
    identity: actorOf(identity),
    resource: { name: resource.name, kind: resource.kind, tags: resource.tags },
    peer,
    ...(run === undefined ? {} : { run: cut(run) }),
    facts: factsOf(identity),
    ...(client === undefined ? {} : { client: cut(client) }),
  });
  const recorder = await parts.recorder(session);
  parts.metrics.count('sign_ins_total', { result: 'ok' });
  parts.log('info', 'session.opened', {
    session: id,
    subject: identity.subject,
    resource: resource.name,
    peer,
  });
  return { session, gate: parts.gate(session), recorder, place };
}

/** What rules may read of who asks and of whom they act for: decisions are judged again by it. */
function factsOf(identity: Identity): Readonly<Record<string, Identity['attributes']>> {
  const facts: Record<string, Identity['attributes']> = {};
  for (let at: Identity | undefined = identity; at !== undefined; at = at.actingFor)
    facts[at.subject] = at.attributes;
  return facts;
}

interface Because {
  readonly result: string; // for the metric
  readonly class: DenyCode;
  readonly why: string;
  readonly fix: string;
  readonly subject?: string | undefined;
  readonly counts?: false;
  /** Nothing that the gateway could do would let it in. */
  readonly final?: true;
}

const tooManyFailures: Because = {
  result: 'limit',
  class: 'LIMIT',
  why: 'Too many failed sign-ins from this address (limit `signInFailuresPerMinute`)',
  fix: 'Wait a minute',
  counts: false,
};
const runStopped: Because = {
  result: 'limit',
  class: 'LIMIT',
  why: 'This run was ended by a person',
  fix: 'Talk to whoever ended it; what is done now belongs to a new run',
  final: true,
};
const tokenFix = 'Give a token as the password, and its subject as the user: `sallyport token SUBJECT`';
const resourceFix = 'Give the name of a resource as the database: GET /api/v1/resources lists yours';
const placeFix = `Close some of them; beyond it ${limitTable.connections.beyond}`;

async function refuse(
  { parts, claim, peer, id }: Attempt,
  because: Because,
): Promise<{ readonly ok: false; readonly error: Denial }> {
  const { ledger, world, metrics, log, failures } = parts;
  const { result, subject } = because;
  metrics.count('sign_ins_total', { result });
  if (because.counts === false) {
    metrics.count('limits_total', { limit: 'signInFailuresPerMinute' });
  } else {
    const last = result !== 'limit' && failures.add(peer);
    log('warn', 'sign-in.refused', { result, peer, ...(last ? { silenced: true } : {}) });
    await ledger
      .append({
        kind: 'sign-in.refused',
        at: world.now(),
        resource: cut(claim.resource),
        peer,
        why: last ? `${because.why}; further ones of this address are not written for a minute` : because.why,
        ...(subject === undefined ? {} : { subject }),
      })
      .catch((thrown: unknown) => {
        // The refusal stands; that it could not be written is a failure of its own.
        metrics.count('faults_total', { code: thrown instanceof Fault ? thrown.code : 'bug' });
      });
  }
  const why = denial(because.class, decisionOf(id), because.why, because.fix);
  return err(because.final === true ? { ...why, retryable: false } : why);
}

function decisionOf(id: SessionId): string {
  return `${id}.0`;
}

/** What a client says of itself goes into entries no longer than this, without control characters. */
function cut(text: string): string {
  return text.slice(0, 256).replaceAll(/\p{C}/gu, '?');
}
