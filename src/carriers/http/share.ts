import type { Session } from '../../core/session.ts';

/** Whose share of a resource's connections a request takes: an agent's owner's, so that many agents of one person have one. */
export function shareOf({ identity }: Session): string {
  let owner = identity;
  while (owner.actingFor !== undefined) owner = owner.actingFor;
  return owner.subject;
}
