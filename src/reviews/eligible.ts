import type { ApproveDuty } from '../core/decision.ts';
import type { Actor } from '../core/entry.ts';
import type { Counted } from '../core/review.ts';

/** Somebody who may be asked, as the directory knows them now. */
export interface Person {
  readonly subject: string;
  readonly kind: Actor['kind'];
  readonly groups: readonly string[];
  readonly actingFor?: unknown;
}

/** The same text for two subjects that are one human. */
export type HumanOf = (subject: string) => string;

type Not = Omit<Extract<Counted, { kind: 'not-counted' }>, 'kind'>;

/**
 * Why this person's answer cannot count; undefined when it can. Nobody is above it: not an administrator, not the owner of
 * the agent that asks.
 */
export function unfit(
  by: Person,
  of: { readonly requester: Actor; readonly needs: readonly ApproveDuty[] },
  human: HumanOf,
): Not | undefined {
  if (by.kind !== 'human' || by.actingFor !== undefined) {
    return {
      code: 'not-a-person',
      why:
        by.kind === 'human'
          ? 'A sign-in that acts for somebody else cannot answer: sign in as yourself'
          : 'Only people answer reviews, never agents or workloads',
    };
  }
  const self = human(by.subject);
  if (chain(of.requester).some((subject) => human(subject) === self)) {
    return {
      code: 'own-request',
      why: 'Nobody answers a request of their own, of their agent, or of another account of theirs',
    };
  }
  if (!of.needs.some(({ groups }) => groups.some((group) => by.groups.includes(group)))) {
    return { code: 'not-in-group', why: `Only ${asked(of.needs)} can answer this` };
  }
  return undefined;
}

/** Whether all of these people together could give what is needed. */
export function couldApprove(
  people: readonly Person[],
  of: { readonly requester: Actor; readonly needs: readonly ApproveDuty[] },
  human: HumanOf,
): boolean {
  const fit = people.filter((person) => unfit(person, of, human) === undefined);
  return isEnough(of.needs, fit, human);
}

/**
 * Whether these people's approvals are what the duties ask for: `count` distinct humans for each duty, and nobody counts
 * for two of them.
 */
export function isEnough(needs: readonly ApproveDuty[], people: readonly Person[], human: HumanOf): boolean {
  const groupsOf = new Map<string, Set<string>>();
  for (const { subject, groups } of people) {
    const known = groupsOf.get(human(subject)) ?? new Set<string>();
    for (const group of groups) known.add(group);
    groupsOf.set(human(subject), known);
  }
  const humans = [...groupsOf.values()];
  // One place for each approval that is needed; a matching of humans to places (augmenting paths, a handful of both).
  const places = needs.flatMap(({ groups, count }) => Array.from({ length: count }, () => groups));
  const holder = new Map<number, number>(); // human -> place
  const seat = (place: number, tried: Set<number>): boolean => {
    for (const [at, groups] of humans.entries()) {
      if (tried.has(at) || !places[place]?.some((group) => groups.has(group))) continue;
      tried.add(at);
      const held = holder.get(at);
      if (held === undefined || seat(held, tried)) {
        holder.set(at, place);
        return true;
      }
    }
    return false;
  };
  return places.every((_, place) => seat(place, new Set()));
}

/** `2 of dba or leads, and 1 of security`. */
export function asked(needs: readonly ApproveDuty[]): string {
  return needs.map(({ groups, count }) => `${count} of ${groups.join(' or ')}`).join(', and ');
}

function chain(actor: Actor): readonly string[] {
  return [actor.subject, ...(actor.actingFor === undefined ? [] : chain(actor.actingFor))];
}
