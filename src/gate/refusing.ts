import { Fault } from '../base/errors.ts';
import { never } from '../base/result.ts';
import type { Action } from '../core/action.ts';
import {
  type Decision,
  type DecisionId,
  type Denial,
  type DenyCode,
  noDuties,
  type Outcome,
  type Refusal,
  type RuleRef,
} from '../core/decision.ts';
import { denial, denialOf } from '../core/denial.ts';
import { modelUseOf } from '../core/duties.ts';
import type { Policy } from '../core/ports.ts';

// What the gate itself says where the policy has the word no more, or none at all. Each is a deny.

/** An answer whose values cannot be traced to their columns cannot be masked: the duty says whether it may run at all. */
export function traceable(decision: Decision, action: Action): Decision {
  const { masks, finds, unknownLineage } = decision.duties;
  if (decision.kind === 'deny' || action.opaque !== true || unknownLineage !== 'deny') return decision;
  if (masks.length === 0 && finds.length === 0) return decision;
  return deniedFor(decision, 'lineage', {
    code: 'LINEAGE',
    why: 'It cannot be told which columns the values of this answer come from, so they cannot be masked',
    fix: ['Select columns of tables by name, without functions of your own'],
  });
}

/** A rule wants a model to read the answer, and none can: none is configured, it finds nothing of what is asked for, or this kind of resource gives it nothing. */
export function readable(decision: Decision, isRead: boolean): Decision {
  if (decision.kind === 'deny' || isRead || modelUseOf(decision.duties.finds) !== 'required') return decision;
  return deniedFor(decision, 'mask', {
    code: 'LINEAGE',
    why: 'A model must read this answer before it is shown, and none can: none is configured, or it does not find what the rule asks for',
    fix: [
      'Configure a model that finds it (`ner` in sallyport.yaml, with `labels`), or say `model: where-possible` in the rule',
    ],
  });
}

/** A deny because of what rules demand: these rules come first. */
export function deniedFor(
  decision: Decision,
  demand: string,
  said: { readonly code: DenyCode; readonly why: string; readonly fix: readonly string[] },
): Decision {
  const by = demanding(decision, demand);
  const others = decision.because.filter((rule) => !by.includes(rule));
  return { ...decision, kind: 'deny', ...said, because: [...by, ...others] };
}

/** What the rules that demand this say about a fix. */
export function fixesFor(decision: Decision, demand: string): readonly string[] {
  return demanding(decision, demand).flatMap((rule) => (rule.fix === undefined ? [] : [rule.fix]));
}

function demanding(decision: Decision, demand: string): readonly RuleRef[] {
  return decision.because.filter((rule) => rule.demands?.includes(demand) === true);
}

/** A ticket's run is bound to its approval: what needs none any more is another decision than the one that was approved. */
export function elsewise(decision: Decision): Decision {
  return {
    ...decision,
    kind: 'deny',
    code: 'REVIEW_VOID',
    why: 'The policy says something else now than when this was approved',
    fix: ['Send it again: it is judged by what holds now'],
    cacheable: false,
  };
}

/** The breaker has tripped for its run, which gets nothing for this long. */
export function pausedFor(decision: Decision, ms: number): Decision {
  return {
    ...decision,
    kind: 'deny',
    code: 'LIMIT',
    why: 'This run was denied the same again and again, so it is paused',
    fix: [`Wait ${Math.ceil(ms / 1_000)} s, and do something else than what was denied`],
    cacheable: false,
  };
}

export function reviewUnavailable(decision: Decision, id: DecisionId): Denial {
  const groups = [...new Set(decision.duties.approve.flatMap((each) => each.groups))];
  return {
    ...denialOf(decision, id),
    class: 'REVIEW_UNAVAILABLE',
    why: `This needs a review${groups.length > 0 ? ` by ${groups.join(' or ')}` : ''}, and none can be given yet: ${decision.why}`,
  };
}

/** What became of an approval that was used up: the state of its review, and why. */
export function endOf(outcome: Outcome): readonly ['done' | 'void' | 'unknown', string] {
  switch (outcome.kind) {
    case 'ok':
    case 'cut':
      return ['done', 'It ran'];
    case 'unsent':
      return ['void', 'It was never sent'];
    case 'error':
      return outcome.code === 'unknown'
        ? ['unknown', 'The connection ended while it ran: whether it took effect is not known']
        : ['done', `It ran and failed with ${outcome.code}`];
    default:
      return never(outcome);
  }
}

export function notWritten(id: DecisionId, thrown: unknown): Refusal {
  const code = thrown instanceof Fault ? thrown.code : 'ledger';
  return {
    kind: 'refusal',
    denial: denial(
      'NOT_WRITTEN',
      id,
      `The decision could not be written to the ledger (${code}), so nothing was sent`,
      'Tell the operators of this gateway: it refuses everything until its ledger can be written again',
    ),
  };
}

export const noPolicy: Decision = {
  kind: 'deny',
  code: 'NO_POLICY',
  because: [],
  why: 'No policy is in force, or it is older than allowed',
  fix: ['Tell the operators of this gateway: its policy could not be loaded'],
  duties: noDuties,
  policy: { digest: '' },
  wouldBe: [],
  cacheable: false,
};

export function policyError(policy: Policy, message: string): Decision {
  return {
    ...noPolicy,
    code: 'POLICY_ERROR',
    why: `The policy failed: ${message}`,
    fix: [],
    policy: policy.id,
  };
}
