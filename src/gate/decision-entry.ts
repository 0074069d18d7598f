import type { Instant } from '../base/time.ts';
import type { Action } from '../core/action.ts';
import type { Decision, DecisionId, Denial } from '../core/decision.ts';
import { dutyNames } from '../core/duties.ts';
import type { Actor, DecisionEntry } from '../core/entry.ts';
import type { Ask } from '../core/protocol.ts';
import type { ReviewId } from '../core/review.ts';
import type { Session } from '../core/session.ts';

export type Writable<T> = { -readonly [K in keyof T]: T[K] };

export type EntryFacts = Omit<DecisionEntry, 'at' | 'id' | 'denial' | 'sealed' | 'demands'> & {
  readonly opaque: boolean;
};

// oxlint-disable-next-line max-params
/** What every entry of this decision in this session says. */
export function entryFacts(session: Session, actor: Actor, action: Action, decision: Decision): EntryFacts {
  return {
    kind: 'decision',
    session: session.id,
    identity: actor,
    resource: session.resource.name,
    decision: decision.kind,
    verb: action.verb,
    access: action.access,
    targets: action.targets,
    columns: action.columns,
    attributes: action.attributes,
    opaque: action.opaque === true,
    rules: decision.because.map((rule) => rule.id),
    wouldBe: decision.wouldBe.map((rule) => rule.id),
    duties: dutyNames(decision),
    policy: decision.policy.digest,
    ...(decision.policy.commit === undefined ? {} : { commit: decision.policy.commit }),
    ...(decision.kind === 'deny' || decision.grants === undefined ? {} : { grants: decision.grants }),
  };
}

/** Field by field: what is spread into a literal is copied many times slower, and this is made for every statement. */
export function entryOf(
  facts: EntryFacts,
  at: Instant,
  id: DecisionId,
  {
    request,
    why,
    review: of,
  }: { readonly request: Ask; readonly why: Denial | undefined; readonly review: ReviewId | undefined },
): Writable<DecisionEntry> {
  const text = request.text ?? request.action.text;
  const { values } = request;
  const entry: Writable<DecisionEntry> = {
    kind: 'decision',
    at,
    id,
    session: facts.session,
    identity: facts.identity,
    resource: facts.resource,
    decision: facts.decision,
    verb: facts.verb,
    access: facts.access,
    targets: facts.targets,
    columns: facts.columns,
    attributes: facts.attributes,
    opaque: facts.opaque,
    rules: facts.rules,
    wouldBe: facts.wouldBe,
    duties: facts.duties,
    policy: facts.policy,
    sealed: values === undefined ? { text } : { text, values },
  };
  if (facts.commit !== undefined) entry.commit = facts.commit;
  if (facts.grants !== undefined) entry.grants = facts.grants;
  if (why !== undefined) entry.denial = why;
  if (of !== undefined) entry.review = of;
  return entry;
}
