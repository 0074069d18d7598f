import type { Action } from '../core/action.ts';
import type { Decision, DecisionId, Denial } from '../core/decision.ts';
import type { Identity } from '../core/identity.ts';
import type { Ask, Waiting } from '../core/protocol.ts';
import type { ReviewId } from '../core/review.ts';
import type { Session } from '../core/session.ts';
import { bindingOf, classOf } from '../reviews/index.ts';
import type { Desk } from './desk.ts';

/** A request that a rule wants a person to look at, and what the gate does for it. */
export interface Asking {
  readonly desk: Desk;
  readonly session: Session;
  readonly request: Ask;
  readonly decision: Decision;
  /** Judges anew, by the policy that is in force now. */
  readonly judge: (action: Action) => Decision | Promise<Decision>;
  /** Numbers the decision and writes it down, in one step. */
  readonly enter: (about: (id: DecisionId) => { readonly denial?: Denial; readonly review?: ReviewId }) => {
    readonly id: DecisionId;
    readonly written: Promise<void>;
  };
}

export type Reviewed =
  /** It may run now: the approval is used up, and that is on disk. */
  | { readonly kind: 'used'; readonly id: DecisionId; readonly review: ReviewId; readonly action: Action }
  | { readonly kind: 'refused'; readonly denial: Denial; readonly written: Promise<void> };

type Facts = Pick<Waiting, 'settings' | 'within' | 'shape'>;

export function waitingFacts({ within, shape, settings }: Waiting): Facts {
  return { settings, ...(within === undefined ? {} : { within }), ...(shape === undefined ? {} : { shape }) };
}

/** What all requests of its class have in common with it at this moment. */
export function classNow(
  asking: Asking,
  facts: Facts,
  action: Action,
  decision: Decision,
): string | undefined {
  const { request } = asking;
  const bound = boundNow(asking, facts, action, decision);
  return classOf({ ...bound, shape: facts.shape ?? request.text ?? action.text });
}

/** What the request is at this moment, with the identity as the directory knows it now. */
export function bindingNow(asking: Asking, facts: Facts, action: Action, decision: Decision): string {
  return bindingOf(boundNow(asking, facts, action, decision));
}

// oxlint-disable-next-line max-params
function boundNow(
  { desk, session, request }: Asking,
  facts: Facts,
  action: Action,
  decision: Decision,
): Parameters<typeof bindingOf>[0] {
  const known = desk.parts.people.find(session.identity.subject);
  const gone: Identity = { ...session.identity, groups: ['(gone)'] };
  return {
    identity: known === undefined ? gone : { ...known, proof: session.identity.proof },
    resource: session.resource,
    action,
    text: request.text ?? action.text,
    ...(facts.within === undefined ? {} : { within: facts.within }),
    ...(request.values === undefined ? {} : { values: request.values }),
    settings: facts.settings,
    duties: decision.duties,
    policy: decision.policy.digest,
  };
}
