import type { World } from '../base/time.ts';
import type { DecisionId, Denial } from '../core/decision.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Ledger } from '../core/ports.ts';
import type { Ask } from '../core/protocol.ts';
import type { Session } from '../core/session.ts';
import { actorOf } from './actor.ts';
import type { Breaker } from './breaker.ts';
import type { Notify } from './notice.ts';

interface IncidentParts {
  readonly ledger: Ledger;
  readonly world: World;
  readonly metrics: Metrics;
  readonly notify?: Notify;
  /** Counts what is denied again and again; absent: nobody does. */
  readonly breaker?: Breaker;
}

/** The denial with what it is worth to ask again, and the entry of the incident where it was once too often. */
export function counted(
  { breaker, world, ledger, metrics, notify }: IncidentParts,
  session: Session,
  { action, text }: Ask,
  denied: Denial,
): { readonly why: Denial; readonly incident?: Promise<void> } {
  const about = { action, text: text ?? action.text, denial: denied };
  const count = breaker?.count(session, about, world.now());
  if (count === undefined) return { why: denied };
  const { attemptsLeft, denials, tripped } = count;
  const again = `The same was denied ${denials} times: to ask again gets the same answer`;
  const fix = attemptsLeft > 1 ? denied.fix : [...denied.fix, again];
  const why = { ...denied, fix, attemptsLeft };
  if (!tripped) return { why };
  metrics.count('breakers_total', { resource: session.resource.name });
  const decision = denied.decisionId as DecisionId; // the gate's own
  notify?.(['operators'], {
    decision,
    kind: 'deny',
    rule: denied.rule ?? denied.class,
    subject: session.identity.subject,
    resource: session.resource.name,
    verb: action.verb,
  });
  const incident = ledger.append({
    kind: 'incident',
    at: world.now(),
    session: session.id,
    identity: actorOf(session.identity),
    resource: session.resource.name,
    what: 'breaker',
    decision,
    verb: action.verb,
    targets: action.targets,
    ...(denied.rule === undefined ? {} : { rule: denied.rule }),
    denials,
    ...(session.run === undefined ? {} : { run: session.run }),
  });
  incident.catch(() => undefined); // whoever refuses awaits it
  return { why, incident };
}
