import { instant } from '../base/time.ts';
import type { DecisionId, RuleRef } from '../core/decision.ts';
import type { Entry } from '../core/entry.ts';
import type { Ask } from '../core/protocol.ts';
import type { Review, ReviewDigest, ReviewId } from '../core/review.ts';
import type { Session } from '../core/session.ts';
import { visible } from '../reviews/index.ts';
import { actorOf } from './actor.ts';

/** Somebody went past soft rules, as they may, with a reason and a ticket. */
export interface Broken {
  readonly id: DecisionId;
  readonly at: number;
  readonly session: Session;
  readonly request: Ask;
  readonly rules: readonly RuleRef[];
  readonly policy: string;
}

/** An entry of its own: whoever looks for broken glass need not read decisions. */
export function glassEntry({ id, at, session, request, rules, policy }: Broken): Entry {
  const { reason = '', ticket = '' } = request.stated ?? {};
  return {
    kind: 'break-glass',
    at: instant(at),
    session: session.id,
    decision: id,
    identity: actorOf(session.identity),
    resource: session.resource.name,
    verb: request.action.verb,
    access: request.action.access,
    rules: rules.map((rule) => rule.id),
    policy,
    stated: { reason, ticket },
  };
}

/** What channels show at once: nobody is asked, everybody is told. */
export function glassCard({ id, at, session, request, rules, policy }: Broken): Review {
  const { action, stated } = request;
  const { reason = '', ticket = '' } = stated ?? {};
  const { name, kind, tags } = session.resource;
  return {
    id: `glass_${id}` as ReviewId, // no review: nothing can be answered by it
    digest: '' as ReviewDigest,
    state: 'done',
    kind: 'break-glass',
    decision: id,
    askedAt: instant(at),
    expiresAt: instant(at),
    endedAt: instant(at),
    end: `${session.identity.subject} broke the glass: nobody was asked`,
    identity: actorOf(session.identity),
    resource: { name, kind, tags },
    verb: action.verb,
    access: action.access,
    targets: action.targets,
    columns: action.columns,
    text: visible(request.text ?? action.text),
    settings: {},
    risk: {
      score: 100,
      level: 'critical',
      reasons: [{ feature: 'break-glass', points: 100, why: 'A soft rule was passed in an emergency' }],
    },
    rules,
    why: rules[0]?.why ?? 'A soft rule was passed',
    needs: [],
    votes: [],
    policy,
    history: { asked: 0, approved: 0, refused: 0 },
    stated: { reason: visible(reason), ticket: visible(ticket) },
  };
}
