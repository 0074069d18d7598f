import { Fault } from '../../base/errors.ts';
import type { World } from '../../base/time.ts';
import type { Decision } from '../../core/decision.ts';
import { noDuties } from '../../core/decision.ts';
import { denialOf } from '../../core/denial.ts';
import type { Identity } from '../../core/identity.ts';
import type { Ledger, Policy } from '../../core/ports.ts';
import type { SessionId } from '../../core/session.ts';
import { actorOf } from '../../gate/actor.ts';
import { newSessionId } from '../ids.ts';
import { gatewayResource, ownAttributes, type OwnVerb, type Recorded } from './own.ts';
import { problem, type ProblemAnswer } from './route.ts';

export interface JudgeParts {
  readonly policy: () => Policy | undefined;
  readonly ledger: Ledger;
  readonly world: World;
}

export interface Asked {
  readonly verb: OwnVerb;
  readonly own: boolean;
  /** The session it is about. */
  readonly of?: SessionId;
  readonly recorded?: Recorded;
}

/** What the policy says to a use of the API, without writing anything down. */
export function decideOwn(parts: JudgeParts, caller: Identity, asked: Asked): Decision {
  const policy = parts.policy();
  if (policy === undefined) return noPolicy;
  const at = parts.world.now();
  try {
    return policy.decide({
      identity: caller,
      resource: gatewayResource,
      action: {
        verb: asked.verb,
        access: 'read',
        targets: [{ kind: 'record', name: asked.of ?? '*', access: 'read' }],
        columns: [],
        attributes: ownAttributes(asked.own, asked.recorded),
        text: '',
        notes: [],
      },
      session: { id: newSessionId(parts.world), startedAt: at },
      at,
    });
  } catch {
    return { ...noPolicy, code: 'POLICY_ERROR', why: 'The policy failed', policy: policy.id };
  }
}

/**
 * Judges a use of the API by policy and writes it down; gives the refusal, or nothing when it may go on.
 * No byte of the answer leaves before the entry is on disk.
 */
export async function judge(
  parts: JudgeParts,
  caller: Identity,
  asked: Asked,
): Promise<ProblemAnswer | undefined> {
  const decision = decideOwn(parts, caller, asked);
  const allowed = decision.kind === 'allow';
  const refused = await writeDown(parts, caller, { ...asked, decision }, allowed);
  if (refused !== undefined) return refused;
  if (allowed) return undefined;
  const denial = denialOf(decision, `api.${newSessionId(parts.world)}` as Parameters<typeof denialOf>[1]);
  return problem(403, decision.why, {
    denial: decision.kind === 'review' ? { ...denial, class: 'REVIEW_UNAVAILABLE' } : denial,
  });
}

/** Writes down that somebody read the record; gives a refusal when that is not possible. */
export async function writeDown(
  parts: JudgeParts,
  caller: Identity,
  asked: Omit<Asked, 'verb' | 'own'> & { readonly verb: string; readonly decision?: Decision },
  allowed: boolean,
): Promise<ProblemAnswer | undefined> {
  const { verb, of, decision } = asked;
  try {
    await parts.ledger.append({
      kind: 'record.read',
      at: parts.world.now(),
      identity: actorOf(caller),
      verb,
      ...(of === undefined ? {} : { of }),
      allowed,
      ...(decision === undefined
        ? {}
        : { rules: decision.because.map(({ id }) => id), policy: decision.policy.digest }),
    });
    return undefined;
  } catch (thrown) {
    return unwritten(thrown, 'nothing is shown');
  }
}

/** The answer where the ledger failed, and what follows from that; throws on what is no Fault. */
export function unwritten(thrown: unknown, so: string = 'nothing counts'): ProblemAnswer {
  if (!(thrown instanceof Fault)) throw thrown;
  return problem(503, `The ledger cannot be written, so ${so}`);
}

const noPolicy: Decision = {
  kind: 'deny',
  code: 'NO_POLICY',
  because: [],
  why: 'No policy is in force, or it is older than allowed',
  fix: [],
  duties: noDuties,
  policy: { digest: '' },
  wouldBe: [],
  cacheable: false,
};
