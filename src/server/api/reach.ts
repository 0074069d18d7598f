import type { Access, Action } from '../../core/action.ts';
import type { Identity } from '../../core/identity.ts';
import type { Policy } from '../../core/ports.ts';
import type { Protocol } from '../../core/protocol.ts';
import type { Resource } from '../../core/session.ts';
import type { JudgeParts } from './judge.ts';

const accesses: readonly Access[] = ['read', 'write', 'define', 'administer', 'execute'];

/**
 * Whether some rule may let this identity do something here. Asks the policy for every verb of the protocol without
 * naming a target. A hint for listings only, never a decision: what is really asked for is judged on its own.
 */
export function reachable(
  parts: JudgeParts,
  of: { readonly caller: Identity; readonly resource: Resource; readonly protocol: Protocol },
): boolean {
  const policy = parts.policy();
  if (policy === undefined) return false;
  return Object.keys(of.protocol.verbs).some((verb) =>
    accesses.some((access) => mayAsk(parts, policy, { ...of, verb, access })),
  );
}

const nothing = { string: '', number: 0, boolean: false, strings: [] } as const;

/** Every attribute that the protocol's actions have, saying nothing: a rule that reads one must not fail for want of it. */
function silent({ attributes }: Protocol): Action['attributes'] {
  return Object.fromEntries(Object.entries(attributes).map(([name, type]) => [name, nothing[type]]));
}

function mayAsk(
  parts: JudgeParts,
  policy: Policy,
  asked: {
    readonly caller: Identity;
    readonly resource: Resource;
    readonly protocol: Protocol;
    readonly verb: string;
    readonly access: Access;
  },
): boolean {
  const at = parts.world.now();
  const { caller: identity, resource, protocol, verb, access } = asked;
  try {
    const decision = policy.decide({
      identity,
      resource,
      action: { verb, access, targets: [], columns: [], attributes: silent(protocol), text: '', notes: [] },
      session: { id: 'reach' as Parameters<Policy['decide']>[0]['session']['id'], startedAt: at },
      at,
    });
    // A rule that came close (its words about targets or conditions failed) may match a real statement.
    const open = policy.consult !== undefined && decision.code === 'POLICY_ERROR'; // said by a server, when it is asked
    return decision.kind !== 'deny' || decision.nearest !== undefined || open;
  } catch {
    return false;
  }
}
