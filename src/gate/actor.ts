import type { Actor } from '../core/entry.ts';
import type { Identity } from '../core/identity.ts';

/** Who it is, as entries name them. */
export function actorOf(identity: Omit<Identity, 'proof'>): Actor {
  return {
    subject: identity.subject,
    kind: identity.kind,
    groups: identity.groups,
    ...(identity.actingFor === undefined ? {} : { actingFor: actorOf(identity.actingFor) }),
  };
}
